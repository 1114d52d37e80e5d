// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "prometheus.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>

void prometheus_metric(FILE *to, const char *name, const char *type, const char *help)
{
	fprintf(to, "# HELP %s %c%s.\n# TYPE %s %s\n", name, toupper(help[0]), help + 1, name, type);
}

/* Bytes of the UTF-8 character at text; 0: it is none, or a control character. */
static size_t character(const char *text)
{
	static const uint32_t least[] = { 0, ' ', 0x80, 0x800, 0x10000 };
	const unsigned char *c = (const unsigned char *)text;
	size_t n = *c < 0x80 ? 1 : *c < 0xc0 ? 0 : *c < 0xe0 ? 2 : *c < 0xf0 ? 3 : *c < 0xf8 ? 4 : 0;
	uint32_t code = n == 1 ? *c : *c & 0x7f >> n;

	for (size_t i = 1; i < n; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (c[i] & 0x3f);
	}
	return code < least[n] || code == 0x7f || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff ? 0 :
													 n;
}

/* A scrape with a byte that is not UTF-8 would fail as a whole. */
static void print_value(FILE *to, const char *value)
{
	for (size_t n; *value; value += n ?: 1) {
		n = character(value);
		if (*value == '\n')
			fputs("\\n", to);
		else if (*value == '\\' || *value == '"')
			fprintf(to, "\\%c", *value);
		else if (!n)
			fprintf(to, "\\\\x%02x", (unsigned char)*value);
		else
			fwrite(value, 1, n, to);
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
