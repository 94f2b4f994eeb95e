/* The sockets of tillway-chaos: takes connections, opens one to the server for each, and carries
 * bytes both ways through the judge.
 *
 * Life:  relay_create -> uv_run -> (SIGTERM) -> relay_destroy
 */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#include <uv.h>

#include "loadtest/chaos/journal.h"
#include "loadtest/chaos_rewrite.h"
#include "loadtest/chaos_verdict.h"
#include "protocols/frame.h"

struct relay_setup {
    uv_loop_t *loop;               /* borrowed, as all else here */
    struct chaos_judge *judge;     /* SIGUSR1 switches its rules off and on */
    const struct framing *framing; /* NULL: bytes without frames */
    const struct spec *spec;       /* NULL: messages are not read */
    struct chaos_seal seal;
    struct journal *journal;
    struct sockaddr_storage listen, server;
};

struct relay_counts {
    uint64_t links, refused, unframed;
    uint64_t messages[2], bytes[2]; /* by direction, as they came */
};

struct relay;

/* Listens. NULL: `reason` says why not. */
struct relay *relay_create(const struct relay_setup *setup, char reason[160]);
uint16_t relay_port(const struct relay *relay);
void relay_count(const struct relay *relay, struct relay_counts *counts);
/* After the loop has ended: resets what is still carried. */
void relay_destroy(struct relay *relay);
