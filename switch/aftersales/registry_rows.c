/* The words of registered rows. */
#include "switch/aftersales/registry_rows.h"

#include <string.h>

#include "protocols/base/require.h"

struct word_row {
    const char *word, *zh, *en;
};

/* The row of `word`; `count`: none. */
static unsigned find_word(const struct word_row *rows, unsigned count, const char *word)
{
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(rows[i].word, word) == 0) {
            return i;
        }
    }
    return count;
}

#define X(name, word, zh, en) {word, zh, en},
static const struct word_row OBTAINED[OBTAINED_COUNT] = {OBTAINED_MAP(X)};
static const struct word_row PARTS[PART_COUNT] = {PART_MAP(X)};
static const struct word_row DAMAGES[DAMAGE_COUNT] = {DAMAGE_MAP(X)};
static const struct word_row CHANNEL_KINDS[CHANNEL_KIND_COUNT] = {CHANNEL_KIND_MAP(X)};
#undef X
#define X(name, word) {word, "", ""},
static const struct word_row WARRANTY_FROMS[WARRANTY_FROM_COUNT] = {WARRANTY_FROM_MAP(X)};
static const struct word_row PAYERS[PAYER_COUNT] = {PAYER_MAP(X)};
static const struct word_row TERMINAL_STATES[TERMINAL_STATE_COUNT] = {TERMINAL_STATE_MAP(X)};
static const struct word_row MERCHANT_STATES[MERCHANT_STATE_COUNT] = {MERCHANT_STATE_MAP(X)};
#undef X

static const struct word_row *word_at(const struct word_row *rows, unsigned count, unsigned at)
{
    REQUIRE(at < count);
    return &rows[at];
}

const char *obtained_word(enum obtained obtained)
{
    return word_at(OBTAINED, OBTAINED_COUNT, obtained)->word;
}
const char *obtained_text(enum obtained obtained, bool is_chinese)
{
    const struct word_row *row = word_at(OBTAINED, OBTAINED_COUNT, obtained);
    return is_chinese ? row->zh : row->en;
}
const char *part_word(enum part_class part)
{
    return word_at(PARTS, PART_COUNT, part)->word;
}
const char *part_text(enum part_class part, bool is_chinese)
{
    const struct word_row *row = word_at(PARTS, PART_COUNT, part);
    return is_chinese ? row->zh : row->en;
}
const char *damage_word(enum damage damage)
{
    return word_at(DAMAGES, DAMAGE_COUNT, damage)->word;
}
const char *damage_text(enum damage damage, bool is_chinese)
{
    const struct word_row *row = word_at(DAMAGES, DAMAGE_COUNT, damage);
    return is_chinese ? row->zh : row->en;
}
const char *warranty_from_word(enum warranty_from from)
{
    return word_at(WARRANTY_FROMS, WARRANTY_FROM_COUNT, from)->word;
}
const char *payer_word(enum payer payer)
{
    return word_at(PAYERS, PAYER_COUNT, payer)->word;
}
const char *channel_kind_word(enum channel_kind kind)
{
    return word_at(CHANNEL_KINDS, CHANNEL_KIND_COUNT, kind)->word;
}
const char *channel_kind_text(enum channel_kind kind, bool is_chinese)
{
    const struct word_row *row = word_at(CHANNEL_KINDS, CHANNEL_KIND_COUNT, kind);
    return is_chinese ? row->zh : row->en;
}
const char *terminal_state_word(enum terminal_state state)
{
    return word_at(TERMINAL_STATES, TERMINAL_STATE_COUNT, state)->word;
}
const char *merchant_state_word(enum merchant_state state)
{
    return word_at(MERCHANT_STATES, MERCHANT_STATE_COUNT, state)->word;
}

enum obtained obtained_from_word(const char *word)
{
    return (enum obtained)find_word(OBTAINED, OBTAINED_COUNT, word);
}
enum part_class part_from_word(const char *word)
{
    return (enum part_class)find_word(PARTS, PART_COUNT, word);
}
enum damage damage_from_word(const char *word)
{
    return (enum damage)find_word(DAMAGES, DAMAGE_COUNT, word);
}
enum warranty_from warranty_from_from_word(const char *word)
{
    return (enum warranty_from)find_word(WARRANTY_FROMS, WARRANTY_FROM_COUNT, word);
}
enum payer payer_from_word(const char *word)
{
    return (enum payer)find_word(PAYERS, PAYER_COUNT, word);
}
enum channel_kind channel_kind_from_word(const char *word)
{
    return (enum channel_kind)find_word(CHANNEL_KINDS, CHANNEL_KIND_COUNT, word);
}
enum terminal_state terminal_state_from_word(const char *word)
{
    return (enum terminal_state)find_word(TERMINAL_STATES, TERMINAL_STATE_COUNT, word);
}
enum merchant_state merchant_state_from_word(const char *word)
{
    return (enum merchant_state)find_word(MERCHANT_STATES, MERCHANT_STATE_COUNT, word);
}
