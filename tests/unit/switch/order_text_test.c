/* Texts for cashiers: from UTF-8 to what terminals show, and back. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "switch/order_text.h"

static void test_chinese_becomes_gbk_and_comes_back(void **state)
{
    (void)state;
    struct order order = {.kind = ORDER_TELL};
    char reason[ORDER_TEXT_REASON_SIZE];
    char text[ORDER_TEXT_SIZE];
    assert_true(order_text_put(&order, "请重新签到", "sign on again", reason));
    assert_int_equal(order.local_length, 10);
    assert_memory_equal(order.local, "\xC7\xEB\xD6\xD8\xD0\xC2\xC7\xA9\xB5\xBD", 10);
    assert_int_equal(order.plain_length, 13);
    assert_memory_equal(order.plain, "sign on again", 13);
    order_text_get(&order, text);
    assert_string_equal(text, "请重新签到");
}

static void test_thirty_characters_fit_and_one_more_does_not(void **state)
{
    (void)state;
    struct order order = {.kind = ORDER_TELL};
    char reason[ORDER_TEXT_REASON_SIZE];
    char text[31 * 3 + 1] = "";
    for (int i = 0; i < 31; i++) {
        memcpy(text + (size_t)i * 3, "签", 4);
    }
    assert_false(order_text_put(&order, text, NULL, reason));
    assert_non_null(strstr(reason, "at most 30"));
    text[sizeof(text) - 4] = '\0';
    assert_true(order_text_put(&order, text, NULL, reason));
    assert_int_equal(order.local_length, ORDER_TEXT_BYTES_MAX);
    char back[ORDER_TEXT_SIZE];
    order_text_get(&order, back);
    assert_string_equal(back, text);
}

static void test_what_cannot_be_shown_is_refused(void **state)
{
    (void)state;
    struct order order = {.kind = ORDER_TELL};
    char reason[ORDER_TEXT_REASON_SIZE];
    assert_false(order_text_put(&order, "\xF0\x9F\x98\x80", NULL, reason)); /* not in GBK */
    assert_false(order_text_put(&order, "\xE7\xAD", NULL, reason));         /* half a character */
    assert_false(order_text_put(&order, NULL, "caf\xC3\xA9", reason));
    assert_non_null(strstr(reason, "English"));
    assert_false(order_text_put(&order, NULL, "a\nb", reason));
    assert_false(order_text_put(
        &order, NULL, "0123456789012345678901234567890123456789012345678901234567890", reason));
    assert_false(order_text_put(&order, NULL, "", reason));
    assert_non_null(strstr(reason, "expected a text"));
    assert_true(order_text_put(&order, NULL, "ok", reason));
    char back[ORDER_TEXT_SIZE];
    order_text_get(&order, back);
    assert_string_equal(back, "");
    order.local[0] = 0xC7; /* half a character of GBK */
    order.local_length = 1;
    order_text_get(&order, back);
    assert_string_equal(back, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chinese_becomes_gbk_and_comes_back),
        cmocka_unit_test(test_thirty_characters_fit_and_one_more_does_not),
        cmocka_unit_test(test_what_cannot_be_shown_is_refused),
    };
    return cmocka_run_group_tests_name("switch/order_text", tests, NULL, NULL);
}
