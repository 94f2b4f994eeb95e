/* Figures of a small set of cases, counted by hand. */
#include "switch/desk/case_report.h"

#include "tests/unit/switch/desk/case_scene.h"

#define HOUR_US INT64_C(3600000000)
#define NEVER INT32_MIN

struct told {
    struct case_report_line lines[8];
    uint32_t count;
};

static void note(void *argument, const struct case_report_line *line)
{
    struct told *told = argument;
    assert_true(told->count < COUNT_OF(told->lines));
    told->lines[told->count++] = *line;
}

static void report(struct scene *scene, enum case_report_kind kind, struct told *told)
{
    const struct case_report_window window = {SCENE_NOW, SCENE_NOW + 90 * SCENE_DAY_US};
    const struct case_report_sink sink = {note, told};
    bool has_more = true;
    told->count = 0;
    assert_int_equal(case_report(scene->desk, kind, &window, &sink, &has_more), STATUS_OK);
    assert_false(has_more);
}

static const struct case_report_line *line_of(const struct told *told, const char *name)
{
    for (uint32_t i = 0; i < told->count; i++) {
        if (strcmp(told->lines[i].name, name) == 0) {
            return &told->lines[i];
        }
    }
    fail_msg("no line %s", name);
    return NULL;
}

static void put_terminal(struct scene *scene, int number, const char *brand, const char *model)
{
    struct terminal_registration terminal = {.state = TERMINAL_STATE_ACTIVE};
    char serial[21];
    snprintf(terminal.terminal_id, sizeof(terminal.terminal_id), "1000000%u",
             (unsigned)number % 10u);
    snprintf(serial, sizeof(serial), "SN-%d", number);
    snprintf(terminal.brand, sizeof(terminal.brand), "%s", brand);
    snprintf(terminal.model, sizeof(terminal.model), "%s", model);
    struct registry_binding binding = scene_binding(terminal.terminal_id, serial);
    binding.binding.area_code = number == 4 ? 110101 : 310115;
    assert_int_equal(registry_put(scene->desk, REGISTRY_TERMINAL, &terminal, &scene->ann),
                     STATUS_OK);
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &binding, &scene->ann), STATUS_OK);
}

/* What is counted of a case; times in hours behind the scene's now. */
struct made {
    enum case_kind kind;
    const char *terminal_id, *brand, *model, *outcome;
    int opened, repaired, closed; /* NEVER: not yet */
    int answered;                 /* minutes; -1: not yet */
    int reopenings, score;
};

static void make(struct scene *scene, const struct made *made)
{
    char sql[640];
    int64_t at[3];
    const int hours[3] = {made->opened, made->repaired, made->closed};
    uint64_t id = scene_case(scene, made->kind, made->terminal_id);
    for (int i = 0; i < 3; i++) {
        at[i] = hours[i] == NEVER ? 0 : SCENE_NOW + hours[i] * HOUR_US;
    }
    snprintf(sql, sizeof(sql),
             "UPDATE service_case SET brand = '%s', model = '%s', outcome = '%s', opened_us = %lld,"
             " repaired_us = %lld, closed_us = %lld, state = iif(%lld > 0, 'CLOSED', state),"
             " answer_budget_us = 1, answer_since_us = iif(%d < 0, 1, 0), answer_used_us = %lld,"
             " reopen_count = %d, score = %d, point_id = iif(%lld > 0, 'P1', '') WHERE id = %llu",
             made->brand, made->model, made->outcome, (long long)at[0], (long long)at[1],
             (long long)at[2], (long long)at[2], made->answered,
             (long long)made->answered * 60000000, made->reopenings, made->score, (long long)at[1],
             (unsigned long long)id);
    assert_string_equal(scene_sql(scene, sql), "");
}

static void set_up(struct scene *scene)
{
    struct agent agent = {.agent_id = "AG1", .name = "Agent One"};
    struct merchant_registration merchant = {
        .merchant_id = "M1", .name = "Tea", .risk_level = 1, .agent_id = "AG1"};
    struct service_point point = {.point_id = "P1",
                                  .name = "Shop",
                                  .brands = {"PAX", "Landi"},
                                  .area_code = 310104,
                                  .weekdays = 1,
                                  .is_open = true};
    assert_int_equal(registry_put(scene->desk, REGISTRY_AGENT, &agent, &scene->ann), STATUS_OK);
    assert_int_equal(registry_put(scene->desk, REGISTRY_MERCHANT, &merchant, &scene->ann),
                     STATUS_OK);
    assert_int_equal(registry_put(scene->desk, REGISTRY_SERVICE_POINT, &point, &scene->ann),
                     STATUS_OK);
    snprintf(point.point_id, sizeof(point.point_id), "P2");
    point.is_open = false; /* counts no more */
    assert_int_equal(registry_put(scene->desk, REGISTRY_SERVICE_POINT, &point, &scene->ann),
                     STATUS_OK);
    for (int i = 1; i <= 4; i++) {
        put_terminal(scene, i, "PAX", i == 1 ? "A930" : "A920");
    }
    put_terminal(scene, 5, "Landi", "A8");
    static const struct made MADE[] = {
        /* before the window, yet the first of a repeat */
        {CASE_FAULT, "10000002", "PAX", "A920", "confirmed", -48, -47, -24, 10, 0, 0},
        {CASE_FAULT, "10000002", "PAX", "A920", "confirmed", 1, 3, 5, 20, 1, 5},
        {CASE_FAULT, "10000002", "PAX", "A920", "confirmed", 24 * 40, 24 * 40 + 8, NEVER, 40, 0, 0},
        {CASE_FAULT, "10000003", "PAX", "A920", "benign", 2, 4, 6, 60, 0, 2},
        {CASE_FAULT, "10000001", "PAX", "A930", "none", 2, NEVER, NEVER, -1, 2, 0},
        {CASE_FEE, "10000004", "PAX", "A920", "confirmed", 3, NEVER, 4, 80, 0, 4},
        {CASE_FAULT, "10000004", "PAX", "A920", "none", 24 * 91, NEVER, NEVER, -1, 0,
         0}, /* behind it */
    };
    for (uint32_t i = 0; i < COUNT_OF(MADE); i++) {
        struct made made = MADE[i];
        make(scene, &made);
    }
}

static void test_a_brand_is_counted_as_by_hand(void **state)
{
    struct scene *scene = *state;
    struct told told;
    set_up(scene);
    report(scene, CASE_REPORT_BRAND, &told);
    assert_int_equal(told.count, 2);
    const struct case_report_line *pax = line_of(&told, "PAX");
    assert_ptr_equal(pax, &told.lines[0]);
    assert_int_equal(pax->terminals, 4);
    assert_int_equal(pax->cases, 5);
    assert_int_equal(pax->failures, 3);                    /* the benign one is none */
    assert_int_equal(pax->failures_per_1000_tenths, 7500); /* 3 of 4 */
    assert_int_equal(pax->answered, 4);                    /* 20, 40, 60, 80 minutes */
    assert_int_equal(pax->answer_minutes, 40);
    assert_int_equal(pax->answer_minutes_p90, 80);
    assert_int_equal(pax->repaired, 2); /* 2 hours, 8 hours */
    assert_int_equal(pax->repair_minutes, 120);
    assert_int_equal(pax->repair_minutes_p90, 480);
    assert_int_equal(pax->repeats, 1); /* 25 hours behind; not 39 days */
    assert_int_equal(pax->reopenings, 3);
    assert_int_equal(pax->scored, 3); /* 5, 2, 4 */
    assert_int_equal(pax->score_tenths, 37);
    assert_int_equal(pax->points, 1);
    assert_int_equal(pax->areas, 2);
    assert_int_equal(pax->areas_served, 1); /* Shanghai, not Peking */
    const struct case_report_line *landi = line_of(&told, "Landi");
    assert_int_equal(landi->terminals, 1);
    assert_int_equal(landi->failures_per_1000_tenths, 0);
    assert_int_equal(landi->answer_minutes, -1);
    assert_int_equal(landi->score_tenths, -1);
}

static void test_models_agents_and_points_are_told_apart(void **state)
{
    struct scene *scene = *state;
    struct told told;
    set_up(scene);
    struct device_model model = scene_model();
    assert_int_equal(registry_put(scene->desk, REGISTRY_DEVICE_MODEL, &model, &scene->ann),
                     STATUS_OK);
    report(scene, CASE_REPORT_MODEL, &told);
    assert_int_equal(told.count, 3);
    assert_string_equal(told.lines[0].name, "PAX A930"); /* 1 of 1 before 2 of 3 */
    assert_int_equal(line_of(&told, "PAX A920")->failures, 2);
    assert_int_equal(line_of(&told, "PAX A920")->failures_per_1000_tenths, 6667);
    assert_int_equal(line_of(&told, "PAX A920")->points, 1);
    report(scene, CASE_REPORT_AGENT, &told);
    assert_int_equal(told.count, 1);
    assert_string_equal(told.lines[0].text, "Agent One");
    assert_int_equal(told.lines[0].terminals, 5);
    assert_int_equal(told.lines[0].failures_per_1000_tenths, 6000);
    assert_int_equal(told.lines[0].points, -1);
    report(scene, CASE_REPORT_POINT, &told);
    const struct case_report_line *point = line_of(&told, "P1");
    assert_string_equal(point->text, "Shop");
    assert_int_equal(point->failures, 2);
    assert_int_equal(point->terminals, -1);
    assert_int_equal(point->failures_per_1000_tenths, -1);
    assert_int_equal(case_report_from_word(case_report_word(CASE_REPORT_POINT)), CASE_REPORT_POINT);
    assert_int_equal(case_report_from_word("colour"), CASE_REPORT_COUNT);
}

/* Of the cases of the window alone, each class for itself. */
static void test_parts_are_counted_by_class(void **state)
{
    struct scene *scene = *state;
    struct told told;
    set_up(scene);
    /* case 1 was opened before the window; 2 and 3 are of model A920, 2 was with point P1 */
    assert_string_equal(scene_sql(scene, "INSERT INTO case_part VALUES"
                                         " (1, 1, 1, 'printer', 9, '', '', 0, 'warranty'),"
                                         " (2, 1, 1, 'printer', 2, '', '', 12000, 'merchant'),"
                                         " (2, 1, 2, 'battery', 1, '', '', 0, 'warranty'),"
                                         " (3, 1, 1, 'printer', 1, '', '', 0, 'warranty'),"
                                         " (5, 1, 1, 'screen', 1, '', '', 0, 'warranty')"),
                        "");
    report(scene, CASE_REPORT_BRAND, &told);
    const struct case_report_line *pax = line_of(&told, "PAX");
    assert_int_equal(pax->cases, 5); /* however many parts they had */
    assert_int_equal(pax->parts, 5);
    assert_int_equal(pax->parts_per_1000_tenths, 12500); /* 5 at 4 terminals */
    assert_int_equal(pax->parts_of[PART_PRINTER], 3);
    assert_int_equal(pax->parts_of[PART_BATTERY], 1);
    assert_int_equal(pax->parts_of[PART_SCREEN], 1);
    assert_int_equal(pax->parts_of[PART_WHOLE], 0);
    assert_int_equal(line_of(&told, "Landi")->parts, 0);
    assert_int_equal(line_of(&told, "Landi")->parts_per_1000_tenths, 0);
    report(scene, CASE_REPORT_MODEL, &told);
    assert_int_equal(line_of(&told, "PAX A920")->parts_of[PART_PRINTER], 3);
    assert_int_equal(line_of(&told, "PAX A920")->parts, 4);
    assert_int_equal(line_of(&told, "PAX A930")->parts, 1);
    report(scene, CASE_REPORT_POINT, &told);
    assert_int_equal(line_of(&told, "P1")->parts_of[PART_PRINTER], 3);
    assert_int_equal(line_of(&told, "P1")->parts_per_1000_tenths, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_brand_is_counted_as_by_hand, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_parts_are_counted_by_class, scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_models_agents_and_points_are_told_apart, scene_set,
                                        scene_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
