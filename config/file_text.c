/* See file_text.h. */
#include "config/file_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/yaml_file.h"
#include "protocols/base/pause.h"
#include "protocols/base/require.h"

#define CHUNK_BYTES (64u * 1024)

/* Doubles the buffer, so that it holds a further chunk and the closing 0. */
static bool file_text_grow(struct file_text *text, uint32_t *room)
{
    if (*room - text->length > CHUNK_BYTES) {
        return true;
    }
    uint32_t larger = *room * 2 + CHUNK_BYTES + 1;
    char *bytes = realloc(text->bytes, larger);
    if (bytes == NULL) {
        return false;
    }
    text->bytes = bytes;
    *room = larger;
    return true;
}

static enum status read_all(struct file_text *text, FILE *file, uint32_t length_max)
{
    uint32_t room = 0;
    for (;;) {
        pause_point();
        if (!file_text_grow(text, &room)) {
            return STATUS_NO_MEMORY;
        }
        size_t got = fread(text->bytes + text->length, 1, CHUNK_BYTES, file);
        text->length += (uint32_t)got;
        text->bytes[text->length] = '\0';
        if (text->length > length_max) {
            return STATUS_BAD_VALUE;
        }
        if (got == 0) {
            return ferror(file) != 0 ? STATUS_BROKEN : STATUS_OK;
        }
    }
}

enum status file_text_read(struct file_text *text, const char *path, uint32_t length_max)
{
    REQUIRE(length_max <= UINT32_MAX / 8);
    *text = (struct file_text){0};
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return STATUS_NOT_FOUND;
    }
    enum status status = read_all(text, file, length_max);
    fclose(file);
    if (status != STATUS_OK) {
        file_text_free(text);
    }
    return status;
}

void file_text_free(struct file_text *text)
{
    free(text->bytes);
    *text = (struct file_text){0};
}

struct document *file_text_load_yaml(const char *path)
{
    struct file_text text;
    errno = 0;
    enum status status = file_text_read(&text, path, YAML_FILE_BYTES_MAX);
    if (status == STATUS_OK) {
        struct document *document = yaml_file_parse(path, text.bytes, text.length);
        file_text_free(&text);
        return document;
    }
    int reason = errno;
    struct document *document = document_create(path);
    if (document != NULL) {
        document_fault(document, NULL, "cannot be read: %s",
                       reason != 0 ? strerror(reason) : status_text(status));
    }
    return document;
}
