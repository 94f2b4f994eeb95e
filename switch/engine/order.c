/* See order.h. */
#include "switch/engine/order.h"

#include <string.h>

#include "protocols/base/require.h"

#define NOTE_VERSION 1

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

bool order_is_whole(const struct order *order)
{
    if ((unsigned)order->kind >= ORDER_KIND_COUNT || !has_subject(order) ||
        !is_word(order->actor, sizeof(order->actor)) || order->until_us < 0) {
        return false;
    }
    if (order->kind == ORDER_TELL) {
        return has_text(order);
    }
    return order->kind != ORDER_LIMIT || (order->limit.minor > 0 && order->limit.currency != 0);
}

/* --- in records --------------------------------------------------------------------------- */

void order_note_write(struct byte_writer *writer, const struct order_standing *standing)
{
    const struct order *order = &standing->order;
    uint8_t actor_length = (uint8_t)strnlen(order->actor, sizeof(order->actor) - 1);
    byte_writer_u8(writer, NOTE_VERSION);
    byte_writer_u8(writer, (uint8_t)order->kind);
    byte_writer_u64(writer, (uint64_t)standing->since_us);
    byte_writer_u64(writer, (uint64_t)order->until_us);
    byte_writer_u64(writer, order->case_id);
    byte_writer_u32(writer, standing->software);
    byte_writer_u64(writer, (uint64_t)order->limit.minor);
    byte_writer_u16(writer, order->limit.currency);
    byte_writer_u8(writer, order->times);
    byte_writer_u8(writer, actor_length);
    byte_writer_put(writer, order->actor, actor_length);
    if (order->kind == ORDER_TELL) {
        byte_writer_u8(writer, order->local_length);
        byte_writer_put(writer, order->local, order->local_length);
        byte_writer_u8(writer, order->plain_length);
        byte_writer_put(writer, order->plain, order->plain_length);
    }
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

enum status order_note_read(struct byte_reader *reader, struct order_standing *standing)
{
    struct order *order = &standing->order;
    uint8_t version = byte_reader_u8(reader);
    uint8_t actor_length = 0;
    memset(standing, 0, sizeof(*standing));
    order->kind = (enum order_kind)byte_reader_u8(reader);
    standing->since_us = (int64_t)byte_reader_u64(reader);
    order->until_us = (int64_t)byte_reader_u64(reader);
    order->case_id = byte_reader_u64(reader);
    standing->software = byte_reader_u32(reader);
    order->limit.minor = (int64_t)byte_reader_u64(reader);
    order->limit.currency = byte_reader_u16(reader);
    order->times = byte_reader_u8(reader);
    bool is_read = version == NOTE_VERSION && (unsigned)order->kind < ORDER_KIND_COUNT &&
                   take_bytes(reader, order->actor, sizeof(order->actor) - 1, &actor_length);
    if (is_read && order->kind == ORDER_TELL) {
        is_read = take_bytes(reader, order->local, sizeof(order->local), &order->local_length) &&
                  take_bytes(reader, order->plain, sizeof(order->plain), &order->plain_length);
    }
    return is_read && reader->status == STATUS_OK ? STATUS_OK : STATUS_MALFORMED;
}
