/* Card numbers that stand in a file from before they were masked as they came in.
 *
 * Versions 1 and 2 kept what people wrote as they had written it. When such a file is brought up to
 * date the free texts (CELL_FREE) of the registry, its history, inspections and holds are masked
 * where they stand. Events of cases are not: each is hashed, and the next one with it. Nor is what
 * the outbox told already.
 */
#pragma once

#include "switch/desk/desk.h"

#define DESK_MASK_VERSION 3 /* of the schema: files of older ones are masked */

/* Within the caller's transaction, over every row; only those that change are written. */
MUST_CHECK enum status desk_mask_free_texts(struct desk *desk);
