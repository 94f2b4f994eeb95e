/* The bindings of a swap. */
#include "switch/followup/swap_binding.h"

#include "tests/unit/switch/desk/desk_scene.h"

#define TODAY 20515 /* the day of SCENE_NOW in China */

static struct service_case swapped(const char *terminal_id, const char *serial)
{
    struct service_case it = {.id = 12};
    snprintf(it.terminal_id, sizeof(it.terminal_id), "%s", terminal_id);
    snprintf(it.serial, sizeof(it.serial), "%s", serial);
    return it;
}

static enum status write_swap(struct scene *scene, const char *terminal_id, const char *serial)
{
    struct case_rules rules;
    const struct service_case it = swapped(terminal_id, serial);
    case_rules_default(&rules);
    return swap_binding_write(scene->desk, &it, &rules, SCENE_NOW);
}

static void put_both(struct scene *scene, const char *terminal_id, const char *serial)
{
    struct terminal_registration terminal = {.repair_count = 2, .state = TERMINAL_STATE_ACTIVE};
    struct registry_binding binding = scene_binding(terminal_id, serial);
    snprintf(terminal.terminal_id, sizeof(terminal.terminal_id), "%s", terminal_id);
    snprintf(terminal.serial, sizeof(terminal.serial), "%s", serial);
    assert_int_equal(registry_put(scene->desk, REGISTRY_TERMINAL, &terminal, &scene->ann),
                     STATUS_OK);
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &binding, &scene->ann), STATUS_OK);
}

static void test_one_ends_and_the_other_begins_with_the_same_place(void **state)
{
    struct scene *scene = *state;
    put_both(scene, "10000001", "SN-1");
    for (uint32_t i = 0; i < 2; i++) { /* told twice it is done once */
        assert_int_equal(write_swap(scene, "10000001", "SN-2"), STATUS_OK);
    }
    struct registry_binding binding;
    assert_int_equal(registry_binding_in_force(scene->desk, "10000001", &binding), STATUS_OK);
    assert_string_equal(binding.serial, "SN-2");
    assert_string_equal(binding.binding.merchant_id, "M1");
    assert_string_equal(binding.binding.work_order, "case 12");
    assert_int_equal(binding.binding.latitude_e3, 31230);
    assert_int_equal(binding.binding.valid_from_day, TODAY);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM registry_binding"), 2);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM registry_binding WHERE"
                                         " serial = 'SN-1' AND valid_to_day = '2026-03-03'"),
                     1);
    struct terminal_registration terminal = {.terminal_id = "10000001"};
    assert_int_equal(registry_find(scene->desk, REGISTRY_TERMINAL, &terminal), STATUS_OK);
    assert_string_equal(terminal.serial, "SN-2");
    assert_int_equal(terminal.repair_count, 0);
}

static void test_what_is_bound_elsewhere_changes_nothing(void **state)
{
    struct scene *scene = *state;
    put_both(scene, "10000001", "SN-1");
    put_both(scene, "10000002", "SN-2");
    assert_int_equal(write_swap(scene, "10000001", "SN-2"), STATUS_DENIED);
    assert_non_null(strstr(desk_reason(scene->desk), "has a binding in force"));
    assert_int_equal(
        scene_number(scene, "SELECT count(*) FROM registry_binding WHERE valid_to_day = ''"), 2);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM terminal_registration"
                                         " WHERE serial = 'SN-1'"),
                     1);
}

static void test_a_terminal_that_is_not_registered_is_left(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(write_swap(scene, "10000009", "SN-9"), STATUS_OK);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM registry_binding"), 0);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM terminal_registration"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_ends_and_the_other_begins_with_the_same_place,
                                        scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_what_is_bound_elsewhere_changes_nothing, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_a_terminal_that_is_not_registered_is_left, scene_set,
                                        scene_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
