/* See document.h.
 *
 * A node and its texts are one allocation, and all allocations hang in one chain, so that taking a
 * document down needs no walk of the tree (and no recursion).
 */
#include "protocols/base/document.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"

#define INTEGER_DIGITS_MAX 18 /* always fits an int64_t */
#define WORD_LENGTH_MAX 48    /* longer words get no suggestion */

_Static_assert(DOCUMENT_FAULT_TEXT_SIZE > 2 * 60 + 160, "two words and a list fit into a fault");

struct document_cell {
    struct document_cell *next; /* owner */
    struct document_node node;
    char texts[]; /* key, 0, text, 0 */
};

struct document {
    char *name;                  /* owner */
    struct document_cell *cells; /* owner */
    struct document_node *root;  /* in a cell */
    uint32_t fault_count;
    char faults[DOCUMENT_FAULT_COUNT_MAX][DOCUMENT_FAULT_TEXT_SIZE];
};

struct document *document_create(const char *name)
{
    REQUIRE(name != NULL);
    struct document *document = calloc(1, sizeof(*document));
    if (document == NULL) {
        return NULL;
    }
    size_t size = strlen(name) + 1;
    document->name = malloc(size);
    if (document->name == NULL) {
        free(document);
        return NULL;
    }
    memcpy(document->name, name, size);
    return document;
}

void document_destroy(struct document *document)
{
    if (document == NULL) {
        return;
    }
    struct document_cell *next;
    for (struct document_cell *cell = document->cells; cell != NULL; cell = next) {
        next = cell->next;
        free(cell);
    }
    free(document->name);
    free(document);
}

const char *document_name(const struct document *document)
{
    return document->name;
}

static void node_append(struct document_node *parent, struct document_node *node)
{
    node->parent = parent;
    if (parent->last_child == NULL) {
        parent->first_child = node;
    } else {
        parent->last_child->next = node;
    }
    parent->last_child = node;
    parent->child_count++;
}

struct document_node *document_add(struct document *document, struct document_node *parent,
                                   const struct document_node *model)
{
    REQUIRE(parent != NULL || document->root == NULL);
    REQUIRE(parent == NULL || parent->kind != DOCUMENT_SCALAR);
    size_t key_size = model->key != NULL ? strlen(model->key) + 1 : 0;
    size_t text_size = model->text != NULL ? strlen(model->text) + 1 : 0;
    struct document_cell *cell = calloc(1, sizeof(*cell) + key_size + text_size);
    if (cell == NULL) {
        return NULL;
    }
    cell->next = document->cells;
    document->cells = cell;
    cell->node =
        (struct document_node){.kind = model->kind, .line = model->line, .column = model->column};
    if (key_size > 0) {
        cell->node.key = memcpy(cell->texts, model->key, key_size);
    }
    if (text_size > 0) {
        cell->node.text = memcpy(cell->texts + key_size, model->text, text_size);
    }
    if (parent == NULL) {
        document->root = &cell->node;
    } else {
        node_append(parent, &cell->node);
    }
    return &cell->node;
}

const struct document_node *document_root(const struct document *document)
{
    return document->root;
}

/* The child that one part of a path names: a mapping's member, or a sequence's item by position. */
static struct document_node *child_named(struct document_node *node, const char *part)
{
    uint64_t position = 0;
    bool is_sequence = node->kind == DOCUMENT_SEQUENCE;
    if (is_sequence && digits_parse(&position, part, (uint32_t)strlen(part),
                                    (struct number_range){0, UINT32_MAX}) != STATUS_OK) {
        return NULL;
    }
    struct document_node *child = node->first_child;
    while (child != NULL && (is_sequence ? position-- > 0 : strcmp(child->key, part) != 0)) {
        child = child->next;
    }
    return child;
}

/* A copy of `text` that lives as long as the document. */
static char *text_copy(struct document *document, const char *text)
{
    size_t size = strlen(text) + 1;
    struct document_cell *cell = calloc(1, sizeof(*cell) + size);
    if (cell == NULL) {
        return NULL;
    }
    cell->next = document->cells;
    document->cells = cell;
    return memcpy(cell->texts, text, size);
}

static enum status node_become_scalar(struct document *document, struct document_node *node,
                                      const char *text)
{
    char *copy = text_copy(document, text);
    if (copy == NULL) {
        return STATUS_NO_MEMORY;
    }
    node->kind = DOCUMENT_SCALAR;
    node->text = copy;
    node->first_child = node->last_child = NULL;
    node->child_count = 0;
    return STATUS_OK;
}

enum status document_set(struct document *document, const char *path, const char *text)
{
    struct document_node *node = document->root;
    if (node == NULL) {
        return STATUS_NOT_FOUND;
    }
    for (const char *at = path;;) {
        char part[DOCUMENT_KEY_SIZE];
        size_t length = strcspn(at, ".");
        if (length == 0 || length >= sizeof(part)) {
            return STATUS_BAD_VALUE;
        }
        memcpy(part, at, length);
        part[length] = '\0';
        bool is_last = at[length] == '\0';
        at += length + 1;
        struct document_node *child = child_named(node, part);
        if (child == NULL && node->kind == DOCUMENT_MAPPING) {
            child = document_add(document, node,
                                 &(struct document_node){
                                     .kind = is_last ? DOCUMENT_SCALAR : DOCUMENT_MAPPING,
                                     .key = part,
                                     .text = is_last ? text : NULL,
                                     .line = node->line,
                                     .column = node->column,
                                 });
            if (child == NULL) {
                return STATUS_NO_MEMORY;
            }
        }
        if (child == NULL) {
            return STATUS_NOT_FOUND;
        }
        if (is_last) {
            return node_become_scalar(document, child, text);
        }
        node = child;
    }
}

const struct document_node *document_member(const struct document_node *node, const char *key)
{
    REQUIRE(key != NULL);
    if (node == NULL || node->kind != DOCUMENT_MAPPING) {
        return NULL;
    }
    for (const struct document_node *child = node->first_child; child != NULL;
         child = child->next) {
        if (child->key != NULL && strcmp(child->key, key) == 0) {
            return child;
        }
    }
    return NULL;
}

void document_fault(struct document *document, const struct document_node *node, const char *format,
                    ...)
{
    REQUIRE(format != NULL);
    uint32_t index = document->fault_count++;
    if (index >= DOCUMENT_FAULT_COUNT_MAX) {
        return;
    }
    char *text = document->faults[index];
    int length = node != NULL ? snprintf(text, DOCUMENT_FAULT_TEXT_SIZE,
                                         "%s:%u:%u: ", document->name, node->line, node->column)
                              : snprintf(text, DOCUMENT_FAULT_TEXT_SIZE, "%s: ", document->name);
    if (length < 0 || length >= DOCUMENT_FAULT_TEXT_SIZE) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, (size_t)(DOCUMENT_FAULT_TEXT_SIZE - length), format, arguments);
    va_end(arguments);
}

uint32_t document_fault_count(const struct document *document)
{
    return document->fault_count;
}

const char *document_fault_text(const struct document *document, uint32_t index)
{
    REQUIRE(index < document->fault_count && index < DOCUMENT_FAULT_COUNT_MAX);
    return document->faults[index];
}

/* The text of a scalar member. NULL when there is none, which is reported where it is a fault. */
static const char *scalar_text(struct document *document, const struct document_node *mapping,
                               struct document_want want)
{
    const struct document_node *member = document_member(mapping, want.key);
    if (member == NULL) {
        if (want.is_required) {
            document_fault(document, mapping, "\"%s\" is missing", want.key);
        }
        return NULL;
    }
    if (member->kind != DOCUMENT_SCALAR) {
        document_fault(document, member, "\"%s\" holds a %s; one plain value was expected",
                       want.key, member->kind == DOCUMENT_MAPPING ? "mapping" : "sequence");
        return NULL;
    }
    return member->text;
}

/* Decimal, no leading zeros (012 means ten to some readers of YAML). */
static bool integer_parse(int64_t *value, const char *text)
{
    bool is_negative = text[0] == '-';
    const char *digits = text + is_negative;
    uint64_t number;
    size_t digit_count = strlen(digits);
    if (digit_count == 0 || digit_count > INTEGER_DIGITS_MAX ||
        (digits[0] == '0' && (digit_count > 1 || is_negative))) {
        return false;
    }
    if (digits_parse(&number, digits, (uint32_t)digit_count, (struct number_range){0, INT64_MAX}) !=
        STATUS_OK) {
        return false;
    }
    *value = is_negative ? -(int64_t)number : (int64_t)number;
    return true;
}

int64_t document_integer(struct document *document, const struct document_node *mapping,
                         struct document_want want, const int64_t range_and_fallback[3])
{
    const int64_t min = range_and_fallback[0];
    const int64_t max = range_and_fallback[1];
    REQUIRE(min <= max);
    const char *text = scalar_text(document, mapping, want);
    if (text == NULL) {
        return range_and_fallback[2];
    }
    int64_t value;
    if (!integer_parse(&value, text) || value < min || value > max) {
        document_fault(document, document_member(mapping, want.key),
                       "\"%s\" is \"%.60s\"; a whole number from %" PRId64 " to %" PRId64
                       " was expected",
                       want.key, text, min, max);
        return range_and_fallback[2];
    }
    return value;
}

const char *document_text(struct document *document, const struct document_node *mapping,
                          struct document_want want, const char *fallback)
{
    const char *text = scalar_text(document, mapping, want);
    if (text != NULL && text[0] == '\0' && want.is_required) {
        document_fault(document, document_member(mapping, want.key), "\"%s\" is empty", want.key);
        return fallback;
    }
    return text != NULL ? text : fallback;
}

bool document_boolean(struct document *document, const struct document_node *mapping,
                      struct document_want want, bool fallback)
{
    const char *text = scalar_text(document, mapping, want);
    if (text == NULL) {
        return fallback;
    }
    if (strcmp(text, "true") == 0 || strcmp(text, "yes") == 0) {
        return true;
    }
    if (strcmp(text, "false") == 0 || strcmp(text, "no") == 0) {
        return false;
    }
    document_fault(document, document_member(mapping, want.key),
                   "\"%s\" is \"%.60s\"; true or false was expected", want.key, text);
    return fallback;
}

int document_choice(struct document *document, const struct document_node *mapping,
                    struct document_want want, const char *const *words, int fallback)
{
    const char *text = scalar_text(document, mapping, want);
    if (text == NULL) {
        return fallback;
    }
    REQUIRE(words[0] != NULL);
    char list[160] = "";
    size_t used = 0;
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0) {
            return i;
        }
        int added = snprintf(list + used, sizeof(list) - used, "%s%s", i > 0 ? ", " : "", words[i]);
        used += added > 0 && (size_t)added < sizeof(list) - used ? (size_t)added : 0;
    }
    const char *nearest = document_nearest(text, words);
    document_fault(document, document_member(mapping, want.key),
                   "\"%s\" is \"%.60s\"; one of %s was expected%s%s%s", want.key, text, list,
                   nearest != NULL ? " (did you mean \"" : "", nearest != NULL ? nearest : "",
                   nearest != NULL ? "\"?)" : "");
    return fallback;
}

/* How many letters must be put in, taken out or changed to make one word the other. */
static unsigned edit_distance(const char *left, const char *right)
{
    unsigned row[WORD_LENGTH_MAX + 1];
    const size_t right_length = strlen(right);
    REQUIRE(right_length <= WORD_LENGTH_MAX);
    for (unsigned i = 0; i <= right_length; i++) {
        row[i] = i;
    }
    for (unsigned l = 0; left[l] != '\0'; l++) {
        unsigned diagonal = row[0];
        row[0] = l + 1;
        for (unsigned r = 0; r < right_length; r++) {
            unsigned changed = diagonal + (left[l] != right[r]);
            unsigned longer = (row[r] < row[r + 1] ? row[r] : row[r + 1]) + 1;
            diagonal = row[r + 1];
            row[r + 1] = changed < longer ? changed : longer;
        }
    }
    return row[right_length];
}

const char *document_nearest(const char *word, const char *const *known)
{
    const size_t length = strlen(word);
    unsigned best = (unsigned)length / 3 + 2; /* farther than this is another word */
    const char *nearest = NULL;
    if (length > WORD_LENGTH_MAX) {
        return NULL;
    }
    for (unsigned i = 0; known[i] != NULL; i++) {
        const size_t known_length = strlen(known[i]);
        if (known_length > WORD_LENGTH_MAX) {
            continue;
        }
        unsigned distance = edit_distance(word, known[i]);
        if (distance < best && distance < length && distance < known_length) {
            best = distance;
            nearest = known[i];
        }
    }
    return nearest;
}

static bool is_known(const char *key, const char *const *known)
{
    for (unsigned i = 0; known[i] != NULL; i++) {
        if (strcmp(key, known[i]) == 0) {
            return true;
        }
    }
    return false;
}

void document_refuse_unknown(struct document *document, const struct document_node *mapping,
                             const char *const *known)
{
    if (mapping == NULL || mapping->kind != DOCUMENT_MAPPING) {
        return;
    }
    for (const struct document_node *child = mapping->first_child; child != NULL;
         child = child->next) {
        if (is_known(child->key, known)) {
            continue;
        }
        const char *nearest = document_nearest(child->key, known);
        document_fault(document, child, "\"%.60s\" is not known here%s%s%s", child->key,
                       nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                       nearest != NULL ? "\"?" : "");
    }
}
