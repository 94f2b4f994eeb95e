/* Metrics on their way from the switch to whoever asks: a sink that takes numbers and durations.
 *
 * Names, labels and sentences stand once in metric.def; the admin process prints what the sink
 * gathered as Prometheus text.
 */
#pragma once

#include <stdint.h>

#include "switch/net/histogram.h"

#define METRIC_LABEL_COUNT_MAX 3
#define METRIC_LABEL_SIZE 48
#define METRIC_BOUND_COUNT_MAX 16

enum metric {
#define METRIC(name, text, kind, labels, sentence) METRIC_##name,
#include "switch/control/metric.def"
#undef METRIC
    METRIC_COUNT
};

/* Upper bounds of durations, in ns: 1 ms to 60 s. */
#define METRIC_DURATION_MAP(X)                                                                     \
    X(1000000)                                                                                     \
    X(2000000)                                                                                     \
    X(5000000)                                                                                     \
    X(10000000)                                                                                    \
    X(20000000)                                                                                    \
    X(50000000)                                                                                    \
    X(100000000)                                                                                   \
    X(200000000)                                                                                   \
    X(500000000)                                                                                   \
    X(1000000000)                                                                                  \
    X(5000000000)                                                                                  \
    X(15000000000)                                                                                 \
    X(45000000000)                                                                                 \
    X(60000000000)

/* Values of the labels, in the order of metric.def; fewer where it names fewer. Copied, and cut to
 * METRIC_LABEL_SIZE. */
struct metric_labels {
    const char *values[METRIC_LABEL_COUNT_MAX];
};

/* counts[i] values were at most bounds[i]; counts[bound_count] were larger than all. */
struct metric_cells {
    uint32_t bound_count;
    double bounds[METRIC_BOUND_COUNT_MAX];
    uint64_t counts[METRIC_BOUND_COUNT_MAX + 1];
    double sum;
};

struct metric_sink;

/* What does not fit into the sink any more is left out, and the answer says so. */
void metric_put(struct metric_sink *sink, enum metric metric, struct metric_labels labels,
                double value);
void metric_put_cells(struct metric_sink *sink, enum metric metric, struct metric_labels labels,
                      const struct metric_cells *cells);
/* Durations, in the bounds of METRIC_DURATION_MAP, as seconds. */
void metric_put_histogram(struct metric_sink *sink, enum metric metric, struct metric_labels labels,
                          const struct histogram *histogram);
