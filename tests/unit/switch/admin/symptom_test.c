/* What the codes of the last answers point to. */
#include "switch/admin/symptom.h"
#include "tests/unit/unit_test.h"

static void test_codes_that_come_again_point_to_a_fault(void **state)
{
    (void)state;
    static const char *const CODES[] = {"00", "A0", NULL, "77", "98"};
    struct symptom symptom;
    symptom_find(CODES, COUNT_OF(CODES), &symptom);
    assert_int_equal(symptom.fault, FAULT_KEYS_STALE);
    assert_int_equal(symptom.count, 2);
    assert_string_equal(symptom.code, "A0"); /* the newest */
}

static void test_one_alone_is_nothing(void **state)
{
    (void)state;
    static const char *const CODES[] = {"A0", "98", "03", "00", "51", "51", "51"};
    struct symptom symptom;
    symptom_find(CODES, COUNT_OF(CODES), &symptom);
    assert_int_equal(symptom.fault, FAULT_COUNT);
    symptom_find(CODES, 0, &symptom);
    assert_int_equal(symptom.fault, FAULT_COUNT);
}

static void test_the_most_frequent_counts(void **state)
{
    (void)state;
    static const char *const CODES[] = {"A0", "A0", "98", "98", "98"};
    struct symptom symptom;
    symptom_find(CODES, COUNT_OF(CODES), &symptom);
    assert_int_equal(symptom.fault, FAULT_SLOW_NETWORK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_that_come_again_point_to_a_fault),
        cmocka_unit_test(test_one_alone_is_nothing),
        cmocka_unit_test(test_the_most_frequent_counts),
    };
    return cmocka_run_group_tests_name("switch/admin/symptom", tests, NULL, NULL);
}
