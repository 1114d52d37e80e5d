// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* In a network namespace of its own. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "../netlink.h"
#include "unit.h"

static void run(const char *command)
{
	print_message("%s\n", command);
	assert_int_equal(system(command), 0);
}

FIXTURE(new_namespace)
{
	return unshare(CLONE_NEWNET) ||
	       system("ip link set lo up && ip link add one type veth peer name two &&"
		      "ip addr add 192.0.2.1/24 dev one &&"
		      "ip addr add 2001:db8::1/64 dev one nodad");
}

static struct address address(const char *text)
{
	struct address address = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	assert_int_equal(inet_pton(address.family, text, address.bytes), 1);
	return address;
}

static void assert_address(const struct address *got, const char *expected)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (got->family)
		inet_ntop(got->family, got->bytes, text, sizeof(text));
	assert_string_equal(text, expected);
}

/* The kernel looks at a link's carrier a little later. */
static void await_running(const char *name, bool running)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	struct link link = { .running = !running };

	for (int tries = 0; tries < 500 && link.running != running; tries++) {
		if (tries)
			nanosleep(&pause, NULL);
		assert_int_equal(netlink_link(name, &link), 0);
		assert_true(link.up);
	}
	assert_int_equal(link.running, running);
}

TEST(plain_links)
{
	struct link link;

	assert_int_equal(netlink_link("none", &link), -ENODEV);
	assert_int_equal(netlink_link("", &link), -ENODEV);
	assert_int_equal(netlink_link("a-name-that-is-too-long", &link), -ENODEV);

	run("ip link set one mtu 1400");
	assert_int_equal(netlink_link("one", &link), 0);
	assert_string_equal(link.name, "one");
	assert_string_equal(link.kind, "veth");
	assert_int_equal(link.ifindex, if_nametoindex("one"));
	assert_int_equal(link.mtu, 1400);
	assert_false(link.up || link.running || link.l3);
	assert_int_equal(link.outer_proto, 0);

	run("ip link set one up");
	await_running("one", false); /* its peer is down */
	run("ip link set two up");
	await_running("one", true);

	run("ip tuntap add bare mode tun");
	assert_int_equal(netlink_link("bare", &link), 0);
	assert_true(link.l3);
	assert_int_equal(netlink_link("lo", &link), 0);
	assert_string_equal(link.kind, "");
	assert_false(link.l3);
}

TEST(tunnels)
{
	static const struct {
		const char *options, *kind, *outer;
		uint8_t proto;
		uint16_t port;
		bool l3;
	} cases[] = {
		{ "type vxlan id 7 remote 192.0.2.9 dstport 4789", "vxlan", "192.0.2.9", IPPROTO_UDP, 4789,
		  false },
		{ "type vxlan id 8 remote 2001:db8::9 dstport 8472 local 2001:db8::1", "vxlan", "2001:db8::9",
		  IPPROTO_UDP, 8472, false },
		{ "type vxlan external dstport 4790", "vxlan", "", 0, 0, false },
		{ "type geneve id 7 remote 192.0.2.9 dstport 6081", "geneve", "192.0.2.9", IPPROTO_UDP, 6081,
		  false },
		{ "type geneve id 8 remote 2001:db8::9 dstport 6082", "geneve", "2001:db8::9", IPPROTO_UDP,
		  6082, false },
		{ "type ipip remote 192.0.2.9 local 192.0.2.1", "ipip", "192.0.2.9", IPPROTO_IPIP, 0, true },
		{ "type ipip remote 192.0.2.8 local 192.0.2.1 encap gue encap-sport 6080 encap-dport 6081",
		  "ipip", "192.0.2.8", IPPROTO_UDP, 6081, true },
		{ "type sit remote 192.0.2.9 local 192.0.2.1", "sit", "192.0.2.9", IPPROTO_IPV6, 0, true },
		{ "type gre remote 192.0.2.9 local 192.0.2.1", "gre", "192.0.2.9", IPPROTO_GRE, 0, true },
		{ "type gre remote 192.0.2.8 local 192.0.2.1 encap fou encap-sport 5555 encap-dport 5556",
		  "gre", "192.0.2.8", IPPROTO_UDP, 5556, true },
		{ "type gretap remote 192.0.2.9 local 192.0.2.1", "gretap", "192.0.2.9", IPPROTO_GRE, 0,
		  false },
		{ "type ip6tnl mode ipip6 remote 2001:db8::9 local 2001:db8::1", "ip6tnl", "2001:db8::9",
		  IPPROTO_IPIP, 0, true },
		{ "type ip6tnl mode ip6ip6 remote 2001:db8::8 local 2001:db8::1", "ip6tnl", "2001:db8::8",
		  IPPROTO_IPV6, 0, true },
		{ "type ip6gre remote 2001:db8::9 local 2001:db8::1", "ip6gre", "2001:db8::9", IPPROTO_GRE, 0,
		  true },
		{ "type ip6gretap remote 2001:db8::9 local 2001:db8::1", "ip6gretap", "2001:db8::9",
		  IPPROTO_GRE, 0, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char command[256];
		struct link link;

		snprintf(command, sizeof(command), "ip link add t%zu %s 2>/dev/null", i, cases[i].options);
		if (system(command)) {
			print_message("# not looked at: this kernel has no '%s'\n", cases[i].options);
			continue;
		}
		print_message("%s\n", cases[i].options);
		snprintf(command, sizeof(command), "t%zu", i);
		assert_int_equal(netlink_link(command, &link), 0);
		assert_string_equal(link.kind, cases[i].kind);
		assert_address(&link.outer, cases[i].outer);
		assert_int_equal(link.outer_proto, cases[i].proto);
		assert_int_equal(link.outer_port, cases[i].port);
		assert_int_equal(link.l3, cases[i].l3);
	}
}

static void assert_stacked(const char *device, const char *apart_from_lower)
{
	int lower = if_nametoindex("low"), apart = if_nametoindex(apart_from_lower);
	bool stacked;

	for (int turn = 0; turn < 2; turn++) { /* whichever of them is mirrored */
		int a = turn ? lower : (int)if_nametoindex(device),
		    b = turn ? (int)if_nametoindex(device) : lower;

		assert_int_equal(netlink_stacked(a, b, &stacked), 0);
		assert_true(stacked);
	}
	assert_int_equal(netlink_stacked(apart, lower, &stacked), 0);
	assert_false(stacked);
}

/* Devices that share the wire of "low", each beside one that does not. */
TEST(stacks)
{
	static const char *const cases[][3] = {
		{ "true", "low", "port" },
		{ "true", "low2", "port2" }, /* the other end, in this namespace */
		{ "ip link add link low name tag type vlan id 7", "tag", "port" },
		{ "ip link add name br0 type bridge && ip link set low master br0 &&"
		  "ip link set port master br0",
		  "br0", "port" },
		{ "ip link add link br0 name above type macvlan", "above", "port" },
		{ "ip link add name tunnel type gretap remote 192.0.2.7 local 192.0.2.1 dev low", "low",
		  "tunnel" },
	};

	run("ip link add name low type veth peer name low2 && ip link add name port type veth peer name "
	    "port2");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (system(cases[i][0]))
			print_message("# not looked at: this kernel has no '%s'\n", cases[i][0]);
		else
			assert_stacked(cases[i][1], cases[i][2]);
	}
}

static void assert_route(const struct route *got, const struct route *expected)
{
	assert_memory_equal(&got->dst, &expected->dst, sizeof(got->dst));
	assert_memory_equal(&got->gateway, &expected->gateway, sizeof(got->gateway));
	assert_int_equal(got->dst_len, expected->dst_len);
	assert_int_equal(got->ifindex, expected->ifindex);
	assert_int_equal(got->protocol, expected->protocol);
}

static void routes_of(const char *near, const char *far, const char *gateway, const char *nowhere)
{
	struct address near_address = address(near), far_address = address(far), lost = address(nowhere);
	struct route route = { .dst = far_address,
			       .dst_len = strchr(far, ':') ? 128 : 32,
			       .gateway = address(gateway),
			       .ifindex = if_nametoindex("one"),
			       .protocol = 100 };
	struct route read;

	assert_int_equal(netlink_route_get(&near_address, 0, &read), 0);
	assert_int_equal(read.ifindex, route.ifindex);
	assert_address(&read.gateway, "");
	assert_int_equal(netlink_route_get(&lost, 0, &read), -ENETUNREACH);

	assert_int_equal(netlink_host_route(&far_address, route.ifindex, &read), -ENOENT);
	assert_int_equal(netlink_route_del(&route), -ESRCH);
	assert_int_equal(netlink_route_add(&route), 0);
	assert_int_equal(netlink_route_add(&route), -EEXIST);
	assert_int_equal(netlink_host_route(&far_address, route.ifindex, &read), 0);
	assert_route(&read, &route);
	assert_int_equal(netlink_host_route(&far_address, if_nametoindex("lo"), &read), -ENOENT);
	assert_int_equal(netlink_host_route(&near_address, route.ifindex, &read), -ENOENT);

	assert_int_equal(netlink_route_get(&far_address, 0, &read), 0);
	assert_int_equal(read.ifindex, route.ifindex);
	assert_address(&read.gateway, gateway);
	assert_address(&read.dst, "");

	assert_int_equal(netlink_route_del(&route), 0);
	assert_int_equal(netlink_route_del(&route), -ESRCH);

	/* on-link */
	route.gateway = (struct address){ 0 };
	assert_int_equal(netlink_route_add(&route), 0);
	assert_int_equal(netlink_host_route(&far_address, route.ifindex, &read), 0);
	assert_route(&read, &route);
	assert_int_equal(netlink_route_del(&route), 0);
	assert_int_equal(netlink_host_route(&far_address, route.ifindex, &read), -ENOENT);
}

TEST(routes)
{
	struct route route = { .dst = address("198.51.100.7"),
			       .dst_len = 32,
			       .gateway = address("2001:db8::2"),
			       .ifindex = if_nametoindex("one"),
			       .protocol = 100 };
	struct route read;

	run("ip link set one up && ip link set two up");
	routes_of("192.0.2.77", "198.51.100.7", "192.0.2.2", "203.0.113.1");
	routes_of("2001:db8::77", "2001:db8:1::7", "2001:db8::2", "2001:db8:2::1");

	/* IPv4 through an IPv6 router */
	assert_int_equal(netlink_route_add(&route), 0);
	assert_int_equal(netlink_host_route(&route.dst, route.ifindex, &read), 0);
	assert_route(&read, &route);
	assert_int_equal(netlink_route_del(&route), 0);
}

static int drop_nothing(void)
{
	const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "drop_nothing", "GPL", program, 2, NULL);
}

static uint32_t prog_id(int fd)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	return info.id;
}

static void assert_clsact(int ifindex, bool present, bool used)
{
	bool is_present, is_used;

	assert_int_equal(netlink_clsact(ifindex, &is_present, &is_used), 0);
	assert_int_equal(is_present, present);
	assert_int_equal(is_used, used);
}

TEST(clsact)
{
	int ifindex = if_nametoindex("one");

	assert_clsact(ifindex, false, false);
	run("tc qdisc add dev two clsact");
	assert_clsact(ifindex, false, false);
	assert_int_not_equal(netlink_clsact_del(ifindex), 0);

	assert_int_equal(netlink_clsact_add(ifindex), 0);
	assert_int_equal(netlink_clsact_add(ifindex), -EEXIST);
	assert_clsact(ifindex, true, false);
	run("tc filter add dev one egress u32 match u32 0 0");
	assert_clsact(ifindex, true, true);
	run("tc filter del dev one egress");
	assert_clsact(ifindex, true, false);
	run("tc filter add dev one ingress u32 match u32 0 0");
	assert_clsact(ifindex, true, true);
	assert_int_equal(netlink_clsact_del(ifindex), 0);
	assert_clsact(ifindex, false, false);

	run("tc qdisc add dev one ingress_block 7 clsact");
	assert_clsact(ifindex, true, true);
	run("tc qdisc del dev one clsact");

	/* the older ingress qdisc is not clsact, and stands in its way */
	run("tc qdisc add dev one ingress && tc filter add dev one ingress u32 match u32 0 0");
	assert_clsact(ifindex, false, false);
	assert_int_equal(netlink_clsact_add(ifindex), -EEXIST);
	run("tc qdisc del dev one ingress && tc qdisc del dev two clsact");
}

TEST(filters)
{
	int ifindex = if_nametoindex("one"), first = drop_nothing(), second = drop_nothing();
	struct tc_filter *list;
	size_t n;

	assert_true(first >= 0 && second >= 0);
	assert_int_not_equal(netlink_tc_filter_add(ifindex, INGRESS, first, "first"), 0); /* no clsact */
	assert_int_equal(netlink_tc_filters(ifindex, INGRESS, &list, &n), 0);
	assert_int_equal(n, 0);

	assert_int_equal(netlink_clsact_add(ifindex), 0);
	run("tc filter add dev one ingress prio 9 u32 match u32 0 0"); /* not BPF, not listed */
	assert_int_equal(netlink_tc_filter_add(ifindex, INGRESS, first, "first"), 0);
	assert_int_equal(netlink_tc_filter_add(ifindex, INGRESS, second, "second"), 0);
	assert_int_equal(netlink_tc_filter_add(ifindex, EGRESS, first, "other way"), 0);

	/* the later one runs first */
	assert_int_equal(netlink_tc_filters(ifindex, INGRESS, &list, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(list[0].name, "second");
	assert_int_equal(list[0].prog_id, prog_id(second));
	assert_string_equal(list[1].name, "first");
	assert_int_equal(list[1].prog_id, prog_id(first));
	assert_true(9 < list[0].priority && list[0].priority < list[1].priority);
	assert_int_equal(list[0].protocol, htons(ETH_P_ALL));
	run("tc filter show dev one ingress | grep -q 'second.*direct-action'");

	assert_int_equal(netlink_tc_filter_del(ifindex, INGRESS, &list[0]), 0);
	assert_int_equal(netlink_tc_filter_del(ifindex, INGRESS, &list[0]), -ENOENT);
	free(list);
	assert_int_equal(netlink_tc_filters(ifindex, INGRESS, &list, &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].name, "first");
	free(list);
	assert_int_equal(netlink_tc_filters(ifindex, EGRESS, &list, &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].name, "other way");
	free(list);

	close(first);
	close(second);
	assert_int_equal(netlink_clsact_del(ifindex), 0);
}

TEST(neighbours)
{
	static const char *const known[] = { "192.0.2.8", "2001:db8::8" };
	const struct address none = address("192.0.2.9");
	uint16_t entry = 0;
	struct link link;

	run("ip link set one up && ip link set two up && ip neigh add 192.0.2.8 lladdr 02:00:00:00:00:08 dev "
	    "one &&"
	    "ip neigh add 2001:db8::8 lladdr 02:00:00:00:00:08 dev one");
	assert_int_equal(netlink_link("one", &link), 0);
	for (int i = 0; i < 2; i++) {
		const struct address to = address(known[i]);

		assert_int_equal(netlink_neighbour(&to, link.ifindex, &entry), 0);
		assert_int_equal(entry, NUD_PERMANENT);
		assert_int_equal(netlink_neighbour_ask(&to, link.ifindex), -EEXIST);
		assert_int_equal(netlink_neighbour(&to, link.ifindex, &entry), 0);
		assert_int_equal(entry, NUD_PERMANENT);
	}
	assert_int_equal(netlink_neighbour(&none, link.ifindex, &entry), -ENOENT);
	assert_int_equal(netlink_neighbour_ask(&none, link.ifindex), 0);
	assert_int_equal(netlink_neighbour(&none, link.ifindex, &entry), 0);
	assert_int_equal(entry, NUD_INCOMPLETE);
}

TEST_MAIN(new_namespace, NULL)
