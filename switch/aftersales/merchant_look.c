/* What rules of a merchant share: notes, flags, shares. */
#include "switch/aftersales/merchant_look.h"

#include "protocols/base/require.h"

#define DAY_S 86400
#define US_PER_S INT64_C(1000000)

struct merchant_look merchant_look_make(struct merchant_state *state,
                                        const struct watch_moment *moment, struct flag_sink *sink)
{
    static const struct merchant_facts UNKNOWN;
    return (struct merchant_look){
        .state = state,
        .moment = moment,
        .facts = moment->merchant == NULL ? &UNKNOWN : moment->merchant,
        .sink = sink,
    };
}

void merchant_look_note(const struct merchant_look *look, enum signal_code signal)
{
    watch_note(&look->state->subject, signal, look->moment->seen->position);
}

void merchant_look_raise(const struct merchant_look *look, const struct merchant_finding *finding)
{
    const struct watch_moment *moment = look->moment;
    int64_t first_day = (int64_t)moment->day - finding->day_count + 1;
    struct watch_finding raised = {
        .signal = finding->signal,
        .severity = finding->severity,
        .value = finding->value,
        .threshold = finding->threshold,
        .window_begin_us = finding->day_count == 0
                               ? moment->wall_us
                               : (first_day * DAY_S - moment->rules->utc_offset_s) * US_PER_S,
    };
    (void)watch_raise(look->sink, moment, &look->state->subject, &raised);
}

int32_t merchant_look_raised_day(const struct merchant_look *look, enum signal_code signal)
{
    int64_t raised_s = watch_raised_s(&look->state->subject, signal);
    return raised_s == 0 ? 0 : (int32_t)((raised_s + look->moment->rules->utc_offset_s) / DAY_S);
}

bool merchant_share_is_passed(const struct merchant_share *share)
{
    return share->part > merchant_tally_scaled(share->whole, share->share, share->scale);
}

int64_t merchant_share_value(const struct merchant_share *share)
{
    REQUIRE(share->whole >= 0);
    return merchant_tally_scaled(share->part, share->scale, share->whole == 0 ? 1 : share->whole);
}

void merchant_look_raise_share(const struct merchant_look *look, enum signal_code signal,
                               uint32_t day_count, const struct merchant_share *share)
{
    merchant_look_raise(look, &(struct merchant_finding){
                                  .signal = signal,
                                  .day_count = day_count,
                                  .value = merchant_share_value(share),
                                  .threshold = share->share,
                              });
}
