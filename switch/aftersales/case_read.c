/* See case_read.h. */
#include "switch/aftersales/case_read.h"

#include <stdio.h>
#include <string.h>

#include "routing/civil_date.h"

#define HOUR_S 3600
#define TERM_DIGITS_MAX 6
#define TERM_COUNT_MAX 100000 /* minutes: ten weeks; of days far fewer are meant */
#define DAYS_MAX 366

static const char *const KNOWN[] = {"weekdays",
                                    "hours",
                                    "utc_offset_hours",
                                    "holidays",
                                    "make_up_days",
                                    "P1",
                                    "P2",
                                    "P3",
                                    "escalation_percent",
                                    "reopen_days",
                                    "quiet_days",
                                    "hold_work_days",
                                    "report_work_days",
                                    "score_reopens_max",
                                    NULL};
static const char *const WEEKDAYS[] = {"monday", "tuesday",  "wednesday", "thursday",
                                       "friday", "saturday", "sunday",    NULL};
static const char *const CLASSES[SERVICE_CLASS_COUNT] = {"P1", "P2", "P3"};
/* The answer, then the places in the order of enum service_place. */
static const char *const TERMS[] = {"answer",   "remote", "site_city", "site_county",
                                    "site_far", "swap",   NULL};
_Static_assert(sizeof(TERMS) / sizeof(TERMS[0]) == SERVICE_PLACE_COUNT + 2,
               "each place has its word");

/* --- terms ----------------------------------------------------------------------------------- */

static const struct term_unit {
    const char *word;
    enum service_term_unit unit;
    uint32_t times;
} UNITS[] = {{"m", TERM_MINUTES, 1},
             {"h", TERM_MINUTES, 60},
             {"wm", TERM_WORK_MINUTES, 1},
             {"wh", TERM_WORK_MINUTES, 60},
             {"wd", TERM_WORK_DAYS, 1}};

/* Digits from `text`; false: none, or too many. */
static bool number_parse(uint32_t *number, const char *text, size_t digits, size_t digits_max)
{
    *number = 0;
    for (size_t i = 0; i < digits && digits <= digits_max; i++) {
        *number = *number * 10 + (uint32_t)(text[i] - '0');
    }
    return digits > 0 && digits <= digits_max;
}

static bool term_parse(struct service_term *term, const char *text)
{
    uint32_t number;
    size_t digits = strspn(text, "0123456789");
    if (!number_parse(&number, text, digits, TERM_DIGITS_MAX)) {
        return false;
    }
    for (unsigned i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
        if (strcmp(UNITS[i].word, text + digits) == 0) {
            *term = (struct service_term){number * UNITS[i].times, UNITS[i].unit};
            return term->count <= TERM_COUNT_MAX &&
                   (term->count > 0 || term->unit == TERM_WORK_DAYS);
        }
    }
    return false;
}

static void term_read(struct service_term *term, struct document *document,
                      const struct document_node *node, const char *key)
{
    struct service_term read;
    const char *text = document_text(document, node, (struct document_want){key, false}, NULL);
    if (text == NULL) {
        return; /* absent, or reported */
    }
    if (term_parse(&read, text)) {
        *term = read;
    } else {
        document_fault(document, document_member(node, key),
                       "%s: expected minutes or hours (30m, 2h), working time (4wh) or working "
                       "days (1wd), got \"%.40s\"",
                       key, text);
    }
}

static void class_read(struct service_terms *terms, struct document *document,
                       const struct document_node *node, unsigned service_class)
{
    if (node->kind != DOCUMENT_MAPPING) {
        document_fault(document, node, "%s: expected terms, as {answer: 30m, remote: 2h}",
                       node->key);
        return;
    }
    document_refuse_unknown(document, node, TERMS);
    term_read(&terms->answer[service_class], document, node, TERMS[0]);
    for (unsigned place = 0; place < SERVICE_PLACE_COUNT; place++) {
        term_read(&terms->fix[service_class][place], document, node, TERMS[place + 1]);
    }
}

/* --- the calendar ---------------------------------------------------------------------------- */

/* Two digits, a colon, two digits; to 24:00. */
static bool minute_parse(int16_t *minute, const char *text)
{
    uint32_t hours, minutes;
    if (strspn(text, "0123456789") != 2 || text[2] != ':' || !number_parse(&hours, text, 2, 2) ||
        !number_parse(&minutes, text + 3, strspn(text + 3, "0123456789"), 2) || minutes > 59 ||
        hours * 60 + minutes > 24 * 60) {
        return false;
    }
    *minute = (int16_t)(hours * 60 + minutes);
    return true;
}

static void hours_read(struct work_calendar *calendar, struct document *document,
                       const struct document_node *root)
{
    char opens[8] = "", closes[8] = "";
    int16_t from = 0, to = 0;
    const char *text = document_text(document, root, (struct document_want){"hours", false}, NULL);
    if (text == NULL) {
        return;
    }
    bool is_form = strlen(text) == 11 && text[5] == '-';
    if (is_form) {
        memcpy(opens, text, 5);
        memcpy(closes, text + 6, 5);
    }
    if (!is_form || !minute_parse(&from, opens) || !minute_parse(&to, closes) || from >= to) {
        document_fault(document, document_member(root, "hours"),
                       "hours: expected from and to within one day, as 09:00-18:00, got \"%.40s\"",
                       text);
        return;
    }
    bool is_whole_day = from == 0 && to == 24 * 60;
    calendar->opens_minute = from;
    calendar->closes_minute = is_whole_day ? 0 : to;
}

/* NULL: it is no list, which is reported, or absent. */
static const struct document_node *list_of(struct document *document,
                                           const struct document_node *root, const char *key,
                                           const char *example)
{
    const struct document_node *node = document_member(root, key);
    if (node != NULL && node->kind != DOCUMENT_SEQUENCE) {
        document_fault(document, node, "%s: expected a list, as %s", key, example);
        return NULL;
    }
    return node;
}

static void weekdays_read(struct work_calendar *calendar, struct document *document,
                          const struct document_node *root)
{
    const struct document_node *list =
        list_of(document, root, "weekdays", "[monday, tuesday, wednesday, thursday, friday]");
    uint8_t weekdays = 0;
    if (list == NULL) {
        return;
    }
    for (const struct document_node *item = list->first_child; item != NULL; item = item->next) {
        unsigned day = 0;
        while (WEEKDAYS[day] != NULL &&
               (item->text == NULL || strcmp(WEEKDAYS[day], item->text) != 0)) {
            day++;
        }
        if (WEEKDAYS[day] == NULL) {
            document_fault(document, item, "weekdays: expected monday to sunday, got %s",
                           item->text == NULL ? "a section" : item->text);
        } else {
            weekdays = (uint8_t)(weekdays | 1u << day);
        }
    }
    if (weekdays == 0) {
        document_fault(document, list, "weekdays: expected at least one day that is worked");
    }
    calendar->weekdays = weekdays;
}

/* Days into `days`, which has room for `count_max`. */
static uint16_t days_read(struct document *document, const struct document_node *root,
                          const char *key, int32_t *days, uint16_t count_max)
{
    const struct document_node *list = list_of(document, root, key, "[2026-10-01]");
    uint16_t count = 0;
    for (const struct document_node *item = list == NULL ? NULL : list->first_child; item != NULL;
         item = item->next) {
        int64_t day = 0;
        if (item->text == NULL || !civil_date_parse(&day, item->text) || day <= 0) {
            document_fault(document, item, "%s: expected a day, as 2026-10-01, got %s", key,
                           item->text == NULL ? "a section" : item->text);
        } else if (count == count_max) {
            document_fault(document, item,
                           "%s: expected at most %u days; take out those of past years", key,
                           count_max);
            break;
        } else {
            days[count++] = (int32_t)day;
        }
    }
    return count;
}

static void calendar_read(struct work_calendar *calendar, struct document *document,
                          const struct document_node *root)
{
    static const int64_t OFFSETS[] = {-12, 14, 8};
    calendar->utc_offset_s =
        (int32_t)(HOUR_S * document_integer(document, root,
                                            (struct document_want){"utc_offset_hours", false},
                                            OFFSETS));
    hours_read(calendar, document, root);
    weekdays_read(calendar, document, root);
    calendar->holiday_count =
        days_read(document, root, "holidays", calendar->holidays, CALENDAR_HOLIDAY_COUNT_MAX);
    calendar->make_up_count =
        days_read(document, root, "make_up_days", calendar->make_ups, CALENDAR_MAKE_UP_COUNT_MAX);
}

/* --- the section ----------------------------------------------------------------------------- */

static void escalation_read(struct service_terms *terms, struct document *document,
                            const struct document_node *root)
{
    const struct document_node *list =
        list_of(document, root, "escalation_percent", "[50, 80, 100]");
    uint32_t count = 0;
    uint32_t before = 0;
    if (list == NULL) {
        return;
    }
    for (const struct document_node *item = list->first_child; item != NULL; item = item->next) {
        uint32_t percent = 0;
        size_t digits = item->text == NULL ? 0 : strspn(item->text, "0123456789");
        bool is_number = digits > 0 && item->text[digits] == '\0' &&
                         number_parse(&percent, item->text, digits, 3);
        if (!is_number || percent <= before || percent > 100 || count == SERVICE_ESCALATION_COUNT) {
            count = SERVICE_ESCALATION_COUNT + 1;
            break;
        }
        terms->escalation_percent[count++] = (uint8_t)percent;
        before = percent;
    }
    if (count != SERVICE_ESCALATION_COUNT) {
        document_fault(document, list,
                       "escalation_percent: expected three rising numbers from 1 to 100, for the "
                       "engineer, the dispatcher and the manager, as [50, 80, 100]");
    }
}

static uint16_t count_read(struct document *document, const struct document_node *root,
                           const char *key, int64_t fallback)
{
    const int64_t range[] = {0, DAYS_MAX, fallback};
    return (uint16_t)document_integer(document, root, (struct document_want){key, false}, range);
}

static void section_read(struct case_rules *rules, struct document *document,
                         const struct document_node *root)
{
    const int64_t scores[] = {0, 5, rules->score_reopens_max};
    document_refuse_unknown(document, root, KNOWN);
    calendar_read(&rules->calendar, document, root);
    for (unsigned i = 0; i < SERVICE_CLASS_COUNT; i++) {
        const struct document_node *node = document_member(root, CLASSES[i]);
        if (node != NULL) {
            class_read(&rules->terms, document, node, i);
        }
    }
    escalation_read(&rules->terms, document, root);
    rules->reopen_days = count_read(document, root, "reopen_days", rules->reopen_days);
    rules->quiet_days = count_read(document, root, "quiet_days", rules->quiet_days);
    rules->hold_work_days = count_read(document, root, "hold_work_days", rules->hold_work_days);
    rules->report_work_days =
        count_read(document, root, "report_work_days", rules->report_work_days);
    rules->score_reopens_max = (uint8_t)document_integer(
        document, root, (struct document_want){"score_reopens_max", false}, scores);
}

bool case_rules_read(struct case_rules *rules, struct document *document)
{
    const struct document_node *node = document_member(document_root(document), "cases");
    struct case_rules read;
    uint32_t faults = document_fault_count(document);
    case_rules_default(&read);
    if (node != NULL && node->kind != DOCUMENT_MAPPING) {
        document_fault(document, node, "cases: expected a section, as `cases: {reopen_days: 7}`");
    } else if (node != NULL) {
        section_read(&read, document, node);
    }
    if (document_fault_count(document) > faults) {
        return false;
    }
    *rules = read;
    return true;
}
