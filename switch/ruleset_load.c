/* See ruleset_load.h.
 *
 * BINs are read first, since rules name their groups. Rules are compiled before tables are read, so
 * that a merchant's plan is checked where its line is known. What freeze finds (a key given twice,
 * a terminal without its merchant) has lost its line by then; the file is read once more to name
 * it, which only a faulty file costs.
 */
#include "switch/ruleset_load.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "config/csv_file.h"
#include "config/file_text.h"
#include "config/yaml_file.h"
#include "protocols/base/digits.h"
#include "protocols/base/pause.h"
#include "protocols/base/require.h"
#include "routing/civil_date.h"
#include "routing/condition.h"
#include "routing/condition_words.h"
#include "switch/agent_load.h"
#include "switch/black_list_load.h"
#include "switch/download_load.h"

#define LINE_SIZE (DOCUMENT_FAULT_TEXT_SIZE + OPTION_PATH_SIZE)

_Static_assert(OPTION_CHANNEL_COUNT_MAX <= CHANNEL_COUNT_MAX, "every channel gets its bit");
_Static_assert(OPTION_NAME_SIZE <= CHANNEL_NAME_SIZE, "a channel's name fits routing's");

/* What is being loaded, and where faults go. */
struct loader {
    const struct server_options *options; /* borrowed */
    struct byte_writer *faults;           /* borrowed */
    const struct channel_table *before; /* of the rules in force; borrowed; NULL: there are none */
    const struct ruleset_trial *routes; /* in the file's place; borrowed; NULL: the file */
    struct ruleset *ruleset;
    bool has_no_agents; /* their table is faulty: merchants are not told off for it */
    const char *file;   /* of the table being read */
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
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it begins one line above */
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

/* Each name of the rules in force at its place; what it offers is said later, or it is retired. */
static void keep_places(struct loader *loader)
{
    struct channel_table *table = ruleset_channels(loader->ruleset);
    uint16_t count = loader->before == NULL ? 0 : channel_table_count(loader->before);
    for (uint16_t i = 0; i < count; i++) {
        const char *name = channel_table_at(loader->before, i)->name;
        struct channel_row row = {.kinds = 0};
        bool is_wanted = false;
        memcpy(row.name, name, sizeof(row.name));
        for (uint32_t j = 0; j < loader->options->channel_count && !is_wanted; j++) {
            const struct channel_options *channel = &loader->options->channels[j];
            is_wanted = strcmp(channel->name, name) == 0;
            row.kinds = is_wanted ? channel_kinds(loader, channel) : 0;
            row.voids_are_refunds = is_wanted && channel->wallet.is_on;
        }
        enum status status = channel_table_add(table, &row);
        REQUIRE(status == STATUS_OK);
        if (!is_wanted) {
            channel_table_retire(table, i);
        }
    }
}

static void load_channels(struct loader *loader)
{
    struct channel_table *table = ruleset_channels(loader->ruleset);
    keep_places(loader);
    for (uint32_t i = 0; i < loader->options->channel_count; i++) {
        const struct channel_options *channel = &loader->options->channels[i];
        if (channel_table_find(table, channel->name) >= 0) {
            continue;
        }
        struct channel_row row = {.kinds = channel_kinds(loader, channel),
                                  .voids_are_refunds = channel->wallet.is_on};
        memcpy(row.name, channel->name, sizeof(channel->name));
        enum status status = channel_table_add(table, &row);
        /* Names are checked with the options, and as many fit as options allow. */
        REQUIRE(status == STATUS_OK || status == STATUS_NO_ROOM);
        if (status == STATUS_NO_ROOM) {
            loader->file = loader->options->path;
            fault(loader, channel->line,
                  "channel %s: expected at most %d names of channels between two starts, those "
                  "taken out included; restart to make room",
                  channel->name, CHANNEL_COUNT_MAX);
        }
    }
}

/* Takes the document over; NULL: there was no memory for it. */
static void load_rules(struct loader *loader, struct document *document,
                       void (*compile)(struct ruleset *ruleset, struct document *document))
{
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

enum { BIN_PREFIX, BIN_PAN_DIGITS, BIN_SCHEME, BIN_CARD_TYPE, BIN_ISSUER, BIN_GROUP };
static const struct csv_column BIN_COLUMNS[] = {
    {"prefix", true}, {"pan_digits", true}, {"scheme", true}, {"card_type", true},
    {"issuer", true}, {"group", false},     {NULL, false},
};

enum {
    MERCHANT_ID,
    MERCHANT_NAME,
    MERCHANT_MCC,
    MERCHANT_CLASS,
    MERCHANT_PLAN,
    MERCHANT_AMOUNT_MAX,
    MERCHANT_STATUS,
    MERCHANT_EXEMPT_UNTIL,
    MERCHANT_AGENT
};
static const struct csv_column MERCHANT_COLUMNS[] = {
    {"merchant_id", true}, {"name", true},        {"mcc", true},    {"class", true},
    {"plan", true},        {"amount_max", false}, {"status", true}, {"exempt_until", false},
    {"agent", false},      {NULL, false},
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
    if (rule.scheme == CARD_SCHEME_ALIPAY || rule.scheme == CARD_SCHEME_WECHAT) {
        row_fault(&reader, BIN_SCHEME, "the scheme of a card, which a wallet is not");
    }
    rule.card_type = row_word(&reader, BIN_CARD_TYPE, CONDITION_CARD_TYPE);
    rule.issuer =
        (uint16_t)row_number(&reader, BIN_ISSUER, (struct number_range){0, UINT16_MAX}, 0);
    const char *group = row->fields[BIN_GROUP];
    struct bin_table *bins = ruleset_bins(reader.loader->ruleset);
    rule.group = group[0] == '\0' ? 0 : bin_table_group(bins, group);
    if (group[0] != '\0' && rule.group == 0) {
        row_fault(&reader, BIN_GROUP, "a name of 1 to 15 characters, of at most 63 groups");
    }
    if (!reader.is_faulty) {
        row_added(&reader, bin_table_add(ruleset_bins(reader.loader->ruleset), &rule),
                  "a prefix of 1 to 12 digits");
    }
}

/* Documents of an exemption expire; without a date it has no end. */
static void row_exemption(struct row_reader *reader, struct merchant_row *merchant)
{
    const char *text = reader->row->fields[MERCHANT_EXEMPT_UNTIL];
    int64_t days = 0;
    if (text[0] == '\0') {
        return;
    }
    if (!civil_date_parse(&days, text) || merchant->merchant_class != MERCHANT_EXEMPT) {
        row_fault(reader, MERCHANT_EXEMPT_UNTIL,
                  "a date as 2026-01-31 at merchants of class exempt, nothing at others");
        return;
    }
    merchant->exempt_until_day = (int32_t)days;
}

static void row_agent(struct row_reader *reader, struct merchant_row *merchant)
{
    const struct agent_table *agents = ruleset_agent_view(reader->loader->ruleset);
    const char *text = reader->row->fields[MERCHANT_AGENT];
    int32_t index = text[0] == '\0' || agents == NULL ? -1 : agent_table_find(agents, text);
    if (text[0] != '\0' && index < 0 && !reader->loader->has_no_agents) {
        row_fault(reader, MERCHANT_AGENT, "an agent of the agents' table (tables.agents)");
        return;
    }
    merchant->agent = (uint16_t)(index + 1);
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
    merchant.merchant_class = row_word(&reader, MERCHANT_CLASS, CONDITION_CLASS);
    row_exemption(&reader, &merchant);
    row_agent(&reader, &merchant);
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
        if (character == '\n' || (character == '\r' && text->bytes[i + 1] != '\n')) {
            count++;
            pause_point();
        }
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

static void on_part_fault(void *argument, const char *line)
{
    fault_put(argument, line);
}

static void load_agents(struct loader *loader)
{
    const struct agent_load_sink sink = {on_part_fault, loader};
    struct agent_table *agents = NULL;
    loader->has_no_agents = !agent_load(loader->options, &sink, &agents);
    if (agents != NULL) {
        ruleset_take_agents(loader->ruleset, agents);
    }
}

static void load_black_list(struct loader *loader)
{
    const struct black_list_load_sink sink = {on_part_fault, loader};
    struct black_list *list = NULL;
    if (black_list_load(loader->options, &sink, &list) && list != NULL) {
        ruleset_take_black_list(loader->ruleset, list);
    }
}

static void load_downloads(struct loader *loader)
{
    const struct download_load_sink sink = {on_part_fault, loader};
    struct download_table *downloads = NULL;
    if (download_load(loader->options, &sink, &downloads)) {
        ruleset_take_downloads(loader->ruleset, downloads);
    }
}

/* A holder that nobody is would never be served, and nobody would notice. */
static void check_holders(struct loader *loader)
{
    const struct download_table *downloads = ruleset_download_view(loader->ruleset);
    const struct download_parameter *row = NULL;
    loader->file = loader->options->tables.parameters;
    loader->file_fault_count = 0;
    for (uint32_t i = 0;
         downloads != NULL && (row = download_table_parameter_at(downloads, i)) != NULL; i++) {
        bool is_known =
            row->holder[0] == '\0' ||
            (strlen(row->holder) == 8
                 ? terminal_table_find(ruleset_terminal_view(loader->ruleset), row->holder) != NULL
                 : merchant_table_find(ruleset_merchant_view(loader->ruleset), row->holder) !=
                       NULL);
        if (!is_known) {
            fault(loader, row->line,
                  "holder: expected a terminal or merchant of the tables, or nothing, got \"%s\"",
                  row->holder);
        }
    }
}

static void on_stranger(void *argument, const struct ruleset_stranger *stranger)
{
    fault(argument, stranger->line, "%s: expected one that the tables have, got \"%.40s\"%s%s%s",
          stranger->part, stranger->name, stranger->nearest != NULL ? "; did you mean \"" : "",
          stranger->nearest != NULL ? stranger->nearest : "",
          stranger->nearest != NULL ? "\"?" : "");
}

/* A rule for whom the tables do not have would never fit. */
static void check_names(struct loader *loader)
{
    const struct ruleset_name_sink sink = {on_stranger, loader};
    loader->file = loader->routes == NULL ? loader->options->routes : loader->routes->name;
    loader->file_fault_count = 0;
    enum status status = ruleset_check_names(loader->ruleset, &sink);
    loader->file = loader->options->limits;
    loader->file_fault_count = 0;
    if (status == STATUS_OK) {
        status = ruleset_check_limit_names(loader->ruleset, &sink);
    }
    if (status != STATUS_OK) {
        fault_put(loader, status_text(STATUS_NO_MEMORY));
    }
}

static struct document *routes_document(const struct loader *loader)
{
    const struct ruleset_trial *routes = loader->routes;
    return routes == NULL ? file_text_load_yaml(loader->options->routes)
                          : yaml_file_parse(routes->name, routes->text, routes->length);
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
    table_read(loader, &texts[TABLE_BINS], TABLE_BINS); /* rules name their groups */
    load_rules(loader, file_text_load_yaml(loader->options->fees), ruleset_compile_fees);
    load_rules(loader, routes_document(loader), ruleset_compile_routes);
    if (loader->options->limits[0] != '\0') { /* amounts are of the fees file's currency */
        load_rules(loader, file_text_load_yaml(loader->options->limits), ruleset_compile_limits);
    }
    load_black_list(loader);
    load_agents(loader);
    table_read(loader, &texts[TABLE_MERCHANTS], TABLE_MERCHANTS);
    table_read(loader, &texts[TABLE_TERMINALS], TABLE_TERMINALS);
    load_downloads(loader);
    if (loader->fault_count > 0) {
        return false;
    }
    enum status status = ruleset_freeze(loader->ruleset, reason);
    if (status != STATUS_OK) {
        freeze_fault(loader, status, reason);
        return false;
    }
    check_holders(loader);
    check_names(loader);
    return loader->fault_count == 0;
}

/* Ends the loader's work; the ruleset, or NULL where anything is wrong. */
static struct ruleset *load(struct loader *loader, uint32_t version)
{
    struct file_text texts[TABLE_COUNT] = {0};
    texts_read(loader, texts);
    bool is_loaded = load_all(loader, texts, version);
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        file_text_free(&texts[i]);
    }
    if (!is_loaded || loader->fault_count > 0) {
        ruleset_destroy(loader->ruleset);
        return NULL;
    }
    return loader->ruleset;
}

struct ruleset *ruleset_load(const struct server_options *options, uint32_t version,
                             struct byte_writer *faults)
{
    return ruleset_load_after(NULL, options, version, faults);
}

struct ruleset *ruleset_load_trial(const struct server_options *options,
                                   const struct ruleset_trial *routes, struct byte_writer *faults)
{
    struct loader loader = {
        .options = options, .faults = faults, .routes = routes, .file = options->path};
    return load(&loader, 0);
}

struct ruleset *ruleset_load_after(const struct channel_table *before,
                                   const struct server_options *options, uint32_t version,
                                   struct byte_writer *faults)
{
    struct loader loader = {
        .options = options, .faults = faults, .before = before, .file = options->path};
    return load(&loader, version);
}
