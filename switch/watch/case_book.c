/* See case_book.h. */
#include "switch/watch/case_book.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"

#define CASE_COUNT_FIRST 64
#define BRIEF_COUNT_MAX                                                                            \
    256 /* of one subject, its terminal and its cohorts; the newest are kept                       \
         */

struct book_case {
    struct service_case life;
    struct case_brief brief;
    enum cohort_kind cohort;
    enum signal_code first;
    enum follow_up follow; /* what the flag that opened it asks for */
};

struct case_book {
    struct book_case *cases; /* owner; case n has the id n + 1 */
    uint32_t count, count_max;
    struct case_rules rules;
    struct case_brief briefs[BRIEF_COUNT_MAX];
    struct case_effects effects;
    char reason[sizeof(((struct case_effects *)0)->refusal)];
};

struct case_book *case_book_create(const struct case_rules *rules)
{
    struct case_book *book = calloc(1, sizeof *book);
    if (book != NULL) {
        book->rules = *rules;
    }
    return book;
}

void case_book_destroy(struct case_book *book)
{
    if (book != NULL) {
        free(book->cases);
        free(book);
    }
}

const char *case_book_reason(const struct case_book *book)
{
    return book->reason;
}

uint32_t case_book_count(const struct case_book *book)
{
    return book->count;
}

/* "PAX A920 1.2.3" begins with "PAX A920". */
static bool begins_with(const char *text, const char *brand, const char *model)
{
    char start[40];
    int length = snprintf(start, sizeof start, "%s%s%s", brand, model[0] == 0 ? "" : " ", model);
    return length > 0 && strncmp(text, start, (size_t)length) == 0;
}

/* Whether a cohort may explain what a terminal does. Which channel or software a terminal has
 * changes; the flag's own mark says that one of them does. */
static bool belongs(const struct book_case *own, const struct terminal_facts *facts)
{
    const char *value = own->brief.subject_id;
    char region[16];
    switch (own->cohort) {
    case COHORT_BRAND:
        return strcmp(value, facts->brand) == 0;
    case COHORT_MODEL:
    case COHORT_FIRMWARE:
        return begins_with(value, facts->brand, facts->model);
    case COHORT_AGENT:
        return strcmp(value, facts->agent) == 0;
    case COHORT_REGION:
        (void)snprintf(region, sizeof region, "%u", (unsigned)(facts->area_code / 100));
        return strcmp(value, region) == 0;
    case COHORT_CHANNEL:
    case COHORT_KIND_COUNT:
        break;
    }
    return true;
}

static bool concerns(const struct book_case *own, const struct flag *flag,
                     const struct terminal_facts *facts)
{
    const struct case_brief *brief = &own->brief;
    bool is_subject =
        brief->subject == flag->subject && strcmp(brief->subject_id, flag->subject_id) == 0;
    bool is_terminal =
        flag->terminal_id[0] != 0 && strcmp(brief->terminal_id, flag->terminal_id) == 0;
    bool is_cohort = brief->subject == FLAG_OF_COHORT && flag->is_fleet_linked && facts != NULL;
    return is_subject || is_terminal || (is_cohort && belongs(own, facts));
}

static uint32_t briefs_gather(struct case_book *book, const struct flag *flag,
                              const struct terminal_facts *facts)
{
    uint32_t count = 0;
    for (uint32_t i = book->count; i > 0 && count < BRIEF_COUNT_MAX; i--) {
        if (concerns(&book->cases[i - 1], flag, facts)) {
            book->briefs[count++] = book->cases[i - 1].brief;
        }
    }
    return count;
}

/* Of each signal the newest flag; those that may stop a terminal are not pushed out. */
static void brief_note(struct case_brief *brief, const struct flag *flag)
{
    uint32_t place = 0;
    while (place < brief->flag_count && brief->flags[place].signal != flag->signal) {
        place++;
    }
    if (place == CASE_BRIEF_FLAG_COUNT_MAX) {
        place = 0;
        while (place < CASE_BRIEF_FLAG_COUNT_MAX - 1 && brief->flags[place].severity == 4) {
            place++;
        }
    } else if (place == brief->flag_count) {
        brief->flag_count++;
    }
    brief->flags[place] = (struct case_brief_flag){flag->signal, flag->severity, flag->position};
}

static enum status case_step(struct case_book *book, struct book_case *own,
                             struct case_event *event, const struct flag *flag)
{
    event->wall_us = flag->window_end_us;
    event->role = CASE_ROLE_SWITCH;
    event->severity = flag->severity;
    memcpy(event->actor, "watcher", sizeof("watcher"));
    service_case_step(&own->life, event, &book->rules, &book->effects);
    if (!book->effects.is_permitted) {
        memcpy(book->reason, book->effects.refusal, sizeof book->reason);
        return STATUS_BROKEN;
    }
    brief_note(&own->brief, flag);
    return STATUS_OK;
}

static bool book_grow(struct case_book *book)
{
    if (book->count < book->count_max) {
        return true;
    }
    uint32_t count_max = book->count_max == 0 ? CASE_COUNT_FIRST : 2 * book->count_max;
    struct book_case *cases = realloc(book->cases, count_max * sizeof *cases);
    if (cases == NULL) {
        return false;
    }
    book->cases = cases;
    book->count_max = count_max;
    return true;
}

static void case_fill(struct book_case *own, const struct flag *flag,
                      const struct terminal_facts *facts, const struct merge_answer *answer)
{
    struct service_case *life = &own->life;
    struct case_brief *brief = &own->brief;
    life->kind = answer->kind;
    life->source = CASE_SOURCE_RULE;
    life->subject = flag->subject;
    memcpy(life->subject_id, flag->subject_id, sizeof life->subject_id);
    memcpy(life->cause, answer->cause, sizeof life->cause);
    memcpy(life->terminal_id, flag->terminal_id, sizeof life->terminal_id);
    memcpy(life->serial, flag->serial, sizeof life->serial);
    memcpy(life->merchant_id, flag->merchant_id, sizeof life->merchant_id);
    life->severity = answer->severity;
    life->service_class = case_service_class(answer->severity);
    life->is_makers = answer->is_makers;
    if (facts != NULL) {
        memcpy(life->brand, facts->brand, sizeof life->brand);
        memcpy(life->model, facts->model, sizeof life->model);
    }
    brief->kind = answer->kind;
    brief->subject = flag->subject;
    brief->is_open = true;
    memcpy(brief->subject_id, flag->subject_id, sizeof brief->subject_id);
    memcpy(brief->cause, answer->cause, sizeof brief->cause);
    memcpy(brief->terminal_id, flag->terminal_id, sizeof brief->terminal_id);
    own->cohort = flag->cohort;
    own->first = flag->signal;
    own->follow = answer->follow;
}

static enum status case_open(struct case_book *book, const struct flag *flag,
                             const struct terminal_facts *facts, const struct merge_answer *answer)
{
    struct case_event event = {.kind = CASE_EVENT_OPEN};
    if (!book_grow(book)) {
        return STATUS_NO_MEMORY;
    }
    struct book_case *own = &book->cases[book->count];
    memset(own, 0, sizeof *own);
    case_fill(own, flag, facts, answer);
    own->life.id = own->brief.id = book->count + 1;
    memcpy(event.reason, answer->reason, sizeof event.reason);
    enum status status = case_step(book, own, &event, flag);
    book->count += status == STATUS_OK ? 1 : 0;
    return status;
}

enum status case_book_take(struct case_book *book, const struct flag *flag,
                           const struct terminal_facts *facts, struct case_taken *taken)
{
    struct merge_answer answer;
    struct case_event joined = {.kind = CASE_EVENT_JOIN};
    case_merge(flag, book->briefs, briefs_gather(book, flag, facts), &book->rules, &answer);
    enum status status = STATUS_OK;
    if (answer.verdict == MERGE_OPEN) {
        status = case_open(book, flag, facts, &answer);
        answer.case_id = book->count;
    } else if (answer.verdict == MERGE_JOIN) {
        REQUIRE(answer.case_id >= 1 && answer.case_id <= book->count);
        memcpy(joined.reason, answer.reason, sizeof joined.reason);
        status = case_step(book, &book->cases[answer.case_id - 1], &joined, flag);
    }
    *taken = (struct case_taken){answer.verdict, answer.case_id};
    return status;
}

/* When it must be answered, or repaired once that is under way; 0: nobody waits. */
static int64_t due_of(const struct service_case *life, const struct case_rules *rules)
{
    const struct service_clock *clock =
        service_clock_is_running(&life->repair) ? &life->repair : &life->answer;
    return service_case_is_open(life) ? service_clock_due(clock, &rules->calendar) : 0;
}

void case_book_write(const struct case_book *book, FILE *file)
{
    static const char *const SUBJECTS[] = {"terminal", "merchant", "cohort"};
    fprintf(file, "case,kind,state,subject_kind,subject,cohort,cause,severity,opened_us,first_"
                  "signal,flag_count,follow_up,due_us\n");
    for (uint32_t i = 0; i < book->count; i++) {
        const struct book_case *own = &book->cases[i];
        const struct service_case *life = &own->life;
        fprintf(file, "%" PRIu64 ",%s,%s,%s,%s,%s,%s,%u,%" PRId64 ",%s,%u,%s,%" PRId64 "\n",
                life->id, case_kind_name(life->kind), case_state_name(life->state),
                SUBJECTS[life->subject], life->subject_id,
                life->subject == FLAG_OF_COHORT ? cohort_kind_name(own->cohort) : "", life->cause,
                life->severity, life->opened_us, signal_code_text(own->first), life->flag_count,
                follow_up_name(own->follow), due_of(life, &book->rules));
    }
}
