/* See channel_check.h. */
#include "config/channel_check.h"

#include <string.h>

/* What a kind of channel has to have. */
struct need {
    const char *name, *value, *expected;
};

static void need_all(struct document *document, const struct document_node *node,
                     const struct need *needs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (needs[i].value[0] == '\0') {
            document_fault(document, node, "%s is missing: expected %s", needs[i].name,
                           needs[i].expected);
        }
    }
}

static void check_bank(struct document *document, const struct document_node *item,
                       const struct channel_options *channel)
{
    const struct need needs[] = {
        {"dialect", channel->dialect, "the message spec that the bank speaks"}};
    need_all(document, item, needs, sizeof(needs) / sizeof(needs[0]));
}

static void check_notify(struct document *document, const struct document_node *node,
                         const struct wallet_notify_options *notify)
{
    const struct need needs[] = {
        {"wallet.notify.certificate", notify->certificate, "the PEM file of its certificate"},
        {"wallet.notify.key", notify->key, "the PEM file of its private key"},
        {"wallet.notify.url", notify->url, "the URL that the wallet reaches it by"}};
    need_all(document, node, needs, sizeof(needs) / sizeof(needs[0]));
    if (notify->url[0] != '\0' && strncmp(notify->url, "https://", 8) != 0) {
        document_fault(document, node, "wallet.notify.url: expected https://…, got \"%.80s\"",
                       notify->url);
    }
}

static void check_alipay(struct document *document, const struct document_node *node,
                         const struct wallet_options *wallet)
{
    const struct need needs[] = {
        {"wallet.app_key", wallet->app_key, "the PEM file of our private key"},
        {"wallet.wallet_public_key", wallet->wallet_public_key,
         "the PEM file of Alipay's public key"}};
    need_all(document, node, needs, sizeof(needs) / sizeof(needs[0]));
}

static void check_wechat_v3(struct document *document, const struct document_node *node,
                            const struct wallet_options *wallet)
{
    const struct need needs[] = {
        {"wallet.mch_id", wallet->mch_id, "our merchant number"},
        {"wallet.app_key", wallet->app_key, "the PEM file of our private key"},
        {"wallet.app_certificate", wallet->app_certificate, "the PEM file of its certificate"},
        {"wallet.api_v3_key", wallet->api_v3_key, "the file of the APIv3 key"}};
    need_all(document, node, needs, sizeof(needs) / sizeof(needs[0]));
}

static void check_wechat_v2(struct document *document, const struct document_node *node,
                            const struct wallet_options *wallet)
{
    const struct need needs[] = {
        {"wallet.mch_id", wallet->mch_id, "our merchant number"},
        {"wallet.api_key", wallet->api_key, "the file of the API key"},
        {"wallet.client_certificate", wallet->client_certificate,
         "the PEM file of our client certificate, which reverse and refund ask for"},
        {"wallet.client_key", wallet->client_key, "the PEM file of its private key"}};
    need_all(document, node, needs, sizeof(needs) / sizeof(needs[0]));
    if (wallet->notify.is_on) {
        document_fault(document, node,
                       "wallet.notify: expected none with kind wechat_v2, which sends no notify");
    }
}

static void check_wallet(struct document *document, const struct document_node *node,
                         const struct wallet_options *wallet)
{
    if (strncmp(wallet->url, "https://", 8) != 0 || strpbrk(wallet->url, "@?# ") != NULL) {
        document_fault(document, node,
                       "wallet.url: expected https://host[:port][/path] alone, got \"%.80s\"",
                       wallet->url);
    }
    if (wallet->retry_min_ms > wallet->retry_max_ms) {
        document_fault(document, node,
                       "wallet.retry_max_ms: expected at least retry_min_ms (%u), got %u",
                       wallet->retry_min_ms, wallet->retry_max_ms);
    }
    if (wallet->query_max_ms != 0 && wallet->query_min_ms > wallet->query_max_ms) {
        document_fault(document, node,
                       "wallet.query_max_ms: expected at least query_min_ms (%u), got %u",
                       wallet->query_min_ms, wallet->query_max_ms);
    }
    switch (wallet->kind) {
    case OPTION_WALLET_KIND_ALIPAY:
        check_alipay(document, node, wallet);
        break;
    case OPTION_WALLET_KIND_WECHAT_V3:
        check_wechat_v3(document, node, wallet);
        break;
    case OPTION_WALLET_KIND_WECHAT_V2:
        check_wechat_v2(document, node, wallet);
        break;
    }
    if (wallet->notify.is_on) {
        const struct document_node *section = document_member(node, "notify");
        check_notify(document, section != NULL ? section : node, &wallet->notify);
    }
}

void channel_check(struct document *document, const struct document_node *item,
                   const struct channel_options *channel)
{
    if (!channel->wallet.is_on) {
        check_bank(document, item, channel);
        return;
    }
    if (channel->link_count > 0 || channel->port != 0 || channel->dialect[0] != '\0') {
        document_fault(document, item,
                       "address, port, links and dialect: expected none beside the section wallet, "
                       "which has a url");
    }
    check_wallet(document, document_member(item, "wallet"), &channel->wallet);
}
