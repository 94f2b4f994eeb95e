/* See fee_answer.h. */
#include "switch/admin/fee_answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/file_text.h"

#define EXPLANATION_SIZE 8192
#define LINE_SIZE 512

/* --- finding ------------------------------------------------------------------------------ */

#define ROWS_SQL                                                                                   \
    "SELECT " FEE_ROW_COLUMNS ", original_epoch, original_seq FROM log WHERE rrn = ?1"             \
    " AND kind IN ('intent', 'advice', 'result', 'advice_done') ORDER BY fee_basis = '', position" \
    " LIMIT 1"
enum { AT_ORIGINAL_EPOCH = 20, AT_ORIGINAL_SEQ };

bool fee_answer_find(struct log_view *view, const char *rrn, struct fee_answer_row *found)
{
    for (uint32_t at = view->span.first; at <= view->span.last && !found->is_there; at++) {
        struct log_view_segment *segment = log_view_segment(view, at);
        sqlite3_stmt *asked = segment == NULL ? NULL : log_view_prepare(view, segment, ROWS_SQL);
        if (asked == NULL) {
            return false;
        }
        sqlite3_bind_text(asked, 1, rrn, -1, SQLITE_STATIC);
        int step = sqlite3_step(asked);
        if (step == SQLITE_ROW) {
            found->is_there = true;
            found->answer = fee_row_read(&found->row, asked);
            found->original[0] = sqlite3_column_int64(asked, AT_ORIGINAL_EPOCH);
            found->original[1] = sqlite3_column_int64(asked, AT_ORIGINAL_SEQ);
        } else if (step != SQLITE_DONE) {
            log_view_note(view, segment);
        }
        sqlite3_finalize(asked);
        if (step != SQLITE_ROW && step != SQLITE_DONE) {
            return false;
        }
    }
    return true;
}

/* --- telling ------------------------------------------------------------------------------ */

static void tell(json_t *lines, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(json_t *lines, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    json_array_append_new(lines, json_string(line));
}

struct money_text {
    char text[MONEY_TEXT_SIZE];
};

static struct money_text money_text(int64_t minor, uint16_t currency)
{
    struct money_text text;
    money_format(text.text, (struct money){minor, currency});
    return text;
}

static void tell_charged(json_t *lines, const struct fee_row *row)
{
    const struct fee_figures *figures = &row->figures;
    const uint16_t currency = row->inputs.amount.currency;
    tell(lines, "amount %s of merchant %s through %s", money_text(figures->amount, currency).text,
         row->merchant.merchant_id, row->channel[0] != '\0' ? row->channel : "no channel");
    tell(lines, "charged: merchant fee %s, issuer fee %s, scheme fee %s, agents %s; %s is left",
         money_text(figures->merchant_fee, currency).text,
         money_text(figures->issuer_fee, currency).text,
         money_text(figures->scheme_fee, currency).text,
         money_text(figures->agent_fee, currency).text,
         money_text(figures->merchant_fee - figures->issuer_fee - figures->scheme_fee -
                        figures->agent_fee,
                    currency)
             .text);
    for (uint32_t i = 0; i < row->shares.count; i++) {
        const struct agent_row *agent = &row->shares.agents[i];
        tell(lines, "charged: agent %s %s", agent->agent_id,
             money_text(row->shares.minor[i], currency).text);
    }
    tell(lines,
         "rules of version %u: price of line %u, cost of line %u, discount of line %u (0: none)",
         row->ruleset_version, row->fee_rule, row->cost_rule, row->discount_rule);
    tell(lines,
         "found by: plan, refund policy, scheme, card type, class, product, month so far: %s",
         row->basis_text);
    const char *fault = fee_figures_fault(figures);
    if (fault != NULL) {
        tell(lines, "these figures cannot be right: %s", fault);
    }
}

/* What has no price of its own gives back, moves nothing, or was never priced. */
static void tell_unpriced(struct log_view *view, json_t *lines, const struct fee_answer_row *found)
{
    tell(lines, "%s has no price of its own", payment_kind_name(found->row.payment.kind));
    for (uint32_t at = view->span.first; at <= view->span.last && found->original[1] != 0; at++) {
        struct log_view_segment *segment = log_view_segment(view, at);
        sqlite3_stmt *asked =
            segment == NULL
                ? NULL
                : log_view_prepare(view, segment,
                                   "SELECT rrn, fee_basis FROM log WHERE epoch = ?1 AND seq = ?2"
                                   " AND fee_basis <> '' LIMIT 1");
        if (asked == NULL) {
            continue;
        }
        sqlite3_bind_int64(asked, 1, found->original[0]);
        sqlite3_bind_int64(asked, 2, found->original[1]);
        if (sqlite3_step(asked) == SQLITE_ROW) {
            tell(
                lines,
                "it gives back of the fees of %s, by the policy that was charged there (the second "
                "word of: %s); a void all of them. The settlement files have the figure",
                (const char *)sqlite3_column_text(asked, 0),
                (const char *)sqlite3_column_text(asked, 1));
        }
        sqlite3_finalize(asked);
    }
}

/* The file of that version: as it was kept, else the one in force where the versions are equal.
 * False: neither. */
static bool find_file(const struct fee_files *files, uint32_t version,
                      char path[FEE_ANSWER_PATH_SIZE])
{
    int length = snprintf(path, FEE_ANSWER_PATH_SIZE, "%s/versions/%06u/fees.yaml",
                          files->store_folder, version);
    if (length < FEE_ANSWER_PATH_SIZE && access(path, R_OK) == 0) {
        return true;
    }
    length = snprintf(path, FEE_ANSWER_PATH_SIZE, "%s", files->in_force);
    return length < FEE_ANSWER_PATH_SIZE && version == files->version_in_force &&
           access(path, R_OK) == 0;
}

static bool is_same(const struct fee_row *row, const struct fee_quote *quote)
{
    const struct fee_figures *figures = &row->figures;
    return quote->merchant_fee.minor == figures->merchant_fee &&
           quote->issuer_fee.minor == figures->issuer_fee &&
           quote->scheme_fee.minor == figures->scheme_fee &&
           quote->shares.total == figures->agent_fee && quote->merchant_rule == row->fee_rule &&
           quote->cost_rule == row->cost_rule && quote->discount_rule == row->discount_rule;
}

static void tell_text(json_t *lines, char *text)
{
    for (char *line = text; *line != '\0';) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end = '\0';
        }
        tell(lines, "%s", line);
        line = end == NULL ? line + strlen(line) : end + 1;
    }
}

/* Each step by the plans of that file; whether it comes to what was charged. */
static bool tell_steps(json_t *lines, const struct fee_row *row, const struct fee_plan_set *plans)
{
    struct fee_quote quote;
    char *text = malloc(EXPLANATION_SIZE);
    if (text == NULL) {
        return false;
    }
    fee_explain(plans, &row->inputs, text, EXPLANATION_SIZE);
    tell_text(lines, text);
    free(text);
    return fee_quote(plans, &row->inputs, &quote) == STATUS_OK && is_same(row, &quote);
}

static struct fee_plan_set *load_plans(const char *path)
{
    struct document *document = file_text_load_yaml(path);
    struct fee_plan_set *plans = NULL;
    if (document != NULL && document_fault_count(document) == 0) {
        plans = fee_plan_set_compile(document, NULL);
    }
    document_destroy(document);
    return plans;
}

struct fee_plan_set *fee_answer_plans(const struct fee_files *files, uint32_t version,
                                      char path[FEE_ANSWER_PATH_SIZE])
{
    return find_file(files, version, path) ? load_plans(path) : NULL;
}

static void add_steps(json_t *answer, json_t *lines, const struct fee_row *row,
                      const struct fee_files *files)
{
    char path[FEE_ANSWER_PATH_SIZE];
    if (!find_file(files, row->ruleset_version, path)) {
        tell(lines, "the fees file of version %u is no longer kept, so its steps cannot be shown",
             row->ruleset_version);
        return;
    }
    struct fee_plan_set *plans = load_plans(path);
    json_object_set_new(answer, "file", json_string(path));
    if (plans == NULL) {
        tell(lines, "%s is no good fees file any more, so its steps cannot be shown", path);
        return;
    }
    tell(lines, "by %s:", path);
    bool agrees = tell_steps(lines, row, plans);
    fee_plan_set_destroy(plans);
    json_object_set_new(answer, "agrees", json_boolean(agrees));
    tell(lines, "%s",
         agrees ? "which is what was charged"
                : "which is not what was charged: the file has been changed since, or "
                  "another channel was meant when the price was fixed");
}

json_t *fee_answer_explain(struct log_view *view, const struct fee_files *files, const char *rrn,
                           bool *is_failed)
{
    struct fee_answer_row *found = calloc(1, sizeof(*found));
    *is_failed = found == NULL || !fee_answer_find(view, rrn, found);
    if (*is_failed || !found->is_there) {
        free(found);
        return NULL;
    }
    json_t *lines = json_array();
    json_t *answer = json_pack("{s:s, s:I, s:n, s:n}", "rrn", rrn, "ruleset_version",
                               (json_int_t)found->row.ruleset_version, "file", "agrees");
    if (found->answer == FEE_ROW_PRICED) {
        tell_charged(lines, &found->row);
        add_steps(answer, lines, &found->row, files);
    } else if (found->answer == FEE_ROW_UNPRICED) {
        tell_unpriced(view, lines, found);
    } else {
        tell(lines, "the log's texts of this price are of another version of this program");
    }
    json_object_set_new(answer, "lines", lines);
    free(found);
    return answer;
}
