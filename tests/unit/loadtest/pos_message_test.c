/* The terminal's messages, held against worked ones: a sale with its MAC, a sign-on's keys. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "loadtest/pos_message.h"
#include "loadtest/spec_file.h"
#include "protocols/device_note.h"
#include "protocols/iso8583/message.h"

#define FIELD_SIZE 256

static struct spec *spec;
static struct pos_writer *writer;

static int spec_load(void **state)
{
    (void)state;
    spec = spec_file_spec(TILLWAY_SOURCE_DIR "/config/specs/unionpay-pos.yaml", stderr);
    writer = spec == NULL ? NULL : pos_writer_create(spec);
    return writer == NULL ? -1 : 0;
}

static int spec_free(void **state)
{
    (void)state;
    pos_writer_destroy(writer);
    spec_destroy(spec);
    return 0;
}

static struct tdes_key key_of(const char *hex)
{
    struct tdes_key key = {.length = (uint8_t)(strlen(hex) / 2)};
    struct byte_writer bytes;
    byte_writer_init(&bytes, key.bytes, sizeof key.bytes);
    assert_int_equal(bytes_from_hex(&bytes, hex, (uint32_t)strlen(hex)), STATUS_OK);
    return key;
}

static struct pos_identity identity_of_the_example(void)
{
    struct pos_identity identity = {
        .terminal_id = "10000019", .merchant_id = "898310059990001", .batch = 1};
    identity.pin_key = key_of("1C587F1C13924FEFA1B2C3D4E5F60718");
    identity.mac_key = key_of("3E62D5A1F08C4B97");
    return identity;
}

static struct pos_request purchase_of_the_example(enum pos_entry entry)
{
    struct pos_request purchase = {.stan = 2, .amount = 12345, .entry = entry};
    snprintf(purchase.card.pan, sizeof purchase.card.pan, "6225000000000014");
    snprintf(purchase.card.pin, sizeof purchase.card.pin, "123456");
    snprintf(purchase.card.expiry, sizeof purchase.card.expiry, "3012");
    snprintf(purchase.card.sequence, sizeof purchase.card.sequence, "001");
    snprintf(purchase.card.track2, sizeof purchase.card.track2, "%s",
             "6225000000000014=30122010000000000000");
    return purchase;
}

static void assert_frame(struct byte_view frame, const char *expected)
{
    char hex[2 * POS_FRAME_BYTES_MAX + 1];
    bytes_to_hex(hex, frame.bytes, frame.length);
    assert_string_equal(hex, expected);
}

static void test_a_magnetic_sale_is_the_worked_one_byte_for_byte(void **state)
{
    (void)state;
    struct pos_identity identity = identity_of_the_example();
    struct pos_request purchase = purchase_of_the_example(POS_MAGNETIC_PIN);
    assert_frame(pos_build_request(writer, &identity, &purchase),
                 "007460000300006032003100000200302004C020C0981100000000000001234500000202100012"
                 "376225000000000014D30122010000000000000031303030303031393839383331303035393939"
                 "30303031313536F44513C235B43E19260000000000000000142200000100050044394531344335"
                 "43");
}

static void test_its_reversal_is_the_worked_one(void **state)
{
    (void)state;
    struct pos_identity identity = identity_of_the_example();
    struct pos_request purchase = purchase_of_the_example(POS_MAGNETIC_PIN);
    assert_frame(pos_build_reversal(writer, &identity, &purchase, "98"),
                 "005A6000030000603200310000040070200480" /* W10 */
                 "02C080111662250000000000140000000000000123450000020210003938313030303030313938"
                 "3938333130303539393930303031313536001422000001000500"
                 "4545353546383042");
}

static void test_working_keys_open_and_wrong_check_values_are_refused(void **state)
{
    (void)state;
    struct tdes_key master = key_of("0123456789ABCDEFFEDCBA9876543210");
    struct pos_identity identity = {.batch = 0};
    uint8_t field[40];
    struct byte_writer bytes;
    byte_writer_init(&bytes, field, sizeof field);
    assert_int_equal(bytes_from_hex(&bytes,
                                    "01E9D8DA9182FC1FFD7AF640961CDB8B5F8C1F9D478CCA693A53BE3A00000"
                                    "000000000002579028E",
                                    80),
                     STATUS_OK);
    struct byte_view view = {field, sizeof field};
    assert_int_equal(pos_keys_open(writer, &master, view, &identity), STATUS_OK);
    struct tdes_key mac_key = key_of("3E62D5A1F08C4B97");
    assert_int_equal(identity.mac_key.length, 8);
    assert_memory_equal(identity.mac_key.bytes, mac_key.bytes, 8);
    field[39] ^= 1;
    assert_int_equal(pos_keys_open(writer, &master, view, &identity), STATUS_BAD_VALUE);
    view.length = 39;
    assert_int_equal(pos_keys_open(writer, &master, view, &identity), STATUS_MALFORMED);
}

static void test_an_answer_is_read_and_its_mac_judged(void **state)
{
    (void)state;
    struct pos_identity identity = identity_of_the_example();
    struct pos_request purchase = purchase_of_the_example(POS_CHIP_PIN);
    struct byte_view sent = pos_build_request(writer, &identity, &purchase);
    uint8_t frame[POS_FRAME_BYTES_MAX];
    struct pos_answer answer;
    char fault[160] = "";
    memcpy(frame, sent.bytes, sent.length);
    struct byte_view view = {frame, sent.length};
    assert_int_equal(pos_read(writer, &identity, view, &answer, fault), STATUS_OK);
    assert_string_equal(answer.mti, "0200");
    assert_int_equal(answer.stan, 2);
    assert_int_equal(answer.amount, 12345);
    assert_int_equal(answer.batch, 1);
    assert_true(answer.is_mac_right);
    frame[sent.length - 1] ^= 1;
    assert_int_equal(pos_read(writer, &identity, view, &answer, fault), STATUS_OK);
    assert_false(answer.is_mac_right);
    view.length = 40;
    assert_int_equal(pos_read(writer, &identity, view, &answer, fault), STATUS_MALFORMED);
    assert_true(strlen(fault) > 0);
}

/* The original that a follow-up of the example names. */
static struct pos_original original_of_the_example(void)
{
    return (struct pos_original){.kind = POS_PURCHASE,
                                 .batch = 1,
                                 .stan = 2,
                                 .date = "1128",
                                 .rrn = "000010000042",
                                 .auth_code = "000777",
                                 .acquirer_id = "48021000"};
}

static void field_of(struct byte_view frame, unsigned field, char text[FIELD_SIZE])
{
    struct message message;
    struct message_fault fault;
    struct byte_view bytes = {frame.bytes + POS_HEAD_BYTES, frame.length - POS_HEAD_BYTES};
    assert_int_equal(message_parse(&message, spec, bytes, &fault), STATUS_OK);
    text[0] = '\0';
    message_text(&message, field, text, FIELD_SIZE);
}

static void test_every_kind_says_what_the_scheme_s_table_says(void **state)
{
    (void)state;
    struct pos_identity identity = identity_of_the_example();
    for (unsigned kind = 0; kind < POS_KIND_COUNT; kind++) {
        const struct pos_kind_row *row = pos_kind_row((enum pos_kind)kind);
        struct pos_request request = purchase_of_the_example(POS_CHIP);
        struct pos_answer read;
        char fault[160], text[FIELD_SIZE];
        request.kind = (enum pos_kind)kind;
        request.original = original_of_the_example();
        struct byte_view frame = pos_build_request(writer, &identity, &request);
        assert_int_equal(pos_read(writer, &identity, frame, &read, fault), STATUS_OK);
        assert_string_equal(read.mti, row->mti);
        assert_int_equal(read.stan, 2);
        assert_true(read.is_mac_right);
        field_of(frame, 60, text);
        assert_memory_equal(text, row->type_code, 2);
        assert_memory_equal(text + 2, "000001", 6);
        if (row->processing_code[0] != '\0') {
            field_of(frame, 3, text);
            assert_string_equal(text, row->processing_code);
            field_of(frame, 25, text);
            assert_string_equal(text, row->condition_code);
        }
        assert_int_equal(pos_kind_from_name(row->name), kind);
    }
}

static void test_follow_ups_name_their_original_as_their_message_does(void **state)
{
    (void)state;
    static const struct {
        enum pos_kind kind;
        const char *field_37, *field_38, *field_61;
    } rows[] = {{POS_VOID, "000010000042", "000777", "0000010000021128"},
                {POS_REFUND, "000010000042", "000777", "0000010000021128"},
                {POS_CAPTURE_VOID, "000010000042", "000777", "0000010000021128"},
                {POS_CAPTURE, "", "000777", "0000010000021128"},
                {POS_PREAUTH_VOID, "", "000777", "0000010000021128"},
                {POS_INCREMENT, "", "000777", "0000010000021128"},
                {POS_SIGNATURE, "000010000042", "", ""}};
    struct pos_identity identity = identity_of_the_example();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct pos_request request = purchase_of_the_example(POS_MAGNETIC);
        char text[FIELD_SIZE];
        request.kind = rows[i].kind;
        request.original = original_of_the_example();
        struct byte_view frame = pos_build_request(writer, &identity, &request);
        field_of(frame, 37, text);
        assert_string_equal(text, rows[i].field_37);
        field_of(frame, 38, text);
        assert_string_equal(text, rows[i].field_38);
        field_of(frame, 61, text);
        assert_string_equal(text, rows[i].field_61);
    }
}

static void test_a_reversal_of_a_void_says_which_sale_it_was_of(void **state)
{
    (void)state;
    struct pos_identity identity = identity_of_the_example();
    struct pos_request request = purchase_of_the_example(POS_CHIP);
    char text[FIELD_SIZE];
    request.kind = POS_VOID;
    request.original = original_of_the_example();
    struct byte_view frame = pos_build_reversal(writer, &identity, &request, "98");
    field_of(frame, 3, text);
    assert_string_equal(text, "200000");
    field_of(frame, 39, text);
    assert_string_equal(text, "98");
    field_of(frame, 61, text);
    assert_string_equal(text, "0000010000021128");
}

/* And the switch understands it. */
static void test_a_device_tells_of_itself_in_field_59(void **state)
{
    (void)state;
    struct pos_identity identity = identity_of_the_example();
    struct pos_request purchase = purchase_of_the_example(POS_CHIP_PIN);
    struct device_note note = {.is_told = false}, moved = {.is_told = false};
    char text[FIELD_SIZE];
    identity.device = (struct pos_device){.serial = "0000100100000007",
                                          .firmware = "V2.1.04",
                                          .latitude_e6 = 31231400,
                                          .longitude_e6 = -121473400};
    field_of(pos_build_request(writer, &identity, &purchase), 59, text);
    device_note_read_59(&note, (struct byte_view){(const uint8_t *)text, (uint32_t)strlen(text)});
    assert_string_equal(note.serial, "0000100100000007");
    assert_string_equal(note.firmware, "V2.1.04");
    assert_string_equal(note.random_factor, "000014");
    assert_int_equal(note.latitude_e3, 31231);
    assert_int_equal(note.longitude_e3, -121473);
    assert_int_equal(note.flags, DEVICE_NOTE_HAS_POSITION);
    purchase.stan++;
    field_of(pos_build_request(writer, &identity, &purchase), 59, text);
    device_note_read_59(&moved, (struct byte_view){(const uint8_t *)text, (uint32_t)strlen(text)});
    assert_int_equal(moved.latitude_e3, note.latitude_e3);
    assert_int_not_equal(moved.position_hash, note.position_hash);
    purchase = (struct pos_request){.stan = 9, .amount = 1, .entry = POS_CODE};
    snprintf(purchase.pay_code, sizeof purchase.pay_code, "6212345678901234567");
    field_of(pos_build_request(writer, &identity, &purchase), 59, text);
    assert_non_null(strstr(text, "A30196212345678901234567"));
    assert_non_null(strstr(text, "0000100100000007"));
}

static void test_a_code_travels_in_field_59_and_no_card_does(void **state)
{
    (void)state;
    struct pos_identity identity = identity_of_the_example();
    struct pos_request request = {.stan = 2, .amount = 12345, .entry = POS_CODE};
    char text[FIELD_SIZE];
    snprintf(request.pay_code, sizeof request.pay_code, "281234567890123456");
    struct byte_view frame = pos_build_request(writer, &identity, &request);
    field_of(frame, 22, text);
    assert_string_equal(text, "032");
    field_of(frame, 59, text);
    assert_string_equal(text, "A3018281234567890123456");
    field_of(frame, 2, text);
    assert_string_equal(text, "");
    frame = pos_build_reversal(writer, &identity, &request, "98");
    field_of(frame, 59, text);
    assert_string_equal(text, "");

    request.kind = POS_REFUND;
    request.original = original_of_the_example();
    snprintf(request.original.voucher, sizeof request.original.voucher, "20260115000000000001");
    frame = pos_build_request(writer, &identity, &request);
    field_of(frame, 59, text);
    assert_string_equal(text, "A402020260115000000000001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_magnetic_sale_is_the_worked_one_byte_for_byte),
        cmocka_unit_test(test_its_reversal_is_the_worked_one),
        cmocka_unit_test(test_working_keys_open_and_wrong_check_values_are_refused),
        cmocka_unit_test(test_an_answer_is_read_and_its_mac_judged),
        cmocka_unit_test(test_every_kind_says_what_the_scheme_s_table_says),
        cmocka_unit_test(test_follow_ups_name_their_original_as_their_message_does),
        cmocka_unit_test(test_a_reversal_of_a_void_says_which_sale_it_was_of),
        cmocka_unit_test(test_a_device_tells_of_itself_in_field_59),
        cmocka_unit_test(test_a_code_travels_in_field_59_and_no_card_does),
    };
    return cmocka_run_group_tests(tests, spec_load, spec_free);
}
