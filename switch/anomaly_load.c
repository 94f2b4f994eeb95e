/* See anomaly_load.h. */
#include "switch/anomaly_load.h"

#include <stdio.h>

#include "config/file_text.h"
#include "config/yaml_file.h"
#include "routing/name_hash.h"
#include "switch/aftersales/case_read.h"
#include "switch/aftersales/watch_read.h"

#define LINE_SIZE 512

static uint32_t version_of(const struct file_text *text)
{
    uint64_t hash = text->length;
    for (uint32_t i = 0; i < text->length; i++) {
        hash = name_hash_mix(hash ^ (uint8_t)text->bytes[i]) + 1;
    }
    uint32_t version = (uint32_t)(hash >> 32);
    return version == 0 ? 1 : version;
}

static void put_line(struct byte_writer *faults, const char *line)
{
    byte_writer_text(faults, line);
    byte_writer_text(faults, "\n");
}

static bool read_rules(struct watch_rules *rules, const char *path, const struct file_text *text,
                       struct byte_writer *faults)
{
    struct document *document = yaml_file_parse(path, text->bytes, text->length);
    if (document == NULL) {
        put_line(faults, "no memory for the rules of after-sales");
        return false;
    }
    bool is_good = document_fault_count(document) == 0 && watch_rules_read(rules, document);
    for (uint32_t i = 0; i < document_fault_count(document) && i < DOCUMENT_FAULT_COUNT_MAX; i++) {
        put_line(faults, document_fault_text(document, i));
    }
    document_destroy(document);
    return is_good;
}

bool anomaly_load(struct watch_rules *rules, const char *path, struct byte_writer *faults)
{
    struct file_text text;
    char line[LINE_SIZE];
    watch_rules_default(rules);
    if (path[0] == '\0') {
        return true;
    }
    enum status status = file_text_read(&text, path, YAML_FILE_BYTES_MAX);
    if (status != STATUS_OK) {
        snprintf(line, sizeof(line), "%s: cannot be read: %s", path,
                 status == STATUS_NOT_FOUND   ? "no such file, or it may not be opened"
                 : status == STATUS_BAD_VALUE ? "it is longer than 4 MiB"
                                              : status_text(status));
        put_line(faults, line);
        return false;
    }
    rules->version = version_of(&text);
    bool is_good = read_rules(rules, path, &text, faults);
    file_text_free(&text);
    if (!is_good) {
        watch_rules_default(rules);
    }
    return is_good;
}

static bool read_cases(struct case_rules *rules, struct document *document)
{
    struct watch_rules watched;
    watch_rules_default(&watched);
    if (document_fault_count(document) > 0 || !watch_rules_read(&watched, document) ||
        !case_rules_read(rules, document)) {
        return false;
    }
    for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
        rules->follow_ups[i] = watched.items[i].follow;
    }
    return true;
}

bool case_rules_load(struct case_rules *rules, const char *path, struct byte_writer *faults)
{
    case_rules_default(rules);
    if (path[0] == '\0') {
        return true;
    }
    struct document *document = file_text_load_yaml(path);
    if (document == NULL) {
        put_line(faults, "no memory for the rules of cases");
        return false;
    }
    bool is_good = read_cases(rules, document);
    for (uint32_t i = 0; i < document_fault_count(document) && i < DOCUMENT_FAULT_COUNT_MAX; i++) {
        put_line(faults, document_fault_text(document, i));
    }
    document_destroy(document);
    return is_good;
}
