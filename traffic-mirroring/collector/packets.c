/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "packets.h"

#include <errno.h>
#include <net/ethernet.h>
#include <pcap/pcap.h>
#include <pcap/sll.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/clock.h"
#include "../../common/log.h"
#include "../wire/bytes.h"
#include "../wire/copy.h"
#include "pcapfile.h"

/* What precedes a packet on links of IP packets. */
struct link_type {
	int number;
	uint8_t size;
	int8_t type_at; /* its EtherType; -1: only IP is possible */
};

static const struct link_type links[] = {
	{ DLT_RAW, 0, -1 },
	{ DLT_IPV4, 0, -1 },
	{ DLT_IPV6, 0, -1 },
	{ DLT_NULL, 4, -1 },
	{ DLT_LOOP, 4, -1 },
	{ DLT_LINUX_SLL, SLL_HDR_LEN, 14 },
	{ DLT_LINUX_SLL2, SLL2_HDR_LEN, 0 },
};

struct packets {
	const char *name;
	pcap_t *pcap;
	const struct link_type *link; /* NULL: Ethernet */
	uint32_t drops;
	uint8_t bytes[COPY_ROOM + PCAPFILE_SNAPLEN_MAX];
};

static int open_link(struct packets *p)
{
	int number = pcap_datalink(p->pcap);

	if (number == DLT_EN10MB)
		return 0;
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		if (links[i].number == number)
			p->link = &links[i];
	if (p->link)
		return 0;
	log_error("cannot read \"%s\": its link type is %s, neither Ethernet nor IP", p->name,
		  pcap_datalink_val_to_name(number) ?: "unknown");
	return -EPROTONOSUPPORT;
}

static int open_packets(const char *name, pcap_t *pcap, struct packets **packets)
{
	struct packets *p = calloc(1, sizeof(*p));
	int err;

	if (!p) {
		log_error("no memory for reading packets");
		pcap_close(pcap);
		return -ENOMEM;
	}
	p->name = name;
	p->pcap = pcap;
	err = open_link(p);
	if (err) {
		packets_close(p);
		return err;
	}
	*packets = p;
	return 0;
}

int packets_open_file(const char *path, struct packets **packets)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "rbe") : stdin;
	char why[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap;

	if (!file) {
		log_error("cannot read \"%s\": %s", path, strerror(errno));
		return -ENOENT;
	}
	pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why);
	if (pcap)
		return open_packets(path, pcap, packets);
	log_error("cannot read \"%s\": %s", path, why);
	fclose(file);
	return -EIO;
}

int packets_open_device(const struct listen *l, uint32_t buffer, struct packets **packets)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap = pcap_create(l->device, why);
	int err;

	if (!pcap) {
		log_error("cannot listen on \"%s\": %s", l->text, why);
		return -EIO;
	}
	pcap_set_snaplen(pcap, PCAPFILE_SNAPLEN_MAX);
	pcap_set_promisc(pcap, 1);
	pcap_set_timeout(pcap, PACKETS_GATHER_MS);
	pcap_set_buffer_size(pcap, buffer);
	pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
	err = pcap_activate(pcap);
	if (err >= 0)
		err = pcap_setnonblock(pcap, 1, why);
	if (err < 0) {
		log_error("cannot listen on \"%s\": %s", l->text, pcap_statustostr(err));
		pcap_close(pcap);
		return -EIO;
	}
	return open_packets(l->text, pcap, packets);
}

void packets_close(struct packets *p)
{
	if (!p)
		return;
	pcap_close(p->pcap);
	free(p);
}

/* An Ethernet header in place of the link's. */
static void make_frame(const struct link_type *link, struct datagram *d)
{
	uint16_t type;

	if (d->len <= link->size) {
		d->len = 0;
		return;
	}
	type = link->type_at < 0 ? 0 : get16(d->at + link->type_at);
	d->at = copy_frame(d->at + link->size);
	if (type)
		put16(d->at + 2 * ETHER_ADDR_LEN, type);
	d->len += COPY_ROOM - link->size;
	d->wire_len += COPY_ROOM - link->size;
}

enum packets_result packets_next(struct packets *p, struct datagram *d)
{
	struct pcap_pkthdr *header;
	const uint8_t *bytes;
	int result;

	errno = 0;
	result = pcap_next_ex(p->pcap, &header, &bytes);
	if (result == PCAP_ERROR_BREAK)
		return PACKETS_END;
	if (result < 0 && errno == EINTR)
		return PACKETS_NONE;
	if (result < 0) {
		log_error("cannot read \"%s\": %s", p->name, pcap_geterr(p->pcap));
		return PACKETS_FAILED;
	}
	if (!result)
		return PACKETS_NONE;
	*d = (struct datagram){
		.at = p->bytes + COPY_ROOM,
		.len = header->caplen < PCAPFILE_SNAPLEN_MAX ? header->caplen : PCAPFILE_SNAPLEN_MAX,
		.wire_len = header->len > header->caplen ? header->len : header->caplen,
		.format = FORMAT_DEV,
		.time_ns = header->ts.tv_sec * SECOND_NS + header->ts.tv_usec, /* nanoseconds */
	};
	memcpy(d->at, bytes, d->len);
	if (p->link)
		make_frame(p->link, d);
	return PACKETS_ONE;
}

int packets_fd(const struct packets *p)
{
	return pcap_get_selectable_fd(p->pcap);
}

uint32_t packets_drops(struct packets *p)
{
	uint32_t before = p->drops;
	struct pcap_stat stats;

	if (!pcap_stats(p->pcap, &stats))
		p->drops = stats.ps_drop;
	return p->drops - before;
}
