/* A stream carries bytes over TLS and plain TCP with an OpenSSL client of the ordinary kind at the
 * other end, and says why it ended. The server's loop runs in a thread of its own. */
#include "tests/unit/unit_test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "switch/net/listener.h"
#include "switch/net/stream.h"
#include "switch/net/tls.h"
#include "tests/unit/switch/net/tls_fixture.h"

#define MESSAGE_BYTES 300 /* what the echo calls one message */

struct server {
    struct loop *loop;
    struct listener *listener;
    SSL_CTX *tls;
    const char *client_ca; /* NULL: no client certificates */
    char peer_name[STREAM_PEER_NAME_SIZE];
    int64_t peer_end_s;
    struct tls_tickets tickets;
    struct tls_fixture fixture;
    pthread_t thread;
    uint32_t message_bytes, output_max;
    bool is_sluggish; /* takes one message only, and goes on when asked again */
    _Atomic int closed_count, open_calls;
    _Atomic int reason;
    char text[STREAM_CLOSE_TEXT_SIZE];
};

struct echo {
    struct server *server;
    struct stream *stream;
    struct net_address address;
    bool is_busy;
};

static uint32_t on_bytes(void *owner, struct byte_view bytes)
{
    struct echo *echo = owner;
    uint32_t size = echo->server->message_bytes, used = 0;
    if (echo->server->is_sluggish && echo->is_busy) {
        echo->is_busy = false;
    }
    while (bytes.length - used >= size && !echo->is_busy) {
        stream_write(echo->stream, (struct byte_view){bytes.bytes + used, size});
        used += size;
        echo->is_busy = echo->server->is_sluggish;
    }
    if (echo->is_busy) {
        stream_offer_again(echo->stream);
    }
    return used;
}

static void on_open(void *owner)
{
    struct echo *echo = owner;
    stream_peer_name(echo->stream, echo->server->peer_name);
    echo->server->peer_end_s = stream_peer_end(echo->stream);
    echo->server->open_calls++;
}

static void on_deadline(void *owner)
{
    struct echo *echo = owner;
    stream_close(echo->stream, CLOSE_IDLE, NULL);
}

static void on_closed(void *owner, enum close_reason reason, const char *text)
{
    struct echo *echo = owner;
    snprintf(echo->server->text, sizeof(echo->server->text), "%s", text);
    echo->server->reason = (int)reason;
    listener_released(echo->server->listener, &echo->address);
    echo->server->closed_count++;
    free(echo);
}

static const struct stream_calls ECHO_CALLS = {on_open, on_bytes, on_deadline, on_closed};

static bool on_accept(void *argument, int descriptor, const struct net_address *address)
{
    struct server *server = argument;
    struct echo *echo = calloc(1, sizeof(*echo));
    struct stream_setup setup = {.address = *address,
                                 .tls = server->tls,
                                 .timeout_ms = 300,
                                 .output_max =
                                     server->output_max > 0 ? server->output_max : 1 << 20,
                                 .calls = &ECHO_CALLS,
                                 .owner = echo};
    echo->server = server;
    echo->address = *address;
    echo->stream = stream_accept(server->loop, descriptor, &setup);
    return echo->stream != NULL;
}

static void *server_run(void *argument)
{
    struct server *server = argument;
    loop_run(server->loop);
    return NULL;
}

static void server_start(struct server *server, bool with_tls, struct listener_setup *limits)
{
    char reason[TLS_REASON_SIZE];
    struct listener_setup setup = {.name = "echo",
                                   .backlog = 64,
                                   .accept_budget = 4,
                                   .connection_max = 64,
                                   .on_accept = on_accept,
                                   .argument = server};
    if (limits != NULL) {
        setup.connection_max = limits->connection_max;
        setup.per_address_max = limits->per_address_max;
    }
    server->message_bytes = server->message_bytes > 0 ? server->message_bytes : MESSAGE_BYTES;
    assert_int_equal(net_address_parse(&setup.address, "127.0.0.1:0"), STATUS_OK);
    server->loop = loop_create(0, 64);
    assert_non_null(server->loop);
    if (with_tls) {
        tls_fixture_make(&server->fixture, "localhost");
        assert_true(tls_tickets_init(&server->tickets));
        struct tls_server_setup tls = {.certificate_file = server->fixture.certificate,
                                       .key_file = server->fixture.key,
                                       .client_ca_file = server->client_ca,
                                       .client_is_required = server->client_ca != NULL,
                                       .tickets = &server->tickets};
        server->tls = tls_server_create(&tls, reason);
        assert_non_null(server->tls);
    }
    server->listener = listener_create(server->loop, &setup, reason);
    assert_non_null(server->listener);
    assert_int_equal(pthread_create(&server->thread, NULL, server_run, server), 0);
}

static void server_end(struct server *server)
{
    loop_stop(server->loop);
    pthread_join(server->thread, NULL);
    listener_close(server->listener);
    loop_run_down(server->loop, UINT64_C(2000000000));
    assert_int_equal(count_get(&server->loop->counts.open), 0);
    assert_int_equal(count_get(&server->loop->counts.buffers_used), 0);
    loop_destroy(server->loop);
    if (server->tls != NULL) {
        tls_release(server->tls);
        tls_fixture_remove(&server->fixture);
    }
}

static int dial(const struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(listener_port(server->listener)),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval limit = {.tv_sec = 30};
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    return descriptor;
}

static SSL_CTX *client_context(int version)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_set_cipher_list(context, "DEFAULT@SECLEVEL=0");
    return context;
}

static SSL *dial_tls(const struct server *server, SSL_CTX *context, SSL_SESSION *session)
{
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, dial(server));
    SSL_set_session(ssl, session);
    return ssl;
}

static void hang_up(SSL *ssl)
{
    int descriptor = SSL_get_fd(ssl);
    SSL_free(ssl);
    close(descriptor);
}

static void ssl_read_all(SSL *ssl, uint8_t *bytes, int length)
{
    for (int got = 0; got < length;) {
        int n = SSL_read(ssl, bytes + got, length - got);
        assert_true(n > 0);
        got += n;
    }
}

static void wait_closed(struct server *server, int count)
{
    for (int i = 0; i < 3000 && server->closed_count < count; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    assert_int_equal(server->closed_count, count);
}

static void wait_no_buffers(struct server *server)
{
    for (int i = 0; i < 3000 && count_get(&server->loop->counts.buffers_used) > 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    assert_int_equal(count_get(&server->loop->counts.buffers_used), 0);
}

static void fill(uint8_t *bytes, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    }
}

static void echo_over_tls(int version)
{
    struct server server = {.message_bytes = MESSAGE_BYTES};
    uint8_t sent[MESSAGE_BYTES], got[MESSAGE_BYTES];
    server_start(&server, true, NULL);
    SSL_CTX *context = client_context(version);
    SSL *ssl = dial_tls(&server, context, NULL);
    assert_int_equal(SSL_connect(ssl), 1);
    fill(sent, sizeof(sent));
    for (int i = 0; i < 100; i++) {
        sent[0] = (uint8_t)i;
        assert_int_equal(SSL_write(ssl, sent, sizeof(sent)), sizeof(sent));
        ssl_read_all(ssl, got, sizeof(got));
        assert_memory_equal(got, sent, sizeof(sent));
    }
    wait_no_buffers(&server);
    SSL_shutdown(ssl);
    hang_up(ssl);
    wait_closed(&server, 1);
    assert_int_equal(server.reason, CLOSE_PEER);
    assert_int_equal(server.open_calls, 1);
    SSL_CTX_free(context);
    server_end(&server);
}

static void test_tls_1_3_carries_messages_and_keeps_no_buffer(void **state)
{
    (void)state;
    echo_over_tls(TLS1_3_VERSION);
}

static void test_tls_1_2_carries_messages_and_keeps_no_buffer(void **state)
{
    (void)state;
    echo_over_tls(TLS1_2_VERSION);
}

static void test_message_sent_byte_by_byte_comes_whole(void **state)
{
    (void)state;
    struct server server = {0};
    uint8_t sent[MESSAGE_BYTES], got[MESSAGE_BYTES];
    server_start(&server, true, NULL);
    SSL_CTX *context = client_context(TLS1_3_VERSION);
    SSL *ssl = dial_tls(&server, context, NULL);
    assert_int_equal(SSL_connect(ssl), 1);
    fill(sent, sizeof(sent));
    for (size_t i = 0; i < sizeof(sent); i++) {
        assert_int_equal(SSL_write(ssl, sent + i, 1), 1);
    }
    ssl_read_all(ssl, got, sizeof(got));
    assert_memory_equal(got, sent, sizeof(sent));
    hang_up(ssl);
    wait_closed(&server, 1);
    SSL_CTX_free(context);
    server_end(&server);
}

static void test_many_messages_at_once_come_in_order_to_a_slow_owner(void **state)
{
    (void)state;
    struct server server = {.is_sluggish = true};
    uint8_t sent[MESSAGE_BYTES * 20], got[MESSAGE_BYTES * 20];
    server_start(&server, false, NULL);
    int descriptor = dial(&server);
    fill(sent, sizeof(sent));
    assert_int_equal(write(descriptor, sent, sizeof(sent)), sizeof(sent));
    for (size_t length = 0; length < sizeof(got);) {
        ssize_t n = read(descriptor, got + length, sizeof(got) - length);
        assert_true(n > 0);
        length += (size_t)n;
    }
    assert_memory_equal(got, sent, sizeof(sent));
    close(descriptor);
    wait_closed(&server, 1);
    server_end(&server);
}

static void test_peer_that_does_not_read_is_served_later_or_cut(void **state)
{
    (void)state;
    struct server server = {.message_bytes = 8000};
    static uint8_t sent[8000];
    server_start(&server, false, NULL);
    int descriptor = dial(&server);
    struct timeval limit = {.tv_usec = 200000};
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    fill(sent, sizeof(sent));
    for (int i = 0; i < 2000 && write(descriptor, sent, sizeof(sent)) > 0; i++) {
    }
    wait_closed(&server, 1);
    assert_true(server.reason == CLOSE_SLOW_READER || server.reason == CLOSE_NO_MEMORY);
    close(descriptor);
    server_end(&server);
}

static void test_bytes_in_clear_on_a_tls_port_are_named(void **state)
{
    (void)state;
    struct server server = {0};
    uint8_t byte;
    server_start(&server, true, NULL);
    int descriptor = dial(&server);
    assert_int_equal(write(descriptor, "\x00\x5C\x60\x00\x03\x00\x00\x60", 8), 8);
    assert_int_equal(read(descriptor, &byte, 1), 0);
    wait_closed(&server, 1);
    assert_int_equal(server.reason, CLOSE_NOT_TLS);
    assert_non_null(strstr(server.text, "005C600003000060"));
    assert_non_null(strstr(server.text, "TPDU"));
    close(descriptor);
    server_end(&server);
}

static void test_old_protocol_is_refused_in_words(void **state)
{
    (void)state;
    struct server server = {0};
    server_start(&server, true, NULL);
    SSL_CTX *context = client_context(TLS1_1_VERSION);
    SSL *ssl = dial_tls(&server, context, NULL);
    assert_int_not_equal(SSL_connect(ssl), 1);
    wait_closed(&server, 1);
    assert_int_equal(server.reason, CLOSE_HANDSHAKE_FAILED);
    assert_non_null(strstr(server.text, "no TLS version that we allow"));
    hang_up(ssl);
    SSL_CTX_free(context);
    server_end(&server);
}

static void test_client_certificate_names_the_peer_and_its_lack_is_refused(void **state)
{
    (void)state;
    struct tls_fixture client;
    uint8_t bytes[MESSAGE_BYTES] = {0};
    tls_fixture_make(&client, "10000001");
    struct server server = {.client_ca = client.certificate};
    server_start(&server, true, NULL);
    SSL_CTX *context = client_context(TLS1_3_VERSION);
    SSL *ssl = dial_tls(&server, context, NULL);
    (void)SSL_connect(ssl);
    assert_true(SSL_read(ssl, bytes, sizeof(bytes)) <= 0);
    wait_closed(&server, 1);
    assert_int_equal(server.reason, CLOSE_HANDSHAKE_FAILED);
    assert_non_null(strstr(server.text, "the client sent no certificate"));
    hang_up(ssl);
    assert_int_equal(SSL_CTX_use_certificate_file(context, client.certificate, SSL_FILETYPE_PEM),
                     1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(context, client.key, SSL_FILETYPE_PEM), 1);
    ssl = dial_tls(&server, context, NULL);
    assert_int_equal(SSL_connect(ssl), 1);
    assert_int_equal(SSL_write(ssl, bytes, sizeof(bytes)), sizeof(bytes));
    ssl_read_all(ssl, bytes, sizeof(bytes));
    assert_string_equal(server.peer_name, "10000001");
    assert_true(server.peer_end_s > time(NULL) + 86400 - 120); /* as the fixture makes it */
    assert_true(server.peer_end_s <= time(NULL) + 86400);
    SSL_shutdown(ssl);
    hang_up(ssl);
    wait_closed(&server, 2);
    SSL_CTX_free(context);
    server_end(&server);
    tls_fixture_remove(&client);
}

static void test_silent_peer_ends_at_the_handshake_deadline(void **state)
{
    (void)state;
    struct server server = {0};
    uint8_t byte;
    server_start(&server, true, NULL);
    int descriptor = dial(&server);
    assert_int_equal(read(descriptor, &byte, 1), 0);
    wait_closed(&server, 1);
    assert_int_equal(server.reason, CLOSE_HANDSHAKE_LATE);
    close(descriptor);
    server_end(&server);
}

/* F12: each update of keys asks for one of ours, and nobody reads them. */
static void test_peer_that_floods_updates_of_keys_is_cut(void **state)
{
    (void)state;
    struct server server = {.output_max = 64 * 1024};
    server_start(&server, true, NULL);
    SSL_CTX *context = client_context(TLS1_3_VERSION);
    SSL *ssl = dial_tls(&server, context, NULL);
    assert_int_equal(SSL_connect(ssl), 1);
    for (int i = 0; i < 400000 && server.closed_count == 0; i++) {
        if (SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) != 1 || SSL_do_handshake(ssl) != 1) {
            break;
        }
    }
    wait_closed(&server, 1);
    assert_int_equal(server.reason, CLOSE_SLOW_READER);
    hang_up(ssl);
    SSL_CTX_free(context);
    server_end(&server);
}

/* I26: more half messages than there are buffers leave whole ones served. */
static void test_messages_begun_leave_buffers_for_answers(void **state)
{
    (void)state;
    struct server server = {0};
    struct listener_setup limits = {.connection_max = 200};
    uint8_t bytes[MESSAGE_BYTES] = {1};
    int begun[70];
    server_start(&server, false, &limits);
    for (int i = 0; i < 70; i++) {
        begun[i] = dial(&server);
        assert_int_equal(write(begun[i], bytes, 1), 1);
    }
    wait_closed(&server, 70 - 32);
    assert_int_equal(server.reason, CLOSE_NO_MEMORY);
    int whole = dial(&server);
    assert_int_equal(write(whole, bytes, sizeof(bytes)), sizeof(bytes));
    assert_int_equal(recv(whole, bytes, sizeof(bytes), MSG_WAITALL), sizeof(bytes));
    close(whole);
    for (int i = 0; i < 70; i++) {
        close(begun[i]);
    }
    wait_closed(&server, 71);
    server_end(&server);
}

static SSL_SESSION *last_session;

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(last_session);
    last_session = session;
    return 1;
}

static void resume_with(int version)
{
    struct server server = {0};
    uint8_t bytes[MESSAGE_BYTES] = {0};
    server_start(&server, true, NULL);
    SSL_CTX *context = client_context(version);
    SSL_CTX_sess_set_new_cb(context, on_session);
    for (int i = 0; i < 2; i++) {
        SSL *ssl = dial_tls(&server, context, last_session);
        assert_int_equal(SSL_connect(ssl), 1);
        assert_int_equal(SSL_session_reused(ssl), i);
        assert_int_equal(SSL_write(ssl, bytes, sizeof(bytes)), sizeof(bytes));
        ssl_read_all(ssl, bytes, sizeof(bytes));
        assert_non_null(last_session);
        SSL_shutdown(ssl);
        hang_up(ssl);
    }
    wait_closed(&server, 2);
    SSL_SESSION_free(last_session);
    last_session = NULL;
    SSL_CTX_free(context);
    server_end(&server);
}

static void test_tickets_resume_tls_1_3(void **state)
{
    (void)state;
    resume_with(TLS1_3_VERSION);
}

static void test_tickets_resume_tls_1_2(void **state)
{
    (void)state;
    resume_with(TLS1_2_VERSION);
}

static void test_connections_above_the_limits_are_closed_at_once(void **state)
{
    (void)state;
    struct server server = {0};
    struct listener_setup limits = {.connection_max = 8, .per_address_max = 2};
    uint8_t byte;
    server_start(&server, false, &limits);
    int descriptors[3];
    for (int i = 0; i < 3; i++) {
        descriptors[i] = dial(&server);
    }
    assert_int_equal(read(descriptors[2], &byte, 1), 0);
    assert_int_equal(count_get(&listener_count(server.listener)->refused_address), 1);
    for (int i = 0; i < 3; i++) {
        close(descriptors[i]);
    }
    wait_closed(&server, 2);
    int again = dial(&server);
    uint8_t bytes[MESSAGE_BYTES] = {1};
    assert_int_equal(write(again, bytes, sizeof(bytes)), sizeof(bytes));
    assert_true(read(again, bytes, sizeof(bytes)) > 0);
    close(again);
    wait_closed(&server, 3);
    server_end(&server);
}

static void test_faulty_key_file_is_named_with_the_fault(void **state)
{
    (void)state;
    char reason[TLS_REASON_SIZE];
    struct tls_fixture one, other;
    struct tls_tickets tickets;
    assert_true(tls_tickets_init(&tickets));
    tls_fixture_make(&one, "one");
    tls_fixture_make(&other, "other");
    struct tls_server_setup setup = {
        .certificate_file = one.certificate, .key_file = other.key, .tickets = &tickets};
    assert_null(tls_server_create(&setup, reason));
    assert_non_null(strstr(reason, other.key));
    setup.certificate_file = "/tmp/there-is-no-such-file.pem";
    assert_null(tls_server_create(&setup, reason));
    assert_non_null(strstr(reason, "there-is-no-such-file"));
    tls_fixture_remove(&one);
    tls_fixture_remove(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tls_1_3_carries_messages_and_keeps_no_buffer),
        cmocka_unit_test(test_tls_1_2_carries_messages_and_keeps_no_buffer),
        cmocka_unit_test(test_message_sent_byte_by_byte_comes_whole),
        cmocka_unit_test(test_many_messages_at_once_come_in_order_to_a_slow_owner),
        cmocka_unit_test(test_peer_that_does_not_read_is_served_later_or_cut),
        cmocka_unit_test(test_bytes_in_clear_on_a_tls_port_are_named),
        cmocka_unit_test(test_old_protocol_is_refused_in_words),
        cmocka_unit_test(test_client_certificate_names_the_peer_and_its_lack_is_refused),
        cmocka_unit_test(test_silent_peer_ends_at_the_handshake_deadline),
        cmocka_unit_test(test_tickets_resume_tls_1_3),
        cmocka_unit_test(test_tickets_resume_tls_1_2),
        cmocka_unit_test(test_connections_above_the_limits_are_closed_at_once),
        cmocka_unit_test(test_peer_that_floods_updates_of_keys_is_cut),
        cmocka_unit_test(test_messages_begun_leave_buffers_for_answers),
        cmocka_unit_test(test_faulty_key_file_is_named_with_the_fault),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("switch/net/stream", tests, NULL, NULL);
}
