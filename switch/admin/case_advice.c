/* See case_advice.h. */
#include "switch/admin/case_advice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/admin/case_answer.h"
#include "switch/admin/cell_json.h"
#include "switch/admin/serve_answer.h"
#include "switch/admin/text_json.h"
#include "switch/aftersales/cause.h"
#include "switch/desk/registry_table.h"

#define FLAG_COUNT_MAX 64
#define COHORT_COUNT_MAX 16
#define DAY_US INT64_C(86400000000)
#define CHINA_US INT64_C(28800000000)
#define STEP_COUNT_MAX 20
#define EXPLANATION_SIZE 4096

/* What is gathered before anything is judged. */
struct gathered {
    struct terminal_registration terminal;
    struct merchant_registration merchant;
    bool has_terminal, has_merchant;
    struct flag_entry flags[FLAG_COUNT_MAX];
    uint32_t flag_count;
    struct flag_entry cohorts[COHORT_COUNT_MAX]; /* that the terminal is of */
    uint32_t cohort_count;
    struct flag plain[FLAG_COUNT_MAX];
    struct cause_answer cause;
};

/* ---- gathering ---- */

static enum status find_row(struct desk *desk, enum registry_kind kind, void *row, bool *has_row)
{
    enum status status = registry_find(desk, kind, row);
    *has_row = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Whatever was read into the key stays where the row is not there. */
static enum status gather_rows(struct desk *desk, const struct case_advice *advice,
                               struct gathered *all)
{
    enum status status = STATUS_OK;
    struct terminal_registration *terminal = &all->terminal;
    memcpy(terminal->terminal_id, advice->terminal_id, sizeof(terminal->terminal_id));
    if (advice->terminal_id[0] != '\0') {
        status = find_row(desk, REGISTRY_TERMINAL, terminal, &all->has_terminal);
    }
    if (!all->has_terminal) {
        *terminal = (struct terminal_registration){.obtained = advice->obtained};
        memcpy(terminal->terminal_id, advice->terminal_id, sizeof(terminal->terminal_id));
        memcpy(terminal->brand, advice->brand, sizeof(terminal->brand));
        memcpy(terminal->model, advice->model, sizeof(terminal->model));
    }
    const char *merchant_id =
        advice->merchant_id[0] != '\0' ? advice->merchant_id : terminal->binding.merchant_id;
    snprintf(all->merchant.merchant_id, sizeof(all->merchant.merchant_id), "%s", merchant_id);
    return status == STATUS_OK && merchant_id[0] != '\0'
               ? find_row(desk, REGISTRY_MERCHANT, &all->merchant, &all->has_merchant)
               : status;
}

static bool is_there(const struct gathered *all, uint64_t flag_id)
{
    for (uint32_t i = 0; i < all->flag_count; i++) {
        if (all->flags[i].id == flag_id) {
            return true;
        }
    }
    return false;
}

/* Whether a flag that is not of the case still says something about it: not of the time when the
 * terminal was another merchant's. */
static bool still_counts(const struct case_advice *advice, const struct flag_entry *entry)
{
    const char *merchant_id = entry->flag.merchant_id;
    bool is_others = advice->merchant_id[0] != '\0' && merchant_id[0] != '\0' &&
                     strcmp(advice->merchant_id, merchant_id) != 0;
    return !is_others && entry->outcome != CASE_OUTCOME_BENIGN &&
           entry->flag.window_end_us >= advice->now_us - CASE_ADVICE_FLAG_DAYS * DAY_US;
}

static bool is_hidden(uint32_t hidden_kinds, const struct flag *flag)
{
    return (hidden_kinds >> signal_case_kind(flag->signal) & 1) != 0;
}

static enum status gather_subject(struct desk *desk, const struct case_advice *advice,
                                  const char *subject_id, struct gathered *all)
{
    struct flag_entry *found =
        subject_id[0] == '\0' ? NULL : calloc(FLAG_COUNT_MAX, sizeof(*found));
    uint32_t count = 0;
    if (subject_id[0] == '\0') {
        return STATUS_OK;
    }
    if (found == NULL) {
        return STATUS_NO_MEMORY;
    }
    enum status status = flag_book_list(desk, subject_id, found, FLAG_COUNT_MAX, &count);
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        if (all->flag_count < FLAG_COUNT_MAX && still_counts(advice, &found[i]) &&
            !is_hidden(advice->hidden_kinds, &found[i].flag) && !is_there(all, found[i].id)) {
            all->flags[all->flag_count++] = found[i];
        }
    }
    free(found);
    return status;
}

/* The flags of the case itself: all that came to it, but for who may know less. */
static enum status gather_own(struct desk *desk, const struct case_advice *advice,
                              struct gathered *all)
{
    uint32_t kept = 0;
    enum status status =
        flag_book_of_case(desk, advice->case_id, all->flags, FLAG_COUNT_MAX, &all->flag_count);
    for (uint32_t i = 0; i < all->flag_count && status == STATUS_OK; i++) {
        if (!is_hidden(advice->hidden_own_kinds, &all->flags[i].flag)) {
            all->flags[kept++] = all->flags[i];
        }
    }
    all->flag_count = kept;
    return status;
}

static enum status gather_flags(struct desk *desk, const struct case_advice *advice,
                                struct gathered *all)
{
    enum status status = STATUS_OK;
    if (advice->case_id != 0) {
        status = gather_own(desk, advice, all);
    }
    if (advice->is_open && status == STATUS_OK) {
        status = gather_subject(desk, advice, advice->terminal_id, all);
    }
    if (advice->is_open && status == STATUS_OK) {
        status = gather_subject(desk, advice, all->merchant.merchant_id, all);
    }
    return status;
}

/* The city of the place where it stands, else of its merchant; 0: neither is registered. */
static uint32_t city_of(const struct gathered *all)
{
    uint32_t area_code = all->terminal.binding.area_code;
    return (area_code != 0 ? area_code : all->merchant.area_code) / 100;
}

/* Whether the terminal is of the cohort, by the names that switch/aftersales/cohort_watch.c gives,
 * and as merging sees it (switch/desk/case_queue.c): which software it has changes, so brand and
 * model decide. */
static bool is_of_cohort(const struct case_advice *advice, const struct gathered *all,
                         const struct flag *cohort)
{
    char name[64];
    const struct terminal_registration *terminal = &all->terminal;
    size_t length = sizeof(name); /* that has to be equal */
    switch (cohort->cohort) {
    case COHORT_BRAND:
        snprintf(name, sizeof(name), "%s", terminal->brand);
        break;
    case COHORT_MODEL:
        snprintf(name, sizeof(name), "%s %s", terminal->brand, terminal->model);
        break;
    case COHORT_FIRMWARE:
        length = (size_t)snprintf(name, sizeof(name), "%s %s ", terminal->brand, terminal->model);
        break;
    case COHORT_AGENT:
        snprintf(name, sizeof(name), "%s", all->merchant.agent_id);
        break;
    case COHORT_REGION:
        snprintf(name, sizeof(name), "%u", city_of(all));
        break;
    case COHORT_CHANNEL:
        snprintf(name, sizeof(name), "%s", advice->channel != NULL ? advice->channel : "");
        break;
    case COHORT_KIND_COUNT:
    default:
        return false;
    }
    return name[0] > ' ' && strncmp(name, cohort->subject_id, length) == 0;
}

static enum status gather_cohorts(struct desk *desk, const struct case_advice *advice,
                                  struct gathered *all)
{
    struct flag_entry found[COHORT_COUNT_MAX];
    uint32_t count = 0;
    enum status status = flag_book_cohorts(desk, advice->now_us - CASE_ADVICE_FLAG_DAYS * DAY_US,
                                           found, COHORT_COUNT_MAX, &count);
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        if (is_of_cohort(advice, all, &found[i].flag)) {
            all->cohorts[all->cohort_count++] = found[i];
        }
    }
    return status;
}

/* ---- judging ---- */

static void judge(const struct case_advice *advice, struct gathered *all)
{
    for (uint32_t i = 0; i < all->flag_count; i++) {
        all->plain[i] = all->flags[i].flag;
    }
    const struct cause_question question = {
        .flags = all->plain,
        .flag_count = all->flag_count,
        .channel = advice->channel,
        .is_channel_down = advice->is_channel_down,
        .cohort = all->cohort_count > 0 ? &all->cohorts[0].flag : NULL,
        .merchant = all->has_merchant ? &all->merchant : NULL,
        .today = (int32_t)((advice->now_us + CHINA_US) / DAY_US)};
    cause_find(&question, &all->cause);
}

static enum fault likely_fault(const struct case_advice *advice, const struct gathered *all)
{
    if (advice->fault[0] != '\0') {
        return fault_from_code(advice->fault);
    }
    return all->cause.count > 0 ? all->cause.ranks[0].fault : fault_from_code(advice->fallback);
}

/* ---- in words ---- */

static json_t *rank_json(const struct cause_rank *rank)
{
    json_t *evidence = json_array();
    for (uint32_t i = 0; i < rank->evidence_count; i++) {
        const struct cause_evidence *item = &rank->evidence[i];
        json_array_append_new(
            evidence,
            json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "signal", signal_code_text(item->signal),
                      "sentence", signal_text(item->signal, false), "sentence_zh",
                      signal_text(item->signal, true), "position", (json_int_t)item->position,
                      "value", (json_int_t)item->value, "threshold", (json_int_t)item->threshold));
    }
    return json_pack("{s:s, s:s, s:s, s:i, s:o}", "fault", fault_code(rank->fault), "zh",
                     fault_text(rank->fault, true), "en", fault_text(rank->fault, false), "score",
                     (int)rank->score, "evidence", evidence);
}

static json_t *lines_json(const struct cause_answer *cause, bool is_chinese)
{
    char *text = malloc(EXPLANATION_SIZE);
    if (text == NULL) {
        return json_array();
    }
    cause_explain(cause, is_chinese, text, EXPLANATION_SIZE);
    json_t *lines = text_json_lines(text);
    free(text);
    return lines;
}

static json_t *cause_json(const struct cause_answer *cause)
{
    static const char *const PLACES[] = {[CAUSE_AT_TERMINAL] = "terminal",
                                         [CAUSE_AT_CHANNEL] = "channel",
                                         [CAUSE_AT_COHORT] = "cohort",
                                         [CAUSE_AT_MERCHANT] = "merchant"};
    json_t *ranks = json_array();
    json_t *checks = json_array();
    for (uint32_t i = 0; i < cause->count; i++) {
        json_array_append_new(ranks, rank_json(&cause->ranks[i]));
    }
    for (uint32_t i = 0; i < CAUSE_CHECK_COUNT; i++) {
        const struct cause_check *check = &cause->checks[i];
        json_array_append_new(checks,
                              json_pack("{s:s, s:b, s:b, s:o, s:o}", "place", PLACES[check->place],
                                        "is_known", (int)check->is_known, "is_ruled_out",
                                        (int)check->is_ruled_out, "zh", text_json(check->zh), "en",
                                        text_json(check->en)));
    }
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "place", PLACES[cause->place], "place_name",
                     text_json(cause->place_name), "faults", ranks, "checks", checks, "lines_zh",
                     lines_json(cause, true), "lines_en", lines_json(cause, false));
}

/* A step of the model's own script, else of the brand's. NOT_FOUND: neither has it. */
static enum status find_script(struct desk *desk, const struct terminal_registration *terminal,
                               struct first_aid_script *script)
{
    memcpy(script->brand, terminal->brand, sizeof(script->brand));
    memcpy(script->model, terminal->model, sizeof(script->model));
    enum status status = script->brand[0] == '\0' ? STATUS_NOT_FOUND
                                                  : registry_find(desk, REGISTRY_FIRST_AID, script);
    if (status == STATUS_NOT_FOUND && script->brand[0] != '\0') {
        script->model[0] = '\0';
        status = registry_find(desk, REGISTRY_FIRST_AID, script);
    }
    return status;
}

static enum status add_scripts(struct desk *desk, const struct gathered *all, const char *code,
                               json_t *steps)
{
    enum status status = STATUS_OK;
    for (uint8_t i = 1; i <= STEP_COUNT_MAX && status == STATUS_OK; i++) {
        struct first_aid_script script = {.step = i};
        snprintf(script.fault, sizeof(script.fault), "%s", code);
        status = find_script(desk, &all->terminal, &script);
        if (status == STATUS_OK) {
            json_array_append_new(steps, json_pack("{s:o, s:o}", "zh", text_json(script.zh), "en",
                                                   text_json(script.en)));
        }
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status add_self_help(struct desk *desk, const struct gathered *all, enum fault fault,
                                 json_t *to)
{
    if (fault == FAULT_COUNT) {
        json_object_set_new(to, "self_help", json_null());
        return STATUS_OK;
    }
    json_t *steps = json_array();
    enum status status = add_scripts(desk, all, fault_code(fault), steps);
    bool is_models = json_array_size(steps) > 0;
    for (uint32_t i = 1; !is_models && fault_step(fault, i, false) != NULL; i++) {
        json_array_append_new(steps, json_pack("{s:s, s:s}", "zh", fault_step(fault, i, true), "en",
                                               fault_step(fault, i, false)));
    }
    json_object_set_new(to, "self_help",
                        json_pack("{s:s, s:s, s:s, s:s, s:b, s:o}", "fault", fault_code(fault),
                                  "zh", fault_text(fault, true), "en", fault_text(fault, false),
                                  "cashier", fault_cashier_text(fault), "is_of_model",
                                  (int)is_models, "steps", steps));
    return status;
}

static enum part_class part_of(enum fault fault)
{
    return fault == FAULT_READER ? PART_READER : fault == FAULT_PRINTER ? PART_PRINTER : PART_WHOLE;
}

static enum status add_service(struct desk *desk, const struct case_advice *advice,
                               const struct gathered *all, json_t *to)
{
    enum fault fault = likely_fault(advice, all);
    enum damage damage = fault == FAULT_KEYS_LOST ? DAMAGE_TAMPER : DAMAGE_WEAR;
    const struct serve_about about = {.terminal = &all->terminal,
                                      .is_registered = all->has_terminal,
                                      .part = advice->has_part ? advice->part : part_of(fault),
                                      .damage = advice->has_damage ? advice->damage : damage,
                                      .is_on_site = advice->is_on_site,
                                      .now_us = advice->now_us};
    json_t *serve = NULL;
    json_t *warranty = NULL;
    enum status status = serve_answer(desk, &about, &serve);
    if (status == STATUS_OK) {
        status = serve_answer_warranty(desk, &about, &warranty);
    }
    json_object_set_new(to, "serve", serve != NULL ? serve : json_null());
    json_object_set_new(to, "warranty", warranty != NULL ? warranty : json_null());
    return status == STATUS_OK ? add_self_help(desk, all, fault, to) : status;
}

static json_t *flags_json(const struct desk *desk, const struct flag_entry *entries, uint32_t count)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++) {
        json_array_append_new(list, case_answer_flag(&entries[i], desk_case_rules(desk)));
    }
    return list;
}

/* A registered row without what people who follow up do not need: hashes stay at home. */
static json_t *registered_json(enum registry_kind kind, const void *row,
                               const struct case_advice *advice)
{
    json_t *answer = cell_json_row(registry_table(kind), row);
    cell_json_hide(answer, CELL_JSON_HASHES | advice->hidden_columns);
    return answer;
}

/* Where the terminal stands, as it is registered: whom to send there has to know. Of the merchant
 * that is asked about alone. */
static json_t *place_json(const struct gathered *all)
{
    const struct terminal_binding *binding = &all->terminal.binding;
    bool is_this_merchants =
        strcmp(binding->merchant_id, all->merchant.merchant_id) == 0 && all->has_terminal;
    if (!is_this_merchants || binding->merchant_id[0] == '\0') {
        return json_null();
    }
    return json_pack("{s:o, s:i, s:o, s:o, s:i}", "address", text_json(binding->address),
                     "area_code", (int)binding->area_code, "latitude_e3",
                     binding->has_place ? json_integer(binding->latitude_e3) : json_null(),
                     "longitude_e3",
                     binding->has_place ? json_integer(binding->longitude_e3) : json_null(),
                     "radius_m", (int)binding->radius_m);
}

static enum status add_all(struct desk *desk, const struct case_advice *advice,
                           struct gathered *all, json_t *to)
{
    enum status status = gather_rows(desk, advice, all);
    if (status == STATUS_OK) {
        status = gather_flags(desk, advice, all);
    }
    if (status == STATUS_OK) {
        status = gather_cohorts(desk, advice, all);
    }
    if (status != STATUS_OK) {
        return status;
    }
    judge(advice, all);
    json_object_set_new(to, "terminal",
                        all->has_terminal
                            ? registered_json(REGISTRY_TERMINAL, &all->terminal, advice)
                            : json_null());
    json_object_set_new(to, "place", place_json(all));
    json_object_set_new(to, "merchant",
                        all->has_merchant
                            ? registered_json(REGISTRY_MERCHANT, &all->merchant, advice)
                            : json_null());
    json_object_set_new(to, "flags", flags_json(desk, all->flags, all->flag_count));
    json_object_set_new(to, "cohorts", flags_json(desk, all->cohorts, all->cohort_count));
    json_object_set_new(to, "cause", cause_json(&all->cause));
    return add_service(desk, advice, all, to);
}

enum status case_advice_add(struct desk *desk, const struct case_advice *advice, json_t *to)
{
    struct gathered *all = calloc(1, sizeof(*all));
    if (all == NULL) {
        return STATUS_NO_MEMORY;
    }
    enum status status = add_all(desk, advice, all, to);
    free(all);
    return status;
}
