/* A bank's books: one row a request it decided, in an SQLite file of its own, with a journal of all
 * that came and went. Written from the scheme's rules, not from the switch's.
 *
 * A request is known by STAN (F11), transmission time (F7) and acquirer (F32): the parts that a
 * reversal or follow-up quotes in F90. Rules:
 *   - the same request again gets the stored answer; with other content it gets 94 (I3, I14);
 *   - a reversal takes a posting back once, and is answered 00 however often it comes (I8);
 *   - a reversal of something unknown is answered 25 and leaves a tombstone: that request, should
 *     it still come, is refused with 22 (I12; switchable, for banks without it);
 *   - a reversal of another amount is answered 64 and changes nothing;
 *   - what follows an original (void, refund, completion …) is held against it: 25 when it is not
 *     known, else as account.h says. Reversed, it gives back what it took.
 * Writes gather in one transaction until ledger_commit: no answer may leave before it.
 *
 * Life:  ledger_open -> post, reverse, journal, commit ... -> ledger_close
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/account.h"
#include "protocols/base/status.h"

#define LEDGER_REASON_SIZE 256

struct ledger;

struct ledger_setup {
    const char *path; /* the SQLite file; made when absent, read back when there */
    bool has_tombstones;
    bool is_full_sync; /* synchronous=FULL: survives a power cut, not only a kill */
};

/* What identifies a request, and what it says. Texts end with 0; absent is "". */
struct ledger_request {
    char mti[5];
    char terminal_id[9], merchant_id[16];
    uint32_t stan;
    char sent_at[11];
    char rrn[13];
    char acquirer_id[12];
    int64_t amount;
    uint16_t currency;
    char pan_masked[20];
    bool is_repeat;            /* message type says so: 0201, 0421 */
    uint32_t original_stan;    /* of a reversal or follow-up: F90; 0: none */
    char original_sent_at[11]; /* the same */
    const char *kind;          /* a word for people; borrowed */
    enum account_follow follow;
    uint32_t settlement_day; /* YYYYMMDD that a posting counts for */
    char network_code[4];    /* of a network message */
    int64_t arrived_us;      /* wall clock */
};

struct ledger_answer {
    char response_code[3];
    char auth_code[7]; /* of an approval */
    bool is_known;     /* the request had been decided before */
};

/* NULL: `reason` says what is wrong with which file. */
struct ledger *ledger_open(const struct ledger_setup *setup, char reason[LEDGER_REASON_SIZE]);
void ledger_close(struct ledger *ledger); /* commits first */

/* A request for money. `wanted_code` is what the bank would say to a new one: "00" posts.
 * STATUS_BROKEN: the file could not be written; the bank must stop. */
MUST_CHECK enum status ledger_post(struct ledger *ledger, const struct ledger_request *request,
                                   const char wanted_code[3], struct ledger_answer *answer);
MUST_CHECK enum status ledger_reverse(struct ledger *ledger, const struct ledger_request *request,
                                      struct ledger_answer *answer);

/* Appends to the journal: `direction` "in" or "out", `note` what was special ("late", "bad mac").
 */
struct ledger_entry {
    const char *direction, *note;
    const char *response_code; /* of an answer */
    int64_t at_us;
};
MUST_CHECK enum status ledger_journal(struct ledger *ledger, const struct ledger_request *request,
                                      const struct ledger_entry *entry);

/* Makes all since the last one permanent. */
MUST_CHECK enum status ledger_commit(struct ledger *ledger);

struct ledger_counts {
    uint64_t posted, reversed, declined, repeats, reversal_repeats, tombstones, blocked;
};
void ledger_count(const struct ledger *ledger, struct ledger_counts *counts);
