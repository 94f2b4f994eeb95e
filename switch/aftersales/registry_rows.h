/* What is registered for after-sales: models, warranties, channels, service points, terminals,
 * merchants, agents. Rows as they stand in tables and CSV files; plain values of fixed size.
 *
 * Glossary: a day is days since 1970-01-01 in China, 0 where it is not known; a hash is the keyed
 * hash of something that is never kept in clear, as 32 hex digits; texts are UTF-8, empty where
 * there is nothing to say. What is not registered is never guessed (a warranty comes from the
 * contract).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define REGISTRY_NAME_SIZE 64
#define REGISTRY_CONTACT_SIZE 96
#define REGISTRY_ADDRESS_SIZE 160
#define REGISTRY_HASH_SIZE 33
#define REGISTRY_STALE_DAYS 180 /* not verified for longer: shown as such */

/* X(name, word, Chinese, English): through whom a terminal was obtained. */
#define OBTAINED_MAP(X)                                                                            \
    X(UNKNOWN, "unknown", "未登记", "not registered")                                              \
    X(BANK_COUNTER, "bank_counter", "银行网点", "bank counter")                                    \
    X(PLATFORM, "platform", "第三方支付平台", "third-party payment platform")                      \
    X(MANUFACTURER, "manufacturer", "厂商直购", "manufacturer directly")                           \
    X(AGENT, "agent", "销售代理或经销商", "sales agent or distributor")
enum obtained {
#define X(name, word, zh, en) OBTAINED_##name,
    OBTAINED_MAP(X)
#undef X
        OBTAINED_COUNT
};

/* X(name, word, Chinese, English): parts by which warranties and prices differ. */
#define PART_MAP(X)                                                                                \
    X(WHOLE, "whole", "整机", "whole device")                                                      \
    X(MAIN_BOARD, "main_board", "主板", "main board")                                              \
    X(SCREEN, "screen", "屏幕", "screen")                                                          \
    X(KEYPAD, "keypad", "键盘", "keypad and PIN pad")                                              \
    X(READER, "reader", "读卡器", "card reader")                                                   \
    X(PRINTER, "printer", "打印机", "printer")                                                     \
    X(RADIO, "radio", "通讯模块", "radio module")                                                  \
    X(BATTERY, "battery", "电池", "battery")                                                       \
    X(ADAPTER, "adapter", "电源适配器", "adapter")                                                 \
    X(CONSUMABLE, "consumable", "耗材", "consumables")
enum part_class {
#define X(name, word, zh, en) PART_##name,
    PART_MAP(X)
#undef X
        PART_COUNT
};

/* X(name, word, Chinese, English): damage by which a device can leave its warranty. */
#define DAMAGE_MAP(X)                                                                              \
    X(IMPACT, "impact", "摔损", "impact")                                                          \
    X(LIQUID, "liquid", "进液", "liquid")                                                          \
    X(POWER_SURGE, "power_surge", "电压冲击", "power surge")                                       \
    X(ABUSE, "abuse", "人为损坏", "abuse")                                                         \
    X(OPENED, "opened", "私自拆机", "opened by others, seal broken")                               \
    X(WEAR, "wear", "正常损耗", "normal wear")                                                     \
    X(TAMPER, "tamper", "防拆触发", "tampering")
enum damage {
#define X(name, word, zh, en) DAMAGE_##name,
    DAMAGE_MAP(X)
#undef X
        DAMAGE_COUNT
};
#define DAMAGE_BIT(name) (1u << DAMAGE_##name)

/* A model of a maker. Key: brand, model. */
struct device_model {
    char brand[16], brand_zh[32], model[16];
    char serial_prefix[9]; /* its TUSNs begin with it; empty: not known */
    char device_type[3];   /* as in the first digits of field 59's device type */
    uint32_t parts;        /* bit n: it has PART_n */
    char firmware_min[9], firmware_latest[9];
    char hotline[32];
    char online[REGISTRY_CONTACT_SIZE];   /* online support: address or account */
    char official[REGISTRY_CONTACT_SIZE]; /* the maker's official channel */
    char update_channel[REGISTRY_NAME_SIZE];
    char tamper_signs[REGISTRY_CONTACT_SIZE];
    int32_t end_of_support_day;
    int32_t verified_day;
};

/* A step to try first, for one model and fault. Key: brand, model, fault, step. Where a model has
 * none for a fault, the general ones of fault.def hold. */
struct first_aid_script {
    char brand[16], model[16]; /* model empty: all of the brand */
    char fault[4];             /* "N1" */
    uint8_t step;              /* from 1 */
    char zh[192], en[192];
};

/* X(name, word): from when a warranty counts. */
#define WARRANTY_FROM_MAP(X) X(SHIPPED, "shipped") X(SOLD, "sold") X(INSTALLED, "installed")
enum warranty_from {
#define X(name, word) WARRANTY_FROM_##name,
    WARRANTY_FROM_MAP(X)
#undef X
        WARRANTY_FROM_COUNT
};

#define PAYER_MAP(X) X(MERCHANT, "merchant") X(MAKER, "maker") X(ACQUIRER, "acquirer")
enum payer {
#define X(name, word) PAYER_##name,
    PAYER_MAP(X)
#undef X
        PAYER_COUNT
};

/* Terms of one contract. Key: brand, model, part, source. The most special one holds: model before
 * brand, part before WHOLE, source before OBTAINED_UNKNOWN (any). */
struct warranty {
    char brand[16], model[16]; /* model empty: all of the brand */
    enum part_class part;
    enum obtained source; /* OBTAINED_UNKNOWN: any */
    uint16_t months;
    enum warranty_from from;
    uint32_t exclusions; /* DAMAGE_BITs that end it */
    enum payer way_there, way_back;
    uint16_t repair_days_max, exchange_days; /* 0: not agreed */
    uint8_t swap_after_repairs;              /* 0: never by count */
    /* price list out of warranty, fen */
    int64_t visit_minor, labour_minor, part_minor, key_loading_minor;
    bool is_key_loading_charged; /* also in warranty */
    int32_t verified_day;
};

/* X(name, word, Chinese, English) */
#define CHANNEL_KIND_MAP(X)                                                                        \
    X(OFFICIAL, "official", "官方渠道", "the brand's official channel")                            \
    X(SHOP, "shop", "购买门店", "shop of purchase")                                                \
    X(HOTLINE, "hotline", "服务热线", "hotline")                                                   \
    X(ONLINE, "online", "在线客服", "online support")                                              \
    X(THIRD_PARTY, "third_party", "第三方平台或维护机构", "third-party maintenance company")
enum channel_kind {
#define X(name, word, zh, en) CHANNEL_KIND_##name,
    CHANNEL_KIND_MAP(X)
#undef X
        CHANNEL_KIND_COUNT
};

/* Where help is found: of a brand, of a source, or of one party (a bank, a platform, an agent). */
struct service_channel {
    char channel_id[16];
    enum channel_kind kind;
    char brand[16];       /* empty: any */
    enum obtained source; /* OBTAINED_UNKNOWN: any */
    char party[16];       /* acquirer, platform or agent it belongs to; empty: any */
    char name[REGISTRY_NAME_SIZE], contact[REGISTRY_CONTACT_SIZE];
    int16_t opens_minute, closes_minute; /* of the day in China; both 0: day and night */
    uint8_t weekdays;                    /* bit 0 Monday .. 6 Sunday */
    uint32_t area_code;                  /* GB/T 2260; 310000 serves all of it; 0: everywhere */
    char languages[16];                  /* "zh en" */
    /* THIRD_PARTY: its number at the payment association; without it nobody is sent there */
    char association_number[24];
    int32_t verified_day;
};

#define SERVICE_POINT_BRAND_COUNT_MAX 8
struct service_point {
    char point_id[16];
    char name[REGISTRY_NAME_SIZE], address[REGISTRY_ADDRESS_SIZE], phone[32];
    char brands[SERVICE_POINT_BRAND_COUNT_MAX][16]; /* that it serves; ends with an empty one */
    uint32_t repairs;                               /* bit n: repairs PART_n */
    uint32_t area_code;
    int32_t latitude_e3, longitude_e3;
    int16_t opens_minute, closes_minute; /* both 0: day and night */
    uint8_t weekdays;                    /* bit 0 Monday .. 6 Sunday */
    bool is_open;                        /* false: closed for good */
    int32_t verified_day;
};

/* What lies at a point. Key: point, brand, model, part; PART_WHOLE: spare devices. */
struct service_stock {
    char point_id[16];
    char brand[16], model[16];
    enum part_class part;
    uint32_t count;
};

/* X(name, word) */
#define TERMINAL_STATE_MAP(X)                                                                      \
    X(ORDERED, "ordered")                                                                          \
    X(IN_STOCK, "in_stock")                                                                        \
    X(ACTIVE, "active")                                                                            \
    X(STOPPED, "stopped")                                                                          \
    X(IN_REPAIR, "in_repair")                                                                      \
    X(RECOVERED, "recovered")                                                                      \
    X(SCRAPPED, "scrapped")
enum terminal_state {
#define X(name, word) TERMINAL_STATE_##name,
    TERMINAL_STATE_MAP(X)
#undef X
        TERMINAL_STATE_COUNT
};

/* What a serial number is bound to: the five items that are reported to the scheme. Rows are never
 * changed, only ended; a terminal id points to one serial number at a time. */
struct terminal_binding {
    char acquirer[12]; /* acquiring institution's code */
    char merchant_id[16];
    char credit_code_hash[REGISTRY_HASH_SIZE]; /* social credit code; sole trader: identity */
    char account_hash[REGISTRY_HASH_SIZE];     /* settlement account */
    char address[REGISTRY_ADDRESS_SIZE];       /* deployment place */
    bool has_place;
    int32_t latitude_e3, longitude_e3;
    uint32_t radius_m;  /* fence; 0: none */
    uint32_t area_code; /* 310115 */
    int32_t valid_from_day;
    int32_t valid_to_day;   /* 0: in force */
    int64_t reported_at_us; /* to the scheme; 0: not yet */
    char work_order[24];    /* that ordered it */
};

struct terminal_registration {
    char terminal_id[9];
    char serial[21]; /* TUSN */
    char brand[16], model[16];
    char firmware[9], parameters[9]; /* versions as last told or loaded */
    enum obtained obtained;
    char obtained_from[16]; /* the bank, platform or agent: party of its channels */
    int32_t shipped_day, sold_day, installed_day;
    int32_t certificate_ends_day; /* of its client certificate; 0: none */
    bool is_rented;
    enum terminal_state state;
    bool is_spare;
    uint8_t repair_count; /* failed or repeated repairs of this serial number in warranty */
    struct terminal_binding binding;
};

/* X(name, word) */
#define MERCHANT_STATE_MAP(X)                                                                      \
    X(PENDING, "pending") X(ACTIVE, "active") X(STOPPED, "stopped") X(LEFT, "left")
enum merchant_state {
#define X(name, word) MERCHANT_STATE_##name,
    MERCHANT_STATE_MAP(X)
#undef X
        MERCHANT_STATE_COUNT
};

struct merchant_registration {
    char merchant_id[16];
    char name[REGISTRY_NAME_SIZE];
    char mcc[5];
    /* qualification */
    char licence[32]; /* business licence number; empty for a natural person's small business */
    char licence_scope[REGISTRY_CONTACT_SIZE]; /* what it permits, for comparing with the MCC */
    int32_t licence_from_day, licence_to_day;  /* to 0: no end */
    bool may_fallback, may_key_in, may_foreign_card, may_credit_card;
    char credit_code_hash[REGISTRY_HASH_SIZE], owner_hash[REGISTRY_HASH_SIZE];
    char account_hash[REGISTRY_HASH_SIZE];
    char owner_card_hash[REGISTRY_HASH_SIZE]; /* cards of the owner, as the log shows cards */
    char owner_card_2_hash[REGISTRY_HASH_SIZE];
    char address[REGISTRY_ADDRESS_SIZE];
    uint32_t area_code;
    bool is_mobile;                      /* has no fixed shop: inspected by picture and position */
    int16_t opens_minute, closes_minute; /* both 0: not registered */
    int64_t single_max_minor, month_max_minor; /* registered limits, fen; 0: none */
    char plan[16];                             /* fee plan it signed */
    char agent_id[12];                         /* empty: none */
    uint8_t risk_level;                        /* 1..3: R1 is the lowest */
    int32_t contract_from_day, contract_to_day;
    char language[3]; /* "zh", "en": in what it is addressed */
    char contact[REGISTRY_CONTACT_SIZE];
    enum merchant_state state;
};

struct agent {
    char agent_id[12], parent_id[12];
    char name[REGISTRY_NAME_SIZE], contact[REGISTRY_CONTACT_SIZE], hotline[32];
    uint32_t area_code;
    char association_number[24]; /* at the payment association */
    bool may_install, may_maintain;
    int32_t contract_from_day, contract_to_day; /* to 0: no end */
};

/* What is shown and stored of an enumerator; REQUIREs that it is one. */
const char *obtained_word(enum obtained obtained);
const char *obtained_text(enum obtained obtained, bool is_chinese);
const char *part_word(enum part_class part);
const char *part_text(enum part_class part, bool is_chinese);
const char *damage_word(enum damage damage);
const char *damage_text(enum damage damage, bool is_chinese);
const char *warranty_from_word(enum warranty_from from);
const char *payer_word(enum payer payer);
const char *channel_kind_word(enum channel_kind kind);
const char *channel_kind_text(enum channel_kind kind, bool is_chinese);
const char *terminal_state_word(enum terminal_state state);
const char *merchant_state_word(enum merchant_state state);

/* The enumerator of a word; the _COUNT of its kind: no such word. */
enum obtained obtained_from_word(const char *word);
enum part_class part_from_word(const char *word);
enum damage damage_from_word(const char *word);
enum warranty_from warranty_from_from_word(const char *word);
enum payer payer_from_word(const char *word);
enum channel_kind channel_kind_from_word(const char *word);
enum terminal_state terminal_state_from_word(const char *word);
enum merchant_state merchant_state_from_word(const char *word);
