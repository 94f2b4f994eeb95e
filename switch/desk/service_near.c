/* See service_near.h. The points and channels of the brand are read whole: a few thousand rows, for
 * somebody who asks. Of their stock only whole devices of the model count (aftersales/serve.c). */
#include "switch/desk/service_near.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/desk/desk_state.h"
#include "switch/desk/registry_page.h"

#define CHINA_US (INT64_C(8) * 3600 * 1000000)
#define DAY_US INT64_C(86400000000)

/* Rows of one kind in a row. */
struct shelf {
    size_t row_size;
    char *rows; /* owner */
    uint32_t count, room;
    enum status status;
};

static bool on_row(void *argument, const void *row)
{
    struct shelf *shelf = argument;
    if (shelf->count == SERVICE_NEAR_POINT_COUNT_MAX) {
        shelf->status = STATUS_NO_ROOM;
        return false;
    }
    if (shelf->count == shelf->room) {
        uint32_t room = shelf->room == 0 ? 64 : shelf->room * 2;
        char *rows = realloc(shelf->rows, room * shelf->row_size);
        if (rows == NULL) {
            shelf->status = STATUS_NO_MEMORY;
            return false;
        }
        shelf->rows = rows;
        shelf->room = room;
    }
    memcpy(shelf->rows + shelf->count++ * shelf->row_size, row, shelf->row_size);
    return true;
}

/* All pages of what fits. `filters`: columns, each with its value; ends with NULL. */
static enum status fill(struct desk *desk, enum registry_kind kind, const char *const *filters,
                        struct shelf *shelf)
{
    struct registry_query query;
    char cursor[CELL_KEY_SIZE];
    const struct registry_sink sink = {on_row, shelf};
    bool has_more = true;
    registry_query_init(&query, kind);
    enum status status = STATUS_OK;
    for (; status == STATUS_OK && *filters != NULL; filters += 2) {
        status = registry_query_filter(&query, filters[0], filters[1]);
    }
    while (status == STATUS_OK && has_more && shelf->status == STATUS_OK) {
        status = registry_page(desk, &query, &sink, &has_more);
        if (status == STATUS_OK && has_more && shelf->status == STATUS_OK) {
            registry_query_cursor(kind, shelf->rows + (shelf->count - 1) * shelf->row_size, cursor);
            status = registry_query_go_on(&query, cursor);
        }
    }
    if (status == STATUS_OK && shelf->status != STATUS_OK) {
        status = desk_fault(desk, shelf->status, "more than %u rows of %s, or no memory for them",
                            SERVICE_NEAR_POINT_COUNT_MAX, registry_kind_name(kind));
    }
    return status;
}

static void ask(const struct terminal_registration *terminal, int64_t wall_us,
                struct serve_question *question)
{
    int64_t china_us = wall_us + CHINA_US;
    memcpy(question->brand, terminal->brand, sizeof(question->brand));
    memcpy(question->model, terminal->model, sizeof(question->model));
    question->obtained = terminal->obtained;
    memcpy(question->obtained_from, terminal->obtained_from, sizeof(question->obtained_from));
    question->area_code = terminal->binding.area_code;
    question->has_place = terminal->binding.has_place;
    question->latitude_e3 = terminal->binding.latitude_e3;
    question->longitude_e3 = terminal->binding.longitude_e3;
    question->today = (int32_t)(china_us / DAY_US);
    question->minute = (int16_t)(china_us % DAY_US / 60000000);
}

/* A binding without an area stands where its merchant is. */
static enum status fill_area(struct desk *desk, const struct terminal_registration *terminal,
                             struct serve_question *question)
{
    struct merchant_registration merchant = {0};
    if (question->area_code != 0 || terminal->binding.merchant_id[0] == '\0') {
        return STATUS_OK;
    }
    memcpy(merchant.merchant_id, terminal->binding.merchant_id, sizeof(merchant.merchant_id));
    enum status status = registry_find(desk, REGISTRY_MERCHANT, &merchant);
    question->area_code = status == STATUS_OK ? merchant.area_code : 0;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status find_points(struct desk *desk, const struct serve_question *question,
                               struct service_near *near)
{
    struct shelf points = {.row_size = sizeof(struct service_point)};
    struct shelf stock = {.row_size = sizeof(struct service_stock)};
    struct serve_point found[SERVE_POINT_COUNT_MAX] = {0};
    enum status status = fill(desk, REGISTRY_SERVICE_POINT,
                              (const char *const[]){"brands", question->brand, NULL}, &points);
    if (status == STATUS_OK) {
        status = fill(desk, REGISTRY_SERVICE_STOCK,
                      (const char *const[]){"brand", question->brand, "model", question->model,
                                            "part", part_word(PART_WHOLE), NULL},
                      &stock);
    }
    if (status == STATUS_OK) {
        const struct serve_stage stage = {
            (const struct service_point *)(void *)points.rows, points.count,
            (const struct service_stock *)(void *)stock.rows, stock.count};
        near->point_count = serve_points(question, &stage, found);
    }
    for (uint32_t i = 0; i < near->point_count && found[i].point != NULL; i++) {
        near->points[i] =
            (struct service_near_point){*found[i].point, found[i].distance_m, found[i].spare_count,
                                        found[i].is_open, found[i].is_stale};
    }
    free(points.rows);
    free(stock.rows);
    return status;
}

static enum status find_channels(struct desk *desk, const struct serve_question *question,
                                 struct service_near *near)
{
    struct shelf channels = {.row_size = sizeof(struct service_channel)};
    struct serve_channel found[SERVE_CHANNEL_COUNT_MAX] = {0};
    enum status status =
        fill(desk, REGISTRY_SERVICE_CHANNEL, (const char *const[]){NULL}, &channels);
    if (status == STATUS_OK) {
        near->channel_count = serve_channels(
            question, (const struct service_channel *)(void *)channels.rows, channels.count, found);
    }
    for (uint32_t i = 0; i < near->channel_count && found[i].channel != NULL; i++) {
        near->channels[i] =
            (struct service_near_channel){*found[i].channel, found[i].is_open, found[i].is_stale};
    }
    free(channels.rows);
    return status;
}

enum status service_near_find(struct desk *desk, const char *terminal_id, enum part_class part,
                              int64_t wall_us, struct service_near *near)
{
    struct serve_question question = {.part = part};
    memset(near, 0, sizeof(*near));
    if (strlen(terminal_id) >= sizeof(near->terminal.terminal_id)) {
        return desk_fault(desk, STATUS_NOT_FOUND, "no terminal %.20s is registered", terminal_id);
    }
    snprintf(near->terminal.terminal_id, sizeof(near->terminal.terminal_id), "%s", terminal_id);
    enum status status = registry_find(desk, REGISTRY_TERMINAL, &near->terminal);
    if (status == STATUS_NOT_FOUND) {
        return desk_fault(desk, status, "no terminal %s is registered", terminal_id);
    }
    if (status == STATUS_OK) {
        near->order = serve_order(near->terminal.obtained);
        ask(&near->terminal, wall_us, &question);
        status = fill_area(desk, &near->terminal, &question);
    }
    if (status == STATUS_OK) {
        status = find_points(desk, &question, near);
    }
    return status == STATUS_OK ? find_channels(desk, &question, near) : status;
}
