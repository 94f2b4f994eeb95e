/* Which session may be taken up again where: a ticket carries the identity that was verified when
 * it was given out. */
#include "tests/unit/unit_test.h"

#include <string.h>
#include <time.h>

#include "switch/net/tls.h"
#include "tests/unit/switch/net/tls_fixture.h"

#define PIPE_BYTES 65536
#define STEP_COUNT 20
#define DAY_S 86400
#define LIFE_S 3 /* of a certificate that expires within a test */

static SSL_SESSION *kept;

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(kept);
    kept = session;
    return 1;
}

/* What the server has seen at the end: 1 a full handshake, 2 a resumed one, 0 none. */
static int shake_hands(SSL_CTX *server_context, SSL_CTX *client_context)
{
    BIO *server_end, *client_end;
    uint8_t byte;
    assert_int_equal(BIO_new_bio_pair(&server_end, PIPE_BYTES, &client_end, PIPE_BYTES), 1);
    SSL *server = SSL_new(server_context), *client = SSL_new(client_context);
    SSL_set_bio(server, server_end, server_end);
    SSL_set_bio(client, client_end, client_end);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    SSL_set_session(client, kept);
    for (int i = 0; i < STEP_COUNT; i++) {
        SSL_do_handshake(client);
        SSL_do_handshake(server);
        (void)SSL_read(client, &byte, 1); /* takes the tickets */
    }
    bool is_done = SSL_is_init_finished(server) != 0;
    int seen = !is_done ? 0 : SSL_session_reused(server) ? 2 : 1;
    SSL_set_shutdown(client, SSL_SENT_SHUTDOWN); /* else the session counts as broken */
    SSL_free(server);
    SSL_free(client);
    return seen;
}

struct scene {
    struct tls_fixture server, one, other;
    struct tls_tickets tickets;
    SSL_CTX *client; /* shows the certificate of `one` */
};

static void scene_set(struct scene *scene, int version, long life_s)
{
    tls_fixture_make(&scene->server, "localhost");
    tls_fixture_make_for(&scene->one, "10000001", life_s);
    tls_fixture_make(&scene->other, "10000001");
    assert_true(tls_tickets_init(&scene->tickets));
    scene->client = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(scene->client, version);
    SSL_CTX_set_session_cache_mode(scene->client, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(scene->client, on_session);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(scene->client, scene->one.certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(scene->client, scene->one.key, SSL_FILETYPE_PEM),
                     1);
}

static void scene_strike(struct scene *scene)
{
    SSL_SESSION_free(kept);
    kept = NULL;
    SSL_CTX_free(scene->client);
    tls_fixture_remove(&scene->server);
    tls_fixture_remove(&scene->one);
    tls_fixture_remove(&scene->other);
}

static SSL_CTX *port_of(struct scene *scene, const char *authority)
{
    char reason[TLS_REASON_SIZE];
    struct tls_server_setup setup = {.certificate_file = scene->server.certificate,
                                     .key_file = scene->server.key,
                                     .client_ca_file = authority,
                                     .client_is_required = authority != NULL,
                                     .tickets = &scene->tickets};
    SSL_CTX *context = tls_server_create(&setup, reason);
    assert_non_null(context);
    assert_int_equal(tls_asks_client(context), authority != NULL);
    return context;
}

static void check_version(int version)
{
    struct scene scene;
    scene_set(&scene, version, DAY_S);
    SSL_CTX *open = port_of(&scene, NULL);
    SSL_CTX *mine = port_of(&scene, scene.one.certificate);
    SSL_CTX *again = port_of(&scene, scene.one.certificate);
    SSL_CTX *foreign = port_of(&scene, scene.other.certificate);
    assert_int_equal(shake_hands(mine, scene.client), 1);
    assert_int_equal(shake_hands(again, scene.client), 2);
    assert_int_equal(shake_hands(foreign, scene.client), 0);
    assert_int_equal(shake_hands(open, scene.client), 1);
    assert_int_equal(shake_hands(mine, scene.client), 1);
    SSL_CTX_free(open);
    SSL_CTX_free(mine);
    SSL_CTX_free(again);
    SSL_CTX_free(foreign);
    scene_strike(&scene);
}

static void test_ticket_is_good_only_where_the_same_authorities_are_asked_1_3(void **state)
{
    (void)state;
    check_version(TLS1_3_VERSION);
}

static void test_ticket_is_good_only_where_the_same_authorities_are_asked_1_2(void **state)
{
    (void)state;
    check_version(TLS1_2_VERSION);
}

/* The certificate is looked at when it is shown; a ticket must not outlive it. */
static void check_expiry(int version)
{
    struct scene scene;
    scene_set(&scene, version, LIFE_S);
    SSL_CTX *port = port_of(&scene, scene.one.certificate);
    time_t expired = time(NULL) + LIFE_S + 1;
    assert_int_equal(shake_hands(port, scene.client), 1);
    while (time(NULL) < expired) {
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    assert_int_equal(shake_hands(port, scene.client), 0);
    SSL_CTX_free(port);
    scene_strike(&scene);
}

static void test_ticket_ends_with_the_certificate_1_3(void **state)
{
    (void)state;
    check_expiry(TLS1_3_VERSION);
}

static void test_ticket_ends_with_the_certificate_1_2(void **state)
{
    (void)state;
    check_expiry(TLS1_2_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ticket_is_good_only_where_the_same_authorities_are_asked_1_3),
        cmocka_unit_test(test_ticket_is_good_only_where_the_same_authorities_are_asked_1_2),
        cmocka_unit_test(test_ticket_ends_with_the_certificate_1_3),
        cmocka_unit_test(test_ticket_ends_with_the_certificate_1_2),
    };
    return cmocka_run_group_tests_name("switch/net/tls", tests, NULL, NULL);
}
