/* Verifying and copying a log in the background, and the list of its segments. */
#include <sqlite3.h>
#include <sys/stat.h>
#include <time.h>

#include "switch/admin/log_job.h"
#include "switch/admin/log_list.h"
#include "switch/versions/version_folder.h"
#include "tests/stage/log_stage.h"

#define ROW_COUNT 300

static struct log_stage stage;
static char backups[64];

static void add_rows(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct record record = {.kind = RECORD_EPOCH, .txn = {i + 1, 0}};
        log_stage_add(&stage, &record);
    }
}

static int stage_set(void **state)
{
    (void)state;
    memcpy(backups, "/tmp/tillway-backups-XXXXXX", sizeof("/tmp/tillway-backups-XXXXXX"));
    if (mkdtemp(backups) == NULL) {
        return -1;
    }
    log_stage_set(&stage);
    add_rows(ROW_COUNT / 2);
    log_stage_cut(&stage);
    add_rows(ROW_COUNT / 2);
    return 0;
}

static int stage_strike(void **state)
{
    char copy[128];
    (void)state;
    log_stage_close(&stage);
    log_stage_strike(&stage);
    snprintf(copy, sizeof(copy), "%s/first", backups);
    log_folder_strike(copy);
    log_folder_strike(backups);
    return 0;
}

static const char *text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

/* What came of it, at most a minute later. */
static json_t *wait_for_end(struct log_job *job)
{
    struct timespec pause = {0, 10000000};
    for (int i = 0; i < 6000; i++) {
        json_t *json = log_job_json(job);
        if (strcmp(text_of(json, "state"), "running") != 0) {
            return json;
        }
        json_decref(json);
        nanosleep(&pause, NULL);
    }
    fail_msg("the job does not end");
    return NULL;
}

static json_t *run(const char *log, enum log_job_kind kind, const char *name)
{
    struct log_job *job = log_job_create(log, backups, NULL);
    json_t *json = log_job_json(job);
    assert_string_equal(text_of(json, "state"), "idle");
    json_decref(json);
    assert_int_equal(log_job_begin(job, kind, name), STATUS_OK);
    json = wait_for_end(job);
    log_job_destroy(job);
    return json;
}

static void test_a_sound_chain_is_walked_to_its_end(void **state)
{
    (void)state;
    json_t *json = run(stage.folder, LOG_JOB_VERIFY, "");
    assert_string_equal(text_of(json, "state"), "done");
    assert_int_equal(json_integer_value(json_object_get(json, "rows")), ROW_COUNT);
    assert_int_equal(json_integer_value(json_object_get(json, "rows_total")), ROW_COUNT);
    assert_non_null(strstr(text_of(json, "text"), "position 300"));
    json_decref(json);
}

static void test_a_copy_lies_under_its_name_and_verifies(void **state)
{
    (void)state;
    char copy[128];
    json_t *json = run(stage.folder, LOG_JOB_BACKUP, "first");
    assert_string_equal(text_of(json, "state"), "done");
    json_decref(json);
    snprintf(copy, sizeof(copy), "%s/first", backups);
    json = run(copy, LOG_JOB_VERIFY, "");
    assert_string_equal(text_of(json, "state"), "done");
    assert_int_equal(json_integer_value(json_object_get(json, "rows")), ROW_COUNT);
    json_decref(json);
    json = run(stage.folder, LOG_JOB_BACKUP, "first");
    assert_string_equal(text_of(json, "state"), "failed"); /* no copy is written over */
    json_decref(json);
}

static void write_text(const char *name, const char *text)
{
    char path[LOG_PATH_SIZE];
    log_folder_path(path, stage.folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void keep_version(struct version_folder *versions, const char *fees, uint32_t turn)
{
    char reason[RULE_VERSION_REASON_SIZE];
    struct rule_version version = {.number = version_folder_next(versions), .turn = turn};
    assert_int_equal(version_folder_stage(versions, reason), STATUS_OK);
    assert_int_equal(version_folder_stage_file(versions, RULE_FILE_FEES, fees,
                                               (uint32_t)strlen(fees), &version, reason),
                     STATUS_OK);
    assert_int_equal(version_folder_keep(versions, &version, reason), STATUS_OK);
}

/* Three versions, the last one removed again, one half made; keys of one bank, and some that are
 * being written. */
static void put_beside_the_log(void)
{
    char reason[RULE_VERSION_REASON_SIZE], path[LOG_PATH_SIZE];
    bool is_taken;
    struct version_folder *versions = version_folder_open(stage.folder, &is_taken, reason);
    assert_non_null(versions);
    keep_version(versions, "old fees", 1);
    keep_version(versions, "fees", 2);
    keep_version(versions, "never", 0);
    assert_int_equal(version_folder_remove(versions, 3, reason), STATUS_OK);
    assert_int_equal(version_folder_stage(versions, reason), STATUS_OK);
    version_folder_close(versions);
    log_folder_path(path, stage.folder, "keys");
    assert_int_equal(mkdir(path, 0700), 0);
    write_text("keys/bank_a.csv", "sealed");
    write_text("keys/bank_b.csv.new", "sea");
}

static void expect_versions(const char *copy)
{
    char reason[RULE_VERSION_REASON_SIZE], *fees;
    uint32_t length;
    bool is_taken;
    struct version_folder *versions = version_folder_open(copy, &is_taken, reason);
    assert_non_null(versions);
    assert_int_equal(version_folder_in_force(versions)->number, 2);
    assert_int_equal(version_folder_copy(versions, version_folder_find(versions, 1), RULE_FILE_FEES,
                                         &fees, &length, reason),
                     STATUS_OK);
    assert_memory_equal(fees, "old fees", 8);
    free(fees);
    assert_int_equal(version_folder_next(versions), 4); /* 3 was given */
    version_folder_close(versions);
}

static void test_a_copy_holds_what_explains_its_fees_and_the_keys_of_banks(void **state)
{
    (void)state;
    char copy[128], path[LOG_PATH_SIZE], command[400];
    put_beside_the_log();
    json_t *json = run(stage.folder, LOG_JOB_BACKUP, "whole");
    assert_string_equal(text_of(json, "state"), "done");
    json_decref(json);
    snprintf(copy, sizeof(copy), "%s/whole", backups);
    log_folder_path(path, copy, "versions/new");
    assert_false(log_disk_is_there(path));
    expect_versions(copy);
    log_folder_path(path, copy, "keys/bank_a.csv");
    assert_true(log_disk_is_there(path));
    log_folder_path(path, copy, "keys/bank_b.csv.new");
    assert_false(log_disk_is_there(path));
    snprintf(command, sizeof(command), "rm -rf '%s' '%s/versions' '%s/keys'", copy, stage.folder,
             stage.folder);
    assert_int_equal(system(command), 0);
}

static void test_without_a_folder_no_copy_is_made(void **state)
{
    (void)state;
    struct log_job *job = log_job_create(stage.folder, "", NULL);
    assert_int_equal(log_job_begin(job, LOG_JOB_BACKUP, "first"), STATUS_UNSUPPORTED);
    log_job_destroy(job);
}

static void test_names_of_copies_lead_nowhere_else(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",     "..",  "a/b",
        "/etc", "a b", "0123456789012345678901234567890123456789012345678901234567890"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_false(log_job_is_name(wrong[i]));
    }
    assert_true(log_job_is_name("2026-09-21_night"));
}

static void test_segments_are_listed_with_their_bounds(void **state)
{
    (void)state;
    struct log_view view;
    assert_true(log_view_open(&view, stage.folder));
    json_t *list = log_list_json(&view);
    const json_t *items = json_object_get(list, "items");
    assert_int_equal(json_array_size(items), 2);
    const json_t *first = json_array_get(items, 0);
    assert_int_equal(json_integer_value(json_object_get(first, "rows")), ROW_COUNT / 2);
    assert_true(json_is_string(json_object_get(first, "sealed")));
    const json_t *second = json_array_get(items, 1);
    assert_int_equal(json_integer_value(json_object_get(second, "first_position")),
                     ROW_COUNT / 2 + 1);
    assert_true(json_is_null(json_object_get(second, "sealed")));
    assert_string_equal(text_of(second, "file"), "segment-000002.db");
    json_decref(list);
    log_view_close(&view);
}

/* The last test: it leaves the log broken. */
static void test_the_first_fault_is_named_with_segment_and_position(void **state)
{
    (void)state;
    char path[LOG_PATH_SIZE];
    sqlite3 *file = NULL;
    log_folder_segment_path(path, stage.folder, 1);
    assert_int_equal(sqlite3_open(path, &file), SQLITE_OK);
    assert_int_equal(sqlite3_exec(file,
                                  "DROP TRIGGER log_no_update;"
                                  "UPDATE log SET wall_us = 7 WHERE position IN (77, 99)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(file);
    json_t *json = run(stage.folder, LOG_JOB_VERIFY, "");
    assert_string_equal(text_of(json, "state"), "failed");
    assert_non_null(strstr(text_of(json, "text"), "segment-000001.db"));
    assert_non_null(strstr(text_of(json, "text"), "position 77"));
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sound_chain_is_walked_to_its_end),
        cmocka_unit_test(test_a_copy_lies_under_its_name_and_verifies),
        cmocka_unit_test(test_a_copy_holds_what_explains_its_fees_and_the_keys_of_banks),
        cmocka_unit_test(test_without_a_folder_no_copy_is_made),
        cmocka_unit_test(test_names_of_copies_lead_nowhere_else),
        cmocka_unit_test(test_segments_are_listed_with_their_bounds),
        cmocka_unit_test(test_the_first_fault_is_named_with_segment_and_position),
    };
    return cmocka_run_group_tests(tests, stage_set, stage_strike);
}
