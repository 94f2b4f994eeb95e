/* See address.h. */
#include "switch/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "protocols/base/digits.h"

static enum status port_parse(uint16_t *port, const char *text)
{
    uint64_t number = 0;
    size_t length = strlen(text);
    if (length == 0 || length > 5) {
        return STATUS_MALFORMED;
    }
    enum status status =
        digits_parse(&number, text, (uint32_t)length, (struct number_range){0, UINT16_MAX});
    *port = (uint16_t)number;
    return status == STATUS_OK ? STATUS_OK : STATUS_MALFORMED;
}

enum status net_address_parse(struct net_address *address, const char *text)
{
    char host[NET_ADDRESS_TEXT_SIZE];
    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof(host)) {
        return STATUS_MALFORMED;
    }
    size_t length = (size_t)(colon - text);
    *address = (struct net_address){.is_v6 = text[0] == '['};
    if (address->is_v6) {
        if (length < 2 || text[length - 1] != ']') {
            return STATUS_MALFORMED;
        }
        text++;
        length -= 2;
    }
    memcpy(host, text, length);
    host[length] = 0;
    if (length > 0 && inet_pton(address->is_v6 ? AF_INET6 : AF_INET, host, address->bytes) != 1) {
        return STATUS_MALFORMED;
    }
    return port_parse(&address->port, colon + 1);
}

void net_address_format(char text[NET_ADDRESS_TEXT_SIZE], const struct net_address *address)
{
    char host[INET6_ADDRSTRLEN] = "";
    inet_ntop(address->is_v6 ? AF_INET6 : AF_INET, address->bytes, host, sizeof(host));
    snprintf(text, NET_ADDRESS_TEXT_SIZE, address->is_v6 ? "[%s]:%u" : "%s:%u", host,
             (unsigned)address->port);
}

void net_address_to_socket(const struct net_address *address, struct sockaddr_storage *storage)
{
    memset(storage, 0, sizeof(*storage));
    if (address->is_v6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)storage;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(address->port);
        memcpy(&in6->sin6_addr, address->bytes, 16);
    } else {
        struct sockaddr_in *in4 = (struct sockaddr_in *)storage;
        in4->sin_family = AF_INET;
        in4->sin_port = htons(address->port);
        memcpy(&in4->sin_addr, address->bytes, 4);
    }
}

void net_address_from_socket(struct net_address *address, const struct sockaddr_storage *storage)
{
    *address = (struct net_address){.is_v6 = storage->ss_family == AF_INET6};
    if (address->is_v6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)storage;
        address->port = ntohs(in6->sin6_port);
        memcpy(address->bytes, &in6->sin6_addr, 16);
    } else {
        const struct sockaddr_in *in4 = (const struct sockaddr_in *)storage;
        address->port = ntohs(in4->sin_port);
        memcpy(address->bytes, &in4->sin_addr, 4);
    }
}

bool net_address_is_same_host(const struct net_address *left, const struct net_address *right)
{
    return left->is_v6 == right->is_v6 && memcmp(left->bytes, right->bytes, 16) == 0;
}
