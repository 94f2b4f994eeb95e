/* See inflight.h. Entries of a fixed pool hang in a chain by trace number, and in one of two lists:
 * the live ones by the time they were put, the ended ones by the time they ended. What is needed
 * for a new request is taken from the ended ones, oldest first. */
#include "switch/channel/inflight.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"

#define NOWHERE UINT32_MAX
#define NS_PER_MS UINT64_C(1000000)
#define ENTRY_COUNT_MIN 64

enum entry_state {
    ENTRY_FREE,
    ENTRY_WAITING, /* counts */
    ENTRY_LOST,    /* its link is gone; an answer may still come */
    ENTRY_OVER,    /* its life is over */
    ENTRY_ANSWERED
};

struct entry {
    uint64_t put_ns, end_ns;
    uint32_t next;         /* in the chain */
    uint32_t older, newer; /* in its list */
    uint32_t parts;
    struct match_values values;
    uint8_t state; /* enum entry_state */
    uint8_t link;
    uint8_t kind; /* enum payment_kind */
};

struct entry_list {
    uint32_t oldest, newest;
};

struct inflight {
    struct inflight_setup setup;
    uint32_t entry_count, bucket_mask;
    uint32_t waiting, waiting_on[INFLIGHT_LINK_COUNT_MAX];
    struct entry_list live, ended; /* `ended` begins with the free ones */
    uint32_t *buckets;             /* owner */
    struct entry entries[];
};
_Static_assert(PAYMENT_KIND_COUNT <= UINT8_MAX, "a kind fits its byte");

static struct entry_list *list_of(struct inflight *inflight, const struct entry *entry)
{
    bool is_live = entry->state == ENTRY_WAITING || entry->state == ENTRY_LOST;
    return is_live ? &inflight->live : &inflight->ended;
}

static void list_append(struct inflight *inflight, struct entry *entry)
{
    struct entry_list *list = list_of(inflight, entry);
    uint32_t at = (uint32_t)(entry - inflight->entries);
    entry->older = list->newest;
    entry->newer = NOWHERE;
    *(list->newest == NOWHERE ? &list->oldest : &inflight->entries[list->newest].newer) = at;
    list->newest = at;
}

static void list_remove(struct inflight *inflight, struct entry *entry)
{
    struct entry_list *list = list_of(inflight, entry);
    *(entry->older == NOWHERE ? &list->oldest : &inflight->entries[entry->older].newer) =
        entry->newer;
    *(entry->newer == NOWHERE ? &list->newest : &inflight->entries[entry->newer].older) =
        entry->older;
}

/* The one place where a state changes: lists and counts follow it. */
static void entry_turn(struct inflight *inflight, struct entry *entry, enum entry_state state)
{
    bool did_wait = entry->state == ENTRY_WAITING;
    bool does_wait = state == ENTRY_WAITING;
    list_remove(inflight, entry);
    entry->state = (uint8_t)state;
    list_append(inflight, entry);
    inflight->waiting += (uint32_t)does_wait - (uint32_t)did_wait;
    inflight->waiting_on[entry->link] += (uint32_t)does_wait - (uint32_t)did_wait;
}

struct inflight *inflight_create(const struct inflight_setup *setup)
{
    REQUIRE(setup->window > 0 && setup->window < NOWHERE / 4);
    uint32_t count = setup->window * 2 > ENTRY_COUNT_MIN ? setup->window * 2 : ENTRY_COUNT_MIN;
    uint32_t bucket_count = 1;
    while (bucket_count < count) {
        bucket_count *= 2;
    }
    struct inflight *inflight =
        calloc(1, sizeof(*inflight) + (size_t)count * sizeof(inflight->entries[0]));
    if (inflight == NULL) {
        return NULL;
    }
    inflight->setup = *setup;
    inflight->entry_count = count;
    inflight->bucket_mask = bucket_count - 1;
    inflight->live = inflight->ended = (struct entry_list){NOWHERE, NOWHERE};
    inflight->buckets = malloc(bucket_count * sizeof(*inflight->buckets));
    if (inflight->buckets == NULL) {
        free(inflight);
        return NULL;
    }
    memset(inflight->buckets, 0xFF, bucket_count * sizeof(*inflight->buckets));
    for (uint32_t i = 0; i < count; i++) {
        list_append(inflight, &inflight->entries[i]);
    }
    return inflight;
}

void inflight_destroy(struct inflight *inflight)
{
    if (inflight != NULL) {
        free(inflight->buckets);
        free(inflight);
    }
}

static uint32_t *bucket_of(struct inflight *inflight, uint32_t stan)
{
    return &inflight->buckets[stan & inflight->bucket_mask];
}

static void chain_remove(struct inflight *inflight, const struct entry *entry)
{
    uint32_t at = (uint32_t)(entry - inflight->entries);
    uint32_t *place = bucket_of(inflight, entry->values.stan);
    while (*place != at) {
        REQUIRE(*place != NOWHERE);
        place = &inflight->entries[*place].next;
    }
    *place = entry->next;
}

/* The first part, the trace number aside, in which the two differ; MATCH_PART_COUNT: none. */
static enum match_part difference(const struct entry *entry, const struct match_values *values)
{
    unsigned part = MATCH_STAN + 1;
    while (part < MATCH_PART_COUNT &&
           ((entry->parts >> part & 1) == 0 ||
            match_part_is_alike((enum match_part)part, &entry->values, values))) {
        part++;
    }
    return (enum match_part)part;
}

/* How good a find is: one that waits is what an answer looks for, one that is given up is late. */
static int worth(const struct entry *entry)
{
    switch ((enum entry_state)entry->state) {
    case ENTRY_WAITING:
        return 4;
    case ENTRY_LOST:
        return 3;
    case ENTRY_OVER:
        return 2;
    case ENTRY_ANSWERED:
        return 1;
    case ENTRY_FREE:
        break;
    }
    return 0;
}

/* The best entry whose every part is alike; else NULL, and `odd` gets one that has the trace number
 * (NULL: none has). */
static struct entry *find(struct inflight *inflight, const struct match_values *values,
                          struct entry **odd)
{
    struct entry *best = NULL;
    *odd = NULL;
    for (uint32_t at = *bucket_of(inflight, values->stan); at != NOWHERE;) {
        struct entry *entry = &inflight->entries[at];
        at = entry->next;
        if (entry->values.stan != values->stan) {
            continue;
        }
        struct entry **place = difference(entry, values) == MATCH_PART_COUNT ? &best : odd;
        if (*place == NULL || worth(entry) > worth(*place)) {
            *place = entry;
        }
    }
    return best;
}

uint32_t inflight_count(struct inflight *inflight, uint64_t now_ns)
{
    while (inflight->live.oldest != NOWHERE) {
        struct entry *entry = &inflight->entries[inflight->live.oldest];
        if (now_ns - entry->put_ns < inflight->setup.life_ns) {
            break;
        }
        entry->end_ns = now_ns;
        entry_turn(inflight, entry, ENTRY_OVER);
    }
    return inflight->waiting;
}

uint32_t inflight_link_count(const struct inflight *inflight, uint8_t link)
{
    REQUIRE(link < INFLIGHT_LINK_COUNT_MAX);
    return inflight->waiting_on[link];
}

/* The entry that is missed least: the one that ended first, else the oldest whose link is gone. */
static struct entry *entry_reuse(struct inflight *inflight)
{
    uint32_t at = inflight->ended.oldest;
    if (at == NOWHERE) {
        at = inflight->live.oldest;
        while (inflight->entries[at].state != ENTRY_LOST) {
            at = inflight->entries[at].newer; /* fewer wait than there are entries */
            REQUIRE(at != NOWHERE);
        }
    }
    struct entry *entry = &inflight->entries[at];
    if (entry->state != ENTRY_FREE) {
        chain_remove(inflight, entry);
    }
    return entry;
}

enum inflight_put inflight_put(struct inflight *inflight, const struct inflight_request *request,
                               uint64_t now_ns)
{
    struct match_values values;
    struct entry *odd;
    const struct payment *payment = request->payment;
    REQUIRE(request->link < INFLIGHT_LINK_COUNT_MAX);
    match_values_take(&values, payment);
    uint32_t waiting = inflight_count(inflight, now_ns);
    struct entry *entry = find(inflight, &values, &odd);
    bool is_live = entry != NULL && (entry->state == ENTRY_WAITING || entry->state == ENTRY_LOST);
    if (is_live && (!payment->is_repeat || entry->kind != (uint8_t)payment->kind)) {
        return INFLIGHT_PUT_DUPLICATE;
    }
    bool does_wait = is_live && entry->state == ENTRY_WAITING;
    if (!does_wait && waiting >= inflight->setup.window) {
        return INFLIGHT_PUT_FULL;
    }
    if (!is_live) {
        entry = entry_reuse(inflight);
        entry_turn(inflight, entry, ENTRY_FREE);
        uint32_t *bucket = bucket_of(inflight, values.stan);
        entry->next = *bucket;
        *bucket = (uint32_t)(entry - inflight->entries);
    } else {
        entry_turn(inflight, entry, ENTRY_LOST); /* of the link that carried it before */
    }
    entry->put_ns = now_ns;
    entry->parts = request->parts;
    entry->values = values;
    entry->kind = (uint8_t)payment->kind;
    entry->link = request->link;
    entry_turn(inflight, entry, ENTRY_WAITING);
    return INFLIGHT_PUT_DONE;
}

void inflight_cancel(struct inflight *inflight, const struct inflight_request *request)
{
    struct match_values values;
    struct entry *odd;
    match_values_take(&values, request->payment);
    struct entry *entry = find(inflight, &values, &odd);
    REQUIRE(entry != NULL && entry->state == ENTRY_WAITING);
    entry_turn(inflight, entry, ENTRY_FREE);
    chain_remove(inflight, entry);
}

static void explain_odd(const struct entry *odd, const struct match_values *values,
                        char text[INFLIGHT_TEXT_SIZE])
{
    char wanted[MATCH_TEXT_SIZE + 8], found[MATCH_TEXT_SIZE + 8];
    enum match_part part = difference(odd, values);
    match_part_text(part, &odd->values, wanted);
    match_part_text(part, values, found);
    snprintf(text, INFLIGHT_TEXT_SIZE, "reply matched STAN %06" PRIu32 " but not %s %s: it says %s",
             values->stan, match_part_name(part), wanted, found);
}

static void explain_ended(const struct entry *entry, uint64_t now_ns, uint64_t life_ns,
                          struct inflight_verdict *verdict)
{
    uint64_t age_ms = (now_ns - entry->put_ns) / NS_PER_MS;
    verdict->link = entry->link;
    if (entry->state == ENTRY_ANSWERED) {
        verdict->answer = INFLIGHT_SECOND;
        snprintf(verdict->text, INFLIGHT_TEXT_SIZE,
                 "a second reply to STAN %06" PRIu32 ", %" PRIu64 " ms after the first one",
                 entry->values.stan, (now_ns - entry->end_ns) / NS_PER_MS);
        return;
    }
    verdict->answer = INFLIGHT_LATE;
    snprintf(verdict->text, INFLIGHT_TEXT_SIZE,
             "the reply to STAN %06" PRIu32 " came after %" PRIu64 " ms; it was waited for %" PRIu64
             " ms",
             entry->values.stan, age_ms, life_ns / NS_PER_MS);
}

void inflight_take(struct inflight *inflight, const struct payment *answer, uint64_t now_ns,
                   struct inflight_verdict *verdict)
{
    struct match_values values;
    struct entry *odd;
    match_values_take(&values, answer);
    (void)inflight_count(inflight, now_ns);
    struct entry *entry = find(inflight, &values, &odd);
    *verdict = (struct inflight_verdict){.answer = INFLIGHT_UNMATCHED};
    if (entry == NULL && odd != NULL) {
        explain_odd(odd, &values, verdict->text);
    } else if (entry == NULL) {
        snprintf(verdict->text, INFLIGHT_TEXT_SIZE,
                 "no request with STAN %06" PRIu32 " has been sent lately", values.stan);
    } else if (entry->state == ENTRY_WAITING || entry->state == ENTRY_LOST) {
        verdict->answer = INFLIGHT_MATCHED;
        verdict->link = entry->link;
        entry->end_ns = now_ns;
        entry_turn(inflight, entry, ENTRY_ANSWERED);
    } else {
        explain_ended(entry, now_ns, inflight->setup.life_ns, verdict);
        entry->end_ns = entry->state == ENTRY_OVER ? now_ns : entry->end_ns;
        entry_turn(inflight, entry, ENTRY_ANSWERED);
    }
}

/* Its place by age is kept: it stays in the list. */
static void entry_lose(struct inflight *inflight, struct entry *entry)
{
    REQUIRE(entry->state == ENTRY_WAITING);
    entry->state = ENTRY_LOST;
    inflight->waiting--;
    inflight->waiting_on[entry->link]--;
}

void inflight_give_up(struct inflight *inflight, uint8_t link, uint32_t stan)
{
    struct entry *oldest = NULL;
    for (uint32_t at = *bucket_of(inflight, stan); at != NOWHERE;) {
        struct entry *entry = &inflight->entries[at];
        at = entry->next;
        if (entry->values.stan == stan && entry->state == ENTRY_WAITING && entry->link == link &&
            (oldest == NULL || entry->put_ns < oldest->put_ns)) {
            oldest = entry;
        }
    }
    if (oldest != NULL) { /* else it has ended, or goes another way by now */
        entry_lose(inflight, oldest);
    }
}

void inflight_lose(struct inflight *inflight, uint8_t link)
{
    for (uint32_t at = inflight->live.oldest; at != NOWHERE;) {
        struct entry *entry = &inflight->entries[at];
        at = entry->newer;
        if (entry->state == ENTRY_WAITING && entry->link == link) {
            entry_lose(inflight, entry);
        }
    }
}
