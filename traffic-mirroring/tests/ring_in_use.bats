#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# What another instance may need stays: the sender, the rings, its list of collectors. Also if that instance is of
# another version, its interface has another name, or is in another network namespace, or if it cannot be read.

load ring

setup() {
	ring_lab
	rules="mirror proto icmp"
	to=(--tunnel-type=vxlan --tunnel-id=42 "--tunnel-remote-address=$LAB_COLLECTOR4")
}

# The sender runs, and copies leave.
copies_leave() {
	[[ $(sender) ]]
	local before
	before=$(sent copies)
	pings 3
	wait_until 2 eval '(($(sent copies) >= before + 3))'
}

@test "two versions beside each other, and flat pins beside versions" {
	load_like_l3afd traffic-mirroring 1.0
	mirror 0 start --version=1.0 --rules="$rules" "${to[@]}"
	load_like_l3afd traffic-mirroring 2.0
	mirror 0 start --version=2.0 --rules="$rules" "${to[@]}"
	copies_leave
	load_like_l3afd
	mirror 0 start --rules="$rules" "${to[@]}"
	mirror 0 stop --version=1.0
	copies_leave
	mirror 0 stop
	mirror 0 stop --version=2.0
	on host test ! -e /sys/fs/bpf/mirroring-3
}

@test "a renamed interface: it copies on, status says so, and stop works with the old name" {
	rules="mirror proto icmp" ring_start "${to[@]}"
	on host ip link set eth0 down
	on host ip link set eth0 name eth9
	on host ip link set eth9 up
	copies_leave
	direction=egress mirror 0 stop
	copies_leave
	expect 0 on host mirroring metrics
	[[ $output == *'mirroring_on{iface="eth0",direction="ingress"} 1'* && $output != *"mirroring_chained{"* ]]
	expect 0 on host mirroring status
	[[ $output == *"PROBLEM    there is no interface eth0 here: "* ]]
	mirror 0 stop
	[[ ! $(sender) ]]
	expect 0 on host find /sys/fs/bpf -name '*mirroring*'
	[[ ! $output ]]
	[[ $(on host tc_root status --iface eth9) == *"tc_ingress_root"*"-> end"* ]]
	mirror 1 stop
	[[ $output == 'mirroring: --iface: there is no interface "eth0"' ]]
}

@test "another network namespace with the same bpffs" {
	ring_start "${to[@]}"
	# shellcheck disable=SC2016
	expect 0 on host unshare --net bash -euc '
		for device in other copies; do
			ip link add ${device}0 up type veth peer name ${device}1
		done
		tc_root start --iface=other0 --quiet
		us="--iface=other0 --direction=egress"
		mirroring start $us --map-name=/sys/fs/bpf/tc/globals/other0/tc_egress_root_array --rules="mirror to copies0"
		mirroring stop $us
	'
	copies_leave
}

@test "a list of collectors of an instance that cannot be read is not given to another" {
	on host tc_root start --iface=eth1 --quiet
	rules=mirror mirror_uplink "${to[@]}"
	local pin=/sys/fs/bpf/tc/globals/eth1/mirroring_ingress_banks
	on host rm $pin
	on host bpftool map create $pin type array key 4 value 8 entries 2 name banks
	direction=egress expect 0 on host mirroring stop --iface=eth1 --direction=egress
	[[ $output == *"what cannot be read counts as in use"* && $(sender) ]]
	mirror 0 start --map-name="$pins/tc_ingress_root_array" --rules="$rules" --tunnel-remote-address=$LAB_COLLECTOR4
	[[ $(on host mirror-sender --status) == *"group 256"*"vxlan:$LAB_COLLECTOR4/42"*"group 257"*"gue:$LAB_COLLECTOR4"* ]]
	# rings of another size would leave it with the old ones
	mirror 1 update --ring-memory=8M
	copies_leave
}

@test "a PID namespace of its own: the sender is found, and ended" {
	local proc first
	for proc in "" --mount-proc; do
		ring_start "${to[@]}"
		first=$(sender)
		# shellcheck disable=SC2016,SC2086
		expect 0 on host unshare --pid --fork $proc bash -euc '
			us=(--iface=eth0 --direction=egress)
			[[ $(mirroring --cmd=status "${us[@]}") == RUNNING ]]
			mirror-sender --status | grep "^sender   running, a process outside this PID namespace"
			mirroring status --json | jq -e ".[0].sender | .up and .process == null"
			mirror-sender 2>&1 | grep "a process outside this PID namespace is this host.s sender already"
			mirroring update "${us[@]}" --rules="mirror to geneve:$0"
			mirroring stop "${us[@]}"
		' $LAB_COLLECTOR4
		# the group that came later needed another sender, which ended with its namespace
		[[ $(on host mirroring --cmd=status --iface=eth0 --direction=ingress) == RUNNING ]]
		[[ $(sender) != "$first" ]]
		copies_leave
		expect 0 on host unshare --pid --fork $proc mirroring stop --iface=eth0 --direction=ingress
		on host test ! -e /sys/fs/bpf/mirroring-3
		expect 1 on host pgrep --ns "${LAB_HOLDER[host]}" --nslist net mirror-sender
	done
}

@test "a sender that hangs outside the PID namespace cannot be replaced: the poll says so" {
	ring_start "${to[@]}"
	local first poll=(on host unshare --pid --fork mirroring --cmd=status --iface=eth0 --direction=ingress)
	first=$(sender)
	kill -STOP "$first"
	wait_until 5 eval '[[ $(on host mirror-sender --status) == *"does not answer"* ]]'
	expect 1 "${poll[@]}"
	[[ $output == "mirroring: not running: mirror-sender is not running or hangs, and cannot be replaced" ]]
	kill -CONT "$first"
	expect 0 "${poll[@]}"
	[[ $output == RUNNING && $(sender) == "$first" ]]
}
