# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# shellcheck shell=bash
#
# What the labs of the ring share. Host mirrors all that eth0 receives and sends to collectors by address, through the
# ring and mirror-sender; the sender uses eth1.
#
#   ring_lab                First, the setup of tests without one of their own: the three hosts, root programs on
#                           host's eth0. What leaves eth1 is what a wire would carry.
#   ring_wire               What is captured at the client is then what a wire would carry, in its order, although the host's
#                           packets are super-packets. Neighbours know each other for good.
#   ring_start [OPTION…]    start of ingress, then of egress; rules=TEXT before it replaces the rule "mirror".
#   ring_update OPTION…     update of both.
#   sent NAME               One of the sender's counters, by its name in the metrics: copies, not_ip …
#   sent_all                All of them, as NAME=VALUE.
#   outcome DIRECTION NAME  One of the data path's counters.
#   sender                  The pid of the sender.
#   idle                    Succeeds when the sender has nothing to do.

load mirroring

tools=$BATS_TEST_DIRNAME
export PYTHONDONTWRITEBYTECODE=1

ring_lab() {
	requires_root
	requires_command bpftool busybox ethtool jq python3 tcpdump
	lab_begin
	lab_three_hosts
	lab_no_offload host eth1 >/dev/null
	on host ethtool -K eth1 tx off >/dev/null
	on host tc_root start --iface eth0 --quiet
}

setup() {
	ring_lab
}

ring_wire() {
	lab_no_offload client eth0
	on client ethtool -K eth0 tx off
	on host ethtool -K eth0 tx off tso off gso on gro on rx-udp-gro-forwarding on
	# on one CPU, whichever they were sent on
	on client bash -c "echo 1 >/sys/class/net/eth0/queues/rx-0/rps_cpus"
	lab_neighbour client eth0 host eth0 $LAB_HOST4 $LAB_HOST6
	lab_neighbour host eth0 client eth0 $LAB_CLIENT4 $LAB_CLIENT6
}

ring_start() {
	local direction
	for direction in ingress egress; do
		mirror 0 start --map-name="$pins/tc_${direction}_root_array" --rules="${rules:-mirror}" "$@" || return
	done
}

ring_update() {
	local direction
	for direction in ingress egress; do
		mirror 0 update "$@" || return
	done
}

sent_all() {
	on host mirroring metrics | sed -n 's/^mirroring_sender_\([a-z_]*\)_total \([0-9]*\)$/\1=\2/p'
}

sent() {
	sent_all | sed -n "s/^$1=//p"
}

outcome() {
	direction=$1 report ".counters.$2"
}

sender() {
	on host mirror-sender --status | sed -n 's/^sender   running, process \([0-9]*\).*/\1/p'
}

idle() {
	local status
	status=$(on host mirror-sender --status)
	# one that was interrupted while it looked at the rings before its sleep has work to do
	[[ $status == *"sender   running"*", asleep"*"the fullest at 0 %"* ]]
}
