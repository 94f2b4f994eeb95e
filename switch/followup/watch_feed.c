/* See watch_feed.h. */
#include "switch/followup/watch_feed.h"

#include <string.h>

#include "protocols/base/require.h"

void watch_feed_init(struct watch_feed *feed, struct watcher *watcher,
                     const struct watch_sink *sink)
{
    memset(feed, 0, sizeof(*feed));
    feed->watcher = watcher;
    feed->sink = sink;
}

bool watch_feed_is_idle(const struct watch_feed *feed)
{
    return !feed->has_seen && feed->flag_next == feed->output.count;
}

static void step(struct watch_feed *feed, const struct observation *seen)
{
    watcher_step(feed->watcher, seen, &feed->output);
    feed->flag_next = 0;
}

static enum status flags_give(struct watch_feed *feed)
{
    while (feed->flag_next < feed->output.count) {
        enum status status =
            feed->sink->take(feed->sink->argument, &feed->output.flags[feed->flag_next]);
        if (status != STATUS_OK) {
            return status;
        }
        feed->flag_next++;
        feed->flag_count++;
    }
    return STATUS_OK;
}

void watch_feed_offer(struct watch_feed *feed, const struct observation *seen)
{
    REQUIRE(watch_feed_is_idle(feed));
    feed->seen = *seen;
    feed->has_seen = seen->position > watcher_position(feed->watcher);
}

enum status watch_feed_go(struct watch_feed *feed)
{
    struct observation time;
    enum status status = flags_give(feed);
    while (status == STATUS_OK && feed->has_seen) {
        if (watcher_time_due(feed->watcher, feed->seen.wall_us, &time)) {
            step(feed, &time);
        } else {
            status = feed->sink->observe(feed->sink->argument, &feed->seen);
            if (status != STATUS_OK) {
                return status;
            }
            feed->has_seen = false;
            feed->observation_count++;
            step(feed, &feed->seen);
        }
        status = flags_give(feed);
    }
    return status;
}

enum status watch_feed_time(struct watch_feed *feed, int64_t until_us)
{
    struct observation time;
    enum status status = STATUS_OK;
    REQUIRE(watch_feed_is_idle(feed));
    while (status == STATUS_OK && watcher_time_due(feed->watcher, until_us, &time)) {
        step(feed, &time);
        status = flags_give(feed);
    }
    return status;
}
