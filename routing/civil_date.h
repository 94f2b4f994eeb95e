/* Dates of rule files and tables: days of the Gregorian calendar. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CIVIL_DAY_US INT64_C(86400000000)

/* "2026-01-31", from 1970 to 2999, as days since 1970-01-01. False: no such day. */
bool civil_date_parse(int64_t *days, const char *text);

struct civil_date {
    int32_t year;
    uint32_t month, day; /* from 1 */
};
/* The date of a day since 1970-01-01, and back. REQUIREs a month of 1 to 12. */
struct civil_date civil_date_of(int32_t days);
int64_t civil_date_days(struct civil_date date);
/* 28 to 31. */
uint32_t civil_month_days(int32_t year, uint32_t month);
