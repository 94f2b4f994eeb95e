/* See pos_chip.h. */
#include "loadtest/pos_chip.h"

#include "protocols/base/digits.h"
#include "protocols/base/require.h"

static void icc_put(struct byte_writer *icc, uint32_t tag, const void *value, uint32_t length)
{
    if (tag > 0xFF) {
        byte_writer_u8(icc, (uint8_t)(tag >> 8));
    }
    byte_writer_u8(icc, (uint8_t)tag);
    byte_writer_u8(icc, (uint8_t)length);
    byte_writer_put(icc, value, length);
}

/* The chip's own part: cryptogram and counters, drawn from card and trace number. No issuer key
 * stands behind them; the simulated bank does not check them. */
static void icc_put_card(struct byte_writer *icc, const struct pos_request *request)
{
    uint64_t drawn =
        (uint64_t)request->stan * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)request->amount;
    uint8_t cryptogram[8];
    for (unsigned i = 0; i < sizeof cryptogram; i++) {
        cryptogram[i] = (uint8_t)(drawn >> (8 * i));
    }
    uint8_t counter[2] = {(uint8_t)(request->stan >> 8), (uint8_t)request->stan};
    icc_put(icc, 0x9F26, cryptogram, 8);
    icc_put(icc, 0x9F27, "\x80", 1);
    icc_put(icc, 0x9F10, "\x07\x01\x01\x03\xA0\x00\x00\x01\x0A\x01\x00\x00\x00\x00\x00\x00", 16);
    icc_put(icc, 0x9F37, cryptogram + 4, 4);
    icc_put(icc, 0x9F36, counter, 2);
}

void pos_chip_put_request(struct pos_writer *writer, const struct pos_identity *identity,
                          const struct pos_request *request)
{
    struct byte_writer icc;
    uint8_t amount[6];
    char digits[12];
    byte_writer_init(&icc, writer->icc, sizeof writer->icc);
    digits_format(digits, (uint64_t)request->amount, 12);
    REQUIRE(digits_to_bcd(amount, digits, 12, DIGITS_LEFT) == STATUS_OK);
    icc_put_card(&icc, request);
    icc_put(&icc, 0x95, "\x00\x00\x04\x80\x00", 5);
    icc_put(&icc, 0x9A, "\x26\x11\x25", 3);
    icc_put(&icc, 0x9C, "\x00", 1);
    icc_put(&icc, 0x9F02, amount, 6);
    icc_put(&icc, 0x5F2A, "\x01\x56", 2);
    icc_put(&icc, 0x82, "\x7C\x00", 2);
    icc_put(&icc, 0x9F1A, "\x01\x56", 2);
    icc_put(&icc, 0x9F03, "\x00\x00\x00\x00\x00\x00", 6);
    icc_put(&icc, 0x9F33, "\xE0\xE9\xC8", 3);
    icc_put(&icc, 0x9F34, "\x42\x03\x00", 3);
    icc_put(&icc, 0x9F35, "\x22", 1);
    icc_put(&icc, 0x9F1E, identity->terminal_id, 8);
    icc_put(&icc, 0x84, "\xA0\x00\x00\x03\x33\x01\x01\x01", 8);
    icc_put(&icc, 0x9F09, "\x00\x20", 2);
    icc_put(&icc, 0x9F41, "\x00\x00\x00\x01", 4);
    if (request->kind == POS_OFFLINE_SALE) { /* the card decided by itself */
        icc_put(&icc, 0x8A, "Y1", 2);
        icc_put(&icc, 0x9F74, "ECC001", 6);
    }
    REQUIRE(icc.status == STATUS_OK);
    pos_draft_bytes(writer, 55, (struct byte_view){writer->icc, icc.position});
}

void pos_chip_put_last(struct pos_writer *writer, const struct pos_identity *identity,
                       const struct pos_request *request)
{
    struct byte_writer icc;
    uint8_t counter[2] = {(uint8_t)(request->stan >> 8), (uint8_t)request->stan};
    byte_writer_init(&icc, writer->icc, sizeof writer->icc);
    icc_put(&icc, 0x95, "\x00\x00\x04\x80\x00", 5);
    icc_put(&icc, 0x9F1E, identity->terminal_id, 8);
    icc_put(&icc, 0x9F10, "\x07\x01\x01\x03\xA0\x00\x00\x01\x0A\x01\x00\x00\x00\x00\x00\x00", 16);
    icc_put(&icc, 0x9F36, counter, 2);
    if (request->kind == POS_SCRIPT_RESULT) {
        icc_put(&icc, 0xDF31, "\x20\x00\x00\x00\x00", 5);
    }
    REQUIRE(icc.status == STATUS_OK);
    pos_draft_bytes(writer, 55, (struct byte_view){writer->icc, icc.position});
}
