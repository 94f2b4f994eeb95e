/* A path tells the wallet; a call that fits nowhere is no fault of ours. */
#include "loadtest/wallet/gateway.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loadtest/wallet/alipay.h"
#include "loadtest/wallet/bill.h"
#include "loadtest/wallet/wechat_v2.h"
#include "loadtest/wallet/wechat_v3.h"
#include "protocols/base/digits.h"
#include "protocols/base/require.h"

#define NOTIFY_LEAD_MS 400 /* of a notify before the answer */
#define BEIJING_SECONDS (8 * 3600)

void reply_free(struct reply *reply)
{
    free(reply->body);
    reply->body = NULL;
}

void reply_header(struct reply *reply, const char *name, const char *value)
{
    REQUIRE(reply->header_count < REPLY_HEADER_COUNT_MAX);
    reply->headers[reply->header_count].name = name;
    snprintf(reply->headers[reply->header_count].value, sizeof reply->headers[0].value, "%s",
             value);
    reply->header_count++;
}

bool gateway_decide(struct gateway *gateway, const struct call *call,
                    const struct occasion *occasion, struct reply *reply)
{
    if (call->verdict != NULL) {
        reply->verdict = *call->verdict;
        return true;
    }
    mischief_decide(gateway->mischief, occasion, &reply->verdict);
    reply->is_held = reply->verdict.fate == FATE_STALL;
    reply->delay_ms = reply->is_held ? reply->verdict.late_ms : 0;
    return !reply->is_held;
}

void gateway_purchase(const struct verdict *verdict, struct purchase *purchase)
{
    purchase->state = purchase->due_state = ORDER_PAID;
    purchase->refusal = verdict->refusal;
    purchase->notice_copies = verdict->moods[MOOD_NOTIFY_TWICE] ? 2 : 1;
    purchase->query_fails = verdict->moods[MOOD_QUERY_FAILS];
    purchase->retries = verdict->moods[MOOD_UNDO_AGAIN] ? 2 : 0;
    bool is_at_once = verdict->fate != FATE_COUNT; /* the buyer failed while the answer lingered */
    if (verdict->moods[MOOD_DECLINE] || (verdict->moods[MOOD_PAYERROR] && is_at_once)) {
        purchase->state = ORDER_FAILED;
    } else if (verdict->moods[MOOD_NEVER_PAID]) {
        purchase->state = ORDER_WAITING;
        purchase->due_state = ORDER_CLOSED;
        purchase->wait_us = INT64_C(1000) * verdict->close_ms;
    } else if (verdict->moods[MOOD_PAYERROR] || verdict->moods[MOOD_USERPAYING]) {
        purchase->state = ORDER_WAITING;
        purchase->due_state = verdict->moods[MOOD_PAYERROR] ? ORDER_FAILED : ORDER_PAID;
        purchase->wait_us = INT64_C(1000) * verdict->buyer_ms;
    }
    if (purchase->due_state != ORDER_FAILED && purchase->state != ORDER_FAILED) {
        purchase->refusal = REFUSAL_NONE;
    }
}

/* What the verdict makes of an answer that is ready. */
static void reply_befall(struct reply *reply)
{
    const struct verdict *verdict = &reply->verdict;
    reply->delay_ms = verdict->moods[MOOD_NOTIFY_FIRST] ? NOTIFY_LEAD_MS : 0;
    switch (verdict->fate) {
    case FATE_LATE:
        reply->delay_ms = verdict->late_ms;
        break;
    case FATE_SILENT:
    case FATE_SILENT_BEFORE:
        reply->ending = REPLY_NEVER;
        break;
    case FATE_DROP:
        reply->ending = REPLY_DROPPED;
        break;
    case FATE_CUT:
        reply->ending = REPLY_CUT;
        break;
    case FATE_SERVER_ERROR:
        free(reply->body);
        reply->body = strdup("<html><body><h1>500 Internal Server Error</h1></body></html>");
        reply->status = 500;
        reply->type = "text/html";
        reply->header_count = 0;
        break;
    case FATE_STALL:
    case FATE_BAD_SIGNATURE:
    case FATE_ERROR_BODY:
    case FATE_SKEW:
    case FATE_COUNT:
        break;
    }
}

enum status gateway_answer(struct gateway *gateway, const struct call *call, struct reply *reply)
{
    enum status status = STATUS_OK;
    *reply = (struct reply){.status = 404, .type = "text/plain", .verdict = {.fate = FATE_COUNT}};
    if (strcmp(call->path, "/gateway.do") == 0) {
        status = alipay_answer(gateway, call, reply);
    } else if (strncmp(call->path, "/v3/", 4) == 0) {
        status = wechat_v3_answer(gateway, call, reply);
    } else if (wechat_v2_serves(call->path)) {
        status = wechat_v2_answer(gateway, call, reply);
    } else {
        status = alipay_bill_answer(gateway, call, reply);
    }
    if (status == STATUS_OK && !reply->is_held) {
        reply_befall(reply);
    }
    if (status == STATUS_OK && !reply->is_held && reply->body == NULL) {
        status = STATUS_NO_MEMORY;
    }
    return status;
}

/* ---- words and numbers ---- */

const char *json_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

json_t *json_object_read(struct byte_view text)
{
    json_error_t fault;
    json_t *value = text.length == 0 ? NULL
                                     : json_loadb((const char *)text.bytes, text.length,
                                                  JSON_REJECT_DUPLICATES, &fault);
    if (value != NULL && !json_is_object(value)) {
        json_decref(value);
        value = NULL;
    }
    return value;
}

bool number_is_sound(const char *text, uint32_t count_max, const char *others)
{
    size_t length = strlen(text);
    for (const char *at = text; *at != '\0'; at++) {
        bool is_plain = (unsigned char)*at < 128 && isalnum((unsigned char)*at);
        if (!is_plain && strchr(others, *at) == NULL) {
            return false;
        }
    }
    return length >= 1 && length <= count_max;
}

bool text_is_digits(const char *text, uint32_t count_min, uint32_t count_max)
{
    size_t length = strlen(text);
    return length >= count_min && length <= count_max && strspn(text, "0123456789") == length;
}

bool code_is_of(enum wallet wallet, const char *code)
{
    bool is_alipay = wallet == WALLET_ALIPAY;
    if (!text_is_digits(code, is_alipay ? 16 : 18, is_alipay ? 24 : 18)) {
        return false;
    }
    int prefix = (code[0] - '0') * 10 + code[1] - '0';
    return is_alipay ? prefix >= 25 && prefix <= 30 : prefix >= 10 && prefix <= 15;
}

enum status yuan_read(const char *text, int64_t *fen)
{
    size_t whole = strspn(text, "0123456789");
    const char *point = text + whole;
    size_t decimals = *point == '.' ? strspn(point + 1, "0123456789") : 0;
    bool is_sound = whole >= 1 && whole <= 12 && decimals <= 2 &&
                    (*point == '\0' || (decimals > 0 && point[1 + decimals] == '\0'));
    if (!is_sound) {
        return STATUS_MALFORMED;
    }
    int64_t value = 0;
    for (size_t i = 0; i < whole; i++) {
        value = value * 10 + (text[i] - '0');
    }
    for (size_t i = 0; i < 2; i++) {
        value = value * 10 + (i < decimals ? point[1 + i] - '0' : 0);
    }
    if (value < 1 || value > GATEWAY_AMOUNT_MAX) {
        return STATUS_BAD_VALUE;
    }
    *fen = value;
    return STATUS_OK;
}

void yuan_write(int64_t fen, char text[24])
{
    snprintf(text, 24, "%lld.%02lld", (long long)(fen / 100), (long long)(fen % 100));
}

void time_write(int64_t at_us, const char *format, char *text, uint32_t size)
{
    time_t at = (time_t)(at_us / 1000000 + BEIJING_SECONDS);
    struct tm date;
    gmtime_r(&at, &date);
    if (strftime(text, size, format, &date) == 0) {
        text[0] = '\0';
    }
}

/* Of a day's begin, UTC: days since 1970 in the proleptic Gregorian calendar. */
static int64_t day_seconds(int year, int month, int day)
{
    int64_t years = month <= 2 ? year - 1 : year;
    int64_t era_day = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t days = 365 * years + years / 4 - years / 100 + years / 400 + era_day - 719468;
    return days * 86400;
}

enum status day_read(const char *text, int64_t *begin_us)
{
    char digits[9];
    size_t length = strlen(text);
    bool has_dashes = length == 10 && text[4] == '-' && text[7] == '-';
    if (has_dashes) {
        snprintf(digits, sizeof digits, "%.4s%.2s%.2s", text, text + 5, text + 8);
    } else if (length == 8) {
        memcpy(digits, text, sizeof digits);
    } else {
        return STATUS_MALFORMED;
    }
    uint64_t day = 0;
    if (digits_parse(&day, digits, 8, (struct number_range){19700101, 21001231}) != STATUS_OK) {
        return STATUS_MALFORMED;
    }
    int64_t begin = day_seconds((int)(day / 10000), (int)(day / 100 % 100), (int)(day % 100));
    time_t at = (time_t)begin;
    struct tm date;
    gmtime_r(&at, &date);
    if (date.tm_mon + 1 != (int)(day / 100 % 100) || date.tm_mday != (int)(day % 100)) {
        return STATUS_MALFORMED; /* no such day */
    }
    *begin_us = (begin - BEIJING_SECONDS) * 1000000;
    return STATUS_OK;
}
