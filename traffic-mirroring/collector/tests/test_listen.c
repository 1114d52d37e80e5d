/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "../../../common/tests/unit.h"
#include "../listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static const struct {
	const char *text;
	enum mirror_format format;
	uint16_t port;
	const char *address, *device; /* NULL: none */
} valid[] = {
	{ "vxlan", FORMAT_VXLAN, 4789, NULL, NULL },
	{ "gue:5000", FORMAT_GUE, 5000, NULL, NULL },
	{ "geneve:192.0.2.1", FORMAT_GENEVE, 6081, "192.0.2.1", NULL },
	{ "geneve:192.0.2.1:65535", FORMAT_GENEVE, 65535, "192.0.2.1", NULL },
	{ "vxlan:[2001:db8::1]", FORMAT_VXLAN, 4789, "2001:db8::1", NULL },
	{ "vxlan:[2001:db8::1]:1", FORMAT_VXLAN, 1, "2001:db8::1", NULL },
	{ "vxlan:[fe80::1%eth1]:1", FORMAT_VXLAN, 1, "fe80::1", "eth1" },
	{ "vxlan:eth1", FORMAT_VXLAN, 4789, NULL, "eth1" },
	{ "vxlan:eth1.7:5000", FORMAT_VXLAN, 5000, NULL, "eth1.7" },
	{ "gre", FORMAT_GRE, 0, NULL, NULL },
	{ "gre:192.0.2.1", FORMAT_GRE, 0, "192.0.2.1", NULL },
	{ "erspan:[2001:db8::1]", FORMAT_ERSPAN, 0, "2001:db8::1", NULL },
	{ "erspan:eth1", FORMAT_ERSPAN, 0, NULL, "eth1" },
	{ "dev:eth1", FORMAT_DEV, 0, NULL, "eth1" },
	{ "vlan:5", FORMAT_VLAN, 0, NULL, "5" },
	{ "dev:fifteen-letters", FORMAT_DEV, 0, NULL, "fifteen-letters" },
};

static const char *const invalid[] = {
	"",
	"vx",
	"vxlanx",
	"vxlan:",
	"vxlan:0",
	"vxlan:65536",
	"vxlan::5000",
	"vxlan:eth1:",
	"vxlan:eth1:eth2",
	"vxlan:192.0.2.256",
	"vxlan:192.0.2.1:0",
	"vxlan:192.0.2.1:port",
	"vxlan:2001:db8::1",
	"vxlan:[2001:db8::1",
	"vxlan:[2001:db8::1]5000",
	"vxlan:[192.0.2.1]",
	"vxlan:[]",
	"vxlan:[fe80::1%]",
	"vxlan:[fe80::1%sixteen--letters]",
	"gre:5000",
	"gre:192.0.2.1:5000",
	"dev",
	"dev:",
	"dev:eth1:5000",
	"dev:[2001:db8::1]",
	"dev:sixteen--letters",
};

TEST(valid_texts)
{
	for (size_t i = 0; i < sizeof(valid) / sizeof(*valid); i++) {
		char address[INET6_ADDRSTRLEN] = "";
		struct listen l;

		print_message("  %s\n", valid[i].text);
		assert_int_equal(listen_parse(valid[i].text, &l), 0);
		assert_ptr_equal(l.text, valid[i].text);
		assert_int_equal(l.format->number, valid[i].format);
		assert_int_equal(l.port, valid[i].port);
		if (l.address.family)
			inet_ntop(l.address.family, l.address.bytes, address, sizeof(address));
		assert_string_equal(address, valid[i].address ?: "");
		assert_string_equal(l.device, valid[i].device ?: "");
	}
}

TEST(invalid_texts)
{
	struct listen l;

	for (size_t i = 0; i < sizeof(invalid) / sizeof(*invalid); i++) {
		print_message("  %s\n", invalid[i]);
		assert_int_equal(listen_parse(invalid[i], &l), -EINVAL);
	}
}

TEST_MAIN(NULL, NULL)
