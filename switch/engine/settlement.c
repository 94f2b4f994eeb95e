/* See settlement.h. */
#include "switch/engine/settlement.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/answer_cargo.h"
#include "switch/engine/batch.h"
#include "switch/engine/batch_upload.h"
#include "switch/engine/effect.h"
#include "switch/engine/order_book.h"
#include "switch/engine/order_use.h"
#include "switch/engine/planted_bug.h"
#include "switch/engine/reply.h"
#include "switch/engine/signon.h"
#include "switch/engine/text.h"
#include "switch/engine/txn_record.h"

_Static_assert(2 * BATCH_FIELD_48_DIGITS + 64 <= RECORD_PAYLOAD_BYTES_MAX, "both totals fit a row");

uint32_t settlement_next_batch(uint32_t batch)
{
    return batch >= BATCH_MAX ? 1 : batch + 1;
}

/* --- the end of a batch -------------------------------------------------------------------- */

static void open_batch(struct terminal_state *terminal, uint32_t batch)
{
    batch_begin(terminal, batch);
    terminal->day.settlement.answer.position = 0;
    terminal->day.detail_count = 0;
}

struct record *settlement_end_batch(struct engine *engine, uint32_t terminal,
                                    const struct payment *payment, const char *how)
{
    struct terminal_state *state = &engine->terminals.states[terminal];
    struct txn_reference reference = engine_next_reference(engine);
    char text[80];
    uint32_t next = settlement_next_batch(state->batch);
    struct record *record = effect_log(engine, RECORD_BATCH_END);
    record->payment_kind = PAYMENT_BATCH_UPLOAD;
    record->txn = reference;
    record->original = state->day.settlement.answer.reference;
    TEXT_COPY(record->terminal_id, state->terminal_id);
    TEXT_COPY(record->merchant_id, state->merchant_id);
    TEXT_COPY(record->acquirer_id, engine->limits.acquirer_id);
    record->batch = state->batch;
    record->stan = payment->batch == state->batch ? payment->stan : 0; /* else it is the next's */
    record_put_payload(record, text,
                       snprintf(text, sizeof(text), "%s\nnext %u\ndetails %u\n", how, next,
                                state->day.detail_count));
    record_begin_day_answer(engine, record, reference, &state->day.upload.answer);
    state->day.upload.batch = state->batch;
    open_batch(state, next);
    batch_put_totals(state, record);
    return record;
}

bool settlement_roll(struct engine *engine, uint32_t terminal, const struct payment *payment)
{
    const struct terminal_state *state = &engine->terminals.states[terminal];
    if (state->settled_as != BATCH_EQUAL || payment->batch != settlement_next_batch(state->batch)) {
        return false;
    }
    settlement_end_batch(engine, terminal, payment, "end lost");
    return true;
}

/* --- totals -------------------------------------------------------------------------------- */

static void refuse(struct engine *engine, const struct request *request, uint32_t place,
                   enum txn_reason reason)
{
    reply_refuse(engine, request, &(struct refusal){.reason = reason, .terminal = place});
}

/* The answer in force; field 39 is not in it, the result stands in field 48. */
static void answer(struct engine *engine, const struct request *request,
                   const struct terminal_settlement *settlement)
{
    struct payment *reply = reply_begin(engine, request->payment);
    reply_put_day_answer(engine, reply, &settlement->answer);
    reply_put_field_48(reply, settlement->ours);
    if (request->payment->answer_words != PAYMENT_WORDS_NONE) {
        order_words_put(reply, (struct byte_view){settlement->words, settlement->words_length});
    }
    TEXT_COPY(reply->settlement_date, settlement->answer.local_date); /* of this comparison */
    reply_send(engine, request->conn, reply, TXN_REASON_NONE, settlement->answer.position);
}

static void keep_words(struct terminal_settlement *settlement, struct byte_view words)
{
    REQUIRE(words.length <= sizeof(settlement->words));
    settlement->words_length = (uint8_t)words.length;
    if (words.length > 0) {
        memcpy(settlement->words, words.bytes, words.length);
    }
}

/* What the cashier is told with it stands in its row, so that a repeat says the same. */
static void tell_cashier(struct engine *engine, const struct request *request,
                         struct record *record, struct terminal_settlement *settlement)
{
    keep_words(settlement, order_words(engine, request->payment));
    if (settlement->words_length == 0) {
        return;
    }
    bool is_put =
        answer_cargo_put_words(record->answer, &record->answer_length,
                               (struct byte_view){settlement->words, settlement->words_length});
    REQUIRE(is_put); /* the row keeps nothing else there */
    order_on_told(engine, request->payment->terminal_id,
                  (enum payment_words)request->payment->answer_words);
}

static void log_settlement(struct engine *engine, const struct request *request,
                           struct terminal_state *terminal)
{
    struct terminal_settlement *settlement = &terminal->day.settlement;
    char text[2 * BATCH_FIELD_48_DIGITS + 64];
    struct txn_reference reference = engine_next_reference(engine);
    struct record *record = record_of_payment(engine, request->payment, RECORD_SETTLEMENT);
    record_begin_day_answer(engine, record, reference, &settlement->answer);
    batch_put_totals(terminal, record);
    record_put_payload(record, text,
                       snprintf(text, sizeof(text), "asked %s\nours %s\nreversals %u\n",
                                settlement->asked, settlement->ours, terminal->lane.count));
    tell_cashier(engine, request, record, settlement);
}

static void settle(struct engine *engine, const struct request *request, uint32_t place,
                   const struct batch_totals *theirs)
{
    struct terminal_state *terminal = &engine->terminals.states[place];
    struct terminal_settlement *settlement = &terminal->day.settlement;
    struct byte_view asked = payment_cargo(request->payment, PAYMENT_CARGO_ADDITIONAL);
    bool is_equal = batch_totals_are_equal(theirs, &terminal->totals) || PLANTED_BUG(28);
    enum batch_result result = is_equal ? BATCH_EQUAL : BATCH_DIFFERENT;
    memcpy(settlement->asked, asked.bytes, BATCH_FIELD_48_DIGITS);
    settlement->asked[BATCH_FIELD_48_DIGITS] = '\0';
    batch_totals_to_field_48(settlement->ours, &terminal->totals, result);
    terminal->settled_as = (uint8_t)result;
    terminal->day.detail_count = 0;
    log_settlement(engine, request, terminal);
    if (result == BATCH_DIFFERENT) {
        effect_notice(engine, TXN_REASON_TOTALS_DIFFER, NULL, request->payment);
    }
    answer(engine, request, settlement);
}

bool settlement_is_of_open_batch(struct engine *engine, const struct request *request,
                                 uint32_t terminal)
{
    const struct terminal_state *state = &engine->terminals.states[terminal];
    if (state->is_signed_on && (state->batch == request->payment->batch ||
                                settlement_roll(engine, terminal, request->payment))) {
        return true;
    }
    refuse(engine, request, terminal,
           state->is_signed_on ? TXN_REASON_OTHER_BATCH : TXN_REASON_NOT_SIGNED_ON);
    return false;
}

void settlement_on_request(struct engine *engine, const struct request *request)
{
    const struct payment *payment = request->payment;
    struct batch_totals theirs;
    uint32_t place = signon_admit(engine, request);
    if (place == 0) {
        return;
    }
    if (request->is_log_short) { /* without a row: what room is left is for reversals */
        refuse(engine, request, 0, TXN_REASON_LOG_SHORT);
        return;
    }
    if (!settlement_is_of_open_batch(engine, request, place)) {
        return;
    }
    const struct terminal_settlement *before = &engine->terminals.states[place].day.settlement;
    struct byte_view field = payment_cargo(payment, PAYMENT_CARGO_ADDITIONAL);
    if (batch_totals_from_field_48(&theirs, field) != STATUS_OK) {
        refuse(engine, request, place, TXN_REASON_FIELD_MALFORMED);
    } else if (before->answer.position == 0 || before->answer.stan != payment->stan) {
        settle(engine, request, place, &theirs);
    } else if (memcmp(field.bytes, before->asked, BATCH_FIELD_48_DIGITS) == 0) {
        answer(engine, request, before);
    } else {
        record_anomaly(engine, TXN_REASON_OTHER_CONTENT, NULL, payment);
        refuse(engine, request, place, TXN_REASON_OTHER_CONTENT);
    }
}

/* --- replay -------------------------------------------------------------------------------- */

/* Copies the digits behind a word of the payload; false: they are not there. */
static bool find_digits(const struct record *record, const char *word,
                        char digits[BATCH_FIELD_48_DIGITS + 1])
{
    char text[RECORD_PAYLOAD_BYTES_MAX + 1];
    memcpy(text, record->payload, record->payload_length);
    text[record->payload_length] = '\0';
    const char *at = strstr(text, word);
    if (at == NULL || strlen(at) < strlen(word) + BATCH_FIELD_48_DIGITS) {
        return false;
    }
    memcpy(digits, at + strlen(word), BATCH_FIELD_48_DIGITS);
    digits[BATCH_FIELD_48_DIGITS] = '\0';
    return true;
}

static void replay_settlement(struct terminal_state *terminal, const struct record *record)
{
    struct terminal_settlement *settlement = &terminal->day.settlement;
    if (!find_digits(record, "asked ", settlement->asked) ||
        !find_digits(record, "ours ", settlement->ours)) {
        return;
    }
    record_restore_day_answer(record, &settlement->answer);
    keep_words(settlement,
               answer_cargo_words((struct byte_view){record->answer, record->answer_length}));
    terminal->settled_as = (uint8_t)(settlement->ours[BATCH_FIELD_48_DIGITS - 1] - '0');
    terminal->day.detail_count = 0;
}

void settlement_replay(struct engine *engine, const struct record *record)
{
    bool is_ours = record->kind == RECORD_SETTLEMENT || record->kind == RECORD_BATCH_DETAIL ||
                   record->kind == RECORD_BATCH_END;
    uint32_t place =
        is_ours ? terminal_set_enroll(&engine->terminals, record->terminal_id, record->merchant_id)
                : 0;
    if (place == 0) {
        return;
    }
    struct terminal_state *terminal = &engine->terminals.states[place];
    if (record->kind == RECORD_SETTLEMENT) {
        replay_settlement(terminal, record);
        return;
    }
    batch_upload_replay(terminal, record);
    if (record->kind == RECORD_BATCH_END && !PLANTED_BUG(29)) {
        open_batch(terminal, settlement_next_batch(record->batch));
    }
}
