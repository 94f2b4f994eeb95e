/* See certificate_book.h. */
#include "switch/terminal/certificate_book.h"

#include <string.h>

#include "protocols/base/require.h"

#define DAY_S 86400
#define HASH_BEGIN UINT64_C(14695981039346656037) /* FNV-1a */
#define HASH_STEP UINT64_C(1099511628211)

_Static_assert((CERTIFICATE_COUNT & (CERTIFICATE_COUNT - 1)) == 0, "a mask finds the place");
_Static_assert(TXN_REASON_COUNT < UINT8_MAX, "a reason, plus 1, fits a byte");

enum txn_reason certificate_reason(int64_t end_s, int64_t now_s)
{
    if (end_s == 0 || end_s - now_s > 30 * DAY_S) {
        return TXN_REASON_NONE;
    }
    return end_s - now_s > 14 * DAY_S  ? TXN_REASON_CERTIFICATE_30
           : end_s - now_s > 7 * DAY_S ? TXN_REASON_CERTIFICATE_14
                                       : TXN_REASON_CERTIFICATE_7;
}

static uint32_t place_of(const char terminal_id[9])
{
    uint64_t hash = HASH_BEGIN;
    for (uint32_t i = 0; i < 8 && terminal_id[i] != '\0'; i++) {
        hash = (hash ^ (uint8_t)terminal_id[i]) * HASH_STEP;
    }
    return (uint32_t)((hash ^ hash >> 32) & (CERTIFICATE_COUNT - 1));
}

bool certificate_book_is_news(struct certificate_book *book, const char terminal_id[9],
                              enum txn_reason reason)
{
    const uint32_t at = place_of(terminal_id);
    const bool is_known = strncmp(book->items[at].terminal_id, terminal_id, 8) == 0;
    if (reason == TXN_REASON_NONE) {
        if (is_known) {
            memset(&book->items[at], 0, sizeof(book->items[at]));
        }
        return false;
    }
    return !is_known || book->items[at].told != reason + 1;
}

void certificate_book_told(struct certificate_book *book, const char terminal_id[9],
                           enum txn_reason reason)
{
    const uint32_t at = place_of(terminal_id);
    REQUIRE(reason != TXN_REASON_NONE && reason < TXN_REASON_COUNT);
    memset(&book->items[at], 0, sizeof(book->items[at]));
    memcpy(book->items[at].terminal_id, terminal_id, strnlen(terminal_id, 8));
    book->items[at].told = (uint8_t)(reason + 1);
}
