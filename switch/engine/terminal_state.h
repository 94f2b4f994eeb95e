/* What the engine remembers of each terminal: sign-on, batch, its lane of reversals, its counts.
 *
 * Only terminals that the ruleset knows are enrolled, so strangers take no room.
 */
#pragma once

#include "routing/download_table.h"
#include "switch/engine/batch_totals.h"
#include "switch/engine/pin_guard.h"
#include "switch/engine/slot_index.h"
#include "switch/engine/txn.h"

/* What a message of a terminal's day was answered with, so that its repeat gets the same. */
struct terminal_answer {
    uint64_t position; /* of its record; 0: none */
    struct txn_reference reference;
    uint32_t stan;
    char local_time[7], local_date[5];
};

/* The last settlement of the open batch. */
struct terminal_settlement {
    struct terminal_answer answer;
    char asked[BATCH_FIELD_48_DIGITS + 1]; /* field 48 as it came, and as it was answered */
    char ours[BATCH_FIELD_48_DIGITS + 1];
    uint8_t words_length; /* what the cashier was told with it; a repeat tells the same */
    uint8_t words[PAYMENT_WORDS_BYTES_MAX];
};

/* The last batch upload: details of the open batch, or the end of the one before. */
struct terminal_upload {
    struct terminal_answer answer;
    uint32_t batch, content; /* of which batch it was; a hash */
};

/* What a terminal does in a day beside payments. */
struct terminal_day {
    struct terminal_settlement settlement;
    struct terminal_upload upload;
    uint32_t detail_count;                   /* uploaded of the open batch since it was settled */
    uint32_t versions[DOWNLOAD_CLASS_COUNT]; /* of what it has; 0: never downloaded */
    uint32_t offered[DOWNLOAD_CLASS_COUNT];  /* of what it is downloading; 0: nothing */
    uint32_t parameters, parameters_ruleset; /* version meant for it, by which rules */
    uint64_t position;                       /* of the last record that tells of these */
    int64_t status_wall_us;                  /* its last status; 0: none */
    uint64_t status_ns;                      /* the same on our clock */
    uint8_t faulty;                          /* bit 1 key pad ... 5 display, as it told */
    uint64_t signon_ns;                      /* when it last signed on, in this run; 0: not yet */
    uint32_t software; /* hash of the version that it told; 0: none in this run */
    struct pin_guard pin_guard;
    int64_t clock_ahead_s;    /* of ours, as its last message that told a time had it */
    int64_t clock_wall_us;    /* when that was; 0: it told none in this run */
    uint32_t position_hash;   /* of where its last payment said it was; 0: not in this run */
    uint32_t clock_noted_day; /* YYYYMMDD when it was last found wrong; 0: not in this run */
    uint8_t certificate_days; /* 30, 14, 7: at most so many were left as a row told; 0: none did */
    int64_t certificate_wall_us; /* when that was */
};

struct terminal_state {
    char terminal_id[9], merchant_id[16];
    uint32_t batch;             /* the open one; 0: it never signed on */
    uint32_t stan_highest;      /* of the open batch: what is above it is surely new */
    struct batch_totals totals; /* of the open batch */
    uint8_t settled_as;         /* enum batch_result of its last settlement; BATCH_ASKED: none */
    bool is_signed_on;
    uint32_t signon;      /* slot of the sign-on being worked on; 0: none */
    struct txn_list lane; /* its reversals, oldest first */
    int64_t signed_on_wall_us, last_seen_wall_us;
    uint64_t requests, approved, declined, refused, unknown, reversals;
    struct terminal_day day; /* cold: last */
};

struct terminal_set {
    struct terminal_state *states; /* owner: the engine; index 0 unused */
    struct slot_index index;
    uint32_t count, count_max;
    uint32_t signed_on_count;
};

/* The place of a terminal; 0: not enrolled. */
uint32_t terminal_set_find(const struct terminal_set *set, const char terminal_id[9]);
/* The same, enrolled when it was not; 0: the limit is reached. */
uint32_t terminal_set_enroll(struct terminal_set *set, const char terminal_id[9],
                             const char merchant_id[16]);
void terminal_set_sign_on(struct terminal_set *set, uint32_t place, uint32_t batch,
                          int64_t wall_us);
void terminal_set_sign_off(struct terminal_set *set, uint32_t place);
