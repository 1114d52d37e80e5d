#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# tc_root on an interface between two hosts, with real packets.

# bats runs each test in a subshell, which is meant
# shellcheck disable=SC2030,SC2031
source "$BATS_TEST_DIRNAME/../../ci/lab.bash"

BUILD=$BATS_TEST_DIRNAME/../../build/tc-root
GLOBALS=/sys/fs/bpf/tc/globals/eth0
PROGS=/sys/fs/bpf/progs/eth0

setup() {
	requires_root
	requires_command bpftool tc strace
	lab_begin
	lab_host client host
	lab_wire client eth0 host eth0
	lab_addresses client eth0 "$LAB_CLIENT4" "$LAB_CLIENT6"
	lab_addresses host eth0 "$LAB_HOST4" "$LAB_HOST6"
}

tc_root() {
	on host "$BUILD/tc_root" "$@"
}

# All that tc_root may change, ids included.
state() {
	on host sh -c '
		find /sys/fs/bpf | sort; readlink /sys/fs/bpf/tc_root_clsact/*
		tc qdisc show dev eth0; tc filter show dev eth0 ingress; tc filter show dev eth0 egress
		bpftool net show dev eth0; bpftool map show pinned '$GLOBALS'/tc_ingress_root_array; true' 2>&1
}

# A counting program of this name; itself and its maps are pinned under /sys/fs/bpf/test.
load_counter() {
	on host mkdir -p /sys/fs/bpf/test &&
		on host bpftool prog loadall "$BUILD/tests/count.bpf.o" "/sys/fs/bpf/test/$1" pinmaps "/sys/fs/bpf/test/$1"
}

# Puts a counting program behind the root of a direction.
chain_counter() {
	load_counter "$1" && on host bpftool map update pinned "${2:-$GLOBALS}/tc_$1_root_array" key 0 0 0 0 \
			value pinned "/sys/fs/bpf/test/$1/count_packets_and_go_on"
}

# Packets that a counting program has seen.
counted() {
	on host bpftool -j map lookup pinned "/sys/fs/bpf/test/$1/packets" key 0 0 0 0 | jq .formatted.value
}

# Sends n echo requests in each of IPv4 and IPv6, all of which must be answered.
ping_host() {
	expect 0 on client ping -q -c "$1" -i 0.01 -W 1 "$LAB_HOST4" && grep -q " $1 received" <<<"$output" &&
		expect 0 on client ping -q -c "$1" -i 0.01 -W 1 "$LAB_HOST6" && grep -q " $1 received" <<<"$output"
}

roots() {
	on host tc filter show dev eth0 "$1" | grep -c "name tc_$1_root" || true
}

assert_one_root_each() {
	[[ $(roots ingress) == 1 && $(roots egress) == 1 ]]
}

# Root programs as l3afd v2.1.0 leaves them when it is killed: filters without a name, flat pins.
leave_flat() {
	local d
	on host tc qdisc replace dev eth0 clsact
	on host mkdir -p $GLOBALS $PROGS /sys/fs/bpf/links/eth0/empty/latest
	for d in ingress egress; do
		on host bpftool prog load "$BUILD/tc_root_$d.bpf.o" "$PROGS/tc_${d}_root_tc"
		on host mv "/sys/fs/bpf/tc_${d}_root_array" $GLOBALS
		on host tc filter add dev eth0 $d bpf direct-action object-pinned "$PROGS/tc_${d}_root_tc"
	done
}

@test "start attaches and pins both directions, status shows them" {
	expect 1 tc_root status --iface eth0
	[[ $output == "eth0 ingress: no root program is attached"$'\n'"eth0 egress: no root program is attached" ]]
	expect 0 tc_root start --iface eth0
	assert_one_root_each
	on host test -e $GLOBALS/tc_ingress_root_array -a -e $GLOBALS/tc_egress_root_array
	on host bpftool prog show pinned $PROGS/tc_ingress_root_tc | grep -q 'sched_cls  name tc_ingress_root'
	on host bpftool prog show pinned $PROGS/tc_egress_root_tc | grep -q 'sched_cls  name tc_egress_root'
	expect 0 tc_root status --iface eth0
	[[ $output =~ ^'eth0 ingress: tc_ingress_root (clsact, program '[0-9]+') -> end'$'\n' ]]
	ping_host 3
}

@test "packets of both directions go through the chain, and through a filter after it" {
	local ingress egress after
	expect 0 tc_root start --iface eth0
	load_counter after
	on host tc filter add dev eth0 ingress prio 65000 bpf direct-action \
		object-pinned /sys/fs/bpf/test/after/count_packets_and_go_on
	ping_host 3 # the chain is empty
	(($(counted after) >= 6))

	chain_counter ingress
	chain_counter egress
	ingress=$(counted ingress) egress=$(counted egress) after=$(counted after)
	ping_host 20
	(($(counted ingress) >= ingress + 40 && $(counted egress) >= egress + 40 && $(counted after) >= after + 40))
	expect 0 tc_root status --iface eth0
	[[ $output =~ 'eth0 ingress: tc_ingress_root (clsact, program '[0-9]+') -> count_packets_and_go_on (program '[0-9]+') -> end' ]]
	[[ $output =~ 'eth0 egress: tc_egress_root (clsact, program '[0-9]+') -> count_packets_and_go_on (program '[0-9]+') -> end' ]]
}

@test "a second start changes nothing" {
	expect 0 tc_root start --iface eth0
	chain_counter ingress
	local before
	before=$(state)
	expect 0 tc_root start --iface eth0
	[[ $(state) == "$before" ]]
	expect 0 tc_root status --iface eth0
	[[ $output == *count_packets_and_go_on* ]]
}

@test "a command waits while another one works" {
	local before
	before=$(state)
	spawn host holder flock /sys/fs/bpf sleep 1
	wait_until 5 on host sh -c '! flock --nonblock /sys/fs/bpf true'
	expect 124 on host timeout 0.3 "$BUILD/tc_root" start --iface eth0
	[[ $(state) == "$before" ]]
	expect 0 tc_root start --iface eth0
	assert_one_root_each
}

@test "ten starts at once are one" {
	local i pid pids=()
	for i in {1..10}; do
		spawn host "start$i" "$BUILD/tc_root" start --iface eth0
		pids+=("$!")
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	assert_one_root_each
	expect 0 tc_root stop --iface eth0
	expect 1 tc_root status --iface eth0
}

@test "start repairs what is missing and keeps the chain" {
	local damage before
	expect 0 tc_root start --iface eth0
	chain_counter ingress
	before=$(tc_root status --iface eth0 | grep -o 'count_packets_and_go_on (program [0-9]*)')
	for damage in "rm $PROGS/tc_ingress_root_tc $PROGS/tc_egress_root_tc" \
		"tc filter del dev eth0 ingress" \
		"tc filter del dev eth0 egress" \
		"tc qdisc del dev eth0 clsact" \
		"rm $GLOBALS/tc_egress_root_array" \
		"rm -r $PROGS"; do
		expect 0 on host sh -c "$damage"
		expect 0 tc_root start --iface eth0
		assert_one_root_each
		on host test -e $GLOBALS/tc_ingress_root_array -a -e $GLOBALS/tc_egress_root_array -a \
			-e $PROGS/tc_ingress_root_tc -a -e $PROGS/tc_egress_root_tc
		expect 0 tc_root status --iface eth0
		[[ $(grep -o 'count_packets_and_go_on (program [0-9]*)' <<<"$output") == "$before" ]]
	done
	ping_host 3
	(($(counted ingress) >= 3))
}

@test "stop leaves the interface as it was, in either layout" {
	local before version
	before=$(state)
	for version in "" --version=1.2.3; do
		expect 0 tc_root start --iface eth0 $version
		expect 0 tc_root stop --iface eth0
		[[ $output == *'removed the clsact qdisc' ]]
		[[ $(state) == "$before" ]]
	done
	expect 0 tc_root stop --iface eth0
	[[ $output == "eth0: nothing to remove" ]]
}

@test "the versioned layout is the one of l3afd" {
	expect 0 tc_root start --iface eth0 --version 1.2.3
	on host test -e $GLOBALS/tc-root/1_2_3/tc_ingress_root_array -a -e $GLOBALS/tc-root/1_2_3/tc_egress_root_array -a \
		-e $PROGS/tc-root/1_2_3/tc_ingress_root_tc -a -e $PROGS/tc-root/1_2_3/tc_egress_root_tc
	chain_counter ingress $GLOBALS/tc-root/1_2_3
	local before
	before=$(state)
	expect 0 tc_root start --iface eth0 --version=1.2.3
	[[ $(state) == "$before" ]]
	expect 1 tc_root start --iface eth0
	[[ $output =~ ^'tc_root: eth0 ingress: root program '[0-9]+" is pinned elsewhere; \`tc_root stop\` removes it"$ ]]
	expect 1 tc_root start --iface eth0 --version=2
	expect 0 tc_root status --iface eth0
	[[ $output == *count_packets_and_go_on* ]]
}

@test "stop leaves the clsact qdisc and the filters of others" {
	on host tc qdisc add dev eth0 clsact
	local before
	before=$(state)
	expect 0 tc_root start --iface eth0
	expect 0 tc_root stop --iface eth0
	[[ $(state) == "$before" ]]
	on host tc qdisc del dev eth0 clsact

	expect 0 tc_root start --iface eth0
	on host tc filter add dev eth0 egress u32 match u32 0 0
	expect 0 tc_root stop --iface eth0
	[[ $output == *'eth0: the clsact qdisc stays, because it has other filters' ]]
	on host tc filter show dev eth0 egress | grep -q u32
	on host sh -c '! find /sys/fs/bpf | grep -q eth0'
}

# Lets a start fail at each of its system calls in turn.
fail_everywhere() {
	local before n failed=0
	before=$(state)
	for ((n = 1; ; n++)); do
		if ! on host strace -o "$LAB/trace" -e inject=bpf,sendmsg,mkdir,symlink:error=ENOSPC:when=$n \
			"$BUILD/tc_root" start --iface eth0 >"$LAB/start" 2>&1; then
			[[ $(<"$LAB/start") == "tc_root: "* && $(wc -l <"$LAB/start") == 1 ]]
			failed=$((failed + 1))
		else # libbpf only asked what the kernel can do, and was told wrong
			on host tc filter del dev eth0 ingress
			on host tc filter del dev eth0 egress
			[[ ! -L /proc/${LAB_HOLDER[host]}/root/sys/fs/bpf/tc_root_clsact/eth0 ]] ||
				on host tc qdisc del dev eth0 clsact
			on host rm -rf /sys/fs/bpf/tc /sys/fs/bpf/progs /sys/fs/bpf/tc_root_clsact
		fi
		[[ $(state) == "$before" ]] || { echo "call $n: $(grep INJECTED "$LAB/trace")"; state; return 1; }
		grep -q INJECTED "$LAB/trace" || break
	done
	echo "# a start failed at $failed of $n system calls" >&3
	((failed > 15))
}

@test "a start that fails at any system call leaves nothing behind" {
	fail_everywhere
}

@test "a start that fails at any system call leaves nothing behind on a clsact of others" {
	on host tc qdisc add dev eth0 clsact
	fail_everywhere
}

@test "a start that is killed at any system call is completed by the next, and undone by stop" {
	local before n status
	before=$(state)
	for ((n = 1; ; n++)); do
		status=0
		on host strace -o "$LAB/trace" -e inject=bpf,sendmsg,mkdir,symlink:signal=KILL:when=$n \
			"$BUILD/tc_root" start --iface eth0 >"$LAB/start" 2>&1 || status=$?
		((status != 0)) || break
		tc_root start --iface eth0 >"$LAB/start" 2>&1 || { cat "$LAB/start"; return 1; }
		assert_one_root_each
		tc_root stop --iface eth0 >"$LAB/stop"
		# killed between making clsact and remembering it: it stays, as if it were somebody else's
		on host tc qdisc del dev eth0 clsact 2>"$LAB/clsact" && grep -q symlink "$LAB/trace"
		[[ $(state) == "$before" ]] || { echo "call $n"; state; return 1; }
	done
	echo "# a start was killed at $((n - 1)) system calls" >&3
	((n > 20))
}

@test "a start without its objects, or with the ingress qdisc in the way, changes nothing" {
	local before
	cp "$BUILD/tc_root" "$BUILD/tc_root_ingress.bpf.o" "$LAB"
	before=$(state)
	expect 1 on host "$LAB/tc_root" start --iface eth0
	[[ $output == "tc_root: eth0 egress: cannot read the object \"$LAB/tc_root_egress.bpf.o\": No such file or directory" ]]
	[[ $(state) == "$before" ]]

	echo nonsense >"$LAB/tc_root_egress.bpf.o"
	expect 1 on host "$LAB/tc_root" start --iface eth0
	[[ $output == "tc_root: eth0 egress: cannot read the object \"$LAB/tc_root_egress.bpf.o\": "*format* ]]
	[[ $(state) == "$before" ]]

	on host tc qdisc add dev eth0 ingress
	before=$(state)
	expect 1 tc_root start --iface eth0
	[[ $output == *"tc_root: eth0: its qdisc \"ingress\" leaves no room for clsact; \`tc qdisc del dev eth0 ingress\` removes it" ]]
	[[ $(state) == "$before" ]]
}

@test "a map of another kind at the place of the pin is refused" {
	on host mkdir -p $GLOBALS
	on host bpftool map create $GLOBALS/tc_egress_root_array type array key 4 value 8 entries 1 name other
	local before
	before=$(state)
	expect 1 tc_root start --iface eth0
	[[ $output == "tc_root: eth0 egress: cannot load the root program with its map at \"$GLOBALS/tc_egress_root_array\": "* ]]
	[[ $(state) == "$before" ]]
}

@test "stop leaves the maps that others have pinned beside ours" {
	expect 0 tc_root start --iface eth0
	load_counter chained # as l3afd does: the maps of its programs are beside the root's
	on host bpftool map update pinned $GLOBALS/tc_ingress_root_array key 0 0 0 0 \
		value pinned /sys/fs/bpf/test/chained/count_packets_and_go_on
	on host mv /sys/fs/bpf/test/chained/packets $GLOBALS/packets
	on host bpftool map create $GLOBALS/others type array key 4 value 8 entries 1 name others
	expect 0 tc_root stop --iface eth0
	[[ $output == *"the pin of map "*" at $GLOBALS/others stays: no program of this interface uses it"* ]]
	[[ $(on host ls $GLOBALS) == others ]]
}

@test "stop clears what a killed l3afd v2.1.0 left, twice started, and nothing of XDP" {
	leave_flat
	on host sh -c "rm $GLOBALS/* $PROGS/*"
	leave_flat
	on host bpftool prog loadall "$BUILD/tests/count.bpf.o" /sys/fs/bpf/test 2>/dev/null
	on host mv /sys/fs/bpf/test/pass $PROGS/xdp_root_xdp
	on host rm -r /sys/fs/bpf/test

	expect 0 tc_root status --iface eth0
	[[ $output == *"eth0 egress: a second root program (clsact, program "*") is attached, left by a killed l3afd" ]]
	expect 1 tc_root start --iface eth0
	[[ $output == "tc_root: eth0 ingress: 2 root programs are attached, left by a killed l3afd; \`tc_root stop\` removes them" ]]
	expect 0 tc_root stop --iface eth0
	[[ $(grep -c 'removed the clsact filter of tc_ingress_root ' <<<"$output") == 2 ]]
	[[ $(grep -c 'removed the clsact filter of tc_egress_root ' <<<"$output") == 2 ]]
	[[ $(grep -c 'removed the pin of program' <<<"$output") == 2 ]]
	[[ $(grep -c 'removed the pin of map' <<<"$output") == 2 ]]
	[[ $(wc -l <<<"$output") == 8 ]]
	on host test ! -e $GLOBALS -a ! -e /sys/fs/bpf/links -a -e $PROGS/xdp_root_xdp
	[[ $(roots ingress) == 0 && $(roots egress) == 0 ]]
	on host tc qdisc show dev eth0 | grep -q clsact # not of tc_root's making
	expect 0 tc_root start --iface eth0
	ping_host 3
}

@test "one root too many, left by hand, does not hide that start is refused" {
	expect 0 tc_root start --iface eth0
	on host sh -c "rm $GLOBALS/tc_ingress_root_array"
	on host bpftool map create $GLOBALS/tc_ingress_root_array type prog_array key 4 value 4 entries 1 name other
	expect 1 tc_root start --iface eth0
	[[ $output =~ 'root program '[0-9]+" is not the one that is pinned; \`tc_root stop\` removes both"$ ]]
	expect 0 tc_root stop --iface eth0
	expect 0 tc_root start --iface eth0
}

@test "pins of an interface that is gone are removed" {
	expect 0 tc_root start --iface eth0
	on host ip link del eth0
	expect 1 tc_root start --iface eth0
	[[ $output == 'tc_root: --iface: there is no interface "eth0"' ]]
	expect 0 tc_root stop --iface eth0
	on host sh -c '! find /sys/fs/bpf | grep -q eth0'
	expect 1 tc_root stop --iface eth0
	[[ $output == 'tc_root: --iface: there is no interface "eth0"' ]]
}

@test "a clsact of an earlier interface of the same name is not taken for ours" {
	expect 0 tc_root start --iface eth0
	on host ip link del eth0
	lab_wire client eth0 host eth0
	on host tc qdisc add dev eth0 clsact
	expect 0 tc_root stop --iface eth0
	on host tc qdisc show dev eth0 | grep -q clsact
	on host sh -c '! find /sys/fs/bpf | grep -q eth0'
}

# Words, exit status and the one line they must give.
refused() {
	local status=$1 message=$2
	shift 2
	expect "$status" tc_root "$@"
	[[ $output == "tc_root: $message" ]]
}

@test "every wrong command line has its one line" {
	refused 2 "expected a command, got nothing; --help lists all"
	refused 2 'unknown command "restart"; --help lists all' restart --iface eth0
	refused 2 'start: unexpected word "eth0"' start eth0
	refused 2 '--cmd: expected one command, got "stop" and "start"' --cmd start stop --iface eth0
	refused 2 'unknown option "--interface"' start --interface eth0
	refused 2 '--iface: expected one value, got "eth0" and "eth1"' start --iface eth0 --iface eth1
	refused 2 '--force: expected no value, got "no"' stop --iface eth0 --force=no
	refused 2 "--iface is missing" start
	refused 2 '--version: expected a version, got "../x"' start --iface eth0 --version ../x
	refused 2 '--version: expected a version, got ""' start --iface eth0 --version=
	refused 1 '--iface: there is no interface "eth7"' start --iface eth7
	refused 1 '--iface: there is no interface ""' start --iface=
	refused 1 '--iface: there is no interface "../eth0"' stop --iface ../eth0
	on host ip link add eth0.7 link eth0 type vlan id 7 2>/dev/null || on host ip link add eth0.7 type veth
	refused 1 "eth0.7: nothing can be pinned for it, because a name on bpffs has no dot" start --iface eth0.7
}

@test "without privileges and without a bpffs there is one line, and nothing changes" {
	local before
	before=$(state)
	expect 1 on host setpriv --reuid 65534 --clear-groups "$BUILD/tc_root" start --iface eth0
	[[ $output == "tc_root: eth0 ingress: "*": Operation not permitted without CAP_BPF and CAP_NET_ADMIN" ]]
	expect 1 on host setpriv --reuid 65534 --clear-groups "$BUILD/tc_root" status --iface eth0
	[[ $output == "tc_root: eth0 ingress: cannot read the chain: Operation not permitted without CAP_BPF and CAP_NET_ADMIN" ]]
	[[ $(state) == "$before" ]]
	expect 1 on host unshare -m sh -c "mount -t tmpfs none /sys/fs/bpf; $BUILD/tc_root start --iface eth0"
	[[ $output == "tc_root: no bpffs is mounted at /sys/fs/bpf" ]]
}

@test "--quiet prints nothing, --cmd is the command, --help prints the options" {
	expect 0 tc_root --cmd=start --iface=eth0 --quiet
	[[ ! $output ]]
	assert_one_root_each
	expect 0 tc_root --cmd stop --iface eth0 --quiet
	[[ ! $output ]]
	expect 0 tc_root --help
	[[ $output == "usage: tc_root COMMAND"*--version=V* ]]
}
