/* See observe.h. */
#include "switch/store/observe.h"

#include <string.h>

#include "protocols/base/require.h"
#include "routing/bin_table.h"
#include "switch/engine/batch_totals.h"
#include "switch/engine/engine.h"
#include "switch/engine/upload.h"

#define TEXT_TO(to, from)                                                                          \
    do {                                                                                           \
        _Static_assert(sizeof(to) == sizeof(from), "both texts have the same size");               \
        memcpy((to), (from), sizeof(to));                                                          \
    } while (0)

#define CARD_CREDIT 1
#define CARD_DEBIT 2

/* What a row is about; OBSERVATION_TIME: nothing that is watched. */
struct meaning {
    enum observation_kind kind;
    enum observation_detail detail;
};
static const struct meaning NOTHING = {OBSERVATION_TIME, OBSERVED_NONE};

/* --- by kind ------------------------------------------------------------------------------ */

static bool is_approved(const struct record *record)
{
    return payment_is_approval(record->response_code);
}

static struct meaning of_result(const struct record *record)
{
    switch (record->reason) {
    case TXN_REASON_UNSENT:
    case TXN_REASON_CHANNEL_DOWN:
    case TXN_REASON_CHANNEL_FULL:
    case TXN_REASON_PIN_REFUSED:
        return (struct meaning){OBSERVATION_ENDED, OBSERVED_UNSENT};
    case TXN_REASON_NO_ANSWER:
    case TXN_REASON_MISMATCH:
    case TXN_REASON_RESTART:
        return (struct meaning){OBSERVATION_ENDED, OBSERVED_UNKNOWN};
    default:
        return (struct meaning){OBSERVATION_ENDED,
                                is_approved(record) ? OBSERVED_APPROVED : OBSERVED_DECLINED};
    }
}

/* What was taken for certain is told 00 before it is delivered. */
static struct meaning of_advice(const struct record *record)
{
    return (struct meaning){OBSERVATION_ENDED, record->reason == TXN_REASON_ADVICE_TAKEN
                                                   ? OBSERVED_APPROVED
                                                   : OBSERVED_UNKNOWN};
}

/* A refund, or a void that pays back, is sent again until its outcome is known: this is it. Of
 * others the outcome was told when they were taken. */
static struct meaning of_advice_done(const struct record *record)
{
    if (record->payment_kind != PAYMENT_REFUND && record->payment_kind != PAYMENT_VOID) {
        return NOTHING;
    }
    return (struct meaning){OBSERVATION_ENDED,
                            is_approved(record) ? OBSERVED_APPROVED : OBSERVED_DECLINED};
}

/* The row that begins a reversal is the only one that says how its original ended. */
static struct meaning of_reversal(const struct record *record)
{
    if (record->reason == TXN_REASON_NO_ANSWER) {
        return (struct meaning){OBSERVATION_ENDED, OBSERVED_UNKNOWN};
    }
    return (struct meaning){OBSERVATION_REVERSED, record->reason == TXN_REASON_TERMINAL_REVERSED
                                                      ? OBSERVED_BY_TERMINAL
                                                      : OBSERVED_BY_SWITCH};
}

static struct meaning of_reversal_done(const struct record *record)
{
    if (strcmp(record->response_code, "25") == 0) {
        return (struct meaning){OBSERVATION_ODD, OBSERVED_REVERSAL_UNFOUND};
    }
    return (struct meaning){OBSERVATION_UNDONE, OBSERVED_NONE};
}

static enum observation_detail detail_of_refusal(const struct record *record)
{
    switch (record->reason) {
    case TXN_REASON_NOT_SIGNED_ON:
    case TXN_REASON_OTHER_BATCH:
        return OBSERVED_NOT_SIGNED_ON;
    case TXN_REASON_MERCHANT_MISMATCH:
        return OBSERVED_MERCHANT_MISMATCH;
    case TXN_REASON_TERMINAL_STOPPED:
    case TXN_REASON_ORDER_STOP:
    case TXN_REASON_TERMINAL_LISTED:
        return OBSERVED_TERMINAL_STOPPED;
    case TXN_REASON_MERCHANT_STOPPED:
        return OBSERVED_MERCHANT_STOPPED;
    case TXN_REASON_FOLLOWED_OTHER_CARD:
        return OBSERVED_OTHER_CARD;
    case TXN_REASON_CARD_LISTED:
    case TXN_REASON_CODE_LISTED:
        return OBSERVED_LISTED;
    case TXN_REASON_MERCHANT_LISTED:
        return OBSERVED_MERCHANT_LISTED;
    case TXN_REASON_LIMIT_AMOUNT:
    case TXN_REASON_LIMIT_AMOUNT_LOW:
    case TXN_REASON_LIMIT_DAY_AMOUNT:
    case TXN_REASON_LIMIT_DAY_COUNT:
    case TXN_REASON_LIMIT_MONTH_AMOUNT:
    case TXN_REASON_PIN_FAULTS:
    case TXN_REASON_ORDER_LIMIT:
        return OBSERVED_LIMITED;
    default:
        return OBSERVED_OTHER;
    }
}

static struct meaning of_anomaly(const struct record *record)
{
    switch (record->reason) {
    case TXN_REASON_MAC_FAILED:
        return (struct meaning){OBSERVATION_SIGHTING, OBSERVED_MAC_FAILED};
    case TXN_REASON_MALFORMED:
        return (struct meaning){OBSERVATION_SIGHTING, OBSERVED_MALFORMED};
    case TXN_REASON_TLS_FAILED:
        return (struct meaning){OBSERVATION_SIGHTING, OBSERVED_TLS_FAILED};
    case TXN_REASON_STRANGER:
        return (struct meaning){OBSERVATION_SIGHTING, OBSERVED_STRANGER};
    case TXN_REASON_CERTIFICATE_30:
        return (struct meaning){OBSERVATION_SIGHTING, OBSERVED_CERTIFICATE_30};
    case TXN_REASON_CERTIFICATE_14:
        return (struct meaning){OBSERVATION_SIGHTING, OBSERVED_CERTIFICATE_14};
    case TXN_REASON_CERTIFICATE_7:
        return (struct meaning){OBSERVATION_SIGHTING, OBSERVED_CERTIFICATE_7};
    case TXN_REASON_IDENTITY_DIFFERS:
        return (struct meaning){OBSERVATION_SIGHTING, OBSERVED_OTHER};
    case TXN_REASON_KEYS_MISSING:
        return (struct meaning){OBSERVATION_REFUSED, OBSERVED_NOT_SIGNED_ON};
    case TXN_REASON_LATE_APPROVAL:
        return (struct meaning){OBSERVATION_ODD, OBSERVED_LATE_APPROVAL};
    case TXN_REASON_MISMATCH:
        return (struct meaning){OBSERVATION_ODD, OBSERVED_MISMATCH};
    case TXN_REASON_OTHER_CONTENT:
        return (struct meaning){OBSERVATION_ODD, OBSERVED_OTHER_CONTENT};
    case TXN_REASON_CLOCK_OFF:
        return (struct meaning){OBSERVATION_ODD, OBSERVED_CLOCK_OFF};
    case TXN_REASON_ANSWER_MAC:
        return (struct meaning){OBSERVATION_ODD, OBSERVED_KEYS_LOST};
    default:
        return (struct meaning){OBSERVATION_ODD, OBSERVED_NONE};
    }
}

/* "asked <field 48>\nours <field 48>\n…": the last digit of ours is the result. */
static struct meaning of_settlement(const struct record *record)
{
    static const char OURS[] = "\nours ";
    const uint32_t ours_at = sizeof("asked ") - 1 + BATCH_FIELD_48_DIGITS;
    const uint32_t result_at = ours_at + sizeof(OURS) - 1 + BATCH_FIELD_48_DIGITS - 1;
    bool is_whole = record->payload_length > result_at &&
                    memcmp(record->payload + ours_at, OURS, sizeof(OURS) - 1) == 0;
    bool is_equal = is_whole && record->payload[result_at] == '0' + BATCH_EQUAL;
    return (struct meaning){OBSERVATION_SETTLED,
                            is_equal ? OBSERVED_TOTALS_EQUAL : OBSERVED_TOTALS_DIFFER};
}

/* Its row of a finished download tells nothing of its state. */
static struct meaning of_status(const struct record *record, struct observation *observation)
{
    struct byte_view status = {record->payload, record->payload_length};
    if (status.length == 0 || upload_read_status(status, &observation->faulty) != STATUS_OK) {
        return NOTHING;
    }
    return (struct meaning){OBSERVATION_STATUS, OBSERVED_NONE};
}

static struct meaning meaning_of(const struct record *record, struct observation *observation)
{
    switch (record->kind) {
    case RECORD_INTENT:
        return (struct meaning){OBSERVATION_ASKED, OBSERVED_NONE};
    case RECORD_RESULT:
        return of_result(record);
    case RECORD_REFUSED:
        return (struct meaning){OBSERVATION_REFUSED, detail_of_refusal(record)};
    case RECORD_REVERSAL:
        return of_reversal(record);
    case RECORD_REVERSAL_DONE:
        return of_reversal_done(record);
    case RECORD_REVERSAL_CASE:
    case RECORD_ADVICE_CASE:
        return (struct meaning){OBSERVATION_ODD, OBSERVED_UNDELIVERED};
    case RECORD_TOMBSTONE:
        return (struct meaning){OBSERVATION_REVERSED, OBSERVED_BY_TERMINAL};
    case RECORD_ANOMALY:
        return of_anomaly(record);
    case RECORD_SIGNON:
        return (struct meaning){OBSERVATION_SIGNED_ON, OBSERVED_NONE};
    case RECORD_SIGNOFF:
        return (struct meaning){OBSERVATION_SIGNED_OFF, OBSERVED_NONE};
    case RECORD_ADVICE:
        return of_advice(record);
    case RECORD_ADVICE_DONE:
        return of_advice_done(record);
    case RECORD_SETTLEMENT:
        return of_settlement(record);
    case RECORD_BATCH_END:
        return (struct meaning){OBSERVATION_BATCH_ENDED, OBSERVED_NONE};
    case RECORD_STATUS:
        return of_status(record, observation);
    case RECORD_EPOCH:
    case RECORD_REVERSAL_SENT:
    case RECORD_BATCH_DETAIL:
    case RECORD_SIGNATURE:
    case RECORD_CUT_OVER:
    case RECORD_ORDER:
    case RECORD_ORDER_DONE:
    case RECORD_ORDER_OVER:
    case RECORD_KIND_COUNT:
        return NOTHING;
    }
    return NOTHING;
}

/* --- members ------------------------------------------------------------------------------ */

static uint8_t card_credit_of(const struct record *record)
{
    struct fee_basis basis;
    char plan[FEE_PLAN_NAME_SIZE];
    if (record->fee_basis[0] == '\0' || !fee_basis_read(&basis, plan, record->fee_basis)) {
        return 0;
    }
    return basis.card_type == CARD_TYPE_CREDIT  ? CARD_CREDIT
           : basis.card_type == CARD_TYPE_DEBIT ? CARD_DEBIT
                                                : 0;
}

static void put_request(struct observation *observation, const struct record *record)
{
    observation->position = record->position;
    observation->wall_us = record->wall_us;
    observation->payment_kind = record->payment_kind;
    TEXT_TO(observation->terminal_id, record->terminal_id);
    TEXT_TO(observation->merchant_id, record->merchant_id);
    TEXT_TO(observation->channel, record->channel);
    observation->batch = record->batch;
    observation->stan = record->stan;
    observation->amount_minor = record->amount.minor;
    observation->currency = record->amount.currency;
    observation->pan_hash = record->pan_hash;
    TEXT_TO(observation->pan_masked, record->pan_masked);
    TEXT_TO(observation->entry_mode, record->entry_mode);
    TEXT_TO(observation->response_code, record->response_code);
    TEXT_TO(observation->mcc, record->mcc);
    TEXT_TO(observation->rrn, record->rrn);
    observation->card_credit = card_credit_of(record);
}

/* A text that is none of ours, from a log that somebody made, tells nothing. */
static void put_device(struct observation *observation, const struct record *record)
{
    struct device_note note;
    observation->count = 1;
    if (record->device[0] == '\0' || !device_note_from_text(&note, record->device)) {
        return;
    }
    observation->device_flags = note.flags;
    TEXT_TO(observation->serial, note.serial);
    TEXT_TO(observation->firmware, note.firmware);
    observation->latitude_e3 = note.latitude_e3;
    observation->longitude_e3 = note.longitude_e3;
    observation->cell = note.cell;
    observation->clock_ahead_s = note.clock_ahead_s;
    observation->count = note.count == 0 ? 1 : note.count;
}

bool observation_of_record(const struct record *record, struct observation *observation)
{
    REQUIRE((unsigned)record->kind < RECORD_KIND_COUNT);
    REQUIRE(record->reason < TXN_REASON_COUNT);
    *observation = (struct observation){.position = record->position};
    const struct meaning meaning = meaning_of(record, observation);
    if (meaning.kind == OBSERVATION_TIME) {
        return false;
    }
    observation->kind = meaning.kind;
    observation->detail = meaning.detail;
    put_request(observation, record);
    put_device(observation, record);
    return true;
}
