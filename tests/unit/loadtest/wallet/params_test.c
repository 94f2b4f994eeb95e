/* Forms and XML of the wallets: what is read, what is refused, what is signed. */
#include "tests/unit/unit_test.h"

#include <stdlib.h>
#include <string.h>

#include "loadtest/wallet/gateway.h"
#include "loadtest/wallet/params.h"

static void test_a_form_is_decoded_and_sorted_without_empty_values(void **state)
{
    static const char *const omitted[] = {"sign", NULL};
    struct params params = {0};
    (void)state;
    assert_int_equal(params_read_form(&params, text_view("b=2%2B&a=x+y&sign=s&empty=&flag&")),
                     STATUS_OK);
    assert_int_equal(params_read_form(&params, text_view("b=2%2b")),
                     STATUS_OK); /* the same again */
    char *text = params_sorted(&params, omitted);
    assert_string_equal(text, "a=x y&b=2+");
    free(text);
    params_free(&params);
}

static void test_what_a_form_may_not_be(void **state)
{
    static const struct {
        const char *text;
        enum status expected;
    } rows[] = {{"a=%", STATUS_MALFORMED},   {"a=%4", STATUS_MALFORMED},
                {"a=%zz", STATUS_MALFORMED}, {"a=1&a=2", STATUS_DUPLICATE},
                {"=1", STATUS_BAD_VALUE},    {"a=%00", STATUS_BAD_VALUE}};
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        struct params params = {0};
        assert_int_equal(params_read_form(&params, text_view(rows[i].text)), rows[i].expected);
        params_free(&params);
    }
}

static void test_xml_is_flat_and_without_a_doctype(void **state)
{
    static const char *const bad[] = {
        "",
        "<xml>",
        "no xml",
        "<xml><a><b>1</b></a></xml>",
        "<xml><a>1</a><a>2</a></xml>",
        "<!DOCTYPE x [<!ENTITY e \"v\">]><xml><a>&e;</a></xml>",
        "<xml><a>1</a></xml><xml></xml>",
    };
    struct params params = {0};
    (void)state;
    const char *good = "<xml><a><![CDATA[1]]><![CDATA[2]]></a>\n<b>&lt;</b><c/></xml>";
    assert_int_equal(params_read_xml(&params, text_view(good)), STATUS_OK);
    assert_string_equal(params_find(&params, "a"), "12");
    assert_string_equal(params_find(&params, "b"), "<");
    assert_string_equal(params_find(&params, "c"), "");
    assert_string_equal(params_find(&params, "absent"), "");
    params_free(&params);
    for (unsigned i = 0; i < COUNT_OF(bad); i++) {
        struct params none = {0};
        assert_int_equal(params_read_xml(&none, text_view(bad[i])), STATUS_MALFORMED);
        params_free(&none);
    }
}

static void test_what_is_written_is_read_again(void **state)
{
    struct params params = {0}, again = {0}, third = {0};
    const char *value = "a&b <c> ]]> \xE4\xB8\x80 100%";
    (void)state;
    assert_int_equal(params_add(&params, text_view("v"), text_view(value)), STATUS_OK);
    char *xml = params_write_xml(&params), *form = params_write_form(&params);
    assert_int_equal(params_read_xml(&again, text_view(xml)), STATUS_OK);
    assert_int_equal(params_read_form(&third, text_view(form)), STATUS_OK);
    assert_string_equal(params_find(&again, "v"), value);
    assert_string_equal(params_find(&third, "v"), value);
    free(xml);
    free(form);
    params_free(&params);
    params_free(&again);
    params_free(&third);
}

static void test_yuan_become_fen_and_days_their_first_moment(void **state)
{
    static const struct {
        const char *text;
        int64_t fen;
    } rows[] = {{"8.88", 888}, {"0.01", 1}, {"8", 800}, {"8.8", 880}, {"100000000", 10000000000}};
    static const char *const bad[] = {"",      "0",  "0.00", "8.",           ".8",
                                      "8.888", "-1", "1e3",  "100000000.01", "8,8"};
    int64_t fen = 0, begin_us = 0;
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(yuan_read(rows[i].text, &fen), STATUS_OK);
        assert_int_equal(fen, rows[i].fen);
    }
    for (unsigned i = 0; i < COUNT_OF(bad); i++) {
        assert_int_not_equal(yuan_read(bad[i], &fen), STATUS_OK);
    }
    assert_int_equal(day_read("2026-01-15", &begin_us), STATUS_OK);
    assert_int_equal(begin_us, INT64_C(1768406400000000)); /* 2026-01-14T16:00:00Z */
    assert_int_equal(day_read("20240229", &begin_us), STATUS_OK);
    assert_int_equal(day_read("20260229", &begin_us), STATUS_MALFORMED);
    assert_int_equal(day_read("2026/01/15", &begin_us), STATUS_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_form_is_decoded_and_sorted_without_empty_values),
        cmocka_unit_test(test_what_a_form_may_not_be),
        cmocka_unit_test(test_xml_is_flat_and_without_a_doctype),
        cmocka_unit_test(test_what_is_written_is_read_again),
        cmocka_unit_test(test_yuan_become_fen_and_days_their_first_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
