/* A thread whose work must not be felt by the payments.
 *
 * Priority alone does not do that: a kernel leaves a core to whoever has it for the rest of a
 * slice, and looks again only at its next tick. So at the pause points of long work
 * (protocols/base/pause.h) such a thread sleeps for a moment whenever it has worked for a piece.
 */
#pragma once

/* Of the calling thread, until it ends. `nice`: 1 to 19, as setpriority(2) has it. */
void background_begin(int nice);

/* As background_begin(19), and any other thread that has work takes the core at once (SCHED_IDLE).
 * A thread that is starved so goes back to being the least of the others, at its next pause point.
 * Where the process may not raise a priority again (RLIMIT_NICE, CAP_SYS_NICE) that way back is
 * closed, and this is background_begin(19) alone. */
void background_begin_last(void);
/* The least of the others again: for work without pause points, and with locks that they need. */
void background_end_last(void);
