/* See csv_cell.h. */
#include "config/csv_cell.h"

#include <string.h>

#define MARK '\''

bool csv_cell_needs_mark(const char *text)
{
    while (*text == MARK) {
        text++;
    }
    return *text != '\0' && strchr("=+-@\t\r", *text) != NULL;
}

const char *csv_cell_text(const char *field)
{
    return field[0] == MARK && csv_cell_needs_mark(field) ? field + 1 : field;
}
