/* See watch_form.h. */
#include "switch/watch/watch_form.h"

#include <string.h>

#define COLUMN(value, type, member)                                                                \
    {                                                                                              \
#member, value, offsetof(type, member), sizeof(((type *)0)->member), NULL                  \
    }
#define WORD(reader, type, member)                                                                 \
    {                                                                                              \
#member, ROW_WORD, offsetof(type, member), sizeof(((type *)0)->member), reader             \
    }

static int kind_from_word(const char *word)
{
    enum observation_kind kind = observation_kind_from_name(word);
    return kind == OBSERVATION_KIND_COUNT ? -1 : (int)kind;
}

static int detail_from_word(const char *word)
{
    enum observation_detail detail = observation_detail_from_name(word);
    return detail == OBSERVED_COUNT ? -1 : (int)detail;
}

static int payment_from_word(const char *word)
{
    enum payment_kind kind = payment_kind_from_name(word);
    return kind == PAYMENT_UNKNOWN ? -1 : (int)kind;
}

static int fact_from_word(const char *word)
{
    return strcmp(word, "terminal") == 0   ? FACT_TERMINAL
           : strcmp(word, "merchant") == 0 ? FACT_MERCHANT
                                           : -1;
}

#define SEEN(value, member) COLUMN(value, struct observation, member)
static const struct row_column OBSERVATION_COLUMNS[] = {
    WORD(kind_from_word, struct observation, kind),
    WORD(detail_from_word, struct observation, detail),
    SEEN(ROW_UNSIGNED, position),
    SEEN(ROW_SIGNED, wall_us),
    SEEN(ROW_UNSIGNED, count),
    WORD(payment_from_word, struct observation, payment_kind),
    SEEN(ROW_TEXT, terminal_id),
    SEEN(ROW_TEXT, merchant_id),
    SEEN(ROW_TEXT, channel),
    SEEN(ROW_UNSIGNED, batch),
    SEEN(ROW_UNSIGNED, stan),
    SEEN(ROW_SIGNED, amount_minor),
    SEEN(ROW_UNSIGNED, currency),
    SEEN(ROW_BYTES, pan_hash),
    SEEN(ROW_TEXT, pan_masked),
    SEEN(ROW_TEXT, entry_mode),
    SEEN(ROW_TEXT, response_code),
    SEEN(ROW_TEXT, mcc),
    SEEN(ROW_TEXT, rrn),
    SEEN(ROW_UNSIGNED, card_credit),
    SEEN(ROW_UNSIGNED, device_flags),
    SEEN(ROW_TEXT, serial),
    SEEN(ROW_TEXT, firmware),
    SEEN(ROW_SIGNED, latitude_e3),
    SEEN(ROW_SIGNED, longitude_e3),
    SEEN(ROW_UNSIGNED, cell),
    SEEN(ROW_UNSIGNED, faulty),
    SEEN(ROW_SIGNED, clock_ahead_s),
};

#define NAMED(value, name, path)                                                                   \
    {                                                                                              \
        name, value, offsetof(struct fact_row, path), sizeof(((struct fact_row *)0)->path), NULL   \
    }
#define OF_TERMINAL(value, member) NAMED(value, #member, terminal.member)
#define OF_MERCHANT(value, member) NAMED(value, #member, merchant.member)
static const struct row_column FACT_COLUMNS[] = {
    WORD(fact_from_word, struct fact_row, what),
    OF_TERMINAL(ROW_TEXT, terminal_id),
    OF_TERMINAL(ROW_TEXT, merchant_id),
    OF_TERMINAL(ROW_TEXT, brand),
    OF_TERMINAL(ROW_TEXT, model),
    OF_TERMINAL(ROW_TEXT, agent),
    OF_TERMINAL(ROW_TEXT, serial),
    OF_TERMINAL(ROW_TEXT, firmware_min),
    OF_TERMINAL(ROW_UNSIGNED, area_code),
    OF_TERMINAL(ROW_SIGNED, latitude_e3),
    OF_TERMINAL(ROW_SIGNED, longitude_e3),
    OF_TERMINAL(ROW_UNSIGNED, radius_m),
    OF_TERMINAL(ROW_FLAG, has_place),
    OF_TERMINAL(ROW_FLAG, is_spare),
    OF_TERMINAL(ROW_FLAG, is_active),
    OF_TERMINAL(ROW_FLAG, may_fallback),
    OF_TERMINAL(ROW_FLAG, may_key_in),
    OF_MERCHANT(ROW_TEXT, mcc),
    OF_MERCHANT(ROW_TEXT, owner),
    OF_MERCHANT(ROW_UNSIGNED, since_day),
    OF_MERCHANT(ROW_SIGNED, opens_minute),
    OF_MERCHANT(ROW_SIGNED, closes_minute),
    OF_MERCHANT(ROW_SIGNED, single_max_minor),
    OF_MERCHANT(ROW_SIGNED, month_minor),
    NAMED(ROW_BYTES, "owner_card", merchant.owner_cards[0]),
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

const struct row_form *observation_form(void)
{
    static const struct row_form FORM = {OBSERVATION_COLUMNS, COUNT_OF(OBSERVATION_COLUMNS),
                                         sizeof(struct observation)};
    return &FORM;
}

const struct row_form *fact_form(void)
{
    static const struct row_form FORM = {FACT_COLUMNS, COUNT_OF(FACT_COLUMNS),
                                         sizeof(struct fact_row)};
    return &FORM;
}

void fact_row_settle(struct fact_row *row)
{
    memcpy(row->merchant.merchant_id, row->terminal.merchant_id, sizeof row->merchant.merchant_id);
}
