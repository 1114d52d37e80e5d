/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Proves of a program's instructions that none writes to the packet or to its context (struct __sk_buff): it
 * follows on every path what each register and each stack slot may point to. Together with a list of helpers
 * that only read packets this proves that the program does.
 */
#pragma once

#include <linux/bpf.h>
#include <stddef.h>

/*
 * NULL: proved. Else the reason why not, and *at is the index of the instruction; what cannot be decided is
 * such a reason. Takes an object without relocations for other kernels (CO-RE), which change instructions.
 */
const char *read_only_fault(const struct bpf_insn *insns, size_t n, size_t *at);
