/* The columns of the two files that a replay reads: what was seen, and what is registered. */
#pragma once

#include "switch/aftersales/facts.h"
#include "switch/aftersales/observation.h"
#include "switch/watch/row_file.h"

/* One row of the facts file: `what` says which of the two it is. */
enum fact_kind { FACT_TERMINAL, FACT_MERCHANT };
struct fact_row {
    enum fact_kind what;
    struct terminal_facts terminal;
    struct merchant_facts merchant;
};

/* Of struct observation: a column a member, called as it is. */
const struct row_form *observation_form(void);
/* Of struct fact_row: `what` (terminal, merchant), then the members of both; merchant_id is filled
 * into both. */
const struct row_form *fact_form(void);
/* A file's row has merchant_id once; gives it to the part that it belongs to. */
void fact_row_settle(struct fact_row *row);
