/* The town of a fleet's month: who pays where. */
#include "loadtest/month_town.h"

#include <stdlib.h>

#include "tests/unit/unit_test.h"

static int town_set(void **state)
{
    struct month *month = calloc(1, sizeof(*month));
    month->options = (struct fleet_month_options){40, 21, 17};
    month->draw = draw_start(month->options.seed);
    *state = month;
    return month_town_build(month) ? 0 : -1;
}

static int town_strike(void **state)
{
    struct month *month = *state;
    month_town_free(month);
    free(month);
    return 0;
}

/* How many of the sales are of the card that comes most often. */
static uint32_t most_of_one(struct month *month, uint32_t merchant, struct month_moment at,
                            uint32_t sale_count)
{
    uint32_t *cards = calloc(sale_count, sizeof(*cards)), most = 0;
    for (uint32_t i = 0; i < sale_count; i++) {
        uint32_t uses = 1;
        cards[i] = month_draw_card(month, merchant, at);
        for (uint32_t j = 0; j < i; j++) {
            uses += cards[j] == cards[i] ? 1 : 0;
        }
        most = uses > most ? uses : most;
    }
    free(cards);
    return most;
}

/* The busiest shop there is, on its busiest day: nobody pays five times as often as before because
 * a shop has five times the business. */
static void test_more_business_comes_from_more_customers(void **state)
{
    struct month *month = *state;
    const struct month_moment before = {MONTH_FIRST_DAY + 9, 1200}, in_it = {before.day + 1, 600};
    month->merchants[3].plan = (struct month_plan){
        .is_on = true, .fault = MONTH_TURNOVER_JUMP, .day = in_it.day, .until_day = in_it.day + 5};
    uint32_t usual = 0, jumping = 0;
    for (uint32_t i = 0; i < 10; i++) {
        usual += most_of_one(month, 3, before, 500);
        jumping += most_of_one(month, 3, in_it, 500 * MONTH_JUMP_TIMES);
    }
    assert_in_range(usual, 10 * 2, 10 * 5);
    assert_in_range(jumping, 10 * 2, 10 * 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_more_business_comes_from_more_customers, town_set,
                                        town_strike),
    };
    return cmocka_run_group_tests_name("loadtest/month_town", tests, NULL, NULL);
}
