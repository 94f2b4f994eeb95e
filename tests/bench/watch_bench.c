/* What watching costs: an observation through the watcher with 10^6 terminals and 10^5 merchants,
 * beside a hash table that counts the same observations by terminal and outcome; and the bytes that
 * a terminal takes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/aftersales/watcher.h"
#include "tests/bench/bench.h"

#include <uthash.h>

#define TERMINAL_COUNT 1000000U
#define MERCHANT_COUNT 100000U
#define CARD_COUNT 262144U
#define BEGIN_US INT64_C(1767427200000000) /* 2026-01-03 16:00 in Beijing */
#define PURCHASE_US 250                    /* 4,000 purchases a second */
#define OBSERVATIONS_A_ROUND 1000000U

/* Purchases of all terminals in turn by chance: each is asked, then ends; each second TIME. */
struct purchases {
    uint64_t random, position;
    int64_t wall_us, told_us;
    struct observation asked;
    bool is_asked;
};

struct tally {
    char terminal_id[9];
    uint32_t counts[OBSERVED_COUNT];
    UT_hash_handle hh;
};

struct stage {
    struct watcher *watcher;
    struct purchases purchases, counted;
    struct tally *tallies, *tally_by_id;
    uint64_t flag_count;
};

static uint64_t random_next(struct purchases *purchases)
{
    purchases->random ^= purchases->random << 13;
    purchases->random ^= purchases->random >> 7;
    return purchases->random ^= purchases->random << 17;
}

static void purchases_begin(struct purchases *purchases)
{
    *purchases =
        (struct purchases){.random = 88172645463325252U, .wall_us = BEGIN_US, .told_us = BEGIN_US};
}

static void name_terminal(char terminal_id[9], uint32_t number)
{
    (void)snprintf(terminal_id, 9, "%08u", 10000000 + number);
}

static void name_merchant(char merchant_id[16], uint32_t number)
{
    (void)snprintf(merchant_id, 16, "%015u", 100000000 + number);
}

static void ask(struct purchases *purchases)
{
    static const char *const MODES[] = {"051", "072", "072", "071"};
    const uint32_t terminal = (uint32_t)(random_next(purchases) % TERMINAL_COUNT);
    const uint32_t card = (uint32_t)(random_next(purchases) % CARD_COUNT);
    struct observation *asked = &purchases->asked;
    *asked = (struct observation){.kind = OBSERVATION_ASKED,
                                  .count = 1,
                                  .payment_kind = PAYMENT_PURCHASE,
                                  .channel = "bank_a",
                                  .batch = 1,
                                  .stan = (uint32_t)(purchases->position / 2 % 999999 + 1),
                                  .currency = 156,
                                  .mcc = "5411",
                                  .card_credit = (uint8_t)(1 + card % 2)};
    name_terminal(asked->terminal_id, terminal);
    name_merchant(asked->merchant_id, terminal % MERCHANT_COUNT);
    memcpy(asked->pan_hash.bytes, &card, sizeof(card));
    asked->amount_minor = 100 + (int64_t)(random_next(purchases) % 20000);
    memcpy(asked->entry_mode, MODES[random_next(purchases) % 4], sizeof(asked->entry_mode));
    (void)snprintf(asked->pan_masked, sizeof(asked->pan_masked), "622500******%04u", card % 10000);
}

static void purchases_next(struct purchases *purchases, struct observation *observation)
{
    if (purchases->wall_us - purchases->told_us >= 1000000) {
        purchases->told_us += 1000000;
        *observation =
            (struct observation){.kind = OBSERVATION_TIME, .wall_us = purchases->told_us};
        return;
    }
    if (!purchases->is_asked) {
        ask(purchases);
    } else {
        const bool is_declined = random_next(purchases) % 50 == 0;
        purchases->wall_us += PURCHASE_US;
        purchases->asked.kind = OBSERVATION_ENDED;
        purchases->asked.detail = is_declined ? OBSERVED_DECLINED : OBSERVED_APPROVED;
        memcpy(purchases->asked.response_code, is_declined ? "51" : "00", 3);
    }
    purchases->is_asked = !purchases->is_asked;
    purchases->asked.position = ++purchases->position;
    purchases->asked.wall_us = purchases->wall_us;
    *observation = purchases->asked;
}

static uint64_t run_watcher(void *argument, uint32_t count)
{
    struct stage *stage = argument;
    static struct watch_output output;
    for (uint32_t i = 0; i < count; i++) {
        struct observation observation;
        purchases_next(&stage->purchases, &observation);
        do {
            watcher_step(stage->watcher, &observation, &output);
            stage->flag_count += output.count;
        } while (output.has_more);
    }
    return stage->flag_count + watcher_position(stage->watcher);
}

static uint64_t run_tally(void *argument, uint32_t count)
{
    struct stage *stage = argument;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct observation observation;
        struct tally *tally;
        purchases_next(&stage->counted, &observation);
        HASH_FIND_STR(stage->tally_by_id, observation.terminal_id, tally);
        if (tally != NULL) {
            sum += ++tally->counts[observation.detail];
        }
    }
    return sum;
}

static void must(bool is_so, const char *what)
{
    if (!is_so) {
        (void)fprintf(stderr, "%s\n", what);
        exit(2);
    }
}

static void learn_merchants(struct watcher *watcher)
{
    for (uint32_t i = 0; i < MERCHANT_COUNT; i++) {
        struct merchant_facts facts = {.mcc = "5411", .since_day = 19000};
        name_merchant(facts.merchant_id, i);
        must(watcher_learn_merchant(watcher, &facts), "no room for a merchant");
    }
}

/* Each signs on once, so that all of its memory is in use. */
static void learn_terminals(struct watcher *watcher)
{
    static struct watch_output output;
    struct observation signon = {.kind = OBSERVATION_SIGNED_ON,
                                 .count = 1,
                                 .wall_us = BEGIN_US,
                                 .serial = "00001234567890123456",
                                 .firmware = "0103"};
    for (uint32_t i = 0; i < TERMINAL_COUNT; i++) {
        struct terminal_facts facts = {.brand = "PAX", .area_code = 310115, .is_active = true};
        name_terminal(facts.terminal_id, i);
        name_merchant(facts.merchant_id, i % MERCHANT_COUNT);
        (void)snprintf(facts.model, sizeof(facts.model), "M%u", i % 20);
        (void)snprintf(facts.agent, sizeof(facts.agent), "A%u", i % 50);
        (void)snprintf(signon.serial, sizeof(signon.serial), "0000123456%08u", i);
        (void)snprintf(facts.serial, sizeof(facts.serial), "0000123456%08u", i);
        memcpy(signon.terminal_id, facts.terminal_id, sizeof(signon.terminal_id));
        memcpy(signon.merchant_id, facts.merchant_id, sizeof(signon.merchant_id));
        signon.position = i + 1;
        must(watcher_learn_terminal(watcher, &facts), "no room for a terminal");
        watcher_step(watcher, &signon, &output);
        must(output.count == 0, "a healthy sign-on was flagged");
    }
}

static void fill_tallies(struct stage *stage)
{
    for (uint32_t i = 0; i < TERMINAL_COUNT; i++) {
        struct tally *tally = &stage->tallies[i];
        name_terminal(tally->terminal_id, i);
        HASH_ADD_STR(stage->tally_by_id, terminal_id, tally);
    }
}

/* All that it remembers, as it is written down. */
static double remembered_bytes(const struct watcher *watcher)
{
    double bytes = 0;
    for (uint32_t part = 0; part < watcher_image_count(watcher); part++) {
        bytes += watcher_image(watcher, part).length;
    }
    return bytes;
}

/* Anonymous memory in use by this process. */
static double resident_bytes(void)
{
    char line[128];
    unsigned long kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    must(file != NULL, "/proc/self/status cannot be read");
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "RssAnon:", 8) == 0) {
            kib = strtoul(line + 8, NULL, 10);
        }
    }
    (void)fclose(file);
    return (double)kib * 1024;
}

int main(void)
{
    static struct stage stage;
    static struct watch_rules rules;
    const struct watch_limits limits = {.terminal_count_max = TERMINAL_COUNT,
                                        .merchant_count_max = MERCHANT_COUNT,
                                        .card_count_max = CARD_COUNT,
                                        .cohort_count_max = 4096};
    stage.watcher = watcher_create(&limits);
    must(stage.watcher != NULL, "no memory for the watcher");
    watch_rules_default(&rules);
    watcher_set_rules(stage.watcher, &rules);
    learn_merchants(stage.watcher);
    double before = resident_bytes(), remembered_before = remembered_bytes(stage.watcher);
    learn_terminals(stage.watcher);
    double watched = resident_bytes(), remembered = remembered_bytes(stage.watcher);
    stage.tallies = calloc(TERMINAL_COUNT, sizeof(stage.tallies[0]));
    must(stage.tallies != NULL, "no memory for the counts");
    fill_tallies(&stage);
    double counted = resident_bytes();
    purchases_begin(&stage.purchases);
    purchases_begin(&stage.counted);
    stage.purchases.position = TERMINAL_COUNT;
    bench_run(&(struct bench_pair){.name = "watch.observation",
                                   .unit = "ns",
                                   .reference = "a hash table that counts outcomes by terminal",
                                   .measured = run_watcher,
                                   .reference_function = run_tally,
                                   .argument = &stage,
                                   .count = OBSERVATIONS_A_ROUND});
    bench_print(&(struct bench_figure){.name = "watch.terminal_state",
                                       .unit = "bytes",
                                       .reference = "the hash table, an entry",
                                       .value = (remembered - remembered_before) / TERMINAL_COUNT,
                                       .reference_value = (counted - watched) / TERMINAL_COUNT,
                                       .aim = 1024});
    /* with what is registered, and what finds it */
    bench_print(&(struct bench_figure){.name = "watch.terminal_resident",
                                       .unit = "bytes",
                                       .reference = "the hash table, an entry",
                                       .value = (watched - before) / TERMINAL_COUNT,
                                       .reference_value = (counted - watched) / TERMINAL_COUNT});
    HASH_CLEAR(hh, stage.tally_by_id);
    free(stage.tallies);
    watcher_destroy(stage.watcher);
    return 0;
}
