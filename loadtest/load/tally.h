/* What a run has come to: counts, latencies, response codes; a line a second and a result as JSON.
 *
 * Latency counts from the intended send time, service time from the actual one. Payments whose
 * intended time lies in the warm-up are counted but not timed. An unanswered payment is timed up to
 * the moment its terminal gave up.
 *
 * Life:  tally_create -> count ... -> tally_line every second -> tally_write_json -> tally_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "protocols/base/status.h"

/* X(name, sentence) */
#define TALLY_MAP(X)                                                                               \
    X(intended, "payments that the rate called for")                                               \
    X(sent, "payments sent")                                                                       \
    X(late_starts, "payments that found no free terminal at their time and began late")            \
    X(dropped, "payments never sent, because no terminal came free before the end")                \
    X(approved, "receipts printed")                                                                \
    X(declined, "payments refused by switch or bank")                                              \
    X(unknown, "payments told 98, which the switch reverses, or open at the end")                  \
    X(reversed, "payments without a valid answer, reversed by the terminal and acknowledged")      \
    X(unanswered, "payments without an answer by the terminal's time-out, or whose link was lost") \
    X(reversals_sent, "reversal attempts")                                                         \
    X(reversals_refused, "reversals answered with another code than 00, 12, 25")                   \
    X(repeats_sent, "refunds and advices sent again, unanswered or told to wait")                  \
    X(settlements, "batches settled and ended")                                                    \
    X(settlements_different, "of these, settlements whose totals the switch did not share")        \
    X(batch_jumps, "batches that the switch had closed before the terminal did")                   \
    X(errands, "downloads, uploads, echoes, settlements, sign-offs done")                          \
    X(errands_refused, "of these, refused or open at the end")                                     \
    X(errands_unanswered, "messages of these without an answer in time")                           \
    X(wishes, "answers whose header asked for something (digit 6)")                                \
    X(bad_mac, "approvals whose MAC was wrong or missing")                                         \
    X(wrong_amount, "approvals of another amount")                                                 \
    X(payment_bytes, "bytes of the payments sent, frames whole")                                   \
    X(answer_bytes, "bytes of the answers to them, frames whole")                                  \
    X(answered, "payments answered, whatever the answer")                                          \
    X(stray, "answers nobody was waiting for any more")                                            \
    X(garbled, "answers that could not be read")                                                   \
    X(sign_ons, "sign-ons done")                                                                   \
    X(sign_ons_refused, "sign-ons refused, or with wrong check values")                            \
    X(connects, "connections made")                                                                \
    X(connects_failed, "connections that did not come about")                                      \
    X(lost, "connections lost")

struct tally_counts {
#define X(name, text) uint64_t name;
    TALLY_MAP(X)
#undef X
};

struct tally;

struct tally *tally_create(void); /* NULL: no memory */
void tally_destroy(struct tally *tally);
/* To be counted up by whoever sees it happen. */
struct tally_counts *tally_counts(struct tally *tally);

struct tally_times {
    uint64_t intended_ns, sent_ns, answered_ns; /* monotonic */
};
/* One payment has ended as far as its cashier can see. `response_code` "": no answer. */
void tally_answer(struct tally *tally, const char *response_code, const struct tally_times *times);
/* Payments intended before this moment are left out of the latencies; those after are in. */
void tally_measure_from(struct tally *tally, uint64_t from_ns);
/* The end of the measured window. */
void tally_measure_until(struct tally *tally, uint64_t until_ns);

struct tally_line {
    double elapsed_s, total_s; /* total 0: not known */
    double offered;            /* a second */
    uint32_t terminals_ready, payments_open;
    const char *phase;
};
/* Closes the interval: one line on `file`, a bar below it on a terminal, an interval into `hlog`
 * (NULL: none). */
void tally_line(struct tally *tally, FILE *file, FILE *hlog, const struct tally_line *line);

/* All of it as an object, "schema": "tillway-load/1"; `head` gives the run's own members, which are
 * taken over. NULL: no memory. */
json_t *tally_json(const struct tally *tally, json_t *head);
