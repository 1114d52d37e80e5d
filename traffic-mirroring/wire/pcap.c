// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "pcap.h"

#include <linux/if_ether.h>
#include <string.h>

#include "../../common/clock.h"
#include "bytes.h"

/* https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcap */
enum { MAGIC_US = 0xa1b2c3d4, MAGIC_NS = 0xa1b23c4d };
#define MAX_WIRE_LEN (1U << 30) /* of a packet: far above all that there is */
#define FILE_SIZE 24
#define PACKET_SIZE 16

/* https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcapng */
enum { BLOCK_SECTION = 0x0a0d0d0a, BLOCK_INTERFACE = 1, BLOCK_SIMPLE = 3, BLOCK_ENHANCED = 6 };
enum { SECTION_MAGIC = 0x1a2b3c4d, OPTION_TSRESOL = 9 };
#define BLOCK_HEAD 8 /* type and length; the length again is the tail */
#define BLOCK_TAIL 4

static uint32_t word(const struct pcap_reader *r, const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return r->swapped ? __builtin_bswap32(value) : value;
}

static uint16_t half(const struct pcap_reader *r, const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return r->swapped ? __builtin_bswap16(value) : value;
}

static bool open_pcap(struct pcap_reader *r)
{
	uint32_t magic = r->size < FILE_SIZE ? 0 : word(r, r->at);

	r->swapped = magic == __builtin_bswap32(MAGIC_US) || magic == __builtin_bswap32(MAGIC_NS);
	if (r->swapped)
		magic = __builtin_bswap32(magic);
	if (magic != MAGIC_US && magic != MAGIC_NS)
		return false;
	r->interfaces = 1;
	r->interface[0] = (struct pcap_interface){
		.link = word(r, r->at + 20), /* the bits above say how long the FCS is */
		.units = magic == MAGIC_NS ? SECOND_NS : SECOND_NS / 1000,
	};
	r->next = FILE_SIZE;
	return true;
}

bool pcap_open(struct pcap_reader *r, const uint8_t *at, size_t size)
{
	*r = (struct pcap_reader){ .at = at, .size = size };
	if (open_pcap(r))
		return true;
	r->blocks = size >= BLOCK_HEAD && word(r, at) == BLOCK_SECTION; /* the same in either byte order */
	return r->blocks;
}

/* Its bytes, which begin at `at`, if they are in the first room bytes from there. */
static enum pcap_result packet_of(const struct pcap_interface *from, uint64_t time, const uint8_t *at,
				  size_t room, struct pcap_packet *p)
{
	p->time_ns = (unsigned __int128)time * SECOND_NS / from->units;
	p->at = at;
	p->link = from->link;
	if (p->wire_len < p->len)
		p->wire_len = p->len;
	return p->len <= room && p->wire_len <= MAX_WIRE_LEN ? PCAP_PACKET : PCAP_DAMAGED;
}

static enum pcap_result next_record(struct pcap_reader *r, struct pcap_packet *p)
{
	const uint8_t *at = r->at + r->next;
	size_t room = r->size - r->next;

	if (room < PACKET_SIZE)
		return room ? PCAP_DAMAGED : PCAP_END;
	p->len = word(r, at + 8);
	p->wire_len = word(r, at + 12);
	r->next += PACKET_SIZE + (size_t)p->len;
	return packet_of(r->interface, word(r, at) * r->interface->units + word(r, at + 4), at + PACKET_SIZE,
			 room - PACKET_SIZE, p);
}

/* Units of time per second, from the option's value; 0: of no use. */
static uint64_t units_of(uint8_t resolution)
{
	uint64_t units = 1;

	if (resolution & 0x80)
		return (resolution & 0x7f) < 64 ? 1ULL << (resolution & 0x7f) : 0;
	if (resolution > 19)
		return 0;
	while (resolution--)
		units *= 10;
	return units;
}

static bool add_interface(struct pcap_reader *r, const uint8_t *body, size_t len)
{
	struct pcap_interface *i = &r->interface[r->interfaces];

	if (len < 8 || r->interfaces == PCAP_MAX_INTERFACES)
		return false;
	*i = (struct pcap_interface){ half(r, body), word(r, body + 4), SECOND_NS / 1000 };
	for (size_t at = 8; len - at >= 4 && half(r, body + at);) {
		size_t value = half(r, body + at + 2);

		if (value > len - at - 4)
			return false;
		if (half(r, body + at) == OPTION_TSRESOL && value)
			i->units = units_of(body[at + 4]);
		at += 4 + (value + 3) / 4 * 4;
		if (at > len)
			return false;
	}
	r->interfaces++;
	return i->units;
}

/* Sets r->swapped and begins a section. */
static bool begin_section(struct pcap_reader *r, const uint8_t *block, size_t room)
{
	if (room < BLOCK_HEAD + 16 + BLOCK_TAIL)
		return false;
	r->swapped = false;
	r->swapped = word(r, block + BLOCK_HEAD) != SECTION_MAGIC;
	r->interfaces = 0;
	return word(r, block + BLOCK_HEAD) == SECTION_MAGIC;
}

static enum pcap_result simple_packet(const struct pcap_reader *r, const uint8_t *body, size_t len,
				      struct pcap_packet *p)
{
	uint32_t snaplen = r->interface[0].snaplen;

	if (len < 4 || !r->interfaces)
		return PCAP_DAMAGED;
	p->wire_len = word(r, body);
	p->len = snaplen && snaplen < p->wire_len ? snaplen : p->wire_len;
	return packet_of(r->interface, 0, body + 4, len - 4, p);
}

static enum pcap_result enhanced_packet(const struct pcap_reader *r, const uint8_t *body, size_t len,
					struct pcap_packet *p)
{
	if (len < 20 || word(r, body) >= r->interfaces)
		return PCAP_DAMAGED;
	p->len = word(r, body + 12);
	p->wire_len = word(r, body + 16);
	return packet_of(&r->interface[word(r, body)], (uint64_t)word(r, body + 4) << 32 | word(r, body + 8),
			 body + 20, len - 20, p);
}

/* PCAP_END: not a packet. */
static enum pcap_result read_block(struct pcap_reader *r, uint32_t type, const uint8_t *body, size_t len,
				   struct pcap_packet *p)
{
	switch (type) {
	case BLOCK_INTERFACE:
		return add_interface(r, body, len) ? PCAP_END : PCAP_DAMAGED;
	case BLOCK_SIMPLE:
		return simple_packet(r, body, len, p);
	case BLOCK_ENHANCED:
		return enhanced_packet(r, body, len, p);
	}
	return PCAP_END;
}

static enum pcap_result next_block(struct pcap_reader *r, struct pcap_packet *p)
{
	enum pcap_result result = PCAP_END;

	while (result == PCAP_END && r->next < r->size) {
		const uint8_t *block = r->at + r->next;
		size_t room = r->size - r->next;
		uint32_t type, len;

		if (room < BLOCK_HEAD + BLOCK_TAIL)
			return PCAP_DAMAGED;
		type = word(r, block);
		if (type == BLOCK_SECTION && !begin_section(r, block, room))
			return PCAP_DAMAGED;
		len = word(r, block + 4);
		if (len < BLOCK_HEAD + BLOCK_TAIL || len > room || len % 4)
			return PCAP_DAMAGED;
		r->next += len;
		result = read_block(r, type, block + BLOCK_HEAD, len - BLOCK_HEAD - BLOCK_TAIL, p);
	}
	return result;
}

enum pcap_result pcap_next(struct pcap_reader *r, struct pcap_packet *p)
{
	return r->blocks ? next_block(r, p) : next_record(r, p);
}

#define IP_VERSION (-1) /* the EtherType follows from the IP header */

/* What is in front of the IP header in captures of other than Ethernet, and where the EtherType is in it. */
static const struct link_type {
	uint16_t link, header;
	int type;
} link_types[] = {
	{ 101, 0, IP_VERSION }, /* LINKTYPE_RAW */
	{ 228, 0, IP_VERSION }, /* LINKTYPE_IPV4 */
	{ 229, 0, IP_VERSION }, /* LINKTYPE_IPV6 */
	{ 113, 16, 14 }, /* LINKTYPE_LINUX_SLL */
	{ 276, 20, 0 }, /* LINKTYPE_LINUX_SLL2 */
};
#define LINKTYPE_ETHERNET 1

static const struct link_type *find_link_type(uint16_t link)
{
	for (size_t i = 0; i < sizeof(link_types) / sizeof(link_types[0]); i++)
		if (link_types[i].link == link)
			return &link_types[i];
	return NULL;
}

static uint32_t copy(const struct pcap_packet *p, uint8_t *to, uint32_t room)
{
	uint32_t len = p->len < room ? p->len : room;

	memcpy(to, p->at, len);
	return len;
}

int pcap_frame(struct pcap_packet *p, uint8_t *to, uint32_t room)
{
	const struct link_type *l = find_link_type(p->link);
	uint16_t type;

	if (p->link == LINKTYPE_ETHERNET)
		return copy(p, to, room);
	if (!l)
		return -1;
	if (p->len <= l->header)
		return 0;
	if (l->type == IP_VERSION)
		type = p->at[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP;
	else
		type = get16(p->at + l->type);
	memset(to, 0, 2 * ETH_ALEN);
	put16(to + 2 * ETH_ALEN, type);
	p->at += l->header;
	p->len -= l->header;
	p->wire_len -= l->header;
	room = copy(p, to + ETH_HLEN, room - ETH_HLEN);
	p->len += ETH_HLEN;
	p->wire_len += ETH_HLEN;
	return ETH_HLEN + room;
}
