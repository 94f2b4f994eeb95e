/* One file at a time comes into the registry, beside those who ask how far it is. */
#include "switch/admin/registry_job.h"

#include "tests/unit/switch/admin/desk_call_scene.h"

#define STOCK "point_id,brand,model,part,count\nP1,PAX,A920,whole,3\n"

static struct registry_job_order order_of(const char *text)
{
    return (struct registry_job_order){.kind = REGISTRY_SERVICE_STOCK,
                                       .file = "stock.csv",
                                       .text = text,
                                       .length = strlen(text),
                                       .by = {"ann", 1}};
}

static const char *state_of(struct registry_job *job, char text[64])
{
    json_t *json = registry_job_json(job);
    snprintf(text, 64, "%s", json_string_value(json_object_get(json, "state")));
    json_decref(json);
    return text;
}

static void test_one_at_a_time_and_the_wait_has_an_end(void **state)
{
    struct call_scene *scene = *state;
    struct registry_job_end end;
    struct registry_job_order order = order_of(STOCK);
    char reason[DESK_SHARE_REASON_SIZE];
    char text[64];
    uint64_t number = 0;
    uint64_t other = 0;
    assert_string_equal(state_of(scene->job, text), "idle");
    struct desk *holder = desk_share_open(scene->share, reason);
    assert_non_null(holder);
    assert_int_equal(desk_begin(holder), STATUS_OK); /* the job waits for this one */
    assert_int_equal(registry_job_begin(scene->job, &order, &number), STATUS_OK);
    assert_int_equal(registry_job_begin(scene->job, &order, &other), STATUS_DUPLICATE);
    registry_job_wait(scene->job, number, 50, &end);
    assert_true(end.is_running);
    assert_string_equal(state_of(scene->job, text), "running");
    assert_int_equal(desk_end(holder, STATUS_OK), STATUS_OK);
    registry_job_wait(scene->job, number, 30000, &end);
    assert_false(end.is_running);
    assert_int_equal(end.status, STATUS_OK);
    assert_int_equal(registry_job_begin(scene->job, &order, &other), STATUS_OK);
    registry_job_wait(scene->job, number, 30000, &end);
    assert_true(end.is_running); /* of the first nothing is known any more */
    registry_job_wait(scene->job, other, 30000, &end);
    assert_int_equal(end.status, STATUS_OK);
    desk_close(holder);
}

static void test_a_faulty_file_leaves_its_faults_until_the_next(void **state)
{
    struct call_scene *scene = *state;
    struct registry_job_end end;
    uint64_t number = 0;
    struct registry_job_order order = order_of("point_id,brand\n");
    assert_int_equal(registry_job_begin(scene->job, &order, &number), STATUS_OK);
    registry_job_wait(scene->job, number, 30000, &end);
    assert_int_equal(end.status, STATUS_MALFORMED);
    json_t *json = registry_job_json(scene->job);
    assert_int_equal(json_array_size(json_object_get(json, "faults")), 3);
    assert_string_equal(json_string_value(json_object_get(json, "state")), "failed");
    assert_string_equal(json_string_value(json_object_get(json, "actor")), "ann");
    json_decref(json);
    order = order_of(STOCK);
    assert_int_equal(registry_job_begin(scene->job, &order, &number), STATUS_OK);
    registry_job_wait(scene->job, number, 30000, &end);
    json = registry_job_json(scene->job);
    assert_int_equal(json_array_size(json_object_get(json, "faults")), 0);
    assert_int_equal(json_integer_value(json_object_get(json, "changed")), 1);
    json_decref(json);
}

static void test_without_a_folder_it_says_what_to_do(void **state)
{
    struct registry_job_end end;
    uint64_t number = 0;
    struct registry_job_order order = order_of(STOCK);
    (void)state;
    struct desk_share *none = desk_share_create("");
    struct registry_job *job = registry_job_create(none);
    assert_int_equal(registry_job_begin(job, &order, &number), STATUS_OK);
    registry_job_wait(job, number, 30000, &end);
    assert_int_equal(end.status, STATUS_BROKEN);
    json_t *json = registry_job_json(job);
    assert_non_null(
        strstr(json_string_value(json_object_get(json, "text")), "set aftersales.folder"));
    json_decref(json);
    registry_job_destroy(job);
    desk_share_destroy(none);
    registry_job_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_at_a_time_and_the_wait_has_an_end, call_scene_set,
                                        call_scene_strike),
        cmocka_unit_test_setup_teardown(test_a_faulty_file_leaves_its_faults_until_the_next,
                                        call_scene_set, call_scene_strike),
        cmocka_unit_test(test_without_a_folder_it_says_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
