/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "pipeline.h"

#include <string.h>

#include "counters/tally.h"

static bool in_prefix(const struct address *a, const struct pipeline_prefix *p)
{
	uint8_t bytes = p->len / 8, bits = p->len % 8;

	return a->family == p->address.family && !memcmp(a->bytes, p->address.bytes, bytes) &&
	       (!bits || !((a->bytes[bytes] ^ p->address.bytes[bytes]) >> (8 - bits)));
}

static bool source_allowed(const struct pipeline *p, const struct address *source)
{
	for (uint32_t i = 0; i < p->sources; i++)
		if (in_prefix(source, &p->source[i]))
			return true;
	return !p->sources;
}

static bool vni_allowed(const struct pipeline *p, uint32_t vni)
{
	for (uint32_t i = 0; i < p->vnis; i++)
		if (vni >= p->vni[i].from && vni <= p->vni[i].to)
			return true;
	return !p->vnis;
}

static bool filter_accepts(const struct pipeline *p, const struct capture *frame)
{
	const struct pcap_pkthdr header = { .caplen = frame->len, .len = frame->wire_len };

	return !p->filter.bf_insns || pcap_offline_filter(&p->filter, &header, frame->at);
}

static void feed(struct tap *tap, const struct capture *frame)
{
	tally(tap_frame(tap, frame->at, frame->len) ? TALLY_FEED_ERRORS : TALLY_FED);
}

/* To the outputs. The replay recognises duplicates itself. */
static int deliver(const struct pipeline *p, const struct copy *packet)
{
	if (p->replay)
		replay_packet(p->replay, packet);
	if (p->dedup && dedup_drops(p->dedup, packet)) {
		tally(TALLY_PACKETS_DUPLICATE);
		return 0;
	}
	if (p->tap)
		feed(p->tap, &packet->frame);
	if (p->server)
		pcap_server_packet(p->server, packet);
	return p->writer ? writer_packet(p->writer, packet) : 0;
}

int pipeline_datagram(void *pipeline, const struct datagram *datagram)
{
	static const enum tally refused[] = {
		[DECAP_SHORT] = TALLY_SHORT, [DECAP_INVALID] = TALLY_INVALID, [DECAP_CONTROL] = TALLY_CONTROL
	};
	const struct capture at = { datagram->at, datagram->len, datagram->wire_len };
	struct pipeline *p = pipeline;
	enum decap_result result;
	struct copy packet;
	struct decap d;

	if (!source_allowed(p, &datagram->source)) {
		tally(TALLY_FOREIGN);
		return 0;
	}
	result = decap_datagram(&at, datagram->format, &p->ports, p->depth, &d);
	if (result != DECAP_PACKET) {
		tally(refused[result]);
		return 0;
	}
	if (!vni_allowed(p, p->outermost ? d.outer_vni : d.vni)) {
		tally(TALLY_VNI);
		return 0;
	}
	copy_make(datagram->at, &d, &packet);
	packet.source = datagram->source;
	packet.time_ns = d.time_ns ?: datagram->time_ns;
	tally(TALLY_PACKETS);
	tally_add(TALLY_BYTES, packet.frame.len);
	if (packet.frame.len < packet.frame.wire_len)
		tally(TALLY_CUT);

	if (!filter_accepts(p, &packet.frame)) {
		tally(TALLY_FILTERED);
		return 0;
	}
	return deliver(p, &packet);
}

int pipeline_pause(void *pipeline, bool late)
{
	struct pipeline *p = pipeline;

	if (p->replay)
		replay_wake(p->replay);
	if (p->server && late)
		pcap_server_flush(p->server);
	return p->writer && late ? writer_flush(p->writer) : 0;
}

bool pipeline_ready(struct pipeline *p)
{
	return (!p->writer || writer_ready(p->writer)) && (!p->replay || replay_ready(p->replay));
}

void pipeline_finish(struct pipeline *p)
{
	if (p->replay)
		replay_finish(p->replay, REPLAY_NO_END);
}

bool pipeline_finished(struct pipeline *p)
{
	return (!p->writer || writer_empty(p->writer)) && (!p->replay || replay_finished(p->replay));
}
