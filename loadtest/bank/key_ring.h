/* The keys of a bank's links: those in force, those before them, and those that have been offered
 * and not yet been seen in use.
 *
 * New keys travel under the zone master key (field 48 of 0800/101). The bank seals with what is in
 * force and takes all three from the other side, since messages overtake each other on several
 * links. The offered keys come into force when the other side says so, or seals with them. What has
 * been offered is kept in a file beside the ledger, so that a killed bank still knows it.
 *
 * Life:  key_ring_load -> offer, confirm ...
 */
#pragma once

#include <stdio.h>

#include "loadtest/tdes.h"
#include "protocols/base/status.h"

#define KEY_RING_FIELD_SIZE 96

enum key_age { KEY_IN_FORCE, KEY_BEFORE, KEY_OFFERED, KEY_AGE_COUNT };

struct key_ring {
    struct tdes_key zmk;                                    /* length 0: no exchange */
    struct tdes_key pin[KEY_AGE_COUNT], mac[KEY_AGE_COUNT]; /* length 0: none */
    char path[512];                                         /* of the file beside the ledger */
};

/* Keys from the file that a fleet wrote, or from the one beside the ledger when keys have been
 * exchanged. Not STATUS_OK: one line on `faults` says why. */
MUST_CHECK enum status key_ring_load(struct key_ring *ring, const char *keys, const char *ledger,
                                     FILE *faults);
/* Field 48 with the offered keys, drawn anew unless an offer is open. STATUS_UNSUPPORTED: there is
 * no zone master key. STATUS_BROKEN: they cannot be written down. */
MUST_CHECK enum status key_ring_offer(struct key_ring *ring, struct tdes *tdes,
                                      char field[KEY_RING_FIELD_SIZE]);
/* The other side has the offered keys. STATUS_BROKEN as above. */
MUST_CHECK enum status key_ring_confirm(struct key_ring *ring);
