/* What a test may tell the wallets while they run: a plain HTTP port on loopback, JSON both ways.
 *
 *   POST /script  {"wallet", "operation", "faults": [NAME ...], "refusal", "skip", "count", "ms",
 * "acted"}: what befalls the next calls; only "faults" must be there. Names are the options of
 * mischief.h. POST /rates   {NAME: per cent ...}: from now on; the draws are on again POST /heal no
 * draws, no scripts POST /decide  {"wallet", "out_trade_no", "state"}: a waiting buyer ends: paid,
 * failed, closed POST /notify  {"wallet", "out_trade_no"}: once more, at once POST /rotate  the
 * next platform certificate signs; answers its serial number POST /code    {"wallet", "life_ms"}:
 * answers a payment code that expires GET  /order?wallet=W&out_trade_no=N GET  /counts
 *
 * 400 says what was expected; 404: no such address or order.
 *
 * Life:  control_start -> ... -> control_stop
 */
#pragma once

#include "loadtest/wallet/gateway.h"

struct control_setup {
    struct gateway *gateway; /* borrowed */
    uint16_t port;
    void (*on_broken)(void *argument);
    void *argument;
};

struct control;

struct control *control_start(const struct control_setup *setup); /* NULL: the port is taken */
void control_stop(struct control *control);                       /* NULL is nothing */
