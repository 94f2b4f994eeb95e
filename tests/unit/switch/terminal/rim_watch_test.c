/* What never becomes a request is told to the engine in sums: over real sockets, by the second. */
#include "tests/unit/switch/terminal/desk.h"

#include "switch/net/tls.h"
#include "tests/unit/switch/net/tls_fixture.h"

/* Waits until so many sightings were handed over, ten seconds at most. */
static void wait_for_sightings(uint32_t count)
{
    for (int i = 0; i < 1000 && desk.sighting_count < count; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    assert_int_equal(desk.sighting_count, count);
}

static void test_wrong_macs_of_a_second_are_one_sighting(void **state)
{
    (void)state;
    uint8_t bytes[1024], reply[2048];
    uint32_t length = sale_frame(bytes, sizeof(bytes));
    bytes[length - 1] ^= 1;
    int descriptor = dial();
    for (int i = 0; i < 3; i++) {
        put(descriptor, bytes, length);
        (void)answer(descriptor, reply);
    }
    wait_for_sightings(1);
    assert_string_equal(desk.sightings[0].terminal_id, TERMINAL);
    assert_int_equal(desk.sightings[0].reason, TXN_REASON_MAC_FAILED);
    assert_int_equal(desk.sightings[0].count, 3);
    close(descriptor);
}

/* While the engine has no room, it waits. */
static void test_a_stranger_is_seen_by_the_name_it_gives(void **state)
{
    (void)state;
    uint8_t bytes[1024], reply[2048];
    struct payment payment;
    sale(&payment);
    memcpy(payment.terminal_id, "99999999", 9);
    uint32_t length = frame_of(&payment, bytes, sizeof(bytes));
    int descriptor = dial();
    put(descriptor, bytes, length);
    (void)answer(descriptor, reply);
    desk.is_full = true;
    nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 500000000}, NULL);
    assert_int_equal(desk.sighting_count, 0);
    desk.is_full = false;
    wait_for_sightings(1);
    assert_string_equal(desk.sightings[0].terminal_id, "99999999");
    assert_int_equal(desk.sightings[0].reason, TXN_REASON_STRANGER);
    close(descriptor);
}

/* Rubbish has no name, but where it comes from a terminal proved itself a moment ago. */
static void test_rubbish_is_laid_at_the_door_of_who_came_from_there_before(void **state)
{
    (void)state;
    uint8_t bytes[1024];
    uint32_t length = sale_frame(bytes, sizeof(bytes));
    int descriptor = dial();
    put(descriptor, (const uint8_t *)"garbage, and none that is known", 31);
    expect_end(descriptor);
    descriptor = dial();
    put(descriptor, bytes, length);
    expect_answer(descriptor, "0210", "00");
    close(descriptor);
    for (int i = 0; i < 500 && terminals_conn_count(desk.terminals) > 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    descriptor = dial();
    put(descriptor, (const uint8_t *)"garbage, and none that is known", 31);
    expect_end(descriptor);
    wait_for_sightings(1);
    assert_string_equal(desk.sightings[0].terminal_id, TERMINAL);
    assert_int_equal(desk.sightings[0].reason, TXN_REASON_MALFORMED);
    assert_int_equal(desk.sightings[0].count, 1);
}

/* One message of a connection may claim any name: what came before it proves nothing of that one,
 * neither on this connection nor, after its end, of the address. */
static void test_another_name_has_yet_to_be_proven(void **state)
{
    (void)state;
    uint8_t bytes[1024], reply[2048];
    struct payment payment;
    int descriptor = dial();
    put(descriptor, bytes, sale_frame(bytes, sizeof(bytes)));
    expect_answer(descriptor, "0210", "00");
    sale(&payment);
    memcpy(payment.terminal_id, KEYLESS_FIRST, 9);
    put(descriptor, bytes, frame_of(&payment, bytes, sizeof(bytes)));
    (void)answer(descriptor, reply);
    put(descriptor, (const uint8_t *)"garbage, and none that is known", 31);
    expect_end(descriptor);
    for (int i = 0; i < 500 && terminals_conn_count(desk.terminals) > 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    descriptor = dial();
    put(descriptor, (const uint8_t *)"garbage, and none that is known", 31);
    expect_end(descriptor);
    wait_for_sightings(1);
    assert_string_equal(desk.sightings[0].terminal_id, KEYLESS_FIRST);
    assert_int_equal(desk.sightings[0].reason, TXN_REASON_KEYS_MISSING);
    assert_int_equal(desk.sightings[0].count, 1);
}

/* Whoever may invent names makes no more rows of the log with many than a second may have; those
 * that came first go first. */
static void test_a_second_has_so_many_rows_and_the_rest_wait(void **state)
{
    (void)state;
    uint8_t bytes[1024], reply[2048];
    struct payment payment;
    char name[9];
    int descriptor = -1;
    sale(&payment);
    for (unsigned i = 0; i < KEYLESS_COUNT; i++) {
        if (i % 5 == 0) { /* too many wrong ones in a row end a connection */
            descriptor = dial();
        }
        snprintf(name, sizeof(name), "%u", KEYLESS_NUMBER + i);
        memcpy(payment.terminal_id, name, sizeof(name));
        put(descriptor, bytes, frame_of(&payment, bytes, sizeof(bytes)));
        (void)answer(descriptor, reply);
        if (i % 5 == 4) {
            close(descriptor);
        }
    }
    wait_for_sightings(SIGHTING_ROW_COUNT_MAX);
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    assert_int_equal(desk.sighting_count, SIGHTING_ROW_COUNT_MAX);
    wait_for_sightings(KEYLESS_COUNT);
    assert_string_equal(desk.sightings[0].terminal_id, KEYLESS_FIRST);
    assert_string_equal(desk.sightings[KEYLESS_COUNT - 1].terminal_id, name);
}

/* --- certificates --------------------------------------------------------------------------- */

static struct tls_fixture fixture;

/* The terminal's certificate, which serves as ours and as its own authority, too. */
static int open_with_certificate(void **state, long days)
{
    char reason[TLS_REASON_SIZE];
    tls_fixture_make_for(&fixture, TERMINAL, days * 86400 - 3600);
    struct tls_server_setup setup = {.certificate_file = fixture.certificate,
                                     .key_file = fixture.key,
                                     .client_ca_file = fixture.certificate,
                                     .client_is_required = true};
    desk.tls = tls_server_create(&setup, reason);
    assert_non_null(desk.tls);
    return desk_open(state);
}

static int open_with_ten_days(void **state)
{
    return open_with_certificate(state, 10);
}

static int open_with_a_year(void **state)
{
    return open_with_certificate(state, 365);
}

static int close_with_certificate(void **state)
{
    int failed = desk_close(state);
    tls_release(desk.tls);
    desk.tls = NULL;
    tls_fixture_remove(&fixture);
    return failed;
}

/* A connection that pays once. */
static void pay_by_tls(void)
{
    uint8_t bytes[2048];
    char reason[TLS_REASON_SIZE];
    uint32_t length = sale_frame(bytes, sizeof(bytes));
    SSL_CTX *context =
        tls_client_create(&(struct tls_client_setup){.ca_file = fixture.certificate,
                                                     .certificate_file = fixture.certificate,
                                                     .key_file = fixture.key},
                          reason);
    assert_non_null(context);
    SSL *ssl = SSL_new(context);
    int descriptor = dial();
    SSL_set_fd(ssl, descriptor);
    assert_int_equal(SSL_connect(ssl), 1);
    assert_int_equal(SSL_write(ssl, bytes, (int)length), length);
    assert_true(SSL_read(ssl, bytes, sizeof(bytes)) > 0);
    SSL_shutdown(ssl);
    SSL_free(ssl);
    close(descriptor);
    SSL_CTX_free(context);
}

static void test_a_certificate_near_its_end_is_seen_once(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        pay_by_tls();
    }
    wait_for_sightings(1);
    assert_string_equal(desk.sightings[0].terminal_id, TERMINAL);
    assert_int_equal(desk.sightings[0].reason, TXN_REASON_CERTIFICATE_14);
    assert_int_equal(desk.sightings[0].count, 1);
    pay_by_tls();
    nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 300000000}, NULL);
    assert_int_equal(desk.sighting_count, 1);
    assert_int_equal(desk.requests, 4);
}

/* The engine writes no such row while the disk is short: it hears of it again, until it does. */
static void test_a_certificate_that_was_not_taken_is_seen_again(void **state)
{
    (void)state;
    desk.is_log_short = true;
    pay_by_tls();
    wait_for_sightings(1);
    pay_by_tls();
    wait_for_sightings(2);
    desk.is_log_short = false;
    pay_by_tls();
    wait_for_sightings(3);
    assert_int_equal(desk.sightings[2].reason, TXN_REASON_CERTIFICATE_14);
    pay_by_tls();
    nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 300000000}, NULL);
    assert_int_equal(desk.sighting_count, 3);
}

static void test_a_certificate_that_lasts_is_nothing_to_see(void **state)
{
    (void)state;
    pay_by_tls();
    nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 300000000}, NULL);
    assert_int_equal(desk.requests, 1);
    assert_int_equal(desk.sighting_count, 0);
}

#define DESK_TEST(name) cmocka_unit_test_setup_teardown(name, desk_open, desk_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(test_wrong_macs_of_a_second_are_one_sighting),
        DESK_TEST(test_a_stranger_is_seen_by_the_name_it_gives),
        DESK_TEST(test_rubbish_is_laid_at_the_door_of_who_came_from_there_before),
        DESK_TEST(test_another_name_has_yet_to_be_proven),
        DESK_TEST(test_a_second_has_so_many_rows_and_the_rest_wait),
        cmocka_unit_test_setup_teardown(test_a_certificate_near_its_end_is_seen_once,
                                        open_with_ten_days, close_with_certificate),
        cmocka_unit_test_setup_teardown(test_a_certificate_that_was_not_taken_is_seen_again,
                                        open_with_ten_days, close_with_certificate),
        cmocka_unit_test_setup_teardown(test_a_certificate_that_lasts_is_nothing_to_see,
                                        open_with_a_year, close_with_certificate),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("switch/terminal/rim_watch", tests, NULL, NULL);
}
