/* The index finds what was put and nothing else, whatever is dropped in between. */
#include "tests/unit/unit_test.h"

#include <stdbool.h>

#include "switch/engine/slot_index.h"

#define CAPACITY 64

struct stage {
    struct slot_index_entry entries[CAPACITY];
    struct slot_index index;
};

static struct stage *fresh(struct stage *stage)
{
    *stage = (struct stage){0};
    slot_index_init(&stage->index, stage->entries, CAPACITY);
    return stage;
}

static bool has(const struct slot_index *index, uint32_t hash, uint32_t slot)
{
    struct slot_probe probe = slot_index_begin(index, hash);
    uint32_t found = 0;
    while ((found = slot_index_next(index, &probe)) != 0) {
        if (found == slot) {
            return true;
        }
    }
    return false;
}

static void test_capacity_leaves_half_of_the_places_free(void **state)
{
    (void)state;
    assert_int_equal(slot_index_capacity(1), 16);
    assert_int_equal(slot_index_capacity(8), 16);
    assert_int_equal(slot_index_capacity(9), 32);
    assert_int_equal(slot_index_capacity(1000), 2048);
}

static void test_slots_under_one_hash_are_all_found(void **state)
{
    (void)state;
    struct stage stage;
    struct slot_index *index = &fresh(&stage)->index;
    for (uint32_t slot = 1; slot <= 5; slot++) {
        slot_index_put(index, 7, slot);
    }
    slot_index_put(index, 7 + CAPACITY, 6); /* the same place, another hash */
    for (uint32_t slot = 1; slot <= 5; slot++) {
        assert_true(has(index, 7, slot));
    }
    assert_false(has(index, 7, 6));
    assert_true(has(index, 7 + CAPACITY, 6));
}

static void test_a_drop_hides_no_other_entry(void **state)
{
    (void)state;
    struct stage stage;
    struct slot_index *index = &fresh(&stage)->index;
    /* 30 slots crowd around the end of the table, so that runs wrap. */
    uint32_t present = 0;
    uint64_t draw = 1;
    bool is_in[31] = {false};
    for (uint32_t turn = 0; turn < 20000; turn++) {
        draw = hash_mix(draw + turn);
        uint32_t slot = (uint32_t)(draw % 30) + 1;
        uint32_t hash = 50 + slot % 11;
        if (is_in[slot]) {
            slot_index_drop(index, hash, slot);
            present--;
        } else {
            slot_index_put(index, hash, slot);
            present++;
        }
        is_in[slot] = !is_in[slot];
        assert_int_equal(index->count, present);
        for (uint32_t other = 1; other <= 30; other++) {
            assert_int_equal(has(index, 50 + other % 11, other), is_in[other]);
        }
    }
}

static void test_what_is_not_there_cannot_be_dropped(void **state)
{
    (void)state;
    struct stage stage;
    struct slot_index *index = &fresh(&stage)->index;
    slot_index_put(index, 3, 1);
    expect_assert_failure(slot_index_drop(index, 3, 2));
    expect_assert_failure(slot_index_put(index, 3, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capacity_leaves_half_of_the_places_free),
        cmocka_unit_test(test_slots_under_one_hash_are_all_found),
        cmocka_unit_test(test_a_drop_hides_no_other_entry),
        cmocka_unit_test(test_what_is_not_there_cannot_be_dropped),
    };
    return cmocka_run_group_tests_name("switch/engine/slot_index", tests, NULL, NULL);
}
