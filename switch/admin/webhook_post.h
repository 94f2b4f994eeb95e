/* One attempt to post an event to a webhook: TLS that is always verified, one answer, no redirect.
 *
 * Life:  webhook_post_create -> webhook_post_send ... -> webhook_post_destroy; one thread at a
 * time. curl_global_init() must have been called.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "switch/admin/webhook_sign.h"
#include "switch/desk/webhook_book.h"

struct webhook_options;
struct webhook_post;

enum webhook_outcome {
    WEBHOOK_DELIVERED, /* 2xx */
    WEBHOOK_FAILED,    /* whatever else: it is tried again */
    WEBHOOK_GONE       /* 410: the other side wants no more */
};

struct webhook_answer {
    enum webhook_outcome outcome;
    uint64_t asked_s;               /* Retry-After; 0: none */
    char fault[WEBHOOK_FAULT_SIZE]; /* unless delivered: "HTTP 500", or what libcurl says */
};

/* `is_ending`: an attempt under way ends when it becomes true. All is borrowed. NULL: no memory. */
struct webhook_post *webhook_post_create(const struct webhook_options *options,
                                         const struct webhook_key *key, atomic_bool *is_ending);
/* NULL does nothing. */
void webhook_post_destroy(struct webhook_post *post);
void webhook_post_send(struct webhook_post *post, const struct webhook_message *message,
                       struct webhook_answer *answer);
