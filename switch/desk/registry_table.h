/* The columns of each row kind of the registry, from registry_column.def. */
#pragma once

#include "switch/desk/cell_table.h"
#include "switch/desk/registry.h"

const struct cell_table *registry_table(enum registry_kind kind);
/* What columns together may not say: NULL, or a sentence without the row. */
const char *registry_row_fault(enum registry_kind kind, const void *row);

/* For the files of this folder: every cell as it would come in by CSV. BAD_VALUE: it would not. */
MUST_CHECK enum status registry_check_row(struct desk *desk, enum registry_kind kind,
                                          const void *row);
/* registry_put() without its transaction and checks; `*is_changed`: it wrote something. DENIED has
 * written nothing. */
MUST_CHECK enum status registry_put_row(struct desk *desk, enum registry_kind kind, const void *row,
                                        const struct desk_actor *by, bool *is_changed);
