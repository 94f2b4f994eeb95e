/* What terminals download: narrower parameters win, lists page, versions follow the content. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "routing/download_table.h"

#define MERCHANT "898110053110001"
#define TERMINAL "10000001"

static void set(struct download_table *table, const char *holder, const char *code,
                const char *value)
{
    static uint32_t line;
    struct download_parameter parameter = {.line = ++line};
    snprintf(parameter.holder, sizeof(parameter.holder), "%s", holder);
    memcpy(parameter.code, code, 3);
    snprintf(parameter.value, sizeof(parameter.value), "%s", value);
    assert_int_equal(download_table_set_parameter(table, &parameter), STATUS_OK);
}

static void add(struct download_table *table, enum download_class class, const char *bytes,
                uint32_t list_length)
{
    static uint32_t line;
    struct download_item item = {
        .class = class,
        .line = ++line,
        .name_length = (uint16_t)(list_length > 2 ? 2 : 0),
        .list_length = (uint16_t)list_length,
        .bytes = {(const uint8_t *)bytes, (uint32_t)strlen(bytes)},
    };
    assert_int_equal(download_table_add(table, &item), STATUS_OK);
}

static void freeze(struct download_table *table)
{
    struct download_fault fault;
    assert_int_equal(download_table_freeze(table, &fault), STATUS_OK);
}

static uint32_t parameters(const struct download_table *table, const char *merchant,
                           const char *terminal, const char *expected)
{
    char text[DOWNLOAD_PARAMETER_BYTES_MAX];
    struct byte_writer writer;
    byte_writer_init(&writer, text, sizeof(text));
    uint32_t version = download_table_parameters(table, merchant, terminal, &writer);
    assert_int_equal(writer.position, strlen(expected));
    assert_memory_equal(text, expected, writer.position);
    return version;
}

static void test_the_narrower_parameter_counts(void **state)
{
    (void)state;
    struct download_table *table = download_table_create(8, 0);
    assert_non_null(table);
    set(table, TERMINAL, "13", "5");
    set(table, "", "13", "3");
    set(table, "", "12", "60");
    set(table, MERCHANT, "19", "20");
    set(table, MERCHANT, "13", "4");
    set(table, "", "14", "02112345678");
    freeze(table);
    uint32_t all = parameters(table, "x", "y", "12601331402112345678   ");
    uint32_t merchant = parameters(table, MERCHANT, "y", "12601341402112345678   1920");
    uint32_t terminal = parameters(table, MERCHANT, TERMINAL, "12601351402112345678   1920");
    assert_true(all != 0 && merchant != 0 && terminal != 0);
    assert_true(all != merchant && merchant != terminal);
    download_table_destroy(table);
}

static void test_no_parameters_have_no_version(void **state)
{
    (void)state;
    struct download_table *table = download_table_create(0, 0);
    assert_non_null(table);
    freeze(table);
    assert_int_equal(parameters(table, MERCHANT, TERMINAL, ""), 0);
    assert_int_equal(download_table_version(table, DOWNLOAD_AIDS), 0);
    download_table_destroy(table);
}

static void test_values_have_the_shape_of_their_code(void **state)
{
    (void)state;
    static const struct {
        const char *code, *value;
    } wrong[] = {{"12", "6"},
                 {"12", "6x"},
                 {"13", "12"},
                 {"27", "1"},
                 {"14", ""},
                 {"1", "1"},
                 {"14", "123456789012345"}};
    struct download_table *table = download_table_create(8, 0);
    assert_non_null(table);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct download_parameter parameter = {.line = 1};
        snprintf(parameter.code, sizeof(parameter.code), "%s", wrong[i].code);
        snprintf(parameter.value, sizeof(parameter.value), "%s", wrong[i].value);
        assert_int_equal(download_table_set_parameter(table, &parameter), STATUS_BAD_VALUE);
    }
    download_table_destroy(table);
}

static void test_a_list_pages_whole_entries_only(void **state)
{
    (void)state;
    struct download_table *table = download_table_create(0, 8);
    assert_non_null(table);
    add(table, DOWNLOAD_AIDS, "zz", 2);
    add(table, DOWNLOAD_CA_KEYS, "aa1-body", 3);
    add(table, DOWNLOAD_CA_KEYS, "bb2-body", 3);
    add(table, DOWNLOAD_CA_KEYS, "cc3-body", 3);
    freeze(table);
    char page[8];
    struct byte_writer writer;
    assert_int_equal(download_table_count(table, DOWNLOAD_CA_KEYS), 3);
    byte_writer_init(&writer, page, sizeof(page));
    assert_int_equal(download_table_page(table, DOWNLOAD_CA_KEYS, 0, &writer), 2);
    assert_memory_equal(page, "aa1bb2", 6);
    byte_writer_init(&writer, page, sizeof(page));
    assert_int_equal(download_table_page(table, DOWNLOAD_CA_KEYS, 2, &writer), 1);
    assert_memory_equal(page, "cc3", 3);
    assert_int_equal(download_table_page(table, DOWNLOAD_CA_KEYS, 3, &writer), 0);
    assert_int_equal(download_table_page(table, DOWNLOAD_CA_KEYS, 99, &writer), 0);
    struct byte_view found =
        download_table_find(table, DOWNLOAD_CA_KEYS, (struct byte_view){(const uint8_t *)"bb", 2});
    assert_int_equal(found.length, 8);
    assert_memory_equal(found.bytes, "bb2-body", 8);
    found = download_table_find(table, DOWNLOAD_AIDS, (struct byte_view){(const uint8_t *)"bb", 2});
    assert_int_equal(found.length, 0);
    download_table_destroy(table);
}

static uint32_t version_of(const char *first, const char *second)
{
    struct download_table *table = download_table_create(0, 2);
    assert_non_null(table);
    add(table, DOWNLOAD_CA_KEYS, first, 3);
    add(table, DOWNLOAD_CA_KEYS, second, 3);
    freeze(table);
    uint32_t version = download_table_version(table, DOWNLOAD_CA_KEYS);
    assert_int_equal(download_table_version(table, DOWNLOAD_AIDS), 0);
    download_table_destroy(table);
    return version;
}

static void test_a_version_is_that_of_the_content(void **state)
{
    (void)state;
    assert_int_equal(version_of("aa1-x", "bb2-y"), version_of("aa1-x", "bb2-y"));
    assert_int_not_equal(version_of("aa1-x", "bb2-y"), version_of("aa1-x", "bb2-z"));
    assert_int_not_equal(version_of("aa1-x", "bb2-y"), version_of("bb2-y", "aa1-x"));
    /* Where one ends and the next begins counts too. */
    assert_int_not_equal(version_of("aa1xb", "bb2"), version_of("aa1x", "bbb2"));
}

static void test_what_stands_twice_is_told_with_both_lines(void **state)
{
    (void)state;
    struct download_fault fault;
    struct download_table *table = download_table_create(2, 2);
    assert_non_null(table);
    struct download_parameter parameter = {.holder = MERCHANT, .code = "13", .value = "1"};
    parameter.line = 7;
    assert_int_equal(download_table_set_parameter(table, &parameter), STATUS_OK);
    parameter.line = 9;
    assert_int_equal(download_table_set_parameter(table, &parameter), STATUS_OK);
    assert_int_equal(download_table_set_parameter(table, &parameter), STATUS_NO_ROOM);
    assert_int_equal(download_table_freeze(table, &fault), STATUS_DUPLICATE);
    assert_int_equal(fault.class, DOWNLOAD_PARAMETERS);
    assert_int_equal(fault.first_line, 7);
    assert_int_equal(fault.second_line, 9);
    download_table_destroy(table);

    table = download_table_create(0, 2);
    assert_non_null(table);
    struct download_item item = {.class = DOWNLOAD_BLACKLIST,
                                 .line = 3,
                                 .list_length = 4,
                                 .bytes = {(const uint8_t *)"0262", 4}};
    assert_int_equal(download_table_add(table, &item), STATUS_OK);
    item.line = 4;
    assert_int_equal(download_table_add(table, &item), STATUS_OK);
    assert_int_equal(download_table_add(table, &item), STATUS_NO_ROOM);
    assert_int_equal(download_table_freeze(table, &fault), STATUS_DUPLICATE);
    assert_int_equal(fault.class, DOWNLOAD_BLACKLIST);
    assert_int_equal(fault.second_line, 4);
    download_table_destroy(table);
}

static void test_classes_are_found_by_name(void **state)
{
    (void)state;
    for (unsigned number = 0; number < DOWNLOAD_CLASS_COUNT; number++) {
        enum download_class class = (enum download_class)number;
        assert_int_equal(download_class_from_name(download_class_name(class)), class);
    }
    assert_int_equal(download_class_from_name("bins"), DOWNLOAD_CLASS_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_narrower_parameter_counts),
        cmocka_unit_test(test_no_parameters_have_no_version),
        cmocka_unit_test(test_values_have_the_shape_of_their_code),
        cmocka_unit_test(test_a_list_pages_whole_entries_only),
        cmocka_unit_test(test_a_version_is_that_of_the_content),
        cmocka_unit_test(test_what_stands_twice_is_told_with_both_lines),
        cmocka_unit_test(test_classes_are_found_by_name),
    };
    return cmocka_run_group_tests_name("routing/download_table", tests, NULL, NULL);
}
