/* See condition_words.h. */
#include "routing/condition_words.h"

#include <stddef.h>
#include <string.h>

#include "protocols/base/document.h"
#include "protocols/base/require.h"
#include "routing/condition.h"

#define WORD_COUNT_MAX 64

#define X(name, text) text,
static const char *const SCHEME_WORDS[] = {CARD_SCHEME_MAP(X)};
static const char *const CARD_TYPE_WORDS[] = {CARD_TYPE_MAP(X)};
static const char *const PRODUCT_WORDS[] = {CONDITION_PRODUCT_MAP(X)};
static const char *const WEEKDAY_WORDS[] = {CONDITION_WEEKDAY_MAP(X)};
#undef X
static const char *const CLASS_WORDS[] = {
    [MERCHANT_STANDARD] = "standard",
    [MERCHANT_PREFERENTIAL] = "preferential",
    [MERCHANT_EXEMPT] = "exempt",
};

#define WORDS_OF(list)                                                                             \
    {                                                                                              \
        list, sizeof(list) / sizeof((list)[0])                                                     \
    }

static const struct {
    const char *const *words;
    unsigned count;
} LISTS[] = {
    [CONDITION_SCHEME] = WORDS_OF(SCHEME_WORDS),
    [CONDITION_CARD_TYPE] = WORDS_OF(CARD_TYPE_WORDS),
    [CONDITION_KIND] = {NULL, PAYMENT_KIND_COUNT}, /* kinds name themselves */
    [CONDITION_CLASS] = WORDS_OF(CLASS_WORDS),
    [CONDITION_PRODUCT] = WORDS_OF(PRODUCT_WORDS),
    [CONDITION_WEEKDAY] = WORDS_OF(WEEKDAY_WORDS),
};
_Static_assert(sizeof(LISTS) / sizeof(LISTS[0]) == CONDITION_BITS_COUNT, "every set has words");
_Static_assert(PAYMENT_KIND_COUNT <= WORD_COUNT_MAX, "a list of words holds the kinds");

const char *condition_word(unsigned part, unsigned bit)
{
    REQUIRE(part < CONDITION_BITS_COUNT);
    if (bit >= LISTS[part].count) {
        return NULL;
    }
    return part == CONDITION_KIND ? payment_kind_name((enum payment_kind)bit)
                                  : LISTS[part].words[bit];
}

int condition_word_find(unsigned part, const char *text)
{
    for (unsigned bit = 0; condition_word(part, bit) != NULL; bit++) {
        if (strcmp(condition_word(part, bit), text) == 0) {
            return (int)bit;
        }
    }
    return -1;
}

const char *condition_word_nearest(unsigned part, const char *text)
{
    const char *words[WORD_COUNT_MAX + 1] = {0};
    for (unsigned bit = 0; condition_word(part, bit) != NULL; bit++) {
        words[bit] = condition_word(part, bit);
    }
    return document_nearest(text, words);
}
