/* A watcher in front of which a story is played: rows come at the time that stands, flags gather.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/aftersales/watch_moment.h"
#include "switch/aftersales/watcher.h"
#include "tests/unit/unit_test.h"

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)
/* Monday 2026-01-05, 00:00 in China. */
#define MONDAY_US (INT64_C(1767571200) * SECOND_US - 8 * HOUR_US)
#define SCENE_FLAG_COUNT_MAX 4096

struct scene {
    struct watcher *watcher;
    struct watch_rules rules;
    int64_t now_us;
    uint64_t position;
    uint32_t stan;
    struct flag flags[SCENE_FLAG_COUNT_MAX];
    uint32_t flag_count;
};

static inline void scene_open(struct scene *scene, uint32_t terminal_count)
{
    memset(scene, 0, sizeof(*scene));
    scene->watcher = watcher_create(&(struct watch_limits){.terminal_count_max = terminal_count,
                                                           .merchant_count_max = 16,
                                                           .card_count_max = 64,
                                                           .cohort_count_max = 200});
    assert_non_null(scene->watcher);
    watch_rules_default(&scene->rules);
    scene->rules.version = 1;
    watcher_set_rules(scene->watcher, &scene->rules);
    scene->now_us = MONDAY_US + 9 * HOUR_US;
}

static inline void scene_close(struct scene *scene)
{
    watcher_destroy(scene->watcher);
}

static inline struct terminal_facts facts_of(uint32_t number)
{
    struct terminal_facts facts = {.merchant_id = "898310148160568",
                                   .brand = "PAX",
                                   .model = "A920",
                                   .agent = "EAST",
                                   .area_code = 310115,
                                   .is_active = true};
    snprintf(facts.terminal_id, sizeof(facts.terminal_id), "%08u", (unsigned)number % 100000000);
    return facts;
}

static inline void scene_learn(struct scene *scene, const struct terminal_facts *facts)
{
    assert_true(watcher_learn_terminal(scene->watcher, facts));
}

static inline void scene_step(struct scene *scene, const struct observation *seen)
{
    struct watch_output output;
    do {
        watcher_step(scene->watcher, seen, &output);
        for (uint32_t i = 0; i < output.count; i++) {
            assert_true(scene->flag_count < SCENE_FLAG_COUNT_MAX);
            scene->flags[scene->flag_count++] = output.flags[i];
        }
    } while (output.has_more);
}

/* Moves the clock and tells the time at each full hour on the way. */
static inline void scene_wait(struct scene *scene, int64_t for_us)
{
    int64_t until_us = scene->now_us + for_us;
    int64_t hour_us = (scene->now_us / HOUR_US + 1) * HOUR_US;
    for (; hour_us <= until_us; hour_us += HOUR_US) {
        scene_step(scene, &(struct observation){.kind = OBSERVATION_TIME, .wall_us = hour_us});
    }
    scene->now_us = until_us;
}

static inline struct observation row_of(uint32_t terminal, enum observation_kind kind,
                                        enum observation_detail detail)
{
    struct observation seen = {.kind = kind, .detail = detail, .count = 1};
    snprintf(seen.terminal_id, sizeof(seen.terminal_id), "%08u", (unsigned)terminal % 100000000);
    return seen;
}

/* The row stands in the log now. */
static inline void scene_row(struct scene *scene, struct observation seen)
{
    seen.position = ++scene->position;
    seen.wall_us = scene->now_us;
    scene_step(scene, &seen);
}

static inline void scene_see(struct scene *scene, uint32_t terminal, enum observation_kind kind,
                             enum observation_detail detail)
{
    scene_row(scene, row_of(terminal, kind, detail));
}

/* A payment on channel "BANK": asked now, ended `took_us` later. */
static inline void scene_pay(struct scene *scene, uint32_t terminal,
                             enum observation_detail outcome, int64_t took_us)
{
    struct observation seen = row_of(terminal, OBSERVATION_ASKED, OBSERVED_NONE);
    seen.payment_kind = PAYMENT_PURCHASE;
    memcpy(seen.channel, "BANK", 5);
    seen.batch = 1;
    seen.stan = ++scene->stan;
    scene_row(scene, seen);
    scene->now_us += took_us;
    seen.kind = OBSERVATION_ENDED;
    seen.detail = outcome;
    memcpy(seen.response_code, outcome == OBSERVED_APPROVED ? "00" : "05", 3);
    scene_row(scene, seen);
}

static inline uint32_t scene_count(const struct scene *scene, enum signal_code signal)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < scene->flag_count; i++) {
        count += scene->flags[i].signal == signal ? 1 : 0;
    }
    return count;
}

/* The last flag of this signal; there is one. */
static inline const struct flag *scene_flag(const struct scene *scene, enum signal_code signal)
{
    const struct flag *found = NULL;
    for (uint32_t i = 0; i < scene->flag_count; i++) {
        found = scene->flags[i].signal == signal ? &scene->flags[i] : found;
    }
    assert_non_null(found);
    return found;
}
