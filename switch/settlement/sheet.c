/* See sheet.h. */
#include "switch/settlement/sheet.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0640
#define FOLDER_MODE 0750
#define ENDING ".csv"
#define TEMPORARY_ENDING ".tmp"

static enum status fault(const struct sheet_set *set, const char *path, const char *what)
{
    snprintf(set->reason, SHEET_REASON_SIZE, "%s: %s: %s", path, what, strerror(errno));
    return STATUS_BROKEN;
}

static void final_path(const struct sheet_set *set, const char *name,
                       char path[SHEET_PATH_SIZE + SHEET_NAME_SIZE + 8])
{
    snprintf(path, SHEET_PATH_SIZE + SHEET_NAME_SIZE + 8, "%s/%s", set->folder, name);
}

static void temporary_path(const struct sheet_set *set, const char *name,
                           char path[SHEET_PATH_SIZE + SHEET_NAME_SIZE + 8])
{
    snprintf(path, SHEET_PATH_SIZE + SHEET_NAME_SIZE + 8, "%s/.%s" TEMPORARY_ENDING, set->folder,
             name);
}

static enum status sync_folder(const struct sheet_set *set, const char *folder)
{
    int opened = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_synced = opened >= 0 && fsync(opened) == 0;
    enum status status = is_synced ? STATUS_OK : fault(set, folder, "cannot be synced");
    if (opened >= 0) {
        close(opened);
    }
    return status;
}

enum status sheet_set_open(struct sheet_set *set, const char *parent, const char *name,
                           char *reason)
{
    *set = (struct sheet_set){.reason = reason};
    int length = snprintf(set->folder, sizeof(set->folder), "%s/%s", parent, name);
    if (length < 0 || length >= (int)sizeof(set->folder)) {
        errno = ENAMETOOLONG;
        return fault(set, parent, "the folder cannot be used");
    }
    if (mkdir(set->folder, FOLDER_MODE) != 0 && errno != EEXIST) {
        return fault(set, set->folder,
                     "the folder cannot be made; the one it lies in must be "
                     "there and writable");
    }
    if (access(set->folder, W_OK | X_OK) != 0) {
        return fault(set, set->folder, "the folder cannot be written into");
    }
    return sync_folder(set, parent);
}

/* --- one sheet ---------------------------------------------------------------------------- */

static bool name_make(char name[SHEET_NAME_SIZE], const char *kind, const char *id)
{
    int length = snprintf(name, SHEET_NAME_SIZE, "%s%s", kind, id == NULL ? "" : "-");
    for (const char *at = id; at != NULL && *at != '\0' && length < SHEET_NAME_SIZE; at++) {
        bool is_plain = isalnum((unsigned char)*at) || *at == '_' || *at == '-';
        length += snprintf(name + length, (size_t)(SHEET_NAME_SIZE - length),
                           is_plain ? "%c" : "%%%02X", (unsigned char)*at);
    }
    length += snprintf(name + (length < SHEET_NAME_SIZE ? length : 0),
                       length < SHEET_NAME_SIZE ? (size_t)(SHEET_NAME_SIZE - length) : 0, ENDING);
    return length < SHEET_NAME_SIZE;
}

static bool remember(struct sheet_set *set, const char name[SHEET_NAME_SIZE])
{
    if (set->count == set->room) {
        uint32_t room = set->room == 0 ? 64 : 2 * set->room;
        void *names = realloc(set->names, (size_t)room * SHEET_NAME_SIZE);
        if (names == NULL) {
            return false;
        }
        set->names = names;
        set->room = room;
    }
    memcpy(set->names[set->count++], name, SHEET_NAME_SIZE);
    return true;
}

enum status sheet_begin(struct sheet_set *set, struct sheet *sheet, const char *kind,
                        const char *id)
{
    char name[SHEET_NAME_SIZE] = "";
    *sheet = (struct sheet){.set = set};
    if (!name_make(name, kind, id) || !remember(set, name)) {
        errno = ENOMEM;
        return fault(set, kind, "a sheet cannot be begun");
    }
    temporary_path(set, name, sheet->path);
    int opened = open(sheet->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    sheet->to = opened < 0 ? NULL : fdopen(opened, "w");
    return sheet->to != NULL ? STATUS_OK : fault(set, sheet->path, "cannot be written");
}

static void separate(struct sheet *sheet)
{
    if (sheet->is_begun) {
        fputc(',', sheet->to);
    }
    sheet->is_begun = true;
}

/* Ids come from terminals: what means something in CSV is quoted. */
void sheet_put_text(struct sheet *sheet, const char *text)
{
    separate(sheet);
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, sheet->to);
        return;
    }
    fputc('"', sheet->to);
    for (; *text != '\0'; text++) {
        fputs(*text == '"' ? "\"" : "", sheet->to);
        fputc(*text, sheet->to);
    }
    fputc('"', sheet->to);
}

void sheet_put_number(struct sheet *sheet, int64_t number)
{
    separate(sheet);
    fprintf(sheet->to, "%lld", (long long)number);
}

void sheet_end_line(struct sheet *sheet)
{
    fputs("\r\n", sheet->to);
    sheet->is_begun = false;
}

enum status sheet_end(struct sheet *sheet)
{
    bool is_good =
        ferror(sheet->to) == 0 && fflush(sheet->to) == 0 && fsync(fileno(sheet->to)) == 0;
    int failed = errno;
    is_good = fclose(sheet->to) == 0 && is_good;
    errno = is_good || failed != 0 ? failed : errno;
    return is_good ? STATUS_OK : fault(sheet->set, sheet->path, "cannot be written");
}

/* --- all of them -------------------------------------------------------------------------- */

static int compare_names(const void *left, const void *right)
{
    return strcmp(left, right);
}

static bool has_name(const struct sheet_set *set, const char *name)
{
    char wanted[SHEET_NAME_SIZE] = "";
    if (strlen(name) >= sizeof(wanted)) {
        return false;
    }
    memcpy(wanted, name, strlen(name) + 1);
    return bsearch(wanted, set->names, set->count, SHEET_NAME_SIZE, compare_names) != NULL;
}

/* Whether an earlier run made it: nobody else's files are touched. */
static bool is_ours(const char *name)
{
    static const char *const kinds[] = {"merchant-", "channel-"};
    size_t length = strlen(name);
    const char *kind = name[0] == '.' ? name + 1 : name;
    const char *ending = name[0] == '.' ? ENDING TEMPORARY_ENDING : ENDING;
    bool has_kind = false;
    for (uint32_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        has_kind = has_kind || strncmp(kind, kinds[i], strlen(kinds[i])) == 0;
    }
    return has_kind && length > strlen(ending) &&
           strcmp(name + length - strlen(ending), ending) == 0;
}

static enum status remove_stale(struct sheet_set *set)
{
    DIR *listing = opendir(set->folder);
    if (listing == NULL) {
        return fault(set, set->folder, "cannot be listed");
    }
    const struct dirent *entry;
    enum status status = STATUS_OK;
    qsort(set->names, set->count, SHEET_NAME_SIZE, compare_names);
    while (status == STATUS_OK && (entry = readdir(listing)) != NULL) {
        char path[SHEET_PATH_SIZE + 264];
        snprintf(path, sizeof(path), "%s/%s", set->folder, entry->d_name);
        if (is_ours(entry->d_name) && !has_name(set, entry->d_name) && unlink(path) != 0) {
            status = fault(set, path, "an earlier sheet cannot be removed");
        }
    }
    closedir(listing);
    return status;
}

static enum status rename_one(struct sheet_set *set, const char *name)
{
    char from[SHEET_PATH_SIZE + SHEET_NAME_SIZE + 8];
    char to[SHEET_PATH_SIZE + SHEET_NAME_SIZE + 8];
    temporary_path(set, name, from);
    final_path(set, name, to);
    return rename(from, to) == 0 ? STATUS_OK : fault(set, to, "cannot be renamed into place");
}

static void set_close(struct sheet_set *set)
{
    free(set->names);
    set->names = NULL;
    set->count = set->room = 0;
}

enum status sheet_set_commit(struct sheet_set *set, const char *last)
{
    char path[SHEET_PATH_SIZE + SHEET_NAME_SIZE + 8];
    final_path(set, last, path);
    enum status status = unlink(path) == 0 || errno == ENOENT
                             ? sync_folder(set, set->folder)
                             : fault(set, path, "that of an earlier run cannot be removed");
    for (uint32_t i = 0; status == STATUS_OK && i < set->count; i++) {
        if (strcmp(set->names[i], last) != 0) {
            status = rename_one(set, set->names[i]);
        }
    }
    if (status == STATUS_OK) {
        status = remove_stale(set);
    }
    if (status == STATUS_OK) {
        status = sync_folder(set, set->folder);
    }
    if (status == STATUS_OK) {
        status = rename_one(set, last);
    }
    if (status == STATUS_OK) {
        status = sync_folder(set, set->folder);
    }
    set_close(set);
    return status;
}

void sheet_set_abandon(struct sheet_set *set)
{
    for (uint32_t i = 0; i < set->count; i++) {
        char path[SHEET_PATH_SIZE + SHEET_NAME_SIZE + 8];
        temporary_path(set, set->names[i], path);
        unlink(path);
    }
    rmdir(set->folder); /* stays where an earlier run's sheets lie in it */
    set_close(set);
}
