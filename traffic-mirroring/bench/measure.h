/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Measures programs by BPF_PROG_TEST_RUN. */
#pragma once

#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../select/tests/packets.h"

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	return values[n / 2];
}

/* Nanoseconds of CPU time per packet: what others take from us meanwhile does not count. */
static double measure_run(int prog_fd, const struct packet *p, unsigned int repeat)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p->data, .data_size_in = p->len, .repeat = repeat);
	double start = seconds(CLOCK_THREAD_CPUTIME_ID);

	if (bpf_prog_test_run_opts(prog_fd, &opts))
		die("BPF_PROG_TEST_RUN failed");
	return (seconds(CLOCK_THREAD_CPUTIME_ID) - start) * 1e9 / repeat;
}
