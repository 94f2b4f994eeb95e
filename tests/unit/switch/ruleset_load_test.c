/* Files become a ruleset, or a list of faults that name file, line and expectation. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/file_text.h"
#include "config/option_table.h"
#include "switch/ruleset_load.h"

#define FOLDER_SIZE 64
#define REPORT_SIZE 8192
static const struct route_context CONTEXT = {.channel_is_up = 1};

static const char *const NAMES[] = {"bins.csv",  "merchants.csv", "terminals.csv", "routes.yaml",
                                    "fees.yaml", "limits.yaml",   "black_list.csv"};
enum { BINS, MERCHANTS, TERMINALS, ROUTES, FEES, LIMITS, BLACK_LIST, FILE_COUNT };

static const char *const GOOD[FILE_COUNT] = {
    "prefix,pan_digits,scheme,card_type,issuer\n62,0,unionpay,debit,1\n0001,16,other,credit,2\n",
    "merchant_id,name,mcc,class,plan,amount_max,status\n"
    "898110058120001,\"Noodles, Beijing\",5812,standard,SP1,,active\n"
    "898110058120002,\xE9\x9D\xA2\xE9\xA6\x86,5812,standard,SP1,500000,stopped\n",
    "status,merchant_id,terminal_id\nactive,898110058120001,10000001\n"
    "stopped,898110058120002,10000002\n",
    "routes:\n  - channels: [bank_a]\n",
    "plans:\n  SP1: {rules: [{rate: 0.60%}]}\ncost:\n"
    "  - {issuer_fee: {rate: 0.45%}, scheme_fee: {rate: 0.0325%}}\n",
    "limits:\n  - {name: one, per: transaction, amount_max: 100.00}\n",
    "key,kind,from,until,response_code,reason\n6299,bin,,,57,gone\n",
};

/* A folder with the good files, some of them replaced, and options that point at them. */
struct stage {
    char folder[FOLDER_SIZE];
    struct server_options options;
    char report[REPORT_SIZE];
};

static void file_write(const struct stage *stage, unsigned file, const char *text)
{
    char path[FOLDER_SIZE + 32];
    snprintf(path, sizeof(path), "%s/%s", stage->folder, NAMES[file]);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
    assert_int_equal(fclose(out), 0);
}

static void stage_set(struct stage *stage)
{
    char *const paths[] = {stage->options.tables.bins,
                           stage->options.tables.merchants,
                           stage->options.tables.terminals,
                           stage->options.routes,
                           stage->options.fees,
                           stage->options.limits,
                           stage->options.tables.black_list};
    memset(stage, 0, sizeof(*stage));
    snprintf(stage->folder, sizeof(stage->folder), "/tmp/ruleset_load_XXXXXX");
    assert_non_null(mkdtemp(stage->folder));
    for (unsigned i = 0; i < FILE_COUNT; i++) {
        snprintf(paths[i], OPTION_PATH_SIZE, "%s/%s", stage->folder, NAMES[i]);
        file_write(stage, i, GOOD[i]);
    }
    snprintf(stage->options.path, OPTION_PATH_SIZE, "tillway.yaml");
    struct channel_options *channel = &stage->options.channels[0];
    stage->options.channel_count = 1;
    snprintf(channel->name, sizeof(channel->name), "bank_a");
    channel->line = 12;
    channel->kinds.count = 1;
    snprintf(channel->kinds.items[0], OPTION_WORD_SIZE, "purchase");
}

static void stage_clear(struct stage *stage)
{
    for (unsigned i = 0; i < FILE_COUNT; i++) {
        char path[FOLDER_SIZE + 32];
        snprintf(path, sizeof(path), "%s/%s", stage->folder, NAMES[i]);
        unlink(path);
    }
    rmdir(stage->folder);
}

static struct ruleset *stage_load(struct stage *stage)
{
    struct byte_writer writer;
    byte_writer_init(&writer, stage->report, REPORT_SIZE - 1);
    struct ruleset *ruleset = ruleset_load(&stage->options, 3, &writer);
    stage->report[writer.position] = '\0';
    return ruleset;
}

static void test_good_files_make_a_ruleset(void **state)
{
    (void)state;
    static struct stage stage;
    stage_set(&stage);
    struct ruleset *ruleset = stage_load(&stage);
    assert_string_equal(stage.report, "");
    assert_non_null(ruleset);
    assert_int_equal(ruleset_version(ruleset), 3);
    struct payment payment;
    struct route_decision decision;
    payment_clear(&payment);
    payment.kind = PAYMENT_PURCHASE;
    payment.amount = (struct money){10000, MONEY_CNY};
    snprintf(payment.terminal_id, sizeof(payment.terminal_id), "10000001");
    snprintf(payment.merchant_id, sizeof(payment.merchant_id), "898110058120001");
    assert_int_equal(pan_parse(&payment.pan, "6210948000000060", 16), STATUS_OK);
    ruleset_decide(ruleset, &payment, &CONTEXT, &decision);
    assert_int_equal(decision.answer, ROUTE_FOUND);
    assert_int_equal(decision.fee.merchant_fee.minor, 60);
    assert_string_equal(decision.merchant->name, "Noodles, Beijing");
    assert_int_equal(decision.bin->issuer, 1);
    snprintf(payment.terminal_id, sizeof(payment.terminal_id), "10000002");
    ruleset_decide(ruleset, &payment, &CONTEXT, &decision);
    assert_int_equal(decision.answer, ROUTE_TERMINAL_STOPPED);
    ruleset_destroy(ruleset);
    stage_clear(&stage);
}

static void test_parameters_of_nobody_are_a_fault(void **state)
{
    (void)state;
    static struct stage stage;
    stage_set(&stage);
    snprintf(stage.options.tables.parameters, OPTION_PATH_SIZE, "%s/parameters.csv", stage.folder);
    FILE *out = fopen(stage.options.tables.parameters, "wb");
    assert_non_null(out);
    fputs("holder,code,value\n,12,60\n10000001,12,45\n898110058120002,13,3\n10000003,13,3\n", out);
    assert_int_equal(fclose(out), 0);
    assert_null(stage_load(&stage));
    assert_non_null(strstr(stage.report,
                           "parameters.csv:5: holder: expected a terminal or merchant "
                           "of the tables, or nothing, got \"10000003\"\n"));
    assert_null(strstr(stage.report, "parameters.csv:3"));
    assert_null(strstr(stage.report, "parameters.csv:4"));
    unlink(stage.options.tables.parameters);
    stage_clear(&stage);
}

static void test_faults_name_file_and_line(void **state)
{
    (void)state;
    static struct stage stage;
    static const struct {
        unsigned file;
        const char *text, *fault;
    } cases[] = {
        {BINS, "prefix,pan_digits,scheme,card_type,issuer\n62,0,unionpai,debit,1\n",
         "bins.csv:2: scheme: expected one of unionpay, visa, mastercard, jcb, amex, other, "
         "alipay, wechat, got "
         "\"unionpai\"\n"},
        {BINS, "prefix,pan_digits,scheme,card_type,issuer\n62,0,visa,debit,1\n62,0,visa,debit,1\n",
         "bins.csv:3: \"62\": expected once, got again; it stands in line 2 too\n"},
        {BINS, "prefix,pan_digits,scheme,card_type,issuer\n6x,0,visa,debit,1\n",
         "bins.csv:2: prefix: expected 1 to 12 digits, got \"6x\"\n"},
        {BINS, "prefix,pan_digits,scheme,card_type,issuer\n6,11,visa,debit,1\n",
         "bins.csv:2: pan_digits: expected 12 to 19, or 0 for any, got \"11\"\n"},
        {BINS, "prefix,pan_digits,scheme,card_type,issuer\n6,0,visa,debit,65536\n",
         "bins.csv:2: issuer: expected a number from 0 to 65535, got \"65536\"\n"},
        {MERCHANTS, "merchant_id,name,mcc,clas,plan,amount_max,status\n",
         "merchants.csv:1: column \"clas\" is not known here; did you mean \"class\"?\n"},
        {MERCHANTS,
         "merchant_id,name,mcc,class,plan,amount_max,status\n898110058120001,a,581,standard,SP2,-1,"
         "on\n",
         "merchants.csv:2: plan: expected a plan of the fees file, got \"SP2\"\n"},
        {TERMINALS, "terminal_id,merchant_id,status\n1,898110058120001,active\n",
         "terminals.csv:2: terminal_id: expected 8 printable characters, got \"1\"\n"},
        {TERMINALS,
         "terminal_id,merchant_id,status\n10000001,898110058120001,active\n10000002,x,active\n",
         "terminals.csv:3: merchant_id: expected a merchant of the merchants' table, got \"x\"\n"},
        {TERMINALS,
         "terminal_id,merchant_id,status\n10000001,898110058120001,active\n10000001,"
         "898110058120001,active\n",
         "terminals.csv:3: \"10000001\": expected once, got again; it stands in line 2 too\n"},
        {ROUTES, "routes:\n  - channels: [bank_b]\n",
         "routes.yaml:2:16: channels: expected a channel, got \"bank_b\"; did you mean "
         "\"bank_a\"?\n"},
        {FEES, "plans:\n", "fees.yaml:1:1: plans: expected"},
        {LIMITS, "limits:\n  - {name: a, per: cart, day_count_max: 1}\n",
         "limits.yaml:2:15: \"per\" is \"cart\"; one of transaction, merchant"},
        {LIMITS, "limits:\n  - {name: a, per: card, day_count_max: 1, when: {merchant: 1234}}\n",
         "limits.yaml:2: merchant: expected one that the tables have, got \"1234\""},
        {BLACK_LIST, "kind,key\ncards,1\n",
         "black_list.csv:2: kind: expected card_hash, bin, merchant, terminal or pay_code_prefix, "
         "got \"cards\""},
        {BLACK_LIST, "kind,key\nbin,6200000000000005\n",
         "black_list.csv:2: key: expected the first 4 to 10 digits of a card number, never all of "
         "them, got 16 characters that are not that\n"},
        {BLACK_LIST, "kind,key,from\nbin,622848,2026-02-30\n",
         "black_list.csv:2: from: expected a date as 2026-01-31, or nothing, got \"2026-02-30\"\n"},
        {BLACK_LIST, "kind,key,from,until\nbin,622848,2026-02-03,2026-02-03\n",
         "black_list.csv:2: until: expected a day after `from`; `until` is not included, got "},
        {BLACK_LIST, "kind,key,response_code\nbin,622848,00\n",
         "black_list.csv:2: response_code: expected 2 characters of field 39 that decline"},
        {BLACK_LIST, "kind,key,reason\nbin,622848,card 6200000000000005\n",
         "black_list.csv:2: reason: expected at most 31 bytes with at most 10 digits\n"},
        {BLACK_LIST, "kind,key\nbin,622848\nterminal,10000001\nbin,622848\n",
         "black_list.csv:4: key: expected each once, got the bin of line 2 again\n"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        stage_set(&stage);
        file_write(&stage, cases[i].file, cases[i].text);
        assert_null(stage_load(&stage));
        if (strstr(stage.report, cases[i].fault) == NULL) {
            fail_msg("expected \"%s\" in \"%s\"", cases[i].fault, stage.report);
        }
        stage_clear(&stage);
    }
}

static void test_limits_and_black_list_are_put_in_force(void **state)
{
    (void)state;
    static struct stage stage;
    stage_set(&stage);
    struct ruleset *ruleset = stage_load(&stage);
    assert_non_null(ruleset);
    struct payment payment;
    payment_clear(&payment);
    payment.kind = PAYMENT_PURCHASE;
    memcpy(payment.terminal_id, "10000001", 9);
    memcpy(payment.merchant_id, "898110058120001", 16);
    payment.amount = (struct money){10001, MONEY_CNY};
    assert_int_equal(pan_parse(&payment.pan, "6200000000000005", 16), STATUS_OK);
    struct route_decision decision;
    ruleset_decide(ruleset, &payment, &CONTEXT, &decision);
    assert_int_equal(decision.answer, ROUTE_LIMIT_AMOUNT);
    assert_string_equal(route_decision_code(&decision), "61");
    assert_int_equal(decision.breach.rule->line, 2);
    payment.amount.minor = 10000;
    ruleset_decide(ruleset, &payment, &CONTEXT, &decision);
    assert_int_equal(decision.answer, ROUTE_FOUND);
    assert_int_equal(pan_parse(&payment.pan, "6299000000000007", 16), STATUS_OK);
    ruleset_decide(ruleset, &payment, &CONTEXT, &decision);
    assert_int_equal(decision.answer, ROUTE_CARD_LISTED);
    assert_string_equal(route_decision_code(&decision), "57");
    char text[ROUTE_EXPLANATION_SIZE];
    ruleset_explain(ruleset, &payment, &CONTEXT, text);
    assert_non_null(strstr(text, "black list: bin of line 2: gone; answered 57\n"));
    ruleset_destroy(ruleset);
    stage_clear(&stage);
}

static void test_faults_of_all_files_are_gathered(void **state)
{
    (void)state;
    static struct stage stage;
    stage_set(&stage);
    file_write(&stage, BINS, "prefix\n");
    file_write(&stage, ROUTES, "routes: []\n");
    file_write(&stage, FEES, "plan: {}\n");
    snprintf(stage.options.tables.merchants, OPTION_PATH_SIZE, "/nowhere/merchants.csv");
    snprintf(stage.options.channels[0].kinds.items[0], OPTION_WORD_SIZE, "purchse");
    assert_null(stage_load(&stage));
    static const char *const expected[] = {
        "bins.csv:1: column \"scheme\" is missing", "routes.yaml:1:", "fees.yaml:1:1: \"plan\"",
        "/nowhere/merchants.csv: cannot be read",
        ("tillway.yaml:12: channel bank_a: kinds: \"purchse\" is no transaction type; did you mean "
         "\"purchase\"?")};
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        if (strstr(stage.report, expected[i]) == NULL) {
            fail_msg("expected \"%s\" in \"%s\"", expected[i], stage.report);
        }
    }
    stage_clear(&stage);
}

static void test_a_report_of_any_size_is_enough(void **state)
{
    (void)state;
    static struct stage stage;
    stage_set(&stage);
    file_write(&stage, BINS, "prefix\n");
    struct byte_writer writer;
    byte_writer_init(&writer, stage.report, 10);
    assert_null(ruleset_load(&stage.options, 3, &writer));
    stage_clear(&stage);
}

static void test_many_faults_of_one_file_are_counted(void **state)
{
    (void)state;
    static struct stage stage;
    static char text[8192] = "terminal_id,merchant_id,status\n";
    stage_set(&stage);
    for (unsigned i = 0; i < 100; i++) {
        strncat(text, "1,2,active\n", sizeof(text) - strlen(text) - 1);
    }
    file_write(&stage, TERMINALS, text);
    assert_null(stage_load(&stage));
    assert_non_null(strstr(stage.report, "terminals.csv: and 60 more faults\n"));
    stage_clear(&stage);
}

/* Options of a shipped file with the overrides it needs; faults fail the test. */
static struct server_options *shipped_options(const char *path, const char *const *overrides)
{
    struct document *document = file_text_load_yaml(path);
    assert_non_null(document);
    for (unsigned i = 0; overrides[i] != NULL; i++) {
        assert_int_equal(server_options_override(document, overrides[i]), STATUS_OK);
    }
    struct server_options *options = server_options_load(document);
    if (options == NULL) {
        fail_msg("%s", document_fault_text(document, 0));
    }
    document_destroy(document);
    return options;
}

static void test_demo_files_are_right(void **state)
{
    (void)state;
    static struct stage stage;
    static const char *const none[] = {NULL};
    stage_set(&stage);
    struct server_options *options =
        shipped_options(TILLWAY_SOURCE_DIR "/config/demo/tillway.yaml", none);
    assert_true(options->listeners[0].tls.is_on);
    /* Merchants and terminals of the demo are made for each run. */
    memcpy(options->tables.merchants, stage.options.tables.merchants, OPTION_PATH_SIZE);
    memcpy(options->tables.terminals, stage.options.tables.terminals, OPTION_PATH_SIZE);
    stage.options = *options;
    struct ruleset *ruleset = stage_load(&stage);
    assert_string_equal(stage.report, "");
    assert_non_null(ruleset);
    ruleset_destroy(ruleset);
    server_options_destroy(options);
    stage_clear(&stage);
}

/* Each card of the demo's ranges finds a channel and a price. */
static void test_every_range_of_the_demo_can_pay(void **state)
{
    (void)state;
    static struct stage stage;
    static const char *const cards[] = {
        "6210948000000060",    "6250941006528599", "4111111111111111",
        "5555555555554444",    "378282246310005",  "3530111333300000",
        "6217000000000000004", "4242424242424242", "6200000000000005"};
    stage_set(&stage);
    snprintf(stage.options.tables.bins, OPTION_PATH_SIZE, "%s/config/demo/bins.csv",
             TILLWAY_SOURCE_DIR);
    snprintf(stage.options.routes, OPTION_PATH_SIZE, "%s/config/demo/routes.yaml",
             TILLWAY_SOURCE_DIR);
    snprintf(stage.options.fees, OPTION_PATH_SIZE, "%s/config/demo/fees.yaml", TILLWAY_SOURCE_DIR);
    stage.options.channels[1] = stage.options.channels[0];
    snprintf(stage.options.channels[1].name, sizeof(stage.options.channels[1].name), "bank_b");
    stage.options.channel_count = 2;
    struct ruleset *ruleset = stage_load(&stage);
    assert_string_equal(stage.report, "");
    for (size_t i = 0; i < COUNT_OF(cards); i++) {
        struct payment payment;
        struct route_decision decision;
        payment_clear(&payment);
        payment.kind = PAYMENT_PURCHASE;
        payment.amount = (struct money){10000, MONEY_CNY};
        snprintf(payment.terminal_id, sizeof(payment.terminal_id), "10000001");
        snprintf(payment.merchant_id, sizeof(payment.merchant_id), "898110058120001");
        assert_int_equal(pan_parse(&payment.pan, cards[i], strlen(cards[i])), STATUS_OK);
        ruleset_decide(ruleset, &payment, &CONTEXT, &decision);
        if (decision.answer != ROUTE_FOUND) {
            fail_msg("card %zu: %s", i, route_answer_text(decision.answer));
        }
        assert_true(fee_margin(&decision.fee).minor >= 0);
    }
    ruleset_destroy(ruleset);
    stage_clear(&stage);
}

static void test_production_lacks_only_the_pin_policy(void **state)
{
    (void)state;
    static struct stage stage;
    static const char PATH[] = TILLWAY_SOURCE_DIR "/config/production/tillway.yaml";
    static const char *const chosen[] = {"hsm.pin_policy=non_pin", NULL};
    struct document *document = file_text_load_yaml(PATH);
    assert_non_null(document);
    assert_null(server_options_load(document));
    assert_int_equal(document_fault_count(document), 1);
    assert_non_null(strstr(document_fault_text(document, 0), "hsm.pin_policy is missing"));
    document_destroy(document);

    struct server_options *options = shipped_options(PATH, chosen);
    stage.options = *options;
    struct ruleset *ruleset = stage_load(&stage);
    assert_string_equal(stage.report, "");
    assert_non_null(ruleset);
    ruleset_destroy(ruleset);
    server_options_destroy(options);
}

static void test_production_names_every_option(void **state)
{
    (void)state;
    struct file_text text;
    assert_int_equal(
        file_text_read(&text, TILLWAY_SOURCE_DIR "/config/production/tillway.yaml", 65536),
        STATUS_OK);
    for (uint32_t i = 0; i < option_table_count(); i++) {
        const char *dot = strrchr(option_table_at(i)->path, '.');
        char word[DOCUMENT_KEY_SIZE + 1];
        snprintf(word, sizeof(word), "%s:", dot != NULL ? dot + 1 : option_table_at(i)->path);
        if (strstr(text.bytes, word) == NULL) {
            fail_msg("%s is not explained", option_table_at(i)->path);
        }
    }
    file_text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_files_make_a_ruleset),
        cmocka_unit_test(test_parameters_of_nobody_are_a_fault),
        cmocka_unit_test(test_faults_name_file_and_line),
        cmocka_unit_test(test_limits_and_black_list_are_put_in_force),
        cmocka_unit_test(test_faults_of_all_files_are_gathered),
        cmocka_unit_test(test_a_report_of_any_size_is_enough),
        cmocka_unit_test(test_many_faults_of_one_file_are_counted),
        cmocka_unit_test(test_demo_files_are_right),
        cmocka_unit_test(test_every_range_of_the_demo_can_pay),
        cmocka_unit_test(test_production_lacks_only_the_pin_policy),
        cmocka_unit_test(test_production_names_every_option),
    };
    return cmocka_run_group_tests_name("switch/ruleset_load", tests, NULL, NULL);
}
