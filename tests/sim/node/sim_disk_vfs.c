/* SQLite's file layer over the simulated disk: what its own one for Unix promises, and no more.
 *
 * A file that is made as a journal or WAL has its name synced at its first sync, as there; a write
 * leaves the bytes beside it alone (powersafe overwrite), as SQLite takes for granted there. Locks
 * and shared memory live in the process and end with it.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "tests/sim/node/fiber.h"
#include "tests/sim/node/sim_disk.h"
#include "tests/sim/sim_random.h"

#define SECTOR_BYTES 4096

struct vfs_file {
    sqlite3_file base;
    struct disk_file *file;
    int level;             /* of the lock it has */
    bool must_sync_folder; /* its name is not durable yet */
    bool is_mapped;
    uint8_t shm_shared, shm_exclusive; /* a bit a lock */
    char delete_name[DISK_NAME_SIZE];  /* removed at close; empty: kept */
};

static struct vfs_file *of(sqlite3_file *file)
{
    return (struct vfs_file *)file;
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static int on_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 offset)
{
    uint32_t count = sim_disk_read(of(file)->file, (uint64_t)offset, bytes, (uint32_t)length);
    if (count == (uint32_t)length) {
        return SQLITE_OK;
    }
    memset((char *)bytes + count, 0, (size_t)length - count);
    return SQLITE_IOERR_SHORT_READ;
}

static int on_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset)
{
    enum disk_answer answer =
        sim_disk_write(of(file)->file, (uint64_t)offset, bytes, (uint32_t)length);
    return answer == DISK_OK ? SQLITE_OK : (answer == DISK_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE);
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return sim_disk_truncate(of(file)->file, (uint64_t)size) == DISK_OK ? SQLITE_OK
                                                                        : SQLITE_IOERR_TRUNCATE;
}

static int on_sync(sqlite3_file *file, int flags)
{
    (void)flags;
    if (sim_disk_sync(of(file)->file) != DISK_OK) {
        return SQLITE_IOERR_FSYNC;
    }
    if (of(file)->must_sync_folder) {
        of(file)->must_sync_folder = false;
        if (sim_disk_sync_folder() != DISK_OK) {
            return SQLITE_IOERR_DIR_FSYNC;
        }
    }
    return SQLITE_OK;
}

static int on_size(sqlite3_file *file, sqlite3_int64 *size)
{
    *size = (sqlite3_int64)sim_disk_size(of(file)->file);
    return SQLITE_OK;
}

/* --- locks -------------------------------------------------------------------------------- */

static int lock_shared(struct vfs_file *file, struct disk_locks *locks)
{
    if (locks->pending != NULL || locks->exclusive != NULL) {
        return SQLITE_BUSY;
    }
    locks->shared_count++;
    file->level = SQLITE_LOCK_SHARED;
    return SQLITE_OK;
}

static int lock_exclusive(struct vfs_file *file, struct disk_locks *locks)
{
    if (locks->pending != NULL && locks->pending != file) {
        return SQLITE_BUSY;
    }
    locks->pending = file;
    file->level = SQLITE_LOCK_PENDING;
    if (locks->shared_count > 1) {
        return SQLITE_BUSY;
    }
    locks->exclusive = file;
    file->level = SQLITE_LOCK_EXCLUSIVE;
    return SQLITE_OK;
}

static int on_lock(sqlite3_file *base, int level)
{
    struct vfs_file *file = of(base);
    struct disk_locks *locks = sim_disk_locks(file->file);
    if (file->level >= level) {
        return SQLITE_OK;
    }
    if (level == SQLITE_LOCK_SHARED) {
        return lock_shared(file, locks);
    }
    if (level == SQLITE_LOCK_RESERVED || locks->reserved != file) {
        if (locks->reserved != NULL && locks->reserved != file) {
            return SQLITE_BUSY;
        }
        locks->reserved = level == SQLITE_LOCK_RESERVED ? file : locks->reserved;
    }
    if (level == SQLITE_LOCK_RESERVED) {
        file->level = SQLITE_LOCK_RESERVED;
        return SQLITE_OK;
    }
    return lock_exclusive(file, locks);
}

static int on_unlock(sqlite3_file *base, int level)
{
    struct vfs_file *file = of(base);
    struct disk_locks *locks = sim_disk_locks(file->file);
    if (file->level <= level) {
        return SQLITE_OK;
    }
    locks->reserved = locks->reserved == file ? NULL : locks->reserved;
    locks->pending = locks->pending == file ? NULL : locks->pending;
    locks->exclusive = locks->exclusive == file ? NULL : locks->exclusive;
    if (level == SQLITE_LOCK_NONE) {
        REQUIRE(locks->shared_count > 0);
        locks->shared_count--;
    }
    file->level = level;
    return SQLITE_OK;
}

static int on_check_reserved(sqlite3_file *base, int *is_reserved)
{
    *is_reserved = sim_disk_locks(of(base)->file)->reserved != NULL;
    return SQLITE_OK;
}

static int on_control(sqlite3_file *file, int operation, void *argument)
{
    (void)file;
    (void)operation;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int on_sector_size(sqlite3_file *file)
{
    (void)file;
    return SECTOR_BYTES;
}

static int on_characteristics(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* --- shared memory ------------------------------------------------------------------------ */

static int on_shm_map(sqlite3_file *base, int region, int bytes, int may_extend,
                      void volatile **memory)
{
    struct disk_locks *locks = sim_disk_locks(of(base)->file);
    REQUIRE(region < DISK_SHM_REGION_COUNT);
    if (!of(base)->is_mapped) {
        of(base)->is_mapped = true;
        locks->shm_user_count++;
    }
    if (locks->shm_regions[region] == NULL && may_extend != 0) {
        locks->shm_regions[region] = calloc(1, (size_t)bytes);
        REQUIRE(locks->shm_regions[region] != NULL);
    }
    *memory = locks->shm_regions[region];
    return SQLITE_OK;
}

static bool others_share(const struct vfs_file *file, const struct disk_locks *locks, int at)
{
    return locks->shm_shared[at] > (uint32_t)(file->shm_shared >> at & 1);
}

static int shm_acquire(struct vfs_file *file, struct disk_locks *locks, int first, int count,
                       bool is_exclusive)
{
    for (int i = first; i < first + count; i++) {
        bool is_others = locks->shm_exclusive[i] != NULL && locks->shm_exclusive[i] != file;
        if (is_others || (is_exclusive && others_share(file, locks, i))) {
            return SQLITE_BUSY;
        }
    }
    for (int i = first; i < first + count; i++) {
        uint8_t bit = (uint8_t)(1U << i);
        if (is_exclusive) {
            locks->shm_exclusive[i] = file;
            file->shm_exclusive |= bit;
        } else if ((file->shm_shared & bit) == 0) {
            locks->shm_shared[i]++;
            file->shm_shared |= bit;
        }
    }
    return SQLITE_OK;
}

static void shm_release(struct vfs_file *file, struct disk_locks *locks, int first, int count)
{
    for (int i = first; i < first + count; i++) {
        uint8_t bit = (uint8_t)(1U << i);
        locks->shm_exclusive[i] = locks->shm_exclusive[i] == file ? NULL : locks->shm_exclusive[i];
        locks->shm_shared[i] -= (file->shm_shared & bit) != 0;
        file->shm_shared &= (uint8_t)~bit;
        file->shm_exclusive &= (uint8_t)~bit;
    }
}

static int on_shm_lock(sqlite3_file *base, int first, int count, int flags)
{
    struct disk_locks *locks = sim_disk_locks(of(base)->file);
    REQUIRE(first + count <= DISK_SHM_LOCK_COUNT);
    if ((flags & SQLITE_SHM_UNLOCK) != 0) {
        shm_release(of(base), locks, first, count);
        return SQLITE_OK;
    }
    return shm_acquire(of(base), locks, first, count, (flags & SQLITE_SHM_EXCLUSIVE) != 0);
}

static void on_shm_barrier(sqlite3_file *file)
{
    (void)file;
}

static int on_shm_unmap(sqlite3_file *base, int is_deleted)
{
    struct disk_locks *locks = sim_disk_locks(of(base)->file);
    (void)is_deleted;
    if (!of(base)->is_mapped) {
        return SQLITE_OK;
    }
    of(base)->is_mapped = false;
    shm_release(of(base), locks, 0, DISK_SHM_LOCK_COUNT);
    if (--locks->shm_user_count == 0) {
        for (uint32_t i = 0; i < DISK_SHM_REGION_COUNT; i++) {
            free(locks->shm_regions[i]);
            locks->shm_regions[i] = NULL;
        }
    }
    return SQLITE_OK;
}

static int on_close(sqlite3_file *base)
{
    struct vfs_file *file = of(base);
    on_shm_unmap(base, 0);
    on_unlock(base, SQLITE_LOCK_NONE);
    if (file->delete_name[0] != '\0') {
        sim_disk_remove(file->delete_name);
    }
    sim_disk_close(file->file);
    return SQLITE_OK;
}

static const sqlite3_io_methods METHODS = {.iVersion = 2,
                                           .xClose = on_close,
                                           .xRead = on_read,
                                           .xWrite = on_write,
                                           .xTruncate = on_truncate,
                                           .xSync = on_sync,
                                           .xFileSize = on_size,
                                           .xLock = on_lock,
                                           .xUnlock = on_unlock,
                                           .xCheckReservedLock = on_check_reserved,
                                           .xFileControl = on_control,
                                           .xSectorSize = on_sector_size,
                                           .xDeviceCharacteristics = on_characteristics,
                                           .xShmMap = on_shm_map,
                                           .xShmLock = on_shm_lock,
                                           .xShmBarrier = on_shm_barrier,
                                           .xShmUnmap = on_shm_unmap};

/* --- the layer itself --------------------------------------------------------------------- */

static int on_open(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *base, int flags,
                   int *flags_out)
{
    static uint32_t temporary_count;
    struct vfs_file *file = of(base);
    char name[DISK_NAME_SIZE];
    bool is_new = false;
    (void)vfs;
    memset(file, 0, sizeof(*file));
    if (path == NULL) {
        snprintf(name, sizeof(name), "temporary-%u", temporary_count++);
    } else {
        snprintf(name, sizeof(name), "%s", name_of(path));
    }
    file->file = sim_disk_open(name, (flags & SQLITE_OPEN_CREATE) != 0, &is_new);
    if (file->file == NULL) {
        return SQLITE_CANTOPEN;
    }
    if (path == NULL || (flags & SQLITE_OPEN_DELETEONCLOSE) != 0) {
        snprintf(file->delete_name, sizeof(file->delete_name), "%s", name);
    }
    int journals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
    file->must_sync_folder = is_new && (flags & journals) != 0;
    base->pMethods = &METHODS;
    if (flags_out != NULL) {
        bool is_readonly = sim_disk_is_readonly(file->file);
        *flags_out = is_readonly ? (flags & ~SQLITE_OPEN_READWRITE) | SQLITE_OPEN_READONLY : flags;
    }
    return SQLITE_OK;
}

static int on_delete(sqlite3_vfs *vfs, const char *path, int must_sync)
{
    (void)vfs;
    if (!sim_disk_remove(name_of(path))) {
        return SQLITE_IOERR_DELETE_NOENT;
    }
    return must_sync == 0 || sim_disk_sync_folder() == DISK_OK ? SQLITE_OK : SQLITE_IOERR_DIR_FSYNC;
}

static int on_access(sqlite3_vfs *vfs, const char *path, int flags, int *answer)
{
    bool is_new;
    (void)vfs;
    struct disk_file *file = sim_disk_open(name_of(path), false, &is_new);
    *answer = file != NULL;
    if (file != NULL) {
        /* As Unix: an empty file is none, when asked whether it exists. */
        *answer = flags == SQLITE_ACCESS_READWRITE ? !sim_disk_is_readonly(file)
                                                   : sim_disk_size(file) > 0;
        sim_disk_close(file);
    }
    return SQLITE_OK;
}

static int on_full_path(sqlite3_vfs *vfs, const char *path, int room, char *full)
{
    (void)vfs;
    snprintf(full, (size_t)room, "%s", path);
    return SQLITE_OK;
}

static int on_randomness(sqlite3_vfs *vfs, int count, char *bytes)
{
    static struct sim_random random = {.state = 1};
    (void)vfs;
    for (int i = 0; i < count; i++) {
        bytes[i] = (char)sim_random_next(&random);
    }
    return count;
}

static int on_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    fiber_sleep((uint64_t)us * 1000);
    return us;
}

static int on_time(sqlite3_vfs *vfs, double *days)
{
    (void)vfs;
    *days = 2461041.5; /* nothing of the log's comes from it */
    return SQLITE_OK;
}

static int on_last_error(sqlite3_vfs *vfs, int room, char *text)
{
    (void)vfs;
    (void)room;
    (void)text;
    return 0;
}

void sim_disk_register_vfs(void)
{
    static sqlite3_vfs vfs = {.iVersion = 1,
                              .szOsFile = sizeof(struct vfs_file),
                              .mxPathname = 512,
                              .zName = "simulated",
                              .xOpen = on_open,
                              .xDelete = on_delete,
                              .xAccess = on_access,
                              .xFullPathname = on_full_path,
                              .xRandomness = on_randomness,
                              .xSleep = on_sleep,
                              .xCurrentTime = on_time,
                              .xGetLastError = on_last_error};
    REQUIRE(sqlite3_vfs_register(&vfs, 1) == SQLITE_OK);
}
