/* Messages to and from a wallet, for who watches the channel (`tillwayctl trace channel NAME`).
 *
 * Called only while trace_is_on(). What is shown is wallet_describe.h's to say.
 */
#pragma once

#include "switch/channel/wallet_state.h"

/* A request has been handed to libcurl, its message still whole. */
void wallet_trace_sent(const struct wallet_call *call);
/* What a question came to: an answer, or the reason why there is none. */
void wallet_trace_answer(const struct wallet_call *call, const struct wallet_answer *answer);
/* A notify, what it came to, and whether the wallet was told that it need not come again. */
void wallet_trace_notify(const struct wallet_channel *channel, const struct wallet_reply *reply,
                         const struct wallet_answer *told, bool is_taken);
