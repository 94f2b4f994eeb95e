/* terminal_next() is the heart: whenever a terminal is connected and nothing is on the wire, it
 * says what comes next: keys, an open transaction, an errand, or freedom. */
#include "loadtest/load/terminal_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "protocols/base/require.h"

#define MS_NS UINT64_C(1000000)
#define CONNECT_TIMEOUT_NS (15000 * MS_NS)
#define RECONNECT_MIN_MS 100
#define RECONNECT_MAX_MS 3000
#define GARBLED_LINES_MAX 5 /* told in words; the rest is only counted */
#define UNANSWERED_A_LINK 3 /* reversals and repeats, then a new connection is tried */

struct tally_counts *terminal_counts(struct terminal *terminal)
{
    return tally_counts(terminal->world->tally);
}

void terminal_state_set(struct terminal *terminal, enum terminal_state state, uint64_t deadline_ns)
{
    struct terminal_world *world = terminal->world;
    world->connecting_count -= terminal->state == TERMINAL_CONNECTING;
    world->connecting_count += state == TERMINAL_CONNECTING;
    bool is_ready =
        state == TERMINAL_FREE || state == TERMINAL_PAYING || state == TERMINAL_ON_ERRAND;
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
    if (world->has_devices) {
        fleet_device(world->fleet, index, &terminal->identity.device);
    }
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
    terminal_state_set(terminal, TERMINAL_OFFLINE, now_ns + pause_ms * MS_NS);
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
        terminal_counts(terminal)->connects_failed++;
        go_offline(terminal, now_ns);
        return;
    }
    terminal_state_set(terminal, TERMINAL_CONNECTING, now_ns + CONNECT_TIMEOUT_NS);
}

uint32_t terminal_stan_next(struct terminal *terminal)
{
    terminal->stan = terminal->stan % 999999 + 1;
    return terminal->stan;
}

void terminal_next(struct terminal *terminal, uint64_t now_ns)
{
    REQUIRE(terminal->stream != NULL);
    if (terminal->world->is_ending) {
        terminal_state_set(terminal, TERMINAL_PAUSING, UINT64_MAX);
        return;
    }
    if (!terminal->has_keys || terminal->wants_sign_on) {
        terminal_sign_on_send(terminal, now_ns);
        return;
    }
    if (terminal->has_payment) {
        terminal_payment_send(terminal, now_ns);
        return;
    }
    if (terminal->has_errand || terminal_errand_begin(terminal)) {
        terminal_errand_send(terminal, now_ns);
        return;
    }
    terminal_state_set(terminal, TERMINAL_FREE, UINT64_MAX);
    terminal->world->on_free(terminal->world->argument, terminal->index);
}

void terminal_pause(struct terminal *terminal, uint64_t now_ns)
{
    terminal_state_set(terminal, TERMINAL_PAUSING, now_ns + TERMINAL_PAUSE_NS);
}

bool terminal_code_wants_sign_on(const char *code)
{
    static const char *const codes[] = {"77", "97", "99", "A0", "A7"};
    for (unsigned i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (strcmp(codes[i], code) == 0) {
            return true;
        }
    }
    return false;
}

/* The centre's wish in an answer's header; it is met once what is under way is over. */
static void wish_take(struct terminal *terminal, uint8_t digit, uint64_t now_ns)
{
    enum errand_kind wish = errand_from_request(digit);
    if (wish != ERRAND_COUNT) {
        terminal_counts(terminal)->wishes++;
        terminal_order(terminal, wish, now_ns);
    }
}

static void on_frame(struct terminal *terminal, struct byte_view frame, uint64_t now_ns)
{
    struct pos_answer answer;
    char fault[160];
    if (terminal->world->is_echo) {
        terminal_payment_echoed(terminal, frame, now_ns);
        return;
    }
    if (pos_read(terminal->world->writer, &terminal->identity, frame, &answer, fault) !=
        STATUS_OK) {
        if (terminal_counts(terminal)->garbled++ < GARBLED_LINES_MAX) {
            fprintf(stderr, "tillway-load: terminal %s: answer cannot be read: %s\n",
                    terminal->identity.terminal_id, fault);
        }
        return;
    }
    bool is_mine = strcmp(answer.terminal_id, terminal->identity.terminal_id) == 0;
    if (is_mine) {
        wish_take(terminal, answer.request, now_ns);
    }
    if (!is_mine || !(terminal_sign_on_take(terminal, &answer, now_ns) ||
                      terminal_payment_take(terminal, frame, &answer, now_ns) ||
                      terminal_errand_take(terminal, &answer, now_ns))) {
        terminal_counts(terminal)->stray++;
    }
}

void terminal_on_open(void *argument)
{
    struct terminal *terminal = argument;
    terminal_counts(terminal)->connects++;
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

/* False: no whole frame is there, or nothing that is one, which is told and waits for the end of
 * this connection. */
static bool frame_take(struct terminal *terminal, struct byte_view bytes, uint32_t *length,
                       struct byte_view *frame)
{
    static uint8_t room[WRAP_BYTES_MAX]; /* one thread */
    struct frame_fault fault;
    const struct framing *framing = wrap_of(terminal->world->wraps, terminal->index);
    enum status status = wrap_in(framing, bytes, length, room, frame, &fault);
    if (status != STATUS_OK && status != STATUS_TRUNCATED &&
        terminal_counts(terminal)->garbled++ < GARBLED_LINES_MAX) {
        fprintf(stderr, "tillway-load: terminal %s: answer cannot be framed: %s\n",
                terminal->identity.terminal_id, fault.reason);
    }
    return status == STATUS_OK;
}

void terminal_send(struct terminal *terminal, struct byte_view frame)
{
    static uint8_t room[WRAP_BYTES_MAX]; /* one thread; the stream copies */
    const struct framing *framing = wrap_of(terminal->world->wraps, terminal->index);
    tls_stream_send(terminal->stream, wrap_out(framing, frame, room));
}

void terminal_on_bytes(void *argument, struct byte_view bytes)
{
    struct terminal *terminal = argument;
    struct tls_stream *stream = terminal->stream;
    uint64_t now_ns = uv_hrtime();
    bool is_joined = terminal->partial != NULL;
    struct byte_view rest = is_joined ? partial_join(terminal, bytes) : bytes;
    for (;;) {
        struct byte_view frame;
        uint32_t length = 0;
        if (!frame_take(terminal, rest, &length, &frame)) {
            break;
        }
        if (frame.length > 2) { /* nothing but a length keeps the connection alive */
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

void terminal_on_lost(void *argument, const char *reason)
{
    struct terminal *terminal = argument;
    uint64_t now_ns = uv_hrtime();
    struct tally_counts *counts = terminal_counts(terminal);
    if (terminal->state == TERMINAL_CONNECTING) {
        if (counts->connects_failed++ == 0) {
            fprintf(stderr, "tillway-load: terminal %s cannot connect: %s (told once)\n",
                    terminal->identity.terminal_id, reason);
        }
    } else {
        counts->lost++;
    }
    if (terminal->state == TERMINAL_PAYING) {
        terminal_payment_unanswered(terminal, now_ns);
    }
    go_offline(terminal, now_ns);
}

/* `attempts` of one message have gone unanswered; 0: it is the first. */
static void again_or_reconnect(struct terminal *terminal, uint32_t attempts, uint64_t now_ns)
{
    if (attempts > 0 && attempts % UNANSWERED_A_LINK == 0) {
        reconnect(terminal, now_ns);
        return;
    }
    terminal_next(terminal, now_ns);
}

void terminal_on_deadline(struct terminal *terminal, uint64_t now_ns)
{
    switch (terminal->state) {
    case TERMINAL_OFFLINE:
        terminal_connect(terminal, now_ns);
        return;
    case TERMINAL_CONNECTING:
        terminal_counts(terminal)->connects_failed++;
        reconnect(terminal, now_ns);
        return;
    case TERMINAL_SIGNING_ON:
        terminal_counts(terminal)->sign_ons_refused++;
        reconnect(terminal, now_ns);
        return;
    case TERMINAL_PAYING:
        terminal_payment_unanswered(terminal, now_ns);
        again_or_reconnect(terminal, terminal->repeat_count, now_ns);
        return;
    case TERMINAL_REVERSING:
        again_or_reconnect(terminal, terminal->reversal_attempts, now_ns);
        return;
    case TERMINAL_ON_ERRAND:
        terminal_counts(terminal)->errands_unanswered++;
        reconnect(terminal, now_ns);
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
    terminal_payment_abandon(terminal);
    terminal_errand_abandon(terminal);
    journal_free(&terminal->journal);
    if (terminal->stream != NULL) {
        tls_stream_close(terminal->stream);
        terminal->stream = NULL;
    }
    partial_drop(terminal);
}
