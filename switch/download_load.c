/* See download_load.h. */
#include "switch/download_load.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "config/csv_file.h"
#include "config/file_text.h"
#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "protocols/emv_tlv.h"

#define FAULT_COUNT_MAX 40 /* told of one file */
#define FILE_BYTES_MAX (16u * 1024 * 1024)
#define LINE_SIZE (OPTION_PATH_SIZE + CSV_FAULT_SIZE + 80)
#define SHA1_BYTES 20

struct loader {
    const struct download_load_sink *sink; /* borrowed */
    struct download_table *table;
    const char *file;
    const struct csv_column *columns;
    const struct csv_row *row;
    uint32_t fault_count, file_fault_count;
};

__attribute__((format(printf, 3, 4))) static void fault(struct loader *loader, uint32_t line,
                                                        const char *format, ...)
{
    char text[LINE_SIZE];
    loader->fault_count++;
    if (++loader->file_fault_count > FAULT_COUNT_MAX) {
        return;
    }
    int length = snprintf(text, sizeof(text), "%s:%u: ", loader->file, line);
    REQUIRE(length > 0 && (size_t)length < sizeof(text));
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, sizeof(text) - (size_t)length, format, arguments);
    va_end(arguments);
    loader->sink->on_fault(loader->sink->argument, text);
}

/* Of the file as a whole. */
static void file_fault(struct loader *loader, const char *sentence)
{
    char text[LINE_SIZE];
    loader->fault_count++;
    snprintf(text, sizeof(text), "%s: %s", loader->file, sentence);
    loader->sink->on_fault(loader->sink->argument, text);
}

static void on_fault(void *argument, uint32_t line, const char *sentence)
{
    fault(argument, line, "%s", sentence);
}

static void field_fault(struct loader *loader, unsigned column, const char *expected)
{
    fault(loader, loader->row->line, "%s: expected %s, got \"%.40s\"", loader->columns[column].name,
          expected, loader->row->fields[column]);
}

/* --- parameters ---------------------------------------------------------------------------- */

enum { PARAMETER_HOLDER, PARAMETER_CODE, PARAMETER_VALUE };
static const struct csv_column PARAMETER_COLUMNS[] = {
    {"holder", false}, {"code", true}, {"value", true}, {NULL, false}};

static bool copy_text(struct loader *loader, unsigned column, char *to, size_t size)
{
    const char *text = loader->row->fields[column];
    size_t length = strlen(text);
    if (length >= size) {
        char expected[40];
        snprintf(expected, sizeof(expected), "at most %zu bytes", size - 1);
        field_fault(loader, column, expected);
        return false;
    }
    memcpy(to, text, length + 1);
    return true;
}

static void on_parameter(void *argument, const struct csv_row *row)
{
    struct loader *loader = argument;
    struct download_parameter parameter = {.line = row->line};
    loader->row = row;
    size_t holder = strlen(row->fields[PARAMETER_HOLDER]);
    if (holder != 0 && holder != 8 && holder != 15) {
        field_fault(loader, PARAMETER_HOLDER,
                    "a terminal id of 8, a merchant id of 15 characters, or nothing for all");
        return;
    }
    const struct download_shape *shape = download_shape_of(row->fields[PARAMETER_CODE]);
    if (shape == NULL) {
        field_fault(loader, PARAMETER_CODE, "a code from 11 to 26");
        return;
    }
    if (!copy_text(loader, PARAMETER_HOLDER, parameter.holder, sizeof(parameter.holder)) ||
        !copy_text(loader, PARAMETER_VALUE, parameter.value, sizeof(parameter.value))) {
        return;
    }
    memcpy(parameter.code, shape->code, sizeof(parameter.code));
    if (!download_shape_takes(shape, parameter.value)) {
        char expected[120];
        snprintf(expected, sizeof(expected), "%s%u %s (%s)", shape->is_digits ? "" : "1 to ",
                 shape->length, shape->is_digits ? "digits" : "bytes", shape->text);
        field_fault(loader, PARAMETER_VALUE, expected);
        return;
    }
    enum status status = download_table_set_parameter(loader->table, &parameter);
    REQUIRE(status == STATUS_OK); /* there is a place for every line */
}

/* --- items --------------------------------------------------------------------------------- */

/* The bytes that a field spells in hex; length 0 after a fault. */
static struct byte_view hex_field(struct loader *loader, unsigned column, struct number_range range,
                                  uint8_t bytes[256])
{
    struct byte_writer writer;
    const char *text = loader->row->fields[column];
    byte_writer_init(&writer, bytes, (uint32_t)range.max);
    enum status status = bytes_from_hex(&writer, text, (uint32_t)strnlen(text, 1024));
    if (status != STATUS_OK || writer.position < range.min) {
        char expected[80];
        if (range.min == range.max) {
            snprintf(expected, sizeof(expected), "%u hex digits", (unsigned)range.min * 2);
        } else {
            snprintf(expected, sizeof(expected), "%u to %u hex digits, an even number",
                     (unsigned)range.min * 2, (unsigned)range.max * 2);
        }
        field_fault(loader, column, expected);
        return (struct byte_view){bytes, 0};
    }
    return (struct byte_view){bytes, writer.position};
}

static void put_item(struct loader *loader, struct download_item *item,
                     const struct byte_writer *writer)
{
    item->line = loader->row->line;
    item->bytes = (struct byte_view){writer->bytes, writer->position};
    enum status status =
        writer->status != STATUS_OK ? writer->status : download_table_add(loader->table, item);
    if (status != STATUS_OK) {
        fault(loader, loader->row->line, "%s: expected at most %d bytes in one item and %d items",
              download_class_name(item->class), DOWNLOAD_ITEM_BYTES_MAX, DOWNLOAD_ITEM_COUNT_MAX);
    }
}

enum { CA_RID, CA_INDEX, CA_EXPIRY, CA_MODULUS, CA_EXPONENT, CA_CHECK };
static const struct csv_column CA_COLUMNS[] = {
    {"rid", true},      {"index", true}, {"expiry", true}, {"modulus", true},
    {"exponent", true}, {"check", true}, {NULL, false}};

struct ca_key {
    uint8_t bytes[CA_CHECK + 1][256];
    struct byte_view parts[CA_CHECK + 1];
};

/* The check value of EMV Book 2, 11.2: SHA-1 over RID, index, modulus and exponent. */
static bool check_holds(const struct ca_key *key)
{
    static const unsigned ORDER[] = {CA_RID, CA_INDEX, CA_MODULUS, CA_EXPONENT};
    uint8_t input[5 + 1 + 256 + 3], digest[SHA1_BYTES];
    struct byte_writer writer;
    byte_writer_init(&writer, input, sizeof(input));
    for (unsigned i = 0; i < sizeof(ORDER) / sizeof(ORDER[0]); i++) {
        byte_writer_put(&writer, key->parts[ORDER[i]].bytes, key->parts[ORDER[i]].length);
    }
    REQUIRE(writer.status == STATUS_OK);
    unsigned length = 0;
    REQUIRE(EVP_Digest(input, writer.position, digest, &length, EVP_sha1(), NULL) == 1);
    return memcmp(digest, key->parts[CA_CHECK].bytes, SHA1_BYTES) == 0;
}

static void add_ca_key(struct loader *loader, const struct ca_key *key)
{
    static const uint8_t ONE = 0x01; /* SHA-1; RSA: the only ones EMV has */
    uint8_t bytes[DOWNLOAD_ITEM_BYTES_MAX];
    struct byte_writer writer;
    struct download_item item = {.class = DOWNLOAD_CA_KEYS};
    byte_writer_init(&writer, bytes, sizeof(bytes));
    emv_tlv_put(&writer, 0x9F06, key->parts[CA_RID]);
    emv_tlv_put(&writer, 0x9F22, key->parts[CA_INDEX]);
    item.name_length = (uint16_t)writer.position;
    emv_tlv_put(&writer, 0xDF05, key->parts[CA_EXPIRY]);
    item.list_length = (uint16_t)writer.position;
    emv_tlv_put(&writer, 0xDF06, (struct byte_view){&ONE, 1});
    emv_tlv_put(&writer, 0xDF07, (struct byte_view){&ONE, 1});
    emv_tlv_put(&writer, 0xDF02, key->parts[CA_MODULUS]);
    emv_tlv_put(&writer, 0xDF04, key->parts[CA_EXPONENT]);
    emv_tlv_put(&writer, 0xDF03, key->parts[CA_CHECK]);
    put_item(loader, &item, &writer);
}

static void on_ca_key(void *argument, const struct csv_row *row)
{
    static const struct number_range LENGTHS[] = {
        [CA_RID] = {5, 5},        [CA_INDEX] = {1, 1},    [CA_EXPIRY] = {8, 8},
        [CA_MODULUS] = {96, 248}, [CA_EXPONENT] = {1, 3}, [CA_CHECK] = {SHA1_BYTES, SHA1_BYTES},
    };
    struct loader *loader = argument;
    struct ca_key key = {.parts = {{NULL, 0}}};
    bool is_whole = true;
    loader->row = row;
    for (unsigned part = 0; part <= CA_CHECK; part++) {
        if (part == CA_EXPIRY) {
            const char *text = row->fields[CA_EXPIRY];
            key.parts[part] = (struct byte_view){(const uint8_t *)text, 8};
            if (strlen(text) != 8 || !digits_are_decimal(text, 8)) {
                field_fault(loader, part, "a date, YYYYMMDD");
                is_whole = false;
            }
            continue;
        }
        key.parts[part] = hex_field(loader, part, LENGTHS[part], key.bytes[part]);
        is_whole = is_whole && key.parts[part].length > 0;
    }
    if (is_whole && !check_holds(&key)) {
        field_fault(loader, CA_CHECK, "SHA-1 over RID, index, modulus and exponent");
    } else if (is_whole) {
        add_ca_key(loader, &key);
    }
}

/* X(column, tag, shortest, longest): the parameters of an AID in the order of the message. */
#define AID_PART_MAP(X)                                                                            \
    X("aid", 0x9F06, 5, 16)                                                                        \
    X("selection", 0xDF01, 1, 1)                                                                   \
    X("version", 0x9F08, 2, 2)                                                                     \
    X("tac_default", 0xDF11, 5, 5)                                                                 \
    X("tac_online", 0xDF12, 5, 5)                                                                  \
    X("tac_denial", 0xDF13, 5, 5)                                                                  \
    X("floor_limit", 0x9F1B, 4, 4)                                                                 \
    X("threshold", 0xDF15, 4, 4)                                                                   \
    X("max_target_percent", 0xDF16, 1, 1)                                                          \
    X("target_percent", 0xDF17, 1, 1)                                                              \
    X("ddol", 0xDF14, 1, 252)                                                                      \
    X("online_pin", 0xDF18, 1, 1)                                                                  \
    X("cash_limit", 0x9F7B, 6, 6)                                                                  \
    X("contactless_floor", 0xDF19, 6, 6)                                                           \
    X("contactless_limit", 0xDF20, 6, 6)                                                           \
    X("cvm_limit", 0xDF21, 6, 6)

static const struct csv_column AID_COLUMNS[] = {
#define X(column, tag, shortest, longest) {column, true},
    AID_PART_MAP(X)
#undef X
        {NULL, false}};
static const struct {
    uint32_t tag;
    struct number_range range;
} AID_PARTS[] = {
#define X(column, tag, shortest, longest) {tag, {shortest, longest}},
    AID_PART_MAP(X)
#undef X
};

static void on_aid(void *argument, const struct csv_row *row)
{
    struct loader *loader = argument;
    uint8_t bytes[DOWNLOAD_ITEM_BYTES_MAX], part[256];
    struct byte_writer writer;
    struct download_item item = {.class = DOWNLOAD_AIDS};
    bool is_whole = true;
    loader->row = row;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    for (unsigned i = 0; i < sizeof(AID_PARTS) / sizeof(AID_PARTS[0]); i++) {
        struct byte_view value = hex_field(loader, i, AID_PARTS[i].range, part);
        is_whole = is_whole && value.length > 0;
        emv_tlv_put(&writer, AID_PARTS[i].tag, value);
        if (i == 0) {
            item.name_length = item.list_length = (uint16_t)writer.position;
        }
    }
    if (is_whole) {
        put_item(loader, &item, &writer);
    }
}

enum { BIN_LIST, BIN_PREFIX };
static const struct csv_column BIN_COLUMNS[] = {{"list", true}, {"prefix", true}, {NULL, false}};

static void on_bin(void *argument, const struct csv_row *row)
{
    struct loader *loader = argument;
    const char *prefix = row->fields[BIN_PREFIX];
    uint32_t count = (uint32_t)strnlen(prefix, 16);
    struct download_item item = {.class = download_class_from_name(row->fields[BIN_LIST])};
    loader->row = row;
    if (item.class < DOWNLOAD_BLACKLIST || item.class == DOWNLOAD_CLASS_COUNT) {
        field_fault(loader, BIN_LIST, "one of blacklist, second_blacklist, no_pin, card_bins");
        return;
    }
    if (count < 1 || count > 12 || !digits_are_decimal(prefix, count)) {
        field_fault(loader, BIN_PREFIX, "1 to 12 digits");
        return;
    }
    char text[2 + 12];
    struct byte_writer writer;
    byte_writer_init(&writer, text, sizeof(text));
    digits_format((char *)byte_writer_take(&writer, 2), count, 2);
    byte_writer_put(&writer, prefix, count);
    item.list_length = (uint16_t)writer.position;
    put_item(loader, &item, &writer);
}

/* --- files --------------------------------------------------------------------------------- */

enum { FILE_PARAMETERS, FILE_CA_KEYS, FILE_AIDS, FILE_BIN_LISTS, FILE_COUNT };

static const struct {
    size_t path_offset; /* in struct server_options */
    const struct csv_column *columns;
    void (*on_row)(void *argument, const struct csv_row *row);
} FILES[FILE_COUNT] = {
    [FILE_PARAMETERS] = {offsetof(struct server_options, tables.parameters), PARAMETER_COLUMNS,
                         on_parameter},
    [FILE_CA_KEYS] = {offsetof(struct server_options, tables.ca_keys), CA_COLUMNS, on_ca_key},
    [FILE_AIDS] = {offsetof(struct server_options, tables.aids), AID_COLUMNS, on_aid},
    [FILE_BIN_LISTS] = {offsetof(struct server_options, tables.bin_lists), BIN_COLUMNS, on_bin},
};

static const char *path_of(const struct server_options *options, unsigned file)
{
    return (const char *)options + FILES[file].path_offset;
}

static uint32_t line_count(const struct file_text *text)
{
    uint32_t count = 1;
    for (uint32_t i = 0; i < text->length; i++) {
        count += text->bytes[i] == '\n' || text->bytes[i] == '\r';
    }
    return count;
}

static void begin_file(struct loader *loader, const char *path)
{
    loader->file = path;
    loader->file_fault_count = 0;
}

static void read_texts(struct loader *loader, const struct server_options *options,
                       struct file_text texts[FILE_COUNT])
{
    for (unsigned i = 0; i < FILE_COUNT; i++) {
        const char *path = path_of(options, i);
        if (path[0] == '\0') {
            continue;
        }
        enum status status = file_text_read(&texts[i], path, FILE_BYTES_MAX);
        if (status != STATUS_OK) {
            char sentence[CSV_FAULT_SIZE];
            begin_file(loader, path);
            snprintf(sentence, sizeof(sentence), "cannot be read: %s",
                     status == STATUS_NOT_FOUND   ? "no such file, or it may not be opened"
                     : status == STATUS_BAD_VALUE ? "it is longer than 16 MiB"
                                                  : status_text(status));
            file_fault(loader, sentence);
        }
    }
}

static void read_rows(struct loader *loader, const struct server_options *options,
                      struct file_text texts[FILE_COUNT])
{
    const struct csv_sink template = {.on_fault = on_fault, .argument = loader};
    for (unsigned i = 0; i < FILE_COUNT; i++) {
        if (texts[i].bytes == NULL) {
            continue;
        }
        struct csv_sink sink = template;
        sink.on_row = FILES[i].on_row;
        loader->columns = FILES[i].columns;
        begin_file(loader, path_of(options, i));
        enum status status =
            csv_file_read(texts[i].bytes, texts[i].length, FILES[i].columns, &sink);
        REQUIRE(status == STATUS_OK || loader->file_fault_count > 0);
        if (loader->file_fault_count > FAULT_COUNT_MAX) {
            char sentence[CSV_FAULT_SIZE];
            snprintf(sentence, sizeof(sentence), "and %u more faults",
                     loader->file_fault_count - FAULT_COUNT_MAX);
            file_fault(loader, sentence);
        }
    }
}

static void freeze(struct loader *loader, const struct server_options *options)
{
    static const unsigned FILE_OF[DOWNLOAD_CLASS_COUNT] = {
        [DOWNLOAD_PARAMETERS] = FILE_PARAMETERS,
        [DOWNLOAD_CA_KEYS] = FILE_CA_KEYS,
        [DOWNLOAD_AIDS] = FILE_AIDS,
        [DOWNLOAD_BLACKLIST] = FILE_BIN_LISTS,
        [DOWNLOAD_SECOND_BLACKLIST] = FILE_BIN_LISTS,
        [DOWNLOAD_NO_PIN] = FILE_BIN_LISTS,
        [DOWNLOAD_CARD_BINS] = FILE_BIN_LISTS,
    };
    struct download_fault twice;
    enum status status = download_table_freeze(loader->table, &twice);
    if (status != STATUS_OK) {
        REQUIRE(status == STATUS_DUPLICATE);
        begin_file(loader, path_of(options, FILE_OF[twice.class]));
        fault(loader, twice.second_line, "%s: expected each once, got the one of line %u again",
              download_class_name(twice.class), twice.first_line);
    }
}

bool download_load(const struct server_options *options, const struct download_load_sink *sink,
                   struct download_table **table)
{
    struct loader loader = {.sink = sink, .file = options->path};
    struct file_text texts[FILE_COUNT] = {0};
    bool is_named = false;
    for (unsigned i = 0; i < FILE_COUNT; i++) {
        is_named = is_named || path_of(options, i)[0] != '\0';
    }
    *table = NULL;
    if (!is_named) {
        return true;
    }
    read_texts(&loader, options, texts);
    loader.table = download_table_create(
        texts[FILE_PARAMETERS].bytes == NULL ? 0 : line_count(&texts[FILE_PARAMETERS]),
        DOWNLOAD_ITEM_COUNT_MAX);
    if (loader.table == NULL) {
        file_fault(&loader, status_text(STATUS_NO_MEMORY));
    } else {
        read_rows(&loader, options, texts);
    }
    if (loader.fault_count == 0) {
        freeze(&loader, options);
    }
    for (unsigned i = 0; i < FILE_COUNT; i++) {
        file_text_free(&texts[i]);
    }
    if (loader.fault_count > 0) {
        download_table_destroy(loader.table);
        return false;
    }
    *table = loader.table;
    return true;
}
