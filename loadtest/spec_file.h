/* A message spec or dialect from its YAML file: the one way the simulators come by it. */
#pragma once

#include <stdio.h>

#include "protocols/dialect/dialect.h"

/* The dialect in the file at `path`. NULL: one line a fault is on `faults`. The caller destroys it
 * with dialect_destroy. */
struct dialect *spec_file_dialect(const char *path, FILE *faults);
/* The same for the spec alone: how fields stand on the wire. Destroyed with spec_destroy. */
struct spec *spec_file_spec(const char *path, FILE *faults);
