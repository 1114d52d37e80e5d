/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* mirror-collector: opens sockets and files, drops privileges, starts threads, and serves until a signal. */
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
#include "../../common/clock.h"
#include "../../common/error_text.h"
#include "../../common/log.h"
#include "../../common/privileges.h"
#include "../wire/formats.h"
#include "device.h"
#include "options.h"
#include "report.h"
#include "serve.h"

static struct program {
	struct options options;
	struct receiver *receiver[WORKERS_MAX];
	struct device *device[LISTEN_MAX];
	uint32_t devices;
	struct reader *reader; /* of files, in place of receivers and devices */
	pthread_t thread[WORKERS_MAX + LISTEN_MAX];
	uint32_t threads;
	int stop, ended; /* eventfds: workers must end; a worker or the writer has ended */
	int metrics, health, signals;
	atomic_bool failed; /* a worker */
} program = { .stop = -1, .ended = -1, .metrics = -1, .health = -1, .signals = -1 };

static struct receive_sink sink_of(struct program *p)
{
	return (struct receive_sink){ pipeline_datagram, pipeline_pause, &p->options.pipeline };
}

/* What a worker has returned; it, or the writer, has said why. */
static void *note_end(struct program *p, int err)
{
	if (err)
		atomic_store(&p->failed, true);
	eventfd_write(p->ended, 1);
	return NULL;
}

static void *work(void *receiver)
{
	struct program *p = &program;
	const struct receive_sink sink = sink_of(p);

	return note_end(p, receive_run(receiver, p->stop, &sink));
}

static void *watch(void *device)
{
	struct program *p = &program;
	const struct receive_sink sink = sink_of(p);

	return note_end(p, device_run(device, p->stop, &sink));
}

static void *read_files(void *reader)
{
	struct program *p = &program;

	return note_end(p, read_run(reader, p->stop, &p->options.pipeline));
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

static int open_outputs(struct program *p)
{
	struct options *o = &p->options;
	int err;

	if (o->dedup_ms) {
		o->pipeline.dedup = dedup_new(o->dedup_ms * 1000000ULL);
		if (!o->pipeline.dedup) {
			log_error("no memory for --dedup");
			return -ENOMEM;
		}
	}
	if (o->write.output.path) {
		o->write.failed = p->ended;
		err = writer_open(&o->write, &o->pipeline.writer);
		if (err) {
			log_error("cannot write \"%s\": %s", o->write.output.path, strerror(-err));
			return err;
		}
	}
	if (o->tap) {
		err = tap_open(o->tap, o->tap_queues, &o->pipeline.tap);
		if (err) {
			log_error("cannot open the TAP device \"%s\": %s", o->tap, error_text(err));
			return err;
		}
	}
	return 0;
}

static int open_pcap_server(struct options *o)
{
	int listener, err;

	if (!o->serve_pcap_port)
		return 0;
	listener = serve_listen(&o->serve_pcap, o->serve_pcap_port);
	if (listener < 0)
		return listener;
	err = pcap_server_open(listener, o->write.snaplen, &o->pipeline.server);
	if (err)
		log_error("cannot prepare: %s", strerror(-err));
	return err;
}

static int open_files(struct program *p)
{
	return p->options.read.count ? read_open(&p->options.read, &p->options.receive, &p->reader) : 0;
}

static int open_receivers(struct program *p)
{
	struct options *o = &p->options;
	int err = receive_check(&o->receive);

	for (uint32_t i = 0; i < o->workers && !err; i++)
		err = receive_open(&o->receive, !i, &p->receiver[i]);
	for (uint32_t i = 0; i < o->receive.count && !err; i++) {
		const struct listen *listen = &o->receive.listen[i];

		if (listen->format->carrier == CARRIER_DEVICE)
			err = device_open(listen, o->receive.buffer, &p->device[p->devices++]);
	}
	return err;
}

static int open_sockets(struct program *p)
{
	struct options *o = &p->options;
	int err = p->reader ? 0 : open_receivers(p);

	if (err)
		return err;
	if (o->metrics) {
		p->metrics = serve_listen(&address_loopback, o->metrics);
		if (p->metrics < 0)
			return p->metrics;
	}
	if (o->health) {
		p->health = serve_listen(&(struct address){ 0 }, o->health);
		if (p->health < 0)
			return p->health;
	}
	return open_pcap_server(o);
}

/* Later, rotation creates files as this user. */
static int check_folder(const struct writer_options *write)
{
	const char *slash = write->output.path ? strrchr(write->output.path, '/') : NULL;
	char *folder;
	int err = 0;

	if (!write->output.series)
		return 0;
	folder = slash ? strndup(write->output.path, slash - write->output.path + 1) : strdup(".");
	if (!folder || access(folder, W_OK | X_OK)) {
		err = -errno;
		log_error("user %u cannot make files in \"%s\": %s", geteuid(), folder ?: "", strerror(-err));
	}
	free(folder);
	return err;
}

static int find_user(struct options *o)
{
	const struct passwd *user = getpwnam(o->user);

	if (!user) {
		log_error("--user: there is no user \"%s\"", o->user);
		return -ENOENT;
	}
	o->write.output.owner = user->pw_uid;
	o->group = user->pw_gid;
	return 0;
}

static int become_user(const struct options *o)
{
	int err = privileges_drop(o->write.output.owner, o->group);

	return err ? err : check_folder(&o->write);
}

static void interrupt(int signal)
{
	(void)signal; /* only interrupts a system call */
}

/* What must be before the outputs are opened, which a signal can end: a pipe waits for its reader. */
static int prepare(struct program *p)
{
	struct sigaction action = { .sa_handler = interrupt };
	struct rlimit files;

	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGUSR1, &action, NULL);
	/* each replayed connection needs a descriptor */
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	p->stop = eventfd(0, EFD_CLOEXEC);
	p->ended = eventfd(0, EFD_CLOEXEC);
	if (p->stop >= 0 && p->ended >= 0)
		return 0;
	log_error("cannot prepare: %s", strerror(errno));
	return -errno;
}

/* Before the first thread begins: threads block what it blocks. */
static int open_signals(struct program *p)
{
	sigset_t awaited;

	sigemptyset(&awaited);
	sigaddset(&awaited, SIGINT);
	sigaddset(&awaited, SIGTERM);
	sigaddset(&awaited, SIGHUP);
	p->signals = sigprocmask(SIG_BLOCK, &awaited, NULL) ? -1 : signalfd(-1, &awaited, SFD_CLOEXEC);
	if (p->signals >= 0)
		return 0;
	log_error("cannot prepare: %s", strerror(errno));
	return -errno;
}

/* True: it has to end. */
static bool take_signal(struct program *p)
{
	struct writer *writer = p->options.pipeline.writer;
	struct signalfd_siginfo signal;

	if (read(p->signals, &signal, sizeof(signal)) != sizeof(signal) || signal.ssi_signo != SIGHUP)
		return true;
	if (!writer || writer_rotate(writer) == -EINVAL)
		log_warn("SIGHUP begins a new file only with --rotate-size or --rotate-time");
	return false;
}

static int start_thread(struct program *p, void *(*run)(void *), void *context)
{
	int err = -pthread_create(&p->thread[p->threads], NULL, run, context);

	if (err)
		log_error("cannot start a worker: %s", strerror(-err));
	else
		p->threads++;
	return err;
}

static int start_threads(struct program *p)
{
	struct options *o = &p->options;
	int err;

	if (o->replay.rules) {
		err = replay_start(&o->replay, &o->pipeline.replay);
		if (err)
			return err;
	}
	err = o->pipeline.writer ? writer_start(o->pipeline.writer) : 0;
	if (!err && o->pipeline.server)
		err = pcap_server_start(o->pipeline.server);
	if (err)
		log_error("cannot start an output: %s", strerror(-err));
	if (p->reader)
		return err ?: start_thread(p, read_files, p->reader);
	for (uint32_t i = 0; i < o->workers && !err; i++)
		err = start_thread(p, work, p->receiver[i]);
	for (uint32_t i = 0; i < p->devices && !err; i++)
		err = start_thread(p, watch, p->device[i]);
	return err;
}

static struct report report_of(const struct program *p)
{
	return (struct report){ p->options.pipeline.replay, &p->options.replay };
}

static void serve(struct program *p)
{
	struct pollfd events[] = {
		{ .fd = p->signals, .events = POLLIN },
		{ .fd = p->ended, .events = POLLIN },
		{ .fd = p->metrics, .events = POLLIN },
		{ .fd = p->health, .events = POLLIN },
	};
	const struct report report = report_of(p);
	bool terminal = isatty(STDERR_FILENO);
	time_t shown = time(NULL);

	for (;;) {
		poll(events, 4, p->options.status ? 1000 : -1);
		if (events[1].revents || (events[0].revents && take_signal(p)))
			break;
		if (events[2].revents)
			serve_metrics(p->metrics, &report);
		if (events[3].revents)
			serve_health(p->health);
		if (p->options.status && time(NULL) != shown) {
			shown = time(NULL);
			report_progress(&report, stderr, terminal);
		}
	}
	if (p->options.status && terminal)
		fputc('\n', stderr);
}

static void join(const struct program *p, pthread_t thread)
{
	while (pthread_tryjoin_np(thread, NULL)) {
		if (p->reader)
			pthread_kill(thread, SIGUSR1); /* it may wait for stdin */
		sleep_ms(5);
	}
}

/* 0 or -errno. */
static int stop_threads(struct program *p)
{
	struct options *o = &p->options;
	uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + o->grace * SECOND_NS;
	int err = 0;

	eventfd_write(p->stop, 1);
	for (uint32_t i = 0; i < p->threads; i++)
		join(p, p->thread[i]);
	replay_stop(o->pipeline.replay, end_ns);
	pcap_server_close(o->pipeline.server, end_ns);
	if (o->pipeline.writer)
		err = writer_close(o->pipeline.writer, end_ns);
	/* the reader of stdout may close it at any time */
	if (err == -EPIPE && !strcmp(o->write.output.path, "-"))
		return 0;
	if (err)
		log_error("cannot write \"%s\": %s", o->write.output.path, strerror(-err));
	return err ?: -atomic_load(&p->failed);
}

static void release(struct program *p)
{
	const int fds[] = { p->metrics, p->health, p->signals, p->stop, p->ended };

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	for (uint32_t i = 0; i < p->options.workers; i++)
		receive_close(p->receiver[i]);
	for (uint32_t i = 0; i < p->devices; i++)
		device_close(p->device[i]);
	read_close(p->reader);
	tap_close(p->options.pipeline.tap);
	pcap_freecode(&p->options.pipeline.filter);
	replay_free(p->options.pipeline.replay);
	dedup_free(p->options.pipeline.dedup);
}

int main(int argc, char **argv)
{
	struct program *p = &program;
	struct report report;
	int status, err, end;

	log_init("mirror-collector", LEVEL_WARN, NULL);
	status = options_parse(argc, argv, &p->options);
	if (status >= 0)
		return status;
	if (p->options.filter && compile_filter(&p->options))
		return ARGS_USAGE;
	err = prepare(p)		     ?:
		      find_user(&p->options) ?:
		      open_files(p)	     ?:
		      open_outputs(p)	     ?:
		      open_signals(p)	     ?:
		      open_sockets(p)	     ?:
					       become_user(&p->options);
	if (!err) {
		err = start_threads(p);
		if (!err)
			serve(p);
		end = stop_threads(p);
		report = report_of(p);
		if (!err && !p->options.quiet)
			report_summary(&report, stderr);
		err = err ?: end;
	}
	release(p);
	return err != 0;
}
