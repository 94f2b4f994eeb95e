/* Two short lists, the latest used first: the longest unused entry gives way. */
#include "switch/aftersales/card_watch.h"

#include <string.h>

#include "protocols/base/require.h"

_Static_assert(sizeof(struct card_state) <= 128, "hundreds of thousands of cards are remembered");

/* Days since 1970 in sixteen bits: until 2149. */
static uint16_t day_short(int32_t day)
{
    return (uint16_t)(day < 0 ? 0 : day > UINT16_MAX ? UINT16_MAX : day);
}

static void begin_day(struct card_state *card, const struct card_use *use)
{
    if (card->day != day_short(use->day)) {
        memset(card->places, 0, sizeof(card->places));
        memset(card->positions, 0, sizeof(card->positions));
        card->day = day_short(use->day);
    }
}

/* The place of this merchant in the list of recent ones; CARD_RECENT_COUNT: it is not there. */
static uint32_t recent_index(const struct card_state *card, uint32_t merchant)
{
    uint32_t index = 0;
    while (index < CARD_RECENT_COUNT && card->recent[index] != merchant) {
        index++;
    }
    return index;
}

void card_watch_seen(struct card_state *card, const struct card_use *use)
{
    REQUIRE(use->merchant != 0);
    begin_day(card, use);
    uint32_t index = recent_index(card, use->merchant);
    if (index == CARD_RECENT_COUNT) {
        index = CARD_RECENT_COUNT - 1;
    }
    memmove(&card->recent[1], &card->recent[0], index * sizeof(card->recent[0]));
    memmove(&card->recent_days[1], &card->recent_days[0], index * sizeof(card->recent_days[0]));
    memmove(&card->recent_owners[1], &card->recent_owners[0],
            index * sizeof(card->recent_owners[0]));
    card->recent[0] = use->merchant;
    card->recent_days[0] = day_short(use->day);
    card->recent_owners[0] = use->owner;
}

bool card_watch_returns(const struct card_state *card, const struct card_use *use)
{
    uint32_t index = recent_index(card, use->merchant);
    return index < CARD_RECENT_COUNT &&
           card->recent_days[index] + CARD_RETURN_DAYS > day_short(use->day);
}

uint32_t card_watch_owner_count(const struct card_state *card, const struct card_use *use)
{
    uint32_t count = 0;
    for (uint32_t i = 0; use->owner != 0 && i < CARD_RECENT_COUNT; i++) {
        count += card->recent[i] != 0 && card->recent_owners[i] == use->owner &&
                 card->recent_days[i] == day_short(use->day);
    }
    return count;
}

/* The merchant's place of today, moved to the front; made when there is none. */
static struct card_place *place_of(struct card_state *card, const struct card_use *use)
{
    REQUIRE(use->merchant != 0);
    begin_day(card, use);
    uint32_t index = 0;
    while (index < CARD_PLACE_COUNT - 1 && card->places[index].merchant != use->merchant) {
        index++;
    }
    struct card_place place = {.merchant = use->merchant};
    if (card->places[index].merchant == use->merchant) {
        place = card->places[index];
    }
    memmove(&card->places[1], &card->places[0], index * sizeof(card->places[0]));
    card->places[0] = place;
    return &card->places[0];
}

static uint32_t amount_short(int64_t amount_minor)
{
    return (uint32_t)(amount_minor < 0 ? 0 : amount_minor > UINT32_MAX ? UINT32_MAX : amount_minor);
}

/* Counts up to what eight bits hold. */
static void count_up(uint8_t *count)
{
    *count = (uint8_t)(*count + (*count < UINT8_MAX));
}

/* The cell of this amount; else an empty one; else the last, counted down once (Misra and Gries: an
 * amount that makes a third of all is not driven out by others). */
static uint32_t amount_index(struct card_place *place, uint32_t amount)
{
    for (uint32_t i = 0; i < CARD_AMOUNT_COUNT; i++) {
        if (place->same[i] != 0 && place->amounts[i] == amount) {
            return i;
        }
    }
    for (uint32_t i = 0; i < CARD_AMOUNT_COUNT; i++) {
        if (place->same[i] == 0) {
            place->amounts[i] = amount;
            return i;
        }
    }
    for (uint32_t i = 0; i < CARD_AMOUNT_COUNT; i++) {
        place->same[i]--;
    }
    return CARD_AMOUNT_COUNT;
}

struct card_count card_watch_paid(struct card_state *card, const struct card_use *use)
{
    struct card_place *place = place_of(card, use);
    uint32_t index = amount_index(place, amount_short(use->amount_minor));
    if (index < CARD_AMOUNT_COUNT) {
        count_up(&place->same[index]);
    }
    count_up(&place->uses);
    card->positions[1] = card->positions[0];
    card->positions[0] = use->position;
    return (struct card_count){
        .same_amount = index < CARD_AMOUNT_COUNT ? place->same[index] : 0,
        .uses = place->uses,
    };
}

void card_watch_undone(struct card_state *card, const struct card_use *use)
{
    struct card_place *place = place_of(card, use);
    for (uint32_t i = 0; i < CARD_AMOUNT_COUNT; i++) {
        if (place->same[i] != 0 && place->amounts[i] == amount_short(use->amount_minor)) {
            place->same[i]--;
        }
    }
    place->uses = (uint8_t)(place->uses - (place->uses != 0));
}

uint32_t card_watch_no_funds(struct card_state *card, const struct card_use *use)
{
    struct card_place *place = place_of(card, use);
    count_up(&place->no_funds);
    return place->no_funds;
}

uint32_t card_watch_lost(struct card_state *card, const struct card_use *use,
                         uint32_t merchants[CARD_RECENT_COUNT])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < CARD_RECENT_COUNT; i++) {
        bool is_recent = card->recent_days[i] + CARD_RECENT_DAYS > day_short(use->day);
        if (card->recent[i] != 0 && card->recent[i] != use->merchant && is_recent) {
            merchants[count++] = card->recent[i];
        }
    }
    memset(card->recent, 0, sizeof(card->recent));
    return count;
}

bool card_watch_is_sound(const struct card_state *card, uint32_t merchant_count)
{
    bool is_sound = true;
    for (uint32_t i = 0; i < CARD_RECENT_COUNT; i++) {
        is_sound = is_sound && card->recent[i] <= merchant_count;
    }
    return is_sound;
}
