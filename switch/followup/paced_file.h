/* A large file that nobody waits for, written on a disk on whose syncs payments wait.
 *
 * It goes out in pieces: each is on the disk before the next is made, so that whoever syncs beside
 * it waits for one piece at most; no faster than so many bytes a second, and never more than half
 * of the time; each piece at idle priority, where the kernel's scheduler knows one. What is written
 * does not stay in the page cache, where it would push out the log.
 *
 * Life:  paced_file_open -> paced_file_put ... -> paced_file_close, by one thread
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/bytes.h"
#include "protocols/base/status.h"

#define PACED_FILE_PIECE_BYTES (1u << 21)

struct file_pace {
    uint32_t bytes_per_s; /* 0: as fast as the disk takes it, at the thread's own priority */
    /* Called after each piece: waits so long, 0 where there is no pace. False: the file is given
     * up. NULL: nothing waits. */
    bool (*rest)(void *argument, uint64_t rest_ns);
    void *argument;
};

struct paced_file {
    int descriptor;
    struct file_pace pace;
    uint64_t length, pushed;
    uint64_t piece_begun_ns;
};

/* The file is there and is emptied. BROKEN: errno says why, as for all calls here. */
MUST_CHECK enum status paced_file_open(struct paced_file *file, const char *path,
                                       const struct file_pace *pace);
/* EXPIRED: given up; nothing may be put any more. */
MUST_CHECK enum status paced_file_put(struct paced_file *file, struct byte_view bytes);
/* Of a file that was opened, whatever came of it. It is not synced: its last piece may be missing.
 */
MUST_CHECK enum status paced_file_close(struct paced_file *file);

/* How long to rest after a piece of `length` bytes that took so long: for the rest of its time at
 * that pace, and as long as it took, but a second at most for that. 0 where there is no pace. */
uint64_t paced_file_rest_ns(const struct file_pace *pace, uint32_t length, uint64_t took_ns);
