/* A wallet as a channel: Alipay or WeChat Pay, asked over HTTPS.
 *
 * To the engine it is a channel like any: a purchase with a payment code becomes a payment of the
 * wallet, a reversal its cancel (or a refund in full, when it is known to be paid), a void or
 * refund a refund. What a request came to is asked for until it is final; what is not known is not
 * answered, so the engine times out and reverses. How an order goes on is wallet_order.h's
 * business.
 *
 * The order number says what the engine matches by, so that a notify needs no memory of ours:
 * RRN (12), terminal (8), channel STAN (6).
 *
 * It is up from the start: a wallet knows no sign-on, and whether it answers is the business of who
 * routes.
 */
#pragma once

#include "protocols/wallet/wallet.h"
#include "switch/channel/channel.h"
#include "switch/net/loop.h"

/* All texts are borrowed for the call that creates; empty ones are not given. */
struct wallet_notify_setup {
    bool is_on;
    const char *address; /* an IP address */
    uint16_t port;       /* 0: the kernel picks one */
    const char *certificate_file, *key_file;
    const char *url; /* as the wallet reaches it */
    uint32_t connection_max;
};

struct wallet_setup {
    const char *name;
    uint16_t index; /* in routing's channel table; comes back in every call */
    enum wallet_kind kind;
    bool signs_with_md5; /* WeChat Pay v2 */
    const char *url;
    const char *app_id, *mch_id, *sub_mch_id, *seller_id;
    const char *app_auth_token, *service_provider_id, *device_ip;
    /* PEM files */
    const char *ca_file;
    const char *app_key_file, *app_certificate_file, *wallet_public_key_file;
    const char *platform_certificates_file; /* may not be there yet */
    const char *client_certificate_file, *client_key_file;
    const char *api_v3_key_file, *api_key_file; /* 32 characters each */
    uint32_t certificates_every_ms;
    uint32_t connect_timeout_ms, timeout_ms;
    uint32_t connection_max, request_max;
    uint32_t window; /* payments, reversals and refunds under way at once */
    /* How long the engine waits for an answer: after that nobody needs it, and it asks again by
     * itself where it must. */
    uint32_t answer_life_ms;
    /* 0: as the wallet's rules say (wallet_order.h) */
    uint32_t query_min_ms, query_max_ms, query_life_ms, cancel_after_ms;
    uint32_t retry_min_ms, retry_max_ms;
    struct wallet_notify_setup notify;
};

/* NULL: `reason` names the file or option that is wrong, and what was expected. */
struct channel *wallet_channel_create(struct loop *loop, const struct wallet_setup *setup,
                                      const struct channel_calls *calls,
                                      char reason[CHANNEL_REASON_SIZE]);

/* The port that the wallet notifies, for tests and logs; 0: none. */
uint16_t wallet_channel_notify_port(const struct channel *channel);
