/* Prometheus text 0.0.4 from the samples of the switch and our own counts. Pure but for memory.
 *
 * https://prometheus.io/docs/instrumenting/exposition_formats/ */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "protocols/control.pb-c.h"

#define METRICS_TEXT_CODE_CLASSES 5 /* 1xx to 5xx */

#define METRICS_WEBHOOK_COUNT_MAX 8
struct metrics_webhook {
    char name[16];
    uint64_t delivered, failed, gone; /* attempts since the start */
    uint64_t waiting, letters;        /* events not delivered yet; put aside */
    uint64_t given_up;                /* kept no longer, since the webhook is there */
    bool is_up;                       /* it goes, and its last attempt went well */
    bool has_looked;                  /* false: given_up is not known yet, and no line tells it */
};

struct metrics_own {
    uint64_t requests[METRICS_TEXT_CODE_CLASSES];
    uint32_t webhook_count;
    struct metrics_webhook webhooks[METRICS_WEBHOOK_COUNT_MAX];
};

/* Writes all metrics in the order of metric.def, each with HELP and TYPE. `metrics` NULL: the
 * switch does not answer, and only our own stand there. Samples whose name or labels are not in
 * the table are left out. */
void metrics_text_write(FILE *to, const Control__Metrics *metrics, const struct metrics_own *own);
