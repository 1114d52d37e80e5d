// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Refuses a BPF object that l3afd would load badly: docs/architecture.md says what it asks of an object.
 *
 *   check-object FILE DIRECTION ENTRY-FUNCTION CHAIN-MAP WRITER HELPER…
 *
 * HELPER: what every program of the object may call, but for WRITER (- where there is none), the one that may
 * change packets. This proves that the others only read them: they call no helper that can write to one, and
 * no instruction of theirs writes to one (read_only.h).
 *
 * Every fault is a line; the exit status is 1 if there is one.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "read_only.h"

static const char *file;
static bool faulty;

__attribute__((format(printf, 1, 2))) static void fault(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", file);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	faulty = true;
}

/* Loaders make a map of each section that is not among these, or a program of a type that they guess. */
static void check_section(const char *name)
{
	static const char *const known[] = { "",	  ".text",    ".symtab",      ".strtab",
					     ".shstrtab", "license",  ".maps",	      ".BTF",
					     ".BTF.ext",  "tc",	      ".reltc",	      ".rel.maps",
					     ".rel.text", ".rel.BTF", ".rel.BTF.ext", ".llvm_addrsig" };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(name, known[i]))
			return;
	if (!strncmp(name, ".rodata", 7) || !strncmp(name, ".data", 5) || !strncmp(name, ".bss", 4))
		fault("section %s becomes a map that cannot be pinned: no globals, constants, strings", name);
	else
		fault("unknown section %s", name);
}

/* Instructions newer than Linux 5.10, the oldest supported kernel. NULL: it has this one. */
static const char *too_new(const struct bpf_insn *insn)
{
	const int sign_extending_load = 0x80, conditional_goto = 0xe0;

	switch (BPF_CLASS(insn->code)) {
	case BPF_STX:
		return BPF_MODE(insn->code) == BPF_ATOMIC && insn->imm != BPF_ADD ? "atomic other than add" :
										    NULL;
	case BPF_LDX:
		return BPF_MODE(insn->code) == sign_extending_load ? "sign-extending load" : NULL;
	case BPF_JMP32:
		return BPF_OP(insn->code) == BPF_JA ? "long goto" : NULL;
	case BPF_JMP:
		return BPF_OP(insn->code) == conditional_goto ? "conditional goto" : NULL;
	case BPF_ALU64:
	case BPF_ALU:
		if (insn->code == (BPF_ALU64 | BPF_END))
			return "byte swap";
		return insn->off ? "signed division or move" : NULL;
	default:
		return NULL;
	}
}

static void check_instructions(const char *section, const Elf_Data *code)
{
	const struct bpf_insn *insns = code->d_buf;

	for (size_t i = 0; i < code->d_size / sizeof(*insns); i++) {
		const char *what = too_new(&insns[i]);

		if (what)
			fault("section %s, instruction %zu: Linux 5.10 has no such instruction: %s", section,
			      i, what);
		if (insns[i].code == (BPF_LD | BPF_IMM | BPF_DW))
			i++; /* its second half is data */
	}
}

/* The kernel's loader rewrites such instructions: nothing would be proved by reading them here. */
static void check_relocations(const Elf_Data *btf_ext)
{
	enum { HEADER_SIZE = 1, RELOCATIONS_SIZE = 7 }; /* words of the header */
	__u32 header[RELOCATIONS_SIZE + 1] = { 0 };

	if (btf_ext->d_size >= sizeof(header))
		memcpy(header, btf_ext->d_buf, sizeof(header));
	if (header[HEADER_SIZE] >= sizeof(header) && header[RELOCATIONS_SIZE])
		fault("section .BTF.ext relocates for the running kernel (CO-RE)");
}

static void check_sections(void)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	Elf_Scn *section = NULL;
	size_t names;
	Elf *elf;

	if (fd < 0) {
		fault("%s", strerror(errno));
		return;
	}
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf_getshdrstrndx(elf, &names)) {
		fault("not an ELF file: %s", elf_errmsg(-1));
		goto out;
	}
	while ((section = elf_nextscn(elf, section))) {
		const char *name;
		GElf_Shdr header;

		if (!gelf_getshdr(section, &header)) {
			fault("damaged section: %s", elf_errmsg(-1));
			goto out;
		}
		name = elf_strptr(elf, names, header.sh_name);
		check_section(name);
		if (!strcmp(name, ".BTF.ext"))
			check_relocations(elf_getdata(section, NULL));
		if (header.sh_flags & SHF_EXECINSTR && header.sh_size)
			check_instructions(name, elf_getdata(section, NULL));
	}
out:
	elf_end(elf);
	close(fd);
}

static bool has_btf(const struct bpf_map *map)
{
	return bpf_map__btf_key_type_id(map) && bpf_map__btf_value_type_id(map);
}

/* The kernel takes no BTF for a map that the object itself fills. */
static bool can_have_btf(enum bpf_map_type type)
{
	return type != BPF_MAP_TYPE_ARRAY_OF_MAPS && type != BPF_MAP_TYPE_HASH_OF_MAPS &&
	       type != BPF_MAP_TYPE_PROG_ARRAY;
}

static void check_map(const struct bpf_map *map, const char *direction)
{
	const char *name = bpf_map__name(map);

	if (!bpf_map__pin_path(map))
		fault("map %s is not LIBBPF_PIN_BY_NAME: a restarted l3afd would leave its pin behind", name);
	if (can_have_btf(bpf_map__type(map)) && !has_btf(map))
		fault("map %s has no BTF: give its key and value with __type()", name);
	if (!strstr(name, direction))
		fault("map %s does not name its direction (%s): the two directions share no map", name,
		      direction);
}

static void check_chain_map(struct bpf_object *object, const char *name)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(object, name);

	if (!map)
		fault("chain map %s is missing", name);
	else if (bpf_map__type(map) != BPF_MAP_TYPE_PROG_ARRAY || bpf_map__max_entries(map) != 1 ||
		 bpf_map__key_size(map) != 4 || bpf_map__value_size(map) != 4)
		fault("chain map %s is not a PROG_ARRAY of one u32 -> u32 entry", name);
	else if (!has_btf(map))
		fault("chain map %s has no BTF: give its key and value with __type()", name);
}

static const char *helper_name(__s32 id)
{
#define NAME(name) #name
	static const char *const names[] = { __BPF_FUNC_MAPPER(NAME) };

	return id > 0 && id < __BPF_FUNC_MAX_ID ? names[id] : "unknown";
}

static void check_helpers(const struct bpf_program *program, char **allowed)
{
	const struct bpf_insn *insn = bpf_program__insns(program);
	bool told[__BPF_FUNC_MAX_ID] = { false };

	for (size_t n = bpf_program__insn_cnt(program); n--; insn++) {
		const char *name = helper_name(insn->imm);
		char **helper = allowed;

		if (insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg)
			continue;
		while (*helper && strcmp(*helper, name))
			helper++;
		if (*helper || (insn->imm > 0 && insn->imm < __BPF_FUNC_MAX_ID && told[insn->imm]))
			continue;
		if (insn->imm > 0 && insn->imm < __BPF_FUNC_MAX_ID)
			told[insn->imm] = true;
		fault("program %s calls the helper %s, which is not in the list", bpf_program__name(program),
		      name);
	}
}

static void check_read_only(const struct bpf_program *program)
{
	size_t at;
	const char *why = read_only_fault(bpf_program__insns(program), bpf_program__insn_cnt(program), &at);

	if (why)
		fault("program %s, instruction %zu: %s", bpf_program__name(program), at, why);
}

static void check_entry(struct bpf_object *object, const char *name)
{
	const struct bpf_program *program = bpf_object__find_program_by_name(object, name);

	if (!program)
		fault("entry function %s is missing", name);
	else if (strcmp(bpf_program__section_name(program), "tc"))
		fault("entry function %s is in section %s, not in tc", name,
		      bpf_program__section_name(program));
}

int main(int argc, char **argv)
{
	struct bpf_program *program;
	struct bpf_object *object;
	struct bpf_map *map;

	if (argc < 6) {
		fprintf(stderr,
			"usage: check-object FILE DIRECTION ENTRY-FUNCTION CHAIN-MAP WRITER HELPER…\n");
		return 2;
	}
	file = argv[1];
	check_sections();

	if (faulty)
		return 1;
	object = bpf_object__open_file(file, NULL);
	if (!object) {
		fault("libbpf cannot read it: %s", strerror(errno));
		return 1;
	}
	bpf_object__for_each_map(map, object)
		if (!bpf_map__is_internal(map))
			check_map(map, argv[2]);
	bpf_object__for_each_program(program, object) {
		if (!strcmp(bpf_program__name(program), argv[5]))
			continue;
		check_helpers(program, argv + 6);
		check_read_only(program);
	}
	check_entry(object, argv[3]);
	check_chain_map(object, argv[4]);
	bpf_object__close(object);
	return faulty;
}
