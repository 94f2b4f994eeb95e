/* Which messages a rule strikes. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "loadtest/chaos_verdict.h"

static struct chaos_rules one_rule(struct chaos_rule rule)
{
    struct chaos_rules rules = {.count = 1};
    rules.items[0] = rule;
    return rules;
}

static bool strikes(struct chaos_judge *judge, uint64_t link, uint64_t message)
{
    struct chaos_fact fact = {CHAOS_TO_CLIENT, link, message, 0, "0210"};
    struct chaos_verdict verdict;
    chaos_judge(judge, &fact, &verdict);
    return verdict.hits != 0;
}

static void test_one_connection_does_not_move_the_draws_of_another(void **state)
{
    (void)state;
    struct chaos_rules rules = one_rule((struct chaos_rule){
        .action = CHAOS_DROP, .direction = CHAOS_BOTH, .part_per_million = 300000});
    struct chaos_judge alone, among;
    chaos_judge_start(&alone, &rules, 7);
    chaos_judge_start(&among, &rules, 7);
    uint32_t hit_count = 0;
    for (uint64_t message = 1; message <= 1000; message++) {
        (void)strikes(&among, 2, message);
        bool is_struck = strikes(&alone, 1, message);
        assert_int_equal(is_struck, strikes(&among, 1, message));
        hit_count += is_struck;
    }
    assert_in_range(hit_count, 250, 350);
}

static void test_another_seed_strikes_others(void **state)
{
    (void)state;
    struct chaos_rules rules = one_rule((struct chaos_rule){
        .action = CHAOS_DROP, .direction = CHAOS_BOTH, .part_per_million = 500000});
    struct chaos_judge one, other;
    chaos_judge_start(&one, &rules, 1);
    chaos_judge_start(&other, &rules, 2);
    uint32_t different = 0;
    for (uint64_t message = 1; message <= 200; message++) {
        different += strikes(&one, 1, message) != strikes(&other, 1, message);
    }
    assert_in_range(different, 50, 150);
}

static void test_every_nth_after_those_let_pass_and_so_often_at_most(void **state)
{
    (void)state;
    struct chaos_rules rules = one_rule((struct chaos_rule){
        .action = CHAOS_DROP, .direction = CHAOS_BOTH, .every = 3, .skip = 2, .count_max = 2});
    struct chaos_judge judge;
    chaos_judge_start(&judge, &rules, 1);
    for (uint64_t message = 1; message <= 20; message++) {
        assert_int_equal(strikes(&judge, message, 1), message == 5 || message == 8);
    }
    assert_int_equal(judge.seen[0], 20);
    assert_int_equal(judge.struck[0], 2);
}

static void test_direction_type_and_time_must_fit(void **state)
{
    (void)state;
    struct chaos_rules rules = one_rule((struct chaos_rule){.action = CHAOS_DROP,
                                                            .direction = CHAOS_TO_CLIENT,
                                                            .part_per_million = 1000000,
                                                            .from_ms = 100,
                                                            .to_ms = 200,
                                                            .mti = "0210"});
    static const struct {
        struct chaos_fact fact;
        bool is_struck;
    } cases[] = {
        {{CHAOS_TO_CLIENT, 1, 1, 100, "0210"}, true},
        {{CHAOS_TO_SERVER, 1, 1, 100, "0210"}, false},
        {{CHAOS_TO_CLIENT, 1, 1, 99, "0210"}, false},
        {{CHAOS_TO_CLIENT, 1, 1, 200, "0210"}, false},
        {{CHAOS_TO_CLIENT, 1, 1, 150, "0810"}, false},
        {{CHAOS_TO_CLIENT, 1, 1, 150, ""}, false},
    };
    struct chaos_judge judge;
    chaos_judge_start(&judge, &rules, 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct chaos_verdict verdict;
        chaos_judge(&judge, &cases[i].fact, &verdict);
        assert_int_equal(verdict.is_dropped, cases[i].is_struck);
    }
}

static void test_rules_add_up(void **state)
{
    (void)state;
    struct chaos_rules rules = {.count = 4};
    rules.items[0] =
        (struct chaos_rule){.action = CHAOS_DELAY, .direction = CHAOS_BOTH, .every = 1, .ms = 100};
    rules.items[1] =
        (struct chaos_rule){.action = CHAOS_DELAY, .direction = CHAOS_BOTH, .every = 1, .ms = 20};
    rules.items[2] = (struct chaos_rule){
        .action = CHAOS_DUPLICATE, .direction = CHAOS_BOTH, .every = 1, .copies = 2};
    rules.items[3] =
        (struct chaos_rule){.action = CHAOS_RESET, .direction = CHAOS_BOTH, .every = 1, .bytes = 9};
    struct chaos_judge judge;
    struct chaos_verdict verdict;
    chaos_judge_start(&judge, &rules, 1);
    chaos_judge(&judge, &(struct chaos_fact){CHAOS_TO_SERVER, 1, 1, 0, ""}, &verdict);
    assert_int_equal(verdict.hits, 15);
    assert_int_equal(verdict.delay_ms, 120);
    assert_int_equal(verdict.copies, 2);
    assert_true(verdict.is_ended);
    assert_int_equal(verdict.end_bytes, 9);
}

static void test_healed_rules_strike_nobody_and_come_back(void **state)
{
    (void)state;
    struct chaos_rules rules = one_rule((struct chaos_rule){
        .action = CHAOS_DROP, .direction = CHAOS_BOTH, .part_per_million = 1000000});
    struct chaos_judge judge;
    chaos_judge_start(&judge, &rules, 1);
    assert_true(strikes(&judge, 1, 1));
    judge.is_healed = true;
    assert_false(strikes(&judge, 1, 2));
    judge.is_healed = false;
    assert_true(strikes(&judge, 1, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_connection_does_not_move_the_draws_of_another),
        cmocka_unit_test(test_another_seed_strikes_others),
        cmocka_unit_test(test_every_nth_after_those_let_pass_and_so_often_at_most),
        cmocka_unit_test(test_direction_type_and_time_must_fit),
        cmocka_unit_test(test_rules_add_up),
        cmocka_unit_test(test_healed_rules_strike_nobody_and_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
