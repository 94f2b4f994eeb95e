/* Who serves, through which channels, and the nearest points. */
#include "switch/aftersales/serve.h"

#include "switch/aftersales/place.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/unit_test.h"

#define MONDAY 20514 /* 2026-03-02 */
#define NOON 720

static struct serve_question question(void)
{
    return (struct serve_question){.brand = "PAX",
                                   .model = "A920",
                                   .obtained = OBTAINED_AGENT,
                                   .obtained_from = "A17",
                                   .area_code = 310115,
                                   .has_place = true,
                                   .latitude_e3 = 31230,
                                   .longitude_e3 = 121470,
                                   .today = MONDAY,
                                   .minute = NOON};
}

static struct service_point point(const char *id, int32_t latitude_e3, int32_t longitude_e3)
{
    struct service_point row = {.brands = {"Landi", "PAX"},
                                .repairs = 1u << PART_PRINTER,
                                .area_code = 310115,
                                .latitude_e3 = latitude_e3,
                                .longitude_e3 = longitude_e3,
                                .opens_minute = 540,
                                .closes_minute = 1080,
                                .weekdays = 0x1F,
                                .is_open = true,
                                .verified_day = MONDAY - 180};
    snprintf(row.point_id, sizeof(row.point_id), "%s", id);
    return row;
}

static void test_how_it_was_obtained_decides_who_serves(void **state)
{
    (void)state;
    assert_int_equal(serve_order(OBTAINED_BANK_COUNTER).servers[0], SERVER_BANK);
    assert_int_equal(serve_order(OBTAINED_BANK_COUNTER).servers[1], SERVER_OFFICIAL);
    assert_int_equal(serve_order(OBTAINED_PLATFORM).servers[0], SERVER_PLATFORM);
    assert_int_equal(serve_order(OBTAINED_PLATFORM).servers[1], SERVER_OFFICIAL);
    assert_int_equal(serve_order(OBTAINED_MANUFACTURER).servers[0], SERVER_OFFICIAL);
    assert_int_equal(serve_order(OBTAINED_MANUFACTURER).servers[1], SERVER_POINT);
    assert_int_equal(serve_order(OBTAINED_AGENT).servers[0], SERVER_AGENT);
    assert_int_equal(serve_order(OBTAINED_AGENT).servers[1], SERVER_OFFICIAL);
    assert_int_equal(serve_order(OBTAINED_AGENT).servers[2], SERVER_ACQUIRER);
    assert_int_equal(serve_order(OBTAINED_UNKNOWN).servers[0], SERVER_ACQUIRER);
    assert_string_equal(server_text(SERVER_BANK, true), "银行商户服务");
}

static void test_the_nearest_three_that_serve_the_brand_and_are_open(void **state)
{
    (void)state;
    struct service_point points[] = {
        point("far", 32000, 121470),     point("near", 31240, 121470),
        point("closed", 31231, 121470),  point("other", 31231, 121470),
        point("middle", 31400, 121470),  point("gone", 31231, 121470),
        point("nearest", 31233, 121470),
    };
    points[2].closes_minute = NOON;
    memcpy(points[3].brands[1], "Sunmi", 6);
    points[5].is_open = false;
    struct service_stock stock[] = {{"near", "PAX", "A920", PART_WHOLE, 2},
                                    {"near", "PAX", "A930", PART_WHOLE, 5},
                                    {"near", "PAX", "A920", PART_PRINTER, 9}};
    struct serve_stage stage = {points, COUNT_OF(points), stock, COUNT_OF(stock)};
    struct serve_question asked = question();
    struct serve_point found[SERVE_POINT_COUNT_MAX];
    assert_int_equal(serve_points(&asked, &stage, found), 3);
    assert_string_equal(found[0].point->point_id, "nearest");
    assert_string_equal(found[1].point->point_id, "near");
    assert_string_equal(found[2].point->point_id, "middle");
    assert_int_equal(found[1].spare_count, 2);
    assert_in_range(found[1].distance_m, 1100, 1120);
    assert_true(found[0].is_open && !found[0].is_stale);
    asked.minute = 540 + 1080; /* at night they are all closed: the nearest of all */
    assert_int_equal(serve_points(&asked, &stage, found), 3);
    assert_string_equal(found[0].point->point_id, "closed");
    assert_false(found[0].is_open);
    asked.part = PART_SCREEN;
    assert_int_equal(serve_points(&asked, &stage, found), 0);
}

static void test_hours_weekends_and_age_of_a_point(void **state)
{
    (void)state;
    struct service_point row = point("one", 31240, 121470);
    struct serve_stage stage = {&row, 1, NULL, 0};
    struct serve_question asked = question();
    struct serve_point found[SERVE_POINT_COUNT_MAX];
    for (int day = 0; day < 7; day++) {
        asked.today = MONDAY + day;
        assert_int_equal(serve_points(&asked, &stage, found), 1);
        assert_int_equal(found[0].is_open, day < 5);
        assert_int_equal(found[0].is_stale, day > 0);
    }
    row.weekdays = 0x7F;
    row.opens_minute = row.closes_minute = 0;
    asked.minute = 3;
    assert_int_equal(serve_points(&asked, &stage, found), 1);
    assert_true(found[0].is_open);
}

static void test_without_a_place_the_area_decides(void **state)
{
    (void)state;
    struct service_point points[] = {point("abroad", 1000, 1000), point("province", 1, 1),
                                     point("county", 1, 1), point("city", 1, 1)};
    points[0].area_code = 440106;
    points[1].area_code = 310230;
    points[3].area_code = 310101;
    struct serve_stage stage = {points, COUNT_OF(points), NULL, 0};
    struct serve_question asked = question();
    asked.has_place = false;
    struct serve_point found[SERVE_POINT_COUNT_MAX];
    assert_int_equal(serve_points(&asked, &stage, found), 3);
    assert_string_equal(found[0].point->point_id, "county");
    assert_string_equal(found[1].point->point_id, "city");
    assert_string_equal(found[2].point->point_id, "province");
    assert_true(found[0].distance_m == SERVE_DISTANCE_UNKNOWN);
}

static double haversine_m(double lat1, double lon1, double lat2, double lon2)
{
    const double radian = 3.14159265358979323846 / 180000;
    double s1 = sin((lat2 - lat1) * radian / 2);
    double s2 = sin((lon2 - lon1) * radian / 2);
    return 2 * 6371000 * asin(sqrt(s1 * s1 + cos(lat1 * radian) * cos(lat2 * radian) * s2 * s2));
}

static void test_distances_agree_with_the_sphere(void **state)
{
    (void)state;
    for (int32_t latitude = 0; latitude <= 54000; latitude += 731) {
        for (int32_t step = 0; step < 360; step += 17) {
            int32_t north = (step * 37 % 200 - 100) * 40;
            int32_t east = (step * 53 % 200 - 100) * 40;
            double exact = haversine_m(latitude, 110000, latitude + north, 110000 + east);
            double ours = (double)place_distance_m((struct place){latitude, 110000},
                                                   (struct place){latitude + north, 110000 + east});
            assert_true(fabs(ours - exact) <= exact * 0.01 + 2);
        }
    }
    assert_int_equal(place_distance_m((struct place){31230, 121470}, (struct place){31230, 121470}),
                     0);
    assert_true(place_distance_m((struct place){0, 179999}, (struct place){0, -179999}) <
                300); /* across the date line */
    assert_true(place_distance_m((struct place){90000, 0}, (struct place){-90000, 180000}) >
                19000000);
}

static struct service_channel channel(const char *id, enum channel_kind kind)
{
    struct service_channel row = {
        .kind = kind, .weekdays = 0x7F, .verified_day = MONDAY, .association_number = "no 1"};
    snprintf(row.channel_id, sizeof(row.channel_id), "%s", id);
    return row;
}

static void test_the_shop_of_purchase_stands_before_the_brand(void **state)
{
    (void)state;
    struct service_channel rows[] = {
        channel("any", CHANNEL_KIND_ONLINE),        channel("brand", CHANNEL_KIND_OFFICIAL),
        channel("shop", CHANNEL_KIND_SHOP),         channel("bank", CHANNEL_KIND_HOTLINE),
        channel("maint", CHANNEL_KIND_THIRD_PARTY), channel("else", CHANNEL_KIND_HOTLINE),
    };
    memcpy(rows[1].brand, "PAX", 4);
    rows[2].source = OBTAINED_AGENT;
    memcpy(rows[2].party, "A17", 4);
    rows[3].source = OBTAINED_BANK_COUNTER;
    rows[4].association_number[0] = '\0';
    rows[5].area_code = 440000;
    struct serve_question asked = question();
    struct serve_channel found[SERVE_CHANNEL_COUNT_MAX];
    assert_int_equal(serve_channels(&asked, rows, COUNT_OF(rows), found), 3);
    assert_string_equal(found[0].channel->channel_id, "shop");
    assert_string_equal(found[1].channel->channel_id, "brand");
    assert_string_equal(found[2].channel->channel_id, "any");
    memcpy(rows[4].association_number, "reg", 4);
    rows[5].area_code = 310100; /* Shanghai's districts */
    assert_int_equal(serve_channels(&asked, rows, COUNT_OF(rows), found), 5);
}

static void test_help_comes_through_each_of_the_five_kinds(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < CHANNEL_KIND_COUNT; kind++) {
        struct service_channel row = channel("it", (enum channel_kind)kind);
        struct serve_question asked = question();
        struct serve_channel found[SERVE_CHANNEL_COUNT_MAX];
        memcpy(row.association_number, "reg", 4);
        assert_int_equal(serve_channels(&asked, &row, 1, found), 1);
        assert_int_equal(found[0].channel->kind, kind);
    }
    assert_int_equal(CHANNEL_KIND_COUNT, 5);
}

static void test_an_open_channel_stands_before_a_closed_one_of_its_kind(void **state)
{
    (void)state;
    struct service_channel rows[20];
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        rows[i] = channel("closed", CHANNEL_KIND_HOTLINE);
        rows[i].opens_minute = 1;
        rows[i].closes_minute = 2;
        rows[i].verified_day = MONDAY - 181;
    }
    rows[19] = channel("open", CHANNEL_KIND_HOTLINE);
    struct serve_question asked = question();
    struct serve_channel found[SERVE_CHANNEL_COUNT_MAX];
    assert_int_equal(serve_channels(&asked, rows, COUNT_OF(rows), found), SERVE_CHANNEL_COUNT_MAX);
    assert_string_equal(found[0].channel->channel_id, "open");
    assert_true(found[0].is_open && !found[0].is_stale);
    assert_true(!found[1].is_open && found[1].is_stale);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_how_it_was_obtained_decides_who_serves),
        cmocka_unit_test(test_the_nearest_three_that_serve_the_brand_and_are_open),
        cmocka_unit_test(test_hours_weekends_and_age_of_a_point),
        cmocka_unit_test(test_without_a_place_the_area_decides),
        cmocka_unit_test(test_distances_agree_with_the_sphere),
        cmocka_unit_test(test_the_shop_of_purchase_stands_before_the_brand),
        cmocka_unit_test(test_help_comes_through_each_of_the_five_kinds),
        cmocka_unit_test(test_an_open_channel_stands_before_a_closed_one_of_its_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
