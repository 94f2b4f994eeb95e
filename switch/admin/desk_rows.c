/* See desk_rows.h. */
#include "switch/admin/desk_rows.h"

#include <stdlib.h>
#include <string.h>

static const size_t SIZES[REGISTRY_KIND_COUNT] = {
#define X(name, row) [REGISTRY_##name] = sizeof(struct row),
    REGISTRY_MAP(X)
#undef X
};

struct taking {
    struct desk_rows *rows;
    size_t size;
    enum status status;
};

static bool make_room(struct taking *taking)
{
    struct desk_rows *rows = taking->rows;
    if (rows->count < rows->room) {
        return true;
    }
    uint32_t room = rows->room == 0 ? 64 : 2 * rows->room;
    void *more =
        rows->count >= DESK_ROWS_COUNT_MAX ? NULL : realloc(rows->rows, room * taking->size);
    if (more == NULL) {
        taking->status = rows->count >= DESK_ROWS_COUNT_MAX ? STATUS_NO_ROOM : STATUS_NO_MEMORY;
        return false;
    }
    rows->rows = more;
    rows->room = room;
    return true;
}

static bool on_row(void *argument, const void *row)
{
    struct taking *taking = argument;
    if (!make_room(taking)) {
        return false;
    }
    memcpy((char *)taking->rows->rows + taking->rows->count++ * taking->size, row, taking->size);
    return true;
}

enum status desk_rows_take(struct desk *desk, enum registry_kind kind, struct desk_rows *rows)
{
    *rows = (struct desk_rows){.rows = NULL};
    struct taking taking = {rows, SIZES[kind], STATUS_OK};
    const struct registry_sink sink = {on_row, &taking};
    enum status status = registry_list(desk, kind, &sink);
    return taking.status != STATUS_OK ? taking.status : status;
}

enum status desk_rows_find(struct desk *desk, struct registry_query *query, struct desk_rows *rows)
{
    *rows = (struct desk_rows){.rows = NULL};
    struct taking taking = {rows, SIZES[query->kind], STATUS_OK};
    const struct registry_sink sink = {on_row, &taking};
    bool has_more = true;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && taking.status == STATUS_OK && has_more) {
        char cursor[CELL_KEY_SIZE];
        status = registry_page(desk, query, &sink, &has_more);
        if (status == STATUS_OK && taking.status == STATUS_OK && has_more) {
            const char *last = (const char *)rows->rows + (rows->count - 1) * taking.size;
            registry_query_cursor(query->kind, last, cursor);
            status = registry_query_go_on(query, cursor);
        }
    }
    return taking.status != STATUS_OK ? taking.status : status;
}

void desk_rows_free(struct desk_rows *rows)
{
    free(rows->rows);
    *rows = (struct desk_rows){.rows = NULL};
}
