/* See wrap.h. The TPDU stays part of the message here: terminals write their own. */
#include "loadtest/wrap.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"

#define PREFIX_BYTES 2 /* of what pos_draft builds */

static bool framing_from_word(struct framing *framing, const char *word)
{
    *framing = (struct framing){.length_kind = FRAME_BINARY_2, .length_max = FRAME_LENGTH_MAX};
    if (strcmp(word, "http") == 0) {
        framing->http_post_path = "/";
        framing->http_post_host = "tillway-load";
        return true;
    }
    return frame_length_from_name(&framing->length_kind, word);
}

bool wrap_list_read(struct wrap_list *list, const char *words, char reason[160])
{
    const char *at = words;
    list->count = 0;
    do {
        char word[32];
        size_t length = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)(length < 31 ? length : 31), at);
        if (list->count == WRAP_COUNT_MAX ||
            !framing_from_word(&list->framings[list->count], word)) {
            snprintf(reason, 160,
                     "at most %d of binary_2, binary_2_inclusive, ascii_4, bcd_2, binary_4, stx "
                     "and http are expected, not \"%s\"",
                     WRAP_COUNT_MAX, word);
            return false;
        }
        list->count++;
        at += length;
    } while (*at++ == ',');
    return true;
}

const struct framing *wrap_of(const struct wrap_list *list, uint32_t index)
{
    REQUIRE(list->count > 0);
    return &list->framings[index % list->count];
}

static bool is_plain(const struct framing *framing)
{
    return framing->length_kind == FRAME_BINARY_2 && framing->http_post_path == NULL;
}

struct byte_view wrap_out(const struct framing *framing, struct byte_view frame,
                          uint8_t room[WRAP_BYTES_MAX])
{
    struct byte_writer writer;
    REQUIRE(frame.length >= PREFIX_BYTES);
    if (is_plain(framing)) {
        return frame;
    }
    byte_writer_init(&writer, room, WRAP_BYTES_MAX);
    struct frame_mark mark = frame_begin_request(&writer, framing, NULL);
    byte_writer_put(&writer, frame.bytes + PREFIX_BYTES, frame.length - PREFIX_BYTES);
    frame_end(&writer, framing, &mark);
    REQUIRE(writer.status == STATUS_OK);
    return (struct byte_view){room, writer.position};
}

enum status wrap_in(const struct framing *framing, struct byte_view bytes, uint32_t *consumed,
                    uint8_t room[WRAP_BYTES_MAX], struct byte_view *frame,
                    struct frame_fault *fault)
{
    struct frame found;
    enum status status = frame_parse(&found, consumed, framing, bytes, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (found.is_http && found.http_status != 200) {
        *consumed = 0;
        snprintf(fault->reason, sizeof fault->reason,
                 "HTTP: the answer's status is %u, expected 200", found.http_status);
        return STATUS_DENIED;
    }
    if (is_plain(framing)) {
        *frame = (struct byte_view){bytes.bytes, *consumed};
        return STATUS_OK;
    }
    frame_length_write(FRAME_BINARY_2, room, found.message.length);
    memcpy(room + PREFIX_BYTES, found.message.bytes, found.message.length);
    *frame = (struct byte_view){room, PREFIX_BYTES + found.message.length};
    return STATUS_OK;
}
