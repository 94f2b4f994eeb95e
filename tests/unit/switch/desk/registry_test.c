/* What is registered: found as it was put, with a history; bindings that are only ended. */
#include <sys/stat.h>

#include "tests/unit/switch/desk/desk_scene.h"

static void test_a_row_is_found_as_it_was_put(void **state)
{
    struct scene *scene = *state;
    struct device_model model = scene_model();
    assert_int_equal(registry_put(scene->desk, REGISTRY_DEVICE_MODEL, &model, &scene->ann),
                     STATUS_OK);
    struct device_model found = {.brand = "PAX", .model = "A920"};
    assert_int_equal(registry_find(scene->desk, REGISTRY_DEVICE_MODEL, &found), STATUS_OK);
    assert_memory_equal(&found, &model, sizeof(model));
    struct device_model other = {.brand = "PAX", .model = "S90"};
    assert_int_equal(registry_find(scene->desk, REGISTRY_DEVICE_MODEL, &other), STATUS_NOT_FOUND);
    assert_non_null(strstr(desk_reason(scene->desk), "device_model"));
}

static void note_change(void *argument, const struct registry_change *change)
{
    struct scene *scene = argument;
    snprintf(scene->faults[scene->fault_count++], sizeof(scene->faults[0]), "%s %s: %s -> %s",
             change->actor, change->column, change->before, change->after);
}

static void test_history_says_who_changed_what(void **state)
{
    struct scene *scene = *state;
    struct device_model model = scene_model();
    const struct desk_actor bob = {"bob", SCENE_NOW + 1};
    assert_int_equal(registry_put(scene->desk, REGISTRY_DEVICE_MODEL, &model, &scene->ann),
                     STATUS_OK);
    int64_t before = scene_number(scene, "SELECT count(*) FROM history");
    assert_true(before > 3);
    assert_int_equal(registry_put(scene->desk, REGISTRY_DEVICE_MODEL, &model, &bob), STATUS_OK);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM history"), before);
    snprintf(model.firmware_min, sizeof(model.firmware_min), "1.3.0");
    model.end_of_support_day = 20600;
    assert_int_equal(registry_put(scene->desk, REGISTRY_DEVICE_MODEL, &model, &bob), STATUS_OK);
    assert_int_equal(
        registry_history(scene->desk, REGISTRY_DEVICE_MODEL, &model, note_change, scene),
        STATUS_OK);
    assert_int_equal(scene->fault_count, before + 2);
    assert_string_equal(scene->faults[before], "bob firmware_min: 1.2.0 -> 1.3.0");
    assert_string_equal(scene->faults[before + 1], "bob end_of_support_day:  -> 2026-05-27");
    assert_non_null(strstr(scene_sql(scene, "DELETE FROM history"), "only added to"));
    assert_non_null(strstr(scene_sql(scene, "UPDATE history SET after = 'x'"), "only added to"));
}

static void test_a_member_that_no_row_may_have_is_not_stored(void **state)
{
    struct scene *scene = *state;
    struct merchant_registration merchant = {
        .merchant_id = "M1", .name = "Tea", .mcc = "5812", .risk_level = 4};
    assert_int_equal(registry_put(scene->desk, REGISTRY_MERCHANT, &merchant, &scene->ann),
                     STATUS_BAD_VALUE);
    assert_non_null(
        strstr(desk_reason(scene->desk), "\"risk_level\": expected a number from 1 to 3"));
    merchant.risk_level = 1;
    merchant.contract_from_day = 20500;
    merchant.contract_to_day = 20400;
    assert_int_equal(registry_put(scene->desk, REGISTRY_MERCHANT, &merchant, &scene->ann),
                     STATUS_BAD_VALUE);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM merchant_registration"), 0);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM history"), 0);
}

static void test_a_binding_is_only_ended(void **state)
{
    struct scene *scene = *state;
    struct registry_binding first = scene_binding("10000001", "SN-1");
    struct registry_binding second = scene_binding("10000001", "SN-2");
    struct registry_binding stolen = scene_binding("10000002", "SN-1");
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &first, &scene->ann), STATUS_OK);
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &second, &scene->ann),
                     STATUS_DENIED);
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &stolen, &scene->ann),
                     STATUS_DENIED);
    first.binding.latitude_e3 = 1;
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &first, &scene->ann),
                     STATUS_DENIED);
    assert_non_null(strstr(desk_reason(scene->desk), "latitude_e3 cannot be changed"));
    first.binding.latitude_e3 = 31230;
    first.binding.valid_to_day = 20100;
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &first, &scene->ann), STATUS_OK);
    first.binding.valid_to_day = 0;
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &first, &scene->ann),
                     STATUS_DENIED);
    second.binding.valid_from_day = 20101;
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &second, &scene->ann), STATUS_OK);
    assert_non_null(strstr(scene_sql(scene, "DELETE FROM registry_binding"), "ended"));
    assert_non_null(
        strstr(scene_sql(scene, "UPDATE registry_binding SET merchant_id = 'M2'"), "ended"));
    assert_non_null(
        strstr(scene_sql(scene, "UPDATE registry_binding SET latitude_e3 = 0"), "ended"));
}

static void test_a_terminal_comes_with_its_binding(void **state)
{
    struct scene *scene = *state;
    struct terminal_registration terminal = {.terminal_id = "10000001",
                                             .serial = "SN-1",
                                             .state = TERMINAL_STATE_ACTIVE,
                                             .obtained = OBTAINED_AGENT};
    struct registry_binding binding = scene_binding("10000001", "SN-1");
    assert_int_equal(registry_put(scene->desk, REGISTRY_TERMINAL, &terminal, &scene->ann),
                     STATUS_OK);
    assert_int_equal(registry_find(scene->desk, REGISTRY_TERMINAL, &terminal), STATUS_OK);
    assert_string_equal(terminal.binding.merchant_id, "");
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &binding, &scene->ann), STATUS_OK);
    assert_int_equal(registry_find(scene->desk, REGISTRY_TERMINAL, &terminal), STATUS_OK);
    assert_string_equal(terminal.binding.merchant_id, "M1");
    assert_int_equal(terminal.binding.latitude_e3, 31230);
}

/* People's names and places: whatever the umask lets others read. */
static void test_the_file_is_its_owners_alone(void **state)
{
    struct scene *scene = *state;
    static const char *const ENDINGS[] = {"", "-wal", "-shm"};
    char path[128];
    mode_t before = umask(0);
    desk_close(scene->desk);
    assert_int_equal(unlink(scene->path), 0);
    enum status status = desk_open(&scene->desk, scene->path, scene->reason);
    umask(before);
    assert_int_equal(status, STATUS_OK);
    for (size_t i = 0; i < COUNT_OF(ENDINGS); i++) {
        struct stat file;
        snprintf(path, sizeof(path), "%s%s", scene->path, ENDINGS[i]);
        assert_int_equal(stat(path, &file), 0);
        assert_int_equal(file.st_mode & 07777, 0600);
    }
    assert_int_equal(chmod(scene->path, 0640), 0); /* who shares it on purpose goes on */
    struct desk *second = scene_second(scene);
    struct stat file;
    assert_int_equal(stat(scene->path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0640);
    desk_close(second);
}

static void test_another_program_s_file_is_not_taken(void **state)
{
    struct scene *scene = *state;
    struct desk *other = NULL;
    assert_string_equal(scene_sql(scene, "PRAGMA user_version = 99"), "");
    assert_int_equal(desk_open(&other, scene->path, scene->reason), STATUS_MALFORMED);
    assert_non_null(strstr(scene->reason, "user_version is 99"));
    assert_string_equal(scene_sql(scene, "PRAGMA application_id = 7"), "");
    assert_int_equal(desk_open(&other, scene->path, scene->reason), STATUS_MALFORMED);
    assert_non_null(strstr(scene->reason, "not a database of after-sales"));
    assert_null(other);
}

static void test_what_was_begun_and_not_ended_is_undone(void **state)
{
    struct scene *scene = *state;
    struct device_model model = scene_model();
    struct desk *second = scene_second(scene);
    assert_int_equal(desk_begin(second), STATUS_OK);
    assert_int_equal(registry_put(second, REGISTRY_DEVICE_MODEL, &model, &scene->ann), STATUS_OK);
    desk_close(second); /* as a crash leaves it */
    assert_int_equal(registry_find(scene->desk, REGISTRY_DEVICE_MODEL, &model), STATUS_NOT_FOUND);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM history"), 0);
}

static void test_one_failure_inside_undoes_all(void **state)
{
    struct scene *scene = *state;
    struct device_model model = scene_model();
    assert_int_equal(desk_begin(scene->desk), STATUS_OK);
    assert_int_equal(registry_put(scene->desk, REGISTRY_DEVICE_MODEL, &model, &scene->ann),
                     STATUS_OK);
    assert_int_equal(desk_begin(scene->desk), STATUS_OK);
    assert_int_equal(desk_end(scene->desk, STATUS_DENIED), STATUS_DENIED);
    assert_int_equal(desk_end(scene->desk, STATUS_OK), STATUS_NOT_READY);
    assert_int_equal(registry_find(scene->desk, REGISTRY_DEVICE_MODEL, &model), STATUS_NOT_FOUND);
}

static void test_a_row_that_goes_leaves_its_history(void **state)
{
    struct scene *scene = *state;
    struct device_model model = scene_model();
    struct registry_binding binding = scene_binding("10000001", "SN-1");
    assert_int_equal(registry_remove(scene->desk, REGISTRY_DEVICE_MODEL, &model, &scene->ann),
                     STATUS_NOT_FOUND);
    assert_int_equal(registry_put(scene->desk, REGISTRY_DEVICE_MODEL, &model, &scene->ann),
                     STATUS_OK);
    assert_int_equal(registry_remove(scene->desk, REGISTRY_DEVICE_MODEL, &model, &scene->ann),
                     STATUS_OK);
    assert_int_equal(registry_find(scene->desk, REGISTRY_DEVICE_MODEL, &model), STATUS_NOT_FOUND);
    assert_int_equal(scene_number(scene,
                                  "SELECT count(*) FROM history WHERE after = '' AND before ="
                                  " '1.4.0' AND column_name = 'firmware_latest'"),
                     1);
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &binding, &scene->ann), STATUS_OK);
    assert_int_equal(registry_remove(scene->desk, REGISTRY_BINDING, &binding, &scene->ann),
                     STATUS_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_row_that_goes_leaves_its_history, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_a_row_is_found_as_it_was_put, scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_history_says_who_changed_what, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_a_member_that_no_row_may_have_is_not_stored, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_a_binding_is_only_ended, scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_a_terminal_comes_with_its_binding, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_the_file_is_its_owners_alone, scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_another_program_s_file_is_not_taken, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_what_was_begun_and_not_ended_is_undone, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_one_failure_inside_undoes_all, scene_set,
                                        scene_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
