/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "tls_name.h"

#include "bytes.h"
#include "client_hello.h"

#define HEADER_SIZE 5 /* of a record */
#define RECORD_MAX (1 << 14) /* bytes in a record */

void tls_name_free(struct tls_name *t)
{
	reassembly_free(&t->hello);
}

static bool is_handshake(const uint8_t *record)
{
	return record[0] == TLS_NAME_HANDSHAKE && record[1] == 3 && get16(record + 3) &&
	       get16(record + 3) <= RECORD_MAX;
}

bool tls_name_begins(const uint8_t *at, size_t len)
{
	return len > HEADER_SIZE && is_handshake(at) && at[HEADER_SIZE] == CLIENT_HELLO_TYPE;
}

/* The contents of the present record, as far as they are there. */
static enum name_state read_contents(struct tls_name *t, const uint8_t *stream, size_t len,
				     char name[NAME_SIZE])
{
	size_t end = len < t->record_end ? len : t->record_end;
	const uint8_t *hello;

	if (!reassembly_add(&t->hello, t->hello_len, stream + t->read, end - t->read))
		return NAME_NONE;
	t->read = end;
	hello = reassembly_stream(&t->hello, &t->hello_len);
	return client_hello_name(hello, t->hello_len, name);
}

static bool begin_record(struct tls_name *t, const uint8_t *record)
{
	t->read += HEADER_SIZE;
	t->record_end = t->read + get16(record + 3);
	return is_handshake(record);
}

enum name_state tls_name_read(struct tls_name *t, const uint8_t *stream, size_t len, char name[NAME_SIZE])
{
	enum name_state state = NAME_UNDECIDED;

	while (t->read < len && state == NAME_UNDECIDED) {
		if (t->read < t->record_end)
			state = read_contents(t, stream, len, name);
		else if (len - t->read < HEADER_SIZE)
			break;
		else if (!begin_record(t, stream + t->read))
			return NAME_NONE;
	}
	return state;
}
