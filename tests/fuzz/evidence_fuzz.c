/* Evidence from anybody: an archive as it came, single lines, and members inside a frame and a
 * signature that fit, so that what is behind these is reached too. The first byte chooses. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "switch/evidence/bundle_check.h"
#include "switch/evidence/bundle_line.h"
#include "switch/evidence/bundle_writer.h"

static void must(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

static void check(const void *bytes, size_t length)
{
    struct bundle_finding finding;
    FILE *from = length > 0 ? fmemopen((void *)(uintptr_t)bytes, length, "r") : NULL;
    if (from == NULL) {
        return;
    }
    bundle_check(from, NULL, NULL, &finding);
    fclose(from);
    must(finding.is_good == (finding.reason[0] == '\0'));
    must(finding.offset <= length);
}

static void check_event(const char *line, size_t length)
{
    char fault[BUNDLE_FAULT_SIZE] = "";
    json_t *columns = bundle_event_columns();
    struct bundle_event_chain chain = {.columns = columns, .case_id = 1};
    must(bundle_event_check(&chain, line, length, fault) == (fault[0] == '\0'));
    json_decref(columns);
}

static void check_row(const char *line, size_t length)
{
    char fault[BUNDLE_FAULT_SIZE] = "";
    json_t *columns = bundle_row_columns();
    struct bundle_row_chain chain = {.columns = columns};
    must(bundle_row_check(&chain, line, length, fault) == (fault[0] == '\0'));
    json_decref(columns);
}

/* A key that everybody knows. */
static void load_key(struct bundle_key *key)
{
    static const uint8_t seed[BUNDLE_KEY_BYTES] = {7};
    uint8_t public[BUNDLE_KEY_BYTES];
    size_t room = sizeof(public);
    EVP_PKEY *made = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
    must(made != NULL && EVP_PKEY_get_raw_public_key(made, public, &room) == 1);
    must(bundle_key_take_public(key, public) == STATUS_OK);
    EVP_PKEY_free(key->key);
    key->key = made;
    key->is_private = true;
}

/* Members between zero bytes: the case, events, segments, rows. */
static void check_members(const uint8_t *bytes, size_t length)
{
    static const enum bundle_member MEMBERS[] = {BUNDLE_CASE, BUNDLE_EVENTS, BUNDLE_SEGMENTS,
                                                 BUNDLE_ROWS};
    struct bundle_key key;
    struct bundle_heading heading = {.case_id = 1, .event_count = 1, .actor = "fuzz"};
    char *made = NULL;
    size_t made_length = 0;
    struct bundle_writer *writer = bundle_writer_create();
    FILE *to = open_memstream(&made, &made_length);
    must(writer != NULL && to != NULL);
    load_key(&key);
    for (size_t i = 0; i < sizeof(MEMBERS) / sizeof(MEMBERS[0]); i++) {
        const uint8_t *end = memchr(bytes, 0, length);
        size_t part = end != NULL ? (size_t)(end - bytes) : length;
        char *copy = malloc(part + 1);
        must(copy != NULL);
        memcpy(copy, bytes, part);
        must(bundle_writer_add(writer, MEMBERS[i], copy, part) == STATUS_OK);
        part += end != NULL;
        bytes += part;
        length -= part;
    }
    must(bundle_writer_finish(writer, &heading, &key, to) == STATUS_OK);
    fclose(to);
    check(made, made_length);
    free(made);
    bundle_key_free(&key);
    bundle_writer_destroy(writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 1 || length > 65536) {
        return 0;
    }
    const uint8_t *rest = bytes + 1;
    switch (bytes[0] % 4) {
    case 0:
        check(rest, length - 1);
        break;
    case 1:
        check_event((const char *)rest, length - 1);
        break;
    case 2:
        check_row((const char *)rest, length - 1);
        break;
    default:
        check_members(rest, length - 1);
        break;
    }
    return 0;
}
