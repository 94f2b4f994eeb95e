/* dialect_compile: each fault of a file is told with its line. */
#include "protocols/dialect/table.h"
#include "tests/unit/protocols/dialect/stage.h"

#define SPEC                                                                                       \
    "name: t\nheader: 0\nmti: ascii\nbitmap: {coding: hex, secondary: false}\nmac: 64\n"           \
    "codings: {n: ascii, z: ascii, b: hex, length: ascii}\n"                                       \
    "fields:\n"                                                                                    \
    "  3: {name: processing_code, format: n6}\n"                                                   \
    "  11: {name: stan, format: n6}\n"                                                             \
    "  41: {name: terminal_id, format: ans8}\n"                                                    \
    "  52: {name: pin_block, format: b8}\n"                                                        \
    "  60: {name: custom_60, format: n..19 LLL}\n"                                                 \
    "  61: {name: original, format: n12}\n"                                                        \
    "  64: {name: mac, format: b8}\n"
#define FIELDS                                                                                     \
    "mapping:\n  fields:\n    3: processing_code\n    11: stan\n    41: terminal_id\n    60:\n"    \
    "      - {part: type_code, digits: 2}\n"
#define LAYOUTS "  layouts:\n    all: {required: [3, 11], optional: [41]}\n"
#define ROW                                                                                        \
    "  - {kind: purchase, mti: [0200, 0210], key: {processing_code: 00xx00}, mac: never, "         \
    "layouts: [all, all]}\n"
#define TRANSACTIONS "transactions:\n" ROW

/* The first fault of a text; "" when it compiles. */
static void assert_fault(const char *text, const char *expected)
{
    struct document *document = yaml_file_parse("t.yaml", text, (uint32_t)strlen(text));
    assert_non_null(document);
    struct dialect *dialect = dialect_compile(document);
    if (expected[0] == '\0') {
        for (uint32_t i = 0; i < document_fault_count(document); i++) {
            print_error("%s\n", document_fault_text(document, i));
        }
        assert_non_null(dialect);
        assert_int_equal(document_fault_count(document), 0);
    } else {
        assert_null(dialect);
        assert_true(document_fault_count(document) > 0);
        const char *fault = document_fault_text(document, 0);
        if (strstr(fault, expected) == NULL) {
            assert_string_equal(fault, expected);
        }
    }
    dialect_destroy(dialect);
    document_destroy(document);
}

static void test_a_small_file_compiles(void **state)
{
    (void)state;
    assert_fault(SPEC FIELDS LAYOUTS TRANSACTIONS, "");
}

static void test_faults_of_the_mapping_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {SPEC FIELDS "    61.A3: pay_code\n" LAYOUTS TRANSACTIONS,
         "field 61 has no parts in this spec"},
        {SPEC TRANSACTIONS, "a dialect needs \"mapping\" with \"fields\" and \"layouts\""},
        {SPEC FIELDS LAYOUTS, "a dialect needs \"transactions\""},
        {"name: t\n" FIELDS LAYOUTS TRANSACTIONS, "t.yaml:"},
        {SPEC "mapping:\n  fields:\n    3: colour\n" LAYOUTS TRANSACTIONS,
         "t.yaml:17:5: \"colour\" is no part of a payment"},
        {SPEC "mapping:\n  fields:\n    5: stan\n" LAYOUTS TRANSACTIONS, "the spec has no field 5"},
        {SPEC "mapping:\n  fields:\n    x: stan\n" LAYOUTS TRANSACTIONS,
         "expected a field from 2 to 192, got \"x\""},
        {SPEC "mapping:\n  fields: [3]\n" LAYOUTS TRANSACTIONS,
         "\"fields\" is a mapping of field numbers"},
        {SPEC "mapping:\n  fields:\n    41: stan\n" LAYOUTS TRANSACTIONS,
         "field 41 (terminal_id) cannot carry stan"},
        {SPEC "mapping:\n  fields:\n    52: terminal_id\n" LAYOUTS TRANSACTIONS,
         "field 52 (pin_block) cannot carry terminal_id"},
        {SPEC "mapping:\n  fields:\n    41: currency\n" LAYOUTS TRANSACTIONS,
         "field 41 (terminal_id) cannot carry currency"},
        {SPEC "mapping:\n  fields:\n    11: pin\n" LAYOUTS TRANSACTIONS,
         "field 11 (stan) cannot carry pin"},
        {SPEC "mapping:\n  fields:\n    60: [{part: stan}]\n" LAYOUTS TRANSACTIONS,
         "\"digits\" is missing"},
        {SPEC "mapping:\n  fields:\n    60: [{digits: 2}]\n" LAYOUTS TRANSACTIONS,
         "a sub-field needs \"digits\", and \"part\" or a constant \"value\""},
        {SPEC "mapping:\n  fields:\n    60: [{part: pan, digits: 12}]\n" LAYOUTS TRANSACTIONS,
         "pan is neither text nor number"},
        {SPEC "mapping:\n  fields:\n    60: [{part: type_code, digits: 3}]\n" LAYOUTS TRANSACTIONS,
         "expected a number from 1 to 2, got \"3\""},
        {SPEC
         "mapping:\n  fields:\n    60: [{part: type_code, digits: [1]}]\n" LAYOUTS TRANSACTIONS,
         "expected a number from 1 to 2, got \"a list\""},
        {SPEC "mapping:\n  fields:\n    60: [{part: type_code, digits: 2, zeros: no}]\n" LAYOUTS
             TRANSACTIONS,
         "\"zeros\" may only say \"absent\""},
        {SPEC
         "mapping:\n  fields:\n    61: [{part: original_stan, digits: 6}]\n" LAYOUTS TRANSACTIONS,
         "field 61 has 12 digits, its sub-fields 6"},
        {SPEC
         "mapping:\n  fields:\n    11: [{part: original_stan, digits: 9}]\n" LAYOUTS TRANSACTIONS,
         "the 9 digits of these sub-fields do not fit field 11 (stan): 6 digits"},
        {SPEC "mapping:\n  fields:\n    3: {answer: stan}\n" LAYOUTS TRANSACTIONS, "answer"},
        {SPEC FIELDS "  layouts: [a]\n" TRANSACTIONS, "\"layouts\" is a mapping of names"},
        {SPEC FIELDS "  layouts:\n    all: {required: 3}\n" TRANSACTIONS,
         "\"required\" is a list of fields"},
        {SPEC FIELDS "  layouts:\n    all: {required: [52]}\n" TRANSACTIONS,
         "layout all holds field 52, which is not mapped for a request"},
        {SPEC FIELDS "  layouts:\n    all: {required: [[3]]}\n" TRANSACTIONS,
         "expected a field from 2 to 192, got \"a list\""},
        {SPEC FIELDS "  layouts:\n    a_name_of_more_than_thirty_one_letters: {}\n" TRANSACTIONS,
         "a name of more than 31 characters"},
        {SPEC "mapping:\n  fields:\n    3: processing_code\n    11: {request: stan}\n"
              "    41: terminal_id\n" LAYOUTS TRANSACTIONS,
         "layout all holds field 11, which is not mapped for a response"},
        {SPEC FIELDS LAYOUTS "  mac_response_codes: [0]\n" TRANSACTIONS,
         "expected a response code of 2 characters"},
        {SPEC FIELDS LAYOUTS "  pin_formats: {x: 0}\n" TRANSACTIONS,
         "expected the first digit of field 53"},
        {SPEC FIELDS LAYOUTS "  pin_formats: {1: 7}\n" TRANSACTIONS,
         "expected a number from 0 to 4, got \"7\""},
        {SPEC FIELDS LAYOUTS "  currency: CNY\n" TRANSACTIONS,
         "expected a number from 1 to 999, got \"CNY\""},
        {SPEC FIELDS LAYOUTS "  colour: red\n" TRANSACTIONS, "colour"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_fault(cases[i].text, cases[i].fault);
    }
}

#define WITH(row) SPEC FIELDS LAYOUTS "transactions:\n" row

static void test_faults_of_transactions_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {WITH("  - purchase\n"), "expected a transaction in braces"},
        {WITH("  - {kind: barter, mti: [0200, 0210], mac: never, layouts: [all, all]}\n"),
         "\"barter\" is not a transaction kind such as purchase, reversal or signon"},
        {WITH("  - {kind: purchase, mti: [0200], mac: never, layouts: [all, all]}\n"),
         "expected two message types"},
        {WITH("  - {kind: purchase, mac: never, layouts: [all, all]}\n"),
         "expected two message types"},
        {WITH("  - {kind: purchase, mti: [0200, 21x0], mac: never, layouts: [all, all]}\n"),
         "a message type is four digits"},
        {WITH("  - {kind: purchase, mti: [0200, 0210], mac: no, layouts: [all, all]}\n"),
         "\"mac\" is never, optional or required, got \"no\""},
        {WITH("  - {kind: purchase, mti: [0200, 0210], mac: never}\n"),
         "expected \"layouts\" with two names"},
        {WITH("  - {kind: purchase, mti: [0200, 0210], mac: never, layouts: [all, none]}\n"),
         "no layout is called \"none\""},
        {WITH("  - {kind: purchase, mti: [0200, 0210], mac: never, key: {colour: 1}, layouts: "
              "[all, all]}\n"),
         "a key has processing_code (6)"},
        {WITH("  - {kind: purchase, mti: [0200, 0210], mac: never, key: {type_code: 123}, "
              "layouts: [all, all]}\n"),
         "a key has processing_code (6)"},
        {WITH("  - {kind: purchase, mti: [0200, 0210], mac: never, key: {type_code: 2y}, "
              "layouts: [all, all]}\n"),
         "expected digits, or x for any, got \"2y\""},
        {WITH("  - {kind: purchase, mti: [0200, 0210], mac: never, shade: red, layouts: [all, "
              "all]}\n"),
         "shade"},
        {WITH(ROW ROW), "purchase has the message type and key of purchase: two transactions with "
                        "one key"},
        {WITH(ROW "  - {kind: void, mti: [0210, 0220], mac: never, layouts: [all, all]}\n"),
         "message type 0210 is used as request and response, or as first and repeat"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_fault(cases[i].text, cases[i].fault);
    }
}

static void test_too_many_of_a_thing_are_refused(void **state)
{
    (void)state;
    static char text[64000];
    size_t length =
        (size_t)snprintf(text, sizeof(text), "%s", SPEC FIELDS LAYOUTS "transactions:\n");
    size_t start = length;
    for (int i = 0; i < DIALECT_ROW_COUNT_MAX + 1; i++) {
        length += (size_t)snprintf(text + length, sizeof(text) - length,
                                   "  - {kind: purchase, mti: [0200, 0210], key: {processing_code: "
                                   "%06d}, mac: never, layouts: [all, all]}\n",
                                   i);
    }
    assert_fault(text, "and 120 of them at most");
    length = start;
    for (int i = 0; i < DIALECT_MTI_COUNT_MAX / 2 + 1; i++) {
        length += (size_t)snprintf(text + length, sizeof(text) - length,
                                   "  - {kind: purchase, mti: [%04d, %04d], mac: never, layouts: "
                                   "[all, all]}\n",
                                   i, i + 5000);
    }
    assert_fault(text, "more than 48 message types");
    length = (size_t)snprintf(text, sizeof(text), "%s", SPEC FIELDS "  layouts:\n");
    for (int i = 0; i < DIALECT_LAYOUT_COUNT_MAX + 1; i++) {
        length += (size_t)snprintf(text + length, sizeof(text) - length, "    l%d: {}\n", i);
    }
    snprintf(text + length, sizeof(text) - length, "%s", TRANSACTIONS);
    assert_fault(text, "more than 64 layouts");
    length = (size_t)snprintf(text, sizeof(text), "%s", SPEC "mapping:\n  fields:\n    60:\n");
    for (int i = 0; i < DIALECT_SUBFIELD_COUNT_MAX + 1; i++) {
        length += (size_t)snprintf(text + length, sizeof(text) - length,
                                   "      - {part: stan, digits: 1, rest: true}\n");
    }
    snprintf(text + length, sizeof(text) - length, "%s", LAYOUTS TRANSACTIONS);
    assert_fault(text, "more than 32 sub-fields");
}

/* What the first kind of transaction may tell the cashier, where field 63 has that format. */
static unsigned words_of(const char *format)
{
    char text[4096];
    snprintf(text, sizeof(text), "%s  63: {name: custom_63, format: %s}\n%s%s%s%s", SPEC, format,
             FIELDS "    63: custom_63\n",
             "  layouts:\n    all: {required: [3, 11], optional: [41]}\n",
             "    told: {required: [3, 11], optional: [41, 63]}\n",
             "transactions:\n  - {kind: purchase, mti: [0200, 0210], key: {processing_code: "
             "00xx00}, mac: never, layouts: [all, told]}\n");
    struct document *document = yaml_file_parse("t.yaml", text, (uint32_t)strlen(text));
    struct dialect *dialect = dialect_compile(document);
    assert_non_null(dialect);
    unsigned words = dialect->rows[0].answer_words;
    dialect_destroy(dialect);
    document_destroy(document);
    return words;
}

static void test_the_format_of_field_63_says_what_a_cashier_can_be_told(void **state)
{
    (void)state;
    assert_int_equal(words_of("ans..163 LLL, characters: gbk"), PAYMENT_WORDS_LOCAL);
    assert_int_equal(words_of("ans..123 LLL, characters: any"), PAYMENT_WORDS_LOCAL);
    assert_int_equal(words_of("ans..123 LLL"), PAYMENT_WORDS_PLAIN);
    assert_int_equal(words_of("ans..122 LLL"), PAYMENT_WORDS_NONE); /* the text would not fit */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_small_file_compiles),
        cmocka_unit_test(test_faults_of_the_mapping_are_told),
        cmocka_unit_test(test_faults_of_transactions_are_told),
        cmocka_unit_test(test_too_many_of_a_thing_are_refused),
        cmocka_unit_test(test_the_format_of_field_63_says_what_a_cashier_can_be_told),
    };
    return cmocka_run_group_tests_name("protocols/dialect/compile", tests, NULL, NULL);
}
