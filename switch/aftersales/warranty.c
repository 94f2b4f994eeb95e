/* See warranty.h. */
#include "switch/aftersales/warranty.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "routing/civil_date.h"

const char *warranty_verdict_text(enum warranty_verdict verdict, bool is_chinese)
{
    static const char *const TEXTS[WARRANTY_VERDICT_COUNT][2] = {
#define X(name, zh, en) [WARRANTY_VERDICT_##name] = {en, zh},
        WARRANTY_VERDICT_MAP(X)
#undef X
    };
    REQUIRE((unsigned)verdict < WARRANTY_VERDICT_COUNT);
    return TEXTS[verdict][is_chinese];
}

int32_t warranty_ends_day(int32_t from_day, uint16_t months)
{
    struct civil_date date = civil_date_of(from_day);
    uint32_t month = date.month - 1 + months;
    struct civil_date until = {date.year + (int32_t)(month / 12), month % 12 + 1, date.day};
    uint32_t month_days = civil_month_days(until.year, until.month);
    if (until.day > month_days) {
        until.day = month_days; /* the 31st of a short month: its last day is still in */
        return (int32_t)civil_date_days(until);
    }
    return (int32_t)civil_date_days(until) - 1;
}

/* How special terms are for the question; 0: they are others'. */
static uint32_t fitness(const struct warranty_question *question, const struct warranty *terms)
{
    const struct terminal_registration *terminal = question->terminal;
    if (strcmp(terms->brand, terminal->brand) != 0 ||
        (terms->model[0] != '\0' && strcmp(terms->model, terminal->model) != 0) ||
        (terms->part != PART_WHOLE && terms->part != question->part) ||
        (terms->source != OBTAINED_UNKNOWN && terms->source != terminal->obtained)) {
        return 0;
    }
    return 1 + (terms->model[0] != '\0' ? 8u : 0) + (terms->part != PART_WHOLE ? 4u : 0) +
           (terms->source != OBTAINED_UNKNOWN ? 2u : 0);
}

static const struct warranty *find_terms(const struct warranty_question *question)
{
    const struct warranty *best = NULL;
    uint32_t best_fitness = 0;
    for (uint32_t i = 0; i < question->term_count; i++) {
        uint32_t fits = fitness(question, &question->terms[i]);
        if (fits > best_fitness) {
            best = &question->terms[i];
            best_fitness = fits;
        }
    }
    return best;
}

static int32_t counts_from(const struct warranty *terms,
                           const struct terminal_registration *terminal)
{
    return terms->from == WARRANTY_FROM_SHIPPED ? terminal->shipped_day
           : terms->from == WARRANTY_FROM_SOLD  ? terminal->sold_day
                                                : terminal->installed_day;
}

static enum warranty_verdict judge(const struct warranty_question *question,
                                   struct warranty_answer *answer)
{
    const struct warranty *terms = answer->terms;
    const struct terminal_registration *terminal = question->terminal;
    if (question->part == PART_CONSUMABLE && (terms == NULL || terms->part != PART_CONSUMABLE)) {
        return WARRANTY_VERDICT_CONSUMABLE;
    }
    bool is_excluded = terms != NULL && (terms->exclusions >> question->damage & 1) != 0;
    if (is_excluded) {
        return WARRANTY_VERDICT_EXCLUDED;
    }
    bool is_abused = question->damage == DAMAGE_ABUSE || question->damage == DAMAGE_OPENED;
    if (terminal->is_rented && !is_abused) {
        return WARRANTY_VERDICT_RENTED;
    }
    if (terms == NULL) {
        return WARRANTY_VERDICT_UNKNOWN;
    }
    int32_t from = counts_from(terms, terminal);
    if (from == 0) {
        return WARRANTY_VERDICT_UNDATED;
    }
    answer->ends_day = warranty_ends_day(from, terms->months);
    return question->today <= answer->ends_day ? WARRANTY_VERDICT_IN : WARRANTY_VERDICT_EXPIRED;
}

/* Tampering always means another device; so do repairs that failed again and again in warranty. */
static void choose_way(const struct warranty_question *question, struct warranty_answer *answer)
{
    const struct warranty *terms = answer->terms;
    uint8_t repairs = question->terminal->repair_count;
    if (question->damage == DAMAGE_TAMPER) {
        answer->way = REPAIR_WAY_SWAP;
        snprintf(answer->why, sizeof(answer->why), "tampering: always replaced, never opened");
    } else if (answer->is_free && terms != NULL && terms->swap_after_repairs != 0 &&
               repairs >= terms->swap_after_repairs) {
        answer->way = REPAIR_WAY_SWAP;
        snprintf(answer->why, sizeof(answer->why), "repaired %u times; the terms replace after %u",
                 repairs, terms->swap_after_repairs);
    } else if (answer->verdict == WARRANTY_VERDICT_RENTED) {
        answer->way = REPAIR_WAY_SWAP;
        snprintf(answer->why, sizeof(answer->why), "rented: replaced while it is rented");
    } else {
        snprintf(answer->why, sizeof(answer->why), "repaired %u times before; repair is tried",
                 repairs);
    }
}

static void price(const struct warranty_question *question, struct warranty_answer *answer)
{
    const struct warranty *terms = answer->terms;
    if (terms == NULL) {
        answer->is_price_known = answer->is_free;
        answer->needs_acceptance = !answer->is_free;
        return;
    }
    answer->way_there = terms->way_there;
    answer->way_back = terms->way_back;
    /* Keys are loaded anew after every repair of the device itself and for every new one. */
    int64_t keys = question->part == PART_CONSUMABLE ? 0 : terms->key_loading_minor;
    if (answer->is_free) {
        answer->cost_minor = terms->is_key_loading_charged ? keys : 0;
        answer->is_price_known = true;
    } else {
        answer->cost_minor = terms->labour_minor + terms->part_minor + keys +
                             (question->is_on_site ? terms->visit_minor : 0);
        answer->is_price_known = terms->labour_minor != 0 || terms->part_minor != 0;
    }
    answer->needs_acceptance = answer->cost_minor > 0 || !answer->is_price_known;
}

void warranty_decide(const struct warranty_question *question, struct warranty_answer *answer)
{
    REQUIRE((unsigned)question->part < PART_COUNT);
    REQUIRE((unsigned)question->damage < DAMAGE_COUNT);
    memset(answer, 0, sizeof(*answer));
    answer->terms = find_terms(question);
    answer->verdict = judge(question, answer);
    answer->is_free =
        answer->verdict == WARRANTY_VERDICT_IN || answer->verdict == WARRANTY_VERDICT_RENTED;
    answer->is_stale = answer->terms != NULL &&
                       (answer->terms->verified_day == 0 ||
                        question->today - answer->terms->verified_day > REGISTRY_STALE_DAYS);
    choose_way(question, answer);
    price(question, answer);
}
