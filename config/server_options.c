/* See server_options.h.
 *
 * Two passes over each scope: first every word of the file is held against the table, then every
 * row of the table is looked for in the file. What one option says about another is checked last,
 * and only when each by itself is right.
 */
#include "config/server_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/option_check.h"
#include "config/option_table.h"
#include "protocols/base/require.h"

#define SECTION_WORD_COUNT_MAX 48
#define SECTION_DEPTH_MAX 3 /* hsm.signon.mak_single */

/* What is being read: one scope's mapping into one struct. */
struct option_reader {
    struct document *document; /* borrowed */
    enum option_scope scope;
    const struct document_node *node; /* the scope's mapping */
    void *base;                       /* the scope's struct */
    char folder[OPTION_PATH_SIZE];    /* of the file */
};

/* The keys that may stand in one section, as document_refuse_unknown wants them. */
struct section_words {
    uint32_t count;
    char texts[SECTION_WORD_COUNT_MAX][DOCUMENT_KEY_SIZE];
    bool is_section[SECTION_WORD_COUNT_MAX];
    const char *pointers[SECTION_WORD_COUNT_MAX + 1];
};

static void section_word_add(struct section_words *words, const char *word, size_t length,
                             bool is_section)
{
    for (uint32_t i = 0; i < words->count; i++) {
        if (strlen(words->texts[i]) == length && memcmp(words->texts[i], word, length) == 0) {
            return;
        }
    }
    REQUIRE(words->count < SECTION_WORD_COUNT_MAX);
    REQUIRE(length < DOCUMENT_KEY_SIZE);
    memcpy(words->texts[words->count], word, length);
    words->texts[words->count][length] = '\0';
    words->is_section[words->count] = is_section;
    words->pointers[words->count] = words->texts[words->count];
    words->pointers[++words->count] = NULL;
}

/* `prefix` ends with a dot, or is empty for the scope itself. */
static void section_words_fill(struct section_words *words, enum option_scope scope,
                               const char *prefix)
{
    size_t skip = strlen(prefix);
    words->count = 0;
    for (uint32_t i = 0; i < option_table_count(); i++) {
        const struct option_row *row = option_table_at(i);
        if (row->scope == scope && strncmp(row->path, prefix, skip) == 0) {
            size_t length = strcspn(row->path + skip, ".");
            section_word_add(words, row->path + skip, length, row->path[skip + length] == '.');
        }
    }
    for (int i = OPTION_SERVER + 1; i < OPTION_SCOPE_COUNT; i++) {
        const struct option_list *list = option_list_of((enum option_scope)i);
        if (list->parent == scope && strncmp(list->key, prefix, skip) == 0) {
            size_t length = strcspn(list->key + skip, ".");
            section_word_add(words, list->key + skip, length, list->key[skip + length] == '.');
        }
    }
}

/* Calls itself as deep as option.def nests, whatever the file does. */
static void refuse_unknown(const struct option_reader *reader, const struct document_node *node,
                           const char *prefix)
{
    struct section_words words;
    section_words_fill(&words, reader->scope, prefix);
    document_refuse_unknown(reader->document, node, words.pointers);
    for (uint32_t i = 0; i < words.count; i++) {
        const struct document_node *child = document_member(node, words.texts[i]);
        if (child == NULL || !words.is_section[i]) {
            continue;
        }
        if (child->kind != DOCUMENT_MAPPING) {
            document_fault(reader->document, child, "%s%s: expected a section with members, got %s",
                           prefix, words.texts[i],
                           child->kind == DOCUMENT_SEQUENCE ? "a list" : "one value");
            continue;
        }
        char longer[SECTION_DEPTH_MAX * DOCUMENT_KEY_SIZE];
        int length = snprintf(longer, sizeof(longer), "%s%s.", prefix, words.texts[i]);
        REQUIRE(length > 0 && (size_t)length < sizeof(longer));
        refuse_unknown(reader, child, longer);
    }
}

/* The node at a path of parts with dots between, or NULL; `section` gets the deepest section on the
 * way that is there. */
static const struct document_node *path_find(const struct option_reader *reader, const char *path,
                                             const struct document_node **section)
{
    const struct document_node *node = reader->node;
    const char *at = path;
    for (;;) {
        char part[DOCUMENT_KEY_SIZE];
        size_t length = strcspn(at, ".");
        REQUIRE(length < sizeof(part));
        memcpy(part, at, length);
        part[length] = '\0';
        *section = node;
        node = document_member(node, part);
        if (node == NULL || at[length] == '\0') {
            return node;
        }
        at += length + 1;
    }
}

static void row_fault(const struct option_reader *reader, const struct option_row *row,
                      const struct document_node *node)
{
    char expected[OPTION_EXPECTATION_SIZE];
    option_expectation(row, expected);
    if (node->kind != DOCUMENT_SCALAR) {
        document_fault(reader->document, node, "%s: expected %s, got a %s", row->path, expected,
                       node->kind == DOCUMENT_MAPPING ? "section" : "list");
        return;
    }
    const char *nearest = row->shape == OPTION_CHOICE || row->shape == OPTION_CHOICES
                              ? document_nearest(node->text, row->words)
                              : NULL;
    document_fault(reader->document, node, "%s: expected %s, got \"%.60s\"%s%s%s", row->path,
                   expected, node->text, nearest != NULL ? "; did you mean \"" : "",
                   nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
}

static void row_absent(const struct option_reader *reader, const struct option_row *row,
                       const struct document_node *section)
{
    if (row->need == OPTION_MAY) {
        enum status status = option_set(row, reader->base, row->fallback, reader->folder);
        REQUIRE(status == STATUS_OK || row->shape == OPTION_FILE_PATH);
        return;
    }
    bool is_section_absent = section == reader->node && strchr(row->path, '.') != NULL;
    if (row->need == OPTION_IF_SECTION && is_section_absent) {
        return;
    }
    char expected[OPTION_EXPECTATION_SIZE];
    option_expectation(row, expected);
    document_fault(reader->document, section, "%s is missing: expected %s. %s", row->path, expected,
                   row->sentence);
}

static void words_read(const struct option_reader *reader, const struct option_row *row,
                       const struct document_node *list)
{
    for (const struct document_node *item = list->first_child; item != NULL; item = item->next) {
        if (item->kind != DOCUMENT_SCALAR || item->text[0] == '\0' ||
            option_set(row, reader->base, item->text, reader->folder) != STATUS_OK) {
            row_fault(reader, row, item);
            return;
        }
    }
    if (list->child_count < row->min || (row->shape == OPTION_CHOICES && list->child_count == 0)) {
        row_fault(reader, row, list);
    }
}

static void row_read(const struct option_reader *reader, const struct option_row *row)
{
    const struct document_node *section;
    const struct document_node *node = path_find(reader, row->path, &section);
    if (node == NULL) {
        row_absent(reader, row, section);
    } else if ((row->shape == OPTION_WORDS || row->shape == OPTION_CHOICES) &&
               node->kind == DOCUMENT_SEQUENCE) {
        words_read(reader, row, node);
    } else if (node->kind != DOCUMENT_SCALAR ||
               option_set(row, reader->base, node->text, reader->folder) != STATUS_OK) {
        row_fault(reader, row, node);
    }
}

/* The items of a list; how many of them may be read. */
static uint32_t list_count(struct document *document, const struct document_node *list,
                           uint32_t count_max)
{
    if (list->kind != DOCUMENT_SEQUENCE) {
        document_fault(document, list, "%s: expected a list, each item with its members",
                       list->key);
        return 0;
    }
    if (list->child_count > count_max) {
        document_fault(document, list, "%s: expected at most %u items, got %u", list->key,
                       count_max, list->child_count);
        return count_max;
    }
    return list->child_count;
}

/* That a section is there says something by itself. */
static void sections_note(enum option_scope scope, const struct document_node *node, void *base)
{
    bool has_tls = document_member(node, "tls") != NULL;
    if (scope == OPTION_LISTENER) {
        ((struct listener_options *)base)->tls.is_on = has_tls;
    } else if (scope == OPTION_CHANNEL) {
        struct channel_options *channel = base;
        const struct document_node *wallet = document_member(node, "wallet");
        channel->tls.is_on = has_tls;
        channel->wallet.is_on = wallet != NULL;
        channel->wallet.notify.is_on = document_member(wallet, "notify") != NULL;
    }
}

static void scope_read(const struct option_reader *reader);

static void list_read(const struct option_reader *parent, const struct option_list *list)
{
    const struct document_node *section;
    const struct document_node *node = path_find(parent, list->key, &section);
    if (node == NULL || (node->kind == DOCUMENT_SEQUENCE && node->child_count == 0)) {
        if (list->missing != NULL) {
            document_fault(parent->document, node != NULL ? node : parent->node,
                           "%s is missing: expected %s", list->key, list->missing);
        }
        return;
    }
    uint32_t count = list_count(parent->document, node, list->count_max);
    memcpy((char *)parent->base + list->count_offset, &count, sizeof(count));
    const struct document_node *item = node->first_child;
    for (uint32_t i = 0; i < count; i++, item = item->next) {
        char *base = (char *)parent->base + list->items_offset + i * list->item_size;
        struct option_reader reader = *parent;
        reader.scope = list->scope;
        reader.node = item;
        reader.base = base;
        memcpy(base + list->line_offset, &item->line, sizeof(item->line));
        scope_read(&reader);
    }
}

/* Calls itself as deep as lists stand in items of lists, whatever the file does. */
static void scope_read(const struct option_reader *reader)
{
    const struct document_node *node = reader->node;
    if (node->kind != DOCUMENT_MAPPING) {
        document_fault(reader->document, node, "expected a section with members, got %s",
                       node->kind == DOCUMENT_SEQUENCE ? "a list" : "one value");
        return;
    }
    sections_note(reader->scope, node, reader->base);
    refuse_unknown(reader, node, "");
    for (uint32_t i = 0; i < option_table_count(); i++) {
        if (option_table_at(i)->scope == reader->scope) {
            row_read(reader, option_table_at(i));
        }
    }
    for (int i = OPTION_SERVER + 1; i < OPTION_SCOPE_COUNT; i++) {
        const struct option_list *list = option_list_of((enum option_scope)i);
        if (list->parent == reader->scope) {
            list_read(reader, list);
        }
    }
}

static void folder_of(char folder[OPTION_PATH_SIZE], const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    if (length >= OPTION_PATH_SIZE) {
        length = 0; /* each relative path then stays as it is, and is not found */
    }
    memcpy(folder, path, length);
    folder[length] = '\0';
}

#define LENGTH_AUTO (1U << FRAME_LENGTH_KIND_COUNT)

/* What `auto` stands for: all that is told apart from the usual length, and safely. */
static void auto_fill(struct server_options *options)
{
    for (uint32_t i = 0; i < options->listener_count; i++) {
        struct framing_options *framing = &options->listeners[i].framing;
        if ((framing->lengths & LENGTH_AUTO) != 0) {
            framing->lengths |= 1U << FRAME_BINARY_2 | 1U << FRAME_ASCII_4;
            framing->lengths &= ~LENGTH_AUTO;
            framing->may_be_http = true;
        }
    }
}

/* What `all` and `all_but_risk` stand for. */
static void webhooks_fill(struct server_options *options)
{
    for (uint32_t i = 0; i < options->aftersales.webhook_count; i++) {
        struct webhook_options *webhook = &options->aftersales.webhooks[i];
        if ((webhook->kinds >> OPTION_WEBHOOK_KIND_ALL & 1U) != 0) {
            webhook->kinds = (1U << OPTION_WEBHOOK_KIND_ALL) - 1;
        }
        if ((webhook->cases >> OPTION_WEBHOOK_CASE_ALL_BUT_RISK & 1U) != 0) {
            uint32_t all = (1U << OPTION_WEBHOOK_CASE_ALL_BUT_RISK) - 1;
            webhook->cases = (webhook->cases | (all & ~(1U << OPTION_WEBHOOK_CASE_RISK))) & all;
        }
    }
}

/* Address and port of a channel are its only link. */
static void links_fill(struct server_options *options)
{
    for (uint32_t i = 0; i < options->channel_count; i++) {
        struct channel_options *channel = &options->channels[i];
        if (channel->link_count == 0 && channel->address[0] != '\0') {
            struct link_options *link = &channel->links[channel->link_count++];
            memcpy(link->address, channel->address, sizeof(link->address));
            link->port = channel->port;
            link->line = channel->line;
        }
    }
}

struct server_options *server_options_load(struct document *document)
{
    const struct document_node *root = document_root(document);
    struct server_options *options = calloc(1, sizeof(*options));
    if (options == NULL || root == NULL) {
        free(options);
        return NULL;
    }
    struct option_reader reader = {
        .document = document, .scope = OPTION_SERVER, .node = root, .base = options};
    folder_of(reader.folder, document_name(document));
    snprintf(options->path, sizeof(options->path), "%s", document_name(document));
    scope_read(&reader);
    if (document_fault_count(document) == 0) {
        auto_fill(options);
        links_fill(options);
        webhooks_fill(options);
        option_check(document, options);
    }
    if (document_fault_count(document) > 0) {
        server_options_destroy(options);
        return NULL;
    }
    return options;
}

void server_options_destroy(struct server_options *options)
{
    free(options);
}

enum status server_options_override(struct document *document, const char *assignment)
{
    char path[SECTION_DEPTH_MAX * DOCUMENT_KEY_SIZE];
    size_t length = strcspn(assignment, "=");
    if (assignment[length] == '\0' || length == 0 || length >= sizeof(path)) {
        document_fault(document, NULL, "--set %.80s: expected path=value, as in store.folder=/x",
                       assignment);
        return STATUS_MALFORMED;
    }
    memcpy(path, assignment, length);
    path[length] = '\0';
    enum status status = document_set(document, path, assignment + length + 1);
    if (status != STATUS_OK) {
        document_fault(document, NULL, "--set %.80s: %s; expected the path of an option",
                       assignment, status_text(status));
    }
    return status;
}
