/* `tillwayctl spec`, asked as its users ask: the program itself, its words and its exit code. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SPECS TILLWAY_SOURCE_DIR "/config/specs/"
/* Of a terminal: header, 0200, fields 2 and 11; a test card. */
#define MESSAGE "603100000000 0200 4020000000000000 16 6225000000000014 000002"

static char said[65536];

/* Runs a line of the shell; what it says on both streams is in `said`. Answers the exit code. */
static int run(const char *line)
{
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    said[fread(said, 1, sizeof(said) - 1, pipe)] = '\0';
    const int state = pclose(pipe);
    assert_true(WIFEXITED(state));
    return WEXITSTATUS(state);
}

static void assert_says(const char *words)
{
    if (strstr(said, words) == NULL) {
        fail_msg("\"%s\" is not in: %s", words, said);
    }
}

static void test_every_file_that_ships_is_right(void **state)
{
    (void)state;
    assert_int_equal(run(TILLWAYCTL " spec check " SPECS "*.yaml 2>&1"), 0);
    assert_says("unionpay-host.yaml: right; unionpay-host, ");
    assert_says("iso8583-1993-binary.yaml: right; ");
}

static void test_a_faulty_file_is_told_with_its_line(void **state)
{
    (void)state;
    char path[] = "/tmp/tillway_spec_XXXXXX", line[256];
    const int file = mkstemp(path);
    assert_true(file >= 0);
    static const char TEXT[] = "name: x\nmti: ascii\nbitmap: {coding: binary}\nfields:\n"
                               "  3: {name: code, format: n6}\n  4: {name: amount, format: q12}\n";
    assert_int_equal(write(file, TEXT, sizeof(TEXT) - 1), sizeof(TEXT) - 1);
    close(file);
    snprintf(line, sizeof(line), "%s spec check %s 2>&1", TILLWAYCTL, path);
    const int code = run(line);
    unlink(path);
    assert_int_equal(code, 1);
    snprintf(line, sizeof(line), "%s:6:3: \"q12\" is no format of field 4", path);
    assert_says(line);
}

static void test_a_description_names_header_fields_and_parts(void **state)
{
    (void)state;
    assert_int_equal(run(TILLWAYCTL " spec describe " SPECS "unionpay-host.yaml 2>&1"), 0);
    assert_says("header        46 bytes");
    assert_says("reject code");
    assert_says("pan                              n..19 LL      ascii       masked");
    assert_says("A3  pay_code");
}

static void test_a_message_is_shown_masked_and_its_fault_told(void **state)
{
    (void)state;
    assert_int_equal(run(TILLWAYCTL " spec decode " SPECS "unionpay-pos.yaml '" MESSAGE "' 2>&1"),
                     1);
    assert_says("622500******0014");
    assert_says("stan            000002");
    assert_says("the fields are right, the transaction is not");
    assert_null(strstr(said, "6225000000000014"));
    assert_int_equal(
        run("echo '" MESSAGE "00' | " TILLWAYCTL " spec decode " SPECS "unionpay-pos.yaml 2>&1"),
        1);
    assert_says("at byte 28 of 29: 1 bytes are left after field 11");
}

static void test_what_is_no_message_is_refused(void **state)
{
    (void)state;
    assert_int_equal(run(TILLWAYCTL " spec decode " SPECS "unionpay-pos.yaml 6x 2>&1"), 1);
    assert_says("2 characters are no message in hex");
    assert_int_equal(run(TILLWAYCTL " spec decode " SPECS "absent.yaml 60 2>&1"), 1);
    assert_says("absent.yaml");
    assert_int_equal(run(TILLWAYCTL " spec tell 2>&1"), 2);
    assert_says("expected: spec check FILE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_file_that_ships_is_right),
        cmocka_unit_test(test_a_faulty_file_is_told_with_its_line),
        cmocka_unit_test(test_a_description_names_header_fields_and_parts),
        cmocka_unit_test(test_a_message_is_shown_masked_and_its_fault_told),
        cmocka_unit_test(test_what_is_no_message_is_refused),
    };
    return cmocka_run_group_tests_name("switch/admin/spec_command", tests, NULL, NULL);
}
