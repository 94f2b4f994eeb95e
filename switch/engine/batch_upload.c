/* See batch_upload.h. */
#include "switch/engine/batch_upload.h"

#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "switch/engine/effect.h"
#include "switch/engine/reply.h"
#include "switch/engine/settlement.h"
#include "switch/engine/signon.h"
#include "switch/engine/text.h"
#include "switch/engine/txn_record.h"

#define DETAIL_COUNT_MAX 8
#define DETAIL_DIGITS 40
#define COUNT_DIGITS 2
#define TOTAL_DIGITS 4
#define CLASS_DIGITS 2
#define STAN_DIGITS 6
#define CARD_DIGITS 20
#define AMOUNT_DIGITS 12
_Static_assert(CLASS_DIGITS + STAN_DIGITS + CARD_DIGITS + AMOUNT_DIGITS == DETAIL_DIGITS, "");
#define LINE_BYTES (STAN_DIGITS + AMOUNT_DIGITS + CLASS_DIGITS + PAN_MASKED_SIZE + 4)
_Static_assert(DETAIL_COUNT_MAX *LINE_BYTES <= RECORD_PAYLOAD_BYTES_MAX, "details fit a record");

enum upload { UPLOAD_MAGNETIC, UPLOAD_CHIP, UPLOAD_END_EQUAL, UPLOAD_END_DIFFERENT, UPLOAD_OTHER };

static enum upload upload_of(const struct payment *payment)
{
    static const struct {
        char code[4];
        enum upload upload;
    } CODES[] = {{"201", UPLOAD_MAGNETIC}, {"202", UPLOAD_END_DIFFERENT}, {"203", UPLOAD_CHIP},
                 {"204", UPLOAD_CHIP},     {"205", UPLOAD_CHIP},          {"206", UPLOAD_CHIP},
                 {"207", UPLOAD_END_EQUAL}};
    for (uint32_t i = 0; i < sizeof(CODES) / sizeof(CODES[0]); i++) {
        if (strcmp(CODES[i].code, payment->management_code) == 0) {
            return CODES[i].upload;
        }
    }
    return UPLOAD_OTHER;
}

/* --- details as lines ---------------------------------------------------------------------- */

static void put_line(struct byte_writer *lines, const char *stan, const char *amount,
                     const char *class, const char *masked)
{
    byte_writer_put(lines, stan, STAN_DIGITS);
    byte_writer_u8(lines, ' ');
    byte_writer_put(lines, amount, AMOUNT_DIGITS);
    byte_writer_u8(lines, ' ');
    byte_writer_put(lines, class, CLASS_DIGITS);
    byte_writer_u8(lines, ' ');
    byte_writer_text(lines, masked[0] == '\0' ? "-" : masked);
    byte_writer_u8(lines, '\n');
}

/* The card number stands right-aligned behind zeros; of one that is none, nothing is kept. */
static void mask_card(char masked[PAN_MASKED_SIZE], const char digits[CARD_DIGITS])
{
    struct pan pan;
    uint32_t zeros = 0;
    while (zeros < CARD_DIGITS && digits[zeros] == '0') {
        zeros++;
    }
    masked[0] = '\0';
    if (pan_parse(&pan, digits + zeros, CARD_DIGITS - zeros) == STATUS_OK) {
        pan_mask(masked, &pan);
    }
    secret_wipe(&pan, sizeof(pan));
}

static enum status magnetic_lines(struct byte_writer *lines, const struct payment *payment)
{
    struct byte_view field = payment_cargo(payment, PAYMENT_CARGO_ADDITIONAL);
    const char *text = (const char *)field.bytes;
    uint64_t count = 0;
    if (field.length < COUNT_DIGITS || !digits_are_decimal(text, field.length) ||
        digits_parse(&count, text, COUNT_DIGITS, (struct number_range){1, DETAIL_COUNT_MAX}) !=
            STATUS_OK ||
        field.length != COUNT_DIGITS + count * DETAIL_DIGITS) {
        return STATUS_MALFORMED;
    }
    for (uint64_t i = 0; i < count; i++) {
        const char *detail = text + COUNT_DIGITS + i * DETAIL_DIGITS;
        const char *stan = detail + CLASS_DIGITS, *card = stan + STAN_DIGITS;
        char masked[PAN_MASKED_SIZE];
        mask_card(masked, card);
        put_line(lines, stan, card + CARD_DIGITS, detail, masked);
    }
    return lines->status;
}

static enum status chip_line(const struct engine *engine, struct byte_writer *lines,
                             const struct payment *payment)
{
    char stan[STAN_DIGITS], amount[AMOUNT_DIGITS], masked[PAN_MASKED_SIZE];
    if (payment->stan > 999999 || payment->amount.minor < 0 ||
        payment->amount.minor > MONEY_MINOR_MAX) {
        return STATUS_BAD_VALUE;
    }
    const struct bin_rule *bin =
        payment->pan.digit_count == 0
            ? NULL
            : bin_table_find(ruleset_bin_view(engine->ruleset), &payment->pan);
    bool is_foreign = bin != NULL && bin->scheme != CARD_SCHEME_UNIONPAY;
    digits_format(stan, payment->stan, STAN_DIGITS);
    digits_format(amount, (uint64_t)payment->amount.minor, AMOUNT_DIGITS);
    pan_mask(masked, &payment->pan);
    put_line(lines, stan, amount, is_foreign ? "01" : "00", masked);
    return lines->status;
}

static uint32_t count_lines(const uint8_t *bytes, uint32_t length)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < length; i++) {
        count += bytes[i] == '\n' ? 1 : 0;
    }
    return count;
}

/* FNV-1a: tells one upload from the next, no more. */
static uint32_t content_of(const uint8_t *bytes, uint32_t length)
{
    uint32_t hash = 2166136261U;
    for (uint32_t i = 0; i < length; i++) {
        hash = (hash ^ bytes[i]) * 16777619U;
    }
    return hash;
}

/* How many details of the batch have come so far stands in `answer`, so that the last such row is
 * enough at a restart. */
static void put_count(struct record *record, uint32_t count)
{
    digits_format((char *)record->answer, count % 10000, TOTAL_DIGITS);
    record->answer_length = TOTAL_DIGITS;
}

static uint32_t read_count(const struct record *record)
{
    uint64_t count = 0;
    bool is_read = record->answer_length == TOTAL_DIGITS &&
                   digits_parse(&count, (const char *)record->answer, TOTAL_DIGITS,
                                (struct number_range){0, 9999}) == STATUS_OK;
    return is_read ? (uint32_t)count : 0;
}

/* --- answers ------------------------------------------------------------------------------- */

static void refuse(struct engine *engine, const struct request *request, uint32_t place,
                   enum txn_reason reason)
{
    reply_refuse(engine, request, &(struct refusal){.reason = reason, .terminal = place});
}

static void answer(struct engine *engine, const struct request *request,
                   const struct terminal_upload *upload)
{
    struct payment *reply = reply_begin(engine, request->payment);
    reply_put_day_answer(engine, reply, &upload->answer);
    text_set_code(reply->response_code, "00");
    reply_send(engine, request->conn, reply, TXN_REASON_NONE, upload->answer.position);
}

/* Whether it is the last upload again, or its trace number with other content; then answered. */
static bool is_repeat(struct engine *engine, const struct request *request, uint32_t place,
                      uint32_t content)
{
    const struct terminal_upload *before = &engine->terminals.states[place].day.upload;
    if (before->answer.position == 0 || before->batch != request->payment->batch ||
        before->answer.stan != request->payment->stan) {
        return false;
    }
    if (before->content == content) {
        answer(engine, request, before);
    } else {
        record_anomaly(engine, TXN_REASON_OTHER_CONTENT, NULL, request->payment);
        refuse(engine, request, place, TXN_REASON_OTHER_CONTENT);
    }
    return true;
}

static void take_details(struct engine *engine, const struct request *request, uint32_t place,
                         enum upload upload)
{
    struct terminal_day *day = &engine->terminals.states[place].day;
    uint8_t bytes[RECORD_PAYLOAD_BYTES_MAX];
    struct byte_writer lines;
    byte_writer_init(&lines, bytes, sizeof(bytes));
    enum status status = upload == UPLOAD_MAGNETIC ? magnetic_lines(&lines, request->payment)
                                                   : chip_line(engine, &lines, request->payment);
    if (status != STATUS_OK) {
        refuse(engine, request, place, TXN_REASON_FIELD_MALFORMED);
        return;
    }
    uint32_t content = content_of(bytes, lines.position);
    if (is_repeat(engine, request, place, content)) {
        return;
    }
    struct txn_reference reference = engine_next_reference(engine);
    struct record *record = record_of_payment(engine, request->payment, RECORD_BATCH_DETAIL);
    record->original = day->settlement.answer.reference;
    record_begin_day_answer(engine, record, reference, &day->upload.answer);
    record_put_payload(record, bytes, (int)lines.position);
    if (upload == UPLOAD_CHIP) {
        record->stan = 0; /* it is that of the transaction told of, whose key this row has not */
    }
    text_set_code(record->response_code, "00");
    day->upload.batch = request->payment->batch;
    day->upload.content = content;
    day->detail_count += count_lines(bytes, lines.position);
    put_count(record, day->detail_count);
    answer(engine, request, &day->upload);
}

/* What the terminal says it has uploaded; false: it does not say. */
static bool told_count(const struct payment *payment, uint32_t *count)
{
    struct byte_view field = payment_cargo(payment, PAYMENT_CARGO_ADDITIONAL);
    uint64_t number = 0;
    bool is_told = field.length == TOTAL_DIGITS &&
                   digits_parse(&number, (const char *)field.bytes, TOTAL_DIGITS,
                                (struct number_range){0, 9999}) == STATUS_OK;
    *count = (uint32_t)number;
    return is_told;
}

static void take_end(struct engine *engine, const struct request *request, uint32_t place,
                     enum upload upload)
{
    struct terminal_day *day = &engine->terminals.states[place].day;
    uint32_t told = 0;
    bool is_different = upload == UPLOAD_END_DIFFERENT;
    if (is_different && told_count(request->payment, &told) && told != day->detail_count % 10000) {
        record_anomaly(engine, TXN_REASON_DETAILS_MISSING, NULL, request->payment);
    }
    struct record *record = settlement_end_batch(engine, place, request->payment,
                                                 is_different ? "end different" : "end equal");
    text_set_code(record->response_code, "00");
    answer(engine, request, &day->upload);
}

/* The end of the batch before, which its terminal tells again. */
static bool is_end_again(const struct engine *engine, const struct payment *payment, uint32_t place,
                         enum upload upload)
{
    const struct terminal_state *terminal = &engine->terminals.states[place];
    return (upload == UPLOAD_END_EQUAL || upload == UPLOAD_END_DIFFERENT) &&
           terminal->day.upload.answer.position != 0 &&
           settlement_next_batch(payment->batch) == terminal->batch;
}

void batch_upload_on_request(struct engine *engine, const struct request *request)
{
    const struct payment *payment = request->payment;
    enum upload upload = upload_of(payment);
    uint32_t place = signon_admit(engine, request);
    if (place == 0) {
        return;
    }
    if (is_end_again(engine, payment, place, upload)) {
        answer(engine, request, &engine->terminals.states[place].day.upload);
        return;
    }
    if (upload == UPLOAD_OTHER || request->is_log_short) {
        bool is_known = upload != UPLOAD_OTHER; /* then without a row: room is for reversals */
        refuse(engine, request, is_known ? 0 : place,
               is_known ? TXN_REASON_LOG_SHORT : TXN_REASON_NOT_SERVED);
        return;
    }
    if (!settlement_is_of_open_batch(engine, request, place)) {
        return;
    }
    enum batch_result settled = (enum batch_result)engine->terminals.states[place].settled_as;
    if (settled == BATCH_ASKED || (upload == UPLOAD_END_EQUAL && settled != BATCH_EQUAL)) {
        refuse(engine, request, place, TXN_REASON_BATCH_STATE);
    } else if (upload == UPLOAD_MAGNETIC || upload == UPLOAD_CHIP) {
        take_details(engine, request, place, upload);
    } else {
        take_end(engine, request, place, upload);
    }
}

void batch_upload_replay(struct terminal_state *terminal, const struct record *record)
{
    struct terminal_upload *upload = &terminal->day.upload;
    record_restore_day_answer(record, &upload->answer);
    uint64_t stan = 0;
    if (record->stan == 0 && record->payload_length > STAN_DIGITS &&
        digits_parse(&stan, (const char *)record->payload, STAN_DIGITS,
                     (struct number_range){0, 999999}) == STATUS_OK) {
        upload->answer.stan = (uint32_t)stan; /* of a chip detail */
    }
    upload->batch = record->batch;
    upload->content = content_of(record->payload, record->payload_length);
    if (record->kind == RECORD_BATCH_DETAIL) {
        terminal->day.detail_count = read_count(record);
    }
}
