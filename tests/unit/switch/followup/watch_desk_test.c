/* The database as the watcher's sink. */
#include "switch/followup/watch_desk.h"

#include <sqlite3.h>
#include <time.h>
#include <unistd.h>

#include "switch/desk/effect_book.h"
#include "switch/desk/flag_book.h"
#include "switch/desk/registry.h"
#include "tests/log_folder_strike.h"
#include "tests/unit/switch/followup/followup_scene.h"

struct stage {
    char parent[64], folder[96], path[128];
    struct watch_desk *desk;
    struct watch_sink sink;
    uint64_t told[16]; /* effects, by number; the first `done_count` of them are done since */
    uint32_t told_count, done_count;
    enum clerk_answer answer;
};

static enum clerk_answer on_effect(void *argument, const struct clerk_effect *effect)
{
    struct stage *stage = argument;
    assert_true(stage->told_count < COUNT_OF(stage->told));
    stage->told[stage->told_count++] = effect->number;
    return stage->answer;
}

static uint32_t settled_take(void *argument, struct clerk_outcome *outcomes, uint32_t room)
{
    struct stage *stage = argument;
    uint32_t count = stage->done_count;
    assert_true(count <= room);
    for (uint32_t i = 0; i < count; i++) {
        outcomes[i] = (struct clerk_outcome){stage->told[i], CLERK_CARRIED_OUT, ""};
    }
    stage->done_count = 0;
    return count;
}

static int stage_set(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    snprintf(stage->parent, sizeof(stage->parent), "/tmp/tillway-sink-XXXXXX");
    if (mkdtemp(stage->parent) == NULL) {
        return -1;
    }
    snprintf(stage->folder, sizeof(stage->folder), "%s/aftersales", stage->parent);
    snprintf(stage->path, sizeof(stage->path), "%s/" WATCH_DESK_NAME, stage->folder);
    stage->desk = watch_desk_create(&(struct watch_desk_setup){.folder = stage->folder,
                                                               .on_effect = on_effect,
                                                               .settled_take = settled_take,
                                                               .argument = stage});
    stage->sink = watch_desk_sink(stage->desk);
    *state = stage;
    return 0;
}

static int stage_strike(void **state)
{
    struct stage *stage = *state;
    watch_desk_destroy(stage->desk);
    log_folder_strike(stage->folder);
    log_folder_strike(stage->parent);
    free(stage);
    return 0;
}

static void expect_open(struct stage *stage)
{
    enum status status = stage->sink.open(stage->sink.argument);
    if (status != STATUS_OK) {
        print_message("%s\n", stage->sink.reason(stage->sink.argument));
    }
    assert_int_equal(status, STATUS_OK);
}

static int64_t wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000;
}

static struct flag flag_of(uint64_t position)
{
    int64_t now_us = wall_us();
    return (struct flag){.signal = SIGNAL_MAC_FAILURES,
                         .subject = FLAG_OF_TERMINAL,
                         .subject_id = "00000001",
                         .terminal_id = "00000001",
                         .merchant_id = SCENE_MERCHANT,
                         .severity = 3,
                         .window_begin_us = now_us - 120000000,
                         .window_end_us = now_us - 60000000,
                         .value = 3,
                         .threshold = 3,
                         .position = position,
                         .evidence_count = 1,
                         .evidence = {position}};
}

static uint32_t flag_count(const struct stage *stage)
{
    struct desk *desk = NULL;
    struct flag_entry entries[8];
    char reason[DESK_REASON_SIZE];
    uint32_t count = 0;
    assert_int_equal(desk_open(&desk, stage->path, reason), STATUS_OK);
    assert_int_equal(flag_book_list(desk, NULL, entries, 8, &count), STATUS_OK);
    desk_close(desk);
    return count;
}

static void test_a_flag_that_is_told_again_is_kept_once(void **state)
{
    struct stage *stage = *state;
    struct flag first = flag_of(11), second = flag_of(12);
    expect_open(stage);
    expect_open(stage); /* it is */
    assert_int_equal(stage->sink.take(stage->sink.argument, &first), STATUS_OK);
    assert_int_equal(stage->sink.take(stage->sink.argument, &second), STATUS_OK);
    assert_int_equal(stage->sink.take(stage->sink.argument, &first), STATUS_OK);
    assert_int_equal(flag_count(stage), 2);
    assert_int_equal(stage->sink.flush(stage->sink.argument), STATUS_OK);
}

static int64_t number_of(const struct stage *stage, const char *sql)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(stage->path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    return number;
}

/* A case asks for something outside until that is said to be done. */
static void test_a_flag_opens_a_case_whose_effects_are_told_until_they_are_done(void **state)
{
    struct stage *stage = *state;
    struct flag flag = flag_of(11);
    int64_t now_us = flag.window_end_us;
    expect_open(stage);
    assert_int_equal(stage->sink.take(stage->sink.argument, &flag), STATUS_OK);
    assert_int_equal(number_of(stage, "SELECT count(*) FROM service_case"), 1);
    uint32_t told_count = stage->told_count;
    assert_true(told_count > 0);
    int64_t pending = number_of(stage, "SELECT count(*) FROM case_effect");
    assert_true(pending >= told_count); /* orders of one case come one after the other */
    const uint64_t retry_ns = (uint64_t)CLERK_RETRY_US * 1000;
    assert_int_equal(stage->sink.time(stage->sink.argument, now_us, retry_ns), STATUS_OK);
    assert_true(stage->told_count > told_count); /* they were LATER */
    stage->done_count = told_count;
    assert_int_equal(stage->sink.time(stage->sink.argument, now_us, retry_ns + 1), STATUS_OK);
    assert_int_equal(stage->done_count, 0);
    assert_int_equal(number_of(stage, "SELECT count(*) FROM case_effect"), pending - told_count);
}

/* A log that is watched for the first time may be a year long. */
static void test_an_old_flag_is_kept_and_opens_no_case(void **state)
{
    struct stage *stage = *state;
    struct flag flag = flag_of(11);
    flag.window_begin_us -= INT64_C(8) * 86400000000;
    flag.window_end_us -= INT64_C(8) * 86400000000;
    expect_open(stage);
    assert_int_equal(stage->sink.take(stage->sink.argument, &flag), STATUS_OK);
    assert_int_equal(stage->sink.take(stage->sink.argument, &flag), STATUS_OK);
    assert_int_equal(flag_count(stage), 1);
    assert_int_equal(number_of(stage, "SELECT count(*) FROM service_case"), 0);
    flag.severity = 9;
    flag.position = 12;
    assert_int_equal(stage->sink.take(stage->sink.argument, &flag), STATUS_OK);
    assert_int_equal(flag_count(stage), 1);
}

static void test_cases_live_by_the_rules_that_were_given_last(void **state)
{
    struct stage *stage = *state;
    struct case_rules rules;
    struct flag first = flag_of(11), second = flag_of(12);
    memcpy(second.terminal_id, "00000002", 9);
    memcpy(second.subject_id, "00000002", 9);
    case_rules_default(&rules);
    for (int minutes = 7; minutes <= 8; minutes++) { /* before it is opened, and by a reload */
        for (unsigned i = 0; i < SERVICE_CLASS_COUNT; i++) {
            rules.terms.answer[i] = (struct service_term){(uint32_t)minutes, TERM_MINUTES};
        }
        stage->sink.use(stage->sink.argument, &rules);
        memset(&rules.terms, 0, sizeof(rules.terms)); /* they were copied */
        expect_open(stage);
        assert_int_equal(stage->sink.take(stage->sink.argument, minutes == 7 ? &first : &second),
                         STATUS_OK);
        assert_int_equal(number_of(stage, "SELECT answer_budget_us FROM service_case"
                                          " ORDER BY id DESC LIMIT 1"),
                         INT64_C(60000000) * minutes);
        case_rules_default(&rules);
    }
}

static uint32_t visits_told(const struct stage *stage)
{
    return (uint32_t)number_of(stage, "SELECT count(*) FROM event_out WHERE kind = 'flag'"
                                      " AND instr(payload, CAST('VISIT' AS BLOB)) > 0");
}

/* Also an old one, which the clerk does not see. */
static void test_a_flag_is_told_with_what_the_rules_ask_for(void **state)
{
    struct stage *stage = *state;
    struct case_rules rules;
    struct flag first = flag_of(11), second = flag_of(12), old = flag_of(13);
    old.window_end_us -= INT64_C(8) * 86400000000;
    case_rules_default(&rules);
    stage->sink.use(stage->sink.argument, &rules);
    expect_open(stage);
    assert_int_equal(stage->sink.take(stage->sink.argument, &first), STATUS_OK);
    assert_int_equal(visits_told(stage), 0);
    rules.follow_ups[SIGNAL_MAC_FAILURES] = FOLLOW_UP_VISIT;
    stage->sink.use(stage->sink.argument, &rules);
    assert_int_equal(stage->sink.take(stage->sink.argument, &second), STATUS_OK);
    assert_int_equal(visits_told(stage), 1);
    assert_int_equal(stage->sink.take(stage->sink.argument, &old), STATUS_OK);
    assert_int_equal(visits_told(stage), 2);
}

/* Of what a case asks of people nothing goes to the switch. */
static void test_a_message_to_people_is_done_when_it_stands_in_the_outbox(void **state)
{
    struct stage *stage = *state;
    struct flag flag = flag_of(11);
    struct desk *people = NULL;
    char reason[DESK_REASON_SIZE];
    struct case_effects effects = {
        .count = 2,
        .items = {{CASE_EFFECT_TELL_MANAGER, "late", 0}, {CASE_EFFECT_ASK_SCORE, "", 0}}};
    expect_open(stage);
    assert_int_equal(stage->sink.take(stage->sink.argument, &flag), STATUS_OK);
    assert_int_equal(stage->sink.time(stage->sink.argument, flag.window_end_us, 1), STATUS_OK);
    uint32_t told_count = stage->told_count;
    int64_t pending = number_of(stage, "SELECT count(*) FROM case_effect");
    int64_t written =
        number_of(stage, "SELECT count(*) FROM event_out WHERE kind = 'case_message'");
    assert_int_equal(desk_open(&people, stage->path, reason), STATUS_OK);
    assert_int_equal(desk_begin(people), STATUS_OK);
    assert_int_equal(desk_end(people, effect_book_add(people, 1, flag.window_end_us, &effects)),
                     STATUS_OK);
    desk_close(people);
    assert_int_equal(stage->sink.time(stage->sink.argument, flag.window_end_us + 1000000, 2),
                     STATUS_OK);
    assert_int_equal(stage->told_count, told_count);
    assert_int_equal(number_of(stage, "SELECT count(*) FROM case_effect"), pending);
    assert_int_equal(number_of(stage, "SELECT count(*) FROM event_out WHERE kind = 'case_message'"),
                     written + 2);
}

static void test_what_is_seen_goes_to_the_clerk(void **state)
{
    struct stage *stage = *state;
    struct observation seen = {.kind = OBSERVATION_SIGNED_ON,
                               .position = 5,
                               .wall_us = INT64_C(1790000000000000),
                               .count = 1,
                               .terminal_id = "00000001",
                               .firmware = "1.2.3"};
    expect_open(stage);
    assert_int_equal(stage->sink.observe(stage->sink.argument, &seen), STATUS_OK);
    assert_int_equal(stage->sink.flush(stage->sink.argument), STATUS_OK);
    assert_int_equal(number_of(stage, "SELECT count(*) FROM terminal_seen"
                                      " WHERE firmware = '1.2.3'"),
                     1);
}

static void test_a_flag_that_cannot_be_is_said_and_holds_nobody_up(void **state)
{
    struct stage *stage = *state;
    struct flag flag = flag_of(11);
    flag.severity = 9;
    expect_open(stage);
    assert_int_equal(stage->sink.take(stage->sink.argument, &flag), STATUS_OK);
    assert_int_equal(flag_count(stage), 0);
    assert_true(strlen(stage->sink.reason(stage->sink.argument)) > 0);
}

static void test_a_folder_that_cannot_be_made_is_told_and_tried_again(void **state)
{
    struct stage *stage = *state;
    FILE *file = fopen(stage->folder, "w"); /* stands in the way */
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_not_equal(stage->sink.open(stage->sink.argument), STATUS_OK);
    assert_non_null(strstr(stage->sink.reason(stage->sink.argument), stage->folder));
    assert_int_equal(unlink(stage->folder), 0);
    expect_open(stage);
}

static void test_a_file_that_is_held_loses_no_flag(void **state)
{
    struct stage *stage = *state;
    struct flag flag = flag_of(11);
    sqlite3 *other = NULL;
    expect_open(stage);
    assert_int_equal(sqlite3_open(stage->path, &other), SQLITE_OK);
    /* another writer stays for longer than is waited */
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_not_equal(stage->sink.take(stage->sink.argument, &flag), STATUS_OK);
    assert_non_null(strstr(stage->sink.reason(stage->sink.argument), WATCH_DESK_NAME));
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    assert_int_equal(stage->sink.take(stage->sink.argument, &flag), STATUS_OK);
    assert_int_equal(flag_count(stage), 1);
}

/* Something is wrong with the cases, and nothing with the file. */
static void test_a_flag_that_no_case_can_be_made_of_is_kept_without_one(void **state)
{
    struct stage *stage = *state;
    struct flag flag = flag_of(11), next = flag_of(12);
    sqlite3 *other = NULL;
    int tries = 1;
    expect_open(stage);
    assert_int_equal(sqlite3_open(stage->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other,
                                  "CREATE TRIGGER no_case BEFORE INSERT ON service_case BEGIN"
                                  " SELECT RAISE(ABORT, 'not today'); END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    while (stage->sink.take(stage->sink.argument, &flag) != STATUS_OK) {
        assert_non_null(strstr(stage->sink.reason(stage->sink.argument), "not today"));
        assert_int_equal(flag_count(stage), 0);
        assert_true(++tries < 10);
    }
    assert_true(tries > 2); /* it may have been a passing fault */
    assert_int_equal(flag_count(stage), 1);
    assert_int_equal(sqlite3_exec(other, "DROP TRIGGER no_case", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    assert_int_equal(stage->sink.take(stage->sink.argument, &next), STATUS_OK);
    assert_int_equal(number_of(stage, "SELECT count(*) FROM service_case"), 1);
}

static void test_what_is_registered_reaches_the_book(void **state)
{
    struct stage *stage = *state;
    struct desk *people = NULL;
    char reason[DESK_REASON_SIZE];
    int64_t before, after;
    const struct desk_actor ann = {"ann", INT64_C(1790000000000000)};
    struct terminal_registration terminal = {.terminal_id = "00000001",
                                             .serial = "SN-1",
                                             .brand = "PAX",
                                             .model = "A920",
                                             .state = TERMINAL_STATE_ACTIVE};
    struct ruleset *ruleset = scene_ruleset(2);
    struct fact_book *book = fact_book_create(ruleset);
    expect_open(stage);
    assert_int_equal(stage->sink.registry_version(stage->sink.argument, &before), STATUS_OK);
    assert_int_equal(desk_open(&people, stage->path, reason), STATUS_OK);
    assert_int_equal(registry_put(people, REGISTRY_TERMINAL, &terminal, &ann), STATUS_OK);
    desk_close(people);
    assert_int_equal(stage->sink.registry_version(stage->sink.argument, &after), STATUS_OK);
    assert_true(after > before);
    assert_int_equal(stage->sink.register_facts(stage->sink.argument, book), STATUS_OK);
    assert_string_equal(fact_book_terminal(book, "00000001")->serial, "SN-1");
    fact_book_destroy(book);
    ruleset_destroy(ruleset);
}

static void test_a_path_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char path[600];
    memset(path, 'x', sizeof(path));
    path[sizeof(path) - 1] = 0;
    assert_null(watch_desk_create(&(struct watch_desk_setup){.folder = path}));
}

int main(void)
{
#define STAGE(test) cmocka_unit_test_setup_teardown(test, stage_set, stage_strike)
    const struct CMUnitTest tests[] = {
        STAGE(test_a_flag_that_is_told_again_is_kept_once),
        STAGE(test_a_flag_opens_a_case_whose_effects_are_told_until_they_are_done),
        STAGE(test_an_old_flag_is_kept_and_opens_no_case),
        STAGE(test_cases_live_by_the_rules_that_were_given_last),
        STAGE(test_a_flag_is_told_with_what_the_rules_ask_for),
        STAGE(test_a_message_to_people_is_done_when_it_stands_in_the_outbox),
        STAGE(test_what_is_seen_goes_to_the_clerk),
        STAGE(test_a_flag_that_cannot_be_is_said_and_holds_nobody_up),
        STAGE(test_a_folder_that_cannot_be_made_is_told_and_tried_again),
        STAGE(test_a_file_that_is_held_loses_no_flag),
        STAGE(test_a_flag_that_no_case_can_be_made_of_is_kept_without_one),
        STAGE(test_what_is_registered_reaches_the_book),
        cmocka_unit_test(test_a_path_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
