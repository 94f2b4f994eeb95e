/* The state table: what may follow what, and what every state must offer (I6, I7). */
#include "tests/unit/unit_test.h"

#include <ctype.h>
#include <string.h>

#include "switch/engine/txn_state.h"

static void test_names_are_those_of_the_table(void **state)
{
    (void)state;
    static const char *const upper[] = {
#define X(name, class, followers, text) #name,
#include "switch/engine/txn_state.def"
#undef X
    };
    for (unsigned i = 0; i < TXN_STATE_COUNT; i++) {
        const char *name = txn_state_name((enum txn_state)i);
        assert_int_equal(strlen(name), strlen(upper[i]));
        for (size_t at = 0; name[at] != 0; at++) {
            assert_int_equal(toupper((unsigned char)name[at]), upper[i][at]);
        }
        assert_true(strlen(txn_state_text((enum txn_state)i)) > 0);
    }
}

static void test_what_is_in_flight_or_in_doubt_is_never_simply_forgotten(void **state)
{
    (void)state;
    static const enum txn_state in_doubt[] = {
        TXN_FORWARDED,       TXN_REVERSAL_QUEUED, TXN_REVERSAL_READY, TXN_REVERSAL_SENT,
        TXN_REVERSAL_PAUSED, TXN_SERVICE_CASE,    TXN_ADVICE_QUEUED,  TXN_ADVICE_READY,
        TXN_ADVICE_SENT,     TXN_ADVICE_PAUSED};
    for (size_t i = 0; i < COUNT_OF(in_doubt); i++) {
        assert_false(txn_state_may_follow(in_doubt[i], TXN_FREE));
    }
}

static void test_a_reversal_under_way_never_becomes_an_approval(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TXN_STATE_COUNT; i++) {
        assert_false(txn_state_is_reversing((enum txn_state)i) &&
                     txn_state_may_follow((enum txn_state)i, TXN_APPROVED));
    }
    assert_false(txn_state_may_follow(TXN_BLOCKED, TXN_FORWARDED));
}

static void test_every_reversal_may_end_acknowledged_or_as_a_case(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TXN_STATE_COUNT; i++) {
        if (txn_state_is_reversing((enum txn_state)i)) {
            assert_true(txn_state_may_follow((enum txn_state)i, TXN_REVERSED));
            assert_true(txn_state_may_follow((enum txn_state)i, TXN_SERVICE_CASE));
        }
    }
    assert_true(txn_state_may_follow(TXN_SERVICE_CASE, TXN_REVERSED));
}

static void test_every_delivery_may_end_with_any_answer_or_as_a_case(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TXN_STATE_COUNT; i++) {
        if (txn_state_is_delivering((enum txn_state)i)) {
            assert_true(txn_state_may_follow((enum txn_state)i, TXN_APPROVED));
            assert_true(txn_state_may_follow((enum txn_state)i, TXN_DECLINED));
            assert_true(txn_state_may_follow((enum txn_state)i, TXN_SERVICE_CASE));
            assert_false(txn_state_is_reversing((enum txn_state)i));
        }
    }
}

static void test_every_state_that_waits_has_a_deadline(void **state)
{
    (void)state;
    assert_int_equal(txn_state_class(TXN_FORWARDED), TXN_CLASS_RESPONSE);
    assert_int_equal(txn_state_class(TXN_REVERSAL_SENT), TXN_CLASS_RESPONSE);
    assert_int_equal(txn_state_class(TXN_REVERSAL_PAUSED), TXN_CLASS_RETRY);
    assert_int_equal(txn_state_class(TXN_KEYS_WAITED), TXN_CLASS_SIGNON);
    assert_int_equal(txn_state_class(TXN_SERVICE_CASE), TXN_CLASS_LISTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_those_of_the_table),
        cmocka_unit_test(test_what_is_in_flight_or_in_doubt_is_never_simply_forgotten),
        cmocka_unit_test(test_a_reversal_under_way_never_becomes_an_approval),
        cmocka_unit_test(test_every_reversal_may_end_acknowledged_or_as_a_case),
        cmocka_unit_test(test_every_delivery_may_end_with_any_answer_or_as_a_case),
        cmocka_unit_test(test_every_state_that_waits_has_a_deadline),
    };
    return cmocka_run_group_tests_name("switch/engine/txn_state", tests, NULL, NULL);
}
