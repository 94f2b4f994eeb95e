/* Builds the table of sales agents from the file that `tables.agents` names; no file, no agents. */
#pragma once

#include <stdbool.h>

#include "config/server_options.h"
#include "routing/agent_table.h"

struct agent_load_sink {
    /* "file:line: what, what was expected, what stood there" */
    void (*on_fault)(void *argument, const char *line);
    void *argument;
};

/* False: faulty, and each fault was told. Else `table` is frozen and the caller's, or NULL where no
 * file is named. */
bool agent_load(const struct server_options *options, const struct agent_load_sink *sink,
                struct agent_table **table);
