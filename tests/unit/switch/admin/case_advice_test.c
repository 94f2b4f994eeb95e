/* What to do about a terminal: which flags count, whose cohort is ill, which script, who serves. */
#include "switch/admin/case_advice.h"
#include "switch/admin/fee_signed.h"
#include "switch/admin/serve_answer.h"
#include "tests/unit/switch/desk/case_scene.h"

static void put(struct scene *scene, enum registry_kind kind, const void *row)
{
    if (registry_put(scene->desk, kind, row, &scene->ann) != STATUS_OK) {
        fail_msg("%s", desk_reason(scene->desk));
    }
}

static void put_terminal(struct scene *scene)
{
    const struct device_model model = scene_model();
    const struct registry_binding binding = scene_binding("10000001", "SN-1");
    const struct merchant_registration merchant = {.merchant_id = "M1",
                                                   .name = "shop",
                                                   .agent_id = "A17",
                                                   .plan = "SP1",
                                                   .risk_level = 1,
                                                   .state = MERCHANT_STATE_ACTIVE,
                                                   .account_hash =
                                                       "00112233445566778899aabbccddeeff"};
    const struct terminal_registration terminal = {.terminal_id = "10000001",
                                                   .serial = "SN-1",
                                                   .brand = "PAX",
                                                   .model = "A920",
                                                   .firmware = "1.2.0",
                                                   .obtained = OBTAINED_AGENT,
                                                   .sold_day = 20000,
                                                   .state = TERMINAL_STATE_ACTIVE};
    put(scene, REGISTRY_DEVICE_MODEL, &model);
    put(scene, REGISTRY_MERCHANT, &merchant);
    put(scene, REGISTRY_TERMINAL, &terminal);
    put(scene, REGISTRY_BINDING, &binding);
}

static uint64_t add(struct scene *scene, struct flag flag)
{
    uint64_t id = 0;
    bool is_new = false;
    assert_int_equal(flag_book_add(scene->desk, &flag, &id, &is_new), STATUS_OK);
    return id;
}

static struct case_advice advice_of(const char *terminal_id)
{
    struct case_advice advice = {.is_open = true, .now_us = SCENE_NOW + 1000000};
    snprintf(advice.terminal_id, sizeof(advice.terminal_id), "%s", terminal_id);
    return advice;
}

static json_t *ask(struct scene *scene, const struct case_advice *advice)
{
    json_t *answer = json_object();
    assert_int_equal(case_advice_add(scene->desk, advice, answer), STATUS_OK);
    return answer;
}

static const char *text_at(const json_t *answer, const char *first, const char *second)
{
    const char *text = json_string_value(json_object_get(json_object_get(answer, first), second));
    return text == NULL ? "" : text;
}

static void test_flags_lead_to_the_fault_and_its_script(void **state)
{
    struct scene *scene = *state;
    put_terminal(scene);
    add(scene, scene_flag(SIGNAL_TIMEOUTS, "10000001", 50));
    const struct case_advice advice = advice_of("10000001");
    json_t *answer = ask(scene, &advice);
    assert_string_equal(text_at(answer, "self_help", "fault"), "N2");
    assert_string_equal(text_at(answer, "cause", "place"), "terminal");
    assert_true(
        json_is_false(json_object_get(json_object_get(answer, "self_help"), "is_of_model")));
    assert_int_equal(json_array_size(json_object_get(answer, "flags")), 1);
    static const char *const SECRETS[] = {"account_hash", "owner_hash", "owner_card_hash",
                                          "owner_card_2_hash", "credit_code_hash"};
    for (size_t i = 0; i < COUNT_OF(SECRETS); i++) {
        assert_null(json_object_get(json_object_get(answer, "merchant"), SECRETS[i]));
    }
    assert_string_equal(text_at(answer, "merchant", "plan"), "SP1");
    assert_string_equal(text_at(answer, "place", "address"), "1 Nanjing Road");
    assert_string_equal(text_at(answer, "terminal", "model"), "A920");
    json_decref(answer);
    const struct first_aid_script script = {
        .brand = "PAX", .fault = "N2", .step = 1, .zh = "换 SIM", .en = "change the SIM"};
    put(scene, REGISTRY_FIRST_AID, &script); /* of the brand */
    answer = ask(scene, &advice);
    const json_t *steps = json_object_get(json_object_get(answer, "self_help"), "steps");
    assert_int_equal(json_array_size(steps), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(steps, 0), "en")),
                        "change the SIM");
    json_decref(answer);
}

static void test_old_benign_and_hidden_flags_do_not_count(void **state)
{
    struct scene *scene = *state;
    struct flag old = scene_flag(SIGNAL_TIMEOUTS, "10000001", 50);
    old.window_end_us = SCENE_NOW - (CASE_ADVICE_FLAG_DAYS + 1) * SCENE_DAY_US;
    add(scene, old);
    uint64_t benign = add(scene, scene_flag(SIGNAL_SLOW, "10000001", 60));
    assert_int_equal(flag_book_judge(scene->desk, benign, CASE_OUTCOME_BENIGN, &scene->ann),
                     STATUS_OK);
    add(scene, scene_flag(SIGNAL_SERIAL_DIFFERS, "10000001", 70));
    struct case_advice advice = advice_of("10000001");
    advice.hidden_kinds = 1u << CASE_RISK;
    json_t *answer = ask(scene, &advice);
    assert_int_equal(json_array_size(json_object_get(answer, "flags")), 0);
    assert_true(json_is_null(json_object_get(answer, "self_help")));
    json_decref(answer);
    advice.hidden_kinds = 0;
    snprintf(advice.fallback, sizeof(advice.fallback), "K1");
    answer = ask(scene, &advice);
    assert_int_equal(json_array_size(json_object_get(answer, "flags")), 1);
    assert_string_equal(text_at(answer, "self_help", "fault"), "X2"); /* before the fallback */
    json_decref(answer);
}

static void test_flags_of_another_merchants_time_do_not_count(void **state)
{
    struct scene *scene = *state;
    add(scene, scene_flag(SIGNAL_TIMEOUTS, "10000001", 50)); /* of M1 */
    struct case_advice advice = advice_of("10000001");
    snprintf(advice.merchant_id, sizeof(advice.merchant_id), "M2");
    put_terminal(scene);
    json_t *answer = ask(scene, &advice);
    assert_true(json_is_null(json_object_get(answer, "place"))); /* it stands at M1's */
    assert_int_equal(json_array_size(json_object_get(answer, "flags")), 0);
    json_decref(answer);
    snprintf(advice.merchant_id, sizeof(advice.merchant_id), "M1");
    answer = ask(scene, &advice);
    assert_int_equal(json_array_size(json_object_get(answer, "flags")), 1);
    json_decref(answer);
}

static void test_where_no_flag_points_the_fallback_is_taken(void **state)
{
    struct scene *scene = *state;
    struct case_advice advice = advice_of("10000009"); /* not registered */
    snprintf(advice.brand, sizeof(advice.brand), "PAX");
    snprintf(advice.fallback, sizeof(advice.fallback), "K1");
    json_t *answer = ask(scene, &advice);
    assert_string_equal(text_at(answer, "self_help", "fault"), "K1");
    assert_true(json_is_null(json_object_get(answer, "terminal")));
    assert_true(json_is_null(json_object_get(answer, "warranty")));
    json_decref(answer);
}

static void test_a_channel_that_is_down_takes_the_blame(void **state)
{
    struct scene *scene = *state;
    add(scene, scene_flag(SIGNAL_TIMEOUTS, "10000001", 50));
    struct case_advice advice = advice_of("10000001");
    advice.channel = "bank_a";
    advice.is_channel_down = true;
    json_t *answer = ask(scene, &advice);
    assert_string_equal(text_at(answer, "cause", "place"), "channel");
    assert_string_equal(text_at(answer, "cause", "place_name"), "bank_a");
    json_decref(answer);
}

static void test_a_cohort_counts_for_its_own_terminals_only(void **state)
{
    struct scene *scene = *state;
    static const char *const IDS[] = {"PAX A920 1.3.0", "PAX A930 1.3.0", "A17", "3101"};
    static const enum cohort_kind KINDS[] = {COHORT_FIRMWARE, COHORT_FIRMWARE, COHORT_AGENT,
                                             COHORT_REGION};
    put_terminal(scene);
    for (size_t i = 0; i < COUNT_OF(IDS); i++) {
        struct flag flag = scene_flag(SIGNAL_COHORT, IDS[i], 90 + i);
        flag.subject = FLAG_OF_COHORT;
        flag.cohort = KINDS[i];
        flag.terminal_id[0] = '\0';
        add(scene, flag);
    }
    const struct case_advice advice = advice_of("10000001");
    json_t *answer = ask(scene, &advice);
    assert_int_equal(json_array_size(json_object_get(answer, "cohorts")), 3);
    assert_string_equal(text_at(answer, "cause", "place"), "cohort");
    json_decref(answer);
    const struct case_advice other = advice_of("10000002");
    answer = ask(scene, &other);
    assert_int_equal(json_array_size(json_object_get(answer, "cohorts")), 0);
    json_decref(answer);
}

static void test_a_closed_case_shows_its_own_flags(void **state)
{
    struct scene *scene = *state;
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    uint64_t own = add(scene, scene_flag(SIGNAL_TIMEOUTS, "10000001", 50));
    add(scene, scene_flag(SIGNAL_SLOW, "10000001", 60));
    assert_int_equal(case_book_link_flag(scene->desk, id, own), STATUS_OK);
    struct case_advice advice = advice_of("10000001");
    advice.case_id = id;
    json_t *answer = ask(scene, &advice);
    assert_int_equal(json_array_size(json_object_get(answer, "flags")), 2);
    json_decref(answer);
    advice.is_open = false;
    answer = ask(scene, &advice);
    assert_int_equal(json_array_size(json_object_get(answer, "flags")), 1);
    json_decref(answer);
}

static void test_the_warranty_is_asked_about_the_part_and_the_damage(void **state)
{
    struct scene *scene = *state;
    const struct warranty warranty = {.brand = "PAX",
                                      .part = PART_WHOLE,
                                      .months = 36,
                                      .from = WARRANTY_FROM_SOLD,
                                      .exclusions = DAMAGE_BIT(LIQUID),
                                      .labour_minor = 8000,
                                      .part_minor = 20000};
    put_terminal(scene);
    put(scene, REGISTRY_WARRANTY, &warranty);
    struct case_advice advice = advice_of("10000001");
    json_t *answer = ask(scene, &advice);
    assert_true(json_is_true(json_object_get(json_object_get(answer, "warranty"), "is_free")));
    assert_string_equal(text_at(answer, "warranty", "ends"), "2027-10-03");
    json_decref(answer);
    advice.has_damage = true;
    advice.damage = DAMAGE_LIQUID;
    answer = ask(scene, &advice);
    const json_t *found = json_object_get(answer, "warranty");
    assert_true(json_is_false(json_object_get(found, "is_free")));
    assert_int_equal(json_integer_value(json_object_get(found, "cost_minor")), 28000);
    assert_true(json_is_true(json_object_get(found, "needs_acceptance")));
    json_decref(answer);
}

static void test_the_plan_that_was_signed_comes_with_its_history(void **state)
{
    struct scene *scene = *state;
    struct fee_signed terms;
    const struct service_channel brand = {.channel_id = "H0",
                                          .kind = CHANNEL_KIND_HOTLINE,
                                          .brand = "PAX",
                                          .name = "maker",
                                          .weekdays = 0x7F};
    const struct service_channel own = {.channel_id = "H1",
                                        .kind = CHANNEL_KIND_HOTLINE,
                                        .name = "hotline",
                                        .contact = "95516",
                                        .weekdays = 0x7F};
    put_terminal(scene);
    put(scene, REGISTRY_SERVICE_CHANNEL, &brand);
    put(scene, REGISTRY_SERVICE_CHANNEL, &own);
    struct merchant_registration merchant = {.merchant_id = "M1"};
    assert_int_equal(registry_find(scene->desk, REGISTRY_MERCHANT, &merchant), STATUS_OK);
    snprintf(merchant.plan, sizeof(merchant.plan), "FLAT55");
    scene->ann.wall_us = SCENE_NOW + 500;
    put(scene, REGISTRY_MERCHANT, &merchant);
    assert_int_equal(fee_signed_take(scene->desk, "M1", &terms), STATUS_OK);
    assert_string_equal(fee_signed_at(&terms, SCENE_NOW + 499), "SP1");
    assert_string_equal(fee_signed_at(&terms, SCENE_NOW + 500), "FLAT55");
    assert_string_equal(terms.complain, "hotline 95516");
    assert_int_equal(fee_signed_take(scene->desk, "nobody", &terms), STATUS_OK);
    assert_string_equal(fee_signed_at(&terms, SCENE_NOW), "");
}

/* More than there is room for: a case is shown all the same, with the devices that are in stock, be
 * they of more pages than one. */
static void test_a_large_stock_hides_no_case(void **state)
{
    struct scene *scene = *state;
    const struct service_point point = {.point_id = "P1",
                                        .name = "Shop",
                                        .brands = {"PAX"},
                                        .area_code = 310115,
                                        .weekdays = 0x7F,
                                        .is_open = true};
    const struct service_stock stock = {
        .point_id = "P1", .brand = "PAX", .model = "A920", .count = 4};
    put_terminal(scene);
    put(scene, REGISTRY_SERVICE_POINT, &point);
    put(scene, REGISTRY_SERVICE_STOCK, &stock);
    assert_string_equal(
        scene_sql(scene, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                         " WHERE i <= 100000) INSERT INTO service_stock SELECT 'A' || i, 'PAX',"
                         " 'A920', iif(i > 2000, 'printer', 'whole'), 1 FROM n"),
        "");
    const struct case_advice advice = advice_of("10000001");
    json_t *answer = ask(scene, &advice);
    const json_t *points = json_object_get(json_object_get(answer, "serve"), "points");
    assert_int_equal(json_array_size(points), 1);
    const json_t *spares = json_object_get(json_array_get(points, 0), "spares");
    assert_int_equal(json_integer_value(spares), 4);
    json_decref(answer);
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set, scene_strike)
    const struct CMUnitTest tests[] = {
        SCENE(test_flags_lead_to_the_fault_and_its_script),
        SCENE(test_old_benign_and_hidden_flags_do_not_count),
        SCENE(test_flags_of_another_merchants_time_do_not_count),
        SCENE(test_where_no_flag_points_the_fallback_is_taken),
        SCENE(test_a_channel_that_is_down_takes_the_blame),
        SCENE(test_a_cohort_counts_for_its_own_terminals_only),
        SCENE(test_a_closed_case_shows_its_own_flags),
        SCENE(test_the_warranty_is_asked_about_the_part_and_the_damage),
        SCENE(test_a_large_stock_hides_no_case),
        SCENE(test_the_plan_that_was_signed_comes_with_its_history),
    };
    return cmocka_run_group_tests_name("switch/admin/case_advice", tests, NULL, NULL);
}
