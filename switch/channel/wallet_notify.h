/* The port that a wallet notifies: HTTPS POSTs, verified, handed to the channel, and answered so
 * that the wallet stops repeating, or goes on where what it said is not durable yet.
 *
 * A strict HTTP/1.1 of our own (protocols/frame_http.h): one length, no coding, bounded head and
 * body, an absolute deadline for each request.
 *
 * Life:  wallet_notify_create -> ... -> wallet_notify_stop -> on_stopped -> wallet_notify_destroy
 */
#pragma once

#include "switch/channel/wallet_channel.h"

struct wallet_channel;
struct wallet_notify;

/* NULL: `reason` says what is wrong with address or certificate. */
struct wallet_notify *wallet_notify_create(struct loop *loop,
                                           const struct wallet_notify_setup *setup,
                                           struct wallet_channel *channel,
                                           void (*on_stopped)(void *argument),
                                           char reason[CHANNEL_REASON_SIZE]);
void wallet_notify_stop(struct wallet_notify *notify);
void wallet_notify_destroy(struct wallet_notify *notify); /* stopped or never used; NULL is fine */
uint16_t wallet_notify_port(const struct wallet_notify *notify);
