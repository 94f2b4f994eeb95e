/* An effect that the switch does not answer in time: the audit file says that nobody knows, and
 * later what came of it. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "protocols/base/bytes.h"
#include "switch/admin/call.h"
#include "switch/admin/control_client.h"
#include "switch/admin/late_report.h"
#include "tests/unit/unit_test.h"

static char folder[64];
static char audit_path[100], socket_path[100];

static int stage_set(void **state)
{
    (void)state;
    memcpy(folder, "/tmp/tillway-late-XXXXXX", sizeof("/tmp/tillway-late-XXXXXX"));
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(audit_path, sizeof(audit_path), "%s/audit.log", folder);
    snprintf(socket_path, sizeof(socket_path), "%s/control.sock", folder);
    return 0;
}

static int stage_strike(void **state)
{
    (void)state;
    unlink(audit_path);
    unlink(socket_path);
    return rmdir(folder);
}

/* ---- a switch ---- */

static int switch_listen(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    unlink(socket_path);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 4), 0);
    return listener;
}

static void switch_answer(int conn, bool is_done, const char *text)
{
    uint8_t bytes[512];
    struct byte_writer writer;
    Control__Answer answer = CONTROL__ANSWER__INIT;
    Control__Done done = CONTROL__DONE__INIT;
    done.is_done = is_done;
    done.text = (char *)(uintptr_t)text;
    answer.id = 1;
    answer.answer_case = CONTROL__ANSWER__ANSWER_DONE;
    answer.done = &done;
    size_t length = control__answer__get_packed_size(&answer);
    assert_true(length + 4 <= sizeof(bytes));
    byte_writer_init(&writer, bytes, 4);
    byte_writer_u32(&writer, (uint32_t)length);
    control__answer__pack(&answer, bytes + 4);
    assert_int_equal(send(conn, bytes, length + 4, MSG_NOSIGNAL), length + 4);
}

/* ---- what the audit file says ---- */

struct scene {
    struct audit *audit;
    struct gate gate;
    struct late_report *report;
    int pair[2]; /* the connection: ours, the switch's */
};

static void scene_set(struct scene *scene)
{
    char reason[AUDIT_REASON_SIZE];
    unlink(audit_path);
    scene->audit = audit_open(audit_path, reason);
    assert_non_null(scene->audit);
    gate_open(&scene->gate, NULL, scene->audit);
    scene->report = late_report_create(&scene->gate, folder);
    assert_non_null(scene->report);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, scene->pair), 0);
    const struct gate_request request = {.endpoint = ENDPOINT_VERSION_ACTIVATE,
                                         .method = "POST",
                                         .path = "/api/v1/versions/activate/7",
                                         .address = "127.0.0.1"};
    const struct token_holder holder = {.name = "bea", .role = ROLE_OPERATOR};
    assert_true(late_report_begin(scene->report, &request, &holder, scene->pair[0]));
}

static void audit_text(char text[2048])
{
    FILE *file = fopen(audit_path, "re");
    assert_non_null(file);
    size_t length = fread(text, 1, 2047, file);
    text[length] = '\0';
    assert_int_equal(fclose(file), 0);
}

static void scene_strike(struct scene *scene)
{
    close(scene->pair[1]);
    gate_close(&scene->gate);
    audit_close(scene->audit);
}

/* Half a minute at most. */
static void wait_for_line(char text[2048])
{
    struct timespec pause = {0, 10000000};
    audit_text(text);
    for (int i = 0; i < 3000 && strchr(text, '\n') == NULL; i++) {
        nanosleep(&pause, NULL);
        audit_text(text);
    }
}

static void test_what_came_of_it_is_written_once_it_is_known(void **state)
{
    static const char *const OUTCOMES[] = {"\"outcome\":\"failed\"", "\"outcome\":\"done\""};
    (void)state;
    for (int is_done = 0; is_done < 2; is_done++) {
        struct scene scene;
        char text[2048];
        scene_set(&scene);
        switch_answer(scene.pair[1], is_done != 0, "version 7 is in force instead of 6");
        wait_for_line(text);
        assert_non_null(strstr(text, OUTCOMES[is_done]));
        assert_non_null(strstr(text, "\"actor\":\"bea\""));
        assert_non_null(strstr(text, "\"action\":\"POST /api/v1/versions/activate/7\""));
        assert_non_null(strstr(text, "s later: version 7 is in force instead of 6"));
        late_report_destroy(scene.report);
        scene_strike(&scene);
    }
}

static void test_what_nobody_will_know_is_no_failure(void **state)
{
    struct scene scene;
    char text[2048];
    (void)state;
    scene_set(&scene);
    late_report_destroy(scene.report); /* tillway-admin ends */
    wait_for_line(text);
    assert_non_null(strstr(text, "\"outcome\":\"unknown\""));
    assert_non_null(strstr(text, "tillway-admin ended"));
    scene_strike(&scene);
    scene_set(&scene);
    shutdown(scene.pair[1], SHUT_RDWR); /* the switch does */
    wait_for_line(text);
    assert_non_null(strstr(text, "\"outcome\":\"unknown\""));
    assert_non_null(strstr(text, "the switch has ended"));
    late_report_destroy(scene.report);
    scene_strike(&scene);
}

/* ---- what the client of the control socket tells apart ---- */

static void *accept_and_close(void *argument)
{
    char byte;
    int conn = accept(*(const int *)argument, NULL, NULL);
    ssize_t count = recv(conn, &byte, 1, 0);
    assert_int_equal(count, 1); /* it was asked */
    close(conn);
    return NULL;
}

static void test_a_call_that_was_not_sent_is_not_pending(void **state)
{
    char reason[CONTROL_CLIENT_REASON_SIZE];
    struct control_pending pending = {.descriptor = -1};
    const struct control_client client = {socket_path, "bea", &pending};
    (void)state;
    unlink(socket_path);
    assert_null(control_client_call(&client, CONTROL__REQUEST__CALL_RELOAD, NULL, reason));
    assert_false(pending.is_unknown);
    assert_int_equal(pending.descriptor, -1);
}

static void test_a_switch_that_goes_away_leaves_its_outcome_unknown(void **state)
{
    char reason[CONTROL_CLIENT_REASON_SIZE];
    struct control_pending pending = {.descriptor = -1};
    const struct control_client client = {socket_path, "bea", &pending};
    pthread_t thread;
    (void)state;
    int listener = switch_listen();
    assert_int_equal(pthread_create(&thread, NULL, accept_and_close, &listener), 0);
    assert_null(control_client_call(&client, CONTROL__REQUEST__CALL_RELOAD, NULL, reason));
    pthread_join(thread, NULL);
    assert_true(pending.is_unknown);
    assert_int_equal(pending.descriptor, -1); /* nothing comes there any more */
    close(listener);
}

static void test_an_answer_out_of_time_may_still_be_waited_for(void **state)
{
    char reason[CONTROL_CLIENT_REASON_SIZE];
    struct control_pending pending = {.descriptor = -1};
    const struct control_client client = {socket_path, "bea", &pending};
    (void)state;
    int listener = switch_listen();
    assert_null(control_client_call(&client, CONTROL__REQUEST__CALL_STATUS, NULL, reason));
    assert_non_null(strstr(reason, "not in time"));
    assert_true(pending.is_unknown);
    assert_true(pending.descriptor >= 0);
    int conn = accept(listener, NULL, NULL);
    switch_answer(conn, true, "late");
    Control__Answer *answer = control_client_wait(pending.descriptor, 30);
    assert_non_null(answer);
    assert_non_null(answer->done);
    assert_string_equal(answer->done->text, "late");
    control__answer__free_unpacked(answer, NULL);
    close(conn);
    close(pending.descriptor);
    close(listener);
}

static void test_only_an_effect_that_was_asked_for_is_unknown(void **state)
{
    static const struct {
        enum endpoint endpoint;
        bool is_unknown;
        unsigned code;
    } cases[] = {{ENDPOINT_RELOAD, true, 504},
                 {ENDPOINT_RELOAD, false, 503}, /* nobody was reached */
                 {ENDPOINT_STATUS, true, 503}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct answer answer = {0};
        struct control_pending pending = {cases[i].is_unknown, -1};
        const struct call call = {.endpoint = cases[i].endpoint, .pending = &pending};
        call_unanswered(&call, "control socket x: gave no answer: not in time", &answer);
        assert_int_equal(answer.code, cases[i].code);
        assert_non_null(strstr(answer.detail, "not in time"));
        free(answer.body);
    }
}

static void test_the_gate_calls_unknown_what_the_switch_did_not_answer(void **state)
{
    static const struct {
        unsigned code;
        const char *outcome;
    } cases[] = {{200, "\"outcome\":\"done\""},
                 {422, "\"outcome\":\"failed\""},
                 {503, "\"outcome\":\"failed\""},
                 {504, "\"outcome\":\"unknown\""}};
    const struct gate_request request = {.endpoint = ENDPOINT_RELOAD,
                                         .method = "POST",
                                         .path = "/api/v1/reload",
                                         .address = "127.0.0.1"};
    const struct token_holder holder = {.name = "bea", .role = ROLE_OPERATOR};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char reason[AUDIT_REASON_SIZE], text[2048];
        struct gate gate;
        unlink(audit_path);
        struct audit *audit = audit_open(audit_path, reason);
        assert_non_null(audit);
        gate_open(&gate, NULL, audit);
        gate_report(&gate, &request, &holder, &(struct answer){.code = cases[i].code});
        audit_text(text);
        assert_non_null(strstr(text, cases[i].outcome));
        gate_close(&gate);
        audit_close(audit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_came_of_it_is_written_once_it_is_known),
        cmocka_unit_test(test_what_nobody_will_know_is_no_failure),
        cmocka_unit_test(test_a_call_that_was_not_sent_is_not_pending),
        cmocka_unit_test(test_a_switch_that_goes_away_leaves_its_outcome_unknown),
        cmocka_unit_test(test_an_answer_out_of_time_may_still_be_waited_for),
        cmocka_unit_test(test_only_an_effect_that_was_asked_for_is_unknown),
        cmocka_unit_test(test_the_gate_calls_unknown_what_the_switch_did_not_answer),
    };
    return cmocka_run_group_tests(tests, stage_set, stage_strike);
}
