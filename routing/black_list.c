/* See black_list.h. Open addressing, at most half full; ranges and code prefixes are looked for
 * once for each length that a row has. */
#include "routing/black_list.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "routing/civil_date.h"
#include "routing/name_hash.h"

#define CHINA_US INT64_C(28800000000) /* UTC+8, no summer time */
#define KIND(name) (UINT64_C(1) << PAYMENT_##name)
#define HELD_KINDS                                                                                 \
    (KIND(BALANCE) | KIND(PURCHASE) | KIND(PREAUTH) | KIND(PREAUTH_INCREMENT) | KIND(CASH_LOAD) |  \
     KIND(OTHER_SALE) | KIND(OTHER_QUERY))

_Static_assert(sizeof(((struct pan_hash *)0)->bytes) == sizeof(((struct black_list_row *)0)->key),
               "a hash is a key");

struct black_list {
    struct black_list_row *rows;          /* owner */
    uint32_t *slots;                      /* owner; row + 1, 0: free */
    const struct black_list_row **ranges; /* owner; rows of BINs by their digits */
    uint32_t range_count;
    uint32_t row_count, row_count_max;
    uint64_t slot_mask;
    uint32_t lengths[BLACK_LIST_KIND_COUNT]; /* a bit for each length of keys */
    bool is_frozen;
};

static const struct {
    const char *word, *code, *text;
} KINDS[] = {
#define X(name, word, code, text) {word, code, text},
    BLACK_LIST_KIND_MAP(X)
#undef X
};

const char *black_list_kind_word(enum black_list_kind kind)
{
    REQUIRE((unsigned)kind < BLACK_LIST_KIND_COUNT);
    return KINDS[kind].word;
}

const char *black_list_key_text(enum black_list_kind kind)
{
    REQUIRE((unsigned)kind < BLACK_LIST_KIND_COUNT);
    return KINDS[kind].text;
}

enum black_list_kind black_list_kind_find(const char *word)
{
    unsigned kind = 0;
    while (kind < BLACK_LIST_KIND_COUNT && strcmp(KINDS[kind].word, word) != 0) {
        kind++;
    }
    return (enum black_list_kind)kind;
}

/* --- building ----------------------------------------------------------------------------- */

struct black_list *black_list_create(uint32_t row_count_max)
{
    struct black_list *list = calloc(1, sizeof(*list));
    if (list == NULL) {
        return NULL;
    }
    list->row_count_max =
        row_count_max < BLACK_LIST_ROW_COUNT_MAX ? row_count_max : BLACK_LIST_ROW_COUNT_MAX;
    list->rows = calloc((size_t)list->row_count_max + 1, sizeof(list->rows[0]));
    if (list->rows == NULL) {
        free(list);
        return NULL;
    }
    return list;
}

void black_list_destroy(struct black_list *list)
{
    if (list != NULL) {
        free(list->rows);
        free(list->slots);
        free(list->ranges);
        free(list);
    }
}

static int hex_value(char digit)
{
    static const char DIGITS[] = "0123456789abcdef";
    const char lower = digit >= 'A' && digit <= 'F' ? (char)(digit + ('a' - 'A')) : digit;
    const char *at = lower == '\0' ? NULL : strchr(DIGITS, lower);
    return at == NULL ? -1 : (int)(at - DIGITS);
}

static enum status hash_read(struct black_list_row *row, const char *text)
{
    for (uint32_t i = 0; i < sizeof(row->key); i++) {
        int high = hex_value(text[2 * i]);
        int low = high < 0 ? -1 : hex_value(text[2 * i + 1]);
        if (low < 0) {
            return STATUS_BAD_VALUE;
        }
        row->key[i] = (uint8_t)(high << 4 | low);
    }
    row->key_length = sizeof(row->key);
    return text[2 * sizeof(row->key)] == '\0' ? STATUS_OK : STATUS_BAD_VALUE;
}

/* Printable, and as long as fields 41 and 42 are; terminals pad theirs to eight. */
static bool is_name(const char *text, size_t length, size_t least, size_t most)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            return false;
        }
    }
    return length >= least && length <= most;
}

enum status black_list_key_read(struct black_list_row *row, const char *text)
{
    REQUIRE(row->kind < BLACK_LIST_KIND_COUNT);
    size_t length = strnlen(text, sizeof(row->key) + 1);
    bool is_digits = length > 0 && digits_are_decimal(text, (uint32_t)length);
    bool is_good = false;
    switch ((enum black_list_kind)row->kind) {
    case BLACK_LIST_CARD_HASH:
        return hash_read(row, text);
    case BLACK_LIST_BIN:
        is_good =
            is_digits && length >= BLACK_LIST_BIN_DIGITS_MIN && length <= BLACK_LIST_BIN_DIGITS_MAX;
        break;
    case BLACK_LIST_PAY_CODE_PREFIX:
        is_good = is_digits && length >= BLACK_LIST_CODE_DIGITS_MIN &&
                  length <= BLACK_LIST_CODE_DIGITS_MAX;
        break;
    case BLACK_LIST_MERCHANT:
        is_good = is_name(text, length, 1, 15);
        break;
    case BLACK_LIST_TERMINAL:
        is_good = is_name(text, length, 8, 8);
        break;
    case BLACK_LIST_KIND_COUNT:
        break;
    }
    if (!is_good) {
        return STATUS_BAD_VALUE;
    }
    memset(row->key, 0, sizeof(row->key));
    memcpy(row->key, text, length);
    row->key_length = (uint8_t)length;
    return STATUS_OK;
}

enum status black_list_add(struct black_list *list, const struct black_list_row *row)
{
    REQUIRE(!list->is_frozen);
    REQUIRE(row->kind < BLACK_LIST_KIND_COUNT && row->key_length > 0);
    if (list->row_count == list->row_count_max) {
        return STATUS_NO_ROOM;
    }
    list->rows[list->row_count++] = *row;
    list->lengths[row->kind] |= 1u << row->key_length;
    return STATUS_OK;
}

static uint64_t key_hash(uint8_t kind, const uint8_t key[16])
{
    uint64_t words[2];
    memcpy(words, key, sizeof(words));
    return name_hash_mix(words[0] ^ name_hash_mix(words[1] + kind));
}

/* The row of that key, or the free slot where it would stand. */
static uint32_t *slot_of(const struct black_list *list, uint8_t kind, const uint8_t key[16])
{
    uint64_t at = key_hash(kind, key) & list->slot_mask;
    while (list->slots[at] != 0) {
        const struct black_list_row *row = &list->rows[list->slots[at] - 1];
        if (row->kind == kind && memcmp(row->key, key, sizeof(row->key)) == 0) {
            break;
        }
        at = (at + 1) & list->slot_mask;
    }
    return &list->slots[at];
}

static int range_order(const void *left, const void *right)
{
    const struct black_list_row *const *l = left, *const *r = right;
    return memcmp((*l)->key, (*r)->key, sizeof((*l)->key));
}

static enum status sort_ranges(struct black_list *list)
{
    list->ranges = calloc((size_t)list->row_count + 1, sizeof(struct black_list_row *));
    if (list->ranges == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < list->row_count; i++) {
        if (list->rows[i].kind == BLACK_LIST_BIN) {
            list->ranges[list->range_count++] = &list->rows[i];
        }
    }
    qsort(list->ranges, list->range_count, sizeof(struct black_list_row *), range_order);
    return STATUS_OK;
}

enum status black_list_freeze(struct black_list *list, const struct black_list_row **fault,
                              const struct black_list_row **first)
{
    REQUIRE(!list->is_frozen);
    uint64_t slot_count = name_hash_slots(list->row_count);
    list->slots = calloc(slot_count, sizeof(list->slots[0]));
    if (list->slots == NULL) {
        return STATUS_NO_MEMORY;
    }
    list->slot_mask = slot_count - 1;
    for (uint32_t i = 0; i < list->row_count; i++) {
        uint32_t *slot = slot_of(list, list->rows[i].kind, list->rows[i].key);
        if (*slot != 0) {
            *fault = &list->rows[i];
            *first = &list->rows[*slot - 1];
            return STATUS_DUPLICATE;
        }
        *slot = i + 1;
    }
    list->is_frozen = true;
    return sort_ranges(list);
}

uint32_t black_list_count(const struct black_list *list)
{
    return list->row_count;
}

/* --- finding ------------------------------------------------------------------------------ */

bool black_list_kind_is_held(enum payment_kind kind)
{
    return (HELD_KINDS >> kind & 1) != 0;
}

static const struct black_list_row *find(const struct black_list *list, enum black_list_kind kind,
                                         const void *key, uint32_t length, int32_t day)
{
    uint8_t padded[16] = {0};
    REQUIRE(length <= sizeof(padded));
    if ((list->lengths[kind] >> length & 1) == 0) {
        return NULL;
    }
    memcpy(padded, key, length);
    uint32_t slot = *slot_of(list, (uint8_t)kind, padded);
    const struct black_list_row *row = slot == 0 ? NULL : &list->rows[slot - 1];
    return row != NULL && day >= row->from_day && day < row->until_day ? row : NULL;
}

/* The longest prefix of `digits` that is in force. */
static const struct black_list_row *find_prefix(const struct black_list *list,
                                                enum black_list_kind kind, const char *digits,
                                                uint32_t count, int32_t day)
{
    const struct black_list_row *row = NULL;
    uint32_t length = count < BLACK_LIST_BIN_DIGITS_MAX ? count : BLACK_LIST_BIN_DIGITS_MAX;
    _Static_assert(BLACK_LIST_BIN_DIGITS_MAX == BLACK_LIST_CODE_DIGITS_MAX, "one bound for both");
    for (; row == NULL && length > 0 && list->lengths[kind] != 0; length--) {
        row = find(list, kind, digits, length, day);
    }
    return row;
}

static const struct black_list_row *find_card(const struct black_list *list,
                                              const struct payment *payment, int32_t day)
{
    if (payment->pan.digit_count == 0) {
        return NULL;
    }
    const struct black_list_row *row = find(list, BLACK_LIST_CARD_HASH, payment->pan_hash.bytes,
                                            sizeof(payment->pan_hash.bytes), day);
    return row != NULL ? row
                       : find_prefix(list, BLACK_LIST_BIN, payment->pan.digits,
                                     payment->pan.digit_count, day);
}

static int32_t day_of(int64_t wall_us)
{
    return wall_us < 0 ? 0 : (int32_t)((wall_us + CHINA_US) / CIVIL_DAY_US);
}

const struct black_list_row *black_list_find(const struct black_list *list,
                                             const struct payment *payment, int64_t wall_us)
{
    REQUIRE(list->is_frozen);
    int32_t day = day_of(wall_us);
    const struct black_list_row *row =
        find(list, BLACK_LIST_MERCHANT, payment->merchant_id,
             (uint32_t)strnlen(payment->merchant_id, sizeof(payment->merchant_id) - 1), day);
    if (row == NULL) {
        row = find(list, BLACK_LIST_TERMINAL, payment->terminal_id,
                   (uint32_t)strnlen(payment->terminal_id, sizeof(payment->terminal_id) - 1), day);
    }
    if (row == NULL) {
        row = find_card(list, payment, day);
    }
    if (row == NULL) {
        row = find_prefix(list, BLACK_LIST_PAY_CODE_PREFIX, payment->pay_code,
                          (uint32_t)strnlen(payment->pay_code, sizeof(payment->pay_code) - 1), day);
    }
    return row;
}

/* The first of the sorted ranges that is not before these digits. */
static uint32_t range_at(const struct black_list *list, const uint8_t key[16])
{
    uint32_t low = 0, high = list->range_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (memcmp(list->ranges[middle]->key, key, sizeof(list->ranges[middle]->key)) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct black_list_row *black_list_find_longer(const struct black_list *list,
                                                    const char *digits, int64_t wall_us)
{
    REQUIRE(list->is_frozen);
    uint8_t key[16] = {0};
    size_t length = strnlen(digits, sizeof(key));
    int32_t day = day_of(wall_us);
    memcpy(key, digits, length);
    for (uint32_t i = range_at(list, key); i < list->range_count; i++) {
        const struct black_list_row *row = list->ranges[i];
        if (memcmp(row->key, key, length) != 0) {
            break;
        }
        if (row->key_length > length && day >= row->from_day && day < row->until_day) {
            return row;
        }
    }
    return NULL;
}

bool black_list_has_hashes(const struct black_list *list)
{
    return list->lengths[BLACK_LIST_CARD_HASH] != 0;
}

const char *black_list_code(const struct black_list_row *row)
{
    return row->response_code[0] != '\0' ? row->response_code : KINDS[row->kind].code;
}
