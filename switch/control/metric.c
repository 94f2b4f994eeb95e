/* See metric.h. */
#include "switch/control/metric.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/control/metric_sink.h"

static const char *const metric_names[] = {
#define METRIC(name, text, kind, labels, sentence) text,
#include "switch/control/metric.def"
#undef METRIC
};
static const char *const metric_label_names[] = {
#define METRIC(name, text, kind, labels, sentence) labels,
#include "switch/control/metric.def"
#undef METRIC
};

static uint32_t label_count(enum metric metric)
{
    uint32_t count = metric_label_names[metric][0] == '\0' ? 0 : 1;
    for (const char *at = metric_label_names[metric]; *at != '\0'; at++) {
        count += *at == ',';
    }
    return count;
}

/* A sample with its labels; NULL: no room. */
static Control__Sample *sample_make(struct metric_sink *sink, enum metric metric,
                                    const struct metric_labels *labels)
{
    REQUIRE(metric < METRIC_COUNT);
    uint32_t count = label_count(metric);
    REQUIRE(count <= METRIC_LABEL_COUNT_MAX);
    Control__Sample *sample = control_arena_take(sink->arena, sizeof(*sample));
    char **texts = control_arena_take(sink->arena, sizeof(char *) * METRIC_LABEL_COUNT_MAX);
    if (sample == NULL || texts == NULL) {
        return NULL;
    }
    control__sample__init(sample);
    sample->name = (char *)(uintptr_t)metric_names[metric];
    sample->labels = texts;
    sample->n_labels = count;
    for (uint32_t i = 0; i < count; i++) {
        REQUIRE(labels->values[i] != NULL);
        texts[i] = control_arena_text(sink->arena, labels->values[i], METRIC_LABEL_SIZE - 1);
        if (texts[i] == NULL) {
            return NULL;
        }
    }
    return sample;
}

static void sample_keep(struct metric_sink *sink, Control__Sample *sample)
{
    if (sample == NULL || sink->count == METRIC_SAMPLE_COUNT_MAX) {
        sink->is_short = true;
        return;
    }
    sink->samples[sink->count++] = sample;
}

void metric_put(struct metric_sink *sink, enum metric metric, struct metric_labels labels,
                double value)
{
    Control__Sample *sample = sample_make(sink, metric, &labels);
    if (sample != NULL) {
        sample->has_value = true;
        sample->value = value;
    }
    sample_keep(sink, sample);
}

static Control__Cells *cells_make(struct control_arena *arena, const struct metric_cells *from)
{
    Control__Cells *cells = control_arena_take(arena, sizeof(*cells));
    double *bounds = control_arena_take(arena, sizeof(double) * METRIC_BOUND_COUNT_MAX);
    uint64_t *counts = control_arena_take(arena, sizeof(uint64_t) * (METRIC_BOUND_COUNT_MAX + 1));
    if (cells == NULL || bounds == NULL || counts == NULL) {
        return NULL;
    }
    control__cells__init(cells);
    memcpy(bounds, from->bounds, sizeof(double) * from->bound_count);
    memcpy(counts, from->counts, sizeof(uint64_t) * (from->bound_count + 1));
    cells->bounds = bounds;
    cells->n_bounds = from->bound_count;
    cells->counts = counts;
    cells->n_counts = from->bound_count + 1;
    cells->sum = from->sum;
    return cells;
}

void metric_put_cells(struct metric_sink *sink, enum metric metric, struct metric_labels labels,
                      const struct metric_cells *cells)
{
    REQUIRE(cells->bound_count <= METRIC_BOUND_COUNT_MAX);
    Control__Sample *sample = sample_make(sink, metric, &labels);
    if (sample != NULL) {
        sample->cells = cells_make(sink->arena, cells);
    }
    sample_keep(sink, sample != NULL && sample->cells != NULL ? sample : NULL);
}

void metric_put_histogram(struct metric_sink *sink, enum metric metric, struct metric_labels labels,
                          const struct histogram *histogram)
{
    static const uint64_t bounds_ns[] = {
#define X(bound) bound,
        METRIC_DURATION_MAP(X)
#undef X
    };
    enum { BOUND_COUNT = sizeof(bounds_ns) / sizeof(bounds_ns[0]) };
    _Static_assert(BOUND_COUNT <= METRIC_BOUND_COUNT_MAX, "the cells hold each bound");
    struct metric_cells cells = {.bound_count = BOUND_COUNT};
    uint64_t below = 0;
    for (uint32_t i = 0; i < BOUND_COUNT; i++) {
        uint64_t upto = histogram_below(histogram, bounds_ns[i]);
        cells.bounds[i] = (double)bounds_ns[i] / 1e9;
        cells.counts[i] = upto > below ? upto - below : 0;
        below = upto > below ? upto : below;
    }
    uint64_t total = count_get(&histogram->total);
    cells.counts[BOUND_COUNT] = total > below ? total - below : 0;
    cells.sum = (double)count_get(&histogram->sum_ns) / 1e9;
    metric_put_cells(sink, metric, labels, &cells);
}
