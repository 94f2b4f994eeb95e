/* What is to be told is copied out of the book and signed outside its lock. */
#include "loadtest/wallet/courier.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

#include "loadtest/wallet/alipay.h"
#include "loadtest/wallet/wechat_v3.h"

#define TURN_MS 20
#define PARCEL_COUNT_MAX 32U
#define CONNECT_MS 3000L
#define WHOLE_MS 5000L
#define ANSWER_BYTES_MAX 64U

/* One attempt to notify, under way. */
struct parcel {
    struct notice notice;
    bool is_copy; /* the second of two: its end changes nothing */
    CURL *call;   /* owner */
    struct curl_slist *headers;
    char *body;
    char answer[ANSWER_BYTES_MAX + 1];
    uint32_t answer_length;
};

struct courier {
    struct courier_setup setup;
    CURLM *calls;
    pthread_t thread;
    atomic_bool is_stopping;
    uint32_t parcel_count;
};

static int64_t now_us(const struct courier *courier)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 + courier->setup.gateway->skew_us;
}

static void book_leave(struct courier *courier)
{
    if (book_end(courier->setup.gateway->book) != STATUS_OK) {
        courier->setup.on_broken(courier->setup.argument);
    }
}

static size_t on_answer(char *bytes, size_t size, size_t count, void *argument)
{
    struct parcel *parcel = argument;
    size_t room = ANSWER_BYTES_MAX - parcel->answer_length, all = size * count;
    size_t taken = all < room ? all : room;
    memcpy(parcel->answer + parcel->answer_length, bytes, taken);
    parcel->answer_length += (uint32_t)taken;
    parcel->answer[parcel->answer_length] = '\0';
    return all;
}

static void parcel_free(struct courier *courier, struct parcel *parcel)
{
    if (parcel->call != NULL) {
        curl_multi_remove_handle(courier->calls, parcel->call);
        curl_easy_cleanup(parcel->call);
    }
    curl_slist_free_all(parcel->headers);
    free(parcel->body);
    free(parcel);
    courier->parcel_count--;
}

/* ---- sending ---- */

static bool header_add(struct parcel *parcel, const char *name, const char *value)
{
    char line[SEAL_SIGNATURE_SIZE + 64];
    snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(parcel->headers, line);
    parcel->headers = longer == NULL ? parcel->headers : longer;
    return longer != NULL;
}

/* Spoils what was signed: one character of the trade number. */
static void body_spoil(char *body)
{
    char *at = strstr(body, "trade_no=");
    at = at == NULL ? strstr(body, "EV-") : at;
    if (at != NULL) {
        at += strcspn(at, "0123456789");
        *at = *at == '9' ? '0' : '9';
    }
}

/* Body and headers, signed now. */
static bool parcel_fill(const struct courier *courier, struct parcel *parcel,
                        const struct order *order, const struct verdict *verdict)
{
    const struct gateway *gateway = courier->setup.gateway;
    struct reply signature = {.verdict = *verdict};
    bool is_alipay = order->wallet == WALLET_ALIPAY;
    int64_t at_us = now_us(courier) + (verdict->fate == FATE_SKEW ? INT64_C(600000000) : 0);
    parcel->body =
        is_alipay ? alipay_notify(gateway, order, at_us) : wechat_v3_notify(gateway, order, at_us);
    if (parcel->body == NULL) {
        return false;
    }
    if (is_alipay) {
        if (verdict->fate == FATE_BAD_SIGNATURE) {
            body_spoil(parcel->body);
        }
        return header_add(parcel, "Content-Type",
                          "application/x-www-form-urlencoded; charset=utf-8");
    }
    signature.body = parcel->body;
    bool is_filled =
        header_add(parcel, "Content-Type", "application/json; charset=utf-8") &&
        wechat_v3_sign(gateway, now_us(courier) - gateway->skew_us, &signature) == STATUS_OK;
    for (uint32_t i = 0; i < signature.header_count && is_filled; i++) {
        is_filled = header_add(parcel, signature.headers[i].name, signature.headers[i].value);
    }
    return is_filled;
}

static bool parcel_send(struct courier *courier, struct parcel *parcel)
{
    CURL *call = parcel->call = curl_easy_init();
    if (call == NULL) {
        return false;
    }
    bool is_set = curl_easy_setopt(call, CURLOPT_URL, parcel->notice.url) == CURLE_OK &&
                  curl_easy_setopt(call, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
                  curl_easy_setopt(call, CURLOPT_CAINFO, courier->setup.ca) == CURLE_OK &&
                  curl_easy_setopt(call, CURLOPT_POSTFIELDS, parcel->body) == CURLE_OK &&
                  curl_easy_setopt(call, CURLOPT_HTTPHEADER, parcel->headers) == CURLE_OK &&
                  curl_easy_setopt(call, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) == CURLE_OK &&
                  curl_easy_setopt(call, CURLOPT_TIMEOUT_MS, WHOLE_MS) == CURLE_OK &&
                  curl_easy_setopt(call, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
                  curl_easy_setopt(call, CURLOPT_PROXY, "") == CURLE_OK &&
                  curl_easy_setopt(call, CURLOPT_WRITEFUNCTION, on_answer) == CURLE_OK &&
                  curl_easy_setopt(call, CURLOPT_WRITEDATA, parcel) == CURLE_OK &&
                  curl_easy_setopt(call, CURLOPT_PRIVATE, parcel) == CURLE_OK;
    return is_set && curl_multi_add_handle(courier->calls, call) == CURLM_OK;
}

static void notice_close(struct courier *courier, const struct notice *notice, bool is_delivered)
{
    struct book *book = courier->setup.gateway->book;
    book_begin(book, now_us(courier));
    book_notice_end(book, notice, is_delivered);
    book_leave(courier);
}

static bool notice_send(struct courier *courier, const struct notice *notice,
                        const struct order *order, const struct verdict *verdict, bool is_copy)
{
    struct parcel *parcel = calloc(1, sizeof *parcel);
    if (parcel == NULL) {
        return false;
    }
    courier->parcel_count++;
    parcel->notice = *notice;
    parcel->is_copy = is_copy;
    if (!parcel_fill(courier, parcel, order, verdict) || !parcel_send(courier, parcel)) {
        parcel_free(courier, parcel);
        return false;
    }
    return true;
}

/* Takes what is due out of the book, one at a time. */
static void notices_begin(struct courier *courier)
{
    struct gateway *gateway = courier->setup.gateway;
    bool is_more = true;
    while (is_more && courier->parcel_count < PARCEL_COUNT_MAX) {
        struct notice notice;
        struct order copy;
        struct verdict verdict = {.fate = FATE_COUNT, .is_acted = true};
        book_begin(gateway->book, now_us(courier));
        is_more = book_notice_next(gateway->book, &notice);
        const struct order *order =
            is_more ? book_find(gateway->book, notice.wallet, notice.number) : NULL;
        if (order != NULL) {
            struct occasion occasion = {order->wallet, OPERATION_NOTIFY, "", 0};
            copy = *order;
            mischief_decide(gateway->mischief, &occasion, &verdict);
        }
        book_leave(courier);
        if (!is_more) {
            return;
        }
        bool is_lost = order == NULL || verdict.fate == FATE_SILENT ||
                       verdict.fate == FATE_SILENT_BEFORE || verdict.fate == FATE_DROP;
        if (is_lost || !notice_send(courier, &notice, &copy, &verdict, false)) {
            notice_close(courier, &notice, false);
        } else if (notice.is_twice) {
            (void)notice_send(courier, &notice, &copy, &verdict, true);
        }
    }
}

/* ---- ends ---- */

static bool parcel_is_taken(const struct parcel *parcel, CURLcode result)
{
    long status = 0;
    curl_easy_getinfo(parcel->call, CURLINFO_RESPONSE_CODE, &status);
    if (result != CURLE_OK) {
        return false;
    }
    return parcel->notice.wallet == WALLET_ALIPAY
               ? status == 200 && strcmp(parcel->answer, "success") == 0
               : status == 200 || status == 204;
}

static void calls_end(struct courier *courier)
{
    CURLMsg *message = NULL;
    int left = 0;
    while ((message = curl_multi_info_read(courier->calls, &left)) != NULL) {
        char *place = NULL;
        if (message->msg != CURLMSG_DONE ||
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &place) != CURLE_OK) {
            continue;
        }
        struct parcel *parcel = (struct parcel *)(void *)place;
        bool is_taken = parcel_is_taken(parcel, message->data.result);
        struct notice notice = parcel->notice;
        bool is_copy = parcel->is_copy;
        parcel_free(courier, parcel);
        if (!is_copy) {
            notice_close(courier, &notice, is_taken);
        }
    }
}

static void *courier_run(void *argument)
{
    struct courier *courier = argument;
    while (!atomic_load(&courier->is_stopping)) {
        int running = 0;
        notices_begin(courier);
        curl_multi_perform(courier->calls, &running);
        calls_end(courier);
        curl_multi_poll(courier->calls, NULL, 0, TURN_MS, NULL);
    }
    return NULL;
}

struct courier *courier_start(const struct courier_setup *setup)
{
    struct courier *courier = calloc(1, sizeof *courier);
    if (courier == NULL) {
        return NULL;
    }
    courier->setup = *setup;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    courier->calls = curl_multi_init();
    if (courier->calls == NULL ||
        pthread_create(&courier->thread, NULL, courier_run, courier) != 0) {
        curl_multi_cleanup(courier->calls);
        free(courier);
        return NULL;
    }
    return courier;
}

/* Handles still in the multi handle are its own list: each is taken out and freed. */
static void parcels_abandon(struct courier *courier)
{
    CURLMsg *message = NULL;
    int left = 0, running = 1;
    while (courier->parcel_count > 0 && running > 0) { /* each has its time limit */
        curl_multi_perform(courier->calls, &running);
        while ((message = curl_multi_info_read(courier->calls, &left)) != NULL) {
            char *place = NULL;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &place);
            parcel_free(courier, (struct parcel *)(void *)place);
        }
        curl_multi_poll(courier->calls, NULL, 0, TURN_MS, NULL);
    }
}

void courier_stop(struct courier *courier)
{
    if (courier == NULL) {
        return;
    }
    atomic_store(&courier->is_stopping, true);
    pthread_join(courier->thread, NULL);
    parcels_abandon(courier);
    curl_multi_cleanup(courier->calls);
    curl_global_cleanup();
    free(courier);
}
