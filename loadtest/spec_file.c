/* All faults of the file are printed, not only the first. */
#include "loadtest/spec_file.h"

#include "config/file_text.h"
#include "config/yaml_file.h"

static void faults_print(const struct document *document, FILE *faults)
{
    uint32_t count = document_fault_count(document);
    for (uint32_t i = 0; i < count && i < DOCUMENT_FAULT_COUNT_MAX; i++) {
        fprintf(faults, "%s\n", document_fault_text(document, i));
    }
}

/* A document without faults, or NULL after they have been printed. */
static struct document *document_open(const char *path, FILE *faults)
{
    struct document *document = file_text_load_yaml(path);
    if (document == NULL) {
        fprintf(faults, "%s: no memory\n", path);
        return NULL;
    }
    if (document_fault_count(document) > 0) {
        faults_print(document, faults);
        document_destroy(document);
        return NULL;
    }
    return document;
}

struct dialect *spec_file_dialect(const char *path, FILE *faults)
{
    struct document *document = document_open(path, faults);
    if (document == NULL) {
        return NULL;
    }
    struct dialect *dialect = dialect_compile(document);
    faults_print(document, faults);
    document_destroy(document);
    return dialect;
}

struct spec *spec_file_spec(const char *path, FILE *faults)
{
    struct document *document = document_open(path, faults);
    if (document == NULL) {
        return NULL;
    }
    struct spec *spec = spec_compile(document);
    faults_print(document, faults);
    document_destroy(document);
    return spec;
}
