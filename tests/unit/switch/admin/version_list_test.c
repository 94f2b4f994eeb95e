/* What the audit file is told of versions before they take effect. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "switch/admin/version_call.h"
#include "switch/admin/version_list.h"
#include "tests/unit/unit_test.h"

#define COMMAND_SIZE 200

static char store[64];
static char hashes[4][RULE_HASH_SIZE]; /* of the fees of versions 1 to 3 */

static void keep(struct version_folder *folder, uint32_t turn)
{
    char reason[RULE_VERSION_REASON_SIZE], fees[16];
    struct rule_version version = {
        .number = version_folder_next(folder), .turn = turn, .way = RULE_WAY_PROPOSAL};
    snprintf(fees, sizeof(fees), "fees %u", version.number);
    assert_int_equal(version_folder_stage(folder, reason), STATUS_OK);
    assert_int_equal(version_folder_stage_file(folder, RULE_FILE_FEES, fees, (uint32_t)strlen(fees),
                                               &version, reason),
                     STATUS_OK);
    assert_int_equal(
        version_folder_stage_file(folder, RULE_FILE_ROUTES, "routes", 6, &version, reason),
        STATUS_OK);
    assert_int_equal(version_folder_keep(folder, &version, reason), STATUS_OK);
    memcpy(hashes[version.number], version.files[RULE_FILE_FEES].hash, RULE_HASH_SIZE);
}

static int stage_set(void **state)
{
    char reason[RULE_VERSION_REASON_SIZE];
    bool is_taken;
    (void)state;
    memcpy(store, "/tmp/tillway-version-list-XXXXXX", sizeof("/tmp/tillway-version-list-XXXXXX"));
    if (mkdtemp(store) == NULL) {
        return -1;
    }
    struct version_folder *folder = version_folder_open(store, &is_taken, reason);
    if (folder == NULL) {
        return -1;
    }
    for (uint32_t turn = 1; turn <= 3; turn++) {
        keep(folder, turn);
    }
    version_folder_close(folder);
    return 0;
}

static int stage_strike(void **state)
{
    char command[COMMAND_SIZE];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", store);
    return system(command);
}

/* What stands in the line that is written before a roll-back to that version. */
static const char *note_of(const char *number, char note[VERSION_NOTE_SIZE])
{
    const struct call call = {
        .endpoint = ENDPOINT_VERSION_ROLL_BACK, .parameter = number, .log = store};
    return version_call_note(&call, note);
}

static void test_a_roll_back_is_begun_with_the_hashes_before_and_after(void **state)
{
    char note[VERSION_NOTE_SIZE], expected[VERSION_NOTE_SIZE];
    (void)state;
    snprintf(expected, sizeof(expected), "fees.yaml %s -> %s", hashes[3], hashes[1]);
    assert_non_null(note_of("1", note));
    assert_string_equal(note, expected);
    snprintf(expected, sizeof(expected), "fees.yaml %s -> %s", hashes[3], hashes[2]);
    assert_non_null(note_of("0", note)); /* the one before */
    assert_string_equal(note, expected);
}

static void test_a_roll_back_to_nothing_notes_nothing(void **state)
{
    char note[VERSION_NOTE_SIZE];
    (void)state;
    assert_null(note_of("9", note));
    assert_null(note_of("x", note));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_roll_back_is_begun_with_the_hashes_before_and_after),
        cmocka_unit_test(test_a_roll_back_to_nothing_notes_nothing),
    };
    return cmocka_run_group_tests(tests, stage_set, stage_strike);
}
