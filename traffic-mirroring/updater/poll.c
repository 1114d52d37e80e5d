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
#include "delivery.h"
#include "host_maps.h"

#define WAIT_NS (2 * SECOND_NS) /* for pins that are about to come, and for other commands */
#define LOAD_NS (10 * SECOND_NS) /* for the verifier, on a busy host */
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

/*
 * Starts a sender that is absent or hangs. Whether there is certainly none that works nevertheless, and not
 * because somebody ended it.
 */
static bool sender_lost(void)
{
	int err = host_revive_sender();

	return err && err != -EALREADY && (shared_sender() == 0 || host_sender_hangs());
}

/*
 * Why no copies can leave; NULL: they can, or are not meant to. Whoever holds the lock, for this direction or
 * the other, may be replacing the sender.
 */
static const char *obstacle(const struct instance *i, bool locked)
{
	if (tables_config(i->tables).off)
		return NULL;
	if (!tables_started(i->tables))
		return "start has not run, or it failed: its message says why";
	if (!locked && tables_use_rings(i->tables) && sender_lost())
		return "mirror-sender is not running or hangs, and cannot be replaced";
	return NULL;
}

struct poll {
	const char *why; /* no copies can leave; NULL: nothing is pinned */
	bool locked; /* whoever holds the lock may be about to start it */
	bool loading; /* the maps are pinned, the program is not */
	bool outdated; /* delivery_outdated() */
};

/* Returns 1 where copies can leave. */
static int visit(void *ctx, const struct instance *i)
{
	bool locked = i && lock_holder(i->pins.maps) != 0;
	struct poll *p = ctx;

	if (i && i->foreign)
		return 0;
	p->locked |= locked;
	p->loading |= i && !instance_program_id(i);
	p->why = i ? obstacle(i, locked) : "its pins cannot be read; `mirroring status` says why";
	p->outdated = !p->why && delivery_outdated(i->tables);
	return !p->why;
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

/* Whether copies can leave, waiting until they can. */
static bool await_copies(const struct request *request, struct poll *p)
{
	uint64_t begin = clock_ns(CLOCK_MONOTONIC), now, end = begin + WAIT_NS;

	for (;; sleep_ms(POLL_MS)) {
		*p = (struct poll){};
		if (instance_each(poll_query(request), visit, p) > 0)
			return true;
		now = clock_ns(CLOCK_MONOTONIC);
		if (p->loading && now < begin + LOAD_NS)
			end = now + WAIT_NS;
		if (now >= end)
			return false;
	}
}

int poll_answer(const struct request *request)
{
	int kept = silence();
	struct poll p;

	if (await_copies(request, &p) || p.locked) {
		if (p.outdated && request->value[ARG_IFACE] && request->value[ARG_DIRECTION])
			command_update(request); /* without options: devices are looked up again */
		fputs("RUNNING", stdout);
		return 0;
	}
	if (kept >= 0)
		dup2(kept, STDERR_FILENO);
	if (!p.why)
		poll_report_none(request);
	else
		log_error("not running: %s", p.why);
	return -ENOENT;
}
