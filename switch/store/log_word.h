/* The words that stand in the log for enumerators: 'intent', 'purchase', 'no_answer'.
 *
 * They are the names of the X-maps in lower case. Words outlive the numbers: a new enumerator in
 * the middle of a map renumbers those behind it and must not change what an old log says.
 */
#pragma once

#include <stdint.h>

#define LOG_WORD_SIZE 32

enum log_words {
    LOG_WORDS_record_kind,
    LOG_WORDS_payment_kind,
    LOG_WORDS_txn_reason,
    LOG_WORDS_txn_state
};

struct log_word {
    const char *text;
    uint32_t length;
};

/* REQUIREs that `value` is an enumerator of that map. */
struct log_word log_word(enum log_words words, uint32_t value);
/* The enumerator spelled so, or -1. */
int log_word_find(enum log_words words, const char *text, uint32_t length);
