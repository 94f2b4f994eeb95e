/* See bank_channel.h. */
#include "switch/channel/bank_channel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/channel/bank_port.h"
#include "switch/channel/bank_state.h"
#include "switch/net/log.h"
#include "switch/net/tls.h"

#define NS_PER_MS UINT64_C(1000000)

static struct bank_channel *bank_of(struct channel *channel)
{
    return (struct bank_channel *)(void *)channel;
}

void bank_review(struct bank_channel *channel, const char *reason)
{
    bool is_any_up = false;
    if (channel->is_stopping) {
        return;
    }
    for (uint32_t i = 0; i < channel->link_count; i++) {
        is_any_up = is_any_up || channel->links[i].state == BANK_IS_UP;
    }
    bank_keys_review(channel, is_any_up);
    bool is_up = is_any_up && !channel->keys.are_awaited;
    if (!(is_up && channel->base.counts.is_up)) {
        channel_base_turn(&channel->base, is_up,
                          is_any_up && !is_up ? "signed on, new keys are awaited" : reason);
    }
}

void bank_link_is_stopped(struct bank_channel *channel)
{
    REQUIRE(channel->links_running > 0);
    if (--channel->links_running == 0) {
        channel->base.calls.on_stopped(channel->base.calls.argument, channel->base.index);
    }
}

/* --- create -------------------------------------------------------------------------------- */

/* The key of the links, tried once: a wrong kind shows at start and not with the first payment. */
static bool find_keys(struct bank_channel *channel, const struct security *security,
                      char reason[CHANNEL_REASON_SIZE])
{
    static const uint8_t nothing[8];
    uint8_t mac[SECURITY_MAC_BYTES];
    int index = security_channel(security, channel->base.name);
    channel->bank.mac =
        (struct security_link){.channel = (uint16_t)index, .algorithm = channel->setup.mac};
    if (index < 0) {
        snprintf(reason, CHANNEL_REASON_SIZE,
                 "channel %s: no key of it is loaded; expected chan:%s:zpk and chan:%s:zak",
                 channel->base.name, channel->base.name, channel->base.name);
        return false;
    }
    if (!channel->setup.has_mac) {
        return true;
    }
    enum hsm_answer answer = security_link_mac(channel->bank.unit, channel->bank.mac,
                                               (struct byte_view){nothing, sizeof(nothing)}, mac);
    if (answer != HSM_DONE) {
        snprintf(reason, CHANNEL_REASON_SIZE,
                 "channel %s: the key chan:%s:zak does not serve its MAC algorithm: %s",
                 channel->base.name, channel->base.name, hsm_answer_text(answer));
    }
    return answer == HSM_DONE;
}

/* One context a side that is in use. */
static bool make_tls(struct bank_channel *channel, char reason[CHANNEL_REASON_SIZE])
{
    const struct bank_tls_setup *tls = &channel->setup.tls;
    char why[TLS_REASON_SIZE] = "";
    bool is_good = true;
    for (uint32_t i = 0; tls->is_on && is_good && i < channel->setup.link_count; i++) {
        bool is_listening = channel->setup.links[i].is_listening;
        SSL_CTX **context = is_listening ? &channel->tls_server : &channel->tls_client;
        if (*context != NULL) {
            continue;
        }
        if (is_listening) {
            const struct tls_server_setup server = {.certificate_file = tls->certificate_file,
                                                    .key_file = tls->key_file,
                                                    .client_ca_file = tls->ca_file,
                                                    .client_is_required = true};
            *context = tls_server_create(&server, why);
        } else {
            const struct tls_client_setup client = {.ca_file = tls->ca_file,
                                                    .certificate_file = tls->certificate_file,
                                                    .key_file = tls->key_file};
            *context = tls_client_create(&client, why);
        }
        is_good = *context != NULL;
    }
    if (!is_good) {
        snprintf(reason, CHANNEL_REASON_SIZE, "channel %s: tls: %.200s", channel->base.name, why);
    }
    return is_good;
}

static bool make_ports(struct bank_channel *channel, struct loop *loop,
                       char reason[CHANNEL_REASON_SIZE])
{
    for (uint32_t i = 0; i < channel->setup.link_count; i++) {
        const struct bank_link_setup *setup = &channel->setup.links[i];
        bool is_served = !setup->is_listening;
        for (uint32_t j = 0; j < channel->port_count; j++) {
            is_served = is_served || bank_port_serves(channel->ports[j], setup);
        }
        if (is_served) {
            continue;
        }
        struct bank_port *port = bank_port_create(channel, loop, setup, reason);
        if (port == NULL) {
            return false;
        }
        channel->ports[channel->port_count++] = port;
    }
    return true;
}

static bool make_links(struct bank_channel *channel, struct loop *loop,
                       char reason[CHANNEL_REASON_SIZE])
{
    const struct bank_setup *setup = &channel->setup;
    const struct inflight_setup waiting = {setup->window,
                                           (uint64_t)setup->answer_life_ms * NS_PER_MS};
    channel->inflight = inflight_create(&waiting);
    if (channel->inflight == NULL) {
        snprintf(reason, CHANNEL_REASON_SIZE, "channel %s: no memory", setup->name);
        return false;
    }
    for (uint8_t i = 0; i < setup->link_count; i++) {
        channel->link_count++;
        if (!bank_link_create(&channel->links[i], channel, i, loop, reason)) {
            return false;
        }
    }
    return true;
}

/* --- forwards ------------------------------------------------------------------------------ */

static enum channel_answer open_pan(struct bank_channel *channel)
{
    struct payment *payment = &channel->outgoing;
    if (payment->pan.digit_count > 0 || payment->pan_sealed.length == 0) {
        return CHANNEL_QUEUED;
    }
    enum hsm_answer answer =
        security_open_pan(channel->bank.unit, &payment->pan_sealed, &payment->pan);
    if (answer != HSM_DONE) {
        LOG(LOG_ERROR, "pan_not_opened", LOG_TEXT("channel", channel->base.name),
            LOG_NUMBER("stan", payment->stan), LOG_TEXT("reason", hsm_answer_text(answer)));
        return CHANNEL_PAN_REFUSED;
    }
    return CHANNEL_QUEUED;
}

static enum channel_answer translate_pin(struct bank_channel *channel)
{
    struct payment *payment = &channel->outgoing;
    if (payment->pin.length == 0) {
        return CHANNEL_QUEUED;
    }
    struct pin_block in = payment->pin;
    const struct security_pin pin = {.terminal_id = payment->terminal_id,
                                     .channel = channel->bank.mac.channel,
                                     .in = &in,
                                     .out_format = channel->setup.pin_format,
                                     .pan = &payment->pan};
    enum hsm_answer answer = security_translate_pin(channel->bank.unit, &pin, &payment->pin);
    secret_wipe(&in, sizeof(in));
    if (answer != HSM_DONE) {
        channel->base.counts.pins_refused++;
        LOG(answer < 0 ? LOG_ERROR : LOG_NOTICE, "pin_not_translated",
            LOG_TEXT("channel", channel->base.name), LOG_TEXT("terminal", payment->terminal_id),
            LOG_NUMBER("stan", payment->stan), LOG_TEXT("reason", hsm_answer_text(answer)));
        return CHANNEL_PIN_REFUSED;
    }
    return CHANNEL_QUEUED;
}

static void fill_institutions(struct bank_channel *channel)
{
    struct payment *payment = &channel->outgoing;
    if (payment->acquirer_id[0] == '\0') {
        memcpy(payment->acquirer_id, channel->setup.acquirer_id, sizeof(payment->acquirer_id));
    }
    if (payment->forwarder_id[0] == '\0') {
        memcpy(payment->forwarder_id, channel->setup.forwarder_id, sizeof(payment->forwarder_id));
    }
}

/* NULL: `answer` says whether none is up, or those that are have no room. */
static struct bank_link *choose_link(struct bank_channel *channel, enum channel_answer *answer)
{
    struct bank_link *best = NULL;
    bool is_balanced = channel->setup.mode == BANK_BALANCED;
    *answer = CHANNEL_DOWN;
    for (uint32_t i = 0; i < channel->link_count; i++) {
        uint32_t turn = is_balanced ? channel->link_last + 1 + i : i;
        struct bank_link *link = &channel->links[turn % channel->link_count];
        bool may_send = bank_link_may_send(link);
        bool is_up = bank_link_is_up(link);
        *answer = is_up ? CHANNEL_FULL : *answer;
        if (may_send && (best == NULL || inflight_link_count(channel->inflight, link->index) <
                                             inflight_link_count(channel->inflight, best->index))) {
            best = link;
        }
        if (is_up && !is_balanced) {
            break; /* a backup is for a primary that is down, not for one that is busy */
        }
    }
    return best;
}

/* The message type decides only where a rule asks for it. */
static uint32_t parts_of(const struct bank_channel *channel, struct byte_view framed)
{
    char mti[5] = "";
    const struct bank_setup *setup = &channel->setup;
    if (setup->match_count > 0) {
        bank_message_mti(&channel->bank, framed, mti);
    }
    return match_rule_parts(setup->match, setup->match_count, mti,
                            channel->outgoing.processing_code);
}

static enum channel_answer put_and_send(struct bank_channel *channel, struct bank_link *link,
                                        struct byte_view framed)
{
    const struct inflight_request request = {&channel->outgoing, parts_of(channel, framed),
                                             link->index};
    enum inflight_put put = inflight_put(channel->inflight, &request, loop_now_ns());
    if (put == INFLIGHT_PUT_DUPLICATE) {
        channel->base.counts.duplicates++;
        return CHANNEL_DUPLICATE;
    }
    if (put == INFLIGHT_PUT_FULL) {
        return CHANNEL_FULL;
    }
    const struct bank_post post = {loop_now_ns() + channel->setup.answer_life_ms * NS_PER_MS,
                                   channel->outgoing.stan, channel->outgoing.kind, false};
    if (!bank_link_put(link, framed, &post)) {
        inflight_cancel(channel->inflight, &request);
        return CHANNEL_FULL;
    }
    channel->link_last = link->index;
    bank_link_sent(link);
    return CHANNEL_QUEUED;
}

static enum channel_answer build_and_send(struct bank_channel *channel)
{
    uint8_t bytes[BANK_MESSAGE_BYTES_MAX];
    char reason[BANK_MESSAGE_REASON_SIZE];
    struct byte_writer writer;
    enum channel_answer answer;
    const struct payment *payment = &channel->outgoing;
    (void)inflight_count(channel->inflight, loop_now_ns());
    struct bank_link *link = choose_link(channel, &answer);
    if (link == NULL) {
        return answer;
    }
    byte_writer_init(&writer, bytes, sizeof(bytes));
    answer = CHANNEL_NOT_BUILT;
    if (bank_message_write(&channel->bank, payment, &writer, reason) != STATUS_OK) {
        LOG(LOG_ERROR, "forward_not_built", LOG_TEXT("channel", channel->base.name),
            LOG_TEXT("kind", payment_kind_name(payment->kind)), LOG_NUMBER("stan", payment->stan),
            LOG_TEXT("terminal", payment->terminal_id), LOG_TEXT("reason", reason));
    } else {
        answer = put_and_send(channel, link, (struct byte_view){bytes, writer.position});
    }
    secret_wipe(bytes, writer.position);
    return answer;
}

static enum channel_answer forward(struct bank_channel *channel, const struct payment *payment)
{
    if (!channel->base.counts.is_up) {
        return CHANNEL_DOWN;
    }
    payment_copy(&channel->outgoing, payment);
    fill_institutions(channel);
    bank_message_fill_years(&channel->outgoing, loop_wall_us());
    enum channel_answer answer = open_pan(channel);
    if (answer == CHANNEL_QUEUED) {
        answer = translate_pin(channel);
    }
    if (answer == CHANNEL_QUEUED) {
        answer = build_and_send(channel);
    }
    payment_wipe(&channel->outgoing);
    return answer;
}

static enum channel_answer bank_forward(struct channel *base, const struct payment *payment)
{
    return forward(bank_of(base), payment);
}

static uint32_t bank_waiting(struct channel *base)
{
    return inflight_count(bank_of(base)->inflight, loop_now_ns());
}

/* --- life ---------------------------------------------------------------------------------- */

static void bank_destroy(struct channel *base)
{
    struct bank_channel *channel = bank_of(base);
    for (uint32_t i = 0; i < channel->link_count; i++) {
        bank_link_destroy(&channel->links[i]);
    }
    for (uint32_t i = 0; i < channel->port_count; i++) {
        bank_port_destroy(channel->ports[i]);
    }
    bank_keys_close(channel);
    inflight_destroy(channel->inflight);
    tls_release(channel->tls_client);
    tls_release(channel->tls_server);
    payment_wipe(&channel->outgoing);
    free(channel);
}

static void bank_start(struct channel *base)
{
    struct bank_channel *channel = bank_of(base);
    for (uint32_t i = 0; i < channel->link_count; i++) {
        channel->links_running++;
        bank_link_start(&channel->links[i]);
    }
}

static void bank_stop(struct channel *base)
{
    struct bank_channel *channel = bank_of(base);
    bool has_signed_off = false;
    if (channel->is_stopping) {
        return;
    }
    channel->is_stopping = true;
    for (uint32_t i = 0; i < channel->port_count; i++) {
        bank_port_stop(channel->ports[i]);
    }
    for (uint32_t i = 0; i < channel->link_count; i++) {
        struct bank_link *link = &channel->links[i];
        bool is_one_for_all = channel->setup.signon == BANK_SIGNON_CHANNEL && has_signed_off;
        if (bank_link_is_up(link) && channel->setup.signon != BANK_SIGNON_NONE && !is_one_for_all) {
            network_sign_off(link);
            has_signed_off = true;
        }
        bank_link_stop(link);
    }
}

static void bank_pause(struct channel *base)
{
    for (uint32_t i = 0; i < bank_of(base)->link_count; i++) {
        link_pause(bank_of(base)->links[i].link);
    }
}

static void bank_resume(struct channel *base)
{
    for (uint32_t i = 0; i < bank_of(base)->link_count; i++) {
        link_resume(bank_of(base)->links[i].link);
    }
}

static uint32_t bank_links(struct channel *base, struct channel_link *links, uint32_t count_max)
{
    struct bank_channel *channel = bank_of(base);
    uint32_t count = channel->link_count < count_max ? channel->link_count : count_max;
    (void)inflight_count(channel->inflight, loop_now_ns());
    for (uint32_t i = 0; i < count; i++) {
        const struct bank_link *link = &channel->links[i];
        bool is_between = link->state == BANK_IS_DOWN;
        links[i] = (struct channel_link){
            .index = link->index,
            .state =
                is_between ? link_state_text(link_state(link->link)) : bank_state_word(link->state),
            .is_up = link->state == BANK_IS_UP,
            .since_us = link->since_us,
            .waiting = inflight_link_count(channel->inflight, link->index),
            .signons = link->signons,
            .connections_lost = link->connections_lost,
            .reason = link->state == BANK_IS_UP ? "" : link->text,
        };
    }
    return count;
}

static const struct channel_ops BANK_OPS = {.destroy = bank_destroy,
                                            .start = bank_start,
                                            .stop = bank_stop,
                                            .forward = bank_forward,
                                            .pause = bank_pause,
                                            .resume = bank_resume,
                                            .waiting = bank_waiting,
                                            .links = bank_links};

/* What the caller's strings say has been read. */
static void forget_texts(struct bank_setup *setup)
{
    for (uint32_t i = 0; i < setup->link_count; i++) {
        setup->links[i].address = NULL;
        setup->links[i].from_count = 0;
    }
    setup->tls.ca_file = setup->tls.certificate_file = setup->tls.key_file = NULL;
}

static bool keep_server_name(struct bank_channel *channel, char reason[CHANNEL_REASON_SIZE])
{
    struct bank_tls_setup *tls = &channel->setup.tls;
    const char *name = tls->is_on && tls->server_name != NULL ? tls->server_name : "";
    int length = snprintf(channel->server_name, sizeof(channel->server_name), "%s", name);
    tls->server_name = channel->server_name;
    if (length < 0 || length >= (int)sizeof(channel->server_name)) {
        snprintf(reason, CHANNEL_REASON_SIZE,
                 "channel %s: the name of the bank's certificate has "
                 "more than %d characters",
                 channel->base.name, BANK_SERVER_NAME_SIZE - 1);
        return false;
    }
    return true;
}

static bool keep_header(struct bank_channel *channel, char reason[CHANNEL_REASON_SIZE])
{
    const struct dialect_header_ids ids = {channel->setup.header_source,
                                           channel->setup.header_destination};
    char why[DIALECT_HEADER_REASON_SIZE];
    bool is_good = dialect_header(channel->setup.dialect, &ids, &channel->bank.header, why);
    if (!is_good) {
        snprintf(reason, CHANNEL_REASON_SIZE, "channel %s: %s", channel->base.name, why);
    }
    return is_good;
}

void bank_setup_host(const struct bank_setup *setup, char host[FRAME_HTTP_POST_TEXT_MAX + 1])
{
    const struct bank_link_setup *first = &setup->links[0];
    const bool is_v6 = strchr(first->address, ':') != NULL;
    int length = snprintf(host, FRAME_HTTP_POST_TEXT_MAX + 1, is_v6 ? "[%s]:%u" : "%s:%u",
                          first->address, (unsigned)first->port);
    REQUIRE(length > 0 && length <= FRAME_HTTP_POST_TEXT_MAX);
}

/* Where messages are posted, if they are. */
static void keep_http(struct bank_channel *channel)
{
    struct bank_setup *setup = &channel->setup;
    if (setup->http_path[0] == '\0') {
        return;
    }
    if (setup->http_host[0] == '\0') {
        bank_setup_host(setup, setup->http_host);
    }
    setup->framing.http_post_path = setup->http_path;
    setup->framing.http_post_host = setup->http_host;
}

struct channel *bank_channel_create(struct loop *loop, struct security *security,
                                    struct security_unit *unit, const struct bank_setup *setup,
                                    const struct channel_calls *calls,
                                    char reason[CHANNEL_REASON_SIZE])
{
    REQUIRE(setup->dialect != NULL && setup->window > 0 && setup->reconnect_min_ms > 0);
    REQUIRE(setup->link_count > 0 && setup->link_count <= BANK_LINK_COUNT_MAX);
    struct bank_channel *channel = calloc(1, sizeof(*channel));
    if (channel == NULL) {
        snprintf(reason, CHANNEL_REASON_SIZE, "channel %s: no memory", setup->name);
        return NULL;
    }
    channel_base_init(&channel->base, &BANK_OPS, setup->name, setup->index, calls);
    channel->setup = *setup;
    channel->loop = loop;
    keep_http(channel);
    channel->security = security;
    bank_keys_init(channel);
    channel->bank = (struct bank_dialect){.channel = channel->base.name,
                                          .dialect = setup->dialect,
                                          .framing = channel->setup.framing,
                                          .tpdu = {0x60},
                                          .has_mac = setup->has_mac,
                                          .unit = unit};
    if (!keep_header(channel, reason) || !find_keys(channel, security, reason) ||
        !keep_server_name(channel, reason) || !make_tls(channel, reason) ||
        !make_ports(channel, loop, reason) || !make_links(channel, loop, reason)) {
        bank_destroy(&channel->base);
        return NULL;
    }
    forget_texts(&channel->setup);
    return &channel->base;
}
