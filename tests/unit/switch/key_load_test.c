/* The key file as a whole: taken when every row is good, and faults with their lines. */
#include "tests/unit/switch/security/security_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "switch/key_load.h"

#define REASON_SIZE 1200

static char path[] = "/tmp/key_load_test.XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void put_key(FILE *file, const char *name, enum hsm_key_kind kind, const char *hex)
{
    const struct wrapped_key key = wrapped_key(name, kind, hex);
    fprintf(file, "%s,%s,%s\n", name, key.kind, key.record.block);
}

static FILE *begin_file(void)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "name,kind,block\n");
    return file;
}

static enum status load(struct security *security, struct key_set **set, char reason[REASON_SIZE])
{
    *set = key_set_create(security);
    assert_non_null(*set);
    return key_load(*set, path, reason, REASON_SIZE);
}

static void test_a_good_file_is_settled_and_waits(void **state)
{
    (void)state;
    char reason[REASON_SIZE];
    struct security *security = bare_security(1);
    struct key_set *set;
    FILE *file = begin_file();
    put_key(file, "term:10000001:tmk", HSM_KEY_TERMINAL_MASTER, TEST_TMK);
    put_key(file, "own:pan:data", HSM_KEY_DATA, TEST_WIDE);
    fclose(file);
    assert_int_equal(load(security, &set, reason), STATUS_OK);
    assert_int_equal(key_set_count(set), 2);
    assert_false(security_has_terminal(security, "10000001"));
    key_set_apply(set);
    assert_true(security_has_terminal(security, "10000001"));
    key_set_destroy(set);
    security_destroy(security);
}

static void test_each_faulty_row_is_told_with_its_line(void **state)
{
    (void)state;
    char reason[REASON_SIZE];
    char expected[64];
    struct security *security = bare_security(1);
    struct key_set *set;
    FILE *file = begin_file();
    put_key(file, "own:pan:data", HSM_KEY_DATA, TEST_WIDE);
    for (int i = 0; i < 10; i++) {
        fprintf(file, "nobody:%d,data,D0000\n", i);
    }
    fclose(file);
    assert_int_equal(load(security, &set, reason), STATUS_BAD_VALUE);
    snprintf(expected, sizeof(expected), "%s:3: key \"nobody:0\"", path);
    assert_non_null(strstr(reason, expected));
    key_set_destroy(set);
    security_destroy(security);
}

/* The place of what is too much shows only when all rows are there. */
static void test_one_terminal_too_many_is_told_with_its_line(void **state)
{
    (void)state;
    char reason[REASON_SIZE];
    char expected[96];
    struct security *security = bare_security(1);
    struct key_set *set;
    FILE *file = begin_file();
    for (unsigned i = 0; i < 5; i++) {
        char name[HSM_KEY_NAME_SIZE];
        snprintf(name, sizeof(name), "term:%u:tmk", 10000001 + i);
        put_key(file, name, HSM_KEY_TERMINAL_MASTER, TEST_TMK);
    }
    fclose(file);
    assert_int_equal(load(security, &set, reason), STATUS_NO_ROOM);
    snprintf(expected, sizeof(expected), "%s:6: key \"term:10000005:tmk\"", path);
    assert_non_null(strstr(reason, expected));
    assert_false(security_has_terminal(security, "10000001"));
    key_set_destroy(set);
    security_destroy(security);
}

static void test_a_file_that_is_not_there_is_named(void **state)
{
    (void)state;
    char reason[REASON_SIZE];
    struct security *security = bare_security(1);
    struct key_set *set = key_set_create(security);
    assert_true(key_load(set, "/tmp/no/such/keys.csv", reason, sizeof(reason)) != STATUS_OK);
    assert_non_null(strstr(reason, "/tmp/no/such/keys.csv"));
    key_set_destroy(set);
    security_destroy(security);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_file_is_settled_and_waits),
        cmocka_unit_test(test_each_faulty_row_is_told_with_its_line),
        cmocka_unit_test(test_one_terminal_too_many_is_told_with_its_line),
        cmocka_unit_test(test_a_file_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests_name("switch/key_load", tests, make_file, remove_file);
}
