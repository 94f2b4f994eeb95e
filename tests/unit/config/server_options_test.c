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
    "store: {folder: log}\n"
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

static void test_a_listener_may_take_several_lengths(void **state)
{
    (void)state;
    static const struct {
        const char *length;
        uint32_t lengths;
        bool may_be_http;
    } cases[] = {
        {"bcd_2", 1U << FRAME_BCD_2, false},
        {"auto", 1U << FRAME_BINARY_2 | 1U << FRAME_ASCII_4, true},
        {"[auto]", 1U << FRAME_BINARY_2 | 1U << FRAME_ASCII_4, true},
        {"[binary_4, binary_2_inclusive, ascii_4]",
         1U << FRAME_BINARY_4 | 1U << FRAME_BINARY_2_INCLUSIVE | 1U << FRAME_ASCII_4, false},
        {"[binary_2, stx], length_max: 511", 1U << FRAME_BINARY_2 | 1U << FRAME_STX, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char line[200];
        snprintf(line, sizeof(line), "    dialect: unionpay-pos\n    framing: {length: %s}\n",
                 cases[i].length);
        struct document *document = document_with("    dialect: unionpay-pos\n", line);
        struct server_options *options = server_options_load(document);
        assert_non_null(options);
        assert_int_equal(options->listeners[0].framing.lengths, cases[i].lengths);
        assert_int_equal(options->listeners[0].framing.may_be_http, cases[i].may_be_http);
        server_options_destroy(options);
        document_destroy(document);
    }
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
        {"store: {folder: log}\n", "store: {foldr: x}\n", "did you mean \"folder\"?"},
        {"store: {folder: log}\n", "", "store.folder is missing: expected a path"},
        {"    dialect: unionpay-pos\n", "    dialect: unionpay-pos\n    framing: {lenght: bcd_2}\n",
         "t.yaml:6:15: \"lenght\" is not known here; did you mean \"length\"?"},
        {"    dialect: unionpay-pos\n",
         "    dialect: unionpay-pos\n    framing: {length: [binary_2, bcd_2]}\n",
         "t.yaml:6:15: framing.length: binary_2 and bcd_2 cannot be told apart: a message of "
         "either, "
         "of at most 2048 bytes, may begin with 0000 to 0800; expected a listener for each"},
        {"    dialect: unionpay-pos\n",
         "    dialect: unionpay-pos\n    framing: {length: [auto, binary_4]}\n",
         "binary_2 and binary_4 cannot be told apart"},
        {"    dialect: unionpay-pos\n",
         "    dialect: unionpay-pos\n    framing: {length: [stx, tlv]}\n",
         "expected one or a list of binary_2, binary_2_inclusive, ascii_4, bcd_2, binary_4, stx, "
         "auto, got \"tlv\""},
        {"    dialect: unionpay-pos\n", "    dialect: unionpay-pos\n    framing: {length: []}\n",
         "framing.length: expected one or a list of"},
        {"    dialect: iso8583-1987-ascii\n",
         "    dialect: iso8583-1987-ascii\n    framing: {http: true, http_path: in}\n",
         "framing.http_path, framing.http_host: expected /path and host[:port]"},
        {"    dialect: iso8583-1987-ascii\n",
         "    dialect: iso8583-1987-ascii\n    framing: {http: true, http_path: /caf\xC3\xA9}\n",
         "framing.http_path, framing.http_host: expected /path and host[:port] of ASCII"},
        {"    dialect: iso8583-1987-ascii\n",
         "    dialect: iso8583-1987-ascii\n    framing: {http: true, http_host: b\xC3\xA9}\n",
         "framing.http_path, framing.http_host: expected /path and host[:port] of ASCII"},
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

/* One more channel: a wallet with these members in its section. */
static struct document *document_with_wallet(const char *outside, const char *members)
{
    char line[1200];
    snprintf(
        line, sizeof(line),
        "  - name: wallet\n%s    wallet: {url: 'https://w', ca: ca.pem, app_id: a1%s}\nstore: {",
        outside, members);
    return document_with("store: {", line);
}

#define ALIPAY ", kind: alipay, app_key: k.pem, wallet_public_key: p.pem"

static void test_a_channel_with_a_section_wallet_is_a_wallet(void **state)
{
    (void)state;
    struct document *document = document_with_wallet(
        "", ALIPAY ", notify: {certificate: c.pem, key: n.pem, url: 'https://n'}");
    struct server_options *options = server_options_load(document);
    assert_non_null(options);
    assert_false(options->channels[0].wallet.is_on);
    const struct wallet_options *wallet = &options->channels[1].wallet;
    assert_true(wallet->is_on);
    assert_true(wallet->notify.is_on);
    assert_int_equal(wallet->kind, OPTION_WALLET_KIND_ALIPAY);
    assert_string_equal(wallet->app_key, "/etc/tillway/k.pem");
    assert_int_equal(wallet->connection_max, 64);
    assert_int_equal(wallet->query_min_ms, 0);
    assert_int_equal(wallet->notify.connection_max, 256);
    server_options_destroy(options);
    document_destroy(document);
}

static void test_what_a_kind_of_wallet_needs_is_missed(void **state)
{
    (void)state;
    static const struct {
        const char *outside, *members, *fault;
    } cases[] = {
        {"", "", "wallet.kind is missing: expected one of alipay, wechat_v3, wechat_v2"},
        {"", ", kind: alipai", "did you mean \"alipay\"?"},
        {"", ", kind: alipay, app_key: k.pem", "wallet.wallet_public_key is missing"},
        {"", ", kind: wechat_v3", "wallet.mch_id is missing"},
        {"", ", kind: wechat_v2, mch_id: 1", "wallet.api_key is missing"},
        {"", ALIPAY ", notify: {url: 'https://n', key: k.pem}", "notify.certificate is missing"},
        {"", ALIPAY ", notify: {url: 'http://n', key: k, certificate: c}", "expected https://"},
        {"", ALIPAY ", retry_min_ms: 20000", "at least retry_min_ms (20000), got 15000"},
        {"", ALIPAY ", query_min_ms: 20, query_max_ms: 10", "at least query_min_ms (20), got 10"},
        {"    port: 1\n", ALIPAY, "expected none beside the section wallet"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_fault(document_with_wallet(cases[i].outside, cases[i].members), cases[i].fault);
    }
    assert_fault(document_with("    port: 7101\n", ""), "port is missing");
    assert_fault(document_with("    address: 127.0.0.1\n", ""), "address is missing");
    assert_fault(document_with("    dialect: iso8583-1987-ascii\n", ""), "dialect is missing");
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
    assert_int_equal(server_options_override(document, "store.folder=/x=y"), STATUS_OK);
    assert_int_equal(server_options_override(document, "listeners.0.port=0"), STATUS_OK);
    assert_int_equal(server_options_override(document, "listeners.0.tls.key=k"), STATUS_OK);
    assert_int_equal(server_options_override(document, "listeners.0.tls.certificate=c"), STATUS_OK);
    assert_int_equal(server_options_override(document, "engine.txn_count_max=64"), STATUS_OK);
    struct server_options *options = server_options_load(document);
    assert_non_null(options);
    assert_string_equal(options->store.folder, "/x=y");
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
    static const char *const refused[] = {"store.folder", "=x", "listeners.7.port=1", "a..b=1",
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
    assert_int_equal(server_options_override(document, "store.foldr=/x"), STATUS_OK);
    assert_fault(document, "\"foldr\" is not known here; did you mean \"folder\"?");
}

#define HOOK "aftersales:\n  folder: f\n  webhooks:\n    - {name: tickets, secret_file: s, "

static void test_webhooks_are_a_list_within_a_section(void **state)
{
    (void)state;
    struct document *document =
        document_with("", HOOK "url: 'https://t.example/x'}\n"
                               "    - {name: b, secret_file: /s, url: 'http://127.0.0.1:80/',"
                               " kinds: [flag, case_event], cases: [risk, fee], ca: c.pem}\n");
    struct server_options *options = server_options_load(document);
    assert_non_null(options);
    assert_int_equal(options->aftersales.webhook_count, 2);
    const struct webhook_options *first = &options->aftersales.webhooks[0];
    assert_string_equal(first->url, "https://t.example/x");
    assert_string_equal(first->secret_file, "/etc/tillway/s");
    assert_string_equal(first->ca, "");
    assert_int_equal(first->kinds, 0x3F);
    assert_int_equal(first->cases, 0x1B);
    assert_int_equal(first->timeout_ms, 10000);
    assert_int_equal(first->give_up_ms, 259200000);
    assert_int_equal(first->line, 22);
    const struct webhook_options *second = &options->aftersales.webhooks[1];
    assert_int_equal(second->kinds,
                     1U << OPTION_WEBHOOK_KIND_FLAG | 1U << OPTION_WEBHOOK_KIND_CASE_EVENT);
    assert_int_equal(second->cases, 1U << OPTION_WEBHOOK_CASE_RISK | 1U << OPTION_WEBHOOK_CASE_FEE);
    server_options_destroy(options);
    document_destroy(document);
}

static void test_faults_of_webhooks_name_their_place(void **state)
{
    (void)state;
    static const char *const CASES[][2] = {
        {HOOK "url: 'http://t.example/x'}\n", "t.yaml:22:39: url: expected https://host"},
        {HOOK "url: 'https://u:p@t.example/x'}\n", "without a user"},
        {HOOK "url: 'http://127.0.0.1.evil.example/'}\n", "or http:// to 127.0.0.1"},
        {HOOK "url: 'https:///x'}\n", "url: expected https://host"},
        {HOOK "url: 'https://t', kinds: [dream]}\n", "got \"dream\""},
        {HOOK "url: 'https://t', cases: []}\n", "cases: expected one or a list of fault"},
        {HOOK "url: 'https://t', retry_min_ms: 900, retry_max_ms: 800}\n",
         "retry_max_ms: expected at least retry_min_ms (900), got 800"},
        {HOOK "url: 'https://t'}\n    - {name: tickets, secret_file: s, url: 'https://u'}\n",
         "name: expected one of its own, got \"tickets\" as in line 22"},
        {"aftersales: {webhooks: [{name: a, url: 'https://t', secret_file: s}]}\n",
         "aftersales.webhooks: expected aftersales.folder"},
        {"aftersales: {folder: f, webhooks: [{name: a/b, url: 'https://t', secret_file: s}]}\n",
         "name: expected letters, digits"},
        {"aftersales: {folder: f, webhooks: [{name: a, url: 'https://t'}]}\n",
         "secret_file is missing"},
        {"aftersales: {folder: f, webhooks: 5}\n", "webhooks: expected a list"},
        {"aftersales: {folder: f, webhoks: []}\n", "did you mean \"webhooks\"?"},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        assert_fault(document_with("", CASES[i][0]), CASES[i][1]);
    }
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

/* What belongs to a webhook is read by tillway-admin, at its start. */
static void test_a_reload_changes_whatever_belongs_to_a_listener_or_a_channel(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < option_table_count(); i++) {
        const struct option_row *row = option_table_at(i);
        assert_true(row->scope == OPTION_SERVER || row->scope == OPTION_WEBHOOK ||
                    row->may_change_live);
    }
}

static void test_a_listener_speaks_on_unless_its_speech_changes(void **state)
{
    (void)state;
    struct listener_options one = {.name = "pos", .port = 7001, .dialect = "unionpay-pos"};
    struct listener_options other = one;
    other.port = 7002;
    other.idle_timeout_ms = 5000;
    assert_true(server_options_is_same_speech(&one, &other));
    other.framing.has_tpdu = true;
    assert_false(server_options_is_same_speech(&one, &other));
    other = one;
    other.tls.is_on = true;
    assert_false(server_options_is_same_speech(&one, &other));
}

static void test_what_only_routing_looks_at_leaves_a_link_alone(void **state)
{
    (void)state;
    struct channel_options one = {.name = "bank", .port = 9001, .window = 8};
    struct channel_options other = one;
    other.kinds.count = 1;
    assert_true(server_options_is_same_channel(&one, &other));
    other.window = 9;
    assert_false(server_options_is_same_channel(&one, &other));
}

static void test_reload_may_not_change_frozen_options(void **state)
{
    (void)state;
    struct document *running = document_of(SMALLEST);
    struct document *wanted = document_with("port: 7001", "port: 7002\n    idle_timeout_ms: 5000");
    assert_int_equal(server_options_override(wanted, "store.folder=/other"), STATUS_OK);
    struct server_options *old = server_options_load(running);
    struct server_options *new = server_options_load(wanted);
    assert_non_null(old);
    assert_non_null(new);
    char text[1024];
    struct byte_writer writer;
    byte_writer_init(&writer, text, sizeof(text) - 1);
    assert_int_equal(server_options_frozen_changes(old, new, &writer), 1);
    text[writer.position] = '\0';
    assert_non_null(strstr(text, "/other; only a restart changes it"));
    server_options_keep_frozen(new, old);
    assert_string_equal(new->store.folder, old->store.folder);
    assert_int_equal(new->listeners[0].port, 7002);
    assert_int_equal(server_options_frozen_changes(old, old, &writer), 0);
    server_options_destroy(old);
    server_options_destroy(new);
    document_destroy(running);
    document_destroy(wanted);
}

static const char ONE_PLACE[] = "    address: 127.0.0.1\n    port: 7101\n";

static void test_a_channel_has_one_place_or_a_list_of_links(void **state)
{
    (void)state;
    struct document *document = document_of(SMALLEST);
    struct server_options *options = server_options_load(document);
    assert_non_null(options);
    assert_int_equal(options->channels[0].link_count, 1);
    assert_string_equal(options->channels[0].links[0].address, "127.0.0.1");
    assert_int_equal(options->channels[0].links[0].port, 7101);
    server_options_destroy(options);
    document_destroy(document);
    document = document_with(ONE_PLACE, "    links:\n"
                                        "      - {address: 10.0.0.1, port: 1}\n"
                                        "      - {address: 10.0.0.2, port: 2, listen: true,\n"
                                        "         from: [10.0.0.9], window: 7}\n");
    assert_int_equal(server_options_override(document, "channels.0.links.0.port=3"), STATUS_OK);
    options = server_options_load(document);
    assert_non_null(options);
    assert_int_equal(options->channels[0].link_count, 2);
    assert_int_equal(options->channels[0].links[0].port, 3);
    assert_int_equal(options->channels[0].links[0].line, 9);
    assert_true(options->channels[0].links[1].is_listening);
    assert_string_equal(options->channels[0].links[1].from.items[0], "10.0.0.9");
    assert_int_equal(options->channels[0].links[1].window, 7);
    server_options_destroy(options);
    document_destroy(document);
}

static void test_faults_of_links_name_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *line, *fault;
    } cases[] = {
        {"", "t.yaml:7:5: address is missing: expected where the bank's host is, or a list"},
        {"    address: a\n", "port is missing"},
        {"    address: a\n    port: 1\n    links: [{address: b, port: 1}]\n", "got both"},
        {"    links: {address: b}\n", "t.yaml:8:5: links: expected a list"},
        {"    links: [{address: b}]\n", "t.yaml:8:13: port is missing: expected a number"},
        {"    links: [{address: b, prt: 1}]\n", "t.yaml:8:26: \"prt\" is not known here"},
        {"    links: [{address: b, port: 1, listen: true}]\n",
         "from is missing: expected the addresses that may connect, or a section tls"},
        {"    links: [{address: b, port: 1, from: [c]}]\n", "expected listen: true beside it"},
        {"    links: [{address: b, port: 1, window: 1025}]\n", "at most the channel's (1024)"},
        {"    links: [{address: b, port: 1}]\n    tls: {key: k}\n", "tls.ca is missing"},
        {"    links: [{address: b, port: 1}]\n    tls: {ca: c, key: k}\n", "expected both or none"},
        {"    links: [{address: b, port: 1, listen: true}]\n    tls: {ca: c}\n",
         "tls.certificate is missing"},
        {"    links: [{address: b, port: 1}]\n    match: [{fields: [stan, terminl]}]\n",
         "t.yaml:9:14: fields: \"terminl\" is none"},
        {"    links: [{address: b, port: 1}]\n    match: [{mti: 02, fields: [stan]}]\n",
         "mti: expected 4 digits, got \"02\""},
        {"    links: [{address: b, port: 1}]\n    match: [{processing_code: 00, fields: [rrn]}]\n",
         "processing_code: expected 6 digits, x for any, got \"00\""},
        {"    links: [{address: b, port: 1}]\n    match: [{mti: \"0200\"}]\n",
         "fields is missing: expected a list of 1 to 8 words"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_fault(document_with(ONE_PLACE, cases[i].line), cases[i].fault);
    }
}

/* A channel that differs in whatever is made anew beside the old one: nothing waits for a restart.
 */
static void test_a_reload_may_change_all_of_a_channel(void **state)
{
    (void)state;
    struct document *running =
        document_with(ONE_PLACE, "    links: [{address: b, port: 1}, {address: b, port: 2}]\n");
    struct document *wanted =
        document_with(ONE_PLACE, "    links: [{address: b, port: 1}, {address: b, port: 3}]\n"
                                 "    tls: {ca: c}\n    match: [{fields: [stan]}]\n");
    struct server_options *old = server_options_load(running);
    struct server_options *new = server_options_load(wanted);
    assert_non_null(old);
    assert_non_null(new);
    char text[1024];
    struct byte_writer writer;
    byte_writer_init(&writer, text, sizeof(text) - 1);
    assert_int_equal(server_options_frozen_changes(old, new, &writer), 0);
    assert_int_equal(writer.position, 0);
    server_options_destroy(old);
    server_options_destroy(new);
    document_destroy(running);
    document_destroy(wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smallest_file_gets_fallbacks),
        cmocka_unit_test(test_a_listener_may_take_several_lengths),
        cmocka_unit_test(test_relative_paths_begin_at_the_file),
        cmocka_unit_test(test_faults_name_place_and_expectation),
        cmocka_unit_test(test_a_channel_with_a_section_wallet_is_a_wallet),
        cmocka_unit_test(test_what_a_kind_of_wallet_needs_is_missed),
        cmocka_unit_test(test_every_fault_is_reported),
        cmocka_unit_test(test_a_name_is_given_once),
        cmocka_unit_test(test_command_line_overrides_the_file),
        cmocka_unit_test(test_override_refuses_what_is_no_assignment),
        cmocka_unit_test(test_override_of_unknown_option_is_a_fault_at_load),
        cmocka_unit_test(test_webhooks_are_a_list_within_a_section),
        cmocka_unit_test(test_faults_of_webhooks_name_their_place),
        cmocka_unit_test(test_reference_names_every_option),
        cmocka_unit_test(test_a_reload_changes_whatever_belongs_to_a_listener_or_a_channel),
        cmocka_unit_test(test_a_listener_speaks_on_unless_its_speech_changes),
        cmocka_unit_test(test_what_only_routing_looks_at_leaves_a_link_alone),
        cmocka_unit_test(test_reload_may_not_change_frozen_options),
        cmocka_unit_test(test_a_channel_has_one_place_or_a_list_of_links),
        cmocka_unit_test(test_faults_of_links_name_their_place),
        cmocka_unit_test(test_a_reload_may_change_all_of_a_channel),
    };
    return cmocka_run_group_tests_name("config/server_options", tests, NULL, NULL);
}
