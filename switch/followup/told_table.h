/* Which effects were told and not done yet, and when, so that none is told at every turn.
 *
 * Life:  told_table_create -> told_table_note, told_table_forget ... -> told_table_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TOLD_COUNT_MAX 65536 /* that wait to be done at once: beyond, no others should be told */

struct told_table;

/* NULL: no memory. */
struct told_table *told_table_create(void);
/* NULL does nothing. */
void told_table_destroy(struct told_table *table);

/* When it was told last, by the monotonic clock; TOLD_NEVER: not since it was forgotten, or ever.
 */
#define TOLD_NEVER UINT64_MAX
uint64_t told_table_last(const struct told_table *table, uint64_t number);
bool told_table_is_full(const struct told_table *table);
/* False: no memory. */
bool told_table_note(struct told_table *table, uint64_t number, uint64_t told_ns);
void told_table_forget(struct told_table *table, uint64_t number);
uint32_t told_table_count(const struct told_table *table);
