/* What the engine remembers of each terminal: sign-on, batch, its lane of reversals, its counts.
 *
 * Only terminals that the ruleset knows are enrolled, so strangers take no room.
 */
#pragma once

#include "switch/engine/slot_index.h"
#include "switch/engine/txn.h"

struct terminal_state {
    char terminal_id[9], merchant_id[16];
    uint32_t batch;
    bool is_signed_on;
    uint32_t signon;      /* slot of the sign-on being worked on; 0: none */
    struct txn_list lane; /* its reversals, oldest first */
    int64_t signed_on_wall_us, last_seen_wall_us;
    uint64_t requests, approved, declined, refused, unknown, reversals;
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
