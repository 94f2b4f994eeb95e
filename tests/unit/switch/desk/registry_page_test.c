/* The registry in pages, with filters; one row changed in part. */
#include "switch/desk/registry_page.h"

#include "switch/desk/registry_edit.h"
#include "tests/unit/switch/desk/desk_scene.h"

struct seen {
    char keys[16][CELL_KEY_SIZE];
    uint32_t count;
    char cursor[CELL_KEY_SIZE];
    enum registry_kind kind;
};

static bool note(void *argument, const void *row)
{
    struct seen *seen = argument;
    registry_query_cursor(seen->kind, row, seen->cursor);
    assert_true(seen->count < COUNT_OF(seen->keys));
    snprintf(seen->keys[seen->count++], sizeof(seen->keys[0]), "%s", seen->cursor);
    return true;
}

static bool page(struct scene *scene, const struct registry_query *query, struct seen *seen)
{
    const struct registry_sink sink = {note, seen};
    bool has_more = false;
    *seen = (struct seen){.kind = query->kind};
    assert_int_equal(registry_page(scene->desk, query, &sink, &has_more), STATUS_OK);
    return has_more;
}

static void put_point(struct scene *scene, const char *id, const char *brands, uint32_t area)
{
    struct service_point point = {.name = "Shop",
                                  .area_code = area,
                                  .repairs = 1u << PART_SCREEN,
                                  .weekdays = 1,
                                  .is_open = true};
    snprintf(point.point_id, sizeof(point.point_id), "%s", id);
    const char *semicolon = strchr(brands, ';');
    size_t length = semicolon != NULL ? (size_t)(semicolon - brands) : strlen(brands);
    snprintf(point.brands[0], sizeof(point.brands[0]), "%.*s", (int)length, brands);
    snprintf(point.brands[1], sizeof(point.brands[1]), "%s",
             semicolon != NULL ? semicolon + 1 : "");
    assert_int_equal(registry_put(scene->desk, REGISTRY_SERVICE_POINT, &point, &scene->ann),
                     STATUS_OK);
}

static void test_pages_follow_each_other_without_a_gap(void **state)
{
    struct scene *scene = *state;
    struct registry_query query;
    struct seen seen;
    struct service_stock stock = {.point_id = "P1", .brand = "PAX", .part = PART_SCREEN};
    registry_query_init(&query, REGISTRY_SERVICE_STOCK);
    assert_false(page(scene, &query, &seen));
    assert_int_equal(seen.count, 0);
    for (int i = 0; i < 5; i++) { /* keys of four columns, one of them a word */
        snprintf(stock.model, sizeof(stock.model), "A%d", i / 2);
        stock.part = i % 2 == 0 ? PART_SCREEN : PART_BATTERY;
        assert_int_equal(registry_put(scene->desk, REGISTRY_SERVICE_STOCK, &stock, &scene->ann),
                         STATUS_OK);
    }
    query.limit = 2;
    assert_true(page(scene, &query, &seen));
    assert_string_equal(seen.keys[0], "P1\tPAX\tA0\tbattery");
    assert_string_equal(seen.keys[1], "P1\tPAX\tA0\tscreen");
    assert_int_equal(registry_query_go_on(&query, seen.cursor), STATUS_OK);
    assert_true(page(scene, &query, &seen));
    assert_string_equal(seen.keys[0], "P1\tPAX\tA1\tbattery");
    assert_int_equal(registry_query_go_on(&query, seen.cursor), STATUS_OK);
    assert_false(page(scene, &query, &seen)); /* the last one fills no page */
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.keys[0], "P1\tPAX\tA2\tscreen");
    assert_int_equal(registry_query_go_on(&query, "P1\tPAX"), STATUS_BAD_VALUE);
    assert_int_equal(registry_query_go_on(&query, "P1\tPAX\tA0\tscreen\tmore"), STATUS_BAD_VALUE);
    query.limit = 5;
    query.has_behind = false;
    assert_false(page(scene, &query, &seen)); /* just full: nothing is behind */
    assert_int_equal(seen.count, 5);
}

static uint32_t count_of(struct scene *scene, const char *const pairs[][2], uint32_t count)
{
    struct registry_query query;
    struct seen seen;
    registry_query_init(&query, REGISTRY_SERVICE_POINT);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(registry_query_filter(&query, pairs[i][0], pairs[i][1]), STATUS_OK);
    }
    page(scene, &query, &seen);
    return seen.count;
}
#define COUNT(...)                                                                                 \
    count_of(scene, (const char *const[][2]){__VA_ARGS__},                                         \
             COUNT_OF(((const char *const[][2]){__VA_ARGS__})))

static void test_filters_find_words_beginnings_and_numbers(void **state)
{
    struct scene *scene = *state;
    struct registry_query query;
    put_point(scene, "SH1", "PAX;Landi", 310115);
    put_point(scene, "SH2", "PAXX", 310115);
    put_point(scene, "BJ1", "PAX", 110101);
    assert_int_equal(COUNT({"brands", "PAX"}), 2); /* PAXX is another one */
    assert_int_equal(COUNT({"brands", "Lan*"}), 1);
    assert_int_equal(COUNT({"point_id", "SH*"}), 2);
    assert_int_equal(COUNT({"area_code", "310115"}, {"brands", "PAX"}), 1);
    assert_int_equal(COUNT({"area_code", "31*"}), 2);
    assert_int_equal(COUNT({"repairs", "screen"}), 3);
    assert_int_equal(COUNT({"repairs", "scr"}), 0);
    assert_int_equal(COUNT({"phone", ""}), 3);
    assert_int_equal(COUNT({"name", "' OR 1=1 --"}), 0);
    registry_query_init(&query, REGISTRY_SERVICE_POINT);
    assert_int_equal(registry_query_filter(&query, "name; DROP", "x"), STATUS_UNKNOWN);
    for (int i = 0; i < REGISTRY_FILTER_COUNT_MAX; i++) {
        assert_int_equal(registry_query_filter(&query, "name", "x"), STATUS_OK);
    }
    assert_int_equal(registry_query_filter(&query, "name", "x"), STATUS_NO_ROOM);
}

static void note_fault(void *argument, const char *sentence)
{
    struct scene *scene = argument;
    snprintf(scene->faults[scene->fault_count++], sizeof(scene->faults[0]), "%s", sentence);
}

static struct registry_edit edit_of(struct scene *scene, const char *hotline)
{
    scene->fault_count = 0;
    return (struct registry_edit){
        .kind = REGISTRY_DEVICE_MODEL,
        .cell_count = 3,
        .cells = {{"brand", "PAX"}, {"model", "A920"}, {"hotline", hotline}},
        .by = scene->ann,
        .on_fault = note_fault,
        .argument = scene};
}

static void test_cells_that_are_not_named_stay(void **state)
{
    struct scene *scene = *state;
    struct device_model model = scene_model();
    assert_int_equal(registry_put(scene->desk, REGISTRY_DEVICE_MODEL, &model, &scene->ann),
                     STATUS_OK);
    struct registry_edit edit = edit_of(scene, "95095");
    assert_int_equal(registry_edit(scene->desk, &edit), STATUS_OK);
    assert_true(edit.is_changed && !edit.is_new);
    assert_string_equal(edit.row.device_model.firmware_latest, "1.4.0");
    assert_string_equal(edit.row.device_model.hotline, "95095");
    uint64_t version = edit.version_after;
    edit = edit_of(scene, "95095");
    assert_int_equal(registry_edit(scene->desk, &edit), STATUS_OK);
    assert_false(edit.is_changed);
    assert_int_equal(edit.version_after, version);
    edit = edit_of(scene, "400-1"); /* another one writes; who saw the row before is refused */
    edit.has_version = true;
    edit.version = version;
    assert_int_equal(registry_edit(scene->desk, &edit), STATUS_OK);
    edit = edit_of(scene, "400-2");
    edit.has_version = true;
    edit.version = version;
    assert_int_equal(registry_edit(scene->desk, &edit), STATUS_DUPLICATE);
    edit.version = 0;
    assert_int_equal(registry_edit(scene->desk, &edit), STATUS_DUPLICATE);
    edit = edit_of(scene, "");
    edit.cell_count = 2;
    assert_int_equal(registry_edit_find(scene->desk, &edit), STATUS_OK);
    assert_string_equal(edit.row.device_model.hotline, "400-1");
    assert_true(edit.version_after > version);
}

static void test_a_new_row_is_told_all_that_it_lacks(void **state)
{
    struct scene *scene = *state;
    struct registry_edit edit = {
        .kind = REGISTRY_MERCHANT,
        .cell_count = 3,
        .cells = {{"merchant_id", "M1"}, {"risk_level", "7"}, {"mcc", "58"}},
        .by = scene->ann,
        .on_fault = note_fault,
        .argument = scene};
    assert_int_equal(registry_edit(scene->desk, &edit), STATUS_BAD_VALUE);
    assert_int_equal(edit.fault_count, 2);
    edit.cells[1].value = "2";
    edit.cells[2].value = "5812";
    scene->fault_count = 0;
    assert_int_equal(registry_edit(scene->desk, &edit), STATUS_BAD_VALUE);
    assert_string_equal(scene->faults[0], "column \"name\": expected its name, got nothing");
    edit.cells[0] = (struct registry_cell){"shop", "M1"};
    scene->fault_count = 0;
    assert_int_equal(registry_edit(scene->desk, &edit), STATUS_BAD_VALUE);
    assert_non_null(strstr(scene->faults[0], "\"shop\": merchant_registration has no such column"));
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM history"), 0);
}

static void test_a_swap_ends_one_binding_and_begins_another(void **state)
{
    struct scene *scene = *state;
    struct registry_binding first = scene_binding("10000001", "SN-1");
    struct registry_binding second = scene_binding("10000001", "SN-2");
    struct registry_binding other = scene_binding("10000002", "SN-2");
    struct registry_binding ended;
    struct terminal_registration terminal = {.terminal_id = "10000001", .serial = "SN-0"};
    bool was_bound = true;
    assert_int_equal(registry_put(scene->desk, REGISTRY_TERMINAL, &terminal, &scene->ann),
                     STATUS_OK);
    second.binding.valid_from_day = 20100;
    assert_int_equal(registry_bind(scene->desk, &first, &scene->ann, &ended, &was_bound),
                     STATUS_OK);
    assert_false(was_bound);
    assert_int_equal(registry_bind(scene->desk, &second, &scene->ann, &ended, &was_bound),
                     STATUS_OK);
    assert_true(was_bound);
    assert_string_equal(ended.serial, "SN-1");
    assert_int_equal(ended.binding.valid_to_day, 20100);
    assert_int_equal(registry_find(scene->desk, REGISTRY_TERMINAL, &terminal), STATUS_OK);
    assert_string_equal(terminal.serial, "SN-2");
    assert_int_equal(registry_bind(scene->desk, &other, &scene->ann, &ended, &was_bound),
                     STATUS_DENIED);      /* SN-2 stands elsewhere */
    first.binding.valid_from_day = 20050; /* before the one in force began */
    assert_int_equal(registry_bind(scene->desk, &first, &scene->ann, &ended, &was_bound),
                     STATUS_BAD_VALUE);
    assert_int_equal(registry_binding_in_force(scene->desk, "10000001", &ended), STATUS_OK);
    assert_string_equal(ended.serial, "SN-2"); /* nothing of what was refused is left */
    assert_int_equal(registry_unbind(scene->desk, 20200, &scene->ann, &ended), STATUS_OK);
    assert_int_equal(registry_unbind(scene->desk, 20200, &scene->ann, &ended), STATUS_NOT_FOUND);
}

static void put_shop(struct scene *scene, const char *id, const char *agent_id,
                     const char *terminal)
{
    struct merchant_registration merchant = {.name = "Tea", .risk_level = 1};
    char serial[16];
    snprintf(merchant.merchant_id, sizeof(merchant.merchant_id), "%s", id);
    snprintf(merchant.agent_id, sizeof(merchant.agent_id), "%s", agent_id);
    snprintf(serial, sizeof(serial), "SN-%s", id);
    struct registry_binding binding = scene_binding(terminal, serial);
    memcpy(binding.binding.merchant_id, merchant.merchant_id, sizeof(merchant.merchant_id));
    struct terminal_registration registration = {.state = TERMINAL_STATE_ACTIVE};
    memcpy(registration.terminal_id, binding.terminal_id, sizeof(registration.terminal_id));
    assert_int_equal(registry_put(scene->desk, REGISTRY_MERCHANT, &merchant, &scene->ann),
                     STATUS_OK);
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &binding, &scene->ann), STATUS_OK);
    assert_int_equal(registry_put(scene->desk, REGISTRY_TERMINAL, &registration, &scene->ann),
                     STATUS_OK);
}

/* How many rows of a kind are in the scope of that agent, or merchant. */
static uint32_t scoped(struct scene *scene, enum registry_kind kind, const char *agent_id,
                       const char *merchant_id)
{
    struct registry_query query;
    struct seen seen;
    registry_query_init(&query, kind);
    snprintf(query.scope.agent_id, sizeof(query.scope.agent_id), "%s", agent_id);
    snprintf(query.scope.merchant_id, sizeof(query.scope.merchant_id), "%s", merchant_id);
    page(scene, &query, &seen);
    return seen.count;
}

static void test_a_scope_leaves_rows_of_its_merchants_alone(void **state)
{
    struct scene *scene = *state;
    static const enum registry_kind kinds[] = {REGISTRY_MERCHANT, REGISTRY_BINDING,
                                               REGISTRY_TERMINAL};
    static const char *const agents[][2] = {{"AG1", ""}, {"AG2", "AG1"}, {"AG3", ""}};
    for (uint32_t i = 0; i < COUNT_OF(agents); i++) {
        struct agent agent = {.name = "Agent"};
        snprintf(agent.agent_id, sizeof(agent.agent_id), "%s", agents[i][0]);
        snprintf(agent.parent_id, sizeof(agent.parent_id), "%s", agents[i][1]);
        assert_int_equal(registry_put(scene->desk, REGISTRY_AGENT, &agent, &scene->ann), STATUS_OK);
    }
    put_shop(scene, "M1", "AG1", "10000001");
    put_shop(scene, "M2", "AG2", "10000002"); /* of the agent below */
    put_shop(scene, "M3", "AG3", "10000003");
    put_shop(scene, "M4", "", "10000004");
    for (uint32_t i = 0; i < COUNT_OF(kinds); i++) {
        assert_int_equal(scoped(scene, kinds[i], "AG1", ""), 2);
        assert_int_equal(scoped(scene, kinds[i], "AG2", ""), 1);
        assert_int_equal(scoped(scene, kinds[i], "AG9", ""), 0);
        assert_int_equal(scoped(scene, kinds[i], "", "M3"), 1);
        assert_int_equal(scoped(scene, kinds[i], "AG1", "M2"), 1);
        assert_int_equal(scoped(scene, kinds[i], "AG1", "M3"), 0);
        assert_int_equal(scoped(scene, kinds[i], "", ""), 4);
    }
    assert_int_equal(scoped(scene, REGISTRY_AGENT, "AG1", ""), 2);
    assert_int_equal(scoped(scene, REGISTRY_AGENT, "", "M1"), 0);
    put_point(scene, "SH1", "PAX", 310115);
    assert_int_equal(scoped(scene, REGISTRY_SERVICE_POINT, "AG1", "M1"), 1); /* nobody's */
}

static void test_a_key_finds_its_row_alone(void **state)
{
    struct scene *scene = *state;
    struct registry_query query;
    struct seen seen;
    struct service_point wanted = {.point_id = "SH*"};
    put_point(scene, "SH*", "PAX", 310115);
    put_point(scene, "SH1", "PAX", 310115);
    registry_query_init(&query, REGISTRY_SERVICE_POINT);
    registry_query_key(&query, &wanted);
    page(scene, &query, &seen);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.keys[0], "SH*");
}

static void test_who_asks_for_too_much_is_told(void **state)
{
    struct scene *scene = *state;
    struct registry_query query;
    struct seen seen = {0};
    const struct registry_sink sink = {note, &seen};
    bool has_more = false;
    assert_string_equal(
        scene_sql(scene, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <"
                         " 20000) INSERT INTO service_stock SELECT 'P' || i, 'PAX', 'A', 'whole', 1"
                         " FROM n"),
        "");
    registry_query_init(&query, REGISTRY_SERVICE_STOCK);
    assert_int_equal(registry_query_filter(&query, "model", "B"), STATUS_OK);
    desk_limit(scene->desk, 0);
    assert_int_equal(registry_page(scene->desk, &query, &sink, &has_more), STATUS_EXPIRED);
    assert_non_null(strstr(desk_reason(scene->desk), "longer than it may"));
    desk_limit(scene->desk, 60);
    assert_int_equal(registry_page(scene->desk, &query, &sink, &has_more), STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pages_follow_each_other_without_a_gap, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_filters_find_words_beginnings_and_numbers, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_cells_that_are_not_named_stay, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_a_new_row_is_told_all_that_it_lacks, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_a_scope_leaves_rows_of_its_merchants_alone, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_a_key_finds_its_row_alone, scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_who_asks_for_too_much_is_told, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_a_swap_ends_one_binding_and_begins_another, scene_set,
                                        scene_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
