/* A fixed table of categories, searched from its beginning: it is asked once a day and merchant. */
#include "switch/aftersales/peer_state.h"

#include <string.h>

#include "protocols/base/require.h"

/* The sums of all days of a group fit together. */
#define SUM_MINOR_MAX (INT64_MAX / (2 * PEER_DAY_COUNT))

/* The group of a category, or the first free one; NULL: it is not there, and there is no room. */
static const struct peer_group *group_of(const struct peer_state *peers, const char *mcc)
{
    for (uint32_t i = 0; i < PEER_GROUP_COUNT; i++) {
        const struct peer_group *group = &peers->groups[i];
        if (group->mcc[0] == 0 || strcmp(group->mcc, mcc) == 0) {
            return group;
        }
    }
    return NULL;
}

void peer_state_add(struct peer_state *peers, const char *mcc, int32_t day, int64_t sale_minor)
{
    REQUIRE(day >= 0);
    const struct peer_group *known = group_of(peers, mcc);
    size_t length = strlen(mcc);
    if (known == NULL || length == 0 || length >= sizeof(known->mcc)) {
        return;
    }
    struct peer_group *group = &peers->groups[known - peers->groups];
    memcpy(group->mcc, mcc, length + 1);
    struct peer_day *slot = &group->days[day % PEER_DAY_COUNT];
    if (slot->day > day) {
        return; /* a merchant that was silent for long: nobody is measured by that day now */
    }
    if (slot->day < day) {
        *slot = (struct peer_day){.day = day};
    }
    if (sale_minor >= 0 && sale_minor <= SUM_MINOR_MAX - slot->sale_minor) {
        slot->sale_minor += sale_minor;
        slot->merchant_count++;
    }
}

int64_t peer_state_mean(const struct peer_state *peers, const char *mcc, int32_t day,
                        uint32_t *merchant_count)
{
    const struct peer_group *group = group_of(peers, mcc);
    int64_t sum_minor = 0, day_count = 0;
    *merchant_count = 0;
    for (uint32_t i = 0; group != NULL && i < PEER_DAY_COUNT; i++) {
        const struct peer_day *slot = &group->days[i];
        if (slot->day < day && slot->day >= day - PEER_DAY_COUNT) {
            sum_minor += slot->sale_minor;
            day_count += slot->merchant_count;
            *merchant_count =
                slot->merchant_count > *merchant_count ? slot->merchant_count : *merchant_count;
        }
    }
    return day_count == 0 ? 0 : sum_minor / day_count;
}

bool peer_state_is_sound(const struct peer_state *peers)
{
    bool is_sound = true;
    for (uint32_t i = 0; i < PEER_GROUP_COUNT; i++) {
        const struct peer_group *group = &peers->groups[i];
        is_sound = is_sound && group->mcc[sizeof(group->mcc) - 1] == 0;
        for (uint32_t day = 0; day < PEER_DAY_COUNT; day++) {
            is_sound = is_sound && group->days[day].sale_minor >= 0 &&
                       group->days[day].sale_minor <= SUM_MINOR_MAX && group->days[day].day >= 0;
        }
    }
    return is_sound;
}
