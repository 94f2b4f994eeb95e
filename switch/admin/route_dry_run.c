/* A routes file over past transactions: each is decided by the file that is tried and by the one of
 * the configuration, with all channels up and no breaker open, and held against where it went. So
 * what differs from the log but not from the configuration's own file is the work of a channel that
 * was down, or of a change since, and not of the file that is tried.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/admin/dry_run.h"
#include "switch/admin/log_scan.h"
#include "switch/admin/route_row.h"
#include "switch/admin/tally.h"
#include "switch/admin/wall_text.h"
#include "switch/engine/payment_rule.h"
#include "switch/ruleset_load.h"
#include "switch/versions/version_folder.h"

#define ROWS_SQL                                                                                   \
    "SELECT " ROUTE_ROW_COLUMNS                                                                    \
    " FROM log WHERE position BETWEEN ?1 AND ?2 AND " ROUTE_ROW_CONDITION " ORDER BY position"
#define NAME_SIZE 128

/* X(NAME, "member"): what becomes of a row, each counted with its amount. */
#define VERDICT_MAP(X)                                                                             \
    X(SAME, "same")                                                                                \
    X(MOVED, "moved")                                                                              \
    X(REFUSED, "refused")                                                                          \
    X(TAKEN, "taken") X(FOLLOWING, "following") X(UNTOUCHED, "untouched") X(DOUBTFUL, "doubtful")
enum verdict {
#define X(name, member) VERDICT_##name,
    VERDICT_MAP(X)
#undef X
        VERDICT_COUNT
};
static const char *const VERDICTS[] = {
#define X(name, member) member,
    VERDICT_MAP(X)
#undef X
};

struct trial {
    const struct dry_run *run;
    struct ruleset *tried, *present; /* owner */
    json_t *totals, *moves, *merchants, *doubts;
};

/* --- one row ------------------------------------------------------------------------------ */

/* What a ruleset says of a row: a channel's name, or "refused: why". */
static const char *destination(const struct ruleset *ruleset, const struct payment *payment,
                               const struct route_row *row, char name[NAME_SIZE])
{
    const struct route_context context = {
        .wall_us = row->wall_us, .channel_is_up = UINT64_MAX, .month_minor = row->month_minor};
    struct route_decision decision;
    ruleset_decide(ruleset, payment, &context, &decision);
    if (decision.answer == ROUTE_FOUND) {
        snprintf(name, NAME_SIZE, "%s",
                 channel_table_at(ruleset_channel_view(ruleset), decision.channels[0])->name);
    } else {
        snprintf(name, NAME_SIZE, "refused: %s", route_answer_text(decision.answer));
    }
    return name;
}

static bool is_refusal(const char *destination)
{
    return strncmp(destination, "refused", strlen("refused")) == 0;
}

/* Whether rules alone refused it: another file may take it. */
static bool rules_refused(const struct route_row *row)
{
    static const char *const reasons[] = {"no_route", "not_supported", "no_fee", "channel_tripped"};
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (strcmp(row->reason, reasons[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* What follows an original goes where that one went: its fate is the original's. */
static bool follows(const struct route_row *row)
{
    enum payment_kind kind = row->question.kind;
    return row->has_original ||
           (payment_rule_of(kind)->originals != 0 && kind != PAYMENT_OFFLINE_ADVICE);
}

static void count(struct trial *trial, const struct route_row *row, enum verdict verdict)
{
    json_t *total = tally_of(trial->totals, VERDICTS[verdict]);
    json_t *merchant =
        tally_of_at_most(trial->merchants, row->question.merchant_id, DRY_RUN_MERCHANT_SUMS_MAX);
    tally_add(total, "count", 1);
    tally_add(total, "amount", row->question.amount.minor);
    tally_add(merchant, "count", 1);
    tally_add(merchant, VERDICTS[verdict], 1);
}

static void doubt(struct trial *trial, const struct route_row *row, const char *why)
{
    json_t *tally = tally_of(trial->doubts, why);
    tally_add(tally, "count", 1);
    tally_add(tally, "amount", row->question.amount.minor);
    tally_example(tally, row->rrn, DRY_RUN_EXAMPLE_COUNT);
    count(trial, row, VERDICT_DOUBTFUL);
}

static void move(struct trial *trial, const struct route_row *row, const char *const from_to[2],
                 bool is_as_present)
{
    char name[2 * NAME_SIZE + 8];
    snprintf(name, sizeof(name), "%s -> %s", from_to[0], from_to[1]);
    json_t *tally = tally_of(trial->moves, name);
    if (json_object_size(tally) == 0) {
        json_object_set_new(tally, "from", json_string(from_to[0]));
        json_object_set_new(tally, "to", json_string(from_to[1]));
    }
    tally_add(tally, "count", 1);
    tally_add(tally, "amount", row->question.amount.minor);
    tally_add(tally, "as_present", is_as_present ? 1 : 0);
    tally_example(tally, row->rrn, DRY_RUN_EXAMPLE_COUNT);
}

static void judge(struct trial *trial, const struct route_row *row)
{
    char was[NAME_SIZE];
    char tried[NAME_SIZE];
    char present[NAME_SIZE];
    struct payment payment;
    bool was_refused = strcmp(row->kind, "refused") == 0;
    enum route_doubt open = route_question_ask(trial->tried, &row->question, &payment);
    if (open != ROUTE_DOUBT_NONE) {
        doubt(trial, row, route_doubt_text(open));
        return;
    }
    if (was_refused) {
        snprintf(was, sizeof(was), "refused");
    } else {
        snprintf(was, sizeof(was), "%s", row->channel);
    }
    destination(trial->tried, &payment, row, tried);
    destination(trial->present, &payment, row, present);
    bool is_same = was_refused ? is_refusal(tried) : strcmp(was, tried) == 0;
    enum verdict verdict = is_same             ? VERDICT_SAME
                           : was_refused       ? VERDICT_TAKEN
                           : is_refusal(tried) ? VERDICT_REFUSED
                                               : VERDICT_MOVED;
    count(trial, row, verdict);
    if (!is_same) {
        move(trial, row, (const char *const[2]){was, tried}, strcmp(tried, present) == 0);
    }
}

static bool on_row(void *argument, sqlite3_stmt *from)
{
    struct trial *trial = argument;
    struct route_row row;
    enum route_row_answer answer = route_row_read(&row, from);
    if (row.wall_us < trial->run->from_us || row.wall_us >= trial->run->to_us) {
        return true;
    }
    if (answer != ROUTE_ROW_WHOLE) {
        doubt(trial, &row, route_row_text(answer));
    } else if (follows(&row)) {
        count(trial, &row, VERDICT_FOLLOWING);
    } else if (strcmp(row.kind, "refused") == 0 && !rules_refused(&row)) {
        count(trial, &row, VERDICT_UNTOUCHED);
    } else {
        judge(trial, &row);
    }
    return true;
}

/* --- in words ----------------------------------------------------------------------------- */

struct money_text {
    char text[MONEY_TEXT_SIZE];
};

static struct money_text money_of(const struct trial *trial, const json_t *tally)
{
    struct money_text text;
    uint16_t currency = fee_plan_set_currency(ruleset_fee_plans(trial->tried));
    money_format(text.text, (struct money){tally_get(tally, "amount"), currency});
    return text;
}

static void tell_total(const struct trial *trial, json_t *lines, enum verdict verdict)
{
    static const char *const sentences[] = {
        [VERDICT_SAME] = "would have gone where they went (or been refused, as they were)",
        [VERDICT_MOVED] = "would have gone to another channel",
        [VERDICT_REFUSED] = "would have been refused",
        [VERDICT_TAKEN] = "were refused and would have been taken",
        [VERDICT_FOLLOWING] = "follow an original and go where it went, whatever rules say",
        [VERDICT_UNTOUCHED] = "were refused for reasons that route rules have no part in",
        [VERDICT_DOUBTFUL] = "could not be judged",
    };
    const json_t *tally = json_object_get(trial->totals, VERDICTS[verdict]);
    if (tally != NULL) {
        tally_line(lines, "%" PRId64 " (%s) %s", tally_get(tally, "count"),
                   money_of(trial, tally).text, sentences[verdict]);
    }
}

static const char *text_of(const json_t *json, const char *member)
{
    const char *text = json_string_value(json_object_get(json, member));
    return text == NULL ? "" : text;
}

static void examples_text(char *text, size_t size, const json_t *tally)
{
    const json_t *examples = json_object_get(tally, "examples");
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < json_array_size(examples) && length < size; i++) {
        length += (size_t)snprintf(text + length, size - length, "%s%s", i > 0 ? ", " : "",
                                   json_string_value(json_array_get(examples, i)));
    }
}

static void tell_moves(const struct trial *trial, json_t *lines, const json_t *moves)
{
    char examples[128];
    for (size_t i = 0; i < json_array_size(moves); i++) {
        const json_t *move = json_array_get(moves, i);
        int64_t as_present = tally_get(move, "as_present");
        examples_text(examples, sizeof(examples), move);
        tally_line(lines, "%s -> %s: %" PRId64 " (%s), such as %s", text_of(move, "from"),
                   text_of(move, "to"), tally_get(move, "count"), money_of(trial, move).text,
                   examples);
        if (as_present > 0) {
            tally_line(lines,
                       "  %" PRId64 " of them by the configuration's own file, too: a channel was "
                       "down or its breaker open then, or files and tables were changed since",
                       as_present);
        }
    }
}

static void tell_doubts(const struct trial *trial, json_t *lines, const json_t *doubts)
{
    char examples[128];
    for (size_t i = 0; i < json_array_size(doubts); i++) {
        const json_t *tally = json_array_get(doubts, i);
        examples_text(examples, sizeof(examples), tally);
        tally_line(lines, "not judged: %s: %" PRId64 " (%s), such as %s", text_of(tally, "reason"),
                   tally_get(tally, "count"), money_of(trial, tally).text, examples);
    }
}

static void tell_frame(const struct trial *trial, json_t *lines)
{
    char from[WALL_TEXT_SIZE];
    char to[WALL_TEXT_SIZE];
    wall_text_format(from, trial->run->from_us);
    wall_text_format(to, trial->run->to_us);
    tally_line(lines, "%s over the transactions from %s until %s", trial->run->name, from, to);
    tally_line(lines, "with merchants, terminals, BINs and fees as they are now, all channels up, "
                      "no breaker open");
    for (const char *note = ruleset_notes(trial->tried); *note != '\0';) {
        size_t length = strcspn(note, "\n");
        tally_line(lines, "note: %.*s", (int)length, note);
        note += length + (note[length] == '\n' ? 1 : 0);
    }
}

/* Each row was counted once by verdict and once by merchant. */
static bool sums_agree(const struct trial *trial)
{
    int64_t difference = 0;
    const char *name;
    json_t *tally;
    json_object_foreach(trial->totals, name, tally)
    {
        difference += tally_get(tally, "count");
    }
    json_object_foreach(trial->merchants, name, tally)
    {
        difference -= tally_get(tally, "count");
    }
    return difference == 0;
}

static json_t *result_of(const struct trial *trial)
{
    json_t *lines = json_array();
    json_t *moves = tally_list(trial->moves, "move", "count", json_object_size(trial->moves));
    json_t *doubts = tally_list(trial->doubts, "reason", "count", json_object_size(trial->doubts));
    json_t *merchants =
        tally_list(trial->merchants, "merchant_id", "count", DRY_RUN_MERCHANT_COUNT_MAX);
    REQUIRE(sums_agree(trial));
    tell_frame(trial, lines);
    for (unsigned verdict = 0; verdict < VERDICT_COUNT; verdict++) {
        tell_total(trial, lines, (enum verdict)verdict);
    }
    tell_moves(trial, lines, moves);
    tell_doubts(trial, lines, doubts);
    return json_pack("{s:s, s:O, s:o, s:o, s:o, s:o}", "file", trial->run->name, "totals",
                     trial->totals, "moves", moves, "doubts", doubts, "merchants", merchants,
                     "lines", lines);
}

/* --- the run ------------------------------------------------------------------------------ */

static void use_copy(const struct dry_run *run, const struct rule_version *version,
                     enum rule_file file, char option[OPTION_PATH_SIZE])
{
    char path[VERSION_PATH_SIZE];
    if (version->files[file].hash[0] != '\0' &&
        version_folder_path(run->log, version->number, rule_file_name(file), path) &&
        strlen(path) < OPTION_PATH_SIZE) {
        memcpy(option, path, strlen(path) + 1);
    }
}

/* What is in force may be a version's copies, not the files that the configuration names. */
static enum status use_version_in_force(const struct dry_run *run, struct server_options *options,
                                        struct byte_writer *faults)
{
    char reason[RULE_VERSION_REASON_SIZE] = "";
    struct rule_version *versions;
    uint32_t count;
    enum status status = version_folder_read(run->log, &versions, &count, reason);
    if (status != STATUS_OK) {
        byte_writer_text(faults, reason);
        return status;
    }
    const struct rule_version *in_force = version_folder_latest(versions, count);
    if (in_force != NULL) {
        use_copy(run, in_force, RULE_FILE_ROUTES, options->routes);
        use_copy(run, in_force, RULE_FILE_FEES, options->fees);
        const struct rule_copy *limits = &in_force->files[RULE_FILE_LIMITS];
        if (limits->hash[0] == '\0' && !limits->is_untold) {
            options->limits[0] = '\0'; /* none are in force, whatever is named since */
        }
        use_copy(run, in_force, RULE_FILE_LIMITS, options->limits);
    }
    free(versions);
    return STATUS_OK;
}

static enum status load(struct trial *trial, struct byte_writer *faults)
{
    const struct ruleset_trial routes = {trial->run->name, trial->run->text, trial->run->length};
    struct server_options *options = options_file_load(trial->run->options, faults);
    if (options == NULL) {
        return STATUS_BAD_VALUE;
    }
    enum status status = use_version_in_force(trial->run, options, faults);
    if (status != STATUS_OK) {
        server_options_destroy(options);
        return status;
    }
    trial->tried = ruleset_load_trial(options, &routes, faults);
    if (trial->tried != NULL) {
        trial->present = ruleset_load(options, 0, faults);
    }
    server_options_destroy(options);
    return trial->present == NULL ? STATUS_BAD_VALUE : STATUS_OK;
}

static void trial_end(struct trial *trial)
{
    ruleset_destroy(trial->tried);
    ruleset_destroy(trial->present);
    json_decref(trial->totals);
    json_decref(trial->moves);
    json_decref(trial->merchants);
    json_decref(trial->doubts);
}

enum status route_dry_run(const struct dry_run *run, json_t **result, struct byte_writer *faults)
{
    char reason[LOG_VIEW_REASON_SIZE] = "";
    struct trial trial = {.run = run,
                          .totals = json_object(),
                          .moves = json_object(),
                          .merchants = json_object(),
                          .doubts = json_object()};
    const struct log_scan scan = {.folder = run->log,
                                  .sql = ROWS_SQL,
                                  .from_us = run->from_us,
                                  .on_row = on_row,
                                  .argument = &trial,
                                  .rows = run->rows};
    enum status status = load(&trial, faults);
    if (status == STATUS_OK) {
        status = log_scan(&scan, reason);
        byte_writer_text(faults, reason);
    }
    *result = status == STATUS_OK ? result_of(&trial) : NULL;
    trial_end(&trial);
    return status;
}
