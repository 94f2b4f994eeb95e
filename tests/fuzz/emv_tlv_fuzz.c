/* EMV TLV: the walk ends, the check and the walk agree, and what was stripped holds no card data.
 */
#include "tests/fuzz/fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/emv_tlv.h"

#define ICC_BYTES_MAX 4096

static void must(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static uint8_t stripped[ICC_BYTES_MAX], written[2 * ICC_BYTES_MAX];
    if (length > ICC_BYTES_MAX) {
        return 0;
    }
    const struct byte_view icc = {bytes, (uint32_t)length};
    char reason[EMV_TLV_REASON_SIZE];
    const enum status checked = emv_tlv_check(icc, reason);
    must((checked == STATUS_OK) == (reason[0] == '\0'));

    struct byte_reader reader;
    struct byte_writer writer;
    struct emv_tlv tlv;
    byte_reader_init(&reader, icc.bytes, icc.length);
    byte_writer_init(&writer, written, sizeof(written));
    enum status status = emv_tlv_next(&reader, &tlv);
    for (; status == STATUS_OK; status = emv_tlv_next(&reader, &tlv)) {
        must(tlv.offset < icc.length && tlv.value.length < icc.length);
        emv_tlv_put(&writer, tlv.tag, tlv.value);
    }
    must((status == STATUS_NOT_FOUND) == (checked == STATUS_OK));
    must(writer.status == STATUS_OK);
    must(emv_tlv_check((struct byte_view){written, writer.position}, reason) == STATUS_OK);

    byte_writer_init(&writer, stripped, sizeof(stripped));
    if (emv_tlv_strip(&writer, icc) == STATUS_OK) {
        const struct byte_view kept = {stripped, writer.position};
        must(emv_tlv_check(kept, reason) == STATUS_OK);
        must(emv_tlv_find(kept, 0x57).bytes == NULL && emv_tlv_find(kept, 0x5A).bytes == NULL);
    }
    return 0;
}
