/* Which kinds may follow which, and until when, is the scheme's rule (unionpay-pos sections 5, 12):
 * a void in the same batch, once and of the whole; a refund later too, in parts; a completion once.
 */
#include "loadtest/journal.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/base/digits.h"

#define HALF_DIGITS (POS_TOTALS_DIGITS / 2)
#define AMOUNT_DIGITS 12
#define COUNT_DIGITS 3

void journal_free(struct journal *journal)
{
    free(journal->entries);
    *journal = (struct journal){0};
}

void journal_begin_batch(struct journal *journal, uint32_t batch)
{
    journal->batch = batch;
    journal->batch_first = journal->count;
    journal->has_declined = false;
}

/* What a follow-up does to the entry it names. */
enum effect { STANDS_ALONE, ENDS, REFUNDS, ADDS, CHANGES, SIGNS, SCRIPTS };

/* What a kind follows, how, and whether only in the batch of its original. */
struct follow_rule {
    enum effect effect;
    enum pos_kind of, or_of;
    bool is_in_same_batch;
};
static const struct follow_rule RULES[POS_KIND_COUNT] = {
    [POS_VOID] = {ENDS, POS_PURCHASE, POS_PURCHASE, true},
    [POS_INSTALMENT_VOID] = {ENDS, POS_INSTALMENT, POS_INSTALMENT, true},
    [POS_MAIL_ORDER_VOID] = {ENDS, POS_MAIL_ORDER, POS_MAIL_ORDER, true},
    [POS_CAPTURE_VOID] = {ENDS, POS_CAPTURE, POS_CAPTURE, true},
    [POS_REFUND] = {REFUNDS, POS_PURCHASE, POS_CAPTURE, false},
    [POS_INCREMENT] = {ADDS, POS_PREAUTH, POS_PREAUTH, false},
    [POS_PREAUTH_VOID] = {ENDS, POS_PREAUTH, POS_PREAUTH, false},
    [POS_CAPTURE] = {ENDS, POS_PREAUTH, POS_PREAUTH, false},
    [POS_CAPTURE_ADVICE] = {ENDS, POS_PREAUTH, POS_PREAUTH, false},
    [POS_ADJUSTMENT] = {CHANGES, POS_OFFLINE, POS_OFFLINE, true},
    [POS_TIP] = {CHANGES, POS_PURCHASE, POS_PURCHASE, true},
    [POS_SCRIPT_RESULT] = {SCRIPTS, POS_PURCHASE, POS_PURCHASE, true},
    [POS_SIGNATURE] = {SIGNS, POS_PURCHASE, POS_PURCHASE, true},
};

static void original_change(struct journal_entry *original, const struct pos_request *request)
{
    enum effect effect = RULES[request->kind].effect;
    original->is_over |= effect == ENDS;
    original->is_changed |= effect == CHANGES;
    original->is_signed |= effect == SIGNS;
    original->has_script |= effect == SCRIPTS;
    original->refunded += effect == REFUNDS ? request->amount : 0;
    original->amount += effect == ADDS ? request->amount : 0;
    original->amount = effect == CHANGES ? request->amount : original->amount;
}

enum status journal_add(struct journal *journal, const struct pos_request *request,
                        const struct pos_answer *answer, uint32_t original)
{
    if (journal->count == journal->capacity) {
        uint32_t capacity = journal->capacity == 0 ? 16 : 2 * journal->capacity;
        struct journal_entry *entries =
            realloc(journal->entries, capacity * sizeof *journal->entries);
        if (entries == NULL) {
            return STATUS_NO_MEMORY;
        }
        journal->entries = entries;
        journal->capacity = capacity;
    }
    if (original != JOURNAL_NO_ENTRY) {
        original_change(&journal->entries[original], request);
    }
    struct journal_entry *entry = &journal->entries[journal->count++];
    *entry = (struct journal_entry){.request = *request, .amount = request->amount};
    struct pos_original *named = &entry->as_original;
    named->kind = request->kind;
    named->batch = journal->batch;
    named->stan = request->stan;
    memcpy(named->date, answer->local_date, sizeof named->date);
    memcpy(named->rrn, answer->rrn, sizeof named->rrn);
    memcpy(named->auth_code, answer->auth_code, sizeof named->auth_code);
    memcpy(named->acquirer_id, answer->acquirer_id, sizeof named->acquirer_id);
    memcpy(named->voucher, answer->voucher, sizeof named->voucher);
    return STATUS_OK;
}

bool journal_kind_follows(enum pos_kind kind)
{
    return RULES[kind].effect != STANDS_ALONE;
}

static bool entry_may_be_followed(const struct journal_entry *entry, enum pos_kind kind,
                                  bool is_in_open_batch)
{
    const struct follow_rule *rule = &RULES[kind];
    bool is_of_kind = entry->request.kind == rule->of || entry->request.kind == rule->or_of;
    bool is_by_code = pos_entry_is_code(entry->request.entry);
    if (is_by_code && kind != POS_VOID && kind != POS_REFUND) {
        return false; /* nothing to sign, no tip, no chip */
    }
    if (!is_of_kind || (rule->is_in_same_batch && !is_in_open_batch)) {
        return false;
    }
    switch (rule->effect) {
    case STANDS_ALONE:
        return false;
    case SIGNS:
        return !entry->is_signed;
    case SCRIPTS:
        return !entry->has_script && pos_entry_is_chip(entry->request.entry) &&
               entry->as_original.acquirer_id[0] != '\0';
    case REFUNDS:
        return !entry->is_over && !entry->is_changed && entry->refunded < entry->amount;
    case ADDS:
        return !entry->is_over;
    case CHANGES:
    case ENDS:
        break;
    }
    return !entry->is_over && !entry->is_changed && entry->refunded == 0;
}

uint32_t journal_pick(const struct journal *journal, enum pos_kind kind, struct draw *draw)
{
    uint32_t picked = JOURNAL_NO_ENTRY, fitting_count = 0;
    for (uint32_t i = 0; i < journal->count; i++) {
        if (entry_may_be_followed(&journal->entries[i], kind, i >= journal->batch_first) &&
            draw_below(draw, ++fitting_count) == 0) {
            picked = i;
        }
    }
    return picked;
}

void journal_totals_add(struct journal_totals *totals, const struct pos_request *request,
                        int64_t amount, int sign)
{
    enum pos_side side = pos_kind_row(request->kind)->side;
    if (side != POS_DEBIT && side != POS_CREDIT) {
        return; /* a change is in its original's amount */
    }
    unsigned half = request->card.is_foreign ? 1 : 0;
    struct journal_sum *sum = side == POS_DEBIT ? &totals->debit[half] : &totals->credit[half];
    sum->minor += sign * amount;
    sum->count += (uint32_t)sign;
}

void journal_totals(const struct journal *journal, struct journal_totals *totals)
{
    *totals = (struct journal_totals){0};
    for (uint32_t i = journal->batch_first; i < journal->count; i++) {
        const struct journal_entry *entry = &journal->entries[i];
        journal_totals_add(totals, &entry->request, entry->amount, 1);
    }
}

static void sum_format(char *digits, const struct journal_sum *sum)
{
    digits_format(digits, (uint64_t)sum->minor, AMOUNT_DIGITS);
    digits_format(digits + AMOUNT_DIGITS, sum->count, COUNT_DIGITS);
}

void journal_totals_format(const struct journal_totals *totals, char digits[POS_TOTALS_DIGITS + 1])
{
    for (unsigned half = 0; half < 2; half++) {
        char *at = digits + (size_t)half * HALF_DIGITS;
        sum_format(at, &totals->debit[half]);
        sum_format(at + AMOUNT_DIGITS + COUNT_DIGITS, &totals->credit[half]);
        at[HALF_DIGITS - 1] = '0';
    }
    digits[POS_TOTALS_DIGITS] = '\0';
}

static enum status sum_parse(struct journal_sum *sum, const char *digits)
{
    uint64_t minor, count;
    struct number_range any = {0, UINT64_C(999999999999)};
    if (digits_parse(&minor, digits, AMOUNT_DIGITS, any) != STATUS_OK ||
        digits_parse(&count, digits + AMOUNT_DIGITS, COUNT_DIGITS, any) != STATUS_OK) {
        return STATUS_MALFORMED;
    }
    *sum = (struct journal_sum){(int64_t)minor, (uint32_t)count};
    return STATUS_OK;
}

enum status journal_totals_parse(struct journal_totals *totals, char results[3], const char *digits)
{
    if (strlen(digits) != POS_TOTALS_DIGITS) {
        return STATUS_MALFORMED;
    }
    for (unsigned half = 0; half < 2; half++) {
        const char *at = digits + (size_t)half * HALF_DIGITS;
        if (sum_parse(&totals->debit[half], at) != STATUS_OK ||
            sum_parse(&totals->credit[half], at + AMOUNT_DIGITS + COUNT_DIGITS) != STATUS_OK) {
            return STATUS_MALFORMED;
        }
        results[half] = at[HALF_DIGITS - 1];
    }
    results[2] = '\0';
    return STATUS_OK;
}
