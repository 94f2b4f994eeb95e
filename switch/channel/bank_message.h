/* Payments to framed, sealed messages of one bank and back.
 *
 * Nothing of a message is acted on before its MAC has held (I36): where the link has a key, a
 * message that should carry a MAC and does not is as wrong as one with a bad MAC.
 */
#pragma once

#include "protocols/dialect/dialect.h"
#include "protocols/frame_http.h"
#include "switch/security/security.h"

/* With what stands around it. */
#define BANK_MESSAGE_BYTES_MAX (FRAME_LENGTH_MAX + 64 + FRAME_HTTP_POST_HEAD_MAX)
#define BANK_MESSAGE_REASON_SIZE 320

/* How a bank's messages look; plain values and borrowed ones. */
struct bank_dialect {
    const char *channel; /* name, for traces */
    const struct dialect *dialect;
    struct framing framing;
    uint8_t tpdu[FRAME_TPDU_BYTES];
    struct dialect_header header; /* of what we send; length 0: the dialect's has no parts */
    bool has_mac;
    struct security_unit *unit;
    struct security_link mac;
};

enum bank_verdict {
    BANK_READ,
    BANK_UNREADABLE,      /* no message of the dialect */
    BANK_UNKNOWN_NETWORK, /* a network message that asks for what the dialect has no name for */
    BANK_BAD_MAC          /* wrong, or missing */
};

/* The years of a payment's dates, for dialects that write them (ISO 8583:1993); dates lie within
 * half a year of now. */
void bank_message_fill_years(struct payment *payment, int64_t wall_us);

/* Appends the whole frame. STATUS_MISSING, STATUS_UNKNOWN, STATUS_BAD_VALUE: the dialect cannot say
 * it. STATUS_DENIED: no MAC could be made. `reason` names the field, no content. */
MUST_CHECK enum status bank_message_write(const struct bank_dialect *bank,
                                          const struct payment *payment, struct byte_writer *writer,
                                          char reason[BANK_MESSAGE_REASON_SIZE]);

MUST_CHECK enum bank_verdict bank_message_read(const struct bank_dialect *bank,
                                               struct byte_view bytes, struct payment *payment,
                                               char reason[BANK_MESSAGE_REASON_SIZE]);

/* Appends the framed answer to such a message, and tells its network code as it stands there; the
 * rest as bank_message_write. */
#define BANK_NETWORK_CODE_SIZE 16
MUST_CHECK enum status bank_message_refuse(const struct bank_dialect *bank, struct byte_view bytes,
                                           const char response_code[3], struct byte_writer *writer,
                                           char code[BANK_NETWORK_CODE_SIZE],
                                           char reason[BANK_MESSAGE_REASON_SIZE]);

/* The message type, four digits, of a framed message that bank_message_write made. */
void bank_message_mti(const struct bank_dialect *bank, struct byte_view framed, char mti[5]);
