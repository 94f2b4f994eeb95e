/* See trade.h. */
#include "loadtest/trade.h"

#include <string.h>

#include "protocols/base/require.h"

#define AMOUNT_MIN 100 /* 1.00 to 800.00 */
#define AMOUNT_SPAN 79901
#define AMOUNT_SMALL_SPAN 9901 /* contactless without PIN: up to 100.00 */
#define CARD_COUNT 100000
#define TIP_PERCENT_MAX 15
#define CAPTURE_PERCENT_MAX 115 /* of what was pre-authorised (unionpay-pos section 12) */
#define CAPTURE_PERCENT_MIN 60

static const struct {
    const char *word;
    unsigned prefix, prefix_count, digits;
} CODES[CODE_KIND_COUNT] = {
#define X(name, word, prefix, count, digits) {word, prefix, count, digits},
    CODE_KIND_MAP(X)
#undef X
};

const char *code_kind_word(enum code_kind kind)
{
    return kind < CODE_KIND_COUNT ? CODES[kind].word : "";
}

enum code_kind code_kind_of(const char *pay_code)
{
    unsigned kind = 0, prefix = 0;
    if (strlen(pay_code) >= 2) {
        prefix = (unsigned)(pay_code[0] - '0') * 10 + (unsigned)(pay_code[1] - '0');
    }
    while (kind < CODE_KIND_COUNT && (prefix < CODES[kind].prefix ||
                                      prefix >= CODES[kind].prefix + CODES[kind].prefix_count)) {
        kind++;
    }
    return (enum code_kind)kind;
}

enum code_kind code_kind_from_word(const char *word)
{
    unsigned kind = 0;
    while (kind < CODE_KIND_COUNT && strcmp(CODES[kind].word, word) != 0) {
        kind++;
    }
    return (enum code_kind)kind;
}

void trade_fallback(struct trade *trade)
{
    *trade = (struct trade){.weights = {[POS_PURCHASE] = 1}};
}

enum status trade_codes_set(struct trade *trade, const char *names)
{
    char word[16];
    memset(trade->code_weights, 0, sizeof trade->code_weights);
    for (const char *at = names; *at != '\0';) {
        size_t length = strcspn(at, ",");
        if (length >= sizeof word) {
            return STATUS_UNKNOWN;
        }
        memcpy(word, at, length);
        word[length] = '\0';
        enum code_kind kind = code_kind_from_word(word);
        if (kind == CODE_KIND_COUNT) {
            return STATUS_UNKNOWN;
        }
        trade->code_weights[kind] = 1;
        at += length + (at[length] == ',' ? 1 : 0);
    }
    return names[0] == '\0' ? STATUS_MISSING : STATUS_OK;
}

static enum pos_kind kind_draw(const struct trade *trade, struct draw *draw)
{
    uint64_t sum = 0;
    unsigned kinds_with_weight = 0, only = 0;
    for (unsigned kind = 0; kind < POS_KIND_COUNT; kind++) {
        sum += trade->weights[kind];
        if (trade->weights[kind] > 0) {
            kinds_with_weight++;
            only = kind;
        }
    }
    REQUIRE(kinds_with_weight > 0);
    if (kinds_with_weight == 1) { /* nothing to draw: a seed's purchases stay what they were */
        return (enum pos_kind)only;
    }
    uint64_t at = draw_below(draw, sum);
    unsigned kind = 0;
    while (at >= trade->weights[kind]) {
        at -= trade->weights[kind++];
    }
    return (enum pos_kind)kind;
}

/* What is done instead of a follow-up without an original; of all others a purchase, which is 0. */
static const enum pos_kind TO_BEGIN_WITH[POS_KIND_COUNT] = {
    [POS_INSTALMENT_VOID] = POS_INSTALMENT,
    [POS_MAIL_ORDER_VOID] = POS_MAIL_ORDER,
    [POS_INCREMENT] = POS_PREAUTH,
    [POS_PREAUTH_VOID] = POS_PREAUTH,
    [POS_CAPTURE] = POS_PREAUTH,
    [POS_CAPTURE_ADVICE] = POS_PREAUTH,
    [POS_CAPTURE_VOID] = POS_PREAUTH,
    [POS_ADJUSTMENT] = POS_OFFLINE,
};
_Static_assert(POS_PURCHASE == 0, "kinds left out above begin with a purchase");

/* 70 % chip with PIN, 15 % magnetic with PIN, 15 % contactless without; some kinds have one way. */
static enum pos_entry entry_draw(enum pos_kind kind, struct draw *draw)
{
    if (kind == POS_MAIL_ORDER || kind == POS_OFFLINE) {
        return POS_KEYED;
    }
    if (kind == POS_OFFLINE_SALE) {
        return POS_CONTACTLESS;
    }
    uint64_t drawn = draw_below(draw, 100);
    enum pos_entry entry = drawn < 70   ? POS_CHIP_PIN
                           : drawn < 85 ? POS_MAGNETIC_PIN
                                        : POS_CONTACTLESS;
    return kind != POS_PURCHASE && entry == POS_CONTACTLESS ? POS_CHIP_PIN : entry;
}

static enum code_kind code_kind_draw(const struct trade *trade, struct draw *draw)
{
    uint64_t sum = 0;
    for (unsigned kind = 0; kind < CODE_KIND_COUNT; kind++) {
        sum += trade->code_weights[kind];
    }
    REQUIRE(sum > 0);
    uint64_t at = draw_below(draw, sum);
    unsigned kind = 0;
    while (at >= trade->code_weights[kind]) {
        at -= trade->code_weights[kind++];
    }
    return (enum code_kind)kind;
}

/* A code that nobody has shown before: as good as never, of so many digits. */
static void code_draw(enum code_kind kind, struct draw *draw, char pay_code[25])
{
    unsigned prefix = CODES[kind].prefix + (unsigned)draw_below(draw, CODES[kind].prefix_count);
    pay_code[0] = (char)('0' + prefix / 10);
    pay_code[1] = (char)('0' + prefix % 10);
    for (unsigned i = 2; i < CODES[kind].digits; i++) {
        pay_code[i] = (char)('0' + draw_below(draw, 10));
    }
    pay_code[CODES[kind].digits] = '\0';
}

/* Without codes nothing is drawn: a seed's purchases by card stay what they were. */
static bool is_by_code(const struct trade *trade, const struct pos_request *request,
                       struct draw *draw)
{
    return request->kind == POS_PURCHASE && trade->code_percent > 0 &&
           draw_hits(draw, trade->code_percent) != 0;
}

static void request_draw_by_code(const struct trade *trade, struct pos_request *request,
                                 struct draw *draw)
{
    request->entry = POS_CODE;
    request->amount = AMOUNT_MIN + (int64_t)draw_below(draw, AMOUNT_SPAN);
    code_draw(code_kind_draw(trade, draw), draw, request->pay_code);
}

/* A card that is read by its stripe has no chip, unless that has failed: service code 120. */
static void take_chip(struct card *card)
{
    card->track2[strlen(card->pan) + 1 + strlen(card->expiry)] = '1';
}

static void request_draw_new(struct pos_request *request, const struct card_ranges *ranges,
                             struct draw *draw)
{
    request->entry = entry_draw(request->kind, draw);
    uint64_t span = request->entry == POS_CONTACTLESS ? AMOUNT_SMALL_SPAN : AMOUNT_SPAN;
    request->amount = AMOUNT_MIN + (int64_t)draw_below(draw, span);
    card_make(&request->card, ranges, draw_below(draw, CARD_COUNT));
    if (request->entry == POS_MAGNETIC || request->entry == POS_MAGNETIC_PIN) {
        take_chip(&request->card);
    }
    if (request->kind == POS_BALANCE) {
        request->amount = 0;
    }
}

/* Per cent of the original's amount that a follow-up is drawn from; 0 to 0: all of it. */
static const struct {
    unsigned from, to;
} PERCENTS[POS_KIND_COUNT] = {
    [POS_CAPTURE] = {CAPTURE_PERCENT_MIN, CAPTURE_PERCENT_MAX},
    [POS_CAPTURE_ADVICE] = {CAPTURE_PERCENT_MIN, CAPTURE_PERCENT_MAX},
    [POS_TIP] = {101, 100 + TIP_PERCENT_MAX},
    [POS_ADJUSTMENT] = {50, 100 + TIP_PERCENT_MAX},
};

static int64_t amount_draw_following(enum pos_kind kind, const struct journal_entry *original,
                                     struct draw *draw)
{
    int64_t rest = original->amount - original->refunded;
    if (kind == POS_REFUND) { /* the whole rest as often as a part of it */
        return draw_below(draw, 2) == 0 ? rest : 1 + (int64_t)draw_below(draw, (uint64_t)rest);
    }
    if (kind == POS_INCREMENT) {
        return AMOUNT_MIN + (int64_t)draw_below(draw, AMOUNT_SMALL_SPAN);
    }
    if (PERCENTS[kind].to == 0) {
        return original->amount;
    }
    unsigned span = PERCENTS[kind].to - PERCENTS[kind].from + 1;
    int64_t amount =
        original->amount * (int64_t)(PERCENTS[kind].from + draw_below(draw, span)) / 100;
    return amount > 0 ? amount : 1;
}

static void request_draw_following(struct pos_request *request,
                                   const struct journal_entry *original, struct draw *draw)
{
    request->card = original->request.card;
    request->original = original->as_original;
    request->amount = amount_draw_following(request->kind, original, draw);
    request->entry = pos_entry_without_pin(original->request.entry);
    memcpy(request->pay_code, original->request.pay_code, sizeof request->pay_code);
}

void trade_draw(const struct trade *trade, const struct journal *journal,
                const struct card_ranges *ranges, struct draw *draw, struct pos_request *request,
                uint32_t *original)
{
    *request = (struct pos_request){.kind = kind_draw(trade, draw)};
    *original = JOURNAL_NO_ENTRY;
    if (journal_kind_follows(request->kind)) {
        *original = journal_pick(journal, request->kind, draw);
        if (*original != JOURNAL_NO_ENTRY) {
            request_draw_following(request, &journal->entries[*original], draw);
            return;
        }
        request->kind = TO_BEGIN_WITH[request->kind];
    }
    if (is_by_code(trade, request, draw)) {
        request_draw_by_code(trade, request, draw);
    } else {
        request_draw_new(request, ranges, draw);
    }
}
