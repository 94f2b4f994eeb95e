/* What `--check-config` tries beyond reading: see server_check in server.h. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "switch/server_state.h"

static void fault(struct byte_writer *faults, const char *sentence)
{
    byte_writer_text(faults, sentence);
    byte_writer_text(faults, "\n");
}

static bool certificates_are_good(const struct server_options *options, struct byte_writer *faults)
{
    struct tls_tickets tickets = {.hour = 0};
    bool is_good = true;
    for (uint32_t i = 0; i < options->listener_count; i++) {
        const struct listener_options *listener = &options->listeners[i];
        char reason[TLS_REASON_SIZE];
        char sentence[TLS_REASON_SIZE + OPTION_PATH_SIZE];
        if (!listener->tls.is_on) {
            continue;
        }
        SSL_CTX *tls = server_tls_create(listener, &tickets, reason);
        if (tls == NULL) {
            snprintf(sentence, sizeof(sentence), "listener %s: %s", listener->name, reason);
            fault(faults, sentence);
            is_good = false;
        }
        tls_release(tls);
    }
    return is_good;
}

/* Only that it is there: who may write it is decided by the account the switch runs under. */
static bool folder_is_there(const char *option, const char *path, struct byte_writer *faults)
{
    char folder[OPTION_PATH_SIZE];
    char sentence[2 * OPTION_PATH_SIZE];
    struct stat about;
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof(folder), "%.*s", slash == NULL ? 1 : (int)(slash - path + 1),
             slash == NULL ? "." : path);
    if (stat(folder, &about) == 0 && S_ISDIR(about.st_mode)) {
        return true;
    }
    snprintf(sentence, sizeof(sentence), "%s: expected a path in a folder that exists, got \"%s\"",
             option, path);
    fault(faults, sentence);
    return false;
}

bool server_check(const struct configuration *configuration, struct byte_writer *faults)
{
    const struct server_options *options = configuration->options;
    bool is_good = certificates_are_good(options, faults);
    is_good = folder_is_there("store.path", options->store.path, faults) && is_good;
    return folder_is_there("control.socket", options->control_socket, faults) && is_good;
}
