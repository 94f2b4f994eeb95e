/* The key file: CSV rows of sealed key blocks, read into a set (switch/security/README.md has the
 * columns).
 */
#pragma once

#include "switch/security/key_set.h"

/* Reads the file into a fresh set and settles it; any thread, under key_set.h's terms. What was not
 * STATUS_OK leaves nothing in force (I30), and `reason` holds the first faults, each with its line;
 * key_set_destroy the set then, too. */
MUST_CHECK enum status key_load(struct key_set *set, const char *path, char *reason,
                                uint32_t reason_size);
