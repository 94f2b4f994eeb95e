/* See case_answer.h. */
#include "switch/admin/case_answer.h"

#include <string.h>

#include "switch/admin/case_body.h"
#include "switch/admin/cell_json.h"
#include "switch/admin/text_json.h"
#include "switch/aftersales/case_table.h"
#include "switch/aftersales/cause.h"
#include "switch/desk/case_row.h"

static json_t *text_or_null(const char *text)
{
    return text == NULL || text[0] == '\0' ? json_null() : text_json(text);
}

/* The fault's two names, under "fault_zh" and "fault_en". */
static void add_fault(json_t *to, const char *code)
{
    enum fault fault = fault_from_code(code);
    bool is_known = fault != FAULT_COUNT;
    json_object_set_new(to, "fault", text_or_null(code));
    json_object_set_new(to, "fault_zh", text_or_null(is_known ? fault_text(fault, true) : NULL));
    json_object_set_new(to, "fault_en", text_or_null(is_known ? fault_text(fault, false) : NULL));
}

static void add_state(json_t *to, enum case_state state)
{
    json_object_set_new(to, "state", json_string(case_state_name(state)));
    json_object_set_new(to, "state_zh", json_string(case_state_text(state, true)));
    json_object_set_new(to, "state_en", json_string(case_state_text(state, false)));
}

json_t *case_answer_line(const struct case_line *line, int64_t now_us)
{
    bool is_late = line->due_us != 0 && line->due_us < now_us;
    json_t *answer = json_pack(
        "{s:I, s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:b}", "id", (json_int_t)line->id, "kind",
        case_kind_name(line->kind), "severity", (int)line->severity, "subject_id",
        text_json(line->subject_id), "terminal_id", text_or_null(line->terminal_id), "merchant_id",
        text_or_null(line->merchant_id), "opened", text_json_wall(line->opened_us), "due",
        text_json_wall(line->due_us), "is_late", (int)is_late);
    add_state(answer, line->state);
    add_fault(answer, line->fault);
    return answer;
}

json_t *case_answer_case(const struct service_case *it)
{
    json_t *answer = cell_json_row(&CASE_ROW_CASE, it);
    json_object_set_new(answer, "id", json_integer((json_int_t)it->id));
    json_object_set_new(answer, "opened", text_json_wall(it->opened_us));
    json_object_set_new(answer, "changed", text_json_wall(it->changed_us));
    json_object_set_new(answer, "repaired", text_json_wall(it->repaired_us));
    json_object_set_new(answer, "verified", text_json_wall(it->verified_us));
    json_object_set_new(answer, "closed", text_json_wall(it->closed_us));
    json_object_set_new(answer, "hold_until", text_json_wall(it->hold_until_us));
    add_state(answer, it->state);
    add_fault(answer, it->fault);
    return answer;
}

/* ---- events ---- */

static json_t *parts_json(const struct case_event *event)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < event->part_count; i++) {
        const struct case_part *part = &event->parts[i];
        json_t *row = cell_json_row(&CASE_ROW_PART, part);
        json_object_set_new(row, "part_zh", json_string(part_text(part->part, true)));
        json_object_set_new(row, "part_en", json_string(part_text(part->part, false)));
        json_array_append_new(list, row);
    }
    return list;
}

/* What a repair replaced, and pictures of it; nothing where it has none. */
static void add_lists(json_t *answer, const struct case_entry *entry)
{
    const struct case_event *event = &entry->event;
    json_t *photos = json_array();
    for (uint32_t i = 0; i < event->photo_count; i++) {
        json_array_append_new(photos, json_string(event->photos[i].sha256));
    }
    if (event->part_count > 0) {
        json_object_set_new(answer, "parts", parts_json(event));
    }
    if (event->photo_count > 0) {
        json_object_set(answer, "photos", photos);
    }
    json_decref(photos);
}

json_t *case_answer_entry(const struct case_entry *entry)
{
    static const char *const ALWAYS[] = {"kind",   "role",       "actor",   "second_actor",
                                         "reason", "from_state", "to_state"};
    static const char *const SEEN[] = {"terminal_id", "serial", "is_good"};
    json_t *all = cell_json_row(&CASE_ROW_ENTRY, entry);
    json_t *answer = json_pack("{s:i, s:o, s:s}", "number", (int)entry->number, "time",
                               text_json_wall(entry->event.wall_us), "sentence",
                               case_event_text(entry->event.kind));
    for (size_t i = 0; i < sizeof(ALWAYS) / sizeof(ALWAYS[0]); i++) {
        json_object_set(answer, ALWAYS[i], json_object_get(all, ALWAYS[i]));
    }
    const char *member;
    for (uint32_t i = 0; (member = case_body_member(entry->event.kind, i)) != NULL; i++) {
        json_t *value = json_object_get(all, member);
        if (value != NULL) { /* parts and photos are no columns */
            json_object_set(answer, member, value);
        }
    }
    for (size_t i = 0;
         i < sizeof(SEEN) / sizeof(SEEN[0]) && entry->event.kind == CASE_EVENT_OBSERVED; i++) {
        json_object_set(answer, SEEN[i], json_object_get(all, SEEN[i]));
    }
    add_lists(answer, entry);
    json_decref(all);
    return answer;
}

static json_t *roles_json(uint8_t roles)
{
    json_t *list = json_array();
    for (unsigned role = CASE_ROLE_SWITCH + 1; role < CASE_ROLE_COUNT; role++) {
        if ((roles >> role & 1) != 0) {
            json_array_append_new(list, json_string(case_role_name((enum case_role)role)));
        }
    }
    return list;
}

static json_t *needs_json(uint8_t needs)
{
    static const struct {
        uint8_t need;
        const char *text;
    } NEEDS[] = {{CASE_NEEDS_REASON, "reason"},
                 {CASE_NEEDS_STEPS, "results of the first steps"},
                 {CASE_NEEDS_OUTCOME, "outcome"},
                 {CASE_NEEDS_TWO, "a second person"},
                 {CASE_NEEDS_SERIAL, "serial"},
                 {CASE_NEEDS_FREE, "an accepted price, where one was quoted"}};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof(NEEDS) / sizeof(NEEDS[0]); i++) {
        if ((needs & NEEDS[i].need) != 0) {
            json_array_append_new(list, json_string(NEEDS[i].text));
        }
    }
    return list;
}

static json_t *members_json(enum case_event_kind kind)
{
    json_t *list = json_array();
    const char *member;
    for (uint32_t i = 0; (member = case_body_member(kind, i)) != NULL; i++) {
        json_array_append_new(list, json_string(member));
    }
    return list;
}

json_t *case_answer_permitted(const struct service_case *it)
{
    uint64_t permitted = service_case_permitted(it);
    json_t *list = json_array();
    for (unsigned i = 0; i < CASE_EVENT_COUNT; i++) {
        enum case_event_kind kind = (enum case_event_kind)i;
        const struct case_event_row *row = case_event_row(kind);
        if ((permitted >> i & 1) == 0 || !case_body_is_peoples(kind) ||
            !service_case_has_occasion(it, kind)) {
            continue;
        }
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:o, s:o, s:o}", "event", row->name, "sentence",
                                        row->text, "as", roles_json(row->roles), "needs",
                                        needs_json(row->needs), "members", members_json(kind)));
    }
    return list;
}

json_t *case_answer_first_steps(const struct service_case *it)
{
    static const char *const RESULTS[] = {"open", "done", "impossible", "helped"};
    json_t *list = json_array();
    const struct case_first_step *step;
    for (uint8_t i = 1; (step = case_first_step(it->kind, i)) != NULL; i++) {
        uint8_t result = it->steps[i - 1] <= CASE_STEP_HELPED ? it->steps[i - 1] : 0;
        json_array_append_new(list, json_pack("{s:i, s:s, s:s, s:s, s:s}", "step", (int)i, "name",
                                              step->name, "zh", step->zh, "en", step->en, "result",
                                              RESULTS[result]));
    }
    return list;
}

json_t *case_answer_to_do(const struct case_effects *effects)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct case_effect *effect = &effects->items[i];
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:o, s:o}", "what", case_effect_name(effect->kind),
                            "sentence", case_effect_text(effect->kind), "text",
                            text_or_null(effect->text), "due", text_json_wall(effect->due_us)));
    }
    return list;
}

/* ---- flags ---- */

json_t *case_answer_flag(const struct flag_entry *entry, const struct case_rules *rules)
{
    const struct flag *flag = &entry->flag;
    json_t *answer = cell_json_row(&CASE_ROW_FLAG, flag);
    json_t *evidence = json_array();
    for (uint32_t i = 0; i < flag->evidence_count; i++) {
        json_array_append_new(evidence, json_integer((json_int_t)flag->evidence[i]));
    }
    if (flag->subject != FLAG_OF_COHORT) {
        json_object_del(answer, "cohort");
    }
    json_object_set_new(answer, "id", json_integer((json_int_t)entry->id));
    json_object_set_new(answer, "case_id",
                        entry->case_id == 0 ? json_null()
                                            : json_integer((json_int_t)entry->case_id));
    json_object_set_new(answer, "outcome", json_string(case_outcome_word(entry->outcome)));
    json_object_set_new(answer, "name", json_string(signal_name(flag->signal)));
    json_object_set_new(answer, "sentence", json_string(signal_text(flag->signal, false)));
    json_object_set_new(answer, "sentence_zh", json_string(signal_text(flag->signal, true)));
    json_object_set_new(answer, "follow_up",
                        json_string(follow_up_text(rules->follow_ups[flag->signal])));
    json_object_set_new(answer, "raised", text_json_wall(flag->window_end_us));
    json_object_set_new(answer, "evidence", evidence);
    return answer;
}
