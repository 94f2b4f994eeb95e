/* Between the parts of a terminal: terminal.c has its connection and what comes next,
 * terminal_payment.c the transaction under way, terminal_errand.c all else that it says. Nobody
 * else needs this header.
 */
#pragma once

#include "loadtest/load/terminal.h"

#define TERMINAL_PAUSE_NS UINT64_C(1000000000) /* before what was refused is repeated */

/* terminal.c */
struct tally_counts *terminal_counts(struct terminal *terminal);
/* The one place where a state changes. */
void terminal_state_set(struct terminal *terminal, enum terminal_state state, uint64_t deadline_ns);
/* Sends a frame as pos_draft builds it, in the framing that this terminal speaks. */
void terminal_send(struct terminal *terminal, struct byte_view frame);
/* What comes next on an idle connection: keys, an open transaction, an errand, or freedom. */
void terminal_next(struct terminal *terminal, uint64_t now_ns);
void terminal_pause(struct terminal *terminal, uint64_t now_ns);
uint32_t terminal_stan_next(struct terminal *terminal);
/* Codes after which a terminal signs on before anything else (unionpay-pos section 9). */
bool terminal_code_wants_sign_on(const char *code);

/* terminal_payment.c */
int64_t terminal_wall_us(void);
/* The open transaction's next message: its reversal, or itself again. */
void terminal_payment_send(struct terminal *terminal, uint64_t now_ns);
/* True: the answer belonged to the transaction under way. */
bool terminal_payment_take(struct terminal *terminal, struct byte_view frame,
                           const struct pos_answer *answer, uint64_t now_ns);
/* An echo came back: it was answered, whatever that was. */
void terminal_payment_echoed(struct terminal *terminal, struct byte_view frame, uint64_t now_ns);
/* No answer will come on this connection, or in this time. */
void terminal_payment_unanswered(struct terminal *terminal, uint64_t now_ns);
/* Still open at the end of the run. */
void terminal_payment_abandon(struct terminal *terminal);

/* terminal_errand.c */
void terminal_sign_on_send(struct terminal *terminal, uint64_t now_ns);
bool terminal_sign_on_take(struct terminal *terminal, const struct pos_answer *answer,
                           uint64_t now_ns);
/* Begins the most urgent order. False: there is none. */
bool terminal_errand_begin(struct terminal *terminal);
void terminal_errand_send(struct terminal *terminal, uint64_t now_ns);
bool terminal_errand_take(struct terminal *terminal, const struct pos_answer *answer,
                          uint64_t now_ns);
void terminal_errand_abandon(struct terminal *terminal);
