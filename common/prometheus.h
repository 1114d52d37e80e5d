/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Prometheus' text exposition format 0.0.4. */
#pragma once

#include <stdio.h>

struct prometheus_label {
	const char *name, *value;
};

/* A metric starts; its samples follow. help: a phrase, which becomes a sentence: "copies sent". */
void prometheus_metric(FILE *to, const char *name, const char *type, const char *help);

/* labels: ended by one without a name; NULL: none. The value is printed as format says. */
void __attribute__((format(printf, 4, 5)))
prometheus_sample(FILE *to, const char *name, const struct prometheus_label *labels, const char *format, ...);
