/* Where a payment would go, asked over the control socket. */
#include "routing/limit_rule.h"
#include "tests/unit/switch/control/control_scene.h"

/* It goes to the second channel where the card begins with 621094, else nowhere. */
static void on_explain(void *argument, const struct route_question *question, int64_t wall_us,
                       struct control_explanation *explanation)
{
    static struct channel_table *channels;
    struct engine_explanation *told = &explanation->engine;
    (void)argument;
    if (channels == NULL) {
        channels = channel_table_create();
        assert_int_equal(channel_table_add(channels, &(struct channel_row){.name = "bank_a"}), 0);
        assert_int_equal(channel_table_add(channels, &(struct channel_row){.name = "bank_b"}), 0);
    }
    assert_int_equal(question->kind, PAYMENT_PURCHASE);
    assert_int_equal(question->amount.minor, 1234);
    assert_int_equal(question->amount.currency, 156);
    assert_string_equal(question->terminal_id, "10000001");
    assert_int_equal(wall_us, 99);
    explanation->channels = channels;
    told->decision.version = 7;
    told->decision.answer = ROUTE_NO_ISSUER;
    snprintf(told->text, sizeof(told->text), "one\ntwo");
    if (strncmp(question->card_first, "621094", 6) == 0) {
        told->decision.answer = ROUTE_FOUND;
        told->decision.rule = 12;
        told->decision.channel_count = 1;
        told->decision.channels[0] = 1;
        told->decision.fee.merchant_rule = 4;
        told->decision.fee.merchant_fee.minor = 62;
        told->doubt = ROUTE_DOUBT_LISTED;
        snprintf(told->divider, sizeof(told->divider), "black list line 4");
        told->may_be_listed = true;
    } else if (strncmp(question->card_first, "622201", 6) == 0) {
        static const struct limit_rule rule = {.response_code = "A1"};
        told->decision.answer = ROUTE_LIMIT_DAY_COUNT;
        told->decision.breach =
            (struct limit_breach){.rule = &rule, .bound = LIMIT_BOUND_DAY_COUNT};
    } else if (strncmp(question->card_first, "622202", 6) == 0) {
        static const struct limit_rule rule = {.line = 3};
        told->decision.answer = ROUTE_LIMIT_DAY_COUNT;
        told->decision.breach =
            (struct limit_breach){.rule = &rule, .bound = LIMIT_BOUND_DAY_COUNT};
    } else if (strncmp(question->card_first, "622203", 6) == 0) {
        static const struct black_list_row row = {.kind = BLACK_LIST_CARD_HASH,
                                                  .response_code = "41"};
        told->decision.answer = ROUTE_CARD_LISTED;
        told->decision.listed = &row;
    }
}

static Control__Answer *ask_explain(int descriptor, const char *kind, const char *card)
{
    Control__Request request = CONTROL__REQUEST__INIT;
    Control__ExplainCall call = CONTROL__EXPLAIN_CALL__INIT;
    request.id = 43;
    request.call_case = CONTROL__REQUEST__CALL_EXPLAIN;
    request.explain = &call;
    call.terminal_id = (char *)(uintptr_t) "10000001";
    call.kind = (char *)(uintptr_t)kind;
    call.amount_minor = 1234;
    call.currency = 156;
    call.card_first = (char *)(uintptr_t)card;
    call.entry_mode = (char *)(uintptr_t) "051";
    call.has_wall_us = true;
    call.wall_us = 99;
    scene_send(descriptor, &request);
    return scene_read(descriptor);
}

static void ask_explanations(struct scene *scene)
{
    int descriptor = scene_connect(scene);
    Control__Answer *answer = ask_explain(descriptor, "purchase", "621094");
    const Control__Explanation *told = answer->explanation;
    assert_int_equal(answer->id, 43);
    assert_true(told->is_routed);
    assert_int_equal(told->ruleset_version, 7);
    assert_int_equal(told->route_rule, 12);
    assert_int_equal(told->n_channels, 1);
    assert_string_equal(told->channels[0], "bank_b");
    assert_int_equal(told->n_notes, 4);
    assert_string_equal(told->notes[0], route_doubt_text(ROUTE_DOUBT_LISTED));
    assert_string_equal(told->notes[2], "more digits would decide: black list line 4");
    assert_non_null(strstr(told->notes[3], "by their hash"));
    assert_int_equal(told->fee->merchant_fee, 62);
    assert_string_equal(told->text, "one\ntwo");
    control__answer__free_unpacked(answer, NULL);
    answer = ask_explain(descriptor, "purchase", "411111");
    assert_false(answer->explanation->is_routed);
    assert_string_equal(answer->explanation->response_code, "15");
    assert_int_equal(answer->explanation->n_channels, 0);
    assert_null(answer->explanation->fee);
    control__answer__free_unpacked(answer, NULL);
    close(descriptor);
}

static void test_where_a_payment_would_go_is_told(void **state)
{
    scene_serve(*state, ask_explanations);
}

/* What the terminal would be told: the rule's or the row's own code stands before the answer's. */
static void ask_response_codes(struct scene *scene)
{
    static const struct {
        const char *card, *code;
    } cases[] = {
        {"621094", "00"}, /* routed */
        {"411111", "15"}, /* the answer's */
        {"622201", "A1"}, /* a limit rule's own */
        {"622202", "65"}, /* of a bound whose rule has none */
        {"622203", "41"}, /* a row of the black list's own */
    };
    int descriptor = scene_connect(scene);
    for (uint32_t i = 0; i < COUNT_OF(cases); i++) {
        Control__Answer *answer = ask_explain(descriptor, "purchase", cases[i].card);
        assert_string_equal(answer->explanation->response_code, cases[i].code);
        control__answer__free_unpacked(answer, NULL);
    }
    close(descriptor);
}

static void test_the_response_code_is_that_of_what_refused(void **state)
{
    scene_serve(*state, ask_response_codes);
}

static void ask_wrong_questions(struct scene *scene)
{
    static const struct {
        const char *kind, *card, *expected;
    } cases[] = {
        {"purchase", "6210940000", "card:"}, /* more than 9 digits do not pass */
        {"purchase", "6210940000000000", "card:"},
        {"purchase", "62109", "card:"},
        {"purchase", "62109x", "card:"},
        {"gift", "621094", "type:"},
        {"unknown", "621094", "type:"},
    };
    int descriptor = scene_connect(scene);
    for (uint32_t i = 0; i < COUNT_OF(cases); i++) {
        Control__Answer *answer = ask_explain(descriptor, cases[i].kind, cases[i].card);
        assert_null(answer->explanation);
        assert_memory_equal(answer->fault, cases[i].expected, strlen(cases[i].expected));
        control__answer__free_unpacked(answer, NULL);
    }
    close(descriptor);
}

static void test_a_question_with_too_much_of_a_card_is_refused(void **state)
{
    scene_serve(*state, ask_wrong_questions);
}

static int scene_set(void **state)
{
    static const struct control_rim RIM = {.explain = on_explain};
    return scene_begin(state, &RIM);
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set, scene_strike)
    const struct CMUnitTest tests[] = {
        SCENE(test_where_a_payment_would_go_is_told),
        SCENE(test_the_response_code_is_that_of_what_refused),
        SCENE(test_a_question_with_too_much_of_a_card_is_refused),
    };
    return cmocka_run_group_tests_name("switch/control/control_explain", tests, NULL, NULL);
}
