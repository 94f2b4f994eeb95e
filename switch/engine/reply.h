/* Answers to terminals: what the request said, echoed, and what became of it. */
#pragma once

#include "switch/engine/engine_state.h"

/* A response to `request` with all that a terminal expects back, our clock and our institution;
 * no tracks, no PIN, no cargo. Good until the next step. */
struct payment *reply_begin(struct engine *engine, const struct payment *request);
/* Puts the answer in force of a transaction into it: code, reference, authorisation, dates, chip
 * data. */
void reply_put_answer(const struct engine *engine, struct payment *reply, const struct txn *txn);
/* Reference and dates of an answer to a message of the terminal's day. */
void reply_put_day_answer(const struct engine *engine, struct payment *reply,
                          const struct terminal_answer *answer);
/* Field 48 of a settlement's answer. */
void reply_put_field_48(struct payment *reply, const char digits[BATCH_FIELD_48_DIGITS + 1]);
/* The effect that carries it; the caller adds what else it wants. */
struct engine_effect *reply_send(struct engine *engine, struct conn_handle conn,
                                 const struct payment *reply, enum txn_reason reason,
                                 uint64_t after);

/* Refuses a request: nothing is forwarded and memory keeps nothing (intake.c keeps its own).
 * The row is written for terminals that are enrolled only: strangers get no room on the disk. */
struct refusal {
    enum txn_reason reason; /* gives the response code too */
    uint32_t terminal;      /* place in the terminal set; 0: none */
    bool is_kept_by_log;    /* a copy of the request finds the row (record_is_blind_refusal()) */
};
void reply_refuse(struct engine *engine, const struct request *request,
                  const struct refusal *refusal);
/* What routing said, as the reason that the log and the terminal get. Not for ROUTE_FOUND. */
enum txn_reason reply_reason_of_route(enum route_answer answer);
