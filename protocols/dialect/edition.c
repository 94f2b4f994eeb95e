/* See edition.h. */
#include "protocols/dialect/edition.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"

struct edition {
    struct dialect *dialect; /* owner */
    _Atomic uint32_t holder_count;
    uint8_t hash[EDITION_HASH_BYTES];
};

struct edition *edition_create(struct dialect *dialect, const uint8_t hash[EDITION_HASH_BYTES])
{
    struct edition *edition = calloc(1, sizeof(*edition));
    if (edition == NULL) {
        dialect_destroy(dialect);
        return NULL;
    }
    edition->dialect = dialect;
    memcpy(edition->hash, hash, EDITION_HASH_BYTES);
    atomic_init(&edition->holder_count, 1);
    return edition;
}

struct edition *edition_hold(struct edition *edition)
{
    uint32_t before = atomic_fetch_add_explicit(&edition->holder_count, 1, memory_order_relaxed);
    REQUIRE(before > 0 && before < UINT32_MAX);
    return edition;
}

void edition_release(struct edition *edition)
{
    if (edition == NULL) {
        return;
    }
    /* What other holders did with it happened before it is freed. */
    uint32_t before = atomic_fetch_sub_explicit(&edition->holder_count, 1, memory_order_acq_rel);
    REQUIRE(before > 0);
    if (before == 1) {
        dialect_destroy(edition->dialect);
        free(edition);
    }
}

const struct dialect *edition_dialect(const struct edition *edition)
{
    return edition->dialect;
}

bool edition_is_of(const struct edition *edition, const uint8_t hash[EDITION_HASH_BYTES])
{
    return memcmp(edition->hash, hash, EDITION_HASH_BYTES) == 0;
}
