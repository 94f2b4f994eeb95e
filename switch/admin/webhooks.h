/* All webhooks of the configuration, each a thread of its own, so that one whose other side is dead
 * keeps nobody waiting.
 *
 * A webhook posts events in the order of their numbers, the next one when the one before is
 * delivered or put aside; where it stands is in the desk (webhook_book.h), written after each
 * answer: an event may be posted twice, and none is left out.
 *
 * Life:  webhooks_create -> webhooks_start -> (threads deliver; webhooks_tally) -> webhooks_rest ->
 * webhooks_start ... -> webhooks_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/admin/desk_share.h"
#include "switch/admin/metrics_text.h"
#include "switch/admin/webhook_sign.h"

struct webhook_options;
struct webhooks;

struct webhooks_setup {
    const struct webhook_options *options; /* copied; the desk is borrowed */
    uint32_t count;
    struct desk_share *desk;
};
/* Reads the keys. NULL: `reason` says what is wrong. */
struct webhooks *webhooks_create(const struct webhooks_setup *setup,
                                 char reason[WEBHOOK_REASON_SIZE]);
/* False: a thread could not be had; rest or destroy them then. */
bool webhooks_start(struct webhooks *webhooks);
/* No thread delivers any more. Interrupts attempts under way, which are made again after the next
 * start. */
void webhooks_rest(struct webhooks *webhooks);
/* They rest, and none takes their place: the book is told that they are absent. */
void webhooks_leave(struct webhooks *webhooks);
/* They rest, and all is gone. NULL does nothing. */
void webhooks_destroy(struct webhooks *webhooks);
/* What metrics say of each, as of its last look at the desk; gives how many there are. Any thread.
 */
uint32_t webhooks_tally(const struct webhooks *webhooks,
                        struct metrics_webhook tallies[METRICS_WEBHOOK_COUNT_MAX]);
