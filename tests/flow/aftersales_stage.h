/* The stage on which stories of after-sales are told: a desk with few cases, a registry in
 * Shanghai, and a clock that moves only when told. What is done goes through case_merge and
 * service_case as at the real desk; nothing moves a case but an event.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "switch/aftersales/case_merge.h"
#include "switch/aftersales/cause.h"
#include "switch/aftersales/serve.h"
#include "switch/aftersales/service_case.h"
#include "switch/aftersales/warranty.h"

#define DESK_CASE_COUNT_MAX 32
#define DESK_FLAG_COUNT_MAX 64
#define DESK_MINUTE_US INT64_C(60000000)
#define DESK_HOUR_US (60 * DESK_MINUTE_US)
#define DESK_DAY_US (24 * DESK_HOUR_US)
#define DESK_TERMINAL "10000001"
#define DESK_SERIAL "PAX-0001"
#define DESK_MERCHANT "898310000000001"

struct desk {
    struct case_rules rules;
    int64_t now_us;
    uint64_t position; /* of the log */
    uint32_t case_count, flag_count;
    struct service_case cases[DESK_CASE_COUNT_MAX];
    struct case_brief briefs[DESK_CASE_COUNT_MAX];
    struct flag flags[DESK_FLAG_COUNT_MAX];
    struct merge_answer merged;
    struct case_effects effects;
    struct terminal_registration terminal;
    struct merchant_registration merchant;
    struct service_point points[4];
    struct service_channel channels[3];
};

/* Monday 2026-09-28 at 10:00 in China; National Day is off from 1 to 7 October. */
void desk_open(struct desk *desk);
int32_t desk_today(const struct desk *desk);
/* A day by its date. */
int32_t desk_day(const char *date);

/* A flag of the terminal is raised and merged; the case it belongs to, NULL: none. */
struct service_case *desk_flag(struct desk *desk, enum signal_code signal);
/* The same for a flag that was made ready; its position and time are the desk's. */
struct service_case *desk_raise(struct desk *desk, struct flag flag);
struct flag desk_flag_of(const struct desk *desk, enum signal_code signal);
/* A case that people open. */
struct service_case *desk_call(struct desk *desk, enum case_kind kind, const char *reason);

/* An event with a reason, made ready to be filled in. */
struct case_event desk_event(const struct desk *desk, enum case_event_kind kind,
                             enum case_role role);
/* The event happens a minute later; expects that it is permitted. */
void desk_tell(struct desk *desk, struct service_case *it, struct case_event event);
void desk_do(struct desk *desk, struct service_case *it, enum case_event_kind kind,
             enum case_role role);
/* Expects a refusal with these words. */
void desk_refuse(struct desk *desk, struct service_case *it, struct case_event event,
                 const char *words);
void desk_try(struct desk *desk, struct service_case *it, uint8_t step,
              enum case_step_result result);
void desk_close(struct desk *desk, struct service_case *it, enum case_role role,
                enum case_outcome outcome);
/* Time passes; what is due is told to every open case. Answers how many effects came. */
uint32_t desk_wait(struct desk *desk, int64_t us);
/* Whether the last event had this effect. */
bool desk_followed(const struct desk *desk, enum case_effect_kind kind);
/* A question about where this terminal is served now. */
struct serve_question desk_place(const struct desk *desk, enum part_class part);
