/* Two lines long; read anew for each key. */
#include "loadtest/key_file.h"

#include <errno.h>
#include <string.h>

#define LINE_SIZE 128

enum status key_file_read(const char *path, const char *name, struct tdes_key *key, FILE *faults)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fprintf(faults, "%s: %s\n", path, strerror(errno));
        return STATUS_BROKEN;
    }
    char line[LINE_SIZE];
    size_t name_length = strlen(name);
    enum status status = STATUS_NOT_FOUND;
    while (status == STATUS_NOT_FOUND && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, name_length) != 0 || line[name_length] != ' ') {
            continue;
        }
        const char *hex = line + name_length + 1;
        struct byte_writer writer;
        byte_writer_init(&writer, key->bytes, sizeof key->bytes);
        status = bytes_from_hex(&writer, hex, (uint32_t)strcspn(hex, "\r\n"));
        key->length = (uint8_t)writer.position;
        if (status == STATUS_OK && key->length != 8 && key->length != 16) {
            status = STATUS_BAD_VALUE;
        }
    }
    fclose(file);
    if (status != STATUS_OK) {
        fprintf(faults, "%s: a line \"%s\" with 16 or 32 hex digits is expected\n", path, name);
    }
    return status;
}

void key_file_put(FILE *file, const char *name, const struct tdes_key *key)
{
    char hex[2 * sizeof key->bytes + 1];
    bytes_to_hex(hex, key->bytes, key->length);
    fprintf(file, "%s %s\n", name, hex);
}
