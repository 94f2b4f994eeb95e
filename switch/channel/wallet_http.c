/* See wallet_http.h.
 *
 * libcurl says which sockets and which time-out it waits for; both become handles of the loop. What
 * happened is told to libcurl first, and only then it is asked which requests are done, so on_done
 * never runs inside one of its callbacks and may send the next request.
 */
#include "switch/channel/wallet_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "protocols/base/require.h"
#include "protocols/base/secret.h"

#define CA_CACHE_S 86400L
#define STREAM_COUNT_MAX 100L /* on one connection; what servers usually allow */
#define LINE_SIZE (WALLET_AUTHORIZATION_SIZE + 32)

struct wallet_http {
    struct wallet_http_setup setup;
    char url[WALLET_URL_SIZE], ca_file[512];
    CURLM *multi;
    uv_timer_t timer;
    bool has_timer;        /* from the first request on */
    uint32_t handle_count; /* the timer and all watches */
    struct wallet_http_call *calls;
    struct wallet_http_counts counts;
    bool is_stopping, is_stopped;
};

/* A socket of libcurl's, as long as libcurl is interested in it. */
struct watch {
    uv_poll_t poll;
    struct wallet_http *http;
    curl_socket_t socket;
};

/* --- what is done ------------------------------------------------------------------------- */

static void unlink_call(struct wallet_http_call *call)
{
    struct wallet_http *http = call->http;
    if (call->previous != NULL) {
        call->previous->next = call->next;
    } else {
        http->calls = call->next;
    }
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
    call->next = call->previous = NULL;
    http->counts.under_way--;
}

static void look_at_connection(struct wallet_http *http, const struct wallet_http_call *call)
{
    long version = 0, connects = 0;
    curl_easy_getinfo(call->easy, CURLINFO_HTTP_VERSION, &version);
    curl_easy_getinfo(call->easy, CURLINFO_NUM_CONNECTS, &connects);
    http->counts.connections += (uint64_t)connects;
    if (version != 0) {
        http->counts.is_multiplexed = version >= CURL_HTTP_VERSION_2_0;
    }
}

/* Only what failed before there was a connection, and never had one: libcurl repeats by itself what
 * met a connection that had died, and the first time may have arrived. */
static bool is_unsent(const struct wallet_http_call *call, CURLcode code)
{
    long request_bytes = 0;
    curl_off_t begun_us = 0;
    curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
    curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &begun_us);
    bool is_before = code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
                     code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION ||
                     code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM;
    return is_before && request_bytes == 0 && begun_us == 0;
}

/* Ends a call: off libcurl's list, secrets wiped, and told. */
static void finish(struct wallet_http_call *call, CURLcode code)
{
    long status = 0;
    struct wallet_http *http = call->http;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    call->is_unsent = is_unsent(call, code);
    look_at_connection(http, call);
    curl_multi_remove_handle(http->multi, call->easy);
    curl_slist_free_all(call->headers);
    call->headers = NULL;
    unlink_call(call);
    secret_wipe(call->message.body, call->message.body_length);
    if (code == CURLE_OK) {
        call->reply.http_status = (uint16_t)status;
        call->error[0] = '\0';
    } else {
        call->reply.http_status = 0;
        call->reply.body.length = 0;
        http->counts.failed++;
        if (call->is_too_long) {
            snprintf(call->error, sizeof(call->error), "the reply is longer than %d bytes",
                     WALLET_REPLY_BYTES_MAX);
        } else if (call->error[0] == '\0') {
            snprintf(call->error, sizeof(call->error), "%s", curl_easy_strerror(code));
        }
    }
    call->reply.wall_s = loop_wall_us() / 1000000;
    call->on_done(call);
}

static void finish_all(struct wallet_http *http)
{
    int left = 0;
    for (CURLMsg *message;
         http->multi != NULL && (message = curl_multi_info_read(http->multi, &left)) != NULL;) {
        struct wallet_http_call *call = NULL;
        if (message->msg == CURLMSG_DONE) {
            CURLcode code = message->data.result; /* the message goes with the handle */
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
            finish(call, code);
        }
    }
}

/* --- the loop's side ---------------------------------------------------------------------- */

static void end_when_closed(struct wallet_http *http)
{
    if (http->handle_count == 0 && http->is_stopping && !http->is_stopped) {
        http->is_stopped = true;
        http->setup.on_stopped(http->setup.argument);
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct wallet_http *http = handle->data;
    http->handle_count--;
    end_when_closed(http);
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;
    struct wallet_http *http = watch->http;
    free(watch);
    http->handle_count--;
    end_when_closed(http);
}

static void tell(struct wallet_http *http, curl_socket_t socket, int events)
{
    int running = 0;
    curl_multi_socket_action(http->multi, socket, events, &running);
    finish_all(http);
}

static void on_time(uv_timer_t *timer)
{
    tell(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    const struct watch *watch = poll->data;
    int what = status < 0 ? CURL_CSELECT_ERR : 0;
    what |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    what |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    tell(watch->http, watch->socket, what);
}

/* 0 is passed on as it is: made into 1, it would be pushed on for ever by requests that come every
 * millisecond. */
static int on_timer(CURLM *multi, long timeout_ms, void *argument)
{
    struct wallet_http *http = argument;
    (void)multi;
    if (http->is_stopping || !http->has_timer) {
        return 0;
    }
    if (timeout_ms < 0) {
        uv_timer_stop(&http->timer);
    } else {
        uv_update_time(&http->setup.loop->uv);
        uv_timer_start(&http->timer, on_time, (uint64_t)timeout_ms, 0);
    }
    return 0;
}

static struct watch *watch_create(struct wallet_http *http, curl_socket_t socket)
{
    struct watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL || uv_poll_init_socket(&http->setup.loop->uv, &watch->poll, socket) != 0) {
        free(watch);
        return NULL;
    }
    watch->http = http;
    watch->socket = socket;
    watch->poll.data = watch;
    http->handle_count++;
    return watch;
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *argument, void *assigned)
{
    struct wallet_http *http = argument;
    struct watch *watch = assigned;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL) {
            uv_poll_stop(&watch->poll);
            uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
            curl_multi_assign(http->multi, socket, NULL);
        }
        return 0;
    }
    if (watch == NULL) {
        watch = watch_create(http, socket);
        if (watch == NULL) {
            return 0; /* its request ends by its time-out; -1 would end them all, for good */
        }
        curl_multi_assign(http->multi, socket, watch);
    }
    int events = (what & CURL_POLL_IN) != 0 ? UV_READABLE : 0;
    events |= (what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0;
    int status = uv_poll_start(&watch->poll, events, on_poll);
    REQUIRE(status == 0); /* it refuses only a handle that is being closed */
    return 0;
}

/* --- one request -------------------------------------------------------------------------- */

static size_t on_body(char *bytes, size_t size, size_t count, void *argument)
{
    struct wallet_http_call *call = argument;
    size_t length = size * count;
    if (length > sizeof(call->bytes) - call->reply.body.length) {
        call->is_too_long = true;
        return 0;
    }
    memcpy(call->bytes + call->reply.body.length, bytes, length);
    call->reply.body.length += (uint32_t)length;
    return length;
}

/* What a header line says after its name; false: it is another one, or too long. */
static bool take_header(const char *line, size_t length, const char *name, char *value, size_t size)
{
    size_t name_length = strlen(name);
    if (length <= name_length || strncasecmp(line, name, name_length) != 0 ||
        line[name_length] != ':') {
        return false;
    }
    const char *begin = line + name_length + 1;
    const char *end = line + length;
    while (begin < end && (*begin == ' ' || *begin == '\t')) {
        begin++;
    }
    while (end > begin && strchr("\r\n \t", end[-1]) != NULL) {
        end--;
    }
    if ((size_t)(end - begin) >= size) {
        return false;
    }
    memcpy(value, begin, (size_t)(end - begin));
    value[end - begin] = '\0';
    return true;
}

static size_t on_header(char *line, size_t size, size_t count, void *argument)
{
    struct wallet_http_call *call = argument;
    struct wallet_reply *reply = &call->reply;
    size_t length = size * count;
    (void)(take_header(line, length, "Wechatpay-Timestamp", reply->timestamp,
                       sizeof(reply->timestamp)) ||
           take_header(line, length, "Wechatpay-Nonce", reply->nonce, sizeof(reply->nonce)) ||
           take_header(line, length, "Wechatpay-Serial", reply->serial, sizeof(reply->serial)) ||
           take_header(line, length, "Wechatpay-Signature", reply->signature,
                       sizeof(reply->signature)));
    return length;
}

static bool add_header(struct wallet_http_call *call, const char *name, const char *value)
{
    char line[LINE_SIZE];
    snprintf(line, sizeof(line), "%s%s", name, value);
    struct curl_slist *longer = curl_slist_append(call->headers, line);
    if (longer != NULL) {
        call->headers = longer;
    }
    return longer != NULL;
}

static bool put_headers(struct wallet_http_call *call)
{
    const struct wallet_message *message = &call->message;
    bool is_good = add_header(call, "Accept: ", "application/json, text/xml, */*") &&
                   add_header(call, "Expect:", "");
    if (message->content_type != NULL) {
        is_good = is_good && add_header(call, "Content-Type: ", message->content_type);
    }
    if (message->authorization[0] != '\0') {
        is_good = is_good && add_header(call, "Authorization: ", message->authorization);
    }
    return is_good;
}

static CURLcode put_tls(const struct wallet_http *http, struct wallet_http_call *call)
{
    CURL *easy = call->easy;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
    code = code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    code = code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_S);
    code = code != CURLE_OK
               ? code
               : curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (code == CURLE_OK && call->message.wants_client_certificate) {
        struct curl_blob certificate = {(void *)(uintptr_t)http->setup.client_certificate.bytes,
                                        http->setup.client_certificate.length, CURL_BLOB_NOCOPY};
        struct curl_blob key = {(void *)(uintptr_t)http->setup.client_key.bytes,
                                http->setup.client_key.length, CURL_BLOB_NOCOPY};
        code = curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &certificate);
        code = code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &key);
    }
    return code;
}

static CURLcode put_times(const struct wallet_http *http, struct wallet_http_call *call)
{
    CURL *easy = call->easy;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)http->setup.connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)http->setup.timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    return curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
}

static CURLcode put_ways(struct wallet_http_call *call)
{
    CURL *easy = call->easy;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    code = code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    /* The environment of the process is no place for a wallet's address. */
    code = code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_PROXY, "");
    return code != CURLE_OK
               ? code
               : curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
}

static void put_body(struct wallet_http_call *call)
{
    CURL *easy = call->easy;
    if (call->message.is_get) {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    } else {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, (const char *)call->message.body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)call->message.body_length);
    }
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "Tillway");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, (struct curl_slist *)call->headers);
}

static bool prepare(struct wallet_http *http, struct wallet_http_call *call)
{
    char url[WALLET_URL_SIZE + WALLET_TARGET_SIZE];
    if (call->easy == NULL) {
        call->easy = curl_easy_init();
    } else {
        curl_easy_reset(call->easy);
    }
    if (call->easy == NULL || !put_headers(call)) {
        return false;
    }
    snprintf(url, sizeof(url), "%s%s", http->url, call->message.target);
    put_body(call);
    return curl_easy_setopt(call->easy, CURLOPT_URL, url) == CURLE_OK &&
           put_tls(http, call) == CURLE_OK && put_times(http, call) == CURLE_OK &&
           put_ways(call) == CURLE_OK;
}

static void forget_reply(struct wallet_http_call *call)
{
    memset(&call->reply, 0, sizeof(call->reply));
    call->reply.body.bytes = call->bytes;
    call->error[0] = '\0';
    call->is_unsent = false;
    call->is_too_long = false;
    call->headers = NULL;
}

bool wallet_http_send(struct wallet_http *http, struct wallet_http_call *call)
{
    REQUIRE(call->next == NULL && call->previous == NULL);
    if (http->is_stopping || wallet_http_room(http) == 0) {
        return false;
    }
    if (!http->has_timer) {
        uv_timer_init(&http->setup.loop->uv, &http->timer);
        http->timer.data = http;
        http->has_timer = true;
        http->handle_count++;
    }
    forget_reply(call);
    call->http = http;
    if (!prepare(http, call) || curl_multi_add_handle(http->multi, call->easy) != CURLM_OK) {
        curl_slist_free_all(call->headers);
        call->headers = NULL;
        return false;
    }
    call->next = http->calls;
    if (http->calls != NULL) {
        http->calls->previous = call;
    }
    http->calls = call;
    http->counts.under_way++;
    http->counts.sent++;
    return true;
}

void wallet_http_release(struct wallet_http_call *call)
{
    if (call->easy != NULL) {
        curl_easy_cleanup(call->easy);
        call->easy = NULL;
    }
}

uint32_t wallet_http_room(const struct wallet_http *http)
{
    uint64_t limit = http->setup.connection_max;
    if (http->counts.is_multiplexed) {
        limit *= STREAM_COUNT_MAX;
        limit = limit > http->setup.request_max ? http->setup.request_max : limit;
    }
    return http->counts.under_way >= limit ? 0 : (uint32_t)(limit - http->counts.under_way);
}

struct wallet_http_counts wallet_http_count(const struct wallet_http *http)
{
    return http->counts;
}

/* --- life --------------------------------------------------------------------------------- */

static bool make_multi(struct wallet_http *http, char *reason, uint32_t reason_size)
{
    http->multi = curl_multi_init();
    CURLM *multi = http->multi;
    if (multi == NULL) {
        snprintf(reason, reason_size, "libcurl gives no memory");
        return false;
    }
    long connection_max = (long)http->setup.connection_max;
    bool is_set =
        curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
        curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, http) == CURLM_OK &&
        curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
        curl_multi_setopt(multi, CURLMOPT_TIMERDATA, http) == CURLM_OK &&
        curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, connection_max) == CURLM_OK &&
        curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connection_max) == CURLM_OK &&
        curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, connection_max) == CURLM_OK &&
        curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX) == CURLM_OK &&
        curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, STREAM_COUNT_MAX) == CURLM_OK;
    if (!is_set) {
        snprintf(reason, reason_size, "libcurl %s lacks an option that is needed",
                 curl_version_info(CURLVERSION_NOW)->version);
    }
    return is_set;
}

struct wallet_http *wallet_http_create(const struct wallet_http_setup *setup, char *reason,
                                       uint32_t reason_size)
{
    struct wallet_http *http = calloc(1, sizeof(*http));
    if (http == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(http);
        snprintf(reason, reason_size, "no memory");
        return NULL;
    }
    http->setup = *setup;
    snprintf(http->url, sizeof(http->url), "%s", setup->url);
    snprintf(http->ca_file, sizeof(http->ca_file), "%s", setup->ca_file);
    http->setup.url = http->setup.ca_file = NULL;
    if (!make_multi(http, reason, reason_size)) {
        wallet_http_destroy(http);
        return NULL;
    }
    return http;
}

void wallet_http_stop(struct wallet_http *http)
{
    if (http->is_stopping) {
        return;
    }
    http->is_stopping = true;
    while (http->calls != NULL) {
        snprintf(http->calls->error, sizeof(http->calls->error), "the channel is being stopped");
        finish(http->calls, CURLE_ABORTED_BY_CALLBACK);
    }
    curl_multi_cleanup(http->multi); /* takes its sockets back, each with a call of on_socket */
    http->multi = NULL;
    if (http->has_timer) {
        uv_timer_stop(&http->timer);
        uv_close((uv_handle_t *)&http->timer, on_timer_closed);
    }
    end_when_closed(http);
}

void wallet_http_destroy(struct wallet_http *http)
{
    if (http == NULL) {
        return;
    }
    REQUIRE(http->handle_count == 0);
    if (http->multi != NULL) {
        curl_multi_cleanup(http->multi);
    }
    curl_global_cleanup();
    free(http);
}
