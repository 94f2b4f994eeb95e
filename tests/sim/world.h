/* A whole world around one engine: terminals, banks, links, a disk that forgets, and a clock.
 *
 * Everything is drawn from one seed. A safety phase with faults is followed by a heal phase
 * without, in which everything must drain; then the books are compared. The oracles read the world
 * (the banks' postings, the terminals' receipts, the records on disk), never the engine's own
 * tables. The banks and terminals follow the scheme's rules, not the engine's code.
 *
 * Life:  world_create -> world_run(seed) ... -> world_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/payment.h"
#include "switch/engine/driver.h"
#include "tests/sim/agenda.h"
#include "tests/sim/fault.h"

#define SIM_TERMINAL_COUNT_MAX 3
#define SIM_CHANNEL_COUNT 2
#define SIM_ATTEMPT_COUNT_MAX 96
#define SIM_POSTING_COUNT_MAX 192
#define SIM_RECORD_COUNT_MAX 2048
#define SIM_PAYMENT_COUNT_MAX 1024
#define SIM_MS UINT64_C(1000000)
#define SIM_S (1000 * SIM_MS)

/* X(name, sentence): what an oracle may find broken. */
#define SIM_INVARIANT_MAP(X)                                                                       \
    X(I1, "an approved posting has no receipt")                                                    \
    X(I2, "a receipt has not exactly one live posting")                                            \
    X(I3, "one key has two live postings")                                                         \
    X(I4, "one key was forwarded twice")                                                           \
    X(I5, "something was relied on before it was durable")                                         \
    X(I6, "an approval was undone without cause")                                                  \
    X(I7, "a reversal never ended")                                                                \
    X(I8, "a reversal was applied twice or repeated with other data")                              \
    X(I9, "code 25 was taken as final while the original could be in flight")                      \
    X(I10, "a response after the time-out was delivered as approval")                              \
    X(I11, "an answer went to the wrong place or came from a response that does not fit")          \
    X(I12, "an original was approved after its reversal had been answered")                        \
    X(I13, "more was approved than asked for")                                                     \
    X(I14, "the same key with other content was forwarded")                                        \
    X(I15, "the three ledgers differ")                                                             \
    X(I21, "replaying the log does not give the state before")                                     \
    X(I22, "something left after a failed sync")                                                   \
    X(I24, "a reference was used twice")                                                           \
    X(I25, "a limit was exceeded")                                                                 \
    X(DRAIN, "the heal phase did not drain")

enum sim_invariant {
    SIM_NONE,
#define X(name, text) SIM_##name,
    SIM_INVARIANT_MAP(X)
#undef X
};

const char *sim_invariant_name(enum sim_invariant invariant);
const char *sim_invariant_text(enum sim_invariant invariant);

enum attempt_outcome {
    ATTEMPT_OPEN,
    ATTEMPT_APPROVED,
    ATTEMPT_DECLINED,
    ATTEMPT_UNKNOWN,
    ATTEMPT_REVERSED
};

/* One line of a terminal's journal. Every amount is given out once, so an amount names its line. */
struct attempt {
    uint32_t terminal, batch, stan;
    int64_t amount;
    enum attempt_outcome outcome;
    bool is_impostor;       /* the same key again with this other amount: must never be forwarded */
    bool approval_told;     /* the switch let out an approval for it */
    bool reversal_arrived;  /* the terminal's 0400 has reached the switch */
    bool reversal_answered; /* the switch let out 00 or 25 to that 0400 */
    bool reversal_on_log;   /* a REVERSAL record was appended */
    uint32_t forward_count, reversal_count;
    uint64_t left_ns;      /* when its first forward left */
    char reversal_code[3]; /* the bank's last answer to a reversal that reached the switch */
};

enum terminal_wait { WAIT_NOTHING, WAIT_SIGNON, WAIT_PURCHASE, WAIT_REVERSAL };

struct terminal_model {
    char terminal_id[9], merchant_id[16];
    bool is_signed_on;
    uint32_t batch, stan_next, purchases_left;
    uint32_t conn_generation, wait_generation;
    enum terminal_wait wait;
    uint32_t attempt; /* the one being worked on */
};

/* One line of a bank's ledger. */
struct posting {
    uint32_t channel, attempt;
    uint32_t stan;
    char rrn[13], terminal_id[9];
    int64_t amount;
    bool is_live;
    uint32_t reversal_count;
};

/* What a bank has seen of reversals, by the original's reference. */
struct reversal_seen {
    char original_rrn[13];
    uint32_t stan;
    char rrn[13];
    bool has_tombstone;
};

struct sim_failure {
    enum sim_invariant invariant;
    char reason[200];
    uint64_t event;
};

struct world {
    uint64_t seed, now_ns, event_count, event_limit;
    int64_t wall_us;
    bool is_traced, is_healing, is_alive, has_failed_sync;
    struct sim_random random;
    struct sim_faults faults;
    struct sim_failure failure;
    struct agenda agenda;
    /* the switch */
    struct engine *engine;
    struct driver *driver;
    const struct ruleset *ruleset; /* the caller's */
    struct engine_limits limits;
    uint32_t incarnation, crash_count;
    bool is_link_up[SIM_CHANNEL_COUNT];
    uint32_t link_generation[SIM_CHANNEL_COUNT];
    uint64_t tick_at_ns;
    /* the disk: records [0, durable_count) are safe; up to syncing_count are being synced */
    uint32_t record_count, durable_count, syncing_count;
    bool is_syncing;
    struct record records[SIM_RECORD_COUNT_MAX];
    /* the people */
    uint32_t terminal_count, attempt_count, posting_count, reversal_seen_count;
    int64_t amount_next;
    struct terminal_model terminals[SIM_TERMINAL_COUNT_MAX];
    struct attempt attempts[SIM_ATTEMPT_COUNT_MAX];
    struct posting postings[SIM_POSTING_COUNT_MAX];
    struct reversal_seen reversals_seen[SIM_POSTING_COUNT_MAX];
    /* payments under way */
    uint32_t payment_free_count;
    uint32_t payment_free[SIM_PAYMENT_COUNT_MAX];
    struct payment payments[SIM_PAYMENT_COUNT_MAX];
};

struct world *world_create(const struct ruleset *ruleset);
void world_destroy(struct world *world);

/* Runs one seed to quiescence, or to `event_limit` events. True: every invariant held; else
 * world->failure says which one broke, and how. */
bool world_run(struct world *world, uint64_t seed, uint64_t event_limit);

/* --- between the files of the simulator --- */

/* Breaks the run: the first failure stays. */
void world_fail(struct world *world, enum sim_invariant invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void world_trace(const struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool world_draw(struct world *world, enum sim_fault fault);
uint64_t world_between(struct world *world, uint64_t min, uint64_t max);

/* A payment slot for something under way; a copy of `from`. */
uint32_t world_keep(struct world *world, const struct payment *from);
void world_later(struct world *world, uint64_t delay_ns, const struct agenda_item *item);

struct attempt *attempt_by_amount(struct world *world, int64_t amount);
/* By terminal's key; impostors are left out. NULL: none. */
struct attempt *attempt_by_key(struct world *world, const struct payment *payment);

void terminal_models_start(struct world *world);
void terminal_on_act(struct world *world, uint32_t terminal);
void terminal_on_give_up(struct world *world, uint32_t terminal, uint32_t wait_generation);
void terminal_on_reply(struct world *world, const struct agenda_item *item);
void terminal_on_crash(struct world *world);

void bank_on_request(struct world *world, uint32_t channel, const struct payment *request);

/* Oracles that look at each thing the switch lets out or writes. */
void oracle_on_append(struct world *world, const struct record *record);
void oracle_on_forward(struct world *world, const struct engine_effect *effect);
void oracle_on_reply(struct world *world, const struct engine_effect *effect);
void oracle_on_response(struct world *world, const struct payment *response);
void oracle_at_quiescence(struct world *world);

/* The switch's end: see switch_model.c. */
void switch_start(struct world *world);
void switch_crash(struct world *world);
void switch_stop(struct world *world);
void switch_on_item(struct world *world, const struct agenda_item *item);
