/* The columns of inspections. */
#pragma once

#include "switch/desk/cell_table.h"

extern const struct cell_table INSPECTION_ROW;
