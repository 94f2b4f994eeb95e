/* See order_text.h. */
#include "switch/order_text.h"

#include <iconv.h>
#include <stdio.h>
#include <string.h>

/* False: some of it is no character of the other, or there is no room. */
static bool convert(const char *const names[2], struct byte_view from, struct byte_writer *to)
{
    iconv_t way = iconv_open(names[1], names[0]);
    if (way == (iconv_t)-1) {
        return false;
    }
    char *in = (char *)(uintptr_t)from.bytes;
    char *out = (char *)to->bytes;
    size_t in_left = from.length;
    size_t out_left = byte_writer_room(to);
    size_t failed = iconv(way, &in, &in_left, &out, &out_left);
    iconv_close(way);
    to->position = (uint32_t)(out - (char *)to->bytes);
    return failed == 0 && in_left == 0;
}

static bool put_local(struct order *order, const char *local, char *reason)
{
    static const char *const NAMES[2] = {"UTF-8", "GBK"};
    struct byte_writer writer;
    byte_writer_init(&writer, order->local, sizeof(order->local));
    order->local_length = 0;
    if (!convert(NAMES, (struct byte_view){(const uint8_t *)local, (uint32_t)strlen(local)},
                 &writer)) {
        snprintf(reason, ORDER_TEXT_REASON_SIZE,
                 "text: expected at most %d Chinese characters or %d of ASCII, all of them in GBK",
                 ORDER_TEXT_BYTES_MAX / 2, ORDER_TEXT_BYTES_MAX);
        return false;
    }
    order->local_length = (uint8_t)writer.position;
    return true;
}

static bool put_plain(struct order *order, const char *plain, char *reason)
{
    size_t length = strnlen(plain, ORDER_TEXT_BYTES_MAX + 1);
    bool is_good = length <= ORDER_TEXT_BYTES_MAX;
    for (size_t i = 0; i < length && is_good; i++) {
        is_good = plain[i] >= ' ' && plain[i] <= '~';
    }
    order->plain_length = 0;
    if (!is_good) {
        snprintf(reason, ORDER_TEXT_REASON_SIZE,
                 "English text: expected at most %d printable characters of ASCII",
                 ORDER_TEXT_BYTES_MAX);
        return false;
    }
    memcpy(order->plain, plain, length);
    order->plain_length = (uint8_t)length;
    return true;
}

bool order_text_put(struct order *order, const char *local, const char *plain,
                    char reason[ORDER_TEXT_REASON_SIZE])
{
    bool is_put = put_local(order, local == NULL ? "" : local, reason) &&
                  put_plain(order, plain == NULL ? "" : plain, reason);
    if (is_put && order->local_length + order->plain_length == 0) {
        snprintf(reason, ORDER_TEXT_REASON_SIZE, "expected a text, in Chinese or in English");
        return false;
    }
    return is_put;
}

void order_text_get(const struct order *order, char text[ORDER_TEXT_SIZE])
{
    static const char *const NAMES[2] = {"GBK", "UTF-8"};
    struct byte_writer writer;
    byte_writer_init(&writer, text, ORDER_TEXT_SIZE - 1);
    if (!convert(NAMES, (struct byte_view){order->local, order->local_length}, &writer)) {
        writer.position = 0; /* bytes that no version of ours put there */
    }
    text[writer.position] = '\0';
}
