/* Bodies about cases: members, and what is said of those that are wrong. */
#include <string.h>

#include "switch/admin/case_body.h"
#include "tests/unit/unit_test.h"

static const struct scope STAFF = {.position = SCOPE_POSITION_STAFF};
static const struct scope ENGINEER = {.position = SCOPE_POSITION_ENGINEER};

static bool take(struct case_body *body, enum case_event_kind kind, const char *text,
                 char reason[CASE_BODY_REASON_SIZE])
{
    json_t *json = text == NULL ? NULL : json_loads(text, 0, NULL);
    assert_true(text == NULL || json != NULL);
    bool is_good = case_body_event(body, kind, json, &STAFF, reason);
    json_decref(json);
    return is_good;
}

static void test_an_event_takes_its_own_members(void **state)
{
    (void)state;
    struct case_body body;
    char reason[CASE_BODY_REASON_SIZE] = "";
    assert_true(take(&body, CASE_EVENT_FIRST_STEP,
                     "{\"step\": 1, \"result\": \"done\", \"reason\": \"重启\"}", reason));
    assert_int_equal(body.event.kind, CASE_EVENT_FIRST_STEP);
    assert_int_equal(body.event.role, CASE_ROLE_STAFF);
    assert_int_equal(body.event.step, 1);
    assert_int_equal(body.event.result, CASE_STEP_DONE);
    assert_string_equal(body.event.reason, "重启");
    assert_true(take(&body, CASE_EVENT_FIRST_STEP, "{\"step\": \"2\"}", reason)); /* of a command */
    assert_int_equal(body.event.step, 2);
    assert_true(
        take(&body, CASE_EVENT_TRIAGE, "{\"fault\": \"P1\", \"service_class\": \"P2\"}", reason));
    assert_string_equal(body.event.fault, "P1");
    assert_int_equal(body.event.service_class, SERVICE_P2);
    assert_true(take(&body, CASE_EVENT_DISPATCH,
                     "{\"place\": \"site_city\", \"engineer\": \"li\", \"point_id\": \"P3\"}",
                     reason));
    assert_int_equal(body.event.place, SERVICE_SITE_CITY);
    assert_true(
        take(&body, CASE_EVENT_DISPATCH, "{\"engineer\": \"li 6222021234567894\"}", reason));
    assert_string_equal(body.event.engineer, "li 622202******7894");
    assert_true(take(&body, CASE_EVENT_QUOTE, "{\"cost_minor\": 12000}", reason));
    assert_int_equal(body.event.cost_minor, 12000);
    assert_true(take(&body, CASE_EVENT_CLOSE, "{\"outcome\": \"benign\"}", reason));
    assert_int_equal(body.event.outcome, CASE_OUTCOME_BENIGN);
    assert_true(take(&body, CASE_EVENT_SCORE, "{\"score\": 5, \"as\": \"MERCHANT\"}", reason));
    assert_int_equal(body.event.role, CASE_ROLE_MERCHANT);
    assert_true(take(&body, CASE_EVENT_JOIN, "{\"flag\": 9}", reason));
    assert_int_equal(body.flag_id, 9);
    assert_true(take(&body, CASE_EVENT_INVESTIGATE, NULL, reason));
}

static void test_bad_members_are_named_with_what_was_expected(void **state)
{
    (void)state;
    static const struct {
        enum case_event_kind kind;
        const char *text, *says;
    } BAD[] = {
        {CASE_EVENT_FIRST_STEP, "{\"step\": 256}", "member \"step\": expected a number from 0 to"},
        {CASE_EVENT_FIRST_STEP, "{\"step\": 1.5}", "member \"step\": expected which first step"},
        {CASE_EVENT_FIRST_STEP, "{\"step\": null}", "member \"step\""},
        {CASE_EVENT_FIRST_STEP, "{\"step\": [1]}", "member \"step\""},
        {CASE_EVENT_FIRST_STEP, "{\"result\": \"maybe\"}",
         "member \"result\": expected one of open, done, impossible, helped, got \"maybe\""},
        {CASE_EVENT_FIRST_STEP, "{\"score\": 3}",
         "member \"score\": not known here; expected reason, as, step, result"},
        {CASE_EVENT_TRIAGE, "{\"fault\": \"Z9\"}", "member \"fault\": expected a code of a fault"},
        {CASE_EVENT_TRIAGE, "{\"service_class\": \"P4\"}", "expected one of P1, P2, P3"},
        {CASE_EVENT_TRIAGE, "{\"reason\": \"two\\nlines\"}",
         "member \"reason\": expected up to 191 bytes"},
        {CASE_EVENT_TRIAGE, "{\"as\": \"SWITCH\"}",
         "member \"as\": expected as what this token may act (staff, merchant"},
        {CASE_EVENT_TRIAGE, "{\"as\": \"MANAGER\"}", "got \"MANAGER\""},
        {CASE_EVENT_TRIAGE, "{\"as\": 1}", "member \"as\""},
        {CASE_EVENT_TRIAGE, "[]", "expected a JSON object"},
        {CASE_EVENT_JOIN, "{}", "member \"flag\": expected the number of the flag"},
        {CASE_EVENT_JOIN, "{\"flag\": \"9\"}", "member \"flag\""},
        {CASE_EVENT_JOIN, "{\"flag\": 0}", "member \"flag\""},
        {CASE_EVENT_QUOTE, "{\"cost_minor\": \"12.00\"}", "member \"cost_minor\""},
        {CASE_EVENT_SWAP, "{\"serial\": \"123456789012345678901\"}", "member \"serial\""},
        {CASE_EVENT_SWAP, "{\"serial\": \"a\\u0000b\"}", "member \"serial\""},
    };
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        struct case_body body;
        char reason[CASE_BODY_REASON_SIZE] = "";
        json_t *json = json_loads(BAD[i].text, JSON_ALLOW_NUL, NULL);
        assert_non_null(json);
        assert_false(case_body_event(&body, BAD[i].kind, json, &STAFF, reason));
        json_decref(json);
        if (strstr(reason, BAD[i].says) == NULL) {
            fail_msg("%s says: %s", BAD[i].text, reason);
        }
    }
}

#define SHA "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void test_a_repair_takes_parts_and_photos(void **state)
{
    (void)state;
    struct case_body body;
    char reason[CASE_BODY_REASON_SIZE] = "";
    assert_true(take(&body, CASE_EVENT_FIX,
                     "{\"reason\": \"x\", \"photos\": [\"" SHA "\"], \"parts\": ["
                     "{\"part\": \"printer\", \"paid_by\": \"merchant\", \"quantity\": \"2\","
                     " \"serial_before\": \"A\", \"serial_after\": \"B\", \"cost_minor\": 12000},"
                     "{\"part\": \"battery\", \"paid_by\": \"warranty\"}]}",
                     reason));
    const struct case_event *event = &body.event;
    assert_int_equal(event->part_count, 2);
    assert_int_equal(event->parts[0].part, PART_PRINTER);
    assert_int_equal(event->parts[0].quantity, 2);
    assert_string_equal(event->parts[0].serial_before, "A");
    assert_string_equal(event->parts[0].serial_after, "B");
    assert_int_equal(event->parts[0].cost_minor, 12000);
    assert_int_equal(event->parts[0].paid_by, CASE_PART_PAID_BY_MERCHANT);
    assert_int_equal(event->parts[1].part, PART_BATTERY);
    assert_int_equal(event->parts[1].quantity, 1); /* when nothing is said */
    assert_int_equal(event->parts[1].paid_by, CASE_PART_PAID_BY_WARRANTY);
    assert_int_equal(event->photo_count, 1);
    assert_string_equal(event->photos[0].sha256, SHA);
    assert_true(take(&body, CASE_EVENT_ARRIVE, "{\"photos\": [\"" SHA "\"]}", reason));
    assert_true(take(&body, CASE_EVENT_SWAP, "{\"parts\": []}", reason));
}

static void test_a_bad_part_is_told_what_is_wrong_with_it(void **state)
{
    (void)state;
    static const struct {
        enum case_event_kind kind;
        const char *text, *says;
    } BAD[] = {
        {CASE_EVENT_ARRIVE, "{\"parts\": []}", "member \"parts\": not known here"},
        {CASE_EVENT_WAIT, "{\"photos\": []}", "member \"photos\": not known here"},
        {CASE_EVENT_FIX, "{\"parts\": {}}", "expected a list of at most 6 parts"},
        {CASE_EVENT_FIX, "{\"parts\": [1,1,1,1,1,1,1]}", "expected a list of at most 6 parts"},
        {CASE_EVENT_FIX, "{\"parts\": [\"printer\"]}", "expected of each which part it is"},
        {CASE_EVENT_FIX, "{\"parts\": [{\"part\": \"printer\"}]}", "and who paid"},
        {CASE_EVENT_FIX, "{\"parts\": [{\"part\": \"wheel\", \"paid_by\": \"warranty\"}]}",
         "member \"part\": expected one of whole, main_board"},
        {CASE_EVENT_FIX, "{\"parts\": [{\"part\": \"printer\", \"paid_by\": \"bank\"}]}",
         "member \"paid_by\": expected one of warranty, merchant"},
        {CASE_EVENT_FIX,
         "{\"parts\": [{\"part\": \"printer\", \"paid_by\": \"warranty\", \"quantity\": 0}]}",
         "member \"quantity\": expected a number from 1 to 99"},
        {CASE_EVENT_FIX,
         "{\"parts\": [{\"part\": \"printer\", \"paid_by\": \"warranty\", \"cost_minor\": -1}]}",
         "member \"cost_minor\""},
        {CASE_EVENT_FIX,
         "{\"parts\": [{\"part\": \"printer\", \"paid_by\": \"warranty\", \"colour\": 1}]}",
         "\"colour\" is not known of a part; expected part, quantity"},
        {CASE_EVENT_FIX, "{\"photos\": \"x\"}", "expected a list of at most 4 SHA-256"},
        {CASE_EVENT_FIX, "{\"photos\": [\"\"]}", "member \"sha256\""},
        {CASE_EVENT_FIX, "{\"photos\": [\"0011\"]}", "member \"sha256\""},
    };
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        struct case_body body;
        char reason[CASE_BODY_REASON_SIZE] = "";
        assert_false(take(&body, BAD[i].kind, BAD[i].text, reason));
        if (strstr(reason, BAD[i].says) == NULL) {
            fail_msg("%s says: %s", BAD[i].text, reason);
        }
    }
}

static void test_a_reason_has_a_limit(void **state)
{
    (void)state;
    struct case_body body;
    char text[CASE_REASON_SIZE + 32], reason[CASE_BODY_REASON_SIZE] = "";
    char longest[CASE_REASON_SIZE];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    snprintf(text, sizeof(text), "{\"reason\": \"%s\"}", longest);
    assert_true(take(&body, CASE_EVENT_TRIAGE, text, reason));
    snprintf(text, sizeof(text), "{\"reason\": \"%sx\"}", longest);
    assert_false(take(&body, CASE_EVENT_TRIAGE, text, reason));
}

static void test_people_do_not_say_what_the_switch_does(void **state)
{
    (void)state;
    assert_false(case_body_is_peoples(CASE_EVENT_OBSERVED));
    assert_false(case_body_is_peoples(CASE_EVENT_TIME));
    assert_false(case_body_is_peoples(CASE_EVENT_HOLD_EXPIRED));
    assert_false(case_body_is_peoples(CASE_EVENT_OPEN));
    assert_true(case_body_is_peoples(CASE_EVENT_CLOSE));
}

static void test_an_engineer_acts_as_one_without_saying_so(void **state)
{
    (void)state;
    struct case_body body;
    char reason[CASE_BODY_REASON_SIZE] = "";
    json_t *json = json_pack("{s:s}", "as", "STAFF");
    assert_true(case_body_event(&body, CASE_EVENT_ARRIVE, NULL, &ENGINEER, reason));
    assert_int_equal(body.event.role, CASE_ROLE_ENGINEER);
    assert_false(case_body_event(&body, CASE_EVENT_ARRIVE, json, &ENGINEER, reason));
    json_decref(json);
}

static bool open_by(const struct scope *scope, struct case_opening *opening, const char *text,
                    char *reason)
{
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    bool is_good = case_body_open(opening, json, scope, reason);
    json_decref(json);
    return is_good;
}

static bool open_with(struct case_opening *opening, const char *text, char *reason)
{
    return open_by(&STAFF, opening, text, reason);
}

static void test_a_case_is_opened_for_a_terminal_or_a_merchant(void **state)
{
    (void)state;
    struct case_opening opening;
    char reason[CASE_BODY_REASON_SIZE] = "";
    assert_true(open_with(&opening,
                          "{\"kind\": \"SERVICE\", \"terminal_id\": \"10000001\","
                          " \"reason\": \"paper\"}",
                          reason));
    assert_int_equal(opening.kind, CASE_SERVICE);
    assert_int_equal(opening.source, CASE_SOURCE_HOTLINE);
    assert_int_equal(opening.severity, 2);
    assert_string_equal(opening.event.reason, "paper");
    assert_true(open_with(&opening,
                          "{\"kind\": \"FEE\", \"merchant_id\": \"M1\", \"source\": \"ONLINE\","
                          " \"rrns\": [\"000010000001\", \"000010000002\"]}",
                          reason));
    assert_int_equal(opening.rrn_count, 2);
    assert_string_equal(opening.rrns[1], "000010000002");
}

static void test_what_no_case_can_be_opened_with_is_named(void **state)
{
    (void)state;
    static const char *const BAD[][2] = {
        {"{}", "expected a JSON object with kind"},
        {"{\"kind\": \"SERVICE\"}", "expected terminal_id or merchant_id"},
        {"{\"kind\": \"TICKET\", \"merchant_id\": \"M1\"}", "member \"kind\": expected one of"},
        {"{\"kind\": \"SERVICE\", \"terminal_id\": \"1\"}", "expected 8 characters"},
        {"{\"kind\": \"SERVICE\", \"merchant_id\": \"M1\", \"severity\": 5}",
         "member \"severity\": expected a number from 1 to 4"},
        {"{\"kind\": \"SERVICE\", \"merchant_id\": \"M1\", \"source\": \"RULE\"}",
         "member \"source\": expected HOTLINE"},
        {"{\"kind\": \"FEE\", \"merchant_id\": \"M1\"}", "member \"rrns\": expected the payments"},
        {"{\"kind\": \"FEE\", \"merchant_id\": \"M1\", \"rrns\": [\"1\"]}", "of 12 letters"},
        {"{\"kind\": \"FEE\", \"merchant_id\": \"M1\", \"rrns\": \"000010000001\"}", "a list"},
        {"{\"kind\": \"FAULT\", \"merchant_id\": \"M1\", \"fault\": \"Q1\"}",
         "member \"fault\": expected a code"},
        {"{\"kind\": \"SERVICE\", \"merchant_id\": \"M1\", \"state\": \"CLOSED\"}",
         "member \"state\": not known here; expected reason, as, kind, source"},
    };
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        struct case_opening opening;
        char reason[CASE_BODY_REASON_SIZE] = "";
        assert_false(open_with(&opening, BAD[i][0], reason));
        if (strstr(reason, BAD[i][1]) == NULL) {
            fail_msg("%s says: %s", BAD[i][0], reason);
        }
    }
}

/* Who may be the one that is looked into opens nothing by the name of it. */
static void test_merchants_and_agents_name_no_fault_that_is_investigated(void **state)
{
    (void)state;
    static const char *const TEXT =
        "{\"kind\": \"SERVICE\", \"merchant_id\": \"M1\", \"fault\": \"%s\"%s}";
    static const struct {
        enum scope_position position;
        const char *as;
        bool may;
    } ROWS[] = {{SCOPE_POSITION_MERCHANT, "", false},
                {SCOPE_POSITION_AGENT, "", false},
                {SCOPE_POSITION_AGENT, ", \"as\": \"MERCHANT\"", false},
                {SCOPE_POSITION_STAFF, ", \"as\": \"MERCHANT\"", false},
                {SCOPE_POSITION_STAFF, "", true},
                {SCOPE_POSITION_MANAGER, "", true}};
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        const struct scope scope = {.position = ROWS[i].position, .merchant_id = "M1"};
        struct case_opening opening;
        char text[160], reason[CASE_BODY_REASON_SIZE] = "";
        snprintf(text, sizeof(text), TEXT, "X2", ROWS[i].as);
        assert_int_equal(open_by(&scope, &opening, text, reason), ROWS[i].may);
        assert_int_equal(strstr(reason, "merchants and agents name no X fault") == NULL,
                         ROWS[i].may);
        snprintf(text, sizeof(text), TEXT, "P1", ROWS[i].as);
        assert_true(open_by(&scope, &opening, text, reason));
    }
}

static void test_a_merchant_says_not_how_urgent_its_case_is(void **state)
{
    (void)state;
    static const struct scope MERCHANT = {.position = SCOPE_POSITION_MERCHANT, .merchant_id = "M1"};
    static const char *const MEMBERS[] = {"\"severity\": 4", "\"source\": \"BANK\""};
    struct case_opening opening;
    char text[120], reason[CASE_BODY_REASON_SIZE] = "";
    for (size_t i = 0; i < COUNT_OF(MEMBERS); i++) {
        snprintf(text, sizeof(text), "{\"kind\": \"SERVICE\", \"merchant_id\": \"M1\", %s}",
                 MEMBERS[i]);
        assert_false(open_by(&MERCHANT, &opening, text, reason));
        assert_non_null(strstr(reason, "not known here; expected reason, as, kind, terminal_id"));
        assert_true(open_with(&opening, text, reason));
    }
    assert_true(
        open_by(&MERCHANT, &opening, "{\"kind\": \"SERVICE\", \"merchant_id\": \"M1\"}", reason));
    assert_int_equal(opening.severity, 2);
    assert_int_equal(opening.source, CASE_SOURCE_ONLINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_event_takes_its_own_members),
        cmocka_unit_test(test_bad_members_are_named_with_what_was_expected),
        cmocka_unit_test(test_a_repair_takes_parts_and_photos),
        cmocka_unit_test(test_a_bad_part_is_told_what_is_wrong_with_it),
        cmocka_unit_test(test_a_reason_has_a_limit),
        cmocka_unit_test(test_people_do_not_say_what_the_switch_does),
        cmocka_unit_test(test_an_engineer_acts_as_one_without_saying_so),
        cmocka_unit_test(test_a_case_is_opened_for_a_terminal_or_a_merchant),
        cmocka_unit_test(test_merchants_and_agents_name_no_fault_that_is_investigated),
        cmocka_unit_test(test_a_merchant_says_not_how_urgent_its_case_is),
        cmocka_unit_test(test_what_no_case_can_be_opened_with_is_named),
    };
    return cmocka_run_group_tests_name("switch/admin/case_body", tests, NULL, NULL);
}
