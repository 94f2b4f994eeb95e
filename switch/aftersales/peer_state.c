/* A fixed table of categories, searched from its beginning: it is asked once a day and merchant. */
#include "switch/aftersales/peer_state.h"

#include <string.h>

#include "protocols/base/require.h"

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
    if (!__builtin_add_overflow(slot->sale_minor, sale_minor, &slot->sale_minor)) {
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
            /* An eighth each: eight sums of days cannot overflow together. */
            sum_minor += slot->sale_minor / PEER_DAY_COUNT;
            day_count += slot->merchant_count;
            *merchant_count =
                slot->merchant_count > *merchant_count ? slot->merchant_count : *merchant_count;
        }
    }
    return day_count == 0 ? 0 : sum_minor / day_count * PEER_DAY_COUNT;
}
