// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>

int address_parse(const char *text, struct address *address)
{
	*address = (struct address){};
	if (inet_pton(AF_INET, text, address->bytes) == 1)
		address->family = AF_INET;
	else if (inet_pton(AF_INET6, text, address->bytes) == 1)
		address->family = AF_INET6;
	return address->family ? 0 : -EINVAL;
}
