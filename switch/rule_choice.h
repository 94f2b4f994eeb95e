/* Which content each rule file has when rules are read: the one that the configuration names, a
 * copy in the version in force, or what is proposed; and what came of it as a version.
 *
 * Each rule file on its own, the later change counts: once a version was activated its copy counts,
 * over restarts too, until the file that the configuration names is changed on disk.
 *
 * Life: rule_choice_begin -> rules are read -> rule_choice_is_still ->
 * rule_choice_keep, or not -> rule_choice_end
 */
#pragma once

#include <sys/stat.h>

#include "config/server_options.h"
#include "protocols/base/bytes.h"
#include "switch/versions/version_folder.h"

#define RULE_STAMP_COUNT_MAX (RULE_BESIDE_COUNT_MAX + RULE_FILE_COUNT)

enum rule_choice_kind {
    RULE_CHOICE_FILES,    /* of the configuration, or the copies in force */
    RULE_CHOICE_VERSION,  /* the copies of one version: `number` */
    RULE_CHOICE_PROPOSAL, /* `proposed`, and the copies in force of what is not proposed */
};

/* A file that was read beside the rules, and must not change meanwhile. */
struct rule_stamp {
    char path[OPTION_PATH_SIZE];
    struct stat about;
};

struct rule_choice {
    /* ---- filled in before */
    struct version_folder *folder; /* borrowed */
    enum rule_choice_kind kind;
    uint32_t number;
    bool is_by_two; /* files of the configuration do not count once there is a version */
    struct {
        const char *bytes; /* borrowed; NULL: not proposed */
        uint32_t length;
        bool is_none; /* proposed is to have no such file */
    } proposed[RULE_FILE_COUNT];
    enum rule_way way;
    const char *by, *reason; /* borrowed */
    int64_t wall_us;
    /* ---- what came of it */
    struct rule_version version; /* as it will be kept; its number is known before rules are read */
    struct rule_version before;  /* the one in force; number 0: none */
    struct {
        char *bytes; /* owner; NULL: the configuration names no such file */
        uint32_t length;
    } contents[RULE_FILE_COUNT];
    bool is_ignored[RULE_FILE_COUNT]; /* changed on disk, and does not count */
    uint32_t stamp_count;
    struct rule_stamp stamps[RULE_STAMP_COUNT_MAX];
};

/* Puts the paths that count into `options`, and the version's number into the choice. `overrides`
 * are the command line's. False: `faults` says what is wrong. rule_choice_end follows in any case.
 */
MUST_CHECK bool rule_choice_begin(struct rule_choice *choice, struct server_options *options,
                                  const char *const *overrides, uint32_t override_count,
                                  struct byte_writer *faults);
/* Whether all files are still those that were read. */
MUST_CHECK bool rule_choice_is_still(const struct rule_choice *choice, struct byte_writer *faults);

enum rule_kept {
    RULE_KEPT_SAME,  /* nothing differs: the version in force stays, with its number */
    RULE_KEPT_FRESH, /* there is a new one */
    RULE_KEPT_MOVED, /* one that was there came in force */
    RULE_KEPT_FAILED /* `reason` says why; all is as it was */
};
/* Writes the version durably and puts it in force, or (`is_proposal`) only keeps it. */
MUST_CHECK enum rule_kept rule_choice_keep(struct rule_choice *choice, bool is_proposal,
                                           char reason[RULE_VERSION_REASON_SIZE]);
/* Takes back what was kept, since it cannot take effect. False: the disk says otherwise, and
 * `reason` why. */
MUST_CHECK bool rule_choice_undo(struct rule_choice *choice, enum rule_kept kept,
                                 char reason[RULE_VERSION_REASON_SIZE]);
void rule_choice_end(struct rule_choice *choice);

/* "fees.yaml changed", "nothing but tables changed" … against the one before. */
void rule_choice_describe(const struct rule_choice *choice, char *text, size_t size);
