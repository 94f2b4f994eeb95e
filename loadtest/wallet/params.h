/* Names and values as the wallets pass them: of a form (Alipay), of a flat XML document (WeChat Pay
 * v2), and the text that both sign: sorted by name, joined as name=value with '&', empty values
 * left out.
 *
 * Bounds: 64 names, and what the caller lets a body have; a name that comes twice is refused.
 *
 * Life:  struct params params = {0} -> params_read_form, params_read_xml, params_add ... ->
 * params_free
 */
#pragma once

#include <stdint.h>
#include <string.h>

#include "protocols/base/bytes.h"
#include "protocols/base/status.h"

#define PARAM_COUNT_MAX 64
#define PARAM_NAME_CHARACTERS_MAX 64

struct param {
    char *name, *value; /* owner; UTF-8, end with 0 */
};

struct params {
    struct param items[PARAM_COUNT_MAX];
    uint32_t count;
};

/* A text's bytes, without its 0. */
static inline struct byte_view text_view(const char *text)
{
    return (struct byte_view){(const uint8_t *)text, (uint32_t)strlen(text)};
}

void params_free(struct params *params);

/* Copies both. STATUS_DUPLICATE, STATUS_NO_ROOM, STATUS_BAD_VALUE (an empty or long name, a 0
 * inside), STATUS_NO_MEMORY. */
MUST_CHECK enum status params_add(struct params *params, struct byte_view name,
                                  struct byte_view value);
/* The value of that name; "" when it is absent or empty. */
const char *params_find(const struct params *params, const char *name);

/* application/x-www-form-urlencoded, of a body or behind a '?'. A name that is there already with
 * the same value is taken once: Alipay's callers put `charset` into the address and the body. */
MUST_CHECK enum status params_read_form(struct params *params, struct byte_view text);

/* One root element whose children hold text alone. STATUS_MALFORMED: no XML, a DOCTYPE, a child
 * within a child, an element that comes twice. */
MUST_CHECK enum status params_read_xml(struct params *params, struct byte_view text);

/* The text to sign, without the names of `omitted` (NULL: none left; each ends with 0). NULL: no
 * memory; else the caller's, to be freed. */
char *params_sorted(const struct params *params, const char *const omitted[]);
/* <xml> with each value in CDATA; and a form, percent-encoded. NULL: no memory; else the caller's.
 */
char *params_write_xml(const struct params *params);
char *params_write_form(const struct params *params);
