/* One observation after the other through the watcher and into the sink: hours before rows, what is
 * seen before what is flagged. What the sink does not take stays, and is offered again.
 *
 * Life:  watch_feed_init -> watch_feed_offer, watch_feed_go, watch_feed_time ...
 */
#pragma once

#include <stdbool.h>

#include "switch/aftersales/watcher.h"
#include "switch/followup/watch_sink.h"

struct watch_feed {
    struct watcher *watcher; /* borrowed, as the next */
    const struct watch_sink *sink;
    struct watch_output output; /* flags from flag_next on are not taken yet */
    uint32_t flag_next;
    struct observation seen; /* not stepped yet, if has_seen */
    bool has_seen;
    uint64_t observation_count, flag_count; /* that the sink has taken */
};

void watch_feed_init(struct watch_feed *feed, struct watcher *watcher,
                     const struct watch_sink *sink);
/* Nothing waits: what the watcher remembers is in the sink. */
bool watch_feed_is_idle(const struct watch_feed *feed);
/* The next row; only while nothing waits. */
void watch_feed_offer(struct watch_feed *feed, const struct observation *seen);
/* Until nothing waits. Not STATUS_OK: the sink's answer; the rest waits. */
MUST_CHECK enum status watch_feed_go(struct watch_feed *feed);
/* No row before `until_us` comes any more; only while nothing waits. Answers as watch_feed_go. */
MUST_CHECK enum status watch_feed_time(struct watch_feed *feed, int64_t until_us);
