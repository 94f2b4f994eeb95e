/* One webhook, turn by turn: a look at the desk for what is next, one attempt, and what came of it
 * written down. The desk is not held during the attempt.
 *
 * Life:  webhook_open -> webhook_turn ... -> webhook_close; one thread at a time, but for the
 * numbers.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "switch/admin/desk_share.h"
#include "switch/admin/webhook_post.h"
#include "switch/admin/webhook_sign.h"
#include "switch/desk/webhook_book.h"

struct webhook {
    const struct webhook_options *options; /* borrowed, as the desk and the end */
    struct desk_share *desk;
    atomic_bool *is_ending;
    struct webhook_key key;
    struct webhook_post *post; /* owner */
    bool is_desk_missed;       /* which was said */
    bool is_letter_refused; /* the last turn was a letter that failed: now an event comes first */
    /* for metrics: attempts by enum webhook_outcome, and how it stood at the last look */
    atomic_ullong outcomes[WEBHOOK_GONE + 1], waiting, letters, given_up;
    atomic_bool is_up, has_looked; /* at the desk: until then given_up is not known */
};

/* Members above the key are filled in. False: `reason` says what is wrong with the key, or that
 * there is no memory; nothing is to be closed. */
bool webhook_open(struct webhook *hook, char reason[WEBHOOK_REASON_SIZE]);
void webhook_close(struct webhook *hook);
/* How many milliseconds until the next turn; 0: at once. The book must know the webhook
 * (webhook_book_enroll). */
uint32_t webhook_turn(struct webhook *hook);
/* A line on standard error, with the webhook's name. */
void webhook_say(const struct webhook *hook, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
