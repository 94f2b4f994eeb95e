/* See key_kind.h. */
#include "hsm/key_kind.h"

#include <string.h>

#include "protocols/base/require.h"

struct kind_row {
    char usage[3];
    char mode;
    uint8_t bytes_min[3]; /* by enum key_algorithm */
};

static const struct kind_row ROWS[] = {
#define X(kind, name, usage, mode, tdes, aes, hmac)                                                \
    [HSM_KEY_##kind] = {usage, mode, {tdes, aes, hmac}},
    KEY_KIND_MAP(X)
#undef X
};
_Static_assert(sizeof(ROWS) / sizeof(ROWS[0]) == HSM_KEY_KIND_COUNT, "every kind has a row");

static const char *const NAMES[] = {
#define X(kind, name, usage, mode, tdes, aes, hmac) [HSM_KEY_##kind] = (name),
    KEY_KIND_MAP(X)
#undef X
};

static const struct kind_row *row_of(enum hsm_key_kind kind)
{
    REQUIRE((unsigned)kind < HSM_KEY_KIND_COUNT);
    return &ROWS[kind];
}

const char *key_kind_usage(enum hsm_key_kind kind)
{
    return row_of(kind)->usage;
}

char key_kind_mode(enum hsm_key_kind kind)
{
    return row_of(kind)->mode;
}

bool key_kind_is_pin(enum hsm_key_kind kind)
{
    return kind == HSM_KEY_PIN_IN || kind == HSM_KEY_PIN_OUT;
}

bool key_kind_may_hold(enum hsm_key_kind kind, enum key_algorithm algorithm, uint32_t length)
{
    uint8_t bytes_min = row_of(kind)->bytes_min[algorithm];
    return bytes_min != 0 && length >= bytes_min && clear_key_may_have_length(algorithm, length);
}

char key_letter(enum key_algorithm algorithm, uint32_t length)
{
    switch (algorithm) {
    case KEY_TDES:
        return length == 8 ? 'D' : 'T';
    case KEY_AES:
        return 'A';
    case KEY_HMAC:
        return 'H';
    }
    return '\0';
}

bool key_letter_algorithm(char letter, enum key_algorithm *algorithm)
{
    switch (letter) {
    case 'D':
    case 'T':
        *algorithm = KEY_TDES;
        return true;
    case 'A':
        *algorithm = KEY_AES;
        return true;
    case 'H':
        *algorithm = KEY_HMAC;
        return true;
    default:
        return false;
    }
}

const char *hsm_key_kind_name(enum hsm_key_kind kind)
{
    REQUIRE((unsigned)kind < HSM_KEY_KIND_COUNT);
    return NAMES[kind];
}

enum hsm_key_kind hsm_key_kind_from_name(const char *name)
{
    for (int kind = 0; kind < HSM_KEY_KIND_COUNT; kind++) {
        if (strcmp(name, hsm_key_kind_name((enum hsm_key_kind)kind)) == 0) {
            return (enum hsm_key_kind)kind;
        }
    }
    return HSM_KEY_KIND_COUNT;
}
