/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Reads HTTP/1 messages (RFC 9112), one at a time, from pieces of any size. Nothing is allocated, and nothing
 * but struct http is kept, so messages may have any length; the caller sets limits.
 *
 * Requests are read strictly: one that RFC 9112 lets servers refuse or frame in two ways is invalid. Examples
 * are lines that do not end in CRLF, folded lines, a blank before a colon, a missing or second Host, a second
 * length, a length together with chunks, and codings other than chunked. A target, though, may hold visible
 * ASCII that RFC 3986 excludes. Responses are read as clients read them: a line may end in LF alone, and may
 * be folded.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_method {
	HTTP_UNKNOWN,
	HTTP_GET,
	HTTP_HEAD,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_CONNECT,
	HTTP_OTHER, /* a method that we know, and that needs no treatment of its own */
};

enum http_state {
	HTTP_AT_START,
	HTTP_AT_METHOD,
	HTTP_AT_TARGET,
	HTTP_AT_VERSION,
	HTTP_AT_STATUS,
	HTTP_AT_LINE, /* of the head or the trailers */
	HTTP_AT_NAME,
	HTTP_AT_VALUE,
	HTTP_AT_TEXT, /* up to the end of the line */
	HTTP_AT_WORD, /* of a value that is read word by word */
	HTTP_AT_LINE_FEED,
	HTTP_AT_HEAD_END, /* what comes after the line feed that ends the head */
	HTTP_AT_CHUNK_SIZE,
	HTTP_AT_CHUNK_EXTENSION,
	HTTP_AT_BODY, /* or a chunk's bytes */
	HTTP_AT_CHUNK_END,
	HTTP_AT_BODY_TO_CLOSE, /* the end of the connection ends the body */
	HTTP_WHOLE,
	HTTP_INVALID,
};

/* Header fields that say how to read the message or what to do with it. */
enum http_field {
	HTTP_FIELD_OTHER,
	HTTP_FIELD_HOST,
	HTTP_FIELD_LENGTH,
	HTTP_FIELD_CODING,
	HTTP_FIELD_CONNECTION,
	HTTP_FIELD_UPGRADE,
	HTTP_FIELD_EXPECT,
};

struct http {
	enum http_state state;
	size_t len; /* bytes read */
	enum http_method method; /* of a request */
	uint64_t status; /* of a response */
	size_t fields; /* offset of the first line after the start line */
	size_t target, target_len; /* offset and length of a request's target */
	size_t host, host_len; /* the same of its Host; 0: it has none */
	bool body; /* has begun */
	uint32_t seen; /* fields, bits of enum http_field */
	/* the rest is for http.c */
	bool response, to_head; /* to_head: answers a HEAD request */
	uint8_t minor; /* of the version */
	enum http_field field; /* the present one */
	bool close, keep_alive, upgrade; /* what Connection says */
	bool other_protocol; /* Upgrade names one beside h2c */
	bool has_length, chunked;
	bool trailers; /* the lines at hand come after the last chunk */
	uint64_t left; /* bytes of the body or of the present chunk */
	enum http_state next; /* after the line feed */
	uint8_t word[19]; /* start of the current word; every known word and 63-bit number fits */
	size_t word_len; /* of all of it */
};

void http_begin_request(struct http *h);
void http_begin_response(struct http *h, bool to_head);

/* Returns how many bytes belong to the message. At HTTP_WHOLE and HTTP_INVALID no more are read. */
size_t http_read(struct http *h, const uint8_t *at, size_t len);

/* The same, but reads no more than the head. */
size_t http_read_head(struct http *h, const uint8_t *at, size_t len);
bool http_head_is_whole(const struct http *h);

/* The next len bytes are missing. False: they may be more than bytes of the body, so the message is lost. */
bool http_skip(struct http *h, size_t len);

/* The connection was closed: this may be the end of a response, which is then HTTP_WHOLE. */
void http_end(struct http *h);

/* Offset and length of the authority in a whole request's target (RFC 9112 3.2.2). False: it has none. */
bool http_authority(const struct http *h, const uint8_t *bytes, size_t *at, size_t *len);

/*
 * Whether every server reads it, and reads it the same way. Of a host: a name or an address, and perhaps a
 * port. Of a path, with its query: percent signs begin an escape, which is not a zero, and it does not climb
 * above the root.
 */
bool http_host_is_plain(const uint8_t *host, size_t len);
bool http_path_is_plain(const uint8_t *path, size_t len);

/* Of a whole message: the client asks for another protocol or for a tunnel. */
bool http_is_upgrade(const struct http *h);

/* Of a whole request: it is one to a server that keeps the protocol, too, as with h2c (RFC 7540 3.2). */
bool http_is_request_anyway(const struct http *h);

/* Of a whole message: the connection can be used again. */
bool http_keeps_connection(const struct http *h);

/* The bytes begin with a method that we know and a blank. */
bool http_looks_like_request(const uint8_t *at, size_t len);
