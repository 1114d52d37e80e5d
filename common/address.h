/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* IP addresses. */
#pragma once

#include <stdint.h>

/* bytes: network byte order, IPv4 in the first four, rest 0. family: AF_INET, AF_INET6, 0: none. */
struct address {
	uint8_t family;
	uint8_t bytes[16];
};

extern const struct address address_loopback; /* 127.0.0.1 */

/* Parses the whole text as an IPv4 or IPv6 address. 0, or -EINVAL without a message. */
int address_parse(const char *text, struct address *address);

/* Parses [ADDRESS:]PORT, IPv6 in brackets; without ADDRESS *address stays. 0, or -EINVAL silently. */
int address_port_parse(const char *text, struct address *address, uint16_t *port);
