/* See webhook_call.h. What an event says is not shown: whoever may look at webhooks need not be one
 * who reads cases. */
#include "switch/admin/webhook_call.h"

#include <stdio.h>

#include "switch/admin/case_desk.h"
#include "switch/admin/text_json.h"
#include "switch/admin/wall_text.h"
#include "switch/desk/webhook_book.h"

#define ROW_COUNT_MAX 64u /* also those that left the configuration */

static json_t *moment_json(int64_t wall_us)
{
    char text[WALL_TEXT_SIZE];
    if (wall_us == 0) {
        return json_null();
    }
    wall_text_format(text, wall_us);
    return json_string(text);
}

static json_t *letter_json(const struct webhook_letter *letter)
{
    const char *kind =
        letter->kind < EVENT_OUT_COUNT ? event_out_word(letter->kind) : "of another version";
    return json_pack("{s:I, s:s, s:o, s:I, s:o, s:b, s:o}", "number", (json_int_t)letter->number,
                     "kind", kind, "time", moment_json(letter->wall_us), "attempts",
                     (json_int_t)letter->attempts, "put_aside", moment_json(letter->died_us),
                     "is_again", letter->is_again ? 1 : 0, "fault", text_json(letter->fault));
}

/* NULL: the desk is faulty, or no memory. */
static json_t *letters_json(struct desk *desk, const char *name)
{
    struct webhook_letter letters[WEBHOOK_CALL_LETTER_COUNT_MAX];
    uint32_t count = 0;
    if (webhook_book_letters(desk, name, letters, WEBHOOK_CALL_LETTER_COUNT_MAX, &count) !=
        STATUS_OK) {
        return NULL;
    }
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++) {
        json_array_append_new(list, letter_json(&letters[i]));
    }
    return list;
}

/* What it never got, as people read it; null: nothing. */
static json_t *note_json(const struct webhook_row *row)
{
    return row->given_up == 0
               ? json_null()
               : json_sprintf(
                     "%llu events were given up: kept for it as long as events are, or the "
                     "oldest of %u put aside; the feed has what it keeps all the same",
                     (unsigned long long)row->given_up, WEBHOOK_LETTER_COUNT_MAX);
}

static json_t *row_json(struct desk *desk, const struct webhook_row *row)
{
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o}", "name",
                     row->name, "state", webhook_state_word(row->state), "position",
                     (json_int_t)row->position, "waiting", (json_int_t)row->waiting, "attempts",
                     (json_int_t)row->attempts, "failing_since", moment_json(row->failing_since_us),
                     "next_try", moment_json(row->next_try_us), "delivered",
                     moment_json(row->delivered_us), "fault", text_json(row->fault), "letter_count",
                     (json_int_t)row->letter_count, "given_up", (json_int_t)row->given_up, "note",
                     note_json(row), "letters", letters_json(desk, row->name));
}

static void serve_list(struct desk *desk, struct answer *answer)
{
    struct webhook_row rows[ROW_COUNT_MAX];
    uint32_t count = 0;
    enum status status = webhook_book_list(desk, rows, ROW_COUNT_MAX, &count);
    if (status != STATUS_OK) {
        case_desk_problem(desk, status, answer);
        return;
    }
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++) {
        json_t *row = row_json(desk, &rows[i]);
        if (row == NULL) {
            json_decref(list);
            case_desk_problem(desk, STATUS_BROKEN, answer);
            return;
        }
        json_array_append_new(list, row);
    }
    answer_json(answer, 200, json_pack("{s:o}", "webhooks", list));
}

static void serve_retry(struct desk *desk, const char *name, struct answer *answer)
{
    char text[120];
    uint32_t count = 0;
    enum status status = webhook_book_retry(desk, name, &count);
    if (status != STATUS_OK) {
        case_desk_problem(desk, status, answer);
        return;
    }
    snprintf(text, sizeof(text), "it goes; %u events that were put aside are sent again, once each",
             count);
    answer_json(answer, 200, json_pack("{s:s, s:s}", "result", "retrying", "text", text));
}

void webhook_call_serve(const struct call *call, struct answer *answer)
{
    char reason[DESK_SHARE_REASON_SIZE];
    struct desk *desk = desk_share_take(call->desk, reason);
    if (desk == NULL) {
        answer_problem(answer, 503, reason);
        return;
    }
    if (call->endpoint == ENDPOINT_WEBHOOK_LIST) {
        serve_list(desk, answer);
    } else {
        serve_retry(desk, call->parameter, answer);
    }
    desk_share_give(call->desk);
}
