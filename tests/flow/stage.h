/* The stage on which stories of the engine are told: terminals, two banks, a log, and a clock that
 * moves only when told.
 *
 * The engine runs behind its driver, as in production. What it lets out is kept here in order:
 * records, forwards, replies, wishes for keys, notices. The log becomes durable when the story
 * says so, or at once where `is_prompt` is set.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "routing/ruleset.h"
#include "switch/engine/driver.h"
#include "switch/engine/txn_state.h"

#define STAGE_RECORD_COUNT_MAX 4096
#define STAGE_EFFECT_COUNT_MAX 1024

#define SECOND_NS UINT64_C(1000000000)
#define TERMINAL_A "10000001"
#define TERMINAL_B "10000002"
#define TERMINAL_STOPPED "10000009"
#define MERCHANT "898110053110001"
#define CARD "6200000000000005"
#define FOREIGN_CARD "4000000000000002"
#define OTHER_CARD "6200000000000013"
#define BANK_A 0 /* channel indexes: purchases go to A first */
#define BANK_B 1

struct stage_effect {
    struct engine_effect effect;
    struct payment payment;
};

struct stage {
    struct engine_limits limits;
    struct ruleset *ruleset;
    struct engine *engine;
    struct driver *driver;
    uint64_t now_ns;
    int64_t wall_us;
    bool is_log_short; /* told with each request */
    bool is_prompt;    /* each record is durable at the end of its step */
    bool is_log_slow;  /* searches of the log are not answered until stage_answer_lookups() */
    uint32_t lookup_count, answered_count;
    uint32_t replay_from; /* a restart reads only sign-ons, epochs and sums of usage of the records
                             before it */
    uint32_t record_count, forward_count, reply_count, keys_count, notice_count, ordered_count;
    struct record records[STAGE_RECORD_COUNT_MAX];
    struct stage_effect forwards[STAGE_EFFECT_COUNT_MAX], replies[STAGE_EFFECT_COUNT_MAX];
    struct stage_effect keys[STAGE_EFFECT_COUNT_MAX], notices[STAGE_EFFECT_COUNT_MAX];
    struct engine_effect lookups[STAGE_EFFECT_COUNT_MAX], ordered[STAGE_EFFECT_COUNT_MAX];
    struct record found[LOOKUP_RECORD_COUNT_MAX];
};

/* A CMocka fixture: `*state` becomes a stage whose engine runs, with both banks up, an empty log,
 * and terminals A and B signed on. */
int stage_set_up(void **state);
int stage_tear_down(void **state);

/* The same with an engine that remembers eight transactions only: older ones are in the log. */
int stage_set_up_small(void **state);
struct stage_size {
    uint32_t txn_count_max, terminal_count_max;
};
int stage_set_up_with(void **state, struct stage_size size);

/* Searches that wait are answered from what is durable; or by a failure. */
void stage_answer_lookups(struct stage *stage);
void stage_fail_lookups(struct stage *stage);
/* The process dies and comes back: the log up to what was durable, replayed; banks down, then up.
 */
void stage_restart(struct stage *stage);

void stage_step(struct stage *stage, struct engine_event event);
/* All that was appended is durable now. */
void stage_sync(struct stage *stage);
/* Lets time pass, waking the engine whenever it wants to be woken. */
void stage_pass(struct stage *stage, uint64_t duration_ns);
/* Another version of the rules: the banks take these kinds (a bit each). */
void stage_set_kinds(struct stage *stage, uint64_t kinds);
/* Another version of the rules, with these files; NULL: as before, or without limits. The stage
 * owns the list. */
struct stage_rules {
    const char *routes, *fees, *limits;
    struct black_list *black_list;
    struct download_table *downloads;
};
void stage_use_rules(struct stage *stage, const struct stage_rules *rules);
/* Another version of the rules, with this routes file. */
void stage_use_routes(struct stage *stage, const char *routes);
/* Another version of the rules: both channels are wallets, where a void pays the money back. */
void stage_use_wallets(struct stage *stage);
/* The bank says that its next settlement day begins. */
void stage_cut_over(struct stage *stage, uint16_t channel, uint32_t settlement_day);
/* Other rules are in force: the same, and terminals download that. The stage owns the table. */
void stage_use_downloads(struct stage *stage, struct download_table *downloads);
/* Gives the order, as somebody called "alice" where it names nobody; its answer is awaited behind
 * the row. */
void stage_order(struct stage *stage, struct order order);
void stage_set_channel(struct stage *stage, uint16_t channel, bool is_up);

struct payment stage_payment(enum payment_kind kind, const char *terminal, uint32_t stan);
/* A purchase of 123.45 yuan with CARD. */
struct payment stage_purchase(const char *terminal, uint32_t stan);
void stage_set_card(struct payment *payment, const char *digits);
/* What follows an approved request: the same card and amount, and its reference, batch, trace and
 * authorisation code as the reply `index` told them. */
struct payment stage_follow_up(const struct stage *stage, enum payment_kind kind, uint32_t index,
                               uint32_t stan);
/* A purchase that the bank approves; answers the index of its reply. */
uint32_t stage_approved(struct stage *stage, enum payment_kind kind, uint32_t stan);
/* Asks for it, lets the bank answer, and expects that code. */
void stage_expect_answer(struct stage *stage, const struct payment *payment, const char *code);
/* Asks, and expects to be refused so: nothing is forwarded. */
void stage_expect_refusal(struct stage *stage, const struct payment *payment, const char *code);
/* The totals that the last record of a terminal's batch told. */
void stage_expect_totals(const struct stage *stage, const char *totals);
/* A restart brings back the same state (I21). */
void stage_expect_same_after_restart(struct stage *stage);
/* The terminal's 0400 for it. */
struct payment stage_reversal(const struct payment *purchase);
/* Sends it on a connection of its own and answers the slot of that connection. */
uint32_t stage_ask(struct stage *stage, const struct payment *payment);
void stage_sign_on(struct stage *stage, const char *terminal);

/* The bank's answer to the forward `index`, as a fitting one would be. */
struct payment stage_response(const struct stage *stage, uint32_t index, const char *code);
void stage_respond(struct stage *stage, uint32_t index, const char *code);
void stage_give(struct stage *stage, uint16_t channel, const struct payment *response);
void stage_unsent(struct stage *stage, uint32_t index, enum txn_reason reason);

/* The last reply; there must be one. */
const struct stage_effect *stage_last_reply(const struct stage *stage);
/* Its response code is that. */
void stage_expect_reply(const struct stage *stage, uint32_t reply_count, const char *code);
uint32_t stage_count_records(const struct stage *stage, enum record_kind kind);
const struct record *stage_last_record(const struct stage *stage, enum record_kind kind);
struct engine_counts stage_counts(const struct stage *stage);
