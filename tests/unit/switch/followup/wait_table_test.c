/* The cases that wait, as they stand in the desk. */
#include "switch/followup/wait_table.h"

#include "tests/unit/switch/desk/case_scene.h"

static uint32_t length_of(const struct wait_item *item)
{
    uint32_t count = 0;
    for (; item != NULL; item = item->next) {
        count++;
    }
    return count;
}

static void test_it_holds_what_the_desk_holds(void **state)
{
    struct scene *scene = *state;
    struct wait_table *table = wait_table_create();
    assert_non_null(table);
    uint64_t first = scene_case(scene, CASE_RISK, "10000001");
    uint64_t other = scene_case(scene, CASE_TRANSACTION, "10000001");
    scene_case(scene, CASE_RISK, "10000002");
    scene_case(scene, CASE_FAULT, "10000003"); /* waits for nothing yet */
    assert_int_equal(wait_table_fill(table, scene->desk), STATUS_OK);
    assert_int_equal(wait_table_count(table), 3);
    const struct wait_item *list = wait_table_find(table, "10000001");
    assert_int_equal(length_of(list), 2);
    assert_true(list->wait.id == first || list->wait.id == other);
    assert_int_equal(length_of(wait_table_find(table, "10000002")), 1);
    assert_null(wait_table_find(table, "10000003"));
    assert_null(wait_table_find(table, ""));
    assert_int_equal(wait_table_fill(table, scene->desk), STATUS_OK); /* anew, not once more */
    assert_int_equal(wait_table_count(table), 3);
    wait_table_destroy(table);
    wait_table_destroy(NULL);
}

static void test_one_terminal_is_refreshed_alone(void **state)
{
    struct scene *scene = *state;
    struct wait_table *table = wait_table_create();
    uint64_t id = scene_case(scene, CASE_RISK, "10000001");
    assert_int_equal(wait_table_fill(table, scene->desk), STATUS_OK);
    struct case_event step = scene_event(CASE_EVENT_FIRST_STEP, CASE_ROLE_STAFF, SCENE_NOW + 1);
    step.step = 1;
    assert_true(scene_step(scene, scene->desk, id, step));
    scene_case(scene, CASE_RISK, "10000002");
    assert_int_equal(wait_table_refresh(table, scene->desk, "10000001"), STATUS_OK);
    assert_null(wait_table_find(table, "10000001"));
    assert_int_equal(wait_table_count(table), 0); /* the other was not asked for */
    assert_int_equal(wait_table_refresh(table, scene->desk, "10000002"), STATUS_OK);
    assert_int_equal(wait_table_count(table), 1);
    wait_table_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_it_holds_what_the_desk_holds, scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_one_terminal_is_refreshed_alone, scene_set,
                                        scene_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
