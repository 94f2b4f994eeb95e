/* See bundle_check.h. */
#include "switch/evidence/bundle_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "switch/evidence/bundle_line.h"
#include "switch/evidence/bundle_log.h"
#include "switch/store/log_folder.h"

#define PIECE_BYTES 32768
#define SEGMENT_COUNT_MAX 256

_Static_assert(BUNDLE_REASON_SIZE >= LOG_REASON_SIZE && BUNDLE_REASON_SIZE >= BUNDLE_FAULT_SIZE,
               "a fault of a line or of the log fits");

struct walk {
    FILE *from;
    uint64_t offset; /* of the next byte */
    struct bundle_finding *finding;
    const struct bundle_key *trusted;
    struct bundle_log *log; /* NULL: none is compared */
    enum bundle_member member;
    int64_t mtime;
    json_t *manifest; /* owner; NULL: not read yet */
    struct bundle_event_chain events;
    struct bundle_row_chain rows;
    uint8_t last_hash[BUNDLE_HASH_BYTES]; /* of the events, as the manifest says */
    struct bundle_segment segments[SEGMENT_COUNT_MAX];
    uint32_t segment_count, segment_at; /* `at`: the one of the last row */
    /* the member at hand */
    char *line; /* owner: BUNDLE_LINE_BYTES_MAX */
    uint32_t line_length, line_number;
    uint64_t line_offset;
    char *kept; /* owner: a small member, whole */
    bool has_line_fault;
    char line_fault[BUNDLE_REASON_SIZE];
    uint64_t line_fault_offset;
};

/* --- saying where --------------------------------------------------------------------------- */

static bool fail(struct walk *walk, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Answers false, so that a check can end with it. */
static bool fail(struct walk *walk, uint64_t offset, const char *format, ...)
{
    struct bundle_finding *finding = walk->finding;
    char what[BUNDLE_REASON_SIZE - 128];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    finding->offset = offset;
    finding->member = walk->member < BUNDLE_MEMBER_COUNT ? bundle_member_name(walk->member) : "";
    snprintf(finding->reason, sizeof(finding->reason), "%s: byte %" PRIu64 " of the archive: %s",
             walk->member < BUNDLE_MEMBER_COUNT ? finding->member : "behind the last member",
             offset, what);
    return false;
}

/* --- bytes ---------------------------------------------------------------------------------- */

static bool take(struct walk *walk, void *bytes, size_t length)
{
    size_t got = fread(bytes, 1, length, walk->from);
    walk->offset += got;
    if (got == length) {
        return true;
    }
    return ferror(walk->from) != 0
               ? fail(walk, walk->offset, "cannot be read")
               : fail(walk, walk->offset, "expected %zu bytes more, found the end of the file",
                      length - got);
}

/* Bytes that can only be one way. */
static bool take_expected(struct walk *walk, const uint8_t *expected, size_t length,
                          const char *what)
{
    uint8_t found[BUNDLE_END_BYTES];
    uint64_t begin = walk->offset;
    if (!take(walk, found, length)) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (found[i] != expected[i]) {
            return fail(walk, begin + i, "%s: expected 0x%02x, found 0x%02x", what, expected[i],
                        found[i]);
        }
    }
    return true;
}

static bool take_header(struct walk *walk, uint64_t size)
{
    uint8_t header[BUNDLE_BLOCK_BYTES];
    bundle_form_header(header, walk->member, size, walk->mtime);
    return take_expected(walk, header, sizeof(header), "its header");
}

static bool take_padding(struct walk *walk, uint64_t size)
{
    static const uint8_t zeros[BUNDLE_BLOCK_BYTES];
    return take_expected(walk, zeros, bundle_form_padding(size), "the filling behind it");
}

/* --- manifest ------------------------------------------------------------------------------- */

/* Of the first header nothing is known before; it must be what its own size and time come to. */
static bool take_first_header(struct walk *walk, uint64_t *size)
{
    uint8_t found[BUNDLE_BLOCK_BYTES];
    uint8_t expected[BUNDLE_BLOCK_BYTES];
    if (!take(walk, found, sizeof(found))) {
        return false;
    }
    if (!bundle_form_read(found, size, &walk->mtime) || *size == 0 ||
        *size > bundle_member_size_max(BUNDLE_MANIFEST)) {
        return fail(walk, 124,
                    "its header: expected the size of an evidence bundle's manifest (at "
                    "most %" PRIu32 " bytes): this is another file",
                    bundle_member_size_max(BUNDLE_MANIFEST));
    }
    bundle_form_header(expected, BUNDLE_MANIFEST, *size, walk->mtime);
    for (uint32_t i = 0; i < sizeof(found); i++) {
        if (found[i] != expected[i]) {
            return fail(walk, i, "its header: expected 0x%02x, found 0x%02x", expected[i],
                        found[i]);
        }
    }
    return true;
}

static bool take_signature(struct walk *walk, uint8_t signature[BUNDLE_SIGNATURE_BYTES])
{
    walk->member = BUNDLE_SIGNATURE;
    return take_header(walk, BUNDLE_SIGNATURE_BYTES) &&
           take(walk, signature, BUNDLE_SIGNATURE_BYTES) &&
           take_padding(walk, BUNDLE_SIGNATURE_BYTES);
}

static const char *text_at(const json_t *json, const char *object, const char *name)
{
    const char *text = json_string_value(json_object_get(json_object_get(json, object), name));
    return text != NULL ? text : "";
}

struct file_bytes {
    const char *bytes;
    size_t length;
    const uint8_t *signature;
};

static bool must_fit(struct walk *walk, const struct bundle_key *key, const struct file_bytes *it)
{
    snprintf(walk->finding->fingerprint, sizeof(walk->finding->fingerprint), "%s",
             key->fingerprint);
    if (bundle_key_fits(key, it->bytes, it->length, it->signature)) {
        return true;
    }
    return fail(walk, BUNDLE_BLOCK_BYTES,
                "manifest.sig is no signature of these bytes by the key %s: manifest.json or "
                "manifest.sig was changed, or another key signed",
                key->fingerprint);
}

/* The key that signed: the one that the caller trusts, else the bundle's own. */
static bool check_signature(struct walk *walk, const struct file_bytes *it)
{
    uint8_t public[BUNDLE_KEY_BYTES];
    struct bundle_key own = {0};
    if (walk->trusted != NULL) {
        walk->finding->is_origin_checked = must_fit(walk, walk->trusted, it);
        return walk->finding->is_origin_checked;
    }
    if (!bundle_hex_read(text_at(walk->manifest, "key", "public"), public, sizeof(public)) ||
        bundle_key_take_public(&own, public) != STATUS_OK) {
        return fail(walk, BUNDLE_BLOCK_BYTES,
                    "\"key\": expected the public half of an Ed25519 key");
    }
    bool is_good = must_fit(walk, &own, it);
    if (is_good && strcmp(own.fingerprint, text_at(walk->manifest, "key", "fingerprint")) != 0) {
        is_good = fail(walk, BUNDLE_BLOCK_BYTES, "\"fingerprint\": expected %s", own.fingerprint);
    }
    bundle_key_free(&own);
    return is_good;
}

/* Of the version that this program writes, columns are known; of others the signer's count. */
static bool check_columns(struct walk *walk)
{
    json_t *known[2] = {bundle_event_columns(), bundle_row_columns()};
    bool is_own =
        json_integer_value(json_object_get(walk->manifest, "log_version")) == LOG_SCHEMA_VERSION;
    walk->events.columns = json_object_get(walk->manifest, "event_columns");
    walk->rows.columns = json_object_get(walk->manifest, "log_columns");
    bool is_good = json_is_array(walk->events.columns) && json_is_array(walk->rows.columns) &&
                   (!is_own || (json_equal(walk->events.columns, known[0]) &&
                                json_equal(walk->rows.columns, known[1])));
    json_decref(known[0]);
    json_decref(known[1]);
    return is_good || fail(walk, BUNDLE_BLOCK_BYTES,
                           "\"event_columns\", \"log_columns\": expected those of this version");
}

static bool check_members(struct walk *walk)
{
    const json_t *list = json_object_get(walk->manifest, "members");
    if (json_array_size(list) != BUNDLE_MEMBER_COUNT - BUNDLE_SIGNATURE - 1) {
        return fail(walk, BUNDLE_BLOCK_BYTES, "\"members\": expected %d, found %zu",
                    BUNDLE_MEMBER_COUNT - BUNDLE_SIGNATURE - 1, json_array_size(list));
    }
    for (int i = BUNDLE_SIGNATURE + 1; i < BUNDLE_MEMBER_COUNT; i++) {
        const char *wanted = bundle_member_name((enum bundle_member)i);
        const json_t *member = json_array_get(list, (size_t)(i - BUNDLE_SIGNATURE - 1));
        const char *name = json_string_value(json_object_get(member, "name"));
        int64_t size = json_is_integer(json_object_get(member, "size"))
                           ? json_integer_value(json_object_get(member, "size"))
                           : -1;
        if (name == NULL || strcmp(name, wanted) != 0) {
            return fail(walk, BUNDLE_BLOCK_BYTES, "\"members\": expected \"%s\", found \"%.40s\"",
                        wanted, name != NULL ? name : "");
        }
        if (size < 0 || size > bundle_member_size_max((enum bundle_member)i)) {
            return fail(walk, BUNDLE_BLOCK_BYTES,
                        "\"members\": size of %s: expected at most %" PRIu32 ", found %" PRId64,
                        wanted, bundle_member_size_max((enum bundle_member)i), size);
        }
    }
    return true;
}

static bool check_heading(struct walk *walk)
{
    struct bundle_finding *finding = walk->finding;
    const json_t *it = json_object_get(walk->manifest, "case");
    const char *format = json_string_value(json_object_get(walk->manifest, "format"));
    json_int_t version = json_integer_value(json_object_get(walk->manifest, "version"));
    if (format == NULL || strcmp(format, BUNDLE_FORMAT) != 0 || version != BUNDLE_VERSION) {
        return fail(walk, BUNDLE_BLOCK_BYTES,
                    "expected \"format\": \"" BUNDLE_FORMAT "\", \"version\": %d; found version "
                    "%lld: a newer tillwayctl reads it",
                    BUNDLE_VERSION, (long long)version);
    }
    if (json_integer_value(json_object_get(walk->manifest, "mtime")) != walk->mtime) {
        return fail(walk, 136, "its header: expected the time that \"mtime\" says");
    }
    finding->case_id = (uint64_t)json_integer_value(json_object_get(it, "id"));
    finding->event_count = (uint32_t)json_integer_value(json_object_get(it, "event_count"));
    finding->exported_us =
        json_integer_value(json_object_get(json_object_get(walk->manifest, "exported"), "wall_us"));
    snprintf(finding->exported_by, sizeof(finding->exported_by), "%s",
             text_at(walk->manifest, "exported", "by"));
    walk->events.case_id = finding->case_id;
    if (!bundle_hex_read(text_at(walk->manifest, "case", "last_hash"), walk->last_hash,
                         sizeof(walk->last_hash))) {
        return fail(walk, BUNDLE_BLOCK_BYTES, "\"last_hash\": expected 64 hex digits");
    }
    return true;
}

static bool load_manifest(struct walk *walk, const struct file_bytes *it)
{
    json_error_t where;
    walk->manifest = json_loadb(it->bytes, it->length, JSON_REJECT_DUPLICATES, &where);
    return walk->manifest != NULL ||
           fail(walk, BUNDLE_BLOCK_BYTES + (uint64_t)(where.position > 0 ? where.position : 0),
                "no JSON: %.160s", where.text);
}

/* A key that is trusted judges the bytes before anything in them is looked at. */
static bool check_manifest(struct walk *walk, const struct file_bytes *it)
{
    walk->member = BUNDLE_MANIFEST;
    bool is_first = walk->trusted != NULL;
    return (!is_first || check_signature(walk, it)) && load_manifest(walk, it) &&
           (is_first || check_signature(walk, it)) && check_heading(walk) && check_columns(walk) &&
           check_members(walk);
}

static bool take_manifest(struct walk *walk)
{
    uint64_t size = 0;
    uint8_t signature[BUNDLE_SIGNATURE_BYTES];
    walk->member = BUNDLE_MANIFEST;
    if (!take_first_header(walk, &size)) {
        return false;
    }
    char *bytes = malloc(size);
    bool is_good = bytes != NULL
                       ? take(walk, bytes, size) && take_padding(walk, size) &&
                             take_signature(walk, signature) &&
                             check_manifest(walk, &(struct file_bytes){bytes, size, signature})
                       : fail(walk, walk->offset, "no memory");
    free(bytes);
    return is_good;
}

/* --- members -------------------------------------------------------------------------------- */

/* The first line that does not fit; the rest of the member is only counted and hashed. */
static void note_line(struct walk *walk, const char *what, const char *fault)
{
    walk->has_line_fault = true;
    walk->line_fault_offset = walk->line_offset;
    snprintf(walk->line_fault, sizeof(walk->line_fault), "%s %" PRIu32 ": %s", what,
             walk->line_number, fault);
}

static bool is_hash(const struct log_hash *left, const struct log_hash *right)
{
    return memcmp(left, right, sizeof(*left)) == 0;
}

/* A row that begins or ends its segment carries the hash that the segment says. */
static bool check_place(struct walk *walk, char *fault)
{
    const struct bundle_row_chain *rows = &walk->rows;
    while (walk->segment_at + 1 < walk->segment_count &&
           walk->segments[walk->segment_at + 1].first_position <= rows->position) {
        walk->segment_at++;
    }
    const struct bundle_segment *segment = &walk->segments[walk->segment_at];
    if (walk->segment_count == 0 || rows->position < segment->first_position ||
        (segment->is_sealed && rows->position > segment->last_position)) {
        snprintf(fault, BUNDLE_REASON_SIZE, "position %" PRIu64 " lies in no segment of %s",
                 rows->position, bundle_member_name(BUNDLE_SEGMENTS));
        return false;
    }
    bool is_good = (rows->position != segment->first_position ||
                    is_hash(&rows->row.previous, &segment->previous_hash)) &&
                   (!segment->is_sealed || rows->position != segment->last_position ||
                    is_hash(&rows->row.hash, &segment->last_hash));
    if (!is_good) {
        snprintf(fault, BUNDLE_REASON_SIZE,
                 "position %" PRIu64 " does not carry the hash that segment %" PRIu32
                 " begins or ends with",
                 rows->position, segment->ordinal);
    }
    return is_good;
}

static bool check_in_log(struct walk *walk, char *fault)
{
    if (walk->log == NULL) {
        return true;
    }
    enum bundle_log_answer answer =
        bundle_log_check_row(walk->log, walk->segments[walk->segment_at].ordinal,
                             walk->rows.position, &walk->rows.row, fault);
    walk->finding->compared_count += answer == BUNDLE_LOG_SAME;
    walk->finding->purged_count += answer == BUNDLE_LOG_PURGED;
    return answer == BUNDLE_LOG_SAME || answer == BUNDLE_LOG_PURGED;
}

static void end_line(struct walk *walk)
{
    char fault[BUNDLE_REASON_SIZE] = "";
    walk->line_number++;
    if (walk->has_line_fault) {
        return;
    }
    if (walk->member == BUNDLE_EVENTS) {
        if (!bundle_event_check(&walk->events, walk->line, walk->line_length, fault)) {
            note_line(walk, "event", fault);
        }
        return;
    }
    if (!bundle_row_check(&walk->rows, walk->line, walk->line_length, fault) ||
        !check_place(walk, fault) || !check_in_log(walk, fault)) {
        note_line(walk, "row", fault);
    }
    walk->finding->row_count = walk->rows.count;
}

static void take_lines(struct walk *walk, const char *bytes, size_t length, uint64_t offset)
{
    for (size_t i = 0; i < length; i++) {
        if (walk->line_length == 0) {
            walk->line_offset = offset + i;
        }
        if (bytes[i] == '\n') {
            end_line(walk);
            walk->line_length = 0;
        } else if (walk->line_length < BUNDLE_LINE_BYTES_MAX) {
            walk->line[walk->line_length++] = bytes[i];
        } else if (!walk->has_line_fault) {
            walk->line_number++;
            note_line(walk, "line", "longer than any can be");
        }
    }
}

static bool has_lines(enum bundle_member member)
{
    return member == BUNDLE_EVENTS || member == BUNDLE_ROWS;
}

static bool is_kept(enum bundle_member member)
{
    return member == BUNDLE_CASE || member == BUNDLE_SEGMENTS;
}

/* Reads the member through its hash. */
static bool take_bytes(struct walk *walk, EVP_MD_CTX *hashing, uint64_t size)
{
    char piece[PIECE_BYTES];
    for (uint64_t left = size; left > 0;) {
        size_t length = left < sizeof(piece) ? (size_t)left : sizeof(piece);
        uint64_t offset = walk->offset;
        if (!take(walk, piece, length)) {
            return false;
        }
        if (EVP_DigestUpdate(hashing, piece, length) != 1) {
            return fail(walk, offset, "OpenSSL refused SHA-256");
        }
        if (has_lines(walk->member)) {
            take_lines(walk, piece, length, offset);
        } else if (is_kept(walk->member)) {
            memcpy(walk->kept + (size - left), piece, length);
        }
        left -= length;
    }
    if (walk->line_length > 0 && !walk->has_line_fault) {
        walk->line_number++;
        note_line(walk, "line", "it does not end");
    }
    return true;
}

static bool check_digest(struct walk *walk, const uint8_t found[BUNDLE_HASH_BYTES],
                         const char *said, uint64_t begin)
{
    char hex[BUNDLE_HEX_SIZE];
    bundle_hex(hex, found, BUNDLE_HASH_BYTES);
    bool is_same = said != NULL && strcmp(hex, said) == 0;
    if (walk->has_line_fault) {
        return fail(walk, walk->line_fault_offset, "%s", walk->line_fault);
    }
    return is_same || fail(walk, begin, "its SHA-256: expected %.64s, found %s; no %s",
                           said != NULL ? said : "none", hex,
                           has_lines(walk->member)
                               ? "line of it says something else, so it was written in another way"
                               : "more is known of where it was changed");
}

/* --- what members say of one another --------------------------------------------------------- */

static bool check_events_end(struct walk *walk, uint64_t end)
{
    const struct bundle_event_chain *events = &walk->events;
    if (events->count == walk->finding->event_count &&
        memcmp(events->hash, walk->last_hash, sizeof(walk->last_hash)) == 0) {
        return true;
    }
    return fail(walk, end,
                "the manifest says %" PRIu32 " events and another last hash, found "
                "%" PRIu32 " events",
                walk->finding->event_count, events->count);
}

static bool check_case(struct walk *walk, uint64_t begin, size_t size)
{
    json_error_t where;
    json_t *it = json_loadb(walk->kept, size, JSON_REJECT_DUPLICATES, &where);
    const json_t *id = json_object_get(it, "id");
    bool is_good =
        json_is_integer(id) && (uint64_t)json_integer_value(id) == walk->finding->case_id;
    json_decref(it);
    return is_good || fail(walk, begin, "\"id\": expected case %" PRIu64, walk->finding->case_id);
}

static bool read_segment(const json_t *json, struct bundle_segment *segment)
{
    const json_t *ordinal = json_object_get(json, "ordinal");
    const json_t *first = json_object_get(json, "first_position");
    const json_t *last = json_object_get(json, "last_position");
    *segment = (struct bundle_segment){.ordinal = (uint32_t)json_integer_value(ordinal),
                                       .first_position = (uint64_t)json_integer_value(first),
                                       .is_sealed = json_is_integer(last),
                                       .last_position = (uint64_t)json_integer_value(last)};
    return json_integer_value(ordinal) > 0 && json_integer_value(ordinal) <= LOG_ORDINAL_MAX &&
           json_integer_value(first) > 0 &&
           bundle_hex_read(json_string_value(json_object_get(json, "previous_hash")),
                           segment->previous_hash.bytes, LOG_HASH_BYTES) &&
           (!segment->is_sealed ||
            (json_integer_value(last) >= json_integer_value(first) - 1 &&
             bundle_hex_read(json_string_value(json_object_get(json, "last_hash")),
                             segment->last_hash.bytes, LOG_HASH_BYTES)));
}

/* Segments ascend; of two neighbours the second goes on where the first ended, if that was known.
 */
static bool segment_follows(const struct bundle_segment *before, const struct bundle_segment *it)
{
    if (it->ordinal <= before->ordinal || it->first_position <= before->first_position ||
        (before->is_sealed && it->first_position <= before->last_position)) {
        return false;
    }
    return it->ordinal != before->ordinal + 1 || !before->is_sealed ||
           (it->first_position == before->last_position + 1 &&
            is_hash(&it->previous_hash, &before->last_hash));
}

static bool check_segment(struct walk *walk, uint32_t at, uint64_t begin)
{
    char reason[LOG_REASON_SIZE] = "";
    const struct bundle_segment *it = &walk->segments[at];
    if (at > 0 && !segment_follows(&walk->segments[at - 1], it)) {
        return fail(walk, begin, "segment %" PRIu32 " does not follow the one before it",
                    it->ordinal);
    }
    if (walk->log == NULL) {
        return true;
    }
    enum bundle_log_answer answer = bundle_log_check_segment(walk->log, it, reason);
    return answer == BUNDLE_LOG_SAME || answer == BUNDLE_LOG_PURGED ||
           fail(walk, begin, "%s", reason);
}

static bool check_segments(struct walk *walk, uint64_t begin, size_t size)
{
    json_error_t where;
    json_t *list = json_loadb(walk->kept, size, JSON_REJECT_DUPLICATES, &where);
    bool is_good = json_is_array(list) && json_array_size(list) <= SEGMENT_COUNT_MAX;
    if (!is_good) {
        fail(walk, begin, "expected an array of at most %d segments", SEGMENT_COUNT_MAX);
    }
    for (size_t i = 0; is_good && i < json_array_size(list); i++) {
        is_good = read_segment(json_array_get(list, i), &walk->segments[i]) ||
                  fail(walk, begin, "segment %zu of the list: expected ordinal, positions, hashes",
                       i + 1);
        walk->segment_count = (uint32_t)i + 1;
        is_good = is_good && check_segment(walk, (uint32_t)i, begin);
    }
    json_decref(list);
    return is_good;
}

static bool check_meaning(struct walk *walk, uint64_t begin, size_t size)
{
    if (walk->member == BUNDLE_CASE) {
        return check_case(walk, begin, size);
    }
    if (walk->member == BUNDLE_EVENTS) {
        return check_events_end(walk, begin + size);
    }
    return walk->member != BUNDLE_SEGMENTS || check_segments(walk, begin, size);
}

static bool take_member(struct walk *walk, enum bundle_member member)
{
    const json_t *said = json_array_get(json_object_get(walk->manifest, "members"),
                                        (size_t)member - BUNDLE_SIGNATURE - 1);
    uint64_t size = (uint64_t)json_integer_value(json_object_get(said, "size"));
    uint8_t digest[BUNDLE_HASH_BYTES];
    walk->member = member;
    walk->line_length = walk->line_number = 0;
    walk->has_line_fault = false;
    if (!take_header(walk, size)) {
        return false;
    }
    uint64_t begin = walk->offset;
    EVP_MD_CTX *hashing = EVP_MD_CTX_new();
    bool is_good = hashing != NULL && EVP_DigestInit_ex(hashing, EVP_sha256(), NULL) == 1;
    if (!is_good) {
        fail(walk, begin, "OpenSSL refused SHA-256");
    }
    is_good = is_good && take_bytes(walk, hashing, size);
    if (is_good && EVP_DigestFinal_ex(hashing, digest, NULL) != 1) {
        is_good = fail(walk, begin, "OpenSSL refused SHA-256");
    }
    EVP_MD_CTX_free(hashing);
    return is_good &&
           check_digest(walk, digest, json_string_value(json_object_get(said, "sha256")), begin) &&
           check_meaning(walk, begin, size) && take_padding(walk, size);
}

static bool take_end(struct walk *walk)
{
    static const uint8_t zeros[BUNDLE_END_BYTES];
    walk->member = BUNDLE_MEMBER_COUNT;
    if (!take_expected(walk, zeros, sizeof(zeros), "the end of the archive, or one member more")) {
        return false;
    }
    return getc(walk->from) == EOF ||
           fail(walk, walk->offset, "expected the end of the file, found more bytes");
}

static bool walk_all(struct walk *walk)
{
    bool is_good = take_manifest(walk);
    for (int i = BUNDLE_SIGNATURE + 1; is_good && i < BUNDLE_MEMBER_COUNT; i++) {
        is_good = take_member(walk, (enum bundle_member)i);
    }
    return is_good && take_end(walk);
}

void bundle_check(FILE *from, const struct bundle_key *trusted, const char *log,
                  struct bundle_finding *finding)
{
    struct bundle_log compared;
    struct walk *walk = calloc(1, sizeof(*walk));
    *finding = (struct bundle_finding){.member = ""};
    bool is_ready = walk != NULL;
    if (is_ready) {
        *walk = (struct walk){.from = from,
                              .finding = finding,
                              .trusted = trusted,
                              .line = malloc(BUNDLE_LINE_BYTES_MAX),
                              .kept = malloc(bundle_member_size_max(BUNDLE_SEGMENTS))};
        is_ready = walk->line != NULL && walk->kept != NULL;
    }
    if (!is_ready) {
        snprintf(finding->reason, sizeof(finding->reason), "no memory");
    } else if (log == NULL || bundle_log_open(&compared, log, finding->reason)) {
        walk->log = log == NULL ? NULL : &compared;
        finding->is_good = walk_all(walk);
        if (walk->log != NULL) {
            bundle_log_close(walk->log);
        }
    }
    if (walk != NULL) {
        json_decref(walk->manifest);
        free(walk->line);
        free(walk->kept);
        free(walk);
    }
}
