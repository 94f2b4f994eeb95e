/* The fields of each message stand in one function each, in the order of the specification's
 * table, so that page and code can be held side by side. */
#include "loadtest/pos_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "protocols/iso8583/message.h"

#define HEADER_BYTES 6
#define ICC_BYTES_MAX 255
#define KCV_BYTES 4

static const uint8_t TPDU[] = {0x60, 0x00, 0x03, 0x00, 0x00};
static const uint8_t HEADER_MAGNETIC[HEADER_BYTES] = {0x60, 0x32, 0x00, 0x31, 0x00, 0x00};
static const uint8_t HEADER_CHIP[HEADER_BYTES] = {0x61, 0x32, 0x00, 0x31, 0x00, 0x00};

struct pos_writer {
    const struct spec *spec; /* borrowed */
    struct tdes *tdes;       /* owner */
    struct message_draft draft;
    uint8_t frame[POS_FRAME_BYTES_MAX];
    uint8_t icc[ICC_BYTES_MAX], pin_block[TDES_BLOCK_BYTES];
    /* Texts that the draft borrows until the message is built. */
    char amount[13], stan[7], custom[16], track2[40];
};

struct pos_writer *pos_writer_create(const struct spec *spec)
{
    struct pos_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) {
        return NULL;
    }
    writer->spec = spec;
    writer->tdes = tdes_create();
    if (writer->tdes == NULL) {
        free(writer);
        return NULL;
    }
    return writer;
}

void pos_writer_destroy(struct pos_writer *writer)
{
    if (writer != NULL) {
        tdes_destroy(writer->tdes);
        free(writer);
    }
}

static void draft_begin(struct pos_writer *writer, const char *mti, const uint8_t *header)
{
    message_draft_init(&writer->draft, writer->spec, mti);
    writer->draft.header = (struct byte_view){header, HEADER_BYTES};
}

static void put_text(struct pos_writer *writer, unsigned field, const char *text)
{
    message_draft_set_text(&writer->draft, field, text);
}

static void put_stan(struct pos_writer *writer, uint32_t stan)
{
    digits_format(writer->stan, stan, 6);
    writer->stan[6] = '\0';
    put_text(writer, 11, writer->stan);
}

static void put_parties(struct pos_writer *writer, const struct pos_identity *identity)
{
    put_text(writer, 41, identity->terminal_id);
    put_text(writer, 42, identity->merchant_id);
}

/* 60.1 type, 60.2 batch, 60.3 management code, and for payments 60.4 reading capability (5: chip
 * and magnetic), 60.5 chip condition, 60.6 no partial approval. */
static void put_custom_60(struct pos_writer *writer, uint32_t batch, const char *type,
                          const char *rest)
{
    int length = snprintf(writer->custom, sizeof writer->custom, "%s%06u%s", type,
                          (unsigned)(batch % 1000000), rest);
    REQUIRE(length > 0 && (size_t)length < sizeof writer->custom);
    put_text(writer, 60, writer->custom);
}

/* Puts length and TPDU before the message, and the MAC behind it where a key is given. */
static struct byte_view draft_finish(struct pos_writer *writer, const struct tdes_key *mac_key)
{
    struct byte_writer bytes;
    struct byte_view scope = {0};
    struct message_fault fault = {.reason = ""};
    byte_writer_init(&bytes, writer->frame, sizeof writer->frame);
    byte_writer_fill(&bytes, 0, 2);
    byte_writer_put(&bytes, TPDU, sizeof TPDU);
    enum status status =
        message_build(&writer->draft, &bytes, mac_key == NULL ? NULL : &scope, &fault);
    if (status != STATUS_OK) {
        fprintf(stderr, "tillway-load: the spec cannot say this: field %u: %s\n", fault.field,
                fault.reason);
    }
    REQUIRE(status == STATUS_OK);
    if (mac_key != NULL) {
        tdes_mac(writer->tdes, TDES_MAC_UNIONPAY_ECB, mac_key, scope,
                 writer->frame + bytes.position - TDES_BLOCK_BYTES);
    }
    writer->frame[0] = (uint8_t)((bytes.position - 2) >> 8);
    writer->frame[1] = (uint8_t)(bytes.position - 2);
    return (struct byte_view){writer->frame, bytes.position};
}

struct byte_view pos_build_sign_on(struct pos_writer *writer, const struct pos_identity *identity,
                                   uint32_t stan)
{
    char serial[40];
    draft_begin(writer, "0800", HEADER_MAGNETIC);
    put_stan(writer, stan);
    put_parties(writer, identity);
    put_custom_60(writer, identity->batch, "00", "003");
    int length =
        snprintf(serial, sizeof serial, "Sequence No163060%.8s0000", identity->terminal_id);
    REQUIRE(length > 0 && (size_t)length < sizeof serial);
    message_draft_set(&writer->draft, 62, serial, (uint32_t)length);
    put_text(writer, 63, "01 ");
    return draft_finish(writer, NULL);
}

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
static void icc_put_card(struct byte_writer *icc, const struct pos_purchase *purchase)
{
    uint64_t drawn =
        (uint64_t)purchase->stan * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)purchase->amount;
    uint8_t cryptogram[8];
    for (unsigned i = 0; i < sizeof cryptogram; i++) {
        cryptogram[i] = (uint8_t)(drawn >> (8 * i));
    }
    uint8_t counter[2] = {(uint8_t)(purchase->stan >> 8), (uint8_t)purchase->stan};
    icc_put(icc, 0x9F26, cryptogram, 8);
    icc_put(icc, 0x9F27, "\x80", 1);
    icc_put(icc, 0x9F10, "\x07\x01\x01\x03\xA0\x00\x00\x01\x0A\x01\x00\x00\x00\x00\x00\x00", 16);
    icc_put(icc, 0x9F37, cryptogram + 4, 4);
    icc_put(icc, 0x9F36, counter, 2);
}

/* Field 55 of a request (unionpay-pos section 6): all mandatory tags and the usual optional ones.
 */
static void put_icc(struct pos_writer *writer, const struct pos_identity *identity,
                    const struct pos_purchase *purchase)
{
    struct byte_writer icc;
    uint8_t amount[6];
    byte_writer_init(&icc, writer->icc, sizeof writer->icc);
    REQUIRE(digits_to_bcd(amount, writer->amount, 12, DIGITS_LEFT) == STATUS_OK);
    icc_put_card(&icc, purchase);
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
    REQUIRE(icc.status == STATUS_OK);
    message_draft_set(&writer->draft, 55, writer->icc, icc.position);
}

/* Field 55 of a reversal: what the card said last. */
static void put_icc_reversal(struct pos_writer *writer, const struct pos_identity *identity,
                             const struct pos_purchase *purchase)
{
    struct byte_writer icc;
    uint8_t counter[2] = {(uint8_t)(purchase->stan >> 8), (uint8_t)purchase->stan};
    byte_writer_init(&icc, writer->icc, sizeof writer->icc);
    icc_put(&icc, 0x95, "\x00\x00\x04\x80\x00", 5);
    icc_put(&icc, 0x9F1E, identity->terminal_id, 8);
    icc_put(&icc, 0x9F10, "\x07\x01\x01\x03\xA0\x00\x00\x01\x0A\x01\x00\x00\x00\x00\x00\x00", 16);
    icc_put(&icc, 0x9F36, counter, 2);
    message_draft_set(&writer->draft, 55, writer->icc, icc.position);
}

static void put_pin(struct pos_writer *writer, const struct pos_identity *identity,
                    const struct pos_purchase *purchase)
{
    put_text(writer, 26, "12");
    tdes_pin_seal(writer->tdes, &identity->pin_key, purchase->card.pin, purchase->card.pan,
                  writer->pin_block);
    message_draft_set(&writer->draft, 52, writer->pin_block, TDES_BLOCK_BYTES);
    put_text(writer, 53, "2600000000000000");
}

static const char *entry_mode(enum pos_entry entry)
{
    static const char *const modes[] = {"051", "021", "072"};
    return modes[entry];
}

/* What sale and reversal have in common. */
static void put_sale(struct pos_writer *writer, const struct pos_identity *identity,
                     const struct pos_purchase *purchase)
{
    put_text(writer, 3, "000000");
    digits_format(writer->amount, (uint64_t)purchase->amount, 12);
    writer->amount[12] = '\0';
    put_text(writer, 4, writer->amount);
    put_stan(writer, purchase->stan);
    put_text(writer, 22, entry_mode(purchase->entry));
    put_text(writer, 25, "00");
    put_parties(writer, identity);
    put_text(writer, 49, "156");
    put_custom_60(writer, identity->batch, "22", "000500");
    if (purchase->entry != POS_MAGNETIC_PIN) {
        put_text(writer, 2, purchase->card.pan);
        put_text(writer, 14, purchase->card.expiry);
        put_text(writer, 23, purchase->card.sequence);
    }
}

struct byte_view pos_build_purchase(struct pos_writer *writer, const struct pos_identity *identity,
                                    const struct pos_purchase *purchase)
{
    bool is_chip = purchase->entry != POS_MAGNETIC_PIN;
    draft_begin(writer, "0200", is_chip ? HEADER_CHIP : HEADER_MAGNETIC);
    put_sale(writer, identity, purchase);
    put_text(writer, 35, purchase->card.track2);
    if (is_chip) {
        put_icc(writer, identity, purchase);
    }
    if (purchase->entry == POS_CONTACTLESS) {
        put_text(writer, 53, "0600000000000000");
    } else {
        put_pin(writer, identity, purchase);
    }
    return draft_finish(writer, &identity->mac_key);
}

struct byte_view pos_build_reversal(struct pos_writer *writer, const struct pos_identity *identity,
                                    const struct pos_purchase *purchase, const char reason[3])
{
    bool is_chip = purchase->entry != POS_MAGNETIC_PIN;
    draft_begin(writer, "0400", is_chip ? HEADER_CHIP : HEADER_MAGNETIC);
    put_sale(writer, identity, purchase);
    put_text(writer, 2, purchase->card.pan);
    put_text(writer, 39, reason);
    if (is_chip) {
        put_icc_reversal(writer, identity, purchase);
    }
    return draft_finish(writer, &identity->mac_key);
}

uint32_t pos_frame_length(struct byte_view bytes)
{
    return bytes.length < 2 ? 0 : 2 + ((uint32_t)bytes.bytes[0] << 8 | bytes.bytes[1]);
}

static bool mac_is_right(struct pos_writer *writer, const struct message *message,
                         const struct tdes_key *key)
{
    uint8_t mac[TDES_BLOCK_BYTES];
    struct byte_view found = message_raw(message, 64);
    tdes_mac(writer->tdes, TDES_MAC_UNIONPAY_ECB, key, message_mac_scope(message), mac);
    return found.length == sizeof mac && memcmp(found.bytes, mac, sizeof mac) == 0;
}

enum status pos_read(struct pos_writer *writer, const struct pos_identity *identity,
                     struct byte_view frame, struct pos_answer *answer, char fault[160])
{
    struct message message;
    struct message_fault why = {.reason = ""};
    if (frame.length <= POS_HEAD_BYTES) {
        snprintf(fault, 160, "a frame of %u bytes holds no message", frame.length);
        return STATUS_MALFORMED;
    }
    struct byte_view bytes = {frame.bytes + POS_HEAD_BYTES, frame.length - POS_HEAD_BYTES};
    if (message_parse(&message, writer->spec, bytes, &why) != STATUS_OK) {
        snprintf(fault, 160, "%s", why.reason);
        return STATUS_MALFORMED;
    }
    *answer = (struct pos_answer){.amount = -1};
    memcpy(answer->mti, message.mti, sizeof answer->mti);
    uint64_t number = 0;
    if (message_number(&message, 11, &number) == STATUS_OK) {
        answer->stan = (uint32_t)number;
    }
    if (message_number(&message, 4, &number) == STATUS_OK) {
        answer->amount = (int64_t)number;
    }
    char custom[24];
    if (message_text(&message, 60, custom, sizeof custom) >= 8 &&
        digits_parse(&number, custom + 2, 6, (struct number_range){0, 999999}) == STATUS_OK) {
        answer->batch = (uint32_t)number;
    }
    message_text(&message, 37, answer->rrn, sizeof answer->rrn);
    message_text(&message, 38, answer->auth_code, sizeof answer->auth_code);
    message_text(&message, 39, answer->response_code, sizeof answer->response_code);
    message_text(&message, 41, answer->terminal_id, sizeof answer->terminal_id);
    struct byte_view header = message_header(&message);
    answer->request = header.length == HEADER_BYTES ? header.bytes[2] & 15U : 0;
    answer->keys = message_raw(&message, 62);
    answer->has_mac = message_has(&message, 64);
    answer->is_mac_right = answer->has_mac && mac_is_right(writer, &message, &identity->mac_key);
    return STATUS_OK;
}

/* One key of field 62: enciphered bytes, then the check value. */
static enum status key_open(struct pos_writer *writer, const struct tdes_key *master,
                            const uint8_t *bytes, struct tdes_key *key)
{
    static const uint8_t zeros[8];
    uint8_t kcv[KCV_BYTES];
    uint8_t length = key->length;
    tdes_decrypt(writer->tdes, master, (struct byte_view){bytes, length}, key->bytes);
    /* A single-length key in a double-length field: its second half is zeros as enciphered. */
    if (length == 16 && memcmp(bytes + 8, zeros, sizeof zeros) == 0) {
        key->length = 8;
    }
    tdes_check_value(writer->tdes, key, kcv);
    return memcmp(kcv, bytes + length, KCV_BYTES) == 0 ? STATUS_OK : STATUS_BAD_VALUE;
}

enum status pos_keys_open(struct pos_writer *writer, const struct tdes_key *master,
                          struct byte_view field_62, struct pos_identity *identity)
{
    bool is_single = field_62.length == 24;
    if (!is_single && field_62.length != 40 && field_62.length != 60) {
        return STATUS_MALFORMED;
    }
    uint8_t length = is_single ? 8 : 16;
    struct tdes_key pin_key = {.length = length};
    struct tdes_key mac_key = {.length = length};
    enum status status = key_open(writer, master, field_62.bytes, &pin_key);
    if (status == STATUS_OK) {
        status = key_open(writer, master, field_62.bytes + length + KCV_BYTES, &mac_key);
    }
    if (status == STATUS_OK) {
        identity->pin_key = pin_key;
        identity->mac_key = mac_key;
    }
    return status;
}
