/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The server name of an HTTP/1 connection: the host of the first request's target, or, if it has none, that
 * of its Host (RFC 9112 3.2.2, 3.3). The whole head is read, by http.h's strict rules: with a second Host, a
 * folded line, a line that ends in LF alone or a blank before a colon, a request can name one server to a
 * proxy and another to what is behind it, so it has no name. Nor has one of HTTP/2 ("PRI * HTTP/2.0").
 */
#pragma once

#include "http.h"
#include "name.h"

/* h: begun as a request. stream: the client's bytes from the first on; len: more of them with each call. */
enum name_state http_name_read(struct http *h, const uint8_t *stream, size_t len, char name[NAME_SIZE]);
