/* Calls of the registry: rows in pages, one row, history, CSV, bindings; who may see what. */
#include "switch/admin/registry_call.h"

#include "tests/unit/switch/admin/desk_call_scene.h"

#define OWNER_HASH "00112233445566778899aabbccddeeff"
#define STOCK_HEAD "point_id,brand,model,part,count\n"

static void put_model(struct call_scene *scene, const char *model)
{
    char body[160];
    snprintf(body, sizeof(body), "{\"cells\": {\"brand\": \"PAX\", \"model\": \"%s\"}}", model);
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_PUT, "device_model", body), 201);
}

static void test_kinds_tell_their_columns(void **state)
{
    struct call_scene *scene = *state;
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_KINDS, "", NULL), 200);
    const json_t *items = json_object_get(scene->json, "items");
    assert_int_equal(json_array_size(items), REGISTRY_KIND_COUNT);
    const json_t *column = json_array_get(json_object_get(json_array_get(items, 0), "columns"), 0);
    assert_string_equal(json_string_value(json_object_get(column, "name")), "brand");
    assert_true(json_is_true(json_object_get(column, "is_key")));
    assert_string_equal(json_string_value(json_object_get(column, "takes")), "text");
    column = json_array_get(json_object_get(json_array_get(items, 0), "columns"), 5);
    assert_string_equal(json_string_value(json_object_get(column, "name")), "parts");
    const json_t *words = json_object_get(column, "words");
    assert_string_equal(json_string_value(json_array_get(words, 0)), "whole");
}

static void test_pages_go_on_at_their_cursor(void **state)
{
    struct call_scene *scene = *state;
    char cursor[64];
    put_model(scene, "A1");
    put_model(scene, "A2");
    put_model(scene, "A3");
    call_scene_with(scene, "limit", "2");
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_LIST, "device_model", NULL), 200);
    assert_int_equal(json_array_size(json_object_get(scene->json, "items")), 2);
    snprintf(cursor, sizeof(cursor), "%s", call_scene_text(scene, "cursor"));
    assert_string_equal(cursor, "PAX\tA2");
    call_scene_with(scene, "cursor", cursor);
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_LIST, "device_model", NULL), 200);
    assert_int_equal(json_array_size(json_object_get(scene->json, "items")), 1);
    assert_true(json_is_null(json_object_get(scene->json, "cursor")));
    call_scene_with(scene, "model", "A2");
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_LIST, "device_model", NULL), 200);
    assert_int_equal(json_array_size(json_object_get(scene->json, "items")), 1);
}

static void test_what_is_no_filter_is_refused(void **state)
{
    struct call_scene *scene = *state;
    static const char *const wrong[][2] = {
        {"modell", "A1"}, {"limit", "0"}, {"limit", "1001"}, {"limit", "-1"}, {"cursor", "PAX"}};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        call_scene_with(scene, wrong[i][0], wrong[i][1]);
        assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_LIST, "device_model", NULL), 400);
    }
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_LIST, "colours", NULL), 404);
    assert_non_null(strstr(scene->answer.detail, "service_point"));
}

static void test_bodies_that_are_none_are_refused(void **state)
{
    struct call_scene *scene = *state;
    static const char *const wrong[] = {"",
                                        "{",
                                        "[]",
                                        "{}",
                                        "{\"cells\": []}",
                                        "{\"cells\": {\"brand\": [1]}}",
                                        "{\"cells\": {\"brand\": null}}",
                                        "{\"cells\": {\"brand\": \"PAX\"}, \"version\": \"1\"}",
                                        "{\"cells\": {\"brand\": \"PAX\"}, \"version\": -1}"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_PUT, "device_model", wrong[i]),
                         400);
    }
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_PUT, "device_model", NULL), 400);
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_PUT, "device_model",
                                     "{\"cells\": {\"brand\": \"PAX\", \"device_type\": 123, "
                                     "\"colour\": \"red\"}}"),
                     422);
    assert_int_equal(json_array_size(json_object_get(scene->json, "faults")), 2);
}

static void test_a_row_is_shown_with_its_version_and_history(void **state)
{
    struct call_scene *scene = *state;
    char body[200];
    put_model(scene, "A1");
    call_scene_with(scene, "brand", "PAX");
    call_scene_with(scene, "model", "A1");
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_SHOW, "device_model", NULL), 200);
    json_int_t version = json_integer_value(json_object_get(scene->json, "version"));
    assert_true(version > 0);
    snprintf(
        body, sizeof(body),
        "{\"cells\": {\"brand\": \"PAX\", \"model\": \"A1\", \"hotline\": \"1\"}, \"version\": "
        "%lld}",
        (long long)version);
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_PUT, "device_model", body), 200);
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_PUT, "device_model", body), 409);
    assert_non_null(strstr(scene->answer.detail, "somebody has changed it since"));
    assert_null(strstr(scene->answer.detail, "/tmp/"));
    call_scene_with(scene, "brand", "PAX");
    call_scene_with(scene, "model", "A1");
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_HISTORY, "device_model", NULL), 200);
    const json_t *items = json_object_get(scene->json, "items");
    const json_t *last = json_array_get(items, json_array_size(items) - 1);
    assert_string_equal(json_string_value(json_object_get(last, "actor")), "sam");
    assert_string_equal(json_string_value(json_object_get(last, "after")), "1");
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_REMOVE, "device_model", NULL), 400);
    call_scene_with(scene, "brand", "PAX");
    call_scene_with(scene, "model", "A1");
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_REMOVE, "device_model", NULL), 200);
    call_scene_with(scene, "merchant_id", "M1");
    assert_int_equal(
        call_scene_make(scene, ENDPOINT_REGISTRY_REMOVE, "merchant_registration", NULL), 409);
    call_scene_with(scene, "brand", "PAX");
    call_scene_with(scene, "model", "A9");
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_SHOW, "device_model", NULL), 404);
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_SHOW, "device_model", NULL), 400);
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_HISTORY, "service_point", NULL), 400);
}

static void test_personal_rows_are_for_two_roles_alone(void **state)
{
    struct call_scene *scene = *state;
    static const enum endpoint calls[] = {ENDPOINT_REGISTRY_LIST,   ENDPOINT_REGISTRY_SHOW,
                                          ENDPOINT_REGISTRY_PUT,    ENDPOINT_REGISTRY_HISTORY,
                                          ENDPOINT_REGISTRY_EXPORT, ENDPOINT_REGISTRY_IMPORT,
                                          ENDPOINT_REGISTRY_CHECK};
    static const char *const kinds[] = {"merchant_registration", "registry_binding"};
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        for (size_t k = 0; k < COUNT_OF(kinds); k++) {
            scene->holder.role = ROLE_OPERATOR;
            assert_int_equal(call_scene_make(scene, calls[i], kinds[k], "x"), 403);
            scene->holder.role = ROLE_VIEWER;
            assert_int_equal(call_scene_make(scene, calls[i], kinds[k], "x"), 403);
            scene->holder.role = ROLE_RISK;
            assert_int_not_equal(call_scene_make(scene, calls[i], kinds[k], "x"), 403);
        }
    }
}

static void test_a_scoped_token_sees_its_merchants_alone(void **state)
{
    struct call_scene *scene = *state;
    static const char *const bodies[] = {"{\"cells\": {\"merchant_id\": \"M1\", \"name\": \"Tea\", "
                                         "\"risk_level\": 1, \"agent_id\": \"AG1\", "
                                         "\"owner_hash\": \"" OWNER_HASH "\"}}",
                                         "{\"cells\": {\"merchant_id\": \"M2\", \"name\": \"Tea\", "
                                         "\"risk_level\": 1, \"agent_id\": \"AG2\"}}"};
    const char *kind = "merchant_registration";
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_PUT, kind, bodies[i]), 201);
    }
    snprintf(scene->holder.scope.agent_id, sizeof(scene->holder.scope.agent_id), "AG1");
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_LIST, kind, NULL), 200);
    assert_int_equal(json_array_size(json_object_get(scene->json, "items")), 1);
    assert_null(strstr(scene->answer.body, OWNER_HASH));
    call_scene_with(scene, "owner_hash", "0*"); /* nor piece by piece */
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_LIST, kind, NULL), 400);
    static const enum endpoint calls[] = {ENDPOINT_REGISTRY_SHOW, ENDPOINT_REGISTRY_HISTORY};
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        call_scene_with(scene, "merchant_id", "M1");
        assert_int_equal(call_scene_make(scene, calls[i], kind, NULL), 200);
        assert_non_null(strstr(scene->answer.body, "Tea"));
        assert_null(strstr(scene->answer.body, OWNER_HASH));
        call_scene_with(scene, "merchant_id", "M2");
        assert_int_equal(call_scene_make(scene, calls[i], kind, NULL), 404);
    }
    scene->holder.scope.agent_id[0] = '\0';
    call_scene_with(scene, "owner_hash", "0*");
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_LIST, kind, NULL), 200);
    assert_non_null(strstr(scene->answer.body, OWNER_HASH));
    snprintf(scene->holder.scope.point_id, sizeof(scene->holder.scope.point_id), "P1");
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_LIST, kind, NULL), 403);
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_LIST, "service_point", NULL), 200);
}

/* What risk thinks of a merchant is not for its agent, in whatever way he asks. */
static void test_the_risk_level_is_hidden_from_a_scoped_token_that_is_not_risks(void **state)
{
    struct call_scene *scene = *state;
    static const enum endpoint rows[] = {ENDPOINT_REGISTRY_SHOW, ENDPOINT_REGISTRY_HISTORY};
    const char *kind = "merchant_registration";
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_PUT, kind,
                                     "{\"cells\": {\"merchant_id\": \"M1\", \"name\": \"Tea\","
                                     " \"risk_level\": 3, \"agent_id\": \"AG1\"}}"),
                     201);
    snprintf(scene->holder.scope.agent_id, sizeof(scene->holder.scope.agent_id), "AG1");
    for (int is_risks = 0; is_risks < 2; is_risks++) {
        scene->holder.role = is_risks ? ROLE_RISK : ROLE_AFTER_SALES;
        assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_LIST, kind, NULL), 200);
        const json_t *item = json_array_get(json_object_get(scene->json, "items"), 0);
        assert_int_equal(json_object_get(item, "risk_level") != NULL, is_risks);
        call_scene_with(scene, "risk_level", "3");
        assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_LIST, kind, NULL),
                         is_risks ? 200 : 400);
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            call_scene_with(scene, "merchant_id", "M1");
            assert_int_equal(call_scene_make(scene, rows[i], kind, NULL), 200);
            assert_int_equal(strstr(scene->answer.body, "risk_level") != NULL, is_risks);
        }
    }
    scene->holder.scope.agent_id[0] = '\0';
    scene->holder.role = ROLE_AFTER_SALES; /* who keeps the registry */
    call_scene_with(scene, "merchant_id", "M1");
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_SHOW, kind, NULL), 200);
    assert_non_null(strstr(scene->answer.body, "risk_level"));
}

/* Whatever people write into a row, and into a fault: no card number is kept or shown. */
static void test_a_card_number_is_masked_as_it_comes_in(void **state)
{
    struct call_scene *scene = *state;
    static const char body[] =
        "{\"cells\": {\"merchant_id\": \"M1\", \"name\": \"Tea 6222021234567894\","
        " \"risk_level\": 1, \"licence\": \"91310115000000000X\","
        " \"address\": \"6222 0212 3456 7894 and 6222-0212-3456-7894\","
        " \"contact\": \"Wang 13812345678, 021-58781234, SN 00001234567890123456\"}}";
    static const char file[] = "point_id,name,address,phone,brands,repairs,area_code,latitude_e3,"
                               "longitude_e3,opens,closes,weekdays,is_open,verified_day\n"
                               "P1,Shop,card 6222021234567894,6222 0212 3456 7894,,,0,0,0,,,mon,"
                               "yes,\n";
    const char *kind = "merchant_registration";
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_PUT, kind, body), 201);
    const json_t *row = json_object_get(scene->json, "row");
    assert_string_equal(json_string_value(json_object_get(row, "name")), "Tea 622202******7894");
    assert_string_equal(json_string_value(json_object_get(row, "address")),
                        "6222 02** **** 7894 and 6222-02**-****-7894");
    assert_string_equal(json_string_value(json_object_get(row, "contact")),
                        "Wang 13812345678, 021-58781234, SN 00001234567890123456");
    assert_string_equal(json_string_value(json_object_get(row, "licence")), "91310115000000000X");
    call_scene_with(scene, "merchant_id", "M1");
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_HISTORY, kind, NULL), 200);
    assert_null(strstr(scene->answer.body, "021234567894"));
    assert_null(strstr(scene->answer.body, "0212 3456"));
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_IMPORT, "service_point", file), 200);
    call_scene_with(scene, "point_id", "P1");
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_SHOW, "service_point", NULL), 200);
    row = json_object_get(scene->json, "row");
    assert_string_equal(json_string_value(json_object_get(row, "address")),
                        "card 622202******7894");
    assert_string_equal(json_string_value(json_object_get(row, "phone")), "6222 02** **** 7894");
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_PUT, kind,
                                     "{\"cells\": {\"merchant_id\": \"M1\","
                                     " \"risk_level\": \"6222021234567894\"}}"),
                     422);
    assert_non_null(strstr(scene->answer.body, "622202******7894"));
    assert_null(strstr(scene->answer.body, "6222021234567894"));
}

static void test_a_file_is_taken_over_or_told_what_is_wrong(void **state)
{
    struct call_scene *scene = *state;
    const char *good = STOCK_HEAD "P1,PAX,A920,whole,3\n";
    const char *bad = STOCK_HEAD "P1,,A920,wheel,3\n";
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_CHECK, "service_stock", good), 200);
    assert_true(json_is_true(json_object_get(scene->json, "is_check")));
    call_scene_with(scene, "file", "stock.csv");
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_IMPORT, "service_stock", bad), 422);
    const json_t *faults = json_object_get(scene->json, "faults");
    assert_int_equal(json_array_size(faults), 2);
    assert_non_null(strstr(json_string_value(json_array_get(faults, 0)), "stock.csv:2: column"));
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_IMPORT, "service_stock", good), 200);
    assert_string_equal(scene->answer.detail, "service_stock: 1 rows, 1 changed");
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_EXPORT, "service_stock", NULL), 200);
    assert_int_equal(scene->answer.length, strlen(good));
    assert_memory_equal(scene->answer.body, good, strlen(good));
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_IMPORT, "service_stock", NULL), 400);
    call_scene_with(scene, "file", "a\nb");
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_IMPORT, "service_stock", good), 400);
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_JOB, "", NULL), 200);
    assert_string_equal(call_scene_text(scene, "state"), "done");
    assert_int_equal(registry_call_body_max(ENDPOINT_REGISTRY_IMPORT), REGISTRY_JOB_BYTES_MAX);
    assert_int_equal(registry_call_body_max(ENDPOINT_REGISTRY_LIST), 0);
}

static void test_a_terminal_is_bound_swapped_and_unbound(void **state)
{
    struct call_scene *scene = *state;
    const char *first = "{\"cells\": {\"serial\": \"SN-1\", \"merchant_id\": \"M1\", "
                        "\"valid_from_day\": \"2025-01-01\", \"has_place\": false}}";
    const char *second = "{\"cells\": {\"serial\": \"SN-2\", \"merchant_id\": \"M1\"}}";
    assert_int_equal(call_scene_make(scene, ENDPOINT_BIND, "1", first), 400);
    assert_int_equal(call_scene_make(scene, ENDPOINT_BIND, "10000001", "{\"cells\": {}}"), 422);
    assert_int_equal(call_scene_make(scene, ENDPOINT_BIND, "10000001", first), 200);
    assert_true(json_is_null(json_object_get(scene->json, "ended")));
    assert_int_equal(call_scene_make(scene, ENDPOINT_BIND, "10000002", first), 409);
    assert_int_equal(call_scene_make(scene, ENDPOINT_BIND, "10000001", second), 200);
    assert_true(json_is_object(json_object_get(scene->json, "ended")));
    call_scene_with(scene, "day", "yesterday");
    assert_int_equal(call_scene_make(scene, ENDPOINT_UNBIND, "10000001", NULL), 400);
    assert_int_equal(call_scene_make(scene, ENDPOINT_UNBIND, "10000001", NULL), 200);
    assert_int_equal(call_scene_make(scene, ENDPOINT_UNBIND, "10000001", NULL), 404);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kinds_tell_their_columns, call_scene_set,
                                        call_scene_strike),
        cmocka_unit_test_setup_teardown(test_pages_go_on_at_their_cursor, call_scene_set,
                                        call_scene_strike),
        cmocka_unit_test_setup_teardown(test_what_is_no_filter_is_refused, call_scene_set,
                                        call_scene_strike),
        cmocka_unit_test_setup_teardown(test_bodies_that_are_none_are_refused, call_scene_set,
                                        call_scene_strike),
        cmocka_unit_test_setup_teardown(test_a_row_is_shown_with_its_version_and_history,
                                        call_scene_set, call_scene_strike),
        cmocka_unit_test_setup_teardown(test_personal_rows_are_for_two_roles_alone, call_scene_set,
                                        call_scene_strike),
        cmocka_unit_test_setup_teardown(test_a_scoped_token_sees_its_merchants_alone,
                                        call_scene_set, call_scene_strike),
        cmocka_unit_test_setup_teardown(
            test_the_risk_level_is_hidden_from_a_scoped_token_that_is_not_risks, call_scene_set,
            call_scene_strike),
        cmocka_unit_test_setup_teardown(test_a_card_number_is_masked_as_it_comes_in, call_scene_set,
                                        call_scene_strike),
        cmocka_unit_test_setup_teardown(test_a_file_is_taken_over_or_told_what_is_wrong,
                                        call_scene_set, call_scene_strike),
        cmocka_unit_test_setup_teardown(test_a_terminal_is_bound_swapped_and_unbound,
                                        call_scene_set, call_scene_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
