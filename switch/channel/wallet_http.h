/* HTTPS requests to one wallet: libcurl's multi interface in the loop, nothing that waits.
 *
 * Connections are kept and shared (HTTP/2 where the wallet offers it), and capped: what would have
 * to wait in libcurl's own queue is refused here. The wallet's host must show a certificate of the
 * pinned authorities; nothing but https is spoken, and no redirect is followed.
 *
 * A call is its owner's memory; it is the channel's from send to on_done.
 *
 * Life:  wallet_http_create -> wallet_http_send -> on_done ... -> wallet_http_stop -> on_stopped ->
 * wallet_http_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/wallet/wallet_message.h"
#include "switch/net/loop.h"

#define WALLET_REPLY_BYTES_MAX 16384
#define WALLET_HTTP_ERROR_SIZE 256

struct wallet_http;

struct wallet_http_setup {
    struct loop *loop;
    const char *url; /* what targets are put behind; copied, as all texts are */
    const char *ca_file;
    struct byte_view client_certificate, client_key; /* PEM; length 0: none. Borrowed for good. */
    uint32_t connect_timeout_ms, timeout_ms;
    uint32_t connection_max, request_max;
    void (*on_stopped)(void *argument);
    void *argument;
};

struct wallet_http_call {
    struct wallet_message message; /* what is sent; wiped when it is done */
    /* In the loop's thread, never inside wallet_http_send. */
    void (*on_done)(struct wallet_http_call *call);
    struct wallet_reply
        reply; /* body: of `bytes`. http_status 0: there is none, and error says why */
    char error[WALLET_HTTP_ERROR_SIZE];
    bool is_unsent; /* no byte of the request has left */
    /* the rest is wallet_http.c's */
    void *easy, *headers;
    struct wallet_http *http;
    struct wallet_http_call *next, *previous;
    bool is_too_long;
    uint8_t bytes[WALLET_REPLY_BYTES_MAX];
};

/* NULL: no memory, or libcurl lacks what is asked for; `reason` says so. */
struct wallet_http *wallet_http_create(const struct wallet_http_setup *setup, char *reason,
                                       uint32_t reason_size);
void wallet_http_destroy(
    struct wallet_http *http); /* REQUIREs that it is stopped, or was never used; NULL is fine */

/* Requests that may still be sent without waiting for a connection. */
uint32_t wallet_http_room(const struct wallet_http *http);
/* False: no room, or stopping; on_done does not come. */
MUST_CHECK bool wallet_http_send(struct wallet_http *http, struct wallet_http_call *call);
/* Gives back what libcurl keeps for a call that is not under way. */
void wallet_http_release(struct wallet_http_call *call);

/* Ends what is under way (on_done comes for each, without a reply) and closes the connections. */
void wallet_http_stop(struct wallet_http *http);

struct wallet_http_counts {
    uint64_t sent, connections, failed; /* failed: ended without a reply */
    uint32_t under_way;
    bool is_multiplexed; /* the last reply came over HTTP/2 */
};
struct wallet_http_counts wallet_http_count(const struct wallet_http *http);
