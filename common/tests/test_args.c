// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../args.h"
#include "capture.h"

enum { IFACE, RULES, QUIET, OPTIONS };

static const struct arg table[OPTIONS] = {
	[IFACE] = { "iface", "IF", "interface" },
	[RULES] = { "rules", "TEXT", "filters" },
	[QUIET] = { "quiet", NULL, "errors only" },
};

#define WORDS 8

/* A command line, and what has to come of it: the values, or the one line of the error. */
struct row {
	const char *argv[WORDS];
	const char *values[OPTIONS];
	const char *word, *operand;
	const char *error;
};

static const struct row rows[] = {
	{ { "" }, .error = NULL },
	{ { "start", "--iface=eth0" }, .values = { "eth0" }, .word = "start" },
	{ { "--iface=eth0", "start" }, .values = { "eth0" }, .word = "start" },
	{ { "start", "--iface", "eth0", "--quiet" }, .values = { "eth0", NULL, "" }, .word = "start" },
	{ { "--iface =eth0", "--rules =a = b" }, .values = { "eth0", "a = b" } },
	{ { "--iface  =eth0" }, .values = { "eth0" } },
	{ { "--rules=mirror; skip" }, .values = { NULL, "mirror; skip" } },
	{ { "--rules=" }, .values = { NULL, "" } },
	{ { "--rules", "" }, .values = { NULL, "" } },
	{ { "--rules", "-1" }, .values = { NULL, "-1" } },
	{ { "--rules=--iface" }, .values = { NULL, "--iface" } },
	{ { "--quiet=" }, .values = { NULL, NULL, "" } },
	{ { "--quiet", "start" }, .values = { NULL, NULL, "" }, .word = "start" },
	{ { "check", "-" }, .word = "check", .operand = "-" },
	{ { "check", "file", "--quiet" }, .values = { NULL, NULL, "" }, .word = "check", .operand = "file" },
	{ { "--iface=eth0", "--iface=eth0" }, .values = { "eth0" } },

	{ { "--iface=eth0", "--iface", "eth1" },
	  .error = "option '--iface' is given twice, as 'eth0' and 'eth1'" },
	{ { "--ifac=eth0" }, .error = "unknown option '--ifac'" },
	{ { "--ifaces=eth0" }, .error = "unknown option '--ifaces'" },
	{ { "--IFACE=eth0" }, .error = "unknown option '--IFACE'" },
	{ { "--" }, .error = "unknown option '--'" },
	{ { "--=eth0" }, .error = "unknown option '--'" },
	{ { "-i", "eth0" }, .error = "unknown option '-i'" },
	{ { "--iface" }, .error = "option '--iface' needs a value" },
	{ { "--iface", "--quiet" }, .error = "option '--iface' needs a value" },
	{ { "--quiet=yes" }, .error = "option '--quiet' takes no value, 'yes' given" },
	{ { "--quiet =no" }, .error = "option '--quiet' takes no value, 'no' given" },
	{ { "check", "file", "more" }, .error = "unexpected word 'more'" },
	{ { "--nothing=a\nb" }, .error = "unknown option '--nothing'" },
	{ { "-x\ny" }, .error = "unknown option '-x?y'" },
};

static void assert_text(const char *got, const char *expected)
{
	if (expected)
		assert_string_equal(got, expected);
	else
		assert_null(got);
}

static void command_lines(void **state)
{
	(void)state;
	for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
		const struct row *row = &rows[r];
		const char *argv[WORDS + 1] = { "program" }, *values[OPTIONS], *word, *operand, *said;
		char expected[256] = "";
		int argc = 1, err;

		for (; argc < WORDS && row->argv[argc - 1]; argc++)
			argv[argc] = row->argv[argc - 1];
		if (argc == 2 && !*argv[1])
			argc = 1;

		capture_start();
		err = args_parse(argc, (char **)argv, table, OPTIONS, values, &word, &operand);
		said = capture_end();

		print_message("row %zu: %s\n", r, row->argv[0]);
		if (row->error)
			snprintf(expected, sizeof(expected), "%s\n", row->error);
		assert_string_equal(said, expected);
		assert_int_equal(err, row->error ? -EINVAL : 0);
		if (err)
			continue;
		for (int i = 0; i < OPTIONS; i++)
			assert_text(values[i], row->values[i]);
		assert_text(word, row->word);
		assert_text(operand, row->operand);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
