/* Who serves a terminal, as the API tells it. */
#include "switch/admin/point_call.h"

#include "tests/unit/switch/admin/desk_call_scene.h"

static void put(struct call_scene *scene, const char *kind, const char *body)
{
    assert_int_equal(call_scene_make(scene, ENDPOINT_REGISTRY_PUT, kind, body), 201);
}

static void test_points_come_with_hours_brands_and_whether_they_were_verified(void **state)
{
    struct call_scene *scene = *state;
    put(scene, "terminal_registration",
        "{\"cells\": {\"terminal_id\": \"10000001\", \"brand\": \"PAX\", \"model\": \"A920\", "
        "\"obtained\": \"agent\", \"state\": \"active\"}}");
    put(scene, "service_point",
        "{\"cells\": {\"point_id\": \"P1\", \"name\": \"Old\", \"brands\": \"PAX;Landi\", "
        "\"area_code\": 310115, \"weekdays\": \"mon tue\", \"opens\": \"09:00\", \"closes\": "
        "\"18:00\", \"is_open\": true, \"verified_day\": \"2020-01-01\"}}");
    put(scene, "service_channel",
        "{\"cells\": {\"channel_id\": \"C1\", \"kind\": \"hotline\", \"brand\": \"PAX\", \"name\": "
        "\"Line\", \"contact\": \"95095\", \"weekdays\": \"mon tue wed thu fri sat sun\"}}");
    assert_int_equal(call_scene_make(scene, ENDPOINT_POINT_NEAR, "10000001", NULL), 200);
    const json_t *point = json_array_get(json_object_get(scene->json, "points"), 0);
    assert_string_equal(json_string_value(json_object_get(point, "hours")), "09:00-18:00 mon tue");
    assert_string_equal(json_string_value(json_object_get(point, "brands")), "PAX;Landi");
    assert_string_equal(json_string_value(json_object_get(point, "note")),
                        "not verified for 180 days");
    assert_true(json_is_null(json_object_get(point, "distance_m")));
    const json_t *channel = json_array_get(json_object_get(scene->json, "channels"), 0);
    assert_string_equal(json_string_value(json_object_get(channel, "hours")),
                        "day and night mon tue wed thu fri sat sun");
    assert_true(json_is_true(json_object_get(channel, "is_open")));
    assert_int_equal(json_array_size(json_object_get(scene->json, "served_by")), 3);
}

static void test_what_cannot_be_asked_is_refused(void **state)
{
    struct call_scene *scene = *state;
    assert_int_equal(call_scene_make(scene, ENDPOINT_POINT_NEAR, "10000009", NULL), 404);
    assert_non_null(strstr(scene->answer.detail, "no terminal 10000009 is registered"));
    call_scene_with(scene, "part", "wheel");
    assert_int_equal(call_scene_make(scene, ENDPOINT_POINT_NEAR, "10000009", NULL), 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_points_come_with_hours_brands_and_whether_they_were_verified, call_scene_set,
            call_scene_strike),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_asked_is_refused, call_scene_set,
                                        call_scene_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
