/* Campaigns of updates go on, every ten seconds of event time while there are any: see clerk.h. */
#include "switch/desk/update_turn.h"
#include "switch/followup/clerk_state.h"

enum status clerk_update(struct clerk *clerk, int64_t wall_us)
{
    bool is_any = false;
    int64_t turn = wall_us / UPDATE_TURN_US;
    if (!clerk->has_updates || clerk->update_turn == turn) {
        return STATUS_OK;
    }
    enum status status = update_turn(clerk->desk, wall_us, &is_any);
    if (status == STATUS_OK) {
        clerk->update_turn = turn;
        clerk->has_updates = is_any;
        clerk->is_all_due = clerk->is_all_due || is_any;
    }
    return clerk_fault(clerk, status);
}
