/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_PEER_ADDRESS_H
#define BRIDGE_INTAKE_PEER_ADDRESS_H

#include <glib.h>
#include <stdbool.h>
#include <sys/socket.h>

/* Addresses of IPv4 and IPv6; an IPv4 address inside of IPv6 counts as IPv4. */

/* "1.2.3.4:80" or "[::1]:80". */
char *peer_address_text(const struct sockaddr *address);
bool peer_address_is_loopback(const struct sockaddr *address);
/* What counts as one sender, as a text: an IPv4 address, an IPv6 /64. */
char *peer_address_network(const struct sockaddr *address);

#endif
