/* Rules of anomalies.yaml. See watch_read.h. */
#include "switch/aftersales/watch_read.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/aftersales/watch_moment.h"

#define DURATION_DIGITS_MAX 9
#define DURATION_TEXT_SIZE 24
#define QUIET_S_MAX (366 * 86400)
#define COHORT_TERMINALS_MAX 1000000
#define HOUR_S 3600

/* --- words
 * ---------------------------------------------------------------------------------------- */

#define COMMON_MEMBERS "mode", "severity", "follow_up", "quiet"
#define COMMON_COUNT 4

static const char *const CODES[] = {
#define SIGNAL(code, name, subject, kind, severity, follow, zh, en) #code,
#include "switch/aftersales/signal.def"
#undef SIGNAL
    "cohort", "utc_offset_hours", "holidays", "cases", NULL};

static const char *const MODES[] = {"on", "watch", "off", NULL};
enum mode { MODE_ON, MODE_WATCH, MODE_OFF };

/* In the order of FOLLOW_UP_MAP, which has them in capitals. */
static const char *const FOLLOW_UPS[] = {"remind", "call", "update",  "service", "visit",
                                         "hold",   "stop", "recover", "report",  NULL};
_Static_assert(sizeof(FOLLOW_UPS) / sizeof(FOLLOW_UPS[0]) == FOLLOW_UP_COUNT + 1,
               "each follow-up has its word");

/* --- durations
 * -------------------------------------------------------------------------------------- */

struct duration_unit {
    char letter;
    int64_t seconds;
};
static const struct duration_unit DURATION_UNITS[] = {
    {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};

/* "90s", "5m", "1h", "7d". */
static bool duration_parse(int64_t *seconds, const char *text)
{
    size_t digits = strspn(text, "0123456789");
    int64_t number = 0;
    if (digits == 0 || digits > DURATION_DIGITS_MAX || text[digits] == 0 || text[digits + 1] != 0) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        number = number * 10 + (text[i] - '0');
    }
    for (unsigned i = 0; i < sizeof(DURATION_UNITS) / sizeof(DURATION_UNITS[0]); i++) {
        if (DURATION_UNITS[i].letter == text[digits]) {
            *seconds = number * DURATION_UNITS[i].seconds;
            return true;
        }
    }
    return false;
}

static const char *duration_text(char text[DURATION_TEXT_SIZE], int64_t seconds)
{
    unsigned i = 0;
    while (seconds % DURATION_UNITS[i].seconds != 0) {
        i++;
    }
    snprintf(text, DURATION_TEXT_SIZE, "%lld%c", (long long)(seconds / DURATION_UNITS[i].seconds),
             seconds == 0 ? 's' : DURATION_UNITS[i].letter);
    return text;
}

/* `range`: least, most and fallback, in seconds. */
static int64_t duration_read(struct document *document, const struct document_node *node,
                             const char *key, const int64_t range[3])
{
    char least[DURATION_TEXT_SIZE], most[DURATION_TEXT_SIZE];
    const char *text = document_text(document, node, (struct document_want){key, false}, NULL);
    int64_t seconds = range[2];
    if (text == NULL) {
        return range[2]; /* absent, or reported */
    }
    if (!duration_parse(&seconds, text) || seconds < range[0] || seconds > range[1]) {
        document_fault(document, document_member(node, key),
                       "%s: expected a duration from %s to %s, as 90s, 5m, 1h or 7d, got \"%.40s\"",
                       key, duration_text(least, range[0]), duration_text(most, range[1]), text);
        return range[2];
    }
    return seconds;
}

/* --- one rule
 * --------------------------------------------------------------------------------------- */

static int64_t number_read(struct document *document, const struct document_node *node,
                           const struct watch_number_form *form)
{
    const int64_t range[] = {form->least, form->most, form->fallback};
    if (form->unit == WATCH_UNIT_SECONDS) {
        return duration_read(document, node, form->key, range);
    }
    return document_integer(document, node, (struct document_want){form->key, false}, range);
}

static void common_read(struct watch_rule *rule, struct document *document,
                        const struct document_node *node)
{
    const int64_t severities[] = {1, 4, rule->severity};
    const int64_t quiets[] = {0, QUIET_S_MAX, rule->quiet_s};
    int mode =
        document_choice(document, node, (struct document_want){"mode", false}, MODES, MODE_ON);
    rule->is_on = mode != MODE_OFF;
    rule->is_watched_only = mode == MODE_WATCH;
    rule->severity = (uint8_t)document_integer(
        document, node, (struct document_want){"severity", false}, severities);
    rule->follow = (enum follow_up)document_choice(
        document, node, (struct document_want){"follow_up", false}, FOLLOW_UPS, (int)rule->follow);
    rule->quiet_s = (uint32_t)duration_read(document, node, "quiet", quiets);
}

static void signal_read(struct watch_rules *rules, struct document *document,
                        const struct document_node *node, enum signal_code signal)
{
    const char *known[COMMON_COUNT + WATCH_NUMBER_COUNT + 1] = {COMMON_MEMBERS};
    struct watch_rule *rule = &rules->items[signal];
    if (signal == SIGNAL_COHORT) {
        document_fault(document, node, "%s: expected in the section `cohort`, with its numbers",
                       node->key);
        return;
    }
    if (node->kind != DOCUMENT_MAPPING) {
        document_fault(document, node, "%s: expected a section, as {severity: %d, quiet: 1d}",
                       node->key, rule->severity);
        return;
    }
    for (unsigned slot = 0; watch_number_form(signal, slot) != NULL; slot++) {
        known[COMMON_COUNT + slot] = watch_number_form(signal, slot)->key;
    }
    document_refuse_unknown(document, node, known);
    common_read(rule, document, node);
    for (unsigned slot = 0; watch_number_form(signal, slot) != NULL; slot++) {
        rule->numbers[slot] = number_read(document, node, watch_number_form(signal, slot));
    }
}

static void cohort_read(struct watch_rules *rules, struct document *document,
                        const struct document_node *node)
{
    static const char *const KNOWN[] = {COMMON_MEMBERS, "terminal_count_min", "times_percent",
                                        "level_ppm", NULL};
    struct watch_cohort_rule *cohort = &rules->cohort;
    struct watch_rule *rule = &rules->items[SIGNAL_COHORT];
    const int64_t terminals[] = {2, COHORT_TERMINALS_MAX, cohort->terminal_count_min};
    const int64_t times[] = {110, 100000, cohort->times_percent};
    const int64_t level[] = {1, 100000, cohort->level_ppm};
    if (node->kind != DOCUMENT_MAPPING) {
        document_fault(document, node, "cohort: expected a section, as {times_percent: 300}");
        return;
    }
    document_refuse_unknown(document, node, KNOWN);
    rule->quiet_s = cohort->quiet_s;
    common_read(rule, document, node);
    cohort->is_on = rule->is_on;
    cohort->quiet_s = rule->quiet_s;
    cohort->terminal_count_min = (uint32_t)document_integer(
        document, node, (struct document_want){"terminal_count_min", false}, terminals);
    cohort->times_percent = (uint32_t)document_integer(
        document, node, (struct document_want){"times_percent", false}, times);
    cohort->level_ppm = (uint32_t)document_integer(
        document, node, (struct document_want){"level_ppm", false}, level);
}

/* --- numbers that belong together
 * ----------------------------------------------------------------- */

/* The first may not be above the second: else one of them never decides. */
static const struct {
    enum signal_code signal;
    unsigned low, high;
} PAIRS[] = {
    {SIGNAL_SILENT, NUMBER_SILENT_HOURS_MIN, NUMBER_SILENT_HOURS_LONG},
    {SIGNAL_WRONG_PINS, NUMBER_WRONG_PINS_CARD_MIN, NUMBER_WRONG_PINS_COUNT_MIN},
    {SIGNAL_FALLBACK, NUMBER_FALLBACK_COUNT_MIN, NUMBER_FALLBACK_READ_MIN},
    {SIGNAL_REVERSALS, NUMBER_REVERSALS_COUNT_MIN, NUMBER_REVERSALS_REQUEST_MIN},
    {SIGNAL_SAME_CARD, NUMBER_SAME_CARD_SAME_AMOUNT_MIN, NUMBER_SAME_CARD_COUNT_MIN},
    {SIGNAL_OWN_CARD, NUMBER_OWN_CARD_COUNT_MIN, NUMBER_OWN_CARD_URGENT_MIN},
    {SIGNAL_TURNOVER_JUMP, NUMBER_TURNOVER_JUMP_TIMES_PERCENT, NUMBER_TURNOVER_JUMP_URGENT_PERCENT},
};

static void pairs_check(const struct watch_rules *rules, struct document *document)
{
    const struct document_node *root = document_root(document);
    for (unsigned i = 0; i < sizeof(PAIRS) / sizeof(PAIRS[0]); i++) {
        const int64_t *numbers = rules->items[PAIRS[i].signal].numbers;
        if (numbers[PAIRS[i].low] <= numbers[PAIRS[i].high]) {
            continue;
        }
        const char *low = watch_number_form(PAIRS[i].signal, PAIRS[i].low)->key;
        const char *high = watch_number_form(PAIRS[i].signal, PAIRS[i].high)->key;
        const struct document_node *rule = document_member(root, signal_code_text(PAIRS[i].signal));
        const struct document_node *place = document_member(rule, low);
        document_fault(document, place != NULL ? place : document_member(rule, high),
                       "%s: %s: expected at most %s, %lld, got %lld", rule->key, low, high,
                       (long long)numbers[PAIRS[i].high], (long long)numbers[PAIRS[i].low]);
    }
}

static void idle_check(const struct watch_rules *rules, struct document *document)
{
    const struct document_node *root = document_root(document);
    int64_t idle = rules->items[SIGNAL_IDLE].numbers[NUMBER_IDLE_DAYS_MIN];
    int64_t longest = rules->items[SIGNAL_IDLE_LONG].numbers[NUMBER_IDLE_LONG_DAYS_MIN];
    const struct document_node *node = document_member(root, signal_code_text(SIGNAL_IDLE_LONG));
    if (idle >= longest) {
        document_fault(document,
                       node != NULL ? node : document_member(root, signal_code_text(SIGNAL_IDLE)),
                       "days_min: expected fewer days for %s than for %s, got %lld and %lld",
                       signal_code_text(SIGNAL_IDLE), signal_code_text(SIGNAL_IDLE_LONG),
                       (long long)idle, (long long)longest);
    }
}

/* --- the file
 * ----------------------------------------------------------------------------------------- */

static uint32_t digits_read(const char *text, uint32_t count)
{
    uint32_t number = 0;
    for (uint32_t i = 0; i < count; i++) {
        number = number * 10 + (uint32_t)(text[i] - '0');
    }
    return number;
}

/* Days since 1970 of "2026-05-01"; -1: no such day. */
static int32_t day_read(const char *text)
{
    static const uint8_t LENGTHS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const char FORM[] = "0000-00-00";
    if (text == NULL || strlen(text) != sizeof(FORM) - 1) {
        return -1;
    }
    for (uint32_t i = 0; i < sizeof(FORM) - 1; i++) {
        bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (FORM[i] == '0' ? !is_digit : text[i] != FORM[i]) {
            return -1;
        }
    }
    uint32_t year = digits_read(text, 4), month = digits_read(text + 5, 2);
    uint32_t day = digits_read(text + 8, 2);
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < 1970 || month < 1 || month > 12 || day < 1 ||
        day > LENGTHS[month - 1] + (month == 2 && is_leap ? 1u : 0u)) {
        return -1;
    }
    uint32_t past = year - 1;
    uint32_t days = year * 365 + past / 4 - past / 100 + past / 400;
    for (uint32_t i = 1; i < month; i++) {
        days += LENGTHS[i - 1] + (i == 2 && is_leap ? 1u : 0u);
    }
    const uint32_t days_to_1970 = 1970 * 365 + 1969 / 4 - 1969 / 100 + 1969 / 400;
    return (int32_t)(days + day - 1 - days_to_1970);
}

static void holidays_read(struct watch_rules *rules, struct document *document,
                          const struct document_node *node)
{
    if (node->kind != DOCUMENT_SEQUENCE) {
        document_fault(document, node, "holidays: expected a list of days, as [2026-05-01]");
        return;
    }
    for (const struct document_node *item = node->first_child; item != NULL; item = item->next) {
        int32_t day = day_read(item->text);
        if (day < 0) {
            document_fault(document, item, "holidays: expected a day, as 2026-05-01, got %s",
                           item->text == NULL ? "a section" : item->text);
        } else if (rules->holiday_count == WATCH_HOLIDAY_COUNT_MAX) {
            document_fault(document, item, "holidays: expected at most %d days",
                           WATCH_HOLIDAY_COUNT_MAX);
            return;
        } else {
            rules->holidays[rules->holiday_count++] = day;
        }
    }
}

static void member_read(struct watch_rules *rules, struct document *document,
                        const struct document_node *node)
{
    enum signal_code signal = signal_from_code(node->key);
    if (signal != SIGNAL_COUNT) {
        signal_read(rules, document, node, signal);
    } else if (strcmp(node->key, "cohort") == 0) {
        cohort_read(rules, document, node);
    } else if (strcmp(node->key, "holidays") == 0) {
        holidays_read(rules, document, node);
    }
}

bool watch_rules_read(struct watch_rules *rules, struct document *document)
{
    static const int64_t OFFSETS[] = {-12, 14, 8};
    const struct document_node *root = document_root(document);
    struct watch_rules read;
    watch_rules_default(&read);
    if (root != NULL && root->kind != DOCUMENT_MAPPING) {
        document_fault(document, root, "expected signals by their codes, as `T5: {count_min: 3}`");
        return false;
    }
    const struct document_node *node = root == NULL ? NULL : root->first_child;
    if (root != NULL) {
        document_refuse_unknown(document, root, CODES);
        read.utc_offset_s =
            (int32_t)(HOUR_S * document_integer(document, root,
                                                (struct document_want){"utc_offset_hours", false},
                                                OFFSETS));
    }
    for (; node != NULL; node = node->next) {
        member_read(&read, document, node);
    }
    if (root != NULL && document_fault_count(document) == 0) {
        pairs_check(&read, document);
        idle_check(&read, document);
    }
    if (document_fault_count(document) > 0) {
        return false;
    }
    read.version = rules->version;
    *rules = read;
    return true;
}
