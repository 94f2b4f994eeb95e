/* The options of the switch's own configuration file, as this process and its jobs read them. */
#pragma once

#include "config/server_options.h"
#include "protocols/base/bytes.h"

struct options_source {
    const char *path;             /* of tillway.yaml */
    const char *const *overrides; /* "store.folder=/x"; borrowed, as the path */
    uint32_t override_count;
};

/* The caller destroys them. NULL: each fault is a line of `faults`. Any thread. */
struct server_options *options_file_load(const struct options_source *source,
                                         struct byte_writer *faults);
