/* See ruleset_load.h.
 *
 * Rules are compiled before tables are read, so that a merchant's plan is checked where its line is
 * known. What freeze finds (a key given twice, a terminal without its merchant) has lost its line
 * by then; the file is read once more to name it, which only a faulty file costs.
 */
#include "switch/ruleset_load.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "config/csv_file.h"
#include "config/file_text.h"
#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "routing/condition.h"
#include "routing/condition_words.h"

#define LINE_SIZE (DOCUMENT_FAULT_TEXT_SIZE + OPTION_PATH_SIZE)

_Static_assert(OPTION_CHANNEL_COUNT_MAX <= CHANNEL_COUNT_MAX, "every channel gets its bit");
_Static_assert(OPTION_NAME_SIZE <= CHANNEL_NAME_SIZE, "a channel's name fits routing's");

/* What is being loaded, and where faults go. */
struct loader {
    const struct server_options *options; /* borrowed */
    struct byte_writer *faults;           /* borrowed */
    struct ruleset *ruleset;
    const char *file; /* of the table being read */
    uint32_t fault_count, file_fault_count;
};

static void fault_put(struct loader *loader, const char *line)
{
    loader->fault_count++;
    uint32_t length = (uint32_t)strlen(line);
    if (length < byte_writer_room(loader->faults)) {
        byte_writer_put(loader->faults, line, length);
        byte_writer_u8(loader->faults, '\n');
    }
}

static void fault(struct loader *loader, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A fault of the table being read. */
static void fault(struct loader *loader, uint32_t line, const char *format, ...)
{
    char text[LINE_SIZE];
    if (++loader->file_fault_count > RULESET_LOAD_FAULT_COUNT_MAX) {
        loader->fault_count++;
        return;
    }
    int length = snprintf(text, sizeof(text), "%s:%u: ", loader->file, line);
    REQUIRE(length > 0 && (size_t)length < sizeof(text));
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, sizeof(text) - (size_t)length, format, arguments);
    va_end(arguments);
    fault_put(loader, text);
}

static void on_fault(void *argument, uint32_t line, const char *sentence)
{
    fault(argument, line, "%s", sentence);
}

static void document_faults(struct loader *loader, const struct document *document)
{
    uint32_t count = document_fault_count(document);
    for (uint32_t i = 0; i < count && i < DOCUMENT_FAULT_COUNT_MAX; i++) {
        fault_put(loader, document_fault_text(document, i));
    }
    if (count > DOCUMENT_FAULT_COUNT_MAX) {
        char text[LINE_SIZE];
        snprintf(text, sizeof(text), "%s: and %u more faults", document_name(document),
                 count - DOCUMENT_FAULT_COUNT_MAX);
        fault_put(loader, text);
    }
}

static uint64_t channel_kinds(struct loader *loader, const struct channel_options *channel)
{
    uint64_t kinds = 0;
    loader->file = loader->options->path;
    for (uint32_t i = 0; i < channel->kinds.count; i++) {
        const char *word = channel->kinds.items[i];
        int kind = condition_word_find(CONDITION_KIND, word);
        if (kind <= PAYMENT_UNKNOWN) {
            const char *nearest = condition_word_nearest(CONDITION_KIND, word);
            fault(loader, channel->line, "channel %s: kinds: \"%s\" is no transaction type%s%s%s",
                  channel->name, word, nearest != NULL ? "; did you mean \"" : "",
                  nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
        } else {
            kinds |= UINT64_C(1) << kind;
        }
    }
    return kinds;
}

static void load_channels(struct loader *loader)
{
    for (uint32_t i = 0; i < loader->options->channel_count; i++) {
        const struct channel_options *channel = &loader->options->channels[i];
        struct channel_row row = {.kinds = channel_kinds(loader, channel)};
        memcpy(row.name, channel->name, sizeof(channel->name));
        enum status status = channel_table_add(ruleset_channels(loader->ruleset), &row);
        /* Names are checked with the options, and as many fit as options allow. */
        REQUIRE(status == STATUS_OK);
    }
}

static void load_rules(struct loader *loader, const char *path,
                       void (*compile)(struct ruleset *ruleset, struct document *document))
{
    struct document *document = file_text_load_yaml(path);
    if (document == NULL) {
        fault_put(loader, status_text(STATUS_NO_MEMORY));
        return;
    }
    if (document_fault_count(document) == 0) {
        compile(loader->ruleset, document);
    }
    document_faults(loader, document);
    document_destroy(document);
}

enum { BIN_PREFIX, BIN_PAN_DIGITS, BIN_SCHEME, BIN_CARD_TYPE, BIN_ISSUER };
static const struct csv_column BIN_COLUMNS[] = {
    {"prefix", true},    {"pan_digits", true}, {"scheme", true},
    {"card_type", true}, {"issuer", true},     {NULL, false},
};

enum {
    MERCHANT_ID,
    MERCHANT_NAME,
    MERCHANT_MCC,
    MERCHANT_CLASS,
    MERCHANT_PLAN,
    MERCHANT_AMOUNT_MAX,
    MERCHANT_STATUS
};
static const struct csv_column MERCHANT_COLUMNS[] = {
    {"merchant_id", true}, {"name", true},        {"mcc", true},    {"class", true},
    {"plan", true},        {"amount_max", false}, {"status", true}, {NULL, false},
};

enum { TERMINAL_ID, TERMINAL_MERCHANT, TERMINAL_STATUS, TERMINAL_BRAND, TERMINAL_MODEL };
static const struct csv_column TERMINAL_COLUMNS[] = {
    {"terminal_id", true}, {"merchant_id", true}, {"status", true},
    {"brand", false},      {"model", false},      {NULL, false},
};

/* One row while its fields are taken; after the first fault the others are still looked at. */
struct row_reader {
    struct loader *loader;
    const struct csv_row *row;
    const struct csv_column *columns;
    bool is_faulty;
};

static void row_fault(struct row_reader *reader, unsigned column, const char *expected)
{
    reader->is_faulty = true;
    fault(reader->loader, reader->row->line, "%s: expected %s, got \"%.40s\"",
          reader->columns[column].name, expected, reader->row->fields[column]);
}

/* An empty field is `fallback`. */
static uint64_t row_number(struct row_reader *reader, unsigned column, struct number_range range,
                           uint64_t fallback)
{
    const char *text = reader->row->fields[column];
    uint64_t value = fallback;
    uint32_t length = (uint32_t)strnlen(text, 20);
    if (length > 0 && (length > 18 || digits_parse(&value, text, length, range) != STATUS_OK)) {
        char expected[80];
        snprintf(expected, sizeof(expected), "a number from %" PRIu64 " to %" PRIu64, range.min,
                 range.max);
        row_fault(reader, column, expected);
    }
    return value;
}

static uint8_t row_word(struct row_reader *reader, unsigned column, unsigned part)
{
    int bit = condition_word_find(part, reader->row->fields[column]);
    if (bit >= 0) {
        return (uint8_t)bit;
    }
    char expected[160] = "one of";
    size_t used = strlen(expected);
    for (unsigned i = 0; condition_word(part, i) != NULL && used < sizeof(expected); i++) {
        used += (size_t)snprintf(expected + used, sizeof(expected) - used, "%s %s",
                                 i > 0 ? "," : "", condition_word(part, i));
    }
    row_fault(reader, column, expected);
    return 0;
}

static void row_text(struct row_reader *reader, unsigned column, char *to, size_t size)
{
    const char *text = reader->row->fields[column];
    size_t length = strlen(text);
    if (length >= size) {
        char expected[40];
        snprintf(expected, sizeof(expected), "at most %zu bytes", size - 1);
        row_fault(reader, column, expected);
        return;
    }
    memcpy(to, text, length + 1);
}

static bool row_active(struct row_reader *reader, unsigned column)
{
    const char *text = reader->row->fields[column];
    bool is_active = strcmp(text, "active") == 0;
    if (!is_active && strcmp(text, "stopped") != 0) {
        row_fault(reader, column, "active or stopped");
    }
    return is_active;
}

/* What a table says to a row whose fields are all right. */
static void row_added(struct row_reader *reader, enum status status, const char *expected)
{
    if (status == STATUS_BAD_VALUE) {
        row_fault(reader, 0, expected);
    } else if (status != STATUS_OK) {
        fault(reader->loader, reader->row->line, "%s", status_text(status));
    }
}

static void on_bin(void *argument, const struct csv_row *row)
{
    struct row_reader reader = {argument, row, BIN_COLUMNS, false};
    const char *prefix = row->fields[BIN_PREFIX];
    struct bin_rule rule = {.digit_count = (uint8_t)strnlen(prefix, BIN_DIGITS_MAX + 1)};
    if (rule.digit_count < BIN_DIGITS_MIN || rule.digit_count > BIN_DIGITS_MAX ||
        digits_parse(&rule.prefix, prefix, rule.digit_count,
                     (struct number_range){0, UINT64_MAX}) != STATUS_OK) {
        row_fault(&reader, BIN_PREFIX, "1 to 12 digits");
    }
    rule.pan_digits =
        (uint8_t)row_number(&reader, BIN_PAN_DIGITS, (struct number_range){0, PAN_DIGITS_MAX}, 0);
    if (rule.pan_digits != 0 && rule.pan_digits < PAN_DIGITS_MIN) {
        row_fault(&reader, BIN_PAN_DIGITS, "12 to 19, or 0 for any");
    }
    rule.scheme = row_word(&reader, BIN_SCHEME, CONDITION_SCHEME);
    rule.card_type = row_word(&reader, BIN_CARD_TYPE, CONDITION_CARD_TYPE);
    rule.issuer =
        (uint16_t)row_number(&reader, BIN_ISSUER, (struct number_range){0, UINT16_MAX}, 0);
    if (!reader.is_faulty) {
        row_added(&reader, bin_table_add(ruleset_bins(reader.loader->ruleset), &rule),
                  "a prefix of 1 to 12 digits");
    }
}

static void on_merchant(void *argument, const struct csv_row *row)
{
    struct row_reader reader = {argument, row, MERCHANT_COLUMNS, false};
    const struct fee_plan_set *plans = ruleset_fee_plans(reader.loader->ruleset);
    struct merchant_row merchant = {.is_active = row_active(&reader, MERCHANT_STATUS)};
    row_text(&reader, MERCHANT_ID, merchant.merchant_id, sizeof(merchant.merchant_id));
    row_text(&reader, MERCHANT_NAME, merchant.name, sizeof(merchant.name));
    row_text(&reader, MERCHANT_PLAN, merchant.plan, sizeof(merchant.plan));
    row_text(&reader, MERCHANT_MCC, merchant.mcc, sizeof(merchant.mcc));
    if (strlen(merchant.mcc) != 4 || !digits_are_decimal(merchant.mcc, 4)) {
        row_fault(&reader, MERCHANT_MCC, "4 digits");
    }
    merchant.merchant_class =
        (enum merchant_class)row_word(&reader, MERCHANT_CLASS, CONDITION_CLASS);
    merchant.amount_max = (int64_t)row_number(
        &reader, MERCHANT_AMOUNT_MAX, (struct number_range){0, (uint64_t)MONEY_MINOR_MAX}, 0);
    if (plans != NULL && !fee_plan_set_has(plans, merchant.plan)) {
        row_fault(&reader, MERCHANT_PLAN, "a plan of the fees file");
    }
    if (!reader.is_faulty) {
        row_added(&reader, merchant_table_add(ruleset_merchants(reader.loader->ruleset), &merchant),
                  "1 to 15 printable characters");
    }
}

static void on_terminal(void *argument, const struct csv_row *row)
{
    struct row_reader reader = {argument, row, TERMINAL_COLUMNS, false};
    struct terminal_row terminal = {.is_active = row_active(&reader, TERMINAL_STATUS)};
    row_text(&reader, TERMINAL_ID, terminal.terminal_id, sizeof(terminal.terminal_id));
    row_text(&reader, TERMINAL_MERCHANT, terminal.merchant_id, sizeof(terminal.merchant_id));
    row_text(&reader, TERMINAL_BRAND, terminal.brand, sizeof(terminal.brand));
    row_text(&reader, TERMINAL_MODEL, terminal.model, sizeof(terminal.model));
    if (!reader.is_faulty) {
        row_added(&reader, terminal_table_add(ruleset_terminals(reader.loader->ruleset), &terminal),
                  "8 printable characters");
    }
}

enum { TABLE_BINS, TABLE_MERCHANTS, TABLE_TERMINALS, TABLE_COUNT };

static const struct {
    size_t path_offset; /* in struct server_options */
    const struct csv_column *columns;
    void (*on_row)(void *argument, const struct csv_row *row);
} TABLES[TABLE_COUNT] = {
    [TABLE_BINS] = {offsetof(struct server_options, tables.bins), BIN_COLUMNS, on_bin},
    [TABLE_MERCHANTS] = {offsetof(struct server_options, tables.merchants), MERCHANT_COLUMNS,
                         on_merchant},
    [TABLE_TERMINALS] = {offsetof(struct server_options, tables.terminals), TERMINAL_COLUMNS,
                         on_terminal},
};

static const char *table_path(const struct server_options *options, unsigned table)
{
    return (const char *)options + TABLES[table].path_offset;
}

/* As many rows as the text holds at most: a row takes a line. */
static uint32_t line_count(const struct file_text *text)
{
    uint32_t count = 1;
    for (uint32_t i = 0; i < text->length; i++) {
        char character = text->bytes[i];
        /* The byte behind the last is 0. */
        count += character == '\n' || (character == '\r' && text->bytes[i + 1] != '\n');
    }
    return count;
}

static void texts_read(struct loader *loader, struct file_text texts[TABLE_COUNT])
{
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        const char *path = table_path(loader->options, i);
        enum status status = file_text_read(&texts[i], path, RULESET_LOAD_TABLE_BYTES_MAX);
        if (status != STATUS_OK) {
            char line[LINE_SIZE];
            snprintf(line, sizeof(line), "%s: cannot be read: %s", path,
                     status == STATUS_NOT_FOUND   ? "no such file, or it may not be opened"
                     : status == STATUS_BAD_VALUE ? "it is longer than 256 MiB"
                                                  : status_text(status));
            fault_put(loader, line);
        }
    }
}

static void table_read(struct loader *loader, struct file_text *text, unsigned table)
{
    const struct csv_sink sink = {TABLES[table].on_row, on_fault, loader};
    if (text->bytes == NULL) {
        return;
    }
    loader->file = table_path(loader->options, table);
    loader->file_fault_count = 0;
    enum status status = csv_file_read(text->bytes, text->length, TABLES[table].columns, &sink);
    REQUIRE(status == STATUS_OK || loader->file_fault_count > 0);
    if (loader->file_fault_count > RULESET_LOAD_FAULT_COUNT_MAX) {
        char line[LINE_SIZE];
        snprintf(line, sizeof(line), "%s: and %u more faults", loader->file,
                 loader->file_fault_count - RULESET_LOAD_FAULT_COUNT_MAX);
        fault_put(loader, line);
    }
}

/* Looks for the lines of a fault that freeze has named by its key. */
struct fault_search {
    struct loader *loader;
    const struct ruleset_fault *fault;
    enum status status;
    uint32_t first_line;
};

static void on_search(void *argument, const struct csv_row *row)
{
    struct fault_search *search = argument;
    if (search->status == STATUS_MISSING) {
        /* Only terminals come here: plans were checked row by row. */
        const char *merchant_id = row->fields[TERMINAL_MERCHANT];
        if (merchant_table_find(ruleset_merchant_view(search->loader->ruleset), merchant_id) ==
            NULL) {
            fault(search->loader, row->line,
                  "merchant_id: expected a merchant of the merchants' table, got \"%.40s\"",
                  merchant_id);
        }
        return;
    }
    if (strcmp(row->fields[0], search->fault->key) != 0) {
        return;
    }
    if (search->first_line == 0) {
        search->first_line = row->line;
        return;
    }
    fault(search->loader, row->line, "\"%s\": expected once, got again; it stands in line %u too",
          search->fault->key, search->first_line);
}

static void freeze_fault(struct loader *loader, enum status status, const char *reason)
{
    static const unsigned TABLE_OF[] = {
        [RULESET_BINS] = TABLE_BINS,
        [RULESET_MERCHANTS] = TABLE_MERCHANTS,
        [RULESET_TERMINALS] = TABLE_TERMINALS,
    };
    struct fault_search search = {loader, ruleset_freeze_fault(loader->ruleset), status, 0};
    struct file_text text;
    uint32_t fault_count = loader->fault_count;
    bool may_search = search.fault->part != RULESET_FILES &&
                      (status == STATUS_DUPLICATE || status == STATUS_MISSING);
    if (may_search) {
        unsigned table = TABLE_OF[search.fault->part];
        const struct csv_sink sink = {on_search, on_fault, &search};
        loader->file = table_path(loader->options, table);
        loader->file_fault_count = 0;
        if (file_text_read(&text, loader->file, RULESET_LOAD_TABLE_BYTES_MAX) == STATUS_OK) {
            enum status again =
                csv_file_read(text.bytes, text.length, TABLES[table].columns, &sink);
            (void)again; /* it was well-formed a moment ago; if not, the reason below must do */
            file_text_free(&text);
        }
    }
    if (loader->fault_count == fault_count) {
        fault_put(loader, reason);
    }
}

static bool load_all(struct loader *loader, struct file_text texts[TABLE_COUNT], uint32_t version)
{
    const struct ruleset_limits limits = {
        .bin_count_max = line_count(&texts[TABLE_BINS]),
        .merchant_count_max = line_count(&texts[TABLE_MERCHANTS]),
        .terminal_count_max = line_count(&texts[TABLE_TERMINALS]),
    };
    char reason[160];
    loader->ruleset = ruleset_create(version, &limits);
    if (loader->ruleset == NULL) {
        fault_put(loader, status_text(STATUS_NO_MEMORY));
        return false;
    }
    load_channels(loader);
    load_rules(loader, loader->options->fees, ruleset_compile_fees);
    load_rules(loader, loader->options->routes, ruleset_compile_routes);
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        table_read(loader, &texts[i], i);
    }
    if (loader->fault_count > 0) {
        return false;
    }
    enum status status = ruleset_freeze(loader->ruleset, reason);
    if (status != STATUS_OK) {
        freeze_fault(loader, status, reason);
    }
    return status == STATUS_OK;
}

struct ruleset *ruleset_load(const struct server_options *options, uint32_t version,
                             struct byte_writer *faults)
{
    struct loader loader = {.options = options, .faults = faults, .file = options->path};
    struct file_text texts[TABLE_COUNT] = {0};
    texts_read(&loader, texts);
    bool is_loaded = load_all(&loader, texts, version);
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        file_text_free(&texts[i]);
    }
    if (!is_loaded || loader.fault_count > 0) {
        ruleset_destroy(loader.ruleset);
        return NULL;
    }
    return loader.ruleset;
}
