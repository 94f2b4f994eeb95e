/* Which version the log's last rows name, so that numbers go on above it even where the folder of
 * versions was lost, or is younger than the log.
 */
#pragma once

#include <stdint.h>

/* 0: the log names none, or cannot be read, which whoever opens it will tell. */
uint32_t version_floor(const char *store_folder);
