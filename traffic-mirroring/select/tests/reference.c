// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "reference.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

/* Everything that a filter can ask about, read from the packet. */
struct facts {
	bool malformed; /* the rest is what was read before that was seen */
	uint8_t family; /* 0: not IP */
	struct {
		bool there;
		uint16_t value;
	} number[REF_NUMBERS];
	uint8_t proto;
	uint8_t src[16], dst[16];
	bool first_fragment, later_fragment;
	uint32_t id;
	bool has_flags;
	uint8_t flags;
	const uint8_t *payload; /* after the layer-4 header; NULL: that is not known */
	size_t payload_len; /* by the IP header */
};

static void found(struct facts *f, enum ref_number n, uint16_t value)
{
	f->number[n].there = true;
	f->number[n].value = value;
}

static uint32_t number(const uint8_t *at, size_t size)
{
	uint32_t value = 0;

	while (size--)
		value = value << 8 | *at++;
	return value;
}

static void has_payload(struct facts *f, const uint8_t *at, size_t bytes, size_t header)
{
	f->payload = at + header;
	f->payload_len = bytes > header ? bytes - header : 0;
}

/* bytes: from the layer-4 header to the end that the IP header gives. */
static bool read_l4(struct facts *f, const uint8_t *at, size_t bytes)
{
	bool has_ports = false, good = true;
	size_t header = 0;

	switch (f->proto) {
	case 6:
		has_ports = true;
		if (bytes >= 16) {
			f->has_flags = true;
			f->flags = at[13];
			header = at[12] >> 4 < 5 ? 0 : (at[12] >> 4) * 4;
		}
		good = bytes >= 20 && at[12] >> 4 >= 5;
		break;
	case 17: /* UDP */
	case 136: /* UDP-Lite */
		has_ports = true;
		header = 8;
		good = bytes >= 8;
		break;
	case 33: /* DCCP */
	case 132: /* SCTP */
		has_ports = true;
		header = 12;
		good = bytes >= 12;
		break;
	case 1: /* ICMP */
	case 58: /* ICMPv6 */
		if (bytes < 4)
			return false;
		found(f, REF_ICMP_TYPE, at[0]);
		header = 8;
		break;
	}
	if (has_ports && bytes >= 4) {
		found(f, REF_SRC_PORT, number(at, 2));
		found(f, REF_DST_PORT, number(at + 2, 2));
	}
	if (header && bytes >= 4)
		has_payload(f, at, bytes, header);
	return good;
}

static bool read_ipv4(struct facts *f, const uint8_t *at, size_t bytes, bool gso)
{
	size_t header, total, fragment;

	if (bytes < 20 || at[0] >> 4 != 4)
		return false;
	header = (at[0] & 15) * 4;
	total = number(at + 2, 2);
	if (total == 0 && gso)
		total = bytes;
	if (header < 20 || header > total || total > bytes)
		return false;
	f->family = 4;
	f->proto = at[9];
	found(f, REF_PROTO, f->proto);
	memcpy(f->src, at + 12, 4);
	memcpy(f->dst, at + 16, 4);
	f->id = number(at + 4, 2);
	fragment = number(at + 6, 2);
	f->later_fragment = fragment & 0x1fff;
	f->first_fragment = (fragment & 0x2000) && !f->later_fragment;
	return f->later_fragment || read_l4(f, at + header, total - header);
}

static bool is_extension(uint8_t type)
{
	switch (type) {
	case 0: /* hop-by-hop */
	case 43: /* routing */
	case 44: /* fragment */
	case 51: /* authentication */
	case 60: /* destination options */
	case 135: /* mobility */
	case 139: /* host identity */
	case 140: /* shim6 */
		return true;
	default:
		return false;
	}
}

static size_t extension_size(uint8_t type, uint8_t length)
{
	switch (type) {
	case 44:
		return 8;
	case 51:
		return (length + 2) * 4;
	default:
		return (length + 1) * 8;
	}
}

static bool read_ipv6(struct facts *f, const uint8_t *at, size_t bytes, bool gso)
{
	const uint8_t *end;
	size_t length;
	uint8_t next;

	if (bytes < 40 || at[0] >> 4 != 6)
		return false;
	length = number(at + 4, 2);
	if (length == 0 && gso)
		length = bytes - 40;
	if (length > bytes - 40)
		return false;
	f->family = 6;
	memcpy(f->src, at + 8, 16);
	memcpy(f->dst, at + 24, 16);
	next = at[6];
	at += 40;
	end = at + length;
	for (int n = 0; is_extension(next); n++) {
		uint8_t type = next;
		size_t size;

		if (n == 8 || end - at < 2)
			return false;
		size = extension_size(type, at[1]);
		if ((size_t)(end - at) < size)
			return false;
		next = at[0];
		if (type == 44) {
			f->id = number(at + 4, 4);
			f->later_fragment = number(at + 2, 2) >> 3;
			f->first_fragment |= at[3] & 1;
			if (f->later_fragment) {
				f->first_fragment = false;
				f->proto = next;
				found(f, REF_PROTO, next);
				return true;
			}
		}
		at += size;
	}
	f->proto = next;
	found(f, REF_PROTO, next);
	return read_l4(f, at, end - at);
}

static bool read_network(struct facts *f, uint16_t ethertype, const uint8_t *at, size_t bytes, bool gso)
{
	switch (ethertype) {
	case 0x0800:
		return read_ipv4(f, at, bytes, gso);
	case 0x86dd:
		return read_ipv6(f, at, bytes, gso);
	default:
		return true;
	}
}

/* Without an Ethernet header, the IP version says what the packet is. */
static uint16_t bare_type(uint8_t first_byte)
{
	switch (first_byte >> 4) {
	case 4:
		return 0x0800;
	case 6:
		return 0x86dd;
	default:
		return 0;
	}
}

static bool is_tag(uint16_t ethertype)
{
	return ethertype == 0x8100 || ethertype == 0x88a8;
}

static bool read_packet(struct facts *f, const struct ref_packet *p)
{
	const uint8_t *at = p->data, *end = p->data + p->len;
	uint16_t ethertype;

	if (p->tagged)
		found(f, REF_VLAN, p->tci & 0xfff);
	if (p->l3)
		return p->len && read_network(f, bare_type(*at), at, p->len, p->gso);
	if (p->len < 14)
		return false;
	ethertype = number(at + 12, 2);
	at += 14;
	for (int n = 0; n < 2 && is_tag(ethertype); n++) {
		if (end - at < 4)
			return false;
		if (!f->number[REF_VLAN].there)
			found(f, REF_VLAN, number(at, 2) & 0xfff);
		ethertype = number(at + 2, 2);
		at += 4;
	}
	return read_network(f, ethertype, at, end - at, p->gso);
}

/* What a dimension says to a value that the packet has or, as it may be, has not. */
static bool in_ranges(const struct ref_ranges *ranges, bool has, uint16_t value)
{
	if (ranges->n == 0)
		return true;
	for (size_t i = 0; has && i < ranges->n; i++)
		if (value >= ranges->at[i].from && value <= ranges->at[i].to)
			return true;
	return false;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned int bits)
{
	for (unsigned int i = 0; i < bits; i++)
		if ((a[i / 8] ^ b[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

static bool in_prefixes(const struct ref_prefixes *prefixes, uint8_t family, const uint8_t *addr)
{
	if (prefixes->n == 0)
		return true;
	for (size_t i = 0; i < prefixes->n; i++)
		if (prefixes->at[i].family == family &&
		    same_bits(prefixes->at[i].addr, addr, prefixes->at[i].len))
			return true;
	return false;
}

#define NUMBER(ID, keyword, l4) { keyword, l4 },
static const struct {
	const char *keyword;
	bool l4;
} numbers[REF_NUMBERS] = { REF_LIST(NUMBER) };

static bool numbers_match(const struct ref_rule *r, const struct facts *f, bool l4)
{
	for (int n = 0; n < REF_NUMBERS; n++)
		if (numbers[n].l4 == l4 && !in_ranges(&r->number[n], f->number[n].there, f->number[n].value))
			return false;
	return true;
}

static bool port_matches(const struct ref_ranges *ranges, const struct facts *f, enum ref_number port)
{
	return in_ranges(ranges, f->number[port].there, f->number[port].value);
}

static bool ip_header_matches(const struct ref_rule *r, const struct facts *f)
{
	if (r->malformed != REF_EITHER && (r->malformed == REF_MALFORMED) != f->malformed)
		return false;
	return numbers_match(r, f, false) && in_prefixes(&r->src, f->family, f->src) &&
	       in_prefixes(&r->dst, f->family, f->dst);
}

static bool l4_matches(const struct ref_rule *r, const struct facts *f)
{
	return numbers_match(r, f, true) &&
	       (port_matches(&r->port, f, REF_SRC_PORT) || port_matches(&r->port, f, REF_DST_PORT)) &&
	       (!r->tcp_flags || (f->has_flags && (f->flags & r->mask) == r->flags));
}

static bool needs_l4(const struct ref_rule *r)
{
	for (int n = 0; n < REF_NUMBERS; n++)
		if (numbers[n].l4 && r->number[n].n)
			return true;
	return r->port.n || r->tcp_flags || r->sample > 1 || r->n_to > 1 || r->n_domain || r->first;
}

static bool is_turned(const struct facts *f)
{
	int order = memcmp(f->src, f->dst, 16);

	return order > 0 || (order == 0 && f->number[REF_SRC_PORT].value > f->number[REF_DST_PORT].value);
}

static struct ref_flow flow_of(const struct facts *f)
{
	struct ref_flow flow = { .family = f->family, .proto = f->proto };
	bool turned = is_turned(f);

	memcpy(flow.end[turned].addr, f->src, 16);
	flow.end[turned].port = f->number[REF_SRC_PORT].value;
	memcpy(flow.end[!turned].addr, f->dst, 16);
	flow.end[!turned].port = f->number[REF_DST_PORT].value;
	return flow;
}

static struct mirror_datagram datagram_of(const struct facts *f)
{
	struct mirror_datagram d = {
		.id = f->id,
		.family = f->family,
		.proto = f->family == 4 ? f->proto : 0,
		.vlan = f->number[REF_VLAN].value,
	};

	memcpy(d.src, f->src, 16);
	memcpy(d.dst, f->dst, 16);
	return d;
}

static const struct ref_seen *first_of(const struct reference *ref, const struct mirror_datagram *d)
{
	for (size_t i = ref->n_datagrams; i-- > 0;)
		if (!memcmp(&ref->datagrams[i].key, d, sizeof(*d)))
			return &ref->datagrams[i].seen;
	return NULL;
}

static bool same_flow(const struct ref_flow *a, const struct ref_flow *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static size_t find_name(const struct reference *ref, const struct ref_flow *flow)
{
	size_t i = 0;

	while (i < ref->n_names && !same_flow(&ref->names[i].flow, flow))
		i++;
	return i;
}

bool ref_accepts(const char *pattern, const char *name)
{
	size_t tail = strlen(pattern) - 1, len = strlen(name);

	if (pattern[0] != '*')
		return !strcmp(pattern, name);
	return len > tail && !strcmp(name + len - tail, pattern + 1);
}

static bool names_match(const struct ref_rule *r, const char *name)
{
	for (size_t i = 0; name && i < r->n_domain; i++)
		if (ref_accepts(r->domain[i], name))
			return true;
	return false;
}

static bool is_icmp_error(const struct facts *f)
{
	uint16_t type = f->number[REF_ICMP_TYPE].value;

	if (!f->number[REF_ICMP_TYPE].there)
		return false;
	if (f->family == 6)
		return f->proto == 58 && type >= 1 && type <= 127;
	return f->proto == 1 && (type == 3 || type == 4 || type == 5 || type == 11 || type == 12);
}

static bool is_request(const struct facts *f)
{
	static const char *const methods[] = { "GET ", "POST", "HEAD", "PUT ", "DELE",
					       "OPTI", "PATC", "CONN", "TRAC" };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (f->proto == 6 && f->payload_len >= 4 && !memcmp(f->payload, methods[i], 4))
			return true;
	return false;
}

/* What is known of the packet's name. */
static enum ref_naming naming_of(const struct reference *ref, const struct facts *f,
				 const struct ref_expected *e, const char **name)
{
	size_t i = find_name(ref, &e->flow);

	*name = NULL;
	if (is_icmp_error(f))
		return REF_UNNAMED;
	if (!e->named)
		return REF_NAMELESS;
	if (e->begins || i == ref->n_names)
		return REF_UNNAMED;
	*name = ref->names[i].name;
	return ref->names[i].naming == REF_MIDDLE && is_request(f) ? REF_UNNAMED : ref->names[i].naming;
}

static enum mirror_outcome decided_by(const struct ref_rule *r, const struct facts *f)
{
	if (r->action != ACTION_MIRROR)
		return r->action == ACTION_SKIP ? OUT_SKIPPED : OUT_COUNTED;
	return r->to[0]->l3 && (f->family == 0 || f->number[REF_VLAN].there) ? OUT_DEVICE_NOT_IP : OUT_DEVICE;
}

static void read_flow(struct ref_expected *e, const struct facts *f, const struct ref_packet *packet)
{
	e->turned = is_turned(f);
	e->named = (f->proto == 6 || f->proto == 17) && f->number[REF_SRC_PORT].there;
	e->begins = f->has_flags && (f->flags & 0x12) == 0x02;
	e->always = f->has_flags && f->flags & 0x07;
	e->restarts = f->has_flags && f->flags & 0x02;
	e->packets = packet->gso ? 2 : 1;
	e->bytes = !f->payload ? packet->len : f->payload_len ? f->payload_len : 1;
}

struct ref_expected ref_expect(const struct reference *ref, const struct ref_packet *packet)
{
	struct ref_expected e = { .outcome = OUT_NO_MATCH, .filter = -1 };
	struct facts f = { 0 };
	enum ref_naming naming;
	const char *name;
	bool copies = false; /* one of the filters that may decide */

	if (ref->rules.n == 0) {
		e.outcome = OUT_DISABLED;
		return e;
	}
	if (packet->mark == MIRROR_MARK) {
		e.outcome = OUT_OWN_COPY;
		return e;
	}
	f.malformed = !read_packet(&f, packet);
	if (f.malformed)
		e.outcome = OUT_MALFORMED;
	e.flow = flow_of(&f);
	e.datagram = datagram_of(&f);
	e.teaches = f.first_fragment;
	if (f.later_fragment) {
		e.first = first_of(ref, &e.datagram);
		if (e.first)
			return e;
	}
	read_flow(&e, &f, packet);
	naming = naming_of(ref, &f, &e, &name);
	for (size_t i = 0; i < ref->rules.n; i++) {
		const struct ref_rule *r = &ref->rules.at[i];

		if (!ip_header_matches(r, &f))
			continue;
		if (f.later_fragment && needs_l4(r)) {
			e.outcome = OUT_FRAGMENT_UNKNOWN;
			return e;
		}
		if (!f.later_fragment && !l4_matches(r, &f))
			continue;
		if (r->n_domain && naming == REF_UNNAMED) {
			e.candidates |= UINT64_C(1) << i;
			copies |= r->action != ACTION_SKIP;
			continue;
		}
		if (r->n_domain && !names_match(r, name))
			continue;
		e.filter = i;
		e.outcome = decided_by(r, &f);
		e.perhaps = r->sample > 1 && e.outcome != OUT_SKIPPED;
		copies |= r->action != ACTION_SKIP;
		break;
	}
	if (e.candidates && copies) {
		if (e.filter >= 0)
			e.candidates |= UINT64_C(1) << e.filter;
		e.filter = -1;
		e.outcome = OUT_UNDECIDED;
		e.perhaps = false;
	}
	return e;
}

static const char *oracle_sample(struct reference *ref, const struct ref_flow *flow, uint32_t sample,
				 bool taken)
{
	if (!flow->family)
		return NULL;
	for (size_t i = 0; i < ref->n_flows; i++)
		if (ref->flows[i].sample == sample && same_flow(&ref->flows[i].flow, flow))
			return ref->flows[i].taken == taken ? NULL : "a flow is sampled in part";
	assert(ref->n_flows < REF_MEMORY);
	ref->flows[ref->n_flows].flow = *flow;
	ref->flows[ref->n_flows].sample = sample;
	ref->flows[ref->n_flows++].taken = taken;
	return NULL;
}

static const char *oracle_device(struct reference *ref, const struct ref_flow *flow, int filter,
				 unsigned int ifindex)
{
	const struct ref_rule *r = &ref->rules.at[filter];
	bool named = false;

	for (size_t i = 0; i < r->n_to; i++)
		named |= r->to[i]->ifindex == ifindex;
	if (!named)
		return "the copy left by a device that the line does not name";
	if (!flow->family)
		return NULL;
	for (size_t i = 0; i < ref->n_spreads; i++)
		if (ref->spreads[i].filter == filter && same_flow(&ref->spreads[i].flow, flow))
			return ref->spreads[i].ifindex == ifindex ? NULL : "a flow changed its device";
	assert(ref->n_spreads < REF_MEMORY);
	ref->spreads[ref->n_spreads].flow = *flow;
	ref->spreads[ref->n_spreads].filter = filter;
	ref->spreads[ref->n_spreads++].ifindex = ifindex;
	return NULL;
}

static void learn(struct reference *ref, const struct mirror_datagram *key, const struct ref_seen *seen)
{
	assert(ref->n_datagrams < REF_MEMORY);
	ref->datagrams[ref->n_datagrams].key = *key;
	ref->datagrams[ref->n_datagrams++].seen = *seen;
}

void ref_name(struct reference *ref, const struct ref_flow *flow, enum ref_naming naming, const char *name)
{
	size_t i = find_name(ref, flow);

	assert(i < REF_MEMORY);
	ref->names[i].flow = *flow;
	ref->names[i].naming = naming;
	ref->names[i].name = naming == REF_NAMED ? name : NULL;
	ref->n_names += i == ref->n_names;
}

static void forget_name(struct reference *ref, const struct ref_flow *flow)
{
	size_t i = find_name(ref, flow);

	if (i < ref->n_names)
		ref->names[i] = ref->names[--ref->n_names];
}

static bool asks_names(const struct reference *ref)
{
	for (size_t i = 0; i < ref->rules.n; i++)
		if (ref->rules.at[i].n_domain)
			return true;
	return false;
}

/* Whether the packet is beyond the first bytes or packets that its filter copies. Counts it. */
static bool is_beyond(struct reference *ref, const struct ref_expected *e, int program)
{
	const struct ref_rule *r = &ref->rules.at[e->filter];
	bool within;
	size_t i = 0;

	while (i < ref->n_counts &&
	       (ref->counts[i].program != program || !same_flow(&ref->counts[i].flow, &e->flow)))
		i++;
	assert(i < REF_MEMORY);
	if (e->always) {
		if (i < ref->n_counts && e->restarts)
			ref->counts[i].passed[e->turned] = 0;
		return false;
	}
	if (i == ref->n_counts) {
		memset(&ref->counts[i], 0, sizeof(ref->counts[i]));
		ref->counts[i].flow = e->flow;
		ref->counts[i].program = program;
		ref->n_counts++;
	}
	if (ref->counts[i].packets[e->turned] != r->packets) {
		ref->counts[i].packets[e->turned] = r->packets;
		ref->counts[i].passed[e->turned] = 0;
	}
	within = ref->counts[i].passed[e->turned] < r->first;
	if (within)
		ref->counts[i].passed[e->turned] += r->packets ? e->packets : e->bytes;
	return !within;
}

/* A count line counts only what mirror would copy. */
static int counted_filter(const struct reference *ref, const struct ref_expected *e,
			  const struct ref_seen *seen)
{
	bool counts = e->filter >= 0 && ref->rules.at[e->filter].action == ACTION_COUNT;

	return counts && seen->outcome != OUT_COUNTED ? -1 : e->filter;
}

const char *ref_judge(struct reference *ref, const struct ref_expected *e, int program,
		      const struct ref_seen *seen)
{
	enum mirror_outcome outcome = e->outcome;
	const char *wrong = NULL;

	if (e->first)
		return seen->outcome != e->first->outcome || seen->filter != e->first->filter ||
				       seen->ifindex != e->first->ifindex ?
			       "a later fragment did not follow the first" :
			       NULL;
	if (e->teaches)
		learn(ref, &e->datagram, seen);
	if (e->begins && e->named && asks_names(ref))
		forget_name(ref, &e->flow);
	if (seen->filter != counted_filter(ref, e, seen))
		return "another filter decided";
	if (e->perhaps)
		wrong = oracle_sample(ref, &e->flow, ref->rules.at[e->filter].sample,
				      seen->outcome != OUT_SAMPLED_OUT);
	if (wrong || (e->perhaps && seen->outcome == OUT_SAMPLED_OUT))
		return wrong ?: seen->ifindex ? "a packet that is not in the sample was copied" : NULL;
	if (outcome != OUT_SKIPPED && e->filter >= 0 && ref->rules.at[e->filter].first &&
	    is_beyond(ref, e, program))
		outcome = OUT_BEYOND_FIRST;
	if (seen->refused)
		return outcome == OUT_DEVICE ? NULL : "a copy was tried that is not to be";
	if (seen->outcome != outcome)
		return "another outcome";
	if (outcome == OUT_DEVICE)
		return oracle_device(ref, &e->flow, e->filter, seen->ifindex);
	return seen->ifindex ? "a packet was copied that is not to be" : NULL;
}

static const char *proto_name(uint16_t proto)
{
	switch (proto) {
	case 1:
		return "icmp";
	case 6:
		return "tcp";
	case 17:
		return "udp";
	case 58:
		return "icmpv6";
	default:
		return NULL;
	}
}

static void print_ranges(FILE *to, const char *keyword, const struct ref_ranges *ranges)
{
	for (size_t i = 0; i < ranges->n; i++) {
		if (i == 0)
			fprintf(to, " %s ", keyword);
		else
			fprintf(to, ",");
		if (ranges->at[i].from == ranges->at[i].to)
			fprintf(to, "%u", ranges->at[i].from);
		else
			fprintf(to, "%u-%u", ranges->at[i].from, ranges->at[i].to);
	}
}

static void print_protocols(FILE *to, const struct ref_ranges *protos)
{
	for (size_t i = 0; i < protos->n; i++) {
		const char *name = proto_name(protos->at[i].from);

		fprintf(to, "%s", i ? "," : " proto ");
		if (name)
			fprintf(to, "%s", name);
		else
			fprintf(to, "%u", protos->at[i].from);
	}
}

static void print_prefixes(FILE *to, const char *keyword, const struct ref_prefixes *prefixes)
{
	for (size_t i = 0; i < prefixes->n; i++) {
		char text[INET6_ADDRSTRLEN];

		inet_ntop(prefixes->at[i].family == 6 ? AF_INET6 : AF_INET, prefixes->at[i].addr, text,
			  sizeof(text));
		if (i == 0)
			fprintf(to, " %s ", keyword);
		else
			fprintf(to, ",");
		fprintf(to, "%s/%u", text, prefixes->at[i].len);
	}
}

static void print_rule(FILE *to, const struct ref_rule *r)
{
	fprintf(to, r->action == ACTION_MIRROR ? "mirror" : r->action == ACTION_SKIP ? "skip" : "count");
	for (int n = 0; n < REF_NUMBERS; n++)
		if (n == REF_PROTO)
			print_protocols(to, &r->number[n]);
		else
			print_ranges(to, numbers[n].keyword, &r->number[n]);
	print_prefixes(to, "src", &r->src);
	print_prefixes(to, "dst", &r->dst);
	print_ranges(to, "port", &r->port);
	if (r->tcp_flags)
		fprintf(to, " tcp-flags %u/%u", r->flags, r->mask);
	if (r->malformed != REF_EITHER)
		fprintf(to, " malformed %s", r->malformed == REF_MALFORMED ? "yes" : "no");
	for (size_t i = 0; i < r->n_domain; i++)
		fprintf(to, "%s%s", i ? "," : " domain ", r->domain[i]);
	if (r->sample)
		fprintf(to, " sample 1/%u", r->sample);
	if (r->first)
		fprintf(to, " first %u%s", r->first, r->packets ? "p" : "");
	for (size_t i = 0; i < r->n_to; i++)
		fprintf(to, "%s%s", i ? "," : " to ", r->to[i]->name);
	fprintf(to, "\n");
}

void ref_print(FILE *to, const struct ref_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		print_rule(to, &rules->at[i]);
}
