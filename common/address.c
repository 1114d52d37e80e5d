// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "units.h"

const struct address address_loopback = { AF_INET, { 127, 0, 0, 1 } };

int address_parse(const char *text, struct address *address)
{
	*address = (struct address){};
	if (inet_pton(AF_INET, text, address->bytes) == 1)
		address->family = AF_INET;
	else if (inet_pton(AF_INET6, text, address->bytes) == 1)
		address->family = AF_INET6;
	return address->family ? 0 : -EINVAL;
}

int address_port_parse(const char *text, struct address *address, uint16_t *port)
{
	const char *colon = strrchr(text, ':');
	bool brackets = colon && *text == '[' && colon[-1] == ']';
	char word[INET6_ADDRSTRLEN];
	size_t len = colon ? colon - text - 2 * brackets : 0;
	unsigned long number;

	if (number_parse(colon ? colon + 1 : text, 1, 65535, &number) || len >= sizeof(word))
		return -EINVAL;
	*port = number;
	if (!colon)
		return 0;
	memcpy(word, text + brackets, len);
	word[len] = '\0';
	if (address_parse(word, address) || brackets != (address->family == AF_INET6))
		return -EINVAL;
	return 0;
}
