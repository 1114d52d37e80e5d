/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Our ends of the connections to targets, by which mirrored copies of these are recognized: those of
 * open connections, and for a while those of closed ones, of which late copies may come.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../../../common/clock.h"

#define ENDS_REMEMBERED (60 * SECOND_NS)

struct ends;

/* NULL: no memory. */
struct ends *ends_new(void);
void ends_free(struct ends *ends);

/* A socket's own address and port. Returns the port, which ends_close() takes; 0: it has none. */
uint16_t ends_open(struct ends *ends, int fd);
void ends_close(struct ends *ends, uint16_t port, uint64_t now_ns);

/* Address as in struct flow_key, port in host byte order. */
bool ends_has(const struct ends *ends, uint8_t family, const uint8_t *address, uint16_t port,
	      uint64_t now_ns);
