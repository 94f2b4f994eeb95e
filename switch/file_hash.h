/* SHA-256 of a file: whether it says the same as before.
 */
#pragma once

#include <stdint.h>

#include "protocols/base/status.h"

#define FILE_HASH_BYTES 32
#define FILE_HASH_TEXT_SIZE 65 /* lower-case hex */

/* STATUS_NOT_FOUND: it cannot be opened. STATUS_BROKEN: reading failed. */
MUST_CHECK enum status file_hash(const char *path, uint8_t hash[FILE_HASH_BYTES]);
void file_hash_text(char text[FILE_HASH_TEXT_SIZE], const uint8_t hash[FILE_HASH_BYTES]);
