/* Calls of campaigns of updates: what comes in, what goes out. */
#include "switch/admin/update_call.h"

#include "tests/unit/switch/admin/desk_call_scene.h"

static void put_fleet(struct call_scene *scene)
{
    assert_int_equal(
        call_scene_make(scene, ENDPOINT_REGISTRY_PUT, "device_model",
                        "{\"cells\": {\"brand\": \"PAX\", \"model\": \"A920\", \"firmware_min\": "
                        "\"1.2.0\", \"firmware_latest\": \"1.4.0\"}}"),
        201);
    for (unsigned i = 1; i <= 4; i++) {
        char body[200];
        snprintf(body, sizeof(body),
                 "{\"cells\": {\"terminal_id\": \"1000000%u\", \"brand\": \"PAX\", \"model\": "
                 "\"A920\", \"firmware\": \"1.1.0\", \"state\": \"active\"}}",
                 i);
        assert_int_equal(
            call_scene_make(scene, ENDPOINT_REGISTRY_PUT, "terminal_registration", body), 201);
    }
}

static unsigned make(struct call_scene *scene, const char *name, const char *value)
{
    call_scene_with(scene, "brand", "PAX");
    call_scene_with(scene, "model", "A920");
    if (name != NULL) {
        call_scene_with(scene, name, value);
    }
    return call_scene_make(scene, ENDPOINT_UPDATE_MAKE, "", NULL);
}

static json_int_t count_at(const struct call_scene *scene, size_t wave, const char *name)
{
    const json_t *line = json_array_get(json_object_get(scene->json, "items"), wave);
    return json_integer_value(json_object_get(line, name));
}

static void test_a_campaign_is_made_and_shown_wave_by_wave(void **state)
{
    struct call_scene *scene = *state;
    put_fleet(scene);
    assert_int_equal(make(scene, "waves", "25,100"), 201);
    assert_int_equal(json_integer_value(json_object_get(scene->json, "id")), 1);
    assert_int_equal(call_scene_make(scene, ENDPOINT_UPDATE_SHOW, "1", NULL), 200);
    assert_string_equal(call_scene_text(scene, "firmware"), "1.2.0");
    assert_string_equal(call_scene_text(scene, "made_by"), "sam");
    assert_string_equal(call_scene_text(scene, "state"), "going");
    assert_string_equal(call_scene_text(scene, "waves"), "25 100");
    assert_int_equal(json_integer_value(json_object_get(scene->json, "settle_hours")), 24);
    assert_int_equal(count_at(scene, 0, "waiting"), 1);
    assert_int_equal(count_at(scene, 1, "terminals"), 3);
    assert_int_equal(count_at(scene, 1, "asked"), 0);
    assert_int_equal(call_scene_make(scene, ENDPOINT_UPDATE_LIST, "", NULL), 200);
    assert_int_equal(json_array_size(json_object_get(scene->json, "items")), 1);
    assert_int_equal(make(scene, NULL, NULL), 409); /* it goes */
}

static void test_what_is_no_campaign_is_refused(void **state)
{
    struct call_scene *scene = *state;
    assert_int_equal(make(scene, NULL, NULL), 404);
    put_fleet(scene);
    assert_int_equal(make(scene, "waves", "5,25"), 400);
    assert_int_equal(make(scene, "settle_hours", "0"), 400);
    assert_int_equal(make(scene, "settle_hours", "169"), 400);
    assert_int_equal(make(scene, "firmware", "1.2.3.4.5"), 400);
    assert_int_equal(make(scene, "firmware", "1.0.0"), 409); /* none is below it */
    call_scene_with(scene, "brand", "PAX");
    assert_int_equal(call_scene_make(scene, ENDPOINT_UPDATE_MAKE, "", NULL), 400);
    assert_int_equal(call_scene_make(scene, ENDPOINT_UPDATE_SHOW, "1", NULL), 404);
    assert_int_equal(call_scene_make(scene, ENDPOINT_UPDATE_SHOW, "first", NULL), 404);
}

static void test_a_person_says_why(void **state)
{
    struct call_scene *scene = *state;
    put_fleet(scene);
    assert_int_equal(make(scene, NULL, NULL), 201);
    assert_int_equal(call_scene_make(scene, ENDPOINT_UPDATE_STOP, "1", NULL), 400);
    call_scene_with(scene, "reason", "the shops are closed");
    assert_int_equal(call_scene_make(scene, ENDPOINT_UPDATE_STOP, "1", NULL), 200);
    assert_string_equal(call_scene_text(scene, "state"), "stopped");
    assert_string_equal(call_scene_text(scene, "reason"), "the shops are closed");
    call_scene_with(scene, "reason", "twice");
    assert_int_equal(call_scene_make(scene, ENDPOINT_UPDATE_STOP, "1", NULL), 409);
    call_scene_with(scene, "reason", "they are open");
    assert_int_equal(call_scene_make(scene, ENDPOINT_UPDATE_RESUME, "1", NULL), 200);
    assert_string_equal(call_scene_text(scene, "state"), "going");
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, call_scene_set, call_scene_strike)
    const struct CMUnitTest tests[] = {
        SCENE(test_a_campaign_is_made_and_shown_wave_by_wave),
        SCENE(test_what_is_no_campaign_is_refused),
        SCENE(test_a_person_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
