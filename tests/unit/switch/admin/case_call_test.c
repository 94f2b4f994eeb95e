/* Calls about cases and flags as the admin port makes them, with neither a switch nor a log beside:
 * who gets what, what is refused, and that a refusal leaves nothing. */
#include "tests/unit/switch/admin/case_call_stage.h"

static void test_a_queue_is_read_page_by_page(void **state)
{
    struct stage *stage = *state;
    char cursor[64];
    for (int i = 0; i < 3; i++) {
        scene_case(stage->scene, CASE_FAULT, "10000001");
    }
    scene_case(stage->scene, CASE_RISK, "10000001");
    with(stage, "limit", "2");
    assert_int_equal(ask(stage, ENDPOINT_CASE_LIST, "", NULL), 200);
    assert_int_equal(items(stage), 2);
    assert_int_equal(number(stage, "SELECT count(*) FROM reading WHERE actor = 'eva'"
                                   " AND case_id IN (1, 2)"),
                     2); /* each line that was shown, and no other */
    assert_int_equal(number(stage, "SELECT count(*) FROM reading"), 2);
    snprintf(cursor, sizeof(cursor), "%s", text_of(stage, "cursor"));
    with(stage, "limit", "2");
    with(stage, "cursor", cursor);
    assert_int_equal(ask(stage, ENDPOINT_CASE_LIST, "", NULL), 200);
    assert_int_equal(items(stage), 1); /* the risk case is not there for after-sales */
    assert_true(json_is_null(json_object_get(stage->json, "cursor")));
    with(stage, "severity", "9");
    assert_int_equal(ask(stage, ENDPOINT_CASE_LIST, "", NULL), 400);
    says(stage, "severity: expected");
    assert_int_equal(number(stage, "SELECT count(*) FROM reading"), 3);
}

/* Who has read these lines just now writes nothing, so needs no lock either; what is new to them is
 * not shown before it can be written down. */
static void test_a_queue_that_was_read_is_shown_while_another_writes(void **state)
{
    struct stage *stage = *state;
    scene_case(stage->scene, CASE_FAULT, "10000001");
    assert_int_equal(ask(stage, ENDPOINT_CASE_LIST, "", NULL), 200);
    assert_int_equal(desk_begin(stage->scene->desk), STATUS_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(stage, ENDPOINT_CASE_LIST, "", NULL), 200);
        assert_int_equal(items(stage), 1);
    }
    snprintf(stage->holder.name, sizeof(stage->holder.name), "tom");
    assert_int_equal(ask(stage, ENDPOINT_CASE_LIST, "", NULL), 503);
    assert_int_equal(desk_end(stage->scene->desk, STATUS_OK), STATUS_OK);
    assert_int_equal(number(stage, "SELECT count(*) FROM reading"), 1);
    assert_int_equal(ask(stage, ENDPOINT_CASE_LIST, "", NULL), 200);
    assert_int_equal(number(stage, "SELECT count(*) FROM reading WHERE actor = 'tom'"), 1);
}

static void test_a_case_is_shown_with_nobody_else_there_and_its_reading_kept(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(scene_case(stage->scene, CASE_FAULT, "10000001"), 1);
    assert_int_equal(case_book_link_txn(stage->scene->desk, 1, 77), STATUS_OK);
    assert_int_equal(ask(stage, ENDPOINT_CASE_SHOW, "1", NULL), 200);
    assert_int_equal(json_array_size(json_object_get(stage->json, "events")), 1);
    assert_int_equal(json_array_size(json_object_get(stage->json, "first_steps")), 2);
    assert_non_null(json_object_get(stage->json, "fees_fault")); /* there is no log */
    const json_t *checks = json_object_get(json_object_get(stage->json, "cause"), "checks");
    assert_true(json_is_false(json_object_get(json_array_get(checks, 0), "is_known")));
    assert_int_equal(number(stage, "SELECT count(*) FROM reading WHERE actor = 'eva'"), 1);
    assert_int_equal(ask(stage, ENDPOINT_CASE_READINGS, "1", NULL), 200);
    assert_int_equal(items(stage), 1);
    assert_int_equal(ask(stage, ENDPOINT_CASE_READINGS, "2", NULL), 404);
    static const char *const NONE[] = {"2", "0", "x", "-1", "99999999999999999999"};
    for (size_t i = 0; i < COUNT_OF(NONE); i++) {
        assert_int_equal(ask(stage, ENDPOINT_CASE_SHOW, NONE[i], NULL), 404);
    }
    with(stage, "part", "wheel");
    assert_int_equal(ask(stage, ENDPOINT_CASE_SHOW, "1", NULL), 400);
    assert_int_equal(number(stage, "SELECT count(*) FROM reading"), 1);
}

static void test_a_refusal_says_what_is_permitted_and_writes_nothing(void **state)
{
    struct stage *stage = *state;
    scene_case(stage->scene, CASE_FAULT, "10000001");
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/ARRIVE", "{\"as\": \"ENGINEER\"}"), 409);
    says(stage, "ARRIVE is not permitted in state NEW");
    assert_string_equal(text_of(stage, "state"), "NEW");
    const json_t *permitted = json_object_get(stage->json, "permitted");
    assert_true(json_array_size(permitted) > 2);
    for (size_t i = 0; i < json_array_size(permitted); i++) { /* no price was asked for */
        const json_t *event = json_object_get(json_array_get(permitted, i), "event");
        assert_string_not_equal(json_string_value(event), "QUOTE_ACCEPT");
        assert_string_not_equal(json_string_value(event), "GO_ON");
    }
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/DANCE", NULL), 404);
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/OBSERVED", NULL), 409);
    says(stage, "only the switch");
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/OPEN", NULL), 409);
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/TRIAGE", "{"), 400);
    says(stage, "expected a JSON object as the body");
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/TRIAGE", "{\"reason\": 1, \"reason\": 2}"),
                     400);
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/TRIAGE", "{\"colour\": 1}"), 400);
    says(stage, "member \"colour\": not known here; expected reason, as, fault, service_class");
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "2/TRIAGE", "{\"reason\": \"x\"}"), 404);
    stage->holder.role = ROLE_RISK;
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/TRIAGE", "{\"reason\": \"x\"}"), 403);
    assert_int_equal(number(stage, "SELECT count(*) FROM case_entry"), 1);
}

static void test_an_event_is_written_with_its_actor_and_what_follows(void **state)
{
    struct stage *stage = *state;
    scene_case(stage->scene, CASE_FAULT, "10000001");
    assert_int_equal(
        ask(stage, ENDPOINT_CASE_STEP, "1/TRIAGE", "{\"fault\": \"P1\", \"reason\": \"paper\"}"),
        200);
    assert_string_equal(text_of(stage, "state"), "TRIAGED");
    assert_non_null(strstr(stage->answer.detail, "case 1: TRIAGE, NEW to TRIAGED"));
    assert_int_equal(number(stage, "SELECT count(*) FROM case_entry WHERE actor = 'eva'"
                                   " AND kind = 'TRIAGE' AND role = 'STAFF' AND fault = 'P1'"),
                     1);
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/ADVISE", NULL), 200);
    assert_true(json_array_size(json_object_get(stage->json, "to_do")) > 0);
    assert_int_equal(number(stage, "SELECT count(*) > 0 FROM case_effect WHERE case_id = 1"), 1);
}

/* Nor in the words of whoever works on a case, as somebody reads it from a slip. */
static void test_no_card_number_is_kept_of_what_people_say_of_a_case(void **state)
{
    struct stage *stage = *state;
    scene_case(stage->scene, CASE_FAULT, "10000001");
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/TRIAGE",
                         "{\"reason\": \"6222 0212 3456 7894, 6222-0212-3456-7894, 13812345678\"}"),
                     200);
    assert_int_equal(number(stage, "SELECT count(*) FROM case_entry WHERE reason ="
                                   " '6222 02** **** 7894, 6222-02**-****-7894, 13812345678'"),
                     1);
}

static void test_a_second_person_is_written_down(void **state)
{
    struct stage *stage = *state;
    scene_case(stage->scene, CASE_FAULT, "10000001");
    stage->holder.scope.position = SCOPE_POSITION_MANAGER;
    stage->second = (struct token_holder){.name = "mia", .role = ROLE_AFTER_SALES};
    static const char CLOSE[] =
        "{\"outcome\": \"confirmed\", \"as\": \"MANAGER\", \"reason\": \"x\"}";
    for (int i = 1; i <= 2; i++) {
        char body[64];
        snprintf(body, sizeof(body), "{\"step\": %d, \"result\": \"done\"}", i);
        assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/FIRST_STEP", body), 200);
    }
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/TRIAGE", "{\"reason\": \"x\"}"), 200);
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/CLOSE", CLOSE), 409);
    says(stage, "second person");
    stage->has_second = true;
    snprintf(stage->second.scope.merchant_id, sizeof(stage->second.scope.merchant_id), "M2");
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/CLOSE", CLOSE), 403); /* sees it not */
    stage->second.scope.merchant_id[0] = '\0';
    stage->second.role = ROLE_RISK;
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/CLOSE", CLOSE), 403); /* takes no steps */
    stage->second.role = ROLE_AFTER_SALES;
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/CLOSE", CLOSE), 200);
    assert_int_equal(number(stage, "SELECT count(*) FROM case_entry WHERE second_actor = 'mia'"),
                     1);
}

/* Who profits from a step, or carries it out, is no second pair of eyes. */
static void test_an_agent_or_engineer_stands_beside_nobody(void **state)
{
    struct stage *stage = *state;
    static const char *const TRIAGE = "{\"reason\": \"x\"}";
    scene_case(stage->scene, CASE_FAULT, "10000001");
    stage->has_second = true;
    stage->second = (struct token_holder){.name = "mia", .role = ROLE_AFTER_SALES};
    stage->second.scope.position = SCOPE_POSITION_AGENT;
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/TRIAGE", TRIAGE), 403);
    stage->second.scope.position = SCOPE_POSITION_ENGINEER;
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/TRIAGE", TRIAGE), 403);
    says(stage, "staff or a manager");
    assert_int_equal(number(stage, "SELECT count(*) FROM case_entry"), 1);
    stage->second.scope.position = SCOPE_POSITION_MANAGER;
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/TRIAGE", TRIAGE), 200);
}

static void set_closed(struct stage *stage, long long ago_s)
{
    char sql[96];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(sql, sizeof(sql), "UPDATE service_case SET closed_us = %lld",
             ((long long)now.tv_sec - ago_s) * 1000000);
    assert_string_equal(scene_sql(stage->scene, sql), "");
}

/* As the file says, not as Tillway comes: within a day. */
static void test_the_rules_of_the_file_hold(void **state)
{
    struct stage *stage = *state;
    struct case_rules rules;
    uint64_t id = scene_case(stage->scene, CASE_FAULT, "10000001");
    case_rules_default(&rules);
    rules.reopen_days = 1;
    desk_share_set_rules(stage->share, &rules);
    scene_close(stage->scene, id, CASE_OUTCOME_BENIGN);
    set_closed(stage, 3LL * 86400);
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/REOPEN", "{\"reason\": \"again\"}"), 409);
    says(stage, "too late");
    set_closed(stage, 3600);
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/REOPEN", "{\"reason\": \"again\"}"), 200);
}

static void test_a_flag_joins_a_case_whole_or_not_at_all(void **state)
{
    struct stage *stage = *state;
    scene_case(stage->scene, CASE_FAULT, "10000001");
    scene_case(stage->scene, CASE_FAULT, "10000002");
    uint64_t flag = add_flag(stage, SIGNAL_TIMEOUTS, 50);
    uint64_t secret = add_flag(stage, SIGNAL_SERIAL_DIFFERS, 60);
    char body[64];
    snprintf(body, sizeof(body), "{\"flag\": %llu}", (unsigned long long)flag);
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/JOIN", body), 200);
    assert_int_equal(number(stage, "SELECT case_id FROM flag WHERE id = 1"), 1);
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "2/JOIN", body), 409); /* it is of case 1 */
    assert_int_equal(number(stage, "SELECT event_count FROM service_case WHERE id = 2"), 1);
    snprintf(body, sizeof(body), "{\"flag\": %llu}", (unsigned long long)secret);
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "2/JOIN", body), 404); /* of risk */
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "2/JOIN", "{\"flag\": 99}"), 404);
}

static void test_a_case_is_opened_with_what_is_registered(void **state)
{
    struct stage *stage = *state;
    static const char FAULT[] = "{\"kind\": \"FAULT\", \"terminal_id\": \"10000001\", \"fault\": "
                                "\"P1\", \"reason\": \"x\"}";
    put_shop(stage);
    assert_int_equal(ask(stage, ENDPOINT_CASE_OPEN, "", FAULT), 200);
    assert_int_equal(number(stage, "SELECT count(*) FROM service_case WHERE brand = 'PAX' AND"
                                   " merchant_id = 'M1' AND serial = 'SN-1' AND source = 'HOTLINE'"
                                   " AND obtained = 'agent'"),
                     1);
    assert_int_equal(ask(stage, ENDPOINT_CASE_OPEN, "", FAULT), 409);
    says(stage, "case 1 is open for this terminal and fault");
    assert_int_equal(json_integer_value(json_object_get(stage->json, "id")), 1);
    assert_int_equal(ask(stage, ENDPOINT_CASE_OPEN, "",
                         "{\"kind\": \"SERVICE\", \"terminal_id\": \"10000001\","
                         " \"merchant_id\": \"M2\", \"reason\": \"x\"}"),
                     422);
    assert_int_equal(ask(stage, ENDPOINT_CASE_OPEN, "",
                         "{\"kind\": \"RISK\", \"terminal_id\": \"10000001\", \"reason\": \"x\"}"),
                     403);
    assert_int_equal(ask(stage, ENDPOINT_CASE_OPEN, "",
                         "{\"kind\": \"SERVICE\", \"terminal_id\": \"10000001\"}"),
                     409); /* without a reason */
    assert_int_equal(ask(stage, ENDPOINT_CASE_OPEN, "",
                         "{\"kind\": \"FEE\", \"merchant_id\": \"M1\", \"reason\": \"x\","
                         " \"rrns\": [\"000010000001\"]}"),
                     503); /* the log is not there */
    assert_int_equal(number(stage, "SELECT count(*) FROM service_case"), 1);
}

static void test_nobody_opens_a_case_outside_the_scope(void **state)
{
    struct stage *stage = *state;
    put_shop(stage);
    snprintf(stage->holder.scope.agent_id, sizeof(stage->holder.scope.agent_id), "A18");
    static const char SERVICE[] =
        "{\"kind\": \"SERVICE\", \"terminal_id\": \"10000001\", \"reason\": \"x\"}";
    assert_int_equal(ask(stage, ENDPOINT_CASE_OPEN, "", SERVICE), 404);
    assert_int_equal(number(stage, "SELECT count(*) FROM service_case"), 0);
    assert_int_equal(number(stage, "SELECT count(*) FROM case_entry"), 0);
    snprintf(stage->holder.scope.agent_id, sizeof(stage->holder.scope.agent_id), "A17");
    assert_int_equal(ask(stage, ENDPOINT_CASE_OPEN, "", SERVICE), 200);
    assert_int_equal(ask(stage, ENDPOINT_CASE_OPEN, "",
                         "{\"kind\": \"SERVICE\", \"terminal_id\": \"10000009\","
                         " \"merchant_id\": \"M1\", \"reason\": \"x\"}"),
                     404); /* whose terminal is that? */
    says(stage, "not registered for a merchant");
    assert_int_equal(number(stage, "SELECT count(*) FROM service_case"), 1);
}

/* Who is for some merchants only learns of no other terminal or merchant that it is there. */
static void test_what_is_a_strangers_is_answered_as_what_is_not_there(void **state)
{
    struct stage *stage = *state;
    static const char *const SCOPES[][3] = {
        {"A18", "", ""}, {"", "M2", ""}, {"A17", "M2", ""}, {"A17", "", "P3"}};
    /* a stranger's, and the same of which there is none */
    static const char *const SUBJECTS[][2] = {
        {"\"terminal_id\": \"10000001\"", "\"terminal_id\": \"10000077\""},
        {"\"merchant_id\": \"M1\"", "\"merchant_id\": \"M77\""},
        {"\"terminal_id\": \"10000001\", \"merchant_id\": \"M2\"",
         "\"terminal_id\": \"10000077\", \"merchant_id\": \"M2\""},
        {"\"terminal_id\": \"10000001\", \"merchant_id\": \"M1\"",
         "\"terminal_id\": \"10000077\", \"merchant_id\": \"M77\""}};
    static const char *const REASONS[] = {", \"reason\": \"x\"", ""}; /* without: elsewhere a 409 */
    put_shop(stage);
    for (size_t i = 0; i < COUNT_OF(SCOPES) * COUNT_OF(SUBJECTS) * COUNT_OF(REASONS); i++) {
        const char *const *scope = SCOPES[i / COUNT_OF(SUBJECTS) / COUNT_OF(REASONS)];
        struct scope *own = &stage->holder.scope;
        char told[2][512];
        snprintf(own->agent_id, sizeof(own->agent_id), "%s", scope[0]);
        snprintf(own->merchant_id, sizeof(own->merchant_id), "%s", scope[1]);
        snprintf(own->point_id, sizeof(own->point_id), "%s", scope[2]);
        for (size_t is_none = 0; is_none < 2; is_none++) {
            char body[200];
            snprintf(body, sizeof(body), "{\"kind\": \"SERVICE\", %s%s}",
                     SUBJECTS[i / COUNT_OF(REASONS) % COUNT_OF(SUBJECTS)][is_none],
                     REASONS[i % COUNT_OF(REASONS)]);
            assert_int_equal(ask(stage, ENDPOINT_CASE_OPEN, "", body), 404);
            snprintf(told[is_none], sizeof(told[is_none]), "%s", stage->answer.body);
        }
        assert_string_equal(told[0], told[1]);
    }
    assert_int_equal(number(stage, "SELECT count(*) FROM service_case"), 0);
}

static void add_payment(struct log_stage *log, uint32_t seq, const char *merchant_id)
{
    struct record record = {.kind = RECORD_INTENT,
                            .wall_us = SCENE_NOW,
                            .txn = {1, seq},
                            .payment_kind = PAYMENT_PURCHASE,
                            .terminal_id = "10000001",
                            .amount = {100000, MONEY_CNY},
                            .channel = "bank_a"};
    snprintf(record.merchant_id, sizeof(record.merchant_id), "%s", merchant_id);
    snprintf(record.rrn, sizeof(record.rrn), "00001%07u", seq);
    log_stage_add(log, &record);
}

/* Nor of another's payment, whoever is named beside it. */
static void test_a_strangers_payment_is_answered_as_one_that_is_not_there(void **state)
{
    struct stage *stage = *state;
    struct log_stage log;
    static const char *const NAMED[] = {"\"merchant_id\": \"M9\"", "\"merchant_id\": \"M1\"",
                                        "\"terminal_id\": \"10000001\""};
    static const char *const OTHERS[] = {"000010000002", "000010000099"};
    log_stage_set(&log);
    add_payment(&log, 1, "M1");
    add_payment(&log, 2, "M9");
    put_shop(stage);
    stage->log = log.folder;
    snprintf(stage->holder.scope.agent_id, sizeof(stage->holder.scope.agent_id), "A17");
    for (size_t i = 0; i < COUNT_OF(NAMED); i++) {
        char told[2][512], body[200];
        for (size_t is_none = 0; is_none < 2; is_none++) {
            snprintf(body, sizeof(body),
                     "{\"kind\": \"FEE\", %s, \"reason\": \"x\", \"rrns\": [\"%s\"]}", NAMED[i],
                     OTHERS[is_none]);
            assert_int_equal(ask(stage, ENDPOINT_CASE_OPEN, "", body), 404);
            snprintf(told[is_none], sizeof(told[is_none]), "%s", stage->answer.body);
        }
        assert_string_equal(told[0], told[1]);
    }
    assert_int_equal(ask(stage, ENDPOINT_CASE_OPEN, "",
                         "{\"kind\": \"FEE\", \"terminal_id\": \"10000001\", \"reason\": \"x\", "
                         "\"rrns\": [\"000010000001\"]}"),
                     200);
    log_stage_close(&log);
    log_stage_strike(&log);
}

/* By a token of its own: help, its own steps, and no word of anybody else's. */
static void test_a_merchant_acts_for_itself_alone(void **state)
{
    struct stage *stage = *state;
    put_shop(stage);
    stage->holder.scope.position = SCOPE_POSITION_MERCHANT;
    snprintf(stage->holder.scope.merchant_id, sizeof(stage->holder.scope.merchant_id), "M1");
    assert_int_equal(ask(stage, ENDPOINT_CASE_OPEN, "",
                         "{\"kind\": \"FAULT\", \"terminal_id\": \"10000001\", \"fault\": \"P1\","
                         " \"reason\": \"no paper\"}"),
                     200);
    assert_int_equal(
        ask(stage, ENDPOINT_CASE_STEP, "1/FIRST_STEP", "{\"step\": 1, \"result\": \"done\"}"), 200);
    assert_int_equal(number(stage, "SELECT count(*) FROM case_entry WHERE role = 'MERCHANT'"), 2);
    assert_int_equal(
        ask(stage, ENDPOINT_CASE_STEP, "1/TRIAGE", "{\"reason\": \"x\", \"as\": \"STAFF\"}"), 400);
    static const char *const NOT_ITS_OWN[] = {"1/FIX", "1/REOPEN", "1/GO_ON", "1/TRIAGE"};
    for (size_t i = 0; i < COUNT_OF(NOT_ITS_OWN); i++) {
        assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, NOT_ITS_OWN[i], "{\"reason\": \"x\"}"),
                         403);
        says(stage, "a merchant's own token says FIRST_STEP");
    }
    assert_int_equal(ask(stage, ENDPOINT_CASE_OPEN, "",
                         "{\"kind\": \"TRANSACTION\", \"terminal_id\": \"10000001\","
                         " \"reason\": \"x\"}"),
                     403);
    assert_int_equal(number(stage, "SELECT count(*) FROM case_entry"), 2);
    snprintf(stage->holder.scope.merchant_id, sizeof(stage->holder.scope.merchant_id), "M2");
    assert_int_equal(ask(stage, ENDPOINT_CASE_SHOW, "1", NULL), 404);
}

static void test_a_case_is_kept_once_and_with_a_reason(void **state)
{
    struct stage *stage = *state;
    scene_case(stage->scene, CASE_FAULT, "10000001");
    assert_int_equal(ask(stage, ENDPOINT_CASE_KEEP, "1", "{}"), 400);
    assert_int_equal(ask(stage, ENDPOINT_CASE_KEEP, "1", "{\"reason\": \"\"}"), 400);
    assert_int_equal(
        ask(stage, ENDPOINT_CASE_KEEP, "1", "{\"reason\": \"court, card 4111111111111111\"}"), 200);
    assert_int_equal(number(stage, "SELECT count(*) FROM legal_hold WHERE reason ="
                                   " 'court, card 411111******1111'"),
                     1);
    assert_int_equal(ask(stage, ENDPOINT_CASE_KEEP, "1", "{\"reason\": \"court\"}"), 409);
    assert_int_equal(ask(stage, ENDPOINT_CASE_UNKEEP, "1", NULL), 200);
    assert_int_equal(ask(stage, ENDPOINT_CASE_UNKEEP, "1", NULL), 409);
    assert_int_equal(ask(stage, ENDPOINT_CASE_KEEP, "2", "{\"reason\": \"court\"}"), 404);
}

static void test_flags_are_listed_and_judged_by_whom_they_concern(void **state)
{
    struct stage *stage = *state;
    scene_case(stage->scene, CASE_FAULT, "10000001");
    uint64_t of_case = add_flag(stage, SIGNAL_TIMEOUTS, 50);
    add_flag(stage, SIGNAL_SLOW, 60);
    add_flag(stage, SIGNAL_SERIAL_DIFFERS, 70);
    assert_int_equal(case_book_link_flag(stage->scene->desk, 1, of_case), STATUS_OK);
    assert_int_equal(ask(stage, ENDPOINT_FLAG_LIST, "", NULL), 200);
    assert_int_equal(items(stage), 2);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(json_object_get(stage->json, "items"), 0),
                                          "sentence_zh")),
        "往返时间比同类终端长");
    assert_int_equal(number(stage, "SELECT count(*) FROM reading"), 0);
    with(stage, "case", "1");
    assert_int_equal(ask(stage, ENDPOINT_FLAG_LIST, "", NULL), 200);
    assert_int_equal(items(stage), 1);
    assert_int_equal(number(stage, "SELECT count(*) FROM reading WHERE case_id = 1"), 1);
    scene_case(stage->scene, CASE_RISK, "10000001"); /* which is not there for after-sales */
    with(stage, "case", "2");
    assert_int_equal(ask(stage, ENDPOINT_FLAG_LIST, "", NULL), 200);
    assert_int_equal(items(stage), 0);
    assert_int_equal(number(stage, "SELECT count(*) FROM reading"), 1);
    with(stage, "limit", "0");
    assert_int_equal(ask(stage, ENDPOINT_FLAG_LIST, "", NULL), 400);
    stage->holder.role = ROLE_RISK; /* a terminal's fault is not theirs to judge */
    assert_int_equal(ask(stage, ENDPOINT_FLAG_JUDGE, "2", "{\"outcome\": \"benign\"}"), 403);
    says(stage, "does not judge it");
    assert_int_equal(ask(stage, ENDPOINT_FLAG_JUDGE, "3", "{\"outcome\": \"benign\"}"), 200);
    stage->holder.role = ROLE_AFTER_SALES;
    assert_int_equal(number(stage, "SELECT count(*) FROM flag WHERE outcome = 'benign'"), 1);
    assert_int_equal(ask(stage, ENDPOINT_FLAG_JUDGE, "2", "{\"outcome\": \"benign\"}"), 200);
    assert_int_equal(ask(stage, ENDPOINT_FLAG_JUDGE, "1", "{\"outcome\": \"benign\"}"), 409);
    assert_int_equal(ask(stage, ENDPOINT_FLAG_JUDGE, "3", "{\"outcome\": \"benign\"}"), 404);
    assert_int_equal(ask(stage, ENDPOINT_FLAG_JUDGE, "2", "{\"outcome\": \"none\"}"), 400);
    assert_int_equal(ask(stage, ENDPOINT_FLAG_JUDGE, "2", NULL), 400);
    assert_int_equal(ask(stage, ENDPOINT_RULE_LIST, "", NULL), 200);
    assert_int_equal(items(stage), 2); /* each rule that was judged */
    const json_t *rule = json_array_get(json_object_get(stage->json, "items"), 0);
    enum signal_code signal = signal_from_code(json_string_value(json_object_get(rule, "signal")));
    assert_string_equal(json_string_value(json_object_get(rule, "sentence")),
                        signal_text(signal, false));
    assert_string_equal(json_string_value(json_object_get(rule, "sentence_zh")),
                        signal_text(signal, true));
    with(stage, "from", "soon");
    assert_int_equal(ask(stage, ENDPOINT_RULE_LIST, "", NULL), 400);
}

/* However many newer ones others have. */
static void test_a_scoped_token_is_shown_its_own_flags(void **state)
{
    struct stage *stage = *state;
    put_shop(stage); /* M1, of agent A17 */
    scene_case(stage->scene, CASE_FAULT, "10000001");
    uint64_t of_case = add_flag(stage, SIGNAL_TIMEOUTS, 50);
    assert_int_equal(case_book_link_flag(stage->scene->desk, 1, of_case), STATUS_OK);
    for (uint64_t i = 0; i < 1001; i++) {
        add_flag(stage, SIGNAL_SLOW, 100 + i);
    }
    struct scope *scope = &stage->holder.scope;
    snprintf(scope->agent_id, sizeof(scope->agent_id), "A17");
    assert_int_equal(ask(stage, ENDPOINT_FLAG_LIST, "", NULL), 200);
    assert_int_equal(items(stage), 1);
    snprintf(scope->agent_id, sizeof(scope->agent_id), "A18");
    assert_int_equal(ask(stage, ENDPOINT_FLAG_LIST, "", NULL), 200);
    assert_int_equal(items(stage), 0);
    scope->agent_id[0] = '\0';
    snprintf(scope->merchant_id, sizeof(scope->merchant_id), "M1");
    assert_int_equal(ask(stage, ENDPOINT_FLAG_LIST, "", NULL), 200);
    assert_int_equal(items(stage), 1);
    snprintf(scope->point_id, sizeof(scope->point_id), "P3");
    assert_int_equal(ask(stage, ENDPOINT_FLAG_LIST, "", NULL), 200);
    assert_int_equal(items(stage), 0);
}

/* A case that an agent sees tells nothing of what risk knows. */
static void test_what_risk_knows_is_hidden_from_a_scoped_token(void **state)
{
    struct stage *stage = *state;
    put_shop(stage); /* M1, of agent A17 */
    scene_case(stage->scene, CASE_FAULT, "10000001");
    uint64_t of_fault = add_flag(stage, SIGNAL_TIMEOUTS, 50);
    uint64_t of_risk = add_flag(stage, SIGNAL_SERIAL_DIFFERS, 60);
    assert_int_equal(case_book_link_flag(stage->scene->desk, 1, of_fault), STATUS_OK);
    assert_int_equal(case_book_link_flag(stage->scene->desk, 1, of_risk), STATUS_OK);
    for (int is_scoped = 0; is_scoped < 2; is_scoped++) {
        snprintf(stage->holder.scope.agent_id, sizeof(stage->holder.scope.agent_id), "%s",
                 is_scoped ? "A17" : "");
        for (int is_risks = 0; is_risks < 2; is_risks++) {
            bool hides = is_scoped && !is_risks;
            stage->holder.role = is_risks ? ROLE_RISK : ROLE_AFTER_SALES;
            assert_int_equal(ask(stage, ENDPOINT_CASE_SHOW, "1", NULL), 200);
            const json_t *merchant = json_object_get(stage->json, "merchant");
            assert_true(json_is_object(merchant));
            assert_int_equal(json_object_get(merchant, "risk_level") == NULL, hides);
            assert_int_equal(json_array_size(json_object_get(stage->json, "flags")), hides ? 1 : 2);
            with(stage, "case", "1");
            assert_int_equal(ask(stage, ENDPOINT_FLAG_LIST, "", NULL), 200);
            assert_int_equal(items(stage), hides ? 1 : 2);
            assert_int_equal(ask(stage, ENDPOINT_DIAGNOSIS, "10000001", NULL), 200);
            merchant = json_object_get(stage->json, "merchant");
            assert_int_equal(json_object_get(merchant, "risk_level") == NULL, hides);
        }
    }
}

/* The history says it as well, in the flag's own words. */
static void test_the_history_tells_a_scoped_token_of_no_risk(void **state)
{
    struct stage *stage = *state;
    static const char SECRET[] = "L5 the serial number is not the one that is bound";
    put_shop(stage); /* M1, of agent A17 */
    scene_case(stage->scene, CASE_FAULT, "10000001");
    struct case_event join = scene_event(CASE_EVENT_JOIN, CASE_ROLE_SWITCH, SCENE_NOW + 1);
    struct case_event stop = scene_event(CASE_EVENT_STOP, CASE_ROLE_SWITCH, SCENE_NOW + 2);
    snprintf(join.reason, sizeof(join.reason), "%s", SECRET);
    snprintf(stop.reason, sizeof(stop.reason), "%s", SECRET);
    join.severity = 4;
    stop.is_stop_permitted = true;
    assert_true(scene_step(stage->scene, stage->scene->desk, 1, join));
    assert_true(scene_step(stage->scene, stage->scene->desk, 1, stop));
    for (int is_scoped = 0; is_scoped < 2; is_scoped++) {
        snprintf(stage->holder.scope.agent_id, sizeof(stage->holder.scope.agent_id), "%s",
                 is_scoped ? "A17" : "");
        for (int is_risks = 0; is_risks < 2; is_risks++) {
            bool hides = is_scoped && !is_risks;
            stage->holder.role = is_risks ? ROLE_RISK : ROLE_AFTER_SALES;
            assert_int_equal(ask(stage, ENDPOINT_CASE_SHOW, "1", NULL), 200);
            assert_int_equal(strstr(stage->answer.body, SECRET) == NULL, hides);
            const json_t *events = json_object_get(stage->json, "events");
            assert_int_equal(json_array_size(events), 3);
            const json_t *opened = json_object_get(json_array_get(events, 0), "reason");
            assert_string_equal(json_string_value(opened), "商户来电");
        }
    }
}

static void test_a_diagnosis_shows_what_is_known_and_says_what_is_not(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(ask(stage, ENDPOINT_DIAGNOSIS, "10000001", NULL), 404);
    assert_int_equal(ask(stage, ENDPOINT_DIAGNOSIS, "1", NULL), 400);
    put_shop(stage);
    scene_case(stage->scene, CASE_FAULT, "10000001");
    assert_int_equal(ask(stage, ENDPOINT_DIAGNOSIS, "10000001", NULL), 200);
    assert_true(json_is_null(json_object_get(stage->json, "live")));
    assert_true(json_is_null(json_object_get(stage->json, "messages")));
    assert_true(strlen(text_of(stage, "live_fault")) > 0 &&
                strlen(text_of(stage, "log_fault")) > 0);
    assert_int_equal(json_array_size(json_object_get(stage->json, "cases")), 1);
    assert_int_equal(number(stage, "SELECT count(*) FROM reading WHERE actor = 'eva'"), 1);
    snprintf(stage->holder.scope.agent_id, sizeof(stage->holder.scope.agent_id), "A18");
    assert_int_equal(ask(stage, ENDPOINT_DIAGNOSIS, "10000001", NULL), 404);
}

static void test_without_a_desk_every_call_says_so(void **state)
{
    struct stage *stage = *state;
    static const enum endpoint CALLS[] = {ENDPOINT_CASE_LIST, ENDPOINT_CASE_SHOW,
                                          ENDPOINT_FLAG_LIST, ENDPOINT_RULE_LIST};
    desk_share_destroy(stage->share);
    stage->share = desk_share_create("");
    for (size_t i = 0; i < COUNT_OF(CALLS); i++) {
        assert_int_equal(ask(stage, CALLS[i], "1", NULL), 503);
        says(stage, "aftersales.folder");
    }
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/ADVISE", NULL), 503);
}

int main(void)
{
#define STAGE(test) cmocka_unit_test_setup_teardown(test, stage_set, stage_strike)
    const struct CMUnitTest tests[] = {
        STAGE(test_a_queue_is_read_page_by_page),
        STAGE(test_a_queue_that_was_read_is_shown_while_another_writes),
        STAGE(test_a_case_is_shown_with_nobody_else_there_and_its_reading_kept),
        STAGE(test_a_refusal_says_what_is_permitted_and_writes_nothing),
        STAGE(test_an_event_is_written_with_its_actor_and_what_follows),
        STAGE(test_no_card_number_is_kept_of_what_people_say_of_a_case),
        STAGE(test_a_second_person_is_written_down),
        STAGE(test_an_agent_or_engineer_stands_beside_nobody),
        STAGE(test_the_rules_of_the_file_hold),
        STAGE(test_a_flag_joins_a_case_whole_or_not_at_all),
        STAGE(test_a_case_is_opened_with_what_is_registered),
        STAGE(test_nobody_opens_a_case_outside_the_scope),
        STAGE(test_what_is_a_strangers_is_answered_as_what_is_not_there),
        STAGE(test_a_strangers_payment_is_answered_as_one_that_is_not_there),
        STAGE(test_a_merchant_acts_for_itself_alone),
        STAGE(test_a_case_is_kept_once_and_with_a_reason),
        STAGE(test_flags_are_listed_and_judged_by_whom_they_concern),
        STAGE(test_a_scoped_token_is_shown_its_own_flags),
        STAGE(test_what_risk_knows_is_hidden_from_a_scoped_token),
        STAGE(test_the_history_tells_a_scoped_token_of_no_risk),
        STAGE(test_a_diagnosis_shows_what_is_known_and_says_what_is_not),
        STAGE(test_without_a_desk_every_call_says_so),
    };
    return cmocka_run_group_tests_name("switch/admin/case_call", tests, NULL, NULL);
}
