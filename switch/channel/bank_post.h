/* What has been posted on a link of HTTP and has no answer yet, in order: answers come in the same
 * order (RFC 9112 section 9.3.2), and nothing else says which request one belongs to when it has no
 * message.
 *
 * Life:  bank_posts_create -> put, take ... -> bank_posts_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"
#include "protocols/payment.h"

struct bank_post {
    uint64_t due_ns; /* when it should have its answer */
    uint32_t stan;
    enum payment_kind kind;
    bool is_network; /* of the link, and no payment */
};

struct bank_posts {
    struct bank_post *items; /* owner; NULL: the link does not post */
    uint32_t window;         /* that may be without an answer at once */
    uint32_t first, count;
};

MUST_CHECK bool bank_posts_create(struct bank_posts *posts, uint32_t window); /* false: no memory */
void bank_posts_destroy(struct bank_posts *posts);
/* Whether nothing more may be posted; a link that does not post is never full. */
bool bank_posts_are_full(const struct bank_posts *posts);
/* Not when full. */
void bank_posts_put(struct bank_posts *posts, const struct bank_post *post);
/* The oldest has its answer. False: none waits. */
MUST_CHECK bool bank_posts_take(struct bank_posts *posts, struct bank_post *post);
/* The oldest; NULL: none waits. */
const struct bank_post *bank_posts_first(const struct bank_posts *posts);
/* Whether a network message of that trace number waits. */
bool bank_posts_have_network(const struct bank_posts *posts, uint32_t stan);
/* The connection is gone, and every answer with it. */
void bank_posts_clear(struct bank_posts *posts);
