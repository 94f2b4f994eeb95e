/* One flat XML element as WeChat Pay v2 speaks it: <xml><name>text</name>…</xml>.
 *
 * Read by expat with what that is not told to do refused: no DOCTYPE (and so no entity of anybody's
 * making), no deeper nesting, no element twice, bounded in all.
 */
#pragma once

#include "protocols/wallet/wallet_text.h"

#define WALLET_XML_BYTES_MAX 16384

struct wallet_xml {
    struct wallet_parameters members; /* texts lie in the arena */
    uint8_t arena[WALLET_XML_BYTES_MAX];
};

/* STATUS_MALFORMED: no XML, or not of that shape. STATUS_DENIED: a DOCTYPE. STATUS_DUPLICATE: an
 * element twice. STATUS_NO_ROOM: too much of anything. */
MUST_CHECK enum status wallet_xml_read(struct wallet_xml *xml, struct byte_view bytes);

/* <xml>…</xml> of the parameters, in their order. */
void wallet_xml_write(const struct wallet_parameters *parameters, struct byte_writer *writer);
