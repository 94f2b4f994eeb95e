/* See version_list.h. */
#include "switch/admin/version_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/file_text.h"
#include "protocols/base/digits.h"

#define NUMBER_DIGITS_MAX 6

int64_t version_list_number(const char *text, bool may_be_zero)
{
    uint64_t number;
    size_t length = strlen(text);
    struct number_range range = {may_be_zero ? 0 : 1, RULE_VERSION_NUMBER_MAX};
    return length > NUMBER_DIGITS_MAX ||
                   digits_parse(&number, text, (uint32_t)length, range) != STATUS_OK
               ? -1
               : (int64_t)number;
}

/* X(NAME, word): where a version stands. */
static const char *state_of(const struct rule_version *version, const struct rule_version *in_force)
{
    if (version->turn > 0) {
        return version == in_force ? "in force" : "before";
    }
    return in_force != NULL && rule_version_is_based_on(version, in_force) ? "proposed"
                                                                           : "outdated";
}

static json_t *changed_json(const struct rule_version *version)
{
    json_t *changed = json_array();
    for (int i = 0; i < RULE_FILE_COUNT; i++) {
        if (strcmp(version->files[i].hash, version->files[i].base_hash) != 0) {
            json_array_append_new(changed, json_string(rule_file_name((enum rule_file)i)));
        }
    }
    return changed;
}

/* The copy counts as long as it is not what the file of the configuration was. */
static json_t *source_json(const struct rule_version *version)
{
    json_t *source = json_object();
    for (int i = 0; i < RULE_FILE_COUNT; i++) {
        const struct rule_copy *copy = &version->files[i];
        json_object_set_new(source, rule_file_name((enum rule_file)i),
                            json_string(copy->hash[0] == '\0' ? "none"
                                        : strcmp(copy->hash, copy->named_hash) == 0
                                            ? "as the configuration's file"
                                            : "this version's copy"));
    }
    return source;
}

static json_t *version_json(const struct rule_version *version, const struct rule_version *in_force)
{
    json_t *object = rule_version_json(version);
    if (object != NULL) {
        json_object_set_new(object, "state", json_string(state_of(version, in_force)));
        json_object_set_new(object, "changed", changed_json(version));
        json_object_set_new(object, "source", source_json(version));
    }
    return object;
}

static json_t *list_json(const struct rule_version *versions, uint32_t count)
{
    const struct rule_version *in_force = version_folder_latest(versions, count);
    json_t *items = json_array();
    for (uint32_t i = count; i > 0; i--) {
        json_array_append_new(items, version_json(&versions[i - 1], in_force));
    }
    return json_pack("{s:I, s:o}", "in_force",
                     (json_int_t)(in_force == NULL ? 0 : in_force->number), "items", items);
}

/* The text of one file, and whether it still is what the version says. */
static void serve_file(const struct call *call, const struct rule_version *version,
                       const char *name, struct answer *answer)
{
    char path[VERSION_PATH_SIZE];
    char hash[RULE_HASH_SIZE];
    struct file_text text;
    int file = rule_file_find(name);
    if (file < 0) {
        answer_problem(answer, 400, "file: expected one of these:" RULE_FILE_NAMES);
        return;
    }
    if (!version_folder_path(call->log, version->number, name, path) ||
        file_text_read(&text, path, VERSION_FILE_BYTES_MAX) != STATUS_OK) {
        answer_problem(answer, 404, "that version has no such file");
        return;
    }
    rule_hash(text.bytes, text.length, hash);
    answer_json(answer, 200,
                json_pack("{s:I, s:s, s:s, s:b, s:o}", "number", (json_int_t)version->number,
                          "name", name, "sha256", hash, "is_whole",
                          strcmp(hash, version->files[file].hash) == 0, "text",
                          json_stringn(text.bytes, text.length)));
    file_text_free(&text);
}

static const struct rule_version *find(const struct rule_version *versions, uint32_t count,
                                       int64_t number)
{
    for (uint32_t i = 0; i < count; i++) {
        if (versions[i].number == number) {
            return &versions[i];
        }
    }
    return NULL;
}

static void serve_one(const struct call *call, const struct rule_version *versions, uint32_t count,
                      struct answer *answer)
{
    const struct rule_version *version =
        find(versions, count, version_list_number(call->parameter, false));
    const char *file = call->option(call->connection, "file");
    if (version == NULL) {
        answer_problem(answer, 404, "there is no version of that number");
    } else if (file != NULL) {
        serve_file(call, version, file, answer);
    } else {
        answer_json(answer, 200, version_json(version, version_folder_latest(versions, count)));
    }
}

void version_list_serve(const struct call *call, struct answer *answer)
{
    char reason[RULE_VERSION_REASON_SIZE];
    struct rule_version *versions;
    uint32_t count;
    if (version_folder_read(call->log, &versions, &count, reason) != STATUS_OK) {
        answer_problem(answer, 503, reason);
        return;
    }
    if (call->endpoint == ENDPOINT_VERSION_LIST) {
        answer_json(answer, 200, list_json(versions, count));
    } else {
        serve_one(call, versions, count, answer);
    }
    free(versions);
}

/* One file of the text; what does not fit is cut. */
static void change_add(char *text, size_t size, const char *name, const char *const hashes[2])
{
    size_t length = strlen(text);
    if (strcmp(hashes[0], hashes[1]) != 0) {
        snprintf(text + length, size - length, "%s%s %s -> %s", length > 0 ? ", " : "", name,
                 hashes[0], hashes[1]);
    }
}

bool version_list_changes(const char *store_folder, uint32_t number, char *text, size_t size)
{
    char reason[RULE_VERSION_REASON_SIZE];
    struct rule_version *versions;
    uint32_t count;
    text[0] = '\0';
    if (version_folder_read(store_folder, &versions, &count, reason) != STATUS_OK) {
        return false;
    }
    const struct rule_version *version = find(versions, count, number);
    for (int i = 0; i < RULE_FILE_COUNT && version != NULL; i++) {
        const struct rule_copy *copy = &version->files[i];
        change_add(text, size, rule_file_name((enum rule_file)i),
                   (const char *const[2]){copy->base_hash, copy->hash});
    }
    free(versions);
    return version != NULL;
}

bool version_list_way_back(const char *store_folder, uint32_t number, char *text, size_t size)
{
    char reason[RULE_VERSION_REASON_SIZE];
    struct rule_version *versions;
    uint32_t count;
    text[0] = '\0';
    if (version_folder_read(store_folder, &versions, &count, reason) != STATUS_OK) {
        return false;
    }
    const struct rule_version *in_force = version_folder_latest(versions, count);
    const struct rule_version *earlier =
        number == 0 ? version_folder_previous(versions, count) : find(versions, count, number);
    bool are_there = in_force != NULL && earlier != NULL;
    for (int i = 0; i < RULE_FILE_COUNT && are_there; i++) {
        change_add(text, size, rule_file_name((enum rule_file)i),
                   (const char *const[2]){in_force->files[i].hash, earlier->files[i].hash});
    }
    free(versions);
    return are_there;
}
