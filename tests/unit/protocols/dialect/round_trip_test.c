/* Every transaction of every file: payment -> message -> payment gives the payment back. */
#include "tests/unit/protocols/dialect/stage.h"

static void assert_same_part(const struct dialect_op *op, const struct payment *left,
                             const struct payment *right)
{
    const uint8_t *a = (const uint8_t *)left + op->offset;
    const uint8_t *b = (const uint8_t *)right + op->offset;
    struct byte_view cargo_a, cargo_b;
    switch ((enum dialect_op_type)op->type) {
    case DIALECT_NONE:
    case DIALECT_GROUP:
    case DIALECT_PARTS:
        break;
    case DIALECT_ICC:
    case DIALECT_CARGO:
        cargo_a = payment_cargo(left, (enum payment_cargo)op->cargo);
        cargo_b = payment_cargo(right, (enum payment_cargo)op->cargo);
        assert_true(cargo_a.length > 0);
        assert_int_equal(cargo_a.length, cargo_b.length);
        assert_memory_equal(cargo_a.bytes, cargo_b.bytes, cargo_a.length);
        break;
    case DIALECT_CODED: /* empty where the transaction says it, not the payment */
        assert_string_equal((const char *)a, (const char *)b);
        break;
    case DIALECT_TEXT:
        assert_true(a[0] != '\0');
        assert_string_equal((const char *)a, (const char *)b);
        break;
    case DIALECT_CURRENCY: /* without field 4 only that much is said */
        assert_int_equal(left->amount.currency, right->amount.currency);
        break;
    case DIALECT_NUMBER:
    case DIALECT_AMOUNT:
    case DIALECT_PAN:
    case DIALECT_TRACK2:
    case DIALECT_TRACK3:
    case DIALECT_PIN:
        assert_memory_equal(a, b, op->size);
        break;
    }
}

static void assert_same_field(const struct dialect *dialect, const struct dialect_op *op,
                              const struct payment *left, const struct payment *right)
{
    assert_int_not_equal(op->type, DIALECT_NONE);
    assert_same_part(op, left, right);
    for (unsigned i = 0; op->type == DIALECT_GROUP && i < op->count; i++) {
        const struct dialect_subfield *subfield = &dialect->subfields[op->first + i];
        if (!subfield->is_written_only) {
            assert_same_part(&subfield->op, left, right);
        }
    }
    for (unsigned i = 0; op->type == DIALECT_PARTS && i < op->count; i++) {
        assert_same_part(&dialect->elements[op->first + i].op, left, right);
    }
}

/* What the message is read as: what it always says, or the first row of its type that its key fits.
 * Two kinds that look the same on the wire are both read as the first. */
static enum payment_kind kind_read(const struct dialect *dialect, const struct dialect_row *row,
                                   const struct payment *sent)
{
    uint64_t absent;
    const uint64_t key = dialect_key(sent, &absent);
    const struct dialect_row *first = row->fixed_count > 0 ? row : dialect->rows;
    while (memcmp(first->mti, row->mti, sizeof(row->mti)) != 0 ||
           ((key ^ first->value) & first->mask) != 0) {
        first++;
    }
    return first->kind;
}

static void assert_round_trip(const struct dialect *dialect, const struct dialect_row *row,
                              enum payment_leg leg, bool is_repeat)
{
    static struct stage_message stage;
    static struct payment sent, read, again;
    const struct dialect_layout *layout = &dialect->layouts[row->layouts[leg]];
    stage_payment(&sent);
    stage_row(&sent, dialect, row);
    sent.leg = leg;
    sent.is_repeat = is_repeat;
    bool with_mac = dialect_has_mac(dialect, &sent);
    const enum status built = stage_build(&stage, dialect, &sent, with_mac);
    if (built != STATUS_OK) {
        print_error("%s, %s: %s\n", dialect_name(dialect), row->name, stage.fault.reason);
    }
    assert_int_equal(built, STATUS_OK);
    stage_parse(&stage, dialect);
    assert_string_equal(stage.message.mti, row->mti[leg][is_repeat]);
    enum status status = dialect_read(dialect, &stage.message, &read, &stage.fault);
    assert_string_equal(stage.fault.reason, "");
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(read.kind, kind_read(dialect, row, &sent));
    assert_int_equal(read.leg, leg);
    assert_int_equal(read.is_repeat, is_repeat);
    assert_int_equal(read.original_kind,
                     row->kind == PAYMENT_REVERSAL ? PAYMENT_PURCHASE : PAYMENT_UNKNOWN);
    for (unsigned field = 2; field <= SPEC_FIELD_MAX; field++) {
        const unsigned word = (field - 1) / 64;
        if (((layout->required[word] | layout->optional[word]) & dialect_bit(field)) != 0) {
            assert_true(message_has(&stage.message, field));
            assert_same_field(dialect, &dialect->ops[leg][field], &sent, &read);
        }
    }
    assert_int_equal(stage_build(&stage, dialect, &read, with_mac), STATUS_OK);
    stage_parse(&stage, dialect);
    assert_int_equal(dialect_read(dialect, &stage.message, &again, &stage.fault), STATUS_OK);
    assert_memory_equal(&read, &again, offsetof(struct payment, cargo_bytes));
    assert_memory_equal(read.cargo_bytes, again.cargo_bytes, read.cargo_length);
}

static void test_every_transaction_comes_back_as_it_was(void **state)
{
    (void)state;
    for (size_t d = 0; d < COUNT_OF(STAGE_DIALECTS); d++) {
        struct dialect *dialect = stage_dialect(STAGE_DIALECTS[d]);
        assert_string_equal(dialect_name(dialect), STAGE_DIALECTS[d]);
        for (uint32_t i = 0; i < dialect->row_count; i++) {
            const struct dialect_row *row = &dialect->rows[i];
            for (int leg = 0; leg < DIALECT_LEG_COUNT; leg++) {
                assert_round_trip(dialect, row, (enum payment_leg)leg, false);
                if (row->mti[leg][1][0] != '\0') {
                    assert_round_trip(dialect, row, (enum payment_leg)leg, true);
                }
            }
        }
        dialect_destroy(dialect);
    }
}

static void test_every_required_field_is_missed_by_name(void **state)
{
    (void)state;
    static struct stage_message stage;
    static struct payment payment;
    for (size_t d = 0; d < COUNT_OF(STAGE_DIALECTS); d++) {
        struct dialect *dialect = stage_dialect(STAGE_DIALECTS[d]);
        for (uint32_t i = 0; i < dialect->row_count; i++) {
            const struct dialect_row *row = &dialect->rows[i];
            stage_payment(&payment);
            stage_row(&payment, dialect, row);
            assert_int_equal(
                stage_build(&stage, dialect, &payment, row->mac == DIALECT_MAC_REQUIRED),
                STATUS_OK);
            stage_parse(&stage, dialect);
            const struct dialect_layout *layout = &dialect->layouts[row->layouts[0]];
            for (unsigned field = 2; field <= SPEC_FIELD_MAX; field++) {
                const unsigned word = (field - 1) / 64;
                if ((layout->required[word] & dialect_bit(field)) == 0) {
                    continue;
                }
                struct message message = stage.message;
                message.present[word] &= ~dialect_bit(field);
                enum status status = dialect_read(dialect, &message, &payment, &stage.fault);
                if (status == STATUS_UNKNOWN) { /* the field was what told this transaction */
                    assert_true(field == 3 || field == 25 || field == 60);
                    assert_true(stage.fault.is_unknown_kind);
                    continue;
                }
                assert_int_equal(status, STATUS_MISSING);
                assert_int_equal(stage.fault.field, field);
                assert_non_null(
                    strstr(stage.fault.reason, dialect_spec(dialect)->fields[field].name));
            }
        }
        dialect_destroy(dialect);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_transaction_comes_back_as_it_was),
        cmocka_unit_test(test_every_required_field_is_missed_by_name),
    };
    return cmocka_run_group_tests_name("protocols/dialect/round_trip", tests, NULL, NULL);
}
