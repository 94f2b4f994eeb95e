/* The daily work is done when it is asked for, with a line before and after, or not at all. */
#include "switch/admin/day_job.h"

#include <time.h>

#include "switch/desk/registry.h"
#include "tests/unit/switch/admin/desk_call_scene.h"

/* The answer once it has ended; the caller's. */
static json_t *end_of(struct day_job *job)
{
    for (int i = 0; i < 3000; i++) {
        json_t *json = day_job_json(job);
        if (strcmp(json_string_value(json_object_get(json, "state")), "running") != 0) {
            return json;
        }
        json_decref(json);
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    fail_msg("it does not end");
    return NULL;
}

static void put_merchants(struct call_scene *scene)
{
    char reason[DESK_SHARE_REASON_SIZE];
    const struct desk_actor by = {"ann", 1};
    const struct merchant_registration merchant = {.merchant_id = "M1",
                                                   .name = "Gone",
                                                   .risk_level = 1,
                                                   .contract_to_day = 10000,
                                                   .state = MERCHANT_STATE_LEFT};
    const struct merchant_registration shop = {.merchant_id = "M2",
                                               .name = "Tea",
                                               .risk_level = 1,
                                               .contract_from_day = 10000,
                                               .state = MERCHANT_STATE_ACTIVE};
    struct desk *desk = desk_share_open(scene->share, reason);
    assert_non_null(desk);
    assert_int_equal(registry_put(desk, REGISTRY_MERCHANT, &merchant, &by), STATUS_OK);
    assert_int_equal(registry_put(desk, REGISTRY_MERCHANT, &shop, &by), STATUS_OK);
    desk_close(desk);
}

static bool is_there(struct call_scene *scene)
{
    char reason[DESK_SHARE_REASON_SIZE];
    struct merchant_registration merchant = {.merchant_id = "M1"};
    struct desk *desk = desk_share_open(scene->share, reason);
    enum status status = registry_find(desk, REGISTRY_MERCHANT, &merchant);
    desk_close(desk);
    return status == STATUS_OK;
}

static void test_what_is_old_goes_between_two_lines(void **state)
{
    struct call_scene *scene = *state;
    char path[96];
    char why[AUDIT_REASON_SIZE];
    char lines[4096] = "";
    snprintf(path, sizeof(path), "%s/audit.log", scene->folder);
    struct audit *audit = audit_open(path, why);
    assert_non_null(audit);
    put_merchants(scene);
    struct day_job *job = day_job_create(scene->share, audit);
    json_t *json = day_job_json(job);
    assert_string_equal(json_string_value(json_object_get(json, "state")), "idle");
    json_decref(json);
    assert_int_equal(day_job_wake(job), STATUS_OK);
    json = end_of(job);
    assert_string_equal(json_string_value(json_object_get(json, "state")), "done");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(json, "counts"), "merchants")), 1);
    assert_int_equal(json_integer_value(json_object_get(json, "visits")), 1);
    json_decref(json);
    day_job_destroy(job);
    audit_close(audit);
    assert_false(is_there(scene));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t length = fread(lines, 1, sizeof(lines) - 1, file);
    lines[length] = '\0';
    fclose(file);
    const char *begun = strstr(lines, "\"begun\"");
    assert_non_null(begun);
    assert_non_null(strstr(begun, "\"done\""));
    assert_non_null(strstr(begun, "1 merchants' files"));
    assert_non_null(strstr(lines, "\"calendar\""));
    assert_non_null(strstr(lines, "1 cases of inspections that are due"));
}

static void test_without_an_audit_file_nothing_goes(void **state)
{
    struct call_scene *scene = *state;
    put_merchants(scene);
    struct day_job *job = day_job_create(scene->share, NULL);
    assert_int_equal(day_job_wake(job), STATUS_OK);
    json_t *json = end_of(job);
    assert_string_equal(json_string_value(json_object_get(json, "state")), "failed");
    assert_non_null(strstr(json_string_value(json_object_get(json, "text")), "nothing is done"));
    json_decref(json);
    day_job_destroy(job); /* ends at once, though a day is left to wait */
    day_job_destroy(NULL);
    assert_true(is_there(scene));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_old_goes_between_two_lines, call_scene_set,
                                        call_scene_strike),
        cmocka_unit_test_setup_teardown(test_without_an_audit_file_nothing_goes, call_scene_set,
                                        call_scene_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
