/* The stage of tests of the terminal side: a loop of its own with one plain port, an engine that
 * approves all, a terminal with keys, and what it sends over real sockets. */
#pragma once

#include "tests/unit/switch/security/security_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "config/file_text.h"
#include "config/yaml_file.h"
#include "switch/terminal/terminals.h"
#include "tests/stage/log_capture.h"

#define TERMINAL "10000001"
#define MERCHANT "898110058120001"
/* Terminals that are known and have no keys. */
#define KEYLESS_FIRST "10000101"
#define KEYLESS_NUMBER 10000101U
#define KEYLESS_COUNT 20U

static struct desk {
    struct loop *loop;
    struct terminals *terminals;
    struct dialect *dialect; /* the edition's */
    struct edition *edition;
    struct ruleset *ruleset;
    struct security *security;
    pthread_t thread;
    _Atomic int requests;
    _Atomic bool is_full, answers_late, is_log_short;
    _Atomic uint8_t terminal_request; /* digit 6 of answers */
    SSL_CTX *tls;                     /* clients show their certificate; NULL: plain TCP */
    bool is_short;                    /* the port's frames are as long as a sale, and no longer */
    struct conn_handle late;
    struct payment late_payment;
    char told_date[5], told_time[7]; /* fields 12 and 13 of the last request, as handed on */
    struct device_note told_device;
    struct terminal_sighting sightings[32];
    _Atomic uint32_t sighting_count;
} desk;

/* ---- the engine's part: every request is approved ---- */

static inline bool has_room(void *argument)
{
    (void)argument;
    return !desk.is_full;
}

static inline void approve(struct conn_handle conn, const struct payment *request)
{
    static struct payment answer;
    payment_copy(&answer, request);
    answer.leg = PAYMENT_RESPONSE;
    memcpy(answer.response_code, "00", 3);
    memcpy(answer.local_time, "121314", 7);
    memcpy(answer.local_date, "1125", 5);
    memcpy(answer.rrn, "000000000001", 13);
    struct engine_effect effect = {.kind = ENGINE_REPLY,
                                   .conn = conn,
                                   .terminal_request = desk.terminal_request,
                                   .payment = &answer};
    if (request->kind == PAYMENT_SETTLEMENT) { /* its result stands in field 48 */
        answer.response_code[0] = 0;
    }
    terminals_reply(desk.terminals, &effect);
}

static inline void on_request(void *argument, struct conn_handle conn,
                              const struct payment *payment)
{
    (void)argument;
    memcpy(desk.told_date, payment->local_date, sizeof(desk.told_date));
    memcpy(desk.told_time, payment->local_time, sizeof(desk.told_time));
    desk.told_device = payment->device;
    if (desk.answers_late) {
        desk.late = conn;
        payment_copy(&desk.late_payment, payment);
        desk.requests++;
    } else {
        desk.requests++;
        approve(conn, payment);
    }
}

static void *desk_run(void *argument)
{
    (void)argument;
    loop_run(desk.loop);
    return NULL;
}

static inline struct ruleset *one_terminal_ruleset(void)
{
    static const char ROUTES[] = "routes:\n  - when: {scheme: unionpay}\n    channels: [bank_a]\n";
    static const char FEES[] = "plans:\n  SP1: {rules: [{rate: 0.38%}]}\n"
                               "cost:\n  - {channel: bank_a, issuer_fee: {rate: 0.2%}, "
                               "scheme_fee: {rate: 0%}}\n";
    struct ruleset_limits limits = {4, 4, 4 + KEYLESS_COUNT};
    struct ruleset *ruleset = ruleset_create(1, &limits);
    char reason[160];
    struct channel_row channel = {.name = "bank_a", .kinds = UINT64_C(1) << PAYMENT_PURCHASE};
    struct bin_rule bin = {.prefix = 621094, .digit_count = 6};
    struct merchant_row merchant = {.merchant_id = MERCHANT,
                                    .name = "Noodles",
                                    .mcc = "5812",
                                    .plan = "SP1",
                                    .is_active = true};
    struct terminal_row terminal = {
        .terminal_id = TERMINAL, .merchant_id = MERCHANT, .is_active = true};
    assert_int_equal(channel_table_add(ruleset_channels(ruleset), &channel), STATUS_OK);
    assert_int_equal(bin_table_add(ruleset_bins(ruleset), &bin), STATUS_OK);
    assert_int_equal(merchant_table_add(ruleset_merchants(ruleset), &merchant), STATUS_OK);
    assert_int_equal(terminal_table_add(ruleset_terminals(ruleset), &terminal), STATUS_OK);
    for (unsigned i = 0; i < KEYLESS_COUNT; i++) {
        snprintf(terminal.terminal_id, sizeof(terminal.terminal_id), "%u", KEYLESS_NUMBER + i);
        assert_int_equal(terminal_table_add(ruleset_terminals(ruleset), &terminal), STATUS_OK);
    }
    struct document *routes = yaml_file_parse("routes", ROUTES, sizeof(ROUTES) - 1);
    struct document *fees = yaml_file_parse("fees", FEES, sizeof(FEES) - 1);
    ruleset_compile_routes(ruleset, routes);
    ruleset_compile_fees(ruleset, fees);
    document_destroy(routes);
    document_destroy(fees);
    assert_int_equal(ruleset_freeze(ruleset, reason), STATUS_OK);
    return ruleset;
}

static inline void sign_on(void)
{
    struct security_made_keys made;
    struct payment signon = signon_payment(TERMINAL, "003");
    assert_int_equal(security_make_keys(security_unit(desk.security, 0), &signon, &made), HSM_DONE);
    struct byte_view records = {made.records, made.records_length};
    assert_int_equal(security_install(desk.security, records), STATUS_OK);
}

static inline void on_sighting(void *argument, const struct terminal_sighting *sighting)
{
    (void)argument;
    assert_true(desk.sighting_count < COUNT_OF(desk.sightings));
    desk.sightings[desk.sighting_count] = *sighting;
    if (!desk.is_log_short) {
        terminals_sighted(desk.terminals, sighting);
    }
    desk.sighting_count++; /* last: who waits for it reads what stands before */
}

static inline uint32_t sale_frame(uint8_t *bytes, uint32_t size);

static inline int desk_open(void **state)
{
    static const char *const PATHS[] = {"/mjc/webtrans/VPB_lb", NULL};
    (void)state;
    char reason[LISTENER_REASON_SIZE];
    struct document *spec =
        file_text_load_yaml(TILLWAY_SOURCE_DIR "/config/specs/unionpay-pos.yaml");
    assert_non_null(spec);
    desk.dialect = dialect_compile(spec);
    assert_non_null(desk.dialect);
    desk.edition = edition_create(desk.dialect, (const uint8_t[EDITION_HASH_BYTES]){0});
    document_destroy(spec);
    desk.ruleset = one_terminal_ruleset();
    desk.security = lab_security(2);
    sign_on();
    desk.loop = loop_create(0, 64);
    struct terminals_setup setup = {.loop = desk.loop,
                                    .unit = security_unit(desk.security, 0),
                                    .conn_count_max = 16,
                                    .has_room = has_room,
                                    .on_request = on_request,
                                    .on_sighting = on_sighting};
    desk.terminals = terminals_create(&setup);
    terminals_use(desk.terminals, desk.ruleset);
    struct terminals_port_setup port = {.name = "pos",
                                        .framing = {.length_kind = FRAME_BINARY_2,
                                                    .has_tpdu = true,
                                                    .may_be_http = true,
                                                    .length_max = FRAME_LENGTH_MAX,
                                                    .http_paths = PATHS},
                                        .edition = desk.edition,
                                        .tls = desk.tls,
                                        .has_identity = desk.tls != NULL,
                                        .limits = {16, 16, 1000, 400, 5000}};
    if (desk.is_short) {
        uint8_t bytes[1024];
        port.framing.length_max = sale_frame(bytes, sizeof(bytes)) - 2;
    }
    assert_int_equal(net_address_parse(&port.address, "127.0.0.1:0"), STATUS_OK);
    assert_int_equal(terminals_listen(desk.terminals, &port, reason), STATUS_OK);
    desk.requests = 0;
    desk.sighting_count = 0;
    desk.is_full = desk.is_log_short = false;
    desk.answers_late = false;
    desk.terminal_request = 0;
    return pthread_create(&desk.thread, NULL, desk_run, NULL);
}

static inline int desk_close(void **state)
{
    (void)state;
    desk.is_short = false;
    loop_stop(desk.loop);
    pthread_join(desk.thread, NULL);
    terminals_close(desk.terminals);
    loop_run_down(desk.loop, UINT64_C(2000000000));
    assert_int_equal(count_get(&desk.loop->counts.buffers_used), 0);
    terminals_destroy(desk.terminals);
    loop_destroy(desk.loop);
    security_destroy(desk.security);
    ruleset_destroy(desk.ruleset);
    edition_release(desk.edition);
    return 0;
}

/* ---- the terminal's part ---- */

static inline uint16_t desk_port(void)
{
    struct terminals_port_view view;
    assert_true(terminals_port(desk.terminals, 0, &view));
    return view.port;
}

static inline int dial(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(desk_port()),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval limit = {.tv_sec = 30};
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    return descriptor;
}

static inline void sale(struct payment *payment)
{
    memset(payment, 0, sizeof(*payment));
    payment->kind = PAYMENT_PURCHASE;
    payment->stan = 17;
    payment->batch = 1;
    payment->amount = (struct money){1234, MONEY_CNY};
    memcpy(payment->terminal_id, TERMINAL, 9);
    memcpy(payment->merchant_id, MERCHANT, 16);
    memcpy(payment->processing_code, "000000", 7);
    memcpy(payment->condition_code, "00", 3);
    memcpy(payment->type_code, "22", 3);
    memcpy(payment->management_code, "000", 4);
    memcpy(payment->entry_mode, "012", 4);
    assert_int_equal(pan_parse(&payment->pan, "6210948000000037", 16), STATUS_OK);
}

/* A frame as a terminal sends it, MAC of unit 1 over the same keys. */
static inline uint32_t frame_of(const struct payment *payment, uint8_t *bytes, uint32_t size)
{
    static const uint8_t HEADER[6] = {0x60, 0x22, 0x00, 0x31, 0x10, 0x01};
    static const uint8_t TPDU[5] = {0x60, 0x00, 0x03, 0x00, 0x00};
    struct framing framing = {
        .length_kind = FRAME_BINARY_2, .has_tpdu = true, .length_max = FRAME_LENGTH_MAX};
    struct dialect_build_how how = {dialect_has_mac(desk.dialect, payment), {HEADER, 6}};
    struct dialect_fault fault;
    struct byte_view scope;
    struct byte_writer writer;
    uint8_t mac[SECURITY_MAC_BYTES];
    byte_writer_init(&writer, bytes, size);
    struct frame_mark mark = frame_begin_request(&writer, &framing, TPDU);
    enum status status = dialect_build(desk.dialect, payment, &how, &writer, &scope, &fault);
    if (status != STATUS_OK) {
        fail_msg("field %u: %s", fault.field, fault.reason);
    }
    if (how.with_mac) {
        assert_int_equal(security_reply_mac(security_unit(desk.security, 1), TERMINAL, scope, mac),
                         HSM_DONE);
        message_put_mac(dialect_spec(desk.dialect), &writer, mac);
    }
    frame_end(&writer, &framing, &mark);
    assert_int_equal(writer.status, STATUS_OK);
    return writer.position;
}

static inline uint32_t sale_frame(uint8_t *bytes, uint32_t size)
{
    struct payment payment;
    sale(&payment);
    return frame_of(&payment, bytes, size);
}

/* The next answer: its message, with the header, behind length and TPDU. Length 0: the end. */
static inline uint32_t answer(int descriptor, uint8_t *bytes)
{
    uint8_t head[7];
    if (recv(descriptor, head, sizeof(head), MSG_WAITALL) != sizeof(head)) {
        return 0;
    }
    uint32_t length = ((uint32_t)head[0] << 8 | head[1]) - 5;
    assert_memory_equal(head + 2, "\x60\x00\x00\x00\x03", 5); /* the TPDU swapped */
    assert_int_equal(recv(descriptor, bytes, length, MSG_WAITALL), length);
    return length;
}

static inline void expect_answer(int descriptor, const char *mti, const char *code)
{
    uint8_t bytes[2048];
    char text[8];
    struct message message;
    struct message_fault fault;
    uint32_t length = answer(descriptor, bytes);
    assert_true(length > 0);
    struct byte_view view = {bytes, length};
    if (message_parse(&message, dialect_spec(desk.dialect), view, &fault) != STATUS_OK) {
        fail_msg("%s", fault.reason);
    }
    assert_string_equal(message.mti, mti);
    assert_int_equal(message_text(&message, 39, text, sizeof(text)), 2);
    assert_string_equal(text, code);
    if (strcmp(code, "00") == 0) {
        struct security_verdict verdict =
            security_gate_verify(security_unit(desk.security, 1), TERMINAL,
                                 message_mac_scope(&message), message_raw(&message, 64));
        assert_int_equal(verdict.gate, SECURITY_PASS);
    }
}

static inline void put(int descriptor, const void *bytes, uint32_t length)
{
    assert_int_equal(send(descriptor, bytes, length, MSG_NOSIGNAL), length);
}

static inline void expect_end(int descriptor)
{
    uint8_t byte;
    assert_true(recv(descriptor, &byte, 1, 0) <= 0);
    close(descriptor);
}

static inline uint64_t rejects(enum reject reject)
{
    return count_get(&terminals_count(desk.terminals)->rejects[reject]);
}

static inline void expect_still_served(int descriptor)
{
    uint8_t bytes[1024];
    put(descriptor, bytes, sale_frame(bytes, sizeof(bytes)));
    expect_answer(descriptor, "0210", "00");
}

/* ---- the tests ---- */
