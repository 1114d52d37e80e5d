// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "poll.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../common/clock.h"
#include "../../common/lock.h"
#include "../../common/log.h"
#include "../host/shared.h"
#include "host_maps.h"

#define WAIT_MS 2000 /* for pins that are about to come */
#define POLL_MS 20

struct instance_query poll_query(const struct request *request)
{
	return (struct instance_query){ .iface = request->value[ARG_IFACE],
					.direction = request->value[ARG_DIRECTION],
					.version = request->value[ARG_VERSION] };
}

void poll_report_none(const struct request *request)
{
	const char *iface = request->value[ARG_IFACE], *direction = request->value[ARG_DIRECTION];

	log_error("no traffic-mirroring is running%s%s%s%s", iface ? " on " : "", iface ?: "",
		  direction ? " " : "", direction ?: "");
}

/* Whether the sender is certainly absent, and cannot be started. */
static bool sender_lost(void)
{
	return shared_sender() == 0 && host_revive_sender() && shared_sender() == 0;
}

/*
 * Why no copies can leave; NULL: they can, or are not meant to, or it is not certain: whoever holds the lock
 * may be about to change it.
 */
static const char *obstacle(const struct instance *i)
{
	if (tables_config(i->tables).off || lock_holder(i->pins.maps) != 0)
		return NULL;
	if (!tables_started(i->tables))
		return "start has not run, or it failed: its message says why";
	if (tables_use_rings(i->tables) && sender_lost())
		return "mirror-sender is not running, and cannot be started";
	return NULL;
}

/* visit returns 1 where copies can leave. */
static int visit(void *ctx, const struct instance *i)
{
	const char **why = ctx;

	*why = i ? obstacle(i) : "its pins cannot be read; `mirroring status` says why";
	return !*why;
}

/* What is said on the way is for the log directory: l3afd compares both outputs with the word. */
static int silence(void)
{
	int kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, STDERR_FILENO);
		close(null);
	}
	return kept;
}

int poll_answer(const struct request *request)
{
	const char *why;
	int kept = silence(), running;

	for (int waited = 0;; waited += POLL_MS) {
		why = NULL;
		running = instance_each(poll_query(request), visit, &why);
		if (running > 0 || waited >= WAIT_MS)
			break;
		sleep_ms(POLL_MS);
	}
	if (running > 0) {
		fputs("RUNNING", stdout);
		return 0;
	}
	if (kept >= 0)
		dup2(kept, STDERR_FILENO);
	if (!why)
		poll_report_none(request);
	else
		log_error("not running: %s", why);
	return -ENOENT;
}
