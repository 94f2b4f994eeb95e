/* A desk in a temporary folder, and calls of it as the admin port makes them. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "switch/admin/call.h"
#include "tests/unit/unit_test.h"

#define SCENE_OPTION_COUNT_MAX 8

struct call_scene {
    char folder[64];
    struct desk_share *share;
    struct registry_job *job;
    struct token_holder holder;
    const char *options[SCENE_OPTION_COUNT_MAX][2];
    unsigned option_count;
    struct answer answer;
    json_t *json; /* of the answer */
};

static inline int call_scene_set(void **state)
{
    struct call_scene *scene = calloc(1, sizeof(*scene));
    snprintf(scene->folder, sizeof(scene->folder), "/tmp/tillway-calls-XXXXXX");
    if (mkdtemp(scene->folder) == NULL) {
        return 1;
    }
    scene->share = desk_share_create(scene->folder);
    scene->job = registry_job_create(scene->share);
    scene->holder = (struct token_holder){.name = "sam", .role = ROLE_AFTER_SALES};
    *state = scene;
    return scene->job == NULL;
}

static inline int call_scene_strike(void **state)
{
    struct call_scene *scene = *state;
    static const char *const endings[] = {"aftersales.db", "aftersales.db-wal", "aftersales.db-shm",
                                          "audit.log"};
    registry_job_destroy(scene->job);
    desk_share_destroy(scene->share);
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        char name[128];
        snprintf(name, sizeof(name), "%s/%s", scene->folder, endings[i]);
        unlink(name);
    }
    json_decref(scene->json);
    free(scene->answer.body);
    int failed = rmdir(scene->folder);
    free(scene);
    return failed;
}

static inline const char *call_scene_option(void *connection, const char *name)
{
    const struct call_scene *scene = connection;
    for (unsigned i = 0; i < scene->option_count; i++) {
        if (strcmp(scene->options[i][0], name) == 0) {
            return scene->options[i][1];
        }
    }
    return NULL;
}

/* One of the next call's parameters behind the `?`. */
static inline void call_scene_with(struct call_scene *scene, const char *name, const char *value)
{
    scene->options[scene->option_count][0] = name;
    scene->options[scene->option_count++][1] = value;
}

/* Makes the call; gives the code of HTTP. `body` NULL: none. */
static inline unsigned call_scene_make(struct call_scene *scene, enum endpoint endpoint,
                                       const char *parameter, const char *body)
{
    const struct call call = {.endpoint = endpoint,
                              .parameter = parameter,
                              .operator_name = scene->holder.name,
                              .holder = &scene->holder,
                              .desk = scene->share,
                              .registry_job = scene->job,
                              .body = body,
                              .body_length = body == NULL ? 0 : strlen(body),
                              .option = call_scene_option,
                              .connection = scene,
                              .option_count = scene->option_count};
    free(scene->answer.body);
    json_decref(scene->json);
    scene->answer = (struct answer){0};
    call_serve(&call, &scene->answer);
    scene->json = json_loadb(scene->answer.body, scene->answer.length, 0, NULL);
    scene->option_count = 0;
    return scene->answer.code;
}

static inline const char *call_scene_text(const struct call_scene *scene, const char *name)
{
    const char *text = json_string_value(json_object_get(scene->json, name));
    return text == NULL ? "" : text;
}
