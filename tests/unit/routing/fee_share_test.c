/* Agents get their shares of what is above their price, never more than there is (I16). */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "routing/fee_plan.h"

#define ROUND_COUNT 200000

static uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static int64_t random_below(uint64_t *seed, int64_t limit)
{
    return (int64_t)(random_next(seed) % (uint64_t)limit);
}

static void test_a_parent_gets_what_is_left_below_its_own_price(void **state)
{
    (void)state;
    struct agent_row parent = {
        .agent_id = "B", .cost_rate_e8 = 500000, .cost_cap = FEE_NO_CAP, .ratio_e8 = 80000000};
    struct agent_row child = {.agent_id = "A",
                              .cost_rate_e8 = 520000,
                              .cost_cap = FEE_NO_CAP,
                              .ratio_e8 = 70000000,
                              .parent = &parent};
    struct fee_shares shares;
    fee_shares_split(&shares, &child, &(struct fee_share_base){100000, 600, 117});
    assert_int_equal(shares.count, 2);
    assert_int_equal(shares.items[0].minor, 56);
    assert_int_equal(shares.items[1].minor, 24);
    assert_int_equal(shares.total, 80);
    assert_false(shares.is_capped);
    fee_shares_split(&shares, &child, &(struct fee_share_base){-100000, -600, -117});
    assert_int_equal(shares.items[0].minor, -56);
    assert_int_equal(shares.total, -80);
    /* A parent whose own price is above the child's gets nothing, and takes nothing away. */
    parent.cost_rate_e8 = 560000;
    fee_shares_split(&shares, &child, &(struct fee_share_base){100000, 600, 117});
    assert_int_equal(shares.items[0].minor, 56);
    assert_int_equal(shares.items[1].minor, 0);
    /* Below an agent's price nothing is shared, nor without an agent. */
    fee_shares_split(&shares, &child, &(struct fee_share_base){100000, 500, 17});
    assert_int_equal(shares.total, 0);
    fee_shares_split(&shares, NULL, &(struct fee_share_base){100000, 600, 117});
    assert_int_equal(shares.count, 0);
    assert_int_equal(shares.total, 0);
}

static void test_what_exceeds_the_margin_is_cut_off_from_above(void **state)
{
    (void)state;
    struct agent_row parent = {
        .agent_id = "B", .cost_rate_e8 = 0, .cost_cap = FEE_NO_CAP, .ratio_e8 = FEE_RATE_ONE};
    struct agent_row child = {.agent_id = "A",
                              .cost_rate_e8 = 520000,
                              .cost_cap = FEE_NO_CAP,
                              .ratio_e8 = FEE_RATE_ONE,
                              .parent = &parent};
    struct fee_shares shares;
    fee_shares_split(&shares, &child, &(struct fee_share_base){100000, 600, 117});
    assert_int_equal(shares.items[0].minor, 80);
    assert_int_equal(shares.items[1].minor, 37);
    assert_true(shares.is_capped);
    fee_shares_split(&shares, &child, &(struct fee_share_base){100000, 600, -50});
    assert_int_equal(shares.total, 0);
    assert_true(shares.is_capped);
}

static void test_a_cost_cap_raises_the_share(void **state)
{
    (void)state;
    struct agent_row agent = {
        .agent_id = "A", .cost_rate_e8 = 520000, .cost_cap = 2000, .ratio_e8 = FEE_RATE_ONE};
    struct fee_shares shares;
    fee_shares_split(&shares, &agent, &(struct fee_share_base){10000000, 2500, 1000});
    assert_int_equal(shares.total, 500);
}

static void test_random_chains_stay_within_the_margin(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252u;
    for (unsigned i = 0; i < ROUND_COUNT; i++) {
        struct agent_row agents[AGENT_LEVEL_COUNT_MAX];
        unsigned levels = 1 + (unsigned)random_below(&seed, AGENT_LEVEL_COUNT_MAX);
        for (unsigned at = 0; at < levels; at++) {
            agents[at] = (struct agent_row){
                .cost_rate_e8 = random_below(&seed, 1000000),
                .cost_cap = random_below(&seed, 4) == 0 ? random_below(&seed, 5000) : FEE_NO_CAP,
                .ratio_e8 = random_below(&seed, FEE_RATE_ONE + 1),
                .parent = at + 1 < levels ? &agents[at + 1] : NULL};
        }
        int64_t amount = 1 + random_below(&seed, 10000000);
        int64_t merchant_fee = random_below(&seed, amount / 50 + 2);
        int64_t margin = merchant_fee - random_below(&seed, amount / 100 + 2);
        struct fee_shares shares;
        fee_shares_split(&shares, &agents[0],
                         &(struct fee_share_base){amount, merchant_fee, margin});
        int64_t sum = 0;
        for (unsigned at = 0; at < shares.count; at++) {
            assert_true(shares.items[at].minor >= 0);
            sum += shares.items[at].minor;
        }
        assert_int_equal(shares.count, levels);
        assert_true(sum == shares.total);
        assert_true(sum <= (margin > 0 ? margin : 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_parent_gets_what_is_left_below_its_own_price),
        cmocka_unit_test(test_what_exceeds_the_margin_is_cut_off_from_above),
        cmocka_unit_test(test_a_cost_cap_raises_the_share),
        cmocka_unit_test(test_random_chains_stay_within_the_margin),
    };
    return cmocka_run_group_tests_name("routing/fee_share", tests, NULL, NULL);
}
