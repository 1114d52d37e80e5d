/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The rule language: what is refused and with which words, what is read, and that printing is its inverse. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <errno.h>

#include "../../../common/tests/capture.h"
#include "../../../common/tests/unit.h"
#include "../../wire/formats.h"
#include "../rules.h"
#include "same_filter.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The lines that the last call under test logged, joined by newlines. */
static char said[8192];

/* Ends the capture around the call under test. */
static void keep_said(void)
{
	size_t len = strlen(strncpy(said, capture_end(), sizeof(said) - 1));

	if (len)
		said[len - 1] = '\0';
}

static int parse(const char *text, struct filter_set **set)
{
	int err;

	*set = filter_set_new();
	assert_non_null(*set);
	capture_start();
	err = rules_parse("rules", text, *set);
	keep_said();
	return err;
}

static int parse_upstream(const struct upstream_filter *options, struct filter_set **set)
{
	int err;

	*set = filter_set_new();
	assert_non_null(*set);
	capture_start();
	err = rules_from_upstream(options, *set);
	keep_said();
	return err;
}

static struct filter_set *parsed(const char *text)
{
	struct filter_set *set;

	if (parse(text, &set))
		fail_msg("\"%.200s\" is refused: %s", text, said);
	assert_string_equal(said, "");
	return set;
}

static char *printed(const struct filter_set *set)
{
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	assert_int_equal(rules_print(to, set), 0);
	assert_int_equal(fclose(to), 0);
	return text;
}

#define NAME50 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghij"
#define A_NAME "a name of up to 31 letters, digits, \"_\", \".\" and \"-\""
#define NAME32 "abcdefghijabcdefghijabcdefghijab"
#define SNAPLENS \
	"0, a number of bytes from 14 to 262144, one for each leg (A+B), headers, headers+N or headers+zero"

static const struct {
	const char *text, *error;
} refused[] = {
	/* the line */
	{ "drop", "rules:1:1: \"drop\" is not an action (mirror, skip or count)" },
	{ "Mirror", "rules:1:1: \"Mirror\" is not an action (mirror, skip or count)" },
	{ "mirrored", "rules:1:1: \"mirrored\" is not an action (mirror, skip or count)" },
	{ "proto tcp", "rules:1:1: \"proto\" is not an action (mirror, skip or count)" },
	{ "mirror\n\n \tskip\ndeny", "rules:4:1: \"deny\" is not an action (mirror, skip or count)" },
	{ "mirror;skip;  deny", "rules:1:15: \"deny\" is not an action (mirror, skip or count)" },
	{ "mirror # a; b\nallow # c", "rules:2:1: \"allow\" is not an action (mirror, skip or count)" },
	{ "mirror\r\n", "rules:1:1: \"mirror\\x0d\" is not an action (mirror, skip or count)" },
	{ "\x01", "rules:1:1: \"\\x01\" is not an action (mirror, skip or count)" },
	{ "\xef\xbb\xbfmirror",
	  "rules:1:1: \"\xef\xbb\xbfmirror\" is not an action (mirror, skip or count)" },
	{ "mirror " NAME50, "rules:1:8: \"" NAME32 "...\" is not a keyword" },
	{ "mirror prot tcp port 70000", "rules:1:8: \"prot\" is not a keyword" },
	{ "mirror proto tcp udp", "rules:1:18: \"udp\" is not a keyword" },
	{ "mirror mirror", "rules:1:8: \"mirror\" is not a keyword" },
	{ "mirror proto tcp\vport 1",
	  "rules:1:14: \"tcp\\x0bport\" is not a known protocol or a number from 0 to 255\n"
	  "rules:1:23: \"1\" is not a keyword" },
	{ "mirror proto tcp proto udp", "rules:1:18: \"proto\" is in the line twice" },
	{ "mirror sample 1/2 sample 1/2", "rules:1:19: \"sample\" is in the line twice" },
	{ "mirror to a to b", "rules:1:13: \"to\" is in the line twice" },
	{ "mirror proto", "rules:1:8: \"proto\" has no value" },
	{ "mirror proto;skip", "rules:1:8: \"proto\" has no value" },
	{ "mirror port # 80", "rules:1:8: \"port\" has no value" },
	{ "mirror proto tcp to\nskip", "rules:1:18: \"to\" has no value" },
	{ "skip sample 1/2", "rules:1:6: \"sample\" is an option, and skip takes none" },
	{ "skip proto tcp to eth0", "rules:1:16: \"to\" is an option, and skip takes none" },
	{ "mirror snaplen header", "rules:1:16: \"header\" is not " SNAPLENS },
	{ "mirror snaplen headers+", "rules:1:16: \"headers+\" is not " SNAPLENS },
	{ "mirror snaplen headers+64+64", "rules:1:16: \"headers+64+64\" is not " SNAPLENS },
	{ "mirror snaplen headers+zeros", "rules:1:16: \"headers+zeros\" is not " SNAPLENS },
	{ "mirror snaplen headers+64+zero", "rules:1:16: \"headers+64+zero\" is not " SNAPLENS },
	{ "mirror snaplen 64+headers", "rules:1:16: \"64+headers\" is not " SNAPLENS },
	{ "count to a", "rules:1:7: \"to\" is about sending copies, and count makes none" },
	{ "count snaplen 64+128", "rules:1:1: snaplen has values for 2 legs, but copies go to 1" },
	{ "count oversize drop", "rules:1:7: \"oversize\" is about sending copies, and count makes none" },
	{ "mirror segment whole", "rules:1:16: \"whole\" is not off, on, or one for each leg (A+B)" },
	{ "count segment on", "rules:1:7: \"segment\" is about sending copies, and count makes none" },
	{ "count metadata on", "rules:1:7: \"metadata\" is about sending copies, and count makes none" },
	{ "count vlan 1 max-rate 1pps",
	  "rules:1:14: \"max-rate\" is about sending copies, and count makes none" },
	{ "mirror name a,b", "rules:1:13: \"a,b\" is not " A_NAME },
	{ "skip name " NAME32, "rules:1:11: \"" NAME32 "\" is not " A_NAME },
	{ "mirror name a\nskip name b;skip name a", "rules:2:23: \"a\" is the name of filter 1, too" },
	{ "mirror name a name b", "rules:1:15: \"name\" is in the line twice" },
	{ "skip snaplen 128 vlan 1", "rules:1:6: \"snaplen\" is an option, and skip takes none" },

	/* lists */
	{ "mirror port 80,", "rules:1:16: empty element in a list" },
	{ "mirror port ,80", "rules:1:13: empty element in a list" },
	{ "mirror port 80,,443", "rules:1:16: empty element in a list" },
	{ "mirror proto ,", "rules:1:14: empty element in a list\nrules:1:15: empty element in a list" },
	{ "mirror port 80, 443",
	  "rules:1:16: empty element in a list\nrules:1:17: \"443\" is not a keyword" },
	{ "mirror to a,,b", "rules:1:13: empty element in a list" },

	/* numbers */
	{ "mirror port 65536", "rules:1:13: \"65536\" is not a port or a range of them (0 to 65535)" },
	{ "mirror src-port 80abc", "rules:1:17: \"80abc\" is not a port or a range of them (0 to 65535)" },
	{ "mirror dst-port 1,http", "rules:1:19: \"http\" is not a port or a range of them (0 to 65535)" },
	{ "mirror port -1", "rules:1:13: \"-1\" is not a port or a range of them (0 to 65535)" },
	{ "mirror port +1", "rules:1:13: \"+1\" is not a port or a range of them (0 to 65535)" },
	{ "mirror port 0x50", "rules:1:13: \"0x50\" is not a port or a range of them (0 to 65535)" },
	{ "mirror port 18446744073709551696",
	  "rules:1:13: \"18446744073709551696\" is not a port or a range of them (0 to 65535)" },
	{ "mirror port 9-3", "rules:1:13: range \"9-3\" ends before it starts" },
	{ "mirror port 80-", "rules:1:13: \"80-\" is not a port or a range of them (0 to 65535)" },
	{ "mirror port 1-2-3", "rules:1:13: \"1-2-3\" is not a port or a range of them (0 to 65535)" },
	{ "mirror port 1,60000-65536,2",
	  "rules:1:15: \"60000-65536\" is not a port or a range of them (0 to 65535)" },
	{ "mirror icmp-type 256", "rules:1:18: \"256\" is not an ICMP type or a range of them (0 to 255)" },
	{ "mirror malformed", "rules:1:8: \"malformed\" has no value" },
	{ "mirror malformed 1", "rules:1:18: \"1\" is not yes or no" },
	{ "mirror vlan 4096", "rules:1:13: \"4096\" is not a VLAN ID or a range of them (0 to 4095)" },

	/* protocols */
	{ "mirror proto tpc", "rules:1:14: \"tpc\" is not a known protocol or a number from 0 to 255" },
	{ "mirror proto TCP", "rules:1:14: \"TCP\" is not a known protocol or a number from 0 to 255" },
	{ "mirror proto udp,256", "rules:1:18: \"256\" is not a known protocol or a number from 0 to 255" },
	{ "mirror proto 6-17", "rules:1:14: \"6-17\" is not a known protocol or a number from 0 to 255" },

	/* addresses */
	{ "mirror src 10.0.0.0/33",
	  "rules:1:12: the prefix length of \"10.0.0.0/33\" is not a number from 0 to 32" },
	{ "mirror src 10.0.0.0/",
	  "rules:1:12: the prefix length of \"10.0.0.0/\" is not a number from 0 to 32" },
	{ "mirror src 10.0.0.0/8/8",
	  "rules:1:12: the prefix length of \"10.0.0.0/8/8\" is not a number from 0 to 32" },
	{ "mirror src 10.0.0.0/255.0.0.0",
	  "rules:1:12: the prefix length of \"10.0.0.0/255.0.0.0\" is not a number from 0 to 32" },
	{ "mirror dst 2001:db8::/129",
	  "rules:1:12: the prefix length of \"2001:db8::/129\" is not a number from 0 to 128" },
	{ "mirror dst 10.0.0/8", "rules:1:12: \"10.0.0/8\" is not an IPv4 or IPv6 address or prefix" },
	{ "mirror dst 10.0.0.256", "rules:1:12: \"10.0.0.256\" is not an IPv4 or IPv6 address or prefix" },
	{ "mirror dst 10.0.0.01", "rules:1:12: \"10.0.0.01\" is not an IPv4 or IPv6 address or prefix" },
	{ "mirror dst /8", "rules:1:12: \"/8\" is not an IPv4 or IPv6 address or prefix" },
	{ "mirror dst 1.1.1.1,example.org,::1",
	  "rules:1:20: \"example.org\" is not an IPv4 or IPv6 address or prefix" },
	{ "mirror dst 10.0.0.1-10.0.0.9",
	  "rules:1:12: \"10.0.0.1-10.0.0.9\" is not an IPv4 or IPv6 address or prefix" },
	{ "mirror dst 2001:db8:::1",
	  "rules:1:12: \"2001:db8:::1\" is not an IPv4 or IPv6 address or prefix" },
	{ "mirror dst fe80::1%eth0",
	  "rules:1:12: \"fe80::1%eth0\" is not an IPv4 or IPv6 address or prefix" },
	{ "mirror dst " NAME50, "rules:1:12: \"" NAME32 "...\" is not an IPv4 or IPv6 address or prefix" },

	/* TCP flags */
	{ "mirror tcp-flags syn,foo", "rules:1:22: \"foo\" is not a TCP flag (fin syn rst psh ack urg ece "
				      "cwr) or a number from 0 to 255" },
	{ "mirror tcp-flags syn/bar", "rules:1:22: \"bar\" is not a TCP flag (fin syn rst psh ack urg ece "
				      "cwr) or a number from 0 to 255" },
	{ "mirror tcp-flags syn/none", "rules:1:22: \"none\" is not a TCP flag (fin syn rst psh ack urg ece "
				       "cwr) or a number from 0 to 255" },
	{ "mirror tcp-flags 2/256", "rules:1:20: \"256\" is not a TCP flag (fin syn rst psh ack urg ece cwr) "
				    "or a number from 0 to 255" },
	{ "mirror tcp-flags syn/ack/fin", "rules:1:22: \"ack/fin\" is not a TCP flag (fin syn rst psh ack "
					  "urg ece cwr) or a number from 0 to 255" },
	{ "mirror tcp-flags /syn", "rules:1:18: empty element in a list" },
	{ "mirror tcp-flags syn/", "rules:1:22: empty element in a list" },
	{ "mirror tcp-flags syn,ack/syn", "rules:1:18: \"syn,ack/syn\" has flags outside its mask" },
	{ "mirror tcp-flags 3/2", "rules:1:18: \"3/2\" has flags outside its mask" },
	{ "mirror tcp-flags none", "rules:1:18: \"none\" needs a mask, such as none/syn,ack" },
	{ "mirror tcp-flags 0", "rules:1:18: \"0\" needs a mask, such as 0/syn,ack" },

/* names */
#define NOT_A_NAME " is not a domain name such as example.com or *.example.com"
	{ "mirror domain", "rules:1:8: \"domain\" has no value" },
	{ "mirror domain a,,b", "rules:1:17: empty element in a list" },
	{ "mirror domain *", "rules:1:15: \"*\"" NOT_A_NAME },
	{ "mirror domain *.", "rules:1:15: \"*.\"" NOT_A_NAME },
	{ "mirror domain *.*.org", "rules:1:15: \"*.*.org\"" NOT_A_NAME },
	{ "mirror domain www.*", "rules:1:15: \"www.*\"" NOT_A_NAME },
	{ "mirror domain .", "rules:1:15: \".\"" NOT_A_NAME },
	{ "mirror domain .org", "rules:1:15: \".org\"" NOT_A_NAME },
	{ "mirror domain a..b", "rules:1:15: \"a..b\"" NOT_A_NAME },
	{ "mirror domain a..", "rules:1:15: \"a..\"" NOT_A_NAME },
	{ "mirror domain " NAME50 "abcdefghijabcd.org", "rules:1:15: \"" NAME32 "...\"" NOT_A_NAME },
	{ "mirror domain " NAME50 "." NAME50 "." NAME50 "." NAME50 "." NAME50,
	  "rules:1:15: \"" NAME32 "...\"" NOT_A_NAME },
	{ "mirror domain http://a", "rules:1:15: \"http://a\"" NOT_A_NAME },
	{ "mirror domain a:443", "rules:1:15: \"a:443\"" NOT_A_NAME },
	{ "mirror domain b\xc3\xbc"
	  "cher.example",
	  "rules:1:15: \"b\xc3\xbc"
	  "cher.example\"" NOT_A_NAME ", in ASCII (xn--...)" },
	{ "mirror domain 192.0.2.1", "rules:1:15: \"192.0.2.1\"" NOT_A_NAME },

	/* options */
	{ "skip first 1k", "rules:1:6: \"first\" is an option, and skip takes none" },
#define NOT_FIRST " is not bytes or packets such as 20K, 1M or 10p, up to 1G"
	{ "mirror first 0", "rules:1:14: \"0\"" NOT_FIRST },
	{ "mirror first 0p", "rules:1:14: \"0p\"" NOT_FIRST },
	{ "mirror first k", "rules:1:14: \"k\"" NOT_FIRST },
	{ "mirror first -1", "rules:1:14: \"-1\"" NOT_FIRST },
	{ "mirror first 1T", "rules:1:14: \"1T\"" NOT_FIRST },
	{ "mirror first 1073741825", "rules:1:14: \"1073741825\"" NOT_FIRST },
	{ "mirror first 1kp", "rules:1:14: \"1kp\"" NOT_FIRST },
	{ "mirror first 111111111111111111111111111111111",
	  "rules:1:14: \"11111111111111111111111111111111...\"" NOT_FIRST },
	{ "mirror sample 1/0", "rules:1:15: \"1/0\" is not 1/N with N from 1 to 4294967295" },
	{ "mirror sample 2/3", "rules:1:15: \"2/3\" is not 1/N with N from 1 to 4294967295" },
	{ "mirror sample 1/x", "rules:1:15: \"1/x\" is not 1/N with N from 1 to 4294967295" },
	{ "mirror sample 1/", "rules:1:15: \"1/\" is not 1/N with N from 1 to 4294967295" },
	{ "mirror sample 100", "rules:1:15: \"100\" is not 1/N with N from 1 to 4294967295" },
	{ "mirror sample 1/4294967296",
	  "rules:1:15: \"1/4294967296\" is not 1/N with N from 1 to 4294967295" },
	{ "mirror snaplen 13", "rules:1:16: \"13\" is not " SNAPLENS },
	{ "mirror snaplen 262145", "rules:1:16: \"262145\" is not " SNAPLENS },
	{ "mirror snaplen 128b", "rules:1:16: \"128b\" is not " SNAPLENS },
	{ "mirror to abcdefghijklmnop",
	  "rules:1:11: \"abcdefghijklmnop\" is longer than the 15 characters of a device name" },
	{ "mirror to gue:" NAME50 NAME50,
	  "rules:1:11: \"gue:abcdefghijabcdefghijabcdefgh...\" is longer than a collector "
	  "can be" },
	{ "mirror max-rate 0pps", "rules:1:17: \"0pps\" is not a rate such as 100kpps or 500Mbit" },
	{ "mirror max-rate 5", "rules:1:17: \"5\" is not a rate such as 100kpps or 500Mbit" },
	{ "mirror max-rate 5kps", "rules:1:17: \"5kps\" is not a rate such as 100kpps or 500Mbit" },
	{ "mirror max-rate 99999999999999999999999999999999999pps",
	  "rules:1:17: \"99999999999999999999999999999999...\" is not a rate such as 100kpps or 500Mbit" },
	{ "mirror to gre2:192.0.2.9",
	  "rules:1:11: \"gre2:192.0.2.9\" has an unknown format, expected one of " FORMAT_NAMES },
	{ "mirror to gue:2001:db8::9",
	  "rules:1:11: \"gue:2001:db8::9\" has no IPv4 address, nor an IPv6 address in brackets" },
	{ "mirror to gue:[2001:db8::9",
	  "rules:1:11: \"gue:[2001:db8::9\" has no IPv6 address in its brackets" },
	{ "mirror to gue:192.0.2.9:0",
	  "rules:1:11: \"gue:192.0.2.9:0\" has a port that is not a number from 1 to 65535" },
	{ "mirror to gre:192.0.2.9:7",
	  "rules:1:11: \"gre:192.0.2.9:7\" has a port, but its format has none" },
	{ "mirror to gue:192.0.2.9/7", "rules:1:11: \"gue:192.0.2.9/7\" has an ID, but its format has none" },
	{ "mirror to erspan:192.0.2.9/1024",
	  "rules:1:11: \"erspan:192.0.2.9/1024\" has an ID that is too large for its format" },
	{ "mirror to vxlan:192.0.2.9/x", "rules:1:11: \"vxlan:192.0.2.9/x\" has an ID that is not a number" },
	{ "mirror to gue:192.0.2.9@1001",
	  "rules:1:11: \"gue:192.0.2.9@1001\" has a weight that is not a number from 0 to 1000" },
	{ "mirror to vlan:eth1", "rules:1:11: \"vlan:eth1\" needs a VLAN ID from 1 to 4094" },
	{ "mirror to dev:abcdefghijklmnop",
	  "rules:1:11: \"dev:abcdefghijklmnop\" has a device name that is not 1 to 15 characters long" },
	{ "mirror to a/b", "rules:1:11: \"a/b\" is not a device name" },
	{ "mirror to ..", "rules:1:11: \"..\" is not a device name" },
	{ "mirror to .", "rules:1:11: \".\" is not a device name" },
	{ "mirror to a,b,a", "rules:1:15: \"a\" is in the list twice" },
	{ "mirror to a\x7f", "rules:1:11: \"a\\x7f\" has a character that no name in a rule can have" },
	{ "mirror to a\r\nskip", "rules:1:11: \"a\\x0d\" has a character that no name in a rule can have" },
	{ "mirror snaplen 128+13", "rules:1:16: \"128+13\" is not " SNAPLENS },
	{ "mirror snaplen 128+", "rules:1:16: \"128+\" is not " SNAPLENS },
	{ "mirror snaplen 0 + 0+0 +0 + 0", "rules:1:16: \"0 + 0+0 +0 + 0\" is not " SNAPLENS },
	{ "mirror oversize drop,drop",
	  "rules:1:17: \"drop,drop\" is not truncate, drop, fragment, or one for each leg (A+B)" },
	{ "mirror metadata yes", "rules:1:17: \"yes\" is not off, on, or one for each leg (A+B)" },
	{ "mirror\nmirror to a + b snaplen 0 + 14+0",
	  "rules:2:1: snaplen has values for 3 legs, but copies go to 2" },
	{ "mirror to a metadata on+off", "rules:1:1: metadata has values for 2 legs, but copies go to 1" },
	{ "mirror to a +", "rules:1:14: empty element in a list" },
	{ "mirror to + a", "rules:1:11: empty element in a list" },
	{ "mirror to a++b", "rules:1:13: empty element in a list" },
	{ "mirror to a + b,c + b", "rules:1:21: \"b\" is in the list twice" },
	{ "mirror to a+b+c + d +e", "rules:1:22: \"e\" is one leg too many: to takes up to 4" },
	{ "mirror to x+a,b,c,d,e,f,g,h,i", "rules:1:29: \"i\" is one too many: to takes up to 8" },
	{ "mirror to a,b,c,d,e,f,g,h,i,j", "rules:1:27: \"i\" is one too many: to takes up to 8" },

	/* every faulty place of a text is named */
	{ "drop\nmirror port a,1,b proto x y z\nskip to a;mirror src 1\n",
	  "rules:1:1: \"drop\" is not an action (mirror, skip or count)\n"
	  "rules:2:13: \"a\" is not a port or a range of them (0 to 65535)\n"
	  "rules:2:17: \"b\" is not a port or a range of them (0 to 65535)\n"
	  "rules:2:25: \"x\" is not a known protocol or a number from 0 to 255\n"
	  "rules:2:27: \"y\" is not a keyword\n"
	  "rules:3:6: \"to\" is an option, and skip takes none\n"
	  "rules:3:22: \"1\" is not an IPv4 or IPv6 address or prefix" },
};

TEST(test_refused)
{
	assert_true(COUNT(refused) >= 60);
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct filter_set *set;
		int error = parse(refused[i].text, &set);

		if (error != -EINVAL || strcmp(said, refused[i].error))
			fail_msg("\"%s\" gives %d\n%s\nand not\n%s", refused[i].text, error, said,
				 refused[i].error);
		filter_set_free(set);
	}
}

TEST(test_many_errors)
{
	char text[2 * 25 + 1] = "", expected[4096] = "";
	struct filter_set *set;

	for (int i = 0; i < 25; i++)
		strcat(text, "x\n");
	for (int i = 1; i <= 20; i++)
		sprintf(expected + strlen(expected),
			"rules:%d:1: \"x\" is not an action (mirror, skip or count)\n", i);
	strcat(expected, "rules: errors not shown: 5");
	assert_int_equal(parse(text, &set), -EINVAL);
	assert_string_equal(said, expected);
	filter_set_free(set);
}

TEST(test_number_of_filters)
{
	char text[7 * 66 + 1] = "";
	struct filter_set *set;

	for (int i = 0; i < 64; i++)
		strcat(text, "mirror\n");
	set = parsed(text);
	assert_int_equal(set->n, 64);
	filter_set_free(set);

	strcat(text, "mirror\nx");
	assert_int_equal(parse(text, &set), -EINVAL);
	assert_string_equal(said, "rules:65:1: more than 64 filters");
	filter_set_free(set);
}

/* Exactly these values, and this dimension alone. */
static const struct {
	const char *text;
	enum mirror_dimension dim;
	unsigned int ranges[8][2];
	size_t n;
} numbers[] = {
	{ "mirror proto tcp", DIM_PROTO, { { 6, 6 } }, 1 },
	{ "mirror proto udp,17,icmp,0,255,icmpv6",
	  DIM_PROTO,
	  { { 0, 1 }, { 17, 17 }, { 58, 58 }, { 255, 255 } },
	  4 },
	{ "skip proto igmp,ipip,dccp,ipv6,rsvp,gre,esp,ah",
	  DIM_PROTO,
	  { { 2, 2 }, { 4, 4 }, { 33, 33 }, { 41, 41 }, { 46, 47 }, { 50, 51 } },
	  6 },
	{ "mirror proto ospf,pim,vrrp,l2tp,sctp,udplite,mpls",
	  DIM_PROTO,
	  { { 89, 89 }, { 103, 103 }, { 112, 112 }, { 115, 115 }, { 132, 132 }, { 136, 137 } },
	  6 },
	{ "mirror src-port 0", DIM_SRC_PORT, { { 0, 0 } }, 1 },
	{ "mirror dst-port 80,443,8000-8100", DIM_DST_PORT, { { 80, 80 }, { 443, 443 }, { 8000, 8100 } }, 3 },
	{ "mirror port 0-65535", DIM_PORT, { { 0, 65535 } }, 1 },
	{ "mirror port 63-64,127-192,65535,100-300,7-7,00080",
	  DIM_PORT,
	  { { 7, 7 }, { 63, 64 }, { 80, 80 }, { 100, 300 }, { 65535, 65535 } },
	  5 },
	{ "mirror icmp-type 0,8,128-129,255",
	  DIM_ICMP_TYPE,
	  { { 0, 0 }, { 8, 8 }, { 128, 129 }, { 255, 255 } },
	  4 },
	{ "mirror malformed yes", DIM_MALFORMED, { { 1, 1 } }, 1 },
	{ "mirror malformed no", DIM_MALFORMED, { { 0, 0 } }, 1 },
	{ "mirror vlan 0,100-101,4095", DIM_VLAN, { { 0, 0 }, { 100, 101 }, { 4095, 4095 } }, 3 },
	{ "mirror tcp-flags 255", DIM_TCP_FLAGS, { { 255, 255 } }, 1 },
	{ "mirror tcp-flags cwr/cwr", DIM_TCP_FLAGS, { { 128, 255 } }, 1 },
	{ "mirror tcp-flags cwr,ece", DIM_TCP_FLAGS, { { 192, 255 } }, 1 },
	{ "mirror tcp-flags none/urg,ece,cwr,ack", DIM_TCP_FLAGS, { { 0, 15 } }, 1 },
	{ "mirror tcp-flags fin,syn/255", DIM_TCP_FLAGS, { { 3, 3 } }, 1 },
	{ "mirror tcp-flags 4/fin,syn,rst,psh,ack,urg",
	  DIM_TCP_FLAGS,
	  { { 4, 4 }, { 68, 68 }, { 132, 132 }, { 196, 196 } },
	  4 },
	{ "mirror tcp-flags none/0", DIM_TCP_FLAGS, { { 0, 255 } }, 1 },
};

TEST(test_numbers)
{
	for (size_t i = 0; i < COUNT(numbers); i++) {
		struct filter_set *set = parsed(numbers[i].text);
		size_t bits, range = 0;
		const uint64_t *values = filter_bits(&set->at[0], numbers[i].dim, &bits);

		assert_int_equal(set->n, 1);
		assert_int_equal(set->at[0].constrained, 1U << numbers[i].dim);
		for (size_t value = 0; value < bits; value++) {
			bool expected;

			while (range < numbers[i].n && value > numbers[i].ranges[range][1])
				range++;
			expected = range < numbers[i].n && value >= numbers[i].ranges[range][0];
			if (bits_test(values, value) != expected)
				fail_msg("\"%s\": value %zu", numbers[i].text, value);
		}
		filter_set_free(set);
	}
}

TEST(test_tcp_flags_syn)
{
	struct filter_set *set = parsed("mirror tcp-flags syn/syn,ack;mirror tcp-flags psh,fin");

	for (unsigned int byte = 0; byte < 256; byte++) {
		assert_int_equal(bits_test(set->at[0].tcp_flags, byte), (byte & 0x12) == 0x02);
		assert_int_equal(bits_test(set->at[1].tcp_flags, byte), (byte & 0x09) == 0x09);
	}
	filter_set_free(set);
}

/* Text in, and what is printed: sorted, joined, bits past the prefix cleared, covered ones gone. */
static const struct {
	const char *text, *printed;
} accepted[] = {
	{ "", "" },
	{ " \t\n;;\n# mirror; mirror\n", "" },
	{ "mirror", "mirror\n" },
	{ "mirror#", "mirror\n" },
	{ "  skip\t;mirror # all; drop\n", "skip\nmirror\n" },
	{ "mirror sample 1/100 port 53 proto udp", "mirror proto udp port 53 sample 1/100\n" },
	{ "mirror sample 1/1", "mirror\n" },
	{ "mirror sample 1/4294967295", "mirror sample 1/4294967295\n" },
	{ "mirror snaplen 14;mirror snaplen 262144", "mirror snaplen 14\nmirror snaplen 262144\n" },
	{ "mirror snaplen 0", "mirror snaplen 0\n" },
	{ "mirror snaplen 128+0", "mirror snaplen 128+0\n" },
	{ "mirror metadata on oversize fragment", "mirror oversize fragment metadata on\n" },
	{ "mirror to dev:a + dev:b segment on+off", "mirror segment on+off to dev:a + dev:b\n" },
	{ "mirror to gue:192.0.2.9+vxlan:192.0.2.10/7,vxlan:192.0.2.11/7 snaplen 128 + 0 port 1",
	  "mirror port 1 snaplen 128+0 to gue:192.0.2.9 + vxlan:192.0.2.10/7,vxlan:192.0.2.11/7\n" },
	{ "mirror oversize drop \t+ truncate to a+\tb metadata on; skip",
	  "mirror oversize drop+truncate metadata on to a + b\nskip\n" },
	{ "skip name 0.web_-A\nmirror name abcdefghijabcdefghijabcdefghija sample 1/2 vlan 1",
	  "skip name 0.web_-A\nmirror vlan 1 name abcdefghijabcdefghijabcdefghija sample 1/2\n" },
	{ "mirror snaplen headers;mirror snaplen headers + 64;mirror snaplen headers+0",
	  "mirror snaplen headers\nmirror snaplen headers+64\nmirror snaplen headers\n" },
	{ "mirror snaplen headers + zero;count snaplen headers+zero",
	  "mirror snaplen headers+zero\ncount snaplen headers+zero\n" },
	{ "count sample 1/9 snaplen 64 first 10p name try vlan 1;count",
	  "count vlan 1 name try snaplen 64 sample 1/9 first 10p\ncount\n" },
	{ "mirror src 10.1.2.3/8", "mirror src 10.0.0.0/8\n" },
	{ "mirror src 192.0.2.255/25,192.0.2.127/25", "mirror src 192.0.2.0/25,192.0.2.128/25\n" },
	{ "mirror src 10.0.0.1/32,10.0.0.1", "mirror src 10.0.0.1\n" },
	{ "mirror dst 2001:DB8::1/128,2001:db8:ffff::/33,::/0,255.255.255.255/0",
	  "mirror dst 0.0.0.0/0,::/0\n" },
	{ "mirror dst 2001:db8:ffff::/33,::ffff:192.0.2.1",
	  "mirror dst ::ffff:192.0.2.1,2001:db8:8000::/33\n" },
	{ "mirror dst 10.0.0.0/9,10.128.0.0/9,10.0.0.0/16,11.0.0.0/8,10.200.0.1",
	  "mirror dst 10.0.0.0/9,10.128.0.0/9,11.0.0.0/8\n" },
	{ "mirror malformed no vlan 7\nskip malformed yes",
	  "mirror vlan 7 malformed no\nskip malformed yes\n" },
	{ "skip dst ::1 src ::2 vlan 5,6,7,9 icmp-type 8", "skip src ::2 dst ::1 icmp-type 8 vlan 5-7,9\n" },
	{ "mirror tcp-flags 18/255", "mirror tcp-flags syn,ack/fin,syn,rst,psh,ack,urg,ece,cwr\n" },
	{ "mirror tcp-flags rst", "mirror tcp-flags rst/rst\n" },
	{ "mirror tcp-flags 0/0", "mirror tcp-flags none/0\n" },
	{ "mirror proto 6,58,200", "mirror proto tcp,icmpv6,200\n" },
	{ "mirror to gue:192.0.2.9,vxlan:[2001:db8::9]:4789/7,abcdefghijklmno",
	  "mirror to gue:192.0.2.9,vxlan:[2001:db8::9]:4789/7,abcdefghijklmno\n" },
	{ "mirror to h,g,f,e,d,c,b,a", "mirror to h,g,f,e,d,c,b,a\n" },
	{ "mirror to \xc3\xa4", "mirror to \xc3\xa4\n" },
	{ "mirror domain *.b.example,A.Example.,b.example,www.b.example,*.X.b.example,c.example,a.example",
	  "mirror domain a.example,b.example,*.b.example,c.example\n" },
	{ "skip domain *.org,_dns.xn--bcher-kva.example,localhost,org",
	  "skip domain _dns.xn--bcher-kva.example,org,*.org,localhost\n" },
	{ "mirror domain " NAME50 "abcdefghijabc,a.b", "mirror domain a.b," NAME50 "abcdefghijabc\n" },
	{ "mirror domain a,*.b proto tcp first 10p to gue:192.0.2.9",
	  "mirror proto tcp domain a,*.b first 10p to gue:192.0.2.9\n" },
	{ "mirror first 20k;mirror first 1536;mirror first 1048576;mirror first 1G",
	  "mirror first 20K\nmirror first 1536\nmirror first 1M\nmirror first 1G\n" },
	{ "mirror first 1073741824P", "mirror first 1073741824p\n" },
	{ "mirror max-rate 100kpps", "mirror max-rate 100kpps\n" },
	{ "mirror max-rate 1500000PPS", "mirror max-rate 1500kpps\n" },
	{ "mirror max-rate 1000Mbit", "mirror max-rate 1Gbit\n" },
	{ "mirror max-rate 1bit to dev:a", "mirror max-rate 1bit to dev:a\n" },
	{ "mirror to erspan:[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]/1023@1000,vlan:eth1/4094,dev:ids0@0",
	  "mirror to erspan:[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]/1023@1000,vlan:eth1/4094,dev:ids0@0\n" },
};

TEST(test_accepted)
{
	for (size_t i = 0; i < COUNT(accepted); i++) {
		struct filter_set *set = parsed(accepted[i].text);
		char *text = printed(set);

		if (strcmp(text, accepted[i].printed))
			fail_msg("\"%s\" is printed as\n%sand not\n%s", accepted[i].text, text,
				 accepted[i].printed);
		free(text);
		filter_set_free(set);
	}
}

TEST(test_fields)
{
	struct filter_set *set =
		parsed("mirror src 10.255.0.0/12,2001:db8::/32 snaplen 128 sample 1/7 to a,gue:192.0.2.9\n"
		       "skip\nmirror sample 1/1");
	static const struct prefix four = { 4, 12, { 10, 240 } }, six = { 6, 32, { 0x20, 1, 0xd, 0xb8 } };
	const struct filter *f = &set->at[0];

	assert_int_equal(set->n, 3);
	assert_int_equal(f->action, ACTION_MIRROR);
	assert_int_equal(f->constrained, 1U << DIM_SRC);
	assert_int_equal(f->src.n, 2);
	assert_memory_equal(&f->src.at[0], &four, sizeof(four));
	assert_memory_equal(&f->src.at[1], &six, sizeof(six));
	assert_int_equal(f->dst.n, 0);
	assert_int_equal(f->leg[LEG_SNAPLEN].n, 1);
	assert_int_equal(f->leg[LEG_SNAPLEN].at[0], 128);
	assert_int_equal(f->sample, 7);
	assert_int_equal(f->n_to, 2);
	assert_string_equal(f->to[0].text, "a");
	assert_string_equal(f->to[1].text, "gue:192.0.2.9");
	assert_int_equal(set->at[1].action, ACTION_SKIP);
	assert_int_equal(set->at[1].constrained, 0);
	assert_int_equal(set->at[2].sample, 0);
	filter_set_free(set);
}

TEST(test_legs)
{
	struct filter_set *set =
		parsed("mirror to gue:192.0.2.9 + vxlan:192.0.2.10,vxlan:192.0.2.11 snaplen 64+128\n"
		       "mirror snaplen 128+0\nmirror snaplen 0\nmirror");
	struct filter *f = &set->at[0], from_row = {};
	struct mirror_filter row;

	assert_int_equal(filter_legs(f), 2);
	assert_int_equal(f->to[0].leg, 0);
	assert_int_equal(f->to[1].leg, 1);
	assert_int_equal(f->to[2].leg, 1);
	assert_int_equal(legs_value(&f->leg[LEG_SNAPLEN], 1), 128);
	assert_int_equal(filter_row(f).snaplen, 128);
	assert_int_equal(filter_row(f).own, OWN_DESTINATION | OWN_SNAPLEN);
	assert_int_equal(filter_legs(&set->at[1]), 0);
	assert_int_equal(filter_row(&set->at[1]).snaplen, 0);
	row = filter_row(&set->at[2]);
	filter_from_row(&from_row, &row);
	assert_int_equal(from_row.leg[LEG_SNAPLEN].n, 1);
	assert_int_equal(filter_row(&set->at[3]).own, 0);
	filter_set_free(set);
}

/* What a row of the tables keeps of snaplen. */
TEST(test_snaplen_in_rows)
{
	struct filter_set *set = parsed("mirror snaplen headers\nmirror snaplen headers+64\n"
					"mirror snaplen headers+zero\nmirror snaplen 64");

	for (size_t i = 0; i < set->n; i++) {
		struct mirror_filter row = filter_row(&set->at[i]);
		struct filter from_row = {};

		filter_from_row(&from_row, &row);
		assert_memory_equal(&from_row.leg, &set->at[i].leg, sizeof(from_row.leg));
		assert_int_equal(row.snaplen, i % 2 ? 64 : 0);
	}
	filter_set_free(set);
}

/* A set read back from the tables comes in any order and with what others cover. */
TEST(test_print_sorts)
{
	static const struct prefix list[] = {
		{ 6, 128, { [15] = 1 } }, { 4, 32, { 10, 1 } }, { 4, 32, { 9 } }, { 4, 16, { 10, 1 } }
	};
	struct filter_set *set = filter_set_new();
	struct filter *f = filter_set_add(set, ACTION_SKIP);
	char *text;

	f->constrained = 1U << DIM_DST;
	for (size_t i = 0; i < COUNT(list); i++)
		assert_int_equal(prefix_list_add(&f->dst, &list[i]), 0);
	text = printed(set);
	assert_string_equal(text, "skip dst 9.0.0.0,10.1.0.0/16,::1\n");
	assert_int_equal(f->dst.n, COUNT(list));
	free(text);
	filter_set_free(set);
}

TEST(test_print_to_a_full_disk)
{
	struct filter_set *set = parsed("mirror");
	FILE *full = fopen("/dev/full", "w");

	assert_non_null(full);
	setvbuf(full, NULL, _IONBF, 0);
	assert_int_equal(rules_print(full, set), -EIO);
	fclose(full);
	filter_set_free(set);
}

/* What bpftool can write and no rule can say is a comment, and a comment says nothing when it is fed back. */
TEST(test_unsayable)
{
	struct filter_set *set = parsed("mirror tcp-flags syn/syn,ack\nmirror vlan 5\nmirror to a\n"
					"mirror to a sample 1/9 snaplen 64 port 1 name x\nmirror src ::1\n"
					"mirror domain a,b first 1\nmirror"),
			  *again;
	char *text;

	memset(set->at[0].tcp_flags, 0, sizeof(set->at[0].tcp_flags));
	bits_set(set->at[0].tcp_flags, 2);
	bits_set(set->at[0].tcp_flags, 18);
	bits_set(set->at[0].tcp_flags, 24);
	bits_set(set->at[0].tcp_flags, 25);
	memset(set->at[1].vlan, 0, sizeof(set->at[1].vlan));
	strcpy(set->at[2].to[0].text, "a;skip\n");
	set->at[3].action = ACTION_SKIP;
	set->at[4].src.n = 0;
	set->at[5].domain.at[0].text[0] = '\n';
	set->at[5].first = FLOW_PACKETS;
	strcpy(set->at[6].name, "x;y");
	text = printed(set);
	assert_string_equal(
		text, "# not one value/mask: mirror tcp-flags 2,18,24-25\n"
		      "# accepts no packet: mirror vlan \n"
		      "# not a device name: mirror to a;skip\\x0a\n"
		      "skip port 1 name x\n"
		      "# accepts no packet: mirror src \n"
		      "# not bytes or packets such as 20K, 1M or 10p, up to 1G: "
		      "mirror domain \\x0a,b first 0p\n"
		      "# not a name of up to 31 letters, digits, \"_\", \".\" and \"-\": mirror name x;y\n");
	again = parsed(text);
	assert_int_equal(again->n, 1);
	filter_set_free(again);
	free(text);
	filter_set_free(set);
}

/* Random filters, made without the parser. */

static unsigned int below(unsigned int n)
{
	return random() % n;
}

static struct prefix random_prefix(void)
{
	struct prefix p = { .family = below(2) ? 4 : 6 };
	unsigned int bits = p.family == 4 ? 32 : 128;

	p.len = below(bits + 1);
	for (unsigned int bit = 0; bit < p.len;
	     bit++) /* few different first bits, so that some cover others */
		if (bit < 8 ? bit == 3 : below(2))
			p.addr[bit / 8] |= 0x80 >> bit % 8;
	return p;
}

static void random_numbers(uint64_t *set, size_t bits)
{
	for (unsigned int n = 1 + below(6); n > 0; n--) {
		unsigned int low = below(bits), high = below(2) ? low : low + below(bits - low);

		for (unsigned int value = low; value <= high; value++)
			bits_set(set, value);
	}
}

/* Of few labels, so that some cover others. */
static void random_names(struct name_list *list)
{
	for (unsigned int n = 1 + below(20); n > 0; n--) {
		char text[64], *end = text + sprintf(text, "%s", below(2) ? "*." : "");
		struct mirror_name name;

		for (unsigned int labels = below(4); labels > 0; labels--)
			end += sprintf(end, "%c.", 'a' + below(3));
		strcpy(end, below(2) ? "org" : "example");
		assert_true(name_parse(text, strlen(text), &name));
		assert_int_equal(name_list_add(list, &name), 0);
	}
}

static void random_dimension(struct filter *f, enum mirror_dimension dim)
{
	struct prefix_list *list = dim == DIM_SRC ? &f->src : &f->dst;
	unsigned int mask = below(256), flags = below(256) & mask;
	size_t bits;
	uint64_t *set = filter_bits(f, dim, &bits);

	f->constrained |= 1U << dim;
	if (dim == DIM_TCP_FLAGS) {
		for (unsigned int byte = 0; byte < 256; byte++)
			if ((byte & mask) == flags)
				bits_set(set, byte);
	} else if (set) {
		random_numbers(set, bits);
	} else if (dim == DIM_DOMAIN) {
		random_names(&f->domain);
	} else {
		for (unsigned int n = 1 + below(40); n > 0; n--) {
			struct prefix p = random_prefix();

			assert_int_equal(prefix_list_add(list, &p), 0);
		}
	}
}

static void random_options(struct filter *f, unsigned int number)
{
	static const char *const names[] = { "%ueth0", "%uabcdefghijklmn", "%u.100", "gue:192.0.2.%u",
					     "vxlan:[2001:db8::%u]:4789/16777215" };

	if (below(2))
		sprintf(f->name, "%x-_.Z%u", below(1 << 20), number);
	if (f->action == ACTION_SKIP)
		return;
	if (below(2))
		f->first = 1 + below(1 << 30) + (below(2) ? FLOW_PACKETS : 0);
	if (below(2))
		f->sample = 2 + random();
	if (below(2))
		*(below(2) ? &f->max_packets : &f->max_bits) = 1 + below(1000) * (below(2) ? 1000 : 1);
	if (below(2)) {
		f->to = calloc((size_t)MIRROR_MAX_LEGS * MIRROR_MAX_DEVICES, sizeof(*f->to));
		assert_non_null(f->to);
		for (f->n_to = 0; f->n_to <= below(MIRROR_MAX_DEVICES); f->n_to++) {
			struct destination *to = &f->to[f->n_to];
			const char *why;

			to->leg = f->n_to ? to[-1].leg + (to[-1].leg < MIRROR_MAX_LEGS - 1 && below(2)) : 0;
			sprintf(to->text, names[below(COUNT(names))], (unsigned int)f->n_to);
			if (strchr(to->text, ':'))
				assert_int_equal(collector_parse(to->text, &to->collector, &why), 0);
		}
	}
}

static void random_leg_options(struct filter *f)
{
	static const uint32_t most[LEG_OPTIONS] = { SNAPLEN_MAX - SNAPLEN_MIN, OVERSIZE_FRAGMENT, 1 };

	for (int option = 0; option < LEG_OPTIONS; option++) {
		struct leg_values *v = &f->leg[option];

		if (below(2))
			continue;
		v->n = f->n_to && below(2) ? filter_legs(f) : 1;
		for (uint32_t leg = 0; leg < v->n; leg++) {
			v->at[leg] = below(most[option] + 1);
			if (option == LEG_SNAPLEN && v->at[leg])
				v->at[leg] += SNAPLEN_MIN - 1;
		}
	}
}

static void check_round_trip(const struct filter_set *set)
{
	char *text = printed(set);
	struct filter_set *again = parsed(text);

	assert_int_equal(again->n, set->n);
	for (size_t i = 0; i < set->n; i++)
		if (!same_filter(&set->at[i], &again->at[i]))
			fail_msg("filter %zu of\n%s", i, text);
	free(text);
	filter_set_free(again);
}

TEST(test_round_trip)
{
	for (int round = 0; round < 200; round++) {
		struct filter_set *set = filter_set_new();

		assert_non_null(set);
		for (unsigned int n = below(8); n > 0; n--) {
			struct filter *f = filter_set_add(set, below(4) ? ACTION_MIRROR : ACTION_SKIP);

			for (enum mirror_dimension dim = 0; dim < DIM_COUNT; dim++)
				if (!below(3))
					random_dimension(f, dim);
			prefix_list_reduce(&f->src);
			prefix_list_reduce(&f->dst);
			name_list_reduce(&f->domain);
			random_options(f, set->n);
			if (f->action == ACTION_MIRROR)
				random_leg_options(f);
		}
		check_round_trip(set);
		filter_set_free(set);
	}
}

TEST(test_every_value_and_mask)
{
	for (unsigned int mask = 0; mask < 256; mask++) {
		unsigned int flags = mask;

		do {
			struct filter_set *set = filter_set_new();
			struct filter *f;

			assert_non_null(set);
			while ((f = filter_set_add(set, ACTION_MIRROR))) {
				f->constrained = 1U << DIM_TCP_FLAGS;
				for (unsigned int byte = 0; byte < 256; byte++)
					if ((byte & mask) == flags)
						bits_set(f->tcp_flags, byte);
				flags = (flags - 1) & mask; /* the next subset of mask; after 0, mask again */
				if (flags == mask)
					break;
			}
			check_round_trip(set);
			filter_set_free(set);
		} while (flags != mask);
	}
}

static bool covers(const struct prefix *a, const struct prefix *b)
{
	if (a->family != b->family || a->len > b->len)
		return false;
	for (unsigned int bit = 0; bit < a->len; bit++)
		if ((a->addr[bit / 8] ^ b->addr[bit / 8]) & 0x80 >> bit % 8)
			return false;
	return true;
}

static size_t covering(const struct prefix_list *list, const struct prefix *p)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		n += covers(&list->at[i], p);
	return n;
}

TEST(test_reduce)
{
	for (int round = 0; round < 50; round++) {
		struct prefix_list all = { 0 }, reduced = { 0 };

		for (unsigned int n = below(300); n > 0; n--) {
			struct prefix p = random_prefix();

			assert_int_equal(prefix_list_add(&all, &p), 0);
			assert_int_equal(prefix_list_add(&reduced, &p), 0);
		}
		prefix_list_reduce(&reduced);
		for (size_t i = 0; i < all.n; i++)
			assert_int_equal(covering(&reduced, &all.at[i]), 1);
		for (size_t i = 0; i < reduced.n; i++)
			assert_true(covering(&all, &reduced.at[i]) > 0);
		free(all.at);
		free(reduced.at);
	}
}

/* The time that a rule of n prefixes takes, in CPU seconds. */
static double time_of_prefixes(unsigned int n)
{
	const size_t size = (size_t)n * (INET6_ADDRSTRLEN + 5) + 100;
	char *text = malloc(size), *end = text + sprintf(text, "mirror src ::/128");
	struct filter_set *set;
	clock_t start;
	double time;

	for (unsigned int i = 0; i < n; i++) {
		struct in_addr four = { .s_addr = htonl(0x0b000000 + i * 7919) };
		struct in6_addr six = { .s6_addr = { 0x20, 1, i, i >> 8, i * 37 } };

		*end++ = ',';
		inet_ntop(i % 2 ? AF_INET : AF_INET6, i % 2 ? (void *)&four : &six, end, INET6_ADDRSTRLEN);
		end += strlen(end);
	}
	start = clock();
	set = parsed(text);
	time = (double)(clock() - start) / CLOCKS_PER_SEC;
	assert_int_equal(set->at[0].src.n, n + 1);
	check_round_trip(set);
	filter_set_free(set);
	free(text);
	return time;
}

/* Not the square of their number: 16 times as many would take 256 times as long. */
TEST(test_20000_prefixes)
{
	double some = time_of_prefixes(1250), all = time_of_prefixes(20000);

	print_message("20,000 prefixes take %.0f times as long as 1,250\n", all / some);
	assert_true(all < 128 * some);
}

/* Time that grows with the text and not with what it says: half a megabyte of the widest range there is. */
TEST(test_wide_ranges)
{
	static const char range[] = "0-65535,";
	const size_t n = 65536, len = strlen(range);
	char *text = malloc(n * len + 20), *end = stpcpy(text, "mirror port ");
	clock_t start = clock();
	struct filter_set *set;

	for (size_t i = 0; i < n; i++)
		end = stpcpy(end, range);
	stpcpy(end, "1");
	set = parsed(text);
	assert_true(clock() - start < 2 * CLOCKS_PER_SEC);
	filter_set_free(set);
	free(text);
}

/* Upstream's options. */

static const struct {
	struct upstream_filter options;
	const char *printed;
} upstream[] = {
	{ { 0 }, "" },
	{ { .src_address = "0.0.0.0" }, "mirror\n" },
	{ { "0.0.0.0", NULL, "0", "8080", "tcp,icmp", NULL },
	  "mirror proto tcp dst-port 8080\nmirror proto icmp\n" },
	{ { NULL, "0.0.0.0", "8080", "0", "tcp,icmp", NULL },
	  "mirror proto tcp src-port 8080\nmirror proto icmp\n" },
	{ { "10.0.0.0/8, 2001:db8::/32,10.1.0.0/16", "192.0.2.1", "1", "2", "udp, icmpv6 ,icmp,tcp", NULL },
	  "mirror proto tcp,udp src 10.0.0.0/8,2001:db8::/32 dst 192.0.2.1 src-port 1 dst-port 2\n"
	  "mirror proto icmp,icmpv6 src 10.0.0.0/8,2001:db8::/32 dst 192.0.2.1\n" },
	{ { "10.0.0.1", NULL, NULL, "80", "icmp", NULL }, "mirror proto icmp src 10.0.0.1\n" },
	{ { NULL, NULL, "0", "0", "tcp,icmp", NULL }, "mirror proto icmp,tcp\n" },
	{ { NULL, NULL, "80,0", "443", "tcp", NULL }, "mirror proto tcp dst-port 443\n" },
	{ { NULL, NULL, "0-100", NULL, NULL, NULL }, "mirror src-port 0-100\n" },
	{ { .dst_port = "443", .domain = "*.example.com, Example.com" },
	  "mirror dst-port 443 domain example.com,*.example.com\n" },
	{ { NULL, NULL, NULL, "80,443", NULL, NULL }, "mirror dst-port 80,443\n" },
	{ { "10.0.0.0/8,::/0", "0.0.0.0/0", NULL, NULL, "udp", NULL }, "mirror proto udp\n" },
	{ { "10.0.0.0/0", NULL, NULL, NULL, NULL, NULL }, "mirror src 0.0.0.0/0\n" },
	{ { NULL, NULL, NULL, NULL, "sctp,200,icmp", NULL }, "mirror proto icmp,sctp,200\n" },
	{ { NULL, NULL, NULL, "1", "200,icmp", NULL }, "mirror proto 200 dst-port 1\nmirror proto icmp\n" },
};

TEST(test_upstream)
{
	for (size_t i = 0; i < COUNT(upstream); i++) {
		struct filter_set *set;
		char *text;

		assert_int_equal(parse_upstream(&upstream[i].options, &set), 0);
		assert_string_equal(said, "");
		text = printed(set);
		if (strcmp(text, upstream[i].printed))
			fail_msg("row %zu becomes\n%sand not\n%s", i, text, upstream[i].printed);
		check_round_trip(set);
		free(text);
		filter_set_free(set);
	}
}

static const struct {
	struct upstream_filter options;
	const char *error;
} upstream_refused[] = {
	{ { .src_address = "" }, "--src-address: empty element in a list" },
	{ { .src_address = "10.0.0.1, " }, "--src-address: empty element in a list" },
	{ { .src_address = "10.0.0.0/40" },
	  "--src-address: the prefix length of \"10.0.0.0/40\" is not a number from 0 to 32" },
	{ { .dst_address = "0.0.0.0,host" },
	  "--dst-address: \"host\" is not an IPv4 or IPv6 address or prefix" },
	{ { .src_port = "80abc" }, "--src-port: \"80abc\" is not a port or a range of them (0 to 65535)" },
	{ { .dst_port = "0,70000" }, "--dst-port: \"70000\" is not a port or a range of them (0 to 65535)" },
	{ { .dst_port = "80 443" }, "--dst-port: \"80 443\" is not a port or a range of them (0 to 65535)" },
	{ { .dst_port = "80,,443" }, "--dst-port: empty element in a list" },
	{ { .protocol = "tcp,all" },
	  "--protocol: \"all\" is not a known protocol or a number from 0 to 255" },
	{ { "x", "y", "-", "1,", "z\n", NULL },
	  "--src-address: \"x\" is not an IPv4 or IPv6 address or prefix\n"
	  "--dst-address: \"y\" is not an IPv4 or IPv6 address or prefix\n"
	  "--src-port: \"-\" is not a port or a range of them (0 to 65535)\n"
	  "--dst-port: empty element in a list\n"
	  "--protocol: \"z\\x0a\" is not a known protocol or a number from 0 to 255" },
};

TEST(test_upstream_refused)
{
	for (size_t i = 0; i < COUNT(upstream_refused); i++) {
		struct filter_set *set;
		int error = parse_upstream(&upstream_refused[i].options, &set);

		if (error != -EINVAL || strcmp(said, upstream_refused[i].error))
			fail_msg("row %zu gives %d\n%s\nand not\n%s", i, error, said,
				 upstream_refused[i].error);
		filter_set_free(set);
	}
}

int main(void)
{
	const char *given = getenv("SEED");
	unsigned int seed = given ? strtoul(given, NULL, 10) : (unsigned int)time(NULL) ^ getpid() << 16;

	print_message("SEED=%u\n", seed);
	srandom(seed);
	return unit_run(NULL, NULL);
}
