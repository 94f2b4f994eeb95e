/* One number over all that a run lets out and writes: equal in every build of the same source, or
 * something in it depends on a compiler, an address, or memory that nobody wrote.
 *
 * Life:  trace_hash_begin -> trace_hash_effect / trace_hash_record ... -> the value
 */
#pragma once

#include <stdint.h>

#include "switch/engine/engine.h"

struct trace_hash {
    uint64_t value;
};

void trace_hash_begin(struct trace_hash *hash, uint64_t seed);
/* Every field of a record, and the bytes of its parts that are in use; no padding. */
void trace_hash_record(struct trace_hash *hash, const struct record *record);
/* What leaves, and when (`now_ns`). */
void trace_hash_effect(struct trace_hash *hash, uint64_t now_ns,
                       const struct engine_effect *effect);
/* Every field of a payment that a message may carry. */
void trace_hash_payment(struct trace_hash *hash, const struct payment *payment);
/* The whole seed's number; numbers of seeds are summed, so that any order gives the same. */
uint64_t trace_hash_end(const struct trace_hash *hash);
