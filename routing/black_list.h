/* Black lists: cards, ranges of cards, merchants, terminals and payment codes that are refused
 * before anything is routed.
 *
 * A card stands in it by the keyed hash that the log shows (I32: no card number in a file), or by
 * the first digits of a range. What takes money, and a query, is refused; what gives back, undoes
 * or has happened already is not.
 *
 * Life:  create -> add ... -> freeze -> find ... -> destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"
#include "protocols/payment.h"

#define BLACK_LIST_ROW_COUNT_MAX 2000000u
#define BLACK_LIST_REASON_SIZE 32
/* The digits of a range; longer ones could name a card. */
#define BLACK_LIST_BIN_DIGITS_MIN 4
#define BLACK_LIST_BIN_DIGITS_MAX 10
#define BLACK_LIST_CODE_DIGITS_MIN 2
#define BLACK_LIST_CODE_DIGITS_MAX 10

/* X(NAME, "word", response code, what a key looks like) */
#define BLACK_LIST_KIND_MAP(X)                                                                     \
    X(CARD_HASH, "card_hash", "62", "the card's hash as the log shows it, 32 hex digits")          \
    X(BIN, "bin", "62", "the first 4 to 10 digits of a card number, never all of them")            \
    X(MERCHANT, "merchant", "03", "a merchant id of 1 to 15 characters")                           \
    X(TERMINAL, "terminal", "58", "a terminal id of 8 characters")                                 \
    X(PAY_CODE_PREFIX, "pay_code_prefix", "62", "the first 2 to 10 digits of a payment code")

enum black_list_kind {
#define X(name, word, code, text) BLACK_LIST_##name,
    BLACK_LIST_KIND_MAP(X)
#undef X
        BLACK_LIST_KIND_COUNT
};
const char *black_list_kind_word(enum black_list_kind kind);
/* BLACK_LIST_KIND_COUNT: no such word. */
enum black_list_kind black_list_kind_find(const char *word);
const char *black_list_key_text(enum black_list_kind kind); /* what is expected of a key */

struct black_list_row {
    uint8_t kind;          /* enum black_list_kind */
    uint8_t key_length;    /* bytes */
    uint8_t key[16];       /* the hash itself; digits and names as text */
    int32_t from_day;      /* days since 1970 in China; INT32_MIN: since ever */
    int32_t until_day;     /* not included; INT32_MAX: for ever */
    uint32_t line;         /* in its file */
    char response_code[3]; /* empty: the kind's */
    char reason[BLACK_LIST_REASON_SIZE];
};

struct black_list;

struct black_list *black_list_create(uint32_t row_count_max);
void black_list_destroy(struct black_list *list);
/* Turns a key's text into the row's. STATUS_BAD_VALUE: not what black_list_key_text() says. */
MUST_CHECK enum status black_list_key_read(struct black_list_row *row, const char *text);
/* STATUS_NO_ROOM. */
MUST_CHECK enum status black_list_add(struct black_list *list, const struct black_list_row *row);
/* STATUS_DUPLICATE: a key twice; `fault` and `first` are the two rows, the list's.
 * STATUS_NO_MEMORY. */
MUST_CHECK enum status black_list_freeze(struct black_list *list,
                                         const struct black_list_row **fault,
                                         const struct black_list_row **first);
uint32_t black_list_count(const struct black_list *list);

/* Whether payments of this kind are held against the list at all. */
bool black_list_kind_is_held(enum payment_kind kind);
/* The row in force that this payment's merchant, terminal, card or code stands in, in this order;
 * NULL: none. Of ranges the longest. The list's. */
const struct black_list_row *black_list_find(const struct black_list *list,
                                             const struct payment *payment, int64_t wall_us);
/* A range in force that begins with these first digits of a card number and has more of them, so
 * that those would decide; NULL: none. The list's. */
const struct black_list_row *black_list_find_longer(const struct black_list *list,
                                                    const char *digits, int64_t wall_us);
/* Whether cards stand in it by their hash, of which first digits tell nothing. */
bool black_list_has_hashes(const struct black_list *list);
/* Field 39 of the refusal. */
const char *black_list_code(const struct black_list_row *row);
