/* See bank_post.h: a ring of the link's window. */
#include "switch/channel/bank_post.h"

#include <stdlib.h>

#include "protocols/base/require.h"

bool bank_posts_create(struct bank_posts *posts, uint32_t window)
{
    REQUIRE(window > 0);
    *posts = (struct bank_posts){.items = calloc(window, sizeof(*posts->items)), .window = window};
    return posts->items != NULL;
}

void bank_posts_destroy(struct bank_posts *posts)
{
    free(posts->items);
    *posts = (struct bank_posts){.items = NULL};
}

bool bank_posts_are_full(const struct bank_posts *posts)
{
    return posts->items != NULL && posts->count == posts->window;
}

static struct bank_post *at(const struct bank_posts *posts, uint32_t index)
{
    return &posts->items[(posts->first + index) % posts->window];
}

void bank_posts_put(struct bank_posts *posts, const struct bank_post *post)
{
    REQUIRE(posts->count < posts->window);
    *at(posts, posts->count++) = *post;
}

bool bank_posts_take(struct bank_posts *posts, struct bank_post *post)
{
    if (posts->count == 0) {
        return false;
    }
    *post = *at(posts, 0);
    posts->first = (posts->first + 1) % posts->window;
    posts->count--;
    return true;
}

const struct bank_post *bank_posts_first(const struct bank_posts *posts)
{
    return posts->count == 0 ? NULL : at(posts, 0);
}

bool bank_posts_have_network(const struct bank_posts *posts, uint32_t stan)
{
    for (uint32_t i = 0; i < posts->count; i++) {
        const struct bank_post *post = at(posts, i);
        if (post->is_network && post->stan == stan) {
            return true;
        }
    }
    return false;
}

void bank_posts_clear(struct bank_posts *posts)
{
    posts->first = posts->count = 0;
}
