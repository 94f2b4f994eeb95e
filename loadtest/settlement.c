/* Details are copied at the beginning: what is uploaded is what the totals were made of. */
#include "loadtest/settlement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"

#define PAN_DIGITS 20

const char *settlement_deviation_word(enum settlement_deviation deviation)
{
    static const char *const words[] = {
#define X(name, word) word,
        SETTLEMENT_DEVIATION_MAP(X)
#undef X
    };
    return words[deviation];
}

static bool is_counted(const struct journal_entry *entry)
{
    enum pos_side side = pos_kind_row(entry->request.kind)->side;
    return side == POS_DEBIT || side == POS_CREDIT;
}

/* The sale to forget: the last one that nothing followed. */
static uint32_t forgettable(const struct journal *journal)
{
    for (uint32_t i = journal->count; i > journal->batch_first; i--) {
        const struct journal_entry *entry = &journal->entries[i - 1];
        if (entry->request.kind == POS_PURCHASE && !entry->is_over && !entry->is_changed) {
            return i - 1;
        }
    }
    return JOURNAL_NO_ENTRY;
}

static void detail_add(struct settlement *settlement, const struct pos_request *request,
                       int64_t amount)
{
    settlement->details[settlement->detail_count++] =
        (struct settlement_detail){.request = *request, .amount = amount};
}

/* Chip details stand behind the others: each part is uploaded in a piece. */
static void details_copy(struct settlement *settlement, const struct journal *journal,
                         uint32_t left_out)
{
    for (int want_chip = 0; want_chip < 2; want_chip++) {
        for (uint32_t i = journal->batch_first; i < journal->count; i++) {
            const struct journal_entry *entry = &journal->entries[i];
            if (is_counted(entry) && i != left_out &&
                pos_entry_is_chip(entry->request.entry) == (want_chip == 1)) {
                detail_add(settlement, &entry->request, entry->amount);
            }
        }
        bool is_declined_due = settlement->deviation == SETTLEMENT_DECLINED &&
                               pos_entry_is_chip(journal->declined.entry) == (want_chip == 1);
        if (is_declined_due) {
            detail_add(settlement, &journal->declined, journal->declined.amount);
        }
    }
}

enum status settlement_begin(struct settlement *settlement, const struct journal *journal,
                             enum settlement_deviation wish)
{
    uint32_t left_out = JOURNAL_NO_ENTRY;
    *settlement = (struct settlement){.batch = journal->batch};
    if (wish == SETTLEMENT_DECLINED && journal->has_declined) {
        settlement->deviation = SETTLEMENT_DECLINED;
        settlement->deviation_stan = journal->declined.stan;
    } else if (wish != SETTLEMENT_NONE) {
        left_out = forgettable(journal);
    }
    if (left_out != JOURNAL_NO_ENTRY) {
        settlement->deviation = SETTLEMENT_FORGOTTEN;
        settlement->deviation_stan = journal->entries[left_out].request.stan;
    }
    uint32_t room = journal->count - journal->batch_first + 1;
    settlement->details = calloc(room, sizeof *settlement->details);
    if (settlement->details == NULL) {
        return STATUS_NO_MEMORY;
    }
    details_copy(settlement, journal, left_out);
    for (uint32_t i = 0; i < settlement->detail_count; i++) {
        const struct settlement_detail *detail = &settlement->details[i];
        journal_totals_add(&settlement->own, &detail->request, detail->amount, 1);
    }
    return STATUS_OK;
}

void settlement_end(struct settlement *settlement)
{
    free(settlement->details);
    *settlement = (struct settlement){0};
}

/* Forty digits: card class, trace number, card number on the right, amount. */
static void detail_format(char *digits, const struct settlement_detail *detail)
{
    const struct card *card = &detail->request.card;
    int length =
        snprintf(digits, POS_DETAIL_DIGITS + 1, "%02d%06u%0*d%s%012llu", card->is_foreign ? 1 : 0,
                 (unsigned)detail->request.stan, PAN_DIGITS - (int)strlen(card->pan), 0, card->pan,
                 (unsigned long long)detail->amount);
    REQUIRE(length == POS_DETAIL_DIGITS);
}

static bool detail_is_chip(const struct settlement *settlement, uint32_t index)
{
    return pos_entry_is_chip(settlement->details[index].request.entry);
}

static struct byte_view build_details(struct settlement *settlement, struct pos_writer *writer,
                                      const struct pos_identity *identity)
{
    char digits[2 + POS_DETAIL_COUNT_MAX * POS_DETAIL_DIGITS + 1];
    uint32_t count = 0;
    for (uint32_t i = settlement->next;
         i < settlement->detail_count && count < POS_DETAIL_COUNT_MAX &&
         !detail_is_chip(settlement, i);
         i++) {
        detail_format(digits + 2 + (size_t)count * POS_DETAIL_DIGITS, &settlement->details[i]);
        count++;
    }
    digits[0] = '0';
    digits[1] = (char)('0' + count);
    settlement->step_count = count;
    struct pos_management management = {.management_code = "201", .stan = settlement->stan};
    return pos_build_batch(writer, identity, &management, digits);
}

static struct byte_view build_last(struct settlement *settlement, struct pos_writer *writer,
                                   const struct pos_identity *identity)
{
    char digits[5];
    bool is_equal = settlement_is_equal(settlement);
    struct pos_management management = {.management_code = is_equal ? "207" : "202",
                                        .stan = settlement->stan};
    snprintf(digits, sizeof digits, "%04u", (unsigned)(settlement->detail_count % 10000));
    return pos_build_batch(writer, identity, &management, digits);
}

struct byte_view settlement_build_again(struct settlement *settlement, struct pos_writer *writer,
                                        const struct pos_identity *identity)
{
    char totals[POS_TOTALS_DIGITS + 1];
    struct pos_identity of_batch = *identity;
    of_batch.batch = settlement->batch;
    if (settlement->stage == SETTLEMENT_TOTALS) {
        journal_totals_format(&settlement->own, totals);
        return pos_build_settlement(writer, &of_batch, settlement->stan, totals);
    }
    if (settlement->stage == SETTLEMENT_DETAILS) {
        return build_details(settlement, writer, &of_batch);
    }
    if (settlement->stage == SETTLEMENT_CHIP_DETAILS) {
        struct pos_request request = settlement->details[settlement->next].request;
        request.amount = settlement->details[settlement->next].amount;
        settlement->step_count = 1;
        return pos_build_batch_chip(writer, &of_batch, "205", &request);
    }
    return build_last(settlement, writer, &of_batch);
}

struct byte_view settlement_build(struct settlement *settlement, struct pos_writer *writer,
                                  const struct pos_identity *identity, uint32_t stan)
{
    settlement->stan = stan;
    if (settlement->stage == SETTLEMENT_CHIP_DETAILS) { /* under the number it had */
        settlement->stan = settlement->details[settlement->next].request.stan;
    } else if (settlement->stage == SETTLEMENT_TOTALS) {
        settlement->settlement_stan = stan;
    }
    return settlement_build_again(settlement, writer, identity);
}

bool settlement_is_answer(const struct settlement *settlement, const struct pos_answer *answer)
{
    const char *mti = settlement->stage == SETTLEMENT_TOTALS ? "0510" : "0330";
    return strcmp(answer->mti, mti) == 0 && answer->stan == settlement->stan;
}

bool settlement_is_equal(const struct settlement *settlement)
{
    return strcmp(settlement->results, "11") == 0;
}

/* After an acknowledged part: more of it, the chip part, or the end. */
static void stage_advance(struct settlement *settlement)
{
    settlement->next += settlement->step_count;
    settlement->step_count = 0;
    if (settlement->next >= settlement->detail_count) {
        settlement->stage = SETTLEMENT_LAST;
    } else {
        settlement->stage = detail_is_chip(settlement, settlement->next) ? SETTLEMENT_CHIP_DETAILS
                                                                         : SETTLEMENT_DETAILS;
    }
}

static enum status totals_take(struct settlement *settlement, const struct pos_answer *answer)
{
    if (journal_totals_parse(&settlement->answered, settlement->results, answer->totals) !=
            STATUS_OK ||
        strchr("12", settlement->results[0]) == NULL ||
        strchr("12", settlement->results[1]) == NULL) {
        settlement->results[0] = '\0'; /* 0, 3: the centre could make nothing of it */
        return STATUS_BAD_VALUE;
    }
    memcpy(settlement->rrn, answer->rrn, sizeof settlement->rrn);
    if (settlement_is_equal(settlement)) {
        settlement->stage = SETTLEMENT_LAST;
    } else {
        stage_advance(settlement);
    }
    return STATUS_OK;
}

enum status settlement_take(struct settlement *settlement, const struct pos_answer *answer)
{
    if (settlement->stage == SETTLEMENT_TOTALS) {
        return totals_take(settlement, answer);
    }
    if (strcmp(answer->response_code, "00") != 0) {
        return STATUS_BAD_VALUE;
    }
    if (settlement->stage == SETTLEMENT_LAST) {
        settlement->stage = SETTLEMENT_OVER;
    } else {
        stage_advance(settlement);
    }
    return STATUS_OK;
}
