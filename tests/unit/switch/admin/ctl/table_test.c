/* JSON as CSV: quoted where it would end, marked where a spreadsheet would carry it out. */
#include "switch/admin/ctl/table.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/unit_test.h"

static void test_texts_of_a_csv_are_quoted_and_marked_and_numbers_are_neither(void **state)
{
    (void)state;
    static const struct table_column COLUMNS[] = {
        {"name", "name"}, {"fee", "fee"}, {"text", "text"}, {NULL, NULL}};
    char *told = NULL;
    size_t length = 0;
    json_t *items = json_pack("[{s:s, s:i, s:s}, {s:s, s:i}]", "name", "=cmd|' /C calc'!A0", "fee",
                              -5, "text", "a, \"b\"", "name", "shop", "fee", 7);
    FILE *to = open_memstream(&told, &length);
    assert_non_null(to);
    table_write_csv(to, items, COLUMNS);
    assert_int_equal(fclose(to), 0);
    assert_string_equal(told, "name,fee,text\r\n"
                              "'=cmd|' /C calc'!A0,-5,\"a, \"\"b\"\"\"\r\n"
                              "shop,7,\r\n");
    free(told);
    json_decref(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_of_a_csv_are_quoted_and_marked_and_numbers_are_neither),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
