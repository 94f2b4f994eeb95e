/* terminal_next() is the heart: whenever a terminal is connected and nothing is on the wire, it
 * says what comes next: keys, an open reversal, or freedom. */
#include "loadtest/load/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <uv.h>

#include "protocols/base/require.h"
#include "protocols/payment.h"

#define MS_NS UINT64_C(1000000)
#define CONNECT_TIMEOUT_NS (15000 * MS_NS)
#define SIGN_ON_TIMEOUT_NS (15000 * MS_NS)
#define PAUSE_NS (1000 * MS_NS) /* before a refused reversal or sign-on is repeated */
#define RECONNECT_MIN_MS 100
#define RECONNECT_MAX_MS 3000
#define GARBLED_LINES_MAX 5     /* told in words; the rest is only counted */
#define REVERSAL_TRIES_A_LINK 3 /* unanswered ones, then a new connection is tried */
#define AMOUNT_MIN 100          /* 1.00 to 800.00 */
#define AMOUNT_SPAN 79901
#define AMOUNT_SMALL_SPAN 9901 /* contactless without PIN: up to 100.00 */

static void terminal_next(struct terminal *terminal, uint64_t now_ns);

static int64_t wall_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct tally_counts *counts_of(struct terminal *terminal)
{
    return tally_counts(terminal->world->tally);
}

/* The one place where a state changes. */
static void state_set(struct terminal *terminal, enum terminal_state state, uint64_t deadline_ns)
{
    struct terminal_world *world = terminal->world;
    world->connecting_count -= terminal->state == TERMINAL_CONNECTING;
    world->connecting_count += state == TERMINAL_CONNECTING;
    bool is_ready = state == TERMINAL_FREE || state == TERMINAL_PAYING;
    world->ready_count += is_ready;
    world->ready_count -= terminal->is_ready;
    terminal->is_ready = is_ready;
    terminal->state = state;
    terminal->deadline_ns = deadline_ns;
}

void terminal_init(struct terminal *terminal, struct terminal_world *world, uint32_t index)
{
    *terminal = (struct terminal){
        .world = world, .index = index, .state = TERMINAL_OFFLINE, .deadline_ns = 0};
    fleet_terminal_id(index, terminal->identity.terminal_id);
    fleet_merchant_id(fleet_merchant_of(world->fleet, index), terminal->identity.merchant_id);
    terminal->identity.batch = 1;
    if (world->is_echo) { /* nobody hands out keys; any will do */
        fleet_tdes_key(world->fleet, "echo", &terminal->identity.pin_key);
        terminal->identity.mac_key = terminal->identity.pin_key;
        terminal->has_keys = true;
    }
}

static void partial_drop(struct terminal *terminal)
{
    free(terminal->partial);
    terminal->partial = NULL;
    terminal->partial_length = 0;
}

/* Waits longer after each failure, and never in step with the others. */
static void go_offline(struct terminal *terminal, uint64_t now_ns)
{
    uint64_t pause_ms = (uint64_t)RECONNECT_MIN_MS << terminal->connect_failures;
    pause_ms = pause_ms < RECONNECT_MAX_MS ? pause_ms : RECONNECT_MAX_MS;
    pause_ms += draw_below(&terminal->world->draw, pause_ms);
    if (terminal->connect_failures < 6) {
        terminal->connect_failures++;
    }
    terminal->stream = NULL;
    partial_drop(terminal);
    state_set(terminal, TERMINAL_OFFLINE, now_ns + pause_ms * MS_NS);
}

static void reconnect(struct terminal *terminal, uint64_t now_ns)
{
    if (terminal->stream != NULL) {
        tls_stream_close(terminal->stream);
    }
    go_offline(terminal, now_ns);
}

void terminal_connect(struct terminal *terminal, uint64_t now_ns)
{
    REQUIRE(terminal->stream == NULL);
    terminal->stream = tls_stream_open(terminal->world->client, terminal);
    if (terminal->stream == NULL) {
        counts_of(terminal)->connects_failed++;
        go_offline(terminal, now_ns);
        return;
    }
    state_set(terminal, TERMINAL_CONNECTING, now_ns + CONNECT_TIMEOUT_NS);
}

static uint32_t stan_next(struct terminal *terminal)
{
    terminal->stan = terminal->stan % 999999 + 1;
    return terminal->stan;
}

/* Writes the receipt; the terminal is done with this payment. */
static void payment_close(struct terminal *terminal, enum outcome outcome,
                          const struct pos_answer *answer)
{
    struct terminal_world *world = terminal->world;
    struct tally_counts *counts = counts_of(terminal);
    struct pos_identity identity = terminal->identity;
    identity.batch = terminal->payment_batch;
    bool is_answered = answer != NULL && !terminal->is_reversing;
    struct receipt receipt = {
        .identity = &identity,
        .purchase = &terminal->purchase,
        .outcome = outcome,
        .response_code = is_answered ? answer->response_code : "",
        .rrn = is_answered ? answer->rrn : "",
        .auth_code = is_answered ? answer->auth_code : "",
        .reversal_reason = terminal->is_reversing ? terminal->reversal_reason : "",
        .reversal_code = terminal->is_reversing && answer != NULL ? answer->response_code : "",
        .started_us = terminal->started_us,
        .ended_us = wall_now_us(),
        .reversal_attempts = terminal->reversal_attempts};
    receipts_put(world->receipts, &receipt);
    counts->approved += outcome == OUTCOME_APPROVED;
    counts->declined += outcome == OUTCOME_DECLINED;
    counts->reversed += outcome == OUTCOME_REVERSED;
    counts->unknown += outcome == OUTCOME_UNKNOWN;
    world->open_count--;
    terminal->has_payment = false;
    terminal->is_reversing = false;
}

static void answer_tally(struct terminal *terminal, const char *response_code, uint64_t now_ns)
{
    struct tally_times times = {terminal->intended_ns, terminal->sent_ns, now_ns};
    tally_answer(terminal->world->tally, response_code, &times);
}

/* From now on only the reversal counts. */
static void reversal_begin(struct terminal *terminal, const char *reason)
{
    terminal->is_reversing = true;
    memcpy(terminal->reversal_reason, reason, 3);
}

static void send_sign_on(struct terminal *terminal, uint64_t now_ns)
{
    state_set(terminal, TERMINAL_SIGNING_ON, now_ns + SIGN_ON_TIMEOUT_NS);
    struct byte_view frame =
        pos_build_sign_on(terminal->world->writer, &terminal->identity, stan_next(terminal));
    tls_stream_send(terminal->stream, frame);
}

static void send_reversal(struct terminal *terminal, uint64_t now_ns)
{
    struct pos_identity identity = terminal->identity;
    identity.batch = terminal->payment_batch;
    terminal->reversal_attempts++;
    counts_of(terminal)->reversals_sent++;
    state_set(terminal, TERMINAL_REVERSING, now_ns + terminal->world->answer_timeout_ns);
    struct byte_view frame = pos_build_reversal(terminal->world->writer, &identity,
                                                &terminal->purchase, terminal->reversal_reason);
    tls_stream_send(terminal->stream, frame);
}

static void terminal_next(struct terminal *terminal, uint64_t now_ns)
{
    REQUIRE(terminal->stream != NULL);
    if (terminal->world->is_ending) {
        state_set(terminal, TERMINAL_PAUSING, UINT64_MAX);
        return;
    }
    if (!terminal->has_keys || terminal->wants_sign_on) {
        send_sign_on(terminal, now_ns);
        return;
    }
    if (terminal->is_reversing) {
        send_reversal(terminal, now_ns);
        return;
    }
    state_set(terminal, TERMINAL_FREE, UINT64_MAX);
    terminal->world->on_free(terminal->world->argument, terminal->index);
}

/* 70 % chip with PIN, 15 % magnetic with PIN, 15 % contactless without. */
static void purchase_draw(struct terminal *terminal)
{
    struct terminal_world *world = terminal->world;
    struct pos_purchase *purchase = &terminal->purchase;
    uint64_t kind = draw_below(&world->draw, 100);
    purchase->entry = kind < 70 ? POS_CHIP_PIN : kind < 85 ? POS_MAGNETIC_PIN : POS_CONTACTLESS;
    uint64_t span = purchase->entry == POS_CONTACTLESS ? AMOUNT_SMALL_SPAN : AMOUNT_SPAN;
    purchase->amount = AMOUNT_MIN + (int64_t)draw_below(&world->draw, span);
    purchase->stan = stan_next(terminal);
    card_make(&purchase->card, world->ranges, draw_below(&world->draw, 100000));
}

void terminal_pay(struct terminal *terminal, uint64_t intended_ns, uint64_t now_ns)
{
    struct terminal_world *world = terminal->world;
    REQUIRE(terminal->state == TERMINAL_FREE && !terminal->has_payment);
    purchase_draw(terminal);
    terminal->has_payment = true;
    terminal->is_reversing = false;
    terminal->reversal_attempts = 0;
    terminal->payment_batch = terminal->identity.batch;
    terminal->intended_ns = intended_ns;
    terminal->sent_ns = now_ns;
    terminal->started_us = wall_now_us();
    world->open_count++;
    counts_of(terminal)->sent++;
    state_set(terminal, TERMINAL_PAYING, now_ns + world->answer_timeout_ns);
    struct byte_view frame =
        pos_build_purchase(world->writer, &terminal->identity, &terminal->purchase);
    counts_of(terminal)->payment_bytes += frame.length;
    tls_stream_send(terminal->stream, frame);
}

static void pause_begin(struct terminal *terminal, uint64_t now_ns)
{
    state_set(terminal, TERMINAL_PAUSING, now_ns + PAUSE_NS);
}

static void on_sign_on_answer(struct terminal *terminal, const struct pos_answer *answer,
                              uint64_t now_ns)
{
    char name[32];
    struct tdes_key master;
    snprintf(name, sizeof name, "term:%s:tmk", terminal->identity.terminal_id);
    fleet_tdes_key(terminal->world->fleet, name, &master);
    bool is_done = strcmp(answer->response_code, "00") == 0 &&
                   pos_keys_open(terminal->world->writer, &master, answer->keys,
                                 &terminal->identity) == STATUS_OK;
    if (!is_done) {
        counts_of(terminal)->sign_ons_refused++;
        pause_begin(terminal, now_ns);
        return;
    }
    counts_of(terminal)->sign_ons++;
    terminal->identity.batch = answer->batch;
    terminal->has_keys = true;
    terminal->wants_sign_on = false;
    terminal->connect_failures = 0;
    terminal_next(terminal, now_ns);
}

/* Codes after which a terminal signs on before anything else (unionpay-pos section 9). */
static bool code_wants_sign_on(const char *code)
{
    static const char *const codes[] = {"77", "97", "99", "A0", "A7"};
    for (unsigned i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (strcmp(codes[i], code) == 0) {
            return true;
        }
    }
    return false;
}

static void on_approval(struct terminal *terminal, const struct pos_answer *answer, uint64_t now_ns)
{
    bool must_have_mac = strcmp(answer->response_code, "00") == 0 ||
                         strcmp(answer->response_code, "10") == 0 || answer->has_mac;
    if (must_have_mac && !answer->is_mac_right) {
        counts_of(terminal)->bad_mac++;
        reversal_begin(terminal, "A0");
    } else if (answer->amount >= 0 && answer->amount != terminal->purchase.amount) {
        counts_of(terminal)->wrong_amount++;
        reversal_begin(terminal, "06");
    } else {
        payment_close(terminal, OUTCOME_APPROVED, answer);
    }
    terminal_next(terminal, now_ns);
}

static void on_payment_answer(struct terminal *terminal, const struct pos_answer *answer,
                              uint64_t now_ns)
{
    answer_tally(terminal, answer->response_code, now_ns);
    terminal->connect_failures = 0;
    if (payment_is_approval(answer->response_code)) {
        on_approval(terminal, answer, now_ns);
        return;
    }
    bool is_unknown = strcmp(answer->response_code, "98") == 0;
    terminal->wants_sign_on |= code_wants_sign_on(answer->response_code);
    payment_close(terminal, is_unknown ? OUTCOME_UNKNOWN : OUTCOME_DECLINED, answer);
    terminal_next(terminal, now_ns);
}

static void on_reversal_answer(struct terminal *terminal, const struct pos_answer *answer,
                               uint64_t now_ns)
{
    const char *code = answer->response_code;
    bool is_approved = strcmp(code, "00") == 0;
    bool is_done = is_approved || strcmp(code, "12") == 0 || strcmp(code, "25") == 0;
    if (is_done && (!is_approved || answer->is_mac_right)) {
        payment_close(terminal, OUTCOME_REVERSED, answer);
        terminal_next(terminal, now_ns);
        return;
    }
    counts_of(terminal)->reversals_refused++;
    terminal->wants_sign_on |= code_wants_sign_on(code);
    pause_begin(terminal, now_ns);
}

static void answer_count(struct terminal *terminal, struct byte_view frame)
{
    counts_of(terminal)->answered++;
    counts_of(terminal)->answer_bytes += frame.length;
}

static void on_frame(struct terminal *terminal, struct byte_view frame, uint64_t now_ns)
{
    struct pos_answer answer;
    char fault[160];
    if (terminal->world->is_echo) {
        if (terminal->state == TERMINAL_PAYING) {
            answer_count(terminal, frame);
            answer_tally(terminal, "00", now_ns);
            payment_close(terminal, OUTCOME_APPROVED, NULL);
            terminal_next(terminal, now_ns);
        }
        return;
    }
    if (pos_read(terminal->world->writer, &terminal->identity, frame, &answer, fault) !=
        STATUS_OK) {
        if (counts_of(terminal)->garbled++ < GARBLED_LINES_MAX) {
            fprintf(stderr, "tillway-load: terminal %s: answer cannot be read: %s\n",
                    terminal->identity.terminal_id, fault);
        }
        return;
    }
    bool is_mine = strcmp(answer.terminal_id, terminal->identity.terminal_id) == 0;
    terminal->wants_sign_on |= answer.request == 3;
    if (is_mine && terminal->state == TERMINAL_SIGNING_ON && strcmp(answer.mti, "0810") == 0 &&
        answer.stan == terminal->stan) {
        on_sign_on_answer(terminal, &answer, now_ns);
    } else if (is_mine && terminal->state == TERMINAL_PAYING && strcmp(answer.mti, "0210") == 0 &&
               answer.stan == terminal->purchase.stan) {
        answer_count(terminal, frame);
        on_payment_answer(terminal, &answer, now_ns);
    } else if (is_mine && terminal->state == TERMINAL_REVERSING &&
               strcmp(answer.mti, "0410") == 0 && answer.stan == terminal->purchase.stan) {
        on_reversal_answer(terminal, &answer, now_ns);
    } else {
        counts_of(terminal)->stray++;
    }
}

void terminal_on_open(void *argument)
{
    struct terminal *terminal = argument;
    counts_of(terminal)->connects++;
    if (terminal->world->is_echo) {
        terminal->connect_failures = 0;
    }
    terminal_next(terminal, uv_hrtime());
}

/* Keeps the beginning of a frame until the rest comes. */
static void partial_keep(struct terminal *terminal, struct byte_view rest)
{
    uint8_t *kept = rest.length == 0 ? NULL : malloc(rest.length);
    if (kept != NULL) {
        memcpy(kept, rest.bytes, rest.length);
    }
    partial_drop(terminal);
    terminal->partial = kept;
    terminal->partial_length = kept == NULL ? 0 : rest.length;
}

static struct byte_view partial_join(struct terminal *terminal, struct byte_view bytes)
{
    uint8_t *joined = realloc(terminal->partial, terminal->partial_length + bytes.length);
    REQUIRE(joined != NULL);
    memcpy(joined + terminal->partial_length, bytes.bytes, bytes.length);
    terminal->partial = joined;
    return (struct byte_view){joined, terminal->partial_length + bytes.length};
}

void terminal_on_bytes(void *argument, struct byte_view bytes)
{
    struct terminal *terminal = argument;
    struct tls_stream *stream = terminal->stream;
    uint64_t now_ns = uv_hrtime();
    bool is_joined = terminal->partial != NULL;
    struct byte_view rest = is_joined ? partial_join(terminal, bytes) : bytes;
    for (;;) {
        uint32_t length = pos_frame_length(rest);
        if (length == 0 || length > rest.length) {
            break;
        }
        struct byte_view frame = {rest.bytes, length};
        if (length > 2) { /* nothing but a length keeps the connection alive */
            on_frame(terminal, frame, now_ns);
        }
        if (terminal->stream != stream) {
            return; /* the frame made the terminal give up this connection */
        }
        rest.bytes += length;
        rest.length -= length;
    }
    if (is_joined || rest.length > 0) {
        partial_keep(terminal, rest);
    }
}

/* No answer will come on this connection, or in this time. */
static void payment_unanswered(struct terminal *terminal, uint64_t now_ns)
{
    counts_of(terminal)->unanswered++;
    answer_tally(terminal, "", now_ns);
    if (terminal->world->is_echo) {
        payment_close(terminal, OUTCOME_UNKNOWN, NULL);
        return;
    }
    reversal_begin(terminal, "98");
}

void terminal_on_lost(void *argument, const char *reason)
{
    struct terminal *terminal = argument;
    uint64_t now_ns = uv_hrtime();
    struct tally_counts *counts = counts_of(terminal);
    if (terminal->state == TERMINAL_CONNECTING) {
        if (counts->connects_failed++ == 0) {
            fprintf(stderr, "tillway-load: terminal %s cannot connect: %s (told once)\n",
                    terminal->identity.terminal_id, reason);
        }
    } else {
        counts->lost++;
    }
    if (terminal->state == TERMINAL_PAYING) {
        payment_unanswered(terminal, now_ns);
    }
    go_offline(terminal, now_ns);
}

void terminal_on_deadline(struct terminal *terminal, uint64_t now_ns)
{
    switch (terminal->state) {
    case TERMINAL_OFFLINE:
        terminal_connect(terminal, now_ns);
        return;
    case TERMINAL_CONNECTING:
        counts_of(terminal)->connects_failed++;
        reconnect(terminal, now_ns);
        return;
    case TERMINAL_SIGNING_ON:
        counts_of(terminal)->sign_ons_refused++;
        reconnect(terminal, now_ns);
        return;
    case TERMINAL_PAYING:
        payment_unanswered(terminal, now_ns);
        terminal_next(terminal, now_ns);
        return;
    case TERMINAL_REVERSING:
        if (terminal->reversal_attempts % REVERSAL_TRIES_A_LINK == 0) {
            reconnect(terminal, now_ns);
            return;
        }
        terminal_next(terminal, now_ns);
        return;
    case TERMINAL_PAUSING:
        terminal_next(terminal, now_ns);
        return;
    case TERMINAL_FREE:
        return;
    }
}

void terminal_end(struct terminal *terminal)
{
    if (terminal->has_payment) {
        payment_close(terminal, OUTCOME_UNKNOWN, NULL);
    }
    if (terminal->stream != NULL) {
        tls_stream_close(terminal->stream);
        terminal->stream = NULL;
    }
    partial_drop(terminal);
}
