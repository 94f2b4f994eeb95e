/* One reading of a message spec's file, held by all who speak it and freed when the last lets go.
 *
 * Files are read anew while payments go on, so a spec may come in a second edition; what began with
 * the first one ends with it. Holders may be of any thread.
 *
 * Life:  edition_create (one holder) -> hold, release ... -> the last release frees it
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/dialect/dialect.h"

#define EDITION_HASH_BYTES 32

struct edition;

/* Takes the dialect over, also when there is no memory (NULL). `hash`: of all that it was compiled
 * from, as the caller reckons it. */
struct edition *edition_create(struct dialect *dialect, const uint8_t hash[EDITION_HASH_BYTES]);
/* One holder more. Answers the edition. */
struct edition *edition_hold(struct edition *edition);
/* One holder less; good for NULL. */
void edition_release(struct edition *edition);

/* Good while it is held. */
const struct dialect *edition_dialect(const struct edition *edition);
/* Whether the file said the same. */
bool edition_is_of(const struct edition *edition, const uint8_t hash[EDITION_HASH_BYTES]);
