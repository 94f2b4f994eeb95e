/* What read and build share: keys, rows, and who carries a MAC. See dialect.h. */
#include "protocols/dialect/dialect.h"

#include <string.h>

#include "protocols/base/require.h"
#include "protocols/dialect/table.h"

_Static_assert(sizeof(((struct payment *)0)->processing_code) == 7, "six digits of a key");
_Static_assert(sizeof(((struct payment *)0)->management_code) == 4, "three digits of a key");
_Static_assert(sizeof(((struct payment *)0)->network_code) == 4, "three digits of a key");

const struct spec *dialect_spec(const struct dialect *dialect)
{
    return dialect->spec;
}

const char *dialect_name(const struct dialect *dialect)
{
    return dialect->spec->name;
}

/* The digits of `text` as nibbles; an empty text is absent in all its places. A payment holds its
 * key texts whole or not at all. */
__attribute__((always_inline)) static inline uint64_t pack(const char *text, unsigned digit_count,
                                                           unsigned bit, uint64_t *absent)
{
    uint64_t key = 0;
    for (unsigned i = 0; i < digit_count; i++) {
        key = key << 4 | ((unsigned char)text[i] & 15);
    }
    const uint64_t all = (UINT64_C(1) << (4 * digit_count)) - 1;
    *absent |= (text[0] == '\0' ? all : 0) << bit;
    return (text[0] == '\0' ? 0 : key) << bit;
}

uint64_t dialect_key(const struct payment *payment, uint64_t *absent)
{
    uint64_t key = 0;
    *absent = 0;
#define X(name, digits, bit) key |= pack(payment->name, digits, bit, absent);
    DIALECT_KEY_MAP(X)
#undef X
    return key;
}

const struct dialect_row *dialect_row_of(const struct dialect *dialect, enum payment_kind kind,
                                         const struct payment *payment)
{
    REQUIRE((unsigned)kind < PAYMENT_KIND_COUNT);
    uint64_t absent;
    const uint64_t key = dialect_key(payment, &absent);
    const struct dialect_kind *rows = &dialect->kinds[kind];
    for (unsigned i = 0; i < rows->count; i++) {
        const struct dialect_row *row = &dialect->rows[dialect->kind_rows[rows->first + i]];
        const uint64_t value = row->value | row->means_value;
        const uint64_t mask = row->mask | row->means_mask;
        if (((key ^ value) & mask & ~absent) == 0) {
            return row;
        }
    }
    return NULL;
}

bool dialect_has_mac(const struct dialect *dialect, const struct payment *payment)
{
    const struct dialect_row *row = dialect_row_of(dialect, payment->kind, payment);
    if (row == NULL || row->mac == DIALECT_MAC_NEVER) {
        return false;
    }
    if (payment->leg == PAYMENT_REQUEST || dialect->mac_code_count == 0) {
        return true;
    }
    for (uint32_t i = 0; i < dialect->mac_code_count; i++) {
        if (memcmp(dialect->mac_codes[i], payment->response_code, 3) == 0) {
            return true;
        }
    }
    return false;
}
