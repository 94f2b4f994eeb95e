/* BER-TLV of EMV (field 55): walking, finding, checking (EMV Book 3 annex B).
 *
 * Tags of one to three bytes, lengths of one to three; no nesting is followed except where asked.
 */
#pragma once

#include "protocols/base/bytes.h"

#define EMV_TLV_REASON_SIZE 160

struct emv_tlv {
    uint32_t tag;    /* 0x9F26 */
    uint32_t offset; /* of the tag in the walked bytes */
    struct byte_view value;
};

/* The next item; padding bytes 00 and FF between items are skipped. STATUS_NOT_FOUND: the end.
 * STATUS_TRUNCATED / STATUS_MALFORMED: `tlv->tag` and `tlv->offset` say where. */
MUST_CHECK enum status emv_tlv_next(struct byte_reader *reader, struct emv_tlv *tlv);

/* The same of plain BER, where FF is no padding but the first byte of a tag (FF8105). */
MUST_CHECK enum status emv_tlv_next_ber(struct byte_reader *reader, struct emv_tlv *tlv);

/* The first item with `tag` on the top level; length 0 and bytes NULL when there is none. */
struct byte_view emv_tlv_find(struct byte_view icc, uint32_t tag);

/* Walks it all once. STATUS_OK: well-formed. Else `reason` says "field 55 ends 3 bytes inside tag
 * 9F10". */
MUST_CHECK enum status emv_tlv_check(struct byte_view icc, char reason[EMV_TLV_REASON_SIZE]);

/* Appends one item with a shortest-form length. */
void emv_tlv_put(struct byte_writer *writer, uint32_t tag, struct byte_view value);

/* Copies `icc` without tags that may not be kept or logged (57, 5A, 5F20, 9F1F, 9F20, 56, 9F6B, 99)
 * and without templates other than issuer scripts. A status of the walk, or STATUS_NO_ROOM; what
 * was copied before is then not to be used. */
MUST_CHECK enum status emv_tlv_strip(struct byte_writer *writer, struct byte_view icc);
