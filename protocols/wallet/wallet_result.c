/* See wallet_result.h. */
#include "protocols/wallet/wallet_result.h"

#include <string.h>

#include "protocols/base/require.h"

#define ON(ask) (1U << WALLET_ASK_##ask)
#define EVERY ((1U << WALLET_ASK_COUNT) - 1)
#define ALIPAY true
#define WECHAT false
#define ALARM true
#define QUIET false

static const struct wallet_result_row ROWS[] = {
#define X(wallet, asks, code, verdict, response_code, alert)                                       \
    {wallet, asks, code, {WALLET_##verdict, response_code, alert}},
#include "protocols/wallet/wallet_result.def"
#undef X
};
#define ROW_COUNT (sizeof(ROWS) / sizeof(ROWS[0]))

/* Whether nothing has moved when the wallet refuses this: then even a code that is not known is a
 * failure. Of the others it is "nobody can say". */
static bool is_refusal_final(enum wallet_ask ask)
{
    return ask == WALLET_ASK_PAY || ask == WALLET_ASK_REFUND;
}

static struct wallet_result result_of(enum wallet_verdict verdict, const char *response_code,
                                      bool is_alert)
{
    struct wallet_result result = {.verdict = verdict, .is_alert = is_alert};
    memcpy(result.response_code, response_code, strlen(response_code) + 1);
    return result;
}

static const struct wallet_result_row *find(bool is_alipay, enum wallet_ask ask, const char *code)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct wallet_result_row *row = &ROWS[i];
        if (row->is_alipay == is_alipay && (row->asks >> ask & 1) != 0 &&
            strcmp(row->code, code) == 0) {
            return row;
        }
    }
    return NULL;
}

/* Refused with a code of no row: the documents name more codes each year, all of them refusals. */
static struct wallet_result refused(enum wallet_ask ask)
{
    return is_refusal_final(ask) ? result_of(WALLET_FAILED, "96", true)
                                 : result_of(WALLET_UNKNOWN, "", true);
}

/* "ACQ.SYSTEM_ERROR", "isp.unknow-error", "aop.…": what the gateway could not find out. */
static bool is_system_error(const char *sub_code)
{
    return strcmp(sub_code, "ACQ.SYSTEM_ERROR") == 0 || strncmp(sub_code, "isp.", 4) == 0;
}

struct wallet_result wallet_result_alipay(enum wallet_ask ask, const char *code,
                                          const char *sub_code)
{
    static const char *const misused[] = {"20001", "40001", "40002", "40006"};
    if (strcmp(code, "10003") == 0) {
        return result_of(ask == WALLET_ASK_PAY ? WALLET_WAITING : WALLET_UNKNOWN, "", false);
    }
    if (strcmp(code, "20000") == 0 || is_system_error(sub_code)) {
        return result_of(WALLET_UNKNOWN, "", false);
    }
    for (size_t i = 0; i < sizeof(misused) / sizeof(misused[0]); i++) {
        if (strcmp(code, misused[i]) == 0) {
            return refused(ask);
        }
    }
    if (strcmp(code, "40004") != 0) {
        return result_of(WALLET_UNKNOWN, "", true);
    }
    bool has_prefix = strncmp(sub_code, "ACQ.", 4) == 0;
    const struct wallet_result_row *row = find(true, ask, sub_code + (has_prefix ? 4 : 0));
    return row != NULL ? row->result : refused(ask);
}

struct wallet_result wallet_result_wechat(enum wallet_ask ask, const char *code)
{
    const struct wallet_result_row *row = find(false, ask, code);
    if (row != NULL) {
        return row->result;
    }
    return ask == WALLET_ASK_CANCEL ? result_of(WALLET_AGAIN, "", true) : refused(ask);
}

struct wallet_result wallet_result_state(const char *state)
{
    static const struct {
        const char *state;
        struct wallet_result result;
    } states[] = {
        {"WAIT_BUYER_PAY", {WALLET_WAITING, "", false}},
        {"TRADE_SUCCESS", {WALLET_PAID, "", false}},
        {"TRADE_FINISHED", {WALLET_PAID, "", false}},
        {"TRADE_CLOSED", {WALLET_UNDONE, "", false}},
        {"SUCCESS", {WALLET_PAID, "", false}},
        {"REFUND", {WALLET_UNDONE, "", false}},
        {"NOTPAY", {WALLET_WAITING, "", false}},
        {"CLOSED", {WALLET_UNDONE, "", false}},
        {"REVOKED", {WALLET_UNDONE, "", false}},
        {"USERPAYING", {WALLET_WAITING, "", false}},
        {"PAYERROR", {WALLET_FAILED, "57", false}},
        {"ACCEPT", {WALLET_WAITING, "", false}},
    };
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(state, states[i].state) == 0) {
            return states[i].result;
        }
    }
    return result_of(WALLET_UNKNOWN, "", true);
}

struct wallet_result wallet_result_refund(const char *status)
{
    static const struct {
        const char *status;
        struct wallet_result result;
    } statuses[] = {
        {"REFUND_SUCCESS", {WALLET_REFUNDED, "", false}},
        {"SUCCESS", {WALLET_REFUNDED, "", false}},
        {"PROCESSING", {WALLET_WAITING, "", false}},
        {"REFUND_PROCESSING", {WALLET_WAITING, "", false}},
        {"CLOSED", {WALLET_FAILED, "57", false}},
        {"REFUNDCLOSE", {WALLET_FAILED, "57", false}},
        /* The money came back to the merchant: an operator pays the customer by hand. */
        {"ABNORMAL", {WALLET_FAILED, "96", true}},
        {"CHANGE", {WALLET_FAILED, "96", true}},
        {"REFUND_FAIL", {WALLET_FAILED, "57", true}},
    };
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (strcmp(status, statuses[i].status) == 0) {
            return statuses[i].result;
        }
    }
    return result_of(WALLET_UNKNOWN, "", true);
}

uint32_t wallet_result_count(void)
{
    return (uint32_t)ROW_COUNT;
}

const struct wallet_result_row *wallet_result_at(uint32_t index)
{
    REQUIRE(index < ROW_COUNT);
    return &ROWS[index];
}
