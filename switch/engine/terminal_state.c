/* See terminal_state.h. */
#include "switch/engine/terminal_state.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/text.h"

static uint32_t terminal_hash(const char terminal_id[9])
{
    uint64_t word = 0;
    memcpy(&word, terminal_id, sizeof(word));
    return (uint32_t)hash_mix(word);
}

uint32_t terminal_set_find(const struct terminal_set *set, const char terminal_id[9])
{
    struct slot_probe probe = slot_index_begin(&set->index, terminal_hash(terminal_id));
    uint32_t place = slot_index_next(&set->index, &probe);
    while (place != 0 && memcmp(set->states[place].terminal_id, terminal_id, 8) != 0) {
        place = slot_index_next(&set->index, &probe);
    }
    return place;
}

uint32_t terminal_set_enroll(struct terminal_set *set, const char terminal_id[9],
                             const char merchant_id[16])
{
    uint32_t place = terminal_set_find(set, terminal_id);
    if (place != 0) {
        memcpy(set->states[place].merchant_id, merchant_id, 16); /* it may have been rebound */
        return place;
    }
    if (set->count == set->count_max) {
        return 0;
    }
    place = ++set->count;
    struct terminal_state *state = &set->states[place];
    memcpy(state->terminal_id, terminal_id, sizeof(state->terminal_id));
    memcpy(state->merchant_id, merchant_id, sizeof(state->merchant_id));
    slot_index_put(&set->index, terminal_hash(terminal_id), place);
    return place;
}

void terminal_set_sign_on(struct terminal_set *set, uint32_t place, uint32_t batch, int64_t wall_us)
{
    REQUIRE(place > 0 && place <= set->count);
    struct terminal_state *state = &set->states[place];
    set->signed_on_count += state->is_signed_on ? 0 : 1;
    state->is_signed_on = true;
    if (state->batch != batch) {
        state->stan_highest = 0;
        state->settled_as = BATCH_ASKED;
        memset(&state->totals, 0, sizeof(state->totals));
    }
    state->batch = batch;
    state->signed_on_wall_us = wall_us;
}

void terminal_set_sign_off(struct terminal_set *set, uint32_t place)
{
    REQUIRE(place > 0 && place <= set->count);
    struct terminal_state *state = &set->states[place];
    set->signed_on_count -= state->is_signed_on ? 1 : 0;
    state->is_signed_on = false;
}
