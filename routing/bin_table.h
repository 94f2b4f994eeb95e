/* Card-number ranges: which issuer, scheme and kind of card a number belongs to.
 *
 * A range is a prefix of 1 to 12 digits. Prefixes nest; the longest that matches wins. A table is
 * filled once, frozen into an order that finds in cache-friendly steps, and only read from then on.
 *
 * Life:  create -> add ... -> freeze -> find ... -> destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/pan.h"
#include "protocols/base/status.h"

#define BIN_DIGITS_MIN 1
#define BIN_DIGITS_MAX 12

#define CARD_SCHEME_MAP(X)                                                                         \
    X(UNIONPAY, "unionpay")                                                                        \
    X(VISA, "visa")                                                                                \
    X(MASTERCARD, "mastercard")                                                                    \
    X(JCB, "jcb") X(AMEX, "amex") X(OTHER, "other") X(ALIPAY, "alipay") X(WECHAT, "wechat")
enum card_scheme {
#define X(name, text) CARD_SCHEME_##name,
    CARD_SCHEME_MAP(X)
#undef X
};
#define CARD_TYPE_MAP(X)                                                                           \
    X(DEBIT, "debit") X(CREDIT, "credit") X(PREPAID, "prepaid") X(FOREIGN, "foreign")
enum card_type {
#define X(name, text) CARD_TYPE_##name,
    CARD_TYPE_MAP(X)
#undef X
};

struct bin_rule {
    uint64_t prefix;     /* 622848 for cards that begin with 622848 */
    uint8_t digit_count; /* of the prefix; zeros in front count */
    uint8_t pan_digits;  /* exact length of the card number; 0: any */
    uint8_t scheme;      /* enum card_scheme */
    uint8_t card_type;   /* enum card_type */
    uint16_t issuer;     /* our number for the bank */
    uint8_t group;       /* as bin_table_group() numbered it; 0: none */
};

#define BIN_GROUP_COUNT_MAX 64 /* numbers 0 (none) .. 63 */
#define BIN_GROUP_NAME_SIZE 16

struct bin_table;

struct bin_table *bin_table_create(uint32_t rule_count_max);
void bin_table_destroy(struct bin_table *table);
/* The number of a group of BINs by its name, a new one where it has none yet; 0: the name is not 1
 * to 15 characters, or there are BIN_GROUP_COUNT_MAX - 1 already. Before freeze. */
uint8_t bin_table_group(struct bin_table *table, const char *name);
/* NULL: no group has that number. The table's. */
const char *bin_table_group_name(const struct bin_table *table, uint8_t group);
/* Numbers are 0 .. count - 1. */
uint8_t bin_table_group_count(const struct bin_table *table);
/* STATUS_BAD_VALUE: the prefix is not `digit_count` digits. STATUS_NO_ROOM: full. */
MUST_CHECK enum status bin_table_add(struct bin_table *table, const struct bin_rule *rule);
/* STATUS_DUPLICATE: one prefix twice; `duplicate` gets it. STATUS_NO_MEMORY. */
MUST_CHECK enum status bin_table_freeze(struct bin_table *table, struct bin_rule *duplicate);
/* The rule with the longest matching prefix; NULL: none, which is an answer. The table's. */
const struct bin_rule *bin_table_find(const struct bin_table *table, const struct pan *pan);
/* The same find in three steps, each of which has the cache fetch what the next one reads: whoever
 * has something else to do in between does not wait for memory. */
struct bin_search {
    uint64_t bucket;
    uint32_t begin;      /* the card's digits behind those of the bucket */
    uint32_t low, guess; /* intervals, as the next three: the bucket's, and the likeliest of them */
    uint32_t left, right, high;
    bool is_card; /* it has the digits that a find takes */
};
void bin_table_search_begin(const struct bin_table *table, const struct pan *pan,
                            struct bin_search *search);
void bin_table_search_near(const struct bin_table *table, struct bin_search *search);
/* As bin_table_find. What the answer points at is being fetched, too. */
const struct bin_rule *bin_table_search_end(const struct bin_table *table,
                                            const struct bin_search *search);
/* Whether all card numbers from `low` to `high`, both with their twelve digits, find one and the
 * same rule, or none. */
bool bin_table_is_sole(const struct bin_table *table, const struct pan *low,
                       const struct pan *high);
uint32_t bin_table_count(const struct bin_table *table);
