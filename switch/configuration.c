/* See configuration.h. */
#include "switch/configuration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/file_text.h"
#include "protocols/base/require.h"
#include "switch/net/loop.h"
#include "switch/ruleset_load.h"

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
        byte_writer_text(faults, "no memory for the configuration\n");
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

static bool dialect_load(struct configuration *configuration, const char *name,
                         struct byte_writer *faults)
{
    char path[OPTION_PATH_SIZE + OPTION_DIALECT_SIZE + 8];
    if (configuration_dialect(configuration, name) != NULL) {
        return true;
    }
    if (configuration->dialect_count == CONFIGURATION_DIALECT_COUNT_MAX) {
        byte_writer_text(faults, "more dialects than fit\n");
        return false;
    }
    snprintf(path, sizeof(path), "%s/%s.yaml", configuration->options->specs, name);
    struct document *document = file_text_load_yaml(path);
    struct dialect *dialect = NULL;
    if (document != NULL && document_fault_count(document) == 0) {
        dialect = dialect_compile(document);
    }
    if (document != NULL) {
        put_faults(faults, document);
        document_destroy(document);
    }
    if (dialect != NULL) {
        configuration->dialects[configuration->dialect_count++] = dialect;
    }
    return dialect != NULL;
}

static bool dialects_load(struct configuration *configuration, struct byte_writer *faults)
{
    const struct server_options *options = configuration->options;
    bool is_good = true;
    for (uint32_t i = 0; i < options->listener_count; i++) {
        is_good = dialect_load(configuration, options->listeners[i].dialect, faults) && is_good;
    }
    for (uint32_t i = 0; i < options->channel_count; i++) {
        is_good = dialect_load(configuration, options->channels[i].dialect, faults) && is_good;
    }
    return is_good;
}

struct configuration *configuration_load(const struct configuration_source *source,
                                         char faults[CONFIGURATION_FAULTS_SIZE])
{
    struct byte_writer writer;
    byte_writer_init(&writer, faults, CONFIGURATION_FAULTS_SIZE - 1);
    struct configuration *configuration = calloc(1, sizeof(*configuration));
    REQUIRE(configuration != NULL);
    configuration->loaded_wall_us = loop_wall_us();
    configuration->options = options_load(source, &writer);
    bool is_good = configuration->options != NULL;
    if (is_good) {
        is_good = dialects_load(configuration, &writer);
        configuration->ruleset = ruleset_load(configuration->options, source->version, &writer);
        is_good = is_good && configuration->ruleset != NULL;
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
    for (uint32_t i = 0; i < configuration->dialect_count; i++) {
        dialect_destroy(configuration->dialects[i]);
    }
    ruleset_destroy(configuration->ruleset);
    server_options_destroy(configuration->options);
    free(configuration);
}

const struct dialect *configuration_dialect(const struct configuration *configuration,
                                            const char *name)
{
    for (uint32_t i = 0; i < configuration->dialect_count; i++) {
        if (strcmp(dialect_name(configuration->dialects[i]), name) == 0) {
            return configuration->dialects[i];
        }
    }
    return NULL;
}
