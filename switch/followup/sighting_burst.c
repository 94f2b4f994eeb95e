/* See sighting_burst.h. */
#include "switch/followup/sighting_burst.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/desk/inspection_book.h"

/* Twice as many places as terminals, a power of two: a free one is near. */
#define PLACE_COUNT (2 * SIGHTING_BURST_COUNT_MAX)
_Static_assert(sizeof(((struct observation *)0)->firmware) ==
                   sizeof(((struct terminal_sighting *)0)->firmware),
               "a version is copied whole");
_Static_assert((PLACE_COUNT & (PLACE_COUNT - 1)) == 0, "places are found by a mask");

struct sighting_burst {
    uint32_t count;
    int64_t begun_us; /* event time of the first */
    struct terminal_sighting sightings[SIGHTING_BURST_COUNT_MAX];
    uint32_t places[PLACE_COUNT]; /* index + 1; 0: free */
};

struct sighting_burst *sighting_burst_create(void)
{
    return calloc(1, sizeof(struct sighting_burst));
}

void sighting_burst_destroy(struct sighting_burst *burst)
{
    free(burst);
}

/* FNV-1a. */
static uint32_t place_of(const char *terminal_id)
{
    uint32_t hash = 2166136261U;
    for (; *terminal_id != '\0'; terminal_id++) {
        hash = (hash ^ (uint8_t)*terminal_id) * 16777619U;
    }
    return hash & (PLACE_COUNT - 1);
}

/* The place of the terminal, or the free one where it belongs. */
static uint32_t *find_place(struct sighting_burst *burst, const char *terminal_id)
{
    uint32_t at = place_of(terminal_id);
    for (uint32_t tries = 0; tries < PLACE_COUNT; tries++) {
        uint32_t index = burst->places[at];
        if (index == 0 || strcmp(burst->sightings[index - 1].terminal_id, terminal_id) == 0) {
            return &burst->places[at];
        }
        at = (at + 1) & (PLACE_COUNT - 1);
    }
    REQUIRE(false); /* half of the places are free */
}

bool sighting_burst_note(struct sighting_burst *burst, const struct observation *seen)
{
    if (seen->terminal_id[0] == '\0' || seen->kind == OBSERVATION_SIGHTING ||
        seen->kind == OBSERVATION_TIME) {
        return true;
    }
    uint32_t *place = find_place(burst, seen->terminal_id);
    if (*place == 0) {
        if (burst->count == SIGHTING_BURST_COUNT_MAX) {
            return false;
        }
        burst->begun_us = burst->count == 0 ? seen->wall_us : burst->begun_us;
        struct terminal_sighting *sighting = &burst->sightings[burst->count++];
        *sighting = (struct terminal_sighting){0};
        memcpy(sighting->terminal_id, seen->terminal_id, sizeof(sighting->terminal_id));
        *place = burst->count;
    }
    struct terminal_sighting *sighting = &burst->sightings[*place - 1];
    sighting->seen_us = seen->wall_us > sighting->seen_us ? seen->wall_us : sighting->seen_us;
    if (seen->firmware[0] != '\0') {
        memcpy(sighting->firmware, seen->firmware, sizeof(sighting->firmware));
    }
    return true;
}

bool sighting_burst_is_due(const struct sighting_burst *burst, int64_t wall_us)
{
    return burst->count > 0 && wall_us / SIGHTING_BURST_US != burst->begun_us / SIGHTING_BURST_US;
}

enum status sighting_burst_write(struct sighting_burst *burst, struct desk *desk)
{
    enum status status =
        burst->count == 0 ? STATUS_OK : inspection_book_seen(desk, burst->sightings, burst->count);
    if (status == STATUS_OK) {
        burst->count = 0;
        memset(burst->places, 0, sizeof(burst->places));
    }
    return status;
}
