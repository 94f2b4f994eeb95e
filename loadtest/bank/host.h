/* What a bank host says to one message: reads it, checks MAC and PIN with keys of its own, keeps
 * the books, builds the answer. No socket and no timer: the server carries and delays.
 *
 * Life:  host_create -> host_on_message ... -> host_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/bank/key_ring.h"
#include "loadtest/faults.h"
#include "loadtest/ledger.h"
#include "loadtest/tdes.h"
#include "protocols/base/bytes.h"
#include "protocols/dialect/dialect.h"

#define HOST_ANSWER_BYTES_MAX 1024
#define HOST_FAULT_SIZE 256

struct host_setup {
    struct dialect *dialect; /* borrowed */
    struct ledger *ledger;   /* borrowed */
    struct faults *faults;   /* borrowed; drawn from */
    enum tdes_mac mac;
    struct key_ring *keys; /* borrowed */
    char decline_code[3];
    /* The institutions that the header of each message that comes must name; empty: any. */
    const char *header_source, *header_destination;
    uint32_t settlement_day; /* YYYYMMDD that it begins with */
};

struct host;

/* NULL: `fault` says whether memory ran out, or the dialect's header has no place for such an id.
 */
struct host *host_create(const struct host_setup *setup, char fault[HOST_FAULT_SIZE]);
void host_destroy(struct host *host);

struct host_answer {
    struct fault_verdict verdict;
    bool is_sign_on, is_sign_off; /* answered with 00: the link's state changes */
    uint32_t length;              /* 0: nothing to send */
    uint8_t bytes[HOST_ANSWER_BYTES_MAX];
};

/* One message. What it writes to the books is permanent only after ledger_commit.
 * STATUS_BROKEN, STATUS_NO_MEMORY: the books cannot be kept; stop. Positive: the message is no use,
 * `fault` says why; the link should be closed. */
MUST_CHECK enum status host_on_message(struct host *host, struct byte_view message,
                                       bool is_signed_on, struct host_answer *answer,
                                       char fault[HOST_FAULT_SIZE]);

/* The next settlement day begins: answers name it from now on. */
void host_cut_over(struct host *host);
/* Whether a cut-over has happened since start, so that a link that comes up late must hear of it.
 */
bool host_has_cut_over(const struct host *host);
/* The message that tells a link of the day in force (0800/201); `answer` has nothing but its bytes.
 * STATUS_UNSUPPORTED: the dialect has none. */
MUST_CHECK enum status host_tell_day(struct host *host, struct host_answer *answer,
                                     char fault[HOST_FAULT_SIZE]);

/* The message that brings new working keys (0800/101). STATUS_UNSUPPORTED: there is no zone master
 * key, or no such message. STATUS_BROKEN: they cannot be written down. */
MUST_CHECK enum status host_offer_keys(struct host *host, struct host_answer *answer,
                                       char fault[HOST_FAULT_SIZE]);

/* X(name): counted since start. */
#define HOST_COUNT_MAP(X)                                                                          \
    X(requests)                                                                                    \
    X(approved)                                                                                    \
    X(declined)                                                                                    \
    X(reversals)                                                                                   \
    X(network)                                                                                     \
    X(cut_overs)                                                                                   \
    X(key_offers)                                                                                  \
    X(key_changes)                                                                                 \
    X(malformed) X(bad_mac) X(bad_pin) X(not_signed_on) X(silenced) X(late) X(twice) X(dropped)
struct host_counts {
#define X(name) uint64_t name;
    HOST_COUNT_MAP(X)
#undef X
};
void host_count(const struct host *host, struct host_counts *counts);
