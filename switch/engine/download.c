/* See download.h. */
#include "switch/engine/download.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "protocols/emv_tlv.h"
#include "switch/engine/day_memory.h"
#include "switch/engine/order_book.h"
#include "switch/engine/reply.h"
#include "switch/engine/signon.h"
#include "switch/engine/terminal_request.h"
#include "switch/engine/text.h"
#include "switch/engine/txn_record.h"

#define FIELD_62_BYTES 512
#define TAG_AID 0x9F06
#define TAG_KEY_INDEX 0x9F22
#define NAME_BYTES_MAX 32
_Static_assert(DOWNLOAD_ITEM_BYTES_MAX < FIELD_62_BYTES, "an item and its first byte fit");
_Static_assert(DOWNLOAD_PARAMETER_BYTES_MAX <= FIELD_62_BYTES, "all parameters fit");
_Static_assert(FIELD_62_BYTES <= PAYMENT_CARGO_BYTES_MAX, "a reply's cargo takes them");

enum download_step { DOWNLOAD_LIST, DOWNLOAD_ITEM, DOWNLOAD_ALL, DOWNLOAD_END };

struct download_code {
    char code[4];
    uint8_t class, step;
};

/* NULL: nothing of the kind is offered in this version. */
static const struct download_code *code_find(const char *code)
{
    static const struct download_code CODES[] = {
#define X(code, class, step) {code, DOWNLOAD_##class, DOWNLOAD_##step},
#include "switch/engine/download_code.def"
#undef X
    };
    for (uint32_t i = 0; i < sizeof(CODES) / sizeof(CODES[0]); i++) {
        if (strcmp(CODES[i].code, code) == 0) {
            return &CODES[i];
        }
    }
    return NULL;
}

static void answer(struct engine *engine, const struct request *request, struct byte_view field_62,
                   uint64_t after)
{
    struct payment *reply = reply_begin(engine, request->payment);
    text_set_code(reply->response_code, "00");
    enum status status = payment_set_cargo(reply, PAYMENT_CARGO_CUSTOM_62, field_62);
    REQUIRE(status == STATUS_OK);
    reply_send(engine, request->conn, reply, TXN_REASON_NONE, after);
}

static void answer_none(struct engine *engine, const struct request *request)
{
    static const uint8_t NONE = '0';
    answer(engine, request, (struct byte_view){&NONE, 1}, 0);
}

/* How many entries the terminal has: "1" and two or more digits; nothing, or digits alone, as old
 * terminals write it. */
static enum status read_count(struct byte_view field, uint32_t *count)
{
    const char *text = (const char *)field.bytes;
    uint64_t number = 0;
    *count = 0;
    if (field.length == 0) {
        return STATUS_OK;
    }
    uint32_t head = field.length > 2 && text[0] == '1' ? 1 : 0;
    if (field.length > 6 || digits_parse(&number, text + head, field.length - head,
                                         (struct number_range){0, 99999}) != STATUS_OK) {
        return STATUS_MALFORMED;
    }
    *count = (uint32_t)number;
    return STATUS_OK;
}

static void answer_list(struct engine *engine, const struct request *request, uint32_t place,
                        enum download_class class)
{
    const struct download_table *table = ruleset_download_view(engine->ruleset);
    uint8_t bytes[FIELD_62_BYTES];
    struct byte_writer writer;
    uint32_t from = 0;
    if (read_count(payment_cargo(request->payment, PAYMENT_CARGO_CUSTOM_62), &from) != STATUS_OK) {
        reply_refuse(engine, request,
                     &(struct refusal){.reason = TXN_REASON_FIELD_MALFORMED, .terminal = place});
        return;
    }
    if (from == 0) {
        engine->terminals.states[place].day.offered[class] =
            table == NULL ? 0 : download_table_version(table, class);
    }
    if (table == NULL || from >= download_table_count(table, class)) {
        answer_none(engine, request);
        return;
    }
    byte_writer_init(&writer, bytes, sizeof(bytes));
    byte_writer_u8(&writer, '1');
    uint32_t count = download_table_page(table, class, from, &writer);
    REQUIRE(count > 0); /* an entry fits a message */
    if (from + count < download_table_count(table, class)) {
        bytes[0] = '2';
    }
    answer(engine, request, (struct byte_view){bytes, writer.position}, 0);
}

/* The item's name as the table writes it: what else the request says, or in which order, is not
 * looked at. */
static void read_name(struct byte_writer *name, struct byte_view field, enum download_class class)
{
    struct byte_view aid = emv_tlv_find(field, TAG_AID);
    struct byte_view index = emv_tlv_find(field, TAG_KEY_INDEX);
    if (aid.length > 0 && aid.length <= 16) {
        emv_tlv_put(name, TAG_AID, aid);
    }
    if (class == DOWNLOAD_CA_KEYS && index.length == 1) {
        emv_tlv_put(name, TAG_KEY_INDEX, index);
    }
}

static void answer_item(struct engine *engine, const struct request *request,
                        enum download_class class)
{
    const struct download_table *table = ruleset_download_view(engine->ruleset);
    uint8_t bytes[FIELD_62_BYTES], name_bytes[NAME_BYTES_MAX];
    struct byte_writer name, writer;
    byte_writer_init(&name, name_bytes, sizeof(name_bytes));
    read_name(&name, payment_cargo(request->payment, PAYMENT_CARGO_CUSTOM_62), class);
    struct byte_view item = {NULL, 0};
    if (table != NULL && name.status == STATUS_OK) {
        item = download_table_find(table, class, (struct byte_view){name_bytes, name.position});
    }
    if (item.length == 0) {
        answer_none(engine, request);
        return;
    }
    byte_writer_init(&writer, bytes, sizeof(bytes));
    byte_writer_u8(&writer, '1');
    byte_writer_put(&writer, item.bytes, item.length);
    REQUIRE(writer.status == STATUS_OK);
    answer(engine, request, (struct byte_view){bytes, writer.position}, 0);
}

static void answer_parameters(struct engine *engine, const struct request *request, uint32_t place)
{
    const struct download_table *table = ruleset_download_view(engine->ruleset);
    struct terminal_state *terminal = &engine->terminals.states[place];
    uint8_t bytes[FIELD_62_BYTES];
    struct byte_writer writer;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    terminal->day.offered[DOWNLOAD_PARAMETERS] =
        table == NULL ? 0
                      : download_table_parameters(table, terminal->merchant_id,
                                                  terminal->terminal_id, &writer);
    answer(engine, request, (struct byte_view){bytes, writer.position}, 0);
}

/* The terminal has what it was offered; noted once. Where the log has no room for that it is asked
 * for again, some day. */
static void end(struct engine *engine, const struct request *request, uint32_t place,
                enum download_class class)
{
    struct terminal_day *day = &engine->terminals.states[place].day;
    uint32_t version = day->offered[class];
    uint64_t after = day->position;
    day->offered[class] = 0;
    if (version != 0 && version != day->versions[class] && !request->is_log_short) {
        char text[64];
        struct txn_reference reference = engine_next_reference(engine);
        day->versions[class] = version;
        struct record *record = record_of_payment(engine, request->payment, RECORD_STATUS);
        record->txn = reference;
        engine_format_rrn(engine, record->rrn, reference);
        text_set_code(record->response_code, "00");
        record_put_payload(
            record, text,
            snprintf(text, sizeof(text), "download %s %08X", download_class_name(class), version));
        day_memory_put(day, record);
        after = record->position;
    }
    if (class == DOWNLOAD_PARAMETERS) {
        order_on_done(engine, request->payment->terminal_id, ORDER_ASK_DOWNLOAD);
    }
    answer(engine, request, (struct byte_view){NULL, 0}, after);
}

void download_on_request(struct engine *engine, const struct request *request)
{
    const struct payment *payment = request->payment;
    const struct download_code *code = code_find(payment->management_code);
    uint32_t place = signon_admit(engine, request);
    if (place == 0) {
        return;
    }
    if (code == NULL) { /* a list of nothing, parameters of nothing, the end of nothing */
        if (payment->kind == PAYMENT_PARAMETER || payment->kind == PAYMENT_DOWNLOAD_END) {
            answer(engine, request, (struct byte_view){NULL, 0}, 0);
        } else {
            answer_none(engine, request);
        }
        return;
    }
    enum download_class class = (enum download_class)code->class;
    switch ((enum download_step)code->step) {
    case DOWNLOAD_LIST:
        answer_list(engine, request, place, class);
        break;
    case DOWNLOAD_ITEM:
        answer_item(engine, request, class);
        break;
    case DOWNLOAD_ALL:
        answer_parameters(engine, request, place);
        break;
    case DOWNLOAD_END:
        end(engine, request, place, class);
        break;
    }
}
