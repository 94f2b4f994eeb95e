/* What must be done outside for cases and is not done yet: orders to the switch, messages to
 * people; and what campaigns (update_book.h) ask terminals, which belongs to no case.
 *
 * case_book_open() and case_book_step() write it in the transaction of the step that asks for it,
 * whichever process takes the step; whoever does it outside takes it out when it is done. So what
 * was asked for is neither lost by a crash nor by a peer that is away; it may be done twice.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/service_case.h"
#include "switch/desk/desk.h"

struct effect_entry {
    uint64_t number, case_id; /* numbers rise, and none is used twice */
    uint64_t campaign_id;     /* not 0: no case asks it, but this campaign */
    char terminal_id[9];      /* of this terminal; else empty */
    int64_t wall_us;          /* of the event that asks for it */
    struct case_effect effect;
};

/* Whether the switch does it, and order matters; else it is a message to people. */
bool effect_is_order(enum case_effect_kind kind);

/* Within the transaction of the step. What is asked for again while it is not done stands once,
 * but for orders that another one takes back, and those behind a STOP or RESUME. */
MUST_CHECK enum status effect_book_add(struct desk *desk, uint64_t case_id, int64_t wall_us,
                                       const struct case_effects *effects);
/* Within the transaction that notes the terminal as asked: it is asked to update until then. */
struct effect_ask {
    uint64_t campaign_id;
    const char *terminal_id, *firmware; /* the version that is wanted */
    int64_t wall_us, until_us;
};
MUST_CHECK enum status effect_book_ask(struct desk *desk, const struct effect_ask *ask);
/* How many asks of campaigns are not done. */
MUST_CHECK enum status effect_book_asks(struct desk *desk, uint32_t *count);
/* Takes out what the campaign asks and is not done. */
MUST_CHECK enum status effect_book_unask(struct desk *desk, uint64_t campaign_id);
/* Those with numbers above `after` that may be done now, `room` at most: of the orders of a case,
 * or to a campaign's terminal, the first only. */
MUST_CHECK enum status effect_book_pending(struct desk *desk, uint64_t after,
                                           struct effect_entry *entries, uint32_t room,
                                           uint32_t *count);
/* The one of a number. NOT_FOUND: it is done. */
MUST_CHECK enum status effect_book_find(struct desk *desk, uint64_t number,
                                        struct effect_entry *entry);
/* Whether another order of its case waits behind it. */
MUST_CHECK enum status effect_book_is_followed(struct desk *desk, const struct effect_entry *entry,
                                               bool *is_followed);
/* One transaction. Those that are not there are passed over. */
MUST_CHECK enum status effect_book_done(struct desk *desk, const uint64_t *numbers, uint32_t count);
