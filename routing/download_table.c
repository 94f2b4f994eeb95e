/* See download_table.h. Downloads are rare and their tables small, so sorted rows and a search by
 * halves are enough; only what each answer asks for, the versions, are kept ready. */
#include "routing/download_table.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "routing/name_hash.h"

struct item {
    uint32_t line;
    uint16_t name_length, list_length, length;
    uint8_t class;
    uint8_t bytes[DOWNLOAD_ITEM_BYTES_MAX];
};

struct download_table {
    bool is_frozen;
    uint32_t parameter_count, parameter_count_max, item_count, item_count_max;
    struct download_parameter *parameters; /* owner; frozen: by holder, then code */
    struct item *items;                    /* owner; frozen: by class, then as they were added */
    uint32_t first[DOWNLOAD_CLASS_COUNT + 1], versions[DOWNLOAD_CLASS_COUNT];
};

static const char *const CLASS_NAMES[DOWNLOAD_CLASS_COUNT] = {
#define X(name, word, text) [DOWNLOAD_##name] = (word),
    DOWNLOAD_CLASS_MAP(X)
#undef X
};

enum { SHAPE_TEXT, SHAPE_DIGITS };
static const struct download_shape SHAPES[] = {
#define X(code, shape, characters, text)                                                           \
    {(code), (characters), SHAPE_##shape == SHAPE_DIGITS, (text)},
#include "routing/download_parameter.def"
#undef X
};
#define SHAPE_COUNT (sizeof(SHAPES) / sizeof(SHAPES[0]))

enum {
    PARAMETER_BYTES = 0
/* NOLINTNEXTLINE(bugprone-macro-parentheses): the addends of a sum */
#define X(code, shape, characters, text) +2 + (characters)
#include "routing/download_parameter.def"
#undef X
};
_Static_assert(PARAMETER_BYTES <= DOWNLOAD_PARAMETER_BYTES_MAX, "all parameters fit one message");

const char *download_class_name(enum download_class class)
{
    REQUIRE((unsigned)class < DOWNLOAD_CLASS_COUNT);
    return CLASS_NAMES[class];
}

enum download_class download_class_from_name(const char *name)
{
    unsigned number = 0;
    while (number < DOWNLOAD_CLASS_COUNT && strcmp(CLASS_NAMES[number], name) != 0) {
        number++;
    }
    return (enum download_class)number;
}

const struct download_shape *download_shape_of(const char *code)
{
    for (unsigned i = 0; i < SHAPE_COUNT; i++) {
        if (strcmp(SHAPES[i].code, code) == 0) {
            return &SHAPES[i];
        }
    }
    return NULL;
}

bool download_shape_takes(const struct download_shape *shape, const char *value)
{
    uint32_t length = (uint32_t)strnlen(value, DOWNLOAD_VALUE_SIZE);
    return shape->is_digits ? length == shape->length && digits_are_decimal(value, length)
                            : length > 0 && length <= shape->length;
}

struct download_table *download_table_create(uint32_t parameter_count_max, uint32_t item_count_max)
{
    struct download_table *table = calloc(1, sizeof(*table));
    if (table == NULL) {
        return NULL;
    }
    table->parameter_count_max = parameter_count_max;
    table->item_count_max = item_count_max;
    table->parameters = calloc((size_t)parameter_count_max + 1, sizeof(table->parameters[0]));
    table->items = calloc((size_t)item_count_max + 1, sizeof(table->items[0]));
    if (table->parameters == NULL || table->items == NULL) {
        download_table_destroy(table);
        return NULL;
    }
    return table;
}

void download_table_destroy(struct download_table *table)
{
    if (table != NULL) {
        free(table->parameters);
        free(table->items);
        free(table);
    }
}

enum status download_table_set_parameter(struct download_table *table,
                                         const struct download_parameter *parameter)
{
    REQUIRE(!table->is_frozen);
    const struct download_shape *shape = download_shape_of(parameter->code);
    if (shape == NULL || !download_shape_takes(shape, parameter->value)) {
        return STATUS_BAD_VALUE;
    }
    if (table->parameter_count == table->parameter_count_max) {
        return STATUS_NO_ROOM;
    }
    table->parameters[table->parameter_count++] = *parameter;
    return STATUS_OK;
}

enum status download_table_add(struct download_table *table, const struct download_item *item)
{
    REQUIRE(!table->is_frozen);
    REQUIRE(item->class != DOWNLOAD_PARAMETERS && item->class < DOWNLOAD_CLASS_COUNT);
    REQUIRE(item->name_length <= item->list_length && item->list_length <= item->bytes.length);
    if (table->item_count == table->item_count_max ||
        item->bytes.length > DOWNLOAD_ITEM_BYTES_MAX) {
        return STATUS_NO_ROOM;
    }
    struct item *to = &table->items[table->item_count++];
    to->line = item->line;
    to->class = (uint8_t)item->class;
    to->name_length = item->name_length;
    to->list_length = item->list_length;
    to->length = (uint16_t)item->bytes.length;
    memcpy(to->bytes, item->bytes.bytes, item->bytes.length);
    return STATUS_OK;
}

/* --- freezing ------------------------------------------------------------------------------ */

static int parameter_order(const void *left, const void *right)
{
    const struct download_parameter *a = left, *b = right;
    int order = strcmp(a->holder, b->holder);
    order = order != 0 ? order : strcmp(a->code, b->code);
    return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

/* Lines only order the items of one class, which come from one file. */
static int item_order(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    return a->class != b->class ? (int)a->class - (int)b->class
                                : (a->line > b->line) - (a->line < b->line);
}

static bool is_same_name(const struct item *left, const struct item *right)
{
    /* An item without a name of its own, a BIN, is named by all of it. */
    uint32_t length = left->name_length > 0 ? left->name_length : left->length;
    uint32_t other = right->name_length > 0 ? right->name_length : right->length;
    return length == other && memcmp(left->bytes, right->bytes, length) == 0;
}

static uint32_t hash_bytes(uint32_t hash, const void *bytes, uint32_t length)
{
    const uint8_t *byte = bytes;
    uint64_t mixed = name_hash_mix(((uint64_t)hash << 32) + length + 1);
    for (uint32_t i = 0; i < length; i++) {
        mixed = name_hash_mix(mixed ^ byte[i]) + 1;
    }
    return (uint32_t)(mixed >> 32) == 0 ? 1 : (uint32_t)(mixed >> 32);
}

static enum status freeze_class(struct download_table *table, enum download_class class,
                                struct download_fault *fault)
{
    uint32_t version = 0;
    for (uint32_t i = table->first[class]; i < table->first[class + 1]; i++) {
        const struct item *item = &table->items[i];
        for (uint32_t j = table->first[class]; j < i; j++) {
            if (is_same_name(&table->items[j], item)) {
                *fault = (struct download_fault){class, table->items[j].line, item->line};
                return STATUS_DUPLICATE;
            }
        }
        version = hash_bytes(version, item->bytes, item->length);
    }
    table->versions[class] = version;
    return STATUS_OK;
}

enum status download_table_freeze(struct download_table *table, struct download_fault *fault)
{
    REQUIRE(!table->is_frozen);
    qsort(table->parameters, table->parameter_count, sizeof(table->parameters[0]), parameter_order);
    qsort(table->items, table->item_count, sizeof(table->items[0]), item_order);
    for (uint32_t i = 1; i < table->parameter_count; i++) {
        const struct download_parameter *before = &table->parameters[i - 1];
        const struct download_parameter *row = &table->parameters[i];
        if (strcmp(before->holder, row->holder) == 0 && strcmp(before->code, row->code) == 0) {
            *fault = (struct download_fault){DOWNLOAD_PARAMETERS, before->line, row->line};
            return STATUS_DUPLICATE;
        }
    }
    uint32_t at = 0;
    for (unsigned number = 0; number < DOWNLOAD_CLASS_COUNT; number++) {
        table->first[number] = at;
        while (at < table->item_count && table->items[at].class == number) {
            at++;
        }
        table->first[number + 1] = at;
        enum status status = freeze_class(table, (enum download_class)number, fault);
        if (status != STATUS_OK) {
            return status;
        }
    }
    table->is_frozen = true;
    return STATUS_OK;
}

/* --- what terminals ask for ---------------------------------------------------------------- */

uint32_t download_table_version(const struct download_table *table, enum download_class class)
{
    REQUIRE(table->is_frozen && class < DOWNLOAD_CLASS_COUNT);
    return table->versions[class];
}

uint32_t download_table_count(const struct download_table *table, enum download_class class)
{
    REQUIRE(table->is_frozen && class < DOWNLOAD_CLASS_COUNT);
    return table->first[class + 1] - table->first[class];
}

uint32_t download_table_page(const struct download_table *table, enum download_class class,
                             uint32_t from, struct byte_writer *writer)
{
    uint32_t count = download_table_count(table, class), at = from;
    while (at < count) {
        const struct item *item = &table->items[table->first[class] + at];
        if (item->list_length > byte_writer_room(writer)) {
            break;
        }
        byte_writer_put(writer, item->bytes, item->list_length);
        at++;
    }
    return at < from ? 0 : at - from;
}

struct byte_view download_table_find(const struct download_table *table, enum download_class class,
                                     struct byte_view name)
{
    REQUIRE(table->is_frozen && class < DOWNLOAD_CLASS_COUNT);
    for (uint32_t i = table->first[class]; name.length > 0 && i < table->first[class + 1]; i++) {
        const struct item *item = &table->items[i];
        if (item->name_length == name.length && memcmp(item->bytes, name.bytes, name.length) == 0) {
            return (struct byte_view){item->bytes, item->length};
        }
    }
    return (struct byte_view){NULL, 0};
}

const struct download_parameter *download_table_parameter_at(const struct download_table *table,
                                                             uint32_t index)
{
    REQUIRE(table->is_frozen);
    return index < table->parameter_count ? &table->parameters[index] : NULL;
}

/* The first parameter of a holder; NULL: it has none. */
static const struct download_parameter *first_of(const struct download_table *table,
                                                 const char *holder)
{
    uint32_t low = 0, high = table->parameter_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strcmp(table->parameters[middle].holder, holder) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < table->parameter_count && strcmp(table->parameters[low].holder, holder) == 0
               ? &table->parameters[low]
               : NULL;
}

/* The holder's parameter of that code, and on to the next: both run through the codes upwards. */
static const struct download_parameter *take_code(const struct download_table *table,
                                                  const struct download_parameter **at,
                                                  const char *code)
{
    const struct download_parameter *end = table->parameters + table->parameter_count;
    const struct download_parameter *row = *at;
    if (row == NULL || row == end || strcmp(row->code, code) != 0) {
        return NULL;
    }
    *at = row + 1 < end && strcmp(row[1].holder, row->holder) == 0 ? row + 1 : NULL;
    return row;
}

uint32_t download_table_parameters(const struct download_table *table, const char *merchant_id,
                                   const char *terminal_id, struct byte_writer *writer)
{
    REQUIRE(table->is_frozen);
    REQUIRE(byte_writer_room(writer) >= DOWNLOAD_PARAMETER_BYTES_MAX);
    uint32_t begin = writer->position;
    const struct download_parameter *of_all = first_of(table, "");
    const struct download_parameter *of_merchant = first_of(table, merchant_id);
    const struct download_parameter *of_terminal = first_of(table, terminal_id);
    for (unsigned i = 0; i < SHAPE_COUNT; i++) {
        const char *code = SHAPES[i].code;
        const struct download_parameter *all = take_code(table, &of_all, code);
        const struct download_parameter *merchant = take_code(table, &of_merchant, code);
        const struct download_parameter *terminal = take_code(table, &of_terminal, code);
        const struct download_parameter *row = terminal != NULL   ? terminal
                                               : merchant != NULL ? merchant
                                                                  : all;
        if (row != NULL) {
            uint32_t length = (uint32_t)strlen(row->value);
            byte_writer_text(writer, code);
            byte_writer_put(writer, row->value, length);
            byte_writer_fill(writer, ' ', SHAPES[i].length - length);
        }
    }
    uint32_t written = writer->position - begin;
    return written == 0 ? 0 : hash_bytes(0, writer->bytes + begin, written);
}
