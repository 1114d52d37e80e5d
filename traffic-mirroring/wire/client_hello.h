/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The server name in a ClientHello (RFC 8446 4.1.2, RFC 6066 3). With Encrypted ClientHello it is the name of
 * the outer one, in clear text, that of the server which decrypts the inner one.
 */
#pragma once

#include "name.h"

#define CLIENT_HELLO_TYPE 1 /* the first byte of this handshake message */

/* at: the beginning of the client's handshake messages. */
enum name_state client_hello_name(const uint8_t *at, size_t len, char name[NAME_SIZE]);
