/* See advice.h. */
#include "switch/engine/advice.h"

#include <string.h>

#include "protocols/base/require.h"
#include "protocols/emv_tlv.h"
#include "switch/engine/answer_cargo.h"
#include "switch/engine/batch.h"
#include "switch/engine/effect.h"
#include "switch/engine/forward.h"
#include "switch/engine/saf.h"
#include "switch/engine/text.h"

#define ICC_BYTES_MAX 255
#define PAYLOAD_HEAD_BYTES (4 + 4 + 8 + 5 + 11 + 13 + 7)
/* What wallets ask for besides; a sign in the last place of the message type, which was always 0
 * before, says that it is there. */
#define PAYLOAD_MORE_BYTES (9 + 8 + 2)
#define PAYLOAD_MORE_SIGN 1
_Static_assert(PAYLOAD_HEAD_BYTES + PAYLOAD_MORE_BYTES + ICC_BYTES_MAX + 3 <=
                   RECORD_PAYLOAD_BYTES_MAX,
               "all fit");

/* The chip data that the channel gets, without what must not be kept (I33); what is malformed or
 * longer than a terminal may send is left out. */
static void keep_chip_data(struct engine *engine, struct txn_detail *detail,
                           const struct payment *flight)
{
    uint8_t bytes[ICC_BYTES_MAX];
    struct byte_writer writer;
    struct payment *kept = effect_payment(engine);
    byte_writer_init(&writer, bytes, sizeof(bytes));
    if (emv_tlv_strip(&writer, payment_cargo(flight, PAYMENT_CARGO_ICC)) != STATUS_OK) {
        return;
    }
    payment_clear(kept);
    enum status status = payment_set_cargo(kept, PAYMENT_CARGO_ICC,
                                           (struct byte_view){bytes, (uint32_t)writer.position});
    REQUIRE(status == STATUS_OK);
    detail->answer_length = answer_cargo_pack(detail->answer, kept);
}

void advice_begin(struct engine *engine, struct txn *txn)
{
    struct txn_detail *detail = txn_detail(&engine->slab, txn);
    REQUIRE(txn->candidate_count > 0);
    txn->channel = txn->candidates[0];
    uint32_t stan = engine_next_stan(engine, txn->channel);
    if (stan != 0) { /* else it gets one when it leaves */
        engine_set_stan(engine, txn, stan);
    }
    uint32_t channel_day = engine->channels.states[txn->channel].settlement_day;
    detail->settlement_day = channel_day == 0 ? engine->wall.day : channel_day;
    TEXT_COPY(detail->sent_at, engine->wall.sent_at);
    TEXT_COPY(detail->local_time, engine->wall.local_time);
    TEXT_COPY(detail->local_date, engine->wall.local_date);
    text_set_code(detail->response_code, txn_reason_code(TXN_REASON_ADVICE_TAKEN));
    keep_chip_data(engine, detail, txn_flight(&engine->slab, txn));
    engine->terminals.states[txn->terminal].approved++;
    batch_see_stan(engine, txn->terminal, txn->batch, txn->stan);
    batch_add(engine, txn, saf_open_advice(engine, txn, TXN_REASON_ADVICE_TAKEN));
    forward_reply(engine, txn);
}

/* --- the payload -------------------------------------------------------------------------- */

void advice_put_payload(struct record *record, const struct txn_detail *detail)
{
    const struct payment_original *quoted = &detail->quoted;
    struct byte_writer writer;
    byte_writer_init(&writer, record->payload, sizeof(record->payload));
    byte_writer_u32(&writer, quoted->batch);
    byte_writer_u32(&writer, quoted->stan);
    byte_writer_u64(&writer, (uint64_t)detail->difference);
    byte_writer_put(&writer, quoted->mti, sizeof(quoted->mti) - 1);
    byte_writer_u8(&writer, PAYLOAD_MORE_SIGN);
    byte_writer_put(&writer, quoted->sent_at, sizeof(quoted->sent_at));
    byte_writer_put(&writer, quoted->rrn, sizeof(quoted->rrn));
    byte_writer_put(&writer, quoted->auth_code, sizeof(quoted->auth_code));
    byte_writer_put(&writer, quoted->terminal_id, sizeof(quoted->terminal_id));
    byte_writer_u64(&writer, (uint64_t)quoted->amount.minor);
    byte_writer_u16(&writer, quoted->amount.currency);
    byte_writer_put(&writer, detail->answer, detail->answer_length);
    REQUIRE(writer.status == STATUS_OK);
    record->payload_length = (uint16_t)writer.position;
}

static void take_text(struct byte_reader *reader, char *text, uint32_t size)
{
    const uint8_t *bytes = byte_reader_take(reader, size);
    REQUIRE(bytes != NULL); /* the caller has seen that there are as many */
    memcpy(text, bytes, size);
    text[size - 1] = '\0';
}

void advice_take_payload(struct txn_detail *detail, const struct record *record)
{
    struct payment_original *quoted = &detail->quoted;
    struct byte_reader reader;
    const uint32_t sign_at = 4 + 4 + 8 + sizeof(quoted->mti) - 1;
    bool has_more =
        record->payload_length > sign_at && record->payload[sign_at] == PAYLOAD_MORE_SIGN;
    uint32_t head_bytes = PAYLOAD_HEAD_BYTES + (has_more ? PAYLOAD_MORE_BYTES : 0);
    if (record->payload_length < head_bytes ||
        record->payload_length > head_bytes + RECORD_ANSWER_BYTES_MAX) {
        return; /* another version's */
    }
    byte_reader_init(&reader, record->payload, record->payload_length);
    quoted->batch = byte_reader_u32(&reader);
    quoted->stan = byte_reader_u32(&reader);
    detail->difference = (int64_t)byte_reader_u64(&reader);
    take_text(&reader, quoted->mti, sizeof(quoted->mti));
    take_text(&reader, quoted->sent_at, sizeof(quoted->sent_at));
    take_text(&reader, quoted->rrn, sizeof(quoted->rrn));
    take_text(&reader, quoted->auth_code, sizeof(quoted->auth_code));
    if (has_more) {
        take_text(&reader, quoted->terminal_id, sizeof(quoted->terminal_id));
        quoted->amount.minor = (int64_t)byte_reader_u64(&reader);
        quoted->amount.currency = byte_reader_u16(&reader);
    }
    memcpy(quoted->date, quoted->sent_at, 4);
    detail->answer_length = (uint16_t)byte_reader_left(&reader);
    if (detail->answer_length > 0) {
        memcpy(detail->answer, byte_reader_take(&reader, detail->answer_length),
               detail->answer_length);
    }
}
