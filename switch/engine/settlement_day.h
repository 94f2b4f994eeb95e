/* Settlement days as numbers, YYYYMMDD. A message tells month and day only (field 15); the year is
 * the one that brings it nearest to the wall date. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* `date` is MMDD; 0 when it is none. `wall_day` is today in China. */
uint32_t settlement_day_near(const char date[5], uint32_t wall_day);

/* Whether a day is within about a month of today: longer than any holidays. A channel's day never
 * goes back, so one far ahead that a bank told by mistake would stay, and nothing that was approved
 * before it could be reversed. */
bool settlement_day_is_near(uint32_t day, uint32_t wall_day);
