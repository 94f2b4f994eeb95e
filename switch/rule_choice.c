/* See rule_choice.h. */
#include "switch/rule_choice.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/file_text.h"
#include "config/option_table.h"
#include "protocols/base/require.h"

#define LINE_SIZE 1024

/* Where the options name each rule file. */
static char *named_path(struct server_options *options, enum rule_file file)
{
    static const size_t OFFSETS[RULE_FILE_COUNT] = {
#define X(name, word, file) [RULE_FILE_##name] = RULE_OPTION_##name,
#define RULE_OPTION_ROUTES offsetof(struct server_options, routes)
#define RULE_OPTION_FEES offsetof(struct server_options, fees)
#define RULE_OPTION_LIMITS offsetof(struct server_options, limits)
        RULE_FILE_MAP(X)
#undef X
    };
    return (char *)options + OFFSETS[file];
}

static void put_fault(struct byte_writer *faults, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put_fault(struct byte_writer *faults, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    uint32_t length = (uint32_t)strlen(line);
    if (length < byte_writer_room(faults)) {
        byte_writer_put(faults, line, length);
        byte_writer_u8(faults, '\n');
    }
}

/* Both may be of one version. */
static void hash_copy(char to[RULE_HASH_SIZE], const char from[RULE_HASH_SIZE])
{
    memmove(to, from, RULE_HASH_SIZE);
}

/* ---- what is read beside ---- */

static void beside_add(struct rule_choice *choice, const char *name, const char *hash)
{
    struct rule_version *version = &choice->version;
    REQUIRE(version->beside_count < RULE_BESIDE_COUNT_MAX);
    struct rule_beside *beside = &version->besides[version->beside_count++];
    snprintf(beside->name, sizeof(beside->name), "%s", name);
    snprintf(beside->hash, sizeof(beside->hash), "%s", hash);
}

/* Taken first: a change while the file is read shows afterwards. */
static void stamp_add(struct rule_choice *choice, const char *path)
{
    REQUIRE(choice->stamp_count < RULE_STAMP_COUNT_MAX);
    struct rule_stamp *stamp = &choice->stamps[choice->stamp_count];
    snprintf(stamp->path, sizeof(stamp->path), "%s", path);
    if (path[0] == '\0') {
        return;
    }
    if (stat(path, &stamp->about) != 0) {
        stamp->about = (struct stat){0}; /* absent: it must not come meanwhile either */
    }
    choice->stamp_count++;
}

static void beside_add_file(struct rule_choice *choice, const char *name, const char *path)
{
    char hash[RULE_HASH_SIZE];
    stamp_add(choice, path);
    rule_hash_file(path, hash);
    beside_add(choice, name, hash);
}

/* Whether the option names a file that a reload reads and rules are made of, other than a rule
 * file. Message specs decide nothing here, and what the key file holds nobody else may learn, not
 * even by its hash. */
static bool is_read_beside(const struct option_row *row)
{
    static const char *const OTHERS[] = {"tables.keys", "specs",
#define X(name, word, file) word,
                                         RULE_FILE_MAP(X)
#undef X
    };
    bool is_other =
        row->scope != OPTION_SERVER || row->shape != OPTION_FILE_PATH || !row->may_change_live;
    for (size_t i = 0; i < sizeof(OTHERS) / sizeof(OTHERS[0]); i++) {
        is_other = is_other || strcmp(row->path, OTHERS[i]) == 0;
    }
    return !is_other;
}

/* Tables, the configuration and what the command line changes of it. */
static void besides_add(struct rule_choice *choice, const struct server_options *options,
                        const char *const *overrides, uint32_t override_count)
{
    char hash[RULE_HASH_SIZE] = "";
    char joined[2 * RULE_HASH_SIZE];
    beside_add_file(choice, "tillway.yaml", options->path);
    for (uint32_t i = 0; i < override_count; i++) {
        char one[RULE_HASH_SIZE];
        rule_hash(overrides[i], strlen(overrides[i]), one);
        snprintf(joined, sizeof(joined), "%s%s", hash, one);
        rule_hash(joined, strlen(joined), hash);
    }
    beside_add(choice, "--set", hash);
    for (uint32_t i = 0; i < option_table_count(); i++) {
        const struct option_row *row = option_table_at(i);
        if (is_read_beside(row)) {
            beside_add_file(choice, row->path, (const char *)options + row->offset);
        }
    }
}

/* ---- the rule files ---- */

static bool content_set(struct rule_choice *choice, enum rule_file file, const char *bytes,
                        uint32_t length)
{
    char *copy = malloc(length + 1u);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, bytes, length);
    copy[length] = '\0';
    choice->contents[file].bytes = copy;
    choice->contents[file].length = length;
    rule_hash(copy, length, choice->version.files[file].hash);
    return true;
}

/* The copy of a version. */
static bool take_copy(struct rule_choice *choice, const struct rule_version *version,
                      enum rule_file file, char *path, struct byte_writer *faults)
{
    char reason[RULE_VERSION_REASON_SIZE];
    if (version->files[file].hash[0] == '\0') {
        path[0] = '\0'; /* it has none; one that is named since then waits for a reload */
        return true;
    }
    if (version_folder_copy(choice->folder, version, file, &choice->contents[file].bytes,
                            &choice->contents[file].length, reason) != STATUS_OK) {
        put_fault(faults, "%s", reason);
        return false;
    }
    char copy[VERSION_PATH_SIZE];
    hash_copy(choice->version.files[file].hash, version->files[file].hash);
    version_folder_copy_path(choice->folder, version->number, file, copy);
    snprintf(path, OPTION_PATH_SIZE, "%.*s", OPTION_PATH_SIZE - 1, copy);
    return strlen(copy) < OPTION_PATH_SIZE;
}

/* Whether the copy of the version in force counts, or that it has none, since the file that is
 * named says what it said then. A version that does not speak of such a file has left the named one
 * in force. */
static bool copy_counts(const struct rule_choice *choice, enum rule_file file, const char *named)
{
    const struct rule_copy *copy = &choice->before.files[file];
    bool is_there = choice->before.number > 0 && !copy->is_untold;
    bool is_unchanged = strcmp(copy->named_hash, named) == 0;
    return is_there && strcmp(copy->hash, named) != 0 && (is_unchanged || choice->is_by_two);
}

/* The file of the configuration, or the copy in force. A file that cannot be read makes no version,
 * which would be one without a copy. */
static bool choose_file(struct rule_choice *choice, enum rule_file file, char *path,
                        struct byte_writer *faults)
{
    struct file_text text = {0};
    struct rule_copy *copy = &choice->version.files[file];
    stamp_add(choice, path);
    if (path[0] != '\0' && file_text_read(&text, path, VERSION_FILE_BYTES_MAX) == STATUS_OK) {
        rule_hash(text.bytes, text.length, copy->named_hash);
    }
    bool is_good = true;
    if (copy_counts(choice, file, copy->named_hash)) {
        choice->is_ignored[file] =
            strcmp(choice->before.files[file].named_hash, copy->named_hash) != 0;
        is_good = take_copy(choice, &choice->before, file, path, faults);
    } else if (text.bytes != NULL) {
        is_good = content_set(choice, file, text.bytes, text.length);
    } else if (path[0] != '\0') {
        put_fault(faults, "%s: %s: cannot be read; bring it back, at most %u bytes long",
                  rule_file_word(file), path, VERSION_FILE_BYTES_MAX);
        is_good = false;
    }
    file_text_free(&text);
    if (choice->is_ignored[file]) { /* once files count again, that change counts */
        hash_copy(copy->named_hash, choice->before.files[file].named_hash);
    }
    return is_good;
}

/* A change of the named file that is pending goes on to count, but for a file that the version
 * changes itself: that is the later change. */
static bool choose_version(struct rule_choice *choice, enum rule_file file, char *path,
                           struct byte_writer *faults)
{
    char named[RULE_HASH_SIZE];
    const struct rule_copy *before = &choice->before.files[file];
    struct rule_copy *copy = &choice->version.files[file];
    hash_copy(copy->named_hash, before->named_hash);
    copy->is_untold = false; /* what it was made from is in force, and tells that there is none */
    if (strcmp(copy->hash, before->hash) != 0) {
        rule_hash_file(path, named);
        if (named[0] != '\0') {
            hash_copy(copy->named_hash, named);
        }
    }
    return take_copy(choice, &choice->version, file, path, faults);
}

/* Lies in the folder of what is being made, for whoever reads the rules. */
static bool choose_proposed(struct rule_choice *choice, enum rule_file file, char *path,
                            struct byte_writer *faults)
{
    char reason[RULE_VERSION_REASON_SIZE];
    if (choice->proposed[file].is_none) {
        path[0] = '\0';
        return true;
    }
    if (choice->proposed[file].bytes == NULL) {
        return take_copy(choice, &choice->before, file, path, faults);
    }
    char stage[VERSION_PATH_SIZE];
    version_folder_stage_path(choice->folder, file, stage);
    if (!content_set(choice, file, choice->proposed[file].bytes, choice->proposed[file].length) ||
        version_folder_stage_file(choice->folder, file, choice->contents[file].bytes,
                                  choice->contents[file].length, &choice->version,
                                  reason) != STATUS_OK) {
        put_fault(faults, "%s", choice->contents[file].bytes == NULL ? "no memory" : reason);
        return false;
    }
    snprintf(path, OPTION_PATH_SIZE, "%.*s", OPTION_PATH_SIZE - 1, stage);
    return strlen(stage) < OPTION_PATH_SIZE;
}

/* ---- the whole ---- */

static void stamp_maker(struct rule_choice *choice)
{
    struct rule_version *version = &choice->version;
    version->way = choice->way;
    version->made_from = choice->before.number;
    rule_time_format(version->made, choice->wall_us);
    snprintf(version->made_by, sizeof(version->made_by), "%s", choice->by);
    snprintf(version->reason, sizeof(version->reason), "%s", choice->reason);
    for (int i = 0; i < RULE_FILE_COUNT; i++) {
        hash_copy(version->files[i].base_hash, choice->before.files[i].hash);
    }
}

static bool begin_version(struct rule_choice *choice, struct byte_writer *faults)
{
    const struct rule_version *in_force = version_folder_in_force(choice->folder);
    const struct rule_version *asked = version_folder_find(choice->folder, choice->number);
    char reason[RULE_VERSION_REASON_SIZE];
    choice->before = in_force != NULL ? *in_force : (struct rule_version){.number = 0};
    if (choice->kind == RULE_CHOICE_VERSION) {
        REQUIRE(asked != NULL);
        choice->version = *asked;
        choice->version.beside_count = 0;
        return true;
    }
    stamp_maker(choice);
    choice->version.number = version_folder_next(choice->folder);
    if (choice->version.number == 0) {
        put_fault(faults, "versions: %u were made, and there are no more numbers",
                  RULE_VERSION_NUMBER_MAX);
        return false;
    }
    if (choice->kind == RULE_CHOICE_PROPOSAL &&
        version_folder_stage(choice->folder, reason) != STATUS_OK) {
        put_fault(faults, "%s", reason);
        return false;
    }
    return true;
}

bool rule_choice_begin(struct rule_choice *choice, struct server_options *options,
                       const char *const *overrides, uint32_t override_count,
                       struct byte_writer *faults)
{
    static bool (*const CHOOSE[])(struct rule_choice *, enum rule_file, char *,
                                  struct byte_writer *) = {
        [RULE_CHOICE_FILES] = choose_file,
        [RULE_CHOICE_VERSION] = choose_version,
        [RULE_CHOICE_PROPOSAL] = choose_proposed,
    };
    if (!begin_version(choice, faults)) {
        return false;
    }
    besides_add(choice, options, overrides, override_count);
    bool is_good = true;
    for (int i = 0; i < RULE_FILE_COUNT; i++) {
        char *path = named_path(options, (enum rule_file)i);
        is_good = CHOOSE[choice->kind](choice, (enum rule_file)i, path, faults) && is_good;
    }
    if (choice->kind == RULE_CHOICE_FILES && choice->before.number > 0 &&
        rule_version_is_same(&choice->version, &choice->before)) {
        choice->version.number = choice->before.number;
    }
    return is_good;
}

static bool stamp_is_still(const struct rule_stamp *stamp)
{
    struct stat about;
    const struct stat *was = &stamp->about;
    if (stat(stamp->path, &about) != 0) {
        return was->st_ino == 0;
    }
    return about.st_ino == was->st_ino && about.st_size == was->st_size &&
           about.st_mtim.tv_sec == was->st_mtim.tv_sec &&
           about.st_mtim.tv_nsec == was->st_mtim.tv_nsec;
}

bool rule_choice_is_still(const struct rule_choice *choice, struct byte_writer *faults)
{
    bool is_still = true;
    for (uint32_t i = 0; i < choice->stamp_count; i++) {
        if (!stamp_is_still(&choice->stamps[i])) {
            put_fault(faults, "%s: it was changed while it was read; ask for a reload again",
                      choice->stamps[i].path);
            is_still = false;
        }
    }
    return is_still;
}

/* ---- keeping ---- */

static void stamp_in_force(struct rule_choice *choice)
{
    struct rule_version *version = &choice->version;
    version->turn = choice->before.turn + 1;
    rule_time_format(version->in_force, choice->wall_us);
    snprintf(version->in_force_by, sizeof(version->in_force_by), "%s", choice->by);
}

/* Nothing that decides differs. What the named files hold is noted, since a later change is told by
 * it. */
static enum rule_kept keep_same(struct rule_choice *choice, char *reason)
{
    struct rule_version noted = choice->before;
    bool is_noted = true;
    for (int i = 0; i < RULE_FILE_COUNT; i++) {
        const char *named = choice->version.files[i].named_hash;
        is_noted =
            is_noted && strcmp(noted.files[i].named_hash, named) == 0 && !noted.files[i].is_untold;
        noted.files[i].is_untold = false;
        hash_copy(noted.files[i].named_hash, named);
    }
    choice->version = noted;
    return is_noted || version_folder_rewrite(choice->folder, &noted, reason) == STATUS_OK
               ? RULE_KEPT_SAME
               : RULE_KEPT_FAILED;
}

static bool stage_all(struct rule_choice *choice, char *reason)
{
    bool is_good = choice->kind == RULE_CHOICE_PROPOSAL ||
                   version_folder_stage(choice->folder, reason) == STATUS_OK;
    for (int i = 0; i < RULE_FILE_COUNT && is_good; i++) {
        if (choice->contents[i].bytes != NULL) {
            is_good = version_folder_stage_file(
                          choice->folder, (enum rule_file)i, choice->contents[i].bytes,
                          choice->contents[i].length, &choice->version, reason) == STATUS_OK;
        }
    }
    return is_good;
}

enum rule_kept rule_choice_keep(struct rule_choice *choice, bool is_proposal,
                                char reason[RULE_VERSION_REASON_SIZE])
{
    if (choice->kind == RULE_CHOICE_VERSION) {
        stamp_in_force(choice);
        return version_folder_rewrite(choice->folder, &choice->version, reason) == STATUS_OK
                   ? RULE_KEPT_MOVED
                   : RULE_KEPT_FAILED;
    }
    if (choice->version.number == choice->before.number) {
        return keep_same(choice, reason);
    }
    if (!is_proposal) {
        stamp_in_force(choice);
    }
    if (!stage_all(choice, reason)) {
        version_folder_stage_drop(choice->folder);
        return RULE_KEPT_FAILED;
    }
    return version_folder_keep(choice->folder, &choice->version, reason) == STATUS_OK
               ? RULE_KEPT_FRESH
               : RULE_KEPT_FAILED;
}

bool rule_choice_undo(struct rule_choice *choice, enum rule_kept kept,
                      char reason[RULE_VERSION_REASON_SIZE])
{
    if (kept == RULE_KEPT_FRESH) {
        return version_folder_remove(choice->folder, choice->version.number, reason) == STATUS_OK;
    }
    if (kept == RULE_KEPT_MOVED) {
        struct rule_version version = choice->version;
        version.turn = 0;
        version.in_force[0] = '\0';
        version.in_force_by[0] = '\0';
        return version_folder_rewrite(choice->folder, &version, reason) == STATUS_OK;
    }
    return true;
}

void rule_choice_end(struct rule_choice *choice)
{
    for (int i = 0; i < RULE_FILE_COUNT; i++) {
        free(choice->contents[i].bytes);
        choice->contents[i].bytes = NULL;
    }
}

void rule_choice_describe(const struct rule_choice *choice, char *text, size_t size)
{
    size_t length = 0;
    text[0] = '\0';
    for (int i = 0; i < RULE_FILE_COUNT; i++) {
        bool differs = strcmp(choice->version.files[i].hash, choice->before.files[i].hash) != 0;
        if (differs && length < size) {
            length += (size_t)snprintf(text + length, size - length, "%s%s", length > 0 ? ", " : "",
                                       rule_file_name((enum rule_file)i));
        }
    }
    if (length == 0) {
        snprintf(text, size, "no rule file");
    }
    length = strlen(text);
    snprintf(text + length, size - length, " changed");
}
