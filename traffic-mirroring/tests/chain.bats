#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# The chain without l3afd: our program goes in by start, comes out by stop, and what stands around it goes on.

load mirroring

root=$pins/tc_ingress_root_array

# Packets of the flows that a flow log has seen.
logged() {
	on host bpftool -j map dump pinned "$flow_logs/$1/flow_log_ingress_flows" | jq '[.[].formatted.value.packets] | add // 0'
}

# The chain is what it should be, and each of the flow logs named sees UDP packets.
chain_is() {
	local want=$1 name before=()
	shift
	[[ $(chain) == "$want" ]]
	for name; do before+=("$(logged "$name")"); done
	on client bash -c "for i in 1 2 3; do echo >/dev/udp/$LAB_HOST4/9; done"
	for name; do
		[[ $(logged "$name") == $((before[0] + 3)) ]]
		before=("${before[@]:1}")
	done
	pings 1
}

in_between="tc_ingress_root -> flow_log_ingress_entry -> _ingress_redirect -> flow_log_ingress_entry -> end"

@test "start goes between what is there, stop closes the gap" {
	load_flow_log a
	load_flow_log b
	set_next "$root" "$flow_logs"/a/program
	set_next "$flow_logs"/a/flow_log_ingress_jmp_table "$flow_logs"/b/program
	mirror 0 start --map-name="$flow_logs"/a/flow_log_ingress_jmp_table --tunnel-interface-name=vxlan0 --rules="mirror proto icmp"
	chain_is "$in_between" a b
	[[ $(report .counters.device) == 1 ]]
	mirror 0 stop
	chain_is "tc_ingress_root -> flow_log_ingress_entry -> flow_log_ingress_entry -> end" a b
}

@test "start twice, and by another map of the same chain, changes nothing" {
	stub
	load_flow_log a
	load_flow_log b
	set_next "$root" "$flow_logs"/a/program
	mirror_start
	set_next "$pins/mirroring_ingress_jmp_table" "$flow_logs"/b/program
	local whole="tc_ingress_root -> _ingress_redirect -> flow_log_ingress_entry -> flow_log_ingress_entry -> end"
	set_next "$flow_logs"/b/flow_log_ingress_jmp_table "$flow_logs"/a/program
	chain_is "$whole" a b
	mirror_start
	[[ $output != *warning* ]]
	chain_is "$whole" a b
	# behind us, and at the chain's end: going there would lose what follows, or close a circle
	mirror 0 start --map-name="$flow_logs"/b/flow_log_ingress_jmp_table
	chain_is "$whole" a b
	mirror 0 start --map-name="$flow_logs"/a/flow_log_ingress_jmp_table
	chain_is "$whole" a b
	mirror 0 start --map-name="$pins/mirroring_ingress_jmp_table"
	chain_is "$whole" a b
}

@test "start twice in a chain that hangs on nothing yet" {
	stub
	load_flow_log a
	mirror 0 start --map-name="$flow_logs/a/flow_log_ingress_jmp_table"
	mirror 0 start --map-name="$flow_logs/a/flow_log_ingress_jmp_table"
	# we are not in a circle of our own, and do not make one
	mirror 1 start --map-name="$pins/mirroring_ingress_jmp_table"
	[[ $output == "mirroring: cannot chain after $pins/mirroring_ingress_jmp_table: the chain would loop" ]]
	set_next "$root" "$flow_logs/a/program"
	chain_is "tc_ingress_root -> flow_log_ingress_entry -> _ingress_redirect -> end" a
}

@test "a program put between us and the root: stop relinks to it" {
	stub
	load_flow_log a
	load_flow_log b
	set_next "$root" "$flow_logs"/b/program
	mirror_start
	set_next "$flow_logs"/a/flow_log_ingress_jmp_table /sys/fs/bpf/progs/eth0/_ingress_redirect_tc
	set_next "$root" "$flow_logs"/a/program
	chain_is "$in_between" a b
	mirror 0 stop
	chain_is "tc_ingress_root -> flow_log_ingress_entry -> flow_log_ingress_entry -> end" a b
}

@test "a chain cut before us is mended by start, with what follows" {
	stub
	load_flow_log b
	set_next "$root" "$flow_logs"/b/program
	mirror_start
	on host bpftool map delete pinned "$root" key 0 0 0 0
	mirror_start
	chain_is "tc_ingress_root -> _ingress_redirect -> flow_log_ingress_entry -> end" b
}

@test "without --map-name: at the end of this direction's chain, once" {
	load_flow_log a
	set_next "$root" "$flow_logs/a/program"
	local whole="tc_ingress_root -> flow_log_ingress_entry -> _ingress_redirect -> end"
	for _ in 1 2; do
		mirror 0 start --tunnel-interface-name=vxlan0 --rules="mirror proto icmp"
		chain_is "$whole" a
	done
	direction=egress mirror 0 start --tunnel-interface-name=vxlan0 --rules="mirror proto icmp"
	capture copies collector vxlan0 icmp
	pings 3
	capture_end copies
	[[ $(captured copies) == 6 ]]
	on host bpftool map delete pinned "$flow_logs/a/flow_log_ingress_jmp_table" key 0 0 0 0
	mirror 0 start
	chain_is "$whole" a
	on host rm -r "$pins/mirroring_ingress_config" /sys/fs/bpf/progs/eth0/_ingress_redirect_tc
	mirror 1 start --tunnel-interface-name=vxlan0
	[[ $output == *"eth0 ingress: program "*" in the chain mirrors already, but has no pin here" ]]
	chain_is "$whole" a
}

@test "without --map-name: what l3afd loads, start leaves alone" {
	load_like_l3afd
	on host bpftool map delete pinned "$root" key 0 0 0 0
	mirror 0 start --tunnel-interface-name=vxlan0 --rules=mirror
	chain_is "tc_ingress_root -> end"
	# a chain of its own, where l3afd does no chaining
	on host tc_root stop --iface=eth0 --quiet
	load_like_l3afd 2>/dev/null || true # the root is gone
	on host tc qdisc add dev eth0 clsact
	on host tc filter add dev eth0 ingress bpf direct-action \
		object-pinned /sys/fs/bpf/progs/eth0/_ingress_redirect_tc
	mirror 0 start --tunnel-interface-name=vxlan0 --rules="mirror proto icmp"
	pings 3
	[[ $(report .counters.device) == 3 && $(report '.problems | length') == 0 ]]
}

@test "an interface that was created again: start says that packets do not reach it" {
	mirror_start --rules="mirror proto icmp"
	on host ip link del eth0
	lab_wire client eth0 host eth0
	lab_addresses client eth0 $LAB_CLIENT4 $LAB_CLIENT6 && lab_addresses host eth0 $LAB_HOST4 $LAB_HOST6
	for command in "start" "start --map-name=$root" "--quiet"; do # the last one as l3afd calls it
		# shellcheck disable=SC2086
		expect 1 on host mirroring $command --iface=eth0 --direction=ingress
		[[ $output == "mirroring: no root program is attached to eth0 ingress: no packet reaches mirroring" ]]
	done
	on host tc_root start --iface eth0 --quiet
	mirror 0 start
	pings 3
	[[ $(report .counters.device) == 3 ]]
}

@test "what start has loaded is known by its program: what l3afd loads at its place stays in the chain" {
	stub
	mirror_start --rules="mirror proto icmp"
	expect 1 on host tc_root stop --iface eth0
	[[ $output == *"\"mirroring_ingress_chained_behind\" marks what \`mirroring start\` has loaded"* ]]
	chain_is "tc_ingress_root -> _ingress_redirect -> end"
	on host tc_root stop --iface eth0 --quiet --force
	on host test ! -e "$pins"
	on host tc_root start --iface eth0 --quiet
	on host ln -sfn "program 1 behind map 1" "$pins/mirroring_ingress_chained_behind"
	load_like_l3afd
	mirror 0 start --tunnel-interface-name=vxlan0 --rules="mirror proto icmp"
	mirror 0 stop
	chain_is "tc_ingress_root -> _ingress_redirect -> end"
	[[ $(report '.filters | length') == 0 ]]
}

@test "a start that fails leaves nothing behind, and the chain as it was" {
	stub
	load_flow_log b
	set_next "$root" "$flow_logs"/b/program
	on host bash -c 'find /sys/fs/bpf | sort' >"$LAB/before"
	mirror 1 start --map-name="$root" --tunnel-interface-name=nosuch
	mirror 1 start --map-name="$root" --tunnel-interface-name=vxlan0 --rules="mirror to nosuch"
	mirror 1 start --map-name="$root.nosuch" --tunnel-interface-name=vxlan0
	mirror 1 start --map-name="$flow_logs"/b/flow_log_ingress_flows --tunnel-interface-name=vxlan0
	[[ $output == "mirroring: --map-name: expected a chain map (a PROG_ARRAY with one entry), got \"$flow_logs/b/flow_log_ingress_flows\"" ]]
	on host bash -c 'find /sys/fs/bpf | sort' | diff "$LAB/before" -
	chain_is "tc_ingress_root -> flow_log_ingress_entry -> end" b
}

@test "a start killed on its way, here and there: the next one repairs, and the chain is never cut" {
	stub
	requires_command strace
	load_flow_log b
	set_next "$root" "$flow_logs"/b/program
	local call killed=0 status
	for ((call = 1; call < 1000; call += 13)); do
		status=0
		on host strace -o /dev/null -e trace=bpf -e inject=bpf:signal=KILL:when=$call mirroring start --quiet \
			--iface=eth0 --direction=ingress --map-name="$root" --tunnel-interface-name=vxlan0 \
			--rules="mirror proto icmp" || status=$?
		((status)) || break
		((status == 137))
		((killed += 1))
		[[ $(chain) == *"flow_log_ingress_entry -> end" ]]
		mirror_start --rules="mirror proto icmp"
		[[ $(chain) == "tc_ingress_root -> _ingress_redirect -> flow_log_ingress_entry -> end" ]]
		mirror 0 stop
		expect 0 on host find /sys/fs/bpf -name '*mirroring*'
		[[ ! $output ]]
	done
	# it makes some 200 calls to bpf()
	((killed > 10))
	chain_is "tc_ingress_root -> _ingress_redirect -> flow_log_ingress_entry -> end" b
}
