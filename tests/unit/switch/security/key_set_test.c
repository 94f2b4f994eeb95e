/* The rows of a key file: read aside, put in force at once, and only what is new. */
#include "tests/unit/switch/security/security_fixture.h"

#include <pthread.h>

#include "switch/security/key_name.h"
#include "switch/security/security_state.h"

static void add(struct key_set *set, const char *name, const struct wrapped_key *key)
{
    char reason[SECURITY_REASON_SIZE];
    const struct security_key_row row = {name, key->kind, key->record.block, 2};
    assert_int_equal(key_set_add(set, &row, reason), STATUS_OK);
}

static void settle(struct key_set *set)
{
    char reason[SECURITY_REASON_SIZE];
    uint32_t line;
    assert_int_equal(key_set_settle(set, &line, reason), STATUS_OK);
}

static struct wrapped_key master_key_of(const char *name, const char *hex)
{
    return wrapped_key(name, HSM_KEY_TERMINAL_MASTER, hex);
}

static void get(struct security *security, const char *terminal_id, uint32_t which,
                struct hsm_key_sealed *sealed)
{
    const struct terminal_keys *terminal = key_table_terminal(security->keys, terminal_id);
    assert_non_null(terminal);
    assert_true(key_cell_get(&terminal->keys[which], sealed));
}

static void test_nothing_is_in_force_before_it_is_applied(void **state)
{
    (void)state;
    char reason[SECURITY_REASON_SIZE];
    struct security *security = bare_security(1);
    struct key_set *set = key_set_create(security);
    const struct wrapped_key data = wrapped_key("own:pan:data", HSM_KEY_DATA, TEST_WIDE),
                             hash = wrapped_key("own:pan:hash", HSM_KEY_HASH, TEST_WIDE),
                             tmk = master_key_of("term:10000001:tmk", TEST_TMK),
                             zpk = wrapped_key("chan:bank_a:zpk", HSM_KEY_PIN_OUT, TEST_ZPK);
    add(set, "own:pan:data", &data);
    add(set, "own:pan:hash", &hash);
    add(set, "term:10000001:tmk", &tmk);
    add(set, "chan:bank_a:zpk", &zpk);
    settle(set);
    assert_int_equal(key_set_count(set), 4);
    assert_int_equal(security_check(security, reason), STATUS_MISSING);
    assert_non_null(strstr(reason, "own:pan:data"));
    assert_false(security_has_terminal(security, "10000001"));
    assert_int_equal(security_channel(security, "bank_a"), -1);
    assert_true(key_set_has_terminal(set, "10000001"));
    assert_false(key_set_has_terminal(set, "10000002"));
    key_set_apply(set);
    key_set_destroy(set);
    assert_int_equal(security_check(security, reason), STATUS_OK);
    assert_true(security_has_terminal(security, "10000001"));
    assert_int_equal(security_channel(security, "bank_a"), 0);
    security_destroy(security);
}

static void test_a_bad_row_says_why_and_is_left_out(void **state)
{
    (void)state;
    char reason[SECURITY_REASON_SIZE];
    struct security *security = bare_security(1);
    struct key_set *set = key_set_create(security);
    const struct wrapped_key data = wrapped_key("own:pan:data", HSM_KEY_DATA, TEST_WIDE);
    const struct security_key_row row = {"own:pan:hash", data.kind, data.record.block, 2};
    assert_int_equal(key_set_add(set, &row, reason), STATUS_BAD_VALUE);
    assert_non_null(strstr(reason, "own:pan:hash"));
    add(set, "own:pan:data", &data);
    settle(set);
    assert_int_equal(key_set_count(set), 1);
    key_set_destroy(set);
    security_destroy(security);
}

/* A reload of a file that has not changed touches nothing but channels' keys. */
static void test_what_is_in_force_already_is_left_out(void **state)
{
    (void)state;
    struct security *security = lab_security(1);
    struct key_set *set = key_set_create(security);
    const struct wrapped_key data = wrapped_key("own:pan:data", HSM_KEY_DATA, TEST_WIDE),
                             tmk = master_key_of("term:10000001:tmk", TEST_TMK),
                             next = master_key_of("term:10000002:tmk", TEST_TMK),
                             zpk = wrapped_key("chan:bank_a:zpk", HSM_KEY_PIN_OUT, TEST_ZPK);
    add(set, "own:pan:data", &data);
    add(set, "term:10000001:tmk", &tmk);
    add(set, "term:10000002:tmk", &next);
    add(set, "chan:bank_a:zpk", &zpk);
    settle(set);
    assert_int_equal(key_set_count(set), 2);
    assert_true(key_set_has_terminal(set, "10000001"));
    key_set_destroy(set);
    security_destroy(security);
}

/* Also where the one before it is in force already, and would be left out by itself. */
static void test_the_last_of_one_name_counts(void **state)
{
    (void)state;
    static const char *const NAME = "term:10000001:tmk";
    const struct wrapped_key old = master_key_of(NAME, TEST_TMK),
                             other = master_key_of(NAME, TEST_ZPK);
    const struct wrapped_key *const rows[][3] = {{&other, &old, &old}, {&old, &old, &other}};
    for (int i = 0; i < 2; i++) {
        struct security *security = lab_security(1);
        struct key_set *set = key_set_create(security);
        struct hsm_key_sealed before, after;
        get(security, "10000001", TERMINAL_TMK, &before);
        for (int k = 0; k < 3; k++) {
            add(set, NAME, rows[i][k]);
        }
        settle(set);
        assert_int_equal(key_set_count(set), i);
        key_set_apply(set);
        get(security, "10000001", TERMINAL_TMK, &after);
        assert_int_equal(memcmp(&before, &after, sizeof(before)) != 0, i);
        key_set_destroy(set);
        security_destroy(security);
    }
}

/* Whichever comes first: the terminal signs on between the reading and the swap. */
static void test_a_signon_meanwhile_outlasts_the_set(void **state)
{
    (void)state;
    static const char *const NAME = "term:10000001:mak";
    const struct wrapped_key mak = wrapped_key(NAME, HSM_KEY_MAC, TEST_ZAK);
    struct security *security = lab_security(1);
    struct key_set *set = key_set_create(security);
    const struct payment signon = signon_payment("10000001", "003");
    struct security_made_keys made;
    struct hsm_key_sealed before, after;
    add(set, NAME, &mak);
    settle(set);
    assert_int_equal(key_set_count(set), 1);
    assert_int_equal(security_make_keys(security_unit(security, 0), &signon, &made), HSM_DONE);
    assert_int_equal(
        security_install(security, (struct byte_view){made.records, made.records_length}),
        STATUS_OK);
    get(security, "10000001", TERMINAL_MAK, &before);
    key_set_apply(set);
    get(security, "10000001", TERMINAL_MAK, &after);
    assert_memory_equal(&before, &after, sizeof(before));
    key_set_destroy(set);
    set = key_set_create(security);
    add(set, NAME, &mak);
    settle(set);
    assert_int_equal(key_set_count(set), 0);
    key_set_destroy(set);
    security_destroy(security);
}

/* What came with the keys has failed: replaced keys are back, new ones gone, and a bank's exchange
 * is remembered. */
static void test_what_was_applied_is_taken_back_whole(void **state)
{
    (void)state;
    struct security *security = lab_security(1);
    struct key_set *set = key_set_create(security);
    const struct wrapped_key tmk = master_key_of("term:10000001:tmk", TEST_ZPK),
                             next = master_key_of("term:10000002:tmk", TEST_TMK),
                             zpk = wrapped_key("chan:bank_a:zpk", HSM_KEY_PIN_OUT, TEST_ZAK),
                             other = wrapped_key("chan:bank_z:zpk", HSM_KEY_PIN_OUT, TEST_ZPK);
    struct channel_keys *channel = key_table_channel_at(security->keys, 0);
    struct hsm_key_sealed before[3], after[3];
    get(security, "10000001", TERMINAL_TMK, &before[0]);
    assert_true(key_cell_get(&channel->keys[CHANNEL_ZPK], &before[1]));
    before[2] = channel->loaded[CHANNEL_ZPK];
    channel->is_exchanged[CHANNEL_ZPK] = true;
    add(set, "term:10000001:tmk", &tmk);
    add(set, "term:10000002:tmk", &next);
    add(set, "chan:bank_a:zpk", &zpk);
    add(set, "chan:bank_z:zpk", &other);
    settle(set);
    for (int round = 0; round < 2; round++) { /* a set may be applied again */
        key_set_apply(set);
        get(security, "10000001", TERMINAL_TMK, &after[0]);
        assert_memory_not_equal(&before[0], &after[0], sizeof(before[0]));
        assert_true(security_has_terminal(security, "10000002"));
        assert_false(channel->is_exchanged[CHANNEL_ZPK]);
        key_set_take_back(set);
        get(security, "10000001", TERMINAL_TMK, &after[0]);
        assert_true(key_cell_get(&channel->keys[CHANNEL_ZPK], &after[1]));
        after[2] = channel->loaded[CHANNEL_ZPK];
        assert_memory_equal(before, after, sizeof(before));
        assert_true(channel->is_exchanged[CHANNEL_ZPK]);
        assert_false(security_has_terminal(security, "10000002"));
        assert_false(
            key_cell_get(&key_table_channel_at(security->keys, 1)->keys[CHANNEL_ZPK], &after[0]));
    }
    key_set_destroy(set);
    security_destroy(security);
}

/* Keys of a sign-on or an exchange that the set left alone are left alone on the way back, too. */
static void test_taking_back_leaves_what_was_not_replaced(void **state)
{
    (void)state;
    static const char *const NAME = "term:10000001:mak";
    const struct wrapped_key mak = wrapped_key(NAME, HSM_KEY_MAC, TEST_ZAK);
    struct security *security = lab_security(1);
    struct key_set *set = key_set_create(security);
    const struct payment signon = signon_payment("10000001", "003");
    struct security_made_keys made;
    struct hsm_key_sealed before, after;
    add(set, NAME, &mak);
    settle(set);
    assert_int_equal(security_make_keys(security_unit(security, 0), &signon, &made), HSM_DONE);
    assert_int_equal(
        security_install(security, (struct byte_view){made.records, made.records_length}),
        STATUS_OK);
    get(security, "10000001", TERMINAL_MAK, &before);
    key_set_apply(set);
    key_set_take_back(set);
    get(security, "10000001", TERMINAL_MAK, &after);
    assert_memory_equal(&before, &after, sizeof(before));
    expect_assert_failure(key_set_take_back(set));
    key_set_destroy(set);
    security_destroy(security);
}

/* Two keys of one terminal take one place; of those that are too many the file's line is told. */
static void test_holders_are_counted_before_any_is_enrolled(void **state)
{
    (void)state;
    char reason[SECURITY_REASON_SIZE];
    for (uint32_t count = 3; count <= 4; count++) { /* beside the one that is there; room for 4 */
        struct security *security = lab_security(1);
        struct key_set *set = key_set_create(security);
        uint32_t line = 0;
        for (uint32_t i = 0; i < 2 * count; i++) {
            char name[HSM_KEY_NAME_SIZE];
            bool is_mac = i % 2 == 1;
            snprintf(name, sizeof(name), "term:%u:%s", 20000001 + i / 2, is_mac ? "mak" : "tmk");
            const struct wrapped_key key =
                wrapped_key(name, is_mac ? HSM_KEY_MAC : HSM_KEY_TERMINAL_MASTER, TEST_TMK);
            const struct security_key_row row = {name, key.kind, key.record.block, 2 + i};
            assert_int_equal(key_set_add(set, &row, reason), STATUS_OK);
        }
        assert_int_equal(key_set_settle(set, &line, reason),
                         count == 3 ? STATUS_OK : STATUS_NO_ROOM);
        if (count == 3) {
            key_set_apply(set);
        } else {
            assert_int_equal(line, 8);
            assert_non_null(strstr(reason, "\"term:20000004:tmk\""));
            assert_non_null(strstr(reason, "limit of terminals"));
        }
        assert_int_equal(security_has_terminal(security, "20000003"), count == 3);
        key_set_destroy(set);
        security_destroy(security);
    }
}

struct reading {
    struct security *security;
    const struct wrapped_key *keys;
    struct key_set *set;
};

static void *read_set(void *argument)
{
    struct reading *reading = argument;
    reading->set = key_set_create(reading->security);
    for (uint32_t i = 0; i < 200; i++) {
        add(reading->set, "term:10000001:tmk", &reading->keys[i % 2]);
    }
    add(reading->set, "term:10000002:tmk", &reading->keys[2]);
    settle(reading->set);
    return NULL;
}

/* The thread of a reload reads while this one signs terminals on and answers them. */
static void test_a_set_is_read_beside_signons(void **state)
{
    (void)state;
    const struct wrapped_key keys[] = {master_key_of("term:10000001:tmk", TEST_ZPK),
                                       master_key_of("term:10000001:tmk", TEST_ZAK),
                                       master_key_of("term:10000002:tmk", TEST_TMK)};
    static const uint8_t scope[16] = {1};
    struct security *security = lab_security(1);
    struct reading reading = {security, keys, NULL};
    const struct payment signon = signon_payment("10000001", "003");
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_set, &reading), 0);
    for (uint32_t i = 0; i < 200; i++) {
        struct security_unit *unit = security_unit(security, 0);
        struct security_made_keys made;
        uint8_t mac[SECURITY_MAC_BYTES];
        const struct byte_view bytes = {scope, sizeof(scope)};
        assert_int_equal(security_make_keys(unit, &signon, &made), HSM_DONE);
        assert_int_equal(
            security_install(security, (struct byte_view){made.records, made.records_length}),
            STATUS_OK);
        assert_int_equal(security_reply_mac(unit, "10000001", bytes, mac), HSM_DONE);
        assert_int_equal(
            security_gate_verify(unit, "10000001", bytes, (struct byte_view){mac, sizeof(mac)})
                .gate,
            SECURITY_PASS);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(key_set_count(reading.set), 2);
    assert_false(security_has_terminal(security, "10000002"));
    key_set_apply(reading.set);
    assert_true(security_has_terminal(security, "10000002"));
    key_set_destroy(reading.set);
    security_destroy(security);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_in_force_before_it_is_applied),
        cmocka_unit_test(test_a_bad_row_says_why_and_is_left_out),
        cmocka_unit_test(test_what_is_in_force_already_is_left_out),
        cmocka_unit_test(test_the_last_of_one_name_counts),
        cmocka_unit_test(test_a_signon_meanwhile_outlasts_the_set),
        cmocka_unit_test(test_what_was_applied_is_taken_back_whole),
        cmocka_unit_test(test_taking_back_leaves_what_was_not_replaced),
        cmocka_unit_test(test_holders_are_counted_before_any_is_enrolled),
        cmocka_unit_test(test_a_set_is_read_beside_signons),
    };
    return cmocka_run_group_tests_name("switch/security/key_set", tests, NULL, NULL);
}
