/* A fees file over past transactions: each priced one is priced again from what the log kept of its
 * inputs, by the file that is tried, and held against what was charged. What counts is what stands
 * now: approved, and not reversed, voided or adjusted since, be it after the stretch of time; so
 * two stretches come to what both come to in one. Refunds give back a part of these fees by
 * the policy that was charged; they are counted and not priced again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/yaml_file.h"
#include "routing/fee_note.h"
#include "switch/admin/dry_run.h"
#include "switch/admin/fee_book.h"
#include "switch/admin/fee_row.h"
#include "switch/admin/log_scan.h"
#include "switch/admin/tally.h"
#include "switch/admin/wall_text.h"
#include "switch/engine/payment_rule.h"

#define ROWS_SQL                                                                                   \
    "SELECT " FEE_ROW_COLUMNS                                                                      \
    ", kind, epoch, seq, original_epoch, original_seq, reason = 'channel_answered', "              \
    "response_code FROM log WHERE position BETWEEN ?1 AND ?2 AND kind IN ('intent', 'advice', "    \
    "'result', 'advice_done', 'reversal', 'reversal_done') ORDER BY position"
enum {
    AT_KIND = 20,
    AT_EPOCH,
    AT_SEQ,
    AT_ORIGINAL_EPOCH,
    AT_ORIGINAL_SEQ,
    AT_IS_ANSWERED,
    AT_CODE
};
#define LOSSES_SIZE 4096

struct trial {
    const struct dry_run *run;
    struct fee_plan_set *plans;    /* owner */
    struct fee_book *book;         /* owner */
    json_t *numbers[2], *names[2]; /* of merchants and of plans: name -> number, number -> name */
    json_t *merchants, *plan_sums, *totals, *doubts;
    uint64_t refund_count;
    enum status status; /* why the scan was stopped */
};
enum { OF_MERCHANTS, OF_PLANS };

/* --- one row ------------------------------------------------------------------------------ */

/* The number of a name, a new one where it has none yet. */
static uint32_t number_of(struct trial *trial, unsigned which, const char *name)
{
    json_t *known = json_object_get(trial->numbers[which], name);
    if (known != NULL) {
        return (uint32_t)json_integer_value(known);
    }
    uint32_t number = (uint32_t)json_array_size(trial->names[which]);
    json_array_append_new(trial->names[which], json_string(name));
    json_object_set_new(trial->numbers[which], name, json_integer(number));
    return number;
}

static const char *name_of(const struct trial *trial, unsigned which, uint32_t number)
{
    return json_string_value(json_array_get(trial->names[which], number));
}

static void doubt(struct trial *trial, const struct fee_row *row, const char *why)
{
    json_t *tally = tally_of(trial->doubts, why);
    tally_add(tally, "count", 1);
    tally_add(tally, "amount", row->figures.amount);
    tally_example(tally, row->rrn, DRY_RUN_EXAMPLE_COUNT);
}

/* Priced by the file that is tried. False: it has no price there, or one that does not add up
 * (I16), which is told. */
static bool price(struct trial *trial, struct fee_row *row, struct fee_entry *entry)
{
    struct fee_quote quote;
    char shares[FEE_SHARES_SIZE];
    if (!fee_plan_set_has(trial->plans, row->merchant.plan)) {
        doubt(trial, row, "the plan that it was charged by is not in the file");
        return false;
    }
    if (fee_quote(trial->plans, &row->inputs, &quote) != STATUS_OK) {
        doubt(trial, row, "no price rule or no cost rule of the file fits it");
        return false;
    }
    fee_shares_write(shares, &quote.shares);
    entry->tried = (struct fee_price){quote.merchant_fee.minor, quote.issuer_fee.minor,
                                      quote.scheme_fee.minor, quote.shares.total};
    const struct fee_figures figures = {row->figures.amount,     entry->tried.merchant_fee,
                                        entry->tried.issuer_fee, entry->tried.scheme_fee,
                                        entry->tried.agent_fee,  shares};
    const char *fault = fee_figures_fault(&figures);
    if (fault != NULL) {
        doubt(trial, row, fault);
    }
    return fault == NULL;
}

static struct txn_reference reference_at(sqlite3_stmt *from, int at)
{
    return (struct txn_reference){(uint32_t)sqlite3_column_int64(from, at),
                                  (uint32_t)sqlite3_column_int64(from, at + 1)};
}

static bool is_void(enum payment_kind kind)
{
    const struct payment_rule *rule = payment_rule_of(kind);
    return rule->side == BATCH_CREDIT && rule->amount == PAYMENT_AMOUNT_EQUAL;
}

/* What the row begins, where it is of the stretch of time: entered in the book. False: stop. */
static bool begin(struct trial *trial, struct fee_row *row, enum fee_row_answer answer,
                  sqlite3_stmt *from)
{
    struct fee_entry entry = {.txn = reference_at(from, AT_EPOCH),
                              .original = reference_at(from, AT_ORIGINAL_EPOCH),
                              .kind = row->payment.kind,
                              .amount = row->figures.amount};
    if (payment_rule_of(entry.kind)->side == BATCH_NEITHER && answer != FEE_ROW_UNREADABLE) {
        return true; /* it moves no money */
    }
    if (answer == FEE_ROW_UNREADABLE) {
        doubt(trial, row, "the log's texts of its price are of another version of this program");
        return true;
    }
    if (answer == FEE_ROW_UNPRICED && !is_void(entry.kind)) {
        trial->refund_count += entry.kind == PAYMENT_REFUND;
        return true;
    }
    if (answer == FEE_ROW_PRICED) {
        const char *fault = fee_figures_fault(&row->figures);
        if (fault != NULL) {
            doubt(trial, row, "what was charged does not add up");
            return true;
        }
        entry.is_priced = price(trial, row, &entry);
        entry.charged = (struct fee_price){row->figures.merchant_fee, row->figures.issuer_fee,
                                           row->figures.scheme_fee, row->figures.agent_fee};
        entry.merchant = number_of(trial, OF_MERCHANTS, row->merchant.merchant_id);
        entry.plan = number_of(trial, OF_PLANS, row->merchant.plan);
    }
    trial->status = fee_book_enter(trial->book, &entry);
    return trial->status == STATUS_OK;
}

/* What begins after the stretch of time is entered for its original's sake alone. */
static bool begin_later(struct trial *trial, enum payment_kind kind, sqlite3_stmt *from)
{
    struct fee_entry entry = {.txn = reference_at(from, AT_EPOCH),
                              .original = reference_at(from, AT_ORIGINAL_EPOCH),
                              .kind = kind};
    if (fee_kind_ends_original(kind) && fee_book_find(trial->book, entry.original) != NULL) {
        trial->status = fee_book_enter(trial->book, &entry);
    }
    return trial->status == STATUS_OK;
}

static bool on_row(void *argument, sqlite3_stmt *from)
{
    struct trial *trial = argument;
    struct fee_row row;
    const char *kind = (const char *)sqlite3_column_text(from, AT_KIND);
    if (strncmp(kind, "reversal", strlen("reversal")) == 0) {
        struct fee_entry *undone =
            fee_book_find(trial->book, reference_at(from, AT_ORIGINAL_EPOCH));
        if (undone != NULL) {
            undone->is_reversed = true;
        }
        return true;
    }
    struct fee_entry *entry = fee_book_find(trial->book, reference_at(from, AT_EPOCH));
    if (entry != NULL) {
        bool is_result = strcmp(kind, "result") == 0;
        if (strcmp(kind, "advice_done") == 0 ||
            (is_result && sqlite3_column_int64(from, AT_IS_ANSWERED) != 0 &&
             payment_is_approval((const char *)sqlite3_column_text(from, AT_CODE)))) {
            entry->is_approved = true;
        }
        return true;
    }
    bool begins = strcmp(kind, "intent") == 0 || strcmp(kind, "advice") == 0;
    enum fee_row_answer answer = begins ? fee_row_read(&row, from) : FEE_ROW_UNPRICED;
    if (!begins || row.wall_us < trial->run->from_us) {
        return true;
    }
    return row.wall_us < trial->run->to_us ? begin(trial, &row, answer, from)
                                           : begin_later(trial, row.payment.kind, from);
}

/* --- sums --------------------------------------------------------------------------------- */

static void add_entry(json_t *tally, const struct fee_entry *entry)
{
    int64_t charged = fee_price_margin(&entry->charged);
    int64_t tried = fee_price_margin(&entry->tried);
    tally_add(tally, "count", 1);
    tally_add(tally, "amount", entry->amount);
    tally_add(tally, "charged_fee", entry->charged.merchant_fee);
    tally_add(tally, "tried_fee", entry->tried.merchant_fee);
    tally_add(tally, "difference", entry->tried.merchant_fee - entry->charged.merchant_fee);
    tally_add(tally, "charged_margin", charged);
    tally_add(tally, "tried_margin", tried);
    tally_add(tally, "changed", memcmp(&entry->charged, &entry->tried, sizeof(entry->tried)) != 0);
    tally_add(tally, "charged_losses", charged < 0);
    tally_add(tally, "charged_loss", charged < 0 ? -charged : 0);
    tally_add(tally, "tried_losses", tried < 0);
    tally_add(tally, "tried_loss", tried < 0 ? -tried : 0);
}

static void add_up(struct trial *trial)
{
    fee_book_close(trial->book);
    for (uint32_t i = 0; i < fee_book_count(trial->book); i++) {
        const struct fee_entry *entry = fee_book_at(trial->book, i);
        if (fee_entry_stands(entry)) {
            const char *merchant = name_of(trial, OF_MERCHANTS, entry->merchant);
            const char *plan = name_of(trial, OF_PLANS, entry->plan);
            add_entry(tally_of_at_most(trial->merchants, merchant, DRY_RUN_MERCHANT_SUMS_MAX),
                      entry);
            add_entry(tally_of(trial->plan_sums, plan), entry);
            add_entry(trial->totals, entry);
        }
    }
}

/* The sum of a member over all of them. */
static int64_t sum_of(const json_t *tallies, const char *member)
{
    int64_t sum = 0;
    const char *name;
    json_t *tally;
    json_object_foreach((json_t *)(uintptr_t)tallies, name, tally)
    {
        sum += tally_get(tally, member);
    }
    return sum;
}

/* Merchants, plans and the whole are three sums of the same figures (I16). */
static bool sums_agree(const struct trial *trial)
{
    static const char *const members[] = {"count",      "amount",         "charged_fee",
                                          "tried_fee",  "charged_margin", "tried_margin",
                                          "difference", "tried_loss"};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        int64_t total = tally_get(trial->totals, members[i]);
        if (sum_of(trial->merchants, members[i]) != total ||
            sum_of(trial->plan_sums, members[i]) != total) {
            return false;
        }
    }
    return tally_get(trial->totals, "tried_fee") - tally_get(trial->totals, "charged_fee") ==
           tally_get(trial->totals, "difference");
}

/* --- in words ----------------------------------------------------------------------------- */

struct money_text {
    char text[MONEY_TEXT_SIZE];
};

static struct money_text money_of(const struct trial *trial, const json_t *tally,
                                  const char *member)
{
    struct money_text text;
    money_format(text.text,
                 (struct money){tally_get(tally, member), fee_plan_set_currency(trial->plans)});
    return text;
}

static void tell_frame(const struct trial *trial, json_t *lines)
{
    char from[WALL_TEXT_SIZE];
    char to[WALL_TEXT_SIZE];
    char *losses = malloc(LOSSES_SIZE);
    wall_text_format(from, trial->run->from_us);
    wall_text_format(to, trial->run->to_us);
    tally_line(lines, "%s over the transactions from %s until %s", trial->run->name, from, to);
    if (losses != NULL) {
        fee_plan_set_losses(trial->plans, losses, LOSSES_SIZE);
        for (const char *line = losses; *line != '\0';) {
            size_t length = strcspn(line, "\n");
            tally_line(lines, "the file may sell below cost: %.*s", (int)length, line);
            line += length + (line[length] == '\n' ? 1 : 0);
        }
    }
    free(losses);
}

static void tell_totals(const struct trial *trial, json_t *lines)
{
    const json_t *totals = trial->totals;
    tally_line(lines,
               "%" PRId64 " transactions (%s): merchants paid %s, by the file %s, difference %s; "
               "%" PRId64 " are priced differently",
               tally_get(totals, "count"), money_of(trial, totals, "amount").text,
               money_of(trial, totals, "charged_fee").text,
               money_of(trial, totals, "tried_fee").text,
               money_of(trial, totals, "difference").text, tally_get(totals, "changed"));
    tally_line(lines, "left after issuer, scheme and agents: %s, by the file %s",
               money_of(trial, totals, "charged_margin").text,
               money_of(trial, totals, "tried_margin").text);
    tally_line(lines, "sold below cost: %" PRId64 " (%s lost), by the file %" PRId64 " (%s lost)",
               tally_get(totals, "charged_losses"), money_of(trial, totals, "charged_loss").text,
               tally_get(totals, "tried_losses"), money_of(trial, totals, "tried_loss").text);
    if (trial->refund_count > 0) {
        tally_line(lines,
                   "%" PRIu64 " refunds give back of their originals' fees what was charged by "
                   "the policy of then; they are not priced again",
                   trial->refund_count);
    }
}

static void tell_doubts(const struct trial *trial, json_t *lines, const json_t *doubts)
{
    for (size_t i = 0; i < json_array_size(doubts); i++) {
        const json_t *tally = json_array_get(doubts, i);
        tally_line(lines, "not priced: %s: %" PRId64 " (%s), such as %s",
                   json_string_value(json_object_get(tally, "reason")), tally_get(tally, "count"),
                   money_of(trial, tally, "amount").text,
                   json_string_value(json_array_get(json_object_get(tally, "examples"), 0)));
    }
}

static json_t *result_of(const struct trial *trial)
{
    json_t *lines = json_array();
    json_t *doubts = tally_list(trial->doubts, "reason", "count", json_object_size(trial->doubts));
    tell_frame(trial, lines);
    tell_totals(trial, lines);
    tell_doubts(trial, lines, doubts);
    return json_pack(
        "{s:s, s:i, s:O, s:o, s:o, s:o, s:o}", "file", trial->run->name, "currency",
        (int)fee_plan_set_currency(trial->plans), "totals", trial->totals, "merchants",
        tally_list(trial->merchants, "merchant_id", "difference", DRY_RUN_MERCHANT_COUNT_MAX),
        "plans",
        tally_list(trial->plan_sums, "plan", "difference", json_object_size(trial->plan_sums)),
        "doubts", doubts, "lines", lines);
}

/* --- the run ------------------------------------------------------------------------------ */

static void add_channels(struct channel_table *table, const struct server_options *options)
{
    for (uint32_t i = 0; i < options->channel_count; i++) {
        struct channel_row row = {.kinds = UINT64_MAX};
        memcpy(row.name, options->channels[i].name, sizeof(options->channels[i].name));
        enum status status = channel_table_add(table, &row);
        (void)status; /* names are checked with the options, and as many fit as options allow */
    }
}

/* The file's plans; its faults as --check-config tells them. */
static enum status load(struct trial *trial, struct byte_writer *faults)
{
    struct server_options *options = options_file_load(trial->run->options, faults);
    struct channel_table *channels = channel_table_create();
    struct document *document =
        yaml_file_parse(trial->run->name, trial->run->text, trial->run->length);
    bool is_ready = options != NULL && channels != NULL && document != NULL;
    if (is_ready) {
        add_channels(channels, options);
        if (document_fault_count(document) == 0) {
            trial->plans = fee_plan_set_compile(document, channels);
        }
        for (uint32_t i = 0; i < document_fault_count(document) && i < DOCUMENT_FAULT_COUNT_MAX;
             i++) {
            byte_writer_text(faults, document_fault_text(document, i));
            byte_writer_text(faults, "\n");
        }
    }
    if (document != NULL) {
        document_destroy(document);
    }
    if (channels != NULL) {
        channel_table_destroy(channels);
    }
    if (options != NULL) {
        server_options_destroy(options);
    }
    return trial->plans == NULL ? STATUS_BAD_VALUE : STATUS_OK;
}

static enum status scan(struct trial *trial, struct byte_writer *faults)
{
    char reason[LOG_VIEW_REASON_SIZE] = "";
    const struct log_scan asked = {.folder = trial->run->log,
                                   .sql = ROWS_SQL,
                                   .from_us = trial->run->from_us,
                                   .on_row = on_row,
                                   .argument = trial,
                                   .rows = trial->run->rows};
    enum status status = log_scan(&asked, reason);
    byte_writer_text(faults, reason);
    if (status == STATUS_OK && trial->status != STATUS_OK) {
        status = trial->status;
        byte_writer_text(faults, status == STATUS_NO_ROOM
                                     ? "more than 2000000 priced transactions in that time: choose "
                                       "a shorter one\n"
                                     : "no memory for so many transactions\n");
    }
    return status;
}

static void trial_begin(struct trial *trial, const struct dry_run *run)
{
    *trial = (struct trial){.run = run,
                            .book = fee_book_create(),
                            .numbers = {json_object(), json_object()},
                            .names = {json_array(), json_array()},
                            .merchants = json_object(),
                            .plan_sums = json_object(),
                            .totals = json_object(),
                            .doubts = json_object()};
}

static void trial_end(struct trial *trial)
{
    json_t *const owned[] = {trial->numbers[0], trial->numbers[1], trial->names[0], trial->names[1],
                             trial->merchants,  trial->plan_sums,  trial->totals,   trial->doubts};
    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) {
        json_decref(owned[i]);
    }
    fee_plan_set_destroy(trial->plans);
    fee_book_destroy(trial->book);
}

enum status fee_dry_run(const struct dry_run *run, json_t **result, struct byte_writer *faults)
{
    struct trial trial;
    trial_begin(&trial, run);
    enum status status = trial.book == NULL ? STATUS_NO_MEMORY : load(&trial, faults);
    if (status == STATUS_OK) {
        status = scan(&trial, faults);
    }
    if (status == STATUS_OK) {
        add_up(&trial);
        if (!sums_agree(&trial)) {
            byte_writer_text(faults, "the sums by merchant, by plan and in all do not agree: this "
                                     "is a fault of tillway-admin, please report it\n");
            status = STATUS_BROKEN;
        }
    }
    *result = status == STATUS_OK ? result_of(&trial) : NULL;
    trial_end(&trial);
    return status;
}
