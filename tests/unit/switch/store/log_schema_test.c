/* The hash of a row in its two parts: it can be worked out without the secret columns. */
#include <string.h>

#include "switch/store/log_schema.h"
#include "tests/unit/unit_test.h"

struct scene {
    struct log_hasher hasher;
    uint8_t bytes[4096];
    size_t length;
    char names[2048];
};

static int set_scene(void **state)
{
    static struct scene scene;
    scene = (struct scene){0};
    *state = &scene;
    return log_hasher_open(&scene.hasher) != STATUS_OK;
}

static int strike_scene(void **state)
{
    struct scene *scene = *state;
    log_hasher_close(&scene->hasher);
    return 0;
}

static void put(struct scene *scene, const void *bytes, size_t length)
{
    assert_true(length <= sizeof(scene->bytes) - scene->length);
    memcpy(scene->bytes + scene->length, bytes, length);
    scene->length += length;
}

static void put_name(struct scene *scene, const char *column)
{
    size_t used = strlen(scene->names);
    snprintf(scene->names + used, sizeof(scene->names) - used, "%s ", column);
}

static void on_number(void *argument, const char *column, int64_t value)
{
    uint8_t big_endian[8];
    for (int i = 0; i < 8; i++) {
        big_endian[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
    }
    put(argument, big_endian, sizeof(big_endian));
    put_name(argument, column);
}

static void on_text(void *argument, const char *column, const char *text, uint32_t length)
{
    const uint8_t counted[2] = {(uint8_t)(length >> 8), (uint8_t)length};
    put(argument, counted, sizeof(counted));
    put(argument, text, length);
    put_name(argument, column);
}

static struct record card_payment(void)
{
    struct record record = {.position = 7,
                            .kind = RECORD_INTENT,
                            .wall_us = -5,
                            .payment_kind = PAYMENT_PURCHASE,
                            .terminal_id = "10000001",
                            .amount = {1234, 156},
                            .pan_masked = "622500******0014",
                            .expiry = "3012",
                            .answer_length = 3,
                            .answer = {1, 2, 3}};
    memset(record.pan_hash.bytes, 9, sizeof(record.pan_hash.bytes));
    return record;
}

/* Previous hash, open columns, what stands for the secret ones: SHA-256 of that, by hand. */
static void work_out(struct scene *scene, const struct log_hash *previous,
                     const struct record *record, struct log_hash *hash)
{
    struct log_hash secrets;
    const struct log_column_sink sink = {on_number, on_text, scene};
    put(scene, previous->bytes, LOG_HASH_BYTES);
    log_open_columns(record, &sink);
    assert_int_equal(log_hash_secrets(&scene->hasher, previous, record, &secrets), STATUS_OK);
    put(scene, secrets.bytes, LOG_HASH_BYTES);
    assert_int_equal(EVP_Digest(scene->bytes, scene->length, hash->bytes, NULL, EVP_sha256(), NULL),
                     1);
}

static void test_a_hash_is_worked_out_without_the_secret_columns(void **state)
{
    struct scene *scene = *state;
    struct log_hash chain = {{1, 2, 3}};
    struct log_hash hash;
    struct record record = card_payment();
    work_out(scene, &chain, &record, &hash);
    assert_int_equal(log_hash_record(&scene->hasher, &chain, &record), STATUS_OK);
    assert_memory_equal(chain.bytes, hash.bytes, LOG_HASH_BYTES);
    assert_non_null(strstr(scene->names, "position kind wall_us "));
    assert_non_null(strstr(scene->names, " pan_masked card_sequence "));
    assert_null(strstr(scene->names, "expiry"));
    assert_null(strstr(scene->names, "pan_hash"));
    assert_null(strstr(scene->names, "payload"));
}

static void test_every_secret_column_is_in_the_hash(void **state)
{
    struct scene *scene = *state;
    const struct record first = card_payment();
    struct record others[5] = {first, first, first, first, first};
    struct log_hash told;
    others[0].expiry[3] = '3';
    others[1].pan_hash.bytes[15] ^= 1;
    others[2].pan_sealed.length = 1;
    others[3].answer[2] = 4;
    others[4].payload_length = 1;
    const struct log_hash none = {0};
    assert_int_equal(log_hash_secrets(&scene->hasher, &none, &first, &told), STATUS_OK);
    for (uint32_t i = 0; i < COUNT_OF(others); i++) {
        struct log_hash chains[2] = {{{1}}, {{1}}};
        struct log_hash secrets;
        assert_int_equal(log_hash_secrets(&scene->hasher, &none, &others[i], &secrets), STATUS_OK);
        assert_memory_not_equal(secrets.bytes, told.bytes, LOG_HASH_BYTES);
        assert_int_equal(log_hash_record(&scene->hasher, &chains[0], &first), STATUS_OK);
        assert_int_equal(log_hash_record(&scene->hasher, &chains[1], &others[i]), STATUS_OK);
        assert_memory_not_equal(chains[0].bytes, chains[1].bytes, LOG_HASH_BYTES);
    }
}

static void test_equal_secrets_behind_different_rows_do_not_look_alike(void **state)
{
    struct scene *scene = *state;
    const struct record record = card_payment();
    const struct record bare = {.position = 8, .kind = RECORD_EPOCH};
    const struct log_hash chains[2] = {{{1}}, {{2}}};
    const struct log_hash zeros = {0};
    struct log_hash secrets[2];
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(log_hash_secrets(&scene->hasher, &chains[i], &record, &secrets[i]),
                         STATUS_OK);
    }
    assert_memory_not_equal(secrets[0].bytes, secrets[1].bytes, LOG_HASH_BYTES);
    assert_int_equal(log_hash_secrets(&scene->hasher, &chains[0], &bare, &secrets[0]), STATUS_OK);
    assert_memory_equal(secrets[0].bytes, zeros.bytes, LOG_HASH_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_hash_is_worked_out_without_the_secret_columns,
                                        set_scene, strike_scene),
        cmocka_unit_test_setup_teardown(test_every_secret_column_is_in_the_hash, set_scene,
                                        strike_scene),
        cmocka_unit_test_setup_teardown(test_equal_secrets_behind_different_rows_do_not_look_alike,
                                        set_scene, strike_scene),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
