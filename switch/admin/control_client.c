/* See control_client.h. */
#include "switch/admin/control_client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocols/base/bytes.h"

#define HEADER_BYTES 4
#define REQUEST_BYTES_MAX (1048576 + 4096) /* with the files of a version */
#define ANSWER_BYTES_MAX 1048576
#define NUMBERS_TIMEOUT_S 3
#define ACT_TIMEOUT_S 25

static void *fail(char *reason, const char *path, const char *what)
{
    snprintf(reason, CONTROL_CLIENT_REASON_SIZE, "control socket %.120s: %s: %s", path, what,
             errno == EAGAIN ? "not in time" : strerror(errno));
    return NULL;
}

static bool is_act(Control__Request__CallCase call)
{
    return call == CONTROL__REQUEST__CALL_RELOAD || call == CONTROL__REQUEST__CALL_DRAIN ||
           call == CONTROL__REQUEST__CALL_PURGE || call == CONTROL__REQUEST__CALL_VERSION;
}

static int client_connect(const char *path, int timeout_s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval timeout = {.tv_sec = timeout_s};
    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return -1;
    }
    if (setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0 ||
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) != 0 ||
        connect(descriptor, (struct sockaddr *)&address, sizeof(address)) != 0) {
        int why = errno;
        close(descriptor);
        errno = why;
        return -1;
    }
    return descriptor;
}

static bool send_all(int descriptor, const uint8_t *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t count = send(descriptor, bytes + done, length - done, MSG_NOSIGNAL);
        if (count <= 0) {
            return false;
        }
        done += (size_t)count;
    }
    return true;
}

static bool send_request(int descriptor, const Control__Request *request)
{
    struct byte_writer writer;
    size_t length = control__request__get_packed_size(request);
    uint8_t *frame = length > REQUEST_BYTES_MAX ? NULL : malloc(HEADER_BYTES + length);
    if (frame == NULL) {
        errno = length > REQUEST_BYTES_MAX ? EMSGSIZE : ENOMEM;
        return false;
    }
    byte_writer_init(&writer, frame, HEADER_BYTES);
    byte_writer_u32(&writer, (uint32_t)length);
    control__request__pack(request, frame + HEADER_BYTES);
    bool is_sent = send_all(descriptor, frame, HEADER_BYTES + length);
    int why = errno;
    free(frame);
    errno = why;
    return is_sent;
}

/* All of `length` bytes; a closed connection counts as an error. */
static bool receive(int descriptor, uint8_t *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t count = recv(descriptor, bytes + done, length - done, 0);
        if (count <= 0) {
            errno = count == 0 ? ECONNRESET : errno;
            return false;
        }
        done += (size_t)count;
    }
    return true;
}

static Control__Answer *receive_answer(int descriptor)
{
    uint8_t header[HEADER_BYTES];
    struct byte_reader reader;
    if (!receive(descriptor, header, HEADER_BYTES)) {
        return NULL;
    }
    byte_reader_init(&reader, header, HEADER_BYTES);
    uint32_t length = byte_reader_u32(&reader);
    if (length == 0 || length > ANSWER_BYTES_MAX) {
        errno = EMSGSIZE;
        return NULL;
    }
    uint8_t *bytes = malloc(length);
    if (bytes == NULL) {
        return NULL;
    }
    Control__Answer *answer = NULL;
    if (receive(descriptor, bytes, length)) {
        answer = control__answer__unpack(NULL, length, bytes);
        errno = answer == NULL ? EBADMSG : 0;
    }
    free(bytes);
    return answer;
}

/* Of a call that was sent and not answered. The connection is kept where more time may help. */
static void keep_pending(const struct control_client *client, int descriptor, int why)
{
    bool may_come = why == EAGAIN || why == EWOULDBLOCK;
    if (client->pending != NULL) {
        *client->pending = (struct control_pending){true, may_come ? descriptor : -1};
    }
    if (client->pending == NULL || !may_come) {
        close(descriptor);
    }
}

Control__Answer *control_client_ask(const struct control_client *client, Control__Request *request,
                                    char reason[CONTROL_CLIENT_REASON_SIZE])
{
    request->id = 1;
    request->operator_ = (char *)(uintptr_t)client->operator_name;
    int descriptor = client_connect(client->path,
                                    is_act(request->call_case) ? ACT_TIMEOUT_S : NUMBERS_TIMEOUT_S);
    if (descriptor < 0) {
        return fail(reason, client->path, "cannot be reached");
    }
    bool is_sent = send_request(descriptor, request);
    Control__Answer *answer = is_sent ? receive_answer(descriptor) : NULL;
    int why = errno;
    if (is_sent && answer == NULL) {
        keep_pending(client, descriptor, why);
    } else {
        close(descriptor);
    }
    errno = why;
    return answer != NULL ? answer : fail(reason, client->path, "gave no answer");
}

Control__Answer *control_client_wait(int descriptor, int timeout_s)
{
    struct timeval timeout = {.tv_sec = timeout_s};
    return setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0
               ? receive_answer(descriptor)
               : NULL;
}

Control__Answer *control_client_call(const struct control_client *client,
                                     Control__Request__CallCase call, const char *parameter,
                                     char reason[CONTROL_CLIENT_REASON_SIZE])
{
    Control__Request request = CONTROL__REQUEST__INIT;
    Control__StatusCall status = CONTROL__STATUS_CALL__INIT;
    Control__MetricsCall metrics = CONTROL__METRICS_CALL__INIT;
    Control__TerminalCall terminal = CONTROL__TERMINAL_CALL__INIT;
    Control__ReloadCall reload = CONTROL__RELOAD_CALL__INIT;
    Control__DrainCall drain = CONTROL__DRAIN_CALL__INIT;
    Control__PurgeCall purge = CONTROL__PURGE_CALL__INIT;
    request.call_case = call;
    switch (call) {
    case CONTROL__REQUEST__CALL_STATUS:
        request.status = &status;
        break;
    case CONTROL__REQUEST__CALL_METRICS:
        request.metrics = &metrics;
        break;
    case CONTROL__REQUEST__CALL_TERMINAL:
        terminal.terminal_id = (char *)(uintptr_t)parameter;
        request.terminal = &terminal;
        break;
    case CONTROL__REQUEST__CALL_RELOAD:
        request.reload = &reload;
        break;
    case CONTROL__REQUEST__CALL_DRAIN:
        request.drain = &drain;
        break;
    case CONTROL__REQUEST__CALL_PURGE:
        purge.days = (uint32_t)strtoul(parameter, NULL, 10);
        request.purge = &purge;
        break;
    case CONTROL__REQUEST__CALL_TRACE: /* have more than one parameter: control_client_ask */
    case CONTROL__REQUEST__CALL_EXPLAIN:
    case CONTROL__REQUEST__CALL_VERSION:
    case CONTROL__REQUEST__CALL_USAGE:
    case CONTROL__REQUEST__CALL_ORDER:
    case CONTROL__REQUEST__CALL_ORDERS:
    case CONTROL__REQUEST__CALL__NOT_SET:
    case _CONTROL__REQUEST__CALL__CASE_IS_INT_SIZE:
        break;
    }
    return control_client_ask(client, &request, reason);
}
