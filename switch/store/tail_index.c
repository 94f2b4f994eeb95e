/* Chains of 12-byte entries, the latest first; the heads are sized once. See tail_index.h. */
#include "switch/store/tail_index.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/txn_state.h"

#define CHUNK_ENTRIES 65536u
#define CHUNK_COUNT_MAX 65536u
#define PENDING_COUNT 32u

struct tail_entry {
    uint32_t tag;  /* of the hash, what the head does not tell */
    uint32_t row;  /* position - first_position */
    uint32_t next; /* entry + 1; 0: the chain ends */
};

/* An entry waits here until its head has come into the cache. */
struct tail_pending {
    uint64_t hash;
    uint32_t row;
};

struct tail_index {
    pthread_mutex_t mutex; /* one thread takes rows while another one finds them */
    uint64_t first_position;
    uint32_t *heads; /* entry + 1 */
    uint32_t head_mask;
    uint32_t entry_count;
    bool is_broken;
    uint32_t pending_count;
    struct tail_pending pending[PENDING_COUNT];
    struct tail_entry *chunks[CHUNK_COUNT_MAX]; /* untouched pages cost nothing */
};

struct tail_index *tail_index_create(uint64_t first_position, uint32_t row_count)
{
    struct tail_index *index = calloc(1, sizeof(*index));
    uint32_t head_count = 1024;
    while (head_count < row_count && head_count < (UINT32_C(1) << 30)) {
        head_count *= 2;
    }
    if (index == NULL) {
        return NULL;
    }
    pthread_mutex_init(&index->mutex, NULL);
    index->first_position = first_position;
    index->head_mask = head_count - 1;
    index->heads = calloc(head_count, sizeof(index->heads[0]));
    if (index->heads == NULL) {
        tail_index_destroy(index);
        return NULL;
    }
    return index;
}

void tail_index_destroy(struct tail_index *index)
{
    if (index != NULL) {
        for (uint32_t i = 0; i < CHUNK_COUNT_MAX && index->chunks[i] != NULL; i++) {
            free(index->chunks[i]);
        }
        pthread_mutex_destroy(&index->mutex);
        free(index->heads);
        free(index);
    }
}

bool tail_index_is_broken(struct tail_index *index)
{
    pthread_mutex_lock(&index->mutex);
    bool is_broken = index->is_broken;
    pthread_mutex_unlock(&index->mutex);
    return is_broken;
}

/* --- hashes ------------------------------------------------------------------------------- */

/* Which thing is hashed: no hash of one kind is meant to be one of another. */
enum tail_kind { TAIL_REFERENCE, TAIL_ORIGINAL, TAIL_KEY, TAIL_RRN, TAIL_CARD };

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash ^= value;
    hash *= UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ (hash >> 29);
}

static uint64_t mix_bytes(uint64_t hash, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    for (; length >= 8; at += 8, length -= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        hash = mix(hash, word);
    }
    uint64_t rest = length;
    memcpy(&rest, at, length);
    return mix(hash, rest);
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
    return mix_bytes(hash, text, strlen(text));
}

uint64_t tail_hash_reference(struct txn_reference reference)
{
    return mix(mix(TAIL_REFERENCE, reference.epoch), reference.seq);
}

uint64_t tail_hash_original(struct txn_reference original)
{
    return mix(mix(mix(TAIL_ORIGINAL, 1), original.epoch), original.seq);
}

static uint64_t hash_key(const char *terminal_id, const char *merchant_id, uint32_t batch,
                         uint32_t stan)
{
    uint64_t hash = mix_text(mix_text(mix(TAIL_KEY, 2), terminal_id), merchant_id);
    return mix(mix(hash, batch), stan);
}

static uint64_t hash_rrn(const char *rrn)
{
    return mix_text(mix(TAIL_RRN, 3), rrn);
}

static uint64_t hash_card(const char *merchant_id, const struct pan_hash *pan_hash,
                          const char *auth_code)
{
    uint64_t hash = mix_text(mix(TAIL_CARD, 4), merchant_id);
    return mix_text(mix_bytes(hash, pan_hash->bytes, sizeof(pan_hash->bytes)), auth_code);
}

uint64_t tail_hash_query(const struct lookup_query *query)
{
    switch (query->kind) {
    case LOOKUP_BY_KEY:
        return hash_key(query->terminal_id, query->merchant_id, query->batch, query->stan);
    case LOOKUP_BY_RRN:
        return hash_rrn(query->rrn);
    case LOOKUP_BY_CARD:
        return hash_card(query->merchant_id, &query->pan_hash, query->auth_code);
    }
    REQUIRE(query->kind <= LOOKUP_BY_CARD);
    return 0;
}

/* --- rows --------------------------------------------------------------------------------- */

bool tail_record_begins(const struct record *record)
{
    return record->kind == RECORD_INTENT || record->kind == RECORD_ADVICE ||
           record->kind == RECORD_TOMBSTONE ||
           (record->kind == RECORD_REFUSED && record->state == TXN_DECLINED);
}

bool tail_record_is_preauth(const struct record *record)
{
    return record->kind == RECORD_RESULT && record->payment_kind == PAYMENT_PREAUTH &&
           record->state == TXN_APPROVED && record->auth_code[0] != '\0';
}

static void insert_now(struct tail_index *index, const struct tail_pending *pending)
{
    uint32_t at = index->entry_count;
    struct tail_entry **chunk = &index->chunks[at / CHUNK_ENTRIES];
    if (at / CHUNK_ENTRIES == CHUNK_COUNT_MAX - 1) {
        index->is_broken = true;
        return;
    }
    if (*chunk == NULL && (*chunk = malloc(CHUNK_ENTRIES * sizeof(**chunk))) == NULL) {
        index->is_broken = true;
        return;
    }
    uint32_t *head = &index->heads[pending->hash & index->head_mask];
    (*chunk)[at % CHUNK_ENTRIES] = (struct tail_entry){
        .tag = (uint32_t)(pending->hash >> 32), .row = pending->row, .next = *head};
    *head = at + 1;
    index->entry_count++;
}

static void insert_pending(struct tail_index *index)
{
    for (uint32_t i = 0; i < index->pending_count; i++) {
        insert_now(index, &index->pending[i]);
    }
    index->pending_count = 0;
}

static void insert(struct tail_index *index, uint64_t hash, uint64_t position)
{
    if (index->pending_count == PENDING_COUNT) {
        insert_pending(index);
    }
    __builtin_prefetch(&index->heads[hash & index->head_mask], 1);
    index->pending[index->pending_count++] =
        (struct tail_pending){hash, (uint32_t)(position - index->first_position)};
}

void tail_index_take(struct tail_index *index, const struct record *record)
{
    REQUIRE(record->position >= index->first_position);
    pthread_mutex_lock(&index->mutex);
    if (record->txn.seq != 0) {
        insert(index, tail_hash_reference(record->txn), record->position);
    }
    if (record->original.seq != 0) {
        insert(index, tail_hash_original(record->original), record->position);
    }
    if (tail_record_begins(record)) {
        insert(index,
               hash_key(record->terminal_id, record->merchant_id, record->batch, record->stan),
               record->position);
        if (record->rrn[0] != '\0') {
            insert(index, hash_rrn(record->rrn), record->position);
        }
    }
    if (tail_record_is_preauth(record)) {
        insert(index, hash_card(record->merchant_id, &record->pan_hash, record->auth_code),
               record->position);
    }
    pthread_mutex_unlock(&index->mutex);
}

uint32_t tail_index_find(struct tail_index *index, uint64_t hash, uint64_t *positions,
                         uint32_t room)
{
    uint32_t count = 0;
    uint32_t tag = (uint32_t)(hash >> 32);
    pthread_mutex_lock(&index->mutex);
    insert_pending(index);
    for (uint32_t at = index->heads[hash & index->head_mask]; at != 0;) {
        const struct tail_entry *entry =
            &index->chunks[(at - 1) / CHUNK_ENTRIES][(at - 1) % CHUNK_ENTRIES];
        if (entry->tag == tag) {
            if (count < room) {
                positions[count] = index->first_position + entry->row;
            }
            count++;
        }
        at = entry->next;
    }
    pthread_mutex_unlock(&index->mutex);
    return count;
}
