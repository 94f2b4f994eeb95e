/* Network management of a bank link (ISO 8583 0800): sign-on before use, tests when it is silent,
 * and answers to what the bank itself asks. */
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/channel/channel_state.h"
#include "switch/engine/wall_text.h"
#include "switch/net/log.h"

#define NS_PER_MS UINT64_C(1000000)
#define STAN_MAX 999999
#define ECHO_MISSES_MAX 2

static const struct network_code {
    enum payment_kind kind;
    const char *code, *answer; /* F70; F39 when the bank asks it of us */
} CODES[] = {
    {PAYMENT_SIGNON, "001", "00"},   {PAYMENT_SIGNOFF, "002", "00"},    {PAYMENT_ECHO, "301", "00"},
    {PAYMENT_CUT_OVER, "201", "00"}, {PAYMENT_KEY_CHANGE, "101", "40"}, /* not served yet */
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

static void fill_request(struct channel *channel, enum payment_kind kind)
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
}

void network_ask(struct channel *channel, enum payment_kind kind)
{
    fill_request(channel, kind);
    channel->awaited_stan = channel->network_stan;
    channel->awaited_kind = kind;
    link_arm(channel->link, loop_now_ns() + channel->setup.reply_timeout_ms * NS_PER_MS);
    if (!channel_send(channel, &channel->outgoing)) {
        link_drop(channel->link, CLOSE_LOCAL, "our own network message could not be sent");
    }
}

void network_sign_off(struct channel *channel)
{
    fill_request(channel, PAYMENT_SIGNOFF);
    channel->awaited_stan = 0;
    (void)channel_send(channel, &channel->outgoing);
}

static void arm_next_echo(struct channel *channel)
{
    link_arm(channel->link, channel->last_heard_ns + channel->setup.echo_every_ms * NS_PER_MS);
}

static void on_no_answer(struct channel *channel)
{
    char text[CHANNEL_REASON_SIZE];
    if (channel->awaited_kind == PAYMENT_SIGNON) {
        channel->counts.signons_failed++;
        snprintf(text, sizeof(text), "no answer to the sign-on within %u ms",
                 channel->setup.reply_timeout_ms);
        link_drop(channel->link, CLOSE_IDLE, text);
        return;
    }
    channel->counts.echo_timeouts++;
    if (++channel->echo_misses < ECHO_MISSES_MAX) {
        network_ask(channel, PAYMENT_ECHO);
        return;
    }
    snprintf(text, sizeof(text), "%u tests of the link without an answer", channel->echo_misses);
    link_drop(channel->link, CLOSE_IDLE, text);
}

void network_on_deadline(struct channel *channel)
{
    uint64_t due = channel->last_heard_ns + channel->setup.echo_every_ms * NS_PER_MS;
    if (channel->awaited_stan != 0) {
        on_no_answer(channel);
    } else if (channel->state == CHANNEL_IS_UP && loop_now_ns() >= due) {
        network_ask(channel, PAYMENT_ECHO);
    } else {
        arm_next_echo(channel);
    }
}

static void on_answer(struct channel *channel)
{
    const struct payment *answer = &channel->incoming;
    if (answer->kind != channel->awaited_kind || answer->stan != channel->awaited_stan) {
        channel->counts.unexpected++;
        LOG(LOG_WARN, "network_response_unexpected", LOG_TEXT("channel", channel->setup.name),
            LOG_TEXT("kind", payment_kind_name(answer->kind)), LOG_NUMBER("stan", answer->stan));
        return;
    }
    channel->awaited_stan = 0;
    if (answer->kind != PAYMENT_SIGNON) {
        arm_next_echo(channel);
        return;
    }
    if (strcmp(answer->response_code, "00") != 0) {
        char text[CHANNEL_REASON_SIZE];
        channel->counts.signons_failed++;
        snprintf(text, sizeof(text), "the bank refused the sign-on with code %s",
                 answer->response_code);
        link_drop(channel->link, CLOSE_LOCAL, text);
        return;
    }
    channel->counts.signons++;
    link_settle(channel->link);
    arm_next_echo(channel);
    channel_turn(channel, CHANNEL_IS_UP, "signed on");
}

static void answer_request(struct channel *channel, const struct network_code *code)
{
    struct payment *answer = &channel->outgoing;
    payment_copy(answer, &channel->incoming);
    answer->leg = PAYMENT_RESPONSE;
    memcpy(answer->response_code, code->answer, sizeof(answer->response_code));
    LOG(LOG_NOTICE, "network_request", LOG_TEXT("channel", channel->setup.name),
        LOG_TEXT("kind", payment_kind_name(answer->kind)), LOG_TEXT("answer", code->answer));
    (void)channel_send(channel, answer);
    if (code->kind == PAYMENT_SIGNOFF) {
        link_drop(channel->link, CLOSE_PEER, "the bank signed off");
    }
}

bool network_take(struct channel *channel)
{
    const struct network_code *code = code_of(channel->incoming.kind);
    if (code == NULL) {
        return false;
    }
    if (channel->incoming.leg == PAYMENT_RESPONSE) {
        on_answer(channel);
    } else {
        answer_request(channel, code);
    }
    return true;
}
