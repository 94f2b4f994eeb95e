/* See channel_state.h. */
#include "switch/engine/channel_state.h"

#include <string.h>

#include "protocols/base/require.h"

void channel_set_init(struct channel_set *set)
{
    memset(set, 0, sizeof(*set));
    memset(set->number_of, CHANNEL_NONE, sizeof(set->number_of));
}

uint8_t channel_set_find(const struct channel_set *set, const char *name)
{
    for (uint16_t number = 0; number < set->count; number++) {
        if (strncmp(set->states[number].name, name, RECORD_CHANNEL_NAME_SIZE) == 0) {
            return (uint8_t)number;
        }
    }
    return CHANNEL_NONE;
}

uint8_t channel_set_enroll(struct channel_set *set, const char *name)
{
    uint8_t number = channel_set_find(set, name);
    if (number != CHANNEL_NONE || set->count == CHANNEL_COUNT_MAX) {
        return number;
    }
    size_t length = strlen(name);
    REQUIRE(length > 0 && length < RECORD_CHANNEL_NAME_SIZE);
    memcpy(set->states[set->count].name, name, length);
    return (uint8_t)set->count++;
}

static void rebuild_up_mask(struct channel_set *set)
{
    set->up_mask = 0;
    for (uint16_t number = 0; number < set->count; number++) {
        if (channel_set_is_usable(set, (uint8_t)number)) {
            set->up_mask |= UINT64_C(1) << set->states[number].ruleset_index;
        }
    }
}

void channel_set_map(struct channel_set *set, const struct channel_table *table)
{
    for (uint16_t number = 0; number < set->count; number++) {
        set->states[number].is_known = false;
    }
    memset(set->number_of, CHANNEL_NONE, sizeof(set->number_of));
    uint16_t count = channel_table_count(table);
    REQUIRE(count <= CHANNEL_COUNT_MAX);
    for (uint16_t index = 0; index < count; index++) {
        uint8_t number = channel_set_enroll(set, channel_table_at(table, index)->name);
        set->number_of[index] = number;
        if (number != CHANNEL_NONE) {
            set->states[number].is_known = true;
            set->states[number].ruleset_index = index;
            if (!channel_table_is_retired(table, index)) {
                set->states[number].voids_are_refunds =
                    channel_table_at(table, index)->voids_are_refunds;
            }
        }
    }
    rebuild_up_mask(set);
}

uint8_t channel_set_number(const struct channel_set *set, uint16_t ruleset_index)
{
    return ruleset_index < CHANNEL_COUNT_MAX ? set->number_of[ruleset_index] : CHANNEL_NONE;
}

void channel_set_up(struct channel_set *set, uint16_t ruleset_index, bool is_up)
{
    uint8_t number = channel_set_number(set, ruleset_index);
    if (number == CHANNEL_NONE) {
        return;
    }
    set->states[number].is_up = is_up;
    rebuild_up_mask(set);
}

bool channel_set_is_usable(const struct channel_set *set, uint8_t number)
{
    return number != CHANNEL_NONE && set->states[number].is_known && set->states[number].is_up;
}
