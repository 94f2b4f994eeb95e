/* What tables and registry say together. */
#include "switch/followup/fact_book.h"

#include "switch/desk/registry.h"
#include "tests/unit/switch/desk/desk_scene.h"
#include "tests/unit/switch/followup/followup_scene.h"

static struct fact_book *book_of(uint32_t count)
{
    struct ruleset *ruleset = scene_ruleset(count);
    struct fact_book *book = fact_book_create(ruleset);
    assert_non_null(book);
    ruleset_destroy(ruleset); /* nothing of it is kept */
    return book;
}

static void put(struct scene *scene, enum registry_kind kind, const void *row)
{
    enum status status = registry_put(scene->desk, kind, row, &scene->ann);
    if (status != STATUS_OK) {
        print_message("%s\n", desk_reason(scene->desk));
    }
    assert_int_equal(status, STATUS_OK);
}

static void test_tables_alone_are_enough(void **state)
{
    (void)state;
    struct fact_book *book = book_of(3);
    const struct terminal_facts *facts = fact_book_terminal(book, "00000002");
    assert_non_null(facts);
    assert_string_equal(facts->merchant_id, SCENE_MERCHANT);
    assert_string_equal(facts->brand, "PAX");
    assert_true(facts->is_active);
    assert_false(facts->has_place || facts->may_fallback || facts->is_spare);
    const struct merchant_facts *merchant = fact_book_merchant(book, SCENE_MERCHANT);
    assert_non_null(merchant);
    assert_string_equal(merchant->mcc, "5812");
    assert_int_equal(merchant->single_max_minor, 500000);
    assert_null(fact_book_terminal(book, "00000004"));
    assert_null(fact_book_terminal(book, "000000021"));
    assert_null(fact_book_merchant(book, "102290058120002"));
    fact_book_destroy(book);
}

static void test_the_registry_adds_what_it_knows(void **state)
{
    struct scene *scene = *state;
    struct fact_book *book = book_of(3);
    struct device_model model = scene_model();
    struct registry_binding binding = scene_binding("00000002", "SN-2");
    struct terminal_registration terminal = {.terminal_id = "00000002",
                                             .serial = "SN-2",
                                             .brand = "PAX",
                                             .model = "A920",
                                             .state = TERMINAL_STATE_ACTIVE};
    struct terminal_registration stranger = terminal;
    struct merchant_registration merchant = {.merchant_id = SCENE_MERCHANT,
                                             .name = "Tea",
                                             .mcc = "5411",
                                             .risk_level = 1,
                                             .may_key_in = true,
                                             .agent_id = "A17",
                                             .area_code = 310000,
                                             .opens_minute = 540,
                                             .closes_minute = 1320,
                                             .month_max_minor = 9000000,
                                             .contract_from_day = 20000,
                                             .owner_hash = "0123456789abcdef0123456789abcdef",
                                             .owner_card_hash = "000102030405060708090a0b0c0d0eff",
                                             .language = "zh",
                                             .state = MERCHANT_STATE_ACTIVE};
    memcpy(stranger.terminal_id, "99999999", 9);
    memcpy(stranger.serial, "SN-9", 5);
    binding.binding.radius_m = 300;
    put(scene, REGISTRY_DEVICE_MODEL, &model);
    put(scene, REGISTRY_MERCHANT, &merchant);
    put(scene, REGISTRY_TERMINAL, &terminal);
    put(scene, REGISTRY_TERMINAL, &stranger);
    put(scene, REGISTRY_BINDING, &binding);
    assert_int_equal(fact_book_register(book, scene->desk), STATUS_OK);

    const struct terminal_facts *facts = fact_book_terminal(book, "00000002");
    assert_string_equal(facts->serial, "SN-2");
    assert_string_equal(facts->firmware_min, "1.2.0");
    assert_string_equal(facts->agent, "A17");
    assert_true(facts->has_place && facts->is_active && facts->may_key_in);
    assert_false(facts->may_fallback);
    assert_int_equal(facts->latitude_e3, 31230);
    assert_int_equal(facts->radius_m, 300);
    assert_int_equal(facts->area_code, 310115); /* of the place, not of the merchant */
    facts = fact_book_terminal(book, "00000001");
    assert_int_equal(facts->area_code, 310000);
    assert_string_equal(facts->serial, "");
    assert_string_equal(facts->firmware_min, "1.2.0");
    assert_null(fact_book_terminal(book, "99999999")); /* it cannot connect */
    const struct merchant_facts *seller = fact_book_merchant(book, SCENE_MERCHANT);
    assert_string_equal(seller->mcc, "5411");
    assert_string_equal(seller->owner, "0123456789abcdef");
    assert_memory_equal(seller->owner_cards[0].bytes, "\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xff",
                        16);
    assert_memory_equal(seller->owner_cards[1].bytes, (uint8_t[16]){0}, 16);
    assert_int_equal(seller->since_day, 20000);
    assert_int_equal(seller->opens_minute, 540);
    assert_int_equal(seller->single_max_minor, 500000); /* none is registered: that of the table */
    assert_int_equal(seller->month_minor, 9000000);
    fact_book_destroy(book);
}

static void test_a_terminal_that_is_in_repair_is_not_active(void **state)
{
    struct scene *scene = *state;
    struct fact_book *book = book_of(1);
    struct terminal_registration terminal = {.terminal_id = "00000001",
                                             .serial = "SN-1",
                                             .brand = "PAX",
                                             .model = "A920",
                                             .is_spare = true,
                                             .state = TERMINAL_STATE_IN_REPAIR};
    put(scene, REGISTRY_TERMINAL, &terminal);
    assert_int_equal(fact_book_register(book, scene->desk), STATUS_OK);
    assert_false(fact_book_terminal(book, "00000001")->is_active);
    assert_true(fact_book_terminal(book, "00000001")->is_spare);
    fact_book_destroy(book);
}

static void test_the_registrys_version_is_another_after_each_change(void **state)
{
    struct scene *scene = *state;
    int64_t first = -1, second = -1, third = -1;
    struct device_model model = scene_model();
    assert_int_equal(registry_version(scene->desk, &first), STATUS_OK);
    put(scene, REGISTRY_DEVICE_MODEL, &model);
    assert_int_equal(registry_version(scene->desk, &second), STATUS_OK);
    put(scene, REGISTRY_DEVICE_MODEL, &model); /* as it stands */
    assert_int_equal(registry_version(scene->desk, &third), STATUS_OK);
    assert_int_equal(first, 0);
    assert_true(second > first);
    assert_int_equal(third, second);
}

static void test_who_is_gone_is_told_to_be_inactive_and_who_has_no_room_is_counted(void **state)
{
    (void)state;
    struct watch_terminal_view view;
    const struct watch_limits limits = {4, 2, 8, 16};
    struct watcher *watcher = watcher_create(&limits);
    struct fact_book *few = book_of(2), *many = book_of(6), *copy = fact_book_copy(few);
    assert_int_equal(fact_book_learn(copy, NULL, watcher), 0);
    assert_int_equal(fact_book_learn(many, copy, watcher), 2);
    assert_true(watcher_terminal(watcher, "00000004", &view));
    assert_false(watcher_terminal(watcher, "00000005", &view));
    assert_int_equal(fact_book_learn(few, many, watcher), 0);
    assert_true(watcher_terminal(watcher, "00000004", &view)); /* what it did is remembered */
    fact_book_destroy(few);
    fact_book_destroy(many);
    fact_book_destroy(copy);
    watcher_destroy(watcher);
}

static void test_only_what_is_news_is_told(void **state)
{
    struct scene *scene = *state;
    struct watch_terminal_view view;
    const struct watch_limits limits = {8, 8, 8, 16};
    struct watcher *watcher = watcher_create(&limits);
    struct fact_book *told = book_of(2), *fresh = book_of(3);
    struct terminal_registration terminal = {.terminal_id = "00000002",
                                             .serial = "SN-2",
                                             .brand = "PAX",
                                             .model = "A920",
                                             .state = TERMINAL_STATE_IN_REPAIR};
    put(scene, REGISTRY_TERMINAL, &terminal);
    assert_int_equal(fact_book_register(fresh, scene->desk), STATUS_OK);
    assert_int_equal(fact_book_learn(fresh, told, watcher), 0);
    assert_false(watcher_terminal(watcher, "00000001", &view)); /* as it was told before */
    assert_true(watcher_terminal(watcher, "00000002", &view));  /* other than before */
    assert_true(watcher_terminal(watcher, "00000003", &view));  /* not told before */
    fact_book_destroy(told);
    fact_book_destroy(fresh);
    watcher_destroy(watcher);
}

static void test_a_few_more_terminals_leave_the_limits_as_they_are(void **state)
{
    (void)state;
    struct ruleset *few = scene_ruleset(10), *more = scene_ruleset(200);
    struct watch_limits first = fact_book_limits(few, 4096);
    struct watch_limits second = fact_book_limits(more, 4096);
    assert_memory_equal(&first, &second, sizeof(first));
    assert_int_equal(first.terminal_count_max, 1024);
    assert_int_equal(first.card_count_max, 4096);
    ruleset_destroy(few);
    ruleset_destroy(more);
}

int main(void)
{
#define DESK(test) cmocka_unit_test_setup_teardown(test, scene_set, scene_strike)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_alone_are_enough),
        DESK(test_the_registry_adds_what_it_knows),
        DESK(test_a_terminal_that_is_in_repair_is_not_active),
        DESK(test_the_registrys_version_is_another_after_each_change),
        cmocka_unit_test(test_who_is_gone_is_told_to_be_inactive_and_who_has_no_room_is_counted),
        DESK(test_only_what_is_news_is_told),
        cmocka_unit_test(test_a_few_more_terminals_leave_the_limits_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
