/* A structured text (a YAML file, once read) as a tree that remembers where everything stood.
 *
 * config/ reads the file into a document; whoever owns the meaning (a message spec in protocols/,
 * rules in routing/, options in config/) walks it and reports faults against nodes. All faults of
 * a file are gathered, not only the first. Loading allocates; nothing here runs in a payment.
 *
 * Life:  create -> add nodes ... -> walk, fault ... -> destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"

#define DOCUMENT_DEPTH_MAX 32
#define DOCUMENT_FAULT_COUNT_MAX 50
#define DOCUMENT_KEY_SIZE 64 /* of a part of a path */
#define DOCUMENT_FAULT_TEXT_SIZE 320

enum document_kind { DOCUMENT_SCALAR, DOCUMENT_SEQUENCE, DOCUMENT_MAPPING };

struct document_node {
    enum document_kind kind;
    const char *key;       /* of a mapping's member; NULL elsewhere. The document's. */
    const char *text;      /* of a scalar, untyped; NULL elsewhere. The document's. */
    uint32_t line, column; /* from 1: where the value begins (for a member: its key) */
    uint32_t child_count;
    struct document_node *first_child, *last_child, *next; /* the document's */
    struct document_node *parent;
};

struct document;

/* An empty document called `name` (the file's, for faults; copied). NULL: no memory. */
struct document *document_create(const char *name);
void document_destroy(struct document *document);
const char *document_name(const struct document *document);

struct document_place {
    uint32_t line, column;
};

/* Adds a node below `parent` (NULL: the root, once). `key` and `text` are copied; NULL where the
 * kind has none. NULL: no memory. */
struct document_node *document_add(struct document *document, struct document_node *parent,
                                   const struct document_node *model);
const struct document_node *document_root(const struct document *document);

/* Puts a scalar at `path`, keys and list positions joined by dots ("listeners.0.port"), in place of
 * what stands there; mappings on the way are made where they are absent, list items are not. What
 * is made stands at its parent's place.
 * STATUS_NOT_FOUND: no such list item, or a scalar on the way. STATUS_BAD_VALUE: a key is empty or
 * longer than DOCUMENT_KEY_SIZE - 1. STATUS_NO_MEMORY. */
MUST_CHECK enum status document_set(struct document *document, const char *path, const char *text);

/* The member called `key`, or NULL; also NULL when `node` is NULL or no mapping. */
const struct document_node *document_member(const struct document_node *node, const char *key);

/* Reports a fault at `node` (NULL: of the whole file) as "name:line:column: sentence", printf-like.
 * The sentence says what, what was expected, what stood there. More than
 * DOCUMENT_FAULT_COUNT_MAX are counted but not kept. */
void document_fault(struct document *document, const struct document_node *node, const char *format,
                    ...) __attribute__((format(printf, 3, 4)));
uint32_t document_fault_count(const struct document *document);
/* The fault `index` < min(count, DOCUMENT_FAULT_COUNT_MAX), in order of report. */
const char *document_fault_text(const struct document *document, uint32_t index);

/* Typed readings of a scalar member; each reports its own fault and answers `fallback` then.
 * Absent members answer `fallback` without a fault, or with one where `is_required`. */
struct document_want {
    const char *key;
    bool is_required;
};
int64_t document_integer(struct document *document, const struct document_node *mapping,
                         struct document_want want, const int64_t range_and_fallback[3]);
const char *document_text(struct document *document, const struct document_node *mapping,
                          struct document_want want, const char *fallback);
bool document_boolean(struct document *document, const struct document_node *mapping,
                      struct document_want want, bool fallback);

/* The position of the member's word in `words` (ends with NULL); another word is a fault that names
 * the nearest. */
int document_choice(struct document *document, const struct document_node *mapping,
                    struct document_want want, const char *const *words, int fallback);

/* The word of `known` (ends with NULL) that `word` was most likely meant to be; NULL when none is
 * near. */
const char *document_nearest(const char *word, const char *const *known);

/* Reports each member of `mapping` whose key is not in `known` (ends with NULL), naming the nearest
 * known word. */
void document_refuse_unknown(struct document *document, const struct document_node *mapping,
                             const char *const *known);
