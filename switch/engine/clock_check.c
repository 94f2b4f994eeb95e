/* See clock_check.h. */
#include "switch/engine/clock_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/effect.h"
#include "switch/engine/payment_rule.h"
#include "switch/engine/txn_record.h"

#define SECONDS_PER_MINUTE 60
#define SECONDS_PER_HOUR 3600
#define SECONDS_PER_DAY 86400

/* Whether its time is the time at which it was sent: a status or a batch may tell of earlier. */
static bool is_of_now(enum payment_kind kind)
{
    bool is_kept =
        kind == PAYMENT_BATCH_UPLOAD || kind == PAYMENT_SIGNATURE || kind == PAYMENT_STATUS_UPLOAD;
    enum payment_travel travel = payment_rule_of(kind)->travel;
    return travel == PAYMENT_TRAVEL_FORWARD || (travel == PAYMENT_TRAVEL_OURS && !is_kept);
}

/* False: it says no time, or none that there is. */
static bool read_clock(const struct engine *engine, const struct payment *payment, int64_t *ahead_s)
{
    char sent_at[11];
    if (strlen(payment->local_date) != 4 || strlen(payment->local_time) != 6) {
        return false;
    }
    memcpy(sent_at, payment->local_date, 4);
    memcpy(sent_at + 4, payment->local_time, 7);
    return wall_text_ahead(sent_at, engine->wall_us, ahead_s);
}

/* Its row is none of the transaction's, so it has not its key. */
static void write_row(struct engine *engine, const struct payment *payment, int64_t ahead_s)
{
    struct record *record = record_of_payment(engine, payment, RECORD_ANOMALY);
    struct device_note note = payment->device;
    REQUIRE(ahead_s >= INT32_MIN && ahead_s <= INT32_MAX); /* a year at most */
    note.clock_ahead_s = (int32_t)ahead_s;
    (void)device_note_write(record->device, &note);
    record->reason = TXN_REASON_CLOCK_OFF;
    record->stan = 0;
}

void clock_check(struct engine *engine, uint32_t place, const struct request *request)
{
    const struct payment *payment = request->payment;
    int64_t ahead_s = 0;
    if (engine->limits.clock_off_max_s == 0 || place == 0 || !is_of_now(payment->kind) ||
        !read_clock(engine, payment, &ahead_s)) {
        return;
    }
    struct terminal_day *day = &engine->terminals.states[place].day;
    day->clock_ahead_s = ahead_s;
    day->clock_wall_us = engine->wall_us;
    int64_t off_s = ahead_s < 0 ? -ahead_s : ahead_s;
    if (off_s <= engine->limits.clock_off_max_s || day->clock_noted_day == engine->wall.day) {
        return;
    }
    day->clock_noted_day = engine->wall.day;
    if (!request->is_log_short) {
        write_row(engine, payment, ahead_s);
    }
    effect_notice(engine, TXN_REASON_CLOCK_OFF, NULL, payment);
    engine->effects->items[engine->effects->count - 1].clock_ahead_s = ahead_s;
}

void clock_check_text(char text[CLOCK_CHECK_TEXT_SIZE], int64_t ahead_s)
{
    int64_t off_s = ahead_s < 0 ? -ahead_s : ahead_s;
    const char *side = ahead_s < 0 ? "behind" : "ahead of";
    if (off_s >= SECONDS_PER_DAY) {
        snprintf(text, CLOCK_CHECK_TEXT_SIZE, "its clock is %" PRId64 " d %" PRId64 " h %s ours",
                 off_s / SECONDS_PER_DAY, off_s % SECONDS_PER_DAY / SECONDS_PER_HOUR, side);
    } else if (off_s >= SECONDS_PER_HOUR) {
        snprintf(text, CLOCK_CHECK_TEXT_SIZE, "its clock is %" PRId64 " h %" PRId64 " min %s ours",
                 off_s / SECONDS_PER_HOUR, off_s % SECONDS_PER_HOUR / SECONDS_PER_MINUTE, side);
    } else {
        snprintf(text, CLOCK_CHECK_TEXT_SIZE, "its clock is %" PRId64 " min %" PRId64 " s %s ours",
                 off_s / SECONDS_PER_MINUTE, off_s % SECONDS_PER_MINUTE, side);
    }
}
