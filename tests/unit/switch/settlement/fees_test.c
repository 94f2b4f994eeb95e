/* What refunds give back: never more than was charged, to each of those who got it (I16). */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "switch/settlement/story.h"

#define ROUND_COUNT 20000
#define REFUND_COUNT_MAX 6

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

static void add_agent(struct fees *fees, const char *id, int64_t minor)
{
    struct fees_agent *agent = &fees->agents[fees->agent_count++];
    snprintf(agent->agent_id, sizeof(agent->agent_id), "%s", id);
    agent->minor = minor;
}

static int64_t share_of(const struct fees *fees, const char *id)
{
    for (uint32_t i = 0; i < fees->agent_count; i++) {
        if (strcmp(fees->agents[i].agent_id, id) == 0) {
            return fees->agents[i].minor;
        }
    }
    return 0;
}

static void test_agents_are_joined_by_name(void **state)
{
    (void)state;
    struct fees sale = {.merchant = 60, .issuer = 45, .scheme = 3};
    struct fees other = {.merchant = 66, .issuer = 50, .scheme = 4};
    struct fees sum;
    add_agent(&sale, "A", 5);
    add_agent(&sale, "B", 2);
    add_agent(&other, "C", 3);
    add_agent(&other, "A", 5);
    assert_true(fees_add(&sum, &other, &sale, -1));
    assert_int_equal(sum.merchant, 6);
    assert_int_equal(sum.agent_count, 2); /* A's has come to nothing */
    assert_int_equal(share_of(&sum, "B"), -2);
    assert_int_equal(share_of(&sum, "C"), 3);
    assert_int_equal(fees_agent_total(&sum), 1);
}

static void test_more_agents_than_may_be_are_refused(void **state)
{
    (void)state;
    struct fees full = {.merchant = 0};
    struct fees one = {.merchant = 0};
    for (unsigned i = 0; i < FEES_AGENT_COUNT_MAX; i++) {
        char id[AGENT_ID_SIZE];
        snprintf(id, sizeof(id), "A%u", i);
        add_agent(&full, id, 1);
    }
    add_agent(&one, "B", 1);
    assert_false(fees_add(&full, &full, &one, 1));
    assert_true(fees_add(&full, &full, &full, -1));
    assert_int_equal(full.agent_count, 0);
}

static void test_the_policy_is_for_merchant_and_agents(void **state)
{
    (void)state;
    struct fees sale = {.merchant = 60, .issuer = 45, .scheme = 3};
    struct fees due;
    add_agent(&sale, "A", 8);
    static const struct {
        enum fee_refund policy;
        int64_t refunded, merchant, issuer, agent;
    } cases[] = {
        {FEE_REFUND_PROPORTIONAL, 3333, 20, 15, 3},
        {FEE_REFUND_PROPORTIONAL, 9999, 60, 45, 8},
        {FEE_REFUND_FULL, 0, 0, 0, 0},
        {FEE_REFUND_FULL, 1, 60, 0, 8},
        {FEE_REFUND_NONE, 9999, 0, 45, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        fees_due(&due, &sale, cases[i].policy, cases[i].refunded, 9999);
        assert_int_equal(due.merchant, cases[i].merchant);
        assert_int_equal(due.issuer, cases[i].issuer);
        assert_int_equal(share_of(&due, "A"), cases[i].agent);
    }
}

/* A sale, refunds of it of which some are undone, and in the end the rest. */
static uint32_t make_story(struct story_event *events, uint64_t *seed)
{
    int64_t amount = 1 + random_below(seed, 1000000);
    int64_t left = amount;
    uint32_t count = 0;
    struct fees fees = {.merchant = random_below(seed, amount / 50 + 2),
                        .issuer = random_below(seed, amount / 100 + 2),
                        .scheme = random_below(seed, 400)};
    add_agent(&fees, "A", random_below(seed, 90));
    add_agent(&fees, "B", random_below(seed, 30));
    events[count++] = (struct story_event){.kind = RECORD_RESULT,
                                           .payment_kind = PAYMENT_PURCHASE,
                                           .txn = {1, 1},
                                           .amount = amount,
                                           .fees = fees,
                                           .refund = (enum fee_refund)random_below(seed, 3)};
    for (uint32_t i = 0; i <= REFUND_COUNT_MAX && left > 0; i++) {
        int64_t part = i == REFUND_COUNT_MAX ? left : 1 + random_below(seed, left);
        left -= part;
        events[count] = (struct story_event){.kind = RECORD_RESULT,
                                             .payment_kind = PAYMENT_REFUND,
                                             .txn = {1, 2 + i},
                                             .original = {1, 1},
                                             .amount = part};
        count++;
    }
    for (uint32_t i = 0; i < count; i++) {
        events[i].position = i + 1;
    }
    return count;
}

static void test_random_refunds_never_give_back_more_than_was_charged(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252u;
    for (unsigned round = 0; round < ROUND_COUNT; round++) {
        struct story_event events[REFUND_COUNT_MAX + 2];
        struct story_line lines[REFUND_COUNT_MAX + 2];
        uint32_t at = 0;
        uint32_t count = make_story(events, &seed);
        struct fees sum = {.agent_count = 0};
        int64_t amount = 0;
        assert_int_equal(story_fold(events, count, lines, &at), STATUS_OK);
        for (uint32_t i = 0; i < count; i++) {
            assert_true(i == 0 || lines[i].fees.merchant <= 0);
            assert_true(fees_add(&sum, &sum, &lines[i].fees, 1));
            assert_true(sum.merchant >= 0 && sum.issuer >= 0 && sum.scheme >= 0);
            assert_true(share_of(&sum, "A") >= 0 && share_of(&sum, "B") >= 0);
            amount += lines[i].amount;
        }
        assert_true(amount == 0 && sum.issuer == 0 && sum.scheme == 0);
        if (events[0].refund == FEE_REFUND_NONE) {
            assert_true(sum.merchant == events[0].fees.merchant);
        } else {
            assert_true(sum.merchant == 0 && sum.agent_count == 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agents_are_joined_by_name),
        cmocka_unit_test(test_more_agents_than_may_be_are_refused),
        cmocka_unit_test(test_the_policy_is_for_merchant_and_agents),
        cmocka_unit_test(test_random_refunds_never_give_back_more_than_was_charged),
    };
    return cmocka_run_group_tests_name("switch/settlement/fees", tests, NULL, NULL);
}
