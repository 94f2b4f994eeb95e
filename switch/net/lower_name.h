/* Enumerators as people and metrics read them: "HALF_MESSAGE" becomes "half_message". */
#pragma once

#define LOWER_NAME_SIZE 32

/* Fills `lowered` once and answers it. Two threads that fill at the same time write the same bytes,
 * so no lock is needed. */
const char *lower_name(char lowered[LOWER_NAME_SIZE], const char *name);
