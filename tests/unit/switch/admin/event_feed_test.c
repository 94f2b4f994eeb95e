/* The feed of events: in order, from where a reader is, as messages or lines; who sees what; how
 * long and how many may wait. */
#include "switch/admin/event_feed.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocols/aftersales_event.pb-c.h"
#include "tests/unit/switch/desk/case_scene.h"

struct feed_scene {
    struct scene *desk;
    struct desk_share *share;
    struct event_waits waits;
    struct token_holder holder;
    const char *after, *wait, *limit, *accept;
    struct answer answer;
};

static const char *option_of(void *connection, const char *name)
{
    const struct feed_scene *scene = connection;
    return strcmp(name, "after") == 0   ? scene->after
           : strcmp(name, "wait") == 0  ? scene->wait
           : strcmp(name, "limit") == 0 ? scene->limit
                                        : NULL;
}

static const char *header_of(void *connection, const char *name)
{
    const struct feed_scene *scene = connection;
    return strcmp(name, "Accept") == 0 ? scene->accept : NULL;
}

static int feed_set(void **state)
{
    struct feed_scene *scene = calloc(1, sizeof(*scene));
    void *desk = NULL;
    if (scene == NULL || scene_set(&desk) != 0) {
        return 1;
    }
    scene->desk = desk;
    scene->share = desk_share_create(scene->desk->folder);
    scene->accept = "application/json";
    scene->holder = (struct token_holder){.name = "tickets", .role = ROLE_AFTER_SALES};
    *state = scene;
    return scene->share == NULL;
}

static int feed_strike(void **state)
{
    struct feed_scene *scene = *state;
    void *desk = scene->desk;
    desk_share_destroy(scene->share);
    free(scene->answer.body);
    free(scene);
    return scene_strike(&desk);
}

static void ask(struct feed_scene *scene)
{
    const struct call call = {.endpoint = ENDPOINT_EVENT_LIST,
                              .operator_name = scene->holder.name,
                              .holder = &scene->holder,
                              .desk = scene->share,
                              .option = option_of,
                              .header = header_of,
                              .waits = &scene->waits,
                              .connection = scene};
    free(scene->answer.body);
    scene->answer = (struct answer){0};
    event_feed_serve(&call, &scene->answer);
}

/* The problem that an answer is. */
static void assert_problem(struct feed_scene *scene, unsigned code, const char *detail)
{
    ask(scene);
    assert_int_equal(scene->answer.code, code);
    if (strstr(scene->answer.detail, detail) == NULL) {
        fail_msg("expected \"%s\" in \"%s\"", detail, scene->answer.detail);
    }
}

/* Line `index` of an answer; the caller's. */
static json_t *line_of(const struct feed_scene *scene, uint32_t index)
{
    const char *at = scene->answer.body;
    while (index-- > 0) {
        at = strchr(at, '\n') + 1;
    }
    json_t *line = json_loadb(at, strcspn(at, "\n"), 0, NULL);
    assert_non_null(line);
    return line;
}

static uint32_t line_count(const struct feed_scene *scene)
{
    uint32_t count = 0;
    for (size_t i = 0; i < scene->answer.length; i++) {
        count += scene->answer.body[i] == '\n';
    }
    return count;
}

static void flag_add(struct scene *scene, enum signal_code signal, uint64_t position)
{
    struct flag flag = scene_flag(signal, "10000001", position);
    uint64_t id;
    bool is_new;
    assert_int_equal(flag_book_add(scene->desk, &flag, &id, &is_new), STATUS_OK);
}

static void test_lines_come_in_order_and_say_all(void **state)
{
    struct feed_scene *scene = *state;
    flag_add(scene->desk, SIGNAL_TIMEOUTS, 5);
    uint64_t id = scene_case(scene->desk, CASE_FAULT, "10000001");
    ask(scene);
    assert_int_equal(scene->answer.code, 200);
    assert_string_equal(scene->answer.type, "application/jsonl; charset=utf-8");
    assert_string_equal(scene->answer.header, "Tillway-Events-After");
    assert_string_equal(scene->answer.header_value, "2");
    assert_int_equal(line_count(scene), 2);
    json_t *flag = line_of(scene, 0);
    assert_int_equal(json_integer_value(json_object_get(flag, "number")), 1);
    assert_string_equal(json_string_value(json_object_get(flag, "kind")), "flag");
    assert_string_equal(json_string_value(json_object_get(flag, "time")),
                        "2026-03-03T02:00:00.000000Z");
    assert_string_equal(json_string_value(json_object_get(flag, "case_kind")), "FAULT");
    const json_t *told = json_object_get(flag, "flag");
    assert_string_equal(json_string_value(json_object_get(told, "signal")), "T5");
    assert_int_equal(json_array_size(json_object_get(told, "evidence")), 2);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(told, "evidence"), 1)), 5);
    assert_true(json_is_false(json_object_get(told, "is_watched_only")));
    assert_null(json_object_get(told, "cohort"));
    assert_null(json_object_get(flag, "case_opened"));
    json_t *opened = line_of(scene, 1);
    assert_string_equal(json_string_value(json_object_get(opened, "kind")), "case_opened");
    told = json_object_get(opened, "case_opened");
    assert_string_equal(json_string_value(json_object_get(told, "reason")), "商户来电");
    const json_t *after = json_object_get(told, "service_case");
    assert_int_equal(json_integer_value(json_object_get(after, "id")), id);
    assert_string_equal(json_string_value(json_array_get(json_object_get(after, "steps"), 0)),
                        "open");
    json_decref(flag);
    json_decref(opened);
    assert_int_equal(scene_number(scene->desk, "SELECT count(*) FROM reading WHERE case_id = 1 AND"
                                               " actor = 'tickets'"),
                     1);
}

static void test_messages_are_delimited_by_their_length(void **state)
{
    struct feed_scene *scene = *state;
    flag_add(scene->desk, SIGNAL_TIMEOUTS, 5);
    scene_case(scene->desk, CASE_FAULT, "10000001"); /* longer than 127 bytes */
    scene->accept = NULL;
    ask(scene);
    assert_non_null(strstr(scene->answer.type, "application/x-protobuf; proto=aftersales.Event"));
    const uint8_t *at = (const uint8_t *)scene->answer.body;
    const uint8_t *end = at + scene->answer.length;
    uint64_t number = 0;
    while (at < end) {
        size_t length = 0;
        for (int shift = 0;; shift += 7) {
            length |= (size_t)(*at & 0x7F) << shift;
            if ((*at++ & 0x80) == 0) {
                break;
            }
        }
        assert_true(length <= (size_t)(end - at));
        Aftersales__Event *event = aftersales__event__unpack(NULL, length, at);
        assert_non_null(event);
        assert_int_equal(event->number, ++number);
        aftersales__event__free_unpacked(event, NULL);
        at += length;
    }
    assert_int_equal(number, 2);
}

static void test_a_reader_goes_on_where_it_was(void **state)
{
    struct feed_scene *scene = *state;
    for (uint64_t i = 1; i <= 5; i++) {
        flag_add(scene->desk, SIGNAL_TIMEOUTS, i);
    }
    scene->after = "2";
    scene->limit = "2";
    ask(scene);
    assert_int_equal(line_count(scene), 2);
    assert_string_equal(scene->answer.header_value, "4");
    scene->after = "5";
    ask(scene);
    assert_int_equal(scene->answer.code, 200);
    assert_int_equal(scene->answer.length, 0);
    assert_string_equal(scene->answer.header_value, "5");
}

static void test_what_cannot_be_given_is_said(void **state)
{
    struct feed_scene *scene = *state;
    flag_add(scene->desk, SIGNAL_TIMEOUTS, 1);
    static const char *const BAD[][3] = {{"x", NULL, NULL},  {"", NULL, NULL},
                                         {"-1", NULL, NULL}, {NULL, "21", NULL},
                                         {NULL, NULL, "0"},  {NULL, NULL, "501"}};
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        scene->after = BAD[i][0];
        scene->wait = BAD[i][1];
        scene->limit = BAD[i][2];
        assert_problem(scene, 400, "wait: 0 to 20 seconds");
    }
    scene->wait = scene->limit = NULL;
    scene->after = "2";
    assert_problem(scene, 409, "the newest event is 1");
    for (uint64_t i = 2; i <= 4; i++) {
        flag_add(scene->desk, SIGNAL_TIMEOUTS, i);
    }
    assert_string_equal(scene_sql(scene->desk, "DELETE FROM event_out WHERE number < 4"), "");
    assert_problem(scene, 410, "events up to 3 are kept no longer");
    scene->after = "3";
    ask(scene);
    assert_int_equal(line_count(scene), 1);
    scene->after = "0";
    ask(scene);
    assert_int_equal(line_count(scene), 1);
    assert_string_equal(
        scene_sql(scene->desk, "INSERT INTO event_out VALUES (5, 1, 'flag', 'FAULT', 'x', x'FF')"),
        "");
    scene->after = "4";
    assert_problem(scene, 503, "event 5: its bytes are no event");
}

static void test_events_of_risk_are_for_risk_alone(void **state)
{
    struct feed_scene *scene = *state;
    flag_add(scene->desk, SIGNAL_WRONG_PINS, 1);
    flag_add(scene->desk, SIGNAL_TIMEOUTS, 2);
    scene_case(scene->desk, CASE_RISK, "10000001");
    ask(scene);
    assert_int_equal(line_count(scene), 1);
    assert_string_equal(scene->answer.header_value, "3");
    assert_int_equal(scene_number(scene->desk, "SELECT count(*) FROM reading"), 0);
    scene->holder.role = ROLE_RISK;
    ask(scene);
    assert_int_equal(line_count(scene), 3);
    assert_int_equal(scene_number(scene->desk, "SELECT count(*) FROM reading"), 1);
}

static void *add_later(void *argument)
{
    nanosleep(&(struct timespec){0, 300000000}, NULL);
    flag_add(argument, SIGNAL_TIMEOUTS, 9);
    return NULL;
}

static void test_a_reader_may_wait_for_what_comes(void **state)
{
    struct feed_scene *scene = *state;
    pthread_t thread;
    scene->wait = "20";
    assert_int_equal(pthread_create(&thread, NULL, add_later, scene->desk), 0);
    ask(scene);
    pthread_join(thread, NULL);
    assert_int_equal(line_count(scene), 1);
    assert_int_equal(scene->waits.count, 0);
    scene->after = "1";
    scene->wait = "1";
    ask(scene);
    assert_int_equal(scene->answer.code, 200);
    assert_int_equal(scene->answer.length, 0);
}

static void test_few_may_wait_and_none_when_it_ends(void **state)
{
    struct feed_scene *scene = *state;
    flag_add(scene->desk, SIGNAL_TIMEOUTS, 1);
    scene->waits.count = EVENT_FEED_WAITING_MAX;
    scene->wait = "20";
    assert_problem(scene, 429, "too many readers wait");
    assert_int_equal(scene->waits.count, EVENT_FEED_WAITING_MAX);
    scene->wait = NULL;
    ask(scene);
    assert_int_equal(line_count(scene), 1);
    scene->waits.count = 0;
    scene->waits.is_ending = true;
    scene->after = "1";
    scene->wait = "20";
    time_t begin = time(NULL);
    ask(scene);
    assert_true(time(NULL) - begin < 10);
    assert_int_equal(scene->answer.code, 200);
}

#define FEED(test) cmocka_unit_test_setup_teardown(test, feed_set, feed_strike)
int main(void)
{
    const struct CMUnitTest tests[] = {
        FEED(test_lines_come_in_order_and_say_all),
        FEED(test_messages_are_delimited_by_their_length),
        FEED(test_a_reader_goes_on_where_it_was),
        FEED(test_what_cannot_be_given_is_said),
        FEED(test_events_of_risk_are_for_risk_alone),
        FEED(test_a_reader_may_wait_for_what_comes),
        FEED(test_few_may_wait_and_none_when_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
