/* As window.c, with two counts a bucket. */
#include "switch/aftersales/rate_window.h"

#include <stdbool.h>
#include <string.h>

#include "protocols/base/require.h"

static uint32_t bucket_number(uint32_t seconds, int64_t wall_us)
{
    REQUIRE(seconds >= WINDOW_BUCKET_COUNT);
    int64_t bucket_us = (int64_t)(seconds / WINDOW_BUCKET_COUNT) * 1000000;
    return wall_us < 0 ? 0 : (uint32_t)(wall_us / bucket_us);
}

/* Event time does not go back that far: the numbers are those of other buckets. */
static bool is_of_other_length(const struct rate_window *window, uint32_t number)
{
    return window->epoch > number && window->epoch - number > WINDOW_BUCKET_COUNT;
}

void rate_window_add(struct rate_window *window, uint32_t seconds, int64_t wall_us,
                     struct rate added)
{
    uint32_t number = bucket_number(seconds, wall_us);
    bool is_far_ahead = number > window->epoch && number - window->epoch >= WINDOW_BUCKET_COUNT;
    if (is_far_ahead || is_of_other_length(window, number)) {
        memset(window, 0, sizeof(*window));
        window->epoch = number;
    }
    while (window->epoch < number) {
        window->epoch++;
        window->trials[window->epoch % WINDOW_BUCKET_COUNT] = 0;
        window->errors[window->epoch % WINDOW_BUCKET_COUNT] = 0;
    }
    window->trials[window->epoch % WINDOW_BUCKET_COUNT] += (uint32_t)added.trials;
    window->errors[window->epoch % WINDOW_BUCKET_COUNT] += (uint32_t)added.errors;
}

struct rate rate_window_sum(const struct rate_window *window, uint32_t seconds, int64_t wall_us)
{
    uint32_t number = bucket_number(seconds, wall_us);
    struct rate sum = {0, 0};
    if (is_of_other_length(window, number)) {
        return sum;
    }
    for (uint32_t age = 0; age < WINDOW_BUCKET_COUNT && age <= window->epoch; age++) {
        uint32_t bucket = window->epoch - age;
        if (bucket + WINDOW_BUCKET_COUNT > number) {
            sum.trials += window->trials[bucket % WINDOW_BUCKET_COUNT];
            sum.errors += window->errors[bucket % WINDOW_BUCKET_COUNT];
        }
    }
    return sum;
}
