/* Whose keys: terminals by identity, channels by name, and our own. Sealed keys only.
 *
 * Terminals lie in one array, found through an open-addressing index; about 340 bytes each, touched
 * only as terminals come. Entries are added and never removed, by one thread; all may look up.
 *
 * Life:  key_table_create -> enroll, cells filled ... -> find ... -> key_table_destroy
 */
#pragma once

#include "switch/security/key_cell.h"

#define KEY_TABLE_CHANNEL_COUNT_MAX 64
#define KEY_TABLE_ID_BYTES 8
#define KEY_TABLE_CHANNEL_NAME_SIZE 16

enum terminal_key { TERMINAL_TMK, TERMINAL_PIK, TERMINAL_MAK, TERMINAL_TDK, TERMINAL_KEY_COUNT };
enum channel_key { CHANNEL_ZPK, CHANNEL_ZAK, CHANNEL_ZMK, CHANNEL_KEY_COUNT };
enum own_key { OWN_PAN_DATA, OWN_PAN_HASH, OWN_KEY_COUNT };

struct terminal_keys {
    char id[KEY_TABLE_ID_BYTES]; /* zeros behind a shorter one */
    _Atomic uint32_t failures;   /* bad MACs in a row */
    _Atomic bool has_held;       /* a MAC has held since its last sign-on */
    _Atomic bool is_signed_on;   /* its working keys are those of a sign-on, from then on */
    struct key_cell keys[TERMINAL_KEY_COUNT];
};
_Static_assert(sizeof(struct terminal_keys) <= 500, "10^5 terminals stay below 50 MB");

struct channel_keys {
    char name[KEY_TABLE_CHANNEL_NAME_SIZE];
    struct key_cell keys[CHANNEL_KEY_COUNT];
    struct key_cell zak_before; /* still taken from the bank for a while after an exchange */
    /* The engine's thread's: what the key file said, and whether the bank has replaced it. */
    struct hsm_key_sealed loaded[CHANNEL_KEY_COUNT];
    bool is_exchanged[CHANNEL_KEY_COUNT];
};

struct key_table;

struct key_table *key_table_create(uint32_t terminal_count_max); /* NULL: no memory */
void key_table_destroy(struct key_table *table);

/* NULL: not enrolled. The entry stays the table's. */
struct terminal_keys *key_table_terminal(const struct key_table *table, const char *terminal_id);
/* The terminal's entry, made when it is new. NULL: the table is full. REQUIREs 1 to 8 characters.
 */
struct terminal_keys *key_table_enroll_terminal(struct key_table *table, const char *terminal_id);
/* How many more may be enrolled; not while somebody is. */
uint32_t key_table_terminal_room(const struct key_table *table);
uint32_t key_table_channel_room(const struct key_table *table);

/* The index, or -1. */
int key_table_channel(const struct key_table *table, const char *name);
int key_table_enroll_channel(struct key_table *table, const char *name); /* -1: full */
struct channel_keys *key_table_channel_at(struct key_table *table, uint16_t index);

struct key_cell *key_table_own(struct key_table *table, enum own_key which);
