/* See case_body.h. Members are columns of the event and of the case, so that a body takes what the
 * file can keep, and says the same where it cannot. */
#include "switch/admin/case_body.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/admin/cell_json.h"
#include "switch/admin/txn_query.h"
#include "switch/aftersales/case_merge.h"
#include "switch/aftersales/cause.h"
#include "switch/desk/case_row.h"

#define MEMBER_COUNT_MAX 4

static const char *const MEMBERS[CASE_EVENT_COUNT][MEMBER_COUNT_MAX] = {
    [CASE_EVENT_FIRST_STEP] = {"step", "result"},
    [CASE_EVENT_JOIN] = {"flag"},
    [CASE_EVENT_TRIAGE] = {"fault", "service_class"},
    [CASE_EVENT_DISPATCH] = {"place", "engineer", "point_id"},
    [CASE_EVENT_ARRIVE] = {"photos"},
    [CASE_EVENT_FIX] = {"parts", "photos"},
    [CASE_EVENT_SWAP] = {"serial", "parts", "photos"},
    [CASE_EVENT_ESCALATE] = {"parts", "photos"},
    [CASE_EVENT_QUOTE] = {"cost_minor"},
    [CASE_EVENT_CLOSE] = {"outcome", "closing_code"},
    [CASE_EVENT_SCORE] = {"score"},
};

static const char *const OPEN_MEMBERS[] = {"kind",     "source", "terminal_id", "merchant_id",
                                           "severity", "fault",  NULL};

/* How urgent it is and by which way it came, who follows it up says, not who asks for help. */
static const char *const MERCHANT_MEMBERS[] = {"kind", "terminal_id", "merchant_id", "fault", NULL};

bool case_body_is_peoples(enum case_event_kind kind)
{
    return kind != CASE_EVENT_OPEN && kind != CASE_EVENT_OBSERVED && kind != CASE_EVENT_TIME &&
           kind != CASE_EVENT_HOLD_EXPIRED;
}

const char *case_body_member(enum case_event_kind kind, uint32_t index)
{
    REQUIRE((unsigned)kind < CASE_EVENT_COUNT);
    return index < MEMBER_COUNT_MAX ? MEMBERS[kind][index] : NULL;
}

static bool refuse(char *reason, const char *sentence)
{
    snprintf(reason, CASE_BODY_REASON_SIZE, "%s", sentence);
    return false;
}

/* What is not known is named with what is. */
static bool refuse_member(char *reason, const char *name, const char *const *known)
{
    int used = snprintf(reason, CASE_BODY_REASON_SIZE,
                        "member \"%.40s\": not known here; expected reason, as", name);
    for (; *known != NULL && used > 0 && used < CASE_BODY_REASON_SIZE; known++) {
        used += snprintf(reason + used, (size_t)(CASE_BODY_REASON_SIZE - used), ", %s", *known);
    }
    return false;
}

static bool has_member(const char *const *known, const char *name)
{
    for (; *known != NULL; known++) {
        if (strcmp(*known, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool take_role(struct case_event *event, const json_t *value, const struct scope *scope,
                      char *reason)
{
    const char *name = json_string_value(value);
    enum case_role role = name == NULL ? CASE_ROLE_COUNT : case_role_from_name(name);
    if (role == CASE_ROLE_COUNT || !scope_may_act(scope, role)) {
        snprintf(reason, CASE_BODY_REASON_SIZE,
                 "member \"as\": expected as what this token may act (%s, in capitals), got "
                 "\"%.40s\"",
                 scope_roles_text(scope), name == NULL ? "" : name);
        return false;
    }
    event->role = role;
    return true;
}

/* A member that is a column of the table. */
static bool take_cell(const struct cell_table *table, const char *name, const json_t *value,
                      void *row, char *reason)
{
    char fault[CELL_FAULT_SIZE];
    const struct cell_column *column = cell_json_column(table, name);
    REQUIRE(column != NULL);
    return cell_json_take(column, value, row, fault) || refuse(reason, fault);
}

static bool take_flag(uint64_t *flag_id, const json_t *value, char *reason)
{
    if (!json_is_integer(value) || json_integer_value(value) < 1) {
        return refuse(reason, "member \"flag\": expected the number of a flag");
    }
    *flag_id = (uint64_t)json_integer_value(value);
    return true;
}

/* ---- parts and photos ---- */

static bool take_part_members(struct case_part *part, const json_t *value, char *reason)
{
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        if (cell_json_column(&CASE_ROW_PART, name) == NULL) {
            snprintf(reason, CASE_BODY_REASON_SIZE,
                     "member \"parts\": \"%.40s\" is not known of a part; expected part, quantity, "
                     "serial_before, serial_after, cost_minor, paid_by",
                     name);
            return false;
        }
        if (!take_cell(&CASE_ROW_PART, name, member, part, reason)) {
            return false;
        }
    }
    return true;
}

static bool take_part(struct case_part *part, const json_t *value, char *reason)
{
    char fault[CELL_FAULT_SIZE];
    *part = (struct case_part){.quantity = 1};
    if (json_object_get(value, "part") == NULL || json_object_get(value, "paid_by") == NULL) {
        return refuse(reason, "member \"parts\": expected of each which part it is and who paid: "
                              "{\"part\": \"printer\", \"paid_by\": \"warranty\"}");
    }
    if (!take_part_members(part, value, reason)) {
        return false;
    }
    return cell_check(&CASE_ROW_PART, part, fault) || refuse(reason, fault);
}

static bool take_parts(struct case_event *event, const json_t *value, char *reason)
{
    if (!json_is_array(value) || json_array_size(value) > CASE_PART_COUNT_MAX) {
        return refuse(reason, "member \"parts\": expected a list of at most 6 parts");
    }
    event->part_count = 0;
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!take_part(&event->parts[event->part_count], json_array_get(value, i), reason)) {
            return false;
        }
        event->part_count++;
    }
    return true;
}

static bool take_photos(struct case_event *event, const json_t *value, char *reason)
{
    if (!json_is_array(value) || json_array_size(value) > CASE_PHOTO_COUNT_MAX) {
        return refuse(reason, "member \"photos\": expected a list of at most 4 SHA-256");
    }
    event->photo_count = 0;
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!take_cell(&CASE_ROW_PHOTO, "sha256", json_array_get(value, i),
                       &event->photos[event->photo_count], reason)) {
            return false;
        }
        event->photo_count++;
    }
    return true;
}

/* What an event says where its body does not. */
static bool check_needs(const struct case_body *body, char *reason)
{
    if (body->event.kind == CASE_EVENT_JOIN && body->flag_id == 0) {
        return refuse(reason, "member \"flag\": expected the number of the flag that joins");
    }
    if (body->event.kind == CASE_EVENT_TRIAGE && body->event.fault[0] != '\0' &&
        fault_from_code(body->event.fault) == FAULT_COUNT) {
        return refuse(reason, "member \"fault\": expected a code of a fault, N1 to X4, or none");
    }
    return true;
}

bool case_body_event(struct case_body *body, enum case_event_kind kind, const json_t *json,
                     const struct scope *scope, char reason[CASE_BODY_REASON_SIZE])
{
    struct case_entry entry = {0};
    const char *known[MEMBER_COUNT_MAX + 1] = {NULL};
    const char *name;
    json_t *value;
    REQUIRE(case_body_is_peoples(kind));
    memcpy(known, MEMBERS[kind], sizeof(MEMBERS[kind]));
    *body = (struct case_body){.flag_id = 0};
    entry.event = (struct case_event){.kind = kind, .role = scope_own_role(scope)};
    if (json != NULL && !json_is_object(json)) {
        return refuse(reason, "expected a JSON object as the body");
    }
    json_object_foreach((json_t *)(uintptr_t)json, name, value)
    {
        bool is_good;
        if (strcmp(name, "as") == 0) {
            is_good = take_role(&entry.event, value, scope, reason);
        } else if (strcmp(name, "flag") == 0 && kind == CASE_EVENT_JOIN) {
            is_good = take_flag(&body->flag_id, value, reason);
        } else if (strcmp(name, "parts") == 0 && has_member(known, name)) {
            is_good = take_parts(&entry.event, value, reason);
        } else if (strcmp(name, "photos") == 0 && has_member(known, name)) {
            is_good = take_photos(&entry.event, value, reason);
        } else if (strcmp(name, "reason") == 0 || has_member(known, name)) {
            is_good = take_cell(&CASE_ROW_ENTRY, name, value, &entry, reason);
        } else {
            is_good = refuse_member(reason, name, known);
        }
        if (!is_good) {
            return false;
        }
    }
    body->event = entry.event;
    return check_needs(body, reason);
}

/* ---- opening ---- */

static bool take_rrns(struct case_opening *opening, const json_t *value, char *reason)
{
    if (!json_is_array(value) || json_array_size(value) > CASE_BODY_RRN_COUNT_MAX) {
        return refuse(reason, "member \"rrns\": expected a list of at most 16 reference numbers");
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *rrn = json_string_value(json_array_get(value, i));
        if (rrn == NULL || !txn_query_is_rrn(rrn)) {
            return refuse(reason, "member \"rrns\": expected reference numbers (RRN) of 12 letters "
                                  "and digits each");
        }
        snprintf(opening->rrns[opening->rrn_count++], sizeof(opening->rrns[0]), "%s", rrn);
    }
    return true;
}

/* A case is told from others by its fault. Who may be the one that is looked into makes none by the
 * name of that. */
static bool names_what_is_investigated(const struct case_opening *opening)
{
    enum case_role role = opening->event.role;
    return (role == CASE_ROLE_MERCHANT || role == CASE_ROLE_AGENT) &&
           fault_is_investigated(fault_from_code(opening->fault));
}

static bool take_opening(struct case_opening *opening, const struct service_case *it, char *reason)
{
    opening->kind = it->kind;
    opening->source = it->source;
    opening->severity = it->severity;
    memcpy(opening->terminal_id, it->terminal_id, sizeof(opening->terminal_id));
    memcpy(opening->merchant_id, it->merchant_id, sizeof(opening->merchant_id));
    memcpy(opening->fault, it->fault, sizeof(opening->fault));
    size_t length = strlen(it->terminal_id);
    if (length == 0 && it->merchant_id[0] == '\0') {
        return refuse(reason, "expected terminal_id or merchant_id: whose case it is");
    }
    if (length != 0 && length != 8) {
        return refuse(reason, "member \"terminal_id\": expected 8 characters");
    }
    if (it->fault[0] != '\0' && fault_from_code(it->fault) == FAULT_COUNT) {
        return refuse(reason, "member \"fault\": expected a code of a fault, N1 to X4, or none");
    }
    if (names_what_is_investigated(opening)) {
        return refuse(reason,
                      "member \"fault\": expected a code of what is wrong with a terminal or "
                      "a fee, N1 to F2: merchants and agents name no X fault");
    }
    if (it->source == CASE_SOURCE_RULE || it->source == CASE_SOURCE_INSPECTION) {
        return refuse(reason, "member \"source\": expected HOTLINE, ONLINE, SALES_AGENT or BANK: "
                              "the others are the switch's");
    }
    if (it->kind == CASE_FEE && opening->rrn_count == 0) {
        return refuse(reason,
                      "member \"rrns\": expected the payments whose fee is in dispute, by RRN");
    }
    return true;
}

bool case_body_open(struct case_opening *opening, const json_t *json, const struct scope *scope,
                    char reason[CASE_BODY_REASON_SIZE])
{
    bool is_merchants_own = scope->position == SCOPE_POSITION_MERCHANT;
    const char *const *members = is_merchants_own ? MERCHANT_MEMBERS : OPEN_MEMBERS;
    struct service_case it = {.kind = CASE_SERVICE,
                              .source = is_merchants_own ? CASE_SOURCE_ONLINE : CASE_SOURCE_HOTLINE,
                              .severity = 2};
    struct case_entry entry = {.event = {.kind = CASE_EVENT_OPEN, .role = scope_own_role(scope)}};
    const char *name;
    json_t *value;
    *opening = (struct case_opening){.rrn_count = 0};
    if (!json_is_object(json) || json_object_get(json, "kind") == NULL) {
        return refuse(reason, "expected a JSON object with kind, and terminal_id or merchant_id");
    }
    json_object_foreach((json_t *)(uintptr_t)json, name, value)
    {
        bool is_good;
        if (strcmp(name, "as") == 0) {
            is_good = take_role(&entry.event, value, scope, reason);
        } else if (strcmp(name, "rrns") == 0) {
            is_good = take_rrns(opening, value, reason);
        } else if (strcmp(name, "reason") == 0) {
            is_good = take_cell(&CASE_ROW_ENTRY, name, value, &entry, reason);
        } else if (has_member(members, name)) {
            is_good = take_cell(&CASE_ROW_CASE, name, value, &it, reason);
        } else {
            is_good = refuse_member(reason, name, members);
        }
        if (!is_good) {
            return false;
        }
    }
    opening->event = entry.event;
    return take_opening(opening, &it, reason);
}
