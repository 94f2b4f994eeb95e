/* The institutions in the header of a host link: see dialect_header in dialect.h. */
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "protocols/dialect/table.h"
#include "protocols/iso8583/header.h"

/* One id in its place, with blanks behind it. */
static bool put_id(const struct spec *spec, enum spec_header_role role, const char *id,
                   uint8_t *header, char reason[DIALECT_HEADER_REASON_SIZE])
{
    const char *option = role == SPEC_HEADER_SOURCE ? "source" : "destination";
    const struct spec_header_item *item = spec_header_find(spec, role);
    size_t length = strlen(id);
    if (length == 0) {
        return true;
    }
    if (item == NULL) {
        snprintf(reason, DIALECT_HEADER_REASON_SIZE,
                 "header.%s: expected none, since the header of dialect %s has no place for it",
                 option, spec->name);
        return false;
    }
    if (length > item->length) {
        snprintf(reason, DIALECT_HEADER_REASON_SIZE,
                 "header.%s: expected at most %u characters, as dialect %s has it, got %zu", option,
                 item->length, spec->name, length);
        return false;
    }
    for (uint32_t i = 0; i < item->length; i++) { /* blanks behind it, no zero */
        header[item->offset + i] = i < length ? (uint8_t)id[i] : ' ';
    }
    return true;
}

bool dialect_header(const struct dialect *dialect, const struct dialect_header_ids *ids,
                    struct dialect_header *header, char reason[DIALECT_HEADER_REASON_SIZE])
{
    const struct spec *spec = dialect->spec;
    *header = (struct dialect_header){.length = 0};
    REQUIRE(spec->header_bytes <= SPEC_HEADER_BYTES_MAX);
    memcpy(header->bytes, spec->header, spec->header_bytes);
    if (!put_id(spec, SPEC_HEADER_SOURCE, ids->source, header->bytes, reason) ||
        !put_id(spec, SPEC_HEADER_DESTINATION, ids->destination, header->bytes, reason)) {
        return false;
    }
    if (spec->header_item_count > 0) {
        struct byte_view ours = {header->bytes, spec->header_bytes};
        header_fill(header->swapped, spec, ours, true);
        header->length = spec->header_bytes;
    }
    return true;
}
