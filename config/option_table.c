/* See option_table.h. */
#include "config/option_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/server_options.h"
#include "protocols/base/digits.h"
#include "protocols/base/require.h"

#define NUMBER_DIGITS_MAX 18

#define X(set, name, word) word,
#define WORDS_OF(set) static const char *const set##_WORDS[] = {set##_MAP(X) NULL};
WORDS_OF(LOG_FORMAT)
WORDS_OF(LOG_LEVEL)
WORDS_OF(FRAME_LENGTH)
WORDS_OF(TLS_VERSION)
WORDS_OF(CHANNEL_MAC)
WORDS_OF(CHANNEL_PIN)
WORDS_OF(WALLET_KIND)
WORDS_OF(WALLET_SIGN)
WORDS_OF(CHANNEL_MODE)
WORDS_OF(CHANNEL_SIGNON)
WORDS_OF(HSM_MODULE)
WORDS_OF(MASTER_KEY)
WORDS_OF(PIN_POLICY)
WORDS_OF(WEBHOOK_KIND)
WORDS_OF(WEBHOOK_CASE)
#undef WORDS_OF
static const char *const LISTENER_LENGTH_WORDS[] = {FRAME_LENGTH_MAP(X) "auto", NULL};
#undef X

#define SERVER OPTION_SERVER, struct server_options
#define LISTENER OPTION_LISTENER, struct listener_options
#define CHANNEL OPTION_CHANNEL, struct channel_options
#define LINK OPTION_LINK, struct link_options
#define MATCH OPTION_MATCH, struct match_options
#define WEBHOOK OPTION_WEBHOOK, struct webhook_options
#define NUMBER(low, high) OPTION_NUMBER, (low), (high), NULL
#define TEXT(low, high) OPTION_TEXT, (low), (high), NULL
#define DIGITS(low, high) OPTION_DIGITS, (low), (high), NULL
#define FILE_PATH OPTION_FILE_PATH, 0, OPTION_PATH_SIZE - 1, NULL
#define FLAG OPTION_FLAG, 0, 0, NULL
#define CHOICE(set) OPTION_CHOICE, 0, 0, set##_WORDS
#define CHOICES(set) OPTION_CHOICES, 0, 0, set##_WORDS
#define WORDS(low, high) OPTION_WORDS, (low), (high), NULL
#define MUST OPTION_MUST, NULL
#define IF_SECTION OPTION_IF_SECTION, NULL
#define OR(text) OPTION_MAY, text
#define LIVE true
#define RESTART false
/* Scope, shape and need expand to several columns each; hence the second step. */
#define OPTION(...) OPTION_COLUMNS(__VA_ARGS__)
#define OPTION_COLUMNS(scope_value, scope_type, path, member, shape, low, high, words, need,       \
                       fallback, live, sentence)                                                   \
    {scope_value,                                                                                  \
     path,                                                                                         \
     offsetof(scope_type, member),                                                                 \
     sizeof(((scope_type *)0)->member),                                                            \
     shape,                                                                                        \
     low,                                                                                          \
     high,                                                                                         \
     words,                                                                                        \
     need,                                                                                         \
     fallback,                                                                                     \
     live,                                                                                         \
     sentence},

static const struct option_row ROWS[] = {
#include "config/option.def"
};

#define ROW_COUNT (sizeof(ROWS) / sizeof(ROWS[0]))

_Static_assert(sizeof(enum option_log_format) == sizeof(int), "choices are stored as int");

/* One row a list; the counts lie beside the items. */
static const struct option_list LISTS[] = {
    {OPTION_LISTENER, OPTION_SERVER, "listeners", "listeners[].",
     "a list of the ports that terminals reach", offsetof(struct server_options, listener_count),
     offsetof(struct server_options, listeners), sizeof(struct listener_options),
     offsetof(struct listener_options, line), OPTION_LISTENER_COUNT_MAX},
    {OPTION_CHANNEL, OPTION_SERVER, "channels", "channels[].", NULL,
     offsetof(struct server_options, channel_count), offsetof(struct server_options, channels),
     sizeof(struct channel_options), offsetof(struct channel_options, line),
     OPTION_CHANNEL_COUNT_MAX},
    {OPTION_LINK, OPTION_CHANNEL, "links", "channels[].links[].", NULL,
     offsetof(struct channel_options, link_count), offsetof(struct channel_options, links),
     sizeof(struct link_options), offsetof(struct link_options, line), OPTION_LINK_COUNT_MAX},
    {OPTION_MATCH, OPTION_CHANNEL, "match", "channels[].match[].", NULL,
     offsetof(struct channel_options, match_count), offsetof(struct channel_options, match),
     sizeof(struct match_options), offsetof(struct match_options, line), OPTION_MATCH_COUNT_MAX},
    {OPTION_WEBHOOK, OPTION_SERVER, "aftersales.webhooks", "aftersales.webhooks[].", NULL,
     offsetof(struct server_options, aftersales.webhook_count),
     offsetof(struct server_options, aftersales.webhooks), sizeof(struct webhook_options),
     offsetof(struct webhook_options, line), OPTION_WEBHOOK_COUNT_MAX},
};
_Static_assert(sizeof(LISTS) / sizeof(LISTS[0]) == OPTION_SCOPE_COUNT - 1,
               "every scope but the server's is a list's");

const struct option_list *option_list_of(enum option_scope scope)
{
    REQUIRE((unsigned)scope < OPTION_SCOPE_COUNT);
    if (scope == OPTION_SERVER) {
        return NULL;
    }
    const struct option_list *list = &LISTS[scope - 1];
    REQUIRE(list->scope == scope);
    return list;
}

uint32_t option_list_count(const struct option_list *list, const void *parent)
{
    uint32_t count;
    memcpy(&count, (const char *)parent + list->count_offset, sizeof(count));
    return count;
}

const void *option_list_item(const struct option_list *list, const void *parent, uint32_t index)
{
    REQUIRE(index < list->count_max);
    return (const char *)parent + list->items_offset + index * list->item_size;
}

uint32_t option_table_count(void)
{
    return (uint32_t)ROW_COUNT;
}

const struct option_row *option_table_at(uint32_t index)
{
    REQUIRE(index < ROW_COUNT);
    return &ROWS[index];
}

static enum status number_set(const struct option_row *row, void *place, const char *text)
{
    size_t digit_count = strlen(text);
    uint64_t value;
    /* 010 means eight to some readers of YAML; it is refused rather than guessed. */
    if (digit_count == 0 || digit_count > NUMBER_DIGITS_MAX ||
        (text[0] == '0' && digit_count > 1) ||
        digits_parse(&value, text, (uint32_t)digit_count,
                     (struct number_range){row->min, row->max}) != STATUS_OK) {
        return STATUS_BAD_VALUE;
    }
    if (row->size == sizeof(uint16_t)) {
        REQUIRE(row->max <= UINT16_MAX);
        memcpy(place, &(uint16_t){(uint16_t)value}, sizeof(uint16_t));
    } else {
        REQUIRE(row->size == sizeof(uint32_t));
        REQUIRE(row->max <= UINT32_MAX);
        memcpy(place, &(uint32_t){(uint32_t)value}, sizeof(uint32_t));
    }
    return STATUS_OK;
}

static enum status text_set(const struct option_row *row, char *place, const char *text)
{
    size_t length = strlen(text);
    REQUIRE(row->max < row->size);
    if (length < row->min || length > row->max ||
        (row->shape == OPTION_DIGITS && !digits_are_decimal(text, (uint32_t)length))) {
        return STATUS_BAD_VALUE;
    }
    memcpy(place, text, length + 1);
    return STATUS_OK;
}

static enum status path_set(const struct option_row *row, char *place, const char *text,
                            const char *folder)
{
    if (text[0] == '\0' && row->need != OPTION_MAY) {
        return STATUS_BAD_VALUE;
    }
    bool is_relative = text[0] != '\0' && text[0] != '/' && folder[0] != '\0';
    int length = snprintf(place, row->size, "%s%s%s", is_relative ? folder : "",
                          is_relative ? "/" : "", text);
    return length >= 0 && (size_t)length < row->size ? STATUS_OK : STATUS_NO_ROOM;
}

static enum status choice_set(const struct option_row *row, void *place, const char *text)
{
    REQUIRE(row->size == sizeof(int));
    for (int i = 0; row->words[i] != NULL; i++) {
        if (strcmp(row->words[i], text) == 0) {
            memcpy(place, &i, sizeof(i));
            return STATUS_OK;
        }
    }
    return STATUS_BAD_VALUE;
}

static enum status choices_add(const struct option_row *row, void *place, const char *text)
{
    uint32_t set;
    REQUIRE(row->size == sizeof(set));
    memcpy(&set, place, sizeof(set));
    for (uint32_t i = 0; row->words[i] != NULL; i++) {
        if (strcmp(row->words[i], text) == 0) {
            set |= 1U << i;
            memcpy(place, &set, sizeof(set));
            return STATUS_OK;
        }
    }
    return STATUS_BAD_VALUE;
}

static enum status flag_set(bool *place, const char *text)
{
    bool is_true = strcmp(text, "true") == 0;
    if (!is_true && strcmp(text, "false") != 0) {
        return STATUS_BAD_VALUE;
    }
    *place = is_true;
    return STATUS_OK;
}

static enum status word_add(const struct option_row *row, struct option_words *words,
                            const char *text)
{
    size_t length = strlen(text);
    REQUIRE(row->max <= OPTION_WORD_COUNT_MAX);
    if (length == 0) {
        return row->min == 0 ? STATUS_OK : STATUS_BAD_VALUE;
    }
    if (words->count == row->max || length >= OPTION_WORD_SIZE) {
        return STATUS_NO_ROOM;
    }
    memcpy(words->items[words->count++], text, length + 1);
    return STATUS_OK;
}

enum status option_set(const struct option_row *row, void *base, const char *text,
                       const char *folder)
{
    void *place = (char *)base + row->offset;
    switch (row->shape) {
    case OPTION_NUMBER:
        return number_set(row, place, text);
    case OPTION_TEXT:
    case OPTION_DIGITS:
        return text_set(row, place, text);
    case OPTION_FILE_PATH:
        return path_set(row, place, text, folder);
    case OPTION_CHOICES:
        return choices_add(row, place, text);
    case OPTION_FLAG:
        return flag_set(place, text);
    case OPTION_CHOICE:
        return choice_set(row, place, text);
    case OPTION_WORDS:
        return word_add(row, place, text);
    }
    return STATUS_BAD_VALUE;
}

static void expect_choice(const struct option_row *row, char text[OPTION_EXPECTATION_SIZE])
{
    const char *begin = row->shape == OPTION_CHOICES ? "one or a list of"
                        : row->words[1] == NULL      ? "the word"
                                                     : "one of";
    size_t used = (size_t)snprintf(text, OPTION_EXPECTATION_SIZE, "%s", begin);
    for (uint32_t i = 0; row->words[i] != NULL && used < OPTION_EXPECTATION_SIZE; i++) {
        used += (size_t)snprintf(text + used, OPTION_EXPECTATION_SIZE - used, "%s %s",
                                 i > 0 ? "," : "", row->words[i]);
    }
}

void option_expectation(const struct option_row *row, char text[OPTION_EXPECTATION_SIZE])
{
    static const struct {
        const char *before, *after;
    } FORMS[] = {
        [OPTION_NUMBER] = {"a number from ", ""},
        [OPTION_TEXT] = {"a text of ", " characters"},
        [OPTION_DIGITS] = {"", " digits"},
        [OPTION_FILE_PATH] = {"a path of ", " characters"},
        [OPTION_WORDS] = {"a list of ", " words"},
    };
    if (row->shape == OPTION_CHOICE || row->shape == OPTION_CHOICES) {
        expect_choice(row, text);
        return;
    }
    if (row->shape == OPTION_FLAG) {
        snprintf(text, OPTION_EXPECTATION_SIZE, "true or false");
        return;
    }
    /* An empty path says "none", which an option without a fallback does not take. */
    bool is_named = row->shape == OPTION_FILE_PATH && row->need != OPTION_MAY;
    snprintf(text, OPTION_EXPECTATION_SIZE, "%s%" PRIu64 " to %" PRIu64 "%s",
             FORMS[row->shape].before, is_named ? 1 : row->min, row->max, FORMS[row->shape].after);
}

static void choices_text(const struct option_row *row, uint32_t set, char text[OPTION_VALUE_SIZE])
{
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; row->words[i] != NULL && used < OPTION_VALUE_SIZE; i++) {
        if ((set >> i & 1U) != 0) {
            used += (size_t)snprintf(text + used, OPTION_VALUE_SIZE - used, "%s%s",
                                     used > 0 ? ", " : "", row->words[i]);
        }
    }
}

void option_value(const struct option_row *row, const void *base, char text[OPTION_VALUE_SIZE])
{
    const char *place = (const char *)base + row->offset;
    uint32_t number = 0;
    switch (row->shape) {
    case OPTION_NUMBER:
    case OPTION_CHOICE:
    case OPTION_CHOICES:
    case OPTION_WORDS: /* its count comes first */
        memcpy(&number, place, row->size == sizeof(uint16_t) ? sizeof(uint16_t) : sizeof(number));
        break;
    case OPTION_FLAG:
        number = *(const bool *)place;
        break;
    case OPTION_TEXT:
    case OPTION_DIGITS:
    case OPTION_FILE_PATH:
        snprintf(text, OPTION_VALUE_SIZE, place[0] != '\0' ? "%.*s" : "nothing",
                 OPTION_VALUE_SIZE - 1, place);
        return;
    }
    if (row->shape == OPTION_CHOICE) {
        snprintf(text, OPTION_VALUE_SIZE, "%s", row->words[number]);
    } else if (row->shape == OPTION_CHOICES) {
        choices_text(row, number, text);
    } else if (row->shape == OPTION_FLAG) {
        snprintf(text, OPTION_VALUE_SIZE, number != 0 ? "true" : "false");
    } else {
        snprintf(text, OPTION_VALUE_SIZE, "%" PRIu32 "%s", number,
                 row->shape == OPTION_WORDS ? " words" : "");
    }
}

bool option_equals(const struct option_row *row, const void *left, const void *right)
{
    const char *a = (const char *)left + row->offset;
    const char *b = (const char *)right + row->offset;
    if (row->shape != OPTION_TEXT && row->shape != OPTION_DIGITS &&
        row->shape != OPTION_FILE_PATH) {
        return memcmp(a, b, row->size) == 0;
    }
    return strncmp(a, b, row->size) == 0;
}
