/* Lines of events and rows: worked out again from what they say, refused with anything changed. */
#include <stdlib.h>
#include <string.h>

#include "switch/desk/case_row.h"
#include "switch/evidence/bundle_line.h"
#include "tests/unit/unit_test.h"

static struct case_entry some_entry(void)
{
    return (struct case_entry){.case_id = 7,
                               .number = 1,
                               .event = {.kind = CASE_EVENT_OPEN,
                                         .role = CASE_ROLE_STAFF,
                                         .wall_us = 5,
                                         .actor = "ann",
                                         .reason = "商户来电"}};
}

/* The text of the line of an event; the caller's. */
static char *event_text(json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT);
    assert_non_null(text);
    return text;
}

static bool event_fits(const char *text, char fault[BUNDLE_FAULT_SIZE])
{
    json_t *columns = bundle_event_columns();
    struct bundle_event_chain chain = {.columns = columns, .case_id = 7};
    bool is_good = bundle_event_check(&chain, text, strlen(text), fault);
    assert_int_equal(chain.count, is_good ? 1 : 0);
    json_decref(columns);
    return is_good;
}

static void test_every_column_of_an_event_is_bound_by_its_hash(void **state)
{
    (void)state;
    const struct case_entry entry = some_entry();
    char fault[BUNDLE_FAULT_SIZE] = "";
    for (uint32_t i = 0; i <= CASE_ROW_ENTRY.column_count; i++) {
        uint8_t chain[BUNDLE_HASH_BYTES] = {0};
        json_t *line = bundle_event_line(&entry, chain);
        if (i < CASE_ROW_ENTRY.column_count) {
            json_object_set_new(json_object_get(line, "columns"), CASE_ROW_ENTRY.columns[i].name,
                                json_string("7x"));
        }
        char *text = event_text(line);
        assert_int_equal(event_fits(text, fault), i == CASE_ROW_ENTRY.column_count);
        free(text);
        json_decref(line);
    }
    assert_non_null(strstr(fault, "was changed"));
}

#define SHA "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct case_entry some_repair(void)
{
    struct case_entry entry = some_entry();
    entry.event.part_count = 2;
    entry.event.parts[0] = (struct case_part){.part = PART_PRINTER, .quantity = 2};
    entry.event.parts[1] = (struct case_part){.part = PART_BATTERY, .quantity = 1};
    entry.event.photo_count = 1;
    entry.event.photos[0] = (struct case_photo){SHA};
    return entry;
}

/* What is changed of a line by `alter`, or nothing. */
static bool repair_fits(void (*alter)(json_t *line), char fault[BUNDLE_FAULT_SIZE])
{
    const struct case_entry entry = some_repair();
    uint8_t chain[BUNDLE_HASH_BYTES] = {0};
    json_t *line = bundle_event_line(&entry, chain);
    if (alter != NULL) {
        alter(line);
    }
    char *text = event_text(line);
    bool is_good = event_fits(text, fault);
    free(text);
    json_decref(line);
    return is_good;
}

static void other_quantity(json_t *line)
{
    json_object_set_new(json_array_get(json_object_get(line, "parts"), 0), "quantity",
                        json_string("1"));
}

static void other_order(json_t *line)
{
    json_t *parts = json_object_get(line, "parts");
    json_array_append(parts, json_array_get(parts, 0));
    json_array_remove(parts, 0);
}

static void no_photo(json_t *line)
{
    json_object_del(line, "photos");
}

static void empty_photos(json_t *line)
{
    json_array_clear(json_object_get(line, "photos"));
}

static void part_as_text(json_t *line)
{
    json_array_set_new(json_object_get(line, "parts"), 0, json_string("printer"));
}

static void photo_as_part(json_t *line)
{
    json_array_append(json_object_get(line, "parts"),
                      json_array_get(json_object_get(line, "photos"), 0));
    json_object_del(line, "photos");
}

static void test_every_part_and_photo_is_bound_by_the_hash_of_its_event(void **state)
{
    (void)state;
    static const struct {
        void (*alter)(json_t *line);
        const char *told;
    } ALTERED[] = {{other_quantity, "was changed"},
                   {other_order, "was changed"},
                   {no_photo, "was changed"},
                   {empty_photos, "\"photos\": expected a list of some"},
                   {part_as_text, "expected 6 columns, found 0"},
                   {photo_as_part, "expected \"part\", found \"sha256\""}};
    char fault[BUNDLE_FAULT_SIZE] = "";
    assert_true(repair_fits(NULL, fault));
    for (size_t i = 0; i < COUNT_OF(ALTERED); i++) {
        assert_false(repair_fits(ALTERED[i].alter, fault));
        if (strstr(fault, ALTERED[i].told) == NULL) {
            fail_msg("%zu says: %s", i, fault);
        }
    }
}

static void test_an_event_is_told_what_is_wrong_with_it(void **state)
{
    (void)state;
    static const struct {
        const char *line, *told;
    } CASES[] = {{"", "no JSON"},
                 {"{", "no JSON"},
                 {"[]", "expected an object of 3 members"},
                 {"{\"number\":1,\"number\":1,\"hash\":\"\"}", "duplicate"},
                 {"{\"number\":2,\"columns\":{},\"hash\":\"\"}", "\"number\": expected 1"},
                 {"{\"number\":1,\"columns\":{},\"hash\":\"00\"}", "64 hex digits"},
                 {"{\"number\":1,\"columns\":{\"wall_us\":1.5},\"hash\":"
                  "\"0000000000000000000000000000000000000000000000000000000000000000\"}",
                  "expected a number, a text"},
                 {"{\"number\":1,\"columns\":{\"wall_us\":{\"hex\":\"0\"}},\"hash\":"
                  "\"0000000000000000000000000000000000000000000000000000000000000000\"}",
                  "expected a number, a text"},
                 {"{\"number\":1,\"columns\":{\"when\":1},\"hash\":"
                  "\"0000000000000000000000000000000000000000000000000000000000000000\"}",
                  "column 1: expected \"wall_us\", found \"when\""},
                 {"{\"number\":1,\"columns\":null,\"hash\":"
                  "\"0000000000000000000000000000000000000000000000000000000000000000\"}",
                  "columns, found 0"}};
    for (uint32_t i = 0; i < COUNT_OF(CASES); i++) {
        char fault[BUNDLE_FAULT_SIZE] = "";
        assert_false(event_fits(CASES[i].line, fault));
        if (strstr(fault, CASES[i].told) == NULL) {
            fail_msg("%s: expected %s, told: %s", CASES[i].line, CASES[i].told, fault);
        }
    }
}

/* --- rows ----------------------------------------------------------------------------------- */

static struct record some_record(uint64_t position)
{
    struct record record = {.position = position,
                            .kind = RECORD_INTENT,
                            .payment_kind = PAYMENT_PURCHASE,
                            .terminal_id = "1000\xff\x01",
                            .amount = {100, 156},
                            .pan_masked = "622500******0014",
                            .expiry = "3012",
                            .payload_length = 2,
                            .payload = {0xAB, 0xCD}};
    memset(record.pan_hash.bytes, 0xEE, sizeof(record.pan_hash.bytes));
    return record;
}

/* The line of a row behind `previous`, whose hash it becomes. */
static json_t *row_line(const struct record *record, struct log_hash *previous)
{
    struct log_hasher hasher;
    struct bundle_row row = {.previous = *previous};
    assert_int_equal(log_hasher_open(&hasher), STATUS_OK);
    assert_int_equal(log_hash_secrets(&hasher, previous, record, &row.secrets), STATUS_OK);
    assert_int_equal(log_hash_record(&hasher, previous, record), STATUS_OK);
    row.hash = *previous;
    log_hasher_close(&hasher);
    return bundle_row_line(record, &row);
}

static bool row_fits(struct bundle_row_chain *chain, json_t *line, char *fault)
{
    char *text = json_dumps(line, JSON_COMPACT);
    json_t *columns = bundle_row_columns();
    chain->columns = columns;
    bool is_good = bundle_row_check(chain, text, strlen(text), fault);
    json_decref(columns);
    json_decref(line);
    free(text);
    return is_good;
}

static void test_a_row_leaves_its_secrets_behind_and_proves_itself(void **state)
{
    (void)state;
    char fault[BUNDLE_FAULT_SIZE] = "";
    struct log_hash hash = {{1}};
    struct bundle_row_chain chain = {.count = 0};
    const struct record record = some_record(5);
    json_t *line = row_line(&record, &hash);
    char *text = json_dumps(line, JSON_COMPACT);
    assert_null(strstr(text, "3012"));
    assert_null(strstr(text, "eeee"));
    assert_null(strstr(text, "abcd"));
    assert_null(strstr(text, "expiry"));
    assert_non_null(strstr(text, "\"terminal_id\":{\"hex\":\"31303030ff01\"}")); /* no UTF-8 */
    free(text);
    assert_true(row_fits(&chain, line, fault));
    assert_int_equal(chain.position, 5);
    assert_memory_equal(chain.row.hash.bytes, hash.bytes, LOG_HASH_BYTES);
}

static void test_rows_ascend_and_neighbours_continue_one_another(void **state)
{
    (void)state;
    char fault[BUNDLE_FAULT_SIZE] = "";
    struct log_hash hash = {{1}};
    struct log_hash strange = {{2}};
    struct bundle_row_chain chain = {.count = 0};
    const struct record records[] = {some_record(5), some_record(6), some_record(9)};
    assert_true(row_fits(&chain, row_line(&records[0], &hash), fault));
    struct bundle_row_chain fork = chain;
    assert_true(row_fits(&chain, row_line(&records[1], &hash), fault));
    assert_true(row_fits(&chain, row_line(&records[2], &strange), fault)); /* nothing between */
    assert_int_equal(chain.count, 3);
    strange = (struct log_hash){{2}};
    assert_false(row_fits(&fork, row_line(&records[1], &strange), fault));
    assert_non_null(strstr(fault, "is not the hash of the row before it"));
    assert_false(row_fits(&chain, row_line(&records[2], &hash), fault));
    assert_non_null(strstr(fault, "position 9: expected one above 9"));
}

static void test_every_part_of_a_row_is_bound_by_its_hash(void **state)
{
    (void)state;
    json_t *names = bundle_row_columns();
    const char *const hashes[] = {"previous_hash", "secrets", "hash"};
    const struct record record = some_record(5);
    char fault[BUNDLE_FAULT_SIZE] = "";
    for (size_t i = 0; i < json_array_size(names) + COUNT_OF(hashes); i++) {
        struct log_hash hash = {{1}};
        struct bundle_row_chain chain = {.count = 0};
        json_t *line = row_line(&record, &hash);
        if (i < json_array_size(names)) {
            json_object_set_new(json_object_get(line, "columns"),
                                json_string_value(json_array_get(names, i)), json_integer(77));
        } else {
            json_object_set_new(
                line, hashes[i - json_array_size(names)],
                json_string("00000000000000000000000000000000000000000000000000000000000000aa"));
        }
        assert_false(row_fits(&chain, line, fault));
        assert_int_equal(chain.count, 0);
    }
    json_decref(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_column_of_an_event_is_bound_by_its_hash),
        cmocka_unit_test(test_every_part_and_photo_is_bound_by_the_hash_of_its_event),
        cmocka_unit_test(test_an_event_is_told_what_is_wrong_with_it),
        cmocka_unit_test(test_a_row_leaves_its_secrets_behind_and_proves_itself),
        cmocka_unit_test(test_rows_ascend_and_neighbours_continue_one_another),
        cmocka_unit_test(test_every_part_of_a_row_is_bound_by_its_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
