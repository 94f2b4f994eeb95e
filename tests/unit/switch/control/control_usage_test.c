/* What was used of limits, asked over the control socket. */
#include "config/yaml_file.h"
#include "routing/limit_rule.h"
#include "tests/unit/switch/control/control_scene.h"

static struct limit_rules *limits; /* of the test that asks for usage; else none */

static const char LIMITS[] = "limits:\n"
                             "  - {name: shops, per: merchant, day_amount_max: 500.00, "
                             "day_count_max: 9, amount_max: 300.00}\n"
                             "  - {name: devices, per: terminal, month_amount_max: 100.00}\n"
                             "  - {name: each, per: transaction, amount_max: 50.00}\n";

static struct limit_rules *limits_make(void)
{
    struct bin_table *bins = bin_table_create(1);
    struct document *document = yaml_file_parse("limits.yaml", LIMITS, sizeof(LIMITS) - 1);
    assert_non_null(document);
    struct limit_rules *rules = limit_rules_compile(document, bins, MONEY_CNY);
    if (rules == NULL) {
        fail_msg("%s", document_fault_text(document, 0));
    }
    document_destroy(document);
    bin_table_destroy(bins);
    return rules;
}

static void on_usage(void *argument, const struct control_usage_question *question,
                     struct control_usage *usage)
{
    (void)argument;
    bool is_card = question->scope == LIMIT_CARD;
    usage->currency = MONEY_CNY;
    usage->rules = is_card ? NULL : limits;
    usage->engine = (struct engine_usage_view){!is_card, 20260921, {7, 45000, 120000}};
    if (is_card) {
        assert_int_equal(question->pan_hash.bytes[0], 0x0A);
        assert_int_equal(question->pan_hash.bytes[PAN_HASH_BYTES - 1], 0xFF);
    } else if (question->scope == LIMIT_MERCHANT) {
        assert_string_equal(question->merchant_id, "898290054110000");
    } else {
        assert_string_equal(question->terminal_id, "10000001");
    }
}

static Control__Answer *ask_usage(int descriptor, const char *scope, const char *key)
{
    Control__Request request = CONTROL__REQUEST__INIT;
    Control__UsageCall call = CONTROL__USAGE_CALL__INIT;
    request.id = 44;
    request.call_case = CONTROL__REQUEST__CALL_USAGE;
    request.usage = &call;
    call.scope = (char *)(uintptr_t)scope;
    call.key = (char *)(uintptr_t)key;
    scene_send(descriptor, &request);
    return scene_read(descriptor);
}

static void ask_usages(struct scene *scene)
{
    limits = limits_make();
    int descriptor = scene_connect(scene);
    Control__Answer *answer = ask_usage(descriptor, "merchant", "898290054110000");
    const Control__Usage *told = answer->usage;
    assert_non_null(told);
    assert_true(told->is_counted);
    assert_int_equal(told->day, 20260921);
    assert_int_equal(told->day_count, 7);
    assert_int_equal(told->day_minor, 45000);
    assert_int_equal(told->month_minor, 120000);
    assert_int_equal(told->n_limits, 2); /* of a day; the bound of one payment is none of usage */
    assert_string_equal(told->limits[0]->name, "shops");
    assert_string_equal(told->limits[0]->bound, "day_amount_max");
    assert_int_equal(told->limits[0]->max, 50000);
    assert_int_equal(told->limits[0]->used, 45000);
    assert_string_equal(told->limits[1]->bound, "day_count_max");
    assert_int_equal(told->limits[1]->used, 7);
    control__answer__free_unpacked(answer, NULL);
    answer = ask_usage(descriptor, "terminal", "10000001");
    assert_int_equal(answer->usage->n_limits, 1);
    assert_string_equal(answer->usage->limits[0]->bound, "month_amount_max");
    assert_int_equal(answer->usage->limits[0]->used, 120000);
    control__answer__free_unpacked(answer, NULL);
    answer = ask_usage(descriptor, "card", "0A0102030405060708090a0b0c0d0eff");
    assert_false(answer->usage->is_counted);
    assert_int_equal(answer->usage->n_limits, 0);
    control__answer__free_unpacked(answer, NULL);
    close(descriptor);
    limit_rules_destroy(limits);
    limits = NULL;
}

static void test_what_was_used_of_limits_is_told(void **state)
{
    scene_serve(*state, ask_usages);
}

static void ask_wrong_usages(struct scene *scene)
{
    static const struct {
        const char *scope, *key, *expected;
    } cases[] = {
        {"merchant", "", "merchant:"},
        {"merchant", "8982900541100001", "merchant:"},
        {"terminal", "100000001", "terminal:"},
        {"card", "0A01", "expected merchant, terminal or card"},
        {"card", "6210947850000000060", "expected merchant, terminal or card"}, /* no number */
        {"card", "0A0102030405060708090a0b0c0d0exx", "expected merchant, terminal or card"},
        {"agent", "A17", "expected merchant, terminal or card"},
    };
    int descriptor = scene_connect(scene);
    for (uint32_t i = 0; i < COUNT_OF(cases); i++) {
        Control__Answer *answer = ask_usage(descriptor, cases[i].scope, cases[i].key);
        assert_null(answer->usage);
        assert_memory_equal(answer->fault, cases[i].expected, strlen(cases[i].expected));
        control__answer__free_unpacked(answer, NULL);
    }
    close(descriptor);
}

static void test_usage_of_what_cannot_be_is_refused(void **state)
{
    scene_serve(*state, ask_wrong_usages);
}

static int scene_set(void **state)
{
    static const struct control_rim RIM = {.usage = on_usage};
    return scene_begin(state, &RIM);
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set, scene_strike)
    const struct CMUnitTest tests[] = {
        SCENE(test_what_was_used_of_limits_is_told),
        SCENE(test_usage_of_what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests_name("switch/control/control_usage", tests, NULL, NULL);
}
