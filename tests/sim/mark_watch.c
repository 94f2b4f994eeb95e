/* Who counts the marks: looks at what the world sees, beside the oracles, and changes nothing. */
#include <string.h>

#include "tests/sim/world.h"

#define REVERSAL_ATTEMPT_RARE 5
#define EPOCH_ROLL 10000 /* a reference shows four digits of its epoch */

void world_mark(struct world *world, enum sim_mark mark)
{
    world->marks[mark]++;
    world_trace(world, "mark %s", sim_mark_name(mark));
}

/* Left, and neither a result nor a reversal is written. */
static bool is_with_bank(const struct attempt *attempt)
{
    return attempt->forward_count > 0 && attempt->log_word == LOG_ASKED;
}

static bool is_reversal_pending(const struct attempt *attempt)
{
    return attempt->log_word == LOG_UNDONE;
}

void mark_on_request(struct world *world, const struct payment *payment,
                     const struct attempt *attempt)
{
    bool is_transaction = payment->kind == PAYMENT_REVERSAL || sim_kind_of(payment->kind) != NULL;
    if (attempt == NULL || !is_transaction) {
        return;
    }
    if (payment->kind == PAYMENT_REVERSAL) {
        if (is_with_bank(attempt)) {
            world_mark(world, MARK_REVERSAL_IN_FLIGHT);
        } else if (attempt->reversal_answered) {
            world_mark(world, MARK_REVERSAL_REPEATED);
        } else if (attempt->approval_told) {
            world_mark(world, MARK_REVERSAL_OF_APPROVED);
        }
    } else if (payment->amount.minor == attempt->amount) {
        if (is_with_bank(attempt)) {
            world_mark(world, MARK_DUPLICATE_IN_FLIGHT);
        } else if (is_reversal_pending(attempt)) {
            world_mark(world, MARK_DUPLICATE_OF_UNKNOWN);
        } else if (attempt->log_word != LOG_NOTHING) {
            world_mark(world, MARK_DUPLICATE_ANSWERED);
        }
    }
}

static void mark_refusal(struct world *world, const struct engine_effect *effect,
                         const struct attempt *attempt)
{
    const char *code = effect->payment->response_code;
    bool is_first = attempt->forward_count == 0;
    if (effect->reason == TXN_REASON_LOG_SHORT) {
        world_mark(world, MARK_LOG_SHORT_REFUSED);
    } else if (strcmp(code, "94") == 0) {
        world_mark(world, MARK_OTHER_CONTENT_REFUSED);
    } else if (strcmp(code, "22") == 0 && attempt->reversal_answered && is_first) {
        world_mark(world, MARK_TOMBSTONE_BLOCKS);
    } else if (strcmp(code, "22") == 0 && attempt->original != NO_ATTEMPT && is_first) {
        world_mark(world, MARK_FOLLOW_UP_REFUSED);
    } else if (strcmp(code, "64") == 0 && is_first) {
        world_mark(world, MARK_FOLLOW_UP_AMOUNT);
    } else if (strcmp(code, "25") == 0 && attempt->original != NO_ATTEMPT && is_first) {
        world_mark(world, MARK_FOLLOW_UP_UNKNOWN);
    }
}

void mark_on_reply(struct world *world, const struct engine_effect *effect,
                   const struct attempt *attempt)
{
    const struct payment *payment = effect->payment;
    if (payment->kind == PAYMENT_SIGNON && strcmp(payment->response_code, "A7") == 0) {
        world_mark(world, MARK_KEYS_FAILED);
    }
    if (attempt == NULL) {
        return;
    }
    if (payment->kind == PAYMENT_REVERSAL) {
        if (effect->reason == TXN_REASON_EARLIER_DAY) {
            world_mark(world, MARK_EARLIER_DAY);
        }
    } else if (sim_kind_of(payment->kind) == NULL) {
        return;
    } else if (!payment_is_approval(payment->response_code)) {
        mark_refusal(world, effect, attempt);
    } else if (attempt->result_incarnation < world->incarnation) {
        world_mark(world, MARK_ANSWER_AFTER_RESTART);
    }
}

static bool has_earlier_refund(const struct world *world, const struct attempt *refund)
{
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        const struct attempt *other = &world->attempts[i];
        if (other != refund && other->kind == PAYMENT_REFUND && other->log_word == LOG_APPROVED &&
            other->original == refund->original && !other->is_impostor) {
            return true;
        }
    }
    return false;
}

static void mark_transaction_record(struct world *world, const struct record *record,
                                    struct attempt *attempt)
{
    bool is_approval = payment_is_approval(record->response_code);
    switch ((unsigned)record->kind) {
    case RECORD_RESULT:
        if (attempt->kind == PAYMENT_REFUND && is_approval && has_earlier_refund(world, attempt)) {
            world_mark(world, MARK_PARTIAL_REFUNDS);
        }
        attempt->result_incarnation = world->incarnation;
        break;
    case RECORD_REFUSED:
        attempt->result_incarnation = world->incarnation;
        break;
    case RECORD_ADVICE:
        if (attempt->kind == PAYMENT_REFUND) {
            world_mark(world, MARK_REFUND_SENT_AGAIN);
        }
        attempt->result_incarnation = world->incarnation;
        break;
    case RECORD_ADVICE_DONE:
        world_mark(world, MARK_ADVICE_DONE);
        break;
    case RECORD_ADVICE_CASE:
        world_mark(world, MARK_ADVICE_CASE);
        break;
    case RECORD_REVERSAL:
        if (attempt->log_word == LOG_GONE && strcmp(attempt->reversal_code, "25") == 0) {
            world_mark(world, MARK_LATE_APPROVAL_REOPENS);
        }
        if (attempt->original != NO_ATTEMPT) {
            world_mark(world, MARK_FOLLOW_UP_UNDONE);
        }
        break;
    default:
        break;
    }
}

void mark_on_append(struct world *world, const struct record *record, struct attempt *attempt)
{
    if (record->kind == RECORD_EPOCH) {
        if (record->txn.epoch >= EPOCH_ROLL && world->incarnation > 1) {
            world_mark(world, MARK_EPOCH_ROLLS);
        }
        return;
    }
    if (record->kind == RECORD_CUT_OVER) {
        world_mark(world, MARK_CUT_OVER);
    }
    world->written_count++;
    world->answered_count += record->kind == RECORD_RESULT;
    if (record->kind == RECORD_RESULT && world->answered_count == world->limits.txn_count_max + 1) {
        world_mark(world, MARK_SLAB_FULL);
    }
    if (attempt != NULL) {
        mark_transaction_record(world, record, attempt);
    }
}

/* A forward that the link took. */
void mark_on_forward(struct world *world, const struct engine_effect *effect,
                     const struct attempt *attempt)
{
    if (attempt == NULL) {
        return;
    }
    if (effect->payment->kind == PAYMENT_REVERSAL) {
        if (attempt->reversal_count == REVERSAL_ATTEMPT_RARE) {
            world_mark(world, MARK_REVERSAL_FIFTH_ATTEMPT);
        }
    } else if (attempt->unsent_count > 0) {
        world_mark(world, MARK_SECOND_CHANNEL);
    }
}

void mark_on_response(struct world *world, const struct payment *response,
                      const struct attempt *attempt)
{
    if (attempt == NULL || response->kind == PAYMENT_REVERSAL) {
        return;
    }
    bool is_undone = attempt->log_word == LOG_UNDONE || attempt->log_word == LOG_GONE;
    if (payment_is_approval(response->response_code) && is_undone) {
        world_mark(world, MARK_LATE_APPROVAL);
    }
}

void mark_on_bank_reversal(struct world *world, const struct attempt *attempt, bool is_posted)
{
    if (!is_posted && attempt != NULL && attempt->forward_count > attempt->bank_seen_count) {
        world_mark(world, MARK_REVERSAL_OVERTAKES);
    }
}

void mark_on_link_down(struct world *world, uint32_t channel)
{
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        if (is_reversal_pending(&world->attempts[i]) && world->attempts[i].channel == channel) {
            world_mark(world, MARK_LINK_DOWN_PENDING);
            return;
        }
    }
}

void mark_on_wall_step(struct world *world)
{
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        if (is_with_bank(&world->attempts[i]) || is_reversal_pending(&world->attempts[i])) {
            world_mark(world, MARK_WALL_STEP_IN_DOUBT);
            return;
        }
    }
}

void mark_on_reload(struct world *world)
{
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        if (is_with_bank(&world->attempts[i])) {
            world_mark(world, MARK_RULES_CHANGED_IN_FLIGHT);
            return;
        }
    }
}

void mark_on_crash(struct world *world, uint32_t lost, uint32_t kept)
{
    if (world->has_failed_sync) {
        world_mark(world, MARK_CRASH_AFTER_SYNC_FAILED);
    }
    if (lost > 0) {
        world_mark(world, kept > 0 ? MARK_CRASH_KEEPS_PART : MARK_CRASH_LOSES_RECORDS);
    }
    if (world->written_count == 0 && world->incarnation > 1) {
        world_mark(world, MARK_CRASH_TWICE);
    }
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        if (is_with_bank(&world->attempts[i])) {
            world_mark(world, MARK_CRASH_IN_FLIGHT);
            return;
        }
    }
}

/* A new run of the switch: what was lost with the old one is not on the log any more. */
void mark_on_start(struct world *world)
{
    world->written_count = world->answered_count = 0;
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        if (is_reversal_pending(&world->attempts[i]) && world->attempts[i].reversal_count > 0) {
            world_mark(world, MARK_RESTART_IN_REVERSAL);
            return;
        }
    }
}
