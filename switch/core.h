/* The heart of the switch on the first loop: engine, write-ahead driver and log, joined.
 *
 * Events come in from terminals and channels; effects go out through the calls of the setup, each
 * after the log position it depends on is on disk. What is answered inside an effect (a forward
 * that found no link, working keys) waits for the end of the turn: nobody calls back into the
 * driver.
 *
 * Life:  core_create -> core_replay -> core_start -> events ... -> core_stop -> loop turns ->
 * core_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/server_options.h"
#include "routing/channel_table.h"
#include "switch/engine/driver.h"
#include "switch/net/loop.h"
#include "switch/store/store.h"

struct core;

struct core_setup {
    struct loop *loop;
    const struct server_options *options; /* borrowed until core_replay has answered */
    const struct ruleset *ruleset;        /* the first one; borrowed until core_use gives another */
    void (*reply)(void *argument, const struct engine_effect *effect);
    void (*forward)(void *argument, const struct engine_effect *effect);
    void (*make_keys)(void *argument, const struct engine_effect *effect);
    /* What became of an order: after its row is on disk, or at once where it was refused. May come
     * inside core_order(). NULL: nobody gives any. */
    void (*ordered)(void *argument, uint64_t ticket, enum order_answer answer);
    /* A record of the log read back: working keys that are in force. */
    void (*on_replayed)(void *argument, const struct record *record);
    /* store_setup.on_committed, of the log's writer. NULL: nobody watches. */
    void (*on_committed)(void *argument, const struct record *records, uint32_t count);
    void *argument;
};

/* Opens the log and makes the engine. NULL: `reason` says what is missing; *exit_code which code of
 * a server's it is. */
struct core *core_create(const struct core_setup *setup, int *exit_code,
                         char reason[STORE_REASON_SIZE]);
/* Reads the log into the engine and begins the epoch. */
MUST_CHECK enum status core_replay(struct core *core, char reason[STORE_REASON_SIZE]);
/* Starts the writer: from here on records become durable. */
MUST_CHECK enum status core_start(struct core *core);
/* Writes what waits and closes the log; the loop must turn once more. */
void core_stop(struct core *core);
void core_destroy(struct core *core);

/* Whether another request may be given in: the log and the driver have room, with some kept back
 * for the answers of what is in flight. */
bool core_has_room(const struct core *core);

/* Whether answers of banks, too, should wait: what was kept back for them is half used up. What has
 * been read already is still taken. */
bool core_is_crowded(const struct core *core);

void core_request(struct core *core, struct conn_handle conn, const struct payment *payment);
/* What the rim saw of a terminal, `count` times; where core_has_room() says so. False: the end of a
 * certificate that was not taken, since the disk is short or the terminal asked for nothing yet;
 * it has to be told again. */
bool core_sighting(struct core *core, const char terminal_id[9], enum txn_reason reason,
                   uint32_t count);
/* An order about a terminal or merchant, where core_has_room() says so; `ordered` answers. */
void core_order(struct core *core, const struct order *order, uint64_t ticket);
void core_response(struct core *core, uint16_t channel, const struct payment *payment);
void core_channel(struct core *core, uint16_t channel, bool is_up);
/* A channel's next settlement day, YYYYMMDD, begins. */
void core_cut_over(struct core *core, uint16_t channel, uint32_t settlement_day);
/* From within an effect too: both wait for the end of the turn. The views are copied. */
void core_unsent(struct core *core, const struct engine_effect *forward, enum txn_reason reason);
struct core_keys {
    bool is_made;
    struct byte_view field_62, records;
};
void core_keys(struct core *core, struct txn_handle txn, const struct core_keys *keys);
/* Other rules are in force; the ones before are no longer used when the call returns. */
void core_use(struct core *core, const struct ruleset *ruleset);

const struct engine *core_engine(const struct core *core);
const struct store *core_store(const struct core *core);
/* As store_purge_soon(). */
void core_purge(struct core *core, uint32_t days);
uint32_t core_held_count(const struct core *core);
/* Nothing is in flight, and nothing waits for the log. */
bool core_is_idle(const struct core *core);

/* Of one channel, by its index. */
struct core_channel_counts {
    struct count timeouts;  /* requests that were not answered in time */
    struct count late;      /* answers after that */
    struct count unmatched; /* answers that belong to no request */
};

/* One thread writes, others read. */
struct core_counts {
    struct count notices[TXN_REASON_COUNT];
    struct count lookups_refused;   /* too many searches of the log were under way */
    struct count responses_dropped; /* no room: the transaction will be reversed */
    struct count records[RECORD_KIND_COUNT];
    struct core_channel_counts channels[CHANNEL_COUNT_MAX];
};
const struct core_counts *core_count(const struct core *core);
