/* YAML texts: the plain part of YAML becomes a tree, all else is refused with its place. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/file_text.h"
#include "config/yaml_file.h"

static struct document *parse(const char *text)
{
    struct document *document = yaml_file_parse("x.yaml", text, (uint32_t)strlen(text));
    assert_non_null(document);
    return document;
}

static void assert_fault(const char *text, const char *fault)
{
    struct document *document = parse(text);
    assert_true(document_fault_count(document) >= 1);
    assert_string_equal(document_fault_text(document, 0), fault);
    document_destroy(document);
}

static void test_a_tree_remembers_where_everything_stood(void **state)
{
    (void)state;
    struct document *document = parse("name: bank\nlinks:\n  - {host: a, port: 012}\n  - no\n");
    assert_int_equal(document_fault_count(document), 0);
    const struct document_node *root = document_root(document);
    assert_int_equal(root->kind, DOCUMENT_MAPPING);
    assert_int_equal(root->child_count, 2);
    const struct document_node *links = document_member(root, "links");
    assert_int_equal(links->kind, DOCUMENT_SEQUENCE);
    assert_int_equal(links->line, 2);
    assert_int_equal(links->column, 1);
    const struct document_node *port = document_member(links->first_child, "port");
    assert_string_equal(port->text, "012");
    assert_int_equal(port->line, 3);
    assert_int_equal(port->column, 15);
    assert_string_equal(links->last_child->text, "no");
    assert_int_equal(links->last_child->line, 4);
    assert_int_equal(links->last_child->column, 5);
    assert_ptr_equal(links->parent, root);
    assert_string_equal(document_name(document), "x.yaml");
    document_destroy(document);
}

static void test_what_hides_meaning_is_refused(void **state)
{
    (void)state;
    assert_fault("a: &x 1\n",
                 "x.yaml:1:4: anchors (&name) are not taken here; write the value out where it is "
                 "used");
    assert_fault("a: &x [1]\n",
                 "x.yaml:1:4: anchors (&name) are not taken here; write the value out where it is "
                 "used");
    assert_fault("a: 1\nb: *x\n",
                 "x.yaml:2:4: aliases (*name) are not taken here; write the value out");
    assert_fault("a: !!int 1\n",
                 "x.yaml:1:4: tags (!name) are not taken here; the schema knows the types");
    assert_fault("a: !m {b: 1}\n",
                 "x.yaml:1:4: tags (!name) are not taken here; the schema knows the types");
    assert_fault("a: 1\n<<: {b: 1}\n",
                 "x.yaml:2:1: merging with << is not taken here; write the members out");
    assert_fault("a: 1\n---\nb: 1\n", "x.yaml:2:1: a second document begins; one file holds one");
    assert_fault("? [a, b]\n: 1\n", "x.yaml:1:3: a key must be one plain value");
    assert_fault("a: \"x\\0y\"\n", "x.yaml:1:4: a value may not hold a zero byte");
}

static void test_a_key_given_twice_names_the_first_line(void **state)
{
    (void)state;
    assert_fault("a: 1\nb: 2\na: 3\n", "x.yaml:3:1: \"a\" was given in line 1 already");
}

static void test_a_syntax_fault_has_its_place(void **state)
{
    (void)state;
    struct document *document = parse("a: 1\nb: [1, 2\nc: 3\n");
    assert_int_equal(document_fault_count(document), 1);
    assert_non_null(strstr(document_fault_text(document, 0), "x.yaml:3:2: while parsing"));
    document_destroy(document);
    document = parse("a: \xff\n");
    assert_int_equal(document_fault_count(document), 1);
    document_destroy(document);
}

static void test_an_empty_file_is_a_fault(void **state)
{
    (void)state;
    assert_fault("", "x.yaml: the file is empty");
    assert_fault("# nothing\n", "x.yaml: the file is empty");
}

static void test_nesting_ends_at_32_levels(void **state)
{
    (void)state;
    char text[2 * DOCUMENT_DEPTH_MAX + 2];
    memset(text, '[', DOCUMENT_DEPTH_MAX);
    text[DOCUMENT_DEPTH_MAX] = '1';
    memset(text + DOCUMENT_DEPTH_MAX + 1, ']', DOCUMENT_DEPTH_MAX);
    text[2 * DOCUMENT_DEPTH_MAX + 1] = '\0';
    struct document *document = parse(text);
    assert_int_equal(document_fault_count(document), 0);
    document_destroy(document);
    char deeper[300];
    snprintf(deeper, sizeof(deeper), "[%s]", text);
    assert_fault(deeper, "x.yaml:1:33: nested too deeply: 32 levels at most");
}

static void test_sizes_are_limited(void **state)
{
    (void)state;
    const uint32_t length = YAML_FILE_BYTES_MAX + 1;
    char *text = malloc(length);
    assert_non_null(text);
    memset(text, '#', length);
    struct document *document = yaml_file_parse("x.yaml", text, length);
    assert_string_equal(document_fault_text(document, 0),
                        "x.yaml: the file holds 4194305 bytes, 4194304 at most");
    document_destroy(document);
    uint32_t used = 0;
    for (int i = 0; i <= YAML_FILE_MEMBER_COUNT_MAX; i++) {
        used += (uint32_t)snprintf(text + used, length - used, "k%d: 1\n", i);
    }
    document = yaml_file_parse("x.yaml", text, used);
    assert_string_equal(document_fault_text(document, 0),
                        "x.yaml:4097:1: this mapping has too many members");
    document_destroy(document);
    free(text);
}

static void test_a_file_is_read_whole_or_named_as_unreadable(void **state)
{
    (void)state;
    struct document *document =
        file_text_load_yaml(TILLWAY_SOURCE_DIR "/config/specs/unionpay-pos.yaml");
    assert_non_null(document);
    assert_int_equal(document_fault_count(document), 0);
    assert_non_null(document_member(document_root(document), "fields"));
    document_destroy(document);
    document = file_text_load_yaml("/nowhere/x.yaml");
    assert_string_equal(document_fault_text(document, 0),
                        "/nowhere/x.yaml: cannot be read: No such file or directory");
    document_destroy(document);
    struct file_text text;
    assert_int_equal(file_text_read(&text, TILLWAY_SOURCE_DIR "/LICENSE", 100), STATUS_BAD_VALUE);
    assert_null(text.bytes);
    assert_int_equal(file_text_read(&text, TILLWAY_SOURCE_DIR "/LICENSE", 1 << 20), STATUS_OK);
    assert_int_equal(strlen(text.bytes), text.length);
    file_text_free(&text);
    assert_int_equal(file_text_read(&text, TILLWAY_SOURCE_DIR, 100), STATUS_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tree_remembers_where_everything_stood),
        cmocka_unit_test(test_what_hides_meaning_is_refused),
        cmocka_unit_test(test_a_key_given_twice_names_the_first_line),
        cmocka_unit_test(test_a_syntax_fault_has_its_place),
        cmocka_unit_test(test_an_empty_file_is_a_fault),
        cmocka_unit_test(test_nesting_ends_at_32_levels),
        cmocka_unit_test(test_sizes_are_limited),
        cmocka_unit_test(test_a_file_is_read_whole_or_named_as_unreadable),
    };
    return cmocka_run_group_tests_name("config/yaml_file", tests, NULL, NULL);
}
