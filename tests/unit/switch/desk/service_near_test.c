/* The points nearest to a terminal, from what is registered. */
#include "switch/desk/service_near.h"

#include "tests/unit/switch/desk/desk_scene.h"

static void put_point(struct scene *scene, const char *id, const char *brand, int32_t longitude_e3,
                      int32_t verified_day)
{
    struct service_point point = {.name = "Shop",
                                  .repairs = 1u << PART_SCREEN,
                                  .area_code = 310115,
                                  .latitude_e3 = 31230,
                                  .longitude_e3 = longitude_e3,
                                  .weekdays = 0x7F,
                                  .is_open = true,
                                  .verified_day = verified_day};
    snprintf(point.point_id, sizeof(point.point_id), "%s", id);
    snprintf(point.brands[0], sizeof(point.brands[0]), "%s", brand);
    assert_int_equal(registry_put(scene->desk, REGISTRY_SERVICE_POINT, &point, &scene->ann),
                     STATUS_OK);
}

static void put_terminal(struct scene *scene, const char *id)
{
    struct terminal_registration terminal = {.brand = "PAX",
                                             .model = "A920",
                                             .obtained = OBTAINED_AGENT,
                                             .state = TERMINAL_STATE_ACTIVE};
    snprintf(terminal.terminal_id, sizeof(terminal.terminal_id), "%s", id);
    assert_int_equal(registry_put(scene->desk, REGISTRY_TERMINAL, &terminal, &scene->ann),
                     STATUS_OK);
}

static void test_the_nearest_three_that_serve_the_brand(void **state)
{
    struct scene *scene = *state;
    struct service_near near;
    struct registry_binding binding = scene_binding("10000001", "SN-1");
    struct service_stock stock = {.point_id = "P2", .brand = "PAX", .model = "A920", .count = 4};
    struct service_channel channel = {.channel_id = "C1",
                                      .kind = CHANNEL_KIND_HOTLINE,
                                      .brand = "PAX",
                                      .name = "Line",
                                      .weekdays = 0x7F};
    put_terminal(scene, "10000001");
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &binding, &scene->ann), STATUS_OK);
    put_point(scene, "P1", "PAX", 121573, 20500);
    put_point(scene, "P2", "PAX", 121483, 20515 - REGISTRY_STALE_DAYS - 1);
    put_point(scene, "P3", "PAX", 121673, 20500);
    put_point(scene, "P4", "PAX", 121773, 20500);
    put_point(scene, "P5", "Landi", 121473, 20500);
    assert_int_equal(registry_put(scene->desk, REGISTRY_SERVICE_STOCK, &stock, &scene->ann),
                     STATUS_OK);
    assert_int_equal(registry_put(scene->desk, REGISTRY_SERVICE_CHANNEL, &channel, &scene->ann),
                     STATUS_OK);
    assert_int_equal(
        service_near_find(scene->desk, "10000001", PART_WHOLE, scene->ann.wall_us, &near),
        STATUS_OK);
    assert_int_equal(near.point_count, 3);
    assert_string_equal(near.points[0].point.point_id, "P2");
    assert_string_equal(near.points[1].point.point_id, "P1");
    assert_string_equal(near.points[2].point.point_id, "P3");
    assert_in_range(near.points[0].distance_m, 900, 1000); /* a hundredth of a degree there */
    assert_int_equal(near.points[0].spare_count, 4);
    assert_true(near.points[0].is_stale && !near.points[1].is_stale);
    assert_int_equal(near.channel_count, 1);
    assert_int_equal(near.order.servers[0], SERVER_AGENT);
    assert_int_equal(
        service_near_find(scene->desk, "10000001", PART_PRINTER, scene->ann.wall_us, &near),
        STATUS_OK);
    assert_int_equal(near.point_count, 0); /* they mend screens */
}

/* More than there is room for: parts are no spare devices. */
static void test_a_large_stock_of_parts_is_not_read(void **state)
{
    struct scene *scene = *state;
    struct service_near near;
    struct service_stock stock = {.point_id = "P1", .brand = "PAX", .model = "A920", .count = 4};
    put_terminal(scene, "10000001");
    put_point(scene, "P1", "PAX", 121573, 20500);
    assert_int_equal(registry_put(scene->desk, REGISTRY_SERVICE_STOCK, &stock, &scene->ann),
                     STATUS_OK);
    assert_string_equal(scene_sql(scene,
                                  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                                  " WHERE i <= 20000) INSERT INTO service_stock"
                                  " SELECT 'Q' || i, 'PAX', 'A920', 'printer', 1 FROM n"),
                        "");
    assert_int_equal(
        service_near_find(scene->desk, "10000001", PART_WHOLE, scene->ann.wall_us, &near),
        STATUS_OK);
    assert_int_equal(near.points[0].spare_count, 4);
}

static void test_a_terminal_without_a_place_or_a_row(void **state)
{
    struct scene *scene = *state;
    struct service_near near;
    put_terminal(scene, "10000002");
    put_point(scene, "P1", "PAX", 121573, 0);
    assert_int_equal(
        service_near_find(scene->desk, "10000002", PART_WHOLE, scene->ann.wall_us, &near),
        STATUS_OK);
    assert_int_equal(near.point_count, 1);
    assert_int_equal(near.points[0].distance_m, SERVE_DISTANCE_UNKNOWN);
    assert_int_equal(
        service_near_find(scene->desk, "10000003", PART_WHOLE, scene->ann.wall_us, &near),
        STATUS_NOT_FOUND);
    assert_int_equal(service_near_find(scene->desk, "1000000300000000000", PART_WHOLE, 0, &near),
                     STATUS_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_nearest_three_that_serve_the_brand, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_a_large_stock_of_parts_is_not_read, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_a_terminal_without_a_place_or_a_row, scene_set,
                                        scene_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
