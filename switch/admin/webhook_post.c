/* See webhook_post.h. */
#include "switch/admin/webhook_post.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "config/server_options.h"

#define ANSWER_BYTES_MAX 65536 /* of a body, which nobody reads */
#define CONNECT_MS_MAX 5000u
#define HEADER_SIZE 160

struct webhook_post {
    CURL *curl;
    const struct webhook_options *options;
    const struct webhook_key *key;
    atomic_bool *is_ending;
    size_t answered; /* bytes of the answer's body */
    char fault[CURL_ERROR_SIZE];
};

static size_t on_body(char *bytes, size_t size, size_t count, void *argument)
{
    struct webhook_post *post = argument;
    (void)bytes;
    post->answered += size * count;
    return post->answered > ANSWER_BYTES_MAX ? 0 : size * count;
}

static int on_progress(void *argument, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    const struct webhook_post *post = argument;
    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    return *post->is_ending ? 1 : 0;
}

static void set_options(struct webhook_post *post)
{
    const struct webhook_options *options = post->options;
    bool is_https = strncmp(options->url, "https://", 8) == 0;
    long timeout_ms = (long)options->timeout_ms;
    curl_easy_setopt(post->curl, CURLOPT_URL, options->url);
    curl_easy_setopt(post->curl, CURLOPT_PROTOCOLS_STR, is_https ? "https" : "http");
    curl_easy_setopt(post->curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(post->curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(post->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (options->ca[0] != '\0') {
        curl_easy_setopt(post->curl, CURLOPT_CAINFO, options->ca);
    }
    curl_easy_setopt(post->curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(post->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(post->curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(post->curl, CURLOPT_NOSIGNAL, 1L);
    /* Else a time-out, or our end, waits for a resolver that hangs. */
    curl_easy_setopt(post->curl, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(post->curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(post->curl, CURLOPT_CONNECTTIMEOUT_MS,
                     timeout_ms < (long)CONNECT_MS_MAX ? timeout_ms : (long)CONNECT_MS_MAX);
    curl_easy_setopt(post->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(post->curl, CURLOPT_WRITEDATA, post);
    curl_easy_setopt(post->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(post->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(post->curl, CURLOPT_XFERINFODATA, post);
    curl_easy_setopt(post->curl, CURLOPT_ERRORBUFFER, post->fault);
    curl_easy_setopt(post->curl, CURLOPT_USERAGENT, "tillway-admin");
}

struct webhook_post *webhook_post_create(const struct webhook_options *options,
                                         const struct webhook_key *key, atomic_bool *is_ending)
{
    struct webhook_post *post = calloc(1, sizeof(*post));
    if (post == NULL) {
        return NULL;
    }
    post->options = options;
    post->key = key;
    post->is_ending = is_ending;
    post->curl = curl_easy_init();
    if (post->curl == NULL) {
        free(post);
        return NULL;
    }
    set_options(post);
    return post;
}

void webhook_post_destroy(struct webhook_post *post)
{
    if (post == NULL) {
        return;
    }
    curl_easy_cleanup(post->curl);
    free(post);
}

/* NULL: no memory, or OpenSSL refused to sign. */
static struct curl_slist *make_headers(const struct webhook_post *post,
                                       const struct webhook_message *message)
{
    char lines[3][HEADER_SIZE];
    char hex[WEBHOOK_HEX_SIZE];
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (!webhook_sign(post->key, message, hex)) {
        curl_slist_free_all(headers);
        return NULL;
    }
    snprintf(lines[0], HEADER_SIZE, "Tillway-Event: %" PRIu64, message->number);
    snprintf(lines[1], HEADER_SIZE, "Tillway-Timestamp: %" PRId64, message->timestamp_s);
    snprintf(lines[2], HEADER_SIZE, "Tillway-Signature: key=%s, hmac-sha256=%s", post->key->id,
             hex);
    for (int i = 0; headers != NULL && i < 3; i++) {
        struct curl_slist *longer = curl_slist_append(headers, lines[i]);
        if (longer == NULL) {
            curl_slist_free_all(headers);
        }
        headers = longer;
    }
    return headers;
}

static void read_answer(const struct webhook_post *post, CURLcode failed,
                        struct webhook_answer *answer)
{
    long code = 0;
    curl_off_t asked_s = 0;
    curl_easy_getinfo(post->curl, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_getinfo(post->curl, CURLINFO_RETRY_AFTER, &asked_s);
    if (failed != CURLE_OK) {
        snprintf(answer->fault, sizeof(answer->fault), "%.190s",
                 post->answered > ANSWER_BYTES_MAX ? "the answer is longer than 64 KiB"
                 : post->fault[0] != '\0'          ? post->fault
                                                   : curl_easy_strerror(failed));
        return;
    }
    answer->asked_s = asked_s > 0 ? (uint64_t)asked_s : 0;
    answer->outcome = code / 100 == 2 ? WEBHOOK_DELIVERED
                      : code == 410   ? WEBHOOK_GONE
                                      : WEBHOOK_FAILED;
    if (answer->outcome != WEBHOOK_DELIVERED) {
        snprintf(answer->fault, sizeof(answer->fault), "HTTP %ld", code);
    }
}

void webhook_post_send(struct webhook_post *post, const struct webhook_message *message,
                       struct webhook_answer *answer)
{
    *answer = (struct webhook_answer){.outcome = WEBHOOK_FAILED};
    struct curl_slist *headers = make_headers(post, message);
    if (headers == NULL) {
        snprintf(answer->fault, sizeof(answer->fault), "no memory, or OpenSSL gave no HMAC");
        return;
    }
    post->answered = 0;
    post->fault[0] = '\0';
    curl_easy_setopt(post->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(post->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(post->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)message->length);
    curl_easy_setopt(post->curl, CURLOPT_POSTFIELDS, message->body);
    CURLcode failed = curl_easy_perform(post->curl);
    read_answer(post, failed, answer);
    curl_easy_setopt(post->curl, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(post->curl, CURLOPT_POSTFIELDS, NULL);
    curl_slist_free_all(headers);
}
