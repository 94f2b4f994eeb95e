/* See key_set.h. */
#include "switch/security/key_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/security/key_name.h"
#include "switch/security/security_state.h"

#define ROOM_FIRST 1024

struct entry {
    struct key_name name;
    struct hsm_key_sealed sealed;
    uint32_t line, place; /* in the file; among its rows */
    bool is_replaced;     /* applied: `sealed` is what was in force before, all zero for nothing */
};

/* Of a channel's key, as note_loaded() found it. */
struct loaded_before {
    struct hsm_key_sealed key;
    bool was_exchanged;
};

struct key_set {
    struct security *security; /* borrowed */
    struct entry *entries;     /* owner; as the file has them, once settled by name */
    uint32_t count, room;
    bool is_settled, is_applied;
    struct loaded_before loaded[KEY_TABLE_CHANNEL_COUNT_MAX][CHANNEL_KEY_COUNT];
};

struct key_set *key_set_create(struct security *security)
{
    struct key_set *set = calloc(1, sizeof(*set));
    if (set != NULL) {
        set->security = security;
    }
    return set;
}

void key_set_destroy(struct key_set *set)
{
    if (set != NULL) {
        free(set->entries);
        free(set);
    }
}

/* --- adding ------------------------------------------------------------------------------- */

/* Whether what was made with the one key can be used with the other. */
static bool is_same_own_key(struct hsm *hsm, const struct key_name *name,
                            const struct hsm_key_sealed *one, const struct hsm_key_sealed *other)
{
    char text[HSM_KEY_NAME_SIZE];
    struct pan pan = {.digit_count = 0}, opened;
    key_name_format(text, name);
    REQUIRE(pan_parse(&pan, "6200000000000005", 16) == STATUS_OK);
    if (name->which == OWN_PAN_HASH) {
        struct pan_hash hashes[2];
        return hsm_pan_hash(hsm, hsm_key_visit(hsm, one, text), &pan, &hashes[0]) == HSM_DONE &&
               hsm_pan_hash(hsm, hsm_key_visit(hsm, other, text), &pan, &hashes[1]) == HSM_DONE &&
               memcmp(&hashes[0], &hashes[1], sizeof(hashes[0])) == 0;
    }
    static const uint8_t nonce[12]; /* of a well-known test number that goes nowhere */
    struct pan_sealed sealed;
    return hsm_pan_seal(hsm, hsm_key_visit(hsm, one, text), &pan, nonce, &sealed) == HSM_DONE &&
           hsm_pan_open(hsm, hsm_key_visit(hsm, other, text), &sealed, &opened) == HSM_DONE;
}

static bool is_foreign(struct security *security, const struct entry *entry)
{
    struct hsm_key_sealed in_force;
    return entry->name.owner == KEY_OF_OURS &&
           key_cell_get(key_table_own(security->keys, (enum own_key)entry->name.which),
                        &in_force) &&
           !is_same_own_key(security->reader, &entry->name, &in_force, &entry->sealed);
}

static bool make_room(struct key_set *set)
{
    if (set->count < set->room) {
        return true;
    }
    uint32_t room = set->room == 0 ? ROOM_FIRST : set->room * 2;
    struct entry *entries = room > UINT32_MAX / 2
                                ? NULL
                                : realloc(set->entries, (size_t)room * sizeof(set->entries[0]));
    if (entries == NULL) {
        return false;
    }
    set->entries = entries;
    set->room = room;
    return true;
}

enum status key_set_add(struct key_set *set, const struct security_key_row *row,
                        char reason[SECURITY_REASON_SIZE])
{
    REQUIRE(!set->is_settled);
    if (!make_room(set)) {
        snprintf(reason, SECURITY_REASON_SIZE, "key \"%.40s\": %s", row->name,
                 status_text(STATUS_NO_MEMORY));
        return STATUS_NO_MEMORY;
    }
    struct entry *entry = &set->entries[set->count];
    enum status status =
        security_seal_row(set->security->reader, row, &entry->name, &entry->sealed, reason);
    if (status == STATUS_OK && is_foreign(set->security, entry)) {
        snprintf(reason, SECURITY_REASON_SIZE,
                 "key \"%s\": is not the one in force, under which the log holds card numbers; "
                 "reversals and repeats still need that one",
                 row->name);
        status = STATUS_DENIED;
    }
    entry->line = row->line;
    entry->place = set->count;
    set->count += status == STATUS_OK;
    return status;
}

/* --- settling ----------------------------------------------------------------------------- */

static int name_compare(const struct key_name *one, const struct key_name *other)
{
    if (one->owner != other->owner) {
        return one->owner < other->owner ? -1 : 1;
    }
    int order = memcmp(one->holder, other->holder, sizeof(one->holder));
    return order != 0 ? order : (int)one->which - (int)other->which;
}

/* Of one name the file's order stays. */
static int entry_compare(const void *left, const void *right)
{
    const struct entry *one = left;
    const struct entry *other = right;
    int order = name_compare(&one->name, &other->name);
    return order != 0 ? order : one->place < other->place ? -1 : 1;
}

static bool is_same_holder(const struct key_name *one, const struct key_name *other)
{
    return one->owner == other->owner &&
           memcmp(one->holder, other->holder, sizeof(one->holder)) == 0;
}

static bool is_in_force(const struct key_cell *cell, const struct hsm_key_sealed *sealed)
{
    struct hsm_key_sealed in_force;
    return key_cell_get(cell, &in_force) && memcmp(&in_force, sealed, sizeof(in_force)) == 0;
}

/* Whether the entry would change nothing, now or whenever it is applied: a sign-on cannot be taken
 * back. Of a channel only the engine's thread can tell. */
static bool is_idle(const struct security *security, const struct entry *entry)
{
    if (entry->name.owner == KEY_OF_CHANNEL) {
        return false;
    }
    if (entry->name.owner == KEY_OF_OURS) {
        return is_in_force(key_table_own(security->keys, (enum own_key)entry->name.which),
                           &entry->sealed);
    }
    const struct terminal_keys *terminal = key_table_terminal(security->keys, entry->name.holder);
    return terminal != NULL && (is_in_force(&terminal->keys[entry->name.which], &entry->sealed) ||
                                security_has_newer_key(security, &entry->name));
}

static bool is_known(const struct security *security, const struct key_name *name)
{
    return name->owner == KEY_OF_OURS ||
           (name->owner == KEY_OF_TERMINAL
                ? key_table_terminal(security->keys, name->holder) != NULL
                : key_table_channel(security->keys, name->holder) >= 0);
}

/* The first entry, by name, whose holder would be one too many. NULL: there is room for all. */
static const struct entry *find_excess(const struct key_set *set)
{
    const struct key_table *keys = set->security->keys;
    uint32_t terminals = key_table_terminal_room(keys), channels = key_table_channel_room(keys);
    const struct key_name *before = NULL;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct key_name *name = &set->entries[i].name;
        bool is_new =
            (before == NULL || !is_same_holder(before, name)) && !is_known(set->security, name);
        uint32_t *room = name->owner == KEY_OF_TERMINAL ? &terminals : &channels;
        before = name;
        if (is_new && (*room)-- == 0) {
            return &set->entries[i];
        }
    }
    return NULL;
}

enum status key_set_settle(struct key_set *set, uint32_t *line, char reason[SECURITY_REASON_SIZE])
{
    REQUIRE(!set->is_settled);
    if (set->count > 0) {
        qsort(set->entries, set->count, sizeof(set->entries[0]), entry_compare);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct entry *entry = &set->entries[i];
        bool is_last = i + 1 == set->count || name_compare(&entry->name, &entry[1].name) != 0;
        if (is_last && !is_idle(set->security, entry)) {
            set->entries[kept++] = *entry;
        }
    }
    set->count = kept;
    set->is_settled = true;
    const struct entry *excess = find_excess(set);
    if (excess != NULL) {
        char name[HSM_KEY_NAME_SIZE];
        key_name_format(name, &excess->name);
        *line = excess->line;
        snprintf(reason, SECURITY_REASON_SIZE, "key \"%s\": the limit of %s is reached", name,
                 excess->name.owner == KEY_OF_TERMINAL ? "terminals" : "channels");
        return STATUS_NO_ROOM;
    }
    return STATUS_OK;
}

uint32_t key_set_count(const struct key_set *set)
{
    REQUIRE(set->is_settled);
    return set->count;
}

bool key_set_has_terminal(const struct key_set *set, const char *terminal_id)
{
    struct entry wanted = {.name = {.owner = KEY_OF_TERMINAL, .which = TERMINAL_TMK}};
    memcpy(wanted.name.holder, terminal_id, strnlen(terminal_id, KEY_TABLE_ID_BYTES));
    uint32_t low = 0, high = set->count;
    REQUIRE(set->is_settled);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = name_compare(&set->entries[middle].name, &wanted.name);
        if (order == 0) {
            return true;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return security_has_terminal(set->security, terminal_id);
}

/* --- in force ----------------------------------------------------------------------------- */

static struct key_cell *cell_of(struct security *security, const struct key_name *name)
{
    switch (name->owner) {
    case KEY_OF_TERMINAL: {
        struct terminal_keys *terminal = key_table_enroll_terminal(security->keys, name->holder);
        return terminal == NULL ? NULL : &terminal->keys[name->which];
    }
    case KEY_OF_CHANNEL: {
        int channel = key_table_enroll_channel(security->keys, name->holder);
        return channel < 0
                   ? NULL
                   : &key_table_channel_at(security->keys, (uint16_t)channel)->keys[name->which];
    }
    case KEY_OF_OURS:
        return key_table_own(security->keys, (enum own_key)name->which);
    }
    return NULL;
}

/* A bank's working key that an exchange has replaced since. One that is not the one that was
 * replaced is a new beginning. */
static bool is_exchanged(const struct security *security, const struct entry *entry)
{
    int index = entry->name.owner == KEY_OF_CHANNEL
                    ? key_table_channel(security->keys, entry->name.holder)
                    : -1;
    const struct channel_keys *channel =
        index < 0 ? NULL : key_table_channel_at(security->keys, (uint16_t)index);
    return channel != NULL && channel->is_exchanged[entry->name.which] &&
           memcmp(&channel->loaded[entry->name.which], &entry->sealed, sizeof(entry->sealed)) == 0;
}

static struct channel_keys *channel_of(struct security *security, const struct entry *entry,
                                       uint16_t *index)
{
    int found = key_table_channel(security->keys, entry->name.holder);
    REQUIRE(found >= 0);
    *index = (uint16_t)found;
    return key_table_channel_at(security->keys, *index);
}

static void note_loaded(struct key_set *set, const struct entry *entry)
{
    uint16_t index;
    const uint32_t which = entry->name.which;
    struct channel_keys *channel = channel_of(set->security, entry, &index);
    set->loaded[index][which] =
        (struct loaded_before){channel->loaded[which], channel->is_exchanged[which]};
    channel->loaded[which] = entry->sealed;
    channel->is_exchanged[which] = false;
}

static void forget_loaded(struct key_set *set, const struct entry *entry)
{
    uint16_t index;
    const uint32_t which = entry->name.which;
    struct channel_keys *channel = channel_of(set->security, entry, &index);
    channel->loaded[which] = set->loaded[index][which].key;
    channel->is_exchanged[which] = set->loaded[index][which].was_exchanged;
}

/* The entry's key and the cell's change places. */
static void trade(struct security *security, struct entry *entry)
{
    struct hsm_key_sealed before;
    struct key_cell *cell = cell_of(security, &entry->name);
    REQUIRE(cell != NULL); /* room was counted */
    if (!key_cell_get(cell, &before)) {
        before = (struct hsm_key_sealed){0};
    }
    key_cell_put(cell, &entry->sealed);
    entry->sealed = before;
}

void key_set_apply(struct key_set *set)
{
    struct security *security = set->security;
    REQUIRE(set->is_settled && !set->is_applied);
    set->is_applied = true;
    for (uint32_t i = 0; i < set->count; i++) {
        struct entry *entry = &set->entries[i];
        entry->is_replaced =
            !security_has_newer_key(security, &entry->name) && !is_exchanged(security, entry);
        if (!entry->is_replaced) {
            continue;
        }
        (void)cell_of(security, &entry->name); /* enrols its holder */
        if (entry->name.owner == KEY_OF_CHANNEL) {
            note_loaded(set, entry);
        }
        trade(security, entry);
    }
}

void key_set_take_back(struct key_set *set)
{
    REQUIRE(set->is_applied);
    set->is_applied = false;
    for (uint32_t i = 0; i < set->count; i++) {
        struct entry *entry = &set->entries[i];
        if (!entry->is_replaced) {
            continue;
        }
        trade(set->security, entry);
        if (entry->name.owner == KEY_OF_CHANNEL) {
            forget_loaded(set, entry);
        }
        entry->is_replaced = false;
    }
}
