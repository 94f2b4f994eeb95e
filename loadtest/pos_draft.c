/* See pos_draft.h. */
#include "loadtest/pos_draft.h"

#include <stdio.h>
#include <stdlib.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"

static const uint8_t TPDU[] = {0x60, 0x00, 0x03, 0x00, 0x00};
static const uint8_t HEADERS[][POS_HEADER_BYTES] = {
    [POS_HEADER_MAGNETIC] = {0x60, 0x32, 0x00, 0x31, 0x00, 0x00},
    [POS_HEADER_CHIP] = {0x61, 0x32, 0x00, 0x31, 0x00, 0x00}};

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

void pos_draft_begin(struct pos_writer *writer, const char *mti, enum pos_header header)
{
    message_draft_init(&writer->draft, writer->spec, mti);
    writer->draft.header = (struct byte_view){HEADERS[header], POS_HEADER_BYTES};
}

void pos_draft_text(struct pos_writer *writer, unsigned field, const char *text)
{
    message_draft_set_text(&writer->draft, field, text);
}

void pos_draft_bytes(struct pos_writer *writer, unsigned field, struct byte_view bytes)
{
    message_draft_set(&writer->draft, field, bytes.bytes, bytes.length);
}

void pos_draft_stan(struct pos_writer *writer, uint32_t stan)
{
    digits_format(writer->stan, stan, 6);
    writer->stan[6] = '\0';
    pos_draft_text(writer, 11, writer->stan);
}

void pos_draft_amount(struct pos_writer *writer, int64_t amount)
{
    digits_format(writer->amount, (uint64_t)amount, 12);
    writer->amount[12] = '\0';
    pos_draft_text(writer, 4, writer->amount);
}

void pos_draft_parties(struct pos_writer *writer, const struct pos_identity *identity)
{
    pos_draft_text(writer, 41, identity->terminal_id);
    pos_draft_text(writer, 42, identity->merchant_id);
}

void pos_draft_custom_60(struct pos_writer *writer, uint32_t batch, const char *type,
                         const char *rest)
{
    int length = snprintf(writer->custom, sizeof writer->custom, "%s%06u%s", type,
                          (unsigned)(batch % 1000000), rest);
    REQUIRE(length > 0 && (size_t)length < sizeof writer->custom);
    pos_draft_text(writer, 60, writer->custom);
}

struct byte_view pos_draft_finish(struct pos_writer *writer, const struct tdes_key *mac_key)
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
