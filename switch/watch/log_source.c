/* See log_source.h. */
#include "switch/watch/log_source.h"

#include <stdio.h>
#include <string.h>

#include "config/file_text.h"
#include "switch/anomaly_load.h"
#include "switch/followup/watch_desk.h"
#include "switch/ruleset_load.h"
#include "switch/store/log_folder.h"

static void put_line(struct byte_writer *faults, const char *line)
{
    byte_writer_text(faults, line);
    byte_writer_text(faults, "\n");
}

static struct server_options *options_load(const struct log_source_setup *setup,
                                           struct byte_writer *faults)
{
    struct document *document = file_text_load_yaml(setup->config);
    if (document == NULL) {
        put_line(faults, "no memory");
        return NULL;
    }
    bool is_good = document_fault_count(document) == 0;
    for (uint32_t i = 0; i < setup->override_count && is_good; i++) {
        is_good = server_options_override(document, setup->overrides[i]) == STATUS_OK;
    }
    struct server_options *options = is_good ? server_options_load(document) : NULL;
    for (uint32_t i = 0; i < document_fault_count(document) && i < DOCUMENT_FAULT_COUNT_MAX; i++) {
        put_line(faults, document_fault_text(document, i));
    }
    document_destroy(document);
    return options;
}

/* A switch that never ran has no database yet, and none is made here. */
static bool registry_read(struct log_source *source, struct byte_writer *faults)
{
    const char *folder = source->options->aftersales.folder;
    char path[LOG_PATH_SIZE], reason[DESK_REASON_SIZE] = "";
    struct desk *desk = NULL;
    log_folder_path(path, folder, WATCH_DESK_NAME);
    if (folder[0] == '\0' || !log_disk_is_there(path)) {
        return true;
    }
    if (desk_open(&desk, path, reason) != STATUS_OK) {
        put_line(faults, reason);
        return false;
    }
    bool is_read = fact_book_register(source->book, desk) == STATUS_OK;
    if (!is_read) {
        put_line(faults, desk_reason(desk));
    }
    desk_close(desk);
    return is_read;
}

static bool facts_read(struct log_source *source, struct byte_writer *faults)
{
    struct ruleset *ruleset = ruleset_load(source->options, 1, faults);
    if (ruleset == NULL) {
        return false;
    }
    source->terminal_count = terminal_table_count(ruleset_terminal_view(ruleset));
    source->merchant_count = merchant_table_count(ruleset_merchant_view(ruleset));
    source->limits = fact_book_limits(ruleset, source->options->aftersales.card_count_max);
    source->book = fact_book_create(ruleset);
    ruleset_destroy(ruleset);
    if (source->book == NULL) {
        put_line(faults, "no memory");
        return false;
    }
    return registry_read(source, faults);
}

bool log_source_open(struct log_source *source, const struct log_source_setup *setup,
                     struct byte_writer *faults)
{
    memset(source, 0, sizeof(*source));
    source->options = options_load(setup, faults);
    if (source->options == NULL) {
        return false;
    }
    source->folder = setup->folder != NULL ? setup->folder : source->options->store.folder;
    const char *rules = setup->rules != NULL ? setup->rules : source->options->aftersales.rules;
    return anomaly_load(&source->rules, rules, faults) &&
           case_rules_load(&source->case_rules, rules, faults) && facts_read(source, faults);
}

void log_source_close(struct log_source *source)
{
    server_options_destroy(source->options);
    fact_book_destroy(source->book);
    memset(source, 0, sizeof(*source));
}
