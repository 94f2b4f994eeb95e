/* See watch_desk.h. */
#include "switch/followup/watch_desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "switch/desk/event_note.h"
#include "switch/desk/flag_book.h"
#include "switch/desk/registry.h"
#include "switch/net/log.h"
#include "switch/store/log_folder.h"

#define OUTCOME_COUNT 16
#define ATTEMPT_COUNT_MAX 4 /* then a flag is kept without a case */
/* An older flag, of a log that is watched for the first time or after long, says what was, and
 * opens no case: nobody can act on it, and what still is will be flagged again. */
#define FLAG_LIFE_US (INT64_C(7) * 86400 * 1000000)

struct watch_desk {
    struct watch_desk_setup setup;
    struct case_rules rules;
    char folder[LOG_PATH_SIZE];
    struct desk *desk;       /* owner, as the next two; the clerk's alone */
    struct desk *registry;   /* read beside it */
    struct clerk *clerk;     /* NULL: not open */
    uint64_t stuck_position; /* of the flag that the clerk did not take, */
    uint32_t attempt_count;  /* and how often */
    char reason[LOG_REASON_SIZE];
};

_Static_assert(DESK_REASON_SIZE <= LOG_REASON_SIZE, "one room for both");

struct watch_desk *watch_desk_create(const struct watch_desk_setup *setup)
{
    struct watch_desk *desk = calloc(1, sizeof(*desk));
    size_t length = strlen(setup->folder);
    if (desk == NULL || length >= sizeof(desk->folder) - sizeof("/" WATCH_DESK_NAME)) {
        free(desk);
        return NULL;
    }
    desk->setup = *setup;
    memcpy(desk->folder, setup->folder, length + 1);
    desk->setup.folder = desk->folder;
    case_rules_default(&desk->rules);
    return desk;
}

static void shut(struct watch_desk *desk)
{
    clerk_destroy(desk->clerk);
    desk_close(desk->registry);
    desk_close(desk->desk);
    desk->clerk = NULL;
    desk->registry = desk->desk = NULL;
}

void watch_desk_destroy(struct watch_desk *desk)
{
    if (desk != NULL) {
        shut(desk);
        free(desk);
    }
}

/* --- the sink ------------------------------------------------------------------------------ */

static enum status keep_reason(struct watch_desk *desk, enum status status, const char *reason)
{
    if (status != STATUS_OK) {
        snprintf(desk->reason, sizeof(desk->reason), "%s", reason);
    }
    return status;
}

/* A binding is the registry's, and made when it is told. */
static bool is_message(enum case_effect_kind kind)
{
    return kind > CASE_EFFECT_TELL_CASHIER && kind != CASE_EFFECT_BIND;
}

/* Into the outbox, over the connection that no transaction of the clerk's is open on. */
static enum clerk_answer message_write(struct watch_desk *desk, const struct clerk_effect *effect)
{
    const struct event_note_message message = {effect->number, effect->wall_us, effect->effect,
                                               effect->service_case};
    enum status status = desk_begin(desk->registry);
    if (status == STATUS_OK) {
        status = desk_end(desk->registry, event_note_message(desk->registry, &message));
    }
    return status == STATUS_OK ? CLERK_DONE : CLERK_LATER;
}

static enum clerk_answer on_effect(void *argument, const struct clerk_effect *effect)
{
    struct watch_desk *desk = argument;
    return is_message(effect->effect->kind) ? message_write(desk, effect)
                                            : desk->setup.on_effect(desk->setup.argument, effect);
}

/* What is told of a flag in the outbox says what its signal asks for. */
static void rules_use(struct watch_desk *desk)
{
    desk_set_case_rules(desk->desk, &desk->rules);
    desk_set_case_rules(desk->registry, &desk->rules);
}

static enum status open_all(struct watch_desk *desk)
{
    char path[LOG_PATH_SIZE];
    const struct clerk_setup setup = {
        .rules = &desk->rules, .on_effect = on_effect, .argument = desk};
    log_folder_path(path, desk->folder, WATCH_DESK_NAME);
    enum status status = log_disk_make_folder(desk->folder, desk->reason);
    status = status == STATUS_OK ? desk_open(&desk->desk, path, desk->reason) : status;
    status = status == STATUS_OK ? desk_open(&desk->registry, path, desk->reason) : status;
    if (status != STATUS_OK) {
        return status;
    }
    rules_use(desk);
    struct clerk_setup of_desk = setup;
    of_desk.desk = desk->desk;
    return clerk_create(&desk->clerk, &of_desk, desk->reason);
}

static void on_use(void *argument, const struct case_rules *rules)
{
    struct watch_desk *desk = argument;
    desk->rules = *rules;
    if (desk->clerk != NULL) {
        clerk_set_rules(desk->clerk, rules);
        rules_use(desk);
    }
}

static enum status on_open(void *argument)
{
    struct watch_desk *desk = argument;
    if (desk->clerk != NULL) {
        return STATUS_OK;
    }
    enum status status = open_all(desk);
    if (status != STATUS_OK) {
        shut(desk);
    }
    return status;
}

static void say(enum log_level level, const char *event, const struct flag *flag, const char *text)
{
    LOG(level, event, LOG_TEXT("signal", signal_code_text(flag->signal)),
        LOG_TEXT("subject", flag->subject_id), LOG_NUMBER("position", (int64_t)flag->position),
        LOG_NUMBER("severity", flag->severity), LOG_TEXT("text", text));
}

/* A flag that no case can be made of is kept by itself, once it is clear that waiting does not
 * help: the file takes it, and the clerk does not. */
static enum status keep_alone(struct watch_desk *desk, const struct flag *flag, enum status status)
{
    uint64_t id;
    bool is_new;
    bool is_same = desk->attempt_count > 0 && desk->stuck_position == flag->position;
    desk->attempt_count = is_same ? desk->attempt_count + 1 : 1;
    desk->stuck_position = flag->position;
    if (status != STATUS_BROKEN || desk->attempt_count < ATTEMPT_COUNT_MAX ||
        flag_book_add(desk->registry, flag, &id, &is_new) != STATUS_OK) {
        return status;
    }
    desk->attempt_count = 0;
    say(LOG_ERROR, "flag_without_case", flag, desk->reason);
    return STATUS_OK;
}

static bool is_old(const struct flag *flag)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return flag->window_end_us < (int64_t)now.tv_sec * 1000000 - FLAG_LIFE_US;
}

static enum status take_old(struct watch_desk *desk, const struct flag *flag)
{
    uint64_t id;
    bool is_new;
    enum status status = flag_book_add(desk->registry, flag, &id, &is_new);
    return keep_reason(desk, status, desk_reason(desk->registry));
}

static enum status take_fresh(struct watch_desk *desk, const struct flag *flag)
{
    struct clerk_taken taken;
    enum status status =
        keep_reason(desk, clerk_take(desk->clerk, flag, &taken), clerk_reason(desk->clerk));
    if (status == STATUS_OK && taken.is_new) {
        say(LOG_NOTICE, "flag", flag, signal_text(flag->signal, false));
    }
    return status == STATUS_OK || status == STATUS_BAD_VALUE ? status
                                                             : keep_alone(desk, flag, status);
}

/* One that cannot be is no reason to watch no more. */
static enum status on_take(void *argument, const struct flag *flag)
{
    struct watch_desk *desk = argument;
    enum status status = is_old(flag) ? take_old(desk, flag) : take_fresh(desk, flag);
    if (status == STATUS_BAD_VALUE) {
        say(LOG_ERROR, "flag_refused", flag, desk->reason);
        return STATUS_OK;
    }
    return status;
}

static enum status on_observe(void *argument, const struct observation *seen)
{
    struct watch_desk *desk = argument;
    return keep_reason(desk, clerk_observe(desk->clerk, seen), clerk_reason(desk->clerk));
}

static enum status on_time(void *argument, int64_t wall_us, uint64_t now_ns)
{
    struct watch_desk *desk = argument;
    struct clerk_outcome outcomes[OUTCOME_COUNT];
    enum status status = STATUS_OK;
    uint32_t count;
    do {
        count = desk->setup.settled_take(desk->setup.argument, outcomes, OUTCOME_COUNT);
        for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
            status = clerk_settle(desk->clerk, &outcomes[i]);
        }
    } while (count == OUTCOME_COUNT && status == STATUS_OK);
    status = status == STATUS_OK ? clerk_time(desk->clerk, wall_us, now_ns) : status;
    return keep_reason(desk, status, clerk_reason(desk->clerk));
}

static enum status on_version(void *argument, int64_t *number)
{
    struct watch_desk *desk = argument;
    return keep_reason(desk, registry_version(desk->registry, number), desk_reason(desk->registry));
}

static enum status on_facts(void *argument, struct fact_book *book)
{
    struct watch_desk *desk = argument;
    return keep_reason(desk, fact_book_register(book, desk->registry), desk_reason(desk->registry));
}

static enum status on_flush(void *argument)
{
    struct watch_desk *desk = argument;
    return keep_reason(desk, clerk_flush(desk->clerk), clerk_reason(desk->clerk));
}

static const char *on_reason(void *argument)
{
    const struct watch_desk *desk = argument;
    return desk->reason;
}

struct watch_sink watch_desk_sink(struct watch_desk *desk)
{
    return (struct watch_sink){.use = on_use,
                               .open = on_open,
                               .take = on_take,
                               .observe = on_observe,
                               .time = on_time,
                               .registry_version = on_version,
                               .register_facts = on_facts,
                               .flush = on_flush,
                               .reason = on_reason,
                               .argument = desk};
}
