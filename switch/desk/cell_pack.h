/* Cells of a row into the fields of a protobuf message that bear the names of the columns, so that
 * what is told outside has the words of the file and cannot disagree with it. */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "switch/desk/cell_table.h"

/* Where the texts of a message stand until it is packed. */
#define CELL_PACK_ROOM 4096
struct cell_pack_texts {
    char bytes[CELL_PACK_ROOM];
    size_t length;
};

/* A copy of the text that lives as long as `texts`; REQUIREs that it fits. */
char *cell_pack_text(struct cell_pack_texts *texts, const char *text);
/* Fills in each field that has a column of its name; fields without one stay as they are. An
 * optional field stays absent where the cell says nothing (an empty text, 0). */
void cell_pack(const struct cell_table *table, const void *row, ProtobufCMessage *message,
               struct cell_pack_texts *texts);
