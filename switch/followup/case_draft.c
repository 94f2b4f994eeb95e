/* See case_draft.h. */
#include "switch/followup/case_draft.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "switch/aftersales/cause.h"
#include "switch/aftersales/speech.h"
#include "switch/desk/flag_book.h"
#include "switch/desk/inspection_book.h"
#include "switch/desk/registry.h"

#define DAY_US INT64_C(86400000000)
#define STANDS_DAYS 3 /* flags of so long a time speak about a cause */
#define STANDING_COUNT_MAX 12

#define COPY(to, from) snprintf((to), sizeof(to), "%.*s", (int)sizeof(to) - 1, (from))

struct case_event case_draft_event(enum case_event_kind kind, int64_t wall_us, const char *reason)
{
    struct case_event event = {
        .kind = kind, .wall_us = wall_us, .role = CASE_ROLE_SWITCH, .actor = CASE_DRAFT_ACTOR};
    struct speech speech;
    speech_begin(&speech, event.reason, sizeof(event.reason));
    speech_say(&speech, "%s", reason);
    return event;
}

void case_draft_sentence(const struct flag *flag, char text[CASE_REASON_SIZE])
{
    struct speech speech;
    speech_begin(&speech, text, CASE_REASON_SIZE);
    speech_say(&speech, "%s %s: %" PRId64 " against %" PRId64, signal_code_text(flag->signal),
               signal_text(flag->signal, false), flag->value, flag->threshold);
}

void case_draft_fault(const struct flag *flag, char fault[4])
{
    enum fault of_signal = fault_of_signal(flag->signal);
    snprintf(fault, 4, "%s", of_signal == FAULT_COUNT ? "" : fault_code(of_signal));
}

/* Looks a row up by the key in it; what is not there leaves it empty. */
static enum status look_up(struct desk *desk, enum registry_kind kind, void *row, bool *is_there)
{
    enum status status = registry_find(desk, kind, row);
    *is_there = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status merchant_find(struct desk *desk, const char *merchant_id,
                                 struct merchant_registration *merchant, bool *is_there)
{
    *merchant = (struct merchant_registration){0};
    COPY(merchant->merchant_id, merchant_id);
    *is_there = false;
    return merchant_id[0] == '\0' ? STATUS_OK
                                  : look_up(desk, REGISTRY_MERCHANT, merchant, is_there);
}

/* --- who and what ---------------------------------------------------------------------------- */

static enum status fill_terminal(struct desk *desk, struct service_case *it)
{
    struct terminal_registration terminal = {0};
    struct terminal_sighting seen = {0};
    bool is_there = false;
    COPY(terminal.terminal_id, it->terminal_id);
    enum status status = look_up(desk, REGISTRY_TERMINAL, &terminal, &is_there);
    if (status == STATUS_OK) {
        status = inspection_book_sighting(desk, it->terminal_id, &seen);
        status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    if (status != STATUS_OK) {
        return status;
    }
    COPY(it->firmware, seen.firmware[0] != '\0' ? seen.firmware
                       : is_there               ? terminal.firmware
                                                : "");
    if (is_there) {
        COPY(it->brand, terminal.brand);
        COPY(it->model, terminal.model);
        it->obtained = terminal.obtained;
        if (it->serial[0] == '\0') {
            COPY(it->serial, terminal.serial);
        }
        if (it->merchant_id[0] == '\0') {
            COPY(it->merchant_id, terminal.binding.merchant_id);
        }
    }
    return STATUS_OK;
}

/* The model whose brand and name a cohort's value begins with: "PAX A920 1.2.3". */
struct model_search {
    const struct flag *flag;
    struct service_case *it;
};

static bool take_model(void *argument, const void *row)
{
    const struct model_search *search = argument;
    const struct device_model *model = row;
    const char *value = search->flag->subject_id;
    char start[sizeof(model->brand) + sizeof(model->model)];
    int length = snprintf(start, sizeof(start), "%s %s", model->brand, model->model);
    bool is_its = strncmp(value, start, (size_t)length) == 0 &&
                  (value[length] == '\0' || value[length] == ' ');
    bool is_longer = strlen(model->model) >= strlen(search->it->model);
    if (is_its && is_longer) {
        COPY(search->it->brand, model->brand);
        COPY(search->it->model, model->model);
        COPY(search->it->firmware, value[length] == ' ' ? value + length + 1 : "");
    }
    return true;
}

/* A cohort's case is found by brand and model (case_book_briefs). */
static enum status fill_cohort(struct desk *desk, const struct flag *flag, struct service_case *it)
{
    if (flag->cohort == COHORT_BRAND) {
        COPY(it->brand, flag->subject_id);
    }
    if (flag->cohort != COHORT_MODEL && flag->cohort != COHORT_FIRMWARE) {
        return STATUS_OK;
    }
    struct model_search search = {flag, it};
    const struct registry_sink sink = {take_model, &search};
    return registry_list(desk, REGISTRY_DEVICE_MODEL, &sink);
}

enum status case_draft_fill(const struct case_draft *draft, const struct merge_answer *answer,
                            struct service_case *it)
{
    const struct flag *flag = draft->flag;
    *it = (struct service_case){.kind = answer->kind,
                                .source = CASE_SOURCE_RULE,
                                .subject = flag->subject,
                                .severity = answer->severity,
                                .service_class = case_service_class(answer->severity),
                                .is_makers = answer->is_makers};
    COPY(it->subject_id, flag->subject_id);
    COPY(it->cause, answer->cause);
    COPY(it->terminal_id, flag->terminal_id);
    COPY(it->serial, flag->serial);
    COPY(it->merchant_id, flag->merchant_id);
    case_draft_fault(flag, it->fault);
    if (flag->subject == FLAG_OF_COHORT) {
        return fill_cohort(draft->desk, flag, it);
    }
    return it->terminal_id[0] == '\0' ? STATUS_OK : fill_terminal(draft->desk, it);
}

/* --- the likely fault ------------------------------------------------------------------------ */

/* The flags that speak about it: of the terminal, then of its merchant. */
struct standing {
    uint32_t count;
    struct flag flags[2 * STANDING_COUNT_MAX];
};

static bool does_stand(const struct flag_entry *entry, const struct flag *flag)
{
    return !entry->flag.is_watched_only && entry->outcome != CASE_OUTCOME_BENIGN &&
           entry->flag.subject != FLAG_OF_COHORT &&
           entry->flag.window_end_us > flag->window_end_us - STANDS_DAYS * DAY_US;
}

static enum status standing_add(struct desk *desk, const char *subject_id, const struct flag *flag,
                                struct standing *standing)
{
    struct flag_entry entries[STANDING_COUNT_MAX];
    uint32_t count = 0;
    if (subject_id[0] == '\0') {
        return STATUS_OK;
    }
    memset(entries, 0, sizeof(entries));
    enum status status = flag_book_list(desk, subject_id, entries, STANDING_COUNT_MAX, &count);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        if (does_stand(&entries[i], flag)) {
            standing->flags[standing->count++] = entries[i].flag;
        }
    }
    return status;
}

/* The newest flag of the cohort that explains it. */
static enum status cohort_find(struct desk *desk, const char *cohort_id, struct flag_entry *entry,
                               bool *is_there)
{
    uint32_t count = 0;
    memset(entry, 0, sizeof(*entry));
    enum status status =
        cohort_id[0] == '\0' ? STATUS_OK : flag_book_list(desk, cohort_id, entry, 1, &count);
    *is_there = status == STATUS_OK && count == 1 && entry->flag.subject == FLAG_OF_COHORT;
    return status;
}

/* "likely N1 no network, no sign-on (T8 T13); ruled out: channel: it is well; ..." */
static void say_cause(const struct cause_answer *answer, struct speech *speech)
{
    const struct cause_rank *first = &answer->ranks[0];
    if (answer->count == 0) {
        speech_say(speech, "no fault of a terminal is pointed to");
    } else {
        speech_say(speech, "likely %s %s (", fault_code(first->fault),
                   fault_text(first->fault, false));
        for (uint32_t i = 0; i < first->evidence_count && i < 3; i++) {
            speech_say(speech, "%s%s", i == 0 ? "" : " ",
                       signal_code_text(first->evidence[i].signal));
        }
        speech_say(speech, ")");
    }
    for (uint32_t i = 0; i < CAUSE_CHECK_COUNT; i++) {
        const struct cause_check *check = &answer->checks[i];
        speech_say(speech, "; %s%s", check->is_ruled_out ? "ruled out, " : "", check->en);
    }
}

/* What is known when the cause is asked for. */
struct known {
    struct standing standing;
    struct flag_entry cohort;
    struct merchant_registration merchant;
    bool has_cohort, has_merchant;
};

static enum status known_gather(const struct case_draft *draft, const struct service_case *it,
                                const char *cohort_id, struct known *known)
{
    memset(known, 0, sizeof(*known));
    enum status status = standing_add(draft->desk, it->terminal_id, draft->flag, &known->standing);
    if (status == STATUS_OK) {
        status = standing_add(draft->desk, it->merchant_id, draft->flag, &known->standing);
    }
    if (status == STATUS_OK) {
        status = cohort_find(draft->desk, cohort_id, &known->cohort, &known->has_cohort);
    }
    return status == STATUS_OK
               ? merchant_find(draft->desk, it->merchant_id, &known->merchant, &known->has_merchant)
               : status;
}

enum status case_draft_triage(const struct case_draft *draft, const struct service_case *it,
                              const char *cohort_id, struct case_event *event)
{
    const struct flag *flag = draft->flag;
    struct known known;
    struct cause_answer answer;
    enum status status = known_gather(draft, it, cohort_id, &known);
    if (status != STATUS_OK) {
        return status;
    }
    const struct cause_question question = {
        .flags = known.standing.flags,
        .flag_count = known.standing.count,
        .cohort = flag->subject == FLAG_OF_COHORT ? flag
                  : known.has_cohort              ? &known.cohort.flag
                                                  : NULL,
        .merchant = known.has_merchant ? &known.merchant : NULL,
        .today = work_calendar_day(&draft->rules->calendar, flag->window_end_us)};
    cause_find(&question, &answer);
    *event = case_draft_event(CASE_EVENT_TRIAGE, flag->window_end_us, "");
    struct speech speech;
    speech_begin(&speech, event->reason, sizeof(event->reason));
    say_cause(&answer, &speech);
    event->service_class = it->service_class;
    if (answer.count > 0) {
        enum service_class of_fault = fault_service_class(answer.ranks[0].fault);
        COPY(event->fault, fault_code(answer.ranks[0].fault));
        event->service_class = of_fault < it->service_class ? of_fault : it->service_class;
    }
    return STATUS_OK;
}

/* --- what a register can tell ---------------------------------------------------------------- */

/* 0: this kind of case has no such step. */
static uint8_t merchant_step(enum case_kind kind)
{
    for (uint8_t step = 1; case_first_step(kind, step) != NULL; step++) {
        if (strcmp(case_first_step(kind, step)->name, "CHECK_MERCHANT") == 0) {
            return step;
        }
    }
    return 0;
}

enum status case_draft_merchant_step(const struct case_draft *draft, const struct service_case *it,
                                     struct case_event *event, bool *is_known)
{
    struct merchant_registration merchant;
    int64_t now_us = draft->flag->window_end_us;
    uint8_t step = merchant_step(it->kind);
    *is_known = false;
    enum status status =
        step == 0 ? STATUS_OK : merchant_find(draft->desk, it->merchant_id, &merchant, is_known);
    if (status != STATUS_OK || !*is_known) {
        return status;
    }
    const char *fault = merchant_qualification_fault(
        &merchant, work_calendar_day(&draft->rules->calendar, now_us), false);
    *event = case_draft_event(
        CASE_EVENT_FIRST_STEP, now_us,
        fault != NULL ? fault : "the merchant is active, licence and contract are in force");
    event->step = step;
    event->result = CASE_STEP_DONE;
    return STATUS_OK;
}
