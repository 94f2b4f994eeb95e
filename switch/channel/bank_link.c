/* One link of a bank: what comes on it, what leaves on it, and whether it may still be trusted. */
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/channel/bank_port.h"
#include "switch/channel/bank_state.h"
#include "switch/net/log.h"

#define NS_PER_MS UINT64_C(1000000)
#define OUTPUT_MAX_FALLBACK (1U << 20)

const char *bank_state_word(enum bank_state state)
{
    static const char *const words[] = {
#define X(name, word, text) word,
        BANK_STATE_MAP(X)
#undef X
    };
    REQUIRE((unsigned)state < sizeof(words) / sizeof(words[0]));
    return words[state];
}

void bank_link_turn(struct bank_link *link, enum bank_state state, const char *reason)
{
    bool was_up = link->state == BANK_IS_UP;
    bool is_up = state == BANK_IS_UP;
    link->since_us = link->state != state ? loop_wall_us() : link->since_us;
    link->state = state;
    snprintf(link->text, sizeof(link->text), "%s", reason);
    if (was_up != is_up && link->channel->link_count > 1) {
        LOG(is_up ? LOG_NOTICE : LOG_WARN, is_up ? "link_up" : "link_down",
            LOG_TEXT("channel", link->channel->base.name), LOG_NUMBER("link", link->index),
            LOG_TEXT("reason", reason));
    }
    bank_review(link->channel, reason);
}

bool bank_link_is_up(const struct bank_link *link)
{
    return link->state == BANK_IS_UP && link_state(link->link) == LINK_OPEN;
}

bool bank_link_is_doubtful(const struct bank_link *link)
{
    const struct bank_setup *setup = &link->channel->setup;
    uint64_t since =
        link->unanswered_since_ns > link->tested_ns ? link->unanswered_since_ns : link->tested_ns;
    bool is_being_tested = link->awaited_stan != 0;
    return setup->half_dead_requests > 0 && link->unanswered > 0 &&
           (is_being_tested || loop_now_ns() - since >= setup->half_dead_ms * NS_PER_MS);
}

void bank_link_drop_half_dead(struct bank_link *link, const char *more)
{
    char text[CHANNEL_REASON_SIZE];
    snprintf(text, sizeof(text),
             "half dead: %u requests in a row%s were taken and none of them answered, for %u ms",
             link->unanswered, more,
             (unsigned)((loop_now_ns() - link->unanswered_since_ns) / NS_PER_MS));
    link->channel->base.counts.half_dead++;
    link_drop(link->link, CLOSE_IDLE, text);
}

/* Sends still succeed, and nothing comes back: the other side, or something on the way, is gone
 * without a word. Judged by answers to what this link carried, on whatever link they come. */
static bool is_half_dead(const struct bank_link *link)
{
    const struct bank_setup *setup = &link->channel->setup;
    return setup->half_dead_requests > 0 && link->unanswered >= setup->half_dead_requests &&
           loop_now_ns() - link->unanswered_since_ns >= setup->half_dead_ms * NS_PER_MS;
}

bool bank_link_may_send(struct bank_link *link)
{
    if (!bank_link_is_up(link)) {
        return false;
    }
    if (is_half_dead(link)) {
        bank_link_drop_half_dead(link, "");
        return false;
    }
    if (!link_has_room(link->link)) {
        return false;
    }
    return link->posts.items != NULL
               ? !bank_posts_are_full(&link->posts)
               : inflight_link_count(link->channel->inflight, link->index) < link->window;
}

bool bank_link_put(struct bank_link *link, struct byte_view framed, const struct bank_post *post)
{
    if (bank_posts_are_full(&link->posts) || !link_send(link->link, framed)) {
        return false;
    }
    if (link->posts.items != NULL) {
        bank_posts_put(&link->posts, post);
        if (link->posts.count == 1 && link->awaited_stan == 0) {
            network_look_again(link);
        }
    }
    return true;
}

bool bank_link_drop_overdue(struct bank_link *link)
{
    const struct bank_post *first = bank_posts_first(&link->posts);
    char text[CHANNEL_REASON_SIZE];
    if (first == NULL || loop_now_ns() < first->due_ns) {
        return false;
    }
    snprintf(text, sizeof(text),
             "the POST of a %s, STAN %06u, has no answer in time, and what is posted behind it "
             "could have none",
             payment_kind_name(first->kind), first->stan);
    link_drop(link->link, CLOSE_IDLE, text);
    return true;
}

void bank_link_sent(struct bank_link *link)
{
    if (link->unanswered++ == 0) {
        link->unanswered_since_ns = loop_now_ns();
    }
}

void bank_link_answered(struct bank_link *link)
{
    link->unanswered = 0;
}

void bank_link_put_fault(const struct bank_link *link, char reason[BANK_MESSAGE_REASON_SIZE])
{
    snprintf(reason, BANK_MESSAGE_REASON_SIZE, "%s",
             bank_posts_are_full(&link->posts)
                 ? "as much is posted on this link without an answer as its window allows"
                 : "the bank does not read");
}

bool bank_link_send(struct bank_link *link, const struct payment *payment)
{
    uint8_t bytes[BANK_MESSAGE_BYTES_MAX];
    char reason[BANK_MESSAGE_REASON_SIZE];
    struct byte_writer writer;
    const struct bank_post post = {loop_now_ns() +
                                       link->channel->setup.reply_timeout_ms * NS_PER_MS,
                                   payment->stan, payment->kind, true};
    byte_writer_init(&writer, bytes, sizeof(bytes));
    bank_link_put_fault(link, reason);
    bool is_sent =
        bank_message_write(&link->channel->bank, payment, &writer, reason) == STATUS_OK &&
        bank_link_put(link, (struct byte_view){bytes, writer.position}, &post);
    secret_wipe(bytes, writer.position);
    if (!is_sent) {
        LOG(LOG_ERROR, "forward_not_sent", LOG_TEXT("channel", link->channel->base.name),
            LOG_TEXT("kind", payment_kind_name(payment->kind)), LOG_NUMBER("stan", payment->stan),
            LOG_TEXT("terminal", payment->terminal_id), LOG_TEXT("reason", reason));
    }
    return is_sent;
}

/* --- what happens --------------------------------------------------------------------------- */

static void on_open(void *owner)
{
    struct bank_link *link = owner;
    link->last_heard_ns = loop_now_ns();
    link->echo_misses = 0;
    link->unanswered = 0;
    link->tested_ns = 0;
    bank_posts_clear(&link->posts);
    network_begin(link);
}

/* What was asked stays unknown until its time is over: the bank may have done it. */
static void on_posted(void *owner, uint16_t http_status, const char *refusal)
{
    struct bank_link *link = owner;
    struct channel *base = &link->channel->base;
    struct bank_post post;
    if (!bank_posts_take(&link->posts, &post)) {
        link_drop(link->link, CLOSE_FRAME, "an HTTP answer came, and nothing was posted");
        return;
    }
    if (link->awaited_stan == 0) {
        network_look_again(link);
    }
    if (refusal == NULL) {
        return;
    }
    bank_link_answered(link); /* whatever it said, the other side lives */
    base->counts.http_refused++;
    LOG(LOG_ERROR, "bank_http_refused", LOG_TEXT("channel", base->name),
        LOG_NUMBER("link", link->index), LOG_NUMBER("status", http_status),
        LOG_TEXT("kind", payment_kind_name(post.kind)), LOG_NUMBER("stan", post.stan),
        LOG_TEXT("text", refusal));
    if (post.is_network) {
        network_on_refused(link, &post, http_status);
    } else {
        inflight_give_up(link->channel->inflight, link->index, post.stan);
    }
}

/* A message that is dropped takes nothing else with it: what it should have said times out. */
static void drop_message(struct bank_link *link, enum bank_verdict verdict, const char *reason)
{
    struct channel *base = &link->channel->base;
    bool is_mac = verdict == BANK_BAD_MAC;
    *(is_mac ? &base->counts.macs_failed : &base->counts.unreadable) += 1;
    LOG(LOG_ERROR, is_mac ? "bank_mac_failed" : "bank_message_unreadable",
        LOG_TEXT("channel", base->name), LOG_NUMBER("link", link->index),
        LOG_TEXT("reason", reason));
}

/* Told once in the log, whatever the engine makes of it. */
static void tell_odd(struct bank_link *link, const struct payment *payment,
                     const struct inflight_verdict *verdict)
{
    struct channel_counts *counts = &link->channel->base.counts;
    bool is_late = verdict->answer != INFLIGHT_UNMATCHED;
    *(is_late ? &counts->late : &counts->unmatched) += 1;
    LOG(LOG_WARN, is_late ? "bank_reply_late" : "bank_reply_unmatched",
        LOG_TEXT("channel", link->channel->base.name), LOG_NUMBER("link", link->index),
        LOG_TEXT("kind", payment_kind_name(payment->kind)), LOG_NUMBER("stan", payment->stan),
        LOG_TEXT("terminal", payment->terminal_id), LOG_TEXT("rrn", payment->rrn),
        LOG_TEXT("code", payment->response_code), LOG_TEXT("text", verdict->text));
}

static void take_payment(struct bank_link *link)
{
    struct bank_channel *channel = link->channel;
    const struct payment *payment = &channel->incoming;
    struct inflight_verdict verdict;
    if (payment->leg != PAYMENT_RESPONSE) {
        channel->base.counts.unexpected++;
        LOG(LOG_WARN, "bank_request_unexpected", LOG_TEXT("channel", channel->base.name),
            LOG_TEXT("kind", payment_kind_name(payment->kind)), LOG_NUMBER("stan", payment->stan));
        return;
    }
    bank_link_answered(link);
    inflight_take(channel->inflight, payment, loop_now_ns(), &verdict);
    if (verdict.answer != INFLIGHT_UNMATCHED && verdict.link < channel->link_count) {
        bank_link_answered(&channel->links[verdict.link]);
    }
    if (verdict.answer != INFLIGHT_MATCHED) {
        tell_odd(link, payment, &verdict);
    }
    channel->base.counts.received++;
    channel->base.calls.on_response(channel->base.calls.argument, channel->base.index, payment);
}

static void on_frame(void *owner, struct byte_view bytes)
{
    struct bank_link *link = owner;
    struct bank_channel *channel = link->channel;
    char reason[BANK_MESSAGE_REASON_SIZE];
    enum bank_verdict verdict =
        bank_message_read(&channel->bank, bytes, &channel->incoming, reason);
    if (verdict == BANK_UNKNOWN_NETWORK) {
        link->last_heard_ns = loop_now_ns();
        network_refuse(link, bytes);
    } else if (verdict != BANK_READ) {
        drop_message(link, verdict, reason);
    } else {
        link->last_heard_ns = loop_now_ns();
        link->echo_misses = 0;
        if (!network_take(link)) {
            take_payment(link);
        }
    }
    payment_wipe(&channel->incoming);
}

static void on_deadline(void *owner)
{
    network_on_deadline(owner);
}

static void peer_release(struct bank_link *link)
{
    if (link->has_peer) {
        link->has_peer = false;
        bank_port_released(link->port, &link->peer);
    }
}

static void on_down(void *owner, const char *text)
{
    struct bank_link *link = owner;
    struct bank_channel *channel = link->channel;
    peer_release(link);
    link->connections_lost++;
    channel->base.counts.connections_lost++;
    link->awaited_stan = 0;
    bank_posts_clear(&link->posts);
    inflight_lose(channel->inflight, link->index);
    if (link->state == BANK_IS_DOWN) {
        LOG(LOG_WARN, "channel_not_reached", LOG_TEXT("channel", channel->base.name),
            LOG_NUMBER("link", link->index), LOG_TEXT("reason", text));
    }
    bank_link_turn(link, BANK_IS_DOWN, text);
    network_lost(link);
}

static void on_stopped(void *owner)
{
    struct bank_link *link = owner;
    peer_release(link);
    link->state = BANK_IS_DOWN;
    link->since_us = loop_wall_us();
    bank_link_is_stopped(link->channel);
}

static const struct link_calls LINK_CALLS = {.on_open = on_open,
                                             .on_frame = on_frame,
                                             .on_posted = on_posted,
                                             .on_deadline = on_deadline,
                                             .on_down = on_down,
                                             .on_stopped = on_stopped};

/* --- life ----------------------------------------------------------------------------------- */

static bool address_read(struct net_address *address, const struct bank_link_setup *setup)
{
    char text[NET_ADDRESS_TEXT_SIZE];
    bool is_v6 = strchr(setup->address, ':') != NULL;
    int length = snprintf(text, sizeof(text), is_v6 ? "[%s]:%u" : "%s:%u", setup->address,
                          (unsigned)setup->port);
    return length > 0 && length < (int)sizeof(text) &&
           net_address_parse(address, text) == STATUS_OK;
}

static struct bank_port *port_of(const struct bank_channel *channel,
                                 const struct bank_link_setup *setup)
{
    for (uint32_t i = 0; i < channel->port_count; i++) {
        if (bank_port_serves(channel->ports[i], setup)) {
            return channel->ports[i];
        }
    }
    return NULL;
}

bool bank_link_create(struct bank_link *link, struct bank_channel *channel, uint8_t index,
                      struct loop *loop, char reason[CHANNEL_REASON_SIZE])
{
    const struct bank_setup *setup = &channel->setup;
    const struct bank_link_setup *own = &setup->links[index];
    bool has_name = setup->tls.is_on && setup->tls.server_name[0] != '\0';
    struct link_setup connection = {
        .loop = loop,
        .is_listening = own->is_listening,
        .tls = own->is_listening ? channel->tls_server : channel->tls_client,
        .server_name = has_name ? setup->tls.server_name : NULL,
        .framing = setup->framing,
        .reconnect_min_ms = setup->reconnect_min_ms,
        .reconnect_max_ms = setup->reconnect_max_ms,
        .connect_timeout_ms = setup->reply_timeout_ms,
        .output_max = setup->output_max > 0 ? setup->output_max : OUTPUT_MAX_FALLBACK,
        .calls = &LINK_CALLS,
        .owner = link};
    if (!address_read(&connection.address, own)) {
        snprintf(reason, CHANNEL_REASON_SIZE,
                 "channel %s: \"%.60s\" is no IP address; names are not looked up", setup->name,
                 own->address);
        return false;
    }
    link->channel = channel;
    link->index = index;
    const bool does_post = setup->framing.http_post_path != NULL;
    link->window = own->window > 0 ? own->window : does_post ? 1 : setup->window;
    link->port = port_of(channel, own);
    link->since_us = loop_wall_us();
    snprintf(link->text, sizeof(link->text), "not connected yet");
    link->link = link_create(&connection);
    snprintf(reason, CHANNEL_REASON_SIZE, "channel %s: no memory", setup->name);
    return link->link != NULL && (!does_post || bank_posts_create(&link->posts, link->window));
}

void bank_link_destroy(struct bank_link *link)
{
    link_destroy(link->link);
    bank_posts_destroy(&link->posts);
}

void bank_link_start(struct bank_link *link)
{
    link_start(link->link);
}

void bank_link_stop(struct bank_link *link)
{
    link->state = BANK_IS_STOPPING;
    link_stop(link->link);
}
