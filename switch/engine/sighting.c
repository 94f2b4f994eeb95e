/* See sighting.h. */
#include "switch/engine/sighting.h"

#include "protocols/base/require.h"
#include "switch/engine/effect.h"
#include "switch/engine/text.h"

bool engine_may_sight(enum txn_reason reason)
{
    return reason == TXN_REASON_MAC_FAILED || reason == TXN_REASON_KEYS_MISSING ||
           reason == TXN_REASON_MALFORMED || reason == TXN_REASON_TLS_FAILED ||
           reason == TXN_REASON_STRANGER || reason == TXN_REASON_IDENTITY_DIFFERS;
}

void sighting_on_event(struct engine *engine, const struct engine_event *event)
{
    REQUIRE(engine->is_running);
    REQUIRE(engine_may_sight(event->sighting.reason));
    REQUIRE(event->sighting.count > 0);
    if (event->sighting.is_log_short) {
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
