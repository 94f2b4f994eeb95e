/* The inside of the terminal side, shared by the files of this folder. */
#pragma once

#include <pthread.h>

#include "switch/net/stream.h"
#include "switch/terminal/certificate_book.h"
#include "switch/terminal/terminals.h"

#define REPLY_BYTES_MAX (FRAME_LENGTH_MAX + FRAME_HTTP_HEAD_MAX)

/* What connections of one listener begin with. */
struct terminal_port {
    struct terminals *terminals; /* borrowed */
    struct terminals_port_setup setup;
    struct listener *listener; /* owned; NULL: another port has it now, or it is closed */
    const char *http_paths[TERMINALS_HTTP_PATH_COUNT_MAX];
    char path_texts[TERMINALS_HTTP_PATH_COUNT_MAX][TERMINALS_HTTP_PATH_SIZE];
    uint32_t conn_count;
    /* Of one that was replaced: it is freed with its last connection. */
    bool is_retired;
    struct terminal_port *successor; /* borrowed; NULL: connections end as they began */
    uint64_t drain_ns;               /* when they are closed; 0: not at all */
    struct terminal_port *next;
};

/* One connection. Its slot is its name towards the engine; the generation tells old from new. */
struct terminal_conn {
    struct terminal_port *port; /* borrowed; NULL: the slot is free */
    struct listener *listener;  /* that it came by; borrowed */
    struct stream *stream;      /* ends in on_closed */
    struct terminal_conn *next; /* in the list of free ones, or of those that wait for room */
    uint32_t generation;
    uint64_t request_ns; /* when the request in flight was whole */
    struct frame frame;  /* of the request in flight, for its answer; the message is left out */
    uint8_t header[SPEC_HEADER_BYTES_MAX];
    uint8_t header_bytes;
    uint8_t mac_failures; /* in a row */
    bool is_busy;         /* a request is in flight */
    bool is_begun;        /* a message is begun */
    bool is_waiting;      /* in the list of those that wait for room */
    bool is_proven;       /* a message of terminal_id, by its present name, had a right MAC */
    bool is_last;         /* draining: closed once it is answered */
    char terminal_id[9];  /* the last one it spoke for, for logs */
};

struct terminals {
    struct terminals_setup setup;
    struct terminals_counts counts;
    /* Guards what is read from another thread: which ports there are, which slots are taken, by
     * what stream, for which terminal. */
    pthread_mutex_t mutex;
    const struct ruleset *ruleset; /* borrowed */
    struct loop_hook hook;
    uint32_t port_count;
    struct terminal_port *ports[TERMINALS_PORT_COUNT_MAX]; /* owned */
    struct terminal_port *retired;                         /* owned list */
    struct deadline drain;                                 /* of retired ports */
    struct deadline gathered;                              /* of the sightings */
    struct sighting_book sightings;
    struct address_book addresses;
    struct certificate_book certificates;
    bool is_closed;
    uint32_t conn_used; /* slots that were ever used: memory is touched only as it is needed */
    struct terminal_conn *free_conns, *waiting;
    uint8_t reply_bytes[REPLY_BYTES_MAX];
    struct payment payment;       /* of the request that is being read */
    struct terminal_conn conns[]; /* conn_count_max */
};

static inline uint32_t conn_slot(const struct terminals *terminals,
                                 const struct terminal_conn *conn)
{
    return (uint32_t)(conn - terminals->conns);
}
