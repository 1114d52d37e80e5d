/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The DNS name of a server, in the one form in which names are compared. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 253 characters and a NUL: 255 bytes on the wire (RFC 1035 2.3.4), less the first length and the root. */
#define NAME_SIZE 254

/*
 * Writes a name in lower case, without the final dot that it may have. False: it is not a name of labels of
 * letters, digits, "-" and "_", or it is an IPv4 address: its last label is a number.
 */
bool domain_name(const uint8_t *at, size_t len, char name[NAME_SIZE]);
