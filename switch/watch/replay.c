/* See replay.h. */
#include "switch/watch/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/aftersales/watcher.h"
#include "switch/followup/log_follow.h"
#include "switch/watch/case_book.h"
#include "switch/watch/log_source.h"
#include "switch/watch/watch_form.h"

#define CARDS_PER_TERMINAL 256
#define COHORT_COUNT_MAX 4096
#define FACT_COUNT_FIRST 1024

struct replay {
    const struct replay_options *options;
    struct replay_result *result;
    struct fact_row *facts; /* owner; terminals in the order of their ids, then merchants */
    uint32_t fact_count, fact_count_max;
    struct watcher *watcher;
    struct case_book *book;
    FILE *flags;
    struct watch_output output;
};

__attribute__((format(printf, 3, 4))) static enum status
fail(struct replay *replay, enum status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(replay->result->reason, sizeof replay->result->reason, format, arguments);
    va_end(arguments);
    return status;
}

/* --- facts --------------------------------------------------------------------------------- */

static int fact_compare(const void *left, const void *right)
{
    const struct fact_row *a = left, *b = right;
    if (a->what != b->what) {
        return a->what < b->what ? -1 : 1;
    }
    return a->what == FACT_TERMINAL ? strcmp(a->terminal.terminal_id, b->terminal.terminal_id)
                                    : strcmp(a->merchant.merchant_id, b->merchant.merchant_id);
}

static bool facts_grow(struct replay *replay)
{
    if (replay->fact_count < replay->fact_count_max) {
        return true;
    }
    uint32_t count_max =
        replay->fact_count_max == 0 ? FACT_COUNT_FIRST : 2 * replay->fact_count_max;
    struct fact_row *facts = realloc(replay->facts, count_max * sizeof *facts);
    if (facts == NULL) {
        return false;
    }
    replay->facts = facts;
    replay->fact_count_max = count_max;
    return true;
}

static enum status facts_read(struct replay *replay)
{
    struct row_file rows;
    enum status status = row_file_open(&rows, replay->options->facts, fact_form());
    if (status != STATUS_OK) {
        return fail(replay, status, "%s", rows.fault);
    }
    while (status == STATUS_OK && facts_grow(replay)) {
        struct fact_row *row = &replay->facts[replay->fact_count];
        status = row_file_next(&rows, row);
        if (status == STATUS_OK) {
            fact_row_settle(row);
            replay->fact_count++;
            replay->result->terminals += row->what == FACT_TERMINAL ? 1 : 0;
            replay->result->merchants += row->what == FACT_MERCHANT ? 1 : 0;
        }
    }
    status = status == STATUS_OK ? STATUS_NO_MEMORY : status;
    (void)fail(replay, status, "%s", status == STATUS_NO_MEMORY ? "no memory" : rows.fault);
    row_file_close(&rows);
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    qsort(replay->facts, replay->fact_count, sizeof *replay->facts, fact_compare);
    return STATUS_OK;
}

static const struct terminal_facts *facts_find(const struct replay *replay, const char *terminal_id)
{
    if (replay->options->log != NULL) {
        return fact_book_terminal(replay->options->log->book, terminal_id);
    }
    struct fact_row wanted = {.what = FACT_TERMINAL};
    memcpy(wanted.terminal.terminal_id, terminal_id, sizeof wanted.terminal.terminal_id);
    const struct fact_row *row =
        terminal_id[0] == 0 || replay->fact_count == 0
            ? NULL
            : bsearch(&wanted, replay->facts, replay->fact_count, sizeof wanted, fact_compare);
    return row == NULL ? NULL : &row->terminal;
}

/* --- the watcher --------------------------------------------------------------------------- */

static enum status facts_learn(struct replay *replay)
{
    const struct log_source *log = replay->options->log;
    if (log != NULL) {
        return fact_book_learn(log->book, NULL, replay->watcher) == 0
                   ? STATUS_OK
                   : fail(replay, STATUS_NO_ROOM, "the watcher has no room for all terminals");
    }
    for (uint32_t i = 0; i < replay->fact_count; i++) {
        const struct fact_row *row = &replay->facts[i];
        bool is_learned = row->what == FACT_TERMINAL
                              ? watcher_learn_terminal(replay->watcher, &row->terminal)
                              : watcher_learn_merchant(replay->watcher, &row->merchant);
        if (!is_learned) {
            return fail(replay, STATUS_NO_ROOM, "%s: the watcher has no room for row %u",
                        replay->options->facts, i + 1);
        }
    }
    return STATUS_OK;
}

static struct watcher *watcher_make(const struct replay *replay)
{
    const struct watch_limits limits = {
        .terminal_count_max = replay->result->terminals + 1,
        .merchant_count_max = replay->result->merchants + 1,
        .card_count_max = (replay->result->terminals + 1) * CARDS_PER_TERMINAL,
        .cohort_count_max = COHORT_COUNT_MAX,
    };
    const struct log_source *log = replay->options->log;
    struct watcher *watcher = watcher_create(log != NULL ? &log->limits : &limits);
    if (watcher != NULL) {
        watcher_set_rules(watcher, replay->options->rules);
    }
    return watcher;
}

static struct byte_view image_copy(const struct watcher *watcher)
{
    uint32_t length = 0, part_count = watcher_image_count(watcher);
    for (uint32_t i = 0; i < part_count; i++) {
        length += watcher_image(watcher, i).length;
    }
    uint8_t *bytes = malloc(length == 0 ? 1 : length);
    uint32_t used = 0;
    for (uint32_t i = 0; i < part_count && bytes != NULL; i++) {
        struct byte_view part = watcher_image(watcher, i);
        memcpy(bytes + used, part.bytes, part.length);
        used += part.length;
    }
    return (struct byte_view){bytes, bytes == NULL ? 0 : length};
}

/* The watcher ends as a process does, but for its image. */
static enum status restart(struct replay *replay)
{
    struct byte_view image = image_copy(replay->watcher);
    watcher_destroy(replay->watcher);
    replay->watcher = image.bytes == NULL ? NULL : watcher_make(replay);
    enum status status = replay->watcher == NULL ? fail(replay, STATUS_NO_MEMORY, "no memory")
                                                 : watcher_load(replay->watcher, image);
    if (status != STATUS_OK && status != STATUS_NO_MEMORY) {
        (void)fail(replay, status, "the watcher does not read its own image: %s",
                   status_text(status));
    }
    free((void *)(uintptr_t)image.bytes);
    return status == STATUS_OK ? facts_learn(replay) : status;
}

/* --- flags --------------------------------------------------------------------------------- */

static void flag_write(FILE *file, const struct flag *flag, const struct case_taken *taken)
{
    static const char *const SUBJECTS[] = {"terminal", "merchant", "cohort"};
    static const char *const VERDICTS[] = {"nothing", "link", "join", "open"};
    fprintf(file,
            "%s,%s,%s,%s,%s,%s,%u,%d,%d,%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRIu64
            ",%u,%s,%" PRIu64 "\n",
            signal_code_text(flag->signal), SUBJECTS[flag->subject], flag->subject_id,
            flag->subject == FLAG_OF_COHORT ? cohort_kind_name(flag->cohort) : "",
            flag->terminal_id, flag->merchant_id, flag->severity, flag->is_watched_only,
            flag->is_fleet_linked, flag->window_begin_us, flag->window_end_us, flag->value,
            flag->threshold, flag->position, flag->score, VERDICTS[taken->verdict], taken->case_id);
}

static enum status output_take(struct replay *replay)
{
    for (uint32_t i = 0; i < replay->output.count; i++) {
        const struct flag *flag = &replay->output.flags[i];
        struct case_taken taken;
        enum status status =
            case_book_take(replay->book, flag, facts_find(replay, flag->terminal_id), &taken);
        if (status != STATUS_OK) {
            return fail(replay, status, "a case of %s at %s: %s", signal_code_text(flag->signal),
                        flag->subject_id, case_book_reason(replay->book));
        }
        replay->result->flags++;
        if (replay->flags != NULL) {
            flag_write(replay->flags, flag, &taken);
        }
    }
    return STATUS_OK;
}

/* The clock that ran before the row: each hour as it struck. */
static enum status time_pass(struct replay *replay, int64_t wall_us)
{
    struct observation time;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && watcher_time_due(replay->watcher, wall_us, &time)) {
        watcher_step(replay->watcher, &time, &replay->output);
        status = output_take(replay);
    }
    return status;
}

static enum status observation_take(struct replay *replay, const struct observation *seen)
{
    enum status status = time_pass(replay, seen->wall_us);
    if (status != STATUS_OK) {
        return status;
    }
    watcher_step(replay->watcher, seen, &replay->output);
    replay->result->observations++;
    status = output_take(replay);
    return status == STATUS_OK && replay->result->observations == replay->options->restart_at
               ? restart(replay)
               : status;
}

static enum status observations_play(struct replay *replay)
{
    struct row_file rows;
    struct observation seen;
    enum status status = row_file_open(&rows, replay->options->observations, observation_form());
    if (status != STATUS_OK) {
        return fail(replay, status, "%s", rows.fault);
    }
    uint64_t position = 0;
    while (status == STATUS_OK) {
        status = row_file_next(&rows, &seen);
        if (status != STATUS_OK) {
            status =
                status == STATUS_NOT_FOUND ? STATUS_OK : fail(replay, status, "%s", rows.fault);
            break;
        }
        if (seen.kind == OBSERVATION_TIME || seen.position <= position) {
            status = fail(replay, STATUS_BAD_VALUE,
                          "%s:%" PRIu64 ": a row was expected whose position is above %" PRIu64,
                          rows.path, rows.line_number, position);
            break;
        }
        position = seen.position;
        status = observation_take(replay, &seen);
    }
    row_file_close(&rows);
    return status;
}

/* --- a log --------------------------------------------------------------------------------- */

struct log_playing {
    struct replay *replay;
    enum status status;
};

static bool on_logged(void *argument, const struct observation *seen)
{
    struct log_playing *playing = argument;
    playing->status = observation_take(playing->replay, seen);
    return playing->status == STATUS_OK;
}

static enum status log_play(struct replay *replay)
{
    struct log_playing playing = {replay, STATUS_OK};
    char reason[LOG_REASON_SIZE] = "";
    struct log_follow *follow = log_follow_create(replay->options->log->folder);
    struct follow_reading reading = {
        .until = UINT64_MAX, .on_observation = on_logged, .argument = &playing};
    if (follow == NULL) {
        return fail(replay, STATUS_NO_MEMORY, "no memory to read the log");
    }
    do {
        reading.after = reading.reached;
        if (log_follow_read(follow, &reading, reason) != STATUS_OK) {
            playing.status = fail(replay, STATUS_BROKEN, "%.*s", REPLAY_REASON_SIZE - 1, reason);
        }
    } while (playing.status == STATUS_OK && reading.reached > reading.after);
    log_follow_destroy(follow);
    return playing.status;
}

/* --- files --------------------------------------------------------------------------------- */

static enum status file_close(struct replay *replay, FILE *file, const char *path)
{
    bool is_whole = ferror(file) == 0;
    return fclose(file) == 0 && is_whole
               ? STATUS_OK
               : fail(replay, STATUS_BROKEN, "%s is not complete: %s", path, strerror(errno));
}

static enum status cases_write(struct replay *replay)
{
    const char *path = replay->options->cases;
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return fail(replay, STATUS_BROKEN, "%s cannot be written: %s", path, strerror(errno));
    }
    case_book_write(replay->book, file);
    return file_close(replay, file, path);
}

static enum status flags_open(struct replay *replay)
{
    const char *path = replay->options->flags;
    replay->flags = path == NULL ? NULL : fopen(path, "w");
    if (path != NULL && replay->flags == NULL) {
        return fail(replay, STATUS_BROKEN, "%s cannot be written: %s", path, strerror(errno));
    }
    if (replay->flags != NULL) {
        fprintf(replay->flags,
                "signal,subject_kind,subject,cohort,terminal,merchant,severity,watched,linked,"
                "begin_us,end_us,value,threshold,position,score,verdict,case\n");
    }
    return STATUS_OK;
}

static enum status source_read(struct replay *replay)
{
    const struct log_source *log = replay->options->log;
    if (log == NULL) {
        return facts_read(replay);
    }
    replay->result->terminals = log->terminal_count;
    replay->result->merchants = log->merchant_count;
    return STATUS_OK;
}

static enum status past_play(struct replay *replay)
{
    enum status status =
        replay->options->log != NULL ? log_play(replay) : observations_play(replay);
    return status == STATUS_OK ? time_pass(replay, replay->options->until_us) : status;
}

static enum status play(struct replay *replay)
{
    enum status status = source_read(replay);
    if (status != STATUS_OK) {
        return status;
    }
    replay->watcher = watcher_make(replay);
    replay->book = case_book_create(replay->options->case_rules);
    if (replay->watcher == NULL || replay->book == NULL) {
        return fail(replay, STATUS_NO_MEMORY, "no memory for %u terminals",
                    replay->result->terminals);
    }
    status = facts_learn(replay);
    status = status == STATUS_OK ? flags_open(replay) : status;
    status = status == STATUS_OK ? past_play(replay) : status;
    if (status == STATUS_OK) {
        replay->result->cases = case_book_count(replay->book);
        replay->result->state_hash = watcher_state_hash(replay->watcher);
    }
    return status == STATUS_OK && replay->options->cases != NULL ? cases_write(replay) : status;
}

enum status replay_run(const struct replay_options *options, struct replay_result *result)
{
    memset(result, 0, sizeof *result);
    struct replay *replay = calloc(1, sizeof *replay);
    if (replay == NULL) {
        return STATUS_NO_MEMORY;
    }
    replay->options = options;
    replay->result = result;
    enum status status = play(replay);
    if (replay->flags != NULL) {
        enum status closed = file_close(replay, replay->flags, options->flags);
        status = status == STATUS_OK ? closed : status;
    }
    watcher_destroy(replay->watcher);
    case_book_destroy(replay->book);
    free(replay->facts);
    free(replay);
    return status;
}
