/* The wallets' HTTPS port (libmicrohttpd): calls in, answers out when and how the verdict says.
 *
 * Several threads serve calls; one more lets held answers go. An answer never leaves before its
 * books are committed.
 *
 * Life:  server_start -> ... -> server_stop
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/wallet/gateway.h"

#define SERVER_REASON_SIZE 256

struct server_setup {
    struct gateway *gateway; /* borrowed */
    const char *address;     /* IPv4 */
    uint16_t port;           /* 0: the kernel picks one */
    uint32_t hold_ms;        /* how long an answer that never comes holds its connection */
    void (*on_broken)(void *argument); /* the books cannot be kept; from any thread, once or more */
    void *argument;
};

struct server;

/* NULL: `reason` says why. */
struct server *server_start(const struct server_setup *setup, char reason[SERVER_REASON_SIZE]);
void server_stop(struct server *server); /* what is held is dropped; NULL is nothing */
uint16_t server_port(const struct server *server);
