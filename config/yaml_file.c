/* See yaml_file.h.
 *
 * libyaml gives events; we keep the open node and climb by its parent, so nothing recurses. Marks
 * of libyaml count from 0.
 */
#include "config/yaml_file.h"

#include <string.h>
#include <yaml.h>

#include "protocols/base/require.h"

_Static_assert(YAML_FILE_BYTES_MAX <= INT32_MAX, "lines and columns fit their places");
_Static_assert(DOCUMENT_DEPTH_MAX == 32, "the sentence of the fault says 32");

struct yaml_load {
    struct document *document;  /* borrowed */
    struct document_node *open; /* the collection that the next event stands in; NULL: none */
    char *key;                  /* of the next member, in `key_event`; NULL: a key comes next */
    yaml_event_t key_event;     /* keeps the key's text */
    struct document_place place;
    uint32_t depth, document_count;
    bool is_over, is_out_of_memory;
};

static struct document_place place_of(const yaml_mark_t *mark)
{
    return (struct document_place){(uint32_t)mark->line + 1, (uint32_t)mark->column + 1};
}

static void load_fault(struct yaml_load *load, struct document_place place, const char *sentence)
{
    const struct document_node at = {.line = place.line, .column = place.column};
    document_fault(load->document, &at, "%s", sentence);
    load->is_over = true;
}

static void forget_key(struct yaml_load *load)
{
    if (load->key != NULL) {
        yaml_event_delete(&load->key_event);
        load->key = NULL;
    }
}

/* Takes a scalar as the key of a mapping's next member. Answers true when the event was kept. */
static bool take_key(struct yaml_load *load, yaml_event_t *event)
{
    REQUIRE(load->key == NULL && load->open->kind == DOCUMENT_MAPPING);
    char *key = (char *)event->data.scalar.value;
    load->place = place_of(&event->start_mark);
    if (strcmp(key, "<<") == 0) {
        load_fault(load, load->place, "merging with << is not taken here; write the members out");
        return false;
    }
    if (load->open->child_count == YAML_FILE_MEMBER_COUNT_MAX) {
        load_fault(load, load->place, "this mapping has too many members");
        return false;
    }
    const struct document_node *first = document_member(load->open, key);
    if (first != NULL) {
        const struct document_node at = {.line = load->place.line, .column = load->place.column};
        document_fault(load->document, &at, "\"%.60s\" was given in line %u already", key,
                       first->line);
    }
    load->key_event = *event;
    load->key = key;
    return true;
}

static void add_node(struct yaml_load *load, enum document_kind kind, const yaml_event_t *event)
{
    REQUIRE(load->depth <= DOCUMENT_DEPTH_MAX);
    const bool is_member = load->open != NULL && load->open->kind == DOCUMENT_MAPPING;
    const struct document_place place = is_member ? load->place : place_of(&event->start_mark);
    const struct document_node model = {
        .kind = kind,
        .key = load->key,
        .text = kind == DOCUMENT_SCALAR ? (const char *)event->data.scalar.value : NULL,
        .line = place.line,
        .column = place.column};
    struct document_node *node = document_add(load->document, load->open, &model);
    forget_key(load);
    if (node == NULL) {
        load->is_out_of_memory = true;
        load->is_over = true;
        return;
    }
    if (kind != DOCUMENT_SCALAR) {
        load->open = node;
        load->depth++;
    }
}

static const char *refusal(const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL;
    const yaml_char_t *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        if (strlen((const char *)event->data.scalar.value) != event->data.scalar.length) {
            return "a value may not hold a zero byte";
        }
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    } else if (event->type == YAML_ALIAS_EVENT) {
        return "aliases (*name) are not taken here; write the value out";
    }
    if (anchor != NULL) {
        return "anchors (&name) are not taken here; write the value out where it is used";
    }
    return tag != NULL ? "tags (!name) are not taken here; the schema knows the types" : NULL;
}

static void on_collection(struct yaml_load *load, enum document_kind kind,
                          const yaml_event_t *event)
{
    const bool wants_key =
        load->open != NULL && load->open->kind == DOCUMENT_MAPPING && load->key == NULL;
    if (wants_key) {
        load_fault(load, place_of(&event->start_mark), "a key must be one plain value");
        return;
    }
    if (load->depth == DOCUMENT_DEPTH_MAX) {
        load_fault(load, place_of(&event->start_mark), "nested too deeply: 32 levels at most");
        return;
    }
    add_node(load, kind, event);
}

/* Answers true when the event's memory was kept for a key. */
static bool on_scalar(struct yaml_load *load, yaml_event_t *event)
{
    if (load->open != NULL && load->open->kind == DOCUMENT_MAPPING && load->key == NULL) {
        return take_key(load, event);
    }
    add_node(load, DOCUMENT_SCALAR, event);
    return false;
}

static bool on_event(struct yaml_load *load, yaml_event_t *event)
{
    const char *refused = refusal(event);
    if (refused != NULL) {
        load_fault(load, place_of(&event->start_mark), refused);
        return false;
    }
    switch ((int)event->type) { /* as int: libyaml's other events carry nothing for us */
    case YAML_DOCUMENT_START_EVENT:
        if (load->document_count++ > 0) {
            load_fault(load, place_of(&event->start_mark),
                       "a second document begins; one file holds one");
        }
        return false;
    case YAML_SCALAR_EVENT:
        return on_scalar(load, event);
    case YAML_SEQUENCE_START_EVENT:
        on_collection(load, DOCUMENT_SEQUENCE, event);
        return false;
    case YAML_MAPPING_START_EVENT:
        on_collection(load, DOCUMENT_MAPPING, event);
        return false;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        REQUIRE(load->open != NULL && load->depth > 0);
        load->open = load->open->parent;
        load->depth--;
        return false;
    case YAML_STREAM_END_EVENT:
        load->is_over = true;
        return false;
    default:
        return false;
    }
}

static void syntax_fault(struct yaml_load *load, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        load->is_out_of_memory = true;
        load->is_over = true;
        return;
    }
    struct document_place place = place_of(&parser->problem_mark);
    const struct document_node at = {.line = place.line, .column = place.column};
    document_fault(load->document, &at, "%s%s%s",
                   parser->context != NULL ? parser->context : "not a YAML text",
                   parser->problem != NULL ? ": " : "",
                   parser->problem != NULL ? parser->problem : "");
    load->is_over = true;
}

static void load_events(struct yaml_load *load, yaml_parser_t *parser)
{
    while (!load->is_over) {
        yaml_event_t event;
        if (yaml_parser_parse(parser, &event) == 0) {
            syntax_fault(load, parser);
        } else if (!on_event(load, &event)) {
            yaml_event_delete(&event);
        }
    }
    forget_key(load);
}

struct document *yaml_file_parse(const char *name, const void *bytes, uint32_t length)
{
    REQUIRE(bytes != NULL || length == 0);
    struct yaml_load load = {.document = document_create(name)};
    if (load.document == NULL) {
        return NULL;
    }
    if (length > YAML_FILE_BYTES_MAX) {
        document_fault(load.document, NULL, "the file holds %u bytes, %u at most", length,
                       YAML_FILE_BYTES_MAX);
        return load.document;
    }
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0) {
        document_destroy(load.document);
        return NULL;
    }
    yaml_parser_set_input_string(&parser, bytes, length);
    load_events(&load, &parser);
    yaml_parser_delete(&parser);
    if (load.is_out_of_memory) {
        document_destroy(load.document);
        return NULL;
    }
    if (document_root(load.document) == NULL && document_fault_count(load.document) == 0) {
        document_fault(load.document, NULL, "the file is empty");
    }
    return load.document;
}
