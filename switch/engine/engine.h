/* The engine: one event in, a bounded list of effects out. Pure.
 *
 * It knows terminals' requests, channels' responses, time, and the log it writes. It performs
 * nothing: the driver appends its records, holds each outward effect until the log position it
 * depends on is durable, and lets it out. Time, wall clock and random bits come in with each event;
 * memory is one slab, sized by the limits, taken at create.
 *
 *   frame -> payment --REQUEST--> engine --LOG intent, FORWARD--> channel
 *   terminal <--REPLY, LOG result-- engine <--RESPONSE-- channel
 *
 * Life:  engine_create -> step(RULESET) -> step(REPLAY) ... step(REPLAY_END) -> step(...) ->
 * destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/payment.h"
#include "routing/route_question.h"
#include "routing/ruleset.h"
#include "switch/engine/batch_totals.h"
#include "switch/engine/lookup.h"
#include "switch/engine/order.h"
#include "switch/engine/pin_guard.h"
#include "switch/engine/record.h"
#include "switch/engine/usage.h"

/* Which terminal connection asked; an answer for an older generation is dropped by terminal/. */
struct conn_handle {
    uint16_t worker;
    uint32_t slot, generation;
};

/* Names a transaction in the engine's slab; stale once its generation has passed. */
struct txn_handle {
    uint32_t slot, generation;
};

struct engine_limits {
    uint32_t txn_count_max; /* transactions remembered: in flight, in doubt, and answered
                               ones kept for repeats (oldest answered ones give way) */
    uint32_t terminal_count_max;
    uint32_t usage_count_max; /* merchants, terminals and cards whose usage is counted (usage.h); 0:
                                 as many as transactions */
    uint64_t response_timeout_ns; /* upstream silence: unknown (45 s) */
    uint64_t inflight_life_ns;    /* longest life of an original on any path: code 25 is not final
                                     before (I9) */
    uint64_t saf_retry_min_ns, saf_retry_max_ns; /* first and longest pause between attempts */
    uint64_t saf_life_ns;             /* after that a reversal becomes a case; never dropped */
    uint64_t duplicate_window_ns;     /* how long an answer is kept for repeats */
    uint64_t signon_min_interval_ns;  /* a terminal signs on at most so often; 0: as it likes */
    uint64_t status_every_ns;         /* after so long it is asked for its status; 0: never */
    struct pin_guard_limit pin_guard; /* wrong PINs a terminal; 0: as many as it likes */
    uint32_t clock_off_max_s;         /* a terminal's clock further off is noted; 0: none is */
    uint64_t signon_timeout_ns;       /* the security module's answer to KEYS */
    uint64_t lookup_timeout_ns;       /* the log's answer to LOOKUP; 0: it cannot be searched, and
                                         memory is all there is */
    uint16_t capture_ceiling_percent; /* a completion, of what was pre-authorised */
    uint16_t tip_ceiling_percent;     /* an adjusted total, of the original amount */
    uint16_t saf_window;              /* reversals and advices in flight a channel */
    uint16_t node;                    /* 0..9, first digit of the RRN */
    char acquirer_id[12];             /* F32 */
};

#define ENGINE_EVENT_MAP(X)                                                                        \
    X(REQUEST, "a terminal asks")                                                                  \
    X(RESPONSE, "a channel answers")                                                               \
    X(UNSENT, "a forward could not be sent: no byte of it has left")                               \
    X(KEYS, "the security module made working keys, or could not")                                 \
    X(CHANNEL, "a channel came up or went down")                                                   \
    X(CUT_OVER, "a channel says that its next settlement day begins")                              \
    X(SIGHTING, "the rim saw something of a terminal that never became a request")                 \
    X(ORDER, "people, or the switch itself, give an order about a terminal or merchant")           \
    X(FOUND, "the log was searched for what a LOOKUP asked")                                       \
    X(TICK, "time has passed")                                                                     \
    X(RULESET, "another version of the rules is in force")                                         \
    X(REPLAY, "a record read back at start")                                                       \
    X(USAGE, "a sum of usage read back at start")                                                  \
    X(REPLAY_END, "the log is read; begin")

enum engine_event_kind {
#define X(name, text) ENGINE_##name,
    ENGINE_EVENT_MAP(X)
#undef X
};

/* X(name, response code, sentence): why a transaction ended or was refused as it was. */
#define TXN_REASON_MAP(X)                                                                          \
    X(NONE, "00", "nothing to explain")                                                            \
    X(CHANNEL_ANSWERED, "00", "the channel's own answer")                                          \
    X(NO_ANSWER, "98", "no answer from the channel in time: unknown, being reversed")              \
    X(CHANNEL_DOWN, "91", "no channel could take it; nothing was sent")                            \
    X(UNSENT, "91", "the link refused it; nothing was sent")                                       \
    X(PIN_REFUSED, "99", "the PIN could not be translated; nothing was sent")                      \
    X(OTHER_CONTENT, "94", "the same key came before with other content")                          \
    X(ORIGINAL_UNKNOWN, "25", "the original is not known; it is blocked from now on")              \
    X(ORIGINAL_BLOCKED, "22", "a reversal of this request came before it")                         \
    X(ORIGINAL_STATE, "22", "the original is not in a state to be reversed")                       \
    X(TERMINAL_REVERSED, "00", "reversed by the terminal")                                         \
    X(MISMATCH, "98", "the answer does not fit the request: unknown, being reversed")              \
    X(LATE_APPROVAL, "00", "approved after the time-out: reversed again")                          \
    X(LATE_RESPONSE, "00", "an answer after the time-out, recorded only")                          \
    X(UNMATCHED, "00", "an answer that belongs to no request")                                     \
    X(RESTART, "98", "in doubt at a restart: unknown, being reversed")                             \
    X(NO_ROOM, "96", "the limit of transactions is reached")                                       \
    X(LOG_SHORT, "96", "the disk of the log is nearly full; only reversals are served")            \
    X(IN_PROGRESS, "09", "the same request is being worked on")                                    \
    X(NOT_SIGNED_ON, "77", "the terminal is not signed on: sign on again")                         \
    X(NOT_SERVED, "40", "this transaction type is not served")                                     \
    X(KEYS_FAILED, "A7", "the security module could not make working keys")                        \
    X(REVERSAL_OUTLIVED, "00", "not acknowledged within its life: a case")                         \
    X(ROUTING, "00", "refused by routing; only logs of before the reasons below say so")           \
    X(TERMINAL_UNKNOWN, "97", "the terminal is not registered")                                    \
    X(TERMINAL_STOPPED, "58", "the terminal is not active")                                        \
    X(MERCHANT_UNKNOWN, "03", "the merchant is not registered")                                    \
    X(MERCHANT_STOPPED, "03", "the merchant is not active")                                        \
    X(MERCHANT_MISMATCH, "03", "the terminal is bound to another merchant")                        \
    X(AMOUNT_INVALID, "13", "the amount is zero, too large, or of another currency")               \
    X(CARD_INVALID, "14", "the card number has a wrong length or check digit")                     \
    X(NO_ISSUER, "15", "no BIN range holds this card")                                             \
    X(NO_ROUTE, "15", "no route rule fits this payment")                                           \
    X(NOT_SUPPORTED, "40", "the route does not offer this transaction type")                       \
    X(NO_FEE, "96", "no fee plan fits this payment")                                               \
    X(LIMIT_AMOUNT, "61", "above the amount limit")                                                \
    X(FOLLOWED_UNKNOWN, "25", "the original that it follows is not known")                         \
    X(FOLLOWED_STATE, "22", "the original is not in a state to be followed so")                    \
    X(FOLLOWED_AMOUNT, "64", "the amount does not fit the original's")                             \
    X(EARLIER_DAY, "22", "the original counts for an earlier settlement day")                      \
    X(LOG_UNREAD, "96", "the log could not be searched in time; nothing was sent")                 \
    X(ADVICE_TAKEN, "00", "taken for certain: store-and-forward delivers it")                      \
    X(ADVICE_DECLINED, "00", "the channel declined the advice: a case")                            \
    X(ADVICE_OUTLIVED, "00", "the advice was not acknowledged within its life: a case")            \
    X(FIELD_MALFORMED, "30", "a field does not hold what such a message must say")                 \
    X(BATCH_STATE, "22", "the batch is not settled, or not as the message says")                   \
    X(TOTALS_DIFFER, "95", "the terminal's totals are not ours; it uploads its details")           \
    X(DETAILS_MISSING, "00", "not as many details came as the terminal says")                      \
    X(SIGNON_TOO_SOON, "09", "the terminal has signed on a moment ago")                            \
    X(PIN_FAULTS, "65", "too many wrong PINs at this terminal lately")                             \
    X(DEVICE_FAULTY, "00", "the terminal says that a part of it is faulty")                        \
    X(FEES_UNBALANCED, "00", "the fees of a transaction do not add up")                            \
    X(AGENTS_CAPPED, "00", "agents' shares were cut off at the margin: look into their terms")     \
    X(CODE_UNKNOWN, "14", "the payment code is of no wallet or scheme known here")                 \
    X(CHANNEL_TRIPPED, "91", "the breaker of each channel that could take it is open")             \
    X(BREAKER_OPENED, "00", "the breaker of a channel opened: payments avoid it")                  \
    X(BREAKER_CLOSED, "00", "the breaker of a channel closed again")                               \
    X(LIMIT_AMOUNT_LOW, "13", "below the least amount of a limit rule")                            \
    X(LIMIT_DAY_AMOUNT, "61", "above what a limit rule lets be taken in a day")                    \
    X(LIMIT_DAY_COUNT, "65", "more payments than a limit rule allows in a day")                    \
    X(LIMIT_MONTH_AMOUNT, "61", "above what a limit rule lets be taken in a month")                \
    X(CARD_LISTED, "62", "the card is on the black list")                                          \
    X(MERCHANT_LISTED, "03", "the merchant is on the black list")                                  \
    X(TERMINAL_LISTED, "58", "the terminal is on the black list")                                  \
    X(CODE_LISTED, "62", "the payment code is on the black list")                                  \
    X(USAGE_FULL, "96", "what it takes cannot be counted: raise engine.usage_count_max")           \
    X(CLOCK_OFF, "00", "the terminal's clock is off")                                              \
    X(OTHER_BATCH, "77", "the batch is not the terminal's open one: sign on again")                \
    X(CHANNEL_FULL, "91", "as many requests wait for the channel as may; nothing was sent")        \
    X(MAC_FAILED, "A0", "messages of the terminal whose MAC is missing or wrong")                  \
    X(KEYS_MISSING, "A0", "messages of a terminal that has no working keys here")                  \
    X(MALFORMED, "30", "bytes of the terminal that are no message, or none that is known")         \
    X(TLS_FAILED, "00", "TLS handshakes that failed where the terminal came from before")          \
    X(STRANGER, "97", "messages of terminals that are not registered")                             \
    X(IDENTITY_DIFFERS, "00", "messages of a terminal whose certificate names another one")        \
    X(ANSWER_MAC, "00", "the terminal says that the MAC of our answer is wrong: keys differ")      \
    X(ORDER_ASK_SIGNON, "00", "ordered: the terminal is asked to sign on again")                   \
    X(ORDER_ASK_DOWNLOAD, "00", "ordered: the terminal is asked to download parameters")           \
    X(ORDER_ASK_STATUS, "00", "ordered: the terminal is asked to upload its status")               \
    X(ORDER_ASK_UPDATE, "00", "ordered: the terminal is asked to update its software")             \
    X(ORDER_TELL, "00", "ordered: the cashier is told a text")                                     \
    X(ORDER_LIMIT, "61", "above the single amount that was ordered as a limit")                    \
    X(ORDER_HOLD, "00", "ordered: the merchant's money is held back")                              \
    X(ORDER_STOP, "58", "the terminal or merchant is stopped by an order")                         \
    X(ORDER_RELEASE, "00", "ordered: the merchant's money is held back no longer")                 \
    X(ORDER_RESUME, "00", "ordered: neither stopped nor limited any longer")                       \
    X(ORDER_WITHDRAW, "00", "ordered: the terminal is asked and told nothing any longer")          \
    X(FOLLOWED_OTHER_CARD, "25", "the original that it follows was paid with another card")        \
    X(CERTIFICATE_30, "00", "the terminal's certificate ends within 30 days")                      \
    X(CERTIFICATE_14, "00", "the terminal's certificate ends within 14 days")                      \
    X(CERTIFICATE_7, "00", "the terminal's certificate ends within 7 days")

enum txn_reason {
#define X(name, code, text) TXN_REASON_##name,
    TXN_REASON_MAP(X)
#undef X
        TXN_REASON_COUNT
};
const char *txn_reason_name(enum txn_reason reason); /* "no_answer" */
const char *txn_reason_text(enum txn_reason reason);
const char *txn_reason_code(enum txn_reason reason);
/* Whether a SIGHTING may have that reason. */
bool engine_may_sight(enum txn_reason reason);
/* Whether it is about the end of a certificate, which is told once. */
bool engine_is_certificate(enum txn_reason reason);

struct engine_event {
    enum engine_event_kind kind;
    uint64_t now_ns; /* monotonic */
    int64_t wall_us; /* UTC; dates only, never a deadline (I28) */
    uint64_t random;
    union {
        struct {
            struct conn_handle conn;
            const struct payment *payment; /* borrowed for the step; pan_hash, pan_sealed filled */
            bool is_log_short; /* no new purchase; reversals and repeats are served (I23) */
        } request;
        struct {
            uint16_t channel;
            const struct payment *payment; /* borrowed for the step */
        } response;
        struct {
            struct txn_handle txn;
            uint16_t attempt;       /* as in the FORWARD effect */
            bool is_reversal;       /* that FORWARD was of its reversal, which counts anew */
            enum txn_reason reason; /* UNSENT, CHANNEL_FULL or PIN_REFUSED */
        } unsent;
        struct {
            struct txn_handle txn;
            bool is_made;
            struct byte_view field_62; /* for the terminal */
            struct byte_view records;  /* for the log; opaque here */
        } keys;
        struct {
            uint16_t channel;
            bool is_up;
        } channel;
        struct {
            uint16_t channel;
            uint32_t settlement_day; /* YYYYMMDD that begins */
        } cut_over;
        struct {
            char terminal_id[9];
            enum txn_reason reason; /* engine_may_sight() */
            uint32_t count;         /* how many it stands for */
            bool is_log_short;      /* nothing is written */
        } sighting;
        struct {
            const struct order *order; /* borrowed for the step */
            uint64_t ticket;           /* comes back with the ORDERED effect */
        } order;
        struct {
            struct txn_handle txn; /* as in the LOOKUP effect */
            bool is_failed;        /* the log could not be read: nothing is known */
            /* The transaction's own records, those that follow it (same original), and the
             * reversals of these, in the log's order; none: it is not in the log. Borrowed for the
             * step. */
            const struct record *records;
            uint32_t count;
        } found;
        const struct ruleset *ruleset; /* borrowed until another one is given */
        const struct record *record;   /* borrowed for the step */
        /* Borrowed for the step. NULL: what records told of usage so far is among the sums that
         * come now; forget it. */
        const struct usage_sum *usage;
    };
};

#define ENGINE_EFFECT_COUNT_MAX 16
#define ENGINE_RECORD_COUNT_MAX 8

enum engine_effect_kind {
    ENGINE_LOG,       /* append `record`, whose position is `after` */
    ENGINE_FORWARD,   /* send `payment` to `channel` */
    ENGINE_REPLY,     /* send `payment` to `conn` */
    ENGINE_MAKE_KEYS, /* have working keys made for the terminal of `payment`, answer with KEYS */
    ENGINE_LOOKUP,    /* search the log for `lookup`, answer with FOUND */
    ENGINE_ORDERED,   /* tell who gave `order.ticket` what became of it */
    ENGINE_NOTICE     /* count and log: `reason` about `payment` (may be NULL) */
};

struct engine_effect {
    enum engine_effect_kind kind;
    uint64_t after; /* let out once this log position is durable; 0: at once (promises nothing) */
    enum txn_reason reason;
    struct txn_handle txn;
    uint16_t channel;
    uint16_t attempt; /* FORWARD: 1 is the first; a reversal's repeats count on */
    struct conn_handle conn;
    uint8_t terminal_request;    /* REPLY: digit 6 of the header, what the terminal should do next;
                                    0: nothing (unionpay-pos 1) */
    struct lookup_query lookup;  /* LOOKUP */
    const struct record *record; /* LOG; good until the next step */
    const struct payment *payment; /* FORWARD, REPLY, MAKE_KEYS, LOOKUP, NOTICE; good until the next
                                      step: who holds an effect copies it */
    struct {
        uint8_t group, fault; /* BIN group; enum health_fault, while it opens */
    } breaker;                /* NOTICE of BREAKER_OPENED, BREAKER_CLOSED: that of `channel` */
    int64_t clock_ahead_s;    /* NOTICE of CLOCK_OFF: of ours */
    struct {
        uint64_t ticket;
        enum order_answer answer;
    } order;               /* ORDERED */
    struct byte_view keys; /* REPLY to a sign-on: the key records now in force; as `payment` */
};

struct engine_effects {
    uint32_t count;
    bool has_more; /* TICK: more deadlines have passed; step again with another TICK */
    struct engine_effect items[ENGINE_EFFECT_COUNT_MAX];
};

struct engine;

/* NULL: no memory. The engine owns its slab until destroy. */
struct engine *engine_create(const struct engine_limits *limits);
void engine_destroy(struct engine *engine);

/* One event. `effects` is overwritten. Never fails: what cannot be served is answered so. */
void engine_step(struct engine *engine, const struct engine_event *event,
                 struct engine_effects *effects);

/* Whether a SIGHTING of that certificate's end would be no news now: a row tells it, or a nearer
 * one. */
bool engine_was_told(const struct engine *engine, const char terminal_id[9],
                     enum txn_reason reason);

/* When the next TICK is due; UINT64_MAX: nothing waits. */
uint64_t engine_deadline_ns(const struct engine *engine);

/* A hash over all state that a restart must bring back (I21). */
uint64_t engine_state_hash(const struct engine *engine);
/* The part of it that is about usage: of the latest day and its month. */
uint64_t engine_usage_hash(const struct engine *engine);
/* Whether nothing is lost of these two, so that it may be compared with sums read in another order.
 */
bool engine_usage_is_whole(const struct engine *engine);
/* And the day before, which no other hash is over. False: a full table let go of some of it, so
 * that it cannot be compared. */
bool engine_usage_hash_before(const struct engine *engine, uint64_t *hash);

/* Whether a record of the log still finds room at REPLAY. False: the limits are lower than what the
 * log has in doubt or names; starting all the same would forget some of it, so the rim must not. */
bool engine_may_replay(const struct engine *engine, const struct record *record);

/* Whether each channel of these rules gets a number of its own. False: too many names of channels
 * have been in use since the start, or stand in the log that it read. */
bool engine_has_numbers(const struct engine *engine, const struct ruleset *ruleset);
/* What store-and-forward still has to deliver to the channel of that name. */
uint32_t engine_channel_pending(const struct engine *engine, const char *name);

/* Counts for status and metrics. */
struct engine_counts {
    uint32_t txn_in_flight, txn_remembered, reversals_pending, reversals_in_flight, cases;
    uint32_t terminals_signed_on;
    uint64_t log_position;  /* last one given out */
    uint64_t saf_oldest_ns; /* when the oldest pending reversal began; 0: none */
    uint32_t usage_keys;    /* merchants, terminals and cards that have an entry of usage */
    uint64_t usage_lost;    /* changes of usage that could not be counted, or pushed another out */
    uint32_t usage_lost_day, usage_lost_month; /* the latest of them, where not over; 0: none */
};
void engine_count(const struct engine *engine, struct engine_counts *counts);

/* What the admin port shows of one transaction or terminal; false: not in memory. */
struct engine_terminal_view {
    char terminal_id[9], merchant_id[16];
    uint32_t batch;
    bool is_signed_on;
    int64_t signed_on_wall_us, last_seen_wall_us;
    uint64_t requests, approved, declined, refused, unknown, reversals;
    struct batch_totals totals;   /* of the open batch */
    enum batch_result settled_as; /* its last settlement; BATCH_ASKED: none */
    int64_t status_wall_us;       /* when it last told its status; 0: never */
    uint8_t faulty;               /* what it called faulty then, upload.h's bits */
    int64_t clock_ahead_s;        /* how far its clock is ahead of ours, as it last told ... */
    int64_t clock_wall_us;        /* ... then; 0: it told none since the start */
    uint8_t terminal_request;     /* what its answers ask of it: terminal_request.h */
};
/* The breaker of a channel (index in the rules in force) that is worst of its BIN groups. False:
 * the engine does not know the channel. */
struct engine_breaker_view {
    uint8_t group; /* 0: of cards in no group */
    struct health_view health;
    uint64_t openings; /* of all its groups since the beginning: it never goes back */
};
bool engine_breaker(const struct engine *engine, uint16_t channel, uint64_t now_ns,
                    struct engine_breaker_view *view);
bool engine_terminal(const struct engine *engine, const char *terminal_id,
                     struct engine_terminal_view *view);

/* Walks the orders in force: begin with 0, go on with what it answers. 0: no more. */
uint32_t engine_orders(const struct engine *engine, uint32_t after,
                       struct order_standing *standing);
/* How many are in force, by who gave them and of each kind. */
void engine_count_orders(const struct engine *engine,
                         uint32_t counts[ORDER_ORIGIN_COUNT][ORDER_STANDING_COUNT]);

/* Where such a payment would go at that time, with the rules in force and the channels as they are:
 * decided as a request would be, and kept nowhere. */
struct engine_explanation {
    struct route_decision decision;   /* its rows are the ruleset's in force */
    enum route_doubt doubt;           /* what the question left open */
    char divider[ROUTE_DIVIDER_SIZE]; /* what more digits would decide; empty: nothing known */
    bool may_be_listed; /* the black list has hashes of cards: whether this one is among them, its
                         * first digits do not tell */
    bool follows_original;   /* such a payment goes where its original went */
    enum txn_reason ordered; /* an order says no to it, whatever the rules say: ORDER_STOP or
                              * ORDER_LIMIT; else NONE */
    char text[ROUTE_EXPLANATION_SIZE];
};
struct engine_clocks {
    uint64_t now_ns;
    int64_t wall_us;
};
void engine_explain(const struct engine *engine, const struct route_question *question,
                    const struct engine_clocks *clocks, struct engine_explanation *explanation);
/* What the payment's merchant, terminal and card have taken so far on the engine's day, as limits
 * are held against it; zeros for what no rule asks to be counted. */
void engine_usage(const struct engine *engine, const struct payment *payment,
                  struct limit_use uses[LIMIT_SCOPE_COUNT]);
/* The same of one scope on the day of that moment, and in its month. */
struct engine_usage_view {
    bool is_counted; /* false: no rule asks for it */
    uint32_t day;    /* YYYYMMDD, in China */
    struct limit_use use;
};
void engine_usage_on(const struct engine *engine, const struct payment *payment,
                     enum limit_scope scope, int64_t wall_us, struct engine_usage_view *view);
