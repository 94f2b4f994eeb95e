/* A webhook turn by turn, against a server in this process that answers as it is told. */
#include "switch/admin/webhook_turn.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>
#include <microhttpd.h>

#include "config/server_options.h"
#include "switch/admin/wall_text.h"
#include "switch/admin/webhooks.h"
#include "tests/unit/switch/desk/case_scene.h"

#define SEEN_COUNT_MAX 64
struct hook_scene {
    struct scene *desk;
    struct desk_share *share;
    struct MHD_Daemon *server;
    struct webhook_options options;
    struct webhook hook;
    atomic_bool is_ending;
    unsigned code;           /* what the server answers */
    const char *retry_after; /* NULL: nothing */
    bool is_long;            /* the answer has more bytes than anybody reads */
    uint32_t seen_count;
    char seen[SEEN_COUNT_MAX][24]; /* numbers of events, as they came */
    char signature[160], stamp[24], type[40], body[8192];
};

static const char *header_of(struct MHD_Connection *connection, const char *name)
{
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    return value == NULL ? "" : value;
}

static enum MHD_Result on_request(void *argument, struct MHD_Connection *connection,
                                  const char *url, const char *method, const char *version,
                                  const char *upload, size_t *upload_length, void **kept)
{
    static char begun, zeroes[70000];
    struct hook_scene *scene = argument;
    (void)url;
    (void)method;
    (void)version;
    if (*kept == NULL) {
        *kept = &begun;
        scene->body[0] = '\0';
        return MHD_YES;
    }
    if (*upload_length > 0) {
        size_t length = strlen(scene->body);
        snprintf(scene->body + length, sizeof(scene->body) - length, "%.*s", (int)*upload_length,
                 upload);
        *upload_length = 0;
        return MHD_YES;
    }
    snprintf(scene->seen[scene->seen_count++ % SEEN_COUNT_MAX], sizeof(scene->seen[0]), "%s",
             header_of(connection, "Tillway-Event"));
    snprintf(scene->stamp, sizeof(scene->stamp), "%s", header_of(connection, "Tillway-Timestamp"));
    snprintf(scene->signature, sizeof(scene->signature), "%s",
             header_of(connection, "Tillway-Signature"));
    snprintf(scene->type, sizeof(scene->type), "%s", header_of(connection, "Content-Type"));
    struct MHD_Response *response = MHD_create_response_from_buffer(
        scene->is_long ? sizeof(zeroes) : 0, zeroes, MHD_RESPMEM_PERSISTENT);
    if (scene->retry_after != NULL) {
        MHD_add_response_header(response, "Retry-After", scene->retry_after);
    }
    enum MHD_Result queued = MHD_queue_response(connection, scene->code, response);
    MHD_destroy_response(response);
    return queued;
}

static void write_key(struct hook_scene *scene)
{
    snprintf(scene->options.secret_file, sizeof(scene->options.secret_file), "%s/key",
             scene->desk->folder);
    FILE *file = fopen(scene->options.secret_file, "w");
    assert_non_null(file);
    fputs("k7:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n", file);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    fclose(file);
}

static void start_server(struct hook_scene *scene)
{
    scene->server = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, on_request,
                                     scene, MHD_OPTION_END);
    assert_non_null(scene->server);
    snprintf(scene->options.url, sizeof(scene->options.url), "http://127.0.0.1:%u/x",
             MHD_get_daemon_info(scene->server, MHD_DAEMON_INFO_BIND_PORT)->port);
}

static int hook_set(void **state)
{
    static const char NAMES[][WEBHOOK_NAME_SIZE] = {"tickets"};
    char reason[WEBHOOK_REASON_SIZE];
    struct hook_scene *scene = calloc(1, sizeof(*scene));
    void *desk = NULL;
    if (scene == NULL || scene_set(&desk) != 0) {
        return 1;
    }
    scene->desk = desk;
    scene->share = desk_share_create(scene->desk->folder);
    scene->code = 204;
    scene->options = (struct webhook_options){.name = "tickets",
                                              .kinds = 0x1F,
                                              .cases = 0x1B,
                                              .timeout_ms = 5000,
                                              .retry_min_ms = 60000,
                                              .retry_max_ms = 60000,
                                              .give_up_ms = 1000000};
    start_server(scene);
    write_key(scene);
    scene->hook.options = &scene->options;
    scene->hook.desk = scene->share;
    scene->hook.is_ending = &scene->is_ending;
    *state = scene;
    return webhook_book_enroll(scene->desk->desk, NAMES, 1) != STATUS_OK ||
           !webhook_open(&scene->hook, reason);
}

static int hook_strike(void **state)
{
    struct hook_scene *scene = *state;
    void *desk = scene->desk;
    webhook_close(&scene->hook);
    MHD_stop_daemon(scene->server);
    desk_share_destroy(scene->share);
    unlink(scene->options.secret_file);
    free(scene);
    return scene_strike(&desk);
}

/* Raised just now, so that no event is old by itself. */
static void flag_add(struct hook_scene *scene, enum signal_code signal, uint64_t position)
{
    struct flag flag = scene_flag(signal, "10000001", position);
    uint64_t id;
    bool is_new;
    flag.window_end_us = wall_text_now_us();
    assert_int_equal(flag_book_add(scene->desk->desk, &flag, &id, &is_new), STATUS_OK);
}

static struct webhook_row row_of(struct hook_scene *scene)
{
    struct webhook_row row;
    assert_int_equal(webhook_book_find(scene->desk->desk, "tickets", &row), STATUS_OK);
    return row;
}

static void test_events_are_posted_in_order_and_signed(void **state)
{
    struct hook_scene *scene = *state;
    char expected[160];
    char hex[WEBHOOK_HEX_SIZE];
    for (uint64_t i = 1; i <= 3; i++) {
        flag_add(scene, SIGNAL_TIMEOUTS, i);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(webhook_turn(&scene->hook), 0);
    }
    assert_int_equal(webhook_turn(&scene->hook), 250);
    assert_int_equal(scene->seen_count, 3);
    assert_string_equal(scene->seen[0], "1");
    assert_string_equal(scene->seen[2], "3");
    assert_string_equal(scene->type, "application/json");
    assert_non_null(strstr(scene->body, "\"number\":3,\"kind\":\"flag\""));
    const struct webhook_message message = {strtoll(scene->stamp, NULL, 10), 3, scene->body,
                                            strlen(scene->body)};
    assert_true(llabs(message.timestamp_s - (long long)time(NULL)) < 60);
    assert_true(webhook_sign(&scene->hook.key, &message, hex));
    snprintf(expected, sizeof(expected), "key=k7, hmac-sha256=%s", hex);
    assert_string_equal(scene->signature, expected);
    assert_int_equal(row_of(scene).position, 3);
    assert_true(row_of(scene).delivered_us > 0);
    assert_int_equal(scene->hook.outcomes[WEBHOOK_DELIVERED], 3);
    assert_true(scene->hook.is_up);
    assert_int_equal(scene->hook.waiting, 0);
}

static void test_what_is_not_wanted_is_passed_over(void **state)
{
    struct hook_scene *scene = *state;
    flag_add(scene, SIGNAL_WRONG_PINS, 1); /* of risk */
    flag_add(scene, SIGNAL_TIMEOUTS, 2);
    scene->options.kinds = 1U << EVENT_OUT_CASE_OPENED;
    assert_int_equal(webhook_turn(&scene->hook), 0);
    assert_int_equal(webhook_turn(&scene->hook), 250);
    assert_int_equal(scene->seen_count, 0);
    assert_int_equal(row_of(scene).position, 2);
    scene->options.kinds = 0x1F;
    flag_add(scene, SIGNAL_WRONG_PINS, 3);
    flag_add(scene, SIGNAL_TIMEOUTS, 4);
    assert_int_equal(webhook_turn(&scene->hook), 0);
    assert_int_equal(scene->seen_count, 1);
    assert_string_equal(scene->seen[0], "4");
    assert_int_equal(row_of(scene).position, 4);
}

/* How one attempt ends; then it is delivered. */
static void expect_failure(struct hook_scene *scene, const char *fault)
{
    uint32_t seen = scene->seen_count;
    assert_int_equal(webhook_turn(&scene->hook), 0);
    struct webhook_row row = row_of(scene);
    assert_string_equal(row.fault, fault);
    assert_int_equal(row.attempts, 1);
    assert_true(row.failing_since_us > 0);
    assert_true(row.next_try_us > row.failing_since_us);
    uint32_t pause_ms = webhook_turn(&scene->hook);
    assert_true(pause_ms > 1 && pause_ms <= 1000);
    assert_int_equal(scene->seen_count, seen + 1); /* not before its time */
    assert_false(scene->hook.is_up);
    assert_string_equal(scene_sql(scene->desk, "UPDATE webhook_position SET next_try_us = 0"), "");
    scene->code = 200;
    scene->is_long = false;
    assert_int_equal(webhook_turn(&scene->hook), 0);
    assert_string_equal(scene->seen[scene->seen_count - 1], scene->seen[seen]);
    assert_int_equal(row_of(scene).attempts, 0);
}

static void test_whatever_is_no_2xx_is_tried_again(void **state)
{
    struct hook_scene *scene = *state;
    static const unsigned CODES[] = {500, 503, 404, 302, 401};
    for (size_t i = 0; i < COUNT_OF(CODES); i++) {
        char fault[16];
        flag_add(scene, SIGNAL_TIMEOUTS, i + 1);
        scene->code = CODES[i];
        snprintf(fault, sizeof(fault), "HTTP %u", CODES[i]);
        expect_failure(scene, fault);
    }
    flag_add(scene, SIGNAL_TIMEOUTS, 99);
    scene->is_long = true;
    expect_failure(scene, "the answer is longer than 64 KiB");
    assert_int_equal(scene->hook.outcomes[WEBHOOK_FAILED], COUNT_OF(CODES) + 1);
}

static void test_the_other_side_may_ask_for_time(void **state)
{
    struct hook_scene *scene = *state;
    flag_add(scene, SIGNAL_TIMEOUTS, 1);
    scene->code = 503;
    scene->retry_after = "120";
    int64_t begin_us = wall_text_now_us();
    assert_int_equal(webhook_turn(&scene->hook), 0);
    int64_t left_us = row_of(scene).next_try_us - begin_us;
    assert_true(left_us >= 120000000 && left_us < 150000000);
    assert_int_equal(webhook_turn(&scene->hook), 1000);
    assert_int_equal(scene->seen_count, 1);
}

static void test_410_stops_it_and_keeps_its_events(void **state)
{
    struct hook_scene *scene = *state;
    uint32_t count;
    flag_add(scene, SIGNAL_TIMEOUTS, 1);
    scene->code = 410;
    assert_int_equal(webhook_turn(&scene->hook), 0);
    assert_int_equal(row_of(scene).state, WEBHOOK_STOPPED);
    assert_string_equal(row_of(scene).fault, "HTTP 410");
    assert_int_equal(row_of(scene).position, 0);
    scene->code = 200;
    assert_int_equal(webhook_turn(&scene->hook), 1000);
    assert_int_equal(scene->seen_count, 1);
    assert_int_equal(webhook_book_retry(scene->desk->desk, "tickets", &count), STATUS_OK);
    assert_int_equal(webhook_turn(&scene->hook), 0);
    assert_int_equal(scene->seen_count, 2);
    assert_int_equal(row_of(scene).position, 1);
}

/* The one whose time is up is put aside after its attempt, those that are as old without one. */
static void test_what_cannot_be_delivered_for_long_is_put_aside(void **state)
{
    struct hook_scene *scene = *state;
    uint32_t count = 0;
    scene->options.give_up_ms = 1;
    scene->options.retry_min_ms = scene->options.retry_max_ms = 60000;
    for (uint64_t i = 1; i <= 3; i++) {
        flag_add(scene, SIGNAL_TIMEOUTS, i);
    }
    scene->code = 500;
    assert_int_equal(webhook_turn(&scene->hook), 0);
    assert_int_equal(row_of(scene).letter_count, 0);
    assert_int_equal(row_of(scene).attempts, 1);
    nanosleep(&(struct timespec){0, 5000000}, NULL);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(webhook_turn(&scene->hook), 0);
    }
    assert_int_equal(scene->seen_count, 1);
    assert_int_equal(row_of(scene).letter_count, 3);
    assert_int_equal(row_of(scene).position, 3);
    scene->options.give_up_ms = 1000000;
    flag_add(scene, SIGNAL_TIMEOUTS, 4); /* young: it waits for the next attempt */
    assert_int_equal(webhook_turn(&scene->hook), 1000);
    assert_int_equal(row_of(scene).letter_count, 3);
    scene->code = 204;
    assert_int_equal(webhook_book_retry(scene->desk->desk, "tickets", &count), STATUS_OK);
    assert_int_equal(count, 3);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(webhook_turn(&scene->hook), 0);
    }
    assert_int_equal(scene->seen_count, 5);
    assert_string_equal(scene->seen[1], "1");
    assert_string_equal(scene->seen[3], "3");
    assert_string_equal(scene->seen[4], "4");
    assert_int_equal(row_of(scene).letter_count, 0);
}

static void test_letters_that_fail_hold_no_event_back(void **state)
{
    struct hook_scene *scene = *state;
    uint32_t count = 0;
    scene->options.give_up_ms = 1;
    scene->options.retry_min_ms = scene->options.retry_max_ms = 60000;
    flag_add(scene, SIGNAL_TIMEOUTS, 1);
    flag_add(scene, SIGNAL_TIMEOUTS, 2);
    scene->code = 500;
    assert_int_equal(webhook_turn(&scene->hook), 0);
    nanosleep(&(struct timespec){0, 5000000}, NULL);
    assert_int_equal(webhook_turn(&scene->hook), 0);
    assert_int_equal(webhook_turn(&scene->hook), 0);
    assert_int_equal(row_of(scene).letter_count, 2);
    scene->options.give_up_ms = 1000000;
    assert_int_equal(webhook_book_retry(scene->desk->desk, "tickets", &count), STATUS_OK);
    flag_add(scene, SIGNAL_TIMEOUTS, 3);
    assert_int_equal(webhook_turn(&scene->hook), 0); /* the first letter, which fails again */
    scene->code = 200;
    assert_int_equal(webhook_turn(&scene->hook), 0);
    assert_int_equal(webhook_turn(&scene->hook), 0);
    assert_int_equal(scene->seen_count, 4);
    assert_string_equal(scene->seen[1], "1");
    assert_string_equal(scene->seen[2], "3");
    assert_string_equal(scene->seen[3], "2");
    assert_int_equal(row_of(scene).letter_count, 1);
    assert_int_equal(row_of(scene).position, 3);
}

static void test_bytes_that_are_no_event_are_put_aside(void **state)
{
    struct hook_scene *scene = *state;
    assert_string_equal(
        scene_sql(scene->desk, "INSERT INTO event_out VALUES (1, 1, 'flag', 'FAULT', 'x', x'FF')"),
        "");
    flag_add(scene, SIGNAL_TIMEOUTS, 1);
    assert_int_equal(webhook_turn(&scene->hook), 0);
    assert_int_equal(row_of(scene).letter_count, 1);
    assert_int_equal(webhook_turn(&scene->hook), 0);
    assert_int_equal(scene->seen_count, 1);
    assert_string_equal(scene->seen[0], "2");
}

/* Once, and for metrics in all. */
static void test_what_is_given_up_is_said(void **state)
{
    struct hook_scene *scene = *state;
    char path[96], said[2048] = "";
    snprintf(path, sizeof(path), "%s/said", scene->desk->folder);
    assert_int_equal(webhook_turn(&scene->hook), 250);
    assert_string_equal(scene_sql(scene->desk, "UPDATE webhook_position SET given_up = 7"), "");
    fflush(stderr);
    int kept = dup(STDERR_FILENO);
    FILE *file = fopen(path, "w+");
    assert_non_null(file);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    uint32_t pause_ms = webhook_turn(&scene->hook);
    pause_ms += webhook_turn(&scene->hook);
    fflush(stderr);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(kept);
    assert_int_equal(pause_ms, 500);
    rewind(file);
    said[fread(said, 1, sizeof(said) - 1, file)] = '\0';
    fclose(file);
    unlink(path);
    assert_non_null(strstr(said, "webhook tickets: 7 events are given up, 7 in all"));
    assert_null(strstr(strstr(said, "7 in all"), "events are given up"));
    assert_int_equal(scene->hook.given_up, 7);
}

static struct metrics_webhook tally_of(const struct webhooks *webhooks)
{
    struct metrics_webhook tallies[METRICS_WEBHOOK_COUNT_MAX];
    assert_int_equal(webhooks_tally(webhooks, tallies), 1);
    return tallies[0];
}

/* As at each start and each reload: the count of the desk, or that it is not known yet. */
static void test_what_is_given_up_is_not_told_as_none_before_the_first_look(void **state)
{
    struct hook_scene *scene = *state;
    const struct webhooks_setup setup = {&scene->options, 1, scene->share};
    const struct timespec pause = {.tv_nsec = 10000000};
    char reason[WEBHOOK_REASON_SIZE];
    assert_string_equal(scene_sql(scene->desk, "UPDATE webhook_position SET given_up = 7"), "");
    struct webhooks *webhooks = webhooks_create(&setup, reason);
    assert_non_null(webhooks);
    assert_false(tally_of(webhooks).has_looked);
    assert_true(webhooks_start(webhooks));
    struct metrics_webhook tally = tally_of(webhooks);
    for (uint32_t i = 0; i < 3000 && !tally.has_looked; i++) {
        nanosleep(&pause, NULL);
        tally = tally_of(webhooks);
    }
    webhooks_destroy(webhooks);
    assert_true(tally.has_looked);
    assert_int_equal(tally.given_up, 7);
}

/* Where nobody listens, and where somebody listens and says nothing. */
static void test_a_server_that_is_not_there_or_silent_is_a_failure(void **state)
{
    struct hook_scene *scene = *state;
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(place);
    char reason[WEBHOOK_REASON_SIZE];
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&place, sizeof(place)), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&place, &length), 0);
    webhook_close(&scene->hook);
    snprintf(scene->options.url, sizeof(scene->options.url), "http://127.0.0.1:%u/x",
             ntohs(place.sin_port));
    scene->options.timeout_ms = 300;
    assert_true(webhook_open(&scene->hook, reason));
    flag_add(scene, SIGNAL_TIMEOUTS, 1);
    assert_int_equal(webhook_turn(&scene->hook), 0);
    assert_non_null(strstr(row_of(scene).fault, "connect"));
    assert_int_equal(listen(listener, 4), 0);
    assert_string_equal(scene_sql(scene->desk, "UPDATE webhook_position SET next_try_us = 0"), "");
    assert_int_equal(webhook_turn(&scene->hook), 0);
    assert_non_null(strstr(row_of(scene).fault, "timed out"));
    assert_int_equal(row_of(scene).attempts, 2);
    scene->is_ending = true; /* what is interrupted is no attempt */
    assert_string_equal(scene_sql(scene->desk, "UPDATE webhook_position SET next_try_us = 0"), "");
    assert_int_not_equal(webhook_turn(&scene->hook), 0);
    assert_int_equal(row_of(scene).attempts, 2);
    close(listener);
}

#define HOOK(test) cmocka_unit_test_setup_teardown(test, hook_set, hook_strike)
int main(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    const struct CMUnitTest tests[] = {
        HOOK(test_events_are_posted_in_order_and_signed),
        HOOK(test_what_is_not_wanted_is_passed_over),
        HOOK(test_whatever_is_no_2xx_is_tried_again),
        HOOK(test_the_other_side_may_ask_for_time),
        HOOK(test_410_stops_it_and_keeps_its_events),
        HOOK(test_what_cannot_be_delivered_for_long_is_put_aside),
        HOOK(test_letters_that_fail_hold_no_event_back),
        HOOK(test_bytes_that_are_no_event_are_put_aside),
        HOOK(test_what_is_given_up_is_said),
        HOOK(test_what_is_given_up_is_not_told_as_none_before_the_first_look),
        HOOK(test_a_server_that_is_not_there_or_silent_is_a_failure),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
