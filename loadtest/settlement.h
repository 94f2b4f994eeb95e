/* A terminal settles its batch (unionpay-pos section 8): its totals in a 0500; where the centre has
 * others, the details of the whole batch; then the end. Pure: frames out, answers in.
 *
 *   TOTALS -> (equal) END 207
 *          -> (different) DETAILS 201, 205 ... -> END 202
 *
 * A terminal may be told to settle wrongly: to forget one sale, or to count one that was declined.
 *
 * Life:  settlement_begin -> build, take ... until SETTLEMENT_OVER -> settlement_end
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/journal.h"
#include "loadtest/pos_manage.h"

enum settlement_stage {
    SETTLEMENT_TOTALS,
    SETTLEMENT_DETAILS,      /* 0320/201: magnetic and keyed, up to eight a message */
    SETTLEMENT_CHIP_DETAILS, /* 0320/205: chip, one by one */
    SETTLEMENT_LAST,         /* 0320/202 or 207 */
    SETTLEMENT_OVER
};

/* X(NAME, "word in receipts"): what is wrong with it on purpose. */
#define SETTLEMENT_DEVIATION_MAP(X) X(NONE, "") X(FORGOTTEN, "forgotten") X(DECLINED, "declined")
enum settlement_deviation {
#define X(name, word) SETTLEMENT_##name,
    SETTLEMENT_DEVIATION_MAP(X)
#undef X
};
const char *settlement_deviation_word(enum settlement_deviation deviation);

struct settlement_detail {
    struct pos_request request;
    int64_t amount;
};

struct settlement {
    enum settlement_stage stage;
    uint32_t batch, stan, settlement_stan; /* of the step under way; of the 0500 */
    struct journal_totals own, answered;
    char results[3]; /* of the answer: domestic, foreign; empty before it */
    char rrn[13];    /* of the answer */
    enum settlement_deviation deviation;
    uint32_t deviation_stan;           /* of what is left out, or counted too much */
    struct settlement_detail *details; /* owner: what the totals were made of */
    uint32_t detail_count, next;       /* next: of the first detail that is not acknowledged */
    uint32_t step_count;               /* details in the message under way */
};

/* `wish`: how to be wrong; where the journal has nothing to be wrong about, it is right.
 * STATUS_NO_MEMORY. */
MUST_CHECK enum status settlement_begin(struct settlement *settlement,
                                        const struct journal *journal,
                                        enum settlement_deviation wish);
void settlement_end(struct settlement *settlement);

/* The message of this stage. `stan` is a fresh trace number, used where the stage wants one;
 * settlement->stan says which the message has. */
struct byte_view settlement_build(struct settlement *settlement, struct pos_writer *writer,
                                  const struct pos_identity *identity, uint32_t stan);
/* The same message again, as it was sent. */
struct byte_view settlement_build_again(struct settlement *settlement, struct pos_writer *writer,
                                        const struct pos_identity *identity);
/* Whether `answer` belongs to the message under way. */
bool settlement_is_answer(const struct settlement *settlement, const struct pos_answer *answer);
/* STATUS_BAD_VALUE: it was refused. */
MUST_CHECK enum status settlement_take(struct settlement *settlement,
                                       const struct pos_answer *answer);
bool settlement_is_equal(const struct settlement *settlement);
