/* See case_view.h. */
#include "switch/admin/case_view.h"

#include <stdio.h>
#include <string.h>

#include "switch/admin/cell_json.h"
#include "switch/desk/registry.h"

#define KIND_BIT(kind) (1u << (kind))

#define EVENT_BIT(name) (UINT64_C(1) << CASE_EVENT_##name)

/* It sees its cases from the other side, whatever its token's role is. A point's token is an
 * engineer's, whatever it says. */
static bool is_merchants_own(const struct token_holder *holder)
{
    return holder->scope.position == SCOPE_POSITION_MERCHANT && !scope_is_point(&holder->scope);
}

static bool is_risks(const struct token_holder *holder)
{
    return holder->role == ROLE_RISK && !is_merchants_own(holder);
}

uint32_t case_view_hidden(const struct token_holder *holder)
{
    uint32_t investigated = KIND_BIT(CASE_RISK) | KIND_BIT(CASE_TRANSACTION);
    return is_merchants_own(holder) ? investigated : is_risks(holder) ? 0 : KIND_BIT(CASE_RISK);
}

unsigned case_view_hidden_columns(const struct token_holder *holder)
{
    return !scope_is_narrow(&holder->scope) ? 0
           : is_risks(holder)               ? CELL_JSON_HASHES
                                            : CELL_JSON_HASHES | CELL_JSON_RISK;
}

bool case_view_may_step(const struct token_holder *holder, enum case_kind kind)
{
    bool is_of_risk = kind == CASE_RISK || kind == CASE_TRANSACTION;
    bool is_seen = (case_view_hidden(holder) & KIND_BIT(kind)) == 0;
    return is_seen && (is_risks(holder) ? is_of_risk : holder->role == ROLE_AFTER_SALES);
}

bool case_view_may_say(const struct token_holder *holder, enum case_event_kind event)
{
    static const uint64_t MERCHANTS = EVENT_BIT(OPEN) | EVENT_BIT(FIRST_STEP) | EVENT_BIT(AGREE) |
                                      EVENT_BIT(DISPUTE) | EVENT_BIT(QUOTE_ACCEPT) |
                                      EVENT_BIT(QUOTE_DECLINE) | EVENT_BIT(SCORE);
    return !is_merchants_own(holder) || (MERCHANTS >> event & 1) != 0;
}

bool case_view_hides_reason(const struct token_holder *holder, enum case_event_kind event)
{
    static const uint64_t OF_FLAGS = EVENT_BIT(JOIN) | EVENT_BIT(STOP) | EVENT_BIT(HOLD);
    return case_view_hides_flag(holder, CASE_RISK) && (OF_FLAGS >> event & 1) != 0;
}

/* What is asked for stays, what the scope says comes in; two that differ leave nothing. */
static bool narrow_text(char *asked, size_t size, const char *scope)
{
    if (scope[0] == '\0') {
        return true;
    }
    bool is_open = asked[0] == '\0' || strcmp(asked, scope) == 0;
    snprintf(asked, size, "%s", scope);
    return is_open;
}

bool case_view_narrow(const struct token_holder *holder, struct case_query *query)
{
    const struct scope *scope = &holder->scope;
    query->hidden_kinds |= case_view_hidden(holder);
    return narrow_text(query->agent_id, sizeof(query->agent_id), scope->agent_id) &&
           narrow_text(query->merchant_id, sizeof(query->merchant_id), scope->merchant_id) &&
           narrow_text(query->point_id, sizeof(query->point_id), scope->point_id);
}

static enum status find_one(struct desk *desk, const struct token_holder *holder,
                            struct case_query *query, struct case_line *line)
{
    uint32_t count = 0;
    if (!case_view_narrow(holder, query)) {
        return STATUS_NOT_FOUND;
    }
    enum status status = case_book_queue(desk, query, line, 1, &count);
    return status == STATUS_OK && count == 0 ? STATUS_NOT_FOUND : status;
}

enum status case_view_find(struct desk *desk, const struct token_holder *holder, uint64_t case_id,
                           struct case_line *line)
{
    struct case_query query = {.case_id = case_id, .is_closed_too = true};
    return case_id == 0 ? STATUS_NOT_FOUND : find_one(desk, holder, &query, line);
}

enum status case_view_terminal(struct desk *desk, const struct token_holder *holder,
                               const char *terminal_id, struct case_view_terminal *view)
{
    struct case_query query = {.case_id = 0};
    struct case_line line;
    struct registry_binding binding;
    *view = (struct case_view_terminal){.may = !scope_is_narrow(&holder->scope)};
    if (view->may) {
        return STATUS_OK;
    }
    enum status status = registry_binding_in_force(desk, terminal_id, &binding);
    if (status == STATUS_OK) {
        memcpy(query.merchant_id, binding.binding.merchant_id, sizeof(query.merchant_id));
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    snprintf(query.terminal_id, sizeof(query.terminal_id), "%s", terminal_id);
    status = find_one(desk, holder, &query, &line);
    view->may = status == STATUS_OK && line.merchant_id[0] != '\0';
    if (view->may) {
        memcpy(view->merchant_id, line.merchant_id, sizeof(view->merchant_id));
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

bool case_view_hides_flag(const struct token_holder *holder, enum case_kind kind)
{
    return scope_is_narrow(&holder->scope) && (case_view_hidden(holder) & KIND_BIT(kind)) != 0;
}

enum status case_view_flag(struct desk *desk, const struct token_holder *holder, uint64_t case_id,
                           enum case_kind kind, bool *may)
{
    struct case_line line;
    if (case_id == 0) {
        *may = !scope_is_narrow(&holder->scope) && (case_view_hidden(holder) & KIND_BIT(kind)) == 0;
        return STATUS_OK;
    }
    enum status status = case_view_find(desk, holder, case_id, &line);
    *may = status == STATUS_OK && !case_view_hides_flag(holder, kind);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
