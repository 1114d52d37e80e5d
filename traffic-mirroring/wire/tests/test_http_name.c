/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Names in requests of HTTP/1. */
#include "../../../common/tests/unit.h"
#include "../name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../reassembly.h"
#include "name_flow.h"

static struct name_flow flow;

static enum name_state read_in_two(const char *request, size_t cut)
{
	name_flow_begin(&flow);
	name_flow_open(&flow);
	if (cut)
		name_flow_send(&flow, 0, request, cut);
	if (flow.state == NAME_UNDECIDED)
		name_flow_send(&flow, cut, request + cut, strlen(request) - cut);
	name_flow_end(&flow);
	return flow.state;
}

/* name "": none. */
static void assert_name(const char *request, const char *name)
{
	print_message("  %s\n", request);
	for (size_t cut = 0; cut < strlen(request); cut++) {
		assert_int_equal(read_in_two(request, cut), *name ? NAME_FOUND : NAME_NONE);
		assert_string_equal(flow.name, name);
	}
}

TEST(requests)
{
	static const struct {
		const char *request, *name;
	} cases[] = {
		{ "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example" },
		{ "GET / HTTP/1.1\r\nhOST:A.Example:8080\r\n\r\n", "a.example" },
		{ "GET / HTTP/1.1\r\nHost: \t a.example. \t\r\n\r\n", "a.example" },
		{ "GET / HTTP/1.0\r\nAccept: *\r\nHost: a.example\r\n\r\n", "a.example" },
		{ "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9\r\n\r\nHost: b.e", "a.example" },
		{ "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\nno chunk",
		  "a.example" },
		{ "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example" },
		{ "GET http://b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", "b.example" },
		{ "GET http://b.example:81?q HTTP/1.1\r\nHost: a.example\r\n\r\n", "b.example" },
		{ "GET HTTPS://B.example HTTP/1.1\r\nHost: a.example\r\n\r\n", "b.example" },
		{ "GET /?u=http://b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example" },
		{ "CONNECT b.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n", "b.example" },
		{ "GET / HTTP/1.1\r\nHost: a.example\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
		  "a.example" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_name(cases[i].request, cases[i].name);
}

TEST(requests_without_one_name)
{
	static const char *const cases[] = {
		"GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a.example b.example\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a.example, b.example\r\n\r\n",
		"GET / HTTP/1.1\r\nHost : a.example\r\n\r\n",
		"GET / HTTP/1.1\r\n Host: a.example\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a.example\r\n .other\r\n\r\n",
		"GET / HTTP/1.1\r\nHost:\r\n a.example\r\n\r\n",
		"GET / HTTP/1.1\nHost: a.example\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a.example\n\r\n",
		"GET / HTTP/1.1\r\nHost: a.example\r\n\n",
		"GET / HTTP/1.1\r\nX: y\nHost: a.example\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a.example\rX\r\n\r\n",
		"GET / HTTP/1.1\r\nHost:\r\n\r\n",
		"GET / HTTP/1.1\r\nAccept: *\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n",
		"GET /\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: 192.0.2.1:80\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a.example:\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a.example:80:80\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a.example:x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: user@a.example\r\n\r\n",
		"GET http://user@b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"GET http:///path HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"GET http://[::1]/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"GET http://b.example/ HTTP/1.1\r\n\r\n",
		"CONNECT http://b.example HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"PUT / HTTP/1.1\r\nHost: a.b\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"\r\nGET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"get / HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"GET / HTTP/2.0\r\nHost: a.example\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_name(cases[i], "");
}

/* Known from the first bytes, however many follow. */
TEST(other_protocols_of_clients)
{
	static const char *const cases[] = {
		"SSH-2.0-OpenSSH_9.2p1\r\n",
		"EHLO client.example\r\n",
		"\x01",
		"*1\r\n",
		"\r\n",
		"USER a",
		"GET\t",
		"XGET ",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_name(cases[i], "");
}

TEST(heads_that_are_not_whole)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: a.example\r\nX: y\r\n\r\n";

	name_flow_begin(&flow);
	name_flow_open(&flow);
	for (size_t i = 0; i < strlen(request) - 1; i++)
		assert_int_equal(name_flow_send(&flow, i, request + i, 1), NAME_UNDECIDED);
	assert_int_equal(name_flow_send(&flow, 0, request, strlen(request)), NAME_FOUND);
	name_flow_end(&flow);
}

/* A request with many letters in its middle. */
static enum name_state read_long(const char *start, size_t len, const char *end)
{
	char *letters = calloc(1, len + 1), *request;

	memset(letters, 'a', len);
	assert_true(asprintf(&request, "%s%s%s", start, letters, end) > 0);
	free(letters);
	read_in_two(request, strlen(request) / 2);
	free(request);
	return flow.state;
}

TEST(long_heads)
{
	static const char cookie[] = "GET / HTTP/1.1\r\nHost: a.example\r\nCookie: ", end[] = "\r\n\r\n";
	static const char host[] = "GET / HTTP/1.1\r\nHost: ";
	size_t most = REASSEMBLY_MAX - strlen(cookie) - strlen(end);

	assert_int_equal(read_long(cookie, most, end), NAME_FOUND);
	assert_int_equal(read_long(cookie, most + 1, end), NAME_NONE);
	assert_int_equal(read_long(host, 254, end), NAME_NONE);
	assert_int_equal(read_long(host, 65000, end), NAME_NONE);
	assert_int_equal(read_long(host, 70000, end), NAME_NONE);
	assert_int_equal(read_long("GET /", 70000, ""), NAME_NONE);
}

TEST_MAIN(NULL, NULL)
