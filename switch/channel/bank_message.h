/* Payments to framed, sealed messages of one bank and back.
 *
 * Nothing of a message is acted on before its MAC has held (I36): where the link has a key, a
 * message that should carry a MAC and does not is as wrong as one with a bad MAC.
 */
#pragma once

#include "protocols/dialect/dialect.h"
#include "protocols/frame.h"
#include "switch/security/security.h"

#define BANK_MESSAGE_BYTES_MAX (FRAME_LENGTH_MAX + 64) /* with what stands around it */
#define BANK_MESSAGE_REASON_SIZE 192

/* How a bank's messages look; plain values and borrowed ones. */
struct bank_dialect {
    const char *channel; /* name, for traces */
    const struct dialect *dialect;
    struct framing framing;
    uint8_t tpdu[FRAME_TPDU_BYTES];
    bool has_mac;
    struct security_unit *unit;
    struct security_link mac;
};

enum bank_verdict {
    BANK_READ,
    BANK_UNREADABLE, /* no message of the dialect */
    BANK_BAD_MAC     /* wrong, or missing */
};

/* Appends the whole frame. STATUS_MISSING, STATUS_UNKNOWN, STATUS_BAD_VALUE: the dialect cannot say
 * it. STATUS_DENIED: no MAC could be made. `reason` names the field, no content. */
MUST_CHECK enum status bank_message_write(const struct bank_dialect *bank,
                                          const struct payment *payment, struct byte_writer *writer,
                                          char reason[BANK_MESSAGE_REASON_SIZE]);

MUST_CHECK enum bank_verdict bank_message_read(const struct bank_dialect *bank,
                                               struct byte_view bytes, struct payment *payment,
                                               char reason[BANK_MESSAGE_REASON_SIZE]);

/* The message type, four digits, of a framed message that bank_message_write made. */
void bank_message_mti(const struct bank_dialect *bank, struct byte_view framed, char mti[5]);
