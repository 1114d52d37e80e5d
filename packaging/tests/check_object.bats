#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# check-object: a good object passes, and each fault is refused by name.

load ../../ci/lab

# compile [-DNAME…]: object.o of the source below. Its faults are switched on by macros.
compile() {
	clang -O2 -g -target bpf -I"/usr/include/$(gcc -print-multiarch)" -include linux/bpf.h -include bpf/bpf_helpers.h \
		"${@//$'\n'/ }" -x c -c - -o "$BATS_TEST_TMPDIR/object.o" <<-'END'
		#define TEXT(...) #__VA_ARGS__
		#define BYTES(...) asm volatile(".byte " TEXT(__VA_ARGS__))
		#ifndef ENTRY
		#define ENTRY entry
		#endif
		#ifndef SECTION
		#define SECTION "tc"
		#endif
		#ifndef CHAIN_ENTRIES
		#define CHAIN_ENTRIES 1
		#endif
		struct {
			__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
		#ifdef CHAIN_WITHOUT_BTF
			__uint(key_size, 4);
			__uint(value_size, 4);
		#else
			__type(key, __u32);
			__type(value, __u32);
		#endif
			__uint(max_entries, CHAIN_ENTRIES);
			__uint(pinning, LIBBPF_PIN_BY_NAME);
		} ingress_chain SEC(".maps");

		struct ring {
			__uint(type, BPF_MAP_TYPE_RINGBUF);
			__uint(max_entries, 4096);
		};
		struct {
			__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
			__type(key, __u32);
			__uint(max_entries, 1);
			__uint(pinning, LIBBPF_PIN_BY_NAME);
			__array(values, struct ring);
		} ingress_rings SEC(".maps");

		#ifdef MAP
		struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
		#ifdef MAP_WITHOUT_BTF
			__uint(key_size, 4);
			__uint(value_size, 8);
		#else
			__type(key, __u32);
			__type(value, __u64);
		#endif
			__uint(max_entries, 1);
		#ifndef MAP_WITHOUT_PIN
			__uint(pinning, LIBBPF_PIN_BY_NAME);
		#endif
		} MAP SEC(".maps");
		#endif

		#ifdef GLOBAL
		GLOBAL;
		#endif

		SEC(SECTION) int ENTRY(struct __sk_buff *skb)
		{
			bpf_tail_call(skb, &ingress_chain, 0);
		#ifdef PRINTK
			bpf_printk("%d", skb->len);
		#endif
		#ifdef INSN
			BYTES(INSN);
		#endif
		#ifdef USE
			return USE;
		#endif
			return -1;
		}
		char _license[] SEC("license") = "GPL";
	END
	llvm-strip -g "$BATS_TEST_TMPDIR/object.o"
}

check() {
	expect "$1" "$BATS_TEST_DIRNAME/../../build/packaging/check-object" "$BATS_TEST_TMPDIR/object.o" ingress entry ingress_chain "${writer:--}" tail_call
}

# refused TEXT [-DNAME…]: exactly one fault, which says TEXT.
refused() {
	compile "${@:2}"
	check 1
	[[ $output == *"object.o: $1"* ]]
	[[ $(wc -l <<<"$output") == 1 ]]
}

@test "a good object passes" {
	compile -DMAP=ingress_counters
	check 0
	[[ ! $output ]]
}

@test "a constant: .rodata" {
	refused "section .rodata becomes a map" "-DGLOBAL=const volatile int g=3" -DUSE=g
}

@test "a string literal: .rodata" {
	refused "section .rodata becomes a map" -DPRINTK
}

@test "a variable with a value: .data" {
	refused "section .data becomes a map" "-DGLOBAL=int g=3" -DUSE=g++
}

@test "a variable: .bss" {
	refused "section .bss becomes a map" "-DGLOBAL=int g" -DUSE=g++
}

@test "an unknown section" {
	refused "unknown section classifier/x" '-DGLOBAL=SEC("classifier/x") int g(void){return 0;}'
}

@test "DWARF, which names the folder of the build" {
	llvm-strip() { :; }
	compile
	check 1
	[[ $output == *"unknown section .debug_info"* ]]
}

@test "an instruction that the oldest kernel lacks" {
	# bytes, as clang of Debian 12 knows few of them: code, registers, offset (2), value (4)
	local bytes what
	while IFS='|' read -r bytes what; do
		refused "section tc, instruction " -DINSN="$bytes"
		[[ $output == *": Linux 5.10 has no such instruction: $what" ]]
	done <<-'END'
		0xdb,0x10,0,0,1,0,0,0|atomic other than add
		0xdb,0x10,0,0,0xf1,0,0,0|atomic other than add
		0x81,0x01,0,0,0,0,0,0|sign-extending load
		0x06,0,0,0,0,0,0,0|long goto
		0xe5,0,0,0,0,0,0,0|conditional goto
		0xd7,0,0,0,16,0,0,0|byte swap
		0x37,0,1,0,2,0,0,0|signed division or move
		0xbf,0,8,0,0,0,0,0|signed division or move
	END
	# as a compiler makes it: the old value is used
	refused "section tc, instruction " -mcpu=v3 "-DUSE=__atomic_fetch_add(&skb->mark, 1, __ATOMIC_RELAXED)"
}

@test "instructions that the oldest kernel has: an atomic add, wide values that look like others" {
	compile -mcpu=v3 "-DUSE=(__atomic_fetch_add(&skb->mark, 1, __ATOMIC_RELAXED), 0)"
	writer=entry check 0
	compile -DINSN=0x18,1,0,0,0,0,0,0,0xdb,0,0,0,0xf1,0,0,0
	check 0
}

@test "a map that is not pinned by name" {
	refused "map ingress_counters is not LIBBPF_PIN_BY_NAME" -DMAP=ingress_counters -DMAP_WITHOUT_PIN
}

@test "a map without BTF" {
	refused "map ingress_counters has no BTF" -DMAP=ingress_counters -DMAP_WITHOUT_BTF
}

@test "a map that both directions would share" {
	refused "map counters does not name its direction (ingress)" -DMAP=counters
}

@test "a missing entry function" {
	refused "entry function entry is missing" -DENTRY=other
}

@test "a missing chain map" {
	refused "chain map ingress_chain is missing" -Dingress_chain=ingress_jump
}

@test "a chain map of another shape" {
	refused "chain map ingress_chain is not a PROG_ARRAY of one" -DCHAIN_ENTRIES=2
}

@test "a chain map without BTF" {
	refused "chain map ingress_chain has no BTF" -DCHAIN_WITHOUT_BTF
}

@test "what is no object at all" {
	echo text >"$BATS_TEST_TMPDIR/object.o"
	check 1
	[[ $output == *"not an ELF file"* ]]
	rm "$BATS_TEST_TMPDIR/object.o"
	check 1
	[[ $output == *"No such file or directory"* ]]
}

writes='bpf_skb_store_bytes(skb, 0, skb, 4, 0) + bpf_skb_store_bytes(skb, 4, skb, 4, 0)'

@test "an entry function that calls a helper outside the list" {
	refused "program entry calls the helper skb_store_bytes, which is not in the list" "-DUSE=$writes"
}

@test "another program that does, unless it is the one that may" {
	refused "program other calls the helper skb_store_bytes, which is not in the list" \
		"-DGLOBAL=SEC(\"tc\") int other(struct __sk_buff *skb) { return $writes; }"
	writer=other check 0
}

# in_packet STATEMENT: an expression with at, a pointer to the first 8 bytes, which are there.
in_packet() {
	echo "({ char *at = (void *)(long)skb->data; if (at + 8 <= (char *)(long)skb->data_end) { $1; } -1; })"
}

@test "an instruction that writes to the packet: bytes, a bit, atomically, at an offset, through the stack" {
	local statement
	for statement in "*at ^= 1" "*(__u64 *)at = 7" "__atomic_fetch_add((__u32 *)at, 1, __ATOMIC_RELAXED)" \
		"at[skb->len & 7] = 0" \
		"char *volatile kept = at; bpf_tail_call(skb, &ingress_chain, 0); *kept = 1" \
		"__u64 own = 1; char *to = skb->mark ? at : (char *)&own; asm volatile(\"\" : \"+r\"(to)); *to = 2"; do
		echo "$statement"
		refused "program entry, instruction " -mcpu=v3 "-DUSE=$(in_packet "$statement")"
		[[ $output == *": may write to the packet" ]]
	done
	refused "program entry, instruction " "-DUSE=({ char *at = (void *)(long)skb->data_meta;
		if (at + 1 <= (char *)(long)skb->data) *at = 1; -1; })"
	[[ $output == *": may write to the packet" ]]
}

@test "an instruction that writes to the packet's context: each field, atomically, through the stack" {
	local statement
	for statement in "skb->"{mark,priority,tc_index,"cb[4]",queue_mapping,tstamp,tc_classid,hash}" = 3" \
		"__atomic_fetch_add(&skb->mark, 1, __ATOMIC_RELAXED)" \
		"struct __sk_buff *volatile kept = skb; bpf_tail_call(skb, &ingress_chain, 0); kept->mark = 1"; do
		echo "$statement"
		refused "program entry, instruction " -mcpu=v3 "-DUSE=({ $statement; -1; })"
		[[ $output == *": may write to the packet's context" ]]
	done
}

@test "what is not decided is refused: functions of the kernel, of the object, relocations" {
	refused "program entry, instruction " "-DGLOBAL=extern int kernel_function(void) __ksym" "-DUSE=kernel_function()"
	[[ $output == *": calls a function that is not a helper" ]]
	refused "program entry, instruction " "-DUSE=function(skb)" \
		"-DGLOBAL=static __attribute__((noinline)) int function(struct __sk_buff *skb) { return skb->mark = 1; }"
	[[ $output == *": calls a function that is not a helper" ]]
	refused "program entry, instruction " -DINSN=0x20,0,0,0,0,0,0,0
	[[ $output == *": a load of a kind that the check does not know" ]]
	refused "section .BTF.ext relocates for the running kernel" "-DUSE=__builtin_preserve_access_index(skb->mark)"
}

@test "packets may be read, and the stack written, with pointers to both around" {
	compile "-DUSE=$(in_packet "struct __sk_buff *volatile kept = skb; char *volatile first = at;
		volatile __u64 own[4] = {}; own[skb->len & 3] = *first; return own[1] + kept->mark + at[7]")"
	check 0
}

# mutant FILE SED: our own data path, one line of it changed: refused for an instruction.
mutant() {
	local sources=$BATS_TEST_TMPDIR/traffic-mirroring package
	rm -rf "$sources"
	mkdir "$sources"
	cp -r "$BATS_TEST_DIRNAME"/../../traffic-mirroring/{abi,select} "$sources"
	sed -i "$2" "$sources/select/$1"
	! cmp -s "$sources/select/$1" "$BATS_TEST_DIRNAME/../../traffic-mirroring/select/$1"
	clang -O2 -g -target bpf -mcpu=v3 -I"/usr/include/$(gcc -print-multiarch)" \
		-c "$sources/select/mirroring_ingress.bpf.c" -o "$BATS_TEST_TMPDIR/object.o"
	llvm-strip -g "$BATS_TEST_TMPDIR/object.o"
	package='.packages[].programs[] | select(.object == "mirroring_ingress.bpf.o")'
	# shellcheck disable=SC2046 # lists of words
	expect 1 "$BATS_TEST_DIRNAME/../../build/packaging/check-object" "$BATS_TEST_TMPDIR/object.o" ingress \
		$(jq -r "$package | .entry_function, .chain_map, .writer, .helpers[]" "$BATS_TEST_DIRNAME/../../manifest.json")
	[[ $output == *", instruction "*": may write to the packet$3" && $(wc -l <<<"$output") == 1 ]]
}

@test "our own data path, with one line that writes" {
	mutant select.bpf.h '/^int JOIN/,/^}/ s/return next/skb->priority = 7; return next/' "'s context"
	mutant select.bpf.h '/^int MAP(ring)/,/^}/ s/return next/skb->cb[0]++; return next/' "'s context"
	mutant parse.bpf.h 's/p->src\[0\] = ip->saddr;/& ip->ttl--;/' ""
	mutant parse.bpf.h 's/\*type = eth->h_proto;/& eth->h_dest[0] ^= 1;/' ""
}
