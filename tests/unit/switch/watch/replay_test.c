#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "switch/watch/replay.h"

#define ROW_COUNT 12
#define TEXT_SIZE 65536

struct files {
    char folder[32];
    char observations[64], facts[64], flags[64], cases[64];
};

static void text_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void text_read(const char *path, char text[TEXT_SIZE])
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t length = fread(text, 1, TEXT_SIZE - 1, file);
    text[length] = 0;
    assert_int_equal(fclose(file), 0);
}

/* A terminal whose MACs are wrong every five minutes, and then one that asks without a sign-on. */
static void files_make(struct files *files)
{
    char text[TEXT_SIZE];
    memcpy(files->folder, "/tmp/replay_testXXXXXX", sizeof "/tmp/replay_testXXXXXX");
    assert_non_null(mkdtemp(files->folder));
    snprintf(files->observations, sizeof files->observations, "%s/o.csv", files->folder);
    snprintf(files->facts, sizeof files->facts, "%s/f.csv", files->folder);
    snprintf(files->flags, sizeof files->flags, "%s/flags.csv", files->folder);
    snprintf(files->cases, sizeof files->cases, "%s/cases.csv", files->folder);
    text_write(files->facts, "what,terminal_id,merchant_id,is_active,mcc\n"
                             "merchant,,898310554110001,,5411\n"
                             "terminal,31000001,898310554110001,1,\n");
    int used = snprintf(text, sizeof text, "position,wall_us,kind,detail,count,terminal_id\n");
    for (int i = 0; i < ROW_COUNT; i++) {
        bool is_mac = i < ROW_COUNT / 2;
        used += snprintf(text + used, sizeof text - (size_t)used, "%d,%lld,%s,%s,1,31000001\n",
                         10 + i, 1776051948000000 + i * 300000000LL,
                         is_mac ? "SIGHTING" : "REFUSED", is_mac ? "MAC_FAILED" : "NOT_SIGNED_ON");
    }
    text_write(files->observations, text);
}

static void files_remove(const struct files *files)
{
    const char *const paths[] = {files->observations, files->facts, files->flags, files->cases};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        (void)remove(paths[i]);
    }
    assert_int_equal(rmdir(files->folder), 0);
}

static enum status replay_by(const struct files *files, const struct case_rules *case_rules,
                             uint64_t restart_at, struct replay_result *result)
{
    struct watch_rules rules;
    watch_rules_default(&rules);
    return replay_run(&(struct replay_options){.observations = files->observations,
                                               .facts = files->facts,
                                               .flags = files->flags,
                                               .cases = files->cases,
                                               .rules = &rules,
                                               .case_rules = case_rules,
                                               .restart_at = restart_at},
                      result);
}

static enum status replay(const struct files *files, uint64_t restart_at,
                          struct replay_result *result)
{
    struct case_rules rules;
    case_rules_default(&rules);
    return replay_by(files, &rules, restart_at, result);
}

static void test_flags_are_written_and_open_cases(void **state)
{
    (void)state;
    static char text[TEXT_SIZE];
    struct files files;
    struct replay_result result;
    files_make(&files);
    assert_int_equal(replay(&files, 0, &result), STATUS_OK);
    assert_int_equal(result.observations, ROW_COUNT);
    assert_int_equal(result.terminals, 1);
    assert_int_equal(result.merchants, 1);
    assert_true(result.flags >= 2);
    text_read(files.flags, text);
    /* the third wrong MAC, and the third request without a sign-on */
    assert_non_null(strstr(text, "\nT1,terminal,31000001,"));
    assert_non_null(strstr(text, ",12,")); /* its position */
    assert_non_null(strstr(text, "\nT18,terminal,31000001,"));
    text_read(files.cases, text);
    assert_non_null(strstr(text, "\n1,FAULT,NEW,terminal,31000001,,K1,3,"));
    files_remove(&files);
}

/* When the first case must be answered, and what its flag asks for. */
static long long first_due_us(const struct files *files, const char *follow_up)
{
    static char text[TEXT_SIZE];
    long long opened_us, due_us;
    char asked[16];
    text_read(files->cases, text);
    const char *line = strstr(text, "\n1,FAULT,NEW,terminal,31000001,,K1,3,");
    assert_non_null(line);
    assert_int_equal(sscanf(line, "\n1,FAULT,NEW,terminal,31000001,,K1,3,%lld,T1,%*u,%15[^,],%lld",
                            &opened_us, asked, &due_us),
                     3);
    assert_string_equal(asked, follow_up);
    return due_us - opened_us;
}

static void test_cases_live_by_the_rules_that_are_given(void **state)
{
    (void)state;
    struct files files;
    struct replay_result result;
    struct case_rules rules;
    case_rules_default(&rules);
    for (unsigned i = 0; i < SERVICE_CLASS_COUNT; i++) {
        rules.terms.answer[i] = (struct service_term){7, TERM_MINUTES};
    }
    rules.follow_ups[SIGNAL_MAC_FAILURES] = FOLLOW_UP_VISIT;
    files_make(&files);
    assert_int_equal(replay_by(&files, &rules, 0, &result), STATUS_OK);
    assert_int_equal(first_due_us(&files, "VISIT"), 7 * 60000000LL);
    files_remove(&files);
}

static void test_a_restart_anywhere_gives_the_same_flags(void **state)
{
    (void)state;
    static char whole[TEXT_SIZE], restarted[TEXT_SIZE];
    struct files files;
    struct replay_result first, second;
    files_make(&files);
    assert_int_equal(replay(&files, 0, &first), STATUS_OK);
    text_read(files.flags, whole);
    for (uint64_t at = 1; at < ROW_COUNT; at++) {
        assert_int_equal(replay(&files, at, &second), STATUS_OK);
        text_read(files.flags, restarted);
        assert_string_equal(restarted, whole);
        assert_true(second.state_hash == first.state_hash);
    }
    files_remove(&files);
}

static void test_a_faulty_row_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } CASES[] = {
        {"position,kind\n1,SIGNED_UP\n", "o.csv:2: kind: a word"},
        {"position,kind\nx,SIGNED_ON\n", "o.csv:2: position: a number"},
        {"position,colour\n", "o.csv:1: \"colour\" is no column"},
        {"position,kind\n1\n", "o.csv:2: 2 values were expected"},
        {"position,kind\n1,SIGNED_ON,3\n", "o.csv:2: there are more values"},
        {"position,kind\n1,SIGNED_ON", "o.csv:2: the line does not end"},
        {"position,kind\n2,SIGNED_ON\n2,SIGNED_ON\n", "o.csv:3: a row was expected whose position"},
        {"position,terminal_id,kind\n1,123456789,SIGNED_ON\n", "terminal_id: a shorter text"},
        {"position,pan_hash,kind\n1,0g,SIGNED_ON\n", "pan_hash: lower case hex"},
        {"position,latitude_e3,kind\n1,-2147483649,SIGNED_ON\n", "latitude_e3: a number"},
        {"", "o.csv:1: a header was expected"},
    };
    struct files files;
    struct replay_result result;
    files_make(&files);
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        text_write(files.observations, CASES[i].text);
        assert_true(replay(&files, 0, &result) != STATUS_OK);
        assert_non_null(strstr(result.reason, CASES[i].reason));
    }
    files_remove(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags_are_written_and_open_cases),
        cmocka_unit_test(test_cases_live_by_the_rules_that_are_given),
        cmocka_unit_test(test_a_restart_anywhere_gives_the_same_flags),
        cmocka_unit_test(test_a_faulty_row_is_told_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
