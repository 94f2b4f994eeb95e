/* Rows of the desk as JSON and back: each type of cell in its own form. */
#include <string.h>

#include "switch/admin/cell_json.h"
#include "switch/desk/registry_table.h"
#include "tests/unit/unit_test.h"

static const struct service_point POINT = {.point_id = "P3",
                                           .name = "浦东服务点",
                                           .brands = {"PAX", "Landi"},
                                           .repairs = 1u << PART_PRINTER | 1u << PART_READER,
                                           .area_code = 310115,
                                           .latitude_e3 = -31240,
                                           .opens_minute = 570,
                                           .closes_minute = 1440,
                                           .weekdays = 0x1F,
                                           .is_open = true,
                                           .verified_day = 20515};

static void test_each_cell_has_the_form_of_its_type(void **state)
{
    (void)state;
    json_t *row = cell_json_row(registry_table(REGISTRY_SERVICE_POINT), &POINT);
    assert_string_equal(json_string_value(json_object_get(row, "name")), "浦东服务点");
    assert_int_equal(json_integer_value(json_object_get(row, "latitude_e3")), -31240);
    assert_true(json_is_true(json_object_get(row, "is_open")));
    assert_string_equal(json_string_value(json_object_get(row, "opens")), "09:30");
    assert_string_equal(json_string_value(json_object_get(row, "verified_day")), "2026-03-03");
    const json_t *brands = json_object_get(row, "brands");
    assert_int_equal(json_array_size(brands), 2);
    assert_string_equal(json_string_value(json_array_get(brands, 1)), "Landi");
    assert_int_equal(json_array_size(json_object_get(row, "repairs")), 2);
    json_decref(row);
}

/* Taking every cell of the JSON gives the same row. */
static void test_what_was_told_is_taken_back(void **state)
{
    (void)state;
    const struct cell_table *table = registry_table(REGISTRY_SERVICE_POINT);
    struct service_point again;
    char fault[CELL_FAULT_SIZE] = "";
    memset(&again, 0, sizeof(again));
    json_t *row = cell_json_row(table, &POINT);
    for (uint32_t i = 0; i < table->column_count; i++) {
        const char *name = table->columns[i].name;
        bool is_taken = cell_json_take(cell_json_column(table, name), json_object_get(row, name),
                                       &again, fault);
        assert_string_equal(fault, "");
        assert_true(is_taken);
    }
    json_t *second = cell_json_row(table, &again);
    assert_true(json_equal(row, second));
    json_decref(row);
    json_decref(second);
    assert_null(cell_json_column(table, "colour"));
}

static void test_what_no_cell_can_be_is_refused_and_leaves_the_row(void **state)
{
    (void)state;
    static const struct {
        const char *column, *json, *says;
    } BAD[] = {
        {"area_code", "1000000", "member \"area_code\": expected a number from 0 to 999999"},
        {"area_code", "{}", "member \"area_code\""},
        {"area_code", "null", "member \"area_code\""},
        {"area_code", "310115.5", "member \"area_code\""},
        {"brands", "[1]", "member \"brands\""},
        {"repairs", "[\"printer\", \"wheel\"]", "member \"repairs\": expected one of"},
        {"name", "[\"x\"]", "member \"name\""},
        {"opens", "\"25:00\"", "member \"opens\""},
        {"is_open", "\"maybe\"", "member \"is_open\": expected yes or no"},
    };
    const struct cell_table *table = registry_table(REGISTRY_SERVICE_POINT);
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        struct service_point point = POINT;
        char fault[CELL_FAULT_SIZE] = "";
        json_t *value = json_loads(BAD[i].json, JSON_DECODE_ANY, NULL);
        assert_non_null(value);
        assert_false(cell_json_take(cell_json_column(table, BAD[i].column), value, &point, fault));
        if (strstr(fault, BAD[i].says) == NULL) {
            fail_msg("%s: %s", BAD[i].json, fault);
        }
        assert_memory_equal(&point, &POINT, sizeof(point));
        json_decref(value);
    }
}

/* The longest list that a text could hold, and one that is longer. */
static void test_a_list_has_a_limit(void **state)
{
    (void)state;
    const struct cell_table *table = registry_table(REGISTRY_SERVICE_POINT);
    struct service_point point = POINT;
    char fault[CELL_FAULT_SIZE] = "";
    json_t *many = json_array();
    for (int i = 0; i < 8; i++) {
        json_array_append_new(many, json_string("123456789012345"));
    }
    assert_true(cell_json_take(cell_json_column(table, "brands"), many, &point, fault));
    for (int i = 0; i < 40; i++) {
        json_array_append_new(many, json_string("123456789012345"));
    }
    assert_false(cell_json_take(cell_json_column(table, "brands"), many, &point, fault));
    json_decref(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_cell_has_the_form_of_its_type),
        cmocka_unit_test(test_what_was_told_is_taken_back),
        cmocka_unit_test(test_what_no_cell_can_be_is_refused_and_leaves_the_row),
        cmocka_unit_test(test_a_list_has_a_limit),
    };
    return cmocka_run_group_tests_name("switch/admin/cell_json", tests, NULL, NULL);
}
