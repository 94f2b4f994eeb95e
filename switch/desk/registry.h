/* What is registered for after-sales, in the database: the rows of registry_rows.h with a history
 * of who changed what, when.
 *
 * A row is a plain struct of its kind (struct registry_binding for BINDING). All writing leaves a
 * line a changed column in the table `history`, in the same transaction; a row that is put as it
 * stands writes nothing. Of bindings nothing changes but their end and the moment they were
 * reported; a terminal, and a serial number, has one in force at a time.
 *
 * CSV: the first line names all columns; a file that was written here and read again gives the same
 * bytes. What a spreadsheet would carry out as a formula goes out marked (config/csv_cell.h); that
 * mark is taken off on the way in.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/registry_rows.h"
#include "switch/desk/desk.h"

/* A terminal_binding with what it binds. Key: terminal, serial number, first day. */
struct registry_binding {
    char terminal_id[9];
    char serial[21];
    struct terminal_binding binding;
};

/* X(name, struct and table) */
#define REGISTRY_MAP(X)                                                                            \
    X(DEVICE_MODEL, device_model)                                                                  \
    X(FIRST_AID, first_aid_script)                                                                 \
    X(WARRANTY, warranty)                                                                          \
    X(SERVICE_CHANNEL, service_channel)                                                            \
    X(SERVICE_POINT, service_point)                                                                \
    X(SERVICE_STOCK, service_stock)                                                                \
    X(TERMINAL, terminal_registration)                                                             \
    X(BINDING, registry_binding)                                                                   \
    X(MERCHANT, merchant_registration)                                                             \
    X(AGENT, agent)
enum registry_kind {
#define X(name, row) REGISTRY_##name,
    REGISTRY_MAP(X)
#undef X
        REGISTRY_KIND_COUNT
};

/* Room for a row of any kind. */
union registry_row {
#define X(name, row) struct row row;
    REGISTRY_MAP(X)
#undef X
};

const char *registry_kind_name(enum registry_kind kind); /* "device_model": the table's name */
/* REGISTRY_KIND_COUNT: no such name. */
enum registry_kind registry_kind_from_name(const char *name);

/* Fills in the row whose key stands in it. NOT_FOUND: none. Of a terminal also the binding that is
 * in force. */
MUST_CHECK enum status registry_find(struct desk *desk, enum registry_kind kind, void *row);
/* NOT_FOUND: no binding of this terminal is in force. */
MUST_CHECK enum status registry_binding_in_force(struct desk *desk, const char *terminal_id,
                                                 struct registry_binding *binding);
/* Rows in the order of their keys; `on_row` answers false to stop, and must not write. */
struct registry_sink {
    bool (*on_row)(void *argument, const void *row);
    void *argument;
};
MUST_CHECK enum status registry_list(struct desk *desk, enum registry_kind kind,
                                     const struct registry_sink *sink);
/* Adds the row, or changes the one of its key. BAD_VALUE: a member that no row may have; DENIED: a
 * binding would be changed, or a second one be in force. */
MUST_CHECK enum status registry_put(struct desk *desk, enum registry_kind kind, const void *row,
                                    const struct desk_actor *by);

/* Takes out the row whose key is given; its history stays, and says so by empty texts. NOT_FOUND;
 * DENIED: terminals, bindings and merchants are kept, their state says what became of them. */
MUST_CHECK enum status registry_remove(struct desk *desk, enum registry_kind kind,
                                       const void *key_row, const struct desk_actor *by);

/* Rows of one file: each is 3/4 KB of memory until it is written, and all are written under one
 * lock, for which the switch's own cases wait. */
#define REGISTRY_IMPORT_ROW_COUNT_MAX 300000
#define REGISTRY_IMPORT_ROWS_TEXT "300,000"

struct registry_import {
    enum registry_kind kind;
    const char *file; /* name for the sentences */
    char *text;       /* changed; one byte behind `length` is written */
    uint32_t length;
    bool is_skipping_bad; /* take the good rows; else none when one is bad */
    bool is_check;        /* tell what would come of it, and write nothing */
    struct desk_actor by;
    /* Each fault: "models.csv:7: column "parts": expected one of ..., got ..." */
    void (*on_fault)(void *argument, const char *sentence);
    void *argument;
    /* what came of it */
    uint32_t row_count, changed_count, bad_count;
};
/* One transaction. MALFORMED: faults were told and nothing was taken over. With is_skipping_bad a
 * first line that is wrong alone is MALFORMED, or that there are too many rows. */
MUST_CHECK enum status registry_import(struct desk *desk, struct registry_import *import);

/* Gives the bytes of a CSV file in pieces; `write` answers false to stop, which is CLOSED. */
struct registry_export {
    bool (*write)(void *argument, const char *bytes, uint32_t length);
    void *argument;
};
MUST_CHECK enum status registry_export(struct desk *desk, enum registry_kind kind,
                                       const struct registry_export *sink);

/* One line of history: one column of one row. */
struct registry_change {
    uint64_t number;
    int64_t wall_us;
    const char *actor, *row_kind, *row_key, *column, *before, *after;
};
/* What was changed of one row, the oldest first. `key_row`: its key stands in it. */
MUST_CHECK enum status
registry_history(struct desk *desk, enum registry_kind kind, const void *key_row,
                 void (*on_change)(void *argument, const struct registry_change *change),
                 void *argument);

/* The number of the newest line of history, 0: there is none; another one than before: something
 * registered has changed. */
MUST_CHECK enum status registry_version(struct desk *desk, int64_t *number);
