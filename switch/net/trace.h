/* Messages of one terminal or one channel as an operator may see them: asked for, masked, bounded.
 *
 * Off by default: until somebody asks, a message costs one look at a flag. A watch names whom to
 * look at and ends by itself, after its time or so many messages. What is kept is text in which the
 * message spec has masked card numbers and hidden whatever else may not be seen
 * (message_describe); the bytes themselves are not kept. When nothing is watched and what was kept
 * has been forgotten, no memory is held.
 *
 * One of it a process, for all threads, as the log.
 *
 * Life:  trace_begin -> trace_message ... -> trace_read ... -> trace_end, or the watch's own end
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/bytes.h"
#include "protocols/base/status.h"
#include "protocols/iso8583/message.h"

#define TRACE_WATCH_COUNT_MAX 4
#define TRACE_KEPT_COUNT 64 /* messages of one watch; the oldest give way */
#define TRACE_TEXT_SIZE 4096
#define TRACE_NOTE_SIZE 256
#define TRACE_NAME_SIZE 16
#define TRACE_SECONDS_MAX 3600

/* X(NAME, "word") */
#define TRACE_SIDE_MAP(X) X(TERMINAL, "terminal") X(CHANNEL, "channel")
enum trace_side {
#define X(name, word) TRACE_##name,
    TRACE_SIDE_MAP(X)
#undef X
};
const char *trace_side_name(enum trace_side side);

/* Whom a watch looks at: a terminal by its id, a channel by its name. */
struct trace_subject {
    enum trace_side side;
    char name[TRACE_NAME_SIZE];
};

struct trace_entry {
    uint64_t number; /* 1, 2, 3 … within the watch */
    int64_t wall_us;
    bool is_sent;               /* by us; else received */
    char note[TRACE_NOTE_SIZE]; /* what was wrong with it; empty: nothing */
    char text[TRACE_TEXT_SIZE]; /* as message_describe() says it; empty: it could not be read */
};

extern atomic_uint trace_watch_count; /* for trace_is_on() alone */

/* Whether anybody is looked at: what a message costs while nobody is. */
static inline bool trace_is_on(void)
{
    return atomic_load_explicit(&trace_watch_count, memory_order_relaxed) > 0;
}

/* Begins a watch, or begins the one of that subject anew. STATUS_NO_ROOM: as many as may be are
 * under way. STATUS_NO_MEMORY. */
MUST_CHECK enum status trace_begin(const struct trace_subject *subject, uint32_t seconds,
                                   uint64_t now_ns);
/* Ends it and forgets what it kept. False: there is none. */
bool trace_end(const struct trace_subject *subject);
/* Forgets everything; at the end of the process. */
void trace_close(void);

/* What is told of a message. */
struct trace_message {
    struct trace_subject subject;
    bool is_sent;
    const struct spec *spec;
    struct byte_view bytes; /* the message without its frame; empty: only the texts */
    const char *text;       /* in place of bytes, already masked; or NULL */
    const char *note;       /* what is wrong with it, or NULL */
    int64_t wall_us;
    uint64_t now_ns;
};
/* Keeps the message if its subject is watched. From any thread. */
void trace_put(const struct trace_message *message);

struct trace_state {
    bool is_watched; /* its time is not over */
    uint32_t seconds_left;
    uint64_t count; /* messages seen so far */
};
/* The entry that follows number `after`, and the state of the watch. False: no watch of that
 * subject. *has_entry false: nothing came after
 * it yet. */
bool trace_read(const struct trace_subject *subject, uint64_t after, uint64_t now_ns,
                struct trace_entry *entry, bool *has_entry, struct trace_state *state);
