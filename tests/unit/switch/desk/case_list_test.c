/* Parts and photos of repairs: kept with their event, bound by its hash, refused where the model
 * has no such part, and gone with the case. */
#include "switch/desk/case_list.h"

#include "switch/desk/retire.h"
#include "tests/unit/switch/desk/case_scene.h"

#define SHA "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct case_event repair(enum part_class part, int64_t at)
{
    struct case_event event = scene_event(CASE_EVENT_FIX, CASE_ROLE_ENGINEER, at);
    event.part_count = 2;
    event.parts[0] = (struct case_part){.part = part,
                                        .quantity = 2,
                                        .serial_before = "OLD-1",
                                        .serial_after = "NEW-1",
                                        .cost_minor = 12000};
    event.parts[1] = (struct case_part){.part = PART_CONSUMABLE, .quantity = 1};
    event.photo_count = 1;
    event.photos[0] = (struct case_photo){SHA};
    return event;
}

/* A case that waits for its repair, of a model with a screen and a printer. */
static uint64_t sent_case(struct scene *scene)
{
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    struct device_model model = scene_model();
    struct case_event step = scene_event(CASE_EVENT_FIRST_STEP, CASE_ROLE_STAFF, SCENE_NOW + 1);
    assert_int_equal(registry_put(scene->desk, REGISTRY_DEVICE_MODEL, &model, &scene->ann),
                     STATUS_OK);
    assert_string_equal(scene_sql(scene, "UPDATE service_case SET brand = 'PAX', model = 'A920'"),
                        "");
    for (step.step = 1; step.step <= 2; step.step++) {
        assert_true(scene_step(scene, scene->desk, id, step));
    }
    assert_true(scene_step(scene, scene->desk, id,
                           scene_event(CASE_EVENT_TRIAGE, CASE_ROLE_STAFF, SCENE_NOW + 2)));
    assert_true(scene_step(scene, scene->desk, id,
                           scene_event(CASE_EVENT_DISPATCH, CASE_ROLE_STAFF, SCENE_NOW + 3)));
    return id;
}

struct seen {
    struct case_event repair;
    uint32_t others;
};

static void note_parts(void *argument, const struct case_entry *entry)
{
    struct seen *seen = argument;
    if (entry->event.part_count > 0) {
        seen->repair = entry->event;
    }
    seen->others += entry->event.part_count == 0 && entry->event.photo_count == 0;
}

static void test_parts_and_photos_are_read_as_they_were_said(void **state)
{
    struct scene *scene = *state;
    struct seen seen = {.others = 0};
    struct service_case it;
    const struct case_sink sink = {note_parts, &seen};
    uint64_t id = sent_case(scene), count = 0;
    struct case_event said = repair(PART_PRINTER, SCENE_NOW + 4);
    assert_true(scene_step(scene, scene->desk, id, said));
    assert_int_equal(case_book_read(scene->desk, id, &scene->ann, &it, &sink), STATUS_OK);
    assert_int_equal(seen.others, 5);
    assert_int_equal(seen.repair.part_count, 2);
    assert_int_equal(seen.repair.parts[0].part, PART_PRINTER);
    assert_int_equal(seen.repair.parts[0].quantity, 2);
    assert_string_equal(seen.repair.parts[0].serial_before, "OLD-1");
    assert_string_equal(seen.repair.parts[0].serial_after, "NEW-1");
    assert_int_equal(seen.repair.parts[0].cost_minor, 12000);
    assert_int_equal(seen.repair.parts[1].part, PART_CONSUMABLE);
    assert_int_equal(seen.repair.photo_count, 1);
    assert_string_equal(seen.repair.photos[0].sha256, SHA);
    assert_int_equal(case_book_verify(scene->desk, &count), STATUS_OK);
    assert_int_equal(count, 6);
}

static void test_a_part_that_the_model_does_not_have_is_refused_with_those_it_has(void **state)
{
    struct scene *scene = *state;
    uint64_t id = sent_case(scene);
    assert_false(scene_step(scene, scene->desk, id, repair(PART_BATTERY, SCENE_NOW + 4)));
    assert_string_equal(scene->reason, "FIX names a part that PAX A920 does not have: battery; it "
                                       "has whole screen printer consumable");
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM case_part"), 0);
    assert_int_equal(scene_number(scene, "SELECT event_count FROM service_case"), 5);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM service_case WHERE state ="
                                         " 'DISPATCHED'"),
                     1);
    /* of a model that nobody registered nobody knows */
    assert_string_equal(scene_sql(scene, "UPDATE service_case SET model = 'A77'"), "");
    assert_true(scene_step(scene, scene->desk, id, repair(PART_BATTERY, SCENE_NOW + 5)));
}

static void test_a_part_that_cannot_be_is_not_kept(void **state)
{
    struct scene *scene = *state;
    struct case_rules rules;
    struct case_effects effects;
    uint64_t id = sent_case(scene);
    struct case_event event = repair(PART_PRINTER, SCENE_NOW + 4);
    case_rules_default(&rules);
    event.parts[0].quantity = 0;
    assert_int_equal(case_book_step(scene->desk, id, &event, &rules, &effects), STATUS_BAD_VALUE);
    assert_non_null(strstr(desk_reason(scene->desk), "column \"quantity\""));
    event = repair(PART_PRINTER, SCENE_NOW + 4);
    event.photos[0].sha256[3] = 'X';
    assert_int_equal(case_book_step(scene->desk, id, &event, &rules, &effects), STATUS_BAD_VALUE);
    assert_non_null(strstr(desk_reason(scene->desk), "column \"sha256\""));
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM case_photo"), 0);
}

static void expect_break(struct scene *scene, const char *sql, const char *where)
{
    uint64_t count = 0;
    assert_string_equal(scene_sql(scene, sql), "");
    assert_int_equal(case_book_verify(scene->desk, &count), STATUS_MALFORMED);
    if (strstr(desk_reason(scene->desk), where) == NULL) {
        fail_msg("it says: %s", desk_reason(scene->desk));
    }
}

static void test_the_chain_shows_a_part_that_was_changed(void **state)
{
    struct scene *scene = *state;
    uint64_t id = sent_case(scene);
    assert_true(scene_step(scene, scene->desk, id, repair(PART_PRINTER, SCENE_NOW + 4)));
    assert_non_null(strstr(scene_sql(scene, "UPDATE case_part SET cost_minor = 1"), "added to"));
    assert_non_null(strstr(scene_sql(scene, "DELETE FROM case_part"), "only added to"));
    assert_non_null(strstr(scene_sql(scene, "UPDATE case_photo SET sha256 = ''"), "added to"));
    assert_non_null(strstr(scene_sql(scene, "DELETE FROM case_photo"), "only added to"));
    expect_break(scene,
                 "DROP TRIGGER part_no_update; DROP TRIGGER part_no_delete;"
                 "DROP TRIGGER photo_no_update; DROP TRIGGER photo_no_delete;"
                 "UPDATE case_part SET cost_minor = 1 WHERE ordinal = 1",
                 "case 1, event 6: what it says, or its hash, was changed");
    expect_break(scene,
                 "UPDATE case_part SET cost_minor = 12000 WHERE ordinal = 1;"
                 "INSERT INTO case_photo VALUES (1, 5, 1, '" SHA "')",
                 "case 1, event 5: what it says, or its hash, was changed");
    expect_break(scene, "UPDATE case_photo SET number = 9 WHERE number = 5",
                 "case 1: an event is missing, its photos are there");
    expect_break(scene,
                 "DELETE FROM case_photo WHERE number = 9;"
                 "DELETE FROM case_part WHERE ordinal = 2",
                 "case 1, event 6");
}

/* An accepted price is paid once, in however many repairs. */
static void test_one_accepted_price_is_paid_once(void **state)
{
    struct scene *scene = *state;
    uint64_t id = sent_case(scene);
    struct case_event quote = scene_event(CASE_EVENT_QUOTE, CASE_ROLE_STAFF, SCENE_NOW + 4);
    quote.cost_minor = 20000;
    assert_true(scene_step(scene, scene->desk, id, quote));
    assert_true(
        scene_step(scene, scene->desk, id,
                   scene_event(CASE_EVENT_QUOTE_ACCEPT, CASE_ROLE_MERCHANT, SCENE_NOW + 5)));
    struct case_event paid = repair(PART_PRINTER, SCENE_NOW + 6);
    paid.parts[0].paid_by = CASE_PART_PAID_BY_MERCHANT;
    assert_true(scene_step(scene, scene->desk, id, paid));
    assert_true(scene_step(scene, scene->desk, id,
                           scene_event(CASE_EVENT_DISPATCH, CASE_ROLE_STAFF, SCENE_NOW + 7)));
    paid.wall_us = SCENE_NOW + 8;
    assert_false(scene_step(scene, scene->desk, id, paid));
    assert_non_null(strstr(scene->reason, "parts for 12000 fen from the merchant, and of the "
                                          "accepted price 8000 are left"));
    paid.parts[0].cost_minor = 8000;
    assert_true(scene_step(scene, scene->desk, id, paid));
}

static void test_parts_and_photos_go_with_their_case(void **state)
{
    struct scene *scene = *state;
    struct retire_rules rules;
    struct retire_counts counts;
    bool has_more = false;
    uint64_t id = sent_case(scene);
    assert_true(scene_step(scene, scene->desk, id, repair(PART_PRINTER, SCENE_NOW + 4)));
    assert_string_equal(scene_sql(scene, "UPDATE service_case SET state = 'CLOSED', closed_us = 1"),
                        "");
    const struct desk_actor night = {.actor = "retention", .wall_us = SCENE_NOW};
    retire_rules_default(&rules);
    assert_int_equal(desk_retire(scene->desk, &rules, &night, &counts, &has_more), STATUS_OK);
    assert_int_equal(counts.cases, 1);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM case_part"), 0);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM case_photo"), 0);
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set, scene_strike)
    const struct CMUnitTest tests[] = {
        SCENE(test_parts_and_photos_are_read_as_they_were_said),
        SCENE(test_a_part_that_the_model_does_not_have_is_refused_with_those_it_has),
        SCENE(test_a_part_that_cannot_be_is_not_kept),
        SCENE(test_the_chain_shows_a_part_that_was_changed),
        SCENE(test_one_accepted_price_is_paid_once),
        SCENE(test_parts_and_photos_go_with_their_case),
    };
    return cmocka_run_group_tests_name("switch/desk/case_list", tests, NULL, NULL);
}
