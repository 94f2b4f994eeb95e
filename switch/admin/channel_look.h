/* Where a terminal's payments last went, and whether that channel stands for all: asked of the log
 * and the running switch. */
#pragma once

#include <stdbool.h>

#include "switch/admin/call.h"

struct channel_look {
    char name[16]; /* empty: the terminal has sent nothing to any */
    bool is_known; /* the switch said how it is; else the next is not known */
    bool is_down;  /* for all: not up, or its breaker is open */
};

void channel_look(const struct call *call, const char *terminal_id, struct channel_look *look);
