/* See sighting.h. */
#include "switch/engine/sighting.h"

#include "protocols/base/require.h"
#include "switch/engine/effect.h"
#include "switch/engine/text.h"

#define CERTIFICATE_FORGET_US (INT64_C(31) * 86400 * 1000000)

/* 0: it is about no certificate. */
static uint8_t certificate_days(enum txn_reason reason)
{
    return reason == TXN_REASON_CERTIFICATE_30   ? 30
           : reason == TXN_REASON_CERTIFICATE_14 ? 14
           : reason == TXN_REASON_CERTIFICATE_7  ? 7
                                                 : 0;
}

bool engine_is_certificate(enum txn_reason reason)
{
    return certificate_days(reason) != 0;
}

bool engine_may_sight(enum txn_reason reason)
{
    return reason == TXN_REASON_MAC_FAILED || reason == TXN_REASON_KEYS_MISSING ||
           reason == TXN_REASON_MALFORMED || reason == TXN_REASON_TLS_FAILED ||
           reason == TXN_REASON_STRANGER || reason == TXN_REASON_IDENTITY_DIFFERS ||
           engine_is_certificate(reason);
}

/* Another certificate is not near its end before a month has passed. */
static bool is_told(const struct engine *engine, const struct terminal_day *day, uint8_t days)
{
    return day->certificate_days != 0 && days >= day->certificate_days &&
           engine->wall_us - day->certificate_wall_us < CERTIFICATE_FORGET_US;
}

bool engine_was_told(const struct engine *engine, const char terminal_id[9], enum txn_reason reason)
{
    const uint32_t place = terminal_set_find(&engine->terminals, terminal_id);
    REQUIRE(engine_is_certificate(reason));
    return place != 0 &&
           is_told(engine, &engine->terminals.states[place].day, certificate_days(reason));
}

/* False: told already. */
static bool certificate_is_news(struct engine *engine, const struct engine_event *event)
{
    const uint8_t days = certificate_days(event->sighting.reason);
    const uint32_t place = terminal_set_find(&engine->terminals, event->sighting.terminal_id);
    if (days == 0 || place == 0) {
        return days == 0; /* without a request of its own it has shown nothing but a certificate */
    }
    struct terminal_day *day = &engine->terminals.states[place].day;
    const bool is_news = !is_told(engine, day, days);
    if (is_news && !event->sighting.is_log_short) {
        day->certificate_days = days;
        day->certificate_wall_us = engine->wall_us;
    }
    return is_news;
}

void sighting_on_event(struct engine *engine, const struct engine_event *event)
{
    REQUIRE(engine->is_running);
    REQUIRE(engine_may_sight(event->sighting.reason));
    REQUIRE(event->sighting.count > 0);
    if (!certificate_is_news(engine, event) || event->sighting.is_log_short) {
        return;
    }
    const struct device_note note = {.is_told = true, .count = event->sighting.count};
    const struct terminal_row *row =
        terminal_table_find(ruleset_terminal_view(engine->ruleset), event->sighting.terminal_id);
    struct record *record = effect_log(engine, RECORD_ANOMALY);
    record->reason = (uint16_t)event->sighting.reason;
    TEXT_COPY(record->terminal_id, event->sighting.terminal_id);
    if (row != NULL) {
        TEXT_COPY(record->merchant_id, row->merchant_id);
    }
    (void)device_note_write(record->device, &note);
}
