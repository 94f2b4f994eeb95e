/* The stage of tests of the after-sales thread and of its work: a log that is written and watched,
 * and a sink that remembers. */
#pragma once

#include <sys/stat.h>

#include "switch/followup/watch_duty.h"
#include "switch/followup/watch_image.h"
#include "tests/unit/switch/followup/followup_scene.h"
#include "tests/unit/switch/store/log_story.h"

#define FLAG_COUNT_MAX 512
#define RING_COUNT 4096
#define UNTIL_NS UINT64_MAX
#define FOREVER_MS 3600000

/* A sink that knows what it was told, as the database does. */
struct memory {
    struct flag flags[FLAG_COUNT_MAX];
    uint32_t count, repeated;
    uint64_t seen_position; /* of the last observation */
    uint32_t seen_count, time_count, flush_count;
    int64_t time_us; /* as it was told last */
    int64_t registry_version;
    uint32_t facts_count;
    uint16_t hold_work_days; /* of the case rules it was given */
    uint32_t failures_left;  /* calls that fail, */
    uint32_t flush_failures_left;
    uint32_t failed;
};

static inline enum status answer(struct memory *memory)
{
    if (memory->failures_left > 0) {
        memory->failures_left--;
        memory->failed++;
        return STATUS_BROKEN;
    }
    return STATUS_OK;
}

static inline void on_use(void *argument, const struct case_rules *rules)
{
    struct memory *memory = argument;
    memory->hold_work_days = rules->hold_work_days;
}

static inline enum status on_open(void *argument)
{
    return answer(argument);
}

static inline bool is_same_flag(const struct flag *one, const struct flag *other)
{
    return one->signal == other->signal && one->position == other->position &&
           one->window_end_us == other->window_end_us &&
           strcmp(one->subject_id, other->subject_id) == 0;
}

static inline enum status on_take(void *argument, const struct flag *flag)
{
    struct memory *memory = argument;
    enum status status = answer(memory);
    for (uint32_t i = 0; i < memory->count && status == STATUS_OK; i++) {
        if (is_same_flag(&memory->flags[i], flag)) {
            memory->repeated++;
            return STATUS_OK;
        }
    }
    if (status == STATUS_OK) {
        assert_true(memory->count < FLAG_COUNT_MAX);
        memory->flags[memory->count++] = *flag;
    }
    return status;
}

static inline enum status on_observe(void *argument, const struct observation *seen)
{
    struct memory *memory = argument;
    enum status status = answer(memory);
    if (status == STATUS_OK) {
        memory->seen_count++;
        memory->seen_position = seen->position;
    }
    return status;
}

static inline enum status on_time(void *argument, int64_t wall_us, uint64_t now_ns)
{
    struct memory *memory = argument;
    (void)now_ns;
    memory->time_us = wall_us;
    memory->time_count++;
    return answer(memory);
}

static inline enum status on_version(void *argument, int64_t *number)
{
    struct memory *memory = argument;
    *number = memory->registry_version;
    return answer(memory);
}

static inline enum status on_facts(void *argument, struct fact_book *book)
{
    struct memory *memory = argument;
    assert_non_null(fact_book_terminal(book, "00000001"));
    memory->facts_count++;
    return answer(memory);
}

static inline enum status on_flush(void *argument)
{
    struct memory *memory = argument;
    memory->flush_count++;
    if (memory->flush_failures_left > 0) {
        memory->flush_failures_left--;
        return STATUS_BROKEN;
    }
    return answer(memory);
}

static inline const char *on_reason(void *argument)
{
    (void)argument;
    return "the disk is full, says the test";
}

/* A log that is written and watched. */
struct stage {
    struct story *story;
    struct observation_ring *ring;
    struct memory *memory;
    struct watch_sink sink;
    struct watch_duty *duty;
    char folder[64]; /* of the image */
    uint32_t seq;
};

static inline void on_committed(void *argument, const struct record *records, uint32_t count)
{
    struct stage *stage = argument;
    if (stage->ring != NULL) {
        observation_ring_put(stage->ring, records, count);
    }
}

static inline struct watch_sink sink_of(struct memory *memory)
{
    return (struct watch_sink){.use = on_use,
                               .open = on_open,
                               .take = on_take,
                               .observe = on_observe,
                               .time = on_time,
                               .registry_version = on_version,
                               .register_facts = on_facts,
                               .flush = on_flush,
                               .reason = on_reason,
                               .argument = memory};
}

static inline struct fact_book *tables_make(void)
{
    struct ruleset *ruleset = scene_ruleset(9);
    struct fact_book *book = fact_book_create(ruleset);
    assert_non_null(book);
    ruleset_destroy(ruleset);
    return book;
}

static inline struct watch_words words_of(const struct watch_rules *rules)
{
    static struct case_rules case_rules;
    case_rules_default(&case_rules);
    case_rules.hold_work_days = 9;
    return (struct watch_words){rules, &case_rules, tables_make()};
}

static inline struct watch_duty_setup duty_setup(struct stage *stage)
{
    return (struct watch_duty_setup){.folder = stage->folder,
                                     .log_folder = stage->story->folder,
                                     .ring = stage->ring,
                                     .sink = &stage->sink,
                                     .limits = {16, 16, 64, 128},
                                     .image_every_ms = FOREVER_MS};
}

static inline void duty_begin(struct stage *stage)
{
    struct watch_duty_setup setup = duty_setup(stage);
    struct watch_rules rules;
    stage->duty = watch_duty_create(&setup);
    assert_non_null(stage->duty);
    watch_rules_default(&rules);
    rules.version = 5;
    rules.items[SIGNAL_MAC_FAILURES].quiet_s = 600;
    struct watch_words words = words_of(&rules);
    watch_duty_use(stage->duty, &words);
    assert_int_equal(stage->memory->hold_work_days, 9);
}

/* The log's writer runs from here, as does what it hands over. */
static inline void stage_begin(struct stage *stage, uint32_t ring_count)
{
    struct story *story = stage->story;
    story->setup.on_committed = on_committed;
    story->setup.committed_argument = stage;
    story_begin(story, story_ignore, NULL);
    stage->ring = observation_ring_create(ring_count, story->durable);
    assert_non_null(stage->ring);
    stage->sink = sink_of(stage->memory);
    duty_begin(stage);
}

static inline int stage_set(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    stage->memory = calloc(1, sizeof(*stage->memory));
    snprintf(stage->folder, sizeof(stage->folder), "/tmp/tillway-duty-XXXXXX");
    if (mkdtemp(stage->folder) == NULL) {
        return -1;
    }
    *state = stage;
    return story_set((void **)&stage->story);
}

static inline int stage_strike(void **state)
{
    struct stage *stage = *state;
    story_strike((void **)&stage->story);
    log_folder_strike(stage->folder);
    free(stage->memory);
    free(stage);
    return 0;
}

/* As a kill would leave it, or in order. */
static inline void stage_end(struct stage *stage, bool is_killed)
{
    story_end(stage->story);
    if (!is_killed) {
        watch_duty_end(stage->duty, UNTIL_NS);
    }
    watch_duty_destroy(stage->duty);
    stage->duty = NULL;
    observation_ring_destroy(stage->ring);
    stage->ring = NULL;
}

/* The writer says that rows are durable before it hands them on. */
static inline void ring_wait(const struct stage *stage)
{
    struct ring_counts ring;
    observation_ring_count(stage->ring, &ring);
    for (int tries = 0; ring.position < stage->story->position; tries++) {
        assert_true(tries < 10000);
        story_pause(1000);
        observation_ring_count(stage->ring, &ring);
    }
}

/* Minutes of a shop: payments, and terminals 1 to 3 that now and then send wrong MACs. */
static inline void minutes_pass(struct stage *stage, uint32_t count)
{
    struct story *story = stage->story;
    for (uint32_t i = 0; i < count; i++) {
        story->wall_us += 60000000;
        uint32_t seq = ++stage->seq;
        story->wall_us += seq % 100 == 99 ? INT64_C(20) * 3600000000 : 0; /* a night */
        story_purchase(story, seq);
        if (seq % 4 == 0) {
            struct record odd = story_record(story, RECORD_ANOMALY, seq, 1 + seq / 40 % 3);
            odd.reason = TXN_REASON_MAC_FAILED;
            odd.txn = (struct txn_reference){1, 0};
            story_put(story, odd);
        }
    }
    story_wait_durable(story);
    if (stage->ring != NULL) {
        ring_wait(stage);
        observation_ring_mark(stage->ring, story->wall_us, story->position);
    }
}

static inline struct watch_counts counts_of(const struct stage *stage)
{
    struct watch_counts counts;
    watch_duty_count(stage->duty, &counts);
    return counts;
}
