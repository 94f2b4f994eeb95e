/* Files of the version folder, written so that a crash leaves the old or the new. Each answers 0 or
 * an errno.
 */
#pragma once

#include <stddef.h>

/* A new file, synced. */
int version_disk_write(const char *path, const void *bytes, size_t length);
/* In the place of another one: by way of `path`.new, and a renaming. */
int version_disk_replace(const char *path, const void *bytes, size_t length);
/* Whatever was made, renamed or removed in it stays so. */
int version_disk_sync_folder(const char *path);
/* A folder that may be there already. */
int version_disk_make_folder(const char *path);
/* A folder of plain files with all that is in it; none is fine, too. */
int version_disk_remove_folder(const char *path);
