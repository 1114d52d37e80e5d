/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The server name of a TCP connection: finds where the client's stream starts, and its protocol. */
#pragma once

#include "http.h"
#include "name.h"
#include "reassembly.h"
#include "tls_name.h"

/* All 0 in the beginning. */
struct tcp_name {
	bool begun; /* the next two are known */
	int client; /* its direction */
	uint32_t start; /* sequence number of its first byte */
	struct reassembly stream; /* what it sent */
	struct tls_name tls;
	struct http http;
};

void tcp_name_free(struct tcp_name *t);

/* Memory that it holds beside itself. */
size_t tcp_name_bytes(const struct tcp_name *t);

/* The next segment, whose header is complete. */
enum name_state tcp_name_read(struct tcp_name *t, const uint8_t *header, const uint8_t *payload, size_t len,
			      int direction, char name[NAME_SIZE]);
