/* Whether a channel is worth asking: a breaker for each channel and BIN group.
 *
 *            too many faults                  the pause is over
 *   CLOSED -------------------> OPEN <------------------------ HALF_OPEN
 *      ^                         |  \________________________/    |
 *      |                         +-> a few probes may go -------->|
 *      +------------------ all probes were answered well ---------+
 *
 * A probe is a payment like any other that is allowed to go there. Faults are counted by reason
 * over a window that slides in two halves; a reason opens the breaker when its share reaches what
 * the limits say. Each opening in a row doubles the pause. Pure: time comes in, memory is taken at
 * create, nothing of it outlives the process: after a restart all are closed.
 *
 * Life:  channel_health_create -> may, begin, end or drop ... -> destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/document.h"
#include "routing/bin_table.h"
#include "routing/channel_table.h"

#define HEALTH_CODE_COUNT_MAX 8
#define HEALTH_PROBE_COUNT_MAX 100

/* X(NAME, "name", sentence) */
#define HEALTH_STATE_MAP(X)                                                                        \
    X(CLOSED, "closed", "payments go there")                                                       \
    X(HALF_OPEN, "half_open", "a few payments go there, to see whether it works again")            \
    X(OPEN, "open", "no payment goes there")
enum health_state {
#define X(name, word, text) HEALTH_##name,
    HEALTH_STATE_MAP(X)
#undef X
};
const char *health_state_name(enum health_state state);

/* X(NAME, "name", sentence): what may be wrong with an attempt. */
#define HEALTH_FAULT_MAP(X)                                                                        \
    X(CONNECT, "connect", "requests could not be sent")                                            \
    X(TIMEOUT, "timeout", "requests were not answered in time")                                    \
    X(CODE, "code", "answers said that the bank behind it cannot be asked")                        \
    X(LATENCY, "latency", "answers came too slowly")
enum health_fault {
#define X(name, word, text) HEALTH_##name,
    HEALTH_FAULT_MAP(X)
#undef X
        HEALTH_FAULT_COUNT
};
const char *health_fault_name(enum health_fault fault);
const char *health_fault_text(enum health_fault fault);

/* When a breaker opens, how long, and how it closes again. All 0: it never opens. */
struct health_limits {
    uint64_t window_ns;
    uint64_t open_ns, open_max_ns;       /* first pause, longest pause */
    uint64_t latency_ns;                 /* an answer that took longer is slow */
    uint32_t request_min;                /* fewer attempts in the window tell nothing */
    uint8_t percent[HEALTH_FAULT_COUNT]; /* share that opens it; 0: this fault never does */
    uint8_t probe_count;                 /* at once, and as many good ones close it */
    uint8_t code_count;
    char codes[HEALTH_CODE_COUNT_MAX][3]; /* field 39 that counts as HEALTH_CODE */
};

/* Limits of each channel, from the section `breaker` of a routes file; all 0 without one. */
struct health_rules {
    struct health_limits channels[CHANNEL_COUNT_MAX];
};
/* Faults go into the document. */
void health_rules_read(struct health_rules *rules, struct document *document,
                       const struct channel_table *channels);

/* One breaker: `channel` is the caller's own number below CHANNEL_COUNT_MAX. */
struct health_spot {
    uint8_t channel, group;
};

/* What became of one attempt. */
struct health_outcome {
    bool is_fault;
    bool is_probe; /* as begin said */
    enum health_fault fault;
    uint64_t latency_ns; /* 0: not answered */
};

enum health_change { HEALTH_UNCHANGED, HEALTH_OPENED, HEALTH_CLOSED_AGAIN };

struct channel_health;

/* NULL: no memory. */
struct channel_health *channel_health_create(void);
void channel_health_destroy(struct channel_health *health);

/* Whether one more payment may go there now. */
bool channel_health_may(const struct channel_health *health, struct health_spot spot,
                        const struct health_limits *limits, uint64_t now_ns);
/* One goes; true: as a probe, which end or drop has to be told. */
bool channel_health_begin(struct channel_health *health, struct health_spot spot,
                          const struct health_limits *limits, uint64_t now_ns);
enum health_change channel_health_end(struct channel_health *health, struct health_spot spot,
                                      const struct health_limits *limits,
                                      const struct health_outcome *outcome, uint64_t now_ns);
/* A probe ended in a way that tells nothing. */
void channel_health_drop(struct channel_health *health, struct health_spot spot);
/* An answer's outcome by its code and time. */
struct health_outcome health_outcome_of_answer(const struct health_limits *limits,
                                               const char response_code[3], uint64_t latency_ns);

/* The lower, the better: faults lately in steps of 5 %, then the mean time of answers. */
uint64_t channel_health_score(const struct channel_health *health, struct health_spot spot,
                              const struct health_limits *limits, uint64_t now_ns);

struct health_view {
    enum health_state state;
    enum health_fault fault; /* why it opened; meaningless while closed */
    uint64_t since_ns;       /* when it came into this state; 0: from the beginning */
    uint64_t until_ns;       /* OPEN: when a probe may go */
    uint32_t requests, faults[HEALTH_FAULT_COUNT]; /* of the window */
    uint32_t openings;                             /* since the beginning */
};
void channel_health_view(const struct channel_health *health, struct health_spot spot,
                         uint64_t now_ns, struct health_view *view);
