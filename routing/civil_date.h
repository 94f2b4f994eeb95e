/* Dates of rule files and tables: days of the Gregorian calendar. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CIVIL_DAY_US INT64_C(86400000000)

/* "2026-01-31", from 1970 to 2999, as days since 1970-01-01. False: no such day. */
bool civil_date_parse(int64_t *days, const char *text);
