/* Why a transaction of the log cost what it cost: what the log itself keeps of it, then each step
 * by the fees file of its version, where that is still there. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "switch/admin/fee_row.h"
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

/* The row of the log that fixed a price. */
struct fee_answer_row {
    struct fee_row row; /* points into itself: not to be copied */
    enum fee_row_answer answer;
    bool is_there;
    int64_t original[2]; /* epoch and number of what it follows; zeros: nothing */
};
/* `found` is zeros at first. False: the log failed. */
bool fee_answer_find(struct log_view *view, const char *rrn, struct fee_answer_row *found);

#define FEE_ANSWER_PATH_SIZE 1200
/* The plans of that version: of the file that was kept, else of the one in force where the versions
 * are equal; `path` is its name. NULL: neither is there, or it is no good file any more. */
struct fee_plan_set *fee_answer_plans(const struct fee_files *files, uint32_t version,
                                      char path[FEE_ANSWER_PATH_SIZE]);
