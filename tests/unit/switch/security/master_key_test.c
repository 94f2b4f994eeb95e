/* The master key: the test one stays in the lab, a file must be private, whole, and no link. */
#define _XOPEN_SOURCE 700
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "switch/security/master_key.h"

#define DIGITS "000102030405060708090A0B0C0D0E0F101112131415161718191a1b1c1d1e1f"

static char folder[] = "/tmp/tillway_master_key_XXXXXX";
static char path[128];

static void write_file(const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static enum status read_key(enum master_key_source source, uint8_t key[HSM_MASTER_KEY_BYTES],
                            char reason[MASTER_KEY_REASON_SIZE])
{
    const struct master_key_place place = {.source = source, .path = path};
    return master_key_read(key, &place, reason);
}

static void test_the_test_key_stays_in_the_lab_on_loopback(void **state)
{
    (void)state;
    uint8_t key[HSM_MASTER_KEY_BYTES];
    char reason[MASTER_KEY_REASON_SIZE];
    static const struct {
        enum hsm_pin_policy policy;
        bool is_loopback;
        enum status status;
    } cases[] = {{HSM_PIN_LAB, true, STATUS_OK},
                 {HSM_PIN_LAB, false, STATUS_DENIED},
                 {HSM_PIN_NONE, true, STATUS_DENIED},
                 {HSM_PIN_LIVE, true, STATUS_DENIED}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct master_key_place place = {.source = MASTER_KEY_TEST,
                                               .pin_policy = cases[i].policy,
                                               .is_loopback = cases[i].is_loopback};
        assert_int_equal(master_key_read(key, &place, reason), cases[i].status);
        if (cases[i].status == STATUS_OK) {
            assert_memory_equal(key, HSM_TEST_MASTER_KEY, sizeof(key));
        } else {
            static const uint8_t zeros[HSM_MASTER_KEY_BYTES];
            assert_memory_equal(key, zeros, sizeof(key));
            assert_non_null(strstr(reason, "test master key"));
        }
    }
}

static void test_a_private_file_of_64_digits_is_a_key(void **state)
{
    (void)state;
    uint8_t key[HSM_MASTER_KEY_BYTES];
    char reason[MASTER_KEY_REASON_SIZE];
    static const char *const good[] = {DIGITS, DIGITS "\n", DIGITS "\r\n"};
    static const char *const bad[] = {"", DIGITS "0", DIGITS "\n\n\n", "x" DIGITS,
                                      "zz0102030405060708090A0B0C0D0E0F"
                                      "101112131415161718191a1b1c1d1e1f"};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        write_file(good[i], 0600);
        assert_int_equal(read_key(MASTER_KEY_FILE, key, reason), STATUS_OK);
        for (unsigned at = 0; at < sizeof(key); at++) {
            assert_int_equal(key[at], at);
        }
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        write_file(bad[i], 0600);
        assert_int_equal(read_key(MASTER_KEY_FILE, key, reason), STATUS_MALFORMED);
        assert_non_null(strstr(reason, "64 hex digits"));
        assert_null(strstr(reason, "0405"));
    }
}

static void test_others_may_not_read_it(void **state)
{
    (void)state;
    uint8_t key[HSM_MASTER_KEY_BYTES];
    char reason[MASTER_KEY_REASON_SIZE];
    static const mode_t modes[] = {0640, 0604, 0620, 0666};
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        write_file(DIGITS, modes[i]);
        assert_int_equal(read_key(MASTER_KEY_FILE, key, reason), STATUS_DENIED);
        assert_non_null(strstr(reason, "chmod 0600"));
    }
}

static void test_links_folders_and_nothing_are_refused(void **state)
{
    (void)state;
    uint8_t key[HSM_MASTER_KEY_BYTES];
    char reason[MASTER_KEY_REASON_SIZE];
    char target[140];
    write_file(DIGITS, 0600);
    snprintf(target, sizeof(target), "%s.target", path);
    assert_int_equal(rename(path, target), 0);
    assert_int_equal(read_key(MASTER_KEY_FILE, key, reason), STATUS_NOT_FOUND);
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(read_key(MASTER_KEY_FILE, key, reason), STATUS_BROKEN);
    assert_non_null(strstr(reason, "links are not followed"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(target), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(read_key(MASTER_KEY_FILE, key, reason), STATUS_DENIED);
    assert_int_equal(rmdir(path), 0);
}

static void test_a_credential_lies_in_its_folder(void **state)
{
    (void)state;
    uint8_t key[HSM_MASTER_KEY_BYTES];
    char reason[MASTER_KEY_REASON_SIZE];
    struct master_key_place place = {.source = MASTER_KEY_SYSTEMD_CREDENTIAL,
                                     .path = "/etc/tillway/master.key"};
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_int_equal(master_key_read(key, &place, reason), STATUS_NOT_FOUND);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
    write_file(DIGITS, 0440);
    assert_int_equal(master_key_read(key, &place, reason), STATUS_OK);
    write_file(DIGITS, 0644);
    assert_int_equal(master_key_read(key, &place, reason), STATUS_DENIED);
    place.path = "/etc/tillway/";
    assert_int_equal(master_key_read(key, &place, reason), STATUS_NOT_FOUND);
}

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/master.key", folder);
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_test_key_stays_in_the_lab_on_loopback),
        cmocka_unit_test(test_a_private_file_of_64_digits_is_a_key),
        cmocka_unit_test(test_others_may_not_read_it),
        cmocka_unit_test(test_links_folders_and_nothing_are_refused),
        cmocka_unit_test(test_a_credential_lies_in_its_folder),
    };
    return cmocka_run_group_tests_name("switch/security/master_key", tests, make_folder,
                                       drop_folder);
}
