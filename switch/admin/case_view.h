/* Which cases somebody sees, and what of them: by role and by the scope of the token. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/admin/token_file.h"
#include "switch/desk/case_book.h"

/* Kinds of cases that the holder does not see, as bits: after-sales sees no risk case, so that
 * nobody who stands by a terminal is warned; and a merchant, by its own token, none that is
 * investigated: no transaction case either. */
uint32_t case_view_hidden(const struct token_holder *holder);
/* Whether the holder opens cases of that kind and takes steps in them: risk in its own and in
 * transactions; nobody in what he or she does not see. */
bool case_view_may_step(const struct token_holder *holder, enum case_kind kind);
/* Whether the holder may say that at all: a merchant, by its own token, says what a merchant does,
 * and whoever follows up its case writes down the rest of what it told. */
bool case_view_may_say(const struct token_holder *holder, enum case_event_kind event);

/* Columns of registered rows that the holder does not see, as bits (cell_json.h): who is for some
 * merchants only sees no hashes, and unless it is risk not what risk thinks of them. */
unsigned case_view_hidden_columns(const struct token_holder *holder);
/* Whether the reason of such an event in the history of a case may be a flag's that is hidden (see
 * below), and is left out. */
bool case_view_hides_reason(const struct token_holder *holder, enum case_event_kind event);
/* Whether a flag that leads to that kind of case is hidden from the holder even in a case that he
 * or she sees: from who is for some merchants only and is not risk. */
bool case_view_hides_flag(const struct token_holder *holder, enum case_kind kind);

/* Narrows what is asked for to what the holder sees. False: nothing can be left of it. */
bool case_view_narrow(const struct token_holder *holder, struct case_query *query);
/* NOT_FOUND: there is no such case for this holder. */
MUST_CHECK enum status case_view_find(struct desk *desk, const struct token_holder *holder,
                                      uint64_t case_id, struct case_line *line);
/* What of a terminal the holder may look into. */
struct case_view_terminal {
    bool may; /* everybody who is not for some cases only, and who has an open case of it */
    char merchant_id[16]; /* of whose time alone; empty: any */
};
/* A terminal moves from merchant to merchant: a case of the one before is no right to look at the
 * one after. */
MUST_CHECK enum status case_view_terminal(struct desk *desk, const struct token_holder *holder,
                                          const char *terminal_id, struct case_view_terminal *view);
/* Whether the holder sees a flag: by its case (but see case_view_hides_flag), and where it has none
 * by its kind; without a case nobody who is for some cases only sees it. */
MUST_CHECK enum status case_view_flag(struct desk *desk, const struct token_holder *holder,
                                      uint64_t case_id, enum case_kind kind, bool *may);
