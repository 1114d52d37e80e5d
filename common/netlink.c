// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/lwtunnel.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef ARPHRD_RAWIP
#define ARPHRD_RAWIP 519
#endif

#define CLSACT_HANDLE TC_H_MAKE(TC_H_CLSACT, 0)

/* ---- one request and its replies ---- */

struct talk {
	int (*reply)(struct nlmsghdr *header, void *ctx); /* 0 or a negative errno, kept as the result */
	void *ctx;
	int err;
	bool done;
};

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct talk *t = arg;
	int err = t->reply ? t->reply(nlmsg_hdr(msg), t->ctx) : 0;

	if (!t->err)
		t->err = err;
	return NL_OK;
}

static int on_end(struct nl_msg *msg, void *arg)
{
	struct talk *t = arg;

	(void)msg;
	t->done = true;
	return NL_STOP;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *arg)
{
	struct talk *t = arg;

	(void)from;
	t->err = error->error;
	t->done = true;
	return NL_STOP;
}

/*
 * Sends msg, which it frees, and calls reply for each answer. libnl's own error codes lose errno, so it is
 * kept here.
 */
static int talk(struct nl_msg *msg, int (*reply)(struct nlmsghdr *header, void *ctx), void *ctx)
{
	struct talk t = { .reply = reply, .ctx = ctx };
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	struct nl_sock *sock = nl_socket_alloc();
	int on = 1, err = -ENOMEM;

	if (!msg || !cb || !sock)
		goto out;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, &t);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_end, &t);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_end, &t);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, &t);

	err = -EIO;
	if (nl_connect(sock, NETLINK_ROUTE))
		goto out;
	/*
	 * lets the kernel filter dumps by what the request names (routes by device); older kernels have no
	 * need
	 */
	setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	if (nl_send_auto(sock, msg) < 0)
		goto out;
	while (!t.done) {
		err = nl_recvmsgs(sock, cb);
		if (err < 0 && !t.done) {
			err = err == -NLE_DUMP_INTR ? -EAGAIN : -EIO;
			goto out;
		}
	}
	err = t.err;
out:
	nl_socket_free(sock);
	nl_cb_put(cb);
	nlmsg_free(msg);
	return err;
}

/* A message with its fixed header, NULL when out of memory. */
static struct nl_msg *request(int type, int flags, const void *header, size_t size)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	if (msg && nlmsg_append(msg, (void *)header, size, NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

/* ---- addresses ---- */

static size_t address_size(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

/* An attribute's 4 or 16 bytes; the unspecified address counts as none. */
static bool address_from(struct address *address, struct nlattr *attr)
{
	static const uint8_t zero[16];
	size_t size = attr ? nla_len(attr) : 0;

	if ((size != 4 && size != 16) || !memcmp(nla_data(attr), zero, size))
		return false;
	memset(address, 0, sizeof(*address));
	address->family = size == 4 ? AF_INET : AF_INET6;
	memcpy(address->bytes, nla_data(attr), size);
	return true;
}

/* ---- links ---- */

/* Where each kind of tunnel keeps what netlink_link() tells of it. */
static const struct tunnel {
	const char *kind;
	int remote, remote6; /* attribute with the remote address; remote6: a second one for IPv6, or 0 */
	int port; /* of a tunnel over UDP */
	uint8_t proto; /* of a tunnel over IP, unless proto_attr says otherwise */
	int proto_attr, encap, encap_port;
} tunnels[] = {
	{ "vxlan", IFLA_VXLAN_GROUP, IFLA_VXLAN_GROUP6, IFLA_VXLAN_PORT, IPPROTO_UDP, 0, 0, 0 },
	{ "geneve", IFLA_GENEVE_REMOTE, IFLA_GENEVE_REMOTE6, IFLA_GENEVE_PORT, IPPROTO_UDP, 0, 0, 0 },
#define IPTUN(proto) \
	IFLA_IPTUN_REMOTE, 0, 0, proto, IFLA_IPTUN_PROTO, IFLA_IPTUN_ENCAP_TYPE, IFLA_IPTUN_ENCAP_DPORT
	{ "ipip", IPTUN(IPPROTO_IPIP) },
	{ "sit", IPTUN(IPPROTO_IPV6) },
	{ "ip6tnl", IPTUN(IPPROTO_IPV6) },
#undef IPTUN
#define GRE IFLA_GRE_REMOTE, 0, 0, IPPROTO_GRE, 0, IFLA_GRE_ENCAP_TYPE, IFLA_GRE_ENCAP_DPORT
	{ "gre", GRE },
	{ "gretap", GRE },
	{ "ip6gre", GRE },
	{ "ip6gretap", GRE },
	{ "erspan", GRE },
	{ "ip6erspan", GRE },
#undef GRE
};

static uint16_t port_of(struct nlattr *attr)
{
	return attr ? ntohs(nla_get_u16(attr)) : 0;
}

static const struct tunnel *tunnel_of(const char *kind)
{
	for (size_t i = 0; i < sizeof(tunnels) / sizeof(*tunnels); i++)
		if (!strcmp(tunnels[i].kind, kind))
			return &tunnels[i];
	return NULL;
}

static void read_tunnel(struct link *link, const struct tunnel *t, struct nlattr *data)
{
	struct nlattr *at[64] = { 0 }; /* at[0] stays NULL: attribute 0 means "has none" above */

	if (nla_parse_nested(at, 63, data, NULL))
		return;
	at[0] = NULL;
	if (!address_from(&link->outer, at[t->remote]) && !address_from(&link->outer, at[t->remote6]))
		return;

	link->outer_proto = t->proto;
	link->outer_port = port_of(at[t->port]);
	if (at[t->proto_attr] && nla_get_u8(at[t->proto_attr]))
		link->outer_proto = nla_get_u8(at[t->proto_attr]);
	if (at[t->encap] && nla_get_u16(at[t->encap]) != TUNNEL_ENCAP_NONE) {
		link->outer_proto = IPPROTO_UDP;
		link->outer_port = port_of(at[t->encap_port]);
	}
}

/* The types without an Ethernet header, as the kernel's redirect helpers tell them apart. */
static bool is_l3(unsigned short type)
{
	switch (type) {
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
	case ARPHRD_IP6GRE:
	case ARPHRD_VOID:
	case ARPHRD_NONE:
	case ARPHRD_RAWIP:
	case ARPHRD_PPP:
		return true;
	default:
		return false;
	}
}

static int on_link(struct nlmsghdr *header, void *ctx)
{
	struct ifinfomsg *info = nlmsg_data(header);
	struct nlattr *at[IFLA_MAX + 1], *kind[IFLA_INFO_MAX + 1];
	const struct tunnel *tunnel;
	struct link *link = ctx;

	if (nlmsg_parse(header, sizeof(*info), at, IFLA_MAX, NULL) || !at[IFLA_IFNAME])
		return -EPROTO;
	link->ifindex = info->ifi_index;
	nla_strlcpy(link->name, at[IFLA_IFNAME], sizeof(link->name));
	link->up = info->ifi_flags & IFF_UP;
	link->running = info->ifi_flags & IFF_RUNNING;
	link->l3 = is_l3(info->ifi_type);
	link->mtu = at[IFLA_MTU] ? nla_get_u32(at[IFLA_MTU]) : 0;
	link->master = at[IFLA_MASTER] ? nla_get_u32(at[IFLA_MASTER]) : 0;
	if (at[IFLA_LINK] && !at[IFLA_LINK_NETNSID]) /* else an index of another namespace */
		link->lower = nla_get_u32(at[IFLA_LINK]);
	if (!at[IFLA_LINKINFO] || nla_parse_nested(kind, IFLA_INFO_MAX, at[IFLA_LINKINFO], NULL) ||
	    !kind[IFLA_INFO_KIND])
		return 0;
	nla_strlcpy(link->kind, kind[IFLA_INFO_KIND], sizeof(link->kind));
	tunnel = tunnel_of(link->kind);
	if (tunnel)
		link->lower = 0; /* sees other packets: ours with other addresses around them */
	if (tunnel && kind[IFLA_INFO_DATA])
		read_tunnel(link, tunnel, kind[IFLA_INFO_DATA]);
	return 0;
}

int netlink_link(const char *name, struct link *link)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct nl_msg *msg;

	memset(link, 0, sizeof(*link));
	if (!*name || strlen(name) >= IFNAMSIZ)
		return -ENODEV;
	msg = request(RTM_GETLINK, 0, &info, sizeof(info));
	if (msg)
		nla_put_string(msg, IFLA_IFNAME, name);
	return talk(msg, on_link, link);
}

struct link_list {
	struct link *at;
	size_t n;
};

static int on_each_link(struct nlmsghdr *header, void *ctx)
{
	struct link_list *list = ctx;
	struct link *grown = reallocarray(list->at, list->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->at = grown;
	memset(&grown[list->n], 0, sizeof(*grown));
	return on_link(header, &grown[list->n++]);
}

#define NEST_MAX 8 /* the kernel stacks no more; ends of veth lead in a circle */

static bool is_above(const struct link_list *links, int upper, int lower, int depth)
{
	if (upper == lower)
		return true;
	for (size_t i = 0; i < links->n && depth < NEST_MAX; i++) {
		const struct link *link = &links->at[i];

		if (link->ifindex == lower && link->master && is_above(links, upper, link->master, depth + 1))
			return true;
		if (link->lower == lower && is_above(links, upper, link->ifindex, depth + 1))
			return true;
	}
	return false;
}

int netlink_stacked(int a, int b, bool *stacked)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	int err = -EAGAIN;

	/* a link that comes or goes meanwhile interrupts it */
	for (int tries = 0; tries < 20 && err == -EAGAIN; tries++) {
		struct link_list links = {};

		err = talk(request(RTM_GETLINK, NLM_F_DUMP, &info, sizeof(info)), on_each_link, &links);
		*stacked = !err && (is_above(&links, a, b, 0) || is_above(&links, b, a, 0));
		free(links.at);
	}
	return err;
}

/* ---- routes ---- */

static int parse_route(struct nlmsghdr *header, struct nlattr **at, struct route *route)
{
	struct rtmsg *rtm = nlmsg_data(header);

	if (nlmsg_parse(header, sizeof(*rtm), at, RTA_MAX, NULL))
		return -EPROTO;
	memset(route, 0, sizeof(*route));
	route->dst_len = rtm->rtm_dst_len;
	route->protocol = rtm->rtm_protocol;
	if (at[RTA_DST])
		address_from(&route->dst, at[RTA_DST]);
	if (at[RTA_OIF])
		route->ifindex = nla_get_u32(at[RTA_OIF]);
	if (at[RTA_GATEWAY])
		address_from(&route->gateway, at[RTA_GATEWAY]);
	if (at[RTA_VIA] && nla_len(at[RTA_VIA]) == (int)sizeof(struct rtvia) + 16) {
		struct rtvia *via = nla_data(at[RTA_VIA]);

		route->gateway.family = via->rtvia_family;
		memcpy(route->gateway.bytes, via->rtvia_addr, 16);
	}
	return 0;
}

static int on_way(struct nlmsghdr *header, void *ctx)
{
	struct nlattr *at[RTA_MAX + 1];
	struct route *route = ctx;
	int err = parse_route(header, at, route);

	memset(&route->dst, 0, sizeof(route->dst));
	route->dst_len = 0;
	return err;
}

int netlink_route_get(const struct address *dst, int ifindex, struct route *route)
{
	size_t size = address_size(dst->family);
	struct rtmsg rtm = { .rtm_family = dst->family, .rtm_dst_len = size * 8 };
	struct nl_msg *msg = request(RTM_GETROUTE, 0, &rtm, sizeof(rtm));

	memset(route, 0, sizeof(*route));
	if (msg) {
		nla_put(msg, RTA_DST, size, dst->bytes);
		if (ifindex)
			nla_put_u32(msg, RTA_OIF, ifindex);
	}
	return talk(msg, on_way, route);
}

struct host_route {
	const struct address *dst;
	struct route *route;
	int ifindex;
	bool found;
};

static int on_route(struct nlmsghdr *header, void *ctx)
{
	struct rtmsg *rtm = nlmsg_data(header);
	struct nlattr *at[RTA_MAX + 1];
	struct host_route *want = ctx;
	struct route route;
	int err = parse_route(header, at, &route);

	if (err || want->found)
		return err;
	if (rtm->rtm_type == RTN_UNICAST && at[RTA_TABLE] && nla_get_u32(at[RTA_TABLE]) == RT_TABLE_MAIN &&
	    route.ifindex == want->ifindex && route.dst_len == address_size(want->dst->family) * 8 &&
	    !memcmp(&route.dst, want->dst, sizeof(route.dst))) {
		*want->route = route;
		want->found = true;
	}
	return 0;
}

int netlink_host_route(const struct address *dst, int ifindex, struct route *route)
{
	struct rtmsg rtm = { .rtm_family = dst->family, .rtm_table = RT_TABLE_MAIN };
	struct nl_msg *msg = request(RTM_GETROUTE, NLM_F_DUMP, &rtm, sizeof(rtm));
	struct host_route want = { .dst = dst, .route = route, .ifindex = ifindex };
	int err;

	if (msg)
		nla_put_u32(msg, RTA_OIF, ifindex);
	err = talk(msg, on_route, &want);
	if (err)
		return err;
	return want.found ? 0 : -ENOENT;
}

static int change_route(int type, int flags, uint8_t scope, const struct route *route)
{
	size_t size = address_size(route->dst.family);
	struct rtmsg rtm = {
		.rtm_family = route->dst.family,
		.rtm_dst_len = route->dst_len,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = route->protocol,
		.rtm_scope = scope,
		.rtm_type = RTN_UNICAST,
	};
	struct nl_msg *msg = request(type, flags, &rtm, sizeof(rtm));

	if (!msg)
		return -ENOMEM;
	nla_put(msg, RTA_DST, size, route->dst.bytes);
	nla_put_u32(msg, RTA_OIF, route->ifindex);
	if (route->gateway.family == route->dst.family) {
		nla_put(msg, RTA_GATEWAY, size, route->gateway.bytes);
	} else if (route->gateway.family) { /* IPv4 through an IPv6 router */
		uint8_t via[sizeof(struct rtvia) + 16];

		memcpy(via, &(struct rtvia){ .rtvia_family = route->gateway.family }, sizeof(struct rtvia));
		memcpy(via + sizeof(struct rtvia), route->gateway.bytes, 16);
		nla_put(msg, RTA_VIA, sizeof(via), via);
	}
	return talk(msg, NULL, NULL);
}

int netlink_route_add(const struct route *route)
{
	return change_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL,
			    route->gateway.family ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK, route);
}

int netlink_route_del(const struct route *route)
{
	return change_route(RTM_DELROUTE, 0, RT_SCOPE_NOWHERE, route);
}

/* ---- neighbours ---- */

static int on_neighbour(struct nlmsghdr *header, void *ctx)
{
	const struct ndmsg *neighbour = nlmsg_data(header);

	*(uint16_t *)ctx = neighbour->ndm_state;
	return 0;
}

static int neighbour(int type, int flags, uint8_t use, const struct address *address, int ifindex,
		     int (*reply)(struct nlmsghdr *header, void *ctx), uint16_t *state)
{
	const struct ndmsg neighbour = {
		.ndm_family = address->family,
		.ndm_ifindex = ifindex,
		.ndm_flags = use,
	};
	struct nl_msg *msg = request(type, flags, &neighbour, sizeof(neighbour));

	if (msg)
		nla_put(msg, NDA_DST, address_size(address->family), address->bytes);
	return talk(msg, reply, state);
}

int netlink_neighbour(const struct address *address, int ifindex, uint16_t *state)
{
	return neighbour(RTM_GETNEIGH, 0, 0, address, ifindex, on_neighbour, state);
}

int netlink_neighbour_ask(const struct address *address, int ifindex)
{
	/* newer kernels would make an entry that is there forget its address, even a permanent one */
	return neighbour(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, NTF_USE, address, ifindex, NULL, NULL);
}

/* ---- clsact and its filters ---- */

static uint32_t parent_of(enum direction direction)
{
	return TC_H_MAKE(TC_H_CLSACT, direction == INGRESS ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

struct clsact {
	int ifindex;
	bool present, used;
};

static int on_qdisc(struct nlmsghdr *header, void *ctx)
{
	struct tcmsg *tcm = nlmsg_data(header);
	struct nlattr *at[TCA_MAX + 1];
	struct clsact *clsact = ctx;

	if (nlmsg_parse(header, sizeof(*tcm), at, TCA_MAX, NULL))
		return -EPROTO;
	if (tcm->tcm_ifindex != clsact->ifindex || !at[TCA_KIND] ||
	    strcmp(nla_get_string(at[TCA_KIND]), "clsact"))
		return 0;
	clsact->present = true;
	if (at[TCA_INGRESS_BLOCK] || at[TCA_EGRESS_BLOCK]) /* filters of a block shared with other devices */
		clsact->used = true;
	return 0;
}

static int on_any_filter(struct nlmsghdr *header, void *ctx)
{
	bool *used = ctx;

	(void)header;
	*used = true;
	return 0;
}

static int dump_filters(int ifindex, enum direction direction, int (*reply)(struct nlmsghdr *, void *),
			void *ctx)
{
	struct tcmsg tcm = { .tcm_ifindex = ifindex, .tcm_parent = parent_of(direction) };

	return talk(request(RTM_GETTFILTER, NLM_F_DUMP, &tcm, sizeof(tcm)), reply, ctx);
}

int netlink_clsact(int ifindex, bool *present, bool *used)
{
	struct clsact clsact = { .ifindex = ifindex };
	struct tcmsg tcm = { .tcm_ifindex = ifindex };
	int err = talk(request(RTM_GETQDISC, NLM_F_DUMP, &tcm, sizeof(tcm)), on_qdisc, &clsact);

	for (enum direction d = INGRESS; d < DIRECTIONS && clsact.present && !err; d++)
		err = dump_filters(ifindex, d, on_any_filter, &clsact.used);
	*present = clsact.present;
	*used = clsact.used;
	return err;
}

static int change_clsact(int type, int flags, int ifindex)
{
	struct tcmsg tcm = { .tcm_ifindex = ifindex, .tcm_handle = CLSACT_HANDLE, .tcm_parent = TC_H_CLSACT };
	struct nl_msg *msg = request(type, flags, &tcm, sizeof(tcm));

	if (msg)
		nla_put_string(msg, TCA_KIND, "clsact");
	return talk(msg, NULL, NULL);
}

int netlink_clsact_add(int ifindex)
{
	return change_clsact(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex);
}

int netlink_clsact_del(int ifindex)
{
	return change_clsact(RTM_DELQDISC, 0, ifindex);
}

struct filter_list {
	struct tc_filter *at;
	size_t n;
};

static int on_filter(struct nlmsghdr *header, void *ctx)
{
	struct tcmsg *tcm = nlmsg_data(header);
	struct nlattr *at[TCA_MAX + 1], *bpf[TCA_BPF_MAX + 1];
	struct filter_list *list = ctx;
	struct tc_filter *filter;

	if (nlmsg_parse(header, sizeof(*tcm), at, TCA_MAX, NULL))
		return -EPROTO;
	if (!tcm->tcm_handle || !at[TCA_KIND] || strcmp(nla_get_string(at[TCA_KIND]), "bpf") ||
	    !at[TCA_OPTIONS])
		return 0;
	if (at[TCA_CHAIN] &&
	    nla_get_u32(at[TCA_CHAIN])) /* runs only where another filter sends packets to it */
		return 0;
	if (nla_parse_nested(bpf, TCA_BPF_MAX, at[TCA_OPTIONS], NULL))
		return -EPROTO;
	if (!bpf[TCA_BPF_ID]) /* classic BPF */
		return 0;

	filter = reallocarray(list->at, list->n + 1, sizeof(*filter));
	if (!filter)
		return -ENOMEM;
	list->at = filter;
	filter += list->n++;
	*filter = (struct tc_filter){
		.prog_id = nla_get_u32(bpf[TCA_BPF_ID]),
		.handle = tcm->tcm_handle,
		.priority = TC_H_MAJ(tcm->tcm_info) >> 16,
		.protocol = TC_H_MIN(tcm->tcm_info),
	};
	if (bpf[TCA_BPF_NAME])
		nla_strlcpy(filter->name, bpf[TCA_BPF_NAME], sizeof(filter->name));
	return 0;
}

int netlink_tc_filters(int ifindex, enum direction direction, struct tc_filter **filters, size_t *n)
{
	struct filter_list list = { 0 };
	bool present, used;
	int err;

	*filters = NULL;
	*n = 0;
	/* the older ingress qdisc would answer with its own filters, for both directions */
	err = netlink_clsact(ifindex, &present, &used);
	if (err || !present)
		return err;
	err = dump_filters(ifindex, direction, on_filter, &list);
	if (err) {
		free(list.at);
		return err;
	}
	*filters = list.at;
	*n = list.n;
	return 0;
}

int netlink_tc_filter_del(int ifindex, enum direction direction, const struct tc_filter *filter)
{
	struct tcmsg tcm = {
		.tcm_ifindex = ifindex,
		.tcm_handle = filter->handle,
		.tcm_parent = parent_of(direction),
		.tcm_info = TC_H_MAKE(filter->priority << 16, filter->protocol),
	};
	struct nl_msg *msg = request(RTM_DELTFILTER, 0, &tcm, sizeof(tcm));

	if (msg)
		nla_put_string(msg, TCA_KIND, "bpf");
	return talk(msg, NULL, NULL);
}

int netlink_tc_filter_add(int ifindex, enum direction direction, int prog_fd, const char *name)
{
	/* no priority, as l3afd: ahead of others that named none, behind those that chose an early place */
	struct tcmsg tcm = {
		.tcm_ifindex = ifindex,
		.tcm_parent = parent_of(direction),
		.tcm_info = TC_H_MAKE(0, htons(ETH_P_ALL)),
	};
	struct nl_msg *msg = request(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &tcm, sizeof(tcm));
	struct nlattr *options;

	if (!msg)
		return -ENOMEM;
	nla_put_string(msg, TCA_KIND, "bpf");
	options = nla_nest_start(msg, TCA_OPTIONS);
	nla_put_u32(msg, TCA_BPF_FD, prog_fd);
	nla_put_string(msg, TCA_BPF_NAME, name);
	nla_put_u32(msg, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	nla_nest_end(msg, options);
	return talk(msg, NULL, NULL);
}

uint64_t netlink_namespace(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);
	struct stat st;

	/* before Linux 5.14 an inode, which may be used again when the namespace has gone */
	if ((fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size)) &&
	    !stat("/proc/self/ns/net", &st))
		cookie = st.st_ino;
	if (fd >= 0)
		close(fd);
	return cookie;
}
