/* What the desk knows of a case, put into a bundle: the case, its events as a chain that is worked
 * out anew, its flags; and which rows of the log they rest on. */
#pragma once

#include <stdint.h>

#include "switch/desk/case_book.h"
#include "switch/evidence/bundle_writer.h"

#define CASE_GATHER_POSITION_COUNT_MAX 4096
#define CASE_GATHER_REASON_SIZE 640

struct gathered_case {
    struct service_case it;
    uint8_t last_hash[BUNDLE_HASH_BYTES];
    uint64_t positions[CASE_GATHER_POSITION_COUNT_MAX]; /* in the log; ascending, each once */
    uint32_t position_count;
    uint32_t left_out_count; /* flags and positions for which there was no room; 0: none */
};

/* In one transaction of the desk, with the line in `reading` that says who read. NOT_FOUND: no such
 * case, or one that was erased, which `reason` tells apart; MALFORMED: its chain does not hold;
 * NO_ROOM: more than a bundle takes; else as the desk answers. Nothing is exported then. */
MUST_CHECK enum status case_gather(struct desk *desk, uint64_t case_id, const struct desk_actor *by,
                                   struct bundle_writer *writer, struct gathered_case *gathered,
                                   char reason[CASE_GATHER_REASON_SIZE]);
