/* See key_block.h. */
#include "hsm/key_block.h"

#include <string.h>

#include "hsm/cmac.h"
#include "hsm/key_kind.h"
#include "hsm/mac.h"
#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "protocols/base/secret.h"

#define LENGTH_DIGITS 4
#define OPTIONAL_HEAD 4 /* id and length of an optional block */
#define D_MAC_BYTES 16
#define D_BLOCK_BYTES 16

static bool block_bytes_of(char version, uint32_t *block_bytes, uint32_t *mac_length)
{
    switch (version) {
    case 'A':
    case 'C':
        *block_bytes = 8, *mac_length = 4;
        return true;
    case 'B':
        *block_bytes = 8, *mac_length = 8;
        return true;
    case 'D':
        *block_bytes = D_BLOCK_BYTES, *mac_length = D_MAC_BYTES;
        return true;
    default:
        return false;
    }
}

static bool read_hex(struct byte_reader *reader, uint32_t digit_count, uint32_t *value)
{
    char digits[5] = "00000";
    uint8_t bytes[2];
    struct byte_writer writer;
    const uint8_t *text = byte_reader_take(reader, digit_count);
    if (text == NULL || digit_count == 0 || digit_count > 4) {
        return false;
    }
    memcpy(digits + 4 - digit_count, text, digit_count);
    byte_writer_init(&writer, bytes, sizeof(bytes));
    if (bytes_from_hex(&writer, digits, 4) != STATUS_OK) {
        return false;
    }
    *value = (uint32_t)bytes[0] << 8 | bytes[1];
    return true;
}

/* One optional block: id, length (which may be of the extended form), data. */
static bool read_optional(struct byte_reader *reader, struct key_block_header *header)
{
    uint32_t start = reader->position;
    uint32_t length = 0;
    const uint8_t *id = byte_reader_take(reader, 2);
    if (id == NULL || !read_hex(reader, 2, &length)) {
        return false;
    }
    if (length == 0) {
        uint32_t digit_count = 0;
        if (!read_hex(reader, 2, &digit_count) || !read_hex(reader, digit_count, &length)) {
            return false;
        }
    }
    uint32_t used = reader->position - start;
    if (length < used) {
        return false;
    }
    const uint8_t *value = byte_reader_take(reader, length - used);
    if (value == NULL) {
        return false;
    }
    if (memcmp(id, "LB", 2) == 0) {
        if (header->label[0] != '\0' || length - used >= sizeof(header->label)) {
            return false;
        }
        memcpy(header->label, value, length - used);
    }
    return true;
}

static bool read_header(struct byte_reader *reader, struct key_block_header *header)
{
    uint64_t length = 0;
    uint64_t optional_count = 0;
    const uint8_t *fixed = byte_reader_take(reader, KEY_BLOCK_HEADER_CHARACTERS);
    if (fixed == NULL) {
        return false;
    }
    const char *text = (const char *)fixed;
    struct number_range any_length = {KEY_BLOCK_HEADER_CHARACTERS, KEY_BLOCK_TEXT_MAX};
    struct number_range any_count = {0, KEY_BLOCK_OPTIONAL_COUNT_MAX};
    if (digits_parse(&length, text + 1, LENGTH_DIGITS, any_length) != STATUS_OK ||
        digits_parse(&optional_count, text + 12, 2, any_count) != STATUS_OK) {
        return false;
    }
    if (length != reader->length) {
        return false;
    }
    *header = (struct key_block_header){.version = text[0],
                                        .usage = {text[5], text[6]},
                                        .algorithm = text[7],
                                        .mode = text[8],
                                        .exportability = text[11]};
    for (uint64_t i = 0; i < optional_count; i++) {
        if (!read_optional(reader, header)) {
            return false;
        }
    }
    return true;
}

static bool read_body(struct byte_reader *reader, struct key_block_parts *parts)
{
    struct byte_writer payload;
    struct byte_writer mac;
    uint32_t left = byte_reader_left(reader);
    if (left % 2 != 0 || left / 2 <= parts->mac_length) {
        return false;
    }
    parts->payload_length = left / 2 - parts->mac_length;
    const char *text = (const char *)byte_reader_take(reader, left);
    byte_writer_init(&payload, parts->payload, sizeof(parts->payload));
    byte_writer_init(&mac, parts->mac, sizeof(parts->mac));
    return bytes_from_hex(&payload, text, parts->payload_length * 2) == STATUS_OK &&
           bytes_from_hex(&mac, text + (size_t)parts->payload_length * 2, parts->mac_length * 2) ==
               STATUS_OK;
}

enum hsm_answer key_block_parse(struct key_block_parts *parts, struct byte_view text)
{
    struct byte_reader reader;
    uint32_t block_bytes = 0;
    byte_reader_init(&reader, text.bytes, text.length);
    if (!read_header(&reader, &parts->header)) {
        return HSM_KEY_UNAUTHENTIC;
    }
    if (!block_bytes_of(parts->header.version, &block_bytes, &parts->mac_length)) {
        return HSM_KEY_UNAUTHENTIC;
    }
    parts->text = (struct byte_view){text.bytes, reader.position};
    if (reader.position % block_bytes != 0 || !read_body(&reader, parts)) {
        return HSM_KEY_UNAUTHENTIC;
    }
    return parts->payload_length % block_bytes == 0 ? HSM_DONE : HSM_KEY_UNAUTHENTIC;
}

/* X9.143 clause 7: one CMAC a counter over eight bytes that say what the key is for. */
static void derive_one(struct block_cipher *cipher, const struct clear_key *kbpk, uint8_t usage,
                       struct clear_key *derived)
{
    bool is_aes = kbpk->algorithm == KEY_AES;
    uint8_t length_code = (uint8_t)(is_aes ? kbpk->length / 8 : kbpk->length / 8 - 2);
    uint32_t bits = (uint32_t)kbpk->length * 8;
    uint8_t input[8] = {1, 0, usage, 0, 0, length_code, (uint8_t)(bits >> 8), (uint8_t)bits};
    uint8_t output[CLEAR_KEY_BYTES_MAX];
    uint32_t block_bytes = block_cipher_block_bytes(kbpk->algorithm);
    for (uint32_t at = 0; at < kbpk->length; at += block_bytes) {
        uint8_t block[BLOCK_CIPHER_BLOCK_BYTES_MAX];
        uint32_t left = kbpk->length - at;
        cmac_compute(cipher, kbpk, (struct byte_view){input, sizeof(input)}, block);
        memcpy(output + at, block, left < block_bytes ? left : block_bytes);
        secret_wipe(block, sizeof(block));
        input[0]++;
    }
    clear_key_set(derived, kbpk->algorithm, (struct byte_view){output, kbpk->length});
    secret_wipe(output, sizeof(output));
}

static void derive_variant(const struct clear_key *kbpk, uint8_t mask, struct clear_key *derived)
{
    *derived = *kbpk;
    for (uint32_t i = 0; i < derived->length; i++) {
        derived->bytes[i] ^= mask;
    }
}

void key_block_derive(struct block_cipher *cipher, const struct clear_key *kbpk, char version,
                      struct key_block_keys *keys)
{
    REQUIRE(version >= 'A' && version <= 'D');
    REQUIRE(kbpk->algorithm == (version == 'D' ? KEY_AES : KEY_TDES) && kbpk->length >= 16);
    if (version == 'A' || version == 'C') {
        derive_variant(kbpk, 0x45, &keys->encipher);
        derive_variant(kbpk, 0x4D, &keys->authenticate);
        return;
    }
    derive_one(cipher, kbpk, 0, &keys->encipher);
    derive_one(cipher, kbpk, 1, &keys->authenticate);
}

/* B and D: the payload must be deciphered before its MAC can be computed. */
static void clear_derived(struct block_cipher *cipher, const struct key_block_keys *keys,
                          const struct key_block_parts *parts, uint8_t *payload, uint8_t *mac)
{
    struct cmac cmac;
    EVP_CIPHER_CTX *chain =
        block_cipher_cbc(cipher, &keys->encipher, BLOCK_CIPHER_DECRYPT, parts->mac);
    block_cipher_chain(chain, parts->payload, payload, parts->payload_length);
    cmac_begin(&cmac, cipher, &keys->authenticate);
    cmac_update(&cmac, parts->text.bytes, parts->text.length);
    cmac_update(&cmac, payload, parts->payload_length);
    cmac_final(&cmac, mac);
    cmac_wipe(&cmac);
}

/* A and C: the MAC lies over the ciphertext. */
static void clear_variant(struct block_cipher *cipher, const struct key_block_keys *keys,
                          const struct key_block_parts *parts, uint8_t *payload, uint8_t *mac)
{
    uint8_t covered[KEY_BLOCK_TEXT_MAX];
    struct byte_writer writer;
    byte_writer_init(&writer, covered, sizeof(covered));
    byte_writer_put(&writer, parts->text.bytes, parts->text.length);
    byte_writer_put(&writer, parts->payload, parts->payload_length);
    REQUIRE(writer.status == STATUS_OK);
    mac_algorithm_1(cipher, &keys->authenticate, MAC_PADDING_1,
                    (struct byte_view){covered, writer.position}, mac);
    EVP_CIPHER_CTX *chain =
        block_cipher_cbc(cipher, &keys->encipher, BLOCK_CIPHER_DECRYPT, parts->text.bytes);
    block_cipher_chain(chain, parts->payload, payload, parts->payload_length);
}

enum hsm_answer key_block_payload_key(const uint8_t *payload, uint32_t payload_length,
                                      char algorithm, struct clear_key *key)
{
    struct byte_reader reader;
    enum key_algorithm kind = KEY_TDES;
    if (!key_letter_algorithm(algorithm, &kind)) {
        return HSM_KEY_USAGE;
    }
    byte_reader_init(&reader, payload, payload_length);
    uint32_t bits = byte_reader_u16(&reader);
    const uint8_t *bytes = byte_reader_take(&reader, bits / 8);
    if (bytes == NULL || bits % 8 != 0 || !clear_key_may_have_length(kind, bits / 8)) {
        return HSM_KEY_UNAUTHENTIC;
    }
    clear_key_set(key, kind, (struct byte_view){bytes, bits / 8});
    return HSM_DONE;
}

enum hsm_answer key_block_unwrap(struct block_cipher *cipher, const struct clear_key *kbpk,
                                 struct byte_view text, struct key_block_header *header,
                                 struct clear_key *key)
{
    struct key_block_parts parts;
    struct key_block_keys keys;
    uint8_t payload[KEY_BLOCK_PAYLOAD_MAX];
    uint8_t mac[16];
    enum hsm_answer answer = key_block_parse(&parts, text);
    if (answer != HSM_DONE) {
        return answer;
    }
    if (kbpk->algorithm != (parts.header.version == 'D' ? KEY_AES : KEY_TDES) ||
        kbpk->length < 16) {
        return HSM_KEY_USAGE;
    }
    key_block_derive(cipher, kbpk, parts.header.version, &keys);
    if (parts.header.version == 'B' || parts.header.version == 'D') {
        clear_derived(cipher, &keys, &parts, payload, mac);
    } else {
        clear_variant(cipher, &keys, &parts, payload, mac);
    }
    answer = HSM_KEY_UNAUTHENTIC;
    if (secret_compare(mac, parts.mac, parts.mac_length) == 0) {
        *header = parts.header;
        answer = key_block_payload_key(payload, parts.payload_length, header->algorithm, key);
    }
    secret_wipe(payload, sizeof(payload));
    secret_wipe(&keys, sizeof(keys));
    return answer;
}

static void put_pad(struct byte_writer *writer)
{
    uint32_t over = writer->position % D_BLOCK_BYTES;
    if (over == 0) {
        return;
    }
    uint32_t length = D_BLOCK_BYTES - over;
    length += length < OPTIONAL_HEAD ? D_BLOCK_BYTES : 0;
    char text[3];
    const uint8_t byte = (uint8_t)length;
    bytes_to_hex(text, &byte, 1);
    byte_writer_text(writer, "PB");
    byte_writer_text(writer, text);
    byte_writer_fill(writer, '0', length - OPTIONAL_HEAD);
}

uint32_t key_block_write_header(char text[KEY_BLOCK_HEADER_MAX],
                                const struct key_block_header *header, uint32_t payload_length)
{
    struct byte_writer writer;
    uint32_t label_length = (uint32_t)strlen(header->label);
    REQUIRE(label_length < HSM_KEY_NAME_SIZE && payload_length % D_BLOCK_BYTES == 0);
    byte_writer_init(&writer, text, KEY_BLOCK_HEADER_MAX);
    byte_writer_text(&writer, "D0000");
    byte_writer_put(&writer, header->usage, 2);
    byte_writer_u8(&writer, (uint8_t)header->algorithm);
    byte_writer_u8(&writer, (uint8_t)header->mode);
    byte_writer_text(&writer, "00");
    byte_writer_u8(&writer, (uint8_t)header->exportability);
    byte_writer_text(&writer, "0000");
    if (label_length > 0) {
        char length_text[3];
        const uint8_t length = (uint8_t)(OPTIONAL_HEAD + label_length);
        bytes_to_hex(length_text, &length, 1);
        byte_writer_text(&writer, "LB");
        byte_writer_text(&writer, length_text);
        byte_writer_text(&writer, header->label);
        bool has_pad = writer.position % D_BLOCK_BYTES != 0;
        put_pad(&writer);
        text[13] = has_pad ? '2' : '1';
    }
    REQUIRE(writer.status == STATUS_OK);
    digits_format(text + 1, writer.position + 2 * (payload_length + D_MAC_BYTES), LENGTH_DIGITS);
    return writer.position;
}
