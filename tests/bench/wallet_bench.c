/* Payments a second of one wallet channel, beside the same requests over the same libcurl that were
 * signed before and whose answers nobody verifies: what signing, verifying and orders cost.
 *
 * wallet_bench KEYS PORT [SECONDS]: a tillway-wallet with those keys listens there. Both sides are
 * measured in turn; processor time is this process's own, the thread pool's included.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "switch/channel/wallet_channel.h"
#include "switch/channel/wallet_http.h"
#include "switch/net/log.h"
#include "tests/bench/bench.h"

#define ROUND_COUNT 3
#define AT_ONCE 32
#define REQUEST_COUNT_MAX 20000
#define GIVE_UP_NS UINT64_C(60000000000)
#define PATH_SIZE 256

struct run {
    struct loop *loop;
    struct channel *channel;
    struct wallet_http *http;
    struct wallet_party party;
    struct wallet_http_call calls[AT_ONCE];
    struct wallet_message *messages; /* signed before */
    uint32_t message_count, sent, done, approved, number;
    uint64_t end_ns;
    bool is_up, is_stopped;
    char folder[PATH_SIZE];
};

static struct run run;

static void fail(const char *text)
{
    fprintf(stderr, "wallet_bench: %s\n", text);
    exit(1);
}

/* --- one payment -------------------------------------------------------------------------- */

static struct payment payment_of(uint32_t number)
{
    struct payment payment;
    payment_clear(&payment);
    payment.kind = PAYMENT_PURCHASE;
    payment.amount = (struct money){1234, MONEY_CNY};
    payment.stan = number % 999999 + 1;
    snprintf(payment.rrn, sizeof(payment.rrn), "2%011u", number);
    snprintf(payment.terminal_id, sizeof(payment.terminal_id), "10000019");
    snprintf(payment.merchant_id, sizeof(payment.merchant_id), "898110058120001");
    snprintf(payment.pay_code, sizeof(payment.pay_code), "28%016u", number);
    return payment;
}

static void forward_next(void)
{
    struct payment payment = payment_of(++run.number);
    if (channel_forward(run.channel, &payment) != CHANNEL_QUEUED) {
        fail("the channel takes no payment");
    }
    run.sent++;
}

static void on_response(void *argument, uint16_t channel, const struct payment *payment)
{
    (void)argument;
    (void)channel;
    run.done++;
    run.approved += strcmp(payment->response_code, "00") == 0;
    if (bench_now_ns() < run.end_ns) {
        forward_next();
    }
}

static void on_state(void *argument, uint16_t channel, bool is_up, const char *reason)
{
    (void)argument;
    (void)channel;
    (void)reason;
    run.is_up = is_up;
}

static void on_stopped(void *argument, uint16_t channel)
{
    (void)argument;
    (void)channel;
    run.is_stopped = true;
}

static bool is_open(void *argument)
{
    (void)argument;
    return run.done < run.sent;
}

/* --- the same, signed before -------------------------------------------------------------- */

static void send_next(struct wallet_http_call *call)
{
    call->message = run.messages[run.sent++];
    if (!wallet_http_send(run.http, call)) {
        fail("libcurl takes no request");
    }
}

static void on_done(struct wallet_http_call *call)
{
    run.done++;
    run.approved += call->reply.http_status == 200;
    if (run.sent < run.message_count) {
        send_next(call);
    }
}

static void sign_all(uint32_t count)
{
    run.message_count = count > REQUEST_COUNT_MAX ? REQUEST_COUNT_MAX : count;
    for (uint32_t i = 0; i < run.message_count; i++) {
        struct payment payment = payment_of(++run.number);
        struct wallet_request request = {.ask = WALLET_ASK_PAY,
                                         .amount_minor = payment.amount.minor,
                                         .wall_s = loop_wall_us() / 1000000};
        snprintf(request.order, sizeof(request.order), "%.12s%.8s%06u", payment.rrn,
                 payment.terminal_id, payment.stan % 1000000);
        memcpy(request.pay_code, payment.pay_code, sizeof(request.pay_code));
        memcpy(request.terminal_id, payment.terminal_id, sizeof(request.terminal_id));
        memcpy(request.merchant_id, payment.merchant_id, sizeof(request.merchant_id));
        if (wallet_write(&run.party, &request, &run.messages[i]) != STATUS_OK) {
            fail("a request cannot be signed");
        }
    }
}

/* --- measuring ---------------------------------------------------------------------------- */

struct result {
    double rate, cpu_us;
};

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static struct result finish(uint64_t begun_ns, double begun_cpu)
{
    loop_run_while(run.loop, is_open, NULL, GIVE_UP_NS);
    double took_s = (double)(bench_now_ns() - begun_ns) / 1e9;
    if (run.done < run.sent || run.approved < run.done) {
        fail("a payment was not answered, or not approved");
    }
    return (struct result){(double)run.done / took_s,
                           (cpu_seconds() - begun_cpu) * 1e6 / (double)run.done};
}

static struct result measure_channel(double seconds)
{
    uint64_t begun_ns = bench_now_ns();
    double begun_cpu = cpu_seconds();
    run.sent = run.done = run.approved = 0;
    run.end_ns = begun_ns + (uint64_t)(seconds * 1e9);
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        forward_next();
    }
    return finish(begun_ns, begun_cpu);
}

static struct result measure_requests(uint32_t count)
{
    sign_all(count);
    uint64_t begun_ns = bench_now_ns();
    double begun_cpu = cpu_seconds();
    run.sent = run.done = run.approved = 0;
    for (uint32_t i = 0; i < AT_ONCE && i < run.message_count; i++) {
        run.calls[i].on_done = on_done;
        send_next(&run.calls[i]);
    }
    return finish(begun_ns, begun_cpu);
}

/* --- setting up --------------------------------------------------------------------------- */

static const char *file(const char *name)
{
    static char paths[8][PATH_SIZE];
    static uint32_t next;
    char *path = paths[next++ % 8];
    snprintf(path, PATH_SIZE, "%.200s/%s", run.folder, name);
    return path;
}

static void read_party(void)
{
    static char pem[8192];
    FILE *from = fopen(file("alipay_app.key"), "r");
    if (from == NULL) {
        fail("KEYS has no alipay_app.key");
    }
    size_t length = fread(pem, 1, sizeof(pem), from);
    fclose(from);
    run.party.kind = WALLET_ALIPAY;
    snprintf(run.party.app_id, sizeof(run.party.app_id), "2021000000000001");
    if (wallet_private_key_read(&run.party.key,
                                (struct byte_view){(const uint8_t *)pem, (uint32_t)length}) !=
        STATUS_OK) {
        fail("alipay_app.key is no key");
    }
}

static bool is_down(void *argument)
{
    (void)argument;
    return !run.is_up;
}

static void on_http_stopped(void *argument)
{
    (void)argument;
}

static void set_up(const char *url)
{
    char reason[CHANNEL_REASON_SIZE];
    const struct wallet_setup setup = {.name = "wallet",
                                       .kind = WALLET_ALIPAY,
                                       .url = url,
                                       .app_id = "2021000000000001",
                                       .ca_file = file("tls_ca.crt"),
                                       .app_key_file = file("alipay_app.key"),
                                       .wallet_public_key_file = file("alipay.pub"),
                                       .connect_timeout_ms = 5000,
                                       .timeout_ms = 15000,
                                       .connection_max = 2 * AT_ONCE,
                                       .request_max = 4 * AT_ONCE,
                                       .window = 4 * AT_ONCE,
                                       .answer_life_ms = 45000};
    const struct channel_calls calls = {
        .on_response = on_response, .on_state = on_state, .on_stopped = on_stopped};
    const struct wallet_http_setup http = {.loop = run.loop,
                                           .url = url,
                                           .ca_file = file("tls_ca.crt"),
                                           .connect_timeout_ms = 5000,
                                           .timeout_ms = 15000,
                                           .connection_max = 2 * AT_ONCE,
                                           .request_max = 4 * AT_ONCE,
                                           .on_stopped = on_http_stopped};
    run.channel = wallet_channel_create(run.loop, &setup, &calls, reason);
    if (run.channel == NULL) {
        fail(reason);
    }
    run.http = wallet_http_create(&http, reason, sizeof(reason));
    run.messages = calloc(REQUEST_COUNT_MAX, sizeof(*run.messages));
    if (run.http == NULL || run.messages == NULL) {
        fail("no memory");
    }
    channel_start(run.channel);
    loop_run_while(run.loop, is_down, NULL, GIVE_UP_NS);
}

int main(int argc, char **argv)
{
    double rates[2][ROUND_COUNT], cpus[2][ROUND_COUNT];
    char url[64];
    if (argc < 3) {
        fail("KEYS PORT [SECONDS] are expected");
    }
    double seconds = argc > 3 ? strtod(argv[3], NULL) : 3;
    log_set_level(LOG_ERROR);
    snprintf(run.folder, sizeof(run.folder), "%s", argv[1]);
    snprintf(url, sizeof(url), "https://localhost:%.5s/gateway.do", argv[2]);
    run.number = (uint32_t)(loop_wall_us() / 1000 % 1000000) * 1000;
    run.loop = loop_create(0, 16);
    read_party();
    set_up(url);
    (void)measure_channel(seconds / 4); /* connections, caches */
    for (uint32_t i = 0; i < ROUND_COUNT; i++) {
        struct result channel = measure_channel(seconds);
        struct result requests = measure_requests((uint32_t)(channel.rate * seconds) + AT_ONCE);
        rates[0][i] = channel.rate;
        rates[1][i] = requests.rate;
        cpus[0][i] = channel.cpu_us;
        cpus[1][i] = requests.cpu_us;
    }
    static const char REFERENCE[] = "requests signed before, not verified";
    bench_print(&(struct bench_figure){.name = "wallet.payments",
                                       .unit = "payments/s",
                                       .reference = REFERENCE,
                                       .value = bench_median(rates[0], ROUND_COUNT),
                                       .reference_value = bench_median(rates[1], ROUND_COUNT)});
    bench_print(&(struct bench_figure){.name = "wallet.cpu",
                                       .unit = "us",
                                       .reference = REFERENCE,
                                       .value = bench_median(cpus[0], ROUND_COUNT),
                                       .reference_value = bench_median(cpus[1], ROUND_COUNT)});
    return 0;
}
