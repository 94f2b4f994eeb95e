/* One service case: its state, what was done, and what must be done next outside.
 *
 * Pure: an event comes in with its actor, time and reason; the case moves by the table of
 * case_state.def or refuses and says what would be permitted; what must happen outside goes out as
 * effects. The same events give the same case, so its history read again rebuilds it.
 *
 * Life:  fill in who and what -> step(OPEN) -> step ... -> step(CLOSE) [-> step(REOPEN) ...]
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/flag.h"
#include "switch/aftersales/registry_rows.h"
#include "switch/aftersales/work_calendar.h"

enum case_state {
#define X(name, lives, enters, followers, zh, text) CASE_STATE_##name,
#include "switch/aftersales/case_state.def"
#undef X
    CASE_STATE_COUNT
};

enum case_event_kind {
#define X(name, roles, needs, text) CASE_EVENT_##name,
#include "switch/aftersales/case_event.def"
#undef X
    CASE_EVENT_COUNT
};

/* X(name): who acts. */
#define CASE_ROLE_MAP(X) X(SWITCH) X(MERCHANT) X(AGENT) X(STAFF) X(ENGINEER) X(MANAGER) X(MAKER)
enum case_role {
#define X(name) CASE_ROLE_##name,
    CASE_ROLE_MAP(X)
#undef X
        CASE_ROLE_COUNT
};

/* X(name): which way it came. */
#define CASE_SOURCE_MAP(X) X(RULE) X(HOTLINE) X(ONLINE) X(SALES_AGENT) X(BANK) X(INSPECTION)
enum case_source {
#define X(name) CASE_SOURCE_##name,
    CASE_SOURCE_MAP(X)
#undef X
        CASE_SOURCE_COUNT
};

enum case_step_result { CASE_STEP_OPEN, CASE_STEP_DONE, CASE_STEP_IMPOSSIBLE, CASE_STEP_HELPED };
enum case_outcome { CASE_OUTCOME_NONE, CASE_OUTCOME_CONFIRMED, CASE_OUTCOME_BENIGN };
enum case_quote { CASE_QUOTE_NONE, CASE_QUOTE_ASKED, CASE_QUOTE_ACCEPTED, CASE_QUOTE_DECLINED };

#define CASE_STEP_COUNT_MAX 4
#define CASE_ACTOR_SIZE 32
#define CASE_REASON_SIZE 192
/* What is told outside: a reason whole, and what the switch says beside it (why something was not
 * done). */
#define CASE_EFFECT_TEXT_SIZE 704

struct service_case {
    /* who and what: filled in before OPEN */
    uint64_t id;
    enum case_kind kind;
    enum case_source source;
    enum flag_subject subject;
    char subject_id[40], cause[24]; /* one open case of these and a life (case_merge.h) */
    char terminal_id[9], serial[21], brand[16], model[16], firmware[9], merchant_id[16];
    enum obtained obtained;
    uint8_t severity; /* 1..4 */
    enum service_class service_class;
    char fault[4];  /* "N1"; empty: not known */
    bool is_makers; /* of a brand, model or firmware: the maker is told */
    /* changed by steps only */
    enum case_state state;
    uint32_t event_count; /* 0: not opened; each recorded event adds one */
    int64_t opened_us, changed_us, repaired_us, verified_us, closed_us;
    uint8_t steps[CASE_STEP_COUNT_MAX]; /* enum case_step_result, as case_first_step counts */
    struct service_clock answer, repair;
    int64_t repair_begun_us;
    char engineer[CASE_ACTOR_SIZE], point_id[16], serial_before[21];
    enum service_place place;
    bool is_waiting;    /* for the merchant */
    bool is_at_manager; /* only a manager may close it */
    bool is_held, is_stopped;
    int64_t hold_until_us;
    enum case_quote quote;
    int64_t cost_minor; /* quoted */
    enum case_outcome outcome;
    char closing_code[16];
    uint8_t score; /* 1..5; 0: none */
    uint16_t reopen_count, flag_count;
};

/* X(name, word): who paid for a part. */
#define CASE_PART_PAYER_MAP(X) X(WARRANTY, "warranty") X(MERCHANT, "merchant")
enum case_part_payer {
#define X(name, word) CASE_PART_PAID_BY_##name,
    CASE_PART_PAYER_MAP(X)
#undef X
        CASE_PART_PAYER_COUNT
};

#define CASE_PART_COST_MAX INT64_C(100000000000)
/* Parts of one class that a repair has replaced. */
struct case_part {
    enum part_class part;
    uint16_t quantity;                        /* 1..99 */
    char serial_before[21], serial_after[21]; /* of the part, not of the device; empty: none */
    int64_t cost_minor;                       /* of all of them, fen, 0..CASE_PART_COST_MAX */
    enum case_part_payer paid_by;
};

/* A picture that was taken at the place: it stays with who took it, and proves itself by this. */
struct case_photo {
    char sha256[65]; /* lower-case hex */
};

#define CASE_PART_COUNT_MAX 6
#define CASE_PHOTO_COUNT_MAX 4

/* What happens. Fields that an event does not use are zero. */
struct case_event {
    enum case_event_kind kind;
    int64_t wall_us;
    enum case_role role;
    char actor[CASE_ACTOR_SIZE]; /* never empty */
    char second_actor[CASE_ACTOR_SIZE];
    char reason[CASE_REASON_SIZE];
    uint8_t step; /* FIRST_STEP: from 1 */
    enum case_step_result result;
    char fault[4]; /* TRIAGE, or JOIN of a system fault that turns out to be another one (never K1:
                      stale keys are a beginning): of fault.def; the cashier is told its text.
                      Empty: not known yet, or the same */
    enum service_class service_class; /* TRIAGE */
    uint8_t severity;                 /* JOIN: of the flag; a case never becomes less severe */
    enum service_place place;         /* DISPATCH */
    char engineer[CASE_ACTOR_SIZE];   /* DISPATCH: to whom */
    char point_id[16];                /* DISPATCH */
    /* OBSERVED: who was seen; of a cohort's case empty, when it does as well as its peers again.
     * SWAP: serial of the new one */
    char terminal_id[9], serial[21];
    bool is_good;              /* OBSERVED: a sign-on or payment that went well */
    bool is_stop_permitted;    /* STOP by the switch: case_merge permitted it */
    int64_t cost_minor;        /* QUOTE */
    enum case_outcome outcome; /* CLOSE */
    char closing_code[16];     /* CLOSE */
    uint8_t score;             /* SCORE: 1..5 */
    uint32_t part_count;       /* FIX, SWAP, ESCALATE */
    struct case_part parts[CASE_PART_COUNT_MAX];
    uint32_t photo_count; /* ARRIVE, FIX, SWAP, ESCALATE */
    struct case_photo photos[CASE_PHOTO_COUNT_MAX];
};

/* X(name, sentence): what must be done outside. */
#define CASE_EFFECT_MAP(X)                                                                         \
    X(NONE, "nothing")                                                                             \
    X(ASK_SIGNON, "order to the switch: let the terminal sign on")                                 \
    X(ASK_STATUS, "order to the switch: ask the terminal for its state")                           \
    X(ASK_UPDATE, "order to the switch: let the terminal update software and parameters")          \
    X(HOLD, "order to the switch: delay the settlement")                                           \
    X(RELEASE, "order to the switch: delay the settlement no longer")                              \
    X(STOP, "order to the switch: stop the terminal")                                              \
    X(RESUME, "order to the switch: let the terminal work again")                                  \
    X(TELL_CASHIER, "message to the cashier, at the terminal")                                     \
    X(TELL_MERCHANT, "message to the merchant")                                                    \
    X(TELL_ENGINEER, "message to the engineer")                                                    \
    X(TELL_DISPATCHER, "message to the dispatcher")                                                \
    X(TELL_MANAGER, "message to the manager")                                                      \
    X(TELL_MAKER, "message to the maker")                                                          \
    X(ASK_PRICE, "ask the merchant whether the price is accepted")                                 \
    X(ASK_SCORE, "ask the merchant for a score")                                                   \
    X(BIND, "end the binding of the old serial number and bind the new one")                       \
    X(DESTROY_KEYS, "destroy the keys of the old device: they are never used again")               \
    X(REPORT, "file for compliance")
enum case_effect_kind {
#define X(name, text) CASE_EFFECT_##name,
    CASE_EFFECT_MAP(X)
#undef X
        CASE_EFFECT_COUNT
};

/* What the cashier is told when a stop ends: that the terminal may work again, and to sign on. */
#define CASE_RESUMED_TEXT "终端已恢复使用,请重新签到"

#define CASE_EFFECT_COUNT_MAX 8
struct case_effects {
    bool is_permitted;
    char refusal[320]; /* when it is not: what was wrong and what would be permitted */
    /* the entry for the history; of TIME only when something changed */
    bool has_record;
    enum case_event_kind record_kind;
    enum case_state from, to;
    char record_reason[CASE_REASON_SIZE];
    uint32_t count;
    struct case_effect {
        enum case_effect_kind kind;
        char text[CASE_EFFECT_TEXT_SIZE];
        int64_t due_us; /* until when; 0: at once */
    } items[CASE_EFFECT_COUNT_MAX];
};

struct case_rules {
    struct work_calendar calendar;
    struct service_terms terms;
    uint16_t reopen_days;      /* 7: a closed case may be opened again */
    uint16_t hold_work_days;   /* 3: a hold ends by itself */
    uint16_t report_work_days; /* 3: to the regulator */
    uint16_t quiet_days;       /* 7: after closing, the same rule opens none for the same subject */
    uint8_t score_reopens_max; /* 2 of 5 */
    enum follow_up follow_ups[SIGNAL_COUNT]; /* what each signal asks for */
};
void case_rules_default(struct case_rules *rules);

/* One event. Not permitted: the case is as before, and `effects->refusal` says why. */
void service_case_step(struct service_case *service_case, const struct case_event *event,
                       const struct case_rules *rules, struct case_effects *effects);
/* Whether an event may say which parts were replaced, and may name photos. */
bool case_event_takes_parts(enum case_event_kind kind);
bool case_event_takes_photos(enum case_event_kind kind);
/* The events that could move it now, or be noted, as bits by enum case_event_kind; who may do them
 * and what they need is not looked at. */
uint64_t service_case_permitted(const struct service_case *service_case);
/* Whether an event that is permitted has something to answer: nobody accepts a price that was not
 * asked for, goes on who did not wait, or tries first steps that all have a result. */
bool service_case_has_occasion(const struct service_case *service_case, enum case_event_kind kind);
bool service_case_is_open(const struct service_case *service_case);
/* When TIME should be told next at the latest: an escalation or the end of a hold; 0: never. */
int64_t service_case_wake_us(const struct service_case *service_case,
                             const struct case_rules *rules);

/* The first steps of a kind: step `step` from 1; NULL: no more. */
struct case_first_step {
    const char *name, *zh, *en;
    enum case_effect_kind order; /* NONE: people only */
};
const struct case_first_step *case_first_step(enum case_kind kind, uint8_t step);

const char *case_state_name(enum case_state state); /* "SELF_HELP" */
const char *case_state_text(enum case_state state, bool is_chinese);
const char *case_event_name(enum case_event_kind kind);
const char *case_event_text(enum case_event_kind kind);
const char *case_kind_name(enum case_kind kind); /* "FAULT" */
const char *case_role_name(enum case_role role);
const char *case_source_name(enum case_source source);
const char *case_part_payer_word(enum case_part_payer payer); /* "warranty" */
const char *case_effect_name(enum case_effect_kind kind);
const char *case_effect_text(enum case_effect_kind kind);
/* The _COUNT of its kind: no such name. */
enum case_state case_state_from_name(const char *name);
enum case_event_kind case_event_from_name(const char *name);
enum case_role case_role_from_name(const char *name);
enum case_source case_source_from_name(const char *name);
/* CASE_FEE + 1: no such name. */
enum case_kind case_kind_from_name(const char *name);
