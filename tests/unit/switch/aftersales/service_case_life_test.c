/* Lives drawn by lot: whatever happens to a case in whatever order, some things always hold. */
#include <stdio.h>
#include <string.h>

#include "switch/aftersales/case_table.h"
#include "switch/aftersales/service_case.h"
#include "tests/unit/unit_test.h"

#define HOUR_US INT64_C(3600000000)
#define LIFE_COUNT 400
#define EVENT_COUNT 300

struct life {
    uint64_t random;
    struct service_case it;
    struct case_rules rules;
    struct case_effects effects;
    int64_t now;
    bool is_held, is_stopped; /* as those outside were told */
    uint32_t permitted, closed, verified, reopened;
};

static uint32_t draw(struct life *life, uint32_t below)
{
    life->random ^= life->random << 13;
    life->random ^= life->random >> 7;
    life->random ^= life->random << 17;
    return (uint32_t)((life->random >> 16) % below);
}

/* An event that is often one of those permitted, with fields of any kind. */
static struct case_event draw_event(struct life *life)
{
    uint64_t permitted = service_case_permitted(&life->it);
    struct case_event event = {.kind = (enum case_event_kind)draw(life, CASE_EVENT_COUNT)};
    for (int i = 0; i < 40 && draw(life, 8) != 0 && (permitted >> event.kind & 1) == 0; i++) {
        event.kind = (enum case_event_kind)draw(life, CASE_EVENT_COUNT);
    }
    event.role = (enum case_role)draw(life, CASE_ROLE_COUNT);
    for (int i = 0; i < 20 && (case_event_row(event.kind)->roles >> event.role & 1) == 0; i++) {
        event.role = (enum case_role)draw(life, CASE_ROLE_COUNT);
    }
    life->now += draw(life, 6) == 0 ? draw(life, 60) * HOUR_US : draw(life, 60) * 60000000;
    event.wall_us = life->now - (draw(life, 20) == 0 ? HOUR_US : 0);
    snprintf(event.actor, sizeof(event.actor), "%s", draw(life, 20) == 0 ? "" : "one");
    snprintf(event.second_actor, sizeof(event.second_actor), "%s", draw(life, 2) ? "two" : "one");
    snprintf(event.reason, sizeof(event.reason), "%s", draw(life, 20) == 0 ? "" : "so");
    snprintf(event.serial, sizeof(event.serial), "S%u", draw(life, 3));
    snprintf(event.terminal_id, sizeof(event.terminal_id), "1000000%u", draw(life, 5) == 0);
    event.step = (uint8_t)draw(life, 4);
    event.result = (enum case_step_result)draw(life, 4);
    event.service_class = (enum service_class)draw(life, SERVICE_CLASS_COUNT);
    event.place = (enum service_place)draw(life, SERVICE_PLACE_COUNT);
    event.severity = (uint8_t)(1 + draw(life, 4));
    event.is_good = draw(life, 4) != 0;
    event.is_stop_permitted = draw(life, 2) != 0;
    event.cost_minor = draw(life, 3) * 1000;
    event.outcome = (enum case_outcome)draw(life, 3);
    event.score = (uint8_t)draw(life, 7);
    return event;
}

static void hear_effects(struct life *life)
{
    assert_true(life->effects.count <= CASE_EFFECT_COUNT_MAX);
    for (uint32_t i = 0; i < life->effects.count; i++) {
        enum case_effect_kind kind = life->effects.items[i].kind;
        assert_true(kind != CASE_EFFECT_NONE && kind < CASE_EFFECT_COUNT);
        assert_false(kind == CASE_EFFECT_RELEASE && !life->is_held);
        assert_false(kind == CASE_EFFECT_RESUME && !life->is_stopped);
        life->is_held = kind == CASE_EFFECT_HOLD || (life->is_held && kind != CASE_EFFECT_RELEASE);
        life->is_stopped =
            kind == CASE_EFFECT_STOP || (life->is_stopped && kind != CASE_EFFECT_RESUME);
    }
    assert_int_equal(life->is_held, life->it.is_held);
    assert_int_equal(life->is_stopped, life->it.is_stopped);
}

static void check_state(const struct life *life, const struct case_event *event)
{
    const struct service_case *it = &life->it;
    const struct case_state_row *row = case_state_row(it->state);
    bool is_closed = it->state == CASE_STATE_CLOSED;
    assert_true((row->lives & case_kind_life(it->kind)) != 0);
    assert_int_equal(it->closed_us != 0, is_closed);
    assert_int_equal(it->outcome != CASE_OUTCOME_NONE, is_closed);
    assert_int_equal(it->is_held, it->hold_until_us != 0);
    if (is_closed) {
        assert_false(it->is_held || it->is_waiting);
        assert_false(service_clock_is_running(&it->answer) ||
                     service_clock_is_running(&it->repair));
        assert_int_equal(service_case_wake_us(it, &life->rules), 0);
    }
    if (life->effects.to == CASE_STATE_VERIFIED && life->effects.from != CASE_STATE_VERIFIED) {
        assert_true(event->role == CASE_ROLE_SWITCH && event->is_good);
        assert_true(it->verified_us > it->repaired_us && it->repaired_us > 0);
        assert_string_equal(event->terminal_id, it->terminal_id);
    }
    if (it->is_waiting) {
        assert_int_equal(service_clock_due(&it->repair, &life->rules.calendar), 0);
    }
}

static void step(struct life *life)
{
    struct service_case before = life->it;
    uint64_t permitted = service_case_permitted(&before);
    struct case_event event = draw_event(life);
    service_case_step(&life->it, &event, &life->rules, &life->effects);
    if (!life->effects.is_permitted) {
        assert_memory_equal(&before, &life->it, sizeof(before));
        assert_true(life->effects.refusal[0] != '\0');
        assert_int_equal(life->effects.count, 0);
        return;
    }
    assert_true((permitted >> event.kind & 1) != 0);
    assert_true((case_event_row(event.kind)->roles >> event.role & 1) != 0);
    assert_int_equal(life->effects.from, before.state);
    assert_int_equal(life->effects.to, life->it.state);
    assert_int_equal(life->it.event_count, before.event_count + life->effects.has_record);
    assert_true(life->it.severity >= before.severity);
    assert_true(life->it.changed_us >= before.changed_us);
    life->permitted++;
    life->closed += event.kind == CASE_EVENT_CLOSE;
    life->verified += event.kind == CASE_EVENT_OBSERVED;
    life->reopened += life->it.reopen_count > before.reopen_count;
    hear_effects(life);
    check_state(life, &event);
}

static void test_what_always_holds(void **state)
{
    (void)state;
    static const enum case_kind KINDS[] = {CASE_FAULT, CASE_TRANSACTION, CASE_RISK, CASE_SERVICE,
                                           CASE_FEE};
    uint32_t closed = 0;
    uint32_t verified = 0;
    uint32_t reopened = 0;
    for (uint32_t seed = 1; seed <= LIFE_COUNT; seed++) {
        struct life life = {.random = seed * UINT64_C(0x9E3779B97F4A7C15),
                            .now = INT64_C(1772416800000000)};
        case_rules_default(&life.rules);
        life.it = (struct service_case){.id = seed,
                                        .kind = KINDS[seed % COUNT_OF(KINDS)],
                                        .severity = (uint8_t)(1 + seed % 4),
                                        .terminal_id = "10000000",
                                        .serial = "S1"};
        for (int i = 0; i < EVENT_COUNT; i++) {
            step(&life);
        }
        assert_true(life.permitted > 0);
        closed += life.closed;
        verified += life.verified;
        reopened += life.reopened;
    }
    /* the lots reach what matters */
    assert_true(closed > LIFE_COUNT);
    assert_true(verified > LIFE_COUNT / 10);
    assert_true(reopened > LIFE_COUNT / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_always_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
