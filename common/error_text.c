// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "error_text.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const names[] = {
	[CAP_BPF] = "CAP_BPF",
	[CAP_DAC_OVERRIDE] = "CAP_DAC_OVERRIDE",
	[CAP_DAC_READ_SEARCH] = "CAP_DAC_READ_SEARCH",
	[CAP_KILL] = "CAP_KILL",
	[CAP_NET_ADMIN] = "CAP_NET_ADMIN",
	[CAP_NET_BIND_SERVICE] = "CAP_NET_BIND_SERVICE",
	[CAP_NET_RAW] = "CAP_NET_RAW",
	[CAP_PERFMON] = "CAP_PERFMON",
	[CAP_SETGID] = "CAP_SETGID",
	[CAP_SETUID] = "CAP_SETUID",
	[CAP_SYS_ADMIN] = "CAP_SYS_ADMIN",
	[CAP_SYS_NICE] = "CAP_SYS_NICE",
	[CAP_SYS_PTRACE] = "CAP_SYS_PTRACE",
};

static char text[128];

static void begin(int error)
{
	libbpf_strerror(error, text, sizeof(text)); /* knows its own numbers and the kernel's */
}

bool capability_held(int capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capget, &header, held) || held[capability / 32].effective >> capability % 32 & 1;
}

/* Appends the capability if it is missing. CAP_SYS_ADMIN includes two of them. */
static bool name_missing(int capability, const char *glue)
{
	size_t n = strlen(text);

	if (capability_held(capability) ||
	    ((capability == CAP_BPF || capability == CAP_PERFMON) && capability_held(CAP_SYS_ADMIN)))
		return false;
	snprintf(text + n, sizeof(text) - n, " %s %s", glue, names[capability]);
	return true;
}

const char *error_text(int error)
{
	bool named;

	begin(error);
	if (error == -EACCES)
		name_missing(CAP_DAC_OVERRIDE, "without");
	if (error == -EPERM) {
		named = name_missing(CAP_BPF, "without");
		named |= name_missing(CAP_NET_ADMIN, named ? "and" : "without");
		if (!named)
			name_missing(CAP_SYS_ADMIN, "without");
	}
	return text;
}

const char *error_text_without(int error, int capability)
{
	begin(error);
	if ((error == -EACCES || error == -EPERM) && name_missing(capability, "without"))
		return text;
	return error_text(error);
}
