/* See breaker_book.h. */
#include "tests/sim/breaker_book.h"

#include <stddef.h>

#include "protocols/base/require.h"

#define MS UINT64_C(1000000)

bool breaker_book_lets(const struct breaker_book *book, const struct rules_breaker *rules,
                       uint64_t now_ns)
{
    bool is_paused = book->word == BREAKER_OPEN && now_ns < book->until_ns;
    return book->word == BREAKER_CLOSED || (!is_paused && book->probes < rules->probe_count);
}

bool breaker_book_begin(struct breaker_book *book, const struct rules_breaker *rules,
                        uint64_t now_ns)
{
    if (book->word == BREAKER_CLOSED || !breaker_book_lets(book, rules, now_ns)) {
        return false; /* a follow-up of what went there: goes, and tells nothing */
    }
    book->good = book->word == BREAKER_OPEN ? 0 : book->good;
    book->word = BREAKER_HALF_OPEN;
    book->probes++;
    return true;
}

void breaker_book_drop(struct breaker_book *book, bool is_probe)
{
    REQUIRE(!is_probe || book->probes > 0);
    book->probes -= is_probe;
}

void breaker_book_end(struct breaker_book *book, bool is_probe, enum sim_ill ill, uint64_t now_ns)
{
    breaker_book_drop(book, is_probe);
    if (is_probe && book->word == BREAKER_HALF_OPEN) {
        book->is_probe_ill = book->is_probe_ill || ill != ILL_COUNT;
        book->probe_ill = ill;
        book->good += ill == ILL_COUNT;
    } else if (!is_probe && book->word == BREAKER_CLOSED) {
        REQUIRE(book->outcome_count < BREAKER_OUTCOME_COUNT_MAX);
        book->outcomes[book->outcome_count++] = (struct breaker_outcome){now_ns, ill};
        book->is_fed = book->is_fed || ill != ILL_COUNT;
    }
}

/* What the window holds at least (false) or at most (true): the place of its oldest outcome. */
static uint32_t window_begin(const struct breaker_book *book, const struct rules_breaker *rules,
                             uint64_t now_ns, bool is_whole)
{
    uint64_t age_ns = rules->window_ms * MS / (is_whole ? 1 : 2);
    uint32_t at = book->outcome_count;
    while (at > 0 && (is_whole ? now_ns - book->outcomes[at - 1].when_ns <= age_ns
                               : now_ns - book->outcomes[at - 1].when_ns < age_ns)) {
        at--;
    }
    return at;
}

/* Faults of that kind since place `at`; ILL_COUNT: of any kind. */
static uint32_t ill_count(const struct breaker_book *book, uint32_t at, enum sim_ill ill)
{
    uint32_t count = 0;
    for (; at < book->outcome_count; at++) {
        enum sim_ill found = book->outcomes[at].ill;
        count += ill == ILL_COUNT ? found != ILL_COUNT : found == ill;
    }
    return count;
}

static bool is_enough(const struct breaker_book *book, const struct rules_breaker *rules,
                      uint32_t at, enum sim_ill ill)
{
    uint32_t count = book->outcome_count - at;
    return count >= rules->request_min && rules->percent[ill] > 0 &&
           ill_count(book, at, ill) * 100 >= count * rules->percent[ill];
}

/* However much the window holds, that kind of fault reaches its share. */
static bool must_open(const struct breaker_book *book, const struct rules_breaker *rules,
                      uint64_t now_ns, enum sim_ill ill)
{
    uint32_t last = window_begin(book, rules, now_ns, false);
    for (uint32_t at = window_begin(book, rules, now_ns, true); at <= last; at++) {
        if (!is_enough(book, rules, at, ill)) {
            return false;
        }
    }
    return true;
}

static bool may_open(const struct breaker_book *book, const struct rules_breaker *rules,
                     uint64_t now_ns, enum sim_ill ill)
{
    uint32_t last = window_begin(book, rules, now_ns, false);
    for (uint32_t at = window_begin(book, rules, now_ns, true); at <= last; at++) {
        if (is_enough(book, rules, at, ill)) {
            return true;
        }
    }
    return false;
}

/* Each opening in a row doubles the pause, up to the longest. */
static void open_up(struct breaker_book *book, const struct rules_breaker *rules, uint64_t now_ns)
{
    uint64_t pause_ms = rules->open_ms;
    for (uint32_t i = 0; i < book->openings && pause_ms < rules->open_max_ms; i++) {
        pause_ms *= 2;
    }
    pause_ms = pause_ms < rules->open_max_ms ? pause_ms : rules->open_max_ms;
    book->word = BREAKER_OPEN;
    book->until_ns = now_ns + pause_ms * MS;
    book->openings++;
    book->good = 0;
}

static const char *judge_opening(struct breaker_book *book, const struct rules_breaker *rules,
                                 uint64_t now_ns)
{
    const char *fault = NULL;
    if (book->word == BREAKER_CLOSED &&
        !(book->is_fed && may_open(book, rules, now_ns, book->told_ill))) {
        fault = "it opened, and too few first attempts had failed so";
    } else if (book->word == BREAKER_OPEN) {
        fault = "it opened, and had been open";
    } else if (book->word == BREAKER_HALF_OPEN &&
               !(book->is_probe_ill && book->probe_ill == book->told_ill)) {
        fault = "it opened again, and no probe had failed so";
    }
    open_up(book, rules, now_ns);
    return fault;
}

static const char *judge_closing(struct breaker_book *book, const struct rules_breaker *rules)
{
    bool is_due = book->word == BREAKER_HALF_OPEN && book->good >= rules->probe_count;
    book->word = BREAKER_CLOSED;
    book->openings = 0;
    book->outcome_count = 0;
    return is_due ? NULL : "it closed, and too few probes had been answered well";
}

static const char *judge_silence(const struct breaker_book *book, const struct rules_breaker *rules,
                                 uint64_t now_ns)
{
    if (book->word == BREAKER_HALF_OPEN && book->is_probe_ill) {
        return "a probe failed, and it did not open again";
    }
    if (book->word == BREAKER_HALF_OPEN && book->good >= rules->probe_count) {
        return "enough probes were answered well, and it did not close";
    }
    for (int ill = 0; ill < ILL_COUNT && book->word == BREAKER_CLOSED && book->is_fed; ill++) {
        if (must_open(book, rules, now_ns, (enum sim_ill)ill)) {
            return "enough first attempts had failed, and it did not open";
        }
    }
    return NULL;
}

const char *breaker_book_judge(struct breaker_book *book, const struct rules_breaker *rules,
                               uint64_t now_ns)
{
    const char *fault = NULL;
    if (book->is_told_open) {
        fault = judge_opening(book, rules, now_ns);
    } else if (book->is_told_closed) {
        fault = judge_closing(book, rules);
    } else {
        fault = judge_silence(book, rules, now_ns);
    }
    book->is_fed = book->is_probe_ill = book->is_told_open = book->is_told_closed = false;
    return fault;
}

void breaker_book_steps(const struct breaker_book *book, const struct rules_breaker *rules,
                        uint64_t now_ns, uint32_t steps[2])
{
    uint32_t last = window_begin(book, rules, now_ns, false);
    steps[0] = BREAKER_STEPS;
    steps[1] = 0;
    for (uint32_t at = window_begin(book, rules, now_ns, true); at <= last; at++) {
        uint32_t count = book->outcome_count - at;
        uint32_t found = count == 0 ? 0 : ill_count(book, at, ILL_COUNT) * BREAKER_STEPS / count;
        steps[0] = found < steps[0] ? found : steps[0];
        steps[1] = found > steps[1] ? found : steps[1];
    }
}
