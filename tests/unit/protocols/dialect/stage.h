/* What the tests of dialects stand on: the files that ship, and one payment with everything in it.
 */
#pragma once

#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "config/file_text.h"
#include "config/yaml_file.h"
#include "protocols/dialect/dialect.h"
#include "protocols/dialect/table.h"

#define STAGE_BYTES_MAX 2048

/* The files that ship. */
static const char *const STAGE_DIALECTS[] = {
    "unionpay-pos",       "iso8583-1987-ascii",  "iso8583-1987-binary", "iso8583-1987-ebcdic",
    "iso8583-1993-ascii", "iso8583-1993-binary", "unionpay-host"};

static const char STAGE_ICC[] = "\x9F\x26\x08\x01\x02\x03\x04\x05\x06\x07\x08\x9F\x27\x01\x80"
                                "\x9F\x10\x07\x07\x01\x03\xA0\x00\x00\x01\x9F\x36\x02\x00\x11"
                                "\x95\x05\x00\x00\x00\x00\x00\x9C\x01\x00";

static inline struct dialect *stage_dialect(const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/config/specs/%s.yaml", TILLWAY_SOURCE_DIR, name);
    struct document *document = file_text_load_yaml(path);
    assert_non_null(document);
    struct dialect *dialect = dialect_compile(document);
    for (uint32_t i = 0; i < document_fault_count(document); i++) {
        print_error("%s\n", document_fault_text(document, i));
    }
    document_destroy(document);
    assert_non_null(dialect);
    return dialect;
}

static inline void stage_cargo(struct payment *payment, enum payment_cargo which, const char *text,
                               uint32_t length)
{
    struct byte_view value = {(const uint8_t *)text, length};
    assert_int_equal(payment_set_cargo(payment, which, value), STATUS_OK);
}

/* A payment that knows every part there is. */
static inline void stage_payment(struct payment *payment)
{
    static const struct payment texts = {
        .stan = 2,
        .batch = 5,
        .amount = {12345, MONEY_CNY},
        .terminal_id = "10000019",
        .merchant_id = "898310059990001",
        .custom_60_rest = "500",
        .entry_mode = "051",
        .card_sequence = "001",
        .pin_length_limit = "12",
        .expiry = "3012",
        .response_code = "00",
        .reversal_reason = "98",
        .auth_code = "123456",
        .rrn = "093102000002",
        .local_time = "093102",
        .local_date = "0115",
        .local_year = "26",
        .settlement_date = "0116",
        .settlement_year = "27",
        .sent_at = "0115093102",
        .acquirer_id = "48021000",
        .forwarder_id = "48029999",
        .mcc = "5999",
        .security_control = "2600000000000000",
        .original = {.batch = 4,
                     .stan = 77,
                     .mti = "0200",
                     .sent_at = "0114080910",
                     .date = "0114",
                     .rrn = "080910000077",
                     .auth_code = "654321",
                     .auth_mode = "00",
                     .institution = "12345678901"},
        .pan = {.digits = "6225000000000014", .digit_count = 16},
        .pin = {.bytes = {0xF4, 0x45, 0x13, 0xC2, 0x35, 0xB4, 0x3E, 0x19}, .length = 8},
        .track2 = {.characters = "6225000000000014=30122010000000000000", .count = 37},
        .pay_code = "6212345678901234567",
        .voucher = "58210526789789570802",
        .track3 = {.characters = "996225000000000014=1561560000000000000", .count = 38},
    };
    payment_clear(payment);
    payment_copy(payment, &texts);
    stage_cargo(payment, PAYMENT_CARGO_ICC, STAGE_ICC, sizeof(STAGE_ICC) - 1);
    stage_cargo(payment, PAYMENT_CARGO_ADDITIONAL, "00000000001234500100000000500000", 31);
    stage_cargo(payment, PAYMENT_CARGO_BALANCE, "1002156C000000012345", 20);
    stage_cargo(payment, PAYMENT_CARGO_INSTITUTIONS, "01020000   48021000   ", 22);
    stage_cargo(payment, PAYMENT_CARGO_PRIVATE_57, "p57", 3);
    stage_cargo(payment, PAYMENT_CARGO_PRIVATE_58, "p58", 3);
    stage_cargo(payment, PAYMENT_CARGO_PRIVATE_59, "A10280110123456789002101234567890", 33);
    stage_cargo(payment, PAYMENT_CARGO_CUSTOM_62, "\x01\x02\xFF\x00\x10", 5);
    stage_cargo(payment, PAYMENT_CARGO_CUSTOM_63, "01 ", 3);
}

/* Gives the payment the kind and the key of a row; a reversal, those of a purchase. */
static inline void stage_row(struct payment *payment, const struct dialect *dialect,
                             const struct dialect_row *row)
{
    const struct dialect_row *key = row;
    payment->kind = row->kind;
    if (row->kind == PAYMENT_REVERSAL) {
        payment->original_kind = PAYMENT_PURCHASE;
        key = &dialect->rows[dialect->kind_rows[dialect->kinds[PAYMENT_PURCHASE].first]];
    }
    memcpy(payment->processing_code, key->constants[DIALECT_KEY_processing_code], 7);
    memcpy(payment->condition_code, key->constants[DIALECT_KEY_condition_code], 3);
    memcpy(payment->type_code, key->constants[DIALECT_KEY_type_code], 3);
    memcpy(payment->management_code, key->constants[DIALECT_KEY_management_code], 4);
    memcpy(payment->network_code, key->constants[DIALECT_KEY_network_code], 4);
    if (payment->type_code[0] == '\0') {
        memcpy(payment->type_code, "00", 3);
    }
    if (payment->condition_code[0] == '\0') {
        memcpy(payment->condition_code, "00", 3);
    }
    if (payment->management_code[0] == '\0') {
        memcpy(payment->management_code, "000", 4);
    }
    if (payment->processing_code[0] == '\0') {
        memcpy(payment->processing_code, "000000", 7);
    }
}

struct stage_message {
    uint8_t bytes[STAGE_BYTES_MAX];
    struct byte_writer writer;
    struct byte_view mac_scope;
    struct message message;
    struct dialect_fault fault;
};

static inline enum status stage_build(struct stage_message *stage, const struct dialect *dialect,
                                      const struct payment *payment, bool with_mac)
{
    static const uint8_t header[6] = {0x60, 0x32, 0x00, 0x31, 0x00, 0x00};
    struct dialect_build_how how = {.with_mac = with_mac};
    if (dialect_spec(dialect)->header_bytes == sizeof(header)) {
        how.header = (struct byte_view){header, sizeof(header)};
    }
    byte_writer_init(&stage->writer, stage->bytes, sizeof(stage->bytes));
    return dialect_build(dialect, payment, &how, &stage->writer, &stage->mac_scope, &stage->fault);
}

static inline void stage_parse(struct stage_message *stage, const struct dialect *dialect)
{
    struct message_fault fault = {.reason = ""};
    enum status status =
        message_parse(&stage->message, dialect_spec(dialect),
                      (struct byte_view){stage->bytes, stage->writer.position}, &fault);
    if (status != STATUS_OK) {
        print_error("%s\n", fault.reason);
    }
    assert_int_equal(status, STATUS_OK);
}
