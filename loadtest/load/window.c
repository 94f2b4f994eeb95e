/* The kernel tells a process's time in /proc/PID/stat, all threads together, ended ones included.
 */
#include "loadtest/load/window.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define STAT_BYTES_MAX 1024

/* Fields 14 and 15 of proc(5), counted behind the name, which may hold anything but ")". */
static uint64_t server_cpu_us(uint64_t pid)
{
    char path[64];
    char line[STAT_BYTES_MAX];
    uint64_t user = 0;
    uint64_t system = 0;
    snprintf(path, sizeof path, "/proc/%" PRIu64 "/stat", pid);
    FILE *file = pid == 0 ? NULL : fopen(path, "r");
    if (file == NULL) {
        return 0;
    }
    const char *behind = fgets(line, sizeof line, file) == NULL ? NULL : strrchr(line, ')');
    bool is_read =
        behind != NULL &&
        sscanf(behind, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64, &user,
               &system) == 2;
    fclose(file);
    return is_read ? (user + system) * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK) : 0;
}

static uint64_t own_cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static struct window_sample sample(const struct window *window, uint64_t now_ns, uint64_t answers)
{
    return (struct window_sample){.at_ns = now_ns,
                                  .answers = answers,
                                  .own_cpu_us = own_cpu_us(),
                                  .server_cpu_us = server_cpu_us(window->server_pid)};
}

void window_begin(struct window *window, uint64_t now_ns, uint64_t answers)
{
    if (!window->has_begun) {
        window->has_begun = true;
        window->began = sample(window, now_ns, answers);
    }
}

void window_end(struct window *window, uint64_t now_ns, uint64_t answers)
{
    if (window->has_begun && !window->has_ended) {
        window->has_ended = true;
        window->ended = sample(window, now_ns, answers);
    }
}

json_t *window_json(const struct window *window)
{
    static const struct window_sample none;
    const struct window_sample *from = window->has_ended ? &window->began : &none;
    const struct window_sample *to = window->has_ended ? &window->ended : &none;
    return json_pack("{s:f, s:I, s:I, s:I}", "seconds", (double)(to->at_ns - from->at_ns) / 1e9,
                     "answers", (json_int_t)(to->answers - from->answers), "own_cpu_us",
                     (json_int_t)(to->own_cpu_us - from->own_cpu_us), "server_cpu_us",
                     (json_int_t)(to->server_cpu_us - from->server_cpu_us));
}
