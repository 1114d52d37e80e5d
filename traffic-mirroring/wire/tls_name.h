/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The server name of a TLS connection, any version: the ClientHello is in one or more records of plain text
 * (RFC 8446 5.1). The hello of SSL 2 has no name.
 */
#pragma once

#include "name.h"
#include "reassembly.h"

#define TLS_NAME_HANDSHAKE 22 /* the first byte of a record, and so of a connection */

/* All 0 in the beginning. */
struct tls_name {
	size_t read; /* bytes of the stream */
	size_t record_end; /* where the present record ends in it */
	size_t hello_len;
	struct reassembly hello; /* the records' contents */
};

void tls_name_free(struct tls_name *t);

/* A record that starts a ClientHello is here. */
bool tls_name_begins(const uint8_t *at, size_t len);

/* stream: the client's bytes from the first on; len: more of them with each call. */
enum name_state tls_name_read(struct tls_name *t, const uint8_t *stream, size_t len, char name[NAME_SIZE]);
