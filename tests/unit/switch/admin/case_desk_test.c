/* Failures of the desk as answers: what failed just now, never what failed before. */
#include "switch/admin/case_desk.h"

#include "switch/admin/desk_call.h"
#include "tests/unit/switch/desk/case_scene.h"

static void expect(const struct answer *answer, unsigned code, const char *words)
{
    assert_int_equal(answer->code, code);
    if (strstr(answer->detail, words) == NULL) {
        fail_msg("it says: %s", answer->detail);
    }
}

/* The connection is kept: what it said of another call stands there still. */
static void test_what_the_desk_did_not_say_is_not_taken_for_what_it_said_before(void **state)
{
    struct scene *scene = *state;
    static const struct {
        enum status status;
        const char *words;
    } CASES[] = {{STATUS_NO_MEMORY, "no memory; try again"}, {STATUS_NO_ROOM, "more rows than"}};
    struct service_case it;
    assert_int_equal(case_book_find(scene->desk, 99, &it), STATUS_NOT_FOUND);
    assert_non_null(strstr(desk_reason(scene->desk), "99"));
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct answer answer = {0};
        case_desk_problem(scene->desk, CASES[i].status, &answer);
        expect(&answer, 503, CASES[i].words);
        free(answer.body);
        answer = (struct answer){0};
        desk_call_failed(scene->desk, CASES[i].status, &answer);
        expect(&answer, 503, CASES[i].words);
        free(answer.body);
    }
    struct answer answer = {0};
    case_desk_problem(scene->desk, STATUS_NOT_FOUND, &answer);
    expect(&answer, 404, "99");
    assert_null(strstr(answer.detail, "/tmp/"));
    free(answer.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_what_the_desk_did_not_say_is_not_taken_for_what_it_said_before, scene_set,
            scene_strike),
    };
    return cmocka_run_group_tests_name("switch/admin/case_desk", tests, NULL, NULL);
}
