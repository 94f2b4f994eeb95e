/* Documents: a tree with places, typed readings, and faults that can be acted on. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/document.h"

struct stage {
    struct document *document;
    struct document_node *root;
};

static struct document_node *add_scalar(struct stage *stage, const char *key, const char *text)
{
    const struct document_node model = {
        .kind = DOCUMENT_SCALAR, .key = key, .text = text, .line = 7, .column = 3};
    struct document_node *node = document_add(stage->document, stage->root, &model);
    assert_non_null(node);
    return node;
}

static void stage_open(struct stage *stage)
{
    stage->document = document_create("f.yaml");
    assert_non_null(stage->document);
    const struct document_node model = {.kind = DOCUMENT_MAPPING, .line = 1, .column = 1};
    stage->root = document_add(stage->document, NULL, &model);
    assert_ptr_equal(document_root(stage->document), stage->root);
}

static void assert_last_fault(struct stage *stage, const char *text)
{
    uint32_t count = document_fault_count(stage->document);
    assert_true(count > 0);
    assert_string_equal(document_fault_text(stage->document, count - 1), text);
}

static void test_members_are_found_by_key(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    struct document_node *a = add_scalar(&stage, "a", "1");
    struct document_node *b = add_scalar(&stage, "b", "2");
    assert_ptr_equal(document_member(stage.root, "b"), b);
    assert_ptr_equal(document_member(stage.root, "a"), a);
    assert_null(document_member(stage.root, "c"));
    assert_null(document_member(a, "a"));
    assert_null(document_member(NULL, "a"));
    assert_ptr_equal(a->next, b);
    assert_int_equal(stage.root->child_count, 2);
    document_destroy(stage.document);
    document_destroy(NULL);
}

static void test_an_integer_is_decimal_and_in_range(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    static const struct {
        const char *text;
        int64_t value; /* -7: a fault */
    } cases[] = {
        {"0", 0},   {"42", 42}, {"-5", -5},  {"100", 100}, {"101", -7},
        {"-6", -7}, {"", -7},   {"012", -7}, {"-0", -7},   {"1e3", -7},
        {"-", -7},  {"+1", -7}, {" 1", -7},  {"0x10", -7}, {"9999999999999999999", -7},
    };
    uint32_t faults = 0;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char key[8];
        snprintf(key, sizeof(key), "k%zu", i);
        add_scalar(&stage, key, cases[i].text);
        int64_t value =
            document_integer(stage.document, stage.root, (struct document_want){key, true},
                             (const int64_t[]){-5, 100, -7});
        assert_int_equal(value, cases[i].value);
        faults += cases[i].value == -7;
        assert_int_equal(document_fault_count(stage.document), faults);
    }
    assert_string_equal(
        document_fault_text(stage.document, 0),
        "f.yaml:7:3: \"k4\" is \"101\"; a whole number from -5 to 100 was expected");
    document_destroy(stage.document);
}

static void test_an_absent_member_is_a_fault_only_where_required(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    const struct document_want may = {"x", false};
    const struct document_want must = {"x", true};
    assert_string_equal(document_text(stage.document, stage.root, may, "else"), "else");
    assert_true(document_boolean(stage.document, stage.root, may, true));
    assert_int_equal(document_integer(stage.document, stage.root, may, (const int64_t[]){0, 1, 9}),
                     9);
    assert_int_equal(document_fault_count(stage.document), 0);
    assert_null(document_text(stage.document, stage.root, must, NULL));
    assert_last_fault(&stage, "f.yaml:1:1: \"x\" is missing");
    add_scalar(&stage, "x", "");
    assert_null(document_text(stage.document, stage.root, must, NULL));
    assert_last_fault(&stage, "f.yaml:7:3: \"x\" is empty");
    assert_string_equal(document_text(stage.document, stage.root, may, "else"), "");
    document_destroy(stage.document);
}

static void test_a_collection_is_no_value(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    struct document_node model = {.kind = DOCUMENT_SEQUENCE, .key = "list", .line = 2, .column = 1};
    document_add(stage.document, stage.root, &model);
    model.kind = DOCUMENT_MAPPING;
    model.key = "map";
    document_add(stage.document, stage.root, &model);
    assert_null(
        document_text(stage.document, stage.root, (struct document_want){"list", false}, NULL));
    assert_last_fault(&stage,
                      "f.yaml:2:1: \"list\" holds a sequence; one plain value was expected");
    assert_null(
        document_text(stage.document, stage.root, (struct document_want){"map", false}, NULL));
    assert_last_fault(&stage, "f.yaml:2:1: \"map\" holds a mapping; one plain value was expected");
    document_destroy(stage.document);
}

static void test_a_boolean_is_true_or_false(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    add_scalar(&stage, "t", "true");
    add_scalar(&stage, "y", "yes");
    add_scalar(&stage, "f", "false");
    add_scalar(&stage, "n", "no");
    add_scalar(&stage, "o", "on");
    assert_true(
        document_boolean(stage.document, stage.root, (struct document_want){"t", true}, false));
    assert_true(
        document_boolean(stage.document, stage.root, (struct document_want){"y", true}, false));
    assert_false(
        document_boolean(stage.document, stage.root, (struct document_want){"f", true}, true));
    assert_false(
        document_boolean(stage.document, stage.root, (struct document_want){"n", true}, true));
    assert_int_equal(document_fault_count(stage.document), 0);
    assert_true(
        document_boolean(stage.document, stage.root, (struct document_want){"o", true}, true));
    assert_last_fault(&stage, "f.yaml:7:3: \"o\" is \"on\"; true or false was expected");
    document_destroy(stage.document);
}

static void test_a_choice_names_the_nearest_word(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    static const char *const words[] = {"binary", "ascii", "bcd", NULL};
    add_scalar(&stage, "a", "ascii");
    add_scalar(&stage, "b", "asci");
    add_scalar(&stage, "c", "polynomial");
    assert_int_equal(
        document_choice(stage.document, stage.root, (struct document_want){"a", true}, words, 9),
        1);
    assert_int_equal(
        document_choice(stage.document, stage.root, (struct document_want){"z", false}, words, 9),
        9);
    assert_int_equal(document_fault_count(stage.document), 0);
    assert_int_equal(
        document_choice(stage.document, stage.root, (struct document_want){"b", true}, words, 9),
        9);
    assert_last_fault(&stage,
                      "f.yaml:7:3: \"b\" is \"asci\"; one of binary, ascii, bcd was expected "
                      "(did you mean \"ascii\"?)");
    assert_int_equal(
        document_choice(stage.document, stage.root, (struct document_want){"c", true}, words, 9),
        9);
    assert_last_fault(
        &stage, "f.yaml:7:3: \"c\" is \"polynomial\"; one of binary, ascii, bcd was expected");
    document_destroy(stage.document);
}

static void test_an_unknown_member_names_the_nearest_known(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    static const char *const known[] = {"timeout_ms", "port", "host", NULL};
    add_scalar(&stage, "port", "1");
    add_scalar(&stage, "time_out_ms", "1");
    add_scalar(&stage, "xylophone", "1");
    document_refuse_unknown(stage.document, stage.root, known);
    assert_int_equal(document_fault_count(stage.document), 2);
    assert_string_equal(
        document_fault_text(stage.document, 0),
        "f.yaml:7:3: \"time_out_ms\" is not known here; did you mean \"timeout_ms\"?");
    assert_string_equal(document_fault_text(stage.document, 1),
                        "f.yaml:7:3: \"xylophone\" is not known here");
    document_refuse_unknown(stage.document, NULL, known);
    document_refuse_unknown(stage.document, stage.root->first_child, known);
    assert_int_equal(document_fault_count(stage.document), 2);
    assert_null(document_nearest("a-word-much-too-long-to-be-compared-with-anything-else", known));
    assert_null(document_nearest("x", known));
    document_destroy(stage.document);
}

static void test_more_faults_than_kept_are_counted(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    for (int i = 0; i < DOCUMENT_FAULT_COUNT_MAX + 5; i++) {
        document_fault(stage.document, NULL, "fault %d", i);
    }
    assert_int_equal(document_fault_count(stage.document), DOCUMENT_FAULT_COUNT_MAX + 5);
    assert_string_equal(document_fault_text(stage.document, 1), "f.yaml: fault 1");
    expect_assert_failure(document_fault_text(stage.document, DOCUMENT_FAULT_COUNT_MAX));
    document_destroy(stage.document);
}

static void test_a_long_fault_is_cut(void **state)
{
    (void)state;
    char name[DOCUMENT_FAULT_TEXT_SIZE + 10];
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    struct document *document = document_create(name);
    document_fault(document, NULL, "x");
    assert_int_equal(strlen(document_fault_text(document, 0)), DOCUMENT_FAULT_TEXT_SIZE - 1);
    document_destroy(document);
}

static void test_a_path_sets_a_value_and_makes_what_is_absent(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    add_scalar(&stage, "name", "old");
    struct document_node model = {.kind = DOCUMENT_SEQUENCE, .key = "list", .line = 2};
    struct document_node *list = document_add(stage.document, stage.root, &model);
    model = (struct document_node){.kind = DOCUMENT_SCALAR, .text = "first"};
    document_add(stage.document, list, &model);
    document_add(stage.document, list, &model);
    static const struct {
        const char *path;
        enum status status;
    } cases[] = {
        {"name", STATUS_OK},          {"a.b.c", STATUS_OK},         {"list.1", STATUS_OK},
        {"list.2", STATUS_NOT_FOUND}, {"list.x", STATUS_NOT_FOUND}, {"name.x", STATUS_NOT_FOUND},
        {"", STATUS_BAD_VALUE},       {"a..c", STATUS_BAD_VALUE},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(document_set(stage.document, cases[i].path, "new"), cases[i].status);
    }
    char long_key[DOCUMENT_KEY_SIZE + 1];
    memset(long_key, 'k', sizeof(long_key));
    long_key[sizeof(long_key) - 1] = '\0';
    assert_int_equal(document_set(stage.document, long_key, "new"), STATUS_BAD_VALUE);
    assert_string_equal(document_member(stage.root, "name")->text, "new");
    const struct document_node *a = document_member(stage.root, "a");
    assert_string_equal(document_member(document_member(a, "b"), "c")->text, "new");
    assert_string_equal(list->first_child->text, "first");
    assert_string_equal(list->last_child->text, "new");
    assert_int_equal(document_set(stage.document, "list", "flat"), STATUS_OK);
    assert_int_equal(document_member(stage.root, "list")->kind, DOCUMENT_SCALAR);
    document_destroy(stage.document);
}

static void test_nothing_is_set_in_an_empty_document(void **state)
{
    (void)state;
    struct document *document = document_create("f.yaml");
    assert_int_equal(document_set(document, "a", "1"), STATUS_NOT_FOUND);
    document_destroy(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_are_found_by_key),
        cmocka_unit_test(test_an_integer_is_decimal_and_in_range),
        cmocka_unit_test(test_an_absent_member_is_a_fault_only_where_required),
        cmocka_unit_test(test_a_collection_is_no_value),
        cmocka_unit_test(test_a_boolean_is_true_or_false),
        cmocka_unit_test(test_a_choice_names_the_nearest_word),
        cmocka_unit_test(test_an_unknown_member_names_the_nearest_known),
        cmocka_unit_test(test_more_faults_than_kept_are_counted),
        cmocka_unit_test(test_a_long_fault_is_cut),
        cmocka_unit_test(test_a_path_sets_a_value_and_makes_what_is_absent),
        cmocka_unit_test(test_nothing_is_set_in_an_empty_document),
    };
    return cmocka_run_group_tests_name("protocols/base/document", tests, NULL, NULL);
}
