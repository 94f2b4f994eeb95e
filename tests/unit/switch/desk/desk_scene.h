/* A desk in a temporary folder, and what the tests of this folder share. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "switch/desk/desk.h"
#include "switch/desk/registry.h"
#include "tests/unit/unit_test.h"

#define SCENE_DAY_US INT64_C(86400000000)
#define SCENE_NOW                                                                                  \
    (INT64_C(20515) * SCENE_DAY_US + INT64_C(7200000000)) /* 2026-03-03 10:00 China                \
                                                           */

struct scene {
    char folder[64], path[96];
    struct desk *desk;
    struct desk_actor ann;
    char reason[DESK_REASON_SIZE];
    char faults[16][700];
    uint32_t fault_count;
    char out[2][65536];
    uint32_t out_length;
};

static inline int scene_set(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    snprintf(scene->folder, sizeof(scene->folder), "/tmp/tillway-desk-XXXXXX");
    if (mkdtemp(scene->folder) == NULL) {
        return 1;
    }
    snprintf(scene->path, sizeof(scene->path), "%s/aftersales.db", scene->folder);
    scene->ann = (struct desk_actor){"ann", SCENE_NOW};
    *state = scene;
    return desk_open(&scene->desk, scene->path, scene->reason) != STATUS_OK;
}

static inline int scene_strike(void **state)
{
    struct scene *scene = *state;
    static const char *const endings[] = {"", "-wal", "-shm"};
    desk_close(scene->desk);
    for (uint32_t i = 0; i < COUNT_OF(endings); i++) {
        char name[128];
        snprintf(name, sizeof(name), "%s%s", scene->path, endings[i]);
        unlink(name);
    }
    int failed = rmdir(scene->folder);
    free(scene);
    return failed;
}

/* A second connection, as another process has one. */
static inline struct desk *scene_second(struct scene *scene)
{
    struct desk *desk = NULL;
    assert_int_equal(desk_open(&desk, scene->path, scene->reason), STATUS_OK);
    return desk;
}

/* By hand, as somebody with sqlite3 would; gives SQLite's error, "" when it was done. */
static inline const char *scene_sql(struct scene *scene, const char *sql)
{
    sqlite3 *database = NULL;
    char *error = NULL;
    assert_int_equal(sqlite3_open(scene->path, &database), SQLITE_OK);
    sqlite3_exec(database, sql, NULL, NULL, &error);
    snprintf(scene->reason, sizeof(scene->reason), "%s", error != NULL ? error : "");
    sqlite3_free(error);
    sqlite3_close(database);
    return scene->reason;
}

static inline int64_t scene_number(struct scene *scene, const char *sql)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(scene->path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return number;
}

static inline struct device_model scene_model(void)
{
    return (struct device_model){.brand = "PAX",
                                 .brand_zh = "百富",
                                 .model = "A920",
                                 .parts = 1u << PART_SCREEN | 1u << PART_PRINTER,
                                 .firmware_min = "1.2.0",
                                 .firmware_latest = "1.4.0",
                                 .official = "call, or \"write\"",
                                 .verified_day = 20500};
}

static inline struct registry_binding scene_binding(const char *terminal_id, const char *serial)
{
    struct registry_binding binding = {.binding = {.merchant_id = "M1",
                                                   .address = "1 Nanjing Road",
                                                   .has_place = true,
                                                   .latitude_e3 = 31230,
                                                   .longitude_e3 = 121473,
                                                   .area_code = 310115,
                                                   .valid_from_day = 20000}};
    snprintf(binding.terminal_id, sizeof(binding.terminal_id), "%s", terminal_id);
    snprintf(binding.serial, sizeof(binding.serial), "%s", serial);
    return binding;
}
