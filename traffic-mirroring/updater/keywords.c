/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "keywords.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/log.h"
#include "../host/collector.h"
#include "delivery_options.h"
#include "first.h"
#include "rate.h"

#define ERRORS_PRINTED 20

void complain(struct reader *r, struct span where, const char *format, ...)
{
	char text[512];
	va_list args;

	if (r->errors++ >= ERRORS_PRINTED)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (r->line)
		log_error("%s:%u:%td: %s", r->source, r->line, where.at - r->line_start + 1, text);
	else
		log_error("%s: %s", r->source, text);
}

int reader_result(const struct reader *r)
{
	if (r->no_memory) {
		log_error("%s: out of memory", r->source);
		return -ENOMEM;
	}
	if (r->errors > ERRORS_PRINTED)
		log_error("%s: errors not shown: %u", r->source, r->errors - ERRORS_PRINTED);
	return r->errors ? -EINVAL : 0;
}

struct quoted quote(struct span s)
{
	return log_quote_bytes(s.at, s.len);
}

bool span_is(struct span s, const char *text)
{
	return strlen(text) == s.len && !memcmp(text, s.at, s.len);
}

struct span span_trim(struct span s)
{
	while (s.len && strchr(" \t", s.at[0])) {
		s.at++;
		s.len--;
	}
	while (s.len && strchr(" \t", s.at[s.len - 1]))
		s.len--;
	return s;
}

/*
 * What stands before the first c, and after it; without a c, the whole text and nothing. False when there is
 * no c.
 */
static bool split(struct span s, char c, struct span *before, struct span *after)
{
	const char *found = memchr(s.at, c, s.len);

	*before = s;
	*after = (struct span){ s.at + s.len, 0 };
	if (!found)
		return false;
	before->len = found - s.at;
	*after = (struct span){ found + 1, s.len - before->len - 1 };
	return true;
}

bool next_element(struct reader *r, struct span *rest, struct span *element)
{
	while (rest->at) {
		if (!split(*rest, ',', element, rest))
			rest->at = NULL;
		if (element->len)
			return true;
		complain(r, *element, "empty element in a list");
	}
	return false;
}

/* The whole text as a decimal number. */
static bool read_number(struct span s, uint32_t max, uint32_t *number)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
		n = n * 10 + (s.at[i] - '0');
		if (n > max)
			return false;
	}
	*number = n;
	return s.len > 0;
}

/* ---- sets of numbers ---- */

static const uint64_t *bits_of(const struct filter *f, const struct keyword *k, size_t *bits)
{
	return filter_bits((struct filter *)f, k->id, bits);
}

/* Word by word: a long list of wide ranges must not take minutes. */
static void set_range(uint64_t *set, uint32_t low, uint32_t high)
{
	for (uint32_t word = low / 64; word <= high / 64; word++) {
		uint64_t bits = ~UINT64_C(0);

		if (word == low / 64)
			bits &= ~UINT64_C(0) << low % 64;
		if (word == high / 64)
			bits &= ~UINT64_C(0) >> (63 - high % 64);
		set[word] |= bits;
	}
}

static void read_ranges(struct reader *r, struct filter *f, const struct keyword *k, struct span value)
{
	struct span element, first, last;
	uint32_t low, high;
	size_t size;
	uint64_t *bits = filter_bits(f, k->id, &size);

	while (next_element(r, &value, &element)) {
		if (!split(element, '-', &first, &last))
			last = first;
		if (!read_number(first, size - 1, &low) || !read_number(last, size - 1, &high))
			complain(r, element, "\"%s\" is not %s or a range of them (0 to %zu)",
				 quote(element).text, k->what, size - 1);
		else if (low > high)
			complain(r, element, "range \"%s\" ends before it starts", quote(element).text);
		else
			set_range(bits, low, high);
	}
}

static int print_ranges(FILE *to, const struct filter *f, const struct keyword *k)
{
	const char *separator = "";
	size_t size, last;
	const uint64_t *bits = bits_of(f, k, &size);

	for (size_t first = 0; first < size; first = last + 1) {
		last = first;
		if (!bits_test(bits, first))
			continue;
		while (last + 1 < size && bits_test(bits, last + 1))
			last++;
		fprintf(to, first == last ? "%s%zu" : "%s%zu-%zu", separator, first, last);
		separator = ",";
	}
	return 0;
}

/* ---- sets of named numbers ---- */

/* Our own table: a statically linked program cannot count on the C library's. */
static const char *const protocols[256] = {
	[1] = "icmp",	[2] = "igmp",	 [4] = "ipip",	    [6] = "tcp",    [17] = "udp",
	[33] = "dccp",	[41] = "ipv6",	 [46] = "rsvp",	    [47] = "gre",   [50] = "esp",
	[51] = "ah",	[58] = "icmpv6", [89] = "ospf",	    [103] = "pim",  [112] = "vrrp",
	[115] = "l2tp", [132] = "sctp",	 [136] = "udplite", [137] = "mpls",
};

static const char *const no_yes[2] = { "no", "yes" };

/* Names of values; where 0 has none, numbers are accepted, too. */
static void read_names(struct reader *r, struct filter *f, const struct keyword *k, struct span value)
{
	struct span element;
	size_t size;
	uint64_t *bits = filter_bits(f, k->id, &size);

	while (next_element(r, &value, &element)) {
		uint32_t number = 0;

		while (number < size && !(k->names[number] && span_is(element, k->names[number])))
			number++;
		if (number < size || (!k->names[0] && read_number(element, size - 1, &number)))
			bits_set(bits, number);
		else
			complain(r, element, "\"%s\" is not %s", quote(element).text, k->what);
	}
}

static int print_names(FILE *to, const struct filter *f, const struct keyword *k)
{
	const char *separator = "";
	size_t size;
	const uint64_t *bits = bits_of(f, k, &size);

	for (size_t number = 0; number < size; number++) {
		if (!bits_test(bits, number))
			continue;
		fputs(separator, to);
		if (k->names[number])
			fputs(k->names[number], to);
		else
			fprintf(to, "%zu", number);
		separator = ",";
	}
	return 0;
}

/* ---- addresses ---- */

static bool read_address(struct span s, struct prefix *p)
{
	char text[INET6_ADDRSTRLEN];

	if (s.len >= sizeof(text))
		return false;
	memcpy(text, s.at, s.len);
	text[s.len] = '\0';
	*p = (struct prefix){ .family = 4 };
	if (inet_pton(AF_INET, text, p->addr) == 1)
		return true;
	*p = (struct prefix){ .family = 6 };
	return inet_pton(AF_INET6, text, p->addr) == 1;
}

static void read_prefixes(struct reader *r, struct filter *f, const struct keyword *k, struct span value)
{
	struct span element, address, length;
	struct prefix p;
	uint32_t len;

	while (next_element(r, &value, &element)) {
		bool has_length = split(element, '/', &address, &length);
		uint32_t max;

		if (!read_address(address, &p)) {
			complain(r, element, "\"%s\" is not %s", quote(element).text, k->what);
			continue;
		}
		max = p.family == 4 ? 32 : 128;
		if (!has_length) {
			len = max;
		} else if (!read_number(length, max, &len)) {
			complain(r, element, "the prefix length of \"%s\" is not a number from 0 to %u",
				 quote(element).text, max);
			continue;
		}
		p.len = len;
		prefix_clear_past_length(&p);
		if (prefix_list_add(filter_prefixes(f, k->id), &p))
			r->no_memory = true;
	}
}

static int print_prefixes(FILE *to, const struct filter *f, const struct keyword *k)
{
	const struct prefix_list *list = filter_prefixes((struct filter *)f, k->id);
	struct prefix_list sorted = { .n = list->n };

	if (!list->n)
		return 0;
	sorted.at = reallocarray(NULL, list->n, sizeof(*list->at));
	if (!sorted.at)
		return -ENOMEM;
	memcpy(sorted.at, list->at, list->n * sizeof(*list->at));
	prefix_list_reduce(&sorted);
	for (size_t i = 0; i < sorted.n; i++) {
		const struct prefix *p = &sorted.at[i];
		char text[INET6_ADDRSTRLEN];

		inet_ntop(p->family == 4 ? AF_INET : AF_INET6, p->addr, text, sizeof(text));
		fprintf(to, "%s%s", i ? "," : "", text);
		if (p->len < (p->family == 4 ? 32 : 128))
			fprintf(to, "/%u", p->len);
	}
	free(sorted.at);
	return 0;
}

/* ---- names ---- */

static bool is_ascii(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] & 0x80)
			return false;
	return true;
}

static void read_domain(struct reader *r, struct filter *f, const struct keyword *k, struct span value)
{
	struct span element;

	while (next_element(r, &value, &element)) {
		struct mirror_name name;

		if (!name_parse(element.at, element.len, &name))
			complain(r, element, "\"%s\" is not %s%s", quote(element).text, k->what,
				 is_ascii(element) ? "" : ", in ASCII (xn--...)");
		else if (name_list_add(&f->domain, &name))
			r->no_memory = true;
	}
}

static int print_domain(FILE *to, const struct filter *f, const struct keyword *k)
{
	int error = 0;

	(void)k;
	for (size_t i = 0; i < f->domain.n; i++) {
		const struct mirror_name *name = &f->domain.at[i];
		struct span text = { name->text, name->len };
		struct mirror_name checked;

		fputs(i ? "," : "", to);
		fputs(name->suffix ? "*." : "", to);
		if (!name_parse(text.at, text.len, &checked)) {
			fputs(quote(text).text, to);
			error = -EDOM;
		} else {
			fwrite(text.at, 1, text.len, to);
		}
	}
	return error;
}

/* ---- TCP flags ---- */

static const char *const flag_names[] = { "fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr" };
#define FLAGS (sizeof(flag_names) / sizeof(flag_names[0]))

/* False after an error. */
static bool read_flags(struct reader *r, struct span s, uint32_t *flags)
{
	unsigned int errors = r->errors;
	struct span element;

	if (read_number(s, 255, flags))
		return true;
	*flags = 0;
	while (next_element(r, &s, &element)) {
		size_t bit = 0;

		while (bit < FLAGS && !span_is(element, flag_names[bit]))
			bit++;
		if (bit < FLAGS)
			*flags |= 1U << bit;
		else
			complain(r, element,
				 "\"%s\" is not a TCP flag (fin syn rst psh ack urg ece cwr) or a number "
				 "from 0 to 255",
				 quote(element).text);
	}
	return r->errors == errors;
}

static void read_tcp_flags(struct reader *r, struct filter *f, const struct keyword *k, struct span value)
{
	struct span set, of;
	bool has_mask = split(value, '/', &set, &of);
	uint32_t flags = 0, mask = 0;
	bool good = span_is(set, "none") || read_flags(r, set, &flags);

	(void)k;
	if (has_mask)
		good &= read_flags(r, of, &mask);
	else
		mask = flags;
	if (!good)
		return;
	if (!has_mask && !flags) {
		complain(r, value, "\"%s\" needs a mask, such as %s/syn,ack", quote(value).text,
			 quote(value).text);
	} else if (flags & ~mask) {
		complain(r, value, "\"%s\" has flags outside its mask", quote(value).text);
	} else {
		for (unsigned int byte = 0; byte < 256; byte++)
			if ((byte & mask) == flags)
				bits_set(f->tcp_flags, byte);
	}
}

static void print_flags(FILE *to, unsigned int flags, const char *none)
{
	const char *separator = "";

	if (!flags)
		fputs(none, to);
	for (unsigned int bit = 0; bit < FLAGS; bit++) {
		if (flags >> bit & 1) {
			fprintf(to, "%s%s", separator, flag_names[bit]);
			separator = ",";
		}
	}
}

static int print_tcp_flags(FILE *to, const struct filter *f, const struct keyword *k)
{
	unsigned int always = 255, ever = 0, count = 0, free_bits;

	for (unsigned int byte = 0; byte < 256; byte++) {
		if (bits_test(f->tcp_flags, byte)) {
			always &= byte;
			ever |= byte;
			count++;
		}
	}
	/* one value/mask accepts each combination of the bits that it leaves free, and nothing else */
	free_bits = always ^ ever;
	if (count != 1U << __builtin_popcount(free_bits)) {
		print_ranges(to, f, k);
		return -EDOM;
	}
	print_flags(to, always, "none");
	fputc('/', to);
	print_flags(to, ~free_bits & 255, "0");
	return 0;
}

/* ---- options ---- */

static bool is_name(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!isalnum((unsigned char)s.at[i]) && !strchr("_.-", s.at[i]))
			return false;
	return s.len && s.len < MIRROR_RULE_NAME_LEN;
}

static void read_name(struct reader *r, struct filter *f, const struct keyword *k, struct span value)
{
	if (!is_name(value)) {
		complain(r, value, "\"%s\" is not %s", quote(value).text, k->what);
		return;
	}
	for (size_t i = 0; i < r->set->n; i++)
		if (span_is(value, r->set->at[i].name))
			complain(r, value, "\"%s\" is the name of filter %zu, too", quote(value).text, i + 1);
	memcpy(f->name, value.at, value.len);
}

static int print_name(FILE *to, const struct filter *f, const struct keyword *k)
{
	struct span name = { f->name, strlen(f->name) };

	(void)k;
	fputs(quote(name).text, to);
	return is_name(name) ? 0 : -EDOM;
}

enum leg_option keyword_leg_option(const struct keyword *k)
{
	return k->id >= OPTION_SNAPLEN && k->id <= OPTION_SEGMENT ? k->id - OPTION_SNAPLEN : LEG_OPTIONS;
}

static void read_leg_values(struct reader *r, struct filter *f, const struct keyword *k, struct span value)
{
	enum leg_option option = keyword_leg_option(k);
	char text[128] = "";
	size_t len = 0;

	/* blanks are only around a + */
	for (size_t i = 0; i < value.len && len < sizeof(text) - 1; i++)
		if (!strchr(" \t", value.at[i]))
			text[len++] = value.at[i];
	if (legs_read(option, text, &f->leg[option]))
		complain(r, value, "\"%s\" is not %s", quote(value).text, k->what);
}

static int print_leg_values(FILE *to, const struct filter *f, const struct keyword *k)
{
	enum leg_option option = keyword_leg_option(k);

	legs_print(to, option, &f->leg[option]);
	return 0;
}

static void read_sample(struct reader *r, struct filter *f, const struct keyword *k, struct span value)
{
	struct span one, of;
	uint32_t flows;

	if (split(value, '/', &one, &of) && span_is(one, "1") && read_number(of, UINT32_MAX, &flows) && flows)
		f->sample = flows > 1 ? flows : 0;
	else
		complain(r, value, "\"%s\" is not %s with N from 1 to %u", quote(value).text, k->what,
			 UINT32_MAX);
}

static int print_sample(FILE *to, const struct filter *f, const struct keyword *k)
{
	(void)k;
	fprintf(to, "1/%" PRIu32, f->sample);
	return 0;
}

static void read_first(struct reader *r, struct filter *f, const struct keyword *k, struct span value)
{
	char text[FIRST_LEN] = "";

	if (value.len < sizeof(text))
		memcpy(text, value.at, value.len);
	if (first_parse(text, &f->first))
		complain(r, value, "\"%s\" is not %s", quote(value).text, k->what);
}

static int print_first(FILE *to, const struct filter *f, const struct keyword *k)
{
	char text[FIRST_LEN];
	uint32_t read;

	(void)k;
	first_print(f->first, text);
	fputs(text, to);
	return first_parse(text, &read) ? -EDOM : 0;
}

static void read_max_rate(struct reader *r, struct filter *f, const struct keyword *k, struct span value)
{
	char text[RATE_LEN] = "";

	if (value.len < sizeof(text))
		memcpy(text, value.at, value.len);
	if (rate_parse(text, &f->max_packets, &f->max_bits))
		complain(r, value, "\"%s\" is not %s", quote(value).text, k->what);
}

static int print_max_rate(FILE *to, const struct filter *f, const struct keyword *k)
{
	char text[RATE_LEN];

	(void)k;
	rate_print(f->max_packets, f->max_bits, text);
	fputs(text, to);
	return 0;
}

/* Reads a word of `to`. Returns what is wrong with it; NULL: nothing. */
static const char *read_destination(struct span s, struct destination *to)
{
	bool is_collector = memchr(s.at, ':', s.len);
	const char *why;

	*to = (struct destination){};
	if (is_collector && s.len >= sizeof(to->text))
		return "is longer than a collector can be";
	if (!is_collector && s.len >= MIRROR_NAME_LEN)
		return "is longer than the 15 characters of a device name";
	if (!is_collector && (!s.len || memchr(s.at, '/', s.len) || span_is(s, ".") || span_is(s, "..")))
		return "is not a device name";
	memcpy(to->text, s.at, s.len);
	if (is_collector && collector_parse(to->text, &to->collector, &why))
		return why;
	for (size_t i = 0; i < s.len; i++)
		if (iscntrl((unsigned char)s.at[i]) || strchr(" ,;#+", s.at[i]))
			return "has a character that no name in a rule can have";
	return NULL;
}

static bool has_destination(const struct filter *f, const char *text)
{
	for (size_t i = 0; i < f->n_to; i++)
		if (!strcmp(text, f->to[i].text))
			return true;
	return false;
}

static void read_leg(struct reader *r, struct filter *f, const struct keyword *k, struct span value,
		     uint32_t leg)
{
	size_t most = f->n_to + MIRROR_MAX_DEVICES;
	struct span element;

	while (next_element(r, &value, &element)) {
		struct destination to;
		const char *fault = read_destination(element, &to);

		to.leg = leg;
		if (fault) {
			complain(r, element, "\"%s\" %s", quote(element).text, fault);
		} else if (has_destination(f, to.text)) {
			complain(r, element, "\"%s\" is in the list twice", quote(element).text);
		} else if (f->n_to == most) {
			complain(r, element, "\"%s\" is one too many: %s takes up to %d", quote(element).text,
				 k->name, MIRROR_MAX_DEVICES);
			return;
		} else {
			f->to[f->n_to++] = to;
		}
	}
}

static void read_to(struct reader *r, struct filter *f, const struct keyword *k, struct span value)
{
	struct span leg, rest = value;
	uint32_t n = 0;
	bool more = true;

	f->to = calloc((size_t)MIRROR_MAX_LEGS * MIRROR_MAX_DEVICES, sizeof(*f->to));
	if (!f->to) {
		r->no_memory = true;
		return;
	}
	while (more) {
		more = split(rest, '+', &leg, &rest);
		leg = span_trim(leg);
		if (n == MIRROR_MAX_LEGS) {
			complain(r, leg, "\"%s\" is one leg too many: %s takes up to %d", quote(leg).text,
				 k->name, MIRROR_MAX_LEGS);
			return;
		}
		read_leg(r, f, k, leg, n++);
	}
}

static int print_to(FILE *to, const struct filter *f, const struct keyword *k)
{
	struct destination checked;
	int error = 0;

	(void)k;
	for (size_t i = 0; i < f->n_to; i++) {
		const char *text = f->to[i].text;
		struct span word = { text, strnlen(text, sizeof(f->to[i].text)) };

		fputs(!i ? "" : f->to[i].leg == f->to[i - 1].leg ? "," : " + ", to);
		if (read_destination(word, &checked)) {
			fputs(quote(word).text, to);
			error = -EDOM;
		} else {
			fputs(text, to);
		}
	}
	return error;
}

/* ---- all of them, in the order in which rules are printed ---- */

#define RANGES .read = read_ranges, .print = print_ranges
#define NAMES(of) .read = read_names, .print = print_names, .names = (of)
#define BY(what) .read = read_##what, .print = print_##what

const struct keyword keywords[] = {
	{ "proto", DIM_PROTO, "a known protocol or a number from 0 to 255", NAMES(protocols) },
	{ "src", DIM_SRC, "an IPv4 or IPv6 address or prefix", BY(prefixes) },
	{ "dst", DIM_DST, "an IPv4 or IPv6 address or prefix", BY(prefixes) },
	{ "src-port", DIM_SRC_PORT, "a port", RANGES },
	{ "dst-port", DIM_DST_PORT, "a port", RANGES },
	{ "port", DIM_PORT, "a port", RANGES },
	{ "tcp-flags", DIM_TCP_FLAGS, "one value/mask", BY(tcp_flags) },
	{ "icmp-type", DIM_ICMP_TYPE, "an ICMP type", RANGES },
	{ "vlan", DIM_VLAN, "a VLAN ID", RANGES },
	{ "malformed", DIM_MALFORMED, "yes or no", NAMES(no_yes) },
	{ "domain", DIM_DOMAIN, "a domain name such as example.com or *.example.com", BY(domain) },
	{ "name", OPTION_NAME, "a name of up to 31 letters, digits, \"_\", \".\" and \"-\"", BY(name) },
	{ "snaplen", OPTION_SNAPLEN, LEG_SNAPLEN_VALUES, BY(leg_values) },
	{ "oversize", OPTION_OVERSIZE, LEG_OVERSIZE_VALUES, BY(leg_values) },
	{ "metadata", OPTION_METADATA, LEG_SWITCH_VALUES, BY(leg_values) },
	{ "segment", OPTION_SEGMENT, LEG_SWITCH_VALUES, BY(leg_values) },
	{ "sample", OPTION_SAMPLE, "1/N", BY(sample) },
	{ "first", OPTION_FIRST, FIRST_WHAT, BY(first) },
	{ "max-rate", OPTION_MAX_RATE, "a rate such as 100kpps or 500Mbit", BY(max_rate) },
	{ "to", OPTION_TO, "a device name", BY(to) },
};
_Static_assert(sizeof(keywords) / sizeof(keywords[0]) == KEYWORDS, "a keyword for each dimension and option");

const struct keyword *keyword_find(struct span name)
{
	for (size_t i = 0; i < KEYWORDS; i++)
		if (span_is(name, keywords[i].name))
			return &keywords[i];
	return NULL;
}

bool keyword_given(const struct filter *f, const struct keyword *k)
{
	switch (k->id) {
	case OPTION_NAME:
		return *f->name;
	case OPTION_SNAPLEN:
	case OPTION_OVERSIZE:
	case OPTION_METADATA:
	case OPTION_SEGMENT:
		return f->leg[keyword_leg_option(k)].n;
	case OPTION_SAMPLE:
		return f->sample > 1;
	case OPTION_FIRST:
		return f->first;
	case OPTION_MAX_RATE:
		return f->max_packets || f->max_bits;
	case OPTION_TO:
		return f->n_to;
	default:
		return f->constrained >> k->id & 1;
	}
}

bool keyword_allowed(const struct filter *f, const struct keyword *k)
{
	if (f->action == ACTION_COUNT)
		return k->id != OPTION_TO && k->id != OPTION_MAX_RATE && k->id != OPTION_OVERSIZE &&
		       k->id != OPTION_METADATA && k->id != OPTION_SEGMENT;
	return f->action != ACTION_SKIP || k->id <= OPTION_NAME;
}
