/* Rings of eight buckets: the newest one's number tells which of the others are still inside. */
#include "switch/aftersales/window.h"

#include <stdbool.h>

#include "protocols/base/require.h"

static uint32_t bucket_number(uint32_t seconds, int64_t wall_us)
{
    REQUIRE(seconds >= WINDOW_BUCKET_COUNT);
    int64_t bucket_us = (int64_t)(seconds / WINDOW_BUCKET_COUNT) * 1000000;
    return wall_us < 0 ? 0 : (uint32_t)(wall_us / bucket_us);
}

/* Event time does not go back that far: the numbers are those of other buckets. */
static bool is_of_other_length(const struct window *window, uint32_t number)
{
    return window->epoch > number && window->epoch - number > WINDOW_BUCKET_COUNT;
}

void window_add(struct window *window, uint32_t seconds, int64_t wall_us, uint32_t count)
{
    uint32_t number = bucket_number(seconds, wall_us);
    if (is_of_other_length(window, number)) {
        *window = (struct window){.epoch = number};
    }
    for (uint32_t i = 0; i < WINDOW_BUCKET_COUNT && window->epoch < number; i++) {
        window->epoch = number - window->epoch > WINDOW_BUCKET_COUNT
                            ? number - WINDOW_BUCKET_COUNT + 1
                            : window->epoch + 1;
        window->counts[window->epoch % WINDOW_BUCKET_COUNT] = 0;
    }
    uint16_t *cell = &window->counts[window->epoch % WINDOW_BUCKET_COUNT];
    *cell = (uint16_t)(count > (uint32_t)(UINT16_MAX - *cell) ? UINT16_MAX : *cell + count);
}

uint32_t window_sum(const struct window *window, uint32_t seconds, int64_t wall_us)
{
    uint32_t number = bucket_number(seconds, wall_us), sum = 0;
    if (is_of_other_length(window, number)) {
        return 0;
    }
    for (uint32_t age = 0; age < WINDOW_BUCKET_COUNT && age <= window->epoch; age++) {
        if (window->epoch - age + WINDOW_BUCKET_COUNT > number) {
            sum += window->counts[(window->epoch - age) % WINDOW_BUCKET_COUNT];
        }
    }
    return sum;
}
