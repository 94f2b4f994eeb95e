/* See update_book.h. */
#include "switch/desk/update_book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/pan_text.h"
#include "protocols/base/require.h"
#include "protocols/firmware_order.h"
#include "switch/desk/desk_state.h"
#include "switch/desk/effect_book.h"
#include "switch/desk/registry.h"

#define DAY_US INT64_C(86400000000)

static const char *const STATES[UPDATE_STATE_COUNT] = {
#define X(name, word) [UPDATE_##name] = (word),
    UPDATE_STATE_MAP(X)
#undef X
};

const char *update_state_word(enum update_state state)
{
    REQUIRE((unsigned)state < UPDATE_STATE_COUNT);
    return STATES[state];
}

static enum status history_add(struct desk *desk, uint64_t id, const char *const words[2],
                               const struct desk_actor *by)
{
    char key[24];
    snprintf(key, sizeof(key), "%llu", (unsigned long long)id);
    const struct desk_value values[] = {DESK_NUMBER(by->wall_us), DESK_TEXT(by->actor),
                                        DESK_TEXT(key), DESK_TEXT(words[0]), DESK_TEXT(words[1])};
    return desk_write(desk,
                      "INSERT INTO history (wall_us, actor, row_kind, row_key, column_name, before,"
                      " after) VALUES (?, ?, 'update_campaign', ?, 'state', ?, ?)",
                      values, DESK_COUNT_OF(values));
}

/* --- which terminals ------------------------------------------------------------------------- */

/* One that is below the wanted version, with what orders it. */
struct candidate {
    char terminal_id[9];
    bool is_silent;
    uint64_t hash;
};
struct candidates {
    struct candidate *items; /* owner */
    uint32_t count, room;
};

/* FNV-1a, of the campaign too: the first to be asked are not the same ones each time. */
static uint64_t hash_of(uint64_t id, const char *terminal_id)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325) ^ id;
    for (; *terminal_id != '\0'; terminal_id++) {
        hash = (hash ^ (uint8_t)*terminal_id) * UINT64_C(0x100000001B3);
    }
    return hash ^ hash >> 32;
}

static int candidate_order(const void *one, const void *other)
{
    const struct candidate *a = one;
    const struct candidate *b = other;
    if (a->is_silent != b->is_silent) {
        return a->is_silent ? 1 : -1;
    }
    if (a->hash != b->hash) {
        return a->hash < b->hash ? -1 : 1;
    }
    return strcmp(a->terminal_id, b->terminal_id);
}

static enum status candidate_add(struct candidates *all, const struct candidate *one)
{
    if (all->count == all->room) {
        uint32_t room = all->room == 0 ? 256 : all->room * 2;
        struct candidate *items = realloc(all->items, room * sizeof(*items));
        if (items == NULL) {
            return STATUS_NO_MEMORY;
        }
        all->items = items;
        all->room = room;
    }
    all->items[all->count++] = *one;
    return STATUS_OK;
}

#define CANDIDATE_SQL                                                                              \
    "SELECT t.terminal_id, coalesce(nullif(s.firmware, ''), t.firmware), coalesce(s.seen_us, 0)"   \
    " FROM terminal_registration AS t LEFT JOIN terminal_seen AS s"                                \
    " ON s.terminal_id = t.terminal_id"                                                            \
    " WHERE t.brand = ? AND t.model = ? AND t.state = 'active'"

/* Which software one has that never told it is not known, so that it is left out. */
static enum status gather(struct desk *desk, const struct update_campaign *campaign,
                          struct candidates *all)
{
    const struct desk_value values[] = {DESK_TEXT(campaign->brand), DESK_TEXT(campaign->model)};
    sqlite3_stmt *statement = desk_prepare(desk, CANDIDATE_SQL);
    if (statement == NULL || !desk_bind(statement, values, DESK_COUNT_OF(values))) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (status = desk_step(desk, statement)) == STATUS_OK) {
        const char *firmware = (const char *)sqlite3_column_text(statement, 1);
        struct candidate one = {.is_silent = sqlite3_column_int64(statement, 2) <
                                             campaign->made_us - UPDATE_SEEN_DAYS * DAY_US};
        snprintf(one.terminal_id, sizeof(one.terminal_id), "%s",
                 (const char *)sqlite3_column_text(statement, 0));
        one.hash = hash_of(campaign->id, one.terminal_id);
        if (firmware[0] != '\0' && firmware_order(firmware, campaign->firmware) < 0) {
            status = candidate_add(all, &one);
        }
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status targets_write(struct desk *desk, const struct update_campaign *campaign,
                                 const struct candidates *all)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < all->count; i++) {
        const struct desk_value values[] = {
            DESK_NUMBER(campaign->id), DESK_TEXT(all->items[i].terminal_id),
            DESK_NUMBER(update_wave_of(&campaign->waves, i, all->count))};
        status = desk_write(desk, "INSERT INTO update_target VALUES (?, ?, ?, 'waiting', 0)",
                            values, DESK_COUNT_OF(values));
    }
    return status;
}

/* --- making ---------------------------------------------------------------------------------- */

/* As an order can say it: printable characters without a blank. */
static bool is_version(const char *text)
{
    while (*text > ' ' && *text <= '~') {
        text++;
    }
    return *text == '\0';
}

static enum status version_find(struct desk *desk, struct update_campaign *campaign)
{
    struct device_model model = {0};
    memcpy(model.brand, campaign->brand, sizeof(model.brand));
    memcpy(model.model, campaign->model, sizeof(model.model));
    enum status status = registry_find(desk, REGISTRY_DEVICE_MODEL, &model);
    if (status == STATUS_NOT_FOUND) {
        return desk_fault(desk, status, "no model %s of brand %s is registered", campaign->model,
                          campaign->brand);
    }
    if (status == STATUS_OK && campaign->firmware[0] == '\0') {
        memcpy(campaign->firmware, model.firmware_min, sizeof(campaign->firmware));
    }
    if (status == STATUS_OK && !is_version(campaign->firmware)) {
        return desk_fault(desk, STATUS_BAD_VALUE,
                          "expected a version of printable characters without a blank, got \"%s\"",
                          campaign->firmware);
    }
    return status == STATUS_OK && campaign->firmware[0] == '\0'
               ? desk_fault(desk, STATUS_BAD_VALUE,
                            "name a version: %s %s is registered without a lowest one that is well",
                            campaign->brand, campaign->model)
               : status;
}

/* DENIED: another campaign of the model goes. */
static enum status is_alone(struct desk *desk, const struct update_campaign *campaign)
{
    const struct desk_value values[] = {DESK_TEXT(campaign->brand), DESK_TEXT(campaign->model)};
    int64_t other = 0;
    enum status status = desk_number(desk,
                                     "SELECT id FROM update_campaign"
                                     " WHERE brand = ? AND model = ? AND state = 'going'",
                                     values, DESK_COUNT_OF(values), &other);
    if (status == STATUS_OK) {
        return desk_fault(desk, STATUS_DENIED, "campaign %lld of %s %s goes: stop it first",
                          (long long)other, campaign->brand, campaign->model);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status campaign_write(struct desk *desk, struct update_campaign *campaign,
                                  const struct desk_actor *by)
{
    char waves[UPDATE_WAVES_TEXT_SIZE];
    update_waves_text(&campaign->waves, waves);
    const struct desk_value values[] = {
        DESK_TEXT(campaign->brand), DESK_TEXT(campaign->model),       DESK_TEXT(campaign->firmware),
        DESK_TEXT(waves),           DESK_NUMBER(campaign->settle_us), DESK_NUMBER(by->wall_us),
        DESK_TEXT(by->actor)};
    enum status status = desk_write(
        desk,
        "INSERT INTO update_campaign (brand, model, firmware, waves, settle_us, made_us, made_by,"
        " state, wave, wave_us, changed_us, changed_by, reason)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'going', 0, ?6, ?6, ?7, 'made')",
        values, DESK_COUNT_OF(values));
    campaign->id = (uint64_t)sqlite3_last_insert_rowid(desk->database);
    campaign->made_us = by->wall_us;
    return status == STATUS_OK
               ? history_add(desk, campaign->id, (const char *const[2]){"", "going: made"}, by)
               : status;
}

static enum status make(struct desk *desk, struct update_campaign *campaign,
                        const struct desk_actor *by)
{
    struct candidates all = {0};
    enum status status = version_find(desk, campaign);
    status = status == STATUS_OK ? is_alone(desk, campaign) : status;
    status = status == STATUS_OK ? campaign_write(desk, campaign, by) : status;
    status = status == STATUS_OK ? gather(desk, campaign, &all) : status;
    if (status == STATUS_OK && all.count == 0) {
        status = desk_fault(desk, STATUS_DENIED, "no active %s %s has software below %s",
                            campaign->brand, campaign->model, campaign->firmware);
    }
    if (status == STATUS_OK) {
        REQUIRE(all.items != NULL);
        qsort(all.items, all.count, sizeof(all.items[0]), candidate_order);
        status = targets_write(desk, campaign, &all);
    }
    free(all.items);
    return status;
}

enum status update_book_make(struct desk *desk, const struct update_campaign *wanted,
                             const struct desk_actor *by, uint64_t *id)
{
    struct update_campaign campaign = *wanted;
    REQUIRE(by->actor[0] != '\0');
    REQUIRE(wanted->settle_us > 0 && wanted->waves.count > 0);
    enum status status = desk_begin(desk);
    if (status == STATUS_OK) {
        status = desk_end(desk, make(desk, &campaign, by));
    }
    *id = status == STATUS_OK ? campaign.id : 0;
    return status;
}

/* --- reading --------------------------------------------------------------------------------- */

#define CAMPAIGN_SQL                                                                               \
    "SELECT id, brand, model, firmware, waves, settle_us, made_us, made_by, state, wave, wave_us," \
    " changed_us, changed_by, reason FROM update_campaign "

static void text_take(sqlite3_stmt *statement, int at, char *text, size_t size)
{
    const char *cell = (const char *)sqlite3_column_text(statement, at);
    snprintf(text, size, "%s", cell != NULL ? cell : "");
}

static enum status campaign_take(struct desk *desk, sqlite3_stmt *statement,
                                 struct update_campaign *campaign)
{
    char waves[UPDATE_WAVES_TEXT_SIZE], state[16];
    unsigned at = 0;
    *campaign = (struct update_campaign){.id = (uint64_t)sqlite3_column_int64(statement, 0),
                                         .settle_us = sqlite3_column_int64(statement, 5),
                                         .made_us = sqlite3_column_int64(statement, 6),
                                         .wave = (uint32_t)sqlite3_column_int64(statement, 9),
                                         .wave_us = sqlite3_column_int64(statement, 10),
                                         .changed_us = sqlite3_column_int64(statement, 11)};
    text_take(statement, 1, campaign->brand, sizeof(campaign->brand));
    text_take(statement, 2, campaign->model, sizeof(campaign->model));
    text_take(statement, 3, campaign->firmware, sizeof(campaign->firmware));
    text_take(statement, 4, waves, sizeof(waves));
    text_take(statement, 7, campaign->made_by, sizeof(campaign->made_by));
    text_take(statement, 8, state, sizeof(state));
    text_take(statement, 12, campaign->changed_by, sizeof(campaign->changed_by));
    text_take(statement, 13, campaign->reason, sizeof(campaign->reason));
    while (at < UPDATE_STATE_COUNT && strcmp(STATES[at], state) != 0) {
        at++;
    }
    campaign->state = (enum update_state)at;
    bool is_good = at < UPDATE_STATE_COUNT && update_waves_parse(&campaign->waves, waves) &&
                   campaign->wave < campaign->waves.count;
    return is_good ? STATUS_OK
                   : desk_fault(desk, STATUS_MALFORMED, "campaign %llu: its waves or its state",
                                (unsigned long long)campaign->id);
}

enum status update_book_find(struct desk *desk, uint64_t id, struct update_campaign *campaign)
{
    sqlite3_stmt *statement = desk_prepare(desk, CAMPAIGN_SQL "WHERE id = ?");
    if (statement == NULL || !desk_bind(statement, &DESK_NUMBER(id), 1)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = desk_step(desk, statement);
    if (status == STATUS_OK) {
        status = campaign_take(desk, statement, campaign);
    } else if (status == STATUS_NOT_FOUND) {
        status =
            desk_fault(desk, status, "no campaign has the number %llu", (unsigned long long)id);
    }
    desk_release(desk, statement);
    return status;
}

enum status update_book_list(struct desk *desk, struct update_campaign *campaigns, uint32_t room,
                             uint32_t *count)
{
    sqlite3_stmt *statement = desk_prepare(desk, CAMPAIGN_SQL "ORDER BY id DESC LIMIT ?");
    *count = 0;
    if (statement == NULL || !desk_bind(statement, &DESK_NUMBER(room), 1)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = STATUS_OK;
    while (status == STATUS_OK && *count < room) {
        status = desk_step(desk, statement);
        if (status == STATUS_OK) {
            status = campaign_take(desk, statement, &campaigns[*count]);
            *count += status == STATUS_OK;
        }
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status update_book_counts(struct desk *desk, uint64_t id, struct update_counts *counts)
{
    sqlite3_stmt *statement =
        desk_prepare(desk, "SELECT wave, state, count(*) FROM update_target WHERE campaign_id = ?"
                           " GROUP BY wave, state");
    memset(counts, 0, sizeof(*counts));
    if (statement == NULL || !desk_bind(statement, &DESK_NUMBER(id), 1)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (status = desk_step(desk, statement)) == STATUS_OK) {
        char word[16];
        text_take(statement, 1, word, sizeof(word));
        int64_t wave = sqlite3_column_int64(statement, 0);
        enum update_target target = update_target_from_word(word);
        if (wave < 0 || wave >= UPDATE_WAVE_COUNT_MAX || target == UPDATE_TARGET_COUNT) {
            status = desk_fault(desk, STATUS_MALFORMED, "campaign %llu: a terminal's wave or state",
                                (unsigned long long)id);
        } else {
            counts->of_wave[wave][target] = (uint32_t)sqlite3_column_int64(statement, 2);
        }
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status update_book_next(struct desk *desk, uint64_t *id)
{
    int64_t next = 0;
    enum status status = desk_number(
        desk,
        "SELECT id FROM update_campaign WHERE id > ? AND (state = 'going' OR (state = 'stopped' AND"
        " EXISTS (SELECT 1 FROM update_target WHERE campaign_id = id AND state = 'asked')))"
        " ORDER BY id LIMIT 1",
        &DESK_NUMBER(*id), 1, &next);
    *id = status == STATUS_OK ? (uint64_t)next : 0;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status update_book_refused(struct desk *desk, uint64_t id, const char *terminal_id)
{
    const struct desk_value values[] = {DESK_NUMBER(id), DESK_TEXT(terminal_id)};
    return desk_write(desk,
                      "UPDATE update_target SET state = 'failed' WHERE campaign_id = ?"
                      " AND terminal_id = ? AND state = 'asked'",
                      values, DESK_COUNT_OF(values));
}

/* --- changes --------------------------------------------------------------------------------- */

enum status update_book_change(struct desk *desk, const struct update_campaign *campaign,
                               enum update_state state, const char *reason,
                               const struct desk_actor *by)
{
    char masked[UPDATE_REASON_SIZE], after[UPDATE_REASON_SIZE + 16];
    snprintf(masked, sizeof(masked), "%s", reason);
    pan_text_mask(masked);
    snprintf(after, sizeof(after), "%s: %s", update_state_word(state), masked);
    const struct desk_value values[] = {DESK_TEXT(update_state_word(state)),
                                        DESK_NUMBER(by->wall_us), DESK_TEXT(by->actor),
                                        DESK_TEXT(masked), DESK_NUMBER(campaign->id)};
    enum status status = desk_write(desk,
                                    "UPDATE update_campaign SET state = ?, changed_us = ?,"
                                    " changed_by = ?, reason = ? WHERE id = ?",
                                    values, DESK_COUNT_OF(values));
    const char *const words[2] = {update_state_word(campaign->state), after};
    return status == STATUS_OK ? history_add(desk, campaign->id, words, by) : status;
}

/* Those that were to be told and were not are asked anew when it goes on. */
static enum status take_back(struct desk *desk, uint64_t id)
{
    enum status status =
        desk_write(desk,
                   "UPDATE update_target SET state = 'waiting', asked_us = 0 WHERE campaign_id = ?1"
                   " AND state = 'asked' AND terminal_id IN"
                   " (SELECT terminal_id FROM case_effect WHERE campaign_id = ?1)",
                   &DESK_NUMBER(id), 1);
    return status == STATUS_OK ? effect_book_unask(desk, id) : status;
}

struct wish {
    uint64_t id;
    enum update_state from, to;
    const char *reason;
};

static enum status change(struct desk *desk, const struct wish *wish, const struct desk_actor *by)
{
    struct update_campaign campaign = {0};
    enum status status = update_book_find(desk, wish->id, &campaign);
    if (status != STATUS_OK) {
        return status;
    }
    if (campaign.state != wish->from) {
        return desk_fault(desk, STATUS_DENIED, "campaign %llu is %s",
                          (unsigned long long)campaign.id, update_state_word(campaign.state));
    }
    status = wish->to == UPDATE_GOING ? is_alone(desk, &campaign) : take_back(desk, campaign.id);
    if (status == STATUS_OK && wish->to == UPDATE_GOING) {
        status = desk_write(desk,
                            "UPDATE update_target SET state = 'waiting', asked_us = 0"
                            " WHERE campaign_id = ? AND state = 'failed'",
                            &DESK_NUMBER(campaign.id), 1);
    }
    return status == STATUS_OK ? update_book_change(desk, &campaign, wish->to, wish->reason, by)
                               : status;
}

static enum status change_as_one(struct desk *desk, const struct wish *wish,
                                 const struct desk_actor *by)
{
    REQUIRE(by->actor[0] != '\0');
    enum status status = desk_begin(desk);
    return status == STATUS_OK ? desk_end(desk, change(desk, wish, by)) : status;
}

enum status update_book_stop(struct desk *desk, uint64_t id, const char *reason,
                             const struct desk_actor *by)
{
    return change_as_one(desk, &(struct wish){id, UPDATE_GOING, UPDATE_STOPPED, reason}, by);
}

enum status update_book_resume(struct desk *desk, uint64_t id, const char *reason,
                               const struct desk_actor *by)
{
    return change_as_one(desk, &(struct wish){id, UPDATE_STOPPED, UPDATE_GOING, reason}, by);
}
