/* New working keys of a bank's links (ISO 8583 0800/101), sent by the bank or asked of it.
 *
 * Field 48 holds one entry a key: ZPK or ZAK, two digits that count the characters behind them, the
 * key in hex as it stands under the zone master key (16, 32 or 48), and the first 3 or 4 bytes of
 * its check value (6 or 8). The keys are written down before the bank is answered, the answer
 * leaves under the keys before, and from then on the new ones are in force. */
#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "switch/channel/bank_state.h"
#include "switch/net/log.h"

#define NS_PER_MS UINT64_C(1000000)
#define ENTRY_NAME_LENGTH 3
#define ENTRY_HEAD_LENGTH 5 /* with the two digits */
#define KEY_PART_DIGITS 16
#define CODE_BUSY "09"
#define CODE_FORM "30"
#define CODE_SECURITY "A7"
#define CODE_OURS "96"

/* --- field 48 -------------------------------------------------------------------------------- */

struct entry {
    enum channel_key which;
    uint8_t bytes[32];
    uint32_t key_length, check_length;
};

/* Reads the entry at the start of `rest`; answers the bytes it takes, 0: it is none. */
static uint32_t entry_read(struct entry *entry, struct byte_view rest)
{
    char text[64 + 1];
    uint64_t count;
    struct byte_writer writer;
    if (rest.length < ENTRY_HEAD_LENGTH ||
        digits_parse(&count, (const char *)rest.bytes + ENTRY_NAME_LENGTH, 2,
                     (struct number_range){22, 56}) != STATUS_OK ||
        rest.length - ENTRY_HEAD_LENGTH < count) {
        return 0;
    }
    bool is_pin = memcmp(rest.bytes, "ZPK", ENTRY_NAME_LENGTH) == 0;
    uint32_t check_digits = (uint32_t)count % KEY_PART_DIGITS;
    if ((!is_pin && memcmp(rest.bytes, "ZAK", ENTRY_NAME_LENGTH) != 0) ||
        (check_digits != 6 && check_digits != 8)) {
        return 0;
    }
    memcpy(text, rest.bytes + ENTRY_HEAD_LENGTH, count);
    text[count] = '\0';
    byte_writer_init(&writer, entry->bytes, sizeof(entry->bytes));
    enum status status = bytes_from_hex(&writer, text, (uint32_t)count);
    secret_wipe(text, sizeof(text));
    entry->which = is_pin ? CHANNEL_ZPK : CHANNEL_ZAK;
    entry->check_length = check_digits / 2;
    entry->key_length = (uint32_t)(count - check_digits) / 2;
    return status == STATUS_OK ? ENTRY_HEAD_LENGTH + (uint32_t)count : 0;
}

/* NULL: all of the field has been opened; else the code to answer, and `why`. */
static const char *keys_open(struct bank_channel *channel, struct byte_view field,
                             struct key_exchange *exchange, char why[CHANNEL_REASON_SIZE])
{
    *exchange = (struct key_exchange){.channel = channel->bank.mac.channel};
    for (uint32_t at = 0; at < field.length;) {
        struct entry entry;
        uint32_t used = entry_read(&entry, (struct byte_view){field.bytes + at, field.length - at});
        if (used == 0) {
            snprintf(why, CHANNEL_REASON_SIZE,
                     "field 48 at character %u: expected ZPK or ZAK, the count of characters, the "
                     "key in hex and its check value",
                     at + 1);
            return CODE_FORM;
        }
        const struct key_offer offer = {
            entry.which,
            {entry.bytes, entry.key_length},
            {entry.bytes + entry.key_length, entry.check_length},
        };
        enum hsm_answer answer = key_exchange_open(channel->bank.unit, exchange, &offer);
        if (answer != HSM_DONE) {
            bool is_check = answer == HSM_VERIFY_FAILED;
            snprintf(why, CHANNEL_REASON_SIZE, "%s: %s",
                     entry.which == CHANNEL_ZPK ? "the PIN key" : "the MAC key",
                     is_check ? "its check value is another one: the bank's zone master key is not "
                                "the one that we hold"
                     : answer == HSM_KEY_UNAUTHENTIC
                         ? "it cannot be opened: is chan:<name>:zmk loaded?"
                         : hsm_answer_text(answer));
            return CODE_SECURITY;
        }
        at += used;
    }
    if (exchange->count == 0) {
        snprintf(why, CHANNEL_REASON_SIZE, "field 48 holds no key");
        return CODE_FORM;
    }
    return NULL;
}

/* --- what becomes of them -------------------------------------------------------------------- */

static void refused(struct bank_channel *channel, const char *code, const char *why)
{
    channel->base.counts.keys_refused++;
    LOG(LOG_ERROR, "keys_refused", LOG_TEXT("channel", channel->base.name), LOG_TEXT("code", code),
        LOG_TEXT("reason", why), LOG_TEXT("do", "the keys before stay in force; ask the bank"));
}

/* Answers the bank's request, if one waits for it. False: the answer could not leave. */
static bool answer_owed(struct bank_channel *channel, const char *code)
{
    struct bank_keys *keys = &channel->keys;
    if (!keys->is_answer_owed) {
        return true;
    }
    keys->is_answer_owed = false;
    struct payment *answer = &channel->outgoing;
    payment_copy(answer, &keys->request);
    payment_wipe(&keys->request);
    answer->leg = PAYMENT_RESPONSE;
    memcpy(answer->response_code, code, sizeof(answer->response_code));
    answer->cargo[PAYMENT_CARGO_ADDITIONAL].length = 0; /* keys are not sent back */
    return link_state(channel->links[keys->link].link) == LINK_OPEN &&
           bank_link_send(&channel->links[keys->link], answer);
}

static void arm_next_ask(struct bank_channel *channel)
{
    if (channel->setup.keys_every_ms > 0) {
        deadline_arm(&channel->loop->wheel, &channel->keys.due,
                     loop_now_ns() + channel->setup.keys_every_ms * NS_PER_MS);
    } else {
        deadline_disarm(&channel->keys.due);
    }
}

static void install(struct bank_channel *channel)
{
    struct bank_keys *keys = &channel->keys;
    key_exchange_install(channel->security, &keys->pending);
    channel->base.counts.keys_exchanged += keys->pending.count;
    deadline_arm(&channel->loop->wheel, &keys->grace,
                 loop_now_ns() + channel->setup.keys_grace_ms * NS_PER_MS);
    LOG(LOG_NOTICE, "keys_exchanged", LOG_TEXT("channel", channel->base.name),
        LOG_NUMBER("keys", keys->pending.count),
        LOG_NUMBER("old_mac_key_ms", channel->setup.keys_grace_ms));
    arm_next_ask(channel);
    if (keys->are_awaited) {
        keys->are_awaited = false;
        bank_review(channel, "signed on, with new keys");
    }
}

void bank_channel_keys_kept(struct channel *base, bool are_kept)
{
    struct bank_channel *channel = (struct bank_channel *)(void *)base;
    struct bank_keys *keys = &channel->keys;
    REQUIRE(keys->is_busy);
    keys->is_busy = false;
    if (channel->is_stopping) {
        return;
    }
    if (keys->pending.count == 0) {
        return; /* what was written is what is in force */
    }
    if (!are_kept) {
        refused(channel, CODE_OURS, "they could not be written to disk");
        (void)answer_owed(channel, CODE_OURS);
        return;
    }
    if (!answer_owed(channel, "00")) {
        refused(channel, CODE_OURS, "the link was lost before the bank could be told");
        keys->pending.count = 0; /* so the disk is to say again what is in force */
        keys->is_busy = true;
        channel->setup.keep_keys(channel->setup.keep_argument, channel->base.index, &keys->pending);
        return;
    }
    install(channel);
}

/* Opens and writes down; the rest follows in bank_channel_keys_kept. NULL, or the code that says
 * why not. */
static const char *take(struct bank_link *link, const struct payment *payment,
                        char why[CHANNEL_REASON_SIZE])
{
    struct bank_channel *channel = link->channel;
    struct bank_keys *keys = &channel->keys;
    if (keys->is_busy) {
        snprintf(why, CHANNEL_REASON_SIZE, "an exchange is under way");
        return CODE_BUSY;
    }
    const char *code =
        keys_open(channel, payment_cargo(payment, PAYMENT_CARGO_ADDITIONAL), &keys->pending, why);
    if (code == NULL) {
        keys->is_busy = true;
        keys->link = link->index;
    }
    return code;
}

static void keep(struct bank_channel *channel)
{
    if (channel->setup.keep_keys == NULL) {
        bank_channel_keys_kept(&channel->base, true);
    } else {
        channel->setup.keep_keys(channel->setup.keep_argument, channel->base.index,
                                 &channel->keys.pending);
    }
}

void bank_keys_on_request(struct bank_link *link)
{
    struct bank_channel *channel = link->channel;
    struct bank_keys *keys = &channel->keys;
    char why[CHANNEL_REASON_SIZE] = "";
    bool was_owed = keys->is_answer_owed;
    const char *code = take(link, &channel->incoming, why);
    if (code != NULL && was_owed) { /* the one under way keeps its own answer */
        refused(channel, code, why);
        return;
    }
    keys->is_answer_owed = true;
    payment_copy(&keys->request, &channel->incoming);
    if (code == NULL) {
        keep(channel);
        return;
    }
    uint8_t busy_link = keys->link;
    keys->link = link->index;
    refused(channel, code, why);
    (void)answer_owed(channel, code);
    keys->link = busy_link;
}

/* --- asking for them -------------------------------------------------------------------------- */

void bank_keys_ask(struct bank_channel *channel)
{
    struct bank_link *chosen = NULL;
    for (uint32_t i = 0; i < channel->link_count && chosen == NULL; i++) {
        struct bank_link *link = &channel->links[i];
        bool is_free = link->awaited_stan == 0 && !bank_posts_are_full(&link->posts);
        chosen = bank_link_is_up(link) && is_free ? link : NULL;
    }
    deadline_arm(&channel->loop->wheel, &channel->keys.due,
                 loop_now_ns() + channel->setup.reply_timeout_ms * NS_PER_MS);
    if (chosen != NULL && !channel->keys.is_busy) {
        channel->keys.asked = chosen->index;
        network_ask(chosen, PAYMENT_KEY_CHANGE);
    }
}

bool bank_keys_come_with(const struct payment *answer)
{
    return payment_cargo(answer, PAYMENT_CARGO_ADDITIONAL).length > 0;
}

void bank_keys_on_answer(struct bank_link *link)
{
    struct bank_channel *channel = link->channel;
    const struct payment *answer = &channel->incoming;
    char why[CHANNEL_REASON_SIZE] = "";
    const char *code = answer->response_code;
    if (strcmp(code, "00") != 0) {
        snprintf(why, sizeof(why), "the bank refused to give keys, with code %s", code);
    } else if (!bank_keys_come_with(answer)) {
        return; /* it will send them by itself; until then the time-out runs */
    } else {
        code = take(link, answer, why);
        if (code == NULL) {
            keep(channel);
            return;
        }
    }
    refused(channel, code, why);
    if (channel->keys.are_awaited) {
        link_drop(link->link, CLOSE_LOCAL, why);
    } else {
        arm_next_ask(channel);
    }
}

void bank_keys_review(struct bank_channel *channel, bool is_any_up)
{
    struct bank_keys *keys = &channel->keys;
    bool was_any_up = keys->is_any_up;
    keys->is_any_up = is_any_up;
    if (!is_any_up) {
        keys->are_awaited = false;
        return;
    }
    if (!was_any_up && channel->setup.keys_are_asked) {
        keys->are_awaited = true;
        bank_keys_ask(channel);
    } else if (keys->are_awaited && !bank_link_is_up(&channel->links[keys->asked])) {
        bank_keys_ask(channel); /* the link that was asked is gone */
    } else if (!was_any_up) {
        arm_next_ask(channel);
    }
}

/* Nothing came; or the time to ask has come. */
static void on_due(struct deadline *deadline)
{
    struct bank_channel *channel =
        (struct bank_channel *)(void *)((char *)deadline - offsetof(struct bank_channel, keys.due));
    struct bank_keys *keys = &channel->keys;
    if (channel->is_stopping || !keys->is_any_up || keys->is_busy) {
        return;
    }
    if (keys->are_awaited) {
        char text[CHANNEL_REASON_SIZE];
        snprintf(text, sizeof(text), "no new keys came within %u ms",
                 channel->setup.reply_timeout_ms);
        link_drop(channel->links[keys->asked].link, CLOSE_IDLE, text);
        return;
    }
    bank_keys_ask(channel);
}

static void on_grace_over(struct deadline *deadline)
{
    struct bank_channel *channel =
        (struct bank_channel *)(void *)((char *)deadline -
                                        offsetof(struct bank_channel, keys.grace));
    key_exchange_forget(channel->security, channel->bank.mac.channel);
}

void bank_keys_init(struct bank_channel *channel)
{
    deadline_init(&channel->keys.due, on_due);
    deadline_init(&channel->keys.grace, on_grace_over);
}

void bank_keys_close(struct bank_channel *channel)
{
    deadline_cancel(&channel->keys.due);
    deadline_cancel(&channel->keys.grace);
    payment_wipe(&channel->keys.request);
}
