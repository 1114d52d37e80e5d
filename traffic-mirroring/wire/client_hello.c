/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "client_hello.h"

#include "cursor.h"
#include "reassembly.h"

#define HEADER_SIZE 4 /* of a handshake message */
#define RANDOM_SIZE 32
#define SERVER_NAME 0 /* an ExtensionType */
#define HOST_NAME 0 /* a NameType, the only one that was ever defined */

static bool read_server_name(struct cursor extension, char name[NAME_SIZE])
{
	struct cursor list = cursor_vector(&extension, 2), host;

	if (cursor_number(&list, 1) != HOST_NAME)
		return false;
	host = cursor_vector(&list, 2);
	return cursor_ended(&list) && cursor_ended(&extension) && domain_name(host.at, host.left, name);
}

static enum name_state read_extensions(struct cursor extensions, char name[NAME_SIZE])
{
	bool found = false;

	while (extensions.left) {
		uint64_t type = cursor_number(&extensions, 2);
		struct cursor extension = cursor_vector(&extensions, 2);

		if (type != SERVER_NAME)
			continue;
		if (found || !read_server_name(extension, name))
			return NAME_NONE;
		found = true;
	}
	return found && !extensions.bad ? NAME_FOUND : NAME_NONE;
}

static enum name_state read_hello(struct cursor hello, char name[NAME_SIZE])
{
	struct cursor ciphers, extensions;
	uint64_t version = cursor_number(&hello, 2);

	cursor_part(&hello, RANDOM_SIZE);
	cursor_vector(&hello, 1); /* session ID */
	ciphers = cursor_vector(&hello, 2);
	cursor_vector(&hello, 1); /* compression methods */
	extensions = cursor_vector(&hello, 2);
	if (version >> 8 != 3 || ciphers.left % 2 || !cursor_ended(&hello))
		return NAME_NONE;
	return read_extensions(extensions, name);
}

enum name_state client_hello_name(const uint8_t *at, size_t len, char name[NAME_SIZE])
{
	struct cursor c = { at, len, false };
	uint64_t size;

	if (!len)
		return NAME_UNDECIDED;
	if (cursor_number(&c, 1) != CLIENT_HELLO_TYPE)
		return NAME_NONE;
	if (len < HEADER_SIZE)
		return NAME_UNDECIDED;
	size = cursor_number(&c, 3);
	if (size > REASSEMBLY_MAX - HEADER_SIZE)
		return NAME_NONE;
	return size > c.left ? NAME_UNDECIDED : read_hello(cursor_part(&c, size), name);
}
