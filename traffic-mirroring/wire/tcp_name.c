/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "tcp_name.h"

#include <netinet/tcp.h>

#include "bytes.h"
#include "http_name.h"

enum { SEQ = 4, ACK_SEQ = 8, FLAGS = 13 }; /* offsets in the header */

void tcp_name_free(struct tcp_name *t)
{
	reassembly_free(&t->stream);
	tls_name_free(&t->tls);
}

size_t tcp_name_bytes(const struct tcp_name *t)
{
	return reassembly_bytes(&t->stream) + reassembly_bytes(&t->tls.hello);
}

static void begin(struct tcp_name *t, int client, uint32_t start)
{
	tcp_name_free(t);
	*t = (struct tcp_name){ .begun = true, .client = client, .start = start };
	http_begin_request(&t->http);
}

/* A SYN with another number begins a new connection. The server's tells as much if the client's is lost. */
static void read_syn(struct tcp_name *t, const uint8_t *header, int direction)
{
	bool server = header[FLAGS] & TH_ACK;
	uint32_t start = get32(header + SEQ) + 1;

	if (server && !t->begun)
		begin(t, !direction, get32(header + ACK_SEQ));
	else if (!server && (!t->begun || t->start != start))
		begin(t, direction, start);
}

/* Adds a segment to the stream, without what lies before its start: a keep-alive probe has the byte there. */
static bool add(struct tcp_name *t, uint32_t seq, const uint8_t *payload, size_t len)
{
	uint32_t offset = seq - t->start, before = offset > INT32_MAX ? -offset : 0;

	if (before >= len)
		return true;
	return reassembly_add(&t->stream, offset + before, payload + before, len - before);
}

static enum name_state read_stream(struct tcp_name *t, char name[NAME_SIZE])
{
	size_t len;
	const uint8_t *stream = reassembly_stream(&t->stream, &len);

	if (!len)
		return NAME_UNDECIDED;
	return *stream == TLS_NAME_HANDSHAKE ? tls_name_read(&t->tls, stream, len, name) :
					       http_name_read(&t->http, stream, len, name);
}

enum name_state tcp_name_read(struct tcp_name *t, const uint8_t *header, const uint8_t *payload, size_t len,
			      int direction, char name[NAME_SIZE])
{
	bool syn = header[FLAGS] & TH_SYN;
	uint32_t seq = get32(header + SEQ) + syn;

	if (syn)
		read_syn(t, header, direction);
	if (!len)
		return NAME_UNDECIDED;
	if (!t->begun) {
		if (!tls_name_begins(payload, len) && !http_looks_like_request(payload, len))
			return NAME_MIDDLE;
		begin(t, direction, seq);
	}
	if (direction != t->client)
		return reassembly_bytes(&t->stream) ? NAME_UNDECIDED : NAME_NONE;
	if (header[FLAGS] & TH_URG) /* the server may read the stream without the urgent byte */
		return NAME_NONE;
	return add(t, seq, payload, len) ? read_stream(t, name) : NAME_NONE;
}
