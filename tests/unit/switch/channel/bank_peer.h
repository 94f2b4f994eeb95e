/* A bank at the other end of a real loopback connection, and the stage around it.
 *
 * The peer runs in the test's own loop, reads and writes with the dialect, and misbehaves as told.
 */
#pragma once

#include "tests/unit/switch/security/security_fixture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/yaml_file.h"
#include "switch/channel/bank_channel.h"
#include "switch/channel/bank_message.h"
#include "switch/net/listener.h"
#include "switch/net/stream.h"

#define PEER_MESSAGE_COUNT_MAX 64

enum peer_mac { PEER_MAC_RIGHT, PEER_MAC_WRONG, PEER_MAC_ABSENT };

struct stage {
    struct loop *loop;
    struct loop_hook hook;
    struct dialect *dialect;
    struct security *security;
    struct channel *channel;
    struct bank_setup setup;
    /* the bank */
    struct listener *listener;
    struct stream *peer; /* NULL: nobody is connected */
    struct net_address peer_address;
    struct bank_dialect bank;
    const char *signon_code; /* NULL: no answer */
    bool answers_echo, answers_payments;
    bool reads_nothing; /* what comes is only kept, in `last` */
    /* what is posted to it, and how it answers */
    bool is_http, closes;   /* closes: says so in each answer */
    const char *raw_answer; /* in place of its own, to the next raw_count requests */
    uint32_t raw_count;
    char head[512]; /* of the last POST */
    enum peer_mac mac;
    uint32_t accept_count, message_count;
    struct payment messages[PEER_MESSAGE_COUNT_MAX]; /* what the bank read, in order */
    uint8_t last[2048];                              /* as it came */
    uint32_t last_length;
    /* what the channel told */
    uint32_t up_count, down_count, stopped_count, response_count;
    char reason[CHANNEL_REASON_SIZE];
    struct payment response;
    uint32_t settlement_day;
    bool forwards_again; /* on_response forwards at once */
    enum channel_answer forwarded;
    /* when to stop the loop */
    bool (*is_done)(struct stage *stage);
    uint64_t give_up_ns;
    bool has_given_up;
};

__attribute__((format(printf, 2, 3))) static inline void peer_say(struct stage *stage,
                                                                  const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    assert_in_range(length, 1, sizeof(text) - 1);
    stream_write(stage->peer, (struct byte_view){(const uint8_t *)text, (uint32_t)length});
}

static inline void peer_send(struct stage *stage, const struct payment *payment)
{
    uint8_t bytes[BANK_MESSAGE_BYTES_MAX];
    char reason[BANK_MESSAGE_REASON_SIZE];
    struct byte_writer writer;
    struct bank_dialect bank = stage->bank;
    bank.has_mac = bank.has_mac && stage->mac != PEER_MAC_ABSENT;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    if (bank_message_write(&bank, payment, &writer, reason) != STATUS_OK) {
        fail_msg("the peer cannot say it: %s", reason);
    }
    if (stage->mac == PEER_MAC_WRONG) {
        uint8_t *last = &bytes[writer.position - 1];
        *last = *last == '0' ? '1' : '0'; /* a hex digit of the MAC, which stays one */
    }
    if (stage->is_http) {
        peer_say(stage, "HTTP/1.1 200 OK\r\n%sContent-Length: %u\r\n\r\n",
                 stage->closes ? "Connection: close\r\n" : "", writer.position);
    }
    stream_write(stage->peer, (struct byte_view){bytes, writer.position});
}

static inline void peer_answer(struct stage *stage, const struct payment *request, const char *code)
{
    struct payment answer;
    payment_copy(&answer, request);
    answer.leg = PAYMENT_RESPONSE;
    memcpy(answer.response_code, code, 3);
    peer_send(stage, &answer);
}

static inline void peer_take(struct stage *stage, const struct payment *payment)
{
    if (stage->message_count < PEER_MESSAGE_COUNT_MAX) {
        payment_copy(&stage->messages[stage->message_count], payment);
    }
    stage->message_count++;
    if (payment->leg != PAYMENT_REQUEST) {
        return;
    }
    if (stage->raw_count > 0) {
        stage->raw_count--;
        stream_write(stage->peer, (struct byte_view){(const uint8_t *)stage->raw_answer,
                                                     (uint32_t)strlen(stage->raw_answer)});
        return;
    }
    bool is_payment = payment->kind == PAYMENT_PURCHASE || payment->kind == PAYMENT_REVERSAL;
    if (payment->kind == PAYMENT_SIGNON && stage->signon_code != NULL) {
        peer_answer(stage, payment, stage->signon_code);
    } else if ((payment->kind == PAYMENT_ECHO && stage->answers_echo) ||
               (is_payment && stage->answers_payments)) {
        peer_answer(stage, payment, "00");
    }
}

static inline uint32_t peer_on_bytes(void *owner, struct byte_view bytes)
{
    struct stage *stage = owner;
    uint32_t used = 0;
    while (used < bytes.length) {
        struct frame frame;
        struct frame_fault fault;
        uint32_t consumed = 0;
        struct payment payment;
        char reason[BANK_MESSAGE_REASON_SIZE];
        if (frame_parse(&frame, &consumed, &stage->bank.framing,
                        (struct byte_view){bytes.bytes + used, bytes.length - used},
                        &fault) != STATUS_OK) {
            break;
        }
        snprintf(stage->head, sizeof(stage->head), "%.*s", (int)(stage->is_http ? consumed : 0),
                 (const char *)bytes.bytes + used);
        used += consumed;
        memcpy(stage->last, frame.message.bytes, frame.message.length);
        stage->last_length = frame.message.length;
        if (stage->reads_nothing) {
            stage->message_count++;
            continue;
        }
        if (bank_message_read(&stage->bank, frame.message, &payment, reason) != BANK_READ) {
            fail_msg("the peer cannot read: %s", reason);
        }
        peer_take(stage, &payment);
    }
    return used;
}

static inline void peer_on_closed(void *owner, enum close_reason reason, const char *text)
{
    struct stage *stage = owner;
    (void)reason;
    (void)text;
    stage->peer = NULL;
    listener_released(stage->listener, &stage->peer_address);
}

static const struct stream_calls PEER_CALLS = {.on_bytes = peer_on_bytes,
                                               .on_closed = peer_on_closed};

static inline bool peer_on_accept(void *argument, int descriptor, const struct net_address *address)
{
    struct stage *stage = argument;
    const struct stream_setup setup = {.address = *address,
                                       .timeout_ms = 1000,
                                       .output_max = 1 << 20,
                                       .calls = &PEER_CALLS,
                                       .owner = stage};
    if (stage->peer != NULL) {
        return false; /* the end of the one before was not read yet: it will be tried again */
    }
    stage->accept_count++;
    stage->peer_address = *address;
    stage->peer = stream_accept(stage->loop, descriptor, &setup);
    return stage->peer != NULL;
}

static inline void stage_on_response(void *argument, uint16_t channel,
                                     const struct payment *payment)
{
    struct stage *stage = argument;
    assert_int_equal(channel, stage->setup.index);
    stage->response_count++;
    if (stage->forwards_again) {
        struct payment again;
        stage->forwards_again = false;
        payment_copy(&again, &stage->messages[stage->message_count - 1]);
        again.stan++;
        stage->forwarded = channel_forward(stage->channel, &again);
    }
    payment_copy(&stage->response, payment);
}

static inline void stage_on_state(void *argument, uint16_t channel, bool is_up, const char *reason)
{
    struct stage *stage = argument;
    assert_int_equal(channel, stage->setup.index);
    *(is_up ? &stage->up_count : &stage->down_count) += 1;
    snprintf(stage->reason, sizeof(stage->reason), "%s", reason);
}

static inline void stage_on_cut_over(void *argument, uint16_t channel, uint32_t settlement_day)
{
    struct stage *stage = argument;
    (void)channel;
    stage->settlement_day = settlement_day;
}

static inline void stage_on_stopped(void *argument, uint16_t channel)
{
    struct stage *stage = argument;
    (void)channel;
    stage->stopped_count++;
}

static inline void stage_on_turn(void *argument)
{
    struct stage *stage = argument;
    stage->has_given_up = loop_now_ns() > stage->give_up_ns;
    if (stage->is_done != NULL && (stage->is_done(stage) || stage->has_given_up)) {
        loop_stop(stage->loop);
    }
}

/* Runs the loop until the condition holds. */
static inline void run_until(struct stage *stage, bool (*is_done)(struct stage *stage))
{
    stage->is_done = is_done;
    stage->give_up_ns = loop_now_ns() + UINT64_C(30000000000);
    stage->has_given_up = false;
    while (!is_done(stage) && !stage->has_given_up) { /* a stop may be left from the last time */
        loop_run(stage->loop);
    }
    assert_false(stage->has_given_up);
}

static inline struct dialect *bank_dialect_file(void)
{
    static char text[1 << 18];
    FILE *file = fopen(TILLWAY_SOURCE_DIR "/config/specs/iso8583-1987-ascii.yaml", "r");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof(text), file);
    fclose(file);
    struct document *document = yaml_file_parse("bank", text, (uint32_t)length);
    assert_non_null(document);
    struct dialect *dialect = dialect_compile(document);
    if (dialect == NULL) {
        fail_msg("%s", document_fault_text(document, 0));
    }
    document_destroy(document);
    return dialect;
}

static inline void stage_listen(struct stage *stage)
{
    char reason[LISTENER_REASON_SIZE];
    struct listener_setup setup = {.name = "bank",
                                   .backlog = 4,
                                   .accept_budget = 4,
                                   .connection_max = 4,
                                   .on_accept = peer_on_accept,
                                   .argument = stage};
    assert_int_equal(net_address_parse(&setup.address, "127.0.0.1:0"), STATUS_OK);
    stage->listener = listener_create(stage->loop, &setup, reason);
    assert_non_null(stage->listener);
}

static const struct bank_setup STAGE_SETUP = {
    .name = "bank_a",
    .index = 3,
    .link_count = 1,
    .links = {{.address = "127.0.0.1"}},
    .framing = {.length_kind = FRAME_BINARY_2, .length_max = FRAME_LENGTH_MAX},
    .echo_every_ms = 60000,
    .reply_timeout_ms = 200,
    .reconnect_min_ms = 10,
    .reconnect_max_ms = 100,
    .window = 4,
    .answer_life_ms = 300,
    .has_mac = true,
    .mac = HSM_MAC_UNIONPAY_ECB,
    .pin_format = PIN_FORMAT_0,
    .acquirer_id = "00085500"};

/* A bank that does all it should; the channel is made, not started. */
static inline struct stage *stage_create(const struct bank_setup *setup)
{
    char reason[CHANNEL_REASON_SIZE];
    struct stage *stage = calloc(1, sizeof(*stage));
    const struct channel_calls calls = {stage_on_response, stage_on_state, stage_on_stopped,
                                        stage_on_cut_over, stage};
    stage->loop = loop_create(0, 16);
    stage->hook = (struct loop_hook){.on_turn = stage_on_turn, .argument = stage};
    loop_enroll(stage->loop, &stage->hook);
    stage->dialect = bank_dialect_file();
    stage->security = lab_security(2);
    stage->signon_code = "00";
    stage->answers_echo = stage->answers_payments = true;
    stage_listen(stage);
    stage->setup = *setup;
    stage->setup.dialect = stage->dialect;
    for (uint32_t i = 0; i < setup->link_count; i++) {
        stage->setup.links[i].port = listener_port(stage->listener);
    }
    stage->bank = (struct bank_dialect){
        .dialect = stage->dialect,
        .framing = setup->framing,
        .has_mac = setup->has_mac,
        .unit = security_unit(stage->security, 1),
        .mac = {(uint16_t)security_channel(stage->security, "bank_a"), setup->mac}};
    stage->is_http = stage->bank.framing.may_be_http = setup->http_path[0] != '\0';
    stage->channel =
        bank_channel_create(stage->loop, stage->security, security_unit(stage->security, 0),
                            &stage->setup, &calls, reason);
    if (stage->channel == NULL) {
        fail_msg("%s", reason);
    }
    return stage;
}

static inline bool is_up(struct stage *stage)
{
    return channel_is_up(stage->channel);
}

static inline bool is_stopped(struct stage *stage)
{
    return stage->stopped_count > 0 && stage->peer == NULL;
}

static inline struct stage *stage_up(const struct bank_setup *setup)
{
    struct stage *stage = stage_create(setup);
    channel_start(stage->channel);
    run_until(stage, is_up);
    return stage;
}

static inline void stage_destroy(struct stage *stage)
{
    channel_stop(stage->channel);
    if (stage->peer != NULL) {
        stream_close(stage->peer, CLOSE_LOCAL, NULL);
    }
    run_until(stage, is_stopped);
    stage->is_done = NULL;
    channel_destroy(stage->channel);
    listener_close(stage->listener);
    loop_run_down(stage->loop, UINT64_C(1000000000));
    loop_destroy(stage->loop);
    security_destroy(stage->security);
    dialect_destroy(stage->dialect);
    free(stage);
}

static inline void set_text(char *to, const char *text)
{
    memcpy(to, text, strlen(text) + 1);
}

/* As the engine gives one: its own STAN, F7 and RRN are in. */
static inline struct payment purchase(uint32_t stan)
{
    struct payment payment = {.kind = PAYMENT_PURCHASE, .stan = stan, .amount = {1234, MONEY_CNY}};
    set_text(payment.processing_code, "000000");
    set_text(payment.condition_code, "00");
    set_text(payment.entry_mode, "021");
    set_text(payment.terminal_id, "10000001");
    set_text(payment.merchant_id, "898310059990001");
    set_text(payment.sent_at, "0720221301");
    set_text(payment.local_time, "221301");
    set_text(payment.local_date, "0720");
    set_text(payment.mcc, "5999");
    set_text(payment.rrn, "000010000001");
    assert_int_equal(pan_parse(&payment.pan, "6225000000000014", 16), STATUS_OK);
    return payment;
}
