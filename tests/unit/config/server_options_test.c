/* tillway.yaml becomes options, or a list of faults that each name place, expectation and find. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/option_table.h"
#include "config/server_options.h"
#include "config/yaml_file.h"

static const char SMALLEST[] =
    "acquirer_id: 12345678\n"
    "listeners:\n"
    "  - name: terminals\n"
    "    port: 7001\n"
    "    dialect: unionpay-pos\n"
    "channels:\n"
    "  - name: bank_a\n"
    "    address: 127.0.0.1\n"
    "    port: 7101\n"
    "    dialect: iso8583-1987-ascii\n"
    "    kinds: [purchase, balance]\n"
    "store: {path: log.sqlite}\n"
    "hsm: {master_key: test, pin_policy: lab}\n"
    "tables: {bins: b.csv, merchants: /m.csv, terminals: t.csv, keys: k.csv}\n"
    "routes: routes.yaml\n"
    "fees: fees.yaml\n"
    "specs: ../specs\n"
    "control: {socket: control.sock}\n";

static struct document *document_of(const char *text)
{
    struct document *document =
        yaml_file_parse("/etc/tillway/t.yaml", text, (uint32_t)strlen(text));
    assert_non_null(document);
    assert_int_equal(document_fault_count(document), 0);
    return document;
}

/* SMALLEST with one line replaced, or with `line` behind it where `old` is empty. */
static struct document *document_with(const char *old, const char *line)
{
    char text[4096];
    const char *at = strstr(SMALLEST, old);
    assert_non_null(at);
    if (old[0] == '\0') {
        snprintf(text, sizeof(text), "%s%s", SMALLEST, line);
    } else {
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - SMALLEST), SMALLEST, line,
                 at + strlen(old));
    }
    return document_of(text);
}

static void assert_fault(struct document *document, const char *expected)
{
    assert_null(server_options_load(document));
    assert_int_not_equal(document_fault_count(document), 0);
    const char *fault = document_fault_text(document, 0);
    if (strstr(fault, expected) == NULL) {
        fail_msg("expected \"%s\" in \"%s\"", expected, fault);
    }
    document_destroy(document);
}

static void test_smallest_file_gets_fallbacks(void **state)
{
    (void)state;
    struct document *document = document_of(SMALLEST);
    struct server_options *options = server_options_load(document);
    assert_non_null(options);
    assert_int_equal(options->workers, 1);
    assert_int_equal(options->engine.response_timeout_ms, 45000);
    assert_int_equal(options->log.level, OPTION_LOG_LEVEL_INFO);
    assert_int_equal(options->listener_count, 1);
    assert_string_equal(options->listeners[0].name, "terminals");
    assert_string_equal(options->listeners[0].address, "127.0.0.1");
    assert_int_equal(options->listeners[0].port, 7001);
    assert_int_equal(options->listeners[0].idle_timeout_ms, 70000);
    assert_false(options->listeners[0].tls.is_on);
    assert_int_equal(options->channels[0].kinds.count, 2);
    assert_string_equal(options->channels[0].kinds.items[1], "balance");
    assert_int_equal(options->channels[0].mac, OPTION_CHANNEL_MAC_X9_19);
    assert_int_equal(options->hsm.pin_policy, OPTION_PIN_POLICY_LAB);
    assert_string_equal(options->admin.tokens, "");
    server_options_destroy(options);
    document_destroy(document);
}

static void test_relative_paths_begin_at_the_file(void **state)
{
    (void)state;
    struct document *document = document_of(SMALLEST);
    struct server_options *options = server_options_load(document);
    assert_non_null(options);
    assert_string_equal(options->tables.bins, "/etc/tillway/b.csv");
    assert_string_equal(options->tables.merchants, "/m.csv");
    assert_string_equal(options->specs, "/etc/tillway/../specs");
    server_options_destroy(options);
    document_destroy(document);
}

static void test_faults_name_place_and_expectation(void **state)
{
    (void)state;
    static const struct {
        const char *old, *line, *fault;
    } cases[] = {
        {"", "nodes: 1\n", "t.yaml:19:1: \"nodes\" is not known here; did you mean \"node\"?"},
        {"", "node: 10\n", "t.yaml:19:1: node: expected a number from 0 to 9, got \"10\""},
        {"", "node: 01\n", "node: expected a number from 0 to 9, got \"01\""},
        {"", "log: {format: jsn}\n",
         "expected one of plain, json, got \"jsn\"; did you mean \"json\"?"},
        {"", "log: loud\n", "log: expected a section with members, got one value"},
        {"", "engine: {saf_retry_min_ms: 9000, saf_retry_max_ms: 8000}\n",
         "engine.saf_retry_max_ms: expected at least saf_retry_min_ms (9000), got 8000"},
        {"acquirer_id: 12345678\n", "acquirer_id: 1234x\n", "expected 1 to 11 digits"},
        {"store: {path: log.sqlite}\n", "store: {paht: x}\n", "did you mean \"path\"?"},
        {"store: {path: log.sqlite}\n", "", "store.path is missing: expected a path"},
        {"    dialect: unionpay-pos\n", "    dialect: unionpay-pos\n    framing: {lenght: bcd_2}\n",
         "t.yaml:6:15: \"lenght\" is not known here; did you mean \"length\"?"},
        {"    dialect: unionpay-pos\n", "    dialect: unionpay-pos\n    tls: {key: k.pem}\n",
         "tls.certificate is missing"},
        {"    dialect: unionpay-pos\n", "    dialect: unionpay-pos\n    http_paths: [/pos]\n",
         "expected framing.http: true"},
        {"[purchase, balance]", "[]", "kinds: expected a list of 1 to 40 words, got a list"},
        {"pin_policy: lab", "pin_policy: live", "expected lab or non_pin with the soft module"},
        {"master_key: test", "master_key: file", "hsm.master_key_path is missing"},
        {"port: 7001", "port: 70001", "port: expected a number from 0 to 65535, got \"70001\""},
        {"  - name: bank_a\n", "  - name: a_name_of_17_char\n", "a text of 1 to 15 characters"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_fault(document_with(cases[i].old, cases[i].line), cases[i].fault);
    }
}

static void test_every_fault_is_reported(void **state)
{
    (void)state;
    struct document *document = document_of("node: x\nworkers: 99\nlisteners: 5\nchanels: []\n");
    assert_null(server_options_load(document));
    assert_true(document_fault_count(document) >= 4);
    document_destroy(document);
}

static void test_a_name_is_given_once(void **state)
{
    (void)state;
    assert_fault(document_with("store: {", "  - {name: bank_a, address: b, port: 1, dialect: d}\n"
                                           "store: {"),
                 "t.yaml:12:6: name: expected one of its own, got \"bank_a\" as in line 7");
}

static void test_command_line_overrides_the_file(void **state)
{
    (void)state;
    struct document *document = document_of(SMALLEST);
    assert_int_equal(server_options_override(document, "store.path=/x=y"), STATUS_OK);
    assert_int_equal(server_options_override(document, "listeners.0.port=0"), STATUS_OK);
    assert_int_equal(server_options_override(document, "listeners.0.tls.key=k"), STATUS_OK);
    assert_int_equal(server_options_override(document, "listeners.0.tls.certificate=c"), STATUS_OK);
    assert_int_equal(server_options_override(document, "engine.txn_count_max=64"), STATUS_OK);
    struct server_options *options = server_options_load(document);
    assert_non_null(options);
    assert_string_equal(options->store.path, "/x=y");
    assert_int_equal(options->listeners[0].port, 0);
    assert_true(options->listeners[0].tls.is_on);
    assert_string_equal(options->listeners[0].tls.key, "/etc/tillway/k");
    assert_int_equal(options->engine.txn_count_max, 64);
    server_options_destroy(options);
    document_destroy(document);
}

static void test_override_refuses_what_is_no_assignment(void **state)
{
    (void)state;
    static const char *const refused[] = {"store.path", "=x", "listeners.7.port=1", "a..b=1",
                                          "node.x=1"};
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct document *document = document_with("", "node: 1\n");
        assert_int_not_equal(server_options_override(document, refused[i]), STATUS_OK);
        assert_int_equal(document_fault_count(document), 1);
        document_destroy(document);
    }
}

static void test_override_of_unknown_option_is_a_fault_at_load(void **state)
{
    (void)state;
    struct document *document = document_of(SMALLEST);
    assert_int_equal(server_options_override(document, "store.pth=/x"), STATUS_OK);
    assert_fault(document, "\"pth\" is not known here; did you mean \"path\"?");
}

static void test_reference_names_every_option(void **state)
{
    (void)state;
    static char text[OPTION_REFERENCE_SIZE];
    struct byte_writer writer;
    byte_writer_init(&writer, text, sizeof(text) - 1);
    server_options_describe(&writer);
    assert_int_equal(writer.status, STATUS_OK);
    text[writer.position] = '\0';
    for (uint32_t i = 0; i < option_table_count(); i++) {
        assert_non_null(strstr(text, option_table_at(i)->path));
        assert_non_null(strstr(text, option_table_at(i)->sentence));
    }
}

static void test_reload_may_not_change_frozen_options(void **state)
{
    (void)state;
    struct document *running = document_of(SMALLEST);
    struct document *wanted = document_with("port: 7001", "port: 7002\n    idle_timeout_ms: 5000");
    assert_int_equal(server_options_override(wanted, "store.path=/other"), STATUS_OK);
    struct server_options *old = server_options_load(running);
    struct server_options *new = server_options_load(wanted);
    assert_non_null(old);
    assert_non_null(new);
    char text[1024];
    struct byte_writer writer;
    byte_writer_init(&writer, text, sizeof(text) - 1);
    assert_int_equal(server_options_frozen_changes(old, new, &writer), 2);
    text[writer.position] = '\0';
    assert_non_null(strstr(text, "store.path differs"));
    assert_non_null(strstr(text, "listeners.0.port differs"));
    assert_int_equal(server_options_frozen_changes(old, old, &writer), 0);
    server_options_destroy(old);
    server_options_destroy(new);
    document_destroy(running);
    document_destroy(wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smallest_file_gets_fallbacks),
        cmocka_unit_test(test_relative_paths_begin_at_the_file),
        cmocka_unit_test(test_faults_name_place_and_expectation),
        cmocka_unit_test(test_every_fault_is_reported),
        cmocka_unit_test(test_a_name_is_given_once),
        cmocka_unit_test(test_command_line_overrides_the_file),
        cmocka_unit_test(test_override_refuses_what_is_no_assignment),
        cmocka_unit_test(test_override_of_unknown_option_is_a_fault_at_load),
        cmocka_unit_test(test_reference_names_every_option),
        cmocka_unit_test(test_reload_may_not_change_frozen_options),
    };
    return cmocka_run_group_tests_name("config/server_options", tests, NULL, NULL);
}
