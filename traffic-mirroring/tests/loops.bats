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

# Each of 10,000 requests and answers is copied once, and each copy is known as one when it leaves by eth1.
each_copied_once() {
	local collector=$1
	on host ping -f -q -c 10000 "$collector"
	local requests answers known arrived
	requests=$(count egress device)
	answers=$(count ingress device)
	known=$(count egress own_copy)
	arrived=$(on collector cat /sys/class/net/vxlan0/statistics/rx_packets)
	echo "copied: $requests sent, $answers received; known as copies: $known; arrived: $arrived"
	near "$requests" 10000
	near "$answers" 10000
	near "$known" 20000
	near "$arrived" 20000
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

# Makes the first filter's copies leave by the mirrored device, behind the updater's back. INTERFACE DIRECTION
clone_to_itself() {
	local index key
	index=$(on host cat "/sys/class/net/$1/ifindex")
	for key in 0 64; do # in either bank
		on host bash -c "bpftool -j map lookup pinned /sys/fs/bpf/tc/globals/$1/mirroring_$2_filters key $key 0 0 0 |
			jq -r '.value | .[16] = \"$index\" | .[17] = \"0\" | join(\" \")' |
			xargs bpftool map update pinned /sys/fs/bpf/tc/globals/$1/mirroring_$2_filters key $key 0 0 0 value"
	done
}

# Refused by the command, and, where a row says so, by the data path. INTERFACE DIRECTION
refused_twice() {
	local way
	on host ip link add link "$1" name above0 up type macvlan
	on host ip link add apart0 up type veth
	expect 0 on host mirroring start --iface="$1" --direction="$2" --rules="mirror proto icmp" \
		--redirect-to=apart0 --map-name="/sys/fs/bpf/tc/globals/$1/tc_$2_root_array"
	for way in redirect-to={"$1",above0} "redirect-to=$1 --tunnel-type="{dev,"vlan --tunnel-id=9"} \
		"redirect-to=$1 --allow-same-device=on"; do
		# shellcheck disable=SC2086
		expect 1 on host mirroring update --iface="$1" --direction="$2" --$way
		[[ $output == *"expected a device that $1 is neither stacked on nor part of, got "* ]]
	done
	clone_to_itself "$1" "$2"
}

@test "out of the mirrored device: the peer gets each packet once" {
	refused_twice eth1 egress
	capture requests collector eth0 'icmp[0] == 8'
	on host ping -q -i 0.002 -c 200 "$LAB_COLLECTOR4"
	capture_end requests
	[[ $(captured requests) == 200 && $(count egress device_failed) == 200 ]]
}

@test "out of the mirrored device: a bridge before it sends answers to the client" {
	lab_host switch
	lab_wire collector lan0 switch p0 && lab_wire host lan0 switch p1
	on switch sh -c 'ip link add br0 up type bridge && ip link set p0 master br0 && ip link set p1 master br0'
	lab_addresses collector lan0 203.0.113.1 2001:db8:3::1 && lab_addresses host lan0 203.0.113.2 2001:db8:3::2
	on host tc_root start --iface lan0 --quiet
	refused_twice lan0 ingress
	expect 0 on collector ping -q -i 0.002 -c 200 203.0.113.2
	[[ $output == *" 200 received"* ]]
	[[ $(on host mirroring status --iface=lan0 --direction=ingress --json | jq '.[0].counters.device_failed') == 200 ]]
}
