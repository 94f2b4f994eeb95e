/* See batch_totals.h. */
#include "switch/engine/batch_totals.h"

#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"

#define SUM_COUNT 4
#define AMOUNT_DIGITS 12
#define COUNT_DIGITS 3
#define AMOUNT_MAX INT64_C(999999999999)
#define COUNT_MAX 999
_Static_assert(BATCH_FIELD_48_DIGITS == SUM_COUNT * (AMOUNT_DIGITS + COUNT_DIGITS) + 2,
               "four sums and two results");

static const struct batch_sum *sum_at(const struct batch_totals *totals, uint32_t index)
{
    const struct batch_sum *sums[SUM_COUNT] = {&totals->domestic_debit, &totals->domestic_credit,
                                               &totals->foreign_debit, &totals->foreign_credit};
    REQUIRE(index < SUM_COUNT);
    return sums[index];
}

struct batch_sum *batch_totals_sum(struct batch_totals *totals, enum batch_side side,
                                   bool is_foreign)
{
    if (side == BATCH_NEITHER) {
        return NULL;
    }
    bool is_debit = side == BATCH_DEBIT;
    if (is_foreign) {
        return is_debit ? &totals->foreign_debit : &totals->foreign_credit;
    }
    return is_debit ? &totals->domestic_debit : &totals->domestic_credit;
}

bool batch_totals_are_equal(const struct batch_totals *left, const struct batch_totals *right)
{
    for (uint32_t i = 0; i < SUM_COUNT; i++) {
        if (sum_at(left, i)->minor != sum_at(right, i)->minor ||
            sum_at(left, i)->count != sum_at(right, i)->count) {
            return false;
        }
    }
    return true;
}

/* --- as text ------------------------------------------------------------------------------- */

static uint32_t put_number(char *text, int64_t number)
{
    char digits[20];
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    uint32_t count = 0, length = 0;
    do {
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0) {
        text[length++] = '-';
    }
    while (count > 0) {
        text[length++] = digits[--count];
    }
    return length;
}

void batch_totals_format(char text[RECORD_TOTALS_SIZE], const struct batch_totals *totals)
{
    const int64_t numbers[2 * SUM_COUNT] = {
        totals->domestic_debit.minor,  totals->domestic_debit.count, totals->domestic_credit.minor,
        totals->domestic_credit.count, totals->foreign_debit.minor,  totals->foreign_debit.count,
        totals->foreign_credit.minor,  totals->foreign_credit.count,
    };
    uint32_t length = 0, count = 2 * SUM_COUNT;
    while (count > 0 && numbers[count - 1] == 0) {
        count--;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) {
            text[length++] = ' ';
        }
        length += put_number(text + length, numbers[i]);
    }
    _Static_assert(2 * SUM_COUNT * 20 < RECORD_TOTALS_SIZE + 1, "eight numbers and blanks fit");
    memset(text + length, 0, RECORD_TOTALS_SIZE - length);
}

/* The number at the reader's place and the blank behind it; 0 at the end. */
static enum status take_number(struct byte_reader *reader, int64_t *number)
{
    char digits[19];
    uint32_t count = 0;
    bool is_negative = false;
    *number = 0;
    if (byte_reader_left(reader) == 0) {
        return STATUS_OK;
    }
    uint8_t byte = byte_reader_u8(reader);
    if (byte == '-') {
        is_negative = true;
        byte = byte_reader_u8(reader);
    }
    while (byte != ' ' && byte != 0 && count < sizeof(digits)) {
        digits[count++] = (char)byte;
        byte = byte_reader_left(reader) == 0 ? 0 : byte_reader_u8(reader);
    }
    uint64_t value = 0;
    if (count == 0 || (byte != ' ' && byte != 0) ||
        digits_parse(&value, digits, count, (struct number_range){0, INT64_MAX}) != STATUS_OK) {
        return STATUS_MALFORMED;
    }
    *number = is_negative ? -(int64_t)value : (int64_t)value;
    return STATUS_OK;
}

enum status batch_totals_parse(struct batch_totals *totals, const char *text)
{
    struct byte_reader reader;
    struct batch_sum *sums[SUM_COUNT] = {&totals->domestic_debit, &totals->domestic_credit,
                                         &totals->foreign_debit, &totals->foreign_credit};
    byte_reader_init(&reader, text, (uint32_t)strnlen(text, RECORD_TOTALS_SIZE));
    memset(totals, 0, sizeof(*totals));
    for (uint32_t i = 0; i < SUM_COUNT; i++) {
        int64_t count = 0;
        if (take_number(&reader, &sums[i]->minor) != STATUS_OK ||
            take_number(&reader, &count) != STATUS_OK || count < 0 || count > UINT32_MAX) {
            return STATUS_MALFORMED;
        }
        sums[i]->count = (uint32_t)count;
    }
    return byte_reader_left(&reader) == 0 ? STATUS_OK : STATUS_MALFORMED;
}

/* --- field 48 ------------------------------------------------------------------------------ */

enum status batch_totals_from_field_48(struct batch_totals *totals, struct byte_view digits)
{
    struct batch_sum *sums[SUM_COUNT] = {&totals->domestic_debit, &totals->domestic_credit,
                                         &totals->foreign_debit, &totals->foreign_credit};
    const char *text = (const char *)digits.bytes;
    if (digits.length != BATCH_FIELD_48_DIGITS || !digits_are_decimal(text, digits.length)) {
        return STATUS_MALFORMED;
    }
    for (uint32_t i = 0; i < SUM_COUNT; i++) {
        uint64_t amount = 0, count = 0;
        enum status status =
            digits_parse(&amount, text, AMOUNT_DIGITS, (struct number_range){0, AMOUNT_MAX});
        REQUIRE(status == STATUS_OK); /* they are digits, and as many */
        status = digits_parse(&count, text + AMOUNT_DIGITS, COUNT_DIGITS,
                              (struct number_range){0, COUNT_MAX});
        REQUIRE(status == STATUS_OK);
        *sums[i] = (struct batch_sum){(int64_t)amount, (uint32_t)count};
        text +=
            AMOUNT_DIGITS + COUNT_DIGITS + (i == 1 ? 1 : 0); /* behind a class stands a result */
    }
    return STATUS_OK;
}

void batch_totals_to_field_48(char digits[BATCH_FIELD_48_DIGITS + 1],
                              const struct batch_totals *totals, enum batch_result result)
{
    char *at = digits;
    for (uint32_t i = 0; i < SUM_COUNT; i++) {
        const struct batch_sum *sum = sum_at(totals, i);
        int64_t minor = sum->minor < 0 ? 0 : sum->minor > AMOUNT_MAX ? AMOUNT_MAX : sum->minor;
        digits_format(at, (uint64_t)minor, AMOUNT_DIGITS);
        digits_format(at + AMOUNT_DIGITS, sum->count > COUNT_MAX ? COUNT_MAX : sum->count,
                      COUNT_DIGITS);
        at += AMOUNT_DIGITS + COUNT_DIGITS;
        if (i % 2 == 1) {
            *at++ = (char)('0' + (int)result);
        }
    }
    *at = '\0';
}
