/* Where metrics gather: samples of the control protocol, in the memory of one call. */
#pragma once

#include "protocols/control.pb-c.h"
#include "switch/control/control_arena.h"
#include "switch/control/metric.h"

#define METRIC_SAMPLE_COUNT_MAX 2048

struct metric_sink {
    struct control_arena *arena; /* borrowed */
    Control__Sample *samples[METRIC_SAMPLE_COUNT_MAX];
    size_t count;
    bool is_short; /* some samples were left out */
};
