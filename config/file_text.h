/* A small file read whole, at start and at reload; the one place in config/ that opens files.
 *
 * Life:  file_text_read -> look at bytes -> file_text_free
 */
#pragma once

#include <stdint.h>

#include "protocols/base/document.h"
#include "protocols/base/status.h"

struct file_text {
    char *bytes;     /* owner; a 0 stands behind the last */
    uint32_t length; /* without that 0 */
};

/* Reads the file at `path`, which may hold `length_max` bytes at most.
 * STATUS_NOT_FOUND: cannot be opened. STATUS_BAD_VALUE: longer. STATUS_BROKEN: reading failed.
 * STATUS_NO_MEMORY. Then `text` is empty. */
MUST_CHECK enum status file_text_read(struct file_text *text, const char *path,
                                      uint32_t length_max);
/* Gives the bytes back; good for an empty one too. */
void file_text_free(struct file_text *text);

/* Reads and parses a YAML file; a file that cannot be read is a fault of the document, like all
 * else that is wrong. The caller destroys the document. NULL: no memory. */
struct document *file_text_load_yaml(const char *path);
