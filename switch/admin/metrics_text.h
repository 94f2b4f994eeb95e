/* Prometheus text 0.0.4 from the samples of the switch and our own counts. Pure but for memory.
 *
 * https://prometheus.io/docs/instrumenting/exposition_formats/ */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "protocols/control.pb-c.h"

#define METRICS_TEXT_CODE_CLASSES 5 /* 1xx to 5xx */

struct metrics_own {
    uint64_t requests[METRICS_TEXT_CODE_CLASSES];
};

/* Writes all metrics in the order of metric.def, each with HELP and TYPE. `metrics` NULL: the
 * switch does not answer, and only our own stand there. Samples whose name or labels are not in
 * the table are left out. */
void metrics_text_write(FILE *to, const Control__Metrics *metrics, const struct metrics_own *own);
