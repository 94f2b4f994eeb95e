/* See readiness.h. */
#include "switch/admin/readiness.h"

#include <string.h>

#define FREE_BYTES_MIN (INT64_C(64) * 1024 * 1024)
#define COMMIT_NS_MAX 100000000U

enum readiness {
#define X(name, word, sentence) READINESS_##name,
    READINESS_MAP(X)
#undef X
        READINESS_COUNT
};

static bool listeners_listen(const Control__Status *status)
{
    for (size_t i = 0; i < status->n_listeners; i++) {
        if (!status->listeners[i]->is_listening) {
            return false;
        }
    }
    return status->n_listeners > 0;
}

static bool some_channel_is_up(const Control__Status *status)
{
    for (size_t i = 0; i < status->n_channels; i++) {
        if (status->channels[i]->is_up) {
            return true;
        }
    }
    return false;
}

static bool holds(enum readiness check, const Control__Status *status)
{
    if (status == NULL) {
        return false;
    }
    const Control__Store *store = status->store;
    switch (check) {
    case READINESS_CONTROL:
        return true;
    case READINESS_STATE:
        return strcmp(status->state, "running") == 0;
    case READINESS_LISTENERS:
        return listeners_listen(status);
    case READINESS_CHANNEL:
        return some_channel_is_up(status);
    case READINESS_STORE_SPACE:
        return store->free_bytes < 0 || store->free_bytes >= FREE_BYTES_MIN;
    case READINESS_STORE_SYNC:
        return store->commits == 0 || store->commit_ns_total / store->commits <= COMMIT_NS_MAX;
    case READINESS_COUNT:
        break;
    }
    return false;
}

bool readiness_write(FILE *to, const Control__Status *status, bool is_verbose)
{
    static const struct {
        const char *word, *sentence;
    } checks[READINESS_COUNT] = {
#define X(name, word, sentence) {word, sentence},
        READINESS_MAP(X)
#undef X
    };
    bool is_ready = true;
    for (int i = 0; i < READINESS_COUNT; i++) {
        bool is_good = holds((enum readiness)i, status);
        is_ready = is_ready && is_good;
        if (!is_good) {
            fprintf(to, "[-]%s: %s\n", checks[i].word, checks[i].sentence);
        } else if (is_verbose) {
            fprintf(to, "[+]%s: ok\n", checks[i].word);
        }
        if (status == NULL) {
            break; /* nothing more is known */
        }
    }
    if (is_verbose && status != NULL) {
        fputs("durability: sync (each commit is on disk before it is acknowledged)\n", to);
    }
    fputs(is_ready ? "ready\n" : "not ready\n", to);
    return is_ready;
}
