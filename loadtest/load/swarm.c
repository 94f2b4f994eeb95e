/* Free terminals stand in a ring, so that the rate spreads over all of them evenly. Deadlines are
 * looked at by sweeping: an array walk every few milliseconds is cheaper than a timer each. */
#include "loadtest/load/swarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"

struct swarm {
    struct terminal_world world;
    struct tls_client *client;  /* owner */
    struct terminal *terminals; /* owner */
    uint32_t *ring;             /* owner: indexes of free terminals */
    uint32_t terminal_count, connecting_max;
    uint32_t ring_head, ring_count;
};

static void on_free(void *argument, uint32_t index)
{
    struct swarm *swarm = argument;
    uint32_t place = index - swarm->terminals[0].index;
    if (swarm->terminals[place].is_queued) {
        return;
    }
    REQUIRE(swarm->ring_count < swarm->terminal_count);
    swarm->terminals[place].is_queued = true;
    swarm->ring[(swarm->ring_head + swarm->ring_count) % swarm->terminal_count] = place;
    swarm->ring_count++;
}

static bool terminals_make(struct swarm *swarm, const struct swarm_setup *setup)
{
    swarm->terminals = calloc(setup->terminal_count, sizeof *swarm->terminals);
    swarm->ring = calloc(setup->terminal_count, sizeof *swarm->ring);
    if (swarm->terminals == NULL || swarm->ring == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < setup->terminal_count; i++) {
        terminal_init(&swarm->terminals[i], &swarm->world, setup->terminal_first + i);
        swarm->terminals[i].stan = setup->stan_first - 1;
    }
    return true;
}

struct swarm *swarm_create(const struct swarm_setup *setup, char reason[TLS_CLIENT_REASON_SIZE])
{
    REQUIRE(setup->terminal_count > 0 && setup->stan_first > 0);
    struct swarm *swarm = calloc(1, sizeof *swarm);
    if (swarm == NULL) {
        snprintf(reason, TLS_CLIENT_REASON_SIZE, "no memory");
        return NULL;
    }
    struct tls_client_setup tls = setup->tls;
    tls.on_open = terminal_on_open;
    tls.on_bytes = terminal_on_bytes;
    tls.on_lost = terminal_on_lost;
    swarm->client = tls_client_create(&tls, reason);
    swarm->terminal_count = setup->terminal_count;
    swarm->connecting_max = setup->connecting_max;
    swarm->world = (struct terminal_world){.fleet = setup->fleet,
                                           .ranges = setup->ranges,
                                           .writer = setup->writer,
                                           .client = swarm->client,
                                           .tally = setup->tally,
                                           .receipts = setup->receipts,
                                           .wraps = setup->wraps,
                                           .draw = draw_start(setup->seed),
                                           .answer_timeout_ns = setup->answer_timeout_ns,
                                           .is_echo = setup->is_echo,
                                           .has_devices = setup->has_devices,
                                           .on_free = on_free,
                                           .argument = swarm};
    memcpy(swarm->world.sign_on_weights, setup->sign_on_weights,
           sizeof swarm->world.sign_on_weights);
    trade_fallback(&swarm->world.trade);
    if (swarm->client == NULL) {
        free(swarm);
        return NULL;
    }
    if (!terminals_make(swarm, setup)) {
        snprintf(reason, TLS_CLIENT_REASON_SIZE, "no memory for %u terminals",
                 setup->terminal_count);
        swarm_destroy(swarm);
        return NULL;
    }
    return swarm;
}

void swarm_destroy(struct swarm *swarm)
{
    if (swarm != NULL) {
        tls_client_destroy(swarm->client);
        free(swarm->terminals);
        free(swarm->ring);
        free(swarm);
    }
}

void swarm_sweep(struct swarm *swarm, uint64_t now_ns)
{
    for (uint32_t i = 0; i < swarm->terminal_count; i++) {
        struct terminal *terminal = &swarm->terminals[i];
        bool may_not_connect = terminal->state == TERMINAL_OFFLINE &&
                               swarm->world.connecting_count >= swarm->connecting_max;
        if (terminal->deadline_ns <= now_ns && !may_not_connect) {
            terminal_on_deadline(terminal, now_ns);
        }
    }
}

bool swarm_pay(struct swarm *swarm, uint64_t intended_ns, uint64_t now_ns)
{
    while (swarm->ring_count > 0) {
        struct terminal *terminal = &swarm->terminals[swarm->ring[swarm->ring_head]];
        swarm->ring_head = (swarm->ring_head + 1) % swarm->terminal_count;
        swarm->ring_count--;
        terminal->is_queued = false;
        if (terminal->state == TERMINAL_FREE) { /* it may have lost its connection meanwhile */
            terminal_pay(terminal, intended_ns, now_ns);
            return true;
        }
    }
    return false;
}

void swarm_manner_set(struct swarm *swarm, const struct swarm_manner *manner)
{
    swarm->world.trade = manner->trade;
    swarm->world.mismatch_percent = manner->mismatch_percent;
    swarm->world.is_mismatch_owed = manner->mismatch_percent > 0;
}

void swarm_order(struct swarm *swarm, uint32_t errands, uint64_t now_ns)
{
    for (uint32_t i = 0; i < swarm->terminal_count; i++) {
        for (unsigned kind = 0; kind < ERRAND_COUNT; kind++) {
            if (errands & 1U << kind) {
                terminal_order(&swarm->terminals[i], (enum errand_kind)kind, now_ns);
            }
        }
    }
}

uint32_t swarm_order_count(const struct swarm *swarm)
{
    return swarm->world.order_count;
}

uint32_t swarm_ready_count(const struct swarm *swarm)
{
    return swarm->world.ready_count;
}

uint32_t swarm_open_count(const struct swarm *swarm)
{
    return swarm->world.open_count;
}

uint32_t swarm_stream_count(const struct swarm *swarm)
{
    return tls_client_stream_count(swarm->client);
}

void swarm_end(struct swarm *swarm)
{
    swarm->world.is_ending = true;
    for (uint32_t i = 0; i < swarm->terminal_count; i++) {
        terminal_end(&swarm->terminals[i]);
    }
}
