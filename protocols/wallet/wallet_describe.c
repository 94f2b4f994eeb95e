/* See wallet_describe.h.
 *
 * A body is told apart by its first byte: { is JSON, < is XML, anything else a form. What cannot be
 * read is not shown at all, since nobody knows what it holds.
 */
#include "protocols/wallet/wallet_describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "protocols/base/secret.h"
#include "protocols/wallet/wallet_json.h"
#include "protocols/wallet/wallet_text.h"
#include "protocols/wallet/wallet_xml.h"

#define DEPTH_MAX 6 /* objects inside objects; wallets have four */
#define PATH_SIZE 128
#define NUMBER_SIZE 24
#define FORM_BYTES_MAX 16384
#define WORDS_DIGITS_MAX 6 /* more in a row may be a code, a card or a telephone */
#define NESTED "biz_content"

enum shape { HIDDEN, PLAIN, WORDS };

static enum shape shape_of(const char *name)
{
    static const struct {
        const char *name;
        enum shape shape;
    } NAMES[] = {
#define X(name, shape) {name, shape},
#include "protocols/wallet/wallet_describe.def"
#undef X
    };
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        if (strcmp(NAMES[i].name, name) == 0) {
            return NAMES[i].shape;
        }
    }
    return HIDDEN;
}

/* The text under way: always room for its final 0. */
struct description {
    struct byte_writer writer;
};

static void add(struct description *description, const char *text, uint32_t length)
{
    const uint32_t room = byte_writer_room(&description->writer);
    byte_writer_put(&description->writer, text, length < room ? length : room);
}

static void add_text(struct description *description, const char *text)
{
    add(description, text, (uint32_t)strlen(text));
}

/* Control characters would move the reader's cursor; UTF-8 passes. */
static void add_plain(struct description *description, const char *text, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        const bool is_print = (unsigned char)text[i] >= ' ' && text[i] != 0x7f;
        add(description, is_print ? &text[i] : ".", 1);
    }
}

/* How long what separates two groups of a number is: a blank, no-break ones too, or a dash. */
static uint32_t separator_at(const char *text)
{
    static const char *const separators[] = {" ",           "-", "\t", "\xC2\xA0", "\xE2\x80\x91",
                                             "\xE2\x80\x93"};
    for (size_t i = 0; i < sizeof(separators) / sizeof(separators[0]); i++) {
        if (strncmp(text, separators[i], strlen(separators[i])) == 0) {
            return (uint32_t)strlen(separators[i]);
        }
    }
    return 0;
}

static bool is_address(const char *word)
{
    return memchr(word, '@', strcspn(word, " ")) != NULL;
}

/* A number as people write it, in groups or not: answers its length, and how many digits it has. A
 * later group whose word is an address belongs to that: taken with the number, it would leave the
 * rest of the address to be shown. */
static uint32_t number_at(const char *text, uint32_t *digit_count)
{
    uint32_t length = 0, next = 0;
    *digit_count = 0;
    for (;;) {
        uint32_t group = (uint32_t)strspn(text + next, "0123456789*");
        if (group == 0 || (next > 0 && is_address(text + next))) {
            return length;
        }
        *digit_count += group;
        length = next + group;
        next = length;
        for (uint32_t one; (one = separator_at(text + next)) > 0;) {
            next += one;
        }
    }
}

/* Free words may quote what is hidden elsewhere: long numbers, grouped ones too ("6225 8801 2345
 * 6789"), and addresses are taken out. */
static void add_words(struct description *description, const char *text)
{
    bool is_begun = false; /* inside a word */
    while (*text != '\0') {
        uint32_t word = (uint32_t)strcspn(text, " ");
        if (!is_begun && is_address(text)) {
            add_text(description, "(an address)");
            text += word;
            continue;
        }
        uint32_t digits;
        uint32_t length = number_at(text, &digits);
        if (digits > WORDS_DIGITS_MAX) {
            add_text(description, "(digits)");
        } else { /* one character: what follows may begin an address */
            length = 1;
            add_plain(description, text, length);
        }
        is_begun = text[length - 1] != ' ';
        text += length;
    }
}

static void add_value(struct description *description, const char *path, const char *name,
                      const char *value)
{
    char line[PATH_SIZE + NUMBER_SIZE];
    snprintf(line, sizeof(line), "%-32.*s ", PATH_SIZE - 1, path);
    add_plain(description, line, (uint32_t)strlen(line));
    switch (shape_of(name)) {
    case PLAIN:
        add_plain(description, value, (uint32_t)strlen(value));
        break;
    case WORDS:
        add_words(description, value);
        break;
    case HIDDEN:
        snprintf(line, sizeof(line), "(%zu characters)", strlen(value));
        add_text(description, line);
        break;
    }
    add_text(description, "\n");
}

/* --- JSON --------------------------------------------------------------------------------- */

/* One object that is being walked; an array is walked as if its elements had the array's name. */
struct level {
    json_t *node;
    void *at;      /* of an object */
    size_t next;   /* of an array */
    size_t length; /* of the path to it */
    const char *name;
};

static json_t *next_of(struct level *level, const char **name)
{
    json_t *value;
    if (json_is_array(level->node)) {
        *name = level->name;
        return json_array_get(level->node, level->next++);
    }
    level->at = level->next++ == 0 ? json_object_iter(level->node)
                                   : json_object_iter_next(level->node, level->at);
    if (level->at == NULL) {
        return NULL;
    }
    *name = json_object_iter_key(level->at);
    value = json_object_iter_value(level->at);
    return value;
}

static void add_leaf(struct description *description, const char *path, const char *name,
                     const json_t *value)
{
    char number[NUMBER_SIZE];
    const char *text = json_string_value(value);
    if (json_is_integer(value)) {
        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        text = number;
    } else if (text == NULL) {
        text = json_is_true(value) ? "true" : json_is_false(value) ? "false" : "";
    }
    add_value(description, path, name, text);
}

/* Appends the name to the path of its level; answers the length of the whole. */
static size_t extend(char path[PATH_SIZE], const struct level *level, const char *name)
{
    int length = snprintf(path + level->length, PATH_SIZE - level->length, "%s%s",
                          level->length == 0 ? "" : ".", name);
    REQUIRE(length >= 0);
    size_t whole = level->length + (size_t)length;
    return whole < PATH_SIZE ? whole : PATH_SIZE - 1;
}

static void add_tree(struct description *description, const char *root, json_t *tree)
{
    struct level levels[DEPTH_MAX] = {{.node = tree, .name = ""}};
    char path[PATH_SIZE];
    snprintf(path, sizeof(path), "%s", root);
    levels[0].length = strlen(path);
    for (uint32_t depth = 1; depth > 0;) {
        struct level *level = &levels[depth - 1];
        const char *name = "";
        json_t *value = next_of(level, &name);
        if (value == NULL) {
            depth--;
            continue;
        }
        bool is_inner = json_is_object(value) || json_is_array(value);
        size_t length = json_is_array(level->node) ? level->length : extend(path, level, name);
        path[length] = '\0';
        if (is_inner && depth < DEPTH_MAX) {
            levels[depth++] = (struct level){.node = value, .length = length, .name = name};
        } else {
            add_leaf(description, path, is_inner ? "" : name, value);
        }
    }
}

static bool add_json(struct description *description, const char *root, struct byte_view body)
{
    json_t *tree = wallet_json_read(body);
    if (tree == NULL) {
        return false;
    }
    add_tree(description, root, tree);
    json_decref(tree);
    return true;
}

/* --- forms and XML ------------------------------------------------------------------------ */

static bool add_xml(struct description *description, struct byte_view body)
{
    struct wallet_xml xml;
    if (wallet_xml_read(&xml, body) != STATUS_OK) {
        return false;
    }
    for (uint32_t i = 0; i < xml.members.count; i++) {
        const struct wallet_parameter *member = &xml.members.items[i];
        add_value(description, member->name, member->name, member->value);
    }
    return true;
}

static bool add_form(struct description *description, struct byte_view body)
{
    uint8_t bytes[FORM_BYTES_MAX];
    struct byte_writer arena;
    struct wallet_parameters parameters;
    byte_writer_init(&arena, bytes, sizeof(bytes));
    if (wallet_form_read(&parameters, &arena, body) != STATUS_OK) {
        return false;
    }
    for (uint32_t i = 0; i < parameters.count; i++) {
        const struct wallet_parameter *item = &parameters.items[i];
        struct byte_view value = {(const uint8_t *)item->value, (uint32_t)strlen(item->value)};
        if (strcmp(item->name, NESTED) != 0 || !add_json(description, NESTED, value)) {
            add_value(description, item->name, item->name, item->value);
        }
    }
    return true;
}

static void add_body(struct description *description, struct byte_view body)
{
    char line[64];
    bool is_read = body.length == 0                ? true
                   : body.bytes[0] == (uint8_t)'{' ? add_json(description, "", body)
                   : body.bytes[0] == (uint8_t)'<' ? add_xml(description, body)
                                                   : add_form(description, body);
    if (!is_read) {
        snprintf(line, sizeof(line), "(%u bytes that are no JSON, XML or form)\n", body.length);
        add_text(description, line);
    }
}

/* --- whole messages ----------------------------------------------------------------------- */

static struct description begin(char *text, uint32_t text_size)
{
    struct description description;
    REQUIRE(text_size > 0);
    byte_writer_init(&description.writer, text, text_size - 1);
    return description;
}

/* mchid="1",nonce_str="2",signature="3": as lines, each value by its name. */
static void add_authorization(struct description *description, const char *authorization)
{
    char name[PATH_SIZE], path[PATH_SIZE + 16], value[WALLET_AUTHORIZATION_SIZE];
    const char *at = strchr(authorization, ' ');
    while (at != NULL && sscanf(at + 1, "%127[^=]=\"%1199[^\"]\"", name, value) == 2) {
        snprintf(path, sizeof(path), "Authorization.%s", name);
        add_value(description, path, name, value);
        at = strchr(at + 1, ',');
    }
}

void wallet_describe_request(const struct wallet_message *message,
                             const struct wallet_request *request, char *text, uint32_t text_size)
{
    struct description description = begin(text, text_size);
    uint8_t body[WALLET_BODY_BYTES_MAX];
    const size_t code_length = strlen(request->pay_code);
    REQUIRE(message->body_length <= sizeof(body));
    memcpy(body, message->body, message->body_length);
    for (size_t i = 0; code_length > 0 && i + code_length <= message->body_length; i++) {
        if (memcmp(body + i, request->pay_code, code_length) == 0) {
            memset(body + i, '*', code_length);
        }
    }
    add_text(&description, message->is_get ? "GET " : "POST ");
    add_plain(&description, message->target, (uint32_t)strlen(message->target));
    add_text(&description, "\n");
    add_authorization(&description, message->authorization);
    add_body(&description, (struct byte_view){body, message->body_length});
    text[description.writer.position] = '\0';
    secret_wipe(body, message->body_length);
}

void wallet_describe_reply(const struct wallet_reply *reply, char *text, uint32_t text_size)
{
    struct description description = begin(text, text_size);
    const struct wallet_parameter headers[] = {{"timestamp", reply->timestamp},
                                               {"nonce_str", reply->nonce},
                                               {"serial_no", reply->serial},
                                               {"signature", reply->signature}};
    static const char *const NAMES[] = {"Wechatpay-Timestamp", "Wechatpay-Nonce",
                                        "Wechatpay-Serial", "Wechatpay-Signature"};
    char line[32] = "notify\n";
    if (reply->http_status != 0) {
        snprintf(line, sizeof(line), "HTTP status %u\n", reply->http_status);
    }
    add_text(&description, line);
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        if (headers[i].value[0] != '\0') {
            add_value(&description, NAMES[i], headers[i].name, headers[i].value);
        }
    }
    add_body(&description, reply->body);
    text[description.writer.position] = '\0';
}
