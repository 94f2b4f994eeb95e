/* The call that compares brands, models, agents and service points. */
#pragma once

#include "switch/admin/call.h"
#include "switch/desk/case_report.h"

void report_call_serve(const struct call *call, struct answer *answer);
/* A line as the API tells it: figures that have nothing to count are left out. */
json_t *report_call_json(const struct case_report_line *line);
