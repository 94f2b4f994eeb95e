/* A clerk at a desk in a temporary folder, with a terminal and its merchant registered, and a sink
 * that notes what it is told. */
#pragma once

#include "switch/followup/clerk.h"
#include "tests/unit/switch/desk/case_scene.h"

#define OFFICE_MINUTE_US INT64_C(60000000)
#define OFFICE_TOLD_MAX 2048

struct office {
    struct scene *scene;
    struct clerk *clerk;
    struct case_rules rules;
    enum clerk_answer answer; /* of the sink to everything */
    uint32_t told_count;
    struct office_told {
        uint64_t number, case_id, campaign_id;
        char terminal_id[9];
        enum case_effect_kind kind;
        int64_t due_us;
        char firmware[9];
        char text[CASE_EFFECT_TEXT_SIZE];
    } told[OFFICE_TOLD_MAX];
    char reason[DESK_REASON_SIZE];
};

static inline enum clerk_answer office_hear(void *argument, const struct clerk_effect *effect)
{
    struct office *office = argument;
    assert_true(office->told_count < OFFICE_TOLD_MAX);
    struct office_told *told = &office->told[office->told_count++];
    *told = (struct office_told){.number = effect->number,
                                 .case_id = effect->service_case->id,
                                 .campaign_id = effect->campaign_id,
                                 .kind = effect->effect->kind,
                                 .due_us = effect->effect->due_us};
    memcpy(told->terminal_id, effect->service_case->terminal_id, sizeof(told->terminal_id));
    memcpy(told->text, effect->effect->text, sizeof(told->text));
    snprintf(told->firmware, sizeof(told->firmware), "%s", effect->firmware);
    return office->answer;
}

static inline void office_open(struct office *office)
{
    const struct clerk_setup setup = {office->scene->desk, &office->rules, office_hear, office};
    assert_int_equal(clerk_create(&office->clerk, &setup, office->reason), STATUS_OK);
}

/* The process ends without a word, and another one begins. */
static inline void office_restart(struct office *office)
{
    clerk_destroy(office->clerk);
    desk_close(office->scene->desk);
    office->scene->desk = scene_second(office->scene);
    office_open(office);
}

static inline void office_register(struct office *office, const char *terminal_id,
                                   const char *serial)
{
    struct scene *scene = office->scene;
    struct terminal_registration terminal = {.brand = "PAX",
                                             .model = "A920",
                                             .firmware = "1.0.0",
                                             .obtained = OBTAINED_AGENT,
                                             .state = TERMINAL_STATE_ACTIVE};
    struct merchant_registration merchant = {.merchant_id = "M1",
                                             .name = "Tea",
                                             .risk_level = 1,
                                             .contract_from_day = 20000,
                                             .state = MERCHANT_STATE_ACTIVE};
    struct registry_binding binding = scene_binding(terminal_id, serial);
    snprintf(terminal.terminal_id, sizeof(terminal.terminal_id), "%s", terminal_id);
    snprintf(terminal.serial, sizeof(terminal.serial), "%s", serial);
    assert_int_equal(registry_put(scene->desk, REGISTRY_TERMINAL, &terminal, &scene->ann),
                     STATUS_OK);
    assert_int_equal(registry_put(scene->desk, REGISTRY_MERCHANT, &merchant, &scene->ann),
                     STATUS_OK);
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &binding, &scene->ann), STATUS_OK);
}

static inline int office_set(void **state)
{
    struct office *office = calloc(1, sizeof(*office));
    void *scene = NULL;
    if (scene_set(&scene) != 0) {
        return 1;
    }
    office->scene = scene;
    office->answer = CLERK_DONE;
    case_rules_default(&office->rules);
    office_register(office, "10000001", "SN-1");
    office_open(office);
    *state = office;
    return 0;
}

static inline int office_strike(void **state)
{
    struct office *office = *state;
    void *scene = office->scene;
    clerk_destroy(office->clerk);
    free(office);
    return scene_strike(&scene);
}

/* Of the terminal, at a moment. */
static inline struct flag office_flag(enum signal_code signal, uint64_t position, int64_t at_us)
{
    struct flag flag = scene_flag(signal, "10000001", position);
    flag.window_end_us = at_us;
    flag.window_begin_us = at_us - OFFICE_MINUTE_US;
    if (position == 0) {
        flag.evidence_count = 0;
    }
    return flag;
}

static inline struct clerk_taken office_take(struct office *office, struct flag flag)
{
    struct clerk_taken taken;
    enum status status = clerk_take(office->clerk, &flag, &taken);
    if (status != STATUS_OK) {
        fail_msg("%s", clerk_reason(office->clerk));
    }
    return taken;
}

static inline void office_see(struct office *office, struct observation seen)
{
    seen.count = 1;
    enum status status = clerk_observe(office->clerk, &seen);
    if (status != STATUS_OK) {
        fail_msg("%s", clerk_reason(office->clerk));
    }
}

/* What the machine's clock says, and how long the clerk has been there. */
static inline void office_clocks(struct office *office, int64_t at_us, uint64_t now_ns)
{
    enum status status = clerk_time(office->clerk, at_us, now_ns);
    if (status != STATUS_OK) {
        fail_msg("%s", clerk_reason(office->clerk));
    }
}

/* Both go on alike from SCENE_NOW. */
static inline void office_time(struct office *office, int64_t at_us)
{
    office_clocks(office, at_us, at_us > SCENE_NOW ? (uint64_t)(at_us - SCENE_NOW) * 1000 : 0);
}

/* Somebody at tillway-admin, by a connection of its own. */
static inline void office_person(struct office *office, uint64_t case_id, struct case_event event)
{
    struct desk *desk = scene_second(office->scene);
    bool is_permitted = scene_step(office->scene, desk, case_id, event);
    desk_close(desk);
    if (!is_permitted) {
        fail_msg("%s", office->scene->reason);
    }
}

static inline struct service_case office_case(struct office *office, uint64_t case_id)
{
    struct service_case it;
    assert_int_equal(case_book_find(office->scene->desk, case_id, &it), STATUS_OK);
    return it;
}

/* How often an effect was told since the notes were emptied. */
static inline uint32_t office_told(const struct office *office, enum case_effect_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < office->told_count; i++) {
        count += office->told[i].kind == kind;
    }
    return count;
}

static inline int64_t office_number(struct office *office, const char *sql)
{
    return scene_number(office->scene, sql);
}

/* Steps of people until the case is FIXED, a minute each from `at_us`. */
static inline int64_t office_fix(struct office *office, uint64_t case_id, int64_t at_us)
{
    for (uint8_t step = 1; step <= 2; step++) {
        struct case_event tried = scene_event(CASE_EVENT_FIRST_STEP, CASE_ROLE_STAFF, at_us);
        tried.step = step;
        office_person(office, case_id, tried);
        at_us += OFFICE_MINUTE_US;
    }
    office_person(office, case_id, scene_event(CASE_EVENT_FIX, CASE_ROLE_STAFF, at_us));
    return at_us;
}
