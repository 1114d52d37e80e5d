/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "http.h"

#include <string.h>
#include <strings.h>

#define BIT(field) (1U << (field))

/*
 * A step reads the bytes that belong to the present state, and returns where they end. At least one byte is
 * there; if it does not belong to the state, the state changes.
 */
typedef const uint8_t *step(struct http *h, const uint8_t *at, const uint8_t *end);

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool is_visible(uint8_t c)
{
	return c > ' ' && c != 0x7f;
}

/* More than RFC 3986 allows: browsers send {, |, " and the like as they are, and servers take them. */
static bool is_target_byte(uint8_t c)
{
	return is_visible(c) && c < 0x80 && c != '#';
}

static bool is_text(uint8_t c)
{
	return is_visible(c) || is_blank(c);
}

static bool is_list_word(uint8_t c)
{
	return is_visible(c) && c != ',';
}

static bool is_token(uint8_t c)
{
	static const bool token[256] = {
		['!'] = true,	      ['#' ... '\''] = true, ['*'] = true,	   ['+'] = true,
		['-'] = true,	      ['.'] = true,	     ['0' ... '9'] = true, ['A' ... 'Z'] = true,
		['^' ... 'z'] = true, ['|'] = true,	     ['~'] = true,
	};

	return token[c];
}

static const uint8_t *invalid(struct http *h, const uint8_t *at)
{
	h->state = HTTP_INVALID;
	return at;
}

static const uint8_t *go(struct http *h, const uint8_t *at, enum http_state state)
{
	h->state = state;
	h->word_len = 0;
	return at;
}

/* The end of a line has to be here. */
static const uint8_t *end_line(struct http *h, const uint8_t *at, enum http_state next)
{
	h->next = next;
	if (*at == '\r')
		return go(h, at + 1, HTTP_AT_LINE_FEED);
	return *at == '\n' && h->response ? go(h, at, HTTP_AT_LINE_FEED) : invalid(h, at);
}

/* Adds to the present word what belongs to it. */
static inline const uint8_t *read_word(struct http *h, const uint8_t *at, const uint8_t *end,
				       bool (*belongs)(uint8_t))
{
	const uint8_t *p = at;

	for (; p < end && belongs(*p); p++, h->word_len++)
		if (h->word_len < sizeof(h->word))
			h->word[h->word_len] = *p;
	return p;
}

/* The same, where a word that is too long to be right need not be read to its end. */
static inline const uint8_t *read_short_word(struct http *h, const uint8_t *at, const uint8_t *end,
					     bool (*belongs)(uint8_t))
{
	at = read_word(h, at, end, belongs);
	return at == end && h->word_len > sizeof(h->word) ? invalid(h, at) : at;
}

static inline bool word_is(const struct http *h, const char *word)
{
	return h->word_len == strlen(word) && !strncasecmp((const char *)h->word, word, h->word_len);
}

static int digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 'a' - 'A';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* The present word as a number. */
static bool read_number(const struct http *h, unsigned int base, uint64_t *number)
{
	uint64_t n = 0;

	if (!h->word_len || h->word_len > sizeof(h->word))
		return false;
	for (size_t i = 0; i < h->word_len; i++) {
		unsigned int d = digit(h->word[i]);

		if (d >= base || n > (UINT64_MAX - d) / base)
			return false;
		n = n * base + d;
	}
	*number = n;
	return true;
}

static const struct {
	const char *name;
	enum http_method method;
} methods[] = {
	{ "GET", HTTP_GET },	    { "POST", HTTP_OTHER },	  { "HEAD", HTTP_HEAD },
	{ "PUT", HTTP_PUT },	    { "DELETE", HTTP_DELETE },	  { "OPTIONS", HTTP_OPTIONS },
	{ "PATCH", HTTP_OTHER },    { "CONNECT", HTTP_CONNECT },  { "ACL", HTTP_OTHER },
	{ "BIND", HTTP_OTHER },	    { "CHECKOUT", HTTP_OTHER },	  { "COPY", HTTP_OTHER },
	{ "LINK", HTTP_OTHER },	    { "LOCK", HTTP_OTHER },	  { "M-SEARCH", HTTP_OTHER },
	{ "MERGE", HTTP_OTHER },    { "MKACTIVITY", HTTP_OTHER }, { "MKCALENDAR", HTTP_OTHER },
	{ "MKCOL", HTTP_OTHER },    { "MOVE", HTTP_OTHER },	  { "NOTIFY", HTTP_OTHER },
	{ "PROPFIND", HTTP_OTHER }, { "PROPPATCH", HTTP_OTHER },  { "PURGE", HTTP_OTHER },
	{ "REBIND", HTTP_OTHER },   { "REPORT", HTTP_OTHER },	  { "SEARCH", HTTP_OTHER },
	{ "SOURCE", HTTP_OTHER },   { "SUBSCRIBE", HTTP_OTHER },  { "UNBIND", HTTP_OTHER },
	{ "UNLINK", HTTP_OTHER },   { "UNLOCK", HTTP_OTHER },	  { "UNSUBSCRIBE", HTTP_OTHER },
};

static enum http_method method_of(const uint8_t *name, size_t len)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (len == strlen(methods[i].name) && !memcmp(name, methods[i].name, len))
			return methods[i].method;
	return HTTP_UNKNOWN;
}

bool http_looks_like_request(const uint8_t *at, size_t len)
{
	const uint8_t *blank = memchr(at, ' ', len);

	return blank && method_of(at, blank - at) != HTTP_UNKNOWN;
}

static const uint8_t *read_start(struct http *h, const uint8_t *at, const uint8_t *end)
{
	(void)end;
	if (h->response && (*at == '\r' || *at == '\n')) /* empty lines may come first */
		return end_line(h, at, HTTP_AT_START);
	return go(h, at, h->response ? HTTP_AT_VERSION : HTTP_AT_METHOD);
}

static const uint8_t *read_method(struct http *h, const uint8_t *at, const uint8_t *end)
{
	at = read_short_word(h, at, end, is_token);
	if (at == end)
		return at;
	h->method = method_of(h->word, h->word_len);
	return *at == ' ' && h->method != HTTP_UNKNOWN ? go(h, at + 1, HTTP_AT_TARGET) : invalid(h, at);
}

static bool word_begins(const struct http *h, const char *with)
{
	return h->word_len >= strlen(with) && !strncasecmp((const char *)h->word, with, strlen(with));
}

/* A path or a URL; for OPTIONS also "*", for CONNECT a host and a port. */
static bool is_target(const struct http *h)
{
	if (h->method == HTTP_CONNECT)
		return h->word_len;
	if (h->method == HTTP_OPTIONS && word_is(h, "*"))
		return true;
	return word_begins(h, "/") || word_begins(h, "http://") || word_begins(h, "https://");
}

static const uint8_t *read_target(struct http *h, const uint8_t *at, const uint8_t *end)
{
	const uint8_t *begin = at;

	at = read_word(h, at, end, is_target_byte);
	if (at == end)
		return at;
	h->target_len = h->word_len;
	h->target = h->len + (at - begin) - h->word_len;
	return *at == ' ' && is_target(h) ? go(h, at + 1, HTTP_AT_VERSION) : invalid(h, at);
}

static const uint8_t *read_version(struct http *h, const uint8_t *at, const uint8_t *end)
{
	static const char before_minor[] = "HTTP/1.";

	at = read_short_word(h, at, end, is_visible);
	if (at == end)
		return at;
	if (h->word_len != sizeof(before_minor) || memcmp(h->word, before_minor, strlen(before_minor)))
		return invalid(h, at);
	h->minor = digit(h->word[strlen(before_minor)]);
	if (h->minor > 9)
		return invalid(h, at);
	if (!h->response)
		return end_line(h, at, HTTP_AT_LINE);
	return *at == ' ' ? go(h, at + 1, HTTP_AT_STATUS) : invalid(h, at);
}

static const uint8_t *read_status(struct http *h, const uint8_t *at, const uint8_t *end)
{
	at = read_short_word(h, at, end, is_token);
	if (at == end)
		return at;
	if (h->word_len != 3 || !read_number(h, 10, &h->status))
		return invalid(h, at);
	/* servers without a reason may leave out the blank before it */
	return *at == ' ' ? go(h, at + 1, HTTP_AT_TEXT) : end_line(h, at, HTTP_AT_LINE);
}

static const uint8_t *read_line(struct http *h, const uint8_t *at, const uint8_t *end)
{
	(void)end;
	if (!h->fields)
		h->fields = h->len;
	if (*at == '\r' || *at == '\n')
		return end_line(h, at, h->trailers ? HTTP_WHOLE : HTTP_AT_HEAD_END);
	/* a line that begins with a blank goes on with the value of the one before */
	return go(h, at, is_blank(*at) && h->response ? HTTP_AT_VALUE : HTTP_AT_NAME);
}

static enum http_field field_of(const struct http *h)
{
	static const struct {
		const char *name;
		enum http_field field;
	} fields[] = {
		{ "Host", HTTP_FIELD_HOST },
		{ "Content-Length", HTTP_FIELD_LENGTH },
		{ "Transfer-Encoding", HTTP_FIELD_CODING },
		{ "Connection", HTTP_FIELD_CONNECTION },
		{ "Upgrade", HTTP_FIELD_UPGRADE },
		{ "Expect", HTTP_FIELD_EXPECT },
	};

	/* what trailers say comes too late to mean anything */
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields) && !h->trailers; i++)
		if (word_is(h, fields[i].name))
			return fields[i].field;
	return HTTP_FIELD_OTHER;
}

static bool is_repeated(const struct http *h)
{
	uint32_t single = BIT(HTTP_FIELD_LENGTH);

	if (!h->response)
		single |= BIT(HTTP_FIELD_HOST) | BIT(HTTP_FIELD_CODING);
	return h->seen & single & BIT(h->field);
}

static const uint8_t *read_name(struct http *h, const uint8_t *at, const uint8_t *end)
{
	at = read_word(h, at, end, is_token);
	if (at == end)
		return at;
	h->field = field_of(h);
	if (*at != ':' || !h->word_len || is_repeated(h))
		return invalid(h, at);
	h->seen |= BIT(h->field);
	return go(h, at + 1, HTTP_AT_VALUE);
}

static const uint8_t *read_value(struct http *h, const uint8_t *at, const uint8_t *end)
{
	uint32_t in_words = BIT(HTTP_FIELD_LENGTH) | BIT(HTTP_FIELD_CODING) | BIT(HTTP_FIELD_CONNECTION);

	if (!h->response)
		in_words |= BIT(HTTP_FIELD_HOST) | BIT(HTTP_FIELD_EXPECT) | BIT(HTTP_FIELD_UPGRADE);
	while (at < end && is_blank(*at))
		at++;
	if (at == end)
		return at;
	return go(h, at, in_words & BIT(h->field) ? HTTP_AT_WORD : HTTP_AT_TEXT);
}

static const uint8_t *read_text(struct http *h, const uint8_t *at, const uint8_t *end)
{
	while (at < end && is_text(*at))
		at++;
	return at == end ? at : end_line(h, at, HTTP_AT_LINE);
}

static bool note_coding(struct http *h)
{
	bool again = h->chunked;

	h->chunked = word_is(h, "chunked"); /* the last one counts */
	return h->response || (h->chunked && !again);
}

/* Some servers look for it anywhere in Connection. */
static bool may_mean_close(const struct http *h)
{
	char word[sizeof(h->word) + 1] = "";

	if (h->word_len > sizeof(h->word))
		return true;
	memcpy(word, h->word, h->word_len);
	return strcasestr(word, "close");
}

/* offset: where the word begins. */
static bool note_word(struct http *h, size_t offset)
{
	switch (h->field) {
	case HTTP_FIELD_HOST:
		if (h->host_len)
			return false;
		h->host = offset;
		h->host_len = h->word_len;
		return true;
	case HTTP_FIELD_EXPECT:
		return word_is(h, "100-continue");
	case HTTP_FIELD_UPGRADE:
		h->other_protocol |= !word_is(h, "h2c");
		return true;
	case HTTP_FIELD_LENGTH:
		if (h->has_length)
			return false;
		h->has_length = true;
		return read_number(h, 10, &h->left);
	case HTTP_FIELD_CODING:
		return note_coding(h);
	default:
		h->close |= word_is(h, "close") || (!h->response && may_mean_close(h));
		h->keep_alive |= word_is(h, "keep-alive");
		h->upgrade |= word_is(h, "upgrade");
		return true;
	}
}

/* A comma may separate the words where the value is a list. A request has one coding at most. */
static bool is_list(const struct http *h)
{
	return h->field == HTTP_FIELD_CONNECTION || h->field == HTTP_FIELD_UPGRADE ||
	       (h->field == HTTP_FIELD_CODING && h->response);
}

static const uint8_t *read_listed(struct http *h, const uint8_t *at, const uint8_t *end)
{
	const uint8_t *begin = at;

	at = read_word(h, at, end, h->field == HTTP_FIELD_HOST ? is_visible : is_list_word);
	if (at == end)
		return at;
	if (h->word_len && !note_word(h, h->len + (at - begin) - h->word_len))
		return invalid(h, at);
	if (is_blank(*at) || (*at == ',' && is_list(h)))
		return go(h, at + 1, HTTP_AT_WORD);
	return end_line(h, at, HTTP_AT_LINE);
}

/* A request without Host is one of HTTP/1.0 (RFC 9112 3.2). */
static bool has_bad_host(const struct http *h)
{
	return !h->response && !h->host_len && (h->minor || h->seen & BIT(HTTP_FIELD_HOST));
}

static bool has_no_body(const struct http *h)
{
	if (h->response)
		return h->to_head || h->status / 100 == 1 || h->status == 204 || h->status == 304;
	return h->method == HTTP_CONNECT;
}

/* RFC 9112 6.3. */
static enum http_state after_head(struct http *h)
{
	bool coded = h->seen & BIT(HTTP_FIELD_CODING), sized = h->seen & BIT(HTTP_FIELD_LENGTH);

	if (has_bad_host(h) || sized != h->has_length || (coded && sized))
		return HTTP_INVALID;
	if (coded && !h->response && (!h->chunked || !h->minor))
		return HTTP_INVALID;
	if (has_no_body(h))
		return HTTP_WHOLE;
	if (h->chunked)
		return HTTP_AT_CHUNK_SIZE;
	if (sized)
		return h->left ? HTTP_AT_BODY : HTTP_WHOLE;
	return h->response ? HTTP_AT_BODY_TO_CLOSE : HTTP_WHOLE;
}

static const uint8_t *read_line_feed(struct http *h, const uint8_t *at, const uint8_t *end)
{
	(void)end;
	if (*at != '\n')
		return invalid(h, at);
	return go(h, at + 1, h->next == HTTP_AT_HEAD_END ? after_head(h) : h->next);
}

static const uint8_t *end_chunk_size(struct http *h, const uint8_t *at)
{
	h->trailers = !h->left;
	return end_line(h, at, h->left ? HTTP_AT_BODY : HTTP_AT_LINE);
}

static const uint8_t *read_chunk_size(struct http *h, const uint8_t *at, const uint8_t *end)
{
	at = read_short_word(h, at, end, is_token);
	if (at == end)
		return at;
	if (!read_number(h, 16, &h->left))
		return invalid(h, at);
	/* some servers fill up with blanks */
	if (*at == ';' || (is_blank(*at) && h->response))
		return go(h, at + 1, HTTP_AT_CHUNK_EXTENSION);
	return end_chunk_size(h, at);
}

static const uint8_t *read_chunk_extension(struct http *h, const uint8_t *at, const uint8_t *end)
{
	while (at < end && is_text(*at))
		at++;
	return at == end ? at : end_chunk_size(h, at);
}

static void take_body(struct http *h, size_t len)
{
	h->body = true;
	h->left -= len;
	if (!h->left)
		go(h, NULL, h->chunked ? HTTP_AT_CHUNK_END : HTTP_WHOLE);
}

static const uint8_t *read_body(struct http *h, const uint8_t *at, const uint8_t *end)
{
	size_t len = (size_t)(end - at) < h->left ? (size_t)(end - at) : h->left;

	take_body(h, len);
	return at + len;
}

static const uint8_t *read_chunk_end(struct http *h, const uint8_t *at, const uint8_t *end)
{
	(void)end;
	return end_line(h, at, HTTP_AT_CHUNK_SIZE);
}

static const uint8_t *read_to_close(struct http *h, const uint8_t *at, const uint8_t *end)
{
	(void)h;
	(void)at;
	return end;
}

static step *const steps[] = {
	[HTTP_AT_START] = read_start,
	[HTTP_AT_METHOD] = read_method,
	[HTTP_AT_TARGET] = read_target,
	[HTTP_AT_VERSION] = read_version,
	[HTTP_AT_STATUS] = read_status,
	[HTTP_AT_LINE] = read_line,
	[HTTP_AT_NAME] = read_name,
	[HTTP_AT_VALUE] = read_value,
	[HTTP_AT_TEXT] = read_text,
	[HTTP_AT_WORD] = read_listed,
	[HTTP_AT_LINE_FEED] = read_line_feed,
	[HTTP_AT_CHUNK_SIZE] = read_chunk_size,
	[HTTP_AT_CHUNK_EXTENSION] = read_chunk_extension,
	[HTTP_AT_BODY] = read_body,
	[HTTP_AT_CHUNK_END] = read_chunk_end,
	[HTTP_AT_BODY_TO_CLOSE] = read_to_close,
};

void http_begin_request(struct http *h)
{
	*h = (struct http){ .state = HTTP_AT_START };
}

void http_begin_response(struct http *h, bool to_head)
{
	*h = (struct http){ .state = HTTP_AT_START, .response = true, .to_head = to_head };
}

/* Reads until a state, or one after it, is reached. */
static size_t read_up_to(struct http *h, const uint8_t *at, size_t len, enum http_state state)
{
	const uint8_t *p = at, *end = at + len;

	while (p < end && h->state < state) {
		const uint8_t *next = steps[h->state](h, p, end);

		h->len += next - p;
		p = next;
	}
	return p - at;
}

size_t http_read(struct http *h, const uint8_t *at, size_t len)
{
	return read_up_to(h, at, len, HTTP_WHOLE);
}

/* The states after the head come after those within it. */
size_t http_read_head(struct http *h, const uint8_t *at, size_t len)
{
	return read_up_to(h, at, len, HTTP_AT_CHUNK_SIZE);
}

bool http_head_is_whole(const struct http *h)
{
	return h->state >= HTTP_AT_CHUNK_SIZE && h->state != HTTP_INVALID;
}

bool http_skip(struct http *h, size_t len)
{
	if (h->state != HTTP_AT_BODY || len > h->left)
		return false;
	h->len += len;
	take_body(h, len);
	return true;
}

void http_end(struct http *h)
{
	if (h->state != HTTP_AT_BODY_TO_CLOSE)
		return;
	h->state = HTTP_WHOLE;
	h->close = true;
}

bool http_authority(const struct http *h, const uint8_t *bytes, size_t *at, size_t *len)
{
	static const char ends[] = "/?";
	const uint8_t *target = bytes + h->target, *end = target + h->target_len;
	const uint8_t *p = memmem(target, h->target_len, "://", 3);

	if (!h->target_len || *target == '/' || !p)
		return false;
	p += 3;
	*at = p - bytes;
	while (p < end && !strchr(ends, *p))
		p++;
	*len = p - bytes - *at;
	return true;
}

static bool is_digits(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (at[i] < '0' || at[i] > '9')
			return false;
	return true;
}

bool http_host_is_plain(const uint8_t *host, size_t len)
{
	static const char name[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
	static const char address[] = "ABCDEFabcdef0123456789:.";
	bool v6 = len && *host == '[';
	size_t at = v6, begin;

	while (at < len && host[at] && strchr(v6 ? address : name, host[at]))
		at++;
	begin = at - v6;
	if (!begin || memmem(host, at, "..", 2) || (v6 && (at == len || host[at++] != ']')))
		return false;
	return at == len ||
	       (host[at] == ':' && len - at > 1 && len - at <= 6 && is_digits(host + at + 1, len - at - 1));
}

/* The first byte of a path, and how long its text is. False: a percent sign alone, or a zero. */
static bool path_byte(const uint8_t *at, const uint8_t *end, uint8_t *byte, size_t *len)
{
	*byte = *at;
	*len = 1;
	if (*at != '%')
		return true;
	if (end - at < 3 || digit(at[1]) > 15 || digit(at[2]) > 15)
		return false;
	*byte = digit(at[1]) << 4 | digit(at[2]);
	*len = 3;
	return *byte;
}

bool http_path_is_plain(const uint8_t *path, size_t len)
{
	const uint8_t *at = path, *end = path + len;
	size_t bytes = 0, dots = 0, size; /* of the present segment */
	int depth = 0;
	uint8_t byte;

	for (; at < end && *at != '?'; at += size) {
		if (!path_byte(at, end, &byte, &size))
			return false;
		dots += byte == '.';
		if (byte != '/') {
			bytes++;
			continue;
		}
		depth += bytes == 2 && dots == 2 ? -1 : bytes && bytes != dots;
		if (depth < 0)
			return false;
		bytes = dots = 0;
	}
	for (; at < end; at += size)
		if (!path_byte(at, end, &byte, &size))
			return false;
	return bytes != 2 || dots != 2 || depth;
}

bool http_is_upgrade(const struct http *h)
{
	return h->method == HTTP_CONNECT || (h->upgrade && h->seen & BIT(HTTP_FIELD_UPGRADE));
}

bool http_is_request_anyway(const struct http *h)
{
	return !http_is_upgrade(h) || (h->method != HTTP_CONNECT && !h->other_protocol);
}

bool http_keeps_connection(const struct http *h)
{
	/* HTTP/1.0 has no codings (RFC 9112 6.1) */
	if (h->close || h->minor)
		return !h->close;
	/* a server that cannot tell the length of its response closes, even if the client asks it not to */
	return h->response && h->keep_alive && !(h->seen & BIT(HTTP_FIELD_CODING));
}
