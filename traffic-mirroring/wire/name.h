/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Reads the server name of a flow from its first packets: from
 *   - the ClientHello of TLS over TCP (tls_name.h),
 *   - the ClientHello in Initial packets of QUIC versions 1 and 2 over UDP (quic_name.h),
 *   - the first request of HTTP/1 over TCP (http_name.h).
 * All other flows have no name. A name is used to decide what is copied, so where two servers could read two
 * names, or one could read none, there is no name.
 *
 * The packets are those of one flow in the order in which they were captured; segments and datagrams may be
 * lost, repeated and reordered.
 *
 * TCP: the stream is read from its SYN on, from the end that sent the SYN, the client. In TLS and HTTP the
 * client speaks first: if the server does, there is no name. A flow first seen without its SYN is read if its
 * first payload starts a ClientHello or a request, from either end; otherwise it is NAME_MIDDLE.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "domain_name.h"
#include "headers.h"

enum name_state {
	NAME_UNDECIDED, /* more packets are needed */
	NAME_FOUND,
	NAME_NONE, /* the flow has no name, or none that can be read */
	NAME_MIDDLE, /* of a TCP flow that is first seen in its middle: only a later HTTP request can tell */
};

struct name_reader;

/* NULL: out of memory. */
struct name_reader *name_reader_new(void);
void name_reader_free(struct name_reader *r);

/* The memory it holds, which may grow with every packet, but is limited. */
size_t name_reader_bytes(const struct name_reader *r);

/*
 * Reads the flow's next packet, which the caller has parsed with headers_parse(). gso_size: payload of each
 * segment in a GSO or GRO packet, otherwise 0. direction: which end sent it, 0 or 1. name is written with
 * NAME_FOUND. When the state is another than NAME_UNDECIDED, no more packets may be read.
 */
enum name_state name_read(struct name_reader *r, const struct capture *c, const struct headers *h,
			  uint32_t gso_size, int direction, char name[NAME_SIZE]);
