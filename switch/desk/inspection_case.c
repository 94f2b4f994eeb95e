/* See inspection_case.h. */
#include "switch/desk/inspection_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "routing/civil_date.h"
#include "switch/desk/case_book.h"
#include "switch/desk/desk_state.h"
#include "switch/desk/inspection_book.h"
#include "switch/desk/registry.h"

static void fill(const struct inspection *inspection, const struct inspection_result *result,
                 const struct terminal_registration *terminal, struct service_case *it)
{
    bool is_of_terminal = result->kind == CASE_FAULT && inspection->terminal_id[0] != '\0';
    it->kind = result->kind;
    it->source = CASE_SOURCE_INSPECTION;
    it->subject = is_of_terminal ? FLAG_OF_TERMINAL : FLAG_OF_MERCHANT;
    snprintf(it->subject_id, sizeof(it->subject_id), "%s",
             is_of_terminal ? inspection->terminal_id : inspection->merchant_id);
    snprintf(it->cause, sizeof(it->cause), "%s", INSPECTION_CASE_CAUSE);
    memcpy(it->merchant_id, inspection->merchant_id, sizeof(it->merchant_id));
    memcpy(it->terminal_id, inspection->terminal_id, sizeof(it->terminal_id));
    memcpy(it->serial, terminal->serial, sizeof(it->serial));
    memcpy(it->brand, terminal->brand, sizeof(it->brand));
    memcpy(it->model, terminal->model, sizeof(it->model));
    memcpy(it->firmware, terminal->firmware, sizeof(it->firmware));
    it->obtained = terminal->obtained;
    it->severity = result->severity;
    /* A shop that cannot be paid at has lost a part; of risk nothing is lost yet. */
    it->service_class = result->kind == CASE_FAULT ? SERVICE_P2 : SERVICE_P3;
}

static enum status open_new(struct desk *desk, enum case_role role, const char *reason,
                            const struct desk_actor *by, struct service_case *it)
{
    struct case_effects effects;
    struct case_event event = {.kind = CASE_EVENT_OPEN, .role = role, .wall_us = by->wall_us};
    memcpy(event.actor, by->actor, sizeof(event.actor));
    snprintf(event.reason, sizeof(event.reason), "%s", reason);
    return case_book_open(desk, it, &event, desk_case_rules(desk), &effects);
}

static enum status open_once(struct desk *desk, const struct inspection_result *result,
                             const struct desk_actor *by, struct service_case *it, bool *is_new)
{
    int64_t found = 0;
    const struct desk_value values[] = {DESK_TEXT(it->subject_id), DESK_TEXT(it->cause),
                                        DESK_TEXT(case_kind_name(it->kind))};
    enum status status =
        desk_number(desk,
                    "SELECT id FROM service_case WHERE subject_id = ? AND cause = ?"
                    " AND kind = ? AND state <> 'CLOSED' ORDER BY id LIMIT 1",
                    values, DESK_COUNT_OF(values), &found);
    *is_new = status == STATUS_NOT_FOUND;
    it->id = (uint64_t)found;
    return *is_new ? open_new(desk, CASE_ROLE_STAFF, result->reason, by, it) : status;
}

enum status inspection_case_open(struct desk *desk, const struct inspection *inspection,
                                 const struct inspection_result *result,
                                 const struct desk_actor *by, uint64_t *case_id, bool *is_new)
{
    struct service_case it = {0};
    struct terminal_registration terminal = {0};
    enum status status = STATUS_OK;
    REQUIRE(result->needs_case && by->actor[0] != '\0');
    memcpy(terminal.terminal_id, inspection->terminal_id, sizeof(terminal.terminal_id));
    if (inspection->terminal_id[0] != '\0') {
        status = registry_find(desk, REGISTRY_TERMINAL, &terminal);
    }
    if (status != STATUS_OK) {
        return status;
    }
    fill(inspection, result, &terminal, &it);
    status = desk_begin(desk);
    if (status == STATUS_OK) {
        status = desk_end(desk, open_once(desk, result, by, &it, is_new));
    }
    *case_id = it.id;
    return status;
}

/* --- visits that are due -------------------------------------------------------------------- */

#define CHINA_US (INT64_C(8) * 3600 * 1000000)

struct visit {
    char merchant_id[16];
    uint8_t risk_level;
    struct inspection_due due;
};
struct visits {
    struct visit *items; /* owner */
    uint32_t count, room;
    bool has_no_memory;
};

static void on_due(void *argument, const struct merchant_registration *merchant,
                   const struct inspection_due *due)
{
    struct visits *visits = argument;
    if (visits->count == visits->room) {
        uint32_t room = visits->room == 0 ? 64 : visits->room * 2;
        struct visit *items = realloc(visits->items, room * sizeof(*items));
        if (items == NULL) {
            visits->has_no_memory = true;
            return;
        }
        visits->items = items;
        visits->room = room;
    }
    struct visit *visit = &visits->items[visits->count++];
    memcpy(visit->merchant_id, merchant->merchant_id, sizeof(visit->merchant_id));
    visit->risk_level = merchant->risk_level;
    visit->due = *due;
}

static int visit_order(const void *one, const void *other)
{
    const struct visit *a = one;
    const struct visit *b = other;
    if (a->risk_level != b->risk_level) {
        return a->risk_level > b->risk_level ? -1 : 1;
    }
    if (a->due.due_day != b->due.due_day) {
        return a->due.due_day < b->due.due_day ? -1 : 1;
    }
    return strcmp(a->merchant_id, b->merchant_id);
}

static enum status open_visit(struct desk *desk, const struct visit *visit,
                              const struct desk_actor *by)
{
    struct service_case it = {.kind = CASE_SERVICE,
                              .source = CASE_SOURCE_INSPECTION,
                              .subject = FLAG_OF_MERCHANT,
                              .severity = visit->due.is_overdue ? 2 : 1,
                              .service_class = SERVICE_P3};
    struct civil_date due = civil_date_of(visit->due.due_day);
    char reason[CASE_REASON_SIZE];
    snprintf(it.subject_id, sizeof(it.subject_id), "%s", visit->merchant_id);
    snprintf(it.cause, sizeof(it.cause), "%s", INSPECTION_VISIT_CAUSE);
    memcpy(it.merchant_id, visit->merchant_id, sizeof(it.merchant_id));
    /* No word of why so soon: the merchant's agent reads this, and the risk level is not his. */
    snprintf(reason, sizeof(reason), "an inspection is due by %04d-%02u-%02u",
             (int)due.year % 10000, due.month % 100, due.day % 100);
    return open_new(desk, CASE_ROLE_SWITCH, reason, by, &it);
}

/* DUPLICATE: one is open, or was opened since the inspection came near. */
static enum status visit_once(struct desk *desk, const struct inspection_rules *rules,
                              const struct visit *visit, const struct desk_actor *by)
{
    int64_t found = 0;
    int64_t near_us = ((int64_t)visit->due.due_day - rules->ahead_days) * CIVIL_DAY_US - CHINA_US;
    const struct desk_value values[] = {DESK_TEXT(visit->merchant_id),
                                        DESK_TEXT(INSPECTION_VISIT_CAUSE), DESK_NUMBER(near_us)};
    enum status status =
        desk_number(desk,
                    "SELECT id FROM service_case WHERE subject_id = ? AND cause = ?"
                    " AND (state <> 'CLOSED' OR opened_us >= ?) LIMIT 1",
                    values, DESK_COUNT_OF(values), &found);
    if (status != STATUS_NOT_FOUND) {
        return status == STATUS_OK ? STATUS_DUPLICATE : status;
    }
    return open_visit(desk, visit, by);
}

struct visit_count {
    uint32_t made, max;
};

static enum status open_visits(struct desk *desk, const struct inspection_rules *rules,
                               const struct visits *visits, const struct desk_actor *by,
                               struct visit_count *count)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < visits->count && count->made < count->max;
         i++) {
        enum status made = desk_begin(desk);
        if (made != STATUS_OK) {
            return made;
        }
        made = visit_once(desk, rules, &visits->items[i], by);
        count->made += made == STATUS_OK;
        status = desk_end(desk, made == STATUS_DUPLICATE ? STATUS_OK : made);
    }
    return status;
}

enum status inspection_case_visits(struct desk *desk, const struct inspection_rules *rules,
                                   int32_t today, const struct desk_actor *by, uint32_t count_max,
                                   uint32_t *count)
{
    struct visits visits = {0};
    struct visit_count made = {.max = count_max};
    const struct inspection_sink sink = {on_due, &visits};
    REQUIRE(by->actor[0] != '\0');
    enum status status = inspection_book_due(desk, rules, today, &sink);
    if (status == STATUS_OK && visits.has_no_memory) {
        status = desk_fault(desk, STATUS_NO_MEMORY, "no memory for so many merchants");
    }
    if (status == STATUS_OK && visits.count > 0) {
        qsort(visits.items, visits.count, sizeof(visits.items[0]), visit_order);
        status = open_visits(desk, rules, &visits, by, &made);
    }
    free(visits.items);
    *count = made.made;
    return status;
}
