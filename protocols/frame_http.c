/* See frame_http.h. The head is first scanned for its end and for forbidden characters, then read
 * line by line; a fault therefore does not depend on how the bytes were cut into pieces. */
#include "protocols/frame_http.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"

#define CONTENT_TYPE "x-ISO-TPDU/x-auth"
#define HEADER_COUNT_MAX 64
#define LENGTH_BYTES_MAX (FRAME_PREFIX_BYTES_MAX + FRAME_SUFFIX_BYTES_MAX)
#define LENGTH_ROOM 8 /* characters kept for the digits of Content-Length, the rest blank */

_Static_assert(FRAME_LENGTH_MAX < 0x4100, "no binary length begins with a capital letter");
_Static_assert(FRAME_HTTP_HEAD_MAX > FRAME_LENGTH_MAX, "a head is not cut off by the body's limit");
_Static_assert(FRAME_LENGTH_MAX < 4100, "no BCD length begins with a capital letter");

struct http_facts {
    bool has_length, has_coding, has_type, has_host;
    bool is_type_right, wants_close, wants_keep_alive, is_version_1_0;
    bool is_answer;  /* to what we posted */
    uint16_t status; /* of that */
    uint32_t length;
    struct frame_http_post *post; /* NULL: it carries a frame */
    const char *const *wanted;
};

__attribute__((format(printf, 4, 5))) static enum status
refuse(struct frame_fault *fault, enum status status, uint16_t http_status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->reason, sizeof(fault->reason), format, arguments);
    va_end(arguments);
    fault->http_status = http_status;
    return status;
}

bool frame_http_is_begun(uint8_t first)
{
    return first >= 'A' && first <= 'Z';
}

static bool is_control(uint8_t byte)
{
    return (byte < 0x20 && byte != '\t') || byte == 0x7F;
}

/* Finds the empty line. */
static enum status find_head_end(struct byte_view bytes, uint32_t *head_length,
                                 struct frame_fault *fault)
{
    uint32_t limit = bytes.length < FRAME_HTTP_HEAD_MAX ? bytes.length : FRAME_HTTP_HEAD_MAX;
    for (uint32_t i = 0; i < limit; i++) {
        uint8_t byte = bytes.bytes[i];
        if (byte == '\n') {
            if (i == 0 || bytes.bytes[i - 1] != '\r') {
                return refuse(fault, STATUS_MALFORMED, 400,
                              "HTTP: a line ends with LF alone at offset %u, expected CR LF", i);
            }
            if (i >= 3 && memcmp(bytes.bytes + i - 3, "\r\n\r\n", 4) == 0) {
                *head_length = i + 1;
                return STATUS_OK;
            }
        } else if (i > 0 && bytes.bytes[i - 1] == '\r') {
            return refuse(fault, STATUS_MALFORMED, 400,
                          "HTTP: CR without LF at offset %u, expected CR LF", i - 1);
        } else if (byte != '\r' && is_control(byte)) {
            return refuse(fault, STATUS_MALFORMED, 400,
                          "HTTP: control character 0x%02X in the head at offset %u", byte, i);
        }
    }
    if (limit == FRAME_HTTP_HEAD_MAX) {
        return refuse(fault, STATUS_MALFORMED, 400, "HTTP: the head does not end within %d bytes",
                      FRAME_HTTP_HEAD_MAX);
    }
    return STATUS_TRUNCATED;
}

/* The next line without its CR LF. The head ends with one, so there always is a line. */
static struct byte_view take_line(struct byte_reader *head)
{
    const uint8_t *begin = head->bytes + head->position;
    const uint8_t *end = memchr(begin, '\r', byte_reader_left(head));
    REQUIRE(end != NULL);
    REQUIRE(end + 1 < head->bytes + head->length);
    struct byte_view line = {begin, (uint32_t)(end - begin)};
    head->position += line.length + 2;
    return line;
}

/* Cuts off what stands before the first `separator`, which goes too; false when there is none. */
static bool cut(struct byte_view *rest, char separator, struct byte_view *part)
{
    const uint8_t *at = rest->length == 0 ? NULL : memchr(rest->bytes, separator, rest->length);
    if (at == NULL) {
        return false;
    }
    *part = (struct byte_view){rest->bytes, (uint32_t)(at - rest->bytes)};
    rest->bytes = at + 1;
    rest->length -= part->length + 1;
    return true;
}

static struct byte_view trim(struct byte_view text)
{
    while (text.length > 0 && (text.bytes[0] == ' ' || text.bytes[0] == '\t')) {
        text.bytes++;
        text.length--;
    }
    while (text.length > 0 &&
           (text.bytes[text.length - 1] == ' ' || text.bytes[text.length - 1] == '\t')) {
        text.length--;
    }
    return text;
}

static char lower(uint8_t byte)
{
    return (char)(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
}

/* Whether `text` begins with `word` in any case of its letters. */
static bool begins_with(struct byte_view text, const char *word)
{
    uint32_t i = 0;
    for (; word[i] != '\0'; i++) {
        if (i == text.length || lower(text.bytes[i]) != lower((uint8_t)word[i])) {
            return false;
        }
    }
    return true;
}

static bool is_word(struct byte_view text, const char *word)
{
    return text.length == strlen(word) && begins_with(text, word);
}

/* The path of a target: without scheme and host (absolute form, RFC 9112 section 3.2.2) and without
 * a query. Length 0: there is none. */
static struct byte_view path_of(struct byte_view target)
{
    REQUIRE(target.length > 0);
    struct byte_view path = target;
    if (begins_with(target, "http://") || begins_with(target, "https://")) {
        struct byte_view ignored;
        (void)cut(&path, '/', &ignored);
        (void)cut(&path, '/', &ignored);
        const uint8_t *slash = path.length == 0 ? NULL : memchr(path.bytes, '/', path.length);
        if (slash == NULL) {
            return (struct byte_view){(const uint8_t *)"/", 1};
        }
        path.length -= (uint32_t)(slash - path.bytes);
        path.bytes = slash;
    }
    if (path.length == 0 || path.bytes[0] != '/') {
        return (struct byte_view){NULL, 0};
    }
    struct byte_view query = path;
    (void)cut(&query, '?', &path);
    return path;
}

static bool path_is_served(const struct framing *framing, struct byte_view path)
{
    if (framing->http_paths == NULL) {
        return true;
    }
    for (const char *const *known = framing->http_paths; *known != NULL; known++) {
        if (path.length == strlen(*known) && memcmp(path.bytes, *known, path.length) == 0) {
            return true;
        }
    }
    return false;
}

static enum status read_request_line(struct byte_view line, const struct framing *framing,
                                     struct http_facts *facts, struct frame_fault *fault)
{
    struct byte_view method, target;
    struct byte_view version = line;
    if (!cut(&version, ' ', &method) || !cut(&version, ' ', &target) || target.length == 0) {
        return refuse(fault, STATUS_MALFORMED, 400,
                      "HTTP: the first line is not method, target and version with one blank "
                      "between");
    }
    for (uint32_t i = 0; i < target.length; i++) {
        if (target.bytes[i] > 0x7E || target.bytes[i] == '\t') {
            return refuse(fault, STATUS_MALFORMED, 400,
                          "HTTP: byte 0x%02X in the request target at offset %u", target.bytes[i],
                          method.length + 1 + i);
        }
    }
    facts->is_version_1_0 = is_word(version, "HTTP/1.0");
    if (!facts->is_version_1_0 && !is_word(version, "HTTP/1.1")) {
        return refuse(fault, STATUS_MALFORMED, 400,
                      "HTTP: the first line does not end with HTTP/1.0 or HTTP/1.1");
    }
    if (method.length != 4 || memcmp(method.bytes, "POST", 4) != 0) {
        return refuse(fault, STATUS_UNSUPPORTED, 405,
                      "HTTP: only POST is served here, not the method of %u characters that came",
                      method.length);
    }
    struct byte_view path = path_of(target);
    if (path.length == 0) {
        return refuse(fault, STATUS_MALFORMED, 400,
                      "HTTP: the request target is no path and no URL");
    }
    if (facts->post != NULL) {
        facts->post->path = path;
        return STATUS_OK;
    }
    if (!path_is_served(framing, path)) {
        return refuse(fault, STATUS_UNKNOWN, 404, "HTTP: path %.*s is not on the listener's list",
                      (int)(path.length < 80 ? path.length : 80), (const char *)path.bytes);
    }
    return STATUS_OK;
}

/* HTTP/1.1, a blank, three digits; a phrase may stand behind. */
static enum status read_status_line(struct byte_view line, struct http_facts *facts,
                                    struct frame_fault *fault)
{
    struct byte_view version;
    struct byte_view code = line;
    uint64_t status = 0;
    if (!cut(&code, ' ', &version) || code.length < 3 ||
        digits_parse(&status, (const char *)code.bytes, 3, (struct number_range){100, 599}) !=
            STATUS_OK ||
        (code.length > 3 && code.bytes[3] != ' ')) {
        return refuse(fault, STATUS_MALFORMED, 0,
                      "HTTP: the first line of the answer is not a version and a status of three "
                      "digits");
    }
    facts->is_version_1_0 = is_word(version, "HTTP/1.0");
    if (!facts->is_version_1_0 && !is_word(version, "HTTP/1.1")) {
        return refuse(fault, STATUS_MALFORMED, 0,
                      "HTTP: the answer does not begin with HTTP/1.0 or HTTP/1.1");
    }
    facts->status = (uint16_t)status;
    return STATUS_OK;
}

static bool is_token_character(uint8_t byte)
{
    bool is_letter = lower(byte) >= 'a' && lower(byte) <= 'z';
    bool is_digit = byte >= '0' && byte <= '9';
    return is_letter || is_digit || (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

static bool is_token(struct byte_view text)
{
    for (uint32_t i = 0; i < text.length; i++) {
        if (!is_token_character(text.bytes[i])) {
            return false;
        }
    }
    return text.length > 0;
}

static enum status read_length(struct byte_view value, struct http_facts *facts,
                               struct frame_fault *fault)
{
    uint64_t length = 0;
    if (facts->has_length) {
        return refuse(fault, STATUS_DUPLICATE, 400, "HTTP: Content-Length stands there twice");
    }
    if (digits_parse(&length, (const char *)value.bytes, value.length,
                     (struct number_range){0, UINT32_MAX}) != STATUS_OK) {
        return refuse(fault, STATUS_MALFORMED, 400,
                      "HTTP: Content-Length is not a decimal number below 2^32");
    }
    facts->has_length = true;
    facts->length = (uint32_t)length;
    return STATUS_OK;
}

static void read_connection(struct byte_view value, struct http_facts *facts)
{
    struct byte_view option;
    while (value.length > 0) {
        if (!cut(&value, ',', &option)) {
            option = value;
            value.length = 0;
        }
        facts->wants_close |= is_word(trim(option), "close");
        facts->wants_keep_alive |= is_word(trim(option), "keep-alive");
    }
}

static enum status read_type(struct byte_view value, struct http_facts *facts,
                             struct frame_fault *fault)
{
    struct byte_view parameters = value;
    struct byte_view type = value;
    if (facts->has_type) {
        return refuse(fault, STATUS_DUPLICATE, 400, "HTTP: Content-Type stands there twice");
    }
    facts->has_type = true;
    (void)cut(&parameters, ';', &type);
    facts->is_type_right = is_word(trim(type), CONTENT_TYPE);
    return STATUS_OK;
}

/* Of a POST without a frame: keeps what was asked for. */
static enum status keep_wanted(struct byte_view name, struct byte_view value,
                               struct http_facts *facts, struct frame_fault *fault)
{
    for (uint32_t i = 0; i < FRAME_HTTP_WANTED_COUNT_MAX && facts->wanted[i] != NULL; i++) {
        if (!is_word(name, facts->wanted[i])) {
            continue;
        }
        if (facts->post->values[i].bytes != NULL) {
            return refuse(fault, STATUS_DUPLICATE, 400, "HTTP: %s stands there twice",
                          facts->wanted[i]);
        }
        facts->post->values[i] = value;
    }
    return STATUS_OK;
}

static enum status read_header(struct byte_view line, struct http_facts *facts,
                               struct frame_fault *fault)
{
    REQUIRE(line.length > 0);
    struct byte_view name;
    struct byte_view value = line;
    if (line.bytes[0] == ' ' || line.bytes[0] == '\t') {
        return refuse(fault, STATUS_MALFORMED, 400,
                      "HTTP: a header is folded over two lines, which is not accepted");
    }
    if (!cut(&value, ':', &name) || !is_token(name)) {
        return refuse(fault, STATUS_MALFORMED, 400,
                      "HTTP: a header line does not begin with a name and a colon right behind it");
    }
    value = trim(value);
    if (facts->post != NULL) {
        enum status status = keep_wanted(name, value, facts, fault);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (is_word(name, "content-length")) {
        return read_length(value, facts, fault);
    }
    if (is_word(name, "content-type")) {
        return read_type(value, facts, fault);
    }
    if (is_word(name, "connection")) {
        read_connection(value, facts);
    }
    if (is_word(name, "host")) {
        if (facts->has_host) {
            return refuse(fault, STATUS_DUPLICATE, 400, "HTTP: Host stands there twice");
        }
        facts->has_host = true;
    }
    facts->has_coding |= is_word(name, "transfer-encoding");
    return STATUS_OK;
}

/* What the headers say together. */
static enum status judge(const struct http_facts *facts, uint32_t length_max,
                         struct frame_fault *fault)
{
    if (facts->has_coding && facts->has_length) {
        return refuse(fault, STATUS_MALFORMED, 400,
                      "HTTP: both Content-Length and Transfer-Encoding are there");
    }
    if (!facts->has_length) {
        return refuse(fault, STATUS_MISSING, 411,
                      facts->has_coding ? "HTTP: the body is chunked; a Content-Length is expected"
                                        : "HTTP: no Content-Length");
    }
    if (facts->length == 0) {
        return refuse(fault, STATUS_MISSING, 400, "HTTP: POST without a body");
    }
    if (facts->length > length_max) {
        return refuse(fault, STATUS_BAD_VALUE, 413, "HTTP: Content-Length %u exceeds %u",
                      facts->length, length_max);
    }
    if (!facts->is_type_right && facts->post == NULL) {
        return refuse(fault, STATUS_UNSUPPORTED, 415, "HTTP: Content-Type is %s, expected %s",
                      facts->has_type ? "another one" : "absent", CONTENT_TYPE);
    }
    return STATUS_OK;
}

/* Where an answer ends; what it says is the caller's business. */
static enum status judge_answer(struct http_facts *facts, struct frame_fault *fault)
{
    const unsigned status = facts->status;
    if (status == 101) {
        return refuse(fault, STATUS_UNSUPPORTED, 0,
                      "HTTP: the answer's status is 101: the bank goes on in another protocol");
    }
    if (status < 200 || status == 204 || status == 304) {
        facts->length = 0; /* whatever its headers say */
        return STATUS_OK;
    }
    if (facts->has_coding) {
        return refuse(fault, STATUS_MISSING, 0,
                      "HTTP: the body of the answer (status %u) is chunked; a Content-Length alone "
                      "is expected",
                      status);
    }
    if (!facts->has_length) {
        return refuse(fault, STATUS_MISSING, 0,
                      "HTTP: the answer (status %u) has no Content-Length, which is expected",
                      status);
    }
    if (facts->length > FRAME_HTTP_SKIP_MAX) {
        return refuse(fault, STATUS_BAD_VALUE, 0,
                      "HTTP: the answer (status %u) has a Content-Length of %u, at most %u is "
                      "expected",
                      status, facts->length, FRAME_HTTP_SKIP_MAX);
    }
    return STATUS_OK;
}

static enum status parse_head(struct frame_http_head *head, struct http_facts *facts,
                              const struct framing *framing, uint32_t length_max,
                              struct byte_view bytes, struct frame_fault *fault)
{
    struct byte_reader reader;
    uint32_t head_length = 0;
    enum status status = find_head_end(bytes, &head_length, fault);
    if (status != STATUS_OK) {
        return status;
    }
    byte_reader_init(&reader, bytes.bytes, head_length);
    struct byte_view first_line = take_line(&reader);
    status = facts->is_answer ? read_status_line(first_line, facts, fault)
                              : read_request_line(first_line, framing, facts, fault);
    uint32_t header_count = 0;
    for (struct byte_view line; status == STATUS_OK && (line = take_line(&reader)).length > 0;) {
        if (++header_count > HEADER_COUNT_MAX) {
            return refuse(fault, STATUS_MALFORMED, 400, "HTTP: more than %d headers",
                          HEADER_COUNT_MAX);
        }
        status = read_header(line, facts, fault);
    }
    if (status == STATUS_OK) {
        status = facts->is_answer ? judge_answer(facts, fault) : judge(facts, length_max, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    head->head_length = head_length;
    head->body_length = facts->length;
    head->status = facts->status;
    head->may_keep_alive =
        !facts->wants_close && (!facts->is_version_1_0 || facts->wants_keep_alive);
    return STATUS_OK;
}

uint32_t frame_http_body_max(const struct framing *framing)
{
    return framing->length_max + LENGTH_BYTES_MAX;
}

enum status frame_http_head_parse(struct frame_http_head *head, const struct framing *framing,
                                  struct byte_view bytes, struct frame_fault *fault)
{
    struct http_facts facts = {.post = NULL};
    return parse_head(head, &facts, framing, frame_http_body_max(framing), bytes, fault);
}

enum status frame_http_answer_parse(struct frame_http_head *head, const struct framing *framing,
                                    struct byte_view bytes, struct frame_fault *fault)
{
    static const char BEGIN[] = "HTTP/";
    struct http_facts facts = {.is_answer = true};
    for (uint32_t i = 0; i < sizeof(BEGIN) - 1 && i < bytes.length; i++) {
        if (bytes.bytes[i] != (uint8_t)BEGIN[i]) {
            return refuse(fault, STATUS_MALFORMED, 0,
                          "byte %u is %02X, expected an HTTP answer, which begins with HTTP/1.1", i,
                          bytes.bytes[i]);
        }
    }
    enum status status = parse_head(head, &facts, framing, FRAME_HTTP_SKIP_MAX, bytes, fault);
    fault->http_status = 0; /* nobody is to be answered */
    return status;
}

enum status frame_http_post_parse(struct frame_http_post *post, const char *const *wanted,
                                  uint32_t body_length_max, struct byte_view bytes,
                                  struct frame_fault *fault)
{
    struct http_facts facts = {.post = post, .wanted = wanted};
    memset(post, 0, sizeof(*post));
    return parse_head(&post->head, &facts, NULL, body_length_max, bytes, fault);
}

/* The length is not known when the head is written and the body must not move afterwards, so the
 * digits get a room of fixed width, and a header that nobody reads takes up the blanks. */
static const char HEAD_UP_TO_LENGTH[] =
    "HTTP/1.1 200 OK\r\nContent-Type: " CONTENT_TYPE "\r\nContent-Length: ";
static const char SERVER[] = "\r\nServer: Tillway";
static const char USER_AGENT[] = "\r\nUser-Agent: Tillway";

/* Room for the digits and what follows them into the blanks; answers where it begins. */
static uint32_t put_length_room(struct byte_writer *writer, size_t filler_length)
{
    uint32_t at = writer->position;
    byte_writer_fill(writer, ' ', LENGTH_ROOM + (uint32_t)filler_length);
    return at;
}

uint32_t frame_http_head_begin(struct byte_writer *writer, bool may_keep_alive)
{
    _Static_assert(sizeof(SERVER) - 1 + LENGTH_ROOM < 64, "the filler stays small");
    byte_writer_text(writer, HEAD_UP_TO_LENGTH);
    uint32_t at = put_length_room(writer, sizeof(SERVER) - 1);
    byte_writer_text(writer, may_keep_alive ? "\r\nConnection: keep-alive\r\n\r\n"
                                            : "\r\nConnection: close\r\n\r\n");
    return at;
}

uint32_t frame_http_post_begin(struct byte_writer *writer, const struct framing *framing)
{
    _Static_assert(2 * FRAME_HTTP_POST_TEXT_MAX + 192 < FRAME_HTTP_POST_HEAD_MAX, "room for all");
    REQUIRE(strlen(framing->http_post_path) <= FRAME_HTTP_POST_TEXT_MAX);
    REQUIRE(strlen(framing->http_post_host) <= FRAME_HTTP_POST_TEXT_MAX);
    byte_writer_text(writer, "POST ");
    byte_writer_text(writer, framing->http_post_path);
    byte_writer_text(writer, " HTTP/1.1\r\nHost: ");
    byte_writer_text(writer, framing->http_post_host);
    byte_writer_text(writer, "\r\nContent-Type: " CONTENT_TYPE "\r\nContent-Length: ");
    uint32_t at = put_length_room(writer, sizeof(USER_AGENT) - 1);
    byte_writer_text(writer, "\r\nConnection: keep-alive\r\n\r\n");
    return at;
}

void frame_http_head_end(struct byte_writer *writer, uint32_t content_length_at,
                         uint32_t body_length, bool is_post)
{
    char digits[LENGTH_ROOM + 1];
    const char *filler = is_post ? USER_AGENT : SERVER;
    size_t filler_length = strlen(filler);
    int digit_count = snprintf(digits, sizeof(digits), "%u", body_length);
    REQUIRE(digit_count > 0 && digit_count <= LENGTH_ROOM);
    REQUIRE(content_length_at + LENGTH_ROOM + filler_length < writer->position);
    memcpy(writer->bytes + content_length_at, digits, (size_t)digit_count);
    memcpy(writer->bytes + content_length_at + digit_count, filler, filler_length);
}

static const char *phrase(uint16_t http_status)
{
    switch (http_status) {
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 411:
        return "Length Required";
    case 413:
        return "Content Too Large";
    case 415:
        return "Unsupported Media Type";
    case 503:
        return "Service Unavailable";
    default:
        return "Bad Request";
    }
}

void frame_put_http_error(struct byte_writer *writer, uint16_t http_status)
{
    char head[160];
    REQUIRE(http_status >= 400 && http_status <= 599);
    int length = snprintf(
        head, sizeof(head), "HTTP/1.1 %u %s\r\n%sContent-Length: 0\r\nConnection: close\r\n\r\n",
        http_status, phrase(http_status), http_status == 405 ? "Allow: POST\r\n" : "");
    REQUIRE(length > 0 && length < (int)sizeof(head));
    byte_writer_put(writer, head, (uint32_t)length);
}
