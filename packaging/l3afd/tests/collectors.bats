#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# Collectors by address: rings, and a mirror-sender that our updater starts as l3afd's descendant.

load l3afd

setup() {
	l3afd_lab
	l3afd_start
	deploy collectors.json
	# start and update go on after l3afd has answered
	wait_until 10 settled
}

sender() {
	pgrep --exact mirror-sender
}

# Just one, and another one than that of before, if named.
sender_runs() {
	[[ $(sender | wc -l) == 1 && $(sender) != "$1" ]]
}

# The programs that run, by their numbers in the kernel.
programs() {
	report ingress .program_id
	report egress .program_id
}

# Both are others than those of before.
reloaded() {
	settled && [[ $(programs | grep -cvwF "$1") == 2 ]]
}

settled() {
	sender_runs "" && [[ $(report ingress '.filters | length') == 2 && $(report egress '.filters | length') == 2 ]]
}

# Three echo requests and their answers come to the collector in VXLAN packets.
arrive() {
	capture copies collector vxlan0
	pings 3
	# a sender that has just been started sends what the rings hold
	wait_until 5 all_arrived
	capture_end copies
	all_arrived
}

all_arrived() {
	[[ $(captured copies 'icmp[icmptype] == icmp-echo') == 3 && $(captured copies 'icmp[icmptype] == icmp-echoreply') == 3 ]]
}

@test "a start of the payload starts the sender, a delete ends it" {
	arrive
	[[ $(report ingress .counters.ring) == 3 && $(report ingress '.problems | length') == 0 ]]
	remove traffic-mirroring
	wait_until 10 not_running
	on host test ! -e /sys/fs/bpf/mirroring-3
}

not_running() {
	! sender
}

# The client asks for a name's page.
ask() {
	expect 0 on client curl --silent --output /dev/null --resolve "$1:8080:$LAB_HOST4" "http://$1:8080/"
}

named() {
	[[ $(report ingress '.filters | length') == 1 && $(report egress '.filters | length') == 1 ]]
}

began_and_ended() {
	[[ $(captured copies 'tcp[tcpflags] & tcp-syn != 0') == 2 && $(captured copies 'tcp[tcpflags] & tcp-fin != 0') == 2 ]]
}

@test "copies of flows by name, with options and with rules" {
	spawn host web python3 -m http.server 8080 --directory "$LAB/bin"
	deploy domain.json
	wait_until 10 named
	wait_until 5 on host bash -c "exec 3<>/dev/tcp/127.0.0.1/8080"
	capture copies collector vxlan0
	ask www.example.org
	ask www.example.com
	wait_until 5 began_and_ended
	capture_end copies
	began_and_ended
	[[ $(captured copies 'not tcp') == 0 ]]
}

@test "a sender that is killed comes back, because l3afd asks for the status" {
	local before program
	before=$(sender) program=$(report ingress .program_id)
	kill -KILL "$before"
	wait_until 10 sender_runs "$before"
	arrive
	# l3afd was told RUNNING all the time, so it has loaded nothing anew
	[[ $(report ingress .program_id) == "$program" ]]
	! grep -q 'not running' "$LAB/l3afd.log"
}

@test "l3afd killed alone: copies go on; started again: still one sender" {
	local before
	before=$(programs)
	l3afd_kill
	arrive
	! versioned || {
		l3afd_start
		wait_until 10 reloaded "$before"
		arrive
	}
}

# As the service manager does with all of a service's processes, which the sender is one of.
kill_group() {
	kill -"$1" "$l3afd" "$(sender)"
	wait_until 30 l3afd_ended
	wait_until 10 not_running
}

@test "l3afd and sender stopped as one service, started again: copies come back" {
	kill_group TERM
	l3afd_start
	wait_until 10 settled
	arrive
}

@test "l3afd and sender killed as one service, started again: copies come back" {
	local before
	before=$(programs)
	kill_group KILL
	versioned || expect 0 on host tc_root stop --iface eth0
	l3afd_start
	wait_until 10 reloaded "$before"
	wait_until 10 chains_are "tc_DIRECTION_root -> _DIRECTION_redirect -> end"
	arrive
}
