// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "log.h"

#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LIBBPF_LEN 256

static struct {
	const char *program;
	enum log_level level;
	int file;
	bool reported;
	char libbpf[LIBBPF_LEN]; /* its last complaint */
} logger = { .program = "", .level = LEVEL_WARN, .file = -1 };

/* A line goes out in one write(), so that the lines of several processes do not mix in one file. */
static void put(int fd, const char *prefix, const char *text)
{
	char line[2 * PATH_MAX];
	int n = snprintf(line, sizeof(line), "%s%s\n", prefix, text);

	if (n >= (int)sizeof(line)) {
		n = sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	if (write(fd, line, n) < 0)
		return; /* nowhere left to report it to */
}

static void message(enum log_level level, const char *format, va_list args)
{
	static const char *const words[] = {
		[LEVEL_ERROR] = "", [LEVEL_WARN] = "warning: ", [LEVEL_INFO] = ""
	};
	char text[PATH_MAX + 512], prefix[128], stamp[40] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (level > logger.level)
		return;
	vsnprintf(text, sizeof(text), format, args);
	for (char *c = text; *c; c++) /* a bad value may hold a newline; a message stays one line */
		if (iscntrl((unsigned char)*c))
			*c = c[1] ? '?' : '\0';

	snprintf(prefix, sizeof(prefix), "%s%s%s", logger.program, *logger.program ? ": " : "", words[level]);
	put(STDERR_FILENO, prefix, text);
	if (logger.file < 0)
		return;
	if (localtime_r(&now, &tm))
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S%z ", &tm);
	snprintf(prefix, sizeof(prefix), "%s%s", stamp, words[level]);
	put(logger.file, prefix, text);
}

/*
 * libbpf names the cause of a failure last, but for lines that only repeat it. The verifier's log ends with
 * the cause, before its statistics.
 */
static int from_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	char *text, *line, *end;

	if (level != LIBBPF_WARN || vasprintf(&text, format, args) < 0)
		return 0;
	line = text;
	end = strstr(text, "\nprocessed ");
	if (end) {
		*end = '\0';
		line = strrchr(text, '\n') ?: text;
	}
	if (!strstr(line, "failed to load"))
		snprintf(logger.libbpf, sizeof(logger.libbpf), "%s", line + (*line == '\n'));
	free(text);
	return 0;
}

const char *log_libbpf(void)
{
	static char text[LIBBPF_LEN + sizeof(" ()")];

	logger.libbpf[strcspn(logger.libbpf, "\n")] = '\0';
	snprintf(text, sizeof(text), *logger.libbpf ? " (%s)" : "%s", logger.libbpf);
	*logger.libbpf = '\0';
	return text;
}

struct quoted log_quote_bytes(const char *text, size_t len)
{
	struct quoted q;
	char *end = q.text;

	for (size_t i = 0; i < len && i < QUOTED_BYTES; i++)
		end += sprintf(end, iscntrl((unsigned char)text[i]) ? "\\x%02x" : "%c",
			       (unsigned char)text[i]);
	strcpy(end, len > QUOTED_BYTES ? "..." : "");
	return q;
}

struct quoted log_quote(const char *text)
{
	return log_quote_bytes(text, strlen(text));
}

/* Others may have put anything there: a pipe that nobody reads, or a link to a file of ours. */
static int open_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}

void log_init(const char *program, enum log_level level, const char *log_dir)
{
	char path[PATH_MAX];

	logger.program = program;
	logger.level = level;
	libbpf_set_print(from_libbpf);

	if (logger.file >= 0)
		close(logger.file);
	logger.file = -1;
	if (!log_dir || !*log_dir)
		return;
	snprintf(path, sizeof(path), "%s/%s.log", log_dir, program);
	logger.file = open_file(path);
	if (logger.file < 0)
		log_warn("cannot write \"%s\": %s", path, strerror(-logger.file));
}

bool log_reported(void)
{
	return logger.reported;
}

void log_set_reported(void)
{
	logger.reported = true;
}

void log_error(const char *format, ...)
{
	va_list args;

	logger.reported = true;
	va_start(args, format);
	message(LEVEL_ERROR, format, args);
	va_end(args);
}

void log_warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message(LEVEL_WARN, format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message(LEVEL_INFO, format, args);
	va_end(args);
}
