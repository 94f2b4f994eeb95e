/* A bank as a channel: one or several links, each signed on before use.
 *
 * It signs on, tests links that are silent, answers the bank's own network messages, takes new
 * keys, spreads requests over its links, and hands every other response to its owner, on whatever
 * link it comes. A response is matched here only to count, to keep the window and to say what is
 * odd about it; what it means is the engine's business. A request whose link is lost is never sent
 * again from here: it may have left.
 */
#pragma once

#include "protocols/dialect/dialect.h"
#include "protocols/frame_http.h"
#include "switch/channel/channel.h"
#include "switch/channel/inflight.h"
#include "switch/channel/match_rule.h"
#include "switch/net/loop.h"
#include "switch/security/key_exchange.h"
#include "switch/security/security.h"

#define BANK_LINK_COUNT_MAX INFLIGHT_LINK_COUNT_MAX
#define BANK_FROM_COUNT_MAX 8

/* Which of several links carries a request. */
enum bank_mode {
    BANK_BALANCED,      /* the one with the fewest that wait; of several the one after the last */
    BANK_PRIMARY_BACKUP /* the first of the list that is up */
};

/* Who signs on. */
enum bank_signon { BANK_SIGNON_LINK, BANK_SIGNON_CHANNEL, BANK_SIGNON_NONE };

/* Texts are read at create only. */
struct bank_link_setup {
    const char *address; /* "127.0.0.1"; no host name: a look-up would block */
    uint16_t port;
    bool is_listening;                     /* the bank connects to us there */
    const char *from[BANK_FROM_COUNT_MAX]; /* where it may come from */
    uint32_t from_count;                   /* 0: from anywhere */
    uint32_t window; /* requests that may wait on it; 0: the channel's, or one where it is posted */
};

struct bank_tls_setup {
    bool is_on;
    const char *ca_file;                     /* PEM: the one authority that is believed */
    const char *certificate_file, *key_file; /* empty: none is shown */
    const char *server_name;                 /* of the bank's certificate; empty: any */
};

struct bank_setup {
    char name[CHANNEL_NAME_SIZE];
    uint16_t index; /* in routing's channel table; comes back in every call */
    uint32_t link_count;
    struct bank_link_setup links[BANK_LINK_COUNT_MAX];
    enum bank_mode mode;
    enum bank_signon signon;
    struct bank_tls_setup tls;
    const struct dialect *dialect; /* borrowed until destroy */
    struct framing framing;
    /* Messages are posted there; empty: no HTTP. An empty host is that of bank_setup_host.
     * framing.http_post_* are made of them. */
    char http_path[FRAME_HTTP_POST_TEXT_MAX + 1], http_host[FRAME_HTTP_POST_TEXT_MAX + 1];
    /* In the header before the message type; empty: as the dialect says. */
    char header_source[16], header_destination[16];
    uint32_t echo_every_ms;    /* silence after which a link is tested; two tests without an answer
                                  take it down */
    uint32_t reply_timeout_ms; /* for connecting, and for each network message */
    uint32_t reconnect_min_ms, reconnect_max_ms;
    uint32_t window;             /* requests that may wait for an answer at once */
    uint32_t answer_life_ms;     /* after that a request no longer counts as waiting */
    uint32_t half_dead_requests; /* so many in a row without an answer, the first of them */
    uint32_t half_dead_ms;       /* so old: the link is made anew. 0 requests: never */
    uint32_t output_max;         /* bytes that may wait to be read by the bank; 0: 1 MiB */
    uint32_t match_count;
    struct match_rule match[MATCH_RULE_COUNT_MAX];
    bool has_mac;
    enum hsm_mac_algorithm mac; /* its key is chan:<name>:zak */
    enum pin_block_format pin_format;
    bool keys_are_asked;    /* new working keys, before the channel takes payments */
    uint32_t keys_every_ms; /* age at which others are asked for; 0: never */
    uint32_t keys_grace_ms; /* how long after a change the MAC key before is still taken */
    /* Has new keys written down (key_exchange_text), so that a restart finds them; calls
     * bank_channel_keys_kept later. May be NULL: nobody does, and they are in force at once. */
    void (*keep_keys)(void *argument, uint16_t channel, const struct key_exchange *exchange);
    void *keep_argument;
    char acquirer_id[12], forwarder_id[12]; /* F32, F33 where the payment has none; may be empty */
};

/* The host that a POST names where none is given: the place of the first link (RFC 9110 section
 * 7.2), an IPv6 address in brackets. */
void bank_setup_host(const struct bank_setup *setup, char host[FRAME_HTTP_POST_TEXT_MAX + 1]);

/* NULL: `reason` says what is wrong: an address that is a name, a port that is taken, a certificate
 * that cannot be read, a key that is missing or does not serve the algorithm, no memory. */
struct channel *bank_channel_create(struct loop *loop, struct security *security,
                                    struct security_unit *unit, const struct bank_setup *setup,
                                    const struct channel_calls *calls,
                                    char reason[CHANNEL_REASON_SIZE]);

/* What keep_keys was asked for is done, or has failed. */
void bank_channel_keys_kept(struct channel *channel, bool are_kept);
