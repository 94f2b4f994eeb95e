/* A dialect: message <-> payment, driven by the same YAML file as its spec.
 *
 * The file's `mapping` says which field carries which part of a payment (with sub-fields for 60,
 * 61, 63, 90 …); its `transactions` say by which key (MTI + F3 + F25 + F60.1 / F60.3 / F70) a kind
 * is told and which fields its request and response hold: required, conditional (if the payment has
 * them), echoed. A new bank is a new file.
 *
 * Life:  dialect_compile -> read, build ... -> dialect_destroy
 */
#pragma once

#include <stdint.h>

#include "protocols/iso8583/message.h"
#include "protocols/payment.h"

struct dialect;

/* Compiles spec and mapping of one document. Faults (unknown names, a field the spec lacks, two
 * transactions with one key) go into the document. NULL: faulty or no memory. */
struct dialect *dialect_compile(struct document *document);
void dialect_destroy(struct dialect *dialect);
const struct spec *dialect_spec(const struct dialect *dialect);
const char *dialect_name(const struct dialect *dialect);

struct dialect_fault {
    uint16_t field;
    bool is_unknown_kind; /* no transaction has this key: answer 12 */
    char reason[160];
};

/* What the message means. Every required field of its transaction must be there, the MAC among them
 * where the transaction must carry one (it is not verified here).
 * STATUS_UNKNOWN: no such transaction. STATUS_MISSING, STATUS_BAD_VALUE: `fault` names the field
 * (the first one; the others are still read, so that terminal and trace number are there for a
 * refusal). Nothing is kept of the message's bytes. */
MUST_CHECK enum status dialect_read(const struct dialect *dialect, const struct message *message,
                                    struct payment *payment, struct dialect_fault *fault);

struct dialect_build_how {
    bool with_mac;           /* set the MAC bit and leave the 8 bytes */
    struct byte_view header; /* as it shall stand before the MTI (terminal side: the request's,
                                digit 6 set by the caller). Where the spec says what stands there:
                                empty, and it is as the spec has it; or that of the request which is
                                answered, and source and destination change places. */
};

/* The header before the message type that one correspondent of this dialect gets, for `how.header`:
 * of a request, and of an answer, whose source and destination dialect_build exchanges. */
struct dialect_header {
    uint8_t bytes[SPEC_HEADER_BYTES_MAX], swapped[SPEC_HEADER_BYTES_MAX];
    uint8_t length; /* 0: the spec says nothing of what stands in it */
};
struct dialect_header_ids {
    const char *source, *destination; /* empty: as the spec has it */
};
#define DIALECT_HEADER_REASON_SIZE 160

/* False: an id is longer than its place, or the spec has no such place; `reason` says which. */
MUST_CHECK bool dialect_header(const struct dialect *dialect, const struct dialect_header_ids *ids,
                               struct dialect_header *header,
                               char reason[DIALECT_HEADER_REASON_SIZE]);

/* Appends the message that says `payment`. Its leg decides request or response; of a response the
 * echoed fields come from the payment too: the caller fills a response payment from its request.
 * What the payment leaves open of its key (processing code, condition, F60.1 …) is taken from the
 * file: of the first transaction of its kind, of a reversal from that of its original. A repeat
 * gets the message type for repeats where there is one. With how->with_mac, *mac_scope views the
 * bytes under the MAC, which the caller then puts with message_put_mac.
 * STATUS_MISSING: the payment lacks a required part. STATUS_UNKNOWN: kind not in this dialect.
 * STATUS_BAD_VALUE: a value does not fit its field, or kind and key do not go together.
 * STATUS_NO_ROOM. On a failure the writer stands where it stood. */
MUST_CHECK enum status dialect_build(const struct dialect *dialect, const struct payment *payment,
                                     const struct dialect_build_how *how,
                                     struct byte_writer *writer, struct byte_view *mac_scope,
                                     struct dialect_fault *fault);

/* Appends the answer to a request that is no transaction of this dialect: its message type one up,
 * its open fields as they came, and `response_code` as the dialect writes it. No MAC.
 * STATUS_UNSUPPORTED: the message is no request, or the dialect has no field for a response code.
 */
MUST_CHECK enum status dialect_build_refusal(const struct dialect *dialect,
                                             const struct message *request,
                                             const char response_code[3], struct byte_view header,
                                             struct byte_writer *writer,
                                             struct dialect_fault *fault);

/* The field that says which network message one is (F70; F24 of 1993); 0: none. */
unsigned dialect_network_field(const struct dialect *dialect);

/* Whether a request or response of this kind carries a MAC in this dialect (response: only when
 * the response code is an approval: 00 or 10). */
bool dialect_has_mac(const struct dialect *dialect, const struct payment *payment);
