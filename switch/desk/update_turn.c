/* See update_turn.h. */
#include "switch/desk/update_turn.h"

#include <stdio.h>
#include <string.h>

#include "protocols/firmware_order.h"
#include "switch/desk/desk_state.h"
#include "switch/desk/effect_book.h"
#include "switch/desk/flag_book.h"

#define PAGE_COUNT 64
#define FLAG_COUNT_MAX 64 /* cohorts that stand out at once: a handful at most */

struct turn {
    struct desk *desk;
    struct update_campaign campaign;
    int64_t now_us;
};

static struct desk_actor by_nobody(const struct turn *turn)
{
    struct desk_actor by = {.wall_us = turn->now_us};
    snprintf(by.actor, sizeof(by.actor), "%s", UPDATE_ACTOR);
    return by;
}

static enum status stop(struct turn *turn, const char *reason)
{
    const struct desk_actor by = by_nobody(turn);
    turn->campaign.state = UPDATE_STOPPED;
    return update_book_stop(turn->desk, turn->campaign.id, reason, &by);
}

/* --- what stops it --------------------------------------------------------------------------- */

static enum status heed_flags(struct turn *turn)
{
    struct flag_entry flags[FLAG_COUNT_MAX];
    const struct update_campaign *campaign = &turn->campaign;
    const struct update_aim aim = {campaign->brand, campaign->model, campaign->firmware};
    uint32_t count = 0;
    char reason[UPDATE_REASON_SIZE];
    enum status status =
        flag_book_cohorts(turn->desk, campaign->changed_us, flags, FLAG_COUNT_MAX, &count);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        if (update_flag_stops(&flags[i].flag, &aim, campaign->changed_us)) {
            snprintf(reason, sizeof(reason), "%s: %s fails more than its peers (flag %llu)",
                     signal_code_text(flags[i].flag.signal), flags[i].flag.subject_id,
                     (unsigned long long)flags[i].id);
            return stop(turn, reason);
        }
    }
    return status;
}

/* --- what terminals told --------------------------------------------------------------------- */

/* Some of its terminals, read whole before any is written. */
struct page {
    char terminal_ids[PAGE_COUNT][9];
    bool is_done[PAGE_COUNT]; /* it tells the wanted version, or a newer one */
    uint32_t count;
};

/* Of a statement whose rows are a terminal and the software that it last told. */
static enum status page_read(struct turn *turn, const char *sql, const struct desk_value values[4],
                             struct page *page)
{
    sqlite3_stmt *statement = desk_prepare(turn->desk, sql);
    page->count = 0;
    if (statement == NULL || !desk_bind(statement, values, 4)) {
        desk_release(turn->desk, statement);
        return desk_broken(turn->desk, "reading");
    }
    enum status status = STATUS_OK;
    while (page->count < PAGE_COUNT && (status = desk_step(turn->desk, statement)) == STATUS_OK) {
        const char *firmware = (const char *)sqlite3_column_text(statement, 1);
        snprintf(page->terminal_ids[page->count], sizeof(page->terminal_ids[0]), "%s",
                 (const char *)sqlite3_column_text(statement, 0));
        page->is_done[page->count++] =
            firmware[0] != '\0' && firmware_order(firmware, turn->campaign.firmware) >= 0;
    }
    desk_release(turn->desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status target_set(struct turn *turn, const char *terminal_id, enum update_target target,
                              int64_t asked_us)
{
    const struct desk_value values[] = {DESK_TEXT(update_target_word(target)),
                                        DESK_NUMBER(asked_us), DESK_NUMBER(turn->campaign.id),
                                        DESK_TEXT(terminal_id)};
    return desk_write(turn->desk,
                      "UPDATE update_target SET state = ?, asked_us = max(asked_us, ?)"
                      " WHERE campaign_id = ? AND terminal_id = ?",
                      values, DESK_COUNT_OF(values));
}

#define TOLD_SQL                                                                                   \
    "SELECT t.terminal_id, s.firmware FROM update_target AS t JOIN terminal_seen AS s"             \
    " ON s.terminal_id = t.terminal_id WHERE t.campaign_id = ?1 AND t.wave <= ?2"                  \
    " AND t.state IN ('asked', 'failed') AND t.terminal_id > ?3 ORDER BY t.terminal_id LIMIT ?4"

/* Also of one that tells it after its time. */
static enum status note_told(struct turn *turn)
{
    struct page page;
    char after[9] = "";
    enum status status = STATUS_OK;
    do {
        const struct desk_value values[4] = {DESK_NUMBER(turn->campaign.id),
                                             DESK_NUMBER(turn->campaign.wave), DESK_TEXT(after),
                                             DESK_NUMBER(PAGE_COUNT)};
        status = page_read(turn, TOLD_SQL, values, &page);
        for (uint32_t i = 0; status == STATUS_OK && i < page.count; i++) {
            memcpy(after, page.terminal_ids[i], sizeof(after));
            if (page.is_done[i]) {
                status = target_set(turn, after, UPDATE_TARGET_DONE, 0);
            }
        }
    } while (status == STATUS_OK && page.count == PAGE_COUNT);
    return status;
}

static enum status note_over(struct turn *turn)
{
    const struct desk_value values[] = {DESK_NUMBER(turn->campaign.id),
                                        DESK_NUMBER(turn->now_us - turn->campaign.settle_us)};
    return desk_write(turn->desk,
                      "UPDATE update_target SET state = 'failed' WHERE campaign_id = ?"
                      " AND state = 'asked' AND asked_us <= ?",
                      values, DESK_COUNT_OF(values));
}

/* --- going on -------------------------------------------------------------------------------- */

/* How many may be asked now. */
static enum status room_find(struct turn *turn, int64_t *room)
{
    uint32_t untold = 0;
    int64_t standing = 0;
    enum status status = effect_book_asks(turn->desk, &untold);
    if (status == STATUS_OK) {
        status = desk_number(turn->desk, "SELECT count(*) FROM update_target WHERE state = 'asked'",
                             NULL, 0, &standing);
    }
    int64_t of_turn = UPDATE_TURN_ASKED_MAX - (int64_t)untold;
    int64_t of_all = UPDATE_STANDING_MAX - standing;
    *room = of_turn < of_all ? of_turn : of_all;
    return status;
}

static enum status ask_one(struct turn *turn, const char *terminal_id)
{
    const struct effect_ask ask = {.campaign_id = turn->campaign.id,
                                   .terminal_id = terminal_id,
                                   .firmware = turn->campaign.firmware,
                                   .wall_us = turn->now_us,
                                   .until_us = turn->now_us + turn->campaign.settle_us};
    enum status status = target_set(turn, terminal_id, UPDATE_TARGET_ASKED, turn->now_us);
    return status == STATUS_OK ? effect_book_ask(turn->desk, &ask) : status;
}

#define WAITING_SQL                                                                                \
    "SELECT t.terminal_id, coalesce(s.firmware, '') FROM update_target AS t LEFT JOIN"             \
    " terminal_seen AS s ON s.terminal_id = t.terminal_id WHERE t.campaign_id = ?1"                \
    " AND t.wave <= ?2 AND t.state = ?3 ORDER BY t.wave, t.terminal_id LIMIT ?4"

/* One that tells the version already is done without being asked. */
static enum status ask_some(struct turn *turn)
{
    struct page page;
    int64_t room = 0;
    _Static_assert(UPDATE_TURN_ASKED_MAX <= PAGE_COUNT, "one page");
    enum status status = room_find(turn, &room);
    if (status != STATUS_OK || room <= 0) {
        return status;
    }
    const struct desk_value values[4] = {
        DESK_NUMBER(turn->campaign.id), DESK_NUMBER(turn->campaign.wave),
        DESK_TEXT(update_target_word(UPDATE_TARGET_WAITING)), DESK_NUMBER(room)};
    status = page_read(turn, WAITING_SQL, values, &page);
    for (uint32_t i = 0; status == STATUS_OK && i < page.count; i++) {
        status = page.is_done[i] ? target_set(turn, page.terminal_ids[i], UPDATE_TARGET_DONE, 0)
                                 : ask_one(turn, page.terminal_ids[i]);
    }
    return status;
}

static enum status progress_find(struct turn *turn, struct update_progress *progress)
{
    const struct update_campaign *campaign = &turn->campaign;
    struct update_counts counts;
    int64_t last_us = 0;
    enum status status = update_book_counts(turn->desk, campaign->id, &counts);
    if (status == STATUS_OK) {
        status = desk_number(turn->desk,
                             "SELECT coalesce(max(asked_us), 0) FROM update_target"
                             " WHERE campaign_id = ?",
                             &DESK_NUMBER(campaign->id), 1, &last_us);
    }
    last_us = last_us > campaign->wave_us ? last_us : campaign->wave_us;
    *progress = (struct update_progress){.is_last = campaign->wave + 1 == campaign->waves.count,
                                         .quiet_us = turn->now_us - last_us,
                                         .settle_us = campaign->settle_us};
    for (uint32_t wave = 0; wave <= campaign->wave; wave++) {
        for (uint32_t i = 0; i < UPDATE_TARGET_COUNT; i++) {
            progress->counts[i] += counts.of_wave[wave][i];
        }
    }
    return status;
}

static enum status begin_next(struct turn *turn)
{
    const struct desk_value values[] = {DESK_NUMBER(turn->now_us), DESK_NUMBER(turn->campaign.id)};
    turn->campaign.wave++;
    enum status status = desk_write(
        turn->desk, "UPDATE update_campaign SET wave = wave + 1, wave_us = ? WHERE id = ?", values,
        DESK_COUNT_OF(values));
    return status == STATUS_OK ? ask_some(turn) : status;
}

static enum status stop_for_few(struct turn *turn, const struct update_progress *progress)
{
    char reason[UPDATE_REASON_SIZE];
    uint32_t done = progress->counts[UPDATE_TARGET_DONE];
    snprintf(reason, sizeof(reason),
             "wave %u: %u of %u terminals tell %s; below %d %% it goes no further",
             turn->campaign.wave + 1, done, done + progress->counts[UPDATE_TARGET_FAILED],
             turn->campaign.firmware, UPDATE_DONE_PERCENT);
    return stop(turn, reason);
}

static enum status finish(struct turn *turn)
{
    const struct desk_actor by = by_nobody(turn);
    return update_book_change(turn->desk, &turn->campaign, UPDATE_FINISHED, "the last wave is over",
                              &by);
}

static enum status go_on(struct turn *turn)
{
    struct update_progress progress;
    enum status status = progress_find(turn, &progress);
    if (status != STATUS_OK) {
        return status;
    }
    switch (update_wave_judge(&progress)) {
    case UPDATE_ASK:
        return ask_some(turn);
    case UPDATE_WAIT:
        return STATUS_OK;
    case UPDATE_NEXT:
        return begin_next(turn);
    case UPDATE_STOP:
        return stop_for_few(turn, &progress);
    case UPDATE_FINISH:
        break;
    }
    return finish(turn);
}

/* --- the turn -------------------------------------------------------------------------------- */

static enum status turn_one(struct turn *turn, uint64_t id)
{
    enum status status = update_book_find(turn->desk, id, &turn->campaign);
    if (status == STATUS_OK && turn->campaign.state == UPDATE_GOING) {
        status = heed_flags(turn);
    }
    status = status == STATUS_OK ? note_told(turn) : status;
    status = status == STATUS_OK ? note_over(turn) : status;
    return status == STATUS_OK && turn->campaign.state == UPDATE_GOING ? go_on(turn) : status;
}

static enum status turn_all(struct turn *turn, bool *is_any)
{
    uint64_t id = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (status = update_book_next(turn->desk, &id)) == STATUS_OK &&
           id != 0) {
        *is_any = true;
        status = turn_one(turn, id);
    }
    return status;
}

enum status update_turn(struct desk *desk, int64_t now_us, bool *is_any)
{
    struct turn turn = {.desk = desk, .now_us = now_us};
    *is_any = false;
    enum status status = desk_begin(desk);
    return status == STATUS_OK ? desk_end(desk, turn_all(&turn, is_any)) : status;
}
