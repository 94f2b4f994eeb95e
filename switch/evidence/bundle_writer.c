/* See bundle_writer.h. */
#include "switch/evidence/bundle_writer.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "protocols/base/require.h"
#include "switch/evidence/bundle_line.h"

struct member {
    char *bytes; /* owner */
    size_t length, room;
};

struct bundle_writer {
    struct member members[BUNDLE_MEMBER_COUNT];
    enum bundle_member full;
};

struct bundle_writer *bundle_writer_create(void)
{
    return calloc(1, sizeof(struct bundle_writer));
}

void bundle_writer_destroy(struct bundle_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    for (int i = 0; i < BUNDLE_MEMBER_COUNT; i++) {
        free(writer->members[i].bytes);
    }
    free(writer);
}

enum bundle_member bundle_writer_full(const struct bundle_writer *writer)
{
    return writer->full;
}

enum status bundle_writer_add(struct bundle_writer *writer, enum bundle_member member, char *bytes,
                              size_t length)
{
    struct member *kept = &writer->members[member];
    REQUIRE(kept->bytes == NULL);
    writer->full = member;
    if (bytes == NULL || length > bundle_member_size_max(member)) {
        free(bytes);
        return bytes == NULL ? STATUS_NO_MEMORY : STATUS_NO_ROOM;
    }
    *kept = (struct member){bytes, length, length};
    return STATUS_OK;
}

static enum status append(struct bundle_writer *writer, enum bundle_member member,
                          const char *bytes, size_t length)
{
    struct member *kept = &writer->members[member];
    size_t needed = kept->length + length;
    writer->full = member;
    if (needed > bundle_member_size_max(member)) {
        return STATUS_NO_ROOM;
    }
    if (needed > kept->room) {
        char *grown = realloc(kept->bytes, 2 * needed);
        if (grown == NULL) {
            return STATUS_NO_MEMORY;
        }
        kept->bytes = grown;
        kept->room = 2 * needed;
    }
    memcpy(kept->bytes + kept->length, bytes, length);
    kept->length = needed;
    return STATUS_OK;
}

/* As text with a new line behind. */
static enum status append_json(struct bundle_writer *writer, enum bundle_member member,
                               json_t *json, size_t flags)
{
    char *text = json == NULL ? NULL : json_dumps(json, flags);
    json_decref(json);
    if (text == NULL) {
        writer->full = member;
        return STATUS_NO_MEMORY;
    }
    enum status status = append(writer, member, text, strlen(text));
    free(text);
    return status == STATUS_OK ? append(writer, member, "\n", 1) : status;
}

enum status bundle_writer_add_json(struct bundle_writer *writer, enum bundle_member member,
                                   json_t *json)
{
    return append_json(writer, member, json, JSON_INDENT(1));
}

enum status bundle_writer_add_line(struct bundle_writer *writer, enum bundle_member member,
                                   json_t *json)
{
    return append_json(writer, member, json, JSON_COMPACT);
}

/* --- manifest ------------------------------------------------------------------------------- */

static json_t *members_json(const struct bundle_writer *writer)
{
    json_t *list = json_array();
    for (int i = BUNDLE_SIGNATURE + 1; i < BUNDLE_MEMBER_COUNT; i++) {
        const struct member *member = &writer->members[i];
        uint8_t digest[BUNDLE_HASH_BYTES];
        char hex[BUNDLE_HEX_SIZE];
        if (EVP_Digest(member->length > 0 ? member->bytes : "", member->length, digest, NULL,
                       EVP_sha256(), NULL) != 1) {
            json_decref(list);
            return NULL;
        }
        bundle_hex(hex, digest, sizeof(digest));
        json_array_append_new(list, json_pack("{s:s, s:I, s:s}", "name",
                                              bundle_member_name((enum bundle_member)i), "size",
                                              (json_int_t)member->length, "sha256", hex));
    }
    return list;
}

/* Members of the archive are as old as the case: what was exported twice differs in who and when
 * alone. */
static int64_t mtime_of(const struct bundle_heading *heading)
{
    return heading->changed_us > 0 ? heading->changed_us / 1000000 : 0;
}

static json_t *manifest_json(const struct bundle_writer *writer,
                             const struct bundle_heading *heading, const struct bundle_key *key)
{
    char last[BUNDLE_HEX_SIZE];
    char public[BUNDLE_HEX_SIZE];
    bundle_hex(last, heading->last_hash, BUNDLE_HASH_BYTES);
    bundle_hex(public, key->public_bytes, BUNDLE_KEY_BYTES);
    return json_pack(
        "{s:s, s:i, s:{s:I, s:I, s:s}, s:{s:s, s:I}, s:I, s:{s:s, s:s, s:s}, s:i, s:o, s:o, s:o}",
        "format", BUNDLE_FORMAT, "version", BUNDLE_VERSION, "case", "id",
        (json_int_t)heading->case_id, "event_count", (json_int_t)heading->event_count, "last_hash",
        last, "exported", "by", heading->actor, "wall_us", (json_int_t)heading->wall_us, "mtime",
        (json_int_t)mtime_of(heading), "key", "algorithm", "Ed25519", "public", public,
        "fingerprint", key->fingerprint, "log_version", LOG_SCHEMA_VERSION, "event_columns",
        bundle_event_columns(), "log_columns", bundle_row_columns(), "members",
        members_json(writer));
}

static enum status sign(struct bundle_writer *writer, const struct bundle_key *key)
{
    const struct member *manifest = &writer->members[BUNDLE_MANIFEST];
    uint8_t signature[BUNDLE_SIGNATURE_BYTES];
    enum status status = bundle_key_sign(key, manifest->bytes, manifest->length, signature);
    return status == STATUS_OK
               ? append(writer, BUNDLE_SIGNATURE, (const char *)signature, sizeof(signature))
               : status;
}

/* --- archive -------------------------------------------------------------------------------- */

static bool put(FILE *to, const void *bytes, size_t length)
{
    return length == 0 || fwrite(bytes, length, 1, to) == 1;
}

static bool put_member(const struct bundle_writer *writer, enum bundle_member member, int64_t mtime,
                       FILE *to)
{
    static const uint8_t zeros[BUNDLE_BLOCK_BYTES];
    const struct member *kept = &writer->members[member];
    uint8_t header[BUNDLE_BLOCK_BYTES];
    bundle_form_header(header, member, kept->length, mtime);
    return put(to, header, sizeof(header)) && put(to, kept->bytes, kept->length) &&
           put(to, zeros, bundle_form_padding(kept->length));
}

enum status bundle_writer_finish(struct bundle_writer *writer, const struct bundle_heading *heading,
                                 const struct bundle_key *key, FILE *to)
{
    static const uint8_t zeros[BUNDLE_END_BYTES];
    REQUIRE(key->is_private && writer->members[BUNDLE_MANIFEST].bytes == NULL);
    enum status status =
        bundle_writer_add_json(writer, BUNDLE_MANIFEST, manifest_json(writer, heading, key));
    if (status == STATUS_OK) {
        status = sign(writer, key);
    }
    for (int i = 0; i < BUNDLE_MEMBER_COUNT && status == STATUS_OK; i++) {
        status = put_member(writer, (enum bundle_member)i, mtime_of(heading), to) ? STATUS_OK
                                                                                  : STATUS_BROKEN;
    }
    if (status == STATUS_OK && (!put(to, zeros, sizeof(zeros)) || fflush(to) != 0)) {
        status = STATUS_BROKEN;
    }
    return status;
}
