/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Capture files, read again by libpcap; what it does not show of pcapng, block by block. */
#include "../../../common/tests/unit.h"
#include "../writer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glob.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#define FIRST_NS 1764000000123456789ULL
#define STEP_NS 1000000001ULL
#define SNAPLEN 100

static const uint32_t lengths[] = { 14, 15, 16, 17, 60, 99, 100, 101, 1514, 65000 };
#define PACKETS (sizeof(lengths) / sizeof(lengths[0]))

static uint8_t bytes[65536];
static char folder[] = "/tmp/test_writer-XXXXXX", path[64], kept[64], zstd_path[64], plain[64];

static int make_folder(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = i * 31 + (i >> 8);
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/copies.pcap", folder);
	snprintf(kept, sizeof(kept), "%s/copies-*.pcap*", folder);
	snprintf(zstd_path, sizeof(zstd_path), "%s/copies.pcap.zst", folder);
	snprintf(plain, sizeof(plain), "%s/plain.pcap", folder);
	return 0;
}

static void remove_series(void)
{
	glob_t files;

	if (glob(kept, 0, NULL, &files))
		return;
	for (size_t i = 0; i < files.gl_pathc; i++)
		unlink(files.gl_pathv[i]);
	globfree(&files);
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	unlink(zstd_path);
	unlink(plain);
	remove_series();
	return rmdir(folder);
}

/*
 * Packet number i: 40 bytes of it were not copied; from one of two tunnels; every third one says its
 * direction.
 */
static struct copy packet(uint32_t i)
{
	struct copy p = {
		.frame = { bytes + i, lengths[i % PACKETS], lengths[i % PACKETS] + 40 },
		.tunnel = { .format = FORMAT_GUE, .vni = 7 + i % 2, .filter = i % 3 ? 0 : 1, .egress = i % 2 },
		.source = { .family = AF_INET },
		.time_ns = FIRST_NS + i * STEP_NS,
	};

	assert_int_equal(inet_pton(AF_INET, "192.0.2.1", p.source.bytes), 1);
	return p;
}

static void write_packets(const struct writer_options *options, uint32_t n)
{
	struct writer *w;

	assert_int_equal(writer_open(options, &w), 0);
	assert_int_equal(writer_start(w), 0);
	for (uint32_t i = 0; i < n; i++) {
		struct copy p = packet(i);

		assert_int_equal(writer_packet(w, &p), 0);
	}
	assert_int_equal(writer_close(w, UINT64_MAX), 0);
}

/*
 * Reads a file of packets that follow each other, and returns how many there are. *first: the number of the
 * first one.
 */
static uint32_t read_packets(const char *name, uint32_t snaplen, uint32_t *first)
{
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *file = pcap_open_offline_with_tstamp_precision(name, PCAP_TSTAMP_PRECISION_NANO, error);
	struct pcap_pkthdr *header;
	const uint8_t *data;
	uint32_t n = 0;

	assert_non_null(file);
	assert_int_equal(pcap_datalink(file), DLT_EN10MB);
	assert_int_equal(pcap_snapshot(file), snaplen);
	for (; pcap_next_ex(file, &header, &data) == 1; n++) {
		uint64_t time_ns = header->ts.tv_sec * 1000000000ULL + header->ts.tv_usec;
		struct copy p;

		if (!n)
			*first = (time_ns - FIRST_NS) / STEP_NS;
		p = packet(*first + n);
		assert_int_equal(time_ns, p.time_ns);
		assert_int_equal(header->caplen, p.frame.len < snaplen ? p.frame.len : snaplen);
		assert_int_equal(header->len, p.frame.wire_len);
		assert_memory_equal(data, p.frame.at, header->caplen);
	}
	assert_string_equal(pcap_geterr(file), ""); /* its end, not a fault */
	pcap_close(file);
	return n;
}

TEST(whole_and_cut)
{
	static const struct pcapfile_format *const formats[] = { &pcapfile_pcap, &pcapfile_pcapng };
	static const uint32_t snaplens[] = { PCAPFILE_SNAPLEN_MAX, SNAPLEN };
	uint32_t first;

	for (int f = 0; f < 2; f++) {
		for (int s = 0; s < 2; s++) {
			write_packets(&(struct writer_options){ .output.path = path,
								.format = formats[f],
								.snaplen = snaplens[s],
								.failed = -1 },
				      PACKETS);
			assert_int_equal(read_packets(path, snaplens[s], &first), PACKETS);
			assert_int_equal(first, 0);
		}
	}
}

static uint32_t word(const uint8_t *at)
{
	uint32_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html: sections 3.1, 4.2, 4.3 */
TEST(interfaces_and_directions)
{
	static const char *const names[] = { "vni 7", "vni 8" };
	static uint8_t file[16384];
	uint32_t size, len, interfaces = 0, packets = 0;
	FILE *f;

	write_packets(
		&(struct writer_options){
			.output.path = path, .format = &pcapfile_pcapng, .snaplen = SNAPLEN, .failed = -1 },
		PACKETS);
	f = fopen(path, "r");
	assert_non_null(f);
	size = fread(file, 1, sizeof(file), f);
	assert_int_equal(fclose(f), 0);
	assert_uint_in_range(size, 1, sizeof(file) - 1);
	for (uint32_t at = 0; at < size; at += len) {
		len = word(file + at + 4);
		assert_int_equal(len % 4, 0);
		assert_uint_in_range(len, 12, size - at);
		assert_int_equal(word(file + at + len - 4), len);
		if (word(file + at) == 1) {
			assert_non_null(memmem(file + at, len, names[interfaces % 2], 5));
			interfaces++;
		} else if (word(file + at) == 6) {
			/* the flags option: code 2, 4 bytes; then the options' end, and the length again */
			static const uint16_t option[] = { 2, 4 };
			const uint8_t *flags = file + at + len - 16;
			uint32_t direction = packets % 2 ? 2 : 1;

			assert_int_equal(word(file + at + 8), packets % 2);
			if (packets % 3)
				assert_int_equal(len, 32 + (word(file + at + 20) + 3) / 4 * 4);
			else
				assert_int_equal(memcmp(flags, option, sizeof(option)) ? 0 : word(flags + 4),
						 direction);
			packets++;
		}
	}
	assert_int_equal(interfaces, 2);
	assert_int_equal(packets, PACKETS);
}

/* Decompresses a file into the file plain. Whether it is a whole frame, and nothing else. */
static bool decompress(const char *name)
{
	static uint8_t compressed[1 << 20], bytes[1 << 20];
	ZSTD_outBuffer out = { bytes, sizeof(bytes), 0 };
	ZSTD_inBuffer in = { compressed, 0, 0 };
	ZSTD_DCtx *context = ZSTD_createDCtx();
	FILE *file = fopen(name, "r");
	size_t more;

	assert_true(context && file);
	in.size = fread(compressed, 1, sizeof(compressed), file);
	fclose(file);
	more = ZSTD_decompressStream(context, &out, &in);
	assert_false(ZSTD_isError(more));
	ZSTD_freeDCtx(context);
	file = fopen(plain, "w");
	assert_true(file && fwrite(bytes, 1, out.pos, file) == out.pos && !fclose(file));
	return !more && in.pos == in.size;
}

/* Each file is whole, the last ones are kept, and not a packet is missing between them. */
static void check_series(const char *of, bool zstd)
{
	const struct writer_options options = {
		{ of, true, zstd, 3, geteuid() }, &pcapfile_pcapng, SNAPLEN, 2000, 0, -1
	};
	const uint32_t n = 100;
	uint32_t next = n, first = 0, found;
	glob_t files;

	write_packets(&options, n);
	assert_int_equal(glob(kept, 0, NULL, &files), 0); /* in the order of their names */
	assert_int_equal(files.gl_pathc, 3);
	for (size_t i = files.gl_pathc; i-- > 0; next = first) {
		if (zstd)
			assert_true(decompress(files.gl_pathv[i]));
		assert_string_equal(strchr(files.gl_pathv[i], '.'), strchr(of, '.'));
		found = read_packets(zstd ? plain : files.gl_pathv[i], SNAPLEN, &first);
		assert_int_equal(first + found, next);
	}
	assert_uint_in_range(next, 1, n - 1);
	globfree(&files);
	remove_series();
}

TEST(rotated)
{
	check_series(path, false);
	check_series(zstd_path, true);
}

/* A crash after a flush loses nothing: what was flushed can be decompressed. */
TEST(compressed_and_flushed)
{
	const struct writer_options options = {
		{ .path = zstd_path, .zstd = true }, &pcapfile_pcap, SNAPLEN, 0, 0, -1
	};
	uint32_t found = 0, first;
	struct writer *w;

	assert_int_equal(writer_open(&options, &w), 0);
	assert_int_equal(writer_start(w), 0);
	for (uint32_t i = 0; i < PACKETS; i++) {
		struct copy p = packet(i);

		assert_int_equal(writer_packet(w, &p), 0);
	}
	assert_int_equal(writer_flush(w), 0);
	for (int ms = 0; ms < 5000 && found < PACKETS; ms += 10) {
		usleep(10000);
		assert_false(decompress(zstd_path));
		found = read_packets(plain, SNAPLEN, &first);
	}
	assert_int_equal(found, PACKETS);
	assert_int_equal(writer_close(w, UINT64_MAX), 0);
	assert_true(decompress(zstd_path));
	assert_int_equal(read_packets(plain, SNAPLEN, &first), PACKETS);
}

TEST(full_disk)
{
	const struct writer_options options = { { .path = "/dev/full" }, &pcapfile_pcap, SNAPLEN, 0, 0, -1 };
	struct writer *w = NULL;

	assert_int_equal(writer_open(&options, &w), -ENOSPC);
	assert_null(w);
}

TEST_MAIN(make_folder, remove_folder)
