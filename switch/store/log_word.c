/* Word tables, made once from the X-maps: the preprocessor cannot write lower case. */
#include "switch/store/log_word.h"

#include <ctype.h>
#include <pthread.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/engine.h"
#include "switch/engine/record.h"

#define WORD_COUNT_MAX 128

struct word_table {
    const char *const *upper; /* names as in the map */
    uint32_t count;
    struct log_word words[WORD_COUNT_MAX];
    char texts[WORD_COUNT_MAX][LOG_WORD_SIZE];
};

static const char *const record_kinds[] = {
#define X(name, text) #name,
    RECORD_KIND_MAP(X)
#undef X
};
static const char *const payment_kinds[] = {
#define X(name, is_reversible, text) #name,
    PAYMENT_KIND_MAP(X)
#undef X
};
static const char *const txn_reasons[] = {
#define X(name, code, text) #name,
    TXN_REASON_MAP(X)
#undef X
};
static const char *const txn_states[] = {
#define X(name, deadline, followers, text) #name,
#include "switch/engine/txn_state.def"
#undef X
};
enum { TXN_STATES = sizeof(txn_states) / sizeof(txn_states[0]) };

_Static_assert(RECORD_KIND_COUNT <= WORD_COUNT_MAX, "the table holds each kind of record");
_Static_assert(PAYMENT_KIND_COUNT <= WORD_COUNT_MAX, "the table holds each kind of payment");
_Static_assert(TXN_REASON_COUNT <= WORD_COUNT_MAX, "the table holds each reason");
_Static_assert(TXN_STATES <= WORD_COUNT_MAX, "the table holds each state");

static struct word_table tables[] = {
    [LOG_WORDS_record_kind] = {.upper = record_kinds, .count = RECORD_KIND_COUNT},
    [LOG_WORDS_payment_kind] = {.upper = payment_kinds, .count = PAYMENT_KIND_COUNT},
    [LOG_WORDS_txn_reason] = {.upper = txn_reasons, .count = TXN_REASON_COUNT},
    [LOG_WORDS_txn_state] = {.upper = txn_states, .count = TXN_STATES},
};
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void table_fill(struct word_table *table)
{
    for (uint32_t i = 0; i < table->count; i++) {
        uint32_t length = (uint32_t)strlen(table->upper[i]);
        REQUIRE(length < LOG_WORD_SIZE);
        for (uint32_t at = 0; at < length; at++) {
            table->texts[i][at] = (char)tolower((unsigned char)table->upper[i][at]);
        }
        table->words[i] = (struct log_word){.text = table->texts[i], .length = length};
    }
}

static void tables_fill(void)
{
    for (uint32_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        table_fill(&tables[i]);
    }
}

struct log_word log_word(enum log_words words, uint32_t value)
{
    pthread_once(&tables_once, tables_fill);
    REQUIRE(value < tables[words].count);
    return tables[words].words[value];
}

int log_word_find(enum log_words words, const char *text, uint32_t length)
{
    pthread_once(&tables_once, tables_fill);
    const struct word_table *table = &tables[words];
    for (uint32_t i = 0; i < table->count; i++) {
        /* The first letter tells most words apart without a call. */
        if (table->words[i].length == length && table->texts[i][0] == text[0] &&
            memcmp(table->words[i].text, text, length) == 0) {
            return (int)i;
        }
    }
    return -1;
}
