/* The states of a transaction and what may follow each; the rows stand in txn_state.def. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* X(name, sentence): the queues that transactions stand in. */
#define TXN_CLASS_MAP(X)                                                                           \
    X(NONE, "no queue and no deadline")                                                            \
    X(SIGNON, "first in, first out: the sign-on time-out")                                         \
    X(RESPONSE, "first in, first out: the response time-out")                                      \
    X(KEPT, "first in, first out: the duplicate window; the oldest give way")                      \
    X(TOMBSTONE, "first in, first out: the duplicate window; give way only when it has passed")    \
    X(LISTED, "kept until an operator or the channel ends it")                                     \
    X(CHANNEL, "the ready list of its channel, without a deadline")                                \
    X(RETRY, "a heap by due time: pauses of different length")                                     \
    X(LOOKUP, "first in, first out: the time-out of a search of the log")

enum txn_class {
#define X(name, text) TXN_CLASS_##name,
    TXN_CLASS_MAP(X)
#undef X
        TXN_CLASS_COUNT
};

enum txn_state {
#define X(name, class, followers, text) TXN_##name,
#include "switch/engine/txn_state.def"
#undef X
    TXN_STATE_COUNT
};

const char *txn_state_name(enum txn_state state); /* "forwarded" */
const char *txn_state_text(enum txn_state state);
enum txn_class txn_state_class(enum txn_state state);
bool txn_state_may_follow(enum txn_state from, enum txn_state to);
/* A reversal is wanted and not yet acknowledged; a case is not among them. */
bool txn_state_is_reversing(enum txn_state state);
/* An advice, or a refund that was not answered, is wanted and not yet acknowledged. */
bool txn_state_is_delivering(enum txn_state state);
