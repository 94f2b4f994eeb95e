/* Wall time as the texts of a message: local to China (UTC+8, no summer time). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct wall_text {
    char sent_at[11];   /* MMDDhhmmss, field 7 */
    char local_time[7]; /* hhmmss, field 12 */
    char local_date[5]; /* MMDD, field 13 */
    uint32_t day;       /* YYYYMMDD */
};

/* Times before 1970 are shown as its first second. */
void wall_text_set(struct wall_text *text, int64_t wall_us);
/* The day before a day, both YYYYMMDD; of what is no day after 19700101 the number before, so that
 * a log that somebody made ends nothing. */
uint32_t wall_text_day_before(uint32_t day);
/* The year (YY) of a date MMDD that lies within half a year of now: in January, 1231 was last year.
 * Empty where the date is none. */
void wall_text_year(const struct wall_text *now, const char date[4], char year[3]);
/* How far somebody's clock is ahead of ours (behind: below zero), by the MMDDhhmmss that he sends;
 * the year is the one that brings the two nearest. False: no such time. */
bool wall_text_ahead(const char sent_at[11], int64_t wall_us, int64_t *seconds);
