// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../args.h"
#include "capture.h"
#include "unit.h"

enum { IFACE, RULES, QUIET, OPTIONS };

static const struct arg table[OPTIONS] = {
	[IFACE] = { "iface", "IF", "act on this interface", ARGS_TEXT, .letter = 'i' },
	[RULES] = { "rules", "TEXT", "use these filters", ARGS_TEXT },
	[QUIET] = { "quiet", NULL, "print errors only", ARGS_FLAG, .letter = 'q' },
};

static const struct {
	struct args_command is;
	int more;
} commands[] = {
	{ { "start", NULL, "begin" }, 1 },
	{ { "check", "FILE", "validate" }, 2 },
};

#define COMMANDS .commands = &commands[0].is, .n_commands = 2, .command_size = sizeof(commands[0])

static const struct args_program program = { "program", "", "", table, OPTIONS, COMMANDS, .command = "start" };
static const struct args_program strict = { "program", "", "", table, OPTIONS, COMMANDS };
static const struct args_program plain = { "program", "", "", table, OPTIONS, .commands = NULL };

#define WORDS 8

/* A command line, and what must come of it: the values, or the one line of the error. */
struct row {
	const char *argv[WORDS];
	const char *values[OPTIONS];
	const char *command, *operand; /* the first is start by default */
	const char *error;
	const struct args_program *program; /* NULL: program */
	bool as_option;
};

static const struct row rows[] = {
	{ { "" }, .as_option = true },
	{ { "start", "--iface=eth0" }, .values = { "eth0" } },
	{ { "--iface=eth0", "start" }, .values = { "eth0" } },
	{ { "start", "--iface", "eth0", "--quiet" }, .values = { "eth0", NULL, "" } },
	{ { "--iface =eth0", "--rules =a = b" }, .values = { "eth0", "a = b" }, .as_option = true },
	{ { "--iface  =eth0" }, .values = { "eth0" }, .as_option = true },
	{ { "--rules=mirror; skip" }, .values = { NULL, "mirror; skip" }, .as_option = true },
	{ { "--rules=" }, .values = { NULL, "" }, .as_option = true },
	{ { "--rules", "" }, .values = { NULL, "" }, .as_option = true },
	{ { "--rules", "-1" }, .values = { NULL, "-1" }, .as_option = true },
	{ { "--rules=--iface" }, .values = { NULL, "--iface" }, .as_option = true },
	{ { "--quiet=" }, .values = { NULL, NULL, "" }, .as_option = true },
	{ { "--quiet", "start" }, .values = { NULL, NULL, "" } },
	{ { "check", "-" }, .command = "check", .operand = "-" },
	{ { "check", "file", "--quiet" },
	  .values = { NULL, NULL, "" },
	  .command = "check",
	  .operand = "file" },
	{ { "--iface=eth0", "--iface=eth0" }, .values = { "eth0" }, .as_option = true },
	{ { "-i", "eth0", "-q" }, .values = { "eth0", NULL, "" }, .as_option = true },
	{ { "-ieth0", "start" }, .values = { "eth0" } },
	{ { "-i", "-" }, .values = { "-" }, .as_option = true },
	{ { "-ieth0", "--iface=eth0" }, .values = { "eth0" }, .as_option = true },
	{ { "--cmd=start" }, .as_option = true },
	{ { "--cmd =check", "--quiet" }, .error = "check: expected FILE, got nothing" },
	{ { "start", "--cmd=start" }, .as_option = false },
	{ { "--quiet" }, .values = { NULL, NULL, "" }, .program = &plain },

	{ { "--iface=eth0", "--iface", "eth1" },
	  .error = "--iface: expected one value, got \"eth0\" and \"eth1\"" },
	{ { "-ieth0", "--iface", "eth1" },
	  .error = "--iface: expected one value, got \"eth0\" and \"eth1\"" },
	{ { "--ifac=eth0" }, .error = "unknown option \"--ifac\"" },
	{ { "--ifaces=eth0" }, .error = "unknown option \"--ifaces\"" },
	{ { "--IFACE=eth0" }, .error = "unknown option \"--IFACE\"" },
	{ { "--" }, .error = "unknown option \"--\"" },
	{ { "--=eth0" }, .error = "unknown option \"--\"" },
	{ { "-x", "eth0" }, .error = "unknown option \"-x\"" },
	{ { "-qi", "eth0" }, .error = "unknown option \"-qi\"" },
	{ { "-rx" }, .error = "unknown option \"-rx\"" },
	{ { "--iface" }, .error = "--iface: expected IF, got nothing" },
	{ { "--iface", "--quiet" }, .error = "--iface: expected IF, got nothing" },
	{ { "-i" }, .error = "--iface: expected IF, got nothing" },
	{ { "--quiet=yes" }, .error = "--quiet: expected no value, got \"yes\"" },
	{ { "--quiet=0123456789abcdef0123456789abcdef-" },
	  .error = "--quiet: expected no value, got \"0123456789abcdef0123456789abcdef...\"" },
	{ { "--quiet =no" }, .error = "--quiet: expected no value, got \"no\"" },
	{ { "check", "file", "more" }, .error = "unexpected word \"more\"" },
	{ { "start", "more" }, .error = "start: unexpected word \"more\"" },
	{ { "word" }, .error = "unexpected word \"word\"", .program = &plain },
	{ { "begin" }, .error = "unknown command \"begin\"; --help lists all" },
	{ { "--cmd=" }, .error = "unknown command \"\"; --help lists all" },
	{ { "start", "--cmd=check" }, .error = "--cmd: expected one command, got \"start\" and \"check\"" },
	{ { "--quiet" }, .error = "expected a command, got nothing; --help lists all", .program = &strict },
	{ { "--version" }, .error = "unknown option \"--version\"" },
	{ { "--cmd=start" }, .error = "unknown option \"--cmd\"", .program = &plain },
	{ { "--nothing=a\nb" }, .error = "unknown option \"--nothing\"" },
	{ { "-x\ny" }, .error = "unknown option \"-x\\x0ay\"" },
};

static void assert_text(const char *got, const char *expected)
{
	if (expected)
		assert_string_equal(got, expected);
	else
		assert_null(got);
}

/* Parses, and asserts that the error is the one line. */
static bool parses(const char *const *words, const struct args_program *by, void *options, const char **given,
		   struct args_command_line *line, const char *error)
{
	const char *argv[WORDS + 1] = { "program" }, *said;
	char expected[256] = "";
	int argc = 1, status;

	for (; argc < WORDS && words[argc - 1]; argc++)
		argv[argc] = words[argc - 1];
	if (argc == 2 && !*argv[1])
		argv[argc = 1] = NULL;

	print_message("%s\n", words[0]);
	capture_start();
	status = args_parse(argc, (char **)argv, by, options, given, line);
	said = capture_end();
	if (error)
		snprintf(expected, sizeof(expected), "%s\n", error);
	assert_string_equal(said, expected);
	assert_int_equal(status, error ? 2 : -1);
	return !error;
}

TEST(command_lines)
{
	for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
		const struct row *row = &rows[r];
		const struct args_program *by = row->program ? row->program : &program;
		struct args_command_line line;
		const char *values[OPTIONS];

		if (!parses(row->argv, by, NULL, values, &line, row->error))
			continue;
		for (int i = 0; i < OPTIONS; i++)
			assert_text(values[i], row->values[i]);
		if (!by->commands)
			continue;
		assert_text(args_command(by, line.command)->name, row->command ? row->command : "start");
		assert_text(line.operand, row->operand);
		assert_int_equal(line.as_option, row->as_option);
	}
}

struct typed {
	const char *text, *name;
	uint8_t small;
	uint16_t port;
	int32_t nice;
	uint64_t size, seconds;
	uint32_t choice;
	bool flag;
	int sum, reads;
};

static int add(const char *text, void *options)
{
	struct typed *o = options;

	o->reads++;
	o->sum += *text - '0';
	if (*text == 'e')
		return -ENOENT; /* after an error of its own, which this one leaves out */
	return *text ? 0 : -EINVAL;
}

static int length(const char *text, void *to)
{
	*(uint16_t *)to = strlen(text);
	return *text ? 0 : -EINVAL;
}

#define STORE(member) ARGS_STORE(struct typed, member)

static const struct arg typed_table[] = {
	{ "text", "TEXT", "", ARGS_TEXT, STORE(text), .preset = "nobody" },
	{ "name", "NAME", "", ARGS_LENGTH(1, 4), STORE(name) },
	{ "small", "N", "", ARGS_NUMBER(14, 200), .also = "0", STORE(small), .preset = "200" },
	{ "port", "PORT", "", ARGS_NUMBER(1, 65535), STORE(port) },
	{ "nice", "N", "", ARGS_NUMBER(-20, 19), STORE(nice) },
	{ "size", "SIZE", "", ARGS_SIZE(4096, 1L << 40), STORE(size), .preset = "16M" },
	{ "time", "TIME", "", ARGS_TIME(1, 366L * 86400), STORE(seconds) },
	{ "choice", "drop|truncate|fragment", "", ARGS_CHOICE, STORE(choice) },
	{ "switch", "off|on", "", ARGS_CHOICE },
	{ "flag", NULL, "", ARGS_FLAG, STORE(flag) },
	{ "read", "X", "", ARGS_READ(add, "something") },
	{ "list", "LIST", "", ARGS_READ(add, "a list"), .list = true, .repeats = true },
	{ "length", "X", "", ARGS_READ(length, "a text"), STORE(port) },
	{ "both", "N", "", ARGS_NUMBER(5, 9), .read = add },
};
#define TYPED (sizeof(typed_table) / sizeof(*typed_table))

static const struct args_program typed_program = { "program", "", "", typed_table, TYPED, .commands = NULL };

static const struct {
	const char *argv[WORDS];
	const char *error;
	struct typed expected; /* with the presets, if they are not named */
} typed_rows[] = {
	{ { "" }, .expected = { .size = 0 } },
	{ { "--text=", "--name=abcd" }, .expected = { .text = "", .name = "abcd" } },
	{ { "--small=14", "--port=65535" }, .expected = { .small = 14, .port = 65535 } },
	{ { "--nice=-20" }, .expected = { .nice = -20 } },
	{ { "--nice", "-5" }, .expected = { .nice = -5 } },
	{ { "--nice=19" }, .expected = { .nice = 19 } },
	{ { "--size=4K", "--time=2m" }, .expected = { .size = 4096, .seconds = 120 } },
	{ { "--size=1T", "--time=366d" }, .expected = { .size = 1UL << 40, .seconds = 366UL * 86400 } },
	{ { "--choice=fragment", "--switch=on" }, .expected = { .choice = 2 } },
	{ { "--flag" }, .expected = { .flag = true } },
	{ { "--read=7" }, .expected = { .sum = 7, .reads = 1 } },
	{ { "--list=1,2,3", "--list=4" }, .expected = { .sum = 10, .reads = 4 } },
	{ { "--length=abc" }, .expected = { .port = 3 } },
	{ { "--read=7", "--read=7" }, .expected = { .sum = 7, .reads = 1 } },
	{ { "--both=5" }, .expected = { .sum = 5, .reads = 1 } },

	{ { "--name=" }, .error = "--name: expected 1 to 4 characters, got \"\"" },
	{ { "--name=abcde" }, .error = "--name: expected 1 to 4 characters, got \"abcde\"" },
	{ { "--small=13" }, .error = "--small: expected a number from 14 to 200, or 0, got \"13\"" },
	{ { "--small=201" }, .error = "--small: expected a number from 14 to 200, or 0, got \"201\"" },
	{ { "--small=00" }, .error = "--small: expected a number from 14 to 200, or 0, got \"00\"" },
	{ { "--small=-20" }, .error = "--small: expected a number from 14 to 200, or 0, got \"-20\"" },
	{ { "--port=65536" }, .error = "--port: expected a number from 1 to 65535, got \"65536\"" },
	{ { "--port=80abc" }, .error = "--port: expected a number from 1 to 65535, got \"80abc\"" },
	{ { "--port=" }, .error = "--port: expected a number from 1 to 65535, got \"\"" },
	{ { "--nice=-21" }, .error = "--nice: expected a number from -20 to 19, got \"-21\"" },
	{ { "--nice=20" }, .error = "--nice: expected a number from -20 to 19, got \"20\"" },
	{ { "--nice=- 5" }, .error = "--nice: expected a number from -20 to 19, got \"- 5\"" },
	{ { "--nice=--5" }, .error = "--nice: expected a number from -20 to 19, got \"--5\"" },
	{ { "--size=4095" }, .error = "--size: expected a size from 4K to 1T, got \"4095\"" },
	{ { "--size=2T" }, .error = "--size: expected a size from 4K to 1T, got \"2T\"" },
	{ { "--size=5s" }, .error = "--size: expected a size from 4K to 1T, got \"5s\"" },
	{ { "--time=0" }, .error = "--time: expected a time from 1s to 366d, got \"0\"" },
	{ { "--time=5x" }, .error = "--time: expected a time from 1s to 366d, got \"5x\"" },
	{ { "--choice=cut" }, .error = "--choice: expected drop, truncate or fragment, got \"cut\"" },
	{ { "--choice=" }, .error = "--choice: expected drop, truncate or fragment, got \"\"" },
	{ { "--choice=drop|truncate" },
	  .error = "--choice: expected drop, truncate or fragment, got \"drop|truncate\"" },
	{ { "--switch=yes" }, .error = "--switch: expected off or on, got \"yes\"" },
	{ { "--read=" }, .error = "--read: expected something, got \"\"" },
	{ { "--length=" }, .error = "--length: expected a text, got \"\"" },
	{ { "--list=5,,6" }, .error = "--list: expected a list, got \"\"" },
	{ { "--read=1", "--read=2" }, .error = "--read: expected one value, got \"1\" and \"2\"" },
	{ { "--both=4" }, .error = "--both: expected a number from 5 to 9, got \"4\"" },
};

TEST(typed_values)
{
	for (size_t r = 0; r < sizeof(typed_rows) / sizeof(*typed_rows); r++) {
		struct typed got = {}, expected = typed_rows[r].expected;
		const char *given[TYPED];

		if (!parses(typed_rows[r].argv, &typed_program, &got, given, NULL, typed_rows[r].error))
			continue;
		assert_text(got.text, expected.text ? expected.text : "nobody");
		assert_text(got.name, expected.name);
		assert_int_equal(got.small, expected.small ? expected.small : 200);
		assert_int_equal(got.size, expected.size ? expected.size : 16 << 20);
		assert_int_equal(got.port, expected.port);
		assert_int_equal(got.nice, expected.nice);
		assert_int_equal(got.seconds, expected.seconds);
		assert_int_equal(got.choice, expected.choice);
		assert_int_equal(got.flag, expected.flag);
		assert_int_equal(got.sum, expected.sum);
		assert_int_equal(got.reads, expected.reads);
	}
}

/* A word in place of a number stands for 0, over the preset, too. */
TEST(another_word)
{
	const char *argv[] = { "program", "--small=0", NULL }, *given[TYPED];
	struct typed got = {};

	assert_int_equal(args_parse(2, (char **)argv, &typed_program, &got, given, NULL), -1);
	assert_int_equal(got.small, 0);
}

/* Who reads an option may have said what is wrong. */
TEST(error_of_a_reader)
{
	const char *argv[] = { "program", "--read=e", NULL }, *given[TYPED];
	struct typed got = {};

	capture_start();
	assert_int_equal(args_parse(2, (char **)argv, &typed_program, &got, given, NULL), 2);
	assert_string_equal(capture_end(), "");
}

TEST_MAIN(NULL, NULL)
