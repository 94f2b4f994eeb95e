/* The work of the after-sales thread, without the thread: what it remembers is read back, the log
 * is read from there, then the ring is emptied at each turn; flags go to the sink, and now and then
 * what the watcher remembers goes to disk.
 *
 *   sink opens -> facts -> image -> log from its position -> ring ... (log again where it dropped)
 *
 * What fails is said, counted and tried again with growing pauses; payments never wait for it. A
 * row is told to the sink before it is in the image, and the sink knows what it was told before: so
 * a crash anywhere loses nothing and repeats nothing.
 *
 * Life:  create -> use -> turn ... -> (use) -> end -> destroy; by one thread, but for count
 */
#pragma once

#include "switch/aftersales/watch_rules.h"
#include "switch/aftersales/watcher.h"
#include "switch/followup/observation_ring.h"
#include "switch/followup/watch_sink.h"

struct watch_duty;

struct watch_duty_setup {
    const char *folder, *log_folder; /* of the image, and of the log; copied */
    struct observation_ring *ring;   /* borrowed, as the next */
    const struct watch_sink *sink;
    struct watch_limits limits;
    /* How often the image is written, if enough has come since the last one; twelve times as
     * seldom if anything has. */
    uint32_t image_every_ms;
    /* Waits so long between two pieces of an image; false: the duty is to end, and the image is
     * written by its end. NULL: nothing waits. */
    bool (*rest)(void *argument, uint64_t rest_ns);
    void *rest_argument;
    /* Of the log's disk: what is left for reversals and their results (store.reserve_bytes). Where
     * the image and the database would take of it, nothing is watched until there is room. */
    uint64_t reserve_bytes;
};

/* NULL: no memory, or a folder's path is too long. */
struct watch_duty *watch_duty_create(const struct watch_duty_setup *setup);
void watch_duty_destroy(struct watch_duty *duty);

/* What a configuration says; the rules are copied, the tables are the duty's from here on. */
struct watch_words {
    const struct watch_rules *rules;     /* by which it is flagged, */
    const struct case_rules *case_rules; /* and by which cases live */
    struct fact_book *tables;
};
void watch_duty_use(struct watch_duty *duty, const struct watch_words *words);

/* Does what there is to do, until `until_ns` (CLOCK_MONOTONIC), and what it has begun by then: a
 * row with the hours before it, an image. Answers whether all that is known is done. */
bool watch_duty_turn(struct watch_duty *duty, uint64_t until_ns);
/* Whether the last turn came to rows that the ring does not have: the next one reads the log. */
bool watch_duty_reads_log(const struct watch_duty *duty);
/* A last turn, then the sink is flushed and the image written, without a rest; what `until_ns` does
 * not allow is left out, and a restart reads the log from an older position. */
void watch_duty_end(struct watch_duty *duty, uint64_t until_ns);

/* What the windows of a terminal's signals hold now. */
struct watch_look {
    bool is_open;     /* the watcher has begun: what it remembers is read */
    bool is_watched;  /* it knows the terminal */
    int64_t as_of_us; /* the event time that it has come to */
    struct watch_terminal_view view;
};
/* One terminal is looked up and nothing else; by whom the duty's thread is, or while that does no
 * work. */
void watch_duty_look(const struct watch_duty *duty, const char *terminal_id,
                     struct watch_look *look);

/* May be asked from any thread. */
struct watch_counts {
    uint64_t observations, flags;
    uint64_t log_rows; /* read from the log, since the ring did not have them */
    uint64_t failures; /* of the sink and of reading the log */
    uint64_t images, image_failures;
    uint64_t lag_rows; /* written and not watched yet */
    int64_t lag_us;    /* event time between the last row watched and now; 0: none lags */
    bool is_open;      /* the sink has been opened, and what was remembered read */
};
void watch_duty_count(const struct watch_duty *duty, struct watch_counts *counts);
