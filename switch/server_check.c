/* What `--check-config` tries beyond reading: see server_check in server.h. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "switch/net/address.h"
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

static bool is_address(const char *address)
{
    char text[OPTION_ADDRESS_SIZE + 8];
    struct net_address parsed;
    snprintf(text, sizeof(text), strchr(address, ':') != NULL ? "[%s]:1" : "%s:1", address);
    return net_address_parse(&parsed, text) == STATUS_OK;
}

/* Addresses only: a name that had to be looked up could hold a loop up. */
static bool addresses_are_good(const struct server_options *options, struct byte_writer *faults)
{
    char sentence[2 * OPTION_ADDRESS_SIZE + 120];
    bool are_good = true;
    for (uint32_t i = 0; i < options->channel_count; i++) {
        const struct channel_options *channel = &options->channels[i];
        for (uint32_t j = 0; j < channel->link_count; j++) {
            const struct link_options *link = &channel->links[j];
            const char *wrong = is_address(link->address) ? NULL : link->address;
            for (uint32_t k = 0; k < link->from.count && wrong == NULL; k++) {
                wrong = is_address(link->from.items[k]) ? NULL : link->from.items[k];
            }
            if (wrong != NULL) {
                snprintf(sentence, sizeof(sentence),
                         "channel %s, line %u: \"%s\" is no IP address; names are not looked up",
                         channel->name, link->line, wrong);
                fault(faults, sentence);
                are_good = false;
            }
        }
    }
    return are_good;
}

/* The files of TLS to banks, tried as the channels will. */
static bool bank_certificates_are_good(const struct server_options *options,
                                       struct byte_writer *faults)
{
    bool are_good = true;
    for (uint32_t i = 0; i < options->channel_count; i++) {
        const struct channel_options *channel = &options->channels[i];
        char reason[TLS_REASON_SIZE], sentence[TLS_REASON_SIZE + OPTION_PATH_SIZE];
        const struct tls_client_setup setup = {.ca_file = channel->tls.ca,
                                               .certificate_file = channel->tls.certificate,
                                               .key_file = channel->tls.key};
        SSL_CTX *tls = channel->tls.is_on ? tls_client_create(&setup, reason) : NULL;
        if (channel->tls.is_on && tls == NULL) {
            snprintf(sentence, sizeof(sentence), "channel %s: tls: %s", channel->name, reason);
            fault(faults, sentence);
            are_good = false;
        }
        tls_release(tls);
    }
    return are_good;
}

bool server_check(const struct configuration *configuration, struct byte_writer *faults)
{
    const struct server_options *options = configuration->options;
    bool is_good = certificates_are_good(options, faults);
    is_good = bank_certificates_are_good(options, faults) && is_good;
    is_good = addresses_are_good(options, faults) && is_good;
    is_good = folder_is_there("store.folder", options->store.folder, faults) && is_good;
    is_good = (options->aftersales.folder[0] == '\0' ||
               folder_is_there("aftersales.folder", options->aftersales.folder, faults)) &&
              is_good;
    return folder_is_there("control.socket", options->control_socket, faults) && is_good;
}
