/* What a bundle is: a tar archive of members with fixed names in a fixed order, each byte of which
 * follows from the manifest: whoever verifies builds the frame anew and compares.
 *
 * Pure: no file, no clock, no memory of its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUNDLE_FORMAT "tillway-evidence"
#define BUNDLE_VERSION 1
#define BUNDLE_HASH_BYTES 32
#define BUNDLE_HEX_SIZE 65 /* of a hash as lower-case hex, with its end */

/* X(NAME, name, largest size, what it holds): the members in the order of the archive. The manifest
 * and its signature come first, so that a reader knows what must follow before it reads it. */
#define BUNDLE_MEMBER_MAP(X)                                                                       \
    X(MANIFEST, "manifest.json", 65536,                                                            \
      "size and SHA-256 of each member, who exported it, the key")                                 \
    X(SIGNATURE, "manifest.sig", 64, "Ed25519 over the bytes of manifest.json")                    \
    X(README, "README.txt", 65536, "what this is, and how to check it without this program")       \
    X(CASE, "case.json", 65536, "the case as it was when it was exported")                         \
    X(EVENTS, "events.jsonl", 16777216, "its events, a line each, as a hash chain")                \
    X(FLAGS, "flags.jsonl", 4194304, "its flags, with the positions in the log they rest on")      \
    X(SEGMENTS, "segments.json", 65536, "segments of the log that hold the rows")                  \
    X(ROWS, "log.jsonl", 33554432, "rows of the log, without their secret columns")                \
    X(DECISIONS, "decisions.json", 8388608, "of each transaction: route, limits, timings")         \
    X(TXNS, "transactions.json", 16777216, "each transaction as the log tells it")                 \
    X(FEES, "fees.json", 4194304, "why they cost what they cost, in English and Chinese")          \
    X(KEYS, "keys.json", 65536, "names of the keys that were used, with check values")

enum bundle_member {
#define X(name, text, size_max, sentence) BUNDLE_##name,
    BUNDLE_MEMBER_MAP(X)
#undef X
        BUNDLE_MEMBER_COUNT
};
const char *bundle_member_name(enum bundle_member member);
uint32_t bundle_member_size_max(enum bundle_member member);

/* --- the frame: POSIX ustar, one way to write it ------------------------------------------ */

#define BUNDLE_BLOCK_BYTES 512
#define BUNDLE_END_BYTES 1024 /* zeros behind the last member */
#define BUNDLE_SIGNATURE_BYTES 64

/* The header of a member: a plain file, 0444, of nobody, of that second. */
void bundle_form_header(uint8_t header[BUNDLE_BLOCK_BYTES], enum bundle_member member,
                        uint64_t size, int64_t mtime);
/* Zeros behind so many bytes, to the end of the block. */
uint32_t bundle_form_padding(uint64_t size);
/* Size and time that a header tells. False: no numbers, or larger than anything here. */
bool bundle_form_read(const uint8_t header[BUNDLE_BLOCK_BYTES], uint64_t *size, int64_t *mtime);

/* Lower-case hex, with its end. */
void bundle_hex(char *text, const uint8_t *bytes, uint32_t length);
/* False: not exactly 2 * length hex digits in lower case. NULL is none. */
bool bundle_hex_read(const char *text, uint8_t *bytes, uint32_t length);
