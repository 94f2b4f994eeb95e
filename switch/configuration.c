/* See configuration.h. */
#include "switch/configuration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/file_text.h"
#include "config/option_table.h"
#include "protocols/base/require.h"
#include "switch/anomaly_load.h"
#include "switch/net/loop.h"
#include "switch/ruleset_load.h"

static const char NO_MEMORY[] = "no memory for the configuration\n";

static void put_faults(struct byte_writer *faults, const struct document *document)
{
    uint32_t count = document_fault_count(document);
    uint32_t shown = count < DOCUMENT_FAULT_COUNT_MAX ? count : DOCUMENT_FAULT_COUNT_MAX;
    for (uint32_t i = 0; i < shown; i++) {
        byte_writer_text(faults, document_fault_text(document, i));
        byte_writer_text(faults, "\n");
    }
}

static struct server_options *options_load(const struct configuration_source *source,
                                           struct byte_writer *faults)
{
    struct document *document = file_text_load_yaml(source->path);
    if (document == NULL) {
        byte_writer_text(faults, NO_MEMORY);
        return NULL;
    }
    bool is_good = document_fault_count(document) == 0;
    for (uint32_t i = 0; is_good && i < source->override_count; i++) {
        is_good = server_options_override(document, source->overrides[i]) == STATUS_OK;
    }
    struct server_options *options = is_good ? server_options_load(document) : NULL;
    put_faults(faults, document);
    document_destroy(document);
    return options;
}

static struct dialect *dialect_load(const char *path, struct byte_writer *faults)
{
    struct document *document = file_text_load_yaml(path);
    struct dialect *dialect = NULL;
    if (document != NULL && document_fault_count(document) == 0) {
        dialect = dialect_compile(document);
    }
    if (document != NULL) {
        put_faults(faults, document);
        document_destroy(document);
    }
    return dialect;
}

/* The edition in force where the file says the same; else a new one. */
static struct edition *edition_load(const struct configuration *before, const char *name,
                                    const char *path, struct byte_writer *faults)
{
    uint8_t hash[EDITION_HASH_BYTES] = {0};
    struct edition *running = before == NULL ? NULL : configuration_edition(before, name);
    bool has_hash = file_hash(path, hash) == STATUS_OK;
    if (has_hash && running != NULL && edition_is_of(running, hash)) {
        return edition_hold(running);
    }
    struct dialect *dialect = dialect_load(path, faults);
    if (dialect != NULL && strcmp(dialect_name(dialect), name) != 0) {
        char line[OPTION_PATH_SIZE + 160];
        snprintf(line, sizeof(line),
                 "%s: name: expected \"%s\", as the file is called, got \"%s\"\n", path, name,
                 dialect_name(dialect));
        byte_writer_text(faults, line);
        dialect_destroy(dialect);
        return NULL;
    }
    return dialect == NULL ? NULL : edition_create(dialect, hash);
}

static bool dialect_add(struct configuration *configuration, const struct configuration *before,
                        const char *name, struct byte_writer *faults)
{
    char path[OPTION_PATH_SIZE + OPTION_DIALECT_SIZE + 8];
    if (configuration_edition(configuration, name) != NULL) {
        return true;
    }
    if (configuration->edition_count == CONFIGURATION_DIALECT_COUNT_MAX) {
        byte_writer_text(faults, "more dialects than fit\n");
        return false;
    }
    snprintf(path, sizeof(path), "%s/%s.yaml", configuration->options->specs, name);
    struct edition *edition = edition_load(before, name, path, faults);
    if (edition != NULL) {
        configuration->editions[configuration->edition_count++] = edition;
    }
    return edition != NULL;
}

static bool dialects_load(struct configuration *configuration, const struct configuration *before,
                          struct byte_writer *faults)
{
    const struct server_options *options = configuration->options;
    bool is_good = true;
    for (uint32_t i = 0; i < options->listener_count; i++) {
        is_good =
            dialect_add(configuration, before, options->listeners[i].dialect, faults) && is_good;
    }
    for (uint32_t i = 0; i < options->channel_count; i++) {
        if (!options->channels[i].wallet.is_on) {
            is_good =
                dialect_add(configuration, before, options->channels[i].dialect, faults) && is_good;
        }
    }
    return is_good;
}

/* What options say of a dialect that has just been read: institutions of its header. */
static bool headers_are_good(const struct configuration *configuration, struct byte_writer *faults)
{
    const struct server_options *options = configuration->options;
    bool are_good = true;
    for (uint32_t i = 0; i < options->channel_count; i++) {
        const struct channel_options *channel = &options->channels[i];
        struct edition *edition =
            channel->wallet.is_on ? NULL : configuration_edition(configuration, channel->dialect);
        const struct dialect_header_ids ids = {channel->header.source, channel->header.destination};
        struct dialect_header header;
        char reason[DIALECT_HEADER_REASON_SIZE], line[OPTION_PATH_SIZE + 200];
        if (edition == NULL || dialect_header(edition_dialect(edition), &ids, &header, reason)) {
            continue;
        }
        snprintf(line, sizeof(line), "%s:%u: channel %s: %s\n", options->path, channel->line,
                 channel->name, reason);
        byte_writer_text(faults, line);
        are_good = false;
    }
    return are_good;
}

/* The exclusive or of the hashes, each told apart by its option's place in the table. */
static void channel_files_hash(const struct channel_options *channel, uint8_t sum[FILE_HASH_BYTES])
{
    for (uint32_t i = 0; i < option_table_count(); i++) {
        const struct option_row *row = option_table_at(i);
        const char *path = (const char *)channel + row->offset;
        uint8_t hash[FILE_HASH_BYTES];
        if (row->scope != OPTION_CHANNEL || row->shape != OPTION_FILE_PATH || path[0] == '\0' ||
            file_hash(path, hash) != STATUS_OK) {
            continue; /* that it cannot be read is told by who needs it */
        }
        for (uint32_t j = 0; j < FILE_HASH_BYTES; j++) {
            sum[(j + i) % FILE_HASH_BYTES] ^= hash[j];
        }
    }
}

struct server_options *configuration_options(const struct configuration_source *source,
                                             char faults[CONFIGURATION_FAULTS_SIZE])
{
    struct byte_writer writer;
    byte_writer_init(&writer, faults, CONFIGURATION_FAULTS_SIZE - 1);
    struct server_options *options = options_load(source, &writer);
    if (options == NULL && writer.position == 0) {
        byte_writer_text(&writer, NO_MEMORY);
    }
    faults[writer.position] = 0;
    return options;
}

/* The paths of the rule files that count, in the options; the number of the version. */
static bool rules_choose(const struct configuration_source *source, struct server_options *options,
                         uint32_t *version, struct byte_writer *faults)
{
    *version = source->version;
    if (source->rules == NULL) {
        return true;
    }
    bool is_good = rule_choice_begin(source->rules, options, source->overrides,
                                     source->override_count, faults);
    *version = source->rules->version.number;
    return is_good;
}

/* One file, read for the signals and then for the cases: its faults are told once. */
static bool aftersales_load(struct configuration *configuration, struct byte_writer *writer)
{
    const char *path = configuration->options->aftersales.rules;
    return anomaly_load(&configuration->watch_rules, path, writer) &&
           case_rules_load(&configuration->case_rules, path, writer);
}

struct configuration *configuration_load(const struct configuration_source *source,
                                         char faults[CONFIGURATION_FAULTS_SIZE])
{
    struct byte_writer writer;
    byte_writer_init(&writer, faults, CONFIGURATION_FAULTS_SIZE - 1);
    struct configuration *configuration = calloc(1, sizeof(*configuration));
    if (configuration == NULL) {
        snprintf(faults, CONFIGURATION_FAULTS_SIZE, "%s", NO_MEMORY);
        return NULL;
    }
    configuration->loaded_wall_us = loop_wall_us();
    configuration->options = options_load(source, &writer);
    uint32_t version;
    bool is_good = configuration->options != NULL &&
                   rules_choose(source, configuration->options, &version, &writer);
    if (is_good) {
        is_good = dialects_load(configuration, source->before, &writer) &&
                  headers_are_good(configuration, &writer);
        configuration->ruleset = ruleset_load_after(
            source->before == NULL ? NULL : ruleset_channel_view(source->before->ruleset),
            configuration->options, version, &writer);
        is_good = is_good && configuration->ruleset != NULL;
        is_good = aftersales_load(configuration, &writer) && is_good;
        for (uint32_t i = 0; i < configuration->options->channel_count; i++) {
            channel_files_hash(&configuration->options->channels[i],
                               configuration->channel_hashes[i]);
        }
    }
    is_good = is_good && (source->rules == NULL || rule_choice_is_still(source->rules, &writer));
    if (!is_good && writer.position == 0) { /* nothing is wrong with any file */
        byte_writer_text(&writer, NO_MEMORY);
    }
    faults[writer.position] = 0;
    if (!is_good) {
        configuration_destroy(configuration);
        return NULL;
    }
    return configuration;
}

void configuration_destroy(struct configuration *configuration)
{
    if (configuration == NULL) {
        return;
    }
    for (uint32_t i = 0; i < configuration->edition_count; i++) {
        edition_release(configuration->editions[i]);
    }
    ruleset_destroy(configuration->ruleset);
    server_options_destroy(configuration->options);
    free(configuration);
}

struct edition *configuration_edition(const struct configuration *configuration, const char *name)
{
    for (uint32_t i = 0; i < configuration->edition_count; i++) {
        if (strcmp(dialect_name(edition_dialect(configuration->editions[i])), name) == 0) {
            return configuration->editions[i];
        }
    }
    return NULL;
}
