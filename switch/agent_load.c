/* See agent_load.h. */
#include "switch/agent_load.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/csv_file.h"
#include "config/file_text.h"
#include "protocols/base/digits.h"
#include "protocols/base/money.h"
#include "protocols/base/require.h"
#include "routing/decimal.h"
#include "routing/fee_plan.h"

#define FAULT_COUNT_MAX 40
#define FILE_BYTES_MAX (16u * 1024 * 1024)
#define LINE_SIZE (OPTION_PATH_SIZE + CSV_FAULT_SIZE + 80)
#define AMOUNT_DIGITS_MAX 12

enum { AGENT_ID, AGENT_PARENT, AGENT_COST_RATE, AGENT_COST_CAP, AGENT_RATIO, AGENT_NAME };
static const struct csv_column COLUMNS[] = {
    {"agent", true}, {"parent", false}, {"cost_rate", true}, {"cost_cap", false},
    {"ratio", true}, {"name", false},   {NULL, false},
};

struct loader {
    const struct agent_load_sink *sink; /* borrowed */
    const char *file;
    struct agent_table *table;
    uint32_t fault_count;
};

__attribute__((format(printf, 3, 4))) static void fault(struct loader *loader, uint32_t line,
                                                        const char *format, ...)
{
    char text[LINE_SIZE];
    if (++loader->fault_count > FAULT_COUNT_MAX) {
        return;
    }
    int length = line == 0 ? snprintf(text, sizeof(text), "%s: ", loader->file)
                           : snprintf(text, sizeof(text), "%s:%u: ", loader->file, line);
    REQUIRE(length > 0 && (size_t)length < sizeof(text));
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, sizeof(text) - (size_t)length, format, arguments);
    va_end(arguments);
    loader->sink->on_fault(loader->sink->argument, text);
}

static void on_fault(void *argument, uint32_t line, const char *sentence)
{
    fault(argument, line, "%s", sentence);
}

static void field_fault(struct loader *loader, const struct csv_row *row, unsigned column,
                        const char *expected)
{
    fault(loader, row->line, "%s: expected %s, got \"%.40s\"", COLUMNS[column].name, expected,
          row->fields[column]);
}

static void take_id(struct loader *loader, const struct csv_row *row, unsigned column,
                    char id[AGENT_ID_SIZE])
{
    size_t length = strlen(row->fields[column]);
    if (length >= AGENT_ID_SIZE) {
        field_fault(loader, row, column, "at most 11 letters, digits, - and _");
        return;
    }
    memcpy(id, row->fields[column], length + 1);
}

static void take_rate(struct loader *loader, const struct csv_row *row, unsigned column,
                      int64_t *rate_e8)
{
    if (!decimal_rate_parse(rate_e8, row->fields[column])) {
        field_fault(loader, row, column,
                    "per cent with at most 6 decimals (0.52%), or basis points (52bp), 100% at "
                    "most");
    }
}

static int64_t take_cap(struct loader *loader, const struct csv_row *row)
{
    const char *text = row->fields[AGENT_COST_CAP];
    uint32_t length = (uint32_t)strnlen(text, AMOUNT_DIGITS_MAX + 1);
    uint64_t cap = 0;
    if (length == 0) {
        return FEE_NO_CAP;
    }
    if (length > AMOUNT_DIGITS_MAX ||
        digits_parse(&cap, text, length, (struct number_range){0, MONEY_MINOR_MAX}) != STATUS_OK) {
        field_fault(loader, row, AGENT_COST_CAP, "minor units, or nothing for none");
    }
    return (int64_t)cap;
}

static void on_row(void *argument, const struct csv_row *row)
{
    struct loader *loader = argument;
    uint32_t fault_count = loader->fault_count;
    struct agent_row agent = {.line = row->line};
    take_id(loader, row, AGENT_ID, agent.agent_id);
    take_id(loader, row, AGENT_PARENT, agent.parent_id);
    take_rate(loader, row, AGENT_COST_RATE, &agent.cost_rate_e8);
    take_rate(loader, row, AGENT_RATIO, &agent.ratio_e8);
    agent.cost_cap = take_cap(loader, row);
    if (loader->fault_count != fault_count) {
        return;
    }
    enum status status = agent_table_add(loader->table, &agent);
    if (status == STATUS_BAD_VALUE) {
        field_fault(loader, row, AGENT_ID, "1 to 11 letters, digits, - and _");
    } else if (status != STATUS_OK) {
        fault(loader, row->line, "expected at most %d agents", AGENT_COUNT_MAX);
    }
}

static void freeze(struct loader *loader)
{
    const struct agent_row *agent = NULL;
    enum status status = agent_table_freeze(loader->table, &agent);
    if (status == STATUS_DUPLICATE) {
        fault(loader, agent->line, "agent \"%s\": expected once, got again", agent->agent_id);
    } else if (status == STATUS_MISSING) {
        fault(loader, agent->line, "parent: expected an agent of this table, got \"%s\"",
              agent->parent_id);
    } else if (status != STATUS_OK) {
        fault(loader, agent->line,
              "agent \"%s\": expected at most %d levels up to one without a parent, got more, or a "
              "ring",
              agent->agent_id, AGENT_LEVEL_COUNT_MAX);
    }
}

static uint32_t line_count(const struct file_text *text)
{
    uint32_t count = 1;
    for (uint32_t i = 0; i < text->length; i++) {
        count += text->bytes[i] == '\n' || text->bytes[i] == '\r';
    }
    return count;
}

static void read_rows(struct loader *loader, struct file_text *text)
{
    const struct csv_sink sink = {on_row, on_fault, loader};
    loader->table = agent_table_create(line_count(text));
    if (loader->table == NULL) {
        fault(loader, 0, "%s", status_text(STATUS_NO_MEMORY));
        return;
    }
    enum status status = csv_file_read(text->bytes, text->length, COLUMNS, &sink);
    REQUIRE(status == STATUS_OK || loader->fault_count > 0);
    if (loader->fault_count == 0) {
        freeze(loader);
    }
}

bool agent_load(const struct server_options *options, const struct agent_load_sink *sink,
                struct agent_table **table)
{
    struct loader loader = {.sink = sink, .file = options->tables.agents};
    struct file_text text = {0};
    *table = NULL;
    if (loader.file[0] == '\0') {
        return true;
    }
    enum status status = file_text_read(&text, loader.file, FILE_BYTES_MAX);
    if (status == STATUS_OK) {
        read_rows(&loader, &text);
        file_text_free(&text);
    } else {
        fault(&loader, 0, "cannot be read: %s",
              status == STATUS_NOT_FOUND   ? "no such file, or it may not be opened"
              : status == STATUS_BAD_VALUE ? "it is longer than 16 MiB"
                                           : status_text(status));
    }
    if (loader.fault_count > 0) {
        agent_table_destroy(loader.table);
        return false;
    }
    *table = loader.table;
    return true;
}
