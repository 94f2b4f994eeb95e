/* One version of the rules: what its files hold, who made it and why, and when it came in force.
 *
 * A version is a folder `<store.folder>/versions/NNNNNN` with a copy of each rule file and a
 * `version.json`, which is this struct. Its number stands in each row of the log that its rules
 * decided, so a number never means two things: whatever changes what rules decide makes another
 * version.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "protocols/base/status.h"

#define RULE_VERSION_NUMBER_MAX 999999
#define RULE_VERSION_REASON_SIZE 600 /* of a fault */
#define RULE_VERSION_TEXT_SIZE 256   /* the reason that an operator gives */
#define RULE_VERSION_NAME_SIZE 32    /* of an operator */
#define RULE_VERSION_TIME_SIZE 40
#define RULE_HASH_SIZE 65 /* SHA-256 in hex, and a 0 */
#define RULE_BESIDE_COUNT_MAX 24
#define RULE_BESIDE_NAME_SIZE 32

/* X(NAME, word, file): what is kept, and may be proposed. The word is the option that names the
 * file, too. */
#define RULE_FILE_MAP(X)                                                                           \
    X(ROUTES, "routes", "routes.yaml")                                                             \
    X(FEES, "fees", "fees.yaml")                                                                   \
    X(LIMITS, "limits", "limits.yaml")

/* " routes.yaml fees.yaml …", for sentences */
#define RULE_FILE_NAME(name, word, file) " " file
#define RULE_FILE_NAMES RULE_FILE_MAP(RULE_FILE_NAME)

enum rule_file {
#define X(name, word, file) RULE_FILE_##name,
    RULE_FILE_MAP(X)
#undef X
        RULE_FILE_COUNT
};

/* X(NAME, word, sentence): how a version was made. */
#define RULE_WAY_MAP(X)                                                                            \
    X(START, "start", "read from the configuration's files at start")                              \
    X(SIGNAL, "signal", "read from them after SIGHUP")                                             \
    X(RELOAD, "reload", "read from them when an operator asked for a reload")                      \
    X(PROPOSAL, "proposal", "proposed by an operator")                                             \
    X(ROLL_BACK, "roll_back", "proposed by an operator as what an earlier version was")

enum rule_way {
#define X(name, word, text) RULE_WAY_##name,
    RULE_WAY_MAP(X)
#undef X
};

struct rule_copy {
    char hash[RULE_HASH_SIZE];      /* of the copy; empty: the configuration names no such file */
    char base_hash[RULE_HASH_SIZE]; /* of the same in the version that this one was made from */
    /* Of the file that the configuration named when this version came in force: as long as that
     * one stays so, the copy counts. */
    char named_hash[RULE_HASH_SIZE];
    /* The version is of a build that kept no such file, so nothing is known of it. */
    bool is_untold;
};

/* What rules were read with and a version does not keep: tables, the configuration itself. */
struct rule_beside {
    char name[RULE_BESIDE_NAME_SIZE];
    char hash[RULE_HASH_SIZE];
};

struct rule_version {
    uint32_t number;
    uint32_t turn;         /* which in the order of coming in force, from 1; 0: never was */
    uint32_t made_from;    /* the version in force when it was made; 0: none */
    uint32_t roll_back_of; /* 0: of none */
    enum rule_way way;
    char made[RULE_VERSION_TIME_SIZE], made_by[RULE_VERSION_NAME_SIZE];
    char reason[RULE_VERSION_TEXT_SIZE];
    char in_force[RULE_VERSION_TIME_SIZE], in_force_by[RULE_VERSION_NAME_SIZE];
    struct rule_copy files[RULE_FILE_COUNT];
    uint32_t beside_count;
    struct rule_beside besides[RULE_BESIDE_COUNT_MAX];
};

const char *rule_file_word(enum rule_file file);
const char *rule_file_name(enum rule_file file); /* "fees.yaml" */
/* By its name; -1: none is called so. */
int rule_file_find(const char *name);
const char *rule_way_word(enum rule_way way);
/* RFC 3339 in UTC, with microseconds. */
void rule_time_format(char text[RULE_VERSION_TIME_SIZE], int64_t wall_us);

/* The new object's owner is the caller; NULL: no memory. */
json_t *rule_version_json(const struct rule_version *version);
/* STATUS_MALFORMED: `reason` says what is not as it was written. */
MUST_CHECK enum status rule_version_parse(struct rule_version *version, const char *bytes,
                                          size_t length, char reason[RULE_VERSION_REASON_SIZE]);

/* Whether both decide alike: rule files and all that they were read with. */
bool rule_version_is_same(const struct rule_version *one, const struct rule_version *other);
/* The same of the rule files alone. */
bool rule_version_has_same_files(const struct rule_version *one, const struct rule_version *other);
/* Whether the rule files it was made from are those of `base`. */
bool rule_version_is_based_on(const struct rule_version *version, const struct rule_version *base);
