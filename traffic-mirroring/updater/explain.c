// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* explain: what filters do with the packets of a capture, tried on the data path's own program. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../common/args.h"
#include "../../common/clock.h"
#include "../../common/error_text.h"
#include "../../common/log.h"
#include "../host/emit.h"
#include "explain_frame.h"
#include "explain_names.h"
#include "instance.h"
#include "list.h"
#include "load.h"
#include "request.h"
#include "rules.h"

struct tally {
	uint64_t packets;
	uint64_t bytes; /* on the wire */
	uint64_t copied; /* bytes of copies */
};

struct explained {
	struct pcap_packet packet;
	struct trial_result result;
};

struct explanation {
	struct emit emit;
	struct configuration *configuration;
	struct pcap_reader capture;
	struct trial *trial;
	struct explain_names *names;
	struct explained *at;
	size_t n; /* packets so far */
	int error; /* of a packet that was held */
	uint64_t incomplete;
	struct tally filter[MIRROR_MAX_FILTERS], outcome[OUT_COUNT];
};

static int open_capture(const char *path, struct pcap_reader *capture)
{
	/* whoever opens a FIFO waits for its other end */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), err = 0;
	void *at = MAP_FAILED;
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		err = -errno;
	else if (S_ISREG(st.st_mode) && st.st_size)
		at = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (err)
		log_error("--pcap: %s: %s", path, strerror(-err));
	else if (at == MAP_FAILED || !pcap_open(capture, at, st.st_size)) {
		log_error("--pcap: expected a pcap or pcapng file, got \"%s\"", log_quote(path).text);
		err = -EINVAL;
	}
	if (err && at != MAP_FAILED)
		munmap(at, st.st_size);
	if (fd >= 0)
		close(fd);
	return err;
}

static int read_in_force(const struct request *request, struct configuration *c)
{
	struct instance i;
	int err;

	if (!request->value[ARG_IFACE] || !request->value[ARG_DIRECTION]) {
		log_error(
			"explain: expected filters (--rules-file), or --iface and --direction, got neither");
		return ARGS_USAGE;
	}
	/* the lock: a commit in between would have us read a bank that is being written */
	err = instance_open_locked(&i, request->value[ARG_IFACE], request->value[ARG_DIRECTION],
				   request->value[ARG_VERSION]);
	if (!err) {
		err = tables_read(i.tables, c);
		if (err)
			log_error("cannot read the maps of %s: %s", i.link.name, error_text(err));
	}
	instance_close(&i);
	return err;
}

/* The filters that the options give, or those in force. */
static int read_filters(const struct request *request, struct configuration *c)
{
	struct filter_set *filters;
	int err = request_filters(request, &filters);

	if (err)
		return err;
	if (!filters)
		return read_in_force(request, c);
	filter_set_free(c->filters);
	c->filters = filters;
	for (size_t i = 0; i < filters->n; i++) {
		const struct filter *f = &filters->at[i];

		c->rows[i] = filter_row(f);
		if (!f->leg[LEG_SNAPLEN].n)
			row_set_snaplen(&c->rows[i],
					legs_largest_snaplen(&request->delivery.leg[LEG_SNAPLEN]));
		if (f->n_to && !f->to->collector.format)
			c->rows[i].devices = f->n_to;
	}
	return tables_check(c);
}

/* A copy is a copy, wherever the filter sends it. */
static const char *outcome_text(enum mirror_outcome outcome)
{
	return outcome == OUT_RING ? "copied" : outcome_name(outcome);
}

static void count(struct tally *t, const struct explain_frame *f, uint32_t copied)
{
	t->packets++;
	t->bytes += f->wire_len;
	t->copied += copied;
}

static void emit_packet(struct explanation *x, size_t number, const struct explain_frame *f)
{
	const struct explained *packet = &x->at[number];
	const struct trial_result *r = &packet->result;
	const struct filter *decides = r->filter < 0 ? NULL : &x->configuration->filters->at[r->filter];
	double seconds = (double)(int64_t)(packet->packet.time_ns - x->at->packet.time_ns) / SECOND_NS;
	char flow[EXPLAIN_FLOW_LEN];
	struct emit *e = &x->emit;

	explain_flow(f, flow);
	emit_object(e, NULL);
	emit_number(e, "number", number + 1);
	emit_number(e, "time_ns", packet->packet.time_ns);
	emit_string(e, "flow", flow);
	emit_number(e, "bytes", f->wire_len);
	emit_number(e, "captured", f->captured);
	if (decides)
		emit_number(e, "filter", r->filter + 1);
	if (decides && *decides->name)
		emit_string(e, "name", decides->name);
	emit_string(e, "outcome", outcome_text(r->outcome));
	emit_end(e);
	emit_text(e, "%7zu %11.6f  %-50s %6u  %6.0d  %s", number + 1, seconds, flow, f->wire_len,
		  r->filter + 1, outcome_text(r->outcome));
	if (decides && *decides->name)
		emit_text(e, " by %s", decides->name);
	if (f->captured < f->wire_len)
		emit_text(e, " (%u bytes captured)", f->captured);
	emit_text(e, "\n");
}

/* The bytes of a copy. */
static uint32_t copied_bytes(const struct mirror_filter *row, const struct explain_frame *f)
{
	uint32_t most = row->snaplen ?: f->wire_len;

	if (row->trim & TRIM_HEADERS && !(row->trim & TRIM_ZERO))
		most = headers_size(&f->headers) + row->snaplen;
	return most < f->wire_len ? most : f->wire_len;
}

static void emit_packets(struct explanation *x)
{
	emit_text(&x->emit, " packet     seconds  %-50s  bytes  filter  outcome\n", "flow");
	emit_array(&x->emit, "packets");
	for (size_t i = 0; i < x->n; i++) {
		const struct trial_result *r = &x->at[i].result;
		struct explain_frame f;
		uint32_t copied = 0;

		explain_frame(&x->at[i].packet, &f);
		if (r->outcome == OUT_RING && r->filter >= 0)
			copied = copied_bytes(&x->configuration->rows[r->filter], &f);
		if (r->filter >= 0)
			count(&x->filter[r->filter], &f, copied);
		count(&x->outcome[r->outcome], &f, copied);
		x->incomplete += f.captured < f.wire_len;
		emit_packet(x, i, &f);
	}
	emit_end(&x->emit);
}

static uint16_t class_of(void *ctx, const char *name)
{
	const struct explanation *x = ctx;

	return trial_class(x->trial, name);
}

/* The class of a packet's flow is known: the program decides, unless it leaves the packet to the sender. */
static void decide(void *ctx, size_t number, uint64_t flow, uint16_t class)
{
	struct explanation *x = ctx;
	struct explained *packet = &x->at[number];
	struct explain_frame f;

	explain_frame(&packet->packet, &f);
	trial_set_class(x->trial, flow, class);
	x->error = x->error ?: trial_run(x->trial, f.at, f.len, &packet->result);
	if (packet->result.outcome == OUT_UNDECIDED)
		trial_decide(x->trial, class, &packet->result);
	trial_set_class(x->trial, flow, class); /* which a SYN takes away */
}

static int explain_packet(struct explanation *x, const struct pcap_packet *packet)
{
	struct trial_result *r = &x->at[x->n].result;
	struct explain_frame f;
	int err;

	x->at[x->n].packet = *packet;
	if (!explain_frame(packet, &f)) {
		log_error("--pcap: packet %zu: expected Ethernet, raw IP or Linux cooked capture, got "
			  "link type %u",
			  x->n + 1, packet->link);
		return -EINVAL;
	}
	err = trial_run(x->trial, f.at, f.len, r);
	x->n += !err;
	if (!err && r->outcome == OUT_UNDECIDED)
		err = explain_names_hold(x->names, x->n - 1, &f, r->flow);
	return err ?: x->error;
}

static int explain_packets(struct explanation *x)
{
	enum pcap_result result;
	struct explained *at;
	struct pcap_packet p;
	int err = 0;

	while (!err && (result = pcap_next(&x->capture, &p)) == PCAP_PACKET) {
		at = list_grow(x->at, x->n, sizeof(*at));
		if (!at)
			return -ENOMEM;
		x->at = at;
		err = explain_packet(x, &p);
	}
	if (!err && result == PCAP_DAMAGED) {
		log_error("--pcap: packet %zu is damaged or cut off; those before it are explained",
			  x->n + 1);
		err = -EINVAL;
	}
	return err;
}

static void emit_tally(struct emit *e, const struct tally *t)
{
	emit_number(e, "packets", t->packets);
	emit_number(e, "bytes", t->bytes);
	emit_number(e, "copied_bytes", t->copied);
	emit_text(e, " %10" PRIu64 " %14" PRIu64 " %14" PRIu64, t->packets, t->bytes, t->copied);
}

static void emit_filters(struct explanation *x)
{
	struct emit *e = &x->emit;

	emit_text(e, "\n%-17s %10s %14s %14s  rule\n", "filter", "packets", "bytes", "bytes copied");
	emit_array(e, "filters");
	for (size_t i = 0; i < x->configuration->filters->n; i++) {
		const struct filter *f = &x->configuration->filters->at[i];
		char *rule = rule_text(f);

		emit_object(e, NULL);
		emit_string(e, "rule", rule ?: "");
		if (*f->name)
			emit_string(e, "name", f->name);
		emit_text(e, "%17zu", i + 1);
		emit_tally(e, &x->filter[i]);
		emit_text(e, "  %.120s\n", rule ?: "");
		emit_end(e);
		free(rule);
	}
	emit_end(e);
}

static void emit_outcomes(struct explanation *x)
{
	struct emit *e = &x->emit;

	emit_text(e, "\n%-17s %10s %14s %14s\n", "outcome", "packets", "bytes", "bytes copied");
	emit_object(e, "outcomes");
	for (int o = OUT_NONE; o < OUT_COUNT; o++) {
		if (!x->outcome[o].packets)
			continue;
		emit_object(e, outcome_text(o));
		emit_text(e, "%-17s", outcome_text(o));
		emit_tally(e, &x->outcome[o]);
		emit_text(e, "\n");
		emit_end(e);
	}
	emit_end(e);
	if (x->incomplete)
		emit_text(e,
			  "\n%" PRIu64
			  " packets were not captured whole: what is missing was taken as zeros\n",
			  x->incomplete);
}

static int explain(struct explanation *x, bool json)
{
	struct json_object *all = json ? json_object_new_object() : NULL;
	int err;

	if (json)
		x->emit = (struct emit){ .open = { all }, .depth = 1 };
	err = explain_packets(x);
	emit_packets(x);
	emit_filters(x);
	emit_outcomes(x);
	if (json)
		puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY |
								 JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
	return err;
}

static enum direction direction_of(const struct request *request)
{
	const char *direction = request->value[ARG_DIRECTION];

	return direction && !strcmp(direction, direction_names[EGRESS]) ? EGRESS : INGRESS;
}

int command_explain(const struct request *request)
{
	struct explanation x = { .configuration = configuration_new() };
	enum direction direction = direction_of(request);
	struct bpf_object *object = NULL;
	int err = x.configuration ? 0 : -ENOMEM;

	if (!err && !request->value[ARG_PCAP]) {
		log_error("--pcap is missing");
		err = ARGS_USAGE;
	}
	if (!err)
		err = open_capture(request->value[ARG_PCAP], &x.capture);
	if (!err)
		err = read_filters(request, x.configuration);
	if (!err)
		object = load_private(direction, &err);
	if (!err)
		x.trial = trial_open(direction, object, x.configuration, &err);
	if (!err) {
		x.names = explain_names_new(&(struct explain_names_user){ &x, class_of, decide });
		err = x.names ? explain(&x, request->value[ARG_JSON]) : -ENOMEM;
	}
	explain_names_free(x.names);
	free(x.at);
	trial_close(x.trial);
	bpf_object__close(object);
	configuration_free(x.configuration);
	if (x.capture.at)
		munmap((void *)x.capture.at, x.capture.size);
	return err;
}
