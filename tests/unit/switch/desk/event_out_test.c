/* The outbox: an event for each thing that happened, in its transaction, in order, and gone only
 * from the old end when nobody waits for it. */
#include "switch/desk/event_out.h"

#include "protocols/aftersales_event.pb-c.h"
#include "switch/desk/desk_schema.h"
#include "switch/desk/event_note.h"
#include "switch/desk/retire.h"
#include "tests/unit/switch/desk/case_scene.h"

#define LINE_COUNT_MAX 64
struct lines {
    uint32_t count, room;
    enum event_out_kind kinds[LINE_COUNT_MAX];
    char subjects[LINE_COUNT_MAX][40];
    Aftersales__Event *events[LINE_COUNT_MAX];
};

static bool keep_line(void *argument, const struct event_line *line)
{
    struct lines *lines = argument;
    if (lines->count == lines->room) {
        return false;
    }
    lines->kinds[lines->count] = line->kind;
    snprintf(lines->subjects[lines->count], sizeof(lines->subjects[0]), "%s", line->subject);
    Aftersales__Event *event = aftersales__event__unpack(NULL, line->length, line->payload);
    assert_non_null(event);
    assert_int_equal(event->number, line->number);
    assert_int_equal(event->wall_us, line->wall_us);
    assert_string_equal(event->case_kind, case_kind_name(line->case_kind));
    lines->events[lines->count++] = event;
    return true;
}

static void lines_read(struct scene *scene, struct lines *lines, uint64_t after)
{
    const struct event_sink sink = {keep_line, lines};
    uint32_t count = 0;
    *lines = (struct lines){.room = LINE_COUNT_MAX};
    assert_int_equal(event_out_read(scene->desk, after, LINE_COUNT_MAX, &sink, &count), STATUS_OK);
    assert_int_equal(count, lines->count);
}

static void lines_free(struct lines *lines)
{
    for (uint32_t i = 0; i < lines->count; i++) {
        aftersales__event__free_unpacked(lines->events[i], NULL);
    }
}

static uint64_t flag_add(struct scene *scene, struct flag flag)
{
    uint64_t id = 0;
    bool is_new = false;
    assert_int_equal(flag_book_add(scene->desk, &flag, &id, &is_new), STATUS_OK);
    return id;
}

static void test_a_flag_is_told_once_with_all_that_it_says(void **state)
{
    struct scene *scene = *state;
    struct lines lines;
    struct flag flag = scene_flag(SIGNAL_TIMEOUTS, "10000001", 500);
    uint64_t id = flag_add(scene, flag);
    assert_int_equal(flag_add(scene, flag), id);
    lines_read(scene, &lines, 0);
    assert_int_equal(lines.count, 1);
    assert_int_equal(lines.kinds[0], EVENT_OUT_FLAG);
    assert_string_equal(lines.subjects[0], "10000001");
    assert_int_equal(lines.events[0]->number, 1);
    assert_int_equal(lines.events[0]->wall_us, SCENE_NOW);
    assert_int_equal(lines.events[0]->what_case, AFTERSALES__EVENT__WHAT_FLAG);
    const Aftersales__Flag *told = lines.events[0]->flag;
    assert_int_equal(told->id, id);
    assert_string_equal(told->signal, "T5");
    assert_string_equal(told->signal_name, "TIMEOUTS");
    assert_string_equal(told->sentence, signal_text(SIGNAL_TIMEOUTS, false));
    assert_string_equal(told->sentence_zh, "同类终端正常,本机超时");
    assert_string_equal(told->subject, "terminal");
    assert_null(told->cohort);
    assert_null(told->serial);
    assert_string_equal(told->merchant_id, "M1");
    assert_string_equal(told->follow_up, "SERVICE");
    assert_string_equal(told->case_kind, "FAULT");
    assert_int_equal(told->severity, 2);
    assert_false(told->is_watched_only);
    assert_int_equal(told->window_begin_us, SCENE_NOW - 1000);
    assert_int_equal(told->value, 12);
    assert_int_equal(told->threshold, 10);
    assert_int_equal(told->position, 500);
    assert_int_equal(told->n_evidence, 2);
    assert_int_equal(told->evidence[1], 500);
    lines_free(&lines);
}

static void test_a_flag_says_what_the_rules_in_force_ask_for(void **state)
{
    struct scene *scene = *state;
    struct lines lines;
    struct case_rules rules;
    case_rules_default(&rules);
    rules.follow_ups[SIGNAL_TIMEOUTS] = FOLLOW_UP_VISIT;
    desk_set_case_rules(scene->desk, &rules);
    flag_add(scene, scene_flag(SIGNAL_TIMEOUTS, "10000001", 500));
    lines_read(scene, &lines, 0);
    assert_string_equal(lines.events[0]->flag->follow_up, "VISIT");
    lines_free(&lines);
}

static void test_a_cohort_s_flag_says_by_what_it_is_told_apart(void **state)
{
    struct scene *scene = *state;
    struct lines lines;
    struct flag flag = scene_flag(SIGNAL_COHORT, "", 0);
    snprintf(flag.subject_id, sizeof(flag.subject_id), "PAX A920 1.2.3");
    flag.subject = FLAG_OF_COHORT;
    flag.cohort = COHORT_FIRMWARE;
    flag.is_watched_only = true;
    flag.value = -5;
    flag_add(scene, flag);
    lines_read(scene, &lines, 0);
    assert_string_equal(lines.events[0]->flag->cohort, "FIRMWARE");
    assert_string_equal(lines.events[0]->flag->subject_id, "PAX A920 1.2.3");
    assert_null(lines.events[0]->flag->terminal_id);
    assert_true(lines.events[0]->flag->is_watched_only);
    assert_int_equal(lines.events[0]->flag->value, -5);
    lines_free(&lines);
}

static void test_a_case_tells_each_step_and_what_it_is_after_it(void **state)
{
    struct scene *scene = *state;
    struct lines lines;
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    scene_close(scene, id, CASE_OUTCOME_BENIGN);
    lines_read(scene, &lines, 0);
    assert_int_equal(lines.kinds[0], EVENT_OUT_CASE_OPENED);
    const Aftersales__CaseEvent *opened = lines.events[0]->case_opened;
    assert_non_null(opened);
    assert_int_equal(opened->number, 1);
    assert_string_equal(opened->kind, "OPEN");
    assert_string_equal(opened->actor, "bob");
    assert_string_equal(opened->reason, "商户来电");
    assert_null(opened->second_actor);
    assert_false(opened->has_step);
    assert_null(opened->result);
    assert_string_equal(opened->service_case->state, "NEW");
    assert_string_equal(opened->service_case->service_class, "P2");
    assert_string_equal(opened->service_case->steps[0], "open");
    assert_true(opened->service_case->due_us > SCENE_NOW);
    const Aftersales__CaseEvent *tried = lines.events[1]->case_event;
    assert_string_equal(tried->kind, "FIRST_STEP");
    assert_true(tried->has_step);
    assert_int_equal(tried->step, 1);
    assert_string_equal(tried->result, "done");
    assert_string_equal(tried->service_case->steps[0], "done");
    const Aftersales__CaseEvent *closed = lines.events[lines.count - 1]->case_event;
    assert_int_equal(lines.kinds[lines.count - 1], EVENT_OUT_CASE_EVENT);
    assert_string_equal(closed->kind, "CLOSE");
    assert_string_equal(closed->to_state, "CLOSED");
    assert_int_equal(closed->number, lines.count);
    assert_int_equal(closed->service_case->id, id);
    assert_string_equal(closed->service_case->state, "CLOSED");
    assert_string_equal(closed->service_case->outcome, "benign");
    assert_int_equal(closed->service_case->due_us, 0);
    assert_int_equal(closed->service_case->event_count, lines.count);
    for (uint32_t i = 0; i < lines.count; i++) {
        assert_int_equal(lines.events[i]->number, i + 1);
    }
    lines_free(&lines);
}

static void test_what_a_case_asks_of_people_is_told(void **state)
{
    struct scene *scene = *state;
    struct lines lines;
    struct service_case it;
    uint64_t id = scene_case(scene, CASE_RISK, "10000001");
    assert_int_equal(case_book_find(scene->desk, id, &it), STATUS_OK);
    struct case_effect effect = {CASE_EFFECT_TELL_MANAGER, "80 % of the time is up", SCENE_NOW + 5};
    const struct event_note_message message = {77, SCENE_NOW + 3, &effect, &it};
    assert_int_equal(desk_begin(scene->desk), STATUS_OK);
    assert_int_equal(desk_end(scene->desk, event_note_message(scene->desk, &message)), STATUS_OK);
    lines_read(scene, &lines, 0);
    assert_int_equal(lines.kinds[lines.count - 1], EVENT_OUT_CASE_MESSAGE);
    assert_string_equal(lines.subjects[lines.count - 1], it.subject_id);
    assert_string_equal(lines.events[lines.count - 1]->case_kind, "RISK");
    assert_int_equal(lines.events[lines.count - 1]->wall_us, SCENE_NOW + 3);
    const Aftersales__CaseMessage *told = lines.events[lines.count - 1]->case_message;
    assert_non_null(told);
    assert_int_equal(told->message, 77);
    assert_int_equal(told->case_id, id);
    assert_string_equal(told->kind, "TELL_MANAGER");
    assert_string_equal(told->sentence, case_effect_text(CASE_EFFECT_TELL_MANAGER));
    assert_string_equal(told->text, "80 % of the time is up");
    assert_int_equal(told->due_us, SCENE_NOW + 5);
    assert_string_equal(told->terminal_id, it.terminal_id);
    assert_null(told->engineer);
    lines_free(&lines);
}

static void test_links_and_judgements_are_told_once(void **state)
{
    struct scene *scene = *state;
    struct lines lines;
    uint64_t case_id = scene_case(scene, CASE_FAULT, "10000001");
    uint64_t linked = flag_add(scene, scene_flag(SIGNAL_TIMEOUTS, "10000001", 5));
    uint64_t loose = flag_add(scene, scene_flag(SIGNAL_WRONG_PINS, "10000002", 6));
    assert_int_equal(case_book_link_flag(scene->desk, case_id, linked), STATUS_OK);
    assert_int_equal(case_book_link_flag(scene->desk, case_id, linked), STATUS_OK);
    assert_int_equal(flag_book_judge(scene->desk, loose, CASE_OUTCOME_CONFIRMED, &scene->ann),
                     STATUS_OK);
    assert_int_equal(flag_book_judge(scene->desk, linked, CASE_OUTCOME_CONFIRMED, &scene->ann),
                     STATUS_DENIED);
    lines_read(scene, &lines, 3);
    assert_int_equal(lines.count, 2);
    assert_int_equal(lines.kinds[0], EVENT_OUT_FLAG_LINKED);
    assert_int_equal(lines.events[0]->flag_linked->flag_id, linked);
    assert_int_equal(lines.events[0]->flag_linked->case_id, case_id);
    assert_string_equal(lines.subjects[0], "10000001");
    assert_string_equal(lines.events[0]->case_kind, "FAULT");
    assert_string_equal(lines.events[1]->case_kind, "RISK");
    assert_int_equal(lines.kinds[1], EVENT_OUT_FLAG_JUDGED);
    assert_int_equal(lines.events[1]->flag_judged->flag_id, loose);
    assert_string_equal(lines.events[1]->flag_judged->outcome, "confirmed");
    assert_string_equal(lines.events[1]->flag_judged->actor, "ann");
    assert_string_equal(lines.subjects[1], "10000002");
    lines_free(&lines);
}

/* Neither is there without the other, and the number is given to the next that happens. */
static void test_what_is_undone_or_refused_leaves_no_event(void **state)
{
    struct scene *scene = *state;
    struct lines lines;
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    assert_int_equal(desk_begin(scene->desk), STATUS_OK);
    assert_true(scene_step(scene, scene->desk, id,
                           scene_event(CASE_EVENT_TRIAGE, CASE_ROLE_STAFF, SCENE_NOW + 1)));
    flag_add(scene, scene_flag(SIGNAL_TIMEOUTS, "10000001", 5));
    lines_read(scene, &lines, 0);
    assert_int_equal(lines.count, 3); /* within the transaction they are there */
    lines_free(&lines);
    assert_int_equal(desk_end(scene->desk, STATUS_EXPIRED), STATUS_EXPIRED);
    assert_false(scene_step(scene, scene->desk, id,
                            scene_event(CASE_EVENT_ARRIVE, CASE_ROLE_ENGINEER, SCENE_NOW + 1)));
    lines_read(scene, &lines, 0);
    assert_int_equal(lines.count, 1);
    lines_free(&lines);
    flag_add(scene, scene_flag(SIGNAL_TIMEOUTS, "10000001", 5));
    lines_read(scene, &lines, 1);
    assert_int_equal(lines.count, 1);
    assert_int_equal(lines.events[0]->number, 2);
    lines_free(&lines);
}

/* No event, no step: here the outbox cannot be written to. */
static void test_a_step_whose_event_cannot_be_written_is_not_done(void **state)
{
    struct scene *scene = *state;
    struct case_rules rules;
    struct case_effects effects;
    struct service_case it;
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    const struct case_event event = scene_event(CASE_EVENT_TRIAGE, CASE_ROLE_STAFF, SCENE_NOW + 1);
    case_rules_default(&rules);
    assert_string_equal(scene_sql(scene, "CREATE TRIGGER full BEFORE INSERT ON event_out BEGIN"
                                         " SELECT RAISE(ABORT, 'no room'); END"),
                        "");
    assert_int_equal(case_book_step(scene->desk, id, &event, &rules, &effects), STATUS_BROKEN);
    assert_non_null(strstr(desk_reason(scene->desk), "no room"));
    assert_int_equal(case_book_find(scene->desk, id, &it), STATUS_OK);
    assert_int_equal(it.state, CASE_STATE_NEW);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM case_entry"), 1);
    const struct flag flag = scene_flag(SIGNAL_TIMEOUTS, "10000001", 5);
    bool is_new;
    assert_int_equal(flag_book_add(scene->desk, &flag, &id, &is_new), STATUS_BROKEN);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM flag"), 0);
}

static void fill(char *text, size_t size)
{
    memset(text, 'x', size - 1);
    text[size - 1] = '\0';
}
#define FILL(member) fill(member, sizeof(member))

static void test_texts_at_their_longest_have_room(void **state)
{
    struct scene *scene = *state;
    struct case_rules rules;
    struct case_effects effects;
    struct service_case it = {.kind = CASE_FAULT, .severity = 4, .cost_minor = -INT64_MAX};
    struct case_event event = scene_event(CASE_EVENT_OPEN, CASE_ROLE_STAFF, SCENE_NOW);
    FILL(it.subject_id);
    FILL(it.cause);
    FILL(it.terminal_id);
    FILL(it.serial);
    FILL(it.brand);
    FILL(it.model);
    FILL(it.firmware);
    FILL(it.merchant_id);
    FILL(it.fault);
    FILL(it.engineer);
    FILL(it.point_id);
    FILL(it.serial_before);
    FILL(it.closing_code);
    FILL(event.actor);
    FILL(event.second_actor);
    FILL(event.reason);
    case_rules_default(&rules);
    assert_int_equal(case_book_open(scene->desk, &it, &event, &rules, &effects), STATUS_OK);
    assert_true(scene_number(scene, "SELECT length(payload) FROM event_out") <
                EVENT_OUT_BYTES_MAX / 2);
}

static void test_a_reader_goes_on_where_it_was_and_may_stop(void **state)
{
    struct scene *scene = *state;
    struct lines lines;
    struct event_out_range range;
    uint32_t count = 0;
    assert_int_equal(event_out_range(scene->desk, &range), STATUS_OK);
    assert_int_equal(range.first, 1);
    assert_int_equal(range.last, 0);
    for (uint64_t i = 1; i <= 5; i++) {
        flag_add(scene, scene_flag(SIGNAL_TIMEOUTS, "10000001", i));
    }
    lines = (struct lines){.room = 2};
    const struct event_sink sink = {keep_line, &lines};
    assert_int_equal(event_out_read(scene->desk, 1, 100, &sink, &count), STATUS_OK);
    assert_int_equal(count, 2);
    assert_int_equal(lines.events[0]->number, 2);
    lines_free(&lines);
    lines = (struct lines){.room = 9};
    assert_int_equal(event_out_read(scene->desk, 3, 1, &sink, &count), STATUS_OK);
    assert_int_equal(count, 1);
    lines_free(&lines);
    assert_int_equal(event_out_read(scene->desk, UINT64_MAX, 9, &sink, &count), STATUS_OK);
    assert_int_equal(count, 0);
    assert_int_equal(event_out_range(scene->desk, &range), STATUS_OK);
    assert_int_equal(range.last, 5);
}

static void test_an_event_of_a_later_version_is_named(void **state)
{
    struct scene *scene = *state;
    struct lines lines = {.room = 9};
    const struct event_sink sink = {keep_line, &lines};
    uint32_t count = 0;
    assert_string_equal(
        scene_sql(scene, "INSERT INTO event_out VALUES (1, 1, 'dream', 'FAULT', 'x', x'00')"), "");
    assert_int_equal(event_out_read(scene->desk, 0, 9, &sink, &count), STATUS_MALFORMED);
    assert_non_null(strstr(desk_reason(scene->desk), "event 1:"));
}

static struct retire_counts retire_after(struct scene *scene, int64_t days)
{
    struct retire_rules rules;
    struct retire_counts counts;
    bool has_more = true;
    const struct desk_actor night = {"night", SCENE_NOW + days * SCENE_DAY_US};
    retire_rules_default(&rules);
    assert_int_equal(desk_retire(scene->desk, &rules, &night, &counts, &has_more), STATUS_OK);
    return counts;
}

static void test_events_go_when_they_are_old_whoever_has_not_got_them(void **state)
{
    struct scene *scene = *state;
    struct event_out_range range;
    for (uint64_t i = 1; i <= 6; i++) {
        struct flag flag = scene_flag(SIGNAL_TIMEOUTS, "10000001", i);
        flag.window_end_us += i == 5 ? 50 * SCENE_DAY_US : 0;
        flag_add(scene, flag);
    }
    assert_non_null(strstr(scene_sql(scene, "UPDATE event_out SET subject = ''"), "only added to"));
    assert_non_null(
        strstr(scene_sql(scene, "DELETE FROM event_out WHERE number = 3"), "from the old end"));
    assert_string_equal(
        scene_sql(scene,
                  "INSERT INTO webhook_position VALUES ('a', 0, 'going', 0, 0, 0, 0, '', 0),"
                  " ('b', 4, 'going', 0, 0, 0, 0, '', 0), ('c', 0, 'absent', 0, 0, 0, 0, '', 0),"
                  " ('d', 3, 'stopped', 0, 0, 0, 0, '', 7)"),
        "");
    assert_int_equal(retire_after(scene, 90).events, 0);
    assert_non_null(
        strstr(scene_sql(scene, "DELETE FROM event_out WHERE number = 1"), "no webhook waits"));
    assert_int_equal(retire_after(scene, 91).events, 4); /* 5 is young, and 6 behind it */
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM webhook_position WHERE"
                                         " (name, position, given_up) IN (('a', 4, 4),"
                                         " ('b', 4, 0), ('c', 0, 0), ('d', 4, 8))"),
                     4);
    assert_int_equal(retire_after(scene, 91).events, 0);
    assert_int_equal(event_out_range(scene->desk, &range), STATUS_OK);
    assert_int_equal(range.first, 5);
    assert_int_equal(retire_after(scene, 141).events, 2);
    assert_int_equal(event_out_range(scene->desk, &range), STATUS_OK);
    assert_int_equal(range.first, 7);
    assert_int_equal(range.last, 6);
    flag_add(scene, scene_flag(SIGNAL_TIMEOUTS, "10000001", 9));
    assert_int_equal(scene_number(scene, "SELECT number FROM event_out"), 7);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM retired WHERE class = 'event'"), 2);
}

static void test_dead_letters_go_after_three_years(void **state)
{
    struct scene *scene = *state;
    char sql[200];
    snprintf(sql, sizeof(sql),
             "INSERT INTO webhook_dead VALUES ('a', 7, 1, 'flag', 'RISK', 'x', x'00', 9, %lld, "
             "'500', 0)",
             (long long)SCENE_NOW);
    assert_string_equal(scene_sql(scene, sql), "");
    assert_int_equal(retire_after(scene, 1096).dead_letters, 0);
    assert_int_equal(retire_after(scene, 1097).dead_letters, 1);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM webhook_dead"), 0);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM retired WHERE key_1 = 'a' AND"
                                         " key_2 = '7' AND detail LIKE 'flag of x, %'"),
                     1);
}

/* A file as version 1 made it, with a flag in it. */
static void make_old_file(const char *path)
{
    sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    for (uint32_t i = 0; i < desk_schema_count() && desk_schema_version(i) == 1; i++) {
        struct cell_sql sql = {0};
        desk_schema_sql(i, &sql);
        assert_int_equal(sqlite3_exec(database, sql.text, NULL, NULL, NULL), SQLITE_OK);
    }
    assert_int_equal(
        sqlite3_exec(database,
                     "PRAGMA application_id = 1414089793; PRAGMA user_version = 1;"
                     "INSERT INTO history (wall_us, actor, row_kind, row_key, column_name, before,"
                     " after) VALUES (1, 'ann', 'agent', 'A1', 'name', '', 'x')",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(database);
}

static void test_an_older_file_is_brought_up_to_date_in_place(void **state)
{
    struct scene *scene = *state;
    struct desk *desk = NULL;
    char fresh[96], sql[300];
    assert_int_equal(DESK_APPLICATION_ID, 1414089793);
    snprintf(fresh, sizeof(fresh), "%s", scene->path);
    snprintf(scene->path, sizeof(scene->path), "%s/old.db", scene->folder);
    make_old_file(scene->path);
    assert_int_equal(desk_open(&desk, scene->path, scene->reason), STATUS_OK);
    assert_int_equal(scene_number(scene, "PRAGMA user_version"), DESK_SCHEMA_VERSION);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM history"), 1);
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(scene->path, &database), SQLITE_OK);
    snprintf(sql, sizeof(sql), "ATTACH '%s' AS fresh", fresh);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(database,
                           "SELECT (SELECT count(*) FROM (SELECT name, sql FROM fresh.sqlite_master"
                           " EXCEPT SELECT name, sql FROM main.sqlite_master)),"
                           " (SELECT count(*) FROM (SELECT name, sql FROM main.sqlite_master"
                           " EXCEPT SELECT name, sql FROM fresh.sqlite_master)),"
                           " (SELECT count(*) FROM main.sqlite_master WHERE name = 'event_out')",
                           -1, &statement, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(statement, 0), 0);
    assert_int_equal(sqlite3_column_int(statement, 1), 0);
    assert_int_equal(sqlite3_column_int(statement, 2), 1);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    desk_close(desk);
    assert_int_equal(desk_open(&desk, scene->path, scene->reason), STATUS_OK);
    desk_close(desk);
    unlink(scene->path);
    snprintf(scene->path, sizeof(scene->path), "%s", fresh);
}

/* Nothing of it is done when the last of it cannot be. */
static void test_a_migration_that_fails_leaves_the_older_file(void **state)
{
    struct scene *scene = *state;
    struct desk *desk = NULL;
    char fresh[96];
    snprintf(fresh, sizeof(fresh), "%s", scene->path);
    snprintf(scene->path, sizeof(scene->path), "%s/old.db", scene->folder);
    make_old_file(scene->path);
    assert_string_equal(scene_sql(scene, "CREATE TABLE webhook_dead (x)"), "");
    assert_int_equal(desk_open(&desk, scene->path, scene->reason), STATUS_BROKEN);
    assert_null(desk);
    assert_int_equal(scene_number(scene, "PRAGMA user_version"), 1);
    assert_int_equal(
        scene_number(scene, "SELECT count(*) FROM sqlite_master WHERE name LIKE 'event_out%'"), 0);
    unlink(scene->path);
    snprintf(scene->path, sizeof(scene->path), "%s", fresh);
}

static void test_words_of_kinds_lead_back(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < EVENT_OUT_COUNT; i++) {
        assert_int_equal(event_out_from_word(event_out_word((enum event_out_kind)i)), i);
    }
    assert_int_equal(event_out_from_word("dream"), EVENT_OUT_COUNT);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set, scene_strike)
int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(test_a_flag_is_told_once_with_all_that_it_says),
        SCENE(test_a_flag_says_what_the_rules_in_force_ask_for),
        SCENE(test_a_cohort_s_flag_says_by_what_it_is_told_apart),
        SCENE(test_a_case_tells_each_step_and_what_it_is_after_it),
        SCENE(test_what_a_case_asks_of_people_is_told),
        SCENE(test_links_and_judgements_are_told_once),
        SCENE(test_what_is_undone_or_refused_leaves_no_event),
        SCENE(test_a_step_whose_event_cannot_be_written_is_not_done),
        SCENE(test_texts_at_their_longest_have_room),
        SCENE(test_a_reader_goes_on_where_it_was_and_may_stop),
        SCENE(test_an_event_of_a_later_version_is_named),
        SCENE(test_events_go_when_they_are_old_whoever_has_not_got_them),
        SCENE(test_dead_letters_go_after_three_years),
        SCENE(test_an_older_file_is_brought_up_to_date_in_place),
        SCENE(test_a_migration_that_fails_leaves_the_older_file),
        cmocka_unit_test(test_words_of_kinds_lead_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
