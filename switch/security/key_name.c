/* See key_name.h. */
#include "switch/security/key_name.h"

#include <string.h>

#include "protocols/base/require.h"

#define KINDS(kind) (1U << HSM_KEY_##kind)
#define MAC_KINDS (KINDS(MAC) | KINDS(MAC_3) | KINDS(CMAC))

static const struct key_form {
    enum key_owner owner;
    const char *prefix, *suffix;
    uint32_t which, kinds;
    uint32_t holder_length_max;
} FORMS[] = {
    {KEY_OF_TERMINAL, "term:", ":tmk", TERMINAL_TMK, KINDS(TERMINAL_MASTER), KEY_TABLE_ID_BYTES},
    {KEY_OF_TERMINAL, "term:", ":pik", TERMINAL_PIK, KINDS(PIN_IN), KEY_TABLE_ID_BYTES},
    {KEY_OF_TERMINAL, "term:", ":mak", TERMINAL_MAK, MAC_KINDS, KEY_TABLE_ID_BYTES},
    {KEY_OF_TERMINAL, "term:", ":tdk", TERMINAL_TDK, KINDS(TRACK), KEY_TABLE_ID_BYTES},
    {KEY_OF_CHANNEL, "chan:", ":zpk", CHANNEL_ZPK, KINDS(PIN_OUT), KEY_TABLE_CHANNEL_NAME_SIZE - 1},
    {KEY_OF_CHANNEL, "chan:", ":zak", CHANNEL_ZAK, MAC_KINDS, KEY_TABLE_CHANNEL_NAME_SIZE - 1},
    {KEY_OF_CHANNEL, "chan:", ":zmk", CHANNEL_ZMK, KINDS(ZONE_MASTER),
     KEY_TABLE_CHANNEL_NAME_SIZE - 1},
    {KEY_OF_OURS, "own:pan", ":data", OWN_PAN_DATA, KINDS(DATA), 0},
    {KEY_OF_OURS, "own:pan", ":hash", OWN_PAN_HASH, KINDS(HASH), 0},
};
#define FORM_COUNT (sizeof(FORMS) / sizeof(FORMS[0]))
_Static_assert(FORM_COUNT == TERMINAL_KEY_COUNT + CHANNEL_KEY_COUNT + OWN_KEY_COUNT,
               "every cell of the table has a name");

static const struct key_form *form_of(const struct key_name *name)
{
    for (size_t i = 0; i < FORM_COUNT; i++) {
        if (FORMS[i].owner == name->owner && FORMS[i].which == name->which) {
            return &FORMS[i];
        }
    }
    REQUIRE(name->which < TERMINAL_KEY_COUNT); /* no name is made of another cell */
    return &FORMS[0];
}

enum status key_name_parse(struct key_name *name, const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < FORM_COUNT; i++) {
        const struct key_form *form = &FORMS[i];
        size_t prefix = strlen(form->prefix);
        size_t suffix = strlen(form->suffix);
        if (length < prefix + suffix || strncmp(text, form->prefix, prefix) != 0 ||
            strcmp(text + length - suffix, form->suffix) != 0) {
            continue;
        }
        size_t holder = length - prefix - suffix;
        if (holder > form->holder_length_max || (holder == 0) != (form->holder_length_max == 0)) {
            return STATUS_BAD_VALUE;
        }
        *name = (struct key_name){.owner = form->owner, .which = form->which};
        memcpy(name->holder, text + prefix, holder);
        return STATUS_OK;
    }
    return STATUS_BAD_VALUE;
}

void key_name_format(char text[HSM_KEY_NAME_SIZE], const struct key_name *name)
{
    const struct key_form *form = form_of(name);
    size_t prefix = strlen(form->prefix);
    size_t holder = strlen(name->holder);
    size_t suffix = strlen(form->suffix);
    /* A payment names five keys: no printf here. */
    REQUIRE(prefix + holder + suffix < HSM_KEY_NAME_SIZE);
    memcpy(text, form->prefix, prefix);
    memcpy(text + prefix, name->holder, holder);
    memcpy(text + prefix + holder, form->suffix, suffix + 1);
}

bool key_name_may_be(const struct key_name *name, enum hsm_key_kind kind)
{
    return (form_of(name)->kinds & 1U << kind) != 0;
}
