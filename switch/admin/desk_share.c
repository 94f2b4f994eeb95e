/* See desk_share.h. */
#include "switch/admin/desk_share.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct desk_share {
    pthread_mutex_t mutex;       /* guards the desk, from take to give */
    char path[512];              /* empty: none is configured */
    struct desk *desk;           /* owner; NULL: not opened yet */
    pthread_mutex_t rules_mutex; /* guards the rules; taken behind the other one, for a moment */
    struct case_rules rules;
};

struct desk_share *desk_share_create(const char *folder)
{
    struct desk_share *share = calloc(1, sizeof(*share));
    if (share == NULL) {
        return NULL;
    }
    pthread_mutex_init(&share->mutex, NULL);
    pthread_mutex_init(&share->rules_mutex, NULL);
    case_rules_default(&share->rules);
    if (folder[0] != '\0') {
        snprintf(share->path, sizeof(share->path), "%s/aftersales.db", folder);
    }
    return share;
}

void desk_share_set_rules(struct desk_share *share, const struct case_rules *rules)
{
    pthread_mutex_lock(&share->mutex);
    pthread_mutex_lock(&share->rules_mutex);
    share->rules = *rules;
    pthread_mutex_unlock(&share->rules_mutex);
    if (share->desk != NULL) {
        desk_set_case_rules(share->desk, rules);
    }
    pthread_mutex_unlock(&share->mutex);
}

void desk_share_destroy(struct desk_share *share)
{
    if (share == NULL) {
        return;
    }
    desk_close(share->desk);
    pthread_mutex_destroy(&share->mutex);
    pthread_mutex_destroy(&share->rules_mutex);
    free(share);
}

static bool is_configured(const struct desk_share *share, char reason[DESK_SHARE_REASON_SIZE])
{
    if (share->path[0] == '\0') {
        snprintf(reason, DESK_SHARE_REASON_SIZE,
                 "this switch has no after-sales: set aftersales.folder and restart");
    }
    return share->path[0] != '\0';
}

/* NULL: `reason` says why. */
static struct desk *open_with_rules(struct desk_share *share, char reason[DESK_SHARE_REASON_SIZE])
{
    struct desk *desk = NULL;
    if (desk_open(&desk, share->path, reason) != STATUS_OK) {
        return NULL;
    }
    pthread_mutex_lock(&share->rules_mutex);
    desk_set_case_rules(desk, &share->rules);
    pthread_mutex_unlock(&share->rules_mutex);
    return desk;
}

struct desk *desk_share_take(struct desk_share *share, char reason[DESK_SHARE_REASON_SIZE])
{
    if (!is_configured(share, reason)) {
        return NULL;
    }
    pthread_mutex_lock(&share->mutex);
    share->desk = share->desk != NULL ? share->desk : open_with_rules(share, reason);
    if (share->desk == NULL) {
        pthread_mutex_unlock(&share->mutex);
        return NULL;
    }
    return share->desk;
}

void desk_share_give(struct desk_share *share)
{
    pthread_mutex_unlock(&share->mutex);
}

struct desk *desk_share_open(struct desk_share *share, char reason[DESK_SHARE_REASON_SIZE])
{
    return is_configured(share, reason) ? open_with_rules(share, reason) : NULL;
}
