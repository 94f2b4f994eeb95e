/* Two histograms for the whole run and one for the second under way; they are added, never
 * averaged. */
#include "loadtest/load/tally.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "loadtest/histogram.h"

#define CODE_COUNT_MAX 64
#define BAR_WIDTH 30

struct code_count {
    char code[3];
    uint64_t count;
};

struct tally {
    struct tally_counts counts, before; /* before: as the last line saw them */
    struct histogram *latency, *service, *interval;
    uint64_t from_ns, until_ns;
    uint64_t interval_answers, measured_answers;
    uint64_t cpu_us_before, line_ns_before;
    uint32_t code_count;
    struct code_count codes[CODE_COUNT_MAX];
};

static uint64_t cpu_now_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct tally *tally_create(void)
{
    struct tally *tally = calloc(1, sizeof *tally);
    if (tally == NULL) {
        return NULL;
    }
    tally->latency = histogram_create();
    tally->service = histogram_create();
    tally->interval = histogram_create();
    tally->until_ns = UINT64_MAX;
    tally->line_ns_before = clock_ns();
    if (tally->latency == NULL || tally->service == NULL || tally->interval == NULL) {
        tally_destroy(tally);
        return NULL;
    }
    return tally;
}

void tally_destroy(struct tally *tally)
{
    if (tally != NULL) {
        histogram_destroy(tally->latency);
        histogram_destroy(tally->service);
        histogram_destroy(tally->interval);
        free(tally);
    }
}

struct tally_counts *tally_counts(struct tally *tally)
{
    return &tally->counts;
}

static void code_add(struct tally *tally, const char *code)
{
    uint32_t at = 0;
    while (at < tally->code_count && strncmp(tally->codes[at].code, code, 2) != 0) {
        at++;
    }
    if (at == CODE_COUNT_MAX) {
        return;
    }
    if (at == tally->code_count) {
        tally->code_count++;
        snprintf(tally->codes[at].code, sizeof tally->codes[at].code, "%.2s", code);
    }
    tally->codes[at].count++;
}

void tally_answer(struct tally *tally, const char *response_code, const struct tally_times *times)
{
    uint64_t latency_us = (times->answered_ns - times->intended_ns) / 1000;
    code_add(tally, response_code[0] == '\0' ? "--" : response_code);
    histogram_record(tally->interval, latency_us);
    tally->interval_answers++;
    if (times->intended_ns < tally->from_ns) {
        return;
    }
    histogram_record(tally->latency, latency_us);
    histogram_record(tally->service, (times->answered_ns - times->sent_ns) / 1000);
    tally->measured_answers +=
        times->answered_ns >= tally->from_ns && times->answered_ns < tally->until_ns;
}

void tally_measure_from(struct tally *tally, uint64_t from_ns)
{
    tally->from_ns = from_ns;
}

void tally_measure_until(struct tally *tally, uint64_t until_ns)
{
    tally->until_ns = until_ns;
}

static void bar_draw(FILE *file, const struct tally_line *line)
{
    if (line->total_s <= 0 || !isatty(fileno(file))) {
        return;
    }
    double share = line->elapsed_s / line->total_s;
    int full = (int)((share < 1.0 ? share : 1.0) * BAR_WIDTH);
    fputc('[', file);
    for (int i = 0; i < BAR_WIDTH; i++) {
        fputc(i < full ? '#' : '.', file);
    }
    fprintf(file, "] %.0f of %.0f s, %u open\r", line->elapsed_s, line->total_s,
            line->payments_open);
    fflush(file);
}

static double ms(uint64_t us)
{
    return (double)us / 1000.0;
}

void tally_line(struct tally *tally, FILE *file, FILE *hlog, const struct tally_line *line)
{
    const struct tally_counts *now = &tally->counts;
    const struct tally_counts *was = &tally->before;
    uint64_t at_ns = clock_ns();
    double seconds = (double)(at_ns - tally->line_ns_before) / 1e9;
    uint64_t cpu_us = cpu_now_us();
    double per_second = seconds > 0 ? 1.0 / seconds : 0;
    fprintf(file,
            "%s%5.0fs %-10s offered %6.0f/s achieved %6.0f/s  p50 %7.2f p99 %7.2f p99.9 %8.2f ms"
            "  ok %llu no %llu unknown %llu reversed %llu  ready %u open %u  cpu %3.0f%%\n",
            isatty(fileno(file)) ? "\x1b[K" : "", line->elapsed_s, line->phase, line->offered,
            (double)tally->interval_answers * per_second,
            ms(histogram_percentile(tally->interval, 50.0)),
            ms(histogram_percentile(tally->interval, 99.0)),
            ms(histogram_percentile(tally->interval, 99.9)),
            (unsigned long long)(now->approved - was->approved),
            (unsigned long long)(now->declined - was->declined),
            (unsigned long long)(now->unknown - was->unknown),
            (unsigned long long)(now->reversed - was->reversed), line->terminals_ready,
            line->payments_open, (double)(cpu_us - tally->cpu_us_before) * per_second / 1e4);
    bar_draw(file, line);
    fflush(file);
    if (hlog != NULL) {
        struct histogram_interval interval = {line->elapsed_s - seconds, seconds, NULL};
        if (histogram_log_interval(hlog, tally->interval, &interval) != STATUS_OK) {
            fprintf(stderr, "tillway-load: an interval could not be written to the .hlog file\n");
        }
    }
    tally->before = *now;
    tally->cpu_us_before = cpu_us;
    tally->line_ns_before = at_ns;
    tally->interval_answers = 0;
    histogram_reset(tally->interval);
}

static json_t *histogram_json(const struct histogram *histogram)
{
    return json_pack("{s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:I}", "count",
                     (json_int_t)histogram_count(histogram), "min",
                     (json_int_t)histogram_min(histogram), "mean", histogram_mean(histogram), "p50",
                     (json_int_t)histogram_percentile(histogram, 50.0), "p90",
                     (json_int_t)histogram_percentile(histogram, 90.0), "p99",
                     (json_int_t)histogram_percentile(histogram, 99.0), "p99_9",
                     (json_int_t)histogram_percentile(histogram, 99.9), "p99_99",
                     (json_int_t)histogram_percentile(histogram, 99.99), "max",
                     (json_int_t)histogram_max(histogram));
}

json_t *tally_json(const struct tally *tally, json_t *head)
{
    json_t *counts = json_object();
    json_t *codes = json_object();
    if (head == NULL || counts == NULL || codes == NULL) {
        return NULL;
    }
#define X(name, text)                                                                              \
    json_object_set_new(counts, #name, json_integer((json_int_t)tally->counts.name));
    TALLY_MAP(X)
#undef X
    for (uint32_t i = 0; i < tally->code_count; i++) {
        json_object_set_new(codes, tally->codes[i].code,
                            json_integer((json_int_t)tally->codes[i].count));
    }
    double window_s = tally->until_ns == UINT64_MAX || tally->until_ns <= tally->from_ns
                          ? 0.0
                          : (double)(tally->until_ns - tally->from_ns) / 1e9;
    double achieved = window_s > 0 ? (double)tally->measured_answers / window_s : 0.0;
    json_object_set_new(head, "schema", json_string("tillway-load/1"));
    json_object_set_new(head, "measured_seconds", json_real(window_s));
    json_object_set_new(head, "achieved_tps", json_real(achieved));
    json_object_set_new(head, "own_cpu_us", json_integer((json_int_t)cpu_now_us()));
    json_object_set_new(head, "counts", counts);
    json_object_set_new(head, "response_codes", codes);
    json_object_set_new(head, "latency_us", histogram_json(tally->latency));
    json_object_set_new(head, "service_us", histogram_json(tally->service));
    return head;
}
