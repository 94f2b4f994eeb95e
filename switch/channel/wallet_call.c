/* Questions to a wallet: written and signed in the thread pool, sent by libcurl, verified in the
 * loop (verifying takes 20 µs, signing 300).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "protocols/base/require.h"
#include "protocols/base/secret.h"
#include "switch/channel/wallet_trace.h"
#include "switch/net/log.h"
#include "switch/net/trace.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)
#define CERTIFICATES_PAUSE_NS NS_PER_S /* an unknown serial asks for them no more often */
#define SPARE_PART 8                   /* of the room, an eighth is kept for what has begun */

/* --- the pool of calls -------------------------------------------------------------------- */

bool wallet_calls_create(struct wallet_channel *channel, uint32_t count)
{
    channel->calls = calloc(count, sizeof(*channel->calls));
    if (channel->calls == NULL) {
        return false;
    }
    channel->call_count = count;
    for (uint32_t i = count; i > 0; i--) {
        channel->calls[i - 1].next_free = channel->free_calls;
        channel->free_calls = &channel->calls[i - 1];
    }
    return true;
}

void wallet_calls_destroy(struct wallet_channel *channel)
{
    for (uint32_t i = 0; i < channel->call_count; i++) {
        wallet_http_release(&channel->calls[i].http);
    }
    free(channel->calls);
    channel->calls = NULL;
}

static void give(struct wallet_call *call)
{
    secret_wipe(&call->request, sizeof(call->request));
    call->next_free = call->channel->free_calls;
    call->channel->free_calls = call;
}

bool wallet_call_has_room(const struct wallet_channel *channel, bool is_payment)
{
    uint32_t room = wallet_http_room(channel->http);
    uint32_t spare = is_payment ? room / SPARE_PART : 0;
    return channel->free_calls != NULL && room > channel->work_count + spare;
}

/* --- what is said ------------------------------------------------------------------------- */

static bool put_nonce(char nonce[WALLET_NONCE_CHARACTERS + 1])
{
    uint8_t bytes[WALLET_NONCE_CHARACTERS / 2];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
        return false;
    }
    bytes_to_hex(nonce, bytes, sizeof(bytes));
    return true;
}

static void put_order(struct wallet_request *request, struct wallet_slot *slot)
{
    memcpy(request->order, slot->number, sizeof(request->order));
    memcpy(request->refund, slot->refund, sizeof(request->refund));
    memcpy(request->terminal_id, slot->asker.terminal_id, sizeof(request->terminal_id));
    memcpy(request->merchant_id, slot->asker.merchant_id, sizeof(request->merchant_id));
    request->amount_minor = slot->amount_minor;
    request->refund_minor = slot->refund_minor;
    if (request->ask == WALLET_ASK_PAY) {
        memcpy(request->pay_code, slot->pay_code, sizeof(request->pay_code));
        secret_wipe(slot->pay_code, sizeof(slot->pay_code));
    }
}

/* --- answers ------------------------------------------------------------------------------ */

static void log_answer(const struct wallet_channel *channel, const struct wallet_call *call,
                       const struct wallet_answer *answer)
{
    enum log_level level = answer->is_alert                    ? LOG_ERROR
                           : answer->verdict == WALLET_UNKNOWN ? LOG_WARN
                                                               : LOG_DEBUG;
    LOG(level,
        answer->is_forged                   ? "wallet_signature_failed"
        : answer->verdict == WALLET_UNKNOWN ? "wallet_unknown"
                                            : "wallet_answer",
        LOG_TEXT("channel", channel->base.name),
        LOG_TEXT("ask", wallet_ask_name(call->request.ask)),
        LOG_TEXT("order", call->request.order[0] != '\0' ? call->request.order : NULL),
        LOG_TEXT("verdict", wallet_verdict_text(answer->verdict)), LOG_TEXT("text", answer->words));
}

static void read_answer(struct wallet_call *call, struct wallet_answer *answer)
{
    struct wallet_channel *channel = call->channel;
    if (call->http.reply.http_status == 0) {
        memset(answer, 0, sizeof(*answer));
        answer->amount_minor = -1;
        wallet_answer_say(answer, "%.180s", call->http.error);
        channel->base.counts.connections_lost += call->http.is_unsent;
    } else {
        wallet_read(&channel->party, &call->request, &call->http.reply, answer);
        channel->base.counts.macs_failed += answer->is_forged;
    }
    log_answer(channel, call, answer);
    if (trace_is_on()) {
        wallet_trace_answer(call, answer);
    }
}

static void take_certificates(struct wallet_channel *channel, const struct wallet_answer *answer)
{
    bool is_good = answer->verdict == WALLET_PAID;
    channel->are_certificates_under_way = false;
    *(is_good ? &channel->base.counts.signons : &channel->base.counts.signons_failed) += 1;
    if (!channel->is_stopping) {
        uint64_t pause_ns =
            is_good ? channel->certificates_every_ms * NS_PER_MS : CERTIFICATES_PAUSE_NS;
        deadline_arm(&channel->loop->wheel, &channel->certificates, loop_now_ns() + pause_ns);
    }
}

static void take_answer(struct wallet_call *call)
{
    struct wallet_channel *channel = call->channel;
    struct wallet_answer answer;
    read_answer(call, &answer);
    if (call->request.ask == WALLET_ASK_CERTIFICATES) {
        take_certificates(channel, &answer);
    } else {
        if (answer.wants_certificates) {
            wallet_call_certificates(channel);
        }
        wallet_on_answer(channel, call, &answer);
    }
    give(call);
    wallet_look_for_end(channel);
}

static void on_done(struct wallet_http_call *http)
{
    take_answer((struct wallet_call *)(void *)http);
}

/* --- on its way --------------------------------------------------------------------------- */

static void on_work(uv_work_t *work)
{
    struct wallet_call *call = work->data;
    call->status = wallet_write(&call->channel->party, &call->request, &call->http.message);
}

/* A payment that is to be undone before it has left does not leave any more. */
static bool is_of_no_use(const struct wallet_call *call)
{
    if (call->request.ask != WALLET_ASK_PAY) {
        return false;
    }
    const struct wallet_slot *slot = wallet_desk_at(call->channel->desk, call->place);
    return !slot->is_used || slot->call_number != call->number;
}

static void fail_unsent(struct wallet_call *call, const char *text)
{
    memset(&call->http.reply, 0, sizeof(call->http.reply));
    snprintf(call->http.error, sizeof(call->http.error), "%s", text);
    call->http.is_unsent = true;
    secret_wipe(call->http.message.body, call->http.message.body_length);
    take_answer(call);
}

static void after_work(uv_work_t *work, int status)
{
    struct wallet_call *call = work->data;
    struct wallet_channel *channel = call->channel;
    channel->work_count--;
    if (status != 0 || channel->is_stopping) {
        fail_unsent(call, "the channel is being stopped");
    } else if (call->status != STATUS_OK) {
        fail_unsent(call, status_text(call->status));
    } else if (is_of_no_use(call)) {
        fail_unsent(call, "it is to be undone before it has left");
    } else if (!wallet_http_send(channel->http, &call->http)) {
        fail_unsent(call, "as many requests wait for the wallet as may");
    } else if (trace_is_on()) {
        wallet_trace_sent(call);
    }
}

static bool begin(struct wallet_channel *channel, struct wallet_slot *slot, enum wallet_ask ask)
{
    struct wallet_call *call = channel->free_calls;
    char nonce[WALLET_NONCE_CHARACTERS + 1];
    if (channel->is_stopping || !wallet_call_has_room(channel, false) || !put_nonce(nonce)) {
        return false;
    }
    memset(&call->request, 0, sizeof(call->request));
    memcpy(call->request.nonce, nonce, sizeof(nonce));
    call->request.ask = ask;
    call->request.wall_s = loop_wall_us() / 1000000;
    call->channel = channel;
    call->place = 0;
    call->http.on_done = on_done;
    call->work.data = call;
    if (slot != NULL) {
        call->place = wallet_desk_place(channel->desk, slot);
        call->number = ++slot->call_number;
        put_order(&call->request, slot);
    }
    channel->free_calls = call->next_free;
    channel->work_count++;
    int status = uv_queue_work(&channel->loop->uv, &call->work, on_work, after_work);
    REQUIRE(status == 0); /* it refuses nothing but a missing function */
    return true;
}

bool wallet_call_begin(struct wallet_channel *channel, struct wallet_slot *slot,
                       enum wallet_ask ask)
{
    REQUIRE(slot != NULL && slot->is_used);
    return begin(channel, slot, ask);
}

void wallet_call_certificates(struct wallet_channel *channel)
{
    uint64_t now_ns = loop_now_ns();
    bool was_just_now = channel->certificates_asked_ns != 0 &&
                        now_ns - channel->certificates_asked_ns < CERTIFICATES_PAUSE_NS;
    if (channel->party.kind != WALLET_WECHAT_V3 || channel->are_certificates_under_way ||
        was_just_now) {
        return;
    }
    channel->certificates_asked_ns = now_ns;
    channel->are_certificates_under_way = begin(channel, NULL, WALLET_ASK_CERTIFICATES);
    if (!channel->are_certificates_under_way && !channel->is_stopping) {
        deadline_arm(&channel->loop->wheel, &channel->certificates, now_ns + CERTIFICATES_PAUSE_NS);
    }
}
