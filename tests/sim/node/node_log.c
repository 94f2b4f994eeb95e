/* See node.h. The store as the world's log: a process that is begun, fed, killed and begun again.
 */
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/store/log_walk.h"
#include "switch/store/store.h"
#include "tests/sim/node/fiber.h"
#include "tests/sim/node/node.h"
#include "tests/sim/node/sim_disk.h"

#define FOLDER "log"
#define RECOVERY_COUNT_MAX 4
#define QUEUE_COUNT 1024
#define WAKE_COUNT_MAX 10000 /* of the loop, for one thing that is waited for */

/* How a seed treats its log. */
struct node_manner {
    struct store_setup setup;
    uint32_t cut_permille;      /* of syncs: the power may fail soon */
    uint32_t cut_within;        /* changes of the disk */
    enum disk_count counted;    /* of those: many write bytes, few are of names, fewer end a seal */
    uint32_t full_permille;     /* of syncs: the disk is about to be full */
    uint32_t recovery_permille; /* of recoveries: the power fails in it */
    uint32_t turns_max;         /* of the background after each sync */
};

static struct {
    struct sim_random random;
    struct node_manner manner;
    struct store *store; /* NULL: no process */
    struct world *world;
    uv_async_t *wake;
    bool is_woken;
    uint64_t told;   /* the last position that on_durable was called with */
    uint64_t wanted; /* the position that a sync waits for */
    uint32_t replayed_count;
    uint64_t replayed[SIM_RECORD_COUNT_MAX];
    struct node_usage usage; /* what came with them */
    struct log_hasher hasher;
    struct log_hash chain[SIM_RECORD_COUNT_MAX + 1]; /* as it must be, by position */
    uint64_t marks[NODE_MARK_COUNT];
    char reason[STORE_REASON_SIZE];
    /* the answer to a search */
    bool is_answered, is_failed;
    uint32_t found_count;
} node;

const char *node_mark_name(enum node_mark mark)
{
    static const char *const NAMES[] = {
#define X(name, text) #name,
        NODE_MARK_MAP(X)
#undef X
    };
    return NAMES[mark];
}

const char *node_mark_text(enum node_mark mark)
{
    static const char *const TEXTS[] = {
#define X(name, text) text,
        NODE_MARK_MAP(X)
#undef X
    };
    return TEXTS[mark];
}

const uint64_t *node_marks(void)
{
    return node.marks;
}

void node_mark(enum node_mark mark)
{
    node.marks[mark]++;
}

static uint32_t between(uint32_t min, uint32_t max)
{
    return (uint32_t)sim_random_between(&node.random, min, max);
}

static bool draw(uint32_t permille)
{
    return sim_random_permille(&node.random, permille);
}

static void draw_cut_within(struct node_manner *manner)
{
    uint32_t lot = between(0, 9);
    if (lot < 5) {
        manner->counted = DISK_COUNT_ALL;
        manner->cut_within = draw(500) ? 12 : 200;
    } else if (lot < 8) {
        manner->counted = DISK_COUNT_FOLDER;
        manner->cut_within = 8;
    } else {
        manner->counted = DISK_COUNT_READONLY;
        manner->cut_within = 2;
    }
}

static void draw_manner(void)
{
    static const uint32_t CUTS[] = {0, 5, 20, 60};
    struct node_manner *manner = &node.manner;
    manner->setup = (struct store_setup){
        .folder = FOLDER,
        .vfs = NULL, /* the simulated one is SQLite's default here */
        .burst_count_max = draw(300) ? between(1, 3) : between(4, 64),
        .queue_count_max = QUEUE_COUNT,
        /* Fewer, and what is in flight would outlive more changes of segments than a search looks
         * back over (log_gather.c). */
        .segment_row_count_max = draw(300) ? between(10, 16) : between(17, 80),
        .reserve_bytes = 0,
        .carry_window_us = INT64_C(6) * 3600 * 1000000,
    };
    manner->cut_permille = CUTS[between(0, 3)];
    draw_cut_within(manner);
    manner->full_permille = draw(200) ? 10 : 0;
    manner->recovery_permille = draw(500) ? 600 : 0;
    manner->turns_max = draw(300) ? 4 : 400;
}

void node_begin(uint64_t seed)
{
    node.random = (struct sim_random){.state = seed ^ UINT64_C(0x6E6F6465)};
    sim_disk_register_vfs();
    sim_disk_begin(sim_random_next(&node.random));
    REQUIRE(log_hasher_open(&node.hasher) == STATUS_OK);
    draw_manner();
}

/* --- the loop of the process -------------------------------------------------------------- */

int __wrap_uv_async_init(uv_loop_t *loop, uv_async_t *async, uv_async_cb on_wake);
int __wrap_uv_async_send(uv_async_t *async);
void __wrap_uv_close(uv_handle_t *handle, uv_close_cb on_close);

int __wrap_uv_async_init(uv_loop_t *loop, uv_async_t *async, uv_async_cb on_wake)
{
    (void)loop;
    async->async_cb = on_wake;
    node.wake = async;
    node.is_woken = false;
    return 0;
}

int __wrap_uv_async_send(uv_async_t *async)
{
    node.is_woken = node.is_woken || async == node.wake;
    return 0;
}

void __wrap_uv_close(uv_handle_t *handle, uv_close_cb on_close)
{
    node.wake = NULL;
    on_close(handle);
}

static bool is_woken(void *argument)
{
    (void)argument;
    return node.is_woken;
}

static void take_wake(void *argument)
{
    (void)argument;
    node.wake->async_cb(node.wake);
}

/* Lets the process go on until it has woken its loop, and the loop has looked. */
static enum fiber_end run_until_woken(void)
{
    enum fiber_end end = fiber_run_until(is_woken, NULL);
    if (end == FIBER_DONE) {
        node.is_woken = false;
        end = fiber_run(take_wake, NULL);
    }
    return end;
}

static void on_durable(void *argument, uint64_t position)
{
    (void)argument;
    node.told = position;
}

/* False: the process died. Hanging breaks the run. */
static bool goes_on(enum fiber_end end, const char *what)
{
    if (end == FIBER_HUNG) {
        world_fail(node.world, SIM_DRAIN, "the store hangs: %s", what);
    }
    return end == FIBER_DONE;
}

/* Lets the process go on until that is there. False: it died, or wakes its loop for nothing. */
static bool wait_for(bool (*is_there)(void), const char *what)
{
    for (uint32_t wakes = 0; wakes < WAKE_COUNT_MAX; wakes++) {
        if (is_there()) {
            return true;
        }
        if (!goes_on(run_until_woken(), what)) {
            return false;
        }
    }
    return goes_on(FIBER_HUNG, what);
}

static bool has_failed(void)
{
    return node.world->failure.invariant != SIM_NONE;
}

/* --- writing ------------------------------------------------------------------------------ */

static void call_append(void *argument)
{
    store_append(node.store, argument);
}

static void call_flush(void *argument)
{
    (void)argument;
    store_flush(node.store);
}

static void chain_add(const struct record *record)
{
    struct log_hash *chain = &node.chain[record->position];
    *chain = node.chain[record->position - 1];
    REQUIRE(log_hash_record(&node.hasher, chain, record) == STATUS_OK);
}

static void on_append(struct world *world, const struct record *record)
{
    struct record copy = *record;
    fiber_set_clock(world->now_ns, world->wall_us);
    chain_add(record);
    /* Nothing of it touches the disk: it cannot die here, but for a thread that goes on meanwhile;
     * then the next sync finds it dead. */
    fiber_run(call_append, &copy);
}

static void plan_disk(bool is_failing)
{
    struct disk_plan plan = {0};
    if (draw(node.manner.cut_permille)) {
        plan.counted = node.manner.counted;
        plan.die_after = between(1, node.manner.cut_within);
    }
    if (is_failing) {
        plan.fail_sync_after = between(1, 2);
    }
    if (draw(node.manner.full_permille)) {
        plan.room_bytes = sim_disk_used_bytes() + between(0, 60000);
    }
    if (plan.die_after != 0 || plan.fail_sync_after != 0 || plan.room_bytes != 0) {
        sim_disk_plan(&plan);
    }
}

static bool is_committed(void)
{
    return node.told >= node.wanted;
}

static bool on_sync(struct world *world, bool is_failing)
{
    node.wanted = world->syncing_count;
    fiber_set_clock(world->now_ns, world->wall_us);
    if (!world->is_healing) {
        plan_disk(is_failing);
    }
    bool lives = goes_on(fiber_run(call_flush, NULL), "store_flush");
    lives = lives && wait_for(is_committed, "a commit");
    lives = lives && fiber_run_turns(between(0, node.manner.turns_max));
    if (lives) {
        world->durable_count = (uint32_t)node.told;
    }
    return lives;
}

/* --- restart ------------------------------------------------------------------------------ */

static void on_record(void *argument, const struct record *record)
{
    struct log_hash chain;
    (void)argument;
    if (record->position > node.world->record_count) {
        world_fail(node.world, SIM_I19, "a restart reads position %llu, which was never written",
                   (unsigned long long)record->position);
        return;
    }
    chain = node.chain[record->position - 1];
    REQUIRE(log_hash_record(&node.hasher, &chain, record) == STATUS_OK);
    if (memcmp(&chain, &node.chain[record->position], sizeof(chain)) != 0) {
        world_fail(node.world, SIM_I20,
                   "a restart reads position %llu otherwise than it was written",
                   (unsigned long long)record->position);
    }
    if (node.replayed_count > 0 && record->position <= node.replayed[node.replayed_count - 1]) {
        world_fail(node.world, SIM_I19, "a restart reads position %llu twice, or too late",
                   (unsigned long long)record->position);
    }
    node.replayed[node.replayed_count++] = record->position;
}

static void on_usage(void *argument, const struct usage_sum *sum)
{
    (void)argument;
    if (sum == NULL) {
        node.usage.before = node.replayed_count;
        node.usage.is_told = true;
        return;
    }
    REQUIRE(node.usage.count < NODE_USAGE_COUNT_MAX);
    node.usage.sums[node.usage.count++] = *sum;
}

static void call_open(void *argument)
{
    bool *is_open = argument;
    node.replayed_count = 0;
    node.usage.count = 0;
    node.usage.is_told = false;
    node.store = store_open(&node.manner.setup, node.reason);
    *is_open = node.store != NULL &&
               store_replay(node.store, &(struct store_reader){on_record, on_usage, NULL},
                            node.reason) == STATUS_OK;
}

static void call_start(void *argument)
{
    (void)argument;
    REQUIRE(store_start(node.store, NULL, on_durable, NULL) == STATUS_OK);
}

static void call_walk(void *argument)
{
    const struct log_place place = {.folder = FOLDER};
    enum status status =
        log_walk_all(&place, &(struct log_reader){NULL, NULL}, argument, node.reason);
    if (status != STATUS_OK) {
        world_fail(node.world, SIM_I20, "the log does not verify: %s", node.reason);
    }
}

/* A new process opens the log and reads what it needs. False: it died. */
static bool open_log(void)
{
    bool is_open = false;
    fiber_begin(sim_random_next(&node.random));
    fiber_set_clock(node.world->now_ns, node.world->wall_us);
    node.store = NULL;
    enum fiber_end end = fiber_run(call_open, &is_open);
    if (end == FIBER_DONE && !is_open) {
        world_fail(node.world, SIM_I19, "the log cannot be opened: %s", node.reason);
    }
    return goes_on(end, "store_open or store_replay");
}

/* All of it is one chain of what was appended, and holds what was acknowledged. */
static uint32_t verify(uint64_t acknowledged)
{
    struct log_end end = {0};
    if (!goes_on(fiber_run(call_walk, &end), "log_walk_all") || has_failed()) {
        return (uint32_t)acknowledged;
    }
    if (end.position < acknowledged) {
        world_fail(node.world, SIM_I19, "acknowledged up to %llu, on the disk up to %llu",
                   (unsigned long long)acknowledged, (unsigned long long)end.position);
    } else if (end.position > node.world->record_count) {
        world_fail(node.world, SIM_I19, "written up to %u, on the disk up to %llu",
                   node.world->record_count, (unsigned long long)end.position);
    } else if (memcmp(&end.hash, &node.chain[end.position], sizeof(end.hash)) != 0) {
        world_fail(node.world, SIM_I20,
                   "up to position %llu the disk holds other rows than written",
                   (unsigned long long)end.position);
    } else if (node.replayed_count > 0 && node.replayed[node.replayed_count - 1] != end.position) {
        world_fail(node.world, SIM_I19, "a restart reads up to %llu, on the disk is %llu",
                   (unsigned long long)node.replayed[node.replayed_count - 1],
                   (unsigned long long)end.position);
    }
    return has_failed() ? (uint32_t)acknowledged : (uint32_t)end.position;
}

static void mark_crash(bool is_power_cut)
{
    node.marks[is_power_cut ? NODE_POWER_CUT : NODE_KILLED]++;
    node.marks[NODE_SYNC_FAILED] += fiber_exit_code() == STORE_EXIT_CODE && sim_disk_has_failed();
    node.marks[NODE_DISK_FULL] += fiber_exit_code() == STORE_EXIT_CODE && !sim_disk_has_failed();
    node.marks[NODE_CUT_INSIDE] += sim_disk_has_cut();
}

/* The process is gone; so is what a power cut took. After a sync that failed, what the system still
 * shows of the file is not what the disk holds: only a power cut tells the truth. */
static void crash(void)
{
    bool is_power_cut = draw(600) || sim_disk_has_failed() || sim_disk_has_cut();
    mark_crash(is_power_cut);
    world_trace(node.world, "%s", is_power_cut ? "the power is cut" : "the process is killed");
    sim_disk_crash(is_power_cut);
}

static void mark_segments(void)
{
    uint32_t open_ordinal;
    uint32_t sealed_last;
    store_segments(node.store, &open_ordinal, &sealed_last);
    node.marks[NODE_SEALED] += sealed_last > 0;
    node.marks[NODE_UNSEALED] += sealed_last + 1 < open_ordinal;
}

static uint32_t on_recover(struct world *world)
{
    uint64_t acknowledged = world->durable_count;
    crash();
    for (uint32_t tries = 0; tries < RECOVERY_COUNT_MAX; tries++) {
        if (draw(node.manner.recovery_permille) && tries + 1 < RECOVERY_COUNT_MAX) {
            sim_disk_plan(&(struct disk_plan){.die_after = between(1, 3)});
        }
        if (open_log()) {
            break;
        }
        node.marks[NODE_CUT_IN_RECOVERY]++;
        crash();
    }
    sim_disk_plan(&(struct disk_plan){0});
    if (has_failed()) {
        return world->durable_count;
    }
    uint32_t count = verify(acknowledged);
    node.marks[NODE_LOST] += count < world->record_count;
    node.marks[NODE_KEPT] += count > acknowledged;
    node.marks[NODE_PASSED_OVER] += node.replayed_count < count;
    mark_segments();
    if (!has_failed()) {
        node_check_carried(
            world, &(struct node_reading){node.replayed, node.replayed_count, &node.usage}, count);
    }
    node.told = count;
    return count;
}

/* The row that an old log begins with. */
static void write_first(struct world *world)
{
    chain_add(&world->records[0]);
    fiber_run(call_append, &world->records[0]);
    fiber_run(call_flush, NULL);
    node.wanted = 1;
    wait_for(is_committed, "the first commit");
    node.replayed[node.replayed_count++] = 1;
}

static void on_replay(struct world *world, const struct world_reader *reader)
{
    bool is_first = node.world == NULL;
    node.world = world;
    if (is_first) {
        open_log();
    }
    fiber_set_clock(world->now_ns, world->wall_us);
    if (has_failed() || !goes_on(fiber_run(call_start, NULL), "store_start")) {
        return;
    }
    if (is_first && world->durable_count == 1) {
        write_first(world);
    }
    const struct node_reading reading = {node.replayed, node.replayed_count, &node.usage};
    node_replay(world, &reading, reader);
}

/* --- searching ---------------------------------------------------------------------------- */

static bool on_found(void *argument, const struct lookup_answer *answer)
{
    (void)argument;
    node.is_answered = true;
    node.is_failed = answer->is_failed;
    node.found_count = answer->count;
    for (uint32_t i = 0; i < answer->count; i++) {
        node.world->found[i] = answer->records[i];
    }
    return true;
}

static void call_search(void *argument)
{
    REQUIRE(store_lookup(node.store, argument, on_found, NULL));
}

static bool is_found_rightly(struct world *world, const struct record *expected, uint32_t count)
{
    bool is_equal = count == node.found_count;
    for (uint32_t i = 0; is_equal && i < count; i++) {
        is_equal = expected[i].position == world->found[i].position;
    }
    return is_equal;
}

/* What a walk over all records finds: of those that are durable, or of some more, which the store
 * may have committed since. */
static void compare_found(struct world *world, const struct lookup_query *query)
{
    static struct record expected[LOOKUP_RECORD_COUNT_MAX];
    uint32_t durable_count = world->durable_count;
    bool is_right = false;
    for (uint32_t more = 0; !is_right && durable_count + more <= world->record_count; more++) {
        world->durable_count = durable_count + more;
        uint32_t count = disk_gather(world, query, expected);
        is_right = is_found_rightly(world, expected, count);
    }
    world->durable_count = durable_count;
    if (!is_right) {
        uint32_t count = disk_gather(world, query, expected);
        world_fail(world, SIM_FOUND, "%u records from position %llu instead of %u from %llu",
                   node.found_count,
                   node.found_count == 0 ? 0ULL : (unsigned long long)world->found[0].position,
                   count, count == 0 ? 0ULL : (unsigned long long)expected[0].position);
    }
}

static bool is_answered(void)
{
    return node.is_answered;
}

static bool on_search(struct world *world, const struct lookup_query *query, bool *is_failed,
                      uint32_t *count)
{
    struct lookup_query copy = *query;
    fiber_set_clock(world->now_ns, world->wall_us);
    node.is_answered = false;
    node.marks[NODE_SEARCHED]++;
    bool lives = goes_on(fiber_run(call_search, &copy), "store_lookup");
    lives = lives && wait_for(is_answered, "a search");
    if (lives && !node.is_failed) {
        compare_found(world, query);
        uint32_t open_ordinal;
        uint32_t sealed_last;
        store_segments(node.store, &open_ordinal, &sealed_last);
        node.marks[NODE_FOUND] += node.found_count > 0 && open_ordinal > 1;
    }
    *is_failed = node.is_failed;
    *count = node.found_count;
    return lives;
}

/* --- the end ------------------------------------------------------------------------------ */

static void call_close(void *argument)
{
    (void)argument;
    store_close(node.store);
}

static void on_finish(struct world *world)
{
    fiber_set_clock(world->now_ns, world->wall_us);
    sim_disk_plan(&(struct disk_plan){0});
    if (world->is_alive && !goes_on(fiber_run(call_close, NULL), "store_close")) {
        world_fail(world, SIM_DRAIN, "the store dies while it is closed");
        return;
    }
    if (open_log() && !has_failed()) {
        uint32_t count = verify(world->record_count);
        if (!has_failed()) {
            node_check_carried(
                world, &(struct node_reading){node.replayed, node.replayed_count, &node.usage},
                count);
        }
    }
}

const struct world_log *node_log(void)
{
    static const struct world_log LOG = {.append = on_append,
                                         .sync = on_sync,
                                         .recover = on_recover,
                                         .replay = on_replay,
                                         .search = on_search,
                                         .finish = on_finish};
    return &LOG;
}
