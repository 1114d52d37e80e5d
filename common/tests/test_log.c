// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../log.h"
#include "capture.h"
#include "unit.h"

TEST(levels)
{
	log_init("tester", LEVEL_WARN, NULL);
	capture_start();
	log_error("no %s", "way");
	log_warn("careful");
	log_info("not shown");
	assert_string_equal(capture_end(), "tester: no way\ntester: warning: careful\n");

	log_init("tester", LEVEL_INFO, "");
	capture_start();
	log_info("shown");
	assert_string_equal(capture_end(), "tester: shown\n");
}

TEST(one_line_whatever_the_value)
{
	char *text = malloc(100001);
	const char *said;

	log_init("tester", LEVEL_ERROR, NULL);
	capture_start();
	log_error("bad value '%s'", "a\nb\rc\x1b[2J");
	assert_string_equal(capture_end(), "tester: bad value 'a?b?c?[2J'\n");

	memset(text, 'x', 100000);
	text[100000] = '\0';
	capture_start();
	log_error("%s", text);
	said = capture_end();
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
	free(text);
}

TEST(quotes_are_short_and_printable)
{
	assert_string_equal(log_quote("").text, "");
	assert_string_equal(log_quote("a\nb\x1b[2J").text, "a\\x0ab\\x1b[2J");
	assert_string_equal(log_quote("0123456789abcdef0123456789abcdef").text,
			    "0123456789abcdef0123456789abcdef");
	assert_string_equal(log_quote("0123456789abcdef0123456789abcdef-").text,
			    "0123456789abcdef0123456789abcdef...");
	assert_string_equal(log_quote_bytes("abc", 2).text, "ab");
}

static libbpf_print_fn_t print;

static void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print(LIBBPF_WARN, format, args);
	va_end(args);
}

/* What libbpf prints is not printed; the cause is kept for our own line. */
TEST(libbpf_is_quoted)
{
	log_init("tester", LEVEL_INFO, NULL);
	capture_start();
	assert_null(bpf_object__open_file("/nonexistent.bpf.o", NULL));
	assert_string_equal(capture_end(), "");
	assert_string_equal(log_libbpf(),
			    " (libbpf: elf: failed to open /nonexistent.bpf.o: No such file or directory)");
	assert_string_equal(log_libbpf(), "");

	print = libbpf_set_print(NULL);
	complain("libbpf: BTF loading error: %d\n", -22);
	complain("libbpf: prog 'x': -- BEGIN PROG LOAD LOG --\n0: R1=ctx()\n0: %s\nprocessed 1 insns\n--\n",
		 "exit");
	complain("libbpf: failed to load object 'x'\n");
	assert_string_equal(log_libbpf(), " (0: exit)");
	libbpf_set_print(print);
}

TEST(to_a_file)
{
	char dir[] = "/tmp/test_log.XXXXXX", path[64], text[256] = "";
	const char *said;
	FILE *file;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/tester.log", dir);
	capture_start();
	log_init("tester", LEVEL_WARN, dir);
	log_error("first");
	log_init("tester", LEVEL_WARN, dir);
	log_warn("second");
	log_info("not shown");
	log_init("tester", LEVEL_WARN, NULL);
	log_error("not in the file");
	said = capture_end();
	assert_string_equal(said, "tester: first\ntester: warning: second\ntester: not in the file\n");

	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	assert_int_equal(text[4], '-'); /* 2026-… */
	assert_string_equal(strchr(text, ' '), " first\n");
	assert_non_null(fgets(text, sizeof(text), file));
	assert_string_equal(strchr(text, ' '), " warning: second\n");
	assert_null(fgets(text, sizeof(text), file));
	fclose(file);
	unlink(path);
	rmdir(dir);

	capture_start();
	log_init("tester", LEVEL_WARN, "/nonexistent");
	assert_string_equal(capture_end(), "tester: warning: cannot write \"/nonexistent/tester.log\": "
					   "No such file or directory\n");
}

TEST(only_to_a_regular_file)
{
	char dir[] = "/tmp/l3af_log_XXXXXX", path[64], other[64], expected[256];
	struct stat st;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/tester.log", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	for (int turn = 0; turn < 2; turn++) {
		assert_int_equal(turn ? symlink(other, path) : mkfifo(path, 0600), 0);
		capture_start();
		log_init("tester", LEVEL_WARN, dir); /* at once, although nobody reads the pipe */
		snprintf(expected, sizeof(expected), "tester: warning: cannot write \"%s\": %s\n", path,
			 strerror(turn ? ELOOP : ENXIO));
		assert_string_equal(capture_end(), expected);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(access(other, F_OK), -1);
	log_init("tester", LEVEL_WARN, dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777 & ~0640, 0); /* rules may be in it */
	unlink(path);
	rmdir(dir);
}

TEST_MAIN(NULL, NULL)
