/* What the watcher remembers, as a file: written anew beside the old one, synced, renamed, so that
 * a crash leaves the one or the other. It names its own hash: a file that was damaged is not read.
 *
 * It is the last step of all: whatever it knows of is in the database already. Without it the log
 * is read anew.
 */
#pragma once

#include "protocols/base/status.h"
#include "switch/aftersales/watcher.h"

#define WATCH_IMAGE_NAME "watch.image"
#define WATCH_IMAGE_REASON_SIZE 640

/* STATUS_BROKEN: `reason` says what the disk refused; the file of before is as it was. */
MUST_CHECK enum status watch_image_write(const struct watcher *watcher, const char *folder,
                                         char *reason);
/* Into a watcher of the same limits that has learned nothing yet. NOT_FOUND: there is none.
 * BAD_VALUE: it is damaged, of other limits or of another version; BROKEN, NO_MEMORY: it cannot be
 * read. `reason` says why, and the watcher is good for nothing more. */
MUST_CHECK enum status watch_image_read(struct watcher *watcher, const char *folder, char *reason);
