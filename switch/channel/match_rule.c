/* See match_rule.h. */
#include "switch/channel/match_rule.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"

static const struct {
    const char *word, *name;
} PARTS[] = {
#define X(name, word, text) [MATCH_##name] = {word, text},
    MATCH_PART_MAP(X)
#undef X
};

enum match_part match_part_from_name(const char *name)
{
    unsigned part = 0;
    while (part < MATCH_PART_COUNT && strcmp(PARTS[part].word, name) != 0) {
        part++;
    }
    return (enum match_part)part;
}

const char *match_part_name(enum match_part part)
{
    REQUIRE((unsigned)part < MATCH_PART_COUNT);
    return PARTS[part].name;
}

static bool pattern_fits(const char *pattern, const char *digits)
{
    if (pattern[0] == '\0') {
        return true;
    }
    for (; *pattern != '\0' && *digits != '\0'; pattern++, digits++) {
        if (*pattern != 'x' && *pattern != *digits) {
            return false;
        }
    }
    return *pattern == *digits; /* both are at their end */
}

uint32_t match_rule_parts(const struct match_rule *rules, uint32_t count, const char *mti,
                          const char *processing_code)
{
    REQUIRE(count <= MATCH_RULE_COUNT_MAX);
    for (uint32_t i = 0; i < count; i++) {
        if (pattern_fits(rules[i].mti, mti) &&
            pattern_fits(rules[i].processing_code, processing_code)) {
            return rules[i].parts | 1U << MATCH_STAN;
        }
    }
    return MATCH_PARTS_FALLBACK;
}

_Static_assert(sizeof(((struct match_values *)0)->terminal_id) ==
                   sizeof(((struct payment *)0)->terminal_id),
               "copied whole");

void match_values_take(struct match_values *values, const struct payment *payment)
{
    values->stan = payment->stan;
    values->amount = payment->amount;
    memcpy(values->terminal_id, payment->terminal_id, sizeof(values->terminal_id));
    memcpy(values->merchant_id, payment->merchant_id, sizeof(values->merchant_id));
    memcpy(values->rrn, payment->rrn, sizeof(values->rrn));
    memcpy(values->sent_at, payment->sent_at, sizeof(values->sent_at));
    memcpy(values->acquirer_id, payment->acquirer_id, sizeof(values->acquirer_id));
}

/* NULL: the part is a number. */
static const char *part_text(enum match_part part, const struct match_values *values)
{
    switch (part) {
    case MATCH_TERMINAL:
        return values->terminal_id;
    case MATCH_MERCHANT:
        return values->merchant_id;
    case MATCH_RRN:
        return values->rrn;
    case MATCH_SENT_AT:
        return values->sent_at;
    case MATCH_ACQUIRER:
        return values->acquirer_id;
    case MATCH_STAN:
    case MATCH_AMOUNT:
    case MATCH_PART_COUNT:
        break;
    }
    return NULL;
}

bool match_part_is_alike(enum match_part part, const struct match_values *left,
                         const struct match_values *right)
{
    if (part == MATCH_STAN) {
        return left->stan == right->stan;
    }
    if (part == MATCH_AMOUNT) {
        return money_equals(left->amount, right->amount);
    }
    return strcmp(part_text(part, left), part_text(part, right)) == 0;
}

void match_part_text(enum match_part part, const struct match_values *values,
                     char text[MATCH_TEXT_SIZE + 8])
{
    if (part == MATCH_STAN) {
        snprintf(text, MATCH_TEXT_SIZE + 8, "%06" PRIu32, values->stan);
    } else if (part == MATCH_AMOUNT) {
        snprintf(text, MATCH_TEXT_SIZE + 8, "%" PRId64, values->amount.minor);
    } else {
        const char *plain = part_text(part, values);
        snprintf(text, MATCH_TEXT_SIZE + 8, "%s", plain[0] != '\0' ? plain : "none");
    }
}
