/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "../../../common/tests/unit.h"
#include "../dedup.h"

#include <stdlib.h>
#include <string.h>

#include "../../wire/tests/hex.h"

#define MACS "020000000002020000000001"
#define IP "4500001c 00000000 40110000 0a000001 0a000002 00350036 00080000"
#define FRAME MACS "0800" IP
#define WINDOW_NS 5000000ULL
#define NOW_NS 1700000000000000000ULL

/* Whether the frame is dropped. cut: bytes at its end that were not copied. time_ns: since NOW_NS. */
static bool drops(struct dedup *d, const char *hex, uint32_t cut, uint64_t time_ns)
{
	const struct decap tunnel = { .len = 0 };
	uint8_t bytes[256], *exact;
	struct decap frame = tunnel;
	struct copy p;
	bool dropped;

	frame.wire_len = hex_bytes(hex, bytes);
	frame.len = frame.wire_len - cut;
	exact = malloc(frame.len); /* so that the sanitizer sees a byte too much */
	memcpy(exact, bytes, frame.len);
	copy_make(exact, &frame, &p);
	p.time_ns = NOW_NS + time_ns;
	dropped = dedup_drops(d, &p);
	free(exact);
	return dropped;
}

/* A frame after FRAME. */
static const struct {
	const char *name, *hex;
	uint32_t cut;
	uint64_t time_ns;
	bool dropped;
} cases[] = {
	{ "the same", FRAME, 0, 0, true },
	{ "at the end of the window", FRAME, 0, WINDOW_NS, true },
	{ "after the window", FRAME, 0, WINDOW_NS + 1, false },
	{ "with other addresses of Ethernet", "020000000003020000000002 0800" IP, 0, 0, true },
	{ "in a VLAN", MACS "8100 0063 0800" IP, 0, 0, true },
	{ "with Ethernet's padding", FRAME "0000", 0, 0, true },
	{ "with another TTL and checksum",
	  MACS "0800 4500001c 00000000 3f110100 0a000001 0a000002 00350036 00080000", 0, 0, false },
	{ "with another last byte",
	  MACS "0800 4500001c 00000000 40110000 0a000001 0a000002 00350036 00080001", 0, 0, false },
	{ "of which less was copied", FRAME, 1, 0, false },
	{ "the same bytes, but not IP", MACS "0806" IP, 0, 0, false },
};

TEST(one_after_another)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct dedup *d = dedup_new(WINDOW_NS);

		print_message("  %s\n", cases[i].name);
		assert_false(drops(d, FRAME, 0, 0));
		assert_int_equal(drops(d, cases[i].hex, cases[i].cut, cases[i].time_ns), cases[i].dropped);
		dedup_free(d);
	}
}

/* The window begins with the copy that was accepted, so that at least one per window is. */
TEST(window_of_the_accepted_one)
{
	struct dedup *d = dedup_new(WINDOW_NS);

	assert_false(drops(d, FRAME, 0, WINDOW_NS));
	assert_true(drops(d, FRAME, 0, 0)); /* another worker received it later */
	assert_true(drops(d, FRAME, 0, 2 * WINDOW_NS));
	assert_false(drops(d, FRAME, 0, 2 * WINDOW_NS + 1));
	dedup_free(d);
}

TEST(frames_without_ip)
{
	struct dedup *d = dedup_new(WINDOW_NS);

	assert_false(drops(d, MACS "0806 0001", 0, 0));
	assert_true(drops(d, MACS "0806 0001", 0, 0));
	assert_false(drops(d, "020000000003020000000002 0806 0001", 0, 0));
	assert_false(drops(d, MACS "0806 0001 00", 0, 0));
	dedup_free(d);
}

/* More than it remembers: the newest of them are. */
TEST(many)
{
	struct dedup *d = dedup_new(~0ULL);
	uint32_t count = 3000000, recent = 100000, recognised = 0;
	uint8_t frame[42];
	struct copy p;

	hex_bytes(FRAME, frame);
	for (uint32_t i = 0; i < count + recent; i++) {
		const struct decap tunnel = { .len = sizeof(frame) };
		uint32_t number = i < count ? i : i - recent;

		memcpy(frame + 38, &number, sizeof(number));
		copy_make(frame, &tunnel, &p);
		p.time_ns = NOW_NS + i;
		recognised += dedup_drops(d, &p);
	}
	assert_true(recognised > recent * 99 / 100 && recognised <= recent);
	dedup_free(d);
}

TEST_MAIN(NULL, NULL)
