/* See aftersales_stage.h. */
#include "tests/flow/aftersales_stage.h"

#include <stdio.h>
#include <string.h>

#include "routing/civil_date.h"

int32_t desk_day(const char *date)
{
    int64_t days = 0;
    assert_true(civil_date_parse(&days, date));
    return (int32_t)days;
}

int32_t desk_today(const struct desk *desk)
{
    return work_calendar_day(&desk->rules.calendar, desk->now_us);
}

static struct service_point point_of(const char *id, int32_t north)
{
    struct service_point point = {.brands = {"PAX"},
                                  .repairs = UINT32_MAX,
                                  .area_code = 310115,
                                  .latitude_e3 = 31230 + north,
                                  .longitude_e3 = 121470,
                                  .opens_minute = 540,
                                  .closes_minute = 1080,
                                  .weekdays = CALENDAR_MONDAY_TO_FRIDAY,
                                  .is_open = true};
    snprintf(point.point_id, sizeof(point.point_id), "%s", id);
    return point;
}

static void set_registry(struct desk *desk)
{
    desk->terminal = (struct terminal_registration){.terminal_id = DESK_TERMINAL,
                                                    .serial = DESK_SERIAL,
                                                    .brand = "PAX",
                                                    .model = "A920",
                                                    .obtained = OBTAINED_AGENT,
                                                    .obtained_from = "A17",
                                                    .sold_day = desk_day("2025-09-28"),
                                                    .state = TERMINAL_STATE_ACTIVE};
    desk->terminal.binding = (struct terminal_binding){.merchant_id = DESK_MERCHANT,
                                                       .has_place = true,
                                                       .latitude_e3 = 31230,
                                                       .longitude_e3 = 121470,
                                                       .area_code = 310115};
    desk->merchant = (struct merchant_registration){.merchant_id = DESK_MERCHANT,
                                                    .mcc = "5812",
                                                    .state = MERCHANT_STATE_ACTIVE,
                                                    .licence_to_day = desk_day("2027-01-01"),
                                                    .plan = "SP1",
                                                    .risk_level = 1,
                                                    .contract_from_day = desk_day("2025-09-01")};
    desk->points[0] = point_of("pudong", 10);
    desk->points[1] = point_of("minhang", 90);
    desk->points[2] = point_of("baoshan", -150);
    desk->points[3] = point_of("suzhou", 700);
    desk->channels[0] = (struct service_channel){
        .channel_id = "pax", .kind = CHANNEL_KIND_OFFICIAL, .brand = "PAX", .weekdays = 0x7F};
    desk->channels[1] = (struct service_channel){.channel_id = "shop",
                                                 .kind = CHANNEL_KIND_SHOP,
                                                 .source = OBTAINED_AGENT,
                                                 .party = "A17",
                                                 .weekdays = 0x7F};
    desk->channels[2] = (struct service_channel){.channel_id = "bank",
                                                 .kind = CHANNEL_KIND_HOTLINE,
                                                 .source = OBTAINED_BANK_COUNTER,
                                                 .weekdays = 0x7F};
}

void desk_open(struct desk *desk)
{
    memset(desk, 0, sizeof(*desk));
    case_rules_default(&desk->rules);
    for (int i = 0; i < 7; i++) {
        desk->rules.calendar.holidays[desk->rules.calendar.holiday_count++] =
            desk_day("2026-10-01") + i;
    }
    desk->now_us = desk_day("2026-09-28") * DESK_DAY_US + 2 * DESK_HOUR_US;
    desk->position = 1000;
    set_registry(desk);
}

struct case_event desk_event(const struct desk *desk, enum case_event_kind kind,
                             enum case_role role)
{
    struct case_event event = {.kind = kind, .role = role, .terminal_id = DESK_TERMINAL};
    (void)desk;
    snprintf(event.actor, sizeof(event.actor), "%s 1", case_role_name(role));
    snprintf(event.reason, sizeof(event.reason), "%s", case_event_text(kind));
    return event;
}

static void note_state(struct desk *desk, const struct service_case *it)
{
    struct case_brief *brief = &desk->briefs[it - desk->cases];
    brief->is_open = service_case_is_open(it);
    brief->closed_us = it->closed_us;
}

void desk_tell(struct desk *desk, struct service_case *it, struct case_event event)
{
    desk->now_us += DESK_MINUTE_US;
    event.wall_us = desk->now_us;
    service_case_step(it, &event, &desk->rules, &desk->effects);
    if (!desk->effects.is_permitted) {
        fail_msg("%s: %s", case_event_name(event.kind), desk->effects.refusal);
    }
    note_state(desk, it);
}

void desk_do(struct desk *desk, struct service_case *it, enum case_event_kind kind,
             enum case_role role)
{
    desk_tell(desk, it, desk_event(desk, kind, role));
}

void desk_refuse(struct desk *desk, struct service_case *it, struct case_event event,
                 const char *words)
{
    struct service_case before = *it;
    event.wall_us = desk->now_us;
    service_case_step(it, &event, &desk->rules, &desk->effects);
    assert_false(desk->effects.is_permitted);
    assert_memory_equal(&before, it, sizeof(before));
    if (strstr(desk->effects.refusal, words) == NULL) {
        fail_msg("\"%s\" is not in: %s", words, desk->effects.refusal);
    }
}

void desk_try(struct desk *desk, struct service_case *it, uint8_t step,
              enum case_step_result result)
{
    struct case_event event = desk_event(desk, CASE_EVENT_FIRST_STEP, CASE_ROLE_STAFF);
    event.step = step;
    event.result = result;
    desk_tell(desk, it, event);
}

void desk_close(struct desk *desk, struct service_case *it, enum case_role role,
                enum case_outcome outcome)
{
    struct case_event event = desk_event(desk, CASE_EVENT_CLOSE, role);
    event.outcome = outcome;
    desk_tell(desk, it, event);
}

static struct service_case *new_case(struct desk *desk, const struct service_case *first)
{
    assert_true(desk->case_count < DESK_CASE_COUNT_MAX);
    struct service_case *it = &desk->cases[desk->case_count];
    struct case_brief *brief = &desk->briefs[desk->case_count++];
    *it = *first;
    it->id = desk->case_count;
    *brief = (struct case_brief){.id = it->id, .kind = it->kind, .subject = it->subject};
    memcpy(brief->subject_id, it->subject_id, sizeof(brief->subject_id));
    memcpy(brief->cause, it->cause, sizeof(brief->cause));
    memcpy(brief->terminal_id, it->terminal_id, sizeof(brief->terminal_id));
    return it;
}

struct flag desk_flag_of(const struct desk *desk, enum signal_code signal)
{
    struct flag flag = {.signal = signal,
                        .subject = signal_subject(signal),
                        .terminal_id = DESK_TERMINAL,
                        .merchant_id = DESK_MERCHANT,
                        .serial = DESK_SERIAL,
                        .severity = signal_severity(signal),
                        .value = 9,
                        .threshold = 3};
    (void)desk;
    snprintf(flag.subject_id, sizeof(flag.subject_id), "%s",
             flag.subject == FLAG_OF_MERCHANT ? DESK_MERCHANT : DESK_TERMINAL);
    return flag;
}

static struct service_case *open_by(struct desk *desk, const struct flag *flag)
{
    struct service_case first = {.kind = desk->merged.kind,
                                 .source = CASE_SOURCE_RULE,
                                 .subject = flag->subject,
                                 .severity = flag->severity,
                                 .is_makers = desk->merged.is_makers,
                                 .service_class = case_service_class(flag->severity),
                                 .obtained = desk->terminal.obtained};
    memcpy(first.subject_id, flag->subject_id, sizeof(first.subject_id));
    memcpy(first.cause, desk->merged.cause, sizeof(first.cause));
    memcpy(first.terminal_id, flag->terminal_id, sizeof(first.terminal_id));
    memcpy(first.serial, flag->serial, sizeof(first.serial));
    memcpy(first.merchant_id, flag->merchant_id, sizeof(first.merchant_id));
    struct service_case *it = new_case(desk, &first);
    struct case_event event = desk_event(desk, CASE_EVENT_OPEN, CASE_ROLE_SWITCH);
    memcpy(event.reason, desk->merged.reason, sizeof(event.reason));
    desk_tell(desk, it, event);
    return it;
}

struct service_case *desk_raise(struct desk *desk, struct flag flag)
{
    assert_true(desk->flag_count < DESK_FLAG_COUNT_MAX);
    flag.position = flag.position != 0 ? flag.position : ++desk->position;
    flag.window_end_us = desk->now_us;
    desk->flags[desk->flag_count++] = flag;
    case_merge(&flag, desk->briefs, desk->case_count, &desk->rules, &desk->merged);
    struct service_case *it = NULL;
    if (desk->merged.verdict == MERGE_OPEN) {
        it = open_by(desk, &flag);
    } else if (desk->merged.verdict == MERGE_JOIN) {
        it = &desk->cases[desk->merged.case_id - 1];
        struct case_event event = desk_event(desk, CASE_EVENT_JOIN, CASE_ROLE_SWITCH);
        event.severity = flag.severity;
        desk_tell(desk, it, event);
    }
    if (it != NULL) {
        struct case_brief *brief = &desk->briefs[it - desk->cases];
        assert_true(brief->flag_count < CASE_BRIEF_FLAG_COUNT_MAX);
        brief->flags[brief->flag_count++] =
            (struct case_brief_flag){flag.signal, flag.severity, flag.position};
    }
    return it;
}

struct service_case *desk_flag(struct desk *desk, enum signal_code signal)
{
    return desk_raise(desk, desk_flag_of(desk, signal));
}

struct service_case *desk_call(struct desk *desk, enum case_kind kind, const char *reason)
{
    struct service_case first = {.kind = kind,
                                 .source = CASE_SOURCE_HOTLINE,
                                 .subject_id = DESK_MERCHANT,
                                 .subject = FLAG_OF_MERCHANT,
                                 .terminal_id = DESK_TERMINAL,
                                 .serial = DESK_SERIAL,
                                 .merchant_id = DESK_MERCHANT,
                                 .severity = 1,
                                 .service_class = SERVICE_P3,
                                 .obtained = desk->terminal.obtained};
    struct service_case *it = new_case(desk, &first);
    struct case_event event = desk_event(desk, CASE_EVENT_OPEN, CASE_ROLE_MERCHANT);
    snprintf(event.reason, sizeof(event.reason), "%s", reason);
    desk_tell(desk, it, event);
    return it;
}

uint32_t desk_wait(struct desk *desk, int64_t us)
{
    uint32_t effects = 0;
    desk->now_us += us;
    for (uint32_t i = 0; i < desk->case_count; i++) {
        if (service_case_is_open(&desk->cases[i])) {
            desk_do(desk, &desk->cases[i], CASE_EVENT_TIME, CASE_ROLE_SWITCH);
            effects += desk->effects.count;
        }
    }
    return effects;
}

bool desk_followed(const struct desk *desk, enum case_effect_kind kind)
{
    for (uint32_t i = 0; i < desk->effects.count; i++) {
        if (desk->effects.items[i].kind == kind) {
            return true;
        }
    }
    return false;
}

struct serve_question desk_place(const struct desk *desk, enum part_class part)
{
    struct serve_question question = {.obtained = desk->terminal.obtained,
                                      .area_code = desk->terminal.binding.area_code,
                                      .has_place = desk->terminal.binding.has_place,
                                      .latitude_e3 = desk->terminal.binding.latitude_e3,
                                      .longitude_e3 = desk->terminal.binding.longitude_e3,
                                      .part = part,
                                      .today = desk_today(desk)};
    memcpy(question.brand, desk->terminal.brand, sizeof(question.brand));
    memcpy(question.model, desk->terminal.model, sizeof(question.model));
    memcpy(question.obtained_from, desk->terminal.obtained_from, sizeof(question.obtained_from));
    int64_t local_us = desk->now_us + 8 * DESK_HOUR_US;
    question.minute = (int16_t)(local_us % DESK_DAY_US / DESK_MINUTE_US);
    return question;
}
