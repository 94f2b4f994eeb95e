/* What tillway-chaos does to the traffic it carries: rules, each with an action, a direction, and
 * when it strikes. Read from YAML or from the command line; pure.
 *
 * Life:  chaos_rules_read (once a file or --rule) ... -> chaos_verdict.h -> nothing to free
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/document.h"
#include "protocols/base/status.h"

#define CHAOS_RULE_COUNT_MAX 64
#define CHAOS_NAME_SIZE 32
#define CHAOS_VALUE_SIZE 64
#define CHAOS_MS_MAX 86400000
#define CHAOS_COPY_COUNT_MAX 100

/* X(NAME, "word", "the options it takes besides those of every rule", needs frames, sentence) */
#define CHAOS_ACTION_MAP(X)                                                                        \
    X(DELAY, "delay", "ms jitter_ms", false,                                                       \
      "comes ms later, up to jitter_ms more; order is kept")                                       \
    X(DROP, "drop", "", true, "is swallowed")                                                      \
    X(DUPLICATE, "duplicate", "copies", true, "comes copies times more (1)")                       \
    X(REORDER, "reorder", "after ms", true,                                                        \
      "is overtaken by the `after` messages behind it (1), or by none after ms (1000)")            \
    X(CORRUPT, "corrupt", "bytes", false,                                                          \
      "has `bytes` of its bytes changed (1), its length never")                                    \
    X(SPLIT, "split", "piece ms", false, "comes `piece` bytes a segment (1), ms apart (0)")        \
    X(MERGE, "merge", "count_in_one ms", false,                                                    \
      "waits until there are count_in_one (8) or for ms (100); then all are one segment")          \
    X(STALL, "stall", "ms", false,                                                                 \
      "and all behind it waits for ms; 0: until SIGUSR1. Nothing is read meanwhile")               \
    X(RESET, "reset", "bytes side", false, "is cut behind `bytes` bytes (half of it) by an RST")   \
    X(FIN, "fin", "bytes side", false,                                                             \
      "is cut behind `bytes` bytes (half of it) by an orderly end")                                \
    X(HALF_CLOSE, "half_close", "", false,                                                         \
      "is the last of its direction; the other direction goes on")                                 \
    X(CHANGE, "change", "field value", true,                                                       \
      "has a field changed: stan, rrn, amount, terminal, merchant, code, auth, currency or a "     \
      "number; to `value`, or to one that is drawn. The MAC is made anew where --keys has it")     \
    X(DELIVER, "deliver", "", true, "goes to another connection that is open, to nobody else")     \
    X(REPLAY, "replay", "ms", true, "comes again after ms (1000), on another link if its is gone")

enum chaos_action {
#define X(name, word, options, frames, text) CHAOS_##name,
    CHAOS_ACTION_MAP(X)
#undef X
        CHAOS_ACTION_COUNT
};

enum chaos_direction { CHAOS_TO_SERVER, CHAOS_TO_CLIENT, CHAOS_BOTH };
enum chaos_side { CHAOS_SIDE_BOTH, CHAOS_SIDE_RECEIVER, CHAOS_SIDE_SENDER };

#define CHAOS_HALF UINT32_MAX /* bytes of reset and fin: half of the message */

struct chaos_rule {
    char name[CHAOS_NAME_SIZE];
    enum chaos_action action;
    enum chaos_direction direction;
    uint32_t part_per_million; /* of what it may strike; 1,000,000: all */
    uint32_t every;            /* 0: see part_per_million; else each Nth */
    uint32_t skip;             /* so many are let pass first */
    uint32_t count_max;        /* strikes so often at most; 0: no limit */
    uint32_t from_ms, to_ms;   /* since the start; to_ms 0: no end */
    char mti[5];               /* empty: any */
    uint32_t ms, jitter_ms, copies, after, bytes, piece, count_in_one;
    enum chaos_side side;
    uint16_t field;
    char value[CHAOS_VALUE_SIZE]; /* empty: drawn */
};

struct chaos_rules {
    struct chaos_rule items[CHAOS_RULE_COUNT_MAX];
    uint32_t count;
};

/* What the proxy can do for the rules it is given. */
struct chaos_means {
    bool has_frames; /* messages are told apart; else rules see runs of bytes as they are read */
    bool has_spec;   /* messages can be read: mti, change */
};

/* Appends the rules of a document "rules: [...]". Every fault goes into the document with its
 * place; then nothing is appended. STATUS_BAD_VALUE: faulty. */
MUST_CHECK enum status chaos_rules_read(struct chaos_rules *rules, struct document *document,
                                        struct chaos_means means);
/* The same for "action=delay,ms=100,percent=5", which --rule gives: made into a document whose name
 * is `name`, so that faults look the same. NULL: no memory, or (then a fault is in it) no rule. */
struct document *chaos_rule_document(const char *name, const char *text);

const char *chaos_action_word(enum chaos_action action);
const char *chaos_action_text(enum chaos_action action);
const char *chaos_action_options(enum chaos_action action);
const char *chaos_direction_word(enum chaos_direction direction);
