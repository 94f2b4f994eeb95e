/* Versions of the rules on disk: numbered without repeat, whole or not there, kept as many as are
 * wanted. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "switch/versions/version_floor.h"
#include "switch/versions/version_folder.h"
#include "tests/stage/log_stage.h"
#include "tests/unit/unit_test.h"

#define COMMAND_SIZE 600

struct scene {
    char store[64];
    struct version_folder *folder;
    char reason[RULE_VERSION_REASON_SIZE];
};

static struct version_folder *open_at(struct scene *scene)
{
    bool is_taken;
    return version_folder_open(scene->store, &is_taken, scene->reason);
}

static int scene_set(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    snprintf(scene->store, sizeof(scene->store), "/tmp/tillway-versions-XXXXXX");
    if (mkdtemp(scene->store) == NULL) {
        return 1;
    }
    scene->folder = open_at(scene);
    *state = scene;
    return scene->folder == NULL;
}

static int scene_strike(void **state)
{
    struct scene *scene = *state;
    char command[COMMAND_SIZE];
    version_folder_close(scene->folder);
    snprintf(command, sizeof(command), "rm -rf '%s'", scene->store);
    int failed = system(command);
    free(scene);
    return failed;
}

static void reopen(struct scene *scene)
{
    version_folder_close(scene->folder);
    scene->folder = open_at(scene);
    assert_non_null(scene->folder);
}

/* A version with these two files, made by ann; with a turn it is in force. */
static struct rule_version staged(struct scene *scene, const char *fees, uint32_t turn)
{
    struct rule_version version = {.number = version_folder_next(scene->folder),
                                   .turn = turn,
                                   .way = RULE_WAY_PROPOSAL,
                                   .made = "2026-01-02T03:04:05.000006Z",
                                   .made_by = "ann",
                                   .reason = "costs rose \xC3\xA9"};
    version.beside_count = 1;
    snprintf(version.besides[0].name, sizeof(version.besides[0].name), "tables.bins");
    rule_hash("bins", 4, version.besides[0].hash);
    assert_int_equal(version_folder_stage(scene->folder, scene->reason), STATUS_OK);
    assert_int_equal(version_folder_stage_file(scene->folder, RULE_FILE_FEES, fees,
                                               (uint32_t)strlen(fees), &version, scene->reason),
                     STATUS_OK);
    assert_int_equal(version_folder_stage_file(scene->folder, RULE_FILE_ROUTES, "routes", 6,
                                               &version, scene->reason),
                     STATUS_OK);
    return version;
}

static uint32_t keep(struct scene *scene, const char *fees, uint32_t turn)
{
    struct rule_version version = staged(scene, fees, turn);
    assert_int_equal(version_folder_keep(scene->folder, &version, scene->reason), STATUS_OK);
    return version.number;
}

static void path_of(const struct scene *scene, uint32_t number, const char *name,
                    char path[VERSION_PATH_SIZE])
{
    assert_true(version_folder_path(scene->store, number, name, path));
}

static bool is_there(const struct scene *scene, uint32_t number)
{
    char path[VERSION_PATH_SIZE];
    path_of(scene, number, "version.json", path);
    return access(path, F_OK) == 0;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* ---- tests ---- */

static void test_all_of_a_version_is_read_again_as_it_was(void **state)
{
    struct scene *scene = *state;
    struct rule_version version = staged(scene, "fees one", 0);
    version.made_from = 7;
    version.roll_back_of = 3;
    rule_hash("named", 5, version.files[RULE_FILE_FEES].named_hash);
    assert_int_equal(version_folder_keep(scene->folder, &version, scene->reason), STATUS_OK);
    reopen(scene);
    const struct rule_version *found = version_folder_find(scene->folder, 1);
    assert_non_null(found);
    assert_memory_equal(found, &version, sizeof(version));
    char *bytes;
    uint32_t length;
    assert_int_equal(
        version_folder_copy(scene->folder, found, RULE_FILE_FEES, &bytes, &length, scene->reason),
        STATUS_OK);
    assert_int_equal(length, 8);
    assert_string_equal(bytes, "fees one");
    free(bytes);
}

static void test_numbers_grow_over_restarts(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(keep(scene, "a", 1), 1);
    assert_int_equal(keep(scene, "b", 0), 2);
    reopen(scene);
    assert_int_equal(keep(scene, "c", 0), 3);
}

static void lose_versions(struct scene *scene)
{
    char command[COMMAND_SIZE];
    version_folder_close(scene->folder);
    snprintf(command, sizeof(command), "rm -r '%s/versions'", scene->store);
    assert_int_equal(system(command), 0);
    scene->folder = open_at(scene);
    assert_non_null(scene->folder);
}

static void floor_path(const struct scene *scene, char path[VERSION_PATH_SIZE])
{
    snprintf(path, VERSION_PATH_SIZE, "%s/" VERSION_FLOOR_NAME, scene->store);
}

static void test_no_number_comes_again_where_the_versions_were_lost(void **state)
{
    struct scene *scene = *state;
    keep(scene, "a", 1);
    keep(scene, "b", 2);
    keep(scene, "c", 0); /* no row of any log names it */
    lose_versions(scene);
    assert_null(version_folder_in_force(scene->folder));
    assert_int_equal(keep(scene, "d", 1), 4);
}

static void test_a_number_that_was_taken_back_does_not_come_again_after_a_restart(void **state)
{
    struct scene *scene = *state;
    keep(scene, "a", 1);
    keep(scene, "b", 2);
    assert_int_equal(version_folder_remove(scene->folder, 2, scene->reason), STATUS_OK);
    reopen(scene);
    assert_int_equal(version_folder_next(scene->folder), 3);
}

/* A log of three segments whose first names 40, and whose last rows do not. */
static void log_fill(struct log_stage *stage)
{
    log_stage_set(stage);
    log_stage_add(stage, &(struct record){.kind = RECORD_INTENT, .ruleset_version = 40});
    log_stage_cut(stage);
    log_stage_add(stage, &(struct record){.kind = RECORD_INTENT, .ruleset_version = 3});
    log_stage_cut(stage);
    log_stage_add(stage, &(struct record){.kind = RECORD_EPOCH});
    log_stage_close(stage);
}

static void test_rows_are_asked_once_where_the_note_of_numbers_was_lost_too(void **state)
{
    struct scene *scene = *state;
    struct log_stage stage;
    char path[VERSION_PATH_SIZE], text[16] = "";
    bool is_taken;
    log_fill(&stage);
    struct version_folder *folder = version_folder_open(stage.folder, &is_taken, scene->reason);
    assert_non_null(folder);
    assert_int_equal(version_folder_next(folder), 41);
    version_folder_close(folder);
    snprintf(path, sizeof(path), "%s/" VERSION_FLOOR_NAME, stage.folder);
    FILE *note = fopen(path, "re");
    assert_non_null(note);
    assert_non_null(fgets(text, sizeof(text), note));
    assert_int_equal(fclose(note), 0);
    assert_string_equal(text, "40\n");
    write_text(path, "77\n"); /* it alone is asked from now on */
    folder = version_folder_open(stage.folder, &is_taken, scene->reason);
    assert_non_null(folder);
    assert_int_equal(version_folder_next(folder), 78);
    version_folder_close(folder);
    char command[COMMAND_SIZE];
    snprintf(command, sizeof(command), "rm -r '%s'", stage.folder);
    assert_int_equal(system(command), 0);
}

static void test_a_damaged_note_of_numbers_is_no_start(void **state)
{
    static const char *const TEXTS[] = {"", "\n", "12", "1000000\n", "0\n", "-3\n", "12\n13\n"};
    struct scene *scene = *state;
    char path[VERSION_PATH_SIZE];
    keep(scene, "a", 1);
    floor_path(scene, path);
    for (size_t i = 0; i < COUNT_OF(TEXTS); i++) {
        version_folder_close(scene->folder);
        write_text(path, TEXTS[i]);
        scene->folder = open_at(scene);
        assert_null(scene->folder);
        assert_non_null(strstr(scene->reason, VERSION_FLOOR_NAME));
    }
    assert_int_equal(unlink(path), 0);
    scene->folder = open_at(scene);
    assert_non_null(scene->folder);
    assert_int_equal(version_folder_next(scene->folder), 2);
}

static void test_no_number_is_given_that_cannot_be_noted(void **state)
{
    struct scene *scene = *state;
    char path[VERSION_PATH_SIZE];
    keep(scene, "a", 1);
    struct rule_version version = staged(scene, "b", 2);
    floor_path(scene, path);
    snprintf(path + strlen(path), 16, ".new"); /* a folder where the file would be written */
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(version_folder_keep(scene->folder, &version, scene->reason), STATUS_BROKEN);
    assert_null(version_folder_find(scene->folder, 2));
    assert_false(is_there(scene, 2));
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(keep(scene, "b", 2), 2);
}

/* A link that leads nowhere is to the reader what a version is that a purge took after the folder
 * was listed. */
static void test_a_version_that_goes_while_they_are_listed_is_left_out(void **state)
{
    struct scene *scene = *state;
    char path[VERSION_PATH_SIZE];
    struct rule_version *versions;
    uint32_t count;
    keep(scene, "a", 1);
    keep(scene, "b", 2);
    snprintf(path, sizeof(path), "%s/versions/000007", scene->store);
    assert_int_equal(symlink("gone", path), 0);
    assert_int_equal(version_folder_read(scene->store, &versions, &count, scene->reason),
                     STATUS_OK);
    assert_int_equal(count, 2);
    assert_int_equal(versions[1].number, 2);
    free(versions);
    assert_int_equal(unlink(path), 0);
    path_of(scene, 1, "version.json", path); /* a version without its version.json is damaged */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(version_folder_read(scene->store, &versions, &count, scene->reason),
                     STATUS_NOT_FOUND);
}

static void test_the_highest_turn_is_in_force_whatever_its_number(void **state)
{
    struct scene *scene = *state;
    assert_null(version_folder_in_force(scene->folder));
    keep(scene, "a", 1);
    keep(scene, "b", 0);
    keep(scene, "c", 2);
    assert_int_equal(version_folder_in_force(scene->folder)->number, 3);
    struct rule_version second = *version_folder_find(scene->folder, 2);
    second.turn = 3;
    snprintf(second.in_force_by, sizeof(second.in_force_by), "bob");
    assert_int_equal(version_folder_rewrite(scene->folder, &second, scene->reason), STATUS_OK);
    reopen(scene);
    assert_int_equal(version_folder_in_force(scene->folder)->number, 2);
    assert_string_equal(version_folder_in_force(scene->folder)->in_force_by, "bob");
    assert_int_equal(version_folder_before(scene->folder)->number, 3);
}

/* What a process leaves that is killed at any step before the renaming. */
static void test_half_a_version_is_none_and_is_cleared_away(void **state)
{
    struct scene *scene = *state;
    char path[VERSION_PATH_SIZE];
    keep(scene, "a", 1);
    staged(scene, "torn", 2);
    path_of(scene, 1, "version.json.new", path);
    write_text(path, "{\"number\": 1, \"tu");
    reopen(scene);
    assert_int_equal(version_folder_in_force(scene->folder)->number, 1);
    assert_null(version_folder_find(scene->folder, 2));
    assert_int_not_equal(access(path, F_OK), 0);
    version_folder_stage_path(scene->folder, RULE_FILE_FEES, path);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(keep(scene, "b", 2), 2);
}

static void test_a_copy_that_was_changed_is_told_and_not_given(void **state)
{
    struct scene *scene = *state;
    char path[VERSION_PATH_SIZE];
    char *bytes;
    uint32_t length;
    keep(scene, "honest", 1);
    path_of(scene, 1, "fees.yaml", path);
    write_text(path, "hOnest");
    const struct rule_version *version = version_folder_in_force(scene->folder);
    assert_int_equal(
        version_folder_copy(scene->folder, version, RULE_FILE_FEES, &bytes, &length, scene->reason),
        STATUS_MALFORMED);
    assert_non_null(strstr(scene->reason, path));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(
        version_folder_copy(scene->folder, version, RULE_FILE_FEES, &bytes, &length, scene->reason),
        STATUS_NOT_FOUND);
}

static void test_a_damaged_version_json_is_no_start(void **state)
{
    static const char *const TEXTS[] = {
        "{\"number\": 1, \"turn\": 1",
        "{\"number\": 1, \"turn\": \"many\"}",
        "",
    };
    struct scene *scene = *state;
    char path[VERSION_PATH_SIZE];
    keep(scene, "a", 1);
    path_of(scene, 1, "version.json", path);
    for (size_t i = 0; i < COUNT_OF(TEXTS); i++) {
        write_text(path, TEXTS[i]);
        struct rule_version *versions;
        uint32_t count;
        assert_int_equal(version_folder_read(scene->store, &versions, &count, scene->reason),
                         STATUS_MALFORMED);
        assert_non_null(strstr(scene->reason, path));
        assert_int_equal(count, 0);
    }
}

static void test_a_folder_under_another_number_is_told(void **state)
{
    struct scene *scene = *state;
    char command[COMMAND_SIZE];
    struct rule_version *versions;
    uint32_t count;
    keep(scene, "a", 1);
    snprintf(command, sizeof(command), "mv '%s/versions/000001' '%s/versions/000005'", scene->store,
             scene->store);
    assert_int_equal(system(command), 0);
    assert_int_equal(version_folder_read(scene->store, &versions, &count, scene->reason),
                     STATUS_MALFORMED);
    assert_non_null(strstr(scene->reason, "expected 5"));
}

static void test_what_cannot_be_written_changes_nothing(void **state)
{
    struct scene *scene = *state;
    char path[VERSION_PATH_SIZE];
    keep(scene, "a", 1);
    struct rule_version version = staged(scene, "b", 2);
    /* Somebody's folder stands where the version should go. */
    path_of(scene, 2, "", path);
    assert_int_equal(mkdir(path, 0755), 0);
    snprintf(path + strlen(path), 16, "taken");
    write_text(path, "");
    assert_int_equal(version_folder_keep(scene->folder, &version, scene->reason), STATUS_BROKEN);
    assert_true(scene->reason[0] != '\0');
    assert_int_equal(version_folder_in_force(scene->folder)->number, 1);
    assert_null(version_folder_find(scene->folder, 2));
}

static void test_what_is_taken_back_was_never_there(void **state)
{
    struct scene *scene = *state;
    keep(scene, "a", 1);
    keep(scene, "b", 2);
    assert_int_equal(version_folder_remove(scene->folder, 2, scene->reason), STATUS_OK);
    assert_int_equal(version_folder_in_force(scene->folder)->number, 1);
    assert_false(is_there(scene, 2));
    assert_int_equal(keep(scene, "c", 2), 3); /* its number is not given again */
    reopen(scene);
    assert_int_equal(version_folder_in_force(scene->folder)->number, 3);
}

static void test_the_oldest_go_but_never_the_one_in_force_nor_the_highest(void **state)
{
    struct scene *scene = *state;
    for (uint32_t i = 0; i < 6; i++) {
        keep(scene, "x", i == 1 ? 1 : 0);
    }
    version_folder_purge(scene->folder, 3);
    assert_false(is_there(scene, 1));
    assert_true(is_there(scene, 2)); /* in force */
    assert_false(is_there(scene, 3));
    assert_false(is_there(scene, 4));
    assert_true(is_there(scene, 5));
    version_folder_purge(scene->folder, 1);
    assert_true(is_there(scene, 2));
    assert_true(is_there(scene, 6));
    reopen(scene);
    assert_int_equal(version_folder_next(scene->folder), 7);
}

static void test_outdated_proposals_go_before_what_was_in_force(void **state)
{
    struct scene *scene = *state;
    for (uint32_t i = 0; i < 6; i++) {
        keep(scene, "x", i < 3 ? i + 1 : 0); /* 1 to 3 were in force, 3 is */
    }
    version_folder_purge(scene->folder, 4);
    assert_true(is_there(scene, 1) && is_there(scene, 2) && is_there(scene, 3));
    assert_false(is_there(scene, 4) || is_there(scene, 5));
    assert_true(is_there(scene, 6));
    version_folder_purge(scene->folder, 1);
    assert_false(is_there(scene, 1));
    assert_true(is_there(scene, 2)); /* the one before that in force */
    assert_true(is_there(scene, 3));
}

static mode_t mode_of(const char *path)
{
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    return about.st_mode & 0777;
}

static void test_nobody_else_reads_what_is_made(void **state)
{
    struct scene *scene = *state;
    char path[VERSION_PATH_SIZE];
    version_folder_close(scene->folder);
    char command[COMMAND_SIZE];
    snprintf(command, sizeof(command), "rm -rf '%s'", scene->store);
    assert_int_equal(system(command), 0);
    mode_t umask_before = umask(0);
    scene->folder = open_at(scene);
    assert_non_null(scene->folder);
    keep(scene, "fees", 1);
    umask(umask_before);
    assert_int_equal(mode_of(scene->store), 0700);
    snprintf(path, sizeof(path), "%s/versions", scene->store);
    assert_int_equal(mode_of(path), 0700);
    path_of(scene, 1, "", path);
    assert_int_equal(mode_of(path), 0700);
    path_of(scene, 1, "fees.yaml", path);
    assert_int_equal(mode_of(path), 0600);
    path_of(scene, 1, "version.json", path);
    assert_int_equal(mode_of(path), 0600);
}

/* flock(2) is of an open file: the same process may try. */
static void test_one_switch_at_a_time_uses_it(void **state)
{
    struct scene *scene = *state;
    bool is_taken = false;
    assert_null(version_folder_open(scene->store, &is_taken, scene->reason));
    assert_true(is_taken);
    assert_non_null(strstr(scene->reason, "another tillwayd"));
}

static void test_sameness_looks_at_all_that_was_read(void **state)
{
    (void)state;
    struct rule_version one = {.number = 1, .beside_count = 1}, other;
    rule_hash("fees", 4, one.files[RULE_FILE_FEES].hash);
    rule_hash("bins", 4, one.besides[0].hash);
    other = one;
    other.number = 2;
    assert_true(rule_version_is_same(&one, &other));
    rule_hash("more", 4, other.besides[0].hash);
    assert_false(rule_version_is_same(&one, &other));
    assert_true(rule_version_has_same_files(&one, &other));
    rule_hash("feet", 4, other.files[RULE_FILE_FEES].hash);
    assert_false(rule_version_has_same_files(&one, &other));
    rule_hash("fees", 4, other.files[RULE_FILE_FEES].base_hash);
    assert_true(rule_version_is_based_on(&other, &one));
    assert_false(rule_version_is_based_on(&one, &other));
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set, scene_strike)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(test_all_of_a_version_is_read_again_as_it_was),
        SCENE(test_numbers_grow_over_restarts),
        SCENE(test_no_number_comes_again_where_the_versions_were_lost),
        SCENE(test_a_number_that_was_taken_back_does_not_come_again_after_a_restart),
        SCENE(test_rows_are_asked_once_where_the_note_of_numbers_was_lost_too),
        SCENE(test_a_damaged_note_of_numbers_is_no_start),
        SCENE(test_no_number_is_given_that_cannot_be_noted),
        SCENE(test_a_version_that_goes_while_they_are_listed_is_left_out),
        SCENE(test_the_highest_turn_is_in_force_whatever_its_number),
        SCENE(test_half_a_version_is_none_and_is_cleared_away),
        SCENE(test_a_copy_that_was_changed_is_told_and_not_given),
        SCENE(test_a_damaged_version_json_is_no_start),
        SCENE(test_a_folder_under_another_number_is_told),
        SCENE(test_what_cannot_be_written_changes_nothing),
        SCENE(test_what_is_taken_back_was_never_there),
        SCENE(test_the_oldest_go_but_never_the_one_in_force_nor_the_highest),
        SCENE(test_outdated_proposals_go_before_what_was_in_force),
        SCENE(test_nobody_else_reads_what_is_made),
        SCENE(test_one_switch_at_a_time_uses_it),
        cmocka_unit_test(test_sameness_looks_at_all_that_was_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
