/* Calls of inspections, service points and reports: what comes in, what goes out. */
#include "switch/admin/inspection_call.h"

#include "switch/admin/report_call.h"
#include "tests/unit/switch/admin/desk_call_scene.h"

#define ALL_GOOD                                                                                   \
    "\"is_on_site\": true, \"mark_SHOP_FRONT\": \"good\", \"mark_LICENCE\": \"good\", "            \
    "\"mark_GOODS\": \"good\", \"mark_SERIAL\": \"good\", \"mark_SEAL\": \"good\", "               \
    "\"mark_OVERLAY\": \"good\", \"mark_SLIPS\": \"good\", \"mark_STORAGE\": \"good\", "           \
    "\"mark_TEST_PAYMENT\": \"good\", \"mark_STAFF\": \"good\", \"mark_PHOTOS\": \"good\", "       \
    "\"mark_SIGNATURE\": \"good\""

static void put_merchant(struct call_scene *scene, const char *id, int risk_level)
{
    char body[240];
    snprintf(body, sizeof(body),
             "{\"cells\": {\"merchant_id\": \"%s\", \"name\": \"Tea\", \"risk_level\": %d, "
             "\"state\": \"active\", \"contract_from_day\": \"2020-01-01\"}}",
             id, risk_level);
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_PUT, "merchant_registration", body),
                     201);
}

static const char *due_at(const struct call_scene *scene, size_t index)
{
    const json_t *line = json_array_get(json_object_get(scene->json, "items"), index);
    return json_string_value(json_object_get(line, "merchant_id"));
}

static void test_the_highest_risk_is_due_first(void **state)
{
    struct call_scene *scene = *state;
    put_merchant(scene, "M1", 1);
    put_merchant(scene, "M2", 3);
    put_merchant(scene, "M3", 2);
    assert_int_equal(call_scene_make(scene, ENDPOINT_INSPECTION_DUE, "", NULL), 200);
    assert_int_equal(json_integer_value(json_object_get(scene->json, "count")), 3);
    assert_string_equal(due_at(scene, 0), "M2");
    assert_string_equal(due_at(scene, 1), "M3");
    assert_string_equal(due_at(scene, 2), "M1");
    call_scene_with(scene, "day", "2020-02-30");
    assert_int_equal(call_scene_make(scene, ENDPOINT_INSPECTION_DUE, "", NULL), 400);
}

static void test_what_was_found_gives_the_next_day(void **state)
{
    struct call_scene *scene = *state;
    put_merchant(scene, "M1", 1);
    assert_int_equal(
        call_scene_make(scene, ENDPOINT_INSPECTION_RECORD, "M1",
                        "{\"cells\": {\"verdict\": \"passed\", \"day\": \"2999-01-01\","
                        " \"mark_SEAL\": \"fine\"}}"),
        422);
    assert_int_equal(json_array_size(json_object_get(scene->json, "faults")), 3);
    assert_int_equal(
        call_scene_make(scene, ENDPOINT_INSPECTION_RECORD, "M1", "{\"cells\": {" ALL_GOOD "}}"),
        201);
    assert_string_equal(call_scene_text(scene, "verdict"), "passed");
    const json_t *next = json_object_get(scene->json, "next");
    assert_true(json_is_false(json_object_get(next, "is_overdue")));
    assert_int_equal(
        call_scene_make(scene, ENDPOINT_INSPECTION_RECORD, "M1", "{\"cells\": {" ALL_GOOD "}}"),
        409); /* of this day there is one */
    assert_int_equal(
        call_scene_make(scene, ENDPOINT_INSPECTION_RECORD, "M9", "{\"cells\": {" ALL_GOOD "}}"),
        404);
    assert_int_equal(call_scene_make(scene, ENDPOINT_INSPECTION_DUE, "", NULL), 200);
    assert_int_equal(json_integer_value(json_object_get(scene->json, "count")), 0);
    assert_int_equal(call_scene_make(scene, ENDPOINT_INSPECTION_LIST, "M1", NULL), 200);
    const json_t *first = json_array_get(json_object_get(scene->json, "items"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "inspector")), "sam");
}

#define BAD_SEAL(day)                                                                              \
    "{\"cells\": {\"is_on_site\": true, \"mark_SEAL\": \"bad\", \"day\": \"" day "\"}}"

static void test_what_is_bad_opens_one_case(void **state)
{
    struct call_scene *scene = *state;
    char body[120];
    put_merchant(scene, "M1", 1);
    snprintf(body, sizeof(body), "%s", BAD_SEAL("2026-01-05"));
    assert_int_equal(call_scene_make(scene, ENDPOINT_INSPECTION_RECORD, "M1", body), 201);
    json_int_t id = json_integer_value(json_object_get(scene->json, "case_id"));
    assert_true(id > 0 && json_is_true(json_object_get(scene->json, "is_new_case")));
    assert_string_equal(call_scene_text(scene, "case_kind"), "RISK");
    snprintf(body, sizeof(body), "%s", BAD_SEAL("2026-01-06"));
    assert_int_equal(call_scene_make(scene, ENDPOINT_INSPECTION_RECORD, "M1", body), 201);
    assert_int_equal(json_integer_value(json_object_get(scene->json, "case_id")), id);
    assert_true(json_is_false(json_object_get(scene->json, "is_new_case")));
}

static void test_silence_and_age_are_told_apart(void **state)
{
    struct call_scene *scene = *state;
    assert_int_equal(
        call_scene_make(scene, ENDPOINT_REGISTRY_PUT, "device_model",
                        "{\"cells\": {\"brand\": \"PAX\", \"model\": \"A920\", \"firmware_min\": "
                        "\"1.2.0\", \"firmware_latest\": \"1.4.0\"}}"),
        201);
    assert_int_equal(
        call_scene_make(
            scene, ENDPOINT_REGISTRY_PUT, "terminal_registration",
            "{\"cells\": {\"terminal_id\": \"10000001\", \"brand\": \"PAX\", \"model\": "
            "\"A920\", \"firmware\": \"1.3.0\", \"state\": \"active\"}}"),
        201);
    assert_int_equal(call_scene_make(scene, ENDPOINT_TERMINAL_SILENT, "", NULL), 200);
    assert_int_equal(json_integer_value(json_object_get(scene->json, "count")), 1);
    assert_int_equal(call_scene_make(scene, ENDPOINT_TERMINAL_OUTDATED, "", NULL), 200);
    assert_int_equal(json_integer_value(json_object_get(scene->json, "count")), 0);
    call_scene_with(scene, "latest", "yes");
    assert_int_equal(call_scene_make(scene, ENDPOINT_TERMINAL_OUTDATED, "", NULL), 200);
    assert_int_equal(json_integer_value(json_object_get(scene->json, "count")), 1);
    call_scene_with(scene, "days", "0");
    assert_int_equal(call_scene_make(scene, ENDPOINT_TERMINAL_SILENT, "", NULL), 400);
    assert_int_equal(call_scene_make(scene, ENDPOINT_POINT_NEAR, "10000001", NULL), 200);
    call_scene_with(scene, "part", "wheel");
    assert_int_equal(call_scene_make(scene, ENDPOINT_POINT_NEAR, "10000001", NULL), 400);
    assert_int_equal(call_scene_make(scene, ENDPOINT_POINT_NEAR, "10000009", NULL), 404);
}

static void test_a_report_leaves_out_what_is_not_counted(void **state)
{
    struct call_scene *scene = *state;
    const struct case_report_line line = {.name = "PAX",
                                          .terminals = 4,
                                          .failures = 3,
                                          .failures_per_1000_tenths = 7505,
                                          .answer_minutes = -1,
                                          .score_tenths = -1,
                                          .points = 5,
                                          .areas = 3};
    json_t *json = report_call_json(&line);
    assert_int_equal((int)(json_real_value(json_object_get(json, "failures_per_1000")) * 10 + 0.5),
                     7505);
    assert_int_equal((int)(json_real_value(json_object_get(json, "points_per_area")) * 100 + 0.5),
                     167);
    assert_null(json_object_get(json, "answer_minutes"));
    assert_null(json_object_get(json, "score"));
    assert_null(json_object_get(json, "score_tenths"));
    json_decref(json);
    assert_int_equal(call_scene_make(scene, ENDPOINT_REPORT, "colour", NULL), 404);
    call_scene_with(scene, "from", "2026-01-02");
    call_scene_with(scene, "to", "2026-01-02");
    assert_int_equal(call_scene_make(scene, ENDPOINT_REPORT, "brand", NULL), 400);
    assert_int_equal(call_scene_make(scene, ENDPOINT_REPORT, "brand", NULL), 200);
    assert_int_equal(call_scene_make(scene, ENDPOINT_RETENTION, "", NULL), 503);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_highest_risk_is_due_first, call_scene_set,
                                        call_scene_strike),
        cmocka_unit_test_setup_teardown(test_what_was_found_gives_the_next_day, call_scene_set,
                                        call_scene_strike),
        cmocka_unit_test_setup_teardown(test_what_is_bad_opens_one_case, call_scene_set,
                                        call_scene_strike),
        cmocka_unit_test_setup_teardown(test_silence_and_age_are_told_apart, call_scene_set,
                                        call_scene_strike),
        cmocka_unit_test_setup_teardown(test_a_report_leaves_out_what_is_not_counted,
                                        call_scene_set, call_scene_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
