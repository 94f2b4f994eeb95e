/* The heap gives the earliest first, ties by slot, and lets go of any. */
#include "tests/unit/unit_test.h"

#include <stdlib.h>

#include "switch/engine/retry_heap.h"
#include "switch/engine/slot_index.h"

#define COUNT 200

struct stage {
    struct txn_slab slab;
    struct retry_heap heap;
};

static int set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    assert_non_null(stage);
    stage->slab.count_max = COUNT;
    stage->slab.txns = calloc(COUNT + 1, sizeof(struct txn));
    stage->heap.slots = calloc(COUNT + 1, sizeof(uint32_t));
    assert_true(stage->slab.txns != NULL && stage->heap.slots != NULL);
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    free(stage->slab.txns);
    free(stage->heap.slots);
    free(stage);
    return 0;
}

static void put(struct stage *stage, uint32_t slot, uint64_t due_ns)
{
    stage->slab.txns[slot].deadline_ns = due_ns;
    retry_heap_put(&stage->heap, &stage->slab, slot);
}

static void test_the_earliest_comes_first_and_ties_go_by_slot(void **state)
{
    struct stage *stage = *state;
    for (uint32_t slot = 1; slot <= COUNT; slot++) {
        put(stage, slot, hash_mix(slot) % 20);
    }
    uint64_t due_ns = 0;
    uint32_t before = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t slot = retry_heap_first(&stage->heap);
        uint64_t its_ns = stage->slab.txns[slot].deadline_ns;
        assert_true(its_ns > due_ns || (its_ns == due_ns && slot > before));
        due_ns = its_ns;
        before = slot;
        retry_heap_drop(&stage->heap, &stage->slab, slot);
    }
    assert_int_equal(retry_heap_first(&stage->heap), 0);
}

static void test_any_may_be_dropped_and_the_rest_keep_their_order(void **state)
{
    struct stage *stage = *state;
    for (uint32_t slot = 1; slot <= COUNT; slot++) {
        put(stage, slot, hash_mix(slot) % 1000);
    }
    for (uint32_t slot = 1; slot <= COUNT; slot += 3) {
        retry_heap_drop(&stage->heap, &stage->slab, slot);
        assert_int_equal(stage->slab.txns[slot].heap_place, 0);
    }
    uint64_t due_ns = 0;
    while (stage->heap.count > 0) {
        uint32_t slot = retry_heap_first(&stage->heap);
        assert_int_not_equal(slot % 3, 1);
        assert_true(stage->slab.txns[slot].deadline_ns >= due_ns);
        due_ns = stage->slab.txns[slot].deadline_ns;
        retry_heap_drop(&stage->heap, &stage->slab, slot);
    }
}

static void test_one_slot_stands_there_once(void **state)
{
    struct stage *stage = *state;
    put(stage, 5, 1);
    expect_assert_failure(retry_heap_put(&stage->heap, &stage->slab, 5));
    expect_assert_failure(retry_heap_drop(&stage->heap, &stage->slab, 6));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_the_earliest_comes_first_and_ties_go_by_slot),
        TEST(test_any_may_be_dropped_and_the_rest_keep_their_order),
        TEST(test_one_slot_stands_there_once),
    };
    return cmocka_run_group_tests_name("switch/engine/retry_heap", tests, NULL, NULL);
}
