/* Options, then the parts in the order they stand on one another. One thread waits for signals; the
 * others never see any. */
#include "loadtest/wallet/run_command.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "loadtest/arguments.h"
#include "loadtest/wallet/bill.h"
#include "loadtest/wallet/control.h"
#include "loadtest/wallet/courier.h"
#include "loadtest/wallet/server.h"
#include "protocols/base/digits.h"

#define EXIT_USAGE 2
#define GAP_COUNT_MAX 32

struct wallet_options {
    const char *keys, *address, *ledger, *app_id, *seller_id, *appid, *mchid, *gaps, *notify_ca,
        *wechat_notify_url;
    uint64_t port, control, seed, late_ms, buyer_ms, close_ms, hold_ms, reverse_min_ms;
    double faults, fate_percent[FATE_COUNT], mood_percent[MOOD_COUNT], skew_s;
    bool is_full_sync, has_amounts, is_help;
};

static struct wallet_options options = {.address = "127.0.0.1",
                                        .ledger = "wallet.db",
                                        .app_id = "2021000000000001",
                                        .seller_id = "2088000000000001",
                                        .appid = "wx0000000000000001",
                                        .mchid = "1900000001",
                                        .wechat_notify_url = "",
                                        .gaps = "15000,15000,30000,180000,600000,1200000,1800000",
                                        .seed = 1,
                                        .late_ms = 6000,
                                        .buyer_ms = 4000,
                                        .close_ms = 90000,
                                        .hold_ms = 30000,
                                        .reverse_min_ms = 15000};

#define FATE_ARGUMENT(id, option, text)                                                            \
    {option, ARGUMENT_DECIMAL,          &options.fate_percent[FATE_##id], 0,                       \
     100,    "per cent of calls: " text},
#define MOOD_ARGUMENT(id, option, text)                                                            \
    {option,                                                                                       \
     ARGUMENT_DECIMAL,                                                                             \
     &options.mood_percent[MOOD_##id],                                                             \
     0,                                                                                            \
     100,                                                                                          \
     "per cent of payments: " text},
static const struct argument ARGUMENTS[] = {
    {"keys", ARGUMENT_TEXT, &options.keys, 0, 0, "folder that tillway-wallet keys has made"},
    {"address", ARGUMENT_TEXT, &options.address, 0, 0, "IPv4 address to listen on (127.0.0.1)"},
    {"port", ARGUMENT_NUMBER, &options.port, 0, 65535, "HTTPS port; 0: the kernel picks one"},
    {"ledger", ARGUMENT_TEXT, &options.ledger, 0, 0, "SQLite file of the books; kept, read back"},
    {"sync-full", ARGUMENT_FLAG, &options.is_full_sync, 0, 0, "sync each commit to disk"},
    {"alipay-app-id", ARGUMENT_TEXT, &options.app_id, 0, 0, "who calls Alipay (2021000000000001)"},
    {"alipay-seller-id", ARGUMENT_TEXT, &options.seller_id, 0, 0, "who is paid (2088000000000001)"},
    {"wechat-appid", ARGUMENT_TEXT, &options.appid, 0, 0,
     "who calls WeChat Pay (wx0000000000000001)"},
    {"wechat-mchid", ARGUMENT_TEXT, &options.mchid, 0, 0, "who is paid (1900000001)"},
    {"notify-ca", ARGUMENT_TEXT, &options.notify_ca, 0, 0,
     "PEM file that vouches for notify ports (tls_ca.crt of the keys)"},
    {"wechat-notify-url", ARGUMENT_TEXT, &options.wechat_notify_url, 0, 0,
     "where WeChat Pay notifies whoever names no notify_url"},
    {"control", ARGUMENT_NUMBER, &options.control, 1, 65535,
     "plain HTTP port on loopback for scripts (none)"},
    {"notify-gaps-ms", ARGUMENT_TEXT, &options.gaps, 0, 0,
     "from one attempt to notify to the next, by commas"},
    {"reverse-min-ms", ARGUMENT_NUMBER, &options.reverse_min_ms, 0, 3600000,
     "WeChat Pay undoes no younger payment (15000)"},
    {"clock-skew", ARGUMENT_DECIMAL, &options.skew_s, 0, 86400,
     "seconds that the wallets' clock is ahead"},
    {"seed", ARGUMENT_NUMBER, &options.seed, 0, UINT64_C(999999999999), "of the faults' draws"},
    {"faults", ARGUMENT_DECIMAL, &options.faults, 0, 20,
     "late, silent and drop at X per cent each, as much of all other fates together, and of buyers "
     "who take their time, of notifies twice and before the answer"},
    {"late-ms", ARGUMENT_NUMBER, &options.late_ms, 1, 3600000, "how late late answers come (6000)"},
    {"buyer-ms", ARGUMENT_NUMBER, &options.buyer_ms, 0, 3600000,
     "how long a buyer takes to enter a password (4000)"},
    {"close-ms", ARGUMENT_NUMBER, &options.close_ms, 0, 86400000,
     "when an unpaid order is closed (90000)"},
    {"hold-ms", ARGUMENT_NUMBER, &options.hold_ms, 1, 3600000,
     "how long a silent answer holds its connection (30000)"},
    {"magic-amounts", ARGUMENT_FLAG, &options.has_amounts, 0, 0,
     "amounts from 90.01 yuan on act; README lists them"},
    FATE_MAP(FATE_ARGUMENT)
        MOOD_MAP(MOOD_ARGUMENT){"help", ARGUMENT_FLAG, &options.is_help, 0, 0, "this text"},
};

static const char *keys_out;
static bool keys_help;
static const struct argument KEYS_ARGUMENTS[] = {
    {"out", ARGUMENT_TEXT, &keys_out, 0, 0, "folder for keys and certificates, made anew"},
    {"help", ARGUMENT_FLAG, &keys_help, 0, 0, "this text"},
};

int keys_command(int argc, char **argv)
{
    struct arguments arguments = {KEYS_ARGUMENTS, sizeof KEYS_ARGUMENTS / sizeof KEYS_ARGUMENTS[0]};
    if (arguments_read(&arguments, argc, argv, stderr) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (keys_help) {
        printf("usage: tillway-wallet keys --out FOLDER\n");
        arguments_describe(&arguments, stdout);
        return EXIT_SUCCESS;
    }
    if (keys_out == NULL) {
        fprintf(stderr, "--out FOLDER is missing\n");
        return EXIT_USAGE;
    }
    return keyring_make(keys_out, stderr) == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- bill ---- */

static const char *bill_ledger, *bill_wallet = "alipay", *bill_day;
static bool bill_help;
static const struct argument BILL_ARGUMENTS[] = {
    {"ledger", ARGUMENT_TEXT, &bill_ledger, 0, 0, "SQLite file of the books"},
    {"wallet", ARGUMENT_TEXT, &bill_wallet, 0, 0, "alipay (also when absent) or wechat"},
    {"day", ARGUMENT_TEXT, &bill_day, 0, 0, "YYYY-MM-DD, in Beijing"},
    {"help", ARGUMENT_FLAG, &bill_help, 0, 0, "this text"},
};

static int bill_print(enum wallet wallet, int64_t begin_us)
{
    char reason[BOOK_REASON_SIZE];
    struct book_setup books = {bill_ledger, false, NULL, 0};
    struct book *book = access(bill_ledger, R_OK) == 0 ? book_open(&books, reason) : NULL;
    if (book == NULL) {
        fprintf(stderr, "--ledger: %s cannot be read; give the books of a run\n", bill_ledger);
        return EXIT_FAILURE;
    }
    char *bill = bill_write(book, wallet, begin_us);
    bool is_printed = bill != NULL && fputs(bill, stdout) >= 0;
    free(bill);
    book_close(book);
    return is_printed ? EXIT_SUCCESS : EXIT_FAILURE;
}

int bill_command(int argc, char **argv)
{
    struct arguments arguments = {BILL_ARGUMENTS, sizeof BILL_ARGUMENTS / sizeof BILL_ARGUMENTS[0]};
    int64_t begin_us = 0;
    if (arguments_read(&arguments, argc, argv, stderr) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (bill_help) {
        printf("usage: tillway-wallet bill --ledger FILE --day YYYY-MM-DD [--wallet alipay]\n");
        arguments_describe(&arguments, stdout);
        return EXIT_SUCCESS;
    }
    bool is_alipay = strcmp(bill_wallet, "alipay") == 0;
    if (bill_ledger == NULL || bill_day == NULL || day_read(bill_day, &begin_us) != STATUS_OK ||
        (!is_alipay && strcmp(bill_wallet, "wechat") != 0)) {
        fprintf(stderr, "--ledger FILE, --day YYYY-MM-DD and --wallet alipay or wechat are "
                        "expected\n");
        return EXIT_USAGE;
    }
    return bill_print(is_alipay ? WALLET_ALIPAY : WALLET_WECHAT, begin_us);
}

/* ---- run ---- */

/* Everything that stands while it runs. */
struct stage {
    struct keyring keyring;
    struct mischief mischief;
    struct gateway gateway;
    struct book *book;
    struct server *server;
    struct courier *courier;
    struct control *control;
    char notify_ca[4096];
    int64_t gaps_us[GAP_COUNT_MAX];
    uint32_t gap_count;
};

static enum status mischief_fill(struct mischief *mischief)
{
    static const enum fate seldom[] = {FATE_STALL,        FATE_CUT,        FATE_BAD_SIGNATURE,
                                       FATE_SERVER_ERROR, FATE_ERROR_BODY, FATE_SKEW};
    *mischief = (struct mischief){.late_ms = (uint32_t)options.late_ms,
                                  .buyer_ms = (uint32_t)options.buyer_ms,
                                  .close_ms = (uint32_t)options.close_ms,
                                  .has_amounts = options.has_amounts,
                                  .draw = draw_start(options.seed)};
    memcpy(mischief->fate_percent, options.fate_percent, sizeof mischief->fate_percent);
    memcpy(mischief->mood_percent, options.mood_percent, sizeof mischief->mood_percent);
    mischief->fate_percent[FATE_LATE] += options.faults;
    mischief->fate_percent[FATE_SILENT] += options.faults / 2;
    mischief->fate_percent[FATE_SILENT_BEFORE] += options.faults / 2;
    mischief->fate_percent[FATE_DROP] += options.faults;
    const unsigned seldom_count = sizeof seldom / sizeof seldom[0];
    for (unsigned i = 0; i < seldom_count; i++) {
        mischief->fate_percent[seldom[i]] += options.faults / (double)seldom_count;
    }
    mischief->mood_percent[MOOD_USERPAYING] += options.faults;
    mischief->mood_percent[MOOD_NOTIFY_TWICE] += options.faults;
    mischief->mood_percent[MOOD_NOTIFY_FIRST] += options.faults;
    mischief->mood_percent[MOOD_UNDO_AGAIN] += options.faults;
    if (mischief_check(mischief) != STATUS_OK) {
        fprintf(stderr, "the shares of what befalls a call add up to more than 100 per cent\n");
        return STATUS_BAD_VALUE;
    }
    return STATUS_OK;
}

static enum status gaps_read(struct stage *stage)
{
    for (const char *at = options.gaps; *at != '\0';) {
        size_t length = strcspn(at, ",");
        uint64_t gap_ms = 0;
        if (stage->gap_count == GAP_COUNT_MAX || length == 0 || length > 9 ||
            digits_parse(&gap_ms, at, (uint32_t)length, (struct number_range){1, 864000000}) !=
                STATUS_OK) {
            fprintf(stderr,
                    "--notify-gaps-ms: up to %d numbers from 1 to 864000000, with commas between "
                    "them, are expected, not \"%s\"\n",
                    GAP_COUNT_MAX, options.gaps);
            return STATUS_BAD_VALUE;
        }
        stage->gaps_us[stage->gap_count++] = (int64_t)gap_ms * 1000;
        at += length + (at[length] == ',' ? 1 : 0);
    }
    return STATUS_OK;
}

static void counts_print(const struct stage *stage)
{
    struct book_counts counts;
    book_count(stage->book, &counts);
    printf("{\"orders\":%" PRIu64 ",\"paid\":%" PRIu64 ",\"refused\":%" PRIu64
           ",\"refunds\":%" PRIu64 ",\"undone\":%" PRIu64 ",\"repeats\":%" PRIu64
           ",\"notices\":%" PRIu64 ",\"notices_delivered\":%" PRIu64 "}\n",
           counts.orders, counts.paid, counts.refused, counts.refunds, counts.undone,
           counts.repeats, counts.notices, counts.notices_delivered);
}

/* From any thread: the books cannot be kept. The process ends as if it had been told to, but with a
 * failure. */
static void on_broken(void *argument)
{
    (void)argument;
    fprintf(stderr, "tillway-wallet: the ledger %s cannot be written any more; stopping\n",
            options.ledger);
    kill(getpid(), SIGABRT);
}

/* Until SIGTERM or SIGINT; the signals are blocked in every thread. */
static void signals_follow(struct stage *stage, const sigset_t *signals)
{
    int number = 0;
    while (sigwait(signals, &number) == 0 && number == SIGUSR1) {
        book_begin(stage->book, 0);
        stage->mischief.is_healed = true;
        stage->mischief.script_count = 0;
        if (book_end(stage->book) != STATUS_OK) {
            on_broken(NULL);
        }
    }
}

/* Who notifies, and who may be told. */
static enum status stage_help_start(struct stage *stage)
{
    snprintf(stage->notify_ca, sizeof stage->notify_ca, "%s/tls_ca.crt", options.keys);
    struct courier_setup courier = {
        &stage->gateway, options.notify_ca == NULL ? stage->notify_ca : options.notify_ca,
        on_broken, NULL};
    struct control_setup control = {&stage->gateway, (uint16_t)options.control, on_broken, NULL};
    stage->courier = courier_start(&courier);
    stage->control = options.control == 0 ? NULL : control_start(&control);
    if (stage->courier == NULL) {
        fprintf(stderr, "tillway-wallet: no thread for notifies\n");
        return STATUS_NO_MEMORY;
    }
    if (options.control != 0 && stage->control == NULL) {
        fprintf(stderr, "tillway-wallet: --control: port %" PRIu64 " is taken; give a free one\n",
                options.control);
        return STATUS_BROKEN;
    }
    return STATUS_OK;
}

static enum status stage_open(struct stage *stage)
{
    char reason[BOOK_REASON_SIZE];
    if (keyring_load(&stage->keyring, options.keys, reason) != STATUS_OK) {
        fprintf(stderr, "tillway-wallet: %s\n", reason);
        return STATUS_MISSING;
    }
    struct book_setup books = {options.ledger, options.is_full_sync, stage->gaps_us,
                               stage->gap_count};
    stage->book = book_open(&books, reason);
    if (stage->book == NULL) {
        fprintf(stderr, "tillway-wallet: %s\n", reason);
        return STATUS_BROKEN;
    }
    struct gateway *gateway = &stage->gateway;
    gateway->keyring = &stage->keyring;
    gateway->book = stage->book;
    gateway->mischief = &stage->mischief;
    gateway->app_id = options.app_id;
    gateway->seller_id = options.seller_id;
    gateway->appid = options.appid;
    gateway->mchid = options.mchid;
    gateway->wechat_notify_url = options.wechat_notify_url;
    gateway->skew_us = (int64_t)(options.skew_s * 1e6);
    gateway->reverse_min_ms = (uint32_t)options.reverse_min_ms;
    struct server_setup setup = {
        gateway, options.address, (uint16_t)options.port, (uint32_t)options.hold_ms, on_broken,
        NULL};
    stage->server = server_start(&setup, reason);
    if (stage->server == NULL) {
        fprintf(stderr, "tillway-wallet: %s\n", reason);
        return STATUS_BROKEN;
    }
    snprintf(gateway->base_url, sizeof gateway->base_url, "https://%s:%u", options.address,
             server_port(stage->server));
    return stage_help_start(stage);
}

static int stage_run(struct stage *stage)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    int result = EXIT_FAILURE;
    json_object_seed((size_t)options.seed + 1); /* before the threads */
    if (stage_open(stage) == STATUS_OK) {
        printf("listening on %s:%u\n", options.address, server_port(stage->server));
        fflush(stdout);
        signals_follow(stage, &signals);
        result = EXIT_SUCCESS;
    }
    control_stop(stage->control);
    server_stop(stage->server);
    courier_stop(stage->courier);
    if (result == EXIT_SUCCESS) {
        counts_print(stage);
    }
    book_close(stage->book);
    keyring_free(&stage->keyring);
    return result;
}

int run_command(int argc, char **argv)
{
    struct arguments arguments = {ARGUMENTS, sizeof ARGUMENTS / sizeof ARGUMENTS[0]};
    static struct stage stage;
    if (arguments_read(&arguments, argc, argv, stderr) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (options.is_help) {
        printf("usage: tillway-wallet run --keys FOLDER [options]\n");
        arguments_describe(&arguments, stdout);
        return EXIT_SUCCESS;
    }
    if (options.keys == NULL) {
        fprintf(stderr, "--keys FOLDER is missing; tillway-wallet keys --out FOLDER makes them\n");
        return EXIT_USAGE;
    }
    if (mischief_fill(&stage.mischief) != STATUS_OK || gaps_read(&stage) != STATUS_OK) {
        return EXIT_USAGE;
    }
    return stage_run(&stage);
}
