/* All terminals of a run: brings them online a few at a time, knows which are free, looks after
 * their deadlines.
 *
 * Life:  swarm_create -> sweep every SWARM_SWEEP_MS, pay ... -> swarm_end -> (streams closed)
 *        -> swarm_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/load/terminal.h"

#define SWARM_SWEEP_MS 25

struct swarm_setup {
    const struct fleet *fleet; /* borrowed, like all below */
    const struct card_ranges *ranges;
    struct pos_writer *writer;
    struct tally *tally;
    struct receipts *receipts;
    const struct wrap_list *wraps;
    struct tls_client_setup tls; /* its callbacks are the swarm's business */
    uint32_t terminal_count;
    uint32_t terminal_first; /* index in the fleet */
    uint32_t stan_first;
    uint32_t connecting_max; /* handshakes at once */
    uint64_t answer_timeout_ns, seed;
    uint32_t sign_on_weights[3]; /* terminals that sign on with 003, 004, 001; zeros: 003 */
    bool is_echo, has_devices;
};

struct swarm;

/* NULL: `reason` says why. */
struct swarm *swarm_create(const struct swarm_setup *setup, char reason[TLS_CLIENT_REASON_SIZE]);
void swarm_destroy(struct swarm *swarm);

/* Deadlines that have passed, connections that may begin. */
void swarm_sweep(struct swarm *swarm, uint64_t now_ns);
/* A payment from the terminal that has been free the longest; false: none is free. */
bool swarm_pay(struct swarm *swarm, uint64_t intended_ns, uint64_t now_ns);

/* What the terminals sell and how they settle from now on. */
struct swarm_manner {
    struct trade trade;
    double mismatch_percent;
};
void swarm_manner_set(struct swarm *swarm, const struct swarm_manner *manner);
/* Every terminal is to do these errands, bits of enum errand_kind. */
void swarm_order(struct swarm *swarm, uint32_t errands, uint64_t now_ns);
uint32_t swarm_order_count(const struct swarm *swarm); /* errands that are not over */

uint32_t swarm_ready_count(const struct swarm *swarm); /* signed on, free or paying */
uint32_t swarm_open_count(const struct swarm *swarm);  /* payments not over, reversals included */
uint32_t swarm_stream_count(const struct swarm *swarm);
/* Ends all terminals; what is open becomes unknown. */
void swarm_end(struct swarm *swarm);
