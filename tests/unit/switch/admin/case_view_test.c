/* Who sees which case: by role, by scope. */
#include "switch/admin/case_view.h"
#include "switch/admin/cell_json.h"
#include "tests/unit/switch/desk/case_scene.h"

static struct token_holder holder(enum role role, const char *merchant_id)
{
    struct token_holder holder = {.name = "ann", .role = role};
    snprintf(holder.scope.merchant_id, sizeof(holder.scope.merchant_id), "%s", merchant_id);
    return holder;
}

static bool sees(struct scene *scene, const struct token_holder *who, uint64_t id)
{
    struct case_line line;
    enum status status = case_view_find(scene->desk, who, id, &line);
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
    return status == STATUS_OK;
}

static void test_after_sales_sees_no_risk_case_and_risk_sees_all(void **state)
{
    struct scene *scene = *state;
    const struct token_holder service = holder(ROLE_AFTER_SALES, "");
    const struct token_holder risk = holder(ROLE_RISK, "");
    uint64_t fault = scene_case(scene, CASE_FAULT, "10000001");
    uint64_t secret = scene_case(scene, CASE_RISK, "10000001");
    assert_true(sees(scene, &service, fault));
    assert_false(sees(scene, &service, secret));
    assert_true(sees(scene, &risk, fault));
    assert_true(sees(scene, &risk, secret));
    assert_false(sees(scene, &risk, 0));
    assert_false(sees(scene, &risk, 99));
    const struct token_holder operator= holder(ROLE_OPERATOR, "");
    assert_true(case_view_may_step(&risk, CASE_RISK));
    assert_true(case_view_may_step(&risk, CASE_TRANSACTION));
    assert_false(case_view_may_step(&risk, CASE_FEE));
    assert_true(case_view_may_step(&service, CASE_FEE));
    assert_true(case_view_may_step(&service, CASE_TRANSACTION));
    assert_false(case_view_may_step(&service, CASE_RISK));
    assert_false(case_view_may_step(&operator, CASE_FAULT));
}

/* Whatever the role of its token is. */
static void test_a_merchant_sees_nothing_that_is_investigated_about_it(void **state)
{
    struct scene *scene = *state;
    static const enum role ROLES[] = {ROLE_AFTER_SALES, ROLE_RISK};
    const struct token_holder agent = holder(ROLE_AFTER_SALES, "M1");
    uint64_t fault = scene_case(scene, CASE_FAULT, "10000001");
    uint64_t secret = scene_case(scene, CASE_RISK, "10000001");
    uint64_t looked_into = scene_case(scene, CASE_TRANSACTION, "10000001");
    assert_true(sees(scene, &agent, looked_into));
    for (size_t i = 0; i < COUNT_OF(ROLES); i++) {
        struct token_holder merchant = holder(ROLES[i], "M1");
        merchant.scope.position = SCOPE_POSITION_MERCHANT;
        assert_true(sees(scene, &merchant, fault));
        assert_false(sees(scene, &merchant, secret));
        assert_false(sees(scene, &merchant, looked_into));
        assert_false(case_view_may_step(&merchant, CASE_RISK));
        assert_false(case_view_may_step(&merchant, CASE_TRANSACTION));
        assert_true(case_view_hides_flag(&merchant, CASE_RISK));
        assert_true(case_view_hides_flag(&merchant, CASE_TRANSACTION));
        assert_int_equal(case_view_hidden_columns(&merchant), CELL_JSON_HASHES | CELL_JSON_RISK);
    }
}

static void test_a_merchant_says_what_a_merchant_does(void **state)
{
    (void)state;
    static const char *const DOES[] = {"OPEN",         "FIRST_STEP",    "AGREE", "DISPUTE",
                                       "QUOTE_ACCEPT", "QUOTE_DECLINE", "SCORE"};
    struct token_holder merchant = holder(ROLE_AFTER_SALES, "M1");
    uint64_t does = 0;
    for (size_t i = 0; i < COUNT_OF(DOES); i++) {
        does |= UINT64_C(1) << case_event_from_name(DOES[i]);
    }
    for (unsigned event = 0; event < CASE_EVENT_COUNT; event++) {
        merchant.scope.position = SCOPE_POSITION_STAFF;
        assert_true(case_view_may_say(&merchant, (enum case_event_kind)event));
        merchant.scope.position = SCOPE_POSITION_MERCHANT;
        assert_int_equal(case_view_may_say(&merchant, (enum case_event_kind)event),
                         does >> event & 1);
    }
    /* A service point's is an engineer's, whatever is written beside it. */
    snprintf(merchant.scope.point_id, sizeof(merchant.scope.point_id), "P1");
    assert_true(case_view_may_say(&merchant, case_event_from_name("FIX")));
}

static void test_a_closed_case_of_ones_own_is_seen(void **state)
{
    struct scene *scene = *state;
    const struct token_holder mine = holder(ROLE_AFTER_SALES, "M1");
    const struct token_holder others = holder(ROLE_AFTER_SALES, "M2");
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    scene_close(scene, id, CASE_OUTCOME_BENIGN);
    assert_true(sees(scene, &mine, id));
    assert_false(sees(scene, &others, id));
}

static bool looks(struct scene *scene, const struct token_holder *who, const char *terminal_id)
{
    struct case_view_terminal view;
    assert_int_equal(case_view_terminal(scene->desk, who, terminal_id, &view), STATUS_OK);
    assert_string_equal(view.merchant_id,
                        view.may && scope_is_narrow(&who->scope) ? who->scope.merchant_id : "");
    return view.may;
}

static void test_a_terminal_is_looked_into_by_whom_an_open_case_gives_the_right(void **state)
{
    struct scene *scene = *state;
    const struct token_holder mine = holder(ROLE_AFTER_SALES, "M1");
    const struct token_holder others = holder(ROLE_AFTER_SALES, "M2");
    const struct token_holder whole = holder(ROLE_AFTER_SALES, "");
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    assert_true(looks(scene, &mine, "10000001"));
    assert_false(looks(scene, &others, "10000001"));
    assert_false(looks(scene, &mine, "10000002"));
    assert_true(looks(scene, &whole, "10000002"));
    scene_close(scene, id, CASE_OUTCOME_BENIGN);
    assert_false(looks(scene, &mine, "10000001"));
}

static void test_a_terminal_that_has_moved_on_is_the_next_merchants(void **state)
{
    struct scene *scene = *state;
    const struct token_holder before = holder(ROLE_AFTER_SALES, "M1");
    const struct terminal_registration terminal = {.terminal_id = "10000001",
                                                   .serial = "SN-1",
                                                   .obtained = OBTAINED_AGENT,
                                                   .state = TERMINAL_STATE_ACTIVE};
    struct registry_binding binding = scene_binding("10000001", "SN-1");
    scene_case(scene, CASE_FAULT, "10000001"); /* of M1 */
    snprintf(binding.binding.merchant_id, sizeof(binding.binding.merchant_id), "M2");
    assert_int_equal(registry_put(scene->desk, REGISTRY_TERMINAL, &terminal, &scene->ann),
                     STATUS_OK);
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &binding, &scene->ann), STATUS_OK);
    assert_false(looks(scene, &before, "10000001"));
}

static void test_a_flag_is_seen_with_its_case(void **state)
{
    struct scene *scene = *state;
    const struct token_holder mine = holder(ROLE_AFTER_SALES, "M1");
    const struct token_holder whole = holder(ROLE_AFTER_SALES, "");
    const struct token_holder risk = holder(ROLE_RISK, "");
    uint64_t fault = scene_case(scene, CASE_FAULT, "10000001");
    uint64_t secret = scene_case(scene, CASE_RISK, "10000001");
    bool may = false;
    assert_int_equal(case_view_flag(scene->desk, &mine, fault, CASE_FAULT, &may), STATUS_OK);
    assert_true(may);
    assert_int_equal(case_view_flag(scene->desk, &mine, 0, CASE_FAULT, &may), STATUS_OK);
    assert_false(may);
    assert_int_equal(case_view_flag(scene->desk, &whole, 0, CASE_FAULT, &may), STATUS_OK);
    assert_true(may);
    assert_int_equal(case_view_flag(scene->desk, &whole, 0, CASE_RISK, &may), STATUS_OK);
    assert_false(may);
    assert_int_equal(case_view_flag(scene->desk, &whole, secret, CASE_RISK, &may), STATUS_OK);
    assert_false(may);
    assert_int_equal(case_view_flag(scene->desk, &risk, secret, CASE_RISK, &may), STATUS_OK);
    assert_true(may);
}

static void test_what_is_asked_for_beside_the_scope_leaves_nothing(void **state)
{
    (void)state;
    const struct token_holder mine = holder(ROLE_AFTER_SALES, "M1");
    struct case_query query = {.merchant_id = "M2"};
    assert_false(case_view_narrow(&mine, &query));
    query = (struct case_query){.merchant_id = "M1"};
    assert_true(case_view_narrow(&mine, &query));
    query = (struct case_query){.case_id = 0};
    assert_true(case_view_narrow(&mine, &query));
    assert_string_equal(query.merchant_id, "M1");
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set, scene_strike)
    const struct CMUnitTest tests[] = {
        SCENE(test_after_sales_sees_no_risk_case_and_risk_sees_all),
        SCENE(test_a_merchant_sees_nothing_that_is_investigated_about_it),
        SCENE(test_a_merchant_says_what_a_merchant_does),
        SCENE(test_a_closed_case_of_ones_own_is_seen),
        SCENE(test_a_terminal_is_looked_into_by_whom_an_open_case_gives_the_right),
        SCENE(test_a_terminal_that_has_moved_on_is_the_next_merchants),
        SCENE(test_a_flag_is_seen_with_its_case),
        SCENE(test_what_is_asked_for_beside_the_scope_leaves_nothing),
    };
    return cmocka_run_group_tests_name("switch/admin/case_view", tests, NULL, NULL);
}
