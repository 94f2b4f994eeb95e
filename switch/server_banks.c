/* A bank's channel out of its options. */
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/channel/bank_channel.h"
#include "switch/server_state.h"

_Static_assert(OPTION_LINK_COUNT_MAX == BANK_LINK_COUNT_MAX, "every link of the options is made");
_Static_assert(OPTION_LINK_COUNT_MAX == CONTROL_LINK_COUNT_MAX, "every link is shown");
_Static_assert(OPTION_MATCH_COUNT_MAX == MATCH_RULE_COUNT_MAX, "every match rule is taken");

static bool mac_of(enum option_channel_mac option, enum hsm_mac_algorithm *algorithm)
{
    switch (option) {
    case OPTION_CHANNEL_MAC_X9_9:
        *algorithm = HSM_MAC_X9_9;
        return true;
    case OPTION_CHANNEL_MAC_X9_19:
        *algorithm = HSM_MAC_X9_19;
        return true;
    case OPTION_CHANNEL_MAC_UNIONPAY_ECB:
        *algorithm = HSM_MAC_UNIONPAY_ECB;
        return true;
    case OPTION_CHANNEL_MAC_NONE:
        break;
    }
    return false;
}

static enum pin_block_format pin_format_of(enum option_channel_pin option)
{
    switch (option) {
    case OPTION_CHANNEL_PIN_FORMAT_1:
        return PIN_FORMAT_1;
    case OPTION_CHANNEL_PIN_FORMAT_3:
        return PIN_FORMAT_3;
    case OPTION_CHANNEL_PIN_FORMAT_0:
        break;
    }
    return PIN_FORMAT_0;
}

static enum bank_mode mode_of(enum option_channel_mode option)
{
    return option == OPTION_CHANNEL_MODE_PRIMARY_BACKUP ? BANK_PRIMARY_BACKUP : BANK_BALANCED;
}

static enum bank_signon signon_of(enum option_channel_signon option)
{
    switch (option) {
    case OPTION_CHANNEL_SIGNON_CHANNEL:
        return BANK_SIGNON_CHANNEL;
    case OPTION_CHANNEL_SIGNON_NONE:
        return BANK_SIGNON_NONE;
    case OPTION_CHANNEL_SIGNON_LINK:
        break;
    }
    return BANK_SIGNON_LINK;
}

static struct bank_link_setup link_of(const struct link_options *options)
{
    struct bank_link_setup link = {.address = options->address,
                                   .port = options->port,
                                   .is_listening = options->is_listening,
                                   .window = options->window,
                                   .from_count = options->from.count};
    REQUIRE(options->from.count <= BANK_FROM_COUNT_MAX);
    for (uint32_t i = 0; i < options->from.count; i++) {
        link.from[i] = options->from.items[i];
    }
    return link;
}

static struct match_rule match_of(const struct match_options *options)
{
    struct match_rule rule = {.parts = 0};
    memcpy(rule.mti, options->mti, sizeof(rule.mti));
    memcpy(rule.processing_code, options->processing_code, sizeof(rule.processing_code));
    for (uint32_t i = 0; i < options->fields.count; i++) {
        enum match_part part = match_part_from_name(options->fields.items[i]);
        REQUIRE(part != MATCH_PART_COUNT); /* the options have been checked */
        rule.parts |= 1U << part;
    }
    return rule;
}

static void http_fill(struct bank_setup *setup, const struct channel_options *options)
{
    if (options->framing.may_be_http) {
        snprintf(setup->http_path, sizeof(setup->http_path), "%s", options->framing.http_path);
        snprintf(setup->http_host, sizeof(setup->http_host), "%s", options->framing.http_host);
    }
}

static struct bank_setup setup_of(struct seat *seat, const struct configuration *configuration)
{
    const struct channel_options *options = &seat->options;
    struct bank_setup setup = {
        .index = seat->index,
        .link_count = options->link_count,
        .mode = mode_of(options->mode),
        .signon = signon_of(options->signon),
        .tls = {.is_on = options->tls.is_on,
                .ca_file = options->tls.ca,
                .certificate_file = options->tls.certificate,
                .key_file = options->tls.key,
                .server_name = options->tls.server_name},
        .dialect = edition_dialect(seat->edition),
        .framing = {.length_kind = options->framing.length,
                    .has_tpdu = options->framing.has_tpdu,
                    .length_max = options->framing.length_max},
        .echo_every_ms = options->echo_every_ms,
        .reply_timeout_ms = options->reply_timeout_ms,
        .reconnect_min_ms = options->reconnect_min_ms,
        .reconnect_max_ms = options->reconnect_max_ms,
        .window = options->window,
        .answer_life_ms = configuration->options->engine.response_timeout_ms,
        .half_dead_requests = options->half_dead_requests,
        .half_dead_ms = options->half_dead_ms,
        .match_count = options->match_count,
        .keys_are_asked = options->key_exchange.is_asked,
        .keys_every_ms = options->key_exchange.every_ms,
        .keys_grace_ms = options->key_exchange.grace_ms,
        .keep_keys = server_keys_keep,
        .keep_argument = seat,
        .pin_format = pin_format_of(options->pin_format),
    };
    for (uint32_t i = 0; i < options->link_count; i++) {
        setup.links[i] = link_of(&options->links[i]);
    }
    for (uint32_t i = 0; i < options->match_count; i++) {
        setup.match[i] = match_of(&options->match[i]);
    }
    setup.has_mac = mac_of(options->mac, &setup.mac);
    memcpy(setup.name, options->name, sizeof(setup.name));
    http_fill(&setup, options);
    snprintf(setup.header_source, sizeof(setup.header_source), "%s", options->header.source);
    snprintf(setup.header_destination, sizeof(setup.header_destination), "%s",
             options->header.destination);
    memcpy(setup.acquirer_id, configuration->options->acquirer_id, sizeof(setup.acquirer_id));
    return setup;
}

struct channel *server_bank_create(struct seat *seat, const struct configuration *configuration,
                                   const struct channel_calls *calls,
                                   char reason[CHANNEL_REASON_SIZE])
{
    struct server *server = seat->server;
    seat->edition = edition_hold(configuration_edition(configuration, seat->options.dialect));
    struct bank_setup setup = setup_of(seat, configuration);
    return bank_channel_create(server->loop, server->security, security_unit(server->security, 0),
                               &setup, calls, reason);
}
