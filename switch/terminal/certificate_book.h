/* Which certificates of terminals are near their end, and of whom that was told lately: a terminal
 * that connects for each payment is told of once, not each time. Told is what the engine has taken:
 * what it turned away, since the disk was short, is news at the next connection.
 *
 * A small table of plain values; zeroed is empty. One that is pushed out by another is told again,
 * and the engine, which knows each terminal, lets it be.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/engine/engine.h"

#define CERTIFICATE_COUNT 4096 /* a power of two */

struct certificate_book {
    struct {
        char terminal_id[9];
        uint8_t told; /* the reason, plus 1; 0: nothing */
    } items[CERTIFICATE_COUNT];
};

/* TXN_REASON_CERTIFICATE_30, _14 or _7; NONE: it lasts longer, or its end is not known (0). Both in
 * seconds since 1970. */
enum txn_reason certificate_reason(int64_t end_s, int64_t now_s);

/* Whether this is news of that terminal. NONE never is, and forgets what was told: it has another
 * certificate. What is news stays so until it is told. */
bool certificate_book_is_news(struct certificate_book *book, const char terminal_id[9],
                              enum txn_reason reason);
/* The engine has taken it; not NONE. */
void certificate_book_told(struct certificate_book *book, const char terminal_id[9],
                           enum txn_reason reason);
