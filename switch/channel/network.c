/* Network management of a bank's links (ISO 8583 0800): sign-on before use, tests when one is
 * silent, and answers to what the bank itself asks. */
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/channel/bank_state.h"
#include "switch/engine/settlement_day.h"
#include "switch/engine/wall_text.h"
#include "switch/net/log.h"

#define NS_PER_MS UINT64_C(1000000)
#define STAN_MAX 999999
#define ECHO_MISSES_MAX 2
#define CLOCK_TOLERANCE_S 300

static const struct network_code {
    enum payment_kind kind;
    const char *code, *answer; /* F70; F39 when the bank asks it of us */
} CODES[] = {
    {PAYMENT_SIGNON, "001", "00"},   {PAYMENT_SIGNOFF, "002", "00"},    {PAYMENT_ECHO, "301", "00"},
    {PAYMENT_CUT_OVER, "201", "00"}, {PAYMENT_KEY_CHANGE, "101", NULL}, /* by bank_keys.c */
};

static const struct network_code *code_of(enum payment_kind kind)
{
    for (size_t i = 0; i < sizeof(CODES) / sizeof(CODES[0]); i++) {
        if (CODES[i].kind == kind) {
            return &CODES[i];
        }
    }
    return NULL;
}

static void fill_request(struct bank_channel *channel, enum payment_kind kind)
{
    struct payment *payment = &channel->outgoing;
    struct wall_text now;
    const struct network_code *code = code_of(kind);
    REQUIRE(code != NULL);
    wall_text_set(&now, loop_wall_us());
    payment_clear(payment);
    payment->kind = kind;
    payment->leg = PAYMENT_REQUEST;
    channel->network_stan = channel->network_stan % STAN_MAX + 1;
    payment->stan = channel->network_stan;
    memcpy(payment->network_code, code->code, sizeof(payment->network_code));
    memcpy(payment->sent_at, now.sent_at, sizeof(payment->sent_at));
    memcpy(payment->local_time, now.local_time, sizeof(payment->local_time));
    memcpy(payment->local_date, now.local_date, sizeof(payment->local_date));
    memcpy(payment->acquirer_id, channel->setup.acquirer_id, sizeof(payment->acquirer_id));
    memcpy(payment->forwarder_id, channel->setup.forwarder_id, sizeof(payment->forwarder_id));
    bank_message_fill_years(payment, loop_wall_us());
}

void network_ask(struct bank_link *link, enum payment_kind kind)
{
    struct bank_channel *channel = link->channel;
    fill_request(channel, kind);
    link->awaited_stan = channel->network_stan;
    link->awaited_kind = kind;
    link_arm(link->link, loop_now_ns() + channel->setup.reply_timeout_ms * NS_PER_MS);
    if (!bank_link_send(link, &channel->outgoing)) {
        link_drop(link->link, CLOSE_LOCAL, "our own network message could not be sent");
    }
}

void network_sign_off(struct bank_link *link)
{
    fill_request(link->channel, PAYMENT_SIGNOFF);
    link->awaited_stan = 0;
    (void)bank_link_send(link, &link->channel->outgoing);
}

static uint64_t echo_due(const struct bank_link *link)
{
    return link->last_heard_ns + link->channel->setup.echo_every_ms * NS_PER_MS;
}

/* A test is due when the link has been silent for long; and it is looked more often whether what it
 * carried is answered at all. Where nothing can be posted until an answer has come, that is all
 * that is looked for. */
static void arm_next_look(struct bank_link *link)
{
    const struct bank_setup *setup = &link->channel->setup;
    const struct bank_post *first = bank_posts_first(&link->posts);
    uint64_t due = echo_due(link);
    uint64_t look = loop_now_ns() + setup->half_dead_ms * NS_PER_MS;
    if (bank_posts_are_full(&link->posts)) {
        link_arm(link->link, first->due_ns);
        return;
    }
    due = setup->half_dead_requests > 0 && look < due ? look : due;
    link_arm(link->link, first != NULL && first->due_ns < due ? first->due_ns : due);
}

void network_look_again(struct bank_link *link)
{
    arm_next_look(link);
}

/* --- signing on ----------------------------------------------------------------------------- */

static void sign_on(struct bank_link *link)
{
    bank_link_turn(link, BANK_IS_SIGNING_ON, "connected");
    network_ask(link, PAYMENT_SIGNON);
}

static void come_up(struct bank_link *link, const char *reason)
{
    link_settle(link->link);
    arm_next_look(link);
    bank_link_turn(link, BANK_IS_UP, reason);
}

static bool is_somebody(const struct bank_channel *channel, enum bank_state state)
{
    bool is_somebody = false;
    for (uint32_t i = 0; i < channel->link_count; i++) {
        is_somebody = is_somebody || channel->links[i].state == state;
    }
    return is_somebody;
}

void network_begin(struct bank_link *link)
{
    struct bank_channel *channel = link->channel;
    link->is_clock_told = false;
    switch (channel->setup.signon) {
    case BANK_SIGNON_NONE:
        come_up(link, "connected; this bank wants no sign-on");
        return;
    case BANK_SIGNON_CHANNEL:
        if (channel->is_signed_on) {
            come_up(link, "connected; signed on by another link");
            return;
        }
        if (is_somebody(channel, BANK_IS_SIGNING_ON)) {
            bank_link_turn(link, BANK_IS_READY, "connected; another link signs on");
            return;
        }
        break;
    case BANK_SIGNON_LINK:
        break;
    }
    sign_on(link);
}

void network_lost(struct bank_link *link)
{
    struct bank_channel *channel = link->channel;
    if (channel->setup.signon != BANK_SIGNON_CHANNEL || channel->is_stopping) {
        return;
    }
    channel->is_signed_on = channel->is_signed_on && is_somebody(channel, BANK_IS_UP);
    if (channel->is_signed_on || is_somebody(channel, BANK_IS_SIGNING_ON)) {
        return;
    }
    for (uint32_t i = 0; i < channel->link_count; i++) {
        if (channel->links[i].state == BANK_IS_READY) {
            sign_on(&channel->links[i]);
            return;
        }
    }
}

static void on_signed_on(struct bank_link *link)
{
    struct bank_channel *channel = link->channel;
    channel->base.counts.signons++;
    link->signons++;
    come_up(link, "signed on");
    if (channel->setup.signon != BANK_SIGNON_CHANNEL) {
        return;
    }
    channel->is_signed_on = true;
    for (uint32_t i = 0; i < channel->link_count; i++) {
        if (channel->links[i].state == BANK_IS_READY) {
            come_up(&channel->links[i], "connected; signed on by another link");
        }
    }
}

/* --- answers to what we asked ---------------------------------------------------------------- */

/* Behind a payment that is posted and waits for its answer there is no room for a test, and that
 * answer tells as much: it has a time of its own. */
static void ask_echo(struct bank_link *link)
{
    if (bank_posts_are_full(&link->posts)) {
        link->awaited_stan = 0;
        arm_next_look(link);
        return;
    }
    network_ask(link, PAYMENT_ECHO);
}

static void on_no_answer(struct bank_link *link)
{
    char text[CHANNEL_REASON_SIZE];
    struct bank_channel *channel = link->channel;
    if (link->awaited_kind == PAYMENT_SIGNON) {
        channel->base.counts.signons_failed++;
        snprintf(text, sizeof(text), "no answer to the sign-on within %u ms",
                 channel->setup.reply_timeout_ms);
        link_drop(link->link, CLOSE_IDLE, text);
        return;
    }
    if (link->awaited_kind == PAYMENT_KEY_CHANGE) { /* bank_keys.c has a time-out of its own */
        link->awaited_stan = 0;
        arm_next_look(link);
        return;
    }
    channel->base.counts.echo_timeouts++;
    if (bank_posts_have_network(&link->posts, link->awaited_stan)) {
        link_drop(link->link, CLOSE_IDLE,
                  "a test of the link without an answer, before which nothing else can have one");
        return;
    }
    if (bank_link_is_doubtful(link)) {
        bank_link_drop_half_dead(link, " and a test of the link");
        return;
    }
    if (++link->echo_misses < ECHO_MISSES_MAX) {
        ask_echo(link);
        return;
    }
    snprintf(text, sizeof(text), "%u tests of the link without an answer", link->echo_misses);
    link_drop(link->link, CLOSE_IDLE, text);
}

void network_on_deadline(struct bank_link *link)
{
    if (link->awaited_stan != 0) {
        on_no_answer(link);
    } else if (bank_link_drop_overdue(link)) {
        return;
    } else if (link->state == BANK_IS_UP && !bank_posts_are_full(&link->posts) &&
               (loop_now_ns() >= echo_due(link) || bank_link_is_doubtful(link))) {
        link->tested_ns = loop_now_ns();
        network_ask(link, PAYMENT_ECHO);
    } else {
        arm_next_look(link);
    }
}

void network_on_refused(struct bank_link *link, const struct bank_post *post, uint16_t http_status)
{
    char text[CHANNEL_REASON_SIZE];
    if (link->awaited_stan == 0 || post->stan != link->awaited_stan ||
        post->kind != link->awaited_kind) {
        return;
    }
    if (post->kind == PAYMENT_SIGNON) {
        link->channel->base.counts.signons_failed++;
        snprintf(text, sizeof(text), "the sign-on was answered without a message, HTTP status %u",
                 http_status);
        link_drop(link->link, CLOSE_LOCAL, text);
        return;
    }
    link->awaited_stan = 0;
    if (post->kind == PAYMENT_ECHO && ++link->echo_misses >= ECHO_MISSES_MAX) {
        snprintf(text, sizeof(text),
                 "%u tests of the link were answered without a message, HTTP status %u",
                 link->echo_misses, http_status);
        link_drop(link->link, CLOSE_IDLE, text);
        return;
    }
    arm_next_look(link);
}

static void on_answer(struct bank_link *link)
{
    struct bank_channel *channel = link->channel;
    const struct payment *answer = &channel->incoming;
    if (answer->kind != link->awaited_kind || answer->stan != link->awaited_stan) {
        channel->base.counts.unexpected++;
        LOG(LOG_WARN, "network_response_unexpected", LOG_TEXT("channel", channel->base.name),
            LOG_NUMBER("link", link->index), LOG_TEXT("kind", payment_kind_name(answer->kind)),
            LOG_NUMBER("stan", answer->stan));
        return;
    }
    link->awaited_stan = 0;
    if (answer->kind != PAYMENT_SIGNON) {
        arm_next_look(link);
        if (answer->kind == PAYMENT_KEY_CHANGE) {
            bank_keys_on_answer(link);
        }
        return;
    }
    if (strcmp(answer->response_code, "00") != 0) {
        char text[CHANNEL_REASON_SIZE];
        channel->base.counts.signons_failed++;
        snprintf(text, sizeof(text), "the bank refused the sign-on with code %s",
                 answer->response_code);
        link_drop(link->link, CLOSE_LOCAL, text);
        return;
    }
    on_signed_on(link);
    if (bank_keys_come_with(answer)) { /* some banks send them so */
        bank_keys_on_answer(link);
    }
}

/* --- what the bank asks ---------------------------------------------------------------------- */

/* Field 15 of a cut-over names the day that begins. Without it, it is the day after nothing that we
 * know of: answers that name their day tell it then. */
static void take_cut_over(struct bank_channel *channel)
{
    struct wall_text now;
    wall_text_set(&now, loop_wall_us());
    uint32_t day = settlement_day_near(channel->incoming.settlement_date, now.day);
    if (day == 0) {
        LOG(LOG_WARN, "cut_over_without_day", LOG_TEXT("channel", channel->base.name),
            LOG_TEXT("field_15", channel->incoming.settlement_date),
            LOG_TEXT("text", "expected MMDD; the channel's day stays as it is"));
        return;
    }
    if (!settlement_day_is_near(day, now.day)) {
        LOG(LOG_ERROR, "cut_over_too_far", LOG_TEXT("channel", channel->base.name),
            LOG_NUMBER("settlement_day", day), LOG_NUMBER("today", now.day),
            LOG_TEXT("text", "expected a day within a month; the channel's day stays as it is: ask "
                             "the bank, and look at this machine's clock"));
        return;
    }
    LOG(LOG_NOTICE, "cut_over", LOG_TEXT("channel", channel->base.name),
        LOG_NUMBER("settlement_day", day));
    channel->base.calls.on_cut_over(channel->base.calls.argument, channel->base.index, day);
}

/* Field 7 of what the bank itself asks is its clock; a wrong one, here or there, puts payments into
 * the wrong day. Told once a connection. */
static void check_clock(struct bank_link *link)
{
    char text[CHANNEL_REASON_SIZE];
    int64_t ahead_s;
    if (link->is_clock_told ||
        !wall_text_ahead(link->channel->incoming.sent_at, loop_wall_us(), &ahead_s) ||
        (ahead_s <= CLOCK_TOLERANCE_S && ahead_s >= -CLOCK_TOLERANCE_S)) {
        return;
    }
    link->is_clock_told = true;
    link->channel->base.counts.clocks_differ++;
    snprintf(text, sizeof(text),
             "field 7 says %s, which is %lld s %s of this machine's time in China; look at both "
             "clocks",
             link->channel->incoming.sent_at, (long long)(ahead_s < 0 ? -ahead_s : ahead_s),
             ahead_s < 0 ? "behind" : "ahead");
    LOG(LOG_WARN, "bank_clock_differs", LOG_TEXT("channel", link->channel->base.name),
        LOG_NUMBER("link", link->index), LOG_TEXT("text", text));
}

/* What one link signed on for all is signed off for all, too. */
static void take_sign_off(struct bank_link *link)
{
    struct bank_channel *channel = link->channel;
    bool is_for_all = channel->setup.signon == BANK_SIGNON_CHANNEL;
    channel->is_signed_on = false;
    for (uint32_t i = 0; i < channel->link_count; i++) {
        if (is_for_all || i == link->index) {
            link_drop(channel->links[i].link, CLOSE_PEER, "the bank signed off");
        }
    }
}

static void answer_request(struct bank_link *link, const struct network_code *code)
{
    struct bank_channel *channel = link->channel;
    struct payment *answer = &channel->outgoing;
    payment_copy(answer, &channel->incoming);
    answer->leg = PAYMENT_RESPONSE;
    memcpy(answer->response_code, code->answer, sizeof(answer->response_code));
    bank_message_fill_years(answer, loop_wall_us());
    LOG(LOG_NOTICE, "network_request", LOG_TEXT("channel", channel->base.name),
        LOG_NUMBER("link", link->index), LOG_TEXT("kind", payment_kind_name(answer->kind)),
        LOG_TEXT("answer", code->answer));
    check_clock(link);
    (void)bank_link_send(link, answer);
    if (code->kind == PAYMENT_CUT_OVER) {
        take_cut_over(channel);
    }
    if (code->kind == PAYMENT_SIGNOFF) {
        take_sign_off(link);
    }
}

void network_refuse(struct bank_link *link, struct byte_view message)
{
    static const char ANSWER[] = "40"; /* function not supported */
    struct bank_channel *channel = link->channel;
    uint8_t bytes[BANK_MESSAGE_BYTES_MAX];
    char code[BANK_NETWORK_CODE_SIZE], reason[BANK_MESSAGE_REASON_SIZE];
    struct byte_writer writer;
    const struct bank_post post = {loop_now_ns() + channel->setup.reply_timeout_ms * NS_PER_MS, 0,
                                   PAYMENT_ECHO, true};
    byte_writer_init(&writer, bytes, sizeof(bytes));
    bank_link_put_fault(link, reason);
    bool is_sent =
        bank_message_refuse(&channel->bank, message, ANSWER, &writer, code, reason) == STATUS_OK &&
        bank_link_put(link, (struct byte_view){bytes, writer.position}, &post);
    channel->base.counts.unexpected++;
    LOG(LOG_WARN, "network_request_unknown", LOG_TEXT("channel", channel->base.name),
        LOG_NUMBER("link", link->index), LOG_TEXT("code", code),
        LOG_TEXT("answer", is_sent ? ANSWER : "none"),
        LOG_TEXT("text", is_sent ? "the dialect names no network message with this code" : reason));
}

bool network_take(struct bank_link *link)
{
    const struct network_code *code = code_of(link->channel->incoming.kind);
    if (code == NULL) {
        return false;
    }
    if (link->channel->incoming.leg == PAYMENT_RESPONSE) {
        on_answer(link);
    } else if (code->kind == PAYMENT_KEY_CHANGE) {
        bank_keys_on_request(link);
    } else {
        answer_request(link, code);
    }
    return true;
}
