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
#include "tests/sim/breaker_book.h"
#include "tests/sim/fault.h"
#include "tests/sim/kind.h"
#include "tests/sim/mark.h"
#include "tests/sim/rules.h"
#include "tests/sim/trace_hash.h"

#define SIM_TERMINAL_COUNT_MAX 3
#define SIM_CHANNEL_COUNT SIM_BANK_COUNT
#define SIM_GROUP_COUNT 2            /* of cards: ours, foreign ones */
#define SIM_TRANSACTION_COUNT_MAX 12 /* a terminal */
#define SIM_ATTEMPT_COUNT_MAX 128
#define SIM_POSTING_COUNT_MAX 256
#define SIM_RECORD_COUNT_MAX 4096
#define SIM_PAYMENT_COUNT_MAX 1024
#define SIM_UNANSWERED_COUNT_MAX 64
#define SIM_LOOKUP_COUNT_MAX 64
#define SIM_DAY_FIRST 20260101
#define SIM_DAY_COUNT_MAX 2 /* that usage is kept of */
#define SIM_BATCH_TRANSACTION_COUNT 5
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
    X(I16, "fees do not add up, or changed on the way")                                            \
    X(I18, "a transaction is not in exactly one batch, or was undone across a day")                \
    X(I23, "the reserved space was used for new work, or undoing was refused")                     \
    X(I27, "an answer came after the terminal had certainly given up")                             \
    X(I30, "a transaction was not decided by one version of the rules, the one in force")          \
    X(ROUTE, "a payment did not go where the rules send it")                                       \
    X(BREAKER, "a breaker is not what its rules make of it")                                       \
    X(I31, "something odd has no case, or a calm world has one")                                   \
    X(REPEAT, "a repeat was given another answer")                                                 \
    X(FOLLOW, "a follow-up that nothing forbids was refused")                                      \
    X(I14, "the same key with other content was forwarded")                                        \
    X(I15, "the three ledgers differ")                                                             \
    X(I19, "the log is not a prefix that holds all that was acknowledged")                         \
    X(I20, "the log's chain does not hold")                                                        \
    X(FOUND, "a search found other than a walk over all records does")                             \
    X(WIRE, "a message does not come through its dialect as it was said")                          \
    X(I21, "replaying the log does not give the state before")                                     \
    X(I22, "something left after a failed sync")                                                   \
    X(I24, "a reference was used twice")                                                           \
    X(ORDER, "an order was not obeyed, was forgotten, or ended without cause")                     \
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

struct record_fees {
    int64_t merchant_fee, issuer_fee, scheme_fee, agent_fee;
    uint32_t ruleset_version;
    bool is_known;
};

enum attempt_outcome {
    ATTEMPT_OPEN,
    ATTEMPT_APPROVED,
    ATTEMPT_DECLINED,
    ATTEMPT_UNKNOWN,
    ATTEMPT_REVERSED,
    ATTEMPT_DISPUTED /* its reversal was refused for good: the paper says so, an operator decides */
};

/* What the log's records say of a transaction, the last word first. */
enum log_word {
    LOG_NOTHING,
    LOG_REFUSED,
    LOG_ASKED,    /* INTENT: may stand, nobody knows */
    LOG_DECLINED, /* RESULT, not approved */
    LOG_APPROVED, /* RESULT or an accepted ADVICE */
    LOG_UNSURE,   /* a refund that is sent again until it is answered */
    LOG_UNDONE,   /* REVERSAL: may still stand */
    LOG_GONE      /* REVERSAL_DONE */
};

#define NO_ATTEMPT UINT32_MAX

/* One line of a terminal's journal. Every sale asks an amount that no other asks. */
struct attempt {
    uint32_t terminal, batch, stan;
    enum payment_kind kind;
    uint32_t original; /* what it follows; NO_ATTEMPT */
    int64_t amount;
    bool is_foreign;
    enum attempt_outcome outcome;
    char rrn[13], auth_code[7]; /* as its slip shows them */
    bool is_impostor;       /* the same key again with this other amount: must never be forwarded */
    bool refusal_told;      /* it was told no once: copies of it get the same */
    bool approval_told;     /* the switch let out an approval for it */
    uint64_t answer_hash;   /* of the first approval told */
    bool reversal_arrived;  /* the terminal's 0400 has reached the switch */
    bool reversal_answered; /* the switch let out 00 or 25 to that 0400 */
    uint32_t reversal_refused_count; /* answers other than 00, 12 and 25 to its 0400 */
    /* the log, as far as it was written by the present run or kept by the disk */
    enum log_word log_word;
    char log_rrn[13];            /* our reference for it */
    bool has_case;               /* a row that an operator must look at */
    uint32_t result_incarnation; /* by which run of the switch */
    struct record_fees fees;     /* of its INTENT */
    /* the line */
    uint32_t sent_count; /* by its terminal */
    uint32_t forward_count, reversal_count, unsent_count, bank_seen_count;
    bool is_kept_back;       /* by the last bank asked, for want of room */
    bool may_repeat;         /* an attempt of its reversal may be counted that never left */
    int64_t taken_day;       /* when it was begun on the log, in China; since 1970 */
    uint32_t settlement_day; /* as its RESULT says */
    uint32_t channel;        /* where its first forward went, and how it named itself there */
    uint32_t channel_stan;
    char sent_at[11];
    uint64_t left_ns;      /* when its first forward left */
    bool approval_arrived; /* an approval of it has reached the switch, whatever became of it */
    /* its first attempt, as a breaker counts it */
    bool is_out, is_probe;    /* under way; let through to see whether the bank works again */
    uint32_t out_channel;     /* where it was meant for */
    uint32_t banks_of_choice; /* bit set: what else it could be meant for */
    uint64_t out_ns;          /* when that was decided; 0: never */
    char reversal_code[3];    /* the bank's last answer to a reversal that reached the switch */
};

enum terminal_wait {
    WAIT_NOTHING,
    WAIT_SIGNON,
    WAIT_ANSWER,
    WAIT_REVERSAL,
    WAIT_SETTLEMENT,
    WAIT_DETAILS,
    WAIT_BATCH_END
};

/* Where a terminal stands between its last transaction and its next batch. */
enum terminal_closing { CLOSING_NOT, CLOSING_TOTALS, CLOSING_DETAILS, CLOSING_END };

#define CONN_COUNT_MAX 64

struct terminal_model {
    char terminal_id[9], merchant_id[16];
    bool is_signed_on;
    uint32_t batch, stan_next, transactions_left, transactions_of_batch;
    uint32_t conn_generation, wait_generation;
    enum terminal_wait wait;
    uint32_t attempt; /* the one being worked on; NO_ATTEMPT */
    enum terminal_closing closing;
    uint32_t closing_stan; /* of the message under way, which is sent again as it is; 0: none yet */
    bool is_equal, is_totals_wrong;
    uint32_t detail_next;                /* attempts below it were uploaded */
    uint64_t arrived_ns[CONN_COUNT_MAX]; /* when a request of that connection reached the switch */
};

/* One line of a bank's book, also of what it declined: a repeat gets the same answer. */
struct posting {
    uint32_t channel, attempt;
    enum payment_kind kind;
    uint32_t stan;
    char sent_at[11], rrn[13], terminal_id[9];
    char response_code[3], auth_code[7];
    int64_t amount;
    uint64_t posted_ns;
    bool is_posted, is_live;
    uint32_t reversal_count;
};

/* What a bank has seen of reversals, by the original's reference. */
struct reversal_seen {
    uint32_t channel;
    char original_rrn[13];
    uint32_t stan;
    char rrn[13];
    bool has_tombstone;
};

/* A bank that fails for a while, in one way. */
struct bank_ailment {
    enum sim_ill ill;
    uint64_t until_ns;
};

struct sim_failure {
    enum sim_invariant invariant;
    char reason[200];
    uint64_t event;
};

/* What is left out of a seed: see shrink.h. */
struct sim_cut {
    uint64_t faults_off; /* a bit a fault */
    uint32_t terminal_count_max, transaction_count_max;
};

/* An order in force, as the rows tell it. */
#define SIM_ORDER_SUBJECT_COUNT (SIM_TERMINAL_COUNT_MAX + 2)
struct sim_order {
    bool is_in_force;
    int64_t until_us, limit;
    uint64_t deadline_ns;
    uint8_t times;
};

/* A reversal that a bank has not answered yet, as the line sees it. */
struct unanswered {
    uint32_t stan;
    uint64_t left_ns;
};

/* Where the records go when that is the shipped store, see node/: a disk that is asked instead of
 * the one that world.h's own numbers stand for. */
struct world;
struct world_reader {
    void (*on_record)(struct world *world, const struct record *record);
    /* As ENGINE_USAGE tells it. */
    void (*on_usage)(struct world *world, const struct usage_sum *sum);
};
struct world_log {
    void (*append)(struct world *world, const struct record *record);
    /* Moves durable_count. False: the process died of it. */
    bool (*sync)(struct world *world, bool is_failing);
    /* After a crash: how many records are left. */
    uint32_t (*recover)(struct world *world);
    /* What a restart reads, in order. */
    void (*replay)(struct world *world, const struct world_reader *reader);
    /* Fills `found`. False: the process died of it. */
    bool (*search)(struct world *world, const struct lookup_query *query, bool *is_failed,
                   uint32_t *count);
    /* The end of a seed: everything is looked at once more. */
    void (*finish)(struct world *world);
};

/* How messages travel when they do so as bytes, see node/. */
enum sim_leg { SIM_FROM_TERMINAL, SIM_TO_TERMINAL, SIM_TO_BANK, SIM_FROM_BANK };

struct world {
    uint64_t seed, now_ns, event_count, event_limit;
    int64_t wall_us;
    bool is_traced, is_healing, is_alive, has_failed_sync;
    struct sim_random random;
    struct sim_faults faults, drawn_faults;
    struct sim_cut cut;
    uint64_t marks[MARK_COUNT]; /* over all seeds of this world */
    struct trace_hash trace_hash;
    struct sim_failure failure;
    struct agenda agenda;
    /* the switch */
    struct engine *engine;
    struct driver *driver;
    const struct ruleset *const *rulesets; /* the caller's, SIM_RULES_COUNT */
    uint32_t rules;                        /* which of them is in force */
    uint64_t kinds;                        /* bit set of the kinds that this seed has */
    bool has_settlements;
    struct breaker_book books[SIM_CHANNEL_COUNT][SIM_GROUP_COUNT];
    struct bank_ailment ailments[SIM_CHANNEL_COUNT];
    uint64_t healed_ns;
    uint32_t day_count; /* in China, that the wall clock has shown while rows were written */
    int64_t days[SIM_DAY_COUNT_MAX];
    uint32_t bank_day[SIM_CHANNEL_COUNT]; /* days since the start */
    uint32_t told_day[SIM_CHANNEL_COUNT]; /* YYYYMMDD, as the log has it; 0: never */
    bool is_calm;                         /* no fault was drawn */
    uint32_t anomaly_count;               /* rows that an operator must look at */
    struct engine_limits limits;
    uint32_t incarnation, crash_count;
    bool is_link_up[SIM_CHANNEL_COUNT];
    uint32_t link_generation[SIM_CHANNEL_COUNT];
    uint32_t unanswered_count[SIM_CHANNEL_COUNT];
    struct unanswered unanswered[SIM_CHANNEL_COUNT][SIM_UNANSWERED_COUNT_MAX];
    uint32_t written_count, answered_count; /* of this run: records, results */
    uint64_t tick_at_ns;
    /* the disk: records [0, durable_count) are safe; up to syncing_count are being synced */
    uint32_t record_count, durable_count, syncing_count;
    bool is_syncing;
    struct record records[SIM_RECORD_COUNT_MAX];
    const struct world_log *log; /* NULL: the records above are the log */
    /* What the other side reads of a payment; NULL: all of it. */
    void (*carry)(struct world *world, enum sim_leg leg, struct payment *payment);
    uint32_t lookup_next;
    struct lookup_query lookups[SIM_LOOKUP_COUNT_MAX];
    struct record found[LOOKUP_RECORD_COUNT_MAX];
    struct sim_order orders[SIM_ORDER_SUBJECT_COUNT][ORDER_ORIGIN_COUNT][ORDER_STANDING_COUNT];
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

/* The rules are the caller's, SIM_RULES_COUNT versions. */
struct world *world_create(const struct ruleset *const *rulesets);
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

/* By the reference its INTENT or ADVICE was written under. NULL: none. */
struct attempt *attempt_of_rrn(struct world *world, const char *rrn);
struct attempt *attempt_of_record(struct world *world, const struct record *record);
/* By terminal's key; impostors are left out. NULL: none. */
struct attempt *attempt_by_key(struct world *world, const struct payment *payment);

void terminal_models_start(struct world *world);
void terminal_on_act(struct world *world, uint32_t terminal);
void terminal_on_give_up(struct world *world, uint32_t terminal, uint32_t wait_generation);
void terminal_on_reply(struct world *world, const struct agenda_item *item);
/* All is well again: each has a few customers more. */
void terminal_on_return(struct world *world, uint32_t terminal);
void terminal_on_crash(struct world *world);

/* --- what the files of the terminals share --- */
void terminal_fill(const struct world *world, uint32_t index, enum payment_kind kind,
                   struct payment *payment);
void terminal_send(struct world *world, uint32_t index, const struct payment *payment,
                   uint64_t delay_ns);
void terminal_begin_wait(struct world *world, uint32_t index, enum terminal_wait wait);
void terminal_act_later(struct world *world, uint32_t index, uint64_t delay_ns);
uint64_t terminal_network_delay(struct world *world);
uint32_t terminal_next_trace(struct world *world, uint32_t index);
/* What the clerk does next: fills a new line of the journal and answers it. */
uint32_t clerk_new_attempt(struct world *world, uint32_t index);
/* Settles the batch: whether the terminal has begun to, and goes on with it. */
bool closing_is_due(const struct world *world, uint32_t index);
void closing_act(struct world *world, uint32_t index);
void closing_on_reply(struct world *world, uint32_t index, const struct payment *reply);

/* The log as a disk holds it: what a LOOKUP finds. */
void disk_on_lookup(struct world *world, const struct engine_effect *effect);
void disk_on_found(struct world *world, const struct agenda_item *item);
/* What must be found among the durable records; answers how many. */
uint32_t disk_gather(const struct world *world, const struct lookup_query *query,
                     struct record found[LOOKUP_RECORD_COUNT_MAX]);

/* Whether money of it may have moved, or may yet, as far as the log tells. */
bool attempt_may_stand(const struct attempt *attempt);

/* A bank begins to fail, or not, as the seed has it. */
void bank_maybe_ail(struct world *world);
/* How the bank fails just now; ILL_COUNT: it does not. */
enum sim_ill bank_ill(const struct world *world, uint32_t channel);
void bank_on_request(struct world *world, uint32_t channel, const struct payment *request);

/* Oracles that look at each thing the switch lets out or writes. */
void oracle_on_append(struct world *world, const struct record *record);
void oracle_on_forward(struct world *world, const struct engine_effect *effect);
void oracle_on_reply(struct world *world, const struct engine_effect *effect);
/* A request that came while the disk is nearly full; what was written since. */
void oracle_on_log_short(struct world *world, uint32_t record_count_before);
/* No byte of it left, for that reason. */
void oracle_on_unsent(struct world *world, const struct engine_effect *effect,
                      enum txn_reason reason);
void oracle_on_response(struct world *world, uint32_t channel, const struct payment *response);
void oracle_on_link_down(struct world *world, uint32_t channel);
void oracle_on_crash(struct world *world, bool has_lost_records);
void oracle_at_quiescence(struct world *world);
/* Limits and the black list: see oracle_limits.c. Before the record is applied. */
void oracle_limits_on_append(struct world *world, const struct record *record,
                             const struct attempt *attempt);
int64_t oracle_day_of(int64_t wall_us);
/* What was ordered of terminals and merchants: see oracle_orders.c. Before the record is applied to
 * the attempt, which may be NULL. */
void oracle_orders_on_append(struct world *world, const struct record *record,
                             const struct attempt *attempt);
void oracle_orders_on_crash(struct world *world);
/* The log is read back. */
void oracle_orders_on_start(struct world *world);
/* Where payments go, and what breakers make of it: see oracle_routes.c. */
void oracle_routes_on_append(struct world *world, const struct record *record,
                             struct attempt *attempt);
void oracle_routes_on_notice(struct world *world, const struct engine_effect *effect);
void oracle_routes_after_step(struct world *world);
void oracle_routes_on_crash(struct world *world);
void oracle_routes_at_quiescence(struct world *world);
/* A transaction begins on the log: whether its original allows it. */
void oracle_on_follow_up(struct world *world, const struct attempt *attempt);
/* A follow-up was refused for its original's state. */
void oracle_on_follow_up_refused(struct world *world, const struct attempt *attempt);
/* What a bank is told of the original. */
void oracle_on_quote(struct world *world, const struct engine_effect *effect,
                     const struct attempt *attempt);

/* Marks, counted beside the oracles; `attempt` may be NULL. */
void world_mark(struct world *world, enum sim_mark mark);
void mark_on_request(struct world *world, const struct payment *payment,
                     const struct attempt *attempt);
void mark_on_reply(struct world *world, const struct engine_effect *effect,
                   const struct attempt *attempt);
void mark_on_append(struct world *world, const struct record *record, struct attempt *attempt);
void mark_on_forward(struct world *world, const struct engine_effect *effect,
                     const struct attempt *attempt);
void mark_on_response(struct world *world, const struct payment *response,
                      const struct attempt *attempt);
void mark_on_bank_reversal(struct world *world, const struct attempt *attempt, bool is_posted);
void mark_on_link_down(struct world *world, uint32_t channel);
void mark_on_wall_step(struct world *world);
void mark_on_crash(struct world *world, uint32_t lost, uint32_t kept);
void mark_on_reload(struct world *world);
void mark_on_start(struct world *world);

/* The switch's end: see switch_model.c. */
void switch_start(struct world *world);
void switch_crash(struct world *world);
void switch_found(struct world *world, struct txn_handle txn, bool is_failed, uint32_t count);
void switch_reload(struct world *world);
void switch_stop(struct world *world);
void switch_on_item(struct world *world, const struct agenda_item *item);
