/* See mailbox.h. The two positions only grow; slot number is position modulo count. Each side owns
 * one position and keeps a copy of the other's, so that it reads the shared one only when its copy
 * says full or empty. */
#include "switch/net/mailbox.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "protocols/base/require.h"

#define CACHE_LINE 64

struct mailbox {
    uv_async_t wake;
    struct mailbox_setup setup;
    _Alignas(CACHE_LINE) _Atomic uint32_t sent;
    uint32_t received_seen;
    bool is_dirty;
    _Alignas(CACHE_LINE) _Atomic uint32_t received;
    _Alignas(CACHE_LINE) uint8_t slots[];
};

static void *slot_at(struct mailbox *mailbox, uint32_t position)
{
    uint32_t index = position & (mailbox->setup.slot_count - 1);
    return mailbox->slots + (size_t)index * mailbox->setup.slot_bytes;
}

void mailbox_receive(struct mailbox *mailbox)
{
    uint32_t at = atomic_load_explicit(&mailbox->received, memory_order_relaxed);
    uint32_t end = atomic_load_explicit(&mailbox->sent, memory_order_acquire);
    for (; at != end && mailbox->setup.on_mail(mailbox->setup.argument, slot_at(mailbox, at));
         at++) {
        atomic_store_explicit(&mailbox->received, at + 1, memory_order_release);
    }
}

static void on_wake(uv_async_t *wake)
{
    mailbox_receive((struct mailbox *)wake);
}

struct mailbox *mailbox_create(uv_loop_t *receiver, const struct mailbox_setup *setup)
{
    REQUIRE(setup->slot_count > 0);
    REQUIRE((setup->slot_count & (setup->slot_count - 1)) == 0);
    REQUIRE(setup->slot_bytes % _Alignof(max_align_t) == 0);
    size_t bytes = sizeof(struct mailbox) + (size_t)setup->slot_bytes * setup->slot_count;
    bytes = (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    struct mailbox *mailbox = aligned_alloc(CACHE_LINE, bytes);
    if (mailbox == NULL) {
        return NULL;
    }
    mailbox->setup = *setup;
    atomic_init(&mailbox->sent, 0);
    atomic_init(&mailbox->received, 0);
    mailbox->received_seen = 0;
    mailbox->is_dirty = false;
    if (uv_async_init(receiver, &mailbox->wake, on_wake) != 0) {
        free(mailbox);
        return NULL;
    }
    return mailbox;
}

void *mailbox_reserve(struct mailbox *mailbox)
{
    uint32_t at = atomic_load_explicit(&mailbox->sent, memory_order_relaxed);
    if (at - mailbox->received_seen == mailbox->setup.slot_count) {
        mailbox->received_seen = atomic_load_explicit(&mailbox->received, memory_order_acquire);
    }
    return at - mailbox->received_seen == mailbox->setup.slot_count ? NULL : slot_at(mailbox, at);
}

void mailbox_commit(struct mailbox *mailbox)
{
    uint32_t at = atomic_load_explicit(&mailbox->sent, memory_order_relaxed);
    REQUIRE(at - mailbox->received_seen < mailbox->setup.slot_count);
    atomic_store_explicit(&mailbox->sent, at + 1, memory_order_release);
    mailbox->is_dirty = true;
}

void mailbox_flush(struct mailbox *mailbox)
{
    if (mailbox->is_dirty) {
        mailbox->is_dirty = false;
        /* libuv first looks, without a fence, whether a wake-up is pending already. Were that look
         * to pass the store of `sent`, a receiver that had just taken the pending one would see
         * the old `sent`, and nobody would wake it again. */
        atomic_thread_fence(memory_order_seq_cst);
        uv_async_send(&mailbox->wake);
    }
}

uint32_t mailbox_depth(const struct mailbox *mailbox)
{
    uint32_t received = atomic_load_explicit(&mailbox->received, memory_order_relaxed);
    return atomic_load_explicit(&mailbox->sent, memory_order_relaxed) - received;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

void mailbox_close(struct mailbox *mailbox)
{
    mailbox_receive(mailbox);
    uv_close((uv_handle_t *)&mailbox->wake, on_closed);
}
