/* See rim_watch.h. */
#include "switch/terminal/rim_watch.h"

#include <stddef.h>

#include "protocols/base/require.h"
#include "switch/net/log.h"

#define GATHER_NS UINT64_C(1000000000)
#define US_PER_S 1000000
/* A whole fleet's certificates may end on one day; they leave room for what is not seen twice, and
 * are told at another connection. */
#define CERTIFICATE_SIGHTING_COUNT_MAX (SIGHTING_COUNT_MAX / 4)

/* What a rejection is seen as; NONE: as nothing of the terminal's. */
static enum txn_reason reason_of(enum reject reject)
{
    switch (reject) {
    case REJECT_FRAME:
    case REJECT_HTTP:
    case REJECT_UNREADABLE:
    case REJECT_FORMAT:
    case REJECT_UNKNOWN_KIND:
    case REJECT_TRACK:
        return TXN_REASON_MALFORMED;
    case REJECT_IDENTITY:
        return TXN_REASON_IDENTITY_DIFFERS;
    case REJECT_MAC_MISSING:
    case REJECT_MAC_WRONG:
        return TXN_REASON_MAC_FAILED;
    case REJECT_KEY_MISSING:
        return TXN_REASON_KEYS_MISSING;
    case REJECT_TERMINAL: /* of a stranger all the same: see sight() */
    case REJECT_HALF_MESSAGE:
    case REJECT_MERCHANT:
    case REJECT_SECURITY:
    case REJECT_COUNT:
        return TXN_REASON_NONE;
    }
    return TXN_REASON_NONE;
}

static void sight(struct terminals *terminals, const char *terminal_id, enum txn_reason reason)
{
    const struct terminal_table *table =
        terminals->ruleset == NULL ? NULL : ruleset_terminal_view(terminals->ruleset);
    if (table == NULL || terminal_id[0] == '\0') {
        return;
    }
    if (terminal_table_find(table, terminal_id) == NULL) {
        reason = TXN_REASON_STRANGER;
    }
    if (reason == TXN_REASON_NONE) {
        return;
    }
    bool was_empty = terminals->sightings.count == 0;
    (void)sighting_book_add(&terminals->sightings, terminal_id, reason);
    if (was_empty && !terminals->is_closed) {
        deadline_arm(&terminals->setup.loop->wheel, &terminals->gathered,
                     loop_now_ns() + GATHER_NS);
    }
}

static void tell_lost(struct sighting_book *book)
{
    if (book->lost > 0) {
        LOG(LOG_WARN, "sightings_lost", LOG_NUMBER("count", book->lost),
            LOG_TEXT("text", "more terminals than the book has room for sent what is no "
                             "request; these get no row of the log"));
        book->lost = 0;
    }
}

/* What finds no room, or is one too many, waits for another second. */
static void on_gathered(struct deadline *deadline)
{
    struct terminals *terminals =
        (struct terminals *)((char *)deadline - offsetof(struct terminals, gathered));
    const struct terminals_setup *setup = &terminals->setup;
    struct terminal_sighting sighting;
    tell_lost(&terminals->sightings);
    for (uint32_t rows = 0; rows < SIGHTING_ROW_COUNT_MAX && setup->has_room(setup->argument) &&
                            sighting_book_take(&terminals->sightings, &sighting);
         rows++) {
        setup->on_sighting(setup->argument, &sighting);
    }
    if (terminals->sightings.count > 0) {
        deadline_arm(&setup->loop->wheel, deadline, loop_now_ns() + GATHER_NS);
    }
}

void rim_watch_init(struct terminals *terminals)
{
    REQUIRE(terminals->setup.on_sighting != NULL);
    deadline_init(&terminals->gathered, on_gathered);
}

void rim_watch_close(struct terminals *terminals)
{
    deadline_cancel(&terminals->gathered);
}

/* Whoever has not proved itself here may be known by where it comes from. */
static const char *name_of(const struct terminal_conn *conn)
{
    if (conn->is_proven) {
        return conn->terminal_id;
    }
    const char *before =
        address_book_find(&conn->port->terminals->addresses, stream_address(conn->stream));
    return before == NULL ? "" : before;
}

void rim_watch_reject(struct terminal_conn *conn, enum reject reject, const char *claimed)
{
    sight(conn->port->terminals, claimed[0] == '\0' ? name_of(conn) : claimed, reason_of(reject));
}

void rim_watch_stranger(struct terminals *terminals, const char terminal_id[9])
{
    sight(terminals, terminal_id, TXN_REASON_NONE);
}

void rim_watch_proven(struct terminal_conn *conn)
{
    struct terminals *terminals = conn->port->terminals;
    if (!conn->port->setup.has_identity ||
        terminals->sightings.count >= CERTIFICATE_SIGHTING_COUNT_MAX) {
        return;
    }
    enum txn_reason reason =
        certificate_reason(stream_peer_end(conn->stream), loop_wall_us() / US_PER_S);
    if (certificate_book_is_news(&terminals->certificates, conn->terminal_id, reason) &&
        !sighting_book_has(&terminals->sightings, conn->terminal_id, reason)) {
        sight(terminals, conn->terminal_id, reason);
    }
}

void rim_watch_taken(struct terminals *terminals, const struct terminal_sighting *sighting)
{
    if (engine_is_certificate(sighting->reason)) {
        certificate_book_told(&terminals->certificates, sighting->terminal_id, sighting->reason);
    }
}

void rim_watch_closed(struct terminal_conn *conn, enum close_reason reason)
{
    struct terminals *terminals = conn->port->terminals;
    if (conn->is_proven) {
        address_book_tell(&terminals->addresses, stream_address(conn->stream), conn->terminal_id);
    } else if (reason == CLOSE_NOT_TLS || reason == CLOSE_HANDSHAKE_FAILED ||
               reason == CLOSE_HANDSHAKE_LATE) {
        sight(terminals, name_of(conn), TXN_REASON_TLS_FAILED);
    }
}
