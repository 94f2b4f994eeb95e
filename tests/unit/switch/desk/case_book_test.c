/* Cases: one transaction a step, a chain that shows every change, two writers at once, queues. */
#include <sys/wait.h>

#include "tests/unit/switch/desk/case_scene.h"

static void note_entry(void *argument, const struct case_entry *entry)
{
    struct scene *scene = argument;
    snprintf(scene->faults[scene->fault_count++], sizeof(scene->faults[0]), "%u %s %s->%s %s",
             entry->number, case_event_name(entry->event.kind), case_state_name(entry->from),
             case_state_name(entry->to), entry->event.reason);
}

static void test_a_case_moves_by_steps_and_its_reading_is_noted(void **state)
{
    struct scene *scene = *state;
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    struct service_case it;
    assert_true(scene_step(scene, scene->desk, id,
                           scene_event(CASE_EVENT_TRIAGE, CASE_ROLE_STAFF, SCENE_NOW + 1)));
    const struct case_sink sink = {note_entry, scene};
    assert_int_equal(case_book_read(scene->desk, id, &scene->ann, &it, &sink), STATUS_OK);
    assert_int_equal(it.state, CASE_STATE_TRIAGED);
    assert_int_equal(it.event_count, 2);
    assert_int_equal(scene->fault_count, 2);
    assert_string_equal(scene->faults[0], "1 OPEN NEW->NEW 商户来电");
    assert_string_equal(scene->faults[1], "2 TRIAGE NEW->TRIAGED 商户来电");
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM reading WHERE actor = 'ann'"), 1);
    assert_non_null(strstr(scene_sql(scene, "DELETE FROM reading"), "only added to"));
    assert_int_equal(case_book_read(scene->desk, 77, &scene->ann, &it, NULL), STATUS_NOT_FOUND);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM reading"), 1);
}

static void test_what_is_refused_leaves_no_trace(void **state)
{
    struct scene *scene = *state;
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    assert_false(scene_step(scene, scene->desk, id,
                            scene_event(CASE_EVENT_ARRIVE, CASE_ROLE_ENGINEER, SCENE_NOW + 1)));
    assert_non_null(strstr(scene->reason, "ARRIVE is not permitted in state NEW"));
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM case_entry"), 1);
    struct case_rules rules;
    struct case_effects effects;
    case_rules_default(&rules);
    struct case_event event = scene_event(CASE_EVENT_TRIAGE, CASE_ROLE_STAFF, SCENE_NOW + 1);
    snprintf(event.reason, sizeof(event.reason), "two\nlines");
    assert_int_equal(case_book_step(scene->desk, id, &event, &rules, &effects), STATUS_BAD_VALUE);
    assert_non_null(strstr(desk_reason(scene->desk), "column \"reason\""));
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM case_entry"), 1);
    assert_int_equal(scene_number(scene, "SELECT event_count FROM service_case"), 1);
    assert_int_equal(case_book_step(scene->desk, 5, &event, &rules, &effects), STATUS_NOT_FOUND);
}

/* A character that was cut is left out, the rest stays. */
static void test_a_reason_that_was_cut_within_a_character_is_kept(void **state)
{
    struct scene *scene = *state;
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    struct case_event event = scene_event(CASE_EVENT_TRIAGE, CASE_ROLE_STAFF, SCENE_NOW + 1);
    snprintf(event.reason, sizeof(event.reason), "ab\xE5\x95");
    assert_true(scene_step(scene, scene->desk, id, event));
    assert_int_equal(scene_number(scene, "SELECT reason = 'ab' FROM case_entry WHERE number = 2"),
                     1);
}

/* Neither in the file nor in what is told of it. */
static void test_a_card_number_in_a_reason_is_masked(void **state)
{
    struct scene *scene = *state;
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    struct case_event event = scene_event(CASE_EVENT_TRIAGE, CASE_ROLE_STAFF, SCENE_NOW + 1);
    snprintf(event.reason, sizeof(event.reason), "卡 6225000000000000148 被吞");
    assert_true(scene_step(scene, scene->desk, id, event));
    assert_int_equal(scene_number(scene, "SELECT reason = '卡 622500*********0148 被吞' FROM"
                                         " case_entry WHERE number = 2"),
                     1);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM event_out WHERE"
                                         " instr(payload, CAST('0000000000148' AS BLOB)) > 0"),
                     0);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM case_effect WHERE"
                                         " instr(text, '0000000000148') > 0"),
                     0);
}

static void expect_break(struct scene *scene, const char *sql, const char *where)
{
    uint64_t count = 0;
    assert_string_equal(scene_sql(scene, sql), "");
    assert_int_equal(case_book_verify(scene->desk, &count), STATUS_MALFORMED);
    assert_non_null(strstr(desk_reason(scene->desk), where));
}

#define OPEN_GATES                                                                                 \
    "DROP TRIGGER IF EXISTS entry_no_update; DROP TRIGGER IF EXISTS entry_no_delete;"              \
    "DROP TRIGGER IF EXISTS case_no_delete;"

static void test_a_chain_shows_what_was_changed(void **state)
{
    struct scene *scene = *state;
    uint64_t count = 0;
    scene_case(scene, CASE_RISK, "10000009");
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    for (int64_t i = 1; i <= 3; i++) {
        struct case_event event =
            scene_event(CASE_EVENT_FIRST_STEP, CASE_ROLE_STAFF, SCENE_NOW + i);
        event.step = 1;
        assert_true(scene_step(scene, scene->desk, id, event));
    }
    assert_int_equal(case_book_verify(scene->desk, &count), STATUS_OK);
    assert_int_equal(count, 5);
    assert_non_null(
        strstr(scene_sql(scene, "UPDATE case_entry SET actor = 'eve'"), "only added to"));
    assert_non_null(strstr(scene_sql(scene, "DELETE FROM case_entry"), "only added to"));
    expect_break(scene,
                 OPEN_GATES "UPDATE case_entry SET actor = 'eve' WHERE case_id = 2 AND number = 3",
                 "case 2, event 3: what it says, or its hash, was changed");
    expect_break(scene,
                 "UPDATE case_entry SET actor = 'bob' WHERE case_id = 2 AND number = 3;"
                 "UPDATE service_case SET state = 'CLOSED' WHERE id = 1",
                 "case 1, event 1: the case is in another state");
    expect_break(scene,
                 "UPDATE service_case SET state = 'NEW' WHERE id = 1;"
                 "CREATE TABLE aside AS SELECT * FROM case_entry WHERE number = 4;"
                 "DELETE FROM case_entry WHERE case_id = 2 AND number = 4",
                 "case 2, event 4: the case does not count");
    expect_break(scene,
                 "INSERT INTO case_entry SELECT * FROM aside;"
                 "DELETE FROM case_entry WHERE case_id = 2 AND number = 2",
                 "case 2, event 2: it is missing");
    expect_break(scene, "DELETE FROM service_case WHERE id = 2", "case 2: it is missing");
}

/* Two processes step the same case a hundred times each: nothing is lost, the chain holds. */
static void step_often(struct scene *scene, struct desk *desk, uint64_t id)
{
    for (int64_t i = 1; i <= 100; i++) {
        struct case_event event =
            scene_event(CASE_EVENT_FIRST_STEP, CASE_ROLE_STAFF, SCENE_NOW + 1);
        event.step = 1;
        assert_true(scene_step(scene, desk, id, event));
    }
}

static void test_two_writers_do_not_lose_a_step(void **state)
{
    struct scene *scene = *state;
    uint64_t count = 0;
    int result = 1;
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    desk_close(scene->desk); /* a connection is not carried over a fork */
    pid_t child = fork();
    assert_true(child >= 0);
    struct desk *desk = scene_second(scene);
    step_often(scene, desk, id);
    desk_close(desk);
    if (child == 0) {
        _exit(0);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    scene->desk = scene_second(scene);
    assert_int_equal(case_book_verify(scene->desk, &count), STATUS_OK);
    assert_int_equal(count, 201);
}

/* Killed between the event and the end of the transaction: case and chain are as before. */
static void test_a_crash_in_the_middle_leaves_the_case_as_it_was(void **state)
{
    struct scene *scene = *state;
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    uint64_t count = 0;
    desk_close(scene->desk);
    scene->desk = NULL;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct desk *desk = scene_second(scene);
        if (desk_begin(desk) != STATUS_OK) {
            _exit(1);
        }
        scene_step(scene, desk, id, scene_event(CASE_EVENT_TRIAGE, CASE_ROLE_STAFF, SCENE_NOW + 1));
        _exit(7); /* no end, no close */
    }
    int result = 0;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(WEXITSTATUS(result), 7);
    scene->desk = scene_second(scene);
    struct service_case it;
    assert_int_equal(case_book_find(scene->desk, id, &it), STATUS_OK);
    assert_int_equal(it.state, CASE_STATE_NEW);
    assert_int_equal(case_book_verify(scene->desk, &count), STATUS_OK);
    assert_int_equal(count, 1);
}

static void test_queues_show_the_most_severe_that_is_due_first(void **state)
{
    struct scene *scene = *state;
    struct case_line lines[8];
    uint32_t count = 0;
    uint64_t ids[8];
    int64_t wake_us = 0;
    uint64_t first = scene_case(scene, CASE_FAULT, "10000001");
    uint64_t risk = scene_case(scene, CASE_RISK, "10000002");
    struct case_event join = scene_event(CASE_EVENT_JOIN, CASE_ROLE_SWITCH, SCENE_NOW + 1);
    join.severity = 3;
    assert_true(scene_step(scene, scene->desk, risk, join));
    struct case_query query = {0};
    assert_int_equal(case_book_queue(scene->desk, &query, lines, 8, &count), STATUS_OK);
    assert_int_equal(count, 2);
    assert_int_equal(lines[0].id, risk);
    assert_int_equal(lines[0].severity, 3);
    assert_string_equal(lines[1].terminal_id, "10000001");
    assert_true(lines[1].due_us > SCENE_NOW);
    query = (struct case_query){.has_kind = true, .kind = CASE_FAULT, .merchant_id = "M1"};
    assert_int_equal(case_book_queue(scene->desk, &query, lines, 8, &count), STATUS_OK);
    assert_int_equal(count, 1);
    assert_int_equal(lines[0].id, first);
    query = (struct case_query){.severity_min = 4};
    assert_int_equal(case_book_queue(scene->desk, &query, lines, 8, &count), STATUS_OK);
    assert_int_equal(count, 0);
    assert_int_equal(case_book_next_wake(scene->desk, &wake_us), STATUS_OK);
    assert_true(wake_us > SCENE_NOW);
    assert_int_equal(case_book_waking(scene->desk, wake_us - 1, ids, 8, &count), STATUS_OK);
    assert_int_equal(count, 0);
    assert_int_equal(case_book_waking(scene->desk, wake_us, ids, 8, &count), STATUS_OK);
    assert_true(count >= 1);
    assert_true(scene_step(scene, scene->desk, ids[0],
                           scene_event(CASE_EVENT_TIME, CASE_ROLE_SWITCH, wake_us)));
    uint32_t later = 0;
    assert_int_equal(case_book_waking(scene->desk, wake_us, ids, 8, &later), STATUS_OK);
    assert_int_equal(later, count - 1); /* told once, asked for later */
}

static void test_a_flag_joins_the_case_that_the_briefs_show(void **state)
{
    struct scene *scene = *state;
    struct case_rules rules;
    struct case_brief items[4];
    struct case_briefs briefs = {items, 4, 0};
    struct merge_answer answer;
    uint64_t flag_id;
    bool is_new;
    case_rules_default(&rules);
    struct flag flag = scene_flag(SIGNAL_TIMEOUTS, "10000001", 500);
    assert_int_equal(case_book_briefs(scene->desk, &flag, &rules, &briefs), STATUS_OK);
    case_merge(&flag, items, briefs.count, &rules, &answer);
    assert_int_equal(answer.verdict, MERGE_OPEN);
    /* flag, case and link in one transaction, as the after-sales thread does it */
    struct service_case it = {.kind = answer.kind,
                              .source = CASE_SOURCE_RULE,
                              .subject = flag.subject,
                              .subject_id = "10000001",
                              .terminal_id = "10000001",
                              .severity = answer.severity,
                              .service_class = case_service_class(answer.severity)};
    memcpy(it.cause, answer.cause, sizeof(it.cause));
    struct case_event event = scene_event(CASE_EVENT_OPEN, CASE_ROLE_SWITCH, SCENE_NOW);
    struct case_effects effects;
    assert_int_equal(desk_begin(scene->desk), STATUS_OK);
    assert_int_equal(flag_book_add(scene->desk, &flag, &flag_id, &is_new), STATUS_OK);
    assert_int_equal(case_book_open(scene->desk, &it, &event, &rules, &effects), STATUS_OK);
    assert_int_equal(case_book_link_flag(scene->desk, it.id, flag_id), STATUS_OK);
    assert_int_equal(case_book_link_txn(scene->desk, it.id, 500), STATUS_OK);
    assert_int_equal(case_book_link_txn(scene->desk, it.id, 500), STATUS_OK);
    assert_int_equal(desk_end(scene->desk, STATUS_OK), STATUS_OK);
    scene_case(scene, CASE_FAULT, "10000008"); /* another's */
    flag.position = 600;
    assert_int_equal(case_book_briefs(scene->desk, &flag, &rules, &briefs), STATUS_OK);
    assert_int_equal(briefs.count, 1);
    assert_int_equal(items[0].flag_count, 1);
    assert_int_equal(items[0].flags[0].position, 500);
    case_merge(&flag, items, briefs.count, &rules, &answer);
    assert_int_equal(answer.verdict, MERGE_JOIN);
    assert_int_equal(answer.case_id, it.id);
    uint64_t positions[2];
    uint32_t count = 0;
    assert_int_equal(case_book_txns(scene->desk, it.id, positions, 2, &count), STATUS_OK);
    assert_int_equal(count, 1);
    assert_int_equal(positions[0], 500);
    assert_int_equal(case_book_link_flag(scene->desk, it.id + 1, flag_id), STATUS_DENIED);
}

static void put_row(struct scene *scene, enum registry_kind kind, const void *row)
{
    assert_int_equal(registry_put(scene->desk, kind, row, &scene->ann), STATUS_OK);
}

/* The newest open cohort among the briefs of a terminal's flag; "": none. */
static const char *cohort_of(struct scene *scene, const char *terminal_id)
{
    static struct case_brief items[16];
    struct case_briefs briefs = {items, 16, 0};
    struct case_rules rules;
    const struct flag flag = scene_flag(SIGNAL_TIMEOUTS, terminal_id, 500);
    case_rules_default(&rules);
    assert_int_equal(case_book_briefs(scene->desk, &flag, &rules, &briefs), STATUS_OK);
    return briefs.count == 0 ? "" : items[0].subject_id;
}

static void test_a_terminal_belongs_to_cohorts_by_what_is_registered(void **state)
{
    struct scene *scene = *state;
    static const struct {
        const char *cause, *value;
        bool is_its;
    } COHORTS[] = {{"BRAND", "PAX", true},           {"BRAND", "PA", false},
                   {"MODEL", "PAX A920", true},      {"MODEL", "PAX A9", false},
                   {"FIRMWARE", "PAX A920 1", true}, {"FIRMWARE", "PAX A9200 1", false},
                   {"AGENT", "A17", true},           {"AGENT", "A1", false},
                   {"REGION", "3101", true},         {"REGION", "3102", false},
                   {"CHANNEL", "bank_a", true},      {"WEATHER", "PAX", false}};
    const struct terminal_registration terminal = {.terminal_id = "10000001",
                                                   .serial = "SN-1",
                                                   .brand = "PAX",
                                                   .model = "A920",
                                                   .state = TERMINAL_STATE_ACTIVE};
    const struct merchant_registration merchant = {.merchant_id = "M1",
                                                   .name = "Tea",
                                                   .agent_id = "A17",
                                                   .risk_level = 1,
                                                   .state = MERCHANT_STATE_ACTIVE};
    const struct registry_binding binding = scene_binding("10000001", "SN-1"); /* of 310115 */
    put_row(scene, REGISTRY_TERMINAL, &terminal);
    put_row(scene, REGISTRY_MERCHANT, &merchant);
    put_row(scene, REGISTRY_BINDING, &binding);
    scene_case(scene, CASE_FAULT, "cohort");
    scene_sql(scene, "UPDATE service_case SET subject = 'cohort', terminal_id = ''");
    for (uint32_t i = 0; i < COUNT_OF(COHORTS); i++) {
        char sql[160];
        snprintf(sql, sizeof(sql), "UPDATE service_case SET cause = '%s', subject_id = '%s'",
                 COHORTS[i].cause, COHORTS[i].value);
        scene_sql(scene, sql);
        assert_string_equal(cohort_of(scene, "10000001"),
                            COHORTS[i].is_its ? COHORTS[i].value : "");
        /* of who is not registered nothing is known */
        assert_string_equal(cohort_of(scene, "20000002"), COHORTS[i].value);
    }
    scene_sql(scene, "UPDATE service_case SET state = 'CLOSED', closed_us = 1, cause = 'CHANNEL'");
    assert_string_equal(cohort_of(scene, "10000001"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_case_moves_by_steps_and_its_reading_is_noted,
                                        scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_what_is_refused_leaves_no_trace, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_a_card_number_in_a_reason_is_masked, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_a_reason_that_was_cut_within_a_character_is_kept,
                                        scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_a_chain_shows_what_was_changed, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_two_writers_do_not_lose_a_step, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_a_crash_in_the_middle_leaves_the_case_as_it_was,
                                        scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_queues_show_the_most_severe_that_is_due_first,
                                        scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_a_terminal_belongs_to_cohorts_by_what_is_registered,
                                        scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_a_flag_joins_the_case_that_the_briefs_show, scene_set,
                                        scene_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
