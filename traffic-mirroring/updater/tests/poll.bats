#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# l3afd's poll: one word, or it loads anew what is healthy. It depends on nothing but the instance that it asks about.

load ../../tests/mirroring

setup() {
	mirroring_lab && stub
}

# poll OPTION…: as l3afd asks about eth0 and $direction; both outputs in $output.
poll() {
	expect "$1" on host mirroring --cmd=status --iface=eth0 --direction="$direction" "${@:2}"
}

running() {
	poll 0 "$@"
	[[ $output == RUNNING ]]
}

not_running() {
	poll 1
	[[ $output == "mirroring: $1" ]]
}

@test "a pin that cannot be read elsewhere does not matter" {
	mirror_start
	direction=egress mirror_start
	on host tc_root start --iface=eth1 --quiet
	mirror_uplink --tunnel-interface-name=vxlan0
	local broken
	for broken in eth1/mirroring_ingress_banks eth0/mirroring_egress_banks; do
		on host rm "/sys/fs/bpf/tc/globals/$broken"
	done
	running
	running --version=latest
	direction=egress not_running "not running: its pins cannot be read; \`mirroring status\` says why"
	# what lists all shows what it can, and fails
	expect 1 on host mirroring status
	[[ $output == *"eth0/mirroring_egress_banks: No such file"*"eth0 ingress: on"* ]]
	[[ $output == *"eth1/mirroring_ingress_banks: No such file"* && $output == *"eth1 egress: on"* ]]
	expect 1 on host mirroring metrics
	[[ $output == *'mirroring_on{iface="eth0",direction="ingress"} 1'* ]]
	[[ $output == *'mirroring_on{iface="eth1",direction="egress"} 1'* ]]
	[[ $output != *'{iface="eth1",direction="ingress"'* ]]
}

@test "no command has more instances open than its own and another" {
	mirror_start
	direction=egress mirror_start
	on host tc_root start --iface=eth1 --quiet
	mirror_uplink --tunnel-interface-name=vxlan0
	local command
	# an instance has 22 maps
	for command in status metrics --cmd=status "stop --iface=eth1 --direction=egress"; do
		# shellcheck disable=SC2086
		expect 0 on host prlimit --nofile=60:60 mirroring $command
		[[ $output != *"Too many open files"* ]]
	done
	# the soft limit is raised
	expect 0 on host prlimit --nofile=10:100 mirroring metrics
}

program=/sys/fs/bpf/progs/eth0/_ingress_redirect_tc

# meanwhile COMMAND…: starts what l3afd has loaded while the command waits for that; what it says is in $LAB/said.
meanwhile() {
	on host mirroring "$@" --iface=eth0 --direction=ingress &>"$LAB/said" 3>&- &
	local job=$!
	wait_until 5 on host test -e $program
	mirror 0 start --redirect-to=eth1
	wait $job
}

@test "a start that is about to come is waited for, by the poll and by update" {
	load_like_l3afd
	# for longer while the kernel verifies the program, which is pinned then
	on host mv $program /sys/fs/bpf/later
	spawn host verified sh -c "sleep 2.5; mv /sys/fs/bpf/later $program"
	meanwhile --cmd=status
	[[ $(<"$LAB/said") == RUNNING ]]
	# a stop that fails, here at the lock of routes, takes back what it tells the poll first
	requires_command strace
	expect 1 on host strace -qq -o /dev/null -e inject=flock:error=ENOLCK:when=2 mirroring stop --iface=eth0 --direction=ingress
	[[ $output == "mirroring: cannot lock "* ]]
	running
	mirror 0 stop
	meanwhile update --rules="mirror proto icmp"
	shows "mirror proto icmp"
	direction=egress not_running "no traffic-mirroring is running on eth0 egress"
}

@test "a start that failed: neither update nor the poll says that all is well" {
	load_like_l3afd
	mirror 2 start --tunel-interface-name=vxlan0
	mirror 1 update --rules="mirror proto icmp"
	[[ $output == "mirroring: eth0 ingress: start has not run, or it failed: its message says why" ]]
	not_running "not running: start has not run, or it failed: its message says why"
	mirror 0 status
	[[ $output == *"PROBLEM    start has not run, or it failed"* ]]
	# l3afd forgets the program before it runs cmd_stop: RUNNING while that works would be the wrong word
	spawn host stop flock "$pins" sh -c "touch '$LAB/held'; sleep 0.5"
	wait_until 5 test -e "$LAB/held"
	not_running "not running: start has not run, or it failed: its message says why"
	# whoever holds the lock for longer may be starting it
	spawn host holder flock "$pins" sleep 60
	wait_until 5 on host bash -c "! flock --nonblock '$pins' true"
	running
}

not_started() {
	[[ $(on host mirroring status --iface=eth0 --direction=ingress) == *"PROBLEM    start has not run"* ]]
}

# stop_behind DIRECTORY COMMAND…: a stop that waits for the lock of a directory; the command is run meanwhile.
stop_behind() {
	rm -f "$LAB/held" "$LAB/free"
	spawn host holder flock "$1" sh -c "touch '$LAB/held'; until test -e '$LAB/free'; do sleep 0.1; done"
	wait_until 5 test -e "$LAB/held"
	on host mirroring stop --iface=eth0 --direction=ingress &>"$LAB/said" 3>&- &
	local job=$!
	wait_until 5 not_started
	"${@:2}"
	touch "$LAB/free"
	wait $job
}

@test "a stop: the poll is told before it waits for anything, and RUNNING never comes back" {
	requires_command strace
	local fault gone="not running: start has not run, or it failed: its message says why"
	load_like_l3afd
	mirror 0 start --redirect-to=eth1
	stop_behind "$pins" true
	# for the sender's end it waits without its lock
	mirror 0 start --rules=mirror --tunnel-remote-address=$LAB_COLLECTOR4
	stop_behind /sys/fs/bpf/mirroring-3 not_running "$gone"
	# it fails after it has emptied the configuration in force, before it empties the previous one
	mirror 0 start --redirect-to=eth1
	on host strace -qq -e trace=bpf -o "$LAB/trace" mirroring stop --iface=eth0 --direction=ingress
	fault=$(awk '/^bpf/ { n++ } /grace_inner/ && ++commits == 2 { print n }' "$LAB/trace")
	mirror 0 start --redirect-to=eth1
	expect 1 on host strace -qq -o /dev/null -e inject=bpf:error=ENOMEM:when="$fault" mirroring stop --iface=eth0 --direction=ingress
	not_running "$gone"
	mirror 0 stop
}

@test "several versions beside each other: each counts" {
	load_like_l3afd traffic-mirroring 1.0
	load_like_l3afd traffic-mirroring 2.0
	mirror 0 start --version=2.0 --tunnel-interface-name=vxlan0
	running
	running --version=2.0
	poll 1 --version=1.0
	expect 0 on host mirroring status --json
	[[ $(jq -r '.[].pins' <<<"$output") == "$pins/traffic-mirroring/1_0"$'\n'"$pins/traffic-mirroring/2_0" ]]
}
