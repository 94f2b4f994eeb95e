/* Whether an event may happen to a case: the part of service_case.c that says no. */
#pragma once

#include <stdbool.h>

#include "switch/aftersales/service_case.h"

/* True: it may. False: `refusal` says what was wrong and what would be permitted. */
bool case_may(const struct service_case *service_case, const struct case_event *event,
              const struct case_rules *rules, char refusal[320]);
/* True when the first steps of its kind are behind it: each has a result, or one has helped, or
 * severity 4 leaves no time. `missing`: the first without a result. */
bool case_steps_are_done(const struct service_case *service_case, uint8_t *missing);
