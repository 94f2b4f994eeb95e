/* See stan_window.h. Nodes of a fixed pool hang in a bucket's chain and in one list by age. */
#include "switch/channel/stan_window.h"

#include <stdlib.h>

#include "protocols/base/require.h"

#define NOWHERE UINT32_MAX

struct stan_node {
    uint64_t put_ns;
    uint32_t stan;
    uint32_t next;         /* in the bucket, or of the free ones */
    uint32_t older, newer; /* by age */
};

struct stan_window {
    uint64_t life_ns;
    uint32_t count, count_max, bucket_mask;
    uint32_t free_first, oldest, newest;
    uint32_t *buckets; /* owner */
    struct stan_node nodes[];
};

struct stan_window *stan_window_create(uint32_t count_max, uint64_t life_ns)
{
    REQUIRE(count_max > 0 && count_max < NOWHERE / 2);
    uint32_t bucket_count = 1;
    while (bucket_count < count_max) {
        bucket_count *= 2;
    }
    struct stan_window *window =
        calloc(1, sizeof(*window) + (size_t)count_max * sizeof(window->nodes[0]));
    if (window == NULL) {
        return NULL;
    }
    window->life_ns = life_ns;
    window->count_max = count_max;
    window->bucket_mask = bucket_count - 1;
    window->buckets = calloc(bucket_count, sizeof(*window->buckets));
    if (window->buckets == NULL) {
        free(window);
        return NULL;
    }
    stan_window_clear(window);
    return window;
}

void stan_window_destroy(struct stan_window *window)
{
    if (window != NULL) {
        free(window->buckets);
        free(window);
    }
}

void stan_window_clear(struct stan_window *window)
{
    for (uint32_t i = 0; i <= window->bucket_mask; i++) {
        window->buckets[i] = NOWHERE;
    }
    for (uint32_t i = 0; i < window->count_max; i++) {
        window->nodes[i].next = i + 1 < window->count_max ? i + 1 : NOWHERE;
    }
    window->free_first = 0;
    window->oldest = window->newest = NOWHERE;
    window->count = 0;
}

static uint32_t *find(struct stan_window *window, uint32_t stan)
{
    uint32_t *link = &window->buckets[stan & window->bucket_mask];
    while (*link != NOWHERE && window->nodes[*link].stan != stan) {
        link = &window->nodes[*link].next;
    }
    return link;
}

bool stan_window_take(struct stan_window *window, uint32_t stan)
{
    uint32_t *link = find(window, stan);
    uint32_t at = *link;
    if (at == NOWHERE) {
        return false;
    }
    struct stan_node *node = &window->nodes[at];
    *link = node->next;
    *(node->older == NOWHERE ? &window->oldest : &window->nodes[node->older].newer) = node->newer;
    *(node->newer == NOWHERE ? &window->newest : &window->nodes[node->newer].older) = node->older;
    node->next = window->free_first;
    window->free_first = at;
    window->count--;
    return true;
}

uint32_t stan_window_count(struct stan_window *window, uint64_t now_ns)
{
    while (window->oldest != NOWHERE) {
        const struct stan_node *node = &window->nodes[window->oldest];
        if (now_ns - node->put_ns < window->life_ns) {
            break;
        }
        (void)stan_window_take(window, node->stan);
    }
    return window->count;
}

bool stan_window_put(struct stan_window *window, uint32_t stan, uint64_t now_ns)
{
    (void)stan_window_take(window, stan);
    if (stan_window_count(window, now_ns) == window->count_max) {
        return false;
    }
    uint32_t at = window->free_first;
    uint32_t *bucket = &window->buckets[stan & window->bucket_mask];
    REQUIRE(at != NOWHERE);
    struct stan_node *node = &window->nodes[at];
    window->free_first = node->next;
    *node = (struct stan_node){
        .put_ns = now_ns, .stan = stan, .next = *bucket, .older = window->newest, .newer = NOWHERE};
    *bucket = at;
    *(window->newest == NOWHERE ? &window->oldest : &window->nodes[window->newest].newer) = at;
    window->newest = at;
    window->count++;
    return true;
}
