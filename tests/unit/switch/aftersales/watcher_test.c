/* The watcher as a whole: what it remembers goes through a file, and a restart changes nothing. */
#include "tests/unit/switch/aftersales/watch_scene.h"

#define TERMINALS 60u
#define MERCHANTS 12u
#define ROWS 12000u
#define FLAGS_MAX 4000u

static const struct watch_limits LIMITS = {
    .terminal_count_max = TERMINALS,
    .merchant_count_max = MERCHANTS,
    .card_count_max = 200,
    .cohort_count_max = 40,
};

static uint64_t seed;

static uint32_t chance(uint32_t bound)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % bound;
}

/* --- a stream of everything, the same in every run ----------------------------------------------
 */

static struct observation rows[ROWS];

static void device_tell(struct observation *row, uint32_t terminal)
{
    snprintf(row->serial, sizeof(row->serial), "SN%06u", (unsigned)(terminal + chance(50) / 49));
    snprintf(row->firmware, sizeof(row->firmware), "%u.%u", (unsigned)(1 + terminal % 3) % 10,
             (unsigned)(chance(30) / 29 % 2));
    row->device_flags = chance(12) == 0 ? 0 : DEVICE_NOTE_HAS_POSITION;
    row->device_flags |= chance(30) == 0 ? DEVICE_NOTE_FALLBACK : 0;
    row->latitude_e3 = 31230 + (int32_t)chance(4) + (chance(60) == 0 ? 900 : 0);
    row->longitude_e3 = 121474;
    row->cell = 1 + terminal * 3 + chance(6);
}

/* Mostly payments, some of all else; a few terminals are busy, and ill. */
static void row_choose(struct observation *row, uint32_t terminal)
{
    uint32_t ill = terminal < 4 ? 40 : 4;
    row->kind = chance(2) == 0 ? OBSERVATION_ASKED : OBSERVATION_ENDED;
    if (chance(100) < ill) {
        row->kind = (enum observation_kind)chance(OBSERVATION_KIND_COUNT);
        row->detail = (enum observation_detail)chance(OBSERVED_COUNT);
    } else if (row->kind == OBSERVATION_ENDED) {
        row->detail = chance(100) < ill ? OBSERVED_DECLINED : OBSERVED_APPROVED;
        row->detail = chance(200) < ill ? OBSERVED_UNKNOWN : row->detail;
    }
    if (chance(60) == 0) {
        row->kind = OBSERVATION_TIME;
    }
}

static void row_make(struct observation *row, uint32_t index, int64_t wall_us)
{
    static const char *const CODES[] = {"05", "51", "55", "41", "91"};
    uint32_t terminal = chance(2) == 0 ? chance(8) : chance(TERMINALS);
    *row = row_of(terminal, OBSERVATION_TIME, OBSERVED_NONE);
    row_choose(row, terminal);
    row->wall_us = wall_us;
    if (row->kind == OBSERVATION_TIME) {
        return;
    }
    row->position = index + 1;
    snprintf(row->merchant_id, sizeof(row->merchant_id), "89831014816%04u",
             (unsigned)(terminal % MERCHANTS));
    snprintf(row->channel, sizeof(row->channel), "BANK%u", (unsigned)chance(3));
    memset(&row->pan_hash, (int)(1 + terminal * 4 % 250 + chance(4)), sizeof(row->pan_hash));
    snprintf(row->response_code, sizeof(row->response_code), "%s",
             row->detail == OBSERVED_APPROVED ? "00" : CODES[chance(5)]);
    memcpy(row->entry_mode, chance(9) == 0 ? "011" : "051", 4);
    row->payment_kind = chance(12) == 0 ? PAYMENT_REFUND : PAYMENT_PURCHASE;
    row->payment_kind = chance(12) == 0 ? PAYMENT_BALANCE : row->payment_kind;
    row->amount_minor = (int64_t)(1 + chance(60)) * 100000;
    row->currency = 156;
    row->card_credit = 1;
    row->batch = 1 + index / 900;
    row->stan = index + 1 + (chance(40) == 0 ? 5000 : 0);
    row->clock_ahead_s = (int32_t)chance(700) - 350;
    row->faulty = (uint8_t)(chance(3) == 0 ? 1u << chance(5) : 0);
    device_tell(row, terminal);
}

static void rows_make(void)
{
    int64_t wall_us = MONDAY_US + 8 * HOUR_US;
    seed = 20260105;
    for (uint32_t i = 0; i < ROWS; i++) {
        wall_us += chance(500) == 0 ? 20 * HOUR_US : (int64_t)chance(40) * SECOND_US;
        row_make(&rows[i], i, wall_us);
    }
}

/* --- watchers
 * ---------------------------------------------------------------------------------------- */

static struct watcher *watcher_make(const struct watch_limits *limits)
{
    struct watcher *watcher = watcher_create(limits);
    assert_non_null(watcher);
    return watcher;
}

/* False: something did not fit. */
static bool registry_learn(struct watcher *watcher)
{
    bool is_whole = true;
    struct watch_rules rules;
    watch_rules_default(&rules);
    rules.cohort.terminal_count_min = 5;
    watcher_set_rules(watcher, &rules);
    for (uint32_t i = 0; i < TERMINALS; i++) {
        struct terminal_facts facts = facts_of(i);
        snprintf(facts.merchant_id, sizeof(facts.merchant_id), "89831014816%04u",
                 (unsigned)(i % MERCHANTS));
        snprintf(facts.serial, sizeof(facts.serial), "SN%06u", (unsigned)i);
        snprintf(facts.model, sizeof(facts.model), "M%u", (unsigned)(i % 4));
        memcpy(facts.firmware_min, "1.0", 4);
        facts.has_place = true;
        facts.latitude_e3 = 31230;
        facts.longitude_e3 = 121474;
        facts.radius_m = 1000;
        is_whole = watcher_learn_terminal(watcher, &facts) && is_whole;
    }
    for (uint32_t i = 0; i < MERCHANTS; i++) {
        struct merchant_facts facts = {.mcc = "5411", .owner = "0011223344556677"};
        snprintf(facts.merchant_id, sizeof(facts.merchant_id), "89831014816%04u", (unsigned)i);
        is_whole = watcher_learn_merchant(watcher, &facts) && is_whole;
    }
    return is_whole;
}

struct run {
    struct watcher *watcher;
    struct flag flags[FLAGS_MAX];
    uint32_t count;
};

static void run_step(struct run *run, const struct observation *row, bool *has_more)
{
    struct watch_output output;
    watcher_step(run->watcher, row, &output);
    for (uint32_t i = 0; i < output.count; i++) {
        assert_true(run->count < FLAGS_MAX);
        run->flags[run->count++] = output.flags[i];
    }
    *has_more = output.has_more;
}

static void run_rows(struct run *run, uint32_t from, uint32_t until)
{
    for (uint32_t i = from; i < until; i++) {
        bool has_more = true;
        while (has_more) {
            run_step(run, &rows[i], &has_more);
        }
    }
}

static uint8_t image[16 << 20];

static struct byte_view image_of(const struct watcher *watcher)
{
    uint32_t length = 0;
    for (uint32_t part = 0; part < watcher_image_count(watcher); part++) {
        struct byte_view bytes = watcher_image(watcher, part);
        assert_true(bytes.length <= sizeof(image) - length);
        memcpy(image + length, bytes.bytes, bytes.length);
        length += bytes.length;
    }
    return (struct byte_view){image, length};
}

/* The process ends here, and another one goes on from the file. */
static void run_restart(struct run *run)
{
    struct byte_view bytes = image_of(run->watcher);
    uint64_t hash = watcher_state_hash(run->watcher);
    watcher_destroy(run->watcher);
    run->watcher = watcher_make(&LIMITS);
    assert_int_equal(watcher_load(run->watcher, bytes), STATUS_OK);
    assert_true(watcher_state_hash(run->watcher) == hash);
    assert_true(registry_learn(run->watcher));
    assert_true(watcher_state_hash(run->watcher) == hash);
}

/* --- what holds
 * -------------------------------------------------------------------------------------- */

static struct run whole, cut;

static void run_begin(struct run *run)
{
    run->watcher = watcher_make(&LIMITS);
    run->count = 0;
    assert_true(registry_learn(run->watcher));
}

static void test_a_restart_anywhere_gives_the_same_flags(void **state)
{
    (void)state;
    rows_make();
    run_begin(&whole);
    run_rows(&whole, 0, ROWS);
    uint64_t hash = watcher_state_hash(whole.watcher);
    assert_true(whole.count > 200);
    for (uint32_t round = 0; round < 12; round++) {
        run_begin(&cut);
        uint32_t at = 0;
        while (at < ROWS) {
            uint32_t until = at + 1 + chance(ROWS / 3);
            until = until > ROWS ? ROWS : until;
            run_rows(&cut, at, until);
            run_restart(&cut);
            at = until;
        }
        assert_true(watcher_state_hash(cut.watcher) == hash);
        assert_int_equal(cut.count, whole.count);
        assert_memory_equal(cut.flags, whole.flags, sizeof(struct flag) * whole.count);
        watcher_destroy(cut.watcher);
    }
    watcher_destroy(whole.watcher);
}

static void test_the_stream_raises_signals_of_all_kinds(void **state)
{
    (void)state;
    bool is_raised[SIGNAL_COUNT] = {false};
    rows_make();
    run_begin(&whole);
    run_rows(&whole, 0, ROWS);
    uint32_t kinds = 0;
    for (uint32_t i = 0; i < whole.count; i++) {
        kinds += is_raised[whole.flags[i].signal] ? 0 : 1;
        is_raised[whole.flags[i].signal] = true;
        assert_true(whole.flags[i].window_begin_us <= whole.flags[i].window_end_us);
        assert_true(whole.flags[i].subject_id[0] != 0);
    }
    assert_true(kinds >= 25); /* or the test above proves little */
    watcher_destroy(whole.watcher);
}

/* In the middle of an hour that is judged in several steps. */
static void test_a_restart_within_a_walk_goes_on_there(void **state)
{
    (void)state;
    run_begin(&whole);
    run_begin(&cut);
    for (uint32_t i = 0; i < TERMINALS; i++) {
        struct observation row = row_of(i, OBSERVATION_ENDED, OBSERVED_APPROVED);
        bool has_more = false;
        row.position = i + 1;
        row.wall_us = MONDAY_US + 9 * HOUR_US;
        run_step(&whole, &row, &has_more);
        run_step(&cut, &row, &has_more);
    }
    struct observation later = {.kind = OBSERVATION_TIME, .wall_us = MONDAY_US + 90 * HOUR_US};
    bool has_more = true;
    uint32_t steps = 0;
    while (has_more) {
        run_step(&whole, &later, &has_more);
    }
    for (has_more = true; has_more; steps++) {
        run_step(&cut, &later, &has_more);
        run_restart(&cut);
    }
    assert_true(whole.count >= TERMINALS);
    assert_true(steps > TERMINALS / WATCH_FLAG_COUNT_MAX);
    assert_int_equal(cut.count, whole.count);
    assert_memory_equal(cut.flags, whole.flags, sizeof(struct flag) * whole.count);
    watcher_destroy(cut.watcher);
    watcher_destroy(whole.watcher);
}

static void test_rows_that_were_seen_give_nothing(void **state)
{
    (void)state;
    rows_make();
    run_begin(&whole);
    run_rows(&whole, 0, 500);
    uint64_t hash = watcher_state_hash(whole.watcher);
    uint64_t position = watcher_position(whole.watcher);
    uint32_t count = whole.count;
    for (uint32_t i = 0; i < 500; i++) {
        bool has_more = false;
        if (rows[i].kind != OBSERVATION_TIME) {
            run_step(&whole, &rows[i], &has_more);
        }
    }
    assert_int_equal(whole.count, count);
    assert_true(watcher_position(whole.watcher) == position);
    assert_true(watcher_state_hash(whole.watcher) == hash);
    watcher_destroy(whole.watcher);
}

static void test_an_image_of_other_limits_changes_nothing(void **state)
{
    (void)state;
    rows_make();
    run_begin(&whole);
    run_rows(&whole, 0, 500);
    struct byte_view bytes = image_of(whole.watcher);
    struct watch_limits other = LIMITS;
    other.cohort_count_max++;
    struct watcher *watcher = watcher_make(&other);
    uint64_t hash = watcher_state_hash(watcher);
    assert_int_equal(watcher_load(watcher, bytes), STATUS_BAD_VALUE);
    assert_true(watcher_state_hash(watcher) == hash);
    watcher_destroy(watcher);
    watcher = watcher_make(&LIMITS);
    hash = watcher_state_hash(watcher);
    for (uint32_t length = 0; length < bytes.length; length += 1 + length / 3) {
        assert_int_equal(watcher_load(watcher, (struct byte_view){image, length}),
                         STATUS_BAD_VALUE);
    }
    assert_true(watcher_state_hash(watcher) == hash);
    watcher_destroy(watcher);
    watcher_destroy(whole.watcher);
}

/* Whatever a disk did to it: refused and forgotten, or taken and usable; never a crash. */
static void test_a_damaged_image_does_no_harm(void **state)
{
    (void)state;
    rows_make();
    run_begin(&whole);
    run_rows(&whole, 0, 1500);
    for (uint32_t round = 0; round < 150; round++) {
        struct byte_view bytes = image_of(whole.watcher);
        for (uint32_t i = 0; i < 1 + round % 50; i++) {
            image[chance(bytes.length)] ^= (uint8_t)(1u << chance(8));
        }
        cut.watcher = watcher_make(&LIMITS);
        cut.count = 0;
        if (watcher_load(cut.watcher, bytes) != STATUS_OK) {
            struct watcher *fresh = watcher_make(&LIMITS);
            assert_true(watcher_state_hash(cut.watcher) == watcher_state_hash(fresh));
            watcher_destroy(fresh);
        } else {
            (void)registry_learn(cut.watcher); /* a damaged id takes a place */
            run_rows(&cut, 1500, 1700);
        }
        watcher_destroy(cut.watcher);
    }
    watcher_destroy(whole.watcher);
}

static void test_more_terminals_than_the_limit_are_refused(void **state)
{
    (void)state;
    run_begin(&whole);
    struct terminal_facts facts = facts_of(TERMINALS);
    struct merchant_facts merchant = {.merchant_id = "1"};
    assert_false(watcher_learn_terminal(whole.watcher, &facts));
    assert_false(watcher_learn_merchant(whole.watcher, &merchant));
    facts = facts_of(3);
    assert_true(watcher_learn_terminal(whole.watcher, &facts));
    watcher_destroy(whole.watcher);
}

static void test_new_rules_hold_from_the_next_row_on(void **state)
{
    (void)state;
    static struct scene scene;
    scene_open(&scene, 4);
    struct terminal_facts facts = facts_of(1);
    scene_learn(&scene, &facts);
    scene_see(&scene, 1, OBSERVATION_SIGHTING, OBSERVED_MAC_FAILED);
    scene.rules.version = 2;
    scene.rules.items[SIGNAL_MAC_FAILURES].numbers[NUMBER_MAC_FAILURES_COUNT_MIN] = 2;
    scene.rules.items[SIGNAL_MAC_FAILURES].is_watched_only = true;
    watcher_set_rules(scene.watcher, &scene.rules);
    scene_see(&scene, 1, OBSERVATION_SIGHTING, OBSERVED_MAC_FAILED);
    assert_int_equal(scene_flag(&scene, SIGNAL_MAC_FAILURES)->value, 2);
    assert_int_equal(scene_flag(&scene, SIGNAL_MAC_FAILURES)->rules_version, 2);
    assert_true(scene_flag(&scene, SIGNAL_MAC_FAILURES)->is_watched_only);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_restart_anywhere_gives_the_same_flags),
        cmocka_unit_test(test_the_stream_raises_signals_of_all_kinds),
        cmocka_unit_test(test_a_restart_within_a_walk_goes_on_there),
        cmocka_unit_test(test_rows_that_were_seen_give_nothing),
        cmocka_unit_test(test_an_image_of_other_limits_changes_nothing),
        cmocka_unit_test(test_a_damaged_image_does_no_harm),
        cmocka_unit_test(test_more_terminals_than_the_limit_are_refused),
        cmocka_unit_test(test_new_rules_hold_from_the_next_row_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
