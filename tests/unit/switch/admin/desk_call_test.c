/* Days, numbers and cells as people send them to calls of the desk. */
#include "switch/admin/desk_call.h"

#include "switch/desk/cell_table.h"
#include "tests/unit/switch/admin/desk_call_scene.h"

static struct call call_of(struct call_scene *scene)
{
    return (struct call){.desk = scene->share,
                         .holder = &scene->holder,
                         .operator_name = scene->holder.name,
                         .option = call_scene_option,
                         .connection = scene};
}

static void test_days_are_days_of_the_calendar(void **state)
{
    struct call_scene *scene = *state;
    const struct call call = call_of(scene);
    static const char *const wrong[] = {"",           "2026-02-30", "2026-1-1",   "20260101",
                                        "1970-01-01", "today",      "2026-01-01 "};
    char text[DESK_CALL_DAY_SIZE];
    int32_t day = 7;
    assert_true(desk_call_day(&call, "day", &day, &scene->answer)); /* absent: as it was */
    assert_int_equal(day, 7);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        scene->option_count = 0;
        call_scene_with(scene, "day", wrong[i]);
        assert_false(desk_call_day(&call, "day", &day, &scene->answer));
        assert_int_equal(scene->answer.code, 400);
        assert_int_equal(day, 7);
    }
    scene->option_count = 0;
    call_scene_with(scene, "day", "2026-03-03");
    assert_true(desk_call_day(&call, "day", &day, &scene->answer));
    assert_int_equal(day, 20515);
    desk_call_day_text(day, text);
    assert_string_equal(text, "2026-03-03");
    desk_call_day_text(0, text);
    assert_string_equal(text, "");
    assert_true(desk_call_today() > 20515);
}

static void test_numbers_have_a_range(void **state)
{
    struct call_scene *scene = *state;
    const struct call call = call_of(scene);
    const struct desk_call_range range = {1, 3650};
    static const char *const wrong[] = {"", "0", "3651", "-1", "1.5", "99999999999", "1 "};
    uint32_t number = 7;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        scene->option_count = 0;
        call_scene_with(scene, "days", wrong[i]);
        assert_false(desk_call_number(&call, "days", range, &number, &scene->answer));
        assert_int_equal(number, 7);
    }
    scene->option_count = 0;
    call_scene_with(scene, "days", "3650");
    assert_true(desk_call_number(&call, "days", range, &number, &scene->answer));
    assert_int_equal(number, 3650);
}

static void test_cells_are_texts_numbers_and_truths(void **state)
{
    char text[CELL_TEXT_SIZE];
    json_t *list = json_pack("[s, I, b, b, f, n, []]", "a", (json_int_t)-5, 1, 0, 1.5);
    static const char *const expected[] = {"a", "-5", "yes", "no", NULL, NULL, NULL};
    (void)state;
    assert_non_null(list);
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        const char *cell = desk_call_cell(json_array_get(list, i), text);
        if (expected[i] == NULL) {
            assert_null(cell);
        } else {
            assert_string_equal(cell, expected[i]);
        }
    }
    json_decref(list);
}

static void test_failures_become_codes_without_the_files_place(void **state)
{
    struct call_scene *scene = *state;
    static const struct {
        enum status status;
        unsigned code;
    } cases[] = {{STATUS_NOT_FOUND, 404}, {STATUS_DENIED, 409},  {STATUS_DUPLICATE, 409},
                 {STATUS_BAD_VALUE, 422}, {STATUS_EXPIRED, 503}, {STATUS_BROKEN, 503}};
    struct registry_binding binding = {.terminal_id = "10000001"};
    const struct desk_actor by = {"ann", 1};
    const struct call call = call_of(scene);
    struct desk *desk = desk_call_open(&call, &scene->answer);
    assert_non_null(desk);
    assert_int_equal(registry_unbind(desk, 1, &by, &binding), STATUS_NOT_FOUND);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        desk_call_failed(desk, cases[i].status, &scene->answer);
        assert_int_equal(scene->answer.code, cases[i].code);
        assert_non_null(strstr(scene->answer.detail, "no such row"));
        assert_null(strstr(scene->answer.detail, scene->folder));
    }
    desk_close(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_days_are_days_of_the_calendar, call_scene_set,
                                        call_scene_strike),
        cmocka_unit_test_setup_teardown(test_numbers_have_a_range, call_scene_set,
                                        call_scene_strike),
        cmocka_unit_test(test_cells_are_texts_numbers_and_truths),
        cmocka_unit_test_setup_teardown(test_failures_become_codes_without_the_files_place,
                                        call_scene_set, call_scene_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
