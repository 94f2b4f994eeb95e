/* See watch_desk.h. */
#include "switch/followup/watch_desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/desk/flag_book.h"
#include "switch/desk/registry.h"
#include "switch/net/log.h"
#include "switch/store/log_folder.h"

struct watch_desk {
    char folder[LOG_PATH_SIZE];
    struct desk *desk; /* owner; NULL: not open */
    char reason[LOG_REASON_SIZE];
};

_Static_assert(DESK_REASON_SIZE <= LOG_REASON_SIZE, "one room for both");

struct watch_desk *watch_desk_create(const char *folder)
{
    struct watch_desk *desk = calloc(1, sizeof(*desk));
    if (desk == NULL || strlen(folder) >= sizeof(desk->folder) - sizeof("/" WATCH_DESK_NAME)) {
        free(desk);
        return NULL;
    }
    memcpy(desk->folder, folder, strlen(folder) + 1);
    return desk;
}

void watch_desk_destroy(struct watch_desk *desk)
{
    if (desk != NULL) {
        desk_close(desk->desk);
        free(desk);
    }
}

/* --- the sink ------------------------------------------------------------------------------ */

static enum status keep_reason(struct watch_desk *desk, enum status status)
{
    if (status != STATUS_OK) {
        snprintf(desk->reason, sizeof(desk->reason), "%s", desk_reason(desk->desk));
    }
    return status;
}

static enum status on_open(void *argument)
{
    struct watch_desk *desk = argument;
    char path[LOG_PATH_SIZE];
    if (desk->desk != NULL) {
        return STATUS_OK;
    }
    log_folder_path(path, desk->folder, WATCH_DESK_NAME);
    enum status status = log_disk_make_folder(desk->folder, desk->reason);
    return status == STATUS_OK ? desk_open(&desk->desk, path, desk->reason) : status;
}

/* A flag that no database takes is no reason to watch no more. */
static enum status on_take(void *argument, const struct flag *flag)
{
    struct watch_desk *desk = argument;
    uint64_t id;
    bool is_new;
    enum status status = keep_reason(desk, flag_book_add(desk->desk, flag, &id, &is_new));
    if (status == STATUS_BAD_VALUE) {
        LOG(LOG_ERROR, "flag_refused", LOG_TEXT("signal", signal_code_text(flag->signal)),
            LOG_TEXT("subject", flag->subject_id), LOG_NUMBER("position", (int64_t)flag->position),
            LOG_TEXT("text", desk->reason));
        return STATUS_OK;
    }
    if (status == STATUS_OK && is_new) {
        LOG(LOG_NOTICE, "flag", LOG_TEXT("signal", signal_code_text(flag->signal)),
            LOG_TEXT("subject", flag->subject_id), LOG_NUMBER("severity", flag->severity),
            LOG_TEXT("text", signal_sentence(flag->signal)));
    }
    return status;
}

static enum status on_observe(void *argument, const struct observation *seen)
{
    (void)argument;
    (void)seen;
    return STATUS_OK;
}

static enum status on_time(void *argument, int64_t wall_us)
{
    (void)argument;
    (void)wall_us;
    return STATUS_OK;
}

static enum status on_version(void *argument, int64_t *number)
{
    struct watch_desk *desk = argument;
    return keep_reason(desk, registry_version(desk->desk, number));
}

static enum status on_facts(void *argument, struct fact_book *book)
{
    struct watch_desk *desk = argument;
    return keep_reason(desk, fact_book_register(book, desk->desk));
}

static enum status on_flush(void *argument)
{
    (void)argument;
    return STATUS_OK;
}

static const char *on_reason(void *argument)
{
    const struct watch_desk *desk = argument;
    return desk->reason;
}

struct watch_sink watch_desk_sink(struct watch_desk *desk)
{
    return (struct watch_sink){.open = on_open,
                               .take = on_take,
                               .observe = on_observe,
                               .time = on_time,
                               .registry_version = on_version,
                               .register_facts = on_facts,
                               .flush = on_flush,
                               .reason = on_reason,
                               .argument = desk};
}
