/* See metrics_text.h. */
#include "switch/admin/metrics_text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define LABEL_COUNT_MAX 3
#define GIVEN_UP "webhook_given_up_events_total"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric_row {
    const char *name;
    enum metric_kind kind;
    const char *labels; /* comma between */
    const char *help;
};

static const struct metric_row rows[] = {
#define METRIC(name, text, kind, labels, sentence) {text, METRIC_##kind, labels, sentence},
#include "switch/control/metric.def"
#undef METRIC
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const char *kind_word(enum metric_kind kind)
{
    static const char *const words[] = {"counter", "gauge", "histogram"};
    return words[kind];
}

static void write_number(FILE *to, double value)
{
    if (isnan(value)) {
        fputs("NaN", to);
    } else if (isinf(value)) {
        fputs(value > 0 ? "+Inf" : "-Inf", to);
    } else {
        fprintf(to, "%.15g", value);
    }
}

static void write_value(FILE *to, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '"') {
            fputc('\\', to);
            fputc(*text, to);
        } else if (*text == '\n') {
            fputs("\\n", to);
        } else {
            fputc(*text, to);
        }
    }
}

/* `{channel="a",type="b"}`, with `le` behind the others when it is given. */
static void write_labels(FILE *to, const struct metric_row *row, char *const *values,
                         const char *bound)
{
    const char *name = row->labels;
    const char *separator = "{";
    for (uint32_t i = 0; i < LABEL_COUNT_MAX && *name != '\0'; i++) {
        size_t length = strcspn(name, ",");
        fprintf(to, "%s%.*s=\"", separator, (int)length, name);
        write_value(to, values[i]);
        fputc('"', to);
        separator = ",";
        name += length + (name[length] == ',');
    }
    if (bound != NULL) {
        fprintf(to, "%sle=\"%s\"", separator, bound);
        separator = ",";
    }
    if (*separator == ',') {
        fputc('}', to);
    }
}

static void write_line(FILE *to, const struct metric_row *row, char *const *values, double value)
{
    fprintf(to, "tillway_%s", row->name);
    write_labels(to, row, values, NULL);
    fputc(' ', to);
    write_number(to, value);
    fputc('\n', to);
}

static void write_bucket(FILE *to, const struct metric_row *row, const Control__Sample *sample,
                         const char *bound, uint64_t count)
{
    fprintf(to, "tillway_%s_bucket", row->name);
    write_labels(to, row, sample->labels, bound);
    fprintf(to, " %" PRIu64 "\n", count);
}

static void write_histogram(FILE *to, const struct metric_row *row, const Control__Sample *sample)
{
    const Control__Cells *cells = sample->cells;
    uint64_t upto = 0;
    for (size_t i = 0; i < cells->n_bounds; i++) {
        char bound[32];
        upto += cells->counts[i];
        snprintf(bound, sizeof(bound), "%.15g", cells->bounds[i]);
        write_bucket(to, row, sample, bound, upto);
    }
    upto += cells->counts[cells->n_bounds];
    write_bucket(to, row, sample, "+Inf", upto);
    fprintf(to, "tillway_%s_sum", row->name);
    write_labels(to, row, sample->labels, NULL);
    fputc(' ', to);
    write_number(to, cells->sum);
    fprintf(to, "\ntillway_%s_count", row->name);
    write_labels(to, row, sample->labels, NULL);
    fprintf(to, " %" PRIu64 "\n", upto);
}

static uint32_t label_count(const char *labels)
{
    uint32_t count = labels[0] != '\0';
    for (; *labels != '\0'; labels++) {
        count += *labels == ',';
    }
    return count;
}

static bool sample_fits(const Control__Sample *sample, const struct metric_row *row)
{
    if (strcmp(sample->name, row->name) != 0 || sample->n_labels != label_count(row->labels)) {
        return false;
    }
    if (row->kind != METRIC_HISTOGRAM) {
        return sample->has_value;
    }
    return sample->cells != NULL && sample->cells->n_counts == sample->cells->n_bounds + 1;
}

/* HELP and TYPE stand before the first line of a metric, and only if it has one. */
static void write_head(FILE *to, const struct metric_row *row, bool *is_begun)
{
    if (!*is_begun) {
        fprintf(to, "# HELP tillway_%s %s\n# TYPE tillway_%s %s\n", row->name, row->help, row->name,
                kind_word(row->kind));
        *is_begun = true;
    }
}

/* One line each, of attempts one a outcome. */
static void write_webhook(FILE *to, const struct metric_row *row,
                          const struct metrics_webhook *webhook)
{
    char name[32];
    snprintf(name, sizeof(name), "%s", webhook->name);
    char *values[LABEL_COUNT_MAX] = {name, "", ""};
    if (strcmp(row->name, "webhook_up") == 0) {
        write_line(to, row, values, webhook->is_up);
    } else if (strcmp(row->name, "webhook_waiting_events") == 0) {
        write_line(to, row, values, (double)webhook->waiting);
    } else if (strcmp(row->name, "webhook_dead_letters") == 0) {
        write_line(to, row, values, (double)webhook->letters);
    } else if (strcmp(row->name, GIVEN_UP) == 0) {
        write_line(to, row, values, (double)webhook->given_up);
    } else {
        const uint64_t counts[] = {webhook->delivered, webhook->failed, webhook->gone};
        char *words[] = {"delivered", "failed", "gone"};
        for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
            values[1] = words[i];
            write_line(to, row, values, (double)counts[i]);
        }
    }
}

/* What is given up is counted in the desk, over all starts: a 0 before it is read would make each
 * start look like the whole count anew. */
static void write_webhooks(FILE *to, const struct metric_row *row, const struct metrics_own *own)
{
    bool is_begun = false;
    if (strncmp(row->name, "webhook_", 8) != 0) {
        return;
    }
    bool is_stored = strcmp(row->name, GIVEN_UP) == 0;
    for (uint32_t i = 0; i < own->webhook_count; i++) {
        if (!is_stored || own->webhooks[i].has_looked) {
            write_head(to, row, &is_begun);
            write_webhook(to, row, &own->webhooks[i]);
        }
    }
}

static void write_own(FILE *to, const struct metric_row *row, bool is_up,
                      const struct metrics_own *own)
{
    bool is_begun = false;
    if (strcmp(row->name, "admin_control_up") == 0) {
        write_head(to, row, &is_begun);
        char *none[LABEL_COUNT_MAX] = {"", "", ""};
        write_line(to, row, none, is_up);
    }
    if (strcmp(row->name, "admin_requests_total") == 0) {
        write_head(to, row, &is_begun);
        for (int i = 0; i < METRICS_TEXT_CODE_CLASSES; i++) {
            char code[] = "1xx";
            code[0] = (char)('1' + i);
            char *values[LABEL_COUNT_MAX] = {code, "", ""};
            write_line(to, row, values, (double)own->requests[i]);
        }
    }
}

static void write_metric(FILE *to, const struct metric_row *row, const Control__Metrics *metrics)
{
    bool is_begun = false;
    for (size_t i = 0; i < metrics->n_samples; i++) {
        const Control__Sample *sample = metrics->samples[i];
        if (!sample_fits(sample, row)) {
            continue;
        }
        write_head(to, row, &is_begun);
        if (row->kind == METRIC_HISTOGRAM) {
            write_histogram(to, row, sample);
        } else {
            write_line(to, row, sample->labels, sample->value);
        }
    }
}

void metrics_text_write(FILE *to, const Control__Metrics *metrics, const struct metrics_own *own)
{
    for (uint32_t i = 0; i < ROWS; i++) {
        if (metrics != NULL) {
            write_metric(to, &rows[i], metrics);
        }
        write_own(to, &rows[i], metrics != NULL, own);
        write_webhooks(to, &rows[i], own);
    }
}
