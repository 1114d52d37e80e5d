// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "prometheus.h"

#include <ctype.h>
#include <stdarg.h>

void prometheus_metric(FILE *to, const char *name, const char *type, const char *help)
{
	fprintf(to, "# HELP %s %c%s.\n# TYPE %s %s\n", name, toupper(help[0]), help + 1, name, type);
}

static void print_value(FILE *to, const char *value)
{
	for (; *value; value++) {
		if (*value == '\n') {
			fputs("\\n", to);
			continue;
		}
		if (*value == '\\' || *value == '"')
			putc('\\', to);
		putc(*value, to);
	}
}

static void print_labels(FILE *to, const struct prometheus_label *labels)
{
	for (const struct prometheus_label *l = labels; l->name; l++) {
		fprintf(to, "%c%s=\"", l == labels ? '{' : ',', l->name);
		print_value(to, l->value);
		putc('"', to);
	}
	if (labels->name)
		putc('}', to);
}

void prometheus_sample(FILE *to, const char *name, const struct prometheus_label *labels, const char *format,
		       ...)
{
	va_list args;

	fputs(name, to);
	if (labels)
		print_labels(to, labels);
	putc(' ', to);
	va_start(args, format);
	vfprintf(to, format, args);
	va_end(args);
	putc('\n', to);
}
