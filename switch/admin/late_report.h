/* Answers of the switch that come after the caller was told that nobody knows: each is waited for
 * in a thread of its own, and a second line of the audit file says what came of the effect.
 *
 * Life:  late_report_create -> late_report_begin ... -> late_report_destroy
 */
#pragma once

#include <stdbool.h>

#include "switch/admin/gate.h"

#define LATE_REPORT_COUNT_MAX 2 /* at once: of the 8 connections that the switch allows */

struct late_report;

/* `gate` and the path of the log are borrowed. NULL: no memory. */
struct late_report *late_report_create(struct gate *gate, const char *log);
/* Ends what still waits; each writes that nobody will know. */
void late_report_destroy(struct late_report *report);
/* Takes over `descriptor`, the connection that the answer may come on. Any thread. False: too many
 * wait already; the audit file keeps saying that the outcome is unknown. */
bool late_report_begin(struct late_report *report, const struct gate_request *request,
                       const struct token_holder *holder, int descriptor);
