/* See options_file.h. */
#include "switch/admin/options_file.h"

#include <stddef.h>

#include "config/file_text.h"

struct server_options *options_file_load(const struct options_source *source,
                                         struct byte_writer *faults)
{
    struct document *document = file_text_load_yaml(source->path);
    struct server_options *options = NULL;
    if (document == NULL) {
        byte_writer_text(faults, "no memory\n");
        return NULL;
    }
    bool is_good = document_fault_count(document) == 0;
    for (uint32_t i = 0; i < source->override_count && is_good; i++) {
        is_good = server_options_override(document, source->overrides[i]) == STATUS_OK;
    }
    if (is_good) {
        options = server_options_load(document);
    }
    for (uint32_t i = 0; i < document_fault_count(document) && i < DOCUMENT_FAULT_COUNT_MAX; i++) {
        byte_writer_text(faults, document_fault_text(document, i));
        byte_writer_text(faults, "\n");
    }
    document_destroy(document);
    return options;
}
