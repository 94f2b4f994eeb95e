/* Three growing tables, each with an index of its own: transactions (joined to stories by a
 * union-find), terminals, channels. See log_carry.h. */
#include "switch/store/log_carry.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/txn_state.h"
#include "switch/store/planted_log_bug.h"

#define SLOTS_MIN 1024

/* X(name): of each of these, a terminal's last one is kept. */
#define CARRY_LAST_MAP(X)                                                                          \
    X(SIGN) X(TOTALS) X(SETTLEMENT) X(BATCH_END) X(STATUS) X(DETAIL) X(STAN) X(ORDER)
enum carry_last {
#define X(name) LAST_##name,
    CARRY_LAST_MAP(X)
#undef X
        LAST_COUNT
};

struct carry_txn {
    struct txn_reference reference;
    uint32_t parent; /* union-find, by index */
    bool is_seen;    /* a row of its own was taken; else it is only named as an original */
    bool is_open;    /* its last state is not final */
    bool may_matter; /* a tombstone, or closed by code 25: until `until_us` */
    bool is_kept;    /* of a story's root */
    int64_t until_us;
};

struct carry_terminal {
    char terminal_id[9], merchant_id[16];
    uint32_t batch, stan;           /* the highest trace number of the last batch */
    uint32_t lasts[LAST_COUNT];     /* transaction index + 1; 0: none, or a row of no transaction */
    uint64_t positions[LAST_COUNT]; /* of that row, where it is of no transaction; else 0 */
};

struct carry_channel {
    char name[RECORD_CHANNEL_NAME_SIZE];
    uint32_t stan_txn, cut_over_txn; /* index + 1 */
    uint64_t cut_over_position;
};

/* Open addressing: index + 1 of an item, 0 where free. */
struct carry_index {
    uint32_t *slots;
    uint32_t slot_count;
};

struct carry {
    int64_t window_us, last_wall_us;
    uint64_t last_position, epoch_position;
    uint32_t last_txn; /* index + 1: of the last row */
    struct carry_txn *txns;
    struct carry_terminal *terminals;
    struct carry_channel channels[128];
    uint64_t *kept; /* owner: positions of rows of no transaction, ascending */
    uint32_t kept_count;
    uint32_t txn_count, txn_room, terminal_count, terminal_room, channel_count;
    struct carry_index by_reference, by_terminal;
};

struct carry *carry_create(int64_t window_us)
{
    struct carry *carry = calloc(1, sizeof(*carry));
    if (carry == NULL) {
        return NULL;
    }
    carry->window_us = window_us;
    return carry;
}

void carry_destroy(struct carry *carry)
{
    if (carry != NULL) {
        free(carry->txns);
        free(carry->terminals);
        free(carry->kept);
        free(carry->by_reference.slots);
        free(carry->by_terminal.slots);
        free(carry);
    }
}

/* --- tables ------------------------------------------------------------------------------- */

static uint32_t mix(uint64_t value)
{
    value *= UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(value >> 32) ^ (uint32_t)value;
}

static uint32_t hash_reference(struct txn_reference reference)
{
    return mix((uint64_t)reference.epoch << 32 | reference.seq);
}

static uint32_t hash_text(const char *text)
{
    uint64_t hash = 0;
    for (; *text != '\0'; text++) {
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001B3);
    }
    return mix(hash);
}

/* Room for one more item in an array that doubles. */
static bool make_room(void **items, size_t item_size, uint32_t count, uint32_t *room)
{
    if (count < *room) {
        return true;
    }
    uint32_t more = *room == 0 ? SLOTS_MIN : *room * 2;
    void *grown = realloc(*items, more * item_size);
    if (grown == NULL) {
        return false;
    }
    *items = grown;
    *room = more;
    return true;
}

static void index_put(struct carry_index *index, uint32_t hash, uint32_t item)
{
    uint32_t at = hash & (index->slot_count - 1);
    while (index->slots[at] != 0) {
        at = (at + 1) & (index->slot_count - 1);
    }
    index->slots[at] = item + 1;
}

/* At most half full. `hash_of` answers the hash of an item that is in already. */
static bool index_make_room(struct carry_index *index, uint32_t count, const struct carry *carry,
                            uint32_t (*hash_of)(const struct carry *carry, uint32_t item))
{
    if (2 * (count + 1) <= index->slot_count) {
        return true;
    }
    uint32_t slot_count = index->slot_count == 0 ? 2 * SLOTS_MIN : 2 * index->slot_count;
    uint32_t *slots = calloc(slot_count, sizeof(*slots));
    if (slots == NULL) {
        return false;
    }
    free(index->slots);
    *index = (struct carry_index){slots, slot_count};
    for (uint32_t i = 0; i < count; i++) {
        index_put(index, hash_of(carry, i), i);
    }
    return true;
}

static uint32_t hash_of_txn(const struct carry *carry, uint32_t item)
{
    return hash_reference(carry->txns[item].reference);
}

static uint32_t hash_of_terminal(const struct carry *carry, uint32_t item)
{
    return hash_text(carry->terminals[item].terminal_id);
}

static struct carry_txn *txn_find(const struct carry *carry, struct txn_reference reference)
{
    const struct carry_index *index = &carry->by_reference;
    uint32_t at = index->slot_count == 0 ? 0 : hash_reference(reference) & (index->slot_count - 1);
    while (index->slot_count != 0 && index->slots[at] != 0) {
        struct carry_txn *txn = &carry->txns[index->slots[at] - 1];
        if (txn->reference.epoch == reference.epoch && txn->reference.seq == reference.seq) {
            return txn;
        }
        at = (at + 1) & (index->slot_count - 1);
    }
    return NULL;
}

/* Index + 1; 0: no memory. */
static uint32_t txn_enroll(struct carry *carry, struct txn_reference reference)
{
    struct carry_txn *txn = txn_find(carry, reference);
    if (txn != NULL) {
        return (uint32_t)(txn - carry->txns) + 1;
    }
    uint32_t count = carry->txn_count;
    void *items = carry->txns;
    bool has_room = make_room(&items, sizeof(*carry->txns), count, &carry->txn_room);
    carry->txns = items;
    if (!has_room || !index_make_room(&carry->by_reference, count, carry, hash_of_txn)) {
        return 0;
    }
    carry->txns[count] = (struct carry_txn){.reference = reference, .parent = count};
    index_put(&carry->by_reference, hash_reference(reference), count);
    return ++carry->txn_count;
}

/* A text of the file in a member of `size` bytes: as much of it as fits, ended. */
static void text_put(char *to, size_t size, const char *text)
{
    size_t length = strnlen(text, size - 1);
    memcpy(to, text, length);
    to[length] = '\0';
}

static struct carry_terminal *terminal_enroll(struct carry *carry, const char *terminal_id,
                                              const char *merchant_id)
{
    const struct carry_index *index = &carry->by_terminal;
    uint32_t hash = hash_text(terminal_id);
    uint32_t at = index->slot_count == 0 ? 0 : hash & (index->slot_count - 1);
    while (index->slot_count != 0 && index->slots[at] != 0) {
        struct carry_terminal *terminal = &carry->terminals[index->slots[at] - 1];
        if (strcmp(terminal->terminal_id, terminal_id) == 0 &&
            strcmp(terminal->merchant_id, merchant_id) == 0) {
            return terminal;
        }
        at = (at + 1) & (index->slot_count - 1);
    }
    uint32_t count = carry->terminal_count;
    void *items = carry->terminals;
    bool has_room = make_room(&items, sizeof(*carry->terminals), count, &carry->terminal_room);
    carry->terminals = items;
    if (!has_room || !index_make_room(&carry->by_terminal, count, carry, hash_of_terminal)) {
        return NULL;
    }
    struct carry_terminal *terminal = &carry->terminals[count];
    memset(terminal, 0, sizeof(*terminal));
    text_put(terminal->terminal_id, sizeof(terminal->terminal_id), terminal_id);
    text_put(terminal->merchant_id, sizeof(terminal->merchant_id), merchant_id);
    index_put(&carry->by_terminal, hash, count);
    carry->terminal_count++;
    return terminal;
}

static struct carry_channel *channel_enroll(struct carry *carry, const char *name)
{
    for (uint32_t i = 0; i < carry->channel_count; i++) {
        if (strcmp(carry->channels[i].name, name) == 0) {
            return &carry->channels[i];
        }
    }
    if (carry->channel_count == sizeof(carry->channels) / sizeof(carry->channels[0])) {
        return NULL;
    }
    struct carry_channel *channel = &carry->channels[carry->channel_count++];
    text_put(channel->name, sizeof(channel->name), name);
    return channel;
}

/* --- stories ------------------------------------------------------------------------------ */

static uint32_t root_of(const struct carry *carry, uint32_t at)
{
    while (carry->txns[at].parent != at) {
        carry->txns[at].parent = carry->txns[carry->txns[at].parent].parent;
        at = carry->txns[at].parent;
    }
    return at;
}

static bool kind_is_of_reversal(enum record_kind kind)
{
    return kind == RECORD_REVERSAL || kind == RECORD_REVERSAL_SENT ||
           kind == RECORD_REVERSAL_DONE || kind == RECORD_REVERSAL_CASE;
}

static bool state_is_final(uint8_t state)
{
    enum txn_class class = txn_state_class((enum txn_state)state);
    return class == TXN_CLASS_KEPT || class == TXN_CLASS_TOMBSTONE || state == TXN_FREE;
}

/* The state of a reversal's row is that of what it reverses, and speaks of both. */
static void note_state(struct carry *carry, struct carry_txn *txn, const struct carry_row *row)
{
    txn->is_open = !PLANTED_BUG(103) && !state_is_final(row->state);
    txn->may_matter = row->kind == RECORD_TOMBSTONE || row->is_closed_by_25;
    txn->until_us = row->wall_us + carry->window_us;
}

/* Rows about a batch and about a terminal name what they follow, but are no part of a payment's
 * story: a batch of a thousand details is not kept for its last one. */
static bool kind_joins(enum record_kind kind)
{
    return kind != RECORD_SETTLEMENT && kind != RECORD_BATCH_DETAIL && kind != RECORD_BATCH_END &&
           kind != RECORD_STATUS && kind != RECORD_SIGNATURE;
}

static enum status take_txn(struct carry *carry, const struct carry_row *row, uint32_t *place)
{
    *place = 0;
    if (row->txn.seq == 0) {
        return STATUS_OK;
    }
    *place = txn_enroll(carry, row->txn);
    if (*place == 0) {
        return STATUS_NO_MEMORY;
    }
    carry->txns[*place - 1].is_seen = true;
    if (row->kind != RECORD_ANOMALY) { /* which changes no state */
        note_state(carry, &carry->txns[*place - 1], row);
    }
    if (row->original.seq == 0 || !kind_joins(row->kind)) {
        return STATUS_OK;
    }
    uint32_t original = txn_enroll(carry, row->original);
    if (original == 0) {
        return STATUS_NO_MEMORY;
    }
    carry->txns[root_of(carry, *place - 1)].parent = root_of(carry, original - 1);
    if (kind_is_of_reversal(row->kind)) {
        note_state(carry, &carry->txns[original - 1], row);
    }
    return STATUS_OK;
}

/* What each kind of record is the last word on; 0: nothing, else a place + 1. */
static const uint8_t last_of_kind[RECORD_KIND_COUNT] = {
    [RECORD_SIGNON] = LAST_SIGN + 1,           [RECORD_SIGNOFF] = LAST_SIGN + 1,
    [RECORD_SETTLEMENT] = LAST_SETTLEMENT + 1, [RECORD_BATCH_END] = LAST_BATCH_END + 1,
    [RECORD_STATUS] = LAST_STATUS + 1,         [RECORD_BATCH_DETAIL] = LAST_DETAIL + 1,
    [RECORD_ORDER] = LAST_ORDER + 1,           [RECORD_ORDER_DONE] = LAST_ORDER + 1,
    [RECORD_ORDER_OVER] = LAST_ORDER + 1,
};

static void note_last(struct carry_terminal *terminal, enum carry_last last,
                      const struct carry_row *row, uint32_t place)
{
    terminal->lasts[last] = place;
    terminal->positions[last] = place == 0 ? row->position : 0;
}

/* The highest trace number of the last batch in which something was begun. What was refused or
 * blocked under another batch's number does not begin one. */
static void note_stan(struct carry_terminal *terminal, const struct carry_row *row, uint32_t place)
{
    bool begins = record_kind_begins(row->kind, row->payment_kind, row->attempt);
    bool tells = row->kind == RECORD_INTENT || row->kind == RECORD_ADVICE ||
                 row->kind == RECORD_TOMBSTONE ||
                 (row->kind == RECORD_REFUSED && row->state == TXN_DECLINED);
    bool is_same = row->batch == terminal->batch;
    if ((begins && !is_same) || (tells && is_same && row->stan >= terminal->stan)) {
        terminal->batch = row->batch;
        terminal->stan = row->stan;
        note_last(terminal, LAST_STAN, row, place);
    }
}

static enum status take_terminal(struct carry *carry, const struct carry_row *row, uint32_t place)
{
    bool is_of_merchant = last_of_kind[row->kind] == LAST_ORDER + 1; /* a line like a terminal's */
    if (row->terminal_id[0] == '\0' && !is_of_merchant) {
        return STATUS_OK;
    }
    struct carry_terminal *terminal = terminal_enroll(carry, row->terminal_id, row->merchant_id);
    if (terminal == NULL) {
        return STATUS_NO_MEMORY;
    }
    if (last_of_kind[row->kind] != 0) {
        note_last(terminal, (enum carry_last)(last_of_kind[row->kind] - 1), row, place);
    }
    if (row->has_totals) {
        note_last(terminal, LAST_TOTALS, row, place);
    }
    note_stan(terminal, row, place);
    return STATUS_OK;
}

static enum status take_channel(struct carry *carry, const struct carry_row *row, uint32_t place)
{
    bool has_stan = place != 0 && row->channel_stan != 0 && row->kind != RECORD_ANOMALY;
    if (row->channel[0] == '\0' || !(has_stan || row->kind == RECORD_CUT_OVER)) {
        return STATUS_OK;
    }
    struct carry_channel *channel = channel_enroll(carry, row->channel);
    if (channel == NULL) {
        return STATUS_NO_ROOM; /* more channels than there may be */
    }
    if (row->kind == RECORD_CUT_OVER) {
        channel->cut_over_txn = place;
        channel->cut_over_position = row->position;
    } else {
        channel->stan_txn = place;
    }
    return STATUS_OK;
}

enum status carry_take(struct carry *carry, const struct carry_row *row)
{
    uint32_t place = 0;
    enum status status = take_txn(carry, row, &place);
    if (status == STATUS_OK) {
        status = take_terminal(carry, row, place);
    }
    if (status == STATUS_OK) {
        status = take_channel(carry, row, place);
    }
    if (row->kind == RECORD_EPOCH && !PLANTED_BUG(110)) {
        carry->epoch_position = row->position;
    }
    if (row->position > carry->last_position) {
        carry->last_position = row->position;
        carry->last_txn = place;
        carry->last_wall_us = row->wall_us;
    }
    return status;
}

/* --- what is kept ------------------------------------------------------------------------- */

static void keep(struct carry *carry, uint32_t place)
{
    if (place != 0) {
        carry->txns[root_of(carry, place - 1)].is_kept = true;
    }
}

static int compare_positions(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static void keep_terminal(struct carry *carry, const struct carry_terminal *terminal)
{
    for (uint32_t last = 0; last < LAST_COUNT && !PLANTED_BUG(109); last++) {
        if (PLANTED_BUG(113) && last == LAST_ORDER) {
            continue;
        }
        keep(carry, terminal->lasts[last]);
        if (terminal->positions[last] != 0) {
            carry->kept[carry->kept_count++] = terminal->positions[last];
        }
    }
}

enum status carry_settle(struct carry *carry)
{
    carry->kept = calloc((size_t)carry->terminal_count * LAST_COUNT + carry->channel_count + 1,
                         sizeof(carry->kept[0]));
    if (carry->kept == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < carry->txn_count; i++) {
        const struct carry_txn *txn = &carry->txns[i];
        if (txn->is_open || (txn->may_matter && txn->until_us >= carry->last_wall_us)) {
            keep(carry, i + 1);
        }
    }
    for (uint32_t i = 0; i < carry->terminal_count; i++) {
        keep_terminal(carry, &carry->terminals[i]);
    }
    for (uint32_t i = 0; i < carry->channel_count; i++) {
        keep(carry, carry->channels[i].stan_txn);
        keep(carry, carry->channels[i].cut_over_txn);
        carry->kept[carry->kept_count++] = carry->channels[i].cut_over_position;
    }
    keep(carry, carry->last_txn);
    qsort(carry->kept, carry->kept_count, sizeof(carry->kept[0]), compare_positions);
    return STATUS_OK;
}

bool carry_next_missing(const struct carry *carry, uint32_t *at, struct txn_reference *missing)
{
    while (*at < carry->txn_count) {
        uint32_t i = (*at)++;
        if (!carry->txns[i].is_seen && carry->txns[root_of(carry, i)].is_kept) {
            *missing = carry->txns[i].reference;
            return true;
        }
    }
    return false;
}

bool carry_keeps(const struct carry *carry, uint64_t position, struct txn_reference txn)
{
    if (position == carry->last_position || position == carry->epoch_position) {
        return true;
    }
    if (txn.seq == 0) {
        return bsearch(&position, carry->kept, carry->kept_count, sizeof(carry->kept[0]),
                       compare_positions) != NULL;
    }
    const struct carry_txn *found = txn_find(carry, txn);
    return found != NULL && carry->txns[root_of(carry, (uint32_t)(found - carry->txns))].is_kept;
}
