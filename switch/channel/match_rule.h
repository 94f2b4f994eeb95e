/* By what an answer is told to belong to a request: the trace number always, and what a rule names
 * beside it, by message type and processing code of the request (ISO 8583:1987 leaves it to the two
 * sides which fields an answer gives back).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/payment.h"

/* X(NAME, "word", "in a sentence") */
#define MATCH_PART_MAP(X)                                                                          \
    X(STAN, "stan", "STAN")                                                                        \
    X(TERMINAL, "terminal", "terminal")                                                            \
    X(MERCHANT, "merchant", "merchant")                                                            \
    X(RRN, "rrn", "RRN")                                                                           \
    X(AMOUNT, "amount", "amount")                                                                  \
    X(SENT_AT, "sent_at", "transmission time")                                                     \
    X(ACQUIRER, "acquirer", "acquirer")

enum match_part {
#define X(name, word, text) MATCH_##name,
    MATCH_PART_MAP(X)
#undef X
        MATCH_PART_COUNT
};

/* MATCH_PART_COUNT: no part has that name. */
enum match_part match_part_from_name(const char *name);

#define MATCH_RULE_COUNT_MAX 16
#define MATCH_PARTS_FALLBACK (1U << MATCH_STAN | 1U << MATCH_TERMINAL)

struct match_rule {
    char mti[5];             /* of the request, x stands for any digit; empty: any */
    char processing_code[7]; /* the same */
    uint32_t parts;          /* bits by enum match_part */
};

/* The parts of the first rule that fits; MATCH_PARTS_FALLBACK when none does. The trace number is
 * always among them. `mti` may be empty where no rule names one. */
uint32_t match_rule_parts(const struct match_rule *rules, uint32_t count, const char *mti,
                          const char *processing_code);

/* What is compared of a request, copied out of it. */
#define MATCH_TEXT_SIZE 16
struct match_values {
    uint32_t stan;
    struct money amount;
    char terminal_id[9];
    char merchant_id[16];
    char rrn[13];
    char sent_at[11];
    char acquirer_id[12];
};
void match_values_take(struct match_values *values, const struct payment *payment);
/* Whether one part is alike. */
bool match_part_is_alike(enum match_part part, const struct match_values *left,
                         const struct match_values *right);
/* "10000001"; of a trace number six digits, of an amount minor units; "none" when absent. */
void match_part_text(enum match_part part, const struct match_values *values,
                     char text[MATCH_TEXT_SIZE + 8]);
const char *match_part_name(enum match_part part);
