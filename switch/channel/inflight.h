/* Requests of a channel that wait for the bank's answers: how many on which link, since when, and
 * which of them an answer belongs to.
 *
 * The engine decides what an answer means; this counts, so that no more wait than the bank takes,
 * refuses a second request that no answer could be told apart from the first, and says in words
 * why an answer belongs to none. A request ends with its answer, or with its life; one whose link
 * is lost no longer counts, but its answer may still come, on whatever link. What has ended is
 * remembered as long as there is room, so that a late or second answer can be named as such.
 *
 * Life:  inflight_create -> put, take ... -> inflight_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"
#include "switch/channel/match_rule.h"

#define INFLIGHT_LINK_COUNT_MAX 8
#define INFLIGHT_TEXT_SIZE 160

struct inflight;

struct inflight_setup {
    uint32_t window; /* that may wait at once */
    uint64_t life_ns;
};

struct inflight *inflight_create(const struct inflight_setup *setup); /* NULL: no memory */
void inflight_destroy(struct inflight *inflight);

struct inflight_request {
    const struct payment *payment;
    uint32_t parts; /* of match_rule_parts() */
    uint8_t link;   /* that carries it */
};

/* X(name, sentence) */
#define INFLIGHT_PUT_MAP(X)                                                                        \
    X(DONE, "it waits")                                                                            \
    X(FULL, "as many wait as may")                                                                 \
    X(DUPLICATE, "a request with the same match key waits")

enum inflight_put {
#define X(name, text) INFLIGHT_PUT_##name,
    INFLIGHT_PUT_MAP(X)
#undef X
};

/* A repeat of what waits already (same kind, marked as one) counts once and lives anew, on its new
 * link. */
MUST_CHECK enum inflight_put inflight_put(struct inflight *inflight,
                                          const struct inflight_request *request, uint64_t now_ns);
/* It has not left after all. */
void inflight_cancel(struct inflight *inflight, const struct inflight_request *request);

/* X(name, sentence): what an answer was. */
#define INFLIGHT_ANSWER_MAP(X)                                                                     \
    X(MATCHED, "to a request that waits")                                                          \
    X(LATE, "to one that was given up")                                                            \
    X(SECOND, "to one that has its answer")                                                        \
    X(UNMATCHED, "to none")

enum inflight_answer {
#define X(name, text) INFLIGHT_##name,
    INFLIGHT_ANSWER_MAP(X)
#undef X
};

struct inflight_verdict {
    enum inflight_answer answer;
    uint8_t link;                  /* that carried the request; not of an UNMATCHED */
    char text[INFLIGHT_TEXT_SIZE]; /* empty when MATCHED: "reply matched STAN 000123 but not …" */
};

/* Takes out the request that the answer belongs to. */
void inflight_take(struct inflight *inflight, const struct payment *answer, uint64_t now_ns,
                   struct inflight_verdict *verdict);

/* The answer to one that the link carries will not come: it no longer counts. */
void inflight_give_up(struct inflight *inflight, uint8_t link, uint32_t stan);
/* The link is gone: what it carried no longer counts. */
void inflight_lose(struct inflight *inflight, uint8_t link);
/* How many wait; what is too old ends here. */
uint32_t inflight_count(struct inflight *inflight, uint64_t now_ns);
/* Of them on one link; as of the last call above. */
uint32_t inflight_link_count(const struct inflight *inflight, uint8_t link);
