/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The processing of each datagram: check its source, decapsulate, filter, pass to the outputs. */
#pragma once

#include <pcap/pcap.h>

#include "dedup.h"
#include "pcap_server.h"
#include "receive.h"
#include "replay/replay.h"
#include "tap.h"
#include "writer.h"

#define PIPELINE_LIST_MAX 256

struct pipeline_prefix {
	struct address address;
	uint8_t len; /* bits */
};

struct pipeline_vnis {
	uint32_t from, to;
};

struct pipeline {
	/* an empty list allows everything */
	struct pipeline_prefix source[PIPELINE_LIST_MAX];
	uint32_t sources;
	struct pipeline_vnis vni[PIPELINE_LIST_MAX];
	uint32_t vnis;
	bool outermost; /* the list is for the outermost tunnel, else for the innermost one */
	struct decap_ports ports;
	uint32_t depth;
	struct bpf_program filter; /* bf_insns NULL: none */
	struct dedup *dedup; /* for all outputs but the replay; NULL: none */
	/* outputs; NULL: none */
	struct writer *writer;
	struct pcap_server *server;
	struct tap *tap;
	struct replay *replay;
};

/* For receive_run(), with a struct pipeline as context. Thread-safe. */
int pipeline_datagram(void *pipeline, const struct datagram *datagram);
int pipeline_pause(void *pipeline, bool late);

/* For one reader of files: whether the next packet is certain to find room in the outputs. */
bool pipeline_ready(struct pipeline *pipeline);

/* No more packets will come. */
void pipeline_finish(struct pipeline *pipeline);

/* Everything is written, and every request answered. */
bool pipeline_finished(struct pipeline *pipeline);
