/* The log as a disk holds it: what a LOOKUP finds among the durable records, after a while. */
#include <string.h>

#include "switch/engine/txn_state.h"
#include "tests/sim/world.h"

static bool is_same_reference(struct txn_reference left, struct txn_reference right)
{
    return left.epoch == right.epoch && left.seq == right.seq;
}

/* Rows that begin a transaction's story, or that are one of their own; a refusal that is not
 * remembered under its key is neither. */
static bool is_beginning(const struct record *record)
{
    return record->kind == RECORD_INTENT || record->kind == RECORD_ADVICE ||
           record->kind == RECORD_TOMBSTONE ||
           (record->kind == RECORD_REFUSED && record->state == TXN_DECLINED);
}

static bool is_of_key(const struct record *record, const struct lookup_query *query)
{
    return record->stan == query->stan && record->batch == query->batch &&
           strcmp(record->terminal_id, query->terminal_id) == 0 &&
           strcmp(record->merchant_id, query->merchant_id) == 0;
}

static bool is_of_card(const struct record *record, const struct lookup_query *query)
{
    return record->kind == RECORD_RESULT && record->payment_kind == PAYMENT_PREAUTH &&
           payment_is_approval(record->response_code) &&
           strcmp(record->merchant_id, query->merchant_id) == 0 &&
           strcmp(record->auth_code, query->auth_code) == 0 &&
           memcmp(&record->pan_hash, &query->pan_hash, sizeof(query->pan_hash)) == 0;
}

static bool fits(const struct record *record, const struct lookup_query *query)
{
    switch (query->kind) {
    case LOOKUP_BY_KEY:
        return is_beginning(record) && is_of_key(record, query);
    case LOOKUP_BY_RRN:
        return is_beginning(record) && strcmp(record->rrn, query->rrn) == 0;
    case LOOKUP_BY_CARD:
        return is_of_card(record, query);
    }
    return false;
}

/* Whether the row belongs to the story: of one that is wanted, or naming one; who names one is
 * wanted too. */
static bool belongs(const struct record *record, struct txn_reference *wanted, uint32_t *count)
{
    bool is_own = false;
    bool is_follower = false;
    for (uint32_t i = 0; i < *count; i++) {
        is_own = is_own || is_same_reference(record->txn, wanted[i]);
        is_follower = is_follower || is_same_reference(record->original, wanted[i]);
    }
    if (is_follower && !is_own && *count < LOOKUP_RECORD_COUNT_MAX) {
        wanted[(*count)++] = record->txn;
    }
    return is_own || is_follower;
}

/* The latest that fits; of a key a blind refusal only where there is nothing else. */
static const struct record *find_meant(const struct world *world, const struct lookup_query *query)
{
    const struct record *blind = NULL;
    for (uint32_t at = world->durable_count; at > 0; at--) {
        const struct record *record = &world->records[at - 1];
        if (!fits(record, query)) {
            continue;
        }
        if (query->kind != LOOKUP_BY_KEY || !record_is_blind_refusal(record)) {
            return record;
        }
        blind = blind == NULL ? record : blind;
    }
    return blind;
}

/* The transaction's rows, those of what follows it, and the reversals of these, in the log's
 * order. */
uint32_t disk_gather(const struct world *world, const struct lookup_query *query,
                     struct record found[LOOKUP_RECORD_COUNT_MAX])
{
    const struct record *meant = find_meant(world, query);
    if (meant == NULL) {
        return 0;
    }
    struct txn_reference wanted[LOOKUP_RECORD_COUNT_MAX] = {meant->txn};
    uint32_t wanted_count = 1;
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->durable_count && count < LOOKUP_RECORD_COUNT_MAX; i++) {
        if (belongs(&world->records[i], wanted, &wanted_count)) {
            found[count++] = world->records[i];
        }
    }
    return count;
}

void disk_on_lookup(struct world *world, const struct engine_effect *effect)
{
    world_mark(world, MARK_LOOKUP);
    if (effect->lookup.kind == LOOKUP_BY_CARD) {
        world_mark(world, MARK_LOOKUP_BY_CARD);
    }
    uint32_t slot = world->lookup_next++ % SIM_LOOKUP_COUNT_MAX;
    world->lookups[slot] = effect->lookup;
    uint64_t delay_ns = world_between(world, 50, 3000) * 1000;
    if (world_draw(world, FAULT_LOOKUP_SLOW)) {
        delay_ns = world_between(world, 500, 15000) * SIM_MS;
    }
    world_later(world, delay_ns,
                &(struct agenda_item){.kind = AGENDA_FOUND,
                                      .a = effect->txn.slot,
                                      .b = effect->txn.generation,
                                      .c = slot,
                                      .payload = UINT32_MAX});
}

void disk_on_found(struct world *world, const struct agenda_item *item)
{
    const struct lookup_query *query = &world->lookups[item->c];
    bool is_failed = world_draw(world, FAULT_LOOKUP_FAILS);
    uint32_t count = 0;
    if (!is_failed && world->log != NULL) {
        if (!world->log->search(world, query, &is_failed, &count)) {
            switch_crash(world);
            return;
        }
    } else if (!is_failed) {
        count = disk_gather(world, query, world->found);
    }
    world_trace(world, "the log %s: %u records", is_failed ? "can not be read" : "answers", count);
    world_mark(world, is_failed ? MARK_LOOKUP_FAILED
                                : (count > 0 ? MARK_LOOKUP_FOUND : MARK_LOOKUP_EMPTY));
    switch_found(world, (struct txn_handle){item->a, item->b}, is_failed, count);
}
