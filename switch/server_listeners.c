/* The listeners of all workers: opened at start, changed whole or not at all at a reload.
 *
 * A listener's socket is known by address and port, its connections by its name. So a listener may
 * move to another port and keep its terminals, or be renamed and keep its socket; only where the
 * speech changes (dialect, framing, TLS or none) do open connections end as they began.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocols/base/require.h"
#include "switch/server_state.h"

SSL_CTX *server_tls_create(const struct listener_options *listener, struct tls_tickets *tickets,
                           char reason[TLS_REASON_SIZE])
{
    struct tls_server_setup setup = {.certificate_file = listener->tls.certificate,
                                     .key_file = listener->tls.key,
                                     .client_ca_file = listener->tls.client_ca,
                                     .client_is_required = listener->tls.client_ca[0] != 0,
                                     .only_tls_1_3 =
                                         listener->tls.min_version == OPTION_TLS_VERSION_1_3,
                                     .tickets = tickets};
    return tls_server_create(&setup, reason);
}

static struct terminals_port_limits limits_of(const struct listener_options *options)
{
    return (struct terminals_port_limits){
        .connection_max = options->connection_max,
        .per_address_max = options->per_address_max,
        .handshake_timeout_ms = options->handshake_timeout_ms,
        .first_message_timeout_ms = options->first_message_timeout_ms,
        .idle_timeout_ms = options->idle_timeout_ms,
    };
}

/* The first of the set is the one that is meant where nothing has come yet. */
static enum frame_length_kind first_kind(uint32_t lengths)
{
    REQUIRE(lengths != 0);
    return (enum frame_length_kind)__builtin_ctz(lengths);
}

static uint32_t other_kinds(uint32_t lengths)
{
    return lengths & ~(1U << first_kind(lengths));
}

/* The port's setup, but for its paths and TLS. False: `reason` says which part is faulty. */
static bool port_setup(const struct configuration *configuration,
                       const struct listener_options *options, struct terminals_port_setup *setup,
                       char reason[SERVER_REASON_SIZE])
{
    char text[OPTION_ADDRESS_SIZE + 16];
    bool is_v6 = strchr(options->address, ':') != NULL;
    snprintf(text, sizeof(text), is_v6 ? "[%s]:%u" : "%s:%u", options->address, options->port);
    *setup = (struct terminals_port_setup){
        .framing = {.length_kind = first_kind(options->framing.lengths),
                    .other_kinds = other_kinds(options->framing.lengths),
                    .has_tpdu = options->framing.has_tpdu,
                    .may_be_http = options->framing.may_be_http,
                    .length_max = options->framing.length_max},
        .edition = configuration_edition(configuration, options->dialect),
        .has_identity = options->tls.is_on && options->tls.client_ca[0] != 0,
        .limits = limits_of(options),
    };
    memcpy(setup->name, options->name, sizeof(setup->name));
    REQUIRE(setup->edition != NULL);
    if (net_address_parse(&setup->address, text) != STATUS_OK) {
        snprintf(reason, SERVER_REASON_SIZE, "listener %s: %s is no IP address", options->name,
                 options->address);
        return false;
    }
    return true;
}

static const char *const *paths_of(const struct listener_options *options,
                                   const char *paths[OPTION_WORD_COUNT_MAX + 1])
{
    for (uint32_t i = 0; i < options->http_paths.count; i++) {
        paths[i] = options->http_paths.items[i];
    }
    paths[options->http_paths.count] = NULL;
    return paths;
}

static void log_listening(const struct listener_options *options, uint16_t port)
{
    LOG(LOG_NOTICE, "listening", LOG_TEXT("listener", options->name),
        LOG_TEXT("address", options->address), LOG_NUMBER("port", port),
        LOG_TEXT("tls", options->tls.is_on ? "yes" : "no"), LOG_TEXT("dialect", options->dialect));
}

static bool listen_on(struct server *server, const struct listener_options *options, uint32_t index,
                      char reason[SERVER_REASON_SIZE])
{
    const char *paths[OPTION_WORD_COUNT_MAX + 1];
    struct terminals_port_setup setup;
    if (!port_setup(server->configuration, options, &setup, reason)) {
        return false;
    }
    setup.framing.http_paths = paths_of(options, paths);
    struct listener_setup place = {.name = options->name, .address = setup.address};
    if (!listener_is_free(&place, reason)) {
        return false;
    }
    for (uint16_t i = 0; i < server->worker_count; i++) {
        struct terminals *terminals = worker_terminals(server->workers[i]);
        if (options->tls.is_on) {
            setup.tls = server_tls_create(options, &server->tickets[i], reason);
            if (setup.tls == NULL) {
                return false;
            }
        }
        enum status status = terminals_listen(terminals, &setup, reason);
        tls_release(setup.tls);
        if (status != STATUS_OK) {
            return false;
        }
        /* A port that the kernel picked for the first worker is the port of all. */
        struct terminals_port_view view;
        bool is_there = terminals_port(terminals, index, &view);
        REQUIRE(is_there);
        setup.address.port = view.port;
    }
    log_listening(options, setup.address.port);
    return true;
}

int server_listeners_begin(struct server *server)
{
    const struct server_options *options = server->configuration->options;
    char reason[SERVER_REASON_SIZE];
    for (uint32_t i = 0; i < options->listener_count; i++) {
        if (!listen_on(server, &options->listeners[i], i, reason)) {
            return server_fail(SERVER_EXIT_FAILED, "listener", reason);
        }
    }
    return SERVER_EXIT_OK;
}

/* ---- at a reload ---- */

/* The one before that listens where this one shall, or -1. */
static int socket_before(const struct server_options *running,
                         const struct listener_options *wanted)
{
    for (uint32_t i = 0; i < running->listener_count; i++) {
        const struct listener_options *one = &running->listeners[i];
        bool is_there = one->port == wanted->port && strcmp(one->address, wanted->address) == 0;
        if (is_there && (one->port != 0 || strcmp(one->name, wanted->name) == 0)) {
            return (int)i;
        }
    }
    return -1;
}

/* The one whose connections go on as those of the one before; -1: none does. */
static int successor_of(const struct server_options *wanted, const struct listener_options *before,
                        int on_its_socket)
{
    int found = on_its_socket;
    for (uint32_t i = 0; i < wanted->listener_count; i++) {
        if (strcmp(wanted->listeners[i].name, before->name) == 0) {
            found = (int)i;
        }
    }
    return found >= 0 && server_options_is_same_speech(before, &wanted->listeners[found]) ? found
                                                                                          : -1;
}

/* Who follows whom; the same for every worker. */
static void relate(const struct configuration *running, const struct configuration *fresh,
                   struct terminals_change *change)
{
    const struct server_options *wanted = fresh->options;
    int on_socket[OPTION_LISTENER_COUNT_MAX];
    for (uint32_t i = 0; i < OPTION_LISTENER_COUNT_MAX; i++) {
        on_socket[i] = -1;
    }
    change->count = wanted->listener_count;
    change->drain_ms = wanted->drain_deadline_ms;
    for (uint32_t i = 0; i < wanted->listener_count; i++) {
        int before = socket_before(running->options, &wanted->listeners[i]);
        change->ports[i] = (struct terminals_change_port){
            .before = before, .descriptor = -1, .limits = limits_of(&wanted->listeners[i])};
        if (before >= 0) {
            on_socket[before] = (int)i;
        }
    }
    for (uint32_t i = 0; i < running->options->listener_count; i++) {
        change->successors[i] = successor_of(wanted, &running->options->listeners[i], on_socket[i]);
    }
}

/* Whether the port that is there stays, with other limits and certificates at most. */
static bool stays(const struct configuration *running, const struct configuration *fresh,
                  const struct terminals_change *change, uint32_t index)
{
    int before = change->ports[index].before;
    if (before < 0 || change->successors[before] != (int)index) {
        return false;
    }
    const struct listener_options *old = &running->options->listeners[before];
    const struct listener_options *new = &fresh->options->listeners[index];
    return strcmp(old->name, new->name) == 0 && configuration_edition(running, old->dialect) ==
                                                    configuration_edition(fresh, new->dialect);
}

/* Another process may not listen there; we ourselves may, on a neighbouring address. */
static bool may_listen(const struct configuration *running, const struct listener_setup *place,
                       char reason[SERVER_REASON_SIZE])
{
    bool is_ours = false;
    for (uint32_t i = 0; i < running->options->listener_count; i++) {
        is_ours = is_ours || running->options->listeners[i].port == place->address.port;
    }
    return is_ours || listener_is_free(place, reason);
}

/* A context of its own for each worker; a socket where it goes on with none; a port where the one
 * that is there does not stay. A port number that the kernel picks is put into the setup. */
static bool port_prepare(const struct listener_options *options, struct tls_tickets *tickets,
                         struct terminals_port_setup *setup, struct terminals_change_port *port,
                         char reason[SERVER_REASON_SIZE])
{
    if (options->tls.is_on) {
        port->tls = server_tls_create(options, tickets, reason);
        if (port->tls == NULL) {
            return false;
        }
    }
    setup->tls = port->tls;
    if (port->before < 0) {
        struct listener_setup place = terminals_port_place(setup);
        port->descriptor = listener_bind(&place, reason);
        if (port->descriptor < 0) {
            return false;
        }
        setup->address.port = listener_bound_port(port->descriptor);
    }
    return true;
}

static bool listener_prepare(struct server *server, const struct configuration *fresh,
                             struct listen_plan *plan, uint32_t index,
                             char reason[SERVER_REASON_SIZE])
{
    const struct listener_options *options = &fresh->options->listeners[index];
    const char *paths[OPTION_WORD_COUNT_MAX + 1];
    struct terminals_port_setup *setup = &plan->setups[index];
    if (!port_setup(fresh, options, setup, reason)) {
        return false;
    }
    struct listener_setup place = terminals_port_place(setup);
    const struct terminals_change *change = &plan->changes[0];
    if (change->ports[index].before < 0 && !may_listen(server->configuration, &place, reason)) {
        return false;
    }
    bool is_staying = stays(server->configuration, fresh, change, index);
    setup->framing.http_paths = paths_of(options, paths);
    for (uint16_t w = 0; w < plan->worker_count; w++) {
        struct terminals_change_port *port = &plan->changes[w].ports[index];
        if (!port_prepare(options, &server->tickets[w], setup, port, reason)) {
            return false;
        }
        port->fresh = is_staying ? NULL : terminals_port_make(setup);
        if (!is_staying && port->fresh == NULL) {
            snprintf(reason, SERVER_REASON_SIZE, "listener %s: no memory", options->name);
            return false;
        }
    }
    setup->framing.http_paths = NULL;
    return true;
}

bool server_listen_prepare(struct server *server, const struct configuration *fresh,
                           struct listen_plan *plan, char reason[SERVER_REASON_SIZE])
{
    plan->worker_count = server->worker_count;
    for (uint16_t w = 0; w < plan->worker_count; w++) {
        relate(server->configuration, fresh, &plan->changes[w]);
    }
    for (uint32_t i = 0; i < fresh->options->listener_count; i++) {
        if (!listener_prepare(server, fresh, plan, i, reason)) {
            return false;
        }
    }
    return true;
}

bool server_listen_ready(struct listen_plan *plan, char reason[SERVER_REASON_SIZE])
{
    for (uint32_t i = 0; i < plan->changes[0].count; i++) {
        struct listener_setup place = terminals_port_place(&plan->setups[i]);
        for (uint16_t w = 0; w < plan->worker_count; w++) {
            int descriptor = plan->changes[w].ports[i].descriptor;
            if (descriptor >= 0 && !listener_listen(descriptor, &place, reason)) {
                return false;
            }
        }
    }
    return true;
}

void server_listen_log(const struct server *server, const struct listen_plan *plan)
{
    const struct server_options *options = server->configuration->options;
    for (uint32_t i = 0; i < plan->changes[0].count; i++) {
        if (plan->changes[0].ports[i].before < 0) {
            log_listening(&options->listeners[i], plan->setups[i].address.port);
        }
    }
}

void server_listen_end(struct listen_plan *plan, bool is_abandoned)
{
    for (uint16_t w = 0; w < plan->worker_count; w++) {
        for (uint32_t i = 0; i < plan->changes[w].count; i++) {
            struct terminals_change_port *port = &plan->changes[w].ports[i];
            if (is_abandoned) {
                terminals_port_drop(port->fresh);
            }
            if (is_abandoned && port->descriptor >= 0) {
                close(port->descriptor);
            }
            tls_release(port->tls);
        }
    }
}
