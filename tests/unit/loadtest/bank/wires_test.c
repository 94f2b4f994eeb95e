/* The bank simulator as a process of its own: what it takes on its wires, and what it refuses, so
 * that a switch that speaks otherwise than it was told to is found out. */
#include "tests/unit/unit_test.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loadtest/spec_file.h"
#include "protocols/dialect/dialect.h"
#include "protocols/frame_http.h"

#define PLAIN_SPEC TILLWAY_SOURCE_DIR "/config/specs/iso8583-1987-ascii.yaml"
#define HEADER_SPEC TILLWAY_SOURCE_DIR "/config/specs/unionpay-host.yaml"
#define ARGUMENT_COUNT_MAX 24
#define ANSWER_SIZE 1024

struct bank {
    char folder[64];
    pid_t process; /* 0: none runs */
    uint16_t port;
};

static struct bank bank; /* of the test at hand */

static void file_path(const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", bank.folder, name);
}

/* Starts one with these options beside those it needs; they end with NULL. */
static void bank_start(const char *const *options)
{
    char keys[128], ledger[128], line[128];
    int out[2];
    snprintf(bank.folder, sizeof(bank.folder), "/tmp/tillway_bank_XXXXXX");
    assert_non_null(mkdtemp(bank.folder));
    file_path("keys", keys);
    file_path("bank.db", ledger);
    FILE *file = fopen(keys, "w");
    assert_non_null(file);
    fprintf(file, "zpk %s\nzak %s\n", "0123456789ABCDEFFEDCBA9876543210",
            "1123456789ABCDEFFEDCBA9876543210");
    fclose(file);
    const char *arguments[ARGUMENT_COUNT_MAX] = {TILLWAY_BANK, "--keys", keys,  "--ledger",
                                                 ledger,       "--mac",  "none"};
    for (uint32_t i = 7; *options != NULL; i++) {
        assert_true(i + 1 < ARGUMENT_COUNT_MAX);
        arguments[i] = *options++;
    }
    assert_int_equal(pipe(out), 0);
    bank.process = fork();
    assert_true(bank.process >= 0);
    if (bank.process == 0) {
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        close(out[1]);
        execv(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    close(out[1]);
    file = fdopen(out[0], "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    const char *colon = strrchr(line, ':');
    assert_non_null(colon);
    bank.port = (uint16_t)strtoul(colon + 1, NULL, 10);
    fclose(file); /* its last line is for nobody */
}

/* Also where the test has failed. */
static int bank_stop(void **state)
{
    static const char *const names[] = {"keys", "bank.db", "bank.db-wal", "bank.db-shm"};
    char path[128];
    int status;
    (void)state;
    if (bank.process > 0) {
        kill(bank.process, SIGTERM);
        waitpid(bank.process, &status, 0);
        bank.process = 0;
    }
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        file_path(names[i], path);
        unlink(path);
    }
    rmdir(bank.folder);
    return 0;
}

/* What it answers on a connection of its own; length 0: it closes without a word. */
static struct byte_view ask(struct byte_view bytes)
{
    static uint8_t answer[ANSWER_SIZE];
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(bank.port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const struct timeval patience = {.tv_sec = 20};
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(descriptor, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(descriptor, bytes.bytes, bytes.length, MSG_NOSIGNAL), bytes.length);
    ssize_t length = recv(descriptor, answer, sizeof(answer), 0);
    assert_true(length >= 0); /* it did not keep us waiting */
    close(descriptor);
    return (struct byte_view){answer, (uint32_t)length};
}

struct sign_on {
    const char *spec, *path; /* path: NULL, or where it is posted to */
    struct dialect_header_ids ids;
};

static struct byte_view sign_on_frame(const struct sign_on *how)
{
    static uint8_t room[1024];
    const struct framing framing = {
        .length_max = FRAME_LENGTH_MAX, .http_post_path = how->path, .http_post_host = "bank"};
    struct payment payment = {.kind = PAYMENT_SIGNON, .leg = PAYMENT_REQUEST, .stan = 7};
    struct dialect_header header;
    struct dialect_fault fault;
    struct byte_writer writer;
    struct byte_view scope;
    char reason[DIALECT_HEADER_REASON_SIZE];
    struct dialect *dialect = spec_file_dialect(how->spec, stderr);
    assert_non_null(dialect);
    assert_true(dialect_header(dialect, &how->ids, &header, reason));
    memcpy(payment.network_code, "001", 4);
    memcpy(payment.sent_at, "0720221301", 11);
    memcpy(payment.acquirer_id, "00085500", 9);
    memcpy(payment.forwarder_id, "00085500", 9);
    const struct dialect_build_how build = {.header = {header.bytes, header.length}};
    byte_writer_init(&writer, room, sizeof(room));
    struct frame_mark mark = frame_begin_request(&writer, &framing, NULL);
    if (dialect_build(dialect, &payment, &build, &writer, &scope, &fault) != STATUS_OK) {
        fail_msg("field %u: %s", fault.field, fault.reason);
    }
    frame_end(&writer, &framing, &mark);
    assert_int_equal(writer.status, STATUS_OK);
    dialect_destroy(dialect);
    return (struct byte_view){room, writer.position};
}

static struct byte_view sign_on(const struct sign_on *how)
{
    return ask(sign_on_frame(how));
}

static void expect_begin(struct byte_view answer, const char *words)
{
    assert_true(answer.length >= strlen(words));
    assert_memory_equal(answer.bytes, words, strlen(words));
}

static void test_what_is_posted_to_takes_nothing_but_posts_to_its_path(void **state)
{
    (void)state;
    static const char *const options[] = {"--spec",      PLAIN_SPEC, "--http",
                                          "--http-path", "/bank/in", NULL};
    bank_start(options);
    struct sign_on how = {.spec = PLAIN_SPEC, .path = "/bank/in", .ids = {"", ""}};
    expect_begin(sign_on(&how), "HTTP/1.1 200 OK\r\n");
    how.path = "/bank/other";
    expect_begin(sign_on(&how), "HTTP/1.1 404 ");
    how.path = NULL;
    assert_int_equal(sign_on(&how).length, 0);
}

static void test_without_http_a_post_is_refused(void **state)
{
    (void)state;
    static const char *const options[] = {"--spec", PLAIN_SPEC, NULL};
    bank_start(options);
    struct sign_on how = {.spec = PLAIN_SPEC, .path = "/bank/in", .ids = {"", ""}};
    assert_int_equal(sign_on(&how).length, 0);
}

static void test_a_header_that_names_other_institutions_is_refused(void **state)
{
    (void)state;
    static const char *const options[] = {
        "--spec",   HEADER_SPEC, "--header-source", "48020001", "--header-destination",
        "00010044", NULL};
    static const struct dialect_header_ids wrong[] = {
        {"", ""}, {"48020001", ""}, {"", "00010044"}, {"48020002", "00010044"}};
    bank_start(options);
    struct sign_on how = {.spec = HEADER_SPEC, .ids = {"48020001", "00010044"}};
    struct byte_view answer = sign_on(&how);
    /* two bytes of length, then one and one and four of header: to us, from the bank */
    assert_true(answer.length > 8 + 22);
    assert_memory_equal(answer.bytes + 8, "48020001   00010044   ", 22);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        how.ids = wrong[i];
        assert_int_equal(sign_on(&how).length, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_what_is_posted_to_takes_nothing_but_posts_to_its_path,
                                  bank_stop),
        cmocka_unit_test_teardown(test_without_http_a_post_is_refused, bank_stop),
        cmocka_unit_test_teardown(test_a_header_that_names_other_institutions_is_refused,
                                  bank_stop),
    };
    return cmocka_run_group_tests_name("loadtest/bank/wires", tests, NULL, NULL);
}
