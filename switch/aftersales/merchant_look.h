/* What every rule of a merchant is handed: its memory, the moment, and where flags go. */
#pragma once

#include "switch/aftersales/merchant_tally.h"
#include "switch/aftersales/watch_moment.h"

struct merchant_look {
    struct merchant_state *state;       /* borrowed, as all of these */
    const struct watch_moment *moment;  /* of this merchant */
    const struct merchant_facts *facts; /* never NULL: all unknown where nothing is registered */
    struct flag_sink *sink;
};

struct merchant_look merchant_look_make(struct merchant_state *state,
                                        const struct watch_moment *moment, struct flag_sink *sink);

/* The row speaks for this signal. */
void merchant_look_note(const struct merchant_look *look, enum signal_code signal);

/* A threshold is passed. `day_count`: days that the finding looks back on, the running one with
 * them; 0: it is this row alone. */
struct merchant_finding {
    enum signal_code signal;
    uint8_t severity; /* at least this one; 0: as the rules say */
    uint32_t day_count;
    int64_t value, threshold;
};
void merchant_look_raise(const struct merchant_look *look, const struct merchant_finding *finding);

/* The day on which this signal was last raised for the merchant; 0: never. */
int32_t merchant_look_raised_day(const struct merchant_look *look, enum signal_code signal);

/* Whether `part` is more than `share` of `scale` (per mille: 1000) of `whole`; all at least 0. */
struct merchant_share {
    int64_t part, whole, share, scale;
};
bool merchant_share_is_passed(const struct merchant_share *share);
/* The part in that scale, for the flag. */
int64_t merchant_share_value(const struct merchant_share *share);

/* The share is passed: raises it, in its scale. `day_count` as above. */
void merchant_look_raise_share(const struct merchant_look *look, enum signal_code signal,
                               uint32_t day_count, const struct merchant_share *share);
