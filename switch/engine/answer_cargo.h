/* What an answer says beside its fixed parts, packed so that the log keeps it and a repeat of the
 * request gets the same bytes again: chip data, balance, institutions, private texts, and
 * the voucher of a QR payment.
 *
 *   one value:  which (enum payment_cargo; 255: the voucher) 1 byte | length 2 bytes, big-endian |
 * the value
 */
#pragma once

#include "protocols/payment.h"
#include "switch/engine/record.h"

/* Packs what a response brought, in the order of the kinds; what does not fit is left out, the last
 * kinds first. Answers the length. */
uint16_t answer_cargo_pack(uint8_t packed[RECORD_ANSWER_BYTES_MAX], const struct payment *response);
/* Puts words for the cashier into field 63 of what is packed, behind what a channel says there.
 * False, and nothing is changed: the channel says something to the cashier itself, or there is no
 * room. */
MUST_CHECK bool answer_cargo_put_words(uint8_t packed[RECORD_ANSWER_BYTES_MAX], uint16_t *length,
                                       struct byte_view words);
/* The words for the cashier in what is packed, as they were put there; empty: none. */
struct byte_view answer_cargo_words(struct byte_view packed);
/* Puts packed values into a reply whose cargo holds none of them; bytes that are no whole value end
 * it. */
void answer_cargo_unpack(struct payment *reply, struct byte_view packed);
