/* See fee_case.h. */
#include "switch/admin/fee_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routing/civil_date.h"
#include "routing/condition_words.h"
#include "routing/fee_set.h"
#include "switch/admin/text_json.h"
#include "switch/aftersales/fee_dispute.h"

#define CHINA_US INT64_C(28800000000)

/* ---- the log ---- */

static void take_text(char *to, size_t size, sqlite3_stmt *from, int at)
{
    const char *text = (const char *)sqlite3_column_text(from, at);
    snprintf(to, size, "%s", text == NULL ? "" : text);
}

/* One row of one segment. -1: the log failed; 0: none; 1: `statement` stands on it, to be
 * finalized. */
static int one_row(struct log_view *view, uint32_t ordinal, const char *sql, sqlite3_stmt **found,
                   const char *text, int64_t number)
{
    struct log_view_segment *segment = log_view_segment(view, ordinal);
    sqlite3_stmt *statement = segment == NULL ? NULL : log_view_prepare(view, segment, sql);
    if (statement == NULL) {
        return -1;
    }
    int failed = text != NULL ? sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC)
                              : sqlite3_bind_int64(statement, 1, number);
    int step = failed == SQLITE_OK ? sqlite3_step(statement) : failed;
    if (step == SQLITE_ROW) {
        *found = statement;
        return 1;
    }
    if (step != SQLITE_DONE) {
        log_view_note(view, segment);
    }
    sqlite3_finalize(statement);
    return step == SQLITE_DONE ? 0 : -1;
}

bool fee_case_find(struct log_view *view, const char *rrn, struct fee_case_txn *txn)
{
    static const char SQL[] = "SELECT position, terminal_id, merchant_id FROM log WHERE rrn = ?1"
                              " AND rrn <> '' ORDER BY position LIMIT 1";
    *txn = (struct fee_case_txn){.position = 0};
    for (uint32_t at = view->span.first; at <= view->span.last && txn->position == 0; at++) {
        sqlite3_stmt *found = NULL;
        int answer = one_row(view, at, SQL, &found, rrn, 0);
        if (answer < 0) {
            return false;
        }
        if (answer > 0) {
            txn->position = (uint64_t)sqlite3_column_int64(found, 0);
            take_text(txn->terminal_id, sizeof(txn->terminal_id), found, 1);
            take_text(txn->merchant_id, sizeof(txn->merchant_id), found, 2);
            sqlite3_finalize(found);
        }
    }
    return true;
}

/* The RRN and the masked card of the row at a position. A row about a terminal alone (wrong MACs)
 * has neither. */
struct row_name {
    bool is_there;
    char rrn[13], pan_masked[20];
};

static bool find_name(struct log_view *view, uint64_t position, struct row_name *name)
{
    static const char SQL[] = "SELECT rrn, pan_masked FROM log WHERE position = ?1";
    memset(name, 0, sizeof(*name));
    for (uint32_t at = view->span.first; at <= view->span.last && !name->is_there; at++) {
        sqlite3_stmt *found = NULL;
        int answer = one_row(view, at, SQL, &found, NULL, (int64_t)position);
        if (answer < 0) {
            return false;
        }
        if (answer > 0) {
            name->is_there = true;
            take_text(name->rrn, sizeof(name->rrn), found, 0);
            take_text(name->pan_masked, sizeof(name->pan_masked), found, 1);
            sqlite3_finalize(found);
        }
    }
    return true;
}

/* ---- rules ---- */

static const struct fee_rule *rule_at(const struct fee_plan_set *plans, uint32_t line)
{
    for (uint32_t i = 0; i < plans->plan_count; i++) {
        const struct fee_rules *rules = &plans->plans[i].rules;
        for (uint32_t at = 0; at < rules->count; at++) {
            if (rules->items[at].line == line) {
                return &rules->items[at];
            }
        }
    }
    return NULL;
}

/* What a rule says, in the name of the plan that asked it. */
static void tell_rule(struct fee_dispute_rule *told, const struct fee_plan_set *plans,
                      const struct fee_choice *choice, const struct fee_rule *rule,
                      const char *plan)
{
    snprintf(told->plan, sizeof(told->plan), "%s", plan);
    snprintf(told->rule, sizeof(told->rule), "%.30s:%u", plans->file, rule->line);
    condition_explain(&rule->condition, &choice->facts, told->facts, sizeof(told->facts));
    told->formula = rule->formulas[FEE_MERCHANT];
}

/* The same payment by another plan. False: that plan has no rule for it. */
static bool tell_plan(struct fee_dispute_rule *told, const struct fee_plan_set *plans,
                      const struct fee_row *row, const char *plan)
{
    struct fee_choice choice;
    struct merchant_row merchant = row->merchant;
    struct fee_inputs inputs = row->inputs;
    snprintf(merchant.plan, sizeof(merchant.plan), "%s", plan);
    inputs.merchant = &merchant;
    fee_choose(plans, &inputs, &choice);
    if (choice.merchant == NULL) {
        return false;
    }
    snprintf(told->version, sizeof(told->version), "%u", row->ruleset_version);
    tell_rule(told, plans, &choice, choice.merchant, plan);
    return true;
}

/* What was charged by, as the log names it by its line. */
static bool tell_applied(struct fee_dispute_rule *told, const struct fee_plan_set *plans,
                         const struct fee_row *row)
{
    struct fee_choice choice;
    fee_choose(plans, &row->inputs, &choice);
    const struct fee_rule *rule = rule_at(plans, row->fee_rule);
    if (rule == NULL) {
        return false;
    }
    snprintf(told->version, sizeof(told->version), "%u", row->ruleset_version);
    tell_rule(told, plans, &choice, rule, row->merchant.plan);
    return true;
}

/* ---- the dispute ---- */

static void word_of(char *to, size_t size, unsigned part, uint8_t bit)
{
    const char *word = bit == FEE_BASIS_NONE ? NULL : condition_word(part, bit);
    snprintf(to, size, "%s", word == NULL ? "-" : word);
}

static void take_facts(struct fee_dispute *dispute, const struct fee_row *row,
                       const struct row_name *name)
{
    struct civil_date date =
        civil_date_of((int32_t)((row->inputs.wall_us + CHINA_US) / CIVIL_DAY_US));
    memcpy(dispute->rrn, row->rrn, sizeof(dispute->rrn));
    memcpy(dispute->pan_masked, name->pan_masked, sizeof(dispute->pan_masked));
    snprintf(dispute->date, sizeof(dispute->date), "%04u-%02u-%02u", (unsigned)date.year % 10000,
             date.month % 100, date.day % 100);
    memcpy(dispute->channel, row->channel, sizeof(dispute->channel));
    memcpy(dispute->mcc, row->merchant.mcc, sizeof(dispute->mcc));
    word_of(dispute->scheme, sizeof(dispute->scheme), CONDITION_SCHEME, row->basis.scheme);
    word_of(dispute->product, sizeof(dispute->product), CONDITION_PRODUCT, row->basis.product);
    dispute->amount = row->inputs.amount;
    dispute->card_type = row->basis.card_type <= CARD_TYPE_FOREIGN
                             ? (enum card_type)row->basis.card_type
                             : CARD_TYPE_DEBIT;
    dispute->merchant_class = (enum merchant_class)row->merchant.merchant_class;
    dispute->charged_minor = row->figures.merchant_fee;
    dispute->issuer_minor = row->figures.issuer_fee;
    dispute->scheme_minor = row->figures.scheme_fee;
}

static json_t *lines_json(const struct fee_dispute *dispute, bool is_chinese)
{
    char *text = malloc(FEE_DISPUTE_TEXT_SIZE);
    if (text == NULL) {
        return json_array();
    }
    fee_dispute_explain(dispute, is_chinese, text, FEE_DISPUTE_TEXT_SIZE);
    json_t *lines = text_json_lines(text);
    free(text);
    return lines;
}

static const char *verdict_text(enum fee_verdict verdict, bool is_chinese)
{
    static const char *const TEXTS[FEE_VERDICT_COUNT][2] = {
#define X(name, zh, en) [FEE_VERDICT_##name] = {en, zh},
        FEE_VERDICT_MAP(X)
#undef X
    };
    return TEXTS[verdict][is_chinese];
}

static void add_judgement(json_t *answer, const struct fee_dispute *dispute)
{
    struct fee_judgement judgement;
    fee_dispute_judge(dispute, &judgement);
    json_object_set_new(answer, "verdict_zh", json_string(verdict_text(judgement.verdict, true)));
    json_object_set_new(answer, "verdict_en", json_string(verdict_text(judgement.verdict, false)));
    json_object_set_new(answer, "due_minor", json_integer(judgement.due_minor));
    json_object_set_new(answer, "difference_minor", json_integer(judgement.difference_minor));
    json_object_set_new(answer, "lines_zh", lines_json(dispute, true));
    json_object_set_new(answer, "lines_en", lines_json(dispute, false));
}

/* What another plan would have taken: of the file of that day. */
static void add_other(json_t *answer, const struct fee_case *about, struct fee_dispute *dispute,
                      const struct fee_plan_set *plans, const struct fee_row *row)
{
    if (about->other_plan == NULL) {
        json_object_set_new(answer, "other", json_null());
        return;
    }
    dispute->has_other = tell_plan(&dispute->other, plans, row, about->other_plan);
    json_object_set_new(
        answer, "other",
        dispute->has_other
            ? json_pack("{s:s, s:I}", "plan", dispute->other.plan, "fee_minor",
                        (json_int_t)fee_apply(&dispute->other.formula, dispute->amount.minor))
            : json_pack("{s:o, s:s}", "plan", text_json(about->other_plan), "note",
                        "the fees file of that version has no such plan, or none of its rules "
                        "fits this payment"));
}

static void judge(json_t *answer, const struct fee_case *about, const struct fee_plan_set *plans,
                  const struct fee_row *row, const struct row_name *name)
{
    struct fee_dispute dispute = {.has_other = false};
    const char *agreed = fee_signed_at(about->terms, row->inputs.wall_us);
    take_facts(&dispute, row, name);
    json_object_set_new(answer, "signed_plan", agreed[0] == '\0' ? json_null() : text_json(agreed));
    if (!tell_applied(&dispute.applied, plans, row)) {
        json_object_set_new(answer, "note",
                            json_string("the fees file of that version no longer has the rule that "
                                        "was charged by; the figures stand in explanation"));
        return;
    }
    if (agreed[0] != '\0' && strcmp(agreed, row->merchant.plan) != 0) {
        dispute.has_signed = tell_plan(&dispute.signed_rule, plans, row, agreed);
    }
    snprintf(dispute.complain, sizeof(dispute.complain), "%s", about->terms->complain);
    add_other(answer, about, &dispute, plans, row);
    add_judgement(answer, &dispute);
}

static void add_dispute(json_t *answer, const struct fee_case *about,
                        const struct fee_answer_row *found, const struct row_name *name)
{
    char path[FEE_ANSWER_PATH_SIZE];
    const struct fee_row *row = &found->row;
    if (!found->is_there || found->answer != FEE_ROW_PRICED) {
        json_object_set_new(answer, "note",
                            json_string("it has no price of its own, or none that this version "
                                        "reads; see explanation"));
        return;
    }
    json_object_set_new(answer, "plan", text_json(row->merchant.plan));
    json_object_set_new(answer, "charged_minor", json_integer(row->figures.merchant_fee));
    struct fee_plan_set *plans = fee_answer_plans(about->files, row->ruleset_version, path);
    if (plans == NULL || !fee_amount_is_priced(plans, row->inputs.amount)) {
        json_object_set_new(answer, "note",
                            json_string("the fees file of that version is no longer kept, so that "
                                        "its rule cannot be judged; see explanation"));
    } else {
        judge(answer, about, plans, row, name);
    }
    fee_plan_set_destroy(plans);
}

json_t *fee_case_explain(struct log_view *view, const struct fee_case *about, uint64_t position)
{
    struct row_name name;
    bool is_failed = false;
    if (!find_name(view, position, &name)) {
        return NULL;
    }
    if (name.is_there && name.rrn[0] == '\0') {
        return json_null();
    }
    if (!name.is_there) {
        return json_pack("{s:I, s:n, s:s}", "position", (json_int_t)position, "rrn", "note",
                         "the log no longer holds this transaction");
    }
    json_t *explanation = about->hides_shares
                              ? json_null()
                              : fee_answer_explain(view, about->files, name.rrn, &is_failed);
    struct fee_answer_row *found = calloc(1, sizeof(*found));
    if (explanation == NULL || found == NULL || !fee_answer_find(view, name.rrn, found)) {
        json_decref(explanation);
        free(found);
        return NULL;
    }
    json_t *answer =
        json_pack("{s:I, s:s, s:o, s:o}", "position", (json_int_t)position, "rrn", name.rrn, "card",
                  text_json(name.pan_masked), "explanation", explanation);
    add_dispute(answer, about, found, &name);
    free(found);
    return answer;
}
