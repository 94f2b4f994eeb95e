/* A bounded ring from one thread to one loop, woken once a burst.
 *
 * A wake-up across cores costs about as much as a payment, so the sender fills slots as they come
 * and wakes the receiver once, at the end of its turn. Slots are filled and read in place.
 *
 * Life:  mailbox_create -> reserve, commit ..., flush (sender) / on_mail (receiver) -> close ->
 * freed when libuv lets go of the handle
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "protocols/base/status.h"

struct mailbox;

struct mailbox_setup {
    uint32_t slot_bytes;
    uint32_t slot_count; /* a power of two */
    /* On the receiver's loop, in order. False: no room for it now; it and those behind it wait for
     * mailbox_receive or the next wake-up. */
    bool (*on_mail)(void *argument, void *slot);
    void *argument;
};

/* NULL: no memory, or no descriptor for the wake-up. Called on the receiver's thread, or before it
 * runs. */
struct mailbox *mailbox_create(uv_loop_t *receiver, const struct mailbox_setup *setup);

/* Sender: the next free slot, or NULL when the ring is full. Not sent before commit. */
void *mailbox_reserve(struct mailbox *mailbox);
void mailbox_commit(struct mailbox *mailbox);
/* Sender: wakes the receiver if anything was committed since the last flush. */
void mailbox_flush(struct mailbox *mailbox);

/* Receiver: takes what waits, after on_mail has had no room for it. */
void mailbox_receive(struct mailbox *mailbox);

/* Either side: slots now waiting. */
uint32_t mailbox_depth(const struct mailbox *mailbox);

/* Receiver's thread, once the sender has ended: what still waits is offered once more. */
void mailbox_close(struct mailbox *mailbox);
