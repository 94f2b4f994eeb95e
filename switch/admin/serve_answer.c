/* See serve_answer.h. */
#include "switch/admin/serve_answer.h"

#include <stdio.h>
#include <string.h>

#include "routing/civil_date.h"
#include "switch/admin/desk_rows.h"
#include "switch/admin/text_json.h"

#define CHINA_US INT64_C(28800000000)
#define DAY_US INT64_C(86400000000)
#define MINUTE_US INT64_C(60000000)

static int32_t today_of(int64_t now_us)
{
    return (int32_t)((now_us + CHINA_US) / DAY_US);
}

static json_t *day_json(int32_t day)
{
    char text[32];
    if (day == 0) {
        return json_null();
    }
    struct civil_date date = civil_date_of(day);
    snprintf(text, sizeof(text), "%04d-%02u-%02u", (int)date.year, date.month, date.day);
    return json_string(text);
}

/* ---- who serves ---- */

static void ask(struct serve_question *question, const struct serve_about *about)
{
    const struct terminal_registration *terminal = about->terminal;
    *question = (struct serve_question){
        .obtained = terminal->obtained,
        .area_code = terminal->binding.area_code,
        .has_place = terminal->binding.has_place,
        .latitude_e3 = terminal->binding.latitude_e3,
        .longitude_e3 = terminal->binding.longitude_e3,
        .part = about->part,
        .today = today_of(about->now_us),
        .minute = (int16_t)((about->now_us + CHINA_US) % DAY_US / MINUTE_US)};
    memcpy(question->brand, terminal->brand, sizeof(question->brand));
    memcpy(question->model, terminal->model, sizeof(question->model));
    memcpy(question->obtained_from, terminal->obtained_from, sizeof(question->obtained_from));
}

static json_t *order_json(enum obtained obtained)
{
    struct serve_order order = serve_order(obtained);
    json_t *list = json_array();
    for (uint32_t i = 0; i < order.count; i++) {
        json_array_append_new(list,
                              json_pack("{s:s, s:s}", "zh", server_text(order.servers[i], true),
                                        "en", server_text(order.servers[i], false)));
    }
    return list;
}

static json_t *channel_json(const struct serve_channel *found)
{
    const struct service_channel *channel = found->channel;
    return json_pack("{s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:b, s:b}", "channel_id",
                     text_json(channel->channel_id), "kind", channel_kind_word(channel->kind),
                     "kind_zh", channel_kind_text(channel->kind, true), "kind_en",
                     channel_kind_text(channel->kind, false), "name", text_json(channel->name),
                     "contact", text_json(channel->contact), "languages",
                     text_json(channel->languages), "is_open", (int)found->is_open, "is_stale",
                     (int)found->is_stale);
}

static json_t *point_json(const struct serve_point *found)
{
    const struct service_point *point = found->point;
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:i, s:b, s:b}", "point_id",
                     text_json(point->point_id), "name", text_json(point->name), "address",
                     text_json(point->address), "phone", text_json(point->phone), "distance_m",
                     found->distance_m == SERVE_DISTANCE_UNKNOWN
                         ? json_null()
                         : json_integer((json_int_t)found->distance_m),
                     "spares", (int)found->spare_count, "is_open", (int)found->is_open, "is_stale",
                     (int)found->is_stale);
}

static json_t *channels_json(const struct serve_question *question, const struct desk_rows *rows)
{
    struct serve_channel found[SERVE_CHANNEL_COUNT_MAX];
    uint32_t count = serve_channels(question, rows->rows, rows->count, found);
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++) {
        json_array_append_new(list, channel_json(&found[i]));
    }
    return list;
}

static json_t *points_json(const struct serve_question *question, const struct desk_rows *points,
                           const struct desk_rows *stock)
{
    struct serve_point found[SERVE_POINT_COUNT_MAX];
    const struct serve_stage stage = {points->rows, points->count, stock->rows, stock->count};
    uint32_t count = serve_points(question, &stage, found);
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++) {
        json_array_append_new(list, point_json(&found[i]));
    }
    return list;
}

/* Of what points have in stock whole devices of the model count alone (switch/aftersales/serve.c);
 * all parts of all brands would be more rows than anybody has room for. */
static enum status take_spares(struct desk *desk, const struct serve_question *question,
                               struct desk_rows *stock)
{
    struct registry_query query;
    registry_query_init(&query, REGISTRY_SERVICE_STOCK);
    enum status status = registry_query_filter(&query, "brand", question->brand);
    if (status == STATUS_OK) {
        status = registry_query_filter(&query, "model", question->model);
    }
    if (status == STATUS_OK) {
        status = registry_query_filter(&query, "part", part_word(PART_WHOLE));
    }
    return status == STATUS_OK ? desk_rows_find(desk, &query, stock) : status;
}

enum status serve_answer(struct desk *desk, const struct serve_about *about, json_t **answer)
{
    struct serve_question question;
    struct desk_rows channels = {0}, points = {0}, stock = {0};
    ask(&question, about);
    enum status status = desk_rows_take(desk, REGISTRY_SERVICE_CHANNEL, &channels);
    if (status == STATUS_OK) {
        status = desk_rows_take(desk, REGISTRY_SERVICE_POINT, &points);
    }
    if (status == STATUS_OK) {
        status = take_spares(desk, &question, &stock);
    }
    if (status == STATUS_OK) {
        *answer = json_pack("{s:s, s:o, s:o, s:o}", "obtained", obtained_word(question.obtained),
                            "order", order_json(question.obtained), "channels",
                            channels_json(&question, &channels), "points",
                            points_json(&question, &points, &stock));
    }
    desk_rows_free(&channels);
    desk_rows_free(&points);
    desk_rows_free(&stock);
    return status;
}

/* ---- who pays ---- */

static json_t *warranty_json(const struct serve_about *about, const struct warranty_answer *found)
{
    json_t *answer = json_pack(
        "{s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:o, s:b}", "part", part_word(about->part), "damage",
        damage_word(about->damage), "verdict_zh", warranty_verdict_text(found->verdict, true),
        "verdict_en", warranty_verdict_text(found->verdict, false), "is_free", (int)found->is_free,
        "way", found->way == REPAIR_WAY_SWAP ? "swap" : "repair", "why", found->why, "ends",
        day_json(found->ends_day), "is_stale", (int)found->is_stale);
    json_object_set_new(answer, "cost_minor",
                        found->is_price_known ? json_integer(found->cost_minor) : json_null());
    json_object_set_new(answer, "needs_acceptance", json_boolean(found->needs_acceptance));
    bool has_terms = found->terms != NULL;
    json_object_set_new(answer, "way_there_paid_by",
                        has_terms ? json_string(payer_word(found->way_there)) : json_null());
    json_object_set_new(answer, "way_back_paid_by",
                        has_terms ? json_string(payer_word(found->way_back)) : json_null());
    return answer;
}

enum status serve_answer_warranty(struct desk *desk, const struct serve_about *about,
                                  json_t **answer)
{
    struct desk_rows terms = {0};
    struct warranty_answer found;
    if (!about->is_registered) {
        *answer = json_null();
        return STATUS_OK;
    }
    enum status status = desk_rows_take(desk, REGISTRY_WARRANTY, &terms);
    if (status == STATUS_OK) {
        const struct warranty_question question = {.terminal = about->terminal,
                                                   .terms = terms.rows,
                                                   .term_count = terms.count,
                                                   .part = about->part,
                                                   .damage = about->damage,
                                                   .today = today_of(about->now_us),
                                                   .is_on_site = about->is_on_site};
        warranty_decide(&question, &found);
        *answer = warranty_json(about, &found);
    }
    desk_rows_free(&terms);
    return status;
}
