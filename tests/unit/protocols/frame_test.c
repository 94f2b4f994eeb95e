/* Frame: lengths, TPDU, HTTP, and a sentence for each wrong guess. */
#include "tests/unit/unit_test.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "protocols/frame.h"

static const struct framing TERMINAL = {.length_kind = FRAME_BINARY_2,
                                        .has_tpdu = true,
                                        .may_be_http = true,
                                        .length_max = FRAME_LENGTH_MAX};

static struct byte_view text_view(const char *text)
{
    return (struct byte_view){(const uint8_t *)text, (uint32_t)strlen(text)};
}

struct outcome {
    enum status status;
    struct frame frame;
    uint32_t consumed;
    struct frame_fault fault;
};

static struct outcome parse_whole(const struct framing *framing, struct byte_view bytes)
{
    struct outcome outcome;
    memset(&outcome, 0, sizeof(outcome));
    outcome.status = frame_parse(&outcome.frame, &outcome.consumed, framing, bytes, &outcome.fault);
    return outcome;
}

/* Feeds one byte more each time, as long as more are asked for; the end must be the same. */
static struct outcome parse(const struct framing *framing, struct byte_view bytes)
{
    struct outcome whole = parse_whole(framing, bytes);
    struct outcome fed = {.status = STATUS_TRUNCATED};
    for (uint32_t n = 0; n <= bytes.length && fed.status == STATUS_TRUNCATED; n++) {
        fed = parse_whole(framing, (struct byte_view){bytes.bytes, n});
    }
    assert_int_equal(fed.status, whole.status);
    assert_string_equal(fed.fault.reason, whole.fault.reason);
    assert_int_equal(fed.fault.http_status, whole.fault.http_status);
    assert_int_equal(fed.consumed, whole.consumed);
    assert_ptr_equal(fed.frame.message.bytes, whole.frame.message.bytes);
    assert_int_equal(fed.frame.message.length, whole.frame.message.length);
    assert_int_equal(fed.frame.is_http, whole.frame.is_http);
    return whole;
}

static void test_a_length_and_a_tpdu_stand_before_the_message(void **state)
{
    (void)state;
    struct byte_view bytes = {(const uint8_t *)"\x00\x08\x60\x00\x03\x12\x34\xAA\xBB\xCCnext", 14};
    struct outcome outcome = parse(&TERMINAL, bytes);
    assert_int_equal(outcome.status, STATUS_OK);
    assert_int_equal(outcome.consumed, 10);
    assert_int_equal(outcome.frame.message.length, 3);
    assert_memory_equal(outcome.frame.message.bytes, "\xAA\xBB\xCC", 3);
    assert_memory_equal(outcome.frame.tpdu, "\x60\x00\x03\x12\x34", 5);
    assert_false(outcome.frame.is_http);
}

static void test_a_length_of_zero_keeps_the_link_alive(void **state)
{
    (void)state;
    struct outcome outcome =
        parse(&TERMINAL, (struct byte_view){(const uint8_t *)"\x00\x00\x00", 3});
    assert_int_equal(outcome.status, STATUS_OK);
    assert_int_equal(outcome.consumed, 2);
    assert_int_equal(outcome.frame.message.length, 0);
}

static void test_every_kind_of_length_is_read_and_written(void **state)
{
    (void)state;
    static const struct {
        enum frame_length_kind kind;
        const char *wire;
        uint32_t length;
    } cases[] = {
        {FRAME_BINARY_2,
         "\x00\x0B"
         "hello world",
         13},
        {FRAME_BINARY_2_INCLUSIVE,
         "\x00\x0D"
         "hello world",
         13},
        {FRAME_BINARY_4,
         "\x00\x00\x00\x0B"
         "hello world",
         15},
        {FRAME_ASCII_4, "0011hello world", 15},
        {FRAME_BCD_2,
         "\x00\x11"
         "hello world",
         13},
        /* the LRC: 00 ^ 11 ^ "hello world" (20) ^ 03 */
        {FRAME_STX,
         "\x02\x00\x11"
         "hello world"
         "\x03\x32",
         16},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct framing framing = {.length_kind = cases[i].kind, .length_max = 11};
        struct byte_view bytes = {(const uint8_t *)cases[i].wire, cases[i].length};
        struct outcome outcome = parse(&framing, bytes);
        assert_int_equal(outcome.status, STATUS_OK);
        assert_int_equal(outcome.consumed, cases[i].length);
        assert_memory_equal(outcome.frame.message.bytes, "hello world", 11);

        uint8_t room[64];
        struct byte_writer writer;
        byte_writer_init(&writer, room, sizeof(room));
        struct frame_mark mark = frame_begin_request(&writer, &framing, NULL);
        byte_writer_text(&writer, "hello world");
        frame_end(&writer, &framing, &mark);
        assert_int_equal(writer.position, cases[i].length);
        assert_memory_equal(room, cases[i].wire, cases[i].length);

        byte_writer_init(&writer, room, sizeof(room));
        mark = frame_begin_request(&writer, &framing, NULL);
        byte_writer_text(&writer, "hello world!");
        frame_end(&writer, &framing, &mark);
        assert_int_equal(writer.status, STATUS_NO_ROOM);
        frame_end(&writer, &framing, &mark);
    }
}

static void test_a_wrong_guess_gets_a_sentence(void **state)
{
    (void)state;
    static const struct {
        enum frame_length_kind kind;
        bool may_be_http;
        const char *bytes;
        uint32_t length;
        const char *reason;
    } cases[] = {
        {FRAME_BINARY_2, true, "0123", 4,
         "bytes 0-3 are ASCII digits on a binary-length port: the peer writes its length as text"},
        {FRAME_BINARY_4, true, "0123", 4,
         "bytes 0-3 are ASCII digits on a binary-length port: the peer writes its length as text"},
        {FRAME_BINARY_2, true, "01\x60\x00", 4, "length 0x3031 exceeds 2048"},
        {FRAME_BINARY_2, true, "\x16\x03\x01\x02\x00", 5,
         "a TLS hello on a plain port: the peer speaks TLS, this listener does not"},
        {FRAME_ASCII_4, true, "\x16\x03\x01\x02\x00", 5,
         "a TLS hello on a plain port: the peer speaks TLS, this listener does not"},
        {FRAME_BINARY_2, false, "PB", 2,
         "length 0x5042 exceeds 2048: bytes 0-1 read \"PB\", as HTTP begins, which is not expected "
         "here"},
        {FRAME_BINARY_2, true, "\x08\x01", 2, "length 0x0801 exceeds 2048"},
        {FRAME_BINARY_2_INCLUSIVE, true, "\x00\x01", 2, "length 0x0001 exceeds 2048"},
        {FRAME_BINARY_4, true, "\x00\x01\x00\x00", 4, "length 0x00010000 exceeds 2048"},
        {FRAME_BCD_2, true, "\x00\x1A", 2,
         "bytes 0-1 are 001A, expected a length of 4 BCD digits, at most 2048"},
        {FRAME_BCD_2, true, "\x20\x49", 2,
         "bytes 0-1 are 2049, expected a length of 4 BCD digits, at most 2048"},
        {FRAME_STX, true, "\x00\x01\x23", 3,
         "bytes 0-2 are 000123, expected 02 (STX) and a length of 4 BCD digits, at most 2048"},
        {FRAME_ASCII_4, true, "00\x00W", 4,
         "bytes 0-3 are 30300057, expected a length of 4 ASCII digits, at most 2048"},
        {FRAME_BINARY_2, true, "\x00\x03\x60\x00\x00", 5,
         "length 3 is shorter than the 5 bytes of a TPDU"},
        {FRAME_BINARY_2, true, "\x00\x57\x61\x00", 4,
         "the TPDU begins with 61 at offset 2, expected 60, or framing.tpdu: false for a peer that "
         "sends none"},
        {FRAME_BINARY_2, true, "\x00\x57LRI\x00\x1C", 7,
         "an LRI block of a dial-up line stands at offset 2, expected a TPDU that begins with 60"},
        {FRAME_BINARY_2, true, "\x00\x57LRA", 5,
         "the TPDU begins with 4C at offset 2, expected 60, or framing.tpdu: false for a peer that "
         "sends none"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct framing framing = TERMINAL;
        framing.length_kind = cases[i].kind;
        framing.may_be_http = cases[i].may_be_http;
        struct byte_view bytes = {(const uint8_t *)cases[i].bytes, cases[i].length};
        struct outcome outcome = parse(&framing, bytes);
        assert_true(outcome.status > STATUS_OK && outcome.status != STATUS_TRUNCATED);
        assert_string_equal(outcome.fault.reason, cases[i].reason);
        assert_int_equal(outcome.fault.http_status, 0);
    }
}

static void test_an_stx_frame_carries_any_byte_and_is_checked(void **state)
{
    (void)state;
    static const struct framing framing = {
        .length_kind = FRAME_STX, .has_tpdu = true, .length_max = FRAME_LENGTH_MAX};
    static const uint8_t message[] = {0x03, 0x02, 0x10, 0x03, 0x00};
    uint8_t room[64];
    struct byte_writer writer;
    byte_writer_init(&writer, room, sizeof(room));
    struct frame_mark mark =
        frame_begin_request(&writer, &framing, (const uint8_t *)"\x60\x00\x03\x12\x34");
    byte_writer_put(&writer, message, sizeof(message));
    frame_end(&writer, &framing, &mark);
    assert_int_equal(writer.position, 3 + 10 + 2);
    assert_memory_equal(room, "\x02\x00\x10\x60", 4);
    assert_int_equal(room[13], 0x03);
    struct outcome outcome = parse(&framing, (struct byte_view){room, writer.position});
    assert_int_equal(outcome.status, STATUS_OK);
    assert_int_equal(outcome.consumed, writer.position);
    assert_int_equal(outcome.frame.message.length, sizeof(message));
    assert_memory_equal(outcome.frame.message.bytes, message, sizeof(message));

    room[14] ^= 1;
    outcome = parse(&framing, (struct byte_view){room, writer.position});
    assert_int_equal(outcome.status, STATUS_MALFORMED);
    assert_non_null(strstr(outcome.fault.reason, "the block check (LRC) at offset 14 is "));
    room[13] = 0x04;
    outcome = parse(&framing, (struct byte_view){room, writer.position});
    assert_string_equal(outcome.fault.reason,
                        "byte 13 is 04, expected 03 (ETX), where bytes 1-2 say that the message "
                        "ends");
    outcome = parse(&framing, (struct byte_view){(const uint8_t *)"\x02\x00\x00\x03\x03", 5});
    assert_int_equal(outcome.status, STATUS_OK); /* keeps the link alive */
    assert_int_equal(outcome.frame.message.length, 0);
}

/* One frame after another, each of another kind, and the answer to each in its own. */
static void test_several_kinds_are_told_apart_message_by_message(void **state)
{
    (void)state;
    static const struct framing framing = {.length_kind = FRAME_BINARY_2_INCLUSIVE,
                                           .other_kinds =
                                               1U << FRAME_ASCII_4 | 1U << FRAME_BINARY_4,
                                           .may_be_http = true,
                                           .length_max = FRAME_LENGTH_MAX};
    static const char stream[] = "\x00\x04"
                                 "ab"
                                 "0003abc"
                                 "\x00\x00\x00\x01"
                                 "d"
                                 "POST / HTTP/1.1\r\nContent-Type: x-ISO-TPDU/x-auth\r\n"
                                 "Content-Length: 4\r\n\r\n\x00\x04yz"
                                 "\x00\x02";
    static const struct {
        const char *text, *answer;
        uint32_t answer_bytes;
    } frames[] = {{"ab", "\x00\x04ok", 4},
                  {"abc", "0002ok", 6},
                  {"d", "\x00\x00\x00\x02ok", 6},
                  {"yz", "\x00\x04ok", 4},
                  {"", "\x00\x04ok", 4}};
    struct byte_view rest = {(const uint8_t *)stream, sizeof(stream) - 1};
    for (size_t i = 0; i < COUNT_OF(frames); i++) {
        struct outcome outcome = parse(&framing, rest);
        assert_int_equal(outcome.status, STATUS_OK);
        assert_int_equal(outcome.frame.message.length, strlen(frames[i].text));
        assert_memory_equal(outcome.frame.message.bytes, frames[i].text, strlen(frames[i].text));
        assert_int_equal(outcome.frame.is_http, i == 3);
        rest.bytes += outcome.consumed;
        rest.length -= outcome.consumed;
        uint8_t room[512];
        struct byte_writer writer;
        byte_writer_init(&writer, room, sizeof(room));
        struct frame_mark mark = frame_begin_reply(&writer, &framing, &outcome.frame);
        byte_writer_text(&writer, "ok");
        frame_end(&writer, &framing, &mark);
        assert_int_equal(writer.position - mark.length_at, frames[i].answer_bytes);
        assert_memory_equal(room + mark.length_at, frames[i].answer, frames[i].answer_bytes);
    }
    assert_int_equal(rest.length, 0);
}

static void test_what_no_kind_begins_is_refused_with_their_names(void **state)
{
    (void)state;
    static const struct framing framing = {.length_kind = FRAME_BINARY_2,
                                           .other_kinds = 1U << FRAME_ASCII_4,
                                           .length_max = FRAME_LENGTH_MAX};
    struct outcome outcome = parse(&framing, (struct byte_view){(const uint8_t *)"\x09\x00", 2});
    assert_string_equal(outcome.fault.reason,
                        "bytes 0-1 are 0900, which begins no message of at most 2048 bytes by "
                        "binary_2, ascii_4");
    outcome = parse(&framing, (struct byte_view){(const uint8_t *)"\x16\x03\x01", 3});
    assert_non_null(strstr(outcome.fault.reason, "a TLS hello on a plain port"));
    outcome = parse(&framing, text_view("00x1"));
    assert_string_equal(outcome.fault.reason,
                        "bytes 0-3 are 30307831, expected a length of 4 ASCII digits, at most "
                        "2048");
}

static const struct framing CLIENT = {.length_kind = FRAME_BINARY_2,
                                      .length_max = FRAME_LENGTH_MAX,
                                      .http_post_path = "/bank/in",
                                      .http_post_host = "127.0.0.1"};

static void test_a_client_posts_and_reads_the_answer(void **state)
{
    (void)state;
    uint8_t room[512];
    struct byte_writer writer;
    byte_writer_init(&writer, room, sizeof(room));
    struct frame_mark mark = frame_begin_request(&writer, &CLIENT, NULL);
    byte_writer_text(&writer, "hello");
    frame_end(&writer, &CLIENT, &mark);
    assert_int_equal(writer.status, STATUS_OK);
    struct framing served = TERMINAL; /* what a server of ours makes of it */
    served.has_tpdu = false;
    struct outcome asked = parse(&served, (struct byte_view){room, writer.position});
    assert_int_equal(asked.status, STATUS_OK);
    assert_int_equal(asked.consumed, writer.position);
    assert_memory_equal(asked.frame.message.bytes, "hello", 5);
    assert_true(asked.frame.may_keep_alive);
    assert_memory_equal(room, "POST /bank/in HTTP/1.1\r\nHost: 127.0.0.1\r\n", 41);

    byte_writer_init(&writer, room, sizeof(room));
    mark = frame_begin_reply(&writer, &served, &asked.frame);
    byte_writer_text(&writer, "world!");
    frame_end(&writer, &served, &mark);
    struct outcome outcome = parse(&CLIENT, (struct byte_view){room, writer.position});
    assert_int_equal(outcome.status, STATUS_OK);
    assert_int_equal(outcome.consumed, writer.position);
    assert_int_equal(outcome.frame.message.length, 6);
    assert_memory_equal(outcome.frame.message.bytes, "world!", 6);
    assert_int_equal(outcome.frame.http_status, 200);
    assert_int_equal(outcome.frame.skip_length, 0);
}

/* Where it ends is known, so that what comes behind it can be read. */
static void test_an_answer_without_a_message_has_its_status(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        uint16_t status;
        uint32_t skip;
        bool may_keep_alive;
    } cases[] = {
        {"HTTP/1.1 500 Oops\r\nContent-Length: 12\r\n\r\n", 500, 12, true},
        {"HTTP/1.1 404 No\r\nContent-Length: 9000\r\nConnection: close\r\n\r\n", 404, 9000, false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, 0, true},
        {"HTTP/1.1 204 Nothing\r\n\r\n", 204, 0, true},
        {"HTTP/1.1 304 Same\r\nContent-Length: 70\r\n\r\n", 304, 0, true},
        {"HTTP/1.1 100 Continue\r\n\r\n", 100, 0, true},
        {"HTTP/1.0 502 Bad\r\nContent-Length: 3\r\n\r\n", 502, 3, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct outcome outcome = parse(&CLIENT, text_view(cases[i].answer));
        assert_int_equal(outcome.status, STATUS_OK);
        assert_int_equal(outcome.consumed, strlen(cases[i].answer));
        assert_int_equal(outcome.frame.message.length, 0);
        assert_int_equal(outcome.frame.http_status, cases[i].status);
        assert_int_equal(outcome.frame.skip_length, cases[i].skip);
        assert_int_equal(outcome.frame.may_keep_alive, cases[i].may_keep_alive);
    }
}

/* The next answer can be read all the same. */
static void test_a_good_answer_with_a_bad_body_says_what_the_body_is(void **state)
{
    (void)state;
#define OK_OF(length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n"
    static const struct {
        const char *head, *body;
        uint32_t skip;
        const char *reason;
    } cases[] = {
        {OK_OF("3"), "abc", 3, "in the HTTP body: length 0x6162 exceeds 2048"},
        {OK_OF("4"), "\x01\x02zz", 4,
         "the HTTP body of 4 bytes is not its length bytes and one frame of that length"},
        {OK_OF("9999"), "", 9999,
         "the HTTP body of 9999 bytes is longer than a frame, at most 2054"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char answer[128];
        uint32_t head_length = (uint32_t)strlen(cases[i].head);
        (void)snprintf(answer, sizeof(answer), "%s%s", cases[i].head, cases[i].body);
        struct outcome outcome = parse(&CLIENT, text_view(answer));
        assert_int_equal(outcome.status, STATUS_OK);
        assert_int_equal(outcome.frame.message.length, 0);
        assert_int_equal(outcome.frame.http_status, 200);
        assert_int_equal(outcome.consumed, head_length);
        assert_int_equal(outcome.frame.skip_length, cases[i].skip);
        assert_string_equal(outcome.fault.reason, cases[i].reason);
    }
#undef OK_OF
}

static void test_an_answer_that_is_none_is_told_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *reason;
    } cases[] = {
        {"HTTP/1.1 503 Busy\r\n\r\n",
         "HTTP: the answer (status 503) has no Content-Length, which is expected"},
        {"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n",
         "HTTP: the body of the answer (status 500) is chunked; a Content-Length alone is "
         "expected"},
        {"HTTP/1.1 500 Oops\r\nContent-Length: 1048577\r\n\r\n",
         "HTTP: the answer (status 500) has a Content-Length of 1048577, at most 1048576 is "
         "expected"},
        {"HTTP/1.1 101 Other\r\n\r\n",
         "HTTP: the answer's status is 101: the bank goes on in another protocol"},
        {"HTTP/1.1 20\r\n\r\n", "HTTP: the first line of the answer is not a version and a "
                                "status of three digits"},
        {"HTTP/2 200\r\n\r\n", "HTTP: the answer does not begin with HTTP/1.0 or HTTP/1.1"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
         "HTTP: the body of the answer (status 200) is chunked; a Content-Length alone is "
         "expected"},
        {"0012", "byte 0 is 30, expected an HTTP answer, which begins with HTTP/1.1"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct outcome outcome = parse(&CLIENT, text_view(cases[i].answer));
        assert_true(outcome.status > STATUS_OK && outcome.status != STATUS_TRUNCATED);
        assert_string_equal(outcome.fault.reason, cases[i].reason);
        assert_int_equal(outcome.fault.http_status, 0);
    }
}

static void test_a_half_frame_asks_for_more(void **state)
{
    (void)state;
    struct byte_view bytes = {(const uint8_t *)"\x00\x08\x60\x00\x03\x12\x34\xAA\xBB", 9};
    for (uint32_t length = 0; length <= bytes.length; length++) {
        struct outcome outcome = parse_whole(&TERMINAL, (struct byte_view){bytes.bytes, length});
        assert_int_equal(outcome.status, STATUS_TRUNCATED);
        assert_int_equal(outcome.consumed, 0);
    }
}

static void test_a_limit_beyond_the_build_is_our_fault(void **state)
{
    (void)state;
    struct framing framing = TERMINAL;
    framing.length_max = FRAME_LENGTH_MAX + 1;
    struct frame frame;
    struct frame_fault fault;
    uint32_t consumed;
    expect_assert_failure((void)!frame_parse(&frame, &consumed, &framing, text_view("x"), &fault));
}

static void test_a_reply_swaps_the_tpdu(void **state)
{
    (void)state;
    struct byte_view bytes = {(const uint8_t *)"\x00\x06\x60\x12\x34\x56\x78\xAA", 8};
    struct outcome outcome = parse(&TERMINAL, bytes);
    uint8_t room[64];
    struct byte_writer writer;
    byte_writer_init(&writer, room, sizeof(room));
    byte_writer_u8(&writer, 0x77); /* an earlier reply */
    struct frame_mark mark = frame_begin_reply(&writer, &TERMINAL, &outcome.frame);
    byte_writer_text(&writer, "ok");
    frame_end(&writer, &TERMINAL, &mark);
    assert_int_equal(mark.start, 1);
    assert_memory_equal(room + 1, "\x00\x07\x60\x56\x78\x12\x34ok", 9);

    byte_writer_init(&writer, room, sizeof(room));
    mark = frame_begin_reply(&writer, &TERMINAL, NULL);
    frame_end(&writer, &TERMINAL, &mark);
    assert_memory_equal(room, "\x00\x05\x60\x00\x00\x00\x00", 7);
}

static uint32_t http_request(char *room, size_t size, const char *head)
{
    int length = snprintf(room, size, "%s\r\n", head);
    memcpy(room + length, "\x00\x07\x60\x00\x03\x12\x34\xAA\xBB", 9);
    return (uint32_t)length + 9;
}

#define POST "POST /mjc/webtrans/VPB_lb HTTP/1.1\r\n"
#define TYPE "Content-Type:x-ISO-TPDU/x-auth\r\n"
#define NINE "Content-Length: 9\r\n"

static const char *const PATHS[] = {"/mjc/webtrans/VPB_lb", "/", NULL};

static void test_http_is_told_by_its_first_byte_and_read_liberally(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        bool may_keep_alive;
    } cases[] = {
        {POST "HOST: acquirer.example:5000\r\nUser-Agent: Donjin Http 0.1\r\n"
              "Cache-Control: no-cache\r\n" TYPE "Accept: */*\r\n" NINE,
         true},
        {POST NINE TYPE, true},
        {POST "CONTENT-LENGTH:9\r\ncontent-type:   X-iso-tpdu/X-AUTH ; charset=x\r\n", true},
        {"POST http://10.0.0.1:5000/mjc/webtrans/VPB_lb HTTP/1.1\r\n" NINE TYPE, true},
        {"POST HTTPS://10.0.0.1 HTTP/1.1\r\n" NINE TYPE, true},
        {"POST /?x=1 HTTP/1.1\r\n" NINE TYPE "Connection: close\r\n", false},
        {"POST / HTTP/1.0\r\n" NINE TYPE, false},
        {"POST / HTTP/1.0\r\n" NINE TYPE "Connection: upgrade, Keep-Alive\r\n", true},
        {POST TYPE "Content-Length: 9  \r\nConnection: keep-alive,close\r\n", false},
    };
    struct framing framing = TERMINAL;
    framing.http_paths = PATHS;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char room[600];
        uint32_t length = http_request(room, sizeof(room) - 9, cases[i].head);
        struct outcome outcome = parse(&framing, (struct byte_view){(const uint8_t *)room, length});
        assert_string_equal(outcome.fault.reason, "");
        assert_int_equal(outcome.status, STATUS_OK);
        assert_int_equal(outcome.consumed, length);
        assert_true(outcome.frame.is_http);
        assert_int_equal(outcome.frame.may_keep_alive, cases[i].may_keep_alive);
        assert_int_equal(outcome.frame.message.length, 2);
        assert_memory_equal(outcome.frame.message.bytes, "\xAA\xBB", 2);
    }
}

static void test_bad_http_gets_its_answer(void **state)
{
    (void)state;
    static const struct {
        uint16_t http_status;
        const char *head;
    } cases[] = {
        {411, POST TYPE},                                        /* no length */
        {411, POST TYPE "Transfer-Encoding: chunked\r\n"},       /* chunked */
        {400, POST TYPE NINE "Transfer-Encoding: chunked\r\n"},  /* both */
        {400, POST TYPE NINE NINE},                              /* repeated length */
        {400, POST TYPE NINE TYPE},                              /* repeated type */
        {400, POST TYPE "Content-Length: 0\r\n"},                /* no body */
        {400, POST TYPE "Content-Length: +9\r\n"},               /* sign */
        {400, POST TYPE "Content-Length: 9, 9\r\n"},             /* list */
        {400, POST TYPE "Content-Length:\r\n"},                  /* empty */
        {400, POST TYPE "Content-Length: 99999999999\r\n"},      /* overflow */
        {413, POST TYPE "Content-Length: 2055\r\n"},             /* too long */
        {415, POST NINE},                                        /* no type */
        {415, POST NINE "Content-Type: application/json\r\n"},   /* another type */
        {400, POST NINE TYPE " folded: 1\r\n"},                  /* folded */
        {400, POST NINE "Content-Type : x-ISO-TPDU/x-auth\r\n"}, /* blank before colon */
        {400, POST NINE TYPE ": empty\r\n"},                     /* no name */
        {400, POST NINE TYPE "no colon\r\n"},                    /* no colon */
        {400, POST NINE "Host: a\r\nHost: b\r\n" TYPE},          /* two hosts */
        {400, POST "Content-Length: 9\n" TYPE},                  /* bare LF */
        {400, POST NINE "X: a\rb\r\n" TYPE},                     /* bare CR */
        {400, POST NINE "X: a\x01\r\n" TYPE},                    /* control */
        {400, "POST / HTTP/2.0\r\n" NINE TYPE},                  /* version */
        {400, "POST /\r\n" NINE TYPE},                           /* HTTP/0.9 */
        {400, "POST  / HTTP/1.1\r\n" NINE TYPE},                 /* two blanks */
        {400, "POST /\xC3\xA9 HTTP/1.1\r\n" NINE TYPE},          /* not ASCII */
        {400, "POST * HTTP/1.1\r\n" NINE TYPE},                  /* no path */
        {405, "GET / HTTP/1.1\r\n" NINE TYPE},                   /* method */
        {404, "POST /other HTTP/1.1\r\n" NINE TYPE},             /* path */
        {404, "POST http://h/mjc HTTP/1.1\r\n" NINE TYPE},       /* path */
    };
    struct framing framing = TERMINAL;
    framing.http_paths = PATHS;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char room[600];
        uint32_t length = http_request(room, sizeof(room) - 9, cases[i].head);
        struct outcome outcome = parse(&framing, (struct byte_view){(const uint8_t *)room, length});
        assert_true(outcome.status > STATUS_OK && outcome.status != STATUS_TRUNCATED);
        assert_int_equal(outcome.fault.http_status, cases[i].http_status);
        assert_memory_equal(outcome.fault.reason, "HTTP: ", 6);
    }
}

static void test_an_endless_head_is_cut_off(void **state)
{
    (void)state;
    static char room[FRAME_HTTP_HEAD_MAX + 1];
    memset(room, 'a', sizeof(room));
    memcpy(room, POST "X:", sizeof(POST "X:") - 1);
    struct byte_view bytes = {(const uint8_t *)room, FRAME_HTTP_HEAD_MAX - 1};
    assert_int_equal(parse_whole(&TERMINAL, bytes).status, STATUS_TRUNCATED);
    bytes.length++;
    struct outcome outcome = parse_whole(&TERMINAL, bytes);
    assert_int_equal(outcome.status, STATUS_MALFORMED);
    assert_int_equal(outcome.fault.http_status, 400);

    uint32_t length = (uint32_t)snprintf(room, sizeof(room), "%s", POST NINE TYPE);
    for (int i = 0; i < 70; i++) {
        length += (uint32_t)snprintf(room + length, sizeof(room) - length, "X%d: 1\r\n", i);
    }
    length += (uint32_t)snprintf(room + length, sizeof(room) - length, "\r\n");
    outcome = parse_whole(&TERMINAL, (struct byte_view){(const uint8_t *)room, length});
    assert_int_equal(outcome.fault.http_status, 400);
    assert_string_equal(outcome.fault.reason, "HTTP: more than 64 headers");
}

static void test_a_bad_frame_inside_http_closes_without_an_answer(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *reason;
    } cases[] = {
        {"\x00\x08\x60\x00\x03\x12\x34\xAA\xBB",
         "the HTTP body of 9 bytes is not its length bytes and one frame of that length"},
        {"\x00\x06\x60\x00\x03\x12\x34\xAA\xBB",
         "the HTTP body of 9 bytes is not its length bytes and one frame of that length"},
        {"\x00\x07\x61\x00\x03\x12\x34\xAA\xBB", "in the HTTP body: the TPDU begins with 61 at "
                                                 "offset 2, expected 60, or framing.tpdu: false "
                                                 "for a peer that sends none"},
        {"<xml/>   ", "in the HTTP body: length 0x3C78 exceeds 2048"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char room[600];
        uint32_t length = http_request(room, sizeof(room) - 9, POST NINE TYPE);
        memcpy(room + length - 9, cases[i].body, 9);
        struct outcome outcome =
            parse(&TERMINAL, (struct byte_view){(const uint8_t *)room, length});
        assert_int_equal(outcome.status, STATUS_MALFORMED);
        assert_int_equal(outcome.fault.http_status, 0);
        assert_string_equal(outcome.fault.reason, cases[i].reason);
    }
}

static void test_an_http_reply_says_its_length_without_moving_the_body(void **state)
{
    (void)state;
    char room[600];
    uint32_t length = http_request(room, sizeof(room) - 9, POST NINE TYPE);
    struct outcome outcome = parse(&TERMINAL, (struct byte_view){(const uint8_t *)room, length});
    uint8_t reply[600];
    struct byte_writer writer;
    byte_writer_init(&writer, reply, sizeof(reply));
    struct frame_mark mark = frame_begin_reply(&writer, &TERMINAL, &outcome.frame);
    uint32_t message_at = writer.position;
    byte_writer_text(&writer, "hello");
    frame_end(&writer, &TERMINAL, &mark);
    assert_int_equal(writer.status, STATUS_OK);
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: x-ISO-TPDU/x-auth\r\n"
                               "Content-Length: 12\r\nServer: Tillway      \r\n"
                               "Connection: keep-alive\r\n\r\n";
    assert_memory_equal(reply, head, sizeof(head) - 1);
    assert_memory_equal(reply + sizeof(head) - 1, "\x00\x0A\x60\x12\x34\x00\x03hello", 12);
    assert_memory_equal(reply + message_at, "hello", 5);

    outcome.frame.may_keep_alive = false;
    byte_writer_init(&writer, reply, sizeof(reply));
    mark = frame_begin_reply(&writer, &TERMINAL, &outcome.frame);
    frame_end(&writer, &TERMINAL, &mark);
    assert_memory_equal(reply + mark.length_at - 23, "\r\nConnection: close\r\n\r\n", 23);
}

static void test_an_http_error_is_whole(void **state)
{
    (void)state;
    static const struct {
        uint16_t http_status;
        const char *first_line;
    } cases[] = {
        {400, "HTTP/1.1 400 Bad Request\r\n"},
        {404, "HTTP/1.1 404 Not Found\r\n"},
        {405, "HTTP/1.1 405 Method Not Allowed\r\nAllow: POST\r\n"},
        {411, "HTTP/1.1 411 Length Required\r\n"},
        {413, "HTTP/1.1 413 Content Too Large\r\n"},
        {415, "HTTP/1.1 415 Unsupported Media Type\r\n"},
        {503, "HTTP/1.1 503 Service Unavailable\r\n"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t bytes[200] = {0};
        char expected[200];
        struct byte_writer writer;
        byte_writer_init(&writer, bytes, sizeof(bytes));
        frame_put_http_error(&writer, cases[i].http_status);
        snprintf(expected, sizeof(expected), "%sContent-Length: 0\r\nConnection: close\r\n\r\n",
                 cases[i].first_line);
        assert_string_equal((const char *)bytes, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_length_and_a_tpdu_stand_before_the_message),
        cmocka_unit_test(test_a_length_of_zero_keeps_the_link_alive),
        cmocka_unit_test(test_every_kind_of_length_is_read_and_written),
        cmocka_unit_test(test_a_wrong_guess_gets_a_sentence),
        cmocka_unit_test(test_an_stx_frame_carries_any_byte_and_is_checked),
        cmocka_unit_test(test_several_kinds_are_told_apart_message_by_message),
        cmocka_unit_test(test_what_no_kind_begins_is_refused_with_their_names),
        cmocka_unit_test(test_a_client_posts_and_reads_the_answer),
        cmocka_unit_test(test_an_answer_without_a_message_has_its_status),
        cmocka_unit_test(test_a_good_answer_with_a_bad_body_says_what_the_body_is),
        cmocka_unit_test(test_an_answer_that_is_none_is_told_in_words),
        cmocka_unit_test(test_a_half_frame_asks_for_more),
        cmocka_unit_test(test_a_limit_beyond_the_build_is_our_fault),
        cmocka_unit_test(test_a_reply_swaps_the_tpdu),
        cmocka_unit_test(test_http_is_told_by_its_first_byte_and_read_liberally),
        cmocka_unit_test(test_bad_http_gets_its_answer),
        cmocka_unit_test(test_an_endless_head_is_cut_off),
        cmocka_unit_test(test_a_bad_frame_inside_http_closes_without_an_answer),
        cmocka_unit_test(test_an_http_reply_says_its_length_without_moving_the_body),
        cmocka_unit_test(test_an_http_error_is_whole),
    };
    return cmocka_run_group_tests_name("protocols/frame", tests, NULL, NULL);
}
