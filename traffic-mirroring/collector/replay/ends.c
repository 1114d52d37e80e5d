/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "ends.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct ends {
	struct {
		uint8_t family; /* 4, 6 */
		uint8_t address[16]; /* of the newest connection */
		uint32_t open; /* connections: one port may serve several, to different targets */
		uint64_t closed_ns; /* of the last one; 0: never */
	} port[65536];
};

struct ends *ends_new(void)
{
	return calloc(1, sizeof(struct ends));
}

void ends_free(struct ends *ends)
{
	free(ends);
}

uint16_t ends_open(struct ends *ends, int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} own = { 0 };
	socklen_t len = sizeof(own);
	bool v4;
	uint16_t port;

	if (getsockname(fd, &own.any, &len))
		return 0;
	v4 = own.any.sa_family == AF_INET;
	port = ntohs(v4 ? own.v4.sin_port : own.v6.sin6_port);
	ends->port[port].family = v4 ? 4 : 6;
	memcpy(ends->port[port].address, v4 ? (void *)&own.v4.sin_addr : &own.v6.sin6_addr, v4 ? 4 : 16);
	ends->port[port].open++;
	return port;
}

void ends_close(struct ends *ends, uint16_t port, uint64_t now_ns)
{
	ends->port[port].open--;
	ends->port[port].closed_ns = now_ns;
}

bool ends_has(const struct ends *ends, uint8_t family, const uint8_t *address, uint16_t port, uint64_t now_ns)
{
	uint64_t closed_ns = ends->port[port].closed_ns;
	bool recent = closed_ns && now_ns - closed_ns < ENDS_REMEMBERED;

	return (ends->port[port].open || recent) && ends->port[port].family == family &&
	       !memcmp(ends->port[port].address, address, family == 4 ? 4 : 16);
}
