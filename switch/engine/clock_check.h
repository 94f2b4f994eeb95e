/* Whether a terminal's clock is right: what its messages say the time is, held against ours.
 *
 * Nobody is refused for it: receipts with a wrong time are a nuisance for merchants, not a danger
 * for money. It is noted once a terminal and day, by an ANOMALY row, and shown with the terminal.
 * Messages that tell of another time than now (advices, uploads, reversals) are not looked at.
 */
#pragma once

#include "switch/engine/engine_state.h"

#define CLOCK_CHECK_TEXT_SIZE 64

/* Looks at fields 12 and 13 of a terminal's request, where it has them. `place`: the terminal's, 0
 * where it is not enrolled. */
void clock_check(struct engine *engine, uint32_t place, const struct request *request);
/* "its clock is 3 h 12 min ahead of ours": for log lines. */
void clock_check_text(char text[CLOCK_CHECK_TEXT_SIZE], int64_t ahead_s);
