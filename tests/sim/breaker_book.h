/* What the breaker of one bank for one group of cards must be, kept from what the world has seen
 * and by the words of routing/README.md, not from the switch's own counters.
 *
 * Outcomes of first attempts are written down with their time. The switch says when a breaker opens
 * and closes; whether it may, and whether it must, is judged here. How much the window holds at a
 * moment is known to a half: at least the last half of it, at most the whole.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/rules.h"

#define BREAKER_OUTCOME_COUNT_MAX 256
#define BREAKER_STEPS 20 /* of 5 %: "the healthiest" */

enum breaker_word { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct breaker_outcome {
    uint64_t when_ns;
    enum sim_ill ill; /* ILL_COUNT: well */
};

struct breaker_book {
    enum breaker_word word;
    uint64_t until_ns;     /* of its pause */
    uint32_t openings;     /* in a row */
    uint32_t probes, good; /* under way; answered well since it is half-open */
    uint32_t outcome_count;
    struct breaker_outcome outcomes[BREAKER_OUTCOME_COUNT_MAX];
    /* of the present step */
    bool is_fed /* with a fault: only that opens it */, is_probe_ill, is_told_open, is_told_closed;
    enum sim_ill probe_ill, told_ill;
};

/* Whether one more payment may go. */
bool breaker_book_lets(const struct breaker_book *book, const struct rules_breaker *rules,
                       uint64_t now_ns);
/* One goes; true: as a probe. */
bool breaker_book_begin(struct breaker_book *book, const struct rules_breaker *rules,
                        uint64_t now_ns);
/* It came to an end. ILL_COUNT: well. */
void breaker_book_end(struct breaker_book *book, bool is_probe, enum sim_ill ill, uint64_t now_ns);
/* It ended in a way that tells nothing of the bank. */
void breaker_book_drop(struct breaker_book *book, bool is_probe);
/* The step is over: what the switch told is held against what it had to tell. NULL: all is well;
 * else a sentence. */
const char *breaker_book_judge(struct breaker_book *book, const struct rules_breaker *rules,
                               uint64_t now_ns);
/* Fewest and most steps of 5 % of faults that the window may show. */
void breaker_book_steps(const struct breaker_book *book, const struct rules_breaker *rules,
                        uint64_t now_ns, uint32_t steps[2]);
