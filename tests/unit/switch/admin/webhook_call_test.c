/* What operators see of webhooks, and what they may have sent again. */
#include "switch/admin/webhook_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/desk/webhook_book.h"
#include "tests/unit/switch/desk/case_scene.h"

static const char NAMES[][WEBHOOK_NAME_SIZE] = {"shop", "tickets"};

static struct answer ask(struct scene *scene, enum endpoint endpoint, const char *name)
{
    struct answer answer = {0};
    struct desk_share *share = desk_share_create(scene->folder);
    assert_non_null(share);
    const struct call call = {.endpoint = endpoint, .parameter = name, .desk = share};
    webhook_call_serve(&call, &answer);
    desk_share_destroy(share);
    return answer;
}

static void set_book(struct scene *scene)
{
    const struct webhook_failure failure = {SCENE_NOW, SCENE_NOW + 1000000, "HTTP \xFF 500"};
    assert_int_equal(webhook_book_enroll(scene->desk, NAMES, 2), STATUS_OK);
    for (uint64_t i = 1; i <= 3; i++) {
        struct flag flag = scene_flag(SIGNAL_TIMEOUTS, "10000001", i);
        uint64_t id;
        bool is_new;
        assert_int_equal(flag_book_add(scene->desk, &flag, &id, &is_new), STATUS_OK);
    }
    assert_int_equal(webhook_book_fail(scene->desk, "shop", &failure), STATUS_OK);
    assert_int_equal(webhook_book_bury(scene->desk, "shop", 1, &failure), STATUS_OK);
    assert_int_equal(webhook_book_advance(scene->desk, "tickets", 3, SCENE_NOW), STATUS_OK);
    assert_string_equal(
        scene_sql(scene, "UPDATE webhook_position SET given_up = 12 WHERE name = 'shop'"), "");
}

static const char *text_at(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static int64_t number_at(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static void test_each_webhook_is_listed_with_what_it_put_aside(void **state)
{
    struct scene *scene = *state;
    set_book(scene);
    struct answer answer = ask(scene, ENDPOINT_WEBHOOK_LIST, "");
    assert_int_equal(answer.code, 200);
    json_t *told = json_loads(answer.body, 0, NULL);
    const json_t *rows = json_object_get(told, "webhooks");
    assert_int_equal(json_array_size(rows), 2);
    const json_t *shop = json_array_get(rows, 0);
    assert_string_equal(text_at(shop, "name"), "shop");
    assert_string_equal(text_at(shop, "state"), "going");
    assert_int_equal(number_at(shop, "position"), 1);
    assert_int_equal(number_at(shop, "waiting"), 2);
    assert_int_equal(number_at(shop, "attempts"), 1);
    assert_string_equal(text_at(shop, "failing_since"), "2026-03-03T02:00:00.000000Z");
    assert_string_equal(text_at(shop, "next_try"), "2026-03-03T02:00:01.000000Z");
    assert_string_equal(text_at(shop, "fault"), "HTTP ? 500");
    assert_true(json_is_null(json_object_get(shop, "delivered")));
    assert_int_equal(number_at(shop, "letter_count"), 1);
    assert_int_equal(number_at(shop, "given_up"), 12);
    assert_non_null(strstr(text_at(shop, "note"), "12 events were given up"));
    const json_t *letter = json_array_get(json_object_get(shop, "letters"), 0);
    assert_int_equal(number_at(letter, "number"), 1);
    assert_string_equal(text_at(letter, "kind"), "flag");
    assert_string_equal(text_at(letter, "put_aside"), "2026-03-03T02:00:00.000000Z");
    assert_true(json_is_false(json_object_get(letter, "is_again")));
    const json_t *tickets = json_array_get(rows, 1);
    assert_int_equal(number_at(tickets, "waiting"), 0);
    assert_true(json_is_null(json_object_get(tickets, "note")));
    assert_string_equal(text_at(tickets, "delivered"), "2026-03-03T02:00:00.000000Z");
    assert_null(strstr(answer.body, "10000001")); /* nothing of what events say */
    json_decref(told);
    free(answer.body);
}

static void assert_refused(struct scene *scene, const char *name, unsigned code)
{
    struct answer answer = ask(scene, ENDPOINT_WEBHOOK_RETRY, name);
    assert_int_equal(answer.code, code);
    assert_non_null(strstr(answer.detail, name));
    free(answer.body);
}

static void test_letters_are_sent_again_when_asked(void **state)
{
    struct scene *scene = *state;
    set_book(scene);
    struct answer answer = ask(scene, ENDPOINT_WEBHOOK_RETRY, "shop");
    assert_int_equal(answer.code, 200);
    assert_non_null(strstr(answer.body, "1 events that were put aside"));
    free(answer.body);
    assert_int_equal(scene_number(scene, "SELECT is_again FROM webhook_dead"), 1);
    assert_int_equal(
        scene_number(scene, "SELECT next_try_us FROM webhook_position WHERE name = 'shop'"), 0);
    assert_refused(scene, "nobody", 404);
    assert_int_equal(webhook_book_enroll(scene->desk, NAMES, 1), STATUS_OK);
    assert_refused(scene, "tickets", 409);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_webhook_is_listed_with_what_it_put_aside,
                                        scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_letters_are_sent_again_when_asked, scene_set,
                                        scene_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
