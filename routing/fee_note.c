/* See fee_note.h. Written in every priced payment, so by hand rather than by printf. */
#include "routing/fee_note.h"

#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "routing/condition.h"
#include "routing/condition_words.h"

#define NUMBER_DIGITS_MAX 20
#define CAPPED "capped"

_Static_assert(FEE_BASIS_SIZE >= FEE_PLAN_NAME_SIZE + 5 * 20 + NUMBER_DIGITS_MAX + sizeof(CAPPED),
               "words of up to 18 letters fit");
_Static_assert(FEE_SHARES_SIZE >= AGENT_LEVEL_COUNT_MAX * (AGENT_ID_SIZE + AGENT_TERMS_SIZE),
               "ids, terms and shares fit");

/* A text that grows and never overflows: what does not fit ends it. */
struct note {
    char *text;
    uint32_t size, used;
};

static void note_put(struct note *note, const char *text)
{
    uint32_t length = (uint32_t)strlen(text);
    uint32_t room = note->size - 1 - note->used;
    length = length < room ? length : room;
    memcpy(note->text + note->used, text, length);
    note->used += length;
    note->text[note->used] = '\0';
}

static void note_put_blank(struct note *note)
{
    if (note->used + 1 < note->size) {
        note->text[note->used++] = ' ';
        note->text[note->used] = '\0';
    }
}

static void note_put_number(struct note *note, int64_t number)
{
    char text[NUMBER_DIGITS_MAX + 2];
    char *at = text + sizeof(text) - 1;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    *at = '\0';
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left != 0);
    if (number < 0) {
        *--at = '-';
    }
    note_put(note, at);
}

static const char *const REFUND_WORDS[] = {
#define X(name, word, text) [FEE_REFUND_##name] = (word),
    FEE_REFUND_MAP(X)
#undef X
};

/* The parts of a condition that a basis holds, in the order of its words. */
static const uint8_t PARTS[] = {CONDITION_SCHEME, CONDITION_CARD_TYPE, CONDITION_CLASS,
                                CONDITION_PRODUCT};
#define PART_COUNT (sizeof(PARTS) / sizeof(PARTS[0]))

void fee_basis_write(char text[FEE_BASIS_SIZE], const struct fee_basis *basis)
{
    struct note note = {text, FEE_BASIS_SIZE, 0};
    const uint8_t bits[PART_COUNT] = {basis->scheme, basis->card_type, basis->merchant_class,
                                      basis->product};
    text[0] = '\0';
    if (basis->plan == NULL) {
        return;
    }
    REQUIRE(basis->refund < FEE_REFUND_COUNT);
    note_put(&note, basis->plan);
    note_put_blank(&note);
    note_put(&note, REFUND_WORDS[basis->refund]);
    for (unsigned i = 0; i < PART_COUNT; i++) {
        const char *word = bits[i] == FEE_BASIS_NONE ? NULL : condition_word(PARTS[i], bits[i]);
        note_put_blank(&note);
        note_put(&note, word == NULL ? "-" : word);
    }
    note_put_blank(&note);
    note_put_number(&note, basis->month_minor);
    if (basis->is_capped) {
        note_put(&note, " " CAPPED);
    }
}

/* The next word of `*text`, which ends at `end`; its length, 0 behind the last. */
static uint32_t next_word(const char **text, char end, char *word, uint32_t size)
{
    const char *stop = strchr(*text, end);
    size_t length = stop == NULL ? strlen(*text) : (size_t)(stop - *text);
    if (length >= size) {
        return 0;
    }
    memcpy(word, *text, length);
    word[length] = '\0';
    *text += length + (stop != NULL);
    return (uint32_t)length;
}

static bool number_read(int64_t *number, const char *text)
{
    bool is_negative = text[0] == '-' && text[1] != '\0';
    const char *digits = text + is_negative;
    uint32_t length = (uint32_t)strlen(digits);
    uint64_t value;
    if (length == 0 || length > 18 ||
        digits_parse(&value, digits, length, (struct number_range){0, INT64_MAX}) != STATUS_OK) {
        return false;
    }
    *number = is_negative ? -(int64_t)value : (int64_t)value;
    return true;
}

static bool refund_read(enum fee_refund *refund, const char *word)
{
    for (unsigned i = 0; i < FEE_REFUND_COUNT; i++) {
        if (strcmp(word, REFUND_WORDS[i]) == 0) {
            *refund = (enum fee_refund)i;
            return true;
        }
    }
    return false;
}

bool fee_basis_read(struct fee_basis *basis, char plan[FEE_PLAN_NAME_SIZE], const char *text)
{
    char word[FEE_BASIS_SIZE];
    uint8_t bits[PART_COUNT];
    *basis = (struct fee_basis){.plan = plan};
    if (next_word(&text, ' ', plan, FEE_PLAN_NAME_SIZE) == 0 ||
        next_word(&text, ' ', word, sizeof(word)) == 0 || !refund_read(&basis->refund, word)) {
        return false;
    }
    for (unsigned i = 0; i < PART_COUNT; i++) {
        if (next_word(&text, ' ', word, sizeof(word)) == 0) {
            return false;
        }
        int bit = condition_word_find(PARTS[i], word);
        bits[i] = bit < 0 ? FEE_BASIS_NONE : (uint8_t)bit;
        if (bit < 0 && strcmp(word, "-") != 0) {
            return false;
        }
    }
    basis->scheme = bits[0];
    basis->card_type = bits[1];
    basis->merchant_class = bits[2];
    basis->product = bits[3];
    next_word(&text, ' ', word, sizeof(word));
    basis->is_capped = strcmp(text, CAPPED) == 0;
    return number_read(&basis->month_minor, word) && (basis->is_capped || text[0] == '\0');
}

void fee_shares_write(char text[FEE_SHARES_SIZE], const struct fee_shares *shares)
{
    struct note note = {text, FEE_SHARES_SIZE, 0};
    text[0] = '\0';
    for (unsigned i = 0; i < shares->count; i++) {
        const struct fee_share *share = &shares->items[i];
        note_put(&note, i > 0 ? " " : "");
        note_put(&note, share->agent->agent_id);
        note_put(&note, ":");
        note_put(&note, share->agent->terms);
        note_put(&note, ":");
        note_put_number(&note, share->minor);
    }
}

static bool share_read(struct agent_row *agent, int64_t *minor, const char *text)
{
    char word[AGENT_TERMS_SIZE];
    *agent = (struct agent_row){.cost_cap = FEE_NO_CAP, .terms = ""};
    if (next_word(&text, ':', agent->agent_id, AGENT_ID_SIZE) == 0) {
        return false;
    }
    const char *end = strrchr(text, ':');
    if (end == NULL || end - text >= AGENT_TERMS_SIZE) {
        return false;
    }
    memcpy(agent->terms, text, (size_t)(end - text)); /* so that it can be written again */
    if (next_word(&text, ':', word, sizeof(word)) == 0 ||
        !number_read(&agent->cost_rate_e8, word) ||
        next_word(&text, ':', word, sizeof(word)) == 0 ||
        (strcmp(word, "-") != 0 && !number_read(&agent->cost_cap, word)) ||
        next_word(&text, ':', word, sizeof(word)) == 0 || !number_read(&agent->ratio_e8, word)) {
        return false;
    }
    return number_read(minor, text);
}

bool fee_shares_read(struct fee_noted_shares *shares, const char *text)
{
    char word[AGENT_ID_SIZE + AGENT_TERMS_SIZE];
    shares->count = 0;
    shares->total = 0;
    while (text[0] != '\0') {
        uint32_t at = shares->count;
        if (at == AGENT_LEVEL_COUNT_MAX || next_word(&text, ' ', word, sizeof(word)) == 0 ||
            !share_read(&shares->agents[at], &shares->minor[at], word)) {
            return false;
        }
        if (at > 0) {
            shares->agents[at - 1].parent = &shares->agents[at];
        }
        shares->total += shares->minor[at];
        shares->count++;
    }
    return true;
}

const char *fee_figures_fault(const struct fee_figures *figures)
{
    struct fee_noted_shares shares;
    int64_t margin = figures->merchant_fee - figures->issuer_fee - figures->scheme_fee;
    if (figures->merchant_fee < 0 || figures->issuer_fee < 0 || figures->scheme_fee < 0) {
        return "a fee is negative";
    }
    if (figures->agent_fee != 0 && figures->agent_fee > (margin < 0 ? 0 : margin)) {
        return "agents get more than the margin";
    }
    if (!fee_shares_read(&shares, figures->shares) || shares.total != figures->agent_fee) {
        return "agents' shares do not add up";
    }
    for (uint32_t i = 0; i < shares.count; i++) {
        if (shares.minor[i] < 0) {
            return "an agent's share is negative";
        }
    }
    return NULL;
}
