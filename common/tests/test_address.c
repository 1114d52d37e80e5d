/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "unit.h"
#include "../address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

TEST(addresses_and_ports)
{
	static const struct {
		const char *text, *address;
	} good[] = { { "80", "127.0.0.1" },
		     { "192.0.2.1:80", "192.0.2.1" },
		     { "[2001:db8::1]:80", "2001:db8::1" } };
	static const char *const bad[] = { "",
					   ":80",
					   "[]:80",
					   "host:80",
					   "192.0.2.1",
					   "192.0.2.1:",
					   "::1:80",
					   "[192.0.2.1]:80",
					   "[::1]",
					   "[::1]:0",
					   "192.0.2.1:65536",
					   "[::1:80",
					   "::1]:80",
					   "]:80",
					   "[:80" };
	struct address address;
	char text[INET6_ADDRSTRLEN];
	uint16_t port;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		address = address_loopback;
		port = 0;
		assert_int_equal(address_port_parse(good[i].text, &address, &port), 0);
		assert_int_equal(port, 80);
		inet_ntop(address.family, address.bytes, text, sizeof(text));
		assert_string_equal(text, good[i].address);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		print_message("'%s'\n", bad[i]);
		assert_int_equal(address_port_parse(bad[i], &address, &port), -EINVAL);
	}
}

TEST_MAIN(NULL, NULL)
