/* CSV text comes out as rows by column name, and faulty rows as sentences with their lines. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/csv_file.h"

static const struct csv_column COLUMNS[] = {
    {"id", true}, {"name", true}, {"note", false}, {NULL, false}};

/* What came, written down as text: "2:a|b|c;" and "3!sentence;". */
struct journal {
    char text[2048];
    size_t length;
};

static void journal_add(struct journal *journal, const char *text)
{
    int added = snprintf(journal->text + journal->length, sizeof(journal->text) - journal->length,
                         "%s", text);
    assert_true(added >= 0 && (size_t)added < sizeof(journal->text) - journal->length);
    journal->length += (size_t)added;
}

static void on_row(void *argument, const struct csv_row *row)
{
    char text[512];
    snprintf(text, sizeof(text), "%u:%s|%s|%s;", row->line, row->fields[0], row->fields[1],
             row->fields[2]);
    journal_add(argument, text);
}

static void on_fault(void *argument, uint32_t line, const char *sentence)
{
    char text[512];
    snprintf(text, sizeof(text), "%u!%s;", line, sentence);
    journal_add(argument, text);
}

static enum status read_text(struct journal *journal, const char *text, size_t length)
{
    /* Exactly as long as the contract says, so that a sanitizer sees one byte too far. */
    char *copy = malloc(length + 1);
    const struct csv_sink sink = {on_row, on_fault, journal};
    assert_non_null(copy);
    memcpy(copy, text, length);
    *journal = (struct journal){0};
    enum status status = csv_file_read(copy, (uint32_t)length, COLUMNS, &sink);
    free(copy);
    return status;
}

static void test_rows_come_by_column_name(void **state)
{
    (void)state;
    static const struct {
        const char *text, *journal;
    } cases[] = {
        {"id,name\n1,a\n2,b\n", "2:1|a|;3:2|b|;"},
        {"name,id\na,1\n", "2:1|a|;"},
        {"id,name,note\r\n1,a,x\r\n\r\n2,b,y", "2:1|a|x;4:2|b|y;"},
        {"\xEF\xBB\xBFid,name\n1,a\n", "2:1|a|;"},
        {"id,name\n1,\"a,b\"\n", "2:1|a,b|;"},
        {"id,name\n1,\"a \"\"b\"\"\"\n2,c\n", "2:1|a \"b\"|;3:2|c|;"},
        {"id,name\n1,\"two\nlines\"\n2,c\n", "2:1|two\nlines|;4:2|c|;"},
        {"id,name\n1,\n,a\n\"\",\"\"", "2:1||;3:|a|;4:||;"},
        {"\"id\",\"name\"\n1,a", "2:1|a|;"},
        {"id,name\r1,a\r", "2:1|a|;"},
    };
    struct journal journal;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(read_text(&journal, cases[i].text, strlen(cases[i].text)), STATUS_OK);
        assert_string_equal(journal.text, cases[i].journal);
    }
}

static void test_faulty_rows_are_left_out_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *journal;
    } cases[] = {
        {"id,name\n1\n2,b\n", "2!expected 2 fields as in the first row, got 1;3:2|b|;"},
        {"id,name\n1,a,b\n", "2!expected 2 fields as in the first row, got 3;"},
        {"id,name\n1,a\"b\n2,b\n",
         "2!expected quotes around the whole field, got one inside it;3:2|b|;"},
        {"id,name\n1,\"a\"b\n2,b\n",
         "2!expected a comma or the end of the line behind a closing quote;3:2|b|;"},
        {"id,name\n1,a\n2,\"b\n", "2:1|a|;3!expected a closing quote, got the end of the file;"},
        {"id,name\n1,\"", "2!expected a closing quote, got the end of the file;"},
    };
    struct journal journal;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(read_text(&journal, cases[i].text, strlen(cases[i].text)), STATUS_OK);
        assert_string_equal(journal.text, cases[i].journal);
    }
    assert_int_equal(read_text(&journal, "id,name\n1,a\0b\n", 14), STATUS_OK);
    assert_string_equal(journal.text, "2!expected text, got a byte of value 0;");
}

static void test_first_row_must_name_the_columns(void **state)
{
    (void)state;
    static const struct {
        const char *text, *journal;
    } cases[] = {
        {"", "1!expected a first row with the columns' names;"},
        {"\n\n", "1!expected a first row with the columns' names;"},
        {"id\n1\n", "1!column \"name\" is missing in the first row;"},
        {"id,name,nota\n", "1!column \"nota\" is not known here; did you mean \"note\"?;"},
        {"id,name,id\n", "1!column \"id\": expected once, got twice;"},
    };
    struct journal journal;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(read_text(&journal, cases[i].text, strlen(cases[i].text)),
                         STATUS_MALFORMED);
        assert_string_equal(journal.text, cases[i].journal);
    }
}

static void test_any_bytes_end_in_rows_or_faults(void **state)
{
    (void)state;
    static const char ALPHABET[] = "ab,\"\n\r\0x";
    uint64_t seed = 88172645463325252u;
    struct journal journal;
    for (unsigned round = 0; round < 20000; round++) {
        char text[64] = "id,name\n";
        size_t length = 8;
        for (; length < 30; length++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            text[length] = ALPHABET[seed % (sizeof(ALPHABET) - 1)];
        }
        assert_int_equal(read_text(&journal, text, length), STATUS_OK);
    }
}

static void count_row(void *argument, const struct csv_row *row)
{
    uint64_t *sum = argument;
    *sum += row->line;
}

static void test_a_million_rows_take_no_time(void **state)
{
    (void)state;
    const uint32_t row_count = 1000000;
    char *text = malloc(40u * row_count);
    assert_non_null(text);
    uint32_t length = (uint32_t)snprintf(text, 40, "id,name\n");
    for (uint32_t i = 0; i < row_count; i++) {
        length += (uint32_t)snprintf(text + length, 40, "%08u,898110058120001\n", i);
    }
    uint64_t sum = 0;
    const struct csv_sink sink = {count_row, on_fault, &sum};
    clock_t begin = clock();
    assert_int_equal(csv_file_read(text, length, COLUMNS, &sink), STATUS_OK);
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    print_message("1,000,000 rows in %.3f s\n", seconds);
    assert_true(sum == (uint64_t)row_count * (row_count + 3) / 2);
    assert_true(seconds <
                5); /* generous: sanitizers and busy machines; a second in a plain build */
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_come_by_column_name),
        cmocka_unit_test(test_faulty_rows_are_left_out_with_their_line),
        cmocka_unit_test(test_first_row_must_name_the_columns),
        cmocka_unit_test(test_any_bytes_end_in_rows_or_faults),
        cmocka_unit_test(test_a_million_rows_take_no_time),
    };
    return cmocka_run_group_tests_name("config/csv_file", tests, NULL, NULL);
}
