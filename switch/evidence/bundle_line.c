/* See bundle_line.h. */
#define _DEFAULT_SOURCE /* htobe64 */
#include "switch/evidence/bundle_line.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "switch/desk/case_row.h"

#define TEXT_BYTES_MAX 65535 /* as the hash counts it */

/* --- made ----------------------------------------------------------------------------------- */

static void set_hash(json_t *to, const char *name, const uint8_t hash[BUNDLE_HASH_BYTES])
{
    char hex[BUNDLE_HEX_SIZE];
    bundle_hex(hex, hash, BUNDLE_HASH_BYTES);
    json_object_set_new(to, name, json_string(hex));
}

static json_t *text_json(const char *text, uint32_t length)
{
    json_t *value = json_stringn(text, length);
    if (value != NULL) {
        return value;
    }
    char *hex = malloc(2 * (size_t)length + 1);
    if (hex == NULL) {
        return NULL;
    }
    bundle_hex(hex, (const uint8_t *)text, length);
    value = json_pack("{s:s}", "hex", hex);
    free(hex);
    return value;
}

static json_t *row_columns(const struct cell_table *table, const void *row)
{
    json_t *columns = json_object();
    for (uint32_t i = 0; i < table->column_count; i++) {
        char text[CELL_TEXT_SIZE];
        cell_text(&table->columns[i], row, text);
        json_object_set_new(columns, table->columns[i].name,
                            text_json(text, (uint32_t)strlen(text)));
    }
    return columns;
}

static void add_lists(json_t *line, const struct case_entry *entry)
{
    for (uint32_t i = 0; i < CASE_ROW_LIST_COUNT; i++) {
        const struct case_row_list *list = &CASE_ROW_LISTS[i];
        uint32_t count = case_row_count(list, entry);
        json_t *rows = json_array();
        for (uint32_t k = 0; k < count; k++) {
            json_array_append_new(rows, row_columns(list->table, case_row_of(list, entry, k)));
        }
        if (count > 0) {
            json_object_set(line, list->member, rows);
        }
        json_decref(rows);
    }
}

json_t *bundle_event_line(const struct case_entry *entry, uint8_t chain[BUNDLE_HASH_BYTES])
{
    json_t *columns = row_columns(&CASE_ROW_ENTRY, entry);
    if (case_row_hash(entry, chain) != STATUS_OK) {
        json_decref(columns);
        return NULL;
    }
    json_t *line = json_pack("{s:I, s:o}", "number", (json_int_t)entry->number, "columns", columns);
    add_lists(line, entry);
    set_hash(line, "hash", chain);
    return line;
}

static void add_number(void *argument, const char *column, int64_t value)
{
    json_object_set_new(argument, column, json_integer(value));
}

static void add_text(void *argument, const char *column, const char *text, uint32_t length)
{
    json_object_set_new(argument, column, text_json(text, length));
}

json_t *bundle_row_line(const struct record *record, const struct bundle_row *hashes)
{
    json_t *columns = json_object();
    json_t *line = json_object();
    const struct log_column_sink sink = {add_number, add_text, columns};
    log_open_columns(record, &sink);
    set_hash(line, "previous_hash", hashes->previous.bytes);
    json_object_set_new(line, "columns", columns);
    set_hash(line, "secrets", hashes->secrets.bytes);
    set_hash(line, "hash", hashes->hash.bytes);
    return line;
}

static json_t *column_names(const struct cell_table *table)
{
    json_t *names = json_array();
    for (uint32_t i = 0; i < table->column_count; i++) {
        json_array_append_new(names, json_string(table->columns[i].name));
    }
    return names;
}

json_t *bundle_event_columns(void)
{
    return column_names(&CASE_ROW_ENTRY);
}

static void add_number_name(void *argument, const char *column, int64_t value)
{
    (void)value;
    json_array_append_new(argument, json_string(column));
}

static void add_text_name(void *argument, const char *column, const char *text, uint32_t length)
{
    (void)text;
    (void)length;
    json_array_append_new(argument, json_string(column));
}

json_t *bundle_row_columns(void)
{
    json_t *names = json_array();
    const struct record none = {.position = 0};
    const struct log_column_sink sink = {add_number_name, add_text_name, names};
    log_open_columns(&none, &sink);
    return names;
}

/* --- checked -------------------------------------------------------------------------------- */

/* SHA-256 in pieces; a failure is kept to the end. */
struct digest {
    EVP_MD_CTX *hashing;
    bool is_good;
};

static struct digest digest_begin(const uint8_t previous[BUNDLE_HASH_BYTES])
{
    struct digest digest = {.hashing = EVP_MD_CTX_new()};
    digest.is_good = digest.hashing != NULL &&
                     EVP_DigestInit_ex(digest.hashing, EVP_sha256(), NULL) == 1 &&
                     EVP_DigestUpdate(digest.hashing, previous, BUNDLE_HASH_BYTES) == 1;
    return digest;
}

static void digest_add(struct digest *digest, const void *bytes, size_t length)
{
    digest->is_good = digest->is_good && EVP_DigestUpdate(digest->hashing, bytes, length) == 1;
}

static void digest_number(struct digest *digest, uint64_t value)
{
    uint64_t big_endian = htobe64(value);
    digest_add(digest, &big_endian, sizeof(big_endian));
}

static bool digest_end(struct digest *digest, uint8_t hash[BUNDLE_HASH_BYTES])
{
    bool is_good = digest->is_good && EVP_DigestFinal_ex(digest->hashing, hash, NULL) == 1;
    EVP_MD_CTX_free(digest->hashing);
    return is_good;
}

static bool digest_text(struct digest *digest, const void *bytes, size_t length)
{
    uint16_t counted = htobe16((uint16_t)length);
    if (length > TEXT_BYTES_MAX) {
        return false;
    }
    digest_add(digest, &counted, sizeof(counted));
    digest_add(digest, bytes, length);
    return true;
}

static bool digest_hex(struct digest *digest, const json_t *value)
{
    const json_t *hex = json_object_get(value, "hex");
    size_t length = json_string_length(hex) / 2;
    uint8_t *bytes = json_object_size(value) == 1 && length > 0 ? malloc(length) : NULL;
    bool is_good = bytes != NULL &&
                   bundle_hex_read(json_string_value(hex), bytes, (uint32_t)length) &&
                   digest_text(digest, bytes, length);
    free(bytes);
    return is_good;
}

static bool digest_value(struct digest *digest, const json_t *value)
{
    if (json_is_integer(value)) {
        digest_number(digest, (uint64_t)json_integer_value(value));
        return true;
    }
    return json_is_string(value)
               ? digest_text(digest, json_string_value(value), json_string_length(value))
               : digest_hex(digest, value);
}

/* Every column under the name that must stand there. */
static bool digest_columns(struct digest *digest, json_t *columns, const json_t *names, char *fault)
{
    const char *name;
    json_t *value;
    size_t at = 0;
    json_object_foreach(columns, name, value)
    {
        const char *wanted = json_string_value(json_array_get(names, at));
        if (wanted == NULL || strcmp(name, wanted) != 0) {
            snprintf(fault, BUNDLE_FAULT_SIZE, "column %zu: expected \"%.40s\", found \"%.40s\"",
                     at + 1, wanted != NULL ? wanted : "no more", name);
            return false;
        }
        if (!digest_value(digest, value)) {
            snprintf(fault, BUNDLE_FAULT_SIZE,
                     "column \"%.40s\": expected a number, a text, or {\"hex\": …}", name);
            return false;
        }
        at++;
    }
    if (at != json_array_size(names)) {
        snprintf(fault, BUNDLE_FAULT_SIZE, "expected %zu columns, found %zu",
                 json_array_size(names), at);
        return false;
    }
    return true;
}

/* Parts and photos, each behind the name of its table; an event without any has no such member. */
static bool digest_list(struct digest *digest, const json_t *line, const struct case_row_list *list,
                        char *fault)
{
    json_t *rows = json_object_get(line, list->member);
    json_t *names = column_names(list->table);
    size_t index;
    json_t *row;
    bool is_good = rows == NULL || json_array_size(rows) > 0;
    if (!is_good) {
        snprintf(fault, BUNDLE_FAULT_SIZE, "\"%s\": expected a list of some", list->member);
    }
    json_array_foreach(rows, index, row)
    {
        is_good = is_good && digest_text(digest, list->table->name, strlen(list->table->name)) &&
                  digest_columns(digest, row, names, fault);
    }
    json_decref(names);
    return is_good;
}

static bool digest_lists(struct digest *digest, const json_t *line, char *fault)
{
    bool is_good = true;
    for (uint32_t i = 0; i < CASE_ROW_LIST_COUNT && is_good; i++) {
        is_good = digest_list(digest, line, &CASE_ROW_LISTS[i], fault);
    }
    return is_good;
}

static bool take_hash(const json_t *line, const char *name, uint8_t hash[BUNDLE_HASH_BYTES],
                      char *fault)
{
    if (bundle_hex_read(json_string_value(json_object_get(line, name)), hash, BUNDLE_HASH_BYTES)) {
        return true;
    }
    snprintf(fault, BUNDLE_FAULT_SIZE, "\"%s\": expected 64 hex digits in lower case", name);
    return false;
}

/* How many of these members an event has. */
static size_t list_members(const json_t *line)
{
    size_t count = 0;
    for (uint32_t i = 0; i < CASE_ROW_LIST_COUNT; i++) {
        count += json_object_get(line, CASE_ROW_LISTS[i].member) != NULL;
    }
    return count;
}

static json_t *load(const char *line, size_t length, bool is_event, char *fault)
{
    const size_t member_count = is_event ? 3 : 4;
    json_error_t where;
    json_t *json = json_loadb(line, length, JSON_REJECT_DUPLICATES, &where);
    if (json == NULL) {
        snprintf(fault, BUNDLE_FAULT_SIZE, "byte %d of the line: no JSON: %.160s", where.position,
                 where.text);
        return NULL;
    }
    size_t wanted = member_count + (is_event ? list_members(json) : 0);
    if (!json_is_object(json) || json_object_size(json) != wanted) {
        snprintf(fault, BUNDLE_FAULT_SIZE, "expected an object of %zu members", member_count);
        json_decref(json);
        return NULL;
    }
    return json;
}

static bool hash_is(const uint8_t found[BUNDLE_HASH_BYTES], const uint8_t said[BUNDLE_HASH_BYTES],
                    char *fault)
{
    char hex[2][BUNDLE_HEX_SIZE];
    if (memcmp(found, said, BUNDLE_HASH_BYTES) == 0) {
        return true;
    }
    bundle_hex(hex[0], said, BUNDLE_HASH_BYTES);
    bundle_hex(hex[1], found, BUNDLE_HASH_BYTES);
    snprintf(fault, BUNDLE_FAULT_SIZE,
             "what it says was changed, or its hash: expected %s, found %s", hex[0], hex[1]);
    return false;
}

static bool check_event(struct bundle_event_chain *chain, const json_t *line, char *fault)
{
    uint8_t said[BUNDLE_HASH_BYTES];
    uint8_t found[BUNDLE_HASH_BYTES];
    const json_t *number = json_object_get(line, "number");
    if (!json_is_integer(number) || json_integer_value(number) != (json_int_t)chain->count + 1) {
        snprintf(fault, BUNDLE_FAULT_SIZE, "\"number\": expected %u", chain->count + 1);
        return false;
    }
    if (!take_hash(line, "hash", said, fault)) {
        return false;
    }
    struct digest digest = digest_begin(chain->hash);
    digest_number(&digest, chain->case_id);
    digest_number(&digest, chain->count + UINT64_C(1));
    bool is_good =
        digest_columns(&digest, json_object_get(line, "columns"), chain->columns, fault) &&
        digest_lists(&digest, line, fault);
    if (!digest_end(&digest, found) && is_good) {
        snprintf(fault, BUNDLE_FAULT_SIZE, "OpenSSL refused SHA-256");
        return false;
    }
    if (!is_good || !hash_is(found, said, fault)) {
        return false;
    }
    memcpy(chain->hash, found, sizeof(found));
    chain->count++;
    return true;
}

bool bundle_event_check(struct bundle_event_chain *chain, const char *line, size_t length,
                        char *fault)
{
    json_t *json = load(line, length, true, fault);
    bool is_good = json != NULL && check_event(chain, json, fault);
    json_decref(json);
    return is_good;
}

/* The row against the row before it. */
static bool check_order(const struct bundle_row_chain *chain, int64_t position,
                        const struct bundle_row *row, char *fault)
{
    if (position <= 0 || (uint64_t)position <= chain->position) {
        snprintf(fault, BUNDLE_FAULT_SIZE, "position %lld: expected one above %llu",
                 (long long)position, (unsigned long long)chain->position);
        return false;
    }
    if (chain->count > 0 && (uint64_t)position == chain->position + 1 &&
        memcmp(row->previous.bytes, chain->row.hash.bytes, LOG_HASH_BYTES) != 0) {
        snprintf(fault, BUNDLE_FAULT_SIZE,
                 "position %lld: \"previous_hash\" is not the hash of the row before it",
                 (long long)position);
        return false;
    }
    return true;
}

static bool check_row(struct bundle_row_chain *chain, const json_t *line, char *fault)
{
    struct bundle_row row = {0};
    struct log_hash found;
    json_t *columns = json_object_get(line, "columns");
    int64_t position = json_integer_value(json_object_get(columns, "position"));
    if (!take_hash(line, "previous_hash", row.previous.bytes, fault) ||
        !take_hash(line, "secrets", row.secrets.bytes, fault) ||
        !take_hash(line, "hash", row.hash.bytes, fault)) {
        return false;
    }
    struct digest digest = digest_begin(row.previous.bytes);
    bool is_good = digest_columns(&digest, columns, chain->columns, fault);
    digest_add(&digest, row.secrets.bytes, LOG_HASH_BYTES);
    if (!digest_end(&digest, found.bytes) && is_good) {
        snprintf(fault, BUNDLE_FAULT_SIZE, "OpenSSL refused SHA-256");
        return false;
    }
    if (!is_good || !hash_is(found.bytes, row.hash.bytes, fault) ||
        !check_order(chain, position, &row, fault)) {
        return false;
    }
    chain->position = (uint64_t)position;
    chain->row = row;
    chain->count++;
    return true;
}

bool bundle_row_check(struct bundle_row_chain *chain, const char *line, size_t length, char *fault)
{
    json_t *json = load(line, length, false, fault);
    bool is_good = json != NULL && check_row(chain, json, fault);
    json_decref(json);
    return is_good;
}
