/* An IPv4 or IPv6 address with its port, as a plain small value. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"

#define NET_ADDRESS_TEXT_SIZE 56

struct sockaddr;
struct sockaddr_storage;

struct net_address {
    uint8_t bytes[16]; /* IPv4: the first 4 */
    uint16_t port;     /* host order */
    bool is_v6;
};

/* "127.0.0.1:8583", "[::1]:8583", or ":8583" for all of IPv4. Names are not resolved: a look-up
 * would block. STATUS_MALFORMED: neither. */
MUST_CHECK enum status net_address_parse(struct net_address *address, const char *text);
void net_address_format(char text[NET_ADDRESS_TEXT_SIZE], const struct net_address *address);
void net_address_to_socket(const struct net_address *address, struct sockaddr_storage *storage);
void net_address_from_socket(struct net_address *address, const struct sockaddr_storage *storage);
/* Whether both name one host, whatever the port. */
bool net_address_is_same_host(const struct net_address *left, const struct net_address *right);
