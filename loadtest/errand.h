/* What a terminal does between payments: signs on and off, fetches keys and parameters, tells its
 * state, settles. One at a time, each a conversation of one or more messages. Pure: frames out,
 * answers in.
 *
 *   CA keys     0820/372 the list, 0800/370 each one, 0800/371 the end (unionpay-pos section 8)
 *   AIDs        0820/382, 0800/380, 0800/381
 *   parameters  0800/360, 0800/361
 *
 * Life:  errand_begin -> build, take ... until ERRAND_OVER -> errand_end
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/settlement.h"

/* X(NAME, "word in profiles"), most urgent first. */
#define ERRAND_MAP(X)                                                                              \
    X(SIGN_ON, "sign_on")                                                                          \
    X(CA_KEYS, "ca_keys")                                                                          \
    X(AIDS, "aids")                                                                                \
    X(PARAMETERS, "parameters")                                                                    \
    X(STATUS, "status")                                                                            \
    X(ECHO, "echo")                                                                                \
    X(SETTLE, "settle")                                                                            \
    X(SIGN_OFF, "sign_off")

enum errand_kind {
#define X(name, word) ERRAND_##name,
    ERRAND_MAP(X)
#undef X
        ERRAND_COUNT
};
/* ERRAND_COUNT: none has that name. */
enum errand_kind errand_from_word(const char *word);
/* What the digit of an answer's header asks for; ERRAND_COUNT: nothing a terminal here can do. */
enum errand_kind errand_from_request(uint8_t digit);

#define ERRAND_LIST_BYTES_MAX 2048 /* names of all keys or applications, as they were listed */

enum errand_stage { ERRAND_FIRST, ERRAND_ITEMS, ERRAND_LAST, ERRAND_OVER };

struct errand {
    enum errand_kind kind;
    enum errand_stage stage;
    bool is_sent; /* the message of this stage has left, and is not answered */
    uint32_t stan;
    uint32_t refusals;             /* of the message under way */
    uint32_t listed_count;         /* items the list has named so far */
    uint32_t list_length, list_at; /* bytes; list_at: of the item under way */
    uint8_t *list;                 /* owner */
    struct settlement settlement;
};

/* `deviation` matters to ERRAND_SETTLE alone. STATUS_NO_MEMORY. */
MUST_CHECK enum status errand_begin(struct errand *errand, enum errand_kind kind,
                                    const struct journal *journal,
                                    enum settlement_deviation deviation);
void errand_end(struct errand *errand);

/* The next message, or the same again when the last one was not answered. `stan` is the next trace
 * number; true in *is_stan_used: the message has it. */
struct byte_view errand_build(struct errand *errand, struct pos_writer *writer,
                              const struct pos_identity *identity, uint32_t stan,
                              bool *is_stan_used);
bool errand_is_answer(const struct errand *errand, const struct pos_answer *answer);
/* STATUS_BAD_VALUE: refused. STATUS_MALFORMED: the answer makes no sense. Both leave the errand
 * where it is. */
MUST_CHECK enum status errand_take(struct errand *errand, const struct pos_answer *answer);
