/* See order.h. */
#include "switch/engine/order.h"

#include <string.h>

#include "protocols/base/require.h"

#define NOTE_VERSION 2
#define NOTE_VERSION_BEFORE 1 /* without an origin; with a limit, software and times in each */

static const struct {
    const char *name, *text;
    enum order_subject subject;
} KINDS[ORDER_KIND_COUNT] = {
#define X(name, word, subject, text) [ORDER_##name] = {(word), (text), ORDER_SUBJECT_##subject},
    ORDER_KIND_MAP(X)
#undef X
};

const char *order_kind_name(enum order_kind kind)
{
    REQUIRE((unsigned)kind < ORDER_KIND_COUNT);
    return KINDS[kind].name;
}

enum order_kind order_kind_find(const char *name)
{
    unsigned kind = 0;
    while (kind < ORDER_KIND_COUNT && strcmp(KINDS[kind].name, name) != 0) {
        kind++;
    }
    return (enum order_kind)kind;
}

const char *order_kind_text(enum order_kind kind)
{
    REQUIRE((unsigned)kind < ORDER_KIND_COUNT);
    return KINDS[kind].text;
}

enum order_subject order_kind_subject(enum order_kind kind)
{
    REQUIRE((unsigned)kind < ORDER_KIND_COUNT);
    return KINDS[kind].subject;
}

const char *order_answer_text(enum order_answer answer)
{
    static const char *const TEXTS[ORDER_ANSWER_COUNT] = {
#define X(name, text) [ORDER_ANSWER_##name] = (text),
        ORDER_ANSWER_MAP(X)
#undef X
    };
    REQUIRE((unsigned)answer < ORDER_ANSWER_COUNT);
    return TEXTS[answer];
}

/* Printable, and with it whole: the end is inside. */
static bool is_word(const char *text, uint32_t size)
{
    uint32_t length = 0;
    while (length < size && text[length] > ' ' && text[length] <= '~') {
        length++;
    }
    return length > 0 && length < size && text[length] == '\0';
}

/* No control character, nothing that a field of such characters refuses. */
static bool is_text(const uint8_t *bytes, uint32_t length, bool is_plain)
{
    for (uint32_t i = 0; i < length; i++) {
        if (bytes[i] < ' ' || bytes[i] == 0x7F || (is_plain && bytes[i] > '~')) {
            return false;
        }
    }
    return true;
}

static bool has_subject(const struct order *order)
{
    bool is_terminal = order->terminal_id[0] != '\0';
    enum order_subject subject = order_kind_subject(order->kind);
    if (is_terminal) {
        return subject != ORDER_SUBJECT_MERCHANT &&
               is_word(order->terminal_id, sizeof(order->terminal_id));
    }
    return subject != ORDER_SUBJECT_TERMINAL &&
           is_word(order->merchant_id, sizeof(order->merchant_id));
}

static bool has_text(const struct order *order)
{
    return order->times <= ORDER_TIMES_MAX && order->local_length <= ORDER_TEXT_BYTES_MAX &&
           order->plain_length <= ORDER_TEXT_BYTES_MAX &&
           order->local_length + order->plain_length > 0 &&
           is_text(order->local, order->local_length, false) &&
           is_text(order->plain, order->plain_length, true);
}

static bool has_origin(const struct order *order)
{
    bool is_cases = order->origin == ORDER_OF_CASE;
    return (unsigned)order->origin < ORDER_ORIGIN_COUNT &&
           is_word(order->actor, sizeof(order->actor)) &&
           (!is_cases || (order->case_id != 0 && strcmp(order->actor, ORDER_CASE_ACTOR) == 0));
}

bool order_is_whole(const struct order *order)
{
    if ((unsigned)order->kind >= ORDER_KIND_COUNT || !has_subject(order) || !has_origin(order) ||
        order->until_us < 0) {
        return false;
    }
    if (order->kind == ORDER_TELL) {
        return has_text(order);
    }
    if (order->kind == ORDER_ASK_UPDATE && order->firmware[0] != '\0') {
        return is_word(order->firmware, sizeof(order->firmware));
    }
    return order->kind != ORDER_LIMIT || (order->limit.minor > 0 && order->limit.currency != 0);
}

/* --- in records --------------------------------------------------------------------------- */

static void write_of_kind(struct byte_writer *writer, const struct order_standing *standing)
{
    const struct order *order = &standing->order;
    if (order->kind == ORDER_LIMIT) {
        byte_writer_u64(writer, (uint64_t)order->limit.minor);
        byte_writer_u16(writer, order->limit.currency);
    } else if (order->kind == ORDER_ASK_UPDATE) {
        uint8_t length = (uint8_t)strnlen(order->firmware, sizeof(order->firmware) - 1);
        byte_writer_u32(writer, standing->software);
        byte_writer_u8(writer, length);
        byte_writer_put(writer, order->firmware, length);
    } else if (order->kind == ORDER_TELL) {
        byte_writer_u8(writer, order->times);
        byte_writer_u8(writer, order->local_length);
        byte_writer_put(writer, order->local, order->local_length);
        byte_writer_u8(writer, order->plain_length);
        byte_writer_put(writer, order->plain, order->plain_length);
    }
}

void order_note_write(struct byte_writer *writer, const struct order_standing *standing)
{
    const struct order *order = &standing->order;
    uint8_t actor_length = order->origin == ORDER_OF_CASE
                               ? 0
                               : (uint8_t)strnlen(order->actor, sizeof(order->actor) - 1);
    byte_writer_u8(writer, NOTE_VERSION);
    byte_writer_u8(writer, (uint8_t)order->kind);
    byte_writer_u8(writer, (uint8_t)order->origin);
    byte_writer_u64(writer, (uint64_t)standing->since_us);
    byte_writer_u64(writer, (uint64_t)order->until_us);
    byte_writer_u64(writer, order->case_id);
    byte_writer_u8(writer, actor_length);
    byte_writer_put(writer, order->actor, actor_length);
    write_of_kind(writer, standing);
}

/* False: longer than `size`, or cut off. */
static bool take_bytes(struct byte_reader *reader, void *to, uint32_t size, uint8_t *length)
{
    *length = byte_reader_u8(reader);
    const uint8_t *bytes = *length <= size ? byte_reader_take(reader, *length) : NULL;
    if (bytes != NULL && *length > 0) {
        memcpy(to, bytes, *length);
    }
    return bytes != NULL;
}

static bool take_text(struct byte_reader *reader, struct order *order)
{
    return take_bytes(reader, order->local, sizeof(order->local), &order->local_length) &&
           take_bytes(reader, order->plain, sizeof(order->plain), &order->plain_length);
}

static bool read_of_kind(struct byte_reader *reader, struct order_standing *standing)
{
    struct order *order = &standing->order;
    if (order->kind == ORDER_LIMIT) {
        order->limit.minor = (int64_t)byte_reader_u64(reader);
        order->limit.currency = byte_reader_u16(reader);
    } else if (order->kind == ORDER_ASK_UPDATE) {
        uint8_t length = 0;
        standing->software = byte_reader_u32(reader);
        return take_bytes(reader, order->firmware, sizeof(order->firmware) - 1, &length);
    } else if (order->kind == ORDER_TELL) {
        order->times = byte_reader_u8(reader);
        return take_text(reader, order);
    }
    return true;
}

static void read_times(struct byte_reader *reader, struct order_standing *standing)
{
    standing->since_us = (int64_t)byte_reader_u64(reader);
    standing->order.until_us = (int64_t)byte_reader_u64(reader);
    standing->order.case_id = byte_reader_u64(reader);
}

static bool read_body(struct byte_reader *reader, struct order_standing *standing)
{
    struct order *order = &standing->order;
    uint8_t actor_length = 0;
    order->origin = (enum order_origin)byte_reader_u8(reader);
    read_times(reader, standing);
    if ((unsigned)order->origin >= ORDER_ORIGIN_COUNT ||
        !take_bytes(reader, order->actor, sizeof(order->actor) - 1, &actor_length)) {
        return false;
    }
    if (order->origin == ORDER_OF_CASE) {
        memcpy(order->actor, ORDER_CASE_ACTOR, sizeof(ORDER_CASE_ACTOR));
    }
    return read_of_kind(reader, standing);
}

/* Cases had no other mark than who gave their orders. */
static bool read_body_before(struct byte_reader *reader, struct order_standing *standing)
{
    struct order *order = &standing->order;
    uint8_t actor_length = 0;
    read_times(reader, standing);
    standing->software = byte_reader_u32(reader);
    order->limit.minor = (int64_t)byte_reader_u64(reader);
    order->limit.currency = byte_reader_u16(reader);
    order->times = byte_reader_u8(reader);
    if (!take_bytes(reader, order->actor, sizeof(order->actor) - 1, &actor_length)) {
        return false;
    }
    bool is_cases = order->case_id != 0 && strcmp(order->actor, ORDER_CASE_ACTOR) == 0;
    order->origin = is_cases ? ORDER_OF_CASE : ORDER_OF_PERSON;
    return order->kind != ORDER_TELL || take_text(reader, order);
}

enum status order_note_read(struct byte_reader *reader, struct order_standing *standing)
{
    uint8_t version = byte_reader_u8(reader);
    memset(standing, 0, sizeof(*standing));
    standing->order.kind = (enum order_kind)byte_reader_u8(reader);
    if ((unsigned)standing->order.kind >= ORDER_KIND_COUNT) {
        return STATUS_MALFORMED;
    }
    bool is_read = version == NOTE_VERSION          ? read_body(reader, standing)
                   : version == NOTE_VERSION_BEFORE ? read_body_before(reader, standing)
                                                    : false;
    return is_read && reader->status == STATUS_OK ? STATUS_OK : STATUS_MALFORMED;
}
