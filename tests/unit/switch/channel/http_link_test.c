/* A bank that messages are posted to in HTTP: one POST at a time, and answers that are none. */
#include "tests/unit/switch/channel/bank_peer.h"

#include "tests/stage/log_capture.h"

static struct bank_setup posting(void)
{
    struct bank_setup setup = STAGE_SETUP;
    set_text(setup.http_path, "/bank/in");
    set_text(setup.http_host, "bank.example");
    return setup;
}

static struct channel_counts counts_of(struct stage *stage)
{
    struct channel_counts counts;
    channel_count(stage->channel, &counts);
    return counts;
}

static bool has_response(struct stage *stage)
{
    return stage->response_count > 0;
}

static bool has_two_responses(struct stage *stage)
{
    return stage->response_count > 1;
}

static bool has_payment(struct stage *stage)
{
    return stage->message_count > 1;
}

static bool is_refused(struct stage *stage)
{
    return counts_of(stage).http_refused > 0;
}

static bool is_down_again(struct stage *stage)
{
    return stage->down_count > 0;
}

static bool is_up_twice(struct stage *stage)
{
    return stage->up_count > 1;
}

static bool is_over(struct stage *stage)
{
    return loop_now_ns() > stage->give_up_ns - UINT64_C(29850000000); /* 150 ms */
}

static void say(struct stage *stage, uint32_t count, const char *answer)
{
    stage->raw_answer = answer;
    stage->raw_count = count;
}

static void forward(struct stage *stage, uint32_t stan, enum channel_answer expected)
{
    struct payment payment = purchase(stan);
    assert_int_equal(channel_forward(stage->channel, &payment), expected);
}

static void test_one_post_waits_at_a_time(void **state)
{
    (void)state;
    struct bank_setup setup = posting();
    struct stage *stage = stage_up(&setup);
    stage->answers_payments = false;
    forward(stage, 1, CHANNEL_QUEUED);
    forward(stage, 2, CHANNEL_FULL);
    run_until(stage, has_payment);
    forward(stage, 2, CHANNEL_FULL);
    peer_answer(stage, &stage->messages[1], "00");
    run_until(stage, has_response);
    stage->answers_payments = true;
    forward(stage, 2, CHANNEL_QUEUED);
    run_until(stage, has_two_responses);
    assert_int_equal(stage->response.stan, 2);
    assert_int_equal(stage->accept_count, 1);
    stage_destroy(stage);
}

static void test_a_window_that_is_written_down_is_kept(void **state)
{
    (void)state;
    struct bank_setup setup = posting();
    setup.links[0].window = 2;
    struct stage *stage = stage_up(&setup);
    forward(stage, 1, CHANNEL_QUEUED);
    forward(stage, 2, CHANNEL_QUEUED);
    forward(stage, 3, CHANNEL_FULL);
    run_until(stage, has_two_responses);
    forward(stage, 3, CHANNEL_QUEUED);
    stage_destroy(stage);
}

/* Nothing but the answer that waits can come: a test of the link would have to wait behind it. */
static void test_a_link_is_not_tested_while_a_post_waits(void **state)
{
    (void)state;
    struct bank_setup setup = posting();
    setup.echo_every_ms = 20;
    setup.answer_life_ms = 1000;
    struct stage *stage = stage_up(&setup);
    stage->answers_payments = false;
    forward(stage, 1, CHANNEL_QUEUED);
    run_until(stage, is_over);
    assert_int_equal(stage->message_count, 2);
    peer_answer(stage, &stage->messages[1], "00");
    run_until(stage, has_response);
    run_until(stage, is_over);
    assert_true(stage->message_count > 2);
    assert_int_equal(stage->messages[2].kind, PAYMENT_ECHO);
    assert_int_equal(counts_of(stage).connections_lost, 0);
    stage_destroy(stage);
}

/* One answer without a message costs its own request alone. */
static void refused_alone(const char *answer, const char *said)
{
    static struct log_capture capture;
    struct bank_setup setup = posting();
    struct stage *stage = stage_up(&setup);
    say(stage, 1, answer);
    log_capture_begin(&capture);
    forward(stage, 1, CHANNEL_QUEUED);
    run_until(stage, is_refused);
    log_capture_end(&capture);
    log_capture_expect(&capture, "bank_http_refused");
    log_capture_expect(&capture, "channel=bank_a link=0");
    log_capture_expect(&capture, said);
    assert_int_equal(counts_of(stage).waiting, 0);
    assert_int_equal(stage->response_count, 0);
    forward(stage, 2, CHANNEL_QUEUED);
    run_until(stage, has_response);
    assert_int_equal(stage->response.stan, 2);
    assert_int_equal(stage->accept_count, 1);
    assert_int_equal(counts_of(stage).connections_lost, 0);
    assert_int_equal(counts_of(stage).http_refused, 1);
    stage_destroy(stage);
}

static void test_an_answer_without_a_message_fails_its_request_alone(void **state)
{
    static char page[100000];
    (void)state;
    refused_alone("HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops",
                  "status=500 kind=purchase stan=1");
    refused_alone("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "status=200");
    refused_alone("HTTP/1.1 204 Nothing\r\n\r\n", "status=204");
    refused_alone("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<html", "in the HTTP body");
    refused_alone("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\x01\x02zz",
                  "one frame of that length");
    int head = snprintf(page, sizeof(page), "HTTP/1.1 503 Busy\r\nContent-Length: 99000\r\n\r\n");
    memset(page + head, 'x', 99000); /* longer than anything is kept for */
    refused_alone(page, "status=503");
    page[9] = '2', page[11] = '0';
    refused_alone(page, "longer than a frame");
}

static bool is_unreadable(struct stage *stage)
{
    return counts_of(stage).unreadable > 0;
}

/* The test's POST was answered by something else, so its room is free, and a payment took it. */
static void test_a_test_without_an_answer_does_not_cost_the_payment_behind_it(void **state)
{
    static char answer[512];
    (void)state;
    struct bank_setup setup = posting();
    setup.echo_every_ms = 20;
    setup.answer_life_ms = 5000;
    struct stage *stage = stage_up(&setup);
    int head =
        snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: 259\r\n\r\n\x01\x01");
    memset(answer + head, 'x', 0x101); /* a frame of that length, which is no message */
    say(stage, 1, answer);
    stage->answers_payments = false;
    run_until(stage, is_unreadable);
    forward(stage, 1, CHANNEL_QUEUED);
    for (uint32_t i = 0; i < 3; i++) { /* longer than reply_timeout_ms */
        run_until(stage, is_over);
    }
    assert_int_equal(counts_of(stage).echo_timeouts, 1);
    assert_int_equal(counts_of(stage).connections_lost, 0);
    assert_int_equal(stage->messages[stage->message_count - 1].kind, PAYMENT_PURCHASE);
    peer_answer(stage, &stage->messages[stage->message_count - 1], "00");
    run_until(stage, has_response);
    assert_int_equal(stage->accept_count, 1);
    stage_destroy(stage);
}

static uint32_t refused_wanted;

static bool are_refused(struct stage *stage)
{
    return counts_of(stage).http_refused >= refused_wanted;
}

/* A bank that is ill, and says so each time, is not half dead. */
static void test_a_link_that_answers_500_for_long_is_kept(void **state)
{
    (void)state;
    struct bank_setup setup = posting();
    setup.half_dead_requests = 3;
    setup.half_dead_ms = 20;
    struct stage *stage = stage_up(&setup);
    say(stage, 8, "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops");
    for (uint32_t stan = 1; stan <= 8; stan++) {
        forward(stage, stan, CHANNEL_QUEUED);
        refused_wanted = stan;
        run_until(stage, are_refused);
        if (stan == 4) {
            run_until(stage, is_over);
        }
    }
    forward(stage, 9, CHANNEL_QUEUED);
    run_until(stage, has_response);
    assert_int_equal(stage->accept_count, 1);
    assert_int_equal(counts_of(stage).half_dead, 0);
    assert_int_equal(counts_of(stage).connections_lost, 0);
    stage_destroy(stage);
}

static void test_an_interim_answer_is_none(void **state)
{
    (void)state;
    struct bank_setup setup = posting();
    struct stage *stage = stage_up(&setup);
    say(stage, 1, "HTTP/1.1 100 Continue\r\n\r\n");
    forward(stage, 1, CHANNEL_QUEUED);
    run_until(stage, has_payment);
    forward(stage, 2, CHANNEL_FULL);
    peer_answer(stage, &stage->messages[1], "00");
    run_until(stage, has_response);
    assert_int_equal(counts_of(stage).http_refused, 0);
    stage_destroy(stage);
}

/* What costs the connection says why; it is made again. */
static void costs_the_connection(const char *answer, const char *reason)
{
    struct bank_setup setup = posting();
    struct stage *stage = stage_up(&setup);
    say(stage, 1, answer);
    forward(stage, 1, CHANNEL_QUEUED);
    run_until(stage, is_down_again);
    if (strstr(stage->reason, reason) == NULL) {
        fail_msg("expected \"%s\" in \"%s\"", reason, stage->reason);
    }
    assert_int_equal(counts_of(stage).waiting, 0);
    run_until(stage, is_up_twice);
    stage_destroy(stage);
}

static void test_an_answer_whose_end_nobody_knows_costs_the_connection(void **state)
{
    (void)state;
    costs_the_connection("HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n", "status 500");
    costs_the_connection("HTTP/1.1 502 Bad\r\n\r\n", "status 502");
    costs_the_connection("oops", "expected an HTTP answer");
    costs_the_connection("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
                         "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                         "an HTTP answer came, and nothing was posted");
    costs_the_connection("HTTP/1.1 500 Oops\r\nContent-Length: 9\r\nConnection: close\r\n\r\n",
                         "says that this connection ends");
}

static void test_an_answer_that_says_close_is_taken_and_ends_the_link(void **state)
{
    (void)state;
    struct bank_setup setup = posting();
    struct stage *stage = stage_up(&setup);
    stage->closes = true;
    forward(stage, 1, CHANNEL_QUEUED);
    run_until(stage, is_down_again);
    assert_int_equal(stage->response_count, 1);
    assert_string_equal(stage->reason, "the bank's HTTP answer says that this connection ends");
    stage->closes = false;
    run_until(stage, is_up_twice);
    assert_int_equal(stage->accept_count, 2);
    forward(stage, 2, CHANNEL_QUEUED);
    run_until(stage, has_two_responses);
    stage_destroy(stage);
}

static void test_a_post_without_an_answer_costs_the_connection_in_the_end(void **state)
{
    (void)state;
    struct bank_setup setup = posting();
    struct stage *stage = stage_up(&setup);
    stage->answers_payments = false;
    forward(stage, 7, CHANNEL_QUEUED);
    run_until(stage, is_down_again);
    assert_string_equal(stage->reason, "the POST of a purchase, STAN 000007, has no answer in "
                                       "time, and what is posted behind it could have none");
    stage->answers_payments = true;
    run_until(stage, is_up_twice);
    forward(stage, 8, CHANNEL_QUEUED);
    run_until(stage, has_response);
    stage_destroy(stage);
}

static void test_a_signon_that_is_answered_500_names_the_status(void **state)
{
    (void)state;
    struct bank_setup setup = posting();
    struct stage *stage = stage_create(&setup);
    say(stage, 1, "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops");
    channel_start(stage->channel);
    run_until(stage, is_up); /* at the second try */
    assert_int_equal(counts_of(stage).signons_failed, 1);
    assert_int_equal(counts_of(stage).http_refused, 1);
    assert_int_equal(stage->accept_count, 2);
    stage_destroy(stage);
}

static void test_tests_that_are_answered_500_take_the_link_down(void **state)
{
    (void)state;
    struct bank_setup setup = posting();
    setup.echo_every_ms = 20;
    struct stage *stage = stage_up(&setup);
    say(stage, 2, "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
    run_until(stage, is_down_again);
    assert_non_null(strstr(stage->reason, "2 tests of the link were answered without a message, "
                                          "HTTP status 500"));
    stage_destroy(stage);
}

static void expect_host(const struct stage *stage, const char *host)
{
    char line[160];
    snprintf(line, sizeof(line), "POST /bank/in HTTP/1.1\r\nHost: %s\r\n", host);
    assert_memory_equal(stage->head, line, strlen(line));
}

static void test_a_post_names_the_host_or_the_place_of_the_first_link(void **state)
{
    (void)state;
    char host[FRAME_HTTP_POST_TEXT_MAX + 1];
    struct bank_setup setup = posting();
    struct stage *stage = stage_up(&setup);
    expect_host(stage, "bank.example");
    stage_destroy(stage);
    setup.http_host[0] = '\0';
    stage = stage_up(&setup);
    snprintf(host, sizeof(host), "127.0.0.1:%u", listener_port(stage->listener));
    expect_host(stage, host);
    stage_destroy(stage);
    setup.links[0].address = "2001:db8::7";
    setup.links[0].port = 443;
    bank_setup_host(&setup, host);
    assert_string_equal(host, "[2001:db8::7]:443");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_post_waits_at_a_time),
        cmocka_unit_test(test_a_window_that_is_written_down_is_kept),
        cmocka_unit_test(test_a_link_is_not_tested_while_a_post_waits),
        cmocka_unit_test(test_an_answer_without_a_message_fails_its_request_alone),
        cmocka_unit_test(test_a_link_that_answers_500_for_long_is_kept),
        cmocka_unit_test(test_a_test_without_an_answer_does_not_cost_the_payment_behind_it),
        cmocka_unit_test(test_an_interim_answer_is_none),
        cmocka_unit_test(test_an_answer_whose_end_nobody_knows_costs_the_connection),
        cmocka_unit_test(test_an_answer_that_says_close_is_taken_and_ends_the_link),
        cmocka_unit_test(test_a_post_without_an_answer_costs_the_connection_in_the_end),
        cmocka_unit_test(test_a_signon_that_is_answered_500_names_the_status),
        cmocka_unit_test(test_tests_that_are_answered_500_take_the_link_down),
        cmocka_unit_test(test_a_post_names_the_host_or_the_place_of_the_first_link),
    };
    return cmocka_run_group_tests_name("switch/channel/http_link", tests, NULL, NULL);
}
