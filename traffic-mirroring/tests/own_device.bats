#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# Copies never leave out of the mirrored interface with production's addresses: the command refuses it, and so does
# the data path.

load mirroring

setup() {
	requires_root
	requires_command bpftool busybox jq
	lab_begin
	lab_three_hosts
	on host tc_root start --iface eth1 --quiet
}

device_failed() {
	on host mirroring status --iface="$1" --direction="$2" --json | jq '.[0].counters.device_failed'
}

# Makes the first filter's copies leave by the mirrored device, behind the updater's back. INTERFACE DIRECTION
clone_to_itself() {
	local index key
	index=$(on host cat "/sys/class/net/$1/ifindex")
	for key in 0 64; do # in either bank
		on host bash -c "bpftool -j map lookup pinned /sys/fs/bpf/tc/globals/$1/mirroring_$2_filters key $key 0 0 0 |
			jq -r '.value | .[28] = \"$index\" | .[29] = \"0\" | join(\" \")' |
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
	on host busybox ping -q -i 0.002 -c 200 "$LAB_COLLECTOR4"
	capture_end requests
	[[ $(captured requests) == 200 && $(device_failed eth1 egress) == 200 ]]
}

@test "out of the mirrored device: a bridge before it sends answers to the client" {
	lab_host switch
	lab_wire collector lan0 switch p0 && lab_wire host lan0 switch p1
	on switch sh -c 'ip link add br0 up type bridge && ip link set p0 master br0 && ip link set p1 master br0'
	lab_addresses collector lan0 203.0.113.1 2001:db8:3::1 && lab_addresses host lan0 203.0.113.2 2001:db8:3::2
	on host tc_root start --iface lan0 --quiet
	refused_twice lan0 ingress
	expect 0 on collector busybox ping -q -i 0.002 -c 200 203.0.113.2
	[[ $output == *" 200 packets received"* ]]
	[[ $(device_failed lan0 ingress) == 200 ]]
}
