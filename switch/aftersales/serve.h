/* Who serves a terminal, and where. Plain values in and out.
 *
 * How a terminal was obtained decides who serves it first and second; its brand decides where else
 * help is found.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/registry_rows.h"

/* X(name, Chinese, English) */
#define SERVER_MAP(X)                                                                              \
    X(BANK, "银行商户服务", "the bank's merchant service")                                         \
    X(PLATFORM, "支付平台客服", "the platform's service")                                          \
    X(OFFICIAL, "品牌官方渠道", "the brand's official channel")                                    \
    X(AGENT, "购买门店或销售代理", "the shop or sales agent where it was bought")                  \
    X(POINT, "品牌服务网点", "a service point of the brand")                                       \
    X(ACQUIRER, "收单机构", "the acquirer")
enum server {
#define X(name, zh, en) SERVER_##name,
    SERVER_MAP(X)
#undef X
        SERVER_COUNT
};
const char *server_text(enum server server, bool is_chinese);

/* In what order to ask; two or three. Not registered how it was obtained: the acquirer, then the
 * brand. */
#define SERVE_ORDER_COUNT_MAX 3
struct serve_order {
    uint32_t count;
    enum server servers[SERVE_ORDER_COUNT_MAX];
};
struct serve_order serve_order(enum obtained obtained);

/* Where and when help is looked for. */
struct serve_question {
    char brand[16], model[16];
    enum obtained obtained;
    char obtained_from[16];
    uint32_t area_code;
    bool has_place;
    int32_t latitude_e3, longitude_e3;
    enum part_class part; /* to be mended; PART_WHOLE: any */
    int32_t today;        /* days since 1970 in China */
    int16_t minute;       /* of that day */
};

/* The channels that fit, best first: of the party it was obtained from, then of the source, then of
 * the brand, then any; open ones before closed ones. Third parties without a number at the payment
 * association are left out. Answers how many were written; the pointers are the caller's rows. */
#define SERVE_CHANNEL_COUNT_MAX 8
struct serve_channel {
    const struct service_channel *channel;
    bool is_open;  /* now */
    bool is_stale; /* not verified for 180 days: say so */
};
uint32_t serve_channels(const struct serve_question *question,
                        const struct service_channel *channels, uint32_t count,
                        struct serve_channel found[SERVE_CHANNEL_COUNT_MAX]);

/* The nearest points that serve the brand and mend the part; those open now before others. Without
 * a place of its own: those of the same county, city, province first. */
#define SERVE_POINT_COUNT_MAX 3
struct serve_point {
    const struct service_point *point;
    uint32_t distance_m;  /* SERVE_DISTANCE_UNKNOWN: no place is known */
    uint32_t spare_count; /* of this model */
    bool is_open, is_stale;
};
#define SERVE_DISTANCE_UNKNOWN UINT32_MAX
struct serve_stage {
    const struct service_point *points;
    uint32_t point_count;
    const struct service_stock *stock;
    uint32_t stock_count;
};
uint32_t serve_points(const struct serve_question *question, const struct serve_stage *stage,
                      struct serve_point found[SERVE_POINT_COUNT_MAX]);
