/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "pcapfile.h"

#include <string.h>

#include "../../common/clock.h"

#define LINKTYPE_ETHERNET 1

enum { MAGIC_US = 0xa1b2c3d4, MAGIC_NS = 0xa1b23c4d };

struct pcap_file {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snaplen, linktype;
};

struct pcap_packet {
	uint32_t seconds, fraction, len, wire_len;
};

static uint32_t put_pcap_file(uint8_t *to, uint32_t magic, uint32_t snaplen)
{
	const struct pcap_file header = { magic, 2, 4, 0, 0, snaplen, LINKTYPE_ETHERNET };

	memcpy(to, &header, sizeof(header));
	return sizeof(header);
}

static uint32_t put_pcap_packet(uint8_t *to, const struct pcapfile_packet *p, uint32_t unit_ns)
{
	const struct pcap_packet header = { p->time_ns / SECOND_NS, p->time_ns % SECOND_NS / unit_ns, p->len,
					    p->wire_len };

	memcpy(to, &header, sizeof(header));
	return sizeof(header);
}

static uint32_t pcap_file(uint8_t *to, uint32_t snaplen)
{
	return put_pcap_file(to, MAGIC_NS, snaplen);
}

static uint32_t pcap_begin(uint8_t *to, const struct pcapfile_packet *p)
{
	return put_pcap_packet(to, p, 1);
}

static uint32_t pcap_us_file(uint8_t *to, uint32_t snaplen)
{
	return put_pcap_file(to, MAGIC_US, snaplen);
}

static uint32_t pcap_us_begin(uint8_t *to, const struct pcapfile_packet *p)
{
	return put_pcap_packet(to, p, 1000);
}

static uint32_t pcap_end(uint8_t *to, const struct pcapfile_packet *p)
{
	(void)to;
	(void)p;
	return 0;
}

uint32_t pcapfile_record_len(const uint8_t *record)
{
	struct pcap_packet header;

	memcpy(&header, record, sizeof(header));
	return sizeof(header) + header.len;
}

const struct pcapfile_format pcapfile_pcap = { "pcap", false, pcap_file, NULL, pcap_begin, pcap_end };
const struct pcapfile_format pcapfile_pcap_us = { "pcap", false, pcap_us_file, NULL, pcap_us_begin, pcap_end };

/* pcapng: blocks of type, length, body, length; options of code, length, value padded to 4 */
enum { BLOCK_SECTION = 0x0a0d0d0a, BLOCK_INTERFACE = 1, BLOCK_PACKET = 6 };
enum { OPTION_IF_NAME = 2, OPTION_IF_TSRESOL = 9, OPTION_EPB_FLAGS = 2 };

#define PAD(n) (((n) + 3) & ~3U)
#define FLAGS_SIZE 12 /* the flags option and the end of the options */

struct section {
	uint32_t type, len, magic;
	uint16_t major, minor;
	int64_t section_len;
	uint32_t len_again;
} __attribute__((packed));

struct interface {
	uint32_t type, len;
	uint16_t linktype, reserved;
	uint32_t snaplen;
};

struct enhanced_packet {
	uint32_t type, len, interface, time_high, time_low, captured, wire_len;
};

static uint8_t *put_option(uint8_t *to, uint16_t code, const void *value, uint16_t len)
{
	const uint16_t header[] = { code, len };

	memcpy(to, header, sizeof(header));
	memset(to + sizeof(header), 0, PAD(len));
	memcpy(to + sizeof(header), value, len);
	return to + sizeof(header) + PAD(len);
}

static uint8_t *put_word(uint8_t *to, uint32_t word)
{
	memcpy(to, &word, sizeof(word));
	return to + sizeof(word);
}

static uint32_t pcapng_file(uint8_t *to, uint32_t snaplen)
{
	const struct section section = {
		BLOCK_SECTION, sizeof(section), 0x1a2b3c4d, 1, 0, -1, sizeof(section)
	};

	(void)snaplen;
	memcpy(to, &section, sizeof(section));
	return sizeof(section);
}

static uint32_t pcapng_interface(uint8_t *to, const char *name, uint32_t snaplen)
{
	struct interface header = { BLOCK_INTERFACE, 0, LINKTYPE_ETHERNET, 0, snaplen };
	const uint8_t nanoseconds = 9;
	uint8_t *at = to + sizeof(header);

	at = put_option(at, OPTION_IF_NAME, name, strnlen(name, PCAPFILE_MAX / 2));
	at = put_option(at, OPTION_IF_TSRESOL, &nanoseconds, 1);
	at = put_option(at, 0, "", 0);
	header.len = at + sizeof(header.len) - to;
	memcpy(to, &header, sizeof(header));
	return put_word(at, header.len) - to;
}

static uint32_t enhanced_packet_len(const struct pcapfile_packet *p)
{
	return sizeof(struct enhanced_packet) + PAD(p->len) + (p->direction ? FLAGS_SIZE : 0) + 4;
}

static uint32_t pcapng_begin(uint8_t *to, const struct pcapfile_packet *p)
{
	const struct enhanced_packet header = {
		.type = BLOCK_PACKET,
		.len = enhanced_packet_len(p),
		.interface = p->interface,
		.time_high = p->time_ns >> 32,
		.time_low = p->time_ns,
		.captured = p->len,
		.wire_len = p->wire_len,
	};

	memcpy(to, &header, sizeof(header));
	return sizeof(header);
}

static uint32_t pcapng_end(uint8_t *to, const struct pcapfile_packet *p)
{
	const uint32_t flags = p->direction;
	uint8_t *at = to;

	memset(at, 0, 4);
	at += PAD(p->len) - p->len;
	if (p->direction) {
		at = put_option(at, OPTION_EPB_FLAGS, &flags, sizeof(flags));
		at = put_option(at, 0, "", 0);
	}
	return put_word(at, enhanced_packet_len(p)) - to;
}

const struct pcapfile_format pcapfile_pcapng = { "pcapng",	   true,	 pcapng_file,
						 pcapng_interface, pcapng_begin, pcapng_end };
