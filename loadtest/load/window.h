/* What the server and this tool spend between two moments of a run: answers and processor time are
 * read together, so that their quotient is the cost of a payment whatever the turn of the loop.
 *
 * Life:  window_begin -> window_end -> window_json
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct window_sample {
    uint64_t at_ns, answers, own_cpu_us, server_cpu_us;
};

struct window {
    uint64_t server_pid; /* 0: nobody's processor time is asked for */
    bool has_begun, has_ended;
    struct window_sample began, ended;
};

/* Both do nothing the second time. `answers` is the count of the whole run so far. */
void window_begin(struct window *window, uint64_t now_ns, uint64_t answers);
void window_end(struct window *window, uint64_t now_ns, uint64_t answers);
/* {"seconds", "answers", "own_cpu_us", "server_cpu_us"}; all 0 when it never began or ended. NULL:
 * no memory. */
json_t *window_json(const struct window *window);
