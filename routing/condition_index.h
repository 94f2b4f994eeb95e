/* Which of many conditions is the first that fits, without walking them one by one.
 *
 * For each part that any condition states, each fact leads to the set of conditions that it does
 * not rule out: those that hold it and those that leave the part open. The sets of all parts,
 * intersected, are what fits; the lowest bit is the answer. Sets that are equal are held once, so
 * memory follows the rules, not how finely their ranges are cut.
 *
 * Life:  condition_index_create -> first ... -> destroy
 */
#pragma once

#include "routing/condition.h"

#define CONDITION_INDEX_NONE UINT32_MAX
#define CONDITION_INDEX_BYTES_MAX (64u * 1024 * 1024) /* of the sets */

struct condition_index;

/* Conditions lie `stride` bytes apart; they are not kept. NULL: no memory, or the sets would take
 * more than CONDITION_INDEX_BYTES_MAX. */
struct condition_index *condition_index_create(const struct condition *first, uint32_t count,
                                               size_t stride);
void condition_index_destroy(struct condition_index *index);
/* The place of the first condition that fits; CONDITION_INDEX_NONE: none does. */
uint32_t condition_index_first(const struct condition_index *index,
                               const struct condition_facts *facts);
