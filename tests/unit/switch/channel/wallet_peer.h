/* A wallet channel in the test's loop, and the wallets at the other end: tillway-wallet as a child
 * process, told what to do wrong through its control port. The test plays the engine.
 */
#pragma once

#include "tests/unit/unit_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>

#include "switch/channel/wallet_channel.h"
#include "switch/net/loop.h"

#define RESPONSE_COUNT_MAX 64
#define MS_NS UINT64_C(1000000)
#define TERMINAL "10000019"

extern char **environ;

/* How soon the channel gives something up. On a busy machine a call of a tenth of a second takes
 * ten times as long, so what a story is not about has the time it wants. */
enum pace {
    PACE_PATIENT,     /* nothing runs out */
    PACE_SHORT_CALLS, /* a call that is not answered is given up, a payment is not */
    PACE_SHORT        /* both are */
};

struct stage {
    char folder[64], binary[256], ca[160];
    pid_t child;
    uint16_t port, control, notify_port, notify_ports[3];
    struct loop *loop;
    struct loop_hook hook;
    struct channel *channel;
    enum wallet_kind kind;
    enum pace pace;
    uint32_t next_stan, last_stan_before; /* this test's begin behind it */
    bool is_up, is_stopped;
    uint32_t response_count;
    struct payment responses[RESPONSE_COUNT_MAX];
    bool (*is_done)(struct stage *stage);
    uint32_t wanted; /* responses that are waited for */
    uint64_t give_up_ns;
};

/* --- the child ---------------------------------------------------------------------------- */

/* Below the ports that the kernel deals out to whoever connects: one of those may be taken by the
 * time it is listened on. Each process begins elsewhere, so that tests side by side do not meet. */
static inline uint16_t free_port(void)
{
    static uint32_t tried;
    for (uint32_t count = 0; count < 1000; count++) {
        uint16_t port = (uint16_t)(10240 + ((uint32_t)getpid() * 97 + tried++) % 20000);
        struct sockaddr_in address = {
            .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7F000001), .sin_port = htons(port)};
        int descriptor = socket(AF_INET, SOCK_STREAM, 0);
        bool is_free = bind(descriptor, (struct sockaddr *)&address, sizeof(address)) == 0;
        close(descriptor);
        if (is_free) {
            return port;
        }
    }
    fail_msg("no free loopback port was found");
    return 0;
}

static inline int connect_to(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7F000001), .sin_port = htons(port)};
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

static inline pid_t start_child(struct stage *stage, char *const *arguments)
{
    pid_t child = 0;
    char log[128];
    posix_spawn_file_actions_t actions;
    snprintf(log, sizeof(log), "%s/wallet.log", stage->folder);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    assert_int_equal(posix_spawn(&child, stage->binary, &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    return child;
}

static inline void wait_for_port(uint16_t port)
{
    const struct timespec nap = {0, 20000000};
    for (uint32_t i = 0; i < 500; i++) {
        int descriptor = connect_to(port);
        if (descriptor >= 0) {
            close(descriptor);
            return;
        }
        nanosleep(&nap, NULL);
    }
    fail_msg("tillway-wallet does not listen on port %u", port);
}

static inline void start_wallets(struct stage *stage)
{
    char port[8], control[8], keys[128], ledger[128];
    snprintf(keys, sizeof(keys), "%s/keys", stage->folder);
    snprintf(ledger, sizeof(ledger), "%s/wallet.db", stage->folder);
    snprintf(port, sizeof(port), "%u", stage->port);
    snprintf(control, sizeof(control), "%u", stage->control);
    char *const arguments[] = {stage->binary,
                               "run",
                               "--keys",
                               keys,
                               "--port",
                               port,
                               "--ledger",
                               ledger,
                               "--control",
                               control,
                               "--notify-ca",
                               stage->ca,
                               "--notify-gaps-ms",
                               "100,200,400",
                               "--reverse-min-ms",
                               "600",
                               "--hold-ms",
                               "1500",
                               "--late-ms",
                               "900",
                               "--buyer-ms",
                               "300",
                               "--close-ms",
                               "60000",
                               NULL};
    stage->child = start_child(stage, arguments);
    wait_for_port(stage->port);
    wait_for_port(stage->control);
}

static inline void end_wallets(struct stage *stage)
{
    int status = 0;
    if (stage->child > 0) {
        kill(stage->child, SIGTERM);
        waitpid(stage->child, &status, 0);
        stage->child = 0;
    }
}

static inline void make_keys(struct stage *stage)
{
    int status = 0;
    char keys[128];
    snprintf(keys, sizeof(keys), "%s/keys", stage->folder);
    snprintf(stage->ca, sizeof(stage->ca), "%.60s/keys/tls_ca.crt", stage->folder);
    assert_int_equal(mkdir(keys, 0700), 0);
    char *const arguments[] = {stage->binary, "keys", "--out", keys, NULL};
    pid_t child = start_child(stage, arguments);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* One call of the control port: the whole answer. */
static inline void control_text(struct stage *stage, const char *method, const char *target,
                                const char *body, char text[2048])
{
    size_t length = 0;
    int descriptor = connect_to(stage->control);
    assert_true(descriptor >= 0);
    int written = snprintf(text, 2048,
                           "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                           "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                           method, target, strlen(body), body);
    assert_int_equal(write(descriptor, text, (size_t)written), written);
    for (ssize_t got; (got = read(descriptor, text + length, 2047 - length)) > 0;) {
        length += (size_t)got;
    }
    close(descriptor);
    text[length] = '\0';
}

/* The answer is the caller's. */
static inline json_t *control(struct stage *stage, const char *method, const char *target,
                              const char *body)
{
    char text[2048];
    control_text(stage, method, target, body, text);
    const char *answer = strstr(text, "\r\n\r\n");
    assert_non_null(answer);
    if (strstr(text, " 200 ") == NULL) {
        fail_msg("%s %s: %s", target, body, text);
    }
    json_t *read = json_loads(answer + 4, 0, NULL);
    assert_non_null(read);
    return read;
}

static inline void tell(struct stage *stage, const char *target, const char *body)
{
    json_decref(control(stage, "POST", target, body));
}

static inline const char *wallet_name(const struct stage *stage)
{
    return stage->kind == WALLET_ALIPAY ? "alipay" : "wechat";
}

static inline void order_number(char number[WALLET_ORDER_SIZE], const struct payment *payment)
{
    snprintf(number, WALLET_ORDER_SIZE, "%.12s%.8s%06u", payment->rrn, payment->terminal_id,
             payment->stan % 1000000);
}

static inline void order_target(struct stage *stage, const struct payment *payment,
                                char target[160])
{
    char number[WALLET_ORDER_SIZE];
    order_number(number, payment);
    snprintf(target, 160, "/order?wallet=%s&out_trade_no=%s", wallet_name(stage), number);
}

/* The wallet's own book of the order. */
static inline json_t *order_of(struct stage *stage, const struct payment *payment)
{
    char target[160];
    order_target(stage, payment, target);
    return control(stage, "GET", target, "");
}

static inline bool wallet_knows(struct stage *stage, const struct payment *payment)
{
    char target[160], text[2048];
    order_target(stage, payment, target);
    control_text(stage, "GET", target, "", text);
    return strstr(text, " 200 ") != NULL;
}

static inline void assert_book(struct stage *stage, const struct payment *payment,
                               const char *state, int64_t refunded)
{
    json_t *order = order_of(stage, payment);
    assert_string_equal(json_string_value(json_object_get(order, "state")), state);
    assert_int_equal(json_integer_value(json_object_get(order, "refunded")), refunded);
    assert_int_equal(json_integer_value(json_object_get(order, "amount")), payment->amount.minor);
    json_decref(order);
}

/* --- the channel -------------------------------------------------------------------------- */

static inline void stage_on_response(void *argument, uint16_t channel,
                                     const struct payment *payment)
{
    struct stage *stage = argument;
    assert_int_equal(channel, 5);
    if (payment->stan <= stage->last_stan_before) {
        return; /* a wallet that was slow to notify tells of an earlier test's order */
    }
    assert_true(stage->response_count < RESPONSE_COUNT_MAX);
    payment_copy(&stage->responses[stage->response_count++], payment);
}

static inline void stage_on_state(void *argument, uint16_t channel, bool is_up, const char *reason)
{
    struct stage *stage = argument;
    (void)channel;
    (void)reason;
    stage->is_up = is_up;
}

static inline void stage_on_stopped(void *argument, uint16_t channel)
{
    struct stage *stage = argument;
    (void)channel;
    stage->is_stopped = true;
}

static inline bool stage_goes_on(void *argument)
{
    struct stage *stage = argument;
    return !stage->is_done(stage) && loop_now_ns() < stage->give_up_ns;
}

/* Runs the loop until the condition holds, or fails. */
static inline void run_until(struct stage *stage, bool (*is_done)(struct stage *stage))
{
    stage->is_done = is_done;
    stage->give_up_ns = loop_now_ns() + 45000 * MS_NS;
    loop_run_while(stage->loop, stage_goes_on, stage, 45000 * MS_NS);
    assert_true(is_done(stage));
}

static inline bool never(struct stage *stage)
{
    (void)stage;
    return false;
}

static inline void run_for(struct stage *stage, uint64_t ms)
{
    stage->is_done = never;
    stage->give_up_ns = loop_now_ns() + ms * MS_NS;
    loop_run_while(stage->loop, stage_goes_on, stage, ms * MS_NS);
}

static inline bool is_answered(struct stage *stage)
{
    return stage->response_count >= stage->wanted;
}

static inline bool is_up(struct stage *stage)
{
    return stage->is_up;
}

static inline bool is_stopped(struct stage *stage)
{
    return stage->is_stopped;
}

/* The next answer, whatever it is of. */
static inline const struct payment *next_answer(struct stage *stage)
{
    stage->wanted = stage->response_count + 1;
    run_until(stage, is_answered);
    return &stage->responses[stage->response_count - 1];
}

/* The answer to one of several that are under way, in whatever order they are answered. */
static inline const struct payment *answer_to(struct stage *stage, const struct payment *asked)
{
    uint32_t index = 0;
    while (true) {
        if (index == stage->response_count) {
            (void)next_answer(stage);
        }
        if (stage->responses[index].stan == asked->stan) {
            return &stage->responses[index];
        }
        index++;
    }
}

static inline void expect_answer(struct stage *stage, const struct payment *asked, const char *code)
{
    const struct payment *answer = next_answer(stage);
    assert_string_equal(answer->response_code, code);
    assert_int_equal(answer->leg, PAYMENT_RESPONSE);
    assert_int_equal(answer->kind, asked->kind);
    assert_int_equal(answer->stan, asked->stan);
    assert_string_equal(answer->rrn, asked->rrn);
    assert_string_equal(answer->terminal_id, asked->terminal_id);
    assert_true(money_equals(answer->amount, asked->amount));
}

static inline void expect_silence(struct stage *stage, uint64_t ms)
{
    uint32_t count = stage->response_count;
    run_for(stage, ms);
    assert_int_equal(stage->response_count, count);
}

/* Tens of times faster than the wallets, in the same proportions, but for what is patient. */
static inline void put_limits(enum pace pace, struct wallet_setup *setup)
{
    bool is_short = pace == PACE_SHORT;
    setup->certificates_every_ms = 3600000;
    setup->connect_timeout_ms = pace == PACE_PATIENT ? 20000 : 1000;
    setup->timeout_ms = pace == PACE_PATIENT ? 20000 : 500;
    setup->connection_max = setup->connection_max != 0 ? setup->connection_max : 8;
    setup->request_max = 64;
    setup->window = 32;
    setup->answer_life_ms = is_short ? 3000 : 60000;
    setup->query_min_ms = 100;
    setup->query_max_ms = 200;
    setup->query_life_ms = is_short ? 2000 : 40000;
    setup->cancel_after_ms = setup->kind == WALLET_ALIPAY ? 0 : 700;
    setup->retry_min_ms = 100;
    setup->retry_max_ms = 400;
}

static inline struct wallet_setup stage_setup(struct stage *stage,
                                              const struct wallet_setup *changes)
{
    static char app_key[128], app_certificate[128], public_key[128], platform[128], v3_key[128],
        v2_key[128], client_certificate[128], client_key[128], notify_certificate[128],
        notify_key[128], url[64], notify_url[64];
    const struct {
        char *path;
        const char *file;
    } files[] = {{app_key, stage->kind == WALLET_ALIPAY ? "alipay_app.key" : "wechat_merchant.key"},
                 {app_certificate, "wechat_merchant.crt"},
                 {public_key, "alipay.pub"},
                 {platform, "wechat_platform_1.crt"},
                 {v3_key, "wechat_api_v3.key"},
                 {v2_key, "wechat_v2.key"},
                 {client_certificate, "wechat_client.crt"},
                 {client_key, "wechat_client.key"},
                 {notify_certificate, "notify_server.crt"},
                 {notify_key, "notify_server.key"}};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        snprintf(files[i].path, 128, "%s/keys/%s", stage->folder, files[i].file);
    }
    bool is_alipay = stage->kind == WALLET_ALIPAY;
    snprintf(url, sizeof(url), "https://localhost:%u%s", stage->port,
             is_alipay ? "/gateway.do" : "");
    snprintf(notify_url, sizeof(notify_url), "https://localhost:%u/notify", stage->notify_port);
    struct wallet_setup setup = *changes;
    setup.name = "wallet";
    setup.index = 5;
    setup.kind = stage->kind;
    setup.url = setup.url != NULL ? setup.url : url;
    setup.app_id = is_alipay ? "2021000000000001" : "wx0000000000000001";
    setup.mch_id = "1900000001";
    setup.seller_id = "2088000000000001";
    setup.device_ip = "127.0.0.1";
    setup.ca_file = setup.ca_file != NULL ? setup.ca_file : stage->ca;
    setup.app_key_file = setup.app_key_file != NULL ? setup.app_key_file : app_key;
    setup.app_certificate_file = app_certificate;
    setup.wallet_public_key_file = public_key;
    setup.platform_certificates_file =
        setup.platform_certificates_file != NULL ? setup.platform_certificates_file : platform;
    setup.client_certificate_file = client_certificate;
    setup.client_key_file = client_key;
    setup.api_v3_key_file = setup.api_v3_key_file != NULL ? setup.api_v3_key_file : v3_key;
    setup.api_key_file = v2_key;
    put_limits(stage->pace, &setup);
    setup.notify = (struct wallet_notify_setup){.is_on = stage->kind != WALLET_WECHAT_V2,
                                                .address = "127.0.0.1",
                                                .port = stage->notify_port,
                                                .certificate_file = notify_certificate,
                                                .key_file = notify_key,
                                                .url = notify_url,
                                                .connection_max = 16};
    return setup;
}

static inline void start_channel(struct stage *stage, const struct wallet_setup *changes)
{
    const struct wallet_setup setup = stage_setup(stage, changes);
    const struct channel_calls calls = {stage_on_response, stage_on_state, stage_on_stopped, NULL,
                                        stage};
    char reason[CHANNEL_REASON_SIZE];
    stage->is_up = stage->is_stopped = false;
    stage->channel = wallet_channel_create(stage->loop, &setup, &calls, reason);
    if (stage->channel == NULL) {
        fail_msg("%s", reason);
    }
    channel_start(stage->channel);
    run_until(stage, is_up);
}

static inline void stop_channel(struct stage *stage)
{
    if (stage->channel != NULL) {
        channel_stop(stage->channel);
        run_until(stage, is_stopped);
        channel_destroy(stage->channel);
        stage->channel = NULL;
    }
}

/* --- what the engine sends ---------------------------------------------------------------- */

static inline struct payment base_payment(struct stage *stage, enum payment_kind kind)
{
    struct payment payment;
    payment_clear(&payment);
    payment.kind = kind;
    payment.leg = PAYMENT_REQUEST;
    payment.stan = ++stage->next_stan;
    payment.batch = 1;
    payment.amount = (struct money){12345, MONEY_CNY};
    snprintf(payment.terminal_id, sizeof(payment.terminal_id), TERMINAL);
    snprintf(payment.merchant_id, sizeof(payment.merchant_id), "898110058120001");
    snprintf(payment.rrn, sizeof(payment.rrn), "10001%07u", payment.stan % 10000000);
    return payment;
}

static inline struct payment purchase(struct stage *stage)
{
    struct payment payment = base_payment(stage, PAYMENT_PURCHASE);
    snprintf(payment.pay_code, sizeof(payment.pay_code), "%s%08u%08u",
             stage->kind == WALLET_ALIPAY ? "28" : "13", (unsigned)getpid() % 100000000,
             payment.stan % 100000000);
    return payment;
}

static inline void quote(struct payment *payment, const struct payment *original)
{
    payment->original.stan = original->stan;
    payment->original.amount = original->amount;
    memcpy(payment->original.rrn, original->rrn, sizeof(original->rrn));
    memcpy(payment->original.terminal_id, original->terminal_id, sizeof(original->terminal_id));
}

static inline struct payment reversal(struct stage *stage, const struct payment *original,
                                      bool is_approved)
{
    struct payment payment = base_payment(stage, PAYMENT_REVERSAL);
    payment.original_kind = original->kind;
    payment.amount = original->amount;
    memcpy(payment.rrn, original->rrn, sizeof(payment.rrn)); /* a reversal keeps it */
    quote(&payment, original);
    payment.original.is_approved = is_approved;
    return payment;
}

static inline void forward(struct stage *stage, const struct payment *payment)
{
    enum channel_answer answer = channel_forward(stage->channel, payment);
    if (answer != CHANNEL_QUEUED) {
        fail_msg("forward: %s", channel_answer_text(answer));
    }
}

static inline struct payment paid_purchase(struct stage *stage)
{
    struct payment payment = purchase(stage);
    forward(stage, &payment);
    expect_answer(stage, &payment, "00");
    return payment;
}

/* The engine asks again while nobody answers, as its store-and-forward does. */
static inline bool undo_until_done(struct stage *stage, struct payment *undo)
{
    for (uint32_t attempt = 0; attempt < 20; attempt++) {
        stage->wanted = stage->response_count + 1;
        forward(stage, undo);
        undo->is_repeat = 1;
        stage->is_done = is_answered;
        stage->give_up_ns = loop_now_ns() + 3000 * MS_NS;
        loop_run_while(stage->loop, stage_goes_on, stage, 3000 * MS_NS);
        if (is_answered(stage)) {
            const struct payment *answer = &stage->responses[stage->response_count - 1];
            assert_int_equal(answer->kind, PAYMENT_REVERSAL);
            assert_int_equal(answer->stan, undo->stan);
            assert_string_equal(answer->rrn, undo->rrn);
            if (strcmp(answer->response_code, "00") == 0) {
                return true;
            }
            assert_string_equal(answer->response_code, "25");
            run_for(stage, 200);
        }
    }
    return false;
}

static inline void expect_undone(struct stage *stage, struct payment *undo)
{
    assert_true(undo_until_done(stage, undo));
}
