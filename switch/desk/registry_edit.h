/* One row of the registry changed by somebody: some of its cells, or which device stands where.
 *
 * A change is read, made and written in one transaction, so two who change different cells of one
 * row at once both keep what they did; who says which change of the row was the last one seen
 * (`version`, a number of its history) is refused when there is another since.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/desk/registry.h"

#define REGISTRY_CELL_COUNT_MAX 32

struct registry_cell {
    const char *name, *value; /* column, text form; borrowed */
};

struct registry_edit {
    enum registry_kind kind;
    uint32_t cell_count;
    struct registry_cell cells[REGISTRY_CELL_COUNT_MAX]; /* those of the key among them */
    bool has_version;
    uint64_t version; /* 0: the row must be new */
    struct desk_actor by;
    /* Each fault, without the row: "column "parts": expected one of ..., got ..." */
    void (*on_fault)(void *argument, const char *sentence);
    void *argument;
    /* what came of it */
    union registry_row row;
    uint64_t version_after;
    bool is_new, is_changed;
    uint32_t fault_count;
};
/* Cells that are not named stay as they are, and are empty in a new row. BAD_VALUE: faults were
 * told; DENIED: a binding would be changed; DUPLICATE: the row has another version. */
MUST_CHECK enum status registry_edit(struct desk *desk, struct registry_edit *edit);

/* The row whose cells of the key are given, with its version. BAD_VALUE: faults were told.
 * NOT_FOUND: none. */
MUST_CHECK enum status registry_edit_find(struct desk *desk, struct registry_edit *edit);
/* The same of the key alone, whether or not such a row is there. */
MUST_CHECK enum status registry_edit_key(struct registry_edit *edit);

/* A whole new row from its cells, without looking what is stored. BAD_VALUE: faults were told. */
MUST_CHECK enum status registry_edit_read(struct registry_edit *edit);

/* Ends the terminal's binding that is in force, on that day, which is filled in. NOT_FOUND: none
 * is. BAD_VALUE: the day lies before its beginning. */
MUST_CHECK enum status registry_unbind(struct desk *desk, int32_t day, const struct desk_actor *by,
                                       struct registry_binding *binding);
/* Binds; what was in force for the terminal ends on the day on which this begins (`*was_bound`, and
 * `ended`). A registered terminal gets the serial number. BAD_VALUE; DENIED: the serial number
 * stands for another terminal, or this very binding was ended before. */
MUST_CHECK enum status registry_bind(struct desk *desk, const struct registry_binding *binding,
                                     const struct desk_actor *by, struct registry_binding *ended,
                                     bool *was_bound);
