/* What must be done outside: written with its step, done in order, and never lost. */
#include "switch/desk/effect_book.h"

#include "tests/unit/switch/desk/case_scene.h"

#define ROOM 16

struct told {
    uint32_t count;
    struct effect_entry items[ROOM];
};

static struct told pending(struct scene *scene, uint64_t after)
{
    struct told told;
    assert_int_equal(effect_book_pending(scene->desk, after, told.items, ROOM, &told.count),
                     STATUS_OK);
    return told;
}

static void done(struct scene *scene, uint64_t number)
{
    assert_int_equal(effect_book_done(scene->desk, &number, 1), STATUS_OK);
}

static int64_t count_of(struct scene *scene)
{
    return scene_number(scene, "SELECT count(*) FROM case_effect");
}

static void test_a_step_and_what_it_asks_for_are_one_transaction(void **state)
{
    struct scene *scene = *state;
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    struct told told = pending(scene, 0);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.items[0].case_id, id);
    assert_int_equal(told.items[0].wall_us, SCENE_NOW);
    assert_int_equal(told.items[0].effect.kind, CASE_EFFECT_TELL_CASHIER);
    assert_string_equal(told.items[0].effect.text, case_first_step(CASE_FAULT, 1)->zh);
    assert_false(scene_step(scene, scene->desk, id,
                            scene_event(CASE_EVENT_ARRIVE, CASE_ROLE_ENGINEER, SCENE_NOW + 1)));
    assert_int_equal(count_of(scene), 1);
    assert_int_equal(desk_begin(scene->desk), STATUS_OK);
    assert_true(scene_step(scene, scene->desk, id,
                           scene_event(CASE_EVENT_TRIAGE, CASE_ROLE_STAFF, SCENE_NOW + 1)));
    struct case_event dispatch = scene_event(CASE_EVENT_STOP, CASE_ROLE_STAFF, SCENE_NOW + 2);
    assert_false(scene_step(scene, scene->desk, id, dispatch));
    assert_int_equal(desk_end(scene->desk, STATUS_BROKEN), STATUS_BROKEN);
    assert_int_equal(count_of(scene), 1);
}

/* A risk case of severity 4 that is stopped, cleared and stopped anew. */
static uint64_t stopped_case(struct scene *scene)
{
    uint64_t id = scene_case(scene, CASE_RISK, "10000001");
    struct case_event join = scene_event(CASE_EVENT_JOIN, CASE_ROLE_SWITCH, SCENE_NOW + 1);
    join.severity = 4;
    assert_true(scene_step(scene, scene->desk, id, join));
    assert_true(scene_step(scene, scene->desk, id,
                           scene_event(CASE_EVENT_STOP, CASE_ROLE_STAFF, SCENE_NOW + 2)));
    assert_true(scene_step(scene, scene->desk, id,
                           scene_event(CASE_EVENT_CLEAR, CASE_ROLE_STAFF, SCENE_NOW + 3)));
    return id;
}

static const struct effect_entry *first_order(const struct told *told)
{
    for (uint32_t i = 0; i < told->count; i++) {
        if (effect_is_order(told->items[i].effect.kind)) {
            return &told->items[i];
        }
    }
    return NULL;
}

static void test_orders_of_a_case_come_one_after_the_other(void **state)
{
    static const enum case_effect_kind ORDER[] = {CASE_EFFECT_ASK_STATUS, CASE_EFFECT_STOP,
                                                  CASE_EFFECT_TELL_CASHIER, CASE_EFFECT_RESUME,
                                                  CASE_EFFECT_TELL_CASHIER};
    struct scene *scene = *state;
    stopped_case(scene);
    for (uint32_t i = 0; i < COUNT_OF(ORDER); i++) {
        struct told told = pending(scene, 0);
        const struct effect_entry *order = first_order(&told);
        assert_non_null(order);
        assert_int_equal(order->effect.kind, ORDER[i]);
        uint32_t orders = 0;
        for (uint32_t at = 0; at < told.count; at++) {
            orders += effect_is_order(told.items[at].effect.kind);
        }
        assert_int_equal(orders, 1);
        assert_true(told.count > 1); /* messages wait for nobody */
        done(scene, order->number);
        done(scene, order->number); /* twice does nothing */
    }
    struct told told = pending(scene, 0);
    assert_null(first_order(&told));
    uint64_t last = told.items[told.count - 1].number;
    assert_int_equal(pending(scene, last).count, 0);
    for (uint32_t i = 0; i < told.count; i++) {
        done(scene, told.items[i].number);
    }
    scene_case(scene, CASE_FAULT, "10000002");
    assert_true(pending(scene, 0).items[0].number > last); /* no number is used twice */
}

static void test_what_is_asked_for_again_stands_once(void **state)
{
    struct scene *scene = *state;
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    const struct case_effects asked = {
        .count = 2,
        .items = {{CASE_EFFECT_ASK_SIGNON, "again", 0}, {CASE_EFFECT_ASK_SIGNON, "again", 5}}};
    const struct case_effects stops = {.count = 3,
                                       .items = {{CASE_EFFECT_STOP, "odd", 0},
                                                 {CASE_EFFECT_RESUME, "well", 0},
                                                 {CASE_EFFECT_STOP, "odd", 0}}};
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(effect_book_add(scene->desk, id, SCENE_NOW, &asked), STATUS_OK);
    }
    assert_int_equal(count_of(scene), 3);
    assert_int_equal(effect_book_add(scene->desk, id, SCENE_NOW, &stops), STATUS_OK);
    assert_int_equal(count_of(scene), 6); /* the second stop comes after the resume */
    uint64_t other = scene_case(scene, CASE_FAULT, "10000002");
    assert_int_equal(effect_book_add(scene->desk, other, SCENE_NOW, &asked), STATUS_OK);
    assert_int_equal(count_of(scene), 9);
}

/* The stop ends the words that went before it, so they are said anew. */
static void test_a_cashier_is_told_again_behind_a_stop(void **state)
{
    struct scene *scene = *state;
    uint64_t id = scene_case(scene, CASE_SERVICE, "10000001");
    const int64_t before = count_of(scene);
    const struct case_effects words = {.count = 1,
                                       .items = {{CASE_EFFECT_TELL_CASHIER, "leave it", 0}}};
    const struct case_effects stop = {.count = 1, .items = {{CASE_EFFECT_STOP, "odd", 0}}};
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(effect_book_add(scene->desk, id, SCENE_NOW, &words), STATUS_OK);
    }
    assert_int_equal(count_of(scene), before + 1);
    assert_int_equal(effect_book_add(scene->desk, id, SCENE_NOW, &stop), STATUS_OK);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(effect_book_add(scene->desk, id, SCENE_NOW, &words), STATUS_OK);
    }
    assert_int_equal(count_of(scene), before + 3);
}

static void test_a_text_that_was_cut_is_kept_whole_in_its_characters(void **state)
{
    struct scene *scene = *state;
    uint64_t id = scene_case(scene, CASE_RISK, "10000001");
    const struct case_effects cut = {.count = 1,
                                     .items = {{CASE_EFFECT_TELL_MERCHANT, "ab\xE5\x95", 0}}};
    assert_int_equal(effect_book_add(scene->desk, id, SCENE_NOW, &cut), STATUS_OK);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM case_effect WHERE text = 'ab'"), 1);
    scene_sql(scene, "UPDATE case_effect SET kind = 'DANCE' WHERE text = 'ab'");
    struct told told;
    assert_int_equal(effect_book_pending(scene->desk, 0, told.items, ROOM, &told.count),
                     STATUS_MALFORMED);
    assert_non_null(strstr(desk_reason(scene->desk), "kind is no word"));
}

/* --- what waits to be seen ------------------------------------------------------------------ */

static bool note_wait(void *argument, const struct case_wait *wait)
{
    struct scene *scene = argument;
    snprintf(scene->faults[scene->fault_count++], sizeof(scene->faults[0]), "%s %s %s %d",
             wait->terminal_id, case_state_name(wait->state), wait->serial,
             (int)(wait->since_us - SCENE_NOW));
    return scene->fault_count < 3;
}

static void test_cases_wait_for_what_the_switch_sees(void **state)
{
    struct scene *scene = *state;
    const struct case_wait_sink sink = {note_wait, scene};
    /* these are the kinds of CASE_ROW_WAITS */
    for (unsigned kind = 0; kind <= CASE_FEE; kind++) {
        bool is_asked = case_first_step((enum case_kind)kind, 1)->order == CASE_EFFECT_ASK_STATUS;
        assert_int_equal(is_asked, kind == CASE_TRANSACTION || kind == CASE_RISK);
    }
    uint64_t fault = scene_case(scene, CASE_FAULT, "10000001");
    uint64_t risk = scene_case(scene, CASE_RISK, "10000002");
    scene_case(scene, CASE_RISK, "10000003");
    scene_sql(scene, "UPDATE service_case SET terminal_id = '' WHERE id = 3");
    assert_int_equal(case_book_waits(scene->desk, NULL, &sink), STATUS_OK);
    assert_int_equal(scene->fault_count, 1);
    assert_string_equal(scene->faults[0], "10000002 NEW SN-1 0");
    struct case_event step = scene_event(CASE_EVENT_FIRST_STEP, CASE_ROLE_STAFF, SCENE_NOW + 1);
    for (step.step = 1; step.step <= 2; step.step++) {
        assert_true(scene_step(scene, scene->desk, fault, step));
    }
    step.step = 1;
    assert_true(scene_step(scene, scene->desk, risk, step));
    assert_true(scene_step(scene, scene->desk, fault,
                           scene_event(CASE_EVENT_TRIAGE, CASE_ROLE_STAFF, SCENE_NOW + 2)));
    assert_true(scene_step(scene, scene->desk, fault,
                           scene_event(CASE_EVENT_FIX, CASE_ROLE_STAFF, SCENE_NOW + 3)));
    assert_int_equal(case_book_waits(scene->desk, NULL, &sink), STATUS_OK);
    assert_int_equal(scene->fault_count, 2);
    assert_string_equal(scene->faults[1], "10000001 FIXED SN-1 3");
    assert_int_equal(case_book_waits(scene->desk, "10000002", &sink), STATUS_OK);
    assert_int_equal(scene->fault_count, 2);
    assert_int_equal(case_book_waits(scene->desk, "10000001", &sink), STATUS_NO_MEMORY);
}

static void test_a_fleet_is_calm_when_no_flag_comes_after_its_repair(void **state)
{
    struct scene *scene = *state;
    uint64_t ids[4];
    uint32_t count = 9;
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    scene_sql(scene, "UPDATE service_case SET subject = 'cohort', terminal_id = '',"
                     " state = 'FIXED', repaired_us = 1000");
    assert_int_equal(case_book_calm(scene->desk, 999, ids, 4, &count), STATUS_OK);
    assert_int_equal(count, 0);
    assert_int_equal(case_book_calm(scene->desk, 1000, ids, 4, &count), STATUS_OK);
    assert_int_equal(count, 1);
    assert_int_equal(ids[0], id);
    uint64_t flag_id = 0;
    bool is_new = false;
    struct flag flag = scene_flag(SIGNAL_MALFORMED, "10000007", 5);
    assert_int_equal(flag_book_add(scene->desk, &flag, &flag_id, &is_new), STATUS_OK);
    assert_int_equal(case_book_link_flag(scene->desk, id, flag_id), STATUS_OK);
    assert_int_equal(case_book_calm(scene->desk, SCENE_NOW - 1, ids, 4, &count), STATUS_OK);
    assert_int_equal(count, 0);
    assert_int_equal(case_book_calm(scene->desk, SCENE_NOW, ids, 4, &count), STATUS_OK);
    assert_int_equal(count, 1);
}

static void test_what_another_connection_writes_is_noticed(void **state)
{
    struct scene *scene = *state;
    int64_t before = 0;
    int64_t after = 0;
    assert_int_equal(desk_version(scene->desk, &before), STATUS_OK);
    scene_case(scene, CASE_FAULT, "10000001");
    assert_int_equal(desk_version(scene->desk, &after), STATUS_OK);
    assert_int_equal(after, before); /* its own writing is none of others */
    struct desk *other = scene_second(scene);
    assert_true(scene_step(scene, other, 1,
                           scene_event(CASE_EVENT_TRIAGE, CASE_ROLE_STAFF, SCENE_NOW + 1)));
    desk_close(other);
    assert_int_equal(desk_version(scene->desk, &after), STATUS_OK);
    assert_int_not_equal(after, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_step_and_what_it_asks_for_are_one_transaction,
                                        scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_orders_of_a_case_come_one_after_the_other, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_what_is_asked_for_again_stands_once, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_a_cashier_is_told_again_behind_a_stop, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_a_text_that_was_cut_is_kept_whole_in_its_characters,
                                        scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_cases_wait_for_what_the_switch_sees, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_a_fleet_is_calm_when_no_flag_comes_after_its_repair,
                                        scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_what_another_connection_writes_is_noticed, scene_set,
                                        scene_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
