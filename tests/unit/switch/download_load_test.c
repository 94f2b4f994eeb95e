/* Files of what terminals download become a table, or faults that name file, line, expectation. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocols/emv_tlv.h"
#include "switch/download_load.h"

#define FOLDER_SIZE 64
#define REPORT_SIZE 4096

enum { PARAMETERS, CA_KEYS, AIDS, BIN_LISTS, FILE_COUNT };
static const char *const NAMES[FILE_COUNT] = {"parameters.csv", "ca_keys.csv", "aids.csv",
                                              "bin_lists.csv"};

struct stage {
    char folder[FOLDER_SIZE];
    struct server_options options;
    char report[REPORT_SIZE];
    struct byte_writer writer;
};

static char *path_of(struct stage *stage, unsigned file)
{
    char *const paths[FILE_COUNT] = {stage->options.tables.parameters,
                                     stage->options.tables.ca_keys, stage->options.tables.aids,
                                     stage->options.tables.bin_lists};
    return paths[file];
}

static void stage_set(struct stage *stage)
{
    memset(stage, 0, sizeof(*stage));
    snprintf(stage->folder, sizeof(stage->folder), "/tmp/download_load_XXXXXX");
    assert_non_null(mkdtemp(stage->folder));
    byte_writer_init(&stage->writer, stage->report, REPORT_SIZE - 1);
}

static void give(struct stage *stage, unsigned file, const char *text)
{
    snprintf(path_of(stage, file), OPTION_PATH_SIZE, "%s/%s", stage->folder, NAMES[file]);
    FILE *out = fopen(path_of(stage, file), "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
    assert_int_equal(fclose(out), 0);
}

static void stage_clear(struct stage *stage)
{
    for (unsigned i = 0; i < FILE_COUNT; i++) {
        if (path_of(stage, i)[0] != '\0') {
            unlink(path_of(stage, i));
        }
    }
    rmdir(stage->folder);
}

/* Without the folder, whose name differs each time. */
static void on_fault(void *argument, const char *line)
{
    struct stage *stage = argument;
    byte_writer_text(&stage->writer, line + strlen(stage->folder) + 1);
    byte_writer_u8(&stage->writer, '\n');
}

static struct download_table *load(struct stage *stage)
{
    const struct download_load_sink sink = {on_fault, stage};
    struct download_table *table = NULL;
    bool is_good = download_load(&stage->options, &sink, &table);
    assert_int_equal(is_good, stage->writer.position == 0);
    return table;
}

static void test_the_demo_offers_published_keys_and_parameters(void **state)
{
    (void)state;
    static struct stage stage;
    stage_set(&stage);
    for (unsigned i = 0; i < FILE_COUNT; i++) {
        snprintf(path_of(&stage, i), OPTION_PATH_SIZE, "%s/config/demo/%s", TILLWAY_SOURCE_DIR,
                 NAMES[i]);
    }
    struct download_table *table = load(&stage);
    assert_non_null(table);
    assert_int_equal(download_table_count(table, DOWNLOAD_CA_KEYS), 2);
    assert_int_equal(download_table_count(table, DOWNLOAD_AIDS), 4);
    assert_int_equal(download_table_count(table, DOWNLOAD_NO_PIN), 2);
    char page[64];
    struct byte_writer writer;
    byte_writer_init(&writer, page, 23);
    assert_int_equal(download_table_page(table, DOWNLOAD_CA_KEYS, 0, &writer), 1);
    static const uint8_t LISTED[] = "\x9F\x06\x05\xA0\x00\x00\x03\x33\x9F\x22\x01\x08"
                                    "\xDF\x05\x08"
                                    "20301231";
    assert_int_equal(writer.position, 23);
    assert_memory_equal(page, LISTED, 23);
    struct byte_view key =
        download_table_find(table, DOWNLOAD_CA_KEYS, (struct byte_view){LISTED, 12});
    assert_int_equal(emv_tlv_find(key, 0xDF02).length, 144);
    assert_int_equal(emv_tlv_find(key, 0xDF04).length, 1);
    assert_int_equal(emv_tlv_find(key, 0xDF03).length, 20);
    byte_writer_init(&writer, page, sizeof(page));
    assert_int_equal(download_table_page(table, DOWNLOAD_NO_PIN, 0, &writer), 2);
    assert_memory_equal(page, "0662109406625094", 16);
    download_table_destroy(table);
    for (unsigned i = 0; i < FILE_COUNT; i++) {
        path_of(&stage, i)[0] = '\0'; /* not ours to remove */
    }
    stage_clear(&stage);
}

static void test_no_files_offer_nothing(void **state)
{
    (void)state;
    static struct stage stage;
    stage_set(&stage);
    assert_null(load(&stage));
    give(&stage, AIDS,
         "aid,selection,version,tac_default,tac_online,tac_denial,floor_limit,threshold,"
         "max_target_percent,target_percent,ddol,online_pin,cash_limit,contactless_floor,"
         "contactless_limit,cvm_limit\n");
    struct download_table *table = load(&stage);
    assert_non_null(table);
    assert_int_equal(download_table_count(table, DOWNLOAD_AIDS), 0);
    download_table_destroy(table);
    stage_clear(&stage);
}

#define CA_HEAD "rid,index,expiry,modulus,exponent,check\n"
#define MODULUS                                                                                    \
    "AB79FCC9520896967E776E64444E5DCDD6E13611874F3985722520425295EEA4BD0C2781DE7F31CD3D041F565F74" \
    "7306EED62954B17EDABA3A6C5B85A1DE1BEB9A34141AF38FCF8279C9DEA0D5A6710D08DB4124F041945587E20359" \
    "BAB47B7575AD94262D4B25F264AF33DEDCF28E09615E937DE32EDC03C54445FE7E382777"
#define CHECK "4ABFFD6B1C51212D05552E431C5B17007D2F5E6D"

static void test_faults_name_file_line_and_expectation(void **state)
{
    (void)state;
    static struct stage stage;
    static const struct {
        unsigned file;
        const char *text, *fault;
    } cases[] = {
        {PARAMETERS, "holder,code,value\n,12,6\n",
         "parameters.csv:2: value: expected 2 digits (time-out, seconds), got \"6\"\n"},
        {PARAMETERS, "holder,code,value\n,27,6\n",
         "parameters.csv:2: code: expected a code from 11 to 26, got \"27\"\n"},
        {PARAMETERS, "holder,code,value\nx,13,6\n",
         "parameters.csv:2: holder: expected a terminal id of 8, a merchant id of 15 characters, "
         "or "
         "nothing for all, got \"x\"\n"},
        {PARAMETERS, "code,value\n14,123456789012345\n",
         "parameters.csv:2: value: expected 1 to 14 bytes (first phone number), got "
         "\"123456789012345\"\n"},
        {PARAMETERS, "code,value\n13,1\n12,60\n13,2\n",
         "parameters.csv:4: parameters: expected each once, got the one of line 2 again\n"},
        {CA_KEYS, CA_HEAD "A000000003,99,20301231," MODULUS ",11," CHECK "\n",
         "ca_keys.csv:2: check: expected SHA-1 over RID, index, modulus and exponent, got \"" CHECK
         "\"\n"},
        {CA_KEYS, CA_HEAD "A0000003,99,203012," MODULUS ",03," CHECK "\n",
         "ca_keys.csv:2: rid: expected 10 hex digits, got \"A0000003\"\n"
         "ca_keys.csv:2: expiry: expected a date, YYYYMMDD, got \"203012\"\n"},
        {CA_KEYS,
         CA_HEAD "A000000003,99,20301231," MODULUS ",03," CHECK "\nA000000003,99,20311231," MODULUS
                 ",03," CHECK "\n",
         "ca_keys.csv:3: ca_keys: expected each once, got the one of line 2 again\n"},
        {BIN_LISTS, "list,prefix\nparameters,62\n",
         "bin_lists.csv:2: list: expected one of blacklist, second_blacklist, no_pin, card_bins, "
         "got \"parameters\"\n"},
        {BIN_LISTS, "list,prefix\nblacklist,\n",
         "bin_lists.csv:2: prefix: expected 1 to 12 digits, got \"\"\n"},
        {AIDS, "aid\nA0\n", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        stage_set(&stage);
        give(&stage, cases[i].file, cases[i].text);
        assert_null(load(&stage));
        if (cases[i].fault != NULL) {
            assert_string_equal(stage.report, cases[i].fault);
        } else {
            assert_non_null(strstr(stage.report, "aids.csv:1: "));
        }
        stage_clear(&stage);
    }
}

static void test_a_file_that_is_not_there_is_a_fault(void **state)
{
    (void)state;
    static struct stage stage;
    stage_set(&stage);
    snprintf(stage.options.tables.aids, OPTION_PATH_SIZE, "%s/none.csv", stage.folder);
    assert_null(load(&stage));
    assert_string_equal(stage.report,
                        "none.csv: cannot be read: no such file, or it may not be opened\n");
    stage_clear(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_demo_offers_published_keys_and_parameters),
        cmocka_unit_test(test_no_files_offer_nothing),
        cmocka_unit_test(test_faults_name_file_line_and_expectation),
        cmocka_unit_test(test_a_file_that_is_not_there_is_a_fault),
    };
    return cmocka_run_group_tests_name("switch/download_load", tests, NULL, NULL);
}
