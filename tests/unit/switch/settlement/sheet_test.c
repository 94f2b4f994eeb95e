/* CSV files on their way to disk: quoting, names, all or nothing. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "switch/settlement/sheet.h"
#include "tests/log_folder_strike.h"
#include "tests/unit/unit_test.h"

static char parent[64], reason[SHEET_REASON_SIZE];

static int parent_set(void **state)
{
    (void)state;
    memcpy(parent, "/tmp/tillway-sheets-XXXXXX", sizeof("/tmp/tillway-sheets-XXXXXX"));
    return mkdtemp(parent) == NULL ? -1 : 0;
}

static void strike_day(const char *folder)
{
    char path[512];
    DIR *listing = opendir(folder);
    const struct dirent *entry;
    while (listing != NULL && (entry = readdir(listing)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
            unlink(path);
        }
    }
    if (listing != NULL) {
        closedir(listing);
    }
    rmdir(folder);
}

static int parent_strike(void **state)
{
    char day[80];
    (void)state;
    snprintf(day, sizeof(day), "%s/20260921", parent);
    strike_day(day);
    log_folder_strike(parent);
    return 0;
}

static void begin_set(struct sheet_set *set)
{
    assert_int_equal(sheet_set_open(set, parent, "20260921", reason), STATUS_OK);
}

static void write_sheet(struct sheet_set *set, const char *kind, const char *id, const char *text)
{
    struct sheet sheet;
    assert_int_equal(sheet_begin(set, &sheet, kind, id), STATUS_OK);
    sheet_put_text(&sheet, text);
    sheet_put_number(&sheet, -42);
    sheet_end_line(&sheet);
    assert_int_equal(sheet_end(&sheet), STATUS_OK);
}

static bool is_there(const char *name)
{
    char path[160];
    struct stat about;
    snprintf(path, sizeof(path), "%s/20260921/%s", parent, name);
    return stat(path, &about) == 0;
}

static void assert_holds(const char *name, const char *text)
{
    char path[160];
    char found[256] = "";
    snprintf(path, sizeof(path), "%s/20260921/%s", parent, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t length = fread(found, 1, sizeof(found) - 1, file);
    found[length] = '\0';
    fclose(file);
    assert_string_equal(found, text);
}

static void test_what_means_something_in_csv_is_quoted(void **state)
{
    (void)state;
    struct sheet_set set;
    begin_set(&set);
    write_sheet(&set, "summary", NULL, "a \"b\", c");
    assert_int_equal(sheet_set_commit(&set, "summary.csv"), STATUS_OK);
    assert_holds("summary.csv", "\"a \"\"b\"\", c\",-42\r\n");
}

static void test_an_id_cannot_lead_out_of_the_folder(void **state)
{
    (void)state;
    struct sheet_set set;
    begin_set(&set);
    write_sheet(&set, "merchant", "../../etc/x y", "1");
    write_sheet(&set, "summary", NULL, "1");
    assert_int_equal(sheet_set_commit(&set, "summary.csv"), STATUS_OK);
    assert_true(is_there("merchant-%2E%2E%2F%2E%2E%2Fetc%2Fx%20y.csv"));
}

static void test_nothing_has_its_name_before_all_are_there(void **state)
{
    (void)state;
    struct sheet_set set;
    begin_set(&set);
    write_sheet(&set, "channel", "bank_a", "1");
    assert_false(is_there("channel-bank_a.csv"));
    assert_true(is_there(".channel-bank_a.csv.tmp"));
    sheet_set_abandon(&set);
    assert_false(is_there(".channel-bank_a.csv.tmp"));
    assert_false(is_there("channel-bank_a.csv"));
}

static void test_a_second_run_removes_what_is_no_more(void **state)
{
    (void)state;
    struct sheet_set set;
    begin_set(&set);
    write_sheet(&set, "merchant", "1", "1");
    write_sheet(&set, "merchant", "2", "1");
    write_sheet(&set, "summary", NULL, "1");
    assert_int_equal(sheet_set_commit(&set, "summary.csv"), STATUS_OK);
    begin_set(&set);
    write_sheet(&set, "merchant", "2", "2");
    write_sheet(&set, "summary", NULL, "2");
    assert_int_equal(sheet_set_commit(&set, "summary.csv"), STATUS_OK);
    assert_false(is_there("merchant-1.csv"));
    assert_holds("merchant-2.csv", "2,-42\r\n");
    assert_holds("summary.csv", "2,-42\r\n");
}

static void test_a_folder_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct sheet_set set;
    assert_int_equal(sheet_set_open(&set, "/nonexistent", "20260921", reason), STATUS_BROKEN);
    assert_non_null(strstr(reason, "/nonexistent/20260921"));
}

static void test_many_sheets_are_kept_in_mind(void **state)
{
    (void)state;
    struct sheet_set set;
    begin_set(&set);
    for (int i = 0; i < 300; i++) {
        char id[16];
        snprintf(id, sizeof(id), "%d", i);
        write_sheet(&set, "merchant", id, id);
    }
    write_sheet(&set, "summary", NULL, "1");
    assert_int_equal(sheet_set_commit(&set, "summary.csv"), STATUS_OK);
    assert_holds("merchant-299.csv", "299,-42\r\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, parent_set, parent_strike)
    const struct CMUnitTest tests[] = {
        TEST(test_what_means_something_in_csv_is_quoted),
        TEST(test_an_id_cannot_lead_out_of_the_folder),
        TEST(test_nothing_has_its_name_before_all_are_there),
        TEST(test_a_second_run_removes_what_is_no_more),
        TEST(test_a_folder_that_is_not_there_is_named),
        TEST(test_many_sheets_are_kept_in_mind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
