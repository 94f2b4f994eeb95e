/* Builds the black list from the file that `tables.black_list` names; no file, nobody is listed. */
#pragma once

#include <stdbool.h>

#include "config/server_options.h"
#include "routing/black_list.h"

struct black_list_load_sink {
    /* "file:line: what, what was expected, what stood there" */
    void (*on_fault)(void *argument, const char *line);
    void *argument;
};

/* False: faulty, and each fault was told. Else `list` is frozen and the caller's, or NULL where no
 * file is named. */
bool black_list_load(const struct server_options *options, const struct black_list_load_sink *sink,
                     struct black_list **list);
