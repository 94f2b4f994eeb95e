/* What the log keeps of a price comes back as it was, and figures that do not add up are seen. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "routing/fee_note.h"

static void test_a_basis_comes_back_as_it_was_written(void **state)
{
    (void)state;
    static const struct {
        struct fee_basis basis;
        const char *text;
    } cases[] = {
        {{"SP1", FEE_REFUND_PROPORTIONAL, CARD_SCHEME_UNIONPAY, CARD_TYPE_CREDIT, MERCHANT_STANDARD,
          2, false, 1234500},
         "SP1 proportional unionpay credit standard ic 1234500"},
        {{"a.b-c_d", FEE_REFUND_NONE, FEE_BASIS_NONE, FEE_BASIS_NONE, MERCHANT_PREFERENTIAL, 5,
          true, 0},
         "a.b-c_d none - - preferential qr 0 capped"},
        {{"P23456789012345", FEE_REFUND_FULL, CARD_SCHEME_MASTERCARD, CARD_TYPE_PREPAID,
          MERCHANT_PREFERENTIAL, 4, true, 999999999999999999},
         "P23456789012345 full mastercard prepaid preferential small_contactless "
         "999999999999999999 capped"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[FEE_BASIS_SIZE];
        char plan[FEE_PLAN_NAME_SIZE];
        struct fee_basis basis;
        fee_basis_write(text, &cases[i].basis);
        assert_string_equal(text, cases[i].text);
        assert_true(fee_basis_read(&basis, plan, text));
        assert_string_equal(basis.plan, cases[i].basis.plan);
        assert_int_equal(basis.refund, cases[i].basis.refund);
        assert_int_equal(basis.scheme, cases[i].basis.scheme);
        assert_int_equal(basis.card_type, cases[i].basis.card_type);
        assert_int_equal(basis.merchant_class, cases[i].basis.merchant_class);
        assert_int_equal(basis.product, cases[i].basis.product);
        assert_true(basis.month_minor == cases[i].basis.month_minor);
        assert_int_equal(basis.is_capped, cases[i].basis.is_capped);
    }
    char text[FEE_BASIS_SIZE];
    fee_basis_write(text, &(const struct fee_basis){.plan = NULL});
    assert_string_equal(text, "");
}

static void test_other_texts_are_no_basis(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "SP1",
        "SP1 half unionpay credit standard ic 0",
        "SP1 none unionpay credit standard ic",
        "SP1 none unionpay credit standard ic x",
        "SP1 none unionpay credit standard ic 0 more",
        "SP1 none union credit standard ic 0",
        "SP1_is_far_too_long none unionpay credit standard ic 0",
        "SP1 none unionpay credit standard ic 9999999999999999999",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        char plan[FEE_PLAN_NAME_SIZE];
        struct fee_basis basis;
        assert_false(fee_basis_read(&basis, plan, texts[i]));
    }
}

static void test_shares_come_back_with_their_terms(void **state)
{
    (void)state;
    struct agent_row parent = {.agent_id = "B2", .terms = "500000:1200:80000000"};
    struct agent_row child = {.agent_id = "A17", .terms = "520000:-:70000000", .parent = &parent};
    const struct fee_shares shares = {
        .items = {{&child, 56}, {&parent, -24}}, .count = 2, .total = 32};
    char text[FEE_SHARES_SIZE];
    struct fee_noted_shares noted;
    fee_shares_write(text, &shares);
    assert_string_equal(text, "A17:520000:-:70000000:56 B2:500000:1200:80000000:-24");
    assert_true(fee_shares_read(&noted, text));
    assert_int_equal(noted.count, 2);
    assert_int_equal(noted.total, 32);
    assert_string_equal(noted.agents[0].agent_id, "A17");
    assert_true(noted.agents[0].cost_cap == FEE_NO_CAP);
    assert_int_equal(noted.agents[0].ratio_e8, 70000000);
    assert_ptr_equal(noted.agents[0].parent, &noted.agents[1]);
    assert_int_equal(noted.agents[1].cost_cap, 1200);
    assert_int_equal(noted.minor[1], -24);
    assert_true(fee_shares_read(&noted, ""));
    assert_int_equal(noted.count, 0);
    static const char *const bad[] = {
        "A",          "A:1:2:3",  "A:1:-:3:",
        "A:1:-:3:4 ", ":1:-:3:4", "A:1:-:3:4 B:1:-:3:4 C:1:-:3:4 D:1:-:3:4 E:1:-:3:4"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (i != 3) { /* a blank at the end is nothing */
            assert_false(fee_shares_read(&noted, bad[i]));
        }
    }
}

static void test_the_longest_chain_fits(void **state)
{
    (void)state;
    struct agent_row agent = {.agent_id = "12345678901",
                              .terms = "100000000:999999999999:100000000"};
    struct fee_shares shares = {.count = AGENT_LEVEL_COUNT_MAX};
    for (unsigned i = 0; i < AGENT_LEVEL_COUNT_MAX; i++) {
        shares.items[i] = (struct fee_share){&agent, -999999999999};
    }
    char text[FEE_SHARES_SIZE];
    struct fee_noted_shares noted;
    fee_shares_write(text, &shares);
    assert_true(fee_shares_read(&noted, text));
    assert_int_equal(noted.count, AGENT_LEVEL_COUNT_MAX);
    assert_true(noted.minor[AGENT_LEVEL_COUNT_MAX - 1] == -999999999999);
}

static void test_figures_that_do_not_add_up_are_seen(void **state)
{
    (void)state;
    static const struct {
        struct fee_figures figures;
        const char *fault; /* NULL: good */
    } cases[] = {
        {{10000, 60, 45, 3, 0, ""}, NULL},
        {{10000, 40, 45, 3, 0, ""}, NULL}, /* sold below cost is no fault of sums */
        {{10000, 60, 45, 3, 12, "A:1:-:1:12"}, NULL},
        {{10000, 60, 45, 3, 13, "A:1:-:1:13"}, "agents get more than the margin"},
        {{10000, 60, 45, 3, 11, "A:1:-:1:12"}, "agents' shares do not add up"},
        {{10000, 60, 45, 3, 1, ""}, "agents' shares do not add up"},
        {{10000, 60, 45, 3, 5, "A:1:-:1:6 B:1:-:1:-1"}, "an agent's share is negative"},
        {{10000, -60, 0, 0, 0, ""}, "a fee is negative"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *fault = fee_figures_fault(&cases[i].figures);
        if (cases[i].fault == NULL) {
            assert_null(fault);
        } else {
            assert_string_equal(fault, cases[i].fault);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_basis_comes_back_as_it_was_written),
        cmocka_unit_test(test_other_texts_are_no_basis),
        cmocka_unit_test(test_shares_come_back_with_their_terms),
        cmocka_unit_test(test_the_longest_chain_fits),
        cmocka_unit_test(test_figures_that_do_not_add_up_are_seen),
    };
    return cmocka_run_group_tests_name("routing/fee_note", tests, NULL, NULL);
}
