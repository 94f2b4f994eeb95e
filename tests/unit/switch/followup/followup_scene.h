/* Tables of a small fleet, for tests about watching it. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routing/ruleset.h"
#include "tests/unit/unit_test.h"

#define SCENE_MERCHANT "102290058120001"

/* `count` terminals "00000001" and on, of two merchants; only good for its tables. */
static inline struct ruleset *scene_ruleset(uint32_t count)
{
    const struct ruleset_limits limits = {8, 8, 256};
    struct ruleset *ruleset = ruleset_create(7, &limits);
    assert_non_null(ruleset);
    struct merchant_row merchant = {.merchant_id = SCENE_MERCHANT,
                                    .mcc = "5812",
                                    .name = "Tea House",
                                    .plan = "plain",
                                    .amount_max = 500000,
                                    .is_active = true};
    assert_int_equal(merchant_table_add(ruleset_merchants(ruleset), &merchant), STATUS_OK);
    memcpy(merchant.merchant_id, "102290058120000", sizeof(merchant.merchant_id));
    assert_int_equal(merchant_table_add(ruleset_merchants(ruleset), &merchant), STATUS_OK);
    for (uint32_t i = count; i >= 1; i--) {
        struct terminal_row row = {
            .merchant_id = SCENE_MERCHANT, .brand = "PAX", .model = "A920", .is_active = true};
        snprintf(row.terminal_id, sizeof(row.terminal_id), "%08u", (unsigned)(i % 100000000));
        assert_int_equal(terminal_table_add(ruleset_terminals(ruleset), &row), STATUS_OK);
    }
    return ruleset;
}
