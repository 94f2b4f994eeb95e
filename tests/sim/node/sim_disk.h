/* A folder on a disk that forgets: files in memory, and what of them would be left after a power
 * cut.
 *
 * What a process writes it can read back at once. Durable it is only after a sync of the file; the
 * file's name, its creation, renaming and removal, only after a sync of the folder. A power cut
 * drops, keeps or tears each write that was not synced by itself (at 512 bytes or 4 KiB), in no
 * order, and keeps some of the folder's changes up to one of them. A kill loses nothing that was
 * written.
 *
 * A sync that fails forgets what it should have written: later ones do not bring it (as Linux
 * does). One disk, one process.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define DISK_NAME_SIZE 64

enum disk_answer { DISK_OK, DISK_FAILED, DISK_FULL };

/* Which operations that change something are counted: each kind is also of the kinds before it. */
enum disk_count {
    DISK_COUNT_ALL,
    DISK_COUNT_FOLDER,   /* changes of names and of what may be written */
    DISK_COUNT_READONLY, /* of what may be written alone: few, and the last step of a seal */
};

/* What goes wrong next; counted in operations that change something. */
struct disk_plan {
    uint32_t die_after; /* the process dies at the Nth change; 0: not */
    enum disk_count counted;
    uint32_t fail_sync_after; /* the Nth sync fails; 0: none */
    uint64_t room_bytes;      /* all files together; 0: as much as wanted */
};

struct disk_file;

/* An empty disk. */
void sim_disk_begin(uint64_t seed);
void sim_disk_plan(const struct disk_plan *plan);
/* The process is gone: locks and shared memory vanish. With `is_power_cut` what was not synced is
 * lost, kept or torn as the seed draws. */
void sim_disk_crash(bool is_power_cut);
/* Operations that changed something, since the beginning. */
uint64_t sim_disk_change_count(void);

/* NULL: it is not there and may not be made. */
struct disk_file *sim_disk_open(const char *name, bool may_create, bool *is_new);
void sim_disk_close(struct disk_file *file);
/* Bytes that were read; past the end there are none. */
uint32_t sim_disk_read(const struct disk_file *file, uint64_t offset, void *bytes, uint32_t length);
enum disk_answer sim_disk_write(struct disk_file *file, uint64_t offset, const void *bytes,
                                uint32_t length);
enum disk_answer sim_disk_truncate(struct disk_file *file, uint64_t size);
enum disk_answer sim_disk_sync(struct disk_file *file);
uint64_t sim_disk_size(const struct disk_file *file);
/* What the VFS keeps beside a file while it is open somewhere. */
struct disk_locks *sim_disk_locks(struct disk_file *file);
void sim_disk_set_readonly(struct disk_file *file);
bool sim_disk_is_readonly(const struct disk_file *file);

bool sim_disk_is_there(const char *name);
/* False: `from` is not there. */
bool sim_disk_rename(const char *from, const char *to);
bool sim_disk_remove(const char *name);
enum disk_answer sim_disk_sync_folder(void);
void sim_disk_list(void (*on_name)(void *argument, const char *name), void *argument);
uint64_t sim_disk_used_bytes(void);
/* Since the last crash: a sync failed; the process died at a change. */
bool sim_disk_has_failed(void);
bool sim_disk_has_cut(void);
/* -1: no limit. */
int64_t sim_disk_free_bytes(void);

/* Locks of one file, in the memory of the process. */
#define DISK_SHM_LOCK_COUNT 8
#define DISK_SHM_REGION_COUNT 64
struct disk_locks {
    uint32_t shared_count;
    const void *reserved, *pending, *exclusive; /* who has it */
    uint32_t shm_shared[DISK_SHM_LOCK_COUNT];
    const void *shm_exclusive[DISK_SHM_LOCK_COUNT];
    void *shm_regions[DISK_SHM_REGION_COUNT];
    uint32_t shm_user_count;
};

/* Makes SQLite's default file layer one over this disk. */
void sim_disk_register_vfs(void);
