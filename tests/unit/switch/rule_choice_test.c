/* Which rule file counts: of each the later change, and what is kept of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "switch/rule_choice.h"
#include "tests/unit/unit_test.h"

#define FAULTS_SIZE 4096

struct scene {
    char place[64];
    struct version_folder *folder;
    struct server_options *options;
    struct rule_choice choice;
    char faults[FAULTS_SIZE], reason[RULE_VERSION_REASON_SIZE];
    struct byte_writer writer;
    bool names_limits, is_by_two; /* of the next choice */
};

static void put(struct scene *scene, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", scene->place, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int scene_set(void **state)
{
    bool is_taken;
    struct scene *scene = calloc(1, sizeof(*scene));
    scene->options = calloc(1, sizeof(*scene->options));
    snprintf(scene->place, sizeof(scene->place), "/tmp/tillway-choice-XXXXXX");
    if (mkdtemp(scene->place) == NULL) {
        return 1;
    }
    scene->folder = version_folder_open(scene->place, &is_taken, scene->reason);
    put(scene, "tillway.yaml", "node: 0\n");
    put(scene, "routes.yaml", "routes");
    put(scene, "fees.yaml", "fees");
    put(scene, "bins.csv", "bins");
    *state = scene;
    return scene->folder == NULL;
}

static int scene_strike(void **state)
{
    struct scene *scene = *state;
    char command[128];
    rule_choice_end(&scene->choice);
    version_folder_close(scene->folder);
    snprintf(command, sizeof(command), "rm -rf '%s'", scene->place);
    int failed = system(command);
    free(scene->options);
    free(scene);
    return failed;
}

static struct rule_choice *choose(struct scene *scene, enum rule_choice_kind kind)
{
    struct server_options *options = scene->options;
    rule_choice_end(&scene->choice);
    memset(options, 0, sizeof(*options));
    snprintf(options->path, sizeof(options->path), "%s/tillway.yaml", scene->place);
    snprintf(options->routes, sizeof(options->routes), "%s/routes.yaml", scene->place);
    snprintf(options->fees, sizeof(options->fees), "%s/fees.yaml", scene->place);
    if (scene->names_limits) {
        snprintf(options->limits, sizeof(options->limits), "%s/limits.yaml", scene->place);
    }
    snprintf(options->tables.bins, sizeof(options->tables.bins), "%s/bins.csv", scene->place);
    snprintf(options->tables.keys, sizeof(options->tables.keys), "%s/bins.csv", scene->place);
    byte_writer_init(&scene->writer, scene->faults, FAULTS_SIZE - 1);
    memset(scene->faults, 0, FAULTS_SIZE);
    scene->choice = (struct rule_choice){.folder = scene->folder,
                                         .kind = kind,
                                         .is_by_two = scene->is_by_two,
                                         .way = RULE_WAY_SIGNAL,
                                         .by = "bea",
                                         .reason = "",
                                         .wall_us = 1700000000000000};
    return &scene->choice;
}

static bool begin(struct scene *scene)
{
    return rule_choice_begin(&scene->choice, scene->options, NULL, 0, &scene->writer);
}

/* As a start or a reload does. Answers the number in force. */
static uint32_t read_files(struct scene *scene, enum rule_kept expected)
{
    choose(scene, RULE_CHOICE_FILES);
    assert_true(begin(scene));
    assert_true(rule_choice_is_still(&scene->choice, &scene->writer));
    assert_int_equal(rule_choice_keep(&scene->choice, false, scene->reason), expected);
    return version_folder_in_force(scene->folder)->number;
}

/* A file proposed, kept, and put in force. */
static void activate(struct scene *scene, enum rule_file file, const char *text)
{
    struct rule_choice *choice = choose(scene, RULE_CHOICE_PROPOSAL);
    choice->by = "ann";
    choice->proposed[file].bytes = text;
    choice->proposed[file].length = (uint32_t)strlen(text);
    assert_true(begin(scene));
    assert_int_equal(rule_choice_keep(choice, true, scene->reason), RULE_KEPT_FRESH);
    uint32_t number = choice->version.number;
    assert_int_not_equal(version_folder_in_force(scene->folder)->number, number);
    choose(scene, RULE_CHOICE_VERSION)->number = number;
    assert_true(begin(scene));
    assert_int_equal(rule_choice_keep(&scene->choice, false, scene->reason), RULE_KEPT_MOVED);
    assert_int_equal(version_folder_in_force(scene->folder)->number, number);
    assert_string_equal(version_folder_in_force(scene->folder)->made_by, "ann");
    assert_string_equal(version_folder_in_force(scene->folder)->in_force_by, "bea");
}

static void activate_fees(struct scene *scene, const char *fees)
{
    activate(scene, RULE_FILE_FEES, fees);
}

static void expect_content(struct scene *scene, const char *path, const char *expected)
{
    char hash[RULE_HASH_SIZE], wanted[RULE_HASH_SIZE];
    (void)scene;
    rule_hash_file(path, hash);
    rule_hash(expected, strlen(expected), wanted);
    assert_string_equal(hash, wanted);
}

/* ---- tests ---- */

static void test_the_same_files_are_the_same_version(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(read_files(scene, RULE_KEPT_FRESH), 1);
    assert_int_equal(read_files(scene, RULE_KEPT_SAME), 1);
    put(scene, "fees.yaml", "dearer");
    assert_int_equal(read_files(scene, RULE_KEPT_FRESH), 2);
    put(scene, "bins.csv", "more bins");
    assert_int_equal(read_files(scene, RULE_KEPT_FRESH), 3);
    put(scene, "tillway.yaml", "node: 1\n");
    assert_int_equal(read_files(scene, RULE_KEPT_FRESH), 4);
}

static void test_keys_are_not_even_hashed(void **state)
{
    struct scene *scene = *state;
    read_files(scene, RULE_KEPT_FRESH);
    const struct rule_version *version = version_folder_in_force(scene->folder);
    bool has_bins = false;
    for (uint32_t i = 0; i < version->beside_count; i++) {
        has_bins = has_bins || strcmp(version->besides[i].name, "tables.bins") == 0;
        assert_string_not_equal(version->besides[i].name, "tables.keys");
    }
    assert_true(has_bins);
}

static void test_what_the_command_line_sets_is_a_part_of_the_version(void **state)
{
    static const char *const OVERRIDES[] = {"channels.0.kinds=refund"};
    struct scene *scene = *state;
    read_files(scene, RULE_KEPT_FRESH);
    choose(scene, RULE_CHOICE_FILES);
    assert_true(rule_choice_begin(&scene->choice, scene->options, OVERRIDES, 1, &scene->writer));
    assert_int_equal(scene->choice.version.number, 2);
}

static void test_an_activated_copy_counts_until_its_file_is_changed(void **state)
{
    struct scene *scene = *state;
    read_files(scene, RULE_KEPT_FRESH);
    activate_fees(scene, "activated");
    assert_int_equal(read_files(scene, RULE_KEPT_SAME), 2);
    expect_content(scene, scene->options->fees, "activated");
    assert_non_null(strstr(scene->options->fees, "/versions/000002/"));
    /* Another file's change does not bring the old fees back. */
    put(scene, "routes.yaml", "other routes");
    assert_int_equal(read_files(scene, RULE_KEPT_FRESH), 3);
    expect_content(scene, scene->options->fees, "activated");
    expect_content(scene, scene->options->routes, "other routes");
    put(scene, "fees.yaml", "changed later");
    assert_int_equal(read_files(scene, RULE_KEPT_FRESH), 4);
    expect_content(scene, scene->options->fees, "changed later");
}

static void test_an_activation_leaves_the_pending_change_of_another_file(void **state)
{
    struct scene *scene = *state;
    read_files(scene, RULE_KEPT_FRESH);
    put(scene, "routes.yaml", "edited, not yet read");
    activate_fees(scene, "activated");
    assert_int_equal(read_files(scene, RULE_KEPT_FRESH), 3);
    expect_content(scene, scene->options->routes, "edited, not yet read");
    expect_content(scene, scene->options->fees, "activated");
}

static void test_an_absent_file_makes_no_version(void **state)
{
    struct scene *scene = *state;
    char path[128];
    read_files(scene, RULE_KEPT_FRESH);
    snprintf(path, sizeof(path), "%s/fees.yaml", scene->place);
    assert_int_equal(unlink(path), 0);
    choose(scene, RULE_CHOICE_FILES);
    assert_false(begin(scene));
    assert_non_null(strstr(scene->faults, "fees.yaml: cannot be read"));
    put(scene, "fees.yaml", "fees");
    assert_int_equal(read_files(scene, RULE_KEPT_SAME), 1);
}

static void test_a_table_that_comes_while_it_is_read_is_told(void **state)
{
    struct scene *scene = *state;
    char path[128];
    snprintf(path, sizeof(path), "%s/bins.csv", scene->place);
    assert_int_equal(unlink(path), 0);
    choose(scene, RULE_CHOICE_FILES);
    assert_true(begin(scene)); /* who reads the tables tells of it */
    put(scene, "bins.csv", "bins");
    assert_false(rule_choice_is_still(&scene->choice, &scene->writer));
    assert_non_null(strstr(scene->faults, "bins.csv: it was changed while it was read"));
}

/* The file is made what is in force, and then again what it was: that is a change. */
static void test_a_change_back_counts_too(void **state)
{
    struct scene *scene = *state;
    read_files(scene, RULE_KEPT_FRESH);
    activate_fees(scene, "activated");
    put(scene, "fees.yaml", "activated");
    assert_int_equal(read_files(scene, RULE_KEPT_SAME), 2);
    put(scene, "fees.yaml", "fees");
    assert_int_equal(read_files(scene, RULE_KEPT_FRESH), 3);
    expect_content(scene, scene->options->fees, "fees");
}

static void test_where_two_must_agree_a_changed_file_is_told_and_left_out(void **state)
{
    struct scene *scene = *state;
    read_files(scene, RULE_KEPT_FRESH);
    put(scene, "fees.yaml", "secretly");
    choose(scene, RULE_CHOICE_FILES)->is_by_two = true;
    assert_true(begin(scene));
    assert_true(scene->choice.is_ignored[RULE_FILE_FEES]);
    assert_false(scene->choice.is_ignored[RULE_FILE_ROUTES]);
    expect_content(scene, scene->options->fees, "fees");
    assert_int_equal(rule_choice_keep(&scene->choice, false, scene->reason), RULE_KEPT_SAME);
    /* Once files count again, that change counts. */
    assert_int_equal(read_files(scene, RULE_KEPT_FRESH), 2);
    expect_content(scene, scene->options->fees, "secretly");
}

static void test_a_file_that_changes_while_it_is_read_is_told(void **state)
{
    struct scene *scene = *state;
    choose(scene, RULE_CHOICE_FILES);
    assert_true(begin(scene));
    put(scene, "bins.csv", "longer than before");
    assert_false(rule_choice_is_still(&scene->choice, &scene->writer));
    assert_non_null(strstr(scene->faults, "bins.csv: it was changed while it was read"));
}

static void test_a_spoilt_copy_is_a_fault_where_it_counts(void **state)
{
    struct scene *scene = *state;
    read_files(scene, RULE_KEPT_FRESH);
    activate_fees(scene, "activated");
    put(scene, "versions/000002/fees.yaml", "spoilt");
    choose(scene, RULE_CHOICE_FILES);
    assert_false(begin(scene));
    assert_non_null(strstr(scene->faults, "000002/fees.yaml"));
    put(scene, "fees.yaml", "mended"); /* as the fault says, which then counts */
    assert_int_equal(read_files(scene, RULE_KEPT_FRESH), 3);
}

static void test_what_does_not_take_effect_is_taken_back(void **state)
{
    struct scene *scene = *state;
    read_files(scene, RULE_KEPT_FRESH);
    put(scene, "fees.yaml", "dearer");
    read_files(scene, RULE_KEPT_FRESH);
    assert_true(rule_choice_undo(&scene->choice, RULE_KEPT_FRESH, scene->reason));
    assert_int_equal(version_folder_in_force(scene->folder)->number, 1);
    activate_fees(scene, "activated");
    uint32_t number = scene->choice.version.number;
    assert_true(rule_choice_undo(&scene->choice, RULE_KEPT_MOVED, scene->reason));
    assert_int_equal(version_folder_in_force(scene->folder)->number, 1);
    assert_int_equal(version_folder_find(scene->folder, number)->turn, 0);
}

static void test_limits_are_proposed_as_other_rules_are(void **state)
{
    struct scene *scene = *state;
    scene->names_limits = true;
    put(scene, "limits.yaml", "limits");
    read_files(scene, RULE_KEPT_FRESH);
    expect_content(scene, scene->options->limits, "limits");
    activate(scene, RULE_FILE_LIMITS, "tighter");
    assert_int_equal(read_files(scene, RULE_KEPT_SAME), 2);
    expect_content(scene, scene->options->limits, "tighter");
    put(scene, "limits.yaml", "changed later");
    assert_int_equal(read_files(scene, RULE_KEPT_FRESH), 3);
    expect_content(scene, scene->options->limits, "changed later");
}

static void test_limits_may_be_proposed_where_no_file_is_named(void **state)
{
    struct scene *scene = *state;
    read_files(scene, RULE_KEPT_FRESH);
    assert_string_equal(scene->options->limits, "");
    activate(scene, RULE_FILE_LIMITS, "the first");
    expect_content(scene, scene->options->limits, "the first");
    assert_int_equal(read_files(scene, RULE_KEPT_SAME), 2);
    expect_content(scene, scene->options->limits, "the first");
}

static void test_where_two_must_agree_a_file_that_is_named_anew_is_left_out(void **state)
{
    struct scene *scene = *state;
    read_files(scene, RULE_KEPT_FRESH);
    put(scene, "limits.yaml", "by one alone");
    scene->names_limits = scene->is_by_two = true;
    assert_int_equal(read_files(scene, RULE_KEPT_SAME), 1);
    assert_true(scene->choice.is_ignored[RULE_FILE_LIMITS]);
    assert_string_equal(scene->options->limits, "");
    activate_fees(scene, "activated"); /* does not bring it in force either */
    assert_string_equal(scene->options->limits, "");
    assert_int_equal(read_files(scene, RULE_KEPT_SAME), 2);
    assert_string_equal(scene->options->limits, "");
    scene->is_by_two = false; /* once files count again, it does */
    assert_int_equal(read_files(scene, RULE_KEPT_FRESH), 3);
    expect_content(scene, scene->options->limits, "by one alone");
}

/* As a roll-back to a version of before there were any. */
static void test_to_have_no_limits_may_be_proposed_too(void **state)
{
    struct scene *scene = *state;
    scene->names_limits = true;
    put(scene, "limits.yaml", "limits");
    read_files(scene, RULE_KEPT_FRESH);
    struct rule_choice *choice = choose(scene, RULE_CHOICE_PROPOSAL);
    choice->proposed[RULE_FILE_LIMITS].is_none = true;
    assert_true(begin(scene));
    assert_string_equal(scene->options->limits, "");
    assert_int_equal(rule_choice_keep(choice, true, scene->reason), RULE_KEPT_FRESH);
    choose(scene, RULE_CHOICE_VERSION)->number = 2;
    assert_true(begin(scene));
    assert_string_equal(scene->options->limits, "");
    assert_int_equal(rule_choice_keep(&scene->choice, false, scene->reason), RULE_KEPT_MOVED);
    assert_int_equal(read_files(scene, RULE_KEPT_SAME), 2); /* until the file is changed */
    assert_string_equal(scene->options->limits, "");
    put(scene, "limits.yaml", "changed later");
    assert_int_equal(read_files(scene, RULE_KEPT_FRESH), 3);
    expect_content(scene, scene->options->limits, "changed later");
}

/* Its version.json has no word of limits: those that are named were in force, and stay so. */
static void
test_a_version_of_a_build_without_such_a_file_leaves_the_named_one_in_force(void **state)
{
    struct scene *scene = *state;
    put(scene, "limits.yaml", "limits");
    scene->names_limits = scene->is_by_two = true;
    read_files(scene, RULE_KEPT_FRESH);
    struct rule_version older = *version_folder_in_force(scene->folder);
    older.files[RULE_FILE_LIMITS] = (struct rule_copy){.is_untold = true};
    assert_int_equal(version_folder_rewrite(scene->folder, &older, scene->reason), STATUS_OK);
    struct rule_version *versions;
    uint32_t count;
    assert_int_equal(version_folder_read(scene->place, &versions, &count, scene->reason),
                     STATUS_OK);
    assert_true(versions[0].files[RULE_FILE_LIMITS].is_untold);
    assert_false(versions[0].files[RULE_FILE_FEES].is_untold);
    free(versions);
    assert_int_equal(read_files(scene, RULE_KEPT_FRESH), 2);
    assert_false(scene->choice.is_ignored[RULE_FILE_LIMITS]);
    expect_content(scene, scene->options->limits, "limits");
    assert_int_equal(read_files(scene, RULE_KEPT_SAME), 2);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set, scene_strike)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(test_the_same_files_are_the_same_version),
        SCENE(test_keys_are_not_even_hashed),
        SCENE(test_what_the_command_line_sets_is_a_part_of_the_version),
        SCENE(test_an_activated_copy_counts_until_its_file_is_changed),
        SCENE(test_an_activation_leaves_the_pending_change_of_another_file),
        SCENE(test_an_absent_file_makes_no_version),
        SCENE(test_a_table_that_comes_while_it_is_read_is_told),
        SCENE(test_a_change_back_counts_too),
        SCENE(test_where_two_must_agree_a_changed_file_is_told_and_left_out),
        SCENE(test_limits_are_proposed_as_other_rules_are),
        SCENE(test_limits_may_be_proposed_where_no_file_is_named),
        SCENE(test_to_have_no_limits_may_be_proposed_too),
        SCENE(test_where_two_must_agree_a_file_that_is_named_anew_is_left_out),
        SCENE(test_a_version_of_a_build_without_such_a_file_leaves_the_named_one_in_force),
        SCENE(test_a_file_that_changes_while_it_is_read_is_told),
        SCENE(test_a_spoilt_copy_is_a_fault_where_it_counts),
        SCENE(test_what_does_not_take_effect_is_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
