/* The fields of each message stand in one function each, in the order of the specification's
 * table, so that page and code can be held side by side. */
#include "loadtest/pos_message.h"

#include <stdio.h>
#include <string.h>

#include "loadtest/pos_chip.h"
#include "loadtest/pos_draft.h"
#include "protocols/base/digits.h"
#include "protocols/base/require.h"

#define KCV_BYTES 4
#define SIGNATURE_BYTES 96

struct entry_row {
    const char *mode;
    bool is_chip, has_pin, has_track;
};
static const struct entry_row ENTRIES[POS_ENTRY_COUNT] = {
#define X(name, mode, is_chip, has_pin, has_track) {(mode), is_chip, has_pin, has_track},
    POS_ENTRY_MAP(X)
#undef X
};

const char *pos_entry_mode(enum pos_entry entry)
{
    return ENTRIES[entry].mode;
}

bool pos_entry_is_chip(enum pos_entry entry)
{
    return ENTRIES[entry].is_chip;
}

bool pos_entry_is_code(enum pos_entry entry)
{
    return entry == POS_CODE;
}

enum pos_entry pos_entry_without_pin(enum pos_entry entry)
{
    return entry == POS_CHIP_PIN ? POS_CHIP : entry == POS_MAGNETIC_PIN ? POS_MAGNETIC : entry;
}

static void put_pin(struct pos_writer *writer, const struct pos_identity *identity,
                    const struct pos_request *request)
{
    pos_draft_text(writer, 26, "12");
    tdes_pin_seal(writer->tdes, &identity->pin_key, request->card.pin, request->card.pan,
                  writer->pin_block);
    pos_draft_bytes(writer, 52, (struct byte_view){writer->pin_block, TDES_BLOCK_BYTES});
    pos_draft_text(writer, 53, "2600000000000000");
}

/* Field 61: batch, trace number and date of the original. */
static void put_original_61(struct pos_writer *writer, const struct pos_original *original)
{
    int length = snprintf(writer->original, sizeof writer->original, "%06u%06u%s",
                          (unsigned)original->batch, (unsigned)original->stan, original->date);
    REQUIRE(length == 16 || (length == 12 && original->date[0] == '\0'));
    pos_draft_text(writer, 61, writer->original);
}

/* Fields 37, 38 and 61, by what each message names its original (section 6). */
static void put_original(struct pos_writer *writer, const struct pos_request *request)
{
    const struct pos_original *original = &request->original;
    if (original->batch == 0) {
        return;
    }
    bool is_by_authorisation = request->kind == POS_INCREMENT || request->kind == POS_CAPTURE ||
                               request->kind == POS_CAPTURE_ADVICE ||
                               request->kind == POS_PREAUTH_VOID;
    if (!is_by_authorisation) {
        pos_draft_text(writer, 37, original->rrn);
    }
    if (original->auth_code[0] != '\0') {
        pos_draft_text(writer, 38, original->auth_code);
    }
    put_original_61(writer, original);
}

static bool is_a_number_keyed_in(const struct pos_request *request)
{
    return request->entry != POS_MAGNETIC_PIN && request->entry != POS_MAGNETIC &&
           request->entry != POS_CODE;
}

/* Field 59 (section 10): the device; A3 the customer's code, A4 the voucher of what is followed. */
static void put_private(struct pos_writer *writer, const struct pos_identity *identity,
                        const struct pos_request *request)
{
    char device[POS_DEVICE_TEXT_SIZE], code[40] = "";
    bool is_follow_up = request->original.batch != 0;
    const char *text = is_follow_up ? request->original.voucher : request->pay_code;
    pos_device_text(device, &identity->device, request->stan, &request->card);
    if (request->entry == POS_CODE && text[0] != '\0') {
        snprintf(code, sizeof code, "%s%03u%s", is_follow_up ? "A4" : "A3", (unsigned)strlen(text),
                 text);
    }
    int length = snprintf(writer->custom_59, sizeof writer->custom_59, "%s%s", device, code);
    REQUIRE(length >= 0 && (size_t)length < sizeof writer->custom_59);
    if (length > 0) {
        pos_draft_text(writer, 59, writer->custom_59);
    }
}

/* What a request and its reversal have in common. */
static void put_head(struct pos_writer *writer, const struct pos_identity *identity,
                     const struct pos_request *request)
{
    const struct pos_kind_row *row = pos_kind_row(request->kind);
    pos_draft_text(writer, 3, row->processing_code);
    if (request->kind != POS_BALANCE) {
        pos_draft_amount(writer, request->amount);
    }
    pos_draft_stan(writer, request->stan);
    pos_draft_text(writer, 22, ENTRIES[request->entry].mode);
    pos_draft_text(writer, 25, row->condition_code);
    pos_draft_parties(writer, identity);
    pos_draft_text(writer, 49, "156");
    /* 60.3 management code 000, 60.4 reading capability (5: chip and magnetic), 60.5 chip
     * condition, 60.6 no partial approval. */
    pos_draft_custom_60(writer, identity->batch, row->type_code, "000500");
    if (is_a_number_keyed_in(request)) {
        pos_draft_text(writer, 2, request->card.pan);
        pos_draft_text(writer, 14, request->card.expiry);
    }
    if (ENTRIES[request->entry].is_chip) {
        pos_draft_text(writer, 23, request->card.sequence);
    }
}

/* 0620: what came of the issuer's script in the original's answer. */
static struct byte_view build_script_result(struct pos_writer *writer,
                                            const struct pos_identity *identity,
                                            const struct pos_request *request)
{
    const struct pos_kind_row *of = pos_kind_row(request->original.kind);
    pos_draft_begin(writer, "0620", POS_HEADER_CHIP);
    pos_draft_text(writer, 2, request->card.pan);
    pos_draft_text(writer, 3, of->processing_code);
    pos_draft_amount(writer, request->amount);
    pos_draft_stan(writer, request->stan);
    pos_draft_text(writer, 22, ENTRIES[request->entry].mode);
    pos_draft_text(writer, 23, request->card.sequence);
    pos_draft_text(writer, 25, of->condition_code);
    pos_draft_text(writer, 32, request->original.acquirer_id);
    pos_draft_parties(writer, identity);
    pos_draft_text(writer, 49, "156");
    pos_chip_put_last(writer, identity, request);
    pos_draft_custom_60(writer, identity->batch, "00", "951");
    put_original(writer, request);
    return pos_draft_finish(writer, &identity->mac_key);
}

/* 0820: the strokes of a signature, here the trace number's digits over and over. */
static struct byte_view build_signature(struct pos_writer *writer,
                                        const struct pos_identity *identity,
                                        const struct pos_request *request)
{
    uint8_t strokes[SIGNATURE_BYTES];
    for (unsigned i = 0; i < sizeof strokes; i++) {
        strokes[i] = (uint8_t)(request->stan >> (i % 3 * 8) ^ i);
    }
    pos_draft_begin(writer, "0820", POS_HEADER_MAGNETIC);
    pos_draft_amount(writer, request->amount);
    pos_draft_stan(writer, request->stan);
    pos_draft_text(writer, 37, request->original.rrn);
    pos_draft_parties(writer, identity);
    pos_draft_custom_60(writer, identity->batch, "07", "800");
    pos_draft_bytes(writer, 62, (struct byte_view){strokes, sizeof strokes});
    return pos_draft_finish(writer, &identity->mac_key);
}

struct byte_view pos_build_request(struct pos_writer *writer, const struct pos_identity *identity,
                                   const struct pos_request *request)
{
    const struct entry_row *entry = &ENTRIES[request->entry];
    if (request->kind == POS_SCRIPT_RESULT) {
        return build_script_result(writer, identity, request);
    }
    if (request->kind == POS_SIGNATURE) {
        return build_signature(writer, identity, request);
    }
    pos_draft_begin(writer, pos_kind_row(request->kind)->mti,
                    entry->is_chip ? POS_HEADER_CHIP : POS_HEADER_MAGNETIC);
    put_head(writer, identity, request);
    if (entry->has_track) {
        pos_draft_text(writer, 35, request->card.track2);
    }
    put_original(writer, request);
    put_private(writer, identity, request);
    if (request->kind == POS_REFUND) {
        pos_draft_text(writer, 63, "01 ");
    }
    if (entry->is_chip) {
        pos_chip_put_request(writer, identity, request);
    }
    if (entry->has_pin) {
        put_pin(writer, identity, request);
    } else if (request->entry == POS_CONTACTLESS) {
        pos_draft_text(writer, 53, "0600000000000000");
    }
    return pos_draft_finish(writer, &identity->mac_key);
}

struct byte_view pos_build_reversal(struct pos_writer *writer, const struct pos_identity *identity,
                                    const struct pos_request *request, const char reason[3])
{
    bool is_chip = ENTRIES[request->entry].is_chip;
    pos_draft_begin(writer, "0400", is_chip ? POS_HEADER_CHIP : POS_HEADER_MAGNETIC);
    put_head(writer, identity, request);
    if (request->entry != POS_CODE) {
        pos_draft_text(writer, 2, request->card.pan);
    }
    pos_draft_text(writer, 39, reason);
    if (request->original.batch != 0) {
        put_original_61(writer, &request->original);
    }
    if (is_chip) {
        pos_chip_put_last(writer, identity, request);
    }
    return pos_draft_finish(writer, &identity->mac_key);
}

static bool mac_is_right(struct pos_writer *writer, const struct message *message,
                         const struct tdes_key *key)
{
    uint8_t mac[TDES_BLOCK_BYTES];
    struct byte_view found = message_raw(message, 64);
    tdes_mac(writer->tdes, TDES_MAC_UNIONPAY_ECB, key, message_mac_scope(message), mac);
    return found.length == sizeof mac && memcmp(found.bytes, mac, sizeof mac) == 0;
}

/* A4 and its three digits of length, then the voucher. */
static void voucher_read(struct pos_answer *answer, const char *text)
{
    const char *at = strstr(text, "A4020");
    if (at != NULL && strlen(at) >= 25) {
        snprintf(answer->voucher, sizeof answer->voucher, "%.20s", at + 5);
    }
}

static void answer_read_texts(struct pos_answer *answer, const struct message *message)
{
    uint64_t number = 0;
    char text[1000]; /* field 59 is the longest */
    uint32_t length = message_text(message, 60, text, sizeof text);
    if (length >= 8 &&
        digits_parse(&number, text + 2, 6, (struct number_range){0, 999999}) == STATUS_OK) {
        answer->batch = (uint32_t)number;
    }
    if (length >= 11) {
        memcpy(answer->management_code, text + 8, 3);
    }
    if (message_text(message, 48, text, sizeof text) == POS_TOTALS_DIGITS) {
        memcpy(answer->totals, text, sizeof answer->totals);
    }
    if (message_text(message, 59, text, sizeof text) > 0) {
        voucher_read(answer, text);
    }
    message_text(message, 13, answer->local_date, sizeof answer->local_date);
    message_text(message, 32, answer->acquirer_id, sizeof answer->acquirer_id);
    message_text(message, 37, answer->rrn, sizeof answer->rrn);
    message_text(message, 38, answer->auth_code, sizeof answer->auth_code);
    message_text(message, 39, answer->response_code, sizeof answer->response_code);
    message_text(message, 41, answer->terminal_id, sizeof answer->terminal_id);
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
    answer_read_texts(answer, &message);
    struct byte_view header = message_header(&message);
    answer->request = header.length == POS_HEADER_BYTES ? header.bytes[2] & 15U : 0;
    answer->custom_62 = message_raw(&message, 62);
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
