/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The server name of a QUIC connection, version 1 or 2: the ClientHello is in the CRYPTO frames of the
 * client's Initial packets (RFC 9000 17.2.2, 19.6), one or more in a datagram, in one or more datagrams.
 *
 * Initials are protected with keys from the Destination Connection ID of the first one. A Retry replaces that
 * ID and the keys (RFC 9001 5.2), so an Initial that the keys at hand did not protect is tried with those of
 * its own ID. They start a new ClientHello: it should be the same as before (RFC 9000 17.2.5.3), but is not
 * with every client.
 */
#pragma once

#include "name.h"
#include "quic_initial.h"
#include "reassembly.h"

/* All 0 in the beginning. */
struct quic_name {
	bool keyed; /* the keys have opened a packet */
	struct quic_keys keys;
	struct reassembly crypto;
};

void quic_name_free(struct quic_name *q);

/* The client's next datagram. */
enum name_state quic_name_read(struct quic_name *q, const uint8_t *datagram, size_t len,
			       char name[NAME_SIZE]);
