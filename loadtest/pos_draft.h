/* A terminal's message while it is being written: what payments (pos_message.c) and management
 * (pos_manage.c) have in common. Nobody else needs this header.
 *
 * Life:  pos_draft_begin -> put fields in any order -> pos_draft_finish
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/pos_message.h"
#include "loadtest/tdes.h"
#include "protocols/iso8583/message.h"

#define POS_HEADER_BYTES 6
#define POS_CHIP_BYTES_MAX 255

struct pos_writer {
    const struct spec *spec; /* borrowed */
    struct tdes *tdes;       /* owner */
    struct message_draft draft;
    uint8_t frame[POS_FRAME_BYTES_MAX];
    uint8_t icc[POS_CHIP_BYTES_MAX], pin_block[TDES_BLOCK_BYTES];
    /* Texts that the draft borrows until the message is built. */
    char amount[13], stan[7], custom[24], original[32], custom_59[192];
};

enum pos_header { POS_HEADER_MAGNETIC, POS_HEADER_CHIP };

void pos_draft_begin(struct pos_writer *writer, const char *mti, enum pos_header header);
/* `text` is borrowed until the message is built. */
void pos_draft_text(struct pos_writer *writer, unsigned field, const char *text);
void pos_draft_bytes(struct pos_writer *writer, unsigned field, struct byte_view bytes);
void pos_draft_stan(struct pos_writer *writer, uint32_t stan);
void pos_draft_amount(struct pos_writer *writer, int64_t amount);
/* Fields 41 and 42. */
void pos_draft_parties(struct pos_writer *writer, const struct pos_identity *identity);
/* Field 60: 60.1 `type`, 60.2 the batch, 60.3 and on `rest`. */
void pos_draft_custom_60(struct pos_writer *writer, uint32_t batch, const char *type,
                         const char *rest);
/* Puts length and TPDU before the message, and the MAC behind it where a key is given. The frame is
 * good until the next draft. REQUIREs that the spec can say it. */
struct byte_view pos_draft_finish(struct pos_writer *writer, const struct tdes_key *mac_key);
