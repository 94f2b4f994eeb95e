/* Wall time as the texts of a message: local to China (UTC+8, no summer time). */
#pragma once

#include <stdint.h>

struct wall_text {
    char sent_at[11];   /* MMDDhhmmss, field 7 */
    char local_time[7]; /* hhmmss, field 12 */
    char local_date[5]; /* MMDD, field 13 */
};

/* Times before 1970 are shown as its first second. */
void wall_text_set(struct wall_text *text, int64_t wall_us);
