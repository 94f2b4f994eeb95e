/* A month of honest merchants: hardly a flag. And the same month gives the same flags. */
#include <stdlib.h>

#include "switch/aftersales/merchant_watch.h"
#include "tests/unit/switch/aftersales/healthy_town.h"
#include "tests/unit/unit_test.h"

#define SEED 20260301

struct watched_town {
    struct town town;
    struct watch_rules rules;
    struct merchant_state merchants[TOWN_MERCHANT_COUNT];
    struct card_state cards[TOWN_CARD_COUNT + 1];
    struct peer_state peers;
    uint32_t flag_count, row_count;
    uint32_t counts[SIGNAL_COUNT];
};

static void take_flags(struct watched_town *watched, const struct flag_sink *sink)
{
    for (uint32_t i = 0; i < sink->count; i++) {
        const struct flag *flag = &sink->flags[i];
        watched->flag_count++;
        watched->counts[flag->signal]++;
        print_message("%s of %s: %lld against %lld\n", signal_code_text(flag->signal),
                      flag->subject_id, (long long)flag->value, (long long)flag->threshold);
    }
}

static uint32_t merchant_of(const struct observation *seen)
{
    return (uint32_t)strtoul(seen->merchant_id + 8, NULL, 10) - 1;
}

static void on_row(void *arg, const struct observation *seen, int32_t day, uint16_t minute)
{
    struct watched_town *watched = arg;
    struct flag flags[8];
    struct flag_sink sink = {flags, 0, 8};
    struct watch_moment moment = {.seen = seen,
                                  .rules = &watched->rules,
                                  .terminal_id = seen->terminal_id,
                                  .merchant_id = seen->merchant_id,
                                  .serial = "",
                                  .wall_us = seen->wall_us,
                                  .day = day,
                                  .minute = minute};
    static const struct terminal_facts TERMINAL;
    for (uint32_t i = 0;
         seen->kind == OBSERVATION_TIME && minute % 60 == 0 && i < TOWN_MERCHANT_COUNT; i++) {
        moment.merchant = &watched->town.merchants[i].facts;
        moment.merchant_id = moment.merchant->merchant_id;
        merchant_watch_hour(&watched->merchants[i], &watched->peers, &moment, &sink);
    }
    if (seen->kind != OBSERVATION_TIME) {
        uint32_t card, number = merchant_of(seen);
        memcpy(&card, seen->pan_hash.bytes, sizeof(card));
        moment.terminal = &TERMINAL;
        moment.merchant = &watched->town.merchants[number].facts;
        merchant_watch_step(&watched->merchants[number], card == 0 ? NULL : &watched->cards[card],
                            &watched->peers, &moment, &sink);
        watched->row_count++;
    }
    take_flags(watched, &sink);
}

static struct watched_town *live(uint64_t seed, int32_t day_count)
{
    struct watched_town *watched = calloc(1, sizeof(*watched));
    assert_non_null(watched);
    town_begin(&watched->town, seed);
    watch_rules_default(&watched->rules);
    watched->town.emit = on_row;
    watched->town.arg = watched;
    for (uint32_t i = 0; i < TOWN_MERCHANT_COUNT; i++) {
        watched->merchants[i].number = i + 1;
    }
    for (int32_t day = 0; day < day_count; day++) {
        for (uint16_t minute = 0; minute < 1440; minute++) {
            town_pass_minute(&watched->town, (struct town_minute){TOWN_FIRST_DAY + day, minute});
        }
    }
    return watched;
}

static void test_fifty_honest_merchants_hardly_raise_a_flag_in_a_month(void **state)
{
    (void)state;
    struct watched_town *watched = live(SEED, TOWN_DAY_COUNT);
    print_message("%u rows, %u flags\n", watched->row_count, watched->flag_count);
    assert_true(watched->row_count > 50000);
    /* One in a thousand days of a merchant. */
    assert_true(watched->flag_count * 1000 <= TOWN_MERCHANT_COUNT * TOWN_DAY_COUNT);
    free(watched);
}

static void test_the_same_rows_leave_the_same_memory(void **state)
{
    (void)state;
    struct watched_town *first = live(SEED + 1, 9), *second = live(SEED + 1, 9);
    assert_memory_equal(first->merchants, second->merchants, sizeof(first->merchants));
    assert_memory_equal(first->cards, second->cards, sizeof(first->cards));
    assert_memory_equal(&first->peers, &second->peers, sizeof(first->peers));
    assert_int_equal(first->flag_count, second->flag_count);
    free(first);
    free(second);
}

/* One row more, at noon of a day that the town has lived through. */
static void plant(struct watched_town *watched, uint32_t number, enum payment_kind kind,
                  int64_t amount_minor)
{
    const struct town_minute noon = {TOWN_FIRST_DAY + 20, 720};
    struct observation row = town_row(&watched->town, number, 0, noon);
    uint32_t card = 1 + town_random(&watched->town, TOWN_CARD_COUNT);
    row.kind = OBSERVATION_ENDED;
    row.detail = OBSERVED_APPROVED;
    row.payment_kind = kind;
    row.amount_minor = amount_minor;
    row.position = ++watched->town.position;
    memcpy(row.entry_mode, "051", 4);
    memcpy(row.pan_hash.bytes, &card, sizeof(card));
    on_row(watched, &row, noon.day, noon.minute);
}

static void test_those_that_go_wrong_are_seen_among_them(void **state)
{
    (void)state;
    struct watched_town *watched = live(SEED, 20);
    uint32_t before = watched->flag_count;
    int64_t limit = watched->town.merchants[24].facts.single_max_minor;
    for (int i = 0; i < 30; i++) {
        plant(watched, 11, PAYMENT_BALANCE, 0);          /* a supermarket that asks for balances */
        plant(watched, 24, PAYMENT_PURCHASE, limit - 1); /* a jeweller below its limit */
        plant(watched, 38, PAYMENT_REFUND, 3000 * 100);  /* a chemist that gives money away */
    }
    plant(watched, 13, PAYMENT_PURCHASE, 5001 * 100); /* a snack bar with a banquet */
    assert_int_equal(watched->counts[SIGNAL_BALANCE_ENQUIRIES], 1);
    assert_int_equal(watched->counts[SIGNAL_STRUCTURING], 1);
    assert_int_equal(watched->counts[SIGNAL_GIVEN_BACK], 1);
    assert_int_equal(watched->counts[SIGNAL_AMOUNT_FOR_MCC], 1);
    assert_true(watched->flag_count - before >= 4);
    free(watched);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fifty_honest_merchants_hardly_raise_a_flag_in_a_month),
        cmocka_unit_test(test_those_that_go_wrong_are_seen_among_them),
        cmocka_unit_test(test_the_same_rows_leave_the_same_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
