/* See channel.h. */
#include "switch/channel/channel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/channel/channel_state.h"
#include "switch/net/log.h"

#define NS_PER_MS UINT64_C(1000000)
#define OUTPUT_MAX_FALLBACK (1U << 20)

const char *channel_answer_text(enum channel_answer answer)
{
    static const char *const texts[] = {
#define X(name, text) text,
        CHANNEL_ANSWER_MAP(X)
#undef X
    };
    REQUIRE((unsigned)answer < sizeof(texts) / sizeof(texts[0]));
    return texts[answer];
}

void channel_turn(struct channel *channel, enum channel_state state, const char *reason)
{
    bool was_up = channel->state == CHANNEL_IS_UP;
    bool is_up = state == CHANNEL_IS_UP;
    channel->state = state;
    snprintf(channel->counts.reason, sizeof(channel->counts.reason), "%s", reason);
    if (was_up == is_up) {
        return;
    }
    channel->counts.is_up = is_up;
    channel->counts.up_since_us = is_up ? loop_wall_us() : 0;
    LOG(is_up ? LOG_NOTICE : LOG_WARN, is_up ? "channel_up" : "channel_down",
        LOG_TEXT("channel", channel->setup.name), LOG_TEXT("reason", reason));
    channel->calls.on_state(channel->calls.argument, channel->setup.index, is_up, reason);
}

bool channel_send(struct channel *channel, const struct payment *payment)
{
    uint8_t bytes[BANK_MESSAGE_BYTES_MAX];
    char reason[BANK_MESSAGE_REASON_SIZE] = "the bank does not read";
    struct byte_writer writer;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    bool is_sent = bank_message_write(&channel->bank, payment, &writer, reason) == STATUS_OK &&
                   link_send(channel->link, (struct byte_view){bytes, writer.position});
    secret_wipe(bytes, writer.position);
    if (!is_sent) {
        LOG(LOG_ERROR, "forward_not_sent", LOG_TEXT("channel", channel->setup.name),
            LOG_TEXT("kind", payment_kind_name(payment->kind)), LOG_NUMBER("stan", payment->stan),
            LOG_TEXT("terminal", payment->terminal_id), LOG_TEXT("reason", reason));
    }
    return is_sent;
}

static void on_open(void *owner)
{
    struct channel *channel = owner;
    channel->last_heard_ns = loop_now_ns();
    channel->echo_misses = 0;
    channel_turn(channel, CHANNEL_IS_SIGNING_ON, "connected");
    network_ask(channel, PAYMENT_SIGNON);
}

/* A message that is dropped takes nothing else with it: what it should have said times out. */
static void drop_message(struct channel *channel, enum bank_verdict verdict, const char *reason)
{
    bool is_mac = verdict == BANK_BAD_MAC;
    *(is_mac ? &channel->counts.macs_failed : &channel->counts.unreadable) += 1;
    LOG(LOG_ERROR, is_mac ? "bank_mac_failed" : "bank_message_unreadable",
        LOG_TEXT("channel", channel->setup.name), LOG_TEXT("reason", reason));
}

static void take_payment(struct channel *channel)
{
    const struct payment *payment = &channel->incoming;
    if (payment->leg != PAYMENT_RESPONSE) {
        channel->counts.unexpected++;
        LOG(LOG_WARN, "bank_request_unexpected", LOG_TEXT("channel", channel->setup.name),
            LOG_TEXT("kind", payment_kind_name(payment->kind)), LOG_NUMBER("stan", payment->stan));
        return;
    }
    (void)stan_window_take(channel->window, payment->stan);
    channel->counts.received++;
    channel->calls.on_response(channel->calls.argument, channel->setup.index, payment);
}

static void on_frame(void *owner, struct byte_view bytes)
{
    struct channel *channel = owner;
    char reason[BANK_MESSAGE_REASON_SIZE];
    enum bank_verdict verdict =
        bank_message_read(&channel->bank, bytes, &channel->incoming, reason);
    if (verdict != BANK_READ) {
        drop_message(channel, verdict, reason);
    } else {
        channel->last_heard_ns = loop_now_ns();
        channel->echo_misses = 0;
        if (!network_take(channel)) {
            take_payment(channel);
        }
    }
    payment_wipe(&channel->incoming);
}

static void on_deadline(void *owner)
{
    network_on_deadline(owner);
}

static void on_down(void *owner, const char *text)
{
    struct channel *channel = owner;
    channel->counts.connections_lost++;
    channel->awaited_stan = 0;
    stan_window_clear(channel->window);
    if (channel->state == CHANNEL_IS_DOWN) {
        LOG(LOG_WARN, "channel_not_reached", LOG_TEXT("channel", channel->setup.name),
            LOG_TEXT("reason", text));
    }
    channel_turn(channel, CHANNEL_IS_DOWN, text);
}

static void on_stopped(void *owner)
{
    struct channel *channel = owner;
    channel->state = CHANNEL_IS_DOWN;
    channel->calls.on_stopped(channel->calls.argument, channel->setup.index);
}

static const struct link_calls LINK_CALLS = {.on_open = on_open,
                                             .on_frame = on_frame,
                                             .on_deadline = on_deadline,
                                             .on_down = on_down,
                                             .on_stopped = on_stopped};

/* The key of the link, tried once: a wrong kind shows at start and not with the first payment. */
static bool find_keys(struct channel *channel, const struct security *security,
                      char reason[CHANNEL_REASON_SIZE])
{
    static const uint8_t nothing[8];
    uint8_t mac[SECURITY_MAC_BYTES];
    int index = security_channel(security, channel->setup.name);
    channel->bank.mac =
        (struct security_link){.channel = (uint16_t)index, .algorithm = channel->setup.mac};
    if (index < 0) {
        snprintf(reason, CHANNEL_REASON_SIZE,
                 "channel %s: no key of it is loaded; expected chan:%s:zpk and chan:%s:zak",
                 channel->setup.name, channel->setup.name, channel->setup.name);
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
                 channel->setup.name, channel->setup.name, hsm_answer_text(answer));
    }
    return answer == HSM_DONE;
}

static bool make_link(struct channel *channel, struct loop *loop, char reason[CHANNEL_REASON_SIZE])
{
    const struct channel_setup *setup = &channel->setup;
    struct link_setup link = {.loop = loop,
                              .framing = setup->framing,
                              .reconnect_min_ms = setup->reconnect_min_ms,
                              .reconnect_max_ms = setup->reconnect_max_ms,
                              .connect_timeout_ms = setup->reply_timeout_ms,
                              .output_max =
                                  setup->output_max > 0 ? setup->output_max : OUTPUT_MAX_FALLBACK,
                              .calls = &LINK_CALLS,
                              .owner = channel};
    char text[NET_ADDRESS_TEXT_SIZE];
    bool is_v6 = strchr(setup->address, ':') != NULL;
    int length = snprintf(text, sizeof(text), is_v6 ? "[%s]:%u" : "%s:%u", setup->address,
                          (unsigned)setup->port);
    if (length < 0 || length >= (int)sizeof(text) ||
        net_address_parse(&link.address, text) != STATUS_OK) {
        snprintf(reason, CHANNEL_REASON_SIZE,
                 "channel %s: \"%.60s\" is no IP address; names are not looked up", setup->name,
                 setup->address);
        return false;
    }
    channel->link = link_create(&link);
    channel->window =
        stan_window_create(setup->window, (uint64_t)setup->answer_life_ms * NS_PER_MS);
    snprintf(reason, CHANNEL_REASON_SIZE, "channel %s: no memory", setup->name);
    return channel->link != NULL && channel->window != NULL;
}

struct channel *channel_create(struct loop *loop, struct security *security,
                               struct security_unit *unit, const struct channel_setup *setup,
                               const struct channel_calls *calls, char reason[CHANNEL_REASON_SIZE])
{
    REQUIRE(setup->dialect != NULL && setup->window > 0 && setup->reconnect_min_ms > 0);
    struct channel *channel = calloc(1, sizeof(*channel));
    if (channel == NULL) {
        snprintf(reason, CHANNEL_REASON_SIZE, "channel %s: no memory", setup->name);
        return NULL;
    }
    channel->setup = *setup;
    channel->calls = *calls;
    channel->bank = (struct bank_dialect){.dialect = setup->dialect,
                                          .framing = setup->framing,
                                          .tpdu = {0x60},
                                          .has_mac = setup->has_mac,
                                          .unit = unit};
    if (!find_keys(channel, security, reason) || !make_link(channel, loop, reason)) {
        channel_destroy(channel);
        return NULL;
    }
    channel->setup.address = NULL;
    return channel;
}

void channel_destroy(struct channel *channel)
{
    if (channel == NULL) {
        return;
    }
    link_destroy(channel->link);
    stan_window_destroy(channel->window);
    payment_wipe(&channel->outgoing);
    free(channel);
}

void channel_start(struct channel *channel)
{
    link_start(channel->link);
}

void channel_stop(struct channel *channel)
{
    if (channel->state == CHANNEL_IS_UP) {
        network_sign_off(channel);
    }
    channel->state = CHANNEL_IS_STOPPING;
    channel->counts.is_up = false;
    channel->counts.up_since_us = 0;
    link_stop(channel->link);
}

bool channel_is_up(const struct channel *channel)
{
    return channel->state == CHANNEL_IS_UP;
}

void channel_pause(struct channel *channel)
{
    link_pause(channel->link);
}

void channel_resume(struct channel *channel)
{
    link_resume(channel->link);
}

/* --- forwards ------------------------------------------------------------------------------ */

static enum channel_answer open_pan(struct channel *channel)
{
    struct payment *payment = &channel->outgoing;
    if (payment->pan.digit_count > 0 || payment->pan_sealed.length == 0) {
        return CHANNEL_QUEUED;
    }
    enum hsm_answer answer =
        security_open_pan(channel->bank.unit, &payment->pan_sealed, &payment->pan);
    if (answer != HSM_DONE) {
        LOG(LOG_ERROR, "pan_not_opened", LOG_TEXT("channel", channel->setup.name),
            LOG_NUMBER("stan", payment->stan), LOG_TEXT("reason", hsm_answer_text(answer)));
        return CHANNEL_PAN_REFUSED;
    }
    return CHANNEL_QUEUED;
}

static enum channel_answer translate_pin(struct channel *channel)
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
        channel->counts.pins_refused++;
        LOG(answer < 0 ? LOG_ERROR : LOG_NOTICE, "pin_not_translated",
            LOG_TEXT("channel", channel->setup.name), LOG_TEXT("terminal", payment->terminal_id),
            LOG_NUMBER("stan", payment->stan), LOG_TEXT("reason", hsm_answer_text(answer)));
        return CHANNEL_PIN_REFUSED;
    }
    return CHANNEL_QUEUED;
}

static void fill_institutions(struct channel *channel)
{
    struct payment *payment = &channel->outgoing;
    if (payment->acquirer_id[0] == '\0') {
        memcpy(payment->acquirer_id, channel->setup.acquirer_id, sizeof(payment->acquirer_id));
    }
    if (payment->forwarder_id[0] == '\0') {
        memcpy(payment->forwarder_id, channel->setup.forwarder_id, sizeof(payment->forwarder_id));
    }
}

static enum channel_answer forward(struct channel *channel, const struct payment *payment)
{
    if (channel->state != CHANNEL_IS_UP) {
        return CHANNEL_DOWN;
    }
    payment_copy(&channel->outgoing, payment);
    fill_institutions(channel);
    enum channel_answer answer = open_pan(channel);
    if (answer == CHANNEL_QUEUED) {
        answer = translate_pin(channel);
    }
    if (answer == CHANNEL_QUEUED &&
        !stan_window_put(channel->window, payment->stan, loop_now_ns())) {
        answer = CHANNEL_FULL;
    }
    if (answer == CHANNEL_QUEUED && !channel_send(channel, &channel->outgoing)) {
        (void)stan_window_take(channel->window, payment->stan);
        answer = CHANNEL_NOT_BUILT;
    }
    payment_wipe(&channel->outgoing);
    return answer;
}

enum channel_answer channel_forward(struct channel *channel, const struct payment *payment)
{
    REQUIRE(payment->leg == PAYMENT_REQUEST);
    enum channel_answer answer = forward(channel, payment);
    if (answer == CHANNEL_QUEUED) {
        channel->counts.sent++;
    } else {
        channel->counts.refused++;
    }
    return answer;
}

void channel_count(struct channel *channel, struct channel_counts *counts)
{
    *counts = channel->counts;
    counts->waiting = stan_window_count(channel->window, loop_now_ns());
}
