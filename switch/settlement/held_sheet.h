/* Whose money is held back by an order (switch/engine/order.h), for whoever pays out: the lines
 * count and stand in all other sheets, but are not to be paid until the order is lifted or over.
 */
#pragma once

#include "switch/settlement/day_sheet.h"

/* held.csv: a line for each merchant whose money is held as far as the log was read, and each
 * currency of its lines of that day; one without lines has none of their sums. */
MUST_CHECK enum status held_sheet_write(struct settlement_log *log, struct sheet_set *set,
                                        uint32_t day);
