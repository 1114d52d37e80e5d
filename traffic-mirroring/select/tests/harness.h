/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A fixture is a network namespace of its own with devices for copies, and a data path per direction: our
 * programs, loaded with maps of their own, between two probe programs. Rules go in as text, packets through
 * BPF_PROG_TEST_RUN; the result says what became of a packet.
 */
#pragma once

#include <bpf/libbpf.h>

#include "../../updater/tables.h"
#include "probe.h"
#include "reference.h"

struct datapath {
	struct fixture *fixture;
	enum direction direction;
	struct bpf_object *select, *probe;
	struct tables *tables;
	int first_fd, select_fd; /* programs: the first of the chain, and ours */
	int setup_fd, before_fd, after_fd, cpus_fd; /* maps */
};

/* Where copies go: three devices with Ethernet headers, and one L3 device. */
enum { DEVICE_D0, DEVICE_D1, DEVICE_D2, DEVICE_L3, FIXTURE_DEVICES };

struct fixture {
	struct ref_device device[FIXTURE_DEVICES];
	int tun; /* DEVICE_L3: what is sent to it can be read here */
	struct bpf_object *probe; /* records what is sent out of the devices */
	int copy_fd;
	struct datapath datapath[DIRECTIONS];
};

/* Prints what failed. 0 or a negative errno. */
int fixture_enter(struct fixture *fixture);
void fixture_leave(struct fixture *fixture);

/* Prints what failed and why, by errno, which it returns. */
int fixture_failed(const char *what);

/* The data path's map with this name, without "mirroring_<direction>_"; negative errno. */
int datapath_map(const struct datapath *datapath, const char *name);

/* A configuration from rules, every filter with its devices. NULL after an error was printed. */
struct configuration *datapath_configuration(const char *rules);
/* Both print what failed. 0 or a negative errno. As update: rules that stay keep their counters. */
int datapath_commit(struct datapath *datapath, const char *rules);
int fixture_commit(struct fixture *fixture, const char *rules);
/* The counter of a filter in force, by index, and what it has counted. */
__u32 datapath_counter(const struct datapath *datapath, size_t filter);
struct filter_counts datapath_counts(const struct datapath *datapath, size_t filter);
/* The operator's switch. */
int datapath_switch(struct datapath *datapath, bool on);

struct datapath_result {
	int verdict;
	enum mirror_outcome outcome;
	unsigned int outcomes; /* how many were counted: must be 1 */
	int filter; /* the one that was counted; -1: none */
	unsigned int filters; /* how many were counted */
	uint64_t bytes; /* that were counted for the filter */
	bool unchanged; /* datapath_passed(), and the packet and its fields came out as they went in */
	struct probe_packet before, after, copy; /* times 0: there was none */
};

/* Runs one packet. 0 or a negative errno. */
int datapath_run(struct datapath *datapath, const struct ref_packet *packet, struct datapath_result *result);

/* The next program of the chain saw the packet once, with the bytes and fields that it had before. */
bool datapath_passed(const struct datapath_result *result);

/* Its parts, for packets that are sent otherwise: forget what was counted and recorded, and read it. */
int datapath_clear(const struct datapath *datapath);
int datapath_read(const struct datapath *datapath, struct datapath_result *result);

/* The verdict of the program after ours. */
#define CHAIN_VERDICT 0x4d /* no TC_ACT_ of the kernel */

/*
 * Loads an object of the build folder, such as "select/tests/probe.bpf.o", and pins nothing. NULL after an
 * error was printed.
 */
struct bpf_object *build_load(const char *file);
/* File descriptor of a program of it; negative errno. */
int build_program(const struct bpf_object *object, const char *name);
/* Makes a program the only entry of a PROG_ARRAY. */
int chain_to(int map_fd, int prog_fd);
