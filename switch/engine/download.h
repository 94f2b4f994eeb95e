/* Downloads of a terminal: parameters, CA public keys, chip parameters, BIN lists (unionpay-pos 8).
 *
 *   list    request  '1' and the count received so far    answer  '0' none (left), '1' the rest of
 *                                                                 the list, '2' a part of it;
 * entries item    request  the TLVs that name it                answer  '1' and all its TLVs; '0'
 * none all     request  anything                             answer  codes with values end request
 * anything                             answer  00
 *
 * At the end a STATUS record notes which version the terminal now has: the one that was in force
 * when it began, so that rules which change meanwhile are asked for again. What is not offered is
 * answered as an empty list, so that a terminal that asks for it goes on with its day.
 *
 * A record of a terminal's day carries, in `answer`, all that these files remember of it, so that
 * the last of them is enough at a restart.
 */
#pragma once

#include "switch/engine/engine_state.h"

void download_on_request(struct engine *engine, const struct request *request);
