/* See clerk.h: its life, what it sees, and time. Flags stand in clerk_flag.c, effects in
 * clerk_effect.c, campaigns in clerk_update.c. */
#include "switch/followup/clerk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/desk/case_book.h"
#include "switch/followup/case_draft.h"
#include "switch/followup/clerk_state.h"

#define HOUR_US INT64_C(3600000000)
#define DAY_US (24 * HOUR_US)
#define PAGE_COUNT 64
#define ROUND_COUNT_MAX 256 /* pages of cases that one TIME wakes: the rest is told by the next */

enum status clerk_fault(struct clerk *clerk, enum status status)
{
    if (status != STATUS_OK && clerk->reason[0] == '\0') {
        snprintf(clerk->reason, sizeof(clerk->reason), "%s",
                 status == STATUS_NO_MEMORY ? "no memory" : desk_reason(clerk->desk));
    }
    return status;
}

const char *clerk_reason(const struct clerk *clerk)
{
    return clerk->reason;
}

uint32_t clerk_waiting_count(const struct clerk *clerk)
{
    return wait_table_count(clerk->waits);
}

void clerk_set_rules(struct clerk *clerk, const struct case_rules *rules)
{
    clerk->rules = *rules;
}

enum status clerk_step(struct clerk *clerk, uint64_t case_id, const struct case_event *event)
{
    enum status status =
        case_book_step(clerk->desk, case_id, event, &clerk->rules, &clerk->effects);
    if (status == STATUS_OK && !clerk->effects.is_permitted) {
        snprintf(clerk->reason, sizeof(clerk->reason), "case %llu: %s", (unsigned long long)case_id,
                 clerk->effects.refusal);
        return STATUS_BROKEN;
    }
    return status;
}

/* --- what is remembered of the desk ---------------------------------------------------------- */

static enum status read_desk(struct clerk *clerk)
{
    enum status status = wait_table_fill(clerk->waits, clerk->desk);
    if (status == STATUS_OK) {
        status = case_book_next_wake(clerk->desk, &clerk->wake_us);
    }
    clerk->is_stale = status != STATUS_OK;
    clerk->has_updates = true; /* perhaps: the next turn looks */
    return clerk_fault(clerk, status);
}

static enum status notice_own(struct clerk *clerk, const char *terminal_id)
{
    enum status status = STATUS_OK;
    if (terminal_id[0] != '\0') {
        status = wait_table_refresh(clerk->waits, clerk->desk, terminal_id);
    }
    if (status == STATUS_OK) {
        status = case_book_next_wake(clerk->desk, &clerk->wake_us);
    }
    return status;
}

void clerk_follow(struct clerk *clerk, const char *terminal_id)
{
    if (notice_own(clerk, terminal_id) != STATUS_OK) {
        clerk->is_stale = true;
    }
    if (clerk_tell(clerk, false) != STATUS_OK) {
        clerk->is_all_due = true;
    }
}

/* What tillway-admin's people did. */
static enum status notice_others(struct clerk *clerk)
{
    int64_t version = 0;
    enum status status = desk_version(clerk->desk, &version);
    if (status != STATUS_OK) {
        return clerk_fault(clerk, status);
    }
    if (version != clerk->version) {
        clerk->is_stale = clerk->is_all_due = true;
        clerk->version = version;
    }
    return clerk->is_stale ? read_desk(clerk) : STATUS_OK;
}

/* --- life ------------------------------------------------------------------------------------ */

static bool has_all(const struct clerk *clerk)
{
    return clerk->waits != NULL && clerk->burst != NULL && clerk->told != NULL &&
           clerk->briefs != NULL;
}

enum status clerk_create(struct clerk **clerk, const struct clerk_setup *setup, char *reason)
{
    REQUIRE(setup->desk != NULL && setup->rules != NULL && setup->on_effect != NULL);
    struct clerk *made = calloc(1, sizeof(*made));
    *clerk = NULL;
    if (made == NULL) {
        snprintf(reason, DESK_REASON_SIZE, "no memory");
        return STATUS_NO_MEMORY;
    }
    made->desk = setup->desk;
    made->rules = *setup->rules;
    made->on_effect = setup->on_effect;
    made->argument = setup->argument;
    made->waits = wait_table_create();
    made->burst = sighting_burst_create();
    made->told = told_table_create();
    made->briefs = calloc(CLERK_BRIEF_COUNT_MAX, sizeof(*made->briefs));
    made->is_stale = made->is_all_due = true;
    enum status status = has_all(made) ? notice_others(made) : clerk_fault(made, STATUS_NO_MEMORY);
    if (status != STATUS_OK) {
        snprintf(reason, DESK_REASON_SIZE, "%s", made->reason);
        clerk_destroy(made);
        return status;
    }
    *clerk = made;
    return STATUS_OK;
}

void clerk_destroy(struct clerk *clerk)
{
    if (clerk != NULL) {
        wait_table_destroy(clerk->waits);
        sighting_burst_destroy(clerk->burst);
        told_table_destroy(clerk->told);
        free(clerk->briefs);
        free(clerk);
    }
}

/* --- what is seen ---------------------------------------------------------------------------- */

enum status clerk_flush(struct clerk *clerk)
{
    clerk->reason[0] = '\0';
    return clerk_fault(clerk, sighting_burst_write(clerk->burst, clerk->desk));
}

static enum status note_seen(struct clerk *clerk, const struct observation *seen)
{
    enum status status = STATUS_OK;
    if (sighting_burst_is_due(clerk->burst, seen->wall_us)) {
        status = clerk_flush(clerk);
    }
    if (status == STATUS_OK && !sighting_burst_note(clerk->burst, seen)) {
        status = clerk_flush(clerk);
        bool is_noted = status != STATUS_OK || sighting_burst_note(clerk->burst, seen);
        REQUIRE(is_noted);
    }
    return status;
}

static bool is_repaired(const struct case_wait *wait)
{
    return wait->state == CASE_STATE_FIXED || wait->state == CASE_STATE_SWAPPED;
}

/* The same as service_case asks for, so that no step is refused: a good sign-on or payment after
 * the repair, of the serial number that stands there. */
static bool does_verify(const struct case_wait *wait, const struct observation *seen)
{
    bool is_good = seen->kind == OBSERVATION_SIGNED_ON ||
                   (seen->kind == OBSERVATION_ENDED && seen->detail == OBSERVED_APPROVED);
    bool is_its = seen->serial[0] == '\0'
                      ? wait->state != CASE_STATE_SWAPPED
                      : wait->serial[0] == '\0' || strcmp(wait->serial, seen->serial) == 0;
    return is_good && is_its;
}

static bool is_awaited(const struct case_wait *wait, const struct observation *seen)
{
    return seen->wall_us > wait->since_us &&
           (is_repaired(wait) ? does_verify(wait, seen) : seen->kind == OBSERVATION_STATUS);
}

static struct case_event seen_event(const struct case_wait *wait, const struct observation *seen)
{
    if (!is_repaired(wait)) {
        struct case_event told =
            case_draft_event(CASE_EVENT_FIRST_STEP, seen->wall_us,
                             seen->faulty == 0 ? "the terminal told its state: no part is faulty"
                                               : "the terminal told its state: parts are faulty");
        told.step = 1;
        told.result = CASE_STEP_DONE;
        return told;
    }
    struct case_event good = case_draft_event(
        CASE_EVENT_OBSERVED, seen->wall_us,
        seen->kind == OBSERVATION_SIGNED_ON ? "signed on well" : "a payment was approved");
    memcpy(good.terminal_id, wait->terminal_id, sizeof(good.terminal_id));
    memcpy(good.serial, seen->serial, sizeof(good.serial));
    good.is_good = true;
    return good;
}

/* Somebody else may have taken the case further meanwhile: then nothing waits any more, and
 * clerk_time() will notice. */
static enum status tell_case(struct clerk *clerk, const struct case_wait *wait,
                             const struct observation *seen)
{
    const struct case_event event = seen_event(wait, seen);
    enum status status =
        case_book_step(clerk->desk, wait->id, &event, &clerk->rules, &clerk->effects);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status clerk_observe(struct clerk *clerk, const struct observation *seen)
{
    clerk->reason[0] = '\0';
    enum status status = note_seen(clerk, seen);
    const struct wait_item *item =
        seen->terminal_id[0] == '\0' ? NULL : wait_table_find(clerk->waits, seen->terminal_id);
    bool has_told = false;
    for (; status == STATUS_OK && item != NULL; item = item->next) {
        if (is_awaited(&item->wait, seen)) {
            has_told = true;
            status = clerk_fault(clerk, tell_case(clerk, &item->wait, seen));
        }
    }
    if (has_told) {
        clerk_follow(clerk, seen->terminal_id);
    }
    return status;
}

/* --- time ------------------------------------------------------------------------------------ */

/* Some cases, and what they are told. */
struct round {
    uint64_t ids[PAGE_COUNT];
    uint32_t count;
    struct case_event event;
};

static enum status round_step(struct clerk *clerk, const struct round *round)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < round->count; i++) {
        status = clerk_step(clerk, round->ids[i], &round->event);
    }
    return status;
}

static enum status wake_some(struct clerk *clerk, int64_t wall_us)
{
    struct round round = {.event = case_draft_event(CASE_EVENT_TIME, wall_us, "")};
    enum status status =
        case_book_waking(clerk->desk, wall_us, round.ids, PAGE_COUNT, &round.count);
    return status == STATUS_OK ? round_step(clerk, &round) : status;
}

static enum status verify_some(struct clerk *clerk, int64_t wall_us)
{
    struct round round = {.event =
                              case_draft_event(CASE_EVENT_OBSERVED, wall_us,
                                               "no flag of this fleet for a day after the repair")};
    round.event.is_good = true;
    enum status status =
        case_book_calm(clerk->desk, wall_us - DAY_US, round.ids, PAGE_COUNT, &round.count);
    return status == STATUS_OK ? round_step(clerk, &round) : status;
}

/* Found and told in one transaction, so that nobody moves them in between. */
static enum status as_one(struct clerk *clerk, enum status (*part)(struct clerk *, int64_t),
                          int64_t wall_us)
{
    enum status status = desk_begin(clerk->desk);
    return status == STATUS_OK ? desk_end(clerk->desk, part(clerk, wall_us)) : status;
}

static enum status wake(struct clerk *clerk, int64_t wall_us)
{
    enum status status = STATUS_OK;
    for (uint32_t round = 0; status == STATUS_OK && round < ROUND_COUNT_MAX &&
                             clerk->wake_us != 0 && clerk->wake_us <= wall_us;
         round++) {
        status = as_one(clerk, wake_some, wall_us);
        if (status == STATUS_OK) {
            status = case_book_next_wake(clerk->desk, &clerk->wake_us);
        }
    }
    return clerk_fault(clerk, status);
}

/* A fleet that was mended is seen to be well by what no longer comes: once an hour. */
static enum status look_at_fleets(struct clerk *clerk, int64_t wall_us)
{
    if (clerk->calm_hour == wall_us / HOUR_US) {
        return STATUS_OK;
    }
    enum status status = as_one(clerk, verify_some, wall_us);
    if (status == STATUS_OK) {
        clerk->calm_hour = wall_us / HOUR_US;
    }
    return clerk_fault(clerk, status);
}

enum status clerk_time(struct clerk *clerk, int64_t wall_us, uint64_t now_ns)
{
    clerk->reason[0] = '\0';
    clerk->now_ns = now_ns;
    enum status status = notice_others(clerk);
    if (status == STATUS_OK) {
        status = wake(clerk, wall_us);
    }
    if (status == STATUS_OK) {
        status = look_at_fleets(clerk, wall_us);
    }
    if (status == STATUS_OK && sighting_burst_is_due(clerk->burst, wall_us)) {
        status = clerk_flush(clerk);
    }
    if (status == STATUS_OK) {
        status = clerk_update(clerk, wall_us);
    }
    if (status != STATUS_OK) {
        return status;
    }
    bool is_retry = clerk->retry_ns != 0 && clerk->retry_ns <= now_ns;
    return clerk_tell(clerk, clerk->is_all_due || is_retry);
}
