/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "device.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "../../common/clock.h"
#include "../../common/log.h"
#include "../wire/formats.h"
#include "counters/tally.h"
#include "packets.h"

#define BATCH 1024 /* packets, before the outputs are woken */
#define WAIT_MS 1000
#define LAST_BATCHES 1024 /* after it was told to stop */

struct device {
	struct packets *packets;
	enum mirror_format format;
};

int device_open(const struct listen *listen, uint32_t buffer, struct device **device)
{
	struct device *d = malloc(sizeof(*d));
	int err;

	if (!d) {
		log_error("no memory for receiving");
		return -ENOMEM;
	}
	d->format = listen->format->number;
	err = packets_open_device(listen, buffer, &d->packets);
	if (err) {
		free(d);
		return err;
	}
	*device = d;
	return 0;
}

void device_close(struct device *d)
{
	if (!d)
		return;
	packets_close(d->packets);
	free(d);
}

/* As device_run(). *more: there may be. */
static int take_batch(struct device *d, const struct receive_sink *sink, bool *more)
{
	enum packets_result result = PACKETS_ONE;
	struct datagram datagram;
	int err = 0;

	for (int i = 0; i < BATCH && !err; i++) {
		result = packets_next(d->packets, &datagram);
		if (result != PACKETS_ONE)
			break;
		datagram.format = d->format;
		tally(TALLY_DATAGRAMS);
		err = sink->datagram(sink->context, &datagram);
	}
	tally_add(TALLY_KERNEL_DROPS, packets_drops(d->packets));
	*more = result == PACKETS_ONE;
	err = err ?: result == PACKETS_FAILED;
	return err ?: sink->pause(sink->context, true);
}

int device_run(struct device *d, int stop, const struct receive_sink *sink)
{
	struct pollfd events[] = {
		{ .fd = stop, .events = POLLIN },
		{ .fd = packets_fd(d->packets), .events = POLLIN },
	};
	bool more;
	int err;

	do {
		poll(events, 2, WAIT_MS);
		err = take_batch(d, sink, &more);
	} while (!err && !(events[0].revents & POLLIN));
	sleep_ms(2 * PACKETS_GATHER_MS);
	more = true;
	for (int i = 0; i < LAST_BATCHES && more && !err; i++)
		err = take_batch(d, sink, &more);
	return err;
}
