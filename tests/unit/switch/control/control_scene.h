/* The control socket of a switch that a test plays, asked over a real Unix socket by a thread that
 * plays the admin process. */
#pragma once

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocols/control.pb-c.h"
#include "switch/control/control.h"
#include "tests/unit/unit_test.h"

#define ANSWER_BYTES_MAX 1048576

struct scene {
    uv_loop_t loop;
    struct control_rim rim; /* what the test answers; its argument is the scene */
    struct control *control;
    char path[64];
    uv_async_t ended;
    pthread_t client;
    void (*ask)(struct scene *scene);
};

static inline struct control *scene_open(struct scene *scene, char reason[CONTROL_REASON_SIZE])
{
    scene->rim.argument = scene;
    return control_open(&scene->loop, scene->path, &scene->rim, reason);
}

/* For a setup: with what the test answers. */
static inline int scene_begin(void **state, const struct control_rim *rim)
{
    char reason[CONTROL_REASON_SIZE] = "";
    struct scene *scene = calloc(1, sizeof(*scene));
    scene->rim = *rim;
    snprintf(scene->path, sizeof(scene->path), "/tmp/tillway-control-%d.sock", (int)getpid());
    uv_loop_init(&scene->loop);
    scene->control = scene_open(scene, reason);
    *state = scene;
    return scene->control == NULL;
}

static inline int scene_strike(void **state)
{
    struct scene *scene = *state;
    control_close(scene->control);
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    int open = uv_loop_close(&scene->loop);
    int left = access(scene->path, F_OK) == 0;
    free(scene);
    return open != 0 || left;
}

static inline void *client_run(void *argument)
{
    struct scene *scene = argument;
    scene->ask(scene);
    uv_async_send(&scene->ended);
    return NULL;
}

static inline void on_ended(uv_async_t *ended)
{
    uv_close((uv_handle_t *)ended, NULL);
    uv_stop(ended->loop);
}

/* Lets the client ask in a thread of its own while the loop serves. */
static inline void scene_serve(struct scene *scene, void (*ask)(struct scene *scene))
{
    scene->ask = ask;
    uv_async_init(&scene->loop, &scene->ended, on_ended);
    assert_int_equal(pthread_create(&scene->client, NULL, client_run, scene), 0);
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    pthread_join(scene->client, NULL);
}

static inline int scene_connect(const struct scene *scene)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", scene->path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof(address)) != 0) {
        abort();
    }
    return descriptor;
}

static inline void write_all(int descriptor, const uint8_t *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t count = write(descriptor, bytes + done, length - done);
        assert_true(count > 0);
        done += (size_t)count;
    }
}

static inline void scene_send(int descriptor, const Control__Request *request)
{
    static uint8_t bytes[2097152];
    uint32_t length = (uint32_t)control__request__pack(request, bytes + 4);
    uint32_t header = htonl(length);
    memcpy(bytes, &header, 4);
    /* In two pieces: a frame may come in any. */
    assert_int_equal(write(descriptor, bytes, 3), 3);
    write_all(descriptor, bytes + 3, length + 1);
}

/* NULL: the server closed. */
static inline Control__Answer *scene_read(int descriptor)
{
    static uint8_t bytes[ANSWER_BYTES_MAX];
    uint32_t header;
    if (recv(descriptor, &header, 4, MSG_WAITALL) != 4) {
        return NULL;
    }
    uint32_t length = ntohl(header);
    assert_true(length <= sizeof(bytes));
    assert_int_equal(recv(descriptor, bytes, length, MSG_WAITALL), (ssize_t)length);
    return control__answer__unpack(NULL, length, bytes);
}

static inline Control__Answer *scene_ask(int descriptor, Control__Request__CallCase call,
                                         const char *terminal)
{
    Control__Request request = CONTROL__REQUEST__INIT;
    Control__StatusCall status = CONTROL__STATUS_CALL__INIT;
    Control__MetricsCall metrics = CONTROL__METRICS_CALL__INIT;
    Control__TerminalCall terminal_call = CONTROL__TERMINAL_CALL__INIT;
    Control__ReloadCall reload = CONTROL__RELOAD_CALL__INIT;
    Control__PurgeCall purge = CONTROL__PURGE_CALL__INIT;
    request.id = 42;
    request.operator_ = (char *)(uintptr_t) "ann";
    request.call_case = call;
    terminal_call.terminal_id = (char *)(uintptr_t)terminal;
    if (call == CONTROL__REQUEST__CALL_STATUS) {
        request.status = &status;
    } else if (call == CONTROL__REQUEST__CALL_METRICS) {
        request.metrics = &metrics;
    } else if (call == CONTROL__REQUEST__CALL_TERMINAL) {
        request.terminal = &terminal_call;
    } else if (call == CONTROL__REQUEST__CALL_PURGE) {
        purge.days = 30;
        request.purge = &purge;
    } else {
        request.reload = &reload;
    }
    scene_send(descriptor, &request);
    return scene_read(descriptor);
}

/* A switch that has run for a while, with all channels and links there can be. */
static inline void scene_on_status(void *argument, struct control_status *status)
{
    (void)argument;
    status->version = "0.1.0";
    status->revision = "abc";
    status->node = 7;
    status->state = CONTROL_RUNNING;
    status->now_ns = 9000000000;
    status->engine.saf_oldest_ns = 4000000000;
    status->engine.reversals_pending = 3;
    status->store.rows = 30;
    status->store.commit_cells[0] = 2;
    status->store.commit_cells[STORE_TIME_CELLS - 1] = 1;
    status->listener_count = 1;
    snprintf(status->listeners[0].name, CONTROL_NAME_SIZE, "pos");
    status->channel_count = CONTROL_CHANNEL_COUNT_MAX;
    status->reload_ready_ns = 250000000;
    status->reload_swap_ns = 500000000;
    for (uint32_t i = 0; i < CONTROL_CHANNEL_COUNT_MAX; i++) {
        struct control_channel *channel = &status->channels[i];
        snprintf(channel->name, CONTROL_NAME_SIZE, "bank-%u", i);
        channel->link_count = CONTROL_LINK_COUNT_MAX;
    }
}
