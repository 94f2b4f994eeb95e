/* CSV in and out: faults with their line and column, whole or not at all, the same bytes again. */
#include "tests/unit/switch/desk/desk_scene.h"

#define STOCK_HEAD "point_id,brand,model,part,count\n"

static void note_fault(void *argument, const char *sentence)
{
    struct scene *scene = argument;
    assert_true(scene->fault_count < COUNT_OF(scene->faults));
    snprintf(scene->faults[scene->fault_count++], sizeof(scene->faults[0]), "%s", sentence);
}

static enum status import(struct scene *scene, enum registry_kind kind, const char *text,
                          struct registry_import *import)
{
    char *copy = malloc(strlen(text) + 2);
    memcpy(copy, text, strlen(text) + 1);
    scene->fault_count = 0;
    import->kind = kind;
    import->file = "stock.csv";
    import->text = copy;
    import->length = (uint32_t)strlen(text);
    import->by = scene->ann;
    import->on_fault = note_fault;
    import->argument = scene;
    enum status status = registry_import(scene->desk, import);
    free(copy);
    return status;
}

static bool take(void *argument, const char *bytes, uint32_t length)
{
    struct scene *scene = argument;
    memcpy(scene->out[0] + scene->out_length, bytes, length);
    scene->out_length += length;
    scene->out[0][scene->out_length] = '\0';
    return true;
}

static void append(struct scene *scene, const char *text)
{
    size_t length = strlen(scene->out[1]);
    snprintf(scene->out[1] + length, sizeof(scene->out[1]) - length, "%s", text);
}

static const char *export(struct scene *scene, enum registry_kind kind)
{
    scene->out_length = 0;
    const struct registry_export sink = {take, scene};
    assert_int_equal(registry_export(scene->desk, kind, &sink), STATUS_OK);
    return scene->out[0];
}

/* Short lines: what is a small file may be many rows. */
static void test_a_file_of_too_many_rows_is_refused_whole(void **state)
{
    struct scene *scene = *state;
    struct registry_import it = {.is_skipping_bad = true};
    static const char LINE[] = "S,P,A,whole,1\n";
    size_t size = strlen(STOCK_HEAD) + strlen(LINE) * (REGISTRY_IMPORT_ROW_COUNT_MAX + 2) + 1;
    char *text = malloc(size);
    char *at = text + snprintf(text, size, STOCK_HEAD);
    for (uint32_t i = 0; i < REGISTRY_IMPORT_ROW_COUNT_MAX + 2; i++) {
        memcpy(at, LINE, sizeof(LINE));
        at += strlen(LINE);
    }
    assert_int_equal(import(scene, REGISTRY_SERVICE_STOCK, text, &it), STATUS_MALFORMED);
    free(text);
    assert_int_equal(scene->fault_count, 1); /* told once */
    assert_non_null(strstr(scene->faults[0], "stock.csv:300002: expected at most 300,000 rows"));
    assert_int_equal(it.row_count, 0);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM service_stock"), 0);
}

static void test_faults_name_line_column_and_what_was_expected(void **state)
{
    struct scene *scene = *state;
    struct registry_import it = {0};
    assert_int_equal(import(scene, REGISTRY_SERVICE_STOCK,
                            STOCK_HEAD "SH1,PAX,A920,whole,3\n"
                                       "SH1,PAX,A920,wheel,3\n"
                                       "\n"
                                       "SH1,PAX,A930,whole,many\n"
                                       "SH1,,A930,whole,1\n"
                                       "SH1,PAX\n"
                                       "SH1,PAX,A920,whole,4\n",
                            &it),
                     STATUS_MALFORMED);
    assert_int_equal(it.bad_count, 5);
    assert_int_equal(it.row_count, 0);
    assert_non_null(
        strstr(scene->faults[0], "stock.csv:3: column \"part\": expected one of whole"));
    assert_non_null(strstr(scene->faults[0], "got \"wheel\""));
    assert_string_equal(scene->faults[1], "stock.csv:5: column \"count\": expected a number from 0 "
                                          "to 1000000, got \"many\"");
    assert_string_equal(scene->faults[2],
                        "stock.csv:6: column \"brand\": expected the maker, got nothing");
    assert_non_null(strstr(scene->faults[3], "stock.csv:7: expected 5 fields"));
    assert_non_null(strstr(scene->faults[4], "stock.csv:8: expected each key once"));
    assert_non_null(strstr(scene->faults[4], "in line 2 too"));
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM service_stock"), 0);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM history"), 0);
}

static void test_bad_rows_are_skipped_when_asked(void **state)
{
    struct scene *scene = *state;
    struct registry_import it = {.is_skipping_bad = true};
    assert_int_equal(import(scene, REGISTRY_SERVICE_STOCK,
                            STOCK_HEAD "SH1,PAX,A920,whole,3\n"
                                       "SH1,PAX,A920,wheel,3\n"
                                       "SH2,PAX,A920,screen,-1\n"
                                       "SH2,PAX,A920,battery,2\n",
                            &it),
                     STATUS_OK);
    assert_int_equal(it.row_count, 2);
    assert_int_equal(it.changed_count, 2);
    assert_int_equal(it.bad_count, 2);
    assert_int_equal(scene_number(scene, "SELECT sum(count) FROM service_stock"), 5);
}

static void test_a_first_line_without_a_column_is_refused(void **state)
{
    struct scene *scene = *state;
    struct registry_import it = {.is_skipping_bad = true};
    assert_int_equal(
        import(scene, REGISTRY_SERVICE_STOCK, "point_id,brand,modell,part\nSH1,PAX,A,whole\n", &it),
        STATUS_MALFORMED);
    assert_non_null(strstr(scene->faults[0], "stock.csv:1: column \"modell\" is not known here; "
                                             "did you mean \"model\"?"));
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM service_stock"), 0);
}

static void test_an_export_is_imported_again_byte_for_byte(void **state)
{
    struct scene *scene = *state;
    struct registry_import it = {0};
    struct device_model model = scene_model();
    assert_int_equal(registry_put(scene->desk, REGISTRY_DEVICE_MODEL, &model, &scene->ann),
                     STATUS_OK);
    snprintf(model.model, sizeof(model.model), "S90, old");
    snprintf(model.hotline, sizeof(model.hotline), "%s", " 400-1 ");
    assert_int_equal(registry_put(scene->desk, REGISTRY_DEVICE_MODEL, &model, &scene->ann),
                     STATUS_OK);
    snprintf(scene->out[1], sizeof(scene->out[1]), "%s", export(scene, REGISTRY_DEVICE_MODEL));
    assert_non_null(strstr(scene->out[1], "\"S90, old\",百富"));
    assert_non_null(strstr(scene->out[1], "\"call, or \"\"write\"\"\""));
    assert_int_equal(import(scene, REGISTRY_DEVICE_MODEL, scene->out[1], &it), STATUS_OK);
    assert_int_equal(it.row_count, 2);
    assert_int_equal(it.changed_count, 0);
    assert_string_equal(scene_sql(scene, "DELETE FROM device_model"), "");
    assert_int_equal(import(scene, REGISTRY_DEVICE_MODEL, scene->out[1], &it), STATUS_OK);
    assert_int_equal(it.changed_count, 2);
    assert_string_equal(export(scene, REGISTRY_DEVICE_MODEL), scene->out[1]);
}

/* Whoever may write a name must not make the spreadsheet of who opens the file carry it out. */
static void test_formulas_go_out_as_text_and_come_in_as_they_were(void **state)
{
    struct scene *scene = *state;
    struct registry_import it = {0};
    static const struct service_point point = {.point_id = "=P",
                                               .name = "=HYPERLINK(\"http://x\",1)",
                                               .address = "'+1",
                                               .phone = "+86 21",
                                               .brands = {"@PAX"},
                                               .latitude_e3 = -31230,
                                               .weekdays = 1};
    struct service_point again = {.point_id = "=P"};
    assert_int_equal(registry_put(scene->desk, REGISTRY_SERVICE_POINT, &point, &scene->ann),
                     STATUS_OK);
    snprintf(scene->out[1], sizeof(scene->out[1]), "%s", export(scene, REGISTRY_SERVICE_POINT));
    const char *row = strchr(scene->out[1], '\n') + 1;
    static const char WANTED[] =
        "'=P,\"'=HYPERLINK(\"\"http://x\"\",1)\",''+1,'+86 21,'@PAX,,0,-31230,";
    assert_int_equal(strncmp(row, WANTED, strlen(WANTED)), 0);
    assert_string_equal(scene_sql(scene, "DELETE FROM service_point"), "");
    assert_int_equal(import(scene, REGISTRY_SERVICE_POINT, scene->out[1], &it), STATUS_OK);
    assert_int_equal(registry_find(scene->desk, REGISTRY_SERVICE_POINT, &again), STATUS_OK);
    assert_string_equal(again.name, point.name);
    assert_string_equal(again.address, point.address);
    assert_string_equal(again.phone, point.phone);
    assert_string_equal(again.brands[0], point.brands[0]);
    assert_int_equal(again.latitude_e3, point.latitude_e3);
    assert_string_equal(export(scene, REGISTRY_SERVICE_POINT), scene->out[1]);
}

/* One row of every kind, by its columns: what all kinds have goes out and comes in again. */
static void test_every_kind_goes_out_and_comes_in(void **state)
{
    struct scene *scene = *state;
    static const char *const rows[REGISTRY_KIND_COUNT] = {
        [REGISTRY_DEVICE_MODEL] =
            "PAX,A920,百富,0820,02,whole printer,1.2,1.4,400,web,site,tms,seal,"
            "2030-01-01,2026-01-01\n",
        [REGISTRY_FIRST_AID] = "PAX,,N1,1,重启,restart\n",
        [REGISTRY_WARRANTY] = "PAX,,whole,unknown,12,shipped,impact tamper,merchant,maker,10,20,3,"
                              "100,200,300,400,yes,2026-01-01\n",
        [REGISTRY_SERVICE_CHANNEL] = "C1,hotline,PAX,unknown,,Line,400,09:00,18:30,mon tue,310000,"
                                     "zh en,,2026-01-01\n",
        [REGISTRY_SERVICE_POINT] = "P1,Shop,Road 1,021,PAX;Landi,screen battery,310115,31230,"
                                   "121473,08:00,24:00,mon sun,yes,\n",
        [REGISTRY_SERVICE_STOCK] = "P1,PAX,A920,whole,3\n",
        [REGISTRY_TERMINAL] = "10000001,SN-1,PAX,A920,1.2,7,agent,AG1,2025-01-01,,2025-02-01,"
                              "2027-01-01,no,active,no,1\n",
        [REGISTRY_BINDING] = "10000001,SN-1,2025-02-01,,48021000,M1,"
                             "0123456789abcdef0123456789abcdef,,Road 1,yes,-31230,-121473,100,"
                             "310115,1700000000000000,W1\n",
        [REGISTRY_MERCHANT] =
            "M1,茶,5812,L1,tea,2020-01-01,,no,no,yes,no,,,,"
            "000102030405060708090a0b0c0d0eff,,Road "
            "1,310115,no,08:00,20:00,100000,900000,SP1,AG1,2,2025-01-01,,zh,Wang,active\n",
        [REGISTRY_AGENT] = "AG1,,Agent,Li,400,310000,Z1,yes,no,2025-01-01,\n"};
    for (unsigned kind = 0; kind < REGISTRY_KIND_COUNT; kind++) {
        struct registry_import it = {0};
        snprintf(scene->out[1], sizeof(scene->out[1]), "%s",
                 export(scene, (enum registry_kind)kind));
        append(scene, rows[kind]);
        enum status status = import(scene, (enum registry_kind)kind, scene->out[1], &it);
        assert_string_equal(scene->faults[0], "");
        assert_int_equal(status, STATUS_OK);
        assert_int_equal(it.changed_count, 1);
        assert_string_equal(export(scene, (enum registry_kind)kind), scene->out[1]);
        assert_int_equal(registry_kind_from_name(registry_kind_name((enum registry_kind)kind)),
                         kind);
    }
}

static void test_a_second_binding_in_a_file_is_told_with_its_line(void **state)
{
    struct scene *scene = *state;
    struct registry_import it = {.is_skipping_bad = true};
    snprintf(scene->out[1], sizeof(scene->out[1]), "%s", export(scene, REGISTRY_BINDING));
    append(scene, "10000001,SN-1,2025-02-01,,,M1,,,,no,0,0,0,0,0,\n"
                  "10000001,SN-2,2025-02-01,,,M1,,,,no,0,0,0,0,0,\n"
                  "10000003,SN-3,2025-02-01,2025-01-01,,M1,,,,no,0,0,0,0,0,\n");
    assert_int_equal(import(scene, REGISTRY_BINDING, scene->out[1], &it), STATUS_OK);
    assert_int_equal(it.row_count, 1);
    assert_int_equal(it.bad_count, 2);
    assert_string_equal(scene->faults[0], "stock.csv:4: valid_to_day lies before valid_from_day");
    assert_string_equal(scene->faults[1],
                        "stock.csv:3: terminal 10000001 or serial number SN-2 has a binding in "
                        "force: end it first");
}

static void test_a_check_tells_all_and_writes_nothing(void **state)
{
    struct scene *scene = *state;
    struct registry_import it = {.is_check = true};
    assert_int_equal(import(scene, REGISTRY_SERVICE_STOCK,
                            STOCK_HEAD "SH1,PAX,A920,whole,3\nSH2,PAX,A920,whole,3\n", &it),
                     STATUS_OK);
    assert_int_equal(it.row_count, 2);
    assert_int_equal(it.changed_count, 2);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM service_stock"), 0);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM history"), 0);
    it.is_check = false;
    assert_int_equal(
        import(scene, REGISTRY_SERVICE_STOCK, STOCK_HEAD "SH1,PAX,A920,whole,3\n", &it), STATUS_OK);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM service_stock"), 1);
}

static void test_every_fault_of_a_line_is_told(void **state)
{
    struct scene *scene = *state;
    struct registry_import it = {0};
    assert_int_equal(
        import(scene, REGISTRY_SERVICE_STOCK, STOCK_HEAD "SH1,,A920,wheel,many\n", &it),
        STATUS_MALFORMED);
    assert_int_equal(scene->fault_count, 3);
    assert_non_null(strstr(scene->faults[0], "stock.csv:2: column \"brand\""));
    assert_non_null(strstr(scene->faults[1], "stock.csv:2: column \"part\""));
    assert_non_null(strstr(scene->faults[2], "stock.csv:2: column \"count\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_file_of_too_many_rows_is_refused_whole, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_a_check_tells_all_and_writes_nothing, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_every_fault_of_a_line_is_told, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_faults_name_line_column_and_what_was_expected,
                                        scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_bad_rows_are_skipped_when_asked, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_a_first_line_without_a_column_is_refused, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_an_export_is_imported_again_byte_for_byte, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_formulas_go_out_as_text_and_come_in_as_they_were,
                                        scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_every_kind_goes_out_and_comes_in, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_a_second_binding_in_a_file_is_told_with_its_line,
                                        scene_set, scene_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
