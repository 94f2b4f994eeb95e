/* What merchants, terminals and cards have taken, by day and month: what limits are held against,
 * and what prices by volume depend on.
 *
 * A table of fixed size, found by open addressing. Each entry keeps the two latest days and the two
 * latest months that it saw, so a clock that steps over midnight and back loses nothing, and what
 * is undone after midnight is taken off the day it was counted in. Only scopes that rules limit are
 * counted, and merchants always.
 *
 * When it is full an entry gives way whose day is over (whose month, of merchants and terminals):
 * never one that a limit still depends on. Where there is none, usage_has_room() says so, and a
 * payment that cannot be counted is refused; what must be taken all the same counts as lost.
 * What is lost is never silent: how much, and of which day and month, stands in the set.
 *
 * Of a scope that comes into force again nothing is known of the time between, so all that was
 * counted for it before is stale: it counts as nothing, and gives way first.
 *
 * Life:  (create_memory) -> usage_set_init -> usage_count, usage_look ...
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/secret.h"
#include "routing/limit_rule.h"
#include "switch/engine/slot_index.h"

#define USAGE_KEY_BYTES 32 /* terminal or merchant, and the card's hash */
#define USAGE_SPAN_COUNT 2
/* A day is YYYYMMDD, a month YYYYMM. */
#define USAGE_DAY_MIN 1000000u

struct usage_span {
    uint32_t period; /* 0: none yet */
    int32_t count;
    int64_t minor;
};

struct usage_entry {
    uint8_t key[USAGE_KEY_BYTES];
    struct usage_span days[USAGE_SPAN_COUNT], months[USAGE_SPAN_COUNT];
    uint32_t next, previous; /* in the list of its scope, by its latest day */
    uint32_t hash;
    uint32_t scope : 8;       /* enum limit_scope */
    uint32_t generation : 24; /* of its scope, when it was counted last */
};

/* Whose usage it is. Borrowed. */
struct usage_subject {
    const char *merchant_id, *terminal_id;
    const struct pan_hash *pan_hash; /* all zeros: no card */
};

/* What a row of the log changes, or a sum of many: of a day, and of its month. */
struct usage_change {
    uint32_t day; /* YYYYMMDD */
    int32_t count;
    int64_t minor;
};

/* What a sealed segment knows of one merchant, terminal and card: of a day (YYYYMMDD) alone, or of
 * a month (YYYYMM) alone, then without a card. */
struct usage_sum {
    uint32_t period;
    char merchant_id[16], terminal_id[9];
    struct pan_hash pan_hash;
    int64_t count, minor;
};

struct usage_list {
    uint32_t first, last;
};

struct usage_set {
    struct usage_entry *entries; /* owner: the engine; index 0 unused */
    struct slot_index index;
    struct usage_list lists[LIMIT_SCOPE_COUNT];
    uint32_t count_max, fresh;               /* from `fresh` on none was used so far */
    uint32_t scopes;                         /* LIMIT_SCOPE_BIT of those that are counted */
    uint32_t generations[LIMIT_SCOPE_COUNT]; /* how often each came into force */
    uint32_t gave_way; /* the latest day of which an entry gave way to another */
    /* Changes of which some key found no room, or took that of days to come that a clock had run
     * ahead to; and the latest day and month (of merchants and terminals) that miss something. */
    uint64_t lost_count;
    uint32_t lost_day, lost_month;
};

/* `entries` are count_max + 1, `slots` slot_index_capacity(count_max), all zeroed. */
void usage_set_init(struct usage_set *set, struct usage_entry *entries,
                    struct slot_index_entry *slots, uint32_t count_max);

/* Forgets all that was counted; scopes stay. */
void usage_set_clear(struct usage_set *set);

/* Counts these scopes from here on; what is known of one that was not counted so far is stale. */
void usage_set_scopes(struct usage_set *set, uint32_t scopes);

/* What was lost of days and months that are over today is no loss any more. */
void usage_forgive(struct usage_set *set, uint32_t today);

/* Whether each key of the subject that is counted has an entry or could get one on that day. */
bool usage_has_room(const struct usage_set *set, const struct usage_subject *subject, uint32_t day);
/* Counts a change on the day `today`; entries of before may give way. False: something is lost by
 * it. */
bool usage_count(struct usage_set *set, const struct usage_subject *subject,
                 const struct usage_change *change, uint32_t today);
/* The same of a sum that a restart reads; `today` is the day it is now. */
bool usage_count_sum(struct usage_set *set, const struct usage_sum *sum, uint32_t today);
/* What each counted key of the subject has taken on that day and in its month. */
void usage_look(const struct usage_set *set, const struct usage_subject *subject, uint32_t day,
                struct limit_use uses[LIMIT_SCOPE_COUNT]);
/* One key; the subject needs what the scope asks for. */
struct limit_use usage_of(const struct usage_set *set, enum limit_scope scope,
                          const struct usage_subject *subject, uint32_t day);
/* Over all that the latest day and its month hold; the order of entries does not matter. */
uint64_t usage_hash(const struct usage_set *set);
/* Whether nothing is lost of these two: else two sets that were told the same in another order need
 * not be alike. */
bool usage_is_whole(const struct usage_set *set);
/* Over the day before that one. False: entries of it have given way or found no room, so that it
 * cannot be compared. */
bool usage_hash_before(const struct usage_set *set, uint64_t *hash);
