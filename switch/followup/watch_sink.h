/* Where flags, observations and time go from the watcher: the database, or a test's memory.
 *
 * Everything may be told again after a crash, and must then change nothing.
 */
#pragma once

#include "protocols/base/status.h"
#include "switch/aftersales/flag.h"
#include "switch/aftersales/observation.h"
#include "switch/aftersales/service_case.h"
#include "switch/followup/fact_book.h"

/* Each call that does not answer STATUS_OK is made again later, with the same; nothing overtakes
 * it.
 */
struct watch_sink {
    /* The rules by which cases live from now on; copied. At any time. */
    void (*use)(void *argument, const struct case_rules *rules);
    /* Whether it can be used; called before all others, and again until it answers OK. */
    enum status (*open)(void *argument);
    enum status (*take)(void *argument, const struct flag *flag);
    enum status (*observe)(void *argument, const struct observation *seen);
    /* Once a second, when all that was seen has been told: what time it is, and the monotonic
     * clock, which alone says how long something has waited. */
    enum status (*time)(void *argument, int64_t wall_us, uint64_t now_ns);
    /* Another number than before: the registry has changed. */
    enum status (*registry_version)(void *argument, int64_t *number);
    enum status (*register_facts)(void *argument, struct fact_book *book);
    /* Before what was told is remembered elsewhere: from here on it is not told again. */
    enum status (*flush)(void *argument);
    const char *(*reason)(void *argument); /* why the last call failed */
    void *argument;
};
