/* See inspection_row.h. */
#include "switch/desk/inspection_row.h"

#include "protocols/base/require.h"
#include "switch/desk/cell_macro.h"
#include "switch/desk/inspection_book.h"

CELL_WORDS(ITEM, enum inspection_item, inspection_item_name, INSPECTION_ITEM_COUNT)
CELL_LITERAL_WORDS(MARK, "not_seen", "good", "bad")
CELL_LITERAL_WORDS(VERDICT, "passed", "incomplete", "failed")

#include "switch/desk/inspection_column.def"

const struct cell_table INSPECTION_ROW =
    CELL_TABLE(inspection_entry, "an inspection that took place");
