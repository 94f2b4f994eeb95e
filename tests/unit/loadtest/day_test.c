/* A day's profile: the one that ships is whole, and each thing that can be wrong is told with its
 * place. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loadtest/day.h"

static void test_the_day_that_ships_is_read_whole(void **state)
{
    (void)state;
    struct day *day = day_load(TILLWAY_SOURCE_DIR "/loadtest/profiles/day.yaml", stderr);
    assert_non_null(day);
    uint32_t kinds = 0, errands = 0, cut_overs = 0;
    for (uint32_t i = 0; i < day->phase_count; i++) {
        const struct day_phase *phase = &day->phases[i];
        for (unsigned kind = 0; kind < POS_KIND_COUNT; kind++) {
            kinds |= phase->trade.weights[kind] > 0 ? 1U << kind : 0;
        }
        errands |= phase->errands;
        cut_overs += phase->is_cut_over;
    }
    assert_int_equal(kinds, (1U << POS_KIND_COUNT) - 1); /* every kind is played */
    assert_int_equal(errands, (1U << ERRAND_COUNT) - 1 - (1U << ERRAND_SIGN_ON));
    assert_int_equal(cut_overs, 1);
    assert_int_equal(day->sign_on_weights[0], 8);
    day_destroy(day);
}

/* The faults of a text, in one string. */
static void faults_of(const char *text, char faults[1024])
{
    char path[] = "/tmp/tillway-day-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    close(descriptor);
    memset(faults, 0, 1024);
    FILE *file = fmemopen(faults, 1023, "w");
    assert_non_null(file);
    struct day *day = day_load(path, file);
    fclose(file);
    unlink(path);
    assert_int_equal(day == NULL, faults[0] != '\0');
    day_destroy(day);
}

static void test_each_fault_is_told_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"phases: []\n", "1:1: a list `phases` of 1 to 32 is expected"},
        {"phases:\n  - {name: a, seconds: 1, trade: {purchas: 1}, tps: 5}\n", ":2:"},
        {"phases:\n  - {name: a, seconds: 1, trade: {purchas: 1}, tps: 5}\n", "purchase"},
        {"phases:\n  - {name: a, seconds: 1, trade: {purchase: 1}}\n", "trade wants `tps`"},
        {"phases:\n  - {name: a, seconds: 1, errands: [setle]}\n", "did you mean settle"},
        {"phases:\n  - {name: a, seconds: 1, mismatch: 5}\n", "`mismatch` belongs to"},
        {"phases:\n  - {name: a}\n", "seconds"},
        {"sign_on: {\"003\": 0}\nphases:\n  - {name: a, seconds: 1}\n", "a share above 0"},
        {"phases:\n  - {name: 'a\"b', seconds: 1}\n", "without quotes"},
        {"phases:\n  - {name: a, seconds: 1, tps: 1, trade: {purchase: 1}, qr: {percent: 5}}\n",
         "a share above 0 is expected of alipay, wechat or unionpay"},
        {"phases:\n  - {name: a, seconds: 1, tps: 1, trade: {purchase: 1}, qr: {alipay: 5}}\n",
         "percent"},
        {"phases:\n  - {name: a, seconds: 1, qr: {percent: 5, alipay: 5}}\n",
         "`qr` belongs to a phase of trade"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char faults[1024];
        faults_of(rows[i].text, faults);
        if (strstr(faults, rows[i].expected) == NULL) {
            fail_msg("\"%s\" is expected in: %s", rows[i].expected, faults);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_day_that_ships_is_read_whole),
        cmocka_unit_test(test_each_fault_is_told_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
