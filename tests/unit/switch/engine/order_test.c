/* Orders as plain values, in records, and in their table (order.h, order_table.h). */
#include "tests/unit/unit_test.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/engine/order_table.h"

static struct order order_of(enum order_kind kind)
{
    struct order order = {.kind = kind, .actor = "alice"};
    if (order_kind_subject(kind) == ORDER_SUBJECT_MERCHANT) {
        snprintf(order.merchant_id, sizeof(order.merchant_id), "898110053110001");
    } else {
        snprintf(order.terminal_id, sizeof(order.terminal_id), "10000001");
    }
    if (kind == ORDER_LIMIT) {
        order.limit = (struct money){50000, 156};
    }
    if (kind == ORDER_TELL) {
        memcpy(order.plain, "sign on", 7);
        order.plain_length = 7;
    }
    return order;
}

static void test_each_kind_has_its_word(void **state)
{
    (void)state;
    static const char *const NAMES[] = {
#define X(name, word, subject, text) #name,
        ORDER_KIND_MAP(X)
#undef X
    };
    for (unsigned kind = 0; kind < ORDER_KIND_COUNT; kind++) {
        const char *word = order_kind_name((enum order_kind)kind);
        for (size_t i = 0; word[i] != '\0' || NAMES[kind][i] != '\0'; i++) {
            assert_int_equal(toupper((unsigned char)word[i]), NAMES[kind][i]);
        }
        assert_int_equal(order_kind_find(word), kind);
        assert_non_null(strchr(order_kind_text((enum order_kind)kind), ' '));
    }
    assert_int_equal(order_kind_find("sell"), ORDER_KIND_COUNT);
    assert_int_equal(ORDER_STANDING_COUNT, 8);
}

static void test_each_kind_is_whole_with_what_it_needs(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < ORDER_KIND_COUNT; kind++) {
        struct order order = order_of((enum order_kind)kind);
        assert_true(order_is_whole(&order));
        order.actor[0] = '\0';
        assert_false(order_is_whole(&order));
        memset(order.actor, 'a', sizeof(order.actor)); /* no end */
        assert_false(order_is_whole(&order));
        snprintf(order.actor, sizeof(order.actor), "a b");
        assert_false(order_is_whole(&order));
        order = order_of((enum order_kind)kind);
        order.terminal_id[0] = order.merchant_id[0] = '\0';
        assert_false(order_is_whole(&order));
        order = order_of((enum order_kind)kind);
        order.until_us = -1;
        assert_false(order_is_whole(&order));
    }
    struct order order = {.kind = ORDER_KIND_COUNT, .actor = "alice", .terminal_id = "10000001"};
    assert_false(order_is_whole(&order));
}

static struct order order_of_case(enum order_kind kind)
{
    struct order order = order_of(kind);
    order.origin = ORDER_OF_CASE;
    order.case_id = 77;
    memcpy(order.actor, ORDER_CASE_ACTOR, sizeof(ORDER_CASE_ACTOR));
    return order;
}

static void test_an_order_of_a_case_names_it_and_nobody(void **state)
{
    (void)state;
    struct order order = order_of_case(ORDER_STOP);
    assert_true(order_is_whole(&order));
    order.case_id = 0;
    assert_false(order_is_whole(&order));
    order = order_of_case(ORDER_STOP);
    snprintf(order.actor, sizeof(order.actor), "alice");
    assert_false(order_is_whole(&order));
    order.origin = ORDER_OF_PERSON; /* people may name one */
    assert_true(order_is_whole(&order));
    order.origin = ORDER_ORIGIN_COUNT;
    assert_false(order_is_whole(&order));
}

static void test_a_subject_must_be_of_its_kind(void **state)
{
    (void)state;
    struct order order = order_of(ORDER_HOLD);
    snprintf(order.terminal_id, sizeof(order.terminal_id), "10000001");
    assert_false(order_is_whole(&order)); /* money is a merchant's */
    order = order_of(ORDER_ASK_STATUS);
    order.terminal_id[0] = '\0';
    snprintf(order.merchant_id, sizeof(order.merchant_id), "898110053110001");
    assert_false(order_is_whole(&order));
    order.kind = ORDER_STOP;
    assert_true(order_is_whole(&order));
}

static void test_limits_and_texts_are_bounded(void **state)
{
    (void)state;
    struct order order = order_of(ORDER_LIMIT);
    order.limit.minor = 0;
    assert_false(order_is_whole(&order));
    order.limit = (struct money){1, 0};
    assert_false(order_is_whole(&order));
    order = order_of(ORDER_TELL);
    order.plain_length = 0;
    assert_false(order_is_whole(&order));
    order.local_length = 2;
    memcpy(order.local, "\xC7\xA9", 2);
    assert_true(order_is_whole(&order));
    order.local[1] = 0x1F; /* a control character */
    assert_false(order_is_whole(&order));
    order = order_of(ORDER_TELL);
    order.plain[0] = 0xC7; /* no ASCII */
    assert_false(order_is_whole(&order));
    order = order_of(ORDER_TELL);
    order.plain_length = ORDER_TEXT_BYTES_MAX + 1;
    assert_false(order_is_whole(&order));
    order = order_of(ORDER_TELL);
    order.times = ORDER_TIMES_MAX + 1;
    assert_false(order_is_whole(&order));
}

static void test_a_note_is_read_as_it_was_written(void **state)
{
    (void)state;
    uint8_t bytes[ORDER_NOTE_SIZE_MAX];
    struct order_standing read;
    for (unsigned i = 0; i < 2 * ORDER_KIND_COUNT; i++) {
        enum order_kind kind = (enum order_kind)(i / 2);
        struct order_standing standing = {
            .order = i % 2 == 0 ? order_of(kind) : order_of_case(kind), .since_us = 17};
        struct byte_writer writer;
        struct byte_reader reader;
        standing.software = kind == ORDER_ASK_UPDATE ? 7 : 0;
        snprintf(standing.order.firmware, sizeof(standing.order.firmware), "%s",
                 kind == ORDER_ASK_UPDATE ? "H7062801" : "");
        standing.order.times = kind == ORDER_TELL ? 3 : 0;
        if (i % 2 == 0) {
            memset(standing.order.actor, 'z', ORDER_ACTOR_SIZE - 1);
        }
        standing.order.until_us = INT64_MAX;
        standing.order.case_id = UINT64_MAX;
        byte_writer_init(&writer, bytes, sizeof(bytes));
        order_note_write(&writer, &standing);
        assert_int_equal(writer.status, STATUS_OK);
        byte_reader_init(&reader, bytes, writer.position);
        assert_int_equal(order_note_read(&reader, &read), STATUS_OK);
        assert_int_equal(byte_reader_left(&reader), 0);
        memset(standing.order.terminal_id, 0, sizeof(standing.order.terminal_id));
        memset(standing.order.merchant_id, 0, sizeof(standing.order.merchant_id));
        assert_string_equal(read.order.actor, standing.order.actor);
        assert_int_equal(read.order.kind, kind);
        assert_true(read.order.until_us == INT64_MAX && read.order.case_id == UINT64_MAX);
        assert_int_equal(read.since_us, 17);
        assert_int_equal(read.order.origin, i % 2);
        assert_int_equal(read.order.times, standing.order.times);
        assert_int_equal(read.software, standing.software);
        assert_string_equal(read.order.firmware, standing.order.firmware);
        assert_true(money_equals(read.order.limit, standing.order.limit));
        assert_int_equal(read.order.plain_length, standing.order.plain_length);
        assert_memory_equal(read.order.plain, standing.order.plain, ORDER_TEXT_BYTES_MAX);
        for (uint32_t length = 0; length < writer.position; length++) {
            byte_reader_init(&reader, bytes, length);
            assert_int_equal(order_note_read(&reader, &read), STATUS_MALFORMED);
        }
    }
    struct byte_reader reader;
    bytes[0] = 3; /* a version that we do not know */
    byte_reader_init(&reader, bytes, sizeof(bytes));
    assert_int_equal(order_note_read(&reader, &read), STATUS_MALFORMED);
}

/* Of the version before: no origin, and a limit, software and times in each. */
static void note_before(struct byte_writer *writer, const char *actor, enum order_kind kind)
{
    byte_writer_u8(writer, 1);
    byte_writer_u8(writer, (uint8_t)kind);
    byte_writer_u64(writer, 17); /* since */
    byte_writer_u64(writer, 18); /* until */
    byte_writer_u64(writer, 77); /* case */
    byte_writer_u32(writer, 7);  /* software */
    byte_writer_u64(writer, kind == ORDER_LIMIT ? 50000 : 0);
    byte_writer_u16(writer, kind == ORDER_LIMIT ? 156 : 0);
    byte_writer_u8(writer, 3); /* times */
    byte_writer_u8(writer, (uint8_t)strlen(actor));
    byte_writer_put(writer, actor, (uint32_t)strlen(actor));
    if (kind == ORDER_TELL) {
        byte_writer_u8(writer, 0);
        byte_writer_u8(writer, 7);
        byte_writer_put(writer, "sign on", 7);
    }
}

static void test_a_note_of_the_version_before_is_read_and_its_origin_is_who_gave_it(void **state)
{
    (void)state;
    static const char *const ACTORS[ORDER_ORIGIN_COUNT] = {
        [ORDER_OF_PERSON] = "alice", [ORDER_OF_CASE] = ORDER_CASE_ACTOR};
    for (unsigned i = 0; i < 2 * ORDER_KIND_COUNT; i++) {
        enum order_kind kind = (enum order_kind)(i / 2);
        uint8_t bytes[256];
        struct byte_writer writer;
        struct byte_reader reader;
        struct order_standing read;
        byte_writer_init(&writer, bytes, sizeof(bytes));
        note_before(&writer, ACTORS[i % 2], kind);
        byte_reader_init(&reader, bytes, writer.position);
        assert_int_equal(order_note_read(&reader, &read), STATUS_OK);
        assert_int_equal(byte_reader_left(&reader), 0);
        assert_int_equal(read.order.origin, i % 2);
        assert_string_equal(read.order.actor, ACTORS[i % 2]);
        assert_int_equal(read.order.case_id, 77);
        assert_int_equal(read.order.until_us, 18);
        assert_int_equal(read.order.plain_length, kind == ORDER_TELL ? 7 : 0);
        for (uint32_t length = 0; length < writer.position; length++) {
            byte_reader_init(&reader, bytes, length);
            assert_int_equal(order_note_read(&reader, &read), STATUS_MALFORMED);
        }
    }
}

/* --- the table ---------------------------------------------------------------------------- */

static void set_up(struct order_book *book)
{
    uint32_t capacity = slot_index_capacity(ORDER_SUBJECT_COUNT_MAX);
    *book = (struct order_book){.deadline_ns = UINT64_MAX};
    book->entries = calloc(ORDER_SUBJECT_COUNT_MAX + 1, sizeof(book->entries[0]));
    book->deadlines_ns = calloc(ORDER_SUBJECT_COUNT_MAX + 1, sizeof(book->deadlines_ns[0]));
    slot_index_init(&book->index, calloc(capacity, sizeof(struct slot_index_entry)), capacity);
}

static void tear_down(struct order_book *book)
{
    free(book->entries);
    free(book->deadlines_ns);
    free(book->index.entries);
}

static uint32_t bring(struct order_book *book, unsigned number, enum order_kind kind, int64_t until)
{
    struct order_standing standing = {.order = order_of(kind)};
    char terminal_id[9] = "";
    char merchant_id[16] = "";
    snprintf(terminal_id, sizeof(terminal_id), "%08u", number % 100000000);
    standing.order.until_us = until;
    uint32_t place = order_table_enroll(book, terminal_id, merchant_id);
    if (place != 0) {
        order_table_put(book, place, &standing, (struct order_clock){1000, 100});
        order_table_settle(book, place);
    }
    return place;
}

static void test_the_earliest_time_counts_whoever_has_it(void **state)
{
    (void)state;
    struct order_book book;
    set_up(&book);
    uint32_t one = bring(&book, 1, ORDER_STOP, 0);
    assert_true(book.deadline_ns == UINT64_MAX);
    uint32_t two = bring(&book, 2, ORDER_STOP, 105);
    assert_true(book.deadline_ns == 1000 + 5000);
    assert_int_equal(bring(&book, 1, ORDER_ASK_STATUS, 102), one);
    assert_true(book.deadline_ns == 1000 + 2000);
    assert_int_equal(bring(&book, 1, ORDER_ASK_STATUS, 99), one); /* over already */
    assert_true(book.deadline_ns == 1000);
    book.entries[one].in_force[ORDER_OF_PERSON] &= ~ORDER_BIT(ORDER_ASK_STATUS);
    order_table_settle(&book, one);
    assert_true(book.deadline_ns == 1000 + 5000);
    assert_int_equal(order_table_find(&book, "00000001", ""), one);
    book.entries[two].in_force[ORDER_OF_PERSON] = 0;
    order_table_settle(&book, two);
    assert_true(book.deadline_ns == UINT64_MAX);
    assert_int_equal(order_table_find(&book, "00000002", ""), 0);
    assert_int_equal(bring(&book, 3, ORDER_HOLD, INT64_MAX), two); /* a free place is used */
    assert_true(book.deadline_ns == UINT64_MAX);                   /* too far to be counted */
    tear_down(&book);
}

static void test_of_each_kind_there_is_one_of_people_and_one_of_cases(void **state)
{
    (void)state;
    struct order_book book;
    set_up(&book);
    uint32_t place = bring(&book, 1, ORDER_STOP, 105);
    struct order_entry *entry = &book.entries[place];
    struct order_standing standing = {.order = order_of_case(ORDER_STOP)};
    standing.order.until_us = 102;
    order_table_put(&book, place, &standing, (struct order_clock){1000, 100});
    order_table_settle(&book, place);
    assert_true(book.deadline_ns == 1000 + 2000);
    assert_int_equal(order_table_kinds(entry), ORDER_BIT(ORDER_STOP));
    assert_int_equal(order_table_first(entry, ORDER_STOP)->order.origin, ORDER_OF_PERSON);
    assert_null(order_table_first(entry, ORDER_LIMIT));
    entry->in_force[ORDER_OF_PERSON] = 0;
    order_table_settle(&book, place);
    assert_int_equal(order_table_find(&book, "00000001", ""), place);
    assert_int_equal(order_table_first(entry, ORDER_STOP)->order.origin, ORDER_OF_CASE);
    entry->in_force[ORDER_OF_CASE] = 0;
    order_table_settle(&book, place);
    assert_int_equal(order_table_find(&book, "00000001", ""), 0);
    tear_down(&book);
}

static void test_a_merchant_is_no_terminal(void **state)
{
    (void)state;
    struct order_book book;
    set_up(&book);
    static const char NOBODY[9];
    uint32_t merchant = order_table_enroll(&book, NOBODY, "00000001\0\0\0\0\0\0\0");
    struct order_standing standing = {.order = order_of(ORDER_HOLD)};
    order_table_put(&book, merchant, &standing, (struct order_clock){1, 1});
    order_table_settle(&book, merchant);
    uint32_t terminal = bring(&book, 1, ORDER_STOP, 0);
    assert_int_not_equal(merchant, terminal);
    assert_int_equal(order_table_find(&book, "", "00000001"), merchant);
    assert_int_equal(order_table_find(&book, "00000001", "any"), terminal);
    tear_down(&book);
}

static void test_a_full_table_says_so_and_loses_nothing(void **state)
{
    (void)state;
    struct order_book book;
    set_up(&book);
    for (unsigned i = 1; i <= ORDER_SUBJECT_COUNT_MAX; i++) {
        assert_int_not_equal(bring(&book, i, ORDER_STOP, 0), 0);
    }
    assert_int_equal(bring(&book, ORDER_SUBJECT_COUNT_MAX + 1, ORDER_STOP, 0), 0);
    assert_int_not_equal(bring(&book, 1, ORDER_LIMIT, 0), 0); /* a subject that has some */
    uint32_t place = order_table_find(&book, "00000077", "");
    book.entries[place].in_force[ORDER_OF_PERSON] = 0;
    order_table_settle(&book, place);
    assert_int_equal(bring(&book, ORDER_SUBJECT_COUNT_MAX + 1, ORDER_STOP, 0), place);
    tear_down(&book);
}

/* What asks and tells leaves places free for what protects money. */
static void test_the_last_places_are_kept_for_limits_holds_and_stops(void **state)
{
    (void)state;
    const unsigned open = ORDER_SUBJECT_COUNT_MAX - ORDER_SUBJECT_KEPT_COUNT;
    struct order_book book;
    struct order other = {.terminal_id = "20000001"};
    set_up(&book);
    for (unsigned i = 1; i <= open; i++) {
        other.kind = ORDER_TELL;
        assert_true(order_table_has_room(&book, &other));
        bring(&book, i, ORDER_TELL, 0);
    }
    for (other.kind = ORDER_ASK_SIGNON; other.kind < ORDER_STANDING_COUNT; other.kind++) {
        bool is_protecting =
            other.kind == ORDER_LIMIT || other.kind == ORDER_HOLD || other.kind == ORDER_STOP;
        assert_int_equal(order_table_has_room(&book, &other), is_protecting);
        struct order known = {.kind = other.kind, .terminal_id = "00000001"};
        assert_true(order_table_has_room(&book, &known)); /* it has a place */
    }
    for (unsigned i = open + 1; i <= ORDER_SUBJECT_COUNT_MAX; i++) {
        other.kind = ORDER_STOP;
        assert_true(order_table_has_room(&book, &other));
        bring(&book, i, ORDER_STOP, 0);
    }
    assert_false(order_table_has_room(&book, &other));
    tear_down(&book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_has_its_word),
        cmocka_unit_test(test_each_kind_is_whole_with_what_it_needs),
        cmocka_unit_test(test_a_subject_must_be_of_its_kind),
        cmocka_unit_test(test_limits_and_texts_are_bounded),
        cmocka_unit_test(test_an_order_of_a_case_names_it_and_nobody),
        cmocka_unit_test(test_a_note_is_read_as_it_was_written),
        cmocka_unit_test(test_a_note_of_the_version_before_is_read_and_its_origin_is_who_gave_it),
        cmocka_unit_test(test_the_earliest_time_counts_whoever_has_it),
        cmocka_unit_test(test_of_each_kind_there_is_one_of_people_and_one_of_cases),
        cmocka_unit_test(test_a_merchant_is_no_terminal),
        cmocka_unit_test(test_a_full_table_says_so_and_loses_nothing),
        cmocka_unit_test(test_the_last_places_are_kept_for_limits_holds_and_stops),
    };
    return cmocka_run_group_tests_name("engine/order", tests, NULL, NULL);
}
