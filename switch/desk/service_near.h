/* Where a terminal is mended: who serves it, through which channels, at which points, from what is
 * registered (switch/aftersales/serve.h decides).
 */
#pragma once

#include "switch/aftersales/serve.h"
#include "switch/desk/registry.h"

#define SERVICE_NEAR_POINT_COUNT_MAX 20000 /* of one brand; a maker has a few thousand */

struct service_near {
    struct terminal_registration terminal; /* with its binding in force, if it has one */
    struct serve_order order;
    uint32_t channel_count, point_count;
    struct service_near_channel {
        struct service_channel channel;
        bool is_open, is_stale;
    } channels[SERVE_CHANNEL_COUNT_MAX]; /* best first */
    struct service_near_point {
        struct service_point point;
        uint32_t distance_m, spare_count;
        bool is_open, is_stale;
    } points[SERVE_POINT_COUNT_MAX]; /* nearest first, open ones before closed ones */
};

/* At that moment (microseconds since 1970; the hours are China's). Where the terminal stands is
 * what its binding says, else its merchant's area. NOT_FOUND: no such terminal is registered.
 * NO_ROOM: more points of the brand than are looked at; NO_MEMORY. */
MUST_CHECK enum status service_near_find(struct desk *desk, const char *terminal_id,
                                         enum part_class part, int64_t wall_us,
                                         struct service_near *near);
