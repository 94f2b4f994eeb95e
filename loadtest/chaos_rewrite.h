/* Bytes of a message changed in place: a field to another value of the same length, its MAC made
 * anew, or bytes damaged. All else of the message stays as it came.
 */
#pragma once

#include "loadtest/tdes.h"
#include "protocols/iso8583/message.h"

#define CHAOS_TOLD_SIZE 160

/* Where the link's MAC is known; algorithm TDES_MAC_NONE: MACs are left as they are. */
struct chaos_seal {
    struct tdes *tdes; /* borrowed */
    enum tdes_mac algorithm;
    struct tdes_key key;
};

/* What to change. */
struct chaos_change {
    uint16_t field;
    const char
        *value; /* empty: each digit of the old value is drawn anew, and the new one differs */
    uint64_t draw;
};

/* Changes the message that stands in `bytes`. Shorter numbers get zeros in front, shorter text
 * blanks behind, where the field's length is fixed. `told` gets "old to new", or "hidden" of a
 * field that may not be shown. The MAC, where there is one and `seal` knows it, is made anew.
 * STATUS_MALFORMED: the message cannot be read. STATUS_MISSING: it has no such field.
 * STATUS_BAD_VALUE: the value does not fit it. Then nothing is changed. */
MUST_CHECK enum status chaos_rewrite(const struct spec *spec, struct byte_writer *bytes,
                                     const struct chaos_change *change,
                                     const struct chaos_seal *seal, char told[CHAOS_TOLD_SIZE]);
/* Changes `count` bytes (all where there are fewer) at places that are drawn. */
void chaos_damage(uint8_t *bytes, uint32_t length, uint32_t count, uint64_t draw);
