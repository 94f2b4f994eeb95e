/* See channel_table.h. Few rows, found by name only when files are read: a plain array. */
#include "routing/channel_table.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/base/document.h"
#include "protocols/base/require.h"

struct channel_table {
    uint16_t row_count;
    uint64_t retired; /* a bit each */
    struct channel_row rows[CHANNEL_COUNT_MAX];
};

struct channel_table *channel_table_create(void)
{
    return calloc(1, sizeof(struct channel_table));
}

void channel_table_destroy(struct channel_table *table)
{
    free(table);
}

enum status channel_table_add(struct channel_table *table, const struct channel_row *row)
{
    if (row->name[0] == '\0' || memchr(row->name, '\0', CHANNEL_NAME_SIZE) == NULL) {
        return STATUS_BAD_VALUE;
    }
    if (channel_table_find(table, row->name) >= 0) {
        return STATUS_DUPLICATE;
    }
    if (table->row_count == CHANNEL_COUNT_MAX) {
        return STATUS_NO_ROOM;
    }
    table->rows[table->row_count++] = *row;
    return STATUS_OK;
}

void channel_table_retire(struct channel_table *table, uint16_t index)
{
    REQUIRE(index < table->row_count);
    table->rows[index].kinds = 0;
    table->retired |= UINT64_C(1) << index;
}

bool channel_table_is_retired(const struct channel_table *table, uint16_t index)
{
    REQUIRE(index < table->row_count);
    return (table->retired >> index & 1) != 0;
}

uint16_t channel_table_count(const struct channel_table *table)
{
    return table->row_count;
}

const struct channel_row *channel_table_at(const struct channel_table *table, uint16_t index)
{
    REQUIRE(index < table->row_count);
    return &table->rows[index];
}

int channel_table_find(const struct channel_table *table, const char *name)
{
    REQUIRE(name != NULL);
    for (uint16_t i = 0; i < table->row_count; i++) {
        if (!channel_table_is_retired(table, i) && strcmp(table->rows[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

const char *channel_table_nearest(const struct channel_table *table, const char *name)
{
    const char *names[CHANNEL_COUNT_MAX + 1] = {0};
    uint16_t count = 0;
    for (uint16_t i = 0; i < table->row_count; i++) {
        if (!channel_table_is_retired(table, i)) {
            names[count++] = table->rows[i].name;
        }
    }
    return document_nearest(name, names);
}
