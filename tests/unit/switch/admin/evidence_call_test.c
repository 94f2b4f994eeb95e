/* The call for evidence: a file that verifies, or why there is none. */
#include "switch/admin/evidence_call.h"

#include "tests/unit/switch/evidence/bundle_scene.h"

struct call_scene {
    struct bundle_scene *bundle;
    struct desk_share *share;
    struct token_holder holder;
    const char *key;
    struct answer answer;
};

static int call_set(void **state)
{
    struct call_scene *scene = calloc(1, sizeof(*scene));
    void *bundle = NULL;
    if (scene == NULL || bundle_scene_set(&bundle) != 0) {
        return 1;
    }
    scene->bundle = bundle;
    scene->share = desk_share_create(scene->bundle->desk_scene->folder);
    scene->holder = (struct token_holder){.name = "ann", .role = ROLE_AFTER_SALES};
    scene->key = scene->bundle->key_path;
    *state = scene;
    return scene->share == NULL;
}

static void drop_answer(struct call_scene *scene)
{
    if (scene->answer.is_file) {
        close(scene->answer.descriptor);
    }
    free(scene->answer.body);
    scene->answer = (struct answer){0};
}

static int call_strike(void **state)
{
    struct call_scene *scene = *state;
    void *bundle = scene->bundle;
    drop_answer(scene);
    desk_share_destroy(scene->share);
    free(scene);
    return bundle_scene_strike(&bundle);
}

static void ask(struct call_scene *scene, const char *case_id)
{
    const struct call call = {.endpoint = ENDPOINT_EVIDENCE,
                              .parameter = case_id,
                              .operator_name = scene->holder.name,
                              .holder = &scene->holder,
                              .desk = scene->share,
                              .log = scene->bundle->story->folder,
                              .fees = "",
                              .control_socket = "/nonexistent/control.sock",
                              .evidence_key = scene->key};
    drop_answer(scene);
    evidence_call_serve(&call, &scene->answer);
}

static void expect(const struct call_scene *scene, unsigned code, const char *detail)
{
    if (scene->answer.code != code || strstr(scene->answer.detail, detail) == NULL) {
        fail_msg("expected %u, %s; got %u, %s", code, detail, scene->answer.code,
                 scene->answer.detail);
    }
    assert_int_equal(scene->answer.is_file, code == 200);
}

static void test_a_case_comes_as_a_file_that_verifies(void **state)
{
    struct call_scene *scene = *state;
    struct bundle_finding finding;
    ask(scene, "1");
    expect(scene, 200, "case 1, 6 rows, key ");
    assert_string_equal(scene->answer.type, "application/x-tar");
    assert_string_equal(scene->answer.header_value, "attachment; filename=\"case-1.evidence.tar\"");
    FILE *from = fdopen(dup(scene->answer.descriptor), "r");
    assert_non_null(from);
    bundle_check(from, &scene->bundle->public, scene->bundle->story->folder, &finding);
    assert_string_equal(finding.reason, "");
    assert_int_equal(ftell(from), scene->answer.length);
    fclose(from);
    assert_string_equal(finding.exported_by, "ann");
    assert_int_equal(finding.compared_count, 6);
    assert_int_equal(scene_number(scene->bundle->desk_scene, "SELECT count(*) FROM reading"), 1);
}

static void test_without_a_key_it_is_told_how_to_make_one(void **state)
{
    struct call_scene *scene = *state;
    scene->key = "";
    ask(scene, "1");
    expect(scene, 409, "openssl genpkey -algorithm ed25519");
    scene->key = scene->bundle->key_path;
    assert_int_equal(chmod(scene->key, 0644), 0);
    ask(scene, "1");
    expect(scene, 503, "chmod 600");
    assert_int_equal(scene_number(scene->bundle->desk_scene, "SELECT count(*) FROM reading"), 0);
}

static void test_cases_that_cannot_be_had_are_told(void **state)
{
    struct call_scene *scene = *state;
    static const char *const NUMBERS[] = {"0", "x", "", "99999999999999999999", "-1"};
    for (uint32_t i = 0; i < COUNT_OF(NUMBERS); i++) {
        ask(scene, NUMBERS[i]);
        expect(scene, 400, "expected the number of a case");
    }
    ask(scene, "7");
    expect(scene, 404, "no case has the number 7");
    assert_string_equal(scene_sql(scene->bundle->desk_scene,
                                  "INSERT INTO retired (wall_us, actor, class, key_1, key_2, key_3,"
                                  " detail) VALUES (0, 'night', 'case', '7', '', '', 'events 3')"),
                        "");
    ask(scene, "7");
    expect(scene, 404, "case 7 was erased on 1970-01-01 by night");
}

static void test_a_case_of_risk_is_shown_to_risk_alone(void **state)
{
    struct call_scene *scene = *state;
    uint64_t risk = scene_case(scene->bundle->desk_scene, CASE_RISK, "10000009");
    assert_int_equal(risk, 2);
    ask(scene, "2");
    expect(scene, 404, "no case has the number 2");
    scene->holder.role = ROLE_RISK;
    ask(scene, "2");
    expect(scene, 200, "case 2, 0 rows");
    assert_int_equal(scene_number(scene->bundle->desk_scene, "SELECT count(*) FROM reading"), 1);
}

static void test_what_does_not_prove_itself_is_no_evidence(void **state)
{
    struct call_scene *scene = *state;
    assert_string_equal(scene_sql(scene->bundle->desk_scene,
                                  "DROP TRIGGER entry_no_update;"
                                  "UPDATE case_entry SET actor = 'eve' WHERE number = 2"),
                        "");
    ask(scene, "1");
    expect(scene, 409, "one was changed, put in or taken out");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, call_set, call_strike)
    const struct CMUnitTest tests[] = {
        TEST(test_a_case_comes_as_a_file_that_verifies),
        TEST(test_without_a_key_it_is_told_how_to_make_one),
        TEST(test_cases_that_cannot_be_had_are_told),
        TEST(test_a_case_of_risk_is_shown_to_risk_alone),
        TEST(test_what_does_not_prove_itself_is_no_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
