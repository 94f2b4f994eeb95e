/* See pos_manage.h. */
#include "loadtest/pos_manage.h"

#include <stdio.h>
#include <string.h>

#include "loadtest/pos_chip.h"
#include "loadtest/pos_draft.h"
#include "protocols/base/require.h"

struct byte_view pos_build_sign_on(struct pos_writer *writer, const struct pos_identity *identity,
                                   uint32_t stan, const char *management_code)
{
    char serial[40];
    pos_draft_begin(writer, "0800", POS_HEADER_MAGNETIC);
    pos_draft_stan(writer, stan);
    pos_draft_parties(writer, identity);
    pos_draft_custom_60(writer, identity->batch, "00", management_code);
    int length =
        snprintf(serial, sizeof serial, "Sequence No163060%.8s0000", identity->terminal_id);
    REQUIRE(length > 0 && (size_t)length < sizeof serial);
    pos_draft_bytes(writer, 62, (struct byte_view){(const uint8_t *)serial, (uint32_t)length});
    pos_draft_text(writer, 63, "01 ");
    return pos_draft_finish(writer, NULL);
}

struct byte_view pos_build_management(struct pos_writer *writer,
                                      const struct pos_identity *identity,
                                      const struct pos_management *management)
{
    pos_draft_begin(writer, management->mti, POS_HEADER_MAGNETIC);
    if (management->stan != 0) {
        pos_draft_stan(writer, management->stan);
    }
    pos_draft_parties(writer, identity);
    pos_draft_custom_60(writer, identity->batch, "00", management->management_code);
    if (management->custom_62.length > 0) {
        pos_draft_bytes(writer, 62, management->custom_62);
    }
    return pos_draft_finish(writer, NULL);
}

struct byte_view pos_build_settlement(struct pos_writer *writer,
                                      const struct pos_identity *identity, uint32_t stan,
                                      const char *totals)
{
    REQUIRE(strlen(totals) == POS_TOTALS_DIGITS);
    pos_draft_begin(writer, "0500", POS_HEADER_MAGNETIC);
    pos_draft_stan(writer, stan);
    pos_draft_parties(writer, identity);
    pos_draft_text(writer, 48, totals);
    pos_draft_text(writer, 49, "156");
    pos_draft_custom_60(writer, identity->batch, "00", "201");
    pos_draft_text(writer, 63, "01 ");
    return pos_draft_finish(writer, NULL);
}

struct byte_view pos_build_batch(struct pos_writer *writer, const struct pos_identity *identity,
                                 const struct pos_management *management, const char *digits)
{
    pos_draft_begin(writer, "0320", POS_HEADER_MAGNETIC);
    pos_draft_stan(writer, management->stan);
    pos_draft_parties(writer, identity);
    pos_draft_text(writer, 48, digits);
    pos_draft_custom_60(writer, identity->batch, "00", management->management_code);
    return pos_draft_finish(writer, NULL);
}

struct byte_view pos_build_batch_chip(struct pos_writer *writer,
                                      const struct pos_identity *identity,
                                      const char *management_code,
                                      const struct pos_request *request)
{
    char custom[16];
    pos_draft_begin(writer, "0320", POS_HEADER_CHIP);
    pos_draft_text(writer, 2, request->card.pan);
    pos_draft_amount(writer, request->amount);
    pos_draft_stan(writer, request->stan);
    pos_draft_text(writer, 22, pos_entry_mode(request->entry));
    pos_draft_text(writer, 23, request->card.sequence);
    pos_draft_parties(writer, identity);
    pos_chip_put_last(writer, identity, request);
    pos_draft_custom_60(writer, identity->batch, "00", management_code);
    /* The card class (00 domestic, 01 foreign) and the trace number. */
    snprintf(custom, sizeof custom, "%02d%06u", request->card.is_foreign ? 1 : 0,
             (unsigned)request->stan);
    pos_draft_bytes(writer, 62,
                    (struct byte_view){(const uint8_t *)custom, (uint32_t)strlen(custom)});
    return pos_draft_finish(writer, NULL);
}
