/* See condition_index.h.
 *
 * Numbers: the ends of all ranges of a part, sorted, cut the line into intervals; a sweep keeps the
 * set of the interval it stands in. Names: each name that a condition lists has its set, found by a
 * hash. Bits: a set for each bit.
 *
 * A payment's sets lie anywhere in memory, so what a search costs is the cache lines that it waits
 * for. Up to 63 conditions fit a word, and the word itself stands where the set's number would.
 * More of them: each set begins with a line or within one, all sets are on their way before the
 * first is looked at, and a few words of all are intersected at a time, without a branch between.
 */
#include "routing/condition_index.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "routing/name_hash.h"

#define WORD_BITS 64
#define FACT_BITS 64
#define CHUNK_WORDS 4 /* intersected at a time, in registers */
#define LINE_WORDS 8  /* of a cache line */

/* A set: its number, or the set itself where one word holds it. */
typedef uint64_t set_ref;

struct number_part {
    uint64_t *begins; /* owner; ascending, the first is 0 */
    set_ref *sets;    /* owner; of the interval that begins there */
    uint32_t count;
};

/* A name as two words, zeros behind it. */
struct name_key {
    uint64_t words[2];
};
_Static_assert(sizeof(struct name_key) == CONDITION_NAME_SIZE, "a key holds a name");

struct name_entry {
    struct name_key key;
    set_ref set;
};

struct name_part {
    struct name_entry *entries; /* owner; open addressing, a free one has an empty name */
    uint64_t mask;
    set_ref others; /* set of names that nobody lists */
};

struct condition_index {
    uint32_t stated;     /* CONDITION_BIT of parts that any condition states */
    uint32_t word_count; /* of a set, with the zeros that fill its last chunk or line */
    uint32_t count;
    uint32_t set_count, set_room;
    uint64_t *sets;   /* owner; NULL: each is one word, and stands where its number would */
    uint32_t *places; /* owner: of sets by hash, index + 1; only while it is made */
    uint64_t place_mask;
    uint64_t *scratch;                                 /* owner: one set; only while it is made */
    set_ref bits[CONDITION_BITS_COUNT][FACT_BITS + 1]; /* the last: no bit is set */
    struct number_part numbers[CONDITION_NUMBERS_COUNT];
    struct name_part names[CONDITION_NAMES_COUNT];
};

/* The conditions while the index is made. */
struct condition_list {
    const char *first;
    size_t stride;
};

static const struct condition *condition_at(const struct condition_list *list, uint32_t at)
{
    return (const struct condition *)(const void *)(list->first + at * list->stride);
}

/* --- sets --------------------------------------------------------------------------------- */

static uint64_t *set_at(const struct condition_index *index, set_ref set)
{
    return index->sets + set * index->word_count;
}

static uint64_t set_hash(const struct condition_index *index, const uint64_t *words)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < index->word_count; i++) {
        hash = name_hash_mix(hash ^ words[i]) + i;
    }
    return hash;
}

/* The place of a set that equals `words`, or the free one where it belongs. */
static uint64_t place_of(const struct condition_index *index, const uint64_t *words)
{
    uint64_t place = set_hash(index, words) & index->place_mask;
    while (index->places[place] != 0 && memcmp(set_at(index, index->places[place] - 1), words,
                                               index->word_count * sizeof(words[0])) != 0) {
        place = (place + 1) & index->place_mask;
    }
    return place;
}

static enum status grow(struct condition_index *index)
{
    uint32_t room = index->set_room == 0 ? 64 : index->set_room * 2;
    size_t bytes = (size_t)room * index->word_count * sizeof(index->sets[0]);
    if (bytes > CONDITION_INDEX_BYTES_MAX) {
        return STATUS_NO_ROOM;
    }
    uint64_t *sets = realloc(index->sets, bytes);
    if (sets == NULL) {
        return STATUS_NO_MEMORY;
    }
    index->sets = sets;
    uint32_t *places = calloc((size_t)room * 2, sizeof(places[0]));
    if (places == NULL) {
        return STATUS_NO_MEMORY;
    }
    free(index->places);
    index->places = places;
    index->place_mask = (uint64_t)room * 2 - 1;
    index->set_room = room;
    for (uint32_t set = 0; set < index->set_count; set++) {
        index->places[place_of(index, set_at(index, set))] = set + 1;
    }
    return STATUS_OK;
}

/* The number of the set that holds what `scratch` holds. */
static enum status intern(struct condition_index *index, set_ref *set)
{
    if (index->set_count == index->set_room) {
        enum status status = grow(index);
        if (status != STATUS_OK) {
            return status;
        }
    }
    uint64_t place = place_of(index, index->scratch);
    if (index->places[place] == 0) {
        memcpy(set_at(index, index->set_count), index->scratch,
               index->word_count * sizeof(index->sets[0]));
        index->places[place] = ++index->set_count;
    }
    *set = index->places[place] - 1;
    return STATUS_OK;
}

static void scratch_turn(struct condition_index *index, uint32_t at, bool is_in)
{
    uint64_t bit = UINT64_C(1) << at % WORD_BITS;
    uint64_t *word = &index->scratch[at / WORD_BITS];
    *word = is_in ? *word | bit : *word & ~bit;
}

/* Those that leave the part open. */
static void scratch_open(struct condition_index *index, const struct condition_list *list,
                         unsigned part)
{
    for (uint32_t i = 0; i < index->count; i++) {
        scratch_turn(index, i, (condition_at(list, i)->stated & CONDITION_BIT(part)) == 0);
    }
}

/* --- making ------------------------------------------------------------------------------- */

static enum status bits_make(struct condition_index *index, const struct condition_list *list,
                             unsigned part)
{
    for (unsigned bit = 0; bit <= FACT_BITS; bit++) {
        scratch_open(index, list, part);
        for (uint32_t i = 0; bit < FACT_BITS && i < index->count; i++) {
            if ((condition_at(list, i)->bits[part] >> bit & 1) != 0) {
                scratch_turn(index, i, true);
            }
        }
        enum status status = intern(index, &index->bits[part][bit]);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* A range of condition `at` begins at `value`, or ended just before it. */
struct edge {
    uint64_t value;
    uint32_t at;
    bool is_begin;
};

static int edge_compare(const void *left, const void *right)
{
    const struct edge *a = left;
    const struct edge *b = right;
    if (a->value != b->value) {
        return a->value < b->value ? -1 : 1;
    }
    return (int)a->is_begin - (int)b->is_begin; /* of one condition an end comes first */
}

static uint32_t edges_put(struct edge *edges, const struct condition_list *list, uint32_t count,
                          unsigned number)
{
    uint32_t edge_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct condition_numbers *numbers = &condition_at(list, i)->numbers[number];
        for (uint32_t k = 0; k < numbers->count; k++) {
            const struct number_range *range = &numbers->items[k];
            if (edges != NULL) {
                edges[edge_count] = (struct edge){range->min, i, true};
                edges[edge_count + 1] = (struct edge){range->max + 1, i, false};
            }
            /* What ends at the last number never ends. */
            edge_count += range->max == UINT64_MAX ? 1 : 2;
        }
    }
    return edge_count;
}

static enum status sweep(struct condition_index *index, struct number_part *part,
                         const struct edge *edges, uint32_t edge_count)
{
    uint32_t at = 0;
    uint64_t value = 0;
    do {
        while (at < edge_count && edges[at].value == value) {
            scratch_turn(index, edges[at].at, edges[at].is_begin);
            at++;
        }
        part->begins[part->count] = value;
        enum status status = intern(index, &part->sets[part->count++]);
        if (status != STATUS_OK) {
            return status;
        }
        value = at < edge_count ? edges[at].value : 0;
    } while (at < edge_count);
    return STATUS_OK;
}

static enum status numbers_make(struct condition_index *index, const struct condition_list *list,
                                unsigned part)
{
    unsigned number = part - CONDITION_NUMBERS_FIRST;
    struct number_part *made = &index->numbers[number];
    uint32_t edge_count = edges_put(NULL, list, index->count, number);
    struct edge *edges = calloc((size_t)edge_count + 1, sizeof(edges[0]));
    made->begins = calloc((size_t)edge_count + 1, sizeof(made->begins[0]));
    made->sets = calloc((size_t)edge_count + 1, sizeof(made->sets[0]));
    enum status status = STATUS_NO_MEMORY;
    if (edges != NULL && made->begins != NULL && made->sets != NULL) {
        edges_put(edges, list, index->count, number);
        qsort(edges, edge_count, sizeof(edges[0]), edge_compare);
        scratch_open(index, list, part);
        status = sweep(index, made, edges, edge_count);
    }
    free(edges);
    return status;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first character is the lowest byte");

/* Of less than 8 characters. */
static uint64_t key_of_few(const char *name, size_t length)
{
    if (length >= sizeof(uint32_t)) {
        uint32_t first, last;
        memcpy(&first, name, sizeof(first));
        memcpy(&last, name + length - sizeof(last), sizeof(last));
        return first | (uint64_t)last << 8 * (length - sizeof(last));
    }
    uint64_t word = 0;
    for (size_t i = 0; i < length; i++) {
        word |= (uint64_t)(uint8_t)name[i] << 8 * i;
    }
    return word;
}

/* All zeros: an empty name, or one that is longer than any that a condition may list. The loads
 * overlap, so that none reaches beyond the name. */
static struct name_key key_of(const char *name)
{
    struct name_key key = {{0, 0}};
    const size_t length = strnlen(name, CONDITION_NAME_SIZE);
    const size_t word = sizeof(uint64_t);
    if (length == CONDITION_NAME_SIZE) {
        return key;
    }
    if (length >= word) {
        memcpy(&key.words[0], name, word);
        memcpy(&key.words[1], name + length - word, word);
        key.words[1] = length == word ? 0 : key.words[1] >> 8 * (2 * word - length);
    } else {
        key.words[0] = key_of_few(name, length);
    }
    return key;
}

static bool is_same_name(const struct name_key *one, const struct name_key *other)
{
    return one->words[0] == other->words[0] && one->words[1] == other->words[1];
}

static struct name_entry *entry_of(const struct name_part *part, const struct name_key *key)
{
    uint64_t hash = name_hash_mix(key->words[0] ^ name_hash_mix(key->words[1]));
    uint64_t place = hash & part->mask;
    while (part->entries[place].key.words[0] != 0 &&
           !is_same_name(&part->entries[place].key, key)) {
        place = (place + 1) & part->mask;
    }
    return &part->entries[place];
}

static bool lists_name(const struct condition_names *names, const char *name)
{
    return names->count > 0 && bsearch(name, names->items, names->count, sizeof(names->items[0]),
                                       (int (*)(const void *, const void *))strcmp) != NULL;
}

static enum status name_make(struct condition_index *index, const struct condition_list *list,
                             unsigned part, const char *name)
{
    unsigned number = part - CONDITION_NAMES_FIRST;
    const struct name_key key = key_of(name);
    struct name_entry *entry = entry_of(&index->names[number], &key);
    REQUIRE(key.words[0] != 0);
    if (entry->key.words[0] != 0) {
        return STATUS_OK;
    }
    entry->key = key;
    scratch_open(index, list, part);
    for (uint32_t i = 0; i < index->count; i++) {
        if (lists_name(&condition_at(list, i)->names[number], name)) {
            scratch_turn(index, i, true);
        }
    }
    return intern(index, &entry->set);
}

static enum status names_make(struct condition_index *index, const struct condition_list *list,
                              unsigned part)
{
    unsigned number = part - CONDITION_NAMES_FIRST;
    struct name_part *made = &index->names[number];
    uint32_t count = 0;
    for (uint32_t i = 0; i < index->count; i++) {
        count += condition_at(list, i)->names[number].count;
    }
    uint64_t slots = name_hash_slots(count);
    made->mask = slots - 1;
    made->entries = calloc(slots, sizeof(made->entries[0]));
    if (made->entries == NULL) {
        return STATUS_NO_MEMORY;
    }
    scratch_open(index, list, part);
    enum status status = intern(index, &made->others);
    for (uint32_t i = 0; status == STATUS_OK && i < index->count; i++) {
        const struct condition_names *names = &condition_at(list, i)->names[number];
        for (uint32_t k = 0; status == STATUS_OK && k < names->count; k++) {
            status = name_make(index, list, part, names->items[k]);
        }
    }
    return status;
}

static enum status parts_make(struct condition_index *index, const struct condition_list *list)
{
    for (uint32_t left = index->stated; left != 0; left &= left - 1) {
        unsigned part = (unsigned)__builtin_ctz(left);
        enum status status = part < CONDITION_NUMBERS_FIRST ? bits_make(index, list, part)
                             : part < CONDITION_NAMES_FIRST ? numbers_make(index, list, part)
                                                            : names_make(index, list, part);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* Small sets stand where they are needed, large ones from a line's beginning on. */
static void refs_turn(const struct condition_index *index, set_ref *refs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        refs[i] = *set_at(index, refs[i]);
    }
}

static void refs_to_words(struct condition_index *index)
{
    for (uint32_t left = index->stated; left != 0; left &= left - 1) {
        unsigned part = (unsigned)__builtin_ctz(left);
        if (part < CONDITION_NUMBERS_FIRST) {
            refs_turn(index, index->bits[part], FACT_BITS + 1);
        } else if (part < CONDITION_NAMES_FIRST) {
            struct number_part *numbers = &index->numbers[part - CONDITION_NUMBERS_FIRST];
            refs_turn(index, numbers->sets, numbers->count);
        } else {
            struct name_part *names = &index->names[part - CONDITION_NAMES_FIRST];
            refs_turn(index, &names->others, 1);
            for (uint64_t i = 0; i <= names->mask; i++) {
                refs_turn(index, &names->entries[i].set, names->entries[i].key.words[0] != 0);
            }
        }
    }
}

static enum status sets_lay(struct condition_index *index)
{
    if (index->word_count == 1) {
        refs_to_words(index);
        free(index->sets);
        index->sets = NULL;
        return STATUS_OK;
    }
    const size_t line = LINE_WORDS * sizeof(index->sets[0]);
    const size_t bytes = (size_t)index->set_count * index->word_count * sizeof(index->sets[0]);
    uint64_t *sets = aligned_alloc(line, (bytes / line + 1) * line);
    if (sets == NULL) {
        return STATUS_NO_MEMORY;
    }
    if (bytes > 0) {
        memcpy(sets, index->sets, bytes);
    }
    free(index->sets);
    index->sets = sets;
    return STATUS_OK;
}

/* At least one bit beyond the last condition's, which says that none fits. */
static uint32_t words_of(uint32_t count)
{
    const uint32_t words = count / WORD_BITS + 1;
    const uint32_t whole = words > CHUNK_WORDS ? LINE_WORDS : CHUNK_WORDS;
    return words == 1 ? 1 : (words + whole - 1) / whole * whole;
}

struct condition_index *condition_index_create(const struct condition *first, uint32_t count,
                                               size_t stride)
{
    const struct condition_list list = {(const char *)first, stride};
    struct condition_index *index = calloc(1, sizeof(*index));
    if (index == NULL) {
        return NULL;
    }
    index->count = count;
    index->word_count = words_of(count);
    for (uint32_t i = 0; i < count; i++) {
        index->stated |= condition_at(&list, i)->stated;
    }
    index->scratch = calloc(index->word_count, sizeof(index->scratch[0]));
    bool is_made = index->scratch != NULL && parts_make(index, &list) == STATUS_OK &&
                   sets_lay(index) == STATUS_OK;
    free(index->scratch);
    free(index->places);
    index->scratch = NULL;
    index->places = NULL;
    if (!is_made) {
        condition_index_destroy(index);
        return NULL;
    }
    return index;
}

void condition_index_destroy(struct condition_index *index)
{
    if (index == NULL) {
        return;
    }
    for (unsigned i = 0; i < CONDITION_NUMBERS_COUNT; i++) {
        free(index->numbers[i].begins);
        free(index->numbers[i].sets);
    }
    for (unsigned i = 0; i < CONDITION_NAMES_COUNT; i++) {
        free(index->names[i].entries);
    }
    free(index->sets);
    free(index);
}

/* --- finding ------------------------------------------------------------------------------ */

/* The last interval that does not begin above the value. */
static set_ref numbers_set(const struct number_part *part, uint64_t value)
{
    const uint64_t *begins = part->begins;
    uint32_t count = part->count;
    while (count > 1) {
        uint32_t half = count / 2;
        begins += begins[half] <= value ? half : 0;
        count -= half;
    }
    return part->sets[begins - part->begins];
}

static set_ref names_set(const struct name_part *part, const char *name)
{
    if (name == NULL) {
        return part->others;
    }
    const struct name_key key = key_of(name);
    const struct name_entry *entry = entry_of(part, &key);
    return key.words[0] != 0 && entry->key.words[0] != 0 ? entry->set : part->others;
}

/* A fact of a part of bits is one bit or none. */
static set_ref bits_set(const set_ref sets[FACT_BITS + 1], uint64_t bits)
{
    return sets[bits == 0 ? FACT_BITS : (unsigned)__builtin_ctzll(bits)];
}

static inline set_ref part_set(const struct condition_index *index,
                               const struct condition_facts *facts, unsigned part)
{
    unsigned number = part - CONDITION_NUMBERS_FIRST;
    unsigned name = part - CONDITION_NAMES_FIRST;
    return part < CONDITION_NUMBERS_FIRST ? bits_set(index->bits[part], facts->bits[part])
           : part < CONDITION_NAMES_FIRST
               ? numbers_set(&index->numbers[number], facts->numbers[number])
               : names_set(&index->names[name], facts->names[name]);
}

static uint32_t first_of_words(const struct condition_index *index,
                               const struct condition_facts *facts)
{
    uint64_t fits = UINT64_MAX;
    for (uint32_t left = index->stated; left != 0; left &= left - 1) {
        fits &= part_set(index, facts, (unsigned)__builtin_ctz(left));
    }
    return fits == 0 ? CONDITION_INDEX_NONE : (uint32_t)__builtin_ctzll(fits);
}

/* Of a chunk that is not empty. */
static uint32_t first_bit(const uint64_t fits[CHUNK_WORDS])
{
    uint32_t word = 0;
    while (fits[word] == 0) {
        word++;
    }
    return word * WORD_BITS + (uint32_t)__builtin_ctzll(fits[word]);
}

static uint32_t first_of_sets(const struct condition_index *index,
                              const struct condition_facts *facts)
{
    const uint64_t *sets[CONDITION_PART_COUNT];
    unsigned set_count = 0;
    for (uint32_t left = index->stated; left != 0; left &= left - 1) {
        sets[set_count] = set_at(index, part_set(index, facts, (unsigned)__builtin_ctz(left)));
        __builtin_prefetch(sets[set_count++]);
    }
    for (uint32_t word = 0; word < index->word_count; word += CHUNK_WORDS) {
        uint64_t first = UINT64_MAX, second = UINT64_MAX, third = UINT64_MAX, fourth = UINT64_MAX;
        for (unsigned i = 0; i < set_count; i++) {
            const uint64_t *words = sets[i] + word;
            first &= words[0];
            second &= words[1];
            third &= words[2];
            fourth &= words[3];
        }
        if ((first | second | third | fourth) != 0) {
            const uint64_t fits[CHUNK_WORDS] = {first, second, third, fourth};
            return word * WORD_BITS + first_bit(fits);
        }
    }
    return CONDITION_INDEX_NONE;
}

uint32_t condition_index_first(const struct condition_index *index,
                               const struct condition_facts *facts)
{
    uint32_t at = index->sets == NULL ? first_of_words(index, facts) : first_of_sets(index, facts);
    return at < index->count ? at : CONDITION_INDEX_NONE;
}
