/* One ISO 8583 message: parsed as views into its frame, built from a draft, described for people.
 *
 * Parsing copies nothing and allocates nothing; a message is good for as long as its frame's bytes.
 * Building writes the fields of a draft in order into a writer; the draft borrows its values.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/bytes.h"
#include "protocols/iso8583/spec.h"

/* The value of one field on the wire, length prefix left out. */
struct message_field {
    uint16_t offset; /* in the frame's message bytes */
    uint16_t length; /* bytes */
    uint16_t count;  /* digits, characters or bytes, as the spec counts */
};

struct message {
    const struct spec *spec; /* borrowed */
    struct byte_view bytes;  /* borrowed: header, MTI, bitmap, fields */
    char mti[5];
    uint64_t present[SPEC_WORD_COUNT]; /* bit 62 of [0] is field 2; bit 63 stays 0. The rest of
                                          `fields` is undefined: nothing is cleared that nobody
                                          reads */
    uint16_t pad_fault_count; /* BCD pad nibbles other than 0: accepted, but worth counting */
    struct message_field fields[SPEC_FIELD_MAX + 1];
};

/* What is wrong with a message, for the log line and for answer 30. */
struct message_fault {
    enum status status;
    uint16_t field;     /* 0: header, MTI or bitmap */
    uint32_t offset;    /* of the offending byte in the message bytes */
    bool is_answerable; /* MTI and field 11 could be read, so a refusal can be addressed */
    char
        reason[160]; /* "field 55 ends 3 bytes after the message": expected and found; no content */
};

/* Parses all of `bytes` (65,535 at most). On a fault the fields before it are in place; behind a
 * bad character, which moves nothing, also those that are right. Only these are present. Strict: a
 * length above the table's maximum, bytes after the last field, a field the spec does not name, bit
 * 1 where there is no second bitmap are all refused. */
MUST_CHECK enum status message_parse(struct message *message, const struct spec *spec,
                                     struct byte_view bytes, struct message_fault *fault);

/* Reads only the fields of `wanted` (bits as in message.present), and stops behind the last of
 * them: for who has to know where a message goes and nothing else. Others are stepped over by their
 * lengths, and are not present; neither their characters nor the end of the message are judged. */
MUST_CHECK enum status message_parse_some(struct message *message, const struct spec *spec,
                                          struct byte_view bytes,
                                          const uint64_t wanted[SPEC_WORD_COUNT],
                                          struct message_fault *fault);

/* `field` is 1 to SPEC_FIELD_MAX. */
static inline bool message_has(const struct message *message, unsigned field)
{
    return (message->present[(field - 1) / 64] >> (63 - (field - 1) % 64) & 1) != 0;
}

/* The raw bytes of a field as they stand; length 0 when absent. */
struct byte_view message_raw(const struct message *message, unsigned field);
/* The header before the MTI. */
struct byte_view message_header(const struct message *message);

/* Copies the value of a field, in the form that message_draft_set takes, with a final 0: digits
 * unpacked, track separators as '=', blanks kept, and of a b field its bytes (hex decoded). Answers
 * the character count; 0 when absent. STATUS is not needed: parse has checked the content. REQUIREs
 * room for count + 1. */
uint32_t message_text(const struct message *message, unsigned field, char *text,
                      uint32_t text_size);
/* The number a field of at most 19 digits spells.
 * STATUS_MISSING: absent. STATUS_MALFORMED: not all digits. */
MUST_CHECK enum status message_number(const struct message *message, unsigned field,
                                      uint64_t *number);
/* Bytes from MTI to the end of the field before the MAC field; length 0 when the message has no MAC
 * field. The MAC itself: message_raw(message, message_mac_field(message)). */
struct byte_view message_mac_scope(const struct message *message);
/* 64, 128, or 0 when the dialect knows no MAC; whether it is present: message_has. */

#define MESSAGE_MAC_BYTES_MAX 8192
/* What the MAC is made over: message_mac_scope, or the fields that the dialect chooses, joined in
 * `room`; length 0 when the message has no MAC field. */
struct byte_view message_mac_input(const struct message *message,
                                   uint8_t room[MESSAGE_MAC_BYTES_MAX]);
/* The same of a message that has just been built: `scope` as message_build told it, `whole` from
 * its header to its end. */
struct byte_view message_mac_input_built(const struct spec *spec, struct byte_view whole,
                                         struct byte_view scope,
                                         uint8_t room[MESSAGE_MAC_BYTES_MAX]);

static inline unsigned message_mac_field(const struct message *message)
{
    return spec_mac_field(message->spec, message->present[1] != 0); /* no MAC with a third bitmap */
}

/* A message to be. Values are text in the characters of the field (digits for n), or bytes for b;
 * borrowed until message_build. */
struct message_draft {
    const struct spec *spec;
    char mti[5];
    struct byte_view header; /* empty where the spec says what stands in it: as it says */
    uint64_t present[SPEC_WORD_COUNT];
    struct byte_view values[SPEC_FIELD_MAX + 1];
};

void message_draft_init(struct message_draft *draft, const struct spec *spec, const char *mti);
void message_draft_set(struct message_draft *draft, unsigned field, const void *value,
                       uint32_t count);
void message_draft_set_text(struct message_draft *draft, unsigned field, const char *text);

/* Appends the message. Fixed alphanumeric values are padded with blanks on the right, fixed numbers
 * with zeros on the left. With `mac_scope` given and a MAC field in the spec, the MAC bit is set,
 * room for the MAC stands at the end, and *mac_scope views the bytes to be MACed (length 0: no MAC
 * in this dialect); the caller then calls message_put_mac. On a failure the writer stands where it
 * stood.
 * STATUS_BAD_VALUE: a value the spec does not allow; `fault` names the field. STATUS_NO_ROOM. */
MUST_CHECK enum status message_build(const struct message_draft *draft, struct byte_writer *writer,
                                     struct byte_view *mac_scope, struct message_fault *fault);

/* Writes the 8 bytes of a MAC over the end of a message that was built with a MAC scope, as the
 * dialect codes them (raw bytes, or 16 hex characters in ASCII or EBCDIC). */
void message_put_mac(const struct spec *spec, struct byte_writer *writer, const uint8_t mac[8]);

/* Appends one value as its row says, with its length in front where it varies: what message_build
 * does for each field. STATUS_BAD_VALUE, STATUS_NO_ROOM: nothing was written. */
MUST_CHECK enum status message_put_value(struct byte_writer *writer, const struct spec_field *field,
                                         const struct spec_row *row, struct byte_view value);

/* One line a field, "  11 stan            000123", masked as the spec says; for traces and support.
 * Cut at `text_size`; always ends with 0. */
void message_describe(const struct message *message, char *text, uint32_t text_size);
