/* One thread of input and output: a loop with its terminals, and its mailboxes
 * to and from the engine.
 *
 * Worker 0 is the engine's own loop and hands requests over by a call; the others do so by mail,
 * woken once a burst.
 *
 * Life:  worker_create -> worker_start -> mail ... -> worker_ask(CLOSE) -> worker_join ->
 * worker_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/core.h"
#include "switch/net/mailbox.h"
#include "switch/security/security.h"
#include "switch/terminal/terminals.h"

struct worker;

struct worker_setup {
    uint16_t index;
    struct loop *loop;          /* owned from here on */
    struct loop *engine_loop;   /* borrowed; the same for worker 0 */
    struct security_unit *unit; /* borrowed */
    struct core *core; /* borrowed; worker 0 and the engine's end of the mailboxes use it */
    uint32_t conn_count_max;
};

/* NULL: no memory or descriptors. */
struct worker *worker_create(const struct worker_setup *setup);
void worker_destroy(struct worker *worker);

/* Starts the thread; worker 0 has none, its loop is run by the caller. */
MUST_CHECK enum status worker_start(struct worker *worker);
void worker_join(struct worker *worker);

/* ---- from the engine's thread ---- */

/* Sends the engine's answer to a connection of this worker. */
void worker_reply(struct worker *worker, const struct engine_effect *effect);
/* Takes requests again that there was no room for. */
void worker_receive(struct worker *worker);
/* Wakes the worker if there is mail for it. */
void worker_flush(struct worker *worker);

/* What else a worker is told; `done` is called on the engine's thread once it is done. */
enum worker_order_kind { WORKER_USE, WORKER_DRAIN, WORKER_CLOSE };
struct worker_order {
    enum worker_order_kind kind;
    const struct ruleset *ruleset;         /* USE */
    const struct terminals_change *change; /* USE; borrowed until it is done */
    void (*done)(void *argument, struct worker *worker);
    void *argument;
};
void worker_ask(struct worker *worker, const struct worker_order *order);

struct terminals *worker_terminals(const struct worker *worker);
struct loop *worker_loop(const struct worker *worker);
uint32_t worker_request_depth(const struct worker *worker);
uint32_t worker_answer_depth(const struct worker *worker);
