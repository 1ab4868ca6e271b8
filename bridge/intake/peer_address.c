/* SPDX-License-Identifier: MIT */
#include "bridge/intake/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/* ADDRESS as IPv6, an IPv4 one as the mapped address; the port in *PORT. */
static struct in6_addr as_ipv6(const struct sockaddr *address, unsigned *port)
{
    struct in6_addr ipv6 = IN6ADDR_ANY_INIT;
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        *port = ntohs(in6.sin6_port);
        return in6.sin6_addr;
    }
    struct sockaddr_in in;
    memcpy(&in, address, sizeof in);
    *port = ntohs(in.sin_port);
    ipv6.s6_addr[10] = ipv6.s6_addr[11] = 0xFF;
    memcpy(&ipv6.s6_addr[12], &in.sin_addr, 4);
    return ipv6;
}

char *peer_address_text(const struct sockaddr *address)
{
    unsigned port;
    char text[INET6_ADDRSTRLEN];
    struct in6_addr ipv6 = as_ipv6(address, &port);
    if (IN6_IS_ADDR_V4MAPPED(&ipv6)) {
        inet_ntop(AF_INET, &ipv6.s6_addr[12], text, sizeof text);
        return g_strdup_printf("%s:%u", text, port);
    }
    inet_ntop(AF_INET6, &ipv6, text, sizeof text);
    return g_strdup_printf("[%s]:%u", text, port);
}

bool peer_address_is_loopback(const struct sockaddr *address)
{
    unsigned port;
    struct in6_addr ipv6 = as_ipv6(address, &port);
    return IN6_IS_ADDR_V4MAPPED(&ipv6) ? ipv6.s6_addr[12] == 127
                                       : IN6_IS_ADDR_LOOPBACK(&ipv6);
}

/* Of an IPv6 /64 one sender can have every address. */
char *peer_address_network(const struct sockaddr *address)
{
    unsigned port;
    char text[INET6_ADDRSTRLEN];
    struct in6_addr ipv6 = as_ipv6(address, &port);
    if (!IN6_IS_ADDR_V4MAPPED(&ipv6)) {
        memset(&ipv6.s6_addr[8], 0, 8);
    }
    inet_ntop(AF_INET6, &ipv6, text, sizeof text);
    return g_strdup(text);
}
