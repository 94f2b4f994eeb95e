/* The text of a YAML file as a document (protocols/base/document.h).
 *
 * We take the plain part of YAML only: mappings, sequences and scalars, which stay text until
 * their owner types them (so `no`, `012` and leading zeros survive). Anchors, aliases, tags, `<<`,
 * keys given twice and second documents are refused, each with its place. No file is read here:
 * see file_text.h.
 *
 * Life:  yaml_file_parse -> walk the document -> document_destroy
 */
#pragma once

#include <stdint.h>

#include "protocols/base/document.h"

#define YAML_FILE_BYTES_MAX (4u * 1024 * 1024) /* the largest of ours is below 100 KB */
#define YAML_FILE_MEMBER_COUNT_MAX 4096        /* of one mapping: keys are compared pairwise */

/* Parses `length` bytes of UTF-8 text; `name` is for faults. What is wrong lies in the document's
 * faults; after a fault of syntax the tree holds what stood before it. An empty text is a fault.
 * NULL: no memory. */
struct document *yaml_file_parse(const char *name, const void *bytes, uint32_t length);
