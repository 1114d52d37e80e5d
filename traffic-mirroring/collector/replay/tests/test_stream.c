/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Streams as cases of text: each step is a segment, what the sink gets is written down as text. The stream's
 * first byte has a sequence number close to the end of the numbers, so that they wrap.
 */
#include "../../../../common/tests/unit.h"
#include "../stream.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST 0xfffffffc
#define LIMIT_MS 10

static char written[4096];

static void put(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void put(const char *format, ...)
{
	size_t len = strlen(written);
	va_list args;

	va_start(args, format);
	vsnprintf(written + len, sizeof(written) - len, format, args);
	va_end(args);
}

/* A boundary is written as |. */
static void on_data(void *context, const uint8_t *at, uint32_t len, bool boundary)
{
	(void)context;
	put("%s%.*s", boundary ? "|" : "", (int)len, at);
}

static void on_gap(void *context, uint32_t len)
{
	(void)context;
	put("<%u>", len);
}

static const struct stream_sink sink = { on_data, on_gap, NULL };

struct step {
	int32_t offset; /* of the first byte in the stream */
	const char *text; /* NULL: no segment */
	uint32_t ack; /* bytes that the other end had answered with */
	enum {
		FIN = 1,
		CUT = 2,
		WAIT = 4
	} flags; /* CUT: twice as long as what was copied; WAIT: time passes */
	enum stream_result result;
};

static const struct test_case {
	const char *name;
	struct step step[10];
	const char *expected; /* what has come before the end, then what comes at the end */
	const char *end;
	bool complete;
} cases[] = {
	{ "in order", { { 0, .text = "abc" }, { 3, .text = "def" } }, "abcdef", .end = "" },
	{ "twice",
	  { { 0, .text = "abc" }, { 0, .text = "abc", .result = STREAM_DUPLICATE }, { 3, .text = "d" } },
	  "abcd",
	  .end = "" },
	{ "sent again in other pieces",
	  { { 0, .text = "abc" }, { 1, .text = "bcdef" }, { 3, .text = "def", .result = STREAM_DUPLICATE } },
	  "abcdef",
	  .end = "" },
	{ "early",
	  { { 3, .text = "def", .result = STREAM_HELD }, { 0, .text = "abc" } },
	  "abcdef",
	  .end = "" },
	{ "early in any order",
	  { { 6, .text = "g", .result = STREAM_HELD },
	    { 2, .text = "cd", .result = STREAM_HELD },
	    { 4, .text = "ef", .result = STREAM_HELD },
	    { 0, .text = "ab" } },
	  "abcdefg",
	  .end = "" },
	{ "early and twice",
	  { { 3, .text = "def", .result = STREAM_HELD },
	    { 3, .text = "def", .result = STREAM_DUPLICATE },
	    { 0, .text = "abc" } },
	  "abcdef",
	  .end = "" },
	{ "early ones that overlap",
	  { { 3, .text = "de", .result = STREAM_HELD },
	    { 2, .text = "cdefg", .result = STREAM_HELD },
	    { 0, .text = "ab" } },
	  "abcdefg",
	  .end = "" },
	{ "what waits is given up after its time",
	  { { 3, .text = "def", .result = STREAM_HELD }, { .flags = WAIT } },
	  "<3>def",
	  .end = "" },
	{ "what is late after a gap is old",
	  { { 3, .text = "def", .result = STREAM_HELD },
	    { .flags = WAIT },
	    { 0, .text = "abc", .result = STREAM_DUPLICATE } },
	  "<3>def",
	  .end = "" },
	{ "two gaps",
	  { { 2, .text = "c", .result = STREAM_HELD },
	    { 6, .text = "g", .result = STREAM_HELD },
	    { .flags = WAIT } },
	  "<2>c<3>g",
	  .end = "" },
	{ "at the end all is given out", { { 2, .text = "c", .result = STREAM_HELD } }, "", .end = "<2>c" },
	{ "a copy that is cut is a gap",
	  { { 0, .text = "abc", .flags = CUT },
	    { 6, .text = "ghi", .result = STREAM_HELD },
	    { .flags = WAIT } },
	  "abc<3>ghi",
	  .end = "" },
	{ "cut at the end", { { 0, .text = "abc", .flags = CUT } }, "abc", .end = "<3>" },
	{ "an acknowledgment shows what is missing at the end",
	  { { 0, .text = "abc" }, { 9, .text = "" } },
	  "abc",
	  .end = "<6>" },
	{ "FIN",
	  { { 0, .text = "abc" }, { 3, .text = "", .flags = FIN } },
	  "abc",
	  .end = "",
	  .complete = true },
	{ "FIN with data", { { 0, .text = "abc", .flags = FIN } }, "abc", .end = "", .complete = true },
	{ "FIN comes early",
	  { { 3, .text = "def", .flags = FIN, .result = STREAM_HELD }, { 0, .text = "abc" } },
	  "abcdef",
	  .end = "",
	  .complete = true },
	{ "FIN after a gap",
	  { { 0, .text = "abc" }, { 5, .text = "", .flags = FIN }, { .flags = WAIT } },
	  "abc<2>",
	  .end = "",
	  .complete = true },
	{ "FIN, waiting", { { 0, .text = "abc" }, { 5, .text = "", .flags = FIN } }, "abc", .end = "<2>" },
	{ "far outside",
	  { { 0, .text = "abc" }, { 0x50000000, .text = "x", .result = STREAM_OUTSIDE }, { 3, .text = "d" } },
	  "abcd",
	  .end = "" },
	{ "after an answer there is a boundary",
	  { { 0, .text = "abc" }, { 3, "def", .ack = 100 } },
	  "abc|def",
	  .end = "" },
	{ "100 Continue is no answer",
	  { { 0, .text = "abc" }, { 3, "def", .ack = 25 } },
	  "abcdef",
	  .end = "" },
	{ "a little more is one", { { 0, .text = "abc" }, { 3, "def", .ack = 26 } }, "abc|def", .end = "" },
	{ "no answer to what is missing",
	  { { 0, .text = "abc" },
	    { 6, "ghi", .ack = 100, .result = STREAM_HELD },
	    { .flags = WAIT },
	    { 9, "jkl", .ack = 100 },
	    { 12, "mno", .ack = 200 } },
	  "abc<3>ghijkl|mno",
	  .end = "" },
	{ "an acknowledgment stands for what is missing",
	  { { 0, .text = "abc" },
	    { 6, "", .ack = 0 },
	    { 6, "ghi", .ack = 100, .result = STREAM_HELD },
	    { .flags = WAIT } },
	  "abc<3>|ghi",
	  .end = "" },
	{ "the earliest acknowledgment of what is sent twice counts",
	  { { 0, "abc", .ack = 100 },
	    { 0, "abc", .ack = 0, .result = STREAM_DUPLICATE },
	    { 3, "def", .ack = 100 } },
	  "abc|def",
	  .end = "" },
	{ "the part behind an overlap has no boundary",
	  { { 0, .text = "abc" },
	    { 6, .text = "" },
	    { 6, "ghi", .ack = 100, .result = STREAM_HELD },
	    { 3, .text = "defg" } },
	  "abcdefghi",
	  .end = "" },
	{ "a segment that is sent again has none",
	  { { 3, .text = "def", .result = STREAM_HELD }, { 0, "abc", .ack = 100 } },
	  "abcdef",
	  .end = "" },
};

TEST(streams)
{
	const struct stream_limits limits = { 1 << 20, LIMIT_MS };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct memory memory = { .limit = 1 << 20 };
		uint64_t now = 1000;
		struct stream s;

		print_message("  %s\n", cases[i].name);
		*written = '\0';
		stream_begin(&s, FIRST);
		for (const struct step *step = cases[i].step; step->text || step->flags; step++) {
			struct segment segment = { .seq = FIRST + step->offset, .ack = step->ack };

			if (!step->text) {
				now += LIMIT_MS;
				stream_expire(&s, &limits, &memory, now, &sink);
				continue;
			}
			segment.len = strlen(step->text);
			segment.wire_len = segment.len * (step->flags & CUT ? 2 : 1);
			segment.flags = TH_ACK | (step->flags & FIN ? TH_FIN : 0);
			segment.payload = (const uint8_t *)step->text;
			assert_int_equal(stream_push(&s, &segment, &limits, &memory, now, &sink),
					 step->result);
		}
		assert_string_equal(written, cases[i].expected);
		assert_int_equal(stream_complete(&s), cases[i].complete);
		*written = '\0';
		stream_end(&s, &memory, &sink);
		assert_string_equal(written, cases[i].end);
		assert_int_equal(memory.used, 0);
	}
}

static struct segment bytes_at(uint32_t offset, uint32_t len)
{
	static uint8_t bytes[1000];

	return (struct segment){
		.seq = FIRST + offset, .len = len, .wire_len = len, .flags = TH_ACK, .payload = bytes
	};
}

/* What waits is bounded in bytes, by the stream's limit and by all the memory. */
TEST(bounds)
{
	const struct stream_limits limits = { 10000, UINT64_MAX };
	struct memory memory = { .limit = 5000 };
	struct stream s;

	*written = '\0';
	stream_begin(&s, FIRST);
	for (uint32_t offset = 1000; offset < 100000; offset += 2000) {
		struct segment segment = bytes_at(offset, 1000);
		bool room = memory.limit - memory.used > 1100;

		assert_int_equal(stream_push(&s, &segment, &limits, &memory, 0, &sink),
				 room ? STREAM_HELD : STREAM_NO_MEMORY);
		assert_true(memory.used <= memory.limit);
	}
	memory.limit = 1 << 20;
	for (uint32_t offset = 200000; offset < 300000; offset += 2000) {
		struct segment segment = bytes_at(offset, 1000);

		stream_push(&s, &segment, &limits, &memory, 0, &sink);
		assert_true(s.held_bytes <= limits.bytes);
	}
	assert_true(strlen(written) > 0);
	stream_end(&s, &memory, &sink);
	assert_int_equal(memory.used, 0);
}

TEST_MAIN(NULL, NULL)
