/* See update_call.h. */
#include "switch/admin/update_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "switch/admin/desk_call.h"
#include "switch/admin/text_json.h"
#include "switch/admin/wall_text.h"
#include "switch/desk/update_book.h"

#define HOUR_US INT64_C(3600000000)

static bool refuse(struct answer *answer, const char *detail)
{
    answer_problem(answer, 400, detail);
    return false;
}

static const char *option_of(const struct call *call, const char *name)
{
    const char *text = call->option(call->connection, name);
    return text == NULL ? "" : text;
}

/* --- what goes out --------------------------------------------------------------------------- */

static void put_time(json_t *json, const char *name, int64_t wall_us)
{
    char text[WALL_TEXT_SIZE];
    wall_text_format(text, wall_us);
    json_object_set_new(json, name, json_string(text));
}

static json_t *campaign_json(const struct update_campaign *campaign)
{
    char waves[UPDATE_WAVES_TEXT_SIZE];
    update_waves_text(&campaign->waves, waves);
    json_t *json =
        json_pack("{s:I, s:o, s:o, s:o, s:s, s:I, s:s, s:i}", "id", (json_int_t)campaign->id,
                  "brand", text_json(campaign->brand), "model", text_json(campaign->model),
                  "firmware", text_json(campaign->firmware), "waves", waves, "settle_hours",
                  (json_int_t)(campaign->settle_us / HOUR_US), "state",
                  update_state_word(campaign->state), "wave", (int)campaign->wave + 1);
    put_time(json, "made", campaign->made_us);
    json_object_set_new(json, "made_by", text_json(campaign->made_by));
    put_time(json, "changed", campaign->changed_us);
    json_object_set_new(json, "changed_by", text_json(campaign->changed_by));
    json_object_set_new(json, "reason", text_json(campaign->reason));
    return json;
}

static json_t *wave_json(const struct update_campaign *campaign, uint32_t wave,
                         const uint32_t counts[UPDATE_TARGET_COUNT])
{
    json_int_t total = 0;
    json_t *json =
        json_pack("{s:i, s:i, s:b}", "wave", (int)wave + 1, "percent",
                  (int)campaign->waves.percents[wave], "has_begun", wave <= campaign->wave);
    for (unsigned i = 0; i < UPDATE_TARGET_COUNT; i++) {
        json_object_set_new(json, update_target_word((enum update_target)i),
                            json_integer((json_int_t)counts[i]));
        total += counts[i];
    }
    json_object_set_new(json, "terminals", json_integer(total));
    return json;
}

static void answer_campaign(struct desk *desk, uint64_t id, unsigned code, struct answer *answer)
{
    struct update_campaign campaign;
    struct update_counts counts;
    enum status status = update_book_find(desk, id, &campaign);
    status = status == STATUS_OK ? update_book_counts(desk, id, &counts) : status;
    if (status != STATUS_OK) {
        desk_call_failed(desk, status, answer);
        return;
    }
    json_t *json = campaign_json(&campaign);
    json_t *items = json_array();
    for (uint32_t wave = 0; wave < campaign.waves.count; wave++) {
        json_array_append_new(items, wave_json(&campaign, wave, counts.of_wave[wave]));
    }
    json_object_set_new(json, "items", items);
    answer_json(answer, code, json);
    snprintf(answer->detail, sizeof(answer->detail), "campaign %llu: %s",
             (unsigned long long)campaign.id, update_state_word(campaign.state));
}

static void serve_list(struct desk *desk, struct answer *answer)
{
    uint32_t count = 0;
    struct update_campaign *campaigns = calloc(UPDATE_LIST_COUNT_MAX, sizeof(*campaigns));
    if (campaigns == NULL) {
        answer_problem(answer, 503, "no memory");
        return;
    }
    enum status status = update_book_list(desk, campaigns, UPDATE_LIST_COUNT_MAX, &count);
    if (status == STATUS_OK) {
        json_t *items = json_array();
        for (uint32_t i = 0; i < count; i++) {
            json_array_append_new(items, campaign_json(&campaigns[i]));
        }
        answer_json(answer, 200, json_pack("{s:o}", "items", items));
    } else {
        desk_call_failed(desk, status, answer);
    }
    free(campaigns);
}

/* --- what comes in --------------------------------------------------------------------------- */

/* False: it does not fit. */
static bool take_text(const struct call *call, const char *name, char *to, size_t size)
{
    const char *text = option_of(call, name);
    return snprintf(to, size, "%s", text) < (int)size;
}

static bool take_campaign(const struct call *call, struct update_campaign *campaign,
                          struct answer *answer)
{
    uint32_t hours = UPDATE_SETTLE_HOURS_FALLBACK;
    const char *waves = option_of(call, "waves");
    if (!take_text(call, "brand", campaign->brand, sizeof(campaign->brand)) ||
        campaign->brand[0] == '\0') {
        return refuse(answer, "brand: expected that of a registered model");
    }
    if (!take_text(call, "model", campaign->model, sizeof(campaign->model)) ||
        campaign->model[0] == '\0') {
        return refuse(answer, "model: expected a registered one");
    }
    if (!take_text(call, "firmware", campaign->firmware, sizeof(campaign->firmware))) {
        return refuse(answer, "firmware: expected a version, at most 8 characters; none: the "
                              "model's lowest that is well");
    }
    if (!update_waves_parse(&campaign->waves, waves[0] != '\0' ? waves : UPDATE_WAVES_FALLBACK)) {
        return refuse(answer, "waves: expected at most 8 numbers of percent that rise to 100, "
                              "as 5,25,100");
    }
    bool is_good = desk_call_number(
        call, "settle_hours", (struct desk_call_range){1, UPDATE_SETTLE_HOURS_MAX}, &hours, answer);
    campaign->settle_us = hours * HOUR_US;
    return is_good;
}

static void serve_make(const struct call *call, struct desk *desk, struct answer *answer)
{
    struct update_campaign wanted = {0};
    struct desk_actor by;
    uint64_t id = 0;
    desk_call_actor(call, &by);
    if (!take_campaign(call, &wanted, answer)) {
        return;
    }
    enum status status = update_book_make(desk, &wanted, &by, &id);
    if (status == STATUS_OK) {
        answer_campaign(desk, id, 201, answer);
    } else {
        desk_call_failed(desk, status, answer);
    }
}

static void serve_change(const struct call *call, struct desk *desk, uint64_t id,
                         struct answer *answer)
{
    char reason[UPDATE_REASON_SIZE];
    struct desk_actor by;
    desk_call_actor(call, &by);
    if (!take_text(call, "reason", reason, sizeof(reason)) || reason[0] == '\0') {
        answer_problem(answer, 400, "reason: expected why, at most 191 bytes");
        return;
    }
    enum status status = call->endpoint == ENDPOINT_UPDATE_STOP
                             ? update_book_stop(desk, id, reason, &by)
                             : update_book_resume(desk, id, reason, &by);
    if (status == STATUS_OK) {
        answer_campaign(desk, id, 200, answer);
    } else {
        desk_call_failed(desk, status, answer);
    }
}

/* 0: it is no number, which no campaign has. */
static uint64_t id_of(const struct call *call)
{
    uint64_t id = 0;
    size_t length = strlen(call->parameter);
    bool is_number = length > 0 && length <= 18 &&
                     digits_parse(&id, call->parameter, (uint32_t)length,
                                  (struct number_range){1, INT64_MAX}) == STATUS_OK;
    return is_number ? id : 0;
}

void update_call_serve(const struct call *call, struct answer *answer)
{
    struct desk *desk = desk_call_open(call, answer);
    if (desk == NULL) {
        return;
    }
    if (call->endpoint == ENDPOINT_UPDATE_LIST) {
        serve_list(desk, answer);
    } else if (call->endpoint == ENDPOINT_UPDATE_MAKE) {
        serve_make(call, desk, answer);
    } else if (call->endpoint == ENDPOINT_UPDATE_SHOW) {
        answer_campaign(desk, id_of(call), 200, answer);
    } else {
        serve_change(call, desk, id_of(call), answer);
    }
    desk_close(desk);
}
