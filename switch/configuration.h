/* Everything that files say, read and checked as one: options, message specs, rules, certificates.
 *
 * Built aside, whole or not at all; a reload builds another one and puts it in the place of the
 * first (I30). All faults of all files are gathered, each with its file and line. What both hold
 * the same of, the fresh one shares: message specs whose files say what they said.
 *
 * Life:  configuration_load -> read ... -> configuration_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/server_options.h"
#include "protocols/dialect/edition.h"
#include "routing/ruleset.h"
#include "switch/aftersales/service_case.h"
#include "switch/aftersales/watch_rules.h"
#include "switch/file_hash.h"
#include "switch/rule_choice.h"

#define CONFIGURATION_FAULTS_SIZE 16384
#define CONFIGURATION_DIALECT_COUNT_MAX 16

struct configuration {
    struct server_options *options; /* owned, as all below */
    struct ruleset *ruleset;
    struct watch_rules watch_rules; /* by which terminals and merchants are flagged, */
    struct case_rules case_rules;   /* and by which their cases live */
    uint32_t edition_count;
    struct edition *editions[CONFIGURATION_DIALECT_COUNT_MAX]; /* of the dialects; held */
    /* Of each channel of the options: what its certificate and key files hold. */
    uint8_t channel_hashes[OPTION_CHANNEL_COUNT_MAX][FILE_HASH_BYTES];
    int64_t loaded_wall_us;
};

struct configuration_source {
    const char *path;             /* of tillway.yaml */
    const char *const *overrides; /* "store.folder=/x"; borrowed as long as reloads may come */
    uint32_t override_count;
    uint32_t version; /* of the ruleset to be made, where nobody keeps versions */
    /* The one in force, which channels keep their indexes of and specs are shared with; borrowed
     * for the load. NULL: none is. */
    const struct configuration *before;
    /* Which rule files count, and the number of the version; borrowed for the load. NULL: those
     * that the configuration names, and `version`. */
    struct rule_choice *rules;
};

/* The options alone. NULL as below. The caller owns the answer. */
struct server_options *configuration_options(const struct configuration_source *source,
                                             char faults[CONFIGURATION_FAULTS_SIZE]);
/* NULL: `faults` holds all that is wrong, a line each. May take a while and touches nothing else:
 * any thread may call it. */
struct configuration *configuration_load(const struct configuration_source *source,
                                         char faults[CONFIGURATION_FAULTS_SIZE]);
void configuration_destroy(struct configuration *configuration);

/* Still the configuration's. NULL: no such dialect. */
struct edition *configuration_edition(const struct configuration *configuration, const char *name);
