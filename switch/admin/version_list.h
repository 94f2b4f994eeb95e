/* Versions of the rules as they lie on disk: listed, shown. Asks no switch.
 */
#pragma once

#include "switch/admin/call.h"
#include "switch/versions/version_folder.h"

/* The calls VERSION_LIST and VERSION_SHOW. */
void version_list_serve(const struct call *call, struct answer *answer);

/* What a version changes, "fees.yaml 1a2b… -> 6f5e…", by all digits of SHA-256. False: there is no
 * such version. */
bool version_list_changes(const char *store_folder, uint32_t number, char *text, size_t size);
/* The same of going back to a version, 0: the one before, from the one that is in force now: what
 * the roll-back of that version is about to propose. */
bool version_list_way_back(const char *store_folder, uint32_t number, char *text, size_t size);
/* Its number, as it stands in a path; -1: it is none. 0 stands for the version before, where
 * `may_be_zero`. */
int64_t version_list_number(const char *text, bool may_be_zero);
