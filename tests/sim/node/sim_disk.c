/* See sim_disk.h. */
#include "tests/sim/node/sim_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/store/planted_log_bug.h"
#include "tests/sim/node/fiber.h"
#include "tests/sim/sim_random.h"

#define FILE_COUNT_MAX 1024
#define NAME_COUNT_MAX 256
#define CHANGE_COUNT_MAX 256 /* of the folder, that are not synced */
#define PAUSE_PERMILLE 300
#define DIED_OF_POWER 0

/* A write, or a new size, that was not synced. */
struct disk_write {
    bool is_size;
    uint64_t offset; /* or the size */
    uint32_t length;
    uint8_t *bytes; /* owned */
};

struct disk_bytes {
    uint8_t *bytes; /* owned */
    uint64_t size, room;
};

struct disk_file {
    struct disk_bytes now, durable;
    struct disk_write *writes; /* owned; not synced */
    uint32_t write_count, write_room;
    bool is_readonly, was_readonly; /* now; durably */
    uint32_t user_count;
    struct disk_locks locks;
};

struct disk_name {
    char text[DISK_NAME_SIZE];
    struct disk_file *file;
};

struct disk_folder {
    uint32_t count;
    struct disk_name names[NAME_COUNT_MAX];
};

enum disk_change_kind { CHANGE_CREATE, CHANGE_RENAME, CHANGE_REMOVE };

struct disk_change {
    enum disk_change_kind kind;
    char name[DISK_NAME_SIZE], to[DISK_NAME_SIZE];
    struct disk_file *file;
};

static struct {
    struct sim_random random;
    struct disk_plan plan;
    uint64_t change_count;
    bool has_failed, has_cut; /* since the last crash */
    uint32_t file_count;
    struct disk_file files[FILE_COUNT_MAX];
    struct disk_folder now, durable;
    uint32_t pending_count;
    struct disk_change pending[CHANGE_COUNT_MAX];
} disk;

void sim_disk_begin(uint64_t seed)
{
    memset(&disk, 0, sizeof(disk));
    disk.random = (struct sim_random){.state = seed};
}

void sim_disk_plan(const struct disk_plan *plan)
{
    disk.plan = *plan;
}

uint64_t sim_disk_change_count(void)
{
    return disk.change_count;
}

/* Each change may be the last one, before it happens or after; and others may go on after it. */
static bool dies_before(enum disk_count kind)
{
    disk.change_count++;
    bool is_last =
        disk.plan.die_after > 0 && kind >= disk.plan.counted && --disk.plan.die_after == 0;
    disk.has_cut = disk.has_cut || is_last;
    if (is_last && sim_random_permille(&disk.random, 500)) {
        fiber_die(DIED_OF_POWER);
    }
    return is_last;
}

static void dies_after(bool is_last)
{
    if (is_last) {
        fiber_die(DIED_OF_POWER);
    }
    if (sim_random_permille(&disk.random, PAUSE_PERMILLE)) {
        fiber_pause();
    }
}

/* --- bytes -------------------------------------------------------------------------------- */

static void bytes_resize(struct disk_bytes *bytes, uint64_t size)
{
    if (size > bytes->room) {
        bytes->room = size + size / 2 + 4096;
        bytes->bytes = realloc(bytes->bytes, bytes->room);
        REQUIRE(bytes->bytes != NULL);
    }
    if (size > bytes->size) {
        memset(bytes->bytes + bytes->size, 0, size - bytes->size);
    }
    bytes->size = size;
}

static void bytes_put(struct disk_bytes *bytes, uint64_t offset, const uint8_t *from,
                      uint32_t length)
{
    if (offset + length > bytes->size) {
        bytes_resize(bytes, offset + length);
    }
    memcpy(bytes->bytes + offset, from, length);
}

static void bytes_copy(struct disk_bytes *to, const struct disk_bytes *from)
{
    bytes_resize(to, 0);
    bytes_resize(to, from->size);
    if (from->size > 0) {
        memcpy(to->bytes, from->bytes, from->size);
    }
}

static struct disk_write *add_write(struct disk_file *file)
{
    if (file->write_count == file->write_room) {
        file->write_room = file->write_room * 2 + 16;
        file->writes = realloc(file->writes, file->write_room * sizeof(file->writes[0]));
        REQUIRE(file->writes != NULL);
    }
    struct disk_write *write = &file->writes[file->write_count++];
    *write = (struct disk_write){0};
    return write;
}

static void forget_writes(struct disk_file *file)
{
    for (uint32_t i = 0; i < file->write_count; i++) {
        free(file->writes[i].bytes);
    }
    file->write_count = 0;
}

static void write_apply(struct disk_bytes *bytes, const struct disk_write *write)
{
    if (write->is_size) {
        bytes_resize(bytes, write->offset);
    } else {
        bytes_put(bytes, write->offset, write->bytes, write->length);
    }
}

/* --- files -------------------------------------------------------------------------------- */

static struct disk_name *find_name(struct disk_folder *folder, const char *name)
{
    for (uint32_t i = 0; i < folder->count; i++) {
        if (strcmp(folder->names[i].text, name) == 0) {
            return &folder->names[i];
        }
    }
    return NULL;
}

static void put_name(struct disk_folder *folder, const char *name, struct disk_file *file)
{
    struct disk_name *place = find_name(folder, name);
    if (place == NULL) {
        REQUIRE(folder->count < NAME_COUNT_MAX);
        place = &folder->names[folder->count++];
        snprintf(place->text, sizeof(place->text), "%s", name);
    }
    place->file = file;
}

static void drop_name(struct disk_folder *folder, const char *name)
{
    struct disk_name *place = find_name(folder, name);
    if (place != NULL) {
        *place = folder->names[--folder->count];
    }
}

static void change_apply(struct disk_folder *folder, const struct disk_change *change)
{
    switch (change->kind) {
    case CHANGE_CREATE:
        put_name(folder, change->name, change->file);
        break;
    case CHANGE_RENAME:
        drop_name(folder, change->name);
        put_name(folder, change->to, change->file);
        break;
    case CHANGE_REMOVE:
        drop_name(folder, change->name);
        break;
    }
}

static void change_folder(enum disk_change_kind kind, const char *name, const char *to,
                          struct disk_file *file)
{
    bool is_last = dies_before(DISK_COUNT_FOLDER);
    REQUIRE(disk.pending_count < CHANGE_COUNT_MAX);
    struct disk_change *change = &disk.pending[disk.pending_count++];
    *change = (struct disk_change){.kind = kind, .file = file};
    snprintf(change->name, sizeof(change->name), "%s", name);
    snprintf(change->to, sizeof(change->to), "%s", to);
    change_apply(&disk.now, change);
    dies_after(is_last);
}

struct disk_file *sim_disk_open(const char *name, bool may_create, bool *is_new)
{
    struct disk_name *place = find_name(&disk.now, name);
    *is_new = place == NULL && may_create;
    struct disk_file *file = place == NULL ? NULL : place->file;
    if (*is_new) {
        REQUIRE(disk.file_count < FILE_COUNT_MAX);
        file = &disk.files[disk.file_count++];
        change_folder(CHANGE_CREATE, name, "", file);
    }
    if (file != NULL) {
        file->user_count++;
    }
    return file;
}

void sim_disk_close(struct disk_file *file)
{
    REQUIRE(file->user_count > 0);
    file->user_count--;
}

uint32_t sim_disk_read(const struct disk_file *file, uint64_t offset, void *bytes, uint32_t length)
{
    if (offset >= file->now.size) {
        return 0;
    }
    uint64_t there = file->now.size - offset;
    uint32_t count = there < length ? (uint32_t)there : length;
    memcpy(bytes, file->now.bytes + offset, count);
    return count;
}

uint64_t sim_disk_used_bytes(void)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < disk.now.count; i++) {
        sum += disk.now.names[i].file->now.size;
    }
    return sum;
}

int64_t sim_disk_free_bytes(void)
{
    uint64_t used = sim_disk_used_bytes();
    if (disk.plan.room_bytes == 0) {
        return -1;
    }
    return used < disk.plan.room_bytes ? (int64_t)(disk.plan.room_bytes - used) : 0;
}

enum disk_answer sim_disk_write(struct disk_file *file, uint64_t offset, const void *bytes,
                                uint32_t length)
{
    uint64_t end = offset + length;
    if (end > file->now.size && disk.plan.room_bytes > 0 &&
        (uint64_t)sim_disk_free_bytes() < end - file->now.size) {
        return DISK_FULL;
    }
    bool is_last = dies_before(DISK_COUNT_ALL);
    struct disk_write *write = add_write(file);
    *write = (struct disk_write){.offset = offset, .length = length, .bytes = malloc(length)};
    REQUIRE(write->bytes != NULL);
    memcpy(write->bytes, bytes, length);
    write_apply(&file->now, write);
    dies_after(is_last);
    return DISK_OK;
}

enum disk_answer sim_disk_truncate(struct disk_file *file, uint64_t size)
{
    bool is_last = dies_before(DISK_COUNT_ALL);
    struct disk_write *write = add_write(file);
    *write = (struct disk_write){.is_size = true, .offset = size};
    write_apply(&file->now, write);
    dies_after(is_last);
    return DISK_OK;
}

/* A sync may fail, and then what it should have written is as good as lost. */
static bool sync_fails(void)
{
    bool fails = disk.plan.fail_sync_after > 0 && --disk.plan.fail_sync_after == 0;
    disk.has_failed = disk.has_failed || fails;
    return fails;
}

bool sim_disk_has_failed(void)
{
    return disk.has_failed;
}

bool sim_disk_has_cut(void)
{
    return disk.has_cut;
}

enum disk_answer sim_disk_sync(struct disk_file *file)
{
    bool is_last = dies_before(DISK_COUNT_ALL);
    if (sync_fails()) {
        forget_writes(file);
        return DISK_FAILED;
    }
    for (uint32_t i = 0; i < file->write_count; i++) {
        write_apply(&file->durable, &file->writes[i]);
    }
    forget_writes(file);
    file->was_readonly = file->is_readonly;
    dies_after(is_last);
    return DISK_OK;
}

uint64_t sim_disk_size(const struct disk_file *file)
{
    return file->now.size;
}

struct disk_locks *sim_disk_locks(struct disk_file *file)
{
    return &file->locks;
}

void sim_disk_set_readonly(struct disk_file *file)
{
    bool is_last = dies_before(DISK_COUNT_READONLY);
    file->is_readonly = true;
    dies_after(is_last);
}

bool sim_disk_is_readonly(const struct disk_file *file)
{
    return file->is_readonly;
}

/* --- the folder --------------------------------------------------------------------------- */

bool sim_disk_is_there(const char *name)
{
    return find_name(&disk.now, name) != NULL;
}

bool sim_disk_rename(const char *from, const char *to)
{
    struct disk_name *place = find_name(&disk.now, from);
    if (place == NULL) {
        return false;
    }
    change_folder(CHANGE_RENAME, from, to, place->file);
    return true;
}

bool sim_disk_remove(const char *name)
{
    struct disk_name *place = find_name(&disk.now, name);
    if (place == NULL) {
        return false;
    }
    change_folder(CHANGE_REMOVE, name, "", place->file);
    return true;
}

enum disk_answer sim_disk_sync_folder(void)
{
    bool is_last = dies_before(DISK_COUNT_FOLDER);
    if (sync_fails()) {
        return DISK_FAILED;
    }
    if (!PLANTED_BUG(102)) {
        disk.durable = disk.now;
        disk.pending_count = 0;
    }
    dies_after(is_last);
    return DISK_OK;
}

void sim_disk_list(void (*on_name)(void *argument, const char *name), void *argument)
{
    struct disk_folder listed = disk.now;
    for (uint32_t i = 0; i < listed.count; i++) {
        on_name(argument, listed.names[i].text);
    }
}

/* --- the crash ---------------------------------------------------------------------------- */

/* How a power cut treats what was not synced. */
struct cut_manner {
    uint32_t keep_permille; /* of the pieces */
    uint32_t piece;         /* bytes that are written as one; 0: each write as a whole */
};

static struct cut_manner draw_manner(void)
{
    static const uint32_t KEPT[] = {0, 0, 1000, 500, 900, 100};
    static const uint32_t PIECES[] = {0, 512, 4096};
    return (struct cut_manner){KEPT[sim_random_between(&disk.random, 0, 5)],
                               PIECES[sim_random_between(&disk.random, 0, 2)]};
}

static void cut_write(struct disk_bytes *durable, const struct disk_write *write,
                      const struct cut_manner *manner)
{
    if (write->is_size || manner->piece == 0) {
        if (sim_random_permille(&disk.random, manner->keep_permille)) {
            write_apply(durable, write);
        }
        return;
    }
    for (uint32_t at = 0; at < write->length;) {
        /* Pieces begin where the disk's sectors do. */
        uint32_t left = manner->piece - (uint32_t)((write->offset + at) % manner->piece);
        uint32_t count = left < write->length - at ? left : write->length - at;
        if (sim_random_permille(&disk.random, manner->keep_permille)) {
            bytes_put(durable, write->offset + at, write->bytes + at, count);
        }
        at += count;
    }
}

/* Of two writes to one place the later one may be the lost one: order is free. */
static void shuffle_writes(struct disk_file *file)
{
    for (uint32_t i = file->write_count; i > 1; i--) {
        uint32_t other = (uint32_t)sim_random_between(&disk.random, 0, i - 1);
        struct disk_write kept = file->writes[i - 1];
        file->writes[i - 1] = file->writes[other];
        file->writes[other] = kept;
    }
}

static void cut_file(struct disk_file *file, const struct cut_manner *manner, bool is_shuffled)
{
    if (is_shuffled) {
        shuffle_writes(file);
    }
    for (uint32_t i = 0; i < file->write_count; i++) {
        cut_write(&file->durable, &file->writes[i], manner);
    }
    forget_writes(file);
    bytes_copy(&file->now, &file->durable);
    if (file->is_readonly != file->was_readonly && sim_random_permille(&disk.random, 500)) {
        file->was_readonly = file->is_readonly;
    }
    file->is_readonly = file->was_readonly;
}

static void cut_folder(void)
{
    uint32_t kept = (uint32_t)sim_random_between(&disk.random, 0, disk.pending_count);
    for (uint32_t i = 0; i < kept; i++) {
        change_apply(&disk.durable, &disk.pending[i]);
    }
    disk.pending_count = 0;
    disk.now = disk.durable;
}

void sim_disk_crash(bool is_power_cut)
{
    struct cut_manner manner = draw_manner();
    bool is_shuffled = sim_random_permille(&disk.random, 300);
    for (uint32_t i = 0; i < disk.file_count; i++) {
        struct disk_file *file = &disk.files[i];
        for (uint32_t region = 0; region < DISK_SHM_REGION_COUNT; region++) {
            free(file->locks.shm_regions[region]);
        }
        file->locks = (struct disk_locks){0};
        file->user_count = 0;
        if (is_power_cut) {
            cut_file(file, &manner, is_shuffled);
        }
    }
    if (is_power_cut) {
        cut_folder();
    }
    disk.plan = (struct disk_plan){0};
    disk.has_failed = disk.has_cut = false;
}
