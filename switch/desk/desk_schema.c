/* See desk_schema.h. Tables of rows are made from their columns; the others stand here. */
#include "switch/desk/desk_schema.h"

#include "protocols/base/require.h"
#include "switch/desk/case_row.h"
#include "switch/desk/inspection_row.h"
#include "switch/desk/registry_table.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char *const STATEMENTS[] = {
    /* What was kept no longer. */
    "CREATE TABLE retired (number INTEGER PRIMARY KEY AUTOINCREMENT, wall_us INTEGER NOT NULL,"
    " actor TEXT NOT NULL, class TEXT NOT NULL, key_1 TEXT NOT NULL, key_2 TEXT NOT NULL,"
    " key_3 TEXT NOT NULL, detail TEXT NOT NULL) STRICT;"
    "CREATE TRIGGER retired_no_update BEFORE UPDATE ON retired BEGIN"
    " SELECT RAISE(ABORT, 'what was deleted is only added to'); END;"
    "CREATE TRIGGER retired_no_delete BEFORE DELETE ON retired BEGIN"
    " SELECT RAISE(ABORT, 'what was deleted is only added to'); END;",
    "CREATE TABLE terminal_seen (terminal_id TEXT PRIMARY KEY, seen_us INTEGER NOT NULL,"
    " firmware TEXT NOT NULL) STRICT, WITHOUT ROWID;",
    /* Who changed what of the registry. */
    "CREATE TABLE history (number INTEGER PRIMARY KEY AUTOINCREMENT, wall_us INTEGER NOT NULL,"
    " actor TEXT NOT NULL, row_kind TEXT NOT NULL, row_key TEXT NOT NULL,"
    " column_name TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL) STRICT;"
    "CREATE INDEX history_row ON history (row_kind, row_key);",
    "CREATE TRIGGER history_no_delete BEFORE DELETE ON history BEGIN"
    " SELECT RAISE(ABORT, 'history is only added to'); END;"
    "CREATE TRIGGER history_no_update BEFORE UPDATE ON history"
    " WHEN NEW.before <> '' OR NEW.after <> '' OR OLD.number <> NEW.number"
    " OR OLD.wall_us <> NEW.wall_us OR OLD.actor <> NEW.actor OR OLD.row_kind <> NEW.row_kind"
    " OR OLD.row_key <> NEW.row_key OR OLD.column_name <> NEW.column_name"
    " OR OLD.column_name NOT IN ('latitude_e3', 'longitude_e3', 'address') BEGIN"
    " SELECT RAISE(ABORT, 'history is only added to, but for places that are old'); END;",
    /* One binding in force of a terminal and of a serial number; nothing changes but its end, and
     * a place that is old becomes a city. */
    "CREATE UNIQUE INDEX binding_terminal ON registry_binding (terminal_id)"
    " WHERE valid_to_day = '';"
    "CREATE UNIQUE INDEX binding_serial ON registry_binding (serial) WHERE valid_to_day = '';"
    "CREATE INDEX binding_merchant ON registry_binding (merchant_id);",
    "CREATE TRIGGER binding_no_delete BEFORE DELETE ON registry_binding BEGIN"
    " SELECT RAISE(ABORT, 'a binding is ended, not taken out'); END;"
    "CREATE TRIGGER binding_no_update BEFORE UPDATE ON registry_binding"
    " WHEN OLD.terminal_id <> NEW.terminal_id OR OLD.serial <> NEW.serial"
    " OR OLD.valid_from_day <> NEW.valid_from_day OR OLD.merchant_id <> NEW.merchant_id"
    " OR OLD.acquirer <> NEW.acquirer OR OLD.work_order <> NEW.work_order"
    " OR OLD.credit_code_hash <> NEW.credit_code_hash OR OLD.account_hash <> NEW.account_hash"
    " OR (OLD.valid_to_day <> '' AND OLD.valid_to_day <> NEW.valid_to_day)"
    " OR ((OLD.latitude_e3 <> NEW.latitude_e3 OR OLD.longitude_e3 <> NEW.longitude_e3"
    " OR OLD.address <> NEW.address OR OLD.area_code <> NEW.area_code"
    " OR OLD.has_place <> NEW.has_place OR OLD.radius_m <> NEW.radius_m)"
    " AND NOT (OLD.valid_to_day <> '' AND NEW.latitude_e3 = 0 AND NEW.longitude_e3 = 0"
    " AND NEW.address = '' AND NEW.area_code = OLD.area_code / 100 * 100"
    " AND NEW.has_place = 'no' AND NEW.radius_m = 0)) BEGIN"
    " SELECT RAISE(ABORT, 'a binding is ended, not changed'); END;",
    "CREATE INDEX terminal_serial ON terminal_registration (serial);"
    "CREATE INDEX terminal_model ON terminal_registration (brand, model);",
    "CREATE UNIQUE INDEX flag_same ON flag (signal, subject, subject_id, position,"
    " iif(position = 0, window_end_us, 0));"
    "CREATE INDEX flag_subject ON flag (subject_id);"
    "CREATE INDEX flag_case ON flag (case_id);"
    "CREATE TABLE flag_evidence (flag_id INTEGER NOT NULL, ordinal INTEGER NOT NULL,"
    " position INTEGER NOT NULL, PRIMARY KEY (flag_id, ordinal)) STRICT, WITHOUT ROWID;",
    "CREATE INDEX case_subject ON service_case (subject_id);"
    "CREATE INDEX case_terminal ON service_case (terminal_id);"
    "CREATE INDEX case_merchant ON service_case (merchant_id);"
    "CREATE INDEX case_open ON service_case (severity, due_us) WHERE state <> 'CLOSED';"
    "CREATE INDEX case_closed ON service_case (closed_us) WHERE state = 'CLOSED';"
    "CREATE INDEX case_wake ON service_case (wake_us) WHERE wake_us > 0;",
    "CREATE TABLE case_txn (case_id INTEGER NOT NULL, position INTEGER NOT NULL,"
    " PRIMARY KEY (case_id, position)) STRICT, WITHOUT ROWID;"
    /* Who read which case. */
    "CREATE TABLE reading (number INTEGER PRIMARY KEY AUTOINCREMENT, wall_us INTEGER NOT NULL,"
    " actor TEXT NOT NULL, case_id INTEGER NOT NULL) STRICT;"
    "CREATE INDEX reading_case ON reading (case_id);"
    "CREATE TABLE legal_hold (number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " case_id INTEGER NOT NULL, begun_us INTEGER NOT NULL, begun_by TEXT NOT NULL,"
    " reason TEXT NOT NULL, ended_us INTEGER NOT NULL, ended_by TEXT NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX legal_hold_case ON legal_hold (case_id) WHERE ended_us = 0;",
    /* A case goes with all that is its own, and never while it is held; its events go only then. */
    "CREATE TRIGGER case_no_delete BEFORE DELETE ON service_case"
    " WHEN OLD.state <> 'CLOSED' OR EXISTS (SELECT 1 FROM legal_hold"
    " WHERE case_id = OLD.id AND ended_us = 0) BEGIN"
    " SELECT RAISE(ABORT, 'a case that is open or held for a court stays'); END;"
    "CREATE TRIGGER entry_no_delete BEFORE DELETE ON case_entry"
    " WHEN EXISTS (SELECT 1 FROM service_case WHERE id = OLD.case_id) BEGIN"
    " SELECT RAISE(ABORT, 'events of a case are only added to'); END;"
    "CREATE TRIGGER entry_no_update BEFORE UPDATE ON case_entry BEGIN"
    " SELECT RAISE(ABORT, 'events of a case are only added to'); END;"
    "CREATE TRIGGER reading_no_update BEFORE UPDATE ON reading BEGIN"
    " SELECT RAISE(ABORT, 'who read is only added to'); END;"
    "CREATE TRIGGER reading_no_delete BEFORE DELETE ON reading"
    " WHEN EXISTS (SELECT 1 FROM service_case WHERE id = OLD.case_id) BEGIN"
    " SELECT RAISE(ABORT, 'who read is only added to'); END;",
};

/* Version 2: the outbox, how far each webhook is with it; what cases wait for, and what must be
 * done for them; how merchants' files go. */
static const char *const STATEMENTS_2[] = {
    "CREATE TABLE event_out (number INTEGER PRIMARY KEY AUTOINCREMENT, wall_us INTEGER NOT NULL,"
    " kind TEXT NOT NULL, case_kind TEXT NOT NULL, subject TEXT NOT NULL, payload BLOB NOT NULL)"
    " STRICT;"
    "CREATE TABLE webhook_position (name TEXT PRIMARY KEY, position INTEGER NOT NULL,"
    " state TEXT NOT NULL, attempts INTEGER NOT NULL, failing_since_us INTEGER NOT NULL,"
    " next_try_us INTEGER NOT NULL, delivered_us INTEGER NOT NULL, fault TEXT NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE webhook_dead (name TEXT NOT NULL, number INTEGER NOT NULL,"
    " wall_us INTEGER NOT NULL, kind TEXT NOT NULL, case_kind TEXT NOT NULL,"
    " subject TEXT NOT NULL, payload BLOB NOT NULL,"
    " attempts INTEGER NOT NULL, died_us INTEGER NOT NULL, fault TEXT NOT NULL,"
    " is_again INTEGER NOT NULL, PRIMARY KEY (name, number)) STRICT, WITHOUT ROWID;",
    "CREATE TRIGGER event_out_no_update BEFORE UPDATE ON event_out BEGIN"
    " SELECT RAISE(ABORT, 'events are only added to'); END;"
    "CREATE TRIGGER event_out_no_delete BEFORE DELETE ON event_out"
    " WHEN EXISTS (SELECT 1 FROM event_out WHERE number < OLD.number)"
    " OR EXISTS (SELECT 1 FROM webhook_position WHERE state <> 'absent'"
    " AND position < OLD.number) BEGIN"
    " SELECT RAISE(ABORT, 'events go from the old end, once no webhook waits for them'); END;",
    "CREATE INDEX case_cohort ON service_case (id) WHERE subject = 'cohort' AND state <> 'CLOSED';"
    "CREATE INDEX case_waits ON service_case (terminal_id) WHERE " CASE_ROW_WAITS,
    /* What must be done outside, until it is done. */
    "CREATE TABLE case_effect (number INTEGER PRIMARY KEY AUTOINCREMENT, case_id INTEGER NOT NULL,"
    " wall_us INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, due_us INTEGER NOT NULL,"
    " is_order INTEGER NOT NULL) STRICT;"
    "CREATE INDEX case_effect_case ON case_effect (case_id, number);",
    /* The file of a merchant that left long ago goes whole, once that is written down. */
    "CREATE INDEX retired_merchant ON retired (key_1) WHERE class = 'merchant';"
    "CREATE INDEX binding_key ON registry_binding"
    " (terminal_id || ' | ' || serial || ' | ' || valid_from_day);"
    "DROP TRIGGER history_no_delete;"
    "CREATE TRIGGER history_no_delete BEFORE DELETE ON history"
    " WHEN NOT (OLD.row_kind = 'merchant_registration' AND EXISTS (SELECT 1 FROM retired"
    " WHERE class = 'merchant' AND key_1 = OLD.row_key)"
    " OR OLD.row_kind = 'registry_binding' AND EXISTS (SELECT 1 FROM registry_binding AS b"
    " JOIN retired AS r ON r.class = 'merchant' AND r.key_1 = b.merchant_id"
    " WHERE b.terminal_id || ' | ' || b.serial || ' | ' || b.valid_from_day = OLD.row_key)) BEGIN"
    " SELECT RAISE(ABORT, 'history is only added to'); END;"
    "DROP TRIGGER binding_no_delete;"
    "CREATE TRIGGER binding_no_delete BEFORE DELETE ON registry_binding"
    " WHEN OLD.valid_to_day = '' OR NOT EXISTS (SELECT 1 FROM retired"
    " WHERE class = 'merchant' AND key_1 = OLD.merchant_id) BEGIN"
    " SELECT RAISE(ABORT, 'a binding is ended, not taken out'); END;",
    /* Reports look at the cases of a stretch of time. */
    "CREATE INDEX case_opened ON service_case (opened_us);",
};

/* Version 3: how many events a webhook never got, since they were kept for it no longer; whether
 * somebody has read a case lately. */
static const char *const STATEMENTS_3[] = {
    "ALTER TABLE webhook_position ADD COLUMN given_up INTEGER NOT NULL DEFAULT 0;",
    "CREATE INDEX reading_lately ON reading (case_id, actor, wall_us);",
};

/* Version 4: what a repair replaced, and the photos of it. They are an event's, and go with it. */
static const char *const STATEMENTS_4[] = {
    "CREATE TABLE case_part (case_id INTEGER NOT NULL, number INTEGER NOT NULL,"
    " ordinal INTEGER NOT NULL, part TEXT NOT NULL, quantity INTEGER NOT NULL,"
    " serial_before TEXT NOT NULL, serial_after TEXT NOT NULL, cost_minor INTEGER NOT NULL,"
    " paid_by TEXT NOT NULL, PRIMARY KEY (case_id, number, ordinal)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE case_photo (case_id INTEGER NOT NULL, number INTEGER NOT NULL,"
    " ordinal INTEGER NOT NULL, sha256 TEXT NOT NULL,"
    " PRIMARY KEY (case_id, number, ordinal)) STRICT, WITHOUT ROWID;",
    "CREATE TRIGGER part_no_delete BEFORE DELETE ON case_part"
    " WHEN EXISTS (SELECT 1 FROM service_case WHERE id = OLD.case_id) BEGIN"
    " SELECT RAISE(ABORT, 'parts of a case are only added to'); END;"
    "CREATE TRIGGER part_no_update BEFORE UPDATE ON case_part BEGIN"
    " SELECT RAISE(ABORT, 'parts of a case are only added to'); END;"
    "CREATE TRIGGER photo_no_delete BEFORE DELETE ON case_photo"
    " WHEN EXISTS (SELECT 1 FROM service_case WHERE id = OLD.case_id) BEGIN"
    " SELECT RAISE(ABORT, 'photos of a case are only added to'); END;"
    "CREATE TRIGGER photo_no_update BEFORE UPDATE ON case_photo BEGIN"
    " SELECT RAISE(ABORT, 'photos of a case are only added to'); END;",
};

/* Version 5: campaigns that update terminals in waves; what they ask stands among the effects. */
static const char *const STATEMENTS_5[] = {
    "CREATE TABLE update_campaign (id INTEGER PRIMARY KEY AUTOINCREMENT, brand TEXT NOT NULL,"
    " model TEXT NOT NULL, firmware TEXT NOT NULL, waves TEXT NOT NULL, settle_us INTEGER NOT NULL,"
    " made_us INTEGER NOT NULL, made_by TEXT NOT NULL, state TEXT NOT NULL, wave INTEGER NOT NULL,"
    " wave_us INTEGER NOT NULL, changed_us INTEGER NOT NULL, changed_by TEXT NOT NULL,"
    " reason TEXT NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX update_going ON update_campaign (brand, model) WHERE state = 'going';",
    "CREATE TABLE update_target (campaign_id INTEGER NOT NULL, terminal_id TEXT NOT NULL,"
    " wave INTEGER NOT NULL, state TEXT NOT NULL, asked_us INTEGER NOT NULL,"
    " PRIMARY KEY (campaign_id, terminal_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX update_target_state ON update_target (campaign_id, state, wave);"
    "CREATE INDEX update_target_asked ON update_target (campaign_id) WHERE state = 'asked';",
    "ALTER TABLE case_effect ADD COLUMN campaign_id INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE case_effect ADD COLUMN terminal_id TEXT NOT NULL DEFAULT '';"
    "CREATE INDEX case_effect_campaign ON case_effect (campaign_id) WHERE campaign_id <> 0;",
};

static void registry_sql(enum registry_kind kind, struct cell_sql *sql)
{
    const struct cell_table *table = registry_table(kind);
    cell_sql_add(sql, "CREATE TABLE ");
    cell_sql_add(sql, table->name);
    cell_sql_add(sql, " (");
    cell_sql_schema(sql, table);
    cell_sql_add(sql, ", PRIMARY KEY (");
    cell_sql_names(sql, table, CELL_KEY);
    cell_sql_add(sql, ")) STRICT, WITHOUT ROWID");
}

/* Tables with columns that are no part of the row, or a key of their own. */
static const struct {
    const struct cell_table *table;
    const char *before, *behind;
} OWN_KEYED[] = {
    {&CASE_ROW_FLAG, "id INTEGER PRIMARY KEY AUTOINCREMENT, ",
     ", outcome TEXT NOT NULL DEFAULT 'none', judged_us INTEGER NOT NULL DEFAULT 0,"
     " judged_by TEXT NOT NULL DEFAULT '', case_id INTEGER NOT NULL DEFAULT 0) STRICT"},
    {&CASE_ROW_CASE, "id INTEGER PRIMARY KEY AUTOINCREMENT, ",
     ", wake_us INTEGER NOT NULL, due_us INTEGER NOT NULL, last_hash BLOB NOT NULL) STRICT"},
    {&CASE_ROW_ENTRY, "case_id INTEGER NOT NULL, number INTEGER NOT NULL, ",
     ", hash BLOB NOT NULL, PRIMARY KEY (case_id, number)) STRICT, WITHOUT ROWID"},
    {&INSPECTION_ROW, "", ", PRIMARY KEY (merchant_id, terminal_id, day)) STRICT, WITHOUT ROWID"},
};

static void own_keyed_sql(uint32_t index, struct cell_sql *sql)
{
    cell_sql_add(sql, "CREATE TABLE ");
    cell_sql_add(sql, OWN_KEYED[index].table->name);
    cell_sql_add(sql, " (");
    cell_sql_add(sql, OWN_KEYED[index].before);
    cell_sql_schema(sql, OWN_KEYED[index].table);
    cell_sql_add(sql, OWN_KEYED[index].behind);
}

#define COUNT_1 (REGISTRY_KIND_COUNT + COUNT_OF(OWN_KEYED) + COUNT_OF(STATEMENTS))
#define COUNT_2 (COUNT_1 + COUNT_OF(STATEMENTS_2))
#define COUNT_3 (COUNT_2 + COUNT_OF(STATEMENTS_3))
#define COUNT_4 (COUNT_3 + COUNT_OF(STATEMENTS_4))

uint32_t desk_schema_count(void)
{
    return COUNT_4 + COUNT_OF(STATEMENTS_5);
}

int64_t desk_schema_version(uint32_t index)
{
    REQUIRE(index < desk_schema_count());
    return index < COUNT_1   ? 1
           : index < COUNT_2 ? 2
           : index < COUNT_3 ? 3
           : index < COUNT_4 ? 4
                             : 5;
}

void desk_schema_sql(uint32_t index, struct cell_sql *sql)
{
    REQUIRE(index < desk_schema_count());
    if (index < REGISTRY_KIND_COUNT) {
        registry_sql((enum registry_kind)index, sql);
    } else if (index < REGISTRY_KIND_COUNT + COUNT_OF(OWN_KEYED)) {
        own_keyed_sql(index - REGISTRY_KIND_COUNT, sql);
    } else if (index < COUNT_1) {
        cell_sql_add(sql, STATEMENTS[index - REGISTRY_KIND_COUNT - COUNT_OF(OWN_KEYED)]);
    } else if (index < COUNT_2) {
        cell_sql_add(sql, STATEMENTS_2[index - COUNT_1]);
    } else if (index < COUNT_3) {
        cell_sql_add(sql, STATEMENTS_3[index - COUNT_2]);
    } else if (index < COUNT_4) {
        cell_sql_add(sql, STATEMENTS_4[index - COUNT_3]);
    } else {
        cell_sql_add(sql, STATEMENTS_5[index - COUNT_4]);
    }
}
