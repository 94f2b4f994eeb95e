/* Agents are bound to their parents, and what cannot be is named. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "routing/agent_table.h"
#include "routing/fee_plan.h"

static struct agent_table *table_of(const char *const names[][2], uint32_t count)
{
    struct agent_table *table = agent_table_create(count);
    assert_non_null(table);
    for (uint32_t i = 0; i < count; i++) {
        struct agent_row row = {.cost_rate_e8 = 520000, .cost_cap = FEE_NO_CAP, .line = i + 2};
        snprintf(row.agent_id, sizeof(row.agent_id), "%s", names[i][0]);
        snprintf(row.parent_id, sizeof(row.parent_id), "%s", names[i][1]);
        assert_int_equal(agent_table_add(table, &row), STATUS_OK);
    }
    return table;
}

static void test_agents_find_their_parents_wherever_these_stand(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"M17", "B2"}, {"B2", "A"}, {"A", ""}};
    const struct agent_row *fault = NULL;
    struct agent_table *table = table_of(names, COUNT_OF(names));
    assert_int_equal(agent_table_freeze(table, &fault), STATUS_OK);
    assert_int_equal(agent_table_count(table), 3);
    const struct agent_row *agent = agent_table_at(table, (uint32_t)agent_table_find(table, "M17"));
    assert_string_equal(agent->parent->agent_id, "B2");
    assert_string_equal(agent->parent->parent->agent_id, "A");
    assert_null(agent->parent->parent->parent);
    assert_string_equal(agent->terms, "520000:-:0");
    assert_int_equal(agent_table_find(table, "M18"), -1);
    agent_table_destroy(table);
}

static void test_what_cannot_be_bound_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *names[6][2];
        uint32_t count;
        enum status status;
        const char *agent;
    } cases[] = {
        {{{"A", ""}, {"B", "A"}, {"A", ""}}, 3, STATUS_DUPLICATE, "A"},
        {{{"A", ""}, {"B", "C"}}, 2, STATUS_MISSING, "B"},
        {{{"A", "B"}, {"B", "A"}}, 2, STATUS_BAD_VALUE, "A"},
        {{{"A", "A"}}, 1, STATUS_BAD_VALUE, "A"},
        {{{"A", ""}, {"B", "A"}, {"C", "B"}, {"D", "C"}}, 4, STATUS_OK, NULL},
        {{{"A", ""}, {"B", "A"}, {"C", "B"}, {"D", "C"}, {"E", "D"}}, 5, STATUS_BAD_VALUE, "E"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct agent_row *fault = NULL;
        struct agent_table *table = table_of(cases[i].names, cases[i].count);
        assert_int_equal(agent_table_freeze(table, &fault), cases[i].status);
        if (cases[i].agent != NULL) {
            assert_string_equal(fault->agent_id, cases[i].agent);
        }
        agent_table_destroy(table);
    }
}

static void test_ids_are_names_of_files(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "a b", "../x", "a/b", "ä"};
    struct agent_table *table = agent_table_create(1);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct agent_row row = {.cost_cap = FEE_NO_CAP};
        snprintf(row.agent_id, sizeof(row.agent_id), "%s", bad[i]);
        assert_int_equal(agent_table_add(table, &row), STATUS_BAD_VALUE);
    }
    struct agent_row unended = {
        .agent_id = {'1', '2', '3', '4', '5', '6', '7', '8', '9', '0', '1', '2'}};
    assert_int_equal(agent_table_add(table, &unended), STATUS_BAD_VALUE);
    struct agent_row good = {.agent_id = "A-1_b"};
    assert_int_equal(agent_table_add(table, &good), STATUS_OK);
    assert_int_equal(agent_table_add(table, &good), STATUS_NO_ROOM);
    agent_table_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agents_find_their_parents_wherever_these_stand),
        cmocka_unit_test(test_what_cannot_be_bound_is_named),
        cmocka_unit_test(test_ids_are_names_of_files),
    };
    return cmocka_run_group_tests_name("routing/agent_table", tests, NULL, NULL);
}
