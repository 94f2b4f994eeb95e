/* Watches: begun, filled, read on from a number, ended; never more than they may keep. */
#include <stdio.h>
#include <string.h>

#include "switch/net/trace.h"
#include "tests/unit/unit_test.h"

#define SECOND UINT64_C(1000000000)

static const struct trace_subject TERMINAL = {TRACE_TERMINAL, "10000001"};
static const struct trace_subject CHANNEL = {TRACE_CHANNEL, "bank_a"};

static void put(const struct trace_subject *subject, const char *text, uint64_t now_ns)
{
    const struct trace_message message = {
        .subject = *subject, .text = text, .wall_us = 7, .now_ns = now_ns};
    trace_put(&message);
}

static void nothing_is_kept_of_whom_nobody_watches(void **state)
{
    struct trace_entry entry;
    struct trace_state now = {0};
    bool has_entry = false;
    (void)state;
    assert_false(trace_is_on());
    assert_int_equal(trace_begin(&TERMINAL, 10, SECOND), STATUS_OK);
    assert_true(trace_is_on());
    put(&CHANNEL, "a bank's", SECOND);
    put(&TERMINAL, "ours", SECOND);
    assert_false(trace_read(&CHANNEL, 0, SECOND, &entry, &has_entry, &now));
    assert_true(trace_read(&TERMINAL, 0, SECOND, &entry, &has_entry, &now));
    assert_true(has_entry);
    assert_string_equal(entry.text, "ours");
    assert_int_equal(entry.number, 1);
    assert_true(trace_read(&TERMINAL, 1, SECOND, &entry, &has_entry, &now));
    assert_false(has_entry);
    assert_true(now.is_watched);
    assert_int_equal(now.seconds_left, 10);
    assert_true(trace_end(&TERMINAL));
    assert_false(trace_end(&TERMINAL));
    assert_false(trace_is_on());
}

static void a_watch_ends_by_itself_and_what_it_kept_can_be_read(void **state)
{
    struct trace_entry entry;
    struct trace_state now = {0};
    bool has_entry = false;
    (void)state;
    assert_int_equal(trace_begin(&TERMINAL, 2, 0), STATUS_OK);
    put(&TERMINAL, "in time", SECOND);
    put(&TERMINAL, "too late", 2 * SECOND);
    assert_false(trace_is_on());
    assert_true(trace_read(&TERMINAL, 0, 3 * SECOND, &entry, &has_entry, &now));
    assert_true(has_entry);
    assert_false(now.is_watched);
    assert_int_equal(now.count, 1);
    trace_close();
}

static void the_oldest_give_way(void **state)
{
    struct trace_entry entry;
    struct trace_state now = {0};
    bool has_entry = false;
    char text[16];
    (void)state;
    assert_int_equal(trace_begin(&TERMINAL, 10, 0), STATUS_OK);
    for (unsigned i = 1; i <= TRACE_KEPT_COUNT + 3; i++) {
        snprintf(text, sizeof(text), "%u", i);
        put(&TERMINAL, text, SECOND);
    }
    assert_true(trace_read(&TERMINAL, 0, SECOND, &entry, &has_entry, &now));
    assert_int_equal(entry.number, 4);
    assert_string_equal(entry.text, "4");
    assert_int_equal(now.count, TRACE_KEPT_COUNT + 3);
    trace_close();
}

static void so_many_watches_and_no_more(void **state)
{
    struct trace_subject subject = {TRACE_TERMINAL, ""};
    (void)state;
    for (unsigned i = 0; i < TRACE_WATCH_COUNT_MAX; i++) {
        snprintf(subject.name, sizeof(subject.name), "%u", i);
        assert_int_equal(trace_begin(&subject, 5, 0), STATUS_OK);
    }
    assert_int_equal(trace_begin(&CHANNEL, 5, SECOND), STATUS_NO_ROOM);
    assert_int_equal(trace_begin(&subject, 5, SECOND), STATUS_OK);     /* the same one anew */
    assert_int_equal(trace_begin(&CHANNEL, 5, 5 * SECOND), STATUS_OK); /* one was over */
    trace_close();
    assert_false(trace_is_on());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_kept_of_whom_nobody_watches),
        cmocka_unit_test(a_watch_ends_by_itself_and_what_it_kept_can_be_read),
        cmocka_unit_test(the_oldest_give_way),
        cmocka_unit_test(so_many_watches_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
