/* What to do about a terminal, from what is flagged and registered: the likely cause with its
 * evidence and what was ruled out, what to try, who serves, who pays. Judged by
 * switch/aftersales (cause.h, serve.h, warranty.h); here it is asked and put into words.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "switch/aftersales/registry_rows.h"
#include "switch/desk/desk.h"

#define CASE_ADVICE_FLAG_DAYS 7 /* how long a flag of another case, or of none, still counts */

struct case_advice {
    uint64_t case_id;                      /* whose flags come first; 0: none */
    char terminal_id[9], merchant_id[16];  /* empty: none */
    char brand[16], model[16];             /* where the terminal is not registered */
    enum obtained obtained;                /* the same */
    char fault[4];                         /* as it was set; empty: the likely one */
    char fallback[4];                      /* where no flag points to any; empty: none */
    bool is_open;                          /* closed: only its own flags count */
    bool is_on_site, has_part, has_damage; /* given by the caller, else by the fault */
    enum part_class part;
    enum damage damage;
    uint32_t hidden_kinds;     /* flags that lead to such cases are not looked at */
    uint32_t hidden_own_kinds; /* the same of the case's own flags */
    unsigned hidden_columns;   /* of registered rows, beside the hashes (cell_json.h) */
    const char *channel;       /* that its payments go to; NULL: not known. Borrowed */
    bool is_channel_down;
    int64_t now_us;
};

/* Adds to `to`: "flags", "cohorts", "cause", "self_help", "serve", "warranty", "merchant",
 * "terminal" (as registered; null where they are not), "place" (where it stands). */
MUST_CHECK enum status case_advice_add(struct desk *desk, const struct case_advice *advice,
                                       json_t *to);
