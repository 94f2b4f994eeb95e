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
    X(VISA, "visa") X(MASTERCARD, "mastercard") X(JCB, "jcb") X(AMEX, "amex") X(OTHER, "other")
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
};

struct bin_table;

struct bin_table *bin_table_create(uint32_t rule_count_max);
void bin_table_destroy(struct bin_table *table);
/* STATUS_BAD_VALUE: the prefix is not `digit_count` digits. STATUS_NO_ROOM: full. */
MUST_CHECK enum status bin_table_add(struct bin_table *table, const struct bin_rule *rule);
/* STATUS_DUPLICATE: one prefix twice; `duplicate` gets it. STATUS_NO_MEMORY. */
MUST_CHECK enum status bin_table_freeze(struct bin_table *table, struct bin_rule *duplicate);
/* The rule with the longest matching prefix; NULL: none, which is an answer. The table's. */
const struct bin_rule *bin_table_find(const struct bin_table *table, const struct pan *pan);
uint32_t bin_table_count(const struct bin_table *table);
