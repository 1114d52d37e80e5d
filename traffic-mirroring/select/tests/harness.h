/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A world is a network namespace of its own, with devices for copies, and a lab for each direction. A lab is the data
 * path, loaded into maps of its own, between two probe programs: rules go in as text, packets through
 * BPF_PROG_TEST_RUN, and what became of a packet comes out.
 */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include <bpf/libbpf.h>

#include "../../updater/tables.h"
#include "probe.h"
#include "reference.h"

struct lab {
	struct world *world;
	enum direction direction;
	struct bpf_object *select, *probe;
	struct tables *tables;
	int first_fd, select_fd; /* programs: the first of the chain, and ours */
	int setup_fd, before_fd, after_fd, pending_fd; /* maps */
};

/* Where copies go: three devices with Ethernet headers, and one that takes bare IP. */
enum { DEVICE_D0, DEVICE_D1, DEVICE_D2, DEVICE_L3, WORLD_DEVICES };

struct world {
	struct ref_device device[WORLD_DEVICES];
	int tun; /* DEVICE_L3: what is sent to it can be read here */
	struct bpf_object *probe; /* writes down what leaves by the devices */
	int copy_fd;
	struct lab lab[DIRECTIONS];
};

/* Prints what failed. 0 or a negative errno. */
int world_enter(struct world *world);
void world_leave(struct world *world);

/* The map of SELECT with this name, without "mirroring_<direction>_"; negative errno. */
int lab_map(const struct lab *lab, const char *name);

/* A configuration from rules, every filter with its devices. NULL after an error was printed. */
struct configuration *lab_configuration(const char *rules);
/* Both print what failed. 0 or a negative errno. */
int lab_commit(struct lab *lab, const char *rules);
int world_commit(struct world *world, const char *rules);
/* The switch for people. */
int lab_switch(struct lab *lab, bool on);

struct lab_result {
	int verdict;
	enum mirror_outcome outcome;
	unsigned int outcomes; /* how many were counted: has to be 1 */
	int filter; /* the one that was counted; -1: none */
	unsigned int filters; /* how many were counted */
	uint64_t bytes; /* that were counted for the filter */
	bool unchanged; /* the packet, its mark and cb came out as they went in */
	struct probe_packet before, after, copy; /* times 0: there was none */
};

/* Runs one packet. 0 or a negative errno. */
int lab_run(struct lab *lab, const struct ref_packet *packet, struct lab_result *result);

/* Its parts, for packets that come another way: forget what was counted and recorded, and read it. */
int lab_clear(const struct lab *lab);
int lab_read(const struct lab *lab, struct lab_result *result);

/* What the program after SELECT answers. */
#define LAB_VERDICT 0x4d /* no TC_ACT_ of the kernel */

/* Loads an object of the build folder, such as "select/tests/probe.bpf.o", and pins nothing. NULL after an error was printed. */
struct bpf_object *build_load(const char *file);
/* File descriptor of a program of it; negative errno. */
int build_program(const struct bpf_object *object, const char *name);
/* Makes a program the only entry of a PROG_ARRAY. */
int chain_to(int map_fd, int prog_fd);

#endif
