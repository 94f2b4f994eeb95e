/* A bundle is good as it was made, and not with any byte of it changed, cut, added or moved. */
#define _GNU_SOURCE /* memmem */
#include "tests/unit/switch/evidence/bundle_scene.h"

static void test_a_bundle_that_nobody_touched_is_good(void **state)
{
    struct bundle_scene *scene = *state;
    scene_make(scene);
    struct bundle_finding finding = scene_check(scene);
    assert_string_equal(finding.reason, "");
    assert_true(finding.is_good);
    assert_true(finding.is_origin_checked);
    assert_int_equal(finding.case_id, scene->case_id);
    assert_int_equal(finding.event_count, 2);
    assert_string_equal(finding.exported_by, "ann");
    assert_int_equal(finding.exported_us, SCENE_NOW + 5);
    assert_string_equal(finding.fingerprint, scene->key.fingerprint);
    /* the purchase of the flag with its reversal, in another segment, and the row by itself */
    assert_int_equal(finding.row_count, 2 + 3 + 1);
    assert_int_equal(finding.compared_count, 0);
}

static void test_without_a_key_integrity_alone_is_told(void **state)
{
    struct bundle_scene *scene = *state;
    scene_make(scene);
    struct bundle_finding finding = scene_check_bytes(scene->bytes, scene->length, NULL, NULL);
    assert_true(finding.is_good);
    assert_false(finding.is_origin_checked);
    assert_string_equal(finding.fingerprint, scene->key.fingerprint);
}

static void test_a_key_that_did_not_sign_is_refused(void **state)
{
    struct bundle_scene *scene = *state;
    char path[2][96];
    struct bundle_key other;
    snprintf(path[0], sizeof(path[0]), "%s/other.pem", scene->folder);
    snprintf(path[1], sizeof(path[1]), "%s/other-public.pem", scene->folder);
    scene_write_key(path[0], path[1]);
    assert_int_equal(bundle_key_load_public(&other, path[1], scene->reason), STATUS_OK);
    scene_make(scene);
    struct bundle_finding finding = scene_check_bytes(scene->bytes, scene->length, &other, NULL);
    assert_false(finding.is_good);
    assert_false(finding.is_origin_checked);
    assert_non_null(strstr(finding.reason, "another key signed"));
    assert_non_null(strstr(finding.reason, other.fingerprint));
    bundle_key_free(&other);
}

static void test_rows_are_held_against_a_log(void **state)
{
    struct bundle_scene *scene = *state;
    scene_make(scene);
    struct bundle_finding finding =
        scene_check_bytes(scene->bytes, scene->length, NULL, scene->story->folder);
    assert_string_equal(finding.reason, "");
    assert_int_equal(finding.compared_count, finding.row_count);
    assert_int_equal(finding.purged_count, 0);
}

/* A log that was made anew, with other amounts: each row is good by itself, but not this one's. */
static void test_a_row_that_the_log_does_not_hold_is_named(void **state)
{
    struct bundle_scene *scene = *state;
    struct story *other = NULL;
    scene_make(scene);
    assert_int_equal(story_set((void **)&other), 0);
    other->wall_us++;
    other->setup.segment_row_count_max = 1000;
    story_begin(other, story_ignore, NULL);
    for (uint32_t seq = 1; seq <= 20; seq++) {
        story_purchase(other, seq);
    }
    story_end(other);
    struct bundle_finding finding =
        scene_check_bytes(scene->bytes, scene->length, NULL, other->folder);
    assert_false(finding.is_good);
    assert_true(strcmp(finding.member, "segments.json") == 0 ||
                strcmp(finding.member, "log.jsonl") == 0);
    story_strike((void **)&other);
    finding = scene_check_bytes(scene->bytes, scene->length, NULL, "/nonexistent");
    assert_false(finding.is_good);
    assert_non_null(strstr(finding.reason, "/nonexistent"));
}

/* --- every byte ----------------------------------------------------------------------------- */

/* Which member a byte belongs to, with its header and what fills its last block; the place behind
 * the last: NULL. */
static const char *member_at(const struct bundle_scene *scene, size_t offset, bool *is_signature)
{
    size_t at = 0;
    for (int i = 0; i < BUNDLE_MEMBER_COUNT; i++) {
        uint64_t size = 0;
        int64_t mtime = 0;
        assert_true(bundle_form_read((const uint8_t *)scene->bytes + at, &size, &mtime));
        size_t end = at + BUNDLE_BLOCK_BYTES + size + bundle_form_padding(size);
        *is_signature = i == BUNDLE_SIGNATURE && offset >= at + BUNDLE_BLOCK_BYTES &&
                        offset < at + BUNDLE_BLOCK_BYTES + size;
        if (offset < end) {
            return bundle_member_name((enum bundle_member)i);
        }
        at = end;
    }
    return NULL;
}

static void expect_named(const struct bundle_scene *scene, size_t offset,
                         const struct bundle_finding *finding)
{
    bool is_signature = false;
    const char *member = member_at(scene, offset, &is_signature);
    if (finding->is_good) {
        fail_msg("byte %zu of %s may be changed", offset, member != NULL ? member : "the end");
    }
    const char *wanted = member != NULL ? member : "behind the last member";
    if (strstr(finding->reason, wanted) == NULL) {
        fail_msg("byte %zu: %s expected, told: %s", offset, wanted, finding->reason);
    }
    assert_string_equal(finding->member, is_signature     ? "manifest.json"
                                         : member != NULL ? member
                                                          : "");
}

static void test_no_byte_can_be_changed(void **state)
{
    struct bundle_scene *scene = *state;
    scene_make(scene);
    for (size_t i = 0; i < scene->length; i++) {
        const char was = scene->bytes[i];
        scene->bytes[i] = (char)(was ^ (1 << i % 8));
        struct bundle_finding finding = scene_check(scene);
        scene->bytes[i] = was;
        expect_named(scene, i, &finding);
    }
    assert_true(scene_check(scene).is_good);
}

/* The same without a key, where the manifest is believed: a sample of what differs in it. */
static void test_no_byte_can_be_changed_without_a_key(void **state)
{
    struct bundle_scene *scene = *state;
    scene_make(scene);
    for (size_t i = 0; i < scene->length; i += i < 6000 ? 1 : 61) {
        const char was = scene->bytes[i];
        scene->bytes[i] = (char)(was ^ (1 << i % 7));
        struct bundle_finding finding = scene_check_bytes(scene->bytes, scene->length, NULL, NULL);
        scene->bytes[i] = was;
        expect_named(scene, i, &finding);
    }
}

static void test_a_change_of_a_row_or_an_event_is_told_by_its_number(void **state)
{
    struct bundle_scene *scene = *state;
    static const struct {
        const char *text, *member, *told;
    } CASES[] = {{"\"actor\":\"bob\"", "events.jsonl", "event 1: what it says was changed"},
                 {"\"amount_minor\":1001", "log.jsonl", "row 1: what it says was changed"},
                 {"\"kind\":\"reversal_done\"", "log.jsonl", "row 6: what it says was changed"},
                 {"\"kind\":\"reversal\"", "log.jsonl", "row 4: what it says was changed"}};
    scene_make(scene);
    for (uint32_t i = 0; i < COUNT_OF(CASES); i++) {
        char *found = memmem(scene->bytes, scene->length, CASES[i].text, strlen(CASES[i].text));
        assert_non_null(found);
        char *last = found + strlen(CASES[i].text) - 2;
        *last = (char)(*last ^ 1);
        struct bundle_finding finding = scene_check(scene);
        *last = (char)(*last ^ 1);
        assert_false(finding.is_good);
        assert_string_equal(finding.member, CASES[i].member);
        if (strstr(finding.reason, CASES[i].told) == NULL) {
            fail_msg("expected %s, told: %s", CASES[i].told, finding.reason);
        }
        assert_true(finding.offset <= (uint64_t)(found - scene->bytes));
    }
}

/* --- cut, added, moved ------------------------------------------------------------------------ */

static void test_a_bundle_that_was_cut_is_refused(void **state)
{
    struct bundle_scene *scene = *state;
    scene_make(scene);
    for (size_t length = 1; length < scene->length; length += length < 1200 ? 1 : 211) {
        struct bundle_finding finding =
            scene_check_bytes(scene->bytes, length, &scene->public, NULL);
        assert_false(finding.is_good);
        assert_non_null(strstr(finding.reason, "found the end of the file"));
        assert_int_equal(finding.offset, length);
    }
}

static void expect_refused(const struct bundle_scene *scene, const char *bytes, size_t length,
                           const char *told)
{
    struct bundle_finding finding = scene_check_bytes(bytes, length, &scene->public, NULL);
    assert_false(finding.is_good);
    if (strstr(finding.reason, told) == NULL) {
        fail_msg("expected %s, told: %s", told, finding.reason);
    }
}

static void test_bytes_or_members_that_were_added_are_refused(void **state)
{
    struct bundle_scene *scene = *state;
    scene_make(scene);
    size_t end = scene->length - BUNDLE_END_BYTES;
    char *more = calloc(1, scene->length + 4 * BUNDLE_BLOCK_BYTES);
    memcpy(more, scene->bytes, scene->length);
    expect_refused(scene, more, scene->length + 1, "found more bytes");
    /* one member more, or the last one twice */
    bundle_form_header((uint8_t *)more + end, BUNDLE_KEYS, 0, 0);
    expect_refused(scene, more, scene->length + BUNDLE_BLOCK_BYTES, "or one member more");
    /* a path in place of the first member after the signature */
    memcpy(more, scene->bytes, scene->length);
    char *name = memmem(more, scene->length, "README.txt\0\0", 12);
    assert_non_null(name);
    snprintf(name, 32, "../../etc/passwd");
    expect_refused(scene, more, scene->length, "README.txt: ");
    free(more);
}

static void test_files_that_are_none_are_refused(void **state)
{
    const struct bundle_scene *scene = *state;
    char zeros[2048] = "";
    expect_refused(scene, zeros, sizeof(zeros), "this is another file");
    memset(zeros, '7', sizeof(zeros));
    expect_refused(scene, zeros, sizeof(zeros), "this is another file");
    bundle_form_header((uint8_t *)zeros, BUNDLE_ROWS, 512, 0);
    expect_refused(scene, zeros, sizeof(zeros), "its header: expected 0x6d");
}

/* Who holds the key could still not tell another story of the events. */
static void test_a_signer_cannot_leave_out_an_event(void **state)
{
    struct bundle_scene *scene = *state;
    struct bundle_writer *writer = scene_gather(scene);
    scene->gathered->it.event_count = 1;
    scene_finish(scene, writer, &scene->key);
    struct bundle_finding finding = scene_check(scene);
    assert_false(finding.is_good);
    assert_string_equal(finding.member, "events.jsonl");
    assert_non_null(strstr(finding.reason, "the manifest says 1 events"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bundle_scene_set, bundle_scene_strike)
    const struct CMUnitTest tests[] = {
        TEST(test_a_bundle_that_nobody_touched_is_good),
        TEST(test_without_a_key_integrity_alone_is_told),
        TEST(test_a_key_that_did_not_sign_is_refused),
        TEST(test_rows_are_held_against_a_log),
        TEST(test_a_row_that_the_log_does_not_hold_is_named),
        TEST(test_no_byte_can_be_changed),
        TEST(test_no_byte_can_be_changed_without_a_key),
        TEST(test_a_change_of_a_row_or_an_event_is_told_by_its_number),
        TEST(test_a_bundle_that_was_cut_is_refused),
        TEST(test_bytes_or_members_that_were_added_are_refused),
        TEST(test_files_that_are_none_are_refused),
        TEST(test_a_signer_cannot_leave_out_an_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
