/* All rows of a segment, read and verified by several threads and handed on in order by the one
 * that asked.
 *
 * Reading a row out of SQLite and hashing it costs more than what a restart then does with it, and
 * a row's hash needs no more of the rows before it than the hash that stands in the last of them.
 * So the segment is cut into blocks; each thread has a connection of its own and takes the next
 * block. A block's first row is checked against the hash in the row before it, which is checked in
 * its own block.
 */
#pragma once

#include "switch/store/log_walk.h"

/* From the first row to the last that is there when the call begins; `end` becomes the last row's.
 * Fails as log_segment_read. */
MUST_CHECK enum status log_blocks_read(const struct log_place *place, struct log_segment *segment,
                                       const struct log_reader *reader, struct log_end *end,
                                       char *reason);
