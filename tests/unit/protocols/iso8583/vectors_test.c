/* Outside judges of the two dialects that carry most: messages from public traces and test suites.
 */
#include "tests/unit/protocols/iso8583/vectors_stage.h"

static bool is_one_of(const char *id, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strcmp(id, *list) == 0) {
            return true;
        }
    }
    return false;
}

static void test_unionpay_traces_are_read_and_rebuilt(void **state)
{
    (void)state;
    /* V26, V27: a dialect of their own, F60 in 64 characters. V04 is malformed: see below. */
    static const char *const others[] = {"V04", "V26", "V27", NULL};
    FILE *file = open_vectors("unionpay_pos.jsonl");
    struct spec *spec = unionpay();
    struct vector vector = {0};
    int count = 0;
    while (next_vector(file, &vector)) {
        if (!is_one_of(vector.id, others)) {
            check_good(&vector, spec);
            count++;
        }
    }
    assert_true(count >= 30);
    spec_destroy(spec);
    fclose(file);
}

static void test_rows_of_the_general_file_are_read_and_rebuilt(void **state)
{
    (void)state;
    static const char *const characters[] = {"jpos-iso87a-full",
                                             "jpos-iso87a-f64",
                                             "moov-0100-basic",
                                             "moov-dat-iso-reversal-message",
                                             "moov-dat-financial-transaction-message",
                                             "moov-dat-financial-transaction-message-response",
                                             "moov-dat-network-management-message",
                                             "moov-dat-network-management-message-response",
                                             NULL};
    /* Two framing cases, and the message of V03 with its pad nibble counted as a digit. */
    static const char *const others[] = {"cup-0800-download-aid", "cup-http-wrapped-0800",
                                         "cup-codetd-0200-emv", NULL};
    FILE *file = open_vectors("iso8583.jsonl");
    struct spec *pos = unionpay();
    struct spec *bank = ascii();
    struct vector vector = {0};
    int count = 0;
    while (next_vector(file, &vector)) {
        if (is_one_of(vector.id, characters)) {
            check_good(&vector, bank);
            count++;
        } else if (strncmp(vector.id, "cup-", 4) == 0 && !is_one_of(vector.id, others)) {
            check_good(&vector, pos);
            count++;
        }
    }
    assert_int_equal(count, 8 + 14);
    spec_destroy(pos);
    spec_destroy(bank);
    fclose(file);
}

struct refusal {
    const char *file, *id;
    enum status status;
    unsigned field;
    const char *reason;
};

static void check_refusal(const struct refusal *refusal, const struct spec *spec, uint32_t before)
{
    FILE *file = open_vectors(refusal->file);
    struct vector vector = {0};
    static struct message message;
    struct message_fault fault = {0};
    while (next_vector(file, &vector)) {
        if (strcmp(vector.id, refusal->id) != 0) {
            continue;
        }
        vector.message.bytes += before;
        vector.message.length -= before;
        assert_int_equal(message_parse(&message, spec, vector.message, &fault), refusal->status);
        assert_int_equal(fault.field, refusal->field);
        assert_string_equal(fault.reason, refusal->reason);
        json_decref(vector.row);
        fclose(file);
        return;
    }
    fail_msg("no row %s", refusal->id);
}

static void test_malformed_rows_are_refused_with_field_and_byte(void **state)
{
    (void)state;
    fclose(open_vectors("iso8583.jsonl")); /* skips before anything is held */
    struct spec *pos = unionpay();
    struct spec *bank = ascii();
    check_refusal(&(struct refusal){"unionpay_pos.jsonl", "V04", STATUS_MALFORMED, 0,
                                    "10 bytes are left after field 64, the last in the bitmap"},
                  pos, 0);
    check_refusal(
        &(struct refusal){
            "iso8583.jsonl", "moov-dat-error-message", STATUS_TRUNCATED, 55,
            "field 55 ends 9 bytes after the message: 30 needed at byte 185, 21 left"},
        bank, 0);
    check_refusal(&(struct refusal){"iso8583.jsonl", "moov-third-bitmap", STATUS_UNKNOWN, 65,
                                    "field 65 is set in the bitmap, but iso8583-1987-ascii has no "
                                    "such field"},
                  bank, 0);
    static const char mixed[] =
        "{name: mixed, mti: ascii, bitmap: {coding: binary}, fields: {11: {name: stan, format: n6},"
        " 39: {name: response_code, format: an2}, 41: {name: terminal_id, format: ans8}}}";
    struct document *document = yaml_file_parse("mixed", mixed, sizeof(mixed) - 1);
    struct spec *spec = spec_compile(document);
    assert_non_null(spec);
    check_refusal(
        &(struct refusal){"iso8583.jsonl", "jmeter41-negative", STATUS_TRUNCATED, 41,
                          "field 41 ends 6 bytes after the message: 8 needed at byte 20, 2 left"},
        spec, 5);
    document_destroy(document);
    spec_destroy(spec);
    spec_destroy(pos);
    spec_destroy(bank);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unionpay_traces_are_read_and_rebuilt),
        cmocka_unit_test(test_rows_of_the_general_file_are_read_and_rebuilt),
        cmocka_unit_test(test_malformed_rows_are_refused_with_field_and_byte),
    };
    return cmocka_run_group_tests_name("protocols/iso8583/vectors", tests, NULL, NULL);
}
