/* How the files of this folder put events into the outbox, within the transaction at hand. */
#pragma once

#include "switch/desk/case_book.h"
#include "switch/desk/desk.h"
#include "switch/desk/event_out.h"
#include "switch/desk/flag_book.h"

MUST_CHECK enum status event_note_flag(struct desk *desk, uint64_t flag_id,
                                       const struct flag *flag);
MUST_CHECK enum status event_note_judgement(struct desk *desk, uint64_t flag_id,
                                            enum case_outcome outcome, const struct desk_actor *by);
MUST_CHECK enum status event_note_link(struct desk *desk, uint64_t flag_id, uint64_t case_id);
/* The case as it is after the event; `due_us` as its row has it. */
struct event_note_step {
    const struct service_case *service_case;
    const struct case_entry *entry;
    int64_t due_us;
};
MUST_CHECK enum status event_note_case(struct desk *desk, const struct event_note_step *step);
/* What a case asks of people; `number` names it, as effect_book does. */
struct event_note_message {
    uint64_t number;
    int64_t wall_us; /* of the event that asks for it */
    const struct case_effect *effect;
    const struct service_case *service_case;
};
MUST_CHECK enum status event_note_message(struct desk *desk,
                                          const struct event_note_message *message);
