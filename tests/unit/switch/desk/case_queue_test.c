/* Queues: whose cases, which kinds, page by page. */
#include "switch/desk/desk_state.h"
#include "tests/unit/switch/desk/case_scene.h"

static void put_merchant(struct scene *scene, const char *merchant_id, const char *agent_id)
{
    struct merchant_registration merchant = {.name = "shop", .risk_level = 1};
    snprintf(merchant.merchant_id, sizeof(merchant.merchant_id), "%s", merchant_id);
    snprintf(merchant.agent_id, sizeof(merchant.agent_id), "%s", agent_id);
    merchant.state = MERCHANT_STATE_ACTIVE;
    assert_int_equal(registry_put(scene->desk, REGISTRY_MERCHANT, &merchant, &scene->ann),
                     STATUS_OK);
}

static void put_agent(struct scene *scene, const char *agent_id, const char *parent_id)
{
    struct agent agent = {.name = "agent"};
    snprintf(agent.agent_id, sizeof(agent.agent_id), "%s", agent_id);
    snprintf(agent.parent_id, sizeof(agent.parent_id), "%s", parent_id);
    assert_int_equal(registry_put(scene->desk, REGISTRY_AGENT, &agent, &scene->ann), STATUS_OK);
}

static uint64_t open_case(struct scene *scene, enum case_kind kind, const char *merchant_id,
                          uint8_t severity)
{
    struct case_rules rules;
    struct case_effects effects;
    struct service_case it = {.kind = kind,
                              .source = CASE_SOURCE_HOTLINE,
                              .subject = FLAG_OF_MERCHANT,
                              .cause = "x",
                              .severity = severity,
                              .service_class = SERVICE_P2};
    snprintf(it.subject_id, sizeof(it.subject_id), "%s", merchant_id);
    snprintf(it.merchant_id, sizeof(it.merchant_id), "%s", merchant_id);
    case_rules_default(&rules);
    const struct case_event event = scene_event(CASE_EVENT_OPEN, CASE_ROLE_STAFF, SCENE_NOW);
    assert_int_equal(case_book_open(scene->desk, &it, &event, &rules, &effects), STATUS_OK);
    return it.id;
}

static uint32_t count_of(struct scene *scene, const struct case_query *query)
{
    struct case_line lines[32];
    uint32_t count = 0;
    assert_int_equal(case_book_queue(scene->desk, query, lines, 32, &count), STATUS_OK);
    return count;
}

static void test_an_agent_sees_its_own_merchants_and_those_below_it(void **state)
{
    struct scene *scene = *state;
    put_agent(scene, "A1", "");
    put_agent(scene, "A2", "A1");
    put_agent(scene, "A3", "A2");
    put_agent(scene, "B1", "B1"); /* its own parent: the walk ends all the same */
    put_merchant(scene, "M1", "A1");
    put_merchant(scene, "M3", "A3");
    put_merchant(scene, "N1", "B1");
    put_merchant(scene, "N0", "");
    open_case(scene, CASE_FAULT, "M1", 2);
    open_case(scene, CASE_FAULT, "M3", 2);
    uint64_t other = open_case(scene, CASE_FAULT, "N1", 2);
    open_case(scene, CASE_FAULT, "N0", 2);
    open_case(scene, CASE_FAULT, "unregistered", 2);
    assert_int_equal(count_of(scene, &(struct case_query){0}), 5);
    assert_int_equal(count_of(scene, &(struct case_query){.agent_id = "A1"}), 2);
    assert_int_equal(count_of(scene, &(struct case_query){.agent_id = "A3"}), 1);
    assert_int_equal(count_of(scene, &(struct case_query){.agent_id = "B1"}), 1);
    assert_int_equal(count_of(scene, &(struct case_query){.agent_id = "C1"}), 0);
    assert_int_equal(count_of(scene, &(struct case_query){.agent_id = "A1", .case_id = other}), 0);
    assert_int_equal(count_of(scene, &(struct case_query){.agent_id = "B1", .case_id = other}), 1);
    assert_int_equal(count_of(scene, &(struct case_query){.agent_id = "A1", .merchant_id = "N1"}),
                     0);
}

static void test_kinds_can_be_left_out_and_points_asked_for(void **state)
{
    struct scene *scene = *state;
    open_case(scene, CASE_RISK, "M1", 2);
    uint64_t fault = open_case(scene, CASE_FAULT, "M1", 2);
    open_case(scene, CASE_FEE, "M1", 2);
    assert_int_equal(count_of(scene, &(struct case_query){.hidden_kinds = 1u << CASE_RISK}), 2);
    assert_int_equal(
        count_of(scene, &(struct case_query){.hidden_kinds = 1u << CASE_RISK | 1u << CASE_FEE}), 1);
    assert_int_equal(count_of(scene, &(struct case_query){.has_kind = true,
                                                          .kind = CASE_RISK,
                                                          .hidden_kinds = 1u << CASE_RISK}),
                     0);
    assert_string_equal(scene_sql(scene, "UPDATE service_case SET point_id = 'P3' WHERE id = 2"),
                        "");
    assert_int_equal(fault, 2);
    assert_int_equal(count_of(scene, &(struct case_query){.point_id = "P3"}), 1);
    assert_int_equal(count_of(scene, &(struct case_query){.point_id = "P4"}), 0);
}

static void test_closed_cases_are_a_queue_of_their_own(void **state)
{
    struct scene *scene = *state;
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    scene_case(scene, CASE_FAULT, "10000002");
    scene_close(scene, id, CASE_OUTCOME_BENIGN);
    assert_int_equal(count_of(scene, &(struct case_query){0}), 1);
    assert_int_equal(count_of(scene, &(struct case_query){.is_closed_too = true}), 2);
    assert_int_equal(count_of(scene, &(struct case_query){.is_closed_only = true}), 1);
}

static void test_pages_show_each_case_once_in_order(void **state)
{
    struct scene *scene = *state;
    uint64_t seen[9] = {0};
    uint32_t found = 0, count = 0;
    struct case_query query = {0};
    for (uint8_t i = 0; i < 9; i++) {
        open_case(scene, i % 2 == 0 ? CASE_FAULT : CASE_RISK, "M1", (uint8_t)(1 + i % 4));
    }
    /* some whose clock stands still: they are last of their severity */
    assert_string_equal(scene_sql(scene, "UPDATE service_case SET due_us = 0 WHERE id % 3 = 0"),
                        "");
    do {
        struct case_line lines[2];
        assert_int_equal(case_book_queue(scene->desk, &query, lines, 2, &count), STATUS_OK);
        for (uint32_t i = 0; i < count; i++) {
            assert_true(found < 9);
            seen[found++] = lines[i].id;
            query.after = (struct case_mark){lines[i].severity, lines[i].due_us, lines[i].id};
        }
    } while (count == 2);
    assert_int_equal(found, 9);
    struct case_line all[9];
    assert_int_equal(case_book_queue(scene->desk, &(struct case_query){0}, all, 9, &count),
                     STATUS_OK);
    for (uint32_t i = 0; i < 9; i++) {
        assert_int_equal(seen[i], all[i].id);
    }
}

/* SQLite's own count of rows that were looked at one by one says so. */
static void test_one_case_is_found_without_a_look_at_all(void **state)
{
    struct scene *scene = *state;
    struct case_line line;
    uint32_t count = 0;
    uint64_t id = 0;
    for (int i = 0; i < 3; i++) {
        id = scene_case(scene, CASE_FAULT, "10000001");
    }
    const struct case_query query = {.case_id = id, .is_closed_too = true};
    assert_int_equal(case_book_queue(scene->desk, &query, &line, 1, &count), STATUS_OK);
    assert_int_equal(count, 1);
    assert_int_equal(line.id, id);
    uint32_t seen = 0;
    for (sqlite3_stmt *it = NULL; (it = sqlite3_next_stmt(scene->desk->database, it)) != NULL;) {
        if (strstr(sqlite3_sql(it), "id = ?11") != NULL) {
            seen++;
            assert_int_equal(sqlite3_stmt_status(it, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0), 0);
        }
    }
    assert_int_equal(seen, 1);
}

static void test_a_case_says_whether_it_is_held_for_a_court(void **state)
{
    struct scene *scene = *state;
    bool is_kept = true;
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    assert_int_equal(case_book_is_kept(scene->desk, id, &is_kept), STATUS_OK);
    assert_false(is_kept);
    assert_int_equal(case_book_keep(scene->desk, id, &scene->ann, "court"), STATUS_OK);
    assert_int_equal(case_book_is_kept(scene->desk, id, &is_kept), STATUS_OK);
    assert_true(is_kept);
    assert_int_equal(case_book_unkeep(scene->desk, id, &scene->ann), STATUS_OK);
    assert_int_equal(case_book_is_kept(scene->desk, id, &is_kept), STATUS_OK);
    assert_false(is_kept);
}

static void test_readings_are_listed_the_newest_first(void **state)
{
    struct scene *scene = *state;
    struct case_reading readings[2];
    struct service_case it;
    uint32_t count = 9;
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    uint64_t other = scene_case(scene, CASE_FAULT, "10000002");
    assert_int_equal(case_book_readings(scene->desk, id, readings, 2, &count), STATUS_OK);
    assert_int_equal(count, 0);
    for (int i = 0; i < 3; i++) {
        struct desk_actor by = {.wall_us = SCENE_NOW + i};
        snprintf(by.actor, sizeof(by.actor), "reader-%d", i);
        assert_int_equal(case_book_read(scene->desk, id, &by, &it, NULL), STATUS_OK);
    }
    assert_int_equal(case_book_read(scene->desk, other, &scene->ann, &it, NULL), STATUS_OK);
    assert_int_equal(case_book_readings(scene->desk, id, readings, 2, &count), STATUS_OK);
    assert_int_equal(count, 2);
    assert_string_equal(readings[0].actor, "reader-2");
    assert_int_equal(readings[1].wall_us, SCENE_NOW + 1);
}

static enum status look(struct scene *scene, const char *actor, int64_t later_us)
{
    static const uint64_t IDS[] = {1, 2, 99}; /* the last one is no more */
    struct desk_actor by = {.wall_us = SCENE_NOW + later_us};
    snprintf(by.actor, sizeof(by.actor), "%s", actor);
    return case_book_note_lines(scene->desk, &by, IDS, COUNT_OF(IDS));
}

static int64_t reading_count(struct scene *scene)
{
    return scene_number(scene, "SELECT count(*) FROM reading");
}

/* A console that asks every ten seconds writes what one that asks once an hour does. */
static void test_lines_are_noted_once_an_hour_and_reader(void **state)
{
    struct scene *scene = *state;
    scene_case(scene, CASE_FAULT, "10000001");
    scene_case(scene, CASE_FAULT, "10000002");
    for (int64_t later_us = 0; later_us < CASE_LINE_READ_US; later_us += 10000000) {
        assert_int_equal(look(scene, "ann", later_us), STATUS_OK);
    }
    assert_int_equal(reading_count(scene), 2);
    assert_int_equal(look(scene, "bob", 1), STATUS_OK);
    assert_int_equal(reading_count(scene), 4);
    assert_int_equal(look(scene, "ann", CASE_LINE_READ_US), STATUS_OK);
    assert_int_equal(reading_count(scene), 6);
    assert_int_equal(look(scene, "ann", -1), STATUS_OK); /* the clock was set back */
    assert_int_equal(reading_count(scene), 8);
    assert_int_equal(case_book_note_lines(scene->desk, &scene->ann, NULL, 0), STATUS_OK);
}

/* Of a whole case each time; whoever has that is not noted for its line as well. */
static void test_a_case_read_whole_is_noted_each_time(void **state)
{
    struct scene *scene = *state;
    struct service_case it;
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    scene_case(scene, CASE_FAULT, "10000002");
    assert_int_equal(case_book_read(scene->desk, id, &scene->ann, &it, NULL), STATUS_OK);
    assert_int_equal(look(scene, "ann", 1), STATUS_OK);
    assert_int_equal(reading_count(scene), 2);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM reading WHERE case_id = 2"), 1);
    assert_int_equal(case_book_read(scene->desk, id, &scene->ann, &it, NULL), STATUS_OK);
    assert_int_equal(case_book_read(scene->desk, id, &scene->ann, &it, NULL), STATUS_OK);
    assert_int_equal(reading_count(scene), 4);
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set, scene_strike)
    const struct CMUnitTest tests[] = {
        SCENE(test_an_agent_sees_its_own_merchants_and_those_below_it),
        SCENE(test_kinds_can_be_left_out_and_points_asked_for),
        SCENE(test_closed_cases_are_a_queue_of_their_own),
        SCENE(test_pages_show_each_case_once_in_order),
        SCENE(test_one_case_is_found_without_a_look_at_all),
        SCENE(test_a_case_says_whether_it_is_held_for_a_court),
        SCENE(test_readings_are_listed_the_newest_first),
        SCENE(test_lines_are_noted_once_an_hour_and_reader),
        SCENE(test_a_case_read_whole_is_noted_each_time),
    };
    return cmocka_run_group_tests_name("switch/desk/case_queue", tests, NULL, NULL);
}
