/* The after-sales thread: watch_duty on a thread of its own, which wakes by time and is never woken
 * for a payment. It has a lower priority than those that carry payments.
 *
 * Life:  watch_thread_create -> use -> start -> (use) ... -> end -> has_ended -> destroy; by the
 * engine's loop
 */
#pragma once

#include "switch/followup/watch_duty.h"

struct watch_thread;

/* NULL: no memory, or a folder's path is too long. */
struct watch_thread *watch_thread_create(const struct watch_duty_setup *setup);
/* As watch_duty_use, taken over at its next turn. */
void watch_thread_use(struct watch_thread *thread, const struct watch_words *words);
/* STATUS_BROKEN: no thread. */
MUST_CHECK enum status watch_thread_start(struct watch_thread *thread);
/* Tells it to end, and waits for nothing: all that was put into the ring is watched and the image
 * is written, as far as WATCH_END_MS allow; the rest is read from the log at the next start.
 * Nothing is put any more. A call of the sink that is under way then takes as long as it takes. */
#define WATCH_END_MS 5000
void watch_thread_end(struct watch_thread *thread);
/* Whether it has; also where it never started. Until then nothing of it may be freed. */
bool watch_thread_has_ended(struct watch_thread *thread);
/* After its end, or without a start. NULL does nothing. */
void watch_thread_destroy(struct watch_thread *thread);

/* What the windows of a terminal hold now. Waits for nobody: false, it is in the midst of its work
 * (reading a log, or waiting for a disk); ask again in a while. */
MUST_CHECK bool watch_thread_look(struct watch_thread *thread, const char *terminal_id,
                                  struct watch_look *look);
void watch_thread_count(const struct watch_thread *thread, struct watch_counts *counts);
