/* Memory that was read back and cannot be: refused as a whole, and nothing of it is kept. */
#include <stdlib.h>
#include <string.h>

#include "switch/aftersales/watcher_state.h"
#include "tests/unit/unit_test.h"

static const struct watch_limits LIMITS = {
    .terminal_count_max = 4, .merchant_count_max = 2, .card_count_max = 8, .cohort_count_max = 4};

static struct watcher *watcher;

static int begin(void **state)
{
    (void)state;
    watcher = watcher_create(&LIMITS);
    assert_non_null(watcher);
    const struct merchant_facts facts = {.merchant_id = "104110050000001", .mcc = "5411"};
    assert_true(watcher_learn_merchant(watcher, &facts));
    const struct observation seen = {
        .kind = OBSERVATION_ENDED,
        .detail = OBSERVED_APPROVED,
        .position = 1,
        .wall_us = INT64_C(1767225600000000),
        .merchant_id = "104110050000001",
        .payment_kind = PAYMENT_PURCHASE,
        .amount_minor = 12345,
        .currency = 156,
        .pan_hash = {{1}},
    };
    struct watch_output output;
    watcher_step(watcher, &seen, &output);
    return 0;
}

static int end(void **state)
{
    (void)state;
    watcher_destroy(watcher);
    return 0;
}

/* Through bytes into a fresh watcher; on failure that one is as new. */
static enum status carry(void)
{
    uint32_t length = 0;
    for (uint32_t part = 0; part < watcher_image_count(watcher); part++) {
        length += watcher_image(watcher, part).length;
    }
    uint8_t *bytes = malloc(length);
    assert_non_null(bytes);
    uint32_t at = 0;
    for (uint32_t part = 0; part < watcher_image_count(watcher); part++) {
        struct byte_view view = watcher_image(watcher, part);
        memcpy(bytes + at, view.bytes, view.length);
        at += view.length;
    }
    struct watcher *other = watcher_create(&LIMITS);
    assert_non_null(other);
    uint64_t fresh = watcher_state_hash(other);
    enum status status = watcher_load(other, (struct byte_view){bytes, length});
    uint64_t expected = status == STATUS_OK ? watcher_state_hash(watcher) : fresh;
    assert_true(watcher_state_hash(other) == expected);
    watcher_destroy(other);
    free(bytes);
    return status;
}

static struct merchant_state *merchant(void)
{
    return &((struct merchant_slot *)watch_slab_item(&watcher->merchants, 0))->state;
}

static void test_what_is_whole_is_taken(void **state)
{
    (void)state;
    assert_int_equal(merchant()->today.sales, 1);
    assert_int_equal(carry(), STATUS_OK);
}

static void test_a_turnover_below_nothing_is_refused(void **state)
{
    (void)state;
    merchant()->month_minor = -1;
    assert_int_equal(carry(), STATUS_BAD_VALUE);
}

static void test_a_day_that_cannot_be_is_refused(void **state)
{
    (void)state;
    merchant()->day = -merchant()->day;
    assert_int_equal(carry(), STATUS_BAD_VALUE);
}

static void test_peers_that_cannot_be_are_refused(void **state)
{
    (void)state;
    watcher->peers.groups[0].days[0].sale_minor = INT64_MIN;
    assert_int_equal(carry(), STATUS_BAD_VALUE);
}

static void test_a_card_at_a_merchant_that_is_not_there_is_refused(void **state)
{
    (void)state;
    uint32_t at = 0;
    while (watcher->cards.slots[at].used_s == 0) {
        at++;
    }
    watcher->cards.slots[at].state.recent[0] = 2;
    assert_int_equal(carry(), STATUS_BAD_VALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_whole_is_taken, begin, end),
        cmocka_unit_test_setup_teardown(test_a_turnover_below_nothing_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_a_day_that_cannot_be_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_peers_that_cannot_be_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_a_card_at_a_merchant_that_is_not_there_is_refused,
                                        begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
