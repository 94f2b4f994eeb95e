/* See upload.h. */
#include "switch/engine/upload.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/day_memory.h"
#include "switch/engine/effect.h"
#include "switch/engine/order_book.h"
#include "switch/engine/order_use.h"
#include "switch/engine/reply.h"
#include "switch/engine/signon.h"
#include "switch/engine/text.h"
#include "switch/engine/txn_record.h"

#define CODE_BYTES 2
#define DEVICE_COUNT 5

const char *upload_device_name(unsigned bit)
{
    static const char *const NAMES[DEVICE_COUNT + 1] = {NULL,          "key pad", "PIN pad",
                                                        "card reader", "printer", "display"};
    return bit <= DEVICE_COUNT ? NAMES[bit] : NULL;
}

/* How many characters the value of a code has; 0: the code is not known. */
static uint32_t value_length(const char code[CODE_BYTES + 1])
{
    if (code[0] == '0' && code[1] >= '1' && code[1] <= '0' + DEVICE_COUNT) {
        return 1;
    }
    const struct download_shape *shape = download_shape_of(code);
    return shape == NULL ? 0 : shape->length;
}

enum status upload_read_status(struct byte_view status, uint8_t *faulty)
{
    struct byte_reader reader;
    *faulty = 0;
    byte_reader_init(&reader, status.bytes, status.length);
    for (uint32_t count = 0; byte_reader_left(&reader) > 0; count++) {
        char code[CODE_BYTES + 1] = "";
        const uint8_t *bytes = byte_reader_take(&reader, CODE_BYTES);
        if (bytes != NULL) {
            memcpy(code, bytes, CODE_BYTES);
        }
        uint32_t length = value_length(code);
        const uint8_t *value = length == 0 ? NULL : byte_reader_take(&reader, length);
        if (value == NULL) {
            return count == 0 ? STATUS_MALFORMED : STATUS_OK;
        }
        if (code[0] == '0' && value[0] == '0') {
            *faulty |= (uint8_t)(1U << (code[1] - '0'));
        }
    }
    return STATUS_OK;
}

static struct record *keep(struct engine *engine, const struct request *request,
                           enum record_kind kind, struct byte_view payload)
{
    struct txn_reference reference = engine_next_reference(engine);
    struct record *record = record_of_payment(engine, request->payment, kind);
    record->txn = reference;
    engine_format_rrn(engine, record->rrn, reference);
    text_set_code(record->response_code, "00");
    record_put_payload(record, payload.bytes, (int)payload.length);
    return record;
}

static void answer(struct engine *engine, const struct request *request,
                   const struct record *record)
{
    struct payment *reply = reply_begin(engine, request->payment);
    text_set_code(reply->response_code, "00");
    TEXT_COPY(reply->rrn, record->rrn);
    bool is_told = order_reply_tell(engine, reply);
    reply_send(engine, request->conn, reply, TXN_REASON_NONE,
               is_told ? engine->position : record->position);
}

/* The place of a terminal whose message may be kept; 0: it was refused here. */
static uint32_t admit(struct engine *engine, const struct request *request, struct byte_view field)
{
    uint32_t place = signon_admit(engine, request);
    struct refusal refusal = {.terminal = place};
    if (place != 0 && request->is_log_short) {
        refusal.reason = TXN_REASON_LOG_SHORT;
        refusal.terminal = 0; /* without a row */
    } else if (place != 0 && (field.length == 0 || field.length > RECORD_PAYLOAD_BYTES_MAX)) {
        refusal.reason = TXN_REASON_FIELD_MALFORMED;
    } else {
        return place;
    }
    reply_refuse(engine, request, &refusal);
    return 0;
}

void upload_on_status(struct engine *engine, const struct request *request)
{
    struct byte_view field = payment_cargo(request->payment, PAYMENT_CARGO_CUSTOM_62);
    uint32_t place = admit(engine, request, field);
    uint8_t faulty = 0;
    if (place == 0) {
        return;
    }
    if (upload_read_status(field, &faulty) != STATUS_OK) {
        reply_refuse(engine, request,
                     &(struct refusal){.reason = TXN_REASON_FIELD_MALFORMED, .terminal = place});
        return;
    }
    struct terminal_day *day = &engine->terminals.states[place].day;
    bool is_new_fault = (faulty & ~day->faulty) != 0;
    day->faulty = faulty;
    day->status_wall_us = engine->wall_us;
    day->status_ns = engine->now_ns;
    struct record *record = keep(engine, request, RECORD_STATUS, field);
    day_memory_put(day, record);
    order_on_done(engine, request->payment->terminal_id, ORDER_ASK_STATUS);
    if (is_new_fault) {
        effect_notice(engine, TXN_REASON_DEVICE_FAULTY, NULL, request->payment);
    }
    answer(engine, request, record);
}

/* A signature has the trace number of what was signed, and names its reference number. */
static const struct txn *signed_txn(const struct engine *engine, const struct payment *payment)
{
    const char *rrn = payment->original.rrn;
    const struct txn *txn = rrn[0] == '\0' ? engine_find_key(engine, engine_key_of(payment))
                                           : engine_find_rrn(engine, rrn);
    return txn != NULL && strcmp(txn->terminal_id, payment->terminal_id) == 0 ? txn : NULL;
}

void upload_on_signature(struct engine *engine, const struct request *request)
{
    const struct payment *payment = request->payment;
    struct byte_view field = payment_cargo(payment, PAYMENT_CARGO_CUSTOM_62);
    if (admit(engine, request, field) == 0) {
        return;
    }
    const struct txn *txn = signed_txn(engine, payment);
    struct record *record = keep(engine, request, RECORD_SIGNATURE, field);
    record->stan = 0; /* that of what was signed, whose key this row has not */
    if (txn != NULL) {
        record->original = txn->reference;
    }
    answer(engine, request, record);
}
