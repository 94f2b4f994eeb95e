/* libmicrohttpd around the calls: TLS, limits, deadlines, headers.
 *
 * Each connection has a thread, so a call may wait for the switch; there are few, and more from one
 * address than its share are closed at once.
 */
#include "switch/admin/admin.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <microhttpd.h>

#include "config/file_text.h"
#include "switch/admin/call.h"
#include "switch/admin/case_body.h"
#include "switch/admin/deadline_watch.h"
#include "switch/admin/desk_share.h"
#include "switch/admin/dry_run.h"
#include "switch/admin/event_feed.h"
#include "switch/admin/gate.h"
#include "switch/admin/late_report.h"
#include "switch/admin/order_call.h"
#include "switch/admin/registry_call.h"
#include "switch/admin/version_call.h"
#include "switch/admin/webhooks.h"

#define CONNECTIONS_MAX 64
#define CONNECTIONS_A_ADDRESS 32 /* far below the above: newcomers beyond that would hang */
#define REQUEST_SECONDS 30       /* from the connection, or the answer before, to the answer */
#define CONNECTION_MEMORY 32768  /* head of a request; longer ones are refused */
#define BODY_BYTES_MAX 4096      /* of calls that read none */
#define FILES_BYTES_MAX (3u * 1024 * 1024) /* rule files of 1 MiB in all, as JSON */
/* Longer ones are large: few are read at once, and each MiB of one has REQUEST_SECONDS of its own.
 */
#define LARGE_BYTES_MIN (4u * 1024 * 1024)
#define LARGE_COUNT_MAX 2
#define PEM_BYTES_MAX 65536
#define TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct admin {
    struct admin_setup setup;
    struct token_file *tokens;
    struct audit *audit; /* NULL: none is configured */
    struct gate gate;
    struct late_report *late;
    struct deadline_watch *watch;
    struct log_job *job;
    struct desk_share *desk;
    struct event_waits waits;
    struct webhooks *webhooks;
    pthread_mutex_t webhooks_mutex; /* guards which ones they are, for those who count */
    struct registry_job *registry_job;
    struct day_job *day_job; /* NULL: there is no after-sales */
    atomic_uint large_count; /* long bodies and answers that are read, worked on or sent */
    struct MHD_Daemon *daemon;
    struct file_text certificate, key;
    atomic_ullong requests[METRICS_TEXT_CODE_CLASSES];
};

/* What is kept between libmicrohttpd's calls for one request. */
struct request {
    size_t kept_max; /* the body is kept, up to here; 0: the call reads none */
    bool is_large;   /* it is counted in large_count */
    size_t body_length, body_room;
    char *body; /* owner; NULL: none yet */
};

/* --- one request -------------------------------------------------------------------------- */

static void peer_address(struct MHD_Connection *connection, char text[INET6_ADDRSTRLEN])
{
    const union MHD_ConnectionInfo *information =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    snprintf(text, INET6_ADDRSTRLEN, "unknown");
    if (information == NULL) {
        return;
    }
    const struct sockaddr *address = information->client_addr;
    const void *bytes = address->sa_family == AF_INET6
                            ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)address)->sin_addr;
    if (inet_ntop(address->sa_family, bytes, text, INET6_ADDRSTRLEN) == NULL) {
        snprintf(text, INET6_ADDRSTRLEN, "unknown");
    }
}

struct query_reading {
    struct txn_query *query;
    char reason[TXN_QUERY_REASON_SIZE];
    bool is_faulty;
};

static enum MHD_Result on_parameter(void *argument, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    struct query_reading *reading = argument;
    (void)kind;
    if (txn_query_put(reading->query, name, value == NULL ? "" : value, reading->reason) !=
        STATUS_OK) {
        reading->is_faulty = true;
        return MHD_NO;
    }
    return MHD_YES;
}

/* False: a parameter is wrong, and `answer` says which. */
static bool read_query(struct MHD_Connection *connection, struct txn_query *query,
                       struct answer *answer)
{
    struct query_reading reading = {.query = query};
    txn_query_init(query);
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, on_parameter, &reading);
    if (reading.is_faulty) {
        answer_problem(answer, 400, reading.reason);
    }
    return !reading.is_faulty;
}

static void read_own(struct admin *admin, struct metrics_own *own)
{
    for (int i = 0; i < METRICS_TEXT_CODE_CLASSES; i++) {
        own->requests[i] = admin->requests[i];
    }
    pthread_mutex_lock(&admin->webhooks_mutex);
    own->webhook_count = webhooks_tally(admin->webhooks, own->webhooks);
    pthread_mutex_unlock(&admin->webhooks_mutex);
}

/* `MHD_lookup_connection_value` cannot tell "?verbose" from its absence. */
static enum MHD_Result on_flag(void *argument, enum MHD_ValueKind kind, const char *name,
                               const char *value)
{
    (void)kind;
    (void)value;
    bool *is_verbose = argument;
    *is_verbose = *is_verbose || strcmp(name, "verbose") == 0;
    return MHD_YES;
}

static const char *option_of(void *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
}

static const char *header_of(void *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

struct noting {
    const struct call *call;
    char text[VERSION_NOTE_SIZE];
};

static const char *note_of(void *argument)
{
    struct noting *noting = argument;
    _Static_assert(ORDER_NOTE_SIZE <= VERSION_NOTE_SIZE, "a note is kept in either's room");
    const char *note = version_call_note(noting->call, noting->text);
    return note != NULL ? note : order_call_note(noting->call, noting->text);
}

/* After a call: what came of an effect, now or once it is known. */
static void report(struct admin *admin, const struct gate_request *asked,
                   const struct token_holder *holder, const struct answer *answer,
                   const struct control_pending *pending)
{
    bool has_effect = endpoint_has_effect(asked->endpoint);
    if (has_effect) {
        gate_report(&admin->gate, asked, holder, answer);
    }
    if (pending->descriptor >= 0 && has_effect) {
        late_report_begin(admin->late, asked, holder, pending->descriptor);
    } else if (pending->descriptor >= 0) {
        close(pending->descriptor);
    }
}

static void serve(struct admin *admin, struct MHD_Connection *connection,
                  const struct endpoint_match *match, const struct gate_request *asked,
                  const struct request *request, struct answer *answer)
{
    struct token_holder holder, second;
    struct txn_query query;
    struct metrics_own own;
    struct control_pending pending = {.descriptor = -1};
    struct call call = {.endpoint = match->endpoint,
                        .parameter = match->parameter,
                        .second_parameter = match->second,
                        .control_socket = admin->setup.control_socket,
                        .log = admin->setup.log,
                        .fees = admin->setup.fees,
                        .query = &query,
                        .own = &own,
                        .job = admin->job,
                        .desk = admin->desk,
                        .evidence_key = admin->setup.evidence_key,
                        .registry_job = admin->registry_job,
                        .day_job = admin->day_job,
                        .holder = &holder,
                        .option = option_of,
                        .header = header_of,
                        .waits = &admin->waits,
                        .connection = connection,
                        .body = request->body,
                        .body_length = request->body_length,
                        .pending = &pending};
    struct noting noting = {.call = &call};
    struct gate_request noted = *asked;
    noted.note = note_of;
    noted.note_argument = &noting;
    if (!gate_pass(&admin->gate, &noted, &holder, answer)) {
        return;
    }
    const char *beside =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Second-Authorization");
    if (beside != NULL) {
        if (!gate_pass_second(&admin->gate, &noted, &holder, beside, &second, answer)) {
            report(admin, &noted, &holder, answer, &pending);
            return;
        }
        call.second = &second;
    }
    if (match->endpoint == ENDPOINT_TXN_SEARCH && !read_query(connection, &query, answer)) {
        return;
    }
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, on_flag, &call.is_verbose);
    read_own(admin, &own);
    call.operator_name = holder.name;
    call.option_count =
        (unsigned)MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, NULL, NULL);
    call_serve(&call, answer);
    report(admin, &noted, &holder, answer, &pending);
}

static void answer_request(struct admin *admin, struct MHD_Connection *connection,
                           struct gate_request *asked, const struct request *request,
                           struct answer *answer)
{
    struct endpoint_match match;
    endpoint_find(&match, asked->method, asked->path);
    if (match.answer == ENDPOINT_NO_PATH) {
        answer_problem(answer, 404, "no such path");
        return;
    }
    if (match.answer == ENDPOINT_NO_METHOD) {
        answer->allow = match.allowed;
        answer_problem(answer, 405, "this path is served by another method: see Allow");
        return;
    }
    asked->endpoint = match.endpoint;
    asked->authorization =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
    serve(admin, connection, &match, asked, request, answer);
}

/* Takes over the body; NULL: no memory. */
static struct MHD_Response *make_response(struct answer *answer)
{
    struct MHD_Response *response =
        answer->is_file
            ? MHD_create_response_from_fd64(answer->length, answer->descriptor)
            : MHD_create_response_from_buffer(answer->length, answer->body, MHD_RESPMEM_MUST_FREE);
    if (response == NULL && answer->is_file) {
        close(answer->descriptor);
    } else if (response == NULL) {
        free(answer->body);
    }
    return response;
}

/* What a connection's deadline is counted by; -1: none. Places count from 1 in a context, because
 * no context is NULL. */
static int place_of(void *context)
{
    return (int)(intptr_t)context - 1;
}

/* The connection has REQUEST_SECONDS again. */
static void renew_deadline(struct admin *admin, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *information =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (information != NULL && place_of(information->socket_context) >= 0) {
        deadline_watch_renew(admin->watch, place_of(information->socket_context));
    }
}

/* Takes over the body. */
static enum MHD_Result send_answer(struct admin *admin, struct MHD_Connection *connection,
                                   struct answer *answer)
{
    unsigned class = answer->code / 100;
    if (class >= 1 && class <= METRICS_TEXT_CODE_CLASSES) {
        atomic_fetch_add(&admin->requests[class - 1], 1);
    }
    if (answer->length > LARGE_BYTES_MIN) {
        renew_deadline(admin, connection); /* it has taken long to make */
    }
    struct MHD_Response *response = make_response(answer);
    if (response == NULL) {
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type",
                            answer->type == NULL ? "text/plain" : answer->type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (answer->code == 401) {
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    }
    if (answer->code == 429) {
        MHD_add_response_header(response, "Retry-After", "5");
    }
    if (answer->allow != NULL) {
        MHD_add_response_header(response, "Allow", answer->allow);
    }
    if (answer->header != NULL) {
        MHD_add_response_header(response, answer->header, answer->header_value);
    }
    enum MHD_Result queued = MHD_queue_response(connection, answer->code, response);
    MHD_destroy_response(response);
    return queued;
}

static size_t kept_max_of(const struct endpoint_match *match)
{
    if (match->answer != ENDPOINT_FOUND) {
        return 0;
    }
    if (match->endpoint == ENDPOINT_DRY_RUN) {
        return DRY_RUN_BYTES_MAX;
    }
    size_t desk_max = registry_call_body_max(match->endpoint);
    if (desk_max > 0) {
        return desk_max;
    }
    if (endpoint_takes_case(match->endpoint)) {
        return CASE_BODY_BYTES_MAX;
    }
    return endpoint_takes_files(match->endpoint) ? FILES_BYTES_MAX : 0;
}

static size_t body_max(const struct request *request)
{
    return request->kept_max > 0 ? request->kept_max : BODY_BYTES_MAX;
}

static bool body_is_announced_too_long(struct MHD_Connection *connection,
                                       const struct request *request)
{
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
    return length != NULL && strtoull(length, NULL, 10) > body_max(request);
}

static enum MHD_Result refuse_body(struct admin *admin, struct MHD_Connection *connection,
                                   const struct request *request)
{
    struct answer answer = {0};
    char detail[80];
    snprintf(detail, sizeof(detail), "this call takes no body of more than %zu bytes",
             body_max(request));
    answer_problem(&answer, 413, detail);
    return send_answer(admin, connection, &answer);
}

/* All of a kind of rows is one answer, which stands in memory until its reader has it. */
static bool is_large(const struct endpoint_match *match, const struct request *request)
{
    return request->kept_max >= LARGE_BYTES_MIN ||
           (match->answer == ENDPOINT_FOUND && match->endpoint == ENDPOINT_REGISTRY_EXPORT);
}

/* False: as many long ones as may be are under way. */
static bool take_large(struct admin *admin, struct request *request)
{
    request->is_large = true;
    return atomic_fetch_add(&admin->large_count, 1) < LARGE_COUNT_MAX;
}

static enum MHD_Result refuse_large(struct admin *admin, struct MHD_Connection *connection)
{
    struct answer answer = {0};
    answer_problem(&answer, 503, "other long files are being read or sent; try again in a while");
    return send_answer(admin, connection, &answer);
}

static enum MHD_Result answer_whole(struct admin *admin, struct MHD_Connection *connection,
                                    struct gate_request *asked, const struct request *request)
{
    struct answer answer = {0};
    answer_request(admin, connection, asked, request, &answer);
    return send_answer(admin, connection, &answer);
}

/* The head is there. A long body is read, and a long answer made, for those only who may make the
 * call; others are answered at once. */
static enum MHD_Result begin_request(struct admin *admin, struct MHD_Connection *connection,
                                     struct gate_request *asked, struct request *request)
{
    struct endpoint_match match;
    endpoint_find(&match, asked->method, asked->path);
    request->kept_max = kept_max_of(&match);
    if (request->kept_max > 0 || is_large(&match, request)) {
        asked->endpoint = match.endpoint;
        asked->authorization =
            MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
        struct gate_finding finding;
        if (!gate_may(&admin->gate, asked, &finding)) {
            struct gate_request found = *asked;
            found.finding = &finding;
            return answer_whole(admin, connection, &found, request);
        }
        if (is_large(&match, request) && !take_large(admin, request)) {
            return refuse_large(admin, connection);
        }
    }
    return body_is_announced_too_long(connection, request) ? refuse_body(admin, connection, request)
                                                           : MHD_YES;
}

/* A piece of the body, kept where somebody reads it. */
static enum MHD_Result take_body(struct request *request, const char *bytes, size_t length)
{
    if (length > body_max(request) - request->body_length) {
        return MHD_NO;
    }
    size_t needed = request->body_length + length;
    if (request->kept_max > 0 && needed > request->body_room) {
        size_t room = 2 * needed < request->kept_max ? 2 * needed : request->kept_max;
        char *body = realloc(request->body, room);
        if (body == NULL) {
            return MHD_NO;
        }
        request->body = body;
        request->body_room = room;
    }
    if (request->kept_max > 0) {
        memcpy(request->body + request->body_length, bytes, length);
    }
    request->body_length = needed;
    return MHD_YES;
}

/* Called for the head, for each piece of the body, and at its end (libmicrohttpd's contract). */
static enum MHD_Result on_request(void *argument, struct MHD_Connection *connection,
                                  const char *url, const char *method, const char *version,
                                  const char *upload, size_t *upload_length, void **kept)
{
    struct admin *admin = argument;
    struct request *request = *kept;
    char address[INET6_ADDRSTRLEN];
    (void)version;
    peer_address(connection, address);
    struct gate_request asked = {.method = method, .path = url, .address = address};
    if (request == NULL) {
        request = calloc(1, sizeof(*request));
        *kept = request;
        return request == NULL ? MHD_NO : begin_request(admin, connection, &asked, request);
    }
    if (*upload_length > 0) {
        size_t length = *upload_length;
        *upload_length = 0;
        size_t before = request->body_length;
        enum MHD_Result taken = take_body(request, upload, length);
        if (request->is_large && before >> 20 != request->body_length >> 20) {
            renew_deadline(admin, connection);
        }
        return taken;
    }
    if (request->is_large) {
        renew_deadline(admin, connection);
    }
    return answer_whole(admin, connection, &asked, request);
}

/* --- connections -------------------------------------------------------------------------- */

static void on_connection(void *argument, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct admin *admin = argument;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *information =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        int place =
            information == NULL ? -1 : deadline_watch_enroll(admin->watch, information->connect_fd);
        *context = (void *)(intptr_t)(place + 1);
    } else if (place_of(*context) >= 0) {
        deadline_watch_leave(admin->watch, place_of(*context));
    }
}

static void on_completed(void *argument, struct MHD_Connection *connection, void **kept,
                         enum MHD_RequestTerminationCode how)
{
    struct admin *admin = argument;
    struct request *request = *kept;
    (void)how;
    if (request != NULL && request->is_large) {
        atomic_fetch_sub(&admin->large_count, 1);
    }
    if (request != NULL) {
        free(request->body);
    }
    free(request);
    *kept = NULL;
    renew_deadline(admin, connection);
}

/* --- start and stop ----------------------------------------------------------------------- */

static bool read_pem(struct file_text *text, const char *path, const char *option, char *reason)
{
    struct stat file;
    if (path[0] == '\0' || file_text_read(text, path, PEM_BYTES_MAX) != STATUS_OK) {
        snprintf(reason, ADMIN_REASON_SIZE, "%s: expected a PEM file, got \"%.400s\"", option,
                 path);
        return false;
    }
    if (strcmp(option, "admin.key") == 0 && stat(path, &file) == 0 && (file.st_mode & 007) != 0) {
        snprintf(
            reason, ADMIN_REASON_SIZE,
            "%s: %.400s can be read by others; chmod 600 it, and make a new key if it lay open",
            option, path);
        return false;
    }
    return true;
}

/* NULL: `reason` says what is wrong with them. */
static struct webhooks *make_webhooks(const struct admin *admin,
                                      const struct webhook_options *options, uint32_t count,
                                      char *reason)
{
    char why[WEBHOOK_REASON_SIZE] = "";
    const struct webhooks_setup setup = {options, count, admin->desk};
    struct webhooks *webhooks = webhooks_create(&setup, why);
    if (webhooks == NULL) {
        snprintf(reason, ADMIN_REASON_SIZE, "aftersales.webhooks: %s", why);
    }
    return webhooks;
}

/* What works on the database of after-sales. */
static bool open_desk(struct admin *admin, const char *folder)
{
    admin->desk = desk_share_create(folder);
    if (admin->desk == NULL) {
        return false;
    }
    if (admin->setup.case_rules != NULL) {
        desk_share_set_rules(admin->desk, admin->setup.case_rules);
    }
    admin->registry_job = registry_job_create(admin->desk);
    if (folder[0] != '\0') {
        admin->day_job = day_job_create(admin->desk, admin->audit);
    }
    return admin->registry_job != NULL && (folder[0] == '\0' || admin->day_job != NULL);
}

static bool open_parts(struct admin *admin, char *reason)
{
    const struct admin_setup *setup = &admin->setup;
    char why[AUDIT_REASON_SIZE] = "";
    if (!read_pem(&admin->certificate, setup->certificate, "admin.certificate", reason) ||
        !read_pem(&admin->key, setup->key, "admin.key", reason)) {
        return false;
    }
    admin->tokens = token_file_open(setup->tokens, why);
    if (admin->tokens == NULL) {
        snprintf(reason, ADMIN_REASON_SIZE, "admin.tokens: %s", why);
        return false;
    }
    if (setup->audit[0] != '\0') {
        admin->audit = audit_open(setup->audit, why);
        if (admin->audit == NULL) {
            snprintf(reason, ADMIN_REASON_SIZE, "%s", why);
            return false;
        }
    }
    admin->watch = deadline_watch_create(CONNECTIONS_MAX, REQUEST_SECONDS);
    gate_open(&admin->gate, admin->tokens, admin->audit);
    admin->job = log_job_create(setup->log, setup->backup_folder, setup->options);
    admin->late = late_report_create(&admin->gate, setup->log);
    if (!open_desk(admin, setup->aftersales)) {
        return false;
    }
    admin->webhooks = make_webhooks(admin, setup->webhooks, setup->webhook_count, reason);
    return admin->webhooks != NULL && admin->watch != NULL && admin->job != NULL &&
           admin->late != NULL;
}

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* False: no IP address. */
static bool address_parse(const struct admin_setup *setup, union socket_address *address)
{
    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, setup->address, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(setup->port);
        return true;
    }
    if (inet_pton(AF_INET6, setup->address, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons(setup->port);
        return true;
    }
    return false;
}

static struct MHD_Daemon *start_daemon(struct admin *admin, const union socket_address *address)
{
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_TLS |
                     (address->any.sa_family == AF_INET6 ? MHD_USE_IPv6 : 0U);
    return MHD_start_daemon(
        flags, admin->setup.port, NULL, NULL, on_request, admin, MHD_OPTION_SOCK_ADDR,
        &address->any, MHD_OPTION_HTTPS_MEM_CERT, admin->certificate.bytes,
        MHD_OPTION_HTTPS_MEM_KEY, admin->key.bytes, MHD_OPTION_HTTPS_PRIORITIES, TLS_PRIORITIES,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_A_ADDRESS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)REQUEST_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, admin, MHD_OPTION_NOTIFY_COMPLETED, on_completed, admin, MHD_OPTION_END);
}

static void admin_free(struct admin *admin)
{
    if (admin->late != NULL) {
        late_report_destroy(admin->late);
    }
    if (admin->watch != NULL) {
        deadline_watch_destroy(admin->watch);
        gate_close(&admin->gate);
    }
    if (admin->job != NULL) {
        log_job_destroy(admin->job);
    }
    webhooks_destroy(admin->webhooks);
    registry_job_destroy(admin->registry_job);
    day_job_destroy(admin->day_job);
    desk_share_destroy(admin->desk);
    if (admin->tokens != NULL) {
        token_file_close(admin->tokens);
    }
    if (admin->audit != NULL) {
        audit_close(admin->audit);
    }
    file_text_free(&admin->certificate);
    file_text_free(&admin->key);
    pthread_mutex_destroy(&admin->webhooks_mutex);
    free(admin);
}

struct admin *admin_start(const struct admin_setup *setup, char reason[ADMIN_REASON_SIZE])
{
    union socket_address address;
    struct admin *admin = calloc(1, sizeof(*admin));
    snprintf(reason, ADMIN_REASON_SIZE, "no memory or no thread");
    if (admin == NULL) {
        return NULL;
    }
    admin->setup = *setup;
    pthread_mutex_init(&admin->webhooks_mutex, NULL);
    if (!open_parts(admin, reason)) {
        admin_free(admin);
        return NULL;
    }
    if (!address_parse(setup, &address)) {
        snprintf(reason, ADMIN_REASON_SIZE, "admin.address: expected an IP address, got \"%.60s\"",
                 setup->address);
        admin_free(admin);
        return NULL;
    }
    admin->daemon = start_daemon(admin, &address);
    if (admin->daemon == NULL) {
        snprintf(reason, ADMIN_REASON_SIZE,
                 "cannot serve %.60s port %u: the port is taken, or certificate and key do not fit",
                 setup->address, setup->port);
        admin_free(admin);
        return NULL;
    }
    /* Last, so that of two processes the one that has the port delivers. */
    if (!webhooks_start(admin->webhooks)) {
        snprintf(reason, ADMIN_REASON_SIZE, "no thread could be had for webhooks");
        admin_stop(admin);
        return NULL;
    }
    return admin;
}

uint16_t admin_port(const struct admin *admin)
{
    const union MHD_DaemonInfo *information =
        MHD_get_daemon_info(admin->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return information == NULL ? admin->setup.port : information->port;
}

/* Two that post for one name at once would post twice: the old ones rest before the new ones begin,
 * and go on when these cannot. */
static bool change_webhooks(struct admin *admin, const struct admin_change *change, char *reason)
{
    struct webhooks *before = admin->webhooks;
    struct webhooks *wanted = make_webhooks(admin, change->webhooks, change->webhook_count, reason);
    if (wanted == NULL) {
        return false;
    }
    webhooks_rest(before);
    if (!webhooks_start(wanted)) {
        webhooks_destroy(wanted);
        snprintf(reason, ADMIN_REASON_SIZE, "no thread could be had for webhooks%s",
                 webhooks_start(before) ? "; those of before go on"
                                        : ", neither for those of before: restart tillway-admin");
        return false;
    }
    pthread_mutex_lock(&admin->webhooks_mutex);
    admin->webhooks = wanted;
    pthread_mutex_unlock(&admin->webhooks_mutex);
    if (change->webhook_count == 0) {
        webhooks_leave(before);
    }
    webhooks_destroy(before);
    return true;
}

bool admin_reload(struct admin *admin, const struct admin_change *change,
                  char reason[ADMIN_REASON_SIZE])
{
    if (!change_webhooks(admin, change, reason)) {
        return false;
    }
    desk_share_set_rules(admin->desk, change->case_rules); /* which cannot fail */
    return true;
}

void admin_stop(struct admin *admin)
{
    admin->waits.is_ending = true;
    MHD_stop_daemon(admin->daemon);
    admin_free(admin);
}
