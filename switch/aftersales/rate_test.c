/* Tails of Poisson and binomial distributions by the ratios of neighbours. See rate_test.h. */
#include "switch/aftersales/rate_test.h"

#define GREATEST (UINT64_C(1) << 30) /* the greatest term; smaller than 1 no longer count */
/* Above it neighbours differ too little for whole numbers; five standard deviations decide. */
#define EXPECTED_MAX 10000u
#define FAILURE_COUNT_MAX 100000u

struct tail {
    uint64_t beyond, total;
};

static void term_add(struct tail *tail, uint64_t term, bool is_beyond)
{
    tail->total += term;
    tail->beyond += is_beyond ? term : 0;
}

static bool tail_is_rare(const struct tail *tail, uint32_t level_ppm)
{
    return tail->beyond <= tail->total / RATE_PPM * level_ppm;
}

/* Term i+1 is term i times expected / (i+1). */
bool rate_is_rare(uint64_t count, uint64_t expected_ppm, uint32_t level_ppm)
{
    uint64_t mode = expected_ppm / RATE_PPM;
    if (count <= mode) {
        return false;
    }
    if (mode >= EXPECTED_MAX) {
        uint64_t above = count - mode;
        return above / 5 * (above / 5) > mode;
    }
    struct tail tail = {0, 0};
    uint64_t term = GREATEST;
    for (uint64_t i = mode; term > 0; i++) {
        term_add(&tail, term, i >= count);
        term = term * expected_ppm / ((i + 1) * RATE_PPM);
    }
    term = GREATEST;
    for (uint64_t i = mode; i > 0 && term > 0; i--) {
        term = term * (i * RATE_PPM) / expected_ppm;
        term_add(&tail, term, false);
    }
    return tail_is_rare(&tail, level_ppm);
}

/* All failures, and the odds that one is own: own trials to the peers'. */
struct odds {
    uint64_t failures, own, peers;
};

/* Term i+1 is term i times (failures - i) / (i + 1) times own / peers. Two steps, so that no
 * product leaves 64 bits. */
static uint64_t term_after(const struct odds *odds, uint64_t term, uint64_t i)
{
    return term * (odds->failures - i) / (i + 1) * odds->own / odds->peers;
}

static uint64_t term_before(const struct odds *odds, uint64_t term, uint64_t i)
{
    return term * i / (odds->failures - i + 1) * odds->peers / odds->own;
}

/* Trials as numbers of at most 16 bits, in the same proportion. */
static void odds_shrink(struct odds *odds)
{
    while (odds->own > UINT16_MAX || odds->peers > UINT16_MAX) {
        odds->own /= 2;
        odds->peers /= 2;
    }
    odds->own += odds->own == 0 ? 1 : 0;
    odds->peers += odds->peers == 0 ? 1 : 0;
}

bool rate_is_above(struct rate own, struct rate peers, uint32_t level_ppm)
{
    if (own.trials == 0 || peers.trials == 0 || own.errors == 0) {
        return false;
    }
    uint64_t own_errors = own.errors, peer_errors = peers.errors;
    while (own_errors + peer_errors > FAILURE_COUNT_MAX) {
        own_errors /= 2; /* so many are no chance in either proportion: half as many judge alike */
        peer_errors /= 2;
    }
    struct odds odds = {own_errors + peer_errors, own.trials, peers.trials};
    odds_shrink(&odds);
    uint64_t mode = (odds.failures + 1) * odds.own / (odds.own + odds.peers);
    mode = mode > odds.failures ? odds.failures : mode;
    if (own_errors <= mode) {
        return false;
    }
    struct tail tail = {0, 0};
    uint64_t term = GREATEST;
    for (uint64_t i = mode; i <= odds.failures && term > 0; i++) {
        term_add(&tail, term, i >= own_errors);
        term = i < odds.failures ? term_after(&odds, term, i) : 0;
    }
    term = GREATEST;
    for (uint64_t i = mode; i > 0 && term > 0; i--) {
        term = term_before(&odds, term, i);
        term_add(&tail, term, false);
    }
    return tail_is_rare(&tail, level_ppm);
}
