#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# The lab itself: what tests rest on.

load ../lab

setup() {
	requires_root
	requires_command ethtool ping tcpdump
	requires_device vxlan id 1 dstport 4789
	lab_begin
}

# Whether a command fails, also under bats' set -e.
fails() {
	! "$@"
}

@test "expect: status, output, time" {
	lab_host one
	expect 0 on one echo text
	[[ $output == text ]]
	expect 3 on one sh -c 'exit 3'
	expect '!' on one false
	fails expect 0 on one false
	fails expect '!' on one true
	LAB_TIMEOUT=0.1 expect 124 on one sleep 5
	LAB_TIMEOUT=0.1 fails expect '!' on one sleep 5
}

@test "a host has a bpffs, devices and a /run of its own" {
	lab_host one two
	on one mkdir /sys/fs/bpf/mark
	on one touch /run/mark
	expect '!' on two ls /sys/fs/bpf/mark
	expect '!' on two ls /run/mark
	[[ ! -e /sys/fs/bpf/mark && ! -e /run/mark ]]
	expect 0 on two ls /sys/class/net
	[[ $output == lo ]]
}

@test "the three hosts reach each other, and the end leaves no process" {
	lab_three_hosts
	expect 0 on client ping -c 1 -W 1 "$LAB_HOST4"
	expect 0 on client ping -c 1 -W 1 "$LAB_HOST6"
	expect 0 on host ping -c 1 -W 1 "$LAB_COLLECTOR4"
	expect 0 on host ping -c 1 -W 1 "$LAB_COLLECTOR6"
	spawn host sleeper sleep 100
	local holder=${LAB_HOLDER[host]} sleeper=$pid
	kill -0 "$holder" "$sleeper"
	lab_end
	fails kill -0 "$holder"
	fails kill -0 "$sleeper"
}

# failing BODY: what bats reports of a test that holds this.
failing() {
	printf '%s\n' "load $BATS_TEST_DIRNAME/../lab" "broken() {" false "}" '@test "it" {' true "$1" true "}" >"$LAB/failing.bats"
	expect 1 bats --tap "$LAB/failing.bats"
}

@test "a failure is reported with its line in the test" {
	local body
	for body in false broken '[[ 1 == 2 ]]' 'for i in 1 2; do ((i < 2)); done'; do
		failing "$body"
		[[ $output == *"failing.bats, line 7)"* ]]
	done
}

# What goes into the host's vxlan0 comes out of the collector's, and nothing else does.
tunnel() {
	lab_three_hosts
	lab_vxlan "$1"
	on host ip addr add 203.0.113.1/24 dev vxlan0
	on host ip neigh add 203.0.113.9 lladdr 02:00:00:00:00:09 dev vxlan0
	capture copies collector vxlan0
	expect 1 on host ping -c 3 -i 0.1 -W 0.1 203.0.113.9
	capture_end copies
	[[ $(captured copies) == 3 && $(captured copies icmp) == 3 && $(captured copies tcp) == 0 ]]
}

@test "VXLAN over IPv4" {
	tunnel 4
}

@test "VXLAN over IPv6" {
	tunnel 6
}
