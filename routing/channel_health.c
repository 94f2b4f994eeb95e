/* See channel_health.h. The window is two halves: the one being filled and the one before it, so
 * what it tells is between half a window and a whole one old. */
#include "routing/channel_health.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"

#define DOUBLING_MAX 16
#define NS_PER_MS 1000000
#define SCORE_STEPS 20 /* of 5 % */

struct health_half {
    uint64_t begin_ns;
    uint64_t latency_ms; /* of all answers together */
    uint32_t requests, answers;
    uint32_t faults[HEALTH_FAULT_COUNT];
};

struct health_cell {
    uint8_t state, fault;
    uint8_t probes, probes_good; /* under way; answered well since half-open */
    uint8_t doublings;           /* openings in a row */
    uint32_t openings;
    uint64_t since_ns, until_ns;
    struct health_half now, before;
};

struct channel_health {
    struct health_cell cells[CHANNEL_COUNT_MAX][BIN_GROUP_COUNT_MAX];
};

static const struct {
    const char *name, *text;
} FAULTS[] = {
#define X(name, word, text) [HEALTH_##name] = {word, text},
    HEALTH_FAULT_MAP(X)
#undef X
};

static const char *const STATES[] = {
#define X(name, word, text) [HEALTH_##name] = (word),
    HEALTH_STATE_MAP(X)
#undef X
};

const char *health_state_name(enum health_state state)
{
    REQUIRE(state <= HEALTH_OPEN);
    return STATES[state];
}

const char *health_fault_name(enum health_fault fault)
{
    REQUIRE(fault < HEALTH_FAULT_COUNT);
    return FAULTS[fault].name;
}

const char *health_fault_text(enum health_fault fault)
{
    REQUIRE(fault < HEALTH_FAULT_COUNT);
    return FAULTS[fault].text;
}

struct channel_health *channel_health_create(void)
{
    return calloc(1, sizeof(struct channel_health));
}

void channel_health_destroy(struct channel_health *health)
{
    free(health);
}

static const struct health_cell *cell_view(const struct channel_health *health,
                                           struct health_spot spot)
{
    REQUIRE(spot.channel < CHANNEL_COUNT_MAX);
    REQUIRE(spot.group < BIN_GROUP_COUNT_MAX);
    return &health->cells[spot.channel][spot.group];
}

static struct health_cell *cell_at(struct channel_health *health, struct health_spot spot)
{
    REQUIRE(spot.channel < CHANNEL_COUNT_MAX);
    REQUIRE(spot.group < BIN_GROUP_COUNT_MAX);
    return &health->cells[spot.channel][spot.group];
}

/* What is open is half-open once its pause is over, without anybody's doing. */
static enum health_state state_at(const struct health_cell *cell, uint64_t now_ns)
{
    return cell->state == HEALTH_OPEN && now_ns >= cell->until_ns ? HEALTH_HALF_OPEN
                                                                  : (enum health_state)cell->state;
}

bool channel_health_may(const struct channel_health *health, struct health_spot spot,
                        const struct health_limits *limits, uint64_t now_ns)
{
    const struct health_cell *cell = cell_view(health, spot);
    if (cell->state == HEALTH_CLOSED || limits->window_ns == 0) {
        return true;
    }
    return state_at(cell, now_ns) == HEALTH_HALF_OPEN && cell->probes < limits->probe_count;
}

bool channel_health_begin(struct channel_health *health, struct health_spot spot,
                          const struct health_limits *limits, uint64_t now_ns)
{
    struct health_cell *cell = cell_at(health, spot);
    if (cell->state == HEALTH_CLOSED || limits->window_ns == 0) {
        return false;
    }
    if (state_at(cell, now_ns) != HEALTH_HALF_OPEN || cell->probes >= limits->probe_count) {
        return false; /* it has to go there, whatever the breaker says */
    }
    if (cell->state == HEALTH_OPEN) {
        cell->state = HEALTH_HALF_OPEN;
        cell->since_ns = now_ns;
        cell->probes_good = 0;
    }
    cell->probes++;
    return true;
}

static void open_up(struct health_cell *cell, const struct health_limits *limits,
                    enum health_fault fault, uint64_t now_ns)
{
    uint64_t pause_ns = limits->open_ns << (cell->doublings < DOUBLING_MAX ? cell->doublings : 0);
    if (cell->doublings >= DOUBLING_MAX || pause_ns > limits->open_max_ns) {
        pause_ns = limits->open_max_ns;
    }
    cell->state = HEALTH_OPEN;
    cell->fault = (uint8_t)fault;
    cell->since_ns = now_ns;
    cell->until_ns = now_ns + pause_ns;
    cell->probes_good = 0;
    cell->doublings = (uint8_t)(cell->doublings + (cell->doublings < DOUBLING_MAX));
    cell->openings++;
}

/* The next half begins where the one before ended, not when somebody looks: else an outcome would
 * count for up to a window and a half. */
static void slide(struct health_cell *cell, const struct health_limits *limits, uint64_t now_ns)
{
    uint64_t half_ns = limits->window_ns / 2;
    uint64_t age_ns = now_ns - cell->now.begin_ns;
    if (age_ns < half_ns) {
        return;
    }
    bool is_next = age_ns < 2 * half_ns;
    cell->before = is_next ? cell->now : (struct health_half){0};
    cell->now = (struct health_half){.begin_ns = is_next ? cell->now.begin_ns + half_ns : now_ns};
}

/* The fault whose share opens the breaker, or HEALTH_FAULT_COUNT. */
static enum health_fault worst_of(const struct health_cell *cell,
                                  const struct health_limits *limits)
{
    uint64_t requests = (uint64_t)cell->now.requests + cell->before.requests;
    for (unsigned fault = 0; requests >= limits->request_min && fault < HEALTH_FAULT_COUNT;
         fault++) {
        uint64_t count = (uint64_t)cell->now.faults[fault] + cell->before.faults[fault];
        if (limits->percent[fault] != 0 && count * 100 >= requests * limits->percent[fault]) {
            return (enum health_fault)fault;
        }
    }
    return HEALTH_FAULT_COUNT;
}

static enum health_change end_probe(struct health_cell *cell, const struct health_limits *limits,
                                    const struct health_outcome *outcome, uint64_t now_ns)
{
    REQUIRE(cell->probes > 0);
    cell->probes--;
    if (cell->state != HEALTH_HALF_OPEN) {
        return HEALTH_UNCHANGED;
    }
    if (outcome->is_fault) {
        open_up(cell, limits, outcome->fault, now_ns);
        return HEALTH_OPENED;
    }
    if (++cell->probes_good < limits->probe_count) {
        return HEALTH_UNCHANGED;
    }
    cell->state = HEALTH_CLOSED;
    cell->since_ns = now_ns;
    cell->doublings = 0;
    cell->now = (struct health_half){.begin_ns = now_ns};
    cell->before = (struct health_half){0};
    return HEALTH_CLOSED_AGAIN;
}

enum health_change channel_health_end(struct channel_health *health, struct health_spot spot,
                                      const struct health_limits *limits,
                                      const struct health_outcome *outcome, uint64_t now_ns)
{
    struct health_cell *cell = cell_at(health, spot);
    if (outcome->is_probe) {
        return end_probe(cell, limits, outcome, now_ns);
    }
    if (limits->window_ns == 0) {
        cell->state = HEALTH_CLOSED; /* rules without a breaker came into force */
        return HEALTH_UNCHANGED;
    }
    if (cell->state != HEALTH_CLOSED) {
        return HEALTH_UNCHANGED; /* it left before the breaker opened */
    }
    slide(cell, limits, now_ns);
    cell->now.requests++;
    if (outcome->latency_ns > 0) {
        cell->now.answers++;
        cell->now.latency_ms += outcome->latency_ns / NS_PER_MS;
    }
    if (!outcome->is_fault) {
        return HEALTH_UNCHANGED;
    }
    cell->now.faults[outcome->fault]++;
    enum health_fault fault = worst_of(cell, limits);
    if (fault == HEALTH_FAULT_COUNT) {
        return HEALTH_UNCHANGED;
    }
    open_up(cell, limits, fault, now_ns);
    return HEALTH_OPENED;
}

void channel_health_drop(struct channel_health *health, struct health_spot spot)
{
    struct health_cell *cell = cell_at(health, spot);
    REQUIRE(cell->probes > 0);
    cell->probes--;
}

struct health_outcome health_outcome_of_answer(const struct health_limits *limits,
                                               const char response_code[3], uint64_t latency_ns)
{
    struct health_outcome outcome = {.latency_ns = latency_ns};
    for (unsigned i = 0; i < limits->code_count; i++) {
        if (memcmp(limits->codes[i], response_code, 2) == 0) {
            outcome.is_fault = true;
            outcome.fault = HEALTH_CODE;
            return outcome;
        }
    }
    outcome.is_fault = limits->latency_ns > 0 && latency_ns > limits->latency_ns;
    outcome.fault = HEALTH_LATENCY;
    return outcome;
}

uint64_t channel_health_score(const struct channel_health *health, struct health_spot spot,
                              const struct health_limits *limits, uint64_t now_ns)
{
    const struct health_cell *known = cell_view(health, spot);
    if (limits->window_ns == 0) {
        return 0;
    }
    struct health_cell slid = {.now = known->now, .before = known->before};
    const struct health_cell *cell = &slid;
    slide(&slid, limits, now_ns); /* what nobody has asked for lately is forgotten, too */
    uint64_t requests = (uint64_t)cell->now.requests + cell->before.requests;
    uint64_t answers = (uint64_t)cell->now.answers + cell->before.answers;
    uint64_t faults = 0;
    for (unsigned i = 0; i < HEALTH_FAULT_COUNT; i++) {
        faults += (uint64_t)cell->now.faults[i] + cell->before.faults[i];
    }
    uint64_t steps = requests == 0 ? 0 : faults * SCORE_STEPS / requests;
    uint64_t mean_ms =
        answers == 0 ? 0 : (cell->now.latency_ms + cell->before.latency_ms) / answers;
    return steps << 32 | (mean_ms < UINT32_MAX ? mean_ms : UINT32_MAX);
}

void channel_health_view(const struct channel_health *health, struct health_spot spot,
                         uint64_t now_ns, struct health_view *view)
{
    const struct health_cell *cell = cell_view(health, spot);
    *view = (struct health_view){
        .state = state_at(cell, now_ns),
        .fault = (enum health_fault)cell->fault,
        .since_ns = cell->since_ns,
        .until_ns = cell->until_ns,
        .requests = cell->now.requests + cell->before.requests,
        .openings = cell->openings,
    };
    for (unsigned i = 0; i < HEALTH_FAULT_COUNT; i++) {
        view->faults[i] = cell->now.faults[i] + cell->before.faults[i];
    }
}
