/* anomalies.yaml: the numbers by which the watcher judges.
 *
 *     utc_offset_hours: 8
 *     holidays: [2026-05-01, 2026-05-02]   # a shop may be closed: silence then says nothing
 *     T5: {count_min: 3, window: 1h, severity: 2, follow_up: service, quiet: 7d}
 *     C4: {mode: watch}          # flags, no cases
 *     L3: {mode: off}
 *     cohort: {terminal_count_min: 20, times_percent: 300, level_ppm: 100}
 *
 *     cases: {reopen_days: 7}    # of case_read.h, passed over here
 *
 * A key is the code of a signal; what is not said stays as in signal.def and signal_number.def.
 */
#pragma once

#include <stdbool.h>

#include "protocols/base/document.h"
#include "switch/aftersales/watch_rules.h"

/* Reads `document` over the fallbacks; the version is the caller's to set. False: faults are
 * reported in the document, each with its place, what was expected and the nearest known word, and
 * `rules` is as it was. An empty document gives the fallbacks. */
bool watch_rules_read(struct watch_rules *rules, struct document *document);
