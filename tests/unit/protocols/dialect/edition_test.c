/* An edition lives as long as somebody holds it. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "config/file_text.h"
#include "protocols/dialect/edition.h"

static struct dialect *dialect_make(void)
{
    struct document *document =
        file_text_load_yaml(TILLWAY_SOURCE_DIR "/config/specs/unionpay-pos.yaml");
    assert_non_null(document);
    struct dialect *dialect = dialect_compile(document);
    document_destroy(document);
    assert_non_null(dialect);
    return dialect;
}

static void test_an_edition_lives_until_its_last_holder_lets_go(void **state)
{
    (void)state;
    static const uint8_t hash[EDITION_HASH_BYTES] = {1, 2, 3};
    struct edition *edition = edition_create(dialect_make(), hash);
    assert_non_null(edition);
    assert_ptr_equal(edition_hold(edition), edition);
    edition_release(edition);
    /* The address sanitizer says if it were gone. */
    assert_string_equal(dialect_name(edition_dialect(edition)), "unionpay-pos");
    edition_release(edition);
    edition_release(NULL);
}

static void test_an_edition_is_known_by_what_its_file_said(void **state)
{
    (void)state;
    uint8_t hash[EDITION_HASH_BYTES] = {7};
    struct edition *edition = edition_create(dialect_make(), hash);
    assert_true(edition_is_of(edition, hash));
    hash[EDITION_HASH_BYTES - 1] = 1;
    assert_false(edition_is_of(edition, hash));
    edition_release(edition);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_edition_lives_until_its_last_holder_lets_go),
        cmocka_unit_test(test_an_edition_is_known_by_what_its_file_said),
    };
    return cmocka_run_group_tests_name("protocols/dialect/edition", tests, NULL, NULL);
}
