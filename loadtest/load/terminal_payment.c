/* The transaction under way, from the keyboard to its receipt. What happens without a valid answer
 * depends on its manner (pos_kind.h): reversed, repeated, or forgotten. */
#include "loadtest/load/terminal_parts.h"

#include <string.h>
#include <time.h>

#include "protocols/base/require.h"
#include "protocols/payment.h"

#define REFUSED_REPEATS_MAX 5 /* of one message, by code; then the terminal gives up and prints */

int64_t terminal_wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static enum pos_manner manner_of(const struct terminal *terminal)
{
    return pos_kind_row(terminal->request.kind)->manner;
}

/* Writes the receipt; the terminal is done with this transaction. */
static void payment_close(struct terminal *terminal, enum outcome outcome,
                          const struct pos_answer *answer)
{
    struct terminal_world *world = terminal->world;
    struct tally_counts *counts = terminal_counts(terminal);
    struct pos_identity identity = terminal->identity;
    identity.batch = terminal->payment_batch;
    bool is_answered = answer != NULL && !terminal->is_reversing;
    struct receipt receipt = {
        .identity = &identity,
        .request = &terminal->request,
        .outcome = outcome,
        .response_code = is_answered ? answer->response_code : "",
        .rrn = is_answered ? answer->rrn : "",
        .auth_code = is_answered ? answer->auth_code : "",
        .reversal_reason = terminal->is_reversing ? terminal->reversal_reason : "",
        .reversal_code = terminal->is_reversing && answer != NULL ? answer->response_code : "",
        .started_us = terminal->started_us,
        .ended_us = terminal_wall_us(),
        .reversal_attempts = terminal->reversal_attempts,
        .repeat_count = terminal->repeat_count};
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

void terminal_payment_send(struct terminal *terminal, uint64_t now_ns)
{
    struct terminal_world *world = terminal->world;
    struct pos_identity identity = terminal->identity;
    identity.batch = terminal->payment_batch;
    if (terminal->is_reversing) {
        terminal->reversal_attempts++;
        terminal_counts(terminal)->reversals_sent++;
        terminal_state_set(terminal, TERMINAL_REVERSING, now_ns + world->answer_timeout_ns);
        terminal_send(terminal, pos_build_reversal(world->writer, &identity, &terminal->request,
                                                   terminal->reversal_reason));
        return;
    }
    terminal->repeat_count++;
    terminal_counts(terminal)->repeats_sent++;
    terminal_state_set(terminal, TERMINAL_PAYING, now_ns + world->answer_timeout_ns);
    terminal_send(terminal, pos_build_request(world->writer, &identity, &terminal->request));
}

void terminal_pay(struct terminal *terminal, uint64_t intended_ns, uint64_t now_ns)
{
    struct terminal_world *world = terminal->world;
    REQUIRE(terminal->state == TERMINAL_FREE && !terminal->has_payment);
    trade_draw(&world->trade, &terminal->journal, world->ranges, &world->draw, &terminal->request,
               &terminal->original);
    /* A signature goes under the trace number of what was signed. */
    terminal->request.stan = terminal->request.kind == POS_SIGNATURE
                                 ? terminal->request.original.stan
                                 : terminal_stan_next(terminal);
    terminal->has_payment = true;
    terminal->is_reversing = false;
    terminal->wants_reversal = manner_of(terminal) == POS_IS_REVERSED &&
                               world->trade.reversal_percent > 0 &&
                               draw_hits(&world->draw, world->trade.reversal_percent);
    terminal->reversal_attempts = 0;
    terminal->repeat_count = 0;
    terminal->payment_batch = terminal->identity.batch;
    terminal->intended_ns = intended_ns;
    terminal->sent_ns = now_ns;
    terminal->started_us = terminal_wall_us();
    world->open_count++;
    terminal_counts(terminal)->sent++;
    terminal_state_set(terminal, TERMINAL_PAYING, now_ns + world->answer_timeout_ns);
    struct byte_view frame =
        pos_build_request(world->writer, &terminal->identity, &terminal->request);
    terminal_counts(terminal)->payment_bytes += frame.length;
    terminal_send(terminal, frame);
}

/* A printed receipt, or an accepted advice. A terminal that cannot keep it has no journal to settle
 * from: the run is of no use. */
static void approval_keep(struct terminal *terminal, const struct pos_answer *answer)
{
    if (!terminal->world->is_echo) {
        REQUIRE(journal_add(&terminal->journal, &terminal->request, answer, terminal->original) ==
                STATUS_OK);
    }
    payment_close(terminal, OUTCOME_APPROVED, answer);
}

/* What cannot be reversed is sent again when its approval cannot be trusted. */
static void on_approval(struct terminal *terminal, const struct pos_answer *answer, uint64_t now_ns)
{
    bool is_reversible = manner_of(terminal) == POS_IS_REVERSED;
    bool must_have_mac = strcmp(answer->response_code, "00") == 0 ||
                         strcmp(answer->response_code, "10") == 0 || answer->has_mac;
    if (must_have_mac && !answer->is_mac_right) {
        terminal_counts(terminal)->bad_mac++;
        if (!is_reversible) {
            terminal_pause(terminal, now_ns);
            return;
        }
        reversal_begin(terminal, "A0");
    } else if (is_reversible && answer->amount >= 0 && answer->amount != terminal->request.amount) {
        terminal_counts(terminal)->wrong_amount++;
        reversal_begin(terminal, "06");
    } else if (terminal->wants_reversal) {
        reversal_begin(terminal, "96");
    } else {
        approval_keep(terminal, answer);
    }
    terminal_next(terminal, now_ns);
}

/* 09 and 98: the outcome is still to come; a repeat will be told it. */
static bool wants_repeat(const struct terminal *terminal, const char *code)
{
    bool is_open = strcmp(code, "09") == 0 || strcmp(code, "98") == 0;
    bool is_curable =
        terminal_code_wants_sign_on(code) && terminal->repeat_count < REFUSED_REPEATS_MAX;
    return manner_of(terminal) == POS_IS_REPEATED && (is_open || is_curable);
}

static void on_payment_answer(struct terminal *terminal, const struct pos_answer *answer,
                              uint64_t now_ns)
{
    const char *code = answer->response_code;
    if (terminal->repeat_count == 0) {
        answer_tally(terminal, code, now_ns);
    }
    terminal->connect_failures = 0;
    if (payment_is_approval(code)) {
        on_approval(terminal, answer, now_ns);
        return;
    }
    terminal->wants_sign_on |= terminal_code_wants_sign_on(code);
    if (wants_repeat(terminal, code)) {
        terminal_pause(terminal, now_ns);
        return;
    }
    bool is_unknown = strcmp(code, "98") == 0 && manner_of(terminal) == POS_IS_REVERSED;
    if (terminal->request.kind == POS_PURCHASE && !is_unknown) {
        terminal->journal.declined = terminal->request;
        terminal->journal.has_declined = true;
    }
    payment_close(terminal, is_unknown ? OUTCOME_UNKNOWN : OUTCOME_DECLINED, answer);
    terminal_next(terminal, now_ns);
}

/* Done, for a terminal, besides 00 (unionpay-pos section 5). */
static bool reversal_is_final(const char *code)
{
    return strcmp(code, "12") == 0 || strcmp(code, "25") == 0;
}

static void on_reversal_answer(struct terminal *terminal, const struct pos_answer *answer,
                               uint64_t now_ns)
{
    const char *code = answer->response_code;
    bool is_approved = strcmp(code, "00") == 0;
    if (reversal_is_final(code) || (is_approved && answer->is_mac_right)) {
        payment_close(terminal, OUTCOME_REVERSED, answer);
        terminal_next(terminal, now_ns);
        return;
    }
    if (strcmp(code, "22") == 0) { /* its day is settled: asking again changes nothing */
        payment_close(terminal, OUTCOME_UNKNOWN, answer);
        terminal_next(terminal, now_ns);
        return;
    }
    terminal_counts(terminal)->reversals_refused++;
    terminal->wants_sign_on |= terminal_code_wants_sign_on(code);
    terminal_pause(terminal, now_ns);
}

static void answer_count(struct terminal *terminal, struct byte_view frame)
{
    terminal_counts(terminal)->answered++;
    terminal_counts(terminal)->answer_bytes += frame.length;
}

bool terminal_payment_take(struct terminal *terminal, struct byte_view frame,
                           const struct pos_answer *answer, uint64_t now_ns)
{
    if (!terminal->has_payment || answer->stan != terminal->request.stan) {
        return false;
    }
    if (terminal->state == TERMINAL_PAYING &&
        strcmp(answer->mti, pos_kind_row(terminal->request.kind)->answer_mti) == 0) {
        answer_count(terminal, frame);
        on_payment_answer(terminal, answer, now_ns);
        return true;
    }
    if (terminal->state == TERMINAL_REVERSING && strcmp(answer->mti, "0410") == 0) {
        on_reversal_answer(terminal, answer, now_ns);
        return true;
    }
    return false;
}

void terminal_payment_echoed(struct terminal *terminal, struct byte_view frame, uint64_t now_ns)
{
    if (terminal->state == TERMINAL_PAYING) {
        answer_count(terminal, frame);
        answer_tally(terminal, "00", now_ns);
        payment_close(terminal, OUTCOME_APPROVED, NULL);
        terminal_next(terminal, now_ns);
    }
}

void terminal_payment_unanswered(struct terminal *terminal, uint64_t now_ns)
{
    terminal_counts(terminal)->unanswered++;
    if (terminal->repeat_count == 0) {
        answer_tally(terminal, "", now_ns);
    }
    if (terminal->world->is_echo) {
        payment_close(terminal, OUTCOME_UNKNOWN, NULL);
    } else if (manner_of(terminal) == POS_IS_ENQUIRY) {
        payment_close(terminal, OUTCOME_DECLINED, NULL);
    } else if (manner_of(terminal) == POS_IS_REVERSED) {
        reversal_begin(terminal, "98");
    } /* else it stays open, and goes out again */
}

void terminal_payment_abandon(struct terminal *terminal)
{
    if (terminal->has_payment) {
        payment_close(terminal, OUTCOME_UNKNOWN, NULL);
    }
}
