/* In warranty or not, why, what it costs, repair or swap. Plain values in and out.
 *
 * Warranty terms come from contracts: where there are none, nothing is promised.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/registry_rows.h"

/* X(name, Chinese, English): why so. */
#define WARRANTY_VERDICT_MAP(X)                                                                    \
    X(UNKNOWN, "未登记保修条款,请按合同确认", "no terms are registered: ask the contract")         \
    X(IN, "在保修期内", "in warranty")                                                             \
    X(EXPIRED, "保修期已过", "the warranty has ended")                                             \
    X(EXCLUDED, "损坏原因不在保修范围", "this damage is excluded from the warranty")               \
    X(CONSUMABLE, "耗材不保修", "consumables have no warranty")                                    \
    X(RENTED, "租用设备免费更换", "rented: replaced free of charge")                               \
    X(UNDATED, "未登记起算日期,请核对", "the day from which it counts is not registered")
enum warranty_verdict {
#define X(name, zh, en) WARRANTY_VERDICT_##name,
    WARRANTY_VERDICT_MAP(X)
#undef X
        WARRANTY_VERDICT_COUNT
};
const char *warranty_verdict_text(enum warranty_verdict verdict, bool is_chinese);

enum repair_way { REPAIR_WAY_REPAIR, REPAIR_WAY_SWAP };

struct warranty_question {
    const struct terminal_registration *terminal;
    const struct warranty *terms; /* all that are registered */
    uint32_t term_count;
    enum part_class part;
    enum damage damage;
    int32_t today;
    bool is_on_site; /* somebody goes there */
};

struct warranty_answer {
    enum warranty_verdict verdict;
    const struct warranty *terms; /* that hold; NULL: none */
    int32_t ends_day;             /* the last day in warranty; 0: not known */
    bool is_free;
    enum repair_way way;
    char why[160];         /* of the way, in English */
    int64_t cost_minor;    /* what the merchant would pay, fen */
    bool is_price_known;   /* false: no price list, so ask for a quote */
    bool needs_acceptance; /* before paid work */
    enum payer way_there, way_back;
    bool is_stale; /* the terms are not verified for 180 days */
};
void warranty_decide(const struct warranty_question *question, struct warranty_answer *answer);
/* The last day of `months` counted from `from_day`: the day before the same day of the month, or
 * the end of a shorter month. */
int32_t warranty_ends_day(int32_t from_day, uint16_t months);
