/* See webhook_turn.h. */
#include "switch/admin/webhook_turn.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "config/server_options.h"
#include "protocols/base/require.h"
#include "switch/admin/event_json.h"
#include "switch/admin/wall_text.h"
#include "switch/admin/webhook_pause.h"

#define LOOK_EVERY_MS 250u    /* for an event that comes */
#define LOOK_MS_MAX 1000u     /* for a person who has it sent again, or a desk that comes back */
#define PASSED_COUNT_MAX 256u /* events that are not wanted, in one look */

_Static_assert((int)OPTION_WEBHOOK_KIND_ALL == (int)EVENT_OUT_COUNT,
               "kinds of the options are those of events");
_Static_assert((int)OPTION_WEBHOOK_CASE_ALL_BUT_RISK == (int)CASE_FEE + 1 &&
                   (int)OPTION_WEBHOOK_CASE_RISK == (int)CASE_RISK,
               "cases of the options are kinds of cases");
_Static_assert(sizeof(((struct webhook_options *)0)->name) == WEBHOOK_NAME_SIZE, "names fit");

/* What a look at the desk found to be done. */
struct webhook_job {
    const struct webhook_options *options;
    struct webhook_row row; /* as it was then */
    uint64_t number;        /* of the event; 0: nothing */
    int64_t wall_us;
    char *text;          /* owner; NULL: its bytes are no event */
    bool is_event_first; /* a letter failed just now: many that do hold no event back for hours */
    bool is_letter;      /* put aside before, and asked for again */
    bool is_over;        /* no attempt is worth it: it is put aside */
    uint64_t passed;     /* the last event before it that is not wanted; 0: none */
};

void webhook_say(const struct webhook *hook, const char *format, ...)
{
    char text[480];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    fprintf(stderr, "tillway-admin: webhook %s: %s\n", hook->options->name, text);
}

bool webhook_open(struct webhook *hook, char reason[WEBHOOK_REASON_SIZE])
{
    if (!webhook_key_read(&hook->key, hook->options->secret_file, reason)) {
        return false;
    }
    hook->post = webhook_post_create(hook->options, &hook->key, hook->is_ending);
    if (hook->post == NULL) {
        snprintf(reason, WEBHOOK_REASON_SIZE, "no memory");
        webhook_key_wipe(&hook->key);
    }
    return hook->post != NULL;
}

void webhook_close(struct webhook *hook)
{
    webhook_post_destroy(hook->post);
    webhook_key_wipe(&hook->key);
    hook->post = NULL;
}

/* --- what is next --------------------------------------------------------------------------- */

static bool take_line(void *argument, const struct event_line *line)
{
    struct webhook_job *job = argument;
    job->number = line->number;
    job->wall_us = line->wall_us;
    job->text = event_json_text(line);
    return true;
}

/* The first one that is wanted is taken and ends the reading; those before it are passed over. */
static bool take_wanted(void *argument, const struct event_line *line)
{
    struct webhook_job *job = argument;
    if (job->number != 0) {
        return false;
    }
    if ((job->options->kinds >> line->kind & 1U) == 0 ||
        (job->options->cases >> line->case_kind & 1U) == 0) {
        job->passed = line->number;
        return true;
    }
    return take_line(job, line);
}

static void forget(struct webhook_job *job)
{
    free(job->text);
    job->text = NULL;
    job->number = 0;
}

/* It has failed for as long as an event may, and the event is as old. */
static bool is_given_up(const struct webhook_job *job, int64_t wall_us, int64_t now_us)
{
    int64_t life_us = (int64_t)job->options->give_up_ms * 1000;
    return job->row.failing_since_us > 0 && now_us - job->row.failing_since_us >= life_us &&
           now_us - wall_us >= life_us;
}

static enum status find_event(struct desk *desk, struct webhook_job *job, int64_t now_us)
{
    const struct event_sink sink = {take_wanted, job};
    bool is_paused = job->row.next_try_us > now_us;
    uint32_t count = 0;
    if (is_paused && !is_given_up(job, 0, now_us)) {
        return STATUS_OK;
    }
    enum status status = event_out_read(desk, job->row.position, PASSED_COUNT_MAX, &sink, &count);
    if (status == STATUS_OK && job->passed != 0) {
        status = webhook_book_advance(desk, job->options->name, job->passed, 0);
    }
    job->is_over = job->number != 0 &&
                   (job->text == NULL || (is_paused && is_given_up(job, job->wall_us, now_us)));
    if (is_paused && !job->is_over) {
        forget(job);
    }
    return status;
}

static enum status find_job(struct desk *desk, struct webhook_job *job)
{
    const struct event_sink letter = {take_line, job};
    enum status status = webhook_book_find(desk, job->options->name, &job->row);
    if (status != STATUS_OK || job->row.state != WEBHOOK_GOING) {
        return status;
    }
    if (job->is_event_first) {
        status = find_event(desk, job, wall_text_now_us());
        if (status != STATUS_OK || job->number != 0) {
            return status;
        }
    }
    status = webhook_book_next_letter(desk, job->options->name, &letter);
    if (status == STATUS_NOT_FOUND) {
        return job->is_event_first ? STATUS_OK : find_event(desk, job, wall_text_now_us());
    }
    job->is_letter = true;
    return status;
}

/* --- what came of it ------------------------------------------------------------------------ */

static uint32_t random_number(void)
{
    uint32_t number = 0;
    return RAND_bytes((unsigned char *)&number, sizeof(number)) == 1 ? number : 0;
}

static int64_t next_try_us(const struct webhook_job *job, const struct webhook_answer *answer)
{
    const struct webhook_pause pause = {.min_ms = job->options->retry_min_ms,
                                        .max_ms = job->options->retry_max_ms,
                                        .attempts = job->row.attempts + 1,
                                        .asked_s = answer->asked_s,
                                        .random = random_number()};
    return wall_text_now_us() + (int64_t)webhook_pause_ms(&pause) * 1000;
}

/* Puts aside what has no more time, and says so. */
static enum status bury(const struct webhook *hook, struct desk *desk,
                        const struct webhook_job *job, const char *fault)
{
    const struct webhook_failure failure = {wall_text_now_us(), 0, fault};
    webhook_say(hook,
                "event %" PRIu64 " is put aside (%.200s): tillwayctl webhook list shows it, "
                "webhook retry %s sends it again",
                job->number, fault, job->options->name);
    return webhook_book_bury(desk, job->options->name, job->number, &failure);
}

static enum status stop(const struct webhook *hook, struct desk *desk,
                        const struct webhook_failure *failure)
{
    webhook_say(
        hook,
        "the other side wants no more (%s): it is stopped, and its events are kept, as long "
        "as any are, until tillwayctl webhook retry %s lets it go on",
        failure->fault, hook->options->name);
    return webhook_book_stop(desk, hook->options->name, failure);
}

static enum status record_failure(const struct webhook *hook, struct desk *desk,
                                  const struct webhook_job *job,
                                  const struct webhook_answer *answer)
{
    const struct webhook_failure failure = {wall_text_now_us(), next_try_us(job, answer),
                                            answer->fault};
    if (answer->outcome == WEBHOOK_GONE) {
        return stop(hook, desk, &failure);
    }
    if (job->row.attempts == 0) {
        webhook_say(hook, "event %" PRIu64 " is not delivered (%.200s), and tried again",
                    job->number, answer->fault);
    }
    enum status status = webhook_book_fail(desk, job->options->name, &failure);
    return status == STATUS_OK && is_given_up(job, job->wall_us, failure.now_us)
               ? bury(hook, desk, job, answer->fault)
               : status;
}

static enum status record_letter(struct desk *desk, const struct webhook_job *job,
                                 const struct webhook_answer *answer)
{
    const struct webhook_failure failure = {wall_text_now_us(), 0, answer->fault};
    return answer->outcome == WEBHOOK_DELIVERED
               ? webhook_book_letter_sent(desk, job->options->name, job->number)
               : webhook_book_letter_failed(desk, job->options->name, job->number, &failure);
}

static enum status record(const struct webhook *hook, struct desk *desk,
                          const struct webhook_job *job, const struct webhook_answer *answer)
{
    if (job->is_letter) {
        return record_letter(desk, job, answer);
    }
    if (job->is_over) {
        return bury(hook, desk, job, answer->fault);
    }
    if (answer->outcome != WEBHOOK_DELIVERED) {
        return record_failure(hook, desk, job, answer);
    }
    if (job->row.attempts > 0) {
        webhook_say(hook, "event %" PRIu64 " is delivered, after %u attempts that failed",
                    job->number, job->row.attempts);
    }
    return webhook_book_advance(desk, job->options->name, job->number, wall_text_now_us());
}

/* --- a turn --------------------------------------------------------------------------------- */

/* NULL: there is none at the moment, which is said once. */
static struct desk *take_desk(struct webhook *hook)
{
    char reason[DESK_SHARE_REASON_SIZE];
    struct desk *desk = desk_share_take(hook->desk, reason);
    if (desk == NULL && !hook->is_desk_missed) {
        webhook_say(hook, "it waits for the desk: %.400s", reason);
        hook->is_desk_missed = true;
    }
    return desk;
}

/* Gives the desk back. False: it is faulty, which is said once. */
static bool give_desk(struct webhook *hook, const struct desk *desk, enum status status)
{
    if (status != STATUS_OK && !hook->is_desk_missed) {
        webhook_say(hook, "%.400s", desk_reason(desk));
    }
    hook->is_desk_missed = status != STATUS_OK;
    desk_share_give(hook->desk);
    return status == STATUS_OK;
}

static void say_given_up(struct webhook *hook, const struct webhook_row *row)
{
    uint64_t before = hook->given_up;
    if (hook->has_looked && row->given_up > before) {
        webhook_say(hook,
                    "%" PRIu64 " events are given up, %" PRIu64 " in all: they were kept for it as "
                    "long as events are, or were the oldest of %u that it put aside",
                    row->given_up - before, row->given_up, WEBHOOK_LETTER_COUNT_MAX);
    }
    hook->given_up = row->given_up;
    hook->has_looked = true;
}

static bool look(struct webhook *hook, struct webhook_job *job)
{
    struct desk *desk = take_desk(hook);
    if (desk == NULL || !give_desk(hook, desk, find_job(desk, job))) {
        return false;
    }
    hook->waiting = job->row.waiting;
    hook->letters = job->row.letter_count;
    say_given_up(hook, &job->row);
    hook->is_up = job->row.state == WEBHOOK_GOING && job->row.attempts == 0;
    return true;
}

/* False: it was interrupted, and is made again after the next start. */
static bool attempt(struct webhook *hook, const struct webhook_job *job,
                    struct webhook_answer *answer)
{
    *answer = (struct webhook_answer){.outcome = WEBHOOK_FAILED};
    if (job->is_over || job->text == NULL) {
        snprintf(answer->fault, sizeof(answer->fault), "%s",
                 job->text == NULL ? "its bytes are no event" : job->row.fault);
        return true;
    }
    const struct webhook_message message = {wall_text_now_us() / 1000000, job->number, job->text,
                                            strlen(job->text)};
    webhook_post_send(hook->post, &message, answer);
    if (*hook->is_ending && answer->outcome == WEBHOOK_FAILED) {
        return false;
    }
    atomic_fetch_add(&hook->outcomes[answer->outcome], 1);
    return true;
}

/* False: it could not be written down, so it will be made again. */
static bool write_down(struct webhook *hook, const struct webhook_job *job,
                       const struct webhook_answer *answer)
{
    struct desk *desk = take_desk(hook);
    return desk != NULL && give_desk(hook, desk, record(hook, desk, job, answer));
}

/* With nothing to do. */
static uint32_t rest_ms(const struct webhook_job *job)
{
    int64_t left_ms = (job->row.next_try_us - wall_text_now_us()) / 1000 + 1;
    if (job->row.state != WEBHOOK_GOING || left_ms > (int64_t)LOOK_MS_MAX) {
        return LOOK_MS_MAX;
    }
    return left_ms > 1 ? (uint32_t)left_ms : job->passed != 0 ? 0 : LOOK_EVERY_MS;
}

uint32_t webhook_turn(struct webhook *hook)
{
    struct webhook_job job = {.options = hook->options, .is_event_first = hook->is_letter_refused};
    struct webhook_answer answer = {.outcome = WEBHOOK_DELIVERED};
    uint32_t pause_ms = LOOK_MS_MAX;
    if (!look(hook, &job)) {
        forget(&job);
        return pause_ms;
    }
    if (job.number == 0) {
        pause_ms = rest_ms(&job);
    } else if (attempt(hook, &job, &answer) && write_down(hook, &job, &answer)) {
        pause_ms = 0;
    }
    hook->is_letter_refused = job.is_letter && answer.outcome != WEBHOOK_DELIVERED;
    forget(&job);
    return pause_ms;
}
