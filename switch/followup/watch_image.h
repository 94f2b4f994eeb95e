/* What the watcher remembers, as a file: written anew beside the old one, synced, renamed, so that
 * a crash leaves the one or the other. It names its own hash: a file that was damaged is not read.
 *
 * It is the last step of all: whatever it knows of is in the database already. Without it the log
 * is read anew.
 */
#pragma once

#include "protocols/base/status.h"
#include "switch/aftersales/watcher.h"
#include "switch/followup/paced_file.h"

#define WATCH_IMAGE_NAME "watch.image"
#define WATCH_IMAGE_REASON_SIZE 640

/* So many bytes of it are worth one row: where fewer rows came since the last image, reading them
 * again takes less than writing another one. */
#define WATCH_IMAGE_ROW_BYTES 4096

/* STATUS_BROKEN: `reason` says what the disk refused. EXPIRED: the pace has given it up. In both
 * the file of before is as it was. */
MUST_CHECK enum status watch_image_write(const struct watcher *watcher, const char *folder,
                                         const struct file_pace *pace, char *reason);
/* How long it would be now. */
uint64_t watch_image_bytes(const struct watcher *watcher);
/* Into a watcher of the same limits that has learned nothing yet. NOT_FOUND: there is none.
 * BAD_VALUE: it is damaged, of other limits or of another version; BROKEN, NO_MEMORY: it cannot be
 * read. `reason` says why, and the watcher is good for nothing more. */
MUST_CHECK enum status watch_image_read(struct watcher *watcher, const char *folder, char *reason);
