/* When a rule applies: what route rules and fee rules have in common.
 *
 * A condition states some parts and leaves the rest open. Whatever a part is written as, it is held
 * as one of three shapes: a set of bits, a list of number ranges (prefixes of digits are ranges),
 * or a list of names. So match, overlap and cover are written once.
 *
 * Life:  condition_read -> matches, overlaps, covers ... -> condition_release
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/digits.h"
#include "protocols/base/document.h"
#include "protocols/base/money.h"
#include "protocols/payment.h"
#include "routing/bin_table.h"
#include "routing/channel_table.h"
#include "routing/merchant_table.h"
#include "routing/terminal_table.h"

#define CONDITION_NAME_SIZE 16
#define CONDITION_ITEM_COUNT_MAX 1024 /* of one part of one rule */

/* X(NAME, "member", sentence). The shapes stand together: bits, then numbers, then names. */
#define CONDITION_BITS_MAP(X)                                                                      \
    X(SCHEME, "scheme", "scheme of the card")                                                      \
    X(CARD_TYPE, "card_type", "debit, credit, prepaid or foreign")                                 \
    X(KIND, "kind", "transaction type")                                                            \
    X(CLASS, "merchant_class", "standard, preferential or exempt")                                 \
    X(PRODUCT, "product", "how the card was read, and small contactless")                          \
    X(WEEKDAY, "weekday", "day of the week, by the file's clock")
#define CONDITION_NUMBERS_MAP(X)                                                                   \
    X(AMOUNT, "amount", "amount_min to amount_max, both included")                                 \
    X(MONTH, "month", "month_min to month_max: what the merchant took this month before")          \
    X(DATE, "date", "from (included) until (not included)")                                        \
    X(HOURS, "hours", "minutes of the day, by the file's clock")                                   \
    X(MCC, "mcc", "registered category, or a range of them")                                       \
    X(CURRENCY, "currency", "ISO 4217 number")                                                     \
    X(ENTRY_MODE, "entry_mode", "first digits of field 22")                                        \
    X(REGION, "region", "first digits of the region in field 42")                                  \
    X(BIN, "bin", "first digits of the card number")
#define CONDITION_NAMES_MAP(X)                                                                     \
    X(MERCHANT, "merchant", "merchant id")                                                         \
    X(BRAND, "brand", "brand of the terminal")                                                     \
    X(MODEL, "model", "model of the terminal")                                                     \
    X(AGENT, "agent", "agent of the merchant")                                                     \
    X(BIN_GROUP, "bin_group", "group of BINs, a column of their table")                            \
    X(CHANNEL, "channel", "destination")
#define CONDITION_PART_MAP(X) CONDITION_BITS_MAP(X) CONDITION_NUMBERS_MAP(X) CONDITION_NAMES_MAP(X)

enum condition_part {
#define X(name, member, text) CONDITION_##name,
    CONDITION_PART_MAP(X)
#undef X
        CONDITION_PART_COUNT
};
#define CONDITION_NUMBERS_FIRST CONDITION_AMOUNT
#define CONDITION_NAMES_FIRST CONDITION_MERCHANT
#define CONDITION_BITS_COUNT CONDITION_NUMBERS_FIRST
#define CONDITION_NUMBERS_COUNT (CONDITION_NAMES_FIRST - CONDITION_NUMBERS_FIRST)
#define CONDITION_NAMES_COUNT (CONDITION_PART_COUNT - CONDITION_NAMES_FIRST)
#define CONDITION_BIT(part) (UINT32_C(1) << (part))

#define CONDITION_PRODUCT_MAP(X)                                                                   \
    X(MANUAL, "manual")                                                                            \
    X(MAGNETIC, "magnetic")                                                                        \
    X(IC, "ic")                                                                                    \
    X(CONTACTLESS, "contactless") X(SMALL_CONTACTLESS, "small_contactless") X(QR, "qr")
enum condition_product {
#define X(name, text) CONDITION_PRODUCT_##name,
    CONDITION_PRODUCT_MAP(X)
#undef X
};

#define CONDITION_WEEKDAY_MAP(X)                                                                   \
    X(SUNDAY, "sun")                                                                               \
    X(MONDAY, "mon")                                                                               \
    X(TUESDAY, "tue") X(WEDNESDAY, "wed") X(THURSDAY, "thu") X(FRIDAY, "fri") X(SATURDAY, "sat")

/* How a file writes its conditions. */
struct condition_form {
    uint32_t parts;             /* CONDITION_BIT of those that may be stated */
    uint16_t currency;          /* of amounts in the file */
    int64_t utc_offset_us;      /* dates, weekdays and hours are of the clock there */
    int64_t small_amount_minor; /* up to this contactless without PIN is the small product */
    const struct channel_table *channels; /* names of channels must be in it; NULL: any */
    const struct bin_table *bins;         /* names of BIN groups must be in it; NULL: any */
};

struct condition_numbers {
    struct number_range *items; /* owner; sorted, apart from each other */
    uint32_t count;
};

struct condition_names {
    char (*items)[CONDITION_NAME_SIZE]; /* owner; sorted */
    uint32_t count;
};

struct condition {
    uint32_t stated; /* CONDITION_BIT of parts; the others are open */
    uint64_t bits[CONDITION_BITS_COUNT];
    struct condition_numbers numbers[CONDITION_NUMBERS_COUNT];
    struct condition_names names[CONDITION_NAMES_COUNT];
};

/* The list of one part, empty where it is not stated. */
static inline const struct condition_numbers *
condition_numbers_of(const struct condition *condition, enum condition_part part)
{
    return &condition->numbers[part - CONDITION_NUMBERS_FIRST];
}

static inline const struct condition_names *condition_names_of(const struct condition *condition,
                                                               enum condition_part part)
{
    return &condition->names[part - CONDITION_NAMES_FIRST];
}

/* Reads the parts that `form` allows out of a mapping; others are not looked at (the caller refuses
 * unknown members with condition_members). Faults go into the document.
 * STATUS_BAD_VALUE: faulty. STATUS_NO_MEMORY. Released by the caller in any case. */
MUST_CHECK enum status condition_read(struct condition *condition, struct document *document,
                                      const struct document_node *node,
                                      const struct condition_form *form);
void condition_release(struct condition *condition);

/* Appends the members by which the parts are written to `known`, which has room for
 * CONDITION_MEMBER_COUNT_MAX more; the new count. */
#define CONDITION_MEMBER_COUNT_MAX (CONDITION_PART_COUNT + 3)
uint32_t condition_members(uint32_t parts, const char **known, uint32_t count);

/* How many parts are stated: the more, the more specific. */
uint32_t condition_weight(const struct condition *condition);

/* What a condition is held against. Absent: no bit, UINT64_MAX, NULL; they fit no stated part. */
struct condition_facts {
    uint64_t bits[CONDITION_BITS_COUNT];
    uint64_t numbers[CONDITION_NUMBERS_COUNT];
    const char *names[CONDITION_NAMES_COUNT];
};
#define CONDITION_ABSENT UINT64_MAX

struct condition_subject {
    const struct payment *payment;
    struct money amount;
    int64_t wall_us;
    int64_t month_minor;                 /* of the merchant, without this payment */
    const struct bin_rule *bin;          /* NULL: none */
    const struct merchant_row *merchant; /* NULL: none */
    const struct terminal_row *terminal; /* NULL: none */
    const char *channel;                 /* NULL: not chosen yet */
    const char *bin_group;               /* NULL: in none */
    const char *agent;                   /* NULL: none brought the merchant */
};

/* The facts borrow the subject's rows and texts. Those that cost something to find and that the
 * form lets no rule state (weekday, hours, entry mode, region, BIN) are absent. */
void condition_facts_fill(struct condition_facts *facts, const struct condition_subject *subject,
                          const struct condition_form *form);

bool condition_matches(const struct condition *condition, const struct condition_facts *facts);
/* The first stated part that does not fit, or CONDITION_PART_COUNT. */
enum condition_part condition_mismatch(const struct condition *condition,
                                       const struct condition_facts *facts);

/* Whether both may match one payment, as far as each part by itself tells. */
bool condition_overlaps(const struct condition *left, const struct condition *right);
/* Whether all that `narrow` matches is matched by `wide`. */
bool condition_covers(const struct condition *wide, const struct condition *narrow);
/* Whether all that `narrow` matches is matched by one of several, which cover it in all parts but
 * this one; a part of `narrow` that is not stated is never covered so. */
bool condition_part_is_covered(const struct condition *const *several, uint32_t count,
                               const struct condition *narrow, enum condition_part part);
/* The same of `wide` alone, whatever it states of that part. */
bool condition_covers_but(const struct condition *wide, const struct condition *narrow,
                          enum condition_part part);
/* Whether all that both match is matched by `wide`, as far as each part by itself tells. */
bool condition_covers_meeting(const struct condition *wide, const struct condition *left,
                              const struct condition *right);

/* Two parts that no payment fits both, each by itself being fine; CONDITION_PART_COUNT: none. */
struct condition_conflict {
    enum condition_part part, other;
};
struct condition_conflict condition_contradiction(const struct condition *condition);

const char *condition_part_name(enum condition_part part);
/* "card_type debit, mcc 5411": the facts that a condition looked at. At most text_size - 1
 * characters; how many. */
uint32_t condition_explain(const struct condition *condition, const struct condition_facts *facts,
                           char *text, uint32_t text_size);
