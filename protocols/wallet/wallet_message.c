/* See wallet_message.h. */
#include "protocols/wallet/wallet_message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "protocols/base/secret.h"
#include "protocols/wallet/alipay.h"
#include "protocols/wallet/wechat_v2.h"
#include "protocols/wallet/wechat_v3.h"

void wallet_party_clear(struct wallet_party *party)
{
    EVP_PKEY_free(party->key);
    wallet_keys_clear(&party->keys);
    secret_wipe(party, sizeof(*party));
}

enum status wallet_write(const struct wallet_party *party, const struct wallet_request *request,
                         struct wallet_message *message)
{
    message->is_get = false;
    message->wants_client_certificate = false;
    message->content_type = NULL;
    message->target[0] = message->authorization[0] = '\0';
    message->body_length = 0;
    switch (party->kind) {
    case WALLET_ALIPAY:
        return alipay_write(party, request, message);
    case WALLET_WECHAT_V3:
        return wechat_v3_write(party, request, message);
    case WALLET_WECHAT_V2:
        break;
    }
    return wechat_v2_write(party, request, message);
}

static void answer_begin(struct wallet_answer *answer)
{
    memset(answer, 0, sizeof(*answer));
    answer->amount_minor = -1;
    answer->verdict = WALLET_UNKNOWN;
}

void wallet_read(struct wallet_party *party, const struct wallet_request *request,
                 const struct wallet_reply *reply, struct wallet_answer *answer)
{
    answer_begin(answer);
    switch (party->kind) {
    case WALLET_ALIPAY:
        alipay_read(party, request, reply, answer);
        break;
    case WALLET_WECHAT_V3:
        wechat_v3_read(party, request, reply, answer);
        break;
    case WALLET_WECHAT_V2:
        wechat_v2_read(party, request, reply, answer);
        break;
    }
    REQUIRE(answer->verdict != WALLET_FAILED || answer->response_code[0] != '\0');
}

void wallet_read_notify(const struct wallet_party *party, const struct wallet_reply *reply,
                        struct wallet_answer *answer)
{
    answer_begin(answer);
    switch (party->kind) {
    case WALLET_ALIPAY:
        alipay_read_notify(party, reply, answer);
        break;
    case WALLET_WECHAT_V3:
        wechat_v3_read_notify(party, reply, answer);
        break;
    case WALLET_WECHAT_V2:
        wallet_answer_say(answer, "WeChat Pay v2 sends no notify of a payment by code");
        break;
    }
}

void wallet_answer_say(struct wallet_answer *answer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(answer->words, sizeof(answer->words), format, arguments);
    va_end(arguments);
    answer->verdict = WALLET_UNKNOWN;
}

/* Spellings as the wallets have them: v2, v3, Alipay. */
static const struct {
    const char *code, *cause;
} CAUSES[] = {
#define SIGNATURE                                                                                  \
    "it does not take our signature: is our key the one it knows of us, and our clock right?"
    {"SIGNERROR", SIGNATURE},
    {"SIGN_ERROR", SIGNATURE},
    {"isv.invalid-signature", SIGNATURE},
#define RIGHT "it says that we have no right to this: look at the contract with the wallet"
    {"NOAUTH", RIGHT},
    {"NO_AUTH", RIGHT},
    {"isv.insufficient-isv-permissions", RIGHT},
    {"ACQ.ACCESS_FORBIDDEN", RIGHT},
    {"APPID_MCHID_NOT_MATCH", "wallet.app_id and wallet.mch_id do not belong together"},
    {"MCH_NOT_EXISTS", "it knows no merchant of wallet.mch_id"},
    {"isv.invalid-app-id", "it knows no application of wallet.app_id"},
    {"isv.invalid-timestamp", "it does not take our time: look at this machine's clock"},
};

void wallet_answer_explain(struct wallet_answer *answer, const char *code)
{
    for (size_t i = 0; i < sizeof(CAUSES) / sizeof(CAUSES[0]); i++) {
        if (strcmp(CAUSES[i].code, code) == 0) {
            size_t length = strlen(answer->words);
            snprintf(answer->words + length, sizeof(answer->words) - length, ": %s",
                     CAUSES[i].cause);
            return;
        }
    }
}

void wallet_answer_forge(struct wallet_answer *answer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(answer->words, sizeof(answer->words), format, arguments);
    va_end(arguments);
    answer->verdict = WALLET_UNKNOWN;
    answer->is_forged = answer->is_alert = true;
}

bool wallet_answer_fits(struct wallet_answer *answer, const struct wallet_request *request,
                        const char *order)
{
    if (strcmp(order, request->order) == 0) {
        return true;
    }
    wallet_answer_say(answer, "the answer speaks of order %.64s, asked was %s",
                      order[0] == '\0' ? "(none)" : order, request->order);
    answer->is_alert = true;
    return false;
}
