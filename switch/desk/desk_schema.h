/* The statements that make an empty file a desk. */
#pragma once

#include <stdint.h>

#include "switch/desk/cell_table.h"

uint32_t desk_schema_count(void);
/* The statement at `index`. */
void desk_schema_sql(uint32_t index, struct cell_sql *sql);
