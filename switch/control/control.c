/* Connections of the control socket, one call at a time each.
 *
 * There are few slots, and what waits for one is accepted when one is free. A slot's handles die in
 * their close callbacks; its generation then grows, so that the answer to a call of a connection
 * that is gone finds nobody.
 */
#define _GNU_SOURCE /* struct ucred */
#include "switch/control/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocols/base/require.h"
#include "switch/control/control_answer.h"
#include "switch/control/control_arena.h"
#include "switch/control/control_request.h"
#include "switch/net/log.h"

#define CONN_COUNT_MAX 8
#define CALL_TIMEOUT_MS 30000 /* a request, its answer, or silence: none lasts longer */
#define ACT_TIMEOUT_MS 610000 /* an act under way, which may read and check large files */
#define ARENA_BYTES 2097152u
#define OPERATOR_SIZE 64
#define INPUT_BYTES 1024 /* of a connection; more only while a longer request is on its way */

struct control_conn {
    struct control *control; /* borrowed */
    uv_pipe_t pipe;
    uv_timer_t timer;
    uv_write_t write;
    uint32_t handle_count; /* open handles; 0: the slot is free */
    uint32_t generation;
    bool is_closing, is_waiting; /* an act is under way */
    uint32_t input_count;
    uint8_t *input; /* owner */
    uint32_t input_room;
    uint8_t *output; /* owner; grows to the largest answer so far */
    size_t output_room;
};

struct control {
    uv_pipe_t socket;
    struct control_rim rim;
    struct control_arena arena;
    struct metric_sink sink;
    struct control_status status;
    struct control_terminal terminal;
    bool has_unaccepted, is_closing, is_socket_closed;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct control_conn conns[CONN_COUNT_MAX];
};

static void accept_next(struct control *control);

static void control_free_when_done(struct control *control)
{
    if (!control->is_closing || !control->is_socket_closed) {
        return;
    }
    for (uint32_t i = 0; i < CONN_COUNT_MAX; i++) {
        if (control->conns[i].handle_count > 0) {
            return;
        }
    }
    for (uint32_t i = 0; i < CONN_COUNT_MAX; i++) {
        free(control->conns[i].input);
        free(control->conns[i].output);
    }
    control_arena_destroy(&control->arena);
    free(control);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct control_conn *conn = handle->data;
    struct control *control = conn->control;
    if (--conn->handle_count > 0) {
        return;
    }
    conn->generation++;
    conn->is_closing = false;
    free(conn->input);
    conn->input = NULL;
    conn->input_room = 0;
    if (!control->is_closing) {
        accept_next(control);
    }
    control_free_when_done(control);
}

static void conn_close(struct control_conn *conn, const char *reason)
{
    if (conn->is_closing) {
        return;
    }
    conn->is_closing = true;
    LOG(LOG_DEBUG, "control_closed", LOG_TEXT("reason", reason));
    uv_close((uv_handle_t *)&conn->pipe, on_handle_closed);
    uv_close((uv_handle_t *)&conn->timer, on_handle_closed);
}

static void on_timeout(uv_timer_t *timer)
{
    conn_close(timer->data, "nothing was asked or answered in time");
}

static void conn_begin_call(struct control_conn *conn)
{
    uv_timer_start(&conn->timer, on_timeout, CALL_TIMEOUT_MS, 0);
}

/* The answer comes with control_done, however long the act takes. */
static void conn_begin_act(struct control_conn *conn)
{
    conn->is_waiting = true;
    uv_timer_start(&conn->timer, on_timeout, ACT_TIMEOUT_MS, 0);
}

static void conn_serve(struct control_conn *conn);

static void on_written(uv_write_t *write, int failed)
{
    struct control_conn *conn = write->data;
    if (failed != 0 || conn->is_closing) {
        conn_close(conn, "the answer could not be written");
        return;
    }
    conn_begin_call(conn);
    conn_serve(conn);
}

static bool output_reserve(struct control_conn *conn, size_t length)
{
    if (length <= conn->output_room) {
        return true;
    }
    uint8_t *output = realloc(conn->output, length);
    if (output == NULL) {
        return false;
    }
    conn->output = output;
    conn->output_room = length;
    return true;
}

static void conn_answer(struct control_conn *conn, const Control__Answer *answer)
{
    size_t length = control__answer__get_packed_size(answer);
    if (length > CONTROL_ANSWER_BYTES_MAX || !output_reserve(conn, CONTROL_HEADER_BYTES + length)) {
        conn_close(conn, "no memory for the answer");
        return;
    }
    struct byte_writer writer;
    byte_writer_init(&writer, conn->output, CONTROL_HEADER_BYTES);
    byte_writer_u32(&writer, (uint32_t)length);
    control__answer__pack(answer, conn->output + CONTROL_HEADER_BYTES);
    conn->write.data = conn;
    uv_buf_t bytes = uv_buf_init((char *)conn->output, (unsigned)(CONTROL_HEADER_BYTES + length));
    if (uv_write(&conn->write, (uv_stream_t *)&conn->pipe, &bytes, 1, on_written) != 0) {
        conn_close(conn, "the answer could not be written");
    }
}

static void conn_fault(struct control_conn *conn, uint32_t id, const char *fault)
{
    Control__Answer answer = CONTROL__ANSWER__INIT;
    answer.id = id;
    answer.fault = (char *)(uintptr_t)fault;
    conn_answer(conn, &answer);
}

static void ask_status(struct control *control)
{
    memset(&control->status, 0, sizeof(control->status));
    control->rim.status(control->rim.argument, &control->status);
    REQUIRE(control->status.version != NULL);
    REQUIRE(control->status.revision != NULL);
}

static void serve_status(struct control_conn *conn, uint32_t id)
{
    struct control *control = conn->control;
    Control__Answer answer = CONTROL__ANSWER__INIT;
    ask_status(control);
    answer.id = id;
    answer.answer_case = CONTROL__ANSWER__ANSWER_STATUS;
    answer.status = control_answer_status(&control->arena, &control->status);
    if (answer.status == NULL) {
        conn_fault(conn, id, "the status does not fit into the memory of a call");
        return;
    }
    conn_answer(conn, &answer);
}

static void serve_terminal(struct control_conn *conn, const Control__Request *request)
{
    struct control *control = conn->control;
    struct control_terminal *terminal = &control->terminal;
    Control__Answer answer = CONTROL__ANSWER__INIT;
    memset(terminal, 0, sizeof(*terminal));
    const char *terminal_id = request->terminal->terminal_id;
    if (!control->rim.terminal(control->rim.argument, terminal_id, terminal)) {
        conn_fault(conn, request->id, "no such terminal");
        return;
    }
    answer.id = request->id;
    answer.answer_case = CONTROL__ANSWER__ANSWER_TERMINAL;
    answer.terminal = control_answer_terminal(&control->arena, terminal);
    if (answer.terminal == NULL) {
        conn_fault(conn, request->id, "the terminal does not fit into the memory of a call");
        return;
    }
    conn_answer(conn, &answer);
}

static bool channel_exists(struct control *control, const char *name)
{
    ask_status(control);
    for (uint32_t i = 0; i < control->status.channel_count; i++) {
        if (strcmp(control->status.channels[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* A watch of nobody would wait in vain: a wrong name is told at once. */
static const char *trace_fault(struct control *control, const Control__TraceCall *call)
{
    if (call->act != CONTROL__TRACE_CALL__ACT__BEGIN) {
        return NULL;
    }
    if (strcmp(call->side, "channel") == 0) {
        return channel_exists(control, call->name) ? NULL : "no such channel";
    }
    memset(&control->terminal, 0, sizeof(control->terminal));
    return control->rim.terminal(control->rim.argument, call->name, &control->terminal)
               ? NULL
               : "no such terminal";
}

static void serve_trace(struct control_conn *conn, const Control__Request *request)
{
    struct control *control = conn->control;
    Control__Answer answer = CONTROL__ANSWER__INIT;
    const char *fault = trace_fault(control, request->trace);
    answer.id = request->id;
    answer.answer_case = CONTROL__ANSWER__ANSWER_TRACE;
    if (fault == NULL) {
        answer.trace = control_answer_trace(&control->arena, request->trace, &fault);
    }
    if (fault != NULL) {
        conn_fault(conn, request->id, fault);
        return;
    }
    if (request->trace->act != CONTROL__TRACE_CALL__ACT__READ) {
        bool is_begun = request->trace->act == CONTROL__TRACE_CALL__ACT__BEGIN;
        LOG(LOG_NOTICE, is_begun ? "trace_begun" : "trace_ended",
            LOG_TEXT("operator", request->operator_), LOG_TEXT("side", request->trace->side),
            LOG_TEXT("name", request->trace->name));
    }
    conn_answer(conn, &answer);
}

static void serve_explain(struct control_conn *conn, const Control__Request *request)
{
    struct control *control = conn->control;
    Control__Answer answer = CONTROL__ANSWER__INIT;
    const char *fault = NULL;
    answer.id = request->id;
    answer.answer_case = CONTROL__ANSWER__ANSWER_EXPLANATION;
    answer.explanation =
        control_answer_explanation(&control->arena, &control->rim, request->explain, &fault);
    if (answer.explanation == NULL) {
        conn_fault(conn, request->id, fault);
        return;
    }
    conn_answer(conn, &answer);
}

static void serve_usage(struct control_conn *conn, const Control__Request *request)
{
    struct control *control = conn->control;
    Control__Answer answer = CONTROL__ANSWER__INIT;
    const char *fault = NULL;
    answer.id = request->id;
    answer.answer_case = CONTROL__ANSWER__ANSWER_USAGE;
    answer.usage = control_answer_usage(&control->arena, &control->rim, request->usage, &fault);
    if (answer.usage == NULL) {
        conn_fault(conn, request->id, fault);
        return;
    }
    conn_answer(conn, &answer);
}

static void serve_metrics(struct control_conn *conn, uint32_t id)
{
    struct control *control = conn->control;
    struct metric_sink *sink = &control->sink;
    Control__Answer answer = CONTROL__ANSWER__INIT;
    Control__Metrics metrics = CONTROL__METRICS__INIT;
    ask_status(control);
    sink->arena = &control->arena;
    sink->count = 0;
    sink->is_short = false;
    control_answer_metrics(sink, &control->status);
    control->rim.metrics(control->rim.argument, sink);
    if (sink->is_short) {
        LOG(LOG_WARN, "metrics_cut", LOG_NUMBER("samples", sink->count));
    }
    metrics.samples = sink->samples;
    metrics.n_samples = sink->count;
    answer.id = id;
    answer.answer_case = CONTROL__ANSWER__ANSWER_METRICS;
    answer.metrics = &metrics;
    conn_answer(conn, &answer);
}

static const char *call_word(const Control__Request *request)
{
    if (request->call_case == CONTROL__REQUEST__CALL_PURGE) {
        return "purge";
    }
    return request->call_case == CONTROL__REQUEST__CALL_RELOAD ? "reload" : "drain";
}

/* An act: the connection waits for control_done. */
static void serve_act(struct control_conn *conn, const Control__Request *request)
{
    struct control *control = conn->control;
    char name[OPERATOR_SIZE];
    struct control_call call = {(uint32_t)(conn - control->conns), conn->generation, request->id};
    snprintf(name, sizeof(name), "%s", request->operator_ != NULL ? request->operator_ : "");
    LOG(LOG_NOTICE, "control_call", LOG_TEXT("call", call_word(request)),
        LOG_TEXT("operator", name));
    conn_begin_act(conn);
    if (request->call_case == CONTROL__REQUEST__CALL_RELOAD) {
        control->rim.reload(control->rim.argument, call, name);
    } else if (request->call_case == CONTROL__REQUEST__CALL_PURGE) {
        control->rim.purge(control->rim.argument, call, request->purge->days);
    } else {
        control->rim.drain(control->rim.argument, call, name);
    }
}

/* False: more files than there are kinds. */
static bool version_of(const Control__Request *request, struct control_version *version)
{
    static const enum control_version_act ACTS[] = {
        [CONTROL__VERSION_CALL__ACT__CHECK] = CONTROL_VERSION_CHECK,
        [CONTROL__VERSION_CALL__ACT__PROPOSE] = CONTROL_VERSION_PROPOSE,
        [CONTROL__VERSION_CALL__ACT__ACTIVATE] = CONTROL_VERSION_ACTIVATE,
        [CONTROL__VERSION_CALL__ACT__ROLL_BACK] = CONTROL_VERSION_ROLL_BACK,
    };
    const Control__VersionCall *call = request->version;
    if (call->n_files > CONTROL_VERSION_FILE_COUNT_MAX ||
        call->act < CONTROL__VERSION_CALL__ACT__CHECK ||
        call->act > CONTROL__VERSION_CALL__ACT__ROLL_BACK) {
        return false;
    }
    *version = (struct control_version){
        .act = ACTS[call->act],
        .number = call->has_number ? call->number : 0,
        .operator_name = request->operator_ != NULL ? request->operator_ : "",
        .reason = call->reason != NULL ? call->reason : "",
        .file_count = (uint32_t)call->n_files,
    };
    for (uint32_t i = 0; i < version->file_count; i++) {
        const ProtobufCBinaryData *content = &call->files[i]->content;
        version->files[i].name = call->files[i]->name;
        version->files[i].bytes = (struct byte_view){content->data, (uint32_t)content->len};
    }
    return true;
}

/* Waits for control_conclude, as an act does. */
static void serve_version(struct control_conn *conn, const Control__Request *request)
{
    static const char *const WORDS[] = {"check", "propose", "activate", "roll_back"};
    struct control *control = conn->control;
    struct control_version version;
    struct control_call call = {(uint32_t)(conn - control->conns), conn->generation, request->id};
    if (!version_of(request, &version)) {
        conn_fault(conn, request->id, "expected a known act, with a few files at most");
        return;
    }
    LOG(LOG_NOTICE, "version_asked", LOG_TEXT("act", WORDS[version.act]),
        LOG_NUMBER("number", version.number), LOG_TEXT("operator", version.operator_name));
    conn_begin_act(conn);
    control->rim.version(control->rim.argument, call, &version);
}

/* Waits for control_done: until the order's row is on disk. */
static void serve_order(struct control_conn *conn, const Control__Request *request)
{
    struct control *control = conn->control;
    struct control_order asked;
    struct control_call call = {(uint32_t)(conn - control->conns), conn->generation, request->id};
    const char *fault = control_order_of(&asked, request);
    if (fault != NULL) {
        conn_fault(conn, request->id, fault);
        return;
    }
    conn_begin_act(conn);
    control->rim.order(control->rim.argument, call, &asked);
}

static void serve_orders(struct control_conn *conn, const Control__Request *request)
{
    struct control *control = conn->control;
    Control__Answer answer = CONTROL__ANSWER__INIT;
    answer.id = request->id;
    answer.answer_case = CONTROL__ANSWER__ANSWER_ORDERS;
    answer.orders = control_answer_orders(&control->arena, &control->rim, request->orders);
    if (answer.orders == NULL) {
        conn_fault(conn, request->id, "the orders do not fit into the memory of a call");
        return;
    }
    conn_answer(conn, &answer);
}

static void serve_request(struct control_conn *conn, const Control__Request *request)
{
    switch (request->call_case) {
    case CONTROL__REQUEST__CALL_STATUS:
        serve_status(conn, request->id);
        return;
    case CONTROL__REQUEST__CALL_TERMINAL:
        serve_terminal(conn, request);
        return;
    case CONTROL__REQUEST__CALL_METRICS:
        serve_metrics(conn, request->id);
        return;
    case CONTROL__REQUEST__CALL_TRACE:
        serve_trace(conn, request);
        return;
    case CONTROL__REQUEST__CALL_EXPLAIN:
        serve_explain(conn, request);
        return;
    case CONTROL__REQUEST__CALL_USAGE:
        serve_usage(conn, request);
        return;
    case CONTROL__REQUEST__CALL_ORDER:
        serve_order(conn, request);
        return;
    case CONTROL__REQUEST__CALL_ORDERS:
        serve_orders(conn, request);
        return;
    case CONTROL__REQUEST__CALL_RELOAD:
    case CONTROL__REQUEST__CALL_DRAIN:
    case CONTROL__REQUEST__CALL_PURGE:
        serve_act(conn, request);
        return;
    case CONTROL__REQUEST__CALL_VERSION:
        serve_version(conn, request);
        return;
    case CONTROL__REQUEST__CALL__NOT_SET:
    case _CONTROL__REQUEST__CALL__CASE_IS_INT_SIZE:
        break;
    }
    conn_fault(conn, request->id, "this switch does not know that call");
}

/* As much as one request needs, once its length is there and was found good. */
static uint32_t input_needed(const struct control_conn *conn)
{
    struct byte_reader reader;
    if (conn->input_count < CONTROL_HEADER_BYTES) {
        return INPUT_BYTES;
    }
    byte_reader_init(&reader, conn->input, conn->input_count);
    uint32_t length = CONTROL_HEADER_BYTES + byte_reader_u32(&reader);
    return length > INPUT_BYTES ? length : INPUT_BYTES;
}

static bool input_reserve(struct control_conn *conn, uint32_t needed)
{
    REQUIRE(needed <= CONTROL_HEADER_BYTES + CONTROL_REQUEST_BYTES_MAX);
    if (needed <= conn->input_room) {
        return true;
    }
    uint8_t *input = realloc(conn->input, needed);
    if (input == NULL) {
        return false;
    }
    conn->input = input;
    conn->input_room = needed;
    return true;
}

/* Room for what is missing of one request; a full buffer without a request cannot be. Without
 * memory libuv reads an error, which ends the connection. */
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct control_conn *conn = handle->data;
    (void)suggested;
    *buffer = input_reserve(conn, input_needed(conn))
                  ? uv_buf_init((char *)conn->input + conn->input_count,
                                conn->input_room - conn->input_count)
                  : uv_buf_init(NULL, 0);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct control_conn *conn = stream->data;
    (void)buffer;
    if (count < 0) {
        conn_close(conn, count == UV_EOF ? "the peer closed it" : uv_strerror((int)count));
        return;
    }
    conn->input_count += (uint32_t)count;
    uv_read_stop(stream);
    conn_serve(conn);
}

/* Serves the first whole request that is there, or reads on. */
static void conn_serve(struct control_conn *conn)
{
    struct control *control = conn->control;
    struct control_request request;
    if (conn->is_closing || conn->is_waiting) {
        return;
    }
    control_arena_reset(&control->arena);
    struct byte_view bytes = {conn->input, conn->input_count};
    REQUIRE(conn->input != NULL || conn->input_count == 0);
    enum status status = control_request_take(bytes, &control->arena, &request);
    if (status != STATUS_OK) {
        LOG(LOG_WARN, "control_refused", LOG_TEXT("reason", status_text(status)));
        conn_close(conn, status_text(status));
        return;
    }
    if (request.message == NULL) {
        if (uv_read_start((uv_stream_t *)&conn->pipe, on_alloc, on_read) != 0) {
            conn_close(conn, "it cannot be read");
        }
        return;
    }
    conn->input_count -= request.length;
    memmove(conn->input, conn->input + request.length, conn->input_count);
    serve_request(conn, request.message);
}

static void log_peer(const uv_pipe_t *pipe)
{
    uv_os_fd_t descriptor;
    struct ucred peer;
    socklen_t length = sizeof(peer);
    if (uv_fileno((const uv_handle_t *)pipe, &descriptor) == 0 &&
        getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0) {
        LOG(LOG_DEBUG, "control_opened", LOG_NUMBER("pid", peer.pid), LOG_NUMBER("uid", peer.uid),
            LOG_NUMBER("gid", peer.gid));
    }
}

static struct control_conn *conn_find_free(struct control *control)
{
    for (uint32_t i = 0; i < CONN_COUNT_MAX; i++) {
        if (control->conns[i].handle_count == 0) {
            return &control->conns[i];
        }
    }
    return NULL;
}

static void conn_open(struct control *control, struct control_conn *conn)
{
    uv_loop_t *loop = control->socket.loop;
    conn->control = control;
    conn->input_count = 0;
    conn->is_waiting = false;
    if (uv_pipe_init(loop, &conn->pipe, 0) != 0 || uv_timer_init(loop, &conn->timer) != 0) {
        return; /* neither of them can fail in libuv 1.44 */
    }
    conn->pipe.data = conn;
    conn->timer.data = conn;
    conn->handle_count = 2;
    if (uv_accept((uv_stream_t *)&control->socket, (uv_stream_t *)&conn->pipe) != 0) {
        conn_close(conn, "it cannot be accepted");
        return;
    }
    log_peer(&conn->pipe);
    conn_begin_call(conn);
    conn_serve(conn);
}

/* libuv holds one connection and pauses the socket until it is accepted. */
static void accept_next(struct control *control)
{
    struct control_conn *conn = conn_find_free(control);
    if (conn != NULL && control->has_unaccepted) {
        control->has_unaccepted = false;
        conn_open(control, conn);
    }
}

static void on_connection(uv_stream_t *socket, int failed)
{
    struct control *control = socket->data;
    if (failed == 0) {
        control->has_unaccepted = true;
        accept_next(control);
    }
}

void control_done(struct control *control, struct control_call call, bool is_done, const char *text)
{
    control_conclude(control, call, &(struct control_outcome){.is_done = is_done, .text = text});
}

void control_conclude(struct control *control, struct control_call call,
                      const struct control_outcome *outcome)
{
    REQUIRE(call.slot < CONN_COUNT_MAX);
    struct control_conn *conn = &control->conns[call.slot];
    if (conn->generation != call.generation || conn->handle_count == 0 || conn->is_closing) {
        return;
    }
    Control__Answer answer = CONTROL__ANSWER__INIT;
    Control__Done done = CONTROL__DONE__INIT;
    done.is_done = outcome->is_done;
    done.text = (char *)(uintptr_t)outcome->text;
    done.has_version = outcome->version > 0;
    done.version = outcome->version;
    answer.id = call.id;
    answer.answer_case = CONTROL__ANSWER__ANSWER_DONE;
    answer.done = &done;
    conn->is_waiting = false;
    conn_begin_call(conn);
    conn_answer(conn, &answer);
}

/* A socket file without a listener is what a killed process leaves; one that answers is not ours.
 */
static bool is_served(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return false;
    }
    bool is_served = connect(descriptor, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(descriptor);
    return is_served;
}

static bool path_clear(const char *path, char *reason)
{
    struct stat file;
    if (lstat(path, &file) != 0) {
        return true;
    }
    if (!S_ISSOCK(file.st_mode)) {
        snprintf(reason, CONTROL_REASON_SIZE, "control socket %s: a file of another kind is there",
                 path);
        return false;
    }
    if (is_served(path)) {
        snprintf(reason, CONTROL_REASON_SIZE,
                 "control socket %s: another process serves it; stop that one first", path);
        return false;
    }
    return unlink(path) == 0 || errno == ENOENT;
}

/* Between bind and listen nobody can connect, so the mode is set in time. */
static int socket_listen(struct control *control)
{
    int failed = uv_pipe_bind(&control->socket, control->path);
    if (failed == 0 && chmod(control->path, 0660) != 0) {
        failed = uv_translate_sys_error(errno);
    }
    return failed != 0 ? failed
                       : uv_listen((uv_stream_t *)&control->socket, CONN_COUNT_MAX, on_connection);
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct control *control = handle->data;
    control->is_socket_closed = true;
    control_free_when_done(control);
}

struct control *control_open(uv_loop_t *loop, const char *path, const struct control_rim *rim,
                             char reason[CONTROL_REASON_SIZE])
{
    struct control *control = calloc(1, sizeof(*control));
    if (control == NULL || !control_arena_create(&control->arena, ARENA_BYTES)) {
        snprintf(reason, CONTROL_REASON_SIZE, "control socket %.100s: no memory", path);
        free(control);
        return NULL;
    }
    control->rim = *rim;
    if (strlen(path) >= sizeof(control->path)) {
        snprintf(reason, CONTROL_REASON_SIZE,
                 "control socket %.100s…: the path is longer than %zu bytes; give a shorter one",
                 path, sizeof(control->path) - 1);
        goto fail;
    }
    memcpy(control->path, path, strlen(path) + 1);
    if (!path_clear(control->path, reason) || uv_pipe_init(loop, &control->socket, 0) != 0) {
        goto fail;
    }
    control->socket.data = control;
    int failed = socket_listen(control);
    if (failed != 0) {
        /* libuv tells a missing folder as a permission. */
        snprintf(reason, CONTROL_REASON_SIZE, "control socket %s: %s", control->path,
                 failed == UV_EACCES ? "its folder is missing or may not be written"
                                     : uv_strerror(failed));
        control->is_closing = true;
        uv_close((uv_handle_t *)&control->socket, on_socket_closed);
        return NULL;
    }
    return control;
fail:
    control_arena_destroy(&control->arena);
    free(control);
    return NULL;
}

void control_close(struct control *control)
{
    control->is_closing = true;
    uv_close((uv_handle_t *)&control->socket, on_socket_closed);
    for (uint32_t i = 0; i < CONN_COUNT_MAX; i++) {
        if (control->conns[i].handle_count > 0) {
            conn_close(&control->conns[i], "the switch stops");
        }
    }
}
