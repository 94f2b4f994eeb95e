/* Which events may say what was replaced and name photos, and who pays for it. */
#include <string.h>

#include "switch/aftersales/case_check.h"
#include "tests/unit/unit_test.h"

struct told {
    struct service_case it;
    struct case_event event;
    char refusal[320];
};

/* A case with an engineer at the place, who says that it is mended with a printer of 120 yuan. */
static struct told mended(void)
{
    struct told told = {.it = {.id = 1,
                               .kind = CASE_FAULT,
                               .severity = 2,
                               .state = CASE_STATE_ON_SITE,
                               .event_count = 7,
                               .steps = {CASE_STEP_DONE, CASE_STEP_DONE}},
                        .event = {.kind = CASE_EVENT_FIX,
                                  .wall_us = 1,
                                  .role = CASE_ROLE_ENGINEER,
                                  .actor = "pat",
                                  .reason = "a new print head",
                                  .serial = "N900-2",
                                  .part_count = 1,
                                  .parts = {{.part = PART_PRINTER,
                                             .quantity = 1,
                                             .cost_minor = 12000,
                                             .paid_by = CASE_PART_PAID_BY_WARRANTY}}}};
    return told;
}

static bool may(struct told *told)
{
    struct case_rules rules;
    case_rules_default(&rules);
    told->refusal[0] = '\0';
    return case_may(&told->it, &told->event, &rules, told->refusal);
}

static void refuses(struct told *told, const char *words)
{
    assert_false(may(told));
    if (strstr(told->refusal, words) == NULL) {
        fail_msg("it says: %s", told->refusal);
    }
}

static void test_a_repair_says_what_it_replaced(void **state)
{
    (void)state;
    static const enum case_event_kind KINDS[] = {CASE_EVENT_FIX, CASE_EVENT_SWAP,
                                                 CASE_EVENT_ESCALATE};
    for (size_t i = 0; i < COUNT_OF(KINDS); i++) {
        struct told told = mended();
        told.event.kind = KINDS[i];
        assert_true(may(&told));
        assert_true(case_event_takes_parts(KINDS[i]) && case_event_takes_photos(KINDS[i]));
    }
    struct told other = mended();
    other.event.kind = CASE_EVENT_WAIT;
    refuses(&other, "WAIT takes no parts; say them with FIX, SWAP or ESCALATE");
    other.event.part_count = 0;
    assert_true(may(&other));
    other.event.photo_count = 1;
    refuses(&other, "WAIT takes no photos");
    struct told there = mended();
    there.event.kind = CASE_EVENT_ARRIVE;
    there.it.state = CASE_STATE_ACCEPTED;
    refuses(&there, "ARRIVE takes no parts");
    there.event.part_count = 0;
    there.event.photo_count = 1;
    assert_true(may(&there));
}

static void test_neither_the_merchant_nor_the_switch_replaces_parts(void **state)
{
    (void)state;
    static const enum case_role ROLES[] = {CASE_ROLE_MERCHANT, CASE_ROLE_SWITCH};
    for (size_t i = 0; i < COUNT_OF(ROLES); i++) {
        struct told told = mended();
        told.it.steps[0] = CASE_STEP_HELPED;
        told.event.role = ROLES[i];
        refuses(&told, "FIX with parts is said by an engineer, staff or the maker");
        told.event.part_count = 0;
        assert_true(may(&told));
    }
}

/* Nothing is taken from the merchant's purse without his word. */
static void test_the_merchant_pays_no_more_for_parts_than_was_accepted(void **state)
{
    (void)state;
    struct told told = mended();
    told.event.parts[0].paid_by = CASE_PART_PAID_BY_MERCHANT;
    refuses(&told, "more than was accepted");
    told.it.quote = CASE_QUOTE_ACCEPTED;
    told.it.cost_minor = 12000;
    assert_true(may(&told));
    told.event.part_count = 2;
    told.event.parts[1] = told.event.parts[0];
    told.event.parts[1].cost_minor = 1;
    refuses(&told, "more than was accepted");
    told.event.parts[1].paid_by = CASE_PART_PAID_BY_WARRANTY;
    assert_true(may(&told));
    told.event.parts[1].cost_minor = -1;
    refuses(&told, "needs for each part what it cost");
    told.event.parts[1].cost_minor = INT64_MAX;
    refuses(&told, "needs for each part what it cost");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_repair_says_what_it_replaced),
        cmocka_unit_test(test_neither_the_merchant_nor_the_switch_replaces_parts),
        cmocka_unit_test(test_the_merchant_pays_no_more_for_parts_than_was_accepted),
    };
    return cmocka_run_group_tests_name("switch/aftersales/case_check", tests, NULL, NULL);
}
