/* What the engine remembers of each channel: up or down, its STAN counter, its reversal window.
 *
 * The engine numbers channels itself, by name, so that a reload of the rules that moves a channel
 * in the table, or takes it out, does not move a payment to another bank. Events and effects speak
 * in indexes of the ruleset in force; here they are translated.
 */
#pragma once

#include "switch/engine/txn.h"

#define CHANNEL_STAN_MAX 999999
#define CHANNEL_NONE 0xFF

struct channel_state {
    char name[RECORD_CHANNEL_NAME_SIZE];
    bool is_known; /* the ruleset in force has it */
    bool is_up;
    bool voids_are_refunds; /* as the last ruleset that had it said */
    uint16_t ruleset_index;
    uint16_t window_used;    /* reversals sent and unanswered */
    uint16_t paced_count;    /* it had no room: until it has answered so often, one at a time */
    uint64_t opens_ns;       /* while paced: the next one leaves then, or behind an answer */
    uint32_t stan;           /* the last one given out */
    uint32_t settlement_day; /* YYYYMMDD, as its last cut-over said; 0: it never did */
    struct txn_list ready;   /* reversals that may leave when the window has room */
};

struct channel_set {
    struct channel_state states[CHANNEL_COUNT_MAX];
    uint8_t number_of[CHANNEL_COUNT_MAX]; /* by ruleset index; CHANNEL_NONE */
    uint16_t count;
    uint64_t up_mask;    /* by ruleset index, for ruleset_decide() */
    uint64_t ready_mask; /* by number: the ready list is not empty */
};
_Static_assert(CHANNEL_COUNT_MAX <= 64, "one bit each");
_Static_assert(RECORD_CHANNEL_NAME_SIZE == CHANNEL_NAME_SIZE, "a record holds a channel's name");

void channel_set_init(struct channel_set *set);
/* Another ruleset is in force. */
void channel_set_map(struct channel_set *set, const struct channel_table *table);
void channel_set_up(struct channel_set *set, uint16_t ruleset_index, bool is_up);
/* The number for a ruleset index or a name; CHANNEL_NONE: unknown. */
uint8_t channel_set_number(const struct channel_set *set, uint16_t ruleset_index);
uint8_t channel_set_find(const struct channel_set *set, const char *name);
/* The number for a name, made when there is none yet; CHANNEL_NONE: no room for another name. */
uint8_t channel_set_enroll(struct channel_set *set, const char *name);
/* It is in the ruleset and up. */
bool channel_set_is_usable(const struct channel_set *set, uint8_t number);
