/* The rows of option.def, and how the text of one option becomes a value.
 *
 * A row knows where its value lies in the struct of its scope. Texts of the file and fallbacks of
 * the table take the same way in, so a fallback cannot be something the file could not say.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/base/status.h"

#define OPTION_EXPECTATION_SIZE 160
#define OPTION_VALUE_SIZE 264

enum option_scope {
    OPTION_SERVER,
    OPTION_LISTENER,
    OPTION_CHANNEL,
    OPTION_LINK,
    OPTION_MATCH,
    OPTION_WEBHOOK,
    OPTION_SCOPE_COUNT
};

enum option_shape {
    OPTION_NUMBER,
    OPTION_TEXT,
    OPTION_DIGITS,
    OPTION_FILE_PATH,
    OPTION_FLAG,
    OPTION_CHOICE,
    OPTION_CHOICES, /* a set of them: 1u << each */
    OPTION_WORDS
};

enum option_need { OPTION_MUST, OPTION_IF_SECTION, OPTION_MAY };

struct option_row {
    enum option_scope scope;
    const char *path; /* "engine.txn_count_max" */
    size_t offset, size;
    enum option_shape shape;
    uint64_t min, max;        /* of the number, or how many characters, digits, words */
    const char *const *words; /* of a choice; ends with NULL */
    enum option_need need;
    const char *fallback; /* of OPTION_MAY */
    bool may_change_live;
    const char *sentence;
};

/* A list whose items are a scope of their own; it stands in the mapping of another scope, which
 * itself may be an item of a list. */
struct option_list {
    enum option_scope scope, parent; /* of an item; of the mapping that the list stands in */
    const char *key;                 /* "links", or with its section: "aftersales.webhooks" */
    const char *prefix;  /* of an item's options in the reference: "channels[].links[]." */
    const char *missing; /* what is expected where the list is absent or empty; NULL: it may be */
    size_t count_offset, items_offset; /* in the parent's struct */
    size_t item_size, line_offset;     /* of an item's struct; where its line in the file goes */
    uint32_t count_max;
};

/* The list that the scope's items stand in; NULL: the server's, which stands in none. */
const struct option_list *option_list_of(enum option_scope scope);
/* How many items the list in a struct of the parent's scope has. */
uint32_t option_list_count(const struct option_list *list, const void *parent);
const void *option_list_item(const struct option_list *list, const void *parent, uint32_t index);

uint32_t option_table_count(void);
const struct option_row *option_table_at(uint32_t index);

/* Sets the option in the struct that `base` points at (of the row's scope). A list or set gets one
 * more word; a relative path is put behind `folder`.
 * STATUS_BAD_VALUE: not what option_expectation says. STATUS_NO_ROOM: a list or path too long. */
MUST_CHECK enum status option_set(const struct option_row *row, void *base, const char *text,
                                  const char *folder);

/* "a number from 1 to 16", "one of plain, json" … */
void option_expectation(const struct option_row *row, char text[OPTION_EXPECTATION_SIZE]);

/* The value as the file could say it; of a list how many words it has. */
void option_value(const struct option_row *row, const void *base, char text[OPTION_VALUE_SIZE]);

/* Whether both structs of the row's scope hold the same value. */
bool option_equals(const struct option_row *row, const void *left, const void *right);
