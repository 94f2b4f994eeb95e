/* The audit file: chained, continued after a restart, and never extended once it does not fit. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "switch/admin/audit.h"
#include "tests/unit/unit_test.h"

/* Of this process alone: another run of this test may be at work beside it. */
static char audit_path[64];

static int file_clear(void **state)
{
    (void)state;
    unlink(audit_path);
    return 0;
}

static struct audit *open_file(void)
{
    char reason[AUDIT_REASON_SIZE] = "";
    struct audit *audit = audit_open(audit_path, reason);
    return audit;
}

static void write_one(struct audit *audit, const char *outcome)
{
    struct audit_entry entry = {"ann",   "operator", "POST /api/v1/reload",
                                outcome, "::1",      "a \"b\""};
    assert_int_equal(audit_write(audit, &entry), STATUS_OK);
}

static void test_lines_are_chained_over_a_restart(void **state)
{
    (void)state;
    char lines[3][2048];
    for (int i = 0; i < 3; i++) {
        struct audit *audit = open_file();
        assert_non_null(audit);
        write_one(audit, i == 0 ? "begun" : "done");
        audit_close(audit);
    }
    FILE *file = fopen(audit_path, "r");
    for (int i = 0; i < 3; i++) {
        assert_non_null(fgets(lines[i], sizeof(lines[i]), file));
    }
    fclose(file);
    for (int i = 1; i < 3; i++) {
        const char *hash = strstr(lines[i - 1], "\"hash\":\"") + 8;
        const char *prev = strstr(lines[i], "\"prev\":\"") + 8;
        assert_int_equal(strncmp(hash, prev, 64), 0);
    }
}

static void test_two_processes_never_write_one_file(void **state)
{
    (void)state;
    struct audit *first = open_file();
    assert_null(open_file());
    audit_close(first);
}

static void damage(const char *mode, long at, const char *text)
{
    FILE *file = fopen(audit_path, mode);
    fseek(file, at, SEEK_SET);
    fputs(text, file);
    fclose(file);
}

static void test_a_damaged_end_is_not_extended(void **state)
{
    (void)state;
    struct audit *audit = open_file();
    write_one(audit, "begun");
    audit_close(audit);
    damage("r+", 10, "1999");
    assert_null(open_file());
    unlink(audit_path);
    audit = open_file();
    write_one(audit, "begun");
    audit_close(audit);
    damage("a", 0, "{\"time\":\"half a li");
    assert_null(open_file());
}

int main(void)
{
    snprintf(audit_path, sizeof(audit_path), "/tmp/tillway-audit-test-%d", (int)getpid());
#define FRESH(test) cmocka_unit_test_setup_teardown(test, file_clear, file_clear)
    const struct CMUnitTest tests[] = {
        FRESH(test_lines_are_chained_over_a_restart),
        FRESH(test_two_processes_never_write_one_file),
        FRESH(test_a_damaged_end_is_not_extended),
    };
    return cmocka_run_group_tests_name("switch/admin/audit", tests, NULL, NULL);
}
