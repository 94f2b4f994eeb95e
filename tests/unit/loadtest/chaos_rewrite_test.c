/* Fields changed in place, in characters and in BCD, with the MAC made anew. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "loadtest/chaos_rewrite.h"
#include "loadtest/spec_file.h"

struct stage {
    struct spec *spec;
    struct chaos_seal seal;
    uint8_t bytes[600];
    struct byte_writer writer;
};

static void stage_open(struct stage *stage, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/config/specs/%s.yaml", TILLWAY_SOURCE_DIR, name);
    *stage = (struct stage){.spec = spec_file_spec(path, stderr)};
    assert_non_null(stage->spec);
    stage->seal = (struct chaos_seal){.tdes = tdes_create(),
                                      .algorithm = TDES_MAC_X9_19,
                                      .key = {.bytes = "0123456789abcdef", .length = 16}};
}

static void stage_close(struct stage *stage)
{
    tdes_destroy(stage->seal.tdes);
    spec_destroy(stage->spec);
}

static void seal_put(struct stage *stage, struct byte_view scope)
{
    uint8_t mac[8];
    tdes_mac(stage->seal.tdes, stage->seal.algorithm, &stage->seal.key, scope, mac);
    message_put_mac(stage->spec, &stage->writer, mac);
}

static void sale_build(struct stage *stage)
{
    struct message_draft draft;
    struct message_fault fault;
    struct byte_view scope;
    message_draft_init(&draft, stage->spec, "0200");
    draft.header =
        (struct byte_view){(const uint8_t *)"\x60\x22\x00\x31\x10\x01", stage->spec->header_bytes};
    message_draft_set_text(&draft, 2, "6225000000000014");
    message_draft_set_text(&draft, 4, "000000012345");
    message_draft_set_text(&draft, 11, "000123");
    message_draft_set_text(&draft, 41, "10000001");
    message_draft_set_text(&draft, 49, "156");
    byte_writer_init(&stage->writer, stage->bytes, sizeof stage->bytes);
    assert_int_equal(message_build(&draft, &stage->writer, &scope, &fault), STATUS_OK);
    seal_put(stage, scope);
}

static void text_of(struct stage *stage, unsigned field, char text[64])
{
    struct message message;
    struct message_fault fault;
    assert_int_equal(message_parse(&message, stage->spec,
                                   (struct byte_view){stage->bytes, stage->writer.position},
                                   &fault),
                     STATUS_OK);
    (void)message_text(&message, field, text, 64);
}

/* A MAC that is made again over what stands there now changes nothing: it was right. */
static void assert_sealed(struct stage *stage)
{
    struct message message;
    struct message_fault fault;
    uint8_t before[600];
    struct byte_view view = {stage->bytes, stage->writer.position};
    assert_int_equal(message_parse(&message, stage->spec, view, &fault), STATUS_OK);
    memcpy(before, stage->bytes, view.length);
    seal_put(stage, message_mac_scope(&message));
    assert_memory_equal(before, stage->bytes, view.length);
}

static void test_a_field_gets_its_value_and_the_mac_is_right(void **state)
{
    (void)state;
    static const char *const specs[] = {"iso8583-1987-ascii", "unionpay-pos"};
    for (size_t i = 0; i < COUNT_OF(specs); i++) {
        struct stage stage;
        char told[CHAOS_TOLD_SIZE], text[64];
        stage_open(&stage, specs[i]);
        sale_build(&stage);
        struct chaos_change amount = {4, "777", 0}, terminal = {41, "99999999", 0};
        assert_int_equal(chaos_rewrite(stage.spec, &stage.writer, &amount, &stage.seal, told),
                         STATUS_OK);
        assert_string_equal(told, "000000012345 to 000000000777");
        assert_int_equal(chaos_rewrite(stage.spec, &stage.writer, &terminal, &stage.seal, told),
                         STATUS_OK);
        text_of(&stage, 4, text);
        assert_string_equal(text, "000000000777");
        text_of(&stage, 41, text);
        assert_string_equal(text, "99999999");
        text_of(&stage, 11, text);
        assert_string_equal(text, "000123");
        assert_sealed(&stage);
        stage_close(&stage);
    }
}

static void test_a_drawn_value_differs_and_follows_the_seed(void **state)
{
    (void)state;
    struct stage stage;
    char told[CHAOS_TOLD_SIZE], first[64], again[64];
    stage_open(&stage, "iso8583-1987-ascii");
    for (uint64_t draw = 0; draw < 200; draw++) {
        struct chaos_change change = {11, "", draw};
        sale_build(&stage);
        assert_int_equal(chaos_rewrite(stage.spec, &stage.writer, &change, &stage.seal, told),
                         STATUS_OK);
        text_of(&stage, 11, first);
        assert_string_not_equal(first, "000123");
        sale_build(&stage);
        assert_int_equal(chaos_rewrite(stage.spec, &stage.writer, &change, &stage.seal, told),
                         STATUS_OK);
        text_of(&stage, 11, again);
        assert_string_equal(first, again);
    }
    stage_close(&stage);
}

static void test_without_a_key_the_mac_stays_as_it_came(void **state)
{
    (void)state;
    struct stage stage;
    char told[CHAOS_TOLD_SIZE];
    uint8_t before[16];
    stage_open(&stage, "iso8583-1987-ascii");
    sale_build(&stage);
    memcpy(before, stage.bytes + stage.writer.position - 16, 16);
    struct chaos_seal none = {.algorithm = TDES_MAC_NONE};
    struct chaos_change change = {11, "999999", 0};
    assert_int_equal(chaos_rewrite(stage.spec, &stage.writer, &change, &none, told), STATUS_OK);
    assert_memory_equal(before, stage.bytes + stage.writer.position - 16, 16);
    stage_close(&stage);
}

static void test_a_hidden_field_is_changed_but_not_told(void **state)
{
    (void)state;
    struct stage stage;
    char told[CHAOS_TOLD_SIZE];
    stage_open(&stage, "iso8583-1987-ascii");
    sale_build(&stage);
    struct chaos_change change = {2, "", 5};
    assert_int_equal(chaos_rewrite(stage.spec, &stage.writer, &change, &stage.seal, told),
                     STATUS_OK);
    assert_string_equal(told, "hidden");
    stage_close(&stage);
}

static void test_what_does_not_fit_changes_nothing(void **state)
{
    (void)state;
    struct stage stage;
    char told[CHAOS_TOLD_SIZE];
    uint8_t before[600];
    stage_open(&stage, "iso8583-1987-ascii");
    sale_build(&stage);
    memcpy(before, stage.bytes, sizeof before);
    struct chaos_change changes[] = {{4, "12x", 0}, {11, "1234567", 0}, {38, "1", 0}};
    assert_int_equal(chaos_rewrite(stage.spec, &stage.writer, &changes[0], &stage.seal, told),
                     STATUS_BAD_VALUE);
    assert_int_equal(chaos_rewrite(stage.spec, &stage.writer, &changes[1], &stage.seal, told),
                     STATUS_BAD_VALUE);
    assert_int_equal(chaos_rewrite(stage.spec, &stage.writer, &changes[2], &stage.seal, told),
                     STATUS_MISSING);
    assert_memory_equal(before, stage.bytes, sizeof before);
    stage.writer.position = 30;
    assert_int_equal(chaos_rewrite(stage.spec, &stage.writer, &changes[0], &stage.seal, told),
                     STATUS_MALFORMED);
    stage_close(&stage);
}

static void test_damage_changes_bytes_and_nothing_beside_them(void **state)
{
    (void)state;
    uint8_t bytes[66] = {0};
    for (uint64_t draw = 0; draw < 100; draw++) {
        memset(bytes, 0, sizeof bytes);
        chaos_damage(bytes + 1, 64, 1, draw);
        uint32_t changed = 0;
        for (size_t i = 1; i < 65; i++) {
            changed += bytes[i] != 0;
        }
        assert_int_equal(changed, 1);
        assert_int_equal(bytes[0] + bytes[65], 0);
    }
    chaos_damage(bytes, 0, 5, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_field_gets_its_value_and_the_mac_is_right),
        cmocka_unit_test(test_a_drawn_value_differs_and_follows_the_seed),
        cmocka_unit_test(test_without_a_key_the_mac_stays_as_it_came),
        cmocka_unit_test(test_a_hidden_field_is_changed_but_not_told),
        cmocka_unit_test(test_what_does_not_fit_changes_nothing),
        cmocka_unit_test(test_damage_changes_bytes_and_nothing_beside_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
