/* The numbers that the watcher judges by, and those by which cases live, from the file that
 * `aftersales.rules` names; no file: those that Tillway comes with. */
#pragma once

#include <stdbool.h>

#include "protocols/base/bytes.h"
#include "switch/aftersales/service_case.h"
#include "switch/aftersales/watch_rules.h"

/* `path` empty: none is named. The version is made from what the file says, 0 without one: the same
 * text is the same version, on any machine. False: each fault is a line of `faults`, with file,
 * line and what was expected, and `rules` are those without a file. */
MUST_CHECK bool anomaly_load(struct watch_rules *rules, const char *path,
                             struct byte_writer *faults);

/* Hours, terms and days of the section `cases`, and what each signal asks for. False: as above,
 * also for faults of the signals; `rules` are those without a file. */
MUST_CHECK bool case_rules_load(struct case_rules *rules, const char *path,
                                struct byte_writer *faults);
