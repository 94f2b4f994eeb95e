/* See black_list_load.h.
 *
 * What stands in a faulty key is not told: somebody may have put a card number there (I32).
 */
#include "switch/black_list_load.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/csv_file.h"
#include "config/file_text.h"
#include "protocols/base/document.h"
#include "protocols/base/require.h"
#include "routing/civil_date.h"

#define FAULT_COUNT_MAX 40
#define FILE_BYTES_MAX (256u * 1024 * 1024)
#define LINE_SIZE (OPTION_PATH_SIZE + CSV_FAULT_SIZE + 80)

enum { LISTED_KIND, LISTED_KEY, LISTED_FROM, LISTED_UNTIL, LISTED_CODE, LISTED_REASON };
static const struct csv_column COLUMNS[] = {
    {"kind", true},           {"key", true},     {"from", false}, {"until", false},
    {"response_code", false}, {"reason", false}, {NULL, false},
};

struct loader {
    const struct black_list_load_sink *sink; /* borrowed */
    const char *file;
    struct black_list *list;
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
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it begins one line above */
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

static void take_key(struct loader *loader, const struct csv_row *row,
                     struct black_list_row *listed)
{
    static const char *const WORDS[] = {
#define X(name, word, code, text) word,
        BLACK_LIST_KIND_MAP(X)
#undef X
            NULL};
    const char *word = row->fields[LISTED_KIND];
    enum black_list_kind kind = black_list_kind_find(word);
    if (kind == BLACK_LIST_KIND_COUNT) {
        const char *nearest = document_nearest(word, WORDS);
        fault(loader, row->line,
              "kind: expected card_hash, bin, merchant, terminal or pay_code_prefix, got "
              "\"%.20s\"%s%s%s",
              word, nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
              nearest != NULL ? "\"?" : "");
        return;
    }
    listed->kind = (uint8_t)kind;
    if (black_list_key_read(listed, row->fields[LISTED_KEY]) != STATUS_OK) {
        fault(loader, row->line, "key: expected %s, got %zu characters that are not that",
              black_list_key_text(kind), strlen(row->fields[LISTED_KEY]));
    }
}

static int32_t take_date(struct loader *loader, const struct csv_row *row, unsigned column,
                         int32_t fallback)
{
    int64_t days = 0;
    if (row->fields[column][0] == '\0') {
        return fallback;
    }
    if (!civil_date_parse(&days, row->fields[column])) {
        field_fault(loader, row, column, "a date as 2026-01-31, or nothing");
        return fallback;
    }
    return (int32_t)days;
}

static void take_code(struct loader *loader, const struct csv_row *row,
                      struct black_list_row *listed)
{
    static const char ALLOWED[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *code = row->fields[LISTED_CODE];
    if (code[0] == '\0') {
        return;
    }
    if (strlen(code) != 2 || strspn(code, ALLOWED) != 2 || payment_is_approval(code)) {
        field_fault(loader, row, LISTED_CODE,
                    "2 characters of field 39 that decline, such as 62, or nothing");
        return;
    }
    memcpy(listed->response_code, code, sizeof(listed->response_code));
}

/* It is shown to operators, so it is text; a long run of digits is no reason. */
static void take_reason(struct loader *loader, const struct csv_row *row,
                        struct black_list_row *listed)
{
    const char *reason = row->fields[LISTED_REASON];
    size_t length = strlen(reason);
    size_t digits = 0;
    for (size_t i = 0; i < length; i++) {
        digits += reason[i] >= '0' && reason[i] <= '9';
    }
    if (length >= sizeof(listed->reason) || digits > 10) {
        fault(loader, row->line, "reason: expected at most %zu bytes with at most 10 digits",
              sizeof(listed->reason) - 1);
        return;
    }
    memcpy(listed->reason, reason, length + 1);
}

static void on_row(void *argument, const struct csv_row *row)
{
    struct loader *loader = argument;
    uint32_t fault_count = loader->fault_count;
    struct black_list_row listed = {.line = row->line};
    take_key(loader, row, &listed);
    listed.from_day = take_date(loader, row, LISTED_FROM, INT32_MIN);
    listed.until_day = take_date(loader, row, LISTED_UNTIL, INT32_MAX);
    if (listed.from_day >= listed.until_day) {
        field_fault(loader, row, LISTED_UNTIL, "a day after `from`; `until` is not included");
    }
    take_code(loader, row, &listed);
    take_reason(loader, row, &listed);
    if (loader->fault_count == fault_count && black_list_add(loader->list, &listed) != STATUS_OK) {
        fault(loader, row->line, "expected at most %u rows", BLACK_LIST_ROW_COUNT_MAX);
    }
}

static void freeze(struct loader *loader)
{
    const struct black_list_row *again = NULL, *first = NULL;
    enum status status = black_list_freeze(loader->list, &again, &first);
    if (status == STATUS_DUPLICATE) {
        fault(loader, again->line, "key: expected each once, got the %s of line %u again",
              black_list_kind_word((enum black_list_kind)again->kind), first->line);
    } else if (status != STATUS_OK) {
        fault(loader, 0, "%s", status_text(status));
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
    loader->list = black_list_create(line_count(text));
    if (loader->list == NULL) {
        fault(loader, 0, "%s", status_text(STATUS_NO_MEMORY));
        return;
    }
    enum status status = csv_file_read(text->bytes, text->length, COLUMNS, &sink);
    REQUIRE(status == STATUS_OK || loader->fault_count > 0);
    if (loader->fault_count == 0) {
        freeze(loader);
    }
    if (loader->fault_count > FAULT_COUNT_MAX) {
        uint32_t more = loader->fault_count - FAULT_COUNT_MAX;
        loader->fault_count = 0;
        fault(loader, 0, "and %u more faults", more);
    }
}

bool black_list_load(const struct server_options *options, const struct black_list_load_sink *sink,
                     struct black_list **list)
{
    struct loader loader = {.sink = sink, .file = options->tables.black_list};
    struct file_text text = {0};
    *list = NULL;
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
              : status == STATUS_BAD_VALUE ? "it is longer than 256 MiB"
                                           : status_text(status));
    }
    if (loader.fault_count > 0) {
        black_list_destroy(loader.list);
        return false;
    }
    *list = loader.list;
    return true;
}
