/* See inspection.h. */
#include "switch/aftersales/inspection.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "routing/civil_date.h"

static const char *const ITEMS[INSPECTION_ITEM_COUNT][3] = {
#define X(name, zh, en) [INSPECTION_##name] = {en, zh, #name},
    INSPECTION_ITEM_MAP(X)
#undef X
};

void inspection_rules_default(struct inspection_rules *rules)
{
    *rules = (struct inspection_rules){
        .months = {0, 12, 6, 3}, .first_days = 30, .second_months = 3, .ahead_days = 14};
}

const char *inspection_item_name(enum inspection_item item)
{
    REQUIRE((unsigned)item < INSPECTION_ITEM_COUNT);
    return ITEMS[item][2];
}

const char *inspection_item_text(enum inspection_item item, bool is_chinese)
{
    REQUIRE((unsigned)item < INSPECTION_ITEM_COUNT);
    return ITEMS[item][is_chinese];
}

static int32_t months_later(int32_t day, uint32_t months)
{
    struct civil_date date = civil_date_of(day);
    uint32_t month = date.month - 1 + months;
    struct civil_date later = {date.year + (int32_t)(month / 12), month % 12 + 1, date.day};
    uint32_t month_days = civil_month_days(later.year, later.month);
    later.day = later.day > month_days ? month_days : later.day;
    return (int32_t)civil_date_days(later);
}

void inspection_next(const struct inspection_rules *rules,
                     const struct merchant_registration *merchant, uint32_t passed_count,
                     int32_t passed_day, int32_t today, struct inspection_due *due)
{
    REQUIRE(merchant->risk_level >= 1 && merchant->risk_level <= 3);
    int32_t since = merchant->contract_from_day;
    int32_t second = months_later(since, rules->second_months);
    if (passed_count == 0) {
        due->due_day = since + rules->first_days;
    } else {
        due->due_day = months_later(passed_day, rules->months[merchant->risk_level]);
        /* The second of a new merchant stands, as long as none was made since it was due. */
        if (passed_day < second && second < due->due_day) {
            due->due_day = second;
        }
    }
    due->is_overdue = today > due->due_day;
    due->overdue_days = due->is_overdue ? today - due->due_day : 0;
    due->is_near = today + rules->ahead_days >= due->due_day;
}

/* What a bad item means: of the device and of card data it is urgent. */
static void set_case(struct inspection_result *result, enum inspection_item item)
{
    bool is_urgent =
        item == INSPECTION_SERIAL || item == INSPECTION_OVERLAY || item == INSPECTION_STORAGE;
    uint8_t severity = item == INSPECTION_SERIAL || item == INSPECTION_OVERLAY ? 4
                       : is_urgent || item == INSPECTION_SEAL                  ? 3
                                                                               : 2;
    if (severity > result->severity) {
        result->severity = severity;
        result->item = item;
        result->kind = item == INSPECTION_TEST_PAYMENT ? CASE_FAULT : CASE_RISK;
        snprintf(result->reason, sizeof(result->reason), "inspection: bad: %s",
                 inspection_item_text(item, false));
    }
}

static enum inspection_mark mark_of(const struct inspection *inspection, enum inspection_item item,
                                    const struct terminal_registration *terminal)
{
    bool is_other = item == INSPECTION_SERIAL && terminal != NULL && terminal->serial[0] != '\0' &&
                    inspection->serial[0] != '\0' &&
                    strcmp(terminal->serial, inspection->serial) != 0;
    return is_other ? INSPECTION_BAD : (enum inspection_mark)inspection->marks[item];
}

void inspection_judge(const struct inspection *inspection,
                      const struct merchant_registration *merchant,
                      const struct terminal_registration *terminal,
                      struct inspection_result *result)
{
    memset(result, 0, sizeof(*result));
    bool is_complete = inspection->is_on_site || merchant->is_mobile;
    if (!is_complete) {
        snprintf(result->reason, sizeof(result->reason),
                 "inspection: a fixed shop must be visited on site");
    }
    for (unsigned i = 0; i < INSPECTION_ITEM_COUNT; i++) {
        enum inspection_mark mark = mark_of(inspection, (enum inspection_item)i, terminal);
        if (mark == INSPECTION_BAD) {
            result->bad_count++;
            set_case(result, (enum inspection_item)i);
        } else if (mark != INSPECTION_GOOD && is_complete && result->bad_count == 0) {
            is_complete = false;
            result->item = (enum inspection_item)i;
            snprintf(result->reason, sizeof(result->reason), "inspection: not seen: %s",
                     inspection_item_text((enum inspection_item)i, false));
        }
    }
    result->needs_case = result->bad_count > 0;
    result->verdict = result->needs_case ? INSPECTION_FAILED
                      : is_complete      ? INSPECTION_PASSED
                                         : INSPECTION_INCOMPLETE;
}
