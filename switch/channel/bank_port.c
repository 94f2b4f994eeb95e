/* See bank_port.h. The socket is opened at create, so that a port that is taken shows at start. */
#include "switch/channel/bank_port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocols/base/require.h"
#include "switch/net/listener.h"
#include "switch/net/log.h"

#define BACKLOG 16
#define ACCEPT_BUDGET 16
#define CONNECTION_MAX 64 /* those that are refused are closed at once */

struct bank_port {
    struct bank_channel *channel; /* borrower */
    struct listener *listener;    /* owner */
    char address[NET_ADDRESS_TEXT_SIZE];
    uint16_t number;
    bool is_stopped;
    /* Of each link of the channel: who may connect. */
    struct net_address from[BANK_LINK_COUNT_MAX][BANK_FROM_COUNT_MAX];
    uint32_t from_counts[BANK_LINK_COUNT_MAX];
};

bool bank_port_serves(const struct bank_port *port, const struct bank_link_setup *setup)
{
    return setup->is_listening && setup->port == port->number &&
           strcmp(setup->address, port->address) == 0;
}

static bool may_come(const struct bank_port *port, uint32_t link, const struct net_address *peer)
{
    bool may = port->from_counts[link] == 0;
    for (uint32_t i = 0; i < port->from_counts[link] && !may; i++) {
        may = net_address_is_same_host(&port->from[link][i], peer);
    }
    return may;
}

static bool refuse(const struct bank_port *port, int descriptor, const struct net_address *peer,
                   const char *why)
{
    char text[NET_ADDRESS_TEXT_SIZE];
    net_address_format(text, peer);
    LOG(LOG_WARN, "bank_conn_refused", LOG_TEXT("channel", port->channel->base.name),
        LOG_NUMBER("port", port->number), LOG_TEXT("peer", text), LOG_TEXT("reason", why));
    close(descriptor);
    return false;
}

static bool on_accept(void *argument, int descriptor, const struct net_address *peer)
{
    struct bank_port *port = argument;
    bool is_known = false;
    for (uint32_t i = 0; i < port->channel->link_count; i++) {
        struct bank_link *link = &port->channel->links[i];
        if (link->port != port || !may_come(port, i, peer)) {
            continue;
        }
        is_known = true;
        if (!link_is_vacant(link->link)) {
            continue;
        }
        link->peer = *peer;
        link->has_peer = true;
        if (!link_take(link->link, descriptor, peer)) {
            link->has_peer = false;
            return false;
        }
        return true;
    }
    return refuse(port, descriptor, peer,
                  is_known ? "every link of this port has its connection; one whose bank has "
                             "vanished ends when its test is not answered"
                           : "this address is not among those that may connect (from)");
}

/* "127.0.0.1", 7300: as net_address_parse wants it. */
static bool address_read(struct net_address *address, const char *text, uint16_t port)
{
    char both[NET_ADDRESS_TEXT_SIZE];
    bool is_v6 = strchr(text, ':') != NULL;
    int length = snprintf(both, sizeof(both), is_v6 ? "[%s]:%u" : "%s:%u", text, (unsigned)port);
    return length > 0 && length < (int)sizeof(both) &&
           net_address_parse(address, both) == STATUS_OK;
}

static bool from_read(struct bank_port *port, uint32_t link, const struct bank_link_setup *setup,
                      char reason[CHANNEL_REASON_SIZE])
{
    REQUIRE(setup->from_count <= BANK_FROM_COUNT_MAX);
    for (uint32_t i = 0; i < setup->from_count; i++) {
        if (!address_read(&port->from[link][i], setup->from[i], 0)) {
            snprintf(reason, CHANNEL_REASON_SIZE,
                     "channel %s: from: \"%.60s\" is no IP address; names are not looked up",
                     port->channel->base.name, setup->from[i]);
            return false;
        }
    }
    port->from_counts[link] = setup->from_count;
    return true;
}

static bool listen_at(struct bank_port *port, struct loop *loop,
                      const struct bank_link_setup *setup, char reason[CHANNEL_REASON_SIZE])
{
    char why[LISTENER_REASON_SIZE];
    struct listener_setup listener = {.name = port->channel->base.name,
                                      .backlog = BACKLOG,
                                      .accept_budget = ACCEPT_BUDGET,
                                      .connection_max = CONNECTION_MAX,
                                      .on_accept = on_accept,
                                      .argument = port};
    if (!address_read(&listener.address, setup->address, setup->port)) {
        snprintf(reason, CHANNEL_REASON_SIZE, "channel %s: \"%.60s\" is no IP address",
                 port->channel->base.name, setup->address);
        return false;
    }
    if (listener_is_free(&listener, why)) {
        port->listener = listener_create(loop, &listener, why);
    }
    if (port->listener == NULL) {
        snprintf(reason, CHANNEL_REASON_SIZE, "channel %s: %.180s", port->channel->base.name, why);
    }
    return port->listener != NULL;
}

struct bank_port *bank_port_create(struct bank_channel *channel, struct loop *loop,
                                   const struct bank_link_setup *setup,
                                   char reason[CHANNEL_REASON_SIZE])
{
    struct bank_port *port = calloc(1, sizeof(*port));
    if (port == NULL) {
        snprintf(reason, CHANNEL_REASON_SIZE, "channel %s: no memory", channel->base.name);
        return NULL;
    }
    port->channel = channel;
    port->number = setup->port;
    snprintf(port->address, sizeof(port->address), "%s", setup->address);
    bool is_good = true;
    for (uint32_t i = 0; i < channel->setup.link_count && is_good; i++) {
        const struct bank_link_setup *one = &channel->setup.links[i];
        is_good = !bank_port_serves(port, one) || from_read(port, i, one, reason);
    }
    if (!is_good || !listen_at(port, loop, setup, reason)) {
        free(port);
        return NULL;
    }
    return port;
}

void bank_port_stop(struct bank_port *port)
{
    if (!port->is_stopped) {
        port->is_stopped = true;
        listener_stop(port->listener);
    }
}

void bank_port_destroy(struct bank_port *port)
{
    bank_port_stop(port);
    listener_close(port->listener);
    free(port);
}

void bank_port_released(struct bank_port *port, const struct net_address *peer)
{
    listener_released(port->listener, peer);
}
