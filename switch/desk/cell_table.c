/* See cell_table.h. */
#include "switch/desk/cell_table.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/pan_text.h"
#include "protocols/base/require.h"
#include "routing/civil_date.h"

/* --- numbers in memory ---------------------------------------------------------------------- */

static const void *cell_at(const struct cell_column *column, const void *row)
{
    return (const uint8_t *)row + column->offset;
}

static int64_t number_load(const struct cell_column *column, const void *row)
{
    const void *at = cell_at(column, row);
    uint64_t raw = 0;
    REQUIRE(column->size <= sizeof(raw));
    memcpy(&raw, at, column->size); /* little endian, as the machines served are */
    uint32_t unused = 64 - 8 * column->size;
    return column->is_signed ? (int64_t)(raw << unused) >> unused : (int64_t)raw;
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "number_load() copies the low bytes");

static void number_store(const struct cell_column *column, void *row, int64_t value)
{
    REQUIRE(column->size <= sizeof(value));
    memcpy((uint8_t *)row + column->offset, &value, column->size);
}

/* --- to text -------------------------------------------------------------------------------- */

static void day_text(int64_t day, char *text)
{
    struct civil_date date = civil_date_of((int32_t)day);
    snprintf(text, CELL_TEXT_SIZE, "%04d-%02u-%02u", (int)date.year, date.month, date.day);
}

static void append(char *text, const char *separator, const char *piece)
{
    size_t length = strlen(text);
    int added = snprintf(text + length, CELL_TEXT_SIZE - length, "%s%s",
                         length > 0 ? separator : "", piece);
    REQUIRE(added >= 0 && length + (size_t)added < CELL_TEXT_SIZE);
}

static void bits_text(const struct cell_words *words, int64_t bits, char *text)
{
    for (uint32_t i = 0; i < words->count; i++) {
        if (((uint64_t)bits >> i & 1) != 0) {
            append(text, " ", words->word(i));
        }
    }
}

static void list_text(const struct cell_column *column, const void *row, char *text)
{
    const char *item = cell_at(column, row);
    for (uint32_t i = 0; i < column->size / CELL_LIST_ITEM_SIZE && item[0] != '\0'; i++) {
        append(text, ";", item);
        item += CELL_LIST_ITEM_SIZE;
    }
}

void cell_text(const struct cell_column *column, const void *row, char *text)
{
    text[0] = '\0';
    if (column->type == CELL_TEXT) {
        snprintf(text, CELL_TEXT_SIZE, "%.*s", (int)column->size - 1,
                 (const char *)cell_at(column, row));
        return;
    }
    if (column->type == CELL_LIST) {
        list_text(column, row, text);
        return;
    }
    int64_t value = number_load(column, row);
    if (column->type == CELL_NUMBER) {
        snprintf(text, CELL_TEXT_SIZE, "%lld", (long long)value);
    } else if (column->type == CELL_FLAG) {
        append(text, "", value != 0 ? "yes" : "no");
    } else if (column->type == CELL_MINUTE) {
        snprintf(text, CELL_TEXT_SIZE, "%02d:%02d", (int)(value / 60), (int)(value % 60));
    } else if (column->type == CELL_BITS) {
        bits_text(column->words, value, text);
    } else if (column->type == CELL_WORD) {
        append(text, "", column->words->word((uint32_t)value));
    } else if (value != 0) {
        day_text(value, text);
    }
}

/* --- from text ------------------------------------------------------------------------------ */

static bool refuse(char *fault, const struct cell_column *column, const char *expected,
                   const char *text)
{
    char shown[CELL_TEXT_SIZE]; /* a fault goes to those who look at the import, too */
    snprintf(shown, sizeof(shown), "%s", text);
    pan_text_mask(shown);
    snprintf(fault, CELL_FAULT_SIZE, "column \"%s\": expected %s, got \"%.60s\"", column->name,
             expected, shown);
    return false;
}

/* Bytes that begin a character say how many follow; bytes below a blank are no text. */
static bool is_utf8_text(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != 0;) {
        uint32_t more = *at < 0x80 ? 0 : *at < 0xC2 ? 4 : *at < 0xE0 ? 1 : *at < 0xF0 ? 2 : 3;
        if (more > 3 || *at < 0x20 || *at == 0x7F || *at > 0xF4) {
            return false;
        }
        for (at++; more > 0; more--, at++) {
            if ((*at & 0xC0) != 0x80) {
                return false;
            }
        }
    }
    return true;
}

static bool text_parse(const struct cell_column *column, const char *text, void *row, char *fault)
{
    char expected[80];
    size_t length = strlen(text);
    snprintf(expected, sizeof(expected), "%s%u %s",
             (column->flags & CELL_FULL) != 0 ? "" : "up to ", column->size - 1,
             (column->flags & CELL_DIGITS) != 0 ? "digits"
             : (column->flags & CELL_HEX) != 0  ? "lower-case hexadecimal digits"
                                                : "bytes of UTF-8 text without control characters");
    bool is_long = (column->flags & CELL_FULL) != 0 ? length != column->size - 1 && length > 0
                                                    : length >= column->size;
    bool is_other = (column->flags & CELL_DIGITS) != 0 ? !digits_are_decimal(text, (uint32_t)length)
                    : (column->flags & CELL_HEX) != 0  ? strspn(text, "0123456789abcdef") != length
                                                       : !is_utf8_text(text);
    if (is_long || is_other) {
        return refuse(fault, column, expected, text);
    }
    memset((uint8_t *)row + column->offset, 0, column->size);
    memcpy((uint8_t *)row + column->offset, text, length);
    if ((column->flags & CELL_FREE) != 0) {
        pan_text_mask((char *)row + column->offset);
    }
    return true;
}

static bool number_parse(const struct cell_column *column, const char *text, void *row, char *fault)
{
    char expected[80];
    snprintf(expected, sizeof(expected), "a number from %lld to %lld", (long long)column->min,
             (long long)column->max);
    bool is_minus = text[0] == '-';
    uint64_t size = 0;
    size_t length = strlen(text);
    if (length > 0 && digits_parse(&size, text + is_minus, (uint32_t)length - is_minus,
                                   (struct number_range){0, INT64_MAX}) != STATUS_OK) {
        return refuse(fault, column, expected, text);
    }
    int64_t value = is_minus ? -(int64_t)size : (int64_t)size;
    if (value < column->min || value > column->max) {
        return refuse(fault, column, expected, text);
    }
    number_store(column, row, value);
    return true;
}

static bool minute_parse(const struct cell_column *column, const char *text, void *row, char *fault)
{
    uint64_t hour = 0;
    uint64_t minute = 0;
    bool is_good = strlen(text) == 5 && text[2] == ':' &&
                   digits_parse(&hour, text, 2, (struct number_range){0, 24}) == STATUS_OK &&
                   digits_parse(&minute, text + 3, 2, (struct number_range){0, 59}) == STATUS_OK &&
                   hour * 60 + minute <= 24 * 60;
    if (!is_good && text[0] != '\0') {
        return refuse(fault, column, "a time of day as 09:30, to 24:00", text);
    }
    number_store(column, row, (int64_t)(hour * 60 + minute));
    return true;
}

/* Index of the word of `length` bytes; the count: none. */
static uint32_t word_find(const struct cell_words *words, const char *text, size_t length)
{
    uint32_t i = 0;
    while (i < words->count &&
           (strlen(words->word(i)) != length || memcmp(words->word(i), text, length) != 0)) {
        i++;
    }
    return i;
}

/* "one of whole, screen" as far as there is room. */
static bool refuse_word(const struct cell_column *column, const char *text, char *fault)
{
    char expected[160] = "one of";
    size_t length = strlen(expected);
    for (uint32_t i = 0; i < column->words->count; i++) {
        const char *word = column->words->word(i);
        if (length + strlen(word) + 7 > sizeof(expected)) {
            snprintf(expected + length, sizeof(expected) - length, ", ...");
            break;
        }
        length += (size_t)snprintf(expected + length, sizeof(expected) - length, "%s%s",
                                   i == 0 ? " " : ", ", word);
    }
    return refuse(fault, column, expected, text);
}

static bool word_parse(const struct cell_column *column, const char *text, void *row, char *fault)
{
    uint32_t value = word_find(column->words, text, strlen(text));
    if (value == column->words->count) {
        return refuse_word(column, text, fault);
    }
    number_store(column, row, value);
    return true;
}

static bool bits_parse(const struct cell_column *column, const char *text, void *row, char *fault)
{
    int64_t bits = 0;
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, " ");
        uint32_t value = word_find(column->words, at, length);
        if (length > 0 && value == column->words->count) {
            return refuse_word(column, at, fault);
        }
        bits |= length > 0 ? INT64_C(1) << value : 0;
        at += length + (at[length] == ' ');
    }
    number_store(column, row, bits);
    return true;
}

static bool list_parse(const struct cell_column *column, const char *text, void *row, char *fault)
{
    char items[CELL_TEXT_SIZE] = {0};
    REQUIRE(column->size <= sizeof(items));
    uint32_t count = 0;
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, ";");
        if (length == 0 || length >= CELL_LIST_ITEM_SIZE || !is_utf8_text(text) ||
            count == column->size / CELL_LIST_ITEM_SIZE) {
            return refuse(fault, column, "up to 8 names of up to 15 bytes with a semicolon between",
                          text);
        }
        memcpy(items + (size_t)CELL_LIST_ITEM_SIZE * count++, at, length);
        at += length + (at[length] == ';');
    }
    memcpy((uint8_t *)row + column->offset, items, column->size);
    return true;
}

static bool flag_parse(const struct cell_column *column, const char *text, void *row, char *fault)
{
    bool is_yes = strcmp(text, "yes") == 0;
    if (!is_yes && text[0] != '\0' && strcmp(text, "no") != 0) {
        return refuse(fault, column, "yes or no", text);
    }
    number_store(column, row, is_yes);
    return true;
}

static bool day_parse(const struct cell_column *column, const char *text, void *row, char *fault)
{
    int64_t day = 0;
    if (text[0] != '\0' && (!civil_date_parse(&day, text) || day == 0)) {
        return refuse(fault, column, "a day as 2026-01-31, or nothing", text);
    }
    number_store(column, row, day);
    return true;
}

bool cell_parse(const struct cell_column *column, const char *text, void *row, char *fault)
{
    static bool (*const parsers[])(const struct cell_column *, const char *, void *, char *) = {
        [CELL_TEXT] = text_parse, [CELL_NUMBER] = number_parse, [CELL_FLAG] = flag_parse,
        [CELL_DAY] = day_parse,   [CELL_MINUTE] = minute_parse, [CELL_WORD] = word_parse,
        [CELL_BITS] = bits_parse, [CELL_LIST] = list_parse};
    if (text[0] == '\0' && (column->flags & CELL_NEEDED) != 0) {
        snprintf(fault, CELL_FAULT_SIZE, "column \"%s\": expected %s, got nothing", column->name,
                 column->sentence);
        return false;
    }
    return parsers[column->type](column, text, row, fault);
}

bool cell_check(const struct cell_table *table, const void *row, char *fault)
{
    uint8_t copy[CELL_ROW_SIZE];
    REQUIRE(table->row_size <= sizeof(copy));
    memcpy(copy, row, table->row_size);
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct cell_column *column = &table->columns[i];
        char text[CELL_TEXT_SIZE];
        REQUIRE(column->type != CELL_WORD || number_load(column, row) < column->words->count);
        cell_text(column, row, text);
        if (!cell_parse(column, text, copy, fault)) {
            return false;
        }
    }
    return true;
}

void cell_key_text(const struct cell_table *table, const void *row, char *text)
{
    uint32_t length = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < table->column_count && length < CELL_KEY_SIZE; i++) {
        char cell[CELL_TEXT_SIZE];
        if ((table->columns[i].flags & CELL_KEY) != 0) {
            cell_text(&table->columns[i], row, cell);
            length += (uint32_t)snprintf(text + length, CELL_KEY_SIZE - length, "%s%s",
                                         length > 0 ? " | " : "", cell);
        }
    }
}

/* --- SQL ------------------------------------------------------------------------------------ */

void cell_sql_add(struct cell_sql *sql, const char *piece)
{
    size_t length = strlen(piece);
    REQUIRE(sql->length + length < sizeof(sql->text));
    memcpy(sql->text + sql->length, piece, length + 1);
    sql->length += (uint32_t)length;
}

/* Each column that has all of `flags`: `separator`, name, `behind`. */
static void add_each(struct cell_sql *sql, const struct cell_table *table, uint32_t flags,
                     const char *const words[2])
{
    const char *between = "";
    for (uint32_t i = 0; i < table->column_count; i++) {
        if ((table->columns[i].flags & flags) == flags) {
            cell_sql_add(sql, between);
            cell_sql_add(sql, table->columns[i].name);
            cell_sql_add(sql, words[1]);
            between = words[0];
        }
    }
}

void cell_sql_schema(struct cell_sql *sql, const struct cell_table *table)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        cell_sql_add(sql, i > 0 ? ", " : "");
        cell_sql_add(sql, table->columns[i].name);
        cell_sql_add(sql, table->columns[i].type == CELL_NUMBER ? " INTEGER NOT NULL"
                                                                : " TEXT NOT NULL");
    }
}

void cell_sql_names(struct cell_sql *sql, const struct cell_table *table, uint32_t flags)
{
    add_each(sql, table, flags, (const char *const[]){", ", ""});
}

void cell_sql_places(struct cell_sql *sql, const struct cell_table *table)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        cell_sql_add(sql, i > 0 ? ", ?" : "?");
    }
}

void cell_sql_key(struct cell_sql *sql, const struct cell_table *table)
{
    add_each(sql, table, CELL_KEY, (const char *const[]){" AND ", " = ?"});
}

void cell_sql_values(struct cell_sql *sql, const struct cell_table *table)
{
    add_each(sql, table, CELL_PLAIN, (const char *const[]){", ", " = ?"});
}

int cell_bind(sqlite3_stmt *statement, int at, const struct cell_table *table, const void *row,
              uint32_t flags)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct cell_column *column = &table->columns[i];
        char text[CELL_TEXT_SIZE];
        if ((column->flags & flags) != flags) {
            continue;
        }
        cell_text(column, row, text);
        int failed = column->type == CELL_NUMBER
                         ? sqlite3_bind_int64(statement, at, number_load(column, row))
                         : sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
        if (failed != SQLITE_OK) {
            return 0;
        }
        at++;
    }
    return at;
}

bool cell_read(sqlite3_stmt *statement, int at, const struct cell_table *table, void *row,
               char *fault)
{
    memset(row, 0, table->row_size);
    for (uint32_t i = 0; i < table->column_count; i++) {
        const char *text = (const char *)sqlite3_column_text(statement, at + (int)i);
        /* What stands in the file was checked when it came in; only its form must hold here, and
         * what was written is shown as it is hashed. */
        struct cell_column column = table->columns[i];
        column.flags &= ~(CELL_NEEDED | CELL_FREE);
        if (!cell_parse(&column, text != NULL ? text : "", row, fault)) {
            return false;
        }
    }
    return true;
}
