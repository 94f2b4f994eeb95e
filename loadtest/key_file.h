/* A bank's clear keys, one a line, "name HEX": what `tillway-load fleet` writes and tillway-bank
 * reads. For tests and the demo only; a real bank's keys never lie in a file. */
#pragma once

#include <stdio.h>

#include "loadtest/tdes.h"
#include "protocols/base/status.h"

/* The key on the line that begins with `name`. Not STATUS_OK: one line on `faults` says why. */
MUST_CHECK enum status key_file_read(const char *path, const char *name, struct tdes_key *key,
                                     FILE *faults);
/* Appends one line. */
void key_file_put(FILE *file, const char *name, const struct tdes_key *key);
