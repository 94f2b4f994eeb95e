/* Which terminals were seen since the last time this was written, with their software: one row a
 * terminal, one transaction a minute of event time, not one a message.
 *
 * Life:  sighting_burst_create -> sighting_burst_note ... sighting_burst_write ... ->
 *        sighting_burst_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"
#include "switch/aftersales/observation.h"
#include "switch/desk/desk.h"

#define SIGHTING_BURST_COUNT_MAX 16384 /* terminals between two writings: more write at once */
#define SIGHTING_BURST_US INT64_C(60000000)

struct sighting_burst;

/* NULL: no memory. */
struct sighting_burst *sighting_burst_create(void);
/* NULL does nothing. What was not written is lost. */
void sighting_burst_destroy(struct sighting_burst *burst);

/* What is seen of nobody, or of somebody who only says who it is (SIGHTING), is passed over.
 * False: there is no room; write, then note it again. */
bool sighting_burst_note(struct sighting_burst *burst, const struct observation *seen);
/* Whether the minute in which the first of them was seen is over. */
bool sighting_burst_is_due(const struct sighting_burst *burst, int64_t wall_us);
/* Not STATUS_OK: they are kept, and written the next time. */
MUST_CHECK enum status sighting_burst_write(struct sighting_burst *burst, struct desk *desk);
