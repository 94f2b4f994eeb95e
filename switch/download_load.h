/* Builds what terminals download from the files that `tables.parameters`, `.ca_keys`, `.aids` and
 * `.bin_lists` name. Each may be absent; then nothing of it is offered.
 *
 * A CA public key is taken only when its check value holds, so that a digit that was copied wrong
 * is found here and not by a thousand terminals.
 */
#pragma once

#include <stdbool.h>

#include "config/server_options.h"
#include "routing/download_table.h"

struct download_load_sink {
    /* "file:line: what, what was expected, what stood there" */
    void (*on_fault)(void *argument, const char *line);
    void *argument;
};

/* False: faulty, and each fault was told. Else `table` is frozen and the caller's, or NULL where no
 * file is named. */
bool download_load(const struct server_options *options, const struct download_load_sink *sink,
                   struct download_table **table);
