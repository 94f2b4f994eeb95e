/* Wallets of the options become channels. */
#include "switch/channel/wallet_channel.h"
#include "switch/server_state.h"

static enum wallet_kind kind_of(enum option_wallet_kind option)
{
    switch (option) {
    case OPTION_WALLET_KIND_WECHAT_V3:
        return WALLET_WECHAT_V3;
    case OPTION_WALLET_KIND_WECHAT_V2:
        return WALLET_WECHAT_V2;
    case OPTION_WALLET_KIND_ALIPAY:
        break;
    }
    return WALLET_ALIPAY;
}

static struct wallet_notify_setup notify_of(const struct wallet_notify_options *options)
{
    return (struct wallet_notify_setup){.is_on = options->is_on,
                                        .address = options->address,
                                        .port = options->port,
                                        .certificate_file = options->certificate,
                                        .key_file = options->key,
                                        .url = options->url,
                                        .connection_max = options->connection_max};
}

struct channel *server_wallet_create(struct seat *seat, const struct configuration *configuration,
                                     const struct channel_calls *calls,
                                     char reason[CHANNEL_REASON_SIZE])
{
    const struct channel_options *channel = &seat->options;
    const struct wallet_options *wallet = &channel->wallet;
    const struct wallet_setup setup = {
        .name = channel->name,
        .index = seat->index,
        .kind = kind_of(wallet->kind),
        .signs_with_md5 = wallet->sign_type == OPTION_WALLET_SIGN_MD5,
        .url = wallet->url,
        .app_id = wallet->app_id,
        .mch_id = wallet->mch_id,
        .sub_mch_id = wallet->sub_mch_id,
        .seller_id = wallet->seller_id,
        .app_auth_token = wallet->app_auth_token,
        .service_provider_id = wallet->service_provider_id,
        .device_ip = wallet->device_ip,
        .ca_file = wallet->ca,
        .app_key_file = wallet->app_key,
        .app_certificate_file = wallet->app_certificate,
        .wallet_public_key_file = wallet->wallet_public_key,
        .platform_certificates_file = wallet->platform_certificates,
        .client_certificate_file = wallet->client_certificate,
        .client_key_file = wallet->client_key,
        .api_v3_key_file = wallet->api_v3_key,
        .api_key_file = wallet->api_key,
        .certificates_every_ms = wallet->certificates_every_ms,
        .connect_timeout_ms = wallet->connect_timeout_ms,
        .timeout_ms = wallet->timeout_ms,
        .connection_max = wallet->connection_max,
        .request_max = wallet->request_max,
        .window = channel->window,
        .answer_life_ms = configuration->options->engine.response_timeout_ms,
        .query_min_ms = wallet->query_min_ms,
        .query_max_ms = wallet->query_max_ms,
        .query_life_ms = wallet->query_life_ms,
        .cancel_after_ms = wallet->cancel_after_ms,
        .retry_min_ms = wallet->retry_min_ms,
        .retry_max_ms = wallet->retry_max_ms,
        .notify = notify_of(&wallet->notify),
    };
    return wallet_channel_create(seat->server->loop, &setup, calls, reason);
}
