/* Why a transaction of the log cost what it cost: what the log itself keeps of it, then each step
 * by the fees file of its version, where that is still there. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "switch/admin/log_view.h"

/* Where fees files are. */
struct fee_files {
    const char *store_folder;  /* versions/NNNNNN/fees.yaml in it */
    const char *in_force;      /* the fees file of the options */
    uint32_t version_in_force; /* 0: the switch did not say */
};

/* {"rrn", "ruleset_version", "file", "agrees", "lines": […]}: `file` is null where the file of that
 * version is gone, `agrees` where nothing could be worked out again. NULL: none has this RRN, or
 * the log failed, which `is_failed` tells. */
json_t *fee_answer_explain(struct log_view *view, const struct fee_files *files, const char *rrn,
                           bool *is_failed);
