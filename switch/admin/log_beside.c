/* See log_beside.h. */
#include "switch/admin/log_beside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/store/log_folder.h"
#include "switch/versions/version_disk.h"
#include "switch/versions/version_floor.h"
#include "switch/versions/version_folder.h"

#define KEYS_FOLDER "keys"
#define KEYS_ENDING ".csv"

struct beside {
    const char *from, *to; /* folders of the log and of its copy */
    char *reason;
    enum status status; /* of the first fault */
};

/* `name` leads from both folders to the file or folder. */
static void paths_of(const struct beside *beside, const char *name, char source[LOG_PATH_SIZE],
                     char target[LOG_PATH_SIZE])
{
    log_folder_path(source, beside->from, name);
    log_folder_path(target, beside->to, name);
}

static enum status copy_file(const struct beside *beside, const char *name)
{
    char source[LOG_PATH_SIZE], target[LOG_PATH_SIZE];
    paths_of(beside, name, source, target);
    return log_disk_copy(source, target, beside->reason);
}

/* ---- versions ---- */

static enum status copy_files(const struct beside *beside, const struct rule_version *version,
                              const char *folder)
{
    char name[LOG_PATH_SIZE];
    snprintf(name, sizeof(name), "%s/version.json", folder);
    enum status status = copy_file(beside, name);
    for (int i = 0; i < RULE_FILE_COUNT && status == STATUS_OK; i++) {
        if (version->files[i].hash[0] != '\0') {
            snprintf(name, sizeof(name), "%s/%s", folder, rule_file_name((enum rule_file)i));
            status = copy_file(beside, name);
        }
    }
    return status;
}

/* One that the switch removes meanwhile is left out. */
static enum status copy_version(const struct beside *beside, const struct rule_version *version)
{
    char name[32], source[LOG_PATH_SIZE], target[LOG_PATH_SIZE];
    snprintf(name, sizeof(name), "versions/%06u", version->number);
    paths_of(beside, name, source, target);
    enum status status = log_disk_make_folder(target, beside->reason);
    if (status != STATUS_OK) {
        return status;
    }
    status = copy_files(beside, version, name);
    if (status != STATUS_OK && !log_disk_is_there(source)) {
        return version_disk_remove_folder(target) == 0 ? STATUS_OK : status;
    }
    return status == STATUS_OK ? log_disk_sync_folder(target, beside->reason) : status;
}

/* After the segments, so that what their rows name is there; and the highest number last. */
static enum status copy_versions(const struct beside *beside)
{
    char source[LOG_PATH_SIZE], target[LOG_PATH_SIZE];
    struct rule_version *versions;
    uint32_t count;
    enum status status = version_folder_read(beside->from, &versions, &count, beside->reason);
    paths_of(beside, "versions", source, target);
    if (status == STATUS_OK && count > 0) {
        status = log_disk_make_folder(target, beside->reason);
    }
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        status = copy_version(beside, &versions[i]);
    }
    if (status == STATUS_OK && count > 0) {
        status = log_disk_sync_folder(target, beside->reason);
    }
    free(versions);
    paths_of(beside, VERSION_FLOOR_NAME, source, target);
    return status == STATUS_OK && log_disk_is_there(source)
               ? log_disk_copy(source, target, beside->reason)
               : status;
}

/* ---- keys ---- */

/* A file is replaced by renaming, so each is whole; what is being written has another ending. */
static void on_key_file(void *argument, const char *name)
{
    struct beside *beside = argument;
    char path[LOG_PATH_SIZE];
    size_t length = strlen(name), ending = strlen(KEYS_ENDING);
    if (beside->status == STATUS_OK && length > ending &&
        strcmp(name + length - ending, KEYS_ENDING) == 0) {
        snprintf(path, sizeof(path), KEYS_FOLDER "/%.300s", name);
        beside->status = copy_file(beside, path);
    }
}

static enum status copy_keys(struct beside *beside)
{
    char source[LOG_PATH_SIZE], target[LOG_PATH_SIZE];
    paths_of(beside, KEYS_FOLDER, source, target);
    if (!log_disk_is_there(source)) {
        return STATUS_OK; /* no bank has sent one */
    }
    enum status status = log_disk_make_folder(target, beside->reason);
    if (status == STATUS_OK) {
        status = log_disk_list(source, on_key_file, beside, beside->reason);
    }
    status = status == STATUS_OK ? beside->status : status;
    return status == STATUS_OK ? log_disk_sync_folder(target, beside->reason) : status;
}

enum status log_beside_copy(const char *from, const char *to, char reason[LOG_REASON_SIZE])
{
    struct beside beside = {from, to, reason, STATUS_OK};
    enum status status = copy_versions(&beside);
    status = status == STATUS_OK ? copy_keys(&beside) : status;
    return status == STATUS_OK ? log_disk_sync_folder(to, reason) : status;
}
