/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

#include "read.h"

#define WORKERS_MAX 64

struct options {
	struct receive_options receive;
	struct read_options read; /* count 0: receive */
	uint32_t workers;
	struct pipeline pipeline; /* outputs not opened yet, filter not compiled */
	const char *filter; /* NULL: none */
	struct writer_options write; /* path NULL: no file */
	struct address serve_pcap; /* and its port; 0: none */
	uint16_t serve_pcap_port;
	const char *tap; /* NULL: none */
	uint32_t tap_queues;
	uint32_t dedup_ms; /* 0: none */
	struct replay_options replay; /* rules 0: none */
	uint16_t metrics, health; /* ports; 0: none */
	bool status;
	bool quiet;
	gid_t group; /* of the user */
	uint32_t grace; /* seconds that it may take to end */
	const char *user;
};

/* -1: continue; else the exit status, as args_parse(). */
int options_parse(int argc, char **argv, struct options *options);
