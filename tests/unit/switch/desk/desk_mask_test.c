/* Files in which people's card numbers stand as they were written. */
#include "switch/desk/desk_mask.h"

#include "switch/desk/case_row.h"
#include "switch/desk/desk_schema.h"
#include "switch/desk/desk_state.h"
#include "switch/desk/inspection_book.h"
#include "switch/desk/inspection_row.h"
#include "tests/unit/switch/desk/desk_scene.h"

#define CARD "4242424242424242"
#define MASKED "424242******4242"

/* `around`: columns before and behind those of the row. */
static void insert(sqlite3 *database, const struct cell_table *table, const void *row,
                   const char *const around[2])
{
    struct cell_sql sql = {0};
    sqlite3_stmt *statement = NULL;
    cell_sql_add(&sql, "INSERT INTO ");
    cell_sql_add(&sql, table->name);
    cell_sql_add(&sql, " VALUES (");
    cell_sql_add(&sql, around[0]);
    cell_sql_places(&sql, table);
    cell_sql_add(&sql, around[1]);
    cell_sql_add(&sql, ")");
    assert_int_equal(sqlite3_prepare_v2(database, sql.text, -1, &statement, NULL), SQLITE_OK);
    assert_int_not_equal(cell_bind(statement, 1, table, row, CELL_PLAIN), 0);
    assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_finalize(statement);
}

static void insert_rows(sqlite3 *database)
{
    const struct inspection_entry inspection = {
        .inspection = {.merchant_id = "M1",
                       .day = 20500,
                       .serial = CARD,
                       .inspector = "Li",
                       .remark = "card " CARD " lay there"}};
    const struct case_entry entry = {.event = {.actor = "ann", .reason = "card " CARD}};
    insert(database, &INSPECTION_ROW, &inspection, (const char *const[]){"", ""});
    insert(database, &CASE_ROW_ENTRY, &entry, (const char *const[]){"1, 1, ", ", x'00'"});
    assert_int_equal(
        sqlite3_exec(
            database,
            "INSERT INTO agent VALUES ('A1', '', 'Zhou', '卡号 " CARD "', '', 0, '" CARD "', 'no',"
            " 'no', '2026-01-31', ''), ('A2', '', 'Wu', '13800138000', '', 0, '', 'no', 'no', '', "
            "'');"
            "INSERT INTO registry_binding VALUES ('10000001', '" CARD "', '2026-01-31', '', '',"
            " 'M1', '', '', 'at " CARD "', 'no', 0, 0, 0, 310115, 0, '" CARD "');"
            "INSERT INTO history (wall_us, actor, row_kind, row_key, column_name, before, after)"
            " VALUES (1, 'ann', 'agent', 'A1', 'contact', '" CARD "', 'x " CARD "'),"
            " (1, 'ann', 'agent', 'A1', 'association_number', '', '" CARD "');"
            "INSERT INTO legal_hold (case_id, begun_us, begun_by, reason, ended_us, ended_by)"
            " VALUES (1, 1, 'ann', 'about " CARD "', 0, '')",
            NULL, NULL, NULL),
        SQLITE_OK);
}

/* As version `version` made it. */
static void make_file(const char *path, int64_t version)
{
    char marks[96];
    sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    for (uint32_t i = 0; i < desk_schema_count() && desk_schema_version(i) <= version; i++) {
        struct cell_sql sql = {0};
        desk_schema_sql(i, &sql);
        assert_int_equal(sqlite3_exec(database, sql.text, NULL, NULL, NULL), SQLITE_OK);
    }
    snprintf(marks, sizeof(marks), "PRAGMA application_id = %d; PRAGMA user_version = %d",
             DESK_APPLICATION_ID, (int)version);
    assert_int_equal(sqlite3_exec(database, marks, NULL, NULL, NULL), SQLITE_OK);
    insert_rows(database);
    sqlite3_close(database);
}

static void make_anew(struct scene *scene, int64_t version)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    desk_close(scene->desk);
    scene->desk = NULL;
    for (uint32_t i = 0; i < COUNT_OF(endings); i++) {
        char name[128];
        snprintf(name, sizeof(name), "%s%s", scene->path, endings[i]);
        unlink(name);
    }
    make_file(scene->path, version);
    assert_int_equal(desk_open(&scene->desk, scene->path, scene->reason), STATUS_OK);
}

static void expect(struct scene *scene, const char *rows)
{
    char sql[300];
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", rows);
    if (scene_number(scene, sql) != 1) {
        fail_msg("not there: %s", rows);
    }
}

static void expect_masked(struct scene *scene)
{
    expect(scene, "agent WHERE agent_id = 'A1' AND contact = '卡号 " MASKED "'");
    expect(scene, "agent WHERE agent_id = 'A2' AND contact = '13800138000'");
    expect(scene, "registry_binding WHERE address = 'at " MASKED "'");
    expect(scene, "history WHERE before = '" MASKED "' AND after = 'x " MASKED "'");
    expect(scene, "inspection_entry WHERE remark = 'card " MASKED " lay there'");
    expect(scene, "legal_hold WHERE reason = 'about " MASKED "'");
}

static void test_free_texts_of_an_older_file_are_masked(void **state)
{
    struct scene *scene = *state;
    make_anew(scene, 2);
    assert_int_equal(scene_number(scene, "PRAGMA user_version"), DESK_SCHEMA_VERSION);
    expect_masked(scene);
    make_anew(scene, 1);
    expect_masked(scene);
}

/* One in ten serial numbers would pass for a card; events of cases are hashed. */
static void test_what_names_something_or_is_hashed_stays(void **state)
{
    struct scene *scene = *state;
    make_anew(scene, 2);
    expect(scene, "agent WHERE association_number = '" CARD "'");
    expect(scene, "registry_binding WHERE serial = '" CARD "' AND work_order = '" CARD "'");
    expect(scene, "history WHERE column_name = 'association_number' AND after = '" CARD "'");
    expect(scene, "inspection_entry WHERE serial = '" CARD "'");
    expect(scene, "case_entry WHERE reason = 'card " CARD "'");
}

/* By the connection that has masked, too. */
static void test_history_and_bindings_are_guarded_again(void **state)
{
    struct scene *scene = *state;
    make_anew(scene, 2);
    assert_int_equal(desk_write(scene->desk, "UPDATE history SET after = 'x'", NULL, 0),
                     STATUS_BROKEN);
    assert_non_null(strstr(desk_reason(scene->desk), "only added to"));
    assert_int_equal(desk_write(scene->desk, "UPDATE registry_binding SET address = ''", NULL, 0),
                     STATUS_BROKEN);
    expect_masked(scene);
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set, scene_strike)
    const struct CMUnitTest tests[] = {
        SCENE(test_free_texts_of_an_older_file_are_masked),
        SCENE(test_what_names_something_or_is_hashed_stays),
        SCENE(test_history_and_bindings_are_guarded_again),
    };
    return cmocka_run_group_tests_name("switch/desk/desk_mask", tests, NULL, NULL);
}
