#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# What can be wrong with the host has an error of its own; what is large works.

load ../../tests/mirroring

setup() {
	mirroring_lab
}

teardown() {
	lab_end
}

# prefixes COUNT FIRST: comma-separated IPv4 prefixes of 32 bits, none beside another.
prefixes() {
	awk -v n="$1" -v first="$2" 'BEGIN {
		for (i = first; i < first + n; i++)
			printf "%s%d.%d.%d.%d", (i > first ? "," : ""), 10 + i / 4194304, i / 16384 % 256, i / 64 % 256, i % 64 * 4
	}'
}

@test "a lock that somebody holds: every writer gives up, and names the process" {
	mirror_start --rules="mirror proto icmp"
	spawn host holder flock "$pins" sleep 60
	local command job jobs=()
	wait_until 5 on host bash -c "! flock --nonblock '$pins' true"
	for command in start update stop show rollback; do
		LAB_TIMEOUT=20 on host mirroring $command --iface=eth0 --direction=ingress &>"$LAB/$command.said" 3>&- &
		jobs+=($!)
	done
	# those that change nothing need no lock
	mirror 0 status
	[[ $(on host mirroring --cmd=status) == RUNNING ]]
	expect 0 on host mirroring metrics
	for job in "${jobs[@]}"; do
		! wait "$job" || { echo "one of them succeeded"; return 1; }
	done
	for command in start update stop show rollback; do
		cat "$LAB/$command.said"
		[[ $(<"$LAB/$command.said") =~ ^"mirroring: cannot lock $pins: process "([0-9]+)" has held it for over 10 seconds"$ ]]
		# flock's file descriptor is also its child's; both are ours
		[[ $(</proc/"${BASH_REMATCH[1]}"/comm) == @(flock|sleep) ]]
	done
}

@test "a pin that is missing is named" {
	mirror_start --rules="mirror proto icmp"
	on host rm "$pins/mirroring_ingress_vlan"
	local command
	for command in start update show rollback; do
		mirror 1 $command
		[[ $output == "mirroring: $pins/mirroring_ingress_vlan: No such file or directory" ]]
	done
	# what start loaded can be stopped all the same
	mirror 0 stop
	expect 0 on host find /sys/fs/bpf -name '*mirroring*'
	[[ ! $output ]]
}

@test "maps of another version of the data path are left alone" {
	mirror_start
	on host rm "$pins/mirroring_ingress_banks"
	on host bpftool map create "$pins/mirroring_ingress_banks" type array key 4 value 8 entries 2 name banks
	mirror 1 update --rules=mirror
	[[ $output == *"belongs to another version of traffic-mirroring"* ]]
}

@test "update without start gives up after a while; stop has nothing to do" {
	mirror 1 update --rules=mirror
	[[ $output == "mirroring: no traffic-mirroring is pinned for eth0 ingress: load it with l3afd, or run start with --map-name" ]]
	mirror 0 stop
}

@test "no target at all" {
	mirror 1 start --map-name="$pins/tc_ingress_root_array" --rules="skip proto tcp; mirror"
	[[ $output == "mirroring: filter 2 has no destination: "* ]]
}

@test "a mirrored interface that is not up is a warning" {
	on host ip link set eth0 down
	mirror_start --rules=mirror
	[[ $output == *"warning: interface eth0 is not up"* ]]
}

@test "an interface with a dot in its name: the dot is named" {
	on host ip link add eth0.7 up type veth
	expect 1 on host mirroring start --iface=eth0.7 --direction=ingress --map-name="$pins/tc_ingress_root_array" --tunnel-interface-name=vxlan0
	[[ $output == "mirroring: eth0.7: nothing can be pinned for it, because a name on bpffs has no dot" ]]
}

@test "no bpffs" {
	on host umount /sys/fs/bpf
	mirror 1 start --map-name="$pins/tc_ingress_root_array" --tunnel-interface-name=vxlan0
	[[ $output == *"is a bpffs mounted at /sys/fs/bpf?" ]]
}

@test "a full address table: refused as a whole, and named" {
	echo "mirror src $(prefixes 65537 0)" >"$LAB/too-many"
	echo "mirror src $(prefixes 65536 0)" >"$LAB/many"
	echo "mirror src $(prefixes 65536 100000)" >"$LAB/others"
	mirror_start --rules-file="$LAB/many"
	mirror 1 update --rules-file="$LAB/too-many"
	[[ $output == "mirroring: 65537 different IPv4 src prefixes, but a table takes 65536" ]]
	mirror 0 show
	[[ $(md5sum <<<"$output") == "$(md5sum <"$LAB/many")" ]]
	[[ $(report .generation) == 1 ]]
	# as many others: both banks have their room
	mirror 0 update --rules-file="$LAB/others"
	mirror 0 show
	[[ $(md5sum <<<"$output") == "$(md5sum <"$LAB/others")" ]]
}

# update_within CALLS OPTION…: an update that makes at most CALLS system calls, none of which waits. The time by the
# clock would depend on what else this machine does.
update_within() {
	expect 0 on host strace -f -c -o "$LAB/calls" mirroring update --iface=eth0 --direction=$direction "${@:2}"
	cat "$LAB/calls"
	local calls
	calls=$(awk '$NF == "total" { print $4 }' "$LAB/calls")
	echo "# $calls system calls, at most $1" >&3
	((calls <= $1))
	! grep -E ' (clock_nanosleep|nanosleep|pause|p?poll|p?select6?|epoll_.*|wait4|waitid)$' "$LAB/calls"
}

@test "64 filters with 20,000 prefixes are in force after few system calls per prefix" {
	requires_command strace
	local i
	for ((i = 0; i < 63; i++)); do
		echo "mirror proto udp src $(prefixes 317 $((i * 317)))"
	done >"$LAB/rules"
	echo "mirror proto icmp src $(prefixes 28 20000),$LAB_CLIENT4 dst 0.0.0.0/0" >>"$LAB/rules"
	[[ $(tr -cd / <"$LAB/rules" | wc -c) == 1 ]]
	mirror_start
	update_within 25000 --rules-file="$LAB/rules"
	pings 3
	[[ $(report '"\(.filters | length) \(.filters[63].packets)"') == "64 3" ]]
	mirror 0 show
	[[ $(wc -c <<<"$output") -gt 200000 ]]
	# the same over itself: five times as many system calls, too many for strace, within two seconds of CPU time
	printf '%s\n' "$output" >"$LAB/shown"
	expect 0 on host prlimit --cpu=$((2 * LAB_PATIENCE)) \
		mirroring update --iface=eth0 --direction=$direction --rules-file="$LAB/shown"
}

@test "a handful of filters is in force after 600 system calls at most" {
	requires_command strace
	mirror_start
	update_within 600 --rules="mirror proto tcp port 80; mirror proto icmp; mirror src 192.0.2.0/24"
}
