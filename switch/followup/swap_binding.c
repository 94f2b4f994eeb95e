/* See swap_binding.h. */
#include "switch/followup/swap_binding.h"

#include <stdio.h>
#include <string.h>

#include "switch/desk/registry.h"
#include "switch/followup/case_draft.h"

static enum status put(struct desk *desk, enum registry_kind kind, const void *row, int64_t wall_us)
{
    const struct desk_actor by = {CASE_DRAFT_ACTOR, wall_us};
    return registry_put(desk, kind, row, &by);
}

/* Ends the binding in force, if there is one, and begins the new one. */
static enum status change_binding(struct desk *desk, const struct service_case *it, int32_t today,
                                  int64_t wall_us)
{
    struct registry_binding row;
    enum status status = registry_binding_in_force(desk, it->terminal_id, &row);
    if (status == STATUS_NOT_FOUND ||
        (status == STATUS_OK && strcmp(row.serial, it->serial) == 0)) {
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        row.binding.valid_to_day = today;
        status = put(desk, REGISTRY_BINDING, &row, wall_us);
    }
    if (status != STATUS_OK) {
        return status;
    }
    snprintf(row.serial, sizeof(row.serial), "%s", it->serial);
    snprintf(row.binding.work_order, sizeof(row.binding.work_order), "case %u",
             (unsigned)(it->id % 1000000000));
    row.binding.valid_from_day = today;
    row.binding.valid_to_day = 0;
    row.binding.reported_at_us = 0;
    return put(desk, REGISTRY_BINDING, &row, wall_us);
}

/* A new device has no repairs, and another warranty, which somebody must look up. */
static enum status change_terminal(struct desk *desk, const struct service_case *it,
                                   int64_t wall_us)
{
    struct terminal_registration terminal = {0};
    snprintf(terminal.terminal_id, sizeof(terminal.terminal_id), "%s", it->terminal_id);
    enum status status = registry_find(desk, REGISTRY_TERMINAL, &terminal);
    if (status != STATUS_OK || strcmp(terminal.serial, it->serial) == 0) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    snprintf(terminal.serial, sizeof(terminal.serial), "%s", it->serial);
    terminal.repair_count = 0;
    return put(desk, REGISTRY_TERMINAL, &terminal, wall_us);
}

static enum status change_both(struct desk *desk, const struct service_case *it, int32_t today,
                               int64_t wall_us)
{
    enum status status = change_binding(desk, it, today, wall_us);
    return status == STATUS_OK ? change_terminal(desk, it, wall_us) : status;
}

enum status swap_binding_write(struct desk *desk, const struct service_case *it,
                               const struct case_rules *rules, int64_t wall_us)
{
    int32_t today = work_calendar_day(&rules->calendar, wall_us);
    enum status status = desk_begin(desk);
    return status == STATUS_OK ? desk_end(desk, change_both(desk, it, today, wall_us)) : status;
}
