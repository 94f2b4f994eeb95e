/* A fleet in which nothing is wrong, for four weeks: shops open and close, some on Sundays, cards
 * are declined, banks are late at times, chips are misread. Nobody is flagged; then a few faults
 * are put in, and only they are. */
#include "tests/unit/switch/aftersales/watch_scene.h"

#define FLEET 60u
#define FIRST 10000000u
#define WEEKS 4
#define OPEN_HOUR 9
#define CLOSE_HOUR 20

static uint64_t seed;

static uint32_t chance(uint32_t bound)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % bound;
}

static void fleet_open(struct scene *scene)
{
    seed = 11;
    scene_open(scene, FLEET);
    for (uint32_t i = 0; i < FLEET; i++) {
        static const char *const BRANDS[] = {"PAX", "LANDI"};
        struct terminal_facts facts = facts_of(FIRST + i);
        snprintf(facts.brand, sizeof(facts.brand), "%s", BRANDS[i % 2]);
        snprintf(facts.serial, sizeof(facts.serial), "SN%08u", (unsigned)(i % FLEET));
        memcpy(facts.firmware_min, "1.0", 4);
        facts.has_place = true;
        facts.latitude_e3 = 31230;
        facts.longitude_e3 = 121474;
        facts.radius_m = 1000;
        scene_learn(scene, &facts);
    }
    scene->now_us = MONDAY_US;
}

/* A seventh of the shops rest on each day of the week, most of them at its end. */
static bool is_open(uint32_t shop, int weekday)
{
    return weekday < 5 ? shop % 10 != (uint32_t)weekday : shop % 3 == 0 || shop % 10 < 5;
}

static void tell(struct observation *seen, uint32_t shop)
{
    snprintf(seen->serial, sizeof(seen->serial), "SN%08u", (unsigned)(shop % FLEET));
    memcpy(seen->firmware, "1.2", 4);
    seen->device_flags = DEVICE_NOTE_HAS_POSITION;
    seen->latitude_e3 = 31229 + (int32_t)chance(3);
    seen->longitude_e3 = 121473 + (int32_t)chance(3);
    seen->cell = 100 + shop * 4 + chance(3);
    memcpy(seen->entry_mode, chance(3) == 0 ? "071" : "051", 4);
    if (chance(120) == 0) {
        memcpy(seen->entry_mode, "801", 4);
        seen->device_flags |= DEVICE_NOTE_FALLBACK;
    }
}

static uint32_t stans[FLEET];

static void pay(struct scene *scene, uint32_t shop, uint32_t day)
{
    struct observation seen = row_of(FIRST + shop, OBSERVATION_ASKED, OBSERVED_NONE);
    seen.payment_kind = PAYMENT_PURCHASE;
    snprintf(seen.channel, sizeof(seen.channel), "%s", shop % 3 == 0 ? "BANK_A" : "BANK_B");
    seen.batch = day + 1;
    seen.stan = ++stans[shop];
    tell(&seen, shop);
    uint32_t card = chance(1000000);
    memcpy(&seen.pan_hash, &card, sizeof(card));
    scene_row(scene, seen);
    scene->now_us += SECOND_US / 5 + (int64_t)chance(400) * 1000;
    bool is_late = chance(250) == 0;
    bool is_declined = chance(100) < 8;
    seen.kind = OBSERVATION_ENDED;
    seen.detail =
        is_late ? OBSERVED_UNKNOWN : (is_declined ? OBSERVED_DECLINED : OBSERVED_APPROVED);
    static const char *const CODES[] = {"51", "55", "05", "54"};
    memcpy(seen.response_code, is_declined ? CODES[chance(4)] : "00", 3);
    scene_row(scene, seen);
    if (is_late) {
        scene_see(scene, FIRST + shop, OBSERVATION_REVERSED, OBSERVED_BY_SWITCH);
    } else if (chance(300) == 0) {
        scene_see(scene, FIRST + shop, OBSERVATION_REVERSED, OBSERVED_BY_TERMINAL);
    }
}

/* What is wrong: nothing, or one thing with one shop. */
typedef void fault_fn(struct scene *scene);

static void day_play(struct scene *scene, uint32_t day, fault_fn *fault)
{
    int64_t begin_us = MONDAY_US + day * DAY_US;
    for (uint32_t hour = OPEN_HOUR; hour < CLOSE_HOUR; hour++) {
        scene_wait(scene, begin_us + hour * HOUR_US - scene->now_us);
        for (uint32_t shop = 0; shop < FLEET; shop++) {
            if (!is_open(shop, (int)(day % 7))) {
                continue;
            }
            if (hour == OPEN_HOUR) {
                scene_see(scene, FIRST + shop, OBSERVATION_SIGNED_ON, OBSERVED_NONE);
            }
            for (uint32_t count = chance(2 + shop % 11); count > 0; count--) {
                pay(scene, shop, day);
            }
            if (hour == CLOSE_HOUR - 1) {
                scene_see(scene, FIRST + shop, OBSERVATION_SETTLED, OBSERVED_TOTALS_EQUAL);
            }
        }
        if (fault != NULL) {
            fault(scene);
        }
    }
    scene_wait(scene, begin_us + DAY_US - scene->now_us);
}

static void fleet_play(struct scene *scene, uint32_t from, uint32_t until, fault_fn *fault)
{
    for (uint32_t day = from; day < until; day++) {
        day_play(scene, day, fault);
    }
}

static void test_nobody_is_flagged_where_nothing_is_wrong(void **state)
{
    (void)state;
    static struct scene scene;
    memset(stans, 0, sizeof(stans));
    fleet_open(&scene);
    fleet_play(&scene, 0, 7 * WEEKS, NULL);
    for (uint32_t i = 0; i < scene.flag_count; i++) {
        print_error("%s of %s: %lld\n", signal_code_text(scene.flags[i].signal),
                    scene.flags[i].subject_id, (long long)scene.flags[i].value);
    }
    assert_int_equal(scene.flag_count, 0);
    scene_close(&scene);
}

static void fault_of_each_kind(struct scene *scene)
{
    for (uint32_t i = 0; i < 4; i++) {
        scene_see(scene, FIRST + 17, OBSERVATION_SIGHTING, OBSERVED_TLS_FAILED);
        scene_see(scene, FIRST + 17, OBSERVATION_SIGHTING, OBSERVED_TLS_FAILED);
        struct observation seen = row_of(FIRST + 23, OBSERVATION_ENDED, OBSERVED_UNKNOWN);
        memcpy(seen.channel, "BANK_B", 7);
        scene_row(scene, seen);
    }
    struct observation told = row_of(FIRST + 29, OBSERVATION_STATUS, OBSERVED_NONE);
    told.faulty = 1u << 4;
    scene_row(scene, told);
}

static void test_only_what_is_wrong_is_flagged_once_a_day(void **state)
{
    (void)state;
    static struct scene scene;
    memset(stans, 0, sizeof(stans));
    fleet_open(&scene);
    fleet_play(&scene, 0, 14, NULL);
    fleet_play(&scene, 14, 17, fault_of_each_kind);
    assert_int_equal(scene_count(&scene, SIGNAL_TLS_FAILURES), 3);
    assert_int_equal(scene_count(&scene, SIGNAL_TIMEOUTS), 3);
    assert_int_equal(scene_count(&scene, SIGNAL_DEVICE_FAULTY), 3);
    assert_int_equal(scene.flag_count, 9);
    assert_string_equal(scene_flag(&scene, SIGNAL_TIMEOUTS)->subject_id, "10000023");
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_is_flagged_where_nothing_is_wrong),
        cmocka_unit_test(test_only_what_is_wrong_is_flagged_once_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
