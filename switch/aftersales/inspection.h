/* When a merchant's shop or terminal is to be looked at next, and what was found. Plain values.
 *
 * 85号 asks for a visit on site once a year at least; the higher the risk the more often: R1 every
 * 12 months, R2 every 6, R3 every 3; a new merchant within 30 days and again after 3 months. Mobile
 * merchants are inspected by pictures and positions, in the same rhythm.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/flag.h"
#include "switch/aftersales/registry_rows.h"

struct inspection_rules {
    uint8_t months[4];     /* by risk level 1..3 */
    uint16_t first_days;   /* a new merchant: the first */
    uint8_t second_months; /* and the second, both from the contract's beginning */
    uint16_t ahead_days;   /* so long before it is due a case is made */
};
void inspection_rules_default(struct inspection_rules *rules);

/* X(name, Chinese, English): what is looked at. */
#define INSPECTION_ITEM_MAP(X)                                                                     \
    X(SHOP_FRONT, "门头与店内", "shop front and inside")                                           \
    X(LICENCE, "营业执照", "business licence")                                                     \
    X(GOODS, "经营内容与MCC一致", "goods fit the MCC")                                             \
    X(SERIAL, "序列号与登记一致", "serial number is the bound one")                                \
    X(SEAL, "封签完好", "seal is whole")                                                           \
    X(OVERLAY, "无改装、密码键盘无窥视", "no overlay, no camera at the PIN pad")                   \
    X(SLIPS, "签购单保管", "slips are kept")                                                       \
    X(STORAGE, "未留存卡片敏感信息", "no card data is stored")                                     \
    X(TEST_PAYMENT, "测试交易", "test payment")                                                    \
    X(STAFF, "收银员问询", "questions to the staff")                                               \
    X(PHOTOS, "带定位的照片", "photos with their position")                                        \
    X(SIGNATURE, "商户签字", "signature")
enum inspection_item {
#define X(name, zh, en) INSPECTION_##name,
    INSPECTION_ITEM_MAP(X)
#undef X
        INSPECTION_ITEM_COUNT
};
const char *inspection_item_name(enum inspection_item item);
const char *inspection_item_text(enum inspection_item item, bool is_chinese);

enum inspection_mark { INSPECTION_NOT_SEEN, INSPECTION_GOOD, INSPECTION_BAD };

/* One inspection that took place. */
struct inspection {
    char merchant_id[16], terminal_id[9], serial[21]; /* serial: as read from the device */
    int32_t day;
    char inspector[32];
    bool is_on_site;
    uint8_t marks[INSPECTION_ITEM_COUNT]; /* enum inspection_mark */
    char remark[192];
};

enum inspection_verdict {
    INSPECTION_PASSED,
    INSPECTION_INCOMPLETE, /* does not count: `item` was not seen, or nobody was there */
    INSPECTION_FAILED      /* `item` is bad; a case is due */
};
struct inspection_result {
    enum inspection_verdict verdict;
    enum inspection_item item; /* the first that matters */
    uint32_t bad_count;
    bool needs_case;
    enum case_kind kind; /* of that case */
    uint8_t severity;    /* of that case */
    char reason[128];
};
/* Judged against what is registered: a serial number that is not the bound one is bad whatever was
 * marked. Fixed shops must have been visited. */
void inspection_judge(const struct inspection *inspection,
                      const struct merchant_registration *merchant,
                      const struct terminal_registration *terminal,
                      struct inspection_result *result);

/* When it is due. `passed_count` and `passed_day`: inspections that passed since the contract
 * began, and the last one's day. REQUIREs a risk level of 1 to 3. */
struct inspection_due {
    int32_t due_day;
    bool is_overdue, is_near; /* near: within ahead_days, make the case */
    int32_t overdue_days;
};
void inspection_next(const struct inspection_rules *rules,
                     const struct merchant_registration *merchant, uint32_t passed_count,
                     int32_t passed_day, int32_t today, struct inspection_due *due);
