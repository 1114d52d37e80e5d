// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "error_text.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Those that our commands need. On kernels from 5.8 on CAP_SYS_ADMIN stands for CAP_BPF, too. */
static const struct {
	int number;
	const char *name;
	int refusal;
} capabilities[] = {
	{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN", EPERM },
	{ CAP_NET_ADMIN, "CAP_NET_ADMIN", EPERM },
	{ CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE", EACCES },
};

const char *error_text(int error)
{
	static char text[128];
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3] = { 0 };
	int n;
	const char *glue = " without ";

	libbpf_strerror(error, text, sizeof(text)); /* knows its own numbers and the kernel's */
	n = strlen(text);
	if (syscall(SYS_capget, &header, held))
		return text;
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
		int c = capabilities[i].number;

		if (capabilities[i].refusal != -error || held[c / 32].effective >> c % 32 & 1)
			continue;
		n += snprintf(text + n, sizeof(text) - n, "%s%s", glue, capabilities[i].name);
		glue = " and ";
	}
	return text;
}
