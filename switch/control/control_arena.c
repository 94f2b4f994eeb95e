/* A bump allocator, also in the form that protobuf-c unpacks with. */
#include "switch/control/control_arena.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT _Alignof(max_align_t)

static void *on_alloc(void *argument, size_t length)
{
    return control_arena_take(argument, length);
}

static void on_free(void *argument, void *bytes)
{
    (void)argument;
    (void)bytes;
}

bool control_arena_create(struct control_arena *arena, uint32_t length_max)
{
    *arena = (struct control_arena){.bytes = malloc(length_max), .length_max = length_max};
    arena->allocator = (ProtobufCAllocator){on_alloc, on_free, arena};
    return arena->bytes != NULL;
}

void control_arena_destroy(struct control_arena *arena)
{
    free(arena->bytes);
    *arena = (struct control_arena){0};
}

void control_arena_reset(struct control_arena *arena)
{
    arena->used = 0;
    arena->is_short = false;
}

void *control_arena_take(struct control_arena *arena, size_t length)
{
    if (length > arena->length_max - arena->used) {
        arena->is_short = true;
        return NULL;
    }
    void *taken = arena->bytes + arena->used;
    size_t padded = (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    size_t left = arena->length_max - arena->used;
    arena->used += (uint32_t)(padded < left ? padded : left);
    memset(taken, 0, length);
    return taken;
}

char *control_arena_text(struct control_arena *arena, const char *text, size_t length_max)
{
    size_t length = strnlen(text, length_max);
    char *copy = control_arena_take(arena, length + 1);
    if (copy != NULL) {
        memcpy(copy, text, length);
    }
    return copy;
}
