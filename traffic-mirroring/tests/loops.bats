#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# Copies that leave by the mirrored NIC are never copied again: in these labs, host mirrors all that eth1 sends and
# receives into a tunnel over eth1.

load mirroring

setup() {
	requires_root
	requires_command bpftool ethtool jq
	requires_device vxlan id 1 dstport 4789
	lab_begin
	lab_three_hosts
	on host tc_root start --iface eth1 --quiet
}

lose_mark() {
	on host bpftool prog load "$mirroring_build/traffic-mirroring/tests/clear_mark.bpf.o" /sys/fs/bpf/clear_mark
	on host tc qdisc add dev "$1" clsact
	on host tc filter add dev "$1" egress bpf direct-action object-pinned /sys/fs/bpf/clear_mark
}

count() {
	on host mirroring status --iface=eth1 --direction="$1" --json | jq ".[0].counters.$2"
}

# near NUMBER WANT: there may be a few packets of neighbour discovery beside those that are meant.
near() {
	(($1 >= $2 - 50 && $1 <= $2 + 50))
}

# Each request and answer is copied once, and each copy is known as one when it leaves by eth1.
each_copied_once() {
	local collector=$1 pings=${LOOP_PINGS:-10000}
	on host ping -f -q -c "$pings" "$collector"
	local requests answers known arrived
	requests=$(count egress device)
	answers=$(count ingress device)
	known=$(count egress own_copy)
	arrived=$(on collector cat /sys/class/net/vxlan0/statistics/rx_packets)
	echo "copied: $requests sent, $answers received; known as copies: $known; arrived: $arrived"
	near "$requests" "$pings"
	near "$answers" "$pings"
	near "$known" $((2 * pings))
	near "$arrived" $((2 * pings))
}

@test "known by mark, over IPv4" {
	lab_vxlan 4
	# the mark is all there is: eth1's way to the collector is not in the outers table
	mirror_uplink --tunnel-interface-name=vxlan0
	forget_outers
	each_copied_once "$LAB_COLLECTOR4"
}

@test "known by outer address and port where the mark is lost, over IPv4" {
	lab_vxlan 4
	lose_mark vxlan0
	mirror_uplink --tunnel-interface-name=vxlan0
	each_copied_once "$LAB_COLLECTOR4"
}

@test "known by outer address and port where the mark is lost, over IPv6" {
	lab_vxlan 6
	lose_mark vxlan0
	mirror_uplink --tunnel-interface-name=vxlan0
	each_copied_once "$LAB_COLLECTOR6"
}

@test "a tunnel that does not tell its remote end: the options do" {
	lab_vxlan 4
	on host ip link del vxlan0
	on host ip link add vxlan0 type vxlan id 42 dstport 4789 dev eth1
	on host bridge fdb append 00:00:00:00:00:00 dev vxlan0 dst "$LAB_COLLECTOR4"
	on host ip link set vxlan0 addrgenmode none
	on host ip link set vxlan0 up
	lose_mark vxlan0
	mirror_uplink --tunnel-interface-name=vxlan0 --tunnel-remote-address="$LAB_COLLECTOR4" --tunnel-remote-port=4789
	each_copied_once "$LAB_COLLECTOR4"
}

@test "a packet to the collector that is no copy is copied" {
	lab_vxlan 4
	mirror_uplink --tunnel-interface-name=vxlan0
	capture copies collector vxlan0 udp port 4790
	on host bash -c "for i in 1 2 3; do echo >/dev/udp/$LAB_COLLECTOR4/4790; done"
	capture_end copies
	[[ $(captured copies) == 3 ]]
}
