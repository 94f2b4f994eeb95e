/* The desk of the admin port: absent, late, shared. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "switch/admin/desk_share.h"
#include "tests/unit/unit_test.h"

static void test_without_a_folder_it_says_what_to_set(void **state)
{
    (void)state;
    char reason[DESK_SHARE_REASON_SIZE] = "";
    struct desk_share *share = desk_share_create("");
    assert_non_null(share);
    assert_null(desk_share_take(share, reason));
    assert_non_null(strstr(reason, "aftersales.folder"));
    desk_share_destroy(share);
}

static void test_a_folder_that_comes_late_is_found(void **state)
{
    (void)state;
    char folder[] = "/tmp/tillway-desk-share-XXXXXX", path[80];
    char reason[DESK_SHARE_REASON_SIZE] = "";
    assert_non_null(mkdtemp(folder));
    assert_int_equal(rmdir(folder), 0);
    struct desk_share *share = desk_share_create(folder);
    assert_non_null(share);
    assert_null(desk_share_take(share, reason));
    assert_non_null(strstr(reason, folder));
    assert_int_equal(mkdir(folder, 0700), 0);
    struct case_rules rules;
    case_rules_default(&rules);
    rules.reopen_days = 3;
    desk_share_set_rules(share, &rules);
    struct desk *desk = desk_share_take(share, reason);
    assert_non_null(desk);
    assert_int_equal(desk_case_rules(desk)->reopen_days, 3);
    desk_share_give(share);
    struct desk *own = desk_share_open(share, reason);
    assert_non_null(own);
    assert_int_equal(desk_case_rules(own)->reopen_days, 3);
    desk_close(own);
    rules.reopen_days = 5; /* while it serves */
    desk_share_set_rules(share, &rules);
    assert_ptr_equal(desk_share_take(share, reason), desk);
    assert_int_equal(desk_case_rules(desk)->reopen_days, 5);
    desk_share_give(share);
    own = desk_share_open(share, reason);
    assert_non_null(own);
    assert_int_equal(desk_case_rules(own)->reopen_days, 5);
    desk_close(own);
    desk_share_destroy(share);
    static const char *const ENDS[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < COUNT_OF(ENDS); i++) {
        snprintf(path, sizeof(path), "%s/aftersales.db%s", folder, ENDS[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_folder_it_says_what_to_set),
        cmocka_unit_test(test_a_folder_that_comes_late_is_found),
    };
    return cmocka_run_group_tests_name("switch/admin/desk_share", tests, NULL, NULL);
}
