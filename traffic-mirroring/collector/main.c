/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* mirror-collector: opens all, drops privileges, starts the threads, and serves until it is told to stop. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "../../common/args.h"
#include "../../common/log.h"
#include "../../common/privileges.h"
#include "options.h"
#include "report.h"
#include "serve.h"
#include "tap.h"

#define WORKERS_MAX 64
#define PATIENCE 2 /* seconds that workers get to end by themselves */

static struct collector {
	struct options options;
	struct receiver *receiver[WORKERS_MAX];
	pthread_t thread[WORKERS_MAX];
	uint32_t threads;
	int stop, ended; /* eventfds: workers are to end; a worker has ended */
	int metrics, health, signals;
	atomic_bool give_up; /* writes that take too long are to end */
	atomic_int failed; /* the errno of a worker that could not go on */
} collector = { .stop = -1, .ended = -1, .metrics = -1, .health = -1, .signals = -1 };

static void *work(void *receiver)
{
	struct collector *c = &collector;
	const struct receive_sink sink = { pipeline_datagram, pipeline_pause, &c->options.pipeline };
	int err = receive_run(receiver, c->stop, &sink);

	if (err) {
		atomic_store(&c->failed, -err);
		eventfd_write(c->ended, 1);
	}
	return NULL;
}

static int compile_filter(struct options *o)
{
	pcap_t *any = pcap_open_dead(DLT_EN10MB, PCAPFILE_SNAPLEN_MAX);
	int err = 0;

	if (!any) {
		log_error("no memory for the filter");
		return -ENOMEM;
	}
	if (pcap_compile(any, &o->pipeline.filter, o->filter, 1, PCAP_NETMASK_UNKNOWN)) {
		log_error("--filter: expected an expression of pcap-filter(7), got \"%s\": %s", o->filter,
			  pcap_geterr(any));
		err = -EINVAL;
	}
	pcap_close(any);
	return err;
}

static int open_outputs(struct collector *c)
{
	struct options *o = &c->options;
	int err;

	if (o->write.path) {
		err = writer_open(&o->write, &c->give_up, &o->pipeline.writer);
		if (err) {
			log_error("cannot write \"%s\": %s", o->write.path, strerror(-err));
			return err;
		}
	}
	if (o->tap) {
		o->pipeline.tap = tap_open(o->tap);
		if (o->pipeline.tap < 0) {
			log_error("cannot open the TAP device \"%s\": %s", o->tap,
				  strerror(-o->pipeline.tap));
			return o->pipeline.tap;
		}
	}
	return 0;
}

static int open_sockets(struct collector *c)
{
	struct options *o = &c->options;
	int err = receive_check(&o->receive);

	for (uint32_t i = 0; i < o->workers && !err; i++)
		err = receive_open(&o->receive, &c->receiver[i]);
	if (err)
		return err;
	if (o->metrics) {
		c->metrics = serve_listen(o->metrics, true);
		if (c->metrics < 0)
			return c->metrics;
	}
	if (o->health) {
		c->health = serve_listen(o->health, false);
		if (c->health < 0)
			return c->health;
	}
	return 0;
}

/* Files that rotation begins later are made as this user. */
static int check_folder(const struct writer_options *write)
{
	const char *slash = write->path ? strrchr(write->path, '/') : NULL;
	char *folder;
	int err = 0;

	if (!write->rotate_bytes && !write->rotate_seconds)
		return 0;
	folder = slash ? strndup(write->path, slash - write->path + 1) : strdup(".");
	if (!folder || access(folder, W_OK | X_OK)) {
		err = -errno;
		log_error("user %u cannot make files in \"%s\": %s", geteuid(), folder ?: "", strerror(-err));
	}
	free(folder);
	return err;
}

static int become_user(const struct options *o)
{
	const struct passwd *user = getpwnam(o->user);
	int err;

	if (!user) {
		log_error("--user: there is no user \"%s\"", o->user);
		return -ENOENT;
	}
	err = privileges_drop(user->pw_uid, user->pw_gid);
	return err ? err : check_folder(&o->write);
}

static void interrupt(int signal)
{
	(void)signal; /* that a call is interrupted is all */
}

static int open_signals(struct collector *c)
{
	struct sigaction action = { .sa_handler = interrupt };
	struct rlimit files;
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGUSR1, &action, NULL);
	/* each replayed connection needs one */
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	c->signals = sigprocmask(SIG_BLOCK, &ends, NULL) ? -1 : signalfd(-1, &ends, SFD_CLOEXEC);
	c->stop = eventfd(0, EFD_CLOEXEC);
	c->ended = eventfd(0, EFD_CLOEXEC);
	if (c->signals < 0 || c->stop < 0 || c->ended < 0) {
		log_error("cannot prepare: %s", strerror(errno));
		return -errno;
	}
	return 0;
}

static int start_threads(struct collector *c)
{
	struct options *o = &c->options;
	int err;

	if (o->replay.rules) {
		err = replay_start(&o->replay, &o->pipeline.replay);
		if (err)
			return err;
	}
	for (; c->threads < o->workers; c->threads++) {
		err = -pthread_create(&c->thread[c->threads], NULL, work, c->receiver[c->threads]);
		if (err) {
			log_error("cannot start a worker: %s", strerror(-err));
			return err;
		}
	}
	return 0;
}

static struct report report_of(const struct collector *c)
{
	return (struct report){ c->options.pipeline.replay, &c->options.replay };
}

static void serve(struct collector *c)
{
	struct pollfd events[] = {
		{ .fd = c->signals, .events = POLLIN },
		{ .fd = c->ended, .events = POLLIN },
		{ .fd = c->metrics, .events = POLLIN },
		{ .fd = c->health, .events = POLLIN },
	};
	const struct report report = report_of(c);
	bool terminal = isatty(STDERR_FILENO);
	time_t shown = time(NULL);

	while (!events[0].revents && !events[1].revents) {
		poll(events, 4, c->options.status ? 1000 : -1);
		if (events[2].revents)
			serve_metrics(c->metrics, &report);
		if (events[3].revents)
			serve_health(c->health);
		if (c->options.status && time(NULL) != shown) {
			shown = time(NULL);
			report_progress(&report, stderr, terminal);
		}
	}
	if (c->options.status && terminal)
		fputc('\n', stderr);
}

/* A worker may hang in a write to a pipe that nobody reads. */
static void join(struct collector *c, pthread_t thread)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE;
	while (pthread_timedjoin_np(thread, NULL, &end)) {
		atomic_store(&c->give_up, true);
		pthread_kill(thread, SIGUSR1);
		end.tv_nsec += 100000000;
		end.tv_sec += end.tv_nsec / 1000000000;
		end.tv_nsec %= 1000000000;
	}
}

/* 0 or -errno. */
static int stop_threads(struct collector *c)
{
	struct options *o = &c->options;
	int err;

	eventfd_write(c->stop, 1);
	for (uint32_t i = 0; i < c->threads; i++)
		join(c, c->thread[i]);
	replay_stop(o->pipeline.replay);
	err = -atomic_load(&c->failed);
	if (o->pipeline.writer) {
		int end = writer_close(o->pipeline.writer);

		err = err ?: end;
	}
	/* who reads our stdout may have seen enough */
	if (err == -EPIPE && !strcmp(o->write.path, "-"))
		return 0;
	if (err)
		log_error("cannot write \"%s\": %s", o->write.path ?: "", strerror(-err));
	return err;
}

static void release(struct collector *c)
{
	const int fds[] = { c->options.pipeline.tap, c->metrics, c->health, c->signals, c->stop, c->ended };

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	for (uint32_t i = 0; i < c->options.workers; i++)
		receive_close(c->receiver[i]);
	pcap_freecode(&c->options.pipeline.filter);
	replay_free(c->options.pipeline.replay);
}

int main(int argc, char **argv)
{
	struct collector *c = &collector;
	struct report report;
	int status, err, end;

	log_init("mirror-collector", LEVEL_WARN, NULL);
	status = options_parse(argc, argv, &c->options);
	if (status >= 0)
		return status;
	if (c->options.filter && compile_filter(&c->options))
		return ARGS_USAGE;
	err = open_signals(c) ?: open_outputs(c) ?: open_sockets(c) ?: become_user(&c->options);
	if (!err) {
		err = start_threads(c);
		if (!err)
			serve(c);
		end = stop_threads(c);
		err = err ?: end;
		report = report_of(c);
		if (!c->options.quiet)
			report_summary(&report, stderr);
	}
	release(c);
	return err != 0;
}
