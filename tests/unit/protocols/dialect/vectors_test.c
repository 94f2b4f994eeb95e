/* Outside judges: the messages of public UnionPay traces, read as payments, when the folder of
 * vectors is there (TILLWAY_VECTORS, or shared/vectors beside the source tree). */
#include "tests/unit/protocols/dialect/stage.h"

#include <jansson.h>
#include <stdlib.h>

#include "protocols/frame.h"

#define LINE_SIZE 32768

static struct dialect *dialect;

static int set_up(void **state)
{
    (void)state;
    dialect = stage_dialect("unionpay-pos");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dialect_destroy(dialect);
    return 0;
}

static FILE *open_vectors(const char *name)
{
    const char *folder = getenv("TILLWAY_VECTORS");
    char path[512];
    snprintf(path, sizeof(path), "%s/%s",
             folder != NULL ? folder : TILLWAY_SOURCE_DIR "/../shared/vectors", name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        print_message("no vectors at %s: skipped\n", path);
        skip();
    }
    return file;
}

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text != NULL ? text : "";
}

/* The row called `id`; NULL: not in the file. */
static json_t *find_row(const char *name, const char *id)
{
    static char line[LINE_SIZE];
    FILE *file = open_vectors(name);
    json_t *found = NULL;
    while (found == NULL && fgets(line, sizeof(line), file) != NULL) {
        json_t *row = json_loads(line, JSON_ALLOW_NUL, NULL);
        if (row != NULL && strcmp(text_of(row, "id"), id) == 0) {
            found = row;
        } else {
            json_decref(row);
        }
    }
    fclose(file);
    assert_non_null(found);
    return found;
}

/* What every row of the transaction table must be read as. */
static const struct {
    const char *id;
    enum payment_kind kind;
    enum payment_leg leg;
    enum status status;
    unsigned field; /* of the fault */
} EXPECTED[] = {
    {"V01", PAYMENT_SIGNON, PAYMENT_REQUEST, STATUS_OK, 0},
    {"V02", PAYMENT_SIGNON, PAYMENT_RESPONSE, STATUS_OK, 0},
    {"V03", PAYMENT_PURCHASE, PAYMENT_REQUEST, STATUS_OK, 0},
    {"V05", PAYMENT_REVERSAL, PAYMENT_REQUEST, STATUS_OK, 0},
    {"V06", PAYMENT_PURCHASE, PAYMENT_REQUEST, STATUS_OK, 0},
    {"V07", PAYMENT_SIGNON, PAYMENT_RESPONSE, STATUS_OK, 0},
    {"V08", PAYMENT_PURCHASE, PAYMENT_RESPONSE, STATUS_OK, 0},
    {"V09", PAYMENT_REVERSAL, PAYMENT_RESPONSE, STATUS_OK, 0},
    {"V10", PAYMENT_PURCHASE, PAYMENT_RESPONSE, STATUS_OK, 0},
    {"V11", PAYMENT_SIGNON, PAYMENT_RESPONSE, STATUS_OK, 0},
    {"V12", PAYMENT_SIGNON, PAYMENT_RESPONSE, STATUS_OK, 0},
    {"V13", PAYMENT_SIGNON, PAYMENT_REQUEST, STATUS_OK, 0},
    {"V14", PAYMENT_SIGNON, PAYMENT_RESPONSE, STATUS_OK, 0},
    {"V15", PAYMENT_PURCHASE, PAYMENT_REQUEST, STATUS_OK, 0},
    {"V16", PAYMENT_SETTLEMENT, PAYMENT_REQUEST, STATUS_OK, 0},
    {"V17", PAYMENT_ECHO, PAYMENT_REQUEST, STATUS_OK, 0},
    {"V18", PAYMENT_SIGNON, PAYMENT_RESPONSE, STATUS_OK, 0},
    {"V19", PAYMENT_SIGNON, PAYMENT_RESPONSE, STATUS_OK, 0},
    {"V20", PAYMENT_PURCHASE, PAYMENT_RESPONSE, STATUS_OK, 0},
    {"V21", PAYMENT_SIGNON, PAYMENT_REQUEST, STATUS_OK, 0},
    {"V22", PAYMENT_SIGNON, PAYMENT_REQUEST, STATUS_OK, 0},
    {"V23", PAYMENT_SIGNON, PAYMENT_REQUEST, STATUS_OK, 0},
    {"V24", PAYMENT_PURCHASE, PAYMENT_REQUEST, STATUS_OK, 0},
    {"V25", PAYMENT_UNKNOWN, PAYMENT_REQUEST, STATUS_UNKNOWN, 0}, /* its own condition and type */
    {"W02", PAYMENT_SIGNON, PAYMENT_REQUEST, STATUS_OK, 0},
    {"W03", PAYMENT_SIGNON, PAYMENT_RESPONSE, STATUS_OK, 0},
    {"W07", PAYMENT_PURCHASE, PAYMENT_REQUEST, STATUS_OK, 0},
    {"W09", PAYMENT_PURCHASE, PAYMENT_RESPONSE, STATUS_OK, 0},
    {"W10", PAYMENT_REVERSAL, PAYMENT_REQUEST, STATUS_OK, 0},
    {"W14", PAYMENT_SETTLEMENT, PAYMENT_REQUEST, STATUS_OK, 0},
    {"W17", PAYMENT_ECHO, PAYMENT_REQUEST, STATUS_OK, 0},
    {"W18", PAYMENT_SIGNOFF, PAYMENT_REQUEST, STATUS_OK, 0},
    /* this centre answers without 12 and 13 */
    {"X-capk-list", PAYMENT_CA_KEY_LIST, PAYMENT_RESPONSE, STATUS_MISSING, 12},
};

/* Parses the message of a row into `message`; its bytes stay in `stage`. */
static void parse_row(const json_t *row, struct stage_message *stage)
{
    static const uint8_t header[6];
    const char *framing = text_of(row, "framing");
    const char *hex = text_of(row, "hex");
    uint32_t skip = strncmp(framing, "len", 3) == 0 ? 14 : strcmp(framing, "bare") == 0 ? 0 : 10;
    byte_writer_init(&stage->writer, stage->bytes, sizeof(stage->bytes));
    if (skip == 0) {
        byte_writer_put(&stage->writer, header, sizeof(header));
    }
    assert_int_equal(bytes_from_hex(&stage->writer, hex + skip, (uint32_t)strlen(hex + skip)),
                     STATUS_OK);
    stage_parse(stage, dialect);
}

static void test_traces_are_read_as_what_they_are(void **state)
{
    (void)state;
    static struct stage_message stage;
    static struct payment payment;
    for (size_t i = 0; i < COUNT_OF(EXPECTED); i++) {
        json_t *row = find_row("unionpay_pos.jsonl", EXPECTED[i].id);
        parse_row(row, &stage);
        enum status status = dialect_read(dialect, &stage.message, &payment, &stage.fault);
        if (status != EXPECTED[i].status) {
            print_error("%s: %s\n", EXPECTED[i].id, stage.fault.reason);
        }
        assert_int_equal(status, EXPECTED[i].status);
        assert_int_equal(stage.fault.field, EXPECTED[i].field);
        assert_int_equal(payment.kind, EXPECTED[i].kind);
        assert_int_equal(payment.leg, EXPECTED[i].leg);
        const json_t *fields = json_object_get(row, "fields");
        assert_string_equal(payment.terminal_id, text_of(fields, "41"));
        if (payment.kind == PAYMENT_REVERSAL) {
            assert_int_equal(payment.original_kind, PAYMENT_PURCHASE);
        }
        json_decref(row);
    }
}

/* What the terminals of two traces tell of themselves. */
static void test_devices_are_read_out_of_traces(void **state)
{
    (void)state;
    static struct stage_message stage;
    static const struct {
        const char *file, *id, *serial, *firmware;
        unsigned flags;
    } rows[] = {{"unionpay_pos.jsonl", "V03", "0000290210015708", "H7062801",
                 DEVICE_NOTE_HAS_POSITION | DEVICE_NOTE_POSITION_ZERO},
                {"iso8583.jsonl", "cup-pay-request", "00002402106870000001", "V0.0.3.0", 0}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct device_note note = {.is_told = false};
        json_t *row = find_row(rows[i].file, rows[i].id);
        parse_row(row, &stage);
        if (message_has(&stage.message, 59)) {
            device_note_read_59(&note, message_raw(&stage.message, 59));
        }
        if (message_has(&stage.message, 46)) {
            device_note_read_46(&note, message_raw(&stage.message, 46));
            device_note_read_62(&note, message_raw(&stage.message, 62));
            assert_int_not_equal(note.cell, 0);
        }
        assert_string_equal(note.serial, rows[i].serial);
        assert_string_equal(note.firmware, rows[i].firmware);
        assert_int_equal(note.flags, rows[i].flags);
        const char *pan = text_of(json_object_get(row, "fields"), "2");
        assert_string_equal(note.random_factor, pan + strlen(pan) - 6);
        json_decref(row);
    }
}

/* A message that was read and written again has the fields of the original, and no others than its
 * layout names. */
static void test_the_computed_conversation_is_written_again_byte_for_byte(void **state)
{
    (void)state;
    static const char *const ids[] = {"W02", "W03", "W09", "W10", "W14", "W17", "W18"};
    static struct stage_message stage, again;
    static struct payment payment;
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        json_t *row = find_row("unionpay_pos.jsonl", ids[i]);
        parse_row(row, &stage);
        assert_int_equal(dialect_read(dialect, &stage.message, &payment, &stage.fault), STATUS_OK);
        bool with_mac = dialect_has_mac(dialect, &payment);
        assert_int_equal(stage_build(&again, dialect, &payment, with_mac), STATUS_OK);
        uint32_t length = again.writer.position - (with_mac ? 8 : 0);
        assert_int_equal(again.writer.position, stage.writer.position);
        assert_memory_equal(again.bytes + 6, stage.bytes + 6, length - 6);
        json_decref(row);
    }
}

static void test_a_message_wrapped_in_http_is_found(void **state)
{
    (void)state;
    static uint8_t bytes[2048];
    static struct payment payment;
    static const struct framing framing = {.length_kind = FRAME_BINARY_2,
                                           .has_tpdu = true,
                                           .may_be_http = true,
                                           .length_max = FRAME_LENGTH_MAX};
    json_t *row = find_row("iso8583.jsonl", "cup-http-wrapped-0800");
    const char *hex = text_of(row, "hex");
    struct byte_writer writer;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    assert_int_equal(bytes_from_hex(&writer, hex, (uint32_t)strlen(hex)), STATUS_OK);
    struct frame frame;
    struct frame_fault fault;
    uint32_t consumed = 0;
    enum status status = STATUS_TRUNCATED;
    for (uint32_t length = 0; length <= writer.position && status == STATUS_TRUNCATED; length++) {
        status =
            frame_parse(&frame, &consumed, &framing, (struct byte_view){bytes, length}, &fault);
    }
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(consumed, writer.position);
    assert_true(frame.is_http);
    struct message message;
    struct message_fault message_fault;
    struct dialect_fault dialect_fault;
    assert_int_equal(message_parse(&message, dialect_spec(dialect), frame.message, &message_fault),
                     STATUS_OK);
    assert_int_equal(dialect_read(dialect, &message, &payment, &dialect_fault), STATUS_OK);
    assert_int_equal(payment.kind, PAYMENT_SIGNON);
    assert_string_equal(payment.terminal_id, "10000159");
    json_decref(row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_traces_are_read_as_what_they_are),
        cmocka_unit_test(test_devices_are_read_out_of_traces),
        cmocka_unit_test(test_the_computed_conversation_is_written_again_byte_for_byte),
        cmocka_unit_test(test_a_message_wrapped_in_http_is_found),
    };
    return cmocka_run_group_tests_name("protocols/dialect/vectors", tests, set_up, tear_down);
}
