/* What merchants of one category turn over on a day. */
#include "switch/aftersales/peer_state.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit_test.h"

#define DAY 20454

static struct peer_state peers;

static int begin(void **state)
{
    (void)state;
    peers = (struct peer_state){0};
    return 0;
}

static void test_the_mean_is_of_days_of_merchants_of_that_category(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        peer_state_add(&peers, "5411", DAY, 800000);
        peer_state_add(&peers, "5411", DAY + 1, 400000);
        peer_state_add(&peers, "5944", DAY, 99000000);
    }
    uint32_t count;
    assert_int_equal(peer_state_mean(&peers, "5411", DAY + 2, &count), 600000);
    assert_int_equal(count, 10);
    assert_int_equal(peer_state_mean(&peers, "5411", DAY + 1, &count), 800000);
    assert_int_equal(peer_state_mean(&peers, "5812", DAY + 2, &count), 0);
    assert_int_equal(count, 0);
}

static void test_old_days_fall_out(void **state)
{
    (void)state;
    uint32_t count;
    peer_state_add(&peers, "5411", DAY, 800000);
    assert_int_equal(peer_state_mean(&peers, "5411", DAY + PEER_DAY_COUNT, &count), 800000);
    assert_int_equal(peer_state_mean(&peers, "5411", DAY + PEER_DAY_COUNT + 1, &count), 0);
    peer_state_add(&peers, "5411", DAY + PEER_DAY_COUNT, 400000);
    peer_state_add(&peers, "5411", DAY, 800000); /* the slot is a newer day's now */
    assert_int_equal(peer_state_mean(&peers, "5411", DAY + PEER_DAY_COUNT + 1, &count), 400000);
    assert_int_equal(count, 1);
}

static void test_a_full_table_judges_no_further_category(void **state)
{
    (void)state;
    char mcc[16];
    for (int i = 0; i <= PEER_GROUP_COUNT; i++) {
        (void)snprintf(mcc, sizeof(mcc), "%04d", i);
        peer_state_add(&peers, mcc, DAY, 800000);
    }
    uint32_t count;
    assert_int_equal(peer_state_mean(&peers, "0063", DAY + 1, &count), 800000);
    assert_int_equal(peer_state_mean(&peers, "0064", DAY + 1, &count), 0);
    peer_state_add(&peers, "", DAY, 1);
    assert_int_equal(peer_state_mean(&peers, "", DAY + 1, &count), 0);
}

static void test_damaged_bytes_are_no_peers(void **state)
{
    (void)state;
    peer_state_add(&peers, "5411", DAY, 800000);
    assert_true(peer_state_is_sound(&peers));
    peers.groups[3].days[2].sale_minor = -1;
    assert_false(peer_state_is_sound(&peers));
    peers.groups[3].days[2].sale_minor = 0;
    memset(peers.groups[5].mcc, '5', sizeof(peers.groups[5].mcc));
    assert_false(peer_state_is_sound(&peers));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_mean_is_of_days_of_merchants_of_that_category, begin),
        cmocka_unit_test_setup(test_old_days_fall_out, begin),
        cmocka_unit_test_setup(test_a_full_table_judges_no_further_category, begin),
        cmocka_unit_test_setup(test_damaged_bytes_are_no_peers, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
