/* See case_call.h. The desk is never held while the log or the switch is asked: these may take
 * seconds, and others wait for it. */
#include "switch/admin/case_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/admin/case_advice.h"
#include "switch/admin/case_answer.h"
#include "switch/admin/case_desk.h"
#include "switch/admin/case_filter.h"
#include "switch/admin/case_view.h"
#include "switch/admin/cell_json.h"
#include "switch/admin/channel_look.h"
#include "switch/admin/fee_case.h"
#include "switch/admin/point_view.h"
#include "switch/admin/text_json.h"
#include "switch/desk/case_row.h"

#define TXN_COUNT_MAX 32
#define READING_COUNT_MAX 200
#define NO_CASE "there is no such case, or it is not one of yours"

/* ---- queue ---- */

/* A filter is an answer, too: whether a case is that merchant's. */
static bool tells_merchant(const char *name)
{
    return strcmp(name, "merchant") == 0 || strcmp(name, "agent") == 0;
}

static bool take_filter(const struct call *call, struct case_filter *filter, struct answer *answer)
{
    char reason[CASE_FILTER_REASON_SIZE];
    const char *name;
    case_filter_init(filter);
    for (uint32_t i = 0; (name = case_filter_name(i)) != NULL; i++) {
        const char *value = call->option(call->connection, name);
        if (value != NULL && scope_is_point(&call->holder->scope) && tells_merchant(name)) {
            answer_problem(answer, 403,
                           "merchant, agent: whose cases they are is not told to a service point");
            return false;
        }
        if (value != NULL && !case_filter_put(filter, name, value, reason)) {
            answer_problem(answer, 400, reason);
            return false;
        }
    }
    return true;
}

static json_t *line_json(const struct case_line *line, const struct scope *scope, int64_t now_us)
{
    json_t *whole = case_answer_line(line, now_us);
    if (!scope_is_point(scope)) {
        return whole;
    }
    json_t *kept = point_view_line(whole);
    json_decref(whole);
    return kept;
}

struct queue {
    const struct case_line *lines;
    uint32_t count, limit;
};

static json_t *queue_json(const struct queue *queue, const struct scope *scope, int64_t now_us)
{
    uint32_t count = queue->count, limit = queue->limit;
    char cursor[CASE_FILTER_CURSOR_SIZE];
    json_t *items = json_array();
    for (uint32_t i = 0; i < count && i < limit; i++) {
        json_array_append_new(items, line_json(&queue->lines[i], scope, now_us));
    }
    if (count > limit) {
        case_filter_cursor(cursor, &queue->lines[limit - 1]);
    }
    return json_pack("{s:o, s:o}", "items", items, "cursor",
                     count > limit ? json_string(cursor) : json_null());
}

/* A line tells whose case it is, what it is and where it stands: that is a reading of it, and is
 * written down before it is shown, once an hour. */
static enum status note_lines(struct desk *desk, const struct call *call,
                              const struct case_line *lines, uint32_t count)
{
    uint64_t ids[CASE_FILTER_LIMIT_MAX];
    const struct desk_actor actor = case_desk_actor(call);
    for (uint32_t i = 0; i < count; i++) {
        ids[i] = lines[i].id;
    }
    return case_book_note_lines(desk, &actor, ids, count);
}

/* One line more than is shown tells that there is more. */
static enum status read_lines(struct desk *desk, const struct call *call,
                              struct case_filter *filter, struct case_line *lines, uint32_t *count)
{
    *count = 0;
    if (!case_view_narrow(call->holder, &filter->query)) {
        return STATUS_OK;
    }
    enum status status = case_book_queue(desk, &filter->query, lines, filter->limit + 1, count);
    return status == STATUS_OK
               ? note_lines(desk, call, lines, *count > filter->limit ? filter->limit : *count)
               : status;
}

void case_call_list(const struct call *call, struct answer *answer)
{
    struct case_filter filter;
    uint32_t count = 0;
    if (!take_filter(call, &filter, answer)) {
        return;
    }
    struct case_line *lines = calloc(filter.limit + 1, sizeof(*lines));
    struct desk *desk = lines == NULL ? NULL : case_desk_take(call, answer);
    if (lines != NULL && desk != NULL) {
        enum status status = read_lines(desk, call, &filter, lines, &count);
        if (status == STATUS_OK) {
            int64_t now_us = case_desk_actor(call).wall_us;
            const struct queue queue = {lines, count, filter.limit};
            answer_json(answer, 200, queue_json(&queue, &call->holder->scope, now_us));
        } else {
            case_desk_problem(desk, status, answer);
        }
        desk_share_give(call->desk);
    } else if (lines == NULL) {
        answer_problem(answer, 503, "no memory; try again");
    }
    free(lines);
}

/* ---- one case ---- */

struct showing {
    uint64_t id;
    const struct token_holder *holder; /* borrowed: to whom */
    struct channel_look look;
    struct case_line line;
    struct service_case it;
    json_t *entries, *answer; /* owner */
    uint64_t txns[TXN_COUNT_MAX];
    uint32_t txn_count;
    struct fee_signed terms;
};

static void on_entry(void *argument, const struct case_entry *entry)
{
    struct showing *showing = argument;
    json_t *shown = case_answer_entry(entry);
    if (case_view_hides_reason(showing->holder, entry->event.kind)) {
        json_object_set_new(shown, "reason", json_null());
    }
    json_array_append_new(showing->entries, shown);
}

/* Whether it is the caller's, and which terminal it is about. */
static enum status look_up(const struct call *call, struct showing *showing, struct answer *answer)
{
    struct desk *desk = case_desk_take(call, answer);
    if (desk == NULL) {
        return STATUS_BROKEN;
    }
    enum status status = case_view_find(desk, call->holder, showing->id, &showing->line);
    if (status == STATUS_NOT_FOUND) {
        answer_problem(answer, 404, NO_CASE);
    } else if (status != STATUS_OK) {
        case_desk_problem(desk, status, answer);
    }
    desk_share_give(call->desk);
    return status;
}

/* "part" and "damage" of the query. False: a word that none is. */
static bool take_words(const struct call *call, struct case_advice *advice)
{
    const char *part = call->option(call->connection, "part");
    const char *damage = call->option(call->connection, "damage");
    advice->has_part = part != NULL;
    advice->has_damage = damage != NULL;
    advice->part = part != NULL ? part_from_word(part) : PART_WHOLE;
    advice->damage = damage != NULL ? damage_from_word(damage) : DAMAGE_WEAR;
    return advice->part < PART_COUNT && advice->damage < DAMAGE_COUNT;
}

static void ask_about(struct case_advice *advice, const struct call *call,
                      const struct showing *showing)
{
    const struct service_case *it = &showing->it;
    advice->case_id = it->id;
    memcpy(advice->terminal_id, it->terminal_id, sizeof(advice->terminal_id));
    memcpy(advice->merchant_id, it->merchant_id, sizeof(advice->merchant_id));
    memcpy(advice->brand, it->brand, sizeof(advice->brand));
    memcpy(advice->model, it->model, sizeof(advice->model));
    memcpy(advice->fault, it->fault, sizeof(advice->fault));
    advice->obtained = it->obtained;
    advice->is_open = service_case_is_open(it);
    advice->is_on_site = it->place != SERVICE_REMOTE;
    advice->hidden_kinds = case_view_hidden(call->holder);
    advice->hidden_own_kinds = scope_is_narrow(&call->holder->scope) ? advice->hidden_kinds : 0;
    advice->hidden_columns = case_view_hidden_columns(call->holder);
    advice->channel = showing->look.is_known ? showing->look.name : NULL;
    advice->is_channel_down = showing->look.is_down;
    advice->now_us = case_desk_actor(call).wall_us;
}

static void add_case(struct showing *showing, bool is_kept)
{
    const struct service_case *it = &showing->it;
    json_t *txns = json_array();
    for (uint32_t i = 0; i < showing->txn_count; i++) {
        json_array_append_new(txns, json_integer((json_int_t)showing->txns[i]));
    }
    json_object_set_new(showing->answer, "case", case_answer_case(it));
    json_object_set_new(showing->answer, "is_kept", json_boolean(is_kept));
    json_object_set_new(showing->answer, "due", text_json_wall(showing->line.due_us));
    json_object_set_new(showing->answer, "permitted", case_answer_permitted(it));
    json_object_set_new(showing->answer, "first_steps", case_answer_first_steps(it));
    json_object_set(showing->answer, "events", showing->entries);
    json_object_set_new(showing->answer, "transactions", txns);
}

static enum status read_case(struct desk *desk, const struct call *call, struct case_advice *advice,
                             struct showing *showing)
{
    bool is_kept = false;
    const struct desk_actor actor = case_desk_actor(call);
    const struct case_sink sink = {on_entry, showing};
    enum status status = case_book_read(desk, showing->id, &actor, &showing->it, &sink);
    if (status == STATUS_OK) {
        status = case_book_is_kept(desk, showing->id, &is_kept);
    }
    if (status == STATUS_OK) {
        status =
            case_book_txns(desk, showing->id, showing->txns, TXN_COUNT_MAX, &showing->txn_count);
    }
    if (status == STATUS_OK) {
        status = fee_signed_take(desk, showing->it.merchant_id, &showing->terms);
    }
    if (status != STATUS_OK) {
        return status;
    }
    ask_about(advice, call, showing);
    add_case(showing, is_kept);
    return case_advice_add(desk, advice, showing->answer);
}

static uint32_t version_in_force(const struct call *call)
{
    char reason[CONTROL_CLIENT_REASON_SIZE] = "";
    struct control_client client = {call->control_socket, call->operator_name, NULL};
    Control__Answer *told =
        control_client_call(&client, CONTROL__REQUEST__CALL_STATUS, NULL, reason);
    uint32_t version = told == NULL || told->status == NULL ? 0 : told->status->ruleset_version;
    if (told != NULL) {
        control__answer__free_unpacked(told, NULL);
    }
    return version;
}

/* The fees of the case's payments; what the log cannot say is said so, and the case is shown. */
static void add_fees(const struct call *call, struct showing *showing)
{
    struct log_view view;
    json_t *fees = json_array();
    const struct fee_files files = {call->log, call->fees, version_in_force(call)};
    const struct fee_case about = {.files = &files,
                                   .terms = &showing->terms,
                                   .other_plan = call->option(call->connection, "plan"),
                                   .hides_shares = scope_is_narrow(&call->holder->scope)};
    bool is_good = log_view_open(&view, call->log);
    for (uint32_t i = 0; i < showing->txn_count && is_good; i++) {
        json_t *fee = fee_case_explain(&view, &about, showing->txns[i]);
        is_good = fee != NULL;
        if (json_is_null(fee)) { /* of a terminal, as wrong MACs: no payment */
            continue;
        }
        json_array_append_new(fees, fee);
    }
    if (!is_good) {
        json_object_set_new(showing->answer, "fees_fault", json_string(view.fault));
    }
    log_view_close(&view);
    json_object_set_new(showing->answer, "fees", fees);
}

static void show(const struct call *call, struct showing *showing, struct answer *answer)
{
    struct case_advice advice = {.case_id = 0};
    if (!take_words(call, &advice)) {
        answer_problem(answer, 400,
                       "part or damage: expected a word of the registry, such as printer, impact");
        return;
    }
    struct desk *desk = case_desk_take(call, answer);
    if (desk == NULL) {
        return;
    }
    enum status status = read_case(desk, call, &advice, showing);
    if (status != STATUS_OK) {
        case_desk_problem(desk, status, answer);
    }
    desk_share_give(call->desk);
    if (status != STATUS_OK) {
        return;
    }
    if (scope_is_point(&call->holder->scope)) {
        answer_json(answer, 200, point_view_case(showing->answer, &call->holder->scope));
        return;
    }
    if (showing->txn_count > 0 || showing->it.kind == CASE_FEE) {
        add_fees(call, showing);
    }
    answer_json(answer, 200, json_incref(showing->answer));
}

void case_call_show(const struct call *call, struct answer *answer)
{
    struct showing *showing = calloc(1, sizeof(*showing));
    if (showing == NULL) {
        answer_problem(answer, 503, "no memory; try again");
        return;
    }
    showing->id = case_desk_number(call->parameter);
    showing->holder = call->holder;
    showing->entries = json_array();
    showing->answer = json_object();
    if (look_up(call, showing, answer) == STATUS_OK) {
        channel_look(call, showing->line.terminal_id, &showing->look);
        show(call, showing, answer);
    }
    json_decref(showing->entries);
    json_decref(showing->answer);
    free(showing);
}

/* ---- holds for a court ---- */

/* A sentence of why; False: a problem was put into `answer`. */
static bool take_reason(const struct call *call, struct case_entry *entry, struct answer *answer)
{
    json_t *body = NULL;
    char fault[CELL_FAULT_SIZE] = "member \"reason\": expected a sentence of why";
    *entry = (struct case_entry){.number = 0};
    if (!case_desk_body(call, &body, answer)) {
        return false;
    }
    const json_t *reason = json_object_get(body, "reason");
    bool is_good =
        reason != NULL &&
        cell_json_take(cell_json_column(&CASE_ROW_ENTRY, "reason"), reason, entry, fault) &&
        entry->event.reason[0] != '\0';
    json_decref(body);
    if (!is_good) {
        answer_problem(answer, 400, fault);
    }
    return is_good;
}

/* `reason` NULL: no longer kept. */
static void keep(const struct call *call, const char *reason, struct answer *answer)
{
    struct case_line line;
    uint64_t id = case_desk_number(call->parameter);
    struct desk *desk = case_desk_take(call, answer);
    if (desk == NULL) {
        return;
    }
    const struct desk_actor actor = case_desk_actor(call);
    enum status status = case_view_find(desk, call->holder, id, &line);
    bool is_there = status == STATUS_OK;
    if (is_there) {
        status = reason != NULL ? case_book_keep(desk, id, &actor, reason)
                                : case_book_unkeep(desk, id, &actor);
    }
    if (status == STATUS_OK) {
        answer_json(answer, 200,
                    json_pack("{s:I, s:b}", "id", (json_int_t)id, "is_kept", reason != NULL));
    } else if (status == STATUS_NOT_FOUND && !is_there) {
        answer_problem(answer, 404, NO_CASE);
    } else {
        case_desk_problem(desk, status, answer);
    }
    desk_share_give(call->desk);
}

void case_call_keep(const struct call *call, struct answer *answer)
{
    struct case_entry entry;
    if (take_reason(call, &entry, answer)) {
        keep(call, entry.event.reason, answer);
    }
}

void case_call_unkeep(const struct call *call, struct answer *answer)
{
    keep(call, NULL, answer);
}

/* ---- who has read it ---- */

static json_t *readings_json(const struct case_reading *readings, uint32_t count)
{
    json_t *items = json_array();
    for (uint32_t i = 0; i < count; i++) {
        json_array_append_new(items,
                              json_pack("{s:o, s:o}", "time", text_json_wall(readings[i].wall_us),
                                        "actor", text_json(readings[i].actor)));
    }
    return json_pack("{s:o}", "items", items);
}

void case_call_readings(const struct call *call, struct answer *answer)
{
    struct case_reading readings[READING_COUNT_MAX];
    struct case_line line;
    uint32_t count = 0;
    uint64_t id = case_desk_number(call->parameter);
    struct desk *desk = case_desk_take(call, answer);
    if (desk == NULL) {
        return;
    }
    enum status status = case_view_find(desk, call->holder, id, &line);
    if (status == STATUS_OK) {
        status = case_book_readings(desk, id, readings, READING_COUNT_MAX, &count);
    }
    if (status == STATUS_OK) {
        answer_json(answer, 200, readings_json(readings, count));
    } else if (status == STATUS_NOT_FOUND) {
        answer_problem(answer, 404, NO_CASE);
    } else {
        case_desk_problem(desk, status, answer);
    }
    desk_share_give(call->desk);
}
