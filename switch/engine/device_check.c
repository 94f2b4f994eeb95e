/* See device_check.h. */
#include "switch/engine/device_check.h"

#include <string.h>

#include "protocols/base/require.h"

#define EXPIRY_DIGITS 4 /* between separator and service code in track 2 (ISO/IEC 7813) */
#define RANDOM_DIGITS (DEVICE_NOTE_RANDOM_SIZE - 1)
_Static_assert(PAN_DIGITS_MIN >= RANDOM_DIGITS, "each card number has that many digits");

/* Service codes 2xx and 6xx: the card has a chip, which is to be used (ISO/IEC 7813). */
static bool has_chip(const struct track2 *track)
{
    const char *separator = memchr(track->characters, '=', track->count);
    if (separator == NULL ||
        track->count - (uint32_t)(separator - track->characters) <= EXPIRY_DIGITS + 1) {
        return false;
    }
    const char service = separator[1 + EXPIRY_DIGITS];
    return service == '2' || service == '6';
}

/* Field 22: 02 and 90 stripe, 80 and 95 stripe or less after the chip had failed. */
static bool is_by_stripe(const char entry_mode[4])
{
    return memcmp(entry_mode, "02", 2) == 0 || memcmp(entry_mode, "80", 2) == 0 ||
           memcmp(entry_mode, "90", 2) == 0 || memcmp(entry_mode, "95", 2) == 0;
}

static bool is_random_wrong(const struct payment *payment)
{
    const struct pan *pan = &payment->pan;
    return payment->device.random_factor[0] != '\0' && pan->digit_count >= RANDOM_DIGITS &&
           memcmp(pan->digits + pan->digit_count - RANDOM_DIGITS, payment->device.random_factor,
                  RANDOM_DIGITS) != 0;
}

/* 0,0 is said by a flag of its own. */
static bool is_frozen(struct terminal_day *day, const struct device_note *note)
{
    const uint32_t before = day->position_hash;
    if (note->position_hash == 0) {
        return false;
    }
    day->position_hash = note->position_hash;
    return before == note->position_hash && (note->flags & DEVICE_NOTE_POSITION_ZERO) == 0;
}

void device_check(struct engine *engine, uint32_t place, struct payment *flight)
{
    struct device_note *note = &flight->device;
    unsigned flags = note->flags;
    REQUIRE(place != 0);
    if (flight->track2.count > 0 && is_by_stripe(flight->entry_mode) && has_chip(&flight->track2)) {
        flags |= DEVICE_NOTE_FALLBACK;
    }
    if (note->is_told) {
        flags |= is_random_wrong(flight) ? DEVICE_NOTE_RANDOM_WRONG : 0;
        flags |=
            is_frozen(&engine->terminals.states[place].day, note) ? DEVICE_NOTE_POSITION_FROZEN : 0;
    }
    note->flags = (uint8_t)flags;
    note->is_told |= flags != 0;
    memset(note->random_factor, 0, sizeof(note->random_factor)); /* a part of the card number */
}
