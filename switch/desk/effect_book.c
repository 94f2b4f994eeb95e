/* See effect_book.h. */
#include "switch/desk/effect_book.h"

#include <stdio.h>
#include <string.h>

#include "switch/desk/case_row.h"
#include "switch/desk/desk_state.h"

#define BIT(kind) (UINT32_C(1) << CASE_EFFECT_##kind)

static const uint32_t ORDERS = BIT(ASK_SIGNON) | BIT(ASK_STATUS) | BIT(ASK_UPDATE) | BIT(HOLD) |
                               BIT(RELEASE) | BIT(STOP) | BIT(RESUME) | BIT(TELL_CASHIER) |
                               BIT(BIND) | BIT(DESTROY_KEYS);
/* A stop that is asked for again after a resume is another one. */
static const uint32_t TAKEN_BACK = BIT(HOLD) | BIT(RELEASE) | BIT(STOP) | BIT(RESUME);

bool effect_is_order(enum case_effect_kind kind)
{
    return (ORDERS >> kind & 1) != 0;
}

/* And so is what a cashier is told again behind it: a stop ends the words that went before. */
#define ADD_SQL                                                                                    \
    "INSERT INTO case_effect (case_id, wall_us, kind, text, due_us, is_order)"                     \
    " SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE ?7 OR NOT EXISTS (SELECT 1 FROM case_effect AS same"     \
    " WHERE case_id = ?1 AND kind = ?3 AND text = ?4 AND due_us = ?5 AND NOT EXISTS"               \
    " (SELECT 1 FROM case_effect AS later WHERE later.case_id = ?1 AND same.is_order"              \
    " AND later.number > same.number AND later.kind IN ('STOP', 'RESUME')))"

static enum status add_one(struct desk *desk, uint64_t case_id, int64_t wall_us,
                           const struct case_effect *effect)
{
    char text[CASE_EFFECT_TEXT_SIZE];
    snprintf(text, sizeof(text), "%s", effect->text);
    case_row_trim(text);
    const struct desk_value values[] = {DESK_NUMBER(case_id),
                                        DESK_NUMBER(wall_us),
                                        DESK_TEXT(case_effect_name(effect->kind)),
                                        DESK_TEXT(text),
                                        DESK_NUMBER(effect->due_us),
                                        DESK_NUMBER(effect_is_order(effect->kind)),
                                        DESK_NUMBER(TAKEN_BACK >> effect->kind & 1)};
    return desk_write(desk, ADD_SQL, values, DESK_COUNT_OF(values));
}

enum status effect_book_add(struct desk *desk, uint64_t case_id, int64_t wall_us,
                            const struct case_effects *effects)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < effects->count; i++) {
        status = add_one(desk, case_id, wall_us, &effects->items[i]);
    }
    return status;
}

/* --- campaigns ------------------------------------------------------------------------------- */

enum status effect_book_ask(struct desk *desk, const struct effect_ask *ask)
{
    const struct desk_value values[] = {
        DESK_NUMBER(ask->wall_us),     DESK_TEXT(case_effect_name(CASE_EFFECT_ASK_UPDATE)),
        DESK_TEXT(ask->firmware),      DESK_NUMBER(ask->until_us),
        DESK_NUMBER(ask->campaign_id), DESK_TEXT(ask->terminal_id)};
    return desk_write(desk,
                      "INSERT INTO case_effect (case_id, wall_us, kind, text, due_us, is_order,"
                      " campaign_id, terminal_id) VALUES (0, ?, ?, ?, ?, 1, ?, ?)",
                      values, DESK_COUNT_OF(values));
}

enum status effect_book_asks(struct desk *desk, uint32_t *count)
{
    int64_t number = 0;
    enum status status = desk_number(
        desk, "SELECT count(*) FROM case_effect WHERE campaign_id <> 0", NULL, 0, &number);
    *count = (uint32_t)number;
    return status;
}

enum status effect_book_unask(struct desk *desk, uint64_t campaign_id)
{
    return desk_write(desk, "DELETE FROM case_effect WHERE campaign_id = ?",
                      &DESK_NUMBER(campaign_id), 1);
}

/* --- what is not done yet -------------------------------------------------------------------- */

/* As take_entry() reads them. */
#define ENTRY_SQL "SELECT number, case_id, wall_us, kind, text, due_us, terminal_id, campaign_id"

#define PENDING_SQL                                                                                \
    ENTRY_SQL                                                                                      \
    " FROM case_effect AS it"                                                                      \
    " WHERE number > ?1 AND (is_order = 0 OR NOT EXISTS (SELECT 1 FROM case_effect AS early"       \
    " WHERE early.case_id = it.case_id AND early.terminal_id = it.terminal_id"                     \
    " AND early.is_order = 1 AND early.number < it.number))"                                       \
    " ORDER BY number LIMIT ?2"

static enum case_effect_kind kind_from(const char *name)
{
    unsigned kind = 0;
    while (kind < CASE_EFFECT_COUNT &&
           (name == NULL || strcmp(case_effect_name((enum case_effect_kind)kind), name) != 0)) {
        kind++;
    }
    return (enum case_effect_kind)kind;
}

static enum status take_entry(struct desk *desk, sqlite3_stmt *statement,
                              struct effect_entry *entry)
{
    const char *text = (const char *)sqlite3_column_text(statement, 4);
    *entry = (struct effect_entry){
        .number = (uint64_t)sqlite3_column_int64(statement, 0),
        .case_id = (uint64_t)sqlite3_column_int64(statement, 1),
        .campaign_id = (uint64_t)sqlite3_column_int64(statement, 7),
        .wall_us = sqlite3_column_int64(statement, 2),
        .effect = {.kind = kind_from((const char *)sqlite3_column_text(statement, 3)),
                   .due_us = sqlite3_column_int64(statement, 5)}};
    const char *terminal_id = (const char *)sqlite3_column_text(statement, 6);
    snprintf(entry->effect.text, sizeof(entry->effect.text), "%s", text != NULL ? text : "");
    snprintf(entry->terminal_id, sizeof(entry->terminal_id), "%s",
             terminal_id != NULL ? terminal_id : "");
    return entry->effect.kind < CASE_EFFECT_COUNT
               ? STATUS_OK
               : desk_fault(desk, STATUS_MALFORMED, "effect %llu of case %llu: kind is no word",
                            (unsigned long long)entry->number, (unsigned long long)entry->case_id);
}

enum status effect_book_pending(struct desk *desk, uint64_t after, struct effect_entry *entries,
                                uint32_t room, uint32_t *count)
{
    const struct desk_value values[] = {DESK_NUMBER(after), DESK_NUMBER(room)};
    sqlite3_stmt *statement = desk_prepare(desk, PENDING_SQL);
    *count = 0;
    if (statement == NULL || !desk_bind(statement, values, 2)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = STATUS_OK;
    while (status == STATUS_OK && *count < room) {
        status = desk_step(desk, statement);
        if (status == STATUS_OK) {
            status = take_entry(desk, statement, &entries[*count]);
            *count += status == STATUS_OK;
        }
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status effect_book_find(struct desk *desk, uint64_t number, struct effect_entry *entry)
{
    sqlite3_stmt *statement = desk_prepare(desk, ENTRY_SQL " FROM case_effect WHERE number = ?");
    if (statement == NULL || !desk_bind(statement, &DESK_NUMBER(number), 1)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = desk_step(desk, statement);
    status = status == STATUS_OK ? take_entry(desk, statement, entry) : status;
    desk_release(desk, statement);
    return status;
}

enum status effect_book_is_followed(struct desk *desk, const struct effect_entry *entry,
                                    bool *is_followed)
{
    const struct desk_value values[] = {DESK_NUMBER(entry->case_id), DESK_NUMBER(entry->number)};
    sqlite3_stmt *statement =
        desk_prepare(desk, "SELECT EXISTS (SELECT 1 FROM case_effect WHERE case_id = ?"
                           " AND is_order = 1 AND number > ?)");
    if (statement == NULL || !desk_bind(statement, values, DESK_COUNT_OF(values))) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = desk_step(desk, statement);
    *is_followed = status == STATUS_OK && sqlite3_column_int(statement, 0) != 0;
    desk_release(desk, statement);
    return status;
}

static enum status take_out(struct desk *desk, const uint64_t *numbers, uint32_t count)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        status = desk_write(desk, "DELETE FROM case_effect WHERE number = ?",
                            &DESK_NUMBER(numbers[i]), 1);
    }
    return status;
}

enum status effect_book_done(struct desk *desk, const uint64_t *numbers, uint32_t count)
{
    enum status status = desk_begin(desk);
    return status == STATUS_OK ? desk_end(desk, take_out(desk, numbers, count)) : status;
}
