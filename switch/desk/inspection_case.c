/* See inspection_case.h. */
#include "switch/desk/inspection_case.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/desk/case_book.h"
#include "switch/desk/desk_state.h"
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

static enum status open_new(struct desk *desk, const struct inspection_result *result,
                            const struct desk_actor *by, struct service_case *it)
{
    struct case_effects effects;
    struct case_event event = {
        .kind = CASE_EVENT_OPEN, .role = CASE_ROLE_STAFF, .wall_us = by->wall_us};
    memcpy(event.actor, by->actor, sizeof(event.actor));
    snprintf(event.reason, sizeof(event.reason), "%s", result->reason);
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
    return *is_new ? open_new(desk, result, by, it) : status;
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
