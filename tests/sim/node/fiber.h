/* Threads that a seed schedules: one runs at a time, and only where it waits or touches the disk
 * another one may go on.
 *
 * The linker hands the product's pthread calls to this file (CMakeLists.txt, --wrap), and its
 * clocks as well. So the log's writer, sealer, reader and search threads run as shipped, in an
 * order that the seed draws and a second run repeats. What SQLite locks for itself is left alone:
 * it locks nothing while it touches the disk.
 *
 * A process that dies leaves its threads where they are: fiber_die never returns, and the next life
 * begins with none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum fiber_end {
    FIBER_DONE,
    FIBER_DIED, /* fiber_die was called, see fiber_exit_code */
    FIBER_HUNG  /* nothing can go on, or nothing ever ends */
};

/* A new process: no threads, time as it is. */
void fiber_begin(uint64_t seed);
/* What the clocks of the process say; the monotonic one never steps back. */
void fiber_set_clock(uint64_t now_ns, int64_t wall_us);

/* Runs `call` as a thread of the process until it returns; others go on meanwhile. */
enum fiber_end fiber_run(void (*call)(void *argument), void *argument);
/* Lets the threads go on until `is_enough` or nothing can. */
enum fiber_end fiber_run_until(bool (*is_enough)(void *argument), void *argument);
/* Lets them go on for so many turns at most; false: the process died. */
bool fiber_run_turns(uint32_t turn_count);

/* Inside a thread of the process: lets others go on, or waits for so long. */
void fiber_pause(void);
void fiber_sleep(uint64_t ns);
/* Ends the process where it stands. */
_Noreturn void fiber_die(int exit_code);
int fiber_exit_code(void);
