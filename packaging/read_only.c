// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "read_only.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SLOT 8 /* the kernel knows a pointer on the stack only in eight aligned bytes */
#define SLOTS (512 / SLOT)

/* What a value may point to, of what matters here. Neither: a number, or a pointer to anything else. */
enum { CONTEXT = 1, PACKET = 2, STACK = 4 };

#define ANYWHERE 1

struct value {
	int may;
	int off; /* STACK: from its top, so never above 0; or ANYWHERE */
};

/* Before an instruction, over all paths to it. */
struct state {
	bool reached;
	struct value reg[MAX_BPF_REG];
	struct value slot[SLOTS];
};

static bool merge(struct value *to, struct value from)
{
	struct value old = *to;

	if (from.may & STACK)
		to->off = to->may & STACK && to->off != from.off ? ANYWHERE : from.off;
	to->may |= from.may;
	return to->may != old.may || to->off != old.off;
}

static bool merge_state(struct state *to, const struct state *from)
{
	bool changed = !to->reached;

	if (!to->reached) {
		*to = *from;
		return true;
	}
	for (int i = 0; i < MAX_BPF_REG; i++)
		changed |= merge(&to->reg[i], from->reg[i]);
	for (int i = 0; i < SLOTS; i++)
		changed |= merge(&to->slot[i], from->slot[i]);
	return changed;
}

/* Whether eight bytes at off from the pointer lie, at least in part, in this slot. */
static bool touches(struct value pointer, int off, int slot)
{
	int from = pointer.off + off - (slot - SLOTS) * SLOT;

	return pointer.off == ANYWHERE || (from > -SLOT && from < SLOT);
}

static int size_of(const struct bpf_insn *insn)
{
	switch (BPF_SIZE(insn->code)) {
	case BPF_B:
		return 1;
	case BPF_H:
		return 2;
	case BPF_W:
		return 4;
	default:
		return 8;
	}
}

static bool reads_field(const struct bpf_insn *insn, size_t field)
{
	return insn->off + size_of(insn) > (int)field && insn->off < (int)(field + sizeof(__u32));
}

static const char *load(struct state *s, const struct bpf_insn *insn)
{
	struct value from = s->reg[insn->src_reg], value = { 0 };

	if (BPF_MODE(insn->code) != BPF_MEM)
		return "a load of a kind that the check does not know";
	if (from.may & CONTEXT && (reads_field(insn, offsetof(struct __sk_buff, data)) ||
				   reads_field(insn, offsetof(struct __sk_buff, data_end)) ||
				   reads_field(insn, offsetof(struct __sk_buff, data_meta))))
		value.may |= PACKET;
	for (int i = 0; from.may & STACK && size_of(insn) == SLOT && i < SLOTS; i++)
		if (touches(from, insn->off, i))
			merge(&value, s->slot[i]);
	s->reg[insn->dst_reg] = value;
	return NULL;
}

static const char *store(struct state *s, const struct bpf_insn *insn)
{
	struct value to = s->reg[insn->dst_reg];
	bool pointer = insn->code == (BPF_STX | BPF_MEM | BPF_DW);

	if (to.may & CONTEXT)
		return "may write to the packet's context";
	if (to.may & PACKET)
		return "may write to the packet";
	for (int i = 0; to.may & STACK && pointer && i < SLOTS; i++) {
		if (to.may == STACK && to.off + insn->off == (i - SLOTS) * SLOT)
			s->slot[i] = s->reg[insn->src_reg];
		else if (touches(to, insn->off, i))
			merge(&s->slot[i], s->reg[insn->src_reg]);
	}
	return NULL;
}

static const char *compute(struct state *s, const struct bpf_insn *insn)
{
	bool binary = BPF_OP(insn->code) != BPF_NEG && BPF_OP(insn->code) != BPF_END;
	struct value number = { 0 }, *to = &s->reg[insn->dst_reg];
	struct value by = binary && BPF_SRC(insn->code) == BPF_X ? s->reg[insn->src_reg] : number;

	if (BPF_OP(insn->code) == BPF_MOV) {
		*to = by;
		return NULL;
	}
	if ((to->may | by.may) & CONTEXT)
		return "computes with the pointer to the packet's context";
	if (BPF_CLASS(insn->code) == BPF_ALU64 && BPF_OP(insn->code) == BPF_ADD &&
	    BPF_SRC(insn->code) == BPF_K && to->may & STACK && to->off != ANYWHERE)
		to->off += insn->imm;
	else
		to->off = ANYWHERE;
	to->may |= by.may;
	return NULL;
}

/* No helper returns a pointer to a packet. */
static const char *call(struct state *s, const struct bpf_insn *insn)
{
	if (insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg)
		return "calls a function that is not a helper";
	memset(s->reg, 0, (BPF_REG_5 + 1) * sizeof(*s->reg));
	return NULL;
}

/* Of all instructions but jumps. */
static const char *step(struct state *s, const struct bpf_insn *insn)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LDX:
		return load(s, insn);
	case BPF_ST:
	case BPF_STX:
		return store(s, insn);
	case BPF_ALU:
	case BPF_ALU64:
		return compute(s, insn);
	case BPF_LD:
		if (insn->code != (BPF_LD | BPF_IMM | BPF_DW))
			return "a load of a kind that the check does not know";
		s->reg[insn->dst_reg] = (struct value){ 0 };
		return NULL;
	default:
		return BPF_OP(insn->code) == BPF_CALL ? call(s, insn) : NULL;
	}
}

/* Up to two indices of the instructions that may follow; -1: none. NULL or a reason as above. */
static const char *successors(const struct bpf_insn *insn, long i, long next[2])
{
	bool jump = BPF_CLASS(insn->code) == BPF_JMP || BPF_CLASS(insn->code) == BPF_JMP32;

	next[0] = i + 1 + (insn->code == (BPF_LD | BPF_IMM | BPF_DW));
	next[1] = -1;
	if (!jump || BPF_OP(insn->code) == BPF_CALL)
		return NULL;
	if (BPF_OP(insn->code) == BPF_EXIT) {
		next[0] = -1;
		return NULL;
	}
	next[1] = i + 1 + insn->off;
	if (BPF_OP(insn->code) != BPF_JA)
		return NULL;
	next[0] = -1;
	return insn->code == (BPF_JMP | BPF_JA) ? NULL : "a jump of a kind that the check does not know";
}

/* The effect of an instruction on those that follow. Sets *changed if it is news to one of them. */
static const char *spread(struct state *states, const struct bpf_insn *insns, size_t n, size_t i,
			  bool *changed)
{
	struct state after = states[i];
	const char *fault;
	long next[2];

	fault = step(&after, &insns[i]);
	if (!fault)
		fault = successors(&insns[i], i, next);
	for (int k = 0; !fault && k < 2; k++) {
		if (next[k] < -1 || next[k] >= (long)n)
			return "leaves the program";
		if (next[k] >= 0)
			*changed |= merge_state(&states[next[k]], &after);
	}
	return fault;
}

const char *read_only_fault(const struct bpf_insn *insns, size_t n, size_t *at)
{
	struct state *states = calloc(n + 1, sizeof(*states));
	const char *fault = states ? NULL : "out of memory";
	bool changed = true;

	*at = 0;
	if (states)
		states[0] = (struct state){ .reached = true,
					    .reg = { [BPF_REG_1] = { CONTEXT }, [BPF_REG_10] = { STACK } } };
	while (changed && !fault) {
		changed = false;
		for (size_t i = 0; i < n && !fault; i++) {
			*at = i;
			if (states[i].reached)
				fault = spread(states, insns, n, i, &changed);
		}
	}
	free(states);
	return fault;
}
