/* What is registered about terminals and merchants, as far as signals ask for it. Plain values,
 * given to the watcher when the registry is read and whenever it changes. Unknown is empty or 0. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/secret.h"

#define MERCHANT_OWNER_CARD_COUNT 2

struct terminal_facts {
    char terminal_id[9], merchant_id[16];
    char brand[16], model[16], agent[16];
    char serial[21];                   /* bound serial number (TUSN) */
    char firmware_min[9];              /* of its model */
    uint32_t area_code;                /* of its deployment place, GB/T 2260: 310115 */
    int32_t latitude_e3, longitude_e3; /* thousandths of a degree */
    uint32_t radius_m;                 /* fence; 0: none */
    bool has_place, is_spare, is_active;
    bool may_fallback, may_key_in; /* its merchant is registered for it */
};

struct merchant_facts {
    char merchant_id[16];
    char mcc[5];
    char owner[17];     /* hash of the owner, as text: merchants of one owner share it */
    uint32_t since_day; /* days since 1970 of its contract */
    int16_t opens_minute, closes_minute; /* of the day in China; both 0: not registered */
    int64_t single_max_minor;            /* registered single limit */
    int64_t month_minor;                 /* registered monthly turnover */
    struct pan_hash
        owner_cards[MERCHANT_OWNER_CARD_COUNT]; /* as the log shows cards; zeros: none */
};
