/* Calls about cases as the admin port makes them, on a desk with one shop. */
#pragma once

#include <time.h>

#include "switch/admin/call.h"
#include "switch/engine/engine.h"
#include "tests/stage/log_stage.h"
#include "tests/unit/switch/desk/case_scene.h"

#define OPTION_COUNT_MAX 8

struct stage {
    struct scene *scene; /* the desk, by a connection of its own */
    struct desk_share *share;
    struct token_holder holder, second;
    bool has_second;
    const char *options[OPTION_COUNT_MAX][2];
    unsigned option_count;
    struct answer answer;
    json_t *json;
    const char *log; /* a folder; NULL: one that is not there */
};

static inline int stage_set(void **state)
{
    void *scene = NULL;
    if (scene_set(&scene) != 0) {
        return 1;
    }
    struct stage *stage = calloc(1, sizeof(*stage));
    stage->scene = scene;
    stage->share = desk_share_create(stage->scene->folder);
    stage->holder = (struct token_holder){.name = "eva", .role = ROLE_AFTER_SALES};
    *state = stage;
    return stage->share == NULL;
}

static inline int stage_strike(void **state)
{
    struct stage *stage = *state;
    void *scene = stage->scene;
    desk_share_destroy(stage->share);
    json_decref(stage->json);
    free(stage->answer.body);
    free(stage);
    return scene_strike(&scene);
}

static const char *option_of(void *connection, const char *name)
{
    const struct stage *stage = connection;
    for (unsigned i = 0; i < stage->option_count; i++) {
        if (strcmp(stage->options[i][0], name) == 0) {
            return stage->options[i][1];
        }
    }
    return NULL;
}

static inline void with(struct stage *stage, const char *name, const char *value)
{
    stage->options[stage->option_count][0] = name;
    stage->options[stage->option_count++][1] = value;
}

/* "7" or "7/TRIAGE" stands for what is in the path; gives the code of HTTP. */
static inline unsigned ask(struct stage *stage, enum endpoint endpoint, const char *path,
                           const char *body)
{
    char first[ENDPOINT_PARAMETER_SIZE], log[96];
    const char *slash = strchr(path, '/');
    snprintf(first, sizeof(first), "%.*s", slash == NULL ? (int)strlen(path) : (int)(slash - path),
             path);
    snprintf(log, sizeof(log), "%s/log", stage->scene->folder);
    const struct call call = {.endpoint = endpoint,
                              .parameter = first,
                              .second_parameter = slash == NULL ? "" : slash + 1,
                              .operator_name = stage->holder.name,
                              .holder = &stage->holder,
                              .second = stage->has_second ? &stage->second : NULL,
                              .desk = stage->share,
                              .control_socket = "/nowhere/control.sock",
                              .log = stage->log != NULL ? stage->log : log,
                              .fees = "/nowhere/fees.yaml",
                              .body = body,
                              .body_length = body == NULL ? 0 : strlen(body),
                              .option = option_of,
                              .connection = stage};
    free(stage->answer.body);
    json_decref(stage->json);
    stage->answer = (struct answer){0};
    call_serve(&call, &stage->answer);
    stage->json = json_loadb(stage->answer.body, stage->answer.length, 0, NULL);
    stage->option_count = 0;
    assert_non_null(stage->json);
    return stage->answer.code;
}

static const char *text_of(const struct stage *stage, const char *name)
{
    const char *text = json_string_value(json_object_get(stage->json, name));
    return text == NULL ? "" : text;
}

static inline void says(const struct stage *stage, const char *words)
{
    if (strstr(text_of(stage, "detail"), words) == NULL) {
        fail_msg("it says: %s", text_of(stage, "detail"));
    }
}

static inline size_t items(const struct stage *stage)
{
    return json_array_size(json_object_get(stage->json, "items"));
}

static inline int64_t number(struct stage *stage, const char *sql)
{
    return scene_number(stage->scene, sql);
}

static inline uint64_t add_flag(struct stage *stage, enum signal_code signal, uint64_t position)
{
    uint64_t id = 0;
    bool is_new = false;
    struct flag flag = scene_flag(signal, "10000001", position);
    assert_int_equal(flag_book_add(stage->scene->desk, &flag, &id, &is_new), STATUS_OK);
    return id;
}

static inline void put_shop(struct stage *stage)
{
    const struct merchant_registration merchant = {.merchant_id = "M1",
                                                   .name = "shop",
                                                   .agent_id = "A17",
                                                   .risk_level = 1,
                                                   .state = MERCHANT_STATE_ACTIVE};
    const struct terminal_registration terminal = {.terminal_id = "10000001",
                                                   .serial = "SN-1",
                                                   .brand = "PAX",
                                                   .model = "A920",
                                                   .obtained = OBTAINED_AGENT,
                                                   .state = TERMINAL_STATE_ACTIVE};
    const struct registry_binding binding = scene_binding("10000001", "SN-1");
    struct scene *scene = stage->scene;
    assert_int_equal(registry_put(scene->desk, REGISTRY_MERCHANT, &merchant, &scene->ann),
                     STATUS_OK);
    assert_int_equal(registry_put(scene->desk, REGISTRY_TERMINAL, &terminal, &scene->ann),
                     STATUS_OK);
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &binding, &scene->ann), STATUS_OK);
}
