/* See condition.h: the working half; condition_read.c is the reading half. */
#include "routing/condition.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "routing/civil_date.h"
#include "routing/condition_words.h"
#include "routing/pay_code.h"

#define MINUTE_US INT64_C(60000000)
#define WEEKDAY_OF_1970 4 /* a Thursday */
#define REGION_AT 3       /* field 42: institution 3, region 4, category 4, serial 4 */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first digit is the lowest byte");
_Static_assert(CONDITION_PART_COUNT <= 32, "parts are bits of one word");
_Static_assert(PAYMENT_KIND_COUNT <= 64, "kinds are bits of one word");

static const char *const PART_NAMES[] = {
#define X(name, member, text) [CONDITION_##name] = (member),
    CONDITION_PART_MAP(X)
#undef X
};

const char *condition_part_name(enum condition_part part)
{
    REQUIRE(part < CONDITION_PART_COUNT);
    return PART_NAMES[part];
}

uint32_t condition_weight(const struct condition *condition)
{
    uint32_t weight = 0;
    for (uint32_t left = condition->stated; left != 0; left &= left - 1) {
        weight++;
    }
    return weight;
}

/* The range that holds `value`, or NULL. */
static const struct number_range *numbers_find(const struct condition_numbers *numbers,
                                               uint64_t value)
{
    uint32_t low = 0;
    uint32_t high = numbers->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct number_range *range = &numbers->items[middle];
        if (value < range->min) {
            high = middle;
        } else if (value > range->max) {
            low = middle + 1;
        } else {
            return range;
        }
    }
    return NULL;
}

static bool names_have(const struct condition_names *names, const char *name)
{
    uint32_t low = 0;
    uint32_t high = names->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(name, names->items[middle]);
        if (order == 0) {
            return true;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return false;
}

static bool part_matches(const struct condition *condition, const struct condition_facts *facts,
                         unsigned part)
{
    if (part < CONDITION_NUMBERS_FIRST) {
        return (condition->bits[part] & facts->bits[part]) != 0;
    }
    if (part < CONDITION_NAMES_FIRST) {
        unsigned at = part - CONDITION_NUMBERS_FIRST;
        return numbers_find(&condition->numbers[at], facts->numbers[at]) != NULL;
    }
    unsigned at = part - CONDITION_NAMES_FIRST;
    return facts->names[at] != NULL && names_have(&condition->names[at], facts->names[at]);
}

enum condition_part condition_mismatch(const struct condition *condition,
                                       const struct condition_facts *facts)
{
    for (uint32_t left = condition->stated; left != 0; left &= left - 1) {
        unsigned part = (unsigned)__builtin_ctz(left);
        if (!part_matches(condition, facts, part)) {
            return (enum condition_part)part;
        }
    }
    return CONDITION_PART_COUNT;
}

bool condition_matches(const struct condition *condition, const struct condition_facts *facts)
{
    return condition_mismatch(condition, facts) == CONDITION_PART_COUNT;
}

static bool numbers_overlap(const struct condition_numbers *left,
                            const struct condition_numbers *right)
{
    uint32_t l = 0;
    uint32_t r = 0;
    while (l < left->count && r < right->count) {
        if (left->items[l].max < right->items[r].min) {
            l++;
        } else if (right->items[r].max < left->items[l].min) {
            r++;
        } else {
            return true;
        }
    }
    return false;
}

static bool numbers_cover(const struct condition_numbers *wide,
                          const struct condition_numbers *narrow)
{
    for (uint32_t i = 0; i < narrow->count; i++) {
        /* Ranges do not touch each other, so one of `wide` has to hold the whole. */
        const struct number_range *range = numbers_find(wide, narrow->items[i].min);
        if (range == NULL || range->max < narrow->items[i].max) {
            return false;
        }
    }
    return true;
}

static uint32_t names_shared(const struct condition_names *left,
                             const struct condition_names *right)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < left->count; i++) {
        count += names_have(right, left->items[i]);
    }
    return count;
}

bool condition_overlaps(const struct condition *left, const struct condition *right)
{
    for (uint32_t both = left->stated & right->stated; both != 0; both &= both - 1) {
        unsigned part = (unsigned)__builtin_ctz(both);
        unsigned number = part - CONDITION_NUMBERS_FIRST;
        unsigned name = part - CONDITION_NAMES_FIRST;
        bool is_shared = part < CONDITION_NUMBERS_FIRST
                             ? (left->bits[part] & right->bits[part]) != 0
                         : part < CONDITION_NAMES_FIRST
                             ? numbers_overlap(&left->numbers[number], &right->numbers[number])
                             : names_shared(&left->names[name], &right->names[name]) > 0;
        if (!is_shared) {
            return false;
        }
    }
    return true;
}

static bool states(const struct condition *condition, unsigned part)
{
    return (condition->stated & CONDITION_BIT(part)) != 0;
}

static bool part_covers(const struct condition *wide, const struct condition *narrow, unsigned part)
{
    unsigned number = part - CONDITION_NUMBERS_FIRST;
    unsigned name = part - CONDITION_NAMES_FIRST;
    if ((narrow->stated & CONDITION_BIT(part)) == 0) {
        return false;
    }
    return part < CONDITION_NUMBERS_FIRST ? (narrow->bits[part] & ~wide->bits[part]) == 0
           : part < CONDITION_NAMES_FIRST
               ? numbers_cover(&wide->numbers[number], &narrow->numbers[number])
               : names_shared(&narrow->names[name], &wide->names[name]) ==
                     narrow->names[name].count;
}

bool condition_covers(const struct condition *wide, const struct condition *narrow)
{
    return condition_covers_meeting(wide, narrow, narrow);
}

bool condition_covers_but(const struct condition *wide, const struct condition *narrow,
                          enum condition_part part)
{
    for (uint32_t left = wide->stated & ~CONDITION_BIT(part); left != 0; left &= left - 1) {
        if (!part_covers(wide, narrow, (unsigned)__builtin_ctz(left))) {
            return false;
        }
    }
    return true;
}

/* How far the numbers from `from` on are held by one of several without a gap; `from`: not at all.
 */
static uint64_t reach_from(const struct condition *const *several, uint32_t count,
                           enum condition_part part, uint64_t from)
{
    uint64_t reached = from;
    for (bool goes_on = true; goes_on;) {
        goes_on = false;
        for (uint32_t i = 0; i < count; i++) {
            const struct number_range *range =
                numbers_find(condition_numbers_of(several[i], part), reached);
            if (range != NULL && range->max == UINT64_MAX) {
                return UINT64_MAX;
            }
            reached = range != NULL ? range->max + 1 : reached;
            goes_on = goes_on || range != NULL;
        }
    }
    return reached;
}

static bool numbers_are_covered(const struct condition *const *several, uint32_t count,
                                const struct condition_numbers *narrow, enum condition_part part)
{
    for (uint32_t i = 0; i < narrow->count; i++) {
        uint64_t reached = reach_from(several, count, part, narrow->items[i].min);
        if (reached != UINT64_MAX && reached <= narrow->items[i].max) {
            return false;
        }
    }
    return true;
}

static bool names_are_covered(const struct condition *const *several, uint32_t count,
                              const struct condition_names *narrow, enum condition_part part)
{
    for (uint32_t i = 0; i < narrow->count; i++) {
        bool is_held = false;
        for (uint32_t j = 0; j < count && !is_held; j++) {
            is_held = names_have(condition_names_of(several[j], part), narrow->items[i]);
        }
        if (!is_held) {
            return false;
        }
    }
    return true;
}

bool condition_part_is_covered(const struct condition *const *several, uint32_t count,
                               const struct condition *narrow, enum condition_part part)
{
    if (!states(narrow, part)) {
        return false;
    }
    if (part >= CONDITION_NAMES_FIRST) {
        return names_are_covered(several, count, condition_names_of(narrow, part), part);
    }
    if (part >= CONDITION_NUMBERS_FIRST) {
        return numbers_are_covered(several, count, condition_numbers_of(narrow, part), part);
    }
    uint64_t held = 0;
    for (uint32_t i = 0; i < count; i++) {
        held |= several[i]->bits[part];
    }
    return (narrow->bits[part] & ~held) == 0;
}

bool condition_covers_meeting(const struct condition *wide, const struct condition *left,
                              const struct condition *right)
{
    for (uint32_t stated = wide->stated; stated != 0; stated &= stated - 1) {
        unsigned part = (unsigned)__builtin_ctz(stated);
        if (!part_covers(wide, left, part) && !part_covers(wide, right, part)) {
            return false;
        }
    }
    return true;
}

/* The number that `count` digits spell; CONDITION_ABSENT when they are no digits. */
static uint64_t digits_number(const char *text, uint32_t count)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return CONDITION_ABSENT;
        }
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    return value;
}

/* The same of four, at once. A carry does no harm: it comes from a character that is no digit, and
 * that one is judged before any. */
static uint64_t four_digits(const char *text)
{
    uint32_t word;
    memcpy(&word, text, sizeof(word));
    if ((((word + 0x46464646) | (word - 0x30303030)) & 0x80808080) != 0) {
        return CONDITION_ABSENT;
    }
    word &= 0x0F0F0F0F;
    word = word * (10 << 8 | 1) >> 8 & 0x00FF00FF;
    return word * (100 << 16 | 1) >> 16;
}

/* Field 42 begins with institution and region: a whole merchant id has a region of its own. */
static bool is_region_strange(const struct condition *condition)
{
    const struct condition_names *merchants = condition_names_of(condition, CONDITION_MERCHANT);
    const struct condition_numbers *regions = condition_numbers_of(condition, CONDITION_REGION);
    for (uint32_t i = 0; i < merchants->count; i++) {
        const char *id = merchants->items[i];
        if (strlen(id) != CONDITION_NAME_SIZE - 1 ||
            numbers_find(regions, four_digits(id + REGION_AT)) != NULL) {
            return false;
        }
    }
    return true;
}

static bool allows_qr(const struct condition_numbers *modes)
{
    static const struct number_range QR = {30, 39}; /* field 22 = 03x */
    for (uint32_t i = 0; i < modes->count; i++) {
        if (modes->items[i].min <= QR.max && modes->items[i].max >= QR.min) {
            return true;
        }
    }
    return false;
}

struct condition_conflict condition_contradiction(const struct condition *condition)
{
    const uint64_t wallets = UINT64_C(1) << CARD_SCHEME_ALIPAY | UINT64_C(1) << CARD_SCHEME_WECHAT;
    static const uint8_t CARD_PARTS[] = {CONDITION_CARD_TYPE, CONDITION_BIN, CONDITION_BIN_GROUP};
    if (states(condition, CONDITION_SCHEME) &&
        (condition->bits[CONDITION_SCHEME] & ~wallets) == 0) {
        for (unsigned i = 0; i < sizeof(CARD_PARTS); i++) {
            if (states(condition, CARD_PARTS[i])) {
                return (struct condition_conflict){CONDITION_SCHEME,
                                                   (enum condition_part)CARD_PARTS[i]};
            }
        }
        if (states(condition, CONDITION_ENTRY_MODE) &&
            !allows_qr(&condition->numbers[CONDITION_ENTRY_MODE - CONDITION_NUMBERS_FIRST])) {
            return (struct condition_conflict){CONDITION_SCHEME, CONDITION_ENTRY_MODE};
        }
    }
    if (states(condition, CONDITION_MERCHANT) && states(condition, CONDITION_REGION) &&
        is_region_strange(condition)) {
        return (struct condition_conflict){CONDITION_MERCHANT, CONDITION_REGION};
    }
    return (struct condition_conflict){CONDITION_PART_COUNT, CONDITION_PART_COUNT};
}

/* Field 22 (UnionPay): how the card was read; digit 3 tells whether there was a PIN. */
static uint64_t product_bit(const struct condition_subject *subject,
                            const struct condition_form *form)
{
    const char *mode = subject->payment->entry_mode;
    enum condition_product product = CONDITION_PRODUCT_MANUAL;
    switch (digits_number(mode, mode[0] == '\0' ? 0 : 2)) {
    case 2:
    case 80:
    case 90:
        product = CONDITION_PRODUCT_MAGNETIC;
        break;
    case 5:
    case 95:
        product = CONDITION_PRODUCT_IC;
        break;
    case 7:
        product = mode[2] == '2' && subject->amount.minor <= form->small_amount_minor
                      ? CONDITION_PRODUCT_SMALL_CONTACTLESS
                      : CONDITION_PRODUCT_CONTACTLESS;
        break;
    case 91:
        product = CONDITION_PRODUCT_CONTACTLESS;
        break;
    case 3:
        product = CONDITION_PRODUCT_QR;
        break;
    default:
        break;
    }
    return UINT64_C(1) << product;
}

static void number_put(struct condition_facts *facts, enum condition_part part, uint64_t number)
{
    REQUIRE(part >= CONDITION_NUMBERS_FIRST && part < CONDITION_NAMES_FIRST);
    facts->numbers[part - CONDITION_NUMBERS_FIRST] = number;
}

static void name_put(struct condition_facts *facts, enum condition_part part, const char *name)
{
    REQUIRE(part >= CONDITION_NAMES_FIRST);
    facts->names[part - CONDITION_NAMES_FIRST] = name;
}

/* An exemption rests on documents that expire: from that day on the merchant is a standard one. */
static enum merchant_class class_at(const struct merchant_row *merchant, int64_t wall_us,
                                    const struct condition_form *form)
{
    bool is_over = merchant->exempt_until_day != 0 &&
                   wall_us >= merchant->exempt_until_day * CIVIL_DAY_US - form->utc_offset_us;
    return is_over ? MERCHANT_STANDARD : (enum merchant_class)merchant->merchant_class;
}

/* A payment without a card has the scheme that its code's digits name, and no card type. */
static void facts_of_code(struct condition_facts *facts, const struct payment *payment)
{
    enum card_scheme scheme;
    if (payment->pay_code[0] != '\0' && pay_code_scheme(payment->pay_code, &scheme)) {
        facts->bits[CONDITION_SCHEME] = UINT64_C(1) << scheme;
    }
}

/* Whether a rule of that form may look at the part at all. */
static bool may_state(const struct condition_form *form, uint32_t parts)
{
    return (form->parts & parts) != 0;
}

static void facts_of_clock(struct condition_facts *facts, const struct condition_subject *subject,
                           const struct condition_form *form)
{
    const uint32_t local = CONDITION_BIT(CONDITION_WEEKDAY) | CONDITION_BIT(CONDITION_HOURS);
    int64_t local_us = subject->wall_us + form->utc_offset_us;
    bool is_known = subject->wall_us >= 0 && local_us >= 0;
    number_put(facts, CONDITION_DATE, is_known ? (uint64_t)subject->wall_us : CONDITION_ABSENT);
    if (!is_known || !may_state(form, local)) {
        number_put(facts, CONDITION_HOURS, CONDITION_ABSENT);
        return;
    }
    uint64_t days = (uint64_t)local_us / CIVIL_DAY_US;
    facts->bits[CONDITION_WEEKDAY] = UINT64_C(1) << (days + WEEKDAY_OF_1970) % 7;
    number_put(facts, CONDITION_HOURS, (uint64_t)local_us % CIVIL_DAY_US / MINUTE_US);
}

static void facts_of_rows(struct condition_facts *facts, const struct condition_subject *subject,
                          const struct condition_form *form)
{
    if (subject->bin != NULL) {
        facts->bits[CONDITION_SCHEME] = UINT64_C(1) << subject->bin->scheme;
        facts->bits[CONDITION_CARD_TYPE] = UINT64_C(1) << subject->bin->card_type;
    } else {
        facts_of_code(facts, subject->payment);
    }
    number_put(facts, CONDITION_MCC, CONDITION_ABSENT);
    number_put(facts, CONDITION_REGION, CONDITION_ABSENT);
    if (subject->merchant != NULL) {
        const struct merchant_row *merchant = subject->merchant;
        facts->bits[CONDITION_CLASS] = UINT64_C(1) << class_at(merchant, subject->wall_us, form);
        number_put(facts, CONDITION_MCC, four_digits(merchant->mcc));
        name_put(facts, CONDITION_MERCHANT, merchant->merchant_id);
        name_put(facts, CONDITION_AGENT, subject->agent);
        if (may_state(form, CONDITION_BIT(CONDITION_REGION)) &&
            strlen(merchant->merchant_id) == sizeof(merchant->merchant_id) - 1) {
            number_put(facts, CONDITION_REGION, four_digits(merchant->merchant_id + REGION_AT));
        }
    }
    if (subject->terminal != NULL) {
        name_put(facts, CONDITION_BRAND, subject->terminal->brand);
        name_put(facts, CONDITION_MODEL, subject->terminal->model);
    }
    name_put(facts, CONDITION_BIN_GROUP, subject->bin_group);
    name_put(facts, CONDITION_CHANNEL, subject->channel);
}

void condition_facts_fill(struct condition_facts *facts, const struct condition_subject *subject,
                          const struct condition_form *form)
{
    REQUIRE(subject->payment != NULL);
    const struct payment *payment = subject->payment;
    *facts = (struct condition_facts){0};
    facts->bits[CONDITION_KIND] = UINT64_C(1) << payment->kind;
    facts->bits[CONDITION_PRODUCT] = product_bit(subject, form);
    number_put(facts, CONDITION_AMOUNT,
               subject->amount.minor < 0 ? CONDITION_ABSENT : (uint64_t)subject->amount.minor);
    number_put(facts, CONDITION_MONTH,
               subject->month_minor < 0 ? 0 : (uint64_t)subject->month_minor);
    number_put(facts, CONDITION_CURRENCY, subject->amount.currency);
    bool has_mode =
        may_state(form, CONDITION_BIT(CONDITION_ENTRY_MODE)) && payment->entry_mode[0] != '\0';
    number_put(facts, CONDITION_ENTRY_MODE,
               has_mode ? digits_number(payment->entry_mode, 3) : CONDITION_ABSENT);
    bool has_bin =
        may_state(form, CONDITION_BIT(CONDITION_BIN)) && payment->pan.digit_count >= BIN_DIGITS_MAX;
    number_put(facts, CONDITION_BIN,
               has_bin ? pan_prefix(&payment->pan, BIN_DIGITS_MAX) : CONDITION_ABSENT);
    facts_of_clock(facts, subject, form);
    facts_of_rows(facts, subject, form);
}

/* One fact in words. The card's digits are not among them: its BIN is named by the BIN table. */
static void fact_text(const struct condition_facts *facts, unsigned part, char text[48])
{
    if (part < CONDITION_NUMBERS_FIRST) {
        uint64_t bits = facts->bits[part];
        snprintf(text, 48, "%s",
                 bits == 0 ? "none" : condition_word(part, (unsigned)__builtin_ctzll(bits)));
        return;
    }
    if (part >= CONDITION_NAMES_FIRST) {
        const char *name = facts->names[part - CONDITION_NAMES_FIRST];
        snprintf(text, 48, "%s", name == NULL || name[0] == '\0' ? "none" : name);
        return;
    }
    uint64_t number = facts->numbers[part - CONDITION_NUMBERS_FIRST];
    if (number == CONDITION_ABSENT) {
        snprintf(text, 48, "none");
    } else if (part == CONDITION_BIN) {
        snprintf(text, 48, "fits");
    } else if (part == CONDITION_HOURS) {
        snprintf(text, 48, "%02u:%02u", (unsigned)(number / 60), (unsigned)(number % 60));
    } else {
        bool is_amount = part == CONDITION_AMOUNT || part == CONDITION_MONTH;
        int width = is_amount || part == CONDITION_DATE                 ? 1
                    : part == CONDITION_MCC || part == CONDITION_REGION ? 4
                                                                        : 3;
        snprintf(text, 48, "%0*" PRIu64 "%s", width, number,
                 is_amount                ? " minor units"
                 : part == CONDITION_DATE ? " us"
                                          : "");
    }
}

uint32_t condition_explain(const struct condition *condition, const struct condition_facts *facts,
                           char *text, uint32_t text_size)
{
    REQUIRE(text_size > 0);
    uint32_t used = 0;
    text[0] = '\0';
    for (uint32_t left = condition->stated; left != 0; left &= left - 1) {
        unsigned part = (unsigned)__builtin_ctz(left);
        char fact[48];
        fact_text(facts, part, fact);
        int added = snprintf(text + used, text_size - used, "%s%s %s", used > 0 ? ", " : "",
                             PART_NAMES[part], fact);
        if (added < 0 || (uint32_t)added >= text_size - used) {
            return text_size - 1;
        }
        used += (uint32_t)added;
    }
    return used;
}
