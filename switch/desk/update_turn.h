/* One turn of all campaigns: who tells the wanted version is noted, whose time is over, what must
 * stop stops, and the next terminals are asked.
 */
#pragma once

#include "switch/desk/update_book.h"

#define UPDATE_TURN_US INT64_C(10000000)
/* Asked in one turn and not told to the switch yet, of all campaigns: they go out between the
 * orders of cases, and who serves the downloads is not run down. */
#define UPDATE_TURN_ASKED_MAX 50
/* Asked and neither done nor over: a quarter of what the switch keeps orders for
 * (ORDER_SUBJECT_COUNT_MAX). */
#define UPDATE_STANDING_MAX 1024

/* One transaction. `*is_any`: a campaign has something to come. */
MUST_CHECK enum status update_turn(struct desk *desk, int64_t now_us, bool *is_any);
