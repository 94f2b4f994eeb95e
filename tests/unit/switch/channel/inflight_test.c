/* Requests wait for their answers: no more than may, none twice, and odd answers are explained. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "switch/channel/inflight.h"

#define MS UINT64_C(1000000)
#define LIFE (1000 * MS)

static struct payment payment_of(uint32_t stan, const char *terminal)
{
    struct payment payment = {.kind = PAYMENT_PURCHASE, .stan = stan, .amount = {100, MONEY_CNY}};
    snprintf(payment.terminal_id, sizeof(payment.terminal_id), "%s", terminal);
    snprintf(payment.rrn, sizeof(payment.rrn), "%012u", stan);
    return payment;
}

static struct inflight *window_of(uint32_t window)
{
    struct inflight *inflight = inflight_create(&(struct inflight_setup){window, LIFE});
    assert_non_null(inflight);
    return inflight;
}

static enum inflight_put put(struct inflight *inflight, const struct payment *payment, uint8_t link,
                             uint64_t now)
{
    const struct inflight_request request = {payment, MATCH_PARTS_FALLBACK, link};
    return inflight_put(inflight, &request, now);
}

static struct inflight_verdict take(struct inflight *inflight, uint32_t stan, const char *terminal,
                                    uint64_t now)
{
    struct inflight_verdict verdict;
    struct payment answer = payment_of(stan, terminal);
    inflight_take(inflight, &answer, now, &verdict);
    return verdict;
}

static void test_requests_wait_until_they_are_answered(void **state)
{
    (void)state;
    struct inflight *inflight = window_of(3);
    static const uint32_t stans[] = {1, 65, 129, 193}; /* one bucket */
    for (uint32_t i = 0; i < COUNT_OF(stans); i++) {
        struct payment payment = payment_of(stans[i], "10000001");
        assert_int_equal(put(inflight, &payment, 1, i),
                         i < 3 ? INFLIGHT_PUT_DONE : INFLIGHT_PUT_FULL);
    }
    assert_int_equal(inflight_count(inflight, 4), 3);
    assert_int_equal(inflight_link_count(inflight, 1), 3);
    struct inflight_verdict verdict = take(inflight, 65, "10000001", 5);
    assert_int_equal(verdict.answer, INFLIGHT_MATCHED);
    assert_int_equal(verdict.link, 1);
    assert_string_equal(verdict.text, "");
    assert_int_equal(inflight_link_count(inflight, 1), 2);
    struct payment payment = payment_of(193, "10000001");
    assert_int_equal(put(inflight, &payment, 0, 6), INFLIGHT_PUT_DONE);
    inflight_destroy(inflight);
}

static void test_odd_answers_are_explained(void **state)
{
    (void)state;
    struct inflight *inflight = window_of(4);
    struct payment payment = payment_of(123, "10000001");
    assert_int_equal(put(inflight, &payment, 0, 0), INFLIGHT_PUT_DONE);
    struct inflight_verdict verdict = take(inflight, 123, "10000002", 1);
    assert_int_equal(verdict.answer, INFLIGHT_UNMATCHED);
    assert_string_equal(verdict.text,
                        "reply matched STAN 000123 but not terminal 10000001: it says 10000002");
    verdict = take(inflight, 123, "", 1);
    assert_string_equal(verdict.text,
                        "reply matched STAN 000123 but not terminal 10000001: it says none");
    verdict = take(inflight, 124, "10000001", 1);
    assert_int_equal(verdict.answer, INFLIGHT_UNMATCHED);
    assert_string_equal(verdict.text, "no request with STAN 000124 has been sent lately");
    assert_int_equal(take(inflight, 123, "10000001", 2 * MS).answer, INFLIGHT_MATCHED);
    verdict = take(inflight, 123, "10000001", 14 * MS);
    assert_int_equal(verdict.answer, INFLIGHT_SECOND);
    assert_string_equal(verdict.text, "a second reply to STAN 000123, 12 ms after the first one");
    payment = payment_of(7, "10000001");
    assert_int_equal(put(inflight, &payment, 0, 20 * MS), INFLIGHT_PUT_DONE);
    verdict = take(inflight, 7, "10000001", 1520 * MS);
    assert_int_equal(verdict.answer, INFLIGHT_LATE);
    assert_string_equal(verdict.text,
                        "the reply to STAN 000007 came after 1500 ms; it was waited for 1000 ms");
    inflight_destroy(inflight);
}

static void test_a_second_request_with_the_same_key_is_refused(void **state)
{
    (void)state;
    struct inflight *inflight = window_of(4);
    struct payment payment = payment_of(5, "10000001");
    assert_int_equal(put(inflight, &payment, 0, 0), INFLIGHT_PUT_DONE);
    assert_int_equal(put(inflight, &payment, 1, 1), INFLIGHT_PUT_DUPLICATE);
    struct payment other = payment_of(5, "10000002"); /* another key: the terminal is part of it */
    assert_int_equal(put(inflight, &other, 1, 1), INFLIGHT_PUT_DONE);
    payment.is_repeat = 1; /* the same again, said to be so */
    assert_int_equal(put(inflight, &payment, 1, 500 * MS), INFLIGHT_PUT_DONE);
    assert_int_equal(inflight_count(inflight, 600 * MS), 2);
    assert_int_equal(inflight_link_count(inflight, 0), 0);
    assert_int_equal(inflight_link_count(inflight, 1), 2);
    assert_int_equal(inflight_count(inflight, 1400 * MS), 1); /* it lives anew */
    payment.kind = PAYMENT_REVERSAL;                          /* a repeat of something else */
    assert_int_equal(put(inflight, &payment, 1, 1400 * MS), INFLIGHT_PUT_DUPLICATE);
    assert_int_equal(take(inflight, 5, "10000001", 1400 * MS).answer, INFLIGHT_MATCHED);
    payment.is_repeat = 0; /* the first one has its answer */
    assert_int_equal(put(inflight, &payment, 1, 1401 * MS), INFLIGHT_PUT_DONE);
    inflight_destroy(inflight);
}

static void test_what_a_lost_link_carried_counts_no_longer_and_may_still_be_answered(void **state)
{
    (void)state;
    struct inflight *inflight = window_of(2);
    struct payment one = payment_of(1, "10000001");
    struct payment two = payment_of(2, "10000001");
    assert_int_equal(put(inflight, &one, 0, 0), INFLIGHT_PUT_DONE);
    assert_int_equal(put(inflight, &two, 1, 0), INFLIGHT_PUT_DONE);
    inflight_lose(inflight, 0);
    assert_int_equal(inflight_count(inflight, 1), 1);
    assert_int_equal(put(inflight, &one, 1, 1), INFLIGHT_PUT_DUPLICATE);
    struct payment three = payment_of(3, "10000001");
    assert_int_equal(put(inflight, &three, 1, 1), INFLIGHT_PUT_DONE);
    struct inflight_verdict verdict = take(inflight, 1, "10000001", 2);
    assert_int_equal(verdict.answer, INFLIGHT_MATCHED);
    assert_int_equal(verdict.link, 0);
    assert_int_equal(inflight_count(inflight, 2), 2);
    inflight_destroy(inflight);
}

static void test_what_has_not_left_is_forgotten(void **state)
{
    (void)state;
    struct inflight *inflight = window_of(1);
    struct payment payment = payment_of(1, "10000001");
    const struct inflight_request request = {&payment, MATCH_PARTS_FALLBACK, 0};
    assert_int_equal(inflight_put(inflight, &request, 0), INFLIGHT_PUT_DONE);
    inflight_cancel(inflight, &request);
    assert_int_equal(inflight_count(inflight, 0), 0);
    assert_int_equal(take(inflight, 1, "10000001", 1).answer, INFLIGHT_UNMATCHED);
    assert_int_equal(inflight_put(inflight, &request, 2), INFLIGHT_PUT_DONE);
    inflight_destroy(inflight);
}

/* Against a plain array, over many random steps, with links that are lost. */
static void test_it_does_what_an_array_does(void **state)
{
    (void)state;
    enum { COUNT = 16, STANS = 64 };
    struct inflight *inflight = window_of(COUNT);
    struct {
        uint64_t put_ns; /* 0: does not wait */
        uint8_t link;
        bool is_lost;
    } model[STANS] = {{0, 0, false}};
    uint32_t chance = 1;
    for (uint64_t now = MS; now < 40000 * MS; now += MS) {
        uint32_t count = 0;
        chance = chance * 1664525 + 1013904223;
        uint32_t stan = (chance >> 16) % STANS;
        uint8_t link = (uint8_t)(chance >> 28) % INFLIGHT_LINK_COUNT_MAX;
        for (uint32_t i = 0; i < STANS; i++) {
            bool is_over = model[i].put_ns != 0 && now - model[i].put_ns >= LIFE;
            model[i].put_ns = is_over ? 0 : model[i].put_ns;
            count += model[i].put_ns != 0 && !model[i].is_lost;
        }
        assert_int_equal(inflight_count(inflight, now), count);
        bool does_wait = model[stan].put_ns != 0;
        if ((chance >> 8) % 97 == 0) {
            inflight_lose(inflight, link);
            for (uint32_t i = 0; i < STANS; i++) {
                model[i].is_lost = model[i].is_lost || model[i].link == link;
            }
        } else if ((chance >> 8) % 3 == 0) {
            bool is_found = take(inflight, stan, "10000001", now).answer == INFLIGHT_MATCHED;
            assert_true(is_found == does_wait);
            model[stan].put_ns = 0;
        } else {
            struct payment payment = payment_of(stan, "10000001");
            enum inflight_put wanted = does_wait        ? INFLIGHT_PUT_DUPLICATE
                                       : count == COUNT ? INFLIGHT_PUT_FULL
                                                        : INFLIGHT_PUT_DONE;
            assert_int_equal(put(inflight, &payment, link, now), wanted);
            if (wanted == INFLIGHT_PUT_DONE) {
                model[stan].put_ns = now;
                model[stan].link = link;
                model[stan].is_lost = false;
            }
        }
    }
    inflight_destroy(inflight);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_wait_until_they_are_answered),
        cmocka_unit_test(test_odd_answers_are_explained),
        cmocka_unit_test(test_a_second_request_with_the_same_key_is_refused),
        cmocka_unit_test(test_what_a_lost_link_carried_counts_no_longer_and_may_still_be_answered),
        cmocka_unit_test(test_what_has_not_left_is_forgotten),
        cmocka_unit_test(test_it_does_what_an_array_does),
    };
    return cmocka_run_group_tests_name("switch/channel/inflight", tests, NULL, NULL);
}
