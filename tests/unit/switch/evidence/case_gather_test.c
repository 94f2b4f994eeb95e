/* What goes into a bundle, what is left out and said so, and what is not exported at all. */
#define _GNU_SOURCE /* memmem */
#include "switch/desk/retire.h"
#include "tests/unit/switch/evidence/bundle_scene.h"

static enum status gather(struct bundle_scene *scene, uint64_t case_id)
{
    struct bundle_writer *writer = bundle_writer_create();
    enum status status = case_gather(scene->desk_scene->desk, case_id, &scene->desk_scene->ann,
                                     writer, scene->gathered, scene->reason);
    bundle_writer_destroy(writer);
    return status;
}

static void test_an_export_is_a_reading(void **state)
{
    struct bundle_scene *scene = *state;
    assert_int_equal(gather(scene, scene->case_id), STATUS_OK);
    assert_int_equal(
        scene_number(scene->desk_scene, "SELECT count(*) FROM reading WHERE actor = 'ann'"), 1);
    assert_int_equal(scene->gathered->position_count, 3); /* 1 and 2 of the flag, 17 */
    assert_int_equal(scene->gathered->positions[0], 1);
    assert_int_equal(scene->gathered->positions[2], 17);
    assert_int_equal(gather(scene, 99), STATUS_NOT_FOUND);
    assert_string_equal(scene->reason, "no case has the number 99");
    assert_int_equal(scene_number(scene->desk_scene, "SELECT count(*) FROM reading"), 1);
}

static void test_a_case_that_was_erased_says_so(void **state)
{
    struct bundle_scene *scene = *state;
    struct retire_rules rules;
    struct retire_counts counts;
    bool has_more = false;
    const struct desk_actor night = {"night", SCENE_NOW + 1200 * SCENE_DAY_US};
    uint64_t closed = scene_case(scene->desk_scene, CASE_FAULT, "10000002");
    scene_close(scene->desk_scene, closed, CASE_OUTCOME_BENIGN);
    retire_rules_default(&rules);
    assert_int_equal(desk_retire(scene->desk_scene->desk, &rules, &night, &counts, &has_more),
                     STATUS_OK);
    assert_int_equal(counts.cases, 1);
    assert_int_equal(gather(scene, closed), STATUS_NOT_FOUND);
    assert_non_null(strstr(scene->reason, "was erased on 2029-06-15 by night"));
    assert_non_null(strstr(scene->reason, "last hash"));
    assert_int_equal(gather(scene, scene->case_id), STATUS_OK); /* which is open */
}

static void test_a_broken_chain_is_not_exported(void **state)
{
    struct bundle_scene *scene = *state;
    assert_string_equal(scene_sql(scene->desk_scene,
                                  "DROP TRIGGER entry_no_update;"
                                  "UPDATE case_entry SET actor = 'eve' WHERE number = 2"),
                        "");
    assert_int_equal(gather(scene, scene->case_id), STATUS_MALFORMED);
    assert_non_null(strstr(scene->reason, "one was changed, put in or taken out"));
    assert_int_equal(scene_number(scene->desk_scene, "SELECT count(*) FROM reading"), 0);
}

static void test_rows_that_the_log_does_not_hold_are_counted(void **state)
{
    struct bundle_scene *scene = *state;
    assert_int_equal(case_book_link_txn(scene->desk_scene->desk, scene->case_id, 5000), STATUS_OK);
    scene_make(scene);
    assert_int_equal(scene->rows->purged_count, 1);
    assert_int_equal(scene->rows->row_count, 6);
    assert_int_equal(scene->rows->txn_count, 1);
    assert_string_equal(scene->rows->rrns[0], "100010000001");
    assert_int_equal(scene->rows->positions[0], 1);
    assert_true(scene_check(scene).is_good);
    assert_non_null(memmem(scene->bytes, scene->length, "\"purged_rows\": 1", 16));
}

static void test_what_has_no_room_is_counted(void **state)
{
    struct bundle_scene *scene = *state;
    assert_string_equal(
        scene_sql(scene->desk_scene,
                  "WITH RECURSIVE n(i) AS (SELECT 101 UNION ALL SELECT i + 1 FROM n WHERE"
                  " i < 5000) INSERT INTO case_txn SELECT 1, i FROM n"),
        "");
    assert_int_equal(gather(scene, scene->case_id), STATUS_OK);
    assert_int_equal(scene->gathered->position_count, CASE_GATHER_POSITION_COUNT_MAX);
    assert_true(scene->gathered->left_out_count > 0);
    assert_string_equal(
        scene_sql(scene->desk_scene,
                  "DELETE FROM case_txn WHERE position > 100;"
                  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100)"
                  " INSERT INTO flag SELECT i + 100, signal, subject, subject_id, i + 5000, cohort,"
                  " rules_version, terminal_id, merchant_id, serial, severity, is_watched_only,"
                  " is_fleet_linked, window_begin_us, window_end_us, value, threshold, score,"
                  " outcome, judged_us, judged_by, case_id FROM n, flag WHERE id = 1"),
        "");
    assert_int_equal(gather(scene, scene->case_id), STATUS_OK);
    assert_int_equal(scene->gathered->left_out_count, 1);
    assert_in_range(scene->gathered->position_count, 1024, 1030);
}

/* The same case gives the same members; who exports, when, and the signature differ. */
static void test_members_follow_from_the_case_alone(void **state)
{
    struct bundle_scene *scene = *state;
    scene_make(scene);
    char *first = malloc(scene->length);
    size_t length = scene->length;
    memcpy(first, scene->bytes, length);
    scene_make(scene);
    assert_int_equal(scene->length, length);
    assert_memory_equal(scene->bytes, first, length);
    free(first);
}

static void test_a_log_that_was_changed_is_not_exported(void **state)
{
    struct bundle_scene *scene = *state;
    char path[128];
    sqlite3 *database = NULL;
    struct bundle_writer *writer = bundle_writer_create();
    snprintf(path, sizeof(path), "%s/segment-000001.db", scene->story->folder);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database,
                                  "DROP TRIGGER log_no_update;"
                                  "UPDATE log SET amount_minor = 1 WHERE position = 2",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(database);
    assert_int_equal(case_gather(scene->desk_scene->desk, scene->case_id, &scene->desk_scene->ann,
                                 writer, scene->gathered, scene->reason),
                     STATUS_OK);
    assert_int_equal(
        row_gather(scene->story->folder, scene->gathered, writer, scene->rows, scene->reason),
        STATUS_MALFORMED);
    assert_non_null(strstr(scene->reason, "position 2: its hash does not fit"));
    bundle_writer_destroy(writer);
}

static void test_keys_that_cannot_sign_are_refused(void **state)
{
    struct bundle_scene *scene = *state;
    struct bundle_key key;
    assert_int_equal(bundle_key_load_private(&key, "/nonexistent", scene->reason),
                     STATUS_NOT_FOUND);
    assert_non_null(strstr(scene->reason, "openssl genpkey -algorithm ed25519"));
    assert_int_equal(bundle_key_load_private(&key, scene->public_path, scene->reason),
                     STATUS_DENIED);
    assert_int_equal(chmod(scene->public_path, 0600), 0);
    assert_int_equal(bundle_key_load_private(&key, scene->public_path, scene->reason),
                     STATUS_MALFORMED);
    assert_int_equal(bundle_key_load_public(&key, scene->key_path, scene->reason),
                     STATUS_MALFORMED);
    assert_int_equal(chmod(scene->key_path, 0644), 0);
    assert_int_equal(bundle_key_load_private(&key, scene->key_path, scene->reason), STATUS_DENIED);
    assert_non_null(strstr(scene->reason, "chmod 600"));
    assert_null(key.key);
}

static void test_a_member_takes_so_much_and_no_more(void **state)
{
    (void)state;
    struct bundle_writer *writer = bundle_writer_create();
    char *much = calloc(1, bundle_member_size_max(BUNDLE_KEYS) + 1);
    assert_int_equal(
        bundle_writer_add(writer, BUNDLE_KEYS, much, bundle_member_size_max(BUNDLE_KEYS) + 1),
        STATUS_NO_ROOM);
    assert_int_equal(bundle_writer_full(writer), BUNDLE_KEYS);
    assert_int_equal(bundle_writer_add(writer, BUNDLE_KEYS, NULL, 0), STATUS_NO_MEMORY);
    bundle_writer_destroy(writer);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bundle_scene_set, bundle_scene_strike)
    const struct CMUnitTest tests[] = {
        TEST(test_an_export_is_a_reading),
        TEST(test_a_case_that_was_erased_says_so),
        TEST(test_a_broken_chain_is_not_exported),
        TEST(test_rows_that_the_log_does_not_hold_are_counted),
        TEST(test_what_has_no_room_is_counted),
        TEST(test_members_follow_from_the_case_alone),
        TEST(test_a_log_that_was_changed_is_not_exported),
        TEST(test_keys_that_cannot_sign_are_refused),
        cmocka_unit_test(test_a_member_takes_so_much_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
