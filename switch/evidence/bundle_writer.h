/* A bundle that is being made: members in memory, then manifest, signature and archive at once.
 *
 * Life:  bundle_writer_create -> add (every member but manifest and signature) -> finish -> destroy
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "protocols/base/status.h"
#include "switch/evidence/bundle_form.h"
#include "switch/evidence/bundle_key.h"

struct bundle_writer;

/* NULL: no memory. */
struct bundle_writer *bundle_writer_create(void);
void bundle_writer_destroy(struct bundle_writer *writer);

/* Takes over `bytes`, which malloc gave; NULL is no memory. NO_ROOM: more than the member may hold,
 * NO_MEMORY; the bytes are freed then. */
MUST_CHECK enum status bundle_writer_add(struct bundle_writer *writer, enum bundle_member member,
                                         char *bytes, size_t length);
/* The same of JSON, which it takes over; ends with a new line. */
MUST_CHECK enum status bundle_writer_add_json(struct bundle_writer *writer,
                                              enum bundle_member member, json_t *json);
/* Adds a line of JSON, which it takes over, to a member of lines. */
MUST_CHECK enum status bundle_writer_add_line(struct bundle_writer *writer,
                                              enum bundle_member member, json_t *json);
/* The member that did not take what was added last. */
enum bundle_member bundle_writer_full(const struct bundle_writer *writer);

/* What stands at the head of the manifest. */
struct bundle_heading {
    uint64_t case_id;
    uint32_t event_count;
    uint8_t last_hash[BUNDLE_HASH_BYTES]; /* of the case's newest event */
    int64_t changed_us;                   /* when the case was changed last: the members' time */
    const char *actor;                    /* who exports */
    int64_t wall_us;                      /* when */
};
/* Writes the archive. NO_ROOM: the manifest is too long; BROKEN: OpenSSL refused or writing failed.
 * REQUIREs a private key. */
MUST_CHECK enum status bundle_writer_finish(struct bundle_writer *writer,
                                            const struct bundle_heading *heading,
                                            const struct bundle_key *key, FILE *to);
