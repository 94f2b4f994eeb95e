/* What the switch writes into a case by itself. */
#include "switch/followup/case_draft.h"

#include "tests/unit/switch/desk/case_scene.h"

static struct case_rules rules;

static struct merge_answer answer_of(const struct flag *flag)
{
    struct merge_answer answer;
    case_rules_default(&rules);
    case_merge(flag, NULL, 0, &rules, &answer);
    return answer;
}

static void test_what_is_not_registered_stays_empty(void **state)
{
    struct scene *scene = *state;
    struct flag flag = scene_flag(SIGNAL_MAC_FAILURES, "10000001", 5);
    snprintf(flag.serial, sizeof(flag.serial), "SN-7");
    struct merge_answer answer = answer_of(&flag);
    const struct case_draft draft = {scene->desk, &rules, &flag};
    struct service_case it;
    assert_int_equal(case_draft_fill(&draft, &answer, &it), STATUS_OK);
    assert_string_equal(it.subject_id, "10000001");
    assert_string_equal(it.serial, "SN-7");
    assert_string_equal(it.merchant_id, "M1");
    assert_string_equal(it.brand, "");
    assert_string_equal(it.firmware, "");
    assert_int_equal(it.obtained, OBTAINED_UNKNOWN);
    assert_int_equal(it.service_class, SERVICE_P1);
    bool is_known = true;
    struct case_event event;
    it.kind = CASE_RISK;
    assert_int_equal(case_draft_merchant_step(&draft, &it, &event, &is_known), STATUS_OK);
    assert_false(is_known);
}

static void put_merchant(struct scene *scene, enum merchant_state state)
{
    const struct merchant_registration merchant = {
        .merchant_id = "M1", .name = "Tea", .risk_level = 1, .state = state};
    assert_int_equal(registry_put(scene->desk, REGISTRY_MERCHANT, &merchant, &scene->ann),
                     STATUS_OK);
}

static void test_the_registry_answers_the_step_about_the_merchant(void **state)
{
    struct scene *scene = *state;
    struct flag flag = scene_flag(SIGNAL_OUTSIDE_FENCE, "10000001", 5);
    struct merge_answer answer = answer_of(&flag);
    const struct case_draft draft = {scene->desk, &rules, &flag};
    struct service_case it;
    struct case_event event;
    bool is_known = false;
    put_merchant(scene, MERCHANT_STATE_STOPPED);
    assert_int_equal(case_draft_fill(&draft, &answer, &it), STATUS_OK);
    assert_int_equal(case_draft_merchant_step(&draft, &it, &event, &is_known), STATUS_OK);
    assert_true(is_known);
    assert_string_equal(case_first_step(it.kind, event.step)->name, "CHECK_MERCHANT");
    assert_int_equal(event.result, CASE_STEP_DONE);
    assert_string_equal(event.reason, "the merchant is not active");
    put_merchant(scene, MERCHANT_STATE_ACTIVE);
    assert_int_equal(case_draft_merchant_step(&draft, &it, &event, &is_known), STATUS_OK);
    assert_non_null(strstr(event.reason, "in force"));
    it.kind = CASE_FAULT; /* has no such step */
    assert_int_equal(case_draft_merchant_step(&draft, &it, &event, &is_known), STATUS_OK);
    assert_false(is_known);
}

static uint64_t keep(struct scene *scene, struct flag flag)
{
    uint64_t id = 0;
    bool is_new = false;
    assert_int_equal(flag_book_add(scene->desk, &flag, &id, &is_new), STATUS_OK);
    return id;
}

static struct case_event triage_of(struct scene *scene, const struct flag *flag,
                                   const char *cohort_id)
{
    struct merge_answer answer = answer_of(flag);
    const struct case_draft draft = {scene->desk, &rules, flag};
    struct service_case it;
    struct case_event event;
    assert_int_equal(case_draft_fill(&draft, &answer, &it), STATUS_OK);
    assert_int_equal(case_draft_triage(&draft, &it, cohort_id, &event), STATUS_OK);
    return event;
}

/* The signon alone would be keys; with silence before it, it is the network. */
static void test_other_flags_that_stand_speak_about_the_cause(void **state)
{
    struct scene *scene = *state;
    struct flag flag = scene_flag(SIGNAL_NO_SIGNON, "10000001", 10);
    keep(scene, flag);
    assert_string_equal(triage_of(scene, &flag, "").fault, "K1");
    struct flag silent = scene_flag(SIGNAL_SILENT, "10000001", 0);
    silent.evidence_count = 0;
    silent.window_end_us = SCENE_NOW - 4 * SCENE_DAY_US; /* long ago */
    keep(scene, silent);
    assert_string_equal(triage_of(scene, &flag, "").fault, "K1");
    silent.window_end_us = SCENE_NOW - SCENE_DAY_US;
    uint64_t id = keep(scene, silent);
    assert_string_equal(triage_of(scene, &flag, "").fault, "N1");
    assert_int_equal(flag_book_judge(scene->desk, id, CASE_OUTCOME_BENIGN, &scene->ann), STATUS_OK);
    assert_string_equal(triage_of(scene, &flag, "").fault, "K1");
}

static void test_what_was_ruled_out_is_said(void **state)
{
    struct scene *scene = *state;
    struct flag flag = scene_flag(SIGNAL_TIMEOUTS, "10000001", 10);
    keep(scene, flag);
    put_merchant(scene, MERCHANT_STATE_ACTIVE);
    struct case_event event = triage_of(scene, &flag, "");
    assert_string_equal(event.actor, "tillwayd");
    assert_string_equal(event.fault, "N2");
    assert_non_null(strstr(event.reason, "likely N2 slow network, time-outs (T5); channel: not"));
    assert_non_null(strstr(event.reason, "ruled out, others of its brand"));
    assert_true(strlen(event.reason) < sizeof(event.reason));
    /* a cohort that stands is not ruled out */
    struct flag cohort = scene_flag(SIGNAL_COHORT, "", 0);
    cohort.evidence_count = 0;
    cohort.subject = FLAG_OF_COHORT;
    cohort.cohort = COHORT_REGION;
    snprintf(cohort.subject_id, sizeof(cohort.subject_id), "3101");
    keep(scene, cohort);
    event = triage_of(scene, &flag, "3101");
    assert_non_null(strstr(event.reason, "others are ill as well: REGION 3101"));
}

static void test_a_fleets_value_is_taken_apart_by_the_models(void **state)
{
    struct scene *scene = *state;
    static const char *const MODELS[][2] = {{"PAX", "A9"}, {"PAX", "A920"}, {"Hi Sense", "H 1"}};
    for (uint32_t i = 0; i < COUNT_OF(MODELS); i++) {
        struct device_model model = scene_model();
        snprintf(model.brand, sizeof(model.brand), "%s", MODELS[i][0]);
        snprintf(model.model, sizeof(model.model), "%s", MODELS[i][1]);
        assert_int_equal(registry_put(scene->desk, REGISTRY_DEVICE_MODEL, &model, &scene->ann),
                         STATUS_OK);
    }
    static const struct {
        enum cohort_kind kind;
        const char *value, *brand, *model, *firmware;
    } FLEETS[] = {{COHORT_FIRMWARE, "PAX A920 1.2.3", "PAX", "A920", "1.2.3"},
                  {COHORT_MODEL, "PAX A920", "PAX", "A920", ""},
                  {COHORT_FIRMWARE, "Hi Sense H 1 2", "Hi Sense", "H 1", "2"},
                  {COHORT_MODEL, "PAX A92", "", "", ""},
                  {COHORT_BRAND, "PAX", "PAX", "", ""},
                  {COHORT_REGION, "3101", "", "", ""}};
    for (uint32_t i = 0; i < COUNT_OF(FLEETS); i++) {
        struct flag flag = scene_flag(SIGNAL_COHORT, "", 0);
        flag.subject = FLAG_OF_COHORT;
        flag.cohort = FLEETS[i].kind;
        flag.merchant_id[0] = '\0';
        snprintf(flag.subject_id, sizeof(flag.subject_id), "%s", FLEETS[i].value);
        struct merge_answer answer = answer_of(&flag);
        const struct case_draft draft = {scene->desk, &rules, &flag};
        struct service_case it;
        assert_int_equal(case_draft_fill(&draft, &answer, &it), STATUS_OK);
        assert_string_equal(it.brand, FLEETS[i].brand);
        assert_string_equal(it.model, FLEETS[i].model);
        assert_string_equal(it.firmware, FLEETS[i].firmware);
        assert_int_equal(it.is_makers, FLEETS[i].kind != COHORT_REGION);
    }
}

static void test_a_reason_without_room_is_cut(void **state)
{
    (void)state;
    char longer[2 * CASE_REASON_SIZE];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    struct case_event event = case_draft_event(CASE_EVENT_TIME, 5, longer);
    assert_int_equal(strlen(event.reason), CASE_REASON_SIZE - 1);
    assert_int_equal(event.role, CASE_ROLE_SWITCH);
    assert_int_equal(event.wall_us, 5);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, scene_set, scene_strike)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_what_is_not_registered_stays_empty),
        STORY(test_the_registry_answers_the_step_about_the_merchant),
        STORY(test_other_flags_that_stand_speak_about_the_cause),
        STORY(test_what_was_ruled_out_is_said),
        STORY(test_a_fleets_value_is_taken_apart_by_the_models),
        STORY(test_a_reason_without_room_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
