/* Memory for one call of the control socket: taken from the front, given back all at once.
 *
 * So a message from outside cannot make the process take more memory than this, and nothing of a
 * call outlives it.
 *
 * Life:  control_arena_create -> reset, take ... -> control_arena_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

struct control_arena {
    uint8_t *bytes; /* owner */
    uint32_t length_max, used;
    bool is_short; /* something did not fit since the last reset */
    ProtobufCAllocator allocator;
};

/* False: no memory. The struct must not move afterwards. */
bool control_arena_create(struct control_arena *arena, uint32_t length_max);
void control_arena_destroy(struct control_arena *arena);
void control_arena_reset(struct control_arena *arena);
/* Zeroed and aligned for anything; NULL: full. */
void *control_arena_take(struct control_arena *arena, size_t length);
/* A copy of at most `length_max` bytes of a text; NULL: full. */
char *control_arena_text(struct control_arena *arena, const char *text, size_t length_max);
