/* The section `cases` of anomalies.yaml: by which hours people work, how long what may take.
 *
 *     cases:
 *       weekdays: [monday, tuesday, wednesday, thursday, friday]
 *       hours: 09:00-18:00       # 00:00-24:00: day and night
 *       utc_offset_hours: 8
 *       holidays: [2026-10-01, 2026-10-02]
 *       make_up_days: [2026-10-10]     # worked although the week says no; they win over holidays
 *       P1: {answer: 30m, remote: 2h, site_city: 2h, site_county: 2wd, site_far: 3wd, swap: 1wd}
 *       escalation_percent: [50, 80, 100]
 *       reopen_days: 7
 *       quiet_days: 7
 *       hold_work_days: 3
 *       report_work_days: 3
 *       score_reopens_max: 2
 *
 * A term is minutes or hours (30m, 2h), of working time (240wm, 4wh), or working days (1wd; 0wd:
 * the same day). What is not said stays as case_rules_default() has it.
 */
#pragma once

#include <stdbool.h>

#include "protocols/base/document.h"
#include "switch/aftersales/service_case.h"

/* Reads `document` over the fallbacks. False: faults are reported in the document, each with its
 * place and what was expected, and `rules` is as it was. Without the section: the fallbacks. */
bool case_rules_read(struct case_rules *rules, struct document *document);
