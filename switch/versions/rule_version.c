/* See rule_version.h. */
#include "switch/versions/rule_version.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const FILE_WORDS[] = {
#define X(name, word, file) word,
    RULE_FILE_MAP(X)
#undef X
};
static const char *const FILE_NAMES[] = {
#define X(name, word, file) file,
    RULE_FILE_MAP(X)
#undef X
};
static const char *const WAY_WORDS[] = {
#define X(name, word, text) word,
    RULE_WAY_MAP(X)
#undef X
};
enum { WAY_COUNT = sizeof(WAY_WORDS) / sizeof(WAY_WORDS[0]) };

const char *rule_file_word(enum rule_file file)
{
    return FILE_WORDS[file];
}

const char *rule_file_name(enum rule_file file)
{
    return FILE_NAMES[file];
}

int rule_file_find(const char *name)
{
    for (int i = 0; i < RULE_FILE_COUNT; i++) {
        if (strcmp(FILE_NAMES[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

const char *rule_way_word(enum rule_way way)
{
    return WAY_WORDS[way];
}

void rule_time_format(char text[RULE_VERSION_TIME_SIZE], int64_t wall_us)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm parts;
    char front[24];
    if (wall_us < 0 || gmtime_r(&seconds, &parts) == NULL ||
        strftime(front, sizeof(front), "%Y-%m-%dT%H:%M:%S", &parts) == 0) {
        snprintf(text, RULE_VERSION_TIME_SIZE, "-");
        return;
    }
    snprintf(text, RULE_VERSION_TIME_SIZE, "%s.%06dZ", front, (int)(wall_us % 1000000));
}

/* ---- writing ---- */

static json_t *files_json(const struct rule_version *version)
{
    json_t *files = json_object();
    for (int i = 0; i < RULE_FILE_COUNT; i++) {
        const struct rule_copy *copy = &version->files[i];
        if (!copy->is_untold) {
            json_object_set_new(files, FILE_NAMES[i],
                                json_pack("{s:s, s:s, s:s}", "sha256", copy->hash, "base_sha256",
                                          copy->base_hash, "named_sha256", copy->named_hash));
        }
    }
    return files;
}

static json_t *besides_json(const struct rule_version *version)
{
    json_t *besides = json_object();
    for (uint32_t i = 0; i < version->beside_count; i++) {
        json_object_set_new(besides, version->besides[i].name,
                            json_string(version->besides[i].hash));
    }
    return besides;
}

json_t *rule_version_json(const struct rule_version *version)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "number",
                     (json_int_t)version->number, "turn", (json_int_t)version->turn, "made_from",
                     (json_int_t)version->made_from, "roll_back_of",
                     (json_int_t)version->roll_back_of, "way", rule_way_word(version->way), "made",
                     version->made, "made_by", version->made_by, "reason", version->reason,
                     "in_force", version->in_force, "in_force_by", version->in_force_by, "files",
                     files_json(version), "read_with", besides_json(version));
}

/* ---- reading ---- */

/* What is being read, and the first fault of it. */
struct version_reader {
    const json_t *object;
    char *reason;
    bool is_faulty;
};

static void fault(struct version_reader *reader, const char *name, const char *expected)
{
    if (!reader->is_faulty) {
        snprintf(reader->reason, RULE_VERSION_REASON_SIZE, "\"%s\": expected %s", name, expected);
    }
    reader->is_faulty = true;
}

static uint32_t number_of(struct version_reader *reader, const char *name, uint32_t min)
{
    const json_t *value = json_object_get(reader->object, name);
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < min || number > UINT32_MAX) {
        fault(reader, name, "a number");
        return 0;
    }
    return (uint32_t)number;
}

static void text_of(struct version_reader *reader, const char *name, char *text, size_t size)
{
    const char *value = json_string_value(json_object_get(reader->object, name));
    if (value == NULL || strlen(value) >= size) {
        fault(reader, name, "a text that is not longer than those written");
        return;
    }
    memcpy(text, value, strlen(value) + 1);
}

static bool is_hash(const char *text)
{
    size_t length = strspn(text, "0123456789abcdef");
    return text[length] == '\0' && (length == 0 || length == RULE_HASH_SIZE - 1);
}

static void hash_of(struct version_reader *reader, const char *name, char hash[RULE_HASH_SIZE])
{
    text_of(reader, name, hash, RULE_HASH_SIZE);
    if (!is_hash(hash)) {
        fault(reader, name, "a SHA-256 in hex");
        hash[0] = '\0';
    }
}

static void files_of(struct version_reader *reader, struct rule_version *version)
{
    const json_t *files = json_object_get(reader->object, "files");
    const json_t *whole = reader->object;
    for (int i = 0; i < RULE_FILE_COUNT; i++) {
        reader->object = json_object_get(files, FILE_NAMES[i]);
        version->files[i].is_untold = reader->object == NULL;
        if (version->files[i].is_untold) {
            continue;
        }
        hash_of(reader, "sha256", version->files[i].hash);
        hash_of(reader, "base_sha256", version->files[i].base_hash);
        hash_of(reader, "named_sha256", version->files[i].named_hash);
    }
    reader->object = whole;
}

static void besides_of(struct version_reader *reader, struct rule_version *version)
{
    json_t *besides = json_object_get(reader->object, "read_with");
    const char *name;
    json_t *value;
    json_object_foreach(besides, name, value)
    {
        const char *hash = json_string_value(value);
        struct rule_beside *beside = &version->besides[version->beside_count];
        if (version->beside_count == RULE_BESIDE_COUNT_MAX || hash == NULL || !is_hash(hash) ||
            strlen(name) >= sizeof(beside->name)) {
            fault(reader, "read_with", "names with a SHA-256 in hex");
            return;
        }
        snprintf(beside->name, sizeof(beside->name), "%s", name);
        snprintf(beside->hash, sizeof(beside->hash), "%s", hash);
        version->beside_count++;
    }
}

static void way_of(struct version_reader *reader, struct rule_version *version)
{
    char word[16] = "";
    text_of(reader, "way", word, sizeof(word));
    for (int i = 0; i < WAY_COUNT; i++) {
        if (strcmp(WAY_WORDS[i], word) == 0) {
            version->way = (enum rule_way)i;
            return;
        }
    }
    fault(reader, "way", "how it was made");
}

enum status rule_version_parse(struct rule_version *version, const char *bytes, size_t length,
                               char reason[RULE_VERSION_REASON_SIZE])
{
    json_error_t where;
    memset(version, 0, sizeof(*version));
    json_t *object = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &where);
    if (object == NULL) {
        snprintf(reason, RULE_VERSION_REASON_SIZE, "line %d: %s", where.line, where.text);
        return STATUS_MALFORMED;
    }
    struct version_reader reader = {object, reason, false};
    version->number = number_of(&reader, "number", 1);
    version->turn = number_of(&reader, "turn", 0);
    version->made_from = number_of(&reader, "made_from", 0);
    version->roll_back_of = number_of(&reader, "roll_back_of", 0);
    way_of(&reader, version);
    text_of(&reader, "made", version->made, sizeof(version->made));
    text_of(&reader, "made_by", version->made_by, sizeof(version->made_by));
    text_of(&reader, "reason", version->reason, sizeof(version->reason));
    text_of(&reader, "in_force", version->in_force, sizeof(version->in_force));
    text_of(&reader, "in_force_by", version->in_force_by, sizeof(version->in_force_by));
    files_of(&reader, version);
    besides_of(&reader, version);
    json_decref(object);
    return reader.is_faulty ? STATUS_MALFORMED : STATUS_OK;
}

/* ---- comparing ---- */

bool rule_version_has_same_files(const struct rule_version *one, const struct rule_version *other)
{
    for (int i = 0; i < RULE_FILE_COUNT; i++) {
        if (strcmp(one->files[i].hash, other->files[i].hash) != 0) {
            return false;
        }
    }
    return true;
}

/* Names stand in the order of the options' table in all versions of one build; another build that
 * brings a table makes another version. */
bool rule_version_is_same(const struct rule_version *one, const struct rule_version *other)
{
    if (one->beside_count != other->beside_count || !rule_version_has_same_files(one, other)) {
        return false;
    }
    for (uint32_t i = 0; i < one->beside_count; i++) {
        if (strcmp(one->besides[i].name, other->besides[i].name) != 0 ||
            strcmp(one->besides[i].hash, other->besides[i].hash) != 0) {
            return false;
        }
    }
    return true;
}

bool rule_version_is_based_on(const struct rule_version *version, const struct rule_version *base)
{
    for (int i = 0; i < RULE_FILE_COUNT; i++) {
        if (strcmp(version->files[i].base_hash, base->files[i].hash) != 0) {
            return false;
        }
    }
    return true;
}
