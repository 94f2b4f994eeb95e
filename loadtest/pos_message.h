/* What a UnionPay POS terminal says and what it makes of the answers (unionpay-pos sections 2 to 6,
 * 14): frames with length and TPDU, PIN block, chip data, MAC. Pure: keys, card and numbers come
 * in. Sign-on, downloads and settlement stand in pos_manage.h.
 *
 * One writer builds for one thread at a time; nothing is allocated after create.
 *
 * Life:  pos_writer_create -> build, read ... -> pos_writer_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/card.h"
#include "loadtest/pos_device.h"
#include "loadtest/pos_kind.h"
#include "loadtest/tdes.h"
#include "protocols/base/bytes.h"
#include "protocols/iso8583/spec.h"

#define POS_FRAME_BYTES_MAX 1024
#define POS_HEAD_BYTES 7 /* length 2, TPDU 5 */
#define POS_TOTALS_DIGITS 62

struct pos_writer;

/* `spec` is borrowed: config/specs/unionpay-pos.yaml or a like one. NULL: no memory. */
struct pos_writer *pos_writer_create(const struct spec *spec);
void pos_writer_destroy(struct pos_writer *writer);

/* Who speaks, and under which keys. */
struct pos_identity {
    char terminal_id[9], merchant_id[16];
    uint32_t batch;
    struct tdes_key pin_key, mac_key; /* PIK, MAK */
    struct pos_device device;
};

/* X(NAME, field 22, chip data, PIN, track 2): how the card was read (unionpay-pos section 7). */
#define POS_ENTRY_MAP(X)                                                                           \
    X(CHIP_PIN, "051", true, true, true)                                                           \
    X(MAGNETIC_PIN, "021", false, true, true)                                                      \
    X(CONTACTLESS, "072", true, false, true)                                                       \
    X(CHIP, "052", true, false, true)                                                              \
    X(MAGNETIC, "022", false, false, true)                                                         \
    X(KEYED, "012", false, false, false)                                                           \
    X(CODE, "032", false, false, false) /* the customer's code: no card at all */
enum pos_entry {
#define X(name, mode, is_chip, has_pin, has_track) POS_##name,
    POS_ENTRY_MAP(X)
#undef X
        POS_ENTRY_COUNT
};
const char *pos_entry_mode(enum pos_entry entry);
bool pos_entry_is_chip(enum pos_entry entry);
bool pos_entry_is_code(enum pos_entry entry);
/* The same card, without a PIN. */
enum pos_entry pos_entry_without_pin(enum pos_entry entry);

/* What a follow-up names: the fields of its original's answer that the receipt shows. */
struct pos_original {
    enum pos_kind kind;
    uint32_t batch, stan;
    char date[5];         /* MMDD, field 13 of its answer */
    char rrn[13];         /* field 37 */
    char auth_code[7];    /* field 38 */
    char acquirer_id[12]; /* field 32 */
    char voucher[21];     /* field 59 A4, of a payment by code; may be empty */
};

struct pos_request {
    enum pos_kind kind;
    uint32_t stan;
    int64_t amount; /* fen */
    enum pos_entry entry;
    struct card card;             /* of POS_CODE: empty */
    char pay_code[25];            /* of a purchase by POS_CODE */
    struct pos_original original; /* of kinds that follow another; batch 0: none */
};

/* Each answers a whole frame, good until the next build, and the writer's. REQUIREs that the spec
 * has the fields: a spec that has not is found at start by building once. `identity->batch` is the
 * request's batch. */
struct byte_view pos_build_request(struct pos_writer *writer, const struct pos_identity *identity,
                                   const struct pos_request *request);
/* `reason` is 98, 96, A0 or 06. */
struct byte_view pos_build_reversal(struct pos_writer *writer, const struct pos_identity *identity,
                                    const struct pos_request *request, const char reason[3]);

struct pos_answer {
    char mti[5];
    uint32_t stan; /* 0: not in the answer */
    char response_code[3];
    char rrn[13], auth_code[7];
    char terminal_id[9];
    char local_date[5], acquirer_id[12];
    char voucher[21]; /* field 59 A4; else empty */
    int64_t amount;   /* -1: not in the answer */
    uint32_t batch;
    char management_code[4];            /* 60.3 */
    char totals[POS_TOTALS_DIGITS + 1]; /* field 48 of a settlement; else empty */
    bool has_mac, is_mac_right;
    uint8_t request;            /* digit 6 of the header: what the centre asks the terminal to do */
    struct byte_view custom_62; /* views the frame */
};

/* Reads a whole frame. STATUS_MALFORMED: `fault` says what is wrong. */
MUST_CHECK enum status pos_read(struct pos_writer *writer, const struct pos_identity *identity,
                                struct byte_view frame, struct pos_answer *answer, char fault[160]);

/* Working keys out of field 62 (24, 40 or 60 bytes), under the terminal's master key, with their
 * check values. STATUS_BAD_VALUE: a check value does not fit. STATUS_MALFORMED: another length. */
MUST_CHECK enum status pos_keys_open(struct pos_writer *writer, const struct tdes_key *master,
                                     struct byte_view field_62, struct pos_identity *identity);
