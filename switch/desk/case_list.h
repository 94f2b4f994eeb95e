/* Parts and photos of an event, in tables of their own behind the event (case_row.h): written once,
 * with it, and bound by its hash. */
#pragma once

#include "switch/desk/case_book.h"

/* Whether each is what the file can keep; false: `fault` (CELL_FAULT_SIZE) says what is wrong. */
bool case_list_check(const struct case_entry *entry, char *fault);
MUST_CHECK enum status case_list_add(struct desk *desk, const struct case_entry *entry);
/* Fills in what belongs to entry->case_id and entry->number. MALFORMED: the file was changed. */
MUST_CHECK enum status case_list_read(struct desk *desk, struct case_entry *entry);
/* MALFORMED: one is there whose event is not. */
MUST_CHECK enum status case_list_strays(struct desk *desk);

/* Whether the model of the case has the parts that were replaced, and what the merchant pays for
 * parts since the price was quoted stays within it. `refusal` says what does not fit, and is empty
 * where all does; of a model that is not registered, or without its parts, nobody knows. */
MUST_CHECK enum status case_list_refuse(struct desk *desk, const struct service_case *it,
                                        const struct case_event *event, char refusal[320]);
