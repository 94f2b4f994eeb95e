/* The likely cause, with its evidence and what was ruled out; and the table of faults. */
#include "switch/aftersales/cause.h"

#include <string.h>

#include "tests/unit/unit_test.h"

#define TODAY 20514

static struct flag flag_of(enum signal_code signal, uint64_t position, uint32_t score)
{
    return (struct flag){.signal = signal,
                         .subject_id = "10000001",
                         .terminal_id = "10000001",
                         .value = 9,
                         .threshold = 3,
                         .position = position,
                         .score = score};
}

static struct merchant_registration merchant(void)
{
    return (struct merchant_registration){.merchant_id = "898310000000001",
                                          .state = MERCHANT_STATE_ACTIVE,
                                          .licence_to_day = TODAY,
                                          .contract_to_day = TODAY + 100};
}

static uint32_t character_count(const char *text)
{
    uint32_t count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return count;
}

static void test_every_fault_has_words_and_the_cashiers_fit_the_reply(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        enum fault fault = (enum fault)i;
        assert_int_equal(fault_from_code(fault_code(fault)), i);
        assert_true(fault_text(fault, true)[0] != '\0' && fault_text(fault, false)[0] != '\0');
        assert_in_range(character_count(fault_cashier_text(fault)), 1, 30);
        if (fault_code(fault)[0] != 'X') {
            assert_non_null(fault_step(fault, 1, true));
            assert_non_null(fault_step(fault, 1, false));
        }
        assert_null(fault_step(fault, 100, true));
    }
    assert_int_equal(fault_from_code("Z9"), FAULT_COUNT);
    assert_true(fault_is_investigated(FAULT_TURNOVER) && fault_is_investigated(FAULT_MONEY));
    assert_false(fault_is_investigated(FAULT_FEE) || fault_is_investigated(FAULT_COUNT));
    assert_string_equal(fault_step(FAULT_KEYS_STALE, 1, false), "sign on");
}

static void test_all_faults_of_the_guide_are_there(void **state)
{
    (void)state;
    static const char *const CODES[] = {"N1", "N2", "K1", "K2", "C1", "P1", "S1", "S2",
                                        "A1", "B1", "R1", "M1", "L1", "F1", "F2"};
    for (unsigned i = 0; i < COUNT_OF(CODES); i++) {
        assert_true(fault_from_code(CODES[i]) != FAULT_COUNT);
    }
}

static void test_every_signal_points_to_a_fault(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
        if (strcmp(signal_code_text((enum signal_code)i), "T15") != 0) { /* of cohorts only */
            assert_true(fault_of_signal((enum signal_code)i) != FAULT_COUNT);
        }
    }
    assert_int_equal(fault_of_signal(SIGNAL_MAC_FAILURES), FAULT_KEYS_STALE);
    assert_int_equal(fault_of_signal(SIGNAL_KEYS_LOST), FAULT_KEYS_LOST);
    assert_int_equal(fault_of_signal(SIGNAL_TRAVEL), FAULT_PLACE);
}

static void test_what_more_points_to_stands_first_with_its_evidence(void **state)
{
    (void)state;
    struct flag flags[] = {flag_of(SIGNAL_TIMEOUTS, 11, 500), flag_of(SIGNAL_REVERSALS, 12, 0),
                           flag_of(SIGNAL_CLOCK_OFF, 13, 0)};
    struct merchant_registration shop = merchant();
    struct cause_question question = {.flags = flags,
                                      .flag_count = COUNT_OF(flags),
                                      .channel = "unionpay",
                                      .merchant = &shop,
                                      .today = TODAY};
    struct cause_answer answer;
    cause_find(&question, &answer);
    assert_int_equal(answer.count, 2);
    assert_int_equal(answer.ranks[0].fault, FAULT_SLOW_NETWORK);
    assert_int_equal(answer.ranks[0].score, 80 * 3 / 2 + 60);
    assert_int_equal(answer.ranks[0].evidence_count, 2);
    assert_int_equal(answer.ranks[0].evidence[0].position, 11);
    assert_int_equal(answer.ranks[1].fault, FAULT_PARAMETERS);
    assert_int_equal(answer.place, CAUSE_AT_TERMINAL);
    for (unsigned i = 0; i < CAUSE_CHECK_COUNT; i++) {
        assert_true(answer.checks[i].is_ruled_out);
    }
}

static void test_a_channel_that_is_down_for_all_is_not_the_terminals_fault(void **state)
{
    (void)state;
    struct flag flags[] = {flag_of(SIGNAL_TIMEOUTS, 11, 0), flag_of(SIGNAL_REVERSALS, 12, 0)};
    struct cause_question question = {
        .flags = flags, .flag_count = 2, .channel = "unionpay", .is_channel_down = true};
    struct cause_answer answer;
    cause_find(&question, &answer);
    assert_int_equal(answer.place, CAUSE_AT_CHANNEL);
    assert_string_equal(answer.place_name, "unionpay");
    assert_int_equal(answer.count, 0);
    assert_false(answer.checks[0].is_ruled_out);
    flags[1] = flag_of(SIGNAL_MAC_FAILURES, 13, 0);
    cause_find(&question, &answer);
    assert_int_equal(answer.place, CAUSE_AT_TERMINAL);
    assert_int_equal(answer.ranks[0].fault, FAULT_KEYS_STALE);
}

/* Alone and faulty is hardware, lost keys are the device's, old or in company is software. */
static void test_hardware_is_told_from_software(void **state)
{
    (void)state;
    static const struct {
        enum signal_code signal;
        bool has_company;
        enum fault fault;
    } ROWS[] = {{SIGNAL_DEVICE_FAULTY, false, FAULT_BODY},
                {SIGNAL_KEYS_LOST, false, FAULT_KEYS_LOST},
                {SIGNAL_FIRMWARE_OLD, false, FAULT_SOFTWARE},
                {SIGNAL_DEVICE_FAULTY, true, FAULT_SOFTWARE}};
    for (unsigned i = 0; i < COUNT_OF(ROWS); i++) {
        struct flag flag = flag_of(ROWS[i].signal, 11, 0);
        struct flag cohort = {.subject = FLAG_OF_COHORT,
                              .cohort = COHORT_FIRMWARE,
                              .signal = SIGNAL_COHORT,
                              .position = 10,
                              .subject_id = "PAX A920 1.2.3"};
        struct cause_question question = {
            .flags = &flag, .flag_count = 1, .cohort = ROWS[i].has_company ? &cohort : NULL};
        struct cause_answer answer;
        cause_find(&question, &answer);
        assert_int_equal(answer.ranks[0].fault, ROWS[i].fault);
    }
}

static void test_a_cohort_takes_the_blame_from_the_terminal(void **state)
{
    (void)state;
    struct flag flags[] = {flag_of(SIGNAL_MALFORMED, 11, 0)};
    struct flag cohort = {.subject = FLAG_OF_COHORT,
                          .cohort = COHORT_FIRMWARE,
                          .signal = SIGNAL_MALFORMED,
                          .position = 10,
                          .subject_id = "PAX A920 1.2.3"};
    struct cause_question question = {.flags = flags, .flag_count = 1, .cohort = &cohort};
    struct cause_answer answer;
    cause_find(&question, &answer);
    assert_int_equal(answer.place, CAUSE_AT_COHORT);
    assert_string_equal(answer.place_name, "PAX A920 1.2.3");
    assert_int_equal(answer.ranks[0].fault, FAULT_SOFTWARE);
    assert_non_null(strstr(answer.checks[1].en, "FIRMWARE PAX A920 1.2.3"));
}

static void test_a_cohort_of_one_channel_is_the_channel_and_a_region_has_no_software(void **state)
{
    (void)state;
    struct flag flags[] = {flag_of(SIGNAL_TIMEOUTS, 11, 0)};
    struct flag cohort = {.subject = FLAG_OF_COHORT,
                          .cohort = COHORT_CHANNEL,
                          .signal = SIGNAL_TIMEOUTS,
                          .subject_id = "bank_a"};
    struct cause_question question = {.flags = flags, .flag_count = 1, .cohort = &cohort};
    struct cause_answer answer;
    cause_find(&question, &answer);
    assert_int_equal(answer.place, CAUSE_AT_CHANNEL);
    assert_string_equal(answer.place_name, "bank_a");
    cohort.cohort = COHORT_REGION;
    cause_find(&question, &answer);
    assert_int_equal(answer.place, CAUSE_AT_COHORT);
    assert_int_equal(answer.ranks[0].fault, FAULT_SLOW_NETWORK);
    assert_int_equal(answer.count, 1);
}

static void test_a_merchant_that_may_not_is_found_out(void **state)
{
    (void)state;
    struct flag flags[] = {flag_of(SIGNAL_DECLINES, 11, 0)};
    struct merchant_registration shop = merchant();
    struct cause_question question = {
        .flags = flags, .flag_count = 1, .merchant = &shop, .today = TODAY};
    struct cause_answer answer;
    cause_find(&question, &answer);
    assert_int_equal(answer.ranks[0].fault, FAULT_CARD_DECLINED);
    question.today = TODAY + 1; /* the day after its licence's last */
    cause_find(&question, &answer);
    assert_int_equal(answer.ranks[0].fault, FAULT_MERCHANT);
    assert_int_equal(answer.place, CAUSE_AT_MERCHANT);
    assert_string_equal(answer.checks[2].zh, "商户资质:营业执照已过期");
    shop.state = MERCHANT_STATE_STOPPED;
    assert_string_equal(merchant_qualification_fault(&shop, TODAY, false),
                        "the merchant is not active");
    shop.state = MERCHANT_STATE_ACTIVE;
    assert_string_equal(merchant_qualification_fault(&shop, TODAY + 101, false),
                        "the licence has run out");
    shop.licence_to_day = 0;
    assert_null(merchant_qualification_fault(&shop, TODAY + 100, false));
    assert_string_equal(merchant_qualification_fault(&shop, TODAY + 101, false),
                        "the contract has ended");
}

static void test_only_the_five_likeliest_are_named(void **state)
{
    (void)state;
    struct flag flags[SIGNAL_COUNT];
    for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
        flags[i] = flag_of((enum signal_code)i, i + 1, 0);
    }
    struct cause_question question = {.flags = flags, .flag_count = SIGNAL_COUNT};
    struct cause_answer answer;
    cause_find(&question, &answer);
    assert_int_equal(answer.count, CAUSE_COUNT_MAX);
    for (unsigned i = 1; i < CAUSE_COUNT_MAX; i++) {
        assert_true(answer.ranks[i - 1].score >= answer.ranks[i].score);
        assert_true(answer.ranks[i].evidence_count <= CAUSE_EVIDENCE_COUNT_MAX);
    }
    assert_int_equal(answer.ranks[0].fault, FAULT_TURNOVER);
}

static void test_it_is_told_in_both_languages_and_never_beyond_its_room(void **state)
{
    (void)state;
    struct flag flags[] = {flag_of(SIGNAL_TIMEOUTS, 11, 500)};
    struct cause_question question = {.flags = flags, .flag_count = 1, .channel = "unionpay"};
    struct cause_answer answer;
    cause_find(&question, &answer);
    char text[1024];
    cause_explain(&answer, false, text, sizeof(text));
    assert_non_null(strstr(text, "1. N2 slow network, time-outs (120 points); T5:"));
    assert_non_null(strstr(text, "9 against 3, log 11"));
    assert_non_null(strstr(text, "ruled out, channel: it is well"));
    assert_non_null(strstr(text, "mind, merchant: not registered here"));
    cause_explain(&answer, true, text, sizeof(text));
    assert_non_null(strstr(text, "可能的原因在:终端"));
    assert_non_null(strstr(text, ";T5:同类终端正常,本机超时,值 9,阈值 3"));
    assert_non_null(strstr(text, "已排除 通道:正常"));
    for (uint32_t size = 1; size < sizeof(text); size += 7) {
        memset(text, 'x', sizeof(text));
        uint32_t length = cause_explain(&answer, false, text, size);
        assert_true(length < size);
        assert_int_equal(text[length], '\0');
        assert_int_equal(text[size], 'x');
    }
}

static void test_without_a_signal_no_place_is_blamed(void **state)
{
    (void)state;
    struct cause_question question = {.channel = "unionpay"};
    struct cause_answer answer;
    cause_find(&question, &answer);
    char text[1024];
    cause_explain(&answer, false, text, sizeof(text));
    assert_null(strstr(text, "likely at"));
    assert_non_null(strstr(text, "no signal points to a fault of the terminal"));
    struct flag flags[] = {flag_of(SIGNAL_TIMEOUTS, 11, 500)};
    question.flags = flags, question.flag_count = 1, question.is_channel_down = true;
    cause_find(&question, &answer);
    cause_explain(&answer, false, text, sizeof(text));
    assert_non_null(strstr(text, "likely at: the channel unionpay\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fault_has_words_and_the_cashiers_fit_the_reply),
        cmocka_unit_test(test_all_faults_of_the_guide_are_there),
        cmocka_unit_test(test_every_signal_points_to_a_fault),
        cmocka_unit_test(test_what_more_points_to_stands_first_with_its_evidence),
        cmocka_unit_test(test_a_channel_that_is_down_for_all_is_not_the_terminals_fault),
        cmocka_unit_test(test_hardware_is_told_from_software),
        cmocka_unit_test(test_a_cohort_takes_the_blame_from_the_terminal),
        cmocka_unit_test(test_a_cohort_of_one_channel_is_the_channel_and_a_region_has_no_software),
        cmocka_unit_test(test_a_merchant_that_may_not_is_found_out),
        cmocka_unit_test(test_only_the_five_likeliest_are_named),
        cmocka_unit_test(test_without_a_signal_no_place_is_blamed),
        cmocka_unit_test(test_it_is_told_in_both_languages_and_never_beyond_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
