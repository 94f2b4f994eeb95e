/* See version_folder.h. */
#include "switch/versions/version_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "config/file_text.h"
#include "protocols/base/require.h"
#include "switch/store/log_disk.h"
#include "switch/store/log_folder.h"
#include "switch/versions/version_disk.h"
#include "switch/versions/version_floor.h"

#define FOLDER_NAME "versions"
#define STAGE_NAME "new"
#define GOING_NAME "old"
#define LOCK_NAME "lock"
#define JSON_NAME "version.json"
#define NUMBER_FORMAT "%06" PRIu32
#define JSON_BYTES_MAX 65536u
#define HASH_BLOCK_BYTES 65536

struct version_folder {
    char store_folder[VERSION_PATH_SIZE], path[VERSION_PATH_SIZE];
    int lock;
    uint32_t floor; /* numbers up to it were given */
    uint32_t count;
    struct rule_version *versions; /* owner; by number */
};

static enum status fail(char *reason, const char *path, int error)
{
    snprintf(reason, RULE_VERSION_REASON_SIZE, "%s: %s", path, strerror(error));
    return STATUS_BROKEN;
}

/* ---- hashes ---- */

static void hash_text(const uint8_t digest[32], char hash[RULE_HASH_SIZE])
{
    for (unsigned i = 0; i < 32; i++) {
        snprintf(hash + 2 * i, 3, "%02x", digest[i]);
    }
}

void rule_hash(const void *bytes, size_t length, char hash[RULE_HASH_SIZE])
{
    uint8_t digest[32];
    hash[0] = '\0';
    if (EVP_Digest(bytes, length, digest, NULL, EVP_sha256(), NULL) == 1) {
        hash_text(digest, hash);
    }
}

void rule_hash_file(const char *path, char hash[RULE_HASH_SIZE])
{
    uint8_t digest[32];
    hash[0] = '\0';
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return;
    }
    uint8_t *block = malloc(HASH_BLOCK_BYTES);
    EVP_MD_CTX *sum = EVP_MD_CTX_new();
    bool is_good = block != NULL && sum != NULL && EVP_DigestInit_ex(sum, EVP_sha256(), NULL) == 1;
    for (size_t count = 1; is_good && count > 0;) {
        count = fread(block, 1, HASH_BLOCK_BYTES, file);
        is_good = EVP_DigestUpdate(sum, block, count) == 1 && ferror(file) == 0;
    }
    if (is_good && EVP_DigestFinal_ex(sum, digest, NULL) == 1) {
        hash_text(digest, hash);
    }
    EVP_MD_CTX_free(sum);
    free(block);
    (void)fclose(file);
}

/* ---- reading ---- */

bool version_folder_path(const char *store_folder, uint32_t number, const char *name,
                         char path[VERSION_PATH_SIZE])
{
    int length = snprintf(path, VERSION_PATH_SIZE, "%s/" FOLDER_NAME "/" NUMBER_FORMAT "/%s",
                          store_folder, number, name);
    return length > 0 && length < VERSION_PATH_SIZE;
}

/* The number that a folder's name is; 0: it is none. */
static uint32_t number_of(const char *name)
{
    char again[16];
    uint32_t number = 0;
    if (sscanf(name, "%6" SCNu32, &number) != 1) {
        return 0;
    }
    snprintf(again, sizeof(again), NUMBER_FORMAT, number);
    return strcmp(again, name) == 0 ? number : 0;
}

static enum status read_one(const char *store_folder, uint32_t number, struct rule_version *version,
                            char *reason)
{
    char path[VERSION_PATH_SIZE];
    char why[RULE_VERSION_REASON_SIZE];
    struct file_text text;
    if (!version_folder_path(store_folder, number, JSON_NAME, path)) {
        return fail(reason, store_folder, ENAMETOOLONG);
    }
    errno = 0;
    enum status status = file_text_read(&text, path, JSON_BYTES_MAX);
    snprintf(why, sizeof(why), "%s", errno != 0 ? strerror(errno) : status_text(status));
    if (status == STATUS_OK) {
        status = rule_version_parse(version, text.bytes, text.length, why);
        file_text_free(&text);
        if (status == STATUS_OK && version->number != number) {
            snprintf(why, sizeof(why), "\"number\": expected %" PRIu32 ", as the folder is called",
                     number);
            status = STATUS_MALFORMED;
        }
    }
    if (status != STATUS_OK) {
        snprintf(reason, RULE_VERSION_REASON_SIZE,
                 "%.250s: not as it was written: %.200s; bring it back from a back-up, or remove "
                 "that version's folder",
                 path, why);
    }
    return status;
}

/* Whether it is gone: a purge may come between the listing of the folder and the reading. */
static bool is_gone(const char *store_folder, uint32_t number)
{
    char path[VERSION_PATH_SIZE];
    return version_folder_path(store_folder, number, "", path) && access(path, F_OK) != 0 &&
           errno == ENOENT;
}

/* Room for one more; the last is returned. NULL: no memory. */
static struct rule_version *grow(struct rule_version **versions, uint32_t *count)
{
    struct rule_version *more = realloc(*versions, (*count + 1) * sizeof(**versions));
    if (more == NULL) {
        return NULL;
    }
    *versions = more;
    return &more[(*count)++];
}

static int by_number(const void *one, const void *other)
{
    const struct rule_version *left = one, *right = other;
    return left->number < right->number ? -1 : left->number > right->number;
}

enum status version_folder_read(const char *store_folder, struct rule_version **versions,
                                uint32_t *count, char reason[RULE_VERSION_REASON_SIZE])
{
    char path[VERSION_PATH_SIZE + sizeof(FOLDER_NAME)];
    *versions = NULL;
    *count = 0;
    snprintf(path, sizeof(path), "%.*s/" FOLDER_NAME, VERSION_PATH_SIZE - 2, store_folder);
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return errno == ENOENT ? STATUS_OK : fail(reason, path, errno);
    }
    enum status status = STATUS_OK;
    for (const struct dirent *entry; status == STATUS_OK && (entry = readdir(folder)) != NULL;) {
        uint32_t number = number_of(entry->d_name);
        if (number > 0) {
            struct rule_version *version = grow(versions, count);
            status = version == NULL ? fail(reason, path, ENOMEM)
                                     : read_one(store_folder, number, version, reason);
            if (version != NULL && status != STATUS_OK && is_gone(store_folder, number)) {
                (*count)--;
                status = STATUS_OK;
            }
        }
    }
    closedir(folder);
    if (status != STATUS_OK) {
        free(*versions);
        *versions = NULL;
        *count = 0;
    } else if (*count > 0) {
        qsort(*versions, *count, sizeof(**versions), by_number);
    }
    return status;
}

/* The highest turn below `turn_end`. */
static const struct rule_version *latest_below(const struct rule_version *versions, uint32_t count,
                                               uint32_t turn_end)
{
    const struct rule_version *found = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const struct rule_version *one = &versions[i];
        if (one->turn > 0 && one->turn < turn_end && (found == NULL || one->turn > found->turn)) {
            found = one;
        }
    }
    return found;
}

const struct rule_version *version_folder_latest(const struct rule_version *versions,
                                                 uint32_t count)
{
    return latest_below(versions, count, UINT32_MAX);
}

const struct rule_version *version_folder_previous(const struct rule_version *versions,
                                                   uint32_t count)
{
    const struct rule_version *in_force = version_folder_latest(versions, count);
    return in_force == NULL ? NULL : latest_below(versions, count, in_force->turn);
}

const struct rule_version *version_folder_in_force(const struct version_folder *folder)
{
    return version_folder_latest(folder->versions, folder->count);
}

const struct rule_version *version_folder_before(const struct version_folder *folder)
{
    return version_folder_previous(folder->versions, folder->count);
}

static struct rule_version *find(const struct version_folder *folder, uint32_t number)
{
    for (uint32_t i = 0; i < folder->count; i++) {
        if (folder->versions[i].number == number) {
            return &folder->versions[i];
        }
    }
    return NULL;
}

const struct rule_version *version_folder_find(const struct version_folder *folder, uint32_t number)
{
    return find(folder, number);
}

uint32_t version_folder_next(const struct version_folder *folder)
{
    return folder->floor < RULE_VERSION_NUMBER_MAX ? folder->floor + 1 : 0;
}

void version_folder_copy_path(const struct version_folder *folder, uint32_t number,
                              enum rule_file file, char path[VERSION_PATH_SIZE])
{
    bool fits = version_folder_path(folder->store_folder, number, rule_file_name(file), path);
    REQUIRE(fits); /* the folder's path was looked at when it was opened */
}

enum status version_folder_copy(const struct version_folder *folder,
                                const struct rule_version *version, enum rule_file file,
                                char **bytes, uint32_t *length,
                                char reason[RULE_VERSION_REASON_SIZE])
{
    char path[VERSION_PATH_SIZE];
    char hash[RULE_HASH_SIZE];
    struct file_text text;
    version_folder_copy_path(folder, version->number, file, path);
    enum status status = file_text_read(&text, path, VERSION_FILE_BYTES_MAX);
    if (status == STATUS_OK) {
        rule_hash(text.bytes, text.length, hash);
        if (strcmp(hash, version->files[file].hash) == 0) {
            *bytes = text.bytes;
            *length = text.length;
            return STATUS_OK;
        }
        file_text_free(&text);
        status = STATUS_MALFORMED;
    }
    snprintf(reason, RULE_VERSION_REASON_SIZE,
             "%.300s: %s; bring it back from a back-up, or change the file that the configuration "
             "names, which then counts",
             path,
             status == STATUS_MALFORMED   ? "expected what was written there (SHA-256 in "
                                            "version.json), got something else"
             : status == STATUS_NOT_FOUND ? "cannot be read"
                                          : status_text(status));
    return status;
}

/* ---- opening ---- */

static void path_in(const struct version_folder *folder, const char *name,
                    char path[VERSION_PATH_SIZE])
{
    int length = snprintf(path, VERSION_PATH_SIZE, "%s/%s", folder->path, name);
    REQUIRE(length > 0 && length < VERSION_PATH_SIZE);
}

static bool is_locked(struct version_folder *folder, bool *is_taken, char *reason)
{
    char path[VERSION_PATH_SIZE];
    path_in(folder, LOCK_NAME, path);
    folder->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (folder->lock < 0) {
        fail(reason, path, errno);
        return false;
    }
    if (flock(folder->lock, LOCK_EX | LOCK_NB) != 0) {
        *is_taken = errno == EWOULDBLOCK;
        snprintf(reason, RULE_VERSION_REASON_SIZE, "%s: %s", path,
                 *is_taken ? "another tillwayd uses this folder; stop that one first"
                           : strerror(errno));
        return false;
    }
    return true;
}

/* What a crash left: a version half made, one half removed, a version.json beside the one that
 * counts. */
static bool is_swept(struct version_folder *folder, char *reason)
{
    static const char *const NAMES[] = {STAGE_NAME, GOING_NAME};
    char path[VERSION_PATH_SIZE];
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        path_in(folder, NAMES[i], path);
        int error = version_disk_remove_folder(path);
        if (error != 0) {
            fail(reason, path, error);
            return false;
        }
    }
    for (uint32_t i = 0; i < folder->count; i++) {
        bool fits = version_folder_path(folder->store_folder, folder->versions[i].number,
                                        JSON_NAME ".new", path);
        REQUIRE(fits);
        unlink(path);
    }
    return true;
}

/* Which numbers were given: what is noted, kept, or named by rows. It is noted here so that rows
 * are asked once; where that fails the next number brings it again, or is not given. */
static enum status floor_find(struct version_folder *folder, char *reason)
{
    struct version_floor floor;
    enum status status = version_floor(&floor, folder->store_folder, folder->count > 0, reason);
    if (status != STATUS_OK) {
        return status;
    }
    uint32_t highest = folder->count == 0 ? 0 : folder->versions[folder->count - 1].number;
    folder->floor = highest > floor.number ? highest : floor.number;
    if (folder->floor > 0 && (!floor.is_noted || floor.number < folder->floor)) {
        (void)version_floor_note(folder->store_folder, folder->floor);
    }
    return STATUS_OK;
}

struct version_folder *version_folder_open(const char *store_folder, bool *is_taken,
                                           char reason[RULE_VERSION_REASON_SIZE])
{
    struct version_folder *folder = calloc(1, sizeof(*folder));
    *is_taken = false;
    if (folder == NULL || strlen(store_folder) > VERSION_PATH_SIZE - 64) {
        fail(reason, store_folder, folder == NULL ? ENOMEM : ENAMETOOLONG);
        free(folder);
        return NULL;
    }
    folder->lock = -1;
    snprintf(folder->store_folder, sizeof(folder->store_folder), "%s", store_folder);
    snprintf(folder->path, sizeof(folder->path), "%.*s/" FOLDER_NAME, VERSION_PATH_SIZE - 64,
             store_folder);
    char why[LOG_REASON_SIZE]; /* the log's folder too, so it is made as the log makes it */
    if (log_disk_make_folder(store_folder, why) != STATUS_OK) {
        snprintf(reason, RULE_VERSION_REASON_SIZE, "%.*s", RULE_VERSION_REASON_SIZE - 1, why);
        version_folder_close(folder);
        return NULL;
    }
    int error = version_disk_make_folder(folder->path);
    error = error == 0 ? version_disk_sync_folder(folder->store_folder) : error;
    if (error != 0) {
        fail(reason, folder->path, error);
        version_folder_close(folder);
        return NULL;
    }
    if (!is_locked(folder, is_taken, reason) ||
        version_folder_read(store_folder, &folder->versions, &folder->count, reason) != STATUS_OK ||
        floor_find(folder, reason) != STATUS_OK || !is_swept(folder, reason)) {
        version_folder_close(folder);
        return NULL;
    }
    return folder;
}

void version_folder_close(struct version_folder *folder)
{
    if (folder == NULL) {
        return;
    }
    if (folder->lock >= 0) {
        close(folder->lock);
    }
    free(folder->versions);
    free(folder);
}

/* ---- making ---- */

enum status version_folder_stage(struct version_folder *folder,
                                 char reason[RULE_VERSION_REASON_SIZE])
{
    char path[VERSION_PATH_SIZE];
    path_in(folder, STAGE_NAME, path);
    int error = version_disk_remove_folder(path);
    error = error == 0 ? version_disk_make_folder(path) : error;
    return error == 0 ? STATUS_OK : fail(reason, path, error);
}

void version_folder_stage_path(const struct version_folder *folder, enum rule_file file,
                               char path[VERSION_PATH_SIZE])
{
    int length = snprintf(path, VERSION_PATH_SIZE, "%s/" STAGE_NAME "/%s", folder->path,
                          rule_file_name(file));
    REQUIRE(length > 0 && length < VERSION_PATH_SIZE);
}

enum status version_folder_stage_file(struct version_folder *folder, enum rule_file file,
                                      const char *bytes, uint32_t length,
                                      struct rule_version *version,
                                      char reason[RULE_VERSION_REASON_SIZE])
{
    char path[VERSION_PATH_SIZE];
    version_folder_stage_path(folder, file, path);
    rule_hash(bytes, length, version->files[file].hash);
    int error = version_disk_write(path, bytes, length);
    return error == 0 ? STATUS_OK : fail(reason, path, error);
}

void version_folder_stage_drop(struct version_folder *folder)
{
    char path[VERSION_PATH_SIZE];
    path_in(folder, STAGE_NAME, path);
    (void)version_disk_remove_folder(path); /* else the next start does */
}

static enum status write_json(const char *path, const struct rule_version *version, bool is_new,
                              char *reason)
{
    json_t *object = rule_version_json(version);
    char *text = object == NULL ? NULL : json_dumps(object, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    json_decref(object);
    if (text == NULL) {
        return fail(reason, path, ENOMEM);
    }
    int error = is_new ? version_disk_write(path, text, strlen(text))
                       : version_disk_replace(path, text, strlen(text));
    free(text);
    return error == 0 ? STATUS_OK : fail(reason, path, error);
}

static void path_of_number(const struct version_folder *folder, uint32_t number,
                           char path[VERSION_PATH_SIZE])
{
    char name[16];
    snprintf(name, sizeof(name), NUMBER_FORMAT, number);
    path_in(folder, name, path);
}

/* The renaming of what was staged. */
static enum status adopt(struct version_folder *folder, uint32_t number, char *reason)
{
    char stage[VERSION_PATH_SIZE], path[VERSION_PATH_SIZE];
    path_in(folder, STAGE_NAME, stage);
    path_of_number(folder, number, path);
    int error = version_disk_sync_folder(stage);
    if (error == 0 && rename(stage, path) != 0) {
        error = errno;
    } else if (error == 0) {
        error = version_disk_sync_folder(folder->path);
        if (error != 0) {
            (void)rename(path, stage); /* as if it had never been there */
        }
    }
    return error == 0 ? STATUS_OK : fail(reason, path, error);
}

enum status version_folder_keep(struct version_folder *folder, const struct rule_version *version,
                                char reason[RULE_VERSION_REASON_SIZE])
{
    char path[VERSION_PATH_SIZE];
    REQUIRE(version->number == version_folder_next(folder) && version->number > 0);
    int length = snprintf(path, sizeof(path), "%s/" STAGE_NAME "/" JSON_NAME, folder->path);
    REQUIRE(length > 0 && length < VERSION_PATH_SIZE);
    int error = version_floor_note(folder->store_folder, version->number);
    enum status status = error != 0 ? fail(reason, VERSION_FLOOR_NAME, error)
                                    : write_json(path, version, true, reason);
    if (error == 0) {
        folder->floor = version->number; /* given, whatever becomes of it */
    }
    struct rule_version *place =
        status == STATUS_OK ? grow(&folder->versions, &folder->count) : NULL;
    if (status == STATUS_OK && place == NULL) {
        status = fail(reason, path, ENOMEM);
    }
    if (status == STATUS_OK) {
        *place = *version;
        status = adopt(folder, version->number, reason);
        folder->count -= status != STATUS_OK;
    }
    if (status != STATUS_OK) {
        version_folder_stage_drop(folder);
    }
    return status;
}

enum status version_folder_rewrite(struct version_folder *folder,
                                   const struct rule_version *version,
                                   char reason[RULE_VERSION_REASON_SIZE])
{
    char path[VERSION_PATH_SIZE];
    struct rule_version *place = find(folder, version->number);
    REQUIRE(place != NULL);
    bool fits = version_folder_path(folder->store_folder, version->number, JSON_NAME, path);
    REQUIRE(fits);
    enum status status = write_json(path, version, false, reason);
    if (status != STATUS_OK) {
        char ignored[RULE_VERSION_REASON_SIZE];
        enum status undone = write_json(path, place, false, ignored);
        (void)undone; /* the disk fails; what stands there is the old one or the new one, whole */
        return status;
    }
    *place = *version;
    return STATUS_OK;
}

/* ---- removing ---- */

/* By a name of no meaning, so that half of a version is never seen. */
static int remove_number(struct version_folder *folder, uint32_t number)
{
    char path[VERSION_PATH_SIZE], going[VERSION_PATH_SIZE];
    path_of_number(folder, number, path);
    path_in(folder, GOING_NAME, going);
    int error = version_disk_remove_folder(going);
    if (error == 0 && rename(path, going) != 0) {
        error = errno;
    }
    error = error == 0 ? version_disk_sync_folder(folder->path) : error;
    return error == 0 ? version_disk_remove_folder(going) : error;
}

static void forget(struct version_folder *folder, uint32_t number)
{
    struct rule_version *place = find(folder, number);
    REQUIRE(place != NULL);
    size_t behind = folder->count - 1 - (size_t)(place - folder->versions);
    memmove(place, place + 1, behind * sizeof(*place));
    folder->count--;
}

enum status version_folder_remove(struct version_folder *folder, uint32_t number,
                                  char reason[RULE_VERSION_REASON_SIZE])
{
    char path[VERSION_PATH_SIZE];
    int error = remove_number(folder, number);
    if (error != 0) {
        path_of_number(folder, number, path);
        return fail(reason, path, error);
    }
    forget(folder, number);
    return STATUS_OK;
}

/* Neither in force, nor the one that a roll-back without a number goes back to. */
static bool may_go(const struct version_folder *folder, const struct rule_version *version,
                   bool only_outdated)
{
    const struct rule_version *in_force = version_folder_in_force(folder);
    bool is_outdated =
        version->turn == 0 && in_force != NULL && !rule_version_is_based_on(version, in_force);
    return version != in_force && version != version_folder_before(folder) &&
           (is_outdated || !only_outdated);
}

static void purge_pass(struct version_folder *folder, uint32_t count_max, bool only_outdated)
{
    for (uint32_t i = 0; folder->count > count_max && i + 1 < folder->count;) {
        const struct rule_version *version = &folder->versions[i];
        uint32_t number = version->number;
        if (!may_go(folder, version, only_outdated) || remove_number(folder, number) != 0) {
            i++; /* it stays, and goes another time if it may */
            continue;
        }
        forget(folder, number);
    }
}

void version_folder_purge(struct version_folder *folder, uint32_t count_max)
{
    purge_pass(folder, count_max, true);
    purge_pass(folder, count_max, false);
}
