/* The rules that simulated worlds are ruled by: three terminals of two merchants, two banks that
 * take every kind, cards of ours and foreign ones. Versions come in pairs: the reloads of a seed go
 * to and fro within one. Both of a pair differ in fees and in routes, and have the same breakers.
 *
 *   1, 2  in order, without breakers
 *   3, 4  in order, with breakers; the other bank first
 *   5, 6  by weight, with breakers; other weights
 *   7, 8  the cheapest, then the healthiest, with breakers
 *   9, 10 in order, with limits; the even one is tighter and has foreign cards on a black list
 */
#pragma once

#include "routing/ruleset.h"

#define SIM_RULES_COUNT 10
#define SIM_RULES_PAIR_COUNT (SIM_RULES_COUNT / 2)
#define SIM_BANK_COUNT 2
#define SIM_FOREIGN_GROUP "foreign" /* BIN group of foreign cards; the others are of none */

/* The hash by which the log knows the one foreign card: terminal_model.c fills it in. */
#define SIM_FOREIGN_HASH "4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f"

/* What breakers may find wrong, in the words of a routes file. */
enum sim_ill { ILL_CONNECT, ILL_TIMEOUT, ILL_CODE, ILL_LATENCY, ILL_COUNT };

struct rules_breaker {
    uint64_t window_ms, latency_ms, open_ms, open_max_ms;
    uint32_t request_min, probe_count;
    uint32_t percent[ILL_COUNT];
};

enum rules_strategy { RULES_ORDERED, RULES_WEIGHTED, RULES_CHEAPEST, RULES_HEALTHIEST };

/* In fen, or payments. */
struct rules_limits {
    int64_t one_max, terminal_day_max, merchant_day_count, card_day_max;
    bool lists_foreign;
};

struct rules_routing {
    enum rules_strategy strategy;
    bool has_breakers;
    uint32_t first[2]; /* bank that is listed first, for merchant 1 and 2 */
    uint32_t weights[SIM_BANK_COUNT];
};

/* Version 1 to SIM_RULES_COUNT. Exits with a sentence when it cannot be made. The caller destroys
 * it. */
struct ruleset *rules_create(uint32_t version, uint32_t terminal_count);
const struct rules_routing *rules_routing(uint32_t version);
/* NULL: that version has none. */
const struct rules_limits *rules_limits(uint32_t version);
const struct rules_breaker *rules_breaker(uint32_t bank);
/* "91" and "96": the bank says that it cannot be asked. */
bool rules_is_ill_code(const char *response_code);
/* What issuer and scheme take of a debit at that bank, in fen. */
int64_t rules_cost(uint32_t version, uint32_t bank, bool is_foreign, int64_t amount);
/* What the merchant pays for a debit of that amount by that version, in fen. */
int64_t rules_merchant_fee(uint32_t version, int64_t amount);
/* What the two agents of that merchant get of a sale together, where `margin` is left before them;
 * by another way than the product's: a chain gets what its best level is entitled to. */
int64_t rules_agent_fee(const char *merchant_id, int64_t amount, int64_t merchant_fee,
                        int64_t margin);
