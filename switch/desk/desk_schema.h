/* The statements that make an empty file a desk, and an older desk one of this version.
 *
 * Each came with a version and is never changed: what must change later is a further statement. So
 * a file that was made new and one that was brought up to date have the same tables.
 */
#pragma once

#include <stdint.h>

#include "switch/desk/cell_table.h"

uint32_t desk_schema_count(void);
/* The version that the statement at `index` came with. Versions only rise. */
int64_t desk_schema_version(uint32_t index);
/* The statement at `index`. */
void desk_schema_sql(uint32_t index, struct cell_sql *sql);
