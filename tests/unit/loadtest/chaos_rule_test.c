/* Rules of tillway-chaos from YAML and from the command line, good ones and every kind of bad. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "config/yaml_file.h"
#include "loadtest/chaos_rule.h"

static const struct chaos_means ALL_MEANS = {true, true};

static enum status rules_of(const char *text, struct chaos_means means, struct chaos_rules *rules,
                            char fault[DOCUMENT_FAULT_TEXT_SIZE])
{
    struct document *document = yaml_file_parse("chaos.yaml", text, (uint32_t)strlen(text));
    assert_non_null(document);
    *rules = (struct chaos_rules){.count = 0};
    enum status status = chaos_rules_read(rules, document, means);
    fault[0] = '\0';
    if (document_fault_count(document) > 0) {
        snprintf(fault, DOCUMENT_FAULT_TEXT_SIZE, "%s", document_fault_text(document, 0));
    }
    document_destroy(document);
    return status;
}

static void test_a_file_becomes_rules_with_their_options(void **state)
{
    (void)state;
    struct chaos_rules rules;
    char fault[DOCUMENT_FAULT_TEXT_SIZE];
    assert_int_equal(
        rules_of("rules:\n"
                 "  - {name: slow bank, action: delay, direction: to_client, percent: "
                 "2.5, ms: 100, jitter_ms: 50}\n"
                 "  - {action: change, field: stan, every: 10, skip: 3, mti: \"0210\"}\n"
                 "  - {action: reset, side: receiver, from_ms: 1000, to_ms: 2000}\n",
                 ALL_MEANS, &rules, fault),
        STATUS_OK);
    assert_int_equal(rules.count, 3);
    assert_string_equal(rules.items[0].name, "slow bank");
    assert_int_equal(rules.items[0].part_per_million, 25000);
    assert_int_equal(rules.items[0].direction, CHAOS_TO_CLIENT);
    assert_int_equal(rules.items[0].jitter_ms, 50);
    assert_string_equal(rules.items[1].name, "change");
    assert_int_equal(rules.items[1].field, 11);
    assert_int_equal(rules.items[1].every, 10);
    assert_string_equal(rules.items[1].mti, "0210");
    assert_int_equal(rules.items[2].bytes, CHAOS_HALF);
    assert_int_equal(rules.items[2].side, CHAOS_SIDE_RECEIVER);
}

static void test_the_command_line_says_the_same_as_a_file(void **state)
{
    (void)state;
    struct chaos_rules filed, given = {.count = 0};
    char fault[DOCUMENT_FAULT_TEXT_SIZE];
    assert_int_equal(rules_of("rules: [{action: split, piece: 3, ms: 1, percent: 0.0001}]",
                              ALL_MEANS, &filed, fault),
                     STATUS_OK);
    struct document *document =
        chaos_rule_document("--rule 1", "action=split,piece=3,ms=1,percent=0.0001");
    assert_non_null(document);
    assert_int_equal(chaos_rules_read(&given, document, ALL_MEANS), STATUS_OK);
    document_destroy(document);
    assert_int_equal(given.items[0].part_per_million, 1);
    assert_memory_equal(&given.items[0], &filed.items[0], sizeof given.items[0]);
}

static void test_a_faulty_rule_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *words;
    } cases[] = {
        {"{action: dealy, ms: 1}", "did you mean \"delay\""},
        {"{ms: 1}", "action"},
        {"{action: delay}", "needs \"ms\""},
        {"{action: drop, ms: 5}", "\"ms\" is not known here"},
        {"{action: drop, percent: 101}", "from 0 to 100"},
        {"{action: drop, percent: 1.00001}", "four decimals"},
        {"{action: drop, percent: 5, every: 2}", "exclude each other"},
        {"{action: drop, direction: up}", "to_server, to_client, both"},
        {"{action: drop, mti: 21}", "four digits"},
        {"{action: drop, from_ms: 5, to_ms: 5}", "not after"},
        {"{action: change, field: colour}", "stan, rrn, amount"},
        {"{action: change, field: 128}", "from 2 to 127"},
        {"{action: change}", "field"},
        {"{action: duplicate, copies: 0}", "from 1 to"},
        {"word", "a mapping with \"action\""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct chaos_rules rules;
        char text[160], fault[DOCUMENT_FAULT_TEXT_SIZE];
        snprintf(text, sizeof text, "rules:\n  - {action: drop}\n  - %s\n", cases[i].rule);
        assert_int_equal(rules_of(text, ALL_MEANS, &rules, fault), STATUS_BAD_VALUE);
        assert_int_equal(rules.count, 0);
        assert_int_equal(strncmp(fault, "chaos.yaml:3:", 13), 0);
        if (strstr(fault, cases[i].words) == NULL) {
            fail_msg("%s: %s", cases[i].rule, fault);
        }
    }
}

static void test_what_cannot_be_done_is_refused(void **state)
{
    (void)state;
    struct chaos_rules rules;
    char fault[DOCUMENT_FAULT_TEXT_SIZE];
    struct chaos_means bytes = {false, false}, frames = {true, false};
    assert_int_equal(rules_of("rules: [{action: drop}]", bytes, &rules, fault), STATUS_BAD_VALUE);
    assert_non_null(strstr(fault, "--framing"));
    assert_int_equal(rules_of("rules: [{action: change, field: stan}]", frames, &rules, fault),
                     STATUS_BAD_VALUE);
    assert_non_null(strstr(fault, "--spec"));
    assert_int_equal(rules_of("rules: [{action: split}]", bytes, &rules, fault), STATUS_OK);
    assert_int_equal(rules_of("rulez: []", frames, &rules, fault), STATUS_BAD_VALUE);
}

static void test_a_faulty_argument_is_refused_with_its_place(void **state)
{
    (void)state;
    static const char *const faulty[] = {"action", "action=drop,action=drop", "=drop", ""};
    for (size_t i = 0; i < COUNT_OF(faulty); i++) {
        struct chaos_rules rules = {.count = 0};
        struct document *document = chaos_rule_document("--rule 1", faulty[i]);
        assert_non_null(document);
        assert_int_equal(chaos_rules_read(&rules, document, ALL_MEANS), STATUS_BAD_VALUE);
        assert_int_equal(strncmp(document_fault_text(document, 0), "--rule 1:1:", 11), 0);
        document_destroy(document);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_becomes_rules_with_their_options),
        cmocka_unit_test(test_the_command_line_says_the_same_as_a_file),
        cmocka_unit_test(test_a_faulty_rule_is_refused_with_its_place),
        cmocka_unit_test(test_what_cannot_be_done_is_refused),
        cmocka_unit_test(test_a_faulty_argument_is_refused_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
