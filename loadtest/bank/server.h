/* The sockets of a simulated bank: links taken and made, messages to the host, answers out when
 * they are due.
 *
 * All that one turn of the loop brings is one transaction of the books; answers leave after its
 * commit. Late and slow answers wait in a list by time and go out on any link that is up then;
 * where messages are posted, on their own connection, in the order of the POSTs.
 *
 * Life:  server_create -> uv_run -> (SIGTERM) -> server_destroy
 */
#pragma once

#include <stdint.h>

#include <uv.h>

#include "loadtest/bank/host.h"
#include "loadtest/bank/wire.h"
#include "loadtest/faults.h"
#include "loadtest/ledger.h"
#include "protocols/frame.h"

#define SERVER_REASON_SIZE WIRE_REASON_SIZE

struct server_setup {
    uv_loop_t *loop;       /* borrowed */
    struct host *host;     /* borrowed */
    struct ledger *ledger; /* borrowed */
    struct faults *faults; /* borrowed: healed by SIGUSR1 */
    const char *address;
    uint16_t port;    /* 0: the kernel picks one */
    const char *name; /* of the bank, for lines on stderr */
    struct framing framing;
    struct wire_tls tls;      /* nothing set: plain */
    const char *server_name;  /* that the other side's certificate must bear; NULL: any */
    const char *peer_address; /* where connections of our own lead to */
    uint16_t peer_port;
    uint32_t connection_count; /* of them; 0: none */
    bool is_signon_for_all;    /* one link signs on for the others */
    uint32_t half_dead_after;  /* messages on one link, once; 0: never */
    uint32_t keys_every_ms;    /* new working keys are sent; 0: never */
};

struct server;

/* Listens. NULL: `reason` says which address and why. */
struct server *server_create(const struct server_setup *setup, char reason[SERVER_REASON_SIZE]);
uint16_t server_port(const struct server *server);
/* After the loop has ended. Answers whether the books could be kept to the end. */
enum status server_destroy(struct server *server);
