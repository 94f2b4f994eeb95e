/* Which of two software versions is the older. */
#pragma once

/* Below, at or above 0 as `left` is older, the same or newer. Read as people read them: runs of
 * digits are numbers, all else is compared byte by byte. */
int firmware_order(const char *left, const char *right);
