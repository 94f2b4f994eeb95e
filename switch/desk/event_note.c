/* See event_note.h. The lock is held from the begin of a transaction, so the next number is known
 * before the row is there, and stands in its bytes too. */
#include "switch/desk/event_note.h"

#include <stdio.h>
#include <string.h>

#include "protocols/aftersales_event.pb-c.h"
#include "protocols/base/require.h"
#include "switch/desk/case_row.h"
#include "switch/desk/cell_pack.h"
#include "switch/desk/desk_state.h"

static enum status insert(struct desk *desk, const struct event_line *line)
{
    sqlite3_stmt *statement = desk_prepare(desk, "INSERT INTO event_out VALUES (?, ?, ?, ?, ?, ?)");
    const struct desk_value values[] = {DESK_NUMBER(line->number), DESK_NUMBER(line->wall_us),
                                        DESK_TEXT(event_out_word(line->kind)),
                                        DESK_TEXT(case_kind_name(line->case_kind)),
                                        DESK_TEXT(line->subject)};
    bool is_bound = statement != NULL && desk_bind(statement, values, 5) &&
                    sqlite3_bind_blob(statement, 6, line->payload, (int)line->length,
                                      SQLITE_TRANSIENT) == SQLITE_OK;
    return desk_run(desk, statement, is_bound);
}

/* What stands beside the bytes. */
struct event_head {
    enum event_out_kind kind;
    enum case_kind case_kind;
    char subject_id[sizeof(((struct flag *)0)->subject_id)];
};

/* Numbers the event and writes it down. */
static enum status write_event(struct desk *desk, const struct event_head *head,
                               Aftersales__Event *event)
{
    uint8_t bytes[EVENT_OUT_BYTES_MAX];
    struct cell_pack_texts texts = {.length = 0};
    struct event_out_range range;
    REQUIRE(desk->depth > 0);
    enum status status = event_out_range(desk, &range);
    if (status != STATUS_OK) {
        return status;
    }
    event->number = range.last + 1;
    event->case_kind = cell_pack_text(&texts, case_kind_name(head->case_kind));
    size_t length = aftersales__event__get_packed_size(event);
    REQUIRE(length <= sizeof(bytes));
    aftersales__event__pack(event, bytes);
    return insert(desk, &(struct event_line){event->number, event->wall_us, head->kind,
                                             head->case_kind, head->subject_id, bytes, length});
}

enum status event_note_flag(struct desk *desk, uint64_t flag_id, const struct flag *flag)
{
    struct cell_pack_texts texts = {.length = 0};
    uint64_t evidence[FLAG_EVIDENCE_COUNT_MAX];
    Aftersales__Flag told = AFTERSALES__FLAG__INIT;
    Aftersales__Event event = AFTERSALES__EVENT__INIT;
    cell_pack(&CASE_ROW_FLAG, flag, &told.base, &texts);
    memcpy(evidence, flag->evidence, sizeof(evidence));
    told.id = flag_id;
    told.signal_name = cell_pack_text(&texts, signal_name(flag->signal));
    told.sentence = cell_pack_text(&texts, signal_text(flag->signal, false));
    told.sentence_zh = cell_pack_text(&texts, signal_text(flag->signal, true));
    told.follow_up =
        cell_pack_text(&texts, follow_up_name(desk_case_rules(desk)->follow_ups[flag->signal]));
    told.case_kind = cell_pack_text(&texts, case_kind_name(signal_case_kind(flag->signal)));
    told.cohort = flag->subject == FLAG_OF_COHORT ? told.cohort : NULL;
    told.n_evidence = flag->evidence_count;
    told.evidence = evidence;
    event.wall_us = flag->window_end_us;
    event.what_case = AFTERSALES__EVENT__WHAT_FLAG;
    event.flag = &told;
    struct event_head head = {EVENT_OUT_FLAG, signal_case_kind(flag->signal), ""};
    memcpy(head.subject_id, flag->subject_id, sizeof(head.subject_id));
    return write_event(desk, &head, &event);
}

/* Whose the flag is, and what case it leads to. */
static enum status find_flag(struct desk *desk, uint64_t flag_id, struct event_head *head)
{
    sqlite3_stmt *statement =
        desk_prepare(desk, "SELECT subject_id, signal FROM flag WHERE id = ?");
    if (statement == NULL || !desk_bind(statement, &DESK_NUMBER(flag_id), 1)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = desk_step(desk, statement);
    if (status == STATUS_OK) {
        enum signal_code signal = signal_from_code((const char *)sqlite3_column_text(statement, 1));
        snprintf(head->subject_id, sizeof(head->subject_id), "%s",
                 (const char *)sqlite3_column_text(statement, 0));
        /* Of a rule that is no more nobody knows, so it is told to the fewest. */
        head->case_kind = signal < SIGNAL_COUNT ? signal_case_kind(signal) : CASE_RISK;
    }
    desk_release(desk, statement);
    return status;
}

enum status event_note_judgement(struct desk *desk, uint64_t flag_id, enum case_outcome outcome,
                                 const struct desk_actor *by)
{
    struct event_head head = {.kind = EVENT_OUT_FLAG_JUDGED};
    struct cell_pack_texts texts = {.length = 0};
    Aftersales__FlagJudgement told = AFTERSALES__FLAG_JUDGEMENT__INIT;
    Aftersales__Event event = AFTERSALES__EVENT__INIT;
    enum status status = find_flag(desk, flag_id, &head);
    if (status != STATUS_OK) {
        return status;
    }
    told.flag_id = flag_id;
    told.outcome = cell_pack_text(&texts, case_outcome_word(outcome));
    told.actor = cell_pack_text(&texts, by->actor);
    event.wall_us = by->wall_us;
    event.what_case = AFTERSALES__EVENT__WHAT_FLAG_JUDGED;
    event.flag_judged = &told;
    return write_event(desk, &head, &event);
}

enum status event_note_link(struct desk *desk, uint64_t flag_id, uint64_t case_id)
{
    struct event_head head = {.kind = EVENT_OUT_FLAG_LINKED};
    struct service_case it;
    Aftersales__FlagLink told = AFTERSALES__FLAG_LINK__INIT;
    Aftersales__Event event = AFTERSALES__EVENT__INIT;
    enum status status = find_flag(desk, flag_id, &head);
    if (status == STATUS_OK) {
        status = case_book_find(desk, case_id, &it);
    }
    if (status != STATUS_OK) {
        return status;
    }
    head.case_kind = it.kind;
    event.wall_us = it.changed_us; /* no clock comes with a link: it goes with the last step */
    told.flag_id = flag_id;
    told.case_id = case_id;
    event.what_case = AFTERSALES__EVENT__WHAT_FLAG_LINKED;
    event.flag_linked = &told;
    return write_event(desk, &head, &event);
}

_Static_assert(sizeof(((struct event_head *)0)->subject_id) ==
                   sizeof(((struct service_case *)0)->subject_id),
               "subjects of cases are those of flags");

static void pack_case(Aftersales__ServiceCase *told, const struct event_note_step *step,
                      char *steps[CASE_STEP_COUNT_MAX], struct cell_pack_texts *texts)
{
    const struct service_case *it = step->service_case;
    cell_pack(&CASE_ROW_CASE, it, &told->base, texts);
    told->id = it->id;
    told->due_us = step->due_us;
    told->steps = steps;
    while (told->n_steps < CASE_STEP_COUNT_MAX &&
           case_first_step(it->kind, (uint8_t)(told->n_steps + 1)) != NULL) {
        const char *word = case_row_step_word((enum case_step_result)it->steps[told->n_steps]);
        steps[told->n_steps++] = cell_pack_text(texts, word);
    }
}

enum status event_note_case(struct desk *desk, const struct event_note_step *step)
{
    struct cell_pack_texts texts = {.length = 0};
    char *steps[CASE_STEP_COUNT_MAX];
    Aftersales__ServiceCase after = AFTERSALES__SERVICE_CASE__INIT;
    Aftersales__CaseEvent told = AFTERSALES__CASE_EVENT__INIT;
    Aftersales__Event event = AFTERSALES__EVENT__INIT;
    const struct case_entry *entry = step->entry;
    bool is_open = entry->event.kind == CASE_EVENT_OPEN;
    pack_case(&after, step, steps, &texts);
    cell_pack(&CASE_ROW_ENTRY, entry, &told.base, &texts);
    told.service_case = &after;
    told.number = entry->number;
    told.sentence = cell_pack_text(&texts, case_event_text(entry->event.kind));
    if (entry->event.step == 0) {
        told.result = NULL; /* of a first step only */
    }
    event.wall_us = entry->event.wall_us;
    if (is_open) {
        event.what_case = AFTERSALES__EVENT__WHAT_CASE_OPENED;
        event.case_opened = &told;
    } else {
        event.what_case = AFTERSALES__EVENT__WHAT_CASE_EVENT;
        event.case_event = &told;
    }
    struct event_head head = {is_open ? EVENT_OUT_CASE_OPENED : EVENT_OUT_CASE_EVENT,
                              step->service_case->kind, ""};
    memcpy(head.subject_id, step->service_case->subject_id, sizeof(head.subject_id));
    return write_event(desk, &head, &event);
}

static char *optional_text(struct cell_pack_texts *texts, const char *text)
{
    return text[0] == '\0' ? NULL : cell_pack_text(texts, text);
}

enum status event_note_message(struct desk *desk, const struct event_note_message *message)
{
    struct cell_pack_texts texts = {.length = 0};
    const struct service_case *it = message->service_case;
    Aftersales__CaseMessage told = AFTERSALES__CASE_MESSAGE__INIT;
    Aftersales__Event event = AFTERSALES__EVENT__INIT;
    told.message = message->number;
    told.case_id = it->id;
    told.kind = cell_pack_text(&texts, case_effect_name(message->effect->kind));
    told.sentence = cell_pack_text(&texts, case_effect_text(message->effect->kind));
    told.text = optional_text(&texts, message->effect->text);
    told.due_us = message->effect->due_us;
    told.terminal_id = optional_text(&texts, it->terminal_id);
    told.merchant_id = optional_text(&texts, it->merchant_id);
    told.serial = optional_text(&texts, it->serial);
    told.engineer = optional_text(&texts, it->engineer);
    told.point_id = optional_text(&texts, it->point_id);
    event.wall_us = message->wall_us;
    event.what_case = AFTERSALES__EVENT__WHAT_CASE_MESSAGE;
    event.case_message = &told;
    struct event_head head = {EVENT_OUT_CASE_MESSAGE, it->kind, ""};
    memcpy(head.subject_id, it->subject_id, sizeof(head.subject_id));
    return write_event(desk, &head, &event);
}
