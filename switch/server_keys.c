/* The keys of the key file: read at start and anew by a reload, and who has none. */
#include <stdio.h>
#include <string.h>

#include "switch/key_load.h"
#include "switch/server_state.h"

struct key_set *server_keys_read(struct security *security,
                                 const struct configuration *configuration,
                                 char reason[SERVER_REASON_SIZE])
{
    struct key_set *set = key_set_create(security);
    if (set == NULL) {
        snprintf(reason, SERVER_REASON_SIZE, "%s", status_text(STATUS_NO_MEMORY));
        return NULL;
    }
    if (key_load(set, configuration->options->tables.keys, reason, SERVER_REASON_SIZE) !=
        STATUS_OK) {
        key_set_destroy(set);
        return NULL;
    }
    return set;
}

struct keys_missing server_keys_missing(const struct key_set *set,
                                        const struct configuration *configuration)
{
    const struct terminal_table *terminals = ruleset_terminal_view(configuration->ruleset);
    struct keys_missing missing = {.count = 0};
    for (uint32_t i = 0; i < terminal_table_count(terminals); i++) {
        char id[sizeof(missing.first)];
        snprintf(id, sizeof(id), "%.8s", terminal_table_at(terminals, i)->terminal_id);
        if (!key_set_has_terminal(set, id) && missing.count++ == 0) {
            memcpy(missing.first, id, sizeof(id));
        }
    }
    return missing;
}

void server_keys_warn(const struct keys_missing *missing)
{
    if (missing->count > 0) {
        LOG(LOG_WARN, "terminals_without_key", LOG_NUMBER("terminals", missing->count),
            LOG_TEXT("first", missing->first),
            LOG_TEXT("do", "add their tmk to tables.keys; until then they cannot sign on"));
    }
}
