/* The versions of the rules on disk: numbered, and written durably before they take effect.
 *
 *   <store.folder>/versions/000012/version.json    who, when, why, SHA-256 of all that was read
 *                          000012/fees.yaml …      the rule files, byte for byte
 *                          new/                    one that is being made; of no meaning
 *                          lock                    held by the switch that uses the folder
 *   <store.folder>/versions.floor                  the highest number that was given:
 * version_floor.h
 *
 * A version appears by the renaming of a folder, and comes in force by the renaming of its
 * version.json, which then carries the highest turn of all: each is a step that a crash leaves done
 * or not done. In force is the version with the highest turn. Numbers only grow, and one that was
 * given never comes again, kept or not.
 *
 * Life:  version_folder_open -> stage, keep, put in force, purge ... -> version_folder_close
 *
 * One thread at a time. Other processes read with version_folder_read.
 */
#pragma once

#include "switch/versions/rule_version.h"

#define VERSION_PATH_SIZE 400
#define VERSION_FILE_BYTES_MAX (4u * 1024 * 1024) /* of a rule file, as of all YAML */

struct version_folder;

/* What lies in the folder, in the order of the numbers, which the caller frees; none where there is
 * no such folder yet. A version that is removed meanwhile is left out. STATUS_MALFORMED: a
 * version.json is not as it was written; `reason` says what to do. */
MUST_CHECK enum status version_folder_read(const char *store_folder, struct rule_version **versions,
                                           uint32_t *count, char reason[RULE_VERSION_REASON_SIZE]);
/* The one of the highest turn; NULL: none was ever in force. */
const struct rule_version *version_folder_latest(const struct rule_version *versions,
                                                 uint32_t count);
/* The one that was in force before that one. NULL: none, or it is no longer kept. */
const struct rule_version *version_folder_previous(const struct rule_version *versions,
                                                   uint32_t count);
/* Where a file of a version lies. False: the path is too long. */
MUST_CHECK bool version_folder_path(const char *store_folder, uint32_t number, const char *name,
                                    char path[VERSION_PATH_SIZE]);

/* Makes the folder when it is absent, clears away what a crash left half made. Numbers begin above
 * all that were given before. NULL: `reason` says what to do; `is_taken` that another switch uses
 * it. */
struct version_folder *version_folder_open(const char *store_folder, bool *is_taken,
                                           char reason[RULE_VERSION_REASON_SIZE]);
void version_folder_close(struct version_folder *folder);

/* Borrowed until the next change. NULL: none. */
const struct rule_version *version_folder_in_force(const struct version_folder *folder);
const struct rule_version *version_folder_find(const struct version_folder *folder,
                                               uint32_t number);
/* The one that was in force before the one that is. NULL: none, or it is no longer kept. */
const struct rule_version *version_folder_before(const struct version_folder *folder);
/* The number of the next version; 0: there are no more. */
uint32_t version_folder_next(const struct version_folder *folder);

/* Reads a copy, and that it is what it was: STATUS_MALFORMED else, and `reason` says what to do.
 * The caller frees `*bytes`. */
MUST_CHECK enum status version_folder_copy(const struct version_folder *folder,
                                           const struct rule_version *version, enum rule_file file,
                                           char **bytes, uint32_t *length,
                                           char reason[RULE_VERSION_REASON_SIZE]);
/* Where that copy lies. */
void version_folder_copy_path(const struct version_folder *folder, uint32_t number,
                              enum rule_file file, char path[VERSION_PATH_SIZE]);

/* Begins a version: an empty `new`. */
MUST_CHECK enum status version_folder_stage(struct version_folder *folder,
                                            char reason[RULE_VERSION_REASON_SIZE]);
/* Puts a rule file into it, synced, and its hash into `version`. */
MUST_CHECK enum status version_folder_stage_file(struct version_folder *folder, enum rule_file file,
                                                 const char *bytes, uint32_t length,
                                                 struct rule_version *version,
                                                 char reason[RULE_VERSION_REASON_SIZE]);
void version_folder_stage_path(const struct version_folder *folder, enum rule_file file,
                               char path[VERSION_PATH_SIZE]);
/* Makes it the version that `version` says; durable when the call returns. With a turn it is in
 * force from here on. On failure nothing is kept. */
MUST_CHECK enum status version_folder_keep(struct version_folder *folder,
                                           const struct rule_version *version,
                                           char reason[RULE_VERSION_REASON_SIZE]);
void version_folder_stage_drop(struct version_folder *folder);

/* Writes version.json of a kept version anew: puts it in force, or takes that back. */
MUST_CHECK enum status version_folder_rewrite(struct version_folder *folder,
                                              const struct rule_version *version,
                                              char reason[RULE_VERSION_REASON_SIZE]);
/* Takes back version_folder_keep. */
MUST_CHECK enum status version_folder_remove(struct version_folder *folder, uint32_t number,
                                             char reason[RULE_VERSION_REASON_SIZE]);
/* Removes until `count_max` are left: proposals that can no longer be activated first, then the
 * lowest numbers; never the one in force, the one before it, nor the highest. */
void version_folder_purge(struct version_folder *folder, uint32_t count_max);

/* SHA-256 of bytes. */
void rule_hash(const void *bytes, size_t length, char hash[RULE_HASH_SIZE]);
/* Of a file, read to its end; empty: it cannot be read. */
void rule_hash_file(const char *path, char hash[RULE_HASH_SIZE]);
