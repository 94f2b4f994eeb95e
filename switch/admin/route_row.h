/* A routed transaction as the log keeps it, put back into a question to the rules: to those in
 * force, or to some that are being tried. The log keeps the first 6 and the last 4 digits of a card
 * and nothing of a customer's code; of that the price's basis still tells the scheme. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "routing/route_question.h"

/* In the order that route_row_read takes them. */
#define ROUTE_ROW_COLUMNS                                                                          \
    "position, wall_us, kind, payment_kind, reason, attempt, terminal_id, merchant_id, batch, "    \
    "stan, amount_minor, currency, pan_masked, entry_mode, channel, rrn, original_seq, "           \
    "ruleset_version, route_rule, fee_basis"
/* Of the rows that begin a transaction: what was asked, and where it went first. */
#define ROUTE_ROW_CONDITION "kind IN ('intent', 'advice', 'refused') AND attempt <= 1"

struct route_row {
    int64_t position, wall_us;
    char kind[16], reason[32]; /* words of the log */
    char rrn[13], channel[16];
    bool has_original; /* it followed one, and went where that went */
    uint32_t ruleset_version, route_rule;
    int64_t month_minor; /* what the merchant had taken; 0 where no price was found */
    struct route_question question;
};

/* X(NAME, sentence): whether it can be asked again. */
#define ROUTE_ROW_MAP(X)                                                                           \
    X(WHOLE, "the log holds all that rules look at, but for digits of the card")                   \
    X(CODE_GONE, "it was a payment by code, and the log does not say of which scheme")             \
    X(UNREADABLE, "the log's texts of it are of another version of this program")
enum route_row_answer {
#define X(name, text) ROUTE_ROW_##name,
    ROUTE_ROW_MAP(X)
#undef X
        ROUTE_ROW_COUNT
};
const char *route_row_text(enum route_row_answer answer);

enum route_row_answer route_row_read(struct route_row *row, sqlite3_stmt *from);
