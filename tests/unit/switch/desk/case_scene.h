/* Flags and cases as the tests of this folder make them. */
#pragma once

#include "switch/desk/case_book.h"
#include "switch/desk/flag_book.h"
#include "tests/unit/switch/desk/desk_scene.h"

static inline struct flag scene_flag(enum signal_code signal, const char *terminal_id,
                                     uint64_t position)
{
    struct flag flag = {.signal = signal,
                        .subject = FLAG_OF_TERMINAL,
                        .merchant_id = "M1",
                        .severity = signal_severity(signal),
                        .window_begin_us = SCENE_NOW - 1000,
                        .window_end_us = SCENE_NOW,
                        .value = 12,
                        .threshold = 10,
                        .position = position,
                        .evidence_count = 2,
                        .evidence = {position - 1, position}};
    snprintf(flag.subject_id, sizeof(flag.subject_id), "%s", terminal_id);
    snprintf(flag.terminal_id, sizeof(flag.terminal_id), "%s", terminal_id);
    return flag;
}

static inline struct case_event scene_event(enum case_event_kind kind, enum case_role role,
                                            int64_t wall_us)
{
    struct case_event event = {.kind = kind,
                               .role = role,
                               .wall_us = wall_us,
                               .actor = "bob",
                               .reason = "商户来电",
                               .outcome = CASE_OUTCOME_CONFIRMED,
                               .result = CASE_STEP_DONE,
                               .terminal_id = "10000001",
                               .serial = "SN-1"};
    return event;
}

/* Gives the number of a case of the terminal, opened now. */
static inline uint64_t scene_case(struct scene *scene, enum case_kind kind, const char *terminal_id)
{
    struct case_rules rules;
    struct case_effects effects;
    struct service_case it = {.kind = kind,
                              .source = CASE_SOURCE_HOTLINE,
                              .subject = FLAG_OF_TERMINAL,
                              .cause = "N1",
                              .merchant_id = "M1",
                              .serial = "SN-1",
                              .severity = 2,
                              .service_class = SERVICE_P2};
    snprintf(it.subject_id, sizeof(it.subject_id), "%s", terminal_id);
    snprintf(it.terminal_id, sizeof(it.terminal_id), "%s", terminal_id);
    case_rules_default(&rules);
    const struct case_event event = scene_event(CASE_EVENT_OPEN, CASE_ROLE_STAFF, SCENE_NOW);
    assert_int_equal(case_book_open(scene->desk, &it, &event, &rules, &effects), STATUS_OK);
    return it.id;
}

static inline bool scene_step(struct scene *scene, struct desk *desk, uint64_t id,
                              struct case_event event)
{
    struct case_rules rules;
    struct case_effects effects;
    case_rules_default(&rules);
    assert_int_equal(case_book_step(desk, id, &event, &rules, &effects), STATUS_OK);
    snprintf(scene->reason, sizeof(scene->reason), "%s", effects.refusal);
    return effects.is_permitted;
}

/* Through its first steps, triage and closing, a minute each. */
static inline void scene_close(struct scene *scene, uint64_t id, enum case_outcome outcome)
{
    int64_t at = SCENE_NOW;
    struct service_case it;
    assert_int_equal(case_book_find(scene->desk, id, &it), STATUS_OK);
    for (uint8_t step = 1; case_first_step(it.kind, step) != NULL; step++) {
        struct case_event tried =
            scene_event(CASE_EVENT_FIRST_STEP, CASE_ROLE_STAFF, at += 60000000);
        tried.step = step;
        assert_true(scene_step(scene, scene->desk, id, tried));
    }
    assert_true(scene_step(scene, scene->desk, id,
                           scene_event(CASE_EVENT_TRIAGE, CASE_ROLE_STAFF, at += 60000000)));
    struct case_event close = scene_event(CASE_EVENT_CLOSE, CASE_ROLE_MANAGER, at + 60000000);
    close.outcome = outcome;
    snprintf(close.closing_code, sizeof(close.closing_code), "DONE");
    bool is_closed = scene_step(scene, scene->desk, id, close);
    assert_string_equal(scene->reason, "");
    assert_true(is_closed);
}
