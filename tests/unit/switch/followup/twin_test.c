/* The clerk and the cases of `tillway-watch replay` decide alike: any flags, in any order, give the
 * same cases. */
#include "switch/watch/case_book.h"

#include "tests/unit/switch/followup/clerk_scene.h"

#define TERMINAL_COUNT 12
#define FLAG_COUNT 400

struct twins {
    struct office *office;
    struct case_book *book; /* of the replay */
    struct terminal_facts facts[TERMINAL_COUNT];
    uint64_t seed;
    int64_t now_us;
    uint64_t position;
    uint32_t counts[MERGE_OPEN + 1];
};

static uint32_t draw(struct twins *twins, uint32_t below)
{
    twins->seed = twins->seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(twins->seed >> 33) % below;
}

static const char *const BRANDS[] = {"PAX", "LANDI"}, *const MODELS[] = {"A920", "A8"};
static const char *const AGENTS[] = {"A1", "A2"};
static const uint32_t AREAS[] = {310115, 110105};

/* A terminal with a merchant of its own, in the registry and as the replay has it. */
static void register_both(struct twins *twins, uint32_t index)
{
    struct scene *scene = twins->office->scene;
    struct terminal_facts *facts = &twins->facts[index];
    snprintf(facts->terminal_id, sizeof(facts->terminal_id), "2%07u", index);
    snprintf(facts->merchant_id, sizeof(facts->merchant_id), "M2%u", index);
    snprintf(facts->brand, sizeof(facts->brand), "%s", BRANDS[index % 2]);
    snprintf(facts->model, sizeof(facts->model), "%s", MODELS[index / 2 % 2]);
    snprintf(facts->agent, sizeof(facts->agent), "%s", AGENTS[index / 4 % 2]);
    facts->area_code = AREAS[index / 3 % 2];
    struct terminal_registration terminal = {.state = TERMINAL_STATE_ACTIVE};
    struct merchant_registration merchant = {
        .name = "Tea", .risk_level = 1, .state = MERCHANT_STATE_ACTIVE};
    memcpy(terminal.terminal_id, facts->terminal_id, sizeof(terminal.terminal_id));
    memcpy(terminal.brand, facts->brand, sizeof(terminal.brand));
    memcpy(terminal.model, facts->model, sizeof(terminal.model));
    snprintf(terminal.serial, sizeof(terminal.serial), "T%u", index);
    memcpy(merchant.merchant_id, facts->merchant_id, sizeof(merchant.merchant_id));
    snprintf(merchant.agent_id, sizeof(merchant.agent_id), "%s", AGENTS[index / 4 % 2]);
    struct registry_binding binding = scene_binding(facts->terminal_id, terminal.serial);
    memcpy(binding.binding.merchant_id, facts->merchant_id, sizeof(binding.binding.merchant_id));
    binding.binding.area_code = facts->area_code;
    assert_int_equal(registry_put(scene->desk, REGISTRY_TERMINAL, &terminal, &scene->ann),
                     STATUS_OK);
    assert_int_equal(registry_put(scene->desk, REGISTRY_MERCHANT, &merchant, &scene->ann),
                     STATUS_OK);
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &binding, &scene->ann), STATUS_OK);
}

static void cohort_value(struct twins *twins, struct flag *flag)
{
    const struct terminal_facts *facts = &twins->facts[draw(twins, TERMINAL_COUNT)];
    char region[16];
    snprintf(region, sizeof(region), "%u", facts->area_code / 100);
    const char *const values[COHORT_KIND_COUNT] = {[COHORT_BRAND] = facts->brand,
                                                   [COHORT_AGENT] = facts->agent,
                                                   [COHORT_REGION] = region,
                                                   [COHORT_CHANNEL] = "bank_a"};
    flag->cohort = (enum cohort_kind)draw(twins, COHORT_KIND_COUNT);
    if (values[flag->cohort] != NULL) {
        snprintf(flag->subject_id, sizeof(flag->subject_id), "%s", values[flag->cohort]);
    } else {
        snprintf(flag->subject_id, sizeof(flag->subject_id), "%s %s%s", facts->brand, facts->model,
                 flag->cohort == COHORT_FIRMWARE ? " 1.2" : "");
    }
}

static struct flag any_flag(struct twins *twins, const struct terminal_facts **facts)
{
    twins->now_us += (int64_t)draw(twins, 3600) * 1000000 + 1;
    enum signal_code signal =
        draw(twins, 12) == 0 ? SIGNAL_COHORT : (enum signal_code)draw(twins, SIGNAL_COUNT);
    struct flag flag = scene_flag(signal, "", ++twins->position);
    flag.window_end_us = twins->now_us;
    flag.window_begin_us = twins->now_us - 1;
    flag.subject = signal_subject(signal);
    flag.is_watched_only = draw(twins, 20) == 0;
    flag.merchant_id[0] = '\0';
    *facts = NULL;
    if (flag.subject == FLAG_OF_COHORT) {
        cohort_value(twins, &flag);
        return flag;
    }
    *facts = &twins->facts[draw(twins, TERMINAL_COUNT)];
    memcpy(flag.terminal_id, (*facts)->terminal_id, sizeof(flag.terminal_id));
    memcpy(flag.merchant_id, (*facts)->merchant_id, sizeof(flag.merchant_id));
    memcpy(flag.subject_id, flag.terminal_id, sizeof(flag.terminal_id));
    if (flag.subject == FLAG_OF_MERCHANT) {
        memcpy(flag.subject_id, flag.merchant_id, sizeof(flag.merchant_id));
    }
    flag.is_fleet_linked = signal_case_kind(signal) == CASE_FAULT && draw(twins, 3) == 0;
    return flag;
}

static void take_both(struct twins *twins)
{
    const struct terminal_facts *facts;
    struct case_taken replayed;
    const struct flag flag = any_flag(twins, &facts);
    twins->office->told_count = 0;
    struct clerk_taken taken = office_take(twins->office, flag);
    assert_int_equal(case_book_take(twins->book, &flag, facts, &replayed), STATUS_OK);
    assert_true(taken.is_new);
    if (taken.verdict != replayed.verdict ||
        (taken.verdict != MERGE_NOTHING && taken.case_id != replayed.case_id)) {
        fail_msg("%s of %s at row %u: verdict %d case %u here, %d case %u in the replay",
                 signal_code_text(flag.signal), flag.subject_id, (unsigned)flag.position,
                 (int)taken.verdict, (unsigned)taken.case_id, (int)replayed.verdict,
                 (unsigned)replayed.case_id);
    }
    twins->counts[taken.verdict]++;
}

static void test_the_same_flags_give_the_same_cases(void **state)
{
    struct twins *twins = calloc(1, sizeof(*twins));
    twins->office = *state;
    twins->book = case_book_create(&twins->office->rules);
    twins->seed = 20260303;
    twins->now_us = SCENE_NOW;
    for (uint32_t i = 0; i < TERMINAL_COUNT; i++) {
        register_both(twins, i);
    }
    for (uint32_t i = 0; i < FLAG_COUNT; i++) {
        take_both(twins);
    }
    for (uint32_t i = 0; i <= MERGE_OPEN; i++) {
        assert_true(twins->counts[i] > FLAG_COUNT / 50); /* each was tried */
    }
    assert_int_equal(office_number(twins->office, "SELECT count(*) FROM service_case"),
                     case_book_count(twins->book));
    case_book_destroy(twins->book);
    free(twins);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_same_flags_give_the_same_cases, office_set,
                                        office_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
