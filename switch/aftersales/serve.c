/* See serve.h. */
#include "switch/aftersales/serve.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/aftersales/place.h"

const char *server_text(enum server server, bool is_chinese)
{
    static const char *const TEXTS[SERVER_COUNT][2] = {
#define X(name, zh, en) [SERVER_##name] = {en, zh},
        SERVER_MAP(X)
#undef X
    };
    REQUIRE((unsigned)server < SERVER_COUNT);
    return TEXTS[server][is_chinese];
}

struct serve_order serve_order(enum obtained obtained)
{
    static const struct serve_order ORDERS[OBTAINED_COUNT] = {
        [OBTAINED_UNKNOWN] = {2, {SERVER_ACQUIRER, SERVER_OFFICIAL}},
        [OBTAINED_BANK_COUNTER] = {2, {SERVER_BANK, SERVER_OFFICIAL}},
        [OBTAINED_PLATFORM] = {2, {SERVER_PLATFORM, SERVER_OFFICIAL}},
        [OBTAINED_MANUFACTURER] = {2, {SERVER_OFFICIAL, SERVER_POINT}},
        [OBTAINED_AGENT] = {3, {SERVER_AGENT, SERVER_OFFICIAL, SERVER_ACQUIRER}},
    };
    REQUIRE((unsigned)obtained < OBTAINED_COUNT);
    return ORDERS[obtained];
}

/* Hours as registered rows have them. */
struct hours {
    int16_t opens_minute, closes_minute;
    uint8_t weekdays;
};

static bool is_open_at(struct hours hours, int32_t day, int16_t minute)
{
    int32_t weekday = ((day + 3) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    bool is_always = hours.opens_minute == 0 && hours.closes_minute == 0;
    return (hours.weekdays >> weekday & 1) != 0 &&
           (is_always || (minute >= hours.opens_minute && minute < hours.closes_minute));
}

static bool is_stale(int32_t verified_day, int32_t today)
{
    return verified_day == 0 || today - verified_day > REGISTRY_STALE_DAYS;
}

/* How much of two GB/T 2260 codes is the same: 3 county, 2 city, 1 province, 0 nothing. */
static uint32_t area_nearness(uint32_t left, uint32_t right)
{
    if (left == 0 || right == 0 || left / 10000 != right / 10000) {
        return 0;
    }
    return left == right ? 3 : left / 100 == right / 100 ? 2 : 1;
}

/* A code that ends in zeros stands for all below it. */
static bool area_serves(uint32_t served, uint32_t asked)
{
    if (served == 0 || asked == 0 || served == asked) {
        return true;
    }
    if (served % 10000 == 0) {
        return served / 10000 == asked / 10000;
    }
    return served % 100 == 0 && served / 100 == asked / 100;
}

/* How well a channel fits, 0: not at all. */
static uint32_t channel_fitness(const struct serve_question *question,
                                const struct service_channel *channel)
{
    bool is_party = channel->party[0] != '\0';
    bool is_source = channel->source != OBTAINED_UNKNOWN;
    bool is_brand = channel->brand[0] != '\0';
    if ((is_party && strcmp(channel->party, question->obtained_from) != 0) ||
        (is_source && channel->source != question->obtained) ||
        (is_brand && strcmp(channel->brand, question->brand) != 0) ||
        !area_serves(channel->area_code, question->area_code) ||
        (channel->kind == CHANNEL_KIND_THIRD_PARTY && channel->association_number[0] == '\0')) {
        return 0;
    }
    return 1 + (is_party ? 8u : 0) + (is_source ? 4u : 0) + (is_brand ? 2u : 0);
}

uint32_t serve_channels(const struct serve_question *question,
                        const struct service_channel *channels, uint32_t count,
                        struct serve_channel found[SERVE_CHANNEL_COUNT_MAX])
{
    uint32_t ranks[SERVE_CHANNEL_COUNT_MAX];
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct service_channel *channel = &channels[i];
        uint32_t fitness = channel_fitness(question, channel);
        if (fitness == 0) {
            continue;
        }
        bool is_open = is_open_at(
            (struct hours){channel->opens_minute, channel->closes_minute, channel->weekdays},
            question->today, question->minute);
        uint32_t rank = fitness * 2 + is_open;
        uint32_t at = used < SERVE_CHANNEL_COUNT_MAX ? used++ : SERVE_CHANNEL_COUNT_MAX;
        for (; at > 0 && ranks[at - 1] < rank; at--) {
            if (at < SERVE_CHANNEL_COUNT_MAX) {
                found[at] = found[at - 1];
                ranks[at] = ranks[at - 1];
            }
        }
        if (at < SERVE_CHANNEL_COUNT_MAX) {
            ranks[at] = rank;
            found[at] = (struct serve_channel){channel, is_open,
                                               is_stale(channel->verified_day, question->today)};
        }
    }
    return used;
}

static bool point_serves(const struct service_point *point, const struct serve_question *question)
{
    bool mends = question->part == PART_WHOLE || (point->repairs >> question->part & 1) != 0;
    for (uint32_t i = 0; i < SERVICE_POINT_BRAND_COUNT_MAX && point->is_open && mends; i++) {
        if (point->brands[i][0] != '\0' && strcmp(point->brands[i], question->brand) == 0) {
            return true;
        }
    }
    return false;
}

static uint32_t spares_at(const struct service_point *point, const struct serve_question *question,
                          const struct serve_stage *stage)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < stage->stock_count; i++) {
        const struct service_stock *stock = &stage->stock[i];
        if (stock->part == PART_WHOLE && strcmp(stock->point_id, point->point_id) == 0 &&
            strcmp(stock->brand, question->brand) == 0 &&
            strcmp(stock->model, question->model) == 0) {
            count += stock->count;
        }
    }
    return count;
}

/* Smaller is better: open before closed, then near before far. */
static uint64_t point_rank(const struct serve_question *question, const struct serve_point *found)
{
    uint64_t far = found->distance_m;
    if (found->distance_m == SERVE_DISTANCE_UNKNOWN) {
        far -= area_nearness(found->point->area_code, question->area_code);
    }
    return (found->is_open ? 0 : UINT64_C(1) << 40) + far;
}

uint32_t serve_points(const struct serve_question *question, const struct serve_stage *stage,
                      struct serve_point found[SERVE_POINT_COUNT_MAX])
{
    struct place here = {question->latitude_e3, question->longitude_e3};
    uint32_t used = 0;
    for (uint32_t i = 0; i < stage->point_count; i++) {
        const struct service_point *point = &stage->points[i];
        if (!point_serves(point, question)) {
            continue;
        }
        bool has_places =
            question->has_place && (point->latitude_e3 != 0 || point->longitude_e3 != 0);
        struct serve_point next = {
            .point = point,
            .distance_m = has_places
                              ? (uint32_t)place_distance_m(
                                    here, (struct place){point->latitude_e3, point->longitude_e3})
                              : SERVE_DISTANCE_UNKNOWN,
            .spare_count = spares_at(point, question, stage),
            .is_open = is_open_at(
                (struct hours){point->opens_minute, point->closes_minute, point->weekdays},
                question->today, question->minute),
            .is_stale = is_stale(point->verified_day, question->today)};
        uint32_t at = used < SERVE_POINT_COUNT_MAX ? used++ : SERVE_POINT_COUNT_MAX;
        for (; at > 0 && point_rank(question, &next) < point_rank(question, &found[at - 1]); at--) {
            if (at < SERVE_POINT_COUNT_MAX) {
                found[at] = found[at - 1];
            }
        }
        if (at < SERVE_POINT_COUNT_MAX) {
            found[at] = next;
        }
    }
    return used;
}
