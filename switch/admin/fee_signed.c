/* See fee_signed.h. */
#include "switch/admin/fee_signed.h"

#include <stdio.h>
#include <string.h>

#include "switch/desk/registry.h"

static void on_change(void *argument, const struct registry_change *change)
{
    struct fee_signed *taken = argument;
    if (strcmp(change->column, "plan") != 0) {
        return;
    }
    if (taken->change_count == FEE_SIGNED_CHANGE_COUNT_MAX) {
        memmove(taken->changes, taken->changes + 1,
                (FEE_SIGNED_CHANGE_COUNT_MAX - 1) * sizeof(taken->changes[0]));
        taken->change_count--;
    }
    struct fee_signed_change *kept = &taken->changes[taken->change_count++];
    kept->wall_us = change->wall_us;
    snprintf(kept->before, sizeof(kept->before), "%s", change->before);
}

/* The acquirer's own hotline: of no brand, source and party. */
static bool on_channel(void *argument, const void *row)
{
    struct fee_signed *taken = argument;
    const struct service_channel *channel = row;
    bool is_own = channel->brand[0] == '\0' && channel->party[0] == '\0' &&
                  channel->source == OBTAINED_UNKNOWN && channel->kind == CHANNEL_KIND_HOTLINE;
    if (is_own) {
        snprintf(taken->complain, sizeof(taken->complain), "%.60s %.32s", channel->name,
                 channel->contact);
    }
    return !is_own;
}

enum status fee_signed_take(struct desk *desk, const char *merchant_id, struct fee_signed *taken)
{
    struct merchant_registration merchant = {.risk_level = 0};
    const struct registry_sink sink = {on_channel, taken};
    *taken = (struct fee_signed){.change_count = 0};
    enum status status = registry_list(desk, REGISTRY_SERVICE_CHANNEL, &sink);
    if (status != STATUS_OK || merchant_id[0] == '\0') {
        return status;
    }
    snprintf(merchant.merchant_id, sizeof(merchant.merchant_id), "%s", merchant_id);
    status = registry_find(desk, REGISTRY_MERCHANT, &merchant);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    snprintf(taken->plan, sizeof(taken->plan), "%s", merchant.plan);
    return registry_history(desk, REGISTRY_MERCHANT, &merchant, on_change, taken);
}

const char *fee_signed_at(const struct fee_signed *taken, int64_t wall_us)
{
    for (uint32_t i = 0; i < taken->change_count; i++) {
        /* What was entered later for the first time had been signed before. */
        if (taken->changes[i].wall_us > wall_us && taken->changes[i].before[0] != '\0') {
            return taken->changes[i].before;
        }
    }
    return taken->plan;
}
