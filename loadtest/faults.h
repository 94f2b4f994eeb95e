/* What a simulated bank does wrong, how often, and when: drawn from a seed.
 *
 * Shares are per cent of all messages; at most one of the shares that decide an answer's fate hits
 * a message (they are bands of one draw and add up to 100 at most). Declines and slowness are drawn
 * apart.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/draw.h"
#include "protocols/base/status.h"

/* X(NAME, "option", sentence) */
#define FAULT_MAP(X)                                                                               \
    X(SILENT_BEFORE, "silent-before", "neither posts nor answers")                                 \
    X(SILENT, "silent", "posts, never answers")                                                    \
    X(LATE, "late", "posts, answers after the other side has given up")                            \
    X(DUPLICATE, "duplicate", "answers twice")                                                     \
    X(DROP, "drop", "closes the link in mid-flight, before or after posting")                      \
    X(DECLINE, "decline", "says no, with the code of --decline-code")                              \
    X(SLOW, "slow", "answers after a pause")

enum fault {
#define X(name, option, text) FAULT_##name,
    FAULT_MAP(X)
#undef X
        FAULT_COUNT
};

struct faults {
    double percent[FAULT_COUNT];
    uint32_t late_ms; /* how late a late answer comes */
    uint32_t slow_ms; /* the longest pause of a slow answer */
    bool are_healed;
    struct draw draw;
};

struct fault_verdict {
    bool is_posted;   /* false: forget that the message ever came */
    bool is_answered; /* false: no answer */
    bool is_twice;
    bool is_late;
    bool is_dropped;  /* close the link, its answers with it */
    bool is_declined; /* only where the message asks for money */
    uint32_t delay_ms;
};

/* The fault of that option name; FAULT_COUNT: none. */
enum fault fault_from_name(const char *name);
const char *fault_name(enum fault fault);

/* STATUS_BAD_VALUE: a share outside 0 to 100, or the fates add up to more than 100. */
MUST_CHECK enum status faults_check(const struct faults *faults);
/* Draws for one message; healed faults still draw, so that a seed's later draws do not shift. */
void faults_draw(struct faults *faults, struct fault_verdict *verdict);
