/* See story.h. */
#include "switch/settlement/story.h"

#include "protocols/base/require.h"

/* What stands of the original while its events are folded. */
struct story {
    bool has_root;
    int64_t amount;       /* taken */
    struct fees fees;     /* charged */
    int64_t paid_back;    /* of the amount, by voids and refunds */
    struct fees returned; /* of the fees */
    enum fee_refund refund;
    const struct story_event *events;
    struct story_line *lines;
};

bool story_is_follow_up(enum payment_kind kind, struct txn_reference original)
{
    const struct payment_rule *rule = payment_rule_of(kind);
    return original.seq != 0 && rule->side != BATCH_NEITHER &&
           (rule->amount == PAYMENT_AMOUNT_EQUAL || rule->amount == PAYMENT_AMOUNT_REST ||
            rule->amount == PAYMENT_AMOUNT_TOTAL);
}

static bool reference_equals(struct txn_reference left, struct txn_reference right)
{
    return left.epoch == right.epoch && left.seq == right.seq;
}

/* Moves what a line says into what stands, or with sign -1 out of it. */
static enum status apply(struct story *story, const struct story_event *event,
                         const struct story_line *line, int sign)
{
    bool is_good;
    if (payment_rule_of(event->payment_kind)->side == BATCH_CREDIT) {
        story->paid_back -= sign * line->amount;
        is_good = fees_add(&story->returned, &story->returned, &line->fees, -sign);
    } else {
        story->amount += sign * line->amount;
        is_good = fees_add(&story->fees, &story->fees, &line->fees, sign);
    }
    return is_good ? STATUS_OK : STATUS_BAD_VALUE;
}

/* The counted event of that transaction before event `at`; `at` itself: there is none. */
static uint32_t find_counted(const struct story *story, uint32_t at, struct txn_reference txn)
{
    for (uint32_t i = 0; i < at; i++) {
        if (story->lines[i].is_counted && story->events[i].kind != RECORD_REVERSAL_DONE &&
            reference_equals(story->events[i].txn, txn)) {
            return i;
        }
    }
    return at;
}

static bool is_undone(const struct story *story, uint32_t at, struct txn_reference txn)
{
    for (uint32_t i = 0; i < at; i++) {
        if (story->lines[i].is_counted && story->events[i].kind == RECORD_REVERSAL_DONE &&
            reference_equals(story->events[i].original, txn)) {
            return true;
        }
    }
    return false;
}

/* What was never approved leaves nothing to undo; what was undone stays so. */
static enum status undo(struct story *story, uint32_t at)
{
    static const struct fees NOTHING = {.agent_count = 0};
    const struct story_event *event = &story->events[at];
    uint32_t undone = find_counted(story, at, event->original);
    if (undone == at || is_undone(story, at, event->original)) {
        return STATUS_OK;
    }
    const struct story_line *line = &story->lines[undone];
    story->lines[at] = (struct story_line){.is_counted = true, .amount = -line->amount};
    if (!fees_add(&story->lines[at].fees, &NOTHING, &line->fees, -1)) {
        return STATUS_BAD_VALUE;
    }
    return apply(story, &story->events[undone], line, -1);
}

static enum status pay_back(struct story *story, uint32_t at)
{
    const struct story_event *event = &story->events[at];
    struct story_line *line = &story->lines[at];
    *line = (struct story_line){.is_counted = true, .amount = -event->amount};
    if (story->has_root) {
        bool is_void = payment_rule_of(event->payment_kind)->amount == PAYMENT_AMOUNT_EQUAL;
        int64_t paid_back = story->paid_back + event->amount;
        if (paid_back > story->amount || paid_back < 0) {
            return STATUS_BAD_VALUE;
        }
        struct fees due = {.agent_count = 0};
        if (is_void) {
            due = story->fees;
        } else if (story->amount > 0) {
            fees_due(&due, &story->fees, story->refund, paid_back, story->amount);
        }
        if (!fees_add(&line->fees, &story->returned, &due, -1)) {
            return STATUS_BAD_VALUE;
        }
    }
    return apply(story, event, line, 1);
}

static enum status take(struct story *story, uint32_t at)
{
    const struct story_event *event = &story->events[at];
    struct story_line *line = &story->lines[at];
    *line = (struct story_line){true, event->amount, event->fees};
    if (story_is_follow_up(event->payment_kind, event->original)) { /* the new total is told */
        if (!story->has_root) {
            return STATUS_BAD_VALUE;
        }
        line->amount -= story->amount;
        if (!fees_add(&line->fees, &event->fees, &story->fees, -1)) {
            return STATUS_BAD_VALUE;
        }
    } else {
        story->has_root = true;
    }
    story->refund = event->refund;
    return apply(story, event, line, 1);
}

enum status story_fold(const struct story_event *events, uint32_t count, struct story_line *lines,
                       uint32_t *at)
{
    struct story story = {.events = events, .lines = lines};
    for (uint32_t i = 0; i < count; i++) {
        enum batch_side side = payment_rule_of(events[i].payment_kind)->side;
        enum status status = STATUS_OK;
        lines[i] = (struct story_line){0};
        *at = i;
        REQUIRE(i == 0 || events[i - 1].position < events[i].position);
        if (events[i].kind == RECORD_REVERSAL_DONE) {
            status = undo(&story, i);
        } else if (side == BATCH_NEITHER || find_counted(&story, i, events[i].txn) != i) {
            continue;
        } else if (side == BATCH_CREDIT) {
            status = pay_back(&story, i);
        } else {
            status = take(&story, i);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}
