/* The calls of the registry: kinds, rows in pages, one row, its history, CSV out and in, bindings.
 *
 * Cells go by their text form, as in CSV. Rows of merchants and bindings hold personal data: they
 * are shown to, and written by, after-sales and risk alone, and to a scoped token those of its
 * merchants. What is not in a scope is not there. */
#pragma once

#include "switch/admin/call.h"
#include "switch/desk/registry.h"

#define REGISTRY_LIST_LIMIT_MAX 1000
#define REGISTRY_LIST_LIMIT 100

void registry_call_serve(const struct call *call, struct answer *answer);
void registry_call_bind(const struct call *call, struct answer *answer);
/* Begins an import or a check, and waits for its end for a while; or tells how far the last one is.
 */
void registry_call_import(const struct call *call, struct answer *answer);

/* How long a body the call takes; 0: it is none of the desk's calls. */
size_t registry_call_body_max(enum endpoint endpoint);

/* For the files of these calls: the kind that the path names. False: a problem was put into
 * `answer`, also where the caller's role may not see such rows. */
bool registry_call_kind(const struct call *call, enum registry_kind *kind, struct answer *answer);
bool registry_call_is_personal(enum registry_kind kind);
