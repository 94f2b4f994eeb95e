/* What a UnionPay POS terminal says and what it makes of the answers (unionpay-pos sections 2 to 6,
 * 14): frames with length and TPDU, PIN block, chip data, MAC. Pure: keys, card and numbers come
 * in.
 *
 * One writer builds for one thread at a time; nothing is allocated after create.
 *
 * Life:  pos_writer_create -> build, read ... -> pos_writer_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/card.h"
#include "loadtest/tdes.h"
#include "protocols/base/bytes.h"
#include "protocols/iso8583/spec.h"

#define POS_FRAME_BYTES_MAX 1024
#define POS_HEAD_BYTES 7 /* length 2, TPDU 5 */

struct pos_writer;

/* `spec` is borrowed: config/specs/unionpay-pos.yaml or a like one. NULL: no memory. */
struct pos_writer *pos_writer_create(const struct spec *spec);
void pos_writer_destroy(struct pos_writer *writer);

/* Who speaks, and under which keys. */
struct pos_identity {
    char terminal_id[9], merchant_id[16];
    uint32_t batch;
    struct tdes_key pin_key, mac_key; /* PIK, MAK */
};

enum pos_entry { POS_CHIP_PIN, POS_MAGNETIC_PIN, POS_CONTACTLESS };

struct pos_purchase {
    uint32_t stan;
    int64_t amount; /* fen */
    enum pos_entry entry;
    struct card card;
};

/* Each answers a whole frame, good until the next build, and the writer's. REQUIREs that the spec
 * has the fields: a spec that has not is found at start by building once. */
struct byte_view pos_build_sign_on(struct pos_writer *writer, const struct pos_identity *identity,
                                   uint32_t stan);
struct byte_view pos_build_purchase(struct pos_writer *writer, const struct pos_identity *identity,
                                    const struct pos_purchase *purchase);
/* `identity->batch` is the purchase's batch; `reason` is 98, 96, A0 or 06. */
struct byte_view pos_build_reversal(struct pos_writer *writer, const struct pos_identity *identity,
                                    const struct pos_purchase *purchase, const char reason[3]);

/* The length of the whole frame that `bytes` begin with; 0: not enough bytes to know. */
uint32_t pos_frame_length(struct byte_view bytes);

struct pos_answer {
    char mti[5];
    uint32_t stan;
    char response_code[3];
    char rrn[13], auth_code[7];
    char terminal_id[9];
    int64_t amount; /* -1: not in the answer */
    uint32_t batch;
    bool has_mac, is_mac_right;
    uint8_t
        request; /* digit 6 of the header: what the centre asks the terminal to do; 3: sign on */
    struct byte_view keys; /* field 62; views the frame */
};

/* Reads a whole frame. STATUS_MALFORMED: `fault` says what is wrong. */
MUST_CHECK enum status pos_read(struct pos_writer *writer, const struct pos_identity *identity,
                                struct byte_view frame, struct pos_answer *answer, char fault[160]);

/* Working keys out of field 62 (24, 40 or 60 bytes), under the terminal's master key, with their
 * check values. STATUS_BAD_VALUE: a check value does not fit. STATUS_MALFORMED: another length. */
MUST_CHECK enum status pos_keys_open(struct pos_writer *writer, const struct tdes_key *master,
                                     struct byte_view field_62, struct pos_identity *identity);
